"""Irwin 2016: short nights and inflammation, sleep after a course (nothing established)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("SLP, IL-6")
def test_five_half_nights_leave_interleukin_6():
    assert -0.1 <= row("SLP, IL-6").reached() <= 0.2


@held("SLP, mindfulness")
def test_course_hardly_changes_sleep():
    assert -0.1 <= row("SLP, mindfulness").reached() <= 0.1
