"""Means, bands, reliabilities and safety messages of published answers."""

import numpy as np
import polars as pl
import pytest
from answer_sheets import bands, dass_answers, long, shared, sheet, student_answers

from gutbrain.errors import InputError
from gutbrain.observe.answering import patterns
from gutbrain.observe.questionnaires import safety, score, short_form
from gutbrain.observe.reliability import BOTH_SIGNS, alpha, reliability


@pytest.mark.parametrize(
    ("form", "letter", "count", "mean", "spread", "counts", "coefficient"),
    [
        ("PHQ-9", "D", 9, 8.83, 6.17, [61, 82, 43, 18, 19], 0.905),
        ("GAD-7", "A", 7, 5.75, 5.41, [115, 64, 26, 18], 0.944),
        ("PSS-10", "S", 10, 15.40, 7.00, [79, 137, 7], 0.834),
    ],
)
def test_students(form, letter, count, mean, spread, counts, coefficient):
    answers = student_answers(letter, count)
    found = score(answers, form)
    scores = found.filter(scale="total")["score"]
    assert (scores.mean(), scores.std()) == (pytest.approx(mean, abs=0.005), pytest.approx(spread, abs=0.005))
    assert bands(found, form, "total") == counts
    row = reliability(answers, form).filter(scale="total").row(0, named=True)
    assert row["alpha"] == pytest.approx(coefficient, abs=0.0005)
    assert row["alpha_low"] < row["alpha"] < row["alpha_high"]
    assert (row["people"], row["left_out"]) == (223, 0)


def test_the_three_scales_of_students_correlate_as_published():
    columns = {form: score(student_answers(letter, count), form).filter(scale="total").sort("person")["score"]
               for form, letter, count in (("phq-9", "D", 9), ("gad-7", "A", 7), ("pss-10", "S", 10))}  # fmt: skip
    table = np.corrcoef([columns[form].to_numpy() for form in ("phq-9", "gad-7", "pss-10")])
    np.testing.assert_allclose(table[np.triu_indices(3, 1)], [0.829, 0.532, 0.550], atol=0.0005)


def test_a_reversal_done_twice_is_seen_by_reliability_and_hardly_by_the_mean():
    answers = student_answers("S", 10)
    turned = answers.with_columns(
        pl.when(pl.col("item").is_in(["4", "5", "7", "8"])).then(4 - pl.col("value")).otherwise("value").alias("value")
    )
    scores = score(turned, "pss-10").filter(scale="total")["score"]
    assert (scores.mean(), scores.std()) == (pytest.approx(15.61, abs=0.005), pytest.approx(6.16, abs=0.005))
    row = reliability(turned, "pss-10").filter(scale="total").row(0, named=True)
    assert row["alpha"] == pytest.approx(0.754, abs=0.0005)
    assert row["remark"] == BOTH_SIGNS
    assert reliability(answers, "pss-10")["remark"].is_null().all()


def test_subscales_of_stress():
    answers = student_answers("S", 10)
    found = reliability(answers, "pss-10")
    assert found["alpha"].round(3).to_list() == [0.834, 0.909, 0.861]
    wide = score(answers, "pss-10").pivot("scale", index="person", values="score")
    assert wide.select(pl.corr("helplessness", "self_efficacy")).item() == pytest.approx(0.133, abs=0.0005)
    assert wide.select((pl.col("helplessness") + pl.col("self_efficacy") == pl.col("total")).all()).item()


def test_dass_42_with_the_published_key():
    answers = dass_answers()
    found = score(answers, "DASS-42", choice="standard bands")
    for scale, mean, spread, counts in (
        ("depression", 20.79, 12.40, [233, 98, 182, 137, 350]),
        ("anxiety", 15.97, 10.33, [252, 61, 171, 168, 348]),
        ("stress", 20.93, 10.78, [310, 113, 209, 224, 144]),
    ):
        scores = found.filter(scale=scale)["score"]
        assert (scores.mean(), scores.std()) == (pytest.approx(mean, abs=0.005), pytest.approx(spread, abs=0.005))
        assert bands(found, "dass-42", scale, "standard bands") == counts
    assert reliability(answers, "dass-42")["alpha"].round(3).to_list() == [0.957, 0.919, 0.932]


