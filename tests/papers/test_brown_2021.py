"""Brown 2021: no established effect of mindfulness on resting vagal variability; the edge is closed."""

from held import held

from benchmarks.figures import row


@held("VAG, mindfulness")
def test_course_leaves_vagal_tone():
    assert -0.02 <= row("VAG, mindfulness").reached() <= 0.39


@held("VAG, breathing")
def test_weeks_of_slow_breathing_raise_it_a_little():
    assert row("VAG, breathing").reached() > 0
