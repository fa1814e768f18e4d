"""Derivatives: held against known ones, against differences of the engine, and one direction against the other."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

import gutbrain
from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, Param, State, Unknown, balance, output, rate
from gutbrain.model.maths import share_of_day, total
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Act, Protocol, Trial
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate
from gutbrain.run.gradient import forward, reverse
from gutbrain.run.settle import settle
from gutbrain.run.simulate import drive_of
from gutbrain.run.through_rest import settled_ways

# -- a tank whose derivatives are known ---------------------------------------------------------------

HABIT, WIDTH, HOURS = 2.0, np.array([0.7, 0.3]), 12.0


class Tank(Compartment):
    """A level fed through two pores that choke on what they carry."""

    axes = {"pore": ("wide", "narrow")}
    level = State("1", start="begin", low=0, high=100, about="level")
    memory = State("1", start="begin", low=0, high=100, about="what nothing moves")
    flow = Unknown("1", start=(0.5, 0.5), about="flow through each pore", over="pore")
    inflow = Input("1", rest="habit", signal="protocol.inflow")
    habit = Param(HABIT, "1", source="Somebody2000", grade="measured", about="usual inflow")
    width = Param(tuple(WIDTH), "1", source="assumed", grade="assumed", over="pore")
    time = Param(HOURS, "hour", source="assumed", grade="assumed")
    begin = Param(1.0, "1", source="assumed", grade="assumed")
    usual = Param(1.0, "1", source="derived", grade="derived", settled="tank.level")

    @balance("flow")
    def carried(self):
        """What flows chokes what flows."""
        return self.inflow * self.width / (1 + self.flow)

    @rate("level")
    def fills(self):
        """The level follows the flow."""
        return (total(self.flow) - self.level) / self.time

    @rate("memory")
    def stays(self):
        """Nothing moves it."""
        return 0 * self.memory / self.time

    @output("1")
    def above(self):
        """Level above its own rest."""
        return self.level - self.usual


MORE = 1.5  # inflow over the usual one
DAYS = 9
TRIAL = Trial((Protocol("more", (Act("protocol.inflow", MORE - 1, relative=True, grade="derived"),)),), days=DAYS)
FLOOD = Protocol("flood", (Act("protocol.inflow", 1e5, 3),))
TANK = Axis(Tank(), name="tank")
SIGNALS = ("tank.level", "tank.memory", "tank.above")


def flows(inflow):
    """Flow through each pore, from flow (1 + flow) = inflow width."""
    return (np.sqrt(1 + 4 * inflow * WIDTH) - 1) / 2


def opens(inflow):
    """Change of each flow with the inflow of its pore."""
    return 1 / (1 + 2 * flows(inflow))


@pytest.fixture(scope="module")
def person():
    return settle(Cohort.reference(TANK), levers=("protocol.inflow",))


@pytest.fixture(scope="module")
def settled_anew(person):
    return forward(TANK, person, TRIAL, SIGNALS, [0, DAYS - 1])


@pytest.fixture(scope="module")
def held(person):
    return forward(TANK, person, TRIAL, SIGNALS, [0, DAYS - 1], through_rest=False)


def derivative(table, signal, name, day=DAYS - 1, kind="parameter"):
    """Return one derivative; fails where the table has none."""
    found = table.filter(signal=signal, day=day, input=name, kind=kind)
    assert len(found) == 1
    return found["derivative"][0]


def test_what_a_parameter_does_to_a_settled_level(settled_anew):
    gain = (WIDTH * opens(MORE * HABIT)).sum()
    assert derivative(settled_anew, "tank.level", "tank.habit") == pytest.approx(MORE * gain, rel=1e-6)
    narrow = MORE * HABIT * opens(MORE * HABIT)[1]
    assert derivative(settled_anew, "tank.level", "tank.width[narrow]") == pytest.approx(narrow, rel=1e-6)
    assert derivative(settled_anew, "tank.level", "protocol.inflow", kind="dose") == pytest.approx(gain, rel=1e-6)


def test_the_own_rest_follows(settled_anew, held):
    more, rest = ((WIDTH * opens(inflow)).sum() for inflow in (MORE * HABIT, HABIT))
    assert derivative(settled_anew, "tank.above", "tank.habit") == pytest.approx(MORE * more - rest, rel=1e-6)
    assert derivative(held, "tank.above", "tank.habit") == pytest.approx(MORE * more, rel=1e-6)
    assert derivative(held, "tank.above", "tank.usual") == pytest.approx(-1)
    assert settled_anew.filter(input="tank.usual").is_empty()
    assert set(settled_anew["start"]) == {"settled anew"} and set(held["start"]) == {"held"}


def test_a_state_without_a_rest_stays_where_its_parameter_starts_it(settled_anew, held):
    assert derivative(settled_anew, "tank.memory", "tank.begin") == pytest.approx(1)
    assert derivative(settled_anew, "tank.level", "tank.begin", day=0) == pytest.approx(0, abs=1e-9)
    assert derivative(held, "tank.memory", "tank.begin") == 0
    assert derivative(held, "tank.memory", "tank.memory", kind="start") == pytest.approx(1)


def test_a_derivative_is_per_declared_unit(held):
    begins = np.arange(96) / 4  # hours
    way = flows(MORE * HABIT).sum() - flows(HABIT).sum()
    slower = -way * (begins / HOURS**2 * np.exp(-begins / HOURS)).mean()
    assert derivative(held, "tank.level", "tank.time", day=0) == pytest.approx(slower, rel=1e-5)
    row = held.filter(signal="tank.level", day=0, input="tank.time").row(0, named=True)
    assert row["derivative_unit"] == "1 per hour" and row["value"] == HOURS
    assert row["elasticity"] == pytest.approx(slower * HOURS / row["mean"], rel=1e-5)
    assert held.filter(input="tank.habit")["source"][0] == "Somebody2000"
    assert held.filter(kind="dose")["grade"][0] == "derived"


@pytest.mark.parametrize("through_rest", [True, False])
def test_both_directions_agree(person, settled_anew, held, through_rest):
    table = settled_anew if through_rest else held
    for place in (0, 2):
        back = reverse(TANK, person, TRIAL, lambda m, p=place: m[-1, p, 0], labels=SIGNALS, through_rest=through_rest)
        forth = table.filter(signal=SIGNALS[place], day=DAYS - 1)
        assert back.table()["input"].to_list() == forth["input"].to_list()
        np.testing.assert_allclose(back.table()["derivative"], forth["derivative"], rtol=1e-8, atol=1e-12)
        assert back.value == pytest.approx(forth["mean"][0], rel=1e-12)


def test_a_loss_over_people_and_days(person):
    twice = person.select(np.zeros(2, int), 2, 1)
    twice.parameters["tank.habit"] = np.array([[HABIT, 1.2 * HABIT]])[0]
    drive = Drive(("protocol.inflow",), np.array([[1.0, 0.0]]), np.ones((192, 1)), np.ones(1), np.ones((2, 2)))
    drive.present[1] = 0.0  # both leave after a day

    def loss(means):
        return (means[0, 0] * jnp.array([1.0, 2.0])).sum() + means[1, 0, 1] ** 2

    found = reverse(TANK, twice, drive, loss, labels=SIGNALS, through_rest=False)
    first = replace(drive, dose=drive.dose[:, :1], present=drive.present[:, :1])
    alone = reverse(TANK, person, first, lambda means: means[0, 0, 0], labels=SIGNALS, through_rest=False)
    assert found.means.shape == (2, 3, 2) and found.value == pytest.approx(float(loss(found.means)))
    for name, value in alone.parameters.items():
        np.testing.assert_allclose(found.parameters[name][..., 0], value[..., 0], rtol=1e-10, atol=1e-14)
    assert found.dose[0, 0] == pytest.approx(alone.dose[0, 0]) and found.dose[0, 0] > 0
    assert found.start[0, 1] > found.start[0, 0]


def test_chosen_parameters_and_entries(person):
    table = forward(TANK, person, TRIAL, SIGNALS, 0, parameters=["tank.time", "tank.width[wide]"])
    level = table.filter(signal="tank.level")
    assert level.filter(kind="parameter")["input"].to_list() == ["tank.width[wide]", "tank.time"]
    assert gutbrain.derivatives is forward and gutbrain.gradient is reverse


# -- what cannot be asked -----------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "said"), [
    ({"signals": "tank.levle"}, "no signal 'tank.levle'; did you mean 'tank.level'"),
    ({"days": DAYS}, "days 0 to 8, not day 9"),
    ({"arm": "mroe"}, "no arm 'mroe'; did you mean 'more'"),
    ({"parameters": ["tank.tiem"]}, "no parameter 'tank.tiem'; did you mean 'tank.time'"),
    ({"step_minutes": 25}, "does not divide an hour"),
    ({"course": replace(TRIAL, arms=(*TRIAL.arms, Protocol("rest")))}, "Give arm as one of: more, rest"),
    ({"course": replace(TRIAL, arms=(FLOOD,))}, "leaves the bounds of the model on day 3"),
])  # fmt: skip
def test_a_question_without_an_answer(person, change, said):
    asked = {"person": person, "course": TRIAL, "signals": SIGNALS, "days": DAYS - 1} | change
    with pytest.raises(InputError, match=said):
        forward(TANK, **asked)


def test_a_loss_without_an_answer(person):
    with pytest.raises(InputError, match="Name them in `labels`"):
        reverse(TANK, person, TRIAL, lambda means: means.sum())
    with pytest.raises(InputError, match="the loss is nan"):
        reverse(TANK, person, TRIAL, lambda means: jnp.log(-means).sum(), labels=SIGNALS)
    with pytest.raises(InputError, match="one person, not of 2"):
        forward(TANK, person.select(np.zeros(2, int), 2, 1), TRIAL, "tank.level", 0)


def test_a_state_that_something_moves_for_ever_has_no_rest(person):
    rows, entries = len(TANK.rows), sum(value.size for value in person.parameters.values())
    of_day = np.eye(rows + 1, rows + entries) * 0.5
    of_day[1] = np.eye(rows + entries)[1]
    assert np.isfinite(settled_ways(TANK, ("tank.level",), of_day)).all()
    of_day[1, rows] = 0.1  # a parameter adds to it every day
    with pytest.raises(InputError, match="leaves a state undetermined"):
        settled_ways(TANK, ("tank.level",), of_day)


# -- habits on the border of steps --------------------------------------------------------------------


@pytest.fixture(scope="module")
def moved():
    """The change of a window's share of every step as its begin, its length or the clock moves."""

    def share(clock, start, duration):
        return share_of_day(clock, 1 / 96, start, duration)

    return jax.jit(lambda at, by: jax.jvp(share, at, by)[1])


