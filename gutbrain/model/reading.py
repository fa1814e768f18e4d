"""Readings: what the attributes of a compartment hold while its equations are evaluated.

A reading makes one view (an empty instance) per compartment and supplies values when an
equation asks for them. Signals are evaluated on demand and kept, so no order has to be written
down; `Axis` has already made sure that no algebraic loop exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gutbrain.model import units
from gutbrain.model.compartment import (
    Balance,
    Compartment,
    Equation,
    Field,
    Input,
    ModelError,
    Param,
    State,
    Unknown,
)

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis

CHORD_STEPS = 2  # one leaves 0.1 % in the acids an hour after an antibiotic ends, at 15 minutes


class Reading:
    """Base: wiring of views; subclasses say what a state, parameter, lever or unknown is."""

    keeps = True

    def __init__(self, axis: Axis) -> None:
        self.axis = axis
        self.views = {compartment.name: self._view(compartment) for compartment in axis.compartments}

    def _view(self, compartment: Compartment) -> Compartment:
        view = object.__new__(type(compartment))
        view.__dict__["_reading"] = self
        return view

    def supply(self, view: Compartment, field: Field) -> Any:
        """Return the value of a field and keep it for the rest of this reading."""
        if isinstance(field, Input):
            value = self._input(view, field)
        elif isinstance(field, State):
            value = self.state(view, field)
        elif isinstance(field, Param):
            value = self.param(view, field)
        else:
            assert isinstance(field, Unknown)
            value = self.unknown(view, field)
        if self.keeps:
            view.__dict__[field.name] = value
        return value

    def evaluate(self, view: Compartment, equation: Equation) -> Any:
        """Return the value of an equation and keep it for the rest of this reading."""
        value = equation.method(view)
        if self.keeps:
            view.__dict__[equation.name] = value
        return value

    def _input(self, view: Compartment, field: Input) -> Any:
        wire = self.axis.wires[view.name, field.name]
        if wire.cut:
            return self.rest(view, field)
        return self.signal(field.signal) if wire.giver else self.lever(view, field)

    def rest(self, view: Compartment, field: Input) -> Any:
        """Return an input's own rest: a number, or a parameter or term of the compartment."""
        if isinstance(field.rest, str):
            return getattr(view, field.rest)
        return self.constant(field.rest, field.unit, self.length(view, field))

    def length(self, view: Compartment, field: Any) -> int | None:
        """Return the length of a vector field, None for a scalar."""
        return len(type(view).axes[field.over]) if field.over else None

    def signal(self, name: str) -> Any:
        """Return the coherent value of a signal that a compartment gives."""
        giver = self.axis.givers[name]
        return getattr(self.views[giver.compartment], giver.member)

    def rates(self) -> dict[tuple[str, str], Any]:
        """Return the coherent rate of every state, by compartment and state name."""
        return {
            (name, equation.of): getattr(self.views[name], equation.name) for name, equation in self.axis.rate_equations
        }

    def state(self, view: Compartment, field: State) -> Any:
        raise NotImplementedError

    def param(self, view: Compartment, field: Param) -> Any:
        raise NotImplementedError

    def lever(self, view: Compartment, field: Input) -> Any:
        raise NotImplementedError

    def unknown(self, view: Compartment, field: Unknown) -> Any:
        raise NotImplementedError

    def constant(self, value: Any, unit: str, length: int | None) -> Any:
        raise NotImplementedError


