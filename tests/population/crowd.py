"""A small axis of people who differ, of whom some leave its bounds, and a trial of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

import numpy as np

from gutbrain.body.whole import AXES
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Input, Param, State, rate
from gutbrain.model.spread import LogNormal, Normal
from gutbrain.plan import Plan


class Crowd(Compartment):
    """A mood that follows a push, and a strain that few people cannot bear."""

    place = "mind"
    negative_affect = State("1", start=20.0, low=0, high=100, about="mood")
    strain = State("1", start=0.0, low=-1, high=1, about="strain")
    push = Input("1", rest=0, signal="protocol.push")
    level = Param(20.0, "1", source="assumed", grade="assumed", between=Normal(sd=6, low=2, high=95))
    weight = Param(-3.0, "1", source="assumed", grade="assumed", belief=Normal(sd=1.0), between=Normal(sd=1.0))
    frailty = Param(0.3, "1", source="assumed", grade="assumed", between=LogNormal(log_sd=1.2))
    wear = Param([1.0, 2.0], "1", source="assumed", grade="assumed", over="kind", between=LogNormal(log_sd=0.1))
    delay = Param(0.5, "day", source="assumed", grade="assumed")
    axes = {"kind": ("a", "b")}

    @rate("negative_affect")
    def follows(self):
        """Mood follows its level and the push."""
        return (self.level + self.weight * self.push - self.negative_affect) / self.delay

    @rate("strain")
    def bears(self):
        """Strain follows the push."""
        return (self.frailty * self.push - self.strain) / self.delay


@cache
def crowd() -> Axis:
    """The axis."""
    return Axis(Crowd(), name="crowd")


def know() -> None:
    """Let this process know the axis by name."""
    AXES["crowd"] = crowd


PLAN = """
title = "A push for many"
axis = "crowd"
days = 17
visits = [0, 9, 16]
course_days = 12
step_minutes = 60
seed = 3

[people]
per_arm = 50
worlds = 3
baseline = "none"

[report]
primary = "mind.negative_affect"
outcomes = ["mind.strain"]
arm = "push"
comparator = "rest"
explain = false
observe = []

[[arm]]
name = "rest"
dropout = 0.2

[[arm]]
name = "push"
acts = [{ lever = "protocol.push", dose = 1.0, start = 1.0, effort = true }]
dropout = 0.3
"""
COLUMNS = 96  # a chunk of 32 people in three worlds


def plan(**people: object) -> Plan:
    """The trial, with other people if asked."""
    whole = Plan.model_validate(tomllib.loads(PLAN))
    return whole.model_copy(update={"people": whole.people.model_copy(update=people)})


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Say whether two arrays hold the same bits."""
    return one.tobytes() == other.tobytes()


@contextmanager
def no_page() -> Iterator[None]:
    """Leave the report out: most of the time of a small run is its drawing."""
    with patch("gutbrain.show.report.write_report"):
        yield
