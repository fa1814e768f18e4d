"""Ratings of the day, saliva and heart under a known truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache

import numpy as np
import polars as pl
from scipy import stats

from benchmarks.population import large, people_of_studies
from benchmarks.truth_change import of_row
from benchmarks.truth_method import Answers, Method
from benchmarks.truth_studies import AFFECT, KEPT, trial
from gutbrain.analyse.models.contrasts import ordinary
from gutbrain.analyse.models.two_groups import compare
from gutbrain.analyse.persons.experience import summaries
from gutbrain.analyse.persons.physiology import physiological
from gutbrain.observe.instruments import find_measure
from gutbrain.observe.measure import Figure, Schedule
from gutbrain.run.result import Result
from gutbrain.study.observed import observe
from gutbrain.study.planted import ARMS, Change, changed, drawn, numerical_truth

PROMPTED = find_measure("negative affect")
DAYS = 14  # a diary of two weeks, six prompts a day
WEEKS = replace(PROMPTED, schedule=Schedule(days=tuple(range(1 - DAYS, 1)), prompts=6))
LATER = (28,)
CALMER = {AFFECT: Change(add=-9.0)}
# What is another swing in the active arm: it is forgotten faster, or it is larger.
SHORTER, LARGER = {"more": {"decay": Figure(0.2)}}, {"noise": Figure(12.0)}


def diary(run: Result, seed: int, active: dict[str, object] | None = None) -> pl.DataFrame:
    """Return the prompts of a run as moments; people of the active arm may swing otherwise."""
    parts = []
    for arm, name in enumerate(ARMS):
        own = np.flatnonzero(run.arm == arm)
        if not len(own):
            continue
        measure = replace(WEEKS, **(active or {})) if arm else WEEKS  # type: ignore[arg-type]
        part = replace(
            run, cohort=run.cohort.select(own, len(own), 1), mean=run.mean[:, :, own], low=run.low[:, :, own],
            high=run.high[:, :, own], arm=run.arm[own], present=run.present[:, own], lost_day=run.lost_day[own],
            lost_row=run.lost_row[own],
        )  # fmt: skip
        rows = observe(part, [measure], seed=2 * seed + arm, missed_visits=0.0).readings
        parts.append(rows.with_columns(pl.lit(name).alias("arm")))
    rows = pl.concat(parts)
    return rows.select(
        "person", "arm", pl.lit("").alias("period"), pl.lit("negative affect").alias("outcome"),
        pl.col("day").floor().cast(pl.Int64).alias("date"), (pl.col("day") * 24).alias("hours"), "value",
    ).sort("person", "hours")  # fmt: skip


@cache
def statistic_truth(population: int, statistic: str, active: str) -> float:
    """Return by how much the mean of a statistic over people differs between arms: everybody under both."""
    run = people_of_studies()
    run = replace(run, trial=replace(run.trial, visits=LATER))
    apart = []
    for seed in large(500_000, 6):
        both = []
        for arm in (0, 1):
            whole = replace(run, arm=np.full(run.mean.shape[2], arm))
            rows = diary(changed(whole, CALMER if active == "calmer" else {}), seed, SWINGS.get(active))
            table = summaries(rows, draws=0, continuous=False).filter(pl.col("statistic") == statistic)
            both.append(float(table["value"].mean()))  # type: ignore[arg-type]
        apart.append(both[1] - both[0])
    return float(np.mean(apart))


SWINGS: dict[str, dict[str, object]] = {"shorter": SHORTER, "larger": LARGER}  # type: ignore[dict-item]


@lru_cache(KEPT)
def sixty(seed: int, active: str) -> pl.DataFrame:
    """Return the diaries of 60 people, in which the active arm is as said, or nobody differs."""
    run = drawn(people_of_studies(), 60, seed, LATER)
    rows = diary(changed(run, CALMER if active == "calmer" else {}), seed, SWINGS.get(active))
    table = summaries(rows, draws=0, continuous=False)
    arms = rows.select("person", pl.col("arm").cast(pl.Enum(ARMS))).unique()
    return table.join(arms, on="person", maintain_order="left")


def statistic_by_arm(statistic: str, active: str) -> Callable[[int, bool], Answers]:
    """Return Welch's comparison of a statistic of people between arms."""

    def answer(seed: int, planted: bool) -> Answers:
        rows = sixty(seed, active if planted else "").filter(pl.col("statistic") == statistic)
        found = compare(rows, "value", "arm", permutations=0).row(0, named=True)
        return of_row(found, statistic_truth(id(people_of_studies()), statistic, active) if planted else 0.0)

    return answer


