"""Stretches of time from several devices: joined, taken away from each other, cut into nights and days."""

from __future__ import annotations

import numpy as np

from gutbrain.errors import InputError

HOUR = 3600.0


def join(spans: np.ndarray) -> np.ndarray:
    """Return spans in order with those that overlap or touch made one.

    Parameters
    ----------
    spans : begin and end (array [spans, 2], s)
    """
    if len(spans) < 2:
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    ends = np.maximum.accumulate(spans[:, 1])
    opens = np.concatenate([[True], spans[1:, 0] > ends[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    return np.column_stack([spans[opens, 0], ends[closes]])


def without(spans: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Return joined spans less the parts in which one of `away` runs (arrays [spans, 2], s)."""
    spans, away = join(spans), join(away)
    if not len(spans) or not len(away):
        return spans
    kept = []
    for begin, end in spans:
        for low, high in away[(away[:, 1] > begin) & (away[:, 0] < end)]:
            if low > begin:
                kept.append((begin, low))
            begin = max(begin, high)
        if begin < end:
            kept.append((begin, end))
    return np.array(kept, float).reshape(-1, 2)


def length(spans: np.ndarray) -> float:
    """Return the time that joined spans last, s."""
    joined = join(spans)
    return float((joined[:, 1] - joined[:, 0]).sum()) if len(joined) else 0.0


def episodes(spans: np.ndarray, gap: float) -> np.ndarray:
    """Return the number of the episode of each span: a new one begins after more than `gap` s without any.

    Parameters
    ----------
    spans : begin and end (array [spans, 2], s), in order of begin
    """
    if not len(spans):
        return np.zeros(0, int)
    ends = np.maximum.accumulate(spans[:, 1])
    return np.concatenate([[0], np.cumsum(spans[1:, 0] > ends[:-1] + gap)]).astype(int)


class Counts:
    """Counts of a day from several sources, in quarters of an hour; memory grows with days, not with records.

    In each quarter the source that counted most is taken, so that a phone and a watch that are carried
    together count once. A source that gives only long stretches competes with the whole day instead.
    """

    QUARTERS = 96
    LONG = 2 * HOUR
    MOST = 100_000

    def __init__(self) -> None:
        self.fine: dict[tuple[int, str], np.ndarray] = {}
        self.coarse: dict[tuple[int, str], float] = {}

    def add(self, source: str, begin: float, end: float, value: float) -> None:
        """Add a count over a stretch of local time (s since 1970), spread evenly."""
        day = int(begin // 86400)
        if end - begin > self.LONG:
            while begin < end:
                stop = min(end, (day + 1) * 86400.0)
                share = value * (stop - begin) / (end - begin)
                self.coarse[day, source] = self.coarse.get((day, source), 0.0) + share
                value, begin, day = value - share, stop, day + 1
            return
        quarter = int((begin - day * 86400) // 900)
        last = int((max(end - 1e-6, begin) - day * 86400) // 900)
        if last == quarter:
            self._bins(day, source)[quarter] += value
            return
        for number in range(quarter, last + 1):
            low, high = max(begin, day * 86400 + number * 900), min(end, day * 86400 + (number + 1) * 900)
            over, inside = divmod(number, self.QUARTERS)
            self._bins(day + over, source)[inside] += value * (high - low) / (end - begin)

    def _bins(self, day: int, source: str) -> np.ndarray:
        key = (day, source)
        if key not in self.fine:
            if len(self.fine) >= self.MOST:
                raise InputError("steps of more than 100,000 days and sources", mend="Give sources = [...]")
            self.fine[key] = np.zeros(self.QUARTERS, np.float32)
        return self.fine[key]

    def days(self) -> dict[int, float]:
        """Return the count of each day (days since 1970)."""
        merged: dict[int, np.ndarray] = {}
        for (day, _), bins in self.fine.items():
            merged[day] = np.maximum(merged[day], bins) if day in merged else bins
        total = {day: float(bins.sum(dtype=float)) for day, bins in merged.items()}
        for (day, _), value in self.coarse.items():
            total[day] = max(total.get(day, 0.0), value)
        return dict(sorted(total.items()))

    @property
    def sources(self) -> list[str]:
        """Names of the sources."""
        return sorted({source for _, source in (*self.fine, *self.coarse)})
