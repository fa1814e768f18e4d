"""What the steps on distances between samples share: options, groups, and who may change places with whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from gutbrain.analyse.communities.dispersion import CENTRES
from gutbrain.analyse.communities.distances import METRICS, VALUES, ZEROS, Distances, distances
from gutbrain.analyse.communities.mantel import ALTERNATIVES, METHODS
from gutbrain.analyse.communities.permanova import BY, PERMUTED
from gutbrain.analyse.communities.permutation import Exchange, suited
from gutbrain.analyse.communities.tree import UNIFRAC, read_tree
from gutbrain.analyse.community import Community
from gutbrain.analyse.formula import quoted
from gutbrain.analyse.step import Given, Step, required
from gutbrain.analyse.steps.diversity import MIDPOINT, RANK, TREE, community_of, taxa_of

KNOWN = {
    "metric": METRICS, "values": VALUES, "zeros": ZEROS, "by": BY, "permuted": PERMUTED, "centre": CENTRES,
    "correlation": METHODS, "alternative": ALTERNATIVES,
}  # fmt: skip
OFTEN = 8  # samples of the median person from which on they are a series
SHUFFLED = (
    "days of a person are shuffled as if neighbouring ones were no more alike than distant ones: p may be too small",
    "If they are equal steps in time, set series = true",
)
LEAST = 3  # samples of each group, for a test to be suggested


class OfDistances(Step):
    """Options that all steps on distances share."""

    metric: str = Field(default="bray-curtis", description=", ".join(METRICS))
    values: str = Field(default="shares", description=f"of Bray-Curtis: {' or '.join(VALUES)}")
    zeros: str = Field(default="smallest", description=f"of log ratios, how zeros are replaced: {', '.join(ZEROS)}")
    pseudocount: float = Field(default=0.5, gt=0, description="added to every raw value, where zeros are replaced so")
    tree: str = TREE
    midpoint: bool = MIDPOINT
    alpha: float = Field(default=0.5, ge=0, le=1, description="of generalised UniFrac")
    rank: str = RANK
    visits: list[str] = Field(default=[], description="samples of these visits only; empty: all")
    permutations: int = Field(default=9999, ge=99, description="drawn at random; all are taken when there are fewer")

    @field_validator(*KNOWN, check_fields=False)
    @classmethod
    def _known(cls, word: str, info: Any) -> str:
        known = KNOWN[info.field_name]
        if word not in known:
            raise ValueError(f"{word!r} is not known; known are {', '.join(known)}")
        return word

    def community(self, given: Given) -> Community:
        """Return the samples; one that names no person stands for itself."""
        made = community_of(given, self.rank, self.visits)
        samples = made.samples.with_columns(pl.coalesce("person", "sample").alias("person"))
        return Community(samples, made.features, made.values, made.unit)

    def measured(self, given: Given, community: Community) -> Distances:
        """Return the distances between the samples."""
        needs = self.metric in UNIFRAC
        required(bool(self.tree) or not needs, f"{self.metric} needs a tree", "Name a Newick file in `tree`")
        tree = read_tree(given.file(self.tree), self.midpoint) if needs else None
        return distances(community, self.metric, self.values, self.zeros, self.pseudocount, tree, self.alpha)

    def called(self) -> str:
        """Return the name by which the report knows the step."""
        return self.name or self.kind


def formula_of(given: Given, terms: str, samples: pl.DataFrame) -> str:
    """Return covariates of the design first, so that terms in order are adjusted for them, then the terms."""
    terms = terms or default_terms(given, samples)
    required(bool(terms), "there is no arm and no visit to compare", "Name `terms`")
    return " + ".join([*map(quoted, given.design.adjust), terms])


def default_terms(given: Given, samples: pl.DataFrame) -> str:
    """Return arm * visit, as far as the samples differ in them."""
    return " * ".join(quoted(name) for name in factors(given, samples))


def factors(given: Given, samples: pl.DataFrame) -> list[str]:
    """Return arm and visit, as far as the samples differ in them."""
    wanted = (given.design.arm, "visit" if given.design.visits else "")
    return [name for name in wanted if name in samples.columns and samples[name].drop_nulls().n_unique() > 1]


def suggested_groups(given: Given) -> list[str]:
    """Return the factors of a suggested test: each group has some samples."""
    community = taxa_of(given)
    if community is None or len(community) < 6 or len(community.names) < 2:
        return []
    samples = community.samples
    return [name for name in factors(given, samples) if min(group_sizes(samples[name])) >= LEAST]


def group_sizes(column: pl.Series) -> list[int]:
    """Return how many rows each group has."""
    return column.drop_nulls().value_counts()["count"].to_list()


def people_column(samples: pl.DataFrame) -> str:
    """Return the column of the person where somebody has several rows."""
    return "person" if samples["person"].n_unique() < len(samples) else ""


def like_a_series(samples: pl.DataFrame) -> bool:
    """Whether people were seen so often that their samples follow each other in time."""
    return bool(samples["person"].value_counts()["count"].median() > OFTEN)  # type: ignore[operator]


def order_column(samples: pl.DataFrame, series: bool) -> str:
    """Return the column that orders the rows of a person: the visit where each row has one; of a series the day."""
    wanted = ("day", "visit") if series else ("visit",)
    return next((name for name in wanted if samples[name].null_count() == 0), "")


def grouped(found: Distances, given: Given, group: str) -> tuple[Distances, str]:
    """Return the samples that have a group, and its column."""
    group = group or next(iter(factors(given, found.samples)), "")
    required(bool(group), "there is no arm and no visit to compare", "Name a column in `group`")
    required(group in found.samples.columns, f"samples have no column {group!r}", "Name another in `group`")
    part = found.keep(found.samples[group].is_not_null().to_numpy())
    required(len(part) > 2, f"{len(part)} samples have a value of {group!r}", "Fill it in")
    if isinstance(part.samples[group].dtype, pl.Enum):
        return part, group
    return replace(part, samples=part.samples.with_columns(pl.col(group).cast(pl.String))), group


def of_several_people(found: Distances, group: str) -> tuple[Distances, list[str]]:
    """Return the groups that have several people, and what is to be said of the others.

    Samples of one person lie close together: their spread is that within a person, and no match for that of a group.
    """
    counts = found.samples.group_by(group).agg(pl.col("person").n_unique().alias("people"))
    alone = counts.filter(pl.col("people") == 1)[group].cast(pl.String).sort().to_list()
    if not alone or len(counts) - len(alone) < 2:
        return found, []
    kept = found.keep((~found.samples[group].cast(pl.String).is_in(alone)).to_numpy())
    return kept, [f"{', '.join(alone)}: one person only, whose samples tell nothing of a group's spread; left out"]


def group_design(samples: pl.DataFrame, group: str, strata: str, series: bool = False) -> Exchange:
    """Return the design that a factor asks for."""
    codes = samples[group].cast(pl.String).cast(pl.Categorical).to_physical().to_numpy()
    member = codes[:, None] == np.unique(codes)
    order = order_column(samples, series)
    return suited(member, samples["person"], samples[order] if order else None, blocks(samples, strata), series)


def blocks(samples: pl.DataFrame, strata: str) -> pl.Series | None:
    """Return the stratum of each sample, or None where no column is named."""
    required(not strata or strata in samples.columns, f"samples have no column {strata!r}", "Name another in `strata`")
    return samples[strata] if strata else None


def differences(samples: pl.DataFrame, names: list[str]) -> np.ndarray:
    """Return Euclidean distances of numbers in standard deviations, array [sample, sample]."""
    from scipy.spatial.distance import pdist, squareform

    numbers = samples.select(names).to_numpy().astype(float)
    spread = numbers.std(axis=0, ddof=1)
    flat = [name for name, one in zip(names, spread, strict=True) if not one > 0]
    required(not flat, f"{', '.join(flat)} does not vary", "Leave it out")
    return squareform(pdist(numbers / spread))
