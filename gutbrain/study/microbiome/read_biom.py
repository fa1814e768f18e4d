"""BIOM tables: version 1 (JSON) and 2 (HDF5), read sparse.

The HDF5 arrays are read with h5py and checked here: biom-format trusts the indices of a file, and a wrong one
ends the process instead of raising. Its tables are what the tests compare with.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import shorten
from gutbrain.people.taxonomy import join_ranks, says_lineage
from gutbrain.study.microbiome.amounts import (
    decide_unit,
    empty_samples,
    long_table,
    make_features,
    of_material,
    refuse_twice,
    refuse_values,
)
from gutbrain.study.microbiome.read_biom_hdf5 import Sparse, read_hdf5
from gutbrain.study.part import Finding, Part
from gutbrain.study.schema import TABLES

LARGEST_JSON = 1024**3
_HDF5, _GZIP = b"\x89HDF\r\n\x1a\n", b"\x1f\x8b"
# What the type of a table says about its rows; "OTU table" and "Taxon table" hold taxa.
_KINDS = {"otu": "taxon", "taxon": "taxon", "gene": "gene", "ortholog": "gene", "pathway": "pathway"}
_KINDS |= {"function": "other", "metabolite": "other"}
_BROKEN = (OSError, LookupError, ValueError, TypeError, RuntimeError, AttributeError, ArithmeticError, MemoryError)


def read_biom(
    path: str | Path, *, unit: str | None = None, kind: str | None = None, source: str | None = None,
    rank: str | None = None, material: str | None = None,
) -> Part:  # fmt: skip
    """Read a BIOM file.

    Parameters
    ----------
    path : file of BIOM 1 (JSON, also gzipped) or BIOM 2 (HDF5)
    unit : of the values; looked at and told without it
    kind : of the rows (taxon, gene, pathway, other); from the type of the table without it
    source, rank : of the names, as `gutbrain.study.microbiome.lineage.ranks` takes them
    material : of all samples, such as `stool`

    Returns
    -------
    Part : samples (with the file's metadata as covariates), features, abundances

    Raises
    ------
    InputError
        For a file that is no BIOM table, is broken or truncated, or holds values that are no amounts.
    """
    path = Path(path)
    if not path.is_file():
        what = "this is a folder, not a file" if path.is_dir() else "there is no such file"
        raise InputError(what, file=path, mend="Give the path of a BIOM file")
    with path.open("rb") as file:
        part = read_biom_bytes(file, str(path), unit=unit, kind=kind, source=source, rank=rank)
    return of_material(part, material)


def read_biom_bytes(
    file: BinaryIO, name: str, *, unit: str | None = None, kind: str | None = None, source: str | None = None,
    rank: str | None = None,
) -> Part:  # fmt: skip
    """Read a BIOM table from an open file, such as a member of an archive; see `read_biom`."""
    begin = file.read(8)
    file.seek(0)
    try:
        if begin == _HDF5:
            table = read_hdf5(file, name)
        elif begin.startswith(_GZIP):
            table = _json(_text(_unpack(file, name), name), name)
        else:
            file.seek(0, io.SEEK_END)
            size = file.tell()
            file.seek(0)
            _check_size(size, name)
            table = _json(_text(file.read(), name), name)
    except InputError:
        raise
    except _BROKEN as error:
        what = f"this BIOM file is broken ({type(error).__name__})"
        raise InputError(what, file=name, mend="Write it again with `biom convert`, or copy it again") from error
    return _part(table, name, unit, kind, source, rank)


def _part(table: Sparse, name: str, unit: str | None, kind: str | None, source: str | None, rank: str | None) -> Part:
    short = Path(name).name
    if not table.samples or not table.features:
        raise InputError("the table is empty", file=name, mend="Give a table with samples and features")
    refuse_twice(name, "sample", table.samples)
    refuse_twice(name, "feature", table.features)
    refuse_values(name, table.values, [(table.features, table.feature_at), (table.samples, table.sample_at)])
    _refuse_cells_twice(table, name)
    totals = np.bincount(table.sample_at, table.values, minlength=len(table.samples))
    try:
        unit, found = decide_unit(short, table.values[table.values != 0], totals, table.samples, unit)
        kind = kind or _KINDS.get(table.type.split(" ")[0].lower())
        features, told = make_features(short, table.features, _lineages(table), kind, source, rank)
    except InputError as error:
        raise InputError(error.what, file=name, row=error.row, field=error.field, mend=error.mend) from error
    found += [*table.findings, *told, *empty_samples(short, table.samples, totals)]
    samples, told = _covariates(table, short)
    tables = {
        "samples": samples,
        "features": features,
        "abundances": long_table(table.samples, table.features, table.sample_at, table.feature_at, table.values, unit),
    }
    return Part(tables, findings=(*found, *told), reader=table.reader)


def _refuse_cells_twice(table: Sparse, name: str) -> None:
    cells = table.sample_at.astype(np.int64) * len(table.features) + table.feature_at
    if np.all(np.diff(cells) > 0):
        return
    order = np.sort(cells)
    twice = order[:-1][np.diff(order) == 0]
    if twice.size:
        sample, feature = divmod(int(twice[0]), len(table.features))
        raise InputError(
            f"this cell stands twice ({twice.size} such cells)", file=name, row=table.features[feature],
            field=table.samples[sample], mend="Write the table again; which of the values holds cannot be told",
        )  # fmt: skip


def _lineages(table: Sparse) -> dict[str, str] | None:
    """Lineage of each feature, from one column of metadata or from several that are ranks."""
    columns: dict[str, list[str | None]] = {
        column.lower().strip(): [_joined(value) for value in values]
        for column, values in table.feature_columns.items()
        if says_lineage(column)
    }
    return join_ranks(list(table.features), columns) if columns else None


def _joined(value: Any) -> str | None:
    """Text of one cell of metadata; parts of a lineage may stand in a list."""
    if value is None:
        return None
    if isinstance(value, list | tuple | np.ndarray):
        parts = [_joined(part) or "" for part in value]
        while parts and not parts[-1]:
            parts.pop()
        return ";".join(parts)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _covariates(table: Sparse, short: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Metadata of samples as covariates: numbers stay numbers, all else is text."""
    columns = {
        column: pl.Series(values, dtype=pl.Float64)
        if all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values)
        else pl.Series([_joined(value) for value in values], dtype=pl.String)
        for column, values in table.sample_columns.items()
    }
    return covariates(table.samples, columns, short)


