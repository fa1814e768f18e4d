"""Breathing rates of signals that are known, and of two recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.observe.respiration import breathing_rate

SHARED = Path(__file__).parents[3] / "shared" / "data"


@settings(max_examples=40, deadline=None)
@given(frequency=st.floats(0.06, 0.6), sampling=st.sampled_from([2.0, 4.0, 10.0, 25.6, 250.0]), seed=st.integers(0, 99))
def test_a_sine_in_noise_is_found_at_any_sampling_rate(frequency, sampling, seed):
    generator = np.random.default_rng(seed)
    clock = np.arange(0, 180, 1 / sampling)
    signal = 300 + 5 * np.sin(2 * np.pi * frequency * clock + 1) + generator.normal(0, 1, clock.size)
    found = breathing_rate(signal, rate_hz=sampling)
    assert found.frequency == pytest.approx(frequency, abs=0.003)
    assert found.windows / 60 == pytest.approx(np.full(3, frequency), abs=0.006)
    assert list(found.starts) == [0, 60, 120]
    assert found.clear > 0.5


def test_drift_below_three_breaths_a_minute_is_not_breathing():
    clock = np.arange(0, 300, 0.1)
    signal = 50 * np.sin(2 * np.pi * 0.005 * clock) + 5 * np.sin(2 * np.pi * 0.2 * clock)
    assert breathing_rate(signal, rate_hz=10).rate == pytest.approx(12, abs=0.1)


def test_a_change_of_rate_shows_in_the_windows():
    clock = np.arange(0, 240, 0.1)
    phase = np.cumsum(np.where(clock < 120, 0.25, 0.1)) * 0.1
    found = breathing_rate(np.sin(2 * np.pi * phase), rate_hz=10)
    assert found.windows == pytest.approx([15, 15, 6, 6], abs=0.3)


@pytest.mark.parametrize(("number", "printed"), [(1, 0.100), (2, 0.133)])
def test_recordings_with_airflow(number, printed):
    path = SHARED / "rr-with-airflow" / f"physio_resp_ecg_rr_{number}.csv"
    if not path.exists():
        pytest.skip("recordings with airflow need ../shared")
    table = pl.read_csv(path)
    found = breathing_rate(table["resp_airflow_at_beat"], times=table["t_s"])
    # The printed rates lie on the grid of a minute, 1/60 Hz; between its points ours are 0.1035 and 0.1353.
    assert round(60 * found.frequency) / 60 == pytest.approx(printed, abs=5e-4)
    assert found.frequency == pytest.approx(printed, abs=0.5 / 60)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"signal": np.ones(1000), "rate_hz": 10}, "does not move"),
        ({"signal": np.sin(np.arange(300)), "rate_hz": 10}, "30 s of breathing"),
        ({"signal": np.sin(np.arange(300))}, "either times or rate_hz"),
        ({"signal": [1.0, np.nan], "rate_hz": 10}, "not one column of numbers"),
        ({"signal": np.sin(np.arange(300)), "rate_hz": 0.1}, "too few to see a breath"),
        ({"signal": np.sin(np.arange(300)), "rate_hz": -1}, "-1 samples a second"),
        ({"signal": [1.0, 2.0], "times": [0.0, 1.0, 2.0]}, "3 times for 2 samples"),
        ({"signal": np.sin(np.arange(300)), "times": np.r_[0:200, 199:299]}, "row 201"),
        ({"signal": np.sin(np.arange(300)), "times": np.r_[0:200, 250:350]}, "hole of 51 s"),
    ],
)
def test_what_cannot_be_read_is_refused(given, words):
    with pytest.raises(InputError) as caught:
        breathing_rate(**given)
    assert words in str(caught.value)
