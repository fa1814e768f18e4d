"""Small cohorts: trials of the mind alone, laboratory stress, chronic load and transit in drawn people."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.course import PER_DAY, STEP, Course, course
from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.barrier import Barrier
from gutbrain.body.enteric import Enteric
from gutbrain.body.hpa import HPA
from gutbrain.body.immune import Immune
from gutbrain.body.practice import Practice
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Param
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.exposure import public_speech, tsst
from gutbrain.protocols.practice import active_control, attention_control, mbsr, no_treatment, wait_list
from gutbrain.protocols.protocol import Protocol, Trial
from gutbrain.run.result import Result
from gutbrain.run.simulate import simulate

ARMS = (mbsr(), no_treatment(), wait_list(), attention_control(), active_control())
TESTED = 400  # people in each arm and in the laboratory
WEEKS_8, MONTHS_3_TO_6 = 57, 141  # days on which the week before is rated


def effect_size(first: np.ndarray, second: np.ndarray) -> float:
    """Return the difference of means, first minus second, over the pooled SD."""
    pooled = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    return float((first.mean() - second.mean()) / pooled)


# -- trials of the mind -----------------------------------------------------------------------------


@cache
def trial() -> Result:
    """Five arms of the same drawn people, with daily events and swings of affect; drop-outs stay in the analysis."""
    axis = Axis(Appraisal(), Affect(), Practice(), name="mind")
    labels = ("mind.negative_affect", "mind.rumination", "mind.practice_minutes", "mind.practice_kept")
    people = Cohort.draw(axis, TESTED, seed=1)
    return simulate(axis, people, Trial(ARMS, days=MONTHS_3_TO_6 + 1, twins=True), labels=labels, noise=True)


def rated(arm: str, day: int) -> np.ndarray:
    """Return negative affect of one arm over the week before a day, array [people]."""
    result = trial()
    return result.series("mind.negative_affect")[day - 7 : day, result.arm == result.arms.index(arm)].mean(axis=0)


def against(arm: str, day: int) -> float:
    """Return by how many SD negative affect is lower after the course than in another arm."""
    return effect_size(rated(arm, day), rated("mbsr", day))


def practice() -> dict[str, float]:
    """Home practice of those still in the course, and how it goes with relief."""
    result = trial()
    taught = result.arm == 0
    minutes = result.series("mind.practice_minutes")[1:WEEKS_8, taught]
    stayed = result.present[1:WEEKS_8, taught] > 0
    rest = np.broadcast_to(result.cohort.parameters["affect.negative_affect_rest"], len(taught))[taught]
    days = result.series("mind.practice_kept")[WEEKS_8 - 1, taught][stayed[-1]]
    relief = rest - rated("mbsr", WEEKS_8)
    return {
        "share": minutes[stayed].mean() / 45,
        "days a week": 7 * days.mean(),
        "r": np.corrcoef(minutes.mean(axis=0), relief)[0, 1],
    }


def left(arm: str) -> float:
    """Return the share that has left by the end of the course."""
    result = trial()
    return float(1 - result.present[WEEKS_8, result.arm == result.arms.index(arm)].mean())


# -- laboratory stress ------------------------------------------------------------------------------


@cache
def laboratory(kind: str) -> Course:
    """Give drawn people one exposure on day 1: wall, low-grade inflammation and stress axis."""
    protocol: Protocol = {"speech": public_speech(), "social": tsst()}[kind]
    axis = Axis(Barrier(), Immune(), HPA(), name="laboratory")
    begin = np.arange(2 * PER_DAY) * STEP
    height = protocol.acts[0].values(begin, STEP)
    moved = np.repeat(height[:, None, None], TESTED, axis=2)
    labels = ("hpa.cortisol", "hpa.cortisol_salivary", "barrier.permeability", "blood.il6", "blood.crp")
    return course(Cohort.draw(axis, TESTED, seed=2), ("mind.threat",), moved, 2, labels)


def laboratory_change(kind: str, signal: str, hour: float, minutes: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a signal before the exposure and some minutes after its begin, arrays [people]."""
    first = PER_DAY + round(4 * hour)
    values = laboratory(kind).signals[signal]
    return values[first], values[first + round(minutes / 15)]


def leak_of_responders_over_others() -> float:
    """Return the rise of permeability in public speech, of those whose cortisol rises, over that of the others.

    Others: the quarter with the smallest rise of cortisol over the same hours of the day before.
    """
    seen = laboratory("speech").signals
    speech, day_before = slice(PER_DAY + 36, PER_DAY + 45), slice(36, 45)
    rise = (seen["hpa.cortisol"][speech] / seen["hpa.cortisol"][day_before]).max(axis=0)
    leak = seen["barrier.permeability"][speech].mean(axis=0) - 1
    others = rise < np.quantile(rise, 0.25)
    return float(leak[~others].mean() / leak[others].mean())


# -- chronic load, transit, blood -------------------------------------------------------------------


@cache
def hair_cortisol() -> float:
    """Return the rise of mean cortisol in the third month of load 1.3, in SD between people."""
    axis = Axis(HPA(), name="hpa")
    both = Cohort.draw(axis, 100, seed=3)
    means = {}
    for load in (0.0, 0.3):
        moved = np.full((84 * PER_DAY, 1, 100), load)
        seen = course(both, ("mind.chronic_load",), moved, 84, ("hpa.cortisol",))
        means[load] = np.log(seen.signals["hpa.cortisol"][-28 * PER_DAY :].mean(axis=0))
    return effect_size(means[0.3], means[0.0])


@cache
def stools(
    people: int = 20000,
    form: tuple[float, float] = (Enteric.form_slope.value, 0.85),
    frequency: tuple[float, float] = (Enteric.frequency_slope.value, 0.38),
) -> dict[str, np.ndarray]:
    """Draw people's transit and what a diary shows of it: form and frequency with residuals.

    Parameters
    ----------
    form, frequency : slope on the log of transit, and residual in Bristol points or log units

    Residuals of 0.85 and 0.38 are assumed, read-out only (enteric).
    """
    axis = Axis(Enteric(), name="enteric")
    drawn = Cohort.draw(axis, people, seed=4)
    slopes = {"enteric.form_slope": np.array([form[0]]), "enteric.frequency_slope": np.array([frequency[0]])}
    parameters = drawn.parameters | slopes
    y = np.broadcast_to(axis.start(parameters), (len(axis.rows), people))
    reading = axis.read(y, axis.coherent(parameters), {})
    chance = np.random.default_rng(5)
    seen = np.asarray(reading.declared("enteric.stool_form")) + form[1] * chance.standard_normal(people)
    told = np.asarray(reading.declared("enteric.stools_per_week"))
    return {
        "transit": np.asarray(reading.declared("enteric.transit_hours")),
        "colonic transit": np.asarray(reading.declared("enteric.colonic_transit_hours")),
        "form": np.clip(np.round(seen), 1, 7),
        "frequency": np.round(told * np.exp(frequency[1] * chance.standard_normal(people))),
    }


def drawn(param: Param, people: int = 20000) -> np.ndarray:
    """Draw one parameter between people, declared unit."""
    assert param.between is not None
    return np.asarray(param.between.around(param.value, np.random.default_rng(6).standard_normal(people)))
