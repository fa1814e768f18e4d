"""Schreiber 1993, endotoxin 0.4 ng/kg: hormones under the imposed course of interleukin-6 (fitted)."""

from held import held

from benchmarks.figures import row


@held("HPA, endotoxin ACTH")
def test_acth_at_its_peak():
    assert 165 <= row("HPA, endotoxin ACTH").reached() <= 323


@held("HPA, endotoxin ACTH time")
def test_time_of_the_acth_peak():
    assert 100 <= row("HPA, endotoxin ACTH time").reached() <= 180


@held("HPA, endotoxin cortisol")
def test_cortisol_at_its_peak():
    assert 202 <= row("HPA, endotoxin cortisol").reached() <= 354


@held("HPA, endotoxin cortisol time")
def test_time_of_the_cortisol_peak():
    assert 62 <= row("HPA, endotoxin cortisol time").reached() <= 164
