"""Reliable change: whether a person changed by more than the noise of the measure explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.study import Study

METHODS = ("jacobson-truax", "practice-adjusted", "regression")
CATEGORIES = ("recovered", "improved", "unchanged", "deteriorated")
LEAST_NORM = 10  # people of the comparison group, below which practice and regression are told with a warning
CAVEATS = (
    "Extreme starts drift towards the middle by chance (regression to the mean), which counts as change here",
    "Alpha says how items hang together on one day; noise from day to day is larger, so too many changes count",
)


@dataclass(frozen=True)
class Noise:
    """How noisy a measure is.

    Attributes
    ----------
    reliability : 0 to 1
    spread : standard deviation of the measure at the baseline
    origin : where the reliability comes from, in words
    """

    reliability: float
    spread: float
    origin: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no reliability or no spread."""
        if not 0 < self.reliability < 1:
            raise InputError(f"reliability {self.reliability:g} is not between 0 and 1", field="reliability",
                             mend="Take another reliability, such as that of the table or a number")  # fmt: skip
        if not (math.isfinite(self.spread) and self.spread > 0):
            raise InputError("nobody differs at the baseline", field="value", mend="Give a standard deviation")

    @property
    def measurement_error(self) -> float:
        """Standard error of measurement."""
        return self.spread * math.sqrt(1 - self.reliability)

    @property
    def difference_error(self) -> float:
        """Standard error of the difference of two measurements."""
        return math.sqrt(2) * self.measurement_error

    def smallest(self, confidence: float = 0.95) -> float:
        """Return the smallest change that noise does not explain, in the unit of the measure."""
        from scipy.special import ndtri

        return float(ndtri((1 + confidence) / 2)) * self.difference_error


def cut_off(mean_ill: float, spread_ill: float, mean_well: float, spread_well: float) -> float:
    """Return the cut-off between two groups (c of Jacobson & Truax 1991), nearer to the one that spreads less.

    Raises
    ------
    InputError
        For a spread that is not above 0.
    """
    if min(spread_ill, spread_well) <= 0:
        raise InputError("a standard deviation is not above 0")
    return (spread_well * mean_ill + spread_ill * mean_well) / (spread_ill + spread_well)


