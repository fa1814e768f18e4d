"""A table of samples and features as numbers: what community analyses read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.schema import RANKS
from gutbrain.study.study import Study

COUNTED = ("count",)  # units of which a number is a thing that was counted
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Community:
    """How much of each feature each sample holds.

    Parameters
    ----------
    samples : one row a sample: sample, person, visit, day, time, material, and covariates of sample, visit and person
    features : one row a feature, as the study names it
    values : array [sample, feature], 0 or more
    unit : unit of the values, such as count, share, percent or signal
    """

    samples: pl.DataFrame
    features: pl.DataFrame
    values: np.ndarray
    unit: str

    @classmethod
    def of(cls, study: Study, kind: str = "taxon", rank: str = "", unit: str = "", material: str = "") -> Community:
        """Return the community of a study.

        Parameters
        ----------
        kind : taxon, gene, pathway or other
        rank : taxa are summed to this rank (what is not known at it becomes one feature "unknown"); as read by default
        unit : which unit, where the study has several; the one of most rows by default
        material : samples of this material only

        Raises
        ------
        InputError
            If the study has no such features, samples or unit, or a value below 0.
        """
        features = study.features.filter(pl.col("kind") == kind)
        rows = study.abundances.join(features.select("feature"), on="feature", how="semi")
        if rows.is_empty():
            raise InputError(f"the study holds no abundances of kind {kind!r}", file="abundances")
        units = rows["unit"].value_counts(sort=True)["unit"].to_list()
        unit = unit or str(units[0])
        if unit not in units:
            raise InputError(
                f"abundances have no unit {unit!r}", file="abundances", mend=f"Units are {', '.join(units)}"
            )
        rows = rows.filter(pl.col("unit") == unit)
        samples = sample_table(study).filter(pl.col("sample").is_in(rows["sample"].unique().implode()))
        if material:
            samples = samples.filter(pl.col("material") == material)
        if samples.is_empty():
            raise InputError(f"no sample has material {material!r}", file="samples", field="material")
        features = features.filter(pl.col("feature").is_in(rows["feature"].unique().implode()))
        row = dict(zip(samples["sample"].to_list(), range(len(samples)), strict=True))
        column = dict(zip(features["feature"].to_list(), range(len(features)), strict=True))
        rows = rows.filter(pl.col("sample").is_in(list(row)))
        values = np.zeros((len(row), len(column)))
        at = rows["sample"].replace_strict(row, return_dtype=pl.Int64).to_numpy()
        of = rows["feature"].replace_strict(column, return_dtype=pl.Int64).to_numpy()
        values[at, of] = rows["value"].to_numpy()
        if not (np.isfinite(values) & (values >= 0)).all():
            bad, which = np.argwhere(~(np.isfinite(values) & (values >= 0)))[0]
            raise InputError(
                f"abundance {values[bad, which]:g} is no amount", file="abundances", row=samples["sample"][int(bad)],
                field=features["feature"][int(which)], mend="Give 0 or more",
            )  # fmt: skip
        made = cls(samples, features, values, unit)
        return made.at_rank(rank) if rank else made

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def names(self) -> list[str]:
        """Features in the order of the columns."""
        return self.features["feature"].to_list()

    @property
    def counted(self) -> bool:
        """Whether the values are counts, all of them whole."""
        return self.unit in COUNTED and bool((self.values == np.round(self.values)).all())

    def shares(self) -> np.ndarray:
        """Return shares of each sample, array [sample, feature]; samples that hold nothing are 0 throughout."""
        total = self.values.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(self.values, total, out=np.zeros_like(self.values), where=total > 0))

    def keep(self, wanted: np.ndarray) -> Community:
        """Return some of the samples, in this order: a mask or places, array."""
        places = np.flatnonzero(wanted) if np.asarray(wanted).dtype == bool else np.asarray(wanted)
        return replace(self, samples=self.samples[places.tolist()], values=self.values[places])

    def only(self, wanted: np.ndarray) -> Community:
        """Return some of the features: a mask or places, array."""
        places = np.flatnonzero(wanted) if np.asarray(wanted).dtype == bool else np.asarray(wanted)
        return replace(self, features=self.features[places.tolist()], values=self.values[:, places])

    def at_rank(self, rank: str) -> Community:
        """Sum taxa to a rank; what has no name there is summed to "unknown".

        Raises
        ------
        InputError
            For a word that is no rank, or a rank that no feature has.
        """
        if rank not in RANKS:
            raise InputError(f"{rank!r} is no rank", mend=f"Ranks are {', '.join(RANKS)}")
        if self.features[rank].null_count() == len(self.features):
            known = [name for name in RANKS if self.features[name].null_count() < len(self.features)]
            raise InputError(
                f"no feature has a {rank}", file="features", mend=f"Known here: {', '.join(known) or 'none'}"
            )
        own = self.features[rank].fill_null(UNKNOWN)
        names = own.unique(maintain_order=True)
        place = dict(zip(names.to_list(), range(len(names)), strict=True))
        summed = np.zeros((len(self), len(names)))
        for column, name in enumerate(own.to_list()):
            summed[:, place[name]] += self.values[:, column]
        above = list(RANKS[: RANKS.index(rank) + 1])
        first = self.features.with_columns(own.alias(rank)).unique(rank, keep="first", maintain_order=True)
        features = first.select(
            pl.col(rank).alias("feature"), "kind", pl.col(rank).alias("name"), pl.lit(rank).alias("rank"),
            *above, *(pl.lit(None, pl.String).alias(name) for name in RANKS[RANKS.index(rank) + 1 :]),
        )  # fmt: skip
        return replace(self, features=features, values=summed)

    def prevalent(self, share: float) -> Community:
        """Return the features that occur in at least this share of samples."""
        occurs = (self.values > 0).sum(axis=0) / max(len(self), 1)
        return self.only(occurs >= share)


def sample_table(study: Study) -> pl.DataFrame:
    """Return the samples of a study with the covariates of their visits and people; a sample's own come first."""
    table = study.samples
    if not study.visits.is_empty():
        table = _beside(table, study.visits, ["person", "visit"])
    return _beside(table, study.people, ["person"])


def occasion_table(study: Study, rows: pl.DataFrame) -> pl.DataFrame:
    """Join the covariates of visits and people to rows that name a person, and a visit if they have one."""
    if "visit" in rows.columns and not study.visits.is_empty():
        rows = _beside(rows, study.visits, ["person", "visit"])
    return _beside(rows, study.people, ["person"])


def _beside(table: pl.DataFrame, more: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """Join what `more` knows; where both have a column, the value of `table` stays if it is filled."""
    joined = table.join(more, on=on, how="left", suffix=" (joined)", maintain_order="left")
    twice = [name for name in more.columns if f"{name} (joined)" in joined.columns]
    merged = [pl.coalesce(name, f"{name} (joined)").alias(name) for name in twice]
    return joined.with_columns(merged).drop([f"{name} (joined)" for name in twice])
