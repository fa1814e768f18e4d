"""Heartbeats as a recorder gives them: intervals checked, and cut into unbroken runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gutbrain.errors import InputError

GAP = 3.0  # s; a longer interval is a hole in the recording, not a heartbeat
FOLLOWS = 0.05  # s; times and intervals that differ by less are rounded, by more a beat is missing between them
SECONDS_BELOW, MILLISECONDS_ABOVE = 5.0, 100.0  # no heart has a median interval between 5 and 100 ms, or above 5 s


@dataclass(frozen=True)
class Beats:
    """Checked intervals.

    Attributes
    ----------
    rr : interval that ends at each beat (array [beats], ms)
    times : time of the beat (array [beats], s)
    run : number of the unbroken run that the interval belongs to (array [beats]); -1 for a hole
    """

    rr: np.ndarray
    times: np.ndarray
    run: np.ndarray

    @property
    def runs(self) -> list[np.ndarray]:
        """Indices of each unbroken run, in order (arrays [beats of the run])."""
        inside = np.flatnonzero(self.run >= 0)
        if not inside.size:
            return []
        return np.split(inside, np.flatnonzero(np.diff(self.run[inside])) + 1)

    @property
    def holes(self) -> int:
        """How many times the recording is broken."""
        return max(len(self.runs) - 1, 0)


def read_beats(rr: ArrayLike, times: ArrayLike | None = None, unit: str = "ms") -> Beats:
    """Check intervals, convert them to ms, and cut them where the recording is broken.

    Parameters
    ----------
    rr : intervals in order (array [beats], `unit`)
    times : time of the beat that ends each interval (array [beats], s); summed from `rr` when left out
    unit : "ms" or "s"; what the numbers look like must agree

    Returns
    -------
    Beats : a new run begins after an interval or a step of time above 3 s, and where times show removed beats

    Raises
    ------
    InputError : empty, not finite, not positive, in another unit than declared, or times that do not fit

    Source
    ------
    3 s and 50 ms are assumed.
    """
    values = _column(rr, "rr")
    if unit not in ("ms", "s"):
        raise InputError(f"no unit {unit!r} for intervals", field="unit", mend='Use "ms" or "s".')
    if not values.size:
        raise InputError("no intervals", field="rr")
    _all_good(np.isfinite(values), values, "rr", "is not a number")
    _all_good(values > 0, values, "rr", "is not positive")
    middle = float(np.median(values))
    looks = "s" if middle < SECONDS_BELOW else "ms" if middle > MILLISECONDS_ABOVE else "neither ms nor s"
    if looks != unit:
        mend = f'Give unit="{looks}" if they are.' if looks in ("ms", "s") else "Look at the file."
        what = f"intervals with a median of {middle:.4g} look like {looks}, not {unit}"
        raise InputError(what, field="rr", mend=mend)
    values = values * 1000 if unit == "s" else values
    if times is None:
        clock = np.cumsum(values) / 1000
        opens = np.zeros(values.size, bool)
    else:
        clock = _clock(times, values)
        step = np.diff(clock, prepend=clock[0] - values[0] / 1000)
        opens = np.abs(step - values / 1000) > FOLLOWS
    hole = values > 1000 * GAP
    after = np.concatenate([[False], hole[:-1]])
    run = np.cumsum(opens | hole | after)
    run[hole] = -1
    return Beats(values, clock, run)


def _clock(times: ArrayLike, values: np.ndarray) -> np.ndarray:
    clock = _column(times, "times")
    if clock.size != values.size:
        raise InputError(f"{clock.size} times for {values.size} intervals", field="times")
    _all_good(np.isfinite(clock), clock, "times", "is not a number")
    steps = np.diff(clock)
    _all_good(np.concatenate([[True], steps > 0]), clock, "times", "does not come after the time before it")
    if steps.size < 2:
        return clock
    seconds = values / 1000
    ends = np.mean(np.abs(steps - seconds[1:]) > FOLLOWS)
    begins = np.mean(np.abs(steps - seconds[:-1]) > FOLLOWS)
    if ends > 0.5:
        mend = "Give the time of the beat that ends each interval, in seconds."
        if begins < 0.5:
            mend += " These look like the times at which the intervals begin: add the interval to each."
        elif np.mean(np.abs(steps / 1000 - seconds[1:]) > FOLLOWS) < 0.5:
            mend += " These look like ms."
        raise InputError(f"times and intervals disagree at {100 * ends:.0f} % of the beats", field="times", mend=mend)
    return clock


def _column(values: ArrayLike, name: str) -> np.ndarray:
    try:
        column = np.array(values, dtype=float)
    except (TypeError, ValueError) as fault:
        raise InputError("holds something that is no number", field=name) from fault
    if column.ndim != 1:
        raise InputError(f"has {column.ndim} dimensions, not one", field=name)
    return column


def _all_good(good: np.ndarray, values: np.ndarray, name: str, fault: str) -> None:
    """Name the first value that is not good."""
    if not good.all():
        bad = np.flatnonzero(~good)
        raise InputError(f"{values[bad[0]]:g} {fault} ({bad.size} such values)", row=int(bad[0]) + 1, field=name)
