"""The JSON files of a Fitbit account: nights, minutes of steps, resting heart rate."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gutbrain.errors import InputError
from gutbrain.study.part import Finding

LARGEST = 512 * 1024**2  # bytes; Fitbit cuts its files by month
KIND = re.compile(r"^(sleep|steps|resting_heart_rate)\b")
STAMP = "%m/%d/%y %H:%M:%S"  # Fitbit writes these alike in every country


def read_fitbit_json(
    path: Path, utc_offset: float | None, found: list[Finding]
) -> tuple[list[dict[str, Any]], str]:
    """Return readings, and what was read.

    Parameters
    ----------
    path : sleep-DATE.json, steps-DATE.json or resting_heart_rate-DATE.json
    utc_offset : hours from UTC to local time, of minutes of steps
    found : findings are added here

    Raises
    ------
    InputError
        For broken JSON, another file of the account, or an entry that lacks what it needs.
    """
    entries = _entries(path)
    kind = KIND.match(path.name.lower())
    if kind is None and entries and "logId" in entries[0] and "minutesAsleep" in entries[0]:
        name = "sleep"
    elif kind is None:
        what = "the file's name does not say what its numbers are"
        mend = "Keep the names of the account: sleep-DATE.json, steps-DATE.json, resting_heart_rate-DATE.json"
        raise InputError(what, file=path, mend=mend)
    else:
        name = kind[1]
    rows: list[dict[str, Any]] = []
    steps: dict[datetime, float] = {}
    for number, entry in enumerate(entries, 1):
        try:
            if name == "sleep":
                rows += _sleep(entry)
            elif name == "steps":
                time = datetime.strptime(entry["dateTime"], STAMP) + timedelta(hours=utc_offset or 0)
                day = time.replace(hour=0, minute=0, second=0)
                steps[day] = steps.get(day, 0.0) + _number(entry["value"])
            else:
                value = entry["value"]
                rate = _number(value["value"])
                if rate and value.get("date"):
                    day = datetime.strptime(entry["dateTime"], STAMP)
                    rows.append(_row(day, day + timedelta(days=1), "heart.rate_resting", rate, "1/min", "resting rate"))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            what = f"entry {number} is not as Fitbit writes it ({type(error).__name__}: {str(error)[:80]})"
            raise InputError(what, file=path, row=number, mend="Export the account again") from error
    for day, count in sorted(steps.items()):
        rows.append(_row(day, day + timedelta(days=1), "activity.steps", count, "count", "steps of a day"))
    if steps and utc_offset is None:
        what = "minutes of steps stand in UTC: days were cut at midnight UTC"
        found.append(Finding("warning", path.name, "activity.steps", what, "Give utc_offset = hours from UTC"))
    return rows, f"Fitbit account ({name}, JSON)"


def _entries(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise InputError("there is no such file", file=path)
    if path.stat().st_size > LARGEST:
        raise InputError("this file has more than 512 MB", file=path, mend="Fitbit cuts its files by month")
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise InputError("this is no readable JSON", file=path, row=line, mend="Export the account again") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError("this is no list of entries", file=path, mend="Give a file of a Fitbit account")
    return entries


def _sleep(entry: dict[str, Any]) -> list[dict[str, Any]]:
    begin, end = (datetime.fromisoformat(entry[key]).replace(tzinfo=None) for key in ("startTime", "endTime"))
    asleep, bed = _number(entry["minutesAsleep"]) / 60, _number(entry["timeInBed"]) / 60
    if end < begin or asleep > 24 or bed > 48:
        raise ValueError(f"sleep from {begin} to {end}, {asleep:.1f} h asleep")
    about = "asleep (stages)" if entry.get("type") == "stages" else "asleep"
    rows = [_row(begin, end, "sleep.duration", asleep, "hour", about)]
    rows.append(_row(begin, end, "sleep.in_bed", bed, "hour", "in bed"))
    if bed:
        rows.append(_row(begin, end, "sleep.efficiency", 100 * asleep / bed, "percent", "asleep over in bed"))
        rows[-1]["note"] = "computed from both; Fitbit's own number counts otherwise"
    return rows


def _row(
    time: datetime, until: datetime, quantity: str, value: float, unit: str, about: str
) -> dict[str, Any]:
    return {"time": time, "until": until, "quantity": quantity, "value": value, "unit": unit,
            "method": f"Fitbit {about}", "note": None}  # fmt: skip


def _number(value: Any) -> float:
    number = float(value)
    if not 0 <= number < 1e7:
        raise ValueError(f"{value!r} is no count or rate")
    return number
