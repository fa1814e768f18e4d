"""What the model expects to be seen: a step ahead, with all that was seen, and after the end; and what is left over."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri, pdtr
from scipy.stats import norm

from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.people import Followed

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
SHARES = WEIGHTS / WEIGHTS.sum()
EDGE = 1e-10  # residuals stay finite where the value was thought impossible

STATES: dict[str, type[pl.DataType]] = {"person": pl.String, "time": pl.Float64, "indicator": pl.String}
STATES |= dict.fromkeys(("observed", "expected", "low", "high"), pl.Float64) | {"kind": pl.String}


def states(model: CouplingModel, followed: Followed, level: float = 0.95) -> pl.DataFrame:
    """Return what is expected of every indicator: person, time, indicator, observed, expected, low, high, kind.

    Notes
    -----
    "one step ahead" and "forecast" are of the value that will be seen, its error included; "smoothed" is of the value
    without error, given the whole series. Parameters are taken as known.
    """
    panel, parts = followed.panel, []
    ahead = followed.seen_by(followed.before, followed.before_covariance)
    whole = followed.seen_by(*followed.smoothed)
    people = np.array(panel.people, dtype=object)[panel.person]
    for column, one in enumerate(model.indicators):
        cuts = _cuts(model, followed, column)
        error = followed.error[:, column]
        told = predicted(one.kind, ahead[0][:, column], ahead[1][:, column] + error, cuts, level)
        smooth = without_error(one.kind, whole[0][:, column], whole[1][:, column], error, cuts, level)
        now = ~followed.future
        for kind, rows, numbers in (("one step ahead", now, told), ("smoothed", now, smooth), ("forecast", ~now, told)):
            seen = np.where(np.isfinite(panel.values[rows, column]), panel.values[rows, column], np.nan)
            made = {
                "person": people[rows].astype(str),
                "time": panel.time[rows],
                "indicator": one.name,
                "observed": seen,
            }
            made |= {name: part[rows] for name, part in zip(("expected", "low", "high"), numbers, strict=True)}
            parts.append(pl.DataFrame(made | {"kind": kind}, schema=STATES))
    return pl.concat(parts).with_columns(pl.col("observed").fill_nan(None)).filter(pl.col("expected").is_finite())


def residuals(model: CouplingModel, followed: Followed, seed: int = 0) -> pl.DataFrame:
    """Return standardised one-step-ahead residuals of what was seen: person, time, indicator, residual.

    Notes
    -----
    Gaussian ones are value less expected, over its standard deviation. Of ordinal and count indicators they are
    randomised quantile residuals (Dunn & Smyth 1996, doi 10.2307/1390802), standard normal if the model is true.
    """
    panel, parts = followed.panel, []
    middle, variance = followed.seen_by(followed.before, followed.before_covariance)
    generator = np.random.default_rng(seed)
    people = np.array(panel.people, dtype=object)[panel.person]
    for column, one in enumerate(model.indicators):
        rows = np.isfinite(panel.values[:, column])
        value, mean = panel.values[rows, column], middle[rows, column]
        spread = np.sqrt(variance[rows, column] + followed.error[rows, column])
        if one.kind == "gaussian":
            left = (value - mean) / spread
        else:
            cuts = _cuts(model, followed, column)
            cuts = None if cuts is None else cuts[rows]
            low, high = (_below(one.kind, at, mean, spread, cuts) for at in (value - 1, value))
            share = low + generator.random(len(value)) * (high - low)
            left = ndtri(np.clip(share, EDGE, 1 - EDGE))
        made = {"person": people[rows].astype(str), "time": panel.time[rows], "indicator": one.name, "residual": left}
        parts.append(pl.DataFrame(made))
    return pl.concat(parts)


def predicted(
    kind: str, mean: np.ndarray, variance: np.ndarray, cuts: np.ndarray | None, level: float = 0.95
) -> tuple[np.ndarray, ...]:
    """Return expected value and limits of what will be seen, from the linear predictor with its error."""
    spread = np.sqrt(variance)
    edges = ((1 - level) / 2, (1 + level) / 2)
    if kind == "gaussian":
        reach = norm.ppf(edges[1]) * spread
        return mean, mean - reach, mean + reach
    if kind == "ordinal":
        assert cuts is not None
        below = ndtr((cuts - mean[:, None]) / spread[:, None])
        return (np.sum(1 - below, 1), *(np.sum(below < edge, 1).astype(float) for edge in edges))
    expected = np.exp(np.minimum(mean + variance / 2, 700.0))
    return (expected, *(_count_quantile(edge, mean, spread) for edge in edges))


def without_error(
    kind: str, mean: np.ndarray, variance: np.ndarray, error: np.ndarray, cuts: np.ndarray | None, level: float = 0.95
) -> tuple[np.ndarray, ...]:
    """Return what an indicator would show on average, with limits, given how well the linear predictor is known."""
    reach = norm.ppf((1 + level) / 2) * np.sqrt(np.maximum(variance, 0.0))
    lines: tuple[np.ndarray, ...] = (mean, mean - reach, mean + reach)
    if kind == "gaussian":
        return lines
    if kind == "count":
        return tuple(np.exp(np.minimum(line + error / 2, 700.0)) for line in lines)
    assert cuts is not None
    return tuple(np.sum(ndtr((line[:, None] - cuts) / np.sqrt(error)[:, None]), 1) for line in lines)


def _cuts(model: CouplingModel, followed: Followed, column: int) -> np.ndarray | None:
    if model.indicators[column].kind != "ordinal":
        return None
    return followed.cuts[sum(one.kind == "ordinal" for one in model.indicators[:column])]


def _below(kind: str, value: np.ndarray, mean: np.ndarray, spread: np.ndarray, cuts: np.ndarray | None) -> np.ndarray:
    """Return the probability of a value or less."""
    if kind == "ordinal":
        assert cuts is not None
        place = value.astype(int)
        inside = np.take_along_axis(cuts, np.clip(place, 0, cuts.shape[1] - 1)[:, None], 1)[:, 0]
        return np.where(place < 0, 0.0, np.where(place >= cuts.shape[1], 1.0, ndtr((inside - mean) / spread)))
    rates = np.exp(np.minimum(mean[:, None] + spread[:, None] * NODES, 700.0))
    return np.where(value < 0, 0.0, pdtr(np.maximum(value, 0.0)[:, None], rates) @ SHARES)


def _count_quantile(edge: float, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the least count whose probability, or less, reaches `edge`; by halving."""
    top = np.exp(np.minimum(mean + 6 * spread, 40.0))
    low, high = np.full(len(mean), -1.0), np.ceil(top + 10 * np.sqrt(top) + 10)
    while (high - low).max(initial=0.0) > 1 and (high - low > np.maximum(1.0, 1e-6 * high)).any():
        middle = np.floor((low + high) / 2)
        enough = _below("count", middle, mean, spread, None) >= edge
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high
