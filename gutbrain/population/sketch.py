"""A sketch of many numbers: how many lie in each bucket of a logarithmic scale.

Sketches of parts add up to the sketch of the whole, exactly and in any order, and a quantile read from
it is off by at most half a percent of its own value, however many numbers went in.

Source: DDSketch (Masson, Rim and Lee 2019, PVLDB 12(12): 2195-2205; arXiv 1908.10693).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

ACCURACY = 0.005  # of the value
GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
SHIFT = 8000  # buckets of values of either sign are numbered away from 0, which is the bucket of zero
TINY, HUGE = 1e-30, 1e30  # below: zero; above: as this


def bucket(values: np.ndarray) -> np.ndarray:
    """Return the bucket of each finite number, array of int16 of the same shape; 0 holds what is nearly zero.

    Notes
    -----
    A positive x falls into bucket k + 8000 with GAMMA^(k-1) < x <= GAMMA^k, a negative one into the
    negative of the bucket of |x|: buckets are ordered as the numbers are.
    """
    size = np.clip(np.abs(values), TINY, HUGE)
    place = np.ceil(np.log(size) / np.log(GAMMA)) + SHIFT
    return np.where(np.abs(values) < TINY, 0, np.sign(values) * place).astype(np.int16)


def value(buckets: np.ndarray) -> np.ndarray:
    """Return the number that stands for each bucket, within half a percent of all in it."""
    place = np.abs(np.asarray(buckets, float)) - SHIFT
    return np.where(np.asarray(buckets) == 0, 0.0, np.sign(buckets) * 2 * GAMMA**place / (GAMMA + 1))


def counted(frame: pl.DataFrame, keys: Sequence[str], column: str) -> pl.DataFrame:
    """Count the buckets of a column: table of `keys`, bucket, count, sorted.

    Parameters
    ----------
    frame : one row a number, none of them missing
    """
    buckets = pl.Series("bucket", bucket(frame[column].to_numpy()), dtype=pl.Int16)
    counts = frame.select(keys).with_columns(buckets).group_by(*keys, "bucket").len("count")
    return counts.with_columns(pl.col("count").cast(pl.Int64)).sort(*keys, "bucket")


def added(sketches: Sequence[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame:
    """Return the sketch of all numbers of several sketches."""
    return pl.concat(sketches).group_by(*keys, "bucket").agg(pl.col("count").sum()).sort(*keys, "bucket")


def quantiles(sketch: pl.DataFrame, keys: Sequence[str], shares: Sequence[float]) -> pl.DataFrame:
    """Return one row for each of `keys`, with the number below which each share lies in a column `q05` and so on."""
    running = sketch.sort(*keys, "bucket").with_columns(
        pl.col("count").cum_sum().over(keys).alias("up_to"), pl.col("count").sum().over(keys).alias("all")
    )
    found = sketch.select(keys).unique(maintain_order=True)
    for share in shares:
        name = f"q{round(100 * share):02d}"
        reached = running.filter(pl.col("up_to") > share * (pl.col("all") - 1))
        first = reached.group_by(*keys, maintain_order=True).agg(pl.col("bucket").first())
        first = first.with_columns(pl.Series(name, value(first["bucket"].to_numpy()))).drop("bucket")
        found = found.join(first, on=list(keys), how="left")
    return found
