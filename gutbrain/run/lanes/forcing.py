"""Steps and the shapes of acts: how long each step is, and what an act is on average while it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

QUARTERS = 96  # a day
EDGE = 0.02  # change of a shape from one quarter hour to the next that counts as sudden
AFTER = 4  # quarter hours that are stepped finely after a sudden change
FIRST_TURNS = 60  # turns that solve the balances from far, before the first step
EDGE_TURNS = 8  # after a sudden change: a pool that is to be four times as large is reached
UNLIKE = 0.5  # of the largest difference between days: below it a day is like one that is chosen


@dataclass(frozen=True)
class Forcing:
    """The steps of some days, and the shapes of all acts in them.

    Attributes
    ----------
    given : array [days * 96 * parts, acts], mean of each shape over equal parts of each quarter hour
    substeps : array [days * 96] of int32, steps of each quarter hour
    """

    given: np.ndarray
    substeps: np.ndarray

    @cached_property
    def shape(self) -> np.ndarray:
        """Return the mean of each shape over each step, array [steps, acts]."""
        parts = len(self.given) // len(self.substeps)
        if np.all(self.substeps == parts):
            return self.given
        # The integral from the begin, looked up where steps begin and end.
        whole = np.concatenate([np.zeros((1, self.given.shape[1])), np.cumsum(self.given, axis=0)]) / parts
        first = np.repeat(np.cumsum(self.substeps) - self.substeps, self.substeps)
        length = np.repeat(1 / self.substeps, self.substeps)
        quarter = np.repeat(np.arange(len(self.substeps)), self.substeps)
        begin = quarter + (np.arange(len(first)) - first) * length

        def until(time: np.ndarray) -> np.ndarray:
            place = np.minimum((time * parts).astype(int), len(self.given) - 1)
            part = (time * parts - place)[:, None]
            return whole[place] * (1 - part) + whole[place + 1] * part

        return (until(begin + length) - until(begin)) / length[:, None]

    @cached_property
    def sudden(self) -> np.ndarray:
        """Mark the quarter hours in or before which a shape changes, array [days * 96]."""
        if not self.given.size:
            return np.zeros(len(self.substeps), bool)
        rows = self.given.reshape(len(self.substeps), -1, self.given.shape[1])
        before = np.concatenate([np.zeros_like(rows[:1, 0]), rows[:-1, -1]])  # people come from rest
        high = np.maximum(rows.max(axis=1), before)
        low = np.minimum(rows.min(axis=1), before)
        return np.asarray((high - low > EDGE).any(axis=1))

    @cached_property
    def turns(self) -> np.ndarray:
        """Return how many turns solve the balances as each quarter hour begins, array [days * 96] of int32."""
        found = np.where(self.sudden, EDGE_TURNS, 1).astype(np.int32)
        found[0] = FIRST_TURNS
        return found

    def part(self, first: int, days: int) -> Forcing:
        """Return some days of it."""
        parts = len(self.given) // len(self.substeps)
        quarters = slice(first * QUARTERS, (first + days) * QUARTERS)
        return Forcing(self.given[quarters.start * parts : quarters.stop * parts], self.substeps[quarters])

    def finer(self, times: int) -> Forcing:
        """Return the same with each step cut into `times` steps."""
        return Forcing(self.given, (self.substeps * times).astype(np.int32))

    def after_edges(self, least: int) -> Forcing:
        """Return the same with at least that many steps a quarter hour where a shape changes, and for an hour on."""
        near = np.convolve(self.sudden, np.ones(AFTER + 1))[: len(self.substeps)] > 0
        steps = np.where(near, np.maximum(self.substeps, least), self.substeps)
        return Forcing(self.given, steps.astype(np.int32))


def distinct_days(given: np.ndarray, days: int, least: int, most: int, span: int) -> list[int]:
    """Choose days whose acts differ most from each other: the first, then each time the farthest from those chosen.

    Parameters
    ----------
    given : array [days * 96 * parts, acts]
    least, most : how many are chosen; beyond the least only while one is unlike all chosen
    span : days from each on that are looked at, and do not overlap
    """
    last = max(days - span, 0)
    by_day = given.reshape(days, 24, -1, given.shape[1]).mean(axis=2).reshape(days, -1) if given.size else None
    chosen, free = [0], np.arange(last + 1) >= span
    largest = 0.0
    while len(chosen) < most and free.any():
        near = np.abs(np.arange(last + 1)[:, None] - np.array(chosen)).min(axis=1)
        apart = np.zeros(last + 1)
        if by_day is not None:
            apart = np.min([np.linalg.norm(by_day[: last + 1] - by_day[day], axis=1) for day in chosen], axis=0)
        apart = np.where(free, apart, -1.0)
        largest = max(largest, float(apart.max()))
        if len(chosen) >= least and apart.max() <= UNLIKE * largest:
            break
        # Of days that are as unlike, the one farthest from those chosen, the later of two.
        best = max(np.flatnonzero(free), key=lambda day: (round(float(apart[day]), 9), near[day], day))
        chosen.append(int(best))
        free &= np.abs(np.arange(last + 1) - best) >= span
    return sorted(chosen)
