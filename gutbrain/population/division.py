"""How a population is cut into chunks: by the plan alone, so that every machine cuts alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from gutbrain.plan import Plan

COLUMNS = 2048  # people x worlds x twin arms of a chunk: a few blocks of an engine, some megabytes of readings
LEAST = 16  # people of a chunk, however many worlds


@dataclass(frozen=True)
class Division:
    """A population in chunks of whole people, with all worlds of each.

    Attributes
    ----------
    people : people of the plan; twins are one person
    worlds, arms : of the plan
    twins : every person stands in every arm
    size : people of a full chunk; the last one holds the rest
    """

    people: int
    worlds: int
    arms: int
    twins: bool
    size: int

    @classmethod
    def of(cls, plan: Plan, columns: int = COLUMNS) -> Division:
        """Divide the people of a trial; the size of a chunk does not depend on how many there are."""
        arms, people = len(plan.arm), plan.people
        side = arms if people.twins else 1
        size = max(LEAST, columns // (people.worlds * side))
        if not people.twins:
            size = arms * ceil(size / arms)  # every chunk holds as many people of each arm
        total = people.per_arm * (1 if people.twins else arms)
        return cls(total, people.worlds, arms, people.twins, size)

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return ceil(self.people / self.size)

    @property
    def columns(self) -> int:
        """Number of lives: people times worlds, times arms for twins."""
        return self.people * self.worlds * (self.arms if self.twins else 1)

    def within(self, chunk: int) -> range:
        """Return the numbers of the people of a chunk, counted from 0 over the population."""
        return range(chunk * self.size, min((chunk + 1) * self.size, self.people))

    def chosen(self, keep: int) -> np.ndarray:
        """Return the numbers of some people spread evenly over the population, array [at most keep]."""
        keep = min(keep, self.people)
        return ((np.arange(keep) + 0.5) * self.people / max(keep, 1)).astype(int)
