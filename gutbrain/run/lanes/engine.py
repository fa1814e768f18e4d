"""The lanes engine: one person in each SIMD lane, on all cores, with a guard on the error of every person."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Events
from gutbrain.model.compartment import Noise as NoiseEquation
from gutbrain.run.drive import Drive, Run
from gutbrain.run.lanes import guard
from gutbrain.run.lanes.block import Lived, Setting, live
from gutbrain.run.lanes.compiled import compiled_kernel
from gutbrain.run.lanes.forcing import Forcing
from gutbrain.run.lanes.layout import flattened, groups, own_parameters
from gutbrain.run.lanes.schedule import forcing_of
from gutbrain.run.noise import Noise
from gutbrain.run.threads import allowed, run_all

TOLERANCE = 1e-4  # of the range of each state
REFINED = (2, 4, 8)  # how much finer those are run again whose error is too large
BITS = {"double": 64, "single": 32}
INEXACT = -1  # row by which a person is lost whose error no step made small enough


def integrate(
    axis: Axis,
    start: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    drive: Drive,
    *,
    days: int,
    step_minutes: float = 15.0,
    labels: tuple[str, ...] | None = None,
    noise: Noise | None = None,
    gates: Mapping[tuple[str, str], np.ndarray] | None = None,
    progress: Callable[[int, int], None] | None = None,
    first_day: int = 0,
    block: int | None = None,
    tolerance: float | None = TOLERANCE,
    checked: bool = True,
    precision: Literal["double", "single"] = "double",
    threads: int | None = None,
) -> Run:
    """Integrate all columns; the arguments are those of `gutbrain.run.fixed.integrate`.

    Parameters
    ----------
    drive : shapes may be given on any equal parts of a quarter hour
    step_minutes : longest step; steps are shorter where the day or an act is sharp
    tolerance : largest error of any state, as a share of its range, with which a person is returned; those above
        it are run again with finer steps, and lost (row -1) if none is fine enough. None leaves out the guard
        and takes all steps as long as `step_minutes`
    checked : False takes the steps that the tolerance asks for, and leaves out the guard
    precision : single takes half the time; for whom it is not exact enough, double is taken
    threads : cores that are used (all without it)

    Returns
    -------
    Run : with `error`, the estimated error of each column, and `runs`, how often it was run until that was small

    Raises
    ------
    InputError
        For a step that does not divide a quarter hour, gates, or a missing library.
    """
    least = _steps(step_minutes)
    if gates:
        raise InputError("engine 'lanes' opens and closes no single wires", mend="Use engine 'fixed'")
    own = own_parameters(axis, parameters)
    chosen = tuple(axis.columns) if labels is None else labels
    places = {label: place for place, label in enumerate(axis.columns)}
    columns = start.shape[1]
    setting = Setting(
        axis, compiled_kernel(axis, own, noise is not None, BITS[precision]), flattened(axis, parameters, columns),
        drive, np.array([places[label] for label in chosen], int), _drawn(axis) & (noise is not None), noise, first_day,
    )  # fmt: skip
    forcing = forcing_of(axis, drive, days, least, tolerance)
    begins = guard.check_days(forcing) if checked and tolerance is not None else []
    size = setting.compiled.width
    blocks = [group[i : i + size] for group in groups(own, parameters, columns)
              for i in range(0, len(group), size)]  # fmt: skip
    attempts = partial(_attempts, setting, forcing, own)
    shape = days, len(chosen), columns
    mean, low, high = (np.empty(shape, np.float32) for _ in range(3))
    run = Run(
        chosen, mean, low, high, np.empty_like(start), np.full(columns, -1), np.zeros(columns, int), np.zeros(columns),
        np.ones(columns, int),
    )  # fmt: skip
    done, lock, stop = [0], threading.Lock(), threading.Event()

    def run_block(number: int) -> None:
        if not stop.is_set():
            _run_block(attempts(), blocks[number], start, begins, tolerance or np.inf, run, stop)
        with lock:
            done[0] += 1
            if progress:
                progress(done[0] * days, len(blocks) * days)

    run_all(run_block, len(blocks), min(len(blocks), threads or allowed()), stop)
    return run


def _steps(step_minutes: float) -> int:
    steps = round(15 / step_minutes)
    if steps < 1 or abs(steps * step_minutes - 15) > 1e-9:
        raise InputError(
            f"engine 'lanes' steps by parts of a quarter hour, not by {step_minutes:g} minutes",
            mend="Take 15, 7.5, 5, 3 or 2.5 minutes; a longer step would lose people",
        )
    return steps


def _drawn(axis: Axis) -> np.ndarray:
    """Mark the rows of states that noise or events may move, array [rows]."""
    drawn = np.zeros(len(axis.rows), bool)
    for place in axis.compartments:
        for equation in (*place.members(NoiseEquation).values(), *place.members(Events).values()):
            drawn[axis.slices[place.name, equation.of]] = True
    return drawn


def _attempts(setting: Setting, forcing: Forcing, own: frozenset[str]) -> Iterator[tuple[Setting, Forcing]]:
    """Give one way to run after the other, each more exact than the one before."""
    yield setting, forcing
    if setting.compiled.bits == 32:
        double = compiled_kernel(setting.axis, own, setting.noise is not None, 64)
        setting = replace(setting, compiled=double)
        yield setting, forcing
    for times in REFINED:
        yield setting, forcing.finer(times)


def _run_block(attempts: Iterator[tuple[Setting, Forcing]], columns: np.ndarray, start: np.ndarray, begins: list[int],
               tolerance: float, run: Run, stop: threading.Event) -> None:  # fmt: skip
    """Run some columns, those with too large an error again and again, and write what they did."""
    left = columns
    for number, (setting, forcing) in enumerate(attempts, start=1):
        lived = live(setting, left, start[:, left], forcing, marked=bool(begins))
        error = guard.errors(setting, left, lived, start[:, left], forcing, begins)
        _write(run, left, lived, error, number)
        # Who leaves the bounds may do so for the steps alone: he is believed when finer ones agree.
        strayed = (lived.left_day >= 0) & (number == 1) & bool(begins)
        left = left[(error > tolerance) & (lived.left_day < 0) | strayed]
        if not len(left) or stop.is_set():
            return
    run.lost_day[left], run.lost_row[left] = 0, INEXACT


def _write(run: Run, columns: np.ndarray, lived: Lived, error: np.ndarray, number: int) -> None:
    assert run.error is not None and run.runs is not None
    for into, values in ((run.mean, lived.mean), (run.low, lived.low), (run.high, lived.high)):
        into[:, :, columns] = values
    run.end[:, columns] = lived.end
    run.lost_day[columns], run.lost_row[columns] = lived.left_day, lived.left_row
    run.error[columns], run.runs[columns] = error, number


def integrate_single(
    axis: Axis, start: np.ndarray, parameters: Mapping[str, np.ndarray], drive: Drive, **options: Any
) -> Run:
    """Integrate in single precision, and in double whom that does not serve; see `integrate`."""
    return integrate(axis, start, parameters, drive, **options, precision="single")


__all__ = ["TOLERANCE", "integrate", "integrate_single"]
