"""Peer: libRoadRunner, CVODE on the exported SBML compiled by LLVM."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gutbrain.bench.case import Case, cpu
from gutbrain.bench.solver import FailedError, whole
from gutbrain.bench.written import LONGEST_STEP, numbers, tolerances, written
from gutbrain.export.sbml_system import sid

PACKAGE = "libroadrunner"


class LibRoadRunner:
    """One loaded model; people are set in it.

    Windows and acts are events, at which CVODE begins anew. Tolerances are a share of each state's range.
    """

    name, people = "libRoadRunner CVODE", 1

    def __init__(self, case: Case, rtol: float) -> None:
        self.load_seconds, self.model, self.version = loaded(case)
        self.case, self.setting = case, f"rtol {rtol:g}, atol {rtol:g} of range"
        inner = self.model.model
        moving = [inner.getStateVectorId(place) for place in range(inner.getNumRateRules())]
        self.settings: dict[str, Any] = {
            "relative_tolerance": rtol, "absolute_tolerance": tolerances(case, moving, rtol),
            "maximum_time_step": LONGEST_STEP, "maximum_num_steps": 1_000_000,
        }  # fmt: skip

    def place(self, number: int) -> None:
        """Set one person's numbers, and the tolerances: all tolerances share one loaded model."""
        solver = self.model.getIntegrator()
        for key, setting in self.settings.items():
            solver.setValue(key, setting)
        # Once before the reset, which evaluates what holds at the start, and once after it, which forgets them.
        placed = numbers(self.case.axis, self.case.person(number))
        self._set(placed)
        self.model.reset()
        self._set(placed)

    def solve(self) -> None:
        """Run to the last midnight, with output at each."""
        try:
            self.course = self.model.simulate(0, self.case.days, self.case.days + 1)
        except RuntimeError as error:
            raise FailedError(" ".join(str(error).split())[:200]) from error

    def midnights(self, number: int) -> np.ndarray:
        """Return the course of the last run."""
        return whole(np.array(self.course), self.case.reads)

    def _set(self, placed: dict[str, float]) -> None:
        for name, value in placed.items():
            self.model.setValue(name, value)


@lru_cache(maxsize=1)
def loaded(case: Case) -> tuple[float, Any, str]:
    """Return CPU seconds of loading, the model compiled with every optimisation, and the version."""
    import roadrunner

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
    roadrunner.Config.setValue(roadrunner.Config.LLVM_BACKEND, roadrunner.Config.LLJIT)
    roadrunner.Config.setValue(roadrunner.Config.LLJIT_OPTIMIZATION_LEVEL, roadrunner.Config.AGGRESSIVE)
    text = written(case).text
    spent, model = cpu(lambda: roadrunner.RoadRunner(text))
    model.timeCourseSelections = [sid(row) for row in case.axis.rows]
    return spent, model, str(roadrunner.__version__)


def prepare(case: Case, rtol: float) -> LibRoadRunner:
    """Return the solver, loaded."""
    return LibRoadRunner(case, rtol)
