"""A study: eight tables, what they mean, where they came from, and what was noticed about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from gutbrain.errors import InputError
from gutbrain.folder import whole_folder
from gutbrain.study.part import Finding
from gutbrain.study.schema import TABLES, conform, empty

FORMAT = 1
VIEWS = "study.duckdb"


@dataclass(frozen=True)
class Study:
    """Tables of people, visits, samples, features, abundances, answers, readings and beats.

    Parameters
    ----------
    tables : all eight, as `gutbrain.study.schema.TABLES` describes them
    about : title, citation, licence, origin, sources (with checksums), plan of a simulation; plain values
    units : unit of covariate columns, `table.column` -> unit
    findings : what the readers and the quality check noticed
    """

    tables: dict[str, pl.DataFrame]
    about: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(
        cls,
        tables: Mapping[str, pl.DataFrame],
        about: Mapping[str, Any] | None = None,
        units: Mapping[str, str] | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> Study:
        """Make a study of some tables: the others are empty, and everybody who occurs stands in `people`.

        Raises
        ------
        InputError
            For a table that does not conform, or a row that refers to nobody.
        """
        unknown = [name for name in tables if name not in TABLES]
        if unknown:
            raise InputError(f"a study has no table {unknown[0]!r} (it has {', '.join(TABLES)})")
        whole = {name: conform(name, tables[name]) if name in tables else empty(name) for name in TABLES}
        whole["people"] = _complete(whole)
        for name, key in (("samples", "sample"), ("features", "feature")):
            _refer(whole["abundances"], whole[name], key)
        return cls(whole, dict(about or {}), dict(units or {}), findings)

    def __getattr__(self, name: str) -> pl.DataFrame:
        """Give a table by its name."""
        if name in TABLES:
            return self.tables[name]
        raise AttributeError(f"a study has no {name!r}")

    @property
    def origin(self) -> str:
        """Say whether the numbers were measured or simulated."""
        return str(self.about.get("origin", "measured"))

    def equals(self, other: Study) -> bool:
        """Say whether all tables and units are the same, whatever the order of rows."""
        try:
            for name in TABLES:
                assert_frame_equal(
                    self.tables[name], other.tables[name],
                    check_row_order=False, check_column_order=False, check_exact=True,
                )  # fmt: skip
        except AssertionError:
            return False
        return self.units == other.units

    def with_findings(self, findings: tuple[Finding, ...]) -> Study:
        """Return the same study with other findings."""
        return replace(self, findings=findings)

    def write(self, folder: str | Path, force: bool = False) -> Path:
        """Write a study folder: one Parquet file a table, `manifest.json`, and views for DuckDB if it is installed.

        Raises
        ------
        InputError
            If the folder exists and `force` is not set, or cannot be written; nothing half-written stays.
        """
        target = Path(folder)
        with whole_folder(target, force) as work:
            written = {}
            for name, frame in self.tables.items():
                frame.write_parquet(work / f"{name}.parquet", compression="zstd")
                written[name] = {"rows": len(frame), "sha256": _checksum(work / f"{name}.parquet")}
            views = VIEWS if _write_views(work) else "not written: duckdb is not installed (gutbrain[study])"
            manifest = {
                "study_format": FORMAT, "about": self.about, "units": self.units, "tables": written, "views": views,
                "findings": [vars(finding) for finding in self.findings],
            }  # fmt: skip
            text = json.dumps(manifest, indent=1, ensure_ascii=False, default=str)
            (work / "manifest.json").write_text(text, encoding="utf-8")
        return target

    @classmethod
    def read(cls, folder: str | Path) -> Study:
        """Read a study folder.

        Raises
        ------
        InputError
            If it is none, a table is missing or was changed, or it was written by a later version.
        """
        folder = Path(folder)
        manifest = _manifest(folder)
        tables = {}
        for name in TABLES:
            path = folder / f"{name}.parquet"
            try:
                known = manifest["tables"][name]["sha256"]
                if _checksum(path) != known:
                    raise InputError(
                        "the table is not the one that was written", file=path,
                        mend="Read the study again from its files",
                    )  # fmt: skip
                tables[name] = conform(name, pl.read_parquet(path), str(path))
            except (OSError, KeyError, pl.exceptions.PolarsError) as error:
                what = "the table is missing or cannot be read"
                raise InputError(what, file=path, mend="Read the study again from its files") from error
        found = tuple(Finding(**finding) for finding in manifest["findings"])
        return cls(tables, manifest["about"], manifest["units"], found)

    def sql(self, query: str) -> pl.DataFrame:
        """Ask the tables by SQL, in the dialect of polars; `study.duckdb` in the folder serves other tools.

        Raises
        ------
        InputError
            For SQL that does not hold.
        """
        try:
            return pl.SQLContext(self.tables).execute(query, eager=True)
        except pl.exceptions.PolarsError as error:
            raise InputError(f"SQL: {str(error).splitlines()[0]}", mend=f"Tables are {', '.join(TABLES)}") from error


def is_study(folder: Path) -> bool:
    """Say whether a folder is a study folder."""
    try:
        _manifest(folder)
    except InputError:
        return False
    return True


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        version = int(manifest["study_format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("this is no study folder", file=folder, mend="Make one with `gutbrain read`") from error
    if version > FORMAT:
        raise InputError(f"study format {version} is newer than this version reads ({FORMAT})", file=folder)
    kinds: dict[str, type] = {"about": dict, "units": dict, "tables": dict, "findings": list}
    for key, kind in kinds.items():
        if not isinstance(manifest.setdefault(key, kind()), kind):
            raise _edited(path, key)
    asked = set(Finding.__dataclass_fields__)
    if not all(isinstance(finding, dict) and set(finding) == asked for finding in manifest["findings"]):
        raise _edited(path, "findings")
    about, inside = manifest["about"], {"forms": dict, "sources": list, "title": str}
    for key, kind in inside.items():
        if not isinstance(about.get(key, kind()), kind):
            raise _edited(path, f"about.{key}")
    if not all(isinstance(source, dict) and {"file", "reader"} <= set(source) for source in about.get("sources", [])):
        raise _edited(path, "about.sources")
    return dict(manifest)


def _edited(path: Path, key: str) -> InputError:
    return InputError(f"{key!r} is not as it was written", file=path, mend="Read the study again from its files")


def _complete(whole: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Add people who occur in another table only."""
    people = whole["people"]
    named = [frame["person"] for name, frame in whole.items() if name != "people" and "person" in frame.columns]
    seen = pl.concat(named).drop_nulls().unique(maintain_order=True)
    new = seen.filter(~seen.is_in(people["person"].implode()))
    if new.is_empty():
        return people
    return pl.concat([people, pl.DataFrame({"person": new})], how="diagonal")


def _refer(rows: pl.DataFrame, known: pl.DataFrame, key: str) -> None:
    lost = rows.select(pl.col(key).unique()).join(known, on=key, how="anti")
    if len(lost):
        raise InputError(
            f"{len(lost)} {key}s of 'abundances' do not stand in '{key}s', first {lost[0, 0]!r}",
            file="abundances", field=key, mend=f"Add them to '{key}s'",
        )  # fmt: skip


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_views(folder: Path) -> bool:
    """Write a DuckDB file of views; their paths are relative, so open it from within the folder.

    Returns whether it was written: the tables serve without it, and the library is an extra.
    """
    try:
        import duckdb
    except ImportError:
        return False
    with duckdb.connect(str(folder / VIEWS)) as connection:
        connection.execute(f"SET file_search_path='{str(folder).replace(chr(39), chr(39) * 2)}'")
        for name in TABLES:
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{name}.parquet')")
    return True
