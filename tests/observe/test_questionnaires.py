"""Bands, rules, codings, gaps and decisions of every form; what is refused and how it is told."""

import itertools
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from answer_sheets import sheet, student_answers, total
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.evidence.claims import bibliography
from gutbrain.observe.answering import patterns
from gutbrain.observe.questionnaires import find, questionnaires, score


@pytest.mark.parametrize(
    ("form", "choice", "scale", "starts"),
    [
        ("pss-10", None, "total", [14, 27]),
        ("gad-7", None, "total", [5, 10, 15]),
        ("phq-9", None, "total", [5, 10, 15, 20]),
        ("dass-42", "standard bands", "depression", [10, 14, 21, 28]),
        ("dass-42", "standard bands", "anxiety", [8, 10, 15, 20]),
        ("dass-21", "standard bands", "stress", [15, 19, 26, 34]),
        ("dass-42", "stress bands 11/19/27/35", "stress", [11, 19, 27, 35]),
        ("promis-anxiety-8a", None, "t", [55, 60, 70]),
        ("who-5", None, "total", [50]),
        ("ibs-sss", "0 to 100", "total", [75, 175]),
        ("ibs-sss", "0 to 10", "total", [7.5, 17.5]),
    ],
)
def test_bands_begin_at_their_number(form, choice, scale, starts):
    read = find(form).decide(choice).scales[scale]
    for place, start in enumerate(starts):
        assert read.band(start) == read.bands[place + 1].label
        assert read.band(start - 0.1) == read.bands[place].label


@pytest.mark.parametrize(("form", "choice", "bound"), [("ibs-sss", "0 to 100", 300), ("ibs-sss", "0 to 10", 30)])
def test_severe_begins_above_its_number(form, choice, bound):
    read = find(form).decide(choice).scales["total"]
    assert read.band(bound).startswith("moderate")
    assert read.band(bound + 0.1).startswith("severe")


def test_halved_bands_would_classify_alike_and_are_refused():
    for scale, halves in (("depression", (5, 7, 11, 14)), ("anxiety", (4, 5, 8, 10)), ("stress", (8, 10, 13, 17))):
        read = find("dass-21").decide("standard bands").scales[scale]
        for half in range(22):
            assert read.bands.index(next(b for b in read.bands if b.label == read.band(2 * half))) == sum(
                half >= start for start in halves
            )
    with pytest.raises(InputError, match="refused"):
        score(sheet([0] * 21, "dass-21"), "dass-21", choice="halved bands")


def test_conventional_bands_say_so():
    assert score(sheet([2] * 10), "pss-10").filter(scale="total")["band"].item().endswith("not validated)")


# ---- rules


def test_every_form_is_a_whole_declaration():
    forms = questionnaires()
    assert len({name.split("-")[0] for name in forms}) == 12
    for form in forms.values():
        assert form.licence and form.recall and form.higher and form.version
        assert set(form.source.split()) <= set(bibliography())
        assert form.grade in ("measured", "published-model", "derived", "fitted", "assumed", "recalled")
        for choice in form.choices or (None,):
            ready = form.decide(choice)
            assert ready.reverse <= set(ready.items)
            for scale in ready.scales.values():
                assert len(set(scale.items)) == len(scale.items) and set(scale.items) <= set(ready.items)
                assert not scale.low >= scale.high
    for name in ("ffmq-39", "dass-42", "dass-21", "ffmq-15", "gsrs"):
        held = list(itertools.chain.from_iterable(scale.items for scale in forms[name].scales.values()))
        assert sorted(held) == sorted(forms[name].items)
    assert {s.name: (s.low, s.high) for s in forms["ffmq-39"].scales.values()}["nonreact"] == (7, 35)
    assert find("ibs-sss").decide("0 to 100").scales["total"].high == 500
    assert find("ibs-sss").decide("0 to 10").scales["total"].high == 50


