"""Erridge 2007: a fat meal raises plasma lipopolysaccharide by half."""

from held import held

from benchmarks.figures import row


@held("BAR-4")
def test_fat_meal_raises_lipopolysaccharide():
    assert 1.3 <= row("BAR-4").reached() <= 1.7
