"""What lies between acts and an outcome: wires that an act can move and that can move the outcome.

The search goes from signal to signal and not from compartment to compartment, so that a clock or an
own rest inside a moved compartment is no way from an act to the outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from gutbrain.model.axis import CLOCK, Axis, Wire
from gutbrain.model.compartment import Input, Output, Rate, State, Unknown
from gutbrain.model.reading import depends
from gutbrain.protocols.protocol import Protocol

LONGEST = 8  # wires on a path
LOOKED_AT = 1200  # paths that are listed before they are ranked

Way = tuple[Wire, ...]


class Reach:
    """Ways through an axis from acts to one outcome.

    Parameters
    ----------
    levers : those that the acts move, by name
    outcome : label of the signal
    closed : wires that carry nothing, by signal and listener
    """

    def __init__(
        self, axis: Axis, levers: tuple[str, ...], outcome: str, closed: frozenset[tuple[str, str]] = frozenset()
    ) -> None:
        self.axis, self.outcome = axis, axis.columns[outcome].signal
        self.levers, self.closed = levers, closed
        self._inside = {part.name: _inside(axis, part.name) for part in axis.compartments}

    @property
    def goal(self) -> tuple[str, str]:
        """Compartment and member that give the outcome."""
        giver = self.axis.givers[self.outcome]
        return giver.compartment, giver.member

    @cached_property
    def entering(self) -> list[Wire]:
        """Inputs that the differing levers move."""
        moved = {lever.partition("[")[0] for lever in self.levers}
        wires = [w for w in self.axis.wires.values() if not w.giver and w.signal in moved and w.signal not in CLOCK]
        return [w for w in wires if (w.signal, w.listener) not in self.closed]

    def opening(self, way: Way) -> list[Wire]:
        """Return the inputs of levers at which a way begins."""
        goal, member = self.goal
        if way:
            return [w for w in self.entering if self._follows(w, way[0])]
        return [w for w in self.entering if w.listener == goal and member in self._moved(w)]

    @cached_property
    def wires(self) -> list[Wire]:
        """Wires on some way from the acts to the outcome."""
        every = [w for w in self.axis.edges if not w.cut and (w.signal, w.listener) not in self.closed]
        forward = _spread(self.entering, every, self._follows)
        goal, member = self.goal
        last = [w for w in every if w.listener == goal and member in self._moved(w)]
        backward = _spread(last, every, lambda later, earlier: self._follows(earlier, later)) | set(last)
        return [w for w in every if w in forward and w in backward]

    def paths(self, active: list[Wire]) -> list[Way]:
        """List ways over active wires that visit no compartment twice; the empty way is a lever into the outcome."""
        found: list[Way] = []
        goal, member = self.goal

        def walk(last: Wire, path: Way, seen: frozenset[str]) -> None:
            if last.listener == goal:
                if member in self._moved(last):
                    found.append(path)
                return
            if len(path) == LONGEST or len(found) > LOOKED_AT:
                return
            for wire in active:
                if wire.listener not in seen and self._follows(last, wire):
                    walk(wire, (*path, wire), seen | {wire.listener})

        for entry in self.entering:
            walk(entry, (), frozenset({entry.listener}))
        return list(dict.fromkeys(found))

    def _moved(self, wire: Wire) -> set[str]:
        return self._inside[wire.listener].get(wire.field, set())

    def _follows(self, wire: Wire, later: Wire) -> bool:
        """Whether what arrives by a wire moves the signal of a later one, within the compartment between them."""
        return later.giver == wire.listener and self.axis.givers[later.signal].member in self._moved(wire)


def moved_levers(pair: tuple[Protocol, Protocol], days: int) -> tuple[str, ...]:
    """Return the levers whose course differs between two arms, by name."""
    begin = np.arange(days * 24) / 24
    courses: dict[tuple[str, bool], np.ndarray] = {}
    for sign, arm in zip((1.0, -1.0), pair, strict=True):
        for act in arm.acts:
            course = sign * act.dose * act.kept_mean * act.values(begin, 1 / 24)
            key = act.lever, act.relative
            courses[key] = courses.get(key, np.zeros_like(begin)) + course
    return tuple(sorted({lever for (lever, _), course in courses.items() if np.abs(course).max(initial=0.0) > 1e-12}))


def _spread(start: list[Wire], every: list[Wire], follows: Callable[[Wire, Wire], bool]) -> set[Wire]:
    """Return the wires that can be reached from some wires, those themselves only where a loop leads back."""
    found: set[Wire] = set()
    fresh = list(start)
    while fresh:
        at = fresh.pop()
        new = [w for w in every if w not in found and follows(at, w)]
        found.update(new)
        fresh += new
    return found


def _inside(axis: Axis, compartment: str) -> dict[str, set[str]]:
    """Return for every input of a compartment the states and outputs that it moves."""
    part = axis.part(compartment)
    sources = {*part.members(Input), *part.members(State)}
    below = {equation.of: _needs(axis, compartment, equation.name) for equation in part.members(Rate).values()}
    below |= {name: _needs(axis, compartment, name) for name in part.members(Output)}
    links: dict[str, set[str]] = {}
    for member, needed in below.items():
        for source in needed & sources:
            links.setdefault(source, set()).add(member)
    found = {}
    for name in part.members(Input):
        reached: set[str] = set()
        fresh = [name]
        while fresh:
            new = links.get(fresh.pop(), set()) - reached
            reached |= new
            fresh += new
        found[name] = reached
    return found


def _needs(axis: Axis, compartment: str, equation: str) -> set[str]:
    """Return what an equation rests on, through balances as well."""
    unknowns = set(axis.part(compartment).members(Unknown))
    found = depends(axis.asked, compartment, equation)
    done: set[str] = set()
    while open_ := (found & unknowns) - done:
        for name in open_:
            found |= depends(axis.asked, compartment, axis.balances[compartment, name].name)
        done |= open_
    return found
