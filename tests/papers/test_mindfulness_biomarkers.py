"""Int J Mol Sci 2023 24:4445: mindfulness and inflammation. Met under chronic stress only; see the known misses."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("MIN-8, under stress")
def test_interleukin_6_under_stress():
    assert -0.23 <= row("MIN-8, under stress").reached() <= 0
