"""The eight tables that every study has, measured or simulated.

Times stand twice: `day` counts days from the person's (or the study's) own day 0 and carries the clock
time as its fraction; `time` is the local clock, where it is known. Neither replaces the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from gutbrain.errors import InputError

KINDS = ("taxon", "gene", "pathway", "other")
ABUNDANCE_UNITS = ("count", "percent", "share", "RPK", "CPM", "copies", "signal")
ORIGINS = ("measured", "simulated")
LIMITS = ("<", ">")
RANKS = ("domain", "phylum", "class", "order", "family", "genus", "species")

TEXT, NUMBER, MOMENT = pl.String(), pl.Float64(), pl.Datetime("us")


@dataclass(frozen=True)
class Table:
    """One table: columns with their types, which of them must be filled, which make a row unique.

    Parameters
    ----------
    columns : name -> polars type
    filled : columns that may not be null
    key : columns that together name a row; empty where rows may repeat
    open : further columns (covariates) are kept
    about : what a row is
    """

    columns: dict[str, pl.DataType]
    filled: tuple[str, ...]
    key: tuple[str, ...]
    about: str
    open: bool = False


WHEN: dict[str, pl.DataType] = {"visit": TEXT, "day": NUMBER, "time": MOMENT}
TABLES: dict[str, Table] = {
    "people": Table({"person": TEXT}, ("person",), ("person",), "a person, with what does not change", open=True),
    "visits": Table(
        {"person": TEXT, **WHEN}, ("person", "visit"), ("person", "visit"), "a visit of a person", open=True
    ),
    "samples": Table(
        {"sample": TEXT, "person": TEXT, **WHEN, "material": TEXT}, ("sample",), ("sample",),
        "a sample that was taken and measured", open=True,
    ),
    "features": Table(
        {"feature": TEXT, "kind": TEXT, "name": TEXT, "rank": TEXT, **dict.fromkeys(RANKS, TEXT)},
        ("feature", "kind"), ("feature",), "a taxon, gene or pathway",
    ),
    "abundances": Table(
        {"sample": TEXT, "feature": TEXT, "value": NUMBER, "unit": TEXT}, ("sample", "feature", "value", "unit"),
        ("sample", "feature", "unit"), "how much of a feature a sample holds; what is absent is 0",
    ),
    "answers": Table(
        {"person": TEXT, **WHEN, "form": TEXT, "item": TEXT, "value": NUMBER}, ("person", "form", "item", "value"),
        ("person", "visit", "day", "time", "form", "item"), "the answer to one item of a form",
    ),
    "readings": Table(
        {"person": TEXT, **WHEN, "until": MOMENT, "quantity": TEXT, "value": NUMBER, "unit": TEXT, "method": TEXT,
         "origin": TEXT, "limit": TEXT, "note": TEXT},
        ("person", "quantity", "value", "unit"), (), "one measured number with its unit",
    ),
    "beats": Table(
        {"person": TEXT, "recording": TEXT, **WHEN, "at": NUMBER, "rr": NUMBER}, ("person", "recording", "rr"), (),
        "an interval between two heartbeats, ms, and when it ended, s from the begin of the recording",
    ),
}  # fmt: skip


def empty(name: str) -> pl.DataFrame:
    """Return a table without rows."""
    return pl.DataFrame(schema=TABLES[name].columns)


def conform(name: str, frame: pl.DataFrame, source: str = "") -> pl.DataFrame:
    """Return a table in its order of columns and with its types; what is missing is null.

    Raises
    ------
    InputError
        For an unknown column, a value of another type, a null where a value must stand, or a row that stands twice.
    """
    table = TABLES[name]
    source = source or name
    unknown = [column for column in frame.columns if column not in table.columns]
    if unknown and not table.open:
        raise InputError(f"table {name!r} has no column {unknown[0]!r}", file=source, mend="Rename or drop it")
    made: list[pl.Expr | pl.Series] = []
    for column, kind in table.columns.items():
        if column not in frame.columns:
            made.append(pl.lit(None, kind).alias(column))
        elif frame.schema[column] != kind:
            made.append(_cast(frame[column], kind, source))
        else:
            made.append(pl.col(column))
    frame = frame.with_columns(made).select([*table.columns, *unknown])
    for column in table.filled:
        missing = frame[column].is_null() | (frame[column].is_nan() if frame.schema[column] == NUMBER else False)
        if missing.any():
            row = int(missing.arg_max() or 0) + 1
            raise InputError("a value must stand here", file=source, row=row, field=column, mend="Fill or drop the row")
    if table.key and (twice := frame.select(table.key).is_duplicated()).any():
        named = frame.select(table.key).row(int(twice.arg_max() or 0), named=True)
        told = ", ".join(f"{key} {value}" for key, value in named.items() if value is not None)
        same = pl.all_horizontal(pl.col(key).eq_missing(value) for key, value in named.items())
        count = len(frame.filter(same))
        raise InputError(f"{told} stands {count} times", file=source, mend="Keep one row for each")
    return frame


def _cast(column: pl.Series, kind: pl.DataType, source: str) -> pl.Series:
    try:
        return column.cast(kind, strict=True)
    except pl.exceptions.PolarsError as error:
        what = f"cannot be read as {'a number' if kind == NUMBER else 'a time' if kind == MOMENT else 'text'}"
        raise InputError(what, file=source, field=column.name, mend="Correct the values of this column") from error
