"""What the trial answers at points of the cube: each draw is a settled person who lives through both arms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from gutbrain.fit.sensitivity.unknowns import Space
from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Trial, own_rest
from gutbrain.run.drive import Drive
from gutbrain.run.engines import AUTO, Engine, choose
from gutbrain.run.fixed import settled_signals
from gutbrain.run.settle import settle
from gutbrain.run.simulate import drive_of

AT_ONCE = 800  # draws: two blocks of settling and four of running, and some 100 MB
WEEK = 7
UNSETTLED = 0.01  # relative change over the settled day above which a person is not at rest
STILL = 1e-6  # spread below this share of a signal is rounding: runs are kept in single precision

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Asked:
    """The comparison whose unknowns are weighed.

    Attributes
    ----------
    trial : two arms, the arm first and its comparator second; it ends with the week that is looked at
    labels : signals that are kept
    level : the outcome is the level in the arm, not the difference between the arms
    engine : a name of `gutbrain.run.engines`, or 'auto'
    """

    axis: Axis
    trial: Trial
    labels: tuple[str, ...]
    level: bool = False
    step_minutes: float = 15.0
    engine: str = AUTO


@dataclass(frozen=True)
class Answers:
    """Answers at some points, arrays [draws, labels] in the units of the signals.

    Attributes
    ----------
    change : mean of the last week, arm less comparator (or the level in the arm)
    before : mean of day 0, the day before the course, in the comparator
    moved : draws that were brought back to a limit of the axis, array [draws] of bool
    lost : draws that left the bounds of the model or found no rest, array [draws] of bool
    """

    change: np.ndarray
    before: np.ndarray
    moved: np.ndarray
    lost: np.ndarray


def asked_of(
    axis: Axis, trial: Trial, arm: str, comparator: str, signals: tuple[str, ...], level: bool, step_minutes: float,
    engine: str = AUTO,
) -> Asked:  # fmt: skip
    """Return the comparison of two arms of a trial in the last week of its course."""
    by_name = {protocol.name: protocol for protocol in trial.arms}
    last = min(trial.course_days, trial.days - 1)
    pair = (by_name[arm], by_name[comparator])
    short = replace(trial, arms=pair, days=last + 1, visits=(0,), twins=True, assigned=())
    labels = tuple(dict.fromkeys((*signals, *settled_signals(axis))))
    return Asked(axis, short, labels, level, step_minutes, engine)


def answers(asked: Asked, space: Space, points: np.ndarray, told: Told | None = None) -> Answers:
    """Settle and run one person for each point.

    Parameters
    ----------
    points : array [draws, coordinates], 0 to 1
    told : called with (done, all) in thousandths
    """
    pieces = np.array_split(points, max(1, ceil(len(points) / AT_ONCE)))
    found = []
    for number, piece in enumerate(pieces):

        def inner(done: int, total: int, number: int = number) -> None:
            if told is not None:
                told(round(1000 * (number + done / total) / len(pieces)), 1000)

        found.append(_answers(asked, space, piece, inner))
    joined = [np.concatenate([getattr(one, name) for one in found]) for name in ("change", "before", "moved", "lost")]
    return Answers(*joined)


def _answers(asked: Asked, space: Space, points: np.ndarray, told: Told) -> Answers:
    axis, trial, count = asked.axis, asked.trial, len(points)
    parameters, normals, moved = space.values(points)
    people = Cohort(axis, count, 1, 0, parameters, tuple(map(str, range(count))))
    levers = tuple(act.lever for _, act in trial.acts)
    engine = choose(asked.engine, columns=2 * count, step_minutes=asked.step_minutes)
    people = settle(
        people, step_minutes=asked.step_minutes, levers=levers, labels=asked.labels, integrate=engine.settling()
    )
    both = people.select(np.tile(np.arange(count), 2), 2 * count, 1)
    drive = _drive(asked, engine, both, {name: np.tile(normal, 2) for name, normal in normals.items()})
    assert both.start is not None and people.residual is not None
    run = engine.integrate()(
        axis, both.start, both.parameters, drive, days=trial.days, step_minutes=asked.step_minutes,
        labels=asked.labels, progress=told,
    )  # fmt: skip
    week = run.mean[-WEEK:].astype(float).mean(axis=0)
    change = week[:, :count] if asked.level else week[:, :count] - week[:, count:]
    lost = (run.lost_day.reshape(2, count) >= 0).any(axis=0) | ~(people.residual < UNSETTLED)
    lost |= ~np.isfinite(change).all(axis=0)
    return Answers(change.T, run.mean[0, :, count:].astype(float).T, moved[:count] | np.zeros(count, bool), lost)


def _drive(asked: Asked, engine: Engine, both: Cohort, normals: dict[str, np.ndarray]) -> Drive:
    """Return the acts as everybody keeps them on average, with the doses that the draws believe in."""
    trial = asked.trial
    arm = np.repeat(np.arange(2), both.size // 2)
    steps, present = engine.shapes(asked.step_minutes), np.ones((trial.days, both.size))
    drive = drive_of(both, arm, trial, steps, present, average=True)
    dose = drive.dose.copy()
    for row, (number, act) in enumerate(trial.acts):
        normal = normals.get(f"dose of {act.lever}")
        if act.belief is None or normal is None:
            continue
        drawn = np.asarray(act.belief.around(act.dose, normal)) * act.kept_mean
        if act.relative:
            drawn = drawn * own_rest(asked.axis, both.parameters, act.lever)
        dose[row] = drawn if number is None else np.where(arm == number, drawn, 0.0)
    return replace(drive, dose=dose)


def varies(values: np.ndarray, level: np.ndarray) -> bool:
    """Say whether values spread by more than rounding; `level` is the size of the signal itself, arrays [draws]."""
    scale = max(float(np.nanmean(np.abs(level))), 1e-300)
    return float(np.nanstd(values)) > STILL * scale


def filled(values: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Return values with those of lost draws at the median of the others: a design must not have holes."""
    if not lost.any():
        return values
    return np.where(lost, np.median(values[~lost]) if (~lost).any() else 0.0, values)
