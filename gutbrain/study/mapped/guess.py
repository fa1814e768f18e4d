"""A first mapping file for unknown files: every line is a guess with its evidence, and none is certain."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people import taxa
from gutbrain.people.delimited import TextTable
from gutbrain.people.taxonomy import says_lineage
from gutbrain.study.mapped.guess_columns import CONFIRM, Draft, draft, quote
from gutbrain.study.mapped.guess_look import MISSING, Look, look, plain, synonyms
from gutbrain.study.mapped.sheet import read_sheet
from gutbrain.study.microbiome.lineage import looks_like_lineage
from gutbrain.study.reading import recognise
from gutbrain.study.study import is_study

TABLES = (".csv", ".tsv", ".txt", ".tab", ".xlsx", ".xlsm", ".sav")
ASIDE = (".md", ".pdf", ".html", ".toml", ".docx", ".r", ".py", ".sha256")
CORNER = re.compile(r"taxon|taxa|otu|asv|feature|genus|species|lineage", re.I)
VARIANT = re.compile(r"^(?:z?otu|asv|denovo|seq)[ _.-]?\d+$|^[0-9a-f]{32}$", re.I)
ENDING = re.compile(
    r"^(?P<stem>.+?)[ _.-](?P<visit>pre|post|baseline|follow[ _-]?up|fu\d*|"
    r"(?:visit|time|session|week|month|day|t|v|w|m)\d+)$",
    re.I,
)
MANY = 4  # files of one kind that are named by one line
HEAD = """\
# Drafted by `gutbrain read --guess`. Nothing here is certain: every line says what it was taken from.
# Look at each, correct it, and write what stands at a question mark; until then reading refuses the file.
title = ""
citation = ""
licence = ""
"""


def guess(places: Sequence[str | Path]) -> str:
    """Draft a mapping file.

    Parameters
    ----------
    places : files, or folders whose files are looked at

    Returns
    -------
    str : TOML with comments; the same for the same files

    Raises
    ------
    InputError
        If a file or folder does not exist, or there is none.
    """
    files = _files([Path(place) for place in places])
    entries: list[str] = []
    codings: dict[str, str] = {}
    groups: dict[tuple[str, str, str], list[str]] = {}
    for path, name in files:
        reader = _reader(path)
        if reader not in ("table", "taxonomy", ""):
            folder = name.rpartition("/")[0]
            groups.setdefault((folder, path.suffix, reader), []).append(name)
    for path, name in files:
        reader = _reader(path)
        alike = groups.get((name.rpartition("/")[0], path.suffix, reader), [])
        if len(alike) >= MANY and _only(files, alike, path.suffix):
            if name == alike[0]:
                folder = name.rpartition("/")[0]
                pattern = f"{glob.escape(folder)}/*{path.suffix}" if folder else f"*{path.suffix}"
                entries.append(_entry(pattern, reader, f"{len(alike)} files of this kind", *_whose(pattern, reader)))
        elif reader == "table":
            entries.append(_table(path, name, codings))
        else:
            entries.append(_plain(path, name, reader))
    forms = "".join(
        f"\n[forms.{quote(form)}] # not the codes that the form prints; {CONFIRM}\ncoding = {quote(coding)}\n"
        for form, coding in sorted(codings.items())
    )
    return HEAD + forms + "".join(f"\n{entry}" for entry in entries)


def _files(places: Sequence[Path]) -> list[tuple[Path, str]]:
    found = []
    for place in places:
        if not place.exists():
            raise InputError("there is no such file or folder", file=place)
        if place.is_dir():
            studies = [manifest.parent for manifest in place.rglob("manifest.json") if is_study(manifest.parent)]
            inside = [path for path in sorted(place.rglob("*")) if path.is_file()]
            inside = [path for path in inside if not any(path.is_relative_to(study) for study in studies)]
            found += [(path, path.relative_to(place).as_posix()) for path in inside]
        else:
            found.append((place, place.name))
    seen = [(path, name) for path, name in found if not any(part.startswith(".") for part in Path(name).parts)]
    if not seen:
        raise InputError("there is nothing to look at", mend="Name files, or a folder with files")
    return seen


def _only(files: Sequence[tuple[Path, str]], alike: Sequence[str], suffix: str) -> bool:
    folder = alike[0].rpartition("/")[0]
    return all(name in alike for path, name in files if path.suffix == suffix and name.rpartition("/")[0] == folder)


def _reader(path: Path) -> str:
    """Return the reader of a file: what its own format says, then whether it is a matrix, or any table."""
    if path.suffix.lower() in ASIDE:
        return ""
    try:
        known = recognise(path)
    except InputError:
        known = ""
    if known not in ("", "matrix") or path.suffix.lower() not in TABLES:
        return known
    try:
        table, _ = read_sheet(path)
    except InputError:
        return "table"
    ranked = [name for name in table.header if says_lineage(name)]
    if len(ranked) >= 2 and len(table.header) <= len(ranked) + 2:
        return "taxonomy"
    return "matrix" if _by_rows(table) is not None else "table"


def _by_rows(table: TextTable) -> bool | None:
    """Say whether the samples of a matrix of taxa are its rows; None if it is no such matrix."""
    if len(table.header) < 3:
        return None
    first = [name or "" for name in table.column(0)]
    ranked = {name for name in table.header[1:] if says_lineage(name)}
    body = [k for k, name in enumerate(table.header) if k and name not in ranked]
    number = r"^[+-]?[\d.,]+([eE][+-]?\d+)?%?$"
    if not all(table.column(k).drop_nulls().str.contains(number).all() for k in body):
        return None
    down, across = _taxa(first), _taxa([table.header[k] for k in body])
    if max(down, across) < 0.5:
        return False if CORNER.search(table.header[0]) and len(set(first)) == len(first) else None
    return across > down


def _taxa(names: Sequence[str]) -> float:
    """Return the share of names that can be taxa."""
    asked = list(dict.fromkeys(name for name in names if name))
    if not asked:
        return 0.0
    placed = taxa.assign(asked).group_by("taxon").agg(pl.col("group").is_not_null().any())
    known = set(placed.filter("group")["taxon"].to_list())
    return sum(name in known or looks_like_lineage(name) or bool(VARIANT.match(name)) for name in asked) / len(asked)


def _entry(name: str, reader: str, why: str, *lines: str) -> str:
    head = "[[file]]" + (f" # {why}" if why else "")
    return "\n".join([head, f"path = {quote(name)}", f"reader = {quote(reader)}", *lines, ""])


def _plain(path: Path, name: str, reader: str) -> str:
    """Write the entry of a file that is no table of people."""
    if not reader or reader == "taxonomy":
        what = "names of taxa; give it as `taxonomy` of its matrix" if reader else "no reader knows it; left out"
        return f"# {_safe(name)}: {what}\n"
    named = glob.escape(name)
    if reader == "matrix":
        table, _ = read_sheet(path)
        rows = bool(_by_rows(table))
        side = "rows" if rows else "columns"
        names = sorted(other.name for other in path.parent.iterdir() if other != path and other.suffix in TABLES)
        beside = [other for other in names if "taxonomy" in other.lower()]
        taxonomy = f", taxonomy = {quote(beside[0])}" if len(beside) == 1 else ""
        where = "header" if rows else "first column"
        shape = f"{len(table.body)} rows x {len(table.header)} columns; names of taxa stand in the {where}"
        why = f"# {CONFIRM}; add unit = ... (count, percent, share, signal) if reading cannot tell it"
        return _entry(named, reader, shape, f"options = {{ samples = {quote(side)}{taxonomy} }} {why}")
    if reader == "rr":
        own = _rr(path) or _whose(named, reader)
        return _entry(named, reader, f"intervals between heartbeats; {CONFIRM}", *own)
    return _entry(named, reader, f"recognised by its content; {CONFIRM}")


def _whose(pattern: str, reader: str) -> list[str]:
    """Say how the names of files tell who and when, where the files themselves seldom do."""
    if reader not in ("rr", "beats", "wearable", "apple"):
        return []
    folder, _, name = pattern.rpartition("/")
    ending = Path(name).suffix
    return [f"# path = {quote(f'{folder}/' * bool(folder) + '{person}_{visit}' + ending)} # if their names say it so"]


def _rr(path: Path) -> list[str]:
    """Say which columns of a table of intervals name the person and the recording."""
    try:
        table, _ = read_sheet(path)
    except InputError:
        return []
    names = synonyms()["keys"]
    person = [name for name in table.header if plain(name) in map(plain, names["person"])]
    parts = [name for name in table.header if plain(name) in map(plain, [*names["recording"], "session", "visit"])]
    options = [f"person_column = {quote(person[0])}"] if person else []
    options += [f"recording_columns = [{', '.join(map(quote, parts))}]"] if parts else []
    return [f"options = {{ {', '.join(options)} }} # {CONFIRM}"] if options else []


def _table(path: Path, name: str, codings: dict[str, str]) -> str:
    """Draft the entry of a table; one entry a visit where visits stand side by side."""
    named = glob.escape(name)
    try:
        table, _ = read_sheet(path)
    except InputError as error:
        told = " ".join(f"{error.what}{f' (row {error.row})' if error.row else ''}".split())
        return f"# {_safe(name)}: cannot be read, {_safe(told)}; left out\n"
    shape = f"{len(table.body)} rows x {len(table.header)} columns"
    visits = _side_by_side(table)
    if not visits:
        made = draft([look(table, k, column) for k, column in enumerate(table.header)], table.header)
        return _written(table, named, shape, made, codings)
    beside = {k for columns in visits.values() for k in columns}
    keep = [look(table, k, column) for k, column in enumerate(table.header) if k not in beside]
    entries = []
    for number, (visit, columns) in enumerate(visits.items()):
        own = [look(table, k, stem) for k, stem in columns.items()]
        made = draft([*keep, *own] if number == 0 else [*_who(keep), *own], table.header)
        made.sets["visit"] = (visit, f"visits stand side by side: {', '.join(visits)}")
        entries.append(_written(table, named, shape, made, codings))
    return "\n".join(entries)


def _who(looks: Sequence[Look]) -> list[Look]:
    names = [plain(name) for key in ("person", "sample") for name in synonyms()["keys"][key]]
    return [each for each in looks if plain(each.stem) in names]


def _side_by_side(table: TextTable) -> dict[str, dict[int, str]]:
    """Return visits whose columns stand beside each other: visit -> column -> its name without the visit."""
    found: dict[str, dict[int, str]] = {}
    for k, name in enumerate(table.header):
        if fits := ENDING.match(name):
            found.setdefault(fits["visit"].lower(), {})[k] = fits["stem"]
    stems = [stem for columns in found.values() for stem in set(columns.values())]
    shared = {stem for stem in stems if stems.count(stem) > 1}
    kept = {visit: {k: stem for k, stem in columns.items() if stem in shared} for visit, columns in found.items()}
    kept = {visit: columns for visit, columns in kept.items() if columns}
    return kept if len(kept) > 1 else {}


def _written(table: TextTable, name: str, shape: str, made: Draft, codings: dict[str, str]) -> str:
    """Write a drafted table as TOML."""
    codings |= made.codings
    looks = [look(table, k, column) for k, column in enumerate(table.header)]
    lines = list(made.notes)
    if not {"person", "sample"} & made.keys.keys():
        if _follows(made) and not any(_names_people(each) for each in looks):
            made.sets["person"] = ("1", "no column names people, rows have times: one person?")
        else:
            lines.append(f'people = "rows" # no column names people: a row a person? {CONFIRM}')
    if made.sets:
        told = ", ".join(f"{key} = {quote(value)}" for key, (value, _) in made.sets.items())
        why = "; ".join(why for _, why in made.sets.values())
        lines.append(f"set = {{ {told} }} # {_safe(why)}; {CONFIRM}")
    if sum(re.fullmatch(r"column \d+", each) is not None for each in table.header) > 1:
        lines.append("# header = 2 # several columns have no name: which line holds the names?")
    if "person" in made.keys and "sample" not in made.keys and made.keys["person"].count < len(table.body):
        told = f"it has empty cells: does each repeat the one above, as merged cells do? {CONFIRM}"
        lines.append(f"# fill = [{quote(made.keys['person'].name)}] # {told}")
    lines += _dates(looks, made) + _missing([each for each in looks if _counted(each, made)])
    if any("," in text for each in looks if len(each.numbers) for text in each.column.text.drop_nulls().head(200)):
        lines.append(f'decimal = "," # {CONFIRM}')
    body = [
        f"{quote(key)} = {quote(means)}" + (f" # {_safe(why)}" if why else "")
        for key, (means, why) in made.lines.items()
    ]
    return _entry(name, "table", shape, *lines, "", "[file.columns]", *body)


def _follows(made: Draft) -> bool:
    """Whether rows follow each other in time, as those of one person do; many people share a day."""
    times = [made.keys[key].column.text for key in ("time", "date", "clock") if key in made.keys]
    if not {"time", "date"} & made.keys.keys():
        return False
    return 2 * pl.DataFrame({str(k): text for k, text in enumerate(times)}).n_unique() > len(times[0])


def _names_people(each: Look) -> bool:
    return each.distinct > 1 and plain(each.stem) in map(plain, synonyms()["private"])


def _dates(looks: Sequence[Look], made: Draft) -> list[str]:
    lines, orders = [], set()
    for key in ("time", "date", "until"):
        if key in made.keys:
            order, why = made.keys[key].orders()
            mine = f"{made.keys[key].name!r}: {why}"
            if order:
                orders.add((order, mine))
            else:
                lines.append(f'# dates = "day-first" # or "month-first"; {_safe(mine)}; reading asks for it')
    if len({order for order, _ in orders}) == 1:
        order, why = sorted(orders)[0]
        lines.append(f"dates = {quote(order)} # {_safe(why)}; {CONFIRM}")
    return lines


def _counted(each: Look, made: Draft) -> bool:
    """Whether the draft takes a column as numbers."""
    means = made.lines.get(each.name, ("answers", ""))[0]
    return means.startswith(("answers", "readings", "value", "day")) or ("." in means and "[text]" not in means)


def _missing(looks: Sequence[Look]) -> list[str]:
    odd = {text: each.name for each in looks for text in each.odd}
    marks = {mark: each.name for each in looks for mark in each.marks}
    lines = []
    if odd or marks:
        told = "; ".join(f"{text!r} in {column!r}" for text, column in [*odd.items(), *marks.items()][:4])
        listed = ", ".join(quote(text) for text in [*MISSING, *odd, *marks])
        lines.append(f"missing = [{listed}] # {_safe(told)} among other numbers: no answer? {CONFIRM}")
    return lines


def _safe(text: str) -> str:
    """Return a text that stays on its line of a comment."""
    return "".join(c if c.isprintable() else "?" for c in text)
