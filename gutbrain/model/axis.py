"""An axis: compartments wired by the names of their signals.

A signal that a compartment gives reaches every input of that name; an input that nobody gives
rests, and becomes a lever. Wiring is data: edges can be listed, cut and drawn.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gutbrain.model import units
from gutbrain.model.compartment import (
    Balance,
    Compartment,
    Equation,
    Input,
    ModelError,
    Output,
    Param,
    Rate,
    State,
    Unknown,
)
from gutbrain.model.reading import Numbers, Recorder, depends

if TYPE_CHECKING:
    from gutbrain.model.linear import Linear

CLOCK = ("clock.time", "clock.step_start", "clock.step", "run.noise")
OUTSIDE = ("protocol", "diet", "clock", "run")


@dataclass(frozen=True)
class Giver:
    """Who gives a signal, and by which state or output."""

    compartment: str
    member: str
    unit: str
    about: str
    over: tuple[str, ...] | None


@dataclass(frozen=True)
class Wire:
    """One input: the signal it reads, its giver (empty for a lever) and whether it is cut."""

    signal: str
    giver: str
    listener: str
    field: str
    cut: bool

    def __str__(self) -> str:
        return f"{self.signal} -> {self.listener}"


@dataclass(frozen=True)
class Lever:
    """An input that nobody gives: what protocols move."""

    signal: str
    unit: str
    rest: Any
    low: float | None
    high: float | None
    about: str
    listeners: tuple[str, ...]
    over: tuple[str, ...] | None


@dataclass(frozen=True)
class Column:
    """One number that a run reports: a signal, or one entry of a vector signal."""

    label: str
    signal: str
    index: int | None
    unit: str
    about: str
    is_state: bool


@dataclass(frozen=True)
class Limit:
    """A condition on parameters that keeps an axis alive: `measure(parameters)` stays below `below`."""

    name: str
    measure: Callable[[Mapping[str, Any]], Any]
    below: float
    source: str


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known name, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"; did you mean {found[0]!r}?" if found else ""


class Axis:
    """Compartments wired by signal names.

    Parameters
    ----------
    compartments : in the order in which they are reported
    name : what the reports call it
    cut : wires that are cut, as (signal, listener)
    limits : conditions on drawn parameters

    Raises
    ------
    ModelError
        For two givers of one signal, an unknown signal, units that do not fit, or an algebraic loop.
    """

    def __init__(
        self,
        *compartments: Compartment,
        name: str = "axis",
        cut: frozenset[tuple[str, str]] = frozenset(),
        limits: tuple[Limit, ...] = (),
    ) -> None:
        self.compartments, self.name, self.cut, self.limits = compartments, name, cut, limits
        self._problems: list[str] = []
        names = [part.name for part in compartments]
        twice = [name for name in names if names.count(name) > 1]
        self._problems += [f"{name}: two compartments of this name; rename one" for name in twice]
        self.givers = self._givers()
        self.wires = self._wires()
        self.levers = self._levers()
        if self._problems:
            raise ModelError(*dict.fromkeys(self._problems))
        self.parameters: dict[str, Param] = {
            f"{part.name}.{key}": param for part in compartments for key, param in part.members(Param).items()
        }
        self.slices: dict[tuple[str, str], slice] = {}
        self.columns: dict[str, Column] = {}
        self._lay_out()
        self.rate_equations = [
            (part.name, equation) for part in compartments for equation in part.members(Rate).values()
        ]
        self.balances = {
            (part.name, equation.of): equation for part in compartments for equation in part.members(Balance).values()
        }
        self.asked = Recorder(self).run()
        self.steady = {key: self._steady_terms(*key) for key in self.balances}
        self._refuse_loops()

    # -- building -----------------------------------------------------------------------------

    def _givers(self) -> dict[str, Giver]:
        givers: dict[str, Giver] = {}
        for part in self.compartments:
            for kind in (State, Output):
                for name, member in part.members(kind).items():
                    if member.signal in givers:
                        other = givers[member.signal].compartment
                        self._problems.append(
                            f"{part.name}.{name}: signal {member.signal!r} is given by {other} already; rename one"
                        )
                        continue
                    about = member.about if kind is State else (member.__doc__ or "").strip()
                    labels = type(part).axes[member.over] if member.over else None
                    givers[member.signal] = Giver(part.name, name, member.unit, about, labels)
        return givers

    def _wires(self) -> dict[tuple[str, str], Wire]:
        places = {signal.partition(".")[0] for signal in self.givers} - set(OUTSIDE)
        if len(places) == 1 and not places & {part.name for part in self.compartments}:
            places = set()  # a part of a shared place that runs without the others: their signals rest
        wires = {}
        for part in self.compartments:
            for name, field in part.members(Input).items():
                giver = self.givers.get(field.signal)
                place = field.signal.partition(".")[0]
                cut = (field.signal, part.name) in self.cut
                if giver is None and not cut and place in places:
                    hint = nearest(field.signal, self.givers)
                    self._problems.append(
                        f"{part.name}.{name}: no compartment gives signal {field.signal!r}"
                        f"{hint or '; give it, or read another'}"
                    )
                if giver and not units.same_dimension(giver.unit, field.unit):
                    self._problems.append(
                        f"{part.name}.{name}: reads {field.signal!r} in {field.unit!r}, "
                        f"but {giver.compartment} gives it in {giver.unit!r}; declare a unit of that kind"
                    )
                wires[part.name, name] = Wire(field.signal, giver.compartment if giver else "", part.name, name, cut)
        return wires

    def _levers(self) -> dict[str, Lever]:
        levers: dict[str, Lever] = {}
        for part in self.compartments:
            for name, field in part.members(Input).items():
                if self.wires[part.name, name].giver or field.signal in CLOCK:
                    continue
                labels = type(part).axes[field.over] if field.over else None
                known = levers.get(field.signal)
                if known and not units.same_dimension(known.unit, field.unit):
                    self._problems.append(
                        f"{part.name}.{name}: lever {field.signal!r} is {known.unit!r} for {known.listeners[0]}, "
                        f"{field.unit!r} here; use one unit"
                    )
                elif known and known.unit != field.unit:
                    self._problems.append(
                        f"{part.name}.{name}: lever {field.signal!r} is {field.unit!r}; declare it in {known.unit!r}"
                    )
                listeners = (*(known.listeners if known else ()), part.name)
                first = known or field
                levers[field.signal] = Lever(
                    field.signal, field.unit, first.rest, first.low, first.high, first.about, listeners, labels
                )
        return levers

    def _lay_out(self) -> None:
        row = 0
        for part in self.compartments:
            for name, state in part.members(State).items():
                length = len(type(part).axes[state.over]) if state.over else 1
                self.slices[part.name, name] = slice(row, row + length)
                row += length
        for signal, giver in self.givers.items():
            kind = State if (giver.compartment, giver.member) in self.slices else Output
            for index, label in enumerate(giver.over or ("",)):
                full = f"{signal}[{label}]" if giver.over else signal
                self.columns[full] = Column(
                    full, signal, index if giver.over else None, giver.unit, giver.about, kind is State
                )

    def _steady_terms(self, compartment: str, unknown: str) -> tuple[str, ...]:
        """Name the terms below a balance that do not need the unknown: they are evaluated once."""
        part = self.part(compartment)
        equation = self.balances[compartment, unknown]
        return tuple(
            sorted(
                name
                for name in depends(self.asked, compartment, equation.name)
                if isinstance(part._members[name], Equation) and unknown not in depends(self.asked, compartment, name)
            )
        )

    def _refuse_loops(self) -> None:
        below = {signal: self.reads(signal) for signal in self.givers}
        done: set[str] = set()

        def visit(signal: str, path: tuple[str, ...]) -> None:
            if signal in path:
                loop = " -> ".join((*path[path.index(signal) :], signal))
                giver = self.givers[signal]
                raise ModelError(
                    f"{giver.compartment}.{giver.member}: algebraic loop: {loop}; "
                    "make one of these a state, or cut an edge"
                )
            if signal in done:
                return
            for other in sorted(below[signal]):
                visit(other, (*path, signal))
            done.add(signal)

        for signal in below:
            visit(signal, ())

    # -- asking -------------------------------------------------------------------------------

    def part(self, name: str) -> Compartment:
        """Return a compartment by name."""
        for part in self.compartments:
            if part.name == name:
                return part
        raise ModelError(f"no compartment {name!r}{nearest(name, [p.name for p in self.compartments])}")

    def state(self, compartment: str, name: str) -> State:
        """Return a declared state."""
        return self.part(compartment).members(State)[name]

    def unknowns(self) -> dict[str, Unknown]:
        """Return the unknowns by full name."""
        return {f"{p.name}.{k}": u for p in self.compartments for k, u in p.members(Unknown).items()}

    def reads(self, signal: str) -> set[str]:
        """Return the given signals that an output reads at once (none for a state)."""
        giver = self.givers[signal]
        if (giver.compartment, giver.member) in self.slices:
            return set()
        return self.signals_below(giver.compartment, giver.member)

    def signals_below(self, compartment: str, equation: str) -> set[str]:
        """Return the signals of other compartments that an equation reads."""
        inputs = self.part(compartment).members(Input)
        names = depends(self.asked, compartment, equation) & set(inputs)
        # An own rest may be a parameter; a cut or levered input reads no signal.
        wires = (self.wires[compartment, name] for name in names)
        return {wire.signal for wire in wires if wire.giver and not wire.cut}

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the state rows, in the order of the state array."""
        return tuple(label for label, column in self.columns.items() if column.is_state)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Low and high bounds of the state rows, arrays [rows], declared units."""
        low, high = [], []
        for (name, key), rows in self.slices.items():
            state, count = self.state(name, key), rows.stop - rows.start
            low += [state.low] * count
            high += list(np.broadcast_to(state.high, (count,)))
        return np.array(low, float), np.array(high, float)

    @property
    def edges(self) -> list[Wire]:
        """All wires between compartments."""
        return [wire for wire in self.wires.values() if wire.giver]

    # -- changing -----------------------------------------------------------------------------

    def without(self, *edges: str) -> Axis:
        """Return the axis with edges `"signal -> listener"` cut: the listener rests there.

        Raises
        ------
        ModelError
            If the axis has no such edge.
        """
        known = {str(wire): (wire.signal, wire.listener) for wire in self.wires.values()}
        for edge in edges:
            if edge not in known:
                raise ModelError(f"no edge {edge!r} in {self.name}{nearest(edge, known)}")
        cut = self.cut | {known[edge] for edge in edges}
        return Axis(*self.compartments, name=self.name, cut=cut, limits=self.limits)

    def swap(self, old: str, new: Compartment) -> Axis:
        """Return the axis with compartment `old` replaced by `new` (a variant is another class)."""
        self.part(old)
        parts = [new if part.name == old else part for part in self.compartments]
        return Axis(*parts, name=self.name, cut=self.cut, limits=self.limits)

    # -- numbers ------------------------------------------------------------------------------

    def defaults(self) -> dict[str, np.ndarray]:
        """Return the central value of every parameter, arrays [..., 1], declared units."""
        return {name: self.value_array(name, param.value) for name, param in self.parameters.items()}

    def value_array(self, name: str, value: Any) -> np.ndarray:
        """Return a value as an array [vector axes..., 1] of parameter `name`."""
        param = self.parameters[name]
        axes = type(self.part(name.partition(".")[0])).axes
        shape = tuple(len(axes[axis]) for axis in param.axes)
        return np.broadcast_to(np.asarray(value, float), shape)[..., None].copy()

    def coherent(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters in coherent units."""
        return {name: value * units.factor(self.parameters[name].unit) for name, value in parameters.items()}

    def start(self, parameters: Mapping[str, Any]) -> np.ndarray:
        """Return the start values of all states for the given parameters, array [rows, people]."""
        people = max((np.shape(value)[-1] for value in parameters.values()), default=1)
        y = np.empty((max((rows.stop for rows in self.slices.values()), default=0), people))
        for (name, key), rows in self.slices.items():
            state = self.state(name, key)
            if isinstance(state.start, str):
                param = f"{name}.{state.start}"
                scale = units.factor(self.parameters[param].unit) / units.factor(state.unit)
                y[rows] = np.asarray(parameters[param]) * scale
            else:
                y[rows] = np.broadcast_to(np.asarray(state.start, float), (rows.stop - rows.start,))[:, None]
        return y

    def read(self, y: Any, parameters: Mapping[str, Any], levers: Mapping[str, Any], **options: Any) -> Numbers:
        """Read all equations on numbers; `parameters` are coherent. See `reading.Numbers`."""
        return Numbers(self, y, parameters, levers, **options)

    def linearise(
        self,
        parameters: Mapping[str, Any] | None = None,
        state: np.ndarray | None = None,
        levers: Mapping[str, float] | None = None,
        **options: Any,
    ) -> Linear:
        """Return the axis of one person as a linear system with noise around rest. See `linear.linear_systems`.

        Parameters
        ----------
        parameters : declared, by full name (the reference person without it)
        state : settled rest at midnight, array [rows], declared units (the start without it)
        levers : held offsets by row name, declared units
        """
        from gutbrain.model.linear import linearise

        return linearise(self, parameters, state, levers, **options)
