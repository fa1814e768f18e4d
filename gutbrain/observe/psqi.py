"""Pittsburgh Sleep Quality Index: seven components from clock times, hours, minutes and ratings."""

from __future__ import annotations

import numpy as np

from gutbrain.observe.answers import Sheets, describe_missing
from gutbrain.observe.forms import Questionnaire

COMPONENTS = ("quality", "latency", "duration", "efficiency", "disturbance", "medication", "dysfunction")
OTHER_REASON, OTHER_TEXT = "5j", "5j_text"
NO_TIME = "hours in bed are 0"
OVER = "slept longer than in bed"


def hours_in_bed(bed_time: np.ndarray, rise_time: np.ndarray) -> np.ndarray:
    """Return hours from bed time to rise time across midnight (array [sheets], h; equal times give 0).

    Parameters
    ----------
    bed_time, rise_time : hours after midnight, 0 to 24
    """
    # Rounded, so that 22.8 to 6.5 h are the 7.7 h that a person writes.
    return np.mod(np.round(rise_time - bed_time, 9), 24).round(9)


def efficiency(hours_slept: np.ndarray, in_bed: np.ndarray) -> np.ndarray:
    """Return habitual sleep efficiency (array [sheets], per cent; NaN without time in bed)."""
    whole = np.where(in_bed > 0, in_bed, np.nan)
    return 100 * hours_slept / whole


def latency_points(minutes: np.ndarray) -> np.ndarray:
    """Return 0 to 3 for minutes to fall asleep: up to 15, 30, 60, above."""
    return _bins(minutes, (15, 30, 60), right=True)


def duration_points(hours: np.ndarray, exactly_seven: float = 0) -> np.ndarray:
    """Return 0 to 3 for hours slept: from 7, 6, 5, below; the printed form counts exactly 7 h as 1."""
    points = 3 - _bins(hours, (5, 6, 7), right=False)
    return np.where(hours == 7, exactly_seven, points)


def efficiency_points(percent: np.ndarray) -> np.ndarray:
    """Return 0 to 3 for efficiency: from 85, 75, 65, below."""
    # 6.8 of 8 h are 85 % only to the last digit of the quotient.
    return 3 - _bins(np.round(percent, 9), (65, 75, 85), right=False)


def disturbance_points(total: np.ndarray) -> np.ndarray:
    """Return 0 to 3 for the sum of items 5b to 5j: 0, up to 9, up to 18, up to 27."""
    return _bins(total, (0, 9, 18), right=True)


def pair_points(total: np.ndarray) -> np.ndarray:
    """Return 0 to 3 for a sum of two ratings: 0, 1-2, 3-4, 5-6."""
    return _bins(total, (0, 2, 4), right=True)


def _bins(values: np.ndarray, bounds: tuple[float, ...], right: bool) -> np.ndarray:
    """Return the place among half-open bins; NaN stays NaN."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isnan(values), np.nan, np.digitize(values, bounds, right=right).astype(float))


def other_reason(sheets: Sheets) -> np.ndarray:
    """Return item 5j: 0 where its value is missing, or its text where texts were read (array [sheets])."""
    value = np.nan_to_num(sheets.of((OTHER_REASON,))[:, 0])
    text = sheets.of((OTHER_TEXT,))[:, 0]
    written = np.isnan(text).all() or np.nan_to_num(text) > 0
    return np.where(written, value, 0.0)


def scores(sheets: Sheets, form: Questionnaire) -> dict[str, tuple[np.ndarray, list[str | None]]]:
    """Return each scale of the index: values (array [sheets], NaN if withheld) and reasons.

    Components run from 0 to 3 and the total from 0 to 21; `hours_slept` is in h, `efficiency_percent` in per cent.

    Source
    ------
    Buysse1989, AwellScore (bins written half-open); the zero for item 5j is the rule of 2005.
    """
    bed, rise, slept, minutes = sheets.of(("bed_time", "rise_time", "hours_slept", "minutes_to_sleep")).T
    in_bed = hours_in_bed(bed, rise)
    percent = efficiency(slept, in_bed)
    percent = np.where(percent > 100, np.nan, percent)
    others = tuple(item for item in form.scales["disturbance"].items if item != OTHER_REASON)
    values = {
        "quality": sheets.of(("quality",))[:, 0],
        "latency": pair_points(latency_points(minutes) + sheets.of(("5a",))[:, 0]),
        "duration": duration_points(slept, 1 if form.choice == "printed form" else 0),
        "efficiency": efficiency_points(percent),
        "disturbance": disturbance_points(sheets.of(others).sum(axis=1) + other_reason(sheets)),
        "medication": sheets.of(("medication",))[:, 0],
        "dysfunction": pair_points(sheets.of(form.scales["dysfunction"].items).sum(axis=1)),
    }
    reasons = {name: _reasons(sheets, form, name, in_bed) for name in values}
    values["total"] = np.sum([values[name] for name in COMPONENTS], axis=0)
    reasons["total"] = [
        "; ".join(f"{name}: {reasons[name][row]}" for name in COMPONENTS if reasons[name][row]) or None
        for row in range(len(values["total"]))
    ]
    values |= {"hours_slept": slept, "efficiency_percent": percent}
    reasons |= {"hours_slept": reasons["duration"], "efficiency_percent": reasons["efficiency"]}
    return {name: (values[name], reasons[name]) for name in values}


def _reasons(sheets: Sheets, form: Questionnaire, name: str, in_bed: np.ndarray) -> list[str | None]:
    items = tuple(item for item in form.scales[name].items if item != OTHER_REASON)
    found = describe_missing(sheets, items)
    if name == "efficiency":
        slept = sheets.of(("hours_slept",))[:, 0]
        found = [reason or impossible(*pair) for reason, *pair in zip(found, slept, in_bed, strict=True)]
    return found


def impossible(slept: float, in_bed: float) -> str | None:
    """Return why an efficiency cannot be: no time in bed, or more sleep than time in bed; None if it can."""
    if in_bed <= 0:
        return NO_TIME
    return f"{OVER}: {slept:g} h in {in_bed:g} h" if slept > in_bed else None


def half_day_clock(bed_time: float, in_bed: float) -> bool:
    """Return whether a bed time looks like one of a twelve-hour clock: more than 12 h in bed from before noon."""
    return in_bed > 12 and 6 <= bed_time < 13
