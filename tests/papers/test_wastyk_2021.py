"""Wastyk 2021: fermented food raises diversity, fibre changes no marker on average."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("CO-25, diversity")
def test_fermented_food_raises_diversity():
    assert row("CO-25, diversity").reached() > 0


@held("CO-25, IL-6")
def test_fermented_food_lowers_interleukin_6():
    assert row("CO-25, IL-6").reached() < 0


@held("CO-26")
def test_fibre_changes_no_marker_on_average():
    assert -0.2 <= row("CO-26").reached() <= 0.2