@pytest.mark.parametrize("start", [7 / 24, 23 / 24, 7.1 / 24])
def test_a_window_that_begins_with_a_step(start, moved):
    at, nudge = (np.arange(96) / 96, np.array(start), np.array(0.5 / 24)), 1e-5
    for place in range(3):
        by = tuple(np.ones_like(value) * (place == number) for number, value in enumerate(at))
        sides = [[v + sign * nudge * b for v, b in zip(at, by, strict=True)] for sign in (1, -1)]
        high, low = (share_of_day(clock, 1 / 96, begin, length) for clock, begin, length in sides)
        np.testing.assert_allclose(moved(at, by), (high - low) / (2 * nudge), atol=1e-6)


# -- the standard axis --------------------------------------------------------------------------------

STEPS = 0.002 * np.array([-2, -1, 1, 2])  # a difference whose error is of the fourth order
WEIGHTS = np.array([1, -8, 8, -1]) / 0.024
DOSES = {"diet.resistant_starch": 8.0, "protocol.antibiotic": 1.0, "protocol.threat": 0.4}
OUTCOMES = ("mind.negative_affect", "colon.butyrate", "hpa.cortisol", "barrier.permeability", "blood.il6")
NAMES = (
    "digestion.habitual_resistant_starch", "colon.water_absorption", "colon.hydrogen_acetate", "immune.il6_rest",
    "barrier.mast_recovery_time", "enteric.personal_colonic_transit", "hpa.cortisol_scale",
    "appraisal.event_size", "affect.trait_negative_affect",
)  # fmt: skip


