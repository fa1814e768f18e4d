"""Which paths carried an effect: wires are closed on copies of one person, all in one run.

A path-specific effect is what is left of the difference between two arms when every wire that is not on the path
rests. A path visits no compartment twice: what runs round a loop of compartments once more, and what paths do
together, is the rest that is named `interaction of paths`. On a linear axis a path effect is the product of the
coefficients along it, and cutting a wire takes away its loops, a geometric series, as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from gutbrain.evidence.claims import claims, lowest_grade
from gutbrain.model.axis import Axis, Wire
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Protocol, Trial
from gutbrain.run.pathways import WAYS, Game, coalitions, pair_table, share_table
from gutbrain.run.reach import Reach, Way, moved_levers

Progress = Callable[[int, int], None]
Key = tuple[str, str]
MOST = 60  # paths that are run
NOTICEABLE = 0.001  # share of the effect that cutting a wire must change for it to count
ROUNDING = 4 * float(np.finfo(np.float32).eps)  # of the outcome: daily means are kept in single precision
WEEK = 7
REST = "interaction of paths"
UNKNOWN = {"grade": "assumed", "pathway": "behavioural", "direction": "side"}  # of an edge that has no claim yet


@dataclass(frozen=True)
class Explanation:
    """Effect of an arm against its comparator on one outcome, for the reference person.

    Attributes
    ----------
    levers : levers in which the arms differ; none if they do the same
    effect : mean of the week to `day`, arm less comparator, in `unit`
    noise : effects smaller than this are rounding, in `unit`
    paths : columns path, effect, share, weakest_grade, edges (list of "signal -> listener")
    edges : columns edge, effect_without, share_lost, grade, pathway, direction
    assumed_share : share of the summed path effects that ran through at least one `assumed` wire
    without_assumed : effect that is left when every `assumed` arrow on the way is closed, the levers' own included
    pathways, ways : columns of `pathways.share_table`; pathways, and directions, as players; None if not asked for
    pairs : columns one, other, interaction, of pathways
    interaction, ways_interaction : what players carry together beyond the sum of each alone, in `unit`
    """

    outcome: str
    unit: str
    arm: str
    comparator: str
    day: int
    effect: float
    paths: pl.DataFrame
    edges: pl.DataFrame
    assumed_share: float
    levers: tuple[str, ...] = ()
    noise: float = 0.0
    without_assumed: float = 0.0
    pathways: pl.DataFrame | None = None
    ways: pl.DataFrame | None = None
    pairs: pl.DataFrame | None = None
    interaction: float = 0.0
    ways_interaction: float = 0.0

    @property
    def strengths(self) -> dict[str, float]:
        """Share of the effect that is lost with each wire, by "signal -> listener"."""
        return {edge: abs(share) for edge, share in self.edges.select("edge", "share_lost").iter_rows()}

    @property
    def clear(self) -> bool:
        """Whether the effect is larger than rounding, so that shares of it mean something."""
        return abs(self.effect) > self.noise

    @property
    def carrying(self) -> pl.DataFrame:
        """Arrows whose cutting changes the effect noticeably."""
        least = max(NOTICEABLE * abs(self.effect), self.noise)
        return self.edges.filter((self.effect - pl.col("effect_without")).abs() > least)

    @property
    def weakest_grade(self) -> str:
        """Lowest grade among the arrows that carried the effect."""
        return lowest_grade(self.carrying["grade"])


def explain(
    axis: Axis,
    trial: Trial,
    arm: str,
    comparator: str,
    outcome: str,
    *,
    day: int | None = None,
    person: Cohort | None = None,
    step_minutes: float = 15.0,
    pathways: bool = False,
    known: pl.DataFrame | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Decompose the difference between two arms of a trial on one signal into paths.

    Parameters
    ----------
    day : last day of the week whose mean is explained (default: end of the course)
    person : one column, settled here unless it is; the reference person by default
    pathways : share the effect out among pathways, and among directions, as well
    known : columns signal, listener, grade, pathway, direction of edges (default: the claims); others are assumed

    Raises
    ------
    InputError
        If the trial has no such arm, or the axis no such signal.
    """
    from gutbrain.run.settle import settle

    last = min(trial.course_days if day is None else day, trial.days - 1)
    pair = arm_named(trial, arm), arm_named(trial, comparator)
    said = _Said.of(claims() if known is None else known)
    reach = Reach(axis, moved_levers(pair, last + 1), outcome)
    wires = reach.wires
    unit = axis.columns[outcome].unit
    if not reach.entering or not (wires or reach.paths([])):
        edges = _edge_table(wires, said, 0.0, np.zeros(len(wires)), clear=False)
        return Explanation(outcome, unit, arm, comparator, last, 0.0, _PATHS.clear(), edges, 0.0, reach.levers)
    one = person or Cohort.reference(axis)
    if one.start is None:
        one = settle(one, step_minutes=step_minutes)
    run = _Runner(axis, one, trial, pair, outcome, last, step_minutes, progress)
    unsourced = {key_of(w) for w in (*wires, *reach.entering) if said.grade(w).startswith("assumed")}
    found, level = run.effects([frozenset(), *(frozenset({key_of(w)}) for w in wires), frozenset(unsourced)])
    total, without = float(found[0]), found[1:-1]
    noise = ROUNDING * level
    clear = abs(total) > noise
    # With no effect at all every share would be noise over noise.
    scale = total if clear else np.inf
    change = np.abs(total - without)
    active = [w for w, moved in zip(wires, change, strict=True) if moved > max(NOTICEABLE * abs(total), noise)]
    weight = dict(zip(wires, change, strict=True))
    ways = sorted(reach.paths(active), key=lambda way: (-min((weight[w] for w in way), default=np.inf), len(way)))[
        :MOST
    ]
    everything = frozenset(key_of(w) for w in wires)
    sets = [everything - {key_of(w) for w in way} for way in ways]
    games = [_grouped(wires, said.pathway), _grouped(wires, said.way)] if pathways and wires else []
    for groups in games:
        sets += coalitions(groups)
    effects = run.effects(sets)[0] if sets else np.zeros(0)
    table = _path_table(reach, said, ways, effects[: len(ways)], total, scale)
    carried = table.filter(pl.col("path") != REST)
    size = float(carried["effect"].abs().sum())
    by_assumed = float(carried.filter(pl.col("weakest_grade") == "assumed")["effect"].abs().sum())
    plain = Explanation(
        outcome, unit, arm, comparator, last, total, table, _edge_table(wires, said, total, without, clear=clear),
        by_assumed / size if size else 0.0, reach.levers, noise, float(found[-1]),
    )  # fmt: skip
    if not games:
        return plain
    return _shared(plain, games, effects[len(ways) :], {key_of(w): said.grade(w) for w in active})


