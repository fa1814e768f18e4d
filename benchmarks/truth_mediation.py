"""Mediation under a known truth: paths that were planted on numbers as the instruments showed them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
import polars as pl

from benchmarks.population import large, people_of_studies
from benchmarks.truth_diversity import AFTER
from benchmarks.truth_method import Answers, Method
from benchmarks.truth_studies import KEPT, PSS, stools, trial
from gutbrain.analyse.paths.compositional_mediation import centred_log_ratios, compositional_mediation
from gutbrain.analyse.paths.mediation import least_squares, two_sided_p
from gutbrain.analyse.paths.mediation_intervals import (
    bca_interval,
    people_drawn,
    percentile_interval,
    product_interval,
    reweighted,
)
from gutbrain.study.planted import Bloom

A, B, DIRECT = 0.8, 3.0, -1.0  # standard deviations of the mediator; points for each of them; points
SPREAD = 0.8  # of the logarithm of butyrate: the mediator is given in units of it
GENERA = ("Bacteroides", "Faecalibacterium", "Blautia", "Bifidobacterium", "Alistipes", "Parabacteroides")
RISE = Bloom({"Bacteroides": 2.0, "Faecalibacterium": -1.0})
WEIGHTS = np.array([1.0, -1.0, 0.0, 0.0, 0.0, 0.0])  # points for each unit of a centred log-ratio


@lru_cache(KEPT)
def apart(seed: int, people: int = 100) -> pl.DataFrame:
    """Return arm, a mediator and an outcome of one visit that have nothing to do with each other.

    In the body butyrate and affect go together, by an amount that no formula tells. The outcome is therefore that
    of another person of the study, and what goes with what is planted alone.
    """
    made = trial(seed, {}, ("pss-10", "stool butyrate"), people, (0, 28), 0.0)
    last = pl.col("visit").cast(pl.String) == AFTER
    score = made.outcome(PSS).filter(last).select("person", pl.col("value").alias("other"))
    acid = made.outcome("stool.butyrate").filter(last).select("person", "arm", pl.col("value").log() / SPREAD)
    rows = acid.rename({"value": "mediator"}).join(score, on="person")
    order = np.random.default_rng([seed, 5]).permutation(len(rows))
    return rows.with_columns(rows["other"][order.tolist()].alias("other"))


def table_of(seed: int, a: float, b: float) -> pl.DataFrame:
    """Return arm, mediator and outcome with paths a and b, and a direct effect."""
    active = (pl.col("arm").cast(pl.String) == "active").cast(pl.Float64)
    rows = apart(seed).with_columns(pl.col("mediator") + a * active)
    return rows.with_columns((pl.col("other") + b * pl.col("mediator") + DIRECT * active).alias("outcome"))


def indirect(rows: pl.DataFrame, interval: str, draws: int, seed: int) -> tuple[float, float, float, float]:
    """Return p, estimate, low and high of the indirect effect: what `mediation` says, without its sensitivity."""
    m, y = rows["mediator"].to_numpy(), rows["outcome"].to_numpy()
    design = np.column_stack([np.ones(len(m)), (rows["arm"].cast(pl.String) == "active").to_numpy().astype(float)])
    whole = np.column_stack([design, m])
    a, b = least_squares(design, m, "mediator").path(1), least_squares(whole, y, "outcome").path(2)
    estimate, p = a[0] * b[0], max(two_sided_p(*a), two_sided_p(*b))
    if interval == "product":
        low, high = product_interval(*a, *b)
        return p, estimate, float(low[0]), float(high[0])
    generator = np.random.default_rng(seed)
    found = []
    for weights in (people_drawn(len(m), draws, generator), 1.0 - np.eye(len(m))):
        first, second, _ = reweighted(weights, design, m, whole, y)
        found.append((first[:, 1] * second[:, 2])[:, None])
    ends = (percentile_interval(found[0], 0.95) if interval == "percentile"
            else bca_interval(np.array([estimate]), found[0], found[1], 0.95))  # fmt: skip
    return p, estimate, float(ends[0][0]), float(ends[1][0])


def mediated(a: float, b: float, interval: str = "product", draws: int = 1000) -> Callable[[int, bool], Answers]:
    """Return the indirect effect of the arm with paths a and b; without an effect b is 0, and a is kept."""

    def answer(seed: int, planted: bool) -> Answers:
        own = b if planted else 0.0
        p, estimate, low, high = indirect(table_of(seed, a, own), interval, draws, seed)
        return Answers.one(p, a * own, estimate, low, high)

    return answer


def six_genera(seed: int, a: bool, people: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Return person and arm, and counts of six genera that the arm changes; who has none of them is left out."""
    table = stools(seed, RISE if a else None, people)[0].community(visits=[AFTER])
    values = np.stack([table.values[:, table.names.index(name)] for name in GENERA], axis=1)
    some = values.sum(axis=1) > 0
    return table.samples.filter(some).select("person", "arm"), values[some]


