from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.paths.repeated_mediation import repeated_mediation
from gutbrain.analyse.paths.stacked_mixed import Response, stacked
from gutbrain.errors import InputError


def occasions() -> pl.DataFrame:
    return pl.read_csv(Path(__file__).parent / "mediation_occasions.csv")


def path(found, name: str) -> dict[str, float]:
    return found.paths.filter(pl.col("path") == name).row(0, named=True)


def simulated(seed: int, people: int, times: int, a: float = 0.4, b: float = 0.4, together: float = 0.08):
    generator = np.random.default_rng([seed, people])
    slopes = generator.multivariate_normal([a, b], [[0.16, together], [together, 0.16]], people)
    rows = []
    for number, (own_a, own_b) in enumerate(slopes):
        x = generator.normal(generator.normal(), 1, times)
        m = generator.normal() + own_a * x + generator.normal(0, 1, times)
        y = generator.normal() + 0.2 * x + own_b * m + generator.normal(0, 1, times)
        rows += [{"person": f"p{number:02d}", "day": float(t), "x": x[t], "m": m[t], "y": y[t]} for t in range(times)]
    return pl.DataFrame(rows)


def test_both_models_as_one_are_those_of_nlme():
    # nlme 3.1-162: lme of stacked responses, all five random effects correlated, varIdent by response, REML
    table = (
        occasions()
        .with_columns(xb=pl.col("x").mean().over("person"), mb=pl.col("m").mean().over("person"))
        .with_columns(xw=pl.col("x") - pl.col("xb"), mw=pl.col("m") - pl.col("mb"), one=1.0)
    )
    codes = table["person"].rank("dense").to_numpy().astype(int) - 1
    found = stacked(
        Response(table["m"].to_numpy(), table.select("one", "xw", "xb").to_numpy(),
                 table.select("one", "xw").to_numpy(), codes),
        Response(table["y"].to_numpy(), table.select("one", "xw", "xb", "mw", "mb").to_numpy(),
                 table.select("one", "mw", "xw").to_numpy(), codes),
    )  # fmt: skip
    # The search of nlme ends a little above the minimum, at 1567.6148: no deviance may be higher.
    assert 1567.5 < found.deviance < 1567.6148
    assert found.coefficients[[1, 2, 4, 6]] == pytest.approx(
        [0.5162020105, 0.4574741640, 0.0586038313, 0.5163093973], abs=0.001
    )
    errors = np.sqrt(np.diag(found.covariance))
    assert errors[[1, 2, 4, 6]] == pytest.approx([0.09576508, 0.20320021, 0.08143489, 0.09183516], rel=0.005)
    assert found.random[1, 3] == pytest.approx(0.0704, abs=0.0005)  # covariance of the slopes a and b
    assert found.random[1, 1] == pytest.approx(0.1211, abs=0.002)


def test_without_random_slopes_each_model_is_that_of_lme():
    # nlme 3.1-162: lme(m ~ xw + xb), lme(y ~ xw + xb + mw + mb), random = ~ 1 | person
    found = repeated_mediation(occasions(), "x", "m", "y", random="intercepts", draws=2000)
    expected = {
        "a": (0.5360186352, 0.07375322112), "b": (0.5490849106, 0.06780592854),
        "direct": (0.1146107555, 0.08091890709), "a, between people": (0.4901238255, 0.20843582515),
        "b, between people": (0.6815254133, 0.20129892839),
    }  # fmt: skip
    for name, (estimate, error) in expected.items():
        row = path(found, name)
        assert row["estimate"] == pytest.approx(estimate, abs=2e-4)
        assert row["standard_error"] == pytest.approx(error, rel=2e-3)
    product = path(found, "indirect, between people")
    assert product["estimate"] == pytest.approx(0.4901238255 * 0.6815254133, abs=5e-4)


def test_indirect_adds_the_covariance_of_slopes():
    found = repeated_mediation(occasions(), "x", "m", "y", draws=4000)
    a, b, both = (path(found, name)["estimate"] for name in ("a", "b", "cov(a, b)"))
    row = path(found, "indirect")
    assert row["estimate"] == pytest.approx(a * b + both) and both > 0
    assert row["low"] < 0.25 + 0.08 < row["high"]  # as simulated
    assert path(found, "total")["estimate"] == pytest.approx(row["estimate"] + path(found, "direct")["estimate"])
    assert found.people == 30 and found.rows == 240