def _shared(
    plain: Explanation, games: list[dict[str, list[Key]]], worth: np.ndarray, grades: Mapping[Key, str]
) -> Explanation:
    """Add the shares of both games."""
    middle = 2 ** len(games[0])
    first = Game(tuple(games[0]), worth[:middle])
    second = Game(tuple(games[1]), worth[middle:])
    return replace(
        plain, pathways=share_table(first, games[0], grades, plain.clear),
        ways=share_table(second, games[1], grades, plain.clear), pairs=pair_table(first),
        interaction=first.interaction, ways_interaction=second.interaction,
    )  # fmt: skip


def key_of(wire: Wire) -> Key:
    """Return what names a wire for the engine."""
    return wire.signal, wire.listener


@dataclass(frozen=True)
class _Said:
    """What is known of edges, by (signal, listener)."""

    rows: Mapping[Key, Mapping[str, str]]

    @classmethod
    def of(cls, table: pl.DataFrame) -> _Said:
        return cls({(row["signal"], row["listener"]): row for row in table.iter_rows(named=True)})

    def grade(self, wire: Wire) -> str:
        return self.rows.get(key_of(wire), UNKNOWN)["grade"]

    def pathway(self, wire: Wire) -> str:
        return self.rows.get(key_of(wire), UNKNOWN)["pathway"]

    def way(self, wire: Wire) -> str:
        direction = self.rows.get(key_of(wire), UNKNOWN)["direction"]
        return direction if direction in WAYS else "side"


