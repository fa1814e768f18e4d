"""The cohort engine: classical Runge-Kutta with a fixed step on JAX, people as the last axis.

Levers and pulses are held at their mean over the step. The later stages are a scan over the
Butcher rows, so that the right-hand side is traced twice and not four times; signals are read
at the begin of each step. Runs wherever JAX runs, a GPU included.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Events
from gutbrain.model.compartment import Noise as NoiseEquation
from gutbrain.run.blocks import part, takes, width
from gutbrain.run.compiled import compiled
from gutbrain.run.drive import Drive, Run
from gutbrain.run.noise import QUARTER, QUARTERS, Noise, channels, steps_per_quarter
from gutbrain.run.threads import allowed, run_all

jax.config.update("jax_enable_x64", True)

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
    noise: Noise | None = None,
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
    step_minutes : length of the step; it must divide an hour, and with noise a quarter of an hour
    labels : signals to summarise (all by default)
    noise : daily events and affect noise of each column; they fall at the ends of the quarter hours
    gates : openness of wires by (signal, listener), arrays [columns]
    progress : called with (done, all) block-days
    block : width of a block (default: the smallest that is compiled anyway)

    Returns
    -------
    Run : summaries in float32; `end` is the state after the last day in float64.

    Raises
    ------
    ValueError
        If the step does not divide an hour, or with noise (as an InputError) a quarter of an hour.
    """
    per_hour = round(60 / step_minutes)
    if abs(per_hour * step_minutes - 60) > 1e-9:
        raise ValueError(f"a step of {step_minutes} minutes does not divide an hour")
    chosen = tuple(axis.columns) if labels is None else labels
    columns = start.shape[1]
    size = block or width(columns)
    gate_keys = tuple(gates or ())
    drawn = channels(axis) if noise else ()
    if noise:
        steps_per_quarter(step_minutes)
    advance = _day_function(axis, drive.levers, chosen, per_hour, noise is not None, gate_keys)
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
            draws = jnp.asarray(noise.day(drawn, take, first_day + day)) if noise else None
            y, guess, left, means = advance(
                y, guess, left, mine, dose * present, jnp.asarray(shape_days[day]), float(first_day + day), draws, gate
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

    workers = max(1, min(len(blocks), allowed()))
    run_all(run_block, len(blocks), workers, stop)
    mean, low, high = summaries
    return Run(chosen, mean, low, high, end, lost_day, lost_row)


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
                 shapes: Any, day: Any, draws: Any, gate: Any) -> Any:  # fmt: skip
    step = 1.0 / (24 * per_hour)
    low, high = (jnp.asarray(bound)[:, None] for bound in axis.bounds)
    # States that noise or events move stop at the ends of their scale: an affect of 0 is no person lost.
    slack = jnp.where(jnp.asarray(_drawn_rows(axis) & noisy)[:, None], jnp.inf, 1e-3 * (high - low))
    gates = dict(zip(gate_keys, gate, strict=True))
    people, per_quarter = y.shape[1], 24 * per_hour // QUARTERS
    # Readings are those of the quarter hours, however fine the steps between them.
    every = 1 if 24 * per_hour % QUARTERS else per_quarter

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
            ends = (count + 1) % per_quarter == 0
            new = new + jnp.where(ends, _random_change(axis, first, y, draws[count // per_quarter]), 0.0)
        outside = ~jnp.isfinite(new) | (new < low - slack) | (new > high + slack)
        gone = outside.any(axis=0) & (left[0] < 0)
        left = jnp.where(gone, jnp.floor(begin), left[0]), jnp.where(gone, outside.argmax(axis=0), left[1])
        new = jnp.where(jnp.isfinite(new), jnp.clip(new, low, high), y)
        return (new, guess, left, hour + jnp.where(count % every == 0, signals, 0.0)), None

    def one_hour(carry: Any, xs: Any) -> Any:
        # Sums travel in the carry: XLA is several times slower when each step leaves its own.
        (*carry, hour), _ = jax.lax.scan(one_step, (*carry, jnp.zeros((len(labels), people))), xs)
        return tuple(carry), (hour * every / per_hour).astype(jnp.float32)

    count = jnp.arange(24 * per_hour).reshape(24, per_hour)
    (y, guess, left), hours = jax.lax.scan(one_hour, (y, guess, left), (shapes, day + count * step, count))
    return y, guess, left, (hours.mean(axis=0), hours.min(axis=0), hours.max(axis=0))


def _drawn_rows(axis: Axis) -> np.ndarray:
    """Mark the rows of states with noise or events, array [rows] of bool."""
    drawn = np.zeros(len(axis.rows), bool)
    for place in axis.compartments:
        for equation in (*place.members(NoiseEquation).values(), *place.members(Events).values()):
            drawn[axis.slices[place.name, equation.of]] = True
    return drawn


def _random_change(axis: Axis, reading: Any, y: Any, draws: Any) -> Any:
    """Return the random change at the end of a quarter hour, of states that declare noise or events.

    Sizes and rates are those of the reading at the begin of its last step; draws are an array [channels, people].
    """
    first: dict[tuple[str, str], int] = {}
    for number, channel in enumerate(channels(axis)):
        first.setdefault((channel.place, channel.equation), number)
    change = jnp.zeros_like(y)
    for (place, equation), number in first.items():
        member, given = type(axis.part(place))._members[equation], getattr(reading.views[place], equation)
        rows, factor = axis.slices[place, member.of], units.factor(axis.state(place, member.of).unit)
        if isinstance(member, Events):
            rate, median, log_sd = given
            jump = median * jnp.exp(log_sd * draws[number + 1])
            moved = jnp.where(draws[number] < rate * QUARTER, jump, 0.0)
        else:
            moved = given * np.sqrt(QUARTER) * draws[number : number + rows.stop - rows.start]
        change = change.at[rows].add(moved / factor)
    return change
