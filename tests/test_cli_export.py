"""The command `gutbrain export`: four forms, a file that is whole or not there, a clear word for every wrong thing."""

from __future__ import annotations

import sys

import pytest

from gutbrain import cli
from gutbrain.body import whole
from gutbrain.body.sleep import Sleep
from gutbrain.model.axis import Axis

pytest.importorskip("libsbml", reason="needs the extra 'export'")
import libsbml

NIGHT = Axis(Sleep(), name="night")
PLAN = """
title = "short nights"
axis = "night"
days = 15
visits = [0, 14]
[people]
per_arm = 2
baseline = "none"
fixed = { "sleep.night" = 7.5 }
[report]
primary = "sleep.debt"
outcomes = ["sleep.debt"]
observe = []
[[arm]]
name = "as always"
[[arm]]
name = "short"
acts = [{ use = "short_nights", nights = 4 }]
"""


@pytest.fixture(autouse=True)
def night(monkeypatch):
    monkeypatch.setitem(whole.AXES, "night", lambda: NIGHT)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return folder


def export(*arguments: object) -> int:
    return cli.main(["export", *map(str, arguments), "--quiet"])


def test_an_axis_at_rest(tmp_path, capsys):
    out = tmp_path / "new" / "night.xml"
    assert export("sbml", "night", "--out", out) == 0
    assert "2 states" in capsys.readouterr().out
    model = (document := libsbml.readSBMLFromFile(str(out))).getModel()
    assert document.getNumErrors() == 0 and model.getName() == "night axis"
    assert model.getElementBySId("act_1_dose") is None and model.getElementBySId("sleep_night").getValue() == 8
    assert [path.name for path in out.parent.iterdir()] == ["night.xml"]


def test_an_arm_of_a_run_brings_its_acts_and_its_person(run, tmp_path, capsys):
    short, always = tmp_path / "short.sbml", tmp_path / "always.xml"
    assert export("sbml", run, "--out", short) == 0  # the arm that the report is about
    assert export("sbml", run, "--arm", "as always", "--out", always) == 0
    assert "1 acts" in (told := capsys.readouterr().out) and "0 acts" in told
    model = (document := libsbml.readSBMLFromFile(str(short))).getModel()
    assert document.getNumErrors() == 0 and model.getName() == "short nights: short"
    assert model.getElementBySId("act_1_dose").getValue() == 0.25
    assert [model.getElementBySId(f"act_1_{edge}").getValue() for edge in ("start", "end")] == [1.5, 5.5]
    assert model.getElementBySId("sleep_night").getValue() == 7.5
    assert "act_1_dose" not in always.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("form", "name", "inside"), [("latex", "a.tex", r"\end{document}"), ("html", "a.html", "<math")]
)
def test_equations_for_readers(run, tmp_path, form, name, inside, capsys):
    assert export(form, run, "--out", tmp_path / name) == 0
    assert inside in (tmp_path / name).read_text(encoding="utf-8")
    assert str(tmp_path / name) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sbml", "nihgt", "--out", "a.xml"), "did you mean 'night'"),
        (("sbml", "night", "--out", "a.txt"), "a file that ends in .xml or .sbml, not to 'a.txt'. Give --out a.xml"),
        (("latex", "night", "--out", "a.html"), "ends in .tex"),
        (("petab", "night", "--out", "a.yaml"), "PEtab is a folder"),
        (("petab", "night", "--out", "a"), "no measurements"),
        (("sbml", "night", "--arm", "short", "--out", "a.xml"), "an axis has none"),
        (("html", "night", "--arm", "short", "--out", "a.html"), "holds every arm"),
        (("sbml", "run", "--arm", "shrot", "--out", "a.xml"), "did you mean 'short'"),
        (("sbml", ".", "--out", "a.xml"), "no plan.toml"),
        (("sbml", "night", "--out", "run"), "ends in .xml"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(run, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert export(*arguments) == 2
    assert said in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_is_replaced_only_when_asked(tmp_path, capsys):
    out = tmp_path / "night.html"
    out.write_text("mine", encoding="utf-8")
    assert export("html", "night", "--out", out) == 2 and out.read_text(encoding="utf-8") == "mine"
    assert "--force" in capsys.readouterr().err
    assert export("html", "night", "--out", out, "--force") == 0 and out.read_text(encoding="utf-8") != "mine"


def test_a_missing_library_is_named_before_anything_is_computed(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "libsbml", None)
    assert export("sbml", "night", "--out", tmp_path / "a.xml") == 2
    assert "gutbrain[export]" in capsys.readouterr().err and not list(tmp_path.iterdir())
