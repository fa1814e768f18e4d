"""Wuest 2000: the awakening response (size; its time is a known miss)."""

from held import held

from benchmarks.figures import row


@held("HPA, awakening")
def test_awakening_raises_salivary_cortisol_by_half():
    assert 40 <= row("HPA, awakening").reached() <= 60


@held("HPA, early saliva")
def test_early_salivary_cortisol_of_young_men():
    assert 12.65 <= row("HPA, early saliva").reached() <= 28.13