def reliable_change(
    changed: pl.DataFrame,
    noise: Noise,
    better: str,
    *,
    method: str = "jacobson-truax",
    comparison: pl.DataFrame | None = None,
    cut: float | None = None,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Say of each person whether it changed reliably.

    Parameters
    ----------
    changed : person, start, end and further columns, as `gutbrain.analyse.persons.responders.changes` gives it
    noise : of the measure; "regression" takes its noise from the comparison group instead
    better : "lower" or "higher"
    method : "jacobson-truax" compares with no change; "practice-adjusted" with the mean change of the comparison
        group (Chelune 1993); "regression" with what the comparison group's line predicts from the start
    comparison : start and end of people without treatment, for the last two methods
    cut : clinical cut-off; who improved reliably and crossed it has recovered
    confidence : of the interval, and of what counts as reliable

    Returns
    -------
    table with the columns of `changed` and expected (change), index, low, high (interval of the change beyond what
    was expected), category (null without an end)

    Raises
    ------
    InputError
        For an unknown method, or a comparison group that is lacking or too small.

    Notes
    -----
    Sources: Jacobson & Truax 1991, doi 10.1037/0022-006X.59.1.12 (index, cut-off, categories); Chelune et al. 1993,
    doi 10.1037/0894-4105.7.1.41 (practice). The regression method uses the error of a prediction for a new person,
    with Student's t.
    """
    from scipy import stats

    if method not in METHODS:
        raise InputError(f"method = {method!r} is not known", field="method", mend=f"Known are {', '.join(METHODS)}")
    start = changed["start"].cast(pl.Float64).to_numpy()
    change = (changed["end"] - changed["start"]).cast(pl.Float64).fill_null(math.nan).to_numpy()
    expected, error = np.zeros(len(change)), np.full(len(change), noise.difference_error)
    reach = float(stats.norm.ppf((1 + confidence) / 2))
    if method != "jacobson-truax":
        first, second = _comparison(comparison, 3 if method == "regression" else 1)
        if method == "practice-adjusted":
            expected += float((second - first).mean())
        else:
            expected, error, free = _predicted(first, second, start)
            reach = float(stats.t.ppf((1 + confidence) / 2, free))
    beyond = change - expected
    index = beyond / error
    good = -index if better == "lower" else index
    well = np.zeros(len(change), bool)
    if cut is not None:
        end = changed["end"].cast(pl.Float64).fill_null(math.nan).to_numpy()
        well = (start >= cut) & (end < cut) if better == "lower" else (start < cut) & (end >= cut)
    category = np.select(
        [np.isnan(change), (good > reach) & well, good > reach, good < -reach],
        ["", "recovered", "improved", "deteriorated"], "unchanged",
    )  # fmt: skip
    made = {
        "expected": expected, "index": index, "low": beyond - reach * error, "high": beyond + reach * error,
    }  # fmt: skip
    return changed.with_columns(
        [pl.Series(name, np.where(np.isnan(change), np.nan, numbers)).fill_nan(None) for name, numbers in made.items()]
    ).with_columns(pl.Series("category", [str(name) or None for name in category], dtype=pl.String))


def retest(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the correlation of two occasions and its interval by Fisher's z.

    Raises
    ------
    InputError
        With fewer than four people who have both, or nobody who differs.
    """
    from scipy.special import ndtri

    there = np.isfinite(first) & np.isfinite(second)
    first, second = np.asarray(first, float)[there], np.asarray(second, float)[there]
    if len(first) < 4:
        raise InputError(f"{len(first)} people have both occasions, 4 are needed for a retest correlation")
    if first.std() == 0 or second.std() == 0:
        raise InputError("nobody differs: no retest correlation")
    found = float(np.corrcoef(first, second)[0, 1])
    if abs(found) > 1 - 1e-12:
        raise InputError("both occasions are the same numbers: no retest correlation", mend="Is a visit copied?")
    wide = float(ndtri((1 + confidence) / 2)) / math.sqrt(len(first) - 3)
    return found, math.tanh(math.atanh(found) - wide), math.tanh(math.atanh(found) + wide)


def study_reliability(study: Study, quantity: str, visit: str, which: str = "alpha") -> tuple[float, str] | None:
    """Return alpha or omega of a scale at one visit of the study itself, and where it comes from.

    None where the answers are not there, or the coefficient is withheld.
    """
    from gutbrain.observe.forms import find
    from gutbrain.observe.reliability import reliability

    name, _, scale = quantity.partition(".")
    for form in study.answers["form"].unique(maintain_order=True):
        try:
            if find(form).name != name:
                continue
            options = study.about.get("forms", {}).get(form, {})
            taken = {key: value for key, value in options.items() if key in ("choice", "coding")}
            found = reliability(study.answers.filter(pl.col("form") == form), form, **taken)
        except InputError:
            continue
        row = found.filter((pl.col("scale") == scale) & pl.col("visit").eq_missing(pl.lit(visit or None, pl.String)))
        if len(row) and row[which][0] is not None:
            return float(row[which][0]), f"{which} of this study, {row['people'][0]} people at {visit or 'one visit'}"
    return None


def _comparison(table: pl.DataFrame | None, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end of the people of the comparison group who have both."""
    there = pl.DataFrame() if table is None else table.drop_nulls(["start", "end"])
    if len(there) < max(least, 2):
        raise InputError(f"the comparison group has {len(there)} people with both visits",
                         mend="Take method = 'jacobson-truax', or name a reference arm")  # fmt: skip
    return there["start"].cast(pl.Float64).to_numpy(), there["end"].cast(pl.Float64).to_numpy()


def _predicted(first: np.ndarray, second: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return expected change, its error of prediction, and degrees of freedom, from a line through a group."""
    size, centre = len(first), first.mean()
    square = float(((first - centre) ** 2).sum())
    if square == 0:
        raise InputError("nobody of the comparison group differs at the start: no line", field="value")
    slope = float(((first - centre) * second).sum() / square)
    left = second - second.mean() - slope * (first - centre)
    spread = math.sqrt(float((left**2).sum()) / (size - 2))
    if spread <= 1e-12 * max(1.0, float(np.abs(second).max())):
        raise InputError("the comparison group lies on a line without noise", mend="Is a visit copied?")
    error = spread * np.sqrt(1 + 1 / size + (start - centre) ** 2 / square)
    return second.mean() + slope * (start - centre) - start, error, size - 2
