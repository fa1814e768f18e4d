"""How likely the series of people are, given the parameters of a coupling model."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.fit.coupling.discretise import (
    SLACK,
    Steps,
    by_stationary_covariance,
    by_van_loan,
    inverse,
    settles,
    stationary,
)
from gutbrain.fit.coupling.filter import Course, Passed, all_passed, log_likelihoods
from gutbrain.fit.coupling.matrices import Layout, Means
from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.panel import Panel, packed

DYNAMICS = ("drift", "noise", "noise_correlation")


@dataclass(frozen=True)
class Cases:
    """Where each step of each lane finds its person and its interval; `copies` of every person stand side by side."""

    at: np.ndarray  # [steps, lanes], places in the panel
    used: np.ndarray  # [steps, lanes]
    person: np.ndarray  # [steps, lanes], places among people times copies
    who: np.ndarray  # [pairs], whose dynamics
    gap: np.ndarray  # [pairs], days
    halvings: np.ndarray  # [pairs]
    pair: np.ndarray  # [steps, lanes]


def cases_of(panel: Panel, apart: bool, copies: int) -> Cases:
    """Lay out lanes, people and intervals; `apart` where people differ in their dynamics."""
    lanes = packed(panel).at
    used = lanes >= 0
    at = np.where(used, lanes, 0)
    people, gap = panel.person[at], panel.gap[at]
    at, used, gap = (np.tile(part, (1, copies)) for part in (at, used, gap))
    people = np.concatenate([people + copy * len(panel.people) for copy in range(copies)], 1)
    keys = np.stack([people.ravel() if apart else np.zeros(people.size, int), gap.ravel()], 1)
    kept, pair = np.unique(keys, axis=0, return_inverse=True)
    usual = np.median(panel.gap[~panel.first]) if (~panel.first).any() else 1.0
    with np.errstate(divide="ignore"):
        halvings = np.maximum(np.ceil(np.log2(np.maximum(kept[:, 1] / usual, 1e-300))), -SLACK).astype(int) + SLACK
    return Cases(at, used, people, kept[:, 0].astype(int), kept[:, 1], halvings, pair.reshape(at.shape))


class Likelihood:
    """The likelihood of a model for a panel.

    Parameters
    ----------
    model, panel : what is asked, and of whom
    copies : of every person, each with random effects of its own (for integration over them)

    Notes
    -----
    Random effects on means are part of the state and integrated exactly (for Gaussian indicators); the others are
    given, standard normal, in `effects`.
    """

    def __init__(self, model: CouplingModel, panel: Panel, copies: int = 1) -> None:
        self.model, self.panel, self.copies = model, panel, copies
        self.layout = Layout(model)
        self.kinds = tuple(one.kind for one in model.indicators)
        self.cases = cases_of(panel, self.layout.varies(DYNAMICS), copies)
        self.people = len(panel.people) * copies

    def laid_out(self, values: np.ndarray) -> np.ndarray:
        """Return values [occasions, indicators] as the filter takes them [steps, indicators, lanes]."""
        return np.swapaxes(np.where(self.panel.seen, values, 0.0)[self.cases.at], 1, 2)

    def by_person(
        self, free: jax.Array, effects: jax.Array | None = None, values: jax.Array | None = None
    ) -> jax.Array:
        """Return the log likelihood of each person, copy after copy [people * copies].

        Parameters
        ----------
        free : array [free parameters], scale of estimation
        effects : array [curved random effects, people * copies]; 0 by default
        values : array [steps, indicators, lanes], others than those of the panel, seen where those are seen
        """
        course = self.course(free, effects)
        likely = log_likelihoods(course if values is None else course._replace(values=values), self.kinds)
        summed = jax.ops.segment_sum(likely.ravel(), self.cases.person.ravel(), self.people)
        return summed if self.model.initial == "free" else jnp.where(self._at_rest(free, effects), summed, -jnp.inf)

    def own_of(self, full: jax.Array, effects: jax.Array | None) -> jax.Array:
        """Return everybody's own parameters [own, people * copies]."""
        effects = jnp.zeros((self.model.curved, self.people)) if effects is None else effects
        return self.layout.of_people(full, jnp.tile(jnp.asarray(self.panel.predictors), (self.copies, 1)), effects)

    def _at_rest(self, free: jax.Array, effects: jax.Array | None) -> jax.Array:
        """Say who can begin at rest [people * copies]: what never settles cannot, though its equations have a root."""
        return settles(self.layout.system(self.own_of(self.layout.full(free), effects)).drift)

    def passed(self, free: jax.Array, effects: jax.Array | None = None) -> Passed:
        """Return what the filter knew at every step, steps first and lanes last."""
        return all_passed(self.course(free, effects), self.kinds)

    def course(self, free: jax.Array, effects: jax.Array | None = None) -> Course:
        """Return what the filter needs."""
        layout, cases, panel = self.layout, self.cases, self.panel
        full = layout.full(free)
        own = self.own_of(full, effects)
        system = layout.system(own)
        several = slice(None) if layout.varies(DYNAMICS) else slice(1)
        drift, noise = system.drift[:, :, several], system.noise[:, :, several]
        at_rest, undone = stationary(drift, noise), inverse(drift)
        steps = self._steps(drift, noise, at_rest, undone)
        first = panel.first[cases.at] | ~cases.used
        # Any begin will do for what never settles; `by_person` gives it no likelihood at all.
        resting = jnp.where(settles(drift), at_rest, jnp.eye(drift.shape[0])[:, :, None])
        begin = self._of(resting if system.initial is None else system.initial)
        covariance = jnp.where(first, begin, steps.covariance[:, :, cases.pair])

        respond = Response(self, system.loadings, steps, undone, first)
        move, mean = respond(layout.means(own))
        # A random effect on means moves state and expectation as a change of the parameters by one column of the
        # factor of its covariance does; so each such effect is one more, unchanging state.
        factor = layout.spread_factor(full)[:, self.model.curved :]
        columns = [jnp.zeros((layout.own, 1)).at[layout.random, 0].set(column) for column in factor.T]
        moved, expected = (
            zip(*(respond(layout.means(column)) for column in columns), strict=True) if columns else ((), ())
        )
        transition = jnp.where(first, 0.0, steps.transition[:, :, cases.pair])
        loadings = jnp.broadcast_to(self._of(system.loadings), (*system.loadings.shape[:2], *first.shape))
        error = self._of(system.error) + np.moveaxis(panel.known_variance[cases.at], 2, 0)
        seen = panel.seen[cases.at] & cases.used[..., None]
        return Course(
            jnp.asarray(~first, float),
            steps_first(jnp.concatenate([transition, *(part[:, None] for part in moved)], 1)),
            steps_first(move),
            steps_first(covariance),
            steps_first(jnp.concatenate([loadings, *(part[:, None] for part in expected)], 1)),
            steps_first(mean + np.moveaxis(panel.offset[cases.at], 2, 0)),
            steps_first(error),
            jnp.asarray(self.laid_out(panel.values)),
            jnp.asarray(np.swapaxes(seen, 1, 2)),
            tuple(steps_first(self._of(cut)) for cut in system.cuts),
        )

    def _of(self, array: jax.Array) -> jax.Array:
        """Return what belongs to the person of each place: [..., people] becomes [..., steps, lanes]."""
        if array.shape[-1] == 1:
            return jnp.broadcast_to(array[..., None], (*array.shape[:-1], *self.cases.at.shape))
        return array[..., self.cases.person]

    def _steps(self, drift: jax.Array, noise: jax.Array, at_rest: jax.Array, undone: jax.Array) -> Steps:
        """Return the steps of all pairs of dynamics and interval."""
        gap, halvings = jnp.asarray(self.cases.gap), self.cases.halvings
        if drift.shape[2] > 1:
            drift, noise, at_rest, undone = (part[:, :, self.cases.who] for part in (drift, noise, at_rest, undone))
        if self.model.discretisation == "van loan":
            return by_van_loan(drift, noise, gap, halvings)
        return by_stationary_covariance(drift, noise, gap, halvings, at_rest, undone)


