"""The heart-beat model against measurements. What it misses is expected to fail, with its figure.

Nunan 2010, Vaschillo 2006 and the roll-off of Hirsch & Bishop 1981 were fitted: agreement there is no evidence.
Not tested: Fonoberova 2014 (its table is not at hand), blood pressure while breathing slowly (a mean-flow model has no
systolic pressure), height and sex (no such term), symptoms (no equation).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.observe.heart_parameters import HeartParameters
from gutbrain.observe.heart_spectrum import respond
from gutbrain.observe.heartbeat import Breathing, Drive, heartbeats, isocapnic_volume
from gutbrain.observe.hrv import hrv

pytestmark = pytest.mark.calibration
SHARED = Path(__file__).parents[3] / "shared" / "data"
NAMES = ("mean_rr", "sdnn", "rmssd", "lf_power", "hf_power")
RECORDS = 64
SLOW = (0.5, float(isocapnic_volume(6)))  # L; what people take lies somewhere between


def values(breathing: Breathing, drive: Drive, records: int = RECORDS, seed: int = 1) -> dict[str, np.ndarray]:
    """Values of records of five minutes (arrays [records])."""
    found = heartbeats(breathing, drive, records=records, seed=seed)
    scored = [hrv(rr, origin="simulated", breathing_rate=15) for rr in found.rr]
    return {name: np.array([one[name].raw for one in scored]) for name in NAMES}


@pytest.fixture(scope="module")
def rest() -> dict[str, np.ndarray]:
    return values(Breathing(), Drive())


@pytest.mark.parametrize(
    ("name", "target", "tolerance"),
    [("mean_rr", 926, 0.05), ("sdnn", 50, 0.10), ("rmssd", 42, 0.15), ("hf_power", 657, 0.30)],
)
def test_nunan_2010(rest, name, target, tolerance):
    assert rest[name].mean() == pytest.approx(target, rel=tolerance)  # 946, 51.9, 36.7, 611


@pytest.mark.xfail(reason="LF of 64 records is 732 ms2, 41 % above 519; 30 % was allowed", strict=True)
def test_nunan_2010_low_frequency(rest):
    assert rest["lf_power"].mean() == pytest.approx(519, rel=0.30)


def swing(rates: np.ndarray, volumes: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free peak to trough at each rate (arrays [rates]; ms, beats per minute)."""
    found = heartbeats(Breathing(60 * rates, volumes), seed=None)
    return np.array([np.ptp(rr) for rr in found.rr]), np.array([np.ptp(60_000 / rr) for rr in found.rr])


def test_hirsch_bishop_1981_roll_off():
    fast, slow = swing(np.array([0.25, 0.10]), 0.5)[0]
    assert fast / slow == pytest.approx(0.46, rel=0.20)


def test_hirsch_bishop_1981_low_frequency_only_with_isocapnic_breaths():
    rates = np.array([0.06, 0.08, 0.10])
    found = swing(rates, isocapnic_volume(60 * rates))[1]  # 23.0, 21.3 and 17.3 per minute
    assert ((found >= 15) & (found <= 25)).all()


@pytest.mark.xfail(reason="with breaths of 0.5 L the swing is 7 to 9 per minute; 20 (5) was measured", strict=True)
def test_hirsch_bishop_1981_low_frequency_with_breaths_of_rest():
    assert (swing(np.array([0.06, 0.08, 0.10]), 0.5)[1] >= 15).all()


def test_hirsch_bishop_1981_swing_is_linear_in_tidal_volume():
    volumes = np.array([0.25, 0.5, 1.0])  # at 1.5 L it is 11 % less than in proportion
    each = swing(np.full(3, 0.10), volumes)[0] / volumes
    assert np.ptp(each) < 0.05 * each.mean()


def test_vaschillo_2006_resonance():
    frequency = np.arange(0.03, 0.35, 0.001)
    assert 0.075 <= frequency[np.argmax(np.abs(respond(frequency).by_lung))] <= 0.11
    rates = np.arange(0.05, 0.16, 0.01)
    assert 0.075 <= rates[np.argmax(swing(rates, 0.5)[0])] <= 0.11


@pytest.fixture(scope="module")
def slow_against_rest() -> dict[str, tuple[float, float]]:
    """Difference of slow-paced breathing at 0.5 L and at the isocapnic volume, in SD between people, by value."""
    people = 48
    vagal = np.exp(HeartParameters().between_vagal * np.random.default_rng(1).standard_normal(people))
    usual = values(Breathing(), Drive(vagal), people)
    usual["heart rate"] = 60_000 / usual["mean_rr"]
    both = []
    for volume in SLOW:
        found = values(Breathing(6, volume), Drive(vagal), people, seed=2)
        found["heart rate"] = 60_000 / found["mean_rr"]
        both.append({
            name: float(
                (found[name].mean() - usual[name].mean())
                / np.sqrt((found[name].var(ddof=1) + usual[name].var(ddof=1)) / 2)
            )
            for name in usual
        })  # fmt: skip
    return {name: (both[0][name], both[1][name]) for name in usual}


@pytest.mark.parametrize(("name", "low", "high"), [("rmssd", 0.16, 0.58), ("sdnn", 0.26, 1.28)])
def test_shao_2024_lies_within_what_tidal_volume_leaves_open(slow_against_rest, name, low, high):
    smallest, largest = slow_against_rest[name]
    assert smallest <= high and largest >= low
    assert largest > 0


@pytest.mark.xfail(reason="heart rate rises by 0.04 to 0.10 SD; a fall of 0.01 to 0.19 was found", strict=True)
def test_shao_2024_heart_rate(slow_against_rest):
    assert max(slow_against_rest["heart rate"]) < -0.01


def test_vagal_block_nearly_abolishes_variability():
    blocked = values(Breathing(), Drive(0.02), 8)
    assert blocked["mean_rr"].mean() == pytest.approx(653, rel=0.01)
    assert blocked["rmssd"].mean() < 8
    assert blocked["hf_power"].mean() < 6


@pytest.mark.xfail(reason="without vagal drive and at 120 mmHg 612 ms; median after sprints 524 ms", strict=True)
def test_raidl_2024_heart_rate_after_sprints():
    path = SHARED / "slow-breathing-rr" / "spb_rct_raidl2024_rr.csv"
    if not path.exists():
        pytest.skip("recovery after sprints needs ../shared")
    rows = pl.read_csv(path).filter(phase="passive")
    late = rows.filter(pl.col("sumtime") > pl.col("sumtime").max().over("id") - 300)
    seen = late.group_by("id").agg(pl.col("rr").mean())["rr"].to_numpy()
    assert heartbeats(Breathing(), Drive(0, 120)).rr[0].mean() <= np.median(seen)
