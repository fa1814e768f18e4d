"""A drafted mapping says what it saw, never more, and can be read once its open marks are filled."""

import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.mapped.guess import guess
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study

DATA = Path(__file__).parents[3] / "shared" / "data"


def drafted(folder, **files):
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(text)
    return guess([folder])


def files_of(text):
    return {(entry["path"], entry.get("set", {}).get("visit")): entry for entry in tomllib.loads(text)["file"]}


def mapping(folder, text):
    path = folder.parent / "drafted.toml"
    path.write_text(text)
    return read_mapping(path)


def line(text, begin):
    return next(line for line in text.splitlines() if line.startswith(begin))


def test_forms_are_told_by_letters_number_and_range(tmp_path):
    header = [f"D{k}" for k in range(1, 10)] + [f"A{k}" for k in range(1, 8)] + [f"S{k}" for k in range(1, 11)]
    widths = [5 if name[0] == "S" else 4 for name in header]
    rows = [",".join(str((k + row) % width) for k, width in enumerate(widths)) for row in range(6)]
    text = drafted(tmp_path, x_csv=",".join(header) + "\n" + "\n".join(rows) + "\n")
    entry = files_of(text)["x.csv", None]
    assert entry["people"] == "rows"
    assert entry["columns"] == {"D{n}": "answers.PHQ-9.{n}", "A{n}": "answers.GAD-7.{n}", "S{n}": "answers.PSS-10.{n}"}
    told = line(text, '"D{n}"')
    assert "9 columns of whole numbers 0 to 3" in told and "looks like PHQ-9; please confirm" in told
    assert len(read_study([tmp_path], mapping(tmp_path, text)).answers) == 6 * 26


def test_forms_are_told_by_name_with_their_codes(tmp_path):
    header = "record_id," + ",".join(f"phq_{k}" for k in range(1, 10)) + ",phq_total"
    rows = "\n".join(f"{who}," + ",".join(str(1 + (k + who) % 4) for k in range(9)) + ",20" for who in range(5))
    text = drafted(tmp_path, x_csv=f"{header}\n{rows}\n")
    columns = files_of(text)["x.csv", None]["columns"]
    assert columns == {"record_id": "person", "phq_{n}": "answers.PHQ-9.{n}", "phq_total": "skip"}
    assert tomllib.loads(text)["forms"] == {"PHQ-9": {"coding": "1 to 4"}}
    assert "codes seem moved by one" in line(text, '"phq_{n}"')


def test_a_form_sorted_by_scale_stays_open(tmp_path):
    header = [f"{letter}{k}" for letter in "das" for k in range(1, 8)]
    text = drafted(tmp_path, x_csv=",".join(header) + "\n" + ",".join(["1", "0", "2"] * 7) + "\n")
    assert "DASS-21 sorted by scale" in line(text, '"d{n}"')
    with pytest.raises(InputError, match="column 'd1'.*still open"):
        read_study([tmp_path], mapping(tmp_path, text))


def test_units_stay_open_until_somebody_writes_them(tmp_path):
    text = drafted(tmp_path, x_csv="Participant,CRP,IL-6 (pg/mL),Cortisol,cortisol_saliva_nmol_l\na,1.5,2.5,3.5,4.5\n")
    columns = files_of(text)["x.csv", None]["columns"]
    assert columns == {
        "Participant": "person", "CRP": "readings.blood.crp [unit?]", "IL-6 (pg/mL)": "readings.blood.il6 [pg/mL]",
        "Cortisol": "readings.?.cortisol [unit?]", "cortisol_saliva_nmol_l": "readings.saliva.cortisol [nmol/L]",
    }  # fmt: skip
    with pytest.raises(InputError, match="column 'CRP'.*still open.*such as the unit"):
        read_study([tmp_path], mapping(tmp_path, text))
    filled = text.replace("crp [unit?]", "crp [mg/L]").replace("?.cortisol [unit?]", "blood.cortisol [ug/dL]")
    study = read_study([tmp_path], mapping(tmp_path, filled))
    assert set(study.readings["quantity"]) == {"blood.crp", "blood.il6", "blood.cortisol", "saliva.cortisol"}


