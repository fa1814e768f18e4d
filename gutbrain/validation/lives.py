"""Lives: one cohort lived through every arm, once; all virtual trials draw their people from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Trial, check_acts
from gutbrain.run.course import PER_DAY, course
from gutbrain.run.drive import Drive
from gutbrain.run.engines import AUTO, choose
from gutbrain.run.fixed import settled_signals
from gutbrain.run.settle import settle
from gutbrain.run.simulate import drive_of, presence
from gutbrain.validation.arms import arms
from gutbrain.validation.designs import Design, shared_arms, signals

Progress = Callable[[str, int, int], None]
COURSE_DAYS = 56


@dataclass(frozen=True)
class Lives:
    """What people lived in each arm.

    Attributes
    ----------
    cohort : settled people, worlds x people columns
    daily : by arm and signal, array [days, columns]
    present : by arm, array [days, columns], 1 while the person is in the trial
    steps : by acute arm and signal, array [days * 96, columns]
    lost : columns that left the bounds of the model in some arm, array [columns] of bool
    engine : what let them live
    """

    cohort: Cohort
    daily: Mapping[str, Mapping[str, np.ndarray]]
    present: Mapping[str, np.ndarray]
    steps: Mapping[str, Mapping[str, np.ndarray]]
    lost: np.ndarray
    engine: str = ""


def live(
    axis: Axis, cohort: Cohort, chosen: dict[str, Design], *, step_minutes: float = 15.0,
    engine: str = AUTO, progress: Progress | None = None,
) -> Lives:  # fmt: skip
    """Let a cohort live through every arm that the designs need.

    Parameters
    ----------
    cohort : drawn people; they are settled here
    engine : a name of `gutbrain.run.engines`, or 'auto'
    chosen : designs by finding
    progress : called with (what, done, all)
    """
    lengths = shared_arms(chosen)
    slow = [name for name in lengths if not arms()[name].acute]
    trial = Trial(tuple(arms()[name].protocol for name in slow), twins=True, course_days=COURSE_DAYS)
    check_acts(axis, [act for _, act in trial.acts])
    levers = tuple(act.lever for _, act in trial.acts)
    abreast = cohort.size * max(Counter(lengths[name] for name in slow).values(), default=1)
    lived_by = choose(engine, columns=abreast, step_minutes=step_minutes)
    # What settling needs is kept in the runs as well, so that one compiled day serves both.
    read = tuple(dict.fromkeys((*signals(chosen, acute=False), *settled_signals(axis))))
    people = settle(
        cohort, step_minutes=step_minutes, levers=levers, labels=read, integrate=lived_by.settling(),
        progress=None if progress is None else lambda done, total: progress("settling", done, total),
    )  # fmt: skip
    lost = ~np.isfinite(people.residual) if people.residual is not None else np.zeros(people.size, bool)
    assert people.start is not None
    daily, present = {}, {}
    total, done = sum(lengths[name] for name in slow), 0
    for days in sorted({lengths[name] for name in slow}):
        group = [name for name in slow if lengths[name] == days]
        columns, arm = np.tile(np.arange(people.size), len(group)), np.repeat(group, people.size)
        run = lived_by.integrate()(
            axis, people.start[:, columns], _spread(people, columns),
            _drive(people, trial, slow, group, days, lived_by.shapes(step_minutes)), days=days, labels=read,
            step_minutes=step_minutes,
        )  # fmt: skip
        for name in group:
            mine = arm == name
            daily[name] = {label: run.mean[:, place, mine].astype(float) for place, label in enumerate(read)}
            present[name] = _present(people, trial, slow, name, days)
            lost = lost | (run.lost_day[mine] >= 0)
        done += days * len(group)
        if progress is not None:
            progress("living", done, total)
    steps = {name: _acute(people, name, signals(chosen, acute=True)) for name in lengths if arms()[name].acute}
    return Lives(people, daily, present, steps, lost, lived_by.name)


def _spread(people: Cohort, columns: np.ndarray) -> dict[str, np.ndarray]:
    return {name: v if v.shape[-1] == 1 else v[..., columns] for name, v in people.parameters.items()}


def _present(people: Cohort, trial: Trial, slow: list[str], name: str, days: int) -> np.ndarray:
    """Return who is still there in one arm, array [days, columns]; patience belongs to the person."""
    return presence(people, np.full(people.size, slow.index(name)), replace(trial, days=days, visits=(0,)))


def _drive(people: Cohort, trial: Trial, slow: list[str], group: list[str], days: int, per_day: int) -> Drive:
    """Lay the drives of the arms of one length side by side; all acts stand in each, so that one program serves."""
    short = replace(trial, days=days, visits=(0,))
    parts = [
        drive_of(people, np.full(people.size, slow.index(name)), short, per_day, _present(people, trial, slow, name,
                                                                                          days))
        for name in group
    ]  # fmt: skip
    first = parts[0]
    dose = np.concatenate([part.dose for part in parts], axis=1)
    return Drive(first.levers, dose, first.shape, first.effort, np.concatenate([p.present for p in parts], axis=1))


def _acute(people: Cohort, name: str, read: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Run one laboratory arm at every step; all laboratory arms share their levers."""
    laboratory = [arm for arm in arms().values() if arm.acute]
    levers = tuple(dict.fromkeys(act.lever for arm in laboratory for act in arm.protocol.acts))
    days = arms()[name].days
    begin = np.arange(days * PER_DAY) / PER_DAY
    moved = np.zeros((days * PER_DAY, len(levers), 1))
    for act in arms()[name].protocol.acts:
        moved[:, levers.index(act.lever), 0] += act.dose * act.values(begin, 1 / PER_DAY)
    seen = course(people, levers, np.broadcast_to(moved, (*moved.shape[:2], people.size)), days, read, warm=0)
    return {label: seen[:, place] for place, label in enumerate(read)}
