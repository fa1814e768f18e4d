"""Breathing rate from a belt or from airflow: it belongs to every reading of heart rate variability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.signal import welch

from gutbrain.errors import InputError

LOWEST, HIGHEST = 0.05, 1.0  # Hz; highest assumed
WINDOW = 60.0  # s
RATE = 4.0  # Hz, of the evenly spaced signal
PADDED = 8192  # samples that a window is padded to
FEWEST, LONGEST_HOLE = 12, 10.0  # samples; s (assumed)


@dataclass(frozen=True)
class Respiration:
    """Breathing rate of a recording.

    Attributes
    ----------
    rate : breaths per minute over the whole
    windows : rate of each whole minute (array [windows], per minute); not a number where nothing moved
    starts : where each of them begins (array [windows], s)
    clear : share of the power above 0.05 Hz that lies within 0.02 Hz of the peak, 0 to 1
    method : how it was computed
    """

    rate: float
    windows: np.ndarray
    starts: np.ndarray
    clear: float
    method: str

    @property
    def frequency(self) -> float:
        """The rate in Hz."""
        return self.rate / 60


def breathing_rate(signal: ArrayLike, *, times: ArrayLike | None = None, rate_hz: float | None = None) -> Respiration:
    """Find the breathing rate as the spectral peak above 0.05 Hz, in windows of 60 s.

    Parameters
    ----------
    signal : belt or airflow (array [samples], any unit)
    times : time of each sample (array [samples], s), when they are not evenly spaced
    rate_hz : samples per second, when they are

    Returns
    -------
    Respiration : the peak of the mean spectrum of windows that overlap by half, and of each whole minute alone

    Raises
    ------
    InputError : neither or both of times and rate, not numbers, shorter than a minute, too sparse, or flat

    Source
    ------
    window and lowest frequency: own method, assumed
    """
    values = np.asarray(signal, float)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise InputError("not one column of numbers", field="signal", mend="Cut out what was not recorded.")
    if (times is None) == (rate_hz is None):
        raise InputError("the clock of the signal is not clear", field="times", mend="Give either times or rate_hz.")
    if rate_hz is not None and not rate_hz > 0:
        raise InputError(f"{rate_hz:g} samples a second", field="rate_hz")
    clock = np.arange(values.size) / rate_hz if rate_hz is not None else np.asarray(times, float)
    series = _evenly(values, clock)
    start, highest = float(clock[0]), _highest(1 / float(np.median(np.diff(clock))))
    size = int(WINDOW * RATE)
    if series.size < size - RATE:
        raise InputError(f"{series.size / RATE:.0f} s of breathing", field="signal", mend=f"Give {WINDOW:.0f} or more.")
    if np.ptp(series) <= 1e-9 * max(float(np.abs(series).max()), 1e-300):
        raise InputError("the signal does not move", field="signal", mend="Look whether the belt was connected.")
    frequency, density = _spectrum(series)
    whole = _peak(frequency, density, highest)
    above = (frequency >= LOWEST) & (frequency <= highest)
    near = above & (np.abs(frequency - whole) <= 0.02)
    count = (series.size + int(RATE)) // size  # the last sample stands a little before the minute is full
    windows = np.full(count, np.nan)
    for k in range(count):
        minute = series[k * size : (k + 1) * size]
        if np.ptp(minute) > 1e-9 * np.abs(series).max():
            windows[k] = 60 * _peak(*_spectrum(minute), highest)
    method = f"highest density from {LOWEST} to {highest:.2g} Hz, Hann windows of 60 s, linear detrend"
    clear = float(density[near].sum() / density[above].sum())
    return Respiration(60 * whole, windows, start + WINDOW * np.arange(count), clear, method)


def _spectrum(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    window = min(int(WINDOW * RATE), series.size)
    frequency, density = welch(series, RATE, "hann", nperseg=window, nfft=PADDED, detrend="linear")
    return np.asarray(frequency), np.asarray(density)


def _evenly(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the signal at 4 Hz: means of a quarter second where samples are dense, a cubic spline where not."""
    steps = np.diff(times)
    if times.shape != values.shape or not np.isfinite(times).all():
        raise InputError(f"{times.size} times for {values.size} samples", field="times")
    if not (steps > 0).all():
        row = int(np.flatnonzero(steps <= 0)[0]) + 2
        raise InputError("does not come after the time before it", field="times", row=row)
    if values.size < FEWEST:
        raise InputError(f"{values.size} samples", field="signal", mend=f"Give {WINDOW:.0f} s or more.")
    if steps.max() > LONGEST_HOLE:
        raise InputError(f"a hole of {steps.max():.0f} s in the signal", field="times", mend="Give each side alone.")
    if np.median(steps) > 0.5 / RATE:
        return np.asarray(CubicSpline(times, values)(np.arange(times[0], times[-1], 1 / RATE)))
    place = ((times - times[0]) * RATE).astype(int)
    count = np.bincount(place)
    full = np.flatnonzero(count)
    return np.interp(np.arange(count.size), full, np.bincount(place, values)[full] / count[full])


def _highest(rate_hz: float) -> float:
    """Return the highest frequency to look at: 1 Hz, or half the sampling rate where that is less."""
    if not rate_hz > 4 * LOWEST:
        raise InputError(f"{rate_hz:g} samples a second are too few to see a breath", field="rate_hz")
    return min(HIGHEST, rate_hz / 2)


def _peak(frequency: np.ndarray, density: np.ndarray, highest: float) -> float:
    inside = np.flatnonzero((frequency >= LOWEST) & (frequency <= highest))
    return float(frequency[inside[np.argmax(density[inside])]])
