"""Diversity and distances under a known truth: indices by arm, and tests by permutation."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
import polars as pl
from scipy.spatial.distance import pdist, squareform

from benchmarks.population import large, people_of_studies
from benchmarks.truth_change import of_last_column, of_row
from benchmarks.truth_method import Answers, Method
from benchmarks.truth_studies import BLOOM, KEPT, bloomed, community, given, stools, untouched
from gutbrain.analyse.communities.anosim import anosim
from gutbrain.analyse.communities.dispersion import compare_dispersion, dispersion
from gutbrain.analyse.communities.distances import centred_log_ratio, distances, without_zeros
from gutbrain.analyse.communities.diversity import alpha
from gutbrain.analyse.communities.mantel import mantel
from gutbrain.analyse.communities.permanova import permanova
from gutbrain.analyse.community import Community
from gutbrain.analyse.models.contrasts import ordinary
from gutbrain.study.planted import Bloom, drawn, sequenced

AFTER = "day 28"
DRAWS = 99  # permutations: (99 + 1) x 0.05 is whole, so the test has its size exactly
APART = 2.0  # standard deviation between people of log2 factors of genera, in the active arm


def with_shannon(table: Community) -> pl.DataFrame:
    """Return the samples with Shannon's index as `value`."""
    found = alpha(table, ("shannon",)).select("sample", "value")
    return table.samples.join(found, on="sample", maintain_order="left")


@cache
def shannon_truth(population: int) -> float:
    """Return by how much the bloom moves Shannon's index: the same people sequenced with and without it."""
    moved = []
    for seed in large(800_000, 20):
        run = drawn(people_of_studies(), 300, seed, (0, 28))
        both = []
        for bloom in (None, BLOOM):
            table = given(sequenced(run, seed, bloom)[0], (0, 28)).community(visits=[AFTER])
            rows = with_shannon(table).filter(pl.col("arm") == "active")
            both.append(float(rows["value"].mean()))  # type: ignore[arg-type]
        moved.append(both[1] - both[0])
    return float(np.mean(moved))


def shannon_change(planted: bool) -> float:
    """Return the true difference of Shannon's index between arms at the second visit, nat."""
    return shannon_truth(id(people_of_studies())) if planted else 0.0


def shannon_by_arm(seed: int, planted: bool) -> Answers:
    """Least squares of Shannon's index at the second visit."""
    table, _ = community(bloomed(seed, planted), visits=[AFTER])
    fit = ordinary(with_shannon(table), "value", "arm")
    return of_row(fit.coefficients.row(1, named=True), shannon_change(planted))


def shannon_by_visit(seed: int, planted: bool) -> Answers:
    """A mixed model of Shannon's index at both visits: the arm's change against the other's."""
    table, _ = community(bloomed(seed, planted))
    return of_last_column(with_shannon(table), "arm * visit", shannon_change(planted))


@lru_cache(KEPT)
def aitchison(seed: int, planted: bool, visit: str = "") -> tuple[np.ndarray, pl.DataFrame]:
    """Return Aitchison distances of a study and its samples."""
    table, _ = community(bloomed(seed, planted), 0.1, [visit] if visit else [])
    return distances(table, "aitchison").values, table.samples


def tested(p: float, planted: bool) -> Answers:
    """Return the answers of a test that estimates nothing."""
    return Answers(np.array([p]), np.array([1.0 if planted else 0.0]))


def permanova_by_arm(seed: int, planted: bool) -> Answers:
    """Arms at the second visit, one sample a person."""
    values, samples = aitchison(seed, planted, AFTER)
    found = permanova(values, samples, "arm", permutations=DRAWS, generator=np.random.default_rng(seed))
    return tested(found["p"][0], planted)


def permanova_of_term(term: str, by: str = "terms", permuted: str = "rows") -> Callable[[int, bool], Answers]:
    """Return the test of one term with repeated samples: people exchanged whole, or visits within them."""

    def answer(seed: int, planted: bool) -> Answers:
        values, samples = aitchison(seed, planted)
        found = permanova(values, samples, "arm * visit", by=by, permuted=permuted, people="person", order="visit",
                          permutations=DRAWS, generator=np.random.default_rng(seed))  # fmt: skip
        return tested(found.filter(pl.col("term") == term)["p"][0], planted)

    return answer


