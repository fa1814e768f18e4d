"""Peer: LSODA of SciPy on our own equations, the right-hand side compiled by LLVM as our kernels are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from gutbrain.bench.case import Case, cpu, daily_jumps
from gutbrain.bench.solver import FailedError, whole

PACKAGE = "scipy"


class Lsoda:
    """LSODA called once for each stretch without a jump, as its discontinuities are known beforehand.

    `odeint` steps in compiled code, where `solve_ivp` steps in Python.
    Windows and acts are held within a stretch, so no evaluation sees the other side of a jump.
    """

    name, people = "SciPy LSODA", 1

    def __init__(self, case: Case, rtol: float) -> None:
        import llvmlite  # noqa: F401  without it the roster names the extra that brings it
        import scipy

        from gutbrain.run.lanes.rates import Rates

        self.case, self.rtol, self.version = case, rtol, str(scipy.__version__)
        self.setting = f"rtol {rtol:g}, atol {rtol:g} of range"
        self.load_seconds, self.rates = cpu(lambda: Rates(case.axis, [act.lever for act in case.acts]))

    def place(self, number: int) -> None:
        """Keep one person's numbers and the stretches between his jumps."""
        self.person = self.case.person(number)
        self.rates.place(self.person.parameters)
        one = Case(self.case.cohort.select(np.array([number]), 1, 1), self.case.trial, self.case.drive, 1, 0.0)
        edges = {float(day + jump) for day in range(self.case.days) for jump in daily_jumps(one)}
        for act in self.case.acts:
            edges |= {act.start, act.end, *(act.start + edge for edge in self._inner(act.shape))}
        inside = sorted(round(edge, 10) for edge in edges if 1e-9 < edge < self.case.days - 1e-9)
        edges_ = np.array([0.0, *inside, float(self.case.days)])
        self.stretches = [(begin, end, self._doses((begin + end) / 2)) for begin, end in pairwise(np.unique(edges_))]

    def _inner(self, shape: Any) -> list[float]:
        edges = getattr(shape, "edges", None)
        return edges(self.case.days) if edges else []

    def _doses(self, moment: float) -> np.ndarray:
        shares = [act.values(np.array([moment]), 0.0)[0] for act in self.case.acts]
        return np.asarray(self.person.dose * shares)

    def midnights(self, number: int) -> np.ndarray:
        """Return the course of the last run."""
        return whole(self.course, self.case.reads)

    def solve(self) -> None:
        """Run to the last midnight, with output at each."""
        from scipy.integrate import odeint

        times = np.arange(self.case.days + 1.0)
        y, found, atol = self.person.start, [self.person.start], self.rtol * self.case.span
        for begin, end, doses in self.stretches:
            self.rates.hold((begin + end) / 2, doses)
            inner = times[(times > begin + 1e-9) & (times < end - 1e-9)]
            course, told = odeint(
                self.rates, y, [begin, *inner, end], tfirst=True, rtol=self.rtol, atol=atol, full_output=True,
                mxstep=100_000,
            )  # fmt: skip
            if told["message"] != "Integration successful.":
                raise FailedError(f"day {begin:.2f}: {told['message']}")
            y = course[-1]
            found += list(course[1 : 1 + len(inner)])
            if np.abs(times - end).min() < 1e-9:
                found.append(y)
        self.course = np.array(found)


def prepare(case: Case, rtol: float) -> Lsoda:
    """Return the solver, compiled."""
    return Lsoda(case, rtol)
