"""What a change of a questionnaire has to reach: important differences, cut-offs and reliabilities, with sources.

Nothing stands in the table that has no source or grade; half a standard deviation is a fallback and is called so.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from gutbrain.errors import InputError

KINDS = ("important difference", "clinical cut-off", "remission cut-off", "direction")
RELIABILITIES = ("retest correlation", "intraclass correlation", "alpha")  # what is preferred comes first
GRADES = ("measured", "published-model", "derived", "fitted", "assumed", "recalled")
BETTER = ("lower", "higher")
HALF = 0.5
SCHEMA = {"quantity": pl.String(), "better": pl.String(), "what": pl.String(), "value": pl.Float64(),
          "low": pl.Float64(), "high": pl.Float64(), "people": pl.Int64(), "source": pl.String(),
          "grade": pl.String(), "note": pl.String()}  # fmt: skip


@cache
def important_differences() -> pl.DataFrame:
    """Return the table: quantity, better, what, value, low, high, people, source, grade, note.

    Raises
    ------
    InputError
        If a row has no known grade, kind or direction.
    """
    text = files("gutbrain.analyse.persons").joinpath("important_differences.csv").read_bytes()
    table = pl.read_csv(text, schema=SCHEMA)
    kinds = (*KINDS, *RELIABILITIES)
    for field, known in (("grade", GRADES), ("what", kinds), ("better", BETTER)):
        wrong = table.filter(~pl.col(field).is_in(known))
        if len(wrong):
            raise InputError(f"{wrong[field][0]!r} is not known", file="important_differences.csv", field=field)
    return table


def known(quantity: str, *what: str) -> dict[str, object] | None:
    """Return the first row of a quantity that is of one of these kinds, the kinds in order of preference."""
    rows = important_differences().filter(pl.col("quantity") == quantity)
    for kind in what:
        found = rows.filter(pl.col("what") == kind)
        if len(found):
            return found.row(0, named=True)
    return None


def better(quantity: str, given: str = "") -> str:
    """Return whether "lower" or "higher" values are better.

    Raises
    ------
    InputError
        For an unknown word, or a quantity whose direction is not known and not given.
    """
    if given:
        if given not in BETTER:
            raise InputError(f"better = {given!r} is not known", field="better", mend="Known are lower, higher")
        return given
    rows = important_differences().filter(pl.col("quantity") == quantity)
    if rows.is_empty():
        raise InputError(f"which direction of {quantity!r} is better is not known", field="better",
                         mend="Say better = 'lower' or 'higher'")  # fmt: skip
    return str(rows["better"][0])


def told(row: dict[str, object]) -> str:
    """Return a row in words: value, range, source, grade and note."""
    span = f" ({row['low']:g} to {row['high']:g})" if row["low"] is not None else ""
    people = f", {row['people']} people" if row["people"] else ""
    note = f"; {row['note']}" if row["note"] else ""
    return f"{row['what']} {row['value']:g}{span}, {row['source'] or 'source not known'}, {row['grade']}{people}{note}"


def half_deviation(start: np.ndarray) -> float:
    """Return half the standard deviation at the baseline: a fallback that says how far people differ, not what matters.

    Parameters
    ----------
    start : array [person]

    Raises
    ------
    InputError
        With fewer than two people, or if nobody differs.
    """
    values = np.asarray(start, float)
    values = values[np.isfinite(values)]
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if spread <= 0:
        raise InputError("half a standard deviation needs two people who differ at the baseline")
    return HALF * spread
