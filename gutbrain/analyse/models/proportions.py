"""Shares of people: intervals of one share, and of the difference, ratio and odds of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gutbrain.errors import InputError


def wilson(hits: int, people: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share.

    Raises
    ------
    InputError
        Without people, or with more hits than people.

    Notes
    -----
    Source: Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E (method 3).
    """
    from statsmodels.stats.proportion import proportion_confint

    _counted(hits, people)
    low, high = proportion_confint(hits, people, alpha=1 - confidence, method="wilson")
    # At the ends the interval is closed; rounding may leave 1e-17 there.
    return (0.0 if hits == 0 else float(low)), (1.0 if hits == people else float(high))


def difference(hits: int, people: int, hits0: int, people0: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Newcombe's hybrid score interval of the difference of two shares (first less second).

    Notes
    -----
    Source: Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I (method 10).
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    _counted(hits, people)
    _counted(hits0, people0)
    low, high = confint_proportions_2indep(
        hits, people, hits0, people0, compare="diff", method="newcomb", alpha=1 - confidence
    )
    return max(float(low), -1.0), min(float(high), 1.0)


def ratio(hits: int, people: int, hits0: int, people0: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of the ratio of two shares; its ends may be 0 or infinite.

    Notes
    -----
    The share ratios that the score test does not reject, with the other parameter at its maximum under each ratio.
    Source: Koopman 1984, Biometrics 40:513. Written here because the one of statsmodels fails without hits.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    _counted(hits, people)
    _counted(hits0, people0)
    if hits == 0 and hits0 == 0:
        return 0.0, math.inf
    bar = float(ndtri((1 + confidence) / 2)) ** 2

    def excess(log_ratio: float) -> float:
        return _score(hits, people, hits0, people0, math.exp(log_ratio)) - bar

    # With all or no hits in one group the estimate lies at an end: start within reach of the interval.
    centre = math.log((hits + 0.5) * (people0 + 0.5) / ((people + 0.5) * (hits0 + 0.5)))
    start = float(min(np.linspace(centre - 3, centre + 3, 121), key=excess))
    low = 0.0 if hits == 0 else math.exp(brentq(excess, start - 40, start, xtol=1e-10))
    high = math.inf if hits0 == 0 else math.exp(brentq(excess, start, start + 40, xtol=1e-10))
    return low, high


def _score(hits: int, people: int, hits0: int, people0: int, theta: float) -> float:
    """Return the squared score statistic of a ratio of shares `theta`."""
    quadratic, linear = (people + people0) * theta, -(people * theta + hits + people0 + hits0 * theta)
    root = math.sqrt(max(linear**2 - 4 * quadratic * (hits + hits0), 0.0))
    second = 2 * (hits + hits0) / (-linear + root)
    first = second * theta
    total = 0.0
    for seen, size, share in ((hits, people, first), (hits0, people0, second)):
        if 0 < share < 1:
            total += (seen - size * share) ** 2 / (size * share * (1 - share))
        elif abs(seen - size * share) > 1e-9 * size:
            return math.inf
    return total


def odds_ratio(
    hits: int, people: int, hits0: int, people0: int, confidence: float = 0.95
) -> tuple[float | None, float, float]:
    """Return the conditional odds ratio with its exact interval; None where no table could differ from this one."""
    from scipy.stats.contingency import odds_ratio as conditional

    _counted(hits, people)
    _counted(hits0, people0)
    if hits + hits0 in (0, people + people0):
        return None, 0.0, math.inf
    found = conditional(np.array([[hits, people - hits], [hits0, people0 - hits0]]))
    low, high = found.confidence_interval(confidence)
    return float(found.statistic), float(low), float(high)


def equal_shares(hits: int, people: int, hits0: int, people0: int) -> tuple[float | None, float, str]:
    """Return statistic, two-sided p and method of the test that two shares are equal.

    Notes
    -----
    The chi-squared test with N - 1, or Fisher's where an expected number is below 1, after Campbell 2007,
    doi 10.1002/sim.2832.
    """
    from scipy import stats

    _counted(hits, people)
    _counted(hits0, people0)
    total, seen = people + people0, hits + hits0
    if min(people, people0) * min(seen, total - seen) < total:
        table = [[hits, people - hits], [hits0, people0 - hits0]]
        return None, float(stats.fisher_exact(table).pvalue), "Fisher's exact test"
    gap = hits * (people0 - hits0) - hits0 * (people - hits)
    statistic = gap**2 * (total - 1) / (people * people0 * seen * (total - seen))
    return float(statistic), float(stats.chi2.sf(statistic, 1)), "chi-squared test with N - 1"


def number_needed(difference: float, low: float, high: float) -> dict[str, Any]:
    """Return the number needed to treat, with an interval that may pass through infinity.

    Parameters
    ----------
    difference, low, high : of the shares, treated less reference; above 0 is benefit

    Returns
    -------
    dict with `needed` (negative = to harm; null for a difference of 0), `needed_low`, `needed_high` (the reciprocals
    of `high` and `low`), `through_infinity` and `needed_said`; where it passes through infinity the interval is
    from `needed_low` up to infinity and from minus infinity up to `needed_high`

    Notes
    -----
    Source: Altman 1998, doi 10.1136/bmj.317.7168.1309.
    """
    through = low <= 0 <= high
    needed = None if difference == 0 else 1 / difference
    first, last = (None if end == 0 else 1 / end for end in (high, low))
    ends = f"{_told(first, True)} to infinity to {_told(last, False)}"
    if not through:
        ends = f"{_told(first, difference > 0)} to {_told(last, difference > 0)}"
    return {
        "needed": needed, "needed_low": first, "needed_high": last, "through_infinity": through,
        "needed_said": f"{_told(needed, difference >= 0)} ({ends})",
    }  # fmt: skip


def _told(number: float | None, benefit: bool) -> str:
    if number is None:
        return "infinity"
    return f"{'benefit' if benefit else 'harm'} {abs(number):.1f}"


def _counted(hits: int, people: int) -> None:
    if people < 1 or not 0 <= hits <= people:
        raise InputError(f"{hits} of {people} people is no share", mend="Give 0 or more hits among 1 or more people")
