"""What one column of an unknown table shows: how many values, of which kind, from where to where."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import TextTable
from gutbrain.study.mapped.cells import Column, clean, clocks, moments, numbers
from gutbrain.study.mapped.mapping import FileMap

MARKS = (-9, -99, -999, -9999, 99, 999, 9999, 777, 888)  # numbers that often stand for no answer
MISSING = FileMap.model_fields["missing"].default
MOSTLY = 0.8


@cache
def synonyms() -> dict[str, Any]:
    """Return what columns are usually called."""
    return tomllib.loads(files("gutbrain.study.mapped").joinpath("synonyms.toml").read_text(encoding="utf-8"))


def plain(name: str) -> str:
    """Return a name without case, spaces and signs."""
    return re.sub(r"[^a-z0-9α-ωäöüß]", "", name.lower())


@dataclass(frozen=True, eq=False)
class Look:
    """A column as it is seen before anybody said what it means.

    Parameters
    ----------
    name : in the file
    stem : the name without a visit at its end
    column : its cells, missing ones as null
    """

    name: str
    stem: str
    column: Column

    @property
    def count(self) -> int:
        """Number of filled cells."""
        return int(self.column.text.is_not_null().sum())

    @property
    def distinct(self) -> int:
        """Number of different values."""
        return self.column.text.drop_nulls().n_unique()

    @cached_property
    def odd(self) -> list[str]:
        """Up to five texts in a column that mostly holds numbers."""
        filled = self.column.text.drop_nulls()
        number = filled.str.contains(r"^[<>]?\s*[+-]?[\d.,]+([eE][+-]?\d+)?\s*%?$")
        texts = filled.filter(~number).unique(maintain_order=True).to_list()
        return texts if 0 < len(texts) <= 5 and int(number.sum()) > MOSTLY * len(filled) else []

    @cached_property
    def values(self) -> pl.Series | None:
        """Numbers, or None where the column holds something else."""
        filled = self.column.text.set(self.column.text.is_in(self.odd), None) if self.odd else self.column.text
        if filled.is_not_null().sum() == 0:
            return None
        for decimal in (None, ","):
            read = self._read(lambda column, mark=decimal: numbers(column, mark)[0], filled)  # type: ignore[misc]
            if read is not None:
                return read
        return None

    @cached_property
    def marks(self) -> list[str]:
        """Numbers far from all others that may stand for no answer."""
        if self.values is None:
            return []
        found = [mark for mark in MARKS if (self.values == mark).any()]
        rest = self.values.filter(~self.values.is_in([float(mark) for mark in found])).drop_nulls()
        if not len(rest):
            return []
        far = [mark for mark in found if (mark < 0 <= rest.min()) or mark > 4 * max(float(rest.max()), 1.0)]  # type: ignore[arg-type, operator]
        return [str(mark) for mark in far]

    @cached_property
    def numbers(self) -> pl.Series:
        """Numbers without what may stand for no answer; empty where the column holds something else."""
        if self.values is None:
            return pl.Series([], dtype=pl.Float64)
        return self.values.filter(~self.values.is_in([float(mark) for mark in self.marks])).drop_nulls()

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return len(self.numbers) > 0 and bool((self.numbers == self.numbers.round()).all())

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest number."""
        return float(self.numbers.min()), float(self.numbers.max())  # type: ignore[arg-type]

    @cached_property
    def dated(self) -> str:
        """`date`, `time` (with a clock), `clock`, or nothing."""
        text = self.column.text.drop_nulls()
        if not len(text) or not text.str.contains(r"\d").all():
            return ""
        if text.str.contains(r"^\d{1,2}:\d\d(:\d\d(\.\d+)?)?(\s*[AaPp][Mm])?$").all():
            return "clock" if self._read(clocks, self.column.text) is not None else ""
        if not text.str.contains(r"^\d{4}[-/.]?\d|^\d{1,2}[-/. ]\w{1,9}[-/. ,]|^[A-Z][a-z]{2}").all():
            return ""
        for order in ("year-first", "day-first", "month-first"):
            if self._read(lambda column, order=order: moments(column, order)[0], self.column.text) is not None:  # type: ignore[misc]
                return "time" if text.str.contains(r"\d:\d\d").any() else "date"
        return ""

    def orders(self) -> tuple[str, str]:
        """Return the order of day and month that is sure ("" if none is), and the evidence."""
        fits = []
        for order in ("year-first", "day-first", "month-first"):
            if self._read(lambda column, order=order: moments(column, order)[0], self.column.text) is not None:  # type: ignore[misc]
                fits.append(order)
        if len(fits) == 1:
            seen = self.column.text.drop_nulls()
            if fits[0] == "year-first":
                return fits[0], f"such as {seen[0]}"
            day = r"^\d+\D+(\d+)" if fits[0] == "month-first" else r"^(\d+)"
            shown = seen.filter((seen.str.extract(day).cast(pl.Int64, strict=False) > 12).fill_null(False))
            return fits[0], f"{(shown if len(shown) else seen)[0]} cannot be read otherwise"
        return "", "day and month can be read both ways in every row" if fits else "no order fits all rows"

    def says(self) -> str:
        """Describe the values in a few words."""
        gaps = len(self.column.text) - self.count
        more = f", {gaps} empty" if gaps else ""
        if self.dated:
            return f"{self.count} {'clock times' if self.dated == 'clock' else 'dates'}{more}"
        if len(self.numbers):
            low, high = self.range
            return f"{'whole numbers' if self.whole else 'numbers'} {low:g} to {high:g}{more}"
        return f"{self.distinct} different texts{more}"

    def _read(self, read: Callable[[Column], pl.Series], text: pl.Series) -> pl.Series | None:
        try:
            return read(Column(self.name, text, self.column.file, self.column.lines))
        except InputError:
            return None


def look(table: TextTable, index: int, stem: str) -> Look:
    """Return the look of one column of a table."""
    name = table.header[index]
    column = Column(name, table.column(index).alias(name), table.source, table.lines)
    return Look(name, stem, clean(column, MISSING))
