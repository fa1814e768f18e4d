"""Where the boxes and arrows of a flow map stand: columns from left to right, brain above body above gut.

An arrow that passes a column on its way gets a lane there, a box that is not drawn, so that it runs
between the boxes and not behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from math import hypot

from gutbrain.evidence.claims import base_grade
from gutbrain.show.words import GRADES

WIDTH, MARGIN = 1180, 16
LEVER_WIDTH, BOX_WIDTH, OUTCOME_WIDTH = 148, 92, 146
LEAST_HEIGHT, GAP, PORT_GAP = 48, 24, 6
BANDS = (2, 1, 0)  # brain, body, gut
HEAD, FOOT = 30, 26  # room for the name of a band, and for loops below it
STRUCTURE = "#7b8794"
GOAL, ENTRY = "outcome", "levers of "
TURNS = 4  # times that boxes are sorted by where their arrows come from
SHIFTS = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)

Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]


@dataclass
class Node:
    """A box: a compartment, the levers that enter one, the outcome, or a lane (without lines)."""

    name: str
    lines: tuple[str, ...]
    column: int
    band: int
    width: float = BOX_WIDTH
    x: float = 0.0
    y: float = 0.0
    height: float = LEAST_HEIGHT
    left: list[Arrow] = field(default_factory=list)
    right: list[Arrow] = field(default_factory=list)

    @property
    def low(self) -> float:
        """Its lower end."""
        return self.y + self.height / 2


@dataclass(eq=False)
class Arrow:
    """One signal from box to box, with what is lost when it is closed; `number` 0 stands in no key.

    Attributes
    ----------
    stops : names of the boxes it touches, from start to end
    curves : cubic curves from stop to stop, four points each
    spot : where its number stands
    """

    start: str
    end: str
    words: str
    lost: float
    share: float | None
    grade: str
    number: int
    width: float = 2.0
    stops: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()
    spot: Point = (0.0, 0.0)

    @property
    def colour(self) -> str:
        """Colour of its grade."""
        return GRADES.get(base_grade(self.grade), STRUCTURE)

    @property
    def assumed(self) -> bool:
        """Whether no source states its strength."""
        return self.grade.startswith("assumed")


def arrange(nodes: dict[str, Node], arrows: list[Arrow]) -> None:
    """Give every box its place and every arrow its way; lanes are added to the boxes."""
    for arrow in arrows:
        arrow.stops = _stops(nodes, arrow)
        steps = nodes[arrow.end].column - nodes[arrow.start].column
        if steps < 0:  # a loop leaves and enters from below
            continue
        for one, other in pairwise(arrow.stops):
            nodes[one].right.append(arrow)
            (nodes[other].left if steps else nodes[other].right).append(arrow)
    for node in nodes.values():
        ports = max(sum(a.width + PORT_GAP for a in side) for side in (node.left, node.right))
        node.height = max(LEAST_HEIGHT, ports + 12, 17 * len(node.lines) + 16) if node.lines else ports
    _sort(nodes)
    _route(nodes, arrows)
    taken: list[Point] = []
    for arrow in arrows:
        if arrow.number:
            beside = [a for a in arrows if a.number and (a.start, a.end) == (arrow.start, arrow.end)]
            wanted = (beside.index(arrow) + 1) / (len(beside) + 1)
            arrow.spot = _spot(arrow, wanted, nodes.values(), taken)
            taken.append(arrow.spot)


def _stops(nodes: dict[str, Node], arrow: Arrow) -> tuple[str, ...]:
    """Return the boxes that an arrow touches, with a lane in every column that it passes."""
    start, end = nodes[arrow.start], nodes[arrow.end]
    passed = range(start.column + 1, end.column)
    crowd = {band: sum(bool(n.lines) and n.column in passed and n.band == band for n in nodes.values())
             for band in (start.band, end.band)}  # fmt: skip
    band = min(crowd, key=lambda band: crowd[band])
    lanes = [f"lane {arrow.start} {arrow.end} {column}" for column in passed]
    for name, column in zip(lanes, passed, strict=True):
        nodes.setdefault(name, Node(name, (), column, band))
    return arrow.start, *lanes, arrow.end


def _sort(nodes: dict[str, Node]) -> None:
    """Place the boxes so that few arrows cross: column by column in the order of what they are joined to."""
    order = list(nodes.values())
    _place(order)
    last = max(node.column for node in order)
    for turn in range(TURNS):
        back = turn % 2 == 0  # the last turn goes to the right
        for column in sorted(range(last + 1), reverse=back):
            mine = [node for node in order if node.column == column]
            mine.sort(key=partial(_drawn_to, nodes, back))
            order = [node for node in order if node.column != column] + mine
            _place(order)


def _drawn_to(nodes: dict[str, Node], back: bool, node: Node) -> float:
    """Return the mean height of the boxes that a box is joined to on one side, on the other where there is none."""
    for side, step in ((node.right, 1), (node.left, -1)) if back else ((node.left, -1), (node.right, 1)):
        joined = []
        for arrow in side:
            place = arrow.stops.index(node.name) + step
            if 0 <= place < len(arrow.stops):
                joined.append(nodes[arrow.stops[place]].y)
        if joined:
            return sum(joined) / len(joined)
    return node.y


def _place(order: list[Node]) -> None:
    """Stack the boxes of each column and band in the given order, bands one below the other."""
    last = max(node.column for node in order)
    inner = WIDTH - 2 * MARGIN - LEVER_WIDTH - OUTCOME_WIDTH
    top = 10.0
    for band in BANDS:
        stacks = [[n for n in order if n.band == band and n.column == c] for c in range(last + 1)]
        tall = max((sum(n.height + GAP for n in stack) for stack in stacks), default=0.0)
        if not tall:
            continue
        for column, stack in enumerate(stacks):
            at = top + HEAD + (tall - sum(n.height + GAP for n in stack)) / 2
            for node in stack:
                node.y = at + node.height / 2
                at += node.height + GAP
                node.x = MARGIN + LEVER_WIDTH + inner * (column - 0.5) / max(1, last - 1)
                if column == 0:
                    node.x = MARGIN + LEVER_WIDTH / 2
                elif column == last:
                    node.x = WIDTH - MARGIN - OUTCOME_WIDTH / 2
        top += HEAD + tall + FOOT


def _route(nodes: dict[str, Node], arrows: list[Arrow]) -> None:
    """Lead arrows from right sides to left sides; within a column they bow out, and loops run back below."""
    ports = _ports(nodes)
    for place, arrow in enumerate(arrows):
        start, end = nodes[arrow.start], nodes[arrow.end]
        if end.column < start.column:
            aside = 9 * (place % 4) - 14
            low = max(n.low for n in nodes.values() if n.band in (start.band, end.band)
                      and end.column <= n.column <= start.column) + 22  # fmt: skip
            x, y, end_x, end_y = start.x + aside, start.low, end.x + aside, end.low + 8
            arrow.curves = (((x, y), (x, low), (end_x, low), (end_x, end_y)),)
            continue
        curves: list[Curve] = []
        for one, other in pairwise(arrow.stops):
            x, y = ports[arrow, one, "right"]
            if end.column == start.column:
                end_x, end_y = ports[arrow, other, "right"]
                bend = 46.0 + 0.12 * abs(end_y - y)
                curves.append(((x, y), (x + bend, y), (x + bend, end_y), (end_x + 8, end_y)))
                continue
            end_x, end_y = ports[arrow, other, "left"]
            end_x -= 8.0 if other == arrow.end else 0.0
            bend = max(20.0, 0.5 * (end_x - x))
            if curves:  # straight through a lane
                before = curves[-1][3]
                curves.append((before, before, (x, y), (x, y)))
            curves.append(((x, y), (x + bend, y), (end_x - bend, end_y), (end_x, end_y)))
        arrow.curves = tuple(curves)


def _ports(nodes: dict[str, Node]) -> dict[tuple[Arrow, str, str], Point]:
    """Return where each arrow touches each box, in the order of the boxes at its other ends."""
    ports: dict[tuple[Arrow, str, str], Point] = {}
    for node in nodes.values():
        for side, sign, name in ((node.left, -1, "left"), (node.right, 1, "right")):
            mine = node.left if not node.lines else side  # a lane keeps its order
            keyed = sorted(mine, key=partial(_other_end, nodes, node, sign))
            at = node.y - sum(a.width + PORT_GAP for a in keyed) / 2
            for arrow in keyed:
                ports[arrow, node.name, name] = node.x + sign * node.width / 2, at + (arrow.width + PORT_GAP) / 2
                at += arrow.width + PORT_GAP
    return ports


def _other_end(nodes: dict[str, Node], node: Node, sign: int, arrow: Arrow) -> tuple[float, int]:
    """Return the height of the next box of an arrow on one side of a box, and its number."""
    if not node.lines:
        return 0.0, arrow.number
    place = arrow.stops.index(node.name)
    other = place + sign if 0 <= place + sign < len(arrow.stops) else place - sign
    return nodes[arrow.stops[other]].y, arrow.number


def along(curve: Curve, share: float) -> Point:
    """Return a point on a cubic curve."""
    weights = ((1 - share) ** 3, 3 * share * (1 - share) ** 2, 3 * share**2 * (1 - share), share**3)
    x, y = (sum(w * p[axis] for w, p in zip(weights, curve, strict=True)) for axis in (0, 1))
    return x, y


def _spot(arrow: Arrow, wanted: float, nodes: Iterable[Node], taken: Sequence[Point]) -> Point:
    """Return where the number of an arrow stands: on it, clear of boxes and of other numbers."""
    boxes = [node for node in nodes if node.lines]
    middle = len(arrow.curves) // 2
    nearest = sorted(arrow.curves, key=lambda curve: abs(arrow.curves.index(curve) - middle))
    tries = [along(curve, share) for curve in nearest for share in (wanted, *SHIFTS)]
    return max(tries, key=lambda p: min(22.0, _room(p, taken)) + 40 * _free(p, boxes))


def _room(point: Point, taken: Sequence[Point]) -> float:
    return min((hypot(point[0] - x, point[1] - y) for x, y in taken), default=99.0)


def _free(point: Point, boxes: Sequence[Node]) -> bool:
    x, y = point
    return all(abs(x - n.x) > n.width / 2 + 4 or abs(y - n.y) > n.height / 2 + 7 for n in boxes)
