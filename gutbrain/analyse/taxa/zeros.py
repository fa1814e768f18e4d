"""What is done with zeros, and what abundances are compared with: the choices that results may depend on.

Every choice turns abundances into log2 values per sample. Counts, shares and signals are told apart: a pseudocount
or an imputation by depth belongs to counts only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.analyse.community import Community
from gutbrain.analyse.formula import INTERCEPT, model_matrix
from gutbrain.errors import InputError

RELATED = 0.1  # depth is associated with a term at this p (LinDA)
WINSOR = 0.97  # shares above this quantile of a feature are set to it (LinDA)
SMALLEST = 0.65  # of the smallest non-zero value of a sample (Volatility)
CORE = 0.9  # features in this share of samples are the core
COUNTS, ALL = "counts", "counts, shares and signals"


@dataclass(frozen=True)
class Choice:
    """A way to handle zeros and to normalise, in words.

    Parameters
    ----------
    about : what is done, for tables and reports
    of : what it is for: counts alone, or all units
    zeros : name of the rule for zeros, empty if they stay out
    scale : what a value is compared with: all, present, total, median or core
    """

    about: str
    of: str
    zeros: str
    scale: str


CHOICES: dict[str, Choice] = {
    "clr_half": Choice("centred log-ratio, 0.5 added to every count", COUNTS, "half", "all"),
    "clr_one": Choice("centred log-ratio, 1 added to every count", COUNTS, "one", "all"),
    "clr_depth": Choice("centred log-ratio, zeros imputed by depth", COUNTS, "depth", "all"),
    "clr_multiplicative": Choice("centred log-ratio, multiplicative replacement", ALL, "multiplicative", "all"),
    "clr_smallest": Choice("centred log-ratio, zeros 0.65 of the sample's smallest value", ALL, "sample", "all"),
    "clr_feature": Choice("centred log-ratio, zeros half of the feature's smallest value", ALL, "feature", "all"),
    "robust_clr": Choice("robust centred log-ratio, samples that hold the feature alone", ALL, "", "present"),
    "log_share": Choice("log share of the total, zeros half of the feature's smallest share", ALL, "share", "total"),
    "median_ratio": Choice("log ratio to the sample's median feature", ALL, "feature", "median"),
    "core_ratio": Choice("log ratio to the features in 90 % of samples", ALL, "feature", "core"),
}


def normalised(values: np.ndarray, choice: str, counted: bool) -> np.ndarray:
    """Return log2 values by one of `CHOICES`, array [sample, feature]; NaN where a zero stays out (robust_clr).

    Parameters
    ----------
    values : amounts, 0 or more, array [sample, feature]; every sample and feature holds something
    counted : whether they are counts

    Raises
    ------
    InputError
        For an unknown choice, one that needs counts where there are none, or a sample or feature without anything.
    """
    if choice not in CHOICES:
        raise InputError(f"{choice!r} is no choice", field="choices", mend=f"Choices are {', '.join(CHOICES)}")
    rule = CHOICES[choice]
    if rule.of == COUNTS and not counted:
        raise InputError(f"{choice!r} needs counts", field="choices", mend=f"Here fit {', '.join(fitting(False))}")
    _filled(values)
    if rule.scale == "present":
        there = values > 0
        logs = np.log2(values, out=np.full(values.shape, np.nan), where=there)
        return logs - np.where(there, logs, 0.0).sum(axis=1, keepdims=True) / there.sum(axis=1, keepdims=True)
    if rule.scale == "total":
        return np.log2(feature_smallest(values / values.sum(axis=1, keepdims=True)))
    logs = np.log2(without_zeros(values, rule.zeros))
    if rule.scale == "all":
        return logs - logs.mean(axis=1, keepdims=True)
    if rule.scale == "core":
        core = core_features(values)
        return logs - logs[:, core].mean(axis=1, keepdims=True)
    return np.asarray(logs - median_ratio(values)[:, None] - logs.mean())


def fitting(counted: bool) -> list[str]:
    """Return the choices that suit counts, or what is not counted."""
    return [name for name, choice in CHOICES.items() if counted or choice.of == ALL]


def without_zeros(values: np.ndarray, rule: str) -> np.ndarray:
    """Return amounts without zeros; where there are none, nothing is added.

    Parameters
    ----------
    rule : half or one (added to all counts), depth, multiplicative, sample or feature

    Raises
    ------
    InputError
        For an unknown rule.
    """
    known = {"half": lambda v: v + 0.5, "one": lambda v: v + 1.0, "depth": depth_imputed,
             "multiplicative": multiplicative, "sample": sample_smallest, "feature": feature_smallest}  # fmt: skip
    if rule not in known:
        raise InputError(f"{rule!r} is no rule for zeros", mend=f"Rules are {', '.join(known)}")
    values = np.asarray(values, float)
    return np.asarray(known[rule](values)) if (values == 0).any() else values.copy()


def depth_imputed(counts: np.ndarray) -> np.ndarray:
    """Fill zeros by depth: of the samples without a feature, the deepest gets 1 and the others their share of it.

    Source: Zhou, He, Chen & Zhang 2022, doi 10.1186/s13059-022-02655-5.
    """
    depth = counts.sum(axis=1, keepdims=True)
    absent = counts == 0
    deepest = np.where(absent, depth, 0.0).max(axis=0)
    return np.where(absent, depth / np.where(deepest > 0, deepest, 1.0), counts)


def multiplicative(values: np.ndarray) -> np.ndarray:
    """Return shares with zeros replaced by 1 / features² and the rest shrunk to make room.

    Source: Martín-Fernández, Barceló-Vidal & Pawlowsky-Glahn 2003, doi 10.1023/A:1023866030544; as in scikit-bio.
    """
    from skbio.stats.composition import multi_replace

    return np.asarray(multi_replace(values))


def sample_smallest(values: np.ndarray, share: float = SMALLEST) -> np.ndarray:
    """Fill zeros by a share of the smallest non-zero value of their sample."""
    least = np.where(values > 0, values, np.inf).min(axis=1, keepdims=True)
    return np.where(values > 0, values, share * least)


def feature_smallest(values: np.ndarray, share: float = 0.5) -> np.ndarray:
    """Fill zeros by a share of the smallest non-zero value of their feature."""
    least = np.where(values > 0, values, np.inf).min(axis=0, keepdims=True)
    return np.where(values > 0, values, share * least)


def winsorised(values: np.ndarray, counted: bool, quantile: float = WINSOR) -> np.ndarray:
    """Set shares above a quantile of their feature to it; counts stay whole, and each sample's total its scale."""
    total = values.sum(axis=1, keepdims=True)
    shares = values / total
    limit = np.quantile(shares, quantile, axis=0)
    made = np.where(shares > limit, limit * total, values)
    return np.round(made) if counted else made


