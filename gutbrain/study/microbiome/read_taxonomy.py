"""Taxonomy files: names of features on one side, a lineage or ranks on the other."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import TextTable
from gutbrain.people.taxonomy import read_taxonomy as lineages_of
from gutbrain.study.mapped.sheet import read_sheet
from gutbrain.study.microbiome.amounts import make_features
from gutbrain.study.part import Part

DOMAINS = ("domain", "superkingdom")


def read_taxonomy(
    path: str | Path, *, source: str | None = None, separator: str | None = None, sheet: str | None = None
) -> Part:
    """Read a taxonomy file.

    Parameters
    ----------
    path : CSV, TSV or XLSX; first column the names that the amounts use, then a column `Taxon`, `taxonomy` or
        `lineage`, or columns named by ranks (Kingdom or Domain to Species)
    source : database of the lineages, as `gutbrain.study.microbiome.lineage.ranks` takes it
    separator, sheet : of a text file or a workbook, where they cannot be told

    Returns
    -------
    Part : features

    Raises
    ------
    InputError
        For a file that cannot be read, has no ranks, or names a feature twice.
    """
    text, noticed = read_sheet(path, separator=separator, sheet=sheet)
    lineages = read_lineages(text)
    features, found = make_features(text.source.name, list(lineages), lineages, "taxon", source)
    return Part({"features": features}, findings=(*noticed, *found), reader="taxonomy")


def read_lineages(text: TextTable) -> dict[str, str]:
    """Return the lineage of each name of a table.

    Raises
    ------
    InputError
        For a table without ranks, or a name that is missing or stands twice.
    """
    first = text.column(0)
    if first.null_count():
        line = text.lines[int(first.is_null().arg_max() or 0)]
        raise InputError("this row has no name", file=text.source, row=line, mend="Name the feature")
    frame = rename_domain(text.frame())
    try:
        return lineages_of(frame)
    except InputError as error:
        raise InputError(error.what, file=text.source, row=error.row, field=error.field, mend=error.mend) from error


def rename_domain(frame: pl.DataFrame) -> pl.DataFrame:
    """Call the top rank `Kingdom`, as most tables do; an own column of kingdoms gives way to the domain."""
    lowered = {name.lower().strip(): name for name in frame.columns[1:]}
    top = next((lowered[name] for name in DOMAINS if name in lowered), None)
    if top is None:
        return frame
    return frame.drop([lowered["kingdom"]] if "kingdom" in lowered else []).rename({top: "kingdom"})