class Response:
    """The linear function from means to moves of the state [n, steps, lanes] and expectations [m, steps, lanes]."""

    def __init__(
        self, likelihood: Likelihood, loadings: jax.Array, steps: Steps, undone: jax.Array, first: np.ndarray
    ) -> None:
        cases, panel = likelihood.cases, likelihood.panel
        self.of, self.loadings, self.undone, self.first = likelihood._of, loadings, undone, first
        self.shape = cases.at.shape
        # A level acts from its occasion on: up to an occasion it is that of the occasion before.
        before = np.where(panel.first[cases.at][..., None], panel.levels[cases.at], panel.levels[cases.at - 1])
        self.impulses = np.moveaxis(panel.impulses[cases.at], 2, 0)
        self.levels = np.moveaxis(before, 2, 0)
        time = panel.time[cases.at]
        self.courses = {"trend": time, "cosine": np.cos(2 * np.pi * time), "sine": np.sin(2 * np.pi * time)}
        layout = likelihood.layout
        flows = [at for at, one in enumerate(likelihood.model.own) if one.kind == "intercept" and (
            one.held != 0 or at in layout.random or at in layout.moderated)]  # fmt: skip
        self.integrated = steps.integrated[:, :, cases.pair] if flows or likelihood.model.levels else None

    def __call__(self, means: Means) -> tuple[jax.Array, jax.Array]:
        move = begin = jnp.zeros((means.intercept.shape[0], *self.shape))
        if self.integrated is not None:
            flow = self.of(means.intercept)
            begin = -jnp.sum(self.of(self.undone) * flow[None], 1)
            if means.level is not None:
                flow = flow + jnp.sum(self.of(means.level) * self.levels, 1)
            move = jnp.sum(self.integrated * flow[None], 1)
        if means.initial_mean is not None:
            begin = self.of(means.initial_mean)
        move = jnp.where(self.first, begin, move)
        if means.impulse is not None:
            move = move + jnp.sum(self.of(means.impulse) * self.impulses, 1)
        mean = self.of(means.mean)
        for name, shape in self.courses.items():
            part = getattr(means, name)
            if part is not None:
                mean = mean + jnp.sum(self.of(self.loadings) * (self.of(part) * shape)[None], 1)
        return move, mean


def steps_first(array: jax.Array) -> jax.Array:
    """Return an array [..., steps, lanes] with its steps in front."""
    return jnp.moveaxis(array, -2, 0)
