"""Integration over random effects that do not act through means: a few nodes around everybody's most likely value.

The log likelihood of a person is log sum over nodes of weight x likelihood. Nodes stand around the mode of what is
integrated and follow its curvature, so that few of them do. Sources: Liu & Pierce 1994, doi 10.1093/biomet/81.3.624
(adaptive quadrature); McNamee & Stenger 1967, doi 10.1007/BF02162160 (fully symmetric rules).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from scipy.stats import norm, qmc

STEP = 1e-4  # of differences of slopes
ROUNDS = 12  # of Newton's method, at most
QUASI = 128  # random nodes from five effects on


@dataclass(frozen=True)
class Nodes:
    """Nodes for everybody: effects [effects, nodes, people] and logarithms of their weights [nodes, people]."""

    effects: np.ndarray
    weights: np.ndarray


def rule(effects: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes [nodes, effects] and weights [nodes] of a standard normal."""
    if effects <= 2:
        points, weights = np.polynomial.hermite_e.hermegauss(7 if effects == 1 else 5)
        weights = weights / weights.sum()
        grid = np.array(list(product(points, repeat=effects)))
        return grid, np.prod(np.array(list(product(weights, repeat=effects))), axis=1)
    if effects <= 4:
        # Exact for all polynomials of degree five.
        reach = np.sqrt(3.0)
        rows, sizes = [np.zeros(effects)], [(effects**2 - 7 * effects + 18) / 18]
        for at, sign in product(range(effects), (-1, 1)):
            rows.append(reach * sign * np.eye(effects)[at])
            sizes.append((4 - effects) / 18)
        for (first, second), signs in product(combinations(range(effects), 2), product((-1, 1), repeat=2)):
            rows.append(reach * (signs[0] * np.eye(effects)[first] + signs[1] * np.eye(effects)[second]))
            sizes.append(1 / 36)
        keep = np.array(sizes) > 0
        return np.array(rows)[keep], np.array(sizes)[keep]
    points = norm.ppf(qmc.Sobol(effects, scramble=True, seed=0).random(QUASI))
    return points, np.full(QUASI, 1 / QUASI)


def wide_rule(effects: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a much finer rule, to tell how far the usual one errs."""
    if effects <= 2:
        points, weights = np.polynomial.hermite_e.hermegauss(21)
        grid = np.array(list(product(points, repeat=effects)))
        return grid, np.prod(np.array(list(product(weights / weights.sum(), repeat=effects))), axis=1)
    points = norm.ppf(qmc.Sobol(effects, scramble=True, seed=1).random(1024))
    return points, np.full(len(points), 1 / len(points))


def placed(points: np.ndarray, weights: np.ndarray, mode: np.ndarray, covariance: np.ndarray) -> Nodes:
    """Return nodes around modes [effects, people] with the spread of covariances [people, effects, effects]."""
    factor = np.linalg.cholesky(covariance)
    effects = mode[:, None] + np.einsum("pij,kj->ikp", factor, points)
    size = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(1)
    # Weight of a node: that of the rule x target's normal / rule's normal x volume.
    logs = np.log(weights) + 0.5 * np.sum(points**2, 1)
    return Nodes(effects, logs[:, None] + size - 0.5 * np.sum(effects**2, 0))


def modes(
    slope: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], mode: np.ndarray, copies: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return everybody's most likely effects and the covariance around them.

    Parameters
    ----------
    slope : from effects [effects, copies, people] to log likelihoods [copies, people] and slopes like the effects
    mode : array [effects, people], where to begin
    copies : how many effects of everybody are tried at once; at least effects + 1

    Returns
    -------
    array [effects, people], array [people, effects, effects]
    """
    count, people = mode.shape
    nudges = np.zeros((count, copies))
    nudges[:, 1 : count + 1] = STEP * np.eye(count)
    step, best = np.zeros_like(mode), np.full(people, -np.inf)
    bend = np.broadcast_to(np.eye(count), (people, count, count)).copy()
    for _ in range(ROUNDS):
        tried = mode + step
        likely, slopes = slope(tried[:, None] + nudges[:, :, None])
        value = likely[0] - 0.5 * np.sum(tried**2, 0)
        better = np.isfinite(value) & (value >= best - 1e-9)
        downhill = slopes[:, 0] - tried
        curved = np.eye(count)[:, :, None] - (slopes[:, 1 : count + 1] - slopes[:, :1]) / STEP
        curved = np.moveaxis((curved + np.swapaxes(curved, 0, 1)) / 2, 2, 0)
        curved = positive(np.where(np.isfinite(curved), curved, np.eye(count)))
        newton = np.linalg.solve(curved, downhill.T[..., None])[..., 0].T
        mode, best = np.where(better, tried, mode), np.where(better, value, best)
        bend = np.where(better[:, None, None], curved, bend)
        step = np.where(better, np.clip(newton, -2.0, 2.0), step / 2)
        if np.max(np.abs(step)) < 1e-5:
            break
    return mode, np.linalg.inv(bend)


def positive(matrices: np.ndarray, least: float = 0.1) -> np.ndarray:
    """Return symmetric matrices [cases, n, n] with eigenvalues of at least `least`."""
    values, vectors = np.linalg.eigh(matrices)
    return np.einsum("kij,kj,klj->kil", vectors, np.maximum(values, least), vectors)
