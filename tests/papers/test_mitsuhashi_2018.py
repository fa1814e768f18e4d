"""Mitsuhashi 2018: the range of normal bowel habit (residuals of form and frequency are assumed)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("ENT-3, frequency")
def test_frequency():
    assert 90.9 <= row("ENT-3, frequency").reached() <= 100


@held("ENT-3, form")
def test_form():
    assert 85 <= row("ENT-3, form").reached() <= 95