@pytest.mark.parametrize(
    ("form", "choice", "scale", "values", "expected"),
    [
        ("pss-10", None, "total", [4, 4, 4, 0, 0, 4, 0, 0, 4, 4], 40),
        ("pss-10", None, "total", [0, 0, 0, 4, 4, 0, 4, 4, 0, 0], 0),
        ("who-5", None, "total", [2, 3, 2, 3, 2], 48),
        ("maas", None, "total", [1] * 10 + [6] * 5, 40 / 15),
        ("ibs-sss", "0 to 100", "total", [50, 4, 30, 60.5, 20], 200.5),
        ("ibs-sss", "0 to 10", "total", [5, 4, 3, 6, 2], 20),
        ("gsrs", None, "reflux", [1, 7, 4] + [1] * 12, 5.5),
        ("gsrs", None, "constipation", [1] * 9 + [2, 1, 1, 4, 1, 6], 4),
        ("dass-21", "no bands", "stress", [1] * 21, 14),
    ],
)
def test_worked_scores(form, choice, scale, values, expected):
    assert total(score(sheet(values, form), form, choice=choice), scale) == pytest.approx(expected)


def test_ffmq_total_leaves_observe_out_where_so_decided():
    form = find("ffmq-39")
    highest = {item: 1 if item in form.reverse else 5 for item in form.items}
    found = score(sheet(highest, "ffmq-39"), "ffmq-39", choice="total without observe")
    assert found["score"].to_list() == [40, 40, 40, 40, 35, 155]
    assert total(score(sheet(highest, "ffmq-39"), "ffmq-39", choice="total with observe")) == 195
    assert "total without observe" in found["rule"][0]
    with pytest.raises(InputError, match="whether Observe belongs to the total"):
        score(sheet(highest, "ffmq-39"), "ffmq-39")


def test_the_short_mindfulness_form_needs_the_numbers_of_the_long_one():
    form = find("ffmq-15")
    highest = sheet({item: 1.0 if item in form.reverse else 5.0 for item in form.items}, "ffmq-15")
    with pytest.raises(InputError, match="item_of_39"):
        score(highest, "ffmq-15", choice="no total")
    mapped = highest.with_columns(item_of_39=pl.col("item"), item=pl.Series([str(k) for k in range(1, 16)]))
    assert score(mapped, "ffmq-15", choice="no total")["score"].to_list() == [15] * 5


def test_dass_asks_for_its_bands():
    with pytest.raises(InputError, match="which severity bands"):
        score(sheet([0] * 42, "dass-42"), "dass-42")
    assert score(sheet([0] * 42, "dass-42"), "dass-42", choice="no bands")["band"].null_count() == 3


# ---- missing items


def test_a_score_that_lacks_an_item_is_withheld_and_says_which():
    found = score(sheet([1, None, 2, 2, 2, 1, 2, 2, None, 1]), "pss-10")
    row = found.filter(scale="total").row(0, named=True)
    assert (row["score"], row["band"], row["answered"], row["missing"]) == (None, None, 8, 2)
    assert row["withheld"] == "2 of 10 items missing: 2, 9"
    assert total(found, "self_efficacy") == 8
    absent = score(sheet({"1": 1.0, "3": 2.0}), "pss-10").filter(scale="total")
    assert absent["missing"].item() == 8


def test_prorating_is_for_forms_that_have_a_rule():
    half = [1, 5] + [None] * 13
    assert total(score(sheet(half, "maas"), "maas", missing="prorate")) is None
    found = score(sheet([2, 4] * 4 + [None] * 7, "maas"), "maas", missing="prorate")
    assert total(found) == 3
    assert "prorated up to 50% (assumed)" in found["rule"].item()
    found = score(sheet([None] + [1] * 6, "gad-7"), "gad-7", missing="prorate").row(0, named=True)
    assert (found["score"], found["withheld"]) == (None, "1 of 7 items missing: 1; the form has no rule for prorating")
    t = score(sheet([None] + [1] * 7, "promis-anxiety-8a"), "promis-anxiety-8a", missing="prorate").filter(scale="t")
    assert "complete forms only" in t["withheld"].item()
    with pytest.raises(InputError, match="'impute' is not known"):
        score(sheet([1] * 7, "gad-7"), "gad-7", missing="impute")


