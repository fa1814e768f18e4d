"""Santos 2000 (rat): water avoidance opens the colon through mast cells, for days; stress of both kinds synergises."""

from benchmarks.figures import row


def test_daily_stress_opens_the_wall():
    assert row("BAR-11, leak").reached() > 0


def test_not_without_mast_cells():
    assert -0.01 <= row("BAR-11, mast cells").reached() <= 0.01


def test_still_three_days_later():
    assert row("BAR-11, later").reached() > 0


def test_acute_on_sustained_stress_is_more_than_their_sum():
    assert row("BAR-12").reached() > 0
