"""Taxa under a known truth: one by one, in groups, in constrained ordination, and with metabolites."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl

from benchmarks.truth_diversity import AFTER, DRAWS, STOOL, tested
from benchmarks.truth_method import ALPHA, Answers, Method
from benchmarks.truth_studies import BLOOM, KEPT, bloomed, budded, community, untouched
from gutbrain.analyse.communities.constrained import explained, rda
from gutbrain.analyse.communities.distances import centred_log_ratio, without_zeros
from gutbrain.analyse.community import Community
from gutbrain.analyse.function.association import associate
from gutbrain.analyse.taxa.ancom import ancom
from gutbrain.analyse.taxa.linda import linda
from gutbrain.analyse.taxa.taxon_models import taxon_models

PREVALENCE = 0.1
CHANGE = f"arm[active]:visit[{AFTER}]"
LINKED, SLOPE = ("Bacteroides", "Faecalibacterium", "Blautia"), 0.3


@lru_cache(KEPT)
def taxa(seed: int, planted: bool, method: str, people: int = 60) -> pl.DataFrame:
    """Return what a method says of each taxon, with the planted log2 fold as `truth`."""
    mixed = "mixed" in method
    made = (budded if "twofold" in method else bloomed)(seed, planted, people)
    table, folds = community(made, PREVALENCE, [] if mixed else [AFTER])
    formula, person, columns = ("arm * visit", "person", [CHANGE]) if mixed else ("arm", "", ["arm[active]"])
    if method.startswith("linda"):
        found = linda(table, formula, person, columns=columns).table
    elif method.startswith("clr"):
        found = taxon_models(table, formula, "clr_half", person, columns)
    else:
        found = ancom(table, formula, version=method, columns=columns)
    truth = pl.DataFrame({"feature": table.names, "truth": folds})
    return found.join(truth, on="feature", maintain_order="left")


def each_taxon(method: str, which: str = "all", people: int = 60) -> Callable[[int, bool], Answers]:
    """Return the answers of a method on all taxa, or on those that were planted."""

    def answer(seed: int, planted: bool) -> Answers:
        rows = taxa(seed, planted, method, people)
        if which == "planted" and planted:
            rows = rows.filter(pl.col("truth") != 0)
        elif which == "planted":
            rows = rows.filter(pl.col("feature").is_in(list(BLOOM.folds)))
        p, truth, estimate, low, high, q = (
            rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            for name in ("p", "truth", "estimate", "low", "high", "q")
        )
        return Answers(p, truth, estimate, low, high, np.nan_to_num(q, nan=1.0) <= ALPHA)

    return answer


def constrained_by_arm(seed: int, planted: bool) -> Answers:
    """Redundancy analysis of log-ratios at the second visit."""
    table, _ = community(bloomed(seed, planted), PREVALENCE, [AFTER])
    values = centred_log_ratio(without_zeros(table.values))
    found = rda(values, table.samples, "arm")
    rows = explained(found, table.samples, permutations=DRAWS, generator=np.random.default_rng(seed))
    return tested(rows["p"][0], planted)


def log_ratios(table: Community) -> np.ndarray:
    """Return centred log-ratios to base 2."""
    return centred_log_ratio(without_zeros(table.values)) / np.log(2)


@lru_cache(KEPT)
def associated(seed: int, planted: str) -> pl.DataFrame:
    """Return the tests of three linked microbes and metabolites, two visits a person."""
    table, _ = community(untouched(seed), PREVALENCE)
    logs = log_ratios(table)
    generator = np.random.default_rng([seed, 11])
    codes = table.samples["person"].rank("dense").to_numpy().astype(int) - 1
    active = (table.samples["arm"].cast(pl.String) == "active").to_numpy()
    slope = SLOPE * {"": 0.0 * active, "slope": 1.0 + 0.0 * active, "slope by arm": 1.0 * active}[planted]
    rows = table.samples
    for name in LINKED:
        own = logs[:, table.names.index(name)]
        noise = generator.standard_normal(codes.max() + 1)[codes] + generator.standard_normal(len(codes))
        rows = rows.with_columns(
            pl.Series(f"microbe: {name}", own), pl.Series(f"metabolite: of {name}", noise + slope * own)
        )
    pairs = pl.DataFrame({"microbe": LINKED, "metabolite": [f"of {name}" for name in LINKED]})
    pairs = pairs.with_columns(pl.lit("known").alias("link"), pl.lit("planted").alias("why"))
    return associate(rows, pairs, arm="arm", permutations=0)


def known_pairs(test: str) -> Callable[[int, bool], Answers]:
    """Return the answers of one kind of test."""

    def answer(seed: int, planted: bool) -> Answers:
        found = associated(seed, test if planted else "").filter(pl.col("test") == test)
        values = [
            found[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("p", "estimate", "low", "high")
        ]
        return Answers(values[0], np.full(len(found), SLOPE * planted), *values[1:])

    return answer


LAST = f"{STOOL}; genera in 10 % of samples"
FOLDS = "log2 folds of ±2.5 on five genera, on their abundance in the stool; truth is the fold"
TWOFOLD = "five genera doubled or halved; truth is the fold"
# Tried: without the cut at the 97 % quantile the same figures come out; with two-fold changes they are gone.
HIDDEN = ("five genera that multiply or shrink 5.7-fold take or leave most of a stool, and rare genera drop out of "
          "sight or come into it: what stands for their zeros moves their log-ratio although their abundance has not "
          "moved, and holds back that of the five. With two-fold changes coverage is kept")  # fmt: skip
METHODS = [
    Method("LinDA, arm, all genera", LAST, FOLDS, each_taxon("linda")),
    Method("LinDA, arm, the five planted genera", LAST, FOLDS, each_taxon("linda", "planted"), miss=HIDDEN),
    Method("LinDA, arm, all genera, two-fold", LAST, TWOFOLD, each_taxon("linda twofold"), replicates=0),
    Method("LinDA, mixed, arm by visit, all genera", LAST, FOLDS, each_taxon("linda mixed")),
    Method("LinDA, mixed, arm by visit, the five planted genera", LAST, FOLDS, each_taxon("linda mixed", "planted"),
           miss=HIDDEN),
    Method("LinDA, mixed, arm by visit, all genera, two-fold", LAST, TWOFOLD, each_taxon("linda mixed twofold"),
           replicates=0),
    Method("Centred log-ratio models, arm, all genera", LAST, FOLDS, each_taxon("clr")),
    Method("Centred log-ratio models, arm, all genera, two-fold", LAST, TWOFOLD, each_taxon("clr twofold"),
           replicates=0),
    Method("ANCOM-BC (scikit-bio), arm, all genera", LAST, FOLDS, each_taxon("ancombc"), replicates=300,
           with_effect=100, miss=HIDDEN),
    Method("Redundancy analysis, arm", LAST, FOLDS, constrained_by_arm),
    Method("Association within a map, slope", "three genera and three made-up metabolites of 60 people, two visits",
           f"{SLOPE:g} SD for each doubling", known_pairs("slope")),
    Method("Association within a map, slope by arm", "the same", f"{SLOPE:g} SD for each doubling in the active arm",
           known_pairs("slope by arm")),
]  # fmt: skip
