"""Runs that alternate, and one measure of error for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from gutbrain.bench.case import Case, cpu
from gutbrain.bench.solver import FailedError, Missing, Solver

if TYPE_CHECKING:
    from gutbrain.bench.roster import Entry

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Error:
    """Distance from the reference, in shares of each state's declared range.

    Attributes
    ----------
    largest : over people, states and the midnights that are compared
    state : where it is
    median : over states, of the largest of each
    """

    largest: float
    state: str
    median: float


@dataclass
class Figure:
    """What was measured of one solver.

    Attributes
    ----------
    seconds : CPU seconds a person, one of each round; None of a round in which it failed
    error : None where no run ended
    failed : what it said, one line of each person it gave up on
    """

    name: str
    title: str
    version: str
    setting: str
    tolerance: float
    step: float
    load_seconds: float
    seconds: list[float | None] = field(default_factory=list)
    error: Error | None = None
    failed: list[str] = field(default_factory=list)
    tried: int = 0

    @property
    def cost(self) -> float | None:
        """Median of the rounds, CPU seconds a person."""
        found = [one for one in self.seconds if one is not None]
        return median(found) if found else None


def error_of(found: np.ndarray, reference: np.ndarray, span: np.ndarray, rows: Sequence[str]) -> Error:
    """Return the distance of states from the reference.

    Parameters
    ----------
    found, reference : of the same people, arrays [people, reads, rows]
    span : declared range of each state, array [rows]
    """
    worst = np.abs(found - reference).max(axis=(0, 1)) / span
    place = int(worst.argmax())
    return Error(float(worst[place]), rows[place], float(np.median(worst)))


def ratio(theirs: Figure, ours: Figure, settling: float = 0.0) -> float | None:
    """Return how many times our cost they cost: median of the pairs of one round, our settling added to ours."""
    pairs = [
        slow / (fast + settling)
        for slow, fast in zip(theirs.seconds, ours.seconds, strict=True) if slow is not None and fast is not None
    ]  # fmt: skip
    return median(pairs) if pairs else None


def measure(
    case: Case, reference: np.ndarray, wanted: Sequence[Entry], *, rounds: int, progress: Progress | None = None
) -> list[Figure | Missing]:
    """Load everybody, let them take turns, and hold them against the reference.

    Parameters
    ----------
    reference : states of the compared people, array [people, reads, rows]
    rounds : times that everybody runs; each round gives solvers of one person another person
    """
    from gutbrain.bench.roster import prepared

    told = progress or (lambda what, done, total: None)
    found: list[Figure | Missing] = []
    running: list[tuple[Figure, Solver, dict[int, np.ndarray]]] = []
    for number, entry in enumerate(wanted):
        told("loading", number, len(wanted))
        solver = prepared(entry, case)
        if isinstance(solver, Missing):
            found += [] if solver in found else [solver]
            continue
        figure = Figure(
            entry.name, solver.name, solver.version, solver.setting, entry.tolerance, entry.step, solver.load_seconds
        )
        found.append(figure)
        running.append((figure, solver, {}))
    told("loading", len(wanted), len(wanted))
    for turn in range(rounds):
        for figure, solver, courses in running:
            figure.seconds.append(_run(figure, solver, turn % case.compared, courses, case))
        told("taking turns", turn + 1, rounds)
    for number, (figure, solver, courses) in enumerate(running, 1):
        for person in range(case.compared):
            if person not in courses and solver.people == 1 and not _gave_up(figure, person, case):
                _run(figure, solver, person, courses, case)
            elif person not in courses and solver.people > 1:
                _keep(figure, solver, person, courses, case)
        figure.tried = case.compared
        if courses:
            ended = sorted(courses)
            figure.error = error_of(
                np.stack([courses[person] for person in ended]), reference[ended], case.span, case.axis.rows
            )
        told("comparing", number, len(running))
    return found


def _run(
    figure: Figure, solver: Solver, number: int, courses: dict[int, np.ndarray], case: Case
) -> float | None:  # fmt: skip
    """Run one person, or all; return CPU seconds a person, or nothing if the solver gave up."""
    try:
        solver.place(number)
        spent, _ = cpu(solver.solve)
    except FailedError as error:
        _note(figure, number, error, case)
        return None
    if solver.people == 1 and not _keep(figure, solver, number, courses, case):
        return None
    return spent / solver.people


def _keep(figure: Figure, solver: Solver, number: int, courses: dict[int, np.ndarray], case: Case) -> bool:
    """Keep the course of one person; say whether there is one."""
    try:
        courses[number] = solver.midnights(number)
    except FailedError as error:
        _note(figure, number, error, case)
        return False
    return True


def _note(figure: Figure, number: int, error: FailedError, case: Case) -> None:
    if not _gave_up(figure, number, case):
        figure.failed.append(f"{case.cohort.names[number]}: {error}")


def _gave_up(figure: Figure, number: int, case: Case) -> bool:
    return any(line.startswith(f"{case.cohort.names[number]}: ") for line in figure.failed)
