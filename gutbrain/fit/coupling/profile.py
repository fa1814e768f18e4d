"""Profile intervals: the values of one parameter that the data do not speak against, the others making the best of it.

A limit stands where twice the loss of log likelihood, all other parameters maximised anew, reaches the quantile of
chi-squared with one degree of freedom. Unlike normal intervals it need not be symmetric, and may have no end.
Source: Venzon & Moolgavkar 1988, Applied Statistics 37, 87-94 (recalled).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.optimize import minimize
from scipy.stats import norm

from gutbrain.errors import InputError
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.maximum import FAR, Objective, Progress

GENTLE = 1e-4  # slope, per standard error, at which the other parameters have settled
CLOSE = 2e-3  # of a limit, in standard deviations
ROOT = 12  # evaluations of the profile for a limit, at most
REACH = 40.0  # standard errors, beyond which a limit is not looked for
GROWTH = 2.5  # of a step outwards, at most
SINGULAR = 1e-12  # least eigenvalue of a correlation matrix
SETTLED = 1e-4  # gain that a further step may still promise, in log likelihood
BETTER = 1e-2  # gain of log likelihood that shows that the fit was no maximum
PARTS = (0.25, 0.5, 0.75)  # of the way to a limit, where the curve is drawn too
TURNS = 4  # of moving the nodes of the integration and searching again


class Interval(NamedTuple):
    """Limits of a parameter, scale of the report, infinite or at the edge of what is possible where open.

    Parameters
    ----------
    low, high : limits
    curve : value, raw (scale of estimation), loss (twice, of log likelihood), root (signed), settled
    open : which of "low" and "high" the data do not give
    said : what was uncertain, in sentences
    """

    low: float
    high: float
    curve: pl.DataFrame
    open: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


class _Point(NamedTuple):
    """The profile at one value: root is the signed square root of twice the loss."""

    raw: float
    root: float
    free: np.ndarray
    settled: bool


def interval(
    fitted: Fitted,
    name: str,
    level: float = 0.95,
    *,
    objective: Objective | None = None,
    progress: Progress | None = None,
) -> Interval:
    """Return the profile interval of a free parameter.

    Parameters
    ----------
    fitted : a maximum that has converged, with its covariance
    name : of the parameter
    level : of confidence
    objective : one that is compiled already, of the same model, panel and prior

    Raises
    ------
    InputError
        For a parameter that is unknown or held, a fit that is no maximum, or a level that is none.
    """
    model = fitted.model
    if not 0 < level < 1:
        raise InputError(
            f"a level of confidence of {level:g} makes no sense", mend="Give one between 0 and 1, such as 0.95"
        )
    if name not in model.free_names:
        known = any(one.name == name for one in model.parameters)
        why = "is held and not estimated" if known else "does not exist"
        raise InputError(f"parameter {name!r} {why}", mend=f"Estimated are {', '.join(model.free_names)}")
    if fitted.method == "nuts" or not np.isfinite(fitted.covariance).all() or not fitted.converged:
        raise InputError(
            "a profile needs a maximum that has converged, with its covariance",
            mend="Fit by maximum likelihood or maximum a posteriori first",
        )
    path = _Path(fitted, model.free_names.index(name), objective)
    wanted, points, said, open_ends = float(norm.ppf((1 + level) / 2)), [path.start], [], []
    told = progress or (lambda what, done, of: None)
    limits: dict[str, float] = {}
    for side, end in ((-1, "low"), (1, "high")):
        found = _limit(path, side, wanted, points, lambda done: told(f"profile of {name}", done, 0))
        limits[end] = side * np.inf if found is None else found
        if found is None:
            open_ends.append(end)
    one = model.parameters[model.free[path.at]]
    # A transform may turn the scale round: the larger rate of return is the lower auto-effect.
    with np.errstate(over="ignore"):
        ends = {end: one.natural(raw) + 0.0 for end, raw in limits.items()}
        values = [one.natural(point.raw) for point in points]
    if ends["low"] > ends["high"]:
        ends = {"low": ends["high"], "high": ends["low"]}
        open_ends = [{"low": "high", "high": "low"}[end] for end in open_ends]
    said += [
        f"the data set no {'lower' if end == 'low' else 'upper'} limit to {name} at this level" for end in open_ends
    ]
    if not all(point.settled for point in points):
        said.append(f"along the profile of {name} the other parameters did not settle everywhere")
    curve = pl.DataFrame(
        {
            "value": values,
            "raw": [point.raw for point in points],
            "loss": [point.root**2 for point in points],
            "root": [point.root for point in points],
            "settled": [point.settled for point in points],
        }
    ).sort("value")
    return Interval(ends["low"], ends["high"], curve, tuple(sorted(open_ends, reverse=True)), tuple(said))


class _Path:
    """The maximum over all other parameters, as one parameter is moved."""

    def __init__(self, fitted: Fitted, at: int, objective: Objective | None) -> None:
        self.objective = objective or Objective(fitted.model, fitted.panel, fitted.prior)
        self.at, covariance = at, fitted.covariance
        variances = np.diag(covariance)
        # Parameters at the edge of what is possible have no variance: they stay there.
        self.others = np.array([k for k in np.flatnonzero(variances > 0) if k != at], int)
        self.free, self.error = fitted.free, float(np.sqrt(variances[at])) or 1.0
        along = covariance[self.others, at] / self.error**2
        self.lean = np.zeros(len(variances))
        self.lean[self.others] = along
        self.lean[at] = 1.0
        left = covariance[np.ix_(self.others, self.others)] - self.error**2 * np.outer(along, along)
        units = np.sqrt(variances[self.others])
        values, vectors = np.linalg.eigh(left / units[:, None] / units)
        self.factor = units[:, None] * vectors * np.sqrt(np.maximum(values, SINGULAR))
        self.objective.adapt(self.free)
        self.lowest = self.objective.value_and_slope(self.free)[0]
        self.start = _Point(float(self.free[at]), 0.0, self.free, True)

    def point(self, raw: float, near: _Point) -> _Point:
        """Return the profile at a value, from a point that is near."""
        side = np.sign(raw - self.start.raw)
        free, settled, last = near.free + (raw - near.raw) * self.lean, False, np.inf
        for _ in range(TURNS if self.objective.model.curved else 1):
            self.objective.adapt(free)
            value, free, settled = self._maximised(free)
            if abs(last - value) < CLOSE:
                break
            last = value
        if value >= FAR:
            return _Point(raw, side * np.inf, free, False)
        if value < self.lowest - BETTER:
            raise InputError(
                f"the fit is no maximum: along this profile the log likelihood is {self.lowest - value:.3g} higher",
                mend="Fit again, from the values found here or with a prior",
            )
        return _Point(raw, side * np.sqrt(2 * max(value - self.lowest, 0.0)), free, settled)

    def _maximised(self, free: np.ndarray) -> tuple[float, np.ndarray, bool]:
        """Return minus the largest log likelihood, where it is, and whether the search settled."""
        if not len(self.others):
            return self.objective.value_and_slope(free)[0], free, True

        def moved(x: np.ndarray) -> np.ndarray:
            made = free.copy()
            made[self.others] += self.factor @ x
            return made

        def scaled(x: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = self.objective.value_and_slope(moved(x))
            return value, self.factor.T @ slope[self.others]

        found = minimize(
            scaled, np.zeros(len(self.others)), jac=True, method="BFGS", options={"gtol": GENTLE, "maxiter": 200}
        )
        settled = bool(np.sum(np.asarray(found.jac) ** 2) / 2 < SETTLED)
        return float(found.fun), moved(found.x), settled


def _limit(path: _Path, side: int, wanted: float, points: list[_Point], told: Callable[[int], None]) -> float | None:
    """Return where the root of the loss reaches what is wanted, None if it never does; visited points are added."""
    inner, outer = path.start, None
    raw = path.start.raw + side * wanted * path.error
    for turn in range(ROOT):
        told(turn)
        here = path.point(raw, inner)
        root = abs(here.root)
        if np.isfinite(root):
            points.append(here)
        if abs(root - wanted) < CLOSE:
            inner = here
            break
        if root > wanted:
            outer = here
        else:
            inner = here
        reached = abs(inner.root)
        if outer is None:
            if abs(inner.raw - path.start.raw) >= REACH * path.error:
                return None
            # Where the profile flattens, a straight line would send the next step far beyond what it knows.
            ahead = wanted / reached if reached > wanted / GROWTH else GROWTH
            length = min(abs(inner.raw - path.start.raw) * ahead * 1.02, REACH * path.error)
            raw = path.start.raw + side * length
        else:
            gap = outer.raw - inner.raw
            share = float(np.clip((_between(inner, outer, wanted) - inner.raw) / gap, 0.05, 0.95))
            raw = inner.raw + share * gap
    else:
        if outer is None:
            return None
    limit = inner.raw if outer is None or abs(abs(inner.root) - wanted) < CLOSE else _between(inner, outer, wanted)
    points += [path.point(path.start.raw + part * (limit - path.start.raw), path.start) for part in PARTS]
    return limit


def _between(inner: _Point, outer: _Point, wanted: float) -> float:
    """Return where the root stands between two points, by a straight line; the middle where the outer one is no fit."""
    width = abs(outer.root) - abs(inner.root)
    share = (wanted - abs(inner.root)) / width if np.isfinite(width) and width > 0 else 0.5
    return inner.raw + share * (outer.raw - inner.raw)
