"""Two mixed models fitted as one, so that the random slopes of both can go together: mediator and outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gutbrain.errors import InputError

START = 0.3  # standard deviation of random effects at the start, responses scaled to 1
STEP = 1e-3  # of second differences


@dataclass(frozen=True)
class Response:
    """One of the two models.

    Parameters
    ----------
    values : array [row]
    fixed, random : arrays [row, column]
    people : place of the person of each row, array [row]
    """

    values: np.ndarray
    fixed: np.ndarray
    random: np.ndarray
    people: np.ndarray


@dataclass(frozen=True)
class Stacked:
    """Both models.

    Attributes
    ----------
    coefficients, covariance : fixed effects of the first model, then of the second
    random : covariance matrix of the random effects, those of the first model first
    residuals : variances of the residuals of both
    deviance : -2 log restricted likelihood
    converged : whether the search ended at a minimum
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    random: np.ndarray
    residuals: tuple[float, float]
    deviance: float
    converged: bool
    _parameters: np.ndarray
    _hessian: np.ndarray
    _width: int

    def covariance_error(self, one: int, other: int) -> float:
        """Return the standard error of a covariance of two random effects, from the curvature of the likelihood."""
        width = self._width

        def wanted(parameters: np.ndarray) -> float:
            lower = _lower(parameters, width)
            return float(lower[one] @ lower[other])

        slope = np.array([
            (wanted(self._parameters + step) - wanted(self._parameters - step)) / (2 * STEP)
            for step in STEP * np.eye(len(self._parameters))
        ])  # fmt: skip
        values, vectors = np.linalg.eigh(self._hessian)
        kept = values > 1e-6 * max(values[-1], 1e-12)  # a variance at zero has no curvature
        along = vectors[:, kept].T @ slope
        return float(np.sqrt(2 * (along**2 / values[kept]).sum()))


class _Sums:
    """Cross-products by person; nothing else of the data enters the likelihood."""

    def __init__(self, first: Response, second: Response, people: int) -> None:
        self.people = people
        self.rows = (len(first.values), len(second.values))
        fixed = [first.fixed.shape[1], second.fixed.shape[1]]
        random = [first.random.shape[1], second.random.shape[1]]
        self.fixed, self.random = sum(fixed), sum(random)
        self.parts = []
        for number, one in enumerate((first, second)):
            at_fixed = slice(fixed[0] * number, fixed[0] * number + fixed[number])
            at_random = slice(random[0] * number, random[0] * number + random[number])
            x = np.zeros((len(one.values), self.fixed + 1))
            x[:, at_fixed] = one.fixed
            x[:, -1] = one.values  # the response rides along as a last column
            z = np.zeros((len(one.values), self.random))
            z[:, at_random] = one.random
            zz = np.zeros((people, self.random, self.random))
            zx = np.zeros((people, self.random, self.fixed + 1))
            np.add.at(zz, one.people, z[:, :, None] * z[:, None, :])
            np.add.at(zx, one.people, z[:, :, None] * x[:, None, :])
            self.parts.append((zz, zx, x.T @ x))

    def solve(self, parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the deviance, the coefficients and their covariance."""
        lower = _lower(parameters, self.random)
        weights = np.exp(-2 * parameters[-2:])
        zz, zx, xx = (
            sum(weight * part[place] for weight, part in zip(weights, self.parts, strict=True)) for place in range(3)
        )
        inner = np.eye(self.random) + lower.T @ zz @ lower
        right = lower.T @ zx
        whole = xx - np.einsum("prx,pry->xy", right, np.linalg.solve(inner, right))
        left, score, square = whole[:-1, :-1], whole[:-1, -1], whole[-1, -1]
        root = np.linalg.cholesky(left)
        coefficients = np.linalg.solve(left, score)
        deviance = np.linalg.slogdet(inner)[1].sum() + 2 * (np.array(self.rows) * parameters[-2:]).sum()
        deviance += square - score @ coefficients + 2 * np.log(np.diag(root)).sum()
        return float(deviance), coefficients, np.linalg.inv(left)


def _lower(parameters: np.ndarray, width: int) -> np.ndarray:
    lower = np.zeros((width, width))
    lower[np.tril_indices(width)] = parameters[:-2]
    return lower


def stacked(first: Response, second: Response, apart: tuple[tuple[int, int], ...] = ()) -> Stacked:
    """Fit two mixed models with all their random effects correlated, by restricted maximum likelihood.

    Residuals of the two are independent, each with a variance of its own.

    Parameters
    ----------
    apart : pairs (effect, 0) of random effects whose covariance is zero, numbered through both models

    Raises
    ------
    InputError
        If the fixed effects of a model are not told apart, or no fit is found.

    Notes
    -----
    Source: Bauer, Preacher & Gil 2006, doi 10.1037/1082-989X.11.2.142.
    """
    from scipy.optimize import minimize

    for one in (first, second):
        if np.linalg.matrix_rank(one.fixed) < one.fixed.shape[1]:
            raise InputError("two terms of the model say the same", mend="Leave one of them out")
    names, places = np.unique(np.concatenate([first.people, second.people]), return_inverse=True)
    first, second = (
        Response(one.values, one.fixed, one.random, place)
        for one, place in zip((first, second), np.split(places, [len(first.people)]), strict=True)
    )
    sums = _Sums(first, second, len(names))
    start = np.concatenate([(START * np.eye(sums.random))[np.tril_indices(sums.random)], np.log([0.8, 0.8])])
    pairs = [(row, column) for row in range(sums.random) for column in range(row + 1)]
    free = np.array([pair not in apart for pair in pairs] + [True, True], dtype=bool)

    def deviance(parameters: np.ndarray) -> float:
        parameters = np.where(free, parameters, 0.0)
        try:
            return sums.solve(parameters)[0]
        except np.linalg.LinAlgError:
            return 1e12

    bounds = [(-20.0, 20.0)] * (len(start) - 2) + [(-8.0, 4.0)] * 2
    options = {"maxiter": 500, "maxfun": 50_000, "ftol": 1e-11}
    found = minimize(deviance, start, method="L-BFGS-B", bounds=bounds, options=options)
    found = minimize(deviance, found.x, method="L-BFGS-B", jac="3-point", bounds=bounds, options=options)
    value, coefficients, covariance = sums.solve(found.x)
    if not np.isfinite(value):
        raise InputError("the mixed models cannot be fitted", mend="Leave terms out")
    lower = _lower(found.x, sums.random)
    variances = np.exp(2 * found.x[-2:])
    constant = (sum(sums.rows) - sums.fixed) * np.log(2 * np.pi)
    return Stacked(
        coefficients, covariance, lower @ lower.T, (float(variances[0]), float(variances[1])), value + constant,
        bool(found.success), found.x, _hessian(deviance, found.x), sums.random,
    )  # fmt: skip


def _hessian(function, at: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return second differences."""
    size = len(at)
    steps = STEP * np.eye(size)
    middle = function(at)
    plus, minus = (np.array([function(at + sign * step) for step in steps]) for sign in (1, -1))
    made = np.diag((plus - 2 * middle + minus) / STEP**2)
    for one in range(size):
        for other in range(one):
            both = function(at + steps[one] + steps[other]) + function(at - steps[one] - steps[other])
            mixed = (both - plus[one] - plus[other] - minus[one] - minus[other] + 2 * middle) / (2 * STEP**2)
            made[one, other] = made[other, one] = mixed
    return np.asarray(made)
