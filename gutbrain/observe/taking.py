"""How measures are taken: single readings, prompts, stool and practice diaries, records of heartbeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from gutbrain.observe import answers_model, day_curve, resting_heart, sequencing
from gutbrain.observe.measure import Measure
from gutbrain.observe.simulated import Moments, Simulated

WEEK = 7
MOST_MISSING = 0.95  # a wide belief must not empty a study
LEAST_KEPT = 4  # days of a diary from which stools a week are told (assumed)


@dataclass(frozen=True)
class Taken:
    """What a measure gave.

    Attributes
    ----------
    tables : rows by name of their table
    truth : what the model holds at the same moments, rows of `readings`
    figures : the numbers that this study had
    """

    tables: dict[str, pl.DataFrame]
    truth: pl.DataFrame
    figures: dict[str, float] = field(default_factory=dict)


def take(body: Simulated, measure: Measure) -> Taken:
    """Take one measure of all people.

    Parameters
    ----------
    body : people of one world of a run
    measure : the instrument

    Returns
    -------
    Taken : rows of the people who came and answered
    """
    drawn = {
        name: figure.drawn(body.generator(f"{measure.shares or measure.name}, figure {name}"), body.belief)
        for name, figure in measure.figures().items()
    }
    tables, truth = TAKEN[measure.kind](body, measure, drawn)
    return Taken(tables, truth, drawn)


Tables = tuple[dict[str, pl.DataFrame], pl.DataFrame]
Figures = dict[str, float]


def _true_mean(body: Simulated, measure: Measure, moments: Moments, figures: Figures, trait: np.ndarray) -> np.ndarray:
    values = body.at(measure.signals[0], moments.day) * figures.get("scale", 1.0)
    return values * np.exp(trait) if measure.spread == "log-normal" else values + trait


def _true_curve(body: Simulated, measure: Measure, moments: Moments, figures: Figures, trait: np.ndarray) -> np.ndarray:
    """Read a clock hour off the day's curve; a laboratory factor that the signal holds is taken out."""
    signal = measure.signals[0]
    mean, low, high = (body.at(signal, moments.day, of) for of in ("mean", "low", "high"))
    delay = body.parameter("hpa.circadian_phase", 0.0) / 60
    values = day_curve.cortisol(mean, low, high, moments.hour[:, None], delay)
    laboratory = body.parameter(measure.divided_by, 1.0) if measure.divided_by else 1.0
    return values / laboratory * figures.get("scale", 1.0) * np.exp(trait)


def _true_heart(body: Simulated, measure: Measure, moments: Moments, figures: Figures, trait: np.ndarray) -> np.ndarray:
    drive = vagal_drive(body, measure, moments, figures)
    return resting_heart.rmssd(drive, figures["breathing_rate"], figures["tidal_volume"])


def vagal_drive(body: Simulated, measure: Measure, moments: Moments, figures: Figures) -> np.ndarray:
    """Return tone times the person's own vagal strength, array [moments, people]."""
    generator = body.generator(f"{measure.shares or measure.name}, vagal strength")
    strength = np.exp(figures["vagal_spread"] * generator.standard_normal(body.people))
    return body.at(measure.signals[0], moments.day) * strength


READERS: dict[str, Callable[[Simulated, Measure, Moments, Figures, np.ndarray], np.ndarray]] = {
    "daily mean": _true_mean, "day curve": _true_curve, "resting heart": _true_heart,
}  # fmt: skip


def _clock(body: Simulated, measure: Measure, moments: Moments) -> np.ndarray:
    """Return the day of each moment with its clock time as the fraction, array [moments, people]."""
    hours = np.repeat(moments.hour[:, None], body.people, axis=1)
    if measure.schedule.from_waking:
        hours = hours + body.at("sleep.wake_time", moments.day) / 60
    return np.round(moments.day[:, None] + hours / 24, 6)


def _given(body: Simulated, measure: Measure, moments: Moments, missing: float) -> np.ndarray:
    """Return who gave something at each moment, array [moments, people] of bool."""
    generator = body.generator(f"{measure.shares or measure.name}, missing")
    return body.asked(moments) & (generator.uniform(size=(len(moments), body.people)) >= min(missing, MOST_MISSING))


