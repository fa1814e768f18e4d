"""Coordinates in which a posterior is nearly a standard normal, so that a sampler walks it in long strides.

Three things bend a posterior of such models. A standard deviation (of an error, or between people) that can be 0
has a long tail on its logarithm, but the data speak of its variance: its coordinate is stretched so that the variance
is linear where it matters. Other parameters follow that variance, not its logarithm, and are moved with it. Effects
that are sampled follow the parameters: everybody's most likely ones move with them.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.fit.coupling.maximum import Objective
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.tracking import Tracking

SIZES = ("error", "spread", "initial_sd")  # standard deviations that can be 0
BEND = 1.5  # where a variance goes over from linear to logarithmic, in units of the slope of softplus
NUDGE = 1e-3  # of differences of slopes, in standard errors
LEAST = 1e-8  # of a variance in units of the prior's, below which the prior's is taken
TINY = 1e-9  # added to the diagonal of a correlation matrix that is only just singular


class Straight:
    """The map from nearly standard normal coordinates to parameters and effects.

    Parameters
    ----------
    objective : of the model and its prior, which gives slopes; its effects are set to their modes
    centre : array [free], the maximum of the posterior
    covariance : array [free, free], there; NaN or 0 where it is not known

    Attributes
    ----------
    size, effects : how many coordinates of parameters, and of effects
    """

    def __init__(self, objective: Objective, centre: np.ndarray, covariance: np.ndarray) -> None:
        model, prior = objective.model, objective.prior
        assert prior is not None
        self.objective, self.centre = objective, np.asarray(centre, float)
        kinds = np.array([model.parameters[at].kind in SIZES for at in model.free], bool)
        self.sizes, self.others = np.flatnonzero(kinds), np.flatnonzero(~kinds)
        known = usable(covariance, prior)
        among = known[np.ix_(self.sizes, self.sizes)]
        across = known[np.ix_(self.others, self.sizes)]
        self.follow = np.linalg.solve(among, across.T).T
        left = known[np.ix_(self.others, self.others)] - self.follow @ across.T
        self.factor_of_sizes, self.factor_of_others = np.linalg.cholesky(among), np.linalg.cholesky(left)
        self.size, self.people = len(self.centre), objective.people
        self.effects = model.curved * self.people
        self.mode, self.moves = np.zeros((model.curved, self.people)), np.zeros((model.curved, self.people, self.size))
        self.turn: np.ndarray = np.zeros((self.people, model.curved, model.curved))
        self.tracking: Tracking | None = None
        if model.curved:
            self._follow_parameters()

        def placed(straight: jax.Array, effects: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
            free, volume = self.place(straight)
            given, further = self.place_effects(straight, effects)
            return free, volume + further, given

        self._placed = jax.jit(placed)
        self._back = jax.jit(lambda straight, effects, slopes: jax.vjp(placed, straight, effects)[1](slopes))

    def place(self, straight: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the free parameters of coordinates [free], and the logarithm of the volume they stand for."""
        along = jnp.asarray(self.factor_of_sizes) @ straight[: len(self.sizes)]
        # softplus(pace x + bend) / softplus(bend) has half its slope at 0 equal to 1, as exp(2 x) has on its logarithm.
        ground, pace = np.logaddexp(0.0, BEND), 2 * np.logaddexp(0.0, BEND) * (1 + np.exp(-BEND))
        variance = jax.nn.softplus(pace * along + BEND) / ground
        volume = jnp.sum(jax.nn.log_sigmoid(pace * along + BEND) - jnp.log(variance))
        others = jnp.asarray(self.factor_of_others) @ straight[len(self.sizes) :]
        others = others + jnp.asarray(self.follow) @ ((variance - 1) / 2)
        made = jnp.asarray(self.centre).at[self.sizes].add(jnp.log(variance) / 2).at[self.others].add(others)
        return made, volume

    def place_effects(self, straight: jax.Array, straight_effects: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return effects [curved, people] of coordinates, and the logarithm of the volume they stand for.

        Parameters
        ----------
        straight : array [free], straight_effects : array [curved, people]
        """
        if self.tracking is None:
            return straight_effects, jnp.zeros(())
        mean, factor = self.tracking.around(self.place(straight)[0])
        around = jnp.einsum("pij,pjk,kp->ip", jnp.asarray(self.turn), factor, straight_effects)
        volume = jnp.sum(jnp.log(jnp.diagonal(factor, axis1=1, axis2=2)))
        return jnp.asarray(self.mode) + mean + jnp.asarray(self.moves) @ straight + around, volume

    def value_and_slope(self, straight: np.ndarray, effects: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return minus the log density of coordinates, without constants, and its slopes by both."""
        free, volume, given = (np.asarray(part) for part in self._placed(straight, effects))
        likely, by_free, by_effects = self._joint(free, given)
        prior = self.objective.prior
        assert prior is not None
        value = likely + prior.log_density(free) - 0.5 * float(np.sum(given**2)) + float(volume)
        slopes = self._back(straight, effects, (by_free + prior.slope(free), np.ones(()), by_effects - given))
        return -value, -np.asarray(slopes[0]), -np.asarray(slopes[1])

    def _joint(self, free: np.ndarray, effects: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the log likelihood of parameters and effects, and its slopes by both."""
        objective = self.objective
        # The compiled sum is over copies of everybody; here they are all the same.
        shape = (len(effects), objective.copies, self.people)
        copied = np.broadcast_to(effects[:, None], shape).reshape(len(effects), shape[1] * shape[2])
        (value, _), (by_free, by_effects) = objective.evaluated(free, copied, plain=True)
        alone = np.asarray(by_effects).reshape(shape)[:, 0]
        return float(value) / objective.copies, np.asarray(by_free) / objective.copies, alone

    def _follow_parameters(self) -> None:
        """Make the guess of the effects right at the maximum: in place, in spread, and in how it follows parameters."""
        self.objective.adapt(self.centre)
        mode, covariance = self.objective.mode.copy(), self.objective.covariance
        self.tracking = tracking = Tracking(self.objective, self.centre)
        place = jax.jit(lambda straight: self.place(straight)[0])
        for at in range(self.size):
            step = NUDGE * np.eye(self.size)[at]
            high, low = (self._joint(np.asarray(place(sign * step)), mode)[2] for sign in (1, -1))
            turned = np.einsum("pij,jp->ip", covariance, (high - low) / (2 * NUDGE))
            self.moves[:, :, at] = np.where(np.isfinite(turned), turned, 0.0)
        nothing = jnp.zeros(self.size)
        guessed = jax.jit(lambda straight: tracking.around(self.place(straight)[0]))
        mean, factor = (np.asarray(part) for part in guessed(nothing))
        self.moves = self.moves - np.asarray(jax.jit(jax.jacfwd(lambda straight: guessed(straight)[0]))(nothing))
        self.mode = mode - mean
        self.turn = np.linalg.cholesky(covariance) @ np.linalg.inv(factor)


def usable(covariance: np.ndarray, prior: Prior) -> np.ndarray:
    """Return a covariance that is positive definite, with the prior's where the fit gives none.

    Parameters
    ----------
    covariance : array [free, free]; rows that are NaN or have no variance are replaced
    """
    believed = np.linalg.inv(prior.bend)
    sizes = np.diag(believed)
    variances = np.diag(covariance) if covariance.shape == believed.shape else np.zeros(len(believed))
    good = np.isfinite(variances) & (variances > LEAST * sizes)
    if covariance.shape == believed.shape:
        good &= np.isfinite(covariance[:, good]).all(1)
    made = np.diag(sizes)
    made[np.ix_(good, good)] = covariance[np.ix_(good, good)]
    units = np.sqrt(np.diag(made))
    values, vectors = np.linalg.eigh(made / units[:, None] / units)
    return (vectors * np.maximum(values, TINY)) @ vectors.T * units[:, None] * units


def log_prior(prior: Prior, free: jax.Array) -> jax.Array:
    """Return the log density of a prior without its constant, for compiled programs."""
    left = free - jnp.asarray(prior.mean)
    if prior.precision is not None:
        return -0.5 * left @ jnp.asarray(prior.precision) @ left
    return -0.5 * jnp.sum((left / jnp.asarray(prior.sd)) ** 2)
