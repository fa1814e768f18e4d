"""Hoge 2023: a course may equal an active drug; here, another active treatment."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("MIN-15")
def test_difference_lies_in_the_interval():
    assert -0.38 <= row("MIN-15").reached() <= 0.23
