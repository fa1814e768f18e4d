"""Item answers to the PSS-10: ordinal answers around an expected score, as reliable as those of students were.

Graded model: each item has the person's level, a share of a second factor that sets reversed against
other items without moving the sum, and noise; the answer is the nearest step of the form.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import ndtr

from gutbrain.observe.forms import find

if TYPE_CHECKING:
    from gutbrain.observe.measure import Measure
    from gutbrain.observe.simulated import Moments, Simulated

LEVELS = np.linspace(-6.0, 10.0, 801)


@cache
def expected_score(form: str, noise: float, facet: float) -> np.ndarray:
    """Return the expected sum at each of `LEVELS`, array [levels]; the second factor is averaged out."""
    asked = find(form)
    low, high = asked.ranges[asked.items[0]]
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    total = np.zeros_like(LEVELS)
    for loading in facet_loadings(form, facet):
        mean = LEVELS[:, None] + loading * nodes
        steps = np.arange(low, high) + 0.5
        answer = low + ndtr((mean[..., None] - steps) / max(noise, 1e-9)).sum(axis=-1)
        total += answer @ (weights / weights.sum())
    return total


def facet_loadings(form: str, facet: float) -> np.ndarray:
    """Return the loading of each mirrored item on the second factor, array [items]; they sum to 0."""
    asked = find(form)
    reverse = np.array([item in asked.reverse for item in asked.items])
    return np.where(reverse, -facet * (~reverse).sum() / max(reverse.sum(), 1), facet)


def level_of(score: np.ndarray, form: str, noise: float, facet: float) -> np.ndarray:
    """Return the level at which a sum is expected; sums beyond the form's ends are held just inside them."""
    expected = expected_score(form, noise, facet)
    return np.interp(np.clip(score, expected[0], expected[-1]), expected, LEVELS)


def items(
    score: np.ndarray, second: np.ndarray, form: str, noise: float, facet: float, generator: np.random.Generator
) -> np.ndarray:
    """Draw answers as the form prints them.

    Parameters
    ----------
    score : expected sum of each sheet, array [...]
    second : standard normal of the second factor, array like `score`
    form : name of the form
    noise, facet : standard deviation of one item's noise; loading on the second factor

    Returns
    -------
    array [..., items] of whole numbers
    """
    asked = find(form)
    low, high = asked.ranges[asked.items[0]]
    level = level_of(score, form, noise, facet)[..., None] + facet_loadings(form, facet) * second[..., None]
    drawn = level + noise * generator.standard_normal((*score.shape, len(asked.items)))
    answers = np.clip(np.round(drawn), low, high)
    reverse = np.array([item in asked.reverse for item in asked.items])
    return np.where(reverse, low + high - answers, answers)


def true_scores(body: Simulated, measure: Measure, moments: Moments, figures: dict[str, float]) -> np.ndarray:
    """Return the score that a person without item noise would have, array [moments, people].

    The mean affect of the recall period is standardised by the population's spread; what it does not
    explain is a trait of the person.
    """
    recall = np.arange(1 - round(figures["recall_days"]), 1)
    days = moments.day[:, None] + recall
    affect = body.at(measure.signals[0], days.ravel()).reshape(*days.shape, body.people).mean(axis=1)
    z = (affect - figures["affect_mean"]) / figures["affect_sd"]
    own = body.generator(f"{measure.name}, trait").standard_normal(body.people)
    loading = min(figures["loading"], 1.0)
    mixed = loading * z + np.sqrt(1 - loading**2) * own
    asked = find(measure.quantity)
    low, high = asked.scales["total"].low, asked.scales["total"].high
    return np.clip(figures["mean"] + figures["sd"] * np.sqrt(figures["alpha"]) * mixed, low, high)


def answered(
    body: Simulated, measure: Measure, moments: Moments, given: np.ndarray, day: np.ndarray, figures: dict[str, float]
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Draw the sheets of everybody who came; rows of `answers`, and the expected scores as truth."""
    form = find(measure.quantity)
    score = true_scores(body, measure, moments, figures)
    second = np.broadcast_to(
        body.generator(f"{measure.name}, second factor").standard_normal(body.people), score.shape
    )
    generator = body.generator(f"{measure.name}, noise")
    values = items(score, second, form.name, figures["item_noise"], figures["facet"], generator)
    filled = given[..., None] & (generator.uniform(size=values.shape) >= figures["skipped"])
    person, moment, item = np.nonzero(filled.transpose(1, 0, 2))
    at = moment, person
    rows = body.keys(moments.visit[moment], person, day[at]) | {
        "form": pl.repeat(form.name, len(item), eager=True),
        "item": pl.Series(form.items, dtype=pl.String).gather(item.tolist()),
        "value": pl.Series(values[moment, person, item], dtype=pl.Float64),
    }
    person, moment = np.nonzero(given.T)
    at = moment, person
    true = body.readings(
        measure, moments.visit[moment], person, day[at], score[at], quantity=f"{form.name}.total", true=True
    )
    return {"answers": pl.DataFrame(rows)}, true
