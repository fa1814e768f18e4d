"""Axes along which gut communities differ most, in place of enterotypes; clusters only if they are asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.analyse.community import Community
from gutbrain.analyse.models.effects import REPLACEMENT
from gutbrain.errors import InputError

# Names as they stand in sequencing tables, GTDB and on the HITChip.
MEMBERS = {
    "bacteroides": re.compile(r"^(?:bacteroides|phocaeicola)(?:_[a-z])?\b", re.IGNORECASE),
    "prevotella": re.compile(r"^(?:prevotella|segatella|leyella|hoylesella|prevotellamassilia)(?:_[a-z0-9]+)?\b", re.I),
    "ruminococcaceae": re.compile(r"^(?:ruminococcaceae|oscillospiraceae|clostridium cluster iv)$", re.IGNORECASE),
}
AXES = (("bacteroides", "prevotella"), ("bacteroides", "ruminococcaceae"), ("prevotella", "ruminococcaceae"))
PREFIX = re.compile(r"^[a-z]_{1,2}")
# Rules of thumb of Kaufman & Rousseeuw 1990 for the mean silhouette.
STRUCTURE = ((0.25, "no clusters"), (0.5, "weak, perhaps artificial"), (0.7, "reasonable"), (1.01, "strong"))
MOST = 2000  # samples whose distances are held at once


def enterotype_axes(community: Community) -> pl.DataFrame:
    """Return log2 ratios of the three kinds of microbes that enterotypes were named by.

    Returns
    -------
    one row a sample and axis: sample, axis, value, unit, note. A positive value of `bacteroides to prevotella` is more
    Bacteroides. Where one of the two was not seen, 0.65 of the smallest share stands for it; where neither was, null.

    Notes
    -----
    Communities lie on gradients: axes keep what clusters throw away. Source: Knights 2014,
    doi 10.1016/j.chom.2014.09.013; Costea 2018, doi 10.1038/s41564-017-0072-8; Gorvitovskaia 2016,
    doi 10.1186/s40168-016-0160-7 (the ratio of Prevotella to Bacteroides as a biomarker).
    """
    shares = community.shares()
    members = {name: _members(community, name) for name in MEMBERS}
    smallest = np.where(shares > 0, shares, np.inf).min(axis=1)
    samples = community.samples["sample"].to_list()
    rows: list[dict[str, object]] = []
    for first, second in AXES:
        above, below = shares[:, members[first]].sum(axis=1), shares[:, members[second]].sum(axis=1)
        unknown = [name for name in (first, second) if not members[name].any()]
        for place, sample in enumerate(samples):
            row: dict[str, object] = {"sample": sample, "axis": f"{first} to {second}", "unit": "log2 ratio"}
            absent = [name for name, held in ((first, above[place]), (second, below[place])) if held <= 0]
            if unknown:
                row["note"] = f"no feature of the table is {' or '.join(unknown)}"
            elif len(absent) == 2:
                row["note"] = f"neither {first} nor {second} was seen"
            else:
                held = [value or REPLACEMENT * smallest[place] for value in (above[place], below[place])]
                row["value"] = float(np.log2(held[0] / held[1]))
                row["note"] = f"{absent[0]} was not seen" if absent else None
            rows.append(row)
    schema = {"sample": pl.String, "axis": pl.String, "value": pl.Float64, "unit": pl.String, "note": pl.String}
    return pl.DataFrame(rows, schema=schema)


@dataclass(frozen=True)
class Clusters:
    """Clusters of samples, and how little or much they say.

    Attributes
    ----------
    table : sample, cluster, medoid (sample in its middle), silhouette
    choices : clusters, silhouette (mean) for each number that was tried
    verdict : in words
    """

    table: pl.DataFrame
    choices: pl.DataFrame
    verdict: str


def clusters(community: Community, most: int = 5) -> Clusters:
    """Partition samples around medoids on the Jensen-Shannon distance.

    Parameters
    ----------
    most : largest number of clusters that is tried, from 2; that of the largest mean silhouette is kept

    Raises
    ------
    InputError
        For fewer than 5 samples, more than 2000, or samples that are all alike.

    Notes
    -----
    Source: Arumugam 2011, doi 10.1038/nature09944; Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7 (silhouette);
    Knights 2014, doi 10.1016/j.chom.2014.09.013 and Costea 2018, doi 10.1038/s41564-017-0072-8 (why not to trust it).
    """
    from scipy.spatial.distance import pdist, squareform

    count = len(community)
    if not 5 <= count <= MOST:
        raise InputError(f"{count} samples cannot be clustered", mend=f"Give 5 to {MOST}")
    distance = squareform(np.nan_to_num(pdist(community.shares(), "jensenshannon")))  # rounding below 0 is no distance
    if distance.max() <= 0:
        raise InputError("all samples are alike: there is nothing to cluster")
    tried = {}
    for number in range(2, min(most, count - 2) + 1):
        medoids = partition(distance, number)
        label = distance[:, medoids].argmin(axis=1)
        tried[number] = (medoids, label, silhouettes(distance, label))
    best = max(tried, key=lambda number: float(tried[number][2].mean()))
    medoids, label, silhouette = tried[best]
    names = community.samples["sample"].to_list()
    mean = float(silhouette.mean())
    structure = next(word for limit, word in STRUCTURE if mean < limit)
    table = pl.DataFrame({"sample": names, "cluster": label + 1, "medoid": [names[medoids[k]] for k in label],
                          "silhouette": silhouette})  # fmt: skip
    choices = pl.DataFrame({"clusters": list(tried), "silhouette": [float(tried[n][2].mean()) for n in tried]})
    verdict = f"{best} clusters have a mean silhouette of {mean:.2f}: {structure}; communities lie on gradients"
    return Clusters(table, choices, verdict)


def partition(distance: np.ndarray, number: int) -> np.ndarray:
    """Return the places of medoids: built greedily, then swapped while the sum of distances falls.

    Parameters
    ----------
    distance : array [sample, sample]

    Notes
    -----
    Source: Kaufman & Rousseeuw 1990, Partitioning Around Medoids.
    """
    medoids = [int(distance.sum(axis=0).argmin())]
    while len(medoids) < number:
        nearest = distance[:, medoids].min(axis=1)
        gain = np.maximum(nearest[:, None] - distance, 0).sum(axis=0)
        gain[medoids] = -1
        medoids.append(int(gain.argmax()))
    cost = distance[:, medoids].min(axis=1).sum()
    while True:
        swaps = []
        for place in range(number):
            others = medoids[:place] + medoids[place + 1 :]
            rest = distance[:, others].min(axis=1) if others else np.full(len(distance), np.inf)
            costs = np.minimum(rest[:, None], distance).sum(axis=0)
            swaps.append((float(costs.min()), place, int(costs.argmin())))
        better, place, sample = min(swaps)
        if better >= cost * (1 - 1e-12):
            return np.array(medoids)
        medoids[place], cost = sample, better


def silhouettes(distance: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return how much nearer each sample is to its own cluster than to the next, -1 to 1, array [sample]."""
    groups = np.unique(label)
    inside = label[:, None] == groups[None, :]
    size = inside.sum(axis=0)
    total = distance @ inside
    own = inside.argmax(axis=1)
    each = np.arange(len(label))
    alone = size[own] == 1
    within = total[each, own] / np.maximum(size[own] - 1, 1)
    mean = total / size
    mean[each, own] = np.inf
    between = mean.min(axis=1)
    larger = np.maximum(within, between)
    made = np.divide(between - within, larger, out=np.zeros(len(label)), where=larger > 0)
    return np.where(alone, 0.0, made)


def _members(community: Community, kind: str) -> np.ndarray:
    """Which features belong to a kind, by any name or rank that they bear."""
    pattern = MEMBERS[kind]
    columns = ["family"] if kind == "ruminococcaceae" else ["genus", "name", "feature"]
    found = np.zeros(len(community.features), bool)
    for column in columns:
        for place, text in enumerate(community.features[column].to_list()):
            found[place] |= bool(text) and pattern.match(PREFIX.sub("", re.split(r"[;|]", text)[-1])) is not None
    return found
