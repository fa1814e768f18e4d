"""Vandeputte 2016, Prochazkova 2024: slow transit (directions that the model meets)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("CO-29, diversity")
def test_diversity_goes_with_slow_transit():
    assert row("CO-29, diversity").reached() > 0


@held("CO-31, acids")
def test_longer_passage_lowers_acids():
    assert row("CO-31, acids").reached() < 0