class Numbers(Reading):
    """Read the equations on JAX arrays with people as the last axis.

    Parameters
    ----------
    y : array [rows, people], states in declared units
    parameters : coherent values by full name, arrays [..., people or 1]
    levers : offset of each moved lever from its rest, in its declared unit, arrays [people] or scalar
    guess : log of each unknown and inverse Jacobian of its balance, for chord steps; without it the
        balance is solved from far
    gates : share of a wire that is open, by (signal, listener), arrays [people]; absent means open
    """

    def __init__(
        self,
        axis: Axis,
        y: Any,
        parameters: Mapping[str, Any],
        levers: Mapping[str, Any],
        guess: Mapping[str, Any] | None = None,
        gates: Mapping[tuple[str, str], Any] | None = None,
    ) -> None:
        super().__init__(axis)
        self.y, self.parameters, self.levers = y, parameters, levers
        self.guess, self.gates = guess, gates or {}
        self.solved: dict[str, Any] = {}

    def state(self, view: Compartment, field: State) -> Any:
        rows = self.axis.slices[view.name, field.name]
        value = self.y[rows] if field.over else self.y[rows.start]
        factor = units.factor(field.unit)
        return value if factor == 1.0 else value * factor

    def param(self, view: Compartment, field: Param) -> Any:
        return self.parameters[f"{view.name}.{field.name}"]

    def lever(self, view: Compartment, field: Input) -> Any:
        rest = self.rest(view, field)
        if not field.over:
            offset = self.levers.get(field.signal)
            return rest if offset is None else rest + offset * units.factor(field.unit)
        import jax.numpy as jnp

        labels = type(view).axes[field.over]
        moved = [self.levers.get(f"{field.signal}[{label}]") for label in labels]
        if all(offset is None for offset in moved):
            return rest
        people = self.y.shape[-1]
        rows = [jnp.broadcast_to(0.0 if offset is None else offset, (people,)) for offset in moved]
        return rest + jnp.stack(rows) * units.factor(field.unit)

    def _input(self, view: Compartment, field: Input) -> Any:
        value = super()._input(view, field)
        gate = self.gates.get((field.signal, view.name))
        if gate is None:
            return value
        rest = self.rest(view, field)
        return rest + gate * (value - rest)

    def constant(self, value: Any, unit: str, length: int | None) -> Any:
        coherent = np.asarray(value, float) * units.factor(unit)
        return coherent if length is None else np.broadcast_to(coherent, (length,))[:, None]

    def unknown(self, view: Compartment, field: Unknown) -> Any:
        """Solve the balance: from far by Newton's method on the logarithm, or by chord steps from a guess."""
        import jax
        import jax.numpy as jnp

        key = f"{view.name}.{field.name}"
        residual = self._residual(view, field)
        if self.guess is not None:
            logs, inverse = self.guess[key]
            for _ in range(CHORD_STEPS):
                logs = logs - _held((inverse * residual(logs)).sum(axis=1))
            self.solved[key] = logs, inverse
            return jnp.exp(logs)
        count, people = self.length(view, field) or 1, self.y.shape[-1]
        start = np.broadcast_to(np.log(np.asarray(field.start, float) * units.factor(field.unit)), (count,))
        logs = jnp.broadcast_to(jnp.asarray(start)[:, None], (count, people))
        logs = jax.lax.fori_loop(0, field.iterations, lambda _, u: u - _held(_newton(residual, u)), logs)
        # The last step alone carries derivatives: by the implicit function theorem it has all of them.
        logs = jax.lax.stop_gradient(logs)
        inverse = jax.lax.stop_gradient(_inverse(residual, logs))
        logs = logs - _held((inverse * residual(logs)).sum(axis=1))
        self.solved[key] = logs, inverse
        return jnp.exp(logs)

    def _residual(self, view: Compartment, field: Unknown) -> Callable[[Any], Any]:
        import jax.numpy as jnp

        equation = self.axis.balances[view.name, field.name]
        for name in self.axis.steady[view.name, field.name]:
            getattr(view, name)

        def residual(logs: Any) -> Any:
            shadow = object.__new__(type(view))
            shadow.__dict__.update(view.__dict__)
            shadow.__dict__[field.name] = jnp.exp(logs)
            return logs - jnp.log(equation.method(shadow))

        return residual

    def refreshed(self) -> dict[str, Any]:
        """Return the guess of every unknown with its Jacobian taken anew, for the chord steps to come."""
        fresh = {}
        for name in self.axis.unknowns():
            compartment, _, field = name.partition(".")
            view = self.views[compartment]
            residual = self._residual(view, type(view).members(Unknown)[field])
            assert self.guess is not None
            logs = self.guess[name][0]
            inverse = _inverse(residual, logs)
            fresh[name] = logs - _held((inverse * residual(logs)).sum(axis=1)), inverse
        return fresh

    def vector(self, compartment: str = "") -> Any:
        """Return the rates as an array [rows, people], declared units per day; of one compartment if named."""
        import jax.numpy as jnp

        people = self.y.shape[-1]
        rates = {(name, equation.of): equation.name for name, equation in self.axis.rate_equations}
        parts = []
        for (name, state), rows in self.axis.slices.items():
            if compartment and name != compartment:
                continue
            factor = units.factor(self.axis.state(name, state).unit)
            value = getattr(self.views[name], rates[name, state])
            value = value if factor == 1.0 else value / factor
            parts.append(jnp.broadcast_to(value, (rows.stop - rows.start, people)))
        return jnp.concatenate(_apart(parts))

    def outputs(self, labels: tuple[str, ...]) -> Any:
        """Return the named signals as an array [signals, people], declared units."""
        import jax.numpy as jnp

        people = self.y.shape[-1]
        return jnp.stack(_apart([jnp.broadcast_to(self.declared(label), (people,)) for label in labels]))

    def declared(self, label: str) -> Any:
        """Return one signal (with its index, if it has one) in its declared unit."""
        column = self.axis.columns[label]
        value = self.signal(column.signal)
        value = value if column.index is None else value[column.index]
        return value / units.factor(column.unit)


