"""Values of a stage in the parts of its code, and what crosses from one part to a later one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gutbrain.run.lanes.values import Values


@dataclass(frozen=True)
class Segment:
    """Values that are computed in one place of the code.

    Attributes
    ----------
    name : of the group that it belongs to
    values : in order
    crossing : those that later segments need
    freed : values of earlier segments that no later one needs
    late : values of earlier segments that are asked for here
    """

    name: str
    values: tuple[int, ...]
    crossing: tuple[int, ...]
    freed: tuple[int, ...]
    late: tuple[int, ...]

    def select(self, actions: Mapping[int, list[Any]]) -> dict[int, list[Any]]:
        """Return the actions on what is computed here or asked for here."""
        return {value: actions[value] for value in (*self.values, *self.late) if value in actions}


def under(values: Values, targets: Iterable[int]) -> set[int]:
    """Return all values that the targets rest on, themselves included."""
    found: set[int] = set()
    waiting = list(targets)
    while waiting:
        value = waiting.pop()
        if value not in found:
            found.add(value)
            waiting += values.operations[value].arguments
    return found


def segments(
    values: Values, groups: Sequence[tuple[str, Sequence[int]]], late: Mapping[str, Sequence[int]] | None = None
) -> list[Segment]:
    """Say which values cross from one group to a later one.

    Parameters
    ----------
    groups : (name, values in order)
    late : values that a group is asked for, also where it does not compute them
    """
    made = {value: number for number, (_, order) in enumerate(groups) for value in order}
    ends = {name: number for number, (name, _) in enumerate(groups)}
    asked: dict[int, tuple[int, ...]] = {}
    for name, wanted in (late or {}).items():
        own = {value for group, order in groups if group == name for value in order}
        asked[ends[name]] = tuple(dict.fromkeys(value for value in wanted if value not in own))
    last: dict[int, int] = {}
    for number, (_, order) in enumerate(groups):
        needed = {part for value in order for part in values.parts(value)} | set(asked.get(number, ()))
        for part in needed:
            if part in made and made[part] < number and values.operations[part].arguments:
                last[part] = number
    return [
        Segment(
            name, tuple(order), tuple(value for value in order if value in last),
            tuple(value for value, until in last.items() if until == number), asked.get(number, ()),
        )
        for number, (name, order) in enumerate(groups)
    ]  # fmt: skip
