"""Mean and covariance of everything that one person shows, written out as one Gaussian distribution.

This is the model as its equations say it, without a filter: occasion j (before i) and occasion i have the covariance

    loadings F(t_i - t_j) C(t_j) loadings' + (error where they are the same),    C(t) = F C F' + Q,  C(first) = begin

and random effects on means add the outer products of what each of them shifts. It is slow and plain on purpose: the
filter is tested against it, and what can be told from a design is read from it before a fit. Many vectors of
parameters are taken at once, in the first axis ("cases").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, expm, solve_continuous_lyapunov

from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.panel import Panel

TRANSFORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda x: x, "log": np.exp, "negative": lambda x: -np.exp(x), "tanh": np.tanh,
}  # fmt: skip


class Own(NamedTuple):
    """What one person's parameters say, on the natural scale; `initial` and `initial_mean` are None where stationary.

    Parameters
    ----------
    drift, noise, initial : arrays [cases, n, n]; noise and initial are covariances
    loadings : array [cases, m, n]
    error, mean : arrays [cases, m]; error is a variance
    intercept, trend, cosine, sine, initial_mean : arrays [cases, n]
    impulse, level : arrays [cases, n, inputs]
    """

    drift: np.ndarray
    noise: np.ndarray
    loadings: np.ndarray
    error: np.ndarray
    mean: np.ndarray
    intercept: np.ndarray
    trend: np.ndarray
    cosine: np.ndarray
    sine: np.ndarray
    impulse: np.ndarray
    level: np.ndarray
    initial_mean: np.ndarray | None
    initial: np.ndarray | None


class Steps(NamedTuple):
    """Transition F, its integral, and covariance Q over the gap before each occasion [cases, occasions, n, n]."""

    transition: np.ndarray
    integrated: np.ndarray
    covariance: np.ndarray


Stepping = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def own_of(model: CouplingModel, vectors: np.ndarray) -> Own:
    """Return what vectors [cases, own] of own parameters say, scale of estimation."""
    size, seen, cases = len(model.processes), len(model.indicators), len(vectors)
    square = ("drift", "noise_correlation", "initial_sd_correlation")
    single = ("noise", "initial_sd", "intercept", "trend", "cosine", "sine", "initial_mean")
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(square, (size, size)) | dict.fromkeys(single, (size,))
    shapes |= {"loading": (seen, size), "error": (seen,), "mean": (seen,), "impulse": (size, len(model.impulses)),
               "level": (size, len(model.levels))}  # fmt: skip
    made = {kind: np.zeros((cases, *shape)) for kind, shape in shapes.items()}
    for at, one in enumerate(model.own):
        if one.kind in made:
            place: tuple[Any, ...] = (slice(None), *one.place)
            made[one.kind][place] = TRANSFORMS[one.transform](vectors[:, at])
    free = model.initial == "free"
    return Own(
        made["drift"], covariance_from(made["noise"], made["noise_correlation"]), made["loading"], made["error"] ** 2,
        made["mean"], made["intercept"], made["trend"], made["cosine"], made["sine"], made["impulse"], made["level"],
        made["initial_mean"] if free else None,
        covariance_from(made["initial_sd"], made["initial_sd_correlation"]) if free else None,
    )  # fmt: skip


def covariance_from(spreads: np.ndarray, partial: np.ndarray) -> np.ndarray:
    """Return covariances [cases, n, n] from standard deviations and partial correlations given all variables before.

    Each partial correlation is unwound, one conditioning variable after the other, into the plain correlation.
    """
    size = spreads.shape[1]
    made = np.broadcast_to(np.eye(size), (len(spreads), size, size)).copy()
    for row in range(size):
        for column in range(row):
            plain = partial[:, row, column]
            for given in range(column - 1, -1, -1):
                one, other = partial[:, row, given], partial[:, column, given]
                plain = plain * np.sqrt((1 - one**2) * (1 - other**2)) + one * other
            made[:, row, column] = made[:, column, row] = plain
    return made * spreads[:, :, None] * spreads[:, None, :]


def exactly(drift: np.ndarray, noise: np.ndarray, gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return F, integral of F and Q of cases and gaps [cases, gaps, n, n], whether or not the process returns.

    Q solves a linear equation of its own, dQ/dt = A Q + Q A' + G G', and so is a corner of an exponential.
    """
    size = drift.shape[1]
    one, squared = np.eye(size), size * size
    rates = np.einsum("cij,kl->cikjl", drift, one) + np.einsum("ij,ckl->cikjl", one, drift)
    of_noise = np.zeros((len(drift), squared + 1, squared + 1))
    of_noise[:, :squared, :squared] = rates.reshape(len(drift), squared, squared)
    of_noise[:, :squared, squared] = noise.reshape(len(drift), squared)
    of_state = np.zeros((len(drift), 2 * size, 2 * size))
    of_state[:, :size, :size], of_state[:, :size, size:] = drift, one
    state = expm(of_state[:, None] * gaps[:, None, None])
    spread = expm(of_noise[:, None] * gaps[:, None, None])[..., :squared, squared].reshape(len(drift), -1, size, size)
    return state[..., :size, :size], state[..., :size, size:], (spread + spread.swapaxes(2, 3)) / 2


