"""Our own engines: many people at once by each, at one step or a finer one, and one person as soon as possible."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from gutbrain.bench.case import Case, cpu
from gutbrain.bench.roster import QUARTER
from gutbrain.bench.solver import FailedError
from gutbrain.run.drive import Drive, Run

Integrate = Callable[..., Run]


class Own:
    """An engine with the signature of all our engines, on all people of the case at once.

    Daily means and extremes of all states are kept on the way, as every run of ours keeps them.
    """

    def __init__(self, case: Case, name: str, version: str, integrate: Integrate, step: float = QUARTER,
                 tolerance: float | None = None) -> None:  # fmt: skip
        self.case, self.name, self.version, self.integrate, self.step = case, name, version, integrate, step
        kept = f", within {tolerance:g}" if tolerance else ""
        self.setting, self.people = f"{step:g} minutes{kept}, {case.cohort.size} at once", case.cohort.size
        self._ends: list[Run] = []
        first, _ = cpu(self.solve)
        again, _ = cpu(self.solve)
        self.load_seconds = max(first - again, 0.0)

    def place(self, number: int) -> None:
        """Hold everybody already."""

    def solve(self) -> None:
        """Run everybody to the last midnight."""
        self._run(self.case)

    def midnights(self, number: int) -> np.ndarray:
        """Return the states of one person, each day's from a run of that length."""
        if not self._ends:
            self._ends = [self._run(self.case.first(self.case.compared, days)) for days in self.case.reads]
        for run in self._ends:
            if run.lost_day[number] >= 0:
                row = run.lost_row[number]
                where = f"left the bounds of {self.case.axis.rows[row]}" if row >= 0 else "was not exact enough"
                raise FailedError(f"{where} on day {run.lost_day[number]}")
        return np.stack([run.end[:, number] for run in self._ends])

    def _run(self, case: Case) -> Run:
        # Every jump lies on a quarter hour: a finer step sees the same shape.
        shape = np.repeat(case.drive.shape, round(QUARTER / self.step), axis=0)
        drive = Drive(case.drive.levers, case.drive.dose, shape, case.drive.effort, case.drive.present)
        return self.integrate(
            case.axis, case.cohort.start, case.cohort.parameters, drive, days=case.days, step_minutes=self.step,
            labels=case.axis.rows,
        )  # fmt: skip


def fixed(case: Case, step: float = QUARTER) -> Own:
    """Return the JAX engine with a fixed step, compiled."""
    import jax

    from gutbrain.run.fixed import integrate

    return Own(case, "fixed (JAX)", jax.__version__, integrate, step)


def lanes(case: Case, bits: int, step: float = QUARTER, tolerance: float | None = None, guarded: bool = True) -> Own:
    """Return the engine that packs one person into each SIMD lane, compiled.

    The guard takes the engine's own tolerance unless one is given. Without a guard all steps are as long as `step`, as
    those of the JAX engine are, and nobody's error is looked at.

    Raises
    ------
    ImportError
        If llvmlite is not installed.
    """
    import llvmlite

    from gutbrain.run.lanes.engine import integrate

    engine = partial(integrate, precision="double" if bits == 64 else "single", threads=1)
    if tolerance is not None or not guarded:
        engine = partial(engine, tolerance=tolerance)
    name = f"lanes float{bits}" + ("" if guarded else ", no guard")
    return Own(case, name, llvmlite.__version__, engine, step, tolerance)
