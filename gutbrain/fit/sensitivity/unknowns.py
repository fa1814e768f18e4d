"""What nobody knows, as a unit cube: one coordinate for each number that has a belief.

A point of the cube becomes parameters and doses through the same spreads that worlds are drawn from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis, Limit, nearest
from gutbrain.protocols.protocol import Act, Trial

EDGE = 1e-9  # the cube is open: its faces lie at infinity for a normal belief
HALVINGS = 40  # of the way back to a limit: 1e-12 of it
RANGE = 1.6449  # standard-normal quantile of 95 %
WITHOUT = ("assumed", "recalled")  # grades that rest on no source that was checked
ORDER = ("measured", "published-model", "derived", "fitted", "recalled", "assumed")


@dataclass(frozen=True)
class Unknown:
    """One parameter, or the dose of the acts on one lever, whose value is a belief.

    Attributes
    ----------
    name : full name of the parameter, or `dose of LEVER`
    shape : of the value, without people; () for a single number
    value, low, high : centre, and 5 and 95 % of belief; None for many numbers
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    value: float | None
    low: float | None
    high: float | None
    unit: str
    grade: str
    source: str
    about: str

    @property
    def entries(self) -> int:
        """How many numbers it holds: each is drawn by itself."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def sourced(self) -> bool:
        """Whether its value rests on a source that was checked."""
        return base_grade(self.grade) not in WITHOUT


def base_grade(grade: str) -> str:
    """Return a grade without the species in which it was found."""
    return grade.partition(" (")[0]


def weakest(grades: Iterable[str]) -> str:
    """Return the grade that is worth least, or nothing if there is none."""
    return max((base_grade(grade) for grade in grades), key=ORDER.index, default="")


@dataclass(frozen=True)
class Space:
    """The unknowns of a trial, and the way from a point of the cube to numbers.

    Attributes
    ----------
    centre : declared value of every parameter of the typical person, arrays [..., 1]
    acts : the acts of the two arms, as `Trial.acts` lists them
    """

    axis: Axis
    unknowns: tuple[Unknown, ...]
    centre: Mapping[str, np.ndarray]
    acts: tuple[tuple[int | None, Act], ...]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return sum(one.entries for one in self.unknowns)

    def places(self) -> Iterator[tuple[Unknown, slice]]:
        """Yield each unknown with its coordinates."""
        begin = 0
        for one in self.unknowns:
            yield one, slice(begin, begin + one.entries)
            begin += one.entries

    def values(self, points: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
        """Return what points of the cube stand for.

        Parameters
        ----------
        points : array [draws, coordinates], 0 to 1

        Returns
        -------
        parameters : arrays [..., draws or 1], declared units
        normals : standard-normal value of the dose of each lever, arrays [draws]
        moved : array [draws] of bool: brought back to a limit of the axis
        """
        normal = ndtri(np.clip(points, EDGE, 1 - EDGE)).T
        parameters, normals = dict(self.centre), {}
        for one, place in self.places():
            if one.kind == "dose":
                normals[one.name] = normal[place][0]
                continue
            belief = self.axis.parameters[one.name].belief
            assert belief is not None
            parameters[one.name] = np.asarray(
                belief.around(self.centre[one.name], normal[place].reshape(*one.shape, len(points)))
            )
        moved = np.zeros(len(points), bool)
        for limit in self.axis.limits:
            moved |= _held(limit, self.centre, parameters)
        return parameters, normals, moved


class _Watched(dict[str, Any]):
    """Parameters that remember which of them were read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.read: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.read.append(name)
        return super().__getitem__(name)


