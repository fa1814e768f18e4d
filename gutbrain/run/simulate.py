"""From a cohort and a trial to a result: one array program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Act, Trial, check_acts, own_rest
from gutbrain.run.drive import Drive
from gutbrain.run.engines import choose
from gutbrain.run.result import Result

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
        order = np.random.default_rng(cohort.seeds(3)).permutation(cohort.people)
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
    patience = np.random.default_rng(cohort.seeds(4)).exponential(size=cohort.people)[_who(cohort)]
    leaves = 1 + np.tile(patience, cohort.worlds) / np.maximum(hazard, 1e-12)
    return (np.arange(trial.days)[:, None] < leaves).astype(float)


def drive_of(
    cohort: Cohort, arm: np.ndarray, trial: Trial, steps_per_day: int, present: np.ndarray, average: bool = False
) -> Drive:
    """Turn the acts of a trial into doses [acts, columns] and shapes [steps, acts].

    With `average` nobody differs: every dose is the centre of its belief, kept as people keep it on average.
    """
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
    return Drive(tuple(act.lever for _, act in acts), doses, shapes, effort, present, tuple(act for _, act in acts))


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
        normal = np.random.default_rng([*cohort.seeds(6), key]).standard_normal(cohort.people)[_who(cohort)]
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
    noise : draw daily events and affect noise from the cohort's seed and the names of the people
    engine : a name of `gutbrain.run.engines`, or 'auto'
    progress : called with (what, done, all)

    Raises
    ------
    InputError
        If an act moves no lever of the axis or leaves its range, or the engine cannot do what is asked.
    """
    from gutbrain.run.noise import Noise, steps_per_quarter
    from gutbrain.run.settle import settle

    check_acts(axis, [act for _, act in trial.acts])
    columns = cohort.size * (len(trial.arms) if trial.twins else 1)
    chosen = choose(engine, columns=columns, noise=noise, step_minutes=step_minutes)
    if noise:
        steps_per_quarter(step_minutes)
    if cohort.start is None:
        levers = tuple(act.lever for _, act in trial.acts)
        options: dict[str, Any] = {"step_minutes": step_minutes, "levers": levers, "labels": labels}
        cohort = settle(cohort, **options, integrate=chosen.settling(), progress=_named(progress, "settling"))
    split = randomise(cohort, trial)
    cohort, arm = split.cohort, split.arm
    assert cohort.start is not None
    present = presence(cohort, arm, trial)
    drawn = Noise(cohort.seed, cohort.names * cohort.worlds) if noise else None
    raw = chosen.integrate()(
        axis, cohort.start, cohort.parameters, drive_of(cohort, arm, trial, chosen.shapes(step_minutes), present),
        days=trial.days, step_minutes=step_minutes, labels=labels, noise=drawn, progress=_named(progress, "simulating"),
    )  # fmt: skip
    units = tuple(axis.columns[label].unit for label in raw.labels)
    return Result(
        cohort, trial, raw.labels, units, raw.mean, raw.low, raw.high, arm, present, raw.lost_day, raw.lost_row,
        axis.rows, step_minutes, engine=chosen.name, error=raw.error, runs=raw.runs,
    )  # fmt: skip


def _named(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else (lambda done, total: progress(what, done, total))


__all__ = ["Result", "presence", "randomise", "simulate"]
