"""Which paths carried an effect: wires are closed on copies of one person, all in one run.

A path-specific effect is what is left of the difference between two arms when every wire that
is not on the path rests. Effects of single paths need not add up: what is missing is named
`interaction`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from gutbrain.evidence.claims import grade_of
from gutbrain.model.axis import Axis, Wire
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Protocol, Trial

Progress = Callable[[int, int], None]
ORDER = ("measured", "published-model", "derived", "fitted", "recalled", "assumed")
LONGEST = 8  # wires on a path
MOST = 60  # paths that are run
NOTICEABLE = 0.001  # share of the effect that cutting a wire must change for it to count
WEEK = 7


@dataclass(frozen=True)
class Explanation:
    """Effect of an arm against its comparator on one outcome, for the reference person.

    Attributes
    ----------
    paths : columns path, effect, share, weakest_grade, edges (list of "signal -> listener")
    edges : columns edge, effect_without, share_lost, grade
    assumed_share : share of the summed path effects that ran through at least one `assumed` wire
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

    @property
    def strengths(self) -> dict[str, float]:
        """Share of the effect that is lost with each wire, by "signal -> listener"."""
        return {edge: abs(share) for edge, share in self.edges.select("edge", "share_lost").iter_rows()}


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
    progress: Progress | None = None,
) -> Explanation:
    """Decompose the difference between two arms of a trial on one signal into paths.

    Parameters
    ----------
    day : last day of the week whose mean is explained (default: end of the course)
    person : one settled column; the reference person by default

    Raises
    ------
    InputError
        If the trial has no such arm, or the axis no such signal.
    """
    from gutbrain.run.settle import settle

    one = person or settle(Cohort.reference(axis), step_minutes=step_minutes)
    pair = tuple(arm_named(trial, name) for name in (arm, comparator))
    last = min(trial.course_days if day is None else day, trial.days - 1)
    run = _Runner(axis, one, trial, pair, outcome, last, step_minutes, progress)
    wires = _candidates(axis, pair, outcome)
    closed: list[dict[tuple[str, str], float]] = [{}]
    closed += [{(wire.signal, wire.listener): 0.0} for wire in wires]
    without = run.effects(closed)
    total = without[0]
    # With no effect at all every share would be noise over noise.
    scale = total if abs(total) > 1e-9 else np.inf
    lost = (total - without[1:]) / scale
    edges = pl.DataFrame(
        {
            "edge": [str(wire) for wire in wires],
            "effect_without": without[1:],
            "share_lost": lost,
            "grade": [grade_of(wire.signal, wire.listener) for wire in wires],
        },
        schema={"edge": pl.String, "effect_without": pl.Float64, "share_lost": pl.Float64, "grade": pl.String},
    ).sort(pl.col("share_lost").abs(), descending=True)
    active = [wire for wire, share in zip(wires, lost, strict=True) if abs(share) > NOTICEABLE]
    paths = _paths(axis, pair, outcome, active, dict(zip(map(str, wires), np.abs(lost), strict=True)))
    everything = {(wire.signal, wire.listener) for wire in wires}
    only = [dict.fromkeys(everything - {(w.signal, w.listener) for w in path}, 0.0) for path in paths]
    effects = run.effects(only) if only else np.zeros(0)
    table = _path_table(axis, pair, paths, effects, total, scale)
    carried = table.filter(pl.col("path") != "interaction of paths")
    weight = float(carried["effect"].abs().sum())
    by_assumed = float(carried.filter(pl.col("weakest_grade") == "assumed")["effect"].abs().sum())
    return Explanation(
        outcome, axis.columns[outcome].unit, arm, comparator, last, float(total), table, edges,
        by_assumed / weight if weight else 0.0,
    )  # fmt: skip


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
    pair: tuple[Protocol, ...]
    outcome: str
    last: int
    step_minutes: float
    progress: Progress | None

    def effects(self, gates: Sequence[Mapping[tuple[str, str], float]]) -> np.ndarray:
        """Return the difference between the arms for each set of gates, array [sets]."""
        from gutbrain.run.fixed import integrate
        from gutbrain.run.simulate import drive_of

        copies = len(gates)
        columns = np.zeros(2 * copies, int)
        both = self.person.select(columns, 2 * copies, 1)
        arm = np.repeat([trial_place(self.trial, arm.name) for arm in self.pair], copies)
        trial = replace(self.trial, days=self.last + 1, visits=(0,))
        present = np.ones((trial.days, both.size))
        drive = drive_of(both, arm, trial, round(1440 / self.step_minutes), present, average=True)
        keys = sorted({(w.signal, w.listener) for w in self.axis.edges})
        openness = {key: np.array([gate.get(key, 1.0) for gate in (*gates, *gates)]) for key in keys}
        assert both.start is not None
        run = integrate(
            self.axis, both.start, both.parameters, drive, days=trial.days, step_minutes=self.step_minutes,
            labels=(self.outcome,), gates=openness, progress=self.progress, block=128,
        )  # fmt: skip
        week = run.mean[max(0, self.last - WEEK + 1) :, 0].astype(float).mean(axis=0)
        return np.asarray(week[:copies] - week[copies:])


