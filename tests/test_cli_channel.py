"""The command `gutbrain channel`: what it refuses, and that it refuses before anything is computed."""

from __future__ import annotations

import pytest

from gutbrain import cli
from gutbrain.run import channel_people


@pytest.fixture(autouse=True)
def nothing_is_computed(monkeypatch):
    def never(*_, **__):
        raise AssertionError("computed before it was refused")

    monkeypatch.setattr(channel_people, "settle", never)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--down", "protocol.chronic_load"], "is no pair"),
        (["--down", "protocol.cronic_load -> blood.il6"], "did you mean 'protocol.chronic_load'"),
        (["--up", "colon.butyrate -> mind.mood"], "no signal 'mind.mood'"),
        (["--axis", "standart"], "did you mean 'standard'"),
        (["--weeks", "0"], "--weeks must be"),
        (["--weeks", "nan"], "--weeks must be"),
        (["--worlds", "3"], "at least 10"),
        (["--open", "affect.scfa_gain"], "--worlds 20"),
        (["--worlds", "10", "--open", "affect.scfa_gian"], "did you mean 'affect.scfa_gain'"),
        (["--worlds", "10", "--open", "affect.pain_gain"], "is not closed"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_wrong_options_are_told_in_one_line(arguments, says, capsys):
    assert cli.main(["channel", "--quiet", *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("gutbrain: ") == 1
    assert "Traceback" not in said


def test_a_folder_that_exists_is_kept(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("keep")
    for more in ([], ["--force"]):
        assert cli.main(["channel", "--quiet", "--out", str(tmp_path / "mine"), *more]) == 2
    assert "manifest" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note.txt"]
