"""BIOM 2: sparse arrays in HDF5, with every index checked before it is used."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from gutbrain.errors import InputError
from gutbrain.study.part import Finding

LARGEST = 4 * 1024**3  # bytes that an array may have in memory
_HEAP = b"GCOL\x01\x00\x00\x00"


@dataclass(frozen=True)
class Sparse:
    """A table of amounts, sparse.

    Parameters
    ----------
    samples, features : names
    sample_at, feature_at, values : index of sample and feature, and value, of each entry (arrays [n])
    sample_columns, feature_columns : metadata, one value a sample or feature
    type : what the file says it is, such as `OTU table`
    reader : format and version
    findings : what was noticed
    """

    samples: list[str]
    features: list[str]
    sample_at: np.ndarray
    feature_at: np.ndarray
    values: np.ndarray
    sample_columns: dict[str, list[Any]] = field(default_factory=dict)
    feature_columns: dict[str, list[Any]] = field(default_factory=dict)
    type: str = ""
    reader: str = ""
    findings: tuple[Finding, ...] = ()


def read_hdf5(file: BinaryIO, name: str) -> Sparse:
    """Read BIOM 2 from an open file.

    Raises
    ------
    InputError
        For a file that HDF5 cannot open, that lacks a part, points outside itself, or is larger than memory allows.
    """
    import h5py

    _check_texts(file, name)
    try:
        book = h5py.File(file, "r")
    except (OSError, RuntimeError, ValueError) as error:
        what = "this HDF5 file is broken or cut off"
        raise InputError(what, file=name, mend="Copy it again; its size should be that of the origin") from error
    with book:
        features = _names(book, "observation/ids", name)
        samples = _names(book, "sample/ids", name)
        sample_at, feature_at, values = _matrix(book, len(samples), len(features), name)
        attributes = {key: _attribute(book, key) for key in ("format-version", "type", "nnz")}
        found = []
        entries = attributes["nnz"]
        if entries is not None and np.size(entries) == 1 and int(np.ravel(entries)[0]) != values.size:
            what = f"the file says it has {int(np.ravel(entries)[0])} entries, and has {values.size}"
            found.append(Finding("warning", name.rsplit("/", 1)[-1], "", what, "See whether it was cut"))
        version = ".".join(str(int(k)) for k in np.ravel(attributes["format-version"])[:2]) if (
            attributes["format-version"] is not None
        ) else "2"  # fmt: skip
        kind = attributes["type"]
        kind = kind.decode("utf-8", "replace") if isinstance(kind, bytes) else str(kind or "")
        return Sparse(
            samples, features, sample_at, feature_at, values, _metadata(book, "sample", len(samples), name),
            _metadata(book, "observation", len(features), name), kind,
            f"BIOM {version} (HDF5)" + (f": {kind}" if kind else ""), tuple(found),
        )  # fmt: skip


def _check_texts(file: BinaryIO, name: str) -> None:
    """Refuse heaps of text of which an entry has no length: HDF5 2.0 reads them for ever (HDFGroup/hdf5 issue 1707)."""
    raw: bytes | mmap.mmap
    try:
        raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # an archive's member lies in memory
        raw = file.read()
        file.seek(0)
    at = raw.find(_HEAP)
    while at >= 0:
        end = at + int.from_bytes(raw[at + 8 : at + 16], "little")
        entry = at + 16
        while entry + 16 <= min(end, len(raw)):
            number = int.from_bytes(raw[entry : entry + 2], "little")
            length = int.from_bytes(raw[entry + 8 : entry + 16], "little")
            # Entry 0 is free space and counts its own header; texts are padded to 8 bytes.
            entry += length if number == 0 else 16 + -(-length // 8) * 8
            if length == number == 0 or entry > end:
                what = "the texts of this HDF5 file are broken"
                raise InputError(what, file=name, mend="Copy the file again, or write it with `biom convert`")
        at = raw.find(_HEAP, at + 1)
    if isinstance(raw, mmap.mmap):
        raw.close()


def _attribute(book: Any, key: str) -> Any:
    try:
        # HDF5 ends the process on some broken types: only plain ones are read.
        return book.attrs.get(key) if key in book.attrs and _plain(book.attrs.get_id(key).dtype) else None
    except (OSError, TypeError, ValueError, RuntimeError, KeyError):
        return None  # such an attribute only describes


def _plain(dtype: Any) -> bool:
    """Whether values are numbers or texts."""
    import h5py

    return h5py.check_string_dtype(dtype) is not None or dtype.kind in "iufb"


def _array(book: Any, key: str, name: str) -> Any:
    """Return a data set of the file itself, not larger than memory allows."""
    import h5py

    group = book
    for part in key.split("/"):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            what = f"this HDF5 file is no BIOM table: it has no {key!r}"
            raise InputError(what, file=name, mend="Give a BIOM 2 file")
        if isinstance(link, h5py.ExternalLink):
            raise InputError(f"{key!r} points to another file", file=name, mend="Give a table that holds its data")
        group = group[part]
    if not isinstance(group, h5py.Dataset):
        raise InputError(f"{key!r} is no array", file=name, mend="Give a BIOM 2 file")
    if group.external or group.is_virtual:
        raise InputError(f"{key!r} lies in another file", file=name, mend="Give a table that holds its data")
    if not _plain(group.dtype):
        raise InputError(f"{key!r} holds neither numbers nor texts", file=name, mend="Write the table again")
    if group.size is None or group.size * max(group.dtype.itemsize, 1) > LARGEST:
        raise InputError(f"{key!r} would need more than 4 GB", file=name, mend="See whether the file is what it says")
    return group


def _names(book: Any, key: str, name: str) -> list[str]:
    array = _array(book, key, name)
    if array.ndim != 1:
        raise InputError(f"{key!r} is no list", file=name, mend="Write the table again")
    return [] if array.size == 0 else [str(value) for value in _texts(array)]


def _texts(array: Any) -> list[Any]:
    """Values of an array as Python's own: text, numbers, lists of texts."""
    import h5py

    if h5py.check_string_dtype(array.dtype) is not None:
        return list(array.asstr(errors="replace")[:].tolist())
    return list(array[:].tolist())


