"""Cells of a matrix of amounts as numbers: decimal commas, percent signs, and the first cell that is no number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import TextTable
from gutbrain.study.part import Finding

MISSING = ("", "NA", "NaN", "nan", "N/A", "n/a", "null", "NULL", ".", "-")
_THOUSANDS = {",": r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$", ".": r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$"}


def to_numbers(
    text: TextTable, columns: Sequence[int], names: Sequence[str], decimal: str | None, empty: str
) -> tuple[np.ndarray, bool, list[Finding]]:
    """Return the cells of some columns as numbers.

    Parameters
    ----------
    text : the table
    columns : which columns
    names : of the rows, for messages
    decimal : `.` or `,`; seen from the cells without it
    empty : `refuse` missing cells, or take them as `zero`

    Returns
    -------
    tuple : array [rows, columns], whether the cells bore percent signs, what was decided

    Raises
    ------
    InputError
        For cells that are no numbers of at least 0, with line and column, or a decimal mark that cannot be told.
    """
    file, found = text.source.name, []
    cells = pl.concat([text.column(k).alias("cell") for k in columns])
    missing = (cells.is_null() | cells.is_in(MISSING)).fill_null(True)
    if missing.any():
        if empty != "zero":
            what = f"an empty cell{_more(int(missing.sum()))}"
            mend = 'Write 0 where nothing was seen, or declare `empty = "zero"`'
            raise _at(text, columns, names, int(missing.arg_max() or 0), what, mend)
        what = f"{int(missing.sum())} empty cells were taken as 0"
        found.append(Finding("note", file, "", what, "As `empty` declares"))
        cells = pl.select(pl.when(~missing).then(cells).otherwise(pl.lit("0")).alias("cell")).to_series()
    percent = cells.str.ends_with("%")
    signed = bool(percent.any())
    if signed:
        bare = cells.is_in(["0", "0.0", "0,0"])
        mixed = ~(percent | bare)
        if mixed.any():
            what = "some cells have a percent sign and this one has none"
            raise _at(text, columns, names, int(mixed.arg_max() or 0), what, "Write all values in one unit")
        cells = cells.str.strip_suffix("%").str.strip_chars()
    cells = _with_points(text, columns, names, cells, decimal, found)
    values = cells.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        first = int(bad.argmax())
        what = f"{cells[first]!r} is {'negative' if values[first] < 0 else 'no amount'}{_more(int(bad.sum()))}"
        mend = "Write a number of at least 0; columns that hold none belong in the metadata, or in `leave_out`"
        raise _at(text, columns, names, first, what, mend)
    return values.reshape(len(columns), -1).T, signed, found


def _with_points(
    text: TextTable, columns: Sequence[int], names: Sequence[str], cells: pl.Series, decimal: str | None,
    found: list[Finding],
) -> pl.Series:  # fmt: skip
    """Cells with a decimal point and without marks of thousands."""
    if decimal not in (None, ".", ","):
        raise InputError(f"there is no decimal mark {decimal!r}", file=text.source, field="decimal", mend="Use . or ,")
    comma = cells.str.contains(",", literal=True)
    if not comma.any() and decimal != ",":
        return cells
    file = text.source.name
    if decimal is None:
        with_comma = cells.filter(comma)
        thousands = with_comma.str.contains(_THOUSANDS[","])
        if thousands.all():
            what = f"{with_comma[0]!r} may be a decimal or thousands"
            mend = 'Declare `decimal`: "," if the comma marks decimals, "." if it marks thousands'
            raise _at(text, columns, names, int(comma.arg_max() or 0), what, mend)
        both = cells.str.contains(".", literal=True) & ~cells.str.contains(_THOUSANDS["."])
        if both.any() and not with_comma.str.contains(".", literal=True).all():
            what = f"{cells.filter(both)[0]!r} has a decimal point, {with_comma[0]!r} a comma"
            mend = "Write all numbers alike, or declare `decimal`"
            raise _at(text, columns, names, int(both.arg_max() or 0), what, mend)
        decimal = ","
        what = f"the comma was taken as decimal mark (such as {with_comma.filter(~thousands)[0]!r})"
        found.append(Finding("note", file, "", what, '`decimal = "."` overrides this'))
    other = "," if decimal == "." else "."
    many = cells.str.contains(_THOUSANDS[other])
    if many.any():
        what = f"{int(many.sum())} values have marks of thousands, such as {cells.filter(many)[0]!r}"
        found.append(Finding("note", file, "", what))
        cells = pl.select(
            pl.when(many).then(cells.str.replace_all(other, "", literal=True)).otherwise(cells).alias("cell")
        ).to_series()
    if decimal == ",":
        # What still has a point is no number in a table of decimal commas.
        pointed = cells.str.contains(".", literal=True)
        if pointed.any():
            what = f"{cells.filter(pointed)[0]!r} has a decimal point in a table of decimal commas"
            raise _at(text, columns, names, int(pointed.arg_max() or 0), what, "Write all numbers alike")
        cells = cells.str.replace(",", ".", literal=True)
    return cells


def _more(count: int) -> str:
    return f" ({count} such cells)" if count > 1 else ""


def _at(text: TextTable, columns: Sequence[int], names: Sequence[str], place: int, what: str, mend: str) -> InputError:
    """Complain about the cell at a place of the joined columns."""
    column, row = divmod(place, len(text.lines))
    return InputError(
        what, file=text.source, row=f"{text.lines[row]} ({names[row][:60]})", field=text.header[columns[column]][:60],
        mend=mend,
    )  # fmt: skip
