"""Evidence in words and pictures: arrows, findings, certainty with its steps, disagreements side by side."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import polars as pl
import pytest

from gutbrain.body.whole import standard
from gutbrain.errors import InputError
from gutbrain.evidence.claims import claims
from gutbrain.evidence.dossier import arrow_name, best_certainty, dossier, speaking_of, untested
from gutbrain.evidence.findings import findings, steps_of
from gutbrain.evidence.grade import in_words
from gutbrain.show.evidence_graph import COLOURS, evidence_graph, standings
from gutbrain.show.evidence_listing import drawn, ends, evidence_data, evidence_text, overview, overview_rows, says
from gutbrain.show.evidence_page import disagreement_sections, dossier_page, forest_figure, panel
from gutbrain.show.evidence_words import ONLY_DIRECTION, certainty_said, effect_said, panel_of, panels_of
from gutbrain.show.page import Figure, Table

STRESS = "mind.threat -> immune"


@pytest.fixture(scope="module")
def parameters():
    return standard().parameters


@pytest.fixture(scope="module")
def picture():
    return evidence_graph(standard())


def row_of(id: str) -> dict:
    return findings().filter(pl.col("id") == id).row(0, named=True)


# -- what a name stands for ---------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "kind", "arrow"), [
    ("mind.threat->immune", "arrow", STRESS), ("blood.il6", "signal", "blood.il6 -> affect"),
    ("immune", "compartment", STRESS), ("probiotics", "topic", "protocol.probiotic -> colon"),
    ("Antibiotics and mood", "disagreement", "protocol.antibiotic -> colon"), ("min-8", "finding", STRESS),
    ("endocrine", "pathway", "hpa.cortisol_ratio -> immune"), ("blood", "signals", "blood.il6 -> hpa"),
    ("barrier.lactulose_mannitol_ratio", "signal", "mind.threat -> barrier"),
])  # fmt: skip
def test_names_of_every_kind(asked, kind, arrow):
    found = dossier(asked)
    assert found.kind == kind
    assert arrow in {arrow_name(row) for row in found.arrows.iter_rows(named=True)}
    assert len(found.findings)


def test_an_arrow_has_its_own_findings_only():
    found = dossier(STRESS)
    assert found.arrows.height == 1
    assert set(found.findings["id"]) >= {"IMM-1", "MIN-8"}
    assert all(STRESS in edges for edges in found.findings["edges"])


def test_a_signal_has_the_findings_that_measured_it():
    assert {"IMM-1", "SLP-2"} <= set(dossier("blood.il6").findings["id"])


def test_findings_of_one_use():
    found = dossier("probiotics", use="predict")
    assert set(found.findings["use"]) == {"predict"}
    assert found.findings.height < dossier("probiotics").findings.height


@pytest.mark.parametrize(("asked", "hint"), [
    ("probiotix", "probiotic"), ("blood.il7", "blood.il6"), ("mind.thread -> immune", "mind.threat -> immune"),
    ("antibiotics and moods", "antibiotics and mood"),
])  # fmt: skip
def test_an_unknown_name_gets_the_nearest(asked, hint):
    with pytest.raises(InputError, match=rf"did you mean '[^']*{re.escape(hint)}"):
        dossier(asked)


@pytest.mark.parametrize("asked", ["qqqqqqqq", "->", "*", "-"])
def test_nonsense_is_refused(asked):
    with pytest.raises(InputError):
        dossier(asked)


# -- in words -----------------------------------------------------------------------------------


def test_the_steps_of_a_certainty_add_up_and_end_in_its_word():
    for row in findings().iter_rows(named=True):
        numbers = re.findall(r"[ +-](\d+\.\d)(?=;| =)", words := certainty_said(row))
        signs = re.findall(r" ([+-]?)\d+\.\d(?=;| =)", words)
        total = sum(float(n) * (-1 if sign == "-" else 1) for n, sign in zip(numbers, signs, strict=True))
        assert total == pytest.approx(sum(step.points for step in steps_of(row["id"])))
        assert words.endswith(f"= {total:.1f}, {in_words(row['certainty'])}")


def test_effects_are_printed_as_the_table_holds_them():
    for row in findings().filter(pl.col("low").is_not_null()).iter_rows(named=True):
        printed = [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", effect_said(row))]
        assert printed == [row["centre"], row["low"], row["high"]]


def test_metrics_never_share_a_panel():
    for name, rows in panels_of(findings()).items():
        if name == ONLY_DIRECTION:
            continue
        assert len({row["scale"] for row in rows}) == 1, name
        ratios = {bool(re.search(r"\b(OR|RR|HR)\b|ratio", row["metric"])) for row in rows}
        assert len(ratios) == 1, name
        if name.startswith("standard deviations"):
            assert len({row["no_comparator"] or "pre-post" in row["metric"] for row in rows}) <= 1 or all(
                row["comparator"].startswith(("own", "none")) or row["no_comparator"] or "pre-post" in row["metric"]
                for row in rows), name  # fmt: skip
        else:
            assert len({row["metric"] for row in rows}) == 1


def test_an_interval_in_letters_stands_where_its_numbers_do():
    row = {"centre": 0.5, "low": 0.0, "high": 1.0, "scale": "natural"}
    assert drawn(row, (-1.0, 1.0, False)) == " " * 20 + ":---------o---------]"
    ratio = {"centre": 2.0, "low": 1.0, "high": 4.0, "scale": "log"}
    assert ends([ratio]) == (1.0, 4.0, True)
    assert drawn(ratio, (0.25, 4.0, True)) == " " * 20 + ":---------o---------]"
    assert drawn(row | {"low": None, "high": None}, (-1.0, 1.0, False)).strip().endswith("o")


def test_what_a_finding_says():
    assert says({"centre": -0.4, "low": -0.7, "high": -0.1, "scale": "natural", "sign": ""}) == "-"
    assert says({"centre": -0.4, "low": -0.9, "high": 0.1, "scale": "natural", "sign": ""}) == "0"
    assert says({"centre": 1.4, "low": 1.1, "high": 1.8, "scale": "log", "sign": ""}) == "+"
    assert says({"centre": 0.9, "low": 0.7, "high": 1.2, "scale": "log", "sign": ""}) == "0"
    assert says({"centre": None, "low": None, "high": None, "scale": "natural", "sign": "+"}) == "+"


def test_an_assumed_arrow_says_so_and_prints_its_strength(parameters):
    text = " ".join(evidence_text(dossier("enteric.pain -> sleep"), parameters).split())
    value = parameters["sleep.pain_gain"].value
    assert f"sleep.pain_gain = {value:g} 1/point, assumed: no source" in text
    assert "number assumed: no source note" in text
    assert "none speaks about this arrow" in text
    assert "No finding in the table" in text


def test_a_closed_arrow_says_so(parameters):
    assert "closed: its strength is 0 until somebody opens it" in evidence_text(dossier("vagus.afferent"), parameters)


def test_a_fitted_arrow_says_what_is_behind_it(parameters):
    text = evidence_text(dossier(STRESS), parameters)
    for part in ("fitted to published findings", "Marsland et al. 2017", "IMM-1: acute laboratory stress",
                 "0.7 (0.45 to 0.95) Cohen d", "starts as experiment 3.0", "the model", "against own"):  # fmt: skip
        assert part in text
    assert max(map(len, text.splitlines())) <= 120


def test_disagreements_are_shown_whole_and_not_averaged(parameters):
    found = dossier("E207")  # only one of them is asked for
    text = evidence_text(found, parameters)
    assert "DISAGREEMENT: antibiotics and mood" in text
    assert "are not averaged" in text
    below = text.partition("DISAGREEMENT")[2]
    assert (
        below.index("The outcome rises") < below.index("E201") < below.index("The outcome falls") < below.index("E207")
    )


def test_the_overview_counts_every_arrow_and_finding():
    arrows, kinds = overview_rows()
    assert arrows.row(-1)[:2] == ("all", claims().height)
    assert kinds.row(-1)[:2] == ("all", findings().height)
    for frame in (arrows, kinds):
        parts, whole = frame.head(-1).drop("pathway").sum().row(0), frame.tail(1).drop("pathway").row(0)
        assert parts == whole
    letters, uses = kinds.select(kinds.columns[2:7]), kinds.select("calibrate", "predict", "construction", "context")
    assert letters.sum_horizontal().to_list() == kinds["findings"].to_list() == uses.sum_horizontal().to_list()
    text = overview()
    for name in set(findings()["contradiction"]) - {""}:
        assert name in text


def test_a_use_leaves_the_arrows_as_they_are():
    assert overview_rows("predict")[0].equals(overview_rows()[0])
    assert overview_rows("predict")[1]["context"].sum() == 0


def test_data_hold_what_the_text_says(parameters):
    data = evidence_data(dossier(STRESS), parameters)
    (arrow,) = data["arrows"]
    assert arrow["strengths"] == ["immune.stress_il6_gain = 1.5 pg/mL/hour, fitted"]
    assert "IMM-1" in arrow["findings"]
    assert {row["id"] for row in data["findings"]} == set(arrow["findings"])
    assert all(row["certainty_in_words"] and row["steps"] and row["reference"] for row in data["findings"])


# -- pictures -----------------------------------------------------------------------------------


def test_every_arrow_has_a_standing():
    known = standings()
    assert known.keys() == {arrow_name(row) for row in claims().iter_rows(named=True)}
    for row in claims().iter_rows(named=True):
        standing = known[arrow_name(row)]
        best = best_certainty(arrow_name(row), findings())
        assert (standing.kind == "untested") == untested(row, findings())
        assert standing.closed == row["default_zero"]
        if best:
            assert standing.kind == best == min(speaking_of(arrow_name(row), findings())["certainty"])


def test_the_graph_draws_each_standing_as_the_legend_says(picture):
    root = ElementTree.fromstring(picture)
    space = "{http://www.w3.org/2000/svg}"
    known, seen = standings(), set()
    for group in root.iter(f"{space}g"):
        if group.get("class") != "edge":
            continue
        line, title = group.find(f"{space}path"), group.findtext(f"{space}title")
        names = [words.partition(": ")[0] for words in title.splitlines()]
        seen.update(names)
        for name in names:  # none hides behind a better known one
            assert known[name].kind == group.get("data-standing"), name
            assert line.get("stroke") == COLOURS[known[name].kind]
            assert (line.get("stroke-dasharray") is not None) == (known[name].kind == "untested")
            assert (float(line.get("stroke-opacity")) < 0.5) == known[name].closed
    assert seen == {str(wire) for wire in standard().edges if wire.giver != wire.listener}
    assert all(words in picture for words in ("hypothesis only (", "untested: no finding", "true by definition ("))


def test_a_ratio_is_drawn_on_a_logarithm_and_a_difference_is_not():
    rows = [row_of(id) for id in ("E201", "E207")]
    log = panel("OR", rows, 300).to_dict()
    assert '"type": "log"' in str(log).replace("'", '"')
    plain = panel("standard deviations, between groups", [row_of("MIN-8")], 300).to_dict()
    assert '"type": "log"' not in str(plain).replace("'", '"')


def test_a_forest_holds_the_numbers_of_the_table():
    rows = [row_of("E201"), row_of("E207")]
    data = str(forest_figure("OR", rows).chart.to_dict()["datasets"])
    for row in rows:
        assert all(repr(row[name]) in data for name in ("centre", "low", "high"))


def test_disagreements_stand_side_by_side_one_panel_a_metric():
    name = "faecal transplants in irritable bowel"
    members = findings().filter(pl.col("contradiction") == name)
    (section,) = disagreement_sections({name: members})
    (figure,) = [block for block in section.blocks if isinstance(block, Figure)]
    metrics = {panel_of(row) for row in members.iter_rows(named=True)} - {ONLY_DIRECTION}
    assert len(figure.chart.concat) == len(metrics) > 1
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    cells = [cell for row in table.frame.iter_rows() for cell in row if cell]
    assert len(cells) == members.height
    assert all(any(f"({id})" in cell for cell in cells) for id in members["id"])


def test_a_page_says_its_lowest_certainty_and_what_is_assumed(parameters, certainties):
    page = dossier_page(dossier("E201"), parameters, "gutbrain evidence E201")
    assert certainties(page)[0] == "assumed, no source"
    assert "no medical advice" in page and "side by side" in page
    assert f"Lowest certainty of a finding here: {in_words(row_of('E201')['certainty'])}" in page
    assert "Lowest grade of the number of an arrow here: assumed, no source" in page
    bare = dossier_page(dossier("enteric.pain -> sleep"), parameters, "gutbrain evidence")
    assert "No finding in the table speaks about this" in bare and "vegaEmbed" not in bare
