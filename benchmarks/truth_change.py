"""Change over visits under a known truth: mixed models, analysis of covariance, volatility."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache

import numpy as np
import polars as pl
from scipy import stats

from benchmarks.population import large, people_of_studies
from benchmarks.truth_method import Answers, Method
from benchmarks.truth_studies import KEPT, RELIEF, TRIAL, relief, relieved, scored, stools, untouched
from gutbrain.analyse.formula import model_matrix
from gutbrain.analyse.models.contrasts import marginal_means, ordinary
from gutbrain.analyse.models.mixed import mixed
from gutbrain.analyse.models.mixed_many import mixed_many
from gutbrain.analyse.models.mmrm import mmrm
from gutbrain.analyse.models.proportions import difference, equal_shares
from gutbrain.analyse.models.two_groups import compare
from gutbrain.analyse.persons.reliable_change import Noise, reliable_change, retest
from gutbrain.analyse.persons.responders import changes, responded
from gutbrain.analyse.persons.volatility import person_means, volatility
from gutbrain.study.planted import Bloom, changed, leaves

LAST = "day 84"
ACT = "affect 9 points lower from day 1 on; the questionnaire shows about -3.3 points"
OUT = "the truth is numerical: all 794 people read under both arms with the same noise"


def wide(rows: pl.DataFrame, visit: str = LAST) -> pl.DataFrame:
    """Return one row a person with arm, value before and value at a visit."""
    before = rows.filter(pl.col("visit") == "day 0").select("person", pl.col("value").alias("before"))
    return rows.filter(pl.col("visit") == visit).join(before, on="person")


def of_row(row: dict[str, float], truth: float) -> Answers:
    """Return the answers of one row of a table with estimate, low, high and p."""
    return Answers.one(row["p"], truth, row["estimate"], row["low"], row["high"])


def of_last_column(rows: pl.DataFrame, formula: str, truth: float, slope: str = "") -> Answers:
    """Return the answers of a mixed model on the last column of its matrix, by the engine for many outcomes."""
    matrix = model_matrix(rows, formula, ("value", "person"))
    used = rows[matrix.rows.tolist()]
    values, people, last = used["value"].to_numpy(), used["person"].to_list(), np.eye(len(matrix.columns))[-1:]
    fit = mixed_many(values, matrix.values, people, last, slope=used[slope].to_numpy() if slope else None)
    estimate, reach = fit.estimate[0, 0], fit.standard_error[0, 0] * stats.t.ppf(0.975, fit.df[0, 0])
    return Answers.one(fit.p[0, 0], truth, estimate, estimate - reach, estimate + reach)


def random_intercept(seed: int, planted: bool) -> Answers:
    """A linear mixed model with a random intercept: how much more the arms differ at the last visit than before."""
    return of_last_column(relieved(seed, planted), "arm * visit", relief(LAST, planted))


def few_people(seed: int, planted: bool) -> Answers:
    """The same with Kenward-Roger and few people."""
    fit = mixed(relieved(seed, planted, 20), "value", "arm * visit", degrees_method="kenward-roger")
    found = fit.coefficients.filter(pl.col("term") == f"arm[active]:visit[{LAST}]").row(0, named=True)
    return of_row(found, relief(LAST, planted))


def random_slope(seed: int, planted: bool) -> Answers:
    """A random intercept and slope of time; the active arm gets better steadily."""
    # A steady change has no counterpart among the changes of a run: it is put on the scores, unrounded.
    slope = -0.05 * planted
    active = (pl.col("arm").cast(pl.String) == "active").cast(pl.Float64)
    rows = relieved(seed, False, 60).with_columns(
        (pl.col("value") + slope * active * pl.col("day")).alias("value"), (pl.col("day") / 28).alias("month")
    )
    return of_last_column(rows, "arm * month", 28 * slope, "month")


def ancova(seed: int, planted: bool) -> Answers:
    """Analysis of covariance at the last visit."""
    fit = ordinary(wide(relieved(seed, planted)), "value", "arm + before")
    return of_row(fit.coefficients.filter(pl.col("term") == "arm[active]").row(0, named=True), relief(LAST, planted))


def dropped(seed: int, planted: bool, people: int = 80) -> pl.DataFrame:
    """Return the outcome of a trial of which a fifth has left, more of those who were worse at the visit before."""
    return leaves(relieved(seed, planted, people), TRIAL, 0.2, seed)


def repeated(seed: int, planted: bool, people: int = 80, covariance: str = "unstructured") -> Answers:
    """The model for repeated measures with Kenward-Roger; a fifth has left at random given what they gave before."""
    fit = mmrm(dropped(seed, planted, people), "value", "arm * visit", covariance=covariance)
    found = fit.coefficients.filter(pl.col("term") == f"arm[active]:visit[{LAST}]").row(0, named=True)
    return of_row(found, relief(LAST, planted))


def adjusted(seed: int, planted: bool) -> Answers:
    """The model for repeated measures of later visits, with the baseline as a covariate."""
    rows = dropped(seed, planted)
    before = rows.filter(pl.col("visit") == "day 0").select("person", pl.col("value").alias("before"))
    later = [f"day {day}" for day in TRIAL[1:]]
    rows = rows.filter(pl.col("visit") != "day 0").join(before, on="person", maintain_order="left")
    rows = rows.with_columns(pl.col("visit").cast(pl.String).cast(pl.Enum(later)))
    fit = mmrm(rows, "value", "arm * visit + before * visit")
    by = marginal_means(fit, ["arm", "visit"])
    active, control = by.row(arm="active", visit=LAST), by.row(arm="control", visit=LAST)
    assert active is not None and control is not None
    return of_row(fit.contrast(active - control).row(0, named=True), relief(LAST, planted))


BETTER = 4.0  # points less: an important difference


@cache
def share_gained(population: int) -> float:
    """Return by how much the share of responders rises: everybody under both arms, with the same noise."""
    run = people_of_studies()
    size = run.mean.shape[2]
    shares: list[list[float]] = [[], []]
    for seed in large(600_000, 8):
        for arm in (0, 1):
            rows = scored(changed(replace(run, arm=np.full(size, arm)), RELIEF), seed)
            found = responded(changes(rows, "day 0", LAST), "important difference", BETTER, "lower")
            shares[arm].append(float(found["responded"].mean()))  # type: ignore[arg-type]
    return float(np.mean(shares[1]) - np.mean(shares[0]))


def responder_shares(seed: int, planted: bool) -> Answers:
    """The difference of shares of responders with Newcombe's interval, and the test of two shares."""
    rows = changes(relieved(seed, planted), "day 0", LAST, "arm").drop_nulls("end")
    people = responded(rows, "important difference", BETTER, "lower")
    count = {str(arm): (int(own["responded"].sum()), len(own)) for (arm,), own in people.group_by("arm")}
    both = (*count["active"], *count["control"])
    low, high = difference(*both)
    truth = share_gained(id(people_of_studies())) if planted else 0.0
    seen = count["active"][0] / count["active"][1] - count["control"][0] / count["control"][1]
    return Answers.one(equal_shares(*both)[1], truth, seen, low, high)


