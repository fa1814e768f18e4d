"""Nights and sessions out of the many overlapping records that phones, watches and apps leave."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from gutbrain.study.signals.spans import HOUR, episodes, length, without

IN_BED, AWAKE, ASLEEP, STAGED = 0, 1, 2, 3
APART = 3 * HOUR  # longer without any record, and another sleep begins
SCHEMA: dict[str, pl.DataType] = {
    "time": pl.Datetime("us"), "until": pl.Datetime("us"), "quantity": pl.String(), "value": pl.Float64(),
    "unit": pl.String(), "method": pl.String(), "note": pl.String(),
}  # fmt: skip


def nights(spans: pl.DataFrame, names: dict[int, str]) -> pl.DataFrame:
    """Return duration, time in bed and efficiency of every sleep.

    Parameters
    ----------
    spans : begin, end (s since 1970), begin_offset, end_offset (min), source, stage, in order of begin
    names : of the sources

    Returns
    -------
    DataFrame : readings; of the sleeps that end on one day the longest is the night, the others are `sleep.nap`
    """
    if not len(spans):
        return pl.DataFrame()
    columns = {name: spans[name].to_numpy() for name in spans.columns}
    number = episodes(np.column_stack([columns["begin"], columns["end"]]), APART)
    edges = np.flatnonzero(np.diff(number, prepend=-1, append=number[-1] + 1))
    made = [one for low, high in pairwise(edges)
            if (one := _sleep({name: values[low:high] for name, values in columns.items()}, names))]  # fmt: skip
    longest: dict[Any, dict[str, Any]] = {}
    for one in made:
        day = one["until"].date()
        if day not in longest or one["asleep"] > longest[day]["asleep"]:
            longest[day] = one
    rows = []
    for one in made:
        shared = {"time": one["time"], "until": one["until"], "method": one["method"]}
        night = one is longest[one["until"].date()]
        asleep = {"quantity": "sleep.duration" if night else "sleep.nap", "value": one["asleep"] / HOUR, "unit": "hour"}
        rows.append(shared | asleep)
        if night:
            bed = shared | {"note": one["note"]}
            share = 100 * one["asleep"] / one["in_bed"]
            rows.append(bed | {"quantity": "sleep.in_bed", "value": one["in_bed"] / HOUR, "unit": "hour"})
            rows.append(bed | {"quantity": "sleep.efficiency", "value": share, "unit": "percent"})
    return pl.DataFrame(rows, schema=SCHEMA)


def _sleep(rows: dict[str, np.ndarray], names: dict[int, str]) -> dict[str, Any] | None:
    """Choose the source of one sleep and measure it; None if nobody says that anyone slept."""
    pairs = np.column_stack([rows["begin"], rows["end"]])
    stage, source = rows["stage"], rows["source"]
    best: tuple[bool, float, int] | None = None
    for each in np.unique(source):
        asleep = (source == each) & (stage >= ASLEEP)
        kept = without(pairs[asleep], pairs[(source == each) & (stage == AWAKE)])
        rank = (bool((stage[asleep] == STAGED).any()), length(kept), -int(each))
        if rank[1] > 0 and (best is None or rank > best):
            best = rank
    if best is None:
        return None
    staged, seconds, chosen = best
    own = np.flatnonzero(source == -chosen)
    # A watch that only follows sleep says nothing of lying awake before and after it.
    note = None if (stage == IN_BED).any() else "in bed is the sleep record: lying awake before and after is not in it"
    begin, end = own[np.argmin(rows["begin"][own])], own[np.argmax(rows["end"][own])]
    return {
        "time": _local(rows["begin"][begin], rows["begin_offset"][begin]),
        "until": _local(rows["end"][end], rows["end_offset"][end]),
        "asleep": seconds, "in_bed": length(pairs[(stage == IN_BED) | (source == -chosen)]), "note": note,
        "method": f"Apple Health sleep analysis ({'stages' if staged else 'asleep'}), {names[-chosen]}",
    }  # fmt: skip


def mindful(spans: pl.DataFrame) -> pl.DataFrame:
    """Return minutes of practice of each session; records that overlap are one session."""
    if not len(spans):
        return pl.DataFrame()
    spans = spans.with_columns(session=episodes(spans.select("begin", "end").to_numpy(), 0.0))
    rows = []
    for session in spans.partition_by("session", maintain_order=True):
        begin = session.row(0, named=True)
        end = session.filter(end=session["end"].max()).row(0, named=True)
        rows.append({
            "time": _local(begin["begin"], begin["begin_offset"]), "until": _local(end["end"], end["end_offset"]),
            "quantity": "practice.minutes", "value": (end["end"] - begin["begin"]) / 60, "unit": "minute",
            "method": "Apple Health mindful session",
        })  # fmt: skip
    return pl.DataFrame(rows, schema={name: kind for name, kind in SCHEMA.items() if name != "note"})


def _local(seconds: float, offset: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=float(seconds), minutes=int(offset))
