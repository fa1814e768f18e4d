"""Lally 2010: days until a habit is formed (by construction)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("MIN-6, median")
def test_median():
    assert 60 <= row("MIN-6, median").reached() <= 72


@held("MIN-6, fast")
def test_fastest():
    assert 12 <= row("MIN-6, fast").reached() <= 27


@held("MIN-6, slow")
def test_slowest():
    assert 180 <= row("MIN-6, slow").reached() <= 360
