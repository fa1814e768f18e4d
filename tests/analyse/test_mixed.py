from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.models.mixed import mixed
from gutbrain.errors import InputError

HERE = Path(__file__).parent
PEERS = Path(__file__).parents[2].parent / "shared" / "data" / "peers" / "q2-longitudinal"
WHOLE = "month * delivery * diet * antiexposedall"
# Formula of each table of results that q2-longitudinal tests itself against (statsmodels MixedLM).
ECAM = {
    "linear_mixed_effects": (WHOLE, "1"),
    "linear_mixed_effects_no_group_columns": ("month", "1"),
    "linear_mixed_effects_one_variable": ("month * delivery", "1"),
    "linear_mixed_effects_formula_depth": ("month * delivery + month * diet + delivery:diet", "1"),
    "linear_mixed_effects_complex_formula": ("delivery + diet * month", "1"),
    "linear_mixed_effects_with_random_effects": (WHOLE, "1 + month"),
}


@pytest.fixture(scope="module")
def trial() -> pl.DataFrame:
    return pl.read_csv(HERE / "repeated_trial.csv")


@pytest.fixture(scope="module")
def ecam() -> pl.DataFrame:
    if not PEERS.exists():
        pytest.skip("the ECAM cohort needs ../shared")
    return pl.read_csv(PEERS / "ecam_map_maturity.txt", separator="\t", infer_schema_length=None)


def effect(name: str) -> frozenset[str]:
    return frozenset(name.replace("[T.", "[").split(":"))


@pytest.mark.parametrize("name", ECAM)
def test_ecam_as_q2_longitudinal(ecam: pl.DataFrame, name: str) -> None:
    expected = pl.read_csv(PEERS / f"{name}.tsv", separator="\t", infer_schema=False)
    known = {effect(row[0]): (float(row[1]), float(row[2])) for row in expected.iter_rows()}
    found = mixed(ecam, "observed_otus", ECAM[name][0], "studyid", ECAM[name][1])
    rows = {effect(row["term"]): row for row in found.coefficients.iter_rows(named=True)}
    variances = {frozenset({"Group Var"}), frozenset({"Group x month Cov"}), frozenset({"month Var"})}
    assert set(rows) == set(known) - variances
    for key, row in rows.items():
        assert row["estimate"] == pytest.approx(known[key][0], abs=0.00051)
        # statsmodels inverts the joint Hessian of fixed and random parameters: up to 6 per cent wider here.
        assert row["standard_error"] == pytest.approx(known[key][1], rel=0.06)
        assert row["standard_error"] <= known[key][1] + 0.001
    parts = found.components["variance"]
    assert parts[0] == pytest.approx(known[frozenset({"Group Var"})][0], abs=0.0025)
    if len(parts) > 2:
        assert parts[1] == pytest.approx(known[frozenset({"Group x month Cov"})][0], abs=0.001)
        assert parts[2] == pytest.approx(known[frozenset({"month Var"})][0], abs=0.001)
    assert found.converged
    assert not found.singular
    assert found.people == 43
    assert len(found.residuals) == 875


def test_ecam_degrees_of_freedom_as_lmertest(ecam: pl.DataFrame) -> None:
    # lmerTest 3.1-3, pbkrtest 0.5.2
    found = mixed(ecam, "observed_otus", WHOLE, "studyid").coefficients
    assert found["df"].to_list()[:5] == pytest.approx([107.6593, 688.3072, 102.8323, 98.1780, 791.5122], abs=1e-3)
    assert found["standard_error"].to_list()[:2] == pytest.approx([3.463613188, 0.371222457], abs=1e-6)
    found = mixed(ecam, "observed_otus", WHOLE, "studyid", degrees_method="kenward-roger")
    assert found.coefficients["df"].to_list()[:2] == pytest.approx([111.2749, 693.4259], abs=1e-3)
    assert found.coefficients["standard_error"].to_list()[:2] == pytest.approx([3.467697716, 0.373712355], abs=1e-6)
    assert found.deviance == pytest.approx(7767.60868, abs=1e-4)
    found = mixed(ecam, "observed_otus", WHOLE, "studyid", "1 + month", degrees_method="kenward-roger")
    assert found.coefficients["df"].to_list()[:2] == pytest.approx([57.71489, 84.65964], abs=5e-3)
    assert found.deviance == pytest.approx(7721.05171, abs=1e-4)


