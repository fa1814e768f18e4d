"""Marks that the figures of an analysis share: forests of estimates, strips of values, a key of colours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.show.analysis_scene import EVERYBODY, Scene, text_of
from gutbrain.show.study_plots import evenly, shorten, thinned
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK, PAPER, QUIET

ROWS = 24  # of a forest
LABEL = 52  # letters of a label beside a row
LEVEL = 0.05
DOTS, DENSE = 600, 250  # most dots of a panel; from how many on they are small
LETTER = 6.4  # width of a letter of 12 pixels
WIDEST = 860  # pixels of a panel
MINUS = "replace(datum.label, '-', '−')"


def forest(
    rows: pl.DataFrame, title: str, *, zero: float | None = 0.0, log: bool = False, width: int = 400,
    others: pl.DataFrame | None = None, bounds: float | None = None, heading: str = "", domain: Any = None,
    row: int = 21, values: Sequence[float] | None = None,
) -> alt.LayerChart:  # fmt: skip
    """Draw estimates with intervals, one row each, from top to bottom.

    Parameters
    ----------
    rows : label, estimate, low, high (may be empty), and if wanted p, q (filled below 0.05) and tint (a colour)
    title : of the axis, with the unit
    zero : where nothing is different
    others : place (number of the row), estimate: small marks beside
    bounds : an important difference, dashed on both sides of zero
    heading : above the panel
    row : height of a row, pixels
    values : where the axis has marks; chosen by the figure without them
    """
    table = rows.with_row_index("place").with_columns(
        pl.col("place").cast(pl.Float64),
        pl.col("tint") if "tint" in rows.columns else pl.lit(ARM_COLOURS[0]).alias("tint"),
        pl.col("q").cast(pl.Float64) if "q" in rows.columns else pl.lit(0.0).alias("q"),
    )
    inside = pl.when(pl.col("q").fill_null(1.0) < LEVEL).then("tint").otherwise(pl.lit(PAPER))
    tips = [name for name in ("label", "estimate", "low", "high", "p", "q") if name in rows.columns]
    shown = table.with_columns(inside.alias("inside")).select("place", "tint", "inside", *tips)
    shown = shown.filter(pl.col("estimate").is_not_null())
    labels = json.dumps([shorten(name, LABEL) for name in rows["label"].to_list()])
    scale = alt.Scale(type="log" if log else "linear", domain=_wide(shown, log, zero, bounds, domain), nice=False)
    marks: dict[str, Any] = {"tickCount": 5} if values is None else {"values": list(values)}
    axis = alt.Axis(**marks, grid=True, labelOverlap=True, format=",.6~g", labelExpr=MINUS)
    x = alt.X("estimate:Q", title=wrapped(title, max(24, width // 7)), scale=scale, axis=axis)
    y = alt.Y(
        "place:Q", title=None, scale=alt.Scale(domain=[len(rows) - 0.45, -0.55], nice=False),
        axis=alt.Axis(values=list(range(len(rows))), labelExpr=f"{labels}[datum.value]", ticks=False, grid=True,
                      labelLimit=340, domain=False, labelOverlap=False),
    )  # fmt: skip
    base = alt.Chart(shown)
    layers: list[Any] = []
    if zero is not None:
        layers.append(alt.Chart().mark_rule(color=QUIET).encode(x=alt.XDatum(zero, scale=scale)))
    if bounds is not None and zero is not None:
        for sign in (-1, 1):
            dashed = alt.Chart().mark_rule(color=QUIET, strokeDash=[4, 4], clip=True)
            layers.append(dashed.encode(x=alt.XDatum(zero + sign * bounds, scale=scale)))
    between = alt.Chart(shown.drop_nulls([name for name in ("low", "high") if name in shown.columns]))
    layers.append(
        between.mark_rule(strokeWidth=2.2, clip=True).encode(
            x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, color=alt.Color("tint:N", scale=None))
    )  # fmt: skip
    if others is not None and len(others):
        ticks = alt.Chart(others).mark_tick(color=QUIET, thickness=1.6, size=11, opacity=0.8, clip=True)
        layers.append(ticks.encode(x=alt.X("estimate:Q", scale=scale), y=y))
    layers.append(
        base.mark_point(size=58, strokeWidth=1.8, opacity=1, fillOpacity=1, clip=True).encode(
            x=x, y=y, stroke=alt.Stroke("tint:N", scale=None), fill=alt.Fill("inside:N", scale=None), tooltip=tips)
    )  # fmt: skip
    chart = alt.layer(*layers).properties(width=width, height=max(40, row * len(rows)))
    return chart.properties(title=heading_of(heading, 64)) if heading else chart


def _wide(shown: pl.DataFrame, log: bool, zero: float | None, bounds: float | None, domain: Any) -> list[float]:
    """Return the ends of the axis: everything drawn and the line of no difference, with a margin."""
    if domain is not None:
        return list(domain)
    values = [value for name in ("estimate", "low", "high") for value in shown[name].drop_nulls().to_list()]
    values = [value for value in values if np.isfinite(value) and (not log or value > 0)]
    values += [zero] if zero is not None else []
    if bounds is not None and zero is not None and values and max(map(abs, values)) > bounds / 4:
        values += [zero - bounds, zero + bounds]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if log:
        low, high = float(np.log(low)), float(np.log(high))
    pad = 0.06 * (high - low) or abs(high) * 0.1 or 0.5
    ends = [low - pad, high + pad]
    return [float(np.exp(end)) for end in ends] if log else [float(end) for end in ends]


def panels(charts: Sequence[Any], labels: int = 0, columns: int = 2, row: int = 84) -> Any:
    """Set panels beside and below each other; `labels`: letters of the longest label left of a panel."""
    if len(charts) == 1:
        return dress(charts[0])
    gap = 46 + LETTER * min(labels, LABEL)
    whole = alt.concat(*charts, columns=columns, spacing={"row": row, "column": gap}, bounds="flush")
    return dress(whole.resolve_scale(x="independent", y="independent", color="independent"))


def heading_of(text: str, most: int = 48) -> alt.TitleParams:
    """Return the title of a panel; it begins where the frame begins, not where the labels do."""
    return alt.TitleParams(wrapped(text, most), fontSize=13, frame="group", anchor="start")


def longest(names: Sequence[str]) -> int:
    """Return the letters of the longest name."""
    return max((len(name) for name in names), default=0)


def wrapped(text: str, most: int) -> Any:
    """Return a title on as many lines as it needs."""
    lines = wrap(text, most) or [""]
    return lines[0] if len(lines) == 1 else lines


def level_axis(names: Sequence[str], width: float, place: str = "datum.value") -> dict[str, Any]:
    """Return options of an axis whose labels fit: several lines where there is room for words, else slanted.

    Parameters
    ----------
    names : labels at 0, 1, 2 ...; or, where `place` is empty, the values themselves
    """
    letters = max(4, int(width / max(1, len(names)) / LETTER))
    slanted = longest([word for name in names for word in name.split()]) > letters
    lines = [[shorten(name, 22)] if slanted else wrap(name, letters) or [""] for name in names]
    table = json.dumps(lines if place else dict(zip(names, lines, strict=True)))
    angle = {"labelAngle": -35, "labelAlign": "right"} if slanted else {"labelAngle": 0, "labelAlign": "center"}
    return {"labelExpr": f"{table}[datum.value]", "labelOverlap": False, "ticks": False, "labelPadding": 6, **angle}


def strip(
    table: pl.DataFrame, value: str, title: str, scene: Scene, *, colour: str = "", across: str = "",
    line: float | None = None, band: tuple[float, float] | None = None, heading: str = "", width: int = 0,
    height: int = 230, legend: bool = True,
) -> alt.LayerChart:  # fmt: skip
    """Draw every value beside median and quartiles: `across` along the axis, `colour` beside each other.

    Parameters
    ----------
    value : column that is drawn
    colour, across : columns; empty: everybody together
    line : a dashed line, such as a threshold
    band : a shaded range, such as that of a reference
    width : of the panel; by the number of groups if 0
    """
    across = across or colour
    known = table.filter(pl.col(value).is_not_null()).select(
        text_of(table, across).alias("across"), text_of(table, colour).alias("colour"),
        pl.col(value).cast(pl.Float64).alias("value"),
    )  # fmt: skip
    along, groups = scene.levels(across, known["across"]), scene.levels(colour, known["colour"])
    beside = len(groups) if colour and across != colour else 1
    room = 0.84 / beside
    place = {name: float(number) for number, name in enumerate(along)}
    shift = {name: (number - (beside - 1) / 2) * room if beside > 1 else 0.0 for number, name in enumerate(groups)}
    middle = pl.col("across").replace_strict(place, return_dtype=pl.Float64)
    middle = middle + pl.col("colour").replace_strict(shift, return_dtype=pl.Float64)
    known = known.with_columns(middle.alias("middle"))
    quartiles = known.group_by("colour", "middle", maintain_order=True).agg(
        pl.col("value").quantile(share, "linear").alias(name)
        for share, name in ((0.25, "low"), (0.5, "median"), (0.75, "high"))
    )
    half = 0.42 * room
    quartiles = quartiles.with_columns(left=pl.col("middle") - half, right=pl.col("middle") + half)
    dots = thinned(known, DOTS)
    aside = (np.arange(len(dots)) * 0.6180339887) % 1 - 0.5  # spread evenly, always in the same way
    dots = dots.with_columns(pl.Series("x", dots["middle"].to_numpy() + aside * 0.5 * room))
    wide = width or int(min(WIDEST, max(150, len(along) * (56 + 26 * (beside - 1)))))
    names = [""] if along == [EVERYBODY] else along
    axis = alt.Axis(values=list(range(len(along))), grid=False, **level_axis(names, wide))
    x = alt.X("x:Q", title=None, scale=alt.Scale(domain=[-0.5, len(along) - 0.5], nice=False), axis=axis)
    scale = alt.Scale(zero=False, nice=False, domain=_ends(known, line))
    y = alt.Y("value:Q", title=wrapped(title, 38) if title else None, scale=scale, axis=alt.Axis(tickCount=5))
    tint = scene.tint("colour", groups, scene.arm or None, legend and beside > 1)
    if colour == "visit":
        tint = alt.Color("colour:N", legend=None, scale=alt.Scale(domain=groups, range=[ARM_COLOURS[0]] * len(groups)))
    layers: list[Any] = []
    if band is not None:
        shade = alt.Chart(pl.DataFrame({"low": [band[0]], "high": [band[1]]})).mark_rect(color="#e7f1e9", clip=True)
        layers.append(shade.encode(y=alt.Y("low:Q", scale=scale), y2="high:Q"))
    base, small = alt.Chart(quartiles), len(dots) > DENSE
    cloud = alt.Chart(dots).mark_circle(size=12 if small else 22, opacity=0.4 if small else 0.6, clip=True)
    box = base.mark_rect(opacity=0.16)
    layers += [
        box.encode(x=alt.X("left:Q"), x2="right:Q", y=alt.Y("low:Q"), y2="high:Q", color=tint),
        cloud.encode(x=x, y=y, color=tint),
        base.mark_rule(strokeWidth=2.4, color=INK).encode(x=alt.X("left:Q"), x2="right:Q", y=alt.Y("median:Q")),
    ]
    if line is not None:
        layers.append(alt.Chart().mark_rule(color=QUIET, strokeDash=[5, 4]).encode(y=alt.datum(line)))
    chart = alt.layer(*layers).properties(width=wide, height=height)
    return chart.properties(title=heading_of(heading, 48)) if heading else chart


def _ends(known: pl.DataFrame, line: float | None) -> list[float]:
    values = [*known["value"].to_list(), *([line] if line is not None else [])]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    pad = 0.05 * (high - low) or abs(high) * 0.1 or 0.5
    return [max(0.0, low - pad) if low > 0 else low - pad, high + pad]


def key(groups: Mapping[str, str], width: float, title: str = "") -> alt.LayerChart:
    """Draw the names of colours in one line, or several where one is too short: name -> colour."""
    rows: list[tuple[str, str, float, float, float]] = []
    start = LETTER * len(title) + (14 if title else 0)
    at, down = start, 0.0
    for name, colour in groups.items():
        text = shorten(name, 30)
        need = 34 + LETTER * len(text)
        if at > start and at + need > width:
            at, down = start, down + 1
        rows.append((text, colour, at + 6, at + 17, down))
        at += need
    table = pl.DataFrame(rows, schema=["name", "colour", "x", "text", "y"], orient="row")
    scale, high = alt.Scale(domain=[0, width], nice=False), alt.Scale(domain=[down + 0.5, -0.5], nice=False)
    x, y = alt.X("x:Q", axis=None, scale=scale), alt.Y("y:Q", axis=None, scale=high)
    square = alt.Chart(table).mark_point(shape="square", filled=True, size=110, opacity=1)
    text = alt.Chart(table).mark_text(align="left", fontSize=12, color=INK)
    layers: list[Any] = [
        square.encode(x=x, y=y, color=alt.Color("colour:N", scale=None)),
        text.encode(x=alt.X("text:Q", axis=None, scale=scale), y=y, text="name:N"),
    ]
    if title:
        head = alt.Chart(pl.DataFrame({"x": [0.0], "y": [0.0], "title": [title]}))
        layers.append(head.mark_text(align="left", fontSize=12, fontWeight=500, color=INK).encode(
            x=x, y=y, text="title:N"))  # fmt: skip
    return alt.layer(*layers).properties(width=width, height=18 * (down + 1))


def some(items: Sequence[Any], most: int, what: str) -> tuple[list[Any], str]:
    """Return at most so many items, evenly picked, and what is to be said of those left out."""
    kept = evenly(items, most)
    return kept, "" if len(kept) == len(items) else f" Drawn: {len(kept)} of {len(items)} {what}, evenly picked."
