"""Records of the heart-beat model for tests against measurements."""

from __future__ import annotations

import numpy as np

from gutbrain.observe.heartbeat import Breathing, Drive, heartbeats
from gutbrain.observe.hrv import hrv

NAMES = ("mean_rr", "sdnn", "rmssd", "lf_power", "hf_power")
RECORDS = 64


def values(breathing: Breathing, drive: Drive, records: int = RECORDS, seed: int = 1) -> dict[str, np.ndarray]:
    """Values of records of five minutes (arrays [records])."""
    found = heartbeats(breathing, drive, records=records, seed=seed)
    scored = [hrv(rr, origin="simulated", breathing_rate=15) for rr in found.rr]
    return {name: np.array([one[name].raw for one in scored]) for name in NAMES}


def swing(rates: np.ndarray, volumes: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free peak to trough at each rate (arrays [rates]; ms, beats per minute)."""
    found = heartbeats(Breathing(60 * rates, volumes), seed=None)
    return np.array([np.ptp(rr) for rr in found.rr]), np.array([np.ptp(60_000 / rr) for rr in found.rr])
