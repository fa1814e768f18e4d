"""How many kinds a sample holds, and how evenly: richness, Hill numbers, entropy, estimates, and Faith's diversity."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from scipy.optimize import brentq

from gutbrain.analyse.communities.distances import refuse_empty
from gutbrain.analyse.communities.rarefaction import depth_keeping, expected_richness
from gutbrain.analyse.communities.tree import Tree, branch_shares, faith
from gutbrain.analyse.community import Community
from gutbrain.errors import InputError

UNIT = {
    "observed": "features",
    "shannon": "nat",
    "simpson": "probability",
    "inverse simpson": "effective features",
    "pielou": "share of the maximum",
    "chao1": "features",
    "fisher": "alpha",
    "rarefied": "features",
    "faith": "branch length",
}
INDICES = (*UNIT, "hill <order>")
COUNTS_ONLY = ("chao1", "fisher", "rarefied")


def alpha(
    community: Community, indices: Sequence[str] = ("observed", "shannon"), tree: Tree | None = None, depth: int = 0
) -> pl.DataFrame:
    """Return diversity indices of each sample.

    Parameters
    ----------
    indices : of `INDICES`; a Hill number is called by its order, as "hill 0.5"
    tree : of "faith"
    depth : of "rarefied", counts a sample; 0 for the largest that 95 % of the samples reach

    Returns
    -------
    table with sample, index, value, unit and note; what cannot be said of a sample has no value and a note why

    Raises
    ------
    InputError
        For an unknown index, a sample that holds nothing, or "faith" without a tree.
    """
    for index in indices:
        unit_of(index)
    refuse_empty(community)
    parts = []
    for index in dict.fromkeys(indices):
        values, notes = _of(community, index, tree, depth)
        columns = {"sample": community.samples["sample"], "value": values, "note": pl.Series(notes, dtype=pl.String)}
        made = pl.DataFrame(columns).with_columns(
            pl.lit(index).alias("index"), pl.lit(unit_of(index)).alias("unit"), pl.col("value").fill_nan(None)
        )
        parts.append(made.select("sample", "index", "value", "unit", "note"))
    schema = {"sample": pl.String, "index": pl.String, "value": pl.Float64, "unit": pl.String, "note": pl.String}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def unit_of(index: str) -> str:
    """Return the unit of an index.

    Raises
    ------
    InputError
        For an unknown index.
    """
    if index in UNIT:
        return UNIT[index]
    order(index)
    return "effective features"


def order(index: str) -> float:
    """Return the order of a Hill number from its name, as 0.5 of "hill 0.5".

    Raises
    ------
    InputError
        If it is no Hill number of an order of 0 or more.
    """
    try:
        found = float(index.removeprefix("hill ")) if index.startswith("hill ") else -1.0
    except ValueError:
        found = -1.0
    if not found >= 0:
        raise InputError(f"{index!r} is no index of diversity", mend=f"Known are {', '.join(INDICES)}, as hill 0.5")
    return found


def richness(values: np.ndarray) -> np.ndarray:
    """Return the number of features that a sample holds, array [sample]."""
    return np.asarray((values > 0).sum(axis=1), float)


def shannon(values: np.ndarray) -> np.ndarray:
    """Return -sum p ln p with the natural logarithm, array [sample], nat. Source: Shannon 1948."""
    shares = _shares(values)
    logs = np.log(shares, where=shares > 0, out=np.zeros_like(shares))
    return np.asarray(-(shares * logs).sum(axis=1) + 0.0)


def simpson(values: np.ndarray) -> np.ndarray:
    """Return 1 - sum p²: the chance that two draws with replacement differ, array [sample]."""
    return np.asarray(1 - (_shares(values) ** 2).sum(axis=1))


def inverse_simpson(values: np.ndarray) -> np.ndarray:
    """Return 1 / sum p², array [sample], effective number of features."""
    return np.asarray(1 / (_shares(values) ** 2).sum(axis=1))


def hill(values: np.ndarray, order: float) -> np.ndarray:
    """Return Hill's number of an order q, array [sample], effective number of features.

    (sum p^q)^(1 / (1 - q)): q 0 is richness, 1 the exponential of Shannon's entropy (its limit), 2 the inverse
    Simpson index, infinity 1 / the largest share. Source: Hill 1973, doi 10.2307/1934352.
    """
    if order == 0:
        return richness(values)
    if order == 1:
        return np.exp(shannon(values))
    shares = _shares(values)
    if np.isinf(order):
        return np.asarray(1 / shares.max(axis=1))
    # Shares are taken of the largest one, so that high orders do not run below the smallest number.
    largest = shares.max(axis=1, keepdims=True)
    powers = np.power(shares / largest, order, where=shares > 0, out=np.zeros_like(shares))
    logs = np.log(powers.sum(axis=1)) + order * np.log(largest[:, 0])
    return np.asarray(np.exp(logs / (1 - order)))


def pielou(values: np.ndarray) -> np.ndarray:
    """Return Pielou's evenness H / ln S, array [sample]; NaN where a sample holds one feature.

    Source: Pielou 1966, doi 10.1016/0022-5193(66)90013-0.
    """
    most = np.log(richness(values))
    return np.divide(shannon(values), most, out=np.full(len(values), np.nan), where=most > 0)


def chao1(counts: np.ndarray) -> np.ndarray:
    """Return the bias-corrected Chao1 estimate of richness, array [sample].

    S + f1 (f1 - 1) / (2 (f2 + 1)) with f1 and f2 the features counted once and twice; vegan's `estimateR` gives the
    same. It needs single counts: where a pipeline removed them it is no more than S. Source: Chao 1984 and 2005.
    """
    once, twice = (counts == 1).sum(axis=1), (counts == 2).sum(axis=1)
    return np.asarray(richness(counts) + once * (once - 1) / (2 * (twice + 1)))


def fisher_alpha(counts: np.ndarray) -> np.ndarray:
    """Return Fisher's alpha, array [sample]; NaN where every count is 1, as then it is infinite.

    The root of S = alpha ln(1 + N / alpha), found by bracketing on the logarithm of alpha to the last digits; vegan
    stops at the seventh digit. Source: Fisher, Corbet & Williams 1943, doi 10.2307/1411.
    """
    found = np.full(len(counts), np.nan)
    for place, (kinds, total) in enumerate(zip(richness(counts), counts.sum(axis=1), strict=True)):
        if kinds < total:
            # alpha ln(1 + N / alpha) rises with alpha from 0 to N, so there is one root.
            found[place] = np.exp(brentq(_fisher_gap, -60.0, 60.0, args=(float(kinds), float(total)), xtol=1e-14))
    return found


def _fisher_gap(log_alpha: float, kinds: float, total: float) -> float:
    value = np.exp(log_alpha)
    return float(value * np.log1p(total / value) - kinds)


def _of(community: Community, index: str, tree: Tree | None, depth: int) -> tuple[np.ndarray, list[str | None]]:
    """Return values of an index with a note for each sample."""
    values, none = community.values, np.full(len(community), np.nan)
    if index in COUNTS_ONLY and not community.counted:
        reason = "whole counts are needed" if community.unit == "count" else f"counts are needed, not {community.unit}"
        return none, [f"withheld: {reason}"] * len(community)
    plain: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "observed": richness, "shannon": shannon, "simpson": simpson, "inverse simpson": inverse_simpson,
    }  # fmt: skip
    if index in plain:
        return plain[index](values), [None] * len(community)
    if index == "pielou":
        return _noted(pielou(values), "withheld: the sample holds one feature")
    if index == "chao1":
        lost = "no feature was counted once in any sample: they may have been removed, then this is too low"
        return chao1(values), [None if (values == 1).any() else lost] * len(community)
    if index == "fisher":
        return _noted(fisher_alpha(values), "withheld: every feature was counted once, so it is infinite")
    if index == "rarefied":
        deep = depth or depth_keeping(values.sum(axis=1))
        return _noted(expected_richness(values, deep), f"withheld: fewer than {deep} counts")
    if index == "faith":
        if tree is None:
            raise InputError("Faith's diversity needs a tree", mend="Name a Newick file whose tips are the features")
        branches = branch_shares(community, tree)
        return faith(branches), ["; ".join(branches.notes) or None] * len(community)
    return hill(values, order(index)), [None] * len(community)


def _noted(values: np.ndarray, note: str) -> tuple[np.ndarray, list[str | None]]:
    return values, [note if np.isnan(value) else None for value in values]


def _shares(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / values.sum(axis=1, keepdims=True))
