"""The quantity reading: every equation once on pint quantities, to see that units and shapes fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import (
    Balance,
    Compartment,
    Equation,
    Events,
    Input,
    Noise,
    Output,
    Param,
    Rate,
    State,
    Unknown,
)
from gutbrain.model.reading import Reading


class Spoiled(Exception):
    """An equation rests on another one that is broken, which is reported already."""


class Quantities(Reading):
    """Read each equation on quantities in declared units, inputs at rest, states at start.

    Inputs hold their own declared unit, so that a broken equation spoils its own compartment only.
    `problems` collects (compartment, member, what, mend) and never stops at the first.
    """

    def __init__(self, axis: Axis) -> None:
        super().__init__(axis)
        self.problems: list[tuple[str, str, str, str]] = []
        self._broken: set[tuple[str, str]] = set()
        self.values: dict[tuple[str, str], Any] = {}

    def _array(self, value: Any, unit: str, length: int | None) -> Any:
        value = np.asarray(value, float)
        rows = value[..., None] if length is None else np.broadcast_to(value, (length,))[:, None]
        return units.quantity(np.array(rows), unit)

    def state(self, view: Compartment, field: State) -> Any:
        if isinstance(field.start, str):
            return getattr(view, field.start).to(units.quantity(1.0, field.unit).units)
        return self._array(field.start, field.unit, self.length(view, field))

    def param(self, view: Compartment, field: Param) -> Any:
        shape = tuple(len(type(view).axes[axis]) for axis in field.axes)
        return units.quantity(np.broadcast_to(np.asarray(field.value, float), shape)[..., None].copy(), field.unit)

    def unknown(self, view: Compartment, field: Unknown) -> Any:
        return self._array(field.start, field.unit, self.length(view, field))

    def lever(self, view: Compartment, field: Input) -> Any:
        value = self.rest(view, field)
        unit = units.quantity(1.0, field.unit).units
        return value.to(unit) if hasattr(value, "to") else units.quantity(np.asarray(value), "").to(unit)

    def constant(self, value: Any, unit: str, length: int | None) -> Any:
        return self._array(value, unit, length)

    def _input(self, view: Compartment, field: Input) -> Any:
        try:
            return self.lever(view, field)
        except Spoiled:
            raise
        except Exception as error:
            self._report(view, field.name, f"its rest does not fit: {error}", "give the rest in the declared unit")
            length = self.length(view, field)
            return self._array(1.0, field.unit, length)

    def evaluate(self, view: Compartment, equation: Equation) -> Any:
        key = view.name, equation.name
        if key in self._broken:
            raise Spoiled(key)
        try:
            value = equation.method(view)
        except Spoiled:
            self._broken.add(key)
            raise
        except Exception as error:
            self._broken.add(key)
            mend = "units must fit: convert by a Param with a unit, or correct a declared unit"
            self._report(view, equation.name, f"{type(error).__name__}: {error}", mend)
            raise Spoiled(key) from error
        view.__dict__[equation.name] = self.values[key] = value
        return value

    def _report(self, view: Compartment, member: str, what: str, mend: str) -> None:
        problem = view.name, member, " ".join(what.split()), mend
        if problem not in self.problems:
            self.problems.append(problem)

    def run(self) -> list[tuple[str, str, str, str]]:
        """Read all equations, compare them with what they declare, and return the problems."""
        with np.errstate(all="ignore"):
            for view in self.views.values():
                for name, member in type(view)._members.items():
                    try:
                        value = getattr(view, name)
                    except Spoiled:
                        continue
                    except Exception as error:
                        self._report(view, name, f"does not fit: {error}", "correct its unit or its start")
                        continue
                    if isinstance(member, Equation):
                        self._compare(view, member, value)
        return self.problems

    def _compare(self, view: Compartment, equation: Equation, value: Any) -> None:
        """See that a value has the unit and the shape that its equation declares."""
        members = type(view)._members
        length = None
        if isinstance(equation, Rate):
            field = members[equation.of]
            length = self.length(view, field)
            one, day = units.quantity(1.0, field.unit), units.quantity(1.0, "day")
            wanted = {Rate: one / day, Noise: one / day**0.5, Balance: one}.get(type(equation))
        elif isinstance(equation, Output):
            length, wanted = self.length(view, equation), units.quantity(1.0, equation.unit)
        else:
            return
        if isinstance(equation, Events):
            kinds = ((1 / day, "rate"), (one, "jump"), (units.quantity(1.0, ""), "log SD"))
            if not isinstance(value, tuple) or len(value) != 3:
                self._report(view, equation.name, "events are not a triple", "return (rate, median jump, log SD)")
                return
            for part, (unit, what) in zip(value, kinds, strict=True):
                self._fit(view, equation, part, unit, f"its {what}")
                self._shape(view, equation, part, length)
            return
        self._fit(view, equation, value, wanted, "it")
        self._shape(view, equation, value, length)

    def _fit(self, view: Compartment, equation: Equation, value: Any, wanted: Any, what: str) -> None:
        found = getattr(value, "units", units.quantity(1.0, "").units)
        # A plain 0 fits every unit, here as in sums.
        if not hasattr(value, "units") and not np.any(np.asarray(value, float)):
            return
        if found.dimensionality != wanted.dimensionality:
            self._report(
                view, equation.name, f"{what} has unit {plain(found)}, declared is {plain(wanted.units)}",
                "multiply or divide by a Param that carries the missing unit",
            )  # fmt: skip

    def _shape(self, view: Compartment, equation: Equation, value: Any, length: int | None) -> None:
        shape = np.shape(getattr(value, "magnitude", value))
        fits = [(), (1,)] if length is None else [(), (1,), (1, 1), (length, 1)]
        if shape not in fits:
            wanted = "a scalar" if length is None else f"a vector of {length}"
            self._report(view, equation.name, f"has shape {shape[:-1]}, declared is {wanted}", "index or sum the rows")

    def unit_of(self, compartment: str, member: str) -> str:
        """Return the coherent unit of a member, or nothing where it cannot be read."""
        try:
            value = getattr(self.views[compartment], member)
        except Spoiled:
            return ""
        return plain(getattr(value, "units", units.quantity(1.0, "").units))


def plain(unit: Any) -> str:
    """Return a coherent unit in the package's own words."""
    coherent = units.registry().Quantity(1.0, unit).to_base_units().units
    text = f"{coherent}".replace(" ", "").replace("decimetre**3", "L").replace("millimole", "mmol").replace("gram", "g")
    return {"dimensionless": "1"}.get(text, text)
