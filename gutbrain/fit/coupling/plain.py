"""Matrices and steps of a model in plain numpy, many vectors at once: what is told after a fit, and simulation.

Written apart from the compiled likelihood on purpose, so that simulation and fit check each other. Cases stand in the
first axis. Sources as in `matrices` and `discretise`: Lewandowski, Kurowicka & Joe 2009 (partial correlations), Van
Loan 1978 (covariance by a block exponential), Higham 2008 (scaling and squaring).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gutbrain.fit.coupling.model import CouplingModel

DEGREE = 14  # of the Taylor polynomial: the remainder is below 1e-15 where the norm is below 1/2


class Matrices(NamedTuple):
    """All matrices of some cases; parts that the model has none of are zeros.

    Parameters
    ----------
    drift, noise : arrays [cases, n, n], per day; noise is a covariance
    loadings : array [cases, m, n]; error : array [cases, m], variances
    mean : array [cases, m]; intercept, trend, cosine, sine : arrays [cases, n]
    impulse, level : arrays [cases, n, inputs]
    initial_mean, initial : arrays [cases, n], [cases, n, n]; None where the begin is stationary
    cuts : thresholds of ordinal indicators, one array [cases, categories - 1] each
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
    cuts: tuple[np.ndarray, ...]


class PlainSteps(NamedTuple):
    """Transition, integrated transition and covariance of intervals, each [cases, n, n]."""

    transition: np.ndarray
    integrated: np.ndarray
    covariance: np.ndarray


def full_of(model: CouplingModel, free: np.ndarray) -> np.ndarray:
    """Return vectors of all parameters [cases, parameters] from those of the free ones [cases, free]."""
    free = np.atleast_2d(np.asarray(free, float))
    held = np.array([0.0 if one.held is None else one.raw(one.held) for one in model.parameters])
    made = np.tile(held, (len(free), 1))
    made[:, list(model.free)] = free
    return made


def places_of(model: CouplingModel, kind: str) -> list[int]:
    """Return where the parameters of a kind stand."""
    return [at for at, one in enumerate(model.parameters) if one.kind == kind]


def spread_factor(model: CouplingModel, full: np.ndarray) -> np.ndarray:
    """Return lower factors [cases, effects, effects] of the covariance of random effects."""
    return _factor(model, full, "spread", len(model.random))


