"""The cohort engine: classical Runge-Kutta with a fixed step on JAX, people as the last axis.

Levers and pulses are held at their mean over the step. The later stages are a scan over the
Butcher rows, so that the right-hand side is traced twice and not four times; signals are read
at the begin of each step. Runs wherever JAX runs, a GPU included.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Events, Noise
from gutbrain.run.blocks import part, takes, width
from gutbrain.run.compiled import compiled
from gutbrain.run.drive import Drive, Run

jax.config.update("jax_enable_x64", True)

OFFSET = 1 << 20  # days before day 0 have keys too, and a key must not be negative
FIRST = 1 / 6  # weight of the first stage, which also gives the signals of the step
STAGES = np.array([[0.5, 1 / 3], [0.5, 1 / 3], [1.0, 1 / 6]])


def integrate(
    axis: Axis,
    start: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    drive: Drive,
    *,
    days: int,
    step_minutes: float = 15.0,
    labels: tuple[str, ...] | None = None,
    noise_seed: int | None = None,
    gates: Mapping[tuple[str, str], np.ndarray] | None = None,
    progress: Callable[[int, int], None] | None = None,
    first_day: int = 0,
    block: int | None = None,
) -> Run:
    """Integrate all columns day by day.

    Parameters
    ----------
    start : array [rows, columns], declared units
    parameters : declared values, arrays [..., columns or 1]
    step_minutes : length of the step; it must divide an hour
    labels : signals to summarise (all by default)
    noise_seed : draw daily events and affect noise; the same seed gives the same bits
    gates : openness of wires by (signal, listener), arrays [columns]
    progress : called with (done, all) block-days
    block : width of a block (default: the smallest that is compiled anyway)

    Returns
    -------
    Run : summaries in float32; `end` is the state after the last day in float64.
    """
    per_hour = round(60 / step_minutes)
    if abs(per_hour * step_minutes - 60) > 1e-9:
        raise ValueError(f"a step of {step_minutes} minutes does not divide an hour")
    chosen = tuple(axis.columns) if labels is None else labels
    columns = start.shape[1]
    size = block or width(columns)
    gate_keys = tuple(gates or ())
    advance = _day_function(axis, drive.levers, chosen, per_hour, noise_seed is not None, gate_keys)
    shape_days = drive.shape.reshape(days, 24, per_hour, len(drive.levers))
    coherent = axis.coherent(parameters)
    summaries = [np.empty((days, len(chosen), columns), np.float32) for _ in range(3)]
    end, lost_day, lost_row = np.empty_like(start), np.full(columns, -1), np.zeros(columns, int)
    blocks = list(takes(columns, size))
    done, lock, stop = [0], threading.Lock(), threading.Event()

    def run_block(number: int) -> None:
        begin = number * size
        take, keep = blocks[number]
        mine = part(coherent, take)
        gate = [jnp.asarray(gates[key][take]) for key in gate_keys] if gates else []
        dose, y = jnp.asarray(drive.dose[:, take]), jnp.asarray(start[:, take])
        guess = survey(axis, settled_signals(axis), y, mine)[2] if axis.unknowns() else {}
        left = jnp.full(size, -1.0), jnp.zeros(size, int)
        for day in range(days):
            if stop.is_set():
                return
            present = 1 - drive.effort[:, None] * (1 - drive.present[day, take])
            key = jax.random.PRNGKey(0 if noise_seed is None else noise_seed)
            key = jax.random.fold_in(jax.random.fold_in(key, first_day + day + OFFSET), number)
            y, guess, left, means = advance(
                y, guess, left, mine, dose * present, jnp.asarray(shape_days[day]), float(first_day + day), key, gate
            )
            for store, value in zip(summaries, means, strict=True):
                store[day, :, begin : begin + keep] = np.asarray(value)[:, :keep]
            with lock:
                done[0] += 1
                if progress:
                    progress(done[0], days * len(blocks))
        end[:, begin : begin + keep] = np.asarray(y)[:, :keep]
        lost_day[begin : begin + keep] = np.asarray(left[0])[:keep].astype(int)
        lost_row[begin : begin + keep] = np.asarray(left[1])[:keep]

    workers = max(1, min(len(blocks), os.cpu_count() or 1))
    run_all(run_block, len(blocks), workers, stop)
    mean, low, high = summaries
    return Run(chosen, mean, low, high, end, lost_day, lost_row)


def run_all(work: Callable[[int], None], count: int, workers: int, stop: threading.Event) -> None:
    """Run blocks on threads; an interrupt stops all of them before it travels on."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, number) for number in range(count)]
        try:
            wait(futures)
        except BaseException:
            stop.set()
            raise
        for future in futures:
            future.result()


@partial(compiled, static_argnums=(0, 1))
def survey(axis: Axis, labels: tuple[str, ...], y: Any, parameters: Any) -> tuple[Any, Any, Any]:
    """Return rates [rows, people], signals [labels, people] and solved unknowns at one moment, levers at rest."""
    reading = axis.read(y, parameters, {})
    for name in axis.unknowns():
        compartment, _, field = name.partition(".")
        getattr(reading.views[compartment], field)
    return reading.vector(), reading.outputs(labels) if labels else jnp.zeros((0, y.shape[1])), reading.solved


def settled_signals(axis: Axis) -> tuple[str, ...]:
    """Return the signals whose own-rest value some parameter waits for."""
    return tuple(dict.fromkeys(p.settled for p in axis.parameters.values() if p.settled and p.settled in axis.columns))


_COMPILED: dict[tuple[Any, ...], Any] = {}


