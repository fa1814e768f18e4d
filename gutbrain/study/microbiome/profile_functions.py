"""Names of functions: what they are called in KEGG, EC, UniRef, MetaCyc and others, and the taxa behind them."""

from __future__ import annotations

import re
from collections import Counter

import polars as pl

from gutbrain.study.microbiome.lineage import ranks
from gutbrain.study.schema import RANKS

SPECIALS = ("UNMAPPED", "UNINTEGRATED", "UNGROUPED", "READS_UNMAPPED")
# Namespace, kind, form; the first that fits counts.
FORMS = tuple(
    (name, kind, re.compile(rf"^(?:{form})(?=$|[:|\s])"))
    for name, kind, form in (
        ("KO", "gene", r"(?:ko:|KO:)?K\d{5}"),
        ("EC", "gene", r"(?:EC:?\s?)?\d{1,2}\.(?:\d+|-)\.(?:\d+|-)\.(?:[nB]?\d+|-)"),
        ("UniRef90", "gene", r"UniRef90_\w+"),
        ("UniRef50", "gene", r"UniRef50_\w+"),
        ("UniRef100", "gene", r"UniRef100_\w+"),
        ("COG", "gene", r"(?:COG|arCOG|ENOG)[0-9A-Z]{4,}"),
        ("Pfam", "gene", r"PF\d{5}(?:\.\d+)?"),
        ("CAZy", "gene", r"(?:GH|GT|PL|CE|CBM|AA)\d{1,3}(?:_\d+)?"),
        ("GO", "other", r"GO:\d{7}"),
        ("pathway", "pathway", r"(?=\S*PWY)[A-Z0-9+_.-]+"),
        ("pathway", "pathway", r"(?:path:)?(?:map|ko)\d{5}"),
        ("module", "pathway", r"M\d{5}|MF\d{4}|MGB\d{3}"),
    )
)
SURE = ("KO", "EC", "UniRef90", "UniRef50", "UniRef100", "GO", "pathway")
FUNCTION = re.compile(
    "|".join(f"(?:{form.pattern})" for _, _, form in FORMS) + "|^(?:" + "|".join(SPECIALS) + ")(?=$|:)"
)
CERTAIN = re.compile("|".join(f"(?:{form.pattern})" for name, _, form in FORMS if name in SURE))


def which_kind(name: str) -> str:
    """Return the kind of feature that a function is: gene, pathway or other; gene where its name says nothing."""
    if name in SPECIALS:
        return "other"
    return next((kind for _, kind, form in FORMS if form.match(name)), "gene")


def namespace(names: pl.Series, kind: str | None) -> str:
    """Return what most names are: KO, EC, UniRef90, pathway, ..."""
    found = Counter(
        next((space for space, _, form in FORMS if form.match(name)), kind or "gene") for name in names.head(2000)
    )
    return found.most_common(1)[0][0] if found else (kind or "gene")


def stratum_ranks(strata: pl.Series) -> pl.DataFrame:
    """Return the ranks of taxa as HUMAnN writes them, `g__Bacteroides.s__Bacteroides_ovatus`."""
    unique = strata.drop_nulls().unique(maintain_order=True)
    lineages = [re.sub(r"\.(?=[dkpcofgst]__)", "|", text) for text in unique]
    known = [re.sub(r"^([A-Z][a-z]+) ([a-z].*)$", r"g__\1|s__\1 \2", text) for text in lineages]
    made = ranks(known, source="metaphlan").select(RANKS).with_columns(stratum=unique)
    return strata.alias("stratum").to_frame().join(made, on="stratum", how="left", maintain_order="left").select(RANKS)
