"""Report, folder and words of a validation and of a calibration, on made-up forecasts."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from gutbrain.evidence.findings import finding, split_hash
from gutbrain.fit.calibration.calibrate import leave_out
from gutbrain.fit.calibration.data import data
from gutbrain.show.calibration_page import calibration_report
from gutbrain.show.calibration_page import verdict as calibrated_said
from gutbrain.show.page import Figure, Table, page_text
from gutbrain.show.validation_folder import write_validation
from gutbrain.show.validation_page import validation_report, verdict
from gutbrain.validation.designs import designs
from gutbrain.validation.score import board, on_scale, row, summary
from gutbrain.validation.validate import Validation, discrepancy_of, lean_of
from gutbrain.validation.virtual import Predicted

WORLDS, REPLICATES = 6, 20


@pytest.fixture(scope="module")
def made() -> Validation:
    """Forecasts that are right but for a lean of 0.2, of all findings."""
    generator = np.random.default_rng(1)
    held = {}
    for name, design in designs().items():
        centre = on_scale(finding(name), design)[0] or 0.0
        effect = 0.6 * centre + 0.05 * generator.standard_normal(WORLDS)
        draws = effect[:, None] + 0.1 * generator.standard_normal((WORLDS, REPLICATES))
        held[name] = Predicted(name, effect, draws, 0.1, 0.2)
    known, lean = discrepancy_of(designs(), held), lean_of(designs(), held)
    scores = board(row(finding(name), design, held[name], known, lean) for name, design in designs().items())
    ahead = scores.filter(pl.col("use") == "predict")
    return Validation(
        "standard", WORLDS, 40, 1, "prior", scores, summary(scores), summary(ahead, ("pathway",)),
        summary(ahead, ("certainty",)), held, known, (3, 240),
    )  # fmt: skip


def test_the_verdict_names_goals_and_what_was_missed(made):
    said = " ".join(verdict(made))
    assert "goal 80 % to 97 %" in said and ("missed" in said or "met" in said)
    assert "body alone" in said and "discrepancy" in said


def test_a_few_findings_meet_no_goal_and_benefit_everywhere_stands_beside(made):
    said = " ".join(verdict(made))
    assert "benefit everywhere: 91 %" in said
    few = replace(made, by_use=summary(made.scores.filter(pl.col("pathway") == "barrier")))
    said = " ".join(verdict(few))
    assert "too few findings to judge" in said and ": met" not in said


def test_every_figure_and_table_says_its_certainty(made, certainties):
    report = validation_report(made, "gutbrain validate")
    blocks = [block for section in report.sections for block in section.blocks if isinstance(block, Figure | Table)]
    assert len(blocks) >= 8
    text = page_text(report)
    assert "no medical advice" in text
    lines = certainties(text)
    assert len(lines) >= len(blocks) and all(line.startswith("assumed, no source (virtual trials)") for line in lines)


def test_construction_stands_apart(made):
    report = validation_report(made)
    apart = next(section for section in report.sections if section.title == "What does not count")
    table = next(block for block in apart.blocks if isinstance(block, Table))
    assert set(table.frame["finding"]) == set(made.scores.filter(pl.col("use") == "construction")["finding"])
    assert "construction" not in set(made.by_use["use"])


def test_the_folder_is_whole_and_says_where_it_comes_from(made, tmp_path):
    out = tmp_path / "validation"
    write_validation(made, out, False, "gutbrain validate --out validation")
    kept = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert kept["split_hash"] == split_hash() and len(kept["scores"]) == made.scores.height
    assert {row["goal"] for row in kept["goals"]} == {"coverage", "sign_accuracy", "skill"}
    assert (out / "report.html").stat().st_size > 10_000 and list((out / "figures").glob("*.svg"))
    again = pl.read_csv(out / "tables" / "scores.csv")
    assert again.height == made.scores.height
    assert "scores.json" in json.loads((out / "manifest.json").read_text())["sha256"]


@pytest.fixture(scope="module")
def calibrated():
    goal = data()
    generator = np.random.default_rng(2)
    before = generator.standard_normal((24, len(goal.findings))) * 0.2
    after = goal.observed + 0.05 * generator.standard_normal(before.shape)
    numbers = generator.standard_normal((24, 30))
    moved = pl.DataFrame({
        "parameter": [f"part.number_{place}" for place in range(30)], "grade": ["assumed", "fitted", "measured"] * 10,
        "prior_mean": [0.0] * 30, "prior_sd": [1.0] * 30, "posterior_mean": np.linspace(-2, 2, 30),
        "posterior_sd": [0.8] * 30, "shrunk": [0.36] * 30,
    })  # fmt: skip
    return SimpleNamespace(
        data=goal, seed=1, people=6, prior=numbers, posterior=numbers, prior_effects=before, posterior_effects=after,
        moved=moved, left_out=leave_out(goal, before, 1), pulled_back=2, replaced=1,
    )  # fmt: skip


def test_a_calibration_says_how_far_it_went(calibrated, certainties):
    said = " ".join(calibrated_said(calibrated))
    assert f"{len(calibrated.data.findings)} findings" in said and "not touched" in said
    assert "than the prior" in said
    text = page_text(calibration_report(calibrated, "gutbrain calibrate"))
    assert "left out" in text
    assert "assumed, no source" in certainties(text)[2]
