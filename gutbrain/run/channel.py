"""The axis as a two-way channel: what passes from stress to gut and from gut to mood, and what goes round.

An axis is linearised around the day of a person, once at rest and once at the end of weeks of stress. Linear answers
hold for small pushes; a run of the full model beside them says how far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.evidence.claims import UNSOURCED, base_grade, claims, lowest_grade
from gutbrain.model.apart import Closed, Parts
from gutbrain.model.axis import Axis, Wire, nearest
from gutbrain.model.frequency import Loop, Margins, Path, margin_by_scaling, margins, path
from gutbrain.protocols.exposure import chronic_stress

BRAIN = ("vagus", "hpa", "sleep", "appraisal", "affect", "practice")  # compartments of the upper half
PERIODS = np.geomspace(1 / 24, 365, 181)  # days
TIMES = (1 / 24, 365)  # days, of a course
DOWN_INPUTS = ("protocol.threat", "protocol.chronic_load")
DOWN_OUTPUTS = (
    "barrier.permeability", "immune.mucosal_activity", "enteric.colonic_transit_hours", "colon.endotoxin_load",
    "blood.il6", "vagus.tone",
)  # fmt: skip
UP_INPUTS = ("protocol.fibre_extra", "protocol.il6_pulse", "barrier.translocation", "colon.butyrate")
UP_OUTPUTS = ("blood.il6", "mind.negative_affect", "hpa.cortisol")
NOTHING = 1e-9  # of the level: an answer to a usual push that is none
USUAL = 0.3  # of the range of a lever that stress does not move, or of the level of a signal: a push to speak of

Array = np.ndarray


@dataclass(frozen=True)
class Pair:
    """One way through the channel: an input, an output, and whether it runs `down` or `up`."""

    way: str
    by: str
    to: str

    def __str__(self) -> str:
        return f"{self.by} -> {self.to}"


@dataclass(frozen=True)
class Answer:
    """How an output answers to an input around one person's day.

    Attributes
    ----------
    level : where the output stands, mean of the day
    gain : answer to a lasting push, unit of the output per unit of the input; NaN if it never settles
    elasticity : per cent per per cent, where both stand above 0; else NaN
    usual_push : a push that people meet, unit of the input
    usual_percent : answer to it, per cent of where the output stands; NaN where it stands at 0
    delay : mean time of the answer to an impulse, days (the group delay of slow changes)
    half_time : until half of the answer to a lasting push, days
    bandwidth : period of the slowest change whose answer is 3 dB below the static one, days; NaN if there is none
    peak, peak_period : largest gain over the static one, if it stands out, and its period (days)
    grade : weakest grade of the arrows on any way from input to output
    sourced_gain : gain with every arrow held that has no source
    crosses : whether the output belongs to the half to which the way leads
    response : complex gain at each of `PERIODS`
    times, step : days, and the answer there to a push of one unit that stays
    """

    pair: Pair
    unit: str
    input_unit: str
    level: float
    gain: float
    elasticity: float
    usual_push: float
    usual_percent: float
    delay: float
    half_time: float
    bandwidth: float
    peak: float
    peak_period: float
    grade: str
    sourced_gain: float
    crosses: bool
    response: Array
    times: Array
    step: Array


@dataclass(frozen=True)
class Round:
    """The loop through both halves, opened where signals leave the gut for the brain.

    Attributes
    ----------
    wires : the cut wires that carry something round
    margins : by the characteristic loci of the return matrix
    by_scaling : gain margin by multiplying the cut wires until a push grows
    growth : fastest growth, of what goes round, with the loop closed, per day
    apart : the same with the loop open
    loci : largest modulus of a locus at each of `PERIODS`
    grade : weakest grade of these wires
    """

    wires: tuple[str, ...]
    margins: Margins
    by_scaling: float
    growth: float
    apart: float
    loci: Array
    grade: str


def pairs_of(axis: Axis, down: Sequence[str] = (), up: Sequence[str] = ()) -> tuple[Pair, ...]:
    """Return the asked pairs, each written "input -> output", or the usual ones.

    Raises
    ------
    InputError
        For what is no pair, an unknown input or output, or a signal that nobody else reads.
    """
    made = [_pair(axis, way, text) for way, texts in (("down", down), ("up", up)) for text in texts]
    if made:
        return tuple(dict.fromkeys(made))
    usual = [Pair("down", by, to) for by in DOWN_INPUTS for to in DOWN_OUTPUTS]
    usual += [Pair("up", by, to) for by in UP_INPUTS for to in UP_OUTPUTS]
    known = {*lever_names(axis), *axis.columns}
    made = [pair for pair in usual if pair.by in known and pair.to in axis.columns]
    if not made:
        mend = f'Name what goes in and out: --down "INPUT -> OUTPUT" (levers: {", ".join(list(lever_names(axis))[:5])})'
        raise InputError(f"the axis {axis.name!r} has none of the usual inputs and outputs", mend=mend)
    return tuple(made)


def lever_names(axis: Axis) -> dict[str, str]:
    """Return the unit of every lever row, by name."""
    return {f"{name}[{label}]" if label else name: lever.unit
            for name, lever in axis.levers.items() for label in (lever.over or ("",))}  # fmt: skip


def _pair(axis: Axis, way: str, text: str) -> Pair:
    by, arrow, to = (part.strip() for part in text.partition("->"))
    if not (by and arrow and to):
        raise InputError(f"--{way}: {text!r} is no pair", mend=f'Write --{way} "protocol.chronic_load -> blood.il6"')
    levers = lever_names(axis)
    if to not in axis.columns:
        raise InputError(f"--{way}: the axis gives no signal {to!r}{nearest(to, axis.columns)}")
    if by not in levers and by not in axis.columns:
        raise InputError(f"--{way}: {by!r} is neither a lever nor a signal{nearest(by, (*levers, *axis.columns))}")
    read = {wire.signal for wire in axis.wires.values() if wire.giver and not wire.cut}
    if by in axis.columns and axis.columns[by].signal not in read:
        mend = "Name a signal that other compartments read (`gutbrain show edges` lists them), or a lever"
        raise InputError(f"--{way}: no other compartment reads {by!r}, so a push on it would reach nobody", mend=mend)
    return Pair(way, by, to)


def pushed(parts: Parts, by: str) -> Array:
    """Return what one unit of a lever, or of a signal as its listeners read it, adds to each input, array [inputs]."""
    if by in parts.levers:
        return parts.moved[:, parts.levers.index(by)]
    return parts.joins[:, parts.signals.index(by)]


def answers(axis: Axis, sides: Mapping[str, Parts], pairs: Sequence[Pair]) -> list[Answer]:
    """Return how outputs answer to inputs around one person's day.

    Parameters
    ----------
    sides : by input, the axis apart as it is on the side to which that input pushes it
    """
    made = []
    for by, parts in sides.items():
        entry = pushed(parts, by)
        whole = parts.closed(entry[:, None]).mean()
        known = np.array([grade_of_wire(wire) != UNSOURCED for wire in parts.wires])
        # A lever whose own arrow into the body has no source carries nothing either.
        sourced = parts.closed((entry * known)[:, None], known.astype(float)).mean()
        for pair in (one for one in pairs if one.by == by):
            row = parts.signals.index(pair.to)
            found = _answer(axis, parts, pair, _path(whole, row), _path(sourced, row).static(), on_way(parts, by, row))
            made.append(found)
    return sorted(made, key=lambda answer: pairs.index(answer.pair))


def _path(closed: Closed, row: int) -> Path:
    return path(closed.rates, closed.entries[:, 0], closed.outputs[row], float(closed.through[row, 0]))


def gains(parts: Parts, pairs: Sequence[Pair]) -> Array:
    """Return the static gain of pairs that share their input, array [pairs]."""
    whole = parts.closed(pushed(parts, pairs[0].by)[:, None]).mean()
    return np.array([_path(whole, parts.signals.index(pair.to)).static() for pair in pairs])


def _answer(axis: Axis, parts: Parts, pair: Pair, here: Path, sourced: float, on: Array) -> Answer:
    wires = [parts.wires[place] for place in np.flatnonzero(on)]
    level = float(parts.level[:, parts.signals.index(pair.to)].mean())
    gain, input_unit, stands, usual = here.static(), *input_stands(axis, parts, pair.by)
    crosses = (axis.givers[axis.columns[pair.to].signal].compartment in BRAIN) is (pair.way == "up")
    if abs(gain * usual) < NOTHING * abs(level):
        # Every way is shut on this side of rest: an arrow that acts above a threshold only.
        here, gain = Path(np.zeros((0, 0)), np.zeros(0), np.zeros(0), 0.0), 0.0
    both = stands > 0 and level > 0
    peak, peak_period = here.peak(PERIODS) if here.settles else (np.nan, np.nan)
    return Answer(
        pair, axis.columns[pair.to].unit, input_unit, level, gain, gain * stands / level if both else np.nan, usual,
        100 * gain * usual / abs(level) if level else np.nan, here.delay(), here.half_time(),
        here.bandwidth(PERIODS), peak, peak_period, lowest_grade(map(grade_of_wire, wires)) if wires else "",
        sourced, crosses, here.transfer(PERIODS), *here.course(TIMES[0], TIMES[-1]),
    )  # fmt: skip


def input_stands(axis: Axis, parts: Parts, by: str) -> tuple[str, float, float]:
    """Return the unit of an input, where it stands, and a usual push."""
    if by not in parts.levers:
        stands = float(parts.level[:, parts.signals.index(by)].mean())
        return axis.columns[by].unit, stands, USUAL * abs(stands) if stands else 1.0
    lever, stands = axis.levers[by.partition("[")[0]], float(parts.held[parts.levers.index(by)])
    return lever.unit, stands, usual_push(axis, by)


def usual_push(axis: Axis, by: str) -> float:
    """Return a push of a lever that people meet: that of stress, or a share of the way to its highest value."""
    stress = stressed_levers()
    if by in stress:
        return stress[by]
    lever = axis.levers[by.partition("[")[0]]
    rest = 0.0 if isinstance(lever.rest, str) else float(np.max(lever.rest))
    return USUAL * ((lever.high - rest) if lever.high is not None and lever.high > rest else abs(rest)) or 1.0


@cache
def stressed_levers() -> dict[str, float]:
    """Return the levers of chronic stress with their mean over a stressed day, offsets in their units."""
    steps = np.arange(96) / 96
    return {act.lever: act.dose * float(act.values(steps, 1 / 96).mean()) for act in chronic_stress(start=0).acts}


def grade_of_wire(wire: Wire) -> str:
    """Return the grade of a wire's claim without the species; without a claim it has no source."""
    return _grades().get((wire.signal, wire.listener), UNSOURCED)


