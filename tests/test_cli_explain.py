"""`gutbrain explain`: what it prints and writes of a small axis, and every wrong input in one message."""

from __future__ import annotations

import json

import polars as pl
import pytest

from gutbrain import cli
from gutbrain.body import whole
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, Param, State, rate

ASSUMED = {"source": "assumed", "grade": "assumed"}
PLAN = """
title = "push"
axis = "two"
days = 11
visits = [0, 10]
course_days = 10
step_minutes = 60.0
[report]
primary = "ear.level"
arm = "pushed"
comparator = "still"
[[arm]]
name = "still"
[[arm]]
name = "pushed"
acts = [{ lever = "protocol.push", dose = 2.0 }]
[[arm]]
name = "late"
acts = [{ lever = "protocol.push", dose = 2.0, start = 30.0 }]
"""


class Mouth(Compartment):
    """Follows the push."""

    level = State("1", start=0.0, low=-50, high=50, about="follows the push")
    push = Input("1", rest=0, signal="protocol.push")
    pace = Param(10, "1/day", **ASSUMED)

    @rate("level")
    def follow(self):
        """It follows the push."""
        return self.pace * (self.push - self.level)


class Ear(Compartment):
    """Hears a tenth; a second state hears nothing."""

    level = State("1", start=0.0, low=-50, high=50, about="follows the mouth")
    deaf = State("1", start=0.0, low=-50, high=50, about="follows nothing")
    heard = Input("1", rest=0, signal="mouth.level")
    pace = Param(10, "1/day", **ASSUMED)
    share = Param(0.1, "1", **ASSUMED)

    @rate("level")
    def follow(self):
        """It follows what it hears."""
        return self.pace * (self.share * self.heard - self.level)

    @rate("deaf")
    def stay(self):
        """It stays."""
        return -self.pace * self.deaf


TWO = Axis(Mouth(), Ear(), name="two")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run folder of the small axis, as far as `explain` reads it."""
    monkeypatch.setitem(whole.AXES, "two", lambda: TWO)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return folder


def refused(capsys, *arguments: object) -> str:
    assert cli.main(["explain", *map(str, arguments), "--quiet"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    return said.err


def test_the_folder_holds_page_tables_map_and_numbers(run, tmp_path, capsys, certainties):
    out = tmp_path / "out"
    assert cli.main(["explain", str(run), "--outcome", "ear.level", "--out", str(out), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "+0.200 relative" in said and "assumed, no source" in said and "nothing of the effect is left" in said
    made = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert made == sorted([
        "report.html", "explain.json", "manifest.json", "figures/flow.svg", "figures/flow.png",
        "figures/pathways.svg", "figures/pathways.png", "tables/paths.csv", "tables/arrows.csv",
        "tables/pathways.csv", "tables/directions.csv", "tables/pairs.csv",
    ])  # fmt: skip
    kept = json.loads((out / "explain.json").read_text(encoding="utf-8"))
    assert kept["effect"] == pytest.approx(0.2, rel=1e-6) and kept["without_assumed"] == 0
    shares = [row["shapley"] for row in kept["pathways"]]
    assert sum(shares) == pytest.approx(kept["effect"], rel=1e-12)
    assert pl.read_csv(out / "tables" / "arrows.csv")["certainty"].to_list() == ["assumed, no source"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert certainties(page) == ["assumed, no source"] * 6 and "<svg" in page
    assert str(tmp_path) not in page.split("command:")[0]
    again = ["explain", str(run), "--outcome", "ear.level", "--quick", "--out", str(out), "--quiet"]
    assert cli.main(again) == 2
    assert "exists already" in capsys.readouterr().err
    assert cli.main([*again, "--force"]) == 0
    assert "interaction term" not in capsys.readouterr().out.lower()
    assert not (out / "tables" / "pathways.csv").exists()


def test_arms_without_difference_have_no_effect_and_no_shares(run, tmp_path, capsys):
    out = tmp_path / "same"
    asked = ["explain", str(run), "--outcome", "ear.level", "--arm", "late", "--out", str(out), "--quiet"]
    assert cli.main(asked) == 0
    assert "do the same until that day: there is no effect" in capsys.readouterr().out
    kept = json.loads((out / "explain.json").read_text(encoding="utf-8"))
    assert kept["effect"] == 0 and not kept["clear"] and kept["assumed_share"] is None
    assert cli.main(["explain", str(run), "--outcome", "ear.deaf", "--quiet"]) == 0
    assert "Nothing in which the arms differ reaches" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--outcome", "ear.levle"], "did you mean 'ear.level'"),
        (["--outcome", "ear.level", "--arm", "pusht"], "did you mean 'pushed'"),
        (["--outcome", "ear.level", "--arm", "still"], "cannot be compared with itself"),
        (["--outcome", "ear.level", "--comparator", "nobody"], "Arms are still, pushed, late"),
        (["--outcome", "ear.level", "--day", "11"], "0 to 10"),
        (["--outcome", "ear.level", "--force"], "Give --out DIR"),
    ],
)
def test_what_cannot_be_asked_is_refused(run, capsys, options, says):
    assert says in refused(capsys, run, *options)


def test_what_is_no_run_is_refused(run, tmp_path, capsys):
    assert "no such run folder" in refused(capsys, tmp_path / "nowhere", "--outcome", "ear.level")
    (tmp_path / "empty").mkdir()
    assert "it holds no plan.toml" in refused(capsys, tmp_path / "empty", "--outcome", "ear.level")
    (run / "manifest.json").write_text("{}", encoding="utf-8")
    assert "is no explanation" in refused(capsys, run, "--outcome", "ear.level", "--out", run, "--force")
    assert (run / "plan.toml").exists()
    lines = PLAN.partition('[[arm]]\nname = "pushed"')[0].replace('arm = "pushed"', "")
    (run / "plan.toml").write_text(lines, encoding="utf-8")
    assert "the plan has one arm" in refused(capsys, run, "--outcome", "ear.level")
    (run / "plan.toml").write_text(PLAN.replace('title = "push"', 'title = "push"\nkind = "exchange"'), "utf-8")
    assert "only trials have arms" in refused(capsys, run, "--outcome", "ear.level")
