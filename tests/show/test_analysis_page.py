"""The report of an analysis: every figure drawn to SVG, names in words, nothing empty."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import polars as pl
import pytest

sys.path.append(str(Path(__file__).parents[1] / "analyse"))
from small_study import small_trial

from gutbrain.analyse import step as steps
from gutbrain.analyse.analysis import Analysis, analyse
from gutbrain.analyse.plan import plan_of
from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_figures import figures
from gutbrain.show.analysis_page import analysis_report, p_said
from gutbrain.show.analysis_words import name_said, term_said, wrapped
from gutbrain.show.page import Figure, drawing, page_text

DESIGN = Design(arm="arm", reference="control", visits=["before", "after"])
FAST = {"permutations": 99}


@cache
def made() -> Analysis:
    kinds = [
        {"kind": "change", "outcomes": ["PSS-10.total"], "confirmatory": True}, {"kind": "diversity"},
        {"kind": "ordination"},
        {"kind": "permanova", **FAST}, {"kind": "dispersion", **FAST}, {"kind": "taxa"}, {"kind": "groups"},
        {"kind": "dysbiosis"}, {"kind": "volatility"}, {"kind": "mantel", "against": ["PSS-10.total"], **FAST},
        {"kind": "mediation", "mediators": ["clr: Akkermansia"], "outcome": "PSS-10.total"},
        {"kind": "mantel", "name": "lost", "against": ["nothing"]},
    ]  # fmt: skip
    return analyse(small_trial(), plan_of({"design": DESIGN.model_dump(), "step": kinds}), debug=True)


def test_every_figure_of_a_plan_is_drawn():
    report = analysis_report(made())
    assert {name.partition(",")[0] for name in report.charts} >= {
        "change", "diversity", "ordination", "dispersion", "taxa", "groups", "dysbiosis", "volatility", "mantel",
        "mediation",
    }  # fmt: skip
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Figure):
                assert block.caption.endswith(".") and "nan" not in block.caption.lower()
                assert drawing(block.chart.to_dict()).count("<path") > 2, block.name


def test_the_short_answer_says_what_was_confirmed_and_what_was_not_done():
    report = analysis_report(made())
    said = " ".join(report.verdict)
    assert "Confirmatory, change: PSS-10" in said
    assert "Not done: lost" in said
    text = page_text(report)
    for wrong in ("NaN", "arm[course]:visit[after]<", "None"):
        assert wrong not in text.partition("<script>")[0]


def test_arms_have_the_same_colour_in_every_figure():
    charts = analysis_report(made()).charts
    seen = set()
    for chart in charts.values():
        text = str(chart.to_dict())
        if "'domain': ['control', 'course']" in text:
            seen.add(text.partition("'domain': ['control', 'course']")[2].partition("]")[0])
    assert len(seen) == 1
    assert not any("'domain': ['course', 'control']" in str(chart.to_dict()) for chart in charts.values())


def test_a_step_without_tables_has_no_figure():
    class Bare(Step):
        kind: str = "taxa"

    for kind in ("taxa", "change", "ordination", "mediation", "experience", "reliable_change", "dysbiosis", "groups"):
        assert figures(Bare(kind=kind, name=kind), Done(), DESIGN) == []


@pytest.mark.parametrize("count", [2, 60])
def test_a_forest_shows_the_smallest_p_and_says_how_many_there_are(count):
    rows = [
        {"what": f"genus_{n}_log_ratio", "term": "arm[course]", "estimate": 0.1 * n, "low": 0.1 * n - 1,
         "high": 0.1 * n + 1, "unit": "log2", "p": (n + 1) / (count + 1)} for n in range(count)
    ]  # fmt: skip

    class Groups(Step):
        kind: str = "groups"

    (block,) = figures(Groups(name="groups"), Done(tested=steps.tested(rows)), DESIGN)
    assert isinstance(block, Figure)
    assert (f"of {count} tested" in block.caption) == (count > 24)
    assert len(block.chart.to_dict()["layer"]) == 3
    assert "Genus 0, log ratio" in drawing(block.chart.to_dict())


def test_people_before_and_after_stand_beside_the_noise():
    table = pl.DataFrame(
        {"outcome": ["pss-10.total"] * 4, "person": list("abcd"), "arm": ["control", "course"] * 2,
         "start": [20.0, 22, 18, 30],
         "end": [19.0, 12, 18, 15], "category": ["unchanged", "improved"] * 2}
    )  # fmt: skip
    noise = pl.DataFrame({"outcome": ["pss-10.total"], "smallest_change": [7.9]})

    class Reliable(Step):
        kind: str = "reliable_change"

    (block,) = figures(Reliable(name="r"), Done({"reliable_change": table, "noise": noise}), DESIGN)
    assert isinstance(block, Figure)
    drawn = drawing(block.chart.to_dict())
    assert "PSS-10" in drawn and drawn.count("circle") >= 4


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("blood.crp", "C-reactive protein"), ("pss-10.total", "PSS-10"), ("dass-21.depression", "DASS-21, depression"),
        ("akkermansia_log_ratio", "Akkermansia, log ratio"),
        ("mind.geriatric_depression_test", "Geriatric depression test"),
        ("Bacteroides fragilis et rel.", "Bacteroides fragilis et rel."), ("shannon", "Shannon"),
    ],
)  # fmt: skip
def test_names_in_words(name, said):
    assert name_said(name) == said


def test_terms_and_visits_in_words():
    assert term_said("arm[LGG]:visit[after]") == "arm LGG × visit after"
    assert term_said("log(`blood.il6`)") == "log(blood.il6)"
    assert wrapped("end of the active recovery") == "end of the\nactive recovery"
    assert p_said(0.00004) == "< 0.001" and p_said(0.0312) == "0.031" and p_said(0.5) == "0.50"


def test_a_diary_shows_outcomes_that_have_more_than_a_level():
    rows = [(p, o, s, 1.0, 0.5, 1.5) for p in "ab" for o, names in (("evening", ["mean"]), ("day", ["mean", "inertia"]))
            for s in names]  # fmt: skip
    table = pl.DataFrame(rows, schema=["person", "outcome", "statistic", "value", "low", "high"], orient="row")

    class Experience(Step):
        kind: str = "experience"

    (block,) = figures(Experience(name="diary"), Done({"summaries": table}), DESIGN)
    assert isinstance(block, Figure)
    assert block.name == "diary, day"
