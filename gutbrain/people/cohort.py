"""Cohorts: people drawn from two spreads that are kept apart.

Belief (what nobody knows) is drawn once a world, between (how people differ) once a person; the
same person recurs in every world. Columns are ordered world by world.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from zlib import crc32

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis, nearest

ATTEMPTS = 50


@dataclass(frozen=True)
class Cohort:
    """People in worlds, with their parameters and, once settled, their rest state.

    Attributes
    ----------
    parameters : declared values by full name, arrays [..., worlds * people] or [..., 1]
    start : settled state, array [rows, worlds * people], or None before `settle`
    residual : largest relative change of any state over the settled day, array [worlds * people]
    rejected : draws of a world that a limit of the axis refused, by limit name
    shares : measured group shares of each person, array [people, groups], if there are any
    baseline_miss : largest distance between settled and measured shares, array [worlds * people]
    beliefs : standard-normal draws that were given instead of drawn, by parameter or `act LEVER`, arrays [worlds, ...]
    group : part of a larger population; groups hold other people in the same worlds
    """

    axis: Axis
    people: int
    worlds: int
    seed: int
    parameters: dict[str, np.ndarray]
    names: tuple[str, ...]
    rejected: dict[str, int] = field(default_factory=dict)
    start: np.ndarray | None = None
    residual: np.ndarray | None = None
    shares: np.ndarray | None = None
    baseline_miss: np.ndarray | None = None
    baseline_note: str = ""
    beliefs: Mapping[str, np.ndarray] = field(default_factory=dict)
    covariates: Mapping[str, np.ndarray] = field(default_factory=dict)
    group: int = 0

    def seeds(self, purpose: int) -> list[int]:
        """Return the seeds of a draw between people; draws of belief know no group."""
        return _seeds(self.seed, purpose, self.group)

    @property
    def size(self) -> int:
        """Number of columns: worlds times people."""
        return self.people * self.worlds

    @classmethod
    def draw(
        cls,
        axis: Axis,
        people: int,
        worlds: int = 1,
        seed: int = 0,
        open_edges: Iterable[str] = (),
        fixed: Mapping[str, float] | None = None,
        names: tuple[str, ...] = (),
        beliefs: Mapping[str, np.ndarray] | None = None,
        group: int = 0,
    ) -> Cohort:
        """Draw people and worlds.

        Parameters
        ----------
        open_edges : names of closed parameters whose prior is to be drawn as well
        fixed : values that are set and not drawn
        beliefs : standard-normal draws of belief that are known already (a posterior), by parameter, arrays
            [worlds, ...]; parameters that are closed by default are opened by them
        group : draw the people of this part of a larger population; its worlds are those of every part

        Raises
        ------
        InputError
            For an unknown parameter, or if the limits of the axis refuse every draw.

        Notes
        -----
        One world is the best guess: belief stays at its centre. With several worlds all are drawn.
        One person is the typical one, for the same reason; what is known of him goes into `fixed`.
        """
        fixed, opened = dict(fixed or {}), set(open_edges)
        for name in (*opened, *fixed):
            if name not in axis.parameters:
                raise InputError(f"no parameter {name!r}{nearest(name, axis.parameters)}")
        if people < 1 or worlds < 1:
            raise InputError(f"a cohort needs at least one person and one world, not {people} and {worlds}")
        rejected: dict[str, int] = {}
        known = dict(beliefs or {})
        drawn = [_accepted(axis, seed, world, worlds, opened, fixed, rejected, known) for world in range(worlds)]
        parameters = {
            name: _people(axis, name, [belief[name] for belief in drawn], people, _seeds(seed, 2, group), name in fixed)
            for name in axis.parameters
        }
        labels = names or tuple(f"person {number + 1}" for number in range(people))
        return cls(axis, people, worlds, seed, parameters, labels, rejected, beliefs=known, group=group)

    @classmethod
    def reference(cls, axis: Axis, **fixed: float) -> Cohort:
        """Return the one reference person: every parameter at its centre, but for those given."""
        parameters = axis.defaults()
        for name, value in fixed.items():
            parameters[name] = axis.value_array(name, value)
        return cls(axis, 1, 1, 0, parameters, ("reference person",))

    def select(self, columns: np.ndarray, people: int, worlds: int) -> Cohort:
        """Return the cohort of some columns (world-major, `people` a world)."""
        take = {k: v if v.shape[-1] == 1 else v[..., columns] for k, v in self.parameters.items()}

        def cut(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[..., columns]

        persons = columns[:people] % self.people
        return replace(
            self,
            people=people,
            worlds=worlds,
            parameters=take,
            names=tuple(self.names[i] for i in persons),
            start=cut(self.start),
            residual=cut(self.residual),
            shares=None if self.shares is None else self.shares[persons],
            baseline_miss=cut(self.baseline_miss),
            covariates={key: value[persons] for key, value in self.covariates.items()},
        )


def _normals(name: str, shape: tuple[int, ...], *seeds: int) -> np.ndarray:
    """Standard-normal draws that belong to one parameter: adding another one changes nothing here."""
    return np.random.default_rng([*seeds, crc32(name.encode())]).standard_normal(shape)


def _accepted(
    axis: Axis, seed: int, world: int, worlds: int, opened: set[str], fixed: dict[str, float],
    rejected: dict[str, int], known: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:  # fmt: skip
    """Draw the belief of one world until the limits of the axis accept it."""
    for attempt in range(ATTEMPTS):
        values = {}
        for name, param in axis.parameters.items():
            centre = axis.value_array(name, fixed.get(name, param.value))
            given = name in known and name not in fixed
            drawn = given or (worlds > 1 and name not in fixed and (not param.closed or name in opened))
            if drawn and param.belief is not None:
                normal = known[name][world] if given else _normals(name, centre.shape, seed, 1, world, attempt)
                centre = np.asarray(param.belief.around(centre, normal))
            values[name] = centre
        broken = [limit for limit in axis.limits if np.any(limit.measure(values) > limit.below)]
        if not broken:
            return values
        for limit in broken:
            rejected[limit.name] = rejected.get(limit.name, 0) + 1
    raise InputError(f"no draw in {ATTEMPTS} kept {broken[0].name} below {broken[0].below}: check the fixed parameters")


def _seeds(seed: int, purpose: int, group: int) -> list[int]:
    """Seeds of a draw between people; a cohort that stands alone is group 0."""
    return [seed, purpose, *([group] if group else [])]


def _people(
    axis: Axis, name: str, beliefs: list[np.ndarray], people: int, seeds: list[int], is_fixed: bool
) -> np.ndarray:
    """Spread one parameter over the people of every world, array [..., worlds * people] or [..., 1]."""
    param = axis.parameters[name]
    if param.between is None or is_fixed:
        if all(np.array_equal(belief, beliefs[0]) for belief in beliefs):
            return beliefs[0]
        return np.concatenate([np.repeat(belief, people, axis=-1) for belief in beliefs], axis=-1)
    shared = param.same_draw_as or name
    shape = beliefs[0].shape[:-1]
    normal = _normals(shared, (*shape, people), *seeds) if people > 1 else np.zeros((*shape, 1))
    return np.concatenate([np.asarray(param.between.around(belief, normal)) for belief in beliefs], axis=-1)
