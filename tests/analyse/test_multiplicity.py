"""Corrections against scipy and their definitions, and the table of everything that was tested."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from gutbrain.analyse import step as table
from gutbrain.analyse.multiplicity import corrected, registry
from gutbrain.analyse.step import Done, Step
from gutbrain.errors import InputError


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.sampled_from(["BH", "BY"]))
def test_false_discovery_rates_equal_those_of_scipy(p, method):
    assert np.allclose(corrected(np.array(p), method), false_discovery_control(p, method=method.lower()), atol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_family_wise_corrections_are_as_they_are_defined(p):
    count = len(p)
    assert np.allclose(corrected(np.array(p), "bonferroni"), [min(1.0, count * one) for one in p], atol=1e-12)
    ranked = sorted(p)
    holm = {
        one: min(1.0, max((count - k) * ranked[k] for k in range(ranked.index(one) + ranked.count(one)))) for one in p
    }
    assert np.allclose(corrected(np.array(p), "holm"), [holm[one] for one in p], atol=1e-12)


def test_a_missing_p_counts_for_nothing():
    q = corrected(np.array([0.01, np.nan, 0.04]), "BH")
    assert np.isnan(q[1])
    assert q[[0, 2]].tolist() == [0.02, 0.04]
    assert corrected(np.array([0.3, 0.2]), "none").tolist() == [0.3, 0.2]


def test_no_probability_is_refused():
    with pytest.raises(InputError, match="no probability"):
        corrected(np.array([0.2, 1.2]), "BH")
    with pytest.raises(InputError, match="Corrections are BH"):
        corrected(np.array([0.2]), "fdr")


def test_families_are_corrected_apart():
    steps = [Step(kind="a", name="one", family="f"), Step(kind="b", name="two", family="f", confirmatory=False),
             Step(kind="c", name="three"), Step(kind="d", name="lost")]  # fmt: skip
    done = {
        "one": Done(tested=table.tested([{"what": "x", "p": 0.01}, {"what": "y", "p": float("nan")}])),
        "two": Done(tested=table.tested([{"what": "z", "p": 0.03}])),
        "three": Done(tested=table.tested([{"what": "w", "p": 0.04}])),
    }
    made = registry(steps, done, {"f": "holm"})
    assert made["q"].to_list() == [0.02, None, 0.03, 0.04]
    assert made["in_family"].to_list() == [2, 2, 2, 1]
    assert made["correction"].to_list() == ["holm", "holm", "holm", "BH"]
    assert registry(steps, {}, {}).is_empty()


def test_a_part_of_a_family_is_corrected_apart():
    steps = [Step(kind="a", name="one")]
    rows = [{"what": "indirect", "p": 0.04}, {"what": "a", "p": 0.01, "part": "paths"},
            {"what": "b", "p": 0.02, "part": "paths"}]  # fmt: skip
    made = registry(steps, {"one": Done(tested=table.tested(rows))}, {"one": "holm"})
    assert made["family"].to_list() == ["one", "one, paths", "one, paths"]
    assert made["q"].to_list() == [0.04, 0.02, 0.02]
    assert made["correction"].to_list() == ["holm"] * 3
