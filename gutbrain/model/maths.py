"""Mathematics for equations: the same function reads numbers, quantities and symbols.

Numbers are JAX or numpy arrays with people as the last axis, quantities are pint arrays,
symbols are numpy object arrays of sympy expressions.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

Value = Any


def _kind(*values: Value) -> str:
    """Tell the reading from the values: 'jax', 'quantity', 'symbol' or 'number'."""
    kinds = {type(value).__module__.partition(".")[0] for value in values}
    if "pint" in kinds:
        return "quantity"
    if "sympy" in kinds or any(getattr(getattr(value, "dtype", None), "kind", "") == "O" for value in values):
        return "symbol"
    return "jax" if kinds & {"jax", "jaxlib"} else "number"


def _dimensionless(value: Value) -> Value:
    return value.to("").magnitude if type(value).__module__.startswith("pint") else value


def _apply(name: str, *values: Value) -> Value:
    kind = _kind(*values)
    if kind == "symbol":
        from gutbrain.model import symbols

        return symbols.apply(name, *values)
    if kind == "jax":
        return getattr(sys.modules["jax.numpy"], name)(*values)
    return getattr(np, name)(*(_dimensionless(value) for value in values))


def exp(x: Value) -> Value:
    """Exponential of a pure number."""
    return _apply("exp", x)


def log(x: Value) -> Value:
    """Natural logarithm of a pure number."""
    return _apply("log", x)


def log10(x: Value) -> Value:
    """Decadic logarithm of a pure number."""
    return _apply("log10", x)


def tanh(x: Value) -> Value:
    """Hyperbolic tangent of a pure number."""
    return _apply("tanh", x)


def cos(x: Value) -> Value:
    """Cosine of an angle in radian."""
    return _apply("cos", x)


def sin(x: Value) -> Value:
    """Sine of an angle in radian."""
    return _apply("sin", x)


def sqrt(x: Value) -> Value:
    """Square root; a quantity keeps half of its unit."""
    return x**0.5


def power(base: Value, exponent: Value) -> Value:
    """`base ** exponent` of pure numbers, where the exponent may be a drawn parameter."""
    base, exponent = _dimensionless(base), _dimensionless(exponent)
    return base**exponent


def maximum(x: Value, floor: Value) -> Value:
    """The larger of two values of one unit; a plain 0 fits every unit."""
    return _extreme("maximum", x, floor)


def minimum(x: Value, ceiling: Value) -> Value:
    """The smaller of two values of one unit."""
    return _extreme("minimum", x, ceiling)


def _extreme(name: str, x: Value, y: Value) -> Value:
    if _kind(x, y) != "quantity":
        return _apply(name, x, y)
    if not type(x).__module__.startswith("pint"):
        x, y = y, x
    if not hasattr(y, "to") and np.any(y):
        x = x.to("")  # a plain number other than 0 fits pure numbers only
    other = y.to(x.units).magnitude if hasattr(y, "to") else y
    return type(x)(getattr(np, name)(x.magnitude, other), x.units)


def clip(x: Value, low: Value, high: Value) -> Value:
    """`x` held between `low` and `high`."""
    return minimum(maximum(x, low), high)


def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x)), written so that neither tail overflows."""
    return 0.5 * (1 + tanh(0.5 * x)) if _kind(x) != "symbol" else 1 / (1 + exp(-x))


def saturate(x: Value, half: Value) -> Value:
    """x / (half + x): the Michaelis-Menten saturation, 0.5 at `half`."""
    return x / (half + x)


def total(x: Value, axis: int = 0) -> Value:
    """Sum over a vector axis (0 is the first); the people axis stays."""
    if _kind(x) == "symbol":
        from gutbrain.model import symbols

        return symbols.total(x, axis)
    return x.sum(axis)


