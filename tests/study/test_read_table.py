"""Tables of people, visits, samples and answers are read by their mapping, or refused with place and mend."""

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_examples import column, read, refused

from gutbrain.errors import InputError
from gutbrain.study.assemble import assemble
from gutbrain.study.mapped.mapping import FileMap, meaning, read_mapping
from gutbrain.study.mapped.read_table import read_table
from gutbrain.study.mapped.sheet import read_sheet
from gutbrain.study.part import Part
from gutbrain.study.reading import read_study

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
MAPS = sorted((ROOT / "examples" / "maps").glob("*.toml"))
BASE = {"id": "person", "visit": "visit"}


# What a table gives


def test_a_wide_table_gives_people_visits_and_answers(tmp_path):
    text = "id,visit,sex,p1,p2\na,1,f,0,3\na,2,f,1,\nb,1,m,2,2\n"
    part = read(tmp_path, text, BASE | {"sex": "people.sex", "p{n}": "answers.PHQ-9.{n}"})
    assert part.tables["people"].rows() == [("a", "f"), ("b", "m")]
    assert part.tables["visits"].rows() == [("a", "1"), ("a", "2"), ("b", "1")]
    answers = part.tables["answers"].select("person", "visit", "form", "item", "value").rows()
    assert ("a", "2", "PHQ-9", "1", 1.0) in answers and len(answers) == 5  # an empty cell is no answer
    assert part.reader == "table, 3 rows x 5 columns"


def test_a_long_table_gives_readings_with_their_limit(tmp_path):
    text = "who,marker,result,unit\na,CRP,<0.3,mg/L\nb,CRP,2,mg/L\n"
    columns = {"who": "person", "marker": "quantity", "result": "value", "unit": "unit"}
    part = read(tmp_path, text, columns, values={"marker": {"CRP": "blood.crp"}}, set={"method": "ELISA"})
    rows = part.tables["readings"].select("person", "quantity", "value", "unit", "limit", "method", "origin").rows()
    assert rows[0] == ("a", "blood.crp", 0.3, "mg/L", "<", "ELISA", "measured")
    assert rows[1][4] is None


def test_a_long_table_of_answers(tmp_path):
    part = read(tmp_path, "id,q,a\nx,1,3\nx,2,0\n", {"id": "person", "q": "item", "a": "value"}, set={"form": "PSS-10"})
    assert part.tables["answers"].select("form", "item", "value").rows() == [("PSS-10", "1", 3.0), ("PSS-10", "2", 0.0)]


def test_dates_and_clock_times_become_one_moment(tmp_path):
    text = "id,d,c,v\na,2024-01-31,08:30,1\na,2024-02-01,22:15:30,2\n"
    part = read(tmp_path, text, {"id": "person", "d": "date", "c": "clock", "v": "readings.stool.form [1]"})
    assert column(part, "readings", "time") == [datetime(2024, 1, 31, 8, 30), datetime(2024, 2, 1, 22, 15, 30)]


def test_days_are_counted_from_the_first_of_a_person_or_from_a_date(tmp_path):
    text = "id,t,v\na,2024-01-31 12:00,1\na,2024-02-02 06:00,2\n"
    part = read(tmp_path, text, {"id": "person", "t": "time", "v": "readings.stool.form [1]"})
    assert assemble([part]).readings["day"].to_list() == [0.5, 2.25]
    assert assemble([part], day_zero=date(2024, 1, 1)).readings["day"].to_list() == [30.5, 32.25]


def test_a_diary_of_the_day_before_is_moved(tmp_path):
    part = read(tmp_path, "id,d,v\na,3,1\n", {"id": "person", "d": "day", "v": "readings.diet.fat [g]"}, shift_days=-1)
    assert column(part, "readings", "day") == [2.0]


def test_rows_are_people_where_nobody_is_named(tmp_path):
    part = read(tmp_path, "p1\n0\n1\n", {"p1": "answers.PHQ-9.1"}, people="rows")
    assert column(part, "people", "person") == ["p1", "p2"]


def test_a_value_that_was_copied_to_every_row_of_a_person_is_taken_once(tmp_path):
    columns = {"s": "sample", "id": "person", "crp": "readings.blood.crp [mg/L]"}
    part = read(tmp_path, "s,id,crp\n1,a,5\n2,a,5\n3,b,1\n", columns, once=True)
    assert column(part, "readings", "value") == [5.0, 1.0]
    refused(tmp_path, "s,id,crp\n1,a,5\n2,a,6\n", columns, "blood.crp of a differs", once=True)


