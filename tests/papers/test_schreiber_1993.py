"""Schreiber 1993, endotoxin 0.4 ng/kg: hormones under the imposed course of interleukin-6 (fitted)."""

from benchmarks.figures import row


def test_acth_at_its_peak():
    assert 165 <= row("HPA, endotoxin ACTH").reached() <= 323


def test_time_of_the_acth_peak():
    assert 100 <= row("HPA, endotoxin ACTH time").reached() <= 180


def test_cortisol_at_its_peak():
    assert 202 <= row("HPA, endotoxin cortisol").reached() <= 354


def test_time_of_the_cortisol_peak():
    assert 62 <= row("HPA, endotoxin cortisol time").reached() <= 164
