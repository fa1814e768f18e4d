"""Texts of cells and files of tables are read as people write them, or refused with row, column and mend."""

from datetime import datetime

import pytest
from table_examples import column, read, refused

from gutbrain.errors import InputError
from gutbrain.study.mapped.mapping import FileMap
from gutbrain.study.mapped.read_table import read_table
from gutbrain.study.mapped.sheet import read_sheet

# Cells


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ("1,5;2,25", [1.5, 2.25]), ("1.234,5;2,5", [1234.5, 2.5]), ("1,234,567;2", [1234567, 2]),
        ("1e3;-.5", [1000, -0.5]), ("1,234.5;2", [1234.5, 2]), ("45%;50 %", [45, 50]), ("−3;+4", [-3, 4]),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(tmp_path, cells, values):
    text = "id;v\n" + "".join(f"{k};{cell}\n" for k, cell in enumerate(cells.split(";")))
    assert column(read(tmp_path, text, {"id": "person", "v": "readings.x [percent]"}), "readings", "value") == values


@pytest.mark.parametrize(
    ("cells", "decimal", "words"),
    [
        ("1,5;2.5", None, ["'1,5' has a comma, but row 3 ('2.5') a decimal point", "column 'v'"]),
        ("1,234;2", None, ["can be 1.234 or 1234", 'decimal = ","']),
        ("1.5;2", ",", ["row 2", "'1.5' is no number"]),  # never fifteen
        ("1,5;2", ".", ["row 2", "'1,5' is no number"]),
        ("1,234,567;1,5", None, ["row 2", "is no number"]),
        ("abc;2", None, ["row 2", "'abc' is no number", "`missing`"]),
        ("1e999;2", None, ["too large"]),
        ("45%;0.5", None, ["'0.5' has no percent sign"]),
    ],
)  # fmt: skip
def test_numbers_that_can_be_two_things_are_refused(tmp_path, cells, decimal, words):
    text = "id;v\n" + "".join(f"{k};{cell}\n" for k, cell in enumerate(cells.split(";")))
    refused(tmp_path, text, {"id": "person", "v": "readings.x [percent]"}, *words, decimal=decimal)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("31-12-2024", datetime(2024, 12, 31)), ("12/31/2024 08:30", datetime(2024, 12, 31, 8, 30)),
        ("31.12.2024", datetime(2024, 12, 31)), ("31 OCT 2024", datetime(2024, 10, 31)),
        ("20241231", datetime(2024, 12, 31)), ("2024-12-31T08:30:00+02:00", datetime(2024, 12, 31, 8, 30)),
        ("2024-12-31T08:30:00.5Z", datetime(2024, 12, 31, 8, 30, 0, 500000)),
        ("12/31/2024 01:05 PM", datetime(2024, 12, 31, 13, 5)),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(tmp_path, cell, moment):
    part = read(tmp_path, f"id;t\na;{cell}\n", {"id": "person", "t": "time"}, set={"visit": "1"})
    assert column(part, "visits", "time") == [moment]


def test_utc_is_told(tmp_path):
    part = read(tmp_path, "id,t\na,2024-12-31T08:30:00Z\n", {"id": "person", "t": "time"}, set={"visit": "1"})
    assert any(finding.severity == "warning" and "UTC" in finding.what for finding in part.findings)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("03/04/2024;05/06/2024", ["row 2", "03 April 2024 or 04 March 2024", 'dates = "day-first"']),
        ("31/12/2024;12/31/2024", ["has the day first", "row 3 ('12/31/2024') the month"]),
        ("31/12/24;30/12/24", ["'31/12/24' is no date"]),
        ("2024-13-40;2024-01-01", ["'2024-13-40' is no date"]),
    ],
)
def test_dates_in_doubt_are_refused(tmp_path, cells, words):
    text = "id;t\n" + "".join(f"{k};{cell}\n" for k, cell in enumerate(cells.split(";")))
    refused(tmp_path, text, {"id": "person", "t": "time"}, "column 't'", *words, set={"visit": "1"})


def test_the_mapping_settles_the_order_of_dates(tmp_path):
    columns = {"id": "person", "t": "date"}
    for order, month in (("day-first", 4), ("month-first", 3)):
        part = read(tmp_path, "id,t\na,03/04/2024\n", columns, set={"visit": "1"}, dates=order)
        assert column(part, "visits", "time")[0].month == month


