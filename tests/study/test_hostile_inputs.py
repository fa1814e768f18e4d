"""What people really hand in: titles above tables, merged cells, copies, names in file names, edited folders."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import polars as pl
import pytest

from gutbrain.cli import main
from gutbrain.errors import InputError
from gutbrain.study.joined_files import name_parts
from gutbrain.study.mapped.guess import guess
from gutbrain.study.mapped.mapping import Mapping
from gutbrain.study.reading import read_study
from gutbrain.study.study import Study

BEATS = "\n".join(str(820 + 13 * (k % 7)) for k in range(60)) + "\n"


def written(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def table(folder: Path, columns: dict[str, str], path: str = "*.csv", **more: object) -> Study:
    given = {"path": path, "reader": "table", "columns": columns, **more}
    return read_study([folder], Mapping.model_validate({"file": [given]}))


def told(study: Study) -> str:
    return "\n".join(map(str, study.findings))


class TestTablesOfPeople:
    def test_titles_above_the_names_of_columns(self, tmp_path):
        folder = written(tmp_path, a__csv="Stress study,,\nexported 3 May,,\n,,\nid,week,CRP\nA,0,1.5\nB,0,2.5\n")
        study = table(folder, {"id": "person", "week": "visit", "CRP": "readings.blood.crp [mg/L]"})
        assert study.readings["value"].to_list() == [1.5, 2.5]
        assert "taken for a title and left out. Give header = 1" in told(study)

    def test_the_line_of_names_can_be_given(self, tmp_path):
        folder = written(tmp_path, a__csv=",first,first\nid,age,sex\nA,30,f\n")
        columns = {"id": "person", "age": "people.age [year]"}
        assert table(folder, columns, header=2).people["age"].to_list() == [30.0]
        with pytest.raises(InputError, match=r"row 9: this line is empty"):
            table(folder, columns, header=9)

    def test_merged_cells_of_a_workbook(self, tmp_path):
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        for row in (["Trial", None, None], ["id", "visit", "crp"], ["A", 1, 1.5], [None, 2, 2.5], ["B", 1, "<0.3"]):
            book.active.append(row)
        book.active.merge_cells("A1:C1")
        book.active.merge_cells("A3:A4")
        book.save(tmp_path / "a.xlsx")
        assert '# fill = ["id"]' in guess([tmp_path])
        columns = {"id": "person", "visit": "visit", "crp": "readings.blood.crp [mg/L]"}
        with pytest.raises(InputError, match=r'row 4: no person is named.*fill = \["id"\]'):
            table(tmp_path, columns, "a.xlsx")
        rows = table(tmp_path, columns, "a.xlsx", fill=["id"]).readings
        assert rows.select("person", "visit", "value", "limit").rows() == [
            ("A", "1", 1.5, None), ("A", "2", 2.5, None), ("B", "1", 0.3, "<")
        ]  # fmt: skip

    def test_percent_of_a_workbook_is_what_it_shows(self, tmp_path):
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        for row in (["id", "efficiency", "sum"], ["A", 0.875, "=1+1"], ["B", 0.29, "=1+2"]):
            book.active.append(row)
        for row in (2, 3):
            book.active.cell(row, 2).number_format = "0.0%"
        book.save(tmp_path / "a.xlsx")
        columns = {
            "id": "person", "efficiency": "readings.sleep.efficiency [percent]", "sum": "readings.x.sum [1]"
        }  # fmt: skip
        study = table(tmp_path, columns, "a.xlsx")
        assert study.readings["value"].to_list() == [87.5, 29.0]
        assert "column 'sum': holds no value. If a workbook computes it by formulas" in told(study)

    def test_percent_is_no_other_unit(self, tmp_path):
        folder = written(tmp_path, a__csv="id,x\nA,\nB,5%\n")
        with pytest.raises(InputError, match=r"row 3.*'x'.*'5%' is percent, the mapping says \[mg/L\]"):
            table(folder, {"id": "person", "x": "readings.blood.crp [mg/L]"})
        assert table(folder, {"id": "person", "x": "people.x [percent]"}).people["x"].to_list() == [None, 5.0]

    def test_forms_that_redcap_repeats(self, tmp_path):
        text = "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,pss_complete\n"
        folder = written(tmp_path, a__csv=f"{text}1,base,,,2\n1,base,stool,1,0\n1,base,stool,2,2\n")
        columns = tomllib.loads(guess([folder]))["file"][0]["columns"]
        assert columns == dict.fromkeys(columns, "skip") | {"record_id": "person", "redcap_event_name": "visit"}

    def test_how_often_a_row_stands(self, tmp_path):
        folder = written(tmp_path, a__csv="id,q1,q2\nA,1,2\nA,2,2\nA,3,4\nB,1,1\n")
        with pytest.raises(InputError, match="person A, form F, item 1 stands 3 times"):
            table(folder, {"id": "person", "q{n}": "answers.F.{n}"})

    def test_words_of_many_questions_become_numbers_by_one_line(self, tmp_path):
        text = "id,How often (a)?,How often (b)?\nA,never,always\nB,sometimes,never\n"
        columns = {"id": "person", "How often (a)?": "answers.PSS-10.1", "How often (b)?": "answers.PSS-10.2"}
        codes = {"How often*": {"never": 0, "sometimes": 2, "always": 4}}
        rows = table(written(tmp_path, a__csv=text), columns, values=codes).answers
        assert rows.sort("item", "person")["value"].to_list() == [0, 2, 4, 0]
        with pytest.raises(InputError, match="`values` names 'How much"):
            table(tmp_path, columns, values={"How much*": {"never": 0}})

    def test_one_person_spelled_in_two_ways_is_said(self, tmp_path):
        folder = written(tmp_path, a__csv="id,age\nAnna,30\nanna ,30\n001,40\n1,40\n10,50\n")
        found = told(table(folder, {"id": "person", "age": "people.age [year]"}))
        assert "2 names of a person are written in several ways, such as 'Anna', 'anna'" in found

    def test_times_of_google_forms(self, tmp_path):
        folder = written(tmp_path, a__csv="id,at,x\nA,2024/03/01 9:12:00 AM GMT+1,1\nA,2024/03/01 9:12:30 PM GMT+1,2\n")
        rows = table(folder, {"id": "person", "at": "time", "x": "readings.steps [count]"}).readings
        assert [f"{at:%H:%M:%S}" for at in rows["time"]] == ["09:12:00", "21:12:30"]


class TestNamesOfFiles:
    def test_person_and_visit_stand_in_the_name(self, tmp_path):
        folder = written(tmp_path / "Töne 1", p_1_T1__txt=BEATS, p_2_T1__txt=BEATS.replace("820", "821"))
        mapping = Mapping.model_validate({"file": [{"path": "{person}_{visit}.txt", "reader": "rr"}]})
        study = read_study([folder], mapping)
        assert study.beats.select("person", "visit").unique().sort("person").rows() == [("p_1", "T1"), ("p_2", "T1")]
        assert "name of each is taken for a person" not in told(study)

    @pytest.mark.parametrize(
        ("asked", "path", "wanted"),
        [
            ("*/{person}/{visit}.csv", "x/in/A b/T1.csv", {"person": "A b", "visit": "T1"}),
            ("**/{person}[0-9].csv", "a/b/mia7.csv", {"person": "mia"}),
            ("plain.csv", "plain.csv", {}),
        ],
    )
    def test_what_a_name_says(self, asked, path, wanted):
        assert name_parts(asked, Path(path)) == wanted

    def test_a_sign_that_stands_twice_or_in_set_too(self, tmp_path):
        with pytest.raises(InputError, match="stands twice"):
            name_parts("{person}_{person}.csv", Path("a_b.csv"))
        folder = written(tmp_path, A__csv="age\n30\n")
        with pytest.raises(InputError, match="stands in `path` and in `set`"):
            table(folder, {"age": "people.age [year]"}, "{person}.csv", set={"person": "B"})
        assert table(folder, {"age": "people.age [year]"}, "{person}.csv").people["person"].to_list() == ["A"]

    def test_a_profile_gets_its_person_from_its_name(self, tmp_path):
        lines = "#mpa_v30\n#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\n"
        written(tmp_path, mia_profile__txt=f"{lines}k__Bacteria\t2\t100.0\t\nk__Bacteria|p__Firmicutes\t2|1\t100.0\t\n")
        given = {"path": "{person}_profile.txt", "reader": "metaphlan", "set": {"visit": "2"}}
        study = read_study([tmp_path], Mapping.model_validate({"file": [given]}))
        assert study.samples.select("person", "visit").rows() == [("mia", "2")]

    def test_people_that_are_called_after_files(self, tmp_path):
        found = told(read_study([written(tmp_path, a_T1__txt=BEATS, a_T2__txt=BEATS)]))
        assert "2 files name nobody" in found
        assert "{person}_{visit}.txt" in found
        assert "holds the same bytes as" in found


class TestCopies:
    def test_a_file_given_twice_is_read_once(self, tmp_path):
        path = written(tmp_path, a__csv="sample,Bacteroides,Prevotella\ns1,50%,50%\n") / "a.csv"
        assert len(read_study([path, tmp_path / "." / "a.csv"]).abundances) == 2

    def test_two_tables_of_the_same_samples(self, tmp_path):
        text = "sample,Bacteroides,Prevotella\ns1,50%,50%\n"
        with pytest.raises(InputError, match=r"b\.csv: sample s1 holds Bacteroides \[\w+\] in .*a\.csv too"):
            read_study([written(tmp_path, a__csv=text, b__csv=text)])

    def test_a_name_with_signs_of_a_pattern(self, tmp_path):
        written(tmp_path, **{"a[1]__csv": "sample,Bacteroides,Prevotella\ns1,50%,50%\n"})
        assert len(read_study([tmp_path]).abundances) == 2

    @pytest.mark.parametrize("path", ["", "**a.csv", "/a.csv"])
    def test_a_path_that_is_none(self, tmp_path, path):
        with pytest.raises(InputError, match="which is no path"):
            table(written(tmp_path, a__csv="id\n1\n"), {"id": "person"}, path)


class TestDrafts:
    def test_an_export_in_german(self, tmp_path):
        text = "Vpn;Besuch;Größe;Gewicht (kg);Müdigkeit;Bemerkung\n1;T1;1,71;61,5;2,5;kam spät\n2;T1;1,82;80;3,5;ging\n"
        columns = tomllib.loads(guess([written(tmp_path, a__csv=text)]))["file"][0]["columns"]
        assert columns == {
            "Vpn": "person", "Besuch": "visit", "Größe": "people.height [m]", "Gewicht (kg)": "people.weight [kg]",
            "Müdigkeit": "people.muedigkeit", "Bemerkung": "skip",
        }  # fmt: skip

    def test_words_of_a_form_stay_open(self, tmp_path):
        words = ["never", "sometimes", "often"]
        rows = "\n".join(f"{k}," + ",".join(words[(k + j) % 3] for j in range(4)) for k in range(5))
        folder = written(tmp_path, a__csv=f"id,I am calm,I am sad,I am glad,I am old\n{rows}\n")
        text = guess([folder])
        assert '# values = { "I am *" = { "never" = ?, "often" = ?, "sometimes" = ? } }' in text
        assert tomllib.loads(text)["file"][0]["columns"]["I am sad"] == "answers.?.2"
        with pytest.raises(InputError, match="still open"):
            read_study([folder], Mapping.model_validate(tomllib.loads(text)))

    def test_people_who_came_on_one_day_are_not_one_person(self, tmp_path):
        folder = written(tmp_path, a__csv="mood,date\n1,2024-01-02\n2,2024-01-02\n3,2024-01-02\n")
        assert tomllib.loads(guess([folder]))["file"][0]["people"] == "rows"

    def test_a_study_among_the_files_is_left_out(self, tmp_path):
        folder = written(tmp_path, a__csv="sample,Bacteroides,Prevotella\ns1,50%,50%\n")
        read_study([folder]).write(folder / "my.study")
        assert "my.study" not in guess([folder])

    def test_many_columns_keep_their_order(self, tmp_path):
        names = [f"x{k}y" for k in range(300)]
        folder = written(tmp_path, a__csv=f"id,{','.join(names)}\n1,{','.join('2' for _ in names)}\n")
        assert list(tomllib.loads(guess([folder]))["file"][0]["columns"])[1:3] == names[:2]


class TestFolders:
    @pytest.fixture
    def folder(self, tmp_path):
        note = "first line\nsecond line, which goes on and on and never seems to end"
        people = pl.DataFrame({"person": ["A", "B"], "note": [note, "x"]})
        return Study.of({"people": people}, {"title": "T"}).write(tmp_path / "my.study")

    @pytest.mark.parametrize(
        ("key", "value"),
        [("findings", 5), ("findings", [{"severity": "x"}]), ("units", [1]), ("about", None), ("tables", None),
         ("about", {"sources": [1]}), ("about", {"forms": 3}), ("about", {"title": []})],
    )  # fmt: skip
    def test_an_edited_manifest(self, folder, key, value, capsys):
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {key: value}), encoding="utf-8")
        assert main(["show", str(folder)]) == 2
        assert f"{key}" in (told := capsys.readouterr().err)
        assert "is not as it was written" in told

    def test_texts_stay_on_their_line(self, folder, capsys):
        assert main(["show", str(folder)]) == 0
        assert "first line second line, which goes on..." in capsys.readouterr().out

    def test_an_answer_goes_to_a_file(self, folder, tmp_path, capsys):
        asked = ["show", str(folder), "--sql", "SELECT person FROM people", "--out", str(tmp_path / "a.txt")]
        assert main(asked) == 0
        assert "A" in (tmp_path / "a.txt").read_text(encoding="utf-8")
        assert main(asked) == 2
        assert "exists already" in capsys.readouterr().err
        assert main(["show", str(folder), "--scores", "--sql", "SELECT 1"]) == 2

    def test_what_was_noticed_is_said_though_names_are_hidden(self, tmp_path, capsys):
        folder = written(tmp_path / "in", a__csv="id,age\nAnna,30\nanna,30\n")
        (tmp_path / "map.toml").write_text(
            '[[file]]\npath = "a.csv"\n[file.columns]\nid = "person"\nage = "people.age [year]"\n', encoding="utf-8"
        )
        out = tmp_path / "out"
        asked = ["read", str(folder), "--map", str(tmp_path / "map.toml"), "--out", str(out), "--quiet"]
        assert main([*asked, "--pseudonymise", str(tmp_path / "key")]) == 0
        assert "'Anna', 'anna'" in capsys.readouterr().out
        assert "nna" not in (out / "manifest.json").read_text(encoding="utf-8")

    def test_a_library_of_the_extra_is_named(self, tmp_path, monkeypatch, capsys):
        pytest.importorskip("openpyxl").Workbook().save(tmp_path / "a.xlsx")
        monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
        assert main(["read", str(tmp_path), "--guess"]) == 2
        assert "pip install 'gutbrain[study]'" in capsys.readouterr().err
