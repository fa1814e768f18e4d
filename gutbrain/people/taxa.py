"""From names of taxa to the nine groups of the colon: pure functions, polars in, polars out.

Sequencing names are matched exactly on genus, then on family, order and phylum; what is left is
`other`, never a group. HITChip taxa and classes have their own tables (`taxon_groups/README.md`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

GROUPS = (
    "bacteroidetes",
    "polymer_degraders",
    "butyrate_producers",
    "lactate_producers",
    "lactate_users",
    "akkermansia",
    "pathobionts",
    "protein_fermenters",
    "hydrogen_users",
)
RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
PLATFORMS = ("sequencing", "hitchip taxa", "hitchip classes")
CLASS_NOTE = "class level, split assumed"
# Genera that hold species of more than one group; a row of one of them is a guess.
MIXED_GENERA = frozenset({"clostridium", "eubacterium", "ruminococcus"})

_LETTERS = {"k": "kingdom", "d": "kingdom", "p": "phylum", "c": "class", "o": "order", "f": "family"}
_LETTERS |= {"g": "genus", "s": "species", "t": "species"}
_PREFIX = re.compile(r"^(?:(?P<letter>[kdpcofgst])_{1,2}|D_(?P<number>\d+)__)")
_EMPTY = {
    "",
    "none",
    "na",
    "nan",
    "unassigned",
    "unclassified",
    "unknown",
    "uncultured",
    "metagenome",
    "gut metagenome",
}
# Phylum names that changed in 2021; the tables here use the older ones.
_RENAMED = {"bacteroidota": "bacteroidetes", "bacillota": "firmicutes"}


@dataclass(frozen=True)
class Place:
    """Where one name went: its group (None for `other`), at which level, and whether that is a guess.

    A guess is a mixed genus, a fallback to family, order or phylum, or a row that names no genus.
    """

    group: str | None
    level: str
    ambiguous: bool


@cache
def table(name: str) -> pl.DataFrame:
    """Return one of the tables in `taxon_groups`, by file name without `.csv`."""
    return pl.read_csv(files("gutbrain.people").joinpath("taxon_groups", f"{name}.csv").read_bytes())


def key(name: str) -> str:
    """Return the lower-case letters and digits of a name, which is what names are compared by."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _genera() -> dict[str, str]:
    rows = table("genus_to_group")
    return {key(genus): group for genus, group in zip(rows["genus"], rows["group"], strict=True)}


@cache
def _species() -> dict[tuple[str, str], str]:
    rows = table("species_to_group")
    return {(key(g), key(s)): group for g, s, group in rows.select("genus", "species", "group").iter_rows()}


@cache
def _higher(rank: str) -> dict[str, str]:
    rows = table("family_to_group").filter(pl.col("rank") == rank)
    return {key(name): group for name, group in zip(rows["name"], rows["group"], strict=True)}


@cache
def _chip(rank: str) -> dict[str, list[tuple[str, float]]]:
    """Groups and weights of each HITChip taxon or class, by its exact name."""
    if rank == "taxon":
        rows = table("hitchip_taxon_to_group").select("taxon", "group")
        return {name: [(group, 1.0)] for name, group in rows.iter_rows()}
    result: dict[str, list[tuple[str, float]]] = {}
    for name, group, share in (
        table("hitchip_class_to_group").select("hitchip_class", "group", "share_mean").iter_rows()
    ):
        result.setdefault(name, []).append((group, share))
    # The printed means are rounded and may leave out a trace: a class is split wholly.
    return {n: [(g, s / sum(x for _, x in parts)) for g, s in parts] for n, parts in result.items()}


def clean(part: str) -> tuple[str | None, str]:
    """Cut the rank prefix and the suffixes of one name.

    Parameters
    ----------
    part : one name, such as `g__Blautia`, `f_Lachnospiraceae_unclassified`, `Prevotella_9`

    Returns
    -------
    tuple : rank named by the prefix (None without one) and the bare name, empty if it says nothing

    Source
    ------
    science/colon.md, C.2
    """
    text = part.strip().strip("\"'")
    found, rank = _PREFIX.match(text), None
    if found:
        text = text[found.end() :]
        letter, number = found["letter"], found["number"]
        rank = _LETTERS[letter] if letter else RANKS[min(int(number), len(RANKS) - 1)]
    text = re.sub(r"\s*\((?:\d+(?:\.\d+)?|phylum|class|order|family|genus)\)$", "", text)
    # One or two capitals after an underscore number the pieces of a split genus (Firmicutes_A).
    text = re.sub(r"_(?:[A-Z]{1,2}|\d+)$", "", text)
    text = re.sub(r"[_\[\]'\"]+", " ", text).strip()
    text = re.sub(r"[\s.]*incertae ?sedis$", "", text, flags=re.IGNORECASE)
    text = re.sub(r"(?i)^(?:unclassified|uncultured)\s+|\s+(?:unclassified|uncultured|group|\d+)$", "", text).strip()
    if text.lower() in _EMPTY:
        return rank, ""
    return rank, text


def split_lineage(name: str) -> list[tuple[str | None, str]]:
    """Split a lineage (`k__Bacteria;p__Firmicutes`, `Firmicutes|Lachnospiraceae|g_Dorea`) into cleaned parts."""
    return [clean(part) for part in re.split(r"[;|]", name)]


