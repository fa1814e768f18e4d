"""Santos 2000 (rat): water avoidance opens the colon through mast cells, for days; stress of both kinds synergises."""

from held import held

from benchmarks.figures import row


@held("BAR-11, leak")
def test_daily_stress_opens_the_wall():
    assert row("BAR-11, leak").reached() > 0


@held("BAR-11, mast cells")
def test_not_without_mast_cells():
    assert -0.01 <= row("BAR-11, mast cells").reached() <= 0.01


@held("BAR-11, later")
def test_still_three_days_later():
    assert row("BAR-11, later").reached() > 0


@held("BAR-12")
def test_acute_on_sustained_stress_is_more_than_their_sum():
    assert row("BAR-12").reached() > 0