def _held(limit: Limit, centre: Mapping[str, np.ndarray], parameters: dict[str, np.ndarray]) -> np.ndarray:
    """Bring draws beyond a limit back to it, straight towards the centre; return which were moved.

    A run draws such a world anew. Here that would tie the parameters to each other, and shares of variance need
    them free: so the same point always stands for the same, admissible person.
    """
    watched = _Watched(parameters)
    size = np.ravel(limit.measure(watched))
    beyond = np.flatnonzero(~(size <= limit.below))
    if not len(beyond):
        return np.zeros(max(size.size, 1), bool)
    names = [name for name in dict.fromkeys(watched.read) if parameters[name].shape[-1] > 1]
    if np.any(np.asarray(limit.measure(centre)) > limit.below):
        raise InputError(f"the typical person is beyond the limit of {limit.name} already",
                         mend="Check the fixed parameters of the plan")  # fmt: skip
    drawn = {name: parameters[name][..., beyond] for name in names}

    def at(share: np.ndarray) -> dict[str, np.ndarray]:
        return {name: centre[name] + share * (value - centre[name]) for name, value in drawn.items()}

    fixed = {name: parameters[name] for name in dict.fromkeys(watched.read) if name not in names}
    low, high = np.zeros(len(beyond)), np.ones(len(beyond))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fits = np.ravel(limit.measure(fixed | at(middle))) <= limit.below
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    for name, value in at(low).items():
        parameters[name] = parameters[name].copy()
        parameters[name][..., beyond] = value
    moved = np.zeros(size.size, bool)
    moved[beyond] = True
    return moved


def space_of(axis: Axis, trial: Trial, fixed: Mapping[str, float] | None = None, opened: Iterable[str] = ()) -> Space:
    """Return the unknowns of a trial: every belief that is not closed, and the doses of its acts.

    Parameters
    ----------
    trial : with the two arms that are compared and no other
    fixed : parameters that the plan sets: they are known
    opened : closed parameters whose prior is drawn as well

    Raises
    ------
    InputError
        For an unknown parameter, or if nothing is unknown.
    """
    fixed, opened = dict(fixed or {}), set(opened)
    for name in (*fixed, *opened):
        if name not in axis.parameters:
            raise InputError(f"no parameter {name!r}{nearest(name, axis.parameters)}")
    centre = axis.defaults() | {name: axis.value_array(name, value) for name, value in fixed.items()}
    found = []
    for name, param in axis.parameters.items():
        # What settling writes is no belief: it follows from the others.
        free = param.belief is not None and name not in fixed and not param.settled
        if not free or (param.closed and name not in opened):
            continue
        found.append(_parameter(axis, name, centre[name]))
    doses: dict[str, list[Act]] = {}
    for _, act in trial.acts:
        if act.belief is not None:
            doses.setdefault(act.lever, []).append(act)
    found += [_dose(axis, lever, acts) for lever, acts in doses.items()]
    if not found:
        raise InputError(f"nothing in {axis.name} is uncertain: no parameter has a belief")
    return Space(axis, tuple(found), centre, tuple(trial.acts))


def _parameter(axis: Axis, name: str, centre: np.ndarray) -> Unknown:
    param = axis.parameters[name]
    single = centre.size == 1
    assert param.belief is not None
    low, high = (float(np.ravel(param.belief.around(centre, z))[0]) if single else None for z in (-RANGE, RANGE))
    return Unknown(
        name, "parameter", centre.shape[:-1], float(centre.ravel()[0]) if single else None, low, high, param.unit,
        param.grade, param.source, param.about,
    )  # fmt: skip


def _dose(axis: Axis, lever: str, acts: list[Act]) -> Unknown:
    """One unknown for all acts on a lever: the same doubt holds in every arm, as when worlds are drawn."""
    unit = axis.levers[lever.partition("[")[0]].unit
    worst = max(acts, key=lambda act: ORDER.index(base_grade(act.grade)))
    alike = len({(act.dose, act.belief) for act in acts}) == 1
    ends = []
    for z in (-RANGE, RANGE):
        assert worst.belief is not None
        ends.append(float(worst.belief.around(worst.dose, np.array(z))) if alike else None)
    about = "; ".join(dict.fromkeys(act.about for act in acts if act.about)) or "how large the act really is"
    return Unknown(
        f"dose of {lever}", "dose", (), float(worst.dose) if alike else None, ends[0], ends[1],
        f"share of own {unit}" if worst.relative else unit, worst.grade, worst.source, about,
    )  # fmt: skip