def test_copies_without_a_time_are_kept_and_told(tmp_path):
    part = read(tmp_path, "id,crp\na,5\na,5\n", {"id": "person", "crp": "readings.blood.crp [mg/L]"})
    study = assemble([part])
    assert len(study.readings) == 2
    assert "once = true" in "".join(map(str, study.findings))


def test_kept_rows_replaced_values_and_constants(tmp_path):
    text = "id,kind,v\na,main,yes\na,evening,no\n"
    columns = {"id": "person", "v": "answers.diary.walked"}
    part = read(tmp_path, text, columns, keep={"kind": ["main"]}, values={"v": {"yes": 1}}, set={"visit": "week 1"})
    assert part.tables["answers"].select("visit", "value").rows() == [("week 1", 1.0)]
    refused(tmp_path, text, columns, "leaves no row", keep={"kind": ["morning"]})
    refused(tmp_path, text, columns, "'kin'", "Did you mean 'kind'?", keep={"kin": ["main"]})
    refused(tmp_path, text, columns, "'vv'", "Did you mean 'v'?", values={"vv": {"yes": 1}})
    refused(tmp_path, text, columns, "'persn'", "Did you mean 'person'?", set={"persn": "a"})
    refused(tmp_path, text, columns, "no options", options={"samples": "rows"})


def test_a_covariate_stays_text_where_the_mapping_says_so(tmp_path):
    text = "id,group\n" + "".join(f"{k},{k}\n" for k in range(9)) + "x,PEG fed\n"
    refused(tmp_path, text, {"id": "person", "group": "people.group"}, "'PEG fed' is no number", "row 11")
    part = read(tmp_path, text, {"id": "person", "group": "people.group [text]"})
    assert column(part, "people", "group")[-1] == "PEG fed" and not part.units


def test_a_control_sample_is_nobodys(tmp_path):
    part = read(tmp_path, "s,id\n1,a\nblank,\n", {"s": "sample", "id": "person"})
    assert part.tables["samples"].rows() == [("1", "a"), ("blank", None)]
    assert column(part, "people", "person") == ["a"]
    refused(tmp_path, "id,x\na,1\n,2\n", {"id": "person", "x": "people.x"}, "row 3", "no person is named")


# Meanings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("persn", "'persn' is no meaning of a column. Did you mean 'person'?"),
        ("reading.crp", "Did you mean"),
        ("answers.PHQ-9", "is no meaning"),
    ],
)
def test_unknown_meanings_name_the_nearest(text, words):
    with pytest.raises(InputError, match=".*".join(words.split("  "))):
        meaning(text)


def test_a_meaning_that_is_open_is_refused_with_its_column(tmp_path):
    who = {"id": "person"}
    refused(tmp_path, "id,c\na,1\n", who | {"c": "readings.blood.crp [unit?]"}, "column 'c'", "still open")
    refused(tmp_path, "id,d1\na,1\n", who | {"d{n}": "answers.DASS-42.?{n}"}, "column 'd1'", "still open")
    refused(tmp_path, "id,c\na,1\n", who | {"c": "readings.blood.crp"}, "column 'c'", "has no unit", "[unit]")


def test_patterns_keep_units_and_exact_names_go_first(tmp_path):
    columns = {"id": "person", "hf_{n}": "readings.heart.hf_{n} [ms**2]", "hf_2": "skip"}
    part = read(tmp_path, "id,hf_1,hf_2\na,4,5\n", columns)
    assert part.tables["readings"].select("quantity", "unit").rows() == [("heart.hf_1", "ms**2")]


def test_two_columns_of_one_meaning_are_refused(tmp_path):
    columns = {"id": "person", "a": "answers.PHQ-9.1", "b": "answers.PHQ-9.1"}
    refused(tmp_path, "id,a,b\nx,1,2\n", columns, "'a' and 'b' both mean 'answers.PHQ-9.1'", "`skip`")
    refused(tmp_path, "id,a\nx,1\n", {"id": "person", "a": "person"}, "both mean 'person'")


