"""Acts of an arm as PEtab periods: what each lever is set to, and when.

Levers are held constant within a step of the run, as the cohort engine holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gutbrain.export.petab_priors import DIGITS, Prior, prior, written
from gutbrain.export.sbml_system import lever_id
from gutbrain.model.axis import Axis
from gutbrain.model.spread import Spread
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Act, own_rest

FADED = 1e-3  # share of a dose below which a fading act counts as over

Changes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Dose:
    """A dose that is only believed: a parameter of the fit. Acts that share lever, dose and belief share it."""

    id: str
    prior: Prior
    act: Act
    unit: str


Doses = dict[tuple[str, float, Spread | None], Dose]


@dataclass
class Conditions:
    """The conditions of a problem; the same changes have the same name."""

    named: dict[Changes, str] = field(default_factory=dict)

    def of(self, changes: Changes) -> str:
        """Return the name of a set of changes, (target, value) each."""
        return self.named.setdefault(changes, f"levers_{len(self.named) + 1}")


def doses_of(axis: Axis, acts: Sequence[Act]) -> Doses:
    """Return the doses that are only believed, by lever, dose and belief."""
    found: Doses = {}
    for act in acts:
        believed = None if act.belief is None else prior(act.belief, act.dose)
        if believed is not None and _key(act) not in found:
            name = f"dose_{len(found) + 1}_{lever_id(act.lever).removeprefix('lever_')}"
            unit = "1" if act.relative else axis.levers[act.lever.partition("[")[0]].unit
            found[_key(act)] = Dose(name, believed, act, unit)
    return found


def _key(act: Act) -> tuple[str, float, Spread | None]:
    return act.lever, act.dose, act.belief


def switches(
    axis: Axis, person: Cohort, acts: Sequence[Act], doses: Doses, days: int, step_minutes: float,
    conditions: Conditions,
) -> list[tuple[float, str]]:  # fmt: skip
    """Return when the levers of one arm change and to what, as (day, name of the condition).

    Parameters
    ----------
    person : reference person, whose own rest a relative dose is a share of
    acts : acts of the arm and of everyone
    doses : doses of the whole trial that are only believed
    days, step_minutes : of the run
    conditions : grows by what is new
    """
    steps = round(1440 / step_minutes)
    begin = np.arange(days * steps) / steps
    levers = sorted({act.lever for act in acts})
    shapes = [_faded(act.values(begin, 1 / steps)) for act in acts]
    sizes = [_size(axis, person, act, doses) for act in acts]
    before = dict.fromkeys(levers, "0")
    found = []
    moved = np.any(np.diff(np.array(shapes), axis=1, prepend=0.0) != 0, axis=0) if acts else np.zeros(0, bool)
    for place in map(int, np.flatnonzero(moved)):
        now = {lever: _sum(acts, sizes, shapes, lever, place) for lever in levers}
        changes = tuple((lever_id(lever), value) for lever, value in now.items() if value != before[lever])
        before = now
        if changes:
            found.append((round(float(begin[place]), DIGITS), conditions.of(changes)))
    return found


def _faded(shape: np.ndarray) -> np.ndarray:
    return np.round(np.where(np.abs(shape) < FADED, 0.0, shape), DIGITS)


def _size(axis: Axis, person: Cohort, act: Act, doses: Doses) -> tuple[float, str]:
    """Return the dose of an act as (factor, name of the parameter that it multiplies)."""
    factor = act.kept_mean * (float(own_rest(axis, person.parameters, act.lever)[0]) if act.relative else 1.0)
    known = doses.get(_key(act))
    return (act.dose * factor, "") if known is None else (factor, known.id)


def _sum(
    acts: Sequence[Act], sizes: Sequence[tuple[float, str]], shapes: Sequence[np.ndarray], lever: str, place: int
) -> str:
    """Return what the acts of one lever add up to: a number, a parameter, or their sum."""
    number = 0.0
    named: dict[str, float] = {}
    for act, (factor, name), shape in zip(acts, sizes, shapes, strict=True):
        if act.lever == lever and shape[place]:
            if name:
                named[name] = named.get(name, 0.0) + factor * float(shape[place])
            else:
                number += factor * float(shape[place])
    terms = [name if factor == 1 else f"{written(factor)} * {name}" for name, factor in sorted(named.items())]
    return " + ".join([*([written(number)] if number or not terms else []), *terms])
