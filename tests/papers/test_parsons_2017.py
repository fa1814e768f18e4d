"""Parsons 2017: home practice and what it brings."""

import pytest

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


def test_minutes_of_those_still_in_the_course():
    assert 60 <= row("MIN-3, minutes").reached() <= 69


def test_practice_goes_with_outcome():
    assert 0.19 <= row("MIN-3, r").reached() <= 0.34


def test_days_a_week():
    assert 5.5 <= row("MIN-3, days").reached() <= 6.5
