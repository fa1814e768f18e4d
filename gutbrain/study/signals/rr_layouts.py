"""Where the intervals stand in a file of a recorder or an app: every layout becomes one table of text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gutbrain.errors import InputError
from gutbrain.study.part import Finding

LARGEST = 512 * 1024**2  # bytes; a day of heartbeats is below 5 MB
DELIMITERS = "\t;,|"
RR_NAMES = {
    "rr", "rri", "rrs", "r_r", "rr_interval", "rr_intervals", "r_r_interval", "r_r_intervals", "rrinterval", "ibi",
    "ibis", "nn", "nni", "nn_interval", "nn_intervals", "pp_interval", "ppi", "inter_beat_interval",
    "interbeat_interval", "heart_period", "rr_value", "rr_data", "interval", "intervals", "artifact_corrected_rr",
    "artefact_corrected_rr",
}  # fmt: skip
TIME_NAMES = (
    "since_start", "time_since_start", "elapsed", "elapsed_time", "sumtime", "t", "at", "seconds", "time", "time_stamp",
    "timestamp", "phone_timestamp", "datetime", "date_time", "date", "start_time", "recorded_at", "unix_timestamp",
)  # fmt: skip
UNITS = {
    "ms": "ms", "msec": "ms", "msecs": "ms", "millisecond": "ms", "milliseconds": "ms", "s": "s", "sec": "s",
    "secs": "s", "second": "s", "seconds": "s", "ns": "ns", "us": "us",
}  # fmt: skip
NUMBER = re.compile(r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$")
CLOCKLIKE = re.compile(r"^\d{1,2}:\d\d(:\d\d([.,]\d+)?)?$")
DATELIKE = re.compile(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ,]|$)")
ABOUT = re.compile(
    r"^[\W_]*(?P<key>start ?time|starttime|measurement date|recording start(?:ed)?(?: at)?|start|date|time|subject|"
    r"subject id|person|participant|patient|name|user|beat correction|artifact correction|interval)"
    r"\s*[:=;\t]\s*(?P<value>.*)$",
    re.IGNORECASE,
)
KUBIOS = re.compile(r"RR INTERVAL DATA", re.IGNORECASE)
MOMENT_IN_NAME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ _T](\d\d)[-.:](\d\d)(?:[-.:](\d\d))?(?!\d)")


@dataclass
class Layout:
    """A table of text, and what the lines before it say.

    Attributes
    ----------
    kind : format in words
    header : names of the columns
    rows : line of the file and cells; rows may be longer than the header
    about : what stood before the table, in lower case
    named : whether the file names its columns
    """

    kind: str
    header: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    about: dict[str, str] = field(default_factory=dict)
    named: bool = True


def slug(name: str) -> tuple[str, str | None]:
    """Return a column's name without case, signs and unit, and its unit."""
    found = re.search(r"[\[(]\s*([A-Za-z]+)\s*[\])]", name)
    words = re.sub(r"[\[(].*?[\])]", " ", name) if found else name
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    unit = UNITS.get(found[1].lower()) if found else None
    head, _, tail = plain.rpartition("_")
    if unit is None and head and tail in UNITS:
        return head, UNITS[tail]
    return plain, unit


def read_lines(path: Path, found: list[Finding]) -> list[tuple[int, str]]:
    """Return the lines of a text file that hold something, with their numbers from 1.

    Raises
    ------
    InputError
        For a missing or empty file, a folder, or bytes that are no text.
    """
    if not path.is_file():
        what = "this is a folder, not a file" if path.is_dir() else "there is no such file"
        raise InputError(what, file=path)
    if path.stat().st_size > LARGEST:
        raise InputError("this file has more than 512 MB: it is no list of intervals", file=path)
    raw = path.read_bytes()
    coding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(coding)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
        what, mend = "is not UTF-8; it was read as Latin-1", "Save it as UTF-8, and look at letters with accents"
        found.append(Finding("warning", path.name, "", what, mend))
    if re.search(r"[\x00-\x08\x0e-\x1f]", text):
        raise InputError("this is no text (it holds control characters)", file=path, mend="Give a TXT or CSV file")
    lines = [(k, line.strip("\r\f\v ")) for k, line in enumerate(re.split(r"\r\n|\n|\r", text), 1) if line.strip()]
    if not lines:
        raise InputError("the file is empty", file=path, mend="Give one interval a line, in ms")
    return lines


