"""Taxonomy tables: names on one side, a lineage or ranks on the other."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import read_text, repeated
from gutbrain.people.taxa import RANKS, clean

_LINEAGE_COLUMNS = ("taxonomy", "lineage", "taxon", "consensus lineage", "consensuslineage")
_RANK_LETTERS = dict(zip(RANKS, "kpcofgs", strict=True))


def says_lineage(column: str) -> bool:
    """Whether a column of this name holds a lineage or one rank of it."""
    return column.lower().strip() in (*_LINEAGE_COLUMNS, *RANKS)


def join_ranks(names: list[str], columns: dict[str, list[str | None]]) -> dict[str, str]:
    """Join ranks (or take a whole lineage) into one text a name."""
    whole = next((columns[name] for name in _LINEAGE_COLUMNS if name in columns), None)
    if whole is not None:
        return {name: value or "" for name, value in zip(names, whole, strict=True)}
    result = {}
    for k, name in enumerate(names):
        parts = {rank: (columns[rank][k] or "").strip() for rank in RANKS if rank in columns}
        marked = [
            part if clean(part)[0] else f"{_RANK_LETTERS[rank]}__{part}"
            for rank, part in parts.items()
            if part not in ("", "NA")
        ]
        result[name] = ";".join(marked)
    return result


def read_taxonomy(taxonomy: str | Path | pl.DataFrame) -> dict[str, str]:
    """Read a taxonomy table.

    Parameters
    ----------
    taxonomy : file or DataFrame; first column the names that the counts use, then either a column
        `Taxon`, `taxonomy` or `lineage`, or columns named by ranks (Kingdom to Species)

    Returns
    -------
    dict : lineage of each name

    Raises
    ------
    InputError : no such columns, a name that stands twice
    """
    if isinstance(taxonomy, pl.DataFrame):
        file: Path | None = None
        header = taxonomy.columns
        body = [taxonomy[name].cast(pl.String).to_list() for name in header]
    else:
        text = read_text(taxonomy)
        file, header = text.source, list(text.header)
        body = [text.column(k).to_list() for k in range(len(header))]
    columns = {name.lower().strip(): body[k] for k, name in enumerate(header) if k > 0}
    if not any(says_lineage(name) for name in columns):
        mend = "Name the columns Kingdom, Phylum, Class, Order, Family, Genus, or put the lineage in one called Taxon."
        raise InputError("the taxonomy has no ranks", file=file, mend=mend)
    names = [name or "" for name in body[0]]
    twice = repeated(names)
    if twice:
        raise InputError("this name stands twice in the taxonomy", file=file, row=twice[0], mend="Keep one row of it.")
    return join_ranks(names, columns)
