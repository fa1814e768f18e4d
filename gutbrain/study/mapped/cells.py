"""Texts of cells as numbers, dates and clock times; what can be read two ways is refused, not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.part import Finding

Order = Literal["year-first", "day-first", "month-first"]
POINT = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
COMMA = r"^[+-]?\d*,\d+([eE][+-]?\d+)?$"
# Thousands parted by the other mark, by decimal mark.
GROUPED = {".": r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$", ",": r"^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$"}
CENSORED = r"^\s*([<>])\s*=?\s*"
ZONE = r"(:\d\d(?:[.,]\d+)?(?:\s*[AaPp][Mm])?)\s*(Z|UTC|GMT|(?:GMT|UTC)?[+-]\d\d?(?::?\d\d)?)$"
DATES: dict[Order, tuple[str, ...]] = {
    "year-first": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    "day-first": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y"),
    "month-first": ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%b %d, %Y", "%B %d, %Y"),
}
CLOCKS = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")


@dataclass(frozen=True)
class Column:
    """A column of text with its place, so that a complaint can name the row."""

    name: str
    text: pl.Series
    file: Path
    lines: Sequence[int]

    def refuse(self, at: int, what: str, mend: str = "") -> InputError:
        """Return the error for one cell."""
        return InputError(what, file=self.file, row=self.lines[at], field=self.name, mend=mend)

    def first(self, where: pl.Series) -> int:
        """Return the index of the first row that is marked."""
        return int(where.fill_null(False).arg_max() or 0)

    def note(self, severity: Literal["warning", "note"], what: str, mend: str = "") -> Finding:
        """Return a finding about this column."""
        return Finding(severity, self.file.name, f"column {self.name!r}", what, mend)


def clean(column: Column, missing: Sequence[str]) -> Column:
    """Return the column with its texts for a missing value as null."""
    text = column.text.str.strip_chars()
    return Column(column.name, text.set(text.is_in(list(missing)), None), column.file, column.lines)


def numbers(column: Column, decimal: str | None = None) -> tuple[pl.Series, pl.Series, list[Finding]]:
    """Read numbers; a value beyond the limit of its assay (`<0.2`) keeps its sign apart.

    Returns
    -------
    Series : Float64; Series : `<`, `>` or null; list : what was noticed

    Raises
    ------
    InputError
        For text, for decimal points and commas in one column, for commas or points that could part thousands.
    """
    found: list[Finding] = []
    limit = column.text.str.extract(CENSORED, 1)
    text = column.text.str.replace(CENSORED, "").str.strip_chars().str.replace("−", "-", literal=True)
    percent = text.str.ends_with("%").fill_null(False)
    if percent.any():
        bare = ~percent & text.is_not_null()
        if bare.any():
            at = column.first(bare)
            raise column.refuse(at, f"{column.text[at]!r} has no percent sign, others have", "Write all of them alike")
        found.append(column.note("note", "percent signs were taken off: the unit is percent"))
        text = text.str.strip_suffix("%").str.strip_chars()
    if decimal is None:
        decimal, told = _decimal(column, text)
        found += told
    other = "," if decimal == "." else "."
    plain = text.str.contains(POINT if decimal == "." else COMMA) | text.str.contains(r"^[+-]?\d+([eE][+-]?\d+)?$")
    bad = ~(plain | text.str.contains(GROUPED[decimal])) & text.is_not_null()
    if bad.any():
        at = column.first(bad)
        seen = column.text[at]
        mend = f"Correct it, or add {seen!r} to `missing` or `values` of this file"
        raise column.refuse(at, f"{seen!r} is no number", mend)
    values = text.str.replace_all(other, "", literal=True).str.replace(decimal, ".", literal=True).cast(pl.Float64)
    if (huge := values.is_infinite().fill_null(False)).any():
        at = column.first(huge)
        raise column.refuse(at, f"{column.text[at]!r} is too large for a number", "Correct it")
    return values, limit, found


def _decimal(column: Column, text: pl.Series) -> tuple[str, list[Finding]]:
    """Tell the decimal mark of a column where nobody says it."""
    comma = text.str.contains(COMMA) | text.str.contains(GROUPED[","]) & text.str.contains(",", literal=True)
    if not comma.any():
        return ".", []
    at = column.first(comma)
    point = (text.str.contains(POINT) | text.str.contains(GROUPED["."])) & text.str.contains(".", literal=True)
    if point.any():
        dot = column.first(point)
        what = f"{column.text[at]!r} has a comma, but row {column.lines[dot]} ({column.text[dot]!r}) a decimal point"
        raise column.refuse(at, what, 'Write all of them alike, or give decimal = "." if commas part thousands')
    if text.filter(comma).str.contains(GROUPED["."]).all():
        seen = str(text[at])
        what = f"{column.text[at]!r} can be {seen.replace(',', '.')} or {seen.replace(',', '')}"
        raise column.refuse(at, what, 'Give decimal = "," or decimal = "." for this file')
    return ",", [column.note("warning", "was read with a decimal comma", 'Give decimal = "," to say so')]


def moments(column: Column, order: Order | None = None) -> tuple[pl.Series, list[Finding]]:
    """Read dates, with or without a clock time, as local time.

    Raises
    ------
    InputError
        For text that is no date, dates in two orders, or dates whose order cannot be told.
    """
    found: list[Finding] = []
    text = column.text
    zones = text.str.extract(ZONE, 2).drop_nulls().unique(maintain_order=True)
    if len(zones):
        if set(zones) & {"Z", "UTC", "GMT"}:
            mend = "Give local times where the hour of the day matters"
            found.append(column.note("warning", "its times are UTC and were kept as they stand", mend))
        else:
            found.append(column.note("note", "time zones were taken off: times are local to their own record"))
        text = text.str.replace(ZONE, "${1}")
    text = text.str.replace(r"(\d)T(\d)", "${1} ${2}")
    if order is not None:
        return _whole(column, text, _read(text, order), order), found
    read = {each: _read(text, each) for each in DATES}
    asked = text.is_not_null()
    full = [each for each, values in read.items() if bool((values.is_not_null() | ~asked).all())]
    if len(full) > 1 and not read[full[0]].equals(read[full[1]]):
        at = column.first((read[full[0]] != read[full[1]]) & asked)
        what = f"{column.text[at]!r} can be {read[full[0]][at]:%d %B %Y} or {read[full[1]][at]:%d %B %Y}"
        raise column.refuse(at, what, 'Give dates = "day-first" or dates = "month-first" for this file')
    if full:
        return read[full[0]], found
    day, month = read["day-first"].is_not_null(), read["month-first"].is_not_null()
    if (day & ~month).any() and (month & ~day).any() and bool((day | month | ~asked).all()):
        one, other = column.first(day & ~month), column.first(month & ~day)
        what = f"{column.text[one]!r} has the day first, row {column.lines[other]} ({column.text[other]!r}) the month"
        raise column.refuse(one, what, "Write all dates alike, best as 2024-12-31")
    best: Order = max(read, key=lambda each: int(read[each].is_not_null().sum()))
    return _whole(column, text, read[best], best), found


def _read(text: pl.Series, order: Order) -> pl.Series:
    values = pl.Series(text.name, [None] * len(text), pl.Datetime("us"))
    for day, clock in product(DATES[order], ("", *CLOCKS)):
        if values.is_null().sum() == text.is_null().sum():
            break
        form = f"{day} {clock}".strip()
        if clock:
            more = text.str.to_datetime(form, time_unit="us", strict=False)
        else:
            more = text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
        # A year of two digits is no year; `%Y` would take it for the first century.
        more = more.set(more.dt.year() < 1900, None)
        values = pl.select(pl.coalesce(values, more)).to_series()
    return values


def _whole(column: Column, text: pl.Series, values: pl.Series, order: Order) -> pl.Series:
    lost = values.is_null() & text.is_not_null()
    if lost.any():
        at = column.first(lost)
        mend = "Write it as 2024-12-31 or 2024-12-31 08:30, or give `dates` for this file"
        raise column.refuse(at, f"{column.text[at]!r} is no date ({order})", mend)
    return values


def clocks(column: Column) -> pl.Series:
    """Read clock times as a share of the day, Float64.

    Raises
    ------
    InputError
        For text that is no clock time.
    """
    values = pl.Series(column.name, [None] * len(column.text), pl.Time())
    for form in CLOCKS:
        values = pl.select(pl.coalesce(values, column.text.str.to_time(form, strict=False))).to_series()
    lost = values.is_null() & column.text.is_not_null()
    if lost.any():
        at = column.first(lost)
        raise column.refuse(at, f"{column.text[at]!r} is no clock time", "Write it as 08:30 or 08:30:00")
    return values.cast(pl.Int64) / (86_400 * 10**9)