# Files


def test_a_byte_order_mark_windows_letters_and_empty_columns(tmp_path):
    part = read(tmp_path, "\ufeffid,,sex\na,,f\n".encode(), {"id": "person", "sex": "people.sex"})
    assert part.tables["people"].rows() == [("a", "f")]
    assert "1 empty columns" in str(part.findings[0])
    part = read(tmp_path, "id,city\na,Málaga\n".encode("cp1252"), {"id": "person", "city": "people.city"})
    assert column(part, "people", "city") == ["Málaga"]
    assert part.findings[0].severity == "warning" and "Windows-1252" in part.findings[0].what
    part = read(tmp_path, "id\tcity\r\na\tMálaga\r\n".encode("utf-16"), {"id": "person", "city": "people.city"})
    assert column(part, "people", "city") == ["Málaga"]


def test_rows_of_types_and_comments_are_left_out(tmp_path):
    text = "# made by a machine\n#SampleID\tsubject\n#q2:types\tcategorical\ns1\ta\n"
    part = read(tmp_path, text, {"#SampleID": "sample", "subject": "person"})
    assert part.tables["samples"].rows() == [("s1", "a")]


def test_quoted_cells_hold_separators_and_lines(tmp_path):
    part = read(tmp_path, 'id,note\na,"one, two\nthree"\nb,x\n', {"id": "person", "note": "people.note"})
    assert column(part, "people", "note")[0] == "one, two\nthree"
    refused(tmp_path, 'id,v\na,1\nb,"2\n', {"id": "person", "v": "people.v"}, "row 3", "quotes do not match")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["the file is empty"]),
        ("\n\n", ["the file is empty"]),
        ("id,v\n", ["a header and no rows"]),
        ("id,v\na,1\nb\n", ["row 3", "1 fields, the header 2"]),
        ("id,v\na,1,2\nb,1\n", ["row 2", "3 fields, the header 2"]),
        ("id,v,v\na,1,2\n", ["column 'v'", "stands twice"]),
        ("id,v\na,\x00\n", ["no text"]),
        ("ident,v\na,1\n", ["no column 'id'", "Did you mean 'ident'?"]),
        ("id,a,b\nv,1,2\nw,3,4\n", ["no column 'v'"]),  # the wrong orientation
    ],
)
def test_broken_files_are_refused(tmp_path, text, words):
    refused(tmp_path, text, {"id": "person", "v": "readings.x [1]"}, *words)


def test_workbooks(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "people"
    for row in [["id", "when", "age", None], ["a", datetime(2024, 1, 31, 8, 30), 34, None], ["b", None, 2.5, None]]:
        sheet.append(row)
    book.create_sheet("empty")
    path = tmp_path / "x.xlsx"
    book.save(path)
    columns = {"id": "person", "when": "visits.seen", "age": "people.age [year]"}
    part = read_table(path, FileMap(path="x.xlsx", columns=columns | {"when": "time"}, set={"visit": "1"}))
    assert part.tables["people"].rows() == [("a", 34.0), ("b", 2.5)] and part.units == {"people.age": "year"}
    assert column(part, "visits", "time") == [datetime(2024, 1, 31, 8, 30), None]
    with pytest.raises(InputError, match="no sheet 'pepole'.*It has people, empty"):
        read_sheet(path, sheet="pepole")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="no readable workbook"):
        read_sheet(path)


def test_spss(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": ["a", "b"], "phq1": [0.0, 9.0], "sex": [1.0, 2.0]})
    path = tmp_path / "x.sav"
    pyreadstat.write_sav(frame, str(path), variable_value_labels={"sex": {1: "female", 2: "male"}},
                         missing_ranges={"phq1": [9]})  # fmt: skip
    columns = {"id": "person", "phq1": "answers.PHQ-9.1", "sex": "people.sex"}
    part = read_table(path, FileMap(path="x.sav", columns=columns))
    assert column(part, "answers", "value") == [0.0]  # 9 means no answer
    assert any("1 = female, 2 = male" in finding.what for finding in part.findings)
    path.write_bytes(b"$FL2 nothing")
    with pytest.raises(InputError, match="no readable SPSS file"):
        read_sheet(path)
