"""Virtual trials: people are recruited from the lives, read by instruments with errors, and analysed as in the paper.

In each world of belief the trial is held many times. What the spread of the estimates holds is therefore both: what
nobody knows about the body, and the chance of a trial of this size.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.run.engines import AUTO
from gutbrain.validation.designs import SPECIAL, Design
from gutbrain.validation.lives import Lives, live
from gutbrain.validation.readings import ASSIGNED, Values, practice, values

REPLICATES = 40  # trials in each world
FEWEST = 4  # persons an arm below which nothing is estimated
Z95 = 1.959963984540054
DAYS_LOST = 0.5  # share of the whole loss of diversity that must be reached


@dataclass(frozen=True)
class Predicted:
    """What a trial of this design would have reported.

    Attributes
    ----------
    finding : id
    effect : what endless trials would report in each world, array [worlds]
    draws : estimates of single trials, array [worlds, replicates]; ratios as natural logarithms
    error : standard error that such a trial would have printed, mean over all
    significant : share of the trials with P < .05
    """

    finding: str
    effect: np.ndarray
    draws: np.ndarray
    error: float
    significant: float


def hold(lives: Lives, design: Design, people: int, *, replicates: int = REPLICATES, seed: int = 0) -> Predicted:
    """Hold the trial of a finding again and again.

    Parameters
    ----------
    people : all persons of all its trials
    replicates : times it is held in each world
    """
    generator = np.random.default_rng([lives.cohort.seed, seed, crc32(design.finding.encode())])
    each = max(FEWEST, round(people / design.trials / (1 if design.paired else 2)))
    shape = (replicates, design.trials, each)
    worlds, size = lives.cohort.worlds, lives.cohort.people
    estimates = np.full((worlds, replicates), np.nan)
    errors = np.full((worlds, replicates), np.nan)
    readings = _readings(lives, design)
    for world in range(worlds):
        own = slice(world * size, (world + 1) * size)
        parts = [
            _held(design, [_part(one, own, world) for one in reading], shape, generator) for reading in readings
        ]  # fmt: skip
        mean = np.mean([part[0] for part in parts], axis=0)  # [replicates, trials], over the outcomes of a composite
        # Other people are read for each outcome of a composite, so that their errors are free of each other.
        error = np.sqrt(np.mean([part[1] ** 2 for part in parts], axis=0) / len(parts))
        estimates[world] = np.nanmean(mean, axis=1) * design.sign
        errors[world] = np.sqrt(np.nanmean(error**2, axis=1) / design.trials)
    with np.errstate(invalid="ignore", divide="ignore"):
        significant = np.abs(estimates) / errors > Z95
    # The sign of an effect is no matter of the chance of a few trials: it is that of endless ones.
    known = {
        (design.finding, name): _spread(reading[-1])
        for name, reading in zip(design.outcome, readings, strict=False)
        if len(reading) > 1
    }
    return Predicted(
        design.finding, true_effects(lives, design, known), estimates, float(np.nanmean(errors)),
        float(significant[np.isfinite(estimates)].mean()) if np.isfinite(estimates).any() else float("nan"),
    )  # fmt: skip


Spreads = Mapping[tuple[str, str], float]


def spreads(
    axis: Axis, people: Cohort, chosen: Mapping[str, Design], *, step_minutes: float = 15.0, engine: str = AUTO
) -> Spreads:
    """Return how people differ, instrument included, by finding and outcome.

    Untreated, as baselines are; in the laboratory the mean of the spreads before and after the exposure, which is what
    reviews of acute changes divide by.
    """
    rests = {
        name: design if design.hours is not None else replace(design, arm="none", against=("itself",))
        for name, design in chosen.items()
    }
    lives = live(axis, people, rests, step_minutes=step_minutes, engine=engine)
    found = {}
    for finding, design in chosen.items():
        for name in design.outcome:
            if name in SPECIAL or design.estimate == "days":
                continue
            arm = rests[finding].arm
            sizes = [_spread(values(lives, design, name, arm, before=True))]
            if design.hours is not None:
                sizes.append(_spread(values(lives, design, name, arm)))
            found[finding, name] = float(np.sqrt(np.mean(np.square(sizes))))
    return found


def _spread(one: Values) -> float:
    noise = float(np.mean(np.square(one.noise))) + one.trait**2
    if one.raw:  # what multiplies, on the scale that is analysed
        values = np.exp(one.true)
        return float(np.sqrt(np.nanvar(values, ddof=1) + np.nanmean(values) ** 2 * np.expm1(noise)))
    return float(np.sqrt(np.nanvar(one.true, ddof=1) + noise))


def true_effects(lives: Lives, design: Design, known: Spreads) -> np.ndarray:
    """Return the effect that endless trials would report in each world, array [worlds].

    Parameters
    ----------
    known : how people differ, for estimates in standard deviations: few people in a world cannot tell
    """
    worlds, size = lives.cohort.worlds, lives.cohort.people
    readings = _readings(lives, design)
    found = np.empty(worlds)
    for world in range(worlds):
        own = slice(world * size, (world + 1) * size)
        parts = []
        for place, reading in enumerate(readings):
            pool = [_part(one, own, world) for one in reading]
            spread = known.get((design.finding, design.outcome[place]), 1.0)
            parts += [_whole(design, pool[0], rival, spread) for rival in pool[1:]] or [_mean(pool[0].true)]
        found[world] = np.mean(parts) * design.sign
    return found


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _readings(lives: Lives, design: Design) -> list[list[Values]]:
    """Return, for each outcome, the values of the arm and of what it is compared with."""
    if design.outcome[0] in SPECIAL:
        minutes, overall, relief, there = practice(lives, design.arm)
        kinds = {
            "per cent": (100 * minutes / ASSIGNED,), "correlation": (overall, relief), "share": (100 * (1 - there),),
        }  # fmt: skip
        return [[Values(one, 0.0, 0.0) for one in kinds[design.estimate]]]
    if design.estimate == "days":
        series = lives.daily[design.arm]["colon.genus_shannon"]
        loss = series[0] - series
        reached = loss >= DAYS_LOST * loss.max(axis=0)
        first = np.where(lives.lost, np.nan, reached.argmax(axis=0).astype(float) - 1)  # the course begins on day 1
        return [[Values(first, 0.0, 0.0)]]
    found = []
    for name in design.outcome:
        mine = values(lives, design, name, design.arm)
        if design.against == ("itself",):
            others = [values(lives, design, name, design.arm, before=True)]
        elif design.against == ("rest",):
            others = [values(lives, design, name, "laboratory" if design.hours else "none")]
        else:
            others = [values(lives, design, name, arm) for arm in design.against]
        found.append([mine, *others])
    return found


def _part(one: Values, own: slice, world: int) -> Values:
    noise = one.noise if np.ndim(one.noise) == 0 else np.asarray(one.noise)[world]
    return Values(one.true[own], float(noise), one.trait, one.raw)


def _recruit(
    pool: Values, shape: tuple[int, ...], generator: np.random.Generator, who: np.ndarray, trait: np.ndarray
) -> np.ndarray:
    found = pool.true[who] + pool.trait * trait + float(pool.noise) * generator.standard_normal(shape)
    return np.asarray(np.exp(found) if pool.raw else found)


def _held(
    design: Design, pool: list[Values], shape: tuple[int, ...], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return estimate and standard error of every trial, arrays [replicates, trials]."""
    size = len(pool[0].true)
    who, trait = generator.integers(size, size=shape), generator.standard_normal(shape)
    mine = _recruit(pool[0], shape, generator, who, trait)
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a trial whose people all left gives no estimate
        if len(pool) == 1:
            count = (~np.isnan(mine)).sum(axis=-1)
            return np.nanmean(mine, axis=-1), np.nanstd(mine, axis=-1, ddof=1) / np.sqrt(count)
        if design.estimate == "correlation":
            return _correlated(mine, pool[1].true[who])
        if design.paired:
            return _paired(design, mine, _recruit(pool[1], shape, generator, who, trait))
        others = [
            _recruit(pool[1 + number % (len(pool) - 1)], (shape[0], shape[2]), generator,
                     generator.integers(size, size=(shape[0], shape[2])),
                     generator.standard_normal((shape[0], shape[2])))
            for number in range(shape[1])
        ]  # fmt: skip
        return _apart(mine, np.stack(others, axis=1))


