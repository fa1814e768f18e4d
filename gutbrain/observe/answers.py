"""Answers to a questionnaire, checked: one sheet a person and visit, in the codes that the form prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe.forms import Questionnaire, plain

# So many answers without a single lowest code are taken for codes that begin one higher.
ENOUGH_TO_DOUBT = 100
NOT_KEYS = ("item", "value", "form")


@dataclass(frozen=True)
class Sheets:
    """Answers as a matrix.

    Attributes
    ----------
    keys : one row a sheet, sorted; person, visit and what else tells sheets apart
    items : names of the columns of `values`
    values : array [sheets, items], codes of the printed form; NaN = not answered
    coding : the codes as they were read, in words
    """

    keys: pl.DataFrame
    items: tuple[str, ...]
    values: np.ndarray
    coding: str

    def of(self, items: tuple[str, ...]) -> np.ndarray:
        """Return some columns (array [sheets, items])."""
        return self.values[:, [self.items.index(item) for item in items]]


def keys_of(answers: pl.DataFrame, form: Questionnaire) -> list[str]:
    """Return the columns that tell sheets apart: all but item, value, form and the mapping column."""
    return [name for name in answers.columns if name not in (*NOT_KEYS, form.mapping_column)]


def rows_of(answers: pl.DataFrame, form: Questionnaire) -> pl.DataFrame:
    """Return the rows of one form: its keys, `item` as text and `value` as a number (null = not answered).

    Parameters
    ----------
    answers : table with person, visit, item and value; a column `form` picks the rows, any other column is a key

    Raises
    ------
    InputError : a column is missing, an item is none of the form, a value is no number
    """
    wanted = ["person", "visit", "item", "value", *([form.mapping_column] if form.mapping_column else [])]
    for name in wanted:
        if name not in answers.columns:
            mend = "Give one row an answer: person, visit, item, value."
            if name == form.mapping_column:
                mend = f"Add {name!r}: the number of each item in the long form, never inferred from the printed one."
            raise InputError(f"{form.name}: the answers have no such column", field=name, mend=mend)
    if "form" in answers.columns:
        mine = [name for name in answers["form"].unique() if name is not None and plain(name) == plain(form.name)]
        answers = answers.filter(pl.col("form").is_in(mine))
    if answers.is_empty():
        raise InputError(f"{form.name}: there are no answers", mend="Give one row an answer.")
    item = form.mapping_column or "item"
    names = answers[item].cast(pl.String).str.strip_chars().str.to_lowercase().alias("item")
    known = (*form.items, *form.optional_items)
    unknown = sorted(set(names.fill_null("(empty)")) - set(known))
    if unknown:
        near = get_close_matches(unknown[0], known, n=1, cutoff=0.4)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        what = f"{form.name} has no item {', '.join(map(repr, unknown[:5]))}{guess}"
        raise InputError(what, field=item, mend=f"Items are {', '.join(known)}.")
    return answers.select(keys_of(answers, form)).with_columns(names, _numbers(answers["value"], names, form))


def _numbers(column: pl.Series, items: pl.Series, form: Questionnaire) -> pl.Series:
    """Return values as numbers; NaN and empty text are not answered."""
    if column.dtype == pl.String:
        read = [_entry(text, item, form) for text, item in zip(column, items, strict=True)]
        column = pl.Series("value", read, dtype=pl.Float64)
    elif not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise InputError(f"{form.name}: values are {column.dtype}", field="value", mend="Give the answer codes.")
    return column.cast(pl.Float64).fill_nan(None).alias("value")


def _entry(text: str | None, item: str, form: Questionnaire) -> float | None:
    """Read one written answer: a number, a range (its middle), a clock time (hours), or free text (1)."""
    text = (text or "").strip()
    if not text:
        return None
    if item in form.optional_items and re.fullmatch(r"[01](\.0)?", text) is None:
        return 1.0
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    middle = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:to|-|–)\s*(\d+(?:\.\d+)?)", text)
    if item in form.fractions and middle:
        return (float(middle[1]) + float(middle[2])) / 2
    clock = re.fullmatch(r"(\d{1,2}):([0-5]\d)(?::[0-5]\d)?\s*([ap]m)?", text.lower())
    if clock and form.ranges[item][1] == 24:
        hour = int(clock[1]) % 12 + 12 * (clock[3] == "pm") if clock[3] else int(clock[1])
        return hour + int(clock[2]) / 60
    raise InputError(f"{form.name}: {text!r} is no answer to item {item!r}", field="value", mend="Give a number.")


def read_sheets(answers: pl.DataFrame, form: Questionnaire, coding: str | None = None) -> Sheets:
    """Check the answers of one form and return them as a matrix.

    Parameters
    ----------
    answers : see `rows_of`
    coding : codes of the lowest and highest answer, such as "1 to 5" where the form prints 0 to 4, or "6 to 1"
        where the codes run backwards; None = as the form prints them

    Raises
    ------
    InputError : what `rows_of` refuses, an answer given twice, a value outside the form, codes that are in doubt
    """
    table = recoded(rows_of(answers, form), form, coding)
    _check_once(table, form)
    _check_range(table, form, coding)
    first, last = form.ranges[form.items[0]]
    return as_matrix(table, form, f"{first:g} to {last:g}" if coding is None else coding)


def as_matrix(table: pl.DataFrame, form: Questionnaire, coding: str = "") -> Sheets:
    """Return rows of one form as a matrix; of an answer given twice the last one stands."""
    keys = [name for name in table.columns if name not in NOT_KEYS]
    sheets = table.select(keys).unique().sort(keys)
    items = (*form.items, *form.optional_items)
    placed = table.join(sheets.with_row_index("sheet"), on=keys, nulls_equal=True)
    values = np.full((sheets.height, len(items)), np.nan)
    columns = [items.index(item) for item in placed["item"]]
    values[placed["sheet"].to_numpy(), columns] = placed["value"].to_numpy()
    return Sheets(sheets, items, values, coding)


def ends_of(coding: str, form: Questionnaire) -> tuple[int, int]:
    """Return the codes of the lowest and highest answer, out of text such as "1 to 5".

    Raises
    ------
    InputError : the text cannot be read
    """
    read = re.fullmatch(r"\s*(-?\d+)\s*to\s*(-?\d+)\s*", coding)
    if read is None:
        raise InputError(f"{form.name}: coding {coding!r} cannot be used", mend="Write it as '1 to 5'.")
    return int(read[1]), int(read[2])


def recoded(table: pl.DataFrame, form: Questionnaire, coding: str | None) -> pl.DataFrame:
    """Return the values in the codes that the form prints."""
    if coding is None:
        if form.coding_required:
            low, high = form.ranges[form.items[0]]
            mend = (f"Give coding='a to b', the codes of the answers with least and most ({form.higher}): "
                    f"'{low:g} to {high:g}', '{low + 1:g} to {high + 1:g}' or one of them backwards.")  # fmt: skip
            raise InputError(f"{form.name}: the answer codes have to be declared. {form.range_hint}", mend=mend)
        return table
    first, last = ends_of(coding, form)
    ranges = set(form.ranges.values())
    if len(ranges) > 1:
        raise InputError(f"{form.name}: coding {coding!r} cannot be used, because items differ in range",
                         mend="Enter answers as the form prints them.")  # fmt: skip
    low, high = ranges.pop()
    if abs(last - first) != high - low:
        what = f"{form.name}: coding {coding!r} has {abs(last - first) + 1} answers, the form {high - low + 1:g}"
        raise InputError(what, mend="Name the codes of the lowest and the highest answer.")
    sign = 1 if last > first else -1
    return table.with_columns((sign * (pl.col("value") - first) + low).alias("value"))


def _check_once(table: pl.DataFrame, form: Questionnaire) -> None:
    twice = table.filter(table.select(pl.exclude("value")).is_duplicated()).sort("person", "visit", "item")
    if twice.height:
        row = twice.row(0, named=True)
        what = f"{form.name}: item {row['item']!r} of person {row['person']!r}, visit {row['visit']!r} stands twice"
        raise InputError(what, field="item", mend="Keep one answer.")


def bad_values(table: pl.DataFrame, form: Questionnaire) -> pl.DataFrame:
    """Return the rows whose value the form does not have."""
    low, high = (
        pl.col("item").replace_strict({item: float(pair[side]) for item, pair in form.ranges.items()})
        for side in (0, 1)
    )
    broken = (pl.col("value") != pl.col("value").round()) & ~pl.col("item").is_in(list(form.fractions))
    return table.filter((pl.col("value") < low) | (pl.col("value") > high) | broken)


def _check_range(table: pl.DataFrame, form: Questionnaire, coding: str | None) -> None:
    bad = bad_values(table, form).sort("person", "visit", "item")
    given = table["value"].drop_nulls().to_numpy()
    if bad.height:
        row = bad.row(0, named=True)
        low, high = form.ranges[row["item"]]
        items = [item for item in form.ranges if item in set(bad["item"])]
        whole = "" if row["item"] in form.fractions else " in whole numbers"
        what = (f"{form.name}: item {row['item']!r} runs from {low:g} to {high:g}{whole}; {bad.height} of {len(given)} "
                f"answers do not fit, in items {', '.join(items[:8])}; all run from {given.min():g} to "
                f"{given.max():g}; the first is {row['value']:g}, person {row['person']!r}, visit {row['visit']!r}"
                )  # fmt: skip
        raise InputError(what, field="value", mend=_range_mend(given, form, low, high, coding))
    low, high = form.ranges[form.items[0]]
    plain = len(set(form.ranges.values())) == 1 and coding is None and low == 0
    if plain and len(given) >= ENOUGH_TO_DOUBT and given.min() >= 1:
        what = (f"{form.name}: not one of {len(given)} answers is {low:g}, the lowest; seen {given.min():g} to "
                f"{given.max():g}")  # fmt: skip
        mend = f"If codes run from 1, give coding='1 to {high + 1:g}'; if all is right, coding='{low:g} to {high:g}'."
        raise InputError(what, field="value", mend=mend)


def _range_mend(given: np.ndarray, form: Questionnaire, low: float, high: float, coding: str | None) -> str:
    hint = f" {form.range_hint}." if form.range_hint else ""
    same = len(set(form.ranges.values())) == 1 and coding is None
    for shift in (1, -1):
        if same and given.min() >= low + shift and given.max() <= high + shift:
            codes = f"{low + shift:g} to {high + shift:g}"
            return f"If the codes run from {codes}, give coding='{codes}'.{hint}"
    return f"Correct these values, or leave them empty.{hint}"


def describe_missing(sheets: Sheets, items: tuple[str, ...]) -> list[str | None]:
    """Return, for each sheet, which of some items are missing, in words; None where none is."""
    found: list[str | None] = []
    for row in np.isnan(sheets.of(items)):
        gone = [item for item, missing in zip(items, row, strict=True) if missing]
        found.append(f"{len(gone)} of {len(items)} items missing: {', '.join(gone)}" if gone else None)
    return found
