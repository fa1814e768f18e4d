"""The axis as a picture: organs where they lie in the body, signals as arrows, levers as tags.

Hand-laid positions and plain SVG, so that a figure needs no other program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from math import cos, hypot, pi, sin

import numpy as np

from gutbrain.model.axis import Axis, Wire

WIDTH, HEIGHT = 1000, 860
BOX_WIDTH, BOX_HEIGHT = 128, 46
PLACES = {
    "practice": (130, 150), "appraisal": (375, 150), "affect": (625, 150), "sleep": (865, 150),
    "hpa": (185, 400), "vagus": (500, 400), "immune": (815, 400),
    "enteric": (130, 610), "tryptophan": (380, 610), "barrier": (835, 610), "colon": (610, 715),
    "digestion": (320, 740),
}  # fmt: skip
LEVEL = {"practice": 2, "appraisal": 2, "affect": 2, "sleep": 2, "hpa": 1, "vagus": 1}  # all else 0
NAMES = {"hpa": "HPA axis", "enteric": "Enteric nerves", "barrier": "Gut wall", "vagus": "Vagus", "immune": "Immune"}
COLOURS = {"down": "#1d5fa6", "up": "#c8553d", "side": "#7b8794", "in": "#2f8f6b"}
MEANING = {
    "down": "down: brain to body and gut",
    "up": "up: gut and body to brain",
    "side": "side: within brain, or body and gut",
    "in": "in: lever of a protocol",
}
BANDS = (("Brain", 40, 205, "#f3f1fa"), ("Body", 330, 470, "#f7f5ef"), ("Gut", 545, 815, "#fbf1ec"))

Point = tuple[float, float]


@dataclass
class Arrow:
    """All edges from one compartment to another, drawn as one."""

    giver: str
    listener: str
    wires: list[Wire] = field(default_factory=list)
    curve: tuple[Point, Point, Point] = ((0, 0), (0, 0), (0, 0))


@dataclass(frozen=True)
class Box:
    """A rectangle that arrows keep clear of."""

    x: float
    y: float
    width: float
    height: float

    def holds(self, x: np.ndarray, y: np.ndarray, margin: float) -> np.ndarray:
        """Say which points lie inside, or closer than `margin`."""
        return (np.abs(x - self.x) < self.width / 2 + margin) & (np.abs(y - self.y) < self.height / 2 + margin)


@dataclass(frozen=True)
class Tag:
    """A lever beside the compartment that listens to it."""

    box: Box
    text: str
    about: str
    signal: str


@dataclass(frozen=True)
class Layout:
    """Where everything stands: compartments and their levers by name, and the routed arrows."""

    places: Mapping[str, Point]
    tags: Mapping[str, list[Tag]]
    arrows: list[Arrow]

    @property
    def bands(self) -> list[str]:
        """Brain, body and gut as bands, if any compartment stands in one."""
        return [_band(*band) for band in BANDS] if set(self.places) & set(PLACES) else []


@lru_cache(maxsize=8)
def laid_out(axis: Axis) -> Layout:
    """Place compartments and levers, and route every arrow between them; kept, because routing takes seconds."""
    places = _places(axis)
    tags = {name: _tags(axis, name, places[name]) for name in places}
    boxes = {name: Box(*places[name], BOX_WIDTH, BOX_HEIGHT) for name in places}
    arrows = _arrows(axis)
    _route(arrows, places, boxes, [tag.box for name in places for tag in tags[name]])
    return Layout(places, tags, arrows)


def sheet(title: str, beside: str, body: list[str], colours: Mapping[str, str], height: int = HEIGHT) -> str:
    """Return an SVG document: a title with words beside it, and arrow heads `head-NAME` in the colours by name."""
    body = [
        *body,
        f'<text x="20" y="26" font-size="17" font-weight="bold" fill="#1f2933">{escape(title)}'
        f'<tspan font-size="12" font-weight="normal" fill="#52606d" dx="12">{beside}</tspan></text>',
    ]
    heads = "".join(
        f'<marker id="head-{kind}" viewBox="0 0 10 10" refX="8.5" refY="5" markerWidth="9" markerHeight="9" '
        f'markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
        f'<path d="M0,0.8 L10,5 L0,9.2 L2.4,5 z" fill="{colour}"/></marker>'
        for kind, colour in colours.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="Helvetica, Arial, sans-serif">'
        f"<title>{escape(title)}</title><defs>{heads}</defs>"
        "<style>.edge:hover .line{stroke-opacity:1;stroke-width:5}</style>"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>' + "\n".join(filter(None, body)) + "</svg>\n"
    )


def signal_graph(
    axis: Axis, strengths: Mapping[str, float] | None = None, grades: Mapping[str, str] | None = None
) -> str:
    """Draw an axis as SVG.

    Parameters
    ----------
    strengths : strength of edges `"signal -> listener"`, pure number, 1 = the listener follows in proportion
    grades : grade of edges; `assumed` is dashed, as is strength 0

    Returns
    -------
    str: an SVG document 1000 px wide; hovering an arrow names its signals.
    """
    layout = laid_out(axis)
    body = layout.bands
    body += [_draw_arrow(arrow, strengths or {}, grades or {}) for arrow in layout.arrows]
    body += [draw_count(arrow, COLOURS[direction(arrow.giver, arrow.listener)]) for arrow in layout.arrows]
    for name in layout.places:
        body += [draw_tag(tag, COLOURS["in"]) for tag in layout.tags[name]]
    body += [draw_box(axis, name, place) for name, place in layout.places.items()]
    body.append(_legend(bool(strengths)))
    edges = sum(len(arrow.wires) for arrow in layout.arrows)
    count = f"{len(layout.places)} compartments, {len(axis.rows)} states, {edges} edges"
    return sheet(f"Signals of the {axis.name} axis", count, body, COLOURS)


def direction(giver: str, listener: str) -> str:
    """Return 'down', 'up' or 'side' for an edge between two compartments."""
    step = LEVEL.get(listener, 0) - LEVEL.get(giver, 0)
    return "down" if step < 0 else "up" if step > 0 else "side"


# -- where things stand -------------------------------------------------------------------------


def _places(axis: Axis) -> dict[str, Point]:
    """Known compartments at their organ, others on a circle."""
    names = [part.name for part in axis.compartments]
    places: dict[str, Point] = {name: PLACES[name] for name in names if name in PLACES}
    others = [name for name in names if name not in PLACES]
    radius = 250 if not places else 130
    for number, name in enumerate(others):
        angle = 2 * pi * number / len(others) - pi / 2
        places[name] = (WIDTH / 2 + 1.4 * radius * cos(angle), HEIGHT / 2 - 20 + radius * sin(angle))
    return places


def _tags(axis: Axis, name: str, place: Point) -> list[Tag]:
    """Lay out the levers of one compartment in rows above it (brain) or below it."""
    levers = [lever for lever in axis.levers.values() if name in lever.listeners]
    levers = [lever for lever in levers if lever.signal.startswith(("protocol.", "diet."))]
    rows: list[list[tuple[str, str, str, float]]] = [[]]
    for lever in levers:
        text = lever.signal.partition(".")[2].replace("_", " ")
        width = 5.0 * len(text) + 12
        if rows[-1] and sum(w for *_, w in rows[-1]) + width > 205:
            rows.append([])
        rows[-1].append((text, f"{lever.signal} [{lever.unit}]: {lever.about}", lever.signal, width))
    side = -1 if place[1] < 250 else 1
    found = []
    for number, row in enumerate(rows):
        x = place[0] - sum(w + 4 for *_, w in row) / 2
        y = place[1] + side * (BOX_HEIGHT / 2 + 13 + 17 * number)
        total = sum(w + 4 for *_, w in row)
        x = min(max(x, 14), WIDTH - 14 - total)
        for text, about, signal, width in row:
            found.append(Tag(Box(x + width / 2, y, width, 14), text, about, signal))
            x += width + 4
    return found


def _arrows(axis: Axis) -> list[Arrow]:
    arrows: dict[tuple[str, str], Arrow] = {}
    for wire in axis.edges:
        if wire.giver != wire.listener and not wire.cut:
            key = wire.giver, wire.listener
            arrows.setdefault(key, Arrow(*key)).wires.append(wire)
    return list(arrows.values())


# -- how arrows run -----------------------------------------------------------------------------


BENDS = np.array([0.05, 0.12, 0.2, 0.3, 0.4, 0.52])
PORTS = np.array([-0.38, -0.19, 0.0, 0.19, 0.38])
SHARES = np.linspace(0, 1, 27)


def _route(arrows: list[Arrow], places: Mapping[str, Point], boxes: Mapping[str, Box], hurdles: list[Box]) -> None:
    """Bend each arrow so that it keeps clear of boxes, tags and of arrows drawn before; short ones first."""
    bend, out, back = (grid.ravel() for grid in np.meshgrid(np.concatenate([BENDS, -BENDS]), PORTS, PORTS))
    taken, ends = np.empty((0, 2)), np.empty((0, 2))

    def length(arrow: Arrow) -> tuple[float, str, str]:
        one, other = places[arrow.giver], places[arrow.listener]
        return hypot(one[0] - other[0], one[1] - other[1]), arrow.giver, arrow.listener

    for arrow in sorted(arrows, key=length):
        curves = _curves(places[arrow.giver], places[arrow.listener], bend, out * BOX_WIDTH, back * BOX_WIDTH)
        paths = _along(curves, SHARES)
        cost = (
            0.08 * length(arrow)[0] * np.abs(bend)
            + 1.5 * (np.abs(out) + np.abs(back))
            + _cost(paths, arrow, boxes, hurdles)
        )
        near = _near(paths[:, ::2], taken)
        cost += 0.25 * (near < 169).sum(1) + 0.65 * (near < 49).sum(1)
        for tip in (paths[:, :1], paths[:, -1:]):
            cost += 14 * (_near(tip, ends) < 225).sum(1)
        best = int(np.argmin(cost))
        one, two, three = ((float(x), float(y)) for x, y in curves[best])
        arrow.curve = one, two, three
        taken = np.concatenate([taken, paths[best, ::2]])
        ends = np.concatenate([ends, paths[best, [0, -1]]])


def _near(paths: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the squared distance of each known point to each path, array [paths, points]."""
    if not len(points):
        return np.empty((len(paths), 0))
    nearest = np.full((len(paths), len(points)), np.inf)
    for step in range(paths.shape[1]):
        gap = paths[:, step, None] - points[None]
        np.minimum(nearest, (gap**2).sum(-1), out=nearest)
    return nearest


