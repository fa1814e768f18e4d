"""Settling: each person is brought to the periodic day of his own ordinary life before day 0.

Slow glands, richness and load need hundreds of days when simply run. Instead every compartment
that is not at rest is solved for zero rates (`gutbrain.run.rest`), own-rest parameters are written
from the settled signals, and a few days are integrated so that the daily rhythm closes. The change
over the last of these days is the residual that is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import CLOCK, Axis
from gutbrain.model.reading import depends
from gutbrain.people.cohort import Cohort
from gutbrain.run import fixed
from gutbrain.run.drive import Drive, Run
from gutbrain.run.rest import Rest

DAYS = 5
TOLERANCE = 1e-9  # relative change a day below which a compartment counts as settled
SWEEPS = 6
TRIES = 2  # sweeps in which somebody may fail to come to rest before he is left where he is


def settle(
    cohort: Cohort,
    *,
    step_minutes: float = 15.0,
    levers: tuple[str, ...] = (),
    labels: tuple[str, ...] | None = None,
    days: int = DAYS,
    integrate: Callable[..., Run] = fixed.integrate,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Return the cohort with its own-rest parameters, its settled start and the residual.

    Parameters
    ----------
    step_minutes : step of the later run: the rhythm must close at that step
    levers, labels : acts and signals of the later run, so that its compiled day is shared
    days : days that are integrated to close the daily rhythm; 0 leaves that to a later call
    integrate : engine that integrates them, with the signature of `gutbrain.run.fixed.integrate`
    """
    axis = cohort.axis
    parameters = {name: np.array(value) for name, value in cohort.parameters.items()}
    start = axis.start(parameters) if cohort.start is None else cohort.start
    rest = Rest(axis, np.broadcast_to(start, (len(axis.rows), cohort.size)), parameters)
    _bring_to_rest(rest, parameters)
    if days == 0:
        return replace(cohort, parameters=parameters, start=rest.states)
    drive = Drive.rest(cohort.size, days, round(1440 / step_minutes), levers)
    wanted = tuple(axis.columns) if labels is None else labels
    rhythmic = fixed.settled_signals(axis)
    kept = tuple(dict.fromkeys((*wanted, *rhythmic)))
    run = partial(integrate, axis, parameters=parameters, step_minutes=step_minutes, labels=kept, progress=progress)
    warm = run(rest.states, drive=drive, days=days, first_day=-days)
    # Rhythmic signals rest at their mean over the day; the others are exact at any moment.
    write_own_rest(axis, parameters, {label: warm.mean[-1, kept.index(label)].astype(float) for label in rhythmic})
    rest.states[:], rest.parameters = warm.end, axis.coherent(parameters)
    write_own_rest(axis, parameters, _steady_signals(rest))
    check = run(warm.end, drive=Drive.rest(cohort.size, 1, round(1440 / step_minutes), levers), days=1, first_day=0)
    scale = np.maximum(np.abs(warm.end), 1e-3 * (axis.bounds[1] - axis.bounds[0])[:, None])
    residual = np.max(np.abs(check.end - warm.end) / scale, axis=0)
    residual = np.where(warm.lost_day == -1, residual, np.inf)
    return replace(cohort, parameters=parameters, start=warm.end, residual=residual)


def write_own_rest(axis: Axis, parameters: dict[str, np.ndarray], signals: dict[str, np.ndarray]) -> None:
    """Write the value of each settled signal (declared units) into the parameters that wait for it."""
    for name, param in axis.parameters.items():
        if param.settled and param.settled in signals:
            given = axis.columns[param.settled].unit
            scale = units.factor(given) / units.factor(param.unit)
            parameters[name] = np.asarray(signals[param.settled], float) * scale


def _bring_to_rest(rest: Rest, parameters: dict[str, np.ndarray]) -> None:
    """Solve every compartment without a clock until nothing moves, and write own rests as they change."""
    axis, fails = rest.axis, np.zeros(rest.rows.shape[1], int)
    names = [part.name for part in axis.compartments if rest.own(part.name).size and not _clocked(axis, part.name)]
    open_ = np.arange(fails.size)
    rest.balance(open_)  # a state may have several rests: unknowns that begin far off would lead to another
    signals = _steady_signals(rest)
    for _ in range(SWEEPS):
        write_own_rest(axis, parameters, signals)
        rest.parameters = axis.coherent(parameters)
        moving = np.abs(rest.change(open_)) > TOLERANCE
        unsettled = {name: open_[moving[rest.own(name)].any(axis=0)] for name in names}
        for name, columns in unsettled.items():
            if columns.size:
                fails[rest.solve(name, columns)] += 1
        open_ = np.unique(np.concatenate([np.zeros(0, int), *unsettled.values()]))
        if not open_.size:
            break
        for label, value in _steady_signals(rest, open_).items():
            signals[label][open_] = value
        open_ = open_[fails[open_] < TRIES]


def _steady_signals(rest: Rest, columns: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return the settled signals that the clock does not move, of some columns or of all, declared units."""
    axis, who = rest.axis, np.arange(rest.rows.shape[1]) if columns is None else columns
    giver = {label: axis.givers[axis.columns[label].signal].compartment for label in fixed.settled_signals(axis)}
    steady = tuple(label for label in giver if not _clocked(axis, giver[label]))
    return dict(zip(steady, rest.signals(steady, who), strict=True))


def _clocked(axis: Axis, compartment: str) -> bool:
    """Say whether a compartment's states follow the clock even at rest."""
    part = axis.part(compartment)
    names = {name for (owner, name), wire in axis.wires.items() if owner == compartment and wire.signal in CLOCK[:3]}
    inputs = {
        name
        for (owner, name), wire in axis.wires.items()
        if owner == compartment and wire.giver and wire.signal.endswith("internal_clock")
    }
    rates = [equation.name for owner, equation in axis.rate_equations if owner == compartment]
    return any(depends(axis.asked, part.name, rate) & (names | inputs) for rate in rates)
