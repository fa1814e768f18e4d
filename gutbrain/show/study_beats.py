"""Heartbeats of a study: tachograms with what was corrected, and heart rate variability with its methods."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe import artefacts
from gutbrain.observe.beats import read_beats
from gutbrain.observe.hrv import Hrv, hrv
from gutbrain.show.page import Block, Figure, Items, Table, Text
from gutbrain.show.study_plots import RED, WHOLE, counted_said, ends, evenly, natural
from gutbrain.show.theme import dress
from gutbrain.show.words import number
from gutbrain.study.study import Study

RECORDINGS, SCORED, BEATS = 6, 60, 400_000
DRAWN, SPANS = 1200, 300  # beats of a tachogram before it becomes a band, and spans of that band
LINE, BAND = "#3b8fc0", "#bcd6e8"
UNITS = {"ms2": "ms²", "1/min": "per minute", "1": ""}


@dataclass(frozen=True)
class Recording:
    """One recording: its name, intervals (ms), times (s; None if they do not fit) and what was scored."""

    name: str
    kind: str
    person: str
    rr: np.ndarray
    times: np.ndarray | None
    found: Hrv | None
    fault: str = ""


def beat_blocks(study: Study) -> list[Block]:
    """Return tachograms and tables of variability; nothing without beats."""
    beats = study.beats
    if beats.is_empty():
        return []
    names = beats.select("person", "recording").unique().rows()
    names.sort(key=lambda pair: (natural(pair[0]), natural(pair[1])))
    drawn = evenly(names, RECORDINGS)
    recordings = [_recording(study, *pair) for pair in drawn]
    caption = "Tachograms: intervals between heartbeats. Red: beats that were found out of rhythm, missed or doubled, "
    caption += "and were corrected before variability was computed."
    if len(drawn) < len(names):
        caption += f" Drawn: {len(drawn)} of {len(names):,} recordings, evenly picked."
    if any(one.rr.size > DRAWN for one in recordings):
        caption += f" Of recordings above {DRAWN:,} beats the ground shows smallest to largest, the line the median, of"
        caption += f" {SPANS} spans."
    panels = [_tachogram(one) for one in recordings]
    chart = dress(alt.vconcat(*panels, spacing=14))
    blocks: list[Block] = [Figure(chart, caption, "tachograms"), _corrections(recordings)]
    blocks += [Text(f"{one.name}: not scored. {one.fault}", note=True) for one in recordings if one.fault]
    scored = [one for one in recordings if one.found is not None]
    if scored:
        blocks += _variability(scored)
    return blocks + (_summary(study, names) if len(names) > RECORDINGS else [])


def _recording(study: Study, person: str, recording: str) -> Recording:
    rows = study.beats.filter((pl.col("person") == person) & (pl.col("recording") == recording))
    rr, clock = rows["rr"].to_numpy().astype(float), rows["at"]
    several = study.beats["recording"].n_unique() > 1
    name = f"Person {person}" + (f", {recording.replace('_', ' ')}" if several else "")
    times = None if clock.null_count() else clock.to_numpy().astype(float)
    fault = ""
    for tried in (times, None) if times is not None else (None,):
        try:
            return Recording(name, recording, person, rr, tried, hrv(rr, times=tried, origin=study.origin))
        except InputError as error:
            fault = f"{error.what[:1].upper()}{error.what[1:]}. {error.mend or ''}".strip()
    return Recording(name, recording, person, rr, None, None, fault)


def _classes(one: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Return the time of every beat (min) and what it was taken for."""
    classes = np.full(one.rr.size, "normal", dtype="<U7")
    if one.found is None:
        return np.cumsum(one.rr) / 60_000, classes
    given = read_beats(one.rr, one.times)
    if one.found.counts:
        for run in given.runs:
            if run.size >= artefacts.FEWEST:
                classes[run] = artefacts.correct(given.rr[run]).classes
    return given.times / 60, classes


def _tachogram(one: Recording) -> Any:
    times, classes = _classes(one)
    first = float(times[0])
    frame = pl.DataFrame({"at": (times - first).round(4), "rr": one.rr.round(1), "kind": classes})
    changed = frame.filter(pl.col("kind") != "normal")
    x = alt.X(
        "at:Q", title="Minutes from the first beat", scale=alt.Scale(nice=False, zero=True), axis=alt.Axis(grid=False)
    )
    y = alt.Y("rr:Q", title="Interval (ms)", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4))
    if len(frame) <= DRAWN:
        layers = [alt.Chart(frame.select("at", "rr")).mark_line(strokeWidth=1, color=LINE).encode(x=x, y=y)]
    else:
        width = ends(frame["at"])[1] / SPANS
        spans = frame.group_by(((pl.col("at") / width).floor() + 0.5) * width).agg(
            pl.col("rr").median(), pl.col("rr").min().alias("low"), pl.col("rr").max().alias("high")
        ).sort("at")  # fmt: skip
        base = alt.Chart(spans.with_columns(pl.col("at").round(3)))
        layers = [base.mark_area(color=BAND).encode(x=x, y=alt.Y("low:Q", scale=alt.Scale(zero=False)), y2="high"),
                  base.mark_line(strokeWidth=1, color=LINE).encode(x=x, y=y)]  # fmt: skip
    shown = pl.DataFrame(evenly(changed.rows(), 200), schema=changed.schema, orient="row")
    if len(shown):
        mark = alt.Chart(shown).mark_point(filled=True, size=34, color=RED, opacity=0.95)
        layers.append(mark.encode(x=x, y=y, tooltip=["kind", "at", "rr"]))
    title = alt.TitleParams(
        f"{one.name}: {counted_said(len(changed), 'beat')} of {len(frame):,} corrected", fontSize=13, offset=4
    )
    return alt.layer(*layers).properties(width=WHOLE - 20, height=105, title=title)


