"""Parsons 2017: home practice and what it brings (minutes are a known miss, by a hair)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("MIN-3, r")
def test_practice_goes_with_outcome():
    assert 0.19 <= row("MIN-3, r").reached() <= 0.34


@held("MIN-3, days")
def test_days_a_week():
    assert 5.5 <= row("MIN-3, days").reached() <= 6.5
