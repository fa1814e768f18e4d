"""Day by day: means of arms with belief, and the spread of people, as a table that figures draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gutbrain.show.effects import still_there

if TYPE_CHECKING:
    from gutbrain.run.result import Result

BAND = (0.05, 0.95)
DUST = 1e-3  # of the level: a smaller change is not drawn


def trajectory_table(result: Result, signal: str) -> pl.DataFrame:
    """Return day, arm, change, belief_low, belief_high, level, people_low, people_high of one signal.

    People count until they drop out or are lost.
    """
    values = np.asarray(result.mean[:, result.index(signal)], float)
    values = np.where(still_there(result) & np.isfinite(values), values, np.nan)
    change, frames = values - values[:1], []
    for number_, arm in enumerate(result.arms):
        here = result.arm == number_
        worlds = [here & (result.world == world) for world in range(result.cohort.worlds)]
        changes = np.array([_row_mean(change[:, which]) for which in worlds])
        levels = np.array([_row_mean(values[:, which]) for which in worlds])
        low, high = _row_quantiles(changes.T)
        people = _row_quantiles(values[:, here])
        frames.append(
            pl.DataFrame(
                {
                    "day": np.arange(values.shape[0]), "arm": [arm] * values.shape[0],
                    "change": _row_quantiles(changes.T, (0.5,))[0], "belief_low": low, "belief_high": high,
                    "level": _row_quantiles(levels.T, (0.5,))[0], "people_low": people[0], "people_high": people[1],
                }
            )
        )  # fmt: skip
    return pl.concat(frames).fill_nan(None)


def moved(result: Result, signal: str) -> bool:
    """Say whether the mean of any arm left its value of day 0 by more than a thousandth of its level."""
    return moves(trajectory_table(result, signal))


def moves(frame: pl.DataFrame) -> bool:
    """Say the same of a table that `trajectory_table` gives."""
    changes = frame.select("change", "belief_low", "belief_high").to_numpy().astype(float)
    level = float(np.nanmean(np.abs(frame["level"].to_numpy())))
    return bool(np.nanmax(np.abs(changes)) > max(DUST * level, 1e-6))


def _row_mean(values: np.ndarray) -> np.ndarray:
    """Mean of each row over what is not NaN, NaN where nothing is left."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _row_quantiles(values: np.ndarray, shares: Sequence[float] = BAND) -> np.ndarray:
    """Quantiles of each row over what is not NaN, array [shares, rows]."""
    found = np.full((len(shares), values.shape[0]), np.nan)
    for place, row in enumerate(values):
        known = row[np.isfinite(row)]
        if len(known):
            found[:, place] = np.quantile(known, shares)
    return found
