"""Shares of responders: published intervals, ends of the scale, missing people."""

import math

import polars as pl
import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as some
from scipy.stats import norm
from statsmodels.stats.proportion import test_proportions_2indep as score_test

from gutbrain.analyse.models.proportions import difference, equal_shares, number_needed, odds_ratio, ratio, wilson
from gutbrain.analyse.persons.important_differences import better, half_deviation, important_differences, known, told
from gutbrain.analyse.persons.responders import changes, differences, responded, responders
from gutbrain.errors import InputError
from gutbrain.observe.forms import find, questionnaires


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [  # Newcombe 1998, table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_differences_as_published_by_newcombe(counts, low, high):
    assert difference(*counts) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@pytest.mark.parametrize(
    ("hits", "people", "low", "high"),
    [  # Newcombe 1998, the single proportion, method 3
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
    ],
)  # fmt: skip
def test_shares_as_published_by_newcombe(hits, people, low, high):
    assert wilson(hits, people) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@settings(max_examples=60, deadline=None)
@cases(some.integers(1, 40), some.integers(1, 40), some.data())
def test_intervals_hold_their_estimates(people, people0, data):
    hits, hits0 = data.draw(some.integers(0, people)), data.draw(some.integers(0, people0))
    gap = hits / people - hits0 / people0
    low, high = difference(hits, people, hits0, people0)
    assert -1 <= low <= gap + 1e-12 and gap - 1e-12 <= high <= 1
    assert difference(hits0, people0, hits, people) == (pytest.approx(-high), pytest.approx(-low))
    low, high = ratio(hits, people, hits0, people0)
    assert 0 <= low <= high
    if hits0:
        assert low <= hits / people / (hits0 / people0) * (1 + 1e-6) and (
            high >= hits / people / (hits0 / people0) * (1 - 1e-6)
        )
    _, p, _ = equal_shares(hits, people, hits0, people0)
    assert 0 <= p <= 1
    turned = ratio(hits0, people0, hits, people)
    if low > 0 and hits0 > 0:
        assert turned[1] == pytest.approx(1 / low, rel=1e-5)


def test_ends_of_the_ratio_are_where_the_score_test_rejects():
    for counts in ((56, 70, 48, 80), (4, 30, 9, 31), (9, 10, 3, 12)):
        for end in ratio(*counts):
            told = score_test(*counts, value=end, compare="ratio", method="score", correction=False)
            assert abs(told.statistic) == pytest.approx(norm.ppf(0.975), rel=1e-6)
    assert ratio(0, 10, 0, 12) == (0.0, math.inf) and ratio(3, 12, 0, 10)[1] == math.inf
    assert odds_ratio(0, 10, 0, 12) == (None, 0.0, math.inf)


def test_number_needed_passes_through_infinity():
    sure = number_needed(0.2, *difference(56, 70, 48, 80))
    assert sure["needed"] == pytest.approx(5) and not sure["through_infinity"]
    assert sure["needed_said"] == "benefit 5.0 (benefit 3.0 to benefit 19.1)"
    unsure = number_needed(0.05, -0.1, 0.2)
    assert unsure["through_infinity"] and unsure["needed_said"] == "benefit 20.0 (benefit 5.0 to infinity to harm 10.0)"
    assert number_needed(0.0, -0.1, 0.1)["needed"] is None
    assert number_needed(-0.2, -0.3, -0.1)["needed_said"] == "harm 5.0 (harm 10.0 to harm 3.3)"


@pytest.mark.parametrize("counts", [(1, 0), (3, 2), (-1, 5)])
def test_what_is_no_share_is_refused(counts):
    with pytest.raises(InputError, match="is no share"):
        wilson(*counts)


TABLE = pl.DataFrame({
    "person": ["a", "a", "b", "b", "c", "c", "d", "e", "e", "f"],
    "visit": ["0", "1", "0", "1", "0", "1", "0", "0", "1", "1"],
    "value": [12.0, 4.0, 10.0, 6.0, 9.0, 9.0, 15.0, 4.0, 2.0, 8.0],
    "arm": ["drug", "drug", "drug", "drug", "sham", "sham", "sham", "sham", "sham", "sham"],
})  # fmt: skip


@pytest.mark.parametrize(
    ("criterion", "threshold", "who"),
    [
        ("important difference", 4, {"a": True, "b": True, "c": False, "d": None, "e": False}),
        ("reliable change", 4, {"a": True, "b": False, "c": False, "d": None, "e": False}),
        ("half", 0.5, {"a": True, "b": False, "c": False, "d": None, "e": True}),
        ("remission", 5, {"a": True, "b": False, "c": False, "d": None}),
    ],
)
def test_who_responded(criterion, threshold, who):
    made = responded(changes(TABLE, "0", "1", "arm"), criterion, threshold, "lower")
    assert dict(made.select("person", "responded").iter_rows()) == who


def test_higher_is_better_turns_it_round():
    turned = TABLE.with_columns((20 - pl.col("value")).alias("value"))
    for criterion, threshold in (("important difference", 4.0), ("reliable change", 4.0)):
        made = responded(changes(turned, "0", "1", "arm"), criterion, threshold, "higher")
        same = responded(changes(TABLE, "0", "1", "arm"), criterion, threshold, "lower")
        assert made["responded"].equals(same["responded"])


def test_missing_people_are_left_out_or_count_against():
    made = responded(changes(TABLE, "0", "1", "arm"), "half", 0.5, "lower")
    out = responders(made).to_dicts()
    assert [(row["arm"], row["responders"], row["people"], row["missing"]) for row in out] == [
        ("drug", 1, 2, 0), ("sham", 1, 2, 1),
    ]  # fmt: skip
    counted = responders(made, "not responded")
    assert counted["people"].to_list() == [2, 3]
    apart = differences(counted).row(0, named=True)
    assert (apart["arm"], apart["reference"]) == ("sham", "drug")
    assert apart["difference"] == pytest.approx(1 / 3 - 1 / 2) and apart["through_infinity"]
    with pytest.raises(InputError, match="missing = 'imputed' is not known"):
        responders(made, "imputed")


def test_an_arm_without_responders_or_people_is_told():
    none = pl.DataFrame({"person": list("abcd"), "arm": ["p", "p", "q", "q"], "responded": [False, False, True, None]})
    row = differences(responders(none)).row(0, named=True)
    assert row["ratio"] is None and row["ratio_high"] is None and "no upper end: ratio high" in row["note"]
    empty = none.with_columns(pl.when(pl.col("arm") == "p").then(pl.col("responded")).alias("responded"))
    assert differences(responders(empty)).row(0, named=True)["note"] == "an arm has nobody with both visits"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: changes(TABLE, "0", "9", "arm"), "nobody has a value at visit '9'"),
        (lambda: changes(pl.concat([TABLE, TABLE[:1]]), "0", "1", "arm"), "several values at visit '0'"),
        (lambda: responded(changes(TABLE, "0", "1"), "better", 1, "lower"), "criterion = 'better' is not known"),
        (lambda: responded(changes(TABLE, "0", "1"), "half", 0, "lower"), "is not above 0"),
        (lambda: responded(changes(TABLE, "0", "1").with_columns(pl.lit(0.0).alias("start")), "half", 0.5, "lower"),
         "says nothing"),
        (lambda: better("mood.total"), "which direction of 'mood.total' is better is not known"),
        (lambda: better("mood.total", "up"), "better = 'up' is not known"),
        (lambda: half_deviation([3.0, 3.0]), "two people who differ"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_every_row_of_the_sources_has_a_grade_and_a_scale():
    table = important_differences()
    valued = table.filter(pl.col("what") != "direction")
    assert valued["value"].null_count() == 0 and table["grade"].null_count() == 0
    sourceless = table.filter(pl.col("source").is_null())
    assert set(sourceless["grade"]) == {"recalled"}
    chosen = {"ffmq-15": "total without observe", "ffmq-39": "total without observe"}
    names = {f"{form.name}.{scale}" for form in questionnaires().values() for scale in form.scales}
    names |= {f"{name}.{scale}" for name, choice in chosen.items() for scale in find(name).decide(choice).scales}
    assert set(table["quantity"]) <= names
    assert {name for name in names if not name.endswith(".safety")} <= set(table["quantity"])
    per = table.group_by("quantity").agg(pl.col("better").n_unique())
    assert set(per["better"]) == {1}
    assert known("ibs-sss.total", "important difference")["value"] == 50
    assert "Francis1997, published-model" in told(known("ibs-sss.total", "important difference"))
    assert known("pss-10.total", "important difference") is None
