"""What runs cost on this machine: a cohort, one person, the command line, the installed size.

Printed by `make bench`; nothing here is a test, because machines differ. Times are wall time.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

from gutbrain.body.whole import standard
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.practice import mbsr, wait_list
from gutbrain.protocols.protocol import Trial
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate
from gutbrain.run.settle import settle
from gutbrain.run.simulate import drive_of, randomise

ROOT = Path(__file__).parents[1]
DAYS = 84
PEOPLE = 1600
RTOL = 1e-6
OUTCOMES = ("mind.negative_affect", "hpa.cortisol", "barrier.permeability", "colon.butyrate", "blood.il6")


def main() -> None:
    """Print all figures."""
    where = f"{jax.devices()[0].platform}, {os.cpu_count()} cores"
    print(f"Python {platform.python_version()}, JAX {jax.__version__} on {where}")
    cohort()
    one_person()
    command_line()
    print(f"Installed size of the core with all it needs: {installed() / 1e6:.0f} MB (no Python, pip, bytecode)")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the wall time of `work` in seconds, and what it returns."""
    begin = time.perf_counter()
    value = work()
    return time.perf_counter() - begin, value


def cohort() -> None:
    """Settle and run many people; what is compiled is shared by all blocks."""
    axis = standard()
    trial = Trial((wait_list(), mbsr()), days=DAYS, visits=(0, DAYS - 1))
    levers = tuple(act.lever for _, act in trial.acts)
    drawn = Cohort.draw(axis, PEOPLE // 8, worlds=8, seed=1)
    options = {"levers": levers, "labels": OUTCOMES}
    block = drawn.select(np.arange(400), 400, 1)
    first = timed(lambda: settle(block, **options))[0]
    again, _ = timed(lambda: settle(block, **options))
    full, settled = timed(lambda: settle(drawn, **options))
    split = randomise(settled, trial)
    drive = drive_of(split.cohort, split.arm, trial, 96, np.ones((DAYS, PEOPLE)))
    one_day = Drive.rest(400, 1, 96, levers)
    start, parameters = split.cohort.start, split.cohort.parameters
    some = split.cohort.select(np.arange(400), 400, 1).parameters

    def day() -> Any:
        return integrate(axis, start[:, :400], some, one_day, days=1, labels=OUTCOMES)

    compiled = timed(day)[0] - timed(day)[0]
    run, found = timed(lambda: integrate(axis, start, parameters, drive, days=DAYS, labels=OUTCOMES))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print(f"\n{PEOPLE} people, {DAYS} days, steps of 15 minutes, {len(axis.rows)} states:")
    print(f"  compile {first - again + compiled:6.1f} s (settling {first - again:.1f}, the day {compiled:.1f})")
    print(f"  settle  {full:6.1f} s, {1000 * full / PEOPLE:.1f} ms a person")
    lost = int((found.lost_day >= 0).sum())
    print(f"  run     {run:6.1f} s, {1000 * run / PEOPLE:.1f} ms a person; {lost} left the bounds")
    print(f"  peak memory of the process {peak:.0f} MB")


def one_person() -> None:
    """Run the reference person by the cohort engine and by LSODA on the same right-hand side."""
    axis = standard()
    person = settle(Cohort.reference(axis))
    trial = Trial((mbsr(),), days=DAYS, visits=(0,))
    drive = drive_of(person, np.zeros(1, int), trial, 96, np.ones((DAYS, 1)), average=True)

    def fixed() -> Any:
        return integrate(axis, person.start, person.parameters, drive, days=DAYS, labels=OUTCOMES)

    fixed()
    ours, found = min((timed(fixed) for _ in range(3)), key=lambda pair: pair[0])
    values = {name: jnp.asarray(value) for name, value in axis.coherent(person.parameters).items()}

    @jax.jit
    def slope(moment: Any, y: Any, doses: Any) -> Any:
        levers: dict[str, Any] = {"clock.time": moment, "clock.step_start": moment, "clock.step": 0.0}
        for row, lever in enumerate(drive.levers):
            levers[lever] = levers.get(lever, 0.0) + doses[row]
        return axis.read(y[:, None], values, levers).vector()[:, 0]

    calls = [0]

    def adaptive() -> np.ndarray:
        y = person.start[:, 0]
        scale = np.maximum(np.abs(y), 1e-3 * (axis.bounds[1] - axis.bounds[0]))
        edges = sorted({0.0, float(DAYS), *(e for _, a in trial.acts for e in (a.start, a.end) if 0 < e < DAYS)})
        for begin, end in pairwise(edges):
            on = drive.dose[:, 0] * drive.shape[round(96 * begin)]
            solved = solve_ivp(
                lambda t, state, on=on: np.asarray(slope(t, state, on)), (begin, end), y, method="LSODA", rtol=RTOL,
                atol=RTOL * scale, max_step=1 / 24,
            )  # fmt: skip
            y, calls[0] = solved.y[:, -1], calls[0] + solved.nfev
        return y

    slope(0.0, person.start[:, 0], drive.dose[:, 0])
    theirs, end = timed(adaptive)
    apart = np.abs(found.end[:, 0] - end) / np.maximum(np.abs(end), 1e-2 * (axis.bounds[1] - axis.bounds[0]))
    print(f"\nOne person, {DAYS} days of MBSR, compiled before:")
    print(f"  cohort engine, 15 minutes           {ours:7.2f} s")
    print(f"  scipy LSODA, rtol {RTOL:g}, same right-hand side compiled by JAX, balances solved from far,")
    print(f"  steps of at most an hour            {theirs:7.2f} s, {calls[0]} evaluations")
    print(f"  ratio                               {theirs / ours:7.1f}")
    print(f"  largest distance of a state at the end {apart.max():.1e} ({axis.rows[int(apart.argmax())]})")


def command_line() -> None:
    """Time what a user waits for before anything is computed."""
    print()
    for words in ("-m gutbrain.cli --help", "-c import@gutbrain"):
        command = [sys.executable, *(word.replace("@", " ") for word in words.split())]
        seconds = min(
            timed(lambda command=command: subprocess.run(command, cwd=ROOT, capture_output=True, check=True))[0]
            for _ in range(3)
        )
        print(f"python {words.replace('@', ' '):25} {seconds:5.2f} s")
    asked = "import sys, gutbrain.cli; print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    print(f"the command line imports JAX before it is needed: {done.stdout.strip()}")


def installed() -> int:
    """Return the bytes of all packages that the core needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting, seen, size = list(project["dependencies"]), set(), 0
    while waiting:
        requirement = waiting.pop()
        name = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0].lower()
        if name in seen or "extra ==" in requirement:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # needed on another platform only
        files = [Path(str(file.locate())) for file in found.files or [] if file.suffix != ".pyc"]
        size += sum(file.stat().st_size for file in files if file.is_file())
        waiting += found.requires or []
    return size


if __name__ == "__main__":
    main()
