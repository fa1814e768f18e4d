"""How the cost of a run grows with people, days and states, for each of our engines.

    python -m benchmarks.engines_growth [--quick]

CPU seconds of all threads. Settled people recur to fill a cohort, so that settling is paid once; more states are
further copies of every compartment, each with signals of its own. The power is that of a straight line through the
logarithms: 1 is linear.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np

from gutbrain.bench.case import PER_DAY, Case, build, cpu
from gutbrain.body.whole import standard
from gutbrain.model.axis import CLOCK, OUTSIDE, Axis
from gutbrain.model.compartment import Compartment, Input, Output, Param, State
from gutbrain.run.drive import Drive, Run

BASE = 128  # settled people who recur
CHUNK = 4000  # people of one call: memory does not grow with the cohort
DAYS = 7
OUTCOMES = ("mind.negative_affect", "hpa.cortisol", "barrier.permeability", "colon.butyrate", "blood.il6")
REPEATS = 3

Integrate = Callable[..., Run]


@dataclass(frozen=True)
class People:
    """Who is run: any number of columns are filled from these."""

    axis: Axis
    start: np.ndarray
    parameters: Mapping[str, np.ndarray]
    drive: Drive

    def run(self, integrate: Integrate, people: int, days: int) -> float:
        """Return CPU seconds of `people` for `days`, chunk by chunk."""
        return cpu(lambda: [self._chunk(integrate, begin, min(begin + CHUNK, people), days)
                            for begin in range(0, people, CHUNK)])[0]  # fmt: skip

    def _chunk(self, integrate: Integrate, begin: int, end: int, days: int) -> None:
        take = np.arange(begin, end) % self.start.shape[1]
        own = {name: v if v.shape[-1] == 1 else v[..., take] for name, v in self.parameters.items()}
        shape = self.drive.shape[: days * PER_DAY]
        drive = Drive(self.drive.levers, self.drive.dose[:, take], shape, self.drive.effort, np.ones((days, len(take))))
        integrate(self.axis, self.start[:, take], own, drive, days=days, labels=OUTCOMES)


def main(arguments: Sequence[str]) -> None:
    """Print the three tables for every engine that is installed."""
    quick = "--quick" in arguments
    case = build(standard(), people=BASE, compared=1, days=28)
    engines = installed()
    for name, integrate in engines.items():
        largest = 5 if name.startswith("lanes") else 3
        sizes = [10**power for power in range(2, min(largest, 3 if quick else largest) + 1)]
        table(f"{name}: people, {DAYS} days", sizes, of_people(case, integrate, sizes))
        days = (1, 7) if quick else (1, 7, 28)
        table(f"{name}: days, {BASE} people", days, of_days(case, integrate, days))
        copies = (1, 2) if quick else (1, 2, 4)
        rows = [len(case.axis.rows) * count for count in copies]
        table(f"{name}: states, {BASE} people, 1 day", rows, of_states(case, integrate, copies))


def installed() -> dict[str, Integrate]:
    """Return the engines by name."""
    from gutbrain.run.fixed import integrate as fixed

    found: dict[str, Integrate] = {}
    try:
        from gutbrain.run.lanes.engine import integrate as lanes
    except ImportError:
        print("lanes: not installed")
    else:
        for bits, kind in ((64, "double"), (32, "single")):
            found[f"lanes float{bits}"] = partial(lanes, precision=kind)
    return found | {"fixed (JAX)": fixed}


def of_people(case: Case, integrate: Integrate, sizes: Sequence[int]) -> list[float]:
    """Return CPU seconds against the number of people."""
    people = people_of(case)
    people.run(integrate, min(sizes[-1], CHUNK), 1)  # compiles every width
    people.run(integrate, sizes[0], 1)
    return [median(people.run(integrate, size, DAYS) for _ in range(REPEATS if size < 10_000 else 1)) for size in sizes]


def of_days(case: Case, integrate: Integrate, days: Sequence[int]) -> list[float]:
    """Return CPU seconds against the number of days."""
    people = people_of(case)
    people.run(integrate, BASE, 1)
    return [median(people.run(integrate, BASE, count) for _ in range(REPEATS)) for count in days]


def of_states(case: Case, integrate: Integrate, copies: Sequence[int]) -> list[float]:
    """Return CPU seconds against the number of states."""
    found = []
    for count in copies:
        people = copied(people_of(case), count)
        people.run(integrate, BASE, 1)
        found.append(median(people.run(integrate, BASE, 1) for _ in range(REPEATS)))
    return found


def people_of(case: Case) -> People:
    """Return the settled people of a case."""
    assert case.cohort.start is not None
    return People(case.axis, case.cohort.start, case.cohort.parameters, case.drive)


def copied(people: People, count: int) -> People:
    """Return the same people with every compartment `count` times; acts move all copies."""
    if count == 1:
        return people
    parts = [copied_part(part, number) for number in range(count) for part in people.axis.compartments]
    parameters = {copied_name(name, number): v for number in range(count) for name, v in people.parameters.items()}
    axis = Axis(*parts, name=f"{count} times {people.axis.name}")
    return People(axis, np.tile(people.start, (count, 1)), parameters, people.drive)


def copied_name(name: str, number: int) -> str:
    """Return the name of a signal or parameter in one copy; what comes from outside is shared, as is the first."""
    place, _, rest = name.partition(".")
    return name if number == 0 or place in OUTSIDE or name in CLOCK else f"{place}_{number + 1}.{rest}"


def copied_part(part: Compartment, number: int) -> Compartment:
    """Return a compartment of the same equations whose signals are those of its copy of the body."""
    kind = type(part)
    if number == 0:
        return part
    fields = {}
    for name, member in kind._members.items():
        if isinstance(member, State | Input | Output | Param):
            fields[name] = copy.copy(member)
            for link in ("signal", "settled", "same_draw_as"):
                if getattr(member, link, ""):
                    setattr(fields[name], link, copied_name(getattr(member, link), number))
    return type(f"{kind.__name__}_{number + 1}", (kind,), {"place": f"{kind.place}_{number + 1}", **fields})()


def table(title: str, sizes: Sequence[int], seconds: Sequence[float]) -> None:
    """Print what each size cost, and the power with which cost grows."""
    print(f"\n{title}")
    for size, spent in zip(sizes, seconds, strict=True):
        print(f"  {size:8d}  {spent:9.3f} s CPU  {1e3 * spent / size:9.3f} ms each")
    power = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    print(f"  cost grows as the {power:.2f}th power")


if __name__ == "__main__":
    main(sys.argv[1:])
