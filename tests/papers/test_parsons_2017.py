"""Parsons 2017: home practice and what it brings (minutes are a known miss, by a hair)."""

import pytest

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


def test_practice_goes_with_outcome():
    assert 0.19 <= row("MIN-3, r").reached() <= 0.34


def test_days_a_week():
    assert 5.5 <= row("MIN-3, days").reached() <= 6.5
