"""The lanes engine: one person in each SIMD lane, on all cores, with a guard on the error of every person."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis
from gutbrain.run.drive import Drive, Run, steps_of_quarter
from gutbrain.run.lanes import guard
from gutbrain.run.lanes.block import Lived, Setting, live, random_rows
from gutbrain.run.lanes.compiled import compiled_kernel
from gutbrain.run.lanes.forcing import QUARTERS, Forcing
from gutbrain.run.lanes.layout import flattened, groups, own_parameters
from gutbrain.run.lanes.schedule import forcing_of
from gutbrain.run.noise import Noise
from gutbrain.run.threads import allowed, run_all

TOLERANCE = 1e-4  # of the range of each state
BELIEVED = 4  # times finer: who leaves the bounds with these steps and with the ones before has left them
REFINED = (2, 4, 8, 16)  # how much finer those are run again whose error is too large
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
    tolerance : largest estimated error of any state, as a share of its range, with which a person is returned; those
        above it are run again with finer steps, and lost (row -1) if none is fine enough. None leaves out the guard
        and takes all steps as long as `step_minutes`
    checked : False takes the steps that the tolerance asks for, and leaves out the guard; whoever leaves the bounds
        is run again all the same
    block : of no use here: a block is a vector
    precision : single takes half the time; for whom it is not exact enough, double is taken
    threads : cores that are used (all without it)

    Returns
    -------
    Run : with `error`, the estimated error of each column where there was a guard, and `runs`, how often it was
        run until that was small

    Raises
    ------
    InputError
        For a step that does not divide a quarter hour, gates, or a missing library.
    """
    least = _steps(step_minutes)
    if gates:
        raise InputError("engine 'lanes' opens and closes no single wires", mend="Use engine 'fixed'")
    if tolerance is not None and not tolerance > 0:
        raise InputError(f"a tolerance of {tolerance} is asked of engine 'lanes'", mend="Give a share of range above 0")
    _check(drive, days, start.shape[1])
    own = own_parameters(axis, parameters)
    chosen = tuple(axis.columns) if labels is None else labels
    places = {label: place for place, label in enumerate(axis.columns)}
    columns = start.shape[1]
    kernel = compiled_kernel(axis, own, noise is not None, BITS[precision], columns)
    setting = Setting(
        axis, kernel, flattened(axis, parameters, columns), drive, np.array([places[label] for label in chosen], int),
        random_rows(axis) & (noise is not None), noise, first_day,
    )  # fmt: skip
    forcing = forcing_of(axis, drive, days, least, tolerance, noise is not None)
    guarded = checked and tolerance is not None
    shape = days, len(chosen), columns
    mean, low, high = (np.empty(shape, np.float32) for _ in range(3))
    run = Run(
        chosen, mean, low, high, np.empty_like(start), np.full(columns, -1), np.zeros(columns, int),
        np.zeros(columns) if guarded else None, np.zeros(columns, int),
    )  # fmt: skip
    alike, workers = groups(own, parameters, columns), threads or allowed()
    left, coarser = np.arange(columns), np.full(columns, -1)
    for way in _ways(setting, forcing, own, guarded):
        blocks = _blocks(alike, left, way.setting.compiled.width)
        told = progress if len(left) == columns else None
        _live_all(way, blocks, start, run, min(len(blocks), workers), told)
        if tolerance is None:
            return run
        # Who leaves the bounds may do so for the steps alone: he is believed when finer ones agree.
        agreed = (np.abs(coarser - run.lost_day[left]) <= 1) & (coarser >= 0) & (way.times >= BELIEVED)
        unsure = run.error[left] > tolerance if run.error is not None else np.zeros(len(left), bool)
        open_ = np.where(run.lost_day[left] >= 0, ~agreed, unsure)
        left = left[open_]
        coarser = run.lost_day[left]
        if not len(left):
            return run
    run.lost_row[left] = np.where(run.lost_day[left] >= 0, run.lost_row[left], INEXACT)
    run.lost_day[left] = np.maximum(run.lost_day[left], 0)
    return run