def test_dass_21_out_of_dass_42():
    answers = dass_answers()
    short = short_form(answers, "dass-21", "dass-42")
    found = score(short, "dass-21", choice="standard bands")
    whole = score(answers, "dass-42", choice="no bands")
    for scale, mean, spread, related, counts in (
        ("depression", 20.72, 12.42, 0.983, [221, 94, 215, 120, 350]),
        ("anxiety", 16.85, 11.01, 0.971, [233, 53, 178, 138, 398]),
        ("stress", 19.69, 11.16, 0.968, [366, 125, 167, 206, 136]),
    ):
        scores = found.filter(scale=scale)["score"]
        assert (scores.mean(), scores.std()) == (pytest.approx(mean, abs=0.005), pytest.approx(spread, abs=0.005))
        both = found.filter(scale=scale).join(whole.filter(scale=scale), on="person")
        assert both.select(pl.corr("score", "score_right")).item() == pytest.approx(related, abs=0.0005)
        assert bands(found, "dass-21", scale, "standard bands") == counts
    assert reliability(short, "dass-21")["alpha"].round(3).to_list() == [0.910, 0.850, 0.869]
    with pytest.raises(InputError, match="no map of dass-42 in dass-21"):
        short_form(answers, "dass-42", "dass-21")


def test_promis_by_its_table():
    table = shared("promis-anxiety-n766", "promis_anxiety_29item_lordif_n766.csv")
    eight = long(table, {f"R{k}": str(n) for n, k in enumerate((1, 4, 5, 19, 20, 22, 27, 28), 1)})
    found = score(eight, "promis anxiety 8a")
    raw, t = (found.filter(scale=name)["score"] for name in ("raw", "t"))
    assert (raw.mean(), raw.std()) == (pytest.approx(13.44, abs=0.005), pytest.approx(6.18, abs=0.005))
    assert (t.mean(), t.std()) == (pytest.approx(48.6, abs=0.05), pytest.approx(9.3, abs=0.05))
    assert (t.min(), t.max()) == (37.1, 83.1)
    assert ((t >= 55).mean(), (t >= 60).mean()) == (pytest.approx(0.239, abs=5e-4), pytest.approx(0.125, abs=5e-4))
    assert reliability(eight, "promis-anxiety-8a")["alpha"].round(3).to_list() == [0.937]
    four = long(table, {f"R{k}": str(n) for n, k in enumerate((1, 19, 20, 27), 1)})
    found = score(four, "promis-anxiety-4a")
    assert found.filter(scale="raw")["score"].mean() == pytest.approx(6.26, abs=0.005)
    assert set(found.filter(scale="t")["withheld"]) == {"the T table of this form is not known here"}
    assert reliability(four, "promis-anxiety-4a")["alpha"].round(3).to_list() == [0.883]
    bank = table.select(pl.col("^R.*$")).to_numpy().astype(float)
    assert alpha(bank) == pytest.approx(0.971, abs=0.0005)


def test_the_safety_item_is_told_of_whoever_answered_above_0():
    answers = student_answers("D", 9)
    told = safety(answers)
    assert told.height == 65
    assert told["answer"].min() == 1
    assert patterns(answers, "phq-9")["what"].to_list()[:65] == ["answered above 0: tell the study team now"] * 65
    shown = score(answers, "phq-9").filter(scale="safety")
    assert (shown["band"] == "tell the study team").sum() == 65


def test_nothing_hides_the_safety_item():
    answers = sheet([0] * 8 + [1], "phq-9")
    empty = sheet([0] * 8 + [None], "phq-9", person="q")
    absent = sheet([0] * 9, "phq-9", person="r").filter(pl.col("item") != "9")
    twice = pl.concat([answers.filter(item="9").with_columns(value=pl.lit(0.0)), answers])
    told = safety(pl.concat([twice, empty, absent]))
    assert told["person"].to_list() == ["p", "q", "r"]
    assert told["message"].str.contains("left empty").to_list() == [False, True, True]
    assert safety(sheet([1] * 8 + [7], "phq-9"))["answer"].to_list() == [7]
    assert safety(sheet([1] * 8 + [2], "phq-9"), coding="1 to 4")["answer"].to_list() == [1]
    assert safety(sheet([1] * 8 + [1], "phq-9"), coding="1 to 4").is_empty()
    assert safety(sheet([4] * 8 + [3], "phq-9"), coding="4 to 1")["answer"].to_list() == [1]
    with pytest.raises(InputError, match="cannot be used"):
        safety(answers, coding="from one")
    with pytest.raises(InputError, match="no item that is told"):
        safety(sheet([0] * 7, "gad-7"), "gad-7")
