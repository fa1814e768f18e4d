"""The command `gutbrain couple`: a draft, a whole folder or nothing, a clear word for every wrong thing."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain import cli
from gutbrain.fit.coupling import coupled as everything
from gutbrain.fit.coupling import maximum, sample
from gutbrain.show import coupling_folder
from gutbrain.study.study import Study

sys.path.append(str(Path(__file__).parent / "fit"))
from small_diary import small_diary

ASKED = ("couple", "--gut", "belly", "--mind", "stress")
ONE_MODEL = ["--inputs", "practice minutes", "--no-error"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_diary().write(tmp_path_factory.mktemp("study") / "my.study")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """One person's gut that moves a mind, forty values each."""
    generator = np.random.default_rng(2)
    rows, gut, mind = [], 0.0, 0.0
    for day in range(40):
        gut, mind = 0.6 * gut + generator.normal(0, 0.8), 0.5 * mind + 0.5 * gut + generator.normal(0, 0.6)
        rows += [("a", float(day), "d", "belly", gut), ("a", float(day), "d", "stress", mind)]
    answers = pl.DataFrame(rows, schema=["person", "day", "form", "item", "value"], orient="row")
    readings = pl.DataFrame({"person": "a", "day": [float(day) for day in range(0, 40, 5)], "value": 20.0,
                             "quantity": "practice.minutes", "unit": "minute"})  # fmt: skip
    study = Study.of({"answers": answers, "readings": readings}, {"title": "One person"})
    return study.write(tmp_path_factory.mktemp("pair") / "pair.study")


def failed(capsys, *arguments: object) -> str:
    assert cli.main(["couple", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.err.count("gutbrain: ") == 1
    return said.err


def test_a_draft_shows_model_start_values_and_counts_and_does_nothing(folder, capsys):
    asked = ["couple", str(folder), "--gut", "shannon", "--mind", "low = mood.sad + mood.tired", "--inputs",
             "practice_minutes", "--predictors", "height", "--draft"]  # fmt: skip
    assert cli.main(asked) == 0
    said = capsys.readouterr().out
    for part in (
        "gut       shannon", "mind      low", "inputs    practice_minutes", "3 people", "drift[low, shannon]",
        "mood.tired: gaussian, shows low", "spread[mean[shannon]]", "the usual dose", "dee", "Nothing was fitted",
    ):  # fmt: skip
        assert part in said
    assert sorted(path.name for path in folder.parent.iterdir()) == ["my.study"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--draft"], "nothing is asked"),
        (["--gut", "shannon", "--mind", "mood.sad"], "--out"),
        (["--gut", "shanon", "--mind", "mood.sad", "--draft"], "shannon"),
        (["--gut", "shannon", "--mind", "calm", "--draft"], "mood.calm, evening.calm"),
        (["--gut", "shannon", "--mind", "mood.sad", "--people", "zed", "--draft"], "no person 'zed'"),
        (["--gut", "shannon", "--mind", "mood.sad", "--person", "dee", "--draft"], "'shannon' has no value of dee"),
        (["--gut", "shannon", "--mind", "mood.sad", "--inputs", "exam", "--draft"], "nothing called 'exam'"),
        (["--gut", "shannon", "--mind", "mood.sad", "--predictors", "age", "--draft"], "not known of bob"),
        (["--gut", "shannon", "--mind", "mood.sad", "--vary", "dritf", "--draft"], "no parameter 'dritf'"),
        (["--gut", "shannon", "--mind", "share: Roseburia", "--day-night", "--draft"], "one o'clock"),
        (["--gut", "shannon", "--mind", "mood.sad", "--method", "ml", "--prior", "weak", "--draft"], "takes no prior"),
        (["--gut", "shannon", "--mind", "mood.sad", "--prior", "nowhere", "--draft"], "neither weak, axis, nor"),
        (["--gut", "shannon", "--mind", "mood.sad", "--lags", "0", "--draft"], "--lags"),
        (["--gut", "shannon", "--mind", "mood.sad", "--draws", "0", "--draft"], "--draws"),
        (["--gut", "shannon", "--mind", "mood.sad", "--seed", "-1", "--draft"], "--seed"),
    ],
)
def test_wrong_input_is_refused(folder, capsys, arguments, says):
    assert says in failed(capsys, folder, *arguments)


def test_a_folder_that_is_no_study_or_no_coupling_is_kept(folder, tmp_path, capsys):
    asked = ["--gut", "shannon", "--mind", "mood.sad", "--out", tmp_path / "out"]
    assert "no study" in failed(capsys, tmp_path, *asked)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert "exists already" in failed(capsys, folder, *asked)
    assert "not a run folder" in failed(capsys, folder, *asked, "--force")
    (tmp_path / "out" / "manifest.json").write_text("{}")
    assert "is no coupling" in failed(capsys, folder, *asked, "--force")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


@pytest.fixture(scope="module")
def coupled(pair, tmp_path_factory):
    """One coupling that is fitted and written: its folder, the exit code, and what was made."""
    out = tmp_path_factory.mktemp("out") / "coupling"
    made, told = [], everything.coupled
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(everything, "coupled", lambda *given: made.append(told(*given)) or made[-1])
        code = cli.main([*ASKED[:1], str(pair), *ASKED[1:], "--inputs", "practice minutes", "--no-error",
                         "--lags", "10", "--out", str(out), "--quiet"])  # fmt: skip
    return out, code, made[0]


def test_a_coupling_is_written_whole(coupled):
    out, code, made = coupled
    assert code == 0 and made.fitted.converged
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "fit.json", "tables", "figures", "manifest.json", "asked.json"} <= names
    lagged = pl.read_csv(out / "tables" / "lagged.csv")
    assert lagged["lag"].max() == pytest.approx(10)
    asked = json.loads((out / "asked.json").read_text())
    dose = {"name": "practice minutes", "how": "impulse", "usual": 20.0, "unit": "minute", "centre": 0.0}
    assert asked["doses"] == [dose]
    assert any("one person" in line for line in asked["choices"])


