"""Series of people as one table of occasions, and their packing into lanes for the filter.

An occasion is a time at which a person was seen or something was done to him. People are packed end to end into
lanes of equal length, so that people with few and with many occasions are filtered together without padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Panel:
    """Occasions of all people, each person's in a row and in the order of time.

    Parameters
    ----------
    people : names
    person : array [occasions], place in `people`
    time : array [occasions], days
    values : array [occasions, indicators]; NaN where nothing was seen
    known_variance : array [occasions, indicators]; what is known of the error beforehand, as of log-ratios of counts
    offset : array [occasions, indicators]; logarithm of the exposure of counts
    impulses, levels : arrays [occasions, inputs]; a level holds from its occasion to the next
    predictors : array [people, predictors]
    indicators, impulse_names, level_names, predictor_names : columns
    """

    people: tuple[str, ...]
    person: np.ndarray
    time: np.ndarray
    values: np.ndarray
    known_variance: np.ndarray
    offset: np.ndarray
    impulses: np.ndarray
    levels: np.ndarray
    predictors: np.ndarray
    indicators: tuple[str, ...]
    impulse_names: tuple[str, ...] = ()
    level_names: tuple[str, ...] = ()
    predictor_names: tuple[str, ...] = ()

    @property
    def seen(self) -> np.ndarray:
        """Array [occasions, indicators]: what was seen."""
        return np.isfinite(self.values)

    @cached_property
    def first(self) -> np.ndarray:
        """Array [occasions]: whether an occasion is the first of its person."""
        return np.r_[True, self.person[1:] != self.person[:-1]]

    @cached_property
    def gap(self) -> np.ndarray:
        """Array [occasions], days since the occasion before; 0 at the first one of a person."""
        return np.where(self.first, 0.0, np.diff(self.time, prepend=self.time[:1]))

    def of(self, places: np.ndarray | list[int]) -> Panel:
        """Return the panel of some people, by their places and in that order."""
        rows = np.concatenate([np.flatnonzero(self.person == place) for place in places])
        lengths = [int(np.sum(self.person == place)) for place in places]
        return Panel(
            tuple(self.people[place] for place in places), np.repeat(np.arange(len(lengths)), lengths), self.time[rows],
            self.values[rows], self.known_variance[rows], self.offset[rows], self.impulses[rows], self.levels[rows],
            self.predictors[list(places)], self.indicators, self.impulse_names, self.level_names, self.predictor_names,
        )  # fmt: skip


@dataclass(frozen=True)
class Lanes:
    """Occasions packed for the filter: places [steps, lanes] in the panel, -1 where a lane has ended."""

    at: np.ndarray

    @property
    def used(self) -> float:
        """Share of places that hold an occasion."""
        return float(np.mean(self.at >= 0))


def packed(panel: Panel, lanes: int = 0) -> Lanes:
    """Pack people end to end: the longest first, each into the lane that is shortest so far.

    Parameters
    ----------
    lanes : how many; by default as many as fit into the length of the longest series
    """
    starts = np.flatnonzero(panel.first)
    lengths = np.diff(np.r_[starts, len(panel.time)])
    lanes = lanes or max(1, int(np.ceil(lengths.sum() / lengths.max())))
    filled = np.zeros(lanes, int)
    rows: list[list[np.ndarray]] = [[] for _ in range(lanes)]
    for place in np.argsort(-lengths, kind="stable"):
        lane = int(np.argmin(filled))
        rows[lane].append(np.arange(starts[place], starts[place] + lengths[place]))
        filled[lane] += lengths[place]
    at = np.full((int(filled.max()), lanes), -1)
    for lane, parts in enumerate(rows):
        if parts:
            at[: filled[lane], lane] = np.concatenate(parts)
    return Lanes(at)


def panel_of(
    table: pl.DataFrame,
    indicators: tuple[str, ...],
    *,
    impulses: tuple[str, ...] = (),
    levels: tuple[str, ...] = (),
    predictors: tuple[str, ...] = (),
    person: str = "person",
    time: str = "day",
    source: str = "table",
) -> Panel:
    """Return the panel of a wide table, one row an occasion.

    Parameters
    ----------
    table : columns `person`, `time` in days, indicators (null where not seen), inputs (null is 0 for impulses and
        "as before" for levels), predictors; `NAME.variance` and `NAME.offset` are taken up where they stand
    source : what messages call the table

    Raises
    ------
    InputError
        For a missing column, a time that is no number or runs backwards, two rows at one time, a person with one
        row, an indicator that is never seen or never changes, a predictor that changes or is missing.
    """
    from gutbrain.fit.coupling.panel_check import checked

    table = checked(table, indicators, impulses, levels, predictors, person, time, source)
    people = tuple(str(name) for name in table[person].unique(maintain_order=True))
    places = {name: at for at, name in enumerate(people)}
    at = np.array([places[str(name)] for name in table[person]])
    rows, nothing = len(table), np.zeros((len(table), len(indicators)))

    def columns(names: tuple[str, ...], fill: float) -> np.ndarray:
        if not names:
            return np.zeros((rows, 0))
        return np.stack([table[name].cast(pl.Float64).fill_null(fill).to_numpy() for name in names], 1)

    def beside(ending: str) -> np.ndarray:
        made = nothing.copy()
        for column, name in enumerate(indicators):
            if f"{name}.{ending}" in table.columns:
                made[:, column] = table[f"{name}.{ending}"].cast(pl.Float64).fill_null(0.0).to_numpy()
        return made

    held = table.with_columns(pl.col(name).forward_fill().over(person).fill_null(0.0) for name in levels)
    first = table.group_by(person, maintain_order=True).first()
    known = [first[name].cast(pl.Float64).to_numpy() for name in predictors]
    return Panel(
        people, at, table[time].cast(pl.Float64).to_numpy(), columns(indicators, np.nan), beside("variance"),
        beside("offset"), columns(impulses, 0.0),
        held.select(pl.col(levels).cast(pl.Float64)).to_numpy() if levels else np.zeros((rows, 0)),
        np.stack(known, 1) if known else np.zeros((len(people), 0)), indicators, impulses, levels, predictors,
    )  # fmt: skip
