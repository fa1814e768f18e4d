"""What every engine takes and gives: the drive of the levers, and the raw arrays of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Drive:
    """What moves the levers: one row an act.

    Attributes
    ----------
    levers : lever of each act
    dose : array [acts, columns], offset in the lever's unit
    shape : array [steps, acts], mean over each step
    effort : array [acts], 1 where the act ends for those who drop out
    present : array [days, columns], 1 while the person is in the trial
    """

    levers: tuple[str, ...]
    dose: np.ndarray
    shape: np.ndarray
    effort: np.ndarray
    present: np.ndarray

    @classmethod
    def rest(cls, columns: int, days: int, steps_per_day: int, levers: tuple[str, ...] = ()) -> Drive:
        """No act moves anything."""
        acts = len(levers)
        zeros = np.zeros((acts, columns)), np.zeros((days * steps_per_day, acts)), np.zeros(acts)
        return cls(levers, *zeros, np.ones((days, columns)))


@dataclass(frozen=True)
class Run:
    """Raw arrays of a run; `gutbrain.run.simulate` puts the names back."""

    labels: tuple[str, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    end: np.ndarray
    lost_day: np.ndarray
    lost_row: np.ndarray
