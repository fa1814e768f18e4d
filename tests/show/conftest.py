"""A result made of known numbers, without a simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gutbrain.body.whole import standard
from gutbrain.model.spread import Normal
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Act, Protocol, Trial
from gutbrain.run.result import Result

AFFECT, TONE, BUTYRATE = "mind.negative_affect", "vagus.tone", "colon.butyrate"
GROUPS = ("bacteroidetes", "akkermansia")
PEOPLE, DAYS = 40, 11


def build(worlds: int = 5, twins: bool = False, seed: int = 1) -> Result:
    """Two arms; affect falls by a straight line to 2 + 0.5 * world points (plus a person's own 1 SD) in the course."""
    course = Act("protocol.nonspecific_target", 2.4, 1, 9, effort=True, belief=Normal(sd=0.5), source="Khoury2013")
    control = Act("protocol.nonspecific_target", 2.4, 1, 9, effort=True, source="Khoury2013")
    arms = Protocol("course <b>", (course,)), Protocol("control", (control,))
    trial = Trial(arms, days=DAYS, visits=(0, 5, 10), course_days=9, twins=twins)
    labels = (AFFECT, TONE, BUTYRATE, *(f"colon.relative_abundance[{group}]" for group in GROUPS))
    people = np.arange(PEOPLE)
    columns = PEOPLE * worlds
    world, arm = np.repeat(np.arange(worlds), PEOPLE), np.tile(people // (PEOPLE // 2), worlds)
    # Standardised draws, so that means and SDs are exact: level of mean 20 and SD 10 in each arm, response of SD 1.
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((2, PEOPLE // 2))
    draws = (draws - draws.mean(axis=1, keepdims=True)) / draws.std(axis=1, ddof=1, keepdims=True)
    level, own = (np.tile(np.tile(row, 2), worlds) for row in draws)
    days = np.arange(DAYS)[:, None] / (DAYS - 1)
    fall = np.where(arm == 0, 2 + 0.5 * world + own, 0.0)
    mean = np.empty((DAYS, len(labels), columns), np.float32)
    mean[:, 0] = 20 + 10 * level - days * fall
    mean[:, 1] = 1.0
    mean[:, 2] = 18 + 2 * level + 0 * days
    mean[:, 3], mean[:, 4] = 0.7 - 0.1 * days * (arm == 0), 0.3 + 0.1 * days * (arm == 0)
    axis = standard()
    names = tuple(f"person {n} <i>" for n in range(PEOPLE))
    cohort = Cohort(axis, PEOPLE, worlds, 7, {}, names, {"mucosal loop gain": 3}, residual=np.full(columns, 1e-4))
    units = ("point", "1", "mM", "1", "1")
    present, lost_day = np.ones((DAYS, columns)), np.full(columns, -1)
    return Result(
        cohort, trial, labels, units, mean, mean, mean, arm, present, lost_day, np.zeros(columns, int), axis.rows
    )


@pytest.fixture(scope="session")
def fake() -> Callable[..., Result]:
    """Give tests `build`."""
    return build