def steps_of(own: Own, one: Panel, stepping: Stepping = exactly) -> Steps:
    """Return the steps before each occasion of one person; equal dynamics and equal gaps are computed once."""
    cases = len(own.drift)
    gaps, gap_at = np.unique(one.gap, return_inverse=True)
    both = np.concatenate([own.drift.reshape(cases, -1), own.noise.reshape(cases, -1)], 1)
    _, kept, at = np.unique(both, axis=0, return_index=True, return_inverse=True)
    made = stepping(own.drift[kept], own.noise[kept], gaps)
    return Steps(*(part[at.ravel()[:, None], gap_at.ravel()] for part in made))


def begin_of(own: Own) -> np.ndarray:
    """Return the covariance of the state at the first occasion [cases, n, n]."""
    if own.initial is not None:
        return own.initial
    made = [solve_continuous_lyapunov(drift, -noise) for drift, noise in zip(own.drift, own.noise, strict=True)]
    return np.array([(one + one.T) / 2 for one in made])


def state_means(own: Own, one: Panel, steps: Steps) -> np.ndarray:
    """Return the expected state [cases, occasions, n] of one person, after the impulses of each occasion.

    A level acts from its occasion on; a person who begins at rest begins at rest without the levels.
    """
    if own.initial_mean is not None:
        now = own.initial_mean
    else:
        resting = own.intercept.any()
        now = -np.linalg.solve(own.drift, own.intercept[..., None])[..., 0] if resting else np.zeros_like(own.intercept)
    kicks = np.einsum("cnk,tk->ctn", own.impulse, one.impulses)
    flows = own.intercept[:, None] + np.einsum("cnk,tk->ctn", own.level, one.levels)
    made = np.empty_like(kicks)
    made[:, 0] = now + kicks[:, 0]
    driven = bool(flows.any())
    for at in range(1, len(one.time)):
        moved = (steps.transition[:, at] @ made[:, at - 1, :, None])[..., 0] + kicks[:, at]
        if driven:
            moved = moved + (steps.integrated[:, at] @ flows[:, at - 1, :, None])[..., 0]
        made[:, at] = moved
    return made


def state_covariances(own: Own, steps: Steps) -> np.ndarray:
    """Return the covariance of the state at each occasion [cases, occasions, n, n]."""
    made = np.empty_like(steps.covariance)
    made[:, 0] = begin_of(own)
    for at in range(1, made.shape[1]):
        turn = steps.transition[:, at]
        made[:, at] = turn @ made[:, at - 1] @ turn.swapaxes(1, 2) + steps.covariance[:, at]
    return made


def expectations(own: Own, one: Panel, states: np.ndarray) -> np.ndarray:
    """Return what is expected to be seen [cases, occasions, m] from the expected states."""
    clock = 2 * np.pi * one.time[:, None]
    course = (own.trend[:, None] * one.time[:, None] + own.cosine[:, None] * np.cos(clock)
              + own.sine[:, None] * np.sin(clock))  # fmt: skip
    return own.mean[:, None] + np.einsum("cmn,ctn->ctm", own.loadings, states + course) + one.offset


