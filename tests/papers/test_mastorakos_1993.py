"""Interleukin-6 as a drug: Steensberg 2003 (an infusion) and Mastorakos 1993 (daily for a week).

Level and hours of the daily doses are assumed.

The blunting of ACTH has the right sign and a fraction of the measured size.
"""

from held import held

from benchmarks.figures import row


@held("HPA, interleukin-6 infusion")
def test_an_infusion_raises_cortisol():
    assert row("HPA, interleukin-6 infusion").reached() > 1.05


@held("HPA, daily interleukin-6, ACTH")
def test_acth_response_is_blunted_after_a_week():
    assert 0 <= row("HPA, daily interleukin-6, ACTH").reached() <= 1


@held("HPA, daily interleukin-6, cortisol")
def test_cortisol_response_is_not():
    assert 0.8 <= row("HPA, daily interleukin-6, cortisol").reached() <= 1.2
