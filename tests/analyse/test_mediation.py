from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.analyse.paths.mediation import least_squares, mediation
from gutbrain.analyse.paths.mediation_intervals import bca_interval, people_drawn, product_interval, reweighted
from gutbrain.errors import InputError

ARMS = pl.Enum(["control", "LGG", "VSL"])


def people() -> pl.DataFrame:
    return pl.read_csv(Path(__file__).parent / "mediation_people.csv").with_columns(pl.col("arm").cast(ARMS))


def path(found: pl.DataFrame, name: str, source: str = "") -> dict[str, float]:
    rows = found.filter(pl.col("path") == name)
    return (rows.filter(pl.col("source") == source) if source else rows).row(0, named=True)


def simulated(seed: int, n: int, a: float, b: float) -> pl.DataFrame:
    generator = np.random.default_rng([seed, n])
    x = np.repeat([0.0, 1.0], [n // 2, n - n // 2])
    m = a * x + generator.normal(0, 1, n)
    return pl.DataFrame({"x": x, "m": m, "y": 0.3 * x + b * m + generator.normal(0, 1, n)})


def test_paths_of_three_arms_are_those_of_least_squares():
    # R 4.2.2: lm(m ~ arm + age), lm(y ~ arm + m + age), lm(y ~ arm + age)
    found = mediation(people(), "arm", "m", "y", ["age"]).paths
    expected = {
        ("LGG", "a"): (0.10571852806, 0.39739499265, 0.7917347233),
        ("VSL", "a"): (-0.12016039891, 0.39296073085, 0.7615317786),
        ("LGG", "b"): (0.38824864140, 0.17921115635, 0.0371721307),
        ("LGG", "direct"): (-0.11694947301, 0.42772550460, 0.7861360438),
        ("VSL", "direct"): (0.07895286987, 0.42308605432, 0.8530424577),
        ("LGG", "total"): (-0.07590439812, 0.44869033544, 0.86661087287),
        ("VSL", "total"): (0.03230075824, 0.44368370362, 0.94236721190),
    }
    for (arm, name), (estimate, error, p) in expected.items():
        row = path(found, name, f"arm[{arm}]")
        assert (row["estimate"], row["standard_error"], row["p"]) == pytest.approx((estimate, error, p), rel=1e-8)


def test_estimates_of_a_structural_equation_model():
    # lavaan 0.6-14, maximum likelihood: a, c', b, a b, total; its standard errors lack the degrees of freedom.
    found = mediation(people(), "dose", "m", "y", ["age"]).paths
    expected = {
        "a": (0.13962414258, 0.3762162822),
        "direct": (-0.18655700348, 0.3985917299),
        "b": (0.38547982160, 0.1672300281),
        "indirect": (0.05382228957, 0.1468914240),
        "total": (-0.13273471391, 0.4235115976),
    }
    for name, (estimate, error) in expected.items():
        row = path(found, name)
        assert row["estimate"] == pytest.approx(estimate, rel=1e-7)
        assert row["standard_error"] == pytest.approx(error, rel=0.08)
    assert path(found, "a")["standard_error"] == pytest.approx(0.3762162822 * np.sqrt(40 / 37), rel=1e-6)


def test_natural_effects_are_those_of_predictions():
    # R 4.2.2: lm(y ~ arm * m + age) predicted with the mediator as lm(m ~ arm + age) predicts it under either arm.
    found = mediation(people(), "arm", "m", "y", ["age"], interaction=True)
    expected = {
        "direct, at the reference": -0.1603136686, "direct, one step on": -0.08675017297,
        "indirect, at the reference": -0.004515340839, "indirect, one step on": 0.06904815476,
    }  # fmt: skip
    for name, estimate in expected.items():
        assert path(found.paths, name, "arm[LGG]")["estimate"] == pytest.approx(estimate, rel=1e-8)
    total = path(found.paths, "total", "arm[LGG]")["estimate"]
    assert total == pytest.approx(-0.1603136686 + 0.06904815476, rel=1e-8)
    assert total == pytest.approx(
        path(found.paths, "direct", "arm[LGG]")["estimate"] + path(found.paths, "indirect", "arm[LGG]")["estimate"]
    )
    assert "without interaction" in found.notes[-1]


@pytest.mark.parametrize("interval", ["product", "percentile", "bca"])
def test_direct_and_indirect_sum_to_the_total(interval):
    found = mediation(people(), "arm", "m", "y", ["age"], interval=interval, draws=500).paths
    for arm in ("arm[LGG]", "arm[VSL]"):
        both = path(found, "direct", arm)["estimate"] + path(found, "indirect", arm)["estimate"]
        assert both == pytest.approx(path(found, "total", arm)["estimate"], abs=1e-12)


def test_order_of_people_and_units_do_not_matter():
    found = mediation(people(), "dose", "m", "y", ["age"]).paths
    mixed = people().sample(fraction=1, shuffle=True, seed=1).with_columns(pl.col("m") * 1000 + 7, pl.col("dose") / 10)
    other = mediation(mixed, "dose", "m", "y", ["age"]).paths
    for name in ("low", "high", "estimate"):
        assert path(other, "indirect")[name] == pytest.approx(10 * path(found, "indirect")[name], rel=1e-6)
    assert path(other, "indirect")["p"] == pytest.approx(path(found, "indirect")["p"], rel=1e-9)


def test_product_interval_is_that_of_many_draws():
    generator = np.random.default_rng(1)
    draws = (0.4 + 0.2 * generator.standard_t(20, 2_000_000)) * (0.5 + 0.15 * generator.standard_t(19, 2_000_000))
    low, high = product_interval([0.4], [0.2], 20, [0.5], [0.15], 19)
    assert (low[0], high[0]) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.003)


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(-3, 3), st.floats(0.01, 2), st.integers(2, 200))
def test_product_interval_is_ordered_symmetric_and_mirrored(a, sa, b, sb, df):
    low, high = product_interval([a], [sa], df, [b], [sb], df)
    assert low[0] < high[0]
    mirrored = product_interval([-a], [sa], df, [b], [sb], df)
    assert (mirrored[0][0], mirrored[1][0]) == pytest.approx((-high[0], -low[0]), abs=1e-6 * (high[0] - low[0]))
    exchanged = product_interval([b], [sb], df, [a], [sa], df)
    assert exchanged[0][0] == pytest.approx(low[0], abs=0.05 * (high[0] - low[0]))


