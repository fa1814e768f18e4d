"""The mapping file: what the files of a study are, and what their columns mean.

A column's meaning is one short text:

    person, sample, visit, day, time, date, clock, until, material, recording    keys and times
    people.NAME [unit], visits.NAME [unit], samples.NAME [unit]                 a covariate
    answers.FORM.ITEM                                                           an answer
    readings.QUANTITY [unit]                                                    a measured number
    form, item, quantity, unit, value                                           a long table
    skip                                                                        nothing

A key of `columns` names one column, or several: `{n}` stands for a number and `*` for anything, and the
same sign on the right takes what it stood for. An exact name goes before a pattern. A covariate of the
unit `text` stays as it is written, whatever it holds. A meaning with a question mark is still open, and
reading refuses it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gutbrain.errors import InputError

KEYS = ("person", "sample", "visit", "day", "time", "date", "clock", "until", "material", "recording")
LONG = ("form", "item", "quantity", "unit", "value")
OPEN = ("people", "visits", "samples")
READERS = (
    "auto", "table", "matrix", "taxonomy", "biom", "qza", "metaphlan", "humann", "kraken", "bracken", "rr", "beats",
    "apple", "wearable",
)  # fmt: skip
MEANING = re.compile(r"^(?P<name>[^\[\]]+?)\s*(?:\[(?P<unit>[^\[\]]*)\])?$")


class Strict(BaseModel):
    """A part of the mapping that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid")


class FileMap(Strict):
    """What one file is.

    Parameters
    ----------
    path : within the folder that is read; `*` takes several, and `{person}`, `{visit}`, `{sample}`, `{recording}` or
        `{material}` too: what stands there in the name of a file says so of all its rows
    reader : how it is read; `auto` looks at the file
    options : of the reader, such as `samples = "rows"` or `unit = "count"` of a matrix
    columns : meaning of the columns of a table
    set : values for all rows, such as `person = "A"` or `form = "PSS-10"`
    values : replacements of single values, column (or pattern of columns) -> old -> new
    keep : only rows where the column holds one of these values
    fill : columns whose empty cells repeat the cell above, as merged cells do
    missing : texts that mean a missing value
    decimal, separator, dates, sheet : where the file leaves a doubt
    header : line in which the names of the columns stand, if it is not the first below a title
    people : `rows` numbers the people by their rows, for a table without identifiers
    once : answers and readings of a person stand on several of his rows and are taken once
    shift_days : added to every day and time, such as -1 for a diary about the day before
    """

    path: str
    reader: Literal[READERS] = "auto"  # type: ignore[valid-type]  # a Literal of a tuple that is also looped over
    options: dict[str, Any] = {}
    columns: dict[str, str] = {}
    set: dict[str, str | float] = {}
    values: dict[str, dict[str, str | float]] = {}
    keep: dict[str, list[str]] = {}
    fill: list[str] = []
    missing: list[str] = ["", "NA", "NaN", "nan", "N/A", "n/a", "null", "NULL", "."]
    decimal: Literal[".", ","] | None = None
    separator: str | None = Field(default=None, max_length=1)
    dates: Literal["year-first", "day-first", "month-first"] | None = None
    sheet: str | None = None
    header: int | None = Field(default=None, ge=1)
    people: Literal["named", "rows"] = "named"
    once: bool = False
    shift_days: float = 0.0


class Mapping(Strict):
    """What a study is made of.

    Parameters
    ----------
    title, citation, licence : said in every report
    day_zero : `person` counts days from the first day on which a person occurs, a date from that day
    forms : how a form was coded, form -> options of its scoring
    file : its files, read in this order
    """

    title: str = ""
    citation: str = ""
    licence: str = ""
    about: str = ""
    day_zero: Literal["person"] | date = "person"
    forms: dict[str, dict[str, Any]] = {}
    file: list[FileMap] = Field(min_length=1)


@dataclass(frozen=True)
class Meaning:
    """What a column means: a key, or a place in a table with its unit."""

    kind: str
    names: tuple[str, ...] = ()
    unit: str | None = None