def reliably_changed(seed: int, planted: bool) -> Answers:
    """Share of people without any true change who are called changed; each person is a hypothesis.

    The noise is that of the same people read twice on one day: its reliability is what the index asks for.
    """
    rows = relieved(seed, False)
    both = changes(rows, "day 28", "day 56").drop_nulls("end")
    start, end = both["start"].to_numpy(), both["end"].to_numpy()
    noise = Noise(retest(start, end)[0], float(np.concatenate([start, end]).std(ddof=1)))
    found = reliable_change(both, noise, "lower")["category"]
    p = np.where((found == "unchanged").to_numpy(), 1.0, 0.0)
    return Answers(p, np.zeros(len(p)))


RESTLESS = 2.5  # standard deviation of a new log2 factor of each genus at the second visit


@lru_cache(KEPT)
def _moved(seed: int, planted: bool) -> pl.DataFrame:
    given, _ = stools(seed, Bloom(restless=RESTLESS)) if planted else untouched(seed)
    people = person_means(volatility(given.community()).table)
    return people.join(given.ordered(given.study.people), on="person")


def volatility_compared(method: str) -> Callable[[int, bool], Answers]:
    """Return the comparison of volatility by one method."""

    def answer(seed: int, planted: bool) -> Answers:
        rows = compare(_moved(seed, planted), "mean", "arm", permutations=499 * (method == "permutation"),
                       generator=np.random.default_rng(seed))  # fmt: skip
        found = rows.filter(pl.col("method").str.contains(method)).row(0, named=True)
        truth = _wider(id(people_of_studies())) if planted else 0.0
        return of_row(found, truth) if method == "Welch" else Answers.one(found["p"], truth)

    return answer