def test_a_random_part_that_says_too_much_is_called_singular(ecam: pl.DataFrame) -> None:
    # The person's number as a slope within the person: statsmodels stops short of the boundary.
    found = mixed(ecam, "observed_otus", WHOLE, "studyid", "1 + month + studyid")
    assert found.singular
    assert any("singular" in note for note in found.notes)
    assert found.deviance <= 7721.0518
    month = found.coefficients.filter(pl.col("term") == "month")
    assert month["estimate"][0] == pytest.approx(-0.077, abs=0.1)


def test_random_intercept_as_lmertest(trial: pl.DataFrame) -> None:
    # lme4 1.1-31, lmerTest 3.1-3: value ~ arm * visit + age + (1 | person)
    found = mixed(trial, "value", "arm * visit + age")
    assert found.deviance == pytest.approx(315.6095762, abs=1e-6)
    table = found.coefficients
    assert dict(zip(table["term"], table["estimate"], strict=True))["arm[B]:visit[v2]"] == pytest.approx(
        2.0047833, abs=1e-6
    )
    by = {row["term"]: row for row in table.iter_rows(named=True)}
    assert by["Intercept"]["standard_error"] == pytest.approx(1.77112088383, abs=1e-6)
    assert by["Intercept"]["df"] == pytest.approx(23.86556505, abs=1e-4)
    assert by["arm[B]"]["df"] == pytest.approx(66.05062750, abs=1e-4)
    assert by["visit[v3]"]["p"] == pytest.approx(1.506607205e-02, abs=1e-6)
    joint = found.term("arm:visit")
    assert (joint["statistic"], joint["df_error"]) == pytest.approx((1.62509, 53.877689), abs=1e-4)
    assert joint["p"] == pytest.approx(0.19432052, abs=1e-6)


def test_kenward_roger_as_pbkrtest(trial: pl.DataFrame) -> None:
    # pbkrtest 0.5.2
    found = mixed(trial, "value", "arm * visit + age", degrees_method="kenward-roger")
    by = {row["term"]: row for row in found.coefficients.iter_rows(named=True)}
    assert by["Intercept"]["standard_error"] == pytest.approx(1.77568729630, abs=1e-5)
    assert by["Intercept"]["df"] == pytest.approx(25.08167614, abs=1e-4)
    assert by["arm[B]:visit[v3]"]["df"] == pytest.approx(53.76524517, abs=1e-4)
    joint = found.term("arm:visit")
    assert (joint["statistic"], joint["df_error"], joint["p"]) == pytest.approx((1.62043, 54.89677, 0.19515), abs=1e-4)
    places = [place for place, name in enumerate(found.design.columns) if name not in ("Intercept", "arm[B]")]
    joint = found.joint(np.eye(9)[places])  # seven contrasts: F is scaled by 0.98961809
    assert (joint["statistic"], joint["df_error"]) == pytest.approx((3.803180326, 58.69391458), abs=1e-5)
    plain = mixed(trial, "value", "arm * visit + age").joint(np.eye(9)[places])
    assert (plain["statistic"], plain["df_error"]) == pytest.approx((3.855818825, 43.70616052), abs=1e-5)


def test_random_slopes_as_lme4(trial: pl.DataFrame) -> None:
    # lme4 1.1-31 stops some 1e-4 short of the optimum; the deviance agrees
    found = mixed(trial, "value", "arm * day + age", random="1 + day")
    assert found.deviance == pytest.approx(328.292272, abs=2e-6)
    parts = found.components
    assert parts["standard_deviation"].drop_nulls().to_list() == pytest.approx(
        [0.59798540, 0.09564954, 1.44987386], abs=1e-4
    )
    assert parts["correlation"].drop_nulls().to_list() == pytest.approx([-0.546591], abs=2e-4)
    first = found.random.filter(pl.col("group") == "p02")["value"].to_list()
    assert first == pytest.approx([-0.398796, 0.202751], abs=2e-4)
    assert found.coefficients["df"].to_list() == pytest.approx(
        [22.53037, 19.62908, 21.29869, 21.62679, 20.79906], abs=5e-3
    )
    apart = mixed(trial, "value", "arm * day + age", random="1 + day", correlated=False)
    assert apart.deviance == pytest.approx(328.6015599, abs=2e-6)
    assert apart.coefficients["df"].to_list()[1] == pytest.approx(37.17237, abs=1e-2)
    assert apart.components["with"].null_count() == 3


