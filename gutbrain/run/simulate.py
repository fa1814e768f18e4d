"""From a cohort and a trial to a result: one array program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Act, Trial, check_acts, own_rest
from gutbrain.run.result import Result

if TYPE_CHECKING:
    from gutbrain.run.drive import Drive

ENGINES = ("fixed", "adaptive")
REFERENCE_COLUMNS = 64
TRAIT = "affect.trait_negative_affect"
DROPOUT_PER_SD = 0.3  # exp(0.3 z) on the hazard (mind.md, assumed)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Randomised:
    """A cohort spread over arms: columns world by world, with the arm of each."""

    cohort: Cohort
    arm: np.ndarray


def randomise(cohort: Cohort, trial: Trial) -> Randomised:
    """Split the people over the arms at random, or repeat them in every arm if they are twins."""
    arms = len(trial.arms)
    if trial.twins:
        persons = np.tile(np.arange(cohort.people), arms)
        arm = np.repeat(np.arange(arms), cohort.people)
    elif trial.assigned:
        persons, arm = np.arange(cohort.people), np.array(trial.assigned)
    else:
        persons = np.arange(cohort.people)
        order = np.random.default_rng([cohort.seed, 3]).permutation(cohort.people)
        arm = np.empty(cohort.people, int)
        arm[order] = np.arange(cohort.people) % arms
    columns = (np.arange(cohort.worlds)[:, None] * cohort.people + persons).ravel()
    spread = cohort.select(columns, len(persons), cohort.worlds)
    return Randomised(spread, np.tile(arm, cohort.worlds))


def presence(cohort: Cohort, arm: np.ndarray, trial: Trial) -> np.ndarray:
    """Draw who drops out and when, array [days, columns] of 1 and 0.

    The hazard is constant so that the stated share has left at the end of the course, times
    exp(0.3 z) of the person's trait negative affect.
    """
    share = np.array([protocol.dropout for protocol in trial.arms])[arm]
    hazard = -np.log1p(-np.minimum(share, 0.95)) / max(trial.course_days, 1)
    trait = cohort.parameters.get(TRAIT)
    if trait is not None and trait.shape[-1] > 1:
        z = (trait - trait.mean()) / max(float(trait.std()), 1e-9)
        hazard = hazard * np.exp(DROPOUT_PER_SD * z - DROPOUT_PER_SD**2 / 2)
    patience = np.random.default_rng([cohort.seed, 4]).exponential(size=cohort.people)[_who(cohort)]
    leaves = 1 + np.tile(patience, cohort.worlds) / np.maximum(hazard, 1e-12)
    return (np.arange(trial.days)[:, None] < leaves).astype(float)


def drive_of(
    cohort: Cohort, arm: np.ndarray, trial: Trial, steps_per_day: int, present: np.ndarray, average: bool = False
) -> Drive:
    """Turn the acts of a trial into doses [acts, columns] and shapes [steps, acts].

    With `average` nobody differs: every dose is the centre of its belief, kept as people keep it on average.
    """
    from gutbrain.run.drive import Drive

    acts = trial.acts
    begin = np.arange(trial.days * steps_per_day) / steps_per_day
    doses = np.zeros((len(acts), cohort.size))
    for row, (number, act) in enumerate(acts):
        dose = _dose(cohort, replace(act, belief=None, kept=None) if average else act)
        doses[row] = dose if number is None else np.where(arm == number, dose, 0.0)
    shapes = (
        np.stack([act.values(begin, 1 / steps_per_day) for _, act in acts], axis=1)
        if acts
        else np.zeros((len(begin), 0))
    )
    effort = np.array([float(act.effort) for _, act in acts])
    return Drive(tuple(act.lever for _, act in acts), doses, shapes, effort, present)


def _who(cohort: Cohort) -> np.ndarray:
    """Number each person by his name: twins are one person, whatever their arm; array [people]."""
    _, first, number = np.unique(np.array(cohort.names), return_index=True, return_inverse=True)
    return np.asarray(first[number])


def _dose(cohort: Cohort, act: Act) -> np.ndarray:
    """Dose of one act for every column: belief by world, what is kept by person.

    Acts on one lever share their draws: the same doubt about a dose holds in every arm.
    """
    key = crc32(act.lever.encode())
    dose = np.full(cohort.size, float(act.dose))
    known = cohort.beliefs.get(f"act {act.lever}")
    if act.belief is not None and (cohort.worlds > 1 or known is not None):
        normal = np.random.default_rng([cohort.seed, 5, key]).standard_normal(cohort.worlds)
        normal = normal if known is None else known
        dose = np.repeat(np.asarray(act.belief.around(act.dose, normal)), cohort.people)
    if act.kept is not None:
        normal = np.random.default_rng([cohort.seed, 6, key]).standard_normal(cohort.people)[_who(cohort)]
        dose = dose * np.tile(np.asarray(act.kept.around(act.kept_mean, normal)), cohort.worlds)
    elif act.kept_mean != 1.0:
        dose = dose * act.kept_mean
    if act.relative:
        dose = dose * own_rest(cohort.axis, cohort.parameters, act.lever)
    return dose


def simulate(
    axis: Axis,
    cohort: Cohort,
    trial: Trial,
    *,
    step_minutes: float = 15.0,
    labels: tuple[str, ...] | None = None,
    noise: bool = False,
    engine: str = "fixed",
    progress: Progress | None = None,
) -> Result:
    """Simulate a trial.

    Parameters
    ----------
    cohort : drawn people; they are settled here unless they already are
    labels : signals to keep (all by default)
    noise : draw daily events and affect noise from the cohort's seed
    engine : 'fixed' steps for cohorts, or 'adaptive' with error control for a few people, without noise
    progress : called with (what, done, all)

    Raises
    ------
    InputError
        If an act moves no lever of the axis or leaves its range, or the engine cannot do what is asked.
    """
    from gutbrain.run.fixed import integrate
    from gutbrain.run.settle import settle

    check_acts(axis, [act for _, act in trial.acts])
    if engine not in ENGINES:
        raise InputError(f"no engine {engine!r} (known: {', '.join(ENGINES)})")
    if engine == "adaptive":
        _check_reference(cohort.size * (len(trial.arms) if trial.twins else 1), noise)
    if cohort.start is None:
        levers = tuple(act.lever for _, act in trial.acts)
        told = _named(progress, "settling")
        cohort = settle(cohort, step_minutes=step_minutes, levers=levers, labels=labels, progress=told)
    split = randomise(cohort, trial)
    cohort, arm = split.cohort, split.arm
    assert cohort.start is not None
    present = presence(cohort, arm, trial)
    steps = round(1440 / step_minutes)
    drive = drive_of(cohort, arm, trial, steps, present)
    if engine == "adaptive":
        from gutbrain.run.adaptive import follow

        acts = [act for _, act in trial.acts]
        raw = follow(axis, cohort.start, cohort.parameters, acts, drive, days=trial.days, labels=labels)
    else:
        raw = integrate(
            axis, cohort.start, cohort.parameters, drive, days=trial.days, step_minutes=step_minutes, labels=labels,
            noise_seed=cohort.seed if noise else None, progress=_named(progress, "simulating"),
        )  # fmt: skip
    units = tuple(axis.columns[label].unit for label in raw.labels)
    return Result(
        cohort, trial, raw.labels, units, raw.mean, raw.low, raw.high, arm, present, raw.lost_day, raw.lost_row,
        axis.rows, step_minutes,
    )  # fmt: skip


def _check_reference(columns: int, noise: bool) -> None:
    """The reference engine takes common steps for everybody, so it serves a few, and it draws nothing."""
    if noise:
        raise InputError("engine 'adaptive' draws no noise", mend="Switch noise off, or use engine 'fixed'")
    if columns > REFERENCE_COLUMNS:
        raise InputError(
            f"engine 'adaptive' takes {REFERENCE_COLUMNS} people at most (people x worlds), not {columns}",
            mend="Ask for fewer people or worlds, or use engine 'fixed'",
        )


def _named(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else (lambda done, total: progress(what, done, total))


__all__ = ["Result", "presence", "randomise", "simulate"]
