"""Random panels and models that the tests of the coupling likelihood share."""

from __future__ import annotations

import jax
import numpy as np

from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.panel import Panel
from gutbrain.run.compiled import options

GAPS = (0.04, 0.1, 0.35, 1.0, 2.7, 30.0)


def quickly(function):
    """Compile for one call: most of the time of these tests would go into making the program fast."""
    return jax.jit(function, compiler_options=options() | {"xla_backend_optimization_level": 0})


def panel_with(generator, people=6, indicators=2, impulses=0, levels=0, predictors=0, most=9, missing=0.3, known=0.0):
    """Return people with 1 to `most` occasions, at all kinds of times, with much not seen."""
    lengths = generator.integers(1, most + 1, people)
    lengths[0] = most
    total = int(lengths.sum())
    gaps = [generator.choice(GAPS, n - 1) * generator.uniform(0.9, 1.1, n - 1) for n in lengths]
    times = [np.cumsum(np.r_[generator.uniform(0, 2), one]) for one in gaps]
    values = generator.normal(size=(total, indicators))
    values[generator.random(values.shape) < missing] = np.nan
    return Panel(
        tuple(f"p{at}" for at in range(people)), np.repeat(np.arange(people), lengths), np.concatenate(times), values,
        known * generator.uniform(0, 1, values.shape), np.zeros_like(values),
        generator.integers(0, 2, (total, impulses)) * generator.normal(size=(total, impulses)),
        generator.integers(0, 2, (total, levels)).astype(float), generator.normal(size=(people, predictors)),
        tuple(f"i{at}" for at in range(indicators)), tuple(f"k{at}" for at in range(impulses)),
        tuple(f"l{at}" for at in range(levels)), tuple(f"x{at}" for at in range(predictors)),
    )  # fmt: skip


def even_panel(people, occasions, indicators=1, impulses=0, levels=0, predictors=0, gap=1.0, seed=0):
    """Return people who are all seen at the same even times."""
    generator = np.random.default_rng(seed)
    total = people * occasions
    person = np.repeat(np.arange(people), occasions)
    values = generator.normal(size=(total, indicators)) + generator.normal(size=people)[person][:, None]
    return Panel(
        tuple(f"p{at}" for at in range(people)), person, np.tile(gap * np.arange(occasions), people), values,
        np.zeros_like(values), np.zeros_like(values), np.zeros((total, impulses)), np.zeros((total, levels)),
        generator.normal(size=(people, predictors)), tuple(f"i{at}" for at in range(indicators)),
        tuple(f"k{at}" for at in range(impulses)), tuple(f"l{at}" for at in range(levels)),
        tuple(f"x{at}" for at in range(predictors)),
    )  # fmt: skip


def model_with(processes=1, indicators=0, **said):
    """Return a model; the first indicators show one process each, further ones two, by free and held loadings."""
    names = [f"a{at}" for at in range(processes)]
    shown = []
    for at in range(indicators or processes):
        first, second = names[at % processes], names[(at + 1) % processes]
        shown.append(Indicator(f"i{at}", {first: 1.0} if at < processes else {second: 0.4} | {first: None}))
    return CouplingModel(tuple(Process(name) for name in names), tuple(shown), **said)


def somewhere(model, generator):
    """Return a vector of free parameters at which all processes come to rest."""
    free = 0.3 * generator.normal(size=len(model.free))
    for row, at in enumerate(model.free):
        one = model.parameters[at]
        if one.kind == "drift":
            free[row] = 0.3 * generator.normal() - 0.2 if one.transform == "negative" else 0.12 * generator.normal()
    return free
