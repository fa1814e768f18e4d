"""Heartbeats of a breathing protocol: baroreflex, respiratory gating of the vagus, and beats.

Slow breathing acts here, while it is done. Tidal volume decides what it does to RMSSD, and is almost never known.
Not for hearts just after exercise: without vagal drive and with a set point of 120 mmHg it gives 612 ms, where
524 ms are the median after sprints (Raidl2024).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gutbrain.errors import InputError
from gutbrain.observe.heart_parameters import HeartParameters

STEP = 0.02  # s, of explicit Euler-Maruyama: the tables of the model were made with it
SETTLING = 60.0  # s dropped from the beginning
BLOCK = 500  # steps whose noise is drawn at once


@dataclass(frozen=True)
class Breathing:
    """How somebody breathes; numbers, or arrays [records].

    Attributes
    ----------
    rate : breaths per minute
    tidal_volume : L
    inspiration_share : share of the breath that is inspiration; 0.4 for 4 s in and 6 s out
    """

    rate: ArrayLike = 15.0
    tidal_volume: ArrayLike = 0.5
    inspiration_share: ArrayLike = 0.5


@dataclass(frozen=True)
class Drive:
    """What the slow axis tells the heart; numbers, or arrays [records].

    Attributes
    ----------
    vagal : `vagus.efferent` times the person's own vagal strength, 1 = reference person at rest
    set_point : `vagus.set_point`, mmHg; stress raises it
    sympathetic : gain of the sympathetic limb; leave at 1, it is not stress (the reflex slows the heart then)
    """

    vagal: ArrayLike = 1.0
    set_point: ArrayLike = 92.0
    sympathetic: ArrayLike = 1.0


@dataclass(frozen=True)
class Heartbeats:
    """Simulated beats.

    Attributes
    ----------
    rr : intervals of each record (arrays [beats], ms)
    times : time of the beat that ends each of them (arrays [beats], s from the end of settling)
    pressure : mean arterial pressure over the record (array [records], mmHg)
    seed : seed of the draw; None without noise
    """

    rr: tuple[np.ndarray, ...]
    times: tuple[np.ndarray, ...]
    pressure: np.ndarray
    seed: int | None


def isocapnic_volume(rate: ArrayLike, parameters: HeartParameters | None = None) -> np.ndarray:
    """Return the tidal volume that keeps alveolar ventilation when the rate changes.

    Parameters
    ----------
    rate : breaths per minute (number or array)

    Returns
    -------
    array like `rate`, L; capped, because the rule reaches 3 L at 2 breaths a minute

    Source
    ------
    derived from 15 breaths of 0.5 L; people told to breathe slowly lie somewhere between 0.5 L and this
    """
    numbers = parameters or HeartParameters()
    rates = np.asarray(rate, float)
    return np.minimum(numbers.minute_ventilation / rates + numbers.dead_space, numbers.largest_breath)


@dataclass(frozen=True)
class Reflex:
    """Static curves of the baroreflex at some receptor pressure (arrays).

    Attributes
    ----------
    receptor, sympathetic, vagal : firing, spikes/s
    drive : logarithm of sympathetic firing above its least
    """

    receptor: np.ndarray
    sympathetic: np.ndarray
    vagal: np.ndarray
    drive: np.ndarray


def reflex(pressure: np.ndarray, set_point: np.ndarray, numbers: HeartParameters) -> Reflex:
    """Pressure stretches the baroreceptors, which inhibit sympathetic and excite vagal outflow (mmHg)."""
    steep = np.exp((pressure - set_point) / numbers.receptor_width)
    receptor = (numbers.receptor_low + numbers.receptor_high * steep) / (1 + steep)
    fall = np.exp(-numbers.sympathetic_decay * receptor)
    sympathetic = numbers.sympathetic_floor + (numbers.sympathetic_top - numbers.sympathetic_floor) * fall
    rise = np.exp((receptor - numbers.vagal_centre) / numbers.vagal_width)
    vagal = (numbers.vagal_low + numbers.vagal_high * rise) / (1 + rise)
    drive = np.log(np.maximum(sympathetic - numbers.sympathetic_least + 1, numbers.least_drive))
    return Reflex(receptor, sympathetic, vagal, drive)


def breath_volume(phase: np.ndarray, tidal_volume: np.ndarray, inspiration_share: np.ndarray) -> np.ndarray:
    """The lung fills and empties along two half cosines; L above the middle, highest at the end of inspiration."""
    inwards = 0.5 * (1 - np.cos(np.pi * phase / inspiration_share))
    outwards = 0.5 * (1 + np.cos(np.pi * (phase - inspiration_share) / (1 - inspiration_share)))
    return np.asarray(tidal_volume * (np.where(phase < inspiration_share, inwards, outwards) - 0.5))


def heartbeats(
    breathing: Breathing | None = None,
    drive: Drive | None = None,
    *,
    seconds: float = 300.0,
    records: int | None = None,
    seed: int | None = 0,
    parameters: HeartParameters | None = None,
) -> Heartbeats:
    """Simulate records of heartbeats.

    Parameters
    ----------
    breathing, drive : conditions; arrays give each record its own
    seconds : length of a record after a minute of settling
    records : how many; the length of the arrays when left out
    seed : seed of the draw, record by record: the first records stay the same when more are asked for;
        None leaves all noise out
    parameters : of the model

    Returns
    -------
    Heartbeats : intervals and times of each record

    Raises
    ------
    InputError : conditions outside what the model can be asked, or arrays of different length

    Source
    ------
    Ursino1998 for curves and skeleton; numbers as in `HeartParameters`
    """
    numbers = parameters or HeartParameters()
    rate, volume, share, vagal, set_point, sympathetic = _conditions(breathing, drive, records)
    if not 1 <= seconds <= 86_400:
        raise InputError(f"records of {seconds:g} s", field="seconds", mend="Use 1 s to a day.")
    phases, pressure = _integrate(
        numbers, rate / 60, volume, share, vagal, set_point, sympathetic, round((SETTLING + seconds) / STEP), seed
    )
    clock = STEP * np.arange(len(phases))
    rr, times = [], []
    for phase in phases.T:
        beats = np.interp(np.arange(1, int(phase[-1]) + 1), phase, clock)
        beats = beats[beats >= SETTLING] - SETTLING
        rr.append(1000 * np.diff(beats))
        times.append(beats[1:])
    return Heartbeats(tuple(rr), tuple(times), pressure, seed)


def _conditions(breathing: Breathing | None, drive: Drive | None, records: int | None) -> list[np.ndarray]:
    """Check conditions and spread them over the records."""
    breath, driven = breathing or Breathing(), drive or Drive()
    limits = {
        "rate": (breath.rate, 1, 60),
        "tidal_volume": (breath.tidal_volume, 0, 4),
        "inspiration_share": (breath.inspiration_share, 0.1, 0.9),
        "vagal": (driven.vagal, 0, 4),
        "set_point": (driven.set_point, 70, 130),
        "sympathetic": (driven.sympathetic, 0.2, 2),
    }
    columns = []
    for name, (value, low, high) in limits.items():
        column = np.atleast_1d(np.asarray(value, float))
        if column.ndim != 1 or not ((column >= low) & (column <= high)).all():
            raise InputError(f"not numbers from {low} to {high}", field=name)
        columns.append(column)
    size = max(column.size for column in columns) if records is None else records
    for name, column in zip(limits, columns, strict=True):
        if column.size not in (1, size):
            raise InputError(f"{column.size} values for {size} records", field=name)
    if size < 1:
        raise InputError(f"{size} records", field="records")
    return [np.broadcast_to(column, (size,)) for column in columns]


def _integrate(
    numbers: HeartParameters,
    rate: np.ndarray,
    volume: np.ndarray,
    share: np.ndarray,
    vagal: np.ndarray,
    set_point: np.ndarray,
    sympathetic: np.ndarray,
    steps: int,
    seed: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the phase of the beats (array [steps + 1, records]) and the mean pressure after settling (mmHg)."""
    records = rate.size
    generators = [] if seed is None else [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(records)]
    rest = reflex(np.array(numbers.set_point), np.array(numbers.set_point), numbers)
    receptor_pressure = pressure = np.full(records, numbers.set_point)
    stretch = resistance_noise = vagal_noise = np.zeros(records)
    first = second = third = np.full(records, rest.drive)
    vagal_period = numbers.vagal_period_gain * vagal * rest.vagal
    sympathetic_period = numbers.sympathetic_period_gain * sympathetic * rest.drive
    resistance = numbers.resistance_gain * sympathetic * rest.drive
    kicks = np.array([
        numbers.resistance_noise * np.sqrt(2 * STEP / numbers.resistance_noise_time),
        numbers.vagal_noise * np.sqrt(2 * STEP / numbers.vagal_noise_time),
    ])  # fmt: skip
    phases = np.zeros((steps + 1, records))
    total, counted = np.zeros(records), 0
    noise = np.zeros((BLOCK, 2, records))
    lung = np.zeros((BLOCK, records))
    for step in range(steps):
        place = step % BLOCK
        if place == 0:
            moments = (step + np.arange(BLOCK))[:, None] * STEP
            lung = breath_volume(np.mod(rate * moments, 1), volume, share)
            if generators:
                drawn = np.stack([generator.standard_normal((BLOCK, 2)) for generator in generators], axis=2)
                noise = drawn * kicks[None, :, None]
        air = lung[place]
        slope = (pressure - receptor_pressure) / numbers.receptor_pole
        found = reflex(receptor_pressure + numbers.receptor_zero * slope, set_point, numbers)
        firing = np.maximum(found.vagal - numbers.stretch_gain * stretch + vagal_noise, 0)
        period = np.maximum(numbers.period_floor + vagal_period + sympathetic_period, numbers.shortest_period)
        flow = numbers.stroke_volume / period * (1 - numbers.mechanical * air / 0.5)
        total_resistance = numbers.basal_resistance + resistance + resistance_noise
        if step * STEP >= SETTLING:
            total, counted = total + pressure, counted + 1
        phases[step + 1] = phases[step] + STEP / period
        (
            receptor_pressure, stretch, vagal_period, first, second, third, sympathetic_period, resistance, pressure,
            resistance_noise, vagal_noise,
        ) = (
            receptor_pressure + STEP * slope,
            stretch + STEP * (air - stretch) / numbers.stretch_lag,
            vagal_period + STEP * (numbers.vagal_period_gain * vagal * firing - vagal_period) / numbers.vagal_lag,
            first + STEP * (found.drive - first) / (numbers.sympathetic_delay / 2),
            second + STEP * (first - second) / (numbers.sympathetic_delay / 2),
            third + STEP * (second - third) / numbers.vascular_delay,
            sympathetic_period + STEP / numbers.sympathetic_period_lag
            * (numbers.sympathetic_period_gain * sympathetic * second - sympathetic_period),
            resistance + STEP / numbers.resistance_lag
            * (numbers.resistance_gain * sympathetic * third - resistance),
            pressure + STEP * (flow - pressure / total_resistance) / numbers.compliance,
            resistance_noise * (1 - STEP / numbers.resistance_noise_time) + noise[place, 0],
            vagal_noise * (1 - STEP / numbers.vagal_noise_time) + noise[place, 1],
        )  # fmt: skip
    return phases, total / max(counted, 1)
