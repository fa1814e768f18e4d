"""Matrices of amounts as text or workbook: taxa in rows and samples in columns, or the other way round.

Workbooks go through openpyxl, as those of all other tables: it gives every cell as it stands, with its row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.people import taxa
from gutbrain.people.delimited import TextTable, shorten
from gutbrain.people.taxonomy import join_ranks, says_lineage
from gutbrain.study.mapped.sheet import read_sheet
from gutbrain.study.microbiome.amounts import (
    decide_unit,
    empty_samples,
    long_table,
    looks_like_sequence,
    make_features,
    of_material,
    refuse_twice,
)
from gutbrain.study.microbiome.lineage import looks_like_lineage
from gutbrain.study.microbiome.matrix_cells import MISSING, to_numbers
from gutbrain.study.microbiome.read_taxonomy import DOMAINS, read_lineages
from gutbrain.study.part import Finding, Part

_VARIANT = re.compile(r"^(?:z?otu|asv|sv|denovo|seq|sq|variant|feature|msp)[ _.-]?\d+$|^[0-9a-f]{32}$|^K\d{5}$", re.I)
_TAXA_CORNER = re.compile(r"taxon|taxa|otu|asv|feature|genus|species|family|phylum|lineage|gene|bacteri|sequence", re.I)
_SAMPLE_CORNER = re.compile(r"sample|subject|person|participant|patient|library|run\b", re.I)
_BESIDE = ("confidence", "consensus confidence")  # numbers that stand beside a lineage and are no sample
_NUMBER = r"^[+-]?[.,]?\d[\d.,eE+-]*\s*%?$"
MOSTLY = 0.8
_TOTALS = ("total", "totals", "sum", "rowsum", "row_sum", "grand total")


def read_matrix(
    path: str | Path, *, samples: str | None = None, unit: str | None = None, decimal: str | None = None,
    taxonomy: str | Path | None = None, source: str | None = None, rank: str | None = None, kind: str | None = None,
    sample_ids: Collection[str] = (), leave_out: Sequence[str] = (), empty: str = "refuse",
    separator: str | None = None, sheet: str | None = None, material: str | None = None,
) -> Part:  # fmt: skip
    """Read a matrix of amounts.

    Parameters
    ----------
    path : CSV, TSV, TXT or XLSX; names in the first column and in the header. Columns named `taxonomy` or by ranks
        give the lineages.
    samples : `rows` or `columns`; seen from the names without it
    unit : of the values; looked at and told without it
    decimal : `.` or `,`; seen from the cells without it
    taxonomy : file of names and lineages (see `read_taxonomy`); looked for beside the matrix too
    source, rank, kind : of the names, as `gutbrain.study.microbiome.amounts.make_features` takes them
    sample_ids : samples that are known from elsewhere; they decide the orientation
    leave_out : names of columns or rows that are no samples or taxa
    empty : `refuse` missing cells, or take them as `zero`
    separator, sheet : of a text file or a workbook, where they cannot be told
    material : of all samples, such as `stool`

    Returns
    -------
    Part : samples, features, abundances

    Raises
    ------
    InputError
        For a file that cannot be read, cells that are no amounts (with line and column), names that stand twice,
        an orientation, a unit or a decimal mark that cannot be told.
    """
    if samples not in (None, "rows", "columns"):
        raise InputError(f"samples cannot lie in {samples!r}", file=path, field="samples", mend="Use rows or columns")
    if empty not in ("refuse", "zero"):
        raise InputError(f"there is no way {empty!r}", file=path, field="empty", mend="Use refuse or zero")
    text, noticed = read_sheet(path, separator=separator, sheet=sheet)
    found, file = list(noticed), text.source.name
    text = _without(text, [leave_out] if isinstance(leave_out, str) else leave_out)
    own, columns = _lineage_columns(text)
    columns = _amounts_only(text, columns, found)
    names = [name or "" for name in text.column(0)]
    for line, name in zip(text.lines, names, strict=True):
        if not name:
            raise InputError("this row has no name", file=text.source, row=line, mend="Name the taxon or sample")
    across = [text.header[k] for k in columns]
    lineages = own | (_taxonomy(taxonomy, text.source) if taxonomy is not None else {})
    in_rows = samples == "rows"
    if samples is None:
        in_rows, why = _orient(text, names, across, lineages, bool(own), sample_ids)
        side, other = ("rows", "columns") if in_rows else ("columns", "rows")
        what = f"samples were taken from the {side}: {why}"
        found.append(Finding("note", file, "", what, f'`samples = "{other}"` overrides this'))
    values, percent, told = to_numbers(text, columns, names, decimal, empty)
    found += told
    _refuse_totals(text, names, across, values)
    taken, features = (names, across) if in_rows else (across, names)
    refuse_twice(str(text.source), "sample", taken)
    refuse_twice(str(text.source), "feature", features)
    amounts = values if in_rows else values.T
    totals = amounts.sum(1)
    sample_at, feature_at = np.nonzero(amounts)
    entries = amounts[sample_at, feature_at]
    try:
        unit, told = decide_unit(file, entries, totals, taken, unit or ("percent" if percent else None))
        made, more = make_features(file, features, lineages or None, kind, source, rank)
    except InputError as error:
        raise InputError(error.what, file=text.source, row=error.row, field=error.field, mend=error.mend) from error
    found += [*told, *more, *_unmatched(file, features, lineages, taxonomy), *empty_samples(file, taken, totals)]
    tables = {
        "samples": pl.DataFrame({"sample": taken}, schema={"sample": pl.String}),
        "features": made,
        "abundances": long_table(taken, features, sample_at, feature_at, entries, unit),
    }
    where = "rows" if in_rows else "columns"
    part = Part(tables, findings=tuple(found), reader=f"matrix of amounts, samples in {where}")
    return of_material(part, material)


def _without(text: TextTable, leave_out: Sequence[str]) -> TextTable:
    """Table without the columns and rows that the user left out."""
    if not leave_out:
        return text
    rows = [k for k, name in enumerate(text.column(0)) if name not in leave_out]
    columns = [k for k, name in enumerate(text.header) if k == 0 or name not in leave_out]
    known = {*text.header[1:], *text.column(0)}
    unknown = [name for name in leave_out if name not in known]
    if unknown:
        what = f"there is no column or row {unknown[0]!r} to leave out"
        raise InputError(what, file=text.source, field="leave_out", mend="Correct the name")
    body = text.body.select(text.body.columns[k] for k in columns)[rows]
    body.columns = [str(k) for k in range(len(columns))]
    return replace(
        text, header=tuple(text.header[k] for k in columns), body=body, lines=tuple(text.lines[k] for k in rows)
    )


def _lineage_columns(text: TextTable) -> tuple[dict[str, str], list[int]]:
    """Lineages that stand beside the amounts, and the columns that are left."""
    lowered = [name.lower().strip() for name in text.header]
    if "kingdom" not in lowered:
        lowered = ["kingdom" if name in DOMAINS else name for name in lowered]
    found = [
        k for k, name in enumerate(lowered)
        if k > 0 and (says_lineage(name) or name in DOMAINS)
        and text.column(k).cast(pl.Float64, strict=False).null_count() > 0
    ]  # fmt: skip
    left = [k for k in range(1, len(lowered)) if k not in found]
    if not found:
        return {}, left
    columns = {lowered[k]: text.column(k).to_list() for k in found}
    left = [k for k in left if lowered[k] not in _BESIDE]
    names = [name or "" for name in text.column(0)]
    return {name: lineage for name, lineage in join_ranks(names, columns).items() if lineage}, left


def _amounts_only(text: TextTable, columns: list[int], found: list[Finding]) -> list[int]:
    """Columns that hold a number somewhere; a column of texts is told and left out."""
    without = []
    for k in columns:
        cells = text.column(k).drop_nulls()
        cells = cells.filter(~cells.is_in(MISSING))
        if len(cells) == 0 or (len(text.lines) > 2 and not cells.str.contains(_NUMBER).any()):
            without.append(k)
    if without:
        what = f"{len(without)} columns hold no number and were left out: {shorten([text.header[k] for k in without])}"
        found.append(Finding("warning", text.source.name, "", what, "Name them in `leave_out`, or correct them"))
    left = [k for k in columns if k not in without]
    if not left:
        raise InputError(
            "there are no amounts beside the names", file=text.source, row=text.lines[0],
            mend="Give names in the first column and numbers in the others; see whether the separator is right",
        )  # fmt: skip
    return left


def _taxonomy(taxonomy: str | Path, matrix: Path) -> dict[str, str]:
    path = Path(taxonomy)
    if not path.is_absolute() and not path.is_file():
        path = matrix.parent / path
    return read_lineages(read_sheet(path)[0])


def _unmatched(
    file: str, features: Sequence[str], lineages: Mapping[str, str], taxonomy: str | Path | None
) -> list[Finding]:
    """Warn of features that the taxonomy file lacks."""
    lacking = [name for name in features if name not in lineages] if taxonomy is not None else []
    if not lacking:
        return []
    named = shorten([name[:40] for name in lacking], 3)
    what = f"{len(lacking)} of {len(features)} features are not in the taxonomy: {named}"
    if len(lacking) == len(features):
        raise InputError(what, file=file, field="taxonomy", mend="Give the taxonomy that uses the same names")
    return [Finding("warning", file, "", what, "See whether both files come from the same run")]


def sniff(path: str | Path) -> str | None:
    """Recognise a matrix of amounts: names of taxa, variants or genes on one side, numbers in most other cells."""
    try:
        text, _ = read_sheet(path)
        names = [name or "" for name in text.column(0)]
        rest = [text.column(k).drop_nulls() for k in range(1, len(text.header))]
        numbers = sum(bool(cells.head(200).str.contains(_NUMBER).all()) for cells in rest if len(cells))
        taxa_like = max(_taxa_like(names) / len(names), _taxa_like(text.header[1:]) / max(len(rest), 1))
    except (InputError, OSError):
        return None
    return "matrix" if numbers > MOSTLY * len(rest) and taxa_like > MOSTLY / 2 else None


def _orient(
    text: TextTable, down: Sequence[str], across: Sequence[str], lineages: Mapping[str, str], beside: bool,
    sample_ids: Collection[str],
) -> tuple[bool, str]:  # fmt: skip
    """Whether samples lie in the rows, and why.

    Raises
    ------
    InputError
        Where the names do not tell.
    """
    if beside:
        return False, "lineages stand beside the rows"
    for known, what, samples in ((set(sample_ids), "known samples", True), (set(lineages), "in the taxonomy", False)):
        rows, columns = (sum(name in known for name in names) for names in (down, across))
        if rows != columns:
            more, of = (rows, len(down)) if rows > columns else (columns, len(across))
            side = "rows" if rows > columns else "columns"
            return (rows > columns) == samples, f"{more} of {of} names of {side} are {what}"
    rows, columns = _taxa_like(down), _taxa_like(across)
    shares = rows / len(down), columns / len(across)
    if max(shares) > 0.1 and max(shares) > 2 * min(shares):
        side, share = ("rows", shares[0]) if shares[0] > shares[1] else ("columns", shares[1])
        return side == "columns", f"{share:.0%} of the names of {side} are those of taxa, variants or genes"
    corner = text.header[0]
    if bool(_TAXA_CORNER.search(corner)) != bool(_SAMPLE_CORNER.search(corner)):
        return bool(_SAMPLE_CORNER.search(corner)), f"the first column is called {corner!r}"
    what = f"it cannot be told whether samples lie in rows ({down[0][:40]!r}) or columns ({across[0][:40]!r})"
    raise InputError(what, file=text.source, field="samples", mend='Declare `samples`, "rows" or "columns"')


def _taxa_like(names: Sequence[str]) -> int:
    """Count the names that are sequences, variants, genes, lineages or known taxa."""
    plain = [
        name for name in names
        if not (looks_like_sequence(name) or _VARIANT.match(name) or looks_like_lineage(name))
    ]  # fmt: skip
    return len(names) - len(plain) + (taxa.maps(plain) if plain else 0)


def _refuse_totals(text: TextTable, down: Sequence[str], across: Sequence[str], values: np.ndarray) -> None:
    """Refuse a row or column of totals: it would be read as a sample or taxon."""
    for names, amounts, what in ((across, values.T, "column"), (down, values, "row")):
        for k, name in enumerate(names):
            if name.lower().strip() in _TOTALS and np.allclose(2 * amounts[k], amounts.sum(0)):
                told = f"the {what} {name!r} is the sum of all others"
                raise InputError(told, file=text.source, mend=f'Declare `leave_out = ["{name}"]`')
