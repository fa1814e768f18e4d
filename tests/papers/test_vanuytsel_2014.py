"""Vanuytsel 2014: public speech and CRH open the gut wall through mast cells, indomethacin without them."""

import pytest
from held import held

from benchmarks.figures import row


@held("BAR-1")
def test_public_speech_doubles_the_sugar_ratio():
    assert 1.5 <= row("BAR-1").reached() <= 2.4


@held("BAR-2")
def test_crh_infusion_raises_the_sugar_ratio_by_half():
    assert 1.2 <= row("BAR-2").reached() <= 1.8


@held("BAR-3, speech")
def test_a_stabiliser_abolishes_the_effect_of_speech():
    assert 0.95 <= row("BAR-3, speech").reached() <= 1.05


@held("BAR-3, CRH")
def test_a_stabiliser_abolishes_the_effect_of_crh():
    assert 0.95 <= row("BAR-3, CRH").reached() <= 1.05


@held("BAR-5")
def test_indomethacin_opens_the_wall_without_mast_cells():
    assert 2 <= row("BAR-5").reached() <= 2.7


@held("BAR-6")
@pytest.mark.calibration
def test_only_cortisol_responders_leak():
    assert row("BAR-6").reached() > 1


@held("BAR-7")
def test_an_event_without_cortisol_response_changes_nothing():
    assert 0.99 <= row("BAR-7").reached() <= 1.01
