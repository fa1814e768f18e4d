"""Claims and findings in words: signs, uses, certainty with its steps, effects as the tables hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gutbrain.evidence.claims import base_grade, cite, grade_in_words
from gutbrain.evidence.findings import steps_of
from gutbrain.evidence.grade import in_words, lowest

Row = Mapping[str, Any]

DIRECTIONS = {"down": "brain to gut", "up": "gut to brain", "side": "within gut, body or mind", "in": "from a protocol"}
ANSWERS = {"+": "more of it raises the listener", "-": "more of it lowers the listener",
           "?": "the sign is unresolved"}  # fmt: skip
SIGNS = {"+": "rises", "-": "falls", "0": "not distinguishable from 0 at this n", "?": "direction unclear"}
USES = {
    "calibrate": "calibrated to it",
    "predict": "predicts it",
    "construction": "true by construction",
    "context": "only context",
}
MEANT = {
    "calibrate": "calibrated to it: free spreads may be fitted to it, so meeting it is no test",
    "predict": "predicts it: kept out of every fit, so meeting or missing it is a test",
    "construction": "true by construction: the number was put into the model, so meeting it is no success",
    "context": "only context",
}
CERTAINTIES = ("A", "B", "C", "D", "E")
# Metrics that are all differences in standard deviations and may share a scale.
SPREADS = ("smd", "smcd", "hedges", "cohen", "glass", "d", "es", "effect size")
NO_AVERAGE = (
    "These findings disagree. They are shown side by side and are not averaged: a mean would hide that nobody knows "
    "yet which of them holds, or for whom."
)
ONLY_DIRECTION = "direction only"
CLOSED = "closed: its strength is 0 until somebody opens it, because nobody knows it"


def exact(value: float) -> str:
    """Return a number as the table holds it."""
    return f"{value:.10g}"


def strength_said(grade: str, keys: str) -> str:
    """Return how well the number of an arrow is known; a source of an assumed one speaks about its sign at most."""
    if base_grade(grade) != "assumed":
        return grade_in_words(grade) + grade[len(base_grade(grade)) :]
    return "assumed: no source for the number" if keys.split() else "assumed: no source"


def sources_said(keys: str) -> list[str]:
    """Return the sources of an arrow in words."""
    return cite(keys) if keys.split() else ["no source"]


def certainty_said(row: Row) -> str:
    """Return the certainty of a finding with the steps that lead to it."""
    parts = steps_of(row["id"])
    shown = [f"{parts[0].why} {parts[0].points:.1f}", *(f"{part.why} {part.points:+.1f}" for part in parts[1:])]
    total = sum(part.points for part in parts)
    return f"{'; '.join(shown)} = {total:.1f}, {in_words(row['certainty'])}"


def effect_said(row: Row) -> str:
    """Return the effect with its 95 % interval, or the direction where no number is published."""
    if row["centre"] is None:
        return f"{SIGNS[row['sign'] or '?']} (no number published)"
    text = exact(row["centre"])
    if row["low"] is not None and row["high"] is not None:
        text += f" ({exact(row['low'])} to {exact(row['high'])})"
    elif row["sign"] == "0":
        return f"{SIGNS['0']} (no interval published)"
    else:
        text += " (no interval published)"
    return text


def compared(row: Row) -> str:
    """Return what a finding was compared with; a change before and after is called so."""
    against = row["comparator"]
    if against.startswith("none"):
        return against.replace("none", "no comparator", 1)
    words = f"{against} comparators" if against in ("mixed", "all", "active", "inactive") else against
    return f"against {words}" if words else "no comparator"


def persons(row: Row) -> str:
    """Return the number of persons."""
    return "n not stated" if row["n"] is None else f"n {row['n']}"


def use_said(row: Row) -> str:
    """Return what the model does with a finding."""
    return f"{MEANT[row['use']]}{_why_not(row)}"


def use_in_short(row: Row) -> str:
    """Return what the model does with a finding in a few words."""
    return f"{USES[row['use']]}{_why_not(row)}"


def _why_not(row: Row) -> str:
    return f", not simulated: {row['why_not']}" if row["use"] == "context" and row["why_not"] else ""


def reference(row: Row) -> str:
    """Return the source of a finding in words; one that was not looked up is told so."""
    words = cite(row["source"])[0] if row["source"] else "no source"
    doubtful = row["doi_checked"] is False and "recalled" not in words
    return words + (" (recalled: the DOI was not checked)" if doubtful else "")


def panel_of(row: Row) -> str:
    """Return the scale on which a finding may be drawn: ratios, differences in SD, and everything else apart.

    A change before and after without comparator never shares a scale with a difference between groups.
    """
    if row["centre"] is None or (row["sign"] == "0" and row["low"] is None):
        return ONLY_DIRECTION
    metric = row["metric"].strip()
    base = metric.lower()
    if row["scale"] == "natural" and any(base == name or base.startswith(f"{name} ") for name in SPREADS):
        alone = row["no_comparator"] or "pre-post" in base or row["comparator"].startswith(("own", "none"))
        return "standard deviations, before against after" if alone else "standard deviations, between groups"
    return metric


def panels_of(found: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return findings by the scale on which they may be drawn; the largest group first, directions last."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in found.sort("certainty", maintain_order=True).iter_rows(named=True):
        groups.setdefault(panel_of(row), []).append(row)

    def order(name: str) -> tuple[bool, bool, int]:
        return name == ONLY_DIRECTION, not name.startswith("standard deviations"), -len(groups[name])

    return {name: groups[name] for name in sorted(groups, key=order)}


def lowest_said(found: Sequence[Row] | pl.DataFrame) -> str:
    """Return the lowest certainty of findings in words."""
    rows = found.to_dicts() if isinstance(found, pl.DataFrame) else found
    return in_words(lowest(row["certainty"] for row in rows)) if rows else "no finding"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a count with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"
