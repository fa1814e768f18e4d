"""Scores of a study: the same rules for all origins, and a reason for every score that is withheld."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gutbrain.study.scores import COLUMNS, scores
from gutbrain.study.study import Study


def study(**tables: pl.DataFrame) -> Study:
    return Study.of(tables, {"forms": {"DASS-21": {"choice": "standard bands"}}})


def one(table: pl.DataFrame, quantity: str) -> dict:
    (row,) = table.filter(pl.col("quantity") == quantity).iter_rows(named=True)
    return row


def answers(form: str, values: list[float], person: str = "a") -> pl.DataFrame:
    items = [str(k) for k in range(1, len(values) + 1)]
    given = [float(value) for value in values]
    return pl.DataFrame({"person": person, "visit": "0", "form": form, "item": items, "value": given})


def test_forms_are_scored_and_a_missing_item_withholds():
    whole = answers("PSS-10", [1, 2, 3, 4, 0, 1, 2, 3, 4, 0])
    short = answers("PSS-10", [1, 2, 3], "b")
    table = scores(study(answers=pl.concat([whole, short, answers("diary of ours", [5.0])])))
    assert table.columns == list(COLUMNS)
    total = table.filter(pl.col("quantity") == "pss-10.total").sort("person")
    assert total["value"].to_list() == [1 + 2 + 3 + 0 + 4 + 1 + 2 + 1 + 4 + 0, None]
    assert total["withheld"][1].startswith("7 of 10 items missing") and total["unit"].to_list() == ["point"] * 2
    assert not table.filter(pl.col("quantity").str.contains("diary")).height


def test_options_of_the_mapping_reach_the_form_and_a_lacking_decision_is_a_row():
    values = [float(k % 4) for k in range(21)]
    decided = scores(study(answers=answers("DASS-21", values)))
    assert one(decided, "dass-21.stress")["band"] is not None
    undecided = scores(Study.of({"answers": answers("DASS-21", values)}))
    assert undecided["value"].to_list() == [None] and "choice" in undecided["withheld"][0]


def beats(minutes: float, person: str = "a") -> pl.DataFrame:
    rng = np.random.default_rng(1)
    rr = 900 + 40 * rng.standard_normal(int(minutes * 60 / 0.9))
    at = np.cumsum(rr) / 1000
    return pl.DataFrame({"person": person, "recording": "rest", "visit": "0", "day": 2.0, "at": at, "rr": rr})


def test_beats_are_scored_whole_or_in_windows_with_the_share_of_corrected_beats():
    short = scores(study(beats=beats(5)))
    rmssd = one(short, "heart.rmssd")
    assert rmssd["value"] == pytest.approx(40 * np.sqrt(2), rel=0.1)
    assert rmssd["unit"] == "ms" and "% of beats corrected" in rmssd["method"] and rmssd["withheld"] is None
    assert len(scores(study(beats=beats(21))).filter(pl.col("quantity") == "heart.rmssd")) == 4


def test_a_measured_breathing_rate_is_used():
    paced = pl.DataFrame({"person": "a", "visit": "0", "quantity": "respiration.rate", "value": 6.0, "unit": "1/min"})
    free, slow = scores(study(beats=beats(5))), scores(study(beats=beats(5), readings=paced))
    assert "unknown" in (one(free, "heart.hf_power")["note"] or "")
    assert one(slow, "heart.lf_hf_ratio")["withheld"], "no ratio is given while breathing slowly"


def test_cortisol_needs_the_waking_time():
    hours = np.array([8.0, 10, 13, 18, 22])
    rows = {"person": "a", "day": 3 + hours / 24, "quantity": "saliva.cortisol", "unit": "nmol/L",
            "value": 12 * np.exp(-0.15 * (hours - 8))}  # fmt: skip
    saliva = pl.DataFrame(rows)
    assert set(scores(study(readings=saliva))["withheld"]) == {"true waking time is not recorded"}
    woke = pl.DataFrame({"person": "a", "day": 3.0, "quantity": "sleep.wake_time", "unit": "hour", "value": 7.0})
    table = scores(study(readings=pl.concat([saliva, woke], how="diagonal_relaxed")))
    slope = one(table, "saliva.cortisol, diurnal slope")
    assert slope["value"] == pytest.approx(-0.15, abs=1e-6) and slope["unit"] == "1/h"
    assert one(table, "saliva.cortisol, awakening rise")["withheld"]


def test_stool_form_is_a_distribution():
    forms = pl.DataFrame({"person": "a", "visit": "0", "quantity": "stool.form", "unit": "1", "value": [1.0, 4, 4, 6]})
    table = scores(study(readings=forms))
    assert one(table, "stool.form, hard")["value"] == 0.25 and one(table, "stool.form, median low")["value"] == 4
    transit = one(table, "gut.transit, from stools")
    assert 20 < transit["value"] < 40 and transit["note"].startswith("95 % from ")