def _grouped(wires: Sequence[Wire], by: Callable[[Wire], str]) -> dict[str, list[Key]]:
    """Sort wires into the players of a game."""
    groups: dict[str, list[Key]] = {}
    for wire in wires:
        groups.setdefault(by(wire), []).append(key_of(wire))
    return groups


def trial_place(trial: Trial, name: str) -> int:
    """Return the number of an arm."""
    return trial.arms.index(arm_named(trial, name))


def arm_named(trial: Trial, name: str) -> Protocol:
    """Return an arm of a trial by name.

    Raises
    ------
    InputError
        Naming the nearest arm.
    """
    from gutbrain.errors import InputError
    from gutbrain.model.axis import nearest

    for arm in trial.arms:
        if arm.name == name:
            return arm
    raise InputError(f"the trial has no arm {name!r}{nearest(name, [arm.name for arm in trial.arms])}")


@dataclass(frozen=True)
class _Runner:
    """Runs copies of one person through two arms, each pair of copies with its own wires closed."""

    axis: Axis
    person: Cohort
    trial: Trial
    pair: tuple[Protocol, Protocol]
    outcome: str
    last: int
    step_minutes: float
    progress: Progress | None

    def effects(self, closed: Sequence[frozenset[Key]]) -> tuple[np.ndarray, float]:
        """Return the difference between the arms for each set of closed wires, array [sets], and the largest level."""
        from gutbrain.run.fixed import integrate
        from gutbrain.run.simulate import drive_of

        distinct = list(dict.fromkeys(closed))
        copies = len(distinct)
        both = self.person.select(np.zeros(2 * copies, int), 2 * copies, 1)
        arm = np.repeat([trial_place(self.trial, arm.name) for arm in self.pair], copies)
        trial = replace(self.trial, days=self.last + 1, visits=(0,))
        present = np.ones((trial.days, both.size))
        drive = drive_of(both, arm, trial, round(1440 / self.step_minutes), present, average=True)
        # Every wire has a gate, so that all runs share one compiled day.
        moved = {lever.partition("[")[0] for lever in drive.levers}
        keys = sorted({key_of(w) for w in self.axis.wires.values() if w.giver or w.signal in moved})
        gates = {key: np.array([float(key not in wires) for wires in (*distinct, *distinct)]) for key in keys}
        assert both.start is not None
        run = integrate(
            self.axis, both.start, both.parameters, drive, days=trial.days, step_minutes=self.step_minutes,
            labels=(self.outcome,), gates=gates, progress=self.progress, block=128,
        )  # fmt: skip
        week = run.mean[max(0, self.last - WEEK + 1) :, 0].astype(float).mean(axis=0)
        effects = dict(zip(distinct, week[:copies] - week[copies:], strict=True))
        return np.array([effects[wires] for wires in closed]), float(np.abs(week).max())


_PATHS = pl.DataFrame(schema={
    "path": pl.String, "effect": pl.Float64, "share": pl.Float64, "weakest_grade": pl.String,
    "edges": pl.List(pl.String),
})  # fmt: skip


def _edge_table(wires: Sequence[Wire], said: _Said, total: float, without: np.ndarray, clear: bool) -> pl.DataFrame:
    """Return what is left of the effect without each wire, those that matter most first."""
    rows = [
        (str(wire), float(left), (total - float(left)) / total if clear else 0.0, said.grade(wire),
         said.pathway(wire), said.way(wire))
        for wire, left in zip(wires, without, strict=True)
    ]  # fmt: skip
    rows.sort(key=lambda row: -abs(total - row[1]))
    return pl.DataFrame(rows, orient="row", schema={
        "edge": pl.String, "effect_without": pl.Float64, "share_lost": pl.Float64, "grade": pl.String,
        "pathway": pl.String, "direction": pl.String,
    }).unique("edge", keep="first", maintain_order=True)  # fmt: skip