def _apart(rows: list[Any]) -> list[Any]:
    """Keep XLA from fusing a long concatenation into what computes its rows: it would choose among rows per element."""
    import jax

    return list(jax.lax.optimization_barrier(tuple(rows)))


def _held(move: Any) -> Any:
    """Keep a step in log space within a factor of 20."""
    import jax.numpy as jnp

    return jnp.clip(move, -3.0, 3.0)


def _newton(residual: Callable[[Any], Any], logs: Any) -> Any:
    return (_inverse(residual, logs) * residual(logs)).sum(axis=1)


def _inverse(residual: Callable[[Any], Any], logs: Any) -> Any:
    """Return the inverse Jacobian of small systems, array [i, j, people], by elimination without pivoting.

    The balances here are M-matrices, where the diagonal is never the smaller pivot.
    """
    import jax
    import jax.numpy as jnp

    count, people = logs.shape
    basis = jnp.eye(count)[:, :, None] * jnp.ones((1, 1, people))
    jacobian = jnp.swapaxes(jax.vmap(jax.linearize(residual, logs)[1])(basis), 0, 1)
    both = jnp.concatenate([jacobian, basis], axis=1)
    for pivot in range(count):
        row = both[pivot] / both[pivot, pivot]
        both = (both - both[:, pivot, None] * row).at[pivot].set(row)
    return both[:, count:]


class Recorder(Reading):
    """Read the equations once on plain floats to learn which equation asks for what."""

    keeps = False

    def __init__(self, axis: Axis) -> None:
        self.asked: dict[tuple[str, str], set[str]] = {}
        self._stack: list[tuple[str, str]] = []
        super().__init__(axis)

    def supply(self, view: Compartment, field: Field) -> Any:
        self._note(view, field.name)
        return super().supply(view, field)

    def evaluate(self, view: Compartment, equation: Equation) -> Any:
        self._note(view, equation.name)
        self._stack.append((view.name, equation.name))
        self.asked.setdefault(self._stack[-1], set())
        value = super().evaluate(view, equation)
        self._stack.pop()
        return value

    def _note(self, view: Compartment, name: str) -> None:
        if self._stack and self._stack[-1][0] == view.name:
            self.asked[self._stack[-1]].add(name)

    def _input(self, view: Compartment, field: Input) -> Any:
        rest = np.asarray(1.0 if isinstance(field.rest, str) else field.rest, float)
        return np.broadcast_to(rest[..., None], self._shape(view, field)) * units.factor(field.unit)

    def _shape(self, view: Compartment, field: Any) -> tuple[int, ...]:
        length = self.length(view, field)
        return (1,) if length is None else (length, 1)

    def state(self, view: Compartment, field: State) -> Any:
        start = field.start
        if isinstance(start, str):
            start = type(view)._members[start].value
        start = np.asarray(start, float)
        return np.broadcast_to(start[..., None], self._shape(view, field)) * units.factor(field.unit)

    def param(self, view: Compartment, field: Param) -> Any:
        return np.asarray(field.value, float)[..., None] * units.factor(field.unit)

    def unknown(self, view: Compartment, field: Unknown) -> Any:
        start = np.asarray(field.start, float)[..., None]
        return np.broadcast_to(start, self._shape(view, field)) * units.factor(field.unit)

    def run(self) -> dict[tuple[str, str], set[str]]:
        """Evaluate every equation of every compartment; return the names that each asked for."""
        problems: list[str] = []
        with np.errstate(all="ignore"):
            for view in self.views.values():
                for name, member in type(view)._members.items():
                    if isinstance(member, Equation):
                        self._try(view, name, problems)
        if problems:
            raise ModelError(*problems)
        return self.asked

    def _try(self, view: Compartment, name: str, problems: list[str]) -> None:
        self._stack.clear()
        try:
            getattr(view, name)
        except ModelError:
            raise
        except Exception as error:
            where = ".".join(self._stack[-1] if self._stack else (view.name, name))
            mend = "declare the field" if isinstance(error, AttributeError) else "mend the expression"
            problem = f"{where}: the equation cannot be read ({error}); {mend}"
            if problem not in problems:
                problems.append(problem)


def depends(asked: Mapping[tuple[str, str], set[str]], compartment: str, name: str) -> set[str]:
    """Return all field and equation names that `name` rests on inside one compartment."""
    found: set[str] = set()
    open_ = [name]
    while open_:
        for other in asked.get((compartment, open_.pop()), ()):
            if other not in found:
                found.add(other)
                open_.append(other)
    return found


__all__ = ["Balance", "Numbers", "Reading", "Recorder", "depends"]