def own_of(model: CouplingModel, full: np.ndarray, predictors: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Return own parameters [cases, own], scale of estimation.

    Parameters
    ----------
    full : array [cases, parameters]
    predictors : array [cases, predictors]
    effects : array [cases, random effects], standard normal; all of them, in the order of `model.random`
    """
    own = np.broadcast_to(full[:, : len(model.own)], (len(predictors), len(model.own))).copy()
    moderated = list(model.moved_by_predictors)
    if moderated:
        shift = full[:, places_of(model, "predictor")].reshape(len(full), len(moderated), -1)
        own[:, moderated] += np.einsum("cij,cj->ci", np.broadcast_to(shift, (len(own), *shift.shape[1:])), predictors)
    if model.random:
        own[:, list(model.random)] += np.einsum("...ij,...j->...i", spread_factor(model, full), effects)
    return own


def usual(model: CouplingModel, free: np.ndarray, predictors: np.ndarray) -> Matrices:
    """Return the matrices of the usual person, one case a vector: predictors at their mean, no random effects.

    Parameters
    ----------
    free : array [cases, free]
    predictors : array [people, predictors] of the panel
    """
    full = full_of(model, free)
    middle = predictors.mean(0) if predictors.size else np.zeros(predictors.shape[1])
    own = own_of(model, full, np.tile(middle, (len(full), 1)), np.zeros((len(full), len(model.random))))
    return matrices(model, own)


def matrices(model: CouplingModel, own: np.ndarray) -> Matrices:
    """Return the matrices of vectors of own parameters [cases, own]."""
    cases, size, seen = len(own), len(model.processes), len(model.indicators)
    drift = _values(model, own, "drift").reshape(cases, size, size).copy()
    diagonal = np.arange(size)
    drift[:, diagonal, diagonal] = -np.exp(drift[:, diagonal, diagonal])
    noise = _factor(model, own, "noise", size)
    initial = None if model.initial == "stationary" else _factor(model, own, "initial_sd", size)
    cuts = []
    for row, one in enumerate(model.indicators):
        if one.kind == "ordinal":
            at = [place for place in places_of(model, "threshold") if model.own[place].place[0] == row]
            cuts.append(np.cumsum(np.concatenate([own[:, at[:1]], np.exp(own[:, at[1:]])], 1), 1))
    nothing = np.zeros((cases, size))

    def course(kind: str) -> np.ndarray:
        return _values(model, own, kind) if places_of(model, kind) else nothing

    return Matrices(
        drift, noise @ noise.swapaxes(1, 2), _values(model, own, "loading").reshape(cases, seen, size),
        np.exp(2 * _values(model, own, "error")), _values(model, own, "mean"), _values(model, own, "intercept"),
        course("trend"), course("cosine"), course("sine"),
        _values(model, own, "impulse").reshape(cases, size, len(model.impulses)),
        _values(model, own, "level").reshape(cases, size, len(model.levels)),
        None if initial is None else _values(model, own, "initial_mean"),
        None if initial is None else initial @ initial.swapaxes(1, 2), tuple(cuts),
    )  # fmt: skip


def returns(drift: np.ndarray) -> np.ndarray:
    """Return the rate of the slowest return to rest [cases], per day; not positive where there is none."""
    return -np.linalg.eigvals(drift).real.max(-1)


def at_rest(drift: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return stationary covariances [cases, n, n]; NaN where the process does not return."""
    cases, size = drift.shape[:2]
    one = np.eye(size)
    system = np.einsum("cij,kl->cikjl", drift, one) + np.einsum("ij,ckl->cikjl", one, drift)
    gone = ~(returns(drift) > 0)
    system[gone] = np.einsum("ij,kl->ikjl", one, one)
    found = np.linalg.solve(system.reshape(cases, size**2, size**2), -noise.reshape(cases, size**2, 1))
    made = found.reshape(cases, size, size)
    made = (made + made.swapaxes(1, 2)) / 2
    made[gone] = np.nan
    return made


def exponential(matrix: np.ndarray) -> np.ndarray:
    """Return the exponentials of matrices [cases, n, n]."""
    norm = np.abs(matrix).sum(-1).max(-1, initial=0.0)
    halvings = _halvings(norm)
    made = _taylor(matrix / 2.0 ** halvings[:, None, None])
    for step in range(int(halvings.max(initial=0))):
        go = halvings > step
        made[go] = made[go] @ made[go]
    return made


def steps(drift: np.ndarray, noise: np.ndarray, gap: np.ndarray) -> PlainSteps:
    """Return the steps of processes over intervals, whether or not they return to rest.

    Parameters
    ----------
    drift, noise : arrays [cases, n, n]
    gap : array [cases], days
    """
    cases, size = drift.shape[:2]
    halvings = _halvings(np.abs(drift).sum(-1).max(-1) * gap)
    block = np.zeros((cases, 3 * size, 3 * size))
    block[:, :size, :size], block[:, :size, size : 2 * size] = drift, noise
    block[:, size : 2 * size, size : 2 * size] = -drift.swapaxes(1, 2)
    block[:, :size, 2 * size :] = np.eye(size)
    # Noise per unit of drift can be large; the block is balanced, so that the polynomial is exact for both.
    scale = np.maximum(np.abs(noise).max((1, 2), initial=0.0), 1e-300) / np.maximum(np.abs(drift).max((1, 2)), 1e-300)
    block[:, :size, size : 2 * size] /= scale[:, None, None]
    made = _taylor(block * (gap / 2.0**halvings)[:, None, None])
    transition, integrated = made[:, :size, :size], made[:, :size, 2 * size :]
    covariance = made[:, :size, size : 2 * size] @ transition.swapaxes(1, 2) * scale[:, None, None]
    for step in range(int(halvings.max(initial=0))):
        go = halvings > step
        one = transition[go]
        covariance[go] += one @ covariance[go] @ one.swapaxes(1, 2)
        integrated[go] += one @ integrated[go]
        transition[go] = one @ one
    return PlainSteps(transition, integrated, (covariance + covariance.swapaxes(1, 2)) / 2)


def root(covariance: np.ndarray) -> np.ndarray:
    """Return factors [..., n, n] of covariances, singular ones too."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]


def _halvings(norm: np.ndarray) -> np.ndarray:
    return np.maximum(np.ceil(np.log2(np.maximum(norm, 1e-300))), -1).astype(int) + 1


def _taylor(small: np.ndarray) -> np.ndarray:
    one = np.broadcast_to(np.eye(small.shape[-1]), small.shape)
    made = one.copy()
    for order in range(DEGREE, 0, -1):
        made = one + small @ made / order
    return made


def _values(model: CouplingModel, vectors: np.ndarray, kind: str) -> np.ndarray:
    return vectors[:, places_of(model, kind)]


def _factor(model: CouplingModel, vectors: np.ndarray, kind: str, size: int) -> np.ndarray:
    """Return lower factors from standard deviations and partial correlations."""
    spreads = np.exp(_values(model, vectors, kind))
    made = np.zeros((len(vectors), size, size))
    left = np.ones((len(vectors), size))
    for at in sorted(places_of(model, f"{kind}_correlation"), key=lambda at: model.parameters[at].place):
        row, column = model.parameters[at].place
        partial = np.tanh(vectors[:, at])
        made[:, row, column] = partial * left[:, row]
        left[:, row] *= np.sqrt(1 - partial**2)
    made[:, range(size), range(size)] = left
    return made * spreads[:, :, None]
