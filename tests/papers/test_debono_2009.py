"""Debono 2009: highest and lowest cortisol of the day lie in the reference range (times are a known miss)."""

from held import held

from benchmarks.figures import row


@held("HPA, peak")
def test_highest_cortisol():
    assert 11.7 <= row("HPA, peak").reached() <= 20.6


@held("HPA, lowest")
def test_lowest_cortisol():
    assert 1.5 <= row("HPA, lowest").reached() <= 2.5


@held("HPA, mean")
def test_mean_of_the_day():
    assert 5.2 <= row("HPA, mean").reached() <= 6