def test_keys_and_covariates_follow_the_rows(tmp_path):
    rows = ["s1,a,1,f,x,30,s1", "s2,a,2,f,y,31,s2", "s3,b,1,m,x,40,s3"]
    table = "\n".join(["sample_id,subject,time,sex,group,age,sample", *rows]).replace(",", "\t")
    text = drafted(tmp_path, x_tsv=table)
    columns = files_of(text)["x.tsv", None]["columns"]
    assert columns == {
        "sample_id": "sample", "subject": "person", "time": "visit", "sex": "people.sex", "group": "visits.arm",
        "age": "visits.age [year]", "sample": "skip",
    }  # fmt: skip
    assert "2 different in 3 rows" in line(text, '"subject"') and "unit to be confirmed" in line(text, '"age"')
    assert len(read_study([tmp_path], mapping(tmp_path, text)).visits) == 3


def test_the_order_of_dates_has_evidence_or_stays_open(tmp_path):
    text = drafted(tmp_path, sure_csv="id,date\na,31/12/2024\nb,01/02/2024\n", doubt_csv="id,date\na,03/04/2024\n")
    entries = files_of(text)
    assert entries["sure.csv", None]["dates"] == "day-first" and "31/12/2024 cannot be read otherwise" in text
    assert "dates" not in entries["doubt.csv", None] and "can be read both ways" in text


def test_a_long_table_is_told_from_a_wide_one(tmp_path):
    text = drafted(tmp_path, x_csv="subject,visit,analyte,result,units\na,1,CRP,<1,mg/L\na,1,IL-6,3,pg/mL\n")
    entry = files_of(text)["x.csv", None]
    assert list(entry["columns"].values()) == ["person", "visit", "quantity", "value", "unit"]
    assert entry["values"] == {"analyte": {"CRP": "blood.crp", "IL-6": "blood.il6"}}
    study = read_study([tmp_path], mapping(tmp_path, text))
    assert study.readings["quantity"].to_list() == ["blood.crp", "blood.il6"]


def test_visits_side_by_side_become_entries(tmp_path):
    items = [f"gad7_{k}_{visit}" for visit in ("pre", "post") for k in range(1, 8)]
    header = ";".join(["id", "age", *items, "crp_mg_l_pre", "crp_mg_l_post"])
    codes = [";".join(str((k + n) % 4) for n in range(14)) for k in range(5)]
    rows = "\n".join(f"{who};3{k};{codes[k]};1,5;2,5" for k, who in enumerate("abcde"))
    text = drafted(tmp_path, x_csv=f"{header}\n{rows}\n")
    entries = files_of(text)
    before, after = entries["x.csv", "pre"], entries["x.csv", "post"]
    assert before["columns"]["age"] == "people.age [year]" and "age" not in after["columns"]
    assert after["columns"]["gad7_{n}_post"] == "answers.GAD-7.{n}" and after["decimal"] == ","
    study = read_study([tmp_path], mapping(tmp_path, text))
    assert len(study.answers) == 5 * 14 and sorted(set(study.readings["visit"])) == ["post", "pre"]


def test_marks_for_no_answer_are_told(tmp_path):
    rows = "".join(f"{k},{k % 4},{k % 3}\n" for k in range(20)) + "20,-99,k.A.\n"
    text = drafted(tmp_path, x_csv="id,mood_a,mood_b\n" + rows)
    missing = files_of(text)["x.csv", None]["missing"]
    assert {"-99", "k.A."} <= set(missing) and "no answer?" in text


def test_a_diary_of_one_person(tmp_path):
    text = drafted(tmp_path, x_csv="date,beeptime,calm\n2024-01-01,08:30,3\n2024-01-01,12:30,5\n")
    entry = files_of(text)["x.csv", None]
    assert entry["set"] == {"person": "1"}
    assert entry["columns"] == {"date": "date", "beeptime": "clock", "calm": "answers.diary.calm"}
    assert len(read_study([tmp_path], mapping(tmp_path, text)).answers) == 2


