"""From files to a study: each file by its reader, then joined and looked at."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, cast

from gutbrain.errors import InputError
from gutbrain.study.assemble import assemble
from gutbrain.study.joined_files import WRITTEN, after_files, find_copies, name_parts, pattern, refuse_shared, with_keys
from gutbrain.study.mapped.mapping import FileMap, Mapping
from gutbrain.study.part import Part
from gutbrain.study.quality import quality
from gutbrain.study.study import Study

Progress = Callable[[str, int, int], None]
# Module and function of every reader but that of tables, which takes the mapping itself.
READERS = {
    "matrix": ("microbiome.read_matrix", "read_matrix"), "taxonomy": ("microbiome.read_taxonomy", "read_taxonomy"),
    "biom": ("microbiome.read_biom", "read_biom"), "qza": ("microbiome.read_qza", "read_qza"),
    "metaphlan": ("microbiome.read_profiles", "read_metaphlan"), "humann": ("microbiome.read_profiles", "read_humann"),
    "kraken": ("microbiome.read_profiles", "read_kraken"), "bracken": ("microbiome.read_profiles", "read_bracken"),
    "rr": ("signals.read_rr", "read_rr"), "beats": ("signals.read_beats_wfdb", "read_beats"),
    "apple": ("signals.read_apple_health", "read_apple_health"),
    "wearable": ("signals.read_wearables", "read_wearables"),
}  # fmt: skip
ENDINGS = {".biom": "biom", ".qza": "qza"}


def read_study(
    places: Sequence[str | Path], mapping: Mapping | None = None, progress: Progress | None = None
) -> Study:
    """Read files into a study.

    Parameters
    ----------
    places : files, or one folder in which the files of the mapping lie
    mapping : what the files are; without it every file must say so itself
    progress : called with (what, done, all)

    Raises
    ------
    InputError
        With the file, the row, the column and the mend.
    """
    mapping = mapping or _unmapped(places)
    work = list(_files(places, mapping))
    parts: list[Part] = []
    sources: list[dict[str, str]] = []
    for number, (path, given) in enumerate(work):
        others = [other.columns for same, other in work if same == path and other is not given]
        part = read_part(path, given, others)
        parts.append(part)
        sources.append({"file": path.name, "sha256": _checksum(path), "reader": part.reader})
        if progress:
            progress("reading", number + 1, len(work))
    paths = [path for path, _ in work]
    refuse_shared(paths, parts)
    told = (*find_copies(paths, [source["sha256"] for source in sources]), *after_files(work, parts))
    about: dict[str, Any] = {
        key: value for key in ("title", "citation", "licence", "about") if (value := getattr(mapping, key))
    }
    about |= {"origin": "measured", "sources": sources, "forms": mapping.forms}
    study = assemble(parts, about, mapping.day_zero)
    found = (*study.findings, *told, *quality(study, mapping.forms))
    order = {"error": 0, "warning": 1, "note": 2}
    return study.with_findings(tuple(sorted(dict.fromkeys(found), key=lambda finding: order[finding.severity])))


def read_part(path: Path, given: FileMap, elsewhere: Sequence[dict[str, str]] = ()) -> Part:
    """Read one file by the reader that its mapping names, or that knows its format.

    `elsewhere` holds the columns that other entries of the mapping read from the same file.

    Raises
    ------
    InputError
        If nobody knows the format, an option does not fit its reader, or the file is broken.
    """
    name = given.reader if given.reader != "auto" else recognise(path, given)
    told_by_name = name_parts(given.path, path)
    if twice := sorted(told_by_name.keys() & given.set.keys()):
        raise InputError(f"{twice[0]!r} stands in `path` and in `set`", file=path, mend="Leave it out of one of them")
    given = given.model_copy(update={"set": given.set | told_by_name})
    if name == "table":
        from gutbrain.study.mapped.read_table import read_table

        return read_table(path, given, elsewhere)
    read = _reader(name)
    options = dict(given.options)
    known = signature(read).parameters
    beside = {key: str(given.set[key]) for key in WRITTEN if key in given.set and key not in known}
    told = {key: getattr(given, key) for key in ("decimal", "dates", "separator", "sheet", "header")} | given.set
    options |= {key: value for key, value in told.items() if key in known and value is not None}
    for key in (*options, *given.set):
        if key not in known and key not in beside:
            mend = f"It has {', '.join(option for option in known if option != 'path')}"
            raise InputError(f"reader {name!r} has no option {key!r}", file=path, mend=mend)
    return with_keys(read(path, **options), beside, path)


def recognise(path: Path, given: FileMap | None = None) -> str:
    """Return the name of the reader that knows a file.

    A table of numbers under names is taken for abundances; forms and metadata need a mapping.

    Raises
    ------
    InputError
        If none does.
    """
    if given is not None and (given.columns or given.people == "rows"):
        return "table"
    ending = path.suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    if profile := import_module("gutbrain.study.microbiome.read_profiles").sniff(path):
        return str(profile)
    for name in ("apple", "beats", "wearable", "rr", "matrix"):
        if import_module(f"gutbrain.study.{READERS[name][0]}").sniff(path):
            return name
    raise InputError(
        "nobody knows what this file is", file=path,
        mend="Say it in a mapping file; `gutbrain read --guess` drafts one",
    )  # fmt: skip


def _reader(name: str) -> Callable[..., Part]:
    module, function = READERS[name]
    return cast("Callable[..., Part]", getattr(import_module(f"gutbrain.study.{module}"), function))


def _files(places: Sequence[str | Path], mapping: Mapping) -> Iterator[tuple[Path, FileMap]]:
    """Find the files of a mapping in the folder or among the files that were given."""
    paths = [Path(place) for place in places]
    for path in paths:
        if not path.exists():
            raise InputError("there is no such file or folder", file=path)
    folders = [path for path in paths if path.is_dir()]
    single = list({path.resolve(): path for path in paths if path.is_file()}.values())
    used: set[Path] = set()
    for given in mapping.file:
        asked = pattern(given.path)
        try:
            hits = sorted({hit for folder in folders for hit in folder.glob(asked) if hit.is_file()})
            hits += [path for path in single if path.match(asked) and path not in hits]
        except (ValueError, NotImplementedError) as error:
            mend = "Write it as it lies in the folder, such as forms/*.csv"
            raise InputError(f"the mapping names {given.path!r}, which is no path ({error})", mend=mend) from error
        if not hits:
            inside = ", ".join(str(path) for path in paths)
            raise InputError(f"the mapping names {given.path!r}, which is not in {inside}", mend="Correct `path`")
        used.update(hits)
        yield from ((hit, given) for hit in hits)
    idle = [path for path in single if path not in used]
    if idle:
        raise InputError("the mapping does not say what this file is", file=idle[0], mend="Add a [[file]] for it")


def _unmapped(places: Sequence[str | Path]) -> Mapping:
    """Without a mapping every file is read by what it says about itself."""
    names = []
    for place in map(Path, places):
        if place.is_dir():
            inside = [path for path in sorted(place.iterdir()) if path.is_file() and not _aside(path)]
            names += [path.name for path in inside]
        else:
            names.append(place.name)
    if not names:
        raise InputError("there is nothing to read", mend="Name files, or a folder with files")
    return Mapping(file=[FileMap(path=glob.escape(name)) for name in dict.fromkeys(names)])


def _aside(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix.lower() in (".md", ".toml", ".pdf", ".html")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
