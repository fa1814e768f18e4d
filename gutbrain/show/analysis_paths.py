"""Figures of mediation: the triangle of paths, and how much confounding it would take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_words import name_said, term_said
from gutbrain.show.page import Block, Figure, Table
from gutbrain.show.study_plots import shorten
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK, QUIET, number

WIDTH, HEIGHT = 640, 250
BOX, TALL = 176, 50  # size of a box, pixels
SOURCE, MEDIATOR, OUTCOME = (100, 50), (320, 200), (540, 50)  # middles of the boxes
DIAGRAMS = 6
KEYS = ("model", "source", "mediator", "outcome")


def mediation_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return one triangle a model, the curve of its sensitivity beside it, and the table of robustness."""
    paths, curves = done.tables.get("paths", pl.DataFrame()), done.tables.get("sensitivity", pl.DataFrame())
    blocks: list[Block] = []
    if len(paths):
        for key, rows in list(paths.group_by(KEYS, maintain_order=True))[:DIAGRAMS]:
            model, source, mediator, outcome = map(str, key)
            name = f"{step.name}, {source}, {mediator}, {outcome}"
            caption = (
                f"{model}: estimates with {design.confidence:.0%} intervals, each in the units of its variables. "
                "Arrows are the assumed direction; the data do not prove it."
            )
            blocks.append(Figure(triangle(rows, source, mediator, outcome), caption, f"{name}, paths"))
            own = curves.filter(*(pl.col(k) == v for k, v in zip(KEYS, key, strict=True))) if len(curves) else curves
            if len(own) > 2:
                caption = (
                    "Indirect effect if an unmeasured cause of mediator and outcome left their residuals with this "
                    f"correlation; band: {design.confidence:.0%} interval. At 0 nothing is assumed to be missing."
                )
                blocks.append(Figure(sensitivity(own), caption, f"{name}, sensitivity"))
    robustness = done.tables.get("robustness", pl.DataFrame())
    if len(robustness):
        headings = {name: name.replace("_", " ").capitalize() for name in robustness.columns}
        caption = "How strong an unmeasured cause would have to be to explain the indirect effect away"
        blocks.append(Table(robustness, caption, headings))
    return blocks


