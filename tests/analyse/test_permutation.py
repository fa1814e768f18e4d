"""Designs of permutations: what may change places, how many arrangements there are, and that draws are fair."""

from __future__ import annotations

from math import factorial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gutbrain.analyse.communities.permutation import as_extreme, exchange, number_said, p_value, ranks_of, suited
from gutbrain.errors import InputError

PAIRS, FOURS = np.repeat(np.arange(10), 2), np.repeat(np.arange(5), 4)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        # numPerms of R's permute 0.9-7
        ({"plots": PAIRS, "within": "none", "between": "free"}, 3628800),
        ({"plots": PAIRS, "between": "free"}, 3715891200),
        ({"plots": FOURS, "within": "series"}, 1024),
        ({"plots": FOURS, "within": "series", "mirror": True}, 32768),
        ({"plots": FOURS, "within": "series", "constant": True}, 4),
        ({"blocks": FOURS}, 7962624),
        ({"within": "series", "mirror": True}, 40),
        ({}, factorial(20)),
    ],
)
def test_arrangements_are_counted_as_permute_counts_them(options, count):
    assert exchange(20, **options).count == count


DESIGNS = [
    {},
    {"blocks": [1, 1, 1, 2, 2, 2]},
    {"within": "series"},
    {"within": "series", "mirror": True},
    {"plots": [1, 1, 2, 2, 3, 3], "within": "none", "between": "free"},
    {"plots": [1, 1, 2, 2, 3, 3], "between": "free"},
    {"plots": [1, 1, 1, 2, 2, 2], "within": "series", "constant": True},
    {"plots": [1, 1, 2, 2, 3, 3], "blocks": [1, 1, 1, 1, 2, 2], "within": "none", "between": "free"},
]


@pytest.mark.parametrize("options", DESIGNS)
def test_every_arrangement_comes_once_and_draws_come_from_the_same_set_equally_often(options):
    design = exchange(6, **options)
    every = design.every()
    known = {tuple(row): 0 for row in every.tolist()}
    assert len(known) == len(every) == design.count
    assert tuple(range(6)) in known
    drawn = design.draw(np.random.default_rng(3), 60 * design.count)
    for row in drawn.tolist():
        known[tuple(row)] += 1
    counts = np.array(list(known.values()))
    assert ((counts - 60) ** 2 / 60).sum() < len(known) + 6 * np.sqrt(2 * len(known))
    # a group: with each arrangement its inverse is there
    assert all(tuple(np.argsort(row).tolist()) in known for row in every)


def test_few_arrangements_are_all_taken_without_the_observed_one():
    design = exchange(6, blocks=[1, 1, 2, 2, 3, 3])
    batches = np.concatenate(list(design.batches(np.random.default_rng(1), 999)))
    assert len(batches) == design.asked(999) == 7
    assert (batches != np.arange(6)).any(axis=1).all()
    assert sum(len(b) for b in exchange(30).batches(np.random.default_rng(1), 999, 10**5)) == 999


def test_a_term_constant_in_each_person_moves_whole_people_and_another_moves_within():
    people = np.repeat(["a", "b", "c", "d"], 2)
    visits = pl.Series(["before", "after"] * 4, dtype=pl.Enum(["before", "after"]))
    arm, visit = np.array([0, 0, 0, 0, 1, 1, 1, 1.0]), np.array([0, 1.0] * 4)
    between, within = suited(arm, people, visits), suited(visit, people, visits)
    assert (between.count, within.count) == (24, 16)
    for row in between.every():
        assert np.array_equal(visit[row], visit)
        assert all(len(set(people[row][people == one])) == 1 for one in "abcd")
    for row in within.every():
        assert np.array_equal(people[row], people)
    assert suited(arm, np.arange(8)).count == factorial(8)
    assert "whole people" in between.said and "24 arrangements" in between.said


def test_people_with_unequal_rows_change_places_with_their_like_only_and_it_is_said():
    people = ["a", "a", "b", "b", "c", "c", "d", "d", "e", "e", "f"]
    visits = [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]
    design = suited(np.array([0.0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0]), people, visits)
    assert design.count == 120
    assert "1 of them have no other like them" in design.said
    with pytest.raises(InputError, match="no arrangement changes the term"):
        suited(np.array([0.0, 0, 0, 0, 1, 1, 1, 1]), list("aabbccdd"), blocks=[1, 1, 1, 1, 2, 2, 2, 2])
    # Few share their visits: people with as many rows are exchanged.
    other = suited(np.array([0.0, 0, 1, 1, 0, 0]), ["a", "a", "b", "b", "c", "c"], [1, 2, 2, 3, 1, 3])
    assert other.count == 6


def test_series_are_shifted_in_the_order_of_the_days():
    days = np.array([3.0, 1.0, 2.0, 4.0])
    design = suited(np.array([1.0, 0, 0, 1]), ["a"] * 4, days, series=True)
    assert {tuple(days[row][np.argsort(days)]) for row in design.every()} == {
        (1, 2, 3, 4), (2, 3, 4, 1), (3, 4, 1, 2), (4, 1, 2, 3),
    }  # fmt: skip


def test_some_rows_of_a_design_keep_who_belongs_together():
    design = exchange(8, plots=np.repeat([1, 2, 3, 4], 2), within="none", between="free")
    part = design.only(np.array([0, 1, 4, 5, 6]))
    assert (part.rows, part.count) == (5, 2)
    assert exchange(8, blocks=[1, 1, 1, 1, 2, 2, 2, 2]).only(np.array([0, 2, 3, 5])).count == 6


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"within": "shuffled"}, "no design of permutations"),
        ({"blocks": [1, 2]}, "2 labels of blocks for 4 rows"),
        ({"blocks": [1, 2, 3, 4]}, "no two rows can change places"),
        ({"plots": [1, None, 2, 2]}, "label of the permutations is empty"),
        ({"plots": [1, 1, 1, 2], "within": "none", "between": "free"}, "no two rows can change places"),
    ],
)
def test_designs_that_cannot_be_are_refused(options, part):
    with pytest.raises(InputError, match=part):
        exchange(4, **options)


@settings(deadline=None, max_examples=40)
@given(some.lists(some.integers(0, 3), min_size=4, max_size=9), some.integers(0, 2**31))
def test_draws_never_leave_their_block(blocks, seed):
    if max(blocks.count(block) for block in blocks) < 2:
        return
    drawn = exchange(len(blocks), blocks=blocks).draw(np.random.default_rng(seed), 20)
    assert np.array_equal(np.sort(drawn, axis=1), np.tile(np.arange(len(blocks)), (20, 1)))
    assert (np.array(blocks)[drawn] == np.array(blocks)).all()


def test_p_counts_the_observed_and_ties_by_rounding():
    assert p_value(0, 999) == 0.001
    assert as_extreme(np.array([1 - 1e-12, 0.99, 2.0]), 1.0) == 2
    assert ranks_of(np.array([0.1 + 0.2, 0.3, 1.0])).tolist() == [1.5, 1.5, 3]
    assert number_said(120) == "120"
    assert number_said(factorial(2000)).endswith("e5735")
