"""The page of a study shows each table it holds, names nobody's values, and asks the network for nothing."""

import json
import re
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from gutbrain.show.certainty import DESCRIBED, WRITTEN
from gutbrain.show.page import Figure, Table, Text
from gutbrain.show.study_page import SECTIONS, study_page, study_report
from gutbrain.show.study_plots import Bins, bins, counted, evenly, natural, ordered_visits, unit_said
from gutbrain.study.part import Finding
from gutbrain.study.study import Study

PEOPLE, VISITS = [f"P{n}" for n in range(1, 13)], ["before", "after"]
ABOUT = {
    "title": "A made-up <study>", "citation": "Nobody", "licence": "none", "origin": "measured",
    "sources": [{"file": "a.csv", "reader": "table", "sha256": "0" * 64}],
    "forms": {"PSS-10": {"missing": "withhold"}},
}  # fmt: skip
FINDINGS = (
    Finding("note", "visits", "visit after", "1 of 12 people lack it"),
    Finding("error", "answers", "phq-9, item 9", "2 times: answered above 0", "Follow the safety plan"),
    Finding("warning", "readings", "blood.crp", "1 of 24 values lie outside 0.01 to 300 mg/L, first 871.25 of P7"),
)
# The table without which a section is left out.
NEEDS = {
    "People": "people", "When things were measured": "all", "Gut community": "abundances",
    "Questionnaires": "PHQ-9", "Experience sampling": "ESM", "Readings": "readings", "Heartbeats": "beats",
}  # fmt: skip


