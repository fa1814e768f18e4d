"""Mathematics on expressions: what `gutbrain.model.maths` does when it meets symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy


class Symbolic(np.ndarray):
    """An object array of expressions that compares entry by entry without asking for a truth value."""

    def __lt__(self, other: Any) -> Any:
        return np.less(self, other, dtype=object)

    def __le__(self, other: Any) -> Any:
        return np.less_equal(self, other, dtype=object)

    def __gt__(self, other: Any) -> Any:
        return np.greater(self, other, dtype=object)

    def __ge__(self, other: Any) -> Any:
        return np.greater_equal(self, other, dtype=object)


def symbolic(values: Any) -> Any:
    """Return expressions as an object array."""
    return np.asarray(values, dtype=object).view(Symbolic)


def _either(condition: Any, one: Any, other: Any) -> Any:
    return sympy.Piecewise((one, sympy.sympify(condition)), (other, True), evaluate=False)


def _inside(clock: Any, start: Any, duration: Any) -> Any:
    return _either(sympy.Mod(clock - start, 1) < duration, 1, 0)


def _extreme(kind: Any) -> Callable[[Any, Any], Any]:
    def of(x: Any, y: Any) -> Any:
        both = sympy.sympify(x), sympy.sympify(y)
        return kind(*both, evaluate=all(value.is_number for value in both))

    return of


_FUNCTIONS = {
    "exp": np.frompyfunc(sympy.exp, 1, 1),
    "log": np.frompyfunc(sympy.log, 1, 1),
    "log10": np.frompyfunc(lambda x: sympy.log(x, 10), 1, 1),
    "tanh": np.frompyfunc(sympy.tanh, 1, 1),
    "cos": np.frompyfunc(sympy.cos, 1, 1),
    "sin": np.frompyfunc(sympy.sin, 1, 1),
    "maximum": np.frompyfunc(_extreme(sympy.Max), 2, 1),
    "minimum": np.frompyfunc(_extreme(sympy.Min), 2, 1),
    "where": np.frompyfunc(_either, 3, 1),
    "window": np.frompyfunc(_inside, 3, 1),
}


def apply(name: str, *values: Any) -> Any:
    """Apply a function of `gutbrain.model.maths` entry by entry to expressions."""
    return _FUNCTIONS[name](*values)


def window(clock: Any, start: Any, duration: Any) -> Any:
    """Return 1 inside a daily window and 0 outside; all three in days."""
    return apply("window", clock, start, duration)


def stack(*rows: Any) -> Any:
    """Put scalar expressions into one vector [rows, 1]."""
    return symbolic(np.stack(np.broadcast_arrays(*[np.atleast_1d(np.asarray(row, object)) for row in rows])))


class Total(sympy.Function):
    """A sum over a vector axis that stays together, so that it prints as one sum."""

    def doit(self, **hints: Any) -> Any:
        """Return the plain sum."""
        return sympy.Add(*self.args)

    def _numpycode(self, printer: Any, **settings: Any) -> str:
        return "(" + " + ".join(f"({printer._print(arg)})" for arg in self.args) + ")"


def total(x: Any, axis: int = 0) -> Any:
    """Sum expressions over one axis of an array."""
    rows = np.moveaxis(np.asarray(x, dtype=object), axis, 0)
    sums = np.empty(rows.shape[1:], dtype=object)
    for place in np.ndindex(*sums.shape):
        sums[place] = Total(*rows[(slice(None), *place)])
    return symbolic(sums)
