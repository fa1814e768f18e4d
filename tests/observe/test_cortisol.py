"""Areas and slopes of known curves, units, and the days on which a reading is withheld."""

from datetime import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.observe import saliva
from gutbrain.observe.cortisol import NO_WAKING, READINGS, Schedule, area_above_first, area_from_ground, readings, slope
from gutbrain.observe.saliva import checks, samples

MINUTES = [0.0, 30.0, 45.0, 90.0, 300.0, 540.0, 780.0, 900.0]
VALUES = [10.0, 15.0, 13.0, 9.0, 6.0, 4.0, 2.0, 1.5]


def day(minutes=MINUTES, values=VALUES, **columns) -> pl.DataFrame:
    table = pl.DataFrame({"person": "p", "day": 1, "minutes_since_waking": minutes, "value": values},
                         schema_overrides={"minutes_since_waking": pl.Float64, "value": pl.Float64})  # fmt: skip
    return table.with_columns(**columns)


def row(table: pl.DataFrame, reading: str, **options) -> dict:
    return readings(table, unit="nmol/L", **options).filter(reading=reading).row(0, named=True)


def test_areas_by_hand():
    hours, values = np.array([0, 0.5, 1]), np.array([10.0, 20.0, 10.0])
    assert area_from_ground(hours, values) == 15
    assert area_above_first(hours, values) == 5
    assert area_above_first(hours, values[::-1] * [1, 0, 1]) == -5


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=8), st.floats(0.1, 50))
def test_areas_of_a_shifted_curve(values, shift):
    hours, levels = np.arange(len(values)) / 2, np.array(values)
    span = hours[-1]
    assert area_from_ground(hours, levels + shift) == pytest.approx(area_from_ground(hours, levels) + shift * span)
    assert area_above_first(hours, levels + shift) == pytest.approx(area_above_first(hours, levels), abs=1e-8)


def test_slope_of_an_exponential_and_of_the_model_day():
    hours = np.array([8.0, 11, 15, 22])
    steep, error = slope(hours, 10.4 * np.exp(-0.157 * (hours - 8)))
    assert (steep, error) == (pytest.approx(-0.157), pytest.approx(0, abs=1e-9))
    # The model's own day: 10.4, 4.2 and 1.2 nmol/L at 8, 16 and 23 h.
    assert slope(np.array([8.0, 16, 23]), np.array([10.4, 4.2, 1.2]))[0] == pytest.approx(-0.14, abs=0.01)


def test_a_whole_day():
    found = readings(day(), unit="nmol/L")
    assert found["reading"].to_list() == list(READINGS)
    assert found["withheld"].null_count() == 7
    values = dict(found.select("reading", "value").iter_rows())
    assert values["awakening rise"] == pytest.approx(50)
    assert values["awakening mean increase"] == pytest.approx(4)
    assert values["awakening area from ground"] == pytest.approx(0.5 * 12.5 + 0.25 * 14)
    assert values["awakening area above first"] == pytest.approx(9.75 - 7.5)
    assert values["day area from ground"] == pytest.approx(np.trapezoid(VALUES, np.array(MINUTES) / 60))
    assert values["day area above first"] == pytest.approx(values["day area from ground"] - 150)
    late = slice(3, None)
    expected = np.polyfit(np.array(MINUTES[late]) / 60, np.log(VALUES[late]), 1)[0]
    assert values["diurnal slope"] == pytest.approx(expected)
    assert found.filter(reading="diurnal slope")["error"].item() > 0
    assert found["samples"].to_list() == [2, 3, 3, 3, 8, 8, 5]
    assert dict(found.select("reading", "unit").iter_rows()) == READINGS
    assert set(found["origin"]) == {"measured"}
    assert "minutes after waking 90, 300, 540, 780, 900" in found["method"][-1]


def test_units_are_said_and_turned():
    by_column = day(values=[v / 27.59 for v in VALUES]).with_columns(unit=pl.lit("\u00b5g/dL"))
    assert samples(by_column)["nmol_per_l"].to_list() == pytest.approx(VALUES)
    assert samples(day(), unit="mcg/dL")["nmol_per_l"][0] == pytest.approx(275.9)
    assert samples(day(), unit="ug/dl")["nmol_per_l"][0] == pytest.approx(275.9)
    for options, match in (({}, "unit is not given"), ({"unit": "ng/mL"}, "'ng/mL' is not known")):
        with pytest.raises(InputError, match=match):
            samples(day(), **options)
    with pytest.raises(InputError, match="given twice"):
        samples(by_column, unit="nmol/L")


def test_clock_times_and_the_true_waking_time():
    clock = ["06:40", "07:10", "07:25", "08:10", "11:40", "15:40", "19:40", "00:10"]
    table = day().drop("minutes_since_waking").with_columns(time=pl.Series(clock), wake_time=pl.lit("06:40"))
    ready = samples(table, unit="nmol/L")
    assert ready["minutes_since_waking"].to_list() == pytest.approx([0, 30, 45, 90, 300, 540, 780, 1050])
    found = readings(table, unit="nmol/L")
    assert found["first_clock_hour"][0] == pytest.approx(6 + 2 / 3)
    as_times = table.with_columns(wake_time=pl.lit(time(6, 40)))
    assert readings(as_times, unit="nmol/L").equals(found)
    unknown = readings(table.with_columns(wake_time=pl.lit(None, dtype=pl.String)), unit="nmol/L")
    assert set(unknown["withheld"]) == {NO_WAKING}
    told = checks(table.drop("wake_time"), unit="nmol/L")
    assert "true waking time is missing" in told["what"].to_list()


