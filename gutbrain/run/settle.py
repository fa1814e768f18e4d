"""Settling: each person is brought to the periodic day of his own ordinary life before day 0.

Slow glands, richness and load need hundreds of days when simply run. Instead every compartment
that is not at rest is solved for zero rates (pseudo-transient Newton on the logarithm of its
states), own-rest parameters are written from the settled signals, and a few days are integrated
so that the daily rhythm closes. The change over the last of these days is the residual that is
reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import CLOCK, Axis
from gutbrain.model.reading import depends
from gutbrain.people.cohort import Cohort
from gutbrain.run.blocks import in_blocks
from gutbrain.run.compiled import compiled
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate, settled_signals, survey

DAYS = 5
TOLERANCE = 1e-9  # relative change a day below which a compartment counts as settled
SWEEPS = 6
NEWTON_STEPS = 60


def settle(
    cohort: Cohort,
    *,
    step_minutes: float = 15.0,
    levers: tuple[str, ...] = (),
    labels: tuple[str, ...] | None = None,
    days: int = DAYS,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Return the cohort with its own-rest parameters, its settled start and the residual.

    Parameters
    ----------
    step_minutes : step of the later run: the rhythm must close at that step
    levers, labels : acts and signals of the later run, so that its compiled day is shared
    days : days that are integrated to close the daily rhythm; 0 leaves that to a later call
    """
    axis = cohort.axis
    parameters = {name: np.array(value) for name, value in cohort.parameters.items()}
    y = np.broadcast_to(axis.start(parameters), (len(axis.rows), cohort.size)).copy()
    if cohort.start is not None:
        y = cohort.start.copy()
    for _ in range(SWEEPS):
        write_own_rest(axis, parameters, _look(axis, y, parameters)[1])
        unsettled = _unsettled(axis, y, _look(axis, y, parameters)[0])
        if not unsettled:
            break
        for name, columns in unsettled.items():
            y = solve_block(axis, name, y, parameters, columns)
    if days == 0:
        return replace(cohort, parameters=parameters, start=y)
    drive = Drive.rest(cohort.size, days, round(1440 / step_minutes), levers)
    wanted = tuple(axis.columns) if labels is None else labels
    kept = tuple(dict.fromkeys((*wanted, *settled_signals(axis))))
    run = partial(integrate, axis, parameters=parameters, step_minutes=step_minutes, labels=kept, progress=progress)
    warm = run(y, drive=drive, days=days, first_day=-days)
    last = {label: warm.mean[-1, place].astype(float) for place, label in enumerate(kept)}
    # Rhythmic signals rest at their mean over the day; the others are exact at any moment.
    write_own_rest(axis, parameters, {label: last[label] for label in settled_signals(axis)})
    write_own_rest(axis, parameters, _look(axis, warm.end, parameters)[1])
    check = run(warm.end, drive=Drive.rest(cohort.size, 1, round(1440 / step_minutes), levers), days=1, first_day=0)
    scale = np.maximum(np.abs(warm.end), 1e-3 * (axis.bounds[1] - axis.bounds[0])[:, None])
    residual = np.max(np.abs(check.end - warm.end) / scale, axis=0)
    residual = np.where(warm.lost_day == -1, residual, np.inf)
    return replace(cohort, parameters=parameters, start=warm.end, residual=residual)


def write_own_rest(axis: Axis, parameters: dict[str, np.ndarray], signals: dict[str, np.ndarray]) -> None:
    """Write the value of each settled signal (declared units) into the parameters that wait for it."""
    for name, param in axis.parameters.items():
        if param.settled and param.settled in signals:
            given = axis.columns[param.settled].unit
            scale = units.factor(given) / units.factor(param.unit)
            parameters[name] = np.asarray(signals[param.settled], float) * scale


