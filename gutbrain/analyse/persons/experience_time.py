"""Moments at unequal distances: how fast their correlation fades with time, and how change grows with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SHORTEST, LONGEST = 0.02, 2000.0  # hours between which a correlation time is sought
EXPONENTS = (-2.0, 4.0)
LEAST_PAIRS = 10


@dataclass(frozen=True)
class CorrelationTime:
    """Hours in which the correlation of two moments falls to 37 %; `low` and `high` by profile likelihood."""

    hours: float | None
    low: float | None
    high: float | None
    mean: float | None
    spread: float | None
    note: str | None


def continuous_inertia(
    hours: np.ndarray, values: np.ndarray, days: np.ndarray, confidence: float = 0.95
) -> CorrelationTime:
    """Fit a continuous-time autoregression exp(-gap / tau) within days by maximum likelihood.

    Parameters
    ----------
    hours, values : arrays [moment], in order of time
    days : array [moment], number of the day; days are independent of each other

    Notes
    -----
    An Ornstein-Uhlenbeck process that begins each day at rest; mean and variance are profiled out. Noise of single
    answers is not modelled and makes the time too short.
    """
    from scipy.optimize import brentq, minimize_scalar
    from scipy.stats import chi2

    first = np.concatenate([[True], np.diff(days) != 0])
    pairs = int((~first).sum())
    if pairs < LEAST_PAIRS:
        return CorrelationTime(None, None, None, None, None, f"{pairs} pairs of the {LEAST_PAIRS} that are needed")
    if np.ptp(values) == 0:
        return CorrelationTime(None, None, None, None, None, "the answers do not vary")
    gap = np.where(first, math.inf, np.concatenate([[math.inf], np.diff(hours)]))
    before = np.concatenate([[0.0], values[:-1]])

    def fit(log_time: float) -> tuple[float, float, float]:
        rate = gap / math.exp(log_time)
        kept = np.exp(-rate)
        noise = -np.expm1(-2 * rate)
        rest, weight = values - kept * before, 1 - kept
        mean = float((weight * rest / noise).sum() / (weight**2 / noise).sum())
        spread = float(((rest - mean * weight) ** 2 / noise).mean())
        return len(values) / 2 * math.log(max(spread, 1e-300)) + float(np.log(noise).sum()) / 2, mean, spread

    def lost(log_time: float) -> float:
        return fit(log_time)[0]

    ends = math.log(SHORTEST), math.log(LONGEST)
    grid = np.linspace(*ends, 60)
    at = int(np.argmin([lost(point) for point in grid]))
    inner = minimize_scalar(lost, bounds=(grid[max(at - 1, 0)], grid[min(at + 1, 59)]), method="bounded",
                            options={"xatol": 1e-7})  # fmt: skip
    best, least = float(inner.x), float(inner.fun)
    if at in (0, len(grid) - 1):
        side = "shorter than the gaps tell" if at == 0 else "longer than the days tell"
        return CorrelationTime(None, None, None, None, None, f"the correlation time is {side}")
    bar = least + float(chi2.ppf(confidence, 1)) / 2

    def over(log_time: float) -> float:
        return lost(log_time) - bar

    low = math.exp(brentq(over, ends[0], best, xtol=1e-8)) if over(ends[0]) > 0 else None
    high = math.exp(brentq(over, best, ends[1], xtol=1e-8)) if over(ends[1]) > 0 else None
    open_ends = [name for name, end in (("lower", low), ("upper", high)) if end is None]
    note = f"the data set no {' and no '.join(open_ends)} end" if open_ends else None
    _, mean, spread = fit(best)
    return CorrelationTime(math.exp(best), low, high, mean, math.sqrt(spread), note)


def gap_exponent(people: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the power of the gap to which squared changes are proportional, each person at a level of its own.

    Parameters
    ----------
    people : changes and gaps (hours) of each person

    Returns
    -------
    power by quasi-Poisson score; 0 where gaps or changes do not vary, held within -2 and 4

    Notes
    -----
    0 says that change does not grow with the gap, 1 that it grows like a random walk.
    """
    from scipy.optimize import brentq

    kept = [(change**2, np.log(gap)) for change, gap in people if len(gap) > 1 and np.any(change != 0)]
    if not kept or all(np.ptp(logs) < 1e-9 for _, logs in kept):
        return 0.0

    def score(power: float) -> float:
        total = 0.0
        for squared, logs in kept:
            weight = np.exp(power * (logs - logs.mean()))
            total += float((squared * logs).sum() - squared.sum() * (weight * logs).sum() / weight.sum())
        return total

    low, high = EXPONENTS
    if score(low) <= 0:
        return low
    if score(high) >= 0:
        return high
    return float(brentq(score, low, high, xtol=1e-10))