def _steps(step_minutes: float) -> int:
    steps = steps_of_quarter(step_minutes)
    if not steps:
        raise InputError(
            f"engine 'lanes' steps by parts of a quarter hour, not by {step_minutes:g} minutes",
            mend="Take 15, 7.5, 5, 3 or 2.5 minutes; a longer step would lose people",
        )
    return steps


def _check(drive: Drive, days: int, columns: int) -> None:
    """Refuse a drive of another shape than the run: the kernel reads its arrays unchecked."""
    parts, over = divmod(len(drive.shape), max(days, 1) * QUARTERS)
    fits = drive.dose.shape == (len(drive.levers), columns) and drive.present.shape == (days, columns)
    if days < 1 or parts < 1 or over or not fits or drive.shape.shape[1:] != (len(drive.levers),):
        raise ValueError(f"a drive of {drive.shape.shape}, {drive.dose.shape}, {drive.present.shape} does not fit "
                         f"{days} days of quarter hours for {columns} columns")  # fmt: skip


@dataclass(frozen=True)
class _Way:
    """One way to run: kernel, steps, stretches that are lived again, and how much finer its steps are."""

    setting: Setting
    forcing: Forcing
    again: list[guard.Stretch]
    times: int


def _ways(setting: Setting, forcing: Forcing, own: frozenset[str], guarded: bool) -> Iterator[_Way]:
    """Give one way after the other, each more exact than the one before."""
    again = guard.stretches(forcing) if guarded else []
    yield _Way(setting, forcing, again, 1)
    if setting.compiled.bits == 32:
        setting = replace(
            setting, compiled=compiled_kernel(setting.axis, own, setting.noise is not None, 64, setting.own.shape[1])
        )
        yield _Way(setting, forcing, again, 1)
    for times in REFINED:
        finer = forcing.finer(times)
        yield _Way(setting, finer, guard.stretches(finer) if guarded else [], times)


def _blocks(alike: list[np.ndarray], left: np.ndarray, width: int) -> list[np.ndarray]:
    """Cut the columns that are left into vectors of people who share what is not their own."""
    found = []
    for group in alike:
        here = group[np.isin(group, left)]
        found += [here[i : i + width] for i in range(0, len(here), width)]
    return found


def _live_all(way: _Way, blocks: list[np.ndarray], start: np.ndarray, run: Run, workers: int,
              progress: Callable[[int, int], None] | None) -> None:  # fmt: skip
    """Run all blocks on threads, and write what they did."""
    days, done, lock, stop = len(run.mean), [0], threading.Lock(), threading.Event()

    def live_one(number: int) -> None:
        if stop.is_set():
            return
        columns = blocks[number]
        lived = live(way.setting, columns, start[:, columns], way.forcing, marked=bool(way.again))
        _write(run, columns, lived)
        if run.error is not None:
            run.error[columns] = guard.errors(way.setting, columns, lived, start[:, columns], days, way.again)
        with lock:
            done[0] += 1
            if progress:
                progress(done[0] * days, len(blocks) * days)

    run_all(live_one, len(blocks), workers, stop)


def _write(run: Run, columns: np.ndarray, lived: Lived) -> None:
    assert run.runs is not None
    for into, values in ((run.mean, lived.mean), (run.low, lived.low), (run.high, lived.high)):
        into[:, :, columns] = values
    run.end[:, columns] = lived.end
    run.lost_day[columns], run.lost_row[columns] = lived.left_day, lived.left_row
    run.runs[columns] += 1


def integrate_single(
    axis: Axis, start: np.ndarray, parameters: Mapping[str, np.ndarray], drive: Drive, **options: Any
) -> Run:
    """Integrate in single precision, and in double whom that does not serve; see `integrate`."""
    return integrate(axis, start, parameters, drive, **options, precision="single")


__all__ = ["TOLERANCE", "integrate", "integrate_single"]
