"""Kirschbaum 1993, Dickerson and Kemeny 2004: salivary cortisol in a social stress test, time and sign.

The standardised size of Gu 2022 is a known miss.
"""

from held import held

from benchmarks.figures import row


@held("HPA, stress time")
def test_salivary_cortisol_peaks_after_half_an_hour():
    assert 30 <= row("HPA, stress time").reached() <= 45


@held("HPA, stress rise")
def test_salivary_cortisol_rises():
    assert row("HPA, stress rise").reached() > 1
