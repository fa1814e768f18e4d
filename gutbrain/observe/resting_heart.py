"""Resting heart of simulated people: RMSSD by the closed form of the heart-beat model, or whole records of it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from gutbrain.observe.measure import Measure
    from gutbrain.observe.simulated import Moments, Simulated

WEAKEST, STRONGEST, POINTS = 0.2, 4.0, 41


@cache
def _link(rate: float, volume: float) -> tuple[np.ndarray, np.ndarray]:
    """Return logarithms of vagal drive and of the RMSSD that the closed form gives there."""
    from gutbrain.observe.heart_spectrum import expected
    from gutbrain.observe.heartbeat import Breathing, Drive

    drives = np.geomspace(WEAKEST, STRONGEST, POINTS)
    found = [expected(Breathing(rate, volume), Drive(vagal=float(drive))).rmssd for drive in drives]
    return np.log(drives), np.log(found)


def rmssd(drive: np.ndarray, rate: float = 15.0, volume: float = 0.5) -> np.ndarray:
    """Return RMSSD at rest, ms.

    Parameters
    ----------
    drive : vagal tone times the person's own vagal strength, 1 = reference person; held within 0.2 and 4
    rate, volume : breaths a minute and tidal volume, L
    """
    drives, values = _link(rate, volume)
    return np.asarray(np.exp(np.interp(np.log(np.maximum(drive, 1e-9)), drives, values)))


def records(
    body: Simulated, measure: Measure, moments: Moments, drive: np.ndarray, given: np.ndarray, day: np.ndarray,
    figures: dict[str, float],
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:  # fmt: skip
    """Simulate a record of everybody who came; rows of `beats`, and the RMSSD of a long record as truth."""
    from gutbrain.observe.heartbeat import Breathing, Drive, heartbeats

    person, moment = np.nonzero(given.T)
    at = moment, person
    visit = moments.visit[moment]
    rate, volume = figures["breathing_rate"], figures["tidal_volume"]
    true = body.readings(
        measure, visit, person, day[at], rmssd(drive[at], rate, volume), quantity="heart.rmssd", true=True
    )
    if not len(person):
        return {}, true
    seed = int(body.generator(f"{measure.name}, seed").integers(2**31))
    found = heartbeats(
        Breathing(rate, volume), Drive(vagal=np.clip(drive[at], 0.0, STRONGEST)), seconds=figures["seconds"],
        records=len(person), seed=seed,
    )  # fmt: skip
    lengths = [len(rr) for rr in found.rr]
    which = np.repeat(np.arange(len(lengths)), lengths)
    rr = np.concatenate(found.rr)
    rows = body.keys(visit[which], person[which], day[at][which]) | {
        "at": pl.Series(np.round(np.concatenate(found.times), 3), dtype=pl.Float64),
        "rr": pl.Series(np.round(rr / measure.step) * measure.step if measure.step else rr, dtype=pl.Float64),
    }
    return {"beats": pl.DataFrame(rows).with_columns(pl.format("{}, {}", "person", "visit").alias("recording"))}, true
