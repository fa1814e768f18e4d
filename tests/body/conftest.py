"""The mind is three compartments of one place: its tests run them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.practice import Practice
from gutbrain.model.axis import Axis

STEP = 1 / 96


@cache
def mind(*cut: str) -> Axis:
    """Return appraisal, affect and practice as one axis, with some edges cut."""
    return Axis(Appraisal(), Affect(), Practice(), name="mind").without(*cut)


@cache
def stepper(moved: tuple[str, ...], cut: tuple[str, ...]) -> Callable:
    """Compile a run of the mind for one set of moved levers."""
    axis = mind(*cut)
    labels = tuple(axis.columns)

    def read(y, parameters, begin, time, row):
        clock = {"clock.step_start": begin, "clock.time": time, "clock.step": jnp.asarray(STEP)}
        return axis.read(y, parameters, clock | {name: row[index] for index, name in enumerate(moved)})

    @jax.jit
    def run(y, parameters, begins, offsets):
        def advance(y, now):
            begin, row = now
            here = read(y, parameters, begin, begin, row)
            slope = [here.vector()]
            for share in (0.5, 0.5, 1.0):
                ahead = y + share * STEP * slope[-1]
                slope.append(read(ahead, parameters, begin, begin + share * STEP, row).vector())
            change = STEP / 6 * (slope[0] + 2 * slope[1] + 2 * slope[2] + slope[3])
            return y + change, here.outputs(labels)

        return jax.lax.scan(advance, y, (begins, offsets))[1]

    return run


def run_together(
    levers_at: Mapping[str, float | Callable[[np.ndarray], np.ndarray]], days: float, *cut: str
) -> dict[str, np.ndarray]:
    """Run the mind in steps of 15 minutes under levers held at their value in mid-step.

    Parameters
    ----------
    levers_at : offset of each moved lever from its rest: a number, or a function of time in days
    days : length of the run, from midnight
    cut : edges that are cut: the listener rests

    Returns
    -------
    dict of array [steps + 1], declared units: every signal at the begin of each step.
    """
    axis = mind(*cut)
    begins = np.arange(round(days / STEP) + 1) * STEP
    moved = tuple(sorted(levers_at))
    rows = [levers_at[name](begins + STEP / 2) if callable(levers_at[name]) else levers_at[name] for name in moved]
    offsets = np.stack([np.broadcast_to(row, begins.shape) for row in rows], 1) if rows else np.zeros((begins.size, 0))
    start = jnp.asarray(axis.start(axis.defaults()))
    seen = np.asarray(stepper(moved, cut)(start, axis.coherent(axis.defaults()), begins, jnp.asarray(offsets)))
    return {label: seen[:, index, 0] for index, label in enumerate(axis.columns)}


@pytest.fixture(scope="session")
def run_mind() -> Callable[..., dict[str, np.ndarray]]:
    """Give tests `run_together`."""
    return run_together


@pytest.fixture(scope="session")
def mind_axis() -> Axis:
    """Give tests the whole mind."""
    return mind()
