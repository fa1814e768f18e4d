"""Chunks added up in their order, one at a time, to the tables of the whole population.

Belief is the spread between worlds of what the mean person does, sampling what the number of people leaves open
within a world: as in `gutbrain.show.effects`, whose table this gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from gutbrain.population.moments import Moments
from gutbrain.population.sketch import added, quantiles
from gutbrain.population.summaries import CELL
from gutbrain.show.effects import LEAST_SPREAD, SCHEMA, middle_of, summary

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
BATCH = 32  # sketches that are added at a time
LOST_AT_MOST = 10_000  # rows of people who left the bounds that the merged table names


@dataclass(frozen=True)
class Merged:
    """Tables of the whole population.

    Attributes
    ----------
    weeks : one row an arm, week and signal
    worlds : one row an arm, world, week and signal
    effects : as `gutbrain.show.effects.effects` gives it
    people : daily courses of the people who were kept
    lost : who left the bounds of the model, the first ten thousand
    leaving : by arm, assigned, dropped_out, lost and stayed at the last visit, summed over worlds
    """

    weeks: pl.DataFrame
    worlds: pl.DataFrame
    effects: pl.DataFrame
    people: pl.DataFrame
    lost: pl.DataFrame
    leaving: pl.DataFrame


def merge(
    places: Sequence[Path], arms: Sequence[str], comparator: str, twins: bool, told: Callable[[int], None]
) -> Merged:
    """Merge chunks.

    Parameters
    ----------
    places : folders of the chunks, in their order: sums of floating numbers depend on it
    arms : names, in the order of the plan
    told : called with the number of chunks that are read

    Notes
    -----
    Memory holds one chunk and the sums, so it does not grow with the people.
    """
    weeks, visits = _Sum(WEEK_KINDS), _Sum(VISIT_KINDS)
    sketch: list[pl.DataFrame] = []
    people: list[pl.DataFrame] = []
    lost: list[pl.DataFrame] = []
    named = 0
    for number, place in enumerate(places, 1):
        weeks.add(pl.read_parquet(place / "weeks.parquet"))
        visits.add(pl.read_parquet(place / "visits.parquet"))
        sketch.append(pl.read_parquet(place / "sketch.parquet"))
        if len(sketch) > BATCH or number == len(places):
            sketch = [added(sketch, CELL)]
        people.append(pl.read_parquet(place / "people.parquet"))
        gone = pl.read_parquet(place / "lost.parquet")
        if named < LOST_AT_MOST or not lost:
            lost.append(gone.head(LOST_AT_MOST - named))
            named += lost[-1].height
        told(number)
    by_world = weeks.table()
    order = pl.Enum(list(arms))
    levels = quantiles(sketch[0], CELL, SHARES)
    table = _over_worlds(by_world, len(arms)).join(levels, on=list(CELL), how="left", maintain_order="left")
    # A sketch knows a value to half a percent; the ends are known exactly.
    table = table.with_columns(pl.col(f"q{round(100 * q):02d}").clip("lowest", "highest") for q in SHARES)
    courses = pl.concat(people).sort("number", pl.col("arm").cast(order), maintain_order=True)
    return Merged(
        table, by_world, _effects(visits.table(), arms, comparator, twins), courses, pl.concat(lost),
        _leaving(visits.table(), arms),
    )  # fmt: skip


# Count, mean and squares of each kind of moment, by the names of its columns.
WEEK_KINDS = (("n", "mean", "squares"), ("n", "change", "change_squares"))
VISIT_KINDS = (
    ("n", "change", "change_squares"), ("start_n", "start", "start_squares"), ("pairs", "pair", "pair_squares"),
)  # fmt: skip
COUNTS = ("assigned", "dropped_out", "lost")


class _Sum:
    """The running sum of tables whose rows stand in one order."""

    def __init__(self, kinds: Sequence[tuple[str, str, str]]) -> None:
        self._kinds = kinds
        self._frame: pl.DataFrame | None = None
        self._moments: list[Moments] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Add a chunk."""
        new = [Moments(*(frame[name].to_numpy() for name in kind)) for kind in self._kinds]
        if self._frame is None:
            self._frame, self._moments = frame, new
            return
        self._moments = [one + other for one, other in zip(self._moments, new, strict=True)]
        more = [(pl.col(name) + frame[name]).alias(name) for name in COUNTS if name in frame.columns]
        if "lowest" in frame.columns:
            more = [
                pl.min_horizontal("lowest", frame["lowest"].alias("other")).alias("lowest"),
                pl.max_horizontal("highest", frame["highest"].alias("other")).alias("highest"),
            ]
        self._frame = self._frame.with_columns(more)

    def table(self) -> pl.DataFrame:
        """Return the sum as a table like those that were added."""
        assert self._frame is not None
        columns = {
            name: values
            for kind, one in zip(self._kinds, self._moments, strict=True)
            for name, values in zip(kind, (one.count, one.mean, one.squares), strict=True)
        }
        return self._frame.with_columns(pl.Series(name, values) for name, values in columns.items())


