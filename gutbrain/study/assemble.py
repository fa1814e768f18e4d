"""Parts of many files become one study: joined by sample, person and visit, in known units, with days counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.part import Finding, Part
from gutbrain.study.quantities import convert
from gutbrain.study.schema import MOMENT, NUMBER, TABLES
from gutbrain.study.study import Study

TIMED = ("visits", "samples", "answers", "readings", "beats")
PLACE = ("person", "visit", "day", "time")


def assemble(
    parts: Sequence[Part], about: dict[str, object] | None = None, day_zero: date | str = "person"
) -> Study:
    """Join parts to a study.

    Parameters
    ----------
    parts : what the files gave, in their order
    about : title, citation, sources
    day_zero : `person` counts from the first day on which a person occurs; a date from that day

    Raises
    ------
    InputError
        If two files contradict each other about a person, visit, sample or feature.
    """
    found = [finding for part in parts for finding in part.findings]
    units: dict[str, str] = {}
    for part in parts:
        for column, unit in part.units.items():
            if units.setdefault(column, unit) != unit:
                what = f"{column} is in {units[column]} in one file and in {unit} in another"
                raise InputError(what, field=column, mend="Give them two names, or correct the mapping")
    tables = {name: _joined(name, parts) for name in TABLES if any(name in part.tables for part in parts)}
    for name in ("answers", "readings"):
        if name in tables and "sample" in tables[name].columns:
            tables[name] = _placed(name, tables[name], tables.get("samples"), found)
    if "readings" in tables:
        tables["readings"], told = convert(tables["readings"])
        found += told
    if "samples" in tables:
        found += _homeless(tables["samples"])
    tables = _days(tables, day_zero)
    tables["visits"] = _visits(tables)
    for name in ("answers", "readings"):
        if name in tables:
            tables[name], told = _without_repeats(name, tables[name])
            found += told
    for name, key in (("samples", "sample"), ("features", "feature")):
        if "abundances" in tables and name not in tables:
            tables[name] = tables["abundances"].select(key).unique(maintain_order=True)
    return Study.of(tables, about, units, tuple(found))


def _joined(name: str, parts: Sequence[Part]) -> pl.DataFrame:
    frames = [part.tables[name] for part in parts if name in part.tables]
    if (len(frames) == 1 and TABLES[name].key == ()) or name in ("abundances", "answers", "readings", "beats"):
        return pl.concat(frames, how="diagonal_relaxed")
    return frames[0] if len(frames) == 1 else merge(name, frames)


def merge(name: str, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Join tables of people, visits, samples or features by their key; a filled cell goes before an empty one.

    Raises
    ------
    InputError
        If two files give the same cell different values.
    """
    key = list(TABLES[name].key)
    both = pl.concat(frames, how="diagonal_relaxed")
    first = [column for column in ("day", "time") if name == "visits" and column in both.columns]
    others = [column for column in both.columns if column not in (*key, *first)]
    if not (others or first) or not both.select(key).is_duplicated().any():
        return both.unique(subset=key, keep="first", maintain_order=True)
    counts = both.group_by(key, maintain_order=True).agg(pl.col(column).drop_nulls().n_unique() for column in others)
    for column in others:
        if (counts[column] > 1).any():
            row = counts.filter(pl.col(column) > 1).row(0, named=True)
            told = ", ".join(f"{part} {row[part]}" for part in key)
            raise InputError(
                f"{told} has several values in different files", file=name, field=column,
                mend="Map one of the columns to another name, or correct a file",
            )  # fmt: skip
    return both.group_by(key, maintain_order=True).agg(
        *(pl.col(column).drop_nulls().first() for column in others), *(pl.col(column).min() for column in first)
    )


def _placed(name: str, rows: pl.DataFrame, samples: pl.DataFrame | None, found: list[Finding]) -> pl.DataFrame:
    """Give rows that name a sample the person and time of that sample."""
    if samples is None:
        raise InputError(f"{name} name samples, but no file says whose they are", file=name)
    asked = [column for column in PLACE if column in samples.columns]
    rows = rows.join(samples.select("sample", *asked), on="sample", how="left", suffix=" of sample")
    for column in asked:
        theirs = f"{column} of sample"
        if theirs in rows.columns:
            rows = rows.with_columns(pl.coalesce(column, theirs).alias(column)).drop(theirs)
    lost = rows.filter(pl.col("person").is_null()) if "person" in rows.columns else rows
    if len(lost):
        what = f"{lost['sample'].n_unique()} samples have {name} and no person; these rows were left out"
        found.append(Finding("warning", name, f"first {lost['sample'][0]}", what, "Map `person` in their metadata"))
        rows = rows.filter(pl.col("person").is_not_null()) if "person" in rows.columns else rows.clear()
    return rows.drop("sample")


