"""The account of misses names every row, and says of each what the model now reaches."""

from pathlib import Path

import pytest

from benchmarks.figures import ROWS

TEXT = (Path(__file__).parents[2] / "docs" / "known_misses.md").read_text(encoding="utf-8")
MISSED, MET = (part.split("\n## ")[0] for part in TEXT.split("## Missed")[1].split("## Met"))


@pytest.mark.parametrize("found", ROWS, ids=lambda found: found.id)
def test_every_row_is_accounted_for_once(found):
    assert (f"| {found.id} |" in MISSED) != (f"| {found.id} |" in MET)


@pytest.mark.calibration
@pytest.mark.parametrize("found", ROWS, ids=lambda found: found.id)
def test_what_is_written_is_what_is_reached(found):
    lines = (MET if found.met else MISSED).splitlines()
    line = next(line for line in lines if line.startswith(f"| {found.id} |"))
    assert found.reached() == pytest.approx(float(line.split(" | ")[4]), rel=0.05, abs=0.002)
