"""Sheets that cannot be right, or hardly: what a person should look at before scores are believed."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from gutbrain.observe import psqi
from gutbrain.observe.answers import Sheets, as_matrix, bad_values, recoded, rows_of
from gutbrain.observe.forms import Questionnaire, find
from gutbrain.observe.questionnaires import SAFETY, safety

EMPTY = "no item answered"
TWICE = "item answered twice"
RANGE = "answer outside the form"
SAME_REVERSED = "same answer throughout, reversed items too"
SAME = "same answer throughout, none of the ends"
EXTREME = "only the lowest and the highest answer"
PAIN = "pain severity and days with pain contradict each other"
IN_BED = "hours in bed are not above 0"
OVER = "sleep efficiency above 100 %"
HALF_DAY = "more than 12 h in bed from a bed time before noon: a twelve-hour clock?"
# The same answer throughout tells nothing on a form of a few items.
LEAST_ITEMS = 7


def patterns(
    answers: pl.DataFrame, form: str | Questionnaire, *, choice: str | None = None, coding: str | None = None
) -> pl.DataFrame:
    """Return what is wrong, doubtful or urgent in the answers; nothing is changed and no value is refused.

    Parameters
    ----------
    answers, form, choice, coding : as in `questionnaires.score`; `choice` may be left out

    Returns
    -------
    table with the keys (person, visit and others), `form`, `what` and `seen`, one row a finding, the messages of
    the PHQ-9's safety item first. It names persons: for the study team only.

    Raises
    ------
    InputError : columns or items that cannot be read
    """
    asked = find(form) if isinstance(form, str) else form
    asked = asked if choice is None else asked.decide(choice)
    table = rows_of(answers, asked)
    if coding is not None:
        table = recoded(table, asked, coding)
    keys = [name for name in table.columns if name not in ("item", "value")]
    found = [_urgent(answers, asked, keys, coding), _twice(table, keys), _outside(table, asked, keys)]
    sheets = as_matrix(table, asked)
    found.append(pl.DataFrame(_sheet_rows(sheets, asked), schema=table.select(keys).schema | _TEXTS, orient="row"))
    joined = pl.concat(found).with_row_index("place")
    urgent = pl.col("what").str.starts_with(SAFETY)
    return joined.sort(~urgent, *keys, "place").select(*keys, pl.lit(asked.name).alias("form"), "what", "seen")


_TEXTS = pl.Schema({"what": pl.String(), "seen": pl.String()})


def _urgent(answers: pl.DataFrame, form: Questionnaire, keys: list[str], coding: str | None) -> pl.DataFrame:
    if form.safety_item is None:
        return rows_of(answers, form).head(0).select(*keys, what=pl.lit(""), seen=pl.lit(""))
    item = pl.format("item {}", pl.lit(form.safety_item))
    return safety(answers, form.name, coding=coding).select(*keys, pl.col("message").alias("what"), item.alias("seen"))


def _twice(table: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    several = table.group_by(*keys, "item").len().filter(pl.col("len") > 1).sort(*keys, "item")
    seen = pl.format("item {}, {} times", "item", "len")
    return several.select(*keys, pl.lit(TWICE).alias("what"), seen.alias("seen"))


def _outside(table: pl.DataFrame, form: Questionnaire, keys: list[str]) -> pl.DataFrame:
    bad = bad_values(table, form).sort(*keys, "item")
    return bad.select(*keys, pl.lit(RANGE).alias("what"), pl.format("item {} is {}", "item", "value").alias("seen"))


def _sheet_rows(sheets: Sheets, form: Questionnaire) -> list[tuple[Any, ...]]:
    """Return keys, what and seen of each finding that needs the whole sheet."""
    rows = []
    for key, values in zip(sheets.keys.iter_rows(), sheets.values, strict=True):
        given = dict(zip(sheets.items, values, strict=True))
        rows += [(*key, what, seen) for what, seen in _sheet(given, form)]
    return rows


def _sheet(given: dict[str, float], form: Questionnaire) -> list[tuple[str, str]]:
    values = np.array([given[item] for item in form.items])
    if np.isnan(values).all():
        return [(EMPTY, f"{len(values)} items")]
    if form.name == "psqi":
        return _sleep(given)
    if form.name == "ibs-sss":
        severity, days = given["pain_severity"], given["pain_days"]
        clash = (severity == 0 < days) or (days == 0 < severity)
        return [(PAIN, f"severity {severity:g}, days {days:g}")] if clash else []
    if np.isnan(values).any() or len(values) < LEAST_ITEMS:
        return []
    low, high = form.ranges[form.items[0]]
    if len(set(values)) == 1:
        if form.reverse:
            return [(SAME_REVERSED, f"{values[0]:g} on {len(values)} items")]
        return [(SAME, f"{values[0]:g} on {len(values)} items")] if low < values[0] < high else []
    # Mirrored first: no stress at all is the lowest answer to some items and the highest to the others.
    turned = np.where([item in form.reverse for item in form.items], low + high - values, values)
    lowest, highest = (turned == low).sum(), (turned == high).sum()
    if lowest + highest == len(values) and min(lowest, highest) >= len(values) / 4:
        return [(EXTREME, f"{lowest} and {highest} items, reversed ones mirrored")]
    return []


def _sleep(given: dict[str, float]) -> list[tuple[str, str]]:
    bed, rise, slept = given["bed_time"], given["rise_time"], given["hours_slept"]
    in_bed = float(psqi.hours_in_bed(np.array(bed), np.array(rise)))
    found = []
    if in_bed == 0:
        found.append((IN_BED, f"to bed at {bed:g} h, up at {rise:g} h"))
    elif slept > in_bed:
        found.append((OVER, f"slept {slept:g} h of {in_bed:g} h in bed"))
    if psqi.half_day_clock(bed, in_bed):
        found.append((HALF_DAY, f"to bed at {bed:g} h, up at {rise:g} h"))
    return found
