"""Shao, Man and Lee 2024: slow-paced breathing against usual breathing, at once (predicted)."""

from __future__ import annotations

import numpy as np
import pytest
from heartbeat_runs import values
from held import held

from gutbrain.observe.heart_parameters import HeartParameters
from gutbrain.observe.heartbeat import Breathing, Drive, isocapnic_volume

pytestmark = pytest.mark.calibration
SLOW = (0.5, float(isocapnic_volume(6)))  # L; what people take lies somewhere between


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


@held("slow-paced breathing, RMSSD 0.37 SD (0.16, 0.58), SDNN 0.77 SD (0.26, 1.28)", source="Shao2024",
      tolerance="interval touches what tidal volume leaves open", status="predicted")  # fmt: skip
@pytest.mark.parametrize(("name", "low", "high"), [("rmssd", 0.16, 0.58), ("sdnn", 0.26, 1.28)])
def test_variability_lies_within_what_tidal_volume_leaves_open(slow_against_rest, name, low, high):
    smallest, largest = slow_against_rest[name]
    assert smallest <= high and largest >= low
    assert largest > 0


@held("the same, heart rate -0.10 SD (-0.19, -0.01)", source="Shao2024", tolerance="below -0.01", status="predicted")
@pytest.mark.xfail(reason="heart rate rises by 0.04 to 0.10 SD; a fall of 0.01 to 0.19 was found", strict=True)
def test_heart_rate(slow_against_rest):
    assert max(slow_against_rest["heart rate"]) < -0.01