def test_ml_as_lme4(trial: pl.DataFrame) -> None:
    found = mixed(trial, "value", "arm * visit + age", method="ML")
    assert found.deviance == pytest.approx(316.3282573, abs=1e-6)
    assert found.coefficients["standard_error"][0] == pytest.approx(1.64983176678, abs=1e-6)
    assert found.coefficients["df"].to_list()[:2] == pytest.approx([27.34091659, 75.81536038], abs=1e-3)
    with pytest.raises(InputError, match="restricted likelihood"):
        mixed(trial, "value", "arm", method="ML", degrees_method="kenward-roger")


def test_order_of_rows_and_units_do_not_matter(trial: pl.DataFrame) -> None:
    first = mixed(trial, "value", "arm * day", random="1 + day")
    mixed_up = trial.sample(fraction=1.0, shuffle=True, seed=3).with_columns(pl.col("day") * 1440, pl.col("value") * 10)
    second = mixed(mixed_up, "value", "arm * day", random="1 + day")
    assert second.coefficients["p"].to_list() == pytest.approx(first.coefficients["p"].to_list(), rel=1e-5)
    assert second.coefficients["df"].to_list() == pytest.approx(first.coefficients["df"].to_list(), rel=1e-5)
    scale = np.array([10, 10, 10 / 1440, 10 / 1440])
    assert second.estimates == pytest.approx(first.estimates * scale, rel=1e-6)
    assert first.fitted + first.residuals == pytest.approx(first.table["value"].to_numpy())


def test_no_variance_between_people_is_least_squares() -> None:
    people = [f"p{number}" for number in range(10) for _ in range(4)]
    # Every person has the same four values: less alike than chance.
    table = pl.DataFrame({"person": people, "value": [1.0, 2.0, 3.0, 4.5] * 10, "x": [0.0, 1.0, 0.0, 1.0] * 10})
    found = mixed(table, "value", "x")
    assert found.singular
    slope, intercept = np.polyfit(table["x"], table["value"], 1)
    assert found.estimates == pytest.approx([intercept, slope])
    assert found.coefficients["df"].to_list() == pytest.approx([38, 38], rel=1e-6)
    assert found.random["value"].to_list() == pytest.approx([0.0] * 10)


def test_what_cannot_be_fitted_is_said() -> None:
    table = pl.DataFrame({"person": ["a", "a", "b", "b"], "value": [1.0, 2.0, 3.0, 5.0], "x": [0.0, 1.0, 0.0, 1.0]})
    with pytest.raises(InputError, match="one group only"):
        mixed(table.with_columns(pl.lit("a").alias("person")), "value", "x")
    with pytest.raises(InputError, match="no group has more rows"):
        mixed(table.with_columns(pl.Series("person", list("abcd"))), "value", "x")
    with pytest.raises(InputError, match="in all 4 rows"):
        mixed(table.with_columns(pl.lit(2.0).alias("value")), "value", "x")
    with pytest.raises(InputError, match="without a remainder"):
        mixed(table.with_columns((2 * pl.col("x")).alias("value")), "value", "x")
    with pytest.raises(InputError, match="no column"):
        mixed(table, "mood", "x")
    with pytest.raises(InputError, match="no number"):
        mixed(table, "person", "x")
    with pytest.raises(InputError, match="no likelihood"):
        mixed(table, "value", "x", method="MAP")
    with pytest.raises(InputError, match="degrees of freedom"):
        mixed(table, "value", "x", degrees_method="containment")
    empty = table.with_columns(pl.Series("z", [1.0, None, 2.0, 3.0]))
    with pytest.raises(InputError, match="empty cells"):
        mixed(empty, "value", "1", random="1 + z")
