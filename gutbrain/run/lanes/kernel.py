"""The kernel of an axis in LLVM's language: days, quarter hours and steps of one vector of people.

Classical Runge-Kutta as in `gutbrain.run.fixed`, with the same held levers and the same chord steps for
the unknowns of balances. Signals are read at the quarter hours, whatever the step. Values are computed as early
as they are known: before the run, once a step, once a stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from llvmlite import ir

from gutbrain.run.lanes.memory import Memory
from gutbrain.run.lanes.program import Program
from gutbrain.run.lanes.segments import Segment, segments, under
from gutbrain.run.lanes.values import TESTS, Moment
from gutbrain.run.lanes.vector import Arithmetic

AT, WEIGHT, NEXT = (0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6), (0.5, 0.5, 1.0, 0.0)
CHORD_STEPS = 2
QUARTERS = 96  # a day; readings and random changes fall at these
DOUBLE = ir.DoubleType()
Actions = dict[int, list[Callable[[Any], None]]]  # what is done with a value as soon as it is there


@dataclass(frozen=True)
class Kernel:
    """A kernel as text, and the room that it needs.

    Attributes
    ----------
    text : LLVM assembly of the function `live`
    room : vectors of scratch
    numbers : single numbers of scratch
    """

    text: str
    room: int
    numbers: int


def write_kernel(program: Program, bits: int, width: int, wide: bool) -> Kernel:
    """Write the kernel of a program for vectors of `width` numbers of `bits` bits; `wide` where there is AVX-512."""
    return Writer(program, bits, width, wide).write()


class Writer:
    """Writes one function of LLVM from a program."""

    def __init__(self, program: Program, bits: int, width: int, wide: bool) -> None:
        self.program, self.values = program, program.values
        self.memory = Memory(bits, width)
        self.builder = self.memory.builder
        self.maths = Arithmetic(self.builder, bits, width, wide)
        self.slots: dict[int, int] = {}
        self.scalars: dict[str, Any] = {}
        self.rows, self.columns = len(program.rates), len(program.signals)

    def write(self) -> Kernel:
        """Write the function from its arguments to its return."""
        memory, program = self.memory, self.program
        self.now = memory.reserve(2 * self.rows)
        self.change, self.carry = memory.reserve(self.rows), memory.reserve(self.rows)
        self.lever, self.inverse = memory.reserve(len(program.levers)), memory.reserve(program.unknowns**2)
        self.hour, self.sums = memory.reserve(self.columns), memory.reserve(self.columns)
        self.least, self.most = memory.reserve(self.columns), memory.reserve(self.columns)
        self.sizes = memory.reserve(3 * len(program.random))
        self.counter = self.builder.alloca(memory.whole(0).type)
        self.builder.store(memory.whole(0), self.counter)
        self._plain(self._early(Moment.RUN))
        with memory.loop(memory.whole(self.rows), "carry") as row:
            memory.store(self.maths.constant(0.0), "scratch", self.carry, row)
        with memory.loop(memory.given["days"], "day") as day:
            self._day(day)
        self.builder.ret_void()
        return Kernel(str(memory.module), memory.room, memory.numbers)

    # -- values -------------------------------------------------------------------------------

    def _early(self, moment: Moment) -> list[int]:
        """Keep the values of one moment that later ones need, and return all that are to be computed for them."""
        values = self.values
        needed = under(values, self.program.asked())
        later = {part for value in needed if values.moment[value] > moment
                 for part in values.operations[value].arguments} | set(self.program.asked())  # fmt: skip
        kept = [v for v in later if values.moment[v] == moment and values.operations[v].arguments]
        for value in sorted(kept):
            self.slots[value] = self.memory.number() if values.uniform[value] else self.memory.reserve(1)
        return sorted(v for v in under(values, kept) if values.moment[v] == moment and values.operations[v].arguments)

    def _plain(self, order: Sequence[int], actions: Actions | None = None) -> None:
        """Write the operations of a segment, store what is kept, and act on what is ready."""
        known: dict[int, Any] = {}
        waiting = dict(actions or {})

        def get(value: int) -> Any:
            if value not in known:
                operation = self.values.operations[value]
                if operation.code == "constant":
                    known[value] = self.maths.constant(operation.constant)
                elif not operation.arguments:
                    known[value] = self._leaf(operation)
                elif operation.code in TESTS:
                    known[value] = self.maths.apply(operation, [get(argument) for argument in operation.arguments])
                elif self.values.uniform[value]:
                    known[value] = self.memory.load("scratch_numbers", self.slots[value])
                else:
                    known[value] = self.memory.load("scratch", self.slots[value])
            return known[value]

        for value in order:
            operation = self.values.operations[value]
            if operation.arguments and operation.code not in TESTS:
                known[value] = self.maths.apply(operation, [get(argument) for argument in operation.arguments])
                if value in self.slots:
                    place = "scratch_numbers" if self.values.uniform[value] else "scratch"
                    self.memory.store(known[value], place, self.slots[value])
            for act in waiting.pop(value, ()):
                act(get(value))
        for value, acts in waiting.items():
            for act in acts:
                act(get(value))

    def _leaf(self, operation: Any) -> Any:
        """Load a state, parameter, lever or unknown, or return what the clock shows."""
        match operation.code:
            case "state":
                return self.memory.load("scratch", self.reading, operation.place)
            case "lever":
                return self.memory.load("scratch", self.lever + operation.place)
            case "inverse":
                return self.memory.load("scratch", self.inverse + operation.place)
            case "own" | "shared":
                return self.memory.load(operation.code, operation.place)
            case "solved" | "trial":
                return self.memory.load("unknown", operation.place)
        return self.scalars[operation.code]

    # -- the course of a day ------------------------------------------------------------------

    def _day(self, day: Any) -> None:
        memory, maths, builder = self.memory, self.maths, self.builder
        one = maths.spread(maths.constant(1.0))
        with memory.loop(memory.given["acts"], "act") as act:
            gone = maths.do_sub(one, memory.load("present", day))
            part = maths.do_mul(maths.spread(memory.load("effort", act)), gone)
            dose = maths.do_mul(memory.load("dose", act), maths.do_sub(one, part))
            memory.store(dose, "doses", act)
        for begin, value in ((self.sums, 0.0), (self.least, float("inf")), (self.most, float("-inf"))):
            self._fill(begin, value)
        with memory.loop(memory.whole(24), "hour") as hour:
            self._fill(self.hour, 0.0)
            with memory.loop(memory.whole(4), "quarter") as part:
                of_day = builder.add(builder.mul(hour, memory.whole(4)), part)
                self._quarter(day, of_day)
            self._end_hour(builder.add(builder.mul(day, memory.whole(24)), hour))
        with memory.loop(memory.given["labels"], "label") as label:
            place = builder.sext(memory.load("label", label), memory.whole(0).type)
            into = builder.add(builder.mul(day, memory.given["labels"]), label)
            mean = maths.do_mul(memory.load("scratch", self.sums, place), maths.spread(maths.constant(1 / 24)))
            for value, name in ((mean, "mean"), (memory.load("scratch", self.least, place), "low"),
                                (memory.load("scratch", self.most, place), "high")):  # fmt: skip
                memory.store(memory.single(value), name, into)

    def _fill(self, begin: int, value: float) -> None:
        with self.memory.loop(self.memory.whole(self.columns), "fill") as place:
            self.memory.store(self.maths.constant(value), "scratch", begin, place)

    def _end_hour(self, hours: Any) -> None:
        memory, maths = self.memory, self.maths
        with memory.loop(memory.whole(self.columns), "column") as place:
            mean = maths.do_mul(memory.load("scratch", self.hour, place), maths.spread(maths.constant(0.25)))
            for begin, join in ((self.sums, maths.do_add), (self.least, maths.do_min), (self.most, maths.do_max)):
                memory.store(join(memory.load("scratch", begin, place), mean), "scratch", begin, place)
        with memory.loop(self.builder.mul(memory.given["marked"], memory.whole(self.rows)), "mark") as row:
            memory.store(memory.load("state", row), "marks", self.builder.mul(hours, memory.whole(self.rows)), row)

    def _quarter(self, day: Any, of_day: Any) -> None:
        """Take the steps of a quarter hour; signals are read at its begin, random changes fall at its end."""
        memory, builder = self.memory, self.builder
        number = builder.add(builder.mul(day, memory.whole(QUARTERS)), of_day)
        count = builder.sext(memory.load("substeps", number), memory.whole(0).type)
        length = builder.fdiv(ir.Constant(DOUBLE, 1 / QUARTERS), builder.sitofp(count, DOUBLE))
        today = builder.fadd(memory.given["first_day"], builder.sitofp(day, DOUBLE))
        begin = builder.fadd(today, builder.fmul(builder.sitofp(of_day, DOUBLE), ir.Constant(DOUBLE, 1 / QUARTERS)))
        self.scalars["step"] = memory.narrow(length)
        with memory.loop(count, "step") as part:
            now = builder.fadd(begin, builder.fmul(builder.sitofp(part, DOUBLE), length))
            is_first = builder.icmp_signed("==", part, memory.whole(0))
            self._step(now, length, is_first, builder.sext(memory.load("turns", number), number.type))
        if self.program.random:
            self._draw(number)
        with memory.loop(memory.whole(self.rows), "bound") as row:
            self._hold(row, begin)

    def _step(self, now: Any, length: Any, is_first: Any, turns: Any) -> None:
        memory, builder, maths = self.memory, self.builder, self.maths
        self.scalars["step_start"] = self.scalars["time"] = memory.narrow(now)
        number = builder.load(self.counter)
        builder.store(builder.add(number, memory.whole(1)), self.counter)
        self.reading = memory.whole(self.now)
        held = self._early(Moment.STEP)
        with memory.loop(memory.whole(len(self.program.levers)), "rest") as place:
            memory.store(maths.constant(0.0), "scratch", self.lever, place)
        with memory.loop(memory.given["acts"], "move") as act:
            shape = memory.load("shape", builder.mul(number, memory.given["acts"]), act)
            place = builder.sext(memory.load("act_lever", act), number.type)
            moved = maths.do_mul(memory.load("doses", act), maths.spread(shape))
            now_moved = maths.do_add(memory.load("scratch", self.lever, place), moved)
            memory.store(now_moved, "scratch", self.lever, place)
        with memory.loop(memory.whole(self.rows), "begin") as row:
            memory.store(memory.load("state", row), "scratch", self.now, row)
            memory.store(maths.constant(0.0), "scratch", self.change, row)
        self._plain(held)
        if self.program.unknowns:
            with builder.if_then(is_first):
                self._refresh(turns)
        tables = [memory.table(name, values) for name, values in (("at", AT), ("weight", WEIGHT), ("next", NEXT))]
        with memory.loop(memory.whole(4), "stage") as stage:
            at, weight, following = (builder.load(builder.gep(table, [memory.whole(0), stage])) for table in tables)
            self.scalars["time"] = memory.narrow(builder.fadd(now, builder.fmul(at, length)))
            begins = builder.icmp_signed("==", stage, memory.whole(0))
            is_read = builder.and_(is_first, begins)
            self._stage(stage, memory.narrow(weight), memory.narrow(builder.fmul(following, length)), is_read)
        with memory.loop(memory.whole(self.rows), "move state") as row:
            change = maths.do_mul(maths.spread(self.scalars["step"]), memory.load("scratch", self.change, row))
            self._add_exactly(row, change)

    def _add_exactly(self, row: Any, change: Any) -> None:
        """Add to a state; in single precision what rounding cuts off is carried into the next step (Kahan 1965)."""
        memory, maths = self.memory, self.maths
        old = memory.load("state", row)
        if memory.bits == 64:
            memory.store(maths.do_add(old, change), "state", row)
            return
        whole = maths.do_sub(change, memory.load("scratch", self.carry, row))
        new = maths.do_add(old, whole)
        memory.store(maths.do_sub(maths.do_sub(new, old), whole), "scratch", self.carry, row)
        memory.store(new, "state", row)

    def _refresh(self, turns: Any) -> None:
        """Take the inverse Jacobian anew as a quarter hour begins, and move once by it, or more often."""
        program, values, memory = self.program, self.values, self.memory
        asked = [*program.inverse, *program.refreshed]
        trial = sorted(v for v in under(values, asked) if values.moment[v] == Moment.TRIAL)
        parts = segments(values, [("before", self._stage_values(trial)), ("turn", trial)])
        with self._crossing(parts):
            for part in parts:
                if part.name == "before":
                    self._plain(part.values)
                    continue
                actions: Actions = {}
                for place, value in enumerate(program.inverse):
                    actions.setdefault(value, []).append(self._into("scratch", self.inverse + place))
                with memory.loop(turns, "turn"):
                    self._move_unknowns(part.values, program.refreshed, actions)

    def _move_unknowns(self, order: Sequence[int], moved: Sequence[int], actions: Actions) -> None:
        """Write one turn for the unknowns; all are stored after the last was read."""
        new: dict[int, Any] = {}
        for place, value in enumerate(moved):
            actions.setdefault(value, []).append(partial(new.__setitem__, place))
        self._plain(order, actions)
        for place, value in new.items():
            self.memory.store(value, "unknown", place)

    def _stage(self, stage: Any, weight: Any, following: Any, is_read: Any) -> None:
        """Write one stage: solve the unknowns, take the rates and move on.

        Where a quarter hour begins, signals and the sizes of its random changes are read.
        """
        program, values, memory, builder = self.program, self.values, self.memory, self.builder
        trial = sorted(v for v in under(values, program.improved) if values.moment[v] == Moment.TRIAL)
        before = self._stage_values(trial)
        rates = self._stage_values(program.rates, before)
        signals = self._stage_values(program.signals, {*before, *rates})
        random = self._stage_values(program.drawn(), {*before, *rates})
        groups = [("before", before), ("chord", trial), ("rates", rates), ("signals", signals), ("random", random)]
        read = ("signals", "random")
        late = {"rates": program.rates, "signals": program.signals, "random": program.drawn()}
        parts = segments(values, [group for group in groups if group[1] or group[0] in read], late)
        # Rows are written beside the ones that are read, and change places with them at each stage.
        odd = builder.and_(stage, memory.whole(1))
        self.reading = builder.add(memory.whole(self.now), builder.mul(odd, memory.whole(self.rows)))
        into = builder.sub(memory.whole(2 * self.now + self.rows), self.reading)
        moves: Actions = {}
        for row, rate in enumerate(program.rates):
            moves.setdefault(rate, []).append(self._mover(row, into, weight, following))
        reads: Actions = {}
        for place, signal in enumerate(program.signals):
            reads.setdefault(signal, []).append(self._adder(self.hour + place))
        sizes: Actions = {}
        for place, drawn in enumerate(program.random):
            for i, value in enumerate(drawn.parts):
                sizes.setdefault(value, []).append(self._into("scratch", self.sizes + 3 * place + i))
        with self._crossing(parts):
            for part in parts:
                if part.name in read:
                    with builder.if_then(is_read):
                        self._plain(part.values, part.select(reads if part.name == "signals" else sizes))
                elif part.name == "chord":
                    with memory.loop(memory.whole(CHORD_STEPS), "chord"):
                        self._move_unknowns(part.values, program.improved, {})
                else:
                    self._plain(part.values, part.select(moves) if part.name == "rates" else None)

    def _stage_values(self, targets: Sequence[int], done: Sequence[int] | set[int] = ()) -> list[int]:
        """Return what a stage computes for the targets, in order, and has not computed yet."""
        values = self.values
        return sorted(
            v for v in under(values, targets)
            if values.moment[v] in (Moment.STAGE, Moment.SOLVED) and v not in done
            and (values.operations[v].arguments or v in targets)
        )  # fmt: skip

    @contextmanager
    def _crossing(self, parts: list[Segment]) -> Iterator[None]:
        """Give room to what is computed in one segment and needed in a later one."""
        given: dict[int, int] = {}
        free: list[int] = []
        taken = 0
        for part in parts:
            for value in part.crossing:
                if self.values.uniform[value]:
                    given[value] = self.memory.number()
                elif free:
                    given[value] = free.pop()
                else:
                    given[value], taken = self.memory.passing(taken), taken + 1
            free += [given[value] for value in part.freed if not self.values.uniform[value]]
        self.slots |= given
        yield
        for value in given:
            del self.slots[value]

    def _into(self, name: str, place: int) -> Callable[[Any], None]:
        return lambda value: self.memory.store(value, name, place)

    def _adder(self, place: int) -> Callable[[Any], None]:
        def add(value: Any) -> None:
            total = self.maths.do_add(self.memory.load("scratch", place), self.maths.spread(value))
            self.memory.store(total, "scratch", place)

        return add

    def _mover(self, row: int, into: Any, weight: Any, following: Any) -> Callable[[Any], None]:
        def move(rate: Any) -> None:
            memory, maths = self.memory, self.maths
            slope = maths.spread(rate)
            change = maths.do_add(memory.load("scratch", self.change + row), maths.do_mul(maths.spread(weight), slope))
            memory.store(change, "scratch", self.change + row)
            then = maths.do_add(memory.load("state", row), maths.do_mul(maths.spread(following), slope))
            memory.store(then, "scratch", into, row)

        return move

    # -- the end of a quarter hour ------------------------------------------------------------

    def _hold(self, row: Any, begin: Any) -> None:
        """Hold a state within its bounds, and note who left them first and when."""
        memory, builder, maths = self.memory, self.builder, self.maths
        new, zero = memory.load("state", row), maths.spread(maths.constant(0.0))
        low, high, slack = (maths.spread(memory.load(name, row)) for name in ("floor", "ceiling", "slack"))
        inside = builder.and_(builder.fcmp_ordered(">=", new, maths.do_sub(low, slack)),
                              builder.fcmp_ordered("<=", new, maths.do_add(high, slack)))  # fmt: skip
        left = memory.load("left_day", 0)
        stays = builder.or_(inside, builder.fcmp_ordered(">=", left, zero))
        today = memory.narrow(self.builder.call(memory.floor(), [begin]))
        rows = memory.narrow(builder.sitofp(row, DOUBLE))
        memory.store(builder.select(stays, memory.load("left_row", 0), maths.spread(rows)), "left_row", 0)
        memory.store(builder.select(stays, left, maths.spread(today)), "left_day", 0)
        held = maths.do_min(maths.do_max(new, low), high)
        finite = builder.fcmp_ordered("==", maths.do_mul(new, zero), zero)
        memory.store(builder.select(finite, held, low), "state", row)

    def _draw(self, number: Any) -> None:
        """Add the random changes of a quarter hour, from draws that are given."""
        memory, builder, maths = self.memory, self.builder, self.maths
        base = builder.mul(number, memory.whole(self.program.channels))
        channel, length = 0, maths.spread(maths.constant(1 / QUARTERS))
        for place, drawn in enumerate(self.program.random):
            sizes = [memory.load("scratch", self.sizes + 3 * place + i) for i in range(len(drawn.parts))]
            draws = [memory.load("random", base, channel + i) for i in range(drawn.channels)]
            channel += drawn.channels
            if drawn.channels == 1:
                moved = maths.do_mul(maths.do_mul(sizes[0], maths.do_sqrt(length)), draws[0])
            else:
                rate, median, log_sd = sizes
                jump = maths.do_mul(median, maths.do_exp(maths.do_mul(log_sd, draws[1])))
                happens = maths.do_less(draws[0], maths.do_mul(rate, length))
                moved = builder.select(happens, jump, maths.spread(maths.constant(0.0)))
            for row in drawn.rows:
                memory.store(maths.do_add(memory.load("state", row), moved), "state", row)
