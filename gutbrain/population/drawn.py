"""The people of a chunk: drawn by plan and number, whichever machine asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gutbrain.job import ATLAS_NOTE, axis_of, measured_baselines
from gutbrain.model.axis import Axis
from gutbrain.people.atlas import Atlas, draw_baselines, read_atlas
from gutbrain.people.cohort import Cohort
from gutbrain.plan import Plan
from gutbrain.population.division import Division
from gutbrain.protocols.protocol import Trial

BASELINES, ARMS = 7, 3  # purposes of seeds, as in `gutbrain.job` and `gutbrain.run.simulate`


@dataclass(frozen=True)
class Source:
    """All that a chunk is drawn from: a machine that has it needs no file of the user's.

    Attributes
    ----------
    samples, shares : names and group shares [samples, groups] of measured baselines, if the plan names a table
    note : what the baselines are
    beliefs : worlds of a posterior, if the plan names one
    """

    plan: Plan
    division: Division
    atlas: Atlas | None = None
    samples: tuple[str, ...] = ()
    shares: np.ndarray | None = None
    note: str = ""
    beliefs: dict[str, np.ndarray] | None = None

    @classmethod
    def read(cls, plan: Plan, division: Division) -> Source:
        """Read what the plan names.

        Raises
        ------
        InputError
            If a file of it cannot be read.
        """
        beliefs = None
        if plan.people.posterior:
            from gutbrain.fit.calibration.kept import read_posterior

            beliefs = read_posterior(Path(plan.people.posterior), axis_of(plan)).some(plan.people.worlds)
        if plan.people.baseline == "none":
            return cls(plan, division, beliefs=beliefs)
        if plan.people.baseline == "atlas":
            return cls(plan, division, read_atlas(), note=ATLAS_NOTE, beliefs=beliefs)
        samples, shares, note = measured_baselines(plan)
        return cls(plan, division, None, tuple(samples), shares, note, beliefs)


@cache
def _trial(text: str) -> tuple[Trial, Axis]:
    """Acts and axis of a plan, once a process: compiled days are kept by the axis."""
    plan = Plan.model_validate_json(text)
    return plan.trial(), axis_of(plan)


def trial_and_axis(plan: Plan) -> tuple[Trial, Axis]:
    """Return the trial and the axis of a plan; the same objects for the same plan."""
    return _trial(plan.model_dump_json())


def drawn(source: Source, chunk: int) -> tuple[Cohort, Trial, np.ndarray | None]:
    """Draw the people of a chunk.

    Returns
    -------
    Cohort : of the chunk, not settled; its worlds are those of every chunk
    Trial : with the arm of each person
    array [people, groups] : measured group shares of each, or None

    Notes
    -----
    A full chunk is always drawn and then cut, so that person 5000 is the same whether 5000 or a million take part.
    """
    plan, division = source.plan, source.division
    trial, axis = trial_and_axis(plan)
    here, size = division.within(chunk), division.size
    people = plan.people
    shares, names = _baselines(source, chunk)
    cohort = Cohort.draw(
        axis, size, people.worlds, plan.seed, people.open_edges, people.fixed, names, source.beliefs, group=chunk
    )
    columns = (np.arange(people.worlds)[:, None] * size + np.arange(len(here))).ravel()
    if not division.twins:
        trial = replace(trial, assigned=tuple(_arms(cohort, division.arms)[: len(here)].tolist()))
    return cohort.select(columns, len(here), people.worlds), trial, None if shares is None else shares[: len(here)]


def _arms(cohort: Cohort, arms: int) -> np.ndarray:
    """Assign people at random in blocks of one person an arm: however many are cut off, the arms stay alike."""
    blocks = np.tile(np.arange(arms), (cohort.people // arms, 1))
    return np.random.default_rng(cohort.seeds(ARMS)).permuted(blocks, axis=1).ravel()


def _baselines(source: Source, chunk: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    size, seed = source.division.size, source.plan.seed
    number = chunk * size + 1 + np.arange(size)
    names = tuple(f"person {n}" for n in number)
    if source.atlas is not None:
        own: Any = np.random.SeedSequence([seed, BASELINES, chunk]).generate_state(1)[0]
        return draw_baselines(size, int(own), source.atlas).shares, names
    if source.shares is None:
        return None, names
    order = np.random.default_rng([seed, BASELINES, chunk]).permutation(len(source.samples))
    take = order[np.arange(size) % len(source.samples)]
    return source.shares[take], tuple(f"{name} ({source.samples[i]})" for name, i in zip(names, take, strict=True))
