"""A flow map as SVG: bands, boxes, arrows with their numbers, and the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from gutbrain.evidence.claims import GRADE_WORDS, base_grade, grade_in_words
from gutbrain.show.flow_layout import ENTRY, FOOT, GOAL, HEAD, MARGIN, STRUCTURE, WIDTH, Arrow, Node
from gutbrain.show.words import GRADES, INK, QUIET

BANDS = ((2, "Brain", "#f3f1fa"), (1, "Body", "#f7f5ef"), (0, "Gut", "#fbf1ec"))


def drawn(
    nodes: Mapping[str, Node], arrows: Sequence[Arrow], key: Sequence[tuple[str, ...]], said: str, rest: str
) -> str:
    """Return a flow map that is arranged.

    Parameters
    ----------
    key : number, arrow, what is lost, its share and its certainty, a row a numbered arrow
    said : the picture in one sentence, for readers who do not see it
    rest : what is not drawn
    """
    boxes = list(nodes.values())
    body = [_band(boxes, *band) for band in BANDS if any(n.band == band[0] for n in boxes)]
    body += [_draw_arrow(arrow) for arrow in sorted(arrows, key=lambda arrow: -arrow.width)]
    body += [_draw_node(node) for node in boxes if node.lines]
    body += [_badge(arrow) for arrow in arrows if arrow.number]
    legend, end = _legend(arrows, max(node.low for node in boxes) + FOOT + 30)
    body += [legend, _key(key, end + 10)]
    height = end + 10 + 21 * (len(key) + 2)
    if rest:
        body.append(_text(MARGIN, height, rest, 12, QUIET))
        height += 18
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(said)}" font-family="Helvetica, Arial, '
        f"'Liberation Sans', sans-serif\"><title>{escape(said)}</title>"
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _text(
    x: float, y: float, words: str, size: float, colour: str = INK, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>'
        f"{escape(words)}</text>"
    )


def _band(nodes: list[Node], band: int, name: str, colour: str) -> str:
    mine = [node for node in nodes if node.band == band]
    top = min(node.y - node.height / 2 for node in mine) - HEAD + 2
    low = max(node.low for node in mine) + FOOT - 6
    return f'<rect x="6" y="{top:.1f}" width="{WIDTH - 12}" height="{low - top:.1f}" rx="16" fill="{colour}"/>' + _text(
        20, top + 18, name, 13, "#7b8794"
    )


def _draw_arrow(arrow: Arrow) -> str:
    (ax, ay), *_ = arrow.curves[0]
    path = f"M{ax:.1f},{ay:.1f}" + "".join(
        f" C{bx:.1f},{by:.1f} {cx:.1f},{cy:.1f} {dx:.1f},{dy:.1f}" for _, (bx, by), (cx, cy), (dx, dy) in arrow.curves
    )
    _, _, (cx, _), (dx, dy) = arrow.curves[-1]
    thick = max(arrow.width, 2.0)
    half = thick / 2 + 3.5
    if cx == dx:  # a loop comes from below
        head = f"M{dx - half:.1f},{dy:.1f} L{dx:.1f},{dy - 8:.1f} L{dx + half:.1f},{dy:.1f} z"
    else:
        tip = 8.0 if cx < dx else -8.0
        head = f"M{dx:.1f},{dy - half:.1f} L{dx + tip:.1f},{dy:.1f} L{dx:.1f},{dy + half:.1f} z"
    # A wide arrow that is assumed stays a ribbon, with a dashed line along it.
    ribbon = 0.0 if arrow.assumed and thick < 5 else 0.3 if arrow.assumed else 0.72
    line = f'<path d="{path}" fill="none" stroke="{arrow.colour}"'
    drawn = f'{line} stroke-width="{thick:.2f}" stroke-opacity="{ribbon}"/>' if ribbon else ""
    if arrow.assumed:
        drawn += f'{line} stroke-width="{min(thick, 2.6):.2f}" stroke-dasharray="7 4"/>'
    told = f"<title>{escape(arrow.words)}; {grade_in_words(arrow.grade)}</title>" if arrow.number else ""
    return f'<g class="flow">{told}{drawn}<path d="{head}" fill="{arrow.colour}"/></g>'


def _badge(arrow: Arrow) -> str:
    x, y = arrow.spot
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10" fill="#ffffff" stroke="{arrow.colour}" stroke-width="1.8"/>'
        + _text(x, y + 4.2, str(arrow.number), 12, INK, "middle", bold=True)
    )


def _draw_node(node: Node) -> str:
    lever, outcome = node.name.startswith(ENTRY), node.name == GOAL
    fill, line = ("#e9f5f0", "#2f8f6b") if lever else ("#ffffff", INK)
    rows = len(node.lines)
    text = []
    for place, words in enumerate(node.lines):
        bold = not lever and (not outcome or place == rows - 1)
        at = node.y + 17 * (place - (rows - 1) / 2) + 5
        text.append(_text(node.x, at, words, 13 if lever else 14, INK, "middle", bold))
    return (
        f'<rect x="{node.x - node.width / 2:.1f}" y="{node.y - node.height / 2:.1f}" width="{node.width}" '
        f'height="{node.height:.1f}" rx="10" fill="{fill}" stroke="{line}" stroke-width="{2 if outcome else 1.2}"/>'
        + "".join(text)
    )


def _legend(arrows: Sequence[Arrow], top: float) -> tuple[str, float]:
    """Return the legend of colours and its lower end."""
    here = {base_grade(arrow.grade) for arrow in arrows}
    parts, x, y = [], float(MARGIN), top
    for grade in (grade for grade in GRADE_WORDS if grade in here):
        words = GRADE_WORDS[grade]
        if x + 46 + 6.6 * len(words) > WIDTH - MARGIN:
            x, y = float(MARGIN), y + 20
        dash = ' stroke-dasharray="7 4"' if grade == "assumed" else ""
        colour = GRADES.get(grade, STRUCTURE)
        parts.append(f'<path d="M{x},{y - 4} h28" stroke="{colour}" stroke-width="5" stroke-opacity="0.8"{dash}/>')
        parts.append(_text(x + 35, y, words, 12.5, QUIET))
        x += 62 + 6.4 * len(words)
    return "".join(parts), y


def _key(rows: Sequence[tuple[str, ...]], top: float) -> str:
    """Return the numbered arrows as rows: what, how much is lost without it, how surely it is known."""
    if not rows:
        return _text(MARGIN, top + 18, "No arrow carried anything.", 12.5, QUIET)
    columns = ((MARGIN + 14, "end"), (MARGIN + 26, "start"), (680, "end"), (750, "end"), (776, "start"))
    heads = ("", "Arrow", "Lost without it", "Share", "How surely its strength is known")
    parts = [_text(x, top + 18, words, 12.5, QUIET, anchor, bold=True)
             for (x, anchor), words in zip(columns, heads, strict=True)]  # fmt: skip
    for place, row in enumerate(rows, 1):
        y = top + 18 + 21 * place
        parts += [_text(x, y, words, 13, INK, anchor) for (x, anchor), words in zip(columns, row, strict=True)]
    return "".join(parts)
