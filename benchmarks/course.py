"""Courses of time at the step of the engine: whatever an axis gives, for scenarios side by side.

The cohort engine keeps daily summaries; acute targets need every step. Columns are scenarios or
people; levers are held at their mean over each step of 15 minutes, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Protocol, check_acts, own_rest
from gutbrain.run.course import PER_DAY, STEP
from gutbrain.run.course import course as run_course
from gutbrain.run.settle import settle


@dataclass(frozen=True)
class Scenario:
    """What one column undergoes.

    Attributes
    ----------
    protocol : acts; day 0 begins at midnight
    values : parameters that differ from the reference person, by full name, declared units
    given : levers as arrays [days * 96], offsets from rest, beside the acts
    """

    protocol: Protocol = field(default_factory=lambda: Protocol("rest"))
    values: Mapping[str, float] = field(default_factory=dict)
    given: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Course:
    """Signals at the begin of each step, arrays [steps, columns], declared units."""

    names: tuple[str, ...]
    signals: Mapping[str, np.ndarray]

    def __getitem__(self, key: tuple[str, str]) -> np.ndarray:
        scenario, signal = key
        return self.signals[signal][:, self.names.index(scenario)]

    def day(self, scenario: str, signal: str, day: int) -> float:
        """Return the mean of one day."""
        return float(self[scenario, signal][day * PER_DAY : (day + 1) * PER_DAY].mean())

    def change(self, scenario: str, signal: str, day: int, against: str = "rest") -> float:
        """Return the mean of one day over the same day of another scenario, minus 1."""
        return self.day(scenario, signal, day) / self.day(against, signal, day) - 1


def reference_courses(axis: Axis, scenarios: Mapping[str, Scenario], days: int, labels: Sequence[str]) -> Course:
    """Run the reference person through each scenario."""
    columns = len(scenarios)
    changed = {name for scenario in scenarios.values() for name in scenario.values}
    parameters = axis.defaults()
    for name in changed:
        rows = [scenario.values.get(name, float(parameters[name][0])) for scenario in scenarios.values()]
        parameters[name] = np.array(rows)
    cohort = Cohort(axis, columns, 1, 0, parameters, tuple(scenarios))
    drives = []
    for column, scenario in enumerate(scenarios.values()):
        acts = scenario.protocol.acts
        check_acts(axis, list(acts))
        begin = np.arange(days * PER_DAY) * STEP
        drive = {name: np.array(values, float) for name, values in scenario.given.items()}
        for act in acts:
            dose = act.dose * act.kept_mean
            if act.relative:
                dose = dose * np.broadcast_to(own_rest(axis, parameters, act.lever), columns)[column]
            drive[act.lever] = drive.get(act.lever, 0.0) + dose * act.values(begin, STEP)
        drives.append(drive)
    levers = tuple(sorted({name for drive in drives for name in drive}))
    moved = np.zeros((days * PER_DAY, len(levers), columns))
    for column, drive in enumerate(drives):
        for name, values in drive.items():
            moved[:, levers.index(name), column] = values
    return course(cohort, levers, moved, days, labels)


def course(cohort: Cohort, levers: tuple[str, ...], moved: np.ndarray, days: int, labels: Sequence[str]) -> Course:
    """Settle a cohort and run it under levers.

    Parameters
    ----------
    moved : array [days * 96, levers, columns], offsets from rest, declared units
    labels : signals to keep
    """
    seen = run_course(settle(cohort, days=0), levers, moved, days, labels)
    return Course(cohort.names, {label: seen[:, place] for place, label in enumerate(labels)})
