"""Delimited text read so that every complaint can name its line and column."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError


@dataclass(frozen=True)
class TextTable:
    """A delimited file as text.

    Attributes
    ----------
    source : the file
    header : column names, stripped
    body : DataFrame of String, columns `0`, `1`, ...; an empty cell is null
    lines : line of the file (from 1) that each row stands on
    """

    source: Path
    header: tuple[str, ...]
    body: pl.DataFrame
    lines: tuple[int, ...]

    def column(self, index: int) -> pl.Series:
        """Return one column as text."""
        return self.body.to_series(index)

    def frame(self) -> pl.DataFrame:
        """Return the table under its own column names; NA and empty cells are null.

        Raises
        ------
        InputError : a column name that stands twice
        """
        twice = repeated(self.header)
        if twice:
            raise InputError(
                "this column stands twice", file=self.source, row=1, field=twice[0], mend="Keep one of them."
            )
        named = self.body.rename(dict(zip(self.body.columns, self.header, strict=True)))
        return named.with_columns(pl.when(pl.all() != "NA").then(pl.all()))


def read_text(path: str | Path) -> TextTable:
    """Read a tab-, comma- or semicolon-separated file.

    Parameters
    ----------
    path : file in UTF-8; lines before the header that start with `#` and hold one field are skipped,
        and a header one name short (as R writes it) gets an empty first name

    Returns
    -------
    TextTable : header and body as text

    Raises
    ------
    InputError : missing file, folder, not UTF-8, empty, no rows, a row with too many or too few fields
    """
    source = Path(path)
    if not source.is_file():
        what = "this is a folder, not a file" if source.is_dir() else "there is no such file"
        raise InputError(what, file=source, mend="Give the path of a TSV or CSV file.")
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        mend = "Save the table as UTF-8 text, tab- or comma-separated."
        raise InputError(f"this is not UTF-8 text (byte {error.start})", file=source, mend=mend) from error
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not numbered:
        raise InputError("the file is empty", file=source, mend="Give a table with a header line and one line a row.")
    delimiter = _delimiter(numbered)
    # Every row is one line, so that its number can be named; quoted cells hold no line breaks.
    rows = [
        (number, [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]) for number, line in numbered
    ]
    while len(rows) > 1 and len(rows[0][1]) == 1 and rows[0][1][0].startswith("#") and len(rows[1][1]) > 1:
        rows = rows[1:]
    header, body = rows[0][1], rows[1:]
    if not body:
        raise InputError("the table has a header and no rows", file=source, row=rows[0][0], mend="Add the rows.")
    if all(len(cells) == len(header) + 1 for _, cells in body):
        header = ["", *header]
    for number, cells in body:
        if len(cells) != len(header):
            what = f"this row has {len(cells)} fields, the header {len(header)}"
            raise InputError(what, file=source, row=f"{number} ({cells[0]})", mend="Give every row one field a column.")
    columns = zip(*(cells for _, cells in body), strict=True)
    filled = {str(k): [cell or None for cell in column] for k, column in enumerate(columns)}
    frame = pl.DataFrame(filled, schema=dict.fromkeys(filled, pl.String))
    return TextTable(source, tuple(header), frame, tuple(number for number, _ in body))


def _delimiter(numbered: Sequence[tuple[int, str]]) -> str:
    """Tab before comma before semicolon: lineages hold semicolons in tab-separated tables."""
    header = next((line for _, line in numbered if not line.startswith("# ")), numbered[0][1])
    return next((mark for mark in "\t,;" if mark in header), "\t")


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that stand more than once, in their order."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    return [name for name, times in seen.items() if times > 1]


def require_columns(table: TextTable, wanted: Sequence[str]) -> None:
    """See that a table has the columns it needs.

    Raises
    ------
    InputError : a missing column, with the nearest name that the table has
    """
    missing = [name for name in wanted if name not in table.header]
    if not missing:
        return
    lowered = {name.lower(): name for name in table.header}
    near = get_close_matches(missing[0].lower(), list(lowered), n=1, cutoff=0.6)
    nearest = (
        f"The nearest is {lowered[near[0]]!r}: rename it." if near else f"The table has {', '.join(table.header)}."
    )
    raise InputError("this column is missing", file=table.source, field=missing[0], mend=nearest)


def shorten(names: Sequence[str], most: int = 8) -> str:
    """Join names with commas and say how many were left out."""
    listed = ", ".join(names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"
