"""Nested clades such as `k__Bacteria|p__Firmicutes`: which stand inside which, and which to count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.microbiome.lineage import ranks
from gutbrain.study.schema import RANKS

ORDER = ("domain", "kingdom", *RANKS[1:], "strain")
UNCLASSIFIED = ("unclassified", "unknown")
CLADE = re.compile(r"^(?:[dkpcofgst]__[^|;]*)(?:[|;]\s*[dkpcofgstrx]__[^|;]*)*$")
_LETTERS = {"d": "domain", "k": "domain", "p": "phylum", "c": "class", "o": "order", "f": "family", "g": "genus"}
_LETTERS |= {"s": "species", "t": "strain"}


@dataclass(frozen=True)
class Clades:
    """Clades of one file.

    Parameters
    ----------
    names : as they are printed
    rank : of the last part; `kingdom` where a domain stands before it, None for a part that is no rank
    leaf : nothing stands inside it
    top : it stands inside nothing
    """

    names: list[str]
    rank: list[str | None]
    leaf: list[bool]
    top: list[bool]

    @classmethod
    def of(cls, names: Sequence[str]) -> Clades:
        """Find which clades stand inside which; missing levels between them do not matter."""
        paths = [tuple(part.strip() for part in re.split(r"[|;]", name)) for name in names]
        known = set(paths)
        outer = [{path[:k] for k in range(1, len(path))} & known for path in paths]
        inner = set().union(*outer) if outer else set()
        rank = [
            "kingdom" if path[-1][0] == "k" and len(path) > 1 and path[0][0] == "d" else _LETTERS.get(path[-1][0])
            for path in paths
        ]
        return cls(list(names), rank, [path not in inner for path in paths], [not around for around in outer])

    def at(self, rank: str, leaves_above: bool = True) -> list[bool]:
        """Say which clades to count at a rank: those of it, and what goes no deeper than above it."""
        depth = ORDER.index(rank)
        return [
            own == rank or (leaves_above and leaf and own is not None and ORDER.index(own) < depth)
            for own, leaf in zip(self.rank, self.leaf, strict=True)
        ]

    def levels(self) -> list[str]:
        """Return the ranks that occur, from the domain down."""
        return [rank for rank in ORDER if rank in self.rank]


def check_rank(source: Path, rank: str | None) -> str | None:
    """Return a declared rank under its usual name.

    Raises
    ------
    InputError
        For another text.
    """
    if rank is None:
        return None
    named = {"SGB": "strain", "sgb": "strain", "kingdom": "domain", "superkingdom": "domain"}.get(str(rank), str(rank))
    if named not in (*RANKS, "strain"):
        known = ", ".join((*RANKS, "SGB"))
        raise InputError(f"option rank: {rank!r} is no rank", file=source, mend=f"It is one of {known}")
    return named


def clade_features(names: Sequence[str], source: str) -> pl.DataFrame:
    """Return features of clades; one that its database leaves without a name keeps its last part as name."""
    last = [re.split(r"[|;]", name)[-1].strip()[3:].replace("_", " ") for name in names]
    made = ranks(list(names), source=source).with_columns(
        pl.Series("feature", list(names), pl.String), pl.Series("last", last, pl.String), kind=pl.lit("taxon")
    )
    rank = pl.Series("rank", Clades.of(names).rank, pl.String)
    return made.with_columns(rank, name=pl.coalesce("name", "last")).drop("last")


def other_feature(feature: str, name: str) -> pl.DataFrame:
    """Return a feature for reads that belong to no taxon, gene or pathway."""
    return pl.DataFrame({"feature": [feature], "kind": ["other"], "name": [name]})
