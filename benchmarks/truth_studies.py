"""Studies with a known truth, drawn from one population: a trial, stool before and after, ratings of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import numpy as np
import polars as pl

from benchmarks.population import large, people_of_studies
from gutbrain.analyse.community import Community
from gutbrain.analyse.step import Design, Given
from gutbrain.run.result import Result
from gutbrain.study.observed import observe
from gutbrain.study.planted import ARMS, Bloom, Change, changed, drawn, numerical_truth, sequenced
from gutbrain.study.study import Study

TRIAL, BEFORE_AFTER = (0, 28, 56, 84), (0, 28)
PSS, AFFECT = "pss-10.total", "mind.negative_affect"
KEPT = 128  # studies in memory: methods take them in turn
# About half a standard deviation of the questionnaire.
RELIEF = {AFFECT: Change(add=-9.0)}
# Genera of several groups that most stools hold; one of them falls.
BLOOM = Bloom({"Bacteroides": 2.5, "Faecalibacterium": 2.5, "Blautia": -2.5, "Bifidobacterium": 2.5, "Roseburia": 2.5})

BUD = Bloom({name: 1.0 if fold > 0 else -1.0 for name, fold in BLOOM.folds.items()})


def given(study: Study, visits: Sequence[int], adjust: Sequence[str] = (), seed: int = 1) -> Given:
    """Return a study with its design: two arms, visits by their day."""
    return Given(study, Design(arm="arm", reference=ARMS[0], visits=[f"day {day}" for day in visits],
                               adjust=list(adjust), seed=seed))  # fmt: skip


def trial(seed: int, changes: Mapping[str, Change], measures: Sequence[str] = ("pss-10",), people: int = 80,
          visits: Sequence[int] = TRIAL, missed: float = 0.03) -> Given:  # fmt: skip
    """Return a trial of two arms as its instruments saw it."""
    run = changed(drawn(people_of_studies(), people, seed, visits), changes)
    return given(observe(run, list(measures), seed=seed, missed_visits=missed), visits)


@lru_cache(KEPT)
def relieved(seed: int, planted: bool, people: int = 80) -> pl.DataFrame:
    """Return the questionnaire of a trial in which the active arm is relieved: person, visit, arm, value."""
    return trial(seed, RELIEF if planted else {}, people=people).outcome(PSS)


@lru_cache(KEPT)
def untouched(seed: int, people: int = 60) -> tuple[Given, np.ndarray]:
    """Return stool before and after, in which the arms do not differ."""
    return stools(seed, None, people)


@lru_cache(KEPT)
def budded(seed: int, planted: bool, people: int = 60) -> tuple[Given, np.ndarray]:
    """Return stool before and after, in which five genera have doubled or halved in the active arm, or none."""
    return stools(seed, BUD, people) if planted else untouched(seed, people)


@lru_cache(KEPT)
def bloomed(seed: int, planted: bool, people: int = 60) -> tuple[Given, np.ndarray]:
    """Return stool before and after, in which five genera have changed in the active arm, or none."""
    return stools(seed, BLOOM, people) if planted else untouched(seed, people)


def stools(seed: int, bloom: Bloom | None, people: int = 60, visits: Sequence[int] = BEFORE_AFTER,
           depth: float = 0.0) -> tuple[Given, np.ndarray]:  # fmt: skip
    """Return sequenced stool of two arms, and the log2 fold of each feature."""
    study, folds = sequenced(drawn(people_of_studies(), people, seed, visits), seed, bloom, depth)
    return given(study, visits), folds


def community(made: tuple[Given, np.ndarray], prevalence: float = 0.0, visits: Sequence[str] = ()
              ) -> tuple[Community, np.ndarray]:  # fmt: skip
    """Return the community of a study, and the planted log2 fold of each of its features."""
    whole, folds = made
    table = whole.community(visits=visits)
    # Features of a study are those that some sample holds.
    known = dict(zip(whole.study.features["feature"].to_list(), folds.tolist(), strict=True))
    table = table.prevalent(prevalence) if prevalence else table
    return table, np.array([known[name] for name in table.names])


def scored(run: Result, seed: int) -> pl.DataFrame:
    """Return person, visit and value of the questionnaire of a run."""
    days = [f"day {day}" for day in run.trial.visits]
    design = Design(arm="arm", reference=ARMS[0], visits=days)
    found = Given(observe(run, ["pss-10"], seed=seed, missed_visits=0.0), design).outcome(PSS)
    return found.with_columns(pl.col("visit").cast(pl.String))


@cache
def _relief(population: int) -> dict[str, float]:
    run = people_of_studies()
    return numerical_truth(run, RELIEF, scored, large(0, 5))


def relief(visit: str, planted: bool) -> float:
    """Return the true difference of the questionnaire's sum between arms, points."""
    return _relief(id(people_of_studies()))[visit] if planted else 0.0
