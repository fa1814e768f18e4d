"""Beat-to-beat model of DeBoer 1987: pressure and intervals answer each other, breathing pushes systolic pressure.

Kept to show that a delayed sympathetic loop resonates near 0.1 Hz. The resonance is too sharp, its pressure swing of
35 mmHg too large, and there is no direct vagal gating by breathing: a check, and no generator of data.

Source: DeBoer1987.
"""

from __future__ import annotations

import numpy as np

SYSTOLIC, DIASTOLIC, INTERVAL, RUN_OFF = 120.0, 75.0, 800.0, 1425.0  # rest: mmHg, mmHg, ms, ms
VAGAL = 9.0  # ms/mmHg, of the same beat
SYMPATHETIC = np.array([0.0, 1, 2, 3, 2, 1])  # ms/mmHg, of the six beats before
RESISTANCE = np.array([0.0, 2, 4, 6, 4, 2])  # ms/mmHg, of the six beats before
FILLING = 0.016  # mmHg/ms: a long interval fills the heart
BREATHING = 3.0  # mmHg of systolic pressure
FIRST = 7  # beats at rest before the first that answers


def effective(systolic: float) -> float:
    """Return the systolic pressure that baroreceptors report, mmHg; it saturates 28 mmHg from rest."""
    return float(SYSTOLIC + 18 * np.arctan((systolic - SYSTOLIC) / 18))


def beats(frequency: float, count: int = 700) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run the model without noise.

    Parameters
    ----------
    frequency : of breathing, Hz
    count : beats

    Returns
    -------
    times in s, intervals in ms, systolic pressure in mmHg, arrays [count].
    """
    constant = INTERVAL - SYSTOLIC * (VAGAL + SYMPATHETIC.sum())
    pulse = SYSTOLIC - DIASTOLIC - FILLING * INTERVAL
    decay = DIASTOLIC / SYSTOLIC * np.exp(INTERVAL / RUN_OFF)
    run_off_rest = RUN_OFF + SYSTOLIC * RESISTANCE.sum()
    pressure, intervals = [SYSTOLIC] * FIRST, [INTERVAL] * FIRST
    felt, run_offs, times = [SYSTOLIC] * FIRST, [RUN_OFF] * FIRST, [0.001 * INTERVAL * beat for beat in range(FIRST)]
    for _ in range(count):
        times.append(times[-1] + 0.001 * intervals[-1])
        diastolic = decay * pressure[-1] * np.exp(-intervals[-1] / run_offs[-1])
        breath = BREATHING * np.sin(2 * np.pi * frequency * times[-1])
        pressure.append(float(diastolic + FILLING * intervals[-1] + pulse + breath))
        before = np.array(felt[:-FIRST:-1])  # six beats, the last first
        felt.append(effective(pressure[-1]))
        intervals.append(float(constant + VAGAL * felt[-1] + SYMPATHETIC @ before))
        run_offs.append(float(run_off_rest - RESISTANCE @ before))
    return np.array(times[FIRST:]), np.array(intervals[FIRST:]), np.array(pressure[FIRST:])


def swing(times: np.ndarray, values: np.ndarray, frequency: float) -> float:
    """Return peak to trough of the sine of one frequency, by least squares."""
    phase = 2 * np.pi * frequency * times
    columns = np.column_stack([np.sin(phase), np.cos(phase), np.ones_like(phase)])
    sine, cosine, _ = np.linalg.lstsq(columns, values, rcond=None)[0]
    return float(2 * np.hypot(sine, cosine))
