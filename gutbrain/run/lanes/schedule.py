"""How finely each quarter hour is stepped: finer where the days of drawn people are sharp, and after sudden acts."""

from __future__ import annotations

import math
import threading
from weakref import WeakKeyDictionary

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.run.drive import Drive
from gutbrain.run.lanes.block import Setting, live, random_rows
from gutbrain.run.lanes.compiled import compiled_kernel
from gutbrain.run.lanes.forcing import QUARTERS, Forcing
from gutbrain.run.lanes.layout import flattened, own_parameters
from gutbrain.run.noise import Noise

TRIED = (1, 2, 3, 4, 6, 8)
FINEST = 16
DAYS = 3  # after which the rhythm has closed
PEOPLE = 24  # drawn for this
MOST_OF_THEM = 0.9  # keep SHARE of the tolerance; the others are found by the guard and run again
SHARE = 0.3
EDGE_STEPS = 3  # of a quarter hour after a sudden act, for an error of EDGE_ERROR; its error falls with the 4th power
EDGE_ERROR = 1e-4
_LOCK = threading.Lock()
_KNOWN: WeakKeyDictionary[Axis, dict[tuple[float, bool], np.ndarray]] = WeakKeyDictionary()


def forcing_of(axis: Axis, drive: Drive, days: int, least: int, tolerance: float | None, noisy: bool) -> Forcing:
    """Return the steps of a run.

    Parameters
    ----------
    least : steps of a quarter hour that are asked for at least
    tolerance : error that a person may have, as a share of the range of each state; steps stay as asked without it
    noisy : events come at any hour, and ask for finer steps
    """
    even = Forcing(drive.shape, np.full(days * QUARTERS, least, np.int32))
    if tolerance is None:
        return even
    of_day = np.maximum(ordinary_day(axis, tolerance, noisy), least)
    of_edge = math.ceil(EDGE_STEPS * (EDGE_ERROR / tolerance) ** 0.25)
    return Forcing(drive.shape, np.tile(of_day, days).astype(np.int32)).after_edges(of_edge)


def ordinary_day(axis: Axis, tolerance: float, noisy: bool = False) -> np.ndarray:
    """Return the steps of each quarter hour of an ordinary day, array [96]: as few as most people need."""
    with _LOCK:
        known = _KNOWN.setdefault(axis, {})
        if (tolerance, noisy) not in known:
            known[tolerance, noisy] = _tried(axis, tolerance, noisy)
        return known[tolerance, noisy]


def _tried(axis: Axis, tolerance: float, noisy: bool) -> np.ndarray:
    drawn = Cohort.draw(axis, PEOPLE, worlds=1, seed=0)
    parameters, noise = drawn.parameters, Noise(0, drawn.names) if noisy else None
    kernel = compiled_kernel(axis, own_parameters(axis, parameters), noisy, 64, PEOPLE)
    setting = Setting(
        axis, kernel, flattened(axis, parameters, PEOPLE), Drive.rest(PEOPLE, DAYS, QUARTERS), np.zeros(0, int),
        random_rows(axis) & noisy, noise, 0,
    )  # fmt: skip
    low, high = axis.bounds
    start, shape = np.broadcast_to(axis.start(parameters), (len(axis.rows), PEOPLE)), np.zeros((DAYS * QUARTERS, 0))
    width = setting.compiled.width

    def last_day(steps: int) -> np.ndarray:
        forcing = Forcing(shape, np.full(DAYS * QUARTERS, steps, np.int32))
        parts = [np.arange(PEOPLE)[i : i + width] for i in range(0, PEOPLE, width)]
        marks = [live(setting, part, start[:, part], forcing, marked=True).marks[-24:] for part in parts]
        return np.concatenate(marks, axis=2) / (high - low)[:, None]

    exact = last_day(FINEST)
    found = np.full(24, TRIED[-1])
    for steps in reversed(TRIED[:-1]):
        apart = np.abs(last_day(steps) - exact)
        missed = np.quantile(np.where(np.isfinite(apart), apart, np.inf).max(axis=1), MOST_OF_THEM, axis=1)
        # What an hour does wrong shows at its end and in the hour after it.
        found = np.where(np.maximum(missed, np.roll(missed, -1)) < SHARE * tolerance, steps, found)
    return np.repeat(found, 4)