def test_resampled_fits_are_fits_of_resampled_people():
    table = people()
    x = np.column_stack([np.ones(40), table["dose"]])
    m, y = table["m"].to_numpy(), table["y"].to_numpy()
    whole = np.column_stack([x, m])
    weights = people_drawn(40, 3, np.random.default_rng(1))
    first, second, lost = reweighted(weights, x, m, whole, y)
    rows = np.repeat(np.arange(40), weights[1].astype(int))
    assert lost == 0
    assert first[1] == pytest.approx(np.linalg.lstsq(x[rows], m[rows])[0])
    assert second[1] == pytest.approx(np.linalg.lstsq(whole[rows], y[rows])[0])


def test_bca_of_a_mean_is_that_of_scipy():
    from scipy.stats import bootstrap

    values = np.random.default_rng(4).gamma(1.0, size=30)
    theirs = bootstrap((values,), np.mean, n_resamples=40_000, rng=np.random.default_rng(1)).confidence_interval
    drawn = people_drawn(30, 40_000, np.random.default_rng(2)) @ values / 30
    out = (values.sum() - values) / 29
    low, high = bca_interval(np.array([values.mean()]), drawn[:, None], out[:, None], 0.95)
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high), rel=0.01)


def test_proportion_is_withheld_unless_the_total_is_plain():
    weak = path(mediation(people(), "dose", "m", "y").paths, "proportion")
    assert weak["estimate"] is None and "within 3 standard errors" in weak["note"]
    strong = path(mediation(simulated(1, 400, 1.0, 0.6), "x", "m", "y").paths, "proportion")
    assert strong["estimate"] == pytest.approx(0.6 / 0.9, abs=0.15) and strong["low"] < 0.6 / 0.9 < strong["high"]


def test_few_people_give_wide_intervals():
    row = path(mediation(simulated(3, 25, 0.4, 0.3), "x", "m", "y").paths, "indirect")
    assert row["low"] < 0 < row["high"] and row["high"] - row["low"] > 0.3


@pytest.mark.parametrize(
    "change, words",
    [
        ({"m": pl.lit(3.0)}, "m is the same in all"),
        ({"y": pl.lit(0.0)}, "y is the same in all"),
        ({"x": pl.lit(1.0)}, "'x' is the same in all people"),
        ({"m": 2 * pl.col("x") + 1}, "m follows exactly"),
        ({"y": pl.col("m") + pl.col("x")}, "y follows exactly"),
        ({"m": pl.lit(None, pl.Float64)}, "no row has all of"),
        ({"m": pl.lit("low")}, "no column of numbers"),
    ],
)
def test_what_cannot_be_done_is_said(change, words):
    table = simulated(1, 20, 1, 1).with_columns(**change)
    with pytest.raises(InputError, match=words):
        mediation(table, "x", "m", "y")


def test_too_few_people_and_unknown_options_are_refused():
    with pytest.raises(InputError, match="too few"):
        mediation(simulated(1, 3, 1, 1).with_columns(z=pl.Series([1.0, 5.0, 2.0])), "x", "m", "y", ["z"])
    with pytest.raises(InputError, match="Known are product"):
        mediation(simulated(1, 20, 1, 1), "x", "m", "y", interval="normal")
    with pytest.raises(InputError, match="three columns"):
        mediation(simulated(1, 20, 1, 1), "x", "m", "m")


def test_missing_cells_are_left_out_and_told():
    table = simulated(1, 30, 1, 1).with_columns(m=pl.when(pl.col("y") > 1.5).then(None).otherwise("m"))
    found = mediation(table, "x", "m", "y")
    assert found.people < 30 and "left out" in found.notes[0]


def test_least_squares_has_its_residual_sum():
    table = people()
    fit = least_squares(np.column_stack([np.ones(40), table["age"]]), table["m"].to_numpy(), "m")
    explained = fit.path(0)[0] + fit.path(1)[0] * table["age"]
    assert fit.df == 38 and fit.square_sum == pytest.approx(((table["m"] - explained) ** 2).sum())


@pytest.mark.calibration
@pytest.mark.parametrize("n", [25, 50, 200])
@pytest.mark.parametrize("a, b", [(0.8, 0.5), (0.8, 0.0), (0.0, 0.5), (0.0, 0.0)])
def test_coverage_and_size_of_the_indirect_effect(n, a, b):
    rows = [path(mediation(simulated(s, n, a, b), "x", "m", "y", draws=100).paths, "indirect") for s in range(600)]
    covered = np.mean([row["low"] <= a * b <= row["high"] for row in rows])
    found = np.mean([row["p"] < 0.05 for row in rows])
    assert covered >= 0.93
    if a * b == 0:
        assert found <= 0.07
    if a == b == 0:
        assert found <= 0.02  # conservative: both paths would have to be found by chance