def _apart(mine: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count, rivals = (~np.isnan(mine)).sum(axis=-1), (~np.isnan(other)).sum(axis=-1)
    pooled = np.sqrt((np.nanvar(mine, axis=-1, ddof=1) + np.nanvar(other, axis=-1, ddof=1)) / 2)
    found = (np.nanmean(mine, axis=-1) - np.nanmean(other, axis=-1)) / pooled
    return found, np.sqrt(1 / count + 1 / rivals + found**2 / (2 * (count + rivals)))


def _paired(design: Design, mine: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = np.where(np.isnan(mine), np.nan, other)
    change = mine - both
    count = (~np.isnan(change)).sum(axis=-1)
    if design.estimate == "ratio":
        found = np.log(np.nanmean(np.exp(mine), axis=-1) / np.nanmean(np.exp(both), axis=-1))
        return found, np.nanstd(change, axis=-1, ddof=1) / np.sqrt(count)
    spread = np.sqrt((np.nanvar(both, axis=-1, ddof=1) + np.nanvar(mine, axis=-1, ddof=1)) / 2)
    return np.nanmean(change, axis=-1) / spread, np.nanstd(change, axis=-1, ddof=1) / spread / np.sqrt(count)


def _correlated(minutes: np.ndarray, relief: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    here = ~np.isnan(minutes)
    count = here.sum(axis=-1)
    relief = np.where(here, relief, np.nan)
    x = minutes - np.nanmean(minutes, axis=-1, keepdims=True)
    y = relief - np.nanmean(relief, axis=-1, keepdims=True)
    r = np.nansum(x * y, axis=-1) / np.sqrt(np.nansum(x * x, axis=-1) * np.nansum(y * y, axis=-1))
    return r, (1 - r**2) / np.sqrt(np.maximum(count - 1, 1))


def _whole(design: Design, mine: Values, other: Values, spread: float) -> float:
    """Return one estimate from all values of a world."""
    both = np.isfinite(mine.true) & np.isfinite(other.true)
    if not both.any():
        return float("nan")
    if design.estimate == "correlation":
        return float(_correlated(np.where(both, mine.true, np.nan), other.true)[0])
    if design.estimate == "ratio":
        return float(np.log(np.exp(mine.true[both]).mean() / np.exp(other.true[both]).mean()))
    first, second = (np.exp(one.true) if one.raw else one.true for one in (mine, other))
    if design.paired:
        return float((first[both] - second[both]).mean() / spread)
    return (_mean(first) - _mean(second)) / spread