@cache
def _grades() -> dict[tuple[str, str], str]:
    rows = claims().select("signal", "listener", "grade").iter_rows()
    return {(signal, listener): base_grade(grade) for signal, listener, grade in rows}


def on_way(parts: Parts, by: str, row: int) -> Array:
    """Say which inputs lie on any way from a push to a signal, array [inputs] of bool.

    Parameters
    ----------
    by : lever or signal that is pushed
    row : of the signal that answers
    """
    states, inputs, signals = len(parts.states), len(parts.inputs), len(parts.signals)
    moves = np.zeros((states + inputs + signals,) * 2, bool)  # of the column on the row
    moves[:states, :states] = np.any(parts.rates != 0, 0)
    moves[:states, states : states + inputs] = np.any(parts.entries != 0, 0)
    moves[states : states + inputs, states + inputs :] = parts.joins != 0
    moves[states + inputs :, :states] = np.any(parts.outputs != 0, 0)
    moves[states + inputs :, states : states + inputs] = np.any(parts.through != 0, 0)
    start, end = np.zeros((2, len(moves)), bool)
    start[states : states + inputs], end[states + inputs + row] = pushed(parts, by) != 0, True
    return np.asarray((_reach(moves, start) & _reach(moves.T, end))[states : states + inputs])


def _reach(moves: Array, start: Array) -> Array:
    reached = start
    while True:
        more = reached | (moves & reached).any(1)
        if (more == reached).all():
            return reached
        reached = more


