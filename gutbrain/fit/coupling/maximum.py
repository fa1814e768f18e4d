"""Maximum likelihood and maximum a posteriori, with standard errors and an honest word on convergence."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.likelihood import Likelihood
from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.nodes import modes, placed, rule, wide_rule
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.start import start_values
from gutbrain.run.compiled import compiled

Progress = Callable[[str, int, int], None]
FAR = 1e12  # what a vector without a finite likelihood counts
SETTLED = 1e-4  # gain that a Newton step may still promise, in log likelihood
NUDGE = 1e-4  # of differences of slopes, in steps of the start
CLOSE = 0.01  # change of the log likelihood at which the nodes of the integration may stay
ROUNDS, TRIES, POLISH, CHORDS = 6, 3, 12, 6
NOTHING, FULL = 1e-2, 0.995  # share of its start below which a spread is 0; a correlation that is 1


class Objective:
    """The negative log likelihood (and prior) of a model, with its slope; compiled once.

    Parameters
    ----------
    model, panel : what is asked, and of whom
    prior : beliefs; none for maximum likelihood

    Notes
    -----
    `share` [people] weighs everybody's likelihood; 0 leaves one out. `take` puts in other values that were seen at the
    same occasions. Neither compiles anew.
    """

    def __init__(self, model: CouplingModel, panel: Panel, prior: Prior | None = None) -> None:
        self.model, self.panel, self.prior = model, panel, prior
        self.points: np.ndarray
        self.weights: np.ndarray
        self.points, self.weights = rule(model.curved) if model.curved else (np.zeros((1, 0)), np.ones(1))
        self.copies, self.people = len(self.points), len(panel.people)
        self.likelihood = Likelihood(model, panel, self.copies)
        self.mode = np.zeros((model.curved, self.people))
        self.covariance = np.broadcast_to(np.eye(model.curved), (self.people, model.curved, model.curved)).copy()
        self.evaluations = 0
        self.share = np.ones(self.people)
        self._values = self.likelihood.laid_out(panel.values)
        self.place_nodes()

        def total(
            free: jax.Array,
            effects: jax.Array,
            weights: jax.Array,
            plain: jax.Array,
            share: jax.Array,
            values: jax.Array,
        ) -> tuple[jax.Array, jax.Array]:
            likely = self.likelihood.by_person(free, effects, values).reshape(self.copies, self.people)
            joined = jax.scipy.special.logsumexp(likely + weights, axis=0)
            # Plain sums give the slope of each copy by its own effects, so that one compilation serves both.
            return jnp.where(plain, jnp.sum(likely), jnp.sum(share * joined)), likely

        self._compiled = compiled(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))

    def take(self, panel: Panel) -> None:
        """Put in the values of another panel of the same design.

        Raises
        ------
        ValueError
            If people, times, inputs, predictors, or what was seen differ.
        """
        old = self.panel
        parts = ("time", "person", "seen", "impulses", "levels", "predictors", "offset", "known_variance")
        if not all(np.array_equal(getattr(old, part), getattr(panel, part)) for part in parts):
            raise ValueError("the panel has another design")
        self.panel, self._values = panel, self.likelihood.laid_out(panel.values)
        self.mode = np.zeros_like(self.mode)
        self.place_nodes()

    def evaluated(self, free: np.ndarray, effects: np.ndarray, plain: bool = False) -> Any:
        """Return ((value, likelihood of copies), (slope, slope by effects))."""
        return self._compiled(free, effects, self._weights, plain, self.share, self._values)

    def place_nodes(self) -> None:
        """Put the nodes around everybody's mode."""
        if self.model.curved:
            self.nodes = placed(self.points, self.weights, self.mode, self.covariance)
            self._effects = self.nodes.effects.reshape(self.model.curved, -1)
            self._weights = self.nodes.weights
        else:
            self._effects, self._weights = np.zeros((0, self.people)), np.zeros((1, self.people))

    def value_and_slope(self, free: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus the log density and its slope; a large number where it is not finite."""
        self.evaluations += 1
        (value, _), (slope, _) = self.evaluated(free, self._effects)
        made, steep = -float(value), -np.asarray(slope)
        if self.prior is not None:
            made, steep = made - self.prior.log_density(free), steep - self.prior.slope(free)
        if not (np.isfinite(made) and np.isfinite(steep).all()):
            return FAR, np.zeros_like(steep)
        return made, steep

    def by_person(self, free: np.ndarray) -> np.ndarray:
        """Return the log likelihood of everybody [people]."""
        (_, likely), _ = self.evaluated(free, self._effects)
        return np.asarray(jax.scipy.special.logsumexp(likely + self._weights, axis=0))

    def adapt(self, free: np.ndarray) -> None:
        """Move the nodes to where everybody's effects are likely under these parameters."""
        if not self.model.curved:
            return
        shape = (self.model.curved, self.copies, self.people)

        def slope(effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            (_, likely), (_, steep) = self.evaluated(free, effects.reshape(shape[0], -1), plain=True)
            return np.asarray(likely), np.asarray(steep).reshape(shape)

        self.mode, self.covariance = modes(slope, self.mode, self.copies)
        self.place_nodes()

    def error_of_integration(self, free: np.ndarray) -> float:
        """Return by how much the log likelihood moves with a much finer rule."""
        if not self.model.curved:
            return 0.0
        points, weights = wide_rule(self.model.curved)
        fine = placed(points, weights, self.mode, self.covariance)
        parts = []
        for begin in range(0, len(points), self.copies):
            block = np.arange(begin, begin + self.copies).clip(max=len(points) - 1)
            effects = fine.effects[:, block].reshape(self.model.curved, -1)
            (_, likely), _ = self.evaluated(free, effects, plain=True)
            new = np.arange(begin, begin + self.copies) < len(points)
            parts.append((np.asarray(likely) + fine.weights[block])[new])
        joined = np.asarray(jax.scipy.special.logsumexp(np.concatenate(parts), axis=0))
        return float(joined.sum() - self.by_person(free).sum())

    def bend(self, free: np.ndarray, scale: np.ndarray, wanted: np.ndarray | None = None) -> np.ndarray:
        """Return the Hessian [free, free] by central differences of the slope; rows that are not wanted are 0."""
        size = len(free)
        made = np.zeros((size, size))
        for at in range(size) if wanted is None else wanted:
            step = NUDGE * scale[at] * np.eye(size)[at]
            high, low = self.value_and_slope(free + step), self.value_and_slope(free - step)
            made[at] = (high[1] - low[1]) / (2 * NUDGE * scale[at]) if max(high[0], low[0]) < FAR else np.nan
        return (made + made.T) / 2


def fit(
    model: CouplingModel,
    panel: Panel,
    prior: Prior | None = None,
    start: np.ndarray | None = None,
    progress: Progress | None = None,
    objective: Objective | None = None,
) -> Fitted:
    """Return the maximum, with the inverse curvature there as covariance.

    Parameters
    ----------
    model, panel : what is asked, and of whom
    prior : with one, the maximum a posteriori
    start : array [free], scale of estimation; from the data by default
    progress : called with what is done, how much of it, and of how much
    objective : one that is compiled already, of the same model and prior

    Notes
    -----
    A quasi-Newton search, then Newton steps with differences of exact slopes. It has converged when a Newton step
    promises less than 1e-4 of log likelihood and the curvature is positive in every direction. Spreads that go to 0
    and correlations that go to 1 are told and left out of the covariance.
    """
    began = time.perf_counter()
    told = progress or (lambda what, done, of: None)
    first = start_values(model, panel)
    scale = first.scale
    objective = objective or Objective(model, panel, prior)
    told("compiling", 0, 1)
    begin = first.free if start is None else np.asarray(start, float)
    if objective.value_and_slope(begin)[0] >= FAR:
        said = "the start values have no finite likelihood"
        if start is None:
            return _failed(model, panel, prior, begin, said)
        begin = first.free
    compiled_at = time.perf_counter()
    generator = np.random.default_rng(0)
    best: tuple[float, np.ndarray, _End] | None = None
    for attempt in range(TRIES):
        here = begin if attempt == 0 else first.free + scale * generator.standard_normal(len(scale))
        free = _searched(objective, here, scale, told)
        end = _polished(objective, free, scale)
        if best is None or (end.converged, -end.value) > (best[2].converged, -best[0]):
            best = (end.value, end.free, end)
        if end.converged:
            break
    assert best is not None
    end = best[2]
    likely = objective.by_person(end.free)
    diagnostics = {"evaluations": float(objective.evaluations)}
    if model.curved:
        diagnostics["integration_error"] = objective.error_of_integration(end.free)
    now = time.perf_counter()
    return Fitted(
        model, panel, "maximum likelihood" if prior is None else "maximum a posteriori", end.free, end.covariance,
        float(likely.sum()), likely, end.converged, end.said, end.slope, end.decrement, prior, None, objective.mode,
        objective.covariance, diagnostics, {"compile": compiled_at - began, "fit": now - compiled_at},
    )  # fmt: skip


class _End:
    """Where a search ended."""

    def __init__(self, value: float, free: np.ndarray, slope: np.ndarray, covariance: np.ndarray, decrement: float,
                 converged: bool, said: tuple[str, ...]) -> None:  # fmt: skip
        self.value, self.free, self.slope, self.covariance = value, free, slope, covariance
        self.decrement, self.converged, self.said = decrement, converged, said


def _searched(objective: Objective, free: np.ndarray, scale: np.ndarray, told: Progress) -> np.ndarray:
    """Return where a quasi-Newton search ends; nodes of the integration follow it."""
    last, bent = np.inf, np.eye(len(free))
    for _ in range(ROUNDS if objective.model.curved else 1):
        objective.adapt(free)
        seen = [0]

        def scaled(x: np.ndarray, base: np.ndarray = free, count: list[int] = seen) -> tuple[float, np.ndarray]:
            count[0] += 1
            told("searching for the maximum", count[0], 0)
            value, slope = objective.value_and_slope(base + scale * x)
            return value, slope * scale

        options = {"gtol": 1e-2, "maxiter": 400, "hess_inv0": bent}
        found = minimize(scaled, np.zeros(len(free)), jac=True, method="BFGS", options=options)
        if found.fun < FAR:
            free = free + scale * found.x
        if abs(last - found.fun) < CLOSE:
            break
        last, bent = found.fun, _positive(found.hess_inv)
    objective.adapt(free)
    return free


def _positive(bent: np.ndarray) -> np.ndarray:
    """Return what a search learned of the curvature, or nothing learned where it is not positive."""
    made = (bent + bent.T) / 2
    return made if np.isfinite(made).all() and np.linalg.eigvalsh(made).min() > 0 else np.eye(len(made))


class _Curve:
    """The curvature at a point, in steps of the start, over the parameters that are not at an edge."""

    def __init__(self, objective: Objective, free: np.ndarray, scale: np.ndarray) -> None:
        self.edge = at_the_edge(objective.model, free, scale, objective.panel)
        self.inner = np.setdiff1d(np.arange(len(free)), self.edge)
        self.units = scale[self.inner]
        bend = objective.bend(free, scale, self.inner)[np.ix_(self.inner, self.inner)]
        self.finite = bool(np.isfinite(bend).all())
        self.values, self.vectors = np.linalg.eigh(bend * self.units[:, None] * self.units if self.finite else 0 * bend)
        self.least = 1e-7 * max(float(self.values.max(initial=0.0)), 1.0)
        self.positive = self.finite and bool(self.values.min(initial=1.0) > self.least)

    def step(self, slope: np.ndarray) -> tuple[np.ndarray, float]:
        """Return Newton's step and the gain that it promises; what bends the wrong way is walked downhill."""
        down = self.vectors.T @ (slope[self.inner] * self.units)
        size = np.abs(self.values)
        made = np.zeros(len(slope))
        bent = np.maximum(size, max(self.least, 1e-2 * float(np.median(size)) if not self.positive else 0.0))
        made[self.inner] = -(self.vectors @ (down / bent)) * self.units
        return made, float(np.sum(down**2 / np.maximum(size, 1e-10)) / 2)

    def covariance(self, size: int) -> np.ndarray:
        """Return the covariance of the estimate; 0 at the edges, NaN where there is none."""
        if not self.positive:
            return np.full((size, size), np.nan)
        made = np.zeros((size, size))
        inner = (self.vectors / self.values) @ self.vectors.T * self.units[:, None] * self.units
        made[np.ix_(self.inner, self.inner)] = inner
        return made


def _polished(objective: Objective, free: np.ndarray, scale: np.ndarray) -> _End:
    """Return the end of a few Newton steps, and whether it is a maximum."""
    model = objective.model
    value, slope = objective.value_and_slope(free)
    for _ in range(POLISH):
        curve = _Curve(objective, free, scale)
        said = tuple(_at_edge_said(model, at, free[at]) for at in curve.edge)
        if not curve.finite:
            why = "the likelihood is not finite around the point that was found"
            return _End(value, free, slope, curve.covariance(len(free)), np.nan, False, (*said, why))
        step, decrement = curve.step(slope)
        if curve.positive and decrement < SETTLED:
            return _End(value, free, slope, curve.covariance(len(free)), decrement, True, said)
        moved = False
        # One curvature serves several steps: it costs as much as many slopes.
        for _ in range(CHORDS):
            new = _downhill(objective, free, value, step)
            if new is None:
                break
            (value, slope), free, moved = new[0], new[1], True
            step, gain = curve.step(slope)
            if gain < SETTLED / 10:
                break
        if not moved:
            break
        if model.curved:
            objective.adapt(free)
            value, slope = objective.value_and_slope(free)
    flat = [model.free_names[curve.inner[at]] for at in np.argsort(-np.abs(curve.vectors[:, 0]))[:3]]
    why = (f"a further step would still gain {decrement:.2g} of log likelihood" if curve.positive
           else f"the likelihood is flat along {', '.join(flat)}")  # fmt: skip
    said = (*said, f"the fit did not converge: {why}")
    return _End(value, free, slope, curve.covariance(len(free)), decrement, False, said)


def _downhill(
    objective: Objective, free: np.ndarray, value: float, step: np.ndarray
) -> tuple[tuple[float, np.ndarray], np.ndarray] | None:
    """Return value, slope and place a step lower; a part of the step where the whole leads up, or nothing."""
    length = 1.0
    while length > 1e-4:
        tried = free + length * step
        new = objective.value_and_slope(tried)
        if new[0] < value - 1e-12:
            return new, tried
        length /= 3
    return None


def _at_edge_said(model: CouplingModel, at: int, raw: float) -> str:
    value = model.parameters[model.free[at]].natural(raw)
    return (
        f"{model.free_names[at]} is estimated at the edge of what is possible ({value:.3g}); it has no standard error"
    )


def at_the_edge(model: CouplingModel, free: np.ndarray, scale: np.ndarray, panel: Panel) -> np.ndarray:
    """Return places of free parameters that left for the edge: spreads at 0, correlations at 1 or of no spread."""
    begin = start_values(model, panel).free
    names, empty, found = model.free_names, set(), []
    for at, place in enumerate(model.free):
        one = model.parameters[place]
        if one.kind in ("spread", "error", "initial_sd") and free[at] < begin[at] + np.log(NOTHING):
            found.append(at)
            empty.add(names[at].partition("[")[2].rstrip("]") if one.kind == "spread" else "")
        elif one.transform == "tanh" and abs(np.tanh(free[at])) > FULL:
            found.append(at)
    for at, place in enumerate(model.free):
        if model.parameters[place].kind == "spread_correlation" and at not in found and any(
            one and one in names[at] for one in empty
        ):  # fmt: skip
            found.append(at)
    return np.array(sorted(found), int)


def _failed(model: CouplingModel, panel: Panel, prior: Prior | None, free: np.ndarray, said: str) -> Fitted:
    nothing = np.full((len(free), len(free)), np.nan)
    return Fitted(model, panel, "maximum likelihood" if prior is None else "maximum a posteriori", free, nothing,
                  float("nan"), np.full(len(panel.people), np.nan), False, (said,), prior=prior)  # fmt: skip
