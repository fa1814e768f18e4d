"""An axis as SBML: every equation, unit and source, for one person and what he undergoes.

Level 3 version 2, because `max` and `min` came with it. Random daily events and noise of mood are
left out: SBML has neither, so what is written is the mean course. Times are days from midnight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import root

from gutbrain.errors import InputError
from gutbrain.export.sbml_acts import Driven, driven
from gutbrain.export.sbml_notes import about_model, about_quantity, noted
from gutbrain.export.sbml_system import RELAXATION, Function, Quantity, System
from gutbrain.export.sbml_units import DAY, DIMENSIONLESS, KINDS, Unit
from gutbrain.export.whole_file import whole_file
from gutbrain.model import units
from gutbrain.model.reading import Numbers
from gutbrain.people.cohort import Cohort

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis
    from gutbrain.protocols.protocol import Act

RELAXATION_RATE = 1e8  # per day: a balance is found within a thousandth of a second


@dataclass(frozen=True)
class Written:
    """What a file holds: the quantities, what libSBML says of it, and its text."""

    quantities: tuple[Quantity, ...]
    functions: tuple[Function, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    text: str


def write_sbml(
    axis: Axis, out: Path, *, person: Cohort | None = None, acts: Sequence[Act] = (), title: str = "",
    force: bool = False,
) -> Written:  # fmt: skip
    """Write an axis as SBML.

    Parameters
    ----------
    person : one person; his settled start is the initial state. The reference person without it
    acts : what the person undergoes, with resolved doses (`sbml_acts.typical_acts`)
    title : what the model is called

    Raises
    ------
    InputError
        If libSBML finds an error, or the file exists and `force` is not set; nothing is written then.
    """
    with whole_file(out, force) as path:
        written = sbml(axis, person=person, acts=acts, title=title)
        if written.errors:
            raise InputError(f"libSBML finds {len(written.errors)} errors, the first: {written.errors[0]}", file=out)
        path.write_text(written.text, encoding="utf-8")
    return written


def sbml(axis: Axis, *, person: Cohort | None = None, acts: Sequence[Act] = (), title: str = "") -> Written:
    """Return an axis as SBML text, checked by libSBML with its units; see `write_sbml`.

    Raises
    ------
    InputError
        If there is more than one person, or an act or equation has no formula.
    """
    import libsbml

    person = Cohort.reference(axis) if person is None else person
    if person.size != 1:
        raise InputError(f"SBML describes one person, not {person.size}")
    moved = driven(axis, acts)
    quantities, functions = quantities_of(axis, person, moved)
    document = libsbml.SBMLDocument(3, 2)
    model = document.createModel()
    model.setId("gut_brain_axis")
    model.setName(title or f"{axis.name} axis")
    noted(model, about_model(axis, person, moved))
    model.setTimeUnits(DAY.id)
    wanted = {DAY, *(one.unit for one in quantities)}
    _units(model, wanted)
    for function in functions:
        _function(libsbml, model, function)
    for one in quantities:
        _parameter(model, one)
    for one in quantities:
        if one.kind == "switch":
            _switch(libsbml, model, one)
        elif one.formula:
            _rule(libsbml, model, one)
    text = libsbml.writeSBMLToString(document)
    errors, warnings = checked(text)
    return Written(tuple(quantities), tuple(functions), errors, warnings, text)


def quantities_of(axis: Axis, person: Cohort, moved: Driven) -> tuple[list[Quantity], list[Function]]:
    """Return quantities and functions of the file, in the order in which they stand there."""
    start = axis.start(person.parameters)[:, 0] if person.start is None else person.start[:, 0]
    parameters = {name: np.asarray(value)[..., :1] for name, value in person.parameters.items()}
    system = System(axis, parameters, start, moved.levers)
    found = system.quantities()
    if any(one.kind == "balance" for one in found):
        solved = _solved(axis, parameters, start, moved)
        found = [replace(one, value=solved[one.name]) if one.kind == "balance" else one for one in found]
        found.insert(0, Quantity(
            RELAXATION, "rate at which a balance is found", DAY**-1.0, "conversion", RELAXATION_RATE,
            about="The axis solves its balances at every moment. Here they are approached at this rate, which no "
                  "state can tell from the solution; it makes the equations stiff, so take an implicit solver.",
        ))  # fmt: skip
    return [*moved.quantities, *found], system.functions


class AtStart(Numbers):
    """Read the equations on plain arrays at one moment; balances are solved there."""

    def unknown(self, view: Any, field: Any) -> Any:
        equation = self.axis.balances[view.name, field.name]
        for name in self.axis.steady[view.name, field.name]:
            getattr(view, name)

        def residual(logs: np.ndarray) -> np.ndarray:
            shadow = object.__new__(type(view))
            shadow.__dict__.update(view.__dict__)
            shadow.__dict__[field.name] = np.exp(logs)[:, None]
            return logs - np.log(np.reshape(equation.method(shadow), -1))

        first = np.log(np.broadcast_to(np.asarray(field.start, float), (self.length(view, field) or 1,)))
        return np.exp(root(residual, first + np.log(units.factor(field.unit)), tol=1e-13).x)[:, None]


def _solved(axis: Axis, parameters: dict[str, np.ndarray], start: np.ndarray, moved: Driven) -> dict[str, float]:
    """Return the balances at the start, declared units, by full name."""
    levers: dict[str, Any] = {}
    for act in moved.acts:
        levers[act.lever] = levers.get(act.lever, 0.0) + act.dose * act.values(np.zeros(1), 0.0)
    reading = AtStart(axis, start[:, None], axis.coherent(parameters), levers)
    found: dict[str, float] = {}
    for key, unknown in axis.unknowns().items():
        compartment, _, member = key.partition(".")
        values = getattr(reading.views[compartment], member)[:, 0] / units.factor(unknown.unit)
        labels = type(axis.part(compartment)).axes[unknown.over] if unknown.over else ("",)
        names = [f"{key}[{label}]" if label else key for label in labels]
        found |= dict(zip(names, map(float, values), strict=True))
    return found


def checked(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the errors and the warnings that libSBML finds in a text, units and all."""
    import libsbml

    document = libsbml.readSBMLFromString(text)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.checkConsistency()
    errors: list[str] = []
    warnings: list[str] = []
    for place in range(document.getNumErrors()):
        found = document.getError(place)
        said = f"line {found.getLine()}: {' '.join(found.getMessage().split())}"
        (errors if found.getSeverity() >= libsbml.LIBSBML_SEV_ERROR else warnings).append(said)
    return tuple(errors), tuple(warnings)


