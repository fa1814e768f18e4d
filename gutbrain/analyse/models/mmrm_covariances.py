"""How the values of one person at several visits go together: structures of covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Parameters and what a person's rows are (place of each visit, or day) -> covariance; parameters may be complex.
Matrix = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Structure:
    """A structure of covariance over visits.

    Attributes
    ----------
    matrix : (parameters, visits or days [..., row]) -> covariance [..., row, row]
    start : covariance over all visits as moments tell it -> parameters
    valid : parameters -> whether they lie where the structure is defined
    linear : the covariance is linear in the parameters
    """

    name: str
    matrix: Matrix
    start: Callable[[np.ndarray], np.ndarray]
    valid: Callable[[np.ndarray], bool]
    linear: bool


def _apart(visits: np.ndarray) -> np.ndarray:
    return np.abs(visits[..., :, None] - visits[..., None, :])


def _lags(moments: np.ndarray) -> np.ndarray:
    """Return the mean correlation at each distance in visits, array [visits - 1]."""
    deviations = np.sqrt(np.diagonal(moments))
    correlations = moments / np.outer(deviations, deviations)
    return np.array([np.diagonal(correlations, lag).mean() for lag in range(1, len(moments))])


def _unstructured(parameters: np.ndarray, visits: np.ndarray) -> np.ndarray:
    count = int((np.sqrt(8 * len(parameters) + 1) - 1) / 2)
    whole = np.zeros((count, count), parameters.dtype)
    lower = np.tril_indices(count)
    whole[lower] = parameters
    whole.T[lower] = parameters
    return np.asarray(whole[visits[..., :, None], visits[..., None, :]])


def _spread(deviations: np.ndarray, correlation: np.ndarray, visits: np.ndarray) -> np.ndarray:
    own = deviations[visits]
    return np.asarray(own[..., :, None] * own[..., None, :] * correlation)


def _same(visits: np.ndarray, correlation: complex | np.ndarray) -> np.ndarray:
    return np.where(_apart(visits) == 0, 1.0, correlation)


def _start_lags(moments: np.ndarray) -> np.ndarray:
    return np.clip(_lags(moments), -0.9, 0.9)


def _deviations(moments: np.ndarray) -> np.ndarray:
    return np.sqrt(np.diagonal(moments))


def _mean_correlation(moments: np.ndarray) -> float:
    count = len(moments)
    floor = -0.9 / max(count - 1, 1)
    weights = np.arange(count - 1, 0, -1)
    return float(np.clip((_lags(moments) * weights).sum() / weights.sum(), floor, 0.95)) if count > 1 else 0.0


def _positive(parameters: np.ndarray) -> bool:
    return bool(parameters[0] > 0)


def _heterogeneous(width: int) -> Callable[[np.ndarray], bool]:
    """Return a check of deviations followed by correlations; `width` correlations, or all but one where it is 0."""

    def valid(parameters: np.ndarray) -> bool:
        split = len(parameters) - width if width else (len(parameters) + 1) // 2
        return bool((parameters[:split] > 0).all() and (np.abs(parameters[split:]) < 1).all())

    return valid


def _toeplitz(parameters: np.ndarray, visits: np.ndarray) -> np.ndarray:
    return np.asarray(parameters[_apart(visits)])


def _heterogeneous_toeplitz(parameters: np.ndarray, visits: np.ndarray) -> np.ndarray:
    count = (len(parameters) + 1) // 2
    correlations = np.concatenate([np.ones(1, parameters.dtype), parameters[count:]])
    return _spread(parameters[:count], correlations[_apart(visits)], visits)


def _power(parameters: np.ndarray, days: np.ndarray) -> np.ndarray:
    return np.asarray(parameters[0] * np.exp(np.log(parameters[1]) * _apart(days)))


STRUCTURES = {
    made.name: made
    for made in (
        Structure(
            "unstructured", _unstructured, lambda moments: moments[np.tril_indices(len(moments))],
            lambda parameters: True, True,
        ),
        Structure(
            "heterogeneous toeplitz", _heterogeneous_toeplitz,
            lambda moments: np.concatenate([_deviations(moments), _start_lags(moments)]), _heterogeneous(0), False,
        ),
        Structure(
            "heterogeneous autoregressive",
            lambda p, visits: _spread(p[:-1], p[-1] ** _apart(visits), visits),
            lambda moments: np.append(_deviations(moments), _start_lags(moments)[:1]), _heterogeneous(1), False,
        ),
        Structure(
            "heterogeneous compound symmetry",
            lambda p, visits: _spread(p[:-1], _same(visits, p[-1]), visits),
            lambda moments: np.append(_deviations(moments), _mean_correlation(moments)), _heterogeneous(1), False,
        ),
        Structure(
            "toeplitz", _toeplitz,
            lambda moments: np.array([np.diagonal(moments, lag).mean() for lag in range(len(moments))]),
            _positive, True,
        ),
        Structure(
            "autoregressive",
            lambda p, visits: p[0] * p[1] ** _apart(visits),
            lambda moments: np.array([np.diagonal(moments).mean(), *_start_lags(moments)[:1]]),
            lambda p: bool(p[0] > 0 and abs(p[1]) < 1), False,
        ),
        Structure(
            "compound symmetry",
            lambda p, visits: np.where(_apart(visits) == 0, p[0], p[1]),
            lambda moments: np.diagonal(moments).mean() * np.array([1.0, _mean_correlation(moments)]),
            _positive, True,
        ),
        Structure(
            "spatial power", _power,
            lambda moments: np.array([np.diagonal(moments).mean(), np.clip(_mean_correlation(moments), 0.1, 0.9)]),
            lambda p: bool(p[0] > 0 and 0 < p[1] < 1), False,
        ),
    )
}  # fmt: skip
# What is tried in turn where a structure cannot be estimated: ever fewer parameters.
SIMPLER = (
    "unstructured", "heterogeneous toeplitz", "heterogeneous autoregressive", "heterogeneous compound symmetry",
    "toeplitz", "autoregressive", "compound symmetry",
)  # fmt: skip


def moments(visits: np.ndarray, people: np.ndarray, rests: np.ndarray, count: int) -> np.ndarray:
    """Return the covariance between visits from residuals, positive definite, array [visit, visit]."""
    wide = np.full((int(people.max()) + 1, count), np.nan)
    wide[people, visits] = rests
    there = np.isfinite(wide)
    filled = np.where(there, wide, 0)
    pairs = there.T.astype(float) @ there
    found = filled.T @ filled / np.maximum(pairs, 1)
    overall = float((rests**2).mean())
    variances = np.where(np.diagonal(found) > 1e-6 * overall, np.diagonal(found), overall)
    found[np.diag_indices(count)] = variances
    for share in (1.0, 0.8, 0.5, 0.2, 0.0):
        made = share * found + (1 - share) * np.diag(variances)
        if np.linalg.eigvalsh(made / np.sqrt(np.outer(variances, variances))).min() > 0.05:
            break
    return np.asarray(made)
