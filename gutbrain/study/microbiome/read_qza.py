"""QIIME 2 artifacts, read as the zip archives they are: nothing is unpacked to disk, provenance is not looked at."""

from __future__ import annotations

import csv
import io
import re
import stat
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import TextTable, repeated
from gutbrain.study.microbiome.amounts import make_features, of_material, refuse_twice
from gutbrain.study.microbiome.read_biom import covariates, read_biom_bytes
from gutbrain.study.microbiome.read_taxonomy import read_lineages
from gutbrain.study.part import Finding, Part

LARGEST = 4 * 1024**3
RATIO, SMALL = 200, 1_000_000  # small members may pack better
MEMBERS = 100_000
_UNITS = {"Frequency": "count", "RelativeFrequency": "share"}
_ROOT = re.compile(r"^[0-9a-fA-F-]{36}$")
_FEATURE_HEADER = re.compile(r"^(?:feature[ _-]?id|feature-?name|feature|#otu ?id)$", re.IGNORECASE)
_WHAT = "FeatureTable[Frequency], FeatureTable[RelativeFrequency], FeatureData[Taxonomy], tables of metadata"


def read_qza(
    path: str | Path, *, source: str | None = None, rank: str | None = None, material: str | None = None
) -> Part:
    """Read a QIIME 2 artifact.

    Parameters
    ----------
    path : .qza file
    source, rank : of the names, as `gutbrain.study.microbiome.lineage.ranks` takes them
    material : of all samples, such as `stool`

    Returns
    -------
    Part : samples, features and abundances of a feature table; features of a taxonomy; samples with covariates of
        metadata, alpha diversity and other tables of samples. `reader` names archive, framework and type.

    Raises
    ------
    InputError
        For a file that is no artifact, of another type, broken or cut off, or an archive that is not safe.
    """
    path = Path(path)
    if not path.is_file():
        what = "this is a folder, not a file" if path.is_dir() else "there is no such file"
        raise InputError(what, file=path, mend="Give the path of a .qza file")
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, path)
            return of_material(_read(archive, path, source, rank), material)
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        what = "this is no zip archive, or it is cut off or broken"
        raise InputError(what, file=path, mend="Export or copy the artifact again") from error


