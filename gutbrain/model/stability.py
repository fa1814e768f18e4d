"""How fast an axis moves, and whether it comes back: Jacobians, the map of one day, loop gain.

All derivatives are taken at once: each case fills one column a state, and people are columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import CLOCK, Axis, Lever
from gutbrain.model.compartment import Input

jax.config.update("jax_enable_x64", True)

STEPS = (5, 10, 15, 20, 30)
REACH = 1.0  # |rate| * step: up to here a step of a decaying mode errs by less than 1 % of it (reach^5 / 120)
BUTCHER = np.array([[0.0, 1 / 6], [0.5, 1 / 3], [0.5, 1 / 3], [1.0, 1 / 6]])


def lever_rows(axis: Axis) -> list[tuple[str, float, float | None, float | None]]:
    """Return (row name, rest, lowest offset, highest offset) of every lever row, declared units."""
    rows = []
    for lever in axis.levers.values():
        rests = np.ravel(_rest(axis, lever))
        for index, label in enumerate(lever.over or ("",)):
            name = f"{lever.signal}[{label}]" if lever.over else lever.signal
            rest = float(rests[index if len(rests) > 1 else 0])
            ends = [None if end is None else end - rest for end in (lever.low, lever.high)]
            rows.append((name, rest, ends[0], ends[1]))
    return rows


def _rest(axis: Axis, lever: Lever) -> Any:
    """Return where a lever rests; an own rest is that of the reference person at start."""
    if not isinstance(lever.rest, str):
        return lever.rest
    reading = axis.read(jnp.asarray(axis.start(axis.defaults())), axis.coherent(axis.defaults()), {})
    view = reading.views[lever.listeners[0]]
    field = next(field for field in type(view).members(Input).values() if field.signal == lever.signal)
    return np.asarray(reading.rest(view, field)) / units.factor(lever.unit)


def jacobians(axis: Axis, y: Any, parameters: Mapping[str, Any], levers: Mapping[str, Any]) -> np.ndarray:
    """Return the Jacobian of the rates for every column.

    Parameters
    ----------
    y : array [rows, cases], declared units
    parameters : coherent, arrays [..., 1]
    levers : offsets, arrays [cases] or scalars

    Returns
    -------
    array [cases, rows, rows], declared units per day
    """
    rows, cases = y.shape
    spread = jnp.repeat(jnp.asarray(y), rows, axis=1)
    held = {key: jnp.repeat(jnp.broadcast_to(jnp.asarray(v, float), (cases,)), rows) for key, v in levers.items()}
    tangent = jnp.tile(jnp.eye(rows), (1, cases))
    _, columns = jax.jvp(lambda at: axis.read(at, parameters, held).vector(), (spread,), (tangent,))
    return np.asarray(columns).reshape(rows, cases, rows).transpose(1, 0, 2)


def listens_to_clock(axis: Axis) -> bool:
    """Say whether any compartment reads the time of day."""
    return any(wire.signal in CLOCK[:3] and not wire.cut for wire in axis.wires.values())


def run_days(
    axis: Axis,
    y: Any,
    parameters: Mapping[str, Any],
    days: int = 1,
    step_minutes: float = 15.0,
    every: int = 1,
    levers: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Run an axis at rest by classical Runge-Kutta.

    Parameters
    ----------
    y : array [rows, people], declared units, at midnight
    parameters : coherent
    every : keep each `every`-th step
    levers : held offsets by row name, declared units

    Returns
    -------
    array [kept, rows, people]: states at the begin of the kept steps, and at the end of the run.
    """
    day = _day(axis, round(24 * 60 / step_minutes))
    at, kept = jnp.asarray(y, float), []
    for number in range(days):
        at, path = day(at, float(number), dict(parameters), dict(levers or {}))
        kept.append(np.asarray(path[::every]))
    return np.concatenate([*kept, np.asarray(at)[None]])


@cache
def _day(axis: Axis, count: int) -> Callable[..., tuple[Any, Any]]:
    """Compile one day of `count` steps at rest, once for an axis."""
    step = 1.0 / count
    low, high = (bound[:, None] for bound in axis.bounds)

    @jax.jit
    def day(at: Any, first: Any, values: Mapping[str, Any], held: Mapping[str, Any]) -> Any:
        def one(at: Any, index: Any) -> tuple[Any, Any]:
            begin = first + index * step

            def stage(carry: Any, row: Any) -> tuple[Any, None]:
                slope, gain = carry
                clock = {"clock.time": begin + row[0] * step, "clock.step_start": begin, "clock.step": step}
                slope = axis.read(at + row[0] * step * slope, values, {**clock, **held}).vector()
                return (slope, gain + row[1] * slope), None

            (_, gain), _ = jax.lax.scan(stage, (jnp.zeros_like(at), jnp.zeros_like(at)), jnp.asarray(BUTCHER))
            return jnp.clip(at + step * gain, low, high), at

        return jax.lax.scan(one, at, jnp.arange(count))

    return day