def test_units_do_not_matter():
    found = repeated_mediation(occasions(), "x", "m", "y", random="intercepts", draws=2000)
    other = repeated_mediation(
        occasions().with_columns(pl.col("m") * 1000, pl.col("y") / 7), "x", "m", "y", random="intercepts", draws=2000
    )
    for name in ("estimate", "low", "high"):
        assert path(other, "indirect")[name] == pytest.approx(path(found, "indirect")[name] / 7, rel=1e-4)
    assert other.robustness["correlation_at_zero"][0] == pytest.approx(found.robustness["correlation_at_zero"][0])


def test_curve_crosses_zero_where_it_says():
    found = repeated_mediation(occasions(), "x", "m", "y", random="intercepts", draws=2000)
    at = found.robustness["correlation_at_zero"][0]
    curve = found.sensitivity
    assert np.interp(at, curve["correlation"], curve["indirect"]) == pytest.approx(0, abs=0.005)
    assert abs(found.robustness["correlation_at_interval"][0]) < abs(at)


def test_a_source_between_people_acts_through_means():
    table = occasions().with_columns(arm=pl.when(pl.col("person") < "p15").then(pl.lit("a")).otherwise(pl.lit("b")))
    found = repeated_mediation(table, "arm", "m", "y", draws=2000)
    assert path(found, "a")["df"] == 27 and "cov(a, b)" not in found.paths["path"].to_list()
    assert path(found, "indirect")["estimate"] == pytest.approx(
        path(found, "a")["estimate"] * path(found, "b")["estimate"], rel=1e-6
    )


def test_lagged_effects_are_of_the_next_occasion():
    generator = np.random.default_rng(3)
    rows = []
    for number in range(40):
        y = m = 0.0
        for t in range(12):
            x = generator.normal()
            y = 0.3 * y + 0.5 * m + generator.normal(0, 1)  # of the mediator before
            m = 0.6 * x + generator.normal(0, 1)
            rows.append({"person": f"p{number}", "day": float(t), "x": x, "m": m, "y": y})
    table = pl.DataFrame(rows)
    late = repeated_mediation(table, "x", "m", "y", lagged=True, random="intercepts", draws=2000)
    assert late.rows == 440 and path(late, "b")["estimate"] == pytest.approx(0.5, abs=0.12)
    now = repeated_mediation(table, "x", "m", "y", random="intercepts", draws=2000)
    assert abs(path(now, "b")["estimate"]) < 0.15


@pytest.mark.parametrize(
    "change, words",
    [
        ({"x": pl.lit(1.0)}, "is the same throughout"),
        ({"m": pl.col("x").mean().over("person")}, "does not change within"),
        ({"m": pl.col("x") * 2}, "say the same"),
        ({"day": pl.lit(0.0)}, "two rows at the same"),
        ({"day": pl.lit(None, pl.Float64)}, "no row has a day"),
        ({"person": pl.lit("one")}, "two rows|do not show"),
        ({"y": pl.lit("high")}, "no column of numbers"),
    ],
)
def test_what_cannot_be_done_is_said(change, words):
    with pytest.raises(InputError, match=words):
        repeated_mediation(occasions().with_columns(**change), "x", "m", "y")


def test_few_people_or_single_occasions_are_refused():
    with pytest.raises(InputError, match="do not show mediation within"):
        repeated_mediation(occasions().filter(pl.col("person") < "p03"), "x", "m", "y")
    with pytest.raises(InputError, match="do not show mediation within"):
        repeated_mediation(occasions().filter(pl.col("day") == 0), "x", "m", "y")


@pytest.mark.calibration
@pytest.mark.parametrize("a, b, together", [(0.4, 0.4, 0.08), (0.4, 0.0, 0.0)])
def test_coverage_within_people(a, b, together):
    found = [
        path(repeated_mediation(simulated(seed, 30, 8, a, b, together), "x", "m", "y", draws=4000), "indirect")
        for seed in range(150)
    ]
    covered = np.mean([row["low"] <= a * b + together <= row["high"] for row in found])
    assert covered >= 0.9


def test_a_next_occasion_after_a_gap_is_told():
    generator = np.random.default_rng(4)
    days = [0.0, 1.0, 2.0, 3.0, 9.0]  # the last comes after six days
    table = pl.DataFrame(
        [(f"p{k}", day, *generator.normal(size=3).tolist()) for k in range(12) for day in days],
        schema=["person", "day", "x", "m", "y"], orient="row",
    )  # fmt: skip
    options = {"random": "intercepts", "draws": 200}
    made = repeated_mediation(table, "x", "m", "y", lagged=True, **options)
    assert any(note.startswith("12 of 48 next occasions") for note in made.notes)
    assert not any("next occasions" in note for note in repeated_mediation(table, "x", "m", "y", **options).notes)
