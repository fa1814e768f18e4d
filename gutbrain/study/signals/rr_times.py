"""When each beat fell: times that a recorder wrote are kept, packet times only show where the recording broke."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from gutbrain.errors import InputError
from gutbrain.observe.beats import FOLLOWS, GAP

PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
EPOCH = 9e8  # s since 1970; a smaller number counts from the begin of a recording


@dataclass(frozen=True)
class Clock:
    """Time of each beat.

    Attributes
    ----------
    at : time of the beat that ends each interval, from the begin of the recording (array [beats], s)
    begin : local time of second 0, where it is known
    holes : how often the recording is broken by the file's own times
    what : a thing to know, or ""
    """

    at: np.ndarray
    begin: datetime | None = None
    holes: int = 0
    what: str = ""


def summed(rr: np.ndarray, begin: datetime | None = None) -> Clock:
    """Place beats one after the other."""
    return Clock(np.cumsum(rr) / 1000, begin)


def counted(rr: np.ndarray, times: np.ndarray, unit: str | None) -> Clock:
    """Place beats at numbers that count from the begin of a recording, or since 1970.

    Parameters
    ----------
    rr : intervals (array [beats], ms)
    times : as the file gives them (array [beats])
    unit : `s`, `ms`, `us` or `ns`; told from the intervals without it

    Raises
    ------
    InputError
        If the times run backwards, or their unit cannot be told.
    """
    if times.size > 1 and (np.diff(times) < 0).any():
        back = int(np.flatnonzero(np.diff(times) < 0)[0]) + 1
        mend = "Name the columns that tell recordings apart: recording_columns = [...]"
        raise InputError(f"time runs back from {times[back - 1]:g} to {times[back]:g}", row=str(back), mend=mend)
    unit = unit or _unit(rr, times)
    seconds = times / PER_SECOND[unit]
    if seconds[0] > EPOCH:
        clock = stamped(rr, seconds - seconds[0], None)
        return Clock(clock.at, None, clock.holes, "times count from 1970 in UTC; the local clock is not known")
    if _disagree(seconds, rr, -1) <= 0.5 and _miss(seconds, rr, -1) < 0.5 * _miss(seconds, rr, 1):
        return Clock(seconds + rr / 1000, what="times are those at which intervals begin; each interval was added")
    return Clock(seconds)


def stamped(rr: np.ndarray, seconds: np.ndarray, begin: datetime | None) -> Clock:
    """Place beats by clock times: exact ones are kept, those of packets of beats only open holes.

    Parameters
    ----------
    rr : intervals (array [beats], ms)
    seconds : clock time of each row, from the first (array [beats], s)
    begin : local time of the first row

    Raises
    ------
    InputError
        If the clock runs back by more than 3 s.
    """
    steps = np.diff(seconds)
    if (steps < -GAP).any():
        back = int(np.flatnonzero(steps < -GAP)[0]) + 1
        mend = "Name the columns that tell recordings apart: recording_columns = [...]"
        raise InputError(f"the clock runs back by {-steps[back - 1]:.0f} s", row=str(back), mend=mend)
    first = rr[0] / 1000
    origin = begin - timedelta(seconds=float(first)) if begin else None
    exact = (steps > 0).all() and _disagree(seconds, rr, 1) <= 0.05
    if exact:
        return Clock(seconds + first, origin, int((np.abs(steps - rr[1:] / 1000) > GAP).sum()))
    # Beats arrive in packets: the clock of a packet is late by up to some seconds, and never early.
    lasts = np.cumsum(rr) / 1000
    new = np.flatnonzero(steps > 0) + 1
    edges = np.concatenate([[0], new, [rr.size]])
    jump = np.zeros(rr.size)
    for previous, here, after in zip(edges, edges[1:], edges[2:], strict=False):
        told = seconds[here] - seconds[previous]
        beaten = lasts[after - 1] - lasts[here - 1]
        if told > beaten + GAP:
            jump[here] = told - beaten
    holes = int((jump > 0).sum())
    what = "clock times are those of packets of beats: intervals were placed one after the other"
    if holes:
        what += f", with {holes} holes where the clock ran on for more than {GAP:g} s ({jump.sum():.0f} s in all)"
    return Clock(lasts + np.cumsum(jump), origin, holes, what)


def _unit(rr: np.ndarray, times: np.ndarray) -> str:
    if times[0] > EPOCH:
        return next((unit for unit in ("s", "ms", "us") if times[0] < 1e3 * EPOCH * PER_SECOND[unit]), "ns")
    span = float(times[-1] - times[0])
    lasts = float(rr[1:].sum()) / 1000
    if times.size == 1:
        return "s"
    for unit in ("s", "ms"):
        if lasts > 0 and 0.5 < span / PER_SECOND[unit] / lasts < 20:
            return unit
    what = f"times run over {span:g} while the intervals last {lasts:.0f} s: the unit cannot be told"
    raise InputError(what, mend='Give time_unit = "s" or "ms", or time = "" to leave the times out')


def _miss(seconds: np.ndarray, rr: np.ndarray, side: int) -> float:
    """Return by how much a step differs from the interval which ends (1) or begins (-1) there, s."""
    own = rr[1:] if side > 0 else rr[:-1]
    return float(np.median(np.abs(np.diff(seconds) - own / 1000))) if own.size else 0.0


def _disagree(seconds: np.ndarray, rr: np.ndarray, side: int) -> float:
    """Return the share of steps that are not the interval which ends (1) or begins (-1) there."""
    steps = np.diff(seconds)
    if not steps.size:
        return 0.0
    own = rr[1:] if side > 0 else rr[:-1]
    return float(np.mean(np.abs(steps - own / 1000) > FOLLOWS))
