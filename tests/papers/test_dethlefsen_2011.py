"""Dethlefsen and Relman 2011: diversity under and after an antibiotic."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("CO-10, onset")
def test_diversity_falls_within_days():
    assert row("CO-10, onset").reached() < -5


@held("CO-10, later")
def test_diversity_is_not_back_two_weeks_after():
    assert row("CO-10, later").reached() < -2
