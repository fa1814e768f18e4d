"""Exports of wearables are known by their columns; units are those the device writes, and are said."""

import json
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.schema import conform
from gutbrain.study.signals.read_wearables import known_columns, read_wearables, sniff

FITBIT = """Body
Date,Weight,BMI,Fat
"2023-03-01","70","22","20"

Activities
Date,Calories Burned,Steps,Distance,Floors,Minutes Sedentary,Minutes Lightly Active,\
Minutes Fairly Active,Minutes Very Active,Activity Calories
"2023-03-01","2,500","12,431","8.5","10","600","200","30","20","1,100"
"2023-03-02","2,100","8,200","6.1","4","700","150","10","0","800"

Sleep
Start Time,End Time,Minutes Asleep,Minutes Awake,Number of Awakenings,Time in Bed,Minutes REM Sleep,\
Minutes Light Sleep,Minutes Deep Sleep
"2023-03-01 11:00PM","2023-03-02 7:00AM","420","60","20","480","90","250","80"
"2023-03-02 1:00PM","2023-03-02 2:30PM","80","10","2","90","N/A","N/A","N/A"
"""
GARMIN = """Sleep Score 4 Weeks,Score,Resting Heart Rate,Body Battery,Pulse Ox,Respiration,HRV Status,\
Quality,Duration,Sleep Need,Bedtime,Wake Time
2025-11-07,88,53,72,96.18,14.63,34,Good,7h 55min,8h 0min,10:45 PM,6:40 AM
2025-11-08,--,--,--,--,--,--,--,--,--,--,--
2025-11-09,76,52,35,97,15,48,Good,5h 8min,9h 0min,12:31 AM,6:04 AM
"""
OURA = """date,Sleep Score,Total Sleep Duration,Total Bedtime ,Sleep Efficiency,\
Average Resting Heart Rate,Lowest Resting Heart Rate,Average HRV,Respiratory Rate,Sleep Latency,\
Bedtime Start,Bedtime End,Steps,High Activity Time
2026-08-22,80,26100,28680,91,58.25,51,62,14.5,600,2026-08-21T23:12:00.000+02:00,\
2026-08-22T07:10:00.000+02:00,9120,1200
2026-08-23,,,,,,,,,,,,4000,0
"""
WHOOP = """Cycle start time,Cycle end time,Cycle timezone,Recovery score %,Resting heart rate (bpm),\
Heart rate variability (ms),Skin temp (celsius),Sleep onset,Wake onset,Respiratory rate (rpm),\
Asleep duration (min),In bed duration (min),Sleep efficiency %
2026-06-01 23:40:00,2026-06-02 23:30:00,UTC-04:00,72,54,88.5,33.1,2026-06-01 23:40:00,\
2026-06-02 07:40:00,15.5,432,480,90
"""


def read(folder, text, name="anna.csv", **options):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    part = read_wearables(path, **options)
    conform("readings", part.tables["readings"])
    return part


def rows(part, quantity, *columns):
    table = part.tables["readings"].filter(quantity=quantity)
    return table.select(columns or ("value", "unit")).rows()


def test_fitbit(tmp_path):
    part = read(tmp_path, FITBIT)
    assert part.reader == "Fitbit export (CSV)"
    assert rows(part, "activity.steps", "value", "unit", "time", "until", "method") == [
        (12431, "count", datetime(2023, 3, 1), datetime(2023, 3, 2), "Fitbit steps of a day"),
        (8200, "count", datetime(2023, 3, 2), datetime(2023, 3, 3), "Fitbit steps of a day"),
    ]
    assert rows(part, "sleep.duration", "value", "unit", "time", "until") == [
        (7, "hour", datetime(2023, 3, 1, 23), datetime(2023, 3, 2, 7))
    ]
    assert rows(part, "sleep.nap") == [(pytest.approx(80 / 60), "hour")]
    assert rows(part, "sleep.in_bed") == [(8, "hour")]
    assert rows(part, "sleep.efficiency", "value", "note") == [(87.5, "computed from both")]
    assert rows(part, "activity.vigorous") == [(20, "minute"), (0, "minute")]
    assert rows(part, "activity.energy") == [(1100, "kcal"), (800, "kcal")]
    assert set(part.tables["readings"]["person"]) == {"anna"}
    assert "columns that were not read: Calories Burned, Distance" in str(part.findings[0])


