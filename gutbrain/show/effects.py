"""Effects of a trial: changes from day 0, against a comparator arm, with two kinds of spread apart.

Belief is the spread of the effect between worlds: what nobody knows. Sampling is what the number
of people leaves open within one world: it shrinks with more people, belief does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gutbrain.errors import InputError

if TYPE_CHECKING:
    from gutbrain.run.result import Result

COVERAGE = 0.90
NORMAL_90 = 1.6448536269514722  # half-width of a 90 % interval, in standard errors
LEAST_SPREAD = (1e-3, 0.05)  # of the mean and of the change: below it day 0 has no spread to divide by

SCHEMA = {
    "visit": pl.Int64, "day": pl.Int64, "arm": pl.String, "comparator": pl.String, "signal": pl.String,
    "unit": pl.String, "worlds": pl.Int64, "assigned": pl.Int64, "present": pl.Int64, "dropped_out": pl.Int64,
    "lost": pl.Int64, "change": pl.Float64, "effect": pl.Float64, "belief_low": pl.Float64,
    "belief_high": pl.Float64, "standard_error": pl.Float64, "sampling_low": pl.Float64, "sampling_high": pl.Float64,
    "sd": pl.Float64, "effect_sd": pl.Float64, "belief_sd_low": pl.Float64, "belief_sd_high": pl.Float64,
    "sampling_sd_low": pl.Float64, "sampling_sd_high": pl.Float64,
}  # fmt: skip


def effects(
    result: Result, signals: Iterable[str], visits: Sequence[int] | None = None, comparator: str | None = None
) -> pl.DataFrame:
    """Tabulate changes and effects for each visit, arm and signal.

    Parameters
    ----------
    signals : names
    visits : days; those of the trial by default. A visit after the last simulated day reads that day.
    comparator : name of the arm that others are compared with; the first by default

    Returns
    -------
    table, one row for each visit, arm and signal:
        assigned, present, dropped_out, lost : readings, summed over worlds
        change : mean change from day 0 of those still there, median over worlds, unit of the signal
        effect : difference of the mean changes, arm minus comparator, median over worlds
        belief_low, belief_high : 5 and 95 % of the effect over worlds; null with one world
        standard_error : of the effect within a world, root mean square over worlds
        sampling_low, sampling_high : 90 % interval around the effect from that standard error
        sd : between-person SD on day 0, pooled over arms within a world, mean over worlds
        effect_sd and its intervals : the same, each world divided by its own SD; null if day 0 has no spread

    Raises
    ------
    InputError
        For an unknown signal or arm.

    Notes
    -----
    A person counts until the day he dropped out or left the bounds of the model. With twins the standard
    error is that of the differences between the copies of a person.
    """
    chosen = result.trial.visits if visits is None else visits
    against = _arm_number(result, comparator)
    rows = [row for signal in signals for visit in chosen for row in _visit(result, signal, int(visit), against)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def still_there(result: Result, day: int | None = None) -> np.ndarray:
    """Return who is neither dropped out nor lost, array [columns] on a day or [days, columns]."""
    days = np.arange(result.mean.shape[0])[:, None]
    there = (result.present > 0.5) & ((result.lost_day < 0) | (result.lost_day > days))
    return there if day is None else there[day]


def leaving(result: Result) -> pl.DataFrame:
    """Count by arm who was assigned, dropped out, was lost and stayed: readings summed over worlds."""
    gone, lost = ~(result.present[-1] > 0.5), result.lost_day >= 0
    rows = []
    for number, name in enumerate(result.arms):
        here = result.arm == number
        rows.append(
            {
                "arm": name,
                "assigned": int(here.sum()),
                "dropped_out": int((here & gone & ~lost).sum()),
                "lost": int((here & lost).sum()),
                "stayed": int((here & ~gone & ~lost).sum()),
            }
        )
    return pl.DataFrame(rows)


def _arm_number(result: Result, comparator: str | None) -> int:
    if comparator is None:
        return 0
    if comparator not in result.arms:
        raise InputError(f"the trial has no arm {comparator!r}", mend=f"Its arms are {', '.join(result.arms)}.")
    return result.arms.index(comparator)


def _visit(result: Result, signal: str, visit: int, against: int) -> list[tuple[object, ...]]:
    """Rows of one signal on one visit, arm by arm."""
    day = min(max(visit, 0), result.mean.shape[0] - 1)
    place = result.index(signal)
    start = np.asarray(result.mean[0, place], float)
    change = np.asarray(result.mean[day, place], float) - start
    there = still_there(result, day) & np.isfinite(change)
    worlds = range(result.cohort.worlds)
    spread = np.array([_pooled_sd(start, result, world) for world in worlds])
    size = np.sqrt(np.mean(change[there] ** 2)) if there.any() else 0.0
    smallest = max(LEAST_SPREAD[0] * abs(float(np.mean(start))), LEAST_SPREAD[1] * float(size), 1e-12)
    spread = np.where(spread > smallest, spread, np.nan)
    scale = float(np.nanmean(spread)) if np.isfinite(spread).any() else None
    rows = []
    for arm, name in enumerate(result.arms):
        here = result.arm == arm
        counts = (
            int(here.sum()), int((here & there).sum()),
            int((here & (result.present[day] <= 0.5) & ~_left(result, day)).sum()),
            int((here & _left(result, day)).sum()),
        )  # fmt: skip
        changes = np.array([_mean(change, here & there & (result.world == world)) for world in worlds])
        head = (
            visit,
            day,
            name,
            result.arms[against],
            signal,
            result.unit(signal),
            len(worlds),
            *counts,
            middle_of(changes),
        )
        if arm == against:
            rows.append((*head, *[None] * 6, scale, *[None] * 5))
            continue
        other = np.array([_mean(change, (result.arm == against) & there & (result.world == world)) for world in worlds])
        errors = np.array([_standard_error(change, there, result, arm, against, world) for world in worlds])
        plain = summary(changes - other, errors)
        scaled = summary((changes - other) / spread, errors / spread)
        rows.append((*head, *plain, scale, *scaled[:3], *scaled[4:]))
    return rows


def _left(result: Result, day: int) -> np.ndarray:
    return (result.lost_day >= 0) & (result.lost_day <= day)


def _pooled_sd(start: np.ndarray, result: Result, world: int) -> float:
    """Between-person SD on day 0 within one world: arms share one variance around their own means."""
    total, freedom = 0.0, 0
    for arm in range(len(result.arms)):
        values = start[(result.arm == arm) & (result.world == world) & (result.lost_day != 0)]
        if len(values) > 1:
            total += float(np.sum((values - values.mean()) ** 2))
            freedom += len(values) - 1
    return float(np.sqrt(total / freedom)) if freedom else float("nan")


def _standard_error(change: np.ndarray, there: np.ndarray, result: Result, arm: int, against: int, world: int) -> float:
    """Standard error of the difference of mean changes within one world."""
    one, other = (there & (result.arm == which) & (result.world == world) for which in (arm, against))
    if result.trial.twins:
        mine = np.flatnonzero((result.arm == arm) & (result.world == world))
        twin = np.flatnonzero((result.arm == against) & (result.world == world))
        both = there[mine] & there[twin]
        pairs = (change[mine] - change[twin])[both]
        return float(pairs.std(ddof=1) / np.sqrt(len(pairs))) if len(pairs) > 1 else float("nan")
    parts = [change[which] for which in (one, other)]
    if min(map(len, parts)) < 2:
        return float("nan")
    return float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)))


def summary(effect: np.ndarray, error: np.ndarray) -> tuple[float | None, ...]:
    """Effect, belief interval, standard error, sampling interval; worlds are the last axis."""
    middle, known = middle_of(effect), effect[np.isfinite(effect)]
    belief: tuple[float | None, float | None] = (None, None)
    if len(effect) > 1 and len(known) > 1:
        low, high = np.quantile(known, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        belief = (float(low), float(high))
    finite = error[np.isfinite(error)]
    width = float(np.sqrt(np.mean(finite**2))) if len(finite) else None
    if middle is None or width is None:
        return (middle, *belief, width, None, None)
    return (middle, *belief, width, middle - NORMAL_90 * width, middle + NORMAL_90 * width)


def _mean(values: np.ndarray, chosen: np.ndarray) -> float:
    return float(values[chosen].mean()) if chosen.any() else float("nan")


def middle_of(values: np.ndarray) -> float | None:
    """Return the median of what is known, or None."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
