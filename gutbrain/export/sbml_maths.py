"""Expressions of the symbolic reading as SBML formulas, with a unit on every number.

Symbols stand for coherent values, SBML parameters for declared ones: where the two differ, the
parameter is multiplied by a conversion that the model declares, so that nothing is converted unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from gutbrain.export.sbml_units import DAY, NONE, Unit
from gutbrain.model.expressions import Total

FUNCTIONS = {sympy.exp: "exp", sympy.log: "ln", sympy.tanh: "tanh", sympy.cos: "cos", sympy.sin: "sin"}
RELATIONS = {
    sympy.StrictGreaterThan: ">", sympy.StrictLessThan: "<", sympy.GreaterThan: ">=", sympy.LessThan: "<=",
}  # fmt: skip
EXTREMES = {sympy.Max: "max", sympy.Min: "min"}


@dataclass(frozen=True)
class Word:
    """What a symbol is called in SBML, its coherent unit, and the text that gives its coherent value."""

    id: str
    unit: Unit
    text: str


class UnwritableError(ValueError):
    """An expression that SBML formulas cannot hold."""


def unit_of(expression: Any, words: Mapping[Any, Word]) -> Unit | None:
    """Return the coherent unit of an expression, None for a plain number (which fits any sum)."""
    if expression.is_number:
        return None
    if isinstance(expression, sympy.Symbol):
        return words[expression].unit
    if isinstance(expression, sympy.Mul):
        product = NONE
        for factor in expression.args:
            product *= unit_of(factor, words) or NONE
        return product
    if isinstance(expression, sympy.Pow):
        base = unit_of(expression.base, words) or NONE
        return base ** float(expression.exp) if expression.exp.is_number else NONE
    if isinstance(expression, (sympy.Add, Total, sympy.Max, sympy.Min)):
        return _first(expression.args, words)
    if isinstance(expression, sympy.Piecewise):
        return _first([value for value, _ in expression.args], words)
    if isinstance(expression, sympy.Mod):
        return unit_of(expression.args[0], words)
    return NONE


def _first(parts: Any, words: Mapping[Any, Word]) -> Unit | None:
    return next((unit for unit in (unit_of(part, words) for part in parts) if unit is not None), None)


def number(value: float, unit: Unit) -> str:
    """Return a number with its unit."""
    text = repr(int(value)) if value == int(value) and abs(value) < 1e9 else repr(float(value))
    return f"({text} {unit.id})" if value < 0 else f"{text} {unit.id}"


def formula(expression: Any, words: Mapping[Any, Word], unit: Unit | None = None) -> str:
    """Return an expression as an infix formula; plain numbers in sums stand in `unit`.

    Raises
    ------
    UnwritableError
        For a function that SBML lacks.
    """
    wanted = unit if unit is not None else unit_of(expression, words) or NONE

    def write(part: Any, of: Unit | None = None) -> str:
        return formula(part, words, of)

    if expression.is_number:
        return _number(expression, wanted)
    if isinstance(expression, sympy.Symbol):
        return words[expression].text
    if isinstance(expression, sympy.Mul):
        return _product(expression, words)
    if isinstance(expression, sympy.Pow):
        return _power(expression, words)
    if isinstance(expression, (sympy.Add, Total)):
        return "(" + " + ".join(write(part, wanted) for part in expression.args) + ")"
    for kind, name in EXTREMES.items():
        if isinstance(expression, kind):
            return f"{name}(" + ", ".join(write(part, wanted) for part in expression.args) + ")"
    for kind, name in FUNCTIONS.items():
        if isinstance(expression, kind):
            return f"{name}({write(expression.args[0], NONE)})"
    for kind, sign in RELATIONS.items():
        if isinstance(expression, kind):
            common = _first(expression.args, words)
            return "(" + f" {sign} ".join(write(part, common) for part in expression.args) + ")"
    if isinstance(expression, sympy.Mod):
        value, period = expression.args
        running, of = write(value), unit_of(value, words) or NONE
        if not period.is_number or float(period) != 1.0 or of != DAY:
            raise UnwritableError(f"only a time of day is written as a remainder, not {expression}")
        return f"({running} - floor({running}))"
    if isinstance(expression, sympy.Piecewise):
        pieces = [write(value, wanted) if at == True else f"{write(value, wanted)}, {write(at)}"  # noqa: E712
                  for value, at in expression.args]  # fmt: skip
        return "piecewise(" + ", ".join(pieces) + ")"
    raise UnwritableError(f"SBML has no {type(expression).__name__}")


def windows(expression: Any) -> dict[Any, tuple[Any, Any]]:
    """Return the daily windows in an expression: what is 1 inside them, with its running time and its duration."""
    found = {}
    for part in sorted(expression.atoms(sympy.Piecewise), key=str):
        (value, condition), (other, _) = part.args[0], part.args[-1]
        if len(part.args) != 2 or value != 1 or other != 0 or not isinstance(condition, sympy.StrictLessThan):
            continue
        since, duration = condition.args
        if isinstance(since, sympy.Mod) and float(since.args[1]) == 1.0:
            found[part] = since.args[0], duration
    return found


def inside(clock: str, duration: str) -> str:
    """Return the condition that a running time is within `duration` of its last whole day."""
    return f"({clock} - floor({clock})) < {duration}"


def _number(value: Any, unit: Unit) -> str:
    if isinstance(value, sympy.Rational) and not isinstance(value, sympy.Integer):
        return f"({number(int(value.p), unit)} / {number(int(value.q), NONE)})"
    return number(float(value), unit)


def _product(expression: Any, words: Mapping[Any, Word]) -> str:
    above, below, sign = [], [], ""
    for factor in expression.args:
        if factor.is_number and abs(float(factor)) == 1.0:
            sign = "-" if float(factor) < 0 else sign
        elif isinstance(factor, sympy.Pow) and factor.exp.is_number and factor.exp < 0:
            below.append(formula(factor.base ** (-factor.exp), words))
        elif isinstance(factor, sympy.Rational) and not isinstance(factor, sympy.Integer):
            if abs(factor.p) != 1:
                above.append(number(int(abs(factor.p)), NONE))
            below.append(number(int(factor.q), NONE))
            sign = "-" if factor.p < 0 else sign
        else:
            above.append(formula(factor, words, NONE if factor.is_number else None))
    text = " * ".join(above) if above else number(1, NONE)
    if below:
        text += " / " + (f"({' * '.join(below)})" if len(below) > 1 else below[0])
    return f"({sign}({text}))" if sign else f"({text})"


def _power(expression: Any, words: Mapping[Any, Word]) -> str:
    base, exponent = expression.args
    if exponent.is_number and exponent < 0:
        return f"({number(1, NONE)} / {formula(base**-exponent, words)})"
    root = formula(base, words, NONE if base.is_number else None)
    if exponent.is_number and float(exponent) == 0.5:
        return f"sqrt({root})"
    return f"({root}^{formula(exponent, words, NONE)})"