def stack(*rows: Value) -> Value:
    """Put scalars of one unit into one vector."""
    kind = _kind(*rows)
    if kind == "jax":
        jnp = sys.modules["jax.numpy"]
        return jnp.stack(jnp.broadcast_arrays(*rows))
    if kind == "symbol":
        from gutbrain.model import symbols

        return symbols.stack(*rows)
    if kind == "quantity":
        first = next(row for row in rows if hasattr(row, "to"))
        rows = tuple(row if hasattr(row, "to") else type(first)(row, "") for row in rows)
        plain = [np.asarray(row.to(first.units).magnitude) for row in rows]
        return type(first)(np.stack(np.broadcast_arrays(*plain)), first.units)
    return np.stack(np.broadcast_arrays(*[np.atleast_1d(row) for row in rows]))


def place(value: Value, index: int, length: int) -> Value:
    """A vector of `length` with `value` at `index` and 0 elsewhere."""
    if _kind(value) in ("jax", "number"):
        return np.eye(length)[index][:, None] * value
    return stack(*(value if row == index else 0 * value for row in range(length)))


def share_of_day(clock: Value, step: Value, start: Value, duration: Value) -> Value:
    """Share of the running step that lies in a daily window, 0 to 1.

    Parameters
    ----------
    clock : begin of the step, time of day
    step : length of the step; 0 asks for the moment itself
    start, duration : the window, which may pass midnight; duration below one day
    """
    kind = _kind(clock, start, duration)
    if kind == "symbol":
        from gutbrain.model import symbols

        return symbols.window(clock, start, duration)
    if kind == "quantity":
        parts = (value.to("day").magnitude for value in (clock, step, start, duration))
        return share_of_day(*parts) * (duration / duration).to("")
    return (_differentiable_share() if kind == "jax" else _share)(clock, step, start, duration)


def _share(clock: Value, step: Value, start: Value, duration: Value) -> Value:
    since = (clock - start) % 1.0
    inside = _where(since < duration, 1.0, 0.0)
    rest_of_window = maximum(minimum(duration - since, step), 0.0)
    next_window = maximum(since + step - 1.0, 0.0)
    length = maximum(step, 1e-12)
    held = minimum((rest_of_window + minimum(next_window, duration)) / length, 1.0)
    return _where(step > 1e-9, held, inside)


@cache
def _differentiable_share() -> Any:
    """The share with its derivative: an edge of the window on a border of steps counts half in each of the two.

    Habits lie on such borders, where the derivatives of maximum, minimum and remainder do not add up.
    """
    share = sys.modules["jax"].custom_jvp(_share)

    def moved(at: Any, by: Any) -> Any:
        (clock, step, start, duration), (clock_by, _, start_by, duration_by) = at, by

        def crossed(edge: Value) -> Value:
            ahead = (edge - clock + 1e-9) % 1.0 - 1e-9
            border = (abs(ahead) < 2e-9) | (abs(ahead - step) < 2e-9)
            within = _where(border, 0.5, _where((ahead > 0) & (ahead < step), 1.0, 0.0))
            return _where(step > 1e-9, within / maximum(step, 1e-12), 0.0)

        begin_by, end_by = clock_by - start_by, clock_by - start_by - duration_by
        change = crossed(start) * begin_by - crossed(start + duration) * end_by
        return share(*at), change

    share.defjvp(moved)
    return share


def time_of_day(clock: Value) -> Value:
    """Time since the last midnight, below one day; `clock` is a running time."""
    if _kind(clock) == "quantity":
        return type(clock)(clock.to("day").magnitude % 1.0, "day")
    return clock % 1.0


def _where(condition: Value, one: Value, other: Value) -> Value:
    if _kind(condition, one, other) == "jax":
        return sys.modules["jax.numpy"].where(condition, one, other)
    return np.where(condition, one, other)


def where(condition: Value, one: Value, other: Value) -> Value:
    """`one` where the condition holds, else `other`; both of one unit."""
    kind = _kind(one, other, condition)
    if kind == "symbol":
        from gutbrain.model import symbols

        return symbols.apply("where", condition, one, other)
    if kind == "quantity":
        unit = one.units if hasattr(one, "units") else other.units
        parts = (v.to(unit).magnitude if hasattr(v, "to") else v for v in (one, other))
        return type(one if hasattr(one, "units") else other)(np.where(_dimensionless(condition), *parts), unit)
    return _where(condition, one, other)
