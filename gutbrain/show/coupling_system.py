"""The coupled system as a picture: processes of the gut left, of the mind right, arrows for what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.show.coupling_words import DOWN, UP, Names, brief, half_life, lag_brief, signed
from gutbrain.show.study_plots import shorten
from gutbrain.show.theme import dress
from gutbrain.show.words import INK, PAPER, QUIET

WIDTH, MARGIN = 860, 46
BOX, TALL, ROW = 176, 62, 118  # of a box, and from one to the next, pixels
HEAD, EDGE = 9.0, 14.0  # length of an arrow's head; from a box to the end of its side
LETTER, LINE = 5.9, 16.0  # of a label
THIN, PER_SD, THICK = 1.2, 15.0, 9.0  # width of an arrow: least, for an effect of 1, most
NAMED, MANY = 14, 12  # labels at most; arrows from which on only those that are sure have one
SPOTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.22, 0.78, 0.15, 0.85)  # of a label along its arrow, the best first
TINTS = {"gut": "#fdf1e7", "mind": "#e9f2f9", "": "#f3f4f5"}
POINT = "M-1,-0.62L1,0L-1,0.62L-0.6,0Z"


@dataclass(frozen=True)
class Arrow:
    """An effect of one process on another, and the curve [points, 2] along which it is drawn."""

    by: str
    to: str
    estimate: float
    sure: bool
    lag: float
    path: np.ndarray

    @property
    def label(self) -> str:
        """Size and lag."""
        return f"{signed(self.estimate)} after {lag_brief(self.lag)}"


def best_lags(lagged: pl.DataFrame) -> pl.DataFrame:
    """Return the row of each effect at the lag at which it is largest."""
    size = pl.col("estimate").abs()
    return lagged.filter(pl.col("lag") > 0, size.is_finite()).sort(size, descending=True, maintain_order=True).unique(
        ["to", "by"], keep="first", maintain_order=True)  # fmt: skip


def system(names: Names, lagged: pl.DataFrame, rates: Mapping[str, float]) -> alt.LayerChart:
    """Draw processes and their effects on each other.

    Parameters
    ----------
    lagged : to, by, lag (days), estimate, low, high: standardised effects
    rates : rate of return of each process, per day
    """
    places, height = _places(names)
    rows = [row for row in best_lags(lagged).to_dicts() if row["to"] != row["by"]]
    rows = [row for row in rows if row["to"] in places and row["by"] in places]
    paths = _paths(names, places, [(row["by"], row["to"]) for row in rows])
    arrows = [Arrow(row["by"], row["to"], row["estimate"], row["low"] > 0 or row["high"] < 0, row["lag"], path)
              for row, path in zip(rows, paths, strict=True)]  # fmt: skip
    wide, high = alt.Scale(domain=[0, WIDTH], nice=False), alt.Scale(domain=[height, 0], nice=False)

    def at(x: str, y: str) -> dict[str, Any]:
        return {"x": alt.X(f"{x}:Q", axis=None, scale=wide), "y": alt.Y(f"{y}:Q", axis=None, scale=high)}

    heads, tints = _heads(names, places)
    layers: list[Any] = [
        alt.Chart(tints).mark_rect(cornerRadius=12).encode(
            **at("left", "top"), x2="right:Q", y2="low:Q", color=alt.Color("tint:N", scale=None)),
        *_lines(names, arrows, at),
        alt.Chart(_boxes(names, places)).mark_rect(fill=PAPER, strokeWidth=1.8, cornerRadius=8).encode(
            **at("left", "top"), x2="right:Q", y2="low:Q", stroke=alt.Stroke("tint:N", scale=None)),
    ]  # fmt: skip
    for size, weight, colour, table in (
        (13, 600, INK, _texts(names, places)), (11, 400, QUIET, _below(names, places, rates)), (14, 600, QUIET, heads),
    ):  # fmt: skip
        if len(table):
            text = alt.Chart(table).mark_text(fontSize=size, fontWeight=weight, color=colour, baseline="middle")
            layers.append(text.encode(**at("x", "y"), text="text:N"))
    labels = _labels(names, arrows, places)
    if len(labels):
        around = alt.Chart(labels).mark_rect(fill=PAPER, opacity=0.92, cornerRadius=4)
        layers.append(around.encode(**at("left", "top"), x2="right:Q", y2="low:Q"))
        for sure, weight in ((True, 600), (False, 400)):
            own = alt.Chart(labels.filter(pl.col("sure") == sure))
            text = own.mark_text(fontSize=12 if sure else 11, fontWeight=weight, baseline="middle")
            layers.append(text.encode(**at("x", "y"), text="text:N", color=alt.Color("colour:N", scale=None)))
    return dress(alt.layer(*layers).properties(width=WIDTH, height=height))


def _places(names: Names) -> tuple[dict[str, tuple[float, float]], float]:
    """Return the middle of each box, and the height of the picture."""
    gut, mind, others = names.on("gut"), names.on("mind"), names.on("")
    rows = max(len(gut), len(mind))
    inset = 212.0 if max(len(gut), len(mind)) > 1 else 165.0  # room for arrows within a side
    made: dict[str, tuple[float, float]] = {}
    for own, x in ((gut, inset), (mind, WIDTH - inset)):
        shift = (rows - len(own)) / 2
        made |= {name: (x, MARGIN + TALL / 2 + 14 + (place + shift) * ROW) for place, name in enumerate(own)}
    across = 3
    for place, name in enumerate(others):
        line, column = divmod(place, across)
        many = min(across, len(others) - line * across)
        x = WIDTH / 2 + (column - (many - 1) / 2) * (BOX + 90)
        made[name] = x, MARGIN + TALL / 2 + 14 + (rows + line) * ROW + (24 if rows else 0)
    lowest = max(y for _, y in made.values())
    return made, lowest + TALL / 2 + 26


def _heads(names: Names, places: Mapping[str, tuple[float, float]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    heads, tints = [], []
    for side, title in (("gut", "Gut"), ("mind", "Mind")):
        own = [places[name] for name in names.on(side)]
        if own:
            x, bottom = own[0][0], max(y for _, y in own)
            top = min(y for _, y in own)
            heads.append((x, top - TALL / 2 - 20, title))
            tints.append(
                (x - BOX / 2 - EDGE, x + BOX / 2 + EDGE, top - TALL / 2 - 36, bottom + TALL / 2 + 14, TINTS[side])
            )
    schema = ["left", "right", "top", "low", "tint"]
    empty = {**dict.fromkeys(schema[:4], pl.Float64), "tint": pl.String}
    return (pl.DataFrame(heads, schema=["x", "y", "text"], orient="row"),
            pl.DataFrame(tints, schema=empty, orient="row"))  # fmt: skip


def _boxes(names: Names, places: Mapping[str, tuple[float, float]]) -> pl.DataFrame:
    rows = [
        (x - BOX / 2, x + BOX / 2, y - TALL / 2, y + TALL / 2, names.colour[name]) for name, (x, y) in places.items()
    ]
    return pl.DataFrame(rows, schema=["left", "right", "top", "low", "tint"], orient="row")


def _texts(names: Names, places: Mapping[str, tuple[float, float]]) -> pl.DataFrame:
    rows = []
    for name, (x, y) in places.items():
        lines = wrap(brief(name, 60), 23)
        lines = [lines[0], shorten(" ".join(lines[1:]), 23)] if len(lines) > 1 else lines
        rows += [(x, y - 8 + 16 * (place - (len(lines) - 1) / 2), line) for place, line in enumerate(lines)]
    return pl.DataFrame(rows, schema=["x", "y", "text"], orient="row")


def _below(names: Names, places: Mapping[str, tuple[float, float]], rates: Mapping[str, float]) -> pl.DataFrame:
    rows = [(x, y + TALL / 2 - 11, f"half gone after {lag_brief(half_life(rates[name]))}")
            for name, (x, y) in places.items() if rates.get(name, 0.0) < 0]  # fmt: skip
    return pl.DataFrame(rows, schema={"x": pl.Float64, "y": pl.Float64, "text": pl.String}, orient="row")


def _paths(
    names: Names, places: Mapping[str, tuple[float, float]], pairs: Sequence[tuple[str, str]]
) -> list[np.ndarray]:
    """Return a curve for each effect; ends on one border of a box stand apart, in the order of where they lead."""
    borders: dict[tuple[str, int], list[tuple[float, int, int]]] = {}
    sides = []
    for number, (by, to) in enumerate(pairs):
        sides.append(_borders(places[by], places[to], names.side[by], names.side[to]))
        up = 0.0 if _first(names, by, to) else 0.1
        out, back = sides[-1]
        for place, (name, other, border) in enumerate(((by, to, out), (to, by, back))):
            (x, y), (other_x, other_y) = places[name], places[other]
            # Two bows between the same boxes lie within each other, so at the lower box their order is turned.
            turned = -up if out == back and other_y < y else up
            along = other_y + turned if border else other_x + (-up if other_x < x else up)
            borders.setdefault((name, border), []).append((along, number, place))
    ports: dict[tuple[int, int], float] = {}
    for (_, border), ends in borders.items():
        room = min(20.0, ((TALL if border else BOX) - 12) / max(1, len(ends) - 1))
        for order, (_, number, place) in enumerate(sorted(ends)):
            ports[number, place] = (order - (len(ends) - 1) / 2) * room
    return [_curve(places[by], places[to], *sides[number], ports[number, 0], ports[number, 1])
            for number, (by, to) in enumerate(pairs)]  # fmt: skip


def _first(names: Names, by: str, to: str) -> bool:
    """Say whether an effect is drawn above the one that answers it: that of the gut is."""
    if {names.side[by], names.side[to]} == {"gut", "mind"}:
        return names.side[by] == "gut"
    return names.processes.index(by) < names.processes.index(to)


def _borders(one: tuple[float, float], other: tuple[float, float], side: str, to_side: str) -> tuple[int, int]:
    """Return the borders from which and to which an arrow leads: -1 left, 1 right, 0 above."""
    if side == to_side != "" or one[0] == other[0]:
        outer = -1 if one[0] <= WIDTH / 2 else 1
        return outer, outer
    out, back = (1, -1) if one[0] < other[0] else (-1, 1)
    # What belongs to neither side stands below the others.
    if bool(side) != bool(to_side):
        return (out, 0) if side else (0, back)
    return out, back


def _curve(
    start: tuple[float, float], end: tuple[float, float], out: int, back: int, from_port: float, to_port: float
) -> np.ndarray:
    """Return points [points, 2] of a curve that leaves and meets borders at a right angle."""
    first, last = _at(start, out, from_port, 0.0), _at(end, back, to_port, HEAD + 2)
    away = np.abs(last - first)
    reach = 0.42 * away[0] if out == -back else 34 + 0.22 * away[1] if out == back else 0.55 * away.max()
    one = first + reach * np.array([out, 0.0 if out else -1.0])
    two = last + reach * np.array([back, 0.0 if back else -1.0])
    if not out or not back:  # a corner is turned without leaving the space between both boxes
        one = np.array([last[0], first[1]]) if out else np.array([first[0], last[1]])
        one, two = first + 0.75 * (one - first), last + 0.75 * (one - last)
    share = np.linspace(0, 1, 31)[:, None]
    return ((1 - share) ** 3 * first + 3 * (1 - share) ** 2 * share * one + 3 * (1 - share) * share**2 * two
            + share**3 * last)  # fmt: skip


def _at(middle: tuple[float, float], border: int, port: float, gap: float) -> np.ndarray:
    """Return the place of a port, so far outside of the border of a box."""
    if border:
        return np.array([middle[0] + border * (BOX / 2 + gap), middle[1] + port])
    return np.array([middle[0] + port, middle[1] - TALL / 2 - gap])


def _lines(names: Names, arrows: Sequence[Arrow], at: Any) -> list[Any]:
    layers: list[Any] = []
    rows, tips = [], []
    for number, one in enumerate(arrows):
        width = float(np.clip(PER_SD * abs(one.estimate), THIN, THICK))
        colour = names.way(one.by, one.to)
        told = f"{brief(one.by)} → {brief(one.to)}: {one.label}"
        rows += [(number, order, float(x), float(y), width, colour, one.sure, told)
                 for order, (x, y) in enumerate(one.path)]  # fmt: skip
        (x, y), behind = one.path[-1], one.path[-4]
        angle = float(np.degrees(np.arctan2(y - behind[1], x - behind[0])))
        tips.append((float(x), float(y), angle, colour, (HEAD + 1.6 * width) ** 2, told))
    if not rows:
        return layers
    columns = ["arrow", "order", "x", "y", "width", "colour", "sure", "effect"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    for sure in (False, True):
        own = table.filter(pl.col("sure") == sure)
        if len(own):
            dash: dict[str, Any] = {} if sure else {"strokeDash": [7, 5]}
            line = alt.Chart(own).mark_line(opacity=0.85 if sure else 0.6, strokeCap="butt", **dash)
            layers.append(line.encode(
                **at("x", "y"), detail="arrow:N", order="order:Q", color=alt.Color("colour:N", scale=None),
                strokeWidth=alt.StrokeWidth("width:Q", scale=None), tooltip=["effect"]))  # fmt: skip
    points = pl.DataFrame(tips, schema=["x", "y", "angle", "colour", "size", "effect"], orient="row")
    layers.append(alt.Chart(points).mark_point(shape=POINT, filled=True, opacity=1).encode(
        **at("x", "y"), angle=alt.Angle("angle:Q", scale=None), size=alt.Size("size:Q", scale=None),
        color=alt.Color("colour:N", scale=None), tooltip=["effect"]))  # fmt: skip
    return layers


def _labels(names: Names, arrows: Sequence[Arrow], places: Mapping[str, tuple[float, float]]) -> pl.DataFrame:
    """Set labels on their arrows where they cover no box, no other label and as little as possible of other arrows."""
    schema = dict.fromkeys(("left", "right", "top", "low", "x", "y"), pl.Float64)
    kinds = schema | {"text": pl.String, "colour": pl.String, "sure": pl.Boolean}
    aside = BOX / 2 + EDGE + 2
    taken = [(x - aside, x + aside, y - TALL / 2 - 2, y + TALL / 2 + 2) for x, y in places.values()]
    rows: list[tuple[Any, ...]] = []
    across = (UP, DOWN)
    ranked = sorted(arrows, key=lambda one: (not one.sure, names.way(one.by, one.to) not in across, -abs(one.estimate)))
    ranked = [one for one in ranked if one.sure or len(arrows) <= MANY]
    for one in ranked[:NAMED]:
        half = LETTER * len(one.label) / 2 + 3
        best: tuple[float, tuple[float, float, float, float]] | None = None
        for order, share in enumerate(SPOTS):
            x, y = (float(value) for value in one.path[round(share * (len(one.path) - 1))])
            start, end = places[one.by][0], places[one.to][0]
            if start == end:  # beside the box, outside of its side
                x = start - aside - half if start < WIDTH / 2 else start + aside + half
            box = (x - half, x + half, y - LINE / 2, y + LINE / 2)
            if box[0] < 2 or box[1] > WIDTH - 2 or any(_meet(box, other) for other in taken):
                continue
            crossed = sum(_covered(box, other.path) for other in arrows if other is not one)
            cost = crossed + 0.3 * order
            if best is None or cost < best[0]:
                best = cost, box
        if best is not None:
            box = best[1]
            taken.append(box)
            colour = names.way(one.by, one.to)
            rows.append((*box, (box[0] + box[1]) / 2, (box[2] + box[3]) / 2, one.label, colour, one.sure))
    return pl.DataFrame(rows, schema=kinds, orient="row")


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _covered(box: tuple[float, ...], path: np.ndarray) -> float:
    inside = (path[:, 0] > box[0]) & (path[:, 0] < box[1]) & (path[:, 1] > box[2]) & (path[:, 1] < box[3])
    return float(inside.any()) + 0.05 * float(inside.sum())
