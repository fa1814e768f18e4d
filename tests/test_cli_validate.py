"""What a newcomer types wrong with validate and calibrate is answered before minutes are spent."""

from __future__ import annotations

import pytest

from gutbrain.cli import main


@pytest.mark.parametrize("arguments, said", [
    (["validate", "sleeep"], "nothing that is simulated is called 'sleeep'"),
    (["validate", "--seed", "-1"], "--seed must be 0 or more"),
    (["validate", "barrier", "--worlds", "1"], "cannot fill a trial"),
    (["validate", "barrier", "--worlds", "0"], "0 worlds of 40 people cannot fill a trial"),
    (["validate", "barrier", "--out", "/dev/null/here"], "which is a file"),
    (["validate", "--posterior", "nowhere"], "no posterior can be read"),
    (["calibrate", "--seed", "-2"], "--seed must be 0 or more"),
    (["calibrate", "--worlds", "2"], "too few"),
])  # fmt: skip
def test_wrong_options_are_named(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--quiet"]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["validate", "calibrate"])
def test_a_folder_that_exists_is_kept(command, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    assert main([command, "--out", str(tmp_path / "mine"), "--quiet"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([command, "--out", str(tmp_path / "mine"), "--force", "--quiet"]) == 2
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_a_draft_says_what_would_be_fitted_to_what(capsys):
    assert main(["calibrate", "--draft"]) == 0
    said = capsys.readouterr().out
    assert "marked predict are not touched" in said and "MIN-8" in said and "beliefs are free" in said


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_damaged_posterior_is_refused_in_words(content, tmp_path, capsys):
    (tmp_path / "posterior.json").write_text('{"names": []}')
    (tmp_path / "posterior.npz").write_bytes(content)
    assert main(["validate", "--posterior", str(tmp_path), "--out", str(tmp_path / "new"), "--quiet"]) == 2
    assert "no posterior can be read here" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