def place(parts: Iterable[tuple[str | None, str]]) -> Place:
    """Find the group of one row of a sequencing table.

    Parameters
    ----------
    parts : (rank or None, bare name), from the top of the lineage down

    Returns
    -------
    Place : species of mixed genera, then exact genus (Clostridium within Clostridiaceae ferments protein),
        then family, order, phylum (only where no family is named); else `other`

    Source
    ------
    science/colon.md, C.2
    """
    listed = list(parts)
    known = [(rank, name) for rank, name in listed if name]
    families = [key(name) for rank, name in known if rank in (None, "family")]
    for rank, name in reversed(known):
        if rank in (None, "genus", "species"):
            found = _place_genus(name, families, _genus_above(known) if rank == "species" else "")
            if found:
                return found
    for rank, name in reversed(known):
        # Names such as "Lachnospiraceae NK4A136 group" say the family and no genus.
        first = key(name.split()[0])
        group = _higher("family").get(key(name)) if rank in (None, "family") else None
        group = group or (_higher("family").get(first) if rank in (None, "family", "genus", "species") else None)
        if group:
            return Place(group, "family", True)
    # A named family that no table lists (Flavobacteriaceae) is known not to be its phylum's gut residents.
    named_family = any(rank == "family" or (rank is None and _looks_like_family(name)) for rank, name in known)
    for level in ("order",) if named_family else ("order", "phylum"):
        for rank, name in reversed(known):
            group = _higher(level).get(_RENAMED.get(key(name), key(name))) if rank in (None, level) else None
            if group:
                return Place(group, "order or phylum", True)
    named_genus = any(rank in ("genus", "species") or (rank is None and len(listed) == 1) for rank, _ in known)
    return Place(None, "other", not named_genus)


def _looks_like_family(name: str) -> bool:
    """Whether a name without a rank prefix ends as families do."""
    return key(name).endswith("aceae") or "family" in key(name)


def _genus_above(known: list[tuple[str | None, str]]) -> str:
    """Name of the genus that a lineage gives, for species written without theirs."""
    return next((name for rank, name in known if rank == "genus"), "")


def _place_genus(name: str, families: list[str], genus: str) -> Place | None:
    """Group of a genus or species name, or None if neither is known."""
    words = name.split()
    if genus and key(words[0]) != key(genus):
        words = [genus, *words]
    whole, first = key(name), key(words[0])
    if len(words) > 1 and (first, key(words[1])) in _species():
        return Place(_species()[first, key(words[1])], "genus", False)
    if whole in _genera() and whole not in MIXED_GENERA:
        return Place(_genera()[whole], "genus", False)
    if first == "clostridium" and "clostridiaceae" in families:
        return Place("protein_fermenters", "genus", True)
    if first in _genera():
        return Place(_genera()[first], "genus", first in MIXED_GENERA)
    return None


def detect_platform(names: Iterable[str]) -> str:
    """Say which map a list of names asks for: `sequencing`, `hitchip taxa` or `hitchip classes`.

    A HITChip table is one of which at least half of the names stand on the chip and one could stand
    nowhere else, because a genus such as Enterococcus belongs to another group there.
    """
    listed = list(names)
    for platform, rank, mark in (
        ("hitchip taxa", "taxon", " rel."),
        ("hitchip classes", "class", "Clostridium cluster"),
    ):
        on_chip = [name for name in listed if name in _chip(rank)]
        if 2 * len(on_chip) >= len(listed) and any(mark in name for name in on_chip):
            return platform
    return "sequencing"


def assign(names: Iterable[str], lineages: dict[str, str] | None = None, platform: str | None = None) -> pl.DataFrame:
    """Assign each name to its group or groups.

    Parameters
    ----------
    names : names of taxa as the table writes them
    lineages : lineage of a name, where a taxonomy table gives one
    platform : one of `PLATFORMS`; detected from the names when left out

    Returns
    -------
    DataFrame : taxon, group (null for `other`), weight (1, or the mean share of a class), level
        (genus, family, order or phylum, other), ambiguous. A HITChip class has one row for each of its groups.

    Source
    ------
    science/colon.md, C.1 and C.2
    """
    listed = list(names)
    platform = platform or detect_platform(listed)
    if platform not in PLATFORMS:
        raise ValueError(f"platform {platform!r} is none of {', '.join(PLATFORMS)}")
    rows: list[tuple[str, str | None, float, str, bool]] = []
    for name in listed:
        if platform == "sequencing":
            lineage = (lineages or {}).get(name, "")
            # The name itself comes last: it is the most exact part of the lineage.
            found = place([*split_lineage(lineage), *split_lineage(name)] if lineage else split_lineage(name))
            rows.append((name, found.group, 1.0, found.level, found.ambiguous))
        else:
            rows += _assign_chip(name, platform)
    columns = {
        "taxon": pl.String,
        "group": pl.String,
        "weight": pl.Float64,
        "level": pl.String,
        "ambiguous": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=columns, orient="row")


def _assign_chip(name: str, platform: str) -> list[tuple[str, str | None, float, str, bool]]:
    """Rows of `assign` for one HITChip taxon or class."""
    parts = _chip("taxon" if platform == "hitchip taxa" else "class").get(name)
    if parts is None:
        return [(name, None, 1.0, "other", False)]
    if platform == "hitchip taxa":
        return [(name, parts[0][0], 1.0, "genus", name in _rest())]
    # A class of one group needs no guess; the split of all others is one.
    return [(name, group, weight, "order or phylum", len(parts) > 1) for group, weight in parts]


@cache
def _rest() -> frozenset[str]:
    """HITChip taxa that are polymer degraders only because no rule named them."""
    rows = table("hitchip_taxon_to_group")
    return frozenset(rows.filter(pl.col("rule") == "rest")["taxon"])


def maps(names: Iterable[str], lineages: dict[str, str] | None = None) -> int:
    """Count the names that belong to a group."""
    assigned = assign(names, lineages)
    return assigned.filter(pl.col("group").is_not_null())["taxon"].n_unique()
