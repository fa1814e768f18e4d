"""Certainty follows from the fields: design first, then what weakens, then what strengthens."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.evidence.claims import GRADE_WORDS
from gutbrain.evidence.findings import finding, findings, steps_of
from gutbrain.evidence.grade import LETTERS, ORDER, START, WORDS, certainty, in_words, lowest, points, steps

EVIDENCE = Path(__file__).parents[3] / "shared" / "evidence" / "evidence.csv"

# The table's letters there are judgements. The rules give others, because:
OTHERWISE = {
    "few persons weigh more here": {"BAR-1", "BAR-2", "BAR-3", "BAR-5", "CO-10", "E104", "E186"},
    "one group before and after weighs less here": {"E058", "E193", "E194"},
    "a cross-section of a cohort is a cross-section": {"E138", "E139"},
    "an interval that leaves much open counts once, and a dose response adds": {"E021", "E097", "E100"},
    "what was judged beyond the fields of the rule": {"E101", "E182"},
}


@pytest.mark.parametrize(
    ("design", "letter"),
    [("meta-analysis of trials", "A"), ("trial", "A"), ("experiment", "B"), ("cohort", "C"), ("single arm", "C"),
     ("cross-section", "D"), ("case series", "D"), ("animal", "D")],
)  # fmt: skip
def test_design_is_the_start(design, letter):
    assert certainty(design) == letter
    assert points(design) == START[design]


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({"risk_of_bias": 1.0}, -1.0),
        ({"i_squared": 75}, 0.0),
        ({"i_squared": 76}, -0.5),
        ({"prediction_low": -1.19, "prediction_high": 0.06}, -0.5),
        ({"prediction_low": -1.19, "prediction_high": 0.06, "i_squared": 90}, -0.5),
        ({"prediction_low": 0.1, "prediction_high": 0.6}, 0.0),
        ({"indirect": True}, -0.5),
        ({"n": 50}, 0.0),
        ({"n": 49}, -0.5),
        ({"n": 49, "wide_interval": True}, -0.5),
        ({"n": 24, "wide_interval": True}, -1.0),
        ({"small_studies": True}, -0.5),
        ({"no_comparator": True}, -0.5),
        ({"co_intervention": True}, -1.0),
        ({"dose_response": True, "knock_out": True, "replicated": True}, 1.5),
    ],
)
def test_each_field_moves_the_points(fields, change):
    assert points("trial", **fields) - points("trial") == pytest.approx(change)


def test_letters_go_down_to_hypothesis():
    assert certainty("trial", risk_of_bias=0.5) == "B"
    assert certainty("trial", risk_of_bias=1.0) == "C"
    assert certainty("cross-section", co_intervention=True) == "E"


def test_wrong_fields_are_refused():
    with pytest.raises(InputError, match="no design 'rumour'"):
        points("rumour")
    with pytest.raises(InputError, match="risk of bias 2"):
        points("trial", risk_of_bias=2)


def test_letters_of_the_findings():
    assert finding("MIN-15").certainty == "A"
    assert finding("MIN-8").certainty == "B"
    assert finding("MIN-2 pre-post").certainty == "D"


def test_letters_agree_with_the_evidence_table_in_nine_of_ten():
    if not EVIDENCE.exists():
        pytest.skip("the comparison with the evidence table needs ../shared")
    table = pl.read_csv(EVIDENCE, infer_schema=False).select("id", pl.col("certainty").alias("judged"))
    both = findings().join(table, left_on="evidence_row", right_on="id")
    other = both.filter(pl.col("certainty") != pl.col("judged"))
    assert set(other["id"]) == set().union(*OTHERWISE.values())
    agreeing = 1 - len(other) / len(both)
    print(f"certainty agrees in {agreeing:.1%} of {len(both)}")
    assert agreeing > 0.9
    one_letter = [abs(ord(ours) - ord(theirs)) for ours, theirs in other.select("certainty", "judged").iter_rows()]
    assert max(one_letter) == 2 and one_letter.count(2) == 2


def test_steps_add_up_and_say_why():
    for row in findings().iter_rows(named=True):
        told = steps_of(row["id"])
        assert told[0].why == f"starts as {row['design']}" and all(step.points for step in told)
        reached = sum(step.points for step in told)
        assert row["certainty"] == next((letter for least, letter in LETTERS if reached >= least), "E")
    few = steps("experiment", n=13, knock_out=True)
    assert [(step.why, step.points) for step in few] == [
        ("starts as experiment", 3.0), ("13 persons", -1.0), ("the mechanism was blocked in people", 0.5)]  # fmt: skip
    assert steps("trial", i_squared=89.0)[1].why == "studies differ (I2 89 %)"


def test_certainty_in_words_and_the_lowest():
    assert [in_words(letter) for letter in "ABCDE"] == ["high", "moderate", "low", "very low", "hypothesis only"]
    assert in_words("assumed") == "assumed, no source" and in_words("published-model (mouse)").startswith("from a")
    assert set(ORDER) == set(WORDS) | set(GRADE_WORDS)
    assert lowest(["A", "C", "B"]) == "C" and lowest(["measured", "assumed", "E"]) == "assumed" and lowest([]) == ""
    with pytest.raises(InputError, match="no certainty 'F'"):
        lowest(["A", "F"])
