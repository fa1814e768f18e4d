"""Shapes of acts over time: functions of the days since the begin, from 0 to 1.

They are written with operators that numpy and JAX both read, so that the fixed engine takes
their mean over a step and the reference engine their exact value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


def _namespace(time: Any) -> Any:
    if type(time).__module__.startswith("jax"):
        import jax.numpy

        return jax.numpy
    return np


@dataclass(frozen=True)
class Daily:
    """On from `hour` for `hours` each day; the act starts at midnight."""

    hour: float
    hours: float

    def __call__(self, time: Any) -> Any:
        xp = _namespace(time)
        since = (time - self.hour / 24) % 1.0
        return xp.where(since < self.hours / 24, 1.0, 0.0)

    def edges(self, days: float) -> list[float]:
        """Return the moments at which the shape jumps."""
        starts = [day + self.hour / 24 for day in range(int(np.ceil(days)))]
        return starts + [start + self.hours / 24 for start in starts]


@dataclass(frozen=True)
class Speech:
    """Public speech: full for half an hour from `hour`, then falling with 0.4 h (Vanuytsel 2014).

    With `every_day` it recurs each day, else only on the first.
    """

    hour: float = 9.0
    plateau: float = 0.5
    decay: float = 0.4
    every_day: bool = False

    def __call__(self, time: Any) -> Any:
        xp = _namespace(time)
        since = (time % 1.0 if self.every_day else time) * 24 - self.hour
        tail = xp.exp(-xp.maximum(since - self.plateau, 0.0) / self.decay)
        return xp.where(since < 0, 0.0, tail)

    def edges(self, days: float) -> list[float]:
        """Return the moments at which the shape jumps or bends."""
        count = int(np.ceil(days)) if self.every_day else 1
        return [day + (self.hour + extra) / 24 for day in range(count) for extra in (0.0, self.plateau)]


@dataclass(frozen=True)
class Ramp:
    """Rises in a straight line to 1 over `days`."""

    days: float

    def __call__(self, time: Any) -> Any:
        return _namespace(time).clip(time / self.days, 0.0, 1.0)

    def edges(self, days: float) -> list[float]:
        """Return the moment at which the ramp ends."""
        return [min(self.days, days)]
