"""Count, mean and sum of squared deviations of many numbers, added up part by part without loss.

Source: pairwise update of Chan, Golub and LeVeque 1983, The American Statistician 37(3): 242-247.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """Moments of numbers, arrays of one shape; mean and squares are 0 where there is no number."""

    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, counted: np.ndarray) -> Moments:
        """Return the moments over the last axis, of the values that count.

        Parameters
        ----------
        values : array [..., people]
        counted : bool, array that spreads to the same shape
        """
        counted = np.broadcast_to(counted, values.shape)
        count = counted.sum(axis=-1)
        least = np.maximum(count, 1)
        mean = np.where(counted, values, 0.0).sum(axis=-1) / least
        away = np.where(counted, values - mean[..., None], 0.0)
        return cls(count, mean, (away**2).sum(axis=-1))

    def __add__(self, other: Moments) -> Moments:
        count = self.count + other.count
        least = np.maximum(count, 1)
        apart = other.mean - self.mean
        apart = np.where((self.count > 0) & (other.count > 0), apart, 0.0)
        base = np.where(self.count > 0, self.mean, other.mean)
        mean = base + apart * other.count / least
        return Moments(count, mean, self.squares + other.squares + apart**2 * self.count * other.count / least)

    @property
    def average(self) -> np.ndarray:
        """Mean, NaN where there is no number."""
        return np.where(self.count > 0, self.mean, np.nan)

    @property
    def variance(self) -> np.ndarray:
        """Sample variance, NaN where there are fewer than two numbers."""
        return np.where(self.count > 1, self.squares / np.maximum(self.count - 1, 1), np.nan)
