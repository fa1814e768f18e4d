"""The channel on small axes with known transfer functions, and once on the standard axis beside the full model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from gutbrain.errors import InputError
from gutbrain.model.apart import taken_apart
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, ModelError, Param, State, output, rate
from gutbrain.model.frequency import Loop, margin_by_scaling, margins, path
from gutbrain.model.maths import maximum
from gutbrain.model.stability import growth
from gutbrain.run.channel import Pair, answers, on_way, pairs_of, pushed, round_trip
from gutbrain.run.channel_people import channel, refuse_unopenable
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate

ASSUMED = {"source": "assumed", "grade": "assumed"}
PERIODS = np.geomspace(1e-2, 1e4, 400)


class Gut(Compartment):
    """Loses half of it a day, is filled by stress; what the brain sends back adds to it."""

    name, place = "immune", "blood"
    il6 = State("pg/mL", start=2.0, low=0, high=50, about="what it gives")
    eaten = Input("pg/mL", rest=0, signal="protocol.il6_pulse", low=0, high=10)
    stress = Input("1", rest=1, signal="mind.stress")
    speed = Param(0.5, "1/day", **ASSUMED)
    rest = Param(2, "pg/mL", **ASSUMED)
    gain = Param(1.5, "pg/mL", **ASSUMED)

    @rate("il6")
    def follow(self):
        """It follows what it is given."""
        return self.speed * (self.rest + self.eaten + self.gain * (self.stress - 1) - self.il6)

    @output("ng/mL")
    def il6_small(self):
        """The same in another unit."""
        return self.il6


class Mind(Compartment):
    """Two states in a row answer to the gut, so that the loop has three lags."""

    name, place = "affect", "mind"
    first = State("1", start=1.0, low=-20, high=20, about="first")
    stress = State("1", start=1.0, low=-20, high=20, about="second")
    threat = Input("1", rest=0, signal="protocol.threat", low=0, high=1)
    il6 = Input("pg/mL", rest=2, signal="blood.il6")
    quiet = Param(2, "pg/mL", **ASSUMED)
    up = Param(-0.4, "1/(pg/mL)", **ASSUMED)
    speed = Param(0.5, "1/day", **ASSUMED)

    @rate("first")
    def hear(self):
        """It hears the gut."""
        return self.speed * (1 + self.up * (self.il6 - self.quiet) + self.threat - self.first)

    @rate("stress")
    def feel(self):
        """It follows the first."""
        return self.speed * (self.first - self.stress)


class Shy(Compartment):
    """Answers to what stands above its rest only."""

    name, place = "enteric", "enteric"
    pain = State("1", start=0.0, low=-5, high=50, about="it hurts")
    il6 = Input("pg/mL", rest=2, signal="blood.il6")
    quiet = Param(2, "pg/mL", **ASSUMED)
    speed = Param(1, "1/day", **ASSUMED)

    @rate("pain")
    def hurt(self):
        """Above rest only."""
        return self.speed * (maximum(self.il6 - self.quiet, 0) / self.quiet - self.pain)


@pytest.fixture(scope="module")
def small() -> Axis:
    """Gut and mind, a loop of three equal lags with gain -0.6."""
    return Axis(Gut(), Mind(), name="small")


@pytest.fixture(scope="module")
def parts(small):
    """The small axis apart."""
    return next(taken_apart(small, small.defaults(), signals=("blood.il6_small",)))


def test_first_order_answer_is_exact():
    """k/(s + a): gain k/a, delay 1/a, half after ln 2/a, 3 dB down at frequency a, no peak."""
    one = path(np.array([[-0.25]]), np.array([0.5]), np.array([3.0]), 0.0)
    assert one.static() == pytest.approx(6)
    assert one.delay() == pytest.approx(4)
    assert one.half_time() == pytest.approx(4 * np.log(2), rel=1e-4)
    assert one.bandwidth(PERIODS) == pytest.approx(2 * np.pi / 0.25, rel=1e-6)
    assert np.isnan(one.peak(PERIODS)).all()
    np.testing.assert_allclose(one.transfer(PERIODS), 1.5 / (2j * np.pi / PERIODS + 0.25))
    times, course = one.course(0.1, 30)
    np.testing.assert_allclose(course, 6 * (1 - np.exp(-0.25 * times)), rtol=1e-9)
    assert times[-1] >= 30


def test_resonance_stands_at_its_frequency():
    """Damping 0.1 of a spring: the peak is 1/(2 z sqrt(1 - z^2)) at w sqrt(1 - 2 z^2)."""
    one = path(np.array([[0.0, 1.0], [-4.0, -0.4]]), np.array([0.0, 4.0]), np.array([1.0, 0.0]), 0.0)
    fine = np.geomspace(1, 10, 4000)
    height, period = one.peak(fine)
    assert one.static() == pytest.approx(1)
    assert height == pytest.approx(1 / (0.2 * np.sqrt(0.99)), rel=1e-4)
    assert 2 * np.pi / period == pytest.approx(2 * np.sqrt(0.98), rel=1e-3)


def test_states_off_the_way_do_not_spoil_an_answer():
    """A neighbour that never fades would leave no lasting answer, if it lay on the way."""
    rates = np.array([[-1.0, 0, 0], [1.0, 0, 0], [0, 0, -1e6]])
    one = path(rates, np.array([1.0, 0, 0]), np.array([1.0, 0, 0]), 0.2)
    assert one.rates.shape == (1, 1)
    assert one.static() == pytest.approx(1.2)
    through = path(rates, np.array([1.0, 0, 0]), np.array([0.0, 1, 0]), 0.0)
    assert not through.settles
    assert np.isnan([through.static(), through.half_time(), through.delay()]).all()
    direct = path(rates, np.zeros(3), np.array([1.0, 0, 0]), 0.5)
    assert (direct.static(), direct.delay(), direct.half_time()) == (0.5, 0.0, 0.0)


def test_margins_of_three_lags_are_exact():
    """-k/(s + 1)^3 loses its rest at k = 8, at frequency sqrt 3; with k = 2 at modulus 1 the phase is known."""
    rates = np.array([[-1.0, 0, 0], [1.0, -1, 0], [0, 1.0, -1]])
    loop = Loop(rates[None], np.array([[[1.0], [0], [0]]]), np.array([[[0.0, 0, -2]]]), np.zeros((1, 1, 1)))
    found = margins(loop, PERIODS)
    assert found.gain == pytest.approx(4, rel=1e-6)
    assert found.gain_period == pytest.approx(2 * np.pi / np.sqrt(3), rel=1e-6)
    assert margin_by_scaling(loop) == pytest.approx(4, rel=1e-8)
    assert found.lasting == pytest.approx(2)
    # |2/(1 + iw)^3| = 1 at w^2 = 2^(2/3) - 1; the locus stands at 180 degrees less three times arctan w.
    turning = np.sqrt(2 ** (2 / 3) - 1)
    angle = np.pi - 3 * np.arctan(turning)
    assert found.phase == pytest.approx(np.degrees(angle), rel=1e-5)
    assert found.delay == pytest.approx(angle / turning, rel=1e-5)


def test_a_loop_that_feeds_itself_is_lost_at_lasting_changes():
    """Two wires up, one down, each first order: k times the sum of both gains reaches 1 at frequency 0."""
    rates = np.diag([-1.0, -2.0])
    loop = Loop(rates[None], np.array([[[0.5, 0.25], [0, 0]]]) + np.array([[[0, 0], [0.2, 0]]]),
                np.array([[[1.0, 0], [0, 1.0]]]), np.zeros((1, 2, 2)))  # fmt: skip
    found = margins(loop, PERIODS)
    back = np.linalg.solve(-rates, loop.entries[0])
    expected = 1 / np.linalg.eigvals(back).real.max()
    assert found.gain == pytest.approx(expected, rel=1e-9)
    assert found.gain_period == np.inf
    assert margin_by_scaling(loop) == pytest.approx(expected, rel=1e-7)
    assert found.phase == np.inf == found.delay


def test_parts_put_together_are_the_axis(small, parts):
    linear = small.linearise(signals=("blood.il6_small",))
    whole = parts.closed(np.zeros((len(parts.inputs), 0))).mean()
    np.testing.assert_allclose(whole.rates, linear.drift, atol=1e-12)
    row = parts.signals.index("blood.il6_small")
    np.testing.assert_allclose(whole.outputs[row], linear.rows_of(("blood.il6_small",))[0], atol=1e-15)


def test_answers_of_the_small_axis_are_exact(small, parts):
    pairs = (Pair("down", "protocol.threat", "blood.il6"), Pair("up", "blood.il6", "mind.stress"),
             Pair("up", "protocol.il6_pulse", "blood.il6"))  # fmt: skip
    found = {one.pair: one for one in answers(small, dict.fromkeys((pair.by for pair in pairs), parts), pairs)}
    # Threat passes both states of the mind and the gut; the loop of gain -0.6 divides by 1.6.
    down, up, own = (found[pair] for pair in pairs)
    assert down.gain == pytest.approx(1.5 / 1.6)
    assert down.delay == pytest.approx(3 / 0.5 / 1.6)
    assert up.gain == pytest.approx(-0.4 / 1.6)
    assert up.elasticity == pytest.approx(-0.4 / 1.6 * 2)
    assert own.gain == pytest.approx(1 / 1.6)
    assert np.isnan(own.elasticity)
    assert (down.usual_push, own.usual_push) == pytest.approx((0.5 / 24, 3.0))
    assert down.usual_percent == pytest.approx(100 * down.gain * 0.5 / 24 / 2, rel=1e-3)
    step = np.array([expm(parts.closed(np.zeros((len(parts.inputs), 0))).rates[0] * time) for time in own.times])
    rates = parts.closed(np.zeros((len(parts.inputs), 0))).rates[0]
    exact = (np.linalg.solve(rates, step - np.eye(3)) @ np.array([0.5, 0, 0]))[:, 0]
    np.testing.assert_allclose(own.step, exact, rtol=1e-7, atol=1e-10)


def test_loop_of_the_small_axis_and_growth_agree(small, parts):
    found = round_trip(parts)
    assert found.wires == ("blood.il6 -> affect",)
    assert found.margins.lasting == pytest.approx(0.6)
    assert found.margins.gain == pytest.approx(8 / 0.6, rel=1e-6)
    assert found.by_scaling == pytest.approx(8 / 0.6, rel=1e-6)
    assert found.growth == pytest.approx(growth(small), rel=1e-4)
    assert found.apart == pytest.approx(-0.5, abs=1e-4)
    # The same by the axis itself: its own strength, multiplied to just below and just above the margin.
    for times, lost in ((0.99, False), (1.01, True)):
        own = small.defaults() | {"affect.up": np.array([-0.4 * times * found.margins.gain])}
        assert (growth(small, own) > 0) is lost


def test_an_answer_is_taken_from_the_side_to_which_it_is_pushed():
    axis = Axis(Gut(), Mind(), Shy(), name="shy")
    pair = Pair("up", "protocol.il6_pulse", "enteric.pain")
    for side, expected in ((1.0, 0.5 / 1.6), (-1.0, 0.0)):
        own = next(taken_apart(axis, axis.defaults(), signals=("enteric.pain",), side=side))
        assert answers(axis, {pair.by: own}, (pair,))[0].gain == pytest.approx(expected)
        assert own.closed(own.moved[:, [own.levers.index(pair.by)]]).leaning()[own.states.index("blood.il6"), 0] == 1


def test_grades_come_from_ways_and_not_from_neighbours(small, parts):
    row = parts.signals.index("mind.stress")
    way = on_way(parts, "protocol.threat", row)
    assert {str(wire) for wire, one in zip(parts.wires, way, strict=True) if one} == {
        "protocol.threat -> affect", "blood.il6 -> affect", "mind.stress -> immune"}  # fmt: skip
    alone = Axis(Gut(), Mind(), name="open", cut=frozenset({("mind.stress", "immune")}))
    own = next(taken_apart(alone, alone.defaults(), signals=("mind.stress", "blood.il6")))
    assert not on_way(own, "protocol.threat", own.signals.index("blood.il6")).any()
    none, some = answers(alone, {"protocol.threat": own}, (
        Pair("down", "protocol.threat", "blood.il6"), Pair("down", "protocol.threat", "mind.stress")))  # fmt: skip
    assert (none.gain, none.grade) == (0.0, "")
    assert some.gain == pytest.approx(1)
    assert round_trip(own).wires == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("protocol.threat", "is no pair"),
        ("protocol.thret -> blood.il6", "did you mean 'protocol.threat'"),
        ("protocol.threat -> blood.il7", "did you mean 'blood.il6'"),
        ("mind.first -> blood.il6", "no other compartment reads 'mind.first'"),
    ],
)
def test_wrong_pairs_are_told(small, text, says):
    with pytest.raises(InputError, match=says):
        pairs_of(small, [text])


def test_wrong_names_are_told(small):
    assert pairs_of(small, ["protocol.threat -> blood.il6"]) == (Pair("down", "protocol.threat", "blood.il6"),)
    with pytest.raises(InputError, match="not closed"):
        refuse_unopenable(small, ["affect.up"])
    with pytest.raises(ModelError, match="no signal or lever"):
        next(taken_apart(small, small.defaults(), signals=("blood.il7",)))


def test_small_pushes_of_the_full_model_answer_in_a_line(small):
    """The full run, the linear step and the size of the error of a linear axis: nothing; ranges need worlds."""
    found = channel(small, pairs_of(small, ["protocol.threat -> blood.il6"], ["protocol.il6_pulse -> mind.stress"]),
                    weeks=2)  # fmt: skip
    assert found.people == ("healthy", "stressed")
    assert len(found.check) == 4
    assert found.check["error"].abs().max() < 0.5
    assert found.worlds.is_empty()
    one, other = (found.answers[person][0] for person in found.people)
    assert one.gain == pytest.approx(other.gain)
    assert other.level > one.level


@pytest.mark.calibration
def test_small_pushes_of_the_standard_axis_answer_as_the_full_model_does(whole, reference, levers):
    """Extra fibre to IL-6 and mood, load to transit and vagal tone: within 5 %; a loop far from its margin."""
    asked = (("protocol.chronic_load", 0.015, "enteric.colonic_transit_hours"),
             ("protocol.chronic_load", 0.015, "vagus.tone"), ("protocol.fibre_extra", 0.9, "blood.il6"),
             ("protocol.fibre_extra", 0.9, "mind.negative_affect"))  # fmt: skip
    pairs = [Pair("down" if "load" in by else "up", by, to) for by, _, to in asked]
    inputs = tuple(dict.fromkeys(pair.by for pair in pairs))
    three = reference.select(np.zeros(3, int), 3, 1)
    outputs = tuple(pair.to for pair in pairs)
    first = next(taken_apart(whole, reference.parameters, reference.start, signals=outputs))
    side = first.closed(np.stack([pushed(first, by) for by in inputs], 1)).leaning()
    parts = [next(taken_apart(whole, three.parameters, reference.start, signals=outputs, side=side[:, [place]]))
             for place in range(2)]  # fmt: skip
    found = answers(whole, dict(zip(inputs, parts, strict=True)), pairs)
    days, labels = 14, tuple(whole.columns)
    means = {}
    for by, push in (("", 0.0), *{(by, push) for by, push, _ in asked}):
        dose = np.array([[push if lever == by else 0.0] for lever in levers])
        drive = Drive(levers, dose, np.ones((days * 96, len(levers))), np.zeros(len(levers)), np.ones((days, 1)))
        run = integrate(whole, reference.start, reference.parameters, drive, days=days, labels=labels)
        means[by] = run.mean[-1, :, 0].astype(float)
    for answer, (by, push, to) in zip(found, asked, strict=True):
        row = labels.index(to)
        moved = (means[by] - means[""])[row]
        assert push * np.interp(days - 0.5, answer.times, answer.step) == pytest.approx(moved, rel=0.05), answer.pair
        assert answer.grade == "assumed"
    own = round_trip(first)
    assert "blood.il6 -> hpa" in own.wires
    assert 0.01 < own.margins.strongest < 0.1
    assert own.margins.gain == pytest.approx(own.by_scaling, rel=0.02)
