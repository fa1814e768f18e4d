"""What is left over of a fit, looked at from several sides: would it look so if the model were true?"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import kurtosis, norm, skew, spearmanr

LEVEL = 1.96
LEAST = 20  # residuals of an indicator below which nothing is said
SCHEMA: dict[str, type[pl.DataType]] = {"check": pl.String, "indicator": pl.String}
SCHEMA |= dict.fromkeys(("value", "low", "high"), pl.Float64) | {"verdict": pl.String}

# Name, value if the model is true, how far off is of no matter, and what it means if it is off, below and above.
MEANING = {
    "mean": (0.0, 0.1, "what is seen lies below what is expected", "what is seen lies above what is expected"),
    "variance": (1.0, 0.15, "forecasts are less sure than they could be", "forecasts are surer than they should be"),
    "autocorrelation": (0.0, 0.1, "the model overshoots from one occasion to the next",
                        "something carries over from one occasion to the next that the model does not hold"),
    "skewness": (0.0, 0.5, "deviations downwards are larger than those upwards",
                 "deviations upwards are larger than those downwards"),
    "excess kurtosis": (0.0, 1.0, "large deviations are rarer than in a normal distribution",
                        "large deviations are commoner than in a normal distribution"),
    "variance over time": (0.0, 0.1, "deviations become smaller with time", "deviations become larger with time"),
    "day cycle": (0.0, 0.15, "", "a cycle of 24 hours is left"),
    "inside the 95 % interval": (0.95, 0.02, "forecasts are surer than they should be",
                                 "forecasts are less sure than they could be"),
}  # fmt: skip


def checks(residuals: pl.DataFrame) -> pl.DataFrame:
    """Return checks of standardised one-step-ahead residuals: check, indicator, value, low, high, verdict.

    Parameters
    ----------
    residuals : person, time (days), indicator, residual

    Notes
    -----
    Autocorrelation is that of neighbours in a person's series no further apart than twice the usual gap. Limits are
    95 %; those of the variance come from the residuals' own fourth moment, of skewness and kurtosis from a normal
    distribution, of the share inside from Wilson's score, of the amplitude of a day cycle from the normal error of
    both its parts. The verdict speaks of a deviation if the limits leave out what is expected, and calls it small
    where it is of no matter for what the fit is used for.
    """
    rows: list[tuple[str | float | None, ...]] = []
    for name in residuals["indicator"].unique(maintain_order=True):
        part = residuals.filter((pl.col("indicator") == name) & pl.col("residual").is_finite())
        if len(part) < LEAST:
            said = f"too few values ({len(part)}) to check"
            rows.append(("all", name, None, None, None, said))
            continue
        for check, (value, low, high) in _numbers(part).items():
            rows.append((check, name, value, low, high, verdict(check, value, low, high)))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def verdict(check: str, value: float, low: float, high: float) -> str:
    """Return what a number says of the fit."""
    true, least, below, above = MEANING[check]
    if low <= true <= high:
        return "as it would be if the model were true"
    said = above if value > true else below
    return f"{said}, but hardly" if abs(value - true) <= least else said


def failed(table: pl.DataFrame) -> pl.DataFrame:
    """Return the checks whose deviation is both surely there and of matter."""
    good = pl.col("verdict").str.starts_with("as it would") | pl.col("verdict").str.ends_with("but hardly")
    return table.filter(~good & pl.col("value").is_not_null())


def _numbers(part: pl.DataFrame) -> dict[str, tuple[float, float, float]]:
    left, time = part["residual"].to_numpy(), part["time"].to_numpy()
    person = part["person"].rank("dense").to_numpy()
    count = len(left)
    variance = left.var(ddof=1)
    fourth = np.mean((left - left.mean()) ** 4)
    made = {
        "mean": _around(left.mean(), np.sqrt(variance / count)),
        "variance": _around(variance, np.sqrt(max(fourth - variance**2, 0.0) / count)),
        "skewness": _around(float(skew(left)), np.sqrt(6 / count)),
        "excess kurtosis": _around(float(kurtosis(left)), np.sqrt(24 / count)),
        "inside the 95 % interval": _wilson(float(np.mean(np.abs(left) < norm.ppf(0.975))), count),
    }
    same, gap = person[1:] == person[:-1], np.diff(time)
    near = same & (gap <= 2 * np.median(gap[same])) if same.any() else same
    if near.sum() >= LEAST:
        made["autocorrelation"] = _correlation(np.corrcoef(left[:-1][near], left[1:][near])[0, 1], int(near.sum()))
    # Time counts within a person, from the begin to the end of his own series.
    begin, end = (
        part.select(getattr(pl.col("time"), way)().over("person")).to_series().to_numpy() for way in ("min", "max")
    )
    place = (time - begin) / np.maximum(end - begin, 1e-300)
    if np.ptp(place) > 0:
        made["variance over time"] = _correlation(float(spearmanr(place, left**2).statistic), count)
    day = 2 * np.pi * time
    waves = np.stack([np.ones(count), np.cos(day), np.sin(day)], 1)
    # With one time of day only there is no cycle to look for.
    if np.linalg.eigvalsh(waves.T @ waves / count)[0] > 0.05:
        parts = np.linalg.lstsq(waves, left, rcond=None)[0]
        error = np.sqrt(variance * np.linalg.inv(waves.T @ waves)[1:, 1:].diagonal().mean())
        amplitude = float(np.hypot(*parts[1:]))
        # Chance alone gives an amplitude below 2.45 standard errors in 95 %.
        made["day cycle"] = (amplitude, max(amplitude - 2.45 * error, 0.0), amplitude + 2.45 * error)
    return {name: made[name] for name in MEANING if name in made}


def _around(value: float, error: float) -> tuple[float, float, float]:
    return float(value), float(value - LEVEL * error), float(value + LEVEL * error)


def _correlation(value: float, count: int) -> tuple[float, float, float]:
    middle, reach = np.arctanh(np.clip(value, -0.999999, 0.999999)), LEVEL / np.sqrt(max(count - 3, 1))
    return float(value), float(np.tanh(middle - reach)), float(np.tanh(middle + reach))


def _wilson(share: float, count: int) -> tuple[float, float, float]:
    square = LEVEL**2 / count
    middle = (share + square / 2) / (1 + square)
    reach = LEVEL / (1 + square) * np.sqrt(share * (1 - share) / count + square / count / 4)
    return share, float(middle - reach), float(middle + reach)