def own_mean(seed: int, planted: bool) -> Answers:
    """Each person's own interval of the mean; the truth is the mean over all days of the run, ends of the scale in."""
    run = drawn(people_of_studies(), 20, seed, LATER)
    table = summaries(diary(run, seed), draws=300, continuous=False, generator=np.random.default_rng(seed))
    rows = table.filter(pl.col("statistic") == "mean")
    affect = run.mean[1:, run.index(AFFECT)].astype(float)
    truth = dict(zip(run.cohort.names, clipped_mean(affect, PROMPTED.noise.value).mean(axis=0), strict=True))
    expected = np.array([truth[name] for name in rows["person"]])
    values = [rows[name].to_numpy().astype(float) for name in ("value", "low", "high")]
    return Answers(np.full(len(rows), np.nan), expected, *values)


def clipped_mean(mean: np.ndarray, spread: float) -> np.ndarray:
    """Return the expected value of a normal number that is held between 0 and 100."""
    low, high = (0 - mean) / spread, (100 - mean) / spread
    inside = stats.norm.cdf(high) - stats.norm.cdf(low)
    shift = spread * (stats.norm.pdf(low) - stats.norm.pdf(high))
    return np.asarray(mean * inside + shift + 100 * stats.norm.sf(high))


BODY = {
    "saliva.cortisol, day area from ground": (("cortisol", "waking"), {"hpa.cortisol_salivary": Change(times=0.75)}),
    "heart.rmssd": (("rmssd",), {"vagus.tone": Change(times=1.3)}),
}


@lru_cache(KEPT)
def bodies(outcome: str, seed: int, planted: bool) -> pl.DataFrame:
    """Return one row a person: arm, logarithm before and after."""
    measures, changes = BODY[outcome]
    given = trial(seed, changes if planted else {}, measures, 60, (0, 28))
    rows = physiological(given.study).table.filter(pl.col("outcome") == outcome)
    return sides(rows).join(given.ordered(given.study.people).select("person", "arm"), on="person")


def sides(rows: pl.DataFrame) -> pl.DataFrame:
    """Return person, before and value of the transformed outcome."""
    parts = [rows.filter(pl.col("occasion") == day).select("person", pl.col("transformed").alias(name))
             for day, name in (("day 0", "before"), ("day 28", "value"))]  # fmt: skip
    return parts[0].join(parts[1], on="person")


@cache
def body_truth(population: int, outcome: str) -> float:
    """Return the difference of logarithms between arms: everybody under both."""
    measures, changes = BODY[outcome]
    run = people_of_studies()
    run = replace(run, trial=replace(run.trial, visits=(0, 28)))

    def shown(one: Result, seed: int) -> pl.DataFrame:
        found = physiological(observe(one, list(measures), seed=seed, missed_visits=0.0)).table
        return found.filter(pl.col("outcome") == outcome).select("person", pl.col("occasion").alias("visit"),
                                                                 pl.col("transformed").alias("value"))  # fmt: skip

    return numerical_truth(run, changes, shown, large(400_000, 3))["day 28"]


def body_by_arm(outcome: str) -> Callable[[int, bool], Answers]:
    """Return the analysis of covariance of a logarithm."""

    def answer(seed: int, planted: bool) -> Answers:
        fit = ordinary(bodies(outcome, seed, planted), "value", "arm + before")
        row = fit.coefficients.filter(pl.col("term") == "arm[active]").row(0, named=True)
        return of_row(row, body_truth(id(people_of_studies()), outcome) if planted else 0.0)

    return answer


PROMPTS = f"negative affect of 60 people, six prompts a day for {DAYS} days, 31 % missed; one number a person, Welch"
METHODS = [
    Method("Ratings of the day: mean by arm", PROMPTS, "9 points less", statistic_by_arm("mean", "calmer"),
           with_effect=500),
    Method("Ratings of the day: inertia by arm", PROMPTS, "swings decay at 0.2 instead of 0.7 an hour",
           statistic_by_arm("inertia", "shorter"), with_effect=500),
    Method("Ratings of the day: instability by arm", PROMPTS, "swings of 12 instead of 10 points",
           statistic_by_arm("root mean squared successive difference", "larger"), with_effect=500),
    Method("Ratings of the day: own interval of the mean", "the same, 20 people; resampled days",
           "nothing; the truth is the person's mean over all 84 days", own_mean,
           judged=("coverage without effect",), replicates=300, with_effect=1),
    Method("Cortisol, area under the curve, ANCOVA of logarithms", "four samples a day of 60 people at days 0 and 28",
           "cortisol x 0.75", body_by_arm("saliva.cortisol, day area from ground"),
           replicates=600, with_effect=200),
    Method("RMSSD, ANCOVA of logarithms", "readings at rest of 60 people at days 0 and 28",
           "vagal tone x 1.3; truth numerical", body_by_arm("heart.rmssd")),
]  # fmt: skip