@dataclass(frozen=True)
class Speed:
    """The fastest rate of a compartment, per day, when it occurs, and the largest safe step in minutes (0: none)."""

    compartment: str
    fastest: float
    when: str
    step: int


def speeds(axis: Axis, parameters: Mapping[str, Any] | None = None, moments: int = 24) -> list[Speed]:
    """Return how fast each compartment moves: over a day at rest, and under each lever at its high end.

    The rate is the largest modulus among the eigenvalues of the compartment's own block.
    """
    values = axis.coherent(axis.defaults() if parameters is None else parameters)
    start = np.asarray(axis.start(axis.defaults() if parameters is None else parameters))[:, :1]
    moving = listens_to_clock(axis)
    times = np.arange(moments) / moments if moving else np.zeros(1)
    path = run_days(axis, start, values, every=96 // moments)[:-1, :, 0].T if moving else start
    ends = [(name, high) for name, _, _, high in lever_rows(axis) if high]
    cases: list[Any] = [(f"rest, {24 * t:02.0f}:00", path[:, i], t, None) for i, t in enumerate(times)]
    for name, high in ends:
        for t in sorted({times[len(times) * 5 // 16], times[len(times) * 15 // 24]}):
            cases.append((f"{name} at its high end", path[:, int(np.argmin(abs(times - t)))], t, (name, high)))
    y = np.stack([case[1] for case in cases], axis=1)
    clock = np.array([case[2] for case in cases])
    levers: dict[str, Any] = {"clock.time": clock, "clock.step_start": clock}
    for name, high in ends:
        levers[name] = np.array([high if case[3] and case[3][0] == name else 0.0 for case in cases])
    found = jacobians(axis, y, values, levers)
    return [_speed(part.name, rows, found, cases) for part in axis.compartments if (rows := _own_rows(axis, part.name))]


def _own_rows(axis: Axis, compartment: str) -> list[int]:
    return [
        row for (part, _), rows in axis.slices.items() if part == compartment for row in range(rows.start, rows.stop)
    ]


def _speed(name: str, rows: list[int], found: np.ndarray, cases: list[Any]) -> Speed:
    blocks = found[:, rows][:, :, rows]
    sound = np.isfinite(blocks).all((1, 2))
    size = np.where(sound, np.abs(np.linalg.eigvals(np.where(sound[:, None, None], blocks, 0.0))).max(1), np.inf)
    worst = int(np.argmax(size))
    return Speed(name, float(size[worst]), cases[worst][0], safe_step(float(size[worst])))


def safe_step(fastest: float) -> int:
    """Return the largest of the steps 5, 10, 15, 20, 30 minutes that a rate per day allows, or 0."""
    return max((step for step in STEPS if fastest * step / 1440 <= REACH), default=0)


def growth(
    axis: Axis,
    parameters: Mapping[str, Any] | None = None,
    y: Any = None,
    push: Mapping[str, float] | None = None,
) -> float:
    """Return the fastest growth of a small push at rest, per day; below 0 the axis comes back.

    With a clock it is the largest logarithm of a multiplier of the map of one day, else the
    largest real part of the Jacobian. Pushes are upwards, so that kinks at rest (mucosal
    activity above 1) are taken from the side where they act.

    Parameters
    ----------
    parameters : declared, by full name (the defaults without it)
    y : rest at midnight, array [rows], declared units (the start without it)
    push : offset of states by row label, before the derivative is taken
    """
    own = axis.defaults() if parameters is None else dict(parameters)
    values = axis.coherent(own)
    rest = np.asarray(axis.start(own)[:, 0] if y is None else y, float)
    low, high = axis.bounds
    size = 1e-6 * np.maximum(np.abs(rest), 1e-3 * np.where(np.isfinite(high - low), high - low, 1.0))
    for label, offset in (push or {}).items():
        rest = rest + offset * (np.array(axis.rows) == label)
    size = np.where(rest + size > high, -size, size)
    columns = np.concatenate([rest[:, None], rest[:, None] + np.diag(size)], axis=1)
    if listens_to_clock(axis):
        after = run_days(axis, columns, values)[-1]
        values_of = np.linalg.eigvals((after[:, 1:] - after[:, :1]) / size[None, :])
        return float(np.log(np.abs(values_of).max() + 1e-300))
    rates = np.asarray(axis.read(jnp.asarray(columns), values, {}).vector())
    return float(np.linalg.eigvals((rates[:, 1:] - rates[:, :1]) / size[None, :]).real.max())


def loop_gain(axis: Axis, parameters: Mapping[str, Any] | None = None) -> np.ndarray:
    """Return the largest closed-loop gain at rest by the formulas that the axis carries as limits.

    Parameters
    ----------
    parameters : declared, by full name, arrays [people or 1] (the defaults without it)

    Returns
    -------
    array [people or 1], pure number; 0 where the axis carries no formula. At 1 rest is lost.
    """
    own = axis.defaults() if parameters is None else parameters
    gains = [np.asarray(limit.measure(own)) for limit in axis.limits if "loop gain" in limit.name]
    return np.max(np.broadcast_arrays(*gains), axis=0) if gains else np.zeros(1)
