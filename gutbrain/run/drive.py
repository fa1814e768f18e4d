"""What every engine takes and gives: the drive of the levers, and the raw arrays of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gutbrain.protocols.protocol import Act


def steps_of_quarter(step_minutes: float) -> int:
    """Return the steps of a quarter hour, 0 where no whole number of them makes one."""
    steps = round(15 / step_minutes)
    return steps if abs(steps * step_minutes - 15) < 1e-9 else 0


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
    acts : the acts themselves, for engines that follow them from moment to moment
    """

    levers: tuple[str, ...]
    dose: np.ndarray
    shape: np.ndarray
    effort: np.ndarray
    present: np.ndarray
    acts: tuple[Act, ...] = ()

    @classmethod
    def rest(cls, columns: int, days: int, steps_per_day: int, levers: tuple[str, ...] = ()) -> Drive:
        """No act moves anything."""
        acts = len(levers)
        zeros = np.zeros((acts, columns)), np.zeros((days * steps_per_day, acts)), np.zeros(acts)
        return cls(levers, *zeros, np.ones((days, columns)))


@dataclass(frozen=True)
class Run:
    """Raw arrays of a run; `gutbrain.run.simulate` puts the names back.

    Attributes
    ----------
    mean, low, high : arrays [days, labels, columns] of float32, from the means of hours
    end : array [rows, columns], state after the last day
    lost_day, lost_row : day on which a column left its bounds (-1: never) and the row that did, arrays [columns]
    error : estimated largest error of any state as a share of its range, array [columns], from engines that know it
    runs : how often a column was run until its error was small enough, array [columns], from these engines
    """

    labels: tuple[str, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    end: np.ndarray
    lost_day: np.ndarray
    lost_row: np.ndarray
    error: np.ndarray | None = None
    runs: np.ndarray | None = None
