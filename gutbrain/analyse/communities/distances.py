"""Distances between samples: Bray-Curtis, Jaccard, Aitchison, robust Aitchison, and the UniFrac family."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.spatial.distance import pdist, squareform

from gutbrain.analyse.communities.tree import UNIFRAC, Tree, branch_shares, unifrac
from gutbrain.analyse.community import Community
from gutbrain.errors import InputError

METRICS = ("bray-curtis", "jaccard", "aitchison", "robust-aitchison", *UNIFRAC)
ZEROS = ("smallest", "multiplicative", "pseudocount")
VALUES = ("shares", "raw")
BELOW_SMALLEST = 0.65  # of the smallest amount of the sample: a zero stands for what was below detection


@dataclass(frozen=True)
class Distances:
    """How far each sample is from each other one.

    Parameters
    ----------
    values : array [sample, sample], symmetric, 0 on the diagonal
    samples : one row a sample, in the order of the array: sample, person, visit, day and covariates
    metric : what was measured, in words
    notes : what the reader should know
    """

    values: np.ndarray
    samples: pl.DataFrame
    metric: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def condensed(self) -> np.ndarray:
        """The upper triangle row by row, array [pair]."""
        return self.values[np.triu_indices(len(self), 1)]

    def keep(self, wanted: np.ndarray) -> Distances:
        """Return some of the samples, in this order: a mask or places, array."""
        places = np.flatnonzero(wanted) if np.asarray(wanted).dtype == bool else np.asarray(wanted)
        return replace(self, values=self.values[np.ix_(places, places)], samples=self.samples[places.tolist()])

    def table(self) -> pl.DataFrame:
        """Return one row a pair: sample, other, distance."""
        names = self.samples["sample"].to_numpy()
        one, other = np.triu_indices(len(self), 1)
        return pl.DataFrame({"sample": names[one], "other": names[other], "distance": self.condensed})


def distances(
    community: Community,
    metric: str = "bray-curtis",
    values: str = "shares",
    zeros: str = "smallest",
    pseudocount: float = 0.5,
    tree: Tree | None = None,
    alpha: float = 0.5,
    rank: int = 3,
) -> Distances:
    """Return the distances between all samples.

    Parameters
    ----------
    metric : one of `METRICS`
    values : of Bray-Curtis: "shares" of each sample, or the "raw" values, where the depth of a sample counts
    zeros : of Aitchison: how zeros are replaced, one of `ZEROS` (see `without_zeros`)
    pseudocount : added to every raw value where zeros are replaced so
    tree : of the UniFrac metrics, whose tips are the features
    alpha : of generalised UniFrac, 0 (rare lineages count as much as common ones) to 1
    rank : of robust Aitchison: rank of the completed matrix

    Raises
    ------
    InputError
        For an unknown metric or option, a sample that holds nothing, fewer than 2 samples, or a missing tree.

    Notes
    -----
    With x the values, p the shares of two samples:

    bray-curtis : sum |x1 - x2| / sum (x1 + x2); on shares it is half the sum of |p1 - p2|. Source: Bray & Curtis
        1957, doi 10.2307/1942268.
    jaccard : 1 - shared features / features of either; presence only.
    aitchison : Euclidean distance of centred log-ratios ln x - mean ln x. Source: Aitchison 1982,
        doi 10.1111/j.2517-6161.1982.tb01195.x.
    robust-aitchison : Euclidean distance in the matrix of log-ratios of what was observed, after the cells of zeros
        were completed at low rank (`gutbrain.analyse.communities.robust_pca`). Source: Martino et al. 2019,
        doi 10.1128/mSystems.00016-19. Pairs over the features that both share would each stand in another space and
        are no metric, so they are not offered. vegan before 2.6-10 set zeros to the sample's mean logarithm instead.
    unweighted-unifrac, weighted-unifrac, normalised-unifrac, generalised-unifrac : see
        `gutbrain.analyse.communities.tree`.
    """
    _one_of(metric, METRICS, "distance")
    if len(community) < 2:
        raise InputError(f"distances need 2 samples, there are {len(community)}", mend="Bring more samples")
    refuse_empty(community)
    notes: tuple[str, ...] = ()
    if metric in UNIFRAC:
        if tree is None:
            raise InputError(f"{metric} needs a tree", mend="Name a Newick file whose tips are the features")
        branches = branch_shares(community, tree)
        flat = unifrac(branches, metric, alpha)
        notes, words = branches.notes, UNIFRAC[metric].format(alpha=alpha)
    elif metric == "bray-curtis":
        _one_of(values, VALUES, "kind of values")
        used = community.shares() if values == "shares" else community.values
        flat, words = pdist(used, "braycurtis"), f"Bray-Curtis on {'shares' if values == 'shares' else community.unit}"
    elif metric == "jaccard":
        flat, words = pdist(community.values > 0, "jaccard"), "Jaccard on presence"
    elif metric == "aitchison":
        flat = pdist(centred_log_ratio(without_zeros(community.values, zeros, pseudocount)), "euclidean")
        words = f"Aitchison, {zeros_said(zeros, pseudocount)}"
        if zeros == "pseudocount" and not community.counted:
            notes = (f"{pseudocount:g} was added to values in {community.unit}: what it changes depends on the unit",)
    else:
        from gutbrain.analyse.communities.robust_pca import robust_pca

        return robust_pca(community, rank).distances()
    return Distances(squareform(flat, checks=False), community.samples, words, notes)


def without_zeros(values: np.ndarray, how: str = "smallest", pseudocount: float = 0.5) -> np.ndarray:
    """Return values above 0, so that logarithms exist; every way to replace a zero is a guess, and is said.

    Parameters
    ----------
    values : array [sample, feature], 0 or more, no row of zeros
    how : "smallest": 0.65 x the smallest amount of the same sample (as Volatility, Bastiaanssen et al. 2021,
        doi 10.1016/j.psyneuen.2020.105047); "multiplicative": shares, each zero becomes 1 / features^2 and the others
        shrink so that their ratios stay (Martín-Fernández et al. 2003, doi 10.1023/A:1023866030544); "pseudocount":
        the same amount is added to every value, which changes all ratios

    Raises
    ------
    InputError
        For an unknown way, or a pseudocount that is not above 0.
    """
    _one_of(how, ZEROS, "way to replace zeros")
    if how == "pseudocount":
        if not (np.isfinite(pseudocount) and pseudocount > 0):
            raise InputError(f"a pseudocount of {pseudocount:g} replaces no zero", field="pseudocount", mend="Above 0")
        return np.asarray(values + pseudocount)
    zero = values == 0
    if how == "smallest":
        smallest = np.where(zero, np.inf, values).min(axis=1, keepdims=True)
        return np.where(zero, BELOW_SMALLEST * smallest, values)
    put = 1 / values.shape[1] ** 2
    shares = values / values.sum(axis=1, keepdims=True)
    return np.where(zero, put, shares * (1 - put * zero.sum(axis=1, keepdims=True)))


def zeros_said(how: str, pseudocount: float = 0.5) -> str:
    """Return in words how zeros were replaced."""
    return {
        "smallest": f"zeros as {BELOW_SMALLEST:g} x the smallest of the sample",
        "multiplicative": "zeros replaced multiplicatively by 1 / features²",
        "pseudocount": f"{pseudocount:g} added to every value",
    }[how]


def centred_log_ratio(values: np.ndarray) -> np.ndarray:
    """Return ln x - mean ln x of each sample, array [sample, feature], of values above 0."""
    logs = np.log(values)
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def robust_log_ratio(values: np.ndarray) -> np.ndarray:
    """Return ln x - mean of ln x over what the sample holds; NaN where it holds nothing.

    Source: Martino et al. 2019, doi 10.1128/mSystems.00016-19.
    """
    logs = np.log(values, where=values > 0, out=np.full(values.shape, np.nan))
    return np.asarray(logs - np.nanmean(logs, axis=1, keepdims=True))


def refuse_empty(community: Community) -> None:
    """Refuse samples that hold nothing.

    Raises
    ------
    InputError
        If there is one.
    """
    empty = np.flatnonzero(community.values.sum(axis=1) <= 0)
    if len(empty):
        raise InputError(
            "the sample holds nothing, so it is at no distance from others", file="abundances",
            row=community.samples["sample"][int(empty[0])], mend="Leave it out",
        )  # fmt: skip


def _one_of(word: str, known: tuple[str, ...], what: str) -> None:
    if word not in known:
        raise InputError(f"{word!r} is no {what}", mend=f"Known are {', '.join(known)}")
