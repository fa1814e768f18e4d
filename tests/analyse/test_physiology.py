"""Signals of the body as outcomes: which scale, what is left out, and the slow-breathing trial."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.persons.physiology import (
    back_transformed,
    described,
    main_outcomes,
    physiological,
    transform_of,
)
from gutbrain.errors import InputError
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study
from gutbrain.study.study import Study

ROOT = Path(__file__).parents[2]


@cache
def breathing():
    folder = ROOT.parent / "shared" / "data" / "slow-breathing-rr"
    if not folder.is_dir():
        pytest.skip("slow breathing needs ../shared")
    study = read_study([folder], read_mapping(ROOT / "examples" / "maps" / "slow-breathing-rr.toml"))
    passive = Study.of(dict(study.tables, beats=study.beats.filter(pl.col("recording") == "passive")))
    return passive, physiological(passive)


def test_published_numbers_of_the_slow_breathing_trial():
    study, made = breathing()
    summary = pl.read_csv(ROOT.parent / "shared" / "data" / "slow-breathing-rr" / "spb_rct_raidl2024_summary.csv")
    assert len(summary) == 22
    seated = made.table.filter(pl.col("occasion") == "end of the seated recovery").join(study.people, on="person")
    shown = described(seated, "arm").filter(pl.col("outcome") == "heart.rate")
    assert dict(shown.select("arm", "people").iter_rows()) == {"CON": 9, "INT": 13}
    assert shown["mean"].is_between(111, 114).all()  # as its authors say: 111 to 114 a minute at the end


def test_variability_of_the_slow_breathing_trial_from_its_beats():
    """The README's figures (1.9 to 21.4 ms, medians 4.0 and 6.1) come from another cleaning of the last 300 s."""
    study, made = breathing()
    own = made.table.filter((pl.col("outcome") == "heart.rmssd") & (pl.col("occasion") == "passive"))
    assert own["value"].is_between(1.5, 22).all() and (own["transform"] == "log").all()
    assert own["corrected"].max() <= 0.05
    shown = described(own.join(study.people, on="person"), "arm").sort("arm")
    assert shown["median"].to_list() == pytest.approx([4.9, 3.7], abs=0.3)  # CON, INT
    assert (shown["low"] < shown["mean"]).all() and (shown["mean"] < shown["high"]).all()
    assert any("readings were withheld by their scoring rules" in note for note in made.notes)
    few = Study.of({"beats": study.beats.filter(pl.col("person").is_in(["2", "3", "4"]))})
    stricter = physiological(few, 0.01)
    assert len(stricter.table) < len(physiological(few).table)
    assert any("more than 1% corrected beats" in note for note in stricter.notes)


@pytest.mark.parametrize(
    ("quantity", "how"),
    [
        ("heart.rmssd", "log"), ("heart.hf_power", "log"), ("heart.rate", "none"), ("heart.mean_rr", "none"),
        ("blood.crp", "log"), ("saliva.cortisol, diurnal slope", "none"), ("saliva.cortisol, awakening rise", "none"),
        ("saliva.cortisol, day area from ground", "log"), ("saliva.cortisol, day area above first", "none"),
    ],
)  # fmt: skip
def test_scale_of_each_signal(quantity, how):
    told = transform_of(quantity)
    assert told is not None and told[0] == how and told[1]


def test_what_is_no_signal_has_no_scale():
    assert transform_of("gad-7.total") is None and transform_of("stool.form") is None


def cortisol():
    """Return two people with two days each, five samples a day, waking at seven."""
    rows, woke = [], []
    for person, factor in (("a", 1.0), ("b", 2.0)):
        for day in (0, 1):
            woke.append((person, "before", float(day), "sleep.wake_time", 7.0, "hour"))
            for hour, value in ((7, 12), (7.5, 18), (7.75, 16), (10, 9), (13, 6), (17, 4), (22, 2)):
                rows.append((person, "before", day + hour / 24, "saliva.cortisol", factor * value, "nmol/L"))
    names = ["person", "visit", "day", "quantity", "value", "unit"]
    return Study.of({"readings": pl.DataFrame(rows + woke, schema=names, orient="row")})


def test_cortisol_enters_as_its_readings_and_never_as_single_samples():
    made = physiological(cortisol())
    table = made.table.filter(pl.col("person") == "a")
    assert "saliva.cortisol" not in set(table["outcome"])
    values = dict(table.select("outcome", "value").iter_rows())
    assert values["saliva.cortisol, awakening rise"] == pytest.approx(50)
    hours, levels = np.array([10, 13, 17, 22.0]), np.array([9, 6, 4, 2.0])
    assert values["saliva.cortisol, diurnal slope"] == pytest.approx(np.polyfit(hours, np.log(levels), 1)[0])
    area = table.filter(pl.col("outcome") == "saliva.cortisol, day area from ground")
    assert area["transformed"][0] == pytest.approx(np.log(area["value"][0])) and area["readings"][0] == 2
    ratio = made.table.filter(pl.col("outcome") == "saliva.cortisol, day area from ground").sort("person")
    assert ratio["transformed"][1] - ratio["transformed"][0] == pytest.approx(np.log(2))


def readings(values, quantity="blood.crp", unit="mg/L"):
    return Study.of({"readings": pl.DataFrame({
        "person": [f"p{at}" for at in range(len(values))], "visit": "v", "quantity": quantity, "value": values,
        "unit": unit})})  # fmt: skip


def test_what_has_no_logarithm_is_left_out_and_told():
    made = physiological(readings([0.0, 1.0, 4.0]))
    assert made.table["person"].to_list() == ["p1", "p2"]
    assert made.notes == ("1 values at 0 or below have no logarithm and were left out (blood.crp)",)
    shown = described(made.table).row(0, named=True)
    assert shown["mean"] == pytest.approx(2.0) and shown["median"] == 2.5 and shown["low"] < 2 < shown["high"]
    alone = described(physiological(readings([3.0])).table).row(0, named=True)
    assert alone["mean"] == pytest.approx(3.0) and alone["low"] is None


def test_values_of_the_model_and_broken_shares_are_refused():
    study = readings([1.0, 2.0])
    model = Study.of({"readings": study.readings.with_columns(pl.lit("model value").alias("method"))})
    assert physiological(model).table.is_empty()
    with pytest.raises(InputError, match="not between 0 and 1"):
        physiological(study, 5)
    assert physiological(Study.of({})).table.is_empty()


def test_logarithms_are_taken_back_to_ratios():
    rows = pl.DataFrame({"estimate": [np.log(2)], "low": [0.0], "high": [np.log(4)]})
    assert back_transformed(rows, "log").row(0)[3:] == pytest.approx((2.0, 1.0, 4.0))
    assert back_transformed(rows, "none")["ratio"][0] is None


def test_one_outcome_of_each_kind_is_tested():
    _, made = breathing()
    names = main_outcomes(made.table)
    assert "heart.rmssd" in names and not {"heart.sd1", "heart.pnn50", "heart.lf_hf_ratio"} & set(names)
