"""One bench: the case, the reference, everybody's figures, and how soon one person is run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gutbrain.bench.case import DAYS, Case, build, cpu, reference
from gutbrain.bench.compare import Figure, Progress, measure
from gutbrain.bench.goals import Reached, reached
from gutbrain.bench.roster import entries
from gutbrain.bench.solver import Missing

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis


@dataclass(frozen=True)
class Size:
    """How much is run.

    Attributes
    ----------
    people : that our engines run at once
    compared : of them, that every solver runs and the reference too
    rounds : in which everybody takes a turn
    """

    people: int
    compared: int
    days: int
    rounds: int


FULL = Size(people=256, compared=4, days=DAYS, rounds=2)
QUICK = Size(people=128, compared=2, days=28, rounds=2)


@dataclass(frozen=True)
class Latency:
    """One person alone, warm: wall and CPU seconds for the days of the case."""

    title: str
    wall: float
    cpu: float


@dataclass(frozen=True)
class Bench:
    """All that was measured.

    Attributes
    ----------
    machine : in words
    settling : CPU seconds a person
    reads : days after which states are compared
    figures : everybody, in the order of the roster
    """

    size: Size
    machine: str
    states: int
    reads: list[int]
    settling: float
    figures: list[Figure | Missing]
    goals: list[Reached]
    latencies: list[Latency]

    @property
    def measured(self) -> list[Figure]:
        """Those that could be loaded."""
        return [one for one in self.figures if isinstance(one, Figure)]


def bench(
    axis: Axis, size: Size, only: tuple[str, ...] = (), *, quick: bool = False, progress: Progress | None = None
) -> Bench:
    """Run the bench.

    Parameters
    ----------
    only : names of the roster; all without any
    quick : peers at one tolerance, and one person alone by the lanes only

    Raises
    ------
    InputError
        For a name that nobody has.
    """
    wanted = entries(only, quick)
    told = progress or (lambda what, done, total: None)
    told("settling", 0, 1)
    case = build(axis, people=size.people, compared=size.compared, days=size.days)
    told("settling", 1, 1)
    told("reference", 0, 1)
    truth = reference(case)
    told("reference", 1, 1)
    figures = measure(case, truth, wanted, rounds=size.rounds, progress=progress)
    measured = [one for one in figures if isinstance(one, Figure)]
    names = dict.fromkeys(one.name for one in measured if one.name == "lanes64" or not quick)
    alone = latencies(case, list(names))
    return Bench(
        size, machine(), len(axis.rows), case.reads, case.settling, figures, reached(measured, case.settling), alone
    )


def latencies(case: Case, names: Sequence[str]) -> list[Latency]:
    """Run the first person alone by each of our engines, compiled before."""
    from gutbrain.bench.own import Own, fixed, lanes

    makes: dict[str, Callable[[Case], Own]] = {
        "lanes64": lambda one: lanes(one, 64), "lanes32": lambda one: lanes(one, 32), "fixed": fixed,
    }  # fmt: skip
    found = []
    for name in names:
        if name in makes:
            solver = makes[name](case.first(1))
            times = [_both(solver.solve) for _ in range(3)]
            found.append(Latency(solver.name, *min(times)))
    return found


def _both(work: Callable[[], object]) -> tuple[float, float]:
    begin = time.perf_counter()
    spent, _ = cpu(work)
    return time.perf_counter() - begin, spent


def machine() -> str:
    """Say in words what this runs on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass  # only Linux says it there
    count = os.cpu_count() or 1
    cores = f"{count} {'core' if count == 1 else 'cores'}"
    return f"{model}, {cores}, {platform.system()}, Python {platform.python_version()}"
