"""`gutbrain sensitivity` from command line to folder, and what it refuses."""

from __future__ import annotations

import json

import polars as pl
import pytest
from small_trial import ALONE, PLAN, small

from gutbrain.cli import main


@pytest.fixture()
def plan(tmp_path, monkeypatch):
    from gutbrain.body import whole

    monkeypatch.setitem(whole.AXES, "small", small)
    path = tmp_path / "push.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def refused(capsys, *arguments):
    assert main(["sensitivity", *map(str, arguments)]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_a_folder_with_page_tables_and_figures(plan, tmp_path, capsys, certainties):
    out = tmp_path / "found"
    arguments = ["sensitivity", str(plan), "--out", str(out), "--base", "128", "--trajectories", "4", "--quiet"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "effect of push against rest on mind.negative_affect: 4 unknowns (5 numbers)" in said
    assert "gut.gain" in said and "assumed, no source" in said
    data = json.loads((out / "sensitivity.json").read_text(encoding="utf-8"))
    assert data["certainty"]["mind.negative_affect"] == "assumed, no source"
    assert data["measurements"][0]["parameter"] == "gut.gain"
    assert data["measurements"][0]["certainty"] == "measured"
    shares = pl.read_csv(out / "tables" / "shares.csv").filter(outcome="mind.negative_affect")
    assert shares["share"][0] == pytest.approx(ALONE["gut.gain"], abs=0.1)
    assert set(shares["outcome"]) == {"mind.negative_affect"}
    page = (out / "report.html").read_text(encoding="utf-8")
    for words in ("What the answer hangs on", "comes from numbers without a source alone", "no advice",
                  "recalled, not checked",
                  "Still (mind)"):  # fmt: skip
        assert words in page
    assert set(certainties(page)) == {"assumed, no source"}
    assert len(list((out / "figures").glob("*.png"))) == 5
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))["settings"]["base"] == 128

    assert "exists already" in refused(capsys, plan, "--out", out)
    # The same seed gives the same numbers.
    again = tmp_path / "again"
    assert main([*arguments[:3], str(again), *arguments[4:]]) == 0
    assert (again / "tables" / "sobol.csv").read_bytes() == (out / "tables" / "sobol.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--outcome", "mind.negative_afect"], "did you mean 'mind.negative_affect'"),
        (["--arm", "pussh"], "did you mean 'push'"),
        (["--arm", "rest"], "'rest' is compared with itself"),
        (["--trajectories", "3"], "--trajectories must be at least 4, not 3"),
        (["--base", "100"], "must be a power of two from 32 to 16384, not 100. Give --base 128"),
        (["--base", "16"], "Give --base 32"),
        (["--base", "-4"], "Give --base 32"),
        (["--base", "50000"], "Give --base 16384"),
        (["--keep", "1"], "--keep must be from 2 to 60, not 1"),
        (["--seed", "-1"], "--seed must be 0 or more"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(plan, tmp_path, capsys, arguments, expected):
    out = tmp_path / "never"
    assert expected in refused(capsys, plan, "--out", out, *arguments)
    assert not out.exists()


def test_a_plan_needs_two_arms(plan, tmp_path, capsys):
    plan.write_text(PLAN.replace('[[arm]]\nname = "rest"\n', "").replace('comparator = "rest"', ""), encoding="utf-8")
    assert "an effect needs two arms" in refused(capsys, plan, "--out", tmp_path / "x")
    assert "has no arms to compare" in refused(capsys, "dietswap", "--out", tmp_path / "x")
    assert "no plan 'nowhere'" in refused(capsys, "nowhere", "--out", tmp_path / "x")


def test_an_effect_of_nothing_is_said_and_nothing_is_written(plan, tmp_path, capsys):
    out = tmp_path / "never"
    said = refused(capsys, plan, "--out", out, "--outcome", "mind.still", "--quick", "--quiet")
    assert "mind.still: the effect is the same in all 20 draws" in said
    assert not out.exists()
