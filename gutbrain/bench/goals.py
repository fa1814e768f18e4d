"""What our engines are asked to reach against each peer, and what they reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gutbrain.bench.compare import Figure, ratio
from gutbrain.bench.roster import FINER_FIXED, NAMED, QUARTER

SAME = 1.05  # errors closer than this are equal


@dataclass(frozen=True)
class Goal:
    """So many times faster than a peer, at equal or lower error.

    Attributes
    ----------
    asked, hoped : times; `hoped` is the further goal, 0 without one
    their_step : of a peer that is an engine of ours, minutes
    """

    ours: str
    theirs: str
    asked: float
    hoped: float = 0.0
    their_step: float = QUARTER


GOALS = (
    Goal("lanes64", "libroadrunner", 15, 25), Goal("lanes32", "libroadrunner", 30, 60), Goal("lanes64", "copasi", 60),
    Goal("lanes64", "lsoda", 30), Goal("lanes32", "lsoda", 30),
    Goal("lanes64", "fixed", 8), Goal("plain64", "fixed", 8), Goal("lanes64", "fixed", 8, their_step=FINER_FIXED),
)  # fmt: skip


@dataclass(frozen=True)
class Reached:
    """A goal and what was reached.

    Attributes
    ----------
    alone : ratio of the runs, ours at a quarter hour against the peer at its named tolerance
    settled : the same with our settling counted as our cost
    equal : ratio of our cheapest step whose error is not above that of the peer, settling counted
    step : that step, minutes; 0 where no step of ours is as exact
    verdict : reached or missed, by `equal`; or why there is none
    """

    goal: Goal
    alone: float | None = None
    settled: float | None = None
    equal: float | None = None
    step: float = 0.0
    verdict: str = ""


def reached(figures: Sequence[Figure], settling: float) -> list[Reached]:
    """Return every goal whose engine or peer was asked for, with what was reached."""
    present = {one.name for one in figures}
    steps = {(one.name, one.step) for one in figures} | {(goal.theirs, QUARTER) for goal in GOALS}
    asked = [goal for goal in GOALS if {goal.ours, goal.theirs} & present and (goal.theirs, goal.their_step) in steps]
    return [_reached(goal, figures, settling) for goal in asked]


def _reached(goal: Goal, figures: Sequence[Figure], settling: float) -> Reached:
    steps = [one for one in figures if one.name == goal.ours]
    ours = next((one for one in steps if one.step == QUARTER), None)
    named = (one for one in figures if one.name == goal.theirs and one.tolerance in (0.0, NAMED))
    theirs = next((one for one in named if one.step in (0.0, goal.their_step)), None)
    if ours is None or theirs is None:
        return Reached(goal, verdict=f"not measured: no {goal.ours if ours is None else goal.theirs}")
    alone, settled = ratio(theirs, ours), ratio(theirs, ours, settling)
    if theirs.error is None or ours.error is None:
        return Reached(goal, alone, settled, verdict="not measured: a run failed")
    exact = [one for one in steps if one.error and one.error.largest <= SAME * theirs.error.largest and not one.failed]
    matched = [(found, one.step) for one in exact if (found := ratio(theirs, one, settling)) is not None]
    if not matched:
        return Reached(goal, alone, settled, verdict="missed: no step of ours is as exact")
    equal, step = max(matched)
    verdict = "missed" if equal < goal.asked else "reached"
    if verdict == "reached" and goal.hoped:
        verdict = "goal reached" if equal >= goal.hoped else "reached, not the further goal"
    return Reached(goal, alone, settled, equal, step, verdict)