def cut(line: str, mark: str) -> list[str]:
    """Return the cells of a line."""
    if mark == " ":
        cells = line.split()
        if len(cells) > 1 and DATELIKE.match(cells[0]) and CLOCKLIKE.match(cells[1]):
            cells[:2] = [" ".join(cells[:2])]
        return cells
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=mark))]
    except (csv.Error, StopIteration):
        return [cell.strip() for cell in line.split(mark)]


def find_layout(path: Path, lines: list[tuple[int, str]], column: str | None, mark: str | None) -> Layout:
    """Find the table of intervals in the lines of a file.

    Parameters
    ----------
    path : names the file in errors
    lines : as `read_lines` gives them
    column : name of the column of intervals, where it is declared
    mark : separator, where it is declared

    Raises
    ------
    InputError
        If nothing looks like a table of numbers.
    """
    heads = {line.strip().upper(): k for k, (_, line) in reversed(list(enumerate(lines)))}
    about = _about(line for _, line in lines[:400])
    if "[HRDATA]" in heads and "[PARAMS]" in heads:
        return _hrm(path, lines, heads["[HRDATA]"], about)
    if "[CUSTOM1]" in heads:
        body = [(number, [line]) for number, line in lines[heads["[CUSTOM1]"] + 1 :]]
        return Layout("Suunto SDF", ("rr [ms]",), body, about)
    for k, (_, line) in enumerate(lines):
        if KUBIOS.search(line):
            return _kubios(path, lines[k + 1 :], about)
    return _headed(lines, column, mark) or _bare(path, lines, mark)


def _about(lines: Iterable[str]) -> dict[str, str]:
    told = (found for line in lines if (found := ABOUT.match(line)))
    return {found["key"].lower().replace(" ", ""): found["value"].strip(" \t;,\"'") for found in told}


def _hrm(path: Path, lines: list[tuple[int, str]], begin: int, about: dict[str, str]) -> Layout:
    """Polar HRM holds intervals, one a line, only if its parameter `Interval` is 238."""
    if about.get("interval") != "238":
        what = f"this HRM file holds heart rate every {about.get('interval', '?')} s, not intervals"
        mend = "Record with the R-R option of the watch"
        raise InputError(what, file=path, row=lines[begin][0], mend=mend)
    return Layout("Polar HRM", ("rr [ms]",), [(number, [line]) for number, line in lines[begin + 1 :]], about)


def _kubios(path: Path, lines: list[tuple[int, str]], about: dict[str, str]) -> Layout:
    """A Kubios report lists time and interval of each sample side by side, spectra further right."""
    mark = max(DELIMITERS, key=lambda each: sum(line.count(each) for _, line in lines[:8]))
    rows = [(number, cut(line, mark)) for number, line in lines]
    named = [[slug(cell)[0] for cell in cells] for _, cells in rows[:8]]
    paired = [[i for i in range(len(row) - 1) if row[i] == "time" and row[i + 1] in RR_NAMES] for row in named]
    k = next((k for k, pairs in enumerate(paired) if pairs), None)
    if k is None:
        what = "the report has no columns 'Time' and 'RR interval' below 'RR INTERVAL DATA'"
        raise InputError(what, file=path, row=lines[0][0] if lines else None, mend="Save the report with RR data")
    pairs, cells = paired[k], rows[k][1]
    units = rows[k + 1][1] if k + 1 < len(rows) else []
    declared = {i: UNITS.get(units[i].strip("()[] ").lower()) if i < len(units) else None for i in range(len(cells))}
    first = k + 2 if any(declared.values()) else k + 1
    body = []
    for n, i in enumerate(pairs, 1):
        near = [c.lower() for _, above in rows[:k] for c in above[i : i + 2] if re.match(r"(?i)sample\b", c)]
        title = near[0] if near else f"sample {n}"
        for number, values in rows[first:]:
            if len(values) > i + 1 and NUMBER.match(values[i]) and NUMBER.match(values[i + 1]):
                body.append((number, [title, values[i], values[i + 1]]))
    if not body:
        raise InputError("the report has no intervals below 'RR INTERVAL DATA'", file=path, row=rows[k][0])
    time, interval = (declared[i] or slug(cells[i])[1] for i in (pairs[0], pairs[0] + 1))
    header = ("sample", f"time [{time}]" if time else "time", f"rr [{interval}]" if interval else "rr")
    return Layout("Kubios report", header, body, about)


