"""So 2018: fibre trials (Bifidobacterium is a known miss)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("CO-23, butyrate")
def test_butyrate():
    assert 0 <= row("CO-23, butyrate").reached() <= 0.47


@held("CO-23, Lactobacillus")
def test_lactobacillus():
    assert 0.03 <= row("CO-23, Lactobacillus").reached() <= 0.41
