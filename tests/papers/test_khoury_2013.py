"""Khoury 2013: the ladder of comparators, in steps (its top, the wait list, is a known miss)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("MIN-2, spacing")
def test_steps_between_comparators():
    assert 0 <= row("MIN-2, spacing").reached() <= 0.05
