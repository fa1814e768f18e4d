"""Any rectangular file as text: CSV and TSV, XLSX, SPSS. What a cell means is decided later."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import TextTable, repeated
from gutbrain.study.part import Finding

SPREADSHEETS = (".xlsx", ".xlsm")
LARGEST = 4 * 1024**3  # bytes of text that are read into memory
TITLE = 20  # lines in which the names of the columns are looked for
DELIMITERS = "\t,;|"


def read_sheet(
    path: str | Path, *, separator: str | None = None, sheet: str | None = None, header: int | None = None
) -> tuple[TextTable, list[Finding]]:
    """Read a table as text.

    Parameters
    ----------
    path : CSV, TSV, TXT, XLSX or SAV
    separator : of a text file, where it cannot be told
    sheet : of a workbook; the first without it
    header : line in which the names of the columns stand; the first below a title without it

    Returns
    -------
    TextTable : header and body as text, with line numbers
    list : what was noticed

    Raises
    ------
    InputError
        For a file that is missing, empty, broken, or not rectangular.
    """
    path = Path(path)
    if not path.is_file():
        what = "this is a folder, not a file" if path.is_dir() else "there is no such file"
        raise InputError(what, file=path)
    found: list[Finding] = []
    ending = path.suffix.lower()
    if ending in SPREADSHEETS:
        rows = _workbook(path, sheet)
    elif ending == ".sav":
        rows = _spss(path, found)
    elif ending == ".xls":
        raise InputError("this is an old Excel workbook", file=path, mend="Save it as .xlsx or .csv")
    else:
        rows = _text(path, separator, found)
    return _table(path, rows, found, header), found


def _table(path: Path, rows: Iterable[tuple[int, list[str]]], found: list[Finding], at: int | None) -> TextTable:
    full = [(number, cells) for number, cells in rows if any(cells)]
    typed = [number for number, cells in full if cells[0].lower().startswith("#q2:")]
    if typed:
        full = [(number, cells) for number, cells in full if number not in typed]
        what = "the types of columns that QIIME 2 keeps were left out"
        found.append(Finding("note", path.name, f"line {typed[0]}", what))
    while len(full) > 1 and full[0][1][0].startswith("#") and sum(map(bool, full[0][1])) == 1 < len(full[1][1]):
        full = full[1:]
    full = _below_title(path, full, found, at)
    if not full:
        raise InputError("the file is empty", file=path, mend="Give a table with a header line and one line a row")
    (first, header), body = full[0], full[1:]
    if not body:
        raise InputError("the table has a header and no rows", file=path, row=first, mend="Add the rows")
    if all(len(cells) == len(header) + 1 for _, cells in body):
        header = ["row_name", *header]  # as R writes it
    width = len(header)
    for number, cells in body:
        if len(cells) < width and path.suffix.lower() in SPREADSHEETS:
            cells += [""] * (width - len(cells))
        if len(cells) > width and not any(cells[width:]):
            del cells[width:]
        if len(cells) != width:
            raise InputError(
                f"this row has {len(cells)} fields, the header {width}", file=path, row=number,
                mend="Give every row one field a column, and quote fields that hold the separator",
            )  # fmt: skip
    names, kept = [], []
    for index, name in enumerate(header):
        if name or any(cells[index] for _, cells in body):
            kept.append(index)
            names.append(name or f"column {index + 1}")
    if len(kept) < width:
        found.append(Finding("note", path.name, "", f"{width - len(kept)} empty columns were left out"))
    if twice := repeated(names):
        raise InputError("this column stands twice", file=path, row=first, field=twice[0], mend="Rename one of them")
    columns = {str(k): [cells[index] or None for _, cells in body] for k, index in enumerate(kept)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return TextTable(path, tuple(names), frame, tuple(number for number, _ in body))


def _below_title(
    path: Path, full: list[tuple[int, list[str]]], found: list[Finding], at: int | None
) -> list[tuple[int, list[str]]]:
    """Leave out what stands above the names of the columns: lines of one cell, where a table of more follows."""
    if at is not None:
        if at not in (number for number, _ in full):
            raise InputError("this line is empty or there is none", file=path, row=at, mend="Correct `header`")
        return [(number, cells) for number, cells in full if number >= at]
    filled = [sum(map(bool, cells)) for _, cells in full[:TITLE]]
    begin = next((k for k, count in enumerate(filled) if count > 1), 0)
    if begin and filled[begin] > 2:
        what = f"{begin} lines above line {full[begin][0]} hold one cell; they were taken for a title and left out"
        mend = f"Give header = {full[0][0]} if the names of the columns stand there"
        found.append(Finding("warning", path.name, f"line {full[0][0]}", what, mend))
        return full[begin:]
    return full


def _text(path: Path, separator: str | None, found: list[Finding]) -> list[tuple[int, list[str]]]:
    if path.stat().st_size > LARGEST:
        raise InputError("this table has more than 4 GB", file=path, mend="Split it")
    raw = path.read_bytes()
    text = _decode(path, raw, found)
    if "\x00" in text:
        raise InputError("this is no text (it holds bytes of value 0)", file=path, mend="Give a CSV, TSV or XLSX file")
    mark = separator or _delimiter(text)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        rows, begin = [], 1
        for cells in reader:
            rows.append((begin, [cell.strip() for cell in cells]))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"the quotes do not match ({error})", file=path, row=begin, mend="Close the quote") from error
    return rows


def _decode(path: Path, raw: bytes, found: list[Finding]) -> str:
    coding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(coding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            raise InputError("this is not UTF-8 text", file=path, row=line, mend="Save it as UTF-8") from error
        what, mend = "is not UTF-8; it was read as Windows-1252", "Save it as UTF-8, and look at letters with accents"
        found.append(Finding("warning", path.name, f"line {line}", what, mend))
        return text


def _delimiter(text: str) -> str:
    """Take the mark that cuts the first lines alike; tab before comma, because lineages hold semicolons."""
    lines = [line for line in text.split("\n", 30)[:30] if line.strip() and not line.startswith("#")]
    plain = [line for line in lines[:10] if '"' not in line] or lines[:1]
    for mark in DELIMITERS:
        counts = {line.count(mark) for line in plain} or {0}
        if counts != {0} and (len(counts) == 1 or mark == "\t"):
            return mark
    header = lines[0] if lines else ""
    return max(DELIMITERS, key=header.count) if any(mark in header for mark in DELIMITERS) else ","


def _workbook(path: Path, sheet: str | None) -> list[tuple[int, list[str]]]:
    import zipfile
    import zlib

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > LARGEST or size > 200 * max(path.stat().st_size, 1_000_000):
                raise InputError(f"this workbook unpacks to {size / 1e9:.1f} GB: a zip bomb?", file=path)
        with path.open("rb") as file:
            book = load_workbook(file, read_only=True, data_only=True)
            if sheet is not None and sheet not in book.sheetnames:
                raise InputError(f"there is no sheet {sheet!r}", file=path, mend=f"It has {', '.join(book.sheetnames)}")
            chosen = book[sheet] if sheet else book[book.sheetnames[0]]
            return [(k, [_shown(cell) for cell in row]) for k, row in enumerate(chosen.iter_rows(), 1)]
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, InvalidFileException, LookupError, ValueError, TypeError, AttributeError,
            OSError, EOFError, SyntaxError, NotImplementedError, RuntimeError, UserWarning) as error:
        raise InputError("this is no readable workbook", file=path, mend="Save it again as .xlsx or .csv") from error


def _spss(path: Path, found: list[Finding]) -> list[tuple[int, list[str]]]:
    import pyreadstat

    try:
        frame, meta = pyreadstat.read_sav(str(path), user_missing=False)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OSError, ValueError) as error:
        raise InputError(f"this is no readable SPSS file ({error})", file=path) from error
    for name, labels in meta.variable_value_labels.items():
        told = ", ".join(f"{_cell(value)} = {label}" for value, label in list(labels.items())[:8])
        found.append(Finding("note", path.name, f"column {name!r}", f"SPSS labels: {told}"))
    body = [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return [(1, list(frame.columns)), *((k, row) for k, row in enumerate(body, 2))]


def _shown(cell: Any) -> str:
    """Return a cell as the workbook shows it: what is formatted as percent is stored as a share."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool) and "%" in cell.number_format:
        return f"{_cell(float(f'{100 * value:.12g}'))}%"
    return _cell(value)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value).strip()