def test_garmin(tmp_path):
    part = read(tmp_path, GARMIN, person="P")
    assert rows(part, "sleep.duration", "value", "time", "until") == [
        (pytest.approx(7 + 55 / 60), datetime(2025, 11, 6, 22, 45), datetime(2025, 11, 7, 6, 40)),
        (pytest.approx(5 + 8 / 60), datetime(2025, 11, 9, 0, 31), datetime(2025, 11, 9, 6, 4)),
    ]
    assert rows(part, "heart.rate_resting") == [(53, "1/min"), (52, "1/min")]
    assert rows(part, "respiration.rate") == [(14.63, "1/min"), (15, "1/min")]
    steps = read(tmp_path, ",Actual,Goal\n07/30/2026,5565,11790\n07/31/2026,6000,11790\n", "Steps.csv")
    assert rows(steps, "activity.steps", "value", "time")[0] == (5565, datetime(2026, 7, 30))


def test_garmin_dates(tmp_path):
    short = GARMIN.replace("2025-11-07", "Nov 7").replace("2025-11-08", "Nov 8").replace("2025-11-09", "Nov 9")
    assert rows(read(tmp_path, short, year=2025), "sleep.duration", "until")[0] == (datetime(2025, 11, 7, 6, 40),)
    for text, told in ((short, "'Nov 7' has no year"), (GARMIN.replace("2025-11-07", "Nov 1-7"), "is an average"),
                       (",Actual,Goal\n07/08/2026,55,1\n", 'dates = "day-first"'),
                       (",Actual,Goal\n13/01/2026,55,1\n01/13/2026,5,1\n", "the day first")):  # fmt: skip
        with pytest.raises(InputError) as caught:
            read(tmp_path, text)
        assert told in str(caught.value)


@pytest.mark.parametrize("names", ["trends", "snake"])
def test_oura(tmp_path, names):
    text = OURA
    if names == "snake":
        head, rest = OURA.split("\n", 1)
        text = "\n".join([head.strip().replace(" ", "_").lower(), rest]).replace(",", ";")
    part = read(tmp_path, text)
    assert rows(part, "sleep.duration", "value", "unit", "time", "until") == [
        (7.25, "hour", datetime(2026, 8, 21, 23, 12), datetime(2026, 8, 22, 7, 10))
    ]
    assert rows(part, "sleep.efficiency", "value", "unit", "note") == [(91, "percent", None)]
    assert rows(part, "heart.rmssd", "value", "method") == [(62, "Oura mean RMSSD of the night")]
    assert rows(part, "heart.rate_resting", "value") == [(51,)]
    assert rows(part, "sleep.latency") == [(10, "minute")]
    assert rows(part, "activity.steps", "value", "time") == [
        (9120, datetime(2026, 8, 22)), (4000, datetime(2026, 8, 23)),
    ]  # fmt: skip
    assert rows(part, "activity.vigorous") == [(20, "minute"), (0, "minute")]


def test_whoop(tmp_path):
    part = read(tmp_path, WHOOP)
    assert rows(part, "sleep.duration", "value", "until") == [(7.2, datetime(2026, 6, 2, 7, 40))]
    assert rows(part, "heart.rmssd") == [(88.5, "ms")]
    assert rows(part, "sleep.efficiency") == [(90, "percent")]


NIGHT = {"logId": 1, "dateOfSleep": "2024-03-21", "startTime": "2024-03-20T22:04:00.000",
         "endTime": "2024-03-21T06:55:30.000", "minutesAsleep": 474, "timeInBed": 531, "efficiency": 96,
         "type": "stages", "mainSleep": True}  # fmt: skip


def test_fitbit_account(tmp_path):
    night = read(tmp_path, json.dumps([NIGHT]), "sleep-2024-03-01.json")
    assert rows(night, "sleep.duration") == [(7.9, "hour")]
    assert rows(night, "sleep.efficiency") == [(pytest.approx(100 * 474 / 531), "percent")]
    minutes = [{"dateTime": f"03/20/24 {hour}:00:00", "value": "100"} for hour in (10, 11, 23)]
    steps = read(tmp_path, json.dumps(minutes), "steps-2024-03-01.json")
    assert rows(steps, "activity.steps", "value") == [(300,)]
    assert "stand in UTC" in str(steps.findings)
    east = read(tmp_path, json.dumps(minutes), "steps-2024-03-01.json", utc_offset=2)
    assert rows(east, "activity.steps", "value") == [(200,), (100,)] and east.findings == ()
    rate = [{"dateTime": "05/18/24 00:00:00", "value": {"date": "05/18/24", "value": 61.5, "error": 1}},
            {"dateTime": "05/19/24 00:00:00", "value": {"date": None, "value": 0.0, "error": 0}}]  # fmt: skip
    resting = read(tmp_path, json.dumps(rate), "resting_heart_rate-2024-05-18.json")
    assert rows(resting, "heart.rate_resting", "value", "time") == [(61.5, datetime(2024, 5, 18))]


def test_the_table_of_columns():
    for device, columns in known_columns().items():
        meanings = {known.meaning for known in columns.values()}
        assert meanings & {"date", "start"}, device
        for known in columns.values():
            assert (known.unit is None) == (known.method is None)


