"""Intervals of an indirect effect: the distribution of a product of two estimates, and the bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from gutbrain.errors import InputError

POINTS = 256  # quantiles of the first factor over which the distribution of the product is summed
HALVINGS = 42
GRID = np.sinh(np.linspace(-9, 9, 2401))  # where the distribution is tabulated: close together in the middle
LEAST_EIGENVALUE = 1e-9  # of a scaled cross-product; below it a resampled data set has lost a level of a factor


def product_interval(
    first: ArrayLike, first_error: ArrayLike, first_df: float,
    second: ArrayLike, second_error: ArrayLike, second_df: float, confidence: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the interval of products of two independent estimates.

    Parameters
    ----------
    first, second : array [effect], estimates
    first_error, second_error : array [effect], their standard errors
    first_df, second_df : degrees of freedom; each estimate is taken as t distributed about its value

    Returns
    -------
    low and high, each array [effect]

    Notes
    -----
    What Monte Carlo draws of both coefficients approach, without draws: the distribution of the second is averaged
    over quantiles of the first. Source: MacKinnon, Lockwood & Williams 2004, doi 10.1207/s15327906mbr3901_4.
    """
    a, b = np.atleast_1d(np.asarray(first, float)), np.atleast_1d(np.asarray(second, float))
    a_error = np.maximum(np.broadcast_to(np.asarray(first_error, float), a.shape), np.finfo(float).tiny)
    b_error = np.maximum(np.broadcast_to(np.asarray(second_error, float), b.shape), np.finfo(float).tiny)
    points = a[:, None] + a_error[:, None] * stdtrit(first_df, (np.arange(POINTS) + 0.5) / POINTS)
    points = np.where(points == 0, np.finfo(float).tiny, points)
    far = stdtrit(second_df, 1 - 1e-7)
    shares = stdtr(second_df, GRID)
    bound = np.abs(points).max(axis=1) * (np.abs(b) + b_error * far)

    def quantile(level: float) -> np.ndarray:
        low, high = -bound, bound.copy()
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            with np.errstate(over="ignore"):
                below = np.interp((middle[:, None] / points - b[:, None]) / b_error[:, None], GRID, shares)
            less = np.where(points > 0, below, 1 - below).mean(axis=1) < level
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        return np.asarray((low + high) / 2)

    tail = (1 - confidence) / 2
    return quantile(tail), quantile(1 - tail)


def reweighted(
    weights: np.ndarray, design: np.ndarray, mediator: np.ndarray, whole: np.ndarray, outcome: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Fit both models once for each row of weights.

    Parameters
    ----------
    weights : array [draw, person], how often each person stands in the data set
    design, whole : array [person, column], columns of the mediator's and of the outcome's model
    mediator, outcome : array [person]

    Returns
    -------
    coefficients of both models, array [draw, column] each, and how many draws could not be fitted
    """
    first, there = _coefficients(weights, design, mediator)
    second, also = _coefficients(weights, whole, outcome)
    kept = there & also
    return first[kept], second[kept], int((~kept).sum())


def _coefficients(weights: np.ndarray, design: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = np.linalg.norm(design, axis=0)
    scaled = design / scale
    columns = scaled.shape[1]
    outer = (scaled[:, :, None] * scaled[:, None, :]).reshape(len(design), -1)
    cross = (weights @ outer).reshape(-1, columns, columns)
    right = weights @ (scaled * values[:, None])
    whole = np.linalg.eigvalsh(cross)[:, 0] > LEAST_EIGENVALUE
    cross[~whole] = np.eye(columns)
    return np.linalg.solve(cross, right[:, :, None])[:, :, 0] / scale, whole


def people_drawn(people: int, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Return how often each person stands in each resampled data set, array [draw, person]."""
    return generator.multinomial(people, np.full(people, 1 / people), size=draws).astype(float)


def percentile_interval(drawn: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return percentiles of draws [draw, effect]."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return low, high


def bca_interval(
    estimate: np.ndarray, drawn: np.ndarray, left_out: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the bias-corrected and accelerated interval.

    Parameters
    ----------
    estimate : array [effect]
    drawn : array [draw, effect]
    left_out : array [person, effect], the estimate without each person

    Raises
    ------
    InputError
        If no draw is left.

    Notes
    -----
    Source: Efron 1987, doi 10.1080/01621459.1987.10478410.
    """
    if not len(drawn):
        raise InputError("no resampled data set could be fitted", mend="Leave covariates out, or use another interval")
    below = ((drawn < estimate).sum(axis=0) + 0.5 * (drawn == estimate).sum(axis=0)) / len(drawn)
    bias = ndtri(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    away = left_out.mean(axis=0) - left_out
    squares = (away**2).sum(axis=0)
    speed = np.divide((away**3).sum(axis=0), 6 * squares**1.5, out=np.zeros_like(squares), where=squares > 0)
    ends = []
    for level in ((1 - confidence) / 2, (1 + confidence) / 2):
        moved = bias + ndtri(level)
        place = ndtr(bias + moved / (1 - speed * moved))
        ends.append(np.array([np.quantile(drawn[:, e], min(max(q, 0), 1)) for e, q in enumerate(place)]))
    return ends[0], ends[1]