def _corrections(recordings: list[Recording]) -> Block:
    rows = []
    for one in recordings:
        found = one.found
        row: dict[str, Any] = {
            "name": one.name,
            "minutes": number(float(one.rr.sum()) / 60_000, 3),
            "beats": one.rr.size,
        }
        row["corrected"] = "–" if found is None or not found.counts else f"{100 * found.corrected:.2f} %"
        row["holes"] = None if found is None else found.holes
        row |= {kind: None if found is None else found.counts.get(kind, 0) for kind in artefacts.CLASSES[1:]}
        rows.append(row)
    headings = {"name": "Recording", "minutes": "Minutes", "beats": "Beats", "corrected": "Corrected", "holes": "Holes"}
    headings |= {kind: kind.capitalize() for kind in artefacts.CLASSES[1:]}
    done = any(one.found is not None and one.found.counts for one in recordings)
    how = f"Correction: {artefacts.METHOD}" if done else "Simulated beats: nothing was corrected"
    return Table(pl.DataFrame(rows, infer_schema_length=None), how, headings, frozenset({"minutes", "corrected"}))


def _variability(recordings: list[Recording]) -> list[Block]:
    """Return a column a recording; what is withheld stands in words below."""
    rows: list[dict[str, Any]] = []
    reasons: dict[tuple[str, str], list[str]] = {}
    above = ""
    first = recordings[0].found
    assert first is not None
    heads = {f"r{place}": one.name for place, one in enumerate(recordings)}
    for name, reading in first.readings.items():
        method = re.sub(r"at [\d.]+ breaths per minute|breathing unknown", "at the breathing rate", reading.method)
        row = {"name": f"heart.{name}", "unit": UNITS.get(reading.unit, reading.unit),
               "method": "the same" if method == above else method}  # fmt: skip
        above = method
        for place, one in enumerate(recordings):
            mine = one.found[name] if one.found is not None else reading
            row[f"r{place}"] = "withheld" if mine.reason else number(mine.value, 3)
            if mine.reason:
                reasons.setdefault((mine.reason, one.name), []).append(name)
            if mine.note:
                reasons.setdefault((f"note: {mine.note}", ""), []).append(name)
        rows.append(row)
    headings = {"name": "Reading", **heads, "unit": "Unit", "method": "Method"}
    table = Table(
        pl.DataFrame(rows), "Heart rate variability of each recording, whole length", headings, frozenset(heads)
    )
    said = []
    for (why, who), which in reasons.items():
        names = ", ".join(dict.fromkeys(which))
        said.append(f"{names}: {why.removeprefix('note: ')}." if not who else f"{who}: {names} withheld: {why}.")
    return [table, Items(said)] if said else [table]


def _summary(study: Study, names: list[tuple[str, str]]) -> list[Block]:
    """Return medians over the recordings of each kind, as many as can be scored in a moment."""
    chosen = evenly(names, SCORED)
    sizes = study.beats.group_by("person", "recording").len()
    size = {(person, recording): count for person, recording, count in sizes.iter_rows()}
    total, kept = 0, []
    for pair in chosen:
        total += size[pair]
        if total <= BEATS:
            kept.append(pair)
    kinds: dict[str, list[Hrv]] = {}
    for person, recording in kept:
        one = _recording(study, person, recording)
        if one.found is not None:
            kinds.setdefault(recording, []).append(one.found)
    if len(kinds) > 12 and len(kinds) == sum(map(len, kinds.values())):
        kinds = {"all": [one for found in kinds.values() for one in found]}
    rows = []
    for kind, found in list(kinds.items())[:20]:
        row: dict[str, Any] = {"kind": kind.replace("_", " "), "recordings": len(found)}
        for name in ("rate", "sdnn", "rmssd", "hf_power"):
            values = [one[name].value for one in found if not one[name].reason]
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]) if values else [float("nan")] * 3
            row[name] = f"{number(middle, 3)} ({number(low, 3)} to {number(high, 3)})" if values else "–"
        rows.append(row)
    if not rows:
        return []
    headings = {"kind": "Recording", "recordings": "Scored", "rate": "Heart rate, per minute", "sdnn": "SDNN, ms",
                "rmssd": "RMSSD, ms", "hf_power": "HF power, ms²"}  # fmt: skip
    caption = "All recordings: median (quartiles) of those that are not withheld"
    if len(kept) < len(names):
        caption += f"; {len(kept)} of {len(names):,} recordings, evenly picked"
    return [Table(pl.DataFrame(rows), caption, headings, frozenset({"rate", "sdnn", "rmssd", "hf_power"}))]