def upward(parts: Parts, brain: Sequence[str] = BRAIN) -> Array:
    """Say which inputs lead from the gut half to the brain half, array [inputs] of bool."""
    return np.array([bool(wire.giver) and wire.giver not in brain and wire.listener in brain for wire in parts.wires])


def opened_loop(parts: Parts, cut: Array | None = None) -> tuple[Loop, tuple[Wire, ...]]:
    """Return the loop opened at some inputs, and the wires among them that carry something round.

    Parameters
    ----------
    cut : inputs where the loop is opened, array [inputs] of bool (all that lead from gut to brain without it)
    """
    opened = upward(parts) if cut is None else cut
    inside = parts.closed(np.eye(len(opened))[:, opened], (~opened).astype(float))
    back = parts.joins[opened]
    whole = Loop(inside.rates, inside.entries, back @ inside.outputs, back @ inside.through)
    # What does not go round says nothing of the loop: skill that fades in months, clocks.
    ever = [np.any(value != 0, 0) for value in vars(whole).values()]
    keep = _reach(ever[0], ever[1].any(1)) & _reach(ever[0].T, ever[2].any(0))
    carries = ever[1][keep].any(0) & ever[2][:, keep].any(1)
    wires = [wire for wire, one in zip(parts.wires, opened, strict=True) if one]
    return (
        Loop(whole.rates[:, keep][:, :, keep], whole.entries[:, keep][:, :, carries],
             whole.outputs[:, carries][:, :, keep], whole.through[:, carries][:, :, carries]),
        tuple(wire for wire, one in zip(wires, carries, strict=True) if one),
    )  # fmt: skip


