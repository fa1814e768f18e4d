"""The values of a stage, cut into segments whose code fits the instruction cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gutbrain.run.lanes.values import Values

# Instructions that an operation becomes, where that is more than one.
WEIGHT = {"exp": 26, "log": 24, "tanh": 30, "sin": 40, "cos": 40, "max": 2, "min": 2}
LONGEST = 1100


@dataclass(frozen=True)
class Segment:
    """Values that are computed together.

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
    """Cut groups of values into segments, and say which values cross from one to a later one.

    Parameters
    ----------
    groups : (name, values in order); a group ends a segment. Groups with trial values stay whole
    late : values that a group needs though it does not compute them
    """
    cut: list[tuple[str, list[int]]] = []
    for name, order in groups:
        weight = 0
        cut.append((name, []))
        for value in order:
            size = WEIGHT.get(values.operations[value].code, 1)
            if weight + size > LONGEST and name not in ("chord", "turn"):
                cut.append((name, []))
                weight = 0
            cut[-1][1].append(value)
            weight += size
    made = {value: number for number, (_, order) in enumerate(cut) for value in order}
    ends = {name: number for number, (name, _) in enumerate(cut)}
    asked: dict[int, tuple[int, ...]] = {}
    for name, wanted in (late or {}).items():
        own = {value for group, order in groups if group == name for value in order}
        asked[ends[name]] = tuple(dict.fromkeys(value for value in wanted if value not in own))
    last: dict[int, int] = {}
    for number, (_, order) in enumerate(cut):
        needed = {part for value in order for part in values.operations[value].arguments} | set(asked.get(number, ()))
        for part in needed:
            if part in made and made[part] < number and values.operations[part].arguments:
                last[part] = number
    return [
        Segment(
            name, tuple(order), tuple(value for value in order if value in last),
            tuple(value for value, until in last.items() if until == number), asked.get(number, ()),
        )
        for number, (name, order) in enumerate(cut)
    ]  # fmt: skip
