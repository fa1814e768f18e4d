"""Baselines of real people: the 300-person HITChip table that installs with scikit-bio.

The table stops at class level, so that the split of a class into groups is drawn, not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.counts import Counts, read_counts
from gutbrain.people.delimited import read_text, require_columns
from gutbrain.people.taxa import CLASS_NOTE, GROUPS, table

_PLACE = ("stats", "composition", "tests", "data")
_NEEDS = "scikit-bio 0.7.4 or later: pip install 'gutbrain[atlas]'"


@dataclass(frozen=True)
class Atlas:
    """People of the HITChip table.

    Attributes
    ----------
    persons : DataFrame, `sample`, `age` (years), `region`, `bmi` (lean, overweight, obese), as the file gives
        them. The DNA extraction method follows region there: compare no regions.
    counts : Counts of 21 HITChip classes, in the same order
    """

    persons: pl.DataFrame
    counts: Counts


@dataclass(frozen=True)
class Baselines:
    """Group shares drawn from real people.

    Attributes
    ----------
    shares : array [people, 9], rows sum to 1
    groups : names of the columns
    persons : DataFrame [people], `sample`, `age`, `region`, `bmi`: whose classes each row is
    note : what is assumed about them
    seed : seed of the draw
    """

    shares: np.ndarray
    groups: tuple[str, ...]
    persons: pl.DataFrame
    note: str
    seed: int


def atlas_folder() -> Path:
    """Return the folder of the table, without importing scikit-bio.

    Raises
    ------
    InputError : scikit-bio is not installed, or too old to hold the table
    """
    found = find_spec("skbio")
    places = list(found.submodule_search_locations or []) if found else []
    if not places:
        raise InputError("the 300-person baseline table comes with scikit-bio, which is not installed",
                         mend=f"Install {_NEEDS}.")  # fmt: skip
    folder = Path(places[0]).joinpath(*_PLACE)
    if not (folder / "atlas_feature_table.csv").is_file() or not (folder / "atlas_meta_data.csv").is_file():
        try:
            installed = f"scikit-bio {version('scikit-bio')}"
        except PackageNotFoundError:
            installed = "the scikit-bio found here"
        raise InputError(f"{installed} does not hold the 300-person baseline table", mend=f"Install {_NEEDS}.")
    return folder


def read_atlas(folder: str | Path | None = None) -> Atlas:
    """Read the 300-person table.

    Parameters
    ----------
    folder : folder with `atlas_feature_table.csv` and `atlas_meta_data.csv`; scikit-bio's when left out

    Returns
    -------
    Atlas : persons and class counts

    Raises
    ------
    InputError : table missing, or not as expected

    Source
    ------
    Lahti 2014, doi 10.1038/ncomms5344, as distributed with scikit-bio
    """
    place = atlas_folder() if folder is None else Path(folder)
    persons_file = place / "atlas_meta_data.csv"
    text = read_text(persons_file)
    require_columns(text, ("age", "region", "bmi"))
    counts = read_counts(place / "atlas_feature_table.csv", metadata=persons_file)
    if counts.metadata is None or (unknown := [name for name in counts.taxa if name not in _splits()]):
        raise InputError(
            f"these are no HITChip classes: {', '.join(unknown)}", file=counts.source, mend=f"Install {_NEEDS}."
        )
    persons = counts.metadata.select("sample", pl.col("age").cast(pl.Float64), "region", "bmi")
    return Atlas(persons, counts)


def draw_baselines(people: int, seed: int, atlas: Atlas | None = None) -> Baselines:
    """Draw people, and for each a split of every class into groups.

    Parameters
    ----------
    people : how many; the first 300 are different persons, further ones are drawn with replacement
    seed : seed of the draw
    atlas : people to draw from; the table of scikit-bio when left out

    Returns
    -------
    Baselines : shares, array [people, 9], class level with an assumed split

    Raises
    ------
    InputError : fewer than one person asked for, or no table

    Source
    ------
    Moments of the split: `taxon_groups/hitchip_class_to_group.csv`, over 1151 samples of Lahti 2014;
    independence of the splits between classes and between repeats of a person is assumed.
    """
    if people < 1:
        raise InputError(f"{people} people cannot be drawn", field="people", mend="Ask for at least 1.")
    known = read_atlas() if atlas is None else atlas
    generator = np.random.default_rng(seed)
    available = known.persons.height
    order = generator.permutation(available)
    if people > available:
        order = np.concatenate([order, generator.integers(available, size=people - available)])
    chosen = order[:people]
    classes = (known.counts.table.select(known.counts.samples).to_numpy() / known.counts.totals())[:, chosen]
    shares = np.zeros((people, len(GROUPS)))
    for name, share in zip(known.counts.taxa, classes, strict=True):
        groups, mean, sd = _splits()[name]
        split = draw_split(mean, sd, people, generator)  # [people, groups of the class]
        for k, group in enumerate(groups):
            shares[:, GROUPS.index(group)] += share * split[:, k]
    return Baselines(shares, GROUPS, known.persons[chosen.tolist()], CLASS_NOTE, seed)


def _splits() -> dict[str, tuple[list[str], np.ndarray, np.ndarray]]:
    """Groups, mean shares and their standard deviations within each HITChip class."""
    return {
        str(name): (rows["group"].to_list(), rows["share_mean"].to_numpy(), rows["share_sd"].to_numpy())
        for (name,), rows in table("hitchip_class_to_group").group_by("hitchip_class", maintain_order=True)
    }


def draw_split(mean: np.ndarray, sd: np.ndarray, people: int, generator: np.random.Generator) -> np.ndarray:
    """Draw shares of the parts of a whole from a generalised Dirichlet distribution.

    A stick is broken part by part, each break a Beta: unlike a plain Dirichlet, this keeps the mean of
    every part and the standard deviation of every part but the largest, which takes the rest.

    Parameters
    ----------
    mean, sd : moments of the parts (arrays [parts]); means are scaled to sum to 1
    people : number of draws
    generator : source of randomness

    Returns
    -------
    array [people, parts] : shares, rows sum to 1

    Raises
    ------
    ValueError : moments that no such distribution has
    """
    mean = mean / mean.sum()
    split = np.zeros((people, len(mean)))
    rest = np.ones(people)
    rest_mean, rest_square = 1.0, 1.0  # first two moments of what is left of the stick
    order = np.argsort(mean, kind="stable")
    for k in order[:-1]:
        part = mean[k] / rest_mean
        square = (sd[k] ** 2 + mean[k] ** 2) / rest_square
        variance = square - part**2
        if not 0 <= variance < part * (1 - part):
            raise ValueError(f"no share has mean {mean[k]:.4g} and standard deviation {sd[k]:.4g} here")
        if variance > 0:
            size = part * (1 - part) / variance - 1
            broken = generator.beta(part * size, (1 - part) * size, people)
        else:
            broken = np.full(people, part)
        split[:, k] = rest * broken
        rest = rest * (1 - broken)
        rest_mean, rest_square = rest_mean * (1 - part), rest_square * (1 - 2 * part + square)
    split[:, order[-1]] = rest
    return split