def median_ratio(values: np.ndarray) -> np.ndarray:
    """Return the log2 size factor of each sample: the median, over features it holds, of the ratio to their mean.

    Source: Anders & Huber 2010, doi 10.1186/gb-2010-11-10-r106, with geometric means over the samples that hold a
    feature, so that a table without a feature present everywhere has size factors too. Centred at 0.
    """
    there = values > 0
    logs = np.log2(values, out=np.full(values.shape, np.nan), where=there)
    mean = np.where(there, logs, 0.0).sum(axis=0) / there.sum(axis=0)
    made = np.nanmedian(logs - mean, axis=1)
    return np.asarray(made - made.mean())


def core_features(values: np.ndarray, share: float = CORE) -> np.ndarray:
    """Return which features occur in at least this share of samples, mask [feature].

    Raises
    ------
    InputError
        If fewer than two do.
    """
    core = (values > 0).mean(axis=0) >= share
    if core.sum() < 2:
        raise InputError(
            f"{int(core.sum())} features occur in {share:.0%} of samples: no core to compare with",
            mend="Leave the choice 'core_ratio' out, or sum taxa to a higher rank",
        )
    return np.asarray(core)


def depth_related(community: Community, formula: str, person: str = "") -> pl.DataFrame:
    """Return how the log depth of samples hangs on the terms of a formula.

    Parameters
    ----------
    person : column that groups repeated samples; empty for a linear model

    Returns
    -------
    table with term, estimate (log2 of depth), p and related (p at most 0.1)

    Notes
    -----
    LinDA imputes zeros by depth if any term is related, else it adds 0.5. Source: doi 10.1186/s13059-022-02655-5.
    """
    from gutbrain.analyse.taxa.taxon_models import many

    matrix = model_matrix(community.samples, formula, also=(person,) if person else ())
    groups = community.samples[person].cast(pl.String).to_numpy()[matrix.rows] if person else None
    fits = many(np.log2(community.values.sum(axis=1))[matrix.rows, None], matrix.values, groups)
    rows = [
        {"term": name, "estimate": float(fits.estimate[place, 0]), "p": float(fits.p[place, 0])}
        for place, name in enumerate(matrix.columns)
        if name != INTERCEPT
    ]
    schema = {"term": pl.String, "estimate": pl.Float64, "p": pl.Float64}
    table = pl.DataFrame(rows, schema=schema).with_columns(pl.col("estimate", "p").fill_nan(None))
    return table.with_columns((pl.col("p") <= RELATED).fill_null(False).alias("related"))


def _filled(values: np.ndarray) -> None:
    if not len(values) or not values.shape[1]:
        raise InputError("no sample or no feature is left", mend="Lower the prevalence, or choose another rank")
    for axis, what in ((1, "sample"), (0, "feature")):
        none = np.flatnonzero(~(values > 0).any(axis=axis))
        if len(none):
            raise InputError(f"{len(none)} {what}s hold nothing but zeros", mend=f"Leave such {what}s out first")
