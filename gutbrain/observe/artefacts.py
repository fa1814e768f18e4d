"""Artefacts of interval series: beats that were missed, doubled or out of rhythm, found and put right.

A beat out of rhythm stands out against the spread of its neighbourhood. What was changed is always reported;
simulated and post-exercise series are not to be corrected without saying so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import median_filter, rank_filter

from gutbrain.errors import InputError
from gutbrain.observe.beats import read_beats

ALPHA = 5.2  # threshold in quartile deviations
QUARTILE_WINDOW, MEDIAN_WINDOW = 91, 11  # beats
SLOPE, OFFSET = 0.13, 0.17  # border of ectopic beats, c1 and c2
OFF = 3.0  # an interval so many thresholds away from its median is long or short
RESOLUTION = 0.5  # ms; least quartile deviation that is believed, half a step of a recorder of 1 ms (assumed)
FEWEST = 12  # intervals; below, a running median of 11 says nothing (assumed)
METHOD = "Lipponen & Tarvainen 2019, alpha 5.2, quartiles of 91 beats, median of 11"
CLASSES = ("normal", "ectopic", "missed", "extra", "long", "short")


@dataclass(frozen=True)
class Correction:
    """Intervals after correction, and what was done to them.

    Attributes
    ----------
    rr : corrected intervals (array [corrected beats], ms)
    times : time of each corrected beat (array [corrected beats], s from the beat before the first interval)
    classes : what each interval that was given is (array [beats], one of `CLASSES`); of several passes the first
    changed : whether a corrected interval ends at a beat that was moved or inserted (array [corrected beats])
    passes : how often the rules were applied
    method : what was done
    """

    rr: np.ndarray
    times: np.ndarray
    classes: np.ndarray
    changed: np.ndarray
    passes: int
    method: str = METHOD

    @property
    def counts(self) -> dict[str, int]:
        """How many intervals are of each class."""
        return {name: int((self.classes == name).sum()) for name in CLASSES}

    @property
    def share(self) -> float:
        """Share of the given intervals that were changed, 0 to 1."""
        return float(np.mean(self.classes != "normal"))


def correct(rr_ms: ArrayLike) -> Correction:
    """Find artefacts in one unbroken run of intervals and put them right.

    An extra beat is deleted, a missed one set half-way, any other moved half-way between its neighbours; again as
    long as fewer are found than before. Neighbours that are both moved are spaced evenly, which leaves less of a
    premature beat and its pause than moving each between the other's wrong place.

    Parameters
    ----------
    rr_ms : intervals of one run (array [beats], ms)

    Returns
    -------
    Correction : corrected intervals; the class of every interval that was given

    Raises
    ------
    InputError : not intervals in ms, broken by a hole of more than 3 s, or fewer than 12

    Source
    ------
    LipponenTarvainen2019, with the constants of published implementations; the least threshold is assumed.
    """
    beats = read_beats(rr_ms)
    if beats.holes or (beats.run < 0).any():
        raise InputError("intervals of more than 3 s: the recording is broken there", field="rr_ms",
                         mend="Correct each unbroken run alone, as `read_beats(...).runs` gives them.")  # fmt: skip
    if beats.rr.size < FEWEST:
        raise InputError(f"{beats.rr.size} intervals are too few to find artefacts among",
                         field="rr_ms", mend=f"Give at least {FEWEST}.")  # fmt: skip
    times = np.concatenate([[0.0], np.cumsum(beats.rr)])  # ms; the first beat opens the first interval
    origin = np.arange(-1, beats.rr.size)  # interval that each beat ends, -1 opens, -2 was inserted
    changed = np.zeros(times.size, bool)
    classes = np.full(beats.rr.size, "normal", dtype="<U7")
    found, passes = _find(times), 0
    while found:
        passes += 1
        for beat, kind in found.items():
            if origin[beat] >= 0 and classes[origin[beat]] == "normal":
                classes[origin[beat]] = kind
        times, origin, changed = _put_right(times, origin, changed, found)
        again = _find(times)
        if len(again) >= len(found):
            break
        found = again
    return Correction(np.diff(times), times[1:] / 1000, classes, changed[1:], passes)


def _find(times: np.ndarray) -> dict[int, str]:
    """Return the class of every beat that is no normal one, by its index."""
    rr = np.diff(times)
    rr = np.concatenate([[rr.mean()], rr])
    step = np.diff(rr, prepend=rr[0])
    step[0] = step[1:].mean()
    step = step / threshold(step)
    middle = running_median(rr)
    away = rr - middle
    away = np.where(away < 0, 2 * away, away)
    width = threshold(away)
    away = away / width
    wide = np.pad(step, 2, mode="reflect")
    before, after, second = wide[1:-3], wide[3:-1], wide[4:]
    # Both neighbours on the far side make a beat ectopic; the two that follow tell long and short.
    around = np.where(step > 0, np.maximum(before, after), np.minimum(before, after))
    ahead = np.where(step >= 0, np.minimum(after, second), np.maximum(after, second))
    ectopic = ((step > 1) & (around < -SLOPE * step - OFFSET)) | ((step < -1) & (around > -SLOPE * step + OFFSET))
    longer, shorter = (step > 1) & (ahead < -1), (step < -1) & (ahead > 1)
    odd = longer | shorter | (np.abs(away) > OFF)
    joined = np.concatenate([rr[:-1] + rr[1:], [np.inf]])
    extra = shorter & (np.abs(joined - middle) < width)
    missed = longer & (np.abs(rr / 2 - middle) < width)
    found: dict[int, str] = {}
    done = -1
    for i in np.flatnonzero(np.abs(step[:-2]) > 1).tolist():
        if i <= done:
            continue
        if ectopic[i]:
            found[i] = "ectopic"
            continue
        last = i + 1 if abs(step[i + 1]) < abs(step[i + 2]) else i
        for j in range(i, last + 1):
            if odd[j]:
                found[j] = "extra" if extra[j] else "missed" if missed[j] else "long" if away[j] > 0 else "short"
        done = last
    found.pop(0, None)  # the first beat opens the first interval and ends none
    return found


def _put_right(
    times: np.ndarray, origin: np.ndarray, changed: np.ndarray, found: dict[int, str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Delete, insert and move beats; returns times, origin and what was changed."""
    extra = np.array([b for b, kind in found.items() if kind == "extra"], int)
    missed = np.array([b for b, kind in found.items() if kind == "missed"], int)
    moved = np.array([b for b, kind in found.items() if kind in ("ectopic", "long", "short")], int)
    new, touched = times.copy(), changed.copy()
    kept = np.ones(times.size, bool)
    kept[extra] = False
    # Moved beats that follow each other each end half-way: evenly spaced between the beats that stay.
    stay = np.flatnonzero(kept)
    firm = np.ones(stay.size, bool)
    firm[np.searchsorted(stay, moved)] = False
    firm[[0, -1]] = True
    place = np.flatnonzero(~firm)
    new[stay[place]] = np.interp(place, np.flatnonzero(firm), times[stay[firm]])
    touched[moved] = True
    touched[stay[np.minimum(np.searchsorted(stay, extra), stay.size - 1)]] = True
    halves = (new[missed - 1] + new[missed]) / 2
    new = np.concatenate([new[kept], halves])
    order = np.argsort(new, kind="stable")
    origin = np.concatenate([origin[kept], np.full(missed.size, -2)])[order]
    touched = np.concatenate([touched[kept], np.ones(missed.size, bool)])[order]
    return new[order], origin, touched


