"""Everybody's own parameters, and the course of the hidden states with all that was seen before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import jax.numpy as jnp
import numpy as np
import polars as pl
from scipy.stats import norm

from gutbrain.fit.coupling.filter import Course, Passed, all_passed
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.likelihood import Likelihood
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.plain import full_of, own_of, returns, spread_factor, usual
from gutbrain.run.compiled import compiled

DRAWS = 30  # of the population's parameters, for what their uncertainty adds to a person's
AHEAD = 20  # occasions of a forecast


@dataclass(frozen=True)
class Followed:
    """The filter's course over a panel, occasion by occasion, the panel longer by a forecast.

    Parameters
    ----------
    panel : with occasions after each person's end, at which nothing is seen
    future : array [occasions], where those are
    before, after : arrays [occasions, states], expected from what came before, and from what is seen then too;
        states are the processes and then the random effects on means (standard normal)
    before_covariance, after_covariance : arrays [occasions, states, states]
    transition : array [occasions, processes, states]
    loadings : array [occasions, indicators, states]; mean, error : arrays [occasions, indicators]; error is a variance
    cuts : thresholds of ordinal indicators, one array [occasions, categories - 1] each
    """

    panel: Panel
    future: np.ndarray
    before: np.ndarray
    before_covariance: np.ndarray
    after: np.ndarray
    after_covariance: np.ndarray
    transition: np.ndarray
    loadings: np.ndarray
    mean: np.ndarray
    error: np.ndarray
    cuts: tuple[np.ndarray, ...]

    @property
    def last(self) -> np.ndarray:
        """Array [people]: the last occasion of each."""
        return np.r_[np.flatnonzero(self.panel.first)[1:] - 1, len(self.future) - 1]

    def seen_by(self, state: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance [occasions, indicators] of the linear predictor without error, given states."""
        middle = self.mean + np.einsum("omi,oi->om", self.loadings, state)
        return middle, np.einsum("omi,oij,omj->om", self.loadings, covariance, self.loadings)

    @cached_property
    def smoothed(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean [occasions, states] and covariance [occasions, states, states] of the states given everything seen.

        Source: Rauch, Tung & Striebel 1965, doi 10.2514/3.3166.
        """
        states = self.before.shape[1]
        processes = self.transition.shape[1]
        move = np.zeros((len(self.future), states, states))
        move[:, :processes] = self.transition
        move[:, range(processes, states), range(processes, states)] = 1.0
        if not np.isfinite(self.before_covariance).all():
            return np.full_like(self.after, np.nan), np.full_like(self.after_covariance, np.nan)
        # Scaled to correlations first, so that a state with a small unit is not taken for one that is known.
        scale = np.sqrt(np.maximum(np.diagonal(self.before_covariance, axis1=1, axis2=2), 1e-300))
        unit = self.before_covariance / (scale[:, :, None] * scale[:, None])
        undone = np.linalg.pinv(unit, rcond=1e-12, hermitian=True) / (scale[:, :, None] * scale[:, None])
        back = np.zeros_like(move)
        back[:-1] = self.after_covariance[:-1] @ move[1:].swapaxes(1, 2) @ undone[1:]
        mean, covariance = self.after.copy(), self.after_covariance.copy()
        starts = np.flatnonzero(self.panel.first)
        lengths = np.diff(np.r_[starts, len(self.future)])
        for step in range(int(lengths.max()) - 2, -1, -1):
            at = starts[lengths > step + 1] + step
            mean[at] += np.einsum("oij,oj->oi", back[at], mean[at + 1] - self.before[at + 1])
            gained = covariance[at + 1] - self.before_covariance[at + 1]
            covariance[at] += back[at] @ gained @ back[at].swapaxes(1, 2)
        return mean, covariance


class Follower:
    """Runs the filter of a fit over its panel and beyond; compiled once.

    Parameters
    ----------
    fitted : the fit; random effects other than on means are held at everybody's most likely ones
    ahead : days to forecast; by default what the slowest return takes, at most a quarter of the record
    """

    def __init__(self, fitted: Fitted, ahead: float | None = None) -> None:
        self.fitted = fitted
        self.panel, self.future = longer(fitted.panel, horizon(fitted) if ahead is None else ahead)
        likelihood = Likelihood(fitted.model, self.panel)
        self.cases = likelihood.cases
        self.effects = jnp.asarray(fitted.effects) if fitted.model.curved else None

        def followed(free: jnp.ndarray) -> tuple[Course, Passed]:
            course = likelihood.course(free, self.effects)
            return course, all_passed(course, likelihood.kinds)

        self.run: Callable[[jnp.ndarray], tuple[Course, Passed]] = compiled(followed)

    def follow(self, free: np.ndarray | None = None) -> Followed:
        """Return the course under the estimates, or under other parameters."""
        course, passed = self.run(jnp.asarray(self.fitted.free if free is None else free))
        at = self.cases.at[self.cases.used]

        def rows(array: object) -> np.ndarray:
            given = np.moveaxis(np.asarray(array), -1, 1)[self.cases.used]
            made = np.empty_like(given)
            made[at] = given
            return made

        return Followed(
            self.panel, self.future, rows(passed.before), rows(passed.before_covariance), rows(passed.after),
            rows(passed.after_covariance), rows(course.transition), rows(course.loadings), rows(course.mean),
            rows(course.error), tuple(rows(cut) for cut in course.cuts),
        )  # fmt: skip


def horizon(fitted: Fitted) -> float:
    """Return how far a forecast goes, days: to a tenth of the slowest mode, at most a quarter of the record."""
    panel = fitted.panel
    rate = float(returns(usual(fitted.model, fitted.free, panel.predictors).drift)[0])
    starts = np.flatnonzero(panel.first)
    ends = np.r_[starts[1:], len(panel.time)] - 1
    record = float(np.median(panel.time[ends] - panel.time[starts]))
    gap = float(np.median(panel.gap[~panel.first]))
    return max(min(np.log(10) / rate if rate > 0 else np.inf, record / 4), 5 * gap)


def longer(panel: Panel, ahead: float) -> tuple[Panel, np.ndarray]:
    """Return the panel with `AHEAD` empty occasions after each person's end, and where they are.

    Levels stay as they were, nothing else is done to anybody, exposure and known error are those of the last occasion.
    """
    if ahead <= 0:
        return panel, np.zeros(len(panel.time), bool)
    ends = np.r_[np.flatnonzero(panel.first)[1:], len(panel.time)] - 1
    take = np.sort(np.r_[np.arange(len(panel.time)), np.repeat(ends, AHEAD)])
    future = np.r_[False, take[1:] == take[:-1]]
    count = np.arange(len(take)) - np.maximum.accumulate(np.where(future, 0, np.arange(len(take))))
    values, impulses = panel.values[take], panel.impulses[take]
    values[future], impulses[future] = np.nan, 0.0
    return replace(
        panel, person=panel.person[take], time=panel.time[take] + count * ahead / AHEAD, values=values,
        known_variance=panel.known_variance[take], offset=panel.offset[take], impulses=impulses,
        levels=panel.levels[take],
    ), future  # fmt: skip


def persons(fitted: Fitted, follower: Follower | None = None, level: float = 0.95, seed: int = 0) -> pl.DataFrame:
    """Return everybody's own value of the parameters in which people differ: person, parameter, estimate, low, high.

    Notes
    -----
    Effects on means are those of the filter at a person's end, given all he showed; the others are their most likely
    values. Limits hold the uncertainty of the person's effects and, by draws, that of the population's parameters
    (for effects other than on means the two are taken as free of each other, which makes limits a little wide).
    """
    model, panel = fitted.model, fitted.panel
    schema: dict[str, type[pl.DataType]] = {"person": pl.String, "parameter": pl.String}
    schema |= dict.fromkeys(("estimate", "low", "high"), pl.Float64)
    places = sorted({*model.random, *model.moved_by_predictors})
    if not places:
        return pl.DataFrame(schema=schema)
    follower = follower or Follower(fitted)
    processes, curved = len(model.processes), model.curved

    def own(free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        followed = follower.follow(free)
        last = followed.last
        mean, covariance = followed.after[last, processes:], followed.after_covariance[last, processes:, processes:]
        every = np.zeros((len(last), len(model.random), len(model.random)))
        every[:, curved:, curved:] = covariance
        if curved:
            every[:, :curved, :curved] = fitted.effects_covariance
            mean = np.concatenate([fitted.effects.T, mean], 1)
        full = full_of(model, free)
        variance = np.zeros((len(last), len(model.own)))
        factor = spread_factor(model, full)[0]
        variance[:, list(model.random)] = np.einsum("ij,pjk,ik->pi", factor, every, factor)
        return own_of(model, full, panel.predictors, mean)[:, places], variance[:, places]

    middle, variance = own(fitted.free)
    if fitted.draws is not None or np.isfinite(fitted.covariance).all():
        others = np.stack([own(free)[0] for free in fitted.sample(DRAWS, seed)])
        others = others[np.isfinite(others).all((1, 2))]
        if len(others) > 2:
            variance = variance + others.var(0, ddof=1)
    reach = norm.ppf((1 + level) / 2) * np.sqrt(variance)
    rows = []
    for who, name in enumerate(panel.people):
        for column, place in enumerate(places):
            one = model.own[place]
            limits = sorted(one.natural(middle[who, column] + side * reach[who, column]) for side in (-1, 1))
            rows.append((name, one.name, one.natural(middle[who, column]), *limits))
    return pl.DataFrame(rows, schema=schema, orient="row")
