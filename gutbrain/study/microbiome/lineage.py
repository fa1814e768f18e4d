"""Lineages as rank columns: SILVA, Greengenes, GTDB, UNITE, MetaPhlAn, Kraken and plain lists of names.

A name that says nothing (`uncultured`, `Incertae Sedis`, `g__`) becomes null, never a taxon. Suffixes that tell
taxa apart (`Bacteroides_A`, `Prevotella_9`, `[Ruminococcus]`) are kept: groups are matched elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import polars as pl

from gutbrain.study.schema import RANKS

__all__ = ["SOURCES", "looks_like_lineage", "names_ranks", "ranks"]

SOURCES = ("silva", "greengenes", "gtdb", "unite", "ncbi", "metaphlan", "kraken", "rdp")
Levels = tuple[str | None, ...]  # rank and name of the deepest taxon, then the seven ranks

_LETTERS = {"d": "domain", "sk": "domain", "k": "kingdom", "p": "phylum", "c": "class", "o": "order", "f": "family"}
_LETTERS |= {"g": "genus", "s": "species", "t": "strain"}
_PREFIX = re.compile(r"^(?:(?P<letter>sk|[dkpcofgst])_{1,2}|D_(?P<number>\d+)__)")
_MARKED = re.compile(r"(?:^|[;|])\s*(?:(?:sk|[dkpcofgs])__|D_\d+__)")
_SPOKEN = re.compile(r"\s*\((domain|phylum|class|order|family|genus|species)\)$", re.IGNORECASE)
_CONFIDENCE = re.compile(r"\s*\(\d+(?:\.\d+)?%?\)$")
_SILENT = {
    "", "na", "n/a", "nan", "none", "null", "other", "others", "unassigned", "unclassified", "unidentified", "unknown",
    "uncultured", "unnamed", "undefined", "no hit", "not assigned", "no blast hit", "bacterium", "organism", "root",
    "cellular organisms", "-",
}  # fmt: skip
_SILENT_BEGIN = re.compile(r"^(?:uncultured|unidentified|unknown|ambiguous|unassigned|unnamed|undefined)[ _]", re.I)
_SILENT_END = re.compile(r"(?:metagenome|incertae[ _.]?sedis)$", re.I)
_UNSURE = re.compile(r"^unclassified[ _]+|[ _.]+(?:unclassified|uncultured|unidentified)$", re.I)
_DOMAINS = {"bacteria", "archaea", "eukaryota", "eukarya", "eukaryote", "viruses", "virus", "fungi"}
_PHYLA = {
    "firmicutes", "bacteroidetes", "proteobacteria", "actinobacteria", "verrucomicrobia", "fusobacteria", "tenericutes",
    "cyanobacteria", "spirochaetes", "synergistetes", "lentisphaerae", "euryarchaeota", "acidobacteria",
    "planctomycetes", "chloroflexi", "elusimicrobia", "deferribacteres", "deinococcus-thermus", "tm7", "thermi",
}  # fmt: skip
# Endings that the codes of nomenclature reserve for a rank.
_ENDINGS = (("aceae", "family"), ("ales", "order"), ("ota", "phylum"))
# One word with the piece of a split genus or phylum: Bacteroides_A, Prevotella_9, Bacteroides_H_857956.
_SPLIT = re.compile(r"^(?!Family_)\[?[A-Z][A-Za-z-]*\]?(?:_[A-Z]{1,3})?(?:_\d+)?$|^GGB\d+_SGB\d+$")
_EPITHET = re.compile(r"^[a-z][\w./-]*(?: .*)?$")


def ranks(strings: Sequence[str | None], source: str | None = None, alone: str | None = None) -> pl.DataFrame:
    """Split lineages into ranks.

    Parameters
    ----------
    strings : lineages such as `k__Bacteria; p__Firmicutes`, `D_0__Bacteria;D_1__Firmicutes`,
        `d__Bacteria|p__Bacillota_A`, `Bacteria;Firmicutes;Clostridia` or single names; null says nothing
    source : database, one of `SOURCES`: then a lineage without rank letters is read by its positions from the domain
        down, whatever its first name is; when left out, only one that begins with a domain is
    alone : rank of a single name that neither a letter nor an ending places, such as `genus` for `Bacteroides`;
        when left out it has no rank

    Returns
    -------
    DataFrame : one row a string, in order; `rank` and `name` of the deepest taxon that is named (`rank` may be
        `strain`; a name without a rank stands in `name` alone), then domain to species; null where nothing is said

    Raises
    ------
    ValueError : an unknown source or rank
    """
    if source is not None and source not in SOURCES:
        raise ValueError(f"source {source!r} is none of {', '.join(SOURCES)}")
    if alone is not None and alone not in RANKS:
        raise ValueError(f"rank {alone!r} is none of {', '.join(RANKS)}")
    rows = [_split((text or "").strip(), source is not None, alone) for text in strings]
    columns = ("rank", "name", *RANKS)
    made = {name: [row[k] for row in rows] for k, name in enumerate(columns)}
    return pl.DataFrame(made, schema=dict.fromkeys(columns, pl.String))


def looks_like_lineage(text: str) -> bool:
    """Whether a text is a lineage: it has rank letters, or begins with a domain and goes on."""
    if _MARKED.search(text):
        return True
    parts = re.split(r"[;|]", text)
    return len(parts) > 1 and _CONFIDENCE.sub("", parts[0].strip().strip("\"'")).lower() in _DOMAINS


def names_ranks(text: str) -> bool:
    """Whether a text says something of ranks: it has parts, or begins with a rank letter."""
    return ";" in text or "|" in text or _PREFIX.match(text) is not None


@lru_cache(maxsize=100_000)
def _split(text: str, by_position: bool, alone: str | None) -> Levels:
    """Rank and name of the deepest taxon, then the seven ranks."""
    pieces = [part.strip().strip("\"'").strip() for part in _lineage_of(text)]
    while pieces and not pieces[-1]:
        pieces.pop()
    marks = [_mark(piece) for piece in pieces]
    found: dict[str, str | None] = {}
    loose: list[str] = []
    for (rank, bare), placed in zip(marks, _positions(marks, by_position), strict=True):
        rank = rank or placed
        name = _name(bare, rank, [value for value in found.values() if value])
        if name and rank is None:
            rank = _by_ending(name)
        if name and rank is None:
            loose.append(name)
        elif name and rank is not None and rank not in found:
            found[rank] = name
    found["domain"] = found.get("domain") or found.pop("kingdom", None)
    if len(pieces) == 1 and loose:
        binomial = re.match(r"^(\[?[A-Z][\w-]*\]?) [a-z]{3,}$", loose[0])
        if alone:
            found[alone] = loose[0]
            loose = []
        if binomial and alone == "species":
            found["genus"] = binomial[1]
    species, genus = found.get("species"), found.get("genus")
    if species and genus and _EPITHET.match(species) and not species.startswith(f"{genus} "):
        found["species"] = f"{genus} {species}"
    if species and re.search(r"(?:^| )spp?\.?$", species):
        found["species"] = None
    deepest = next((rank for rank in ("strain", *reversed(RANKS)) if found.get(rank)), None)
    if loose and (deepest is None or len(pieces) == 1):
        return (None, loose[-1], *(found.get(rank) for rank in RANKS))
    return (deepest, found[deepest] if deepest else None, *(found.get(rank) for rank in RANKS))


def _lineage_of(text: str) -> list[str]:
    """Parts of a lineage; UNITE writes it behind name, accession and hypothesis, parted by bars."""
    if ";" in text and "|" in text:
        return max(text.split("|"), key=lambda piece: piece.count(";")).split(";")
    return re.split(r"[;|]", text)


def _mark(piece: str) -> tuple[str | None, str]:
    """Rank that a prefix or a bracket names, and the rest."""
    spoken = _SPOKEN.search(piece)
    piece = _CONFIDENCE.sub("", _SPOKEN.sub("", piece)).strip("\"' ")
    found = _PREFIX.match(piece)
    if not found:
        return (spoken[1].lower() if spoken else None), piece
    rest = piece[found.end() :].strip("\"' ")
    if found["letter"]:
        return _LETTERS[found["letter"]], rest
    number = int(found["number"])
    return (RANKS[number] if number < len(RANKS) else "below"), rest


def _positions(marks: list[tuple[str | None, str]], by_position: bool) -> list[str | None]:
    """Ranks that positions give to names without a mark."""
    nothing: list[str | None] = [None] * len(marks)
    if len(marks) < 2 or any(rank for rank, _ in marks[1:]):
        # One marked part marks them all; an unmarked first one is a phylum or is left to its ending.
        first = marks[0][1].lower() if marks else ""
        if nothing and len(marks) > 1 and marks[0][0] is None:
            nothing[0] = "domain" if first in _DOMAINS else "phylum" if first in _PHYLA else None
        return nothing
    first = marks[0][1].lower()
    if first in _DOMAINS or by_position:
        # Deeper lineages (eukaryotes of SILVA) hold levels that are no ranks.
        return list(RANKS[: len(marks)]) if len(marks) <= len(RANKS) else ["domain", *nothing[1:]]
    if first in _PHYLA or _by_ending(marks[0][1]) == "phylum":
        below = list(RANKS[1:])
        agree = all(
            _by_ending(name) in (None, rank) for (_, name), rank in zip(marks, below, strict=False)
        )  # a skipped rank shows by its ending
        return list(below[: len(marks)]) if agree and len(marks) <= len(below) else ["phylum", *nothing[1:]]
    return nothing


def _by_ending(name: str) -> str | None:
    """Rank that the ending of a single word is reserved for."""
    word = re.sub(r"_[A-Z]{1,3}$|_\d+$", "", name).lower()
    if word in _PHYLA:
        return "phylum"
    if word in _DOMAINS:
        return "domain"
    return next((rank for ending, rank in _ENDINGS if word.endswith(ending) and " " not in word), None)


def _name(bare: str, rank: str | None, above: list[str]) -> str | None:
    """Name as it is kept, or None if it says nothing at this rank."""
    text = bare.strip("_ ")
    spaced = text.replace("_", " ").strip()
    if spaced.lower() in _SILENT or _SILENT_BEGIN.match(spaced) or _SILENT_END.search(spaced):
        return None
    if _UNSURE.search(text):
        text = _UNSURE.sub("", text).strip("_ ")
        # `Lachnospiraceae_unclassified` as a genus says the family once more.
        silent = text.lower() in _SILENT or text in above or _tidy(text) in above
        if silent or (rank is not None and _by_ending(text) not in (None, rank)):
            return None
    return _tidy(text) or None


def _tidy(text: str) -> str:
    """Spaces for underscores, except before the suffix that tells pieces of a split taxon apart."""
    if " " in text:
        return re.sub(r"^([A-Z][a-z]+) (\d{1,2})$", r"\1_\2", re.sub(r"\s+", " ", text)).strip()
    return text if _SPLIT.match(text) else re.sub(r"_+", " ", text).strip()
