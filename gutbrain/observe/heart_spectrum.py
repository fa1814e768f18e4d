"""The heart-beat model in closed form: what a long record would show, in a millisecond and without noise.

Linear around the solved equilibrium. Trusted for vagal drive from 0.7 to 1.3; where little vagal drive is left it is
wrong, and the simulation must be used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from gutbrain.errors import InputError
from gutbrain.observe.heart_parameters import HeartParameters
from gutbrain.observe.heartbeat import Breathing, Drive, reflex
from gutbrain.observe.spectrum import BANDS

TRUSTED = (0.7, 1.3)
LOWEST, HIGHEST, POINTS = 0.003, 0.5, 995  # Hz; a grid of 0.0005 Hz, on which the borders of the bands lie
# Standard deviation of the natural logarithm of one record of five minutes, from its finite length alone (derived):
# rest, and 6 breaths a minute of isocapnic volume. A lower bound on real test-retest noise.
SAMPLING_NOISE = {
    "mean_rr": (0.010, 0.010),
    "sdnn": (0.076, 0.052),
    "rmssd": (0.041, 0.040),
    "lf_power": (0.31, 0.15),
    "hf_power": (0.15, 0.21),
}


@dataclass(frozen=True)
class Expected:
    """What a long record shows on average.

    Attributes
    ----------
    pressure : mean arterial pressure, mmHg
    mean_rr, sdnn, rmssd : ms
    lf_power, hf_power : ms2
    pressure_sd : standard deviation of mean pressure, mmHg
    note : empty, or why the figures are not to be trusted
    """

    pressure: float
    mean_rr: float
    sdnn: float
    rmssd: float
    lf_power: float
    hf_power: float
    pressure_sd: float
    note: str


@dataclass(frozen=True)
class Response:
    """Answer of heart period and pressure around the equilibrium, at each frequency (complex arrays).

    Attributes
    ----------
    pressure, period : the equilibrium, mmHg and s
    by_lung, by_resistance, by_vagus : heart period per litre, per mmHg s/ml of noise, per spike/s of noise (s)
    pressure_by_lung, pressure_by_resistance, pressure_by_vagus : the same of pressure (mmHg)
    """

    pressure: float
    period: float
    by_lung: np.ndarray
    by_resistance: np.ndarray
    by_vagus: np.ndarray
    pressure_by_lung: np.ndarray
    pressure_by_resistance: np.ndarray
    pressure_by_vagus: np.ndarray


def equilibrium(drive: Drive | None = None, parameters: HeartParameters | None = None) -> float:
    """Return the pressure in mmHg at which flow in and flow out are equal, breathing averaged out.

    Raises
    ------
    InputError : no such pressure from 40 to 200 mmHg
    """
    numbers = parameters or HeartParameters()
    vagal, set_point, sympathetic = _single(drive)

    def miss(pressure: float) -> float:
        at = reflex(np.array(pressure), np.array(set_point), numbers)
        return pressure - numbers.stroke_volume / _period(at.vagal, at.drive, vagal, sympathetic, numbers) * (
            numbers.basal_resistance + numbers.resistance_gain * sympathetic * float(at.drive)
        )

    if miss(40.0) * miss(200.0) > 0:
        raise InputError("no equilibrium from 40 to 200 mmHg", field="drive")
    return float(brentq(miss, 40.0, 200.0, xtol=1e-10))


def respond(frequency: np.ndarray, drive: Drive | None = None, parameters: HeartParameters | None = None) -> Response:
    """Return how heart period and pressure answer to breathing and noise.

    Parameters
    ----------
    frequency : array [frequencies], Hz
    drive : single numbers
    """
    numbers = parameters or HeartParameters()
    vagal, set_point, sympathetic = _single(drive)
    pressure = equilibrium(drive, numbers)
    at = reflex(np.array(pressure), np.array(set_point), numbers)
    period = _period(at.vagal, at.drive, vagal, sympathetic, numbers)
    steep = np.exp((pressure - set_point) / numbers.receptor_width)
    rise = np.exp((at.receptor - numbers.vagal_centre) / numbers.vagal_width)
    receptor_slope = (numbers.receptor_high - numbers.receptor_low) / numbers.receptor_width * steep / (1 + steep) ** 2
    above = at.sympathetic - numbers.sympathetic_floor
    drive_slope = -numbers.sympathetic_decay * above / (at.sympathetic - numbers.sympathetic_least + 1)
    vagal_slope = (numbers.vagal_high - numbers.vagal_low) / numbers.vagal_width * rise / (1 + rise) ** 2
    resistance = numbers.basal_resistance + numbers.resistance_gain * sympathetic * at.drive
    flow = numbers.stroke_volume / period

    turn = 2j * np.pi * frequency
    receptors = receptor_slope * (1 + numbers.receptor_zero * turn) / (1 + numbers.receptor_pole * turn)
    delayed = 1 / (1 + numbers.sympathetic_delay / 2 * turn) ** 2
    to_vagus = numbers.vagal_period_gain * vagal / (1 + numbers.vagal_lag * turn)
    to_period = (
        numbers.sympathetic_period_gain * sympathetic * drive_slope * delayed
        / (1 + numbers.sympathetic_period_lag * turn) + to_vagus * vagal_slope
    )  # fmt: skip
    to_resistance = (
        numbers.resistance_gain * sympathetic * drive_slope * delayed
        / (1 + numbers.vascular_delay * turn) / (1 + numbers.resistance_lag * turn)
    )  # fmt: skip
    gate = -to_vagus * numbers.stretch_gain / (1 + numbers.stretch_lag * turn)
    stiff = pressure / resistance**2
    loop = (
        numbers.compliance * turn + 1 / resistance + flow / period * to_period * receptors
        - stiff * to_resistance * receptors
    )  # fmt: skip
    by_lung = (-flow * numbers.mechanical / 0.5 - flow / period * gate) / loop
    by_resistance = stiff / loop
    by_vagus = -flow / period * to_vagus / loop
    closed = to_period * receptors
    return Response(
        pressure, period, closed * by_lung + gate, closed * by_resistance, closed * by_vagus + to_vagus,
        by_lung, by_resistance, by_vagus,
    )  # fmt: skip


def expected(
    breathing: Breathing | None = None, drive: Drive | None = None, parameters: HeartParameters | None = None
) -> Expected:
    """Return mean interval, SDNN, RMSSD, LF and HF of a long record, without simulating it.

    Parameters
    ----------
    breathing, drive : single numbers; the breath is taken as a sine (`inspiration_share` 0.5)

    Returns
    -------
    Expected : RMSSD and SDNN within about 10 % of the simulation, LF up to 25 % low, HF up to 25 % high

    Raises
    ------
    InputError : no equilibrium, or conditions that are not single numbers
    """
    numbers = parameters or HeartParameters()
    breath = breathing or Breathing()
    rate, volume = _one(breath.rate, "rate") / 60, _one(breath.tidal_volume, "tidal_volume")
    if _one(breath.inspiration_share, "inspiration_share") != 0.5:
        raise InputError("the closed form knows only breaths that are half inspiration", field="inspiration_share",
                         mend="Use `heartbeats`.")  # fmt: skip
    frequency = np.linspace(LOWEST, HIGHEST, POINTS)
    found = respond(frequency, drive, numbers)
    width = numbers.breathing_jitter
    line = np.exp(-0.5 * ((frequency - rate) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    lung = volume**2 / 8 * line
    vessels = _wandering(frequency, numbers.resistance_noise, numbers.resistance_noise_time)
    vagus = _wandering(frequency, numbers.vagal_noise, numbers.vagal_noise_time)
    intervals = 1e6 * np.sinc(frequency * found.period) ** 2 * (
        np.abs(found.by_lung) ** 2 * lung + np.abs(found.by_resistance) ** 2 * vessels
        + np.abs(found.by_vagus) ** 2 * vagus
    )  # fmt: skip
    pressures = (
        np.abs(found.pressure_by_lung) ** 2 * lung + np.abs(found.pressure_by_resistance) ** 2 * vessels
        + np.abs(found.pressure_by_vagus) ** 2 * vagus
    )  # fmt: skip

    def power(name: str) -> float:
        first, last = (round((border - LOWEST) / (HIGHEST - LOWEST) * (POINTS - 1)) for border in BANDS[name])
        return float(np.trapezoid(intervals[first : last + 1], frequency[first : last + 1]))

    steps = 4 * np.sin(np.pi * frequency * found.period) ** 2 * intervals
    vagal = _single(drive)[0]
    trusted = TRUSTED[0] <= vagal <= TRUSTED[1]
    return Expected(
        found.pressure,
        1000 * found.period,
        float(np.sqrt(np.trapezoid(intervals, frequency))),
        float(np.sqrt(np.trapezoid(steps, frequency))),
        power("lf"),
        power("hf"),
        float(np.sqrt(np.trapezoid(pressures, frequency))),
        "" if trusted else f"vagal drive {vagal:.3g} is outside 0.7 to 1.3: use the simulation",
    )


def _wandering(frequency: np.ndarray, size: float, time: float) -> np.ndarray:
    """Return the one-sided density of an Ornstein-Uhlenbeck noise."""
    return 4 * size**2 * time / (1 + (2 * np.pi * frequency * time) ** 2)


def _period(
    vagal_firing: np.ndarray, drive: np.ndarray, vagal: float, sympathetic: float, numbers: HeartParameters
) -> float:
    return float(
        numbers.period_floor + numbers.vagal_period_gain * vagal * vagal_firing
        + numbers.sympathetic_period_gain * sympathetic * drive
    )  # fmt: skip


def _single(drive: Drive | None) -> tuple[float, float, float]:
    given = drive or Drive()
    return _one(given.vagal, "vagal"), _one(given.set_point, "set_point"), _one(given.sympathetic, "sympathetic")


def _one(value: object, name: str) -> float:
    column = np.asarray(value, float)
    if column.ndim:
        raise InputError("the closed form takes one condition at a time", field=name, mend="Use `heartbeats`.")
    return float(column)
