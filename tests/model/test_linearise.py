"""An axis as a linear system: exact matrices of small axes, and the coupling that a few of its signals show."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, ModelError, Param, State, events, noise, output, rate
from gutbrain.model.linear import Linear, linear_systems, reduced
from gutbrain.model.maths import maximum, sin
from gutbrain.model.stability import jacobians

ASSUMED = {"source": "assumed", "grade": "assumed"}


class Bowel(Compartment):
    """A linear gut that stress empties."""

    content = State("mmol", start=4.0, low=0, high=40, about="what it holds")
    eaten = Input("mmol/day", rest=8, signal="diet.eaten", low=0, high=40)
    stress = Input("1", rest=1, signal="head.stress")
    time = Param(12, "hour", **ASSUMED)
    emptied = Param(0.5, "mmol/day", **ASSUMED)
    swing = Param(0.3, "mmol", **ASSUMED)
    day = Param(1, "day", **ASSUMED)

    @rate("content")
    def fill(self):
        """It fills and empties."""
        return self.eaten - self.content / self.time - self.emptied * (self.stress - 1)

    @noise("content")
    def shake(self):
        """It is never quite at rest."""
        return self.swing / self.day**0.5

    @output("umol")
    def content_small(self):
        """The same in other units, and a meal at once."""
        return 2 * self.content + 0.25 * self.eaten * self.day


class Head(Compartment):
    """Stress comes in events and listens to the gut."""

    stress = State("1", start=1.0, low=-50, high=50, about="events that fade")
    content = Input("mmol", rest=4, signal="bowel.content")
    full = Param(4, "mmol", **ASSUMED)
    gain = Param(0.25, "1/day", **ASSUMED)
    decay = Param(3, "1/day", **ASSUMED)
    often = Param(2, "1/day", **ASSUMED)
    size = Param(0.5, "1", **ASSUMED)
    log_sd = Param(0.5, "1", **ASSUMED)

    @rate("stress")
    def fade(self):
        """Stress fades; a full gut adds to it."""
        return self.gain * (self.content - self.full) / self.full - self.decay * (self.stress - 1)

    @events("stress")
    def happens(self):
        """Events of differing size."""
        return self.often, self.size, self.log_sd


class Kink(Compartment):
    """Answers only above a threshold, by a push that the hour of day doubles."""

    answer = State("1", start=0.0, low=-10, high=10, about="of the body")
    stress = Input("1", rest=0, signal="head.stress")
    time = Input("day", rest=0, signal="clock.time")
    decay = Param(1, "1/day", **ASSUMED)
    turn = Param(2 * np.pi, "1/day", **ASSUMED)
    threshold = Param(1.5, "1", **ASSUMED)

    @rate("answer")
    def follow(self):
        """What passes the threshold is answered, more by day than by night."""
        return self.decay * ((1 + sin(self.turn * self.time)) * maximum(self.stress - self.threshold, 0) - self.answer)


DRIFT = np.array([[-2.0, -0.5], [0.0625, -3.0]])
JUMPS = 2 * 0.5**2 * np.exp(2 * 0.5**2)


@pytest.fixture(scope="module")
def axis() -> Axis:
    """Gut and head, linear."""
    return Axis(Bowel(), Head(), name="small")


@pytest.fixture(scope="module")
def linear(axis) -> Linear:
    """The small axis as a linear system."""
    return axis.linearise()


def test_matrices_of_a_linear_axis_are_exact(axis, linear):
    assert linear.states == ("bowel.content", "head.stress") and linear.units == ("mmol", "1")
    np.testing.assert_allclose(linear.drift, DRIFT, atol=1e-12)
    np.testing.assert_allclose(linear.noise, np.diag([0.09, JUMPS]), atol=1e-12)
    np.testing.assert_allclose(linear.input_effects, [[1.0], [0.0]], atol=1e-12)
    assert linear.inputs == ("diet.eaten",)
    assert linear.input_units == ("mmol/day",)
    np.testing.assert_allclose(linear.rows_of(("bowel.content_small", "head.stress")), [[2000, 0], [0, 1]], atol=1e-9)
    np.testing.assert_allclose(linear.direct[linear.signals.index("bowel.content_small")], [250], atol=1e-9)
    np.testing.assert_allclose(linear.rest, [4, 1])
    np.testing.assert_allclose(linear.habits, [8])
    start = jnp.asarray(axis.start(axis.defaults()))
    np.testing.assert_allclose(linear.drift, jacobians(axis, start, axis.coherent(axis.defaults()), {})[0], atol=1e-12)


def test_covariance_solves_its_equation(linear):
    spread = linear.covariance()
    np.testing.assert_allclose(linear.drift @ spread + spread @ linear.drift.T, -linear.noise, atol=1e-12)


def test_people_have_systems_of_their_own(axis):
    parameters = axis.defaults() | {"head.decay": np.array([3.0, 5.0])}
    one, two = linear_systems(axis, parameters, np.array([[4.0, 4.0], [1.0, 1.0]]), signals=("head.stress",))
    assert one.drift[1, 1] == pytest.approx(-3)
    assert two.drift[1, 1] == pytest.approx(-5)
    assert two.signals == ("head.stress",)
    with pytest.raises(ModelError, match="2 people"):
        axis.linearise(parameters, signals=("head.stress",))


def test_drift_returns_where_all_states_are_seen(linear):
    for lag in (0.0, 0.1, 0.5):
        found = reduced(linear, ("bowel.content", "head.stress"), lag)
        np.testing.assert_allclose(found.drift, DRIFT, atol=1e-9)
        assert found.said == ()
    np.testing.assert_allclose(found.sd, np.sqrt(np.diag(linear.covariance())))
    np.testing.assert_allclose(found.standardised, DRIFT * found.sd / found.sd[:, None], atol=1e-9)
    np.testing.assert_allclose(found.innovations, np.eye(2), atol=1e-9)


def test_units_of_a_signal_change_the_drift_and_not_the_standardised_one(linear):
    plain = reduced(linear, ("bowel.content", "head.stress"), 0.2)
    small = reduced(linear, ("bowel.content_small", "head.stress"), 0.2)
    np.testing.assert_allclose(small.standardised, plain.standardised, atol=1e-9)
    assert small.drift[1, 0] == pytest.approx(plain.drift[1, 0] / 2000)


def test_what_stands_between_the_signals_is_in_their_coupling():
    """Three states in a row, the middle one unseen: the first reaches the last through it, by the exact forecast."""
    drift = np.array([[-1.0, 0, 0], [2.0, -4, 0], [0, 1.0, -0.5]])
    outputs = np.eye(3)[[0, 2]]
    names = ("a", "b", "c")
    chain = Linear(names, ("1",) * 3, drift, np.diag([1.0, 0.1, 0.2]), ("a", "c"), ("1",) * 2, outputs, (), (),
                   np.zeros((3, 0)), np.zeros((2, 0)), np.ones(3), np.zeros(0))  # fmt: skip
    found = reduced(chain, ("a", "c"), 0.5)
    spread = chain.covariance()
    forecast = outputs @ expm(drift / 2) @ spread @ outputs.T @ np.linalg.inv(outputs @ spread @ outputs.T)
    np.testing.assert_allclose(expm(found.drift * 0.5), forecast, atol=1e-9)
    assert found.drift[1, 0] > 0.2
    assert abs(found.drift[0, 1]) < 1e-9
    close = reduced(chain, ("a", "c")).drift
    np.testing.assert_allclose(reduced(chain, ("a", "c"), 1e-4).drift, close, atol=1e-3)


def test_a_signal_without_noise_is_named(linear):
    class Still(Compartment):
        """Nothing moves it."""

        level = State("1", start=1.0, low=0, high=2, about="still")
        time = Param(1, "day", **ASSUMED)

        @rate("level")
        def settle(self):
            """It comes back."""
            return (1 - self.level) / self.time

    found = reduced(Axis(Bowel(), Head(), Still()).linearise(), ("still.level", "head.stress"), 0.1)
    assert found.said == ("still.level never moves: no noise of the linear system reaches it",)
    assert found.sd[0] == 0
    assert np.isnan(found.drift[0]).all()
    assert found.drift[1, 1] < -2.5
    assert np.isfinite(reduced(linear.stirred({"bowel.content": 1.0}, {"diet.eaten": 2.0}), ("bowel.content",)).drift)


def test_signals_that_move_as_one_cannot_be_told_apart(linear):
    with pytest.raises(ModelError, match="move as one"):
        reduced(linear, ("bowel.content", "bowel.content_small"))


def test_a_lag_in_which_everything_is_forgotten_is_halved(linear):
    found = reduced(linear, ("bowel.content", "head.stress"), 30.0)
    assert 0 < found.lag < 30
    assert "forget faster" in found.said[0]
    np.testing.assert_allclose(found.drift, DRIFT, atol=1e-6)


def test_stirring_adds_the_noise_it_says(linear):
    more = linear.stirred({"bowel.content": 0.4}, {"diet.eaten": 2.0})
    np.testing.assert_allclose(more.noise - linear.noise, np.diag([0.16 + 4.0, 0.0]), atol=1e-12)


def test_a_threshold_is_silent_at_rest_and_answers_in_life():
    axis = Axis(Head(), Kink(), name="threshold")
    asked = ("kink.answer", "head.stress")
    at_rest, alive = axis.linearise(signals=asked), axis.linearise(signals=asked, around="life", seed=3)
    assert at_rest.drift[1, 0] == 0
    # Stress passes its threshold for a part of the time; the hours of the day average to 1.
    assert 0.02 < alive.drift[1, 0] < 0.5
    assert alive.drift[0, 0] == pytest.approx(-3)


def test_slopes_are_the_mean_over_the_day():
    axis = Axis(Kink(), name="clocked")
    found = axis.linearise(levers={"head.stress": 2.0}, signals=("kink.answer",))
    assert found.input_effects[0, found.inputs.index("head.stress")] == pytest.approx(1.0)


def test_a_system_that_runs_away_and_unknown_names_are_refused(axis, linear):
    wild = axis.linearise({**axis.defaults(), "head.decay": np.array([-1.0])})
    with pytest.raises(ModelError, match="does not come back"):
        wild.covariance()
    with pytest.raises(ModelError, match="did you mean 'head.stress'"):
        reduced(linear, ("head.stres",))
    with pytest.raises(ModelError, match="no signal or lever"):
        axis.linearise(signals=("head.stres",))
    with pytest.raises(ModelError, match="nothing that can be stirred"):
        linear.stirred({"head.stres": 1.0}, {})
    with pytest.raises(ModelError, match="around rest or life"):
        axis.linearise(around="death")