def _homeless(samples: pl.DataFrame) -> list[Finding]:
    lost = samples.filter(pl.col("person").is_null()) if "person" in samples.columns else samples
    if lost.is_empty():
        return []
    what = f"{len(lost)} of {len(samples)} samples belong to nobody"
    return [Finding("warning", "samples", f"first {lost['sample'][0]}", what, "Map `person` in their metadata")]


def _days(tables: dict[str, pl.DataFrame], day_zero: date | str) -> dict[str, pl.DataFrame]:
    """Count days from moments, where a table has a moment and no day."""
    timed = {name: tables[name] for name in TIMED if name in tables and "time" in tables[name].columns}
    timed = {name: frame for name, frame in timed.items() if "person" in frame.columns}
    if not timed:
        return tables
    if isinstance(day_zero, date):
        zero = pl.lit(datetime(day_zero.year, day_zero.month, day_zero.day), MOMENT)
        firsts = None
    else:
        seen = pl.concat([frame.select("person", pl.col("time").cast(MOMENT)) for frame in timed.values()]).drop_nulls()
        firsts = seen.group_by("person").agg(pl.col("time").min().dt.truncate("1d").alias("day zero"))
        zero = pl.col("day zero")
    made = dict(tables)
    for name, frame in timed.items():
        whole = frame if firsts is None else frame.join(firsts, on="person", how="left")
        counted = (pl.col("time").cast(MOMENT) - zero).dt.total_microseconds() / 86_400e6
        known = pl.col("day").cast(NUMBER) if "day" in frame.columns else pl.lit(None, NUMBER)
        made[name] = whole.with_columns(pl.coalesce(known, counted).alias("day")).drop("day zero", strict=False)
    return made


def _visits(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Add visits that occur in other tables; their day is the first on which something was taken."""
    rows = [
        frame.select("person", "visit", *(column for column in ("day", "time") if column in frame.columns))
        for name, frame in tables.items()
        if name in TIMED and {"person", "visit"} <= set(frame.columns)
    ]
    own = tables.get("visits")
    if not rows:
        return pl.DataFrame(schema=TABLES["visits"].columns) if own is None else own
    seen = pl.concat(rows, how="diagonal_relaxed").filter(
        pl.col("visit").is_not_null() & pl.col("person").is_not_null()
    )
    first = [pl.col(column).min() for column in ("day", "time") if column in seen.columns]
    seen = seen.group_by("person", "visit", maintain_order=True).agg(first)
    if own is None:
        return seen
    joined = own.join(seen, on=["person", "visit"], how="full", coalesce=True, suffix=" seen")
    for column in ("day", "time"):
        if f"{column} seen" in joined.columns:
            joined = joined.with_columns(pl.coalesce(column, f"{column} seen").alias(column)).drop(f"{column} seen")
    return joined


def _without_repeats(name: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Leave out rows that say the same of the same moment; readings of no moment may be replicates and stay."""
    moments = [column for column in ("visit", "day", "time") if column in rows.columns]
    told = rows.select(
        again=~pl.struct(pl.all()).is_first_distinct(),
        loose=pl.all_horizontal(pl.lit(name == "readings"), *(pl.col(column).is_null() for column in moments)),
    )
    again, loose = told["again"], told["loose"]
    found = []
    if dropped := int((again & ~loose).sum()):
        what = f"{dropped} rows stand twice with the same value; one of each was kept"
        found.append(Finding("warning", name, "", what, "See whether a file was given twice"))
    if copies := int((again & loose).sum()):
        what = f"{copies} rows without a time repeat person and value of another; all were kept"
        mend = "If one value was copied to several rows, give `once = true` for their file"
        found.append(Finding("warning", name, "", what, mend))
    return rows.filter(~again | loose), found