@lru_cache(KEPT)
def composed(seed: int, people: int = 120) -> tuple[pl.DataFrame, np.ndarray]:
    """Return arm, an outcome that nothing of it moves, and counts of six genera."""
    rows, values = six_genera(seed, True, people)
    score = trial(seed + 1, {}, ("pss-10",), 200, (0, 28), 0.0).outcome(PSS)
    last = score.filter(pl.col("visit").cast(pl.String) == AFTER)["value"].to_numpy()
    return rows.with_columns(pl.Series("other", last[: len(rows)])), values


@cache
def risen(population: int) -> float:
    """Return by how much the arm moves the log contrast that acts on the outcome: a very large draw."""
    found = []
    for seed in large(700_000, 20):
        both = []
        for a in (False, True):
            rows, values = six_genera(seed, a, 300)
            active = (rows["arm"].cast(pl.String) == "active").to_numpy()
            both.append(float((centred_log_ratios(values)[active] @ WEIGHTS).mean()))
        found.append(both[1] - both[0])
    return float(np.mean(found))


def through_composition(method: str, slope: float) -> Callable[[int, bool], Answers]:
    """Return the indirect effect through six genera; without an effect the community does nothing to the outcome."""

    def answer(seed: int, planted: bool) -> Answers:
        rows, values = composed(seed)
        own = slope * planted
        table = rows.with_columns(pl.Series("outcome", rows["other"].to_numpy()
                                            + own * (centred_log_ratios(values) @ WEIGHTS)))  # fmt: skip
        found = compositional_mediation(table, values, GENERA, "arm", "outcome", method=method, draws=1000,
                                        permutations=99, splits=20, generator=np.random.default_rng(seed))  # fmt: skip
        row = found.paths.filter(pl.col("path") == "indirect").row(0, named=True)
        truth = own * risen(id(people_of_studies())) if planted else 0.0
        return Answers.one(row["p"], truth, row["estimate"], row["low"], row["high"])

    return answer


BODY = ("100 people, arm, logarithm of stool butyrate and PSS-10 of day 28 (that of another person, so that nothing "
        "but what is planted goes together)")  # fmt: skip
PLANTED = f"a = {A:g} SD of the mediator, b = {B:g} points for each SD, direct {DIRECT:g}; without an effect b = 0"
ZERO = ("joint significance needs both paths: with neither, two independent tests at 5 % must fail together, which is "
        "0.25 %. It is known, and on the safe side")  # fmt: skip
METHODS = [
    Method("Mediation, product interval", BODY, PLANTED, mediated(A, B), judged=("false positives", "coverage",
           "coverage without effect")),
    Method("Mediation, percentile bootstrap", BODY, PLANTED, mediated(A, B, "percentile")),
    Method("Mediation, BCa bootstrap", BODY, PLANTED, mediated(A, B, "bca")),
    Method("Mediation, neither path", BODY, "a = 0; b = 3 where planted (the indirect effect is 0 then too)",
           mediated(0.0, B), miss=ZERO),
    Method("Mediation through a composition, all log-ratios", "120 people, six genera, PSS-10 of others",
           "Bacteroides x 4 and Faecalibacterium x 1/2 by arm, 1 point for each unit of their log-ratio; else 0 points",
           through_composition("log ratios", 1.0), replicates=2000, with_effect=800,
           miss="p is the largest of three tests, and draws add noise times noise of five log-ratios to an estimate "
           "that holds it already: both p and interval are on the safe side"),
    Method("Mediation through a composition, learned balance", "the same", "the same",
           through_composition("balances", 1.0), replicates=2000, with_effect=800,
           miss="the balance is learned in half of the people and measured in the others: what it misses is lost, so "
           "estimates tend to zero and p, twice the median over halves, is on the safe side"),
]  # fmt: skip
