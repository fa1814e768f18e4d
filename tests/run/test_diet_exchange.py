"""The diet exchange on a small made-up study: errors against plain forecasts, page and folder."""

from __future__ import annotations

import numpy as np
import pytest

from gutbrain import cli
from gutbrain.run.exchange import _errors, _without_self

GENERA = ["Bacteroides", "Ruminococcus", "Faecalibacterium", "Bifidobacterium", "Dialister", "Akkermansia",
          "Escherichia", "Bilophila", "Blautia"]  # fmt: skip


@pytest.fixture
def study(tmp_path):
    """Three people an arm at timepoints 2, 3 and 5."""
    folder = tmp_path / "study"
    folder.mkdir()
    generator = np.random.default_rng(1)
    middle = np.array([28, 24, 25, 6, 6, 2, 1, 4, 4]) * 100
    samples, rows = [], []
    for arm in ("AAM", "AFR"):
        for person in range(3):
            for time in (2, 3, 5):
                name = f"{arm}{person}t{time}"
                samples.append((name, generator.poisson(middle * np.exp(0.2 * generator.standard_normal(9)))))
                rows.append(f"{name}\t{arm}{person}\t{arm}\tHE\t{time}")
    head = "genus\t" + "\t".join(name for name, _ in samples)
    lines = ["\t".join([genus, *(str(counts[i]) for _, counts in samples)]) for i, genus in enumerate(GENERA)]
    (folder / "made_counts.tsv").write_text("\n".join([head, *lines]) + "\n")
    (folder / "made_metadata.tsv").write_text(
        "\n".join(["sample_id\tsubject\tnationality\tgroup\ttimepoint", *rows]) + "\n"
    )
    return folder


def test_the_mean_of_the_others_leaves_the_person_out():
    change = np.array([[1.0], [2.0], [6.0], [10.0]])
    arm = np.array(["a", "a", "a", "b"])
    assert _without_self(change, arm).ravel().tolist() == [4.0, 3.5, 1.5, 0.0]


def test_errors_of_a_known_forecast():
    shares = np.full((2, 9), 1 / 9)
    measured = np.full((2, 9), 1.0)
    table = _errors(np.array(["a", "a"]), measured, measured - 0.5, shares, shares, shares, measured * 0.1, ["a", "a"],
                    shares, shares)  # fmt: skip
    error = {row["forecast"]: row["error"] for row in table.iter_rows(named=True) if row["arm"] == "all"}
    assert error["this model"] == pytest.approx(0.5)
    assert error["nothing changes"] == pytest.approx(1.0)
    assert error["mean of the others in the arm"] == pytest.approx(0.0)
    assert error["natural change between two home samples"] == pytest.approx(0.1)


def test_the_command_writes_a_whole_folder(study, tmp_path, capsys):
    out = tmp_path / "out"
    code = cli.main(
        ["run", "dietswap", "--study", str(study), "--worlds", "2", "--out", str(out), "--quiet", "--debug"]
    )
    assert code == 0
    names = {entry.name for entry in out.iterdir()}
    assert {"report.html", "errors.parquet", "groups.parquet", "readings.parquet", "manifest.json", "figures"} <= names
    assert "nothing changes" in capsys.readouterr().out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Error against plain forecasts" in page
    assert "no advice" in page