def covariances(own: Own, one: Panel, steps: Steps, states: np.ndarray, rows: slice = slice(None)) -> np.ndarray:
    """Return the covariance [cases, occasions m, occasions m] of what is seen at a run of occasions, with error.

    Parameters
    ----------
    states : array [cases, all occasions, n, n], from `state_covariances`
    """
    turns, spreads = steps.transition[:, rows], states[:, rows]
    cases, occasions, size = spreads.shape[:3]
    seen = own.loadings.shape[1]
    joint = np.empty((cases, occasions, seen, occasions, seen))
    row = np.empty((cases, size, 0))  # covariance of the state now with what was seen before
    across = own.loadings.swapaxes(1, 2)
    for at in range(occasions):
        row = np.concatenate([turns[:, at] @ row, spreads[:, at] @ across], 2)
        joint[:, at, :, : at + 1] = (own.loadings @ row).reshape(cases, seen, at + 1, seen)
        joint[:, : at + 1, :, at] = np.moveaxis(joint[:, at, :, : at + 1], 1, 3)
        joint[:, at, :, at] += own.error[:, :, None] * np.eye(seen) + np.diag(one.known_variance[rows][at])
    return joint.reshape(cases, occasions * seen, occasions * seen)


def vectors_of(model: CouplingModel, free: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return own parameters [own], effects of predictors on them [own, predictors], and the factor [own, effects].

    Columns of the factor are what each standard normal random effect shifts, in the order of `model.random`.
    """
    full = np.array([0.0 if one.held is None else one.raw(one.held) for one in model.parameters])
    full[list(model.free)] = free
    size, effects = len(model.own), len(model.random)
    predicted = np.zeros((size, len(model.predictors)))
    spreads, partial = np.zeros((1, effects)), np.zeros((1, effects, effects))
    for value, one in zip(full[size:], model.further, strict=True):
        if one.kind == "predictor":
            predicted[model.moved_by_predictors[one.place[0]], one.place[1]] = value
        elif one.kind == "spread":
            spreads[0, one.place[0]] = np.exp(value)
        else:
            partial[0, *one.place] = np.tanh(value)
    factor = np.zeros((size, effects))
    if effects:
        covariance = covariance_from(np.ones((1, effects)), partial)[0]
        factor[list(model.random)] = spreads[0][:, None] * lower(covariance)
    return full[:size], predicted, factor


def lower(covariance: np.ndarray) -> np.ndarray:
    """Return the lower Cholesky factor, zero columns where nothing is left."""
    made, left = np.zeros_like(covariance), covariance.copy()
    for at in range(len(covariance)):
        if left[at, at] > 1e-14:
            made[:, at] = left[:, at] / np.sqrt(left[at, at])
            left = left - np.outer(made[:, at], made[:, at])
    return np.tril(made)


def moments(
    model: CouplingModel, panel: Panel, person: int, free: np.ndarray, effects: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean [occasions m] and covariance of a person's linear predictors and errors, seen or not.

    Parameters
    ----------
    free : array [free], scale of estimation
    effects : array [curved random effects] of this person; 0 by default. Those on means are integrated.
    """
    one = panel.of([person])
    own, predicted, factor = vectors_of(model, free)
    curved = model.curved
    effects = np.zeros(curved) if effects is None else effects
    middle = own + predicted @ one.predictors[0] + factor[:, :curved] @ effects
    said = own_of(model, np.stack([middle, *(middle + column for column in factor[:, curved:].T)]))
    steps = steps_of(said, one)
    expected = expectations(said, one, state_means(said, one, steps)).reshape(len(said.mean), -1)
    alone, first = own_of(model, middle[None]), Steps(*(part[:1] for part in steps))
    shifts = expected[1:] - expected[0]
    return expected[0], covariances(alone, one, first, state_covariances(alone, first))[0] + shifts.T @ shifts


def log_density(model: CouplingModel, panel: Panel, free: np.ndarray, effects: np.ndarray | None = None) -> np.ndarray:
    """Return everybody's log density [people] of what was seen; all indicators Gaussian.

    Parameters
    ----------
    effects : array [curved random effects, people], standard normal
    """
    made = []
    for person in range(len(panel.people)):
        one = panel.of([person])
        mean, covariance = moments(model, panel, person, free, None if effects is None else effects[:, person])
        seen = one.seen.ravel()
        factor = cholesky(covariance[np.ix_(seen, seen)], lower=True)
        left = one.values.ravel()[seen] - mean[seen]
        made.append(-0.5 * left @ cho_solve((factor, True), left) - np.log(np.diag(factor)).sum()
                    - 0.5 * seen.sum() * np.log(2 * np.pi))  # fmt: skip
    return np.array(made)
