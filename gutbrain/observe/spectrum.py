"""Spectra of interval series in ms2/Hz; a power without the method it was computed by is no datum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.signal import detrend, lombscargle, welch

from gutbrain.errors import InputError

RATE = 4.0  # Hz, of the evenly spaced series
WINDOW, PADDED = 1024, 4096  # samples: 256 s, and the length that the transform is padded to
NARROWEST = 1e-12  # Hz, half width of a peak of the autoregressive model
ORDER = 16  # of the autoregressive model, for series of 4 Hz (assumed: the usual choice)
BANDS = {"vlf": (0.0033, 0.04), "lf": (0.04, 0.15), "hf": (0.15, 0.40)}  # Hz, half-open


@dataclass(frozen=True)
class Spectrum:
    """One-sided power density of intervals.

    Attributes
    ----------
    frequency : array [frequencies], Hz
    density : array [frequencies], ms2/Hz
    seconds : length of the series
    method : how it was computed; travels with every power
    """

    frequency: np.ndarray
    density: np.ndarray
    seconds: float
    method: str

    def power(self, low: float, high: float) -> float:
        """Return the power in ms2 over the grid points from `low` (included) to `high` (not included), Hz.

        The step of the grid between two neighbouring bands belongs to neither: a peak right there loses power.
        """
        inside = (self.frequency >= low) & (self.frequency < high)
        return float(np.trapezoid(self.density[inside], self.frequency[inside]))

    def band(self, name: str) -> float:
        """Return the power in ms2 of a band of `BANDS`."""
        return self.power(*BANDS[name])

    def peak(self, low: float, high: float) -> float:
        """Return the frequency in Hz of the highest density from `low` to `high`, between the grid by a parabola."""
        inside = np.flatnonzero((self.frequency >= low) & (self.frequency <= high))
        top = int(inside[np.argmax(self.density[inside])])
        even = 0 < top < self.frequency.size - 1 and np.isclose(*np.diff(self.frequency[top - 1 : top + 2]))
        if not even:
            return float(self.frequency[top])
        left, centre, right = np.log(np.maximum(self.density[top - 1 : top + 2], 1e-300))
        bend = left - 2 * centre + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        grid = self.frequency[1] - self.frequency[0]
        return float(np.clip(self.frequency[top] + np.clip(shift, -0.5, 0.5) * grid, low, high))


def evenly(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return values at 4 Hz by a cubic spline, from the first time to before the last (arrays [beats] -> [samples])."""
    return np.asarray(CubicSpline(times, values)(np.arange(times[0], times[-1], 1 / RATE)))


def by_welch(times: np.ndarray, rr: np.ndarray) -> Spectrum:
    """Return the spectrum by Welch's method: windows of 256 s, of the whole series when that is shorter.

    Parameters
    ----------
    times : time of each beat (array [beats], s)
    rr : interval that ends there (array [beats], ms)
    """
    series = evenly(times, rr)
    window = min(WINDOW, series.size)
    frequency, density = welch(series, RATE, "hann", nperseg=window, nfft=PADDED, detrend="linear")
    method = (
        f"Welch: cubic spline to 4 Hz, linear detrend, Hann windows of {window / RATE:g} s, 50 % overlap, "
        "zero-padded to 4096, one-sided, trapezoid"
    )
    return Spectrum(frequency, density, float(np.ptp(times)), method)


def by_autoregression(times: np.ndarray, rr: np.ndarray) -> Spectrum:
    """Return the spectrum of an autoregressive model of order 16, fitted by Burg's recursion to the 4 Hz series."""
    series = detrend(evenly(times, rr))
    coefficients, variance = _burg(series, ORDER)
    # Peaks may be narrower than any even grid: points are added where the model has its poles.
    poles = np.roots(coefficients)
    poles = poles[poles.imag > 0]
    places = np.angle(poles) * RATE / (2 * np.pi)
    widths = np.maximum((1 - np.abs(poles)) * RATE / (2 * np.pi), NARROWEST)
    around = np.tan(np.linspace(-np.pi / 2, np.pi / 2, 402)[1:-1])
    close = (places[:, None] + widths[:, None] * around).ravel()
    frequency = np.unique(np.concatenate([np.linspace(0, RATE / 2, PADDED), close]))
    frequency = frequency[(frequency >= 0) & (frequency <= RATE / 2)]
    waves = np.exp(-2j * np.pi * np.outer(frequency / RATE, np.arange(coefficients.size)))
    density = 2 * variance / RATE / np.abs(waves @ coefficients) ** 2
    method = f"autoregressive: cubic spline to 4 Hz, linear detrend, Burg, order {ORDER}, one-sided, trapezoid"
    return Spectrum(frequency, density, float(np.ptp(times)), method)


def by_lomb(times: np.ndarray, rr: np.ndarray) -> Spectrum:
    """Return the Lomb periodogram of the beats themselves, without interpolation."""
    seconds = float(np.ptp(times))
    level = detrend_at(times, rr)
    frequency = np.arange(1, 501) * 0.001
    raw = lombscargle(times - times[0], level, 2 * np.pi * frequency)
    density = 2 * raw * seconds / (rr.size - 1)
    return Spectrum(frequency, density, seconds, "Lomb: beats at their times, linear detrend, one-sided, trapezoid")


def detrend_at(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return values less their straight line over uneven times (arrays [beats])."""
    clock = times - times.mean()
    slope = float(clock @ values) / float(clock @ clock)
    return np.asarray(values - values.mean() - slope * clock)


def _burg(series: np.ndarray, order: int) -> tuple[np.ndarray, float]:
    """Return the coefficients (array [order + 1], first 1) and the variance of the innovations."""
    coefficients = np.ones(1)
    variance = float(np.mean(series**2))
    forward, backward = series[1:].copy(), series[:-1].copy()
    for _ in range(order):
        size = float(forward @ forward + backward @ backward)
        if size <= 0:
            break
        reflection = -2 * float(forward @ backward) / size
        longer = np.concatenate([coefficients, [0.0]])
        coefficients = longer + reflection * longer[::-1]
        variance *= 1 - reflection**2
        forward, backward = (forward + reflection * backward)[1:], (backward + reflection * forward)[:-1]
    return coefficients, variance


METHODS: dict[str, Callable[[np.ndarray, np.ndarray], Spectrum]] = {
    "Welch": by_welch,
    "autoregressive": by_autoregression,
    "Lomb": by_lomb,
}


def spectrum(times: np.ndarray, rr: np.ndarray, method: str = "Welch") -> Spectrum:
    """Return the power density of one unbroken run of intervals.

    Parameters
    ----------
    times : time of each beat (array [beats], s)
    rr : interval that ends there (array [beats], ms)
    method : "Welch" (own), "autoregressive" or "Lomb"

    Raises
    ------
    InputError : unknown method, or fewer than 32 beats

    Source
    ------
    TaskForce1996 for bands and units; windows, padding and order are own choices, printed in the method.
    """
    if method not in METHODS:
        raise InputError(f"no spectrum {method!r}", field="method", mend=f"Use one of: {', '.join(METHODS)}.")
    if rr.size < 2 * ORDER:
        raise InputError(f"{rr.size} beats are too few for a spectrum", field="rr", mend=f"Give {2 * ORDER} or more.")
    return METHODS[method](times, rr)
