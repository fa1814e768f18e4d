"""The command `gutbrain analyse`: a whole folder or nothing, a clear word for every wrong thing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from gutbrain.cli import main

sys.path.append(str(Path(__file__).parent / "analyse"))
from small_study import small_trial

PLAN = """
[design]
arm = "arm"
reference = "control"
visits = ["before", "after"]
[[step]]
kind = "change"
name = "stress"
confirmatory = true
outcomes = ["PSS-10.total"]
[[step]]
kind = "permanova"
permutations = 199
[[step]]
kind = "taxa"
[[step]]
kind = "mantel"
against = ["nothing.measured"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_trial().write(tmp_path_factory.mktemp("study") / "my.study")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def written(folder, plan, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "analysis"
    assert main(["analyse", str(folder), "--plan", str(plan), "--out", str(out), "--quiet"]) == 0
    return out


def test_a_folder_holds_report_plan_tables_figures_and_manifest(written):
    names = {path.name for path in written.iterdir()}
    assert names == {
        "report.html", "plan.toml", "tested.csv", "people.csv", "findings.csv", "tables", "figures", "manifest.json",
    }  # fmt: skip
    manifest = json.loads((written / "manifest.json").read_text())
    assert manifest["not_done"] == ["mantel"]
    assert len(manifest["plan_sha256"]) == 64
    assert {path.suffix for path in (written / "figures").iterdir()} == {".svg", ".png"}


def test_everything_tested_stands_in_one_table(written):
    tested = pl.read_csv(written / "tested.csv", infer_schema_length=None)
    assert set(tested["step"].to_list()) == {"stress", "permanova", "taxa"}
    stress = tested.filter((pl.col("step") == "stress") & pl.col("p").is_not_null())
    assert stress["confirmatory"].all()
    assert not tested.filter(pl.col("step") == "taxa")["confirmatory"].any()
    assert (stress["low"] < stress["estimate"]).all() and (stress["estimate"] < stress["high"]).all()


def test_the_report_says_what_was_not_done(written):
    text = (written / "report.html").read_text(encoding="utf-8")
    assert "nothing.measured" in text
    assert "Confirmatory" in text
    assert "NaN" not in text.partition("<script>")[0]


def test_the_same_plan_gives_the_same_numbers(written, folder, tmp_path):
    out = tmp_path / "again"
    assert main(["analyse", str(folder), "--plan", str(written / "plan.toml"), "--out", str(out), "--quiet"]) == 0
    assert (out / "tested.csv").read_text() == (written / "tested.csv").read_text()


def test_a_draft_can_be_run_as_a_plan(folder, tmp_path, capsys):
    assert main(["analyse", str(folder), "--draft"]) == 0
    text = capsys.readouterr().out
    path = tmp_path / "draft.toml"
    path.write_text(text, encoding="utf-8")
    assert main(["analyse", str(folder), "--plan", str(path), "--draft"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{folder}"], "nothing says where the analysis goes"),
        (["nowhere", "--out", "{out}"], "this is no study folder"),
        (["{folder}", "--out", "{folder}"], "exists already"),
        (["{folder}", "--plan", "nowhere.toml", "--out", "{out}"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(arguments, says, folder, tmp_path, capsys):
    out = tmp_path / "out"
    given = [argument.format(folder=folder, out=out) for argument in arguments]
    assert main(["analyse", *given, "--quiet"]) == 2
    assert says in capsys.readouterr().err
    assert not out.exists()
