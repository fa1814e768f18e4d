"""A study folder: whole or not at all, the same after reading, open to SQL."""

from __future__ import annotations

import json
from datetime import datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.part import Finding
from gutbrain.study.schema import TABLES, conform
from gutbrain.study.study import Study

NAMES = st.text("abcXYZ 09_é", min_size=1, max_size=6).map(str.strip).filter(bool)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))


def small() -> Study:
    tables = {
        "people": pl.DataFrame({"person": ["a", "b"], "age": [31.0, 44.0]}),
        "samples": pl.DataFrame({"sample": ["a0", "b0"], "person": ["a", "b"], "visit": ["0", "0"], "day": [0.0, 1.5]}),
        "features": pl.DataFrame({"feature": ["Blautia"], "kind": ["taxon"], "genus": ["Blautia"]}),
        "abundances": pl.DataFrame({"sample": ["a0"], "feature": ["Blautia"], "value": [7.0], "unit": ["count"]}),
        "answers": pl.DataFrame({"person": ["c"], "form": ["PSS-10"], "item": ["1"], "value": [3.0]}),
        "readings": pl.DataFrame({"person": ["a"], "quantity": ["blood.crp"], "value": [0.3], "unit": ["mg/L"],
                                  "limit": ["<"], "time": [datetime(2024, 5, 1, 8, 30)]}),
    }  # fmt: skip
    return Study.of(tables, {"title": "small"}, {"people.age": "year"}, (Finding("note", "f.csv", "", "seen"),))


def test_everybody_who_occurs_is_a_person():
    assert small().people["person"].to_list() == ["a", "b", "c"]
    assert small().people["age"].to_list() == [31.0, 44.0, None]


def test_a_study_is_the_same_after_writing_and_reading(tmp_path):
    study = small()
    read = Study.read(study.write(tmp_path / "my.study"))
    assert read.equals(study)
    assert (read.about, read.units, read.findings) == (study.about, study.units, study.findings)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(NAMES, NAMES, NUMBERS, MOMENTS, st.sampled_from(["nmol/L", "ms", "1"]),
                               st.sampled_from([None, "<", ">"])), max_size=8))  # fmt: skip
def test_no_value_unit_time_or_limit_is_lost(tmp_path, rows):
    names = ("person", "quantity", "value", "time", "unit", "limit")
    frame = pl.DataFrame(rows, schema=[(name, TABLES["readings"].columns[name]) for name in names], orient="row")
    study = Study.of({"readings": frame})
    assert Study.read(study.write(tmp_path / "drawn.study", force=True)).equals(study)


def test_a_study_is_not_overwritten_unasked_and_nothing_half_written_stays(tmp_path, monkeypatch):
    folder = small().write(tmp_path / "my.study")
    with pytest.raises(InputError, match="exists already"):
        small().write(folder)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(InputError, match="No space left"):
        small().write(folder, force=True)
    monkeypatch.undo()
    assert Study.read(folder).equals(small())
    assert [path.name for path in tmp_path.iterdir()] == ["my.study"]


def test_a_changed_or_missing_table_and_a_later_format_are_refused(tmp_path):
    folder = small().write(tmp_path / "my.study")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"study_format": 99}))
    with pytest.raises(InputError, match="99 is newer"):
        Study.read(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    small().people.head(1).write_parquet(folder / "people.parquet")
    with pytest.raises(InputError, match="not the one that was written"):
        Study.read(folder)
    (folder / "people.parquet").unlink()
    with pytest.raises(InputError, match="missing or cannot be read"):
        Study.read(folder)
    with pytest.raises(InputError, match="no study folder"):
        Study.read(tmp_path)


@pytest.mark.parametrize(
    ("table", "frame", "says"),
    [
        ("answers", {"person": ["a"], "form": ["x"], "item": ["1"], "value": [None]}, "a value must stand here"),
        ("answers", {"person": ["a"] * 2, "form": ["x"] * 2, "item": ["1"] * 2, "value": [1, 2]}, "stands 2 times"),
        ("readings", {"person": ["a"], "quantity": ["x"], "value": ["many"], "unit": ["1"]}, "be read as a number"),
        ("readings", {"person": ["a"], "quantity": ["x"], "value": [1.0], "unit": ["1"], "hue": ["red"]}, "no column"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_conform_is_refused(table, frame, says):
    with pytest.raises(InputError, match=says):
        conform(table, pl.DataFrame(frame))


def test_abundances_refer_to_samples_and_features():
    tables = {name: small().tables[name] for name in ("samples", "features", "abundances")}
    with pytest.raises(InputError, match="do not stand in 'features'"):
        Study.of(tables | {"features": tables["features"].clear()})
    with pytest.raises(InputError, match="no table 'sample'"):
        Study.of({"sample": tables["samples"]})


def test_sql_in_python_and_by_duckdb_from_within_the_folder(tmp_path, monkeypatch):
    study = small()
    assert study.sql("SELECT count(*) AS n FROM people")["n"].to_list() == [3]
    with pytest.raises(InputError, match="SQL"):
        study.sql("SELECT nothing FROM nowhere")
    duckdb = pytest.importorskip("duckdb", reason="needs the extra 'study'")
    folder = study.write(tmp_path / "my.study").rename(tmp_path / "moved.study")
    monkeypatch.chdir(folder)
    with duckdb.connect("study.duckdb", read_only=True) as connection:
        assert connection.sql("SELECT sum(value) FROM abundances").fetchall() == [(7.0,)]
