"""Protocols: acts on levers. An act is a lever, a dose and a shape over time.

A lever of a run is `rest + sum over acts of dose[act, person] * shape[act, time]`; arms,
adherence and dose differ only in `dose`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis, nearest
from gutbrain.model.spread import Spread

MINUTES = 15  # sub-samples a step for the mean of a shape

Shape = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Act:
    """One lever moved by a dose along a shape.

    Parameters
    ----------
    lever : signal of a lever, with `[label]` for an entry of a vector
    dose : offset from rest in the lever's unit; if `relative`, a share of the person's own rest
    start, end : days; the shape is 0 outside
    shape : function of the day since `start`, array to array, 0 to 1; constant if absent
    belief : spread of the dose between worlds
    kept : share of the dose that a person keeps, spread between people around `kept_mean`
    effort : the act ends for a person who drops out
    grade, source : of the dose
    """

    lever: str
    dose: float
    start: float = 0.0
    end: float = float("inf")
    shape: Shape | None = None
    relative: bool = False
    belief: Spread | None = None
    kept_mean: float = 1.0
    kept: Spread | None = None
    effort: bool = False
    grade: str = "assumed"
    source: str = "assumed"
    about: str = ""

    def values(self, begin: np.ndarray, length: float) -> np.ndarray:
        """Return the mean of the shape over each step, array [steps]; a length of 0 asks for the moment."""
        if length == 0:
            return self._at(begin)
        inside = (np.arange(MINUTES) + 0.5) / MINUTES * length
        return self._at(begin[:, None] + inside).mean(axis=1)

    def _at(self, time: np.ndarray) -> np.ndarray:
        on = (time >= self.start - 1e-9) & (time < self.end - 1e-9)
        value = np.ones_like(time) if self.shape is None else self.shape(time - self.start)
        return np.where(on, value, 0.0)


@dataclass(frozen=True)
class Protocol:
    """A named set of acts: what one group of people does or undergoes."""

    name: str
    acts: tuple[Act, ...] = ()
    about: str = ""
    dropout: float = 0.0

    def __add__(self, other: Protocol) -> Protocol:
        names = [name for name in (self.name, other.name) if name]
        dropout = max(self.dropout, other.dropout)
        return Protocol(" + ".join(names), self.acts + other.acts, self.about or other.about, dropout)

    def named(self, name: str) -> Protocol:
        """Return the same acts under another name."""
        return replace(self, name=name)

    def without(self, lever: str) -> Protocol:
        """Return the protocol without its acts on one lever."""
        return replace(self, acts=tuple(act for act in self.acts if act.lever != lever))


@dataclass(frozen=True)
class Trial:
    """Arms side by side: the same days, visits and surroundings, different protocols.

    Parameters
    ----------
    arms : protocols; the first is the comparator of last resort
    days : length of the run
    visits : days whose values are tabulated
    everyone : acts on all arms
    twins : the same people in every arm instead of a random split
    assigned : arm of each person, where a real study has fixed it
    """

    arms: tuple[Protocol, ...]
    days: int = 84
    visits: tuple[int, ...] = (0, 28, 56, 84)
    everyone: Protocol = field(default_factory=lambda: Protocol(""))
    twins: bool = False
    course_days: int = 56
    assigned: tuple[int, ...] = ()

    @property
    def acts(self) -> list[tuple[int | None, Act]]:
        """All acts with the number of their arm (None: everyone), acts of one lever side by side."""
        found: list[tuple[int | None, Act]] = [(None, act) for act in self.everyone.acts]
        found += [(number, act) for number, arm in enumerate(self.arms) for act in arm.acts]
        return found


def check_acts(axis: Axis, acts: list[Act]) -> None:
    """Refuse acts on unknown levers and doses outside a lever's range.

    Raises
    ------
    InputError
        Naming the act, the nearest lever or the range.
    """
    for act in acts:
        signal = act.lever.partition("[")[0]
        lever = axis.levers.get(signal)
        if lever is None:
            if signal in axis.givers:
                giver = axis.givers[signal].compartment
                raise InputError(f"act on {act.lever!r}: {giver} gives this signal, so no protocol can move it")
            raise InputError(f"act on {act.lever!r}: no such lever{nearest(signal, axis.levers)}")
        if lever.over:
            label = act.lever.partition("[")[2].rstrip("]")
            if label not in lever.over:
                raise InputError(
                    f"act on {act.lever!r}: name one of {', '.join(lever.over)}{nearest(label, lever.over)}"
                )
        rest = 0.0 if isinstance(lever.rest, str) else float(np.max(lever.rest))
        if act.relative and act.dose < -1:
            raise InputError(f"act on {act.lever!r}: a relative dose of {act.dose} takes away more than there is")
        if isinstance(lever.rest, str):
            continue
        value = rest + act.dose
        if (lever.low is not None and value < lever.low - 1e-9) or (
            lever.high is not None and value > lever.high + 1e-9
        ):
            raise InputError(
                f"act on {act.lever!r}: dose {act.dose} {lever.unit} brings it to {value:g}, "
                f"outside {lever.low} to {lever.high} {lever.unit}"
            )


def own_rest(axis: Axis, parameters: dict[str, np.ndarray], lever: str) -> np.ndarray:
    """Return the rest of a lever for each person, array [people or 1], in the lever's unit."""
    found = axis.levers[lever.partition("[")[0]]
    if isinstance(found.rest, str):
        return np.asarray(parameters[f"{found.listeners[0]}.{found.rest}"], float)
    return np.atleast_1d(float(np.max(found.rest)))
