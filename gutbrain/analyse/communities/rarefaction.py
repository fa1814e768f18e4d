"""Richness at equal depth: what a sample would show had fewer counts been taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import betaln

from gutbrain.analyse.community import Community
from gutbrain.errors import InputError


@dataclass(frozen=True)
class Rarefied:
    """A community in which every sample has the same number of counts.

    Parameters
    ----------
    community : the samples that were deep enough, their counts drawn without replacement
    depth : counts of each sample
    lost : samples that were not deep enough: sample, person, visit, total
    """

    community: Community
    depth: int
    lost: pl.DataFrame


def expected_richness(counts: np.ndarray, depth: int) -> np.ndarray:
    """Return the number of features expected in a draw without replacement, array [sample].

    Parameters
    ----------
    counts : array [sample, feature], whole numbers
    depth : counts drawn; samples with fewer give NaN

    Raises
    ------
    InputError
        If the depth is below 0.

    Notes
    -----
    sum over features of 1 - C(N - Ni, n) / C(N, n), exact: nothing is drawn. Source: Hurlbert 1971,
    doi 10.2307/1934145.
    """
    if depth < 0:
        raise InputError(f"a depth of {depth} counts is none", field="depth", mend="Give 1 or more")
    found = np.full(len(counts), np.nan)
    for place, row in enumerate(counts):
        if depth <= row.sum():
            found[place] = _curve(row, np.array([depth]))[0]
    return found


def rarefaction_curves(community: Community, points: int = 20) -> pl.DataFrame:
    """Return expected richness of each sample at rising depths.

    Parameters
    ----------
    points : depths, in equal ratios from 1 to the largest total; a sample's curve ends at its own total

    Returns
    -------
    table with sample, depth, richness

    Raises
    ------
    InputError
        If the values are no counts.
    """
    refuse_uncounted(community)
    if points < 2:
        raise InputError(f"a curve of {points} points is none", field="points", mend="Give 2 or more")
    totals = community.values.sum(axis=1)
    grid = np.unique(np.geomspace(1, max(totals.max(), 2), points).round().astype(int))
    parts = []
    for name, row, total in zip(community.samples["sample"], community.values, totals, strict=True):
        depths = np.append(grid[grid < total], int(total))
        columns = {"sample": [name] * len(depths), "depth": depths, "richness": _curve(row, depths)}
        parts.append(pl.DataFrame(columns))
    return pl.concat(parts)


def depths_kept(community: Community) -> pl.DataFrame:
    """Return how many samples each depth would keep.

    Returns
    -------
    table with depth (the total of some sample), kept and lost (samples), counts_kept (share of all counts used),
    deepest first

    Raises
    ------
    InputError
        If the values are no counts.
    """
    refuse_uncounted(community)
    totals = np.sort(community.values.sum(axis=1))[::-1]
    depth = np.unique(totals)[::-1]
    kept = (totals[None, :] >= depth[:, None]).sum(axis=1)
    return pl.DataFrame(
        {
            "depth": depth.astype(int),
            "kept": kept,
            "lost": len(totals) - kept,
            "counts_kept": depth * kept / totals.sum() if totals.sum() > 0 else np.zeros(len(depth)),
        }
    )


def depth_keeping(totals: np.ndarray, share: float = 0.95) -> int:
    """Return the largest depth that at least this share of samples reach, from the totals of the samples, array."""
    ordered = np.sort(totals)[::-1]
    return int(ordered[int(np.ceil(share * len(ordered) - 1e-9)) - 1])


def coverage(counts: np.ndarray) -> np.ndarray:
    """Return Good's coverage 1 - f1 / N, array [sample]: the share of the community that was seen.

    Source: Good 1953, doi 10.1093/biomet/40.3-4.237.
    """
    return np.asarray(1 - (counts == 1).sum(axis=1) / counts.sum(axis=1))


def rarefy(community: Community, depth: int, generator: np.random.Generator) -> Rarefied:
    """Draw the same number of counts from each sample, without replacement.

    Parameters
    ----------
    depth : counts of each sample
    generator : of the draws; the same one gives the same counts

    Raises
    ------
    InputError
        If the values are no counts, or no sample has as many.
    """
    refuse_uncounted(community)
    totals = community.values.sum(axis=1)
    deep = totals >= depth
    if depth < 1 or not deep.any():
        raise InputError(
            f"no sample can be rarefied to {depth} counts", field="depth", mend=f"1 to {int(totals.max())}"
        )
    kept = community.keep(deep)
    drawn = [
        generator.multivariate_hypergeometric(row.astype(np.int64), depth, method="marginals") for row in kept.values
    ]
    columns = [name for name in ("sample", "person", "visit") if name in community.samples.columns]
    lost = community.samples.select(columns).with_columns(pl.Series("total", totals)).filter(pl.Series(~deep))
    made = Community(kept.samples, kept.features, np.array(drawn, float), kept.unit)
    return Rarefied(made, depth, lost)


def refuse_uncounted(community: Community) -> None:
    """Refuse values that are no counts.

    Raises
    ------
    InputError
        If they are none.
    """
    if not community.counted:
        what = "the counts are not whole" if community.unit == "count" else f"rarefaction of {community.unit}"
        raise InputError(f"rarefaction needs counts: {what}", file="abundances", field="unit", mend="Give raw counts")


def _curve(row: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Return expected richness of one sample at depths up to its total, array [depth]."""
    # Features with the same count are alike, and there are few different counts.
    amounts, number = np.unique(row[row > 0], return_counts=True)
    total, deep = row.sum(), depths[:, None]
    rest = total - amounts[None, :]
    possible = rest >= deep
    left = np.where(possible, rest, deep)
    # The logarithm of C(N - Ni, n) / C(N, n), the chance to draw none of the feature.
    # By the beta function, which loses less to cancellation than the gamma function.
    whole = np.log(total + 1) + betaln(total - deep + 1, deep + 1)
    logs = whole - np.log(left + 1) - betaln(left - deep + 1, deep + 1)
    missed = np.where(possible, np.exp(np.minimum(logs, 0)), 0.0)
    return np.asarray(((1 - missed) * number).sum(axis=1))
