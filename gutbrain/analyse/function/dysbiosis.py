"""How far samples lie from a reference cohort: a score of difference, which is not yet one of disease."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.analyse.community import Community
from gutbrain.analyse.function.groups import chosen_reference, group_ratios, placed, quantiles
from gutbrain.analyse.models.effects import log_ratios
from gutbrain.errors import InputError
from gutbrain.people.taxa import GROUPS

DISTANCES = ("bray-curtis", "aitchison", "groups")
LEAST = 5  # people in a reference
PER_AXIS = 3  # people that the covariance of groups needs for each of its axes
WEAKNESS = (
    "being unlike the reference is not being ill: the score depends on who the reference is and how it was measured"
)
AMONG = "compared with the other people of the reference"
SCHEMA = {
    "sample": pl.String, "person": pl.String, "score": pl.Float64, "unit": pl.String, "threshold": pl.Float64,
    "beyond": pl.Boolean, "in_reference": pl.Boolean, "reference": pl.String, "reference_people": pl.Int64,
    "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Score:
    """Scores of samples against a reference.

    Attributes
    ----------
    table : sample, person, score, unit, threshold, beyond, in_reference, reference, reference_people, note
    said : the reference and the weakness of the score, in one sentence
    """

    table: pl.DataFrame
    said: str


def dysbiosis(
    community: Community, reference: np.ndarray, called: str, distance: str = "bray-curtis", beyond: float = 0.9
) -> Score:
    """Score samples by their distance to the samples of a reference cohort.

    Parameters
    ----------
    reference : which samples belong to the reference, mask, array [sample]
    called : what the reference is, in words
    distance : bray-curtis or aitchison (median distance to the samples of the reference), or groups (Mahalanobis
        distance in the log-ratios of the nine groups of microbes)
    beyond : quantile of the reference's own scores from which on a sample counts as beyond it

    Raises
    ------
    InputError
        For an unknown distance, fewer than 5 people in the reference, or (groups) fewer than 24.

    Notes
    -----
    No sample is compared with samples of its own person, so samples of the reference are left out of it in turn.
    Source: Lloyd-Price 2019, doi 10.1038/s41586-019-1237-9 (median Bray-Curtis, threshold at the 90 % quantile).
    """
    reference = np.asarray(reference, bool)
    if distance not in DISTANCES:
        raise InputError(f"there is no distance {distance!r}", field="distance", mend=f"Use {', '.join(DISTANCES)}")
    if not 0 < beyond < 1:
        raise InputError(f"quantile {beyond:g} is outside 0 to 1", field="beyond", mend="Give a number such as 0.9")
    # A sample without a person is its own.
    samples = community.samples.select("sample", pl.coalesce("person", pl.format("sample {}", "sample")).alias("who"))
    codes = samples["who"].rank("dense").to_numpy()
    people = len(np.unique(codes[reference]))
    if people < LEAST:
        raise InputError(
            f"the reference ({called}) has {people} people", field="reference", mend=f"Give at least {LEAST}"
        )
    if distance == "groups":
        score = _mahalanobis(community, reference, codes, people)
        unit = "Mahalanobis distance"
    else:
        score = _median_distance(community, reference, codes, distance)
        unit = f"median {'Bray-Curtis' if distance == 'bray-curtis' else 'Aitchison'} distance"
    threshold = float(np.quantile(score[reference], beyond))
    table = pl.DataFrame(
        {
            "sample": samples["sample"], "person": community.samples["person"], "score": score, "unit": unit,
            "threshold": threshold, "beyond": score > threshold, "in_reference": reference, "reference": called,
            "reference_people": people,
        },
    ).with_columns(pl.when("in_reference").then(pl.lit(AMONG)).alias("note"))  # fmt: skip
    return Score(table.select([pl.col(n).cast(k) for n, k in SCHEMA.items()]), _said(called, people, beyond))


def outside_range(community: Community, reference: str = "") -> Score:
    """Count the groups of microbes that lie outside the range of a shipped data set.

    Parameters
    ----------
    reference : name of the data set; by default the one of the same platform with many people

    Returns
    -------
    Score, of which the score is the number of the nine groups outside the 5 to 95 % range; in a sample like the
    reference it is 0.9 on average. It has no threshold: how the groups vary together is not known.

    Raises
    ------
    InputError
        As `gutbrain.analyse.function.groups.placed`, and for a reference of another platform.
    """
    groups = placed(community)
    name = chosen_reference(groups.platform, reference)
    known = {row["quantity"]: row for row in quantiles(name).iter_rows(named=True)}
    percent = 100 * groups.shares
    low, high = (np.array([known[group][q] for group in GROUPS]) for q in ("q05", "q95"))
    outside = (percent < low) | (percent > high)
    which = [
        ", ".join(f"{g} {'low' if percent[i, k] < low[k] else 'high'}" for k, g in enumerate(GROUPS) if row[k])
        for i, row in enumerate(outside)
    ]
    samples = int(known[GROUPS[0]]["samples"])
    table = pl.DataFrame(
        {
            "sample": community.samples["sample"], "person": community.samples["person"],
            "score": outside.sum(axis=1).astype(float), "unit": "groups outside 5 to 95 %",
            "threshold": pl.Series([None] * len(community), dtype=pl.Float64),
            "beyond": pl.Series([None] * len(community), dtype=pl.Boolean), "in_reference": False,
            "reference": f"{name} ({samples} samples)",
            "reference_people": pl.Series([None] * len(community), dtype=pl.Int64),
            "note": [text or None for text in which],
        }
    )  # fmt: skip
    said = (
        f"Reference: the shipped data set {name}, {samples} samples measured elsewhere unless it is this study itself; "
        f"a sample like it has {0.1 * len(GROUPS):.1g} groups outside on average. "
    )
    return Score(table.select([pl.col(n).cast(k) for n, k in SCHEMA.items()]), said + WEAKNESS.capitalize() + ".")


def _said(called: str, people: int, beyond: float) -> str:
    told = f"Reference: {called}, {people} people; threshold at {beyond:.0%} of the reference's own scores. "
    return told + WEAKNESS.capitalize() + "."


def _median_distance(community: Community, reference: np.ndarray, codes: np.ndarray, distance: str) -> np.ndarray:
    from scipy.spatial.distance import cdist

    shares = community.shares()
    if distance == "bray-curtis":
        table, metric = shares, "braycurtis"
    else:
        table, metric = log_ratios(shares) * np.log(2), "euclidean"  # in natural logarithms, as Aitchison's is
    away = cdist(table, table[reference], metric)
    away[codes[:, None] == codes[reference][None, :]] = np.nan
    # At least four other people are left in every row.
    return np.asarray(np.nanmedian(away, axis=1))


def _mahalanobis(community: Community, reference: np.ndarray, codes: np.ndarray, people: int) -> np.ndarray:
    held = group_ratios(placed(community))
    if not np.isfinite(held).all():
        lost = community.samples["sample"][int(np.flatnonzero(~np.isfinite(held).all(axis=1))[0])]
        raise InputError(f"sample {lost} holds nothing of the nine groups", mend="Leave it out, or use bray-curtis")
    # Log-ratios of nine groups sum to 0: eight axes carry them, whichever orthonormal ones.
    basis = np.linalg.qr(np.eye(len(GROUPS)) - 1 / len(GROUPS))[0][:, : len(GROUPS) - 1]
    table = held @ basis
    axes = table.shape[1]
    if people < PER_AXIS * axes:
        mend = "Use distance bray-curtis, or a larger reference"
        raise InputError(
            f"{people} people in the reference are too few for the covariance of {axes} axes", field="reference",
            mend=f"{mend} ({PER_AXIS * axes})",
        )  # fmt: skip
    score = np.zeros(len(table))
    for code in np.unique(codes):
        own = codes == code
        rest = table[reference & ~own]
        covariance = np.cov(rest, rowvar=False)
        if np.linalg.matrix_rank(covariance) < axes:
            raise InputError("a group of microbes does not vary in the reference", mend="Use distance bray-curtis")
        away = table[own] - rest.mean(axis=0)
        score[own] = np.sqrt(np.einsum("ij,ij->i", away @ np.linalg.inv(covariance), away))
    return score
