"""Pseudonyms: identifiers become keyed hashes and dates are shifted; what cannot be hidden is said."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.part import Finding
from gutbrain.study.quality import quality
from gutbrain.study.schema import MOMENT, TABLES, TEXT
from gutbrain.study.study import Study

NAMES = ("person", "sample", "recording")
MOST_SHIFT = 365  # days
RARE = 5  # people who share a value of a covariate


def read_key(path: Path) -> bytes:
    """Read a secret key, or make one that only its owner can read.

    Raises
    ------
    InputError
        If the file cannot be used.
    """
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32), encoding="ascii")
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise InputError(f"the key cannot be used ({error.strerror})", file=path, mend="Name another file") from error
    except ValueError as error:
        raise InputError("this is no key", file=path, mend="Name a file that does not exist: a key is made") from error
    if len(key) < 16:
        raise InputError("this key is shorter than 16 bytes", file=path, mend="Name a file that does not exist")
    return key


def pseudonymise(study: Study, key: bytes) -> Study:
    """Replace identifiers by keyed hashes, and shift every person's dates by days of his own.

    Order, distances in time and clock times within a person stay. The same key gives the same names and shifts,
    so that later files of the same people join; without the key nobody can undo them.

    Returns
    -------
    Study : with findings that say what is not hidden
    """
    tables = {}
    for name, frame in study.tables.items():
        tables[name] = _shifted(frame, key) if "person" in frame.columns else frame
        renamed = [pl.col(column).map_elements(lambda text: _name(text, key), TEXT).alias(column)
                   for column in NAMES if column in frame.columns]  # fmt: skip
        tables[name] = tables[name].with_columns(renamed)
    about = {name: value for name, value in study.about.items() if name != "sources"}
    about["sources"] = [
        {"file": f"file {number}", "reader": source["reader"], "sha256": ""}
        for number, source in enumerate(study.about.get("sources", []), 1)
    ]
    about["pseudonymised"] = True
    hidden = Study(tables, about, study.units)
    # What the readers noticed names people and files; what can be noticed again is noticed under the new names.
    return hidden.with_findings((*quality(hidden, about.get("forms")), *_open(hidden)))


def _name(text: str, key: bytes) -> str:
    return hmac.new(key, b"name:" + text.encode(), hashlib.sha256).hexdigest()[:12]


def _shifted(frame: pl.DataFrame, key: bytes) -> pl.DataFrame:
    moments = [column for column, kind in frame.schema.items() if kind == MOMENT]
    if not moments:
        return frame
    people = frame["person"].drop_nulls().unique()
    days = {who: _shift(who, key) for who in people.to_list()}
    shift = pl.col("person").replace_strict(days, default=timedelta(0), return_dtype=pl.Duration("us"))
    return frame.with_columns([pl.col(column) + shift for column in moments])


def _shift(who: str, key: bytes) -> timedelta:
    """Return whole weeks, so that a weekday stays one."""
    drawn = int.from_bytes(hmac.new(key, b"shift:" + who.encode(), hashlib.sha256).digest()[:8], "big")
    return timedelta(weeks=-(1 + drawn % (MOST_SHIFT // 7)))


def _open(study: Study) -> list[Finding]:
    """Say what a pseudonym does not hide."""
    found = []
    for table in ("people", "visits", "samples"):
        frame = study.tables[table]
        for name in (column for column in frame.columns if column not in TABLES[table].columns):
            counts = frame[name].drop_nulls().value_counts()["count"]
            rare = int((counts < RARE).sum())
            if rare:
                what = f"{rare} values are shared by fewer than {RARE} rows: somebody who knows them finds the person"
                found.append(Finding("warning", "privacy", f"{table}.{name}", what, "Coarsen or drop this column"))
    if len(study.abundances):
        what = "a person's microbes and rare answers can name him to whoever holds another sample of his"
        found.append(Finding("warning", "privacy", "abundances", what, "Share it under an agreement only"))
    if len(study.beats):
        what = "heartbeats of hours can name a person to whoever holds another recording of his"
        found.append(Finding("note", "privacy", "beats", what))
    what = "free text in covariates, clock times, weekdays and the distances between dates stay as they are"
    return [*found, Finding("note", "privacy", "", what)]
