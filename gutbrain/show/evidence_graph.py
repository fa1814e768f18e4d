"""The whole axis coloured by how well each arrow is known: brain above, gut below, levers as tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from math import hypot

import polars as pl

from gutbrain.evidence.claims import base_grade, claims
from gutbrain.evidence.dossier import best_certainty
from gutbrain.evidence.findings import findings
from gutbrain.evidence.grade import in_words
from gutbrain.model.axis import Axis
from gutbrain.show.evidence_words import CERTAINTIES, counted, strength_said
from gutbrain.show.graph import HEIGHT, Arrow, Point, Tag, draw_box, draw_count, draw_tag, label, laid_out, sheet

COLOURS = {
    "A": "#0b3c7d", "B": "#2b83c6", "C": "#2a9d8f", "D": "#e0a526", "E": "#d1495b",
    "sourced": "#8e6bb0", "structure": "#9aa5b1", "untested": "#4a3f3a",
}  # fmt: skip
TINTS = {
    "A": "#dde6f2", "B": "#e2effa", "C": "#e0f3f0", "D": "#fcf3dc", "E": "#fae5e8",
    "sourced": "#f0eaf6", "structure": "#f1f3f5", "untested": "#ffffff",
}  # fmt: skip
OTHERS = {
    "sourced": "no finding; its number has a source",
    "structure": "true by definition",
    "untested": "untested: no finding, and its number is assumed",
}
THICK, THIN, APART = 3.0, 1.4, 5.0  # pixels; the last one between strands of one arrow
FAINT, BOLD = 0.35, 0.9
DASH = ' stroke-dasharray="7 4"'
LEGEND = 96  # pixels below the picture


@dataclass(frozen=True, order=True)
class Standing:
    """How well one arrow is known.

    Attributes
    ----------
    kind : best certainty of its findings (A to E), else `sourced`, `structure` or `untested`
    assumed : its number has no source
    closed : its strength is 0 until it is opened
    """

    kind: str
    assumed: bool = False
    closed: bool = False

    @property
    def words(self) -> str:
        """The standing as a reader would say it."""
        closed = "; closed" if self.closed else ""
        if self.kind in OTHERS:
            return OTHERS[self.kind] + closed
        number = "; its number is assumed" if self.assumed else ""
        return f"best certainty of its findings: {in_words(self.kind)}{number}{closed}"


def standings(table: pl.DataFrame | None = None) -> dict[str, Standing]:
    """Return how well every arrow "signal -> listener" is known.

    Parameters
    ----------
    table : findings; those of the package by default
    """
    whole, found = findings() if table is None else table, {}
    for row in claims().iter_rows(named=True):
        name, grade = f"{row['signal']} -> {row['listener']}", base_grade(row["grade"])
        other = "structure" if grade == "structure" else "untested" if grade == "assumed" else "sourced"
        kind = best_certainty(name, whole) or other
        found[name] = Standing(kind, grade == "assumed", row["default_zero"])
    return found


def evidence_graph(axis: Axis, table: pl.DataFrame | None = None) -> str:
    """Draw an axis with each arrow coloured by its certainty.

    Parameters
    ----------
    table : findings; those of the package by default

    Returns
    -------
    str: an SVG document 1000 px wide; hovering an arrow names its signals with what is known of each. Signals between
    the same compartments are strands of one arrow, one strand a standing, so that none hides behind a better known one.
    """
    known, layout = standings(table), laid_out(axis)
    body = layout.bands
    body += [_draw_arrow(arrow, known) for arrow in layout.arrows]
    body += [draw_count(arrow, "#1f2933") for arrow in layout.arrows]
    shown = [known[str(wire)] for arrow in layout.arrows for wire in arrow.wires if str(wire) in known]
    for name in layout.places:
        for tag in layout.tags[name]:
            standing = known.get(f"{tag.signal} -> {name}", Standing("untested", assumed=True))
            body.append(_draw_tag(tag, name, standing))
            shown.append(standing)
    body += [draw_box(axis, name, place) for name, place in layout.places.items()]
    kinds = Counter(standing.kind for standing in shown)
    body.append(_legend(kinds, sum(standing.closed for standing in shown)))
    tested = sum(kinds[letter] for letter in CERTAINTIES)
    beside = f"{counted(len(shown), 'arrow')}, levers included: findings speak about {tested}; "
    beside += f"{kinds['untested']} are untested"
    return sheet("How well each arrow is known", beside, body, COLOURS, HEIGHT + LEGEND - 40)


def _draw_arrow(arrow: Arrow, known: Mapping[str, Standing]) -> str:
    strands: dict[Standing, list[str]] = {}
    for wire in arrow.wires:
        strands.setdefault(known.get(str(wire), Standing("untested", assumed=True)), []).append(str(wire))
    grades = {f"{row['signal']} -> {row['listener']}": strength_said(row["grade"], row["source"])
              for row in claims().iter_rows(named=True)}  # fmt: skip
    drawn = []
    for number, (standing, wires) in enumerate(sorted(strands.items())):
        curve = _aside(arrow.curve, APART * (number - (len(strands) - 1) / 2))
        (ax, ay), (bx, by), (cx, cy) = curve
        path = f"M{ax:.1f},{ay:.1f} Q{bx:.1f},{by:.1f} {cx:.1f},{cy:.1f}"
        title = "\n".join(f"{wire}: {standing.words} ({grades.get(wire, 'no claim')})" for wire in wires)
        drawn.append(
            f'<g class="edge" data-standing="{standing.kind}"><title>{escape(title)}</title>'
            f'<path class="line" d="{path}" fill="none" stroke="{COLOURS[standing.kind]}" '
            f'stroke-width="{THIN if standing.assumed else THICK}" '
            f'stroke-opacity="{FAINT if standing.closed else BOLD}"'
            f'{DASH if standing.kind == "untested" else ""} marker-end="url(#head-{standing.kind})"/>'
            f'<path d="{path}" fill="none" stroke="#000" stroke-opacity="0" stroke-width="10"/></g>'
        )
    return "".join(drawn)


def _aside(curve: tuple[Point, Point, Point], shift: float) -> tuple[Point, Point, Point]:
    """Move a curve sideways, as pixels to the left of its way."""
    (ax, ay), middle, (cx, cy) = curve
    length = hypot(cx - ax, cy - ay) or 1.0
    across = -shift * (cy - ay) / length, shift * (cx - ax) / length
    one, two, three = ((x + across[0], y + across[1]) for x, y in ((ax, ay), middle, (cx, cy)))
    return one, two, three


def _draw_tag(tag: Tag, listener: str, standing: Standing) -> str:
    said = Tag(tag.box, tag.text, f"{tag.signal} -> {listener}: {standing.words}\n{tag.about}", tag.signal)
    more = ' stroke-dasharray="3 2"' if standing.kind == "untested" else ""
    more += f' stroke-opacity="{FAINT}"' if standing.closed else ""
    return draw_tag(said, COLOURS[standing.kind], fill=TINTS[standing.kind], ink="#1f2933",
                    width=0.8 if standing.assumed else 1.6, more=more)  # fmt: skip


def _legend(kinds: Mapping[str, int], closed: int) -> str:
    """Say in words what colours and lines mean, with how many arrows there are of each."""
    first, second = HEIGHT - 24, HEIGHT - 2
    parts, x = [label(20, first + 4, "Best certainty among the findings that speak about an arrow:")], 345.0
    for letter in CERTAINTIES:
        words = f"{in_words(letter)} ({kinds.get(letter, 0)})"
        parts += [_line(x, first, letter, THICK), label(x + 32, first + 4, words)]
        x += 5.8 * len(words) + 52
    x = 20.0
    for kind, meaning in OTHERS.items():
        words = f"{meaning} ({kinds.get(kind, 0)})"
        parts += [_line(x, second, kind, THIN if kind == "untested" else THICK), label(x + 32, second + 4, words)]
        x += 5.5 * len(words) + 62
    parts.append(
        label(20, second + 24, "Thick: the number has a source, or is a definition. Thin: the number is assumed. "
              f"Faint: closed, strength 0 until opened ({closed}). A circled number counts signals of one arrow.")
    )  # fmt: skip
    parts.append(
        label(20, second + 41, "A finding often speaks about a longer way through the arrow, not about the arrow "
              "alone: a blue arrow is not a measured arrow. Hover an arrow or a tag for its names.")
    )  # fmt: skip
    return "".join(parts)


def _line(x: float, y: float, kind: str, width: float) -> str:
    dash = DASH if kind == "untested" else ""
    return (f'<path d="M{x:.1f},{y} h24" stroke="{COLOURS[kind]}" stroke-width="{width}"{dash} '
            f'marker-end="url(#head-{kind})"/>')  # fmt: skip
