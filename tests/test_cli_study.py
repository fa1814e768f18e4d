"""`gutbrain read` and `show` of a study: what is right is written whole, what is wrong gets one message and code 2."""

from __future__ import annotations

import pytest

from gutbrain import cli
from gutbrain.study.study import Study

COUNTS = "genus\ts1\ts2\nBacteroides\t2400\t900\nFaecalibacterium\t1500\t800\nBlautia\t350\t20\n"
PEOPLE = "sample_id,subject,week,Age,CRP,PSS1,PSS2\ns1,anna,0,31,0.8,1,2\ns2,ben,0,44,<0.2,3,4\n"
MAP = """
title = "two people"
[[file]]
path = "counts.tsv"
reader = "matrix"
options = { samples = "columns", unit = "count", rank = "genus" }
[[file]]
path = "people.csv"
reader = "table"
[file.columns]
sample_id = "sample"
subject = "person"
week = "visit"
Age = "people.age [year]"
CRP = "readings.blood.crp [mg/dL]"
"PSS{n}" = "answers.PSS-10.{n}"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "counts.tsv").write_text(COUNTS)
    (tmp_path / "data" / "people.csv").write_text(PEOPLE)
    (tmp_path / "map.toml").write_text(MAP)
    return tmp_path


def read(folder, *more: str) -> int:
    return cli.main(["read", str(folder / "data"), "--map", str(folder / "map.toml"), "--out",
                     str(folder / "my.study"), "--quiet", *more])  # fmt: skip


def failed(capsys, code: int) -> str:
    assert code == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err and said.err.count("\n") == 1
    return said.err


def test_read_and_show(folder, capsys):
    assert read(folder) == 0
    said = capsys.readouterr().out
    assert "two people" in said and "mg/dL became mg/L (times 10)" in said and "1 beyond a limit" in said
    study = Study.read(folder / "my.study")
    assert study.readings["value"].to_list() == [8.0, 2.0] and study.readings["limit"].to_list() == [None, "<"]
    assert study.samples["person"].to_list() == ["anna", "ben"] and study.units == {"people.age": "year"}
    assert cli.main(["show", str(folder / "my.study")]) == 0
    assert capsys.readouterr().out.startswith("two people")
    assert cli.main(["show", str(folder / "my.study"), "--sql", "SELECT max(value) AS most FROM readings"]) == 0
    assert "8.0" in capsys.readouterr().out


def test_the_page_is_written_into_the_folder(folder, capsys):
    assert read(folder, "--html") == 0
    page = (folder / "my.study" / "report.html").read_text(encoding="utf-8")
    assert ("two people" in page and "<svg" in page) or "vega" in page
    Study.read(folder / "my.study")


def test_a_study_is_replaced_only_when_asked(folder, capsys):
    assert read(folder) == 0
    capsys.readouterr()
    assert "exists already" in failed(capsys, read(folder))
    assert read(folder, "--force") == 0


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("map.toml", "path = ", "pfad = ", "unknown key, did you mean 'path'"),
        ("map.toml", "counts.tsv", "count.tsv", "which is not in"),
        ("map.toml", 'week = "visit"', 'weak = "visit"', "no column 'weak'. Did you mean 'week'"),
        ("map.toml", '"people.age [year]"', '"peple.age [year]"', "no meaning of a column. Did you mean 'people.NAME'"),
        ("map.toml", " [mg/dL]", "", "has no unit"),
        ("map.toml", "[mg/dL]", "[hour]", "'hour' cannot become mg/L"),
        ("map.toml", "unit =", "units =", "no option 'units'"),
        ("data/people.csv", "0.8", "0,8", "3 has 8 fields|has 8 fields"),
        ("data/people.csv", "0.8", "high", "row 2, column 'CRP': 'high' is no number"),
        ("data/counts.tsv", "1500", "-3", "Faecalibacterium"),
        ("data/counts.tsv", "Blautia", "Bacteroides", "Bacteroides"),
        ("data/people.csv", "s2,ben", "s1,ben", "s1"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(folder, capsys, file, old, new, says):
    path = folder / file
    path.write_text(path.read_text().replace(old, new, 1))
    said = failed(capsys, read(folder))
    assert any(part in said for part in says.split("|")), said
    assert sorted(entry.name for entry in folder.iterdir()) == ["data", "map.toml"]


def test_what_is_missing_is_said(folder, capsys):
    data = str(folder / "data")
    assert "Give --out my.study" in failed(capsys, cli.main(["read", data]))
    assert "no such file or folder" in failed(capsys, cli.main(["read", f"{data}x", "--out", str(folder / "x")]))
    assert "this is no study folder" in failed(capsys, cli.main(["show", data]))
    assert "did you mean 'states'" in failed(capsys, cli.main(["show", "staates"]))
    assert "for study folders" in failed(capsys, cli.main(["show", "states", "--sql", "SELECT 1"]))
    assert "SQL" in failed(capsys, read(folder) or cli.main(["show", str(folder / "my.study"), "--sql", "SELEC 1"]))


def test_pseudonyms_need_a_key_outside_the_folder(folder, capsys):
    assert "must not lie in" in failed(capsys, read(folder, "--pseudonymise", str(folder / "my.study" / "key")))
    assert read(folder, "--pseudonymise", str(folder / "key")) == 0
    assert "anna" not in capsys.readouterr().out
    first = Study.read(folder / "my.study").people["person"].to_list()
    assert read(folder, "--pseudonymise", str(folder / "key"), "--force") == 0
    assert Study.read(folder / "my.study").people["person"].to_list() == first != ["anna", "ben"]


def test_a_guess_is_printed_and_nothing_written(folder, capsys):
    assert cli.main(["read", str(folder / "data"), "--guess"]) == 0
    said = capsys.readouterr().out
    assert 'path = "people.csv"' in said and "counts.tsv" in said
    assert sorted(entry.name for entry in folder.iterdir()) == ["data", "map.toml"]
