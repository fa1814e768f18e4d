"""Pseudonyms: no name and no date is left, times within a person stay, and what is not hidden is said."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.study.part import Finding
from gutbrain.study.privacy import pseudonymise, read_key
from gutbrain.study.study import Study

FIRST = datetime(2024, 3, 4, 7, 30)


@pytest.fixture
def study() -> Study:
    readings = pl.DataFrame({
        "person": ["Anna Muster", "Anna Muster", "Ben Beispiel"], "time": [FIRST, FIRST + timedelta(days=9), FIRST],
        "quantity": ["blood.crp"] * 3, "value": [1.0, 2.0, 3.0], "unit": ["mg/L"] * 3,
    })  # fmt: skip
    samples = pl.DataFrame({"sample": ["Anna-1"], "person": ["Anna Muster"], "time": [FIRST]})
    abundances = pl.DataFrame({"sample": ["Anna-1"], "feature": ["Blautia"], "value": [9.0], "unit": ["count"]})
    tables = {
        "people": pl.DataFrame({"person": ["Anna Muster", "Ben Beispiel"], "village": ["Au", "Bern"]}),
        "readings": readings, "samples": samples, "abundances": abundances,
        "features": pl.DataFrame({"feature": ["Blautia"], "kind": ["taxon"]}),
    }  # fmt: skip
    about = {"title": "t", "sources": [{"file": "Anna Muster.csv", "reader": "table", "sha256": "00"}]}
    return Study.of(tables, about, {}, (Finding("note", "Anna Muster.csv", "", "seen"),))


def test_no_name_and_no_date_is_left(study, tmp_path):
    hidden = pseudonymise(study, b"k" * 32)
    written = hidden.write(tmp_path / "hidden.study")
    for path in written.iterdir():
        raw = path.read_bytes()
        assert b"Anna" not in raw and b"Beispiel" not in raw, path.name
    assert not set(hidden.readings["time"]) & set(study.readings["time"])


def test_times_within_a_person_weekdays_and_joins_stay(study):
    hidden = pseudonymise(study, b"k" * 32)
    anna = hidden.readings.filter(pl.col("person") == hidden.samples["person"][0])
    assert anna["time"].to_list()[1] - anna["time"].to_list()[0] == timedelta(days=9)
    assert anna["time"][0] == hidden.samples["time"][0]
    assert anna["time"][0].time() == FIRST.time() and anna["time"][0].weekday() == FIRST.weekday()
    assert hidden.abundances["sample"].to_list() == hidden.samples["sample"].to_list()


def test_the_same_key_gives_the_same_names_and_another_key_others(study):
    one, again, other = (pseudonymise(study, key) for key in (b"k" * 32, b"k" * 32, b"l" * 32))
    assert one.equals(again)
    assert not set(one.people["person"]) & set(other.people["person"])


def test_what_is_not_hidden_is_said(study):
    said = [str(finding) for finding in pseudonymise(study, b"k" * 32).findings]
    assert any("people.village" in line and "fewer than 5" in line for line in said)
    assert any("microbes" in line for line in said)


def test_a_key_is_made_once_for_its_owner_alone_and_a_bad_one_is_refused(tmp_path):
    path = tmp_path / "key"
    assert read_key(path) == read_key(path) and len(read_key(path)) == 32
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("short")
    with pytest.raises(InputError, match="no key"):
        read_key(path)