def _day_function(axis: Axis, levers: tuple[str, ...], labels: tuple[str, ...], per_hour: int, noisy: bool,
                  gate_keys: tuple[tuple[str, str], ...]) -> Any:  # fmt: skip
    """Compile one day once for an axis, a set of acts and a set of signals."""
    key = (id(axis), levers, labels, per_hour, noisy, gate_keys)
    if key not in _COMPILED:
        day = partial(_advance_day, axis, levers, labels, per_hour, noisy, gate_keys)
        # The axis is kept beside its function: a freed axis must not hand its identity to another.
        _COMPILED[key] = (axis, compiled(day))
    return _COMPILED[key][1]


def _advance_day(axis: Axis, levers: tuple[str, ...], labels: tuple[str, ...], per_hour: int, noisy: bool,
                 gate_keys: tuple[tuple[str, str], ...], y: Any, guess: Any, left: Any, parameters: Any, dose: Any,
                 shapes: Any, day: Any, key: Any, gate: Any) -> Any:  # fmt: skip
    step = 1.0 / (24 * per_hour)
    low, high = (jnp.asarray(bound)[:, None] for bound in axis.bounds)
    # States that noise or events move stop at the ends of their scale: an affect of 0 is no person lost.
    slack = jnp.where(jnp.asarray(_drawn_rows(axis) & noisy)[:, None], jnp.inf, 1e-3 * (high - low))
    gates = dict(zip(gate_keys, gate, strict=True))
    people = y.shape[1]

    def moved(shape: Any, begin: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"clock.step_start": begin, "clock.step": step, "run.noise": float(noisy)}
        for number, lever in enumerate(levers):
            value = dose[number] * shape[number]
            found[lever] = found[lever] + value if lever in found else value
        return found

    def one_step(carry: Any, xs: Any) -> Any:
        y, guess, left, hour = carry
        shape, begin, count = xs
        offsets = moved(shape, begin)
        now = offsets | {"clock.time": begin}
        # One Jacobian of the balances serves the four stages: the pools follow within two chord steps.
        guess = axis.read(y, parameters, now, guess=guess, gates=gates).refreshed()
        first = axis.read(y, parameters, now, guess=guess, gates=gates)
        slope, signals = first.vector(), first.outputs(labels)

        def stage(inner: Any, row: Any) -> Any:
            slope, change, guess = inner
            now = offsets | {"clock.time": begin + row[0] * step}
            reading = axis.read(y + row[0] * step * slope, parameters, now, guess=guess, gates=gates)
            slope = reading.vector()
            return (slope, change + row[1] * slope, {n: reading.solved.get(n, guess[n]) for n in guess}), None

        solved = {name: first.solved.get(name, guess[name]) for name in guess}
        (_, change, guess), _ = jax.lax.scan(stage, (slope, FIRST * slope, solved), jnp.asarray(STAGES))
        new = y + step * change
        if noisy:
            new = new + _random_change(axis, y, parameters, offsets, guess, step, jax.random.fold_in(key, count))
        outside = ~jnp.isfinite(new) | (new < low - slack) | (new > high + slack)
        gone = outside.any(axis=0) & (left[0] < 0)
        left = jnp.where(gone, jnp.floor(begin), left[0]), jnp.where(gone, outside.argmax(axis=0), left[1])
        new = jnp.where(jnp.isfinite(new), jnp.clip(new, low, high), y)
        return (new, guess, left, hour + signals), None

    def one_hour(carry: Any, xs: Any) -> Any:
        # Sums travel in the carry: XLA is several times slower when each step leaves its own.
        (*carry, hour), _ = jax.lax.scan(one_step, (*carry, jnp.zeros((len(labels), people))), xs)
        return tuple(carry), (hour / per_hour).astype(jnp.float32)

    count = jnp.arange(24 * per_hour).reshape(24, per_hour)
    (y, guess, left), hours = jax.lax.scan(one_hour, (y, guess, left), (shapes, day + count * step, count))
    return y, guess, left, (hours.mean(axis=0), hours.min(axis=0), hours.max(axis=0))


def _drawn_rows(axis: Axis) -> np.ndarray:
    """Mark the rows of states with noise or events, array [rows] of bool."""
    drawn = np.zeros(len(axis.rows), bool)
    for place in axis.compartments:
        for equation in (*place.members(Noise).values(), *place.members(Events).values()):
            drawn[axis.slices[place.name, equation.of]] = True
    return drawn


def _random_change(axis: Axis, y: Any, parameters: Any, offsets: Any, guess: Any, step: float, key: Any) -> Any:
    """Draw the random change of one step: Wiener noise and jumps, for states that declare them."""
    reading = axis.read(y, parameters, offsets | {"clock.time": offsets["clock.step_start"]}, guess=guess)
    change = jnp.zeros_like(y)
    for place in axis.compartments:
        for equation in place.members(Noise).values():
            rows = axis.slices[place.name, equation.of]
            size = getattr(reading.views[place.name], equation.name) / units.factor(
                axis.state(place.name, equation.of).unit
            )
            key, use = jax.random.split(key)
            drawn = jax.random.normal(use, (rows.stop - rows.start, y.shape[1]))
            change = change.at[rows].add(size * jnp.sqrt(step) * drawn)
        for event in place.members(Events).values():
            rows = axis.slices[place.name, event.of]
            rate, median, log_sd = getattr(reading.views[place.name], event.name)
            key, use, how_large = jax.random.split(key, 3)
            happens = jax.random.uniform(use, (y.shape[1],)) < rate * step
            jump = median * jnp.exp(log_sd * jax.random.normal(how_large, (y.shape[1],)))
            change = change.at[rows].add(jnp.where(happens, jump, 0.0))
    return change
