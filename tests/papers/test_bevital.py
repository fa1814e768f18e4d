"""Plasma tryptophan in a large cohort: nineteen of twenty lie inside the range (kynurenine is a miss)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("TRP-3, tryptophan")
def test_tryptophan_lies_in_its_range():
    assert 95 <= row("TRP-3, tryptophan").reached() <= 100
