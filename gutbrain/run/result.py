"""What a run leaves: daily summaries of every signal, with names, units, arms and worlds put back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.model.axis import nearest

if TYPE_CHECKING:
    from gutbrain.people.cohort import Cohort
    from gutbrain.protocols.protocol import Trial


TOO_COARSE = "none: no step was fine enough"
NAMED = 20  # columns that are named in an account; more are counted


@dataclass(frozen=True)
class Result:
    """Daily summaries of a trial.

    Attributes
    ----------
    labels, units : signal names (vector entries as `name[label]`) and their units
    mean, low, high : arrays [days, signals, columns], float32: mean of the day, and lowest and
        highest hourly mean of the day
    arm : number of the arm of each column, array [columns]
    present : share 1 or 0, whether the person is still in the trial, array [days, columns]
    lost_day, lost_row : day on which a column left its bounds (-1: never) and the state that did (-1: none, but no
        step was fine enough)
    engine : the engine that ran it
    error, runs : of engines that know it, the estimated largest error of any state as a share of its range, and how
        often a column was run until it was small enough, arrays [columns]
    """

    cohort: Cohort
    trial: Trial
    labels: tuple[str, ...]
    units: tuple[str, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    arm: np.ndarray
    present: np.ndarray
    lost_day: np.ndarray
    lost_row: np.ndarray
    rows: tuple[str, ...]
    step_minutes: float = 15.0
    extra: dict[str, Any] = field(default_factory=dict)
    engine: str = "fixed"
    error: np.ndarray | None = None
    runs: np.ndarray | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms."""
        return tuple(arm.name for arm in self.trial.arms)

    @property
    def world(self) -> np.ndarray:
        """World of each column."""
        return np.repeat(np.arange(self.cohort.worlds), self.cohort.people)

    @property
    def person(self) -> np.ndarray:
        """Person of each column."""
        return np.tile(np.arange(self.cohort.people), self.cohort.worlds)

    @property
    def kept(self) -> np.ndarray:
        """Columns that stayed within bounds from the first day to the last."""
        return self.lost_day < 0

    def checked(self) -> dict[str, Any]:
        """Return what the engine says of its own error, if it says so: the largest, and who was run again."""
        facts: dict[str, Any] = {"engine": self.engine, "largest_error": None, "run_again": 0, "named_again": []}
        if self.error is not None and self.kept.any():
            facts["largest_error"] = float(np.max(self.error[self.kept]))
        if self.runs is not None:
            again = np.flatnonzero(self.runs > 1)
            names = [f"{self.cohort.names[self.person[i]]}, world {self.world[i]}" for i in again[:NAMED]]
            facts |= {"run_again": len(again), "named_again": names}
        return facts

    def index(self, signal: str) -> int:
        """Return the position of a signal.

        Raises
        ------
        InputError
            If the run has no such signal; names the nearest.
        """
        if signal not in self.labels:
            raise InputError(f"the run has no signal {signal!r}{nearest(signal, self.labels)}")
        return self.labels.index(signal)

    def unit(self, signal: str) -> str:
        """Return the unit of a signal."""
        return self.units[self.index(signal)]

    def series(self, signal: str, of: str = "mean") -> np.ndarray:
        """Return daily values of one signal, array [days, columns]; lost columns are NaN throughout."""
        values = np.asarray(getattr(self, of)[:, self.index(signal)], float)
        return np.where(self.kept, values, np.nan)

    @property
    def lost(self) -> pl.DataFrame:
        """Who left the bounds of the model, when, and by which state; nobody is dropped silently."""
        gone = np.flatnonzero(~self.kept)
        return pl.DataFrame(
            {
                "world": self.world[gone],
                "person": [self.cohort.names[i] for i in self.person[gone]],
                "arm": [self.arms[i] for i in self.arm[gone]],
                "day": self.lost_day[gone],
                "state": [self.rows[i] if i >= 0 else TOO_COARSE for i in self.lost_row[gone]],
            },
            schema={"world": pl.Int64, "person": pl.String, "arm": pl.String, "day": pl.Int64, "state": pl.String},
        )

    def table(self, signals: Iterable[str] | None = None, days: Sequence[int] | None = None) -> pl.DataFrame:
        """Return a long table: world, person, arm, day, present, signal, unit, mean, low, high.

        Parameters
        ----------
        signals : names; all by default
        days : days; all by default. Day d is the mean of the d-th day of the run, counted from 0.
        """
        chosen = list(self.labels) if signals is None else list(signals)
        at = np.arange(self.mean.shape[0]) if days is None else np.asarray(days)
        columns = self.mean.shape[2]
        frames = []
        for signal in chosen:
            place = self.index(signal)
            frames.append(
                pl.DataFrame(
                    {
                        "world": np.tile(self.world.astype(np.int32), len(at)),
                        "person": np.tile(self.person.astype(np.int32), len(at)),
                        "arm": np.tile(self.arm.astype(np.int32), len(at)),
                        "day": np.repeat(at.astype(np.int32), columns),
                        "present": self.present[at].reshape(-1) > 0.5,
                        "lost": np.tile(~self.kept, len(at)),
                        "mean": self.mean[at, place].reshape(-1),
                        "low": self.low[at, place].reshape(-1),
                        "high": self.high[at, place].reshape(-1),
                    }
                ).with_columns(pl.lit(signal).alias("signal"), pl.lit(self.units[place]).alias("unit"))
            )
        names = pl.DataFrame({"arm": np.arange(len(self.arms), dtype=np.int32), "arm_name": self.arms})
        people = pl.DataFrame({"person": np.arange(self.cohort.people, dtype=np.int32), "name": self.cohort.names})
        joined = pl.concat(frames).join(names, on="arm", how="left").join(people, on="person", how="left")
        return joined.select(
            "world", pl.col("name").alias("person"), pl.col("arm_name").alias("arm"), "day", "present", "lost",
            "signal", "unit", "mean", "low", "high",
        )  # fmt: skip

    def plot(self, signal: str) -> Any:
        """Return an Altair chart of one signal by arm, with the two kinds of spread apart."""
        from gutbrain.show.plots import trajectory

        return trajectory(self, signal)