def covariates(
    samples: Sequence[str], columns: Mapping[str, pl.Series], file: str
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the table `samples` with columns of metadata, under names that do not clash with its own.

    Parameters
    ----------
    samples : names
    columns : of the file's metadata, one value a sample
    file : for messages
    """
    taken, found = {"sample": pl.Series(list(samples), dtype=pl.String)}, []
    for column, values in columns.items():
        plain = re.sub(r"\W+", "_", column).strip("_").lower() or "column"
        if values.null_count() == len(values):
            continue
        if plain in TABLES["samples"].columns:
            found.append(f"{column} as metadata_{plain}")
            plain = f"metadata_{plain}"
        while plain in taken:
            plain += "_"
        taken[plain] = values
    if not found:
        return pl.DataFrame(taken), []
    what = f"metadata named like columns of a study are kept under another name: {shorten(found)}"
    return pl.DataFrame(taken), [Finding("note", file, "", what, "Read the sheet of metadata with a map to place them")]


def _check_size(size: int, name: str) -> None:
    if size > LARGEST_JSON:
        what = f"this BIOM file of JSON has {size / 1e9:.1f} GB of text"
        raise InputError(what, file=name, mend="Convert it with `biom convert --to-hdf5`")


def _unpack(file: BinaryIO, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            raw = unpacked.read(LARGEST_JSON + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError("the gzip file is broken or cut off", file=name, mend="Copy it again") from error
    _check_size(len(raw), name)
    return raw


def _text(raw: bytes, name: str) -> str:
    if not raw.strip():
        raise InputError("the file is empty", file=name, mend="Give a BIOM table")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("this is neither HDF5 nor text: no BIOM file", file=name, mend="Give a BIOM file") from error


def _json(text: str, name: str) -> Sparse:
    """Read BIOM 1."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        what = "the file is cut off" if error.pos >= len(text.rstrip()) - 1 else f"this is no JSON ({error.msg})"
        mend = "Copy the file again; a table of text is read by the reader `matrix`"
        raise InputError(what, file=name, row=error.lineno, mend=mend) from error
    except (RecursionError, ValueError) as error:
        raise InputError("this is no JSON of a BIOM table", file=name, mend="Give a BIOM file") from error
    lacks = [key for key in ("rows", "columns", "data", "shape") if not isinstance(whole, dict) or key not in whole]
    if lacks:
        raise InputError(f"this JSON is no BIOM table: it has no {lacks[0]!r}", file=name, mend="Give a BIOM file")
    features, feature_columns = _axis(whole["rows"], "rows", name)
    samples, sample_columns = _axis(whole["columns"], "columns", name)
    if list(whole["shape"]) != [len(features), len(samples)]:
        what = f"the shape says {whole['shape']}, but there are {len(features)} rows and {len(samples)} columns"
        raise InputError(what, file=name, mend="Write the table again")
    dense = whole.get("matrix_type") == "dense"
    data = whole.pop("data")
    try:
        cells = np.array(data, dtype=float).reshape(-1, len(samples) if dense else 3)
    except (ValueError, TypeError, OverflowError) as error:
        what = "the data are no numbers" if not dense else "the data are no full matrix of numbers"
        raise InputError(what, file=name, mend="Sparse data are triples of row, column, value") from error
    if dense:
        if cells.shape[0] != len(features):
            raise InputError("the data have another number of rows than the shape says", file=name)
        feature_at, sample_at = np.nonzero(cells)
        values = cells[feature_at, sample_at]
    else:
        places = cells[:, :2]
        size = np.array([len(features), len(samples)])
        bad = ~(np.isfinite(places) & (places >= 0) & (places < size) & (places == np.rint(places))).all(1)
        if bad.any():
            what = f"entry {int(bad.argmax()) + 1} of the data points outside the table"
            raise InputError(what, file=name, mend="Write the table again")
        feature_at, sample_at = cells[:, 0].astype(np.int64), cells[:, 1].astype(np.int64)
        values = np.ascontiguousarray(cells[:, 2])
    version = re.search(r"\d+(?:\.\d+)*", str(whole.get("format") or ""))
    kind = str(whole.get("type") or "")
    reader = f"BIOM {version[0] if version else '1'} (JSON{', dense' if dense else ''})"
    return Sparse(
        samples, features, sample_at, feature_at, values, sample_columns, feature_columns, kind,
        f"{reader}: {kind}" if kind else reader,
    )  # fmt: skip


def _axis(entries: Any, axis: str, name: str) -> tuple[list[str], dict[str, list[Any]]]:
    """Names and columns of metadata of rows or columns."""
    if not isinstance(entries, list) or not all(isinstance(e, dict) and e.get("id") is not None for e in entries):
        raise InputError(f"an entry of {axis!r} has no id", file=name, mend="Write the table again")
    metadata = [entry.get("metadata") if isinstance(entry.get("metadata"), dict) else {} for entry in entries]
    columns = dict.fromkeys(key for entry in metadata for key in entry)
    return [str(entry["id"]) for entry in entries], {key: [m.get(key) for m in metadata] for key in columns}
