"""Acts of a protocol as SBML: doses and times as parameters, shapes as piecewise formulas of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gutbrain.errors import InputError
from gutbrain.export.sbml_maths import inside, number
from gutbrain.export.sbml_system import Quantity
from gutbrain.export.sbml_units import DAY, NONE, declared
from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Act, Trial, check_acts, own_rest
from gutbrain.protocols.shapes import Daily, Ramp, Speech


@dataclass(frozen=True)
class Driven:
    """What acts become: their quantities, and the formula of every lever that they move."""

    quantities: list[Quantity]
    levers: dict[str, str]
    acts: list[Act]


def acts_of(trial: Trial, arm: int) -> list[Act]:
    """Return the acts of everyone and of one arm."""
    return [act for number, act in trial.acts if number in (None, arm)]


def typical_acts(axis: Axis, person: Cohort, acts: Sequence[Act]) -> list[Act]:
    """Return acts with their doses as the reference person keeps them: centre of belief, mean of what people keep."""
    check_acts(axis, list(acts))
    found = []
    for act in acts:
        rest = float(own_rest(axis, person.parameters, act.lever)[0]) if act.relative else 1.0
        found.append(replace(act, dose=act.dose * act.kept_mean * rest, kept_mean=1.0, kept=None, belief=None,
                             relative=False))  # fmt: skip
    return found


def driven(axis: Axis, acts: Sequence[Act]) -> Driven:
    """Write acts (with resolved doses) as quantities.

    Raises
    ------
    InputError
        For a shape that has no formula.
    """
    found: list[Quantity] = []
    levers: dict[str, str] = {}
    for place, act in enumerate(acts, 1):
        name = f"act_{place}"
        lever = axis.levers[act.lever.partition("[")[0]]
        about = act.about or f"moves {act.lever}"
        found.append(Quantity(f"{name}_dose", f"dose of act {place} on {act.lever}", declared(lever.unit), "act",
                              act.dose, about=about, source=act.source, grade=act.grade))  # fmt: skip
        found.append(Quantity(f"{name}_start", f"start of act {place}", DAY, "act", act.start, about="day it begins"))
        within = f"(time >= {name}_start)"
        if np.isfinite(act.end):
            found.append(Quantity(f"{name}_end", f"end of act {place}", DAY, "act", act.end, about="day it ends"))
            within = f"({within} && (time < {name}_end))"
        on, size = _shape(act, f"(time - {name}_start)")
        condition = f"({within} && ({on}))" if on else within
        open_ = Quantity(f"{name}_on", f"act {place} on {act.lever} is on", NONE, "switch", formula=condition,
                         about="1 while the act goes on, else 0")  # fmt: skip
        text = f"{name}_on * {size}" if size else f"{name}_on"
        found += [open_, Quantity(name, f"act {place} on {act.lever}, share of its dose", NONE, "act", formula=text,
                                  about=about)]  # fmt: skip
        term = f"{name}_dose * {name}"
        levers[act.lever] = f"{levers[act.lever]} + {term}" if act.lever in levers else term
    return Driven(found, levers, list(acts))


def _shape(act: Act, since: str) -> tuple[str, str]:
    """Return when within its days an act is on, as a condition, and its share of the dose then; empty for always, 1."""
    if act.shape is None:
        return "", ""
    if isinstance(act.shape, Daily):
        return inside(f"({since} - {number(act.shape.hour / 24, DAY)})", number(act.shape.hours / 24, DAY)), ""
    if isinstance(act.shape, Speech):
        running = f"({since} - floor({since}))" if act.shape.every_day else since
        spoken = f"({running} - {number(act.shape.hour / 24, DAY)})"
        past = f"max({spoken} - {number(act.shape.plateau / 24, DAY)}, {number(0, DAY)})"
        return f"{spoken} >= {number(0, DAY)}", f"exp(-({past}) / {number(act.shape.decay / 24, DAY)})"
    if isinstance(act.shape, Ramp):
        grown = f"{since} / {number(act.shape.days, DAY)}"
        return "", f"max(min({grown}, {number(1, NONE)}), {number(0, NONE)})"
    raise InputError(f"the act on {act.lever} follows a shape of its own, which has no formula",
                     mend="Use Daily, Speech or Ramp, or no shape")  # fmt: skip


__all__ = ["Driven", "acts_of", "driven", "typical_acts"]
