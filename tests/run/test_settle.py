"""Settling: small residual, a rest that stays, a loop gain below 1 and an axis that comes back."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from gutbrain.body.colon import Colon
from gutbrain.body.digestion import Digestion
from gutbrain.body.enteric import Enteric
from gutbrain.body.whole import LOOP_GAIN_LIMIT, mucosal_loop_gain
from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.model.stability import growth, loop_gain
from gutbrain.people.cohort import Cohort
from gutbrain.run.drive import Drive, Run
from gutbrain.run.fixed import integrate, settled_signals
from gutbrain.run.relax import BOLD, relax
from gutbrain.run.rest import Rest
from gutbrain.run.settle import settle


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


def test_a_compartment_pushed_from_rest_is_solved_back(whole, reference):
    rest = Rest(whole, reference.start, reference.parameters)
    own = rest.own("colon")
    rows = own[own < len(whole.rows)]
    rest.rows[rows] *= np.exp(0.3 * np.random.default_rng(2).normal(size=(len(rows), 1)))
    assert rest.solve("colon", np.arange(1)).size == 0
    np.testing.assert_allclose(rest.states, reference.start, rtol=1e-7, atol=1e-9)


def test_people_at_rest_are_read_as_the_engines_read_them(unsettled):
    """Plain arrays with balanced unknowns, some people of them, against the numeric reading, which solves its own."""
    axis = Axis(Digestion(), Colon(), Enteric(), name="colon")
    parameters = {name: value for name, value in unsettled.parameters.items() if name in axis.parameters}
    y = np.repeat(1.1 * axis.start(axis.defaults()), 4, axis=1)
    rest = Rest(axis, y, parameters)
    rest.balance(np.arange(4))
    some, labels = np.array([3, 0]), ("colon.butyrate", "colon.proteolysis", "enteric.colonic_transit_hours")

    @jax.jit
    def engine(y):
        reading = axis.read(y, axis.coherent(parameters), {})
        return reading.vector(), reading.outputs(labels)

    rates, signals = (np.asarray(value)[:, some] for value in engine(y))
    found = rest.read(some).vector()
    np.testing.assert_allclose(found[: len(rates)], rates, rtol=1e-9, atol=1e-11)
    assert np.abs(found[len(rates) :]).max() < 1e-11
    np.testing.assert_allclose(rest.signals(labels, some), signals, rtol=1e-9)


def test_another_engine_closes_the_rhythm_if_given(unsettled, few):
    asked = []

    def standing(axis, start, parameters, drive, *, days, labels, **_):
        asked.append(days)
        shape = days, len(labels), start.shape[1]
        return Run(labels, *np.ones((3, *shape), np.float32), start, np.array([-1, -1, -1, 0]), np.zeros(4, int))

    settled = settle(unsettled, labels=few, days=2, integrate=standing)
    assert asked == [2, 1]
    np.testing.assert_array_equal(settled.residual, [0, 0, 0, np.inf])


def test_relax_finds_the_steady_state_of_a_stiff_system():
    def slope(u, _):
        return np.stack([1000 * (1 - u[0]), 0.02 * (u[0] - u[1])])

    found, left = relax(slope, np.zeros((2, 3)))
    np.testing.assert_allclose(found, 1.0, atol=1e-6)
    assert left.max() < 1e-11


def test_relax_takes_care_of_those_whom_bold_steps_throw_about():
    """Newton's method jumps from side to side of a steep bend; the second person begins in the straight part."""
    bend = np.array([50.0, 0.5])

    def slope(u, who):
        return -np.arctan(bend[who] * u)

    start = np.full((1, 2), 0.5)
    boldly, left = relax(slope, start, paces=(BOLD,))
    assert left[0] > 1 and left[1] < 1e-11
    found, left = relax(slope, start)
    assert left.max() < 1e-11 and np.abs(found).max() < 1e-10
    assert found[0, 1] == boldly[0, 1]


def test_relax_says_who_has_no_steady_state():
    found, left = relax(lambda u, who: np.where(who == 1, 1.0, -u), np.zeros((1, 3)) + 0.1)
    assert left[1] == 1 and np.abs(found[0, [0, 2]]).max() < 1e-10


def test_relax_solves_what_has_no_inertia_together_with_what_has():
    """A balance whose own slope leads away from it is met all the same."""

    def slope(u, _):
        return np.stack([u[1] - 2 * u[0], u[1] - 1])

    found, _ = relax(slope, np.zeros((2, 1)), np.array([True, False]))
    np.testing.assert_allclose(found[:, 0], [0.5, 1.0])
