"""The report of an analysis: every figure drawn to SVG, names in words, nothing empty, a true short answer."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import polars as pl
import pytest

sys.path.append(str(Path(__file__).parents[1] / "analyse"))
from small_study import small_trial

from gutbrain.analyse.analysis import Analysis, analyse
from gutbrain.analyse.multiplicity import REGISTRY
from gutbrain.analyse.plan import plan_of
from gutbrain.analyse.step import Design
from gutbrain.show.analysis_certainty import of_all, of_step
from gutbrain.show.analysis_page import analysis_report, table_of_tests
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.analysis_verdict import told, verdict
from gutbrain.show.analysis_words import (
    compared_said,
    estimate_said,
    names_said,
    outcome_said,
    p_said,
    sentence_said,
    taxa_said,
    taxon_said,
    term_said,
)
from gutbrain.show.certainty import DESCRIBED, WRITTEN
from gutbrain.show.page import Figure, Items, Report, Table, Text, drawing, page_text

DESIGN = Design(arm="arm", reference="control", visits=["before", "after"])
FAST = {"permutations": 99}


@cache
def made() -> Analysis:
    kinds = [
        {"kind": "change", "outcomes": ["PSS-10.total"], "confirmatory": True}, {"kind": "diversity"},
        {"kind": "ordination"}, {"kind": "constrained", **FAST},
        {"kind": "permanova", **FAST}, {"kind": "dispersion", **FAST}, {"kind": "taxa"}, {"kind": "groups"},
        {"kind": "dysbiosis"}, {"kind": "volatility"}, {"kind": "first_distances", "to": "baseline"},
        {"kind": "mantel", "against": ["PSS-10.total"], **FAST},
        {"kind": "mediation", "mediators": ["clr: Akkermansia"], "outcome": "PSS-10.total"},
        {"kind": "responders", "outcomes": ["PSS-10.total"], "threshold": 2.0, "better": "lower"},
        {"kind": "mantel", "name": "lost", "against": ["nothing"]},
    ]  # fmt: skip
    return analyse(small_trial(), plan_of({"design": DESIGN.model_dump(), "step": kinds}), debug=True)


@cache
def report() -> Report:
    return analysis_report(made())


@cache
def body() -> str:
    """Return the page without its drawing programs and the specifications of its figures."""
    return re.sub(r"<script.*?</script>", "", page_text(report()), flags=re.DOTALL)


def test_every_figure_of_a_plan_is_drawn_and_has_a_caption():
    assert {name.partition(",")[0] for name in report().charts} >= {
        "change", "diversity", "ordination", "constrained", "permanova", "dispersion", "taxa", "groups", "dysbiosis",
        "volatility", "first_distances", "mantel", "mediation", "responders",
    }  # fmt: skip
    figures = [block for section in report().sections for block in section.blocks if isinstance(block, Figure)]
    assert len({figure.name for figure in figures}) == len(figures)
    for figure in figures:
        assert figure.caption.endswith(".") and "nan" not in figure.caption.lower().split(), figure.name
        assert re.search(r"\d", figure.caption) or "permutations" in figure.caption, figure.name
        drawn = drawing(figure.chart.to_dict())
        assert drawn.count("<path") > 1 and "NaN" not in drawn, figure.name
        assert float(re.search(r'<svg[^>]* width="([\d.]+)"', drawn)[1]) < 1010, figure.name  # type: ignore[index]


def test_the_short_answer_says_what_was_confirmed_and_what_was_not_done():
    said = verdict(made())
    row = made().tested.filter(pl.col("step") == "change").sort("q").row(0, named=True)
    assert said[0] == "Confirmatory, one hypothesis: corrected p below 0.05."
    assert said[1].startswith("Change: PSS-10 total, course against control × visit after, ") and "points (" in said[1]
    assert estimate_said(row["estimate"], row["low"], row["high"]).partition(" (")[0] in said[1]
    assert any(text.startswith("Not done: lost") for text in said)
    explored = made().tested.filter(~pl.col("confirmatory") & pl.col("p").is_not_null())
    assert any(
        text.startswith(f"Exploratory: of {len(explored)} hypotheses in {explored['family'].n_unique()} families")
        for text in said
    )
    assert said[-1] == "An exploratory result needs data of its own before it is believed."
    assert len(said) < 10


def test_the_short_answer_claims_nothing_where_nothing_was_found():
    plan = plan_of({"design": DESIGN.model_dump(), "step": [{"kind": "diversity"}]})
    found = analyse(small_trial(), plan, debug=True)
    (first, last) = verdict(found)
    below = int((found.tested["q"] < 0.05).sum())
    assert below == 0 and "none has a corrected p below 0.05. The smallest: Diversity" in first
    assert last.startswith("An exploratory")


def test_every_figure_and_table_says_what_it_supports(certainties):
    lines = certainties(page_text(report()))
    assert len(lines) > 25 and {WRITTEN, DESCRIBED} <= set(lines)
    own = {section.title: section.certainty for section in report().sections}
    assert own["Which taxa"].endswith("in groups that are not said to be random: an association")
    assert own["Through what"].startswith("assumed, no source: the order of causes and that a score means")
    assert own["Functional groups"].startswith("assumed, no source: what some of the taxa can do; the rest is measured")
    assert own["Responders"].endswith("threshold as planned")
    assert own["Everything that was tested"].startswith("assumed, no source, for part of")


def test_a_simulated_study_is_no_evidence_in_any_line(certainties):
    simulated = replace(made(), study=replace(made().study, about={"origin": "simulated"}))
    steps = [of_step(simulated, step, simulated.done[step.name]) for step in simulated.plan.step
             if step.name in simulated.done]  # fmt: skip
    assert {*steps, of_all(simulated)} == {"assumed, no source; a simulation, no measurement"}


def test_one_group_is_drawn_without_a_heading_and_called_an_association_with_time():
    step = {"kind": "change", "outcomes": ["PSS-10.total"]}
    alone = analyse(small_trial(), plan_of({"design": {"visits": ["before", "after"]}, "step": [step]}), debug=True)
    (section,) = [one for one in analysis_report(alone).sections if one.title == "Change"]
    assert section.certainty.endswith("one group before and after: an association with time")
    assert any(isinstance(block, Figure) for block in section.blocks)


def test_nothing_raw_stands_on_the_page():
    for wrong in ("NaN", "arm[", "visit[", "None", "_log_ratio", "PSS-10.total</td>", "e+0", "p 0.00<"):
        assert wrong not in body(), wrong
    assert not re.search(r"\d\.\d{7,}", body())
    assert "arm course × visit after" in body()


def test_no_section_is_empty_and_each_paragraph_stands_once():
    for section in report().sections:
        assert section.blocks and section.title[:1].isupper(), section.title
        texts = [block.words for block in section.blocks if isinstance(block, Text)]
        assert len(set(texts)) == len(texts)
        for block in section.blocks:
            if isinstance(block, Items):
                assert len(set(block.items)) == len(block.items) < 9
            if isinstance(block, Table):
                assert len(block.frame) and len(block.headings) < 9


def test_arms_have_the_same_colour_in_every_figure():
    charts = report().charts
    seen = set()
    for chart in charts.values():
        text = str(chart.to_dict())
        assert "'domain': ['course', 'control']" not in text
        if "'domain': ['control', 'course']" in text:
            seen.add(text.partition("'domain': ['control', 'course']")[2].partition("]")[0])
    assert len(seen) == 1


def test_the_reference_stands_first_where_people_are_counted():
    (table,) = [block for block in report().sections[1].blocks if isinstance(block, Table)]
    assert table.frame["arm"].to_list() == ["control", "control", "course", "course"]


def test_the_scene_knows_arms_units_and_samples():
    scene = Scene.of(made())
    assert scene.arms == ("control", "course")
    assert scene.unit("PSS-10.total") == "points" and scene.unit("blood.crp") == "mg/L"
    assert scene.unit("share: Blautia") == "%" and scene.unit("nothing") == ""
    joined = scene.with_sample(pl.DataFrame({"sample": ["p01, after", "unknown"]}))
    assert joined.select("person", "visit", "arm").rows() == [("p01", "after", "course"), (None, None, None)]


def registry(**row: object) -> pl.DataFrame:
    first = {"step": "s", "what": "pss-10.total", "term": "arm[a]", "estimate": -2.345, "low": -4.0, "high": -0.7,
             "unit": "point", "statistic": 2.0, "p": 0.004, "q": 0.02, "in_family": 9, "people": 20}  # fmt: skip
    return pl.DataFrame([first | row], schema=REGISTRY)


def test_a_table_of_tests_has_the_columns_that_say_something():
    whole = table_of_tests(registry(), "c")
    assert list(whole.headings) == ["what", "term", "effect", "p", "q", "people"]
    assert whole.frame["effect"].to_list() == ["−2.3 points (−4.0 to −0.7)"]
    bare = table_of_tests(registry(estimate=None, term=None, in_family=1), "c")
    assert list(bare.headings) == ["what", "statistic", "p", "people"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "PSS-10 total, a against control, −2.3 points (−4.0 to −0.7), p = 0.004 (corrected 0.020)"),
        ({"unit": "ln", "estimate": 0.0, "low": -0.693147, "high": 0.693147, "in_family": 1},
         "PSS-10 total, a against control, ratio 1.00 (0.50 to 2.00), p = 0.004"),
        ({"unit": "share of people", "estimate": 0.2, "low": 0.05, "high": 0.4, "in_family": 1, "p": 1e-9},
         "PSS-10 total, a against control, 20 percentage points (5 to 40), p < 0.001"),
        ({"unit": "share of variation", "estimate": 0.0264, "low": None, "high": None, "term": "arm", "in_family": 1,
          "what": "community, Bray-Curtis"}, "Community, Bray-Curtis, arm, 2.6 % of variation, p = 0.004"),
    ],
)  # fmt: skip
def test_a_result_is_told_with_its_unit(row, said):
    assert told(registry(**row).row(0, named=True), DESIGN) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("blood.crp", "C-reactive protein"), ("pss-10.total", "PSS-10 total"),
        ("dass-21.depression", "DASS-21: depression"), ("heart.hf_power", "Heart: HF power"),
        ("akkermansia_log_ratio", "Akkermansia, log-ratio"), ("mind.rumination", "Rumination"),
        ("Bacteroides fragilis et rel.", "Bacteroides fragilis et rel."), ("shannon", "Shannon diversity"),
        ("diversity: shannon", "Shannon diversity"), ("share: g__Dorea", "Share of Dorea"),
        ("blood.crp -> pss-10.total", "C-reactive protein → PSS-10 total"),
        ("heart.rmssd (recordings)", "Successive differences of intervals (recordings)"),
        ("k__B;p__F;g__Dorea", "Dorea"),
    ],
)  # fmt: skip
def test_names_in_words(name, said):
    assert outcome_said(name) == said


def test_terms_in_words():
    assert term_said("arm[LGG]:visit[after]") == "arm LGG × visit after"
    assert term_said("arm:visit") == "arm × visit"
    assert term_said("arm[T.a: b]") == "arm a: b"
    assert term_said("arm[a] - arm[b]") == "arm a − arm b"
    assert term_said("log(`blood.il6`)") == "log(Interleukin-6)"
    assert term_said("pss-10.total + blood.crp | age") == "PSS-10 total + C-reactive protein | age"
    assert term_said("arm[a]: indirect (single)") == "arm a: indirect (single)"
    assert compared_said("arm[LGG]:visit[after]", "arm", "Placebo") == "LGG against Placebo × visit after"
    assert compared_said("visit[after]", "arm", "Placebo") == "visit after"


def test_taxa_are_told_by_the_last_name_of_their_lineage():
    assert taxon_said("Actinobacteria (phylum)|Bifidobacteriaceae|f_Bifidobacteriaceae_unclassified") == (
        "Bifidobacteriaceae, unclassified"
    )
    assert taxon_said("Tenericutes|none|f_none_unclassified") == "Tenericutes, unclassified"
    twice = taxa_said(["F|Lachnospiraceae|g_Ruminococcus", "F|Ruminococcaceae|g_Ruminococcus", "Blautia"])
    assert list(twice.values()) == ["Ruminococcus (Lachnospiraceae)", "Ruminococcus (Ruminococcaceae)", "Blautia"]
    assert len(set(taxa_said(["x" * 60 + "a", "x" * 60 + "b"], 20).values())) == 2


def test_sentences_of_steps_are_printed_as_a_journal_does():
    names = names_said(["pss-10.total", "akkermansia_log_ratio", "observed"])
    text = "pss-10.total, arm[LGG]:visit[after]: -0.5 point (-1.0 to 0.1), 1 people; 1.1e21 arrangements, observed."
    assert sentence_said(text, names) == (
        "PSS-10 total, arm LGG × visit after: −0.5 points (−1.0 to 0.1), 1 person; 1.1 × 10²¹ arrangements, observed."
    )
    assert sentence_said("p = 8.24e-05, p 0.00013, p = 0.0010, p 1", {}) == "P < 0.001, p < 0.001, p = 0.0010, p 1"
    assert sentence_said("see pss-10.totals and a-1", names) == "See pss-10.totals and a-1"


def test_numbers_in_words():
    assert [p_said(p) for p in (0.00004, 0.0312, 0.5, 0.9999, None)] == ["< 0.001", "0.031", "0.50", "> 0.99", "–"]
    assert estimate_said(-0.0156, -1.05, 1.02) == "0.0 (−1.1 to 1.0)"
    assert estimate_said(231.4, -87.0, 547.4) == "231 (−87 to 547)"
    assert estimate_said(None, None, None) == "–" and estimate_said(0.123456, None, None) == "0.123"
