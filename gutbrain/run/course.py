"""Courses of time at the step of the engine: signals at every step, for exposures that last minutes or hours.

The cohort engine keeps daily summaries; acute targets need every step. Levers are held at their mean over each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.run.blocks import in_blocks
from gutbrain.run.compiled import compiled

jax.config.update("jax_enable_x64", True)

PER_DAY = 96
STEP = 1 / PER_DAY
STAGES = ((0.0, 1 / 6), (0.5, 1 / 3), (0.5, 1 / 3), (1.0, 1 / 6))
_DAYS: dict[Any, Any] = {}


def course(
    cohort: Cohort, levers: tuple[str, ...], moved: np.ndarray, days: int, labels: Sequence[str], warm: int = 5
) -> np.ndarray:
    """Run a settled cohort under levers and return signals at the begin of each step.

    Parameters
    ----------
    cohort : people with a settled start (`gutbrain.run.settle`)
    levers : names of the levers that move
    moved : array [days * 96, levers, columns], offsets from rest, declared units
    labels : signals to keep
    warm : days before day 0, in which the daily rhythm closes

    Returns
    -------
    array [days * 96, labels, columns], declared units.
    """
    assert cohort.start is not None
    axis, kept = cohort.axis, tuple(labels)
    key = (id(axis), levers, kept)
    if key not in _DAYS:
        # The axis is kept beside its function: a freed axis must not hand its identity to another.
        _DAYS[key] = (axis, _one_day(axis, levers, kept))
    advance = _DAYS[key][1]
    parameters, y, found = axis.coherent(cohort.parameters), cohort.start, []
    still = np.zeros((PER_DAY, len(levers), cohort.size))
    for day in range(-warm, days):
        part = still if day < 0 else moved[day * PER_DAY : (day + 1) * PER_DAY]
        y, seen = in_blocks(
            lambda y, mine, rows, day=day: advance(y, mine, day + jnp.arange(PER_DAY) * STEP, rows), y, parameters, part
        )
        if day >= 0:
            found.append(np.asarray(seen))
    return np.concatenate(found)


def _one_day(axis: Axis, levers: tuple[str, ...], labels: tuple[str, ...]) -> Any:
    def moments(begin: Any, time: Any, row: Any) -> dict[str, Any]:
        clock = {"clock.step_start": begin, "clock.time": time, "clock.step": jnp.asarray(STEP)}
        for place, name in enumerate(levers):  # several acts may move one lever
            clock[name] = clock[name] + row[place] if name in clock else row[place]
        return clock

    def run(y: Any, parameters: Any, begins: Any, rows: Any) -> Any:
        def advance(y: Any, now: Any) -> Any:
            begin, row = now
            seen = axis.read(y, parameters, moments(begin, begin, row)).outputs(labels)

            def stage(carry: Any, tableau: Any) -> Any:
                slope, change = carry
                at = moments(begin, begin + tableau[0] * STEP, row)
                slope = axis.read(y + tableau[0] * STEP * slope, parameters, at).vector()
                return (slope, change + tableau[1] * slope), None

            rest = jnp.zeros_like(y)
            (_, change), _ = jax.lax.scan(stage, (rest, rest), jnp.array(STAGES))
            return y + STEP * change, seen

        return jax.lax.scan(advance, y, (begins, rows))

    return compiled(run)
