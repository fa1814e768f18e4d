"""Claims: what is known about every edge of the axis, and the sources that say so.

One row of `claims.csv` is one edge, from a signal to the compartment that listens. The sign is that of the
listener's answer to more of the signal (`?` = unresolved). The grade is that of the number that carries the edge,
the weaker one where two do, and `structure` where the edge is true by definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import polars as pl

from gutbrain.errors import InputError

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis

HERE = files("gutbrain.evidence")
CLOCK = ("clock.", "run.")  # what the run itself gives is no claim
UNSOURCED = "assumed"
# Who carries an edge: that of the messenger, and where the mind or a protocol speaks that of who listens.
PATHWAYS = ("behavioural", "endocrine", "immune", "metabolic", "neural", "barrier")
# Grades of the number that carries an edge, from the surest; a path is no surer than its last one here.
GRADE_WORDS = {
    "structure": "true by definition",
    "measured": "measured",
    "published-model": "from a published model",
    "derived": "derived from published numbers",
    "fitted": "fitted to published findings",
    "recalled": "recalled, not checked",
    "assumed": "assumed, no source",
}


@cache
def claims() -> pl.DataFrame:
    """Return every claim, one row an edge.

    Returns
    -------
    table with the text columns signal, listener, direction (`down` brain to gut, `up` gut to brain, `side` within
    gut, body or mind, `in` from a protocol), pathway (one of `PATHWAYS`: `behavioural` practice, skill, appraisal and
    choice of food; `endocrine` cortisol; `immune`; `metabolic` microbes, acids, tryptophan and food; `neural` vagus,
    enteric nerves and sleep; `barrier` the gut wall), sign, strength_parameter (full names, separated by spaces; empty
    for structural edges), at_rest (answer of the listener at rest: per cent per per cent unless it names units),
    grade, source (citation keys, separated by spaces), note; and default_zero (true = of unknown strength, closed).
    """
    table = pl.read_csv((HERE / "claims.csv").read_bytes(), infer_schema=False)
    return table.fill_null("").with_columns(pl.col("default_zero") == "true")


def claim(signal: str, listener: str) -> dict[str, str | bool]:
    """Return the claim of one edge.

    Raises
    ------
    InputError
        If no claim is written for the edge.
    """
    found = claims().filter(signal=signal, listener=listener)
    if found.is_empty():
        raise InputError(
            f"no claim for the edge {signal!r} -> {listener!r}",
            file="claims.csv", mend="Write one row for the edge, with its grade",
        )  # fmt: skip
    return found.row(0, named=True)


def grade_of(signal: str, listener: str) -> str:
    """Return the grade of one edge: measured, published-model, derived, fitted, assumed or structure.

    Raises
    ------
    InputError
        If no claim is written for the edge.
    """
    return str(claim(signal, listener)["grade"])


def base_grade(grade: str) -> str:
    """Return a grade without the species it was found in."""
    return grade.partition(" (")[0]


def lowest_grade(grades: Iterable[str]) -> str:
    """Return the least sure of grades of edges; `structure` if there is none."""
    order = list(GRADE_WORDS)
    return max(map(base_grade, grades), key=order.index, default=order[0])


def grade_in_words(grade: str) -> str:
    """Return the grade of an edge as a reader would say it."""
    return GRADE_WORDS[base_grade(grade)]


# Our own reader, because the package reads only the one plain file that it ships itself.
_ENTRY = re.compile(r"^@(?P<kind>\w+)\{(?P<key>[^,\s]+),(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*?)\}\s*,?\s*$", re.MULTILINE | re.DOTALL)


def read_sources(text: str) -> dict[str, dict[str, str]]:
    """Read BibTeX as `sources.bib` writes it: a field a line in braces, the closing brace at a line's start.

    Parameters
    ----------
    text : the file

    Returns
    -------
    dict of entries by key; an entry holds `kind` and its fields as text.

    Raises
    ------
    InputError
        If a key stands twice, or an entry cannot be read.
    """
    found: dict[str, dict[str, str]] = {}
    for match in _ENTRY.finditer(text):
        if match["key"] in found:
            raise InputError("the key stands twice", file="sources.bib", row=match["key"], mend="Merge the entries")
        fields = {name.lower(): " ".join(value.split()) for name, value in _FIELD.findall(match["body"])}
        found[match["key"]] = {"kind": match["kind"].lower()} | fields
    written = len(re.findall(r"^@", text, re.MULTILINE))
    if written != len(found):
        raise InputError(f"{written} entries begin, {len(found)} can be read", file="sources.bib",
                         mend="Close each entry with a brace at the start of a line")  # fmt: skip
    return found


@cache
def bibliography() -> dict[str, dict[str, str]]:
    """Return every source by its citation key."""
    return read_sources((HERE / "sources.bib").read_text(encoding="utf-8"))


def cite(keys: str) -> list[str]:
    """Return references in words, in the order of the keys.

    Parameters
    ----------
    keys : citation keys separated by spaces; `assumed` gives "no source"

    Raises
    ------
    InputError
        If a key has no entry.
    """
    return ["no source" if key == UNSOURCED else _reference(key) for key in keys.split()]


def _reference(key: str) -> str:
    entry = bibliography().get(key)
    if entry is None:
        raise InputError(f"no source {key!r}", file="sources.bib", mend="Add an entry with this key")
    who = _authors(entry.get("author", "Authors not stated" if "journal" in entry else ""))
    place = " ".join(filter(None, [entry.get("journal"), entry.get("volume")]))
    if "pages" in entry:
        place += ("" if "volume" not in entry else ":") + entry["pages"].replace("--", "–")
    doi = f"doi {entry['doi']}" if "doi" in entry else ""
    parts = [" ".join(filter(None, [who, entry.get("year")])), entry.get("title", ""), place, doi]
    words = ", ".join(filter(None, parts))
    note = entry.get("note", "")
    # A reference that says too little to be found is told by its note.
    if not place and note:
        words = ": ".join(filter(None, [words, re.split(r"[;:]? *(?:recalled|full citation|authors)", note)[0]]))
    return words.rstrip(":; ") + _doubt(note)


def _authors(author: str) -> str:
    names = [name.split(",")[0].strip() for name in author.split(" and ")]
    if len(names) == 2 and names[1] != "others":
        return " & ".join(names)
    return f"{names[0]} et al." if len(names) > 1 else names[0]


def _doubt(note: str) -> str:
    if "recalled" in note:
        return " (recalled: to be checked)"
    return " (to be completed)" if "before release" in note else ""


def check_claims(axis: Axis) -> list[str]:
    """Compare an axis with the claims.

    Parameters
    ----------
    axis : any axis; edges that are cut and levers count as edges

    Returns
    -------
    list of findings, empty if all is well: edges without a claim, claims without an edge (of compartments that the
    axis has), strengths that are no parameter, unknown pathways, sources that do not resolve or that nothing uses.
    """
    edges = {(wire.signal, wire.listener) for wire in axis.wires.values() if not wire.signal.startswith(CLOCK)}
    here = {part.name for part in axis.compartments}
    rows = claims().filter(pl.col("listener").is_in(list(here)))
    known = set(rows.select("signal", "listener").iter_rows())
    found = [f"{signal} -> {listener}: an edge without a claim" for signal, listener in sorted(edges - known)]
    found += [f"{signal} -> {listener}: a claim without an edge" for signal, listener in sorted(known - edges)]
    for row in rows.iter_rows(named=True):
        found += [
            f"{row['signal']} -> {row['listener']}: no parameter {name!r}"
            for name in row["strength_parameter"].split()
            if name.partition(".")[0] in here and name not in axis.parameters
        ]
        if row["pathway"] not in PATHWAYS:
            found.append(f"{row['signal']} -> {row['listener']}: no pathway {row['pathway']!r}")
    cited = {(f"{row['signal']} -> {row['listener']}", row["source"]) for row in claims().iter_rows(named=True)}
    cited |= {(name, param.source) for name, param in axis.parameters.items()}
    for where, keys in sorted(cited):
        missing = [key for key in keys.split() if key != UNSOURCED and key not in bibliography()]
        found += [f"{where}: no source {key!r}" for key in missing]
    return found + [f"{key}: a source that nothing uses" for key in sorted(set(bibliography()) - _words())]


@cache
def _words() -> frozenset[str]:
    """Every word of the package's own code and tables: a source whose key is none of them is used by nothing."""
    found: set[str] = set()
    stack = [files("gutbrain")]
    while stack:
        for item in stack.pop().iterdir():
            if item.is_dir() and item.name != "__pycache__":
                stack.append(item)
            elif item.name.endswith((".py", ".csv", ".toml")):
                found |= set(re.findall(r"\w+", item.read_text(encoding="utf-8")))
    return frozenset(found)
