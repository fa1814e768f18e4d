"""A compartment: declared fields, and equations as plain methods over them.

A class attribute `State`, `Input`, `Param` or `Unknown` declares a field; a method decorated
with `rate`, `output`, `term`, `balance` or `noise` is an equation. Equations read fields as
attributes. What an attribute holds depends on the reading: a number, a quantity or a symbol
(see `gutbrain.model.axis`, `check` and `symbols`); the method does not know and need not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from gutbrain.model import units
from gutbrain.model.spread import Spread

GRADES = ("measured", "published-model", "derived", "fitted", "assumed", "recalled")


class ModelError(ValueError):
    """Something in a model is wrong; each of `problems` names compartment, field and mend."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(eq=False)
class Field:
    """A declared quantity of a compartment; reading it gives its value in the running reading."""

    name: str = field(default="", init=False)
    owner: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.owner = name, owner.__name__

    def __get__(self, view: Any, owner: type | None = None) -> Any:
        if view is None:
            return self
        # A reading stores values in the instance dictionary, which Python looks up first.
        return view._missing(self)


@dataclass(eq=False)
class State(Field):
    """A quantity that is integrated.

    Parameters
    ----------
    unit : declared unit, in which it is stored and bounded
    start : rest value, or the name of the parameter that holds it
    low, high : bounds; rates must point inward there
    over : name of a vector axis of the compartment
    signal : name under which others read it (default `place.name`)
    """

    unit: str
    start: Any
    low: float
    high: Any
    about: str = ""
    over: str | None = None
    signal: str = ""


@dataclass(eq=False)
class Input(Field):
    """A signal that somebody else gives; alone, it rests and becomes a lever.

    `rest` is a number, or the name of a parameter or term of the compartment (own rest).
    """

    unit: str
    rest: Any
    signal: str
    about: str = ""
    low: float | None = None
    high: float | None = None
    over: str | None = None


@dataclass(eq=False)
class Param(Field):
    """A number with its unit, its two spreads, its source and its grade.

    Parameters
    ----------
    value : number, or nested list over vector axes
    belief : what nobody knows; drawn once a world
    between : how people differ; drawn once a person
    same_draw_as : full name of the parameter whose between-person draw is shared
    settled : signal whose own-rest daily mean `settle` writes here
    closed : the strength is unknown: it stays at `value` unless a cohort opens it
    """

    value: Any
    unit: str
    source: str = ""
    grade: str = ""
    about: str = ""
    belief: Spread | None = None
    between: Spread | None = None
    over: tuple[str, ...] | str | None = None
    same_draw_as: str = ""
    settled: str = ""
    closed: bool = False

    @property
    def axes(self) -> tuple[str, ...]:
        """Vector axes as a tuple."""
        return (self.over,) if isinstance(self.over, str) else (self.over or ())


@dataclass(eq=False)
class Unknown(Field):
    """A positive quantity in quasi-steady balance, solved at every reading of the equations."""

    unit: str
    start: Any
    about: str = ""
    over: str | None = None
    iterations: int = 12


class Equation:
    """A method of a compartment that is evaluated once a reading and then kept."""

    kind = "term"

    def __init__(self, method: Callable[[Any], Any]) -> None:
        self.method, self.name, self.owner = method, method.__name__, ""
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.owner = name, owner.__name__

    def __get__(self, view: Any, owner: type | None = None) -> Any:
        if view is None:
            return self
        return view._evaluate(self)


class Rate(Equation):
    """Change of a state per day."""

    kind = "rate"

    def __init__(self, method: Callable[[Any], Any], of: str) -> None:
        super().__init__(method)
        self.of = of


class Noise(Rate):
    """Standard deviation of the random change of a state, per square root of a day."""

    kind = "noise"


class Events(Rate):
    """Random jumps of a state: a pair (rate per day, median jump, log SD of the jump)."""

    kind = "events"


class Balance(Rate):
    """What an unknown equals, given a guess of itself."""

    kind = "balance"


class Output(Equation):
    """A signal that others may read."""

    kind = "output"

    def __init__(self, method: Callable[[Any], Any], unit: str, signal: str, over: str | None) -> None:
        super().__init__(method)
        self.unit, self.signal, self.over = unit, signal, over


def rate(of: str) -> Callable[[Callable[[Any], Any]], Rate]:
    """Mark a method as the rate of state `of`."""
    return lambda method: Rate(method, of)


def balance(of: str) -> Callable[[Callable[[Any], Any]], Balance]:
    """Mark a method as the balance of the unknown `of`."""
    return lambda method: Balance(method, of)


def noise(of: str) -> Callable[[Callable[[Any], Any]], Noise]:
    """Mark a method as the diffusion of state `of`."""
    return lambda method: Noise(method, of)


def events(of: str) -> Callable[[Callable[[Any], Any]], Events]:
    """Mark a method as the jump process of state `of`."""
    return lambda method: Events(method, of)


