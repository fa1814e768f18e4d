"""Random changes belong to the person: no company, order, block, arm or step alters what a name draws."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Param, State, events, noise, rate
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Protocol, Trial
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate
from gutbrain.run.noise import QUARTERS, Channel, Noise, channels, steps_per_quarter
from gutbrain.run.simulate import simulate

ASSUMED = {"source": "made up for this test", "grade": "assumed"}
NAMES = tuple(f"person {number + 1}" for number in range(40))
DRAWN = (
    Channel("pot", "bumps", 3, "uniform"),
    Channel("pot", "bumps", 3, "normal"),
    Channel("pot", "shake", 0, "normal"),
)


class Walk(Compartment):
    """Nothing but what is drawn: a walk of two entries and a count of events; sizes are known by hand."""

    axes = {"side": ("left", "right")}
    counted = State("umol", start=0.0, low=0, high=1e6, about="events, one unit each")
    spot = State("umol", start=0.0, low=-1e6, high=1e6, over="side", about="of the walker")
    often = Param(2.5, "1/day", **ASSUMED)
    jump = Param(1.0, "umol", **ASSUMED)
    stride = Param(3.0, "umol", **ASSUMED)
    day = Param(1.0, "day", **ASSUMED)

    @rate("counted")
    def keep(self):
        """Nothing fades."""
        return 0 * self.counted / self.day

    @rate("spot")
    def stay(self):
        """Nothing pulls back."""
        return 0 * self.spot / self.day

    @events("counted")
    def happens(self):
        """Events of one size."""
        return self.often, self.jump, 0.0

    @noise("spot")
    def stroll(self):
        """Both entries walk by themselves."""
        return self.stride / self.day**0.5


class Spring(Compartment):
    """A level that is pulled back while events and noise move it, both by sizes that do not depend on it."""

    level = State("1", start=1.0, low=-50, high=50, about="pulled to 1")
    slow = State("1", start=1.0, low=-50, high=50, about="follows the level")
    pull = Param(6.0, "1/day", **ASSUMED)
    follows = Param(0.5, "1/day", **ASSUMED)
    swing = Param(0.7, "1", **ASSUMED)
    often = Param(4.0, "1/day", **ASSUMED)
    jump = Param(0.5, "1", **ASSUMED)
    log_sd = Param(0.5, "1", **ASSUMED)
    day = Param(1.0, "day", **ASSUMED)

    @rate("level")
    def return_to_one(self):
        """It returns within hours."""
        return -self.pull * (self.level - 1)

    @rate("slow")
    def follow(self):
        """It follows within days."""
        return self.follows * (self.level - self.slow)

    @noise("level")
    def swings(self):
        """It swings by itself."""
        return self.swing / self.day**0.5

    @events("level")
    def bumps(self):
        """Events of differing size."""
        return self.often, self.jump, self.log_sd


@pytest.fixture(scope="module")
def walk():
    return Axis(Walk(), name="walk")


@pytest.fixture(scope="module")
def spring():
    return Axis(Spring(), name="spring")


def lives(axis, names, days=3, step=15.0, block=16, seed=1, first_day=0, start=None):
    """Run people who differ in nothing but their names."""
    begin = np.repeat(axis.start(axis.defaults()), len(names), axis=1) if start is None else start
    drive = Drive.rest(len(names), days, round(1440 / step))
    return integrate(axis, begin, axis.defaults(), drive, days=days, step_minutes=step, block=block,
                     noise=Noise(seed, tuple(names)), first_day=first_day)  # fmt: skip


# -- the draws ----------------------------------------------------------------------------------------


def test_a_day_of_a_person_is_the_same_whoever_else_is_asked_and_in_which_order():
    together = Noise(7, NAMES)
    whole = together.day(DRAWN, slice(None), 5)
    assert whole.shape == (QUARTERS, len(DRAWN), len(NAMES)) and whole.dtype == np.float64
    alone = np.concatenate([Noise(7, (name,)).day(DRAWN, slice(0, 1), 5) for name in NAMES], axis=2)
    np.testing.assert_array_equal(alone, whole)
    order = np.random.default_rng(1).permutation(len(NAMES))
    together.day(DRAWN, slice(3, 9), 4)
    np.testing.assert_array_equal(together.day(DRAWN, order, 5), whole[..., order])
    filled = np.minimum(np.arange(36, 52), len(NAMES) - 1)  # the last block is filled up with its last column
    np.testing.assert_array_equal(together.day(DRAWN, filled, 5), whole[..., filled])


def test_threads_draw_what_one_draws():
    noise = Noise(7, NAMES)
    asked = [(slice(begin, begin + 8), day) for day in range(20) for begin in range(0, 40, 8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: noise.day(DRAWN, *one), asked))
    for one, values in zip(asked, found, strict=True):
        np.testing.assert_array_equal(values, Noise(7, NAMES).day(DRAWN, *one))


def test_one_name_has_one_life_and_names_seeds_and_days_have_others():
    day = Noise(7, ("Ann", "Bo", "Ann")).day(DRAWN, slice(None), 0)
    np.testing.assert_array_equal(day[..., 0], day[..., 2])
    others = [day[..., 1], Noise(8, ("Ann",)).day(DRAWN, slice(None), 0)[..., 0]]
    others += [Noise(7, ("Ann",)).day(DRAWN, slice(None), other)[..., 0] for other in (-1, 1, -400, 1 << 40)]
    for other in others:
        assert not np.isin(other, day[..., 0]).any()
    # The seed ends where the name begins.
    assert not np.array_equal(
        Noise(1, ("2 Ann",)).day(DRAWN, slice(None), 0), Noise(12, (" Ann",)).day(DRAWN, slice(None), 0)
    )


def test_draws_are_uniform_and_normal_and_independent():
    """Bounds are five standard errors of the estimates, 10^-3 for the two tests of shape."""
    noise = Noise(3, tuple(f"p{number}" for number in range(200)))
    days = np.stack([noise.day(DRAWN, slice(None), day) for day in range(-20, 20)])
    count = days[:, :, 0].size
    uniform, large, shake = (days[:, :, channel] for channel in range(3))
    assert uniform.min() >= 0 and uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 5 / np.sqrt(12 * count)
    assert abs(uniform.var() - 1 / 12) < 5 / np.sqrt(180 * count)
    for normal in (large, shake):
        assert abs(normal.mean()) < 5 / np.sqrt(count)
        assert abs(normal.var() - 1) < 5 * np.sqrt(2 / count)
    assert kstest(uniform[::4].ravel(), "uniform").pvalue > 1e-3 and kstest(shake[::4].ravel(), "norm").pvalue > 1e-3
    chance = (uniform - 0.5) * np.sqrt(12)
    pairs = [
        (large, shake), (chance, shake), (chance, large),  # channels
        (shake[:-1], shake[1:]), (shake[:, :-1], shake[:, 1:]), (chance[:, :-1], chance[:, 1:]),  # days, quarter hours
        (shake[..., :-1], shake[..., 1:]), (shake[:20], shake[20:]),  # people, days before and after 0
    ]  # fmt: skip
    for one, other in pairs:
        assert abs((one * other).mean()) < 5 / np.sqrt(one.size)


def test_channels_follow_the_axis_noise_before_events(walk, spring):
    assert channels(spring) == (
        Channel("spring", "swings", 0, "normal"),
        Channel("spring", "bumps", 0, "uniform"),
        Channel("spring", "bumps", 0, "normal"),
    )
    found = [(channel.equation, walk.rows[channel.row], channel.kind) for channel in channels(walk)]
    assert found == [
        ("stroll", "walk.spot[left]", "normal"), ("stroll", "walk.spot[right]", "normal"),
        ("happens", "walk.counted", "uniform"), ("happens", "walk.counted", "normal"),
    ]  # fmt: skip


# -- lives with them ----------------------------------------------------------------------------------


def test_a_life_does_not_depend_on_block_or_company(spring):
    small, large = lives(spring, NAMES, block=16), lives(spring, NAMES, block=128)
    np.testing.assert_allclose(small.end, large.end, rtol=1e-12)
    np.testing.assert_allclose(small.mean, large.mean, rtol=1e-6)
    assert len(set(small.end[0])) == len(NAMES)
    company = lives(spring, ("Zoe", *NAMES[30:], "Yan"), block=16)
    np.testing.assert_allclose(company.end[:, 1:-1], small.end[:, 30:], rtol=1e-12)


def test_a_run_goes_on_where_another_stopped(spring):
    whole = lives(spring, NAMES[:5], days=4, first_day=-2)
    first = lives(spring, NAMES[:5], days=1, first_day=-2)
    np.testing.assert_allclose(
        lives(spring, NAMES[:5], days=3, first_day=-1, start=first.end).end, whole.end, rtol=1e-12
    )
    assert not np.allclose(lives(spring, NAMES[:5], days=4, first_day=-1).end, whole.end, rtol=1e-3)


def test_half_a_step_sees_the_same_random_changes(spring):
    """What is left is the error of the steps, 1e-7 here."""
    whole, half = lives(spring, NAMES, days=6), lives(spring, NAMES, days=6, step=7.5)
    assert np.ptp(whole.end[0]) > 0.5
    np.testing.assert_allclose(half.end, whole.end, atol=1e-6)


def test_noise_walks_as_far_and_events_come_as_often_as_declared(walk):
    days, people = 20, 400
    end = lives(walk, [f"p{number}" for number in range(people)], days=days, block=400).end
    counted, left, right = (
        end[walk.rows.index(row)] for row in ("walk.counted", "walk.spot[left]", "walk.spot[right]")
    )
    np.testing.assert_allclose(counted, np.round(counted), atol=1e-9)
    chance = 2.5 / QUARTERS
    drawn = days * QUARTERS
    assert abs(counted.mean() - 2.5 * days) < 5 * np.sqrt(drawn * chance * (1 - chance) / people)
    for spot in (left, right):
        assert abs(spot.mean()) < 5 * 3 * np.sqrt(days / people)
        assert spot.var() / (9 * days) == pytest.approx(1, abs=5 * np.sqrt(2 / people))
    assert abs(np.corrcoef(left, right)[0, 1]) < 5 / np.sqrt(people)


def test_twins_share_their_days_in_every_arm_and_world(spring):
    drawn = Cohort.draw(spring, 3, worlds=2, seed=5, names=("Ann", "Bo", "Cleo"))
    cohort = replace(drawn, start=np.repeat(spring.start(spring.defaults()), drawn.size, axis=1))
    trial = Trial((Protocol("one"), Protocol("other")), days=3, visits=(2,), twins=True)
    level = simulate(spring, cohort, trial, noise=True).series("spring.level").reshape(3, 2, 2, 3)
    np.testing.assert_allclose(level, np.broadcast_to(level[:, :1, :1], level.shape), rtol=1e-6)
    assert len(set(level[2, 0, 0])) == 3


# -- steps that cannot be used ------------------------------------------------------------------------


def test_steps_of_a_quarter_hour():
    assert [steps_per_quarter(minutes) for minutes in (15, 7.5, 5, 3, 2.5, 1)] == [1, 2, 3, 5, 6, 15]


@pytest.mark.parametrize("minutes", [20, 30, 60, 6, 4, 10])
def test_a_step_that_misses_the_quarter_hours_is_refused(minutes, spring):
    with pytest.raises(InputError, match=f"steps of {minutes} minutes miss.*divides 15 minutes"):
        lives(spring, ("Ann",), step=float(minutes))
    with pytest.raises(InputError, match="or switch noise off"):
        simulate(spring, Cohort.draw(spring, 2), Trial((Protocol("one"),), days=2), step_minutes=minutes, noise=True)