def _array(frame: pl.DataFrame, name: str, arms: int) -> np.ndarray:
    """A column as array [arms, worlds, times, signals]: rows lie in that order."""
    worlds, signals = frame["world"].n_unique(), frame["signal"].n_unique()
    return frame[name].to_numpy().reshape(arms, worlds, -1, signals)


def _moments(frame: pl.DataFrame, kind: Sequence[str], arms: int) -> Moments:
    return Moments(*(_array(frame, name, arms) for name in kind))


def _over_worlds(frame: pl.DataFrame, arms: int) -> pl.DataFrame:
    """One row an arm, week and signal: people within worlds, and worlds beside each other, never in one number.

    Returns
    -------
    table with arm, week, first_day, days, signal, unit, worlds;
        n : readings, summed over worlds
        mean, sd : median over worlds of the mean of people, root mean square over worlds of their SD
        change : median over worlds of the mean difference from day 0
        belief_low, belief_high : 5 and 95 % of that over worlds; null with one world
        standard_error : of the mean change within a world, root mean square over worlds
        lowest, highest : reading of any person in any world
    """
    level, change = (_moments(frame, kind, arms) for kind in WEEK_KINDS)
    worlds = level.count.shape[1]
    first = frame.filter(pl.col("world") == 0).select("arm", "week", "first_day", "days", "signal", "unit")
    error = np.sqrt(change.variance / np.maximum(change.count, 1))
    low, high = _ends(change.average)
    ends = frame.group_by(*CELL).agg(pl.col("lowest").min(), pl.col("highest").max())
    columns = {
        "n": level.count.sum(axis=1), "mean": _over(level.average, np.median),
        "sd": np.sqrt(_over(level.variance, np.mean)), "change": _over(change.average, np.median),
        "belief_low": low, "belief_high": high, "standard_error": np.sqrt(_over(error**2, np.mean)),
    }  # fmt: skip
    table = first.with_columns(pl.lit(worlds).alias("worlds"), *(pl.Series(k, v.ravel()) for k, v in columns.items()))
    return table.with_columns(pl.selectors.float().fill_nan(None)).join(ends, on=list(CELL), maintain_order="left")