BROKEN = {
    "empty": ("", {}, "the file is empty"),
    "other table": ("a,b\n1,2\n", {}, "no line names columns of a wearable"),
    "no rows": (GARMIN.split("\n")[0] + "\n", {}, "a header and no rows"),
    "empty columns": (GARMIN.split("\n")[0] + "\n2025-11-08" + ",--" * 11 + "\n", {}, "all its values are empty"),
    "no device": (OURA, {"device": "Ring"}, "no device 'Ring'"),
    "other device": (OURA, {"device": "WHOOP"}, "no line names columns"),
    "minutes for seconds": (OURA.replace("26100", "261000"), {}, "more than a day"),
    "a word": (FITBIT.replace('"420"', '"many"'), {}, "row 12, column 'Minutes Asleep': 'many' is no number"),
    "points of thousands": (FITBIT.replace("12,431", "12.431"), {}, "'12.431' is no whole number"),
    "no duration": (GARMIN.replace("7h 55min", "475"), {}, "'475' is no duration"),
    "long row": (GARMIN.replace("6:40 AM", "6:40 AM,7,8"), {}, "this row has 14 fields, the header 12"),
    "no date": (OURA.replace("2026-08-23", ""), {}, "a date must stand here"),
    "backwards": (FITBIT.replace("2023-03-02 7:00AM", "2023-03-01 7:00AM"), {}, "ends before it begins"),
    "negative": (FITBIT.replace('"420"', '"-420"'), {}, "is negative"),
    "decimal comma and point": (OURA.replace("58.25", '"58,2"').replace("2026-08-23,,,,,", "2026-08-23,,,,,58.1"), {},
                                "a decimal point"),
    "broken JSON": ("[{", {}, "no readable JSON"),
    "deep JSON": ("[" * 100_000, {}, "no readable JSON"),
    "other JSON": ("{}", {}, "no list of entries"),
    "unknown JSON": ('[{"dateTime": "x", "value": "1"}]', {}, "does not say what its numbers are"),
    "half a night": (json.dumps([NIGHT | {"endTime": None}]), {}, "entry 1 is not as Fitbit writes it"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(tmp_path, name):
    text, options, told = BROKEN[name]
    with pytest.raises(InputError, match="anna") as caught:
        read(tmp_path, text, "anna.json" if "JSON" in name or "half" in name else "anna.csv", **options)
    assert told in str(caught.value)


def test_shares_become_percent(tmp_path):
    part = read(tmp_path, OURA.replace(",91,", ",0.91,"))
    assert rows(part, "sleep.efficiency", "value") == [(91,)]
    assert "read as a share" in str(part.findings)


def test_columns_of_two_devices(tmp_path):
    part = read(tmp_path, "Date,Steps\n2024-01-31,100\n")
    assert rows(part, "activity.steps") == [(100, "count")]
    assert "fit Fitbit, Oura, which mean the same" in str(part.findings)
    with pytest.raises(InputError, match="the columns fit Fitbit or Oura.*device"):
        read(tmp_path, "Date,Time in Bed\n2024-01-31,100\n")


def test_sniff(tmp_path):
    def told(text, name="a.csv"):
        (tmp_path / name).write_text(text)
        return sniff(tmp_path / name)

    assert [told(text) for text in (FITBIT, GARMIN, OURA, WHOOP)] == [
        f"{device} export (CSV)" for device in ("Fitbit", "Garmin", "Oura", "WHOOP")
    ]
    assert told(",Actual,Goal\n07/31/2026,6000,1\n") == "Garmin export (CSV)"
    assert told("date,steps\n2024-01-01,5\n") is None
    assert told("[]", "steps-2024-01-01.json") == "Fitbit account (JSON)"
    assert told("[]", "other.json") is None
    assert told("", "b.csv") is None


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mangled_files_give_a_part_or_an_input_error(tmp_path, data):
    text, name = data.draw(st.sampled_from([(FITBIT, "x.csv"), (GARMIN, "x.csv"), (OURA, "x.csv"), (WHOOP, "x.csv"),
                                            (json.dumps([NIGHT]), "sleep-x.json")]))  # fmt: skip
    raw = text.encode()
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(raw)))
        what = data.draw(st.binary(max_size=6) | st.text("0123456789,;.:-/\"\n APM", max_size=6).map(str.encode))
        raw = raw[:at] + what + raw[at + data.draw(st.integers(0, 30)) :]
    path = tmp_path / name
    path.write_bytes(raw)
    sniff(path)
    try:
        part = read_wearables(path)
    except InputError as error:
        assert name in str(error)
    else:
        conform("readings", part.tables["readings"])
