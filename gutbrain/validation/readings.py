"""What an outcome of a virtual trial is before the instrument's error, and how large that error is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from gutbrain.observe.heart_parameters import HeartParameters
from gutbrain.observe.instruments import find_measure
from gutbrain.run.course import PER_DAY
from gutbrain.validation.arms import arms
from gutbrain.validation.designs import Design, Outcome, outcomes
from gutbrain.validation.lives import COURSE_DAYS, Lives

ASSIGNED = 45.0  # minutes a day that the course asks for
HOUR = PER_DAY // 24
SLOW, ORDINARY = 6.0, 15.0  # breaths a minute
PACED_NOISE = {"rmssd": 0.15, "sdnn": 0.15, "rate": 2.0}  # of a five-minute record: ln, ln, beats a minute (assumed)
RATE_SPREAD = 8.0  # SD of resting heart rate between people beyond the model, beats a minute (recalled)


@dataclass(frozen=True)
class Values:
    """One outcome of everybody in one arm.

    Attributes
    ----------
    true : array [columns], on the scale that is analysed; not a number where the person has left
    noise : standard deviation of one reading on that scale, per world array [worlds] or one number
    trait : standard deviation between people that the model does not have, the same number before and after
    raw : these are logarithms, and what is analysed are not
    """

    true: np.ndarray
    noise: float | np.ndarray
    trait: float
    raw: bool = False


def values(lives: Lives, design: Design, name: str, arm: str, *, before: bool = False) -> Values:
    """Return one outcome in one arm at the moment a design reads it.

    Parameters
    ----------
    arm : an arm, or "itself" and "rest" of the design
    before : at the baseline instead: day 0, or the same hours before the exposure
    """
    outcome = outcomes()[name]
    if design.hours is not None:
        found = _acute(lives, design, outcome, arm, before)
        present = np.ones(len(found))
    else:
        found = _daily(lives, design, outcome, arm, before)
        present = lives.present[arm][0 if before else design.day]
    if outcome.heart:
        found = _heart(lives, outcome, found, paced=outcome.paced and not before)
    if outcome.log:
        found = np.log(np.maximum(found, 1e-12))
    found = np.where((present > 0) & ~lives.lost, found, np.nan)
    return Values(found, _noise(lives, outcome, found), _trait(outcome), outcome.raw)


def _daily(lives: Lives, design: Design, outcome: Outcome, arm: str, before: bool) -> np.ndarray:
    series = lives.daily[arm][outcome.signal]
    if before:
        return series[0]
    return np.asarray(series[max(1, design.day - outcome.window + 1) : design.day + 1].mean(axis=0))


def _acute(lives: Lives, design: Design, outcome: Outcome, arm: str, before: bool) -> np.ndarray:
    assert design.hours is not None
    series = lives.steps[arm][outcome.signal]
    begin = PER_DAY + round(HOUR * arms()[design.arm].hour)  # day 1 holds the exposure
    first, last = (begin + round(HOUR * hour) for hour in design.hours)
    if before:
        return series[begin]
    part = series[first : last + 1]
    return np.asarray(part.max(axis=0) if design.peak else part.mean(axis=0))


def _noise(lives: Lives, outcome: Outcome, true: np.ndarray) -> float | np.ndarray:
    if outcome.heart and outcome.paced:
        return PACED_NOISE[outcome.heart]
    if outcome.measure:
        measure = find_measure(outcome.measure)
        each = measure.schedule.prompts or len(measure.schedule.hours)
        return measure.noise.value / float(np.sqrt(len(measure.schedule.days) * each))
    if outcome.reliability is not None:
        spread = np.nanstd(true.reshape(lives.cohort.worlds, -1), axis=1)
        return np.asarray(spread * np.sqrt(1 / outcome.reliability - 1))
    return outcome.noise or 0.0


def _trait(outcome: Outcome) -> float:
    if outcome.heart == "rate":
        return RATE_SPREAD
    return find_measure(outcome.measure).trait.value if outcome.measure else 0.0


def strength(lives: Lives) -> np.ndarray:
    """Return the vagal strength of every column, the same person in every world; array [columns]."""
    normal = np.random.default_rng([lives.cohort.seed, 11]).standard_normal(lives.cohort.people)
    return np.tile(np.exp(HeartParameters().between_vagal * normal), lives.cohort.worlds)


def _heart(lives: Lives, outcome: Outcome, tone: np.ndarray, *, paced: bool) -> np.ndarray:
    """Return a quantity of the heart from vagal tone; what is breathed in slowly is a belief, one volume a world."""
    drive = tone * strength(lives)
    share = np.random.default_rng([lives.cohort.seed, 12]).uniform(size=lives.cohort.worlds)
    found = np.empty_like(drive)
    people = lives.cohort.people
    for world in range(lives.cohort.worlds):
        own = slice(world * people, (world + 1) * people)
        rate, volume = (SLOW, _volume(round(float(share[world]), 1))) if paced else (ORDINARY, 0.5)
        drives, quantities = _link(rate, volume)
        found[own] = np.interp(np.log(drive[own]), drives, quantities[outcome.heart])
    return found


def _volume(share: float) -> float:
    """Return a tidal volume at six breaths, between half a litre and what keeps ventilation, L."""
    from gutbrain.observe.heartbeat import isocapnic_volume

    return 0.5 + share * (float(isocapnic_volume(SLOW)) - 0.5)


@cache
def _link(rate: float, volume: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return logarithms of vagal drive and what the closed form gives there: RMSSD and SDNN (ms), rate (1/min)."""
    from gutbrain.observe.heart_spectrum import expected
    from gutbrain.observe.heartbeat import Breathing, Drive

    drives = np.geomspace(0.2, 4.0, 25)
    found = [expected(Breathing(rate, volume), Drive(vagal=float(drive))) for drive in drives]
    quantities = {
        "rmssd": np.array([one.rmssd for one in found]), "sdnn": np.array([one.sdnn for one in found]),
        "rate": np.array([60000 / one.mean_rr for one in found]),
    }  # fmt: skip
    return np.log(drives), quantities


def practice(lives: Lives, arm: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return practice in a course, arrays [columns].

    Returns
    -------
    minutes a day while the person is there; minutes a day over the whole course; relief in points; 1 for who is there
    at its end
    """
    minutes = lives.daily[arm]["mind.practice_minutes"][1 : COURSE_DAYS + 1]
    there = lives.present[arm][1 : COURSE_DAYS + 1] > 0
    done = (minutes * there).sum(axis=0)
    affect = lives.daily[arm].get("mind.negative_affect")
    relief = affect[0] - affect[COURSE_DAYS - 6 : COURSE_DAYS + 1].mean(axis=0) if affect is not None else 0 * done
    while_there = np.where(there.any(axis=0), done / np.maximum(there.sum(axis=0), 1), np.nan)
    return tuple(  # type: ignore[return-value]
        np.where(lives.lost, np.nan, one) for one in (while_there, done / COURSE_DAYS, relief, there[-1].astype(float))
    )
