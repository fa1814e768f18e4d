"""What is said about unknowns and shares of variance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gutbrain.show.words import UNITS, difference_unit, grade_base, number, signal_name, unit_name

GRADES_SAID = {
    "measured": "measured", "published-model": "from a published model", "derived": "derived from findings",
    "fitted": "fitted to findings", "recalled": "recalled, not checked", "assumed": "assumed, no source",
}  # fmt: skip
WITHOUT = ("assumed", "recalled")


def grade_said(grade: str) -> str:
    """Return a grade in words, with the species if it names one."""
    base = grade_base(grade)
    return GRADES_SAID.get(base, base) + grade.removeprefix(base)


def percent(value: float) -> str:
    """Return a share as per cent; what sampling brought below 0 counts as 0."""
    held = min(max(value, 0.0), 1.0)
    return "below 1 %" if 0 < held < 0.01 else f"{100 * held:.0f} %"


def span(low: float, high: float) -> str:
    """Return an interval of shares in per cent."""
    ends = [f"{100 * min(max(end, 0.0), 1.0):.0f}" for end in (low, high)]
    return f"{ends[0]} to {ends[1]} %"


def with_span(value: float, low: float, high: float) -> str:
    """Return a share with its interval."""
    return f"{percent(value)} ({span(low, high)})"


def unit_said(unit: str) -> str:
    """Return the unit of a parameter as a reader would say it."""
    return UNITS.get(unit, unit)


def belief_said(row: Mapping[str, Any]) -> str:
    """Return centre and range of a belief in words."""
    if row["value"] is None:
        return f"{row['entries']} numbers" if row["entries"] > 1 else "differs between the arms"
    unit = unit_said(row["unit"])
    return f"{number(row['value'])} ({number(row['low'])} to {number(row['high'])}) {unit}"


def to_measure(row: Mapping[str, Any]) -> str:
    """Say what would have to be measured, of what, and in whom."""
    species = row["grade"].partition("(")[2].rstrip(")")
    about = row["about"] or row["parameter"]
    so_far = f"in people; so far from the {species}" if species else "in people"
    if row["kind"] == "dose":
        so_far = "in the people of such a trial"
    return f"{about} – {so_far}"


def effect_said(row: Mapping[str, Any], level: bool) -> str:
    """Return mean and range of an outcome over the draws."""
    unit = (unit_name if level else difference_unit)(row["outcome"], row["unit"])
    return f"{number(row['mean'])} ({number(row['low'])} to {number(row['high'])}) {unit}"


def outcome_said(name: str) -> str:
    """Return an outcome within a sentence."""
    said = signal_name(name)
    return said if said[:2].isupper() else said[:1].lower() + said[1:]
