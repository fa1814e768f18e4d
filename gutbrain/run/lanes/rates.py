"""The right-hand side alone, for solvers that choose their own steps: one call gives all rates of one person.

The same operations as in the kernel of `gutbrain.run.lanes.kernel`, compiled by the same compiler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.run.lanes.block import aligned, unknowns_at_first
from gutbrain.run.lanes.compiled import NARROW, from_code, machine_code, this_processor
from gutbrain.run.lanes.forcing import FIRST_TURNS
from gutbrain.run.lanes.kernel import Actions, Kernel, Writer
from gutbrain.run.lanes.layout import ARGUMENTS, flattened, lever_names, own_parameters
from gutbrain.run.lanes.reader import program
from gutbrain.run.lanes.values import Moment

TURNS = 4  # that solve the balances from where the call before left them
INSTANT = 1e-9  # days over which a window is looked at: inside or outside


class _RatesWriter(Writer):
    """Arguments are those of a kernel; `first_day` is the time, `floor` holds the held moment, rates go to `marks`."""

    def write(self) -> Kernel:
        memory, program_, builder = self.memory, self.program, self.builder
        self.now, self.reading = 0, memory.whole(0)
        memory.reserve(self.rows)
        self.lever, self.inverse = memory.reserve(len(program_.levers)), memory.reserve(program_.unknowns**2)
        self.scalars["time"], self.scalars["step_start"] = memory.given["first_day"], memory.load("floor", 0)
        self.scalars["step"] = self.maths.constant(INSTANT)
        is_new = builder.icmp_signed("!=", memory.given["days"], memory.whole(0))
        early, held = self._early(Moment.RUN), self._early(Moment.STEP)
        with builder.if_then(is_new):
            self._plain(early)
        with memory.loop(memory.whole(len(program_.levers)), "rest") as place:
            memory.store(self.maths.constant(0.0), "scratch", self.lever, place)
        with memory.loop(memory.given["acts"], "move") as act:
            place = builder.sext(memory.load("act_lever", act), memory.whole(0).type)
            moved = self.maths.do_add(memory.load("scratch", self.lever, place), memory.load("dose", act))
            memory.store(moved, "scratch", self.lever, place)
        with memory.loop(memory.whole(self.rows), "state") as row:
            memory.store(memory.load("state", row), "scratch", self.now, row)
        self._plain(held)
        if program_.unknowns:
            self._refresh(builder.sext(memory.load("turns", 0), memory.whole(0).type))
        into: Actions = {}
        for row, value in enumerate(program_.rates):
            into.setdefault(value, []).append(self._into("marks", row))
        self._plain(self._stage_values(program_.rates), into)
        builder.ret_void()
        return Kernel(str(memory.module), memory.room, memory.numbers)


class Rates:
    """The right-hand side of one person.

    Parameters
    ----------
    levers : lever of each act
    """

    def __init__(self, axis: Axis, levers: Sequence[str]) -> None:
        self.axis = axis
        machine, _, features = this_processor()
        self.own = own_parameters(axis, axis.defaults())
        read = program(axis, self.own, False)
        kernel = _RatesWriter(read, 64, NARROW, "+avx512f" in features.split(",")).write()
        facts = {"room": kernel.room, "numbers": kernel.numbers, "channels": 0}
        self.compiled = from_code(machine_code(kernel.text, machine), machine, 64, NARROW, facts)
        rows, places = len(axis.rows), {name: place for place, name in enumerate(lever_names(axis))}
        self.state, self.rates = aligned((rows, NARROW), np.float64), aligned((rows, NARROW), np.float64)
        self.dose = aligned((max(1, len(levers)), NARROW), np.float64)
        self.turns, self.held = np.array([FIRST_TURNS], np.int32), np.zeros(1)
        self.unknown = unknowns_at_first(axis, NARROW).copy()
        self.parts = [
            np.array([places[lever] for lever in levers], np.int32), aligned((kernel.room, NARROW), np.float64),
            aligned((max(1, kernel.numbers),), np.float64),
        ]  # fmt: skip
        self.acts, self.is_new = len(levers), 1

    def place(self, parameters: Mapping[str, np.ndarray]) -> None:
        """Take the numbers of one person, declared units, each with one column."""
        values = np.repeat(flattened(self.axis, parameters, 1), NARROW, axis=1)
        own = aligned(values.shape, np.float64)
        own[...] = values
        shared = np.ascontiguousarray(values[:, 0])
        self.unknown = aligned(self.unknown.shape, np.float64)
        self.unknown[...] = unknowns_at_first(self.axis, NARROW)
        self.is_new, self.turns[0] = 1, FIRST_TURNS
        move, scratch, numbers = self.parts
        kept = {
            "turns": self.turns, "state": self.state, "unknown": self.unknown, "shared": shared, "own": own,
            "act_lever": move, "dose": self.dose, "marks": self.rates, "floor": self.held, "scratch": scratch,
            "scratch_numbers": numbers,
        }  # fmt: skip
        self._kept = kept  # arrays whose addresses are given must live
        address = {name: array.ctypes.data for name, array in kept.items()}
        self._after = tuple(address.get(name, self.acts if name == "acts" else 0) for name, _ in ARGUMENTS[2:])

    def hold(self, held: float, doses: np.ndarray) -> None:
        """Take the doses in force, array [acts], and a moment between the jumps around; balances are sought anew."""
        self.held[0] = held
        self.dose[: self.acts] = doses[:, None]
        self.turns[0] = FIRST_TURNS

    def __call__(self, time: float, y: np.ndarray) -> Any:
        """Return the rates, array [rows] per day, at a time and a state; the array is written over by the next call."""
        self.state[:, 0] = y
        self.state[:, 1] = y
        self.compiled.call(self.is_new, time, *self._after)
        self.is_new, self.turns[0] = 0, TURNS
        return self.rates[:, 0]