def _cost(paths: np.ndarray, arrow: Arrow, boxes: Mapping[str, Box], hurdles: list[Box]) -> np.ndarray:
    x, y = paths[..., 0], paths[..., 1]
    cost = 30.0 * ((x < 12) | (x > WIDTH - 12) | (y < 44) | (y > HEIGHT - 50)).sum(1)
    for name, box in boxes.items():
        own = name in (arrow.giver, arrow.listener)
        cost += (6 if own else 16) * box.holds(x, y, -2 if own else 10).sum(1)
    for box in hurdles:
        cost += 9 * box.holds(x, y, 3).sum(1)
    return cost


def _curves(start: Point, end: Point, bend: np.ndarray, out: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Return quadratic curves [candidates, 3, 2] from border to border; `out` and `back` shift the ends."""
    one, other = (np.stack([p[0] + shift, p[1] + 0 * shift], 1) for p, shift in ((start, out), (end, back)))
    way = other - one
    middle = (one + other) / 2 + bend[:, None] * np.stack([-way[:, 1], way[:, 0]], 1)
    return np.stack([_border(one, middle, out, 2), middle, _border(other, middle, back, 4)], 1)


def _border(inside: np.ndarray, outside: np.ndarray, shift: np.ndarray, gap: float) -> np.ndarray:
    """Return where lines from points inside a box to points outside leave the box."""
    way = outside - inside
    half = np.stack([BOX_WIDTH / 2 + gap - np.sign(way[:, 0]) * shift, 0 * shift + BOX_HEIGHT / 2 + gap], 1)
    share = np.min(half / np.maximum(np.abs(way), 1e-9), axis=1, keepdims=True)
    return inside + np.minimum(share, 1.0) * way


def _along(curves: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return points [candidates, shares, 2] on quadratic curves [candidates, 3, 2]."""
    share = shares[None, :, None]
    one, two, three = curves[:, 0, None], curves[:, 1, None], curves[:, 2, None]
    return (1 - share) ** 2 * one + 2 * share * (1 - share) * two + share**2 * three


# -- drawing ------------------------------------------------------------------------------------


def _draw_arrow(arrow: Arrow, strengths: Mapping[str, float], grades: Mapping[str, str]) -> str:
    kind = direction(arrow.giver, arrow.listener)
    lines, dashed, largest = [], True, 0.0
    for wire in arrow.wires:
        strength, grade = strengths.get(str(wire)), grades.get(str(wire), "")
        parts = [] if strength is None else [f"strength {strength:.2g}"]
        lines.append(f"{wire}" + (f" ({', '.join([*parts, *filter(None, [grade])])})" if parts or grade else ""))
        dashed &= strength == 0 or grade.startswith("assumed")
        largest = max(largest, 0.15 if strength is None else abs(strength))
    width = 1.0 + 3.2 * min(largest, 1.0) ** 0.5
    (ax, ay), (bx, by), (cx, cy) = arrow.curve
    path = f"M{ax:.1f},{ay:.1f} Q{bx:.1f},{by:.1f} {cx:.1f},{cy:.1f}"
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    return (
        f'<g class="edge"><title>{escape(chr(10).join(lines))}</title>'
        f'<path class="line" d="{path}" fill="none" stroke="{COLOURS[kind]}" stroke-width="{width:.2f}" '
        f'stroke-opacity="0.8"{dash} marker-end="url(#head-{kind})"/>'
        f'<path d="{path}" fill="none" stroke="#000" stroke-opacity="0" stroke-width="12"/></g>'
    )


def draw_count(arrow: Arrow, colour: str) -> str:
    """Draw in the middle of an arrow how many signals it merges; nothing for one."""
    if len(arrow.wires) == 1:
        return ""
    x, y = _along(np.array([arrow.curve]), np.array([0.5]))[0, 0]
    names = "\n".join(str(wire) for wire in arrow.wires)
    return (
        f"<g><title>{escape(names)}</title>"
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="#fff" stroke="{colour}" stroke-width="1.4"/>'
        f'<text x="{x:.1f}" y="{y + 3.6:.1f}" font-size="10" text-anchor="middle" fill="{colour}" '
        f'font-weight="bold">{len(arrow.wires)}</text></g>'
    )


def draw_box(axis: Axis, name: str, place: Point) -> str:
    """Draw a compartment with the number of its states."""
    x, y = place
    part = axis.part(name)
    states = sum(rows.stop - rows.start for (owner, _), rows in axis.slices.items() if owner == name)
    about = " ".join((type(part).__doc__ or "").split())
    below = f"{states} states" if states != 1 else "1 state"
    return (
        f"<g><title>{escape(about)}</title>"
        f'<rect x="{x - BOX_WIDTH / 2:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" '
        f'rx="14" fill="#fff" stroke="#33404d" stroke-width="1.4"/>'
        f'<text x="{x:.1f}" y="{y - 1:.1f}" font-size="15" font-weight="bold" text-anchor="middle" fill="#1f2933">'
        f"{escape(NAMES.get(name, name.capitalize()))}</text>"
        f'<text x="{x:.1f}" y="{y + 14:.1f}" font-size="10.5" text-anchor="middle" fill="#52606d">{below}</text></g>'
    )


def draw_tag(
    tag: Tag, colour: str, *, fill: str = "#e9f5f0", ink: str = "#1d5c45", width: float = 0.7, more: str = ""
) -> str:
    """Draw a lever; `width` is that of its frame, `more` holds further attributes of it."""
    box = tag.box
    return (
        f"<g><title>{escape(tag.about)}</title>"
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y - 7:.1f}" width="{box.width:.1f}" height="14" rx="3" '
        f'fill="{fill}" stroke="{colour}" stroke-width="{width}"{more}/>'
        f'<text x="{box.x:.1f}" y="{box.y + 3.3:.1f}" font-size="9.5" text-anchor="middle" fill="{ink}">'
        f"{escape(tag.text)}</text></g>"
    )


