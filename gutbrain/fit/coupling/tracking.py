"""Where everybody's effects lie as the parameters change: a Gaussian guess that a sampler can follow.

What a person's series say of his own parameters is taken as a parabola. Under it the effects that are sampled have a
mean and covariance in closed form for all values of the parameters: near a standard normal where people hardly differ
in a parameter, near what the series say where they differ much, and near what the other effects say where effects are
correlated. Draws are corrected by the volume, so that the guess costs only speed where it is wrong.
Source: Papaspiliopoulos, Roberts & Skoeld 2007, Statistical Science 22, 59-73 (parametrisations between; recalled).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.fit.coupling.likelihood import Likelihood
from gutbrain.fit.coupling.maximum import Objective
from gutbrain.fit.coupling.start import start_values
from gutbrain.run.compiled import compiled

NOBODY = 1e-12  # a spread that stands for none
PART, LEAST = 0.5, 0.05  # step of differences, in spreads and at least in sensible steps of the parameter
ROUNDS = 3  # of moving to everybody's most likely values


class Shifted(Likelihood):
    """The likelihood of people whose own parameters are moved by given amounts [random effects, people]."""

    def own_of(self, full: jax.Array, effects: jax.Array | None) -> jax.Array:
        return super().own_of(full, None).at[self.layout.random].add(0.0 if effects is None else effects)


class Tracking:
    """Mean and factor of everybody's sampled effects, as functions of the parameters.

    Parameters
    ----------
    objective : of the model
    free : array [free], where what the series say is looked up
    """

    def __init__(self, objective: Objective, free: np.ndarray) -> None:
        model, panel = objective.model, objective.panel
        self.model, self.layout, self.count = model, objective.likelihood.layout, len(model.random)
        self.predictors, self.people = jnp.asarray(panel.predictors), len(panel.people)
        spreads = [one.name for one in model.further if one.kind == "spread"]
        alone = replace(model, held={**model.held, **dict.fromkeys(spreads, NOBODY)})
        full = np.asarray(objective.likelihood.layout.held, float)
        full[self.layout.free] = free
        likelihood = Shifted(alone, panel)
        # Any start will do for the values: what is held differs, what is fitted does not.
        likely = compiled(likelihood.by_person)
        factor, population = (np.asarray(part) for part in jax.jit(self._given)(full))
        steps = np.maximum(PART * np.sqrt(np.sum(factor**2, 1)), LEAST * self._sensible(objective))
        place, effects = full[list(alone.free)], np.zeros((self.count, self.people))
        self.middle = np.zeros((self.count, self.people))  # own values less those of the population
        self.slope, self.bend = np.zeros((self.count, self.people)), np.zeros((self.people, self.count, self.count))
        for _ in range(ROUNDS):
            shift = factor @ effects
            self.slope, self.bend = parabola(lambda shift: np.asarray(likely(place, shift)), shift, steps)
            effects = np.asarray(guess(factor, self.slope, self.bend, shift, np)[0]).T
            self.middle = population + shift

    def around(self, free: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return means [curved, people] and lower factors [people, curved, curved] of the effects that are sampled."""
        factor, population = self._given(self.layout.full(free))
        mean, covariance = guess(factor, self.slope, self.bend, self.middle - population, jnp)
        curved = self.model.curved
        return mean[:, :curved].T, jnp.linalg.cholesky(covariance[:, :curved, :curved])

    def _given(self, full: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the factor of the random effects, and varying parameters without effects [random effects, people]."""
        nothing = jnp.zeros((0, self.people))
        own = self.layout.of_people(full, self.predictors, nothing)[self.layout.random]
        return self.layout.spread_factor(full), own

    def _sensible(self, objective: Objective) -> np.ndarray:
        """Return a sensible step in each varying parameter [random effects]."""
        scale = dict(zip(self.model.free, start_values(self.model, objective.panel).scale, strict=True))
        return np.array([scale.get(place, 0.0) for place in self.model.random])


def guess(factor: Any, slope: Any, bend: Any, left: Any, library: Any) -> tuple[Any, Any]:
    """Return mean [people, effects] and covariance [people, effects, effects] of effects, standard normal beforehand.

    Parameters
    ----------
    factor : array [effects, effects], from effects to parameters
    slope, bend : of log likelihoods, as `parabola` returns them
    left : array [effects, people], where the parabolas were taken less where people would be without effects
    library : numpy or jax.numpy
    """
    pull = slope.T + library.einsum("pij,jp->pi", bend, left)
    inner = library.eye(len(factor)) + library.einsum("ki,pkl,lj->pij", factor, bend, factor)
    covariance = library.linalg.inv(inner)
    covariance = (covariance + library.swapaxes(covariance, 1, 2)) / 2
    return library.einsum("pij,kj,pk->pi", covariance, factor, pull), covariance


def parabola(
    likely: Callable[[np.ndarray], np.ndarray], middle: np.ndarray, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return slopes [effects, people] and minus the curvature [people, effects, effects] of log likelihoods.

    Parameters
    ----------
    likely : function of shifts [effects, people] to log likelihoods [people]
    middle : array [effects, people], where
    steps : array [effects]
    """
    count, people = middle.shape
    slope, bend = np.zeros((count, people)), np.zeros((people, count, count))
    centre = likely(middle)
    unit = np.eye(count) * steps
    # Next to a person who would not come to rest the likelihood is minus infinity: no parabola is taken there.
    with np.errstate(invalid="ignore"):
        for at in range(count):
            high, low = (likely(middle + sign * unit[at][:, None]) for sign in (1, -1))
            slope[at] = (high - low) / (2 * steps[at])
            bend[:, at, at] = -(high + low - 2 * centre) / steps[at] ** 2
        for one, other in combinations(range(count), 2):
            both = [likely(middle + (first * unit[one] + second * unit[other])[:, None])
                    for first, second in ((1, 1), (1, -1), (-1, 1), (-1, -1))]  # fmt: skip
            mixed = -(both[0] - both[1] - both[2] + both[3]) / (4 * steps[one] * steps[other])
            bend[:, one, other] = bend[:, other, one] = mixed
    good = np.all(np.isfinite(slope), axis=0) & np.all(np.isfinite(bend), axis=(1, 2))
    slope, bend = np.where(good, slope, 0.0), np.where(good[:, None, None], bend, 0.0)
    # In units of the steps all effects count alike when what bends the wrong way is cut off.
    values, vectors = np.linalg.eigh(bend * steps[:, None] * steps)
    bend = np.einsum("pij,pj,pkj->pik", vectors, np.maximum(values, 0.0), vectors) / steps[:, None] / steps
    return slope, bend