def test_matrices_taxonomies_and_other_files(tmp_path):
    text = drafted(
        tmp_path, counts_tsv="taxon\ts1\ts2\nBlautia\t10\t4\nBacteroides\t3\t8\n",
        turned_tsv="sample\tBlautia\tBacteroides\nt1\t1\t2\nt2\t3\t4\n",
        taxonomy_tsv="taxon\tPhylum\tFamily\tGenus\nBlautia\tFirmicutes\tLachnospiraceae\tBlautia\n", notes_md="hello",
        broken_csv='a,b\n1,"2\n',
    )  # fmt: skip
    entries = files_of(text)
    assert entries["counts.tsv", None]["options"] == {"samples": "columns", "taxonomy": "taxonomy.tsv"}
    assert entries["turned.tsv", None]["options"]["samples"] == "rows"
    assert len(entries) == 2
    assert "# notes.md: no reader knows it; left out" in text and "# broken.csv: cannot be read, the quotes" in text


def test_many_files_of_one_kind_are_one_entry(tmp_path):
    beats = "\n".join(str(800 + k % 7 * 10) for k in range(60))
    for k in range(5):
        (tmp_path / f"rr{k}.txt").write_text(beats)
    text = guess([tmp_path])
    assert [(entry["path"], entry["reader"]) for entry in tomllib.loads(text)["file"]] == [("*.txt", "rr")]
    assert "5 files of this kind" in text


def test_nothing_to_look_at(tmp_path):
    with pytest.raises(InputError, match="there is nothing to look at"):
        guess([tmp_path])
    with pytest.raises(InputError, match="no such file or folder"):
        guess([tmp_path / "none"])


NAME = st.text(st.characters(exclude_characters="\r\n\x00|", codec="utf-8"), max_size=8)
KNOWN = st.sampled_from(["id", "visit", "date", "phq1", "phq2", "phq3", "CRP", "x_t1", "x_t2", "value", "item", "age"])
CELL = st.one_of(NAME, st.sampled_from(["1", "2,5", "-99", "03/04/2024", "2024-01-01 08:00", "08:30", "<0.1", "a", ""]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_table_is_drafted_and_parses(tmp_path, data):
    header = data.draw(st.lists(st.one_of(NAME, KNOWN), min_size=1, max_size=6))
    rows = data.draw(st.lists(st.lists(CELL, min_size=len(header), max_size=len(header)), min_size=1, max_size=5))
    folder = tmp_path / "fuzz"
    folder.mkdir(exist_ok=True)
    (folder / "x.csv").write_text("\n".join("|".join(cells) for cells in [header, *rows]) + "\n", encoding="utf-8")
    text = guess([folder])
    assert text == guess([folder])
    if "[[file]]" in text:
        found = mapping(folder, text)
        with suppress(InputError):
            read_study([folder], found)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("phq9-gad7-pss10-students", {"D{n}": "answers.PHQ-9.{n}", "BMI": "people.bmi [kg/m2]"}),
        ("dass42-n1000", {"d{n}": "answers.DASS-42.?{n}"}),
        ("claesson2012-eldermet", {"sample_id": "sample", "Subject": "person", "CRP": "readings.blood.crp [unit?]"}),
        ("esm-eighteen-persons", {"participant": "person", "sent": "time", "obs_n": "visit"}),
        ("esm-one-person", {"date": "date", "beeptime": "clock", "mood_down": "answers.diary.mood_down"}),
        ("mdsine2-gibson-healthy", {"sampleID": "sample", "subject": "person", "time": "day"}),
        ("dietswap", {"timepoint": "visit", "group": "visits.arm"}),
    ],
)
def test_real_studies_are_drafted(name, wanted, tmp_path):
    if not (DATA / name).is_dir():
        pytest.skip(f"{name} needs ../shared")
    text = guess([DATA / name])
    entries = mapping(tmp_path / "x", text).file
    columns = {key: means for entry in entries for key, means in entry.columns.items()}
    assert wanted.items() <= columns.items()
