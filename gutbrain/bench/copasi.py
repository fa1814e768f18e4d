"""Peer: COPASI, LSODA on the exported SBML."""

from __future__ import annotations

import logging

import numpy as np

from gutbrain.bench.case import PER_DAY, Case, cpu
from gutbrain.bench.solver import FailedError, whole
from gutbrain.bench.written import LONGEST_STEP, numbers, written
from gutbrain.export.sbml_system import sid

PACKAGE = "copasi-basico"


class Copasi:
    """One loaded model; people are set in it.

    Windows and acts are events. LSODA of COPASI has one absolute tolerance, which it scales by the start of each
    quantity. With output at midnights only, the first day of one person came out wrong, presumably by an event lost
    where two fall together: so it gives output at every quarter hour, on which all of them lie.
    """

    name, people = "COPASI LSODA", 1

    def __init__(self, case: Case, rtol: float) -> None:
        logging.getLogger("basico").setLevel(logging.ERROR)
        import basico
        import COPASI

        self.case, self.copasi, self.version = case, COPASI, str(COPASI.__version__)
        self.setting = f"rtol {rtol:g}, atol {rtol:g} of the start"
        text = written(case).text
        self.load_seconds, self.data = cpu(lambda: basico.load_model_from_string(text))
        if self.data is None:
            raise FailedError("COPASI does not load the SBML")
        self.model = self.data.getModel()
        values = (self.model.getModelValue(place) for place in range(self.model.getNumModelValues()))
        self.quantities = {value.getSBMLId(): value for value in values}
        self.task = self.data.getTask("Time-Course")
        method = self.task.getMethod()
        for key, size in (("Relative Tolerance", rtol), ("Absolute Tolerance", rtol),
                          ("Max Internal Step Size", LONGEST_STEP)):  # fmt: skip
            method.getParameter(key).setDblValue(size)
        method.getParameter("Max Internal Steps").setUIntValue(1_000_000)
        self.columns: list[int] = []

    def place(self, number: int) -> None:
        """Set one person's numbers."""
        changed = self.copasi.ObjectStdVector()
        for name, value in numbers(self.case.axis, self.case.person(number)).items():
            self.quantities[name].setInitialValue(value)
            changed.append(self.quantities[name].getInitialValueReference())
        self.model.updateInitialValues(changed)
        problem = self.task.getProblem()
        problem.setAutomaticStepSize(False)
        problem.setDuration(float(self.case.days))
        problem.setStepNumber(PER_DAY * self.case.days)
        problem.setOutputStartTime(0.0)
        problem.setTimeSeriesRequested(True)
        self.task.setScheduled(True)

    def solve(self) -> None:
        """Run to the last midnight, with output at every quarter hour."""
        messages = self.copasi.CCopasiMessage
        messages.clearDeque()
        done = self.task.initializeRaw(self.copasi.CCopasiTask.OUTPUT_UI) and self.task.processRaw(True)
        if not done:
            raise FailedError(said(messages.getAllMessageText()))

    def midnights(self, number: int) -> np.ndarray:
        """Return the course of the last run; its table is read number by number, which is Python's cost."""
        self.task.restore()
        series = self.task.getTimeSeries()
        if not self.columns:
            names = [series.getSBMLId(place, self.data) for place in range(series.getNumVariables())]
            self.columns = [names.index(sid(row)) for row in self.case.axis.rows]
        course = [
            [series.getConcentrationData(row, column) for column in self.columns]
            for row in range(0, series.getRecordedSteps(), PER_DAY)
        ]
        return whole(np.array(course), self.case.reads)


def said(messages: str) -> str:
    """Return what COPASI last said in one line, without the date and its other remarks."""
    last = " ".join(messages.split()).rpartition(">EXCEPTION ")[2]
    return last.partition("< ")[2][:200] or last[:200]


def prepare(case: Case, rtol: float) -> Copasi:
    """Return the solver, loaded."""
    return Copasi(case, rtol)
