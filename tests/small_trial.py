"""A small axis whose shares of variance are known exactly: the effect is gain x weight + other."""

from __future__ import annotations

from functools import cache

import numpy as np

from gutbrain.model.axis import Axis, Limit
from gutbrain.model.compartment import Compartment, Input, Param, State, rate
from gutbrain.model.spread import LogNormal, Normal

GAIN, WEIGHT, OTHER = (1.0, 0.5), (1.0, 0.3), (0.0, 0.4)  # centre and standard deviation of belief
VARIANCE = 0.5**2 + 0.3**2 + 0.5**2 * 0.3**2 + 0.4**2
ALONE = {"gut.gain": 0.5**2 / VARIANCE, "mood.weight": 0.3**2 / VARIANCE, "mood.other": 0.4**2 / VARIANCE}
TOGETHER = 0.5**2 * 0.3**2 / VARIANCE


class Gut(Compartment):
    """A signal that follows a push."""

    signal = State("1", start=0.0, low=-100, high=100, about="signal of the gut")
    push = Input("1", rest=0, signal="protocol.push")
    gain = Param(GAIN[0], "1", source="Measured2000", grade="measured", about="signal for a push",
                 belief=Normal(sd=GAIN[1]))  # fmt: skip
    delay = Param(0.1, "day", source="Measured2000", grade="measured")
    idle = Param([1.0, 1.0], "1", source="assumed", grade="assumed", over="kind", belief=LogNormal(log_sd=0.5))
    axes = {"kind": ("a", "b")}

    @rate("signal")
    def follows(self):
        """The signal follows the push."""
        return (self.gain * self.push - self.signal) / self.delay


class Mood(Compartment):
    """A mood that listens to the gut, and a little to the push itself."""

    place = "mind"
    negative_affect = State("1", start=0.0, low=-100, high=100, about="mood")
    still = State("1", start=1.0, low=-100, high=100, about="what nothing moves")
    signal = Input("1", rest=0, signal="gut.signal")
    push = Input("1", rest=0, signal="protocol.push")
    weight = Param(WEIGHT[0], "1", source="assumed", grade="assumed", about="mood for a signal",
                   belief=Normal(sd=WEIGHT[1]))  # fmt: skip
    other = Param(OTHER[0], "1", source="Recalled1999", grade="recalled", about="mood for a push",
                  belief=Normal(sd=OTHER[1]))  # fmt: skip
    shut = Param(0.0, "1", source="assumed", grade="assumed", closed=True, belief=Normal(sd=1.0))
    delay = Param(0.1, "day", source="Measured2000", grade="measured")

    @rate("negative_affect")
    def listens(self):
        """Mood follows the signal and the push."""
        return (self.weight * self.signal + (self.other + self.shut) * self.push - self.negative_affect) / self.delay

    @rate("still")
    def rests(self):
        """Nothing moves it."""
        return (1 - self.still) / self.delay


@cache
def small() -> Axis:
    """The axis without a limit."""
    return Axis(Gut(), Mood(), name="small")


@cache
def limited() -> Axis:
    """The same with a gain that stays below 1.5."""
    limit = Limit("gain", lambda values: np.asarray(values["gut.gain"]), 1.5, "a test")
    return Axis(Gut(), Mood(), name="limited", limits=(limit,))


PLAN = """
title = "A push"
axis = "small"
days = 10
visits = [0, 9]
course_days = 9
seed = 3

[report]
primary = "mind.negative_affect"
outcomes = ["mind.negative_affect", "gut.signal", "mind.still"]
arm = "push"
comparator = "rest"

[[arm]]
name = "rest"

[[arm]]
name = "push"
acts = [{ lever = "protocol.push", dose = 1.0, start = 1.0 }]
"""
