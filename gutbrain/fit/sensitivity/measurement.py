"""What a measurement would tell: of a parameter itself, or of a signal that the outcome goes along with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import rankdata

HALVED = 0.75  # of a parameter's share goes when its standard deviation is halved: 1 - (1/2)^2
RESAMPLES = 500
RESTATES = 0.995  # squared correlation from which a signal says the outcome in other words


def of_parameters(indices: pl.DataFrame) -> pl.DataFrame:
    """Return how much of the variance goes, on average, when one parameter is measured.

    Parameters
    ----------
    indices : of `sobol_table`

    Returns
    -------
    columns parameter, exactly, exactly_low, exactly_high (known without error: its first-order index) and halved
    (belief half as wide, if the outcome follows the parameter along a straight line), the largest first.
    """
    return indices.select(
        "parameter",
        pl.col("first").alias("exactly"), pl.col("first_low").alias("exactly_low"),
        pl.col("first_high").alias("exactly_high"), (HALVED * pl.col("first")).alias("halved"),
    ).sort(["exactly", "parameter"], descending=[True, False])  # fmt: skip


def of_signals(outcome: np.ndarray, readings: np.ndarray, names: Sequence[str], when: str, seed: int) -> pl.DataFrame:
    """Return how much of an outcome's variance a reading without error would tell.

    Parameters
    ----------
    outcome : array [draws]
    readings : array [draws, signals]
    when : at which moment the signals are read

    Returns
    -------
    columns signal, when, linear, linear_low, linear_high (squared correlation, 95 % by bootstrap), rank, rank_low,
    rank_high (the same of ranks), restates (true where it is the outcome in other words).
    """
    pick = np.random.default_rng([seed, 4]).integers(len(outcome), size=(RESAMPLES, len(outcome)))
    ranked = rankdata(outcome)
    rows = []
    for place, name in enumerate(names):
        values = readings[:, place]
        linear = _with_interval(outcome, values, pick)
        rank = _with_interval(ranked, rankdata(values), pick)
        rows.append((name, when, *linear, *rank, linear[0] > RESTATES or rank[0] > RESTATES))
    numbers = [f"{kind}{end}" for kind in ("linear", "rank") for end in ("", "_low", "_high")]
    schema: dict[str, Any] = {"signal": pl.String, "when": pl.String, **dict.fromkeys(numbers, pl.Float64)}
    table = pl.DataFrame(rows, schema=schema | {"restates": pl.Boolean}, orient="row")
    return table.sort(["linear", "signal"], descending=[True, False])


def _with_interval(one: np.ndarray, other: np.ndarray, pick: np.ndarray) -> tuple[float, float, float]:
    found = float(_squared(one[None], other[None])[0])
    low, high = np.quantile(_squared(one[pick], other[pick]), [0.025, 0.975])
    return found, float(low), float(high)


def _squared(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return squared correlations along the last axis, 0 where something does not vary."""
    a, b = (values - values.mean(axis=-1, keepdims=True) for values in (one, other))
    below = (a**2).sum(axis=-1) * (b**2).sum(axis=-1)
    return np.divide((a * b).sum(axis=-1) ** 2, below, out=np.zeros(below.shape), where=below > 0)