# ---- codings


def test_codes_that_begin_one_higher_are_refused_and_mended():
    answers = student_answers("A", 7).with_columns(pl.col("value") + 1)
    with pytest.raises(InputError, match=r"give coding='1 to 4'") as caught:
        score(answers, "gad-7")
    assert "gad-7" in str(caught.value) and "item" in str(caught.value)
    found = score(answers, "gad-7", coding="1 to 4")
    assert found["score"].mean() == pytest.approx(5.75, abs=0.005)
    assert "codes 1 to 4" in found["rule"][0]


def test_codes_without_a_single_lowest_answer_are_doubted():
    sheets = pl.concat([sheet([1, 2, 3, 1, 1, 2, 3], "gad-7", person=str(k)) for k in range(15)])
    with pytest.raises(InputError, match="not one of 105 answers is 0"):
        score(sheets, "gad-7")
    assert score(sheets, "gad-7", coding="0 to 3")["score"].to_list() == [13] * 15
    assert score(sheets, "gad-7", coding="1 to 4")["score"].to_list() == [6] * 15


def test_codes_from_0_on_a_form_that_prints_1_are_refused():
    with pytest.raises(InputError, match="coding='0 to 4'"):
        score(sheet([0, 1, 4, 2, 0, 1, 1, 3], "promis-anxiety-8a"), "promis-anxiety-8a")


@pytest.mark.parametrize("coding", ["0 to 4", "1 to 3", "five", "4"])
def test_a_coding_that_does_not_fit_is_refused(coding):
    with pytest.raises(InputError, match="coding"):
        score(sheet([0] * 7, "gad-7"), "gad-7", coding=coding)


def test_visceral_sensitivity_needs_a_declared_coding():
    answers = sheet([1, 6] * 7 + [1], "vsi")
    with pytest.raises(InputError, match="codes have to be declared"):
        score(answers, "vsi")
    assert total(score(answers, "vsi", coding="1 to 6")) == 35
    assert total(score(answers, "vsi", coding="6 to 1")) == 40


def test_bowel_severity_tells_its_range_or_asks():
    wide = sheet([50, 4, 30, 60, 20], "ibs-sss")
    narrow = sheet([5, 4, 3, 6, 2], "ibs-sss", person="q")
    assert total(score(wide, "ibs-sss")) == 200
    zeros = sheet([0] * 5, "ibs-sss", person="r")
    assert score(pl.concat([wide, zeros]), "ibs-sss")["score"].to_list() == [200, 0]
    with pytest.raises(InputError, match="two ranges may be mixed"):
        score(pl.concat([wide, narrow]), "ibs-sss")
    assert score(pl.concat([wide, narrow]), "ibs-sss", choice="0 to 100")["score"].to_list() == [200, 56]
    for silent in (narrow, zeros):
        with pytest.raises(InputError, match="0 to 10"):
            score(silent, "ibs-sss")
    with pytest.raises(InputError, match="runs from 0 to 10"):
        score(wide, "ibs-sss", choice="0 to 10")
    with pytest.raises(InputError, match="multiplied once"):
        score(sheet([50, 40, 30, 60, 20], "ibs-sss"), "ibs-sss")


@pytest.mark.parametrize(
    ("answers", "form", "match"),
    [
        (sheet([0] * 7, "gad-7"), "gad-77", "did you mean 'gad-7'"),
        (sheet([0] * 7, "gad-7"), "gsrs-ibs", "no key"),
        (sheet({"12": 1.0}), "pss-10", "no item '12'"),
        (sheet([0] * 7, "gad-7").drop("visit"), "gad-7", "no such column"),
        (sheet([0] * 7, "gad-7").head(0), "gad-7", "no answers"),
        (pl.concat([sheet([0] * 7, "gad-7")] * 2), "gad-7", "stands twice"),
        (sheet([0.5] + [0] * 6, "gad-7"), "gad-7", "whole numbers"),
        (sheet([33] + [0] * 6, "gad-7"), "gad-7", "the first is 33"),
        (sheet([0] * 15, "gsrs"), "gsrs", "interview version"),
        (sheet([0] * 7, "gad-7").with_columns(value=pl.lit("often")), "gad-7", "'often' is no answer"),
        (sheet([0] * 7, "gad-7").with_columns(value=pl.lit(True)), "gad-7", "values are Boolean"),
    ],
)
def test_what_cannot_be_scored_is_named(answers, form, match):
    with pytest.raises(InputError, match=match):
        score(answers, form)


