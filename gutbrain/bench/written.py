"""The case as other simulators read it: one SBML text, and the numbers of each person by SId."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from gutbrain.export.sbml import AtStart, Written, sbml
from gutbrain.export.sbml_acts import typical_acts
from gutbrain.export.sbml_system import sid
from gutbrain.model import units
from gutbrain.people.cohort import Cohort

if TYPE_CHECKING:
    from gutbrain.bench.case import Case, Person
    from gutbrain.model.axis import Axis

# Shorter than the shortest window, the half hour after waking: who looks for events at the ends of steps finds it.
LONGEST_STEP = 0.02  # days


@lru_cache(maxsize=1)
def written(case: Case) -> Written:
    """Return the standard axis with the acts of the case, as `gutbrain export sbml` writes it."""
    person = Cohort.reference(case.axis)
    return sbml(case.axis, person=person, acts=typical_acts(case.axis, person, case.acts))


def numbers(axis: Axis, person: Person) -> dict[str, float]:
    """Return all numbers of one person by SId: parameters, states, doses, and balances solved at the start."""
    found: dict[str, float] = {}
    for name, value in person.parameters.items():
        over = type(axis.part(name.partition(".")[0])).axes
        labels = [over[one] for one in axis.parameters[name].axes]
        for index in np.ndindex(*value.shape[:-1]):
            entry = ", ".join(each[place] for each, place in zip(labels, index, strict=True))
            found[sid(f"{name}[{entry}]" if entry else name)] = float(value[(*index, 0)])
    found |= {sid(row): float(value) for row, value in zip(axis.rows, person.start, strict=True)}
    found |= {f"act_{place}_dose": float(dose) for place, dose in enumerate(person.dose, 1)}
    reading = AtStart(axis, person.start[:, None], axis.coherent(person.parameters), {})
    for key, unknown in axis.unknowns().items():
        compartment, _, member = key.partition(".")
        values = getattr(reading.views[compartment], member)[:, 0] / units.factor(unknown.unit)
        entries = type(axis.part(compartment)).axes[unknown.over] if unknown.over else ("",)
        for entry, value in zip(entries, values, strict=True):
            found[sid(f"{key}[{entry}]" if entry else key)] = float(value)
    return found


def tolerances(case: Case, names: list[str], share: float) -> list[float]:
    """Return the absolute tolerance of each quantity that moves: a share of its range, of balances of 0.1 g/L."""
    span = dict(zip(map(sid, case.axis.rows), map(float, case.span), strict=True))
    return [share * span.get(name, 0.1) for name in names]
