"""What derivatives cost on this machine: all parameters forward, one number backward, finite differences beside them.

`python -m benchmarks.gradients [days]`. Seconds of processor time and of the wall clock; nothing here is a test.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from gutbrain.body.whole import standard
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.practice import mbsr
from gutbrain.protocols.protocol import Trial
from gutbrain.run.blocks import width
from gutbrain.run.fixed import integrate
from gutbrain.run.gradient import forward, reverse
from gutbrain.run.settle import settle
from gutbrain.run.simulate import drive_of

OUTCOME = "mind.negative_affect"
STEP = 1e-3  # of each value, both ways


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return processor seconds, wall seconds and what `work` returns."""
    spent, begin = used(), time.perf_counter()
    value = work()
    return used() - spent, time.perf_counter() - begin, value


def used() -> float:
    """Return the processor time of this process so far, seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def printed(name: str, one_day: tuple[float, float, Any], again: tuple[float, float, Any], whole: Any) -> None:
    """Print compilation (a day for the first time less a day again) and the whole run."""
    compiling = one_day[0] - again[0], one_day[1] - again[1]
    print(f"  {name:44} {compiling[0]:7.1f} {compiling[1]:7.1f} {whole[0]:9.1f} {whole[1]:7.1f}", flush=True)


def main(days: int = 84) -> None:
    """Print all figures."""
    axis = standard()
    trial = Trial((mbsr(),), days=days, visits=(0,))
    short = replace(trial, days=1)
    person = settle(Cohort.reference(axis), levers=tuple(act.lever for _, act in trial.acts))
    entries = sum(value.size for value in axis.defaults().values())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{entries} parameter entries, {len(axis.rows)} states, {days} days of MBSR, steps of 15 minutes")
    print(f"  {'':44} {'compile, s':>15} {'run, s':>17}")
    print(f"  {'':44} {'CPU':>7} {'wall':>7} {'CPU':>9} {'wall':>7}")

    def back(course: Trial, through_rest: bool = False) -> Any:
        return reverse(axis, person, course, OUTCOME, through_rest=through_rest)

    def forth(course: Trial, through_rest: bool = False) -> Any:
        return forward(axis, person, course, OUTCOME, course.days - 1, through_rest=through_rest)

    first, again, whole = timed(lambda: back(short)), timed(lambda: back(short)), timed(lambda: back(trial))
    printed("reverse, one number, start held", first, again, whole)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    anew = timed(lambda: back(trial, True))
    print(f"  {'reverse, one number, settled anew':44} {'':7} {'':7} {anew[0]:9.1f} {anew[1]:7.1f}", flush=True)
    first, again, table = timed(lambda: forth(short)), timed(lambda: forth(short)), timed(lambda: forth(trial))
    printed("forward, all entries, start held", first, again, table)
    settled = timed(lambda: forth(trial, True))
    print(f"  {'forward, all entries, settled anew':44} {'':7} {'':7} {settled[0]:9.1f} {settled[1]:7.1f}", flush=True)
    courses = short, short, trial
    differences = [timed(lambda course=course: by_differences(axis, person, course)) for course in courses]
    printed("central differences, all scalars, start held", *differences)

    found, exact = (one["elasticity"].fill_null(0.0).to_numpy() for one in (whole[2].table(), table[2]))
    print(f"largest distance of reverse and forward: {np.abs(found - exact).max():.1e} of the outcome")
    names, values = differences[-1][2]
    exact = table[2].filter(pl.col("input").is_in(names), kind="parameter")["elasticity"].to_numpy()
    print(f"median distance of differences from forward: {np.median(np.abs(values - exact)):.1e} of the outcome")
    print(f"memory that reverse adds to the process: {(peak - before) / 1024:.0f} MB at most, compiler included")


def by_differences(axis: Any, person: Cohort, course: Trial) -> tuple[list[str], np.ndarray]:
    """Run two copies of the person for each parameter that is one number other than 0; return elasticities."""
    names = [name for name, value in person.parameters.items() if value.size == 1 and value.item() != 0]
    count = 2 * len(names)
    values = {name: np.repeat(value, count, axis=-1) for name, value in person.parameters.items()}
    for place, name in enumerate(names):
        values[name][..., 2 * place : 2 * place + 2] *= [1 - STEP, 1 + STEP]
    people = replace(person.select(np.zeros(count, int), count, 1), parameters=values)
    drive = drive_of(people, np.zeros(count, int), course, 96, np.ones((course.days, count)), average=True)
    run = integrate(axis, people.start, values, drive, days=course.days, labels=(OUTCOME,), block=width(128))
    last = run.mean[-1, 0].astype(float).reshape(-1, 2)
    return names, (last[:, 1] - last[:, 0]) / last.mean(axis=1) / (2 * STEP)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