def test_long_tables_that_lack_a_part_are_refused(tmp_path):
    refused(tmp_path, "id,v\na,1\n", {"id": "person", "v": "value"}, "nothing says what the values are")
    refused(tmp_path, "id,q,v\na,x,1\n", {"id": "person", "q": "quantity", "v": "value"}, "nothing says the unit")
    refused(tmp_path, "id,q\na,x\n", {"id": "person", "q": "quantity"}, "one column that means `value`")
    columns = {"id": "person", "q": "quantity", "v": "value"}
    refused(tmp_path, "id,q,v\na,x,1\na,,2\n", columns, "row 3", "quantity of a value is not named", set={"unit": "1"})


def test_a_mapping_with_a_wrong_key_is_refused(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text('[[file]]\npath = "x.csv"\nreader = "tabel"\ncolums = {}\n')
    with pytest.raises(InputError) as error:
        read_mapping(path)
    assert "did you mean 'columns'?" in str(error.value) and "got 'tabel'" in str(error.value)
    path.write_text("[[file]\n")
    with pytest.raises(InputError, match="is not TOML"):
        read_mapping(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_mapping(tmp_path / "none.toml")


# Contradictions


def test_covariates_that_change_name_the_finer_table(tmp_path):
    text = "id,visit,bmi\na,1,20\na,2,21\n"
    refused(tmp_path, text, BASE | {"bmi": "people.bmi"}, "person a has several values of 'bmi'", "visits.bmi", "'bmi'")
    assert column(read(tmp_path, text, BASE | {"bmi": "visits.bmi"}), "visits", "bmi") == [20.0, 21.0]
    columns = {"s": "sample", "id": "person", "x": "samples.x"}
    refused(tmp_path, "s,id,x\n1,a,2\n1,b,2\n", columns, "sample 1", "'person'")
    refused(tmp_path, "id,b\na,1\n", {"id": "person", "b": "visits.b"}, "need person and visit")


def test_files_that_contradict_each_other_are_refused(tmp_path):
    one = read(tmp_path, "id,age\na,30\n", {"id": "person", "age": "people.age [year]"})
    other = read(tmp_path, "id,age\na,31\n", {"id": "person", "age": "people.age [year]"})
    with pytest.raises(InputError, match="person a has several values in different files"):
        assemble([one, other])
    months = read(tmp_path, "id,age\na,30\n", {"id": "person", "age": "people.age [month]"})
    with pytest.raises(InputError, match="people.age is in year in one file and in month in another"):
        assemble([one, months])


def test_a_visit_begins_with_its_first_file(tmp_path):
    columns = BASE | {"day": "day", "v": "readings.stool.form [1]"}
    parts = [read(tmp_path, f"id,visit,day,v\na,1,{day},3\n", columns) for day in (4, 3)]
    assert assemble(parts).visits.select("visit", "day").rows() == [("1", 3.0)]


def test_answers_twice_and_answers_outside_the_form(tmp_path):
    columns = BASE | {"p{n}": "answers.GAD-7.{n}"}
    header = "id,visit," + ",".join(f"p{k}" for k in range(1, 8)) + "\n"
    twice = read(tmp_path, header + "a,1,0,0,0,0,0,0,0\na,1,1,0,0,0,0,0,0\n", columns)
    with pytest.raises(InputError, match="person a, visit 1, form GAD-7, item 1 stands 2 times"):
        assemble([twice])
    (tmp_path / "g.csv").write_text(header + "a,1,0,7,0,0,0,0,0\n")
    (tmp_path / "m.toml").write_text('[[file]]\npath = "g.csv"\n[file.columns]\nid = "person"\nvisit = "visit"\n'
                                     '"p{n}" = "answers.GAD-7.{n}"\n')  # fmt: skip
    study = read_study([tmp_path / "g.csv"], read_mapping(tmp_path / "m.toml"))
    assert any("answer outside the form" in finding.what for finding in study.findings)


def test_units_become_those_of_the_quantity(tmp_path):
    part = read(tmp_path, "id,c\na,0.5\n", {"id": "person", "c": "readings.saliva.cortisol [ug/dL]"})
    study = assemble([part])
    assert study.readings["unit"].to_list() == ["nmol/L"]
    assert study.readings["value"][0] == pytest.approx(0.5 * 10 / 362.46 * 1000)
    for unit in ("mg/kg", "nonsense", "1", "count", "((", "ug//", "mg/L + 1"):
        part = read(tmp_path, "id,c\na,0.5\n", {"id": "person", "c": f"readings.saliva.cortisol [{unit}]"})
        with pytest.raises(InputError, match="saliva.cortisol in .* cannot become nmol/L"):
            assemble([part])


# Anything at all


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_give_a_table_or_an_error_of_input(tmp_path, raw):
    path = tmp_path / "x.csv"
    path.write_bytes(raw)
    try:
        table, _ = read_sheet(path)
        columns = dict.fromkeys(table.header[:1], "people.x")
        assert isinstance(read_table(path, FileMap(path="x.csv", columns=columns, people="rows")), Part)
    except InputError:
        pass


CELL = st.one_of(
    st.from_regex(r"[<>]?[+-]?[0-9]{0,4}[.,]?[0-9]{0,4}([.,][0-9]{3})?(e-?[0-9]{1,3})?%?", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([ T][0-9]{1,2}:[0-9]{2}(Z|\+0200)?)?", fullmatch=True),
    st.text(st.characters(exclude_characters="\r\n\x00", codec="utf-8"), max_size=8),
)
MEANINGS = (
    "people.a", "visits.b", "readings.c [1]", "answers.f.1", "time", "date", "day", "clock", "until", "sample", "skip",
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12"), CELL, CELL), min_size=1, max_size=5),
    means=st.tuples(st.sampled_from(MEANINGS), st.sampled_from(MEANINGS)),
)
def test_any_cells_give_a_study_or_an_error_of_input(tmp_path, rows, means):
    lines = ["|".join(cell.replace("|", "").replace('"', "") for cell in row) for row in rows]
    text = "id|visit|x|y\n" + "\n".join(lines) + "\n"
    try:
        part = read(tmp_path, text, BASE | dict(zip("xy", means, strict=True)), separator="|")
        assemble([part])
    except InputError:
        pass


# Real studies


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
def test_shipped_mappings_read_their_study(path):
    folder = DATA / path.stem
    folder = DATA / "peers" / "q2-longitudinal" if path.stem == "peers-q2-longitudinal" else folder
    if not folder.is_dir():
        pytest.skip(f"the mapping {path.stem} needs ../shared")
    study = read_study([folder], read_mapping(path))
    known = {
        "phq9-gad7-pss10-students": {"people": 223, "answers": 223 * 26}, "dass42-n1000": {"answers": 42_000},
        "promis-anxiety-n766": {"answers": 766 * 41}, "esm-one-person": {"answers": 1476 * 42 + 238},
        "esm-eighteen-persons": {"people": 18, "visits": 1980}, "claesson2012-eldermet": {"samples": 167},
        "david2014-stool": {"people": 2, "samples": 519, "readings": 1400}, "dietswap": {"people": 38, "samples": 222},
        "atlas1006": {"people": 1006, "samples": 1151}, "peerj32": {"people": 22, "samples": 44},
        "mdsine2-gibson-healthy": {"people": 4, "samples": 339}, "slow-breathing-rr": {"people": 22, "beats": 39_700},
        "rr-with-airflow": {"beats": 1187}, "peers-q2-longitudinal": {"people": 43, "samples": 875},
    }[path.stem]  # fmt: skip
    assert {name: len(study.tables[name]) for name in known} == known
    assert all(study.about[key] for key in ("title", "citation", "licence"))


def test_the_official_items_of_a_wrongly_named_file():
    folder = DATA / "dass42-n1000"
    if not folder.is_dir():
        pytest.skip("the DASS-42 answers need ../shared")
    from gutbrain.observe.questionnaires import score

    study = read_study([folder], read_mapping(ROOT / "examples" / "maps" / "dass42-n1000.toml"))
    scores = score(study.answers, "DASS-42", choice="standard bands").group_by("scale").agg(pl.col("score").mean())
    means = {scale: round(mean, 2) for scale, mean in scores.iter_rows()}
    assert means == {"depression": 20.79, "anxiety": 15.97, "stress": 20.93}


def test_what_another_entry_reads_is_not_told_as_left_out(tmp_path):
    (tmp_path / "t.csv").write_text("id,a,b,c\nx,1,2,3\n")
    text = "".join(
        f"[[file]]\npath = 't.csv'\nreader = 'table'\n[file.columns]\nid = 'person'\n{name} = 'answers.diary.{name}'\n"
        for name in "ab"
    )
    (tmp_path / "map.toml").write_text(text)
    study = read_study([tmp_path], read_mapping(tmp_path / "map.toml"))
    told = [finding.what for finding in study.findings if "were not read" in finding.what]
    assert told == ["1 columns were not read: c"]