def test_a_late_first_sample_ends_the_awakening_response_only():
    late = day(minutes=[20.0, *MINUTES[1:]])
    found = readings(late, unit="nmol/L")
    assert found["withheld"].null_count() == 3
    assert "first sample 20 min after waking" in found["withheld"][0]
    assert "first sample is late: no awakening response" in checks(late, unit="nmol/L")["what"].to_list()
    assert row(late, "awakening rise", schedule=Schedule(latest_first=25))["value"] == pytest.approx(50)


@pytest.mark.parametrize(
    ("kept", "reading", "reason"),
    [
        ([0, 2, 3, 4, 5, 6, 7], "awakening rise", "no sample within 7 min of +30"),
        ([0, 1, 3, 4, 5, 6, 7], "awakening area from ground", "no sample within 7 min of +45"),
        ([1, 2, 3, 4, 5, 6, 7], "awakening mean increase", "no sample within 10 min of waking"),
        ([0, 1, 2, 3, 4], "diurnal slope", "2 samples, 4 are needed"),
        ([0, 1, 2, 7], "diurnal slope", "1 samples, 4 are needed"),
        ([0, 1, 2], "day area from ground", "3 samples, 4 are needed"),
        ([0, 1, 2, 3], "day area above first", "samples span 1.5 h, 6 h are needed"),
    ],
)
def test_fewer_samples_than_a_reading_needs(kept, reading, reason):
    found = row(day()[kept], reading)
    assert found["value"] is None
    assert reason in found["withheld"]


def test_one_sample_does_not_stand_for_two():
    found = row(day(minutes=[0.0, 37.5, *MINUTES[3:]], values=[10.0, 12.0, *VALUES[3:]]), "awakening mean increase",
                schedule=Schedule(slack=8))  # fmt: skip
    assert found["withheld"] == "fewer than 3 separate samples"


def test_values_beyond_the_assay_are_censored_and_never_halved():
    found = readings(day(), unit="nmol/L", limits=(1.8, 50))
    told = dict(found.select("reading", "withheld").iter_rows())
    assert told["diurnal slope"] == "1 of 5 samples outside the assay's range: a censored likelihood is needed"
    assert told["awakening rise"] is None
    flagged = day(censored=pl.Series([False] * 7 + [True]))
    assert samples(flagged, unit="nmol/L")["censored"].to_list() == [False] * 7 + [True]
    assert row(flagged, "day area from ground")["value"] is None
    in_micrograms = samples(day(), unit="ug/dL", limits=(None, 14))
    assert in_micrograms["censored"].sum() == 1
    assert "above 100 nmol/L: plasma, or another unit?" in checks(day(), unit="ug/dL")["what"].to_list()


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        (day(minutes=[-5.0, *MINUTES[1:]]), saliva.BEFORE_WAKING),
        (day(minutes=[*MINUTES[:-1], 1300.0]), saliva.BEFORE_WAKING),
        (day(minutes=[0.0, 30.0, 30.0, *MINUTES[3:]]), saliva.SAME_TIME),
        (day(values=[0.0, *VALUES[1:]]), saliva.NOT_POSITIVE),
        (day(sample=pl.Series([1, 2, 3, 4, 6, 5, 7, 8])), saliva.BACKWARDS),
        (day(time=pl.lit("08:00"), wake_time=pl.lit("08:00")), saliva.DISAGREE),
    ],
)
def test_faults_withhold_a_day_and_are_reported(table, fault):
    found = readings(table, unit="nmol/L")
    assert found["value"].null_count() == 7
    assert all(fault in reason for reason in found["withheld"])
    assert fault in checks(table, unit="nmol/L")["what"].to_list()


def test_a_lost_sample_is_reported_and_forbids_only_what_needs_it():
    table = day(values=[*VALUES[:7], None])
    assert row(table, "awakening rise")["value"] == pytest.approx(50)
    assert row(table, "diurnal slope")["samples"] == 4
    assert checks(table, unit="nmol/L").rows() == [("p", 1, saliva.NO_VALUE, "no value")]
    nothing = readings(day(values=[None] * 8), unit="nmol/L")
    assert (nothing.height, nothing["value"].null_count()) == (7, 7)


def test_a_good_day_has_no_finding():
    assert checks(day(), unit="nmol/L").is_empty()
    assert checks(day()[[0, 1, 2]], unit="nmol/L")["what"].to_list() == ["fewer than 4 samples"]


@given(st.permutations(range(16)))
def test_the_order_of_rows_does_not_matter(order):
    table = pl.concat([day(), day().with_columns(day=pl.lit(2, dtype=pl.Int32), value=pl.col("value") * 2)])
    table = table.with_columns(visit=pl.lit("first"), origin=pl.lit("simulated"))
    found = readings(table[list(order)], unit="nmol/L")
    assert found.equals(readings(table, unit="nmol/L"))
    assert found.select("day", "reading").rows()[7] == (2, "awakening rise")
    assert set(found["origin"]) == {"simulated"}
    slopes = found.filter(reading="diurnal slope")["value"]
    assert slopes[0] == pytest.approx(slopes[1])


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (day().drop("value"), "no such column"),
        (day().drop("minutes_since_waking"), "no times"),
        (day().head(0), "no samples"),
        (day(time=pl.lit("7 am")), "'7 am' is no clock time"),
        (day(time=pl.lit(7.5)), "times are Float64"),
    ],
)
def test_what_cannot_be_read_is_named(table, match):
    with pytest.raises(InputError, match=match):
        readings(table, unit="nmol/L")