def test_an_earlier_coupling_serves_as_prior(coupled, pair, tmp_path, monkeypatch, capsys):
    out, _, made = coupled
    seen = {}

    def fit(model, panel, prior, progress, objective):
        seen["prior"] = prior
        raise KeyboardInterrupt

    monkeypatch.setattr(maximum, "fit", fit)
    earlier = ["--prior", str(out), *ONE_MODEL, "--out", str(tmp_path / "out"), "--quiet"]
    assert cli.main([*ASKED[:1], str(pair), *ASKED[1:], *earlier]) == 130
    assert "the usual dose of the earlier coupling" in capsys.readouterr().out
    np.testing.assert_allclose(seen["prior"].mean, made.fitted.free, atol=1e-6)
    again = [*earlier[:-2], str(out), "--force", "--quiet"]
    assert "lies in the folder that is replaced" in failed(capsys, pair, *ASKED[1:], *again)


@pytest.mark.parametrize("way", ["ml", "interrupted", "nuts"])
def test_a_fit_that_did_not_converge_is_never_told_as_one(coupled, pair, tmp_path, monkeypatch, capsys, way):
    _, _, made = coupled
    stuck = replace(made.fitted, converged=False, said=("the fit did not converge: it was stopped",))

    def drawn(*_, **__):
        if way == "interrupted":
            raise KeyboardInterrupt
        return replace(stuck, said=("R-hat is 1.4",))

    def write(told, folder, force, command, title, choices, beside, simulated):
        assert simulated in ("", "assumed, no source; a simulation, no measurement")
        folder.mkdir()
        for name, text in beside.items():
            (folder / name).write_text(text, encoding="utf-8")

    monkeypatch.setattr(maximum, "fit", lambda *_, **__: made.fitted if way == "interrupted" else stuck)
    monkeypatch.setattr(sample, "nuts", drawn)
    monkeypatch.setattr(
        everything, "coupled", lambda fitted, early, lags, dose: replace(made, fitted=fitted, early=early)
    )
    monkeypatch.setattr(coupling_folder, "write_coupling", write)
    method = "ml" if way == "ml" else "nuts"
    options = ["--method", method, *ONE_MODEL, "--out", str(tmp_path / "out"), "--quiet"]
    assert cli.main([*ASKED[:1], str(pair), *ASKED[1:], *options]) == (130 if way == "interrupted" else 1)
    said = capsys.readouterr().out
    assert ("THE FIT DID NOT CONVERGE" in said) == (way != "interrupted")
    assert {"ml": "it was stopped", "interrupted": "interrupted before the first draws", "nuts": "R-hat is 1.4"}[
        way
    ] in said
    assert ("early estimate" in said) == (way != "ml")
    assert (tmp_path / "out" / "asked.json").is_file()


def test_what_stops_a_fit_leaves_nothing(pair, tmp_path, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(maximum, "fit", stopped)
    asked = [*ASKED, "--out", str(tmp_path / "out"), "--quiet"]
    asked.insert(1, str(pair))
    assert cli.main(asked) == 130
    assert "interrupted" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_too_few_occasions_are_told_before_fitting(tmp_path, capsys):
    rows = [("a", float(day), "d", item, float((3 * day + place) % 4))
            for day in range(4) for place, item in enumerate("xy")]  # fmt: skip
    answers = pl.DataFrame(rows, schema=["person", "day", "form", "item", "value"], orient="row")
    study = Study.of({"answers": answers}).write(tmp_path / "few.study")
    assert cli.main(["couple", str(study), "--gut", "x", "--mind", "y", "--draft"]) == 0
    assert "cannot be told\n- 11 parameters are asked of 8 values" in capsys.readouterr().out
    asked = [study, "--gut", "x", "--mind", "y", "--out", tmp_path / "out", "--quiet"]
    assert "11 parameters are asked of 8 values" in failed(capsys, *asked)
    assert not (tmp_path / "out").exists()


def test_numpyro_is_asked_for_before_the_first_fit(pair, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "numpyro", None)
    said = failed(capsys, pair, *ASKED[1:], "--method", "nuts", "--out", tmp_path / "out", "--quiet")
    assert "gutbrain[couple]" in said
