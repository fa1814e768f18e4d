"""One target of the literature: what was found, what counts as reproduced, and what the model gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf


@dataclass(frozen=True)
class Row:
    """A target and the function that gives the figure.

    Attributes
    ----------
    id : identifier of the target
    target : what was measured, in words
    source : citation key
    low, high : interval in which the target counts as met
    figure : returns the figure that the model reaches
    status : `fitted`, `predicted` or `by construction` (the number was put in; never a success)
    """

    id: str
    target: str
    source: str
    low: float
    high: float
    figure: Callable[[], float]
    status: str = "predicted"

    @property
    def interval(self) -> str:
        """The interval in words."""
        if not self.has_target:
            return "no published figure"
        if self.high == inf:
            return f"above {self.low:g}"
        return f"below {self.high:g}" if self.low == -inf else f"{self.low:g} to {self.high:g}"

    @property
    def has_target(self) -> bool:
        """Whether anything counts as met or missed."""
        return (self.low, self.high) != (-inf, inf)

    @cache  # noqa: B019
    def reached(self) -> float:
        """Compute the figure once."""
        return float(self.figure())

    @property
    def met(self) -> bool:
        """Whether the figure lies in the interval."""
        return self.low <= self.reached() <= self.high
