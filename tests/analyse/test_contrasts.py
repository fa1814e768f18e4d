from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.models.contrasts import marginal_means, ordinary, standardised
from gutbrain.analyse.models.mixed import mixed
from gutbrain.analyse.models.mmrm import mmrm
from gutbrain.errors import InputError

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def trial() -> pl.DataFrame:
    return pl.read_csv(HERE / "repeated_trial.csv")


def test_marginal_means_as_emmeans(trial: pl.DataFrame) -> None:
    # emmeans 1.8.4-1 of lmer(value ~ arm * visit + age + (1 | person)), Kenward-Roger
    fit = mixed(trial, "value", "arm * visit + age", degrees_method="kenward-roger")
    found = marginal_means(fit, ["visit", "arm"]).table()
    assert found["visit"].to_list()[:3] == ["v0", "v0", "v1"]
    assert found["estimate"].to_list() == pytest.approx(
        [9.22839462, 9.73107798, 9.24923116, 11.56319298, 9.71867229, 12.22613895, 11.10421503, 12.53805482], abs=1e-6
    )
    assert found["standard_error"].to_list() == pytest.approx(
        [0.531756270, 0.530366883, 0.647463729, 0.611828717, 0.580196918, 0.553245519, 0.611442976, 0.579720940],
        abs=1e-6,
    )
    assert found["df"].to_list() == pytest.approx([66.44, 66.65, 70.85, 70.34, 69.00, 68.03, 69.80, 69.33], abs=0.005)
    assert found["low"].to_list()[-1] == pytest.approx(11.38164079, abs=1e-5)
    assert found["high"].to_list()[-1] == pytest.approx(13.69446890, abs=1e-5)


def test_differences_as_emmeans(trial: pl.DataFrame) -> None:
    fit = mixed(trial, "value", "arm * visit + age", degrees_method="kenward-roger")
    means = marginal_means(fit, ["visit", "arm"])
    rows = [means.row(visit=visit, arm="B") - means.row(visit=visit, arm="A") for visit in ("v0", "v1", "v2", "v3")]
    found = fit.contrast(np.array(rows))
    assert found["estimate"].to_list() == pytest.approx([0.502683362, 2.313961820, 2.507466663, 1.433839795], abs=1e-7)
    assert found["standard_error"].to_list() == pytest.approx(
        [0.751911830, 0.890864274, 0.801815243, 0.842217681], abs=1e-7
    )
    assert found["df"].to_list() == pytest.approx([66.45, 70.44, 68.47, 69.56], abs=0.006)
    assert found["p"].to_list() == pytest.approx([0.5061, 0.0114, 0.0026, 0.0931], abs=6e-5)


def test_ordinary_least_squares_as_emmeans(trial: pl.DataFrame) -> None:
    # emmeans 1.8.4-1 of lm(value ~ arm + age), the last visit
    fit = ordinary(trial.filter(pl.col("visit") == "v3"), "value", "arm + age")
    found = marginal_means(fit, ["arm"]).table()
    assert found["estimate"].to_list() == pytest.approx([11.0793473, 12.5343874], abs=1e-7)
    assert found["standard_error"].to_list() == pytest.approx([0.840087341, 0.796940046], abs=1e-8)
    assert found["df"].to_list() == pytest.approx([16, 16])
    assert found["low"][0] == pytest.approx(9.29844172, abs=1e-7)


def test_a_difference_does_not_hang_on_weights_without_interactions(trial: pl.DataFrame) -> None:
    table = trial.with_columns((pl.col("age") > 45).alias("older"))
    fit = mmrm(table, "value", "arm * visit + older")
    gaps = []
    for weights in ("equal", "observed"):
        means = marginal_means(fit, ["arm", "visit"], weights=weights)
        gaps.append(means.row(visit="v3", arm="B") - means.row(visit="v3", arm="A"))
    assert gaps[0] == pytest.approx(gaps[1])
    equal, observed = (
        marginal_means(fit, [], weights=weights).table()["estimate"][0] for weights in ("equal", "observed")
    )
    assert equal != pytest.approx(observed, abs=1e-3)


def test_observed_weights_give_the_mean_of_least_squares(trial: pl.DataFrame) -> None:
    fit = ordinary(trial.filter(pl.col("visit") == "v0"), "value", "arm + age")
    overall = marginal_means(fit, [], weights="observed").table()
    assert overall["estimate"][0] == pytest.approx(trial.filter(pl.col("visit") == "v0")["value"].mean())


def test_an_empty_cell_has_no_mean(trial: pl.DataFrame) -> None:
    table = trial.filter(~((pl.col("visit") == "v2") & (pl.col("arm") == "B")))
    means = marginal_means(mmrm(table, "value", "arm * visit"), ["arm", "visit"])
    assert means.unknown.rows() == [("B", "v2")]
    assert means.row(arm="B", visit="v2") is None
    assert len(means.levels) == 7


def test_numbers_stand_at_their_mean_or_where_they_are_set(trial: pl.DataFrame) -> None:
    fit = ordinary(trial.filter(pl.col("visit") == "v0"), "value", "arm + age")
    slope = fit.estimates[fit.design.columns.index("age")]
    found = marginal_means(fit, ["age"], {"age": [30.0, 40.0]}).table()
    assert np.diff(found["estimate"])[0] == pytest.approx(10 * slope)
    assert found["age"].to_list() == [30.0, 40.0]


def test_a_combination_of_nothing_has_no_test(trial: pl.DataFrame) -> None:
    fit = ordinary(trial.filter(pl.col("visit") == "v0"), "value", "arm")
    row = fit.contrast(np.zeros(2)).row(0, named=True)
    assert (row["estimate"], row["p"], row["statistic"]) == (0, None, None)


def test_hedges_g() -> None:
    table = pl.DataFrame({"estimate": [2.0], "low": [1.0], "high": [3.0]})
    found = standardised(table, 4.0, 22, 2)
    assert found["hedges_g"][0] == pytest.approx(0.5 * (1 - 3 / 79))
    assert standardised(table, 0.0, 22, 2)["hedges_g"][0] is None


def test_what_cannot_be_asked_is_said(trial: pl.DataFrame) -> None:
    fit = ordinary(trial.filter(pl.col("visit") == "v0"), "value", "arm")
    with pytest.raises(InputError, match="has no 'age'"):
        marginal_means(fit, ["age"])
    with pytest.raises(InputError, match="no weights"):
        marginal_means(fit, ["arm"], weights="flat")
    with pytest.raises(InputError, match="no term"):
        fit.term("age")
    with pytest.raises(InputError, match="imply each other"):
        fit.joint(np.array([[0, 1.0], [0, 2.0]]))
    with pytest.raises(InputError, match="did not occur"):
        marginal_means(fit, ["arm"], {"arm": ["C"]})
    with pytest.raises(InputError, match="without a remainder"):
        ordinary(trial, "age", "age")
