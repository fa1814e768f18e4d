"""An axis as a flat list of named quantities with formulas: what SBML, and whoever fits it, calls them.

Every number of the model becomes one quantity: states with a rate, signals and terms with an assignment,
parameters with a value. Random events and noise of the model are left out: what is written is its mean.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from gutbrain.errors import InputError
from gutbrain.export.content import spread
from gutbrain.export.sbml_maths import UnwritableError, Word, formula, inside, number, unit_of, windows
from gutbrain.export.sbml_units import DAY, NONE, Unit, coherent, declared
from gutbrain.model import units
from gutbrain.model.axis import Axis, Wire
from gutbrain.model.compartment import Compartment, Equation, Events, Input, Noise, Output, Param, Rate, State, Unknown
from gutbrain.model.symbols import Name, Symbols

RELAXATION = "relaxation"  # rate at which a quantity in balance finds it, where the axis solves the balance
NOISE = 1e-12  # share of a state's range below which its start is zero
# A derived quantity that stands this often in one formula is passed to a function of its own: simulators
# that put every formula into the next one evaluate it once then, not once for each place.
REPEATED = 2
CLOCKS = ("clock.time", "clock.step_start")


@dataclass(frozen=True)
class Quantity:
    """One SBML parameter.

    Attributes
    ----------
    id, name : SId, and the full name in the axis
    unit : declared; coherent for a term
    kind : state, balance, parameter, conversion, lever, act, switch, input, signal or term
    value : of a constant, or at the start; None where a formula gives it
    formula : infix; the change per day of a state or balance, the condition under which a switch is 1,
        else the value; empty for a constant
    member : (compartment, member) in the axis; empty for what only the export has
    source, grade : keys of the sources and how well they bear the value, of parameters and doses
    spread : how people differ and how little is known, in words
    """

    id: str
    name: str
    unit: Unit
    kind: str
    value: float | None = None
    formula: str = ""
    member: tuple[str, str] = ("", "")
    about: str = ""
    source: str = ""
    grade: str = ""
    spread: str = ""

    @property
    def moves(self) -> bool:
        """Say whether the formula is a rate."""
        return self.kind in ("state", "balance")


@dataclass(frozen=True)
class Function:
    """A function of a model: its SId, its arguments and its infix body."""

    id: str
    arguments: tuple[str, ...]
    body: str
    about: str


def sid(name: str) -> str:
    """Return the SId of a full name: `colon.biomass[akkermansia]` is `colon_biomass_akkermansia`."""
    word = re.sub(r"\W+", "_", name).strip("_")
    return f"_{word}" if word[:1].isdigit() else word


def lever_id(name: str) -> str:
    """Return the SId of a lever: its offset from rest."""
    return "lever_" + sid(name)


class System:
    """The quantities of an axis for one person.

    Parameters
    ----------
    parameters : declared values of one person by full name, arrays [..., 1]
    start : array [rows], declared units
    driven : formulas of levers that move, by name of the lever
    """

    def __init__(
        self, axis: Axis, parameters: Mapping[str, np.ndarray], start: np.ndarray, driven: Mapping[str, str]
    ) -> None:
        self.axis, self.parameters, self.start, self.driven = axis, parameters, start, driven
        self.reading = Symbols(axis)
        for _ in self.reading.all_equations():
            pass
        self.conversions: dict[str, Quantity] = {}
        self.functions: list[Function] = []
        self.words: dict[Any, Word] = {}
        self.made: dict[Any, Quantity] = {}
        self.signals = {(giver.compartment, giver.member): signal for signal, giver in axis.givers.items()}
        self.values = self._values()
        self.balances = {
            symbol: value for key in axis.unknowns() for symbol, value in self._balance(*key.split("."))
        }  # fmt: skip

    def quantities(self) -> list[Quantity]:
        """Return all quantities; what an assignment reads stands before it."""
        rates = {(part, equation.of): equation.name for part, equation in self.axis.rate_equations}
        wanted = []
        for column in self.axis.columns.values():
            giver = self.axis.givers[column.signal]
            wanted.append(self._entry(giver.compartment, giver.member, column.index))
        for symbol in wanted:
            self._need(symbol)
        for symbol, balance in self.balances.items():
            self._need(symbol)
            self._need(balance)
        for name in self.axis.parameters:  # those too that only the start or what is random reads
            compartment, _, member = name.partition(".")
            for symbol in np.reshape(np.asarray(getattr(self.reading.views[compartment], member), object), -1):
                self._need(symbol)
        moving = []
        for column in self.axis.columns.values():
            if column.is_state:
                giver = self.axis.givers[column.signal]
                symbol = self._entry(giver.compartment, giver.member, column.index)
                rate = self._entry(giver.compartment, rates[giver.compartment, giver.member], column.index)
                moving.append((symbol, self.values.get(rate, rate)))
        for _, expression in moving:
            self._below(expression)
        for symbol, expression in moving:
            made = self.made[symbol]
            text = formula(expression, self.words, coherent(self._declared(symbol)) / DAY)
            self.made[symbol] = replace(made, formula=self._back(text, symbol))
        for symbol, balance in self.balances.items():
            made = self.made[symbol]
            missing = f"({self.words[balance].text} - {self.words[symbol].text})"
            self.made[symbol] = replace(made, formula=self._back(f"({RELAXATION} * {missing})", symbol))
        levers = [self._lever(name, lever_) for name, lever_ in self._lever_names()]
        found = [*self.conversions.values(), *levers, *self.made.values()]
        return _unique(found)

    # -- what a symbol is ---------------------------------------------------------------------------

    def _values(self) -> dict[Any, Any]:
        """Return what each closed symbol stands for, but for balances, which read what they define."""
        found: dict[Any, Any] = {}
        for (compartment, member), value in self.reading.defined.items():
            kind = type(self.reading.views[compartment])._members[member]
            if isinstance(value, tuple) or isinstance(kind, Noise | Events):
                continue
            symbols = np.reshape(np.asarray(self.reading.views[compartment].__dict__[member], object), -1)
            found |= dict(zip(symbols, map(sympy.sympify, np.reshape(np.asarray(value, object), -1)), strict=True))
        return found

    def _entry(self, compartment: str, member: str, index: int | None) -> Any:
        """Return the symbol of one entry of a member; a scalar stands for all entries."""
        values = np.reshape(np.asarray(getattr(self.reading.views[compartment], member), object), -1)
        return values[0] if values.size == 1 else values[index or 0]

    def _balance(self, compartment: str, member: str) -> list[tuple[Any, Any]]:
        view = self.reading.views[compartment]
        equation = self.axis.balances[compartment, member]
        left = np.reshape(np.asarray(getattr(view, member), object), -1)
        right = np.reshape(np.asarray(getattr(view, equation.name), object), -1)
        return list(zip(left, right, strict=True))

    def _field(self, symbol: Any) -> tuple[Name, Compartment, Any]:
        name = self.reading.names[symbol]
        view = self.reading.views[name.compartment]
        return name, view, type(view)._members[name.member]

    def _declared(self, symbol: Any) -> str:
        """Return the declared unit of a symbol, nothing for a term."""
        _, view, member = self._field(symbol)
        if isinstance(member, Rate):
            field = type(view)._members[member.of]
            return str(field.unit) if type(member).__name__ == "Balance" else ""
        return str(getattr(member, "unit", ""))

    def _id(self, symbol: Any) -> tuple[str, str]:
        """Return SId and full name; signals go by their signal's name, which others know."""
        name, _, _ = self._field(symbol)
        signal = self.signals.get((name.compartment, name.member), f"{name.compartment}.{name.member}")
        full = signal + (f"[{', '.join(name.entry)}]" if name.entry else "")
        return sid(full), full

    # -- making -------------------------------------------------------------------------------------

    def _below(self, expression: Any) -> None:
        for symbol in sorted(expression.free_symbols, key=str):
            self._need(symbol)

    def _need(self, symbol: Any) -> None:
        """Make the quantity of a symbol, and before it those that it reads."""
        if symbol in self.made:
            return
        name, view, member = self._field(symbol)
        id, full = self._id(symbol)
        about = " ".join((member.__doc__ or "").split()) if isinstance(member, Equation) else str(member.about)
        given: dict[str, Any] = {"id": id, "name": full, "member": (name.compartment, name.member), "about": about}
        place = self._place(name, view, member)
        if isinstance(member, State):
            row = self.axis.slices[name.compartment, name.member].start + place
            one = float(self.start[row])
            low, high = (bound[row] for bound in self.axis.bounds)
            # What settling leaves of a zero would be a scale to solvers that take tolerances from the start.
            one = 0.0 if low <= 0 and abs(one) < NOISE * (high - low) else one
            given["about"] = "; ".join(filter(None, [about, f"stays within {low:g} and {high:g}"]))
            self._keep(symbol, Quantity(kind="state", unit=declared(member.unit), value=one, **given))
        elif isinstance(member, Param):
            value = np.reshape(self.parameters[f"{name.compartment}.{name.member}"], -1)
            one = float(value[place])
            given |= {"source": member.source, "grade": member.grade, "spread": _spread(member)}
            unit = declared(member.unit)
            self._keep(symbol, Quantity(kind="parameter", unit=unit, value=one, **given))
        elif isinstance(member, Unknown):
            self._keep(symbol, Quantity(kind="balance", unit=declared(member.unit), **given))
        elif isinstance(member, Input):
            self._keep(symbol, self._input(symbol, view, member, place, given))
        else:
            value = self._switched(self.values[symbol], id, full)
            self._below(value)
            wanted = self._declared(symbol)
            unit = coherent(wanted) if wanted else unit_of(value, self.words) or NONE
            kind = "signal" if isinstance(member, Output) else "term"
            made = Quantity(kind=kind, unit=declared(wanted) if wanted else unit, **given)
            self._keep(symbol, made, unit)
            try:
                text = self._back(self._text(value, unit, id, about), symbol)
            except UnwritableError as error:
                raise InputError(f"{full} cannot be written as SBML: {error}") from error
            self.made[symbol] = replace(made, formula=text)

    def _switched(self, expression: Any, id: str, full: str) -> Any:
        """Return an expression with each daily window as a switch, which events turn on and off."""
        for count, (part, (clock, duration)) in enumerate(windows(expression).items()):
            self._below(clock)
            self._below(duration)
            name = f"{id}_on" + (f"_{count + 1}" if count else "")
            condition = inside(formula(clock, self.words), formula(duration, self.words))
            switch = sympy.Symbol(name, real=True)
            self.words[switch] = Word(name, NONE, name)
            self.made[switch] = Quantity(name, f"{full} is within its daily window", NONE, "switch", formula=condition,
                                         about="1 within the window, else 0")  # fmt: skip
            expression = expression.xreplace({part: switch})
        return expression

    def _text(self, expression: Any, unit: Unit, id: str, about: str) -> str:
        """Return a formula, as a call of a function where something derived stands in it often."""
        counted = Counter(part for part in sympy.preorder_traversal(expression) if isinstance(part, sympy.Symbol))
        if not any(count >= REPEATED and self.made[symbol].formula for symbol, count in counted.items()):
            return formula(expression, self.words, unit)
        read = sorted(counted, key=str)
        within = {symbol: replace(self.words[symbol], text=self.words[symbol].id) for symbol in read}
        arguments = tuple(within[symbol].id for symbol in read)
        function = Function(f"{id}_of", arguments, formula(expression, within, unit), about)
        self.functions.append(function)
        return f"{function.id}({', '.join(self.words[symbol].text for symbol in read)})"

    def _keep(self, symbol: Any, made: Quantity, unit: Unit | None = None) -> None:
        # A term that read itself would be made twice; only balances do, and they are read as symbols.
        wanted = self._declared(symbol)
        factor = self._conversion(wanted) if wanted else ""
        unit = unit if unit is not None else coherent(wanted)
        self.words[symbol] = Word(made.id, unit, f"({made.id} * {factor})" if factor else made.id)
        self.made.pop(symbol, None)
        self.made[symbol] = made

    def _back(self, text: str, symbol: Any) -> str:
        """Turn a coherent value into the declared unit of a symbol."""
        wanted = self._declared(symbol)
        factor = self._conversion(wanted) if wanted else ""
        return f"({text} / {factor})" if factor else text

    def _conversion(self, unit: str) -> str:
        """Return the id of the coherent value of one declared unit; nothing where that is 1."""
        if units.factor(unit) == 1.0:
            return ""
        ours, base = declared(unit), coherent(unit)
        id = f"one_{ours.id}"
        self.conversions[id] = Quantity(
            id, f"1 {ours.text} in {base.text}", base / ours, "conversion", units.factor(unit),
            about="conversion of a declared unit to the coherent system (day, mmol, g, L, mmHg)",
        )  # fmt: skip
        return id

    def _place(self, name: Name, view: Compartment, member: Any) -> int:
        """Return where an entry stands in the flattened array of its member."""
        if not name.entry or isinstance(member, Equation):
            return 0
        axes = self.reading.labels(view, member)
        index = [labels.index(entry) for labels, entry in zip(axes, name.entry, strict=True)]
        return int(np.ravel_multi_index(index, [len(labels) for labels in axes]))

    # -- inputs and levers --------------------------------------------------------------------------

    def _input(self, symbol: Any, view: Compartment, member: Input, place: int, given: dict[str, Any]) -> Quantity:
        """Return an input that no compartment gives: its own rest plus the lever's offset, in its declared unit."""
        wire = self.axis.wires[view.name, member.name]
        unit = declared(member.unit)
        made = Quantity(kind="input", unit=unit, **given)
        if member.signal in CLOCKS and not wire.cut:
            return replace(made, formula="time")
        if isinstance(member.rest, str):
            rests = np.reshape(np.asarray(getattr(view, member.rest), object), -1)
            rest = rests[0] if rests.size == 1 else rests[place]
            self._below(rest)
            text = self._back(formula(rest, self.words), symbol)
        else:
            # The unit goes by its meaning: a litre of rest is a litre, whatever equations count in.
            text = number(float(np.reshape(np.broadcast_to(member.rest, self._shape(view, member)), -1)[place]), unit)
        lever = self._lever_of(wire, view, member, place)
        return replace(made, formula=f"{text} + {lever}" if lever else text)

    def _shape(self, view: Compartment, member: Input) -> tuple[int, ...]:
        return (len(type(view).axes[member.over]),) if member.over else (1,)

    def _lever_of(self, wire: Wire, view: Compartment, member: Input, place: int) -> str:
        if wire.cut or member.signal in ("clock.step", "run.noise"):
            return ""
        label = f"[{type(view).axes[member.over][place]}]" if member.over else ""
        return lever_id(member.signal + label)

    def _lever_names(self) -> list[tuple[str, str]]:
        """Return every lever with its declared unit; the clock is none."""
        found = []
        for signal, lever in self.axis.levers.items():
            for label in lever.over or ("",):
                found.append((f"{signal}[{label}]" if label else signal, lever.unit))
        return found

    def _lever(self, name: str, unit: str) -> Quantity:
        about = self.axis.levers[name.partition("[")[0]].about
        given = Quantity(
            lever_id(name), f"{name}, offset from rest", declared(unit), "lever", about=about,
            value=None if name in self.driven else 0.0,
        )  # fmt: skip
        return replace(given, formula=self.driven.get(name, ""))


def _spread(param: Param) -> str:
    """Say how people differ in a parameter, and how little is known about it; `content.SPREADS` is the legend."""
    parts = [f"{what} {spread(found)}" for what, found in
             (("belief", param.belief), ("between people", param.between)) if found is not None]  # fmt: skip
    if param.closed:
        parts.append("closed: of unknown strength, held at its value until somebody opens it")
    if param.settled:
        parts.append(f"each person's own daily mean of {param.settled}")
    return "; ".join(parts)


def _unique(found: list[Quantity]) -> list[Quantity]:
    ids = [one.id for one in found]
    twice = sorted({id for id in ids if ids.count(id) > 1})
    if twice:
        raise InputError(f"two quantities would be called {twice[0]!r} in SBML", mend="Rename one in the model")
    return found
