"""Coefficients of known loadings, and sheets that cannot be right."""

import numpy as np
import polars as pl
import pytest
from answer_sheets import sheet

from gutbrain.observe import answering
from gutbrain.observe.answering import patterns
from gutbrain.observe.reliability import alpha, feldt, omega, one_factor, reliability


def test_alpha_and_its_interval_by_hand():
    values = np.array([[1, 2, 1], [2, 2, 3], [3, 4, 3], [4, 3, 4]], dtype=float)
    parts, whole = values.var(axis=0, ddof=1).sum(), values.sum(axis=1).var(ddof=1)
    assert alpha(values) == pytest.approx(1.5 * (1 - parts / whole))
    low, high = feldt(0.8, 200, 10)
    # (1 - alpha) / (1 - estimate) follows F(199, 1791): drawn here instead of looked up.
    rng = np.random.default_rng(3)
    ratio = (rng.chisquare(199, 10**6) / 199) / (rng.chisquare(1791, 10**6) / 1791)
    np.testing.assert_allclose([1 - 0.2 * np.quantile(ratio, 0.975), 1 - 0.2 * np.quantile(ratio, 0.025)],
                               [low, high], atol=5e-4)  # fmt: skip


def test_known_loadings_and_omega_are_found():
    loadings = np.array([0.8, 0.7, 0.6, 0.5, 0.4, 0.7])
    exact = np.outer(loadings, loadings)
    np.fill_diagonal(exact, 1)
    np.testing.assert_allclose(one_factor(exact), loadings, atol=1e-6)
    rng, people = np.random.default_rng(7), 40_000
    spreads = np.array([1, 2, 1, 3, 1, 0.5])
    noise = rng.normal(size=(people, 6)) * np.sqrt(1 - loadings**2)
    values = (rng.normal(size=(people, 1)) * loadings + noise) * spreads
    truth = (loadings * spreads).sum() ** 2
    truth /= truth + (spreads**2 * (1 - loadings**2)).sum()
    found, estimated, residual = omega(values)
    assert found == pytest.approx(truth, abs=0.005)
    np.testing.assert_allclose(estimated, loadings, atol=0.015)
    assert residual < 0.01
    assert alpha(values) < found


def test_reliability_is_between_people_and_says_what_it_left_out():
    rng = np.random.default_rng(1)
    sheets = [sheet(rng.integers(0, 4, 7), "gad-7", person=str(k)).with_columns(day=pl.lit(day))
              for k in range(9) for day in (0, 1)]  # fmt: skip
    gap = sheet([None] + [1] * 6, "gad-7", person="x").with_columns(day=pl.lit(0))
    row = reliability(pl.concat([*sheets, gap]), "gad-7").row(0, named=True)
    assert (row["people"], row["left_out"]) == (9, 10)
    few = reliability(sheet([1] * 7, "gad-7"), "gad-7").row(0, named=True)
    assert few["withheld"] == "1 complete people, 3 are needed"
    same = pl.concat([sheet([1] * 7, "gad-7", person=str(k)) for k in range(5)])
    assert reliability(same, "gad-7")["withheld"].item() == "all people have the same score"
    pairs = pl.concat([sheet(rng.integers(1, 8, 15), "gsrs", person=str(k)) for k in range(9)])
    assert reliability(pairs, "gsrs").filter(scale="reflux")["withheld"].item() == "omega needs three items"


def test_bowel_severity_is_reliable_as_it_is_added_up():
    rng = np.random.default_rng(2)
    values = rng.integers(20, 90, (30, 5)).astype(float)
    values[:, 1] = rng.integers(0, 11, 30)
    sheets = pl.concat([sheet(row, "ibs-sss", person=str(k)) for k, row in enumerate(values)])
    values[:, 1] *= 10
    assert reliability(sheets, "ibs-sss")["alpha"].item() == pytest.approx(alpha(values))


@pytest.mark.parametrize(
    ("answers", "form", "expected"),
    [
        (sheet([2] * 10), "pss-10", [answering.SAME_REVERSED]),
        (sheet([0] * 10), "pss-10", [answering.SAME_REVERSED]),
        (sheet([0, 0, 0, 4, 4, 0, 4, 4, 0, 0]), "pss-10", []),
        (sheet([0, 4, 0, 4, 0, 4, 0, 4, 0, 4]), "pss-10", [answering.EXTREME]),
        (sheet([3] * 15, "maas"), "maas", [answering.SAME]),
        (sheet([0] * 7, "gad-7"), "gad-7", []),
        (sheet([9, -1] + [0] * 5, "gad-7"), "gad-7", [answering.RANGE] * 2),
        (sheet([None] * 7, "gad-7"), "gad-7", [answering.EMPTY]),
        (pl.concat([sheet([0, 1, 0, 0, 2, 0, 0], "gad-7")] * 2), "gad-7", [answering.TWICE] * 7),
        (sheet([0, 4, 30, 60, 20], "ibs-sss"), "ibs-sss", [answering.PAIN]),
        (sheet([40, 0, 30, 60, 20], "ibs-sss"), "ibs-sss", [answering.PAIN]),
        (sheet([0, 0, 30, 60, 20], "ibs-sss"), "ibs-sss", []),
    ],
)
def test_patterns_of_answering(answers, form, expected):
    found = patterns(answers, form)
    assert found["what"].to_list() == expected
    assert found.columns == ["person", "visit", "form", "what", "seen"]


def test_patterns_read_codes():
    assert patterns(sheet([1] * 7, "gad-7"), "gad-7", coding="1 to 4").is_empty()
    assert patterns(sheet([4] * 7, "gad-7"), "gad-7")["what"].to_list() == [answering.RANGE] * 7