def permanova_within(seed: int, planted: bool) -> Answers:
    """Visits of the active arm alone, exchanged within people."""
    values, samples = aitchison(seed, planted)
    own = (samples["arm"].cast(pl.String) == "active").to_numpy()
    found = permanova(values[np.ix_(own, own)], samples.filter(own), "visit", people="person", order="visit",
                      permutations=DRAWS, generator=np.random.default_rng(seed))  # fmt: skip
    return tested(found["p"][0], planted)


def dispersion_by_arm(seed: int, planted: bool) -> Answers:
    """Distance to the spatial median of the arm at the second visit, by permutation."""
    made = stools(seed, Bloom(apart=APART)) if planted else untouched(seed)
    table, _ = community(made, 0.1, [AFTER])
    spread = dispersion(distances(table).values, table.samples["arm"])
    found, _ = compare_dispersion(spread, permutations=DRAWS, generator=np.random.default_rng(seed))
    return tested(found["p"][0], planted)


def anosim_by_arm(seed: int, planted: bool) -> Answers:
    """Ranks of distances between and within arms at the second visit."""
    values, samples = aitchison(seed, planted, AFTER)
    found = anosim(values, samples["arm"], permutations=DRAWS, generator=np.random.default_rng(seed))
    return tested(found["p"][0], planted)


def mantel_with(partial: bool) -> Callable[[int, bool], Answers]:
    """Return the Mantel test of the community against a number of the same people."""

    def answer(seed: int, planted: bool) -> Answers:
        table, _ = community(bloomed(seed, False), 0.1, [AFTER])
        logs = centred_log_ratio(without_zeros(table.values))
        generator = np.random.default_rng([seed, 9])
        first = np.linalg.svd(logs - logs.mean(axis=0), full_matrices=False)[0][:, 0] * np.sqrt(len(logs))
        age = generator.standard_normal((len(logs), 1))
        number = generator.standard_normal((len(logs), 1)) + 0.5 * age + 1.0 * planted * first[:, None]
        third = squareform(pdist(age)) if partial else None
        found = mantel(distances(table, "aitchison").values, squareform(pdist(number)), third, permutations=DRAWS,
                       generator=np.random.default_rng(seed))  # fmt: skip
        return tested(found["p"][0], planted)

    return answer


STOOL = "16S of 60 people in two arms at days 0 and 28, everybody at both"
FIVE = "log2 folds of ±2.5 on five genera in the active arm at day 28"
METHODS = [
    Method("Shannon by arm, least squares", STOOL, f"{FIVE}; truth from 3000 people with and without", shannon_by_arm),
    Method("Shannon, arm by visit, mixed model", STOOL, "the same", shannon_by_visit),
    Method("PERMANOVA, arm", f"{STOOL}; samples of day 28", FIVE, permanova_by_arm),
    Method("PERMANOVA, arm, people exchanged whole", STOOL, FIVE, permanova_of_term("arm")),
    Method("PERMANOVA, arm by visit, visits exchanged within people", STOOL, FIVE, permanova_of_term("arm:visit")),
    Method("PERMANOVA, arm by visit, residuals exchanged", STOOL, FIVE,
           permanova_of_term("arm:visit", permuted="residuals")),
    Method("PERMANOVA, visit within people", f"{STOOL}; the active arm", FIVE, permanova_within),
    Method("Dispersion by arm", f"{STOOL}; samples of day 28, Bray-Curtis",
           f"log2 factors of each genus with SD {APART:g} between people of the active arm", dispersion_by_arm),
    Method("ANOSIM, arm", f"{STOOL}; samples of day 28", FIVE, anosim_by_arm),
    Method("Mantel", f"{STOOL}; samples of day 28", "a number that follows the first axis of the log-ratios",
           mantel_with(False)),
    Method("Partial Mantel", "the same, given a third number that moves the second", "the same", mantel_with(True)),
]  # fmt: skip