# -- parts of the document ---------------------------------------------------------------------------


def _units(model: Any, wanted: set[Unit]) -> None:
    import libsbml

    for unit in sorted(wanted, key=lambda one: one.id):
        if unit.id == DIMENSIONLESS:
            continue
        definition = model.createUnitDefinition()
        definition.setId(unit.id)
        definition.setName(unit.text)
        for name, power in unit.powers:
            kind, scale, multiplier = KINDS[name]
            part = definition.createUnit()
            part.setKind(libsbml.UnitKind_forName(kind))
            part.setExponent(float(power))
            part.setScale(scale)
            part.setMultiplier(multiplier)


def _parameter(model: Any, one: Quantity) -> None:
    made = model.createParameter()
    made.setId(one.id)
    made.setName(one.name)
    made.setUnits(one.unit.id)
    made.setConstant(not one.formula)
    if one.value is not None:
        made.setValue(float(one.value))
    noted(made, about_quantity(one))


def _function(libsbml: Any, model: Any, function: Function) -> None:
    made = model.createFunctionDefinition()
    made.setId(function.id)
    made.setMath(_tree(libsbml, f"lambda({', '.join(function.arguments)}, {function.body})", function.id))
    noted(made, [function.about] if function.about else [])


def _rule(libsbml: Any, model: Any, one: Quantity) -> None:
    rule = model.createRateRule() if one.moves else model.createAssignmentRule()
    rule.setVariable(one.id)
    rule.setMath(_tree(libsbml, one.formula, one.name))


def _switch(libsbml: Any, model: Any, one: Quantity) -> None:
    """Write a switch: its value at the start, and two events that turn it, so that solvers stop at its edges."""
    yes, no = (f"{value} {DIMENSIONLESS}" for value in (1, 0))
    first = model.createInitialAssignment()
    first.setSymbol(one.id)
    first.setMath(_tree(libsbml, f"piecewise({yes}, {one.formula}, {no})", one.name))
    for word, value, condition in (("begins", yes, one.formula), ("ends", no, f"!({one.formula})")):
        event = model.createEvent()
        event.setId(f"{one.id}_{word}")
        event.setUseValuesFromTriggerTime(True)
        trigger = event.createTrigger()
        # Events set the switch at the start too: some programs keep its old value when a model is reset.
        trigger.setInitialValue(False)
        trigger.setPersistent(True)
        trigger.setMath(_tree(libsbml, condition, one.name))
        turned = event.createEventAssignment()
        turned.setVariable(one.id)
        turned.setMath(_tree(libsbml, value, one.name))


def _tree(libsbml: Any, text: str, name: str) -> Any:
    tree = libsbml.parseL3Formula(text)
    if tree is None:
        raise InputError(f"{name} cannot be written as SBML: {libsbml.getLastParseL3Error()}")
    return tree
