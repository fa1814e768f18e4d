"""People whose one process returns to a mean, exactly simulated, and models for them."""

from __future__ import annotations

import numpy as np

from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.panel import Panel

RATE, NOISE, MEAN = 0.5, 1.0, 2.0


def returning(people=12, occasions=15, between=0.0, error=0.0, faster=0.0, seed=0, even=False):
    """Return people seen at uneven times; `faster` is the SD of the logarithm of their rates of return."""
    generator = np.random.default_rng(seed)
    values, times, rest = [], [], NOISE**2 / (2 * RATE)
    for _ in range(people):
        rate = RATE * np.exp(faster * generator.normal())
        gaps = np.ones(occasions) if even else generator.uniform(0.3, 2.0, occasions)
        state, mean = generator.normal(0, np.sqrt(rest)), MEAN + between * generator.normal()
        for step, gap in enumerate(gaps):
            kept = np.exp(-rate * gap) if step else 1.0
            state = kept * state + np.sqrt(rest * (1 - kept**2)) * generator.normal()
            values.append(mean + state + error * generator.normal())
        times.append(np.cumsum(gaps))
    total = people * occasions
    nothing, empty = np.zeros((total, 1)), np.zeros((total, 0))
    return Panel(
        tuple(f"p{at}" for at in range(people)), np.repeat(np.arange(people), occasions), np.concatenate(times),
        np.array(values)[:, None], nothing, nothing, empty, empty, np.zeros((people, 0)), ("seen",),
    )  # fmt: skip


def one_process(error=False, **said):
    """Return the model of one process and one indicator."""
    return CouplingModel((Process("mood", "mind"),), (Indicator("seen", {"mood": 1.0}, error=error),), **said)
