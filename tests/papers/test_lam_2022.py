"""Lam 2022: drop-out of mindfulness courses and of their controls (by construction)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("MIN-5, course")
def test_course():
    assert 14.1 <= row("MIN-5, course").reached() <= 24.1


@held("MIN-5, control")
def test_control():
    assert 13.6 <= row("MIN-5, control").reached() <= 23.6
