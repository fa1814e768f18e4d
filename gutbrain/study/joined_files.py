"""What a file says by its name, and what two files must not say both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.mapped.mapping import FileMap
from gutbrain.study.part import Finding, Part
from gutbrain.study.schema import TABLES, TEXT

WRITTEN = ("person", "visit", "sample", "recording", "material")  # what the name of a file can say
SIGN = re.compile(rf"\{{({'|'.join(WRITTEN)})\}}")


def pattern(path: str) -> str:
    """Return the path of a mapping as a pattern of files: `{person}` stands for anything."""
    return SIGN.sub("*", path)


def name_parts(asked: str, path: Path) -> dict[str, str]:
    """Return what the name of a file says, such as the person where the mapping writes `{person}_{visit}.csv`.

    Raises
    ------
    InputError
        If a sign stands twice, or the name does not have these parts.
    """
    signs = SIGN.findall(asked)
    if not signs:
        return {}
    if len(set(signs)) < len(signs):
        raise InputError(f"the mapping names {asked!r}: a sign stands twice", mend="Write `*` for one of them")
    made = ""
    for part in re.split(r"(\{\w+\}|\*\*/|\*|\?|\[[^\]]+\])", asked):
        if SIGN.fullmatch(part):
            made += f"(?P<{part[1:-1]}>[^/]+)"
        elif part in ("**/", "*", "?"):
            made += {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}[part]
        else:
            made += part.replace("[!", "[^") if re.fullmatch(r"\[[^\]]+\]", part) else re.escape(part)
    fits = re.search(rf"(?:^|/){made}$", path.as_posix())
    if fits is None:
        raise InputError(f"its name does not fit {asked!r}", file=path, mend="Correct `path`")
    return fits.groupdict()


def with_keys(part: Part, given: Mapping[str, str], path: Path) -> Part:
    """Write what is given for a whole file into the rows that do not say it themselves.

    Raises
    ------
    InputError
        If no table of the file has such a column.
    """
    tables = dict(part.tables)
    for key, value in given.items():
        fits = [name for name in tables if key in TABLES[name].columns and key not in TABLES[name].filled]
        if not fits:
            what = f"{key!r} is given for this file, but none of its tables ({', '.join(tables)}) has it"
            raise InputError(what, file=path, mend="Leave it out")
        for name in fits:
            own = pl.col(key).cast(TEXT) if key in tables[name].columns else pl.lit(None, TEXT)
            tables[name] = tables[name].with_columns(pl.coalesce(own, pl.lit(value)).alias(key))
    return replace(part, tables=tables)


def refuse_shared(paths: Sequence[Path], parts: Sequence[Part]) -> None:
    """Refuse two files that both say how much of one feature a sample holds.

    Raises
    ------
    InputError
        With both files and the first sample.
    """
    keys = list(TABLES["abundances"].key)
    frames = [
        part.tables["abundances"].select(keys).with_columns(pl.lit(number).alias("file"))
        for number, part in enumerate(parts)
        if "abundances" in part.tables
    ]
    if len(frames) < 2:
        return
    rows = pl.concat(frames, how="diagonal_relaxed").group_by(keys, maintain_order=True).agg(pl.col("file").unique())
    for row in rows.filter(pl.col("file").list.len() > 1).head(1).iter_rows(named=True):
        one, other = (paths[number] for number in sorted(row["file"])[:2])
        raise InputError(
            f"sample {row['sample']} holds {row['feature']} [{row['unit']}] in {one} too", file=other,
            mend="Give each table once, or name the samples apart",
        )  # fmt: skip


def find_copies(paths: Sequence[Path], checksums: Sequence[str]) -> Iterator[Finding]:
    """Say which files hold the same bytes under two names."""
    first: dict[str, Path] = {}
    for path, checksum in zip(paths, checksums, strict=True):
        other = first.setdefault(checksum, path)
        if other.resolve() != path.resolve():
            what, mend = f"holds the same bytes as {other}", "Leave one out, or see whether a file was saved twice"
            yield Finding("warning", path.name, "", what, mend)


def after_files(work: Sequence[tuple[Path, FileMap]], parts: Sequence[Part]) -> Iterator[Finding]:
    """Say which people are called after their files, because nobody named them."""
    called = []
    for (path, given), part in zip(work, parts, strict=True):
        named = [frame["person"] for frame in part.tables.values() if "person" in frame.columns and len(frame)]
        people = set(pl.concat(named).drop_nulls()) if named else set()
        said = "{person}" in given.path or "person" in given.options or "person" in given.set
        if people == {path.stem} and not said and given.reader != "table":
            called.append(path)
    if called:
        what = f"{len(called)} files name nobody, so the name of each is taken for a person, such as {called[0].stem!r}"
        mend = 'Write where their names say who and when, such as path = "{person}_{visit}.txt"'
        yield Finding("warning" if len(called) > 1 else "note", called[0].name, "", what, mend)
