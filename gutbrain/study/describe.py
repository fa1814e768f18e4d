"""A study in words: what stands in its tables, and what was noticed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast

import polars as pl

from gutbrain.study.part import Finding
from gutbrain.study.schema import TABLES
from gutbrain.study.study import Study

WIDEST = 40  # signs of a text that is shown
MOST = 12  # rows of a list before it is cut


def describe(study: Study, most: int = MOST) -> str:
    """Return what a study holds: sources, tables, people, quantities with ranges, forms, findings."""
    lines = [str(study.about.get("title") or "A study without a title")]
    lines += [str(study.about[key]) for key in ("citation", "licence") if study.about.get(key)]
    lines += [f"origin: {study.origin}", "", "tables"]
    lines += columns([(f"  {name}", f"{len(study.tables[name]):,}", TABLES[name].about) for name in TABLES])
    sources = study.about.get("sources", [])
    if sources:
        lines += ["", "read from", *cut([f"  {source['file']}: {source['reader']}" for source in sources], most)]
    lines += _people(study, most)
    lines += _abundances(study)
    lines += _readings(study.readings, most)
    lines += _answers(study.answers, most)
    lines += _beats(study.beats)
    return "\n".join([*lines, "", *report(study.findings)])


def report(findings: Sequence[Finding]) -> list[str]:
    """Return the quality report: counts, then every finding on a line."""
    counts = {kind: sum(finding.severity == kind for finding in findings) for kind in ("error", "warning", "note")}
    head = ", ".join(f"{count} {kind}s" if count != 1 else f"1 {kind}" for kind, count in counts.items())
    return [f"quality: {head}", *(f"  {finding}" for finding in findings)]


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Set texts under each other."""
    table = [[str(cell) for cell in row] for row in rows]
    if not table:
        return []
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def cut(lines: Sequence[str], most: int) -> list[str]:
    """Return some lines and say how many more there are."""
    return [*lines[:most], *([f"  ... and {len(lines) - most} more"] if len(lines) > most else [])]


def _people(study: Study, most: int) -> list[str]:
    people = study.people
    if people.is_empty():
        return []
    visits = sorted(study.visits["visit"].unique().to_list(), key=_counting)
    lines = ["", f"people: {len(people)}" + (f"; visits: {', '.join(map(str, visits[:8]))}" if visits else "")]
    rows = []
    for table in ("people", "visits", "samples"):
        frame = study.tables[table]
        for name in frame.columns:
            if name in TABLES[table].columns:
                continue
            unit = study.units.get(f"{table}.{name}", "")
            rows.append((f"  {table}.{name}", unit, _range(frame[name]), f"{frame[name].null_count()} missing"))
    return [*lines, *cut(columns(rows), most)]


def _counting(name: str) -> list[tuple[int, str]]:
    """Order 2 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _range(values: pl.Series) -> str:
    known = values.drop_nulls()
    if known.is_empty():
        return "nothing"
    if known.dtype.is_numeric():
        return spread(known, "g")
    counts = known.value_counts().sort("count", known.name, descending=[True, False]).head(5)
    return ", ".join(f"{_short(str(name))} {count}" for name, count in counts.iter_rows())


def _short(text: str) -> str:
    """Return a text on one line that is no wider than a column of the report."""
    line = " ".join(text.split())
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 3]}..."


def spread(values: pl.Series, form: str) -> str:
    """Return least, largest and middle of some numbers."""
    least, largest, middle = (float(cast("float", found)) for found in (values.min(), values.max(), values.median()))
    return f"{least:{form}} to {largest:{form}}, median {middle:{form}}"


def _abundances(study: Study) -> list[str]:
    rows = study.abundances
    if rows.is_empty():
        return []
    lines = ["", f"abundances: {rows['sample'].n_unique()} samples x {rows['feature'].n_unique()} features"]
    totals = rows.group_by("unit", "sample").agg(pl.col("value").sum())
    for (unit,), some in totals.group_by("unit", maintain_order=True):
        total = some["value"]
        lines.append(f"  {unit} a sample: {spread(total, ',.6g')}")
    return lines


def _readings(readings: pl.DataFrame, most: int) -> list[str]:
    if readings.is_empty():
        return []
    table = readings.group_by("quantity", "unit", maintain_order=True).agg(
        pl.len(), pl.col("person").n_unique().alias("people"), pl.col("value").min().alias("low"),
        pl.col("value").median().alias("middle"), pl.col("value").max().alias("high"),
        pl.col("limit").is_not_null().sum().alias("censored"),
    )  # fmt: skip
    rows = [
        (f"  {row['quantity']} [{row['unit']}]", f"{row['len']} values of {row['people']} people",
         f"{row['low']:.4g} to {row['high']:.4g}, median {row['middle']:.4g}",
         f"{row['censored']} beyond a limit" if row["censored"] else "")
        for row in table.iter_rows(named=True)
    ]  # fmt: skip
    return ["", "readings", *cut(columns(rows), most)]


def _answers(answers: pl.DataFrame, most: int) -> list[str]:
    if answers.is_empty():
        return []
    table = answers.group_by("form", maintain_order=True).agg(
        pl.col("item").n_unique().alias("items"), pl.col("person").n_unique().alias("people"), pl.len(),
        pl.col("value").min().alias("low"), pl.col("value").max().alias("high"),
    )  # fmt: skip
    rows = [
        (f"  {row['form']}", f"{row['items']} items", f"{row['people']} people", f"{row['len']:,} answers",
         f"{row['low']:g} to {row['high']:g}")
        for row in table.iter_rows(named=True)
    ]  # fmt: skip
    return ["", "answers", *cut(columns(rows), most)]


def _beats(beats: pl.DataFrame) -> list[str]:
    if beats.is_empty():
        return []
    recordings = beats.select("person", "recording").n_unique()
    return ["", f"beats: {len(beats):,} intervals in {recordings} recordings, {spread(beats['rr'], '.0f')} ms"]
