"""What a run's steps cost in accuracy, person by person, from days that are lived again with half the step.

The difference at the end of each hour is what the steps of that day did wrong. How much of it is still there a day
later says how errors of many days add up: what is forgotten within a day adds nothing, what stays adds up day by day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gutbrain.run.lanes.block import Lived, Setting, live
from gutbrain.run.lanes.forcing import QUARTERS, Forcing, distinct_days

STRETCHES = 4  # at least, where the run is long enough
MOST = 7  # while their acts are unlike those of all others
SPAN = 2  # days between their begins, and days of the first, the middle and the last; the others have one
ORDER = 2  # of the method where a lever or a daily window turns within a step; it is 4 elsewhere
LARGEST = 1.5  # growth of a difference from day to day beyond which it is not believed
SEEN = {64: 1e-10, 32: 1e-5}  # of range: below it, how a difference goes on is rounding
GROWS = {64: 1e-7, 32: 1e-5}  # below it, growth from day to day is chance: a difference stays, or is forgotten


@dataclass(frozen=True)
class Stretch:
    """Days that are lived again: where they begin, and their finer steps."""

    begin: int
    forcing: Forcing


def stretches(forcing: Forcing) -> list[Stretch]:
    """Return the stretches of a run that are lived again with half the step."""
    days = len(forcing.substeps) // QUARTERS
    least = min(STRETCHES, max(1, days // (2 * SPAN)))
    begins = distinct_days(forcing.given, days, least, max(least, min(MOST, days // (2 * SPAN))), SPAN)
    long = {begins[0], begins[len(begins) // 2], begins[-1]}
    spans = [min(SPAN if begin in long else 1, days - begin) for begin in begins]
    return [Stretch(begin, forcing.part(begin, span).finer(2)) for begin, span in zip(begins, spans, strict=True)]


def errors(setting: Setting, columns: np.ndarray, lived: Lived, start: np.ndarray, days: int,
           again: list[Stretch]) -> np.ndarray:  # fmt: skip
    """Estimate the largest error of any state in a whole run, as a share of its range, array [columns].

    Parameters
    ----------
    lived : the run, with its marks
    start : array [rows, columns], where it began
    days : length of the run
    again : stretches that are lived again
    """
    (low, high), bits = setting.axis.bounds, setting.compiled.bits
    worst, after_day = np.zeros(len(columns)), np.zeros((len(low), len(columns)))
    share = 1 - 2.0**-ORDER  # of its error that half a step takes away
    kept = []
    for stretch in again:
        first = start if stretch.begin == 0 else lived.marks[24 * stretch.begin - 1]
        finer = live(setting, columns, first, stretch.forcing, day=stretch.begin, marked=True).marks
        apart = (lived.marks[24 * stretch.begin :][: len(finer)] - finer) / (high - low)[:, None]
        apart = np.where(np.isfinite(apart), apart, np.inf) / share
        worst = np.maximum(worst, np.abs(apart).max(axis=(0, 1)))
        one = apart[23]
        after_day = np.maximum(after_day, np.abs(one))
        if len(finer) > 24:
            kept.append(_goes_on(one, apart[47], bits))
    kept_share = _kept(kept, after_day.shape)
    # Too small to be followed: in double precision all of it is taken to stay, in single it is rounding of either sign.
    unseen = float(days if bits == 64 else np.sqrt(days))
    times = np.where(np.isnan(kept_share), unseen, _summed(np.nan_to_num(kept_share), days))
    return np.maximum(worst, (after_day * times).max(axis=0))


def _goes_on(one: np.ndarray, two: np.ndarray, bits: int) -> np.ndarray:
    """Return which share of the difference after one day is there after two; NaN where it is not seen."""
    seen = np.abs(one) > SEEN[bits]
    share = two / np.where(seen, one, 1.0) - 1  # the second day does wrong what the first did
    return np.where(seen, np.where(np.abs(one) > GROWS[bits], share, np.minimum(share, 1.0)), np.nan)


def _kept(found: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return which share of a difference is still there a day later, array [rows, columns]; NaN where unseen.

    The middle one of the stretches counts: one may grow because its second day has other acts, or cancel by chance.
    """
    rows = np.sort(np.array([np.full(shape, np.nan), *found]), axis=0)
    seen = np.isfinite(rows).sum(axis=0)
    middle = np.take_along_axis(rows, np.maximum(seen // 2, 0)[None], axis=0)[0]
    return np.clip(middle, 0.0, LARGEST)


def _summed(kept: np.ndarray, days: int) -> np.ndarray:
    """Return 1 + kept + kept**2 + ... for that many days."""
    apart = np.where(np.abs(kept - 1) < 1e-6, 1e-6, kept - 1)
    return np.minimum(((1 + apart) ** days - 1) / apart, 1e6)