def output(unit: str, signal: str = "", over: str | None = None) -> Callable[[Callable[[Any], Any]], Output]:
    """Mark a method as an output; its signal is `place.name` unless given."""
    return lambda method: Output(method, unit, signal, over)


def term(method: Callable[[Any], Any]) -> Equation:
    """Mark a method as an intermediate quantity that no other compartment reads."""
    return Equation(method)


@dataclass(frozen=True)
class Ledger:
    """One conserved quantity of a compartment, declared in its `ledgers` and audited by the check.

    Attributes
    ----------
    name : what is conserved
    enters, leaves : names of outputs or terms, a flow each
    stored : content of each state per its unit: a number, or the name of a parameter
    never_negative : outputs or terms that hold what the named products leave over
    """

    name: str
    enters: str
    leaves: str
    stored: Mapping[str, float | str]
    never_negative: tuple[str, ...] = ()


class Compartment:
    """Base of all physiology: fields and equations, and nothing that runs them.

    `place` is the first half of the signal names, `axes` names the vector axes, `ledgers` what is conserved.
    """

    place: ClassVar[str] = ""
    axes: ClassVar[dict[str, tuple[str, ...]]] = {}
    ledgers: ClassVar[tuple[Ledger, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.place = cls.__dict__.get("place") or cls.__name__.lower()
        found: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            found |= {k: v for k, v in vars(base).items() if isinstance(v, Field | Equation)}
        cls._members = found
        _complete(cls)

    _members: ClassVar[dict[str, Any]] = {}

    @classmethod
    def members(cls, kind: type) -> dict[str, Any]:
        """Return the declared fields or equations of one kind, by name."""
        return {name: member for name, member in cls._members.items() if type(member) is kind}

    @property
    def name(self) -> str:
        """The compartment's name: its class name in lower case."""
        return type(self).__name__.lower()

    def _missing(self, field: Field) -> Any:
        if "_reading" not in self.__dict__:
            raise ModelError(f"{field.owner}.{field.name} has no value: equations are read through an Axis")
        return self.__dict__["_reading"].supply(self, field)

    def _evaluate(self, equation: Equation) -> Any:
        return self.__dict__["_reading"].evaluate(self, equation)


def _complete(cls: type[Compartment]) -> None:
    """Give states and outputs their signal names and see that every state has one rate."""
    for name, member in cls._members.items():
        if isinstance(member, Equation) and not member.__doc__:
            raise ModelError(f"{cls.__name__}.{name}: an equation needs one sentence of physiology as docstring")
        if isinstance(member, Param) and not member.source:
            raise ModelError(f"{cls.__name__}.{name}: a parameter without a source does not build; give source=")
        if isinstance(member, Param) and member.grade.split(" ")[0] not in GRADES:
            raise ModelError(f"{cls.__name__}.{name}: grade {member.grade!r} is none of {', '.join(GRADES)}")
    states = cls.members(State)
    for kind in (State, Output):
        for name, member in cls.members(kind).items():
            member.signal = member.signal or f"{cls.place}.{name}"
    rates = [member.of for member in cls.members(Rate).values()]
    for name in states:
        if rates.count(name) != 1:
            count = rates.count(name)
            raise ModelError(f"{cls.__name__}.{name}: a state needs exactly one @rate({name!r}), has {count}")
    for member in cls._members.values():
        if isinstance(member, Rate) and not isinstance(member, Balance) and member.of not in states:
            where, named = f"{cls.__name__}.{member.name}", f"@{member.kind}({member.of!r})"
            raise ModelError(f"{where}: {named} names no state of {cls.__name__}")
    for field_ in cls._members.values():
        if hasattr(field_, "unit"):
            try:
                units.factor(field_.unit)
            except units.UnitError as error:
                raise ModelError(f"{cls.__name__}.{field_.name}: {error}") from error
    unknowns, balances = cls.members(Unknown), [member.of for member in cls.members(Balance).values()]
    for name in {*unknowns, *balances}:
        if name not in unknowns or balances.count(name) != 1:
            raise ModelError(f"{cls.__name__}.{name}: an unknown needs exactly one @balance({name!r})")
    for name, member in cls._members.items():
        named = {State: "start", Input: "rest"}.get(type(member), "")
        target = getattr(member, named) if named else None
        if isinstance(target, str) and target not in cls._members:
            raise ModelError(f"{cls.__name__}.{name}: {named}={target!r} names no parameter or term; declare it")
        for axis in getattr(member, "axes", None) or filter(None, [getattr(member, "over", None)]):
            if axis not in cls.axes:
                raise ModelError(f"{cls.__name__}.{name}: over={axis!r} is no axis of {cls.__name__}; add it to axes")
    for name, param in cls.members(Param).items():
        shape = tuple(len(cls.axes[axis]) for axis in param.axes)
        if np.shape(param.value) not in (shape, ()):
            raise ModelError(f"{cls.__name__}.{name}: value has shape {np.shape(param.value)}, its axes {shape}")
