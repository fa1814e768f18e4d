"""Spreads: how a number differs between people, and how little is known about it.

A spread turns standard-normal draws into values around a centre. `LogNormal` multiplies,
`Normal` adds, `Uniform` replaces. `low` and `high` cut (they clip, so that no draw is lost).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
from scipy.special import ndtr

Size = float | tuple[float, ...]


def _rows(size: Size | None, *values: Any) -> Any:
    """Lay one size for each entry of a vector along the first axis of `values`."""
    if not isinstance(size, tuple):
        return size
    return np.reshape(size, (-1,) + (1,) * (max(1, *(np.ndim(value) for value in values)) - 1))


@dataclass(frozen=True)
class Spread:
    """What all spreads share: cut-offs and a grid to which a draw is rounded.

    A size or cut may be a tuple: one for each entry of a vector parameter.
    """

    low: Size | None = None
    high: Size | None = None
    grid: float | None = None

    def around(self, centre: Any, normal: Any) -> np.ndarray:
        """Turn standard-normal draws into values around `centre` (arrays that broadcast)."""
        raise NotImplementedError

    def typical(self, centre: Any) -> Any:
        """Return the size of one standard deviation at `centre`, in the unit of the value."""
        size = np.abs(self.around(centre, np.array(1.0)) - self.around(centre, np.array(-1.0))) / 2
        return size if size.ndim else float(size)

    def _cut(self, value: Any) -> np.ndarray:
        if self.grid is not None:
            value = np.round(np.asarray(value) / self.grid) * self.grid
        if self.low is not None or self.high is not None:
            value = np.clip(value, _rows(self.low, value), _rows(self.high, value))
        return np.asarray(value)


@dataclass(frozen=True)
class LogNormal(Spread):
    """Multiply by exp(log_sd * z); `gsd` and `cv` build it from what papers print."""

    log_sd: Size = 0.0

    @classmethod
    def gsd(cls, factor: float, **cut: float) -> LogNormal:
        """Geometric standard deviation `factor`."""
        return cls(log_sd=log(factor), **cut)

    @classmethod
    def cv(cls, share: float, **cut: float) -> LogNormal:
        """Coefficient of variation `share`."""
        return cls(log_sd=sqrt(log(1 + share**2)), **cut)

    def around(self, centre: Any, normal: Any) -> np.ndarray:
        return self._cut(np.asarray(centre) * np.exp(_rows(self.log_sd, centre, normal) * np.asarray(normal)))


@dataclass(frozen=True)
class Normal(Spread):
    """Add sd * z to the centre."""

    sd: Size = 0.0

    def around(self, centre: Any, normal: Any) -> np.ndarray:
        return self._cut(np.asarray(centre) + _rows(self.sd, centre, normal) * np.asarray(normal))


@dataclass(frozen=True)
class Uniform(Spread):
    """Anything from `low` to `high` alike, whatever the centre."""

    def around(self, centre: Any, normal: Any) -> np.ndarray:
        if self.low is None or self.high is None:
            raise ValueError("Uniform needs low and high")
        low, high = (_rows(end, centre, normal) for end in (self.low, self.high))
        value = low + (high - low) * ndtr(np.asarray(normal)) + 0 * np.asarray(centre)
        return self._cut(value)