def _headed(lines: list[tuple[int, str]], column: str | None, mark: str | None) -> Layout | None:
    """Look for a line that names a column of intervals."""
    for k, (_, line) in enumerate(lines[:100]):
        for each in mark or DELIMITERS:
            cells = [cell.lstrip("#").strip() for cell in cut(line, each)]
            if not any(re.match("[^\\W\\d]", cell) for cell in cells):
                continue
            known = column in cells if column else any(slug(cell)[0] in RR_NAMES for cell in cells)
            if known and (len(cells) > 1 or each == (mark or DELIMITERS)[-1]):
                while cells and not cells[-1]:
                    cells.pop()
                inner = mark or (each if len(cells) > 1 else _mark([below for _, below in lines[k + 1 : k + 30]]))
                rows = [(number, cut(below, inner)) for number, below in lines[k + 1 :]]
                return Layout("table", tuple(cells), rows, _about(above for _, above in lines[:k]))
    return None


def _bare(path: Path, lines: list[tuple[int, str]], mark: str | None) -> Layout:
    """Take the lines from the first that holds only numbers and times."""
    each = mark or _mark([line for _, line in lines])
    rows = [(number, cut(line, each)) for number, line in lines]
    first = next((k for k, (_, cells) in enumerate(rows) if all(map(_valued, cells)) and any(cells)), None)
    if first is None:
        mend = "Give one interval a line, in ms, or a table with a column 'rr'"
        raise InputError("no line holds numbers", file=path, row=lines[0][0], mend=mend)
    body, about = rows[first:], _about(line for _, line in lines[:first])
    width = {len(cells) for _, cells in body}
    above = rows[first - 1][1] if first else []
    if width == {len(above)} and not ABOUT.match(lines[first - 1][1]):
        return Layout("table", tuple(above), body, about)
    timed = bool(DATELIKE.match(body[0][1][0]) or CLOCKLIKE.match(body[0][1][0]))
    if timed and max(width) > 1:
        header: tuple[str, ...] = ("timestamp", "rr")
    elif width == {1}:
        header = ("rr",)
    elif width == {2}:
        header = ("column 1", "column 2")
    else:
        body = [(number, [cell]) for number, cells in body for cell in cells if cell]
        header = ("rr",)
    return Layout("list without a header", header, body, about, named=False)


def _valued(cell: str) -> bool:
    """Say whether a cell holds numbers or a time."""
    parts = re.split(r",\s+|[\s|/;]+", cell.strip("[](){} "))
    return bool(DATELIKE.match(cell) or CLOCKLIKE.match(cell)) or all(not part or NUMBER.match(part) for part in parts)


def _mark(lines: list[str]) -> str:
    """Tell a separator from a decimal comma: one comma in every line is decimal unless the first part is a clock."""
    some = [line for line in lines[:400] if any(sign.isdigit() for sign in line)]
    for each in "\t;|":
        if sum(each in line for line in some) > len(some) / 2:
            return each
    top = lines[0].count(",") if lines else 0
    if top and re.match("[^\\W\\d]", lines[0]) and sum(line.count(",") == top for line in some) > len(some) / 2:
        return ","
    commas = [line for line in some if re.match(r"^\s*\d+,\d+\s*$", line)]
    if len(commas) > len(some) / 2:
        parts = [tuple(map(float, line.split(","))) for line in commas]
        # Two columns are a time and an interval only if the times run as far as the intervals last, in ms or s.
        lasts = sum(interval for _, interval in parts[1:])
        share = (parts[-1][0] - parts[0][0]) / lasts if lasts else 0.0
        return "," if len(parts) > 2 and (0.8 < share < 1.25 or 0.8 < 1000 * share < 1.25) else " "
    return "," if sum("," in line for line in some) > len(some) / 2 else " "
