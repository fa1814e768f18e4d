"""When something of a study happened, in days: by its day, by the day of its visit, or by its clock."""

from __future__ import annotations

import polars as pl

from gutbrain.study.study import Study

DATED = ("visits", "samples", "answers", "readings", "beats")
DAY = 86_400.0  # s


def timed(study: Study, rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return rows with `at`, days from the person's day 0, and how many had no time and were left out.

    Parameters
    ----------
    rows : with person, and day, time, visit, until where they have them

    Notes
    -----
    A day stands first, its own or that of its visit. A clock time alone is turned into days by what the same person
    has with both; where a person has nothing with both but something with a day, nothing says how the two go
    together, and what has a clock only is left out.
    """
    lacking = [pl.lit(None, kind).alias(name)
               for name, kind in (("day", pl.Float64()), ("time", pl.Datetime("us")), ("visit", pl.String()),
                                  ("until", pl.Datetime("us"))) if name not in rows.columns]  # fmt: skip
    rows = rows.with_columns(lacking).filter(pl.col("person").is_not_null())
    when = pl.col("day").alias("visit_day"), pl.col("time").alias("visit_time")
    visits = study.visits.select("person", "visit", *when)
    visits = visits.drop_nulls(["person", "visit"]).unique(["person", "visit"], keep="first")
    rows = rows.join(visits, on=["person", "visit"], how="left", maintain_order="left")
    rows = rows.join(_beginnings(study), on="person", how="left", maintain_order="left")
    clock = _clock(pl.coalesce("time", "visit_time")) - pl.col("begins")
    rows = rows.with_columns(pl.coalesce("day", "visit_day", clock).alias("at"))
    length = _clock(pl.col("until")) - _clock(pl.col("time"))
    rows = rows.with_columns((pl.col("at") + pl.when(length > 0).then(length)).alias("until"))
    kept = rows.filter(pl.col("at").is_finite())
    return kept.drop("visit_day", "visit_time", "begins"), len(rows) - len(kept)


def _clock(column: pl.Expr) -> pl.Expr:
    return (column - pl.datetime(1970, 1, 1)).dt.total_microseconds() / (1e6 * DAY)


def _beginnings(study: Study) -> pl.DataFrame:
    """Return the clock of everybody's day 0: person, begins (days since 1970; null where it cannot be told)."""
    tables = [study.tables[name].select("person", "day", "time") for name in DATED]
    rows = pl.concat(tables).filter(pl.col("person").is_not_null()).with_columns(_clock(pl.col("time")).alias("clock"))
    both = (pl.col("clock") - pl.col("day")).median()
    only_clocks = pl.col("day").null_count() == pl.len()
    found = rows.group_by("person").agg(
        pl.when(both.is_not_null()).then(both).when(only_clocks).then(pl.col("clock").min().floor()).alias("begins")
    )
    return found.with_columns(pl.col("begins").cast(pl.Float64))