def _look(axis: Axis, y: np.ndarray, parameters: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the rates [rows, columns] and the settled signals that the clock does not move."""
    labels = settled_signals(axis)
    rates, values, _ = in_blocks(partial(survey, axis, labels), y, axis.coherent(parameters))
    steady = {
        label: values[place]
        for place, label in enumerate(labels)
        if not _clocked(axis, axis.givers[axis.columns[label].signal].compartment)
    }
    return rates, steady


def _clocked(axis: Axis, compartment: str) -> bool:
    """Say whether a compartment's states follow the clock even at rest."""
    part = axis.part(compartment)
    names = {name for (owner, name), wire in axis.wires.items() if owner == compartment and wire.signal in CLOCK[:3]}
    inputs = {
        name
        for (owner, name), wire in axis.wires.items()
        if owner == compartment and wire.giver and wire.signal.endswith("internal_clock")
    }
    rates = [equation.name for owner, equation in axis.rate_equations if owner == compartment]
    return any(depends(axis.asked, part.name, rate) & (names | inputs) for rate in rates)


def _unsettled(axis: Axis, y: np.ndarray, rates: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns whose rates are not zero, by compartment without a clock."""
    low, high = axis.bounds
    scale = np.maximum(np.abs(y), 1e-3 * (high - low)[:, None])
    moving = np.abs(rates) / scale > TOLERANCE
    names = [part.name for part in axis.compartments if not _clocked(axis, part.name)]
    found = {
        name: np.flatnonzero(moving[block_rows(axis, name)].any(axis=0)) for name in names if _has_states(axis, name)
    }
    return {name: columns for name, columns in found.items() if len(columns)}


def _has_states(axis: Axis, compartment: str) -> bool:
    return any(name == compartment for name, _ in axis.slices)


def block_rows(axis: Axis, compartment: str) -> np.ndarray:
    """Return the state rows of a compartment."""
    slices = [rows for (name, _), rows in axis.slices.items() if name == compartment]
    return np.concatenate([np.arange(rows.start, rows.stop) for rows in slices])


def solve_block(
    axis: Axis, compartment: str, y: np.ndarray, parameters: dict[str, np.ndarray], columns: np.ndarray | None = None
) -> np.ndarray:
    """Solve one compartment for zero rates, the others held; of the given columns, or of all. Array [rows, columns]."""
    rows = block_rows(axis, compartment)
    where = np.arange(y.shape[1]) if columns is None else columns
    y = y.copy()
    y[np.ix_(rows, where)] = in_blocks(
        partial(_solve_block, axis, compartment), y, axis.coherent(parameters), columns=where
    )
    return y


@partial(compiled, static_argnums=(0, 1))
def _solve_block(axis: Axis, compartment: str, y: Any, parameters: Any) -> Any:
    rows = block_rows(axis, compartment)
    low, high = (jnp.asarray(bound[rows])[:, None] for bound in axis.bounds)
    start, size = y[rows], high - low
    # Quantities that cannot be negative are solved as logarithms: no step can empty them.
    logged = (low >= 0) & (start.min(axis=1, keepdims=True) > 0)

    def state(u: Any) -> Any:
        return jnp.where(logged, jnp.exp(jnp.where(logged, u, 0.0)), u * size)

    def slope(u: Any) -> Any:
        block = state(u)
        rate = axis.read(y.at[rows].set(block), parameters, {}).vector(compartment)
        return rate / jnp.where(logged, jnp.maximum(block, 1e-12 * size), size)

    u = jnp.where(logged, jnp.log(jnp.where(logged, start, 1.0)), start / size)
    return jnp.clip(state(relax(slope, u)), low, high)


def relax(slope: Callable[[Any], Any], u: Any, steps: int = NEWTON_STEPS) -> Any:
    """Follow du/dt = slope(u) to its steady state by implicit steps that grow as the slope falls.

    Parameters
    ----------
    slope : array [variables, people] to array [variables, people], per day
    u : start, array [variables, people], scaled to order 1
    """
    count, people = u.shape
    basis = jnp.eye(count)[:, :, None] * jnp.ones((1, 1, people))

    def improve(carry: Any) -> Any:
        u, step, before, turn = carry
        rate, linear = jax.linearize(slope, u)
        jacobian = jnp.transpose(jax.vmap(linear)(basis), (2, 1, 0))
        size = jnp.max(jnp.abs(rate), axis=0)
        step = jnp.clip(step * jnp.clip(before / jnp.maximum(size, 1e-30), 0.3, 4.0), 1e-3, 1e9)
        system = jnp.eye(count) / step[:, None, None] - jacobian
        move = jnp.linalg.solve(system, rate.T[:, :, None])[:, :, 0].T
        return u + jnp.where(jnp.isfinite(move), jnp.clip(move, -1.0, 1.0), 0.0), step, size, turn + 1

    def unfinished(carry: Any) -> Any:
        return (jnp.max(carry[2]) > 0.01 * TOLERANCE) & (carry[3] < steps)

    first = (u, jnp.full(people, 0.05), jnp.full(people, jnp.inf), 0)
    return jax.lax.while_loop(unfinished, improve, first)[0]
