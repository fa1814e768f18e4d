"""What every engine is given: drawn people, settled, and 84 days of a daily protocol without chance."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gutbrain.protocols.practice import mbsr, slow_breathing
from gutbrain.protocols.protocol import Act, Protocol, Trial
from gutbrain.protocols.shapes import Daily
from gutbrain.run.drive import Drive

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis
    from gutbrain.people.cohort import Cohort

DAYS = 84
PER_DAY = 96  # quarter hours: the step of the cohort engines; every jump of the case lies on one
REFERENCE_RTOL = 1e-9
# Days after which states are compared at midnight. An engine of ours gives states at the end of a run only, so it
# makes a run of each length: what a guard or a plan of steps does to whole runs is in the error.
READS = (1, 3, 7, 14, 28, 42, 56, 70, 84)


@dataclass(frozen=True)
class Person:
    """One person as a solver of one person takes him: arrays [rows], [..., 1] and [acts], declared units."""

    start: np.ndarray
    parameters: Mapping[str, np.ndarray]
    dose: np.ndarray


@dataclass(frozen=True, eq=False)
class Case:
    """People, their protocol and how long it lasts.

    Attributes
    ----------
    cohort : settled people; the first `compared` of them are run by every solver
    settling : CPU seconds that settling took a person, its compilation apart
    """

    cohort: Cohort
    trial: Trial
    drive: Drive
    compared: int
    settling: float

    @property
    def axis(self) -> Axis:
        """The axis of the cohort."""
        return self.cohort.axis

    @property
    def acts(self) -> list[Act]:
        """All acts, in the order of the doses."""
        return [act for _, act in self.trial.acts]

    @property
    def days(self) -> int:
        """Days of the run."""
        return self.trial.days

    @property
    def reads(self) -> list[int]:
        """Days after which states are compared."""
        return [day for day in READS if day < self.days] + [self.days]

    @property
    def span(self) -> np.ndarray:
        """Declared range of each state, array [rows]."""
        low, high = self.axis.bounds
        return np.asarray(high - low)

    def person(self, number: int) -> Person:
        """Return one person."""
        assert self.cohort.start is not None
        own = {name: v if v.shape[-1] == 1 else v[..., [number]] for name, v in self.cohort.parameters.items()}
        return Person(self.cohort.start[:, number], own, self.drive.dose[:, number])

    def first(self, people: int, days: int = 0) -> Case:
        """Return the case with the first people only, and if asked of its first days."""
        days = days or self.days
        cohort = self.cohort.select(np.arange(people), people, 1)
        drive = Drive(
            self.drive.levers, self.drive.dose[:, :people], self.drive.shape[: days * PER_DAY], self.drive.effort,
            self.drive.present[:days, :people],
        )  # fmt: skip
        return Case(cohort, replace(self.trial, days=days), drive, min(people, self.compared), self.settling)


def daily_protocol() -> Protocol:
    """A course of mindfulness, slow breathing every day, and an hour of strain every afternoon."""
    strain = Act("protocol.threat", 0.3, 1, shape=Daily(17, 1), about="an hour of strain every afternoon")
    return mbsr() + slow_breathing(weeks=12) + Protocol("a daily hour of strain", (strain,))


def build(axis: Axis, *, people: int, compared: int, days: int = DAYS, seed: int = 1) -> Case:
    """Draw and settle people, and give them their protocol.

    Parameters
    ----------
    people : people that a cohort engine runs at once
    compared : how many of them every solver runs
    """
    from gutbrain.people.cohort import Cohort
    from gutbrain.run.engines import choose
    from gutbrain.run.settle import settle
    from gutbrain.run.simulate import drive_of

    trial = Trial((daily_protocol(),), days=days, visits=(0,))
    levers = tuple(act.lever for _, act in trial.acts)
    drawn = Cohort.draw(axis, people, seed=seed)
    rest = partial(settle, drawn, levers=levers, labels=axis.rows,
                   integrate=choose("auto", columns=people).settling())  # fmt: skip
    rest()  # compiles
    settling, settled = cpu(rest)
    drive = drive_of(settled, np.zeros(people, int), trial, PER_DAY, np.ones((days, people)))
    return Case(settled, trial, drive, compared, settling / people)


def reference(case: Case, rtol: float = REFERENCE_RTOL) -> np.ndarray:
    """Return the states of the compared people, array [compared, reads, rows], by the adaptive engine.

    It stops at every jump and at every midnight, so that nothing is interpolated.
    """
    from gutbrain.run.adaptive import integrate

    few = case.first(case.compared)
    assert few.cohort.start is not None
    course = integrate(
        few.axis, few.cohort.start, few.cohort.parameters, few.acts, np.arange(case.days + 1.0), dose=few.drive.dose,
        rtol=rtol, jumps=daily_jumps(few),
    )  # fmt: skip
    return np.moveaxis(course[case.reads], 2, 0)


def daily_jumps(case: Case) -> list[float]:
    """Return the times of day at which somebody's night or waking pulse begins or ends, and midnight."""
    values = case.cohort.parameters
    wake = (values["sleep.habitual_wake"] + values["sleep.chronotype"]) / 1440
    bed = wake - values["sleep.night"] / 24
    awake = wake + values["hpa.awakening_duration"] / 1440
    return sorted({0.0, *(round(float(time), 12) % 1.0 for time in np.concatenate([wake, bed, awake]))})


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of `work`, of all its threads, and what it returns."""
    before = _spent()
    value = work()
    return _spent() - before, value


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
