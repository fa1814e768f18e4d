"""Mood under immune activation.

Grigoleit 2011: lower with more interleukin-6. PMID 37797587: back to normal while CRP is raised.
"""

from held import held

from benchmarks.figures import row


@held("IMM, MIN-7")
def test_interleukin_6_lowers_mood():
    assert row("IMM, MIN-7").reached() > 0


@held("MIN-13")
def test_mood_is_back_while_crp_is_raised():
    assert row("MIN-13").reached() > 0.5


@held("IMM, CRP peak")
def test_crp_peaks_a_day_after():
    assert 18 <= row("IMM, CRP peak").reached() <= 36
