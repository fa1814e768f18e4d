"""One population of simulated people from which planted studies draw; simulated once a machine and kept in a cache."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gutbrain.observe.instruments import choose
from gutbrain.people import taxa
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Protocol, Trial
from gutbrain.run.result import Result

PEOPLE, DAYS, VISITS, SEED = 800, 85, (0, 28, 56, 84), 20
MEASURES = (
    "pss-10", "negative affect", "positive affect", "crp", "cortisol", "waking", "rmssd", "stool butyrate", "16s",
)  # fmt: skip
ARMS = (Protocol("control"), Protocol("active"))  # two names: nobody is given anything
CURVE = "hpa.cortisol_salivary"  # the one signal that is read by its lowest and highest hour
# Median and spread (of the logarithm where it is below 1) of what has no group of bacteria in its name.
TYPICAL = {
    "mind.negative_affect": (20.0, 11.0), "mind.positive_affect": (54.0, 10.0), "blood.crp": (0.8, 0.9),
    "vagus.tone": (1.0, 0.0), "sleep.wake_time": (420.0, 0.05), "hpa.cortisol_salivary": (5.2, 0.4),
    "colon.butyrate": (14.0, 0.5), "colon.richness": (1.0, 0.1),
}  # fmt: skip
MADE_UP = "made up"
CACHE = "GUTBRAIN_POPULATION"  # environment: where the file lies, if not among temporary files


def folder() -> Path:
    """Return where the population and finished replicates are kept."""
    return Path(os.environ.get(CACHE, Path(tempfile.gettempdir()) / "gutbrain-population"))


def people_of_studies() -> Result:
    """Return the population that studies draw from: simulated, or made up where `GUTBRAIN_POPULATION` says so."""
    return made_up() if os.environ.get(CACHE) == MADE_UP else population()


def large(first: int, studies: int) -> range:
    """Return the seeds of a very large draw; of a tenth of it where people are made up, which is for short tests."""
    return range(first, first + (max(1, studies // 10) if os.environ.get(CACHE) == MADE_UP else studies))


@cache
def made_up(people: int = 400) -> Result:
    """Return people without any dynamics: values of the size of the population's, with daily swings of affect.

    It takes no simulator and no time, so the short tests use it.
    """
    generator = np.random.default_rng(SEED)
    own = generator.standard_normal((len(TYPICAL), people))
    values = [value + spread * z if spread >= 1 else value * np.exp(spread * z)
              for (value, spread), z in zip(TYPICAL.values(), own, strict=True)]  # fmt: skip
    shares = generator.dirichlet(6 * np.array((0.45, 0.24, 0.13, 0.04, 0.03, 0.02, 0.01, 0.03, 0.05)), people).T
    labels = (*TYPICAL, *(f"colon.relative_abundance[{group}]" for group in taxa.GROUPS))
    mean = np.broadcast_to(np.vstack([*values, shares]), (DAYS, len(labels), people)).astype(np.float32)
    swings = 4 * generator.standard_normal((DAYS, people))
    mean[:, 0] = np.maximum(mean[:, 0] + swings, 0)
    curve = mean[:, labels.index(CURVE)]
    kept = {"labels": np.array(labels), "units": np.array([""] * len(labels)), "mean": mean, "low": 0.25 * curve,
            "high": 2.3 * curve}  # fmt: skip
    return _result(kept)


@cache
def population(people: int = PEOPLE) -> Result:
    """Return people of the standard axis on a wait list, each with a colon of the atlas and own events of his days.

    Parameters
    ----------
    people : how many; 800 take three quarters of a minute, once
    """
    signals = sorted({signal for measure in choose(MEASURES) for signal in measure.signals})
    path = folder() / f"{people} people, {DAYS} days, seed {SEED}.npz"
    if not path.exists():
        folder().mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.npz")
        np.savez_compressed(part, **_simulated(people, tuple(signals)))
        part.replace(path)
    with np.load(path) as kept:
        return _result(dict(kept))


def _simulated(people: int, signals: tuple[str, ...]) -> dict[str, Any]:
    from gutbrain.body.whole import standard
    from gutbrain.people.atlas import draw_baselines
    from gutbrain.run.baseline import with_baselines
    from gutbrain.run.simulate import simulate

    axis = standard()
    labels = tuple(label for label in axis.columns if label.partition("[")[0] in signals)
    drawn = Cohort.draw(axis, people, worlds=1, seed=SEED)
    cohort = with_baselines(drawn, draw_baselines(people, SEED).shares, "atlas")
    result = simulate(axis, cohort, Trial(ARMS, DAYS, VISITS), labels=labels, noise=True)
    curve = result.index(CURVE)
    phase = result.cohort.parameters["hpa.circadian_phase"]
    factor = result.cohort.parameters["hpa.assay_factor"]
    keep = np.flatnonzero(result.kept)
    return {
        "labels": np.array(result.labels), "units": np.array(result.units), "mean": result.mean[:, :, keep],
        "low": result.low[:, curve, keep], "high": result.high[:, curve, keep],
        "hpa.circadian_phase": np.broadcast_to(phase, (*phase.shape[:-1], people))[..., keep],
        "hpa.assay_factor": np.broadcast_to(factor, (*factor.shape[:-1], people))[..., keep],
    }  # fmt: skip


def _result(kept: dict[str, np.ndarray]) -> Result:
    """Put a run together of what was kept: no axis, and no other parameters than instruments ask for."""
    mean = kept["mean"]
    days, _, people = mean.shape
    labels = tuple(map(str, kept["labels"]))
    low, high = mean.copy(), mean.copy()
    low[:, labels.index(CURVE)], high[:, labels.index(CURVE)] = kept["low"], kept["high"]
    parameters = {name: kept[name] for name in kept if name.startswith("hpa.")}
    names = tuple(f"person {number + 1}" for number in range(people))
    cohort = Cohort(None, people, 1, SEED, parameters, names)  # type: ignore[arg-type]
    nobody = np.full(people, -1)
    return Result(
        cohort, Trial(ARMS, days, VISITS), labels, tuple(map(str, kept["units"])), mean, low, high,
        np.zeros(people, int), np.ones((days, people)), nobody, nobody, (),
    )  # fmt: skip
