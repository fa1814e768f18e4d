"""The command line: every wrong input gives one message and exit code 2, and nothing is written."""

from __future__ import annotations

import json

import pytest

from gutbrain import cli, job
from gutbrain.errors import InputError

COUNTS = "genus\tstool\nBacteroides\t2400\nFaecalibacterium\t1500\nRuminococcus\t1800\nBifidobacterium\t500\n" \
    "Akkermansia\t120\nEscherichia\t30\nDialister\t300\nBlautia\t350\nBilophila\t60\nMystery\t40\n"  # fmt: skip
SMALL = """
title = "small"
days = 4
visits = [0, 3]
course_days = 3
[people]
per_arm = 1
worlds = 2
baseline = "{baseline}"
twins = true
[report]
comparator = "nothing"
explain = false
[[arm]]
name = "nothing"
[[arm]]
name = "fibre"
acts = [{{ use = "fibre", grams = 20 }}]
"""


def failed(capsys, *arguments: str) -> str:
    assert cli.main(list(arguments)) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.out == ""
    return said.err


def plan_file(tmp_path, text: str) -> str:
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("days = 4", "dayz = 4"), "did you mean 'days'"),
        (("worlds = 2", "worldz = 2"), "did you mean 'worlds'"),
        (("worlds = 2", "worlds = 0"), "people.worlds"),
        (('use = "fibre"', 'use = "fiber"'), "did you mean 'fibre'"),
        (("grams = 20", "gram = 20"), "did you mean 'grams'"),
        (("grams = 20", 'grams = "20 g"'), "must be a number"),
        (("grams = 20", "grams = 900"), "outside"),
        (
            ('use = "fibre", grams = 20', 'lever = "protocol.fibre_extr", dose = 3'),
            "did you mean 'protocol.fibre_extra'",
        ),
        (('use = "fibre", grams = 20', 'lever = "blood.il6", dose = 3'), "no protocol can move it"),
        (("visits = [0, 3]", "visits = [0, 30]"), "not within"),
        (('comparator = "nothing"', 'comparator = "nothin"'), "did you mean 'nothing'"),
        (('comparator = "nothing"', 'primary = "blood.il-6"'), "did you mean 'blood.il6'"),
        (("days = 4", "days = "), "not TOML"),
    ],
)
def test_a_wrong_plan_is_refused(tmp_path, capsys, change, says):
    path = plan_file(tmp_path, SMALL.format(baseline="none").replace(*change))
    assert says in failed(capsys, "run", path, "--out", str(tmp_path / "out"), "--quiet")
    assert not (tmp_path / "out").exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["plan.toml"]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (COUNTS.replace("1500", "-3"), "Faecalibacterium"),
        (COUNTS.replace("1500", "many"), "many"),
        ("", "empty"),
        (
            COUNTS.replace("genus\tstool", "genus\tstool\tstool").replace("00\n", "00\t1\n").replace("0\n", "0\t1\n"),
            "stool",
        ),
        ("genus\tstool\nMystery\t3\nUnheard\t4\n", "Mystery"),
    ],
)
def test_wrong_counts_are_refused(tmp_path, capsys, counts, says):
    table = tmp_path / "counts.tsv"
    table.write_text(counts, encoding="utf-8")
    path = plan_file(tmp_path, SMALL.format(baseline="none"))
    assert says in failed(capsys, "run", path, "--baseline", str(table), "--out", str(tmp_path / "out"), "--quiet")
    assert not (tmp_path / "out").exists()


def test_a_study_without_counts_is_refused(tmp_path, capsys):
    (tmp_path / "study").mkdir()
    said = failed(
        capsys, "run", "dietswap", "--study", str(tmp_path / "study"), "--out", str(tmp_path / "o"), "--quiet"
    )
    assert "holds no *_counts.tsv" in said
    assert "--study" in failed(capsys, "run", "dietswap", "--out", str(tmp_path / "o"))


def test_an_existing_folder_is_kept(tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    path = plan_file(tmp_path, SMALL.format(baseline="none"))
    assert "exists already" in failed(capsys, "run", path, "--out", str(out))
    assert "not a run folder" in failed(capsys, "run", path, "--out", str(out), "--force")
    assert (out / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_stops_a_run_leaves_nothing(tmp_path, capsys, monkeypatch, stop):
    def stopped(*_, **__):
        raise stop

    monkeypatch.setattr(job, "_cohort", stopped)
    path = plan_file(tmp_path, SMALL.format(baseline="none"))
    code = cli.main(["run", path, "--out", str(tmp_path / "out"), "--quiet"])
    said = capsys.readouterr().err
    assert (
        (code, "interrupted" in said) == (130, True) if stop is KeyboardInterrupt else (code == 2 and "space" in said)
    )
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["plan.toml"]


def test_debug_shows_the_place(tmp_path):
    with pytest.raises(InputError, match="neither a file nor built in"):
        cli.main(["run", "mbrs", "--debug"])


def test_a_small_run_is_whole_and_repeats(tmp_path, capsys):
    table = tmp_path / "counts.tsv"
    table.write_text(COUNTS, encoding="utf-8")
    path = plan_file(tmp_path, SMALL.format(baseline=table))
    sums = []
    for name in ("one", "two"):
        assert cli.main(["run", path, "--out", str(tmp_path / name), "--quiet", "--debug"]) == 0
        assert {"report.html", "readings.parquet", "manifest.json", "figures", "plan.toml"} <= {
            entry.name for entry in (tmp_path / name).iterdir()
        }
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())
        sums.append(manifest["sha256"]["readings.parquet"])
        assert manifest["baselines_not_reached"] == []
        assert manifest["largest_residual"] < 1e-6
    assert sums[0] == sums[1]
    assert "Mystery" in (tmp_path / "one" / "report.html").read_text(encoding="utf-8")
    assert "report.html" in capsys.readouterr().out


@pytest.mark.parametrize("what", [view for view in cli.VIEWS if view not in ("plan", "equations", "graph")])
def test_every_view_prints(capsys, what):
    assert cli.main(["show", what]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_a_shown_plan_can_be_read_back(tmp_path, capsys):
    from gutbrain.plan import read_plan

    assert cli.main(["show", "plan", "mbsr"]) == 0
    path = plan_file(tmp_path, capsys.readouterr().out)
    assert read_plan(path).text() == read_plan("mbsr").text()
    assert "nothing was written" in failed(capsys, "show", "plan", "mbsr", "--out", path)
