"""Reliable change: the example of its authors, practice, regression, hostile input."""

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.persons.reliable_change import Noise, cut_off, reliable_change, retest, study_reliability
from gutbrain.errors import InputError
from gutbrain.study.study import Study

COUPLES = pl.DataFrame({"person": ["x", "y", "z", "w"], "start": [32.5, 32.5, 50.0, 40.0],
                        "end": [47.5, 52.0, 38.0, None]})  # fmt: skip


def test_the_example_of_jacobson_and_truax():
    """Marital satisfaction: SD 7.5, reliability 0.80, from 32.5 to 47.5."""
    noise = Noise(0.80, 7.5)
    assert noise.measurement_error == pytest.approx(3.35, abs=0.005)
    assert noise.difference_error == pytest.approx(4.74, abs=0.005)
    made = reliable_change(COUPLES, noise, "higher", cut=cut_off(40, 7.5, 60, 7.5))
    assert made["index"][0] == pytest.approx(3.16, abs=0.005)
    assert made["category"].to_list() == ["improved", "recovered", "deteriorated", None]
    assert made["low"][0] == pytest.approx(15 - noise.smallest()) and made["index"][3] is None
    assert cut_off(40, 7.5, 60, 7.5) == 50 and cut_off(40, 5, 60, 15) == pytest.approx(45)


def test_lower_is_better_is_the_mirror():
    noise = Noise(0.9, 6.0)
    mirrored = COUPLES.with_columns([(100 - pl.col(name)).alias(name) for name in ("start", "end")])
    up = reliable_change(COUPLES, noise, "higher", cut=50.0)
    down = reliable_change(mirrored, noise, "lower", cut=50.0 + 1e-9)
    assert up["category"].equals(down["category"])
    np.testing.assert_allclose(up["index"].drop_nulls(), -down["index"].drop_nulls())


def test_practice_is_taken_off():
    waiting = pl.DataFrame({"start": [10.0, 20.0, 30.0], "end": [14.0, 22.0, 36.0]})
    made = reliable_change(COUPLES, Noise(0.8, 7.5), "higher", method="practice-adjusted", comparison=waiting)
    assert made["expected"][0] == pytest.approx(4)
    assert made["index"][0] == pytest.approx((15 - 4) / Noise(0.8, 7.5).difference_error)


def test_regression_predicts_as_a_linear_model():
    draws = np.random.default_rng(3)
    start = draws.normal(50, 10, 40)
    end = 10 + 0.8 * start + draws.normal(0, 4, 40)
    import statsmodels.api as models

    made = reliable_change(COUPLES, Noise(0.8, 7.5), "higher", method="regression",
                           comparison=pl.DataFrame({"start": start, "end": end}))  # fmt: skip
    fit = models.OLS(end, models.add_constant(start)).fit()
    frame = fit.get_prediction(np.column_stack([np.ones(3), COUPLES["start"][:3].to_numpy()])).summary_frame()
    np.testing.assert_allclose(made["expected"][:3] + COUPLES["start"][:3], frame["mean"], rtol=1e-10)
    wide = (frame["obs_ci_upper"] - frame["obs_ci_lower"]).to_numpy()
    np.testing.assert_allclose((made["high"] - made["low"])[:3], wide, rtol=1e-10)


def test_noise_alone_changes_one_in_twenty():
    draws = np.random.default_rng(5)
    true = draws.normal(0, np.sqrt(0.8), 20_000)
    pair = true[:, None] + draws.normal(0, np.sqrt(0.2), (20_000, 2))
    table = pl.DataFrame({"person": np.arange(20_000).astype(str), "start": pair[:, 0], "end": pair[:, 1]})
    made = reliable_change(table, Noise(0.8, 1.0), "higher")
    assert (made["category"] != "unchanged").mean() == pytest.approx(0.05, abs=0.005)


def test_retest_correlation_with_fishers_interval():
    first = np.array([1.0, 2, 3, 4, 5, 6, np.nan])
    second = np.array([2.0, 1, 4, 3, 6, 5, 1.0])
    found, low, high = retest(first, second)
    assert found == pytest.approx(0.828571428571)
    from scipy.stats import pearsonr

    ends = pearsonr(first[:6], second[:6]).confidence_interval()
    assert (low, high) == (pytest.approx(ends.low), pytest.approx(ends.high))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Noise(1.0, 3.0), "reliability 1 is not between 0 and 1"),
        (lambda: Noise(0.8, 0.0), "nobody differs at the baseline"),
        (lambda: cut_off(1, 0, 2, 1), "not above 0"),
        (lambda: reliable_change(COUPLES, Noise(0.8, 1.0), "lower", method="guess"), "method = 'guess' is not known"),
        (lambda: reliable_change(COUPLES, Noise(0.8, 1.0), "lower", method="regression"), "has 0 people"),
        (lambda: reliable_change(COUPLES, Noise(0.8, 1.0), "lower", method="regression",
                                 comparison=pl.DataFrame({"start": [1.0, 1, 1], "end": [1.0, 2, 3]})), "no line"),
        (lambda: reliable_change(COUPLES, Noise(0.8, 1.0), "lower", method="regression",
                                 comparison=pl.DataFrame({"start": [1.0, 2, 3], "end": [1.0, 2, 3]})), "without noise"),
        (lambda: retest(np.arange(3.0), np.arange(3.0)), "4 are needed"),
        (lambda: retest(np.ones(5), np.arange(5.0)), "nobody differs"),
        (lambda: retest(np.arange(5.0), np.arange(5.0)), "the same numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_reliability_of_the_study_itself():
    draws = np.random.default_rng(1)
    level = draws.normal(1.5, 0.8, 60)
    items = np.clip(np.round(level[:, None] + draws.normal(0, 0.6, (60, 7))), 0, 3)
    rows = [(f"p{who}", "0", "GAD-7", str(item + 1), float(items[who, item])) for who in range(60) for item in range(7)]
    answers = pl.DataFrame(rows, schema=["person", "visit", "form", "item", "value"], orient="row")
    study = Study.of({"answers": answers})
    total = items.sum(axis=1)
    alpha = 7 / 6 * (1 - items.var(axis=0, ddof=1).sum() / total.var(ddof=1))
    found = study_reliability(study, "gad-7.total", "0")
    assert found is not None and found[0] == pytest.approx(alpha) and "60 people" in found[1]
    assert study_reliability(study, "gad-7.total", "9") is None and study_reliability(study, "phq-9.total", "0") is None