@pytest.mark.parametrize(("form", "choice"), [("gsrs", "interview"), ("promis-anxiety-8a", "paediatric")])
def test_versions_without_a_key_are_refused(form, choice):
    with pytest.raises(InputError, match="refused"):
        score(sheet([1] * len(find(form).items), form), form, choice=choice)
    with pytest.raises(InputError, match="no choice of this form"):
        score(sheet([1] * len(find(form).items), form), form, choice="another")


def test_other_columns_are_keys_and_a_form_column_picks_its_rows():
    days = pl.concat([sheet([k] * 7, "gad-7").with_columns(day=pl.lit(k)) for k in (0, 1)])
    both = pl.concat([days.with_columns(form=pl.lit("GAD7")), sheet([4] * 10).with_columns(
        day=pl.lit(0), form=pl.lit("PSS10"))])  # fmt: skip
    found = score(both, "gad-7")
    assert found.select("day", "score").rows() == [(0, 0), (1, 7)]
    assert found.columns == ["person", "visit", "day", "form", "scale", "score", "band", "answered", "missing",
                             "rule", "withheld"]  # fmt: skip


def test_text_is_read_and_not_a_number_is_missing():
    text = sheet([0] * 7, "gad-7").with_columns(value=pl.Series(["1", " 2", "", None, "3.0", "0", "1"]))
    assert score(text, "gad-7")["withheld"].item() == "2 of 7 items missing: 3, 4"
    nan = sheet([float("nan")] + [1] * 6, "gad-7")
    assert score(nan, "gad-7")["missing"].item() == 1


SIMPLE = [name for name in questionnaires() if name not in ("psqi", "ffmq-15", "ibs-sss")]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), name=st.sampled_from(SIMPLE))
def test_scores_lie_in_range_whatever_the_order_of_rows(data, name):
    form = find(name)
    choice = form.choices[0] if form.choices else None
    low, high = (int(end) for end in form.range(form.items[0]))
    sheets = []
    for person in "pqr":
        values = data.draw(st.lists(st.integers(low, high) | st.none(), min_size=len(form.items),
                                    max_size=len(form.items)))  # fmt: skip
        sheets.append(sheet(values, name, person=person))
    answers = pl.concat(sheets)
    shuffled = answers.sample(fraction=1, shuffle=True, seed=data.draw(st.integers(0, 99)))
    found, again = (score(a, name, choice=choice, coding=f"{low} to {high}", missing="prorate")
                    for a in (answers, shuffled))  # fmt: skip
    assert found.equals(again)
    for row in found.iter_rows(named=True):
        scale = form.decide(choice).scales[row["scale"]]
        assert (row["score"] is None) != (row["withheld"] is None)
        assert row["answered"] + row["missing"] == len(scale.items)
        if row["score"] is not None:
            assert scale.low - 1e-9 <= row["score"] <= scale.high + 1e-9
            assert bool(scale.bands) == (row["band"] is not None)
    assert patterns(answers, name).equals(patterns(shuffled, name))


def test_observing_brings_no_simulator():
    names = ", ".join(f"gutbrain.observe.{name}" for name in ("answering", "cortisol", "questionnaires", "reliability",
                                                              "stool"))  # fmt: skip
    asked = f"import {names}, sys; print([m for m in ('jax', 'diffrax', 'gutbrain.model') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], cwd=Path(__file__).parents[2], capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert done.stdout.strip() == "[]"