def check_archive(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse an archive that unpacks to too much, or points out of itself.

    Raises
    ------
    InputError
        Naming the member.
    """
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    packed = max(path.stat().st_size, 1)
    mend = "Do not open it; export the artifact again"
    if size > LARGEST or len(members) > MEMBERS or (size > SMALL and size > RATIO * packed):
        what = f"{len(members)} members unpack to {size / 1e9:.2f} GB, {size / packed:.0f} times the file: a zip bomb"
        raise InputError(what, file=path, mend=mend)
    for member in members:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or name.startswith(("/", "\\")) or re.match(r"^[A-Za-z]:", name):
            raise InputError(f"member {name!r} points out of the archive", file=path, mend=mend)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"member {name!r} is a link", file=path, mend=mend)
        if member.flag_bits & 1:
            raise InputError(f"member {name!r} is encrypted", file=path, mend="Export the artifact again")
        if member.file_size > SMALL and member.file_size > RATIO * max(member.compress_size, 1):
            what = f"member {name!r} unpacks to {member.file_size / 1e6:.0f} MB: a zip bomb"
            raise InputError(what, file=path, mend=mend)


def _read(archive: zipfile.ZipFile, path: Path, source: str | None, rank: str | None) -> Part:
    names = archive.namelist()
    roots = {name.split("/")[0] for name in names if name.endswith("/metadata.yaml") and name.count("/") == 1}
    roots = {root for root in roots if _ROOT.match(root)}
    if len(roots) != 1 or f"{min(roots)}/VERSION" not in names:
        what = "this zip archive is no QIIME 2 artifact (no folder with metadata.yaml and VERSION)"
        raise InputError(what, file=path, mend="Give a .qza file as QIIME 2 writes it")
    root = min(roots)
    about = _lines(archive, f"{root}/metadata.yaml", path)
    version = _lines(archive, f"{root}/VERSION", path)
    kind = about.get("type", "")
    archived, framework = version.get("archive", "?"), version.get("framework", "?")
    shown = f"QIIME 2 artifact (archive {archived}, framework {framework}): {kind}"
    data = [name for name in names if name.startswith(f"{root}/data/") and not name.endswith("/")]
    table = re.match(r"^FeatureTable\[(\w+)", kind)
    if table:
        if table[1] not in _UNITS:
            what = f"a feature table of {table[1]} holds no amounts"
            raise InputError(what, file=path, mend="Give the table of Frequency or RelativeFrequency it was made from")
        member = _only(data, (".biom",), path, kind)
        with archive.open(member) as file:
            inner = io.BytesIO(file.read())
        part = read_biom_bytes(inner, f"{path}/{member}", unit=_UNITS[table[1]], source=source, rank=rank)
        return replace(part, reader=f"{shown}, {part.reader}", findings=_named(part.findings, path))
    member = _only(data, (".tsv",), path, kind)
    sheet = _table(archive.read(member), path, member)
    if kind.startswith("FeatureData[Taxonomy"):
        lineages = read_lineages(sheet[0])
        features, found = make_features(path.name, list(lineages), lineages, "taxon", source, rank)
        return Part({"features": features}, findings=tuple(found), reader=shown)
    if kind.startswith(("SampleData[", "ImmutableMetadata", "Metadata")):
        return _metadata(*sheet, path, shown)
    raise InputError(f"type {kind or 'unknown'} is not read", file=path, mend=f"Types that are read: {_WHAT}")


def _named(findings: tuple[Finding, ...], path: Path) -> tuple[Finding, ...]:
    """Findings about a member, told about the artifact."""
    return tuple(replace(finding, file=path.name) for finding in findings)


def _lines(archive: zipfile.ZipFile, member: str, path: Path) -> dict[str, str]:
    """Read `key: value` lines; the two files hold nothing else."""
    try:
        text = archive.read(member).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{member} is no text", file=path, mend="Export the artifact again") from error
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key.strip(): value.strip().strip("\"'") for key, value in pairs}


def _only(members: list[str], endings: tuple[str, ...], path: Path, kind: str) -> str:
    fitting = [name for name in members if name.endswith(endings)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and endings == (".tsv",):
        raise InputError(f"type {kind or 'unknown'} is not read", file=path, mend=f"Types that are read: {_WHAT}")
    what = f"the artifact holds {len(fitting)} {endings[0]} files, and should hold one"
    raise InputError(what, file=path, mend="Export the artifact again")


def _table(raw: bytes, path: Path, member: str) -> tuple[TextTable, dict[str, str]]:
    """Read a table as QIIME 2 writes it: comments, a header, perhaps a row of types, then rows."""
    where = Path(f"{path}/{member.split('/', 1)[-1]}")
    try:
        text = raw.decode("utf-8-sig")
        rows = [
            (line, [cell.strip() for cell in cells])
            for line, cells in enumerate(csv.reader(io.StringIO(text, newline=""), dialect="excel-tab", strict=True), 1)
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("this table cannot be read", file=where, mend="Export the artifact again") from error
    rows = [(line, cells) for line, cells in rows if any(cells)]
    while len(rows) > 1 and rows[0][1][0].startswith("#") and len(rows[0][1]) == 1:
        rows = rows[1:]
    if not rows:
        raise InputError("the table is empty", file=where, mend="Export the artifact again")
    header, body = rows[0][1], rows[1:]
    directives = {cells[0]: cells[1:] for _, cells in body if cells[0].startswith("#q2:")}
    body = [(line, cells) for line, cells in body if not cells[0].startswith("#")]
    for line, cells in body:
        if len(cells) != len(header):
            what = f"this row has {len(cells)} fields, the header {len(header)}"
            raise InputError(what, file=where, row=line, mend="Export the artifact again")
    if not body or len(header) < 2:
        raise InputError("the table has no rows or no columns", file=where, mend="Export the artifact again")
    if twice := repeated(header):
        raise InputError("this column stands twice", file=where, row=rows[0][0], field=twice[0], mend="Rename one")
    filled = {str(k): [cells[k] or None for _, cells in body] for k in range(len(header))}
    frame = pl.DataFrame(filled, schema=dict.fromkeys(filled, pl.String))
    types = dict(zip(header[1:], directives.get("#q2:types", []), strict=False))
    return TextTable(where, tuple(header), frame, tuple(line for line, _ in body)), types


def _metadata(text: TextTable, types: dict[str, str], path: Path, shown: str) -> Part:
    """Tables of samples: their columns are covariates, numbers where all cells are (or the file says categorical)."""
    if _FEATURE_HEADER.match(text.header[0]):
        what = f"this metadata describes features (first column {text.header[0]!r})"
        raise InputError(what, file=path, mend="Metadata of samples and FeatureData[Taxonomy] are read")
    names = [name or "" for name in text.column(0)]
    refuse_twice(str(text.source), "sample", names)
    columns = {}
    for k, column in enumerate(text.header[1:], 1):
        cells = text.column(k)
        numbers = cells.cast(pl.Float64, strict=False)
        numeric = numbers.null_count() == cells.null_count() and types.get(column) != "categorical"
        columns[column] = numbers if numeric else cells
    samples, found = covariates(names, columns, path.name)
    return Part({"samples": samples}, findings=tuple(found), reader=shown)
