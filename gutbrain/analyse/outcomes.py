"""All numbers of a study that can be an outcome, in one long table: scores, and readings."""

from __future__ import annotations

import polars as pl

from gutbrain.analyse.community import occasion_table
from gutbrain.errors import InputError
from gutbrain.study.scores import scores
from gutbrain.study.study import Study

KEYS = ("person", "visit")
COLUMNS = ("person", "visit", "day", "quantity", "value", "unit", "method")


def outcomes(study: Study, scored: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return one row a person, visit and quantity.

    Parameters
    ----------
    scored : what `gutbrain.study.scores.scores` gave, if it was asked already

    Returns
    -------
    table with person, visit, day, quantity, value, unit and method; several readings of one visit become their
    median, said in `method`. What was withheld by its scoring rule is not there; the model's own values neither.
    """
    scored = scores(study) if scored is None else scored
    scored = scored.filter(pl.col("value").is_not_null() & pl.col("person").is_not_null())
    read = study.readings.filter(pl.col("method").is_null() | (pl.col("method") != "model value"))
    rows = pl.concat([scored.select(COLUMNS), read.select(COLUMNS)])
    # Without a visit, a day is an occasion of its own: a diary is no single number.
    apart = pl.when(pl.col("visit").is_null()).then(pl.col("day")).alias("occasion")
    several = pl.format("median of {}", pl.len())
    summed = rows.with_columns(apart).group_by(*KEYS, "occasion", "quantity", "unit", maintain_order=True)
    return summed.agg(
        pl.col("day").median(),
        pl.col("value").median(),
        pl.when(pl.len() > 1).then(several).otherwise(pl.col("method").first()).alias("method"),
    ).select(COLUMNS)


def outcome(study: Study, quantity: str, found: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return one quantity with the covariates of its visits and people, one row a person and visit.

    Parameters
    ----------
    found : what `outcomes` gave, if it was asked already

    Returns
    -------
    table with person, visit, day, value, unit, and a column for each covariate

    Raises
    ------
    InputError
        If the study has no such quantity; the nearest names are given.
    """
    found = outcomes(study) if found is None else found
    rows = found.filter(pl.col("quantity") == quantity)
    if rows.is_empty():  # PSS-10.total is the same as pss-10.total
        rows = found.filter(pl.col("quantity").str.to_lowercase() == quantity.lower())
    if rows.is_empty():
        known = found["quantity"].unique(maintain_order=True).to_list()
        raise InputError(f"the study has no outcome {quantity!r}", mend=f"It has {', '.join(known[:40]) or 'none'}")
    return occasion_table(study, rows.drop("quantity", "method"))
