"""Settling: small residual, a rest that stays, a loop gain below 1 and an axis that comes back."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.body.whole import LOOP_GAIN_LIMIT, mucosal_loop_gain
from gutbrain.errors import InputError
from gutbrain.model.stability import growth, loop_gain
from gutbrain.people.cohort import Cohort
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate, settled_signals
from gutbrain.run.settle import block_rows, relax, solve_block


def test_residual_is_small_and_everything_settled_is_written(reference, drawn):
    assert reference.residual.max() < 1e-9
    assert drawn.residual.max() < 1e-9
    water = drawn.start[drawn.axis.rows.index("colon.water")]
    butyrate = drawn.start[drawn.axis.rows.index("colon.butyrate_mass")] / water * 1000
    for name in ("barrier.butyrate_rest", "immune.butyrate_rest", "vagus.butyrate_rest"):
        np.testing.assert_allclose(drawn.parameters[name], butyrate, rtol=1e-9)
    low, high = (bound[:, None] for bound in drawn.axis.bounds)
    assert np.all((drawn.start >= low) & (drawn.start <= high))


def test_drawn_people_rest_for_thirty_days(drawn, few):
    """Largest change at the same clock time over the rest value; the prototype reached 1.4e-4."""
    axis = drawn.axis
    labels = tuple(dict.fromkeys((*few, *settled_signals(axis))))
    run = integrate(axis, drawn.start, drawn.parameters, Drive.rest(4, 30, 96), days=30, labels=labels)
    low, high = axis.bounds
    scale = np.maximum(np.abs(drawn.start), 1e-3 * (high - low)[:, None])
    assert np.all(run.lost_day < 0)
    assert (np.abs(run.end - drawn.start) / scale).max() < 1e-9


@pytest.mark.parametrize("push", [0.01, -0.01])
def test_small_pushes_die_out_on_both_sides_of_the_kink(reference, drawn, push):
    """Slowest multiplier of a day, as a rate: -0.010 per day, skill and breathing training."""
    for cohort in (reference, drawn):
        for column in range(cohort.size):
            one = cohort.select(np.array([column]), 1, 1)
            rate = growth(cohort.axis, one.parameters, one.start[:, 0], {"immune.mucosal_activity": push})
            assert -0.0105 < rate < -0.009


def test_a_loop_gain_above_one_loses_rest(whole, reference):
    """Both inflammation gains times 3.5 give a gain of 1.16: a push upwards grows, one downwards dies."""
    own = dict(reference.parameters)
    for name in ("barrier.inflammation_permeability_gain", "barrier.inflammation_damage_rate"):
        own[name] = 3.5 * own[name]
    assert mucosal_loop_gain(own)[0] == pytest.approx(1.16, abs=0.01)
    start = reference.start[:, 0]
    assert growth(whole, own, start, {"immune.mucosal_activity": 0.01}) > 0
    assert growth(whole, own, start, {"immune.mucosal_activity": -0.01}) < 0


def test_mucosal_loop_gain_of_the_defaults(whole):
    assert mucosal_loop_gain(whole.defaults())[0] == pytest.approx(0.3326, abs=1e-4)
    assert loop_gain(whole)[0] == pytest.approx(0.3326, abs=1e-4)


def test_draws_above_the_limit_are_rejected_and_counted(whole):
    cohort = Cohort.draw(whole, people=1, worlds=150, seed=3)
    gains = mucosal_loop_gain(cohort.parameters)
    count = cohort.rejected["mucosal loop gain"]
    assert gains.max() <= LOOP_GAIN_LIMIT
    # 11.5 % of the prototype's draws were rejected.
    assert 0.05 < count / (count + 150) < 0.2


def test_a_limit_that_no_draw_meets_is_named(whole):
    with pytest.raises(InputError, match="mucosal loop gain"):
        Cohort.draw(whole, people=1, worlds=2, fixed={"barrier.inflammation_permeability_gain": 60.0})


def test_a_block_pushed_from_rest_is_solved_back(whole, reference):
    pushed = reference.start.copy()
    rows = block_rows(whole, "colon")
    pushed[rows] *= np.exp(0.3 * np.random.default_rng(2).normal(size=(len(rows), 1)))
    back = solve_block(whole, "colon", pushed, reference.parameters)
    np.testing.assert_allclose(back, reference.start, rtol=1e-7, atol=1e-9)


def test_relax_finds_the_steady_state_of_a_stiff_system():
    def slope(u):
        return jnp.stack([1000 * (1 - u[0]), 0.02 * (u[0] - u[1])])

    np.testing.assert_allclose(np.asarray(relax(slope, np.zeros((2, 3)))), 1.0, atol=1e-6)