def _trait(body: Simulated, measure: Measure, figures: Figures) -> np.ndarray:
    normal = body.generator(f"{measure.name}, trait").standard_normal(body.people)
    return figures.get("trait", 0.0) * normal


def _reported(
    body: Simulated, measure: Measure, figures: Figures, true: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the instrument shows of true values, and what lies below its limit; arrays like `true`."""
    generator = body.generator(f"{measure.shares or measure.name}, assay")
    laboratory = np.exp(figures.get("assay", 0.0) * generator.standard_normal())
    seen = true * laboratory * np.exp(noise) if measure.spread == "log-normal" else true * laboratory + noise
    if measure.step:
        # Steps are decimal: the product of a whole number and 0.1 is not.
        seen = np.round(np.round(seen / measure.step) * measure.step, 10)
    seen = np.clip(seen, measure.low, measure.high) + 0.0  # no -0
    limit = figures.get("limit", -np.inf)
    below = seen < limit
    return np.where(below, limit, seen), below


def _readings(body: Simulated, measure: Measure, figures: Figures) -> Tables:
    moments = body.moments(measure.schedule)
    true = READERS[measure.read](body, measure, moments, figures, _trait(body, measure, figures))
    normal = body.generator(f"{measure.name}, noise").standard_normal(true.shape)
    seen, below = _reported(body, measure, figures, true, figures.get("noise", 0.0) * normal)
    given = _given(body, measure, moments, figures.get("missing", 0.0))
    return _listed(body, measure, moments, _clock(body, measure, moments), given, seen, true, below)


def _listed(
    body: Simulated, measure: Measure, moments: Moments, day: np.ndarray, given: np.ndarray, seen: np.ndarray,
    true: np.ndarray, below: np.ndarray | None = None,
) -> Tables:  # fmt: skip
    """Turn arrays [moments, people] into rows, person by person."""
    person, moment = np.nonzero(given.T)
    at = moment, person
    place = moments.visit[moment], person, day[at]
    rows = body.readings(measure, *place, seen[at], below=None if below is None else below[at])
    return {"readings": rows}, body.readings(measure, *place, true[at], true=True)


def _prompts(body: Simulated, measure: Measure, figures: Figures) -> Tables:
    """Momentary ratings: the day's mean and a swing that decays from prompt to prompt."""
    schedule, moments = measure.schedule, body.moments(measure.schedule)
    shape = len(moments), body.people
    first, last = schedule.window
    # One prompt in each equal part of the window; measures that share prompts share their moments.
    inside = body.generator(f"{measure.shares or measure.name}, moments").uniform(size=shape)
    hour = first + (last - first) * (moments.hour[:, None] + inside) / schedule.prompts
    normal = body.generator(f"{measure.name}, noise").standard_normal(shape)
    swing = np.empty(shape)
    for number in range(len(moments)):
        kept = 0.0 if moments.hour[number] == 0 else np.exp(-figures["decay"] * (hour[number] - hour[number - 1]))
        before = swing[number - 1] if number else np.zeros(body.people)
        swing[number] = kept * before + np.sqrt(1 - np.square(kept)) * normal[number]
    true = _true_mean(body, measure, moments, figures, _trait(body, measure, figures))
    seen, _ = _reported(body, measure, figures, true, figures["noise"] * swing)
    given = _given(body, measure, moments, figures.get("missing", 0.0))
    day = np.round(moments.day[:, None] + hour / 24, 6)
    return _listed(body, measure, moments, day, given, seen, true)


def _stools(body: Simulated, measure: Measure, figures: Figures) -> Tables:
    """A diary of stools: gaps between them are gamma, more regular than chance; each has a form, or all are counted."""
    shared = measure.shares or measure.name
    moments = body.moments(measure.schedule)
    length = len(measure.schedule.days)
    frequency = body.at("enteric.stools_per_week", moments.day)
    own = figures["frequency_trait"] * body.generator(f"{shared}, frequency").standard_normal(body.people)
    weekly = frequency.reshape(-1, length, body.people).mean(axis=1) * np.exp(own)  # [visits, people]
    kept = _given(body, measure, moments, figures.get("missing", 0.0))
    generator = body.generator(f"{shared}, stools")
    most = int(2 * np.ceil(weekly.max(initial=1))) + 12
    regular = figures["regularity"]
    gaps = generator.gamma(regular, 1 / regular, (most, *weekly.shape))
    # A diary begins somewhere inside a gap, and longer gaps hold more such moments.
    gaps[0] = generator.gamma(regular + 1, 1 / regular, weekly.shape) * generator.uniform(size=weekly.shape)
    moment = np.cumsum(gaps * WEEK / weekly, axis=0)  # days from the begin of the diary
    begins = np.array([visit + measure.schedule.days[0] for visit in body.visits])
    inside = moment < length
    number = np.minimum(moment.astype(int), length - 1)
    on_kept = kept.reshape(-1, length, body.people)
    inside &= on_kept[np.arange(len(begins))[None, :, None], number, np.arange(body.people)]
    if measure.quantity == "stool.frequency":
        return _counted(body, measure, inside.sum(axis=0), on_kept.sum(axis=1), weekly)
    person, visit, stool = np.nonzero(inside.transpose(2, 1, 0))
    day = np.round(begins[visit] + moment[stool, visit, person], 6)
    form = body.each(measure.signals[0], np.floor(day).astype(int), person)
    true = form + _trait(body, measure, figures)[person]
    noise = figures["noise"] * body.generator(f"{measure.name}, noise").standard_normal(len(true))
    seen, _ = _reported(body, measure, figures, true, noise)
    rows = body.readings(measure, visit, person, day, seen)
    return {"readings": rows}, body.readings(measure, visit, person, day, true, true=True)


def _counted(body: Simulated, measure: Measure, stools: np.ndarray, kept: np.ndarray, weekly: np.ndarray) -> Tables:
    """Stools a week over the kept days of each visit; arrays [visits, people]."""
    person, visit = np.nonzero((kept >= LEAST_KEPT).T)
    at = visit, person
    day = np.array(body.visits, float)[visit]
    rows = body.readings(measure, visit, person, day, np.round(WEEK * stools[at] / kept[at], 2))
    return {"readings": rows}, body.readings(measure, visit, person, day, weekly[at], true=True)


def _practice(body: Simulated, measure: Measure, figures: Figures) -> Tables:
    """A diary of practice: on some days it is kept, and then it lasts about as long as sessions do."""
    moments = body.moments(measure.schedule)
    minutes, chance = (body.at(signal, moments.day) for signal in measure.signals)
    assigned = np.nanmax(body.at(measure.signals[1], np.arange(body.days)), axis=0) > 0
    generator = body.generator(f"{measure.name}, noise")
    did = generator.uniform(size=minutes.shape) < chance
    session = np.where(chance > 0, minutes / np.maximum(chance, 1e-9), 0.0)
    noise = figures["noise"] * generator.standard_normal(minutes.shape)
    seen, _ = _reported(body, measure, figures, session, noise)
    # A session that was held is no day without one, however short.
    seen = np.where(did, np.maximum(seen, measure.step), 0.0)
    given = _given(body, measure, moments, figures.get("missing", 0.0)) & assigned
    return _listed(body, measure, moments, _clock(body, measure, moments), given, seen, minutes)


def _beats(body: Simulated, measure: Measure, figures: Figures) -> Tables:
    moments = body.moments(measure.schedule)
    drive = vagal_drive(body, measure, moments, figures)
    given = _given(body, measure, moments, figures.get("missing", 0.0))
    return resting_heart.records(body, measure, moments, drive, given, _clock(body, measure, moments), figures)


def _form(body: Simulated, measure: Measure, figures: Figures) -> Tables:
    moments = body.moments(measure.schedule)
    given = _given(body, measure, moments, figures.get("missing", 0.0))
    return answers_model.answered(body, measure, moments, given, _clock(body, measure, moments), figures)


def _counts(body: Simulated, measure: Measure, figures: Figures) -> Tables:
    moments = body.moments(measure.schedule)
    given = _given(body, measure, moments, figures.get("missing", 0.0))
    return sequencing.sequenced(body, measure, moments, given, _clock(body, measure, moments), figures)


TAKEN: dict[str, Callable[[Simulated, Measure, Figures], Tables]] = {
    "reading": _readings, "prompts": _prompts, "stools": _stools, "practice": _practice, "beats": _beats,
    "form": _form, "counts": _counts,
}  # fmt: skip