def _band(name: str, top: float, bottom: float, colour: str) -> str:
    return (
        f'<rect x="8" y="{top}" width="{WIDTH - 16}" height="{bottom - top}" rx="18" fill="{colour}"/>'
        f'<text x="22" y="{top + 20}" font-size="13" fill="#7b8794" letter-spacing="1">{name}</text>'
    )


def _legend(with_strength: bool) -> str:
    parts, x, y = [], 20.0, HEIGHT - 22.0
    for kind, meaning in MEANING.items():
        if kind == "in":
            parts.append(
                f'<rect x="{x}" y="{y - 7}" width="24" height="12" rx="3" fill="#e9f5f0" stroke="{COLOURS[kind]}"/>'
            )
        else:
            parts.append(
                f'<path d="M{x},{y - 1} h24" stroke="{COLOURS[kind]}" stroke-width="2.2" '
                f'marker-end="url(#head-{kind})"/>'
            )
        parts.append(label(x + 30, y + 3, meaning))
        x += 5.4 * len(meaning) + 52
    parts.append(f'<path d="M{x},{y - 1} h24" stroke="#52606d" stroke-width="2" stroke-dasharray="6 4"/>')
    parts.append(label(x + 30, y + 3, "assumed, or zero by default"))
    last = "A circled number counts merged signals; hover an arrow for their names."
    if with_strength:
        last += " Width grows with strength."
    parts.append(label(20, HEIGHT - 6, last))
    return "".join(parts)


def label(x: float, y: float, text: str) -> str:
    """Return words of a legend."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="#52606d">{escape(text)}</text>'
