"""Two people at the two ends of the channel, healthy and stressed for weeks, in worlds where closed arrows are opened.

All columns are settled and run together, so that one compiled day serves everything that is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.evidence.claims import claims
from gutbrain.model.apart import Parts, taken_apart
from gutbrain.model.axis import Axis, nearest
from gutbrain.model.stability import loop_gain
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.exposure import chronic_stress
from gutbrain.protocols.protocol import Act
from gutbrain.run.channel import (
    BRAIN,
    Answer,
    Pair,
    Round,
    answers,
    gains,
    lever_names,
    opened_loop,
    pushed,
    round_trip,
    sizes,
    stressed_levers,
    usual_push,
)
from gutbrain.run.drive import Drive
from gutbrain.run.engines import AUTO, choose
from gutbrain.run.settle import settle

Progress = Callable[[str, int, int], None]
HEALTHY, STRESSED = "healthy", "stressed"
STEP_MINUTES = 15.0
SMALL = 1 / 20  # of a usual push: small enough for the linear answer
SEEN = 1e-5  # of the level: smaller changes of a run are rounding
SOURCED, OPENED = "as sourced", "opened"

Array = np.ndarray


@dataclass(frozen=True)
class Channel:
    """The axis as a two-way channel.

    Attributes
    ----------
    axis : its name
    people : who was looked at
    weeks : of stress of the stressed person
    pairs : what goes in and out
    answers : by person, in the order of the pairs
    rounds : loop through both halves, by person
    mucosal : loop gain of inflammation within the gut by the formula of the axis
    worlds : person, way, input, output, arrows (as sourced, opened), low, middle, high, worlds: static gains, 90 %
    loops : person, arrows, low, middle, high, lost: largest modulus of the loop, 90 %; worlds without rest
    opened : parameters that were opened
    check : input, output, size, push, days, linear, run, error: steps of the full model beside the linear ones
    runs : input, output, size, push, day, change: their courses
    said : what had to be done otherwise, in sentences
    """

    axis: str
    people: tuple[str, ...]
    weeks: float
    pairs: tuple[Pair, ...]
    answers: dict[str, list[Answer]]
    rounds: dict[str, Round]
    mucosal: float
    worlds: pl.DataFrame
    loops: pl.DataFrame
    opened: tuple[str, ...]
    check: pl.DataFrame
    runs: pl.DataFrame
    said: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    """One column of the run: who, in which world, under what push."""

    person: str
    arrows: str = SOURCED
    world: int = -1
    push: str = ""
    size: str = ""


def closed_upward(axis: Axis) -> tuple[str, ...]:
    """Return the closed strengths of arrows that the claims call `up`, from gut and body to brain."""
    up = claims().filter(pl.col("default_zero"), pl.col("direction") == "up")
    names = [name for text in up["strength_parameter"] for name in text.split()]
    return tuple(name for name in names if name in axis.parameters and axis.parameters[name].closed)


def refuse_unopenable(axis: Axis, names: Sequence[str]) -> None:
    """Refuse what cannot be opened.

    Raises
    ------
    InputError
        Naming the nearest closed parameter.
    """
    closed = [name for name, param in axis.parameters.items() if param.closed]
    for name in names:
        if name not in axis.parameters:
            raise InputError(f"--open: no parameter {name!r}{nearest(name, closed)}")
        if name not in closed:
            raise InputError(f"--open: {name!r} is not closed", mend=f"Closed are: {', '.join(closed)}")


def channel(
    axis: Axis,
    pairs: Sequence[Pair],
    people: Sequence[str] = (HEALTHY, STRESSED),
    *,
    weeks: float = 8,
    worlds: int = 0,
    opened: Sequence[str] | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Channel:
    """Linearise an axis around the day of people and read it as a channel.

    Parameters
    ----------
    pairs : of `channel.pairs_of`
    people : `healthy`, `stressed`
    weeks : of stress; the state at their end is linearised with the levers held at their mean of a stressed day
    worlds : draws of belief for ranges; 0 gives none
    opened : closed strengths that are drawn from their prior (those from gut to brain without it)

    Raises
    ------
    InputError
        If the axis has no lever of stress, or what is to be opened is not closed.
    """
    stress = [act for act in chronic_stress(weeks=weeks, start=0).acts if act.lever in lever_names(axis)]
    if STRESSED in people and not stress:
        raise InputError(f"the axis {axis.name!r} has no lever of stress", mend="Ask for --person healthy")
    names = closed_upward(axis) if opened is None else tuple(opened)
    refuse_unopenable(axis, names)
    healthy = HEALTHY in people
    checked = [by for by in dict.fromkeys(pair.by for pair in pairs) if by in lever_names(axis) and healthy]
    columns = [_Column(HEALTHY), *(_Column(STRESSED) for _ in people if _ == STRESSED)]
    columns += [_Column(HEALTHY, push=by, size=size) for by in checked for size in ("small", "large")]
    columns += [_Column(person, arrows, world) for arrows in (SOURCED, OPENED) for world in range(worlds)
                for person in people]  # fmt: skip
    cohort = _cohort(axis, columns, worlds, names, seed)
    days = max(1, round(7 * weeks))
    outputs = tuple(dict.fromkeys(pair.to for pair in pairs))
    acts = [*stress, *(Act(by, 1.0) for by in checked)]
    levers = tuple(act.lever for act in acts)
    engine = choose(AUTO, columns=len(columns), step_minutes=STEP_MINUTES)
    cohort = settle(cohort, levers=levers, labels=outputs, integrate=engine.settling(),
                    progress=_told(progress, "settling"))  # fmt: skip
    assert cohort.start is not None
    dose = _doses(axis, columns, stress, checked)
    steps = engine.shapes(STEP_MINUTES)
    shape = np.stack([act.values(np.arange(days * steps) / steps, 1 / steps) for act in acts], 1)
    drive = Drive(levers, dose, shape, np.zeros(len(acts)), np.ones((days, len(columns))))
    run = engine.integrate()(axis, cohort.start, cohort.parameters, drive, days=days, labels=outputs,
                             progress=_told(progress, "living"))  # fmt: skip
    held = {act.lever: stressed_levers()[act.lever] for act in stress}
    looked = _Looked(axis, tuple(pairs), cohort, run.end, held, columns, progress)
    base = [place for place, column in enumerate(columns) if not column.push and column.world < 0
            and column.person in people]  # fmt: skip
    drawn = [place for place, column in enumerate(columns) if column.world >= 0 and run.lost_day[place] < 0]
    found, rounds = looked.answers(base)
    table, loops = looked.worlds(drawn)
    check, runs = _checked(axis, pairs, columns, run.mean.astype(float), found.get(HEALTHY, []))
    lost = sum(run.lost_day[place] >= 0 for place in range(len(columns)))
    said = [f"{lost} of {len(columns)} runs left the bounds of the model and were left out"] if lost else []
    mucosal = float(loop_gain(axis, axis.defaults())[0])
    return Channel(axis.name, tuple(people), weeks, tuple(pairs), found, rounds, mucosal, table, loops, names, check,
                   runs, tuple(said))  # fmt: skip


def _told(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else (lambda done, total: progress(what, done, total))


def _cohort(axis: Axis, columns: Sequence[_Column], worlds: int, names: tuple[str, ...], seed: int) -> Cohort:
    """Return one column a case: the reference person, and draws that opened and closed worlds share."""
    reference = Cohort.reference(axis)
    draws = {arrows: Cohort.draw(axis, 1, worlds, seed, opening).parameters
             for arrows, opening in ((SOURCED, ()), (OPENED, names)) if worlds}  # fmt: skip
    parameters = {}
    for name, value in reference.parameters.items():
        drawn = {arrows: np.broadcast_to(own[name], (*value.shape[:-1], worlds)) for arrows, own in draws.items()}
        own = [drawn[column.arrows][..., column.world] if column.world >= 0 else value[..., 0] for column in columns]
        parameters[name] = value if all(np.array_equal(one, own[0]) for one in own) else np.stack(own, -1)
    labels = tuple(f"column {number}" for number in range(len(columns)))
    return Cohort(axis, len(columns), 1, seed, parameters, labels)


def _doses(axis: Axis, columns: Sequence[_Column], stress: Sequence[Act], checked: Sequence[str]) -> Array:
    """Return the dose of every act in every column, array [acts, columns]."""
    rows = [[act.dose if column.person == STRESSED else 0.0 for column in columns] for act in stress]
    rows += [[_push(axis, column) if column.push == by else 0.0 for column in columns] for by in checked]
    return np.array(rows)


def _push(axis: Axis, column: _Column) -> float:
    return usual_push(axis, column.push) * (SMALL if column.size == "small" else 1.0)


@dataclass(frozen=True)
class _Looked:
    """Columns of a run that are linearised around the last day they have lived."""

    axis: Axis
    pairs: tuple[Pair, ...]
    cohort: Cohort
    end: Array
    held: dict[str, float]
    columns: Sequence[_Column]
    progress: Progress | None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What is pushed."""
        return tuple(dict.fromkeys(pair.by for pair in self.pairs))

    def _each(self, places: Sequence[int], side: Array | float = 1.0) -> Iterator[Parts]:
        """Take columns apart, one after the other: many do not fit into memory at once."""
        take = np.array(places, int)
        stressed = np.array([self.columns[place].person == STRESSED for place in places])
        start = self.cohort.start
        assert start is not None
        state = np.where(stressed, self.end[:, take], start[:, take])
        parameters = {key: value if value.shape[-1] == 1 else value[..., take]
                      for key, value in self.cohort.parameters.items()}  # fmt: skip
        levers = {name: np.where(stressed, dose, 0.0) for name, dose in self.held.items()}
        signals = [*(pair.to for pair in self.pairs), *(by for by in self.inputs if by in self.axis.columns)]
        return taken_apart(self.axis, parameters, state, levers, dict.fromkeys(signals), side,
                           _told(self.progress, "linearising"))  # fmt: skip

    def _sides(self, places: Sequence[int], read: Callable[[Parts], Any]) -> tuple[list[Any], Array]:
        """Return what is read from each column, and to which side each input pushes it, [rows, columns, inputs]."""
        rounds, sides = [], []
        for parts in self._each(places):
            rounds.append(read(parts))
            sides.append(parts.closed(np.stack([pushed(parts, by) for by in self.inputs], 1)).leaning())
        return rounds, np.stack(sides, 1)

    def answers(self, places: Sequence[int]) -> tuple[dict[str, list[Answer]], dict[str, Round]]:
        """Return answers and loops, by person."""
        rounds, sides = self._sides(places, round_trip)
        count = len(self.inputs)
        twice = [place for place in places for _ in range(count)]
        parts = list(self._each(twice, sides.reshape(len(sides), -1)))
        found = {}
        for number, place in enumerate(places):
            own = dict(zip(self.inputs, parts[number * count : (number + 1) * count], strict=True))
            found[self.columns[place].person] = answers(self.axis, own, self.pairs)
        return found, {self.columns[place].person: one for place, one in zip(places, rounds, strict=True)}

    def worlds(self, places: Sequence[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return 90 % ranges of static gains, and of the loop."""
        if not places:
            return pl.DataFrame(), pl.DataFrame()
        rounds, sides = self._sides(places, lambda parts: opened_loop(parts)[0])
        count = len(self.inputs)
        twice = [place for place in places for _ in range(count)]
        rows = []
        for number, parts in enumerate(self._each(twice, sides.reshape(len(sides), -1))):
            column, by = self.columns[twice[number]], self.inputs[number % count]
            own = [pair for pair in self.pairs if pair.by == by]
            rows += [(column.person, pair.way, pair.by, pair.to, column.arrows, float(gain))
                     for pair, gain in zip(own, gains(parts, own), strict=True)]  # fmt: skip
        keys = ["person", "way", "input", "output", "arrows"]
        table = pl.DataFrame(rows, schema=[*keys, "gain"], orient="row")
        loops = pl.DataFrame(
            [(self.columns[place].person, self.columns[place].arrows, float(sizes(one).max()), one.growth() >= 0)
             for place, one in zip(places, rounds, strict=True)],
            schema=["person", "arrows", "gain", "lost"], orient="row",
        )  # fmt: skip
        ends = [pl.col("gain").drop_nans().quantile(share, "linear").alias(name)
                for name, share in (("low", 0.05), ("middle", 0.5), ("high", 0.95))]  # fmt: skip
        return (
            table.group_by(keys, maintain_order=True).agg(*ends, pl.len().alias("worlds")),
            loops.group_by("person", "arrows", maintain_order=True).agg(*ends, pl.col("lost").sum(), pl.len().alias(
                "worlds")),
        )  # fmt: skip


def _checked(axis: Axis, pairs: Sequence[Pair], columns: Sequence[_Column], mean: Array, linear: Sequence[Answer],
             ) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """Compare steps of the full model with linear ones at the last day; `mean` is [days, outputs, columns]."""
    outputs, days = list(dict.fromkeys(pair.to for pair in pairs)), len(mean)
    rows, courses = [], []
    for answer in linear:
        pair, row = answer.pair, outputs.index(answer.pair.to)
        for place, column in enumerate(columns):
            if column.push != pair.by:
                continue
            push, change = _push(axis, column), mean[:, row, place] - mean[:, row, 0]
            aimed = push * float(np.interp(days - 0.5, answer.times, answer.step))
            seen = abs(change[-1]) > SEEN * abs(mean[-1, row, 0])
            error = 100 * (aimed / change[-1] - 1) if seen else np.nan
            rows.append((pair.way, pair.by, pair.to, column.size, push, days, aimed, float(change[-1]), error))
            courses += [(pair.by, pair.to, column.size, push, day + 0.5, float(change[day])) for day in range(days)]
    names = ["way", "input", "output", "size", "push", "days", "linear", "run", "error"]
    return (
        pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None),
        pl.DataFrame(courses, schema=["input", "output", "size", "push", "day", "change"], orient="row"),
    )


__all__ = ["BRAIN", "HEALTHY", "STRESSED", "Channel", "channel", "closed_upward", "refuse_unopenable"]
