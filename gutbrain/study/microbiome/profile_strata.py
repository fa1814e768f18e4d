"""Rows of a table of functions: totals, and the rows of single taxa beneath them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.microbiome.profile_functions import which_kind
from gutbrain.study.microbiome.profile_part import Notes

STRATUM = r"^(?:[kdpcofgst]__.+|unclassified|unknown)$"


def split_names(printed: pl.DataFrame) -> pl.DataFrame:
    """Take function, its name and its taxon apart: `PWY-1: name|g__A.s__B`."""
    rows = printed.with_row_index("row")
    full = pl.col("printed")
    if "taxon" in printed.columns:
        rows = rows.with_columns(front=full, stratum=pl.col("taxon"))
    else:
        last, front = full.str.extract(r"\|([^|]*)$"), full.str.replace(r"\|[^|]*$", "")
        # Old gene names hold bars: behind one stands a taxon if it looks so, or if the front has a row of its own.
        split = last.is_not_null() & (last.str.contains(STRATUM) | front.is_in(printed["printed"].implode()))
        rows = rows.with_columns(front=pl.when(split).then(front).otherwise(full), stratum=pl.when(split).then(last))
    named = pl.col("front").str.contains(": ", literal=True)
    parts = pl.col("front").str.splitn(": ", 2)
    rows = rows.with_columns(
        base=pl.when(named).then(parts.struct.field("field_0")).otherwise("front").str.strip_chars(),
        name=pl.when(named).then(parts.struct.field("field_1").str.strip_chars()),
    )
    if "told" in printed.columns:
        rows = rows.with_columns(name=pl.coalesce("name", "told"))
    rows = rows.with_columns(name=pl.when(~pl.col("name").is_in(["NO_NAME", ""])).then("name"))
    base = rows["base"].unique(maintain_order=True)
    kinds = pl.DataFrame({"base": base, "kind": [which_kind(name) for name in base]})
    return rows.join(kinds, on="base", how="left", maintain_order="left").select(
        "row", "base", "name", "stratum", "kind"
    )


def choose_rows(rows: pl.DataFrame, stratified: bool, notes: Notes) -> pl.DataFrame:
    """Leave out rows of single taxa, where they were not asked for and totals stand beside them."""
    strata = rows.filter(pl.col("stratum").is_not_null())
    if stratified or strata.is_empty():
        return rows
    totals = rows.filter(pl.col("stratum").is_null() & (pl.col("kind") != "other"))
    if totals.is_empty():
        return rows
    notes.note(f"{len(strata)} rows of single taxa were left out", mend="Option `stratified = true` reads them")
    return rows.filter(pl.col("stratum").is_null())


def add_up(
    rows: pl.DataFrame, long: pl.DataFrame, stratified: bool, kind: str | None, source: Path, notes: Notes
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make totals of genes where the file has rows of single taxa only."""
    lonely = rows.filter(pl.col("stratum").is_not_null()).join(
        rows.filter(pl.col("stratum").is_null()), on="base", how="anti"
    )
    if stratified or lonely.is_empty():
        return rows, long
    if kind == "pathway" or (lonely["kind"] == "pathway").any():
        mend = "Read the unstratified table, or read rows of single taxa by `stratified = true`"
        raise InputError("pathways of single taxa do not sum to totals", file=source, mend=mend)
    notes.note("the table holds rows of single taxa only: they were added up", mend="`stratified = true` reads them")
    first = lonely.group_by("base", maintain_order=True).agg(pl.col("row").first(), pl.col("name", "kind").first())
    target = lonely.select(pl.col("row"), "base").join(first.select("base", total="row"), on="base")
    summed = (
        long.join(target.select("row", "total"), on="row")
        .group_by("sample", pl.col("total").alias("row"), maintain_order=True)
        .agg(pl.col("value").sum())
    )
    kept = rows.filter(pl.col("stratum").is_null())
    made = first.with_columns(stratum=pl.lit(None, pl.String)).select(rows.columns)
    old = long.join(kept.select("row"), on="row", how="semi")
    return pl.concat([kept, made]), pl.concat([old, summed.select(old.columns)])
