"""Salivary cortisol at an hour of the day, out of what a run keeps of that day: mean, lowest and highest hour."""

from __future__ import annotations

import numpy as np

# Hourly means after waking of the settled reference person on a logarithmic scale, 0 the lowest and 1 the
# highest hour of the day (derived: the stress axis of this model, without stress or lost sleep).
SHAPE = np.array([
    1.000, 1.000, 0.879, 0.836, 0.787, 0.731, 0.677, 0.625, 0.570, 0.505, 0.426, 0.334,
    0.233, 0.134, 0.050, 0.000, 0.000, 0.056, 0.165, 0.311, 0.476, 0.639, 0.775, 0.867,
])  # fmt: skip
CENTRE = 0.375  # h; four readings an hour, from its begin on
# The pulse of waking does not follow a late clock: a delay counts in full only this many hours after waking.
AWAKE = 4.0
STEEPEST, TURNS = 2.0, 40


def bend(mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the exponent of the shape at which the 24 hours of a day have its mean; arrays of one shape."""
    span = np.log(np.maximum(high, 1e-12) / np.maximum(low, 1e-12))[..., None]
    small, large = np.full(mean.shape, -STEEPEST), np.full(mean.shape, STEEPEST)
    for _ in range(TURNS):
        middle = (small + large) / 2
        found = (low[..., None] * np.exp(span * SHAPE ** np.exp(middle)[..., None])).mean(axis=-1)
        too_low = found < mean
        large, small = np.where(too_low, middle, large), np.where(too_low, small, middle)
    return np.exp((small + large) / 2)


def cortisol(
    mean: np.ndarray, low: np.ndarray, high: np.ndarray, hours: np.ndarray, delay: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return cortisol some hours after waking.

    Parameters
    ----------
    mean, low, high : mean, lowest and highest hour of the day, arrays of one shape and unit
    hours : since waking, broadcast to that shape
    delay : of the person's clock beyond what the waking time explains, hours

    Returns
    -------
    array, the unit of `mean`; against whole days of 40 drawn persons the logarithm misses by an SD of 0.04 to 0.09
    at 1 to 14 h, and is 0.09 low at 1 h, where hourly means flatten the pulse of waking
    """
    hours = np.broadcast_to(hours, mean.shape)
    place = (hours - CENTRE - delay * np.minimum(hours / AWAKE, 1)) % 24
    shape = np.interp(place, np.arange(25), np.append(SHAPE, SHAPE[0]))
    span = np.log(np.maximum(high, 1e-12) / np.maximum(low, 1e-12))
    return np.asarray(low * np.exp(span * shape ** bend(mean, low, high)))