def _over(values: np.ndarray, rule: Callable[..., np.ndarray]) -> np.ndarray:
    """A summary over worlds (axis 1) of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    if known.all():
        return rule(values, axis=1)
    cells = np.moveaxis(values, 1, -1).reshape(-1, values.shape[1])
    found = np.array([rule(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in cells])
    return found.reshape(np.delete(values.shape, 1))


def _ends(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if values.shape[1] == 1:
        nothing = np.full(np.delete(values.shape, 1), np.nan)
        return nothing, nothing
    low, high = (_over(values, lambda v, axis=None, share=share: np.quantile(v, share, axis=axis))
                 for share in (0.05, 0.95))  # fmt: skip
    return low, high


def _effects(frame: pl.DataFrame, arms: Sequence[str], comparator: str, twins: bool) -> pl.DataFrame:
    """Effects from moments, in the table of `gutbrain.show.effects.effects`."""
    change, start, pair = (_moments(frame, kind, len(arms)) for kind in VISIT_KINDS)
    counts = {name: _array(frame, name, len(arms)) for name in COUNTS}
    signals = frame["signal"].unique(maintain_order=True).to_list()
    units = dict(frame.select("signal", "unit").unique().iter_rows())
    visits = frame["visit"].unique(maintain_order=True).to_list()
    against, worlds = list(arms).index(comparator), change.count.shape[1]
    rows: list[tuple[object, ...]] = []
    for place, signal in enumerate(signals):
        spread = _spread(start, place)
        for when, visit in enumerate(visits):
            at = np.s_[:, :, when, place]
            cell, twin = Moments(change.count[at], change.mean[at], change.squares[at]), Moments(
                pair.count[at], pair.mean[at], pair.squares[at])  # fmt: skip
            usable = np.where(spread > _least(start, cell, place), spread, np.nan)
            scale = float(np.nanmean(usable)) if np.isfinite(usable).any() else None
            means = cell.average  # [arms, worlds]
            for arm, name in enumerate(arms):
                count = {key: int(values[arm, :, when, place].sum()) for key, values in counts.items()}
                head = (
                    visit, visit, name, comparator, signal, units[signal], worlds, count["assigned"],
                    int(cell.count[arm].sum()), count["dropped_out"], count["lost"], middle_of(means[arm]),
                )  # fmt: skip
                if arm == against:
                    rows.append((*head, *[None] * 6, scale, *[None] * 5))
                    continue
                effect = means[arm] - means[against]
                error = np.sqrt(_squared_errors(cell, twin if twins else None, arm, against))
                plain, scaled = summary(effect, error), summary(effect / usable, error / usable)
                rows.append((*head, *plain, scale, *scaled[:3], *scaled[4:]))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _spread(start: Moments, signal: int) -> np.ndarray:
    """Between-person SD on day 0 within each world: arms share one variance around their own means."""
    squares, count = start.squares[:, :, 0, signal], start.count[:, :, 0, signal]
    freedom = np.maximum(count - 1, 0).sum(axis=0)
    return np.where(freedom > 0, np.sqrt(squares.sum(axis=0) / np.maximum(freedom, 1)), np.nan)


def _least(start: Moments, cell: Moments, signal: int) -> float:
    """The smallest SD of day 0 that a change may be divided by."""
    count = start.count[:, :, 0, signal]
    level = float((start.mean[:, :, 0, signal] * count).sum() / max(count.sum(), 1))
    size = float(np.sqrt((cell.squares + cell.count * cell.mean**2).sum() / max(cell.count.sum(), 1)))
    return max(LEAST_SPREAD[0] * abs(level), LEAST_SPREAD[1] * size, 1e-12)


def _squared_errors(cell: Moments, twin: Moments | None, arm: int, against: int) -> np.ndarray:
    """Squared standard error of the difference of mean changes within each world."""
    if twin is not None:
        return (twin.variance / np.maximum(twin.count, 1))[arm]
    each = cell.variance / np.maximum(cell.count, 1)
    return each[arm] + each[against]


def _leaving(frame: pl.DataFrame, arms: Sequence[str]) -> pl.DataFrame:
    """Count by arm at the last visit, summed over worlds."""
    last = frame.filter(pl.col("visit") == pl.col("visit").max(), pl.col("signal") == frame["signal"][0])
    table = last.group_by("arm").agg(pl.col(name).sum() for name in COUNTS)
    stayed = pl.col("assigned") - pl.col("dropped_out") - pl.col("lost")
    return pl.DataFrame({"arm": list(arms)}).join(table.with_columns(stayed.alias("stayed")), on="arm", how="left")
