"""What a fit says in numbers people ask for: lagged effects, responses to inputs, which direction is larger, shares.

All are those of the usual person (predictors at their mean, no random effect). Effects are standardised by the
stationary covariance within a person at the same parameters, so that they do not depend on units. Intervals are
quantiles of draws of the parameters (posterior draws, or normal around a maximum), as these quantities bend;
draws under which the processes do not return to rest have no stationary covariance and are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.plain import Matrices, at_rest, exponential, returns, steps, usual

DRAWS = 500  # of a curve
COMPARED = 4000  # draws behind the probability of a direction
POINTS = 60  # of a curve
GONE = 0.01  # what is left of the slowest mode where a curve ends
SURE, LIKELY = 0.975, 0.95  # from which probability a direction is called larger, and likely larger

Quantity = Callable[[np.ndarray], np.ndarray]  # vectors [cases, free] -> [cases, ...]


@dataclass(frozen=True)
class Band:
    """An estimate with its limits, arrays of one shape; limits are NaN where the fit gave no covariance."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    draws: np.ndarray


def drawn(fitted: Fitted, count: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Return draws of the free parameters [count, free]; none where the fit has no covariance."""
    if fitted.draws is None and not np.isfinite(fitted.covariance).all():
        return np.zeros((0, len(fitted.free)))
    return fitted.sample(count, seed)


def band(fitted: Fitted, quantity: Quantity, level: float = 0.95, count: int = DRAWS, seed: int = 0) -> Band:
    """Return a quantity with its limits.

    Parameters
    ----------
    quantity : of vectors of free parameters, one case a draw; NaN where it is not defined
    level : of the interval

    Notes
    -----
    The estimate is that at the maximum, and of nuts the median of the draws.
    """
    vectors = drawn(fitted, count, seed)
    made = quantity(np.concatenate([fitted.free[None], vectors]))
    middle, others = made[0], made[1:]
    kept = np.isfinite(others.reshape(len(others), -1)).all(1) if others.size else np.zeros(len(others), bool)
    others = others[kept]
    # With most draws gone the rest would be a picture of the few that happen to return to rest.
    if len(others) < max(20, 0.5 * len(vectors)):
        return Band(middle, np.full_like(middle, np.nan), np.full_like(middle, np.nan), others)
    if fitted.draws is not None:
        middle = np.median(others, 0)
    low, high = np.quantile(others, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Band(middle, low, high, others)


def of_usual(fitted: Fitted, quantity: Callable[[Matrices], np.ndarray]) -> Quantity:
    """Return a quantity of the matrices of the usual person as one of the free parameters."""
    return lambda free: quantity(usual(fitted.model, free, fitted.panel.predictors))


def unstable_share(fitted: Fitted, count: int = DRAWS, seed: int = 0) -> float:
    """Return the share of draws under which the usual person's processes do not return to rest."""
    vectors = drawn(fitted, count, seed)
    vectors = vectors if len(vectors) else fitted.free[None]
    return float(np.mean(~(returns(usual(fitted.model, vectors, fitted.panel.predictors).drift) > 0)))


def default_lags(fitted: Fitted, points: int = POINTS) -> np.ndarray:
    """Return lags [points], days: from 0 to where the slowest mode is gone or the record ends, denser early."""
    panel = fitted.panel
    rate = float(returns(usual(fitted.model, fitted.free, panel.predictors).drift)[0])
    starts = np.flatnonzero(panel.first)
    record = float(np.max(np.maximum.reduceat(panel.time, starts) - panel.time[starts]))
    reach = min(-np.log(GONE) / rate if rate > 0 else np.inf, record)
    return reach * (np.arange(points) / (points - 1)) ** 2


def sizes(made: Matrices) -> np.ndarray:
    """Return standard deviations of the processes within a person [cases, n]; NaN where there is no rest."""
    return np.sqrt(np.diagonal(at_rest(made.drift, made.noise), axis1=1, axis2=2))


def over_lags(made: Matrices, lags: np.ndarray) -> np.ndarray:
    """Return transitions [cases, lags, n, n]."""
    cases, size = made.drift.shape[:2]
    matrix = made.drift[:, None] * np.asarray(lags, float)[:, None, None]
    # Draws that grow without bound are left out later; their exponentials would only overflow.
    matrix = np.where((returns(made.drift) > 0)[:, None, None, None], matrix, 0.0)
    return exponential(matrix.reshape(-1, size, size)).reshape(cases, len(lags), size, size)


def standardised(made: Matrices, lags: np.ndarray) -> np.ndarray:
    """Return effects [cases, lags, to, by], SD of `to` after a lag per SD of `by` now, all else as it is now."""
    size = sizes(made)
    return over_lags(made, lags) * (size[:, None, :] / size[:, :, None])[:, None]


def lagged(fitted: Fitted, lags: np.ndarray | None = None, level: float = 0.95) -> pl.DataFrame:
    """Return the standardised effect of each process on each at every lag: to, by, lag (days), estimate, low, high."""
    at = default_lags(fitted) if lags is None else np.asarray(lags, float)
    found = band(fitted, of_usual(fitted, lambda made: standardised(made, at)), level)
    names = [one.name for one in fitted.model.processes]
    parts = [_frame({"to": to, "by": by}, at, found, (slice(None), row, column))
             for row, to in enumerate(names) for column, by in enumerate(names)]  # fmt: skip
    return pl.concat(parts).filter(pl.col("estimate").is_finite())


def impulses(
    fitted: Fitted, lags: np.ndarray | None = None, dose: dict[str, float] | None = None, level: float = 0.95
) -> pl.DataFrame:
    """Return responses to inputs: input, kind (impulse or level), process, lag, estimate, low, high; SD of the process.

    Parameters
    ----------
    dose : of each input; by default the median size of what was given where something was
    """
    model = fitted.model
    at = default_lags(fitted) if lags is None else np.asarray(lags, float)
    usual_dose = doses(fitted) | (dose or {})
    parts = []
    for kind, names in (("impulse", model.impulses), ("level", model.levels)):
        for column, name in enumerate(names):
            response = of_usual(fitted, partial(_response, kind, column, at, usual_dose[name]))
            found = band(fitted, response, level)
            parts += [_frame({"input": name, "kind": kind, "process": process.name}, at, found, (slice(None), row))
                      for row, process in enumerate(model.processes)]  # fmt: skip
    if not parts:
        kinds = dict.fromkeys(("input", "kind", "process"), pl.String)
        return pl.DataFrame(schema=kinds | dict.fromkeys(("lag", "estimate", "low", "high"), pl.Float64))
    return pl.concat(parts).filter(pl.col("estimate").is_finite())


def doses(fitted: Fitted) -> dict[str, float]:
    """Return the usual dose of every input: the median size of those given; 1 where none was."""
    panel, model = fitted.panel, fitted.model
    given = {}
    for names, values in ((model.impulses, panel.impulses), (model.levels, panel.levels)):
        for column, name in enumerate(names):
            some = values[values[:, column] != 0, column]
            given[name] = float(np.median(np.abs(some))) if len(some) else 1.0
    return given


def _response(kind: str, column: int, lags: np.ndarray, dose: float, made: Matrices) -> np.ndarray:
    """Return responses [cases, lags, n] to a dose of an input, in SD of the process."""
    cases, size = made.drift.shape[:2]
    if kind == "impulse":
        moved = np.einsum("clij,cj->cli", over_lags(made, lags), made.impulse[:, :, column])
    else:
        good = np.repeat(returns(made.drift) > 0, len(lags))[:, None, None]
        drift = np.where(good, np.repeat(made.drift, len(lags), 0), -np.eye(size))
        done = steps(drift, np.repeat(made.noise, len(lags), 0), np.tile(lags, cases)).integrated
        moved = np.einsum("clij,cj->cli", done.reshape(cases, len(lags), size, size), made.level[:, :, column])
    return dose * moved / sizes(made)[:, None]


def directions(fitted: Fitted, lags: np.ndarray | None = None, level: float = 0.95) -> pl.DataFrame:
    """Return for every pair of a gut and a mind process which effect on the other is larger.

    Notes
    -----
    An effect is compared by its standardised size at the lag where it is largest in the estimate. Of two processes
    both effects have one and the same course over lags, so the answer is the same at every lag and for the drift
    itself: it turns on |drift[mind, gut]| var(gut) against |drift[gut, mind]| var(mind).

    The probability is that of the difference of sizes in the directions (signs) that were found: the share of draws
    with sign(x) draw(x) > sign(y) draw(y), x and y the estimates. The share with |draw(x)| > |draw(y)| would come
    close to 1 whenever x is estimated less surely than y, even if both were nothing; the share taken here lies
    beyond `SURE` on either side in at most 1 of 20 studies without a difference, and more rarely if both are nothing
    and equally sure.
    """
    model = fitted.model
    numbers = [f"{way}{end}" for way in ("gut_to_mind", "mind_to_gut") for end in ("", "_low", "_high", "_lag")]
    kinds: dict[str, type[pl.DataType]] = {"gut": pl.String, "mind": pl.String, "lag": pl.Float64}
    kinds |= dict.fromkeys([*numbers, "probability"], pl.Float64) | {"verdict": pl.String}
    pairs = [(row, column) for row, gut in enumerate(model.processes) for column, mind in enumerate(model.processes)
             if gut.side == "gut" and mind.side == "mind"]  # fmt: skip
    at = default_lags(fitted) if lags is None else np.asarray(lags, float)
    curve = standardised(usual(model, fitted.free, fitted.panel.predictors), at)[0]
    if not pairs or not np.isfinite(curve).all():
        return pl.DataFrame(schema=kinds)
    peak = np.abs(curve).argmax(0)
    places = sorted({int(peak[pair]) for gut, mind in pairs for pair in ((mind, gut), (gut, mind))})
    found = band(fitted, of_usual(fitted, lambda made: standardised(made, at[places])), level, COMPARED)
    rows = []
    for gut, mind in pairs:
        there, back = (places.index(peak[mind, gut]), mind, gut), (places.index(peak[gut, mind]), gut, mind)
        names = (model.processes[gut].name, model.processes[mind].name)
        probability = float("nan")
        if np.isfinite(found.low[there]):
            sizes_there = np.sign(found.estimate[there]) * found.draws[:, *there]
            sizes_back = np.sign(found.estimate[back]) * found.draws[:, *back]
            ties = 0.5 * np.mean(sizes_there == sizes_back)
            probability = float(np.mean(sizes_there > sizes_back) + ties)
        larger = there if abs(found.estimate[there]) >= abs(found.estimate[back]) else back
        told = tuple((found.low[one] > 0) or (found.high[one] < 0) for one in (there, back))
        rows.append((*names, at[places[larger[0]]],
                     *(float(part[there]) for part in (found.estimate, found.low, found.high)), at[places[there[0]]],
                     *(float(part[back]) for part in (found.estimate, found.low, found.high)), at[places[back[0]]],
                     probability, verdict(*names, probability, *told)))  # fmt: skip
    return pl.DataFrame(rows, schema=kinds, orient="row")


def verdict(gut: str, mind: str, probability: float, there: bool, back: bool) -> str:
    """Return a sentence that is no surer than the probability.

    Parameters
    ----------
    probability : that gut -> mind is the larger one
    there, back : whether the interval of gut -> mind, of mind -> gut, leaves out 0
    """
    if not np.isfinite(probability):
        return f"Which of {gut} and {mind} moves the other more cannot be told: the fit gives no standard errors."
    one, other = f"{gut} -> {mind}", f"{mind} -> {gut}"
    if not there and not back:
        return f"Neither {one} nor {other} can be told from no effect, so no direction is preferred."
    chance = max(probability, 1 - probability)
    said = "above 0.999" if chance > 0.999 else f"{chance:.3f}" if chance > 0.99 else f"{chance:.2f}"
    larger, smaller, told, least = (one, other, there, back) if probability >= 0.5 else (other, one, back, there)
    if chance >= LIKELY and told:
        rest = "" if least else f" {smaller} cannot be told from no effect."
        return f"{larger} is {'larger' if chance >= SURE else 'likely larger'} (probability {said}).{rest}"
    seen = " and ".join(name for name, is_told in ((one, there), (other, back)) if is_told)
    verb = "are both" if there and back else "is"
    return f"{seen} {verb} told from no effect, but which is larger is open (probability {said} for {larger})."


def _frame(labels: dict[str, str], lags: np.ndarray, found: Band, place: tuple[slice | int, ...]) -> pl.DataFrame:
    numbers = {"lag": lags, "estimate": found.estimate[place], "low": found.low[place], "high": found.high[place]}
    return pl.DataFrame(numbers).select(*(pl.lit(text).alias(name) for name, text in labels.items()), *numbers)
