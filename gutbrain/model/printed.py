"""Printed equations: one LaTeX line an equation, with its sentence of physiology and its unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Balance, Compartment, Equation, Events, Noise, Output, Rate
from gutbrain.model.expressions import Total
from gutbrain.model.symbols import Name, Symbols


@dataclass(frozen=True)
class EquationText:
    """One equation as a reader sees it.

    Attributes
    ----------
    compartment, name, kind : where it stands; kind is rate, output, term, balance, noise or events
    left, latex : left and right side in LaTeX
    about : the sentence of physiology
    unit : unit of the left side; coherent for a term
    rows : labels of the vector rows that read alike (the first is printed); empty for a scalar
    """

    compartment: str
    name: str
    kind: str
    left: str
    latex: str
    about: str
    unit: str
    rows: tuple[str, ...] = ()


def equations(axis: Axis) -> list[EquationText]:
    """Print every equation of an axis; terms and outputs that others use stay symbols."""
    reading = Symbols(axis)
    unit_of = _units(axis)
    texts: list[EquationText] = []
    for view, equation in reading.all_equations():
        value = reading.defined[view.name, equation.name]
        about = " ".join((equation.__doc__ or "").split())
        unit = unit_of(view, equation)
        for rows, expression in _alike(reading, view, equation, value):
            printed = [_latex(reading, view, part) for part in expression]
            latex = printed[0] if len(printed) == 1 else r"\left(" + r",\; ".join(printed) + r"\right)"
            left = _left(reading, view, equation, rows)
            texts.append(EquationText(view.name, equation.name, equation.kind, left, latex, about, unit, rows))
    return texts


def _alike(
    reading: Symbols, view: Compartment, equation: Equation, value: Any
) -> list[tuple[tuple[str, ...], tuple[Any, ...]]]:
    """Group the rows of a vector equation that are the same but for the names of the row."""
    if isinstance(value, tuple):
        return [((), tuple(sympy.sympify(np.reshape(part, -1)[0]) for part in value))]
    axes = reading.axes_of(view, equation, value)
    if not axes:
        return [((), (value,))]
    groups: list[tuple[list[tuple[str, ...]], Any]] = []
    for place in np.ndindex(*map(len, axes)):
        labels = tuple(axis[i] for axis, i in zip(axes, place, strict=True))
        expression = np.reshape(value[place], -1)[0]
        for members, first in groups:
            renamed = expression
            for label, lead in zip(labels, members[0], strict=True):
                renamed = _renamed(reading, renamed, label, lead)
            if _plain(renamed) == _plain(first):
                members.append(labels)
                break
        else:
            groups.append(([labels], expression))
    return [(tuple(", ".join(labels) for labels in members), (first,)) for members, first in groups]


def _latex(reading: Symbols, view: Compartment, expression: Any) -> str:
    """Print an expression; a sum over a vector axis prints its first entry under a sum sign."""
    printed: dict[Any, str] = {}
    expression = sympy.sympify(expression)
    for number, sum_ in enumerate(sorted(expression.atoms(Total), key=lambda t: len(t.atoms(Total)))):
        axis = _axis_of(reading, view, sum_)
        if axis:
            labels = type(view).axes[axis]
            placed = sympy.Symbol(f"sum {number}")
            general = _renamed(reading, sum_.args[0], labels[0], axis)
            printed[placed] = r"\sum_{" + _words(axis) + "}" + _latex(reading, view, general)
            expression = expression.xreplace({sum_: placed})
    names = {symbol: _latex_name(name, reading.axis, view.name) for symbol, name in reading.names.items()}
    return sympy.latex(expression.replace(Total, sympy.Add), symbol_names=names | printed, mul_symbol=r"\,")


def _axis_of(reading: Symbols, view: Compartment, sum_: Any) -> str:
    """Name the vector axis over which a sum runs, if its entries differ by their row only."""
    for axis, labels in type(view).axes.items():
        if len(labels) == len(sum_.args):
            alike = [_renamed(reading, entry, label, labels[0]) for entry, label in zip(sum_.args, labels, strict=True)]
            if sum_.args[0].free_symbols and all(entry == alike[0] for entry in alike):
                return axis
    return ""


def _renamed(reading: Symbols, expression: Any, label: str, other: str) -> Any:
    """Swap two row labels in an expression, so that sums over all rows stay as they are."""
    swap = {label: other, other: label}
    renamed = {}
    for symbol in sympy.sympify(expression).free_symbols:
        name = reading.names.get(symbol)
        if name and set(name.entry) & set(swap):
            renamed[symbol] = reading.symbol(name.compartment, name.member, tuple(swap.get(e, e) for e in name.entry))
    return sympy.sympify(expression).xreplace(renamed)


def _plain(expression: Any) -> Any:
    return sympy.sympify(expression).replace(Total, sympy.Add)


def _words(name: str) -> str:
    return r"\text{" + name.replace("_", " ") + "}"


def _latex_name(name: Name, axis: Axis, here: str) -> str:
    """Name a symbol: the member, and where it comes from when that is another compartment."""
    below = [_words(entry) for entry in name.entry]
    if name.compartment != here:
        below.append(_words(name.compartment))
    return _words(name.member) + ("_{" + r",\,".join(below) + "}" if below else "")


def _left(reading: Symbols, view: Compartment, equation: Equation, rows: tuple[str, ...]) -> str:
    member = equation.of if isinstance(equation, Rate) else equation.name
    name = _latex_name(Name(view.name, member, tuple(rows[0].split(", ")) if rows else ()), reading.axis, view.name)
    if type(equation) is Rate:
        return r"\frac{d\," + name + "}{dt}"
    other: dict[type, str] = {Noise: r"\sigma\left(" + name + r"\right)", Events: r"\text{jumps of }" + name}
    return other.get(type(equation), name)


def _units(axis: Axis) -> Callable[[Compartment, Equation], str]:
    from gutbrain.model.quantities import Quantities

    quantities = Quantities(axis)

    def of(view: Compartment, equation: Equation) -> str:
        if isinstance(equation, Output):
            return equation.unit
        if isinstance(equation, Events):
            return ""
        if isinstance(equation, Rate):
            unit = type(view)._members[equation.of].unit
            known: dict[type, str] = {Rate: f"{unit}/day", Noise: f"{unit}/day**0.5", Balance: unit}
            return known[type(equation)]
        return quantities.unit_of(view.name, equation.name)

    return of
