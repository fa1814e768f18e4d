"""Volatility: how far a microbiome moves between occasions of the same person, on the scale of Aitchison."""

from __future__ import annotations

import numpy as np
import polars as pl

from gutbrain.analyse.communities.distances import centred_log_ratio, refuse_empty, without_zeros
from gutbrain.analyse.community import Community
from gutbrain.analyse.persons.first_distances import Paired, paired


def volatility(community: Community, to: str = "previous", replicates: str = "first") -> Paired:
    """Return the Euclidean distance of centred log ratios within pairs of a person's occasions.

    Parameters
    ----------
    community : all its features enter, as in the source
    to, replicates : as in `gutbrain.analyse.persons.first_distances.paired`

    Returns
    -------
    Paired, whose table has also `distance` and `per_day` (null without days)

    Raises
    ------
    InputError
        If a sample holds nothing, or as `paired`.

    Notes
    -----
    Zeros of a sample become 0.65 x its own smallest amount, so distances between samples of unequal depth hold some
    of that inequality. Source: Bastiaanssen 2021, doi 10.1016/j.psyneuen.2020.105047, there for one pair a person;
    here for any number of occasions at any distance in time.
    """
    refuse_empty(community)
    logs = centred_log_ratio(without_zeros(community.values))
    made = paired(community.samples, to, replicates)
    steps = logs[made.table["to_place"].to_numpy()] - logs[made.table["from_place"].to_numpy()]
    days = pl.col("to_day") - pl.col("from_day")
    table = made.table.with_columns(pl.Series("distance", np.linalg.norm(steps, axis=1), dtype=pl.Float64))
    table = table.with_columns(pl.when(days > 0).then(pl.col("distance") / days).alias("per_day"))
    return Paired(table, made.notes)


def person_means(pairs: pl.DataFrame, value: str = "distance", confidence: float = 0.95) -> pl.DataFrame:
    """Return one row a person: the mean of its pairs with an interval.

    Parameters
    ----------
    pairs : person, `value`, and `per_day` and days as `volatility` gives them; other columns that are constant for
        a person are kept by joining, not here
    value : column that is averaged

    Returns
    -------
    table with person, pairs, mean, standard_deviation, low, high (t interval from three pairs on), per_day (sum of
    distances over sum of days), days, and note

    Notes
    -----
    Consecutive distances share a sample and are not independent, so the interval is approximate.
    """
    from scipy import stats

    timed = pl.col("per_day").is_not_null()
    days = (pl.col("to_day") - pl.col("from_day")).filter(timed).sum()
    made = pairs.group_by("person", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("pairs"), pl.col(value).mean().alias("mean"),
        pl.when(pl.len() > 1).then(pl.col(value).std()).alias("standard_deviation"),
        pl.when(days > 0).then(pl.col(value).filter(timed).sum() / days).alias("per_day"),
        pl.when(days > 0).then(days).alias("days"),
    )  # fmt: skip
    count = made["pairs"].to_numpy()
    reach = np.where(count > 2, stats.t.ppf((1 + confidence) / 2, np.maximum(count - 1, 1)) / np.sqrt(count), np.nan)
    wide = (pl.Series("reach", reach).fill_nan(None)) * made["standard_deviation"]
    return made.with_columns(
        (made["mean"] - wide).alias("low"), (made["mean"] + wide).alias("high"),
        pl.when(pl.col("pairs") < 3).then(pl.format("{} of the 3 pairs that an interval needs", "pairs")).alias("note"),
    ).select("person", "pairs", "mean", "standard_deviation", "low", "high", "per_day", "days", "note")  # fmt: skip