def triangle(rows: pl.DataFrame, source: str, mediator: str, outcome: str) -> alt.LayerChart:
    """Draw source, mediator and outcome with their paths.

    Parameters
    ----------
    rows : path (a, b, direct, indirect, total), estimate, low, high, p
    """
    by_path = {row["path"]: row for row in rows.to_dicts()}
    boxes = pl.DataFrame(
        [
            (x - BOX / 2, x + BOX / 2, y - TALL / 2, y + TALL / 2, x, y, _lines(name))
            for (x, y), name in ((SOURCE, source), (MEDIATOR, mediator), (OUTCOME, outcome))
        ],
        schema=["left", "right", "low", "high", "x", "y", "name"], orient="row",
    )  # fmt: skip
    arrows = pl.DataFrame(
        [
            (*spot, (by_path.get(path, {}).get("p") or 1.0) < 0.05, angle)
            for path, spot, angle in (
                ("a", (140, 77, 248, 170), 49), ("b", (384, 173, 492, 80), 131), ("direct", (189, 50, 445, 50), 90),
            )
        ],
        schema=["x", "y", "to_x", "to_y", "found", "angle"], orient="row",
    )  # fmt: skip
    texts = pl.DataFrame(
        [
            (178, 140, "end", _told(by_path.get("a"), "a")), (462, 140, "start", _told(by_path.get("b"), "b")),
            (320, 64, "middle", _told(by_path.get("direct"), "direct")),
            (320, 8, "middle", ",   ".join(_told(by_path.get(n), n) for n in ("indirect", "total") if n in by_path)),
        ],
        schema=["x", "y", "align", "text"], orient="row",
    )  # fmt: skip
    # Every layer says the same of its axes: Vega-Lite cannot merge one without an axis with one that has it.
    wide, high = alt.Scale(domain=[0, WIDTH], nice=False), alt.Scale(domain=[0, HEIGHT], nice=False)
    x, y = alt.X("x:Q", axis=None, scale=wide), alt.Y("y:Q", axis=None, scale=high)
    to_x, to_y = alt.X("to_x:Q", axis=None, scale=wide), alt.Y("to_y:Q", axis=None, scale=high)
    left, low = alt.X("left:Q", axis=None, scale=wide), alt.Y("low:Q", axis=None, scale=high)
    tint = alt.condition("datum.found", alt.value(ARM_COLOURS[0]), alt.value(QUIET))
    frame = alt.Chart(boxes).mark_rect(fill="#eef4f8", stroke=ARM_COLOURS[0], strokeWidth=1.4, cornerRadius=4)
    layers: list[Any] = [
        alt.Chart(arrows).mark_rule(strokeWidth=2.2).encode(x=x, y=y, x2="to_x:Q", y2="to_y:Q", color=tint),
        alt.Chart(arrows).mark_point(shape="triangle", size=110, filled=True, opacity=1).encode(
            x=to_x, y=to_y, angle=alt.Angle("angle:Q", scale=None), color=tint),
        frame.encode(x=left, x2="right:Q", y=low, y2="high:Q"),
    ]  # fmt: skip
    for several, lift in ((False, 0), (True, -8)):  # text of two lines hangs from the middle of its first
        named = alt.Chart(boxes.filter(pl.col("name").str.contains("\n") == several))
        bold = named.mark_text(fontSize=12, fontWeight=600, color=INK, lineBreak="\n", lineHeight=15, dy=lift)
        layers.append(bold.encode(x=x, y=y, text="name:N"))
    for align, anchor in (("end", "right"), ("start", "left"), ("middle", "center")):
        own = texts.filter(pl.col("align") == align)
        layers.append(
            alt.Chart(own).mark_text(align=anchor, fontSize=11.5, color=INK, lineBreak="\n", lineHeight=14).encode(
                x=x, y=y, text="text:N")
        )  # fmt: skip
    return dress(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def sensitivity(rows: pl.DataFrame) -> alt.LayerChart:
    """Draw the indirect effect over the assumed correlation of the residuals."""
    table = rows.select("correlation", "indirect", "low", "high").drop_nulls("indirect").sort("correlation")
    x = alt.X("correlation:Q", title="Correlation of residuals of mediator and outcome")
    base = alt.Chart(table)
    low = alt.Y("low:Q", title="Indirect effect")
    band = base.mark_area(opacity=0.22, color=ARM_COLOURS[0]).encode(x=x, y=low, y2="high:Q")
    line = base.mark_line(strokeWidth=2.4, color=ARM_COLOURS[0]).encode(x=x, y="indirect:Q")
    zero = alt.Chart().mark_rule(color=QUIET).encode(y=alt.datum(0))
    here = alt.Chart().mark_rule(color=QUIET, strokeDash=[4, 4]).encode(x=alt.datum(0))
    return dress(alt.layer(zero, here, band, line).properties(width=420, height=230))


def _lines(name: str) -> str:
    """Return the name of a variable on at most two lines."""
    words, lines = name_said(term_said(name) if "[" in name else name).split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 22 and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(shorten(line, 26) for line in ([*lines[:1], " ".join(lines[1:])] if len(lines) > 1 else lines))


def _told(row: Mapping[str, Any] | None, path: str) -> str:
    if row is None or row["estimate"] is None:
        return f"{path}: not estimated"
    text = f"{path} {number(row['estimate'])}"
    if row["low"] is not None and row["high"] is not None:
        text += f"\n({number(row['low'])} to {number(row['high'])})" if path in "ab" else (
            f" ({number(row['low'])} to {number(row['high'])})")  # fmt: skip
    return text
