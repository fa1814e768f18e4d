"""Summaries of a chunk as tables that add up: moments by week and by visit, sketches, who was lost, some courses.

A week is read as each person's mean over its days, of those still there on its last day. Rows lie in a fixed
order, arm by arm, world by world, so that chunks can be added as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from gutbrain.job import compared
from gutbrain.plan import Plan
from gutbrain.population.moments import Moments
from gutbrain.population.sketch import counted
from gutbrain.run.result import Result

WEEK = 7
CELL = ("arm", "week", "signal")  # what has a sketch of its own; worlds are pooled
LOST = ("person", "world", "arm", "day", "state")


def weeks(days: int) -> list[range]:
    """Return the days of each week; the last may be short."""
    return [range(day, min(day + WEEK, days)) for day in range(0, days, WEEK)]


def week_moments(result: Result, signals: Sequence[str]) -> pl.DataFrame:
    """Return one row an arm, world, week and signal.

    Returns
    -------
    table with arm, world, week, first_day, days, signal, unit;
        n : people still there
        mean, squares : of their readings, with the sum of squared deviations
        change, change_squares : of the differences from day 0
        lowest, highest : reading of any person; null without people
    """
    levels, there = _weekly(result, signals)
    start = _values(result, signals, 0)
    parts = []
    for arm in range(len(result.arms)):
        here = _of_arm(result, arm)
        value, seen = levels[..., here], there[:, None, :, here]
        level, change = Moments.of(value, seen), Moments.of(value - start[..., here], seen)
        low = np.min(np.where(seen, value, np.inf), axis=-1, initial=np.inf)
        high = np.max(np.where(seen, value, -np.inf), axis=-1, initial=-np.inf)
        # [weeks, signals, worlds] -> [worlds, weeks, signals]
        parts.append([
            np.moveaxis(part, 2, 0).ravel()
            for part in (level.count, level.mean, level.squares, change.mean, change.squares, low, high)
        ])  # fmt: skip
    spans = weeks(result.mean.shape[0])
    shape = (len(result.arms), result.cohort.worlds, len(spans), len(signals))
    arm, world, week, signal = (axis.ravel() for axis in np.indices(shape))
    names = ("n", "mean", "squares", "change", "change_squares", "lowest", "highest")
    columns = {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(names)}
    frame = pl.DataFrame(
        {
            "arm": np.array(result.arms)[arm], "world": world.astype(np.int32), "week": week.astype(np.int32),
            "first_day": np.array([span.start for span in spans], np.int32)[week],
            "days": np.array([len(span) for span in spans], np.int32)[week],
            "signal": np.array(signals)[signal], "unit": np.array([result.unit(one) for one in signals])[signal],
            **columns,
        }
    )  # fmt: skip
    empty = pl.col("n") == 0
    return frame.with_columns(pl.when(empty).then(None).otherwise(pl.col(name)).alias(name) for name in names[5:])


def visit_moments(result: Result, signals: Sequence[str], visits: Sequence[int], plan: Plan) -> pl.DataFrame:
    """Return one row an arm, world, visit and signal: all that effects are made of.

    Returns
    -------
    table with arm, world, visit, signal, unit, assigned, present, dropped_out, lost;
        n, change, change_squares : change from day 0 of those still there
        start_n, start, start_squares : reading on day 0 of all who did not leave on it
        pairs, pair, pair_squares : difference of the changes of twins, arm minus comparator; 0 without twins
    """
    arms, worlds = len(result.arms), result.cohort.worlds
    against = result.arms.index(compared(plan)[1])
    start = _values(result, signals, 0)
    not_first = ~_columns(result, result.lost_day == 0)
    keep: dict[str, np.ndarray] = {}
    shape = (arms, worlds, len(visits), len(signals))
    for arm in range(arms):
        here, other = _of_arm(result, arm), _of_arm(result, against)
        begun = Moments.of(start[..., here], not_first[:, here])  # [signals, worlds]
        for place, visit in enumerate(visits):
            change = _values(result, signals, visit) - start
            gone = _columns(result, (result.lost_day >= 0) & (result.lost_day <= visit))
            present = _columns(result, result.present[visit] > 0.5)
            there = (present & ~gone)[None] & np.isfinite(change)
            moved = Moments.of(change[..., here], there[..., here])
            pairs = Moments.of(np.zeros((len(signals), worlds, 0)), np.zeros((1, worlds, 0), bool))
            if result.trial.twins and arm != against:
                pairs = Moments.of(change[..., here] - change[..., other], there[..., here] & there[..., other])
            counts = {
                "assigned": np.full((1, worlds), len(here)),
                "dropped_out": (~present & ~gone)[:, here].sum(axis=-1)[None], "lost": gone[:, here].sum(axis=-1)[None],
            }  # fmt: skip
            kinds = (("n", "change", moved), ("start_n", "start", begun), ("pairs", "pair", pairs))
            for count, mean, moments in kinds:
                counts |= {count: moments.count, mean: moments.mean, f"{mean}_squares": moments.squares}
            for name, value in counts.items():
                keep.setdefault(name, np.zeros(shape, value.dtype))[arm, :, place] = value.T
    arm, world, visit, signal = (axis.ravel() for axis in np.indices(shape))
    return pl.DataFrame(
        {
            "arm": np.array(result.arms)[arm], "world": world.astype(np.int32),
            "visit": np.array(visits, np.int32)[visit], "signal": np.array(signals)[signal],
            "unit": np.array([result.unit(one) for one in signals])[signal],
            **{name: value.ravel() for name, value in keep.items()},
        }
    )  # fmt: skip


def sketches(result: Result, signals: Sequence[str]) -> pl.DataFrame:
    """Return the weekly readings of people, worlds pooled, as sketches: arm, week, signal, bucket, count."""
    levels, there = _weekly(result, signals)
    parts = []
    for arm in range(len(result.arms)):
        here = _of_arm(result, arm)
        values = levels[..., here]
        seen = np.broadcast_to(there[:, None, :, here], values.shape)
        week, signal = np.nonzero(seen)[:2]
        parts.append(
            pl.DataFrame(
                {"arm": np.full(len(week), arm, np.int16), "week": week.astype(np.int32),
                 "signal": signal.astype(np.int16), "value": values[seen]}
            )
        )  # fmt: skip
    counts = counted(pl.concat(parts), CELL, "value")
    return counts.with_columns(
        pl.Series("arm", np.array(result.arms)[counts["arm"].to_numpy()], dtype=pl.String),
        pl.Series("signal", np.array(signals)[counts["signal"].to_numpy()], dtype=pl.String),
    )


def lost_table(result: Result) -> pl.DataFrame:
    """Return everybody who left the bounds of the model: person, world, arm, day, state."""
    return result.lost.select(*LOST)


def courses(result: Result, signals: Sequence[str], own: Mapping[int, int]) -> pl.DataFrame:
    """Return the daily course of some people in the first world, as `Result.table` gives it.

    Parameters
    ----------
    own : number of each person in the population, by his place in the chunk
    """
    apart = result.cohort.people // len(result.arms) if result.trial.twins else result.cohort.people
    columns = [place for place in range(result.cohort.people) if place % apart in own]
    days = result.mean.shape[0]
    left = result.lost_day[columns]
    frames = [
        pl.DataFrame(
            {
                "person": np.tile([result.cohort.names[place] for place in columns], days),
                "number": np.tile([own[place % apart] + 1 for place in columns], days),
                "arm": np.tile([result.arms[number] for number in result.arm[columns]], days),
                "day": np.repeat(np.arange(days), len(columns)),
                "present": (result.present[:, columns] > 0.5).ravel(),
                "lost": ((left >= 0) & (left <= np.arange(days)[:, None])).ravel(),
                **{name: getattr(result, name)[:, result.index(signal), columns].ravel()
                   for name in ("mean", "low", "high")},
            },
            schema=COURSE,
        ).with_columns(pl.lit(signal).alias("signal"), pl.lit(result.unit(signal)).alias("unit"))
        for signal in signals
    ]  # fmt: skip
    return pl.concat(frames)


COURSE = {
    "person": pl.String, "number": pl.Int64, "arm": pl.String, "day": pl.Int64, "present": pl.Boolean,
    "lost": pl.Boolean, "mean": pl.Float32, "low": pl.Float32, "high": pl.Float32,
}  # fmt: skip


def _columns(result: Result, values: np.ndarray) -> np.ndarray:
    """Array [..., columns] as [..., worlds, people]."""
    return values.reshape(*values.shape[:-1], result.cohort.worlds, result.cohort.people)


def _values(result: Result, signals: Sequence[str], day: int) -> np.ndarray:
    """Readings of a day, array [signals, worlds, people] in double precision."""
    places = [result.index(signal) for signal in signals]
    return _columns(result, result.mean[day, places].astype(float))


def _of_arm(result: Result, arm: int) -> np.ndarray:
    """Places of the people of an arm, the same in every world."""
    return np.flatnonzero(result.arm[: result.cohort.people] == arm)


def _weekly(result: Result, signals: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Weekly means [weeks, signals, worlds, people], and who counts [weeks, worlds, people]."""
    places, spans = [result.index(signal) for signal in signals], weeks(result.mean.shape[0])
    means = [result.mean[span.start : span.stop, places].astype(float).mean(axis=0) for span in spans]
    last = np.array([span[-1] for span in spans])
    there = (result.present[last] > 0.5) & ((result.lost_day < 0) | (result.lost_day > last[:, None]))
    levels = _columns(result, np.stack(means))
    # A reading that is no number never counts, whatever the person's state says.
    return np.nan_to_num(levels), _columns(result, there & np.isfinite(np.stack(means)).all(axis=1))
