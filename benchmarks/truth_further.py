"""Further methods under a known truth: groups of microbes, distances within people, mediation within people."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from benchmarks.population import large, people_of_studies
from benchmarks.truth_change import ACT, DROPPED, LAST, OUT, dropped, of_last_column, of_row
from benchmarks.truth_diversity import AFTER, FIVE, STOOL
from benchmarks.truth_mediation import GENERA, WEIGHTS, composed
from benchmarks.truth_method import Answers, Method
from benchmarks.truth_studies import BLOOM, bloomed, community, given, relief, stools, trial, untouched
from gutbrain.analyse.communities.distances import distances
from gutbrain.analyse.function.groups import group_ratios, placed
from gutbrain.analyse.models.two_groups import compare
from gutbrain.analyse.models.visit_models import visit_model
from gutbrain.analyse.paths.compositional_mediation import centred_log_ratios
from gutbrain.analyse.paths.distance_mediation import distance_test
from gutbrain.analyse.paths.repeated_mediation import repeated_mediation
from gutbrain.analyse.persons.first_distances import first_distances
from gutbrain.study.planted import Bloom, drawn, sequenced


def constrained_baseline(seed: int, planted: bool) -> Answers:
    """The model for repeated measures in which arms share one mean at the baseline: what a plan does by default."""
    model = visit_model(dropped(seed, planted), "arm")
    row = model.contrasts().filter(pl.col("visit") == LAST).row(0, named=True)
    return of_row(row, relief(LAST, planted))


def groups_of(bloom: Bloom | None, seed: int, people: int = 60, whole: bool = False) -> pl.DataFrame:
    """Return samples with the log-ratio of the first group (base 2) as `value`."""
    if whole:
        study, _ = sequenced(drawn(people_of_studies(), people, seed, (0, 28)), seed, bloom)
        table = given(study, (0, 28)).community()
    else:
        table, _ = community(bloomed(seed, bloom is not None, people))
    return table.samples.with_columns(pl.Series("value", group_ratios(placed(table))[:, 0]))


@cache
def group_truth(population: int) -> float:
    """Return by how much the bloom moves the log-ratio of the first group: the same people with and without it."""
    last = (pl.col("arm").cast(pl.String) == "active") & (pl.col("visit").cast(pl.String) == AFTER)
    moved = []
    for seed in large(300_000, 10):
        both = [groups_of(bloom, seed, 300, whole=True).filter(last)["value"].mean() for bloom in (None, BLOOM)]
        moved.append(float(both[1]) - float(both[0]))  # type: ignore[arg-type]
    return float(np.mean(moved))


def group_by_visit(seed: int, planted: bool) -> Answers:
    """A mixed model of the log-ratio of a group: the arm's change against the other's."""
    rows = groups_of(BLOOM if planted else None, seed)
    return of_last_column(rows, "arm * visit", group_truth(id(people_of_studies())) if planted else 0.0)


def distance_by_arm(seed: int, planted: bool) -> Answers:
    """Bray-Curtis distance between a person's two samples, compared by Welch's test."""
    made, _ = stools(seed, Bloom(restless=1.5)) if planted else untouched(seed)
    table = made.community()
    pairs = first_distances(distances(table).values, table.samples).table
    rows = pairs.join(made.ordered(made.study.people), on="person")
    found = compare(rows, "distance", "arm", permutations=0).row(0, named=True)
    truth = moved_further(id(people_of_studies())) if planted else 0.0
    return of_row(found, truth)


@cache
def moved_further(population: int) -> float:
    """Return by how much restless genera lengthen the distance between two samples: a very large draw."""
    apart = []
    for seed in large(350_000, 20):
        both = []
        for bloom in (None, Bloom(restless=1.5)):
            made, _ = stools(seed, bloom, 300)
            table = made.community()
            pairs = first_distances(distances(table).values, table.samples).table.join(made.study.people, on="person")
            both.append(float(pairs.filter(pl.col("arm") == "active")["distance"].mean()))  # type: ignore[arg-type]
        apart.append(both[1] - both[0])
    return float(np.mean(apart))


WEEKLY = tuple(range(0, 84, 7))
A, B, SPREAD = 4.0, 0.4, 0.15


def within_people(seed: int, planted: bool) -> Answers:
    """Mediation within people: an exposure that comes and goes at random, by weeks."""
    generator = np.random.default_rng([seed, 13])
    made = trial(seed, {}, ("pss-10",), 80, WEEKLY, 0.0).outcome("pss-10.total")
    names = made["person"].unique(maintain_order=True).to_list()
    first, second = names[:40], names[40:]
    wide = made.with_columns(pl.col("visit").cast(pl.String)).select("person", "visit", "day", "value")
    other = wide.with_columns(pl.col("person").replace(dict(zip(second, first, strict=True))).alias("person"))
    rows = wide.filter(pl.col("person").is_in(first)).join(
        other.filter(made["person"].is_in(second)).select("person", "visit", pl.col("value").alias("other")),
        on=["person", "visit"],
    )  # fmt: skip
    codes = rows["person"].rank("dense").to_numpy().astype(int) - 1
    exposed = (generator.uniform(size=len(rows)) < 0.5).astype(float)
    own_a = A + SPREAD * A * generator.standard_normal(40)
    own_b = (B + SPREAD * B * generator.standard_normal(40)) * planted
    m = rows["value"].to_numpy() + own_a[codes] * exposed
    y = rows["other"].to_numpy() + own_b[codes] * m + 0.5 * exposed
    table = rows.with_columns(pl.Series("exposed", exposed), pl.Series("m", m), pl.Series("y", y))
    found = repeated_mediation(table, "exposed", "m", "y", draws=2000, generator=generator).paths
    row = found.filter(pl.col("path") == "indirect").row(0, named=True)
    return of_row(row, A * B * planted)


def by_distances(seed: int, planted: bool) -> Answers:
    """Does the community lie between arm and outcome: the best of two distances, by permutation."""
    rows, values = composed(seed)
    y = rows["other"].to_numpy() + 1.0 * planted * (centred_log_ratios(values) @ WEIGHTS)
    design = np.column_stack([np.ones(len(y)), (rows["arm"].cast(pl.String) == "active").to_numpy().astype(float)])
    tables = {"aitchison": centred_log_ratios(values), "braycurtis": values / values.sum(axis=1, keepdims=True)}
    found = distance_test(design, 1, tables, y, 199, np.random.default_rng(seed))
    return Answers.one(float(str(found[-1]["p"])), 1.0 * planted)


SIX = f"120 people, {len(GENERA)} genera of day 28 that differ by arm, PSS-10 of others"
METHODS = [
    Method("MMRM, constrained baseline, dropout at random", DROPPED, f"{ACT}; {OUT}", constrained_baseline),
    Method("Group of microbes, arm by visit", STOOL, f"{FIVE}; truth from 1500 people with and without",
           group_by_visit),
    Method("First distances, Bray-Curtis, Welch", STOOL, "a new log2 factor with SD 1.5 on each genus at day 28 of the "
           "active arm", distance_by_arm),
    Method("Mediation within people", "an exposure at random and two questionnaires of 40 people in 12 weeks",
           "a = 4 points, b = 0.4, both with a spread of 15 % between people; else b = 0", within_people,
           replicates=400, with_effect=200),
    Method("Mediation by distances, best of two", SIX, "1 point for each unit of a log-ratio; else 0", by_distances),
]  # fmt: skip