def sizes(loop: Loop) -> Array:
    """Return the largest modulus of a locus for lasting changes, then at each of `PERIODS`; array [1 + periods]."""
    turning = np.concatenate([[0.0], 2 * np.pi / PERIODS])
    return np.abs(loop.loci(turning)).max(1) if loop.through.shape[-1] else np.zeros(len(turning))


def round_trip(parts: Parts, cut: Array | None = None) -> Round:
    """Return loop gain and margins with the loop opened at some inputs, as in `opened_loop`."""
    loop, wires = opened_loop(parts, cut)
    if not wires:
        none = Margins(0.0, np.nan, 0.0, np.inf, np.nan, np.inf, np.inf)
        return Round((), none, np.inf, np.nan, np.nan, np.zeros(len(PERIODS)), "")
    return Round(
        tuple(str(wire) for wire in wires), margins(loop, PERIODS), margin_by_scaling(loop), loop.growth(),
        loop.growth(0.0), sizes(loop)[1:], lowest_grade(map(grade_of_wire, wires)),
    )  # fmt: skip


def answer_table(found: Sequence[tuple[str, Answer]]) -> pl.DataFrame:
    """Return answers as a table, one row a person and a pair.

    Parameters
    ----------
    found : name of the person, and the answer
    """
    rows = []
    for person, answer in found:
        own = {key: value for key, value in vars(answer).items() if key not in ("pair", "response", "times", "step")}
        rows.append({"person": person, "way": answer.pair.way, "input": answer.pair.by, "output": answer.pair.to} | own)
    return pl.DataFrame(rows, infer_schema_length=None)


__all__ = ["Answer", "Pair", "Round", "answer_table", "answers", "pairs_of", "round_trip"]
