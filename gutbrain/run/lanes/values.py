"""Numbered values: each operation of a right-hand side once, with the moment at which it is known.

Equal operations on equal arguments share a number, so common subexpressions are computed once.
What rests on parameters alone is known before a run, what rests on levers once a step; products
and sums are split so that each part is computed as early as it can be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce


class Moment(IntEnum):
    """When a value is known, earliest first."""

    ALWAYS = 0  # a constant
    RUN = 1  # parameters only
    STEP = 2  # levers, and the begin and length of the step
    STAGE = 3  # states and the running time
    TRIAL = 4  # a trial value of an unknown, while its balance is solved
    SOLVED = 5  # the solved unknown


@dataclass(frozen=True)
class Operation:
    """One operation: its code, the numbers of its arguments, and the constant or place of a leaf."""

    code: str
    arguments: tuple[int, ...] = ()
    constant: float = 0.0
    place: int = 0


COMMUTATIVE = {"add", "mul", "max", "min"}
TESTS = {"greater", "less", "not less", "not greater"}
FOLDED: dict[str, Callable[..., float]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "max": max,
    "min": min,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
    "floor": lambda x: float(math.floor(x)),
}


class Values:
    """A growing list of operations; methods return the number of a value.

    Attributes
    ----------
    operations : in an order in which arguments come before what needs them
    moment : when each is known
    uniform : whether each is one number for all people
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.moment: list[Moment] = []
        self.uniform: list[bool] = []
        self._known: dict[Operation, int] = {}

    def leaf(self, code: str, place: int, moment: Moment, uniform: bool) -> int:
        """Return something that is loaded: a state, parameter, lever, unknown or the clock."""
        return self._keep(Operation(code, place=place), moment, uniform)

    def constant(self, value: float) -> int:
        """Return a constant."""
        return self._keep(Operation("constant", constant=float(value)), Moment.ALWAYS, True)

    def apply(self, code: str, *arguments: int) -> int:
        """Return an operation on values, folded where it can be."""
        if code in COMMUTATIVE:
            arguments = tuple(sorted(arguments))
        fixed = [self._fixed(argument) for argument in arguments]
        known = [value for value in fixed if value is not None]
        if code in FOLDED and len(known) == len(arguments):
            return self.constant(FOLDED[code](*known))
        same = self._neutral(code, arguments, fixed)
        if same is not None:
            return same
        moment = max((self.moment[argument] for argument in arguments), default=Moment.ALWAYS)
        return self._keep(Operation(code, arguments), moment, all(self.uniform[argument] for argument in arguments))

    def sum(self, plus: Iterable[int], minus: Iterable[int] = ()) -> int:
        """Return a sum, early parts first."""
        added, taken = self._joined("add", plus), self._joined("add", minus)
        if not taken:
            return self._chain("add", added, 0.0)
        if not added:
            return self.apply("sub", self.constant(0.0), self._chain("add", taken, 0.0))
        # Parts of one moment are subtracted while they are early.
        moments = sorted({self._order(value) for value in (*added, *taken)})
        total: int | None = None
        for moment in moments:
            up = [value for value in added if self._order(value) == moment]
            down = [value for value in taken if self._order(value) == moment]
            if up:
                part = self._chain("add", up, 0.0)
                total = part if total is None else self.apply("add", total, part)
            if down:
                part = self._chain("add", down, 0.0)
                total = self.apply("sub", self.constant(0.0) if total is None else total, part)
        assert total is not None
        return total

    def product(self, over: Iterable[int], under: Iterable[int] = ()) -> int:
        """Return a quotient of products: one division for each moment at which something is divided by."""
        above, below = self._joined("mul", over), self._joined("mul", under)
        total = self.constant(1.0)
        for moment in sorted({self._order(value) for value in (*above, *below)}):
            up = [value for value in above if self._order(value) == moment]
            down = [value for value in below if self._order(value) == moment]
            total = self._chain("mul", [total, *up], 1.0) if up else total
            if down:
                total = self.apply("div", total, self._chain("mul", down, 1.0))
        return total

    def derivative(self, value: int, to: int, memory: dict[int, int]) -> int:
        """Return the derivative of a value to a leaf; `memory` is kept between calls for one leaf."""
        if value == to:
            return self.constant(1.0)
        if self.operations[value].code in TESTS:
            return self.constant(0.0)
        if value in memory:
            return memory[value]
        if self.moment[value] < self.moment[to] or not self.operations[value].arguments:
            return self.constant(0.0)
        operation = self.operations[value]
        inner = [self.derivative(argument, to, memory) for argument in operation.arguments]
        memory[value] = self._chain_rule(value, operation, inner)
        return memory[value]

    def _chain_rule(self, value: int, operation: Operation, inner: list[int]) -> int:
        x, y = operation.arguments[0], operation.arguments[-1]
        dx, dy = inner[0], inner[-1]
        match operation.code:
            case "add" | "sub":
                return self.apply(operation.code, dx, dy)
            case "mul":
                return self.apply("add", self.apply("mul", dx, y), self.apply("mul", x, dy))
            case "div":
                change = self.apply("sub", dx, self.apply("mul", value, dy))
                return self.apply("mul", change, self.apply("div", self.constant(1.0), y))
            case "exp":
                return self.apply("mul", value, dx)
            case "log":
                return self.apply("div", dx, x)
            case "sqrt":
                return self.apply("div", dx, self.apply("mul", self.constant(2.0), value))
            case "max" | "min":
                test = self.apply("greater" if operation.code == "max" else "less", x, y)
                return self.apply("choose", test, dx, dy)
            case "choose":
                return self.apply("choose", x, inner[1], inner[2])
        raise NotImplementedError(f"no derivative of {operation.code!r} in a balance")

    def parts(self, value: int) -> list[int]:
        """Return the numbers that a value is made of; a test is no number, so what it compares counts."""
        found = []
        for argument in self.operations[value].arguments:
            found += self.parts(argument) if self.operations[argument].code in TESTS else [argument]
        return found

    # -- inside -------------------------------------------------------------------------------

    def _keep(self, operation: Operation, moment: Moment, uniform: bool) -> int:
        if operation not in self._known:
            self._known[operation] = len(self.operations)
            self.operations.append(operation)
            self.moment.append(moment)
            self.uniform.append(uniform)
        return self._known[operation]

    def _fixed(self, value: int) -> float | None:
        operation = self.operations[value]
        return operation.constant if operation.code == "constant" else None

    def _order(self, value: int) -> tuple[int, bool]:
        return self.moment[value], not self.uniform[value]

    def _joined(self, code: str, values: Iterable[int]) -> list[int]:
        return sorted(values, key=lambda value: (*self._order(value), value))

    def _chain(self, code: str, values: list[int], neutral: float) -> int:
        """Combine early parts first; parts of one moment pairwise, so that they do not wait for each other."""
        if not values:
            return self.constant(neutral)
        done: list[int] = []
        for moment in sorted({self._order(value) for value in values}):
            level = [*done, *(value for value in values if self._order(value) == moment)]
            while len(level) > 1:
                pairs = [tuple(level[i : i + 2]) for i in range(0, len(level), 2)]
                level = [reduce(lambda x, y: self.apply(code, x, y), pair) for pair in pairs]
            done = level
        return done[0]

    def _neutral(self, code: str, arguments: tuple[int, ...], fixed: list[float | None]) -> int | None:
        """Return what an operation with a neutral or absorbing argument comes to."""
        if code == "choose" and fixed[0] is not None:
            return arguments[1] if fixed[0] else arguments[2]
        if code == "choose" and arguments[1] == arguments[2]:
            return arguments[1]
        if code == "add":
            return arguments[1] if fixed[0] == 0 else arguments[0] if fixed[1] == 0 else None
        if code == "mul":
            if 0.0 in fixed:
                return self.constant(0.0)
            return arguments[1] if fixed[0] == 1 else arguments[0] if fixed[1] == 1 else None
        if code == "sub" and fixed[1] == 0:
            return arguments[0]
        if code == "div" and (fixed[1] == 1 or fixed[0] == 0):
            return arguments[0]
        return None
