"""DeBoer 1987: respiratory sinus arrhythmia from beat to beat, largest near 0.1 Hz (their equations, by construction).

The table is an independent run of the same equations, so meeting it says that they are read right.
"""

from __future__ import annotations

import numpy as np
import pytest
from held import held

from gutbrain.body.verification.deboer_1987 import INTERVAL, SYSTOLIC, beats, effective, swing

# Hz: peak to trough of intervals (ms) and of systolic pressure (mmHg), 600 beats after 100
TABLE = {
    0.03: (71.5, 4.2), 0.05: (77.1, 5.0), 0.08: (100.5, 8.6), 0.09: (120.9, 11.9), 0.10: (164.6, 19.5),
    0.11: (222.7, 35.5), 0.12: (162.9, 31.6), 0.13: (84.6, 19.4), 0.15: (29.1, 9.5), 0.20: (36.5, 5.2),
    0.25: (50.7, 5.0), 0.30: (59.0, 5.8), 0.35: (52.3, 5.7),
}  # fmt: skip


def swings(frequency: float) -> tuple[float, float]:
    """Peak to trough of intervals and of systolic pressure."""
    times, intervals, pressure = (values[100:] for values in beats(frequency))
    return swing(times, intervals, frequency), swing(times, pressure, frequency)


@held("intervals and systolic pressure over breathing frequency, 26 values of a re-run", source="DeBoer1987",
      tolerance="2 %, half a last digit", status="by construction")  # fmt: skip
@pytest.mark.parametrize("frequency", TABLE)
def test_swings(frequency):
    intervals, pressure = swings(frequency)
    assert intervals == pytest.approx(TABLE[frequency][0], rel=0.02, abs=0.05)
    assert pressure == pytest.approx(TABLE[frequency][1], rel=0.02, abs=0.05)


@held("arrhythmia peaks where the delayed sympathetic loop resonates, about 0.1 Hz", source="DeBoer1987",
      tolerance="0.09 to 0.11 Hz", status="by construction")  # fmt: skip
def test_arrhythmia_peaks_at_a_tenth_of_a_hertz():
    rates = np.arange(0.05, 0.36, 0.01)
    peak = rates[np.argmax([swings(frequency)[0] for frequency in rates])]
    assert 0.09 <= round(float(peak), 3) <= 0.11


def test_it_rests_without_breathing_and_saturates():
    _, intervals, pressure = beats(0.0)
    np.testing.assert_allclose(intervals, INTERVAL)
    np.testing.assert_allclose(pressure, SYSTOLIC)
    assert effective(SYSTOLIC + 1000) < SYSTOLIC + 18 * np.pi / 2
