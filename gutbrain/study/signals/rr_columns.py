"""Which column holds the intervals, in which unit, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe.beats import MILLISECONDS_ABOVE, SECONDS_BELOW
from gutbrain.study.mapped.cells import Column, clean, numbers
from gutbrain.study.part import Finding
from gutbrain.study.signals.rr_layouts import RR_NAMES, TIME_NAMES, Layout, slug

FASTEST = 200.0  # ms; a median below it is a heart rate or no heart
SURE = (0.25, 2.5)  # s; intervals that can be nothing else
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "-", "--")
PERSON_NAMES = (
    "person", "person_id", "participant", "participant_id", "subject", "subject_id", "patient", "patient_id",
)  # fmt: skip
RECORDING_NAMES = ("recording", "recording_id", "session", "condition", "phase", "sample", "segment", "file")
PER_MS = {"ms": 1.0, "s": 1000.0, "1/1024 s": 1000 / 1024}


@dataclass(frozen=True)
class Flat:
    """Intervals one below the other, with what stands beside each (all of one length)."""

    text: Column
    row: list[int]

    def only(self, keep: np.ndarray) -> Flat:
        """Return those that are kept."""
        kept = [int(i) for i in np.flatnonzero(keep)]
        text = self.text.text.filter(pl.Series(keep))
        column = Column(self.text.name, text, self.text.file, [self.text.lines[i] for i in kept])
        return Flat(column, [self.row[i] for i in kept])


def lengthened(layout: Layout, wide: str) -> Layout:
    """Put the columns of a wide table below each other."""
    rows = [(number, [name, cells[k]]) for k, name in enumerate(layout.header) for number, cells in layout.rows
            if k < len(cells) and cells[k]]  # fmt: skip
    return Layout(layout.kind, (wide, "rr"), rows, layout.about)


def interval_column(path: Path, layout: Layout, found: list[Finding]) -> str:
    """Return the column of intervals.

    Raises
    ------
    InputError
        If none is known as such.
    """
    known = [name for name in layout.header if slug(name)[0] in RR_NAMES]
    exact = [name for name in known if "corrected" not in slug(name)[0]] or known
    if exact:
        if len(known) > 1:
            mend = f'Give rr = "{next(name for name in known if name != exact[0])}" for the other'
            found.append(Finding("warning", path.name, "", f"intervals were taken from column {exact[0]!r}", mend))
        return exact[0]
    if len(layout.header) == 1:
        return layout.header[0]
    if layout.header == ("column 1", "column 2"):
        return _second(path, layout, found)
    mend = f"Give rr = one of {', '.join(layout.header[:12])}"
    raise InputError("no column is known to hold intervals", file=path, mend=mend)


def _second(path: Path, layout: Layout, found: list[Finding]) -> str:
    """Of two columns without names, the one that rises by what the other holds is the time."""
    try:
        pairs = np.array([[float(cell.replace(",", ".")) for cell in cells] for _, cells in layout.rows])
    except ValueError:
        pairs = np.zeros((0, 2))
    for k, name in enumerate(layout.header):
        if len(pairs) < 2 or (np.diff(pairs[:, 1 - k]) < 0).any():
            continue
        share = (pairs[-1, 1 - k] - pairs[0, 1 - k]) / max(pairs[1:, k].sum(), 1e-12)
        if any(0.8 < scale * share < 1.25 for scale in (1, 1e-3, 1e3)):
            what = f"{name} was taken for intervals: the other rises by as much"
            found.append(Finding("note", path.name, "", what, "Give rr = ... and time = ... to say so"))
            return name
    mend = 'Give rr = "column 1" or "column 2", and time = the other or ""'
    raise InputError("it cannot be told which of two columns holds the intervals", file=path, mend=mend)


def flatten(
    path: Path, layout: Layout, rr: str, decimal: str | None, ends: bool, found: list[Finding]
) -> Flat:
    """Put several intervals of one row below each other."""
    k = layout.header.index(rr)
    last = k == len(layout.header) - 1
    text: list[str] = []
    lines: list[int] = []
    row: list[int] = []
    several = 0
    for index, (number, cells) in enumerate(layout.rows):
        here = [cells[k]] if k < len(cells) else [""]
        if len(cells) > len(layout.header):
            more = [cell for cell in cells[len(layout.header) :] if cell]
            if more and not last:
                what = f"this row has {len(cells)} fields, the header {len(layout.header)}"
                raise InputError(what, file=path, row=number, mend="Give every row one field a column")
            here += more
        inner = [part for cell in here for part in _parts(cell)] or [""]
        several += len(inner) > 1
        text += inner
        lines += [number] * len(inner)
        row += [index] * len(inner)
    if several:
        found.append(Finding("note", path.name, f"column {rr!r}", f"{several} rows hold several intervals"))
    column = clean(Column(rr, pl.Series(rr, text, pl.String), path, lines), MISSING)
    if column.text.is_null().all():
        raise InputError("this column is empty", file=path, field=rr, mend="Give rr = the column of intervals")
    return Flat(column, row)


def _parts(cell: str) -> list[str]:
    inner = cell.strip("[](){} \t\"'")
    bracketed = inner != cell.strip(" \t\"'")
    return [part for part in re.split(r"[\s|/;,]+" if bracketed else r",\s+|[\s|/;]+", inner) if part]


def interval_values(flat: Flat, decimal: str | None, found: list[Finding]) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals, and which of them are kept."""
    column = flat.text
    if decimal is None and column.text.str.contains(r"^0,\d").any():
        decimal = ","
        found.append(column.note("warning", "was read with a decimal comma", 'Give decimal = "," to say so'))
    series, limit, noted = numbers(column, decimal)
    found += noted
    if limit.is_not_null().any():
        at = column.first(limit.is_not_null())
        raise column.refuse(at, f"{column.text[at]!r} is no interval")
    below = series < 0
    if below.any():
        raise column.refuse(column.first(below), f"{series[column.first(below)]:g} is negative")
    keep = (series.is_not_null() & (series > 0).fill_null(False)).to_numpy()
    empty, zero = int(series.is_null().sum()), int((series == 0).sum())
    for count, what in ((empty, "empty"), (zero, "of length 0")):
        if count:
            at = column.first(series.is_null() if what == "empty" else series == 0)
            found.append(Finding("warning", column.file.name, f"row {column.lines[at]}",
                                 f"{count} intervals are {what} and were left out"))  # fmt: skip
    if not keep.any():
        raise InputError("all intervals are 0", file=column.file, field=column.name)
    values = series.to_numpy().astype(float)
    if not np.isfinite(values[keep]).all():
        raise InputError("an interval is infinite", file=column.file, field=column.name)
    return values, keep


