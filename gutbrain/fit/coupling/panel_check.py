"""What a table of occasions must be before a model is fitted to it: every fault is named with its row and its mend."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.panel import Panel

BESIDE = ("variance", "offset")  # what may stand beside an indicator
NAMED = 8  # people that a message names


def checked(
    table: pl.DataFrame,
    indicators: Sequence[str],
    impulses: Sequence[str],
    levels: Sequence[str],
    predictors: Sequence[str],
    person: str,
    time: str,
    source: str,
) -> pl.DataFrame:
    """Return the table with its numbers as numbers and the rows of each person together.

    Parameters
    ----------
    table : one row an occasion; `gutbrain.fit.coupling.panel.panel_of` tells its columns
    source : what messages call the table

    Raises
    ------
    InputError
        For a missing column, no rows, a time that is no number or runs backwards, two rows at one time, a person with
        one row, a value that is no finite number, an indicator that is never seen or never changes, a negative
        variance, an input that never changes, a predictor that is missing, changes within a person or is the same
        for everybody.
    """
    names = [*indicators, *impulses, *levels, *predictors]
    if not indicators:
        raise InputError("no indicator is named", file=source, mend="Name at least one column that was observed")
    for name in (person, time, *names):
        if name not in table.columns:
            near = difflib.get_close_matches(name, table.columns, 3, 0.5) or table.columns[:8]
            raise InputError(f"there is no column {name!r}", file=source, mend=f"Near are {', '.join(near)}")
    if twice := next((name for name in names if names.count(name) > 1 or name in (person, time)), None):
        raise InputError(f"{twice!r} is asked for twice", file=source, mend="A column has one part in a model")
    if table.is_empty():
        raise InputError("the table has no rows", file=source)
    beside = [f"{name}.{ending}" for name in indicators for ending in BESIDE if f"{name}.{ending}" in table.columns]
    table = table.with_columns(_number(table[name], source) for name in (time, *names, *beside))
    if (row := _first(table[person].is_null())) is not None:
        raise InputError("a row names no person", file=source, row=row, field=person, mend="Fill it, or drop the row")
    if (row := _first(table[time].is_null())) is not None:
        raise InputError("an occasion has no time", file=source, row=row, field=time, mend="Fill it, or drop the row")
    table = _in_order(table, person, time, source)
    for name in indicators:
        _refuse_indicator(table, name, source)
    _refuse_inputs(table, impulses, levels, person, source)
    for name in predictors:
        _refuse_predictor(table, name, person, source)
    return table


def refuse_unsuited(model: CouplingModel, panel: Panel, source: str = "table") -> None:
    """Refuse a panel that cannot be of a model.

    Raises
    ------
    InputError
        If their columns differ, an ordinal value is no category, a count is negative or fractional, or a cycle of a
        day is asked of occasions that all stand at one o'clock.
    """
    pairs = (
        ("indicators", tuple(one.name for one in model.indicators), panel.indicators),
        ("impulses", model.impulses, panel.impulse_names), ("levels", model.levels, panel.level_names),
        ("predictors", model.predictors, panel.predictor_names),
    )  # fmt: skip
    for what, asked, given in pairs:
        if tuple(asked) != tuple(given):
            told = f"the model has the {what} {', '.join(asked) or 'none'}, the panel {', '.join(given) or 'none'}"
            raise InputError(told, file=source, mend="Name the same ones in the same order")
    for column, one in enumerate(model.indicators):
        seen = panel.seen[:, column]
        values = panel.values[:, column]
        whole = values == np.round(values)
        top = np.inf if one.kind == "count" else one.categories - 1
        if one.kind == "gaussian":
            continue
        wrong = np.flatnonzero(seen & ~(whole & (values >= 0) & (values <= top)))
        if len(wrong):
            kind = "count" if one.kind == "count" else "category"
            said = f"{values[wrong[0]]:g} of {_at(panel, wrong[0])} is no {kind}"
            mend = ("Counts are whole and 0 or more" if one.kind == "count" else
                    f"Categories are whole numbers from 0 to {one.categories - 1}")  # fmt: skip
            raise InputError(said, file=source, row=int(wrong[0]) + 1, field=one.name, mend=mend)
        if one.kind == "ordinal":
            used = np.bincount(values[seen].astype(int), minlength=one.categories)
            if not used.all():
                empty = ", ".join(str(at) for at in np.flatnonzero(used == 0))
                raise InputError(f"nobody ever gave category {empty}, so its bounds cannot be told", file=source,
                                 field=one.name, mend="Join it with a neighbour, and number from 0")  # fmt: skip
    if model.day_night and np.ptp(panel.time % 1) < 1e-3:
        raise InputError("a cycle of the day cannot be told: all occasions stand at one o'clock", file=source,
                         mend="Leave out day and night")  # fmt: skip


def _at(panel: Panel, row: int) -> str:
    return f"{panel.people[panel.person[row]]}, day {panel.time[row]:g}"


def _number(column: pl.Series, source: str) -> pl.Series:
    """Return a column as numbers; NaN is nothing seen, infinite values are refused."""
    kind = column.dtype
    if kind.is_temporal():
        mend = "Give days since the person's first day, with the clock as their fraction"
        raise InputError("is a date or clock time, and no number of days", file=source, field=column.name, mend=mend)
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.Null)):
        made = column.cast(pl.String).cast(pl.Float64, strict=False)
        wrong = _first(made.is_null() & column.is_not_null())
        if wrong is not None:
            raise InputError(f"{column[wrong - 1]!r} is no number", file=source, row=wrong, field=column.name,
                             mend="Correct it, or leave it empty")  # fmt: skip
        column = made
    made = column.cast(pl.Float64).fill_nan(None)
    if (row := _first(made.is_infinite())) is not None:
        raise InputError("is infinite", file=source, row=row, field=column.name, mend="Correct it, or leave it empty")
    return made


def _first(wrong: pl.Series) -> int | None:
    """Return the first row that is true, counted from 1."""
    wrong = wrong.fill_null(False)
    return int(wrong.arg_max() or 0) + 1 if wrong.any() else None


def _in_order(table: pl.DataFrame, person: str, time: str, source: str) -> pl.DataFrame:
    """Return the rows of each person together, in the order in which people first occur."""
    row = "\0row"
    table = table.with_row_index(row, offset=1)
    order = table.select(person).unique(maintain_order=True).with_row_index("\0place")
    table = table.join(order, on=person, how="left", maintain_order="left").sort("\0place", maintain_order=True)
    step = table.select(pl.col(time).diff().over(person)).to_series()
    for wrong, what, mend in (
        (step < 0, "time runs backwards", "Sort the rows of each person by time"),
        (step == 0, "two rows stand at one time", "Join them to one row"),
    ):
        if (at := _first(wrong)) is not None:
            last, here = table[time][at - 2], table[time][at - 1]
            between = f"from {last:g} to {here:g}" if last != here else f"{here:g}"
            raise InputError(f"{what} in {table[person][at - 1]!r}: {between}", file=source,
                             row=int(table[row][at - 1]), field=time, mend=mend)  # fmt: skip
    counts = table.group_by(person, maintain_order=True).len()
    single = [str(name) for name in counts.filter(pl.col("len") < 2)[person]]
    if single:
        named = ", ".join(single[:NAMED]) + (f" and {len(single) - NAMED} more" if len(single) > NAMED else "")
        raise InputError(f"one row only: {named}", file=source, field=person,
                         mend="A person needs two occasions at least; leave out who has one")  # fmt: skip
    return table.drop(row, "\0place")


def _refuse_indicator(table: pl.DataFrame, name: str, source: str) -> None:
    seen = table[name].drop_nulls()
    if seen.is_empty():
        raise InputError("was never seen: no row has a value", file=source, field=name, mend="Leave it out")
    if seen.n_unique() == 1:
        told = f"never changes: all {len(seen)} values are {seen[0]:g}" if len(seen) > 1 else "was seen once only"
        raise InputError(told, file=source, field=name, mend="Leave it out")
    if f"{name}.variance" in table.columns and (row := _first(table[f"{name}.variance"] < 0)) is not None:
        raise InputError("a variance is negative", file=source, row=row, field=f"{name}.variance")
    if f"{name}.offset" in table.columns:
        lacking = table[name].is_not_null() & table[f"{name}.offset"].is_null()
        if (row := _first(lacking)) is not None:
            raise InputError("a count has no offset", file=source, row=row, field=f"{name}.offset",
                             mend="Give the logarithm of what was counted in all")  # fmt: skip


def _refuse_inputs(
    table: pl.DataFrame, impulses: Sequence[str], levels: Sequence[str], person: str, source: str
) -> None:
    for name in impulses:
        if not (table[name].fill_null(0.0) != 0).any():
            raise InputError("is never given: all values are 0 or empty", file=source, field=name, mend="Leave it out")
    for name in levels:
        held = table.select(pl.col(name).forward_fill().over(person).fill_null(0.0)).to_series()
        if held.n_unique() == 1:
            told = f"never changes: it is {held[0]:g} throughout"
            raise InputError(told, file=source, field=name, mend="Leave it out")


def _refuse_predictor(table: pl.DataFrame, name: str, person: str, source: str) -> None:
    if (row := _first(table[name].is_null())) is not None:
        people = [str(one) for one in table.filter(pl.col(name).is_null())[person].unique(maintain_order=True)]
        raise InputError(f"is not known of {', '.join(people[:NAMED])}", file=source, row=row, field=name,
                         mend="Fill it, or leave out the predictor or these people")  # fmt: skip
    kinds = table.group_by(person, maintain_order=True).agg(pl.col(name).n_unique())
    changing = kinds.filter(pl.col(name) > 1)[person].to_list()
    if changing:
        raise InputError(f"changes within {str(changing[0])!r}: a predictor is one number a person", file=source,
                         field=name, mend="Name it as an input that is a level")  # fmt: skip
    if table[name].n_unique() == 1:
        raise InputError("is the same for everybody, so its effect cannot be told", file=source, field=name,
                         mend="Leave it out")  # fmt: skip
