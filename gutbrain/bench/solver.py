"""What a solver is to the bench, and what stands for one that is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Solver(Protocol):
    """One engine on one case, ready to run.

    Attributes
    ----------
    name, version : as the table prints them
    setting : tolerances or step, in words
    load_seconds : CPU seconds to load and compile the case; no person's cost holds any of it
    people : people that one `solve` runs; an engine of many people runs all
    """

    name: str
    version: str
    setting: str
    load_seconds: float
    people: int

    def place(self, number: int) -> None:
        """Set one person's parameters and start; not timed. An engine of many people holds all and does nothing."""

    def solve(self) -> None:
        """Run from the start to the last midnight; timed."""

    def midnights(self, number: int) -> np.ndarray:
        """Return the states of one person after the days that are compared, array [reads, rows]; not timed.

        Of a solver of one person these are of the last `solve`.
        """


class FailedError(Exception):
    """A solver gave up on a person; the message is its own."""


@dataclass(frozen=True)
class Missing:
    """A solver that cannot be asked here.

    Attributes
    ----------
    why : one clause
    """

    name: str
    why: str


def whole(course: np.ndarray, reads: list[int]) -> np.ndarray:
    """Return the days that are compared, of a course that reached its end.

    Parameters
    ----------
    course : states at every midnight, array [days + 1, rows]
    reads : days that are compared; the last is the end

    Raises
    ------
    FailedError
        If it is shorter, or holds what is no number.
    """
    if len(course) != reads[-1] + 1:
        raise FailedError(f"stopped after {max(len(course) - 1, 0)} of {reads[-1]} days")
    if not np.isfinite(course).all():
        raise FailedError("gave what is no number")
    return course[reads]
