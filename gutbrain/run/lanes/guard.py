"""What a run's steps cost in accuracy, person by person, from days that are lived again with half the step.

The difference at the end of each hour is what the steps of that day did wrong. How much of it is still there a day
later says how errors of many days add up: what is forgotten within a day adds nothing, what stays adds up day by day.
"""

from __future__ import annotations

import numpy as np

from gutbrain.run.lanes.block import Lived, Setting, live
from gutbrain.run.lanes.forcing import Forcing, distinct_days

WINDOWS = 4  # stretches that are lived again
SPAN = 2  # days of a stretch
ORDER = 4  # of the method: half a step leaves a sixteenth of the error
LARGEST = 1.5  # growth of a difference from day to day beyond which it is not believed
SEEN = {64: 1e-7, 32: 1e-5}  # of range: below it, how a difference goes on is rounding


def check_days(forcing: Forcing) -> list[int]:
    """Return the days on which stretches begin that are lived again."""
    days = len(forcing.substeps) // 96
    return distinct_days(forcing.given, days, min(WINDOWS, max(1, days // (2 * SPAN))), SPAN)


def errors(setting: Setting, columns: np.ndarray, lived: Lived, start: np.ndarray, forcing: Forcing,
           begins: list[int]) -> np.ndarray:  # fmt: skip
    """Estimate the largest error of any state in a whole run, as a share of its range, array [columns].

    Parameters
    ----------
    lived : the run, with its marks
    start : array [rows, columns], where it began
    begins : days on which a stretch begins that is lived again
    """
    days = len(forcing.substeps) // 96
    low, high = setting.axis.bounds
    worst, after_day = np.zeros(len(columns)), np.zeros((len(low), len(columns)))
    kept = np.full(after_day.shape, np.inf)
    for begin in begins:
        span = min(SPAN, days - begin)
        first = start if begin == 0 else lived.marks[24 * begin - 1]
        again = live(setting, columns, first, forcing.part(begin, span).finer(2), day=begin, marked=True)
        apart = (lived.marks[24 * begin : 24 * (begin + span)] - again.marks) / (high - low)[:, None]
        apart = np.where(np.isfinite(apart), apart, np.inf) / (1 - 2.0**-ORDER)
        worst = np.maximum(worst, np.abs(apart).max(axis=(0, 1)))
        one = apart[23]
        after_day = np.maximum(after_day, np.abs(one))
        if span > 1:
            # A difference may grow because the next day has other acts; what grows in every stretch grows by itself.
            seen = np.abs(one) > SEEN[setting.compiled.bits]
            kept = np.minimum(kept, np.where(seen, apart[47] / np.where(seen, one, 1.0) - 1, np.inf))
    kept = np.clip(np.where(np.isfinite(kept), kept, 1.0), 0.0, LARGEST)
    return np.maximum(worst, (after_day * _summed(kept, days)).max(axis=0))


def _summed(kept: np.ndarray, days: int) -> np.ndarray:
    """Return 1 + kept + kept**2 + ... for that many days."""
    apart = np.where(np.abs(kept - 1) < 1e-6, 1e-6, kept - 1)
    return np.minimum(((1 + apart) ** days - 1) / apart, 1e6)
