"""The symbolic reading: printed equations, what reads what, and a second way to the numbers.

Scalars are sympy symbols, vectors object arrays [length, 1] of symbols. Symbols stand for
coherent values. A daily window is read at the moment itself, as with `clock.step` at 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model import units
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import (
    Compartment,
    Equation,
    Field,
    Input,
    Param,
    Rate,
    State,
    Unknown,
)
from gutbrain.model.reading import Reading

try:
    import sympy

    from gutbrain.model.expressions import apply, stack, symbolic, total, window
except ImportError as error:
    raise InputError("printed equations need sympy: pip install 'gutbrain[equations]'") from error

__all__ = ["Name", "Symbols", "apply", "equations", "evaluate", "jacobian_pattern", "stack", "total", "window"]


def _number(value: float) -> sympy.Expr:
    return sympy.Integer(int(value)) if value == int(value) and abs(value) < 1e9 else sympy.Float(value)


@dataclass(frozen=True)
class Name:
    """What a symbol stands for: a field or equation of a compartment, and its entry in a vector."""

    compartment: str
    member: str
    entry: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.compartment}.{self.member}" + (f"[{', '.join(self.entry)}]" if self.entry else "")


class Symbols(Reading):
    """Read the equations on sympy symbols.

    Parameters
    ----------
    open_terms : expand terms, outputs and levers down to states, parameters, unknowns and lever
        offsets; otherwise each is a symbol of its own and `defined` holds what it stands for
    """

    def __init__(self, axis: Axis, open_terms: bool = False) -> None:
        self.open_terms = open_terms
        self.names: dict[sympy.Symbol, Name] = {}
        self.defined: dict[tuple[str, str], Any] = {}
        self.offsets: dict[sympy.Symbol, str] = {}
        super().__init__(axis)

    def symbol(self, compartment: str, member: str, entry: tuple[str, ...] = ()) -> sympy.Symbol:
        """Return the symbol of one number of a compartment."""
        name = Name(compartment, member, entry)
        symbol = sympy.Symbol(str(name), real=True)
        self.names[symbol] = name
        return symbol

    def field(self, view: Compartment, name: str, axes: tuple[tuple[str, ...], ...]) -> Any:
        """Return a symbol, or an array [*axes, 1] of symbols."""
        if not axes:
            return self.symbol(view.name, name)
        entries = np.empty((*map(len, axes), 1), dtype=object)
        for index in np.ndindex(*map(len, axes)):
            entry = tuple(axis[i] for axis, i in zip(axes, index, strict=True))
            entries[(*index, 0)] = self.symbol(view.name, name, entry)
        return symbolic(entries)

    def labels(self, view: Compartment, field: Any) -> tuple[tuple[str, ...], ...]:
        names = field.axes if isinstance(field, Param) else filter(None, [field.over])
        return tuple(type(view).axes[axis] for axis in names)

    def state(self, view: Compartment, field: State) -> Any:
        return self.field(view, field.name, self.labels(view, field))

    def param(self, view: Compartment, field: Param) -> Any:
        return self.field(view, field.name, self.labels(view, field))

    def unknown(self, view: Compartment, field: Unknown) -> Any:
        return self.field(view, field.name, self.labels(view, field))

    def constant(self, value: Any, unit: str, length: int | None) -> Any:
        coherent = np.asarray(value, float) * units.factor(unit)
        if length is None:
            return _number(float(coherent))
        return symbolic([[_number(float(entry))] for entry in np.broadcast_to(coherent, (length,))])

    def lever(self, view: Compartment, field: Input) -> Any:
        """Return rest plus the lever's offset; the offset is a symbol in the lever's declared unit."""
        labels = type(view).axes[field.over] if field.over else (None,)
        rows = []
        for label in labels:
            key = field.signal if label is None else f"{field.signal}[{label}]"
            offset = sympy.Symbol(f"offset({key})", real=True)
            self.offsets[offset] = key
            rows.append(offset * _number(units.factor(field.unit)))
        return self.rest(view, field) + (symbolic([[row] for row in rows]) if field.over else rows[0])

    def _input(self, view: Compartment, field: Input) -> Any:
        value = super()._input(view, field)
        wire = self.axis.wires[view.name, field.name]
        if wire.giver and not wire.cut:
            return value
        return self._closed(view, field.name, value, self.labels(view, field))

    def evaluate(self, view: Compartment, equation: Equation) -> Any:
        value = equation.method(view)
        if isinstance(value, tuple):
            self.defined[view.name, equation.name] = value
        else:
            value = self._closed(view, equation.name, value, self.axes_of(view, equation, value))
        view.__dict__[equation.name] = value
        return value

    def _closed(self, view: Compartment, name: str, value: Any, axes: tuple[tuple[str, ...], ...]) -> Any:
        """Keep what `name` stands for, and go on with its symbol unless terms are opened."""
        if not axes and isinstance(value, np.ndarray):
            value = value.reshape(-1)[0]
        value = value if isinstance(value, np.ndarray) else sympy.sympify(value)
        self.defined[view.name, name] = value
        return value if self.open_terms else self.field(view, name, axes)

    def axes_of(self, view: Compartment, equation: Equation, value: Any) -> tuple[tuple[str, ...], ...]:
        """Terms do not declare their axes: find the axis of the compartment that has this length."""
        shape = np.shape(value)[:-1]
        over = getattr(equation, "over", None)
        if isinstance(equation, Rate):
            over = type(view)._members[equation.of].over
        known = {len(labels): labels for labels in type(view).axes.values()}
        if over and len(shape) == 1:
            known = {shape[0]: type(view).axes[over]}
        return tuple(known.get(length, tuple(map(str, range(length)))) for length in shape)

    def all_equations(self) -> Iterator[tuple[Compartment, Equation]]:
        """Read every equation of every compartment and yield it."""
        for view in self.views.values():
            for name, member in type(view)._members.items():
                if isinstance(member, Equation):
                    getattr(view, name)
                    yield view, member


def equations(axis: Axis) -> list[Any]:
    """Print every equation of an axis: a list of `printed.EquationText`."""
    from gutbrain.model import printed

    return printed.equations(axis)


# -- what reads what ----------------------------------------------------------------------------


def jacobian_pattern(axis: Axis) -> dict[str, frozenset[str]]:
    """Return, for every state row and output, the state rows and levers that its equation rests on.

    A state row stands for its rate. Paths through terms, outputs of other compartments and
    balances are followed to their ends.
    """
    reading = Symbols(axis)
    for _ in reading.all_equations():
        pass
    rows = {(axis.givers[c.signal].compartment, axis.givers[c.signal].member, c.index): label
            for label, c in axis.columns.items() if c.is_state}  # fmt: skip

    @cache
    def symbols_of(name: Name) -> set[Any]:
        member = type(reading.views[name.compartment])._members[name.member]
        if isinstance(member, Unknown):
            balance = axis.balances[name.compartment, name.member].name
            values = list(np.reshape(reading.defined[name.compartment, balance], -1))
        elif (name.compartment, name.member) in reading.defined and not isinstance(member, (State, Param)):
            value = np.reshape(reading.defined[name.compartment, name.member], -1)
            values = [value[_index(reading, name)]] if name.entry else list(value)
        else:
            values = []
        return {symbol for value in values for symbol in sympy.sympify(value).free_symbols}

    def below(expression: Any) -> frozenset[str]:
        # A balance reads what it defines, so names are followed in a list and each only once.
        found, seen, waiting = set(), set(), list(sympy.sympify(expression).free_symbols)
        while waiting:
            symbol = waiting.pop()
            name = reading.names.get(symbol)
            if symbol in reading.offsets:
                found.add(reading.offsets[symbol])
            elif name is not None and name not in seen:
                seen.add(name)
                index = _index(reading, name) if name.entry else None
                state = rows.get((name.compartment, name.member, index))
                found |= {state} if state else set()
                waiting += symbols_of(name)
        return frozenset(found)

    pattern = {}
    rates = {(part, equation.of): equation.name for part, equation in axis.rate_equations}
    for label, column in axis.columns.items():
        giver = axis.givers[column.signal]
        member = rates[giver.compartment, giver.member] if column.is_state else giver.member
        value = np.reshape(reading.defined[giver.compartment, member], -1)
        entry = value[0] if column.index is None or value.size == 1 else value[column.index]
        pattern[label] = below(entry)
    return pattern


def _index(reading: Symbols, name: Name) -> int:
    """Return the place of a vector entry in the flattened array of its member."""
    view = reading.views[name.compartment]
    member: Field | Equation = type(view)._members[name.member]
    if isinstance(member, Equation):
        axes = reading.axes_of(view, member, reading.defined[name.compartment, name.member])
    else:
        axes = reading.labels(view, member)
    place = [labels.index(entry) for labels, entry in zip(axes, name.entry, strict=True)]
    return int(np.ravel_multi_index(place, [len(labels) for labels in axes]))


# -- numbers ------------------------------------------------------------------------------------

_compiled: WeakKeyDictionary[Axis, Any] = WeakKeyDictionary()


def evaluate(
    axis: Axis,
    y: Any,
    parameters: Mapping[str, Any],
    levers: Mapping[str, Any],
    labels: tuple[str, ...] | None = None,
) -> np.ndarray:
    """Evaluate the symbolic right-hand side on numbers.

    Parameters
    ----------
    y, parameters, levers : as in `Axis.read` (states declared, parameters coherent, offsets declared)
    labels : signals to return; the rates of all states without it

    Returns
    -------
    array [rows or labels, people], declared units, per day for rates. Unknowns of balances are
    numbers, solved by the numeric reading.
    """
    if axis not in _compiled:
        _compiled[axis] = _compile(axis)
    names, offsets, function, columns = _compiled[axis]
    numbers = axis.read(y, parameters, levers)
    people = np.shape(y)[1]
    solved = {key: np.asarray(getattr(numbers.views[key.partition(".")[0]], key.partition(".")[2]))
              for key in axis.unknowns()}  # fmt: skip
    values = []
    for name, index in names:
        key = f"{name.compartment}.{name.member}"
        if key in parameters:
            array = np.asarray(parameters[key])
        elif key in solved:
            array = solved[key]
        else:
            rows = axis.slices[name.compartment, name.member]
            array = np.asarray(y)[rows] * units.factor(axis.state(name.compartment, name.member).unit)
        values.append(array.reshape(-1, array.shape[-1])[index])
    values += [np.asarray(levers.get(key, 0.0)) for key in offsets]
    with np.errstate(all="ignore"):
        found = dict(zip(columns, function(*values), strict=True))
    wanted = [("rate", row) for row in axis.rows] if labels is None else [("signal", label) for label in labels]
    factor = [units.factor(axis.columns[label].unit) for _, label in wanted]
    return np.stack([np.broadcast_to(found[key], (people,)) / f for key, f in zip(wanted, factor, strict=True)])


def _compile(axis: Axis) -> Any:
    """Turn all equations into one numpy function that assigns each term once."""
    reading = Symbols(axis)
    for _ in reading.all_equations():
        pass
    assignments = []
    for (compartment, member), value in reading.defined.items():
        if isinstance(value, tuple):
            continue
        view = reading.views[compartment]
        symbols = np.reshape(np.asarray(view.__dict__[member], object), -1)
        assignments += list(zip(symbols, np.reshape(np.asarray(value, object), -1), strict=True))
    rates = {(part, equation.of): equation.name for part, equation in axis.rate_equations}
    columns, targets = [], []
    for label, column in axis.columns.items():
        giver = axis.givers[column.signal]
        view = reading.views[giver.compartment]
        wanted = [("signal", giver.member)]
        if column.is_state:
            wanted.append(("rate", rates[giver.compartment, giver.member]))
        for kind, member in wanted:
            value = np.reshape(np.asarray(getattr(view, member), object), -1)
            columns.append((kind, label))
            targets.append(value[0] if value.size == 1 else value[column.index or 0])
    assigned = {symbol for symbol, _ in assignments}
    free = [symbol for symbol in reading.names if symbol not in assigned]
    inputs = [(reading.names[s], _index(reading, reading.names[s]) if reading.names[s].entry else 0) for s in free]
    arguments = [*free, *reading.offsets]
    plain = {symbol: sympy.Symbol(f"x{i}", real=True) for i, symbol in enumerate([*arguments, *assigned])}
    assignments = [(plain[symbol], sympy.sympify(value).xreplace(plain)) for symbol, value in assignments]
    function = sympy.lambdify(
        [plain[symbol] for symbol in arguments],
        [sympy.sympify(value).xreplace(plain) for value in targets],
        modules="numpy",
        cse=lambda found: (assignments, found),
    )
    return inputs, list(reading.offsets.values()), function, columns
