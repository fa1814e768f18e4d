"""What kinds of microbes a sample holds: makers of butyrate and propionate, Akkermansia, pathobionts and others.

Names of taxa say who is there. They do not say what is done: that needs genes, transcripts or the acids themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.analyse.community import Community
from gutbrain.analyse.models.effects import log_ratios
from gutbrain.errors import InputError
from gutbrain.people.taxa import CLASS_NOTE, GROUPS, RANKS, assign, detect_platform, table

PERCENT, LOG_RATIO, RATIO = "percent", "log2 ratio", "_log_ratio"
UNPLACED, GUESSED = "unplaced", "guessed"
# Lactate users that make butyrate of it; the others of that group make propionate (Louis & Flint 2017).
LACTATE_TO_BUTYRATE = re.compile(r"anaerostipes|anaerobutyricum|hallii", re.IGNORECASE)
REFERENCES = {"sequencing": "claesson2012 eldermet", "hitchip taxa": "atlas1006", "hitchip classes": "atlas1006"}
COHORTS = {
    "claesson2012 eldermet": "160 samples of older Irish people, 16S rRNA gene",
    "atlas1006": "1151 samples of 1006 western adults, HITChip signal",
    "dietswap": "222 samples of 38 people, HITChip signal",
    "david2014 person A": "316 samples of one man, 16S rRNA gene",
    "david2014 person B": "185 samples of one man, 16S rRNA gene",
}
WHO_NOT_WHAT = "names of taxa say who is there, not what they make"
RATIO_WARNING = (
    "weak: it differs more between laboratories than between people, and is no marker of obesity "
    "(Sze & Schloss 2016, doi 10.1128/mBio.01018-16)"
)
NOTES = {
    "polymer_degraders": "on the HITChip the group of whatever no rule named",
    "pathobionts": "on the HITChip mostly relatives of Clostridium difficile, largely harmless",
    "butyrate_makers": "butyrate producers, and lactate users that make butyrate of lactate (Anaerostipes, E. hallii)",
    "propionate_makers": "Bacteroidetes, Akkermansia and the other lactate users; mostly by succinate",
    "hydrogen_users": "acetogens (Blautia) and methanogens; acetate itself is made by nearly all gut bacteria",
    UNPLACED: "no rule places it; it is part of the whole of which the groups are shares",
    GUESSED: "placed by family, order or phylum, or a genus with species of several groups",
}
FIRMICUTES, BACTEROIDETES = {"firmicutes", "bacillota"}, {"bacteroidetes", "bacteroidota"}


@dataclass(frozen=True)
class Placed:
    """Samples as shares of groups of microbes.

    Attributes
    ----------
    shares : of everything in the sample, array [sample, group of `gutbrain.people.taxa.GROUPS`]
    unplaced, guessed : share that no rule placed, and share that was placed by a guess, array [sample]
    makers : share of butyrate makers and of propionate makers, array [sample, 2]; NaN where classes hide it
    smallest : smallest share above 0 of any feature, array [sample]
    assignment : taxon, group, weight, level, ambiguous
    platform : sequencing, hitchip taxa or hitchip classes
    notes : what a reader must know
    """

    shares: np.ndarray
    unplaced: np.ndarray
    guessed: np.ndarray
    makers: np.ndarray
    smallest: np.ndarray
    assignment: pl.DataFrame
    platform: str
    notes: tuple[str, ...]


def placed(community: Community) -> Placed:
    """Place the taxa of a community in the nine groups.

    Parameters
    ----------
    community : of taxa, as they were read; every sample holds something

    Raises
    ------
    InputError
        If a sample holds nothing, or no taxon belongs to a group.

    Notes
    -----
    Source: Louis & Flint 2017, doi 10.1111/1462-2920.13589 (who makes which acid), Reichardt 2014,
    doi 10.1038/ismej.2014.14 (propionate); placement as in `gutbrain.people.taxa`.
    """
    shares = community.shares()
    if not len(community) or (shares.sum(axis=1) <= 0).any():
        raise InputError("a sample holds nothing", file="abundances", mend="Leave it out")
    names = community.names
    platform = detect_platform(names)
    assignment = assign(names, _lineages(community) if platform == "sequencing" else None, platform)
    row = dict(zip(names, range(len(names)), strict=True))
    weights = np.zeros((len(names), len(GROUPS)))
    makers = np.zeros((len(names), 2))
    unplaced, guessed = np.zeros(len(names), bool), np.zeros(len(names), bool)
    for name, group, weight, _, ambiguous in assignment.iter_rows():
        at = row[name]
        guessed[at] |= ambiguous
        if group is None:
            unplaced[at] = True
            continue
        weights[at, GROUPS.index(group)] = weight
        if group == "butyrate_producers" or (group == "lactate_users" and LACTATE_TO_BUTYRATE.search(name)):
            makers[at, 0] += weight
        elif group in ("bacteroidetes", "akkermansia", "lactate_users"):
            makers[at, 1] += weight
    if not weights.any():
        seen = ", ".join(names[:3])
        mend = "Give a taxonomy, so that features have a genus or family"
        raise InputError(f"no taxon belongs to a group: {seen} ...", file="features", mend=mend)
    notes = [WHO_NOT_WHAT]
    if platform.startswith("hitchip"):
        notes.append("HITChip: shares of a hybridisation signal, not of reads")
    if community.unit == "signal":
        notes.append("a signal with its background: rare groups look larger than in the reference")
    if platform == "hitchip classes":
        notes.append(CLASS_NOTE)
        makers[:] = np.nan
    return Placed(
        shares @ weights, shares @ unplaced, shares @ (guessed & ~unplaced), shares @ makers,
        np.where(shares > 0, shares, np.inf).min(axis=1), assignment, platform, tuple(notes),
    )  # fmt: skip


def group_shares(community: Community, reference: str = "") -> pl.DataFrame:
    """Return amounts of groups of microbes in each sample.

    Parameters
    ----------
    reference : data set whose range stands beside; by default the one of the same platform with many people

    Returns
    -------
    one row a sample and quantity: sample, quantity, value, unit, reference_low, reference_high (5 and 95 % quantiles),
    note. Quantities are the nine groups, makers of butyrate and of propionate, what no rule placed and what was
    guessed (per cent of the sample), centred log-ratios of the nine groups, and the ratio of Firmicutes to
    Bacteroidetes where phyla are known.

    Raises
    ------
    InputError
        As `placed`, and for an unknown reference or one of another platform.
    """
    return group_table(community, placed(community), reference)


def group_table(community: Community, groups: Placed, reference: str = "") -> pl.DataFrame:
    """Return the table of `group_shares` from what `placed` gave."""
    samples = community.samples["sample"].to_list()
    reference = chosen_reference(groups.platform, reference)
    known = {q: (low, high) for q, low, high in quantiles(reference).select("quantity", "q05", "q95").iter_rows()}
    chip = groups.platform.startswith("hitchip")
    parts = [
        *((name, 100 * groups.shares[:, number]) for number, name in enumerate(GROUPS)),
        ("butyrate_makers", 100 * groups.makers[:, 0]), ("propionate_makers", 100 * groups.makers[:, 1]),
        (UNPLACED, 100 * groups.unplaced), (GUESSED, 100 * groups.guessed),
    ]  # fmt: skip
    rows = []
    for name, values in parts:
        low, high = known.get("other" if name == UNPLACED else name, (None, None))
        told = None if "HITChip" in NOTES.get(name, "") and not chip else NOTES.get(name)
        if not np.isfinite(values).all():
            told = "not known at the level of classes"
        rows.append(_column(samples, name, values, PERCENT, low, high, told))
    ratios = group_ratios(groups)
    for number, name in enumerate(GROUPS):
        nothing, absent = groups.shares.sum(axis=1) <= 0, groups.shares[:, number] <= 0
        told_absent = "not seen: 0.65 of the smallest share stands for it"
        notes = [
            "no group was seen" if empty else told_absent if gone else None
            for empty, gone in zip(nothing, absent, strict=True)
        ]
        rows.append(_column(samples, f"{name}{RATIO}", ratios[:, number], LOG_RATIO, None, None, notes))
    ratio = firmicutes_to_bacteroidetes(community)
    if ratio is not None:
        name = "firmicutes_to_bacteroidetes"
        rows.append(_column(samples, name, ratio, LOG_RATIO, None, None, RATIO_WARNING))
    return pl.concat(rows)


def group_ratios(groups: Placed) -> np.ndarray:
    """Return centred log-ratios (base 2) of the nine groups, array [sample, group]; NaN where no group was seen."""
    made = log_ratios(groups.shares, groups.smallest)
    made[groups.shares.sum(axis=1) <= 0] = np.nan
    return made


def firmicutes_to_bacteroidetes(community: Community) -> np.ndarray | None:
    """Return the log2 ratio of two phyla, array [sample]; NaN where one is absent, None where phyla are not known."""
    phyla = [re.sub(r"[_ ][a-z]$", "", (name or "").lower()) for name in community.features["phylum"].to_list()]
    above, below = (np.array([name in names for name in phyla]) for names in (FIRMICUTES, BACTEROIDETES))
    if not above.any() or not below.any():
        return None
    first, second = community.values[:, above].sum(axis=1), community.values[:, below].sum(axis=1)
    both = (first > 0) & (second > 0)
    made = np.full(len(community), np.nan)
    made[both] = np.log2(first[both] / second[both])
    return made


def chosen_reference(platform: str, reference: str = "") -> str:
    """Return the data set that a platform is compared with.

    Raises
    ------
    InputError
        For a data set that is not there, or that was measured otherwise.
    """
    if not reference:
        return REFERENCES[platform]
    if reference not in COHORTS:
        raise InputError(f"there is no reference {reference!r}", field="reference", mend=f"Known: {', '.join(COHORTS)}")
    measured = "hitchip" if reference in ("atlas1006", "dietswap") else "sequencing"
    if not platform.startswith(measured):
        raise InputError(
            f"{reference} was measured by {measured}, the study by {platform}: its range does not hold here",
            field="reference", mend=f"Use {REFERENCES[platform]}",
        )  # fmt: skip
    return reference


def quantiles(reference: str) -> pl.DataFrame:
    """Return the quantiles (per cent) of one reference data set."""
    return table("reference_quantiles").filter(pl.col("data") == reference)


def _lineages(community: Community) -> dict[str, str]:
    """Lineage of each feature from its ranks, for names such as those of sequence variants."""
    letters = {"domain": "d", "kingdom": "k", "phylum": "p", "class": "c", "order": "o", "family": "f", "genus": "g"}
    letters["species"] = "s"
    ranks = [name for name in ("domain", *RANKS) if name in community.features.columns]
    made = {}
    for name, *parts in community.features.select("feature", *ranks).iter_rows():
        # A name that is itself a lineage needs no second one.
        if not any(sign in name for sign in ";|"):
            made[name] = ";".join(f"{letters[r]}__{part}" for r, part in zip(ranks, parts, strict=True) if part)
    return made


def _column(
    samples: list[str], quantity: str, values: np.ndarray, unit: str, low: float | None, high: float | None,
    note: str | list[str | None] | None,
) -> pl.DataFrame:  # fmt: skip
    notes = note if isinstance(note, list) else [note] * len(samples)
    return pl.DataFrame(
        {
            "sample": samples, "quantity": [quantity] * len(samples), "value": np.asarray(values, float),
            "unit": [unit] * len(samples), "reference_low": [low] * len(samples),
            "reference_high": [high] * len(samples), "note": notes,
        },
        schema={
            "sample": pl.String, "quantity": pl.String, "value": pl.Float64, "unit": pl.String,
            "reference_low": pl.Float64, "reference_high": pl.Float64, "note": pl.String,
        },
    ).with_columns(pl.col("value").fill_nan(None))  # fmt: skip
