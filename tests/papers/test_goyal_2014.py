"""Goyal 2014: a mindfulness course against an active control, in a virtual trial with drop-out."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("MIN-1, anxiety, 8 weeks")
def test_anxiety_after_eight_weeks():
    assert 0.12 <= row("MIN-1, anxiety, 8 weeks").reached() <= 0.64


@held("MIN-1, anxiety, later")
def test_anxiety_months_later():
    assert 0.02 <= row("MIN-1, anxiety, later").reached() <= 0.43


@held("MIN-1, depression, 8 weeks")
def test_depression_after_eight_weeks():
    assert 0 <= row("MIN-1, depression, 8 weeks").reached() <= 0.59


@held("MIN-1, depression, later")
def test_depression_months_later():
    assert 0.05 <= row("MIN-1, depression, later").reached() <= 0.42
