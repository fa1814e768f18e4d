"""The right-hand side alone is that of the axis, at any moment, state and dose."""

from __future__ import annotations

import numpy as np
import pytest

from gutbrain.body.whole import standard
from gutbrain.people.cohort import Cohort

pytest.importorskip("llvmlite", reason="needs the extra 'lanes'")

from gutbrain.run.lanes.rates import Rates

LEVERS = ("protocol.threat", "protocol.fibre_extra", "protocol.threat")


@pytest.fixture(scope="module")
def axis():
    return standard()


@pytest.fixture(scope="module")
def rates(axis):
    return Rates(axis, LEVERS)


def of_axis(axis, parameters, time, held, y, doses):
    moved = {"clock.time": time, "clock.step_start": held, "clock.step": 0.0}
    for lever, dose in zip(LEVERS, doses, strict=True):
        moved[lever] = moved.get(lever, 0.0) + dose
    return np.asarray(axis.read(y[:, None], axis.coherent(parameters), moved).vector())[:, 0]


def person(cohort, number):
    return {name: value[..., [number]] if value.shape[-1] > 1 else value for name, value in cohort.parameters.items()}


def test_rates_are_those_of_the_axis(axis, rates):
    """Of people, moments of the day, doses and states away from rest: the balances are followed, not only begun."""
    cohort = Cohort.draw(axis, people=3, worlds=1, seed=5)
    low, high = axis.bounds
    generator = np.random.default_rng(0)
    for number in range(3):
        mine = person(cohort, number)
        start = axis.start(mine)[:, 0]
        rates.place(mine)
        for held in (0.1, 0.31, 4.7, 12.45):
            doses = generator.uniform(0, 0.3, 3)
            rates.hold(held, doses)
            for moment in held + np.array([-0.01, 0.0, 0.02]):
                y = np.clip(start * generator.uniform(0.8, 1.2, len(start)), low, high)
                found, wanted = rates(moment, y), of_axis(axis, mine, moment, held, y, doses)
                assert np.max(np.abs(found - wanted) / (high - low)) < 1e-9


def test_another_person_is_another(axis, rates):
    cohort = Cohort.draw(axis, people=2, worlds=1, seed=5)
    found = []
    for number in (0, 1, 0):
        mine = person(cohort, number)
        rates.place(mine)
        rates.hold(0.4, np.zeros(3))
        found.append(rates(0.4, axis.start(person(cohort, 0))[:, 0]).copy())
    assert np.array_equal(found[0], found[2])
    assert not np.allclose(found[0], found[1])
