"""The symbolic reading of an axis as numbered values."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import sympy

from gutbrain.model import units
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Events, Noise, Param, State, Unknown
from gutbrain.model.expressions import Total
from gutbrain.model.symbols import Name, Symbols
from gutbrain.run.lanes.layout import entries, lever_names
from gutbrain.run.lanes.program import Drawn, Program
from gutbrain.run.lanes.values import Moment, Values
from gutbrain.run.noise import QUARTER

LOG_STEP = 1.0  # largest move of the logarithm of an unknown in one turn
UNARY = {sympy.exp: "exp", sympy.log: "log", sympy.tanh: "tanh", sympy.sin: "sin", sympy.cos: "cos"}
TESTS = {
    sympy.StrictGreaterThan: "greater", sympy.StrictLessThan: "less", sympy.GreaterThan: "not less",
    sympy.LessThan: "not greater",
}  # fmt: skip
CLOCK = {
    "clock.time": ("time", Moment.STAGE), "clock.step_start": ("step_start", Moment.STEP),
    "clock.step": ("step", Moment.STEP),
}  # fmt: skip


def program(axis: Axis, own: frozenset[str], noisy: bool) -> Program:
    """Read an axis.

    Parameters
    ----------
    own : parameters that differ between the people of one kernel; all others are one number for all
    noisy : draw events and noise
    """
    return _Reader(axis, own, noisy).read()


def operations(axis: Axis) -> dict[str, int]:
    """Count the operations of one right-hand side by kind, common subexpressions once, as each step repeats them.

    Operations that are known before a stage are not counted; `stages` a step come on top of `step`.
    """
    own = frozenset(name for name, param in axis.parameters.items() if param.between is not None or param.settled)
    found = program(axis, own, False)
    needed, waiting = set(), [*found.rates, *found.improved, *found.improved]
    while waiting:
        value = waiting.pop()
        if value not in needed:
            needed.add(value)
            waiting += found.values.operations[value].arguments
    counts = Counter(
        found.values.operations[value].code
        for value in needed
        if found.values.moment[value] >= Moment.STAGE and found.values.operations[value].arguments
    )
    return dict(counts)


class _Reader:
    def __init__(self, axis: Axis, own: frozenset[str], noisy: bool) -> None:
        self.axis, self.noisy = axis, noisy
        self.reading = Symbols(axis)
        for _ in self.reading.all_equations():
            pass
        self.values = Values()
        self.levers = {name: place for place, name in enumerate(lever_names(axis))}
        self.places = {entry: place for place, entry in enumerate(entries(axis))}
        self.own = own
        self.definitions = self._definitions()
        self.shared_quotients = self._shared_quotients()
        self.memory: dict[Any, int] = {}
        self.unknown = "solved"
        self.drawing = False  # random changes see a step of a quarter hour, whatever the step
        self.unknown_rows = self._unknown_rows()

    def read(self) -> Program:
        axis = self.axis
        program = Program(self.values, list(self.levers), list(self.places))
        if self.unknown_rows:
            self._balances(program)
        rates = {(part, equation.of): equation.name for part, equation in axis.rate_equations}
        for label in axis.rows:
            column = axis.columns[label]
            giver = axis.givers[column.signal]
            rate = self._member(giver.compartment, rates[giver.compartment, giver.member], column.index)
            program.rates.append(self._declared(rate, axis.state(giver.compartment, giver.member).unit))
        for column in axis.columns.values():
            giver = axis.givers[column.signal]
            value = self._member(giver.compartment, giver.member, column.index)
            program.signals.append(self._declared(value, column.unit))
        if self.noisy:
            program.random += self._random()
        return program

    # -- symbols ------------------------------------------------------------------------------

    def _definitions(self) -> dict[Any, Any]:
        """Return what each symbol of a term stands for."""
        found: dict[Any, Any] = {}
        for (compartment, member), value in self.reading.defined.items():
            if isinstance(value, tuple):
                continue
            symbols = np.reshape(np.asarray(self.reading.views[compartment].__dict__[member], object), -1)
            found |= dict(zip(symbols, np.reshape(np.asarray(value, object), -1), strict=True))
        return found

    def _shared_quotients(self) -> set[Any]:
        """Return the reciprocals that several expressions use: these are worth a value of their own."""
        counts: Counter[Any] = Counter()
        seen = set()
        for value in self.definitions.values():
            waiting = [sympy.sympify(value)]
            while waiting:
                part = waiting.pop()
                if part in seen:
                    continue
                seen.add(part)
                counts.update(argument for argument in part.args if isinstance(argument, sympy.Pow))
                waiting += part.args
        return {part for part, count in counts.items() if count > 1}

    def _unknown_rows(self) -> dict[tuple[str, str], range]:
        rows, begin = {}, 0
        for name, unknown in self.axis.unknowns().items():
            compartment, _, member = name.partition(".")
            length = len(type(self.reading.views[compartment]).axes[unknown.over]) if unknown.over else 1
            rows[compartment, member] = range(begin, begin + length)
            begin += length
        return rows

    def _member(self, compartment: str, member: str, index: int | None) -> int:
        """Return one entry of a field or equation."""
        symbols = np.reshape(np.asarray(getattr(self.reading.views[compartment], member), object), -1)
        return self.value(symbols[0] if symbols.size == 1 else symbols[index or 0])

    def _declared(self, value: int, unit: str) -> int:
        return self.values.product([value, self.values.constant(1 / units.factor(unit))])

    def _symbol(self, symbol: Any) -> int:
        values = self.values
        if symbol in self.reading.offsets:
            return self._offset(self.reading.offsets[symbol])
        if symbol in self.definitions:
            return self.value(self.definitions[symbol])
        name = self.reading.names[symbol]
        member = type(self.reading.views[name.compartment])._members[name.member]
        index = self._index(name, member)
        if isinstance(member, State):
            row = self.axis.slices[name.compartment, name.member].start + index
            leaf = values.leaf("state", row, Moment.STAGE, False)
            return values.product([leaf, values.constant(units.factor(member.unit))])
        if isinstance(member, Param):
            full = f"{name.compartment}.{name.member}"
            is_own = full in self.own
            return values.leaf("own" if is_own else "shared", self.places[full, index], Moment.RUN, not is_own)
        assert isinstance(member, Unknown)
        row = self.unknown_rows[name.compartment, name.member][index]
        return values.leaf(self.unknown, row, Moment.SOLVED if self.unknown == "solved" else Moment.TRIAL, False)

    def _index(self, name: Name, member: Any) -> int:
        if not name.entry:
            return 0
        axes = self.reading.labels(self.reading.views[name.compartment], member)
        place = [labels.index(entry) for labels, entry in zip(axes, name.entry, strict=True)]
        return int(np.ravel_multi_index(place, [len(labels) for labels in axes]))

    def _offset(self, key: str) -> int:
        if key == "run.noise":
            return self.values.constant(float(self.noisy))
        if key == "clock.step" and self.drawing:
            return self.values.constant(QUARTER)
        if key in CLOCK:
            code, moment = CLOCK[key]
            return self.values.leaf(code, 0, moment, True)
        return self.values.leaf("lever", self.levers[key], Moment.STEP, False)

    # -- expressions --------------------------------------------------------------------------

    def value(self, expression: Any) -> int:
        """Return the value of a sympy expression."""
        expression = sympy.sympify(expression)
        key = (expression, self.unknown, self.drawing)
        if key not in self.memory:
            self.memory[key] = self._translate(expression)
        return self.memory[key]

    def _translate(self, expression: Any) -> int:
        values = self.values
        if expression.is_number:
            return values.constant(float(expression))
        if isinstance(expression, sympy.Symbol):
            return self._symbol(expression)
        if isinstance(expression, (sympy.Add, Total)):
            return self._sum(expression)
        if isinstance(expression, (sympy.Mul, sympy.Pow)):
            return self._product(expression)
        if isinstance(expression, (sympy.Max, sympy.Min)):
            code = "max" if isinstance(expression, sympy.Max) else "min"
            first, *others = (self.value(part) for part in expression.args)
            for other in others:
                first = values.apply(code, first, other)
            return first
        if isinstance(expression, sympy.Mod):
            value, period = (self.value(part) for part in expression.args)
            turns = values.apply("floor", values.apply("div", value, period))
            return values.apply("sub", value, values.apply("mul", period, turns))
        if isinstance(expression, sympy.Piecewise):
            inside = window_of(expression)
            return self._piecewise(expression) if inside is None else self._window(*inside)
        for kind, code in (*UNARY.items(), *TESTS.items()):
            if isinstance(expression, kind):
                return values.apply(code, *(self.value(part) for part in expression.args))
        raise NotImplementedError(f"the lanes engine knows no {type(expression).__name__}")

    def _sum(self, expression: Any) -> int:
        plus: list[int] = []
        minus: list[int] = []
        for part in expression.args:
            negative = part.could_extract_minus_sign() and (part.is_number or part.is_Mul)
            (minus if negative else plus).append(self.value(-part if negative else part))
        return self.values.sum(plus, minus)

    def _product(self, expression: Any) -> int:
        over, under = [], []
        for factor in expression.args if isinstance(expression, sympy.Mul) else [expression]:
            is_shared = factor in self.shared_quotients and factor is not expression
            if is_shared or not isinstance(factor, sympy.Pow):
                over.append(self.value(factor))
            elif factor.exp.is_number and factor.exp.is_negative:
                under += self._power(factor.base, -factor.exp)
            else:
                over += self._power(factor.base, factor.exp)
        return self.values.product(over, under)

    def _power(self, base: Any, exponent: Any) -> list[int]:
        """Return a power as factors: whole ones multiplied out, halves by a root, others by the logarithm."""
        values, root = self.values, self.value(base)
        if exponent.is_number and float(2 * exponent).is_integer() and abs(float(exponent)) <= 4:
            whole, half = divmod(round(2 * float(exponent)), 2)
            return [root] * whole + ([values.apply("sqrt", root)] if half else [])
        return [values.apply("exp", values.product([self.value(exponent), values.apply("log", root)]))]

    def _piecewise(self, expression: Any) -> int:
        *tested, (last, _) = expression.args
        found = self.value(last)
        for value, condition in reversed(tested):
            found = self.values.apply("choose", self.value(condition), self.value(value), found)
        return found

    def _window(self, since: Any, duration: Any) -> int:
        """Return the share of the step inside a daily window, as `maths.share_of_day` has it."""
        values, one, zero = self.values, self.values.constant(1.0), self.values.constant(0.0)
        step = self._offset("clock.step")
        begun, lasts = self.value(since), self.value(duration)

        def apply(code: str, x: int, y: int) -> int:
            return values.apply(code, x, y)

        rest = apply("max", apply("min", apply("sub", lasts, begun), step), zero)
        following = apply("max", apply("sub", apply("add", begun, step), one), zero)
        inside = apply("add", rest, apply("min", following, lasts))
        return apply("min", values.product([inside, apply("div", one, step)]), one)

    # -- balances and random changes ----------------------------------------------------------

    def _balances(self, program: Program) -> None:
        """Write the turns that solve the balances: moves of the logarithms by an inverse Jacobian.

        `log(x / b)` and `exp(-move)` are taken to third order: they are exact where the balance holds.
        """
        values, count = self.values, sum(len(rows) for rows in self.unknown_rows.values())
        self.unknown = "trial"
        found: list[int] = []
        for (compartment, member), rows in self.unknown_rows.items():
            equation = self.axis.balances[compartment, member].name
            found += [self._balance(compartment, equation, i) for i in range(len(rows))]
        self.unknown = "solved"
        self.drawing = False  # random changes see a step of a quarter hour, whatever the step
        one = values.constant(1.0)
        trial = [values.leaf("trial", i, Moment.TRIAL, False) for i in range(count)]
        matrix = [[values.constant(float(i == j)) for j in range(count)] for i in range(count)]
        for j in range(count):
            memory: dict[int, int] = {}
            for i in range(count):
                slope = values.derivative(found[i], trial[j], memory)
                share = values.product([trial[j], slope, values.apply("div", one, found[i])])
                matrix[i][j] = values.apply("sub", matrix[i][j], share)
        inverse = _inverted(values, matrix)
        loaded = [[values.leaf("inverse", i * count + j, Moment.STAGE, False) for j in range(count)]
                  for i in range(count)]  # fmt: skip
        far = [self._log_ratio(x, b) for x, b in zip(trial, found, strict=True)]

        def moved(rows: list[list[int]]) -> list[int]:
            new = []
            for x, row in zip(trial, rows, strict=True):
                move = values.sum([values.apply("mul", weight, miss) for weight, miss in zip(row, far, strict=True)])
                held = values.apply("min", values.apply("max", move, values.constant(-LOG_STEP)),
                                    values.constant(LOG_STEP))  # fmt: skip
                # exp(-held), which is exact where nothing is to be moved.
                series = [one, *(values.constant((-1) ** k / math.factorial(k)) for k in range(1, 5))]
                shrunk = series[-1]
                for weight in reversed(series[:-1]):
                    shrunk = values.apply("add", values.apply("mul", shrunk, held), weight)
                new.append(values.apply("mul", x, shrunk))
            return new

        program.inverse = [entry for row in inverse for entry in row]
        program.refreshed = moved(inverse)
        program.improved = moved(loaded)

    def _log_ratio(self, x: int, b: int) -> int:
        """Return 2 (x - b) / (x + b), multiplied out where b is itself a quotient."""
        values, operation = self.values, self.values.operations[b]
        over, under = operation.arguments if operation.code == "div" else (b, values.constant(1.0))
        scaled = values.apply("mul", x, under)
        apart = values.apply("mul", values.constant(2.0), values.apply("sub", scaled, over))
        return values.apply("div", apart, values.apply("add", scaled, over))

    def _balance(self, compartment: str, equation: str, index: int) -> int:
        value = np.reshape(np.asarray(self.reading.defined[compartment, equation], object), -1)
        return self.value(value[index if value.size > 1 else 0])

    def _random(self) -> list[Drawn]:
        found = []
        self.drawing = True
        for place in self.axis.compartments:
            for equation in place.members(Noise).values():
                rows = self.axis.slices[place.name, equation.of]
                unit = self.axis.state(place.name, equation.of).unit
                for i in range(rows.stop - rows.start):
                    size = self._declared(self._member(place.name, equation.name, i), unit)
                    found.append(Drawn(range(rows.start + i, rows.start + i + 1), (size,)))
            for event in place.members(Events).values():
                rows = self.axis.slices[place.name, event.of]
                unit = self.axis.state(place.name, event.of).unit
                rate, median, log_sd = (self.value(part) for part in self.reading.defined[place.name, event.name])
                found.append(Drawn(range(rows.start, rows.stop), (rate, self._declared(median, unit), log_sd)))
        self.drawing = False
        return found


def window_of(expression: Any) -> tuple[Any, Any] | None:
    """Return (time since the begin, duration) of a daily window as `expressions.window` writes it, or None."""
    if len(expression.args) != 2 or expression.args[0][0] != 1 or expression.args[1][0] != 0:
        return None
    test = expression.args[0][1]
    if not isinstance(test, sympy.StrictLessThan) or not isinstance(test.args[0], sympy.Mod):
        return None
    return (test.args[0], test.args[1]) if test.args[0].args[1] == 1 else None


def _inverted(values: Values, matrix: list[list[int]]) -> list[list[int]]:
    """Invert a small matrix by elimination without pivoting: balances here are M-matrices."""
    count = len(matrix)
    both = [[*row, *(values.constant(float(i == j)) for j in range(count))] for i, row in enumerate(matrix)]
    for pivot in range(count):
        scale = values.apply("div", values.constant(1.0), both[pivot][pivot])
        both[pivot] = [values.apply("mul", entry, scale) for entry in both[pivot]]
        for i in range(count):
            if i != pivot:
                factor = both[i][pivot]
                both[i] = [
                    values.apply("sub", entry, values.apply("mul", factor, other))
                    for entry, other in zip(both[i], both[pivot], strict=True)
                ]
    return [row[count:] for row in both]
