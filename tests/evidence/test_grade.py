"""Certainty follows from the fields: design first, then what weakens, then what strengthens."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.evidence.findings import finding, findings
from gutbrain.evidence.grade import START, certainty, points

EVIDENCE = Path(__file__).parents[3] / "shared" / "evidence" / "evidence.csv"

# The table's letters there are judgements; the rules give these, because 23, 13 and 3 persons are few.
JUDGED_HIGHER = {"BAR-1", "BAR-2", "BAR-3", "BAR-5", "CO-10"}


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


def test_letters_agree_with_the_evidence_table_but_for_small_experiments():
    if not EVIDENCE.exists():
        pytest.skip("the comparison with the evidence table needs ../shared")
    table = pl.read_csv(EVIDENCE, infer_schema=False).select("id", pl.col("certainty").alias("judged"))
    both = findings().join(table, left_on="evidence_row", right_on="id")
    other = both.filter(pl.col("certainty") != pl.col("judged"))
    assert set(other["id"]) == JUDGED_HIGHER
    assert (other["certainty"] > other["judged"]).all()
