"""Hirsch and Bishop 1981: respiratory sinus arrhythmia over breathing rate and tidal volume."""

from __future__ import annotations

import numpy as np
import pytest
from heartbeat_runs import swing
from held import held

from gutbrain.observe.heartbeat import isocapnic_volume


@held("swing at 0.25 over that at 0.10 Hz: 0.46", source="HirschBishop1981", tolerance="20 %", status="fitted")
def test_roll_off():
    fast, slow = swing(np.array([0.25, 0.10]), 0.5)[0]
    assert fast / slow == pytest.approx(0.46, rel=0.20)


@held("swing of 20 (5) beats per minute below 6 breaths per minute, isocapnic breaths", source="HirschBishop1981",
      tolerance="15 to 25", status="predicted")  # fmt: skip
def test_low_frequency_only_with_isocapnic_breaths():
    rates = np.array([0.06, 0.08, 0.10])
    found = swing(rates, isocapnic_volume(60 * rates))[1]  # 23.0, 21.3 and 17.3 per minute
    assert ((found >= 15) & (found <= 25)).all()


@held("the same, breaths of rest", source="HirschBishop1981", tolerance="15 and more", status="predicted")
@pytest.mark.xfail(reason="with breaths of 0.5 L the swing is 7 to 9 per minute; 20 (5) was measured", strict=True)
def test_low_frequency_with_breaths_of_rest():
    assert (swing(np.array([0.06, 0.08, 0.10]), 0.5)[1] >= 15).all()


@held("swing linear in tidal volume", source="HirschBishop1981", tolerance="5 % up to 1 L (ours)", status="predicted")
def test_swing_is_linear_in_tidal_volume():
    volumes = np.array([0.25, 0.5, 1.0])  # at 1.5 L it is 11 % less than in proportion
    each = swing(np.full(3, 0.10), volumes)[0] / volumes
    assert np.ptp(each) < 0.05 * each.mean()