def threshold(signal: np.ndarray) -> np.ndarray:
    """Return how far a value may lie from zero: 5.2 quartile deviations of the size of its 91 neighbours.

    Parameters
    ----------
    signal : array [beats]

    Returns
    -------
    array [beats], unit of `signal` (ms)
    """
    size = np.abs(signal)
    lower, upper = _running_quantile(size, 0.25), _running_quantile(size, 0.75)
    return ALPHA * np.maximum((upper - lower) / 2, RESOLUTION)


def running_median(signal: np.ndarray) -> np.ndarray:
    """Return the centred median of 11 values, of fewer at the ends (array [beats])."""
    middle = median_filter(signal, MEDIAN_WINDOW, mode="nearest")
    return _ends(signal, middle, MEDIAN_WINDOW, 0.5)


def _running_quantile(signal: np.ndarray, share: float) -> np.ndarray:
    """Return the centred quantile of 91 values, interpolated between ranks."""
    place = share * (QUARTILE_WINDOW - 1)
    below = int(place)
    low = rank_filter(signal, below, QUARTILE_WINDOW, mode="nearest")
    high = rank_filter(signal, below + 1, QUARTILE_WINDOW, mode="nearest")
    return _ends(signal, low + (place - below) * (high - low), QUARTILE_WINDOW, share)


def _ends(signal: np.ndarray, inside: np.ndarray, window: int, share: float) -> np.ndarray:
    """Replace the ends, where the window is cut, by what its values give."""
    half, count = window // 2, signal.size
    result = np.array(inside, float)
    for i in [*range(min(half, count)), *range(max(count - half, half), count)]:
        result[i] = np.quantile(signal[max(i - half, 0) : i + half + 1], share)
    return result
