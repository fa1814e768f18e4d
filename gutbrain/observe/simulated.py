"""A run as an instrument sees it: the people of one world, their visits, and the days that were kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe.measure import Measure, Schedule

if TYPE_CHECKING:
    from gutbrain.run.result import Result

MODEL_VALUE = "model value"
PLACE = 11  # keeps the draws of instruments apart from those of cohorts and trials


@dataclass(frozen=True)
class Moments:
    """Planned moments of a measure, one entry each.

    Attributes
    ----------
    visit : number of the visit
    day : day of the run, below 0 before it
    hour : clock hour, or hours since waking
    """

    visit: np.ndarray
    day: np.ndarray
    hour: np.ndarray

    def __len__(self) -> int:
        return len(self.visit)


@dataclass(frozen=True)
class Simulated:
    """People of one world of a run.

    Attributes
    ----------
    result : daily summaries
    columns : columns of the people, array [people]
    names : of the people
    visits : days of the visits
    attended : whether a person came, array [visits, people]
    seed, world : what all draws hang on
    belief : whether figures are drawn once for this study
    """

    result: Result
    columns: np.ndarray
    names: tuple[str, ...]
    visits: tuple[int, ...]
    attended: np.ndarray
    seed: int
    world: int
    belief: bool = False

    @property
    def people(self) -> int:
        """Number of people."""
        return len(self.columns)

    @property
    def days(self) -> int:
        """Number of days of the run."""
        return int(self.result.mean.shape[0])

    def generator(self, name: str) -> np.random.Generator:
        """Return the draws of one name: another measure changes nothing here."""
        return np.random.default_rng([self.seed, PLACE, self.world, crc32(name.encode())])

    def lacks(self, measure: Measure) -> list[str]:
        """Return the signals of a measure that the run does not have."""
        known = {label.partition("[")[0] for label in self.result.labels}
        return [signal for signal in measure.signals if signal not in known]

    def at(self, signal: str, days: np.ndarray, of: str = "mean") -> np.ndarray:
        """Return a daily summary on some days, array [days, people]; day 0 stands for those before the run."""
        values = getattr(self.result, of)[:, self.result.index(signal)]
        return np.asarray(values[np.clip(days, 0, self.days - 1)][:, self.columns], float)

    def each(self, signal: str, days: np.ndarray, person: np.ndarray) -> np.ndarray:
        """Return the daily mean of one person on one day each; arrays of one length."""
        place = self.result.index(signal)
        return np.asarray(self.result.mean[np.clip(days, 0, self.days - 1), place, self.columns[person]], float)

    def entries(self, signal: str) -> tuple[str, ...]:
        """Return the labels of a vector signal.

        Raises
        ------
        InputError
            If the run has no such vector.
        """
        labels = [label for label in self.result.labels if label.startswith(f"{signal}[")]
        if not labels:
            raise InputError(f"the run has no vector {signal!r}")
        return tuple(label.partition("[")[2].rstrip("]") for label in labels)

    def parameter(self, name: str, otherwise: float) -> np.ndarray:
        """Return a parameter of each person, array [people]."""
        found = self.result.cohort.parameters.get(name)
        if found is None:
            return np.full(self.people, otherwise)
        values = np.asarray(found, float)
        return np.broadcast_to(values[..., 0] if values.shape[-1] == 1 else values[..., self.columns], self.people)

    def present(self, days: np.ndarray) -> np.ndarray:
        """Return who is still in the trial on some days, array [days, people] of bool."""
        return np.asarray(self.result.present[np.clip(days, 0, self.days - 1)][:, self.columns] > 0.5)

    def moments(self, schedule: Schedule) -> Moments:
        """Return the planned moments of a schedule; `hours` serve, whatever the number of prompts."""
        hours = schedule.hours if not schedule.prompts else tuple(range(schedule.prompts))
        planned = [
            (number, visit + offset, hour)
            for number, visit in enumerate(self.visits) for offset in schedule.days for hour in hours
            if visit + offset >= 0 or not schedule.skip_before
        ]  # fmt: skip
        table = np.array(planned, float).reshape(-1, 3)
        return Moments(table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2])

    def asked(self, moments: Moments) -> np.ndarray:
        """Return who could give something at each moment, array [moments, people] of bool."""
        return self.attended[moments.visit] & self.present(moments.day)

    def keys(self, visit: np.ndarray, person: np.ndarray, day: np.ndarray) -> dict[str, pl.Series]:
        """Return the columns that place a row: person, visit and day; arrays of one length."""
        labels = pl.Series([visit_name(day) for day in self.visits], dtype=pl.String)
        return {
            "person": pl.Series(self.names, dtype=pl.String).gather(person.tolist()),
            "visit": labels.gather(visit.tolist()),
            "day": pl.Series(day, dtype=pl.Float64),
        }

    def readings(
        self, measure: Measure, visit: np.ndarray, person: np.ndarray, day: np.ndarray, value: np.ndarray, *,
        below: np.ndarray | None = None, quantity: str = "", unit: str = "", true: bool = False,
    ) -> pl.DataFrame:  # fmt: skip
        """Return rows of `readings`.

        Parameters
        ----------
        visit, person, day, value, below : arrays of one length; `below` marks values under the detection limit
        quantity, unit : those of the measure if left out
        true : the rows are the model's own values
        """
        size = len(value)
        below = np.zeros(size, bool) if below is None else below
        method = MODEL_VALUE if true else measure.method
        note = "" if true else measure.note
        return pl.DataFrame(
            self.keys(visit, person, day)
            | {
                "quantity": pl.repeat(quantity or measure.quantity, size, eager=True),
                "value": pl.Series(value, dtype=pl.Float64),
                "unit": pl.repeat(unit or measure.unit, size, eager=True),
                "method": pl.repeat(method or None, size, dtype=pl.String, eager=True),
                "origin": pl.repeat("simulated", size, eager=True),
                "limit": pl.Series(["<" if low else None for low in below], dtype=pl.String),
                "note": pl.repeat(note or None, size, dtype=pl.String, eager=True),
            }
        )


def visit_name(day: int) -> str:
    """Return the name of the visit on a day of the run."""
    return f"day {day}"


def attendance(result: Result, columns: np.ndarray, visits: Sequence[int], missed: float, seed: int, world: int
               ) -> np.ndarray:  # fmt: skip
    """Draw who comes to which visit, array [visits, people]: nobody after dropping out, everybody to the first."""
    generator = np.random.default_rng([seed, PLACE, world, crc32(b"visits")])
    comes = generator.uniform(size=(len(visits), len(columns))) >= missed
    comes[:1] = True
    return np.asarray(comes & (result.present[list(visits)][:, columns] > 0.5))
