"""A bench as a table on the terminal, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from gutbrain.bench.bench import Bench
from gutbrain.bench.case import DAYS
from gutbrain.bench.compare import Figure, ratio
from gutbrain.bench.goals import Reached
from gutbrain.bench.roster import OURS, PEERS, QUARTER
from gutbrain.bench.solver import Missing

HEAD = ("solver", "setting", "CPU s a person", "with settling", "load s", "largest error", "in", "median error",
        "failed")  # fmt: skip
TITLES = {name: title for name, (title, _) in {**OURS, **PEERS}.items()}
LATENCY_GOAL = 0.1  # seconds for one person's 84 days, so that a slider can drive it


def lines(made: Bench) -> list[str]:
    """Return the lines that `gutbrain bench` prints."""
    size = made.size
    found = [
        made.machine,
        f"Standard axis, {made.states} states, {size.days} days: mindfulness course, slow breathing every day, an hour "
        "of strain every afternoon.",
        f"Our engines run {size.people} people at once; {size.compared} of them are run by everybody. Same start, "
        "parameters and doses.",
        f"{size.rounds} rounds in which everybody takes a turn; CPU seconds of all threads, medians. Loading and "
        "compiling stand apart.",
        f"Error: distance from the adaptive engine at rtol 1e-9 at midnight after {', '.join(map(str, made.reads))} "
        "days, as a share of each state's range.",
        "",
        *aligned([HEAD, *(_row(one, made.settling) for one in made.figures)]),
        "",
        f"Settling, by our own means for everybody: {1000 * made.settling:.3g} ms CPU a person.",
    ]
    for one in made.measured:
        found += [f"{one.title}, {one.setting}: gave up on {line}" for line in one.failed]
    if made.goals:
        found += ["", *aligned([GOAL_HEAD, *map(_goal, made.goals)])]
    factors = _factors(made)
    if factors:
        found += ["", *factors]
    found += [""] if made.latencies else []
    for late in made.latencies:
        said = f"{late.wall:.3g} s wall, {late.cpu:.3g} s CPU"
        if size.days == DAYS:
            said += f"; below {LATENCY_GOAL:g} s {'reached' if late.wall < LATENCY_GOAL else 'missed'}"
        found.append(f"One person alone, {size.days} days, warm, {late.title}: {said}")
    return found


GOAL_HEAD = ("times faster", "asked", "15 minutes", "settling counted", "at equal or lower error", "")


def _goal(one: Reached) -> tuple[str, ...]:
    asked = f"{one.goal.asked:g}" + (f", goal {one.goal.hoped:g}" if one.goal.hoped else "")
    equal = f"{_times(one.equal)} ({one.step:g} minutes)" if one.equal is not None else ""
    step = f", {one.goal.their_step:g} minutes" if one.goal.their_step != QUARTER else ""
    title = f"{TITLES[one.goal.ours]} than {TITLES[one.goal.theirs]}{step}"
    return title, asked, _times(one.alone), _times(one.settled), equal, one.verdict


def _factors(made: Bench) -> list[str]:
    """Say how many times the cost of each of our engines everybody has, where there is one."""
    ours = [one for one in made.measured if one.step == QUARTER]
    others = [one for one in made.measured if one.name not in OURS and one.cost is not None]
    found = [
        f"{one.title}, {one.setting}: " + ", ".join(f"{_times(ratio(one, own))} of {own.title}" for own in ours)
        for one in others
    ]
    return ["Cost in multiples of ours, medians of pairs of one round:", *found] if ours and others else []


def _row(one: Figure | Missing, settling: float) -> tuple[str, ...]:
    if isinstance(one, Missing):
        return (one.name, one.why, *[""] * (len(HEAD) - 2))
    cost = one.cost
    far = one.error
    error = ("", "", "") if far is None else (f"{far.largest:.1e}", far.state, f"{far.median:.1e}")
    return (f"{one.title} {one.version}", one.setting, _seconds(cost),
            _seconds(None if cost is None else cost + settling), f"{one.load_seconds:.1f}", *error,
            f"{len(one.failed)} of {one.tried}")  # fmt: skip


def _seconds(value: float | None) -> str:
    return "failed" if value is None else f"{value:.3g}" if value >= 1e-3 else f"{value:.1e}"


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with columns below each other; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    found = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [found[0], "  ".join("-" * width for width in widths), *found[1:]]


def as_json(made: Bench, command: str) -> str:
    """Return everything that was measured, the rounds too."""
    content = {
        "command": command, "machine": made.machine, "states": made.states, **asdict(made.size),
        "settling_cpu_seconds": made.settling,
        "solvers": [asdict(one) | ({"cost": one.cost} if isinstance(one, Figure) else {}) for one in made.figures],
        "goals": [asdict(one) for one in made.goals], "one_person": [asdict(one) for one in made.latencies],
    }  # fmt: skip
    return json.dumps(content, indent=1) + "\n"


def as_csv(made: Bench) -> str:
    """Return one row a solver."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("solver", "version", "setting", "cpu_seconds", "settling_cpu_seconds", "load_cpu_seconds",
                     "largest_error", "state", "median_error", "failed", "people", "note"))  # fmt: skip
    for one in made.figures:
        if isinstance(one, Missing):
            writer.writerow((one.name, *[""] * 10, one.why))
            continue
        error = ("", "", "") if one.error is None else (one.error.largest, one.error.state, one.error.median)
        writer.writerow((one.title, one.version, one.setting, one.cost, made.settling, one.load_seconds, *error,
                         len(one.failed), one.tried, "; ".join(one.failed)))  # fmt: skip
    return text.getvalue()