def interval_unit(path: Path, name: str, values: np.ndarray, unit: str | None, found: list[Finding]) -> str:
    """Return the unit: declared, of the header, or unmistakable."""
    middle = float(np.median(values))
    option = 'Give unit = "ms", "s" or "1/1024 s"'
    if unit == "1/1024 s":
        return unit
    if unit is not None and unit not in PER_MS:
        raise InputError(f"no unit {unit!r} for intervals", file=path, field=name, mend=option)
    said = unit or slug(name)[1]
    looks = "s" if middle < SECONDS_BELOW else "ms" if middle > MILLISECONDS_ABOVE else None
    if looks is None or (looks == "ms" and middle < FASTEST):
        what = f"values with a median of {middle:.4g} are no intervals; are they heart rate per minute?"
        mend = "Give rr = the column of intervals; a file of time and heart rate is read with reader = \"beats\""
        raise InputError(what, file=path, field=name, mend=mend)
    if said is not None:
        if said != looks:
            what = f"intervals with a median of {middle:.4g} look like {looks}, not {said}"
            raise InputError(what, file=path, field=name, mend=f'Give unit = "{looks}" if they are')
        return said
    if looks == "s":
        sure = values.size >= 10 and np.mean((values > SURE[0]) & (values < SURE[1])) > 0.95
        if not sure:
            raise InputError(f"intervals with a median of {middle:.4g} look like s", file=path, field=name, mend=option)
        what = f"intervals with a median of {middle:.4g} are seconds; they were converted to ms"
        found.append(Finding("warning", path.name, f"column {name!r}", what, 'Give unit = "s" to say so'))
    return looks


def time_column(layout: Layout, rr: str) -> str:
    """Return the column that is known to hold times, or ""."""
    names = {slug(name)[0]: name for name in reversed(layout.header) if name != rr}
    if layout.header == ("column 1", "column 2"):
        return next(name for name in layout.header if name != rr)
    return next((names[name] for name in TIME_NAMES if name in names), "")


def tracks_of(
    path: Path, layout: Layout, flat: Flat, person_column: str | None, recording_columns: Sequence[str],
    person: str | None, recording: str | None, found: list[Finding],
) -> dict[tuple[str, str], list[int]]:  # fmt: skip
    """Return which intervals belong to each person and recording, in their order."""
    names = {slug(name)[0]: name for name in reversed(layout.header)}
    mend = "Give person_column and recording_columns to say so"
    if person is None and person_column is None:
        person_column = next((names[each] for each in PERSON_NAMES if each in names), None)
        if person_column:
            found.append(Finding("warning", path.name, "", f"people were taken from column {person_column!r}", mend))
    if recording is None and not recording_columns:
        recording_columns = [names[each] for each in RECORDING_NAMES if each in names]
        if recording_columns:
            what = f"recordings were told apart by {', '.join(recording_columns)}"
            found.append(Finding("warning", path.name, "", what, mend))
    at = [layout.header.index(name) for name in recording_columns]
    who = layout.header.index(person_column) if person_column else None
    tracks: dict[tuple[str, str], list[int]] = {}
    for i, index in enumerate(flat.row):
        cells = layout.rows[index][1]
        label = [cells[k] if k < len(cells) else "" for k in ([] if who is None else [who]) + at]
        if not all(label):
            name = [*([person_column] if who is not None else []), *recording_columns][label.index("")]
            raise InputError("a value must stand here", file=path, row=flat.text.lines[i], field=name)
        key = (person or (label[0] if who is not None else path.stem),
               recording or " ".join(label[who is not None :]) or path.stem)  # fmt: skip
        tracks.setdefault(key, []).append(i)
    return tracks