def meaning(text: str, where: str = "") -> Meaning:
    """Read the meaning of a column.

    Raises
    ------
    InputError
        For a text that is none, with the nearest that is.
    """
    found = MEANING.match(text.strip())
    name, unit = (found["name"], found["unit"]) if found else (text, None)
    head, _, rest = name.partition(".")
    if name in (*KEYS, *LONG, "skip"):
        return Meaning(name, (), unit)
    if head in OPEN and rest:
        return Meaning(head, (rest,), unit)
    if head == "answers" and "." in rest:
        form, _, item = rest.rpartition(".")
        return Meaning("answers", (form, item), unit)
    if head == "readings" and rest:
        return Meaning("readings", (rest,), unit)
    known = [*KEYS, *LONG, "skip", *(f"{table}.NAME" for table in OPEN), "answers.FORM.ITEM", "readings.QUANTITY"]
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"A column means one of {', '.join(known)}"
    raise InputError(f"{text!r} is no meaning of a column", file=where or None, mend=hint)


def resolve(columns: dict[str, str], header: tuple[str, ...], where: str = "") -> dict[str, Meaning]:
    """Return the meaning of every column of a table that has one.

    Raises
    ------
    InputError
        For a key that names no column of the file, a meaning that is still open, or two columns of one meaning.
    """
    exact = {name: text for name, text in columns.items() if name in header}
    texts, opened = dict(exact), {name for name, text in exact.items() if "?" in text}
    for pattern, text in columns.items():
        if pattern in exact:
            continue
        taken = {name: part for name in header if (part := take(pattern, name)) is not None}
        if not taken:
            near = get_close_matches(pattern, header, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(header[:12])}"
            raise InputError(f"the file has no column {pattern!r}", file=where or None, mend=hint)
        sign = "{n}" if "{n}" in pattern else "*"
        for name, part in taken.items():
            if name not in texts:
                texts[name] = text.replace(sign, part)
                opened |= {name} if "?" in text else set()
    for name in header:
        if name in opened:
            raise InputError(
                f"its meaning {texts[name]!r} is still open", file=where or None, field=name,
                mend="Write what stands at the question mark, such as the unit, or `skip`",
            )  # fmt: skip
    found = {name: meaning(texts[name], where) for name in header if name in texts}
    _refuse_twice(found, where)
    return found


def _refuse_twice(found: dict[str, Meaning], where: str) -> None:
    """Two columns may give replicates of a reading, nothing else."""
    seen: dict[tuple[str, tuple[str, ...]], str] = {}
    for name, means in found.items():
        if means.kind in ("skip", "readings"):
            continue
        key = ("time" if means.kind == "date" else means.kind, means.names)
        if key in seen:
            told = ".".join((means.kind, *means.names))
            what = f"columns {seen[key]!r} and {name!r} both mean {told!r}"
            raise InputError(what, file=where or None, field=name, mend="Map one of them to `skip`")
        seen[key] = name


def take(pattern: str, name: str) -> str | None:
    """Return what stands at the sign of a pattern, or None if the name does not fit."""
    for sign, stands in (("{n}", r"(\d+)"), ("*", "(.*)")):
        if sign in pattern:
            before, _, after = pattern.partition(sign)
            fits = re.fullmatch(re.escape(before) + stands + re.escape(after), name)
            return fits[1] if fits else None
    return None


def read_mapping(path: str | Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    InputError
        With the file, the key and the mend.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"is not TOML: {error}", file=path) from error
    try:
        return Mapping.model_validate(data)
    except ValidationError as error:
        raise InputError(_readable(error), file=path) from error


def _readable(error: ValidationError) -> str:
    lines = []
    for issue in error.errors():
        place = ".".join(str(part) for part in issue["loc"])
        known = FileMap.model_fields if len(issue["loc"]) > 2 else Mapping.model_fields
        near = get_close_matches(str(issue["loc"][-1]), known, n=1, cutoff=0.5)
        if issue["type"] == "extra_forbidden":
            lines.append(f"{place}: unknown key" + (f", did you mean {near[0]!r}?" if near else ""))
        else:
            lines.append(f"{place}: {issue['msg'].lower()} (got {issue.get('input')!r})")
    return "; ".join(lines)