def course(levers, days):
    """A trial that moves every lever of the shared compiled day, most by nothing."""
    return Trial((Protocol("mixed", tuple(Act(lever, DOSES.get(lever, 0.0), 1) for lever in levers)),), days=days)


def logs(means):
    """Sum of the logarithms of all signals on the last day: its derivatives are elasticities."""
    return jnp.log(means[-1]).sum()


def by_differences(person, trial):
    """Return the sum of elasticities for each name, by running the engine four times each; array [names]."""
    count = len(NAMES) * len(STEPS)
    people = person.select(np.zeros(count, int), count, 1)
    for place, name in enumerate(NAMES):
        values = np.repeat(person.parameters[name], count, axis=-1)
        values[..., len(STEPS) * place : len(STEPS) * (place + 1)] *= 1 + STEPS
        people.parameters[name] = values
    drive = drive_of(people, np.zeros(count, int), trial, 96, np.ones((trial.days, count)), average=True)
    run = integrate(people.axis, people.start, people.parameters, drive, days=trial.days, block=1)
    last = np.log([run.mean[-1, run.labels.index(label)].astype(float) for label in OUTCOMES]).sum(axis=0)
    return (last.reshape(len(NAMES), len(STEPS)) * WEIGHTS).sum(axis=1)


def test_the_gradient_is_that_of_the_engine(reference, levers):
    trial = course(levers, 3)
    # Off his rest: on it he stands on thresholds, where the two one-sided derivatives differ.
    off = 1 + 0.05 * np.sin(1 + np.arange(len(reference.start)))[:, None]
    person = replace(reference, start=reference.start * off)
    found = reverse(reference.axis, person, trial, logs, labels=OUTCOMES, through_rest=False)
    ours = [found.parameters[name].item() * person.parameters[name].item() for name in NAMES]
    # The engine keeps daily means in single precision, so differences are good to 1e-4 of the outcome.
    np.testing.assert_allclose(ours, by_differences(person, trial), rtol=2e-4, atol=1e-4)
    assert np.isfinite(found.entries).all()


@pytest.mark.calibration
@pytest.mark.parametrize("through_rest", [True, False])
def test_both_directions_agree_over_84_days(reference, levers, through_rest):
    trial = course(levers, 84)
    back = reverse(reference.axis, reference, trial, "mind.negative_affect", through_rest=through_rest).table()
    forth = forward(reference.axis, reference, trial, "mind.negative_affect", 83, through_rest=through_rest)
    size = np.abs(forth["elasticity"].fill_null(0.0)).max()
    assert back.select(pl.col("elasticity").is_null().eq(forth["elasticity"].is_null()).all()).item()
    both = back["elasticity"].fill_null(0), forth["elasticity"].fill_null(0)
    np.testing.assert_allclose(*both, rtol=1e-8, atol=1e-10 * size)
