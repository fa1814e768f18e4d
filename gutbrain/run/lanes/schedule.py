"""How finely each quarter hour is stepped: finer where the reference person's day is sharp, and after sudden acts."""

from __future__ import annotations

import threading

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.run.drive import Drive
from gutbrain.run.lanes.block import Setting, live
from gutbrain.run.lanes.compiled import compiled_kernel
from gutbrain.run.lanes.forcing import QUARTERS, Forcing
from gutbrain.run.lanes.layout import flattened, own_parameters

TRIED = (1, 2, 3, 4, 6, 8)
FINEST = 16
DAYS = 3  # after which the rhythm has closed
SHARE = 0.01  # of the tolerance: the days of a few people are a hundred times sharper than the reference person's
_LOCK = threading.Lock()
_KNOWN: dict[tuple[int, float], tuple[Axis, np.ndarray]] = {}


def forcing_of(axis: Axis, drive: Drive, days: int, least: int, tolerance: float | None) -> Forcing:
    """Return the steps of a run.

    Parameters
    ----------
    least : steps of a quarter hour that are asked for at least
    tolerance : error that a person may have, as a share of the range of each state; steps stay as asked without it
    """
    even = Forcing(drive.shape, np.full(days * QUARTERS, least, np.int32))
    if tolerance is None:
        return even
    of_day = np.maximum(day_of_reference(axis, tolerance), least)
    return Forcing(drive.shape, np.tile(of_day, days).astype(np.int32)).after_edges()


def day_of_reference(axis: Axis, tolerance: float) -> np.ndarray:
    """Return the steps of each quarter hour of an ordinary day, array [96]: as few as keep the tolerance."""
    with _LOCK:
        if (id(axis), tolerance) not in _KNOWN:
            _KNOWN[id(axis), tolerance] = axis, _tried(axis, tolerance)
        return _KNOWN[id(axis), tolerance][1]


def _tried(axis: Axis, tolerance: float) -> np.ndarray:
    parameters = axis.defaults()
    own = own_parameters(axis, parameters)
    setting = Setting(
        axis, compiled_kernel(axis, own, False, 64), flattened(axis, parameters, 1), Drive.rest(1, DAYS, QUARTERS),
        np.zeros(0, int), np.zeros(len(axis.rows), bool), None, 0,
    )  # fmt: skip
    low, high = axis.bounds
    start, shape = axis.start(parameters), np.zeros((DAYS * QUARTERS, 0))

    def last_day(steps: int) -> np.ndarray:
        forcing = Forcing(shape, np.full(DAYS * QUARTERS, steps, np.int32))
        return live(setting, np.zeros(1, int), start, forcing, marked=True).marks[-24:, :, 0] / (high - low)

    exact = last_day(FINEST)
    found = np.full(24, TRIED[-1])
    for steps in reversed(TRIED[:-1]):
        missed = np.abs(last_day(steps) - exact).max(axis=1)
        # What an hour does wrong shows at its end and in the hour after it.
        good = np.isfinite(missed) & (np.maximum(missed, np.roll(missed, -1)) < SHARE * tolerance)
        found = np.where(good, steps, found)
    return np.repeat(found, 4)
