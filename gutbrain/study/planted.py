"""Simulated studies in which the truth is known: people of a run, randomised here, with an effect that was planted.

An effect is put on the true values of a run before instruments read them, on the abundance of named genera before
they are sequenced, or on no value at all. What an analysis should find is then a number and no opinion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe import sequencing
from gutbrain.observe.instruments import find_measure
from gutbrain.observe.simulated import Moments, Simulated, visit_name
from gutbrain.study.study import Study

if TYPE_CHECKING:
    from gutbrain.run.result import Result

ARMS = ("control", "active")
SEQUENCED = "16s"


@dataclass(frozen=True)
class Change:
    """A change of a true signal in the active arm, from the first day after the baseline.

    Parameters
    ----------
    times, add : the value is multiplied, then added to (in the unit of the signal)
    """

    times: float = 1.0
    add: float = 0.0


@dataclass(frozen=True)
class Bloom:
    """A change of genera in the active arm at all visits but the first, before sequencing.

    Parameters
    ----------
    folds : genus -> log2 of the factor on its abundance; what is not named keeps its abundance
    restless : standard deviation of a log2 factor of each genus that is new at each visit: volatility
    apart : standard deviation of a log2 factor of each genus that stays with the person: dispersion
    from_baseline : whether the first visit is changed as well
    """

    folds: Mapping[str, float] = field(default_factory=dict)
    restless: float = 0.0
    apart: float = 0.0
    from_baseline: bool = False


def drawn(result: Result, people: int, seed: int, visits: Sequence[int] = ()) -> Result:
    """Return some people of a run, drawn without replacement and randomised to two arms of equal size.

    Parameters
    ----------
    people : how many in all; with an odd number the control arm has one more
    visits : days of the visits; those of the run if left out

    Raises
    ------
    InputError
        If the run has fewer people, or no two arms to name.
    """
    kept = np.flatnonzero(result.kept)
    if not 2 <= people <= len(kept):
        raise InputError(f"{people} people cannot be drawn from {len(kept)}", mend="Give 2 or more, or run more")
    if len(result.trial.arms) < 2:
        raise InputError("the run has one arm", mend="Run the same protocol twice, as two arms with names")
    generator = np.random.default_rng([seed, 1])
    chosen = generator.permutation(kept)[:people]
    arm = generator.permutation(np.arange(people) % 2)
    cohort = result.cohort.select(chosen, people, 1)
    trial = replace(result.trial, visits=tuple(visits) or result.trial.visits)
    return replace(
        result, cohort=cohort, trial=trial, mean=result.mean[:, :, chosen], low=result.low[:, :, chosen],
        high=result.high[:, :, chosen], arm=arm, present=result.present[:, chosen],
        lost_day=result.lost_day[chosen], lost_row=result.lost_row[chosen],
    )  # fmt: skip


def changed(result: Result, changes: Mapping[str, Change]) -> Result:
    """Return a run in which the active arm has changed from day 1 on; day 0 is the baseline.

    Raises
    ------
    InputError
        If the run has no such signal.
    """
    if not changes:
        return result
    made = replace(result, mean=result.mean.copy(), low=result.low.copy(), high=result.high.copy())
    treated = np.flatnonzero(result.arm == 1)
    for signal, change in changes.items():
        place = made.index(signal)
        for values in (made.mean, made.low, made.high):
            values[1:, place, treated] = values[1:, place, treated] * change.times + change.add
    return made


def sequenced(result: Result, seed: int, bloom: Bloom | None = None, depth: float = 0.0) -> tuple[Study, np.ndarray]:
    """Sequence everybody at every visit, with genera that bloom in the active arm.

    Parameters
    ----------
    depth : median number of reads; that of the instrument if 0

    Returns
    -------
    study : people with their arm, samples, features and counts
    folds : log2 factor of each feature in the active arm, array [features]: 0 for what was not named

    Raises
    ------
    InputError
        For a genus that the instrument does not show.

    Notes
    -----
    The factor acts on the abundance of the stool that is taken, whose scatter between stools has been drawn: the
    mean of its logarithm moves by the factor exactly, and shares of the others fall as they must. The bias of a
    laboratory between groups is left out: with it the truth of an index of diversity would be another in each study.
    """
    bloom = bloom or Bloom()
    body = body_of(result, seed)
    measure = find_measure(SEQUENCED)
    figures = {name: figure.value for name, figure in measure.figures().items()} | {"bias": 0.0}
    days = np.array(body.visits)
    moments = Moments(np.arange(len(days)), days, np.full(len(days), 9.0))
    names, shares, _ = sequencing.composition(body, measure, moments, figures)
    unknown = [name for name in bloom.folds if name not in names]
    if unknown:
        raise InputError(f"the instrument shows no genus {unknown[0]!r}", mend=f"It shows {', '.join(names[:40])}")
    folds = np.array([bloom.folds.get(name, 0.0) for name in names])
    generator = np.random.default_rng([seed, 2])
    weights = generator.standard_gamma(figures["concentration"] * shares)  # [visits, people, genera]
    weights *= 2.0 ** _factors(result.arm == 1, weights.shape, folds, bloom, generator)
    weights = np.maximum(weights, 1e-300)  # a gamma of a tiny shape may leave nothing
    normal = generator.standard_normal(weights.shape[:2])
    reads = np.round((depth or figures["depth"]) * np.exp(figures["depth_spread"] * normal)).astype(int)
    counts = generator.multinomial(np.maximum(reads, 1), weights / weights.sum(axis=-1, keepdims=True))
    return _community(body, result, names, counts), folds


def _factors(
    treated: np.ndarray, shape: tuple[int, ...], folds: np.ndarray, bloom: Bloom, generator: np.random.Generator
) -> np.ndarray:
    """Return log2 factors, array [visits, people, genera]; as much is drawn whatever blooms, so that pairs match."""
    visits, people, genera = shape
    own = bloom.apart * generator.standard_normal((1, people, genera))
    new = bloom.restless * generator.standard_normal(shape)
    later = np.ones(visits, bool) if bloom.from_baseline else np.arange(visits) > 0
    return (folds + own + new) * treated[None, :, None] * later[:, None, None]


def body_of(result: Result, seed: int) -> Simulated:
    """Return the people of a run as instruments see them; everybody comes to every visit."""
    visits = tuple(sorted(result.trial.visits))
    people = result.mean.shape[2]
    came = np.ones((len(visits), people), bool)
    return Simulated(result, np.arange(people), result.cohort.names, visits, came, seed, 0)


def _community(body: Simulated, result: Result, names: Sequence[str], counts: np.ndarray) -> Study:
    """Return a study of counts [visits, people, genera]."""
    visit, person = (place.ravel() for place in np.indices(counts.shape[:2]))
    flat = counts.reshape(-1, counts.shape[2])
    when = np.array(body.visits, float)[visit]
    samples = pl.DataFrame(body.keys(visit, person, when)).with_columns(
        pl.format("{}, {}", "person", "visit").alias("sample"), pl.lit("stool").alias("material")
    )
    sample, genus = np.nonzero(flat)
    known = [None if name == sequencing.UNASSIGNED else name for name in names]
    features = pl.DataFrame({"feature": names, "name": names, "genus": known}).with_columns(
        pl.lit("taxon").alias("kind"), pl.lit("genus").alias("rank")
    )
    abundances = pl.DataFrame(
        {
            "sample": samples["sample"].gather(sample.tolist()),
            "feature": pl.Series(names, dtype=pl.String).gather(genus.tolist()),
            "value": pl.Series(flat[sample, genus], dtype=pl.Float64),
        }
    ).with_columns(pl.lit("count").alias("unit"))
    people = pl.DataFrame({"person": body.names, "arm": [result.arms[number] for number in result.arm]})
    tables = {"people": people, "samples": samples, "features": features, "abundances": abundances}
    return Study.of(tables, {"title": "Simulated study with a known truth", "origin": "simulated"})


def leaves(
    table: pl.DataFrame, visits: Sequence[int], share: float, seed: int, strength: float = 0.5
) -> pl.DataFrame:  # fmt: skip
    """Return a table of one outcome without what people would have given after they left, at random (MAR).

    Parameters
    ----------
    table : person, visit, value
    visits : days of the visits
    share : of people who have left by the last visit, about
    strength : logarithm of the odds of leaving for each SD of the value at the visit before

    Notes
    -----
    Whether a person leaves after a visit hangs on what he gave at that visit only, which the analysis sees.
    """
    names = [visit_name(day) for day in visits]
    wide = table.pivot(on="visit", index="person", values="value", maintain_order=True)
    values = np.stack([wide[name].to_numpy().astype(float) for name in names], axis=1)
    generator = np.random.default_rng([seed, 3])
    hazard = 1 - (1 - share) ** (1 / (len(names) - 1))
    gone = np.zeros(values.shape, bool)
    for number in range(1, len(names)):
        before = values[:, number - 1]
        z = np.nan_to_num((before - np.nanmean(before)) / np.nanstd(before))
        chance = 1 / (1 + np.exp(-(np.log(hazard / (1 - hazard)) + strength * z)))
        gone[:, number] = gone[:, number - 1] | (generator.uniform(size=len(values)) < chance)
    lost = pl.DataFrame({"person": wide["person"], **{name: gone[:, n] for n, name in enumerate(names)}})
    where = lost.unpivot(index="person", variable_name="visit", value_name="gone").filter("gone")
    text = table.with_columns(pl.col("visit").cast(pl.String).alias("visit as text"))
    kept = text.join(where, left_on=["person", "visit as text"], right_on=["person", "visit"], how="anti",
                     maintain_order="left")  # fmt: skip
    return kept.drop("visit as text")


def numerical_truth(
    result: Result, changes: Mapping[str, Change], shown: Callable[[Result, int], pl.DataFrame], seeds: Sequence[int]
) -> dict[str, float]:
    """Return the mean difference of an outcome by visit under the two arms, from a very large draw.

    Parameters
    ----------
    result : everybody of a population
    shown : gives person, visit and value of a run and a seed: what the instrument and its scoring make of it

    Notes
    -----
    The same people are read twice with the same noise, once as controls and once with the change: what is left of
    the difference is what instruments, rounding and ends of scales make of the planted change.
    """
    size = result.mean.shape[2]
    kept = result.kept
    sums: dict[str, list[float]] = {}
    for seed in seeds:
        both = []
        for arm in (0, 1):
            run = replace(result, arm=np.full(size, arm), lost_day=np.where(kept, -1, 0))
            both.append(shown(changed(run, changes), seed))
        pairs = both[0].join(both[1], on=["person", "visit"], suffix=" active")
        apart = pairs.group_by("visit").agg((pl.col("value active") - pl.col("value")).mean())
        for visit, value in apart.iter_rows():
            sums.setdefault(str(visit), []).append(float(value))
    return {visit: float(np.mean(values)) for visit, values in sums.items()}