def _matrix(book: Any, samples: int, features: int, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sample and feature index and value of each entry, by sample (or by feature where only that is there)."""
    by_sample = "sample/matrix" in book
    axis, own, other = ("sample", samples, features) if by_sample else ("observation", features, samples)
    pointers = _array(book, f"{axis}/matrix/indptr", name)
    indices = _array(book, f"{axis}/matrix/indices", name)
    data = _array(book, f"{axis}/matrix/data", name)
    if data.ndim != 1 or data.shape != indices.shape or pointers.shape != (own + 1,):
        what = f"arrays of {axis!r} do not fit together ({pointers.size - 1} of {own} {axis}s, {data.size} values)"
        raise InputError(what, file=name, mend="Write the table again")
    if not (pointers.dtype.kind in "iu" and indices.dtype.kind in "iu" and data.dtype.kind in "iuf"):
        raise InputError(f"an array of {axis!r} holds no numbers", file=name, mend="Write the table again")
    begins = pointers[:].astype(np.int64)
    inner = indices[:].astype(np.int64)
    if begins[0] != 0 or begins[-1] != data.size or np.any(np.diff(begins) < 0):
        raise InputError(f"the pointers of {axis!r} do not count its values", file=name, mend="Write the table again")
    if inner.size and (inner.min() < 0 or inner.max() >= other):
        raise InputError(f"an index of {axis!r} points outside the table", file=name, mend="Write the table again")
    outer = np.repeat(np.arange(own), np.diff(begins))
    values = data[:].astype(np.float64)
    return (outer, inner, values) if by_sample else (inner, outer, values)


def _metadata(book: Any, axis: str, count: int, name: str) -> dict[str, list[Any]]:
    """Columns of metadata; `taxonomy` may be a table of ranks."""
    import h5py

    group = book.get(f"{axis}/metadata")
    if not isinstance(group, h5py.Group):
        return {}
    columns = {}
    for key in group:
        array = _array(book, f"{axis}/metadata/{key}", name)
        if array.ndim in (1, 2) and array.shape[0] == count and array.size:
            columns[key.replace("@@SLASH@@", "/")] = _texts(array)
    return columns
