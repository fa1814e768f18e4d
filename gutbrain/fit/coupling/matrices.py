"""From the vector of parameters to the matrices of every person."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.fit.coupling.discretise import times, turned
from gutbrain.fit.coupling.model import CouplingModel


class System(NamedTuple):
    """What is not linear in the effects: drift and noise [n, n, people], loadings [m, n, people], error variances
    [m, people], covariance of the initial state [n, n, people] (None where stationary), thresholds."""

    drift: jax.Array
    noise: jax.Array
    loadings: jax.Array
    error: jax.Array
    initial: jax.Array | None
    cuts: tuple[jax.Array, ...]


class Means(NamedTuple):
    """What is linear in the effects; None where the model has none of it."""

    mean: jax.Array  # [m, people]
    intercept: jax.Array  # [n, people]
    impulse: jax.Array | None  # [n, inputs, people]
    level: jax.Array | None  # [n, inputs, people]
    trend: jax.Array | None  # [n, people]
    cosine: jax.Array | None
    sine: jax.Array | None
    initial_mean: jax.Array | None


def cholesky_of(spreads: jax.Array, partial: jax.Array) -> jax.Array:
    """Return the lower factor [n, n, cases] of a covariance from standard deviations and partial correlations.

    Parameters
    ----------
    spreads : array [n, cases]
    partial : array [n, n, cases]; what stands below the diagonal is read

    Notes
    -----
    Partial correlations given all variables before them are free of each other.
    Source: Lewandowski, Kurowicka & Joe 2009, doi 10.1016/j.jmva.2009.04.008.
    """
    size = spreads.shape[0]
    rows = []
    for row in range(size):
        left, made = jnp.ones_like(spreads[0]), []
        for column in range(row):
            made.append(partial[row, column] * left)
            # Kept off 0, where the root has no slope.
            left = left * jnp.sqrt(jnp.maximum(1 - partial[row, column] ** 2, 1e-14))
        made += [left] + [jnp.zeros_like(left)] * (size - row - 1)
        rows.append(jnp.stack(made))
    return jnp.stack(rows) * spreads[:, None]


class Layout:
    """Where the numbers of a model stand in its vectors.

    Parameters
    ----------
    model : the model; its held parameters are constants here
    """

    def __init__(self, model: CouplingModel) -> None:
        self.model = model
        self.held = np.array([0.0 if one.held is None else one.raw(one.held) for one in model.parameters])
        self.free = np.array(model.free, int)
        self.own = len(model.own)
        self.random = np.array(model.random, int)
        self.moderated = np.array(model.moved_by_predictors, int)
        self.places = {kind: [at for at, one in enumerate(model.parameters) if one.kind == kind]
                       for kind in {one.kind for one in model.parameters}}  # fmt: skip

    def full(self, free: jax.Array) -> jax.Array:
        """Return the vector of all parameters from that of the free ones."""
        return jnp.asarray(self.held).at[self.free].set(free)

    def spread_factor(self, full: jax.Array) -> jax.Array:
        """Return the lower factor [effects, effects] of the covariance of the random effects."""
        size = len(self.random)
        if not size:
            return jnp.zeros((0, 0))
        spreads = jnp.exp(full[np.array(self.places["spread"])])
        partial = jnp.zeros((size, size))
        for at in self.places.get("spread_correlation", []):
            partial = partial.at[self.model.parameters[at].place].set(jnp.tanh(full[at]))
        return cholesky_of(spreads[:, None], partial[:, :, None])[:, :, 0]

    def of_people(self, full: jax.Array, predictors: jax.Array, effects: jax.Array) -> jax.Array:
        """Return everybody's own parameters [own, people].

        Parameters
        ----------
        predictors : array [people, predictors]
        effects : array [curved random effects, people], standard normal
        """
        own = jnp.broadcast_to(full[: self.own, None], (self.own, predictors.shape[0]))
        if len(self.moderated):
            shift = full[np.array(self.places["predictor"])].reshape(len(self.moderated), -1)
            own = own.at[self.moderated].add(shift @ predictors.T)
        if len(self.random) and effects.shape[0]:
            own = own.at[self.random].add(self.spread_factor(full)[:, : effects.shape[0]] @ effects)
        return own

    def varies(self, kinds: tuple[str, ...]) -> bool:
        """Say whether people differ in parameters of some kinds."""
        differing = {self.model.own[at].kind for at in (*self.random, *self.moderated)}
        return bool(differing & set(kinds))

    def system(self, own: jax.Array) -> System:
        """Return the matrices of vectors [own, people]."""
        size = len(self.model.processes)
        drift = own[np.array(self.places["drift"])].reshape(size, size, -1)
        diagonal = jnp.eye(size, dtype=bool)[:, :, None]
        drift = jnp.where(diagonal, -jnp.exp(jnp.where(diagonal, drift, 0.0)), drift)
        factor = self._factor(own, "noise")
        initial = self._factor(own, "initial_sd") if self.model.initial == "free" else None
        loadings = own[np.array(self.places["loading"])].reshape(-1, size, own.shape[1])
        cuts = []
        for row, one in enumerate(self.model.indicators):
            if one.kind == "ordinal":
                at = np.array([place for place in self.places["threshold"] if self.model.own[place].place[0] == row])
                steps = jnp.concatenate([own[at[:1]], jnp.exp(own[at[1:]])])
                cuts.append(jnp.cumsum(steps, 0))
        return System(drift, times(factor, turned(factor)), loadings, jnp.exp(2 * own[np.array(self.places["error"])]),
                      None if initial is None else times(initial, turned(initial)), tuple(cuts))  # fmt: skip

    def means(self, own: jax.Array) -> Means:
        """Return what is linear of vectors [own, people]."""
        size = len(self.model.processes)

        def of(kind: str) -> jax.Array | None:
            places = self.places.get(kind)
            return own[np.array(places)] if places else None

        def by_input(kind: str) -> jax.Array | None:
            part = of(kind)
            return None if part is None else part.reshape(size, -1, own.shape[1])

        return Means(own[np.array(self.places["mean"])], own[np.array(self.places["intercept"])], by_input("impulse"),
                     by_input("level"), of("trend"), of("cosine"), of("sine"), of("initial_mean"))  # fmt: skip

    def _factor(self, own: jax.Array, kind: str) -> jax.Array:
        size = len(self.model.processes)
        partial = jnp.zeros((size, size, own.shape[1]))
        for at in self.places.get(f"{kind}_correlation", []):
            partial = partial.at[self.model.own[at].place].set(jnp.tanh(own[at]))
        return cholesky_of(jnp.exp(own[np.array(self.places[kind])]), partial)
