"""The command `gutbrain evidence`: text, data, page and picture; a clear word for every wrong thing."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gutbrain import cli
from gutbrain.body.whole import standard
from gutbrain.show import evidence_graph, evidence_page

ROOT = Path(__file__).parents[1]


def failed(capsys, *arguments: object) -> str:
    assert cli.main(["evidence", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err and said.err.count("gutbrain: ") == 1
    return said.err


def test_without_a_name_there_is_an_overview(capsys):
    assert cli.main(["evidence"]) == 0
    said = capsys.readouterr().out
    for part in ("108 arrows", "no source", "hypothesis only", "construction", "antibiotics and mood", "probiotics"):
        assert part in said


@pytest.mark.parametrize(("asked", "part"), [
    (["probiotics"], "protocol.probiotic -> colon"), (["--arrow", "mind.threat -> immune"], "IMM-1"),
    (["hpa", "--use", "predict"], "predicts it"), (["MIN-8"], "Hedges g"),
])  # fmt: skip
def test_a_name_shows_arrows_and_findings(asked, part, capsys):
    assert cli.main(["evidence", *asked]) == 0
    assert part in capsys.readouterr().out


def test_data_are_json(capsys):
    assert cli.main(["evidence", "blood.il6", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "signal"
    assert cli.main(["evidence", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"arrows", "findings", "disagreements", "topics"}


def test_wrong_things_are_told(capsys, tmp_path):
    assert "did you mean" in failed(capsys, "probiotix")
    assert "two things" in failed(capsys, "hpa", "--arrow", "a -> b")
    assert "is no arrow" in failed(capsys, "--arrow", "hpa")
    assert "nothing says which" in failed(capsys, "hpa", "--html")
    assert "nothing says which" in failed(capsys, "--graph")
    assert "whole axis" in failed(capsys, "hpa", "--graph", "--out", tmp_path / "a.svg")
    assert ".svg or .png" in failed(capsys, "--graph", "--out", tmp_path / "a.pdf")
    assert ".html" in failed(capsys, "hpa", "--html", "--out", tmp_path / "a.txt")
    assert "Give --html" in failed(capsys, "hpa", "--out", tmp_path / "a.html")
    assert "a folder stands there" in failed(capsys, "hpa", "--out", tmp_path, "--force")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_only_if_asked(capsys, tmp_path):
    out = tmp_path / "new" / "hpa.txt"
    assert cli.main(["evidence", "hpa", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").startswith("hpa (compartment)")
    out.write_text("mine", encoding="utf-8")
    assert "exists already" in failed(capsys.readouterr() and capsys, "hpa", "--out", out)
    assert out.read_text(encoding="utf-8") == "mine"
    assert cli.main(["evidence", "hpa", "--out", str(out), "--force"]) == 0
    assert out.read_text(encoding="utf-8") != "mine"
    assert [path.name for path in out.parent.iterdir()] == ["hpa.txt"]


def test_what_cannot_be_written_is_told(capsys, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "cannot write" in failed(capsys, "hpa", "--out", tmp_path / "file" / "hpa.txt")


def test_a_page_and_a_picture(capsys, tmp_path):
    assert cli.main(["evidence", "vagus.afferent", "--html", "--out", str(tmp_path / "a.html")]) == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "vagus.afferent → affect" in page and "gutbrain evidence vagus.afferent" in page
    for name in ("a.svg", "a.png"):
        assert cli.main(["evidence", "--graph", "--out", str(tmp_path / name)]) == 0
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_whole_as_a_page(monkeypatch, tmp_path, certainties):
    """Its figures are those of the pages above, so that they are not drawn again."""
    monkeypatch.setattr(evidence_page, "forest_figure", lambda name, rows: evidence_page.Text(name))
    monkeypatch.setattr(evidence_page, "disagreement_sections", lambda disagreements: [])
    monkeypatch.setattr(evidence_page, "evidence_graph", lambda axis: "<svg/>")
    assert cli.main(["evidence", "--html", "--use", "predict", "--out", str(tmp_path / "a.html")]) == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "Untested arrows" in page and "assumed: no source" in page and "Lowest certainty" in page
    lines = certainties(page)
    assert lines[:2] == ["assumed, no source"] * 2 and "moderate" in lines


def test_evidence_is_read_without_a_simulator():
    asked = (
        "import sys\nfrom gutbrain import cli\n"
        "cli.main(['evidence', 'probiotics'])\n"
        "print([name for name in ('jax', 'diffrax', 'altair', 'sympy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_the_guide_shows_what_the_command_prints(capsys):
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    asked, _, shown = page.partition("```text\n$ gutbrain ")[2].partition("\n```")[0].partition("\n")
    assert cli.main(shlex.split(asked)) == 0
    assert capsys.readouterr().out.strip() == shown.strip()


def test_the_picture_of_the_guide_is_up_to_date():
    written = (ROOT / "docs" / "evidence.svg").read_text(encoding="utf-8")
    assert written == evidence_graph.evidence_graph(standard()), "run make docs"
