"""Metadata, forms and diaries: a table with one row a person, visit, sample or prompt, wide or long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import TextTable
from gutbrain.study.mapped.cells import POINT, Column, clean, clocks, moments, numbers
from gutbrain.study.mapped.mapping import OPEN, FileMap, Meaning, resolve, take
from gutbrain.study.mapped.sheet import read_sheet
from gutbrain.study.part import Finding, Part
from gutbrain.study.schema import MOMENT, NUMBER, TEXT

NAMES = ("person", "sample", "visit", "material", "recording")
TABLE_KEYS = {
    "people": ("person",), "visits": ("person", "visit", "day", "time"),
    "samples": ("sample", "person", "visit", "day", "time", "material"),
}  # fmt: skip
MOSTLY = 0.8  # share of numbers from which a text among them is a slip, not a category
SETTABLE = (*NAMES, "day", "form", "unit", "method", "origin")  # what `set` may hold
Swap = dict[str, str | float]
WHEN = ("person", "sample", "visit", "day", "time")


def read_table(path: Path, given: FileMap, elsewhere: Sequence[dict[str, str]] = ()) -> Part:
    """Read a table by its mapping.

    Parameters
    ----------
    path : the file
    given : meaning of its columns, constants, replacements
    elsewhere : `columns` of other entries for the same file: what they read is not told as left out

    Returns
    -------
    Part : people, visits, samples, answers and readings, as the columns say

    Raises
    ------
    InputError
        With the row and column, and the mend.
    """
    if given.options:
        raise InputError("a table has no options", file=path, mend="Give them beside `columns`, or leave them out")
    _check_names("set", given.set, SETTABLE, path)
    table, found = read_sheet(path, separator=given.separator, sheet=given.sheet, header=given.header)
    given = given.model_copy(update={"values": _spread(given.values, table.header)})
    _check_names("values", given.values, table.header, path)
    _check_names("fill", given.fill, table.header, path)
    _check_names("keep", given.keep, table.header, path)
    means = resolve(given.columns, table.header, str(path))
    if not means and given.people != "rows":
        raise InputError(
            "no column of this table has a meaning", file=path,
            mend="Give `columns` for it in the mapping file; `gutbrain read --guess` drafts one",
        )  # fmt: skip
    table = _kept(table, given)
    reader = _Reader(path, table, given, means, found)
    tables = reader.tables()
    taken = {name for columns in elsewhere for name in resolve(columns, table.header, str(path))}
    idle = [name for name in table.header if name not in means and name not in taken]
    if idle:
        told = ", ".join(idle[:8]) + (" ..." if len(idle) > 8 else "")
        found.append(Finding("note", path.name, "", f"{len(idle)} columns were not read: {told}"))
    return Part(tables, reader.units, tuple(found), f"table, {len(table.body)} rows x {len(table.header)} columns")


def _spread(values: Mapping[str, Swap], header: Sequence[str]) -> dict[str, Swap]:
    """Give replacements of a pattern to every column that fits it; an exact name goes before a pattern."""
    made: dict[str, Swap] = {name: swap for name, swap in values.items() if name in header}
    for pattern, swap in values.items():
        if pattern not in header:
            fits = [name for name in header if take(pattern, name) is not None]
            for name in fits or [pattern]:
                made.setdefault(name, swap)
    return made


def _check_names(what: str, asked: Iterable[str], known: Sequence[str], path: Path) -> None:
    for name in asked:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.4)
            mend = f"Did you mean {near[0]!r}?" if near else f"It can be {', '.join(known[:12])}"
            raise InputError(f"`{what}` names {name!r}, which there is not", file=path, mend=mend)


def _kept(table: TextTable, given: FileMap) -> TextTable:
    body, lines = table.body, pl.Series(table.lines)
    for name, wanted in given.keep.items():
        mask = body.to_series(table.header.index(name)).is_in(wanted).fill_null(False)
        body, lines = body.filter(mask), lines.filter(mask)
    if body.is_empty():
        raise InputError("`keep` leaves no row", file=table.source, mend="Look at its values")
    return TextTable(table.source, table.header, body, tuple(lines))


class _Reader:
    """One table on its way to several."""

    def __init__(
        self, path: Path, table: TextTable, given: FileMap, means: dict[str, Meaning], found: list[Finding]
    ) -> None:
        self.path, self.table, self.given, self.means, self.found = path, table, given, means, found
        self.units: dict[str, str] = {}
        self.keys = self._keys()

    def column(self, name: str) -> Column:
        """Return a column without its missing values and with its replacements."""
        text = self.table.column(self.table.header.index(name)).alias(name)
        if name in self.given.fill:
            text = text.fill_null(strategy="forward")
        column = clean(Column(name, text, self.path, self.table.lines), self.given.missing)
        swap = {old: str(new) for old, new in self.given.values.get(name, {}).items()}
        return Column(name, column.text.replace(swap), self.path, self.table.lines) if swap else column

    def number(self, name: str) -> tuple[pl.Series, pl.Series]:
        """Return a column as numbers, and the signs of values beyond a limit."""
        column, unit = self.column(name), self.means[name].unit if name in self.means else None
        percent = column.text.str.ends_with("%").fill_null(False)
        if unit not in (None, "percent", "%", "text") and percent.any():
            at = column.first(percent)
            raise column.refuse(at, f"{column.text[at]!r} is percent, the mapping says [{unit}]", "Write [percent]")
        values, limit, found = numbers(column, self.given.decimal)
        self.found += found
        return values, limit

    def of_kind(self, *kinds: str) -> list[tuple[str, Meaning]]:
        """Return the columns that mean one of these."""
        return [(name, means) for name, means in self.means.items() if means.kind in kinds]

    def _keys(self) -> pl.DataFrame:
        """Read who and when of every row."""
        made: dict[str, pl.Series] = {}
        for name, means in self.of_kind(*NAMES):
            made[means.kind] = self.column(name).text
        for name, _ in self.of_kind("day"):
            made["day"] = self.number(name)[0]
        for name, means in self.of_kind("time", "date", "until"):
            values, found = moments(self.column(name), self.given.dates)
            self.found += found
            made["until" if means.kind == "until" else "time"] = values
        for name, _ in self.of_kind("clock"):
            share = clocks(self.column(name))
            if "time" in made:
                made["time"] = made["time"].dt.truncate("1d") + (share * 86_400e6).round().cast(pl.Duration("us"))
            elif "day" in made:
                made["day"] = made["day"].floor() + share
            else:
                raise InputError("a clock time needs a day", file=self.path, field=name, mend="Map `date` or `day` too")
        if self.given.shift_days:
            for key in made.keys() & {"day", "time", "until"}:
                made[key] = made[key] + (self.given.shift_days if key == "day" else timedelta(self.given.shift_days))
        count = len(self.table.body)
        for key, value in self.given.set.items():
            if key in (*NAMES, "day"):
                made[key] = pl.Series([value] * count)
        if self.given.people == "rows":
            if "person" in made:
                raise InputError('people = "rows" is given, and people are named too', file=self.path, mend="Drop one")
            width = len(str(count))
            made["person"] = pl.Series([f"p{k:0{width}d}" for k in range(1, count + 1)])
        kinds = {**dict.fromkeys(NAMES, TEXT), "day": NUMBER, "time": MOMENT, "until": MOMENT}
        frame = pl.DataFrame({key: series.cast(kinds[key]).alias(key) for key, series in made.items()})
        if "person" not in frame.columns and "sample" not in frame.columns:
            raise InputError(
                "nothing says whose rows these are", file=self.path,
                mend='Map a column to `person` or `sample`, set person, or give people = "rows"',
            )  # fmt: skip
        named = [key for key in ("sample", "person") if key in frame.columns]  # a control sample is nobody's
        lost = frame.select(pl.all_horizontal(pl.col(named).is_null())).to_series()
        if lost.any():
            what, row = f"no {' or '.join(named)} is named", self.table.lines[int(lost.arg_max() or 0)]
            column = next((each for each, _ in self.of_kind(*named)), "")
            mend = f'Fill the cell or drop the row; if merged cells left it empty, give fill = ["{column}"]'
            raise InputError(what, file=self.path, row=row, mend=mend)
        return frame

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return all tables that the columns give."""
        given: dict[str, pl.DataFrame] = {}
        self._open(given)
        self._answers(given)
        self._readings(given)
        return given

    def _open(self, given: dict[str, pl.DataFrame]) -> None:
        """Collect covariates; people, visits and samples get one row each."""
        for table in OPEN:
            keys = [key for key in TABLE_KEYS[table] if key in self.keys.columns]
            columns = self.of_kind(table)
            row = ["person", "visit"] if table == "visits" else keys[:1]
            named = set(row) <= set(keys) and TABLE_KEYS[table][0] in keys
            if columns and not named:
                needed = "person and visit" if table == "visits" else TABLE_KEYS[table][0]
                raise InputError(f"covariates of {table} need {needed}", file=self.path, field=columns[0][0])
            if not named:
                continue
            frame = self.keys.select(keys)
            for name, means in columns:
                values = self.column(name).text if means.unit == "text" else self._covariate(name)
                frame = frame.with_columns(values.alias(means.names[0]))
                if means.unit and means.unit != "text":
                    self.units[f"{table}.{means.names[0]}"] = means.unit
            given[table] = self._one_row(table, frame, row)

    def _covariate(self, name: str) -> pl.Series:
        """Read a covariate as numbers if it holds nothing else."""
        column = self.column(name)
        try:
            values, limit, found = numbers(column, self.given.decimal)
        except InputError:
            asked = column.text.drop_nulls()
            share = asked.str.contains(POINT).mean() if len(asked) else 0.0
            if isinstance(share, float) and share > MOSTLY:
                raise
            return column.text
        if limit.is_not_null().any():
            return column.text
        self.found += found
        return values

    def _one_row(self, table: str, frame: pl.DataFrame, row: list[str]) -> pl.DataFrame:
        """Join the rows of one person, visit or sample; what differs between them is refused."""
        frame = frame.drop_nulls(row)
        first = ("day", "time") if table == "visits" else ()  # a visit lasts from its first moment on
        others = [name for name in frame.columns if name not in (*row, *first)]
        groups = frame.group_by(row, maintain_order=True)
        counts = groups.agg(pl.col(name).drop_nulls().n_unique() for name in others)
        for name in others:
            if (counts[name] > 1).any():
                told = ", ".join(f"{key} {counts.filter(pl.col(name) > 1)[0, key]}" for key in row)
                finer = [each for each in OPEN if each != table and TABLE_KEYS[each][0] in self.keys.columns]
                mend = f"Map it to {finer[-1]}.{name}" if finer and name not in WHEN else "Name each row once"
                what, field = f"{told} has several values of {name!r}", self._source(table, name)
                raise InputError(what, file=self.path, field=field, mend=f"{mend}, or correct the file")
        return groups.agg(
            *(pl.col(name).drop_nulls().first() for name in others),
            *(pl.col(name).min() for name in first if name in frame.columns),
        )

    def _source(self, table: str, name: str) -> str:
        """Return the column of the file behind a column of a table."""
        for column, means in self.means.items():
            if (means.kind == table and means.names == (name,)) or means.kind == name:
                return column
        return name

    def _long(
        self, names: Iterable[tuple[str, Meaning]], make: Callable[[Meaning], dict[str, str]]
    ) -> list[pl.DataFrame]:
        """Turn columns of numbers into rows, with what `make` says of each column."""
        frames = []
        keys = self.keys.select([key for key in (*WHEN, "until") if key in self.keys.columns])
        for name, means in names:
            values, limit = self.number(name)
            if values.is_null().all():
                mend = "If a workbook computes it by formulas, save it once in the program that computes them"
                self.found.append(self.column(name).note("warning", "holds no value", mend))
            if means.kind == "answers" and limit.is_not_null().any():
                column = self.column(name)
                at = column.first(limit.is_not_null())
                raise column.refuse(at, f"{column.text[at]!r} is no answer", "Correct it")
            told = [pl.lit(text, TEXT).alias(column) for column, text in make(means).items()]
            frame = keys.with_columns(values.alias("value"), limit.cast(TEXT).alias("limit"), *told)
            frames.append(frame)
        return frames

    def _answers(self, given: dict[str, pl.DataFrame]) -> None:
        frames = self._long(self.of_kind("answers"), lambda m: {"form": m.names[0], "item": m.names[1]})
        if self.of_kind("item"):
            frames.append(self._values().with_columns(self._said("item"), self._said("form")))
        if frames:
            frame = pl.concat(frames, how="diagonal").drop("limit", "until", strict=False)
            given["answers"] = self._once(frame.filter(pl.col("value").is_not_null()))

    def _readings(self, given: dict[str, pl.DataFrame]) -> None:
        for name, means in self.of_kind("readings"):
            if not means.unit:
                raise InputError(
                    f"{means.names[0]!r} has no unit", file=self.path, field=name,
                    mend=f'Write it as "readings.{means.names[0]} [unit]"; [1] for a pure number',
                )  # fmt: skip
        frames = self._long(self.of_kind("readings"), lambda m: {"quantity": m.names[0], "unit": m.unit or ""})
        if self.of_kind("quantity"):
            frames.append(self._values().with_columns(self._said("quantity"), self._said("unit")))
        elif self.of_kind("value") and not self.of_kind("item"):
            raise InputError(
                "nothing says what the values are", file=self.path, field=self.of_kind("value")[0][0],
                mend="Map the column that names them to `item` or `quantity`",
            )  # fmt: skip
        if frames:
            frame = self._once(pl.concat(frames, how="diagonal").filter(pl.col("value").is_not_null()))
            constant = {"method": self.given.set.get("method"), "origin": self.given.set.get("origin", "measured")}
            given["readings"] = frame.with_columns(pl.lit(text, TEXT).alias(key) for key, text in constant.items())

    def _once(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Take values once that stand on several rows of a person, where the mapping says so."""
        if not self.given.once or "person" not in frame.columns:
            return frame
        frame = frame.drop("sample", strict=False).unique(maintain_order=True)
        if (twice := frame.drop("value").is_duplicated()).any():
            row = frame.row(int(twice.arg_max() or 0), named=True)
            what = f"{row.get('quantity') or row.get('item')} of {row['person']} differs between rows"
            raise InputError(what, file=self.path, mend="Leave `once` out, or correct the file")
        return frame

    def _values(self) -> pl.DataFrame:
        """Return the values of a long table with their keys."""
        named = self.of_kind("value")
        if len(named) != 1:
            what = f"a long table needs one column that means `value`, this one has {len(named)}"
            raise InputError(what, file=self.path, mend="Correct `columns`")
        return self._long(named, lambda _: {})[0]

    def _said(self, what: str) -> pl.Series:
        """Return the form, item, quantity or unit of every value, from a column or set for all."""
        beside = self.of_kind("value")[0][0]
        columns = self.of_kind(what)
        if columns:
            column = self.column(columns[0][0])
            lost = column.text.is_null() & self.column(beside).text.is_not_null()
            if lost.any():
                raise column.refuse(column.first(lost), f"the {what} of a value is not named", "Fill the cell")
            return column.text.alias(what)
        if what in self.given.set:
            return pl.Series(what, [str(self.given.set[what])] * len(self.table.body))
        raise InputError(
            f"nothing says the {what} of the values", file=self.path, field=beside,
            mend=f"Map a column to `{what}`, or give it under `set`",
        )  # fmt: skip