def _entries(axis: Axis, pair: tuple[Protocol, ...]) -> dict[str, list[str]]:
    """Return the compartments that the differing acts enter, with the levers."""
    here, there = ({(act.lever, act.dose, act.start, act.end) for act in arm.acts} for arm in pair)
    entries: dict[str, list[str]] = {}
    for lever in sorted({act[0] for act in here ^ there}):
        for listener in axis.levers[lever.partition("[")[0]].listeners:
            entries.setdefault(listener, []).append(lever)
    return entries


def _candidates(axis: Axis, pair: tuple[Protocol, ...], outcome: str) -> list[Wire]:
    """Return the wires on some way from the acts to the outcome."""
    wires = [w for w in axis.edges if not w.cut]
    goal = axis.givers[axis.columns[outcome].signal].compartment
    forward = _reach(set(_entries(axis, pair)), [(w.giver, w.listener) for w in wires])
    backward = _reach({goal}, [(w.listener, w.giver) for w in wires])
    return [w for w in wires if w.giver in forward and w.listener in backward]


def _reach(start: set[str], links: list[tuple[str, str]]) -> set[str]:
    found, fresh = set(start), set(start)
    while fresh:
        fresh = {b for a, b in links if a in fresh} - found
        found |= fresh
    return found


def _paths(
    axis: Axis, pair: tuple[Protocol, ...], outcome: str, wires: list[Wire], weight: Mapping[str, float]
) -> list[tuple[Wire, ...]]:
    """List simple ways from the acts to the outcome over the active wires, the strongest first."""
    goal = axis.givers[axis.columns[outcome].signal].compartment
    found: list[tuple[Wire, ...]] = []

    def walk(place: str, path: tuple[Wire, ...], seen: frozenset[str]) -> None:
        if place == goal:
            found.append(path)
            return
        if len(path) == LONGEST or len(found) > 20 * MOST:
            return
        for wire in wires:
            if wire.giver == place and wire.listener not in seen:
                walk(wire.listener, (*path, wire), seen | {wire.listener})

    for entry in _entries(axis, pair):
        walk(entry, (), frozenset({entry}))
    found = list(dict.fromkeys(found))
    found.sort(key=lambda path: (-min((weight[str(w)] for w in path), default=1.0), len(path)))
    return found[:MOST]


def _path_table(
    axis: Axis,
    pair: tuple[Protocol, ...],
    paths: list[tuple[Wire, ...]],
    effects: np.ndarray,
    total: float,
    scale: float,
) -> pl.DataFrame:
    entries = _entries(axis, pair)
    goal_levers = {place: " + ".join(levers) for place, levers in entries.items()}
    rows = []
    for path, effect in zip(paths, effects, strict=True):
        begin = path[0].giver if path else next(iter(entries), "")
        words = [goal_levers.get(begin, begin), begin]
        for wire in path:
            words += [wire.signal, wire.listener]
        grades = [grade_of(wire.signal, wire.listener) for wire in path]
        grades += [grade_of(lever.partition("[")[0], begin) for lever in entries.get(begin, [])]
        known = [ORDER.index(grade) for grade in grades if grade in ORDER]
        rows.append(
            (
                " -> ".join(words),
                float(effect),
                float(effect / scale),
                ORDER[max(known, default=0)],
                [str(w) for w in path],
            )
        )
    rows.sort(key=lambda row: -abs(row[1]))
    rest = total - sum(row[1] for row in rows)
    rows.append(("interaction of paths", rest, rest / scale, "", []))
    return pl.DataFrame(rows, orient="row", schema={
        "path": pl.String, "effect": pl.Float64, "share": pl.Float64, "weakest_grade": pl.String,
        "edges": pl.List(pl.String),
    })  # fmt: skip


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