@cache
def _wider(population: int) -> float:
    """Return by how much the planted restlessness widens a person's volatility on average: a very large draw."""
    apart = [_everyone(seed, True) - _everyone(seed + 50_000, False) for seed in large(900_000, 40)]
    return float(np.mean(apart))


def _everyone(seed: int, restless: bool) -> float:
    given, _ = stools(seed, Bloom(restless=RESTLESS) if restless else None, people=300)
    people = person_means(volatility(given.community()).table).join(given.study.people, on="person")
    return float(people.filter(pl.col("arm") == "active")["mean"].mean())  # type: ignore[arg-type]


PSS_TRIAL = "PSS-10 of 80 people in two arms at days 0, 28, 56, 84; 3 % of visits missed, 0.5 % of items empty"
DROPPED = f"{PSS_TRIAL}; a fifth has left by the end, more of those with a high score at the visit before"
METHODS = [
    Method("Mixed model, random intercept, Satterthwaite", PSS_TRIAL, f"{ACT}; {OUT}", random_intercept),
    Method("Mixed model, random intercept, Kenward-Roger, 20 people", PSS_TRIAL.replace("80", "20"), f"{ACT}; {OUT}",
           few_people, with_effect=400),
    Method("Mixed model, random slope", "PSS-10 of 60 people, as above", "-1.4 points a month on the score",
           random_slope, with_effect=400),
    Method("ANCOVA at the last visit", PSS_TRIAL, f"{ACT}; {OUT}", ancova),
    Method("MMRM, unstructured, Kenward-Roger, dropout at random", DROPPED, f"{ACT}; {OUT}", repeated),
    Method("MMRM, unstructured, Kenward-Roger, 24 people, dropout at random", DROPPED.replace("80", "24"),
           f"{ACT}; {OUT}", lambda seed, planted: repeated(seed, planted, 24)),
    Method("MMRM with the baseline as covariate, dropout at random", DROPPED, f"{ACT}; {OUT}", adjusted),
    Method("Responders, Newcombe", PSS_TRIAL, f"{ACT}; a responder is 4 points better", responder_shares),
    Method("Reliable change, Jacobson-Truax", "PSS-10 of 80 people, days 28 and 56, nothing changes; reliability is "
           "that of these two visits", "nothing: every person called changed is a false positive", reliably_changed,
           with_effect=1),
    Method("Volatility by arm, Welch", "16S of 60 people at days 0 and 28",
           f"in the active arm a new log2 factor with SD {RESTLESS:g} on each genus at day 28; truth from 6000 people",
           volatility_compared("Welch")),
    Method("Volatility by arm, rank sum", "the same", "the same", volatility_compared("Wilcoxon")),
    Method("Volatility by arm, permutation", "the same", "the same", volatility_compared("permutation")),
]  # fmt: skip
