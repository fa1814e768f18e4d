"""C-reactive protein of healthy donors (by construction)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("IMM, CRP median")
def test_median():
    assert 0.435 <= row("IMM, CRP median").reached() <= 1


@held("IMM, CRP 90th")
def test_ninetieth_percentile():
    assert 2.25 <= row("IMM, CRP 90th").reached() <= 3.75


@held("IMM, CRP 99th")
def test_ninety_ninth_percentile():
    assert 7.5 <= row("IMM, CRP 99th").reached() <= 12.5
