"""Heartbeat intervals from a text file: plain lists, tables, and exports of recorders, apps and Kubios."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe.beats import read_beats
from gutbrain.study.mapped.cells import Column, Order, clean, clocks, moments, numbers
from gutbrain.study.part import Finding, Part
from gutbrain.study.signals.rr_columns import (
    FASTEST,
    MISSING,
    PER_MS,
    SURE,
    Flat,
    flatten,
    interval_column,
    interval_unit,
    interval_values,
    lengthened,
    time_column,
    tracks_of,
)
from gutbrain.study.signals.rr_layouts import (
    CLOCKLIKE,
    DATELIKE,
    MOMENT_IN_NAME,
    NUMBER,
    RR_NAMES,
    Layout,
    find_layout,
    read_lines,
    slug,
)
from gutbrain.study.signals.rr_times import Clock, counted, stamped, summed

Unit = Literal["ms", "s", "1/1024 s"]
NAMED = ("subject", "subjectid", "person", "participant", "patient", "name", "user")
STARTED = ("starttime", "measurementdate", "recordingstart", "recordingstartat", "recordingstarted", "start")


def read_rr(
    path: str | Path,
    *,
    person: str | None = None,
    recording: str | None = None,
    rr: str | None = None,
    unit: Unit | None = None,
    time: str | None = None,
    time_unit: Literal["s", "ms", "us", "ns"] | None = None,
    person_column: str | None = None,
    recording_columns: Sequence[str] = (),
    wide: Literal["person", "recording"] | None = None,
    decimal: Literal[".", ","] | None = None,
    dates: Order | None = None,
    separator: str | None = None,
) -> Part:
    """Read intervals between heartbeats.

    Parameters
    ----------
    path : text: one interval a line; a table with or without a header; several intervals a row; Polar Sensor Logger,
        HRV Logger, Elite HRV, Kubios report, Polar HRM (R-R), Suunto SDF
    person, recording : names for all rows; the name of the file without them
    rr : column of intervals
    unit : `ms`, `s` or `1/1024 s`; of the header or unmistakable without it
    time : column of times; "" leaves times out and sums the intervals
    time_unit : of a column of numbers
    person_column, recording_columns : columns that name the person, and that together name the recording
    wide : every column is a person's or a recording's intervals, named by the header
    decimal, dates, separator : where the file leaves a doubt

    Returns
    -------
    Part : table `beats` (`rr` ms, `at` s)

    Raises
    ------
    InputError
        With the line and the option that mends it.
    """
    path = Path(path)
    found: list[Finding] = []
    person, recording = (None if given is None else str(given) for given in (person, recording))
    if isinstance(recording_columns, str):
        recording_columns = (recording_columns,)
    layout = find_layout(path, read_lines(path, found), rr, separator)
    if wide:
        layout, rr, time = lengthened(layout, wide), "rr", ""
        person_column, recording_columns = (wide, ()) if wide == "person" else (None, (wide,))
    asked = [name for name in (rr, time, person_column, *recording_columns) if name]
    for name in asked:
        if name not in layout.header:
            near = get_close_matches(name, layout.header, n=1, cutoff=0.4)
            mend = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(layout.header[:12])}"
            raise InputError("the file has no such column", file=path, field=name, mend=mend)
    rr = rr or interval_column(path, layout, found)
    flat = flatten(path, layout, rr, decimal, wide is not None, found)
    values, keep = interval_values(flat, decimal, found)
    flat = flat.only(keep)
    values = values[keep] * PER_MS[interval_unit(path, rr, values[keep], unit, found)]
    time = time_column(layout, rr) if time is None else time
    tracks = tracks_of(path, layout, flat, person_column, recording_columns, person, recording, found)
    begin = None if len(tracks) > 1 else _begin(path, layout, dates, found)
    said = next((layout.about[key] for key in NAMED if layout.about.get(key)), "")
    if said and person is None and person_column is None:
        told, mend = said, "Give person = ... to say who it is"
        found.append(Finding("note", path.name, "", f"names {told!r}; the person is called {path.stem!r}", mend))
    if layout.kind == "Kubios report":
        told = next((layout.about[key] for key in ("beatcorrection", "artifactcorrection") if key in layout.about), "")
        what = "Kubios lists the intervals that it analysed: they may be corrected" + (f" ({told})" if told else "")
        found.append(Finding("warning", path.name, "", what, "Give the recorder's own file to see every artefact"))
    made = []
    for (who, which), rows in tracks.items():
        place = f"{who}, {which}" if len(tracks) > 1 else ""
        lines = [flat.text.lines[i] for i in rows]
        try:
            clock = _clock(path, layout, flat, rows, values[rows], time, time_unit, dates, begin, found)
            read_beats(values[rows], clock.at)
        except InputError as error:
            at = int(error.row) - 1 if error.row is not None and str(error.row).isdigit() else None
            row = lines[at] if at is not None and at < len(lines) and error.file is None else error.row
            what = f"{place}: {error.what}" if place else error.what
            raise InputError(what, file=path, row=row, field=error.field, mend=error.mend) from error
        if clock.what:
            found.append(Finding("warning" if clock.holes else "note", path.name, place, clock.what))
        stamps = [clock.begin + timedelta(seconds=float(s)) for s in clock.at] if clock.begin else [None] * len(rows)
        columns = {"person": [who] * len(rows), "recording": [which] * len(rows), "time": stamps}
        schema: dict[str, pl.DataType] = {"person": pl.String(), "recording": pl.String(), "time": pl.Datetime("us")}
        made.append(pl.DataFrame(columns, schema=schema).with_columns(at=clock.at, rr=values[rows]))
    beats = pl.concat(made)
    return Part({"beats": beats}, {}, _merged(found), f"RR intervals ({layout.kind})")


def sniff(path: str | Path) -> str | None:
    """Say what list of heartbeat intervals a file is, or None."""
    path = Path(path)
    if path.suffix.lower() not in (".txt", ".csv", ".tsv", ".rr", ".rri", ".ibi", ".hrm", ".sdf", ".dat", ""):
        return None
    try:
        lines = read_lines(path, [])[:3000]
        layout = find_layout(path, lines, None, None)
    except (InputError, OSError):
        return None
    if layout.kind not in ("table", "list without a header"):
        return layout.kind
    if layout.named and not any(slug(name)[0] in RR_NAMES for name in layout.header):
        return None
    name = next((name for name in layout.header if slug(name)[0] in RR_NAMES), None)
    if name is None or (layout.kind == "table" and slug(name)[0] in ("interval", "intervals")):
        return None
    k = layout.header.index(name)
    cells = [cells[k].replace(",", ".") for _, cells in layout.rows[:200] if len(cells) > k and NUMBER.match(cells[k])]
    values = np.array([float(cell) for cell in cells])
    if values.size < (1 if layout.named else 20):
        return None
    likely = max(np.mean((values > low) & (values < high)) for low, high in ((FASTEST, 3000.0), SURE))
    return f"RR intervals ({layout.kind})" if likely > 0.9 else None


def _begin(path: Path, layout: Layout, dates: Order | None, found: list[Finding]) -> datetime | None:
    """Return when the recording began, as the lines above the table or the name of the file say."""
    about = layout.about
    text = next((about[key] for key in STARTED if key in about), "")
    if re.match(r"^\d{1,2}:\d\d", text) and "date" in about:
        day = re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", about["date"])
        text = f"{day} {text}"
    text = re.sub(r"^(\d{1,2}\.\d{1,2}\.\d{4})[ .](\d\d)[.:](\d\d)[.:](\d\d)$", r"\1 \2:\3:\4", text)
    if DATELIKE.match(text) and ":" in text:
        series, noted = moments(Column("start", pl.Series([text]), path, ["header"]), dates)  # type: ignore[list-item]
        found += noted
        return datetime.fromisoformat(str(series[0]))
    named = MOMENT_IN_NAME.search(path.stem)
    if named:
        year, month, date, hour, minute, second = (int(part or 0) for part in named.groups())
        try:
            begin = datetime(year, month, date, hour, minute, second)
        except ValueError:
            return None
        found.append(Finding("note", path.name, "", f"begins at {begin}, as the name of the file says"))
        return begin
    return None


def _clock(
    path: Path, layout: Layout, flat: Flat, rows: list[int], rr: np.ndarray, time: str, time_unit: str | None,
    dates: Order | None, begin: datetime | None, found: list[Finding],
) -> Clock:  # fmt: skip
    if not time:
        return summed(rr, begin)
    k = layout.header.index(time)
    cells = [layout.rows[flat.row[i]][1] for i in rows]
    text = pl.Series(time, [line[k] if k < len(line) else "" for line in cells], pl.String)
    column = clean(Column(time, text, path, [flat.text.lines[i] for i in rows]), MISSING)
    if column.text.is_null().any():
        at = column.first(column.text.is_null())
        raise column.refuse(at, "a time must stand here", 'Give time = "" to leave the times out')
    if NUMBER.match(str(column.text[0])):
        series, _, _ = numbers(column, "," if "," in "".join(column.text.head(50)) else ".")
        if len({flat.row[i] for i in rows}) < len(rows):
            return stamped(rr, _per_second(series.to_numpy(), time, time_unit), None)
        clock = counted(rr, series.to_numpy().astype(float), time_unit or slug(time)[1])
        return Clock(clock.at, clock.begin or begin, clock.holes, clock.what)
    if CLOCKLIKE.match(str(column.text[0])):
        seconds = clocks(Column(time, text.str.replace(",", ".", literal=True), path, column.lines)).to_numpy() * 86400
        seconds = seconds + 86400 * np.concatenate([[0], np.cumsum(np.diff(seconds) < -43200)])
        return stamped(rr, seconds - seconds[0], None)
    series, noted = moments(column, dates)
    found += noted
    first = series[0]
    return stamped(rr, ((series - first).dt.total_microseconds() / 1e6).to_numpy(), first)


def _per_second(times: np.ndarray, name: str, unit: str | None) -> np.ndarray:
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
    unit = unit or slug(name)[1]
    if unit is None:
        large = float(times[0])
        unit = "s" if 9e8 < large < 9e11 else "ms" if 9e11 <= large < 9e14 else None
    if unit is None:
        raise InputError("the unit of the times cannot be told", field=name, mend='Give time_unit = "s" or "ms"')
    return np.asarray((times - times[0]) / scale[unit], float)


def _merged(found: list[Finding]) -> tuple[Finding, ...]:
    """Say a thing once, with the number of recordings it is true of."""
    counts: dict[tuple[str, str, str], int] = {}
    for each in found:
        counts[each.severity, each.what, each.mend] = counts.get((each.severity, each.what, each.mend), 0) + 1
    first: dict[tuple[str, str, str], Finding] = {}
    for each in found:
        first.setdefault((each.severity, each.what, each.mend), each)
    return tuple(
        one if counts[key] == 1 else Finding(one.severity, one.file, f"{counts[key]} times", one.what, one.mend)
        for key, one in first.items()
    )