def tables():
    draw = np.random.default_rng(4)
    people = pl.DataFrame({"person": PEOPLE, "arm": ["a", "b"] * 6, "age": draw.integers(20, 60, 12).astype(float)})
    taken = [(person, visit) for person in PEOPLE for visit in VISITS]
    when = {"person": [p for p, _ in taken], "visit": [v for _, v in taken], "day": [0.0, 30.0] * 12}
    samples = pl.DataFrame({"sample": [f"{p}-{v}" for p, v in taken], **when})
    genera = [f"Genus{n}" for n in range(20)]
    features = pl.DataFrame({"feature": genera, "kind": "taxon", "name": genera, "genus": genera})
    abundances = pl.DataFrame(
        [
            (s, g, float(k), "count")
            for s in samples["sample"] for n, g in enumerate(genera) if (k := draw.poisson(60 - 3 * n))
        ],
        schema=["sample", "feature", "value", "unit"], orient="row",
    )  # fmt: skip
    readings = pl.DataFrame(when).with_columns(
        quantity=pl.lit("blood.crp"), unit=pl.lit("mg/L"), value=pl.Series(draw.lognormal(0, 1, 24)),
        limit=pl.Series(["<", *[None] * 23]), method=pl.lit("assay"), origin=pl.lit("measured"),
    )  # fmt: skip
    sheets = [
        (p, v, form, str(item), float(draw.integers(0, 3)))
        for p, v in taken for form, items in (("PHQ-9", 9), ("PSS-10", 10)) for item in range(1, items + 1)
        if (p, v, form, item) != ("P1", "after", "PSS-10", 3)
    ]  # fmt: skip
    forms = pl.DataFrame(sheets, schema=["person", "visit", "form", "item", "value"], orient="row")
    begin = datetime(2024, 1, 1, 9)
    prompts = [(p, begin + timedelta(hours=5 * k)) for p in PEOPLE[:4] for k in range(12)]
    diary = pl.DataFrame({
        "person": [p for p, _ in prompts], "time": [t for _, t in prompts], "form": "ESM", "item": "calm",
        "day": [(t - datetime(2024, 1, 1)) / timedelta(days=1) for _, t in prompts],
        "value": draw.uniform(0, 100, len(prompts)),
    })  # fmt: skip
    rr = 900 + 40 * np.sin(np.arange(300) / 3) + draw.normal(0, 5, 300)
    rr[150] *= 0.6
    beats = pl.DataFrame({"person": "P1", "recording": "rest", "at": np.cumsum(rr) / 1000, "rr": rr})
    return {
        "people": people, "samples": samples, "features": features, "abundances": abundances, "readings": readings,
        "answers": pl.concat([forms, diary], how="diagonal"), "beats": beats,
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole():
    return Study.of(tables(), ABOUT, {"people.age": "year"}, FINDINGS)


@pytest.fixture(scope="module")
def report(whole):
    return study_report(whole)


def titles(report):
    return [section.title for section in report.sections]


def blocks(report, title, kind):
    section = next(section for section in report.sections if section.title == title)
    return [block for block in section.blocks if isinstance(block, kind)]


def drawn(report):
    return {name: json.dumps(chart.to_dict()) for name, chart in report.charts.items()}


def test_the_page_is_one_file_that_asks_for_nothing(whole, certainties):
    page = study_page(whole)
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=[\"']?https?:", page)
    assert "@import" not in page and "url(http" not in page and "default-src 'none'" in page
    lines = certainties(page)
    assert len(lines) >= 20 and set(lines) >= {WRITTEN, DESCRIBED} and "scoring key as published" in lines
    scored = [line for line in lines if line.startswith("assumed, no source: that a score means what its name says")]
    assert len(scored) == 4 and "recalled, not checked" in scored[0] + scored[2]
    assert "A made-up &lt;study&gt;" in page and "<h2>In short</h2>" in page and "Verdict" not in page
    assert len(page) < 3_000_000


def test_every_section_stands_in_the_page_of_a_whole_study(report):
    assert titles(report) == ["What this is", "Quality", *SECTIONS]
    assert {
        "people", "times by day", "depth", "composition", "prevalence", "richness", "items PHQ-9", "scores PHQ-9",
        "scores PSS-10", "prompts", "diary courses", "readings", "courses", "tachograms",
    } <= set(report.charts)  # fmt: skip


@pytest.mark.parametrize("section", NEEDS)
def test_a_section_is_left_out_with_its_table(section):
    made, lacks = tables(), NEEDS[section]
    if lacks == "people":
        made["people"] = made["people"].select("person")
    elif lacks == "abundances":
        made.pop("features")
    elif lacks in ("PHQ-9", "ESM"):
        made["answers"] = made["answers"].filter((pl.col("form") == "ESM") == (lacks != "ESM"))
    made = {} if lacks == "all" else {name: made[name] for name in made if name != lacks or lacks == "people"}
    found = titles(study_report(Study.of(made, ABOUT)))
    assert section not in found
    assert lacks == "all" or set(found) == {"What this is", "Quality", *SECTIONS} - {section}


def test_findings_stand_errors_first_and_name_no_persons_value(report):
    (table,) = blocks(report, "Quality", Table)
    assert table.frame["severity"].to_list() == ["error", "warning", "note"]
    assert "871" not in str(table.frame.rows()) and "outside 0.01 to 300 mg/L" in table.frame["what"][1]


def test_readings_and_answers_are_drawn_without_names(report):
    charts = drawn(report)
    for name in ("readings", "courses", "items PHQ-9", "scores PHQ-9", "diary courses"):
        assert not re.search(r'"P\d+"', charts[name]), name


def test_the_item_of_self_harm_is_never_drawn_for_a_few(report):
    assert '"item": "9"' in drawn(report)["items PHQ-9"]
    few = tables()
    few["answers"] = few["answers"].filter(pl.col("person").is_in(PEOPLE[:5]))
    page = study_report(Study.of(few, ABOUT))
    assert '"item": "9"' not in drawn(page)["items PHQ-9"] and '"item": "8"' in drawn(page)["items PHQ-9"]
    assert any("Item 9 is not drawn" in block.words for block in blocks(page, "Questionnaires", Text))
    assert all("safety" not in str(table.frame.rows()) for table in blocks(page, "Questionnaires", Table))


def test_withheld_scores_are_counted(report):
    table = next(b for b in blocks(report, "Questionnaires", Table) if b.caption.startswith("PSS-10: scores"))
    total = table.frame.filter(pl.col("scale") == "total")
    assert total.sort("visit")["withheld"].to_list() == [1, 0] and set(total["scored"]) == {11, 12}


def test_a_form_that_cannot_be_scored_says_why():
    answers = pl.DataFrame({"person": ["a"] * 3, "form": "GAD-7", "item": ["1", "2", "3"], "value": [0.0, 9.0, 1.0]})
    (said,) = [b.words for b in blocks(study_report(Study.of({"answers": answers})), "Questionnaires", Text) if b.note]
    assert said.startswith("GAD-7 is not scored: ")


def test_corrected_beats_are_marked_and_methods_are_said(report):
    assert '"ectopic"' in drawn(report)["tachograms"] or '"short"' in drawn(report)["tachograms"]
    corrections, variability = blocks(report, "Heartbeats", Table)
    assert "Lipponen" in corrections.caption and corrections.frame["corrected"][0] != "0.00 %"
    assert "root mean square of successive differences" in variability.frame["method"].to_list()


def test_a_large_study_is_thinned_and_says_so():
    people = [f"P{n}" for n in range(3000)]
    samples = pl.DataFrame({"sample": people, "person": people, "day": 0.0})
    features = pl.DataFrame({"feature": ["A", "B"], "kind": "taxon"})
    abundances = pl.DataFrame({
        "sample": people * 2, "feature": ["A"] * 3000 + ["B"] * 3000, "unit": "count",
        "value": [float(k % 997 + 1) for k in range(6000)],
    })  # fmt: skip
    study = Study.of({"samples": samples, "features": features, "abundances": abundances})
    page = study_report(study)
    captions = {figure.name: figure.caption for section in page.sections for figure in section.blocks
                if isinstance(figure, Figure)}  # fmt: skip
    assert "of 3,000 samples" in captions["depth"] and "60 of 3,000 samples" in captions["composition"]
    assert "40 of 3,000 people" in captions["times by day"]
    assert max(len(chart) for chart in drawn(page).values()) < 150_000
    assert study_page(study) == study_page(study)


def test_simulated_numbers_are_called_simulated():
    page = study_report(Study.of(tables(), ABOUT | {"origin": "simulated"}))
    assert page.subtitle.startswith("Simulated, not measured") and any("simulated" in words for words in page.verdict)
    assert blocks(page, "Heartbeats", Table)[0].caption == "Simulated beats: nothing was corrected"
    shown = [block for title in SECTIONS for kind in (Figure, Table) for block in blocks(page, title, kind)]
    assert {block.certainty for block in shown} == {
        "assumed, no source; a simulation, no measurement", "scoring key as published",
        "scoring key recalled, not checked",
    }  # fmt: skip
    known = study_report(Study.of({"answers": tables()["answers"]}, {"origin": "simulated", "certainty": "fitted"}))
    sure = {block.certainty for block in blocks(known, "Questionnaires", Figure)}
    assert sure == {"fitted to published findings; a simulation, no measurement"}


def test_small_things():
    assert sorted(["10", "9", "b2", "b10"], key=natural) == ["9", "10", "b2", "b10"]
    assert evenly(list(range(100)), 3) == [0, 50, 99] and evenly([1, 2], 3) == [1, 2]
    assert unit_said("kg/m2") == "kg/m²" and unit_said("ug/mL") == "µg/mL" and unit_said("1") == ""
    whole = bins(pl.Series([1.0, 2.0, 4.0] * 5))
    assert whole.edges.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5] and not whole.log
    wide = bins(pl.Series([0.01, 0.1, 1.0, 100.0]))
    assert wide.log and wide.edges[0] == pytest.approx(0.01) and wide.edges[-1] == pytest.approx(100)
    frame = pl.DataFrame({"group": ["x", "y", "x"], "value": [1.0, 1.0, 2.0]})
    stacked = counted(frame, Bins(np.array([0.5, 1.5, 2.5]), False))
    assert stacked.filter(pl.col("group") == "y").select("from", "to").rows() == [(1, 2)]
    visits = pl.DataFrame({"person": "a", "visit": ["late", "early"], "day": [9.0, 1.0]})
    assert ordered_visits(Study.of({"visits": visits})) == ["early", "late"]
