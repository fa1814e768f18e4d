"""The flow of one effect as a picture: levers left, what carries in the middle, the outcome right.

Brain above, gut below. The width of an arrow is the effect that is lost when it is closed, its colour how
surely its strength is known; what has no source is dashed. Numbers lead to the key below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gutbrain.errors import InputError
from gutbrain.evidence.claims import grade_in_words, grade_of, lowest_grade
from gutbrain.show.explain_words import percent, signed
from gutbrain.show.flow_drawing import drawn
from gutbrain.show.flow_layout import ENTRY, GOAL, LEVER_WIDTH, OUTCOME_WIDTH, Arrow, Node, arrange
from gutbrain.show.graph import LEVEL, NAMES
from gutbrain.show.words import difference_unit, signal_name

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis
    from gutbrain.run.explain import Explanation

DEEPEST = 6  # columns of compartments
WIDEST, THINNEST = 26.0, 1.6  # width of an arrow, px
MOST, LEAST_SHARE = 14, 0.01  # arrows drawn, and what each must carry of the largest


def flow_map(found: Explanation, axis: Axis) -> str:
    """Draw what carried an effect, as SVG.

    Parameters
    ----------
    found : of `gutbrain.run.explain.explain`
    axis : the axis it was run on

    Returns
    -------
    str: an SVG document 1180 px wide; without any carrying arrow levers and outcome alone.
    """
    arrows, hidden = _arrows(found, axis)
    nodes = _nodes(found, axis, arrows)
    arrows = [a for a in arrows if a.start in nodes and a.end in nodes]
    largest = max([abs(found.effect), *(abs(a.lost) for a in arrows)], default=0.0)
    for arrow in arrows:
        arrow.width = max(THINNEST, WIDEST * abs(arrow.lost) / largest) if largest and arrow.number else THINNEST
    goal = axis.givers[axis.columns[found.outcome].signal].compartment
    last = Arrow(goal, GOAL, "", found.effect, None, "structure", 0, WIDEST if found.clear else THINNEST)
    arrange(nodes, [*arrows, last])
    unit = difference_unit(found.outcome, found.unit)
    said = f"{found.arm} against {found.comparator}: {signed(found, found.effect)} {unit} of "
    rest = f"{hidden} more arrows carry less than is drawn here." if hidden else ""
    key = [_key_row(found, arrow) for arrow in arrows if arrow.number]
    return drawn(nodes, [*arrows, last], key, said + signal_name(found.outcome), rest)


def _key_row(found: Explanation, arrow: Arrow) -> tuple[str, ...]:
    """Return what stands in the key: number, arrow, what is lost, its share, how surely it is known."""
    lost = f"{signed(found, arrow.lost)} {difference_unit(found.outcome, found.unit)}"
    return str(arrow.number), arrow.words, lost, percent(found, arrow.share), grade_in_words(arrow.grade)


def _arrows(found: Explanation, axis: Axis) -> tuple[list[Arrow], int]:
    """Return the arrows that carry most, numbered by what is lost with them, and how many are left out."""
    rows = found.carrying.to_dicts()
    largest = max((abs(found.effect - row["effect_without"]) for row in rows), default=0.0)
    kept = [row for row in rows if abs(found.effect - row["effect_without"]) >= LEAST_SHARE * largest][:MOST]
    arrows = []
    for place, row in enumerate(kept, 1):
        signal, _, listener = row["edge"].partition(" -> ")
        words = f"{signal_name(signal)} → {_called(listener)}"
        share = row["share_lost"] if found.clear else None
        lost = found.effect - row["effect_without"]
        arrows.append(Arrow(axis.givers[signal].compartment, listener, words, lost, share, row["grade"], place))
    return arrows, len(rows) - len(kept)


def _nodes(found: Explanation, axis: Axis, arrows: list[Arrow]) -> dict[str, Node]:
    """Return boxes by name in columns: levers, compartments by their distance from the levers, outcome."""
    goal = axis.givers[axis.columns[found.outcome].signal].compartment
    entries: dict[str, list[str]] = {}
    for lever in found.levers:
        for listener in axis.levers[lever.partition("[")[0]].listeners:
            entries.setdefault(listener, []).append(lever)
    column = _columns(list(entries), arrows, goal)
    nodes = {name: Node(name, tuple(_wrapped(_called(name), 12)), place, LEVEL.get(name, 0) if name not in _BODY else 1)
             for name, place in column.items()}  # fmt: skip
    for listener, levers in entries.items():
        if listener in nodes:
            lines = tuple(lever.partition(".")[2].replace("_", " ") for lever in levers)
            if len(lines) > 6:
                lines = (*lines[:5], f"and {len(lines) - 5} more")
            nodes[ENTRY + listener] = Node(ENTRY + listener, lines, 0, nodes[listener].band, LEVER_WIDTH)
            grade = lowest_grade(_grade(lever.partition("[")[0], listener) for lever in levers)
            arrows.append(Arrow(ENTRY + listener, listener, "dose", 0.0, None, grade, 0))
    effect = f"{signed(found, found.effect)} {difference_unit(found.outcome, found.unit)}"
    lines = (*_wrapped(signal_name(found.outcome), 20), effect if found.clear else "no effect above rounding")
    nodes[GOAL] = Node(GOAL, lines, column[goal] + 1, nodes[goal].band, OUTCOME_WIDTH)
    return nodes


def _columns(entries: list[str], arrows: list[Arrow], goal: str) -> dict[str, int]:
    """Return the column of each compartment that carries: strong arrows lead to the right, loops lead back."""
    used = {name for arrow in arrows for name in (arrow.start, arrow.end)} | {goal}
    column = dict.fromkeys((name for name in entries if name in used), 1)
    kept: list[tuple[str, str]] = []
    for arrow in arrows:  # the strongest first
        tried = _layers(column, [*kept, (arrow.start, arrow.end)])
        if tried is not None:
            kept.append((arrow.start, arrow.end))
    placed = _layers(column, kept) or column
    for name in placed:  # what nothing leads to stands just before what it leads to
        if name not in column and all(end != name for _, end in kept):
            placed[name] = max(1, min((placed[end] for start, end in kept if start == name), default=2) - 1)
    last = max((place for name, place in placed.items() if name != goal), default=0)
    return {name: place for name, place in placed.items() if name in used} | {goal: max(last + 1, placed.get(goal, 1))}


def _layers(start: dict[str, int], links: list[tuple[str, str]]) -> dict[str, int] | None:
    """Return the longest way to each box, or None for a loop or for too many columns."""
    column = dict(start) | {name: 1 for link in links for name in link if name not in start}
    for _ in range(DEEPEST + 1):
        moved = False
        for one, other in links:
            if column[other] <= column[one]:
                column[other], moved = column[one] + 1, True
        if not moved:
            return column
    return None


_BODY = ("hpa", "vagus", "immune")


def _grade(signal: str, listener: str) -> str:
    try:
        return grade_of(signal, listener)
    except InputError:
        return "assumed"


def _called(name: str) -> str:
    return NAMES.get(name, name.capitalize())


def _wrapped(words: str, letters: int) -> list[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) >= letters:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