def _path_table(
    reach: Reach, said: _Said, ways: list[Way], effects: np.ndarray, total: float, scale: float
) -> pl.DataFrame:
    """Return the effect of each path, the largest first, and what they do together."""
    rows = []
    for way, effect in zip(ways, effects, strict=True):
        if not way and effect == 0:  # a lever enters there, and moves something else
            continue
        opening = reach.opening(way)
        begin = opening[0].listener
        levers = {w.signal for w in opening}
        words = [" + ".join(lever for lever in reach.levers if lever.partition("[")[0] in levers), begin]
        for wire in way:
            words += [wire.signal, wire.listener]
        grades = [said.grade(w) for w in (*opening, *way)]
        edges = [str(wire) for wire in way]
        rows.append((" -> ".join(words), float(effect), float(effect / scale), lowest_grade(grades), edges))
    rows.sort(key=lambda row: -abs(row[1]))
    rest = total - sum(row[1] for row in rows)
    rows.append((REST, rest, rest / scale, "", []))
    return pl.DataFrame(rows, orient="row", schema=_PATHS.schema)


def sensitivities(
    axis: Axis,
    trial: Trial,
    arm: str,
    comparator: str,
    outcome: str,
    *,
    step_minutes: float = 15.0,
    progress: Progress | None = None,
    most: int = 12,
) -> tuple[pl.DataFrame, Cohort]:
    """Return the parameters without a source whose belief moves the effect most, and the reference person.

    Each is raised by one belief standard deviation on a copy of the reference person, who is
    settled anew; columns parameter, value, unit, grade, source, about, effect, effect_change.
    """
    from gutbrain.run.fixed import integrate
    from gutbrain.run.settle import settle
    from gutbrain.run.simulate import drive_of

    names = [
        name for name, param in axis.parameters.items()
        if param.belief is not None and not param.closed and param.grade.split(" ")[0] in ("assumed", "recalled")
    ]  # fmt: skip
    copies = len(names) + 1
    base = Cohort.reference(axis).select(np.zeros(2 * copies, int), 2 * copies, 1)
    parameters = dict(base.parameters)
    for place, name in enumerate(names):
        belief = axis.parameters[name].belief
        assert belief is not None
        raised = np.repeat(parameters[name], 2 * copies, axis=-1)
        raised[..., [place + 1, place + 1 + copies]] = np.asarray(belief.around(parameters[name], 1.0))
        parameters[name] = raised
    pair = tuple(arm_named(trial, name) for name in (arm, comparator))
    last = min(trial.course_days, trial.days - 1)
    short = replace(trial, days=last + 1, visits=(0,))
    levers = tuple(act.lever for _, act in short.acts)
    people = Cohort(axis, 2 * copies, 1, 0, parameters, tuple(str(i) for i in range(2 * copies)))
    settled = settle(people, step_minutes=step_minutes, levers=levers, progress=None)
    present = np.ones((short.days, settled.size))
    arms = np.repeat([trial_place(trial, one.name) for one in pair], copies)
    drive = drive_of(settled, arms, short, round(1440 / step_minutes), present, average=True)
    assert settled.start is not None
    run = integrate(
        axis, settled.start, settled.parameters, drive, days=short.days, step_minutes=step_minutes, progress=progress
    )
    week = run.mean[max(0, last - WEEK + 1) :, run.labels.index(outcome)].astype(float).mean(axis=0)
    effect = np.where(run.lost_day < 0, week, np.nan)
    effect = effect[:copies] - effect[copies:]
    rows = [
        (n, float(np.ravel(p.value)[0]), p.unit, p.grade, p.source, p.about, float(e), float(e - effect[0]))
        for n, p, e in zip(names, (axis.parameters[name] for name in names), effect[1:], strict=True)
    ]
    columns = ("parameter", "value", "unit", "grade", "source", "about", "effect", "effect_change")
    table = pl.DataFrame(rows, schema=columns, orient="row").filter(pl.col("effect_change").is_finite())
    person = settled.select(np.zeros(1, int), 1, 1)
    return table.sort(pl.col("effect_change").abs(), descending=True).head(most), person
