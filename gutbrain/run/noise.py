"""Random changes that belong to a person: drawn from the seed, the person's name and the day, and nothing else.

Each person has a key of a counter-based generator (Philox), each day a range of its counter. Any day of any person
can so be drawn alone, in any order, and is the same in every block, chunk, world, arm and engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Literal

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model import compartment
from gutbrain.model.axis import Axis
from gutbrain.run.drive import steps_of_quarter

QUARTERS = 96  # quarter hours of a day, when random changes fall
QUARTER = 1 / QUARTERS  # days
WORD = 1 << 64


@dataclass(frozen=True)
class Channel:
    """One number that is drawn each quarter hour.

    Attributes
    ----------
    place, equation : compartment and name of the equation of noise or events
    row : row of the state that moves; of events on a vector state the first
    kind : standard normal, or uniform from 0 to below 1
    """

    place: str
    equation: str
    row: int
    kind: Literal["normal", "uniform"]


def channels(axis: Axis) -> tuple[Channel, ...]:
    """List what is drawn each quarter hour.

    The order is that of the axis: compartment by compartment, first its equations of noise as they are declared, one
    normal for each row of the state, then its equations of events: a uniform (does one happen?) and a normal (how
    large is it?).
    """
    found = []
    for place in axis.compartments:
        for equation in place.members(compartment.Noise).values():
            rows = axis.slices[place.name, equation.of]
            found += [Channel(place.name, equation.name, row, "normal") for row in range(rows.start, rows.stop)]
        for event in place.members(compartment.Events).values():
            row = axis.slices[place.name, event.of].start
            found += [Channel(place.name, event.name, row, "uniform"), Channel(place.name, event.name, row, "normal")]
    return tuple(found)


def steps_per_quarter(step_minutes: float) -> int:
    """Return the steps of a quarter hour: random changes fall at its end, whatever the step.

    Raises
    ------
    InputError
        If no whole number of steps makes a quarter hour.
    """
    steps = steps_of_quarter(step_minutes)
    if not steps:
        raise InputError(
            f"noise falls at the quarter hours, which steps of {step_minutes:g} minutes miss",
            mend="Take a step that divides 15 minutes (15, 7.5, 5, 3), or switch noise off",
        )
    return steps


@dataclass(frozen=True)
class Noise:
    """The draws of the people of a run.

    Attributes
    ----------
    seed : seed of the run
    names : name of the person in each column; columns of one name have the same draws
    """

    seed: int
    names: tuple[str, ...]

    @cached_property
    def _persons(self) -> tuple[np.ndarray, np.ndarray]:
        """Number the person of each column, array [columns], and give the key of each, array [persons, 2]."""
        order = {name: number for number, name in enumerate(dict.fromkeys(self.names))}
        digests = b"".join(blake2b(f"{self.seed}\0{name}".encode(), digest_size=16).digest() for name in order)
        keys = np.frombuffer(digests, "<u8").astype(np.uint64).reshape(-1, 2)
        return np.array([order[name] for name in self.names], int), keys

    def day(self, drawn: tuple[Channel, ...], columns: slice | np.ndarray, day: int) -> np.ndarray:
        """Draw a day of some columns.

        Parameters
        ----------
        drawn : channels, in the order of the answer
        columns : columns of the run, a slice or their numbers
        day : number of the day; days before 0 have draws too

        Returns
        -------
        array [quarter hours, channels, columns] of float64
        """
        persons, keys = self._persons
        asked, spread = np.unique(persons[columns], return_inverse=True)
        uniform = [place for place, channel in enumerate(drawn) if channel.kind == "uniform"]
        normal = [place for place, channel in enumerate(drawn) if channel.kind == "normal"]
        chances = np.empty((len(asked), len(uniform), QUARTERS))
        normals = np.empty((len(asked), len(normal), QUARTERS))
        # One generator is set anew for each person: making one costs more than a person's day.
        philox = np.random.Philox(0)
        state, generator = philox.state, np.random.Generator(philox)
        # The lowest word counts within the day, the next is the day: no two days overlap.
        state["state"]["counter"][:] = 0, day % WORD, 0, 0
        for place, person in enumerate(asked):
            state["state"]["key"][:] = keys[person]
            philox.state = state
            generator.random(out=chances[place])
            generator.standard_normal(out=normals[place])
        found = np.empty((QUARTERS, len(drawn), len(spread)))
        for places, values in ((uniform, chances), (normal, normals)):
            for number, channel in enumerate(places):
                found[:, channel] = values[:, number].T[:, spread]
        return found
