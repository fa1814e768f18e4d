"""de Vries 2016: added fibre speeds slow transit only (by construction)."""

from held import held

from benchmarks.figures import row


@held("ENT-7, fast")
def test_no_effect_on_ordinary_transit():
    assert -0.02 <= row("ENT-7, fast").reached() <= 0.02


@held("ENT-7, slow")
def test_half_an_hour_for_each_gram_on_slow_transit():
    assert -0.55 <= row("ENT-7, slow").reached() <= -0.45
