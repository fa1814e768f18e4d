"""Peer: LSODA of SciPy on our own equations, the right-hand side compiled by JAX."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gutbrain.bench.case import Case, cpu, daily_jumps
from gutbrain.bench.solver import FailedError, whole

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis

PACKAGE = "scipy"

# Rates [rows] per day at (moment, held moment, states [rows], doses in force [acts], parameters as one vector).
Slope = Callable[[float, float, np.ndarray, np.ndarray, Any], np.ndarray]


class Lsoda:
    """LSODA called once for each stretch without a jump, as its discontinuities are known beforehand.

    `odeint` steps in compiled code, where `solve_ivp` steps in Python.
    Windows and acts are held within a stretch, so no evaluation sees the other side of a jump.
    """

    name, people = "SciPy LSODA", 1

    def __init__(self, case: Case, rtol: float) -> None:
        import scipy

        self.case, self.rtol, self.version = case, rtol, str(scipy.__version__)
        self.setting = f"rtol {rtol:g}, atol {rtol:g} of range"
        self.levers = tuple(act.lever for act in case.acts)
        self.load_seconds, self.slope = cpu(lambda: self._compiled(case))

    def _compiled(self, case: Case) -> Slope:
        slope = by_jax(case.axis, self.levers)
        person = case.person(0)
        slope(0.0, 0.0, person.start, 0 * person.dose, packed(case.axis, person.parameters))
        return slope

    def place(self, number: int) -> None:
        """Keep one person's numbers and the stretches between his jumps."""
        import jax.numpy as jnp

        self.person = self.case.person(number)
        self.vector = jnp.asarray(packed(self.case.axis, self.person.parameters))
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
            held = (begin + end) / 2
            inner = times[(times > begin + 1e-9) & (times < end - 1e-9)]
            course, told = odeint(
                self._at, y, [begin, *inner, end], args=(held, doses), tfirst=True, rtol=self.rtol, atol=atol,
                full_output=True, mxstep=100_000,
            )  # fmt: skip
            if told["message"] != "Integration successful.":
                raise FailedError(f"day {begin:.2f}: {told['message']}")
            y = course[-1]
            found += list(course[1 : 1 + len(inner)])
            if np.abs(times - end).min() < 1e-9:
                found.append(y)
        self.course = np.array(found)

    def _at(self, time: float, y: np.ndarray, held: float, doses: np.ndarray) -> np.ndarray:
        return self.slope(time, held, y, doses, self.vector)


def packed(axis: Axis, parameters: Any) -> np.ndarray:
    """Return all coherent parameters of one person as one vector, in the order of the axis."""
    coherent = axis.coherent(parameters)
    return np.concatenate([np.ravel(coherent[name]) for name in axis.parameters])


@cache
def by_jax(axis: Axis, levers: tuple[str, ...]) -> Slope:
    """Return the right-hand side of one person, compiled by JAX; its balances are solved from far at every call."""
    import jax

    from gutbrain.run.compiled import compiled

    jax.config.update("jax_enable_x64", True)
    shapes = {name: value.shape for name, value in axis.defaults().items()}

    def slope(time: Any, held: Any, y: Any, doses: Any, vector: Any) -> Any:
        values, begin = {}, 0
        for name in axis.parameters:
            size = int(np.prod(shapes[name]))
            values[name] = vector[begin : begin + size].reshape(shapes[name])
            begin += size
        moved: dict[str, Any] = {"clock.time": time, "clock.step_start": held, "clock.step": 0.0}
        for place, lever in enumerate(levers):
            moved[lever] = moved.get(lever, 0.0) + doses[place]
        return axis.read(y[:, None], values, moved).vector()[:, 0]

    fast = compiled(slope)
    return lambda *given: np.asarray(fast(*given))


def prepare(case: Case, rtol: float) -> Lsoda:
    """Return the solver, compiled."""
    return Lsoda(case, rtol)
