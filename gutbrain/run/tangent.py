"""One day of the cohort engine with its derivatives: forward for all inputs at once, backward for one number.

The day is that of `gutbrain.run.fixed`, without noise and in double precision throughout. Forward, each stage's
Jacobian (one reverse pass a rate) multiplies the sensitivities carried so far: cheaper than a column of the run for
each of several hundred parameters. Backward, stages are computed again and never stored.
Balances are solved by the same chord steps; they carry the derivative, the Jacobian they use does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.run.compiled import compiled
from gutbrain.run.fixed import FIRST, STAGES

# Moment within the step, weight, and whether the signals of the step are read there.
ROWS = np.column_stack([np.vstack([[0.0, FIRST], STAGES]), [1.0, 0.0, 0.0, 0.0]])


@cache
def layout(axis: Axis) -> dict[str, slice]:
    """Return which rows each parameter takes when all stand below each other."""
    found, row = {}, 0
    for name, value in axis.defaults().items():
        found[name] = slice(row, row := row + value.size)
    return found


def entry_names(axis: Axis, parameter: str) -> list[str]:
    """Return the full name of each entry of a parameter: `colon.eats[bacteroidetes, fibre]`."""
    known = type(axis.part(parameter.partition(".")[0])).axes
    over = axis.parameters[parameter].axes
    if not over:
        return [parameter]
    return [f"{parameter}[{', '.join(labels)}]" for labels in product(*(known[name] for name in over))]


def packed(axis: Axis, parameters: Mapping[str, Any], columns: int) -> np.ndarray:
    """Return parameters below each other, array [entries, columns]."""
    return np.concatenate([
        np.broadcast_to(parameters[name], (*np.shape(parameters[name])[:-1], columns)).reshape(-1, columns)
        for name in layout(axis)
    ])  # fmt: skip


def unpacked(axis: Axis, values: Any) -> dict[str, Any]:
    """Return parameters by name, arrays [..., columns], from an array [entries, columns]."""
    shapes = {name: value.shape[:-1] for name, value in axis.defaults().items()}
    # One split, whose transpose is one concatenation: a slice each would be a sum of hundreds of padded arrays.
    pieces = jax.lax.split(values, [rows.stop - rows.start for rows in layout(axis).values()])
    named = zip(shapes.items(), pieces, strict=True)
    return {name: piece.reshape(*shape, values.shape[-1]) for (name, shape), piece in named}


class _Day:
    """What one day of an axis is made of: levers moved, signals read, steps an hour."""

    def __init__(self, axis: Axis, levers: tuple[str, ...], labels: tuple[str, ...], per_hour: int) -> None:
        self.axis, self.levers, self.labels = axis, levers, labels
        self.steps, self.step = 24 * per_hour, 1.0 / (24 * per_hour)
        self.low, self.high = (jnp.asarray(bound)[:, None] for bound in axis.bounds)
        self.slack = 1e-3 * (self.high - self.low)
        self.rows = len(axis.rows)

    def read(self, y: Any, values: Any, dose: Any, guess: Any, shape: Any, begin: Any, since: Any = 0.0) -> Any:
        """Read the equations at a moment `since` the begin of a step."""
        levers: dict[str, Any] = {"clock.step_start": begin, "clock.step": self.step, "run.noise": 0.0}
        for number, lever in enumerate(self.levers):
            value = dose[number] * shape[number]
            levers[lever] = levers[lever] + value if lever in levers else value
        now = levers | {"clock.time": begin + since}
        return self.axis.read(y, unpacked(self.axis, values), now, guess=guess)

    def slopes(self, y: Any, values: Any, dose: Any, guess: Any, *moment: Any) -> tuple[Any, Any]:
        """Return rates above signals, array [rows + labels, columns], and the solved unknowns."""
        reading = self.read(y, values, dose, guess, *moment)
        both = jnp.concatenate([reading.vector(), reading.outputs(self.labels)])
        return both, {name: reading.solved.get(name, guess[name]) for name in guess}

    def bounded(self, new: Any) -> tuple[Any, Any, Any]:
        """Return states within their bounds, which of them were held there, and whether a column is lost."""
        lost = (~jnp.isfinite(new) | (new < self.low - self.slack) | (new > self.high + self.slack)).any(axis=0)
        held = (new < self.low) | (new > self.high)
        # A state that rests on its bound (an absent drug) is free: `clip` would halve its derivative there.
        return jnp.where(new < self.low, self.low, jnp.where(new > self.high, self.high, new)), held, lost

    def run(self, y: Any, values: Any, dose: Any, guess: Any, shapes: Any, day: Any) -> tuple[Any, Any]:
        """Return end state and daily means, and beside them the solved unknowns and who is lost."""
        free = jax.lax.stop_gradient(values), jax.lax.stop_gradient(dose)

        def one_step(carry: Any, xs: Any) -> Any:
            y, guess, total, lost = carry
            shape, begin = xs
            guess = self.read(jax.lax.stop_gradient(y), *free, guess=guess, shape=shape, begin=begin).refreshed()

            @jax.checkpoint
            def stage(inner: Any, row: Any) -> Any:
                slope, change, guess, seen = inner
                moment = shape, begin, row[0] * self.step
                both, solved = self.slopes(y + row[0] * self.step * slope, values, dose, guess, *moment)
                slope, signals = both[: self.rows], both[self.rows :]
                solved = jax.tree.map(jax.lax.stop_gradient, solved)
                return (slope, change + row[1] * slope, solved, seen + row[2] * signals), None

            rest = jnp.zeros_like(y)
            inner = rest, rest, guess, jnp.zeros((len(self.labels), y.shape[1]))
            (_, change, guess, seen), _ = jax.lax.scan(stage, inner, jnp.asarray(ROWS))
            new, _, gone = self.bounded(y + self.step * change)
            return (new, guess, total + seen, lost | gone), None

        begins = day + jnp.arange(self.steps) * self.step
        start = y, guess, jnp.zeros((len(self.labels), y.shape[1])), jnp.zeros(y.shape[1], bool)
        (y, guess, total, lost), _ = jax.lax.scan(one_step, start, (shapes, begins))
        return (y, total / self.steps), (guess, lost)


@cache
def plain_day(axis: Axis, levers: tuple[str, ...], labels: tuple[str, ...], per_hour: int) -> Any:
    """Compile a day: (y, values, dose, guess, shapes, day) to ((y, means), (guess, lost))."""
    return compiled(_Day(axis, levers, labels, per_hour).run)


@cache
def backward_day(axis: Axis, levers: tuple[str, ...], labels: tuple[str, ...], per_hour: int) -> Any:
    """Compile the way back through a day: what a number owes to (y, values, dose) from what it owes to (y, means)."""
    of_day = _Day(axis, levers, labels, per_hour)

    def back(y: Any, values: Any, dose: Any, guess: Any, shapes: Any, day: Any, owed: Any) -> Any:
        def forth(y: Any, values: Any, dose: Any) -> Any:
            return of_day.run(y, values, dose, guess, shapes, day)

        _, pull, _ = jax.vjp(forth, y, values, dose, has_aux=True)
        return pull(owed)

    return compiled(back)


@cache
def forward_day(axis: Axis, levers: tuple[str, ...], labels: tuple[str, ...], per_hour: int) -> Any:
    """Compile a day of one person with the sensitivities of his states.

    Returns
    -------
    function (y, moved, values, dose, guess, shapes, day) to (y, moved, means, means_moved, guess, lost), where
    `moved`, array [rows, inputs], and `means_moved`, array [labels, inputs], are derivatives with respect to the
    start state, then the entries of all parameters (coherent), then the doses of that day.
    """
    of_day = _Day(axis, levers, labels, per_hour)
    rows, count = of_day.rows, of_day.rows + len(labels)

    def forth(y: Any, moved: Any, values: Any, dose: Any, guess: Any, shapes: Any, day: Any) -> Any:
        def one_step(carry: Any, xs: Any) -> Any:
            y, moved, guess, total, total_moved, lost = carry
            shape, begin = xs
            guess = of_day.read(y, values, dose, guess, shape, begin).refreshed()

            def stage(inner: Any, row: Any) -> Any:
                slope, slope_moved, change, change_moved, guess, seen, seen_moved = inner

                def slopes(y: Any, values: Any, dose: Any) -> Any:
                    return of_day.slopes(y, values, dose, guess, shape, begin, row[0] * of_day.step)

                here = y + row[0] * of_day.step * slope, values, dose
                both, pull, solved = jax.vjp(slopes, *here, has_aux=True)
                by_state, *direct = jax.vmap(pull)(jnp.eye(count)[:, :, None])
                both_moved = by_state[:, :, 0] @ (moved + row[0] * of_day.step * slope_moved)
                both_moved = both_moved.at[:, rows:].add(jnp.concatenate(direct, axis=1)[:, :, 0])
                slope, slope_moved = both[:rows], both_moved[:rows]
                return (
                    slope, slope_moved, change + row[1] * slope, change_moved + row[1] * slope_moved, solved,
                    seen + row[2] * both[rows:], seen_moved + row[2] * both_moved[rows:],
                ), None  # fmt: skip

            still, unmoved = jnp.zeros_like(y), jnp.zeros_like(moved)
            inner = still, unmoved, still, unmoved, guess, jnp.zeros_like(total), jnp.zeros_like(total_moved)
            (_, _, change, change_moved, guess, seen, seen_moved), _ = jax.lax.scan(stage, inner, jnp.asarray(ROWS))
            new, held, gone = of_day.bounded(y + of_day.step * change)
            moved = jnp.where(held, 0.0, moved + of_day.step * change_moved)
            return (new, moved, guess, total + seen, total_moved + seen_moved, lost | gone), None

        begins = day + jnp.arange(of_day.steps) * of_day.step
        nothing = jnp.zeros((len(labels), 1)), jnp.zeros((len(labels), moved.shape[1])), jnp.zeros(1, bool)
        end, _ = jax.lax.scan(one_step, (y, moved, guess, *nothing), (shapes, begins))
        y, moved, guess, total, total_moved, lost = end
        return y, moved, total / of_day.steps, total_moved / of_day.steps, guess, lost

    return compiled(forth)
