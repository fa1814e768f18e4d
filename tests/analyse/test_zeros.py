"""Zeros and scales: what each rule does, and that none pretends counts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.analyse.community import Community
from gutbrain.analyse.taxa.zeros import (
    CHOICES,
    core_features,
    depth_imputed,
    depth_related,
    feature_smallest,
    fitting,
    median_ratio,
    multiplicative,
    normalised,
    sample_smallest,
    winsorised,
    without_zeros,
)  # fmt: skip
from gutbrain.errors import InputError

COUNTS = np.array([[0, 4, 6, 10], [2, 0, 8, 30], [0, 1, 3, 6], [5, 5, 5, 5.0]])


def test_depth_imputation_gives_the_deepest_sample_one():
    filled = depth_imputed(COUNTS)  # depths 20, 40, 10, 20
    assert filled[:, 0].tolist() == [1.0, 2.0, 0.5, 5.0]
    assert filled[1, 1] == 1.0
    assert (filled[COUNTS > 0] == COUNTS[COUNTS > 0]).all()


def test_smallest_rules():
    assert sample_smallest(COUNTS)[0, 0] == 0.65 * 4
    assert feature_smallest(COUNTS)[0, 0] == 0.5 * 2
    np.testing.assert_allclose(multiplicative(COUNTS).sum(axis=1), 1)


def test_nothing_is_added_where_there_are_no_zeros():
    whole = COUNTS + 1
    for rule in ("half", "one", "depth", "multiplicative", "sample", "feature"):
        np.testing.assert_array_equal(without_zeros(whole, rule), whole)


def test_volatility_rule_gives_the_published_log_ratios():
    row = np.array([[0, 2.0, 8.0]])
    logs = np.log2([1.3, 2, 8])
    np.testing.assert_allclose(normalised(np.vstack([row, [1, 2, 3]]), "clr_smallest", True)[0], logs - logs.mean())


def test_winsorised_cuts_shares_and_keeps_counts_whole():
    counts = np.tile([10.0, 90.0], (50, 1))
    counts[0] = [90, 10]
    cut = winsorised(counts, True)
    assert cut[0, 0] == 10 and (cut == np.round(cut)).all() and (cut[1:] == counts[1:]).all()


def test_signals_and_shares_are_no_counts():
    assert not {"clr_half", "clr_one", "clr_depth"} & set(fitting(False))
    with pytest.raises(InputError, match="needs counts"):
        normalised(COUNTS, "clr_half", False)
    with pytest.raises(InputError, match="no choice"):
        normalised(COUNTS, "magic", True)
    with pytest.raises(InputError, match="no rule"):
        without_zeros(COUNTS, "magic")


@pytest.mark.parametrize("counted", [True, False])
def test_empty_samples_and_features_are_refused(counted):
    for bad in (np.vstack([COUNTS, np.zeros(4)]), np.column_stack([COUNTS, np.zeros(4)])):
        with pytest.raises(InputError, match="nothing but zeros"):
            normalised(bad, "clr_smallest", counted)
    with pytest.raises(InputError, match="no sample"):
        normalised(np.zeros((0, 3)), "clr_smallest", counted)


def test_a_table_without_core_is_refused():
    with pytest.raises(InputError, match="no core"):
        core_features(np.eye(4))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(CHOICES)))
def test_every_choice_is_finite_and_relative(seed, choice):
    draws = np.random.default_rng(seed)
    values = draws.poisson(draws.lognormal(1.5, 1, 8), size=(6, 8)).astype(float)
    values[:, :3] += 1
    values[0, values.sum(axis=0) == 0] = 1
    made = normalised(values, choice, True)
    held = np.isfinite(made)
    assert (held == (values > 0)).all() if choice == "robust_clr" else held.all()
    if CHOICES[choice].scale in ("all", "present"):
        np.testing.assert_allclose(np.nansum(made, axis=1), 0, atol=1e-9)
    if choice in fitting(False):  # what is relative does not change with the unit
        np.testing.assert_allclose(normalised(values * 7.5, choice, False), made, atol=1e-9)


def test_median_ratio_recovers_depth():
    draws = np.random.default_rng(5)
    depth = np.array([1.0, 2, 4, 8, 16])
    values = depth[:, None] * draws.lognormal(5, 1, 30)
    values[:, 0] *= [1, 1, 50, 1, 1]  # one taxon that blooms leaves it
    np.testing.assert_allclose(np.diff(median_ratio(values)), 1, atol=1e-9)


def test_depth_related_to_an_arm_is_found():
    draws = np.random.default_rng(6)
    arm = ["a"] * 15 + ["b"] * 15
    values = draws.poisson(20 * np.where(np.array(arm) == "b", 3, 1)[:, None], size=(30, 10)).astype(float)
    samples = pl.DataFrame({"sample": [str(i) for i in range(30)], "arm": arm, "age": draws.normal(size=30)})
    names = pl.DataFrame({"feature": [f"t{i}" for i in range(10)]})
    found = depth_related(Community(samples, names, values, "count"), "arm")
    assert found["related"].to_list() == [True]
    np.testing.assert_allclose(found["estimate"][0], np.log2(3), atol=0.1)
