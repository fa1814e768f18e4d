"""Houghton 2003: plasma serotonin after a meal (by construction)."""

from held import held

from benchmarks.figures import row


@held("TRP-1")
def test_meal_raises_plasma_serotonin():
    assert 87.3 <= row("TRP-1").reached() <= 88.3
