import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from gutbrain.model.spread import LogNormal, Normal, Uniform

centres = some.floats(0.01, 1e3)
draws = some.floats(-6, 6)


@given(centres, draws, some.floats(1.01, 5))
def test_lognormal_multiplies_by_the_geometric_deviation(centre, draw, factor):
    assert LogNormal.gsd(factor).around(centre, draw) == pytest.approx(centre * factor**draw)


@given(centres, some.floats(0.05, 1.5))
def test_coefficient_of_variation_is_that_of_the_distribution(centre, share):
    log_sd = LogNormal.cv(share).log_sd
    assert np.sqrt(np.exp(log_sd**2) - 1) == pytest.approx(share)


@given(centres, draws, some.floats(0.01, 10))
def test_normal_adds(centre, draw, sd):
    assert Normal(sd=sd).around(centre, draw) == pytest.approx(centre + sd * draw)


@given(draws, some.floats(-5, 5), some.floats(0.1, 5))
def test_uniform_stays_inside_and_keeps_the_order_of_draws(draw, low, width):
    spread = Uniform(low, low + width)
    value = spread.around(0.0, draw)
    assert low <= value <= low + width
    assert spread.around(0.0, draw + 1) >= value
    assert spread.around(0.0, 0.0) == pytest.approx(low + width / 2)


@given(centres, some.lists(draws, min_size=1, max_size=20), some.floats(0.5, 2), some.floats(2.1, 50))
def test_cuts_hold_and_no_draw_is_lost(centre, many, low, high):
    values = LogNormal.gsd(3, low=low, high=high).around(centre, np.array(many))
    assert values.shape == (len(many),)
    assert np.all((values >= low) & (values <= high))


@given(draws)
def test_grid_rounds(draw):
    value = float(Normal(sd=3, grid=0.5).around(10, draw))
    assert value * 2 == pytest.approx(round(value * 2))


def test_typical_is_one_standard_deviation():
    assert Normal(sd=68).typical(134) == pytest.approx(68)
    assert LogNormal(log_sd=0.1).typical(50) == pytest.approx(5, rel=0.01)


def test_a_size_for_each_entry_of_a_vector():
    spread = Normal(sd=(1.0, 2.0))
    values = spread.around(np.zeros((2, 1)), np.ones((2, 3)))
    assert values.tolist() == [[1, 1, 1], [2, 2, 2]]
    ends = Uniform(low=(0.0, 1.0), high=(1.0, 3.0))
    assert ends.around(np.zeros((2, 1)), np.zeros((2, 1))).tolist() == [[0.5], [2.0]]


def test_uniform_without_ends_is_refused():
    with pytest.raises(ValueError, match="needs low and high"):
        Uniform().around(1.0, 0.0)
