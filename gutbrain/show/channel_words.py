"""Inputs, times, gains and people of a channel in words."""

from __future__ import annotations

from math import isfinite

from gutbrain.evidence.claims import grade_in_words
from gutbrain.run.channel import Answer
from gutbrain.show.words import UNITS, number, signal_name

WAYS = {"down": "Down: brain to gut", "up": "Up: gut to brain"}
PLAIN = {
    "protocol.threat": "Threat",
    "protocol.chronic_load": "Chronic load",
    "protocol.fibre_extra": "Extra fibre",
    "protocol.il6_pulse": "Interleukin-6 imposed",
    "protocol.event_rate": "Daily events",
}
NO_WAY = "no arrow leads there"
NONE = "–"


def input_name(by: str) -> str:
    """Return what is pushed, in words."""
    return PLAIN.get(by) or signal_name(by).replace(" (protocol)", "").replace(" (diet)", " eaten")


def way_said(answer: Answer) -> str:
    """Return input and output with an arrow."""
    return f"{input_name(answer.pair.by)} → {signal_name(answer.pair.to).removesuffix(', mean of the day')}"


def unit_said(unit: str) -> str:
    """Return a unit as a reader would write it."""
    return UNITS.get(unit, unit) if unit != "1" else ""


def gain_unit(answer: Answer) -> str:
    """Return the unit of a gain."""
    return f"{unit_said(answer.unit) or 'relative'} per {unit_said(answer.input_unit) or 'unit'}"


def push_said(answer: Answer) -> str:
    """Return a usual push with its unit."""
    return f"{number(answer.usual_push)} {unit_said(answer.input_unit)}".strip()


def time_said(days: float) -> str:
    """Return a time in minutes, hours, days or weeks; a dash where there is none."""
    if not isfinite(days):
        return NONE
    size = abs(days)
    if size < 2 / 24:
        return f"{number(1440 * days)} min"
    if size < 3:
        return f"{number(24 * days)} h"
    return f"{number(days)} d" if size < 60 else f"{number(days / 7)} weeks"


def percent_said(value: float) -> str:
    """Return a change in per cent with its sign."""
    if not isfinite(value):
        return NONE
    if value == 0:
        return "0"
    return f"{'+' if value > 0 else ''}{number(value)} %"


def times_said(value: float) -> str:
    """Return a factor; none that matters is called so."""
    return f"× {number(value)}" if isfinite(value) else "none found"


def certainty_said(grade: str) -> str:
    """Return the weakest grade on a way in words."""
    return grade_in_words(grade) if grade else NO_WAY


__all__ = ["certainty_said", "gain_unit", "input_name", "percent_said", "push_said", "time_said", "times_said",
           "way_said"]  # fmt: skip
