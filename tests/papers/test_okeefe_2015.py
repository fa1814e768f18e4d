"""O'Keefe 2015: a diet exchange of two weeks (directions that the model meets)."""

import pytest
from held import held

from benchmarks.figures import row

pytestmark = pytest.mark.calibration


@held("CO-27, butyrate up")
def test_fibre_raises_butyrate():
    assert row("CO-27, butyrate up").reached() > 0


@held("CO-27, butyrate down")
def test_little_fibre_lowers_butyrate():
    assert row("CO-27, butyrate down").reached() < 0


@held("CO-27, bile acids up")
def test_little_fibre_raises_secondary_bile_acids():
    assert row("CO-27, bile acids up").reached() > 0


@held("CO-28, Akkermansia")
def test_fibre_feeds_akkermansia():
    assert row("CO-28, Akkermansia").reached() > 0


@held("CO-28, protein fermenters")
def test_little_fibre_feeds_protein_fermenters():
    assert row("CO-28, protein fermenters").reached() > 0
