"""Figures of ordinations: samples of people, groups with ellipses, arrows of taxa or of the terms of a model."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_scene import EVERYBODY, SHADES, UNKNOWN, Scene, text_of
from gutbrain.show.analysis_words import taxa_said, term_said
from gutbrain.show.labels import place_labels
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import GREY, MARKS, counted_said, note, said, shorten, thinned
from gutbrain.show.theme import dress
from gutbrain.show.words import INK, PAPER

SIDE, LEAST = 520.0, 240.0  # longest and shortest side of an ordination, pixels
ROUND = np.linspace(0, 2 * np.pi, 61)
LOADED = 8  # taxa or terms whose arrows are drawn
JOINED = 130  # most samples among which those of a person are joined
DENSE = 150  # samples from which on dots are small
SHAPES = ("circle", "triangle-up", "square", "diamond", "cross", "triangle-down")


def ordination_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return the picture of an ordination, with the terms of its model if it has one."""
    table, axes = done.tables.get("ordination", pl.DataFrame()), done.tables.get("axes", pl.DataFrame())
    if table.is_empty() or "axis_2" not in table.columns:
        return []
    arrows, what = _arrows_of(done, scene.design)
    chart = ordination(table, axes, scene, arrows)
    colour, shape = shown_groups(table, scene)
    parts = [f"{counted_said(len(table), 'sample')} of {counted_said(table['person'].n_unique(), 'person')}"]
    parts.append("both axes have one scale")
    if colour:
        parts.append(
            f"colour: {_called(colour, scene).lower()}; cross: mean, ellipse: one standard deviation around it"
        )
    if shape:
        parts.append("shape: visit")
    if _joined(table):
        parts.append("thin lines join the samples of a person in order")
    elif colour and shape and arrows.is_empty():
        parts.append("open dots on a line: the means of the visits in order")
    if len(arrows):
        parts.append(what)
    drawn = note({"samples": (min(len(table), MARKS), len(table))})
    return [Figure(chart, "; ".join(parts) + "." + drawn, f"{step.name}, ordination")]


def _arrows_of(done: Done, design: Design) -> tuple[pl.DataFrame, str]:
    """Return text, axis_1, axis_2 of the arrows: terms of the model if there is one, else taxa."""
    biplot, loadings = (done.tables.get(name, pl.DataFrame()) for name in ("biplot", "loadings"))
    if not biplot.is_empty():
        texts = [_brief(name, design) for name in biplot["column"].to_list()]
        made, what = (
            biplot.with_columns(pl.Series("text", texts)),
            "terms of the model, by their correlation with the axes",
        )
    elif not loadings.is_empty() and "axis_2" in loadings.columns:
        names = taxa_said(loadings["feature"].to_list(), 36)
        made = loadings.with_columns(pl.col("feature").replace_strict(names, return_dtype=pl.String).alias("text"))
        what = "taxa with the largest loadings"
    else:
        return pl.DataFrame(), ""
    size = (pl.col("axis_1") ** 2 + pl.col("axis_2") ** 2).sqrt()
    largest = made.with_columns(size.alias("size")).filter(pl.col("size") > 1e-12).sort("size", descending=True)
    among = f" {LOADED} of {len(largest)}" if len(largest) > LOADED else ""
    largest = largest.filter(pl.col("size") > 0.3 * pl.col("size").max())
    return largest.head(LOADED).select("text", "axis_1", "axis_2"), f"arrows:{among} {what}, stretched to fit"


def _brief(term: str, design: Design) -> str:
    """Return a term without the names of arm and visit, which the legends say."""
    text = term_said(term)
    for name in (design.arm, "visit"):
        text = re.sub(rf"(^|× ){re.escape(name)} ", r"\1", text) if name else text
    return text


def _called(column: str, scene: Scene) -> str:
    return scene.arm if column in (scene.design.arm, "arm") and scene.arm else said(column)


def shown_groups(table: pl.DataFrame, scene: Scene) -> tuple[str, str]:
    """Return the columns of colour and shape; where arms have colours, visits beyond the shapes are not told apart."""
    colour, visit = scene.groups(table)
    if not colour:
        return visit, ""
    return colour, visit if visit and table["visit"].n_unique() <= len(SHAPES) else ""


def _joined(table: pl.DataFrame) -> bool:
    return bool(table["person"].drop_nulls().is_duplicated().any()) and len(table) <= JOINED


def ordination(table: pl.DataFrame, axes: pl.DataFrame, scene: Scene, arrows: pl.DataFrame) -> alt.LayerChart:
    """Draw the first two axes; a unit is as long across as upwards, so that distances can be read.

    Parameters
    ----------
    table : sample, person, axis_1, axis_2 and covariates
    axes : axis, share, and kind if the ordination is constrained
    arrows : text, axis_1, axis_2
    """
    colour, shape = shown_groups(table, scene)
    order = {name: float(number) for number, name in enumerate(scene.design.visits)}
    visit = text_of(table, "visit")
    day = pl.col("day").cast(pl.Float64) if "day" in table.columns else pl.lit(0.0)
    when = visit.replace_strict(order, default=0.0, return_dtype=pl.Float64) if order else day
    shown = thinned(
        table.select(
            "sample", "person", "axis_1", "axis_2", visit.alias("visit"), when.alias("order"),
            text_of(table, colour).alias("colour"), text_of(table, shape).alias("shape"),
        )
    )  # fmt: skip
    groups = scene.levels(colour, shown["colour"])
    (x_scale, y_scale), (wide, high) = _equal(shown.select("axis_1", "axis_2").to_numpy())
    x, y = (_axis(kind, number, axes, scale) for kind, number, scale in ((alt.X, 1, x_scale), (alt.Y, 2, y_scale)))
    tint: Any = alt.value(scene.colours([EVERYBODY])[0])
    if colour == "visit":
        legend = alt.Legend(orient="right", direction="vertical", symbolOpacity=1)
        tint = alt.Color("colour:O", title="Visit", sort=groups, legend=legend,
                         scale=alt.Scale(domain=groups, scheme=SHADES))  # fmt: skip
    elif colour:
        tint = scene.tint("colour", groups, _called(colour, scene))
    dense = len(shown) > DENSE
    encoded: dict[str, Any] = {"x": x, "y": y, "color": tint, "tooltip": ["sample", "person", "colour", "visit"]}
    if shape:
        stages = scene.levels("visit", shown["shape"])
        scale = alt.Scale(domain=stages, range=[SHAPES[n % len(SHAPES)] for n in range(len(stages))])
        legend = alt.Legend(orient="right", direction="vertical")
        encoded["shape"] = alt.Shape("shape:N", title="Visit", legend=legend, scale=scale)
    layers: list[Any] = []
    if _joined(shown):
        line = alt.Chart(shown.drop_nulls("person")).mark_line(color=GREY, strokeWidth=0.8, opacity=0.7)
        layers.append(line.encode(x=x, y=y, detail="person:N", order="order:Q"))
    dots = alt.Chart(shown).mark_point(filled=True, size=20 if dense else 46, opacity=0.45 if dense else 0.75)
    layers.append(dots.encode(**encoded))
    if colour:
        rounds, means = _ellipses(shown)
        outline = alt.Chart(rounds).mark_line(strokeWidth=1.8, clip=True)
        layers.append(outline.encode(x=x, y=y, color=tint, detail="colour:N", order="order:Q"))
        if shape and not _joined(shown) and arrows.is_empty():
            by = shown.group_by("colour", "shape", maintain_order=True)
            path = alt.Chart(by.agg(pl.col("axis_1", "axis_2", "order").mean()).sort("order"))
            layers.append(path.mark_line(strokeWidth=1.6).encode(x=x, y=y, color=tint, order="order:Q"))
            open_dots = path.mark_point(fill=PAPER, size=42, strokeWidth=1.8, opacity=1)
            layers.append(open_dots.encode(x=x, y=y, color=tint))
        cross = alt.Chart(means).mark_point(
            shape="cross", size=150, filled=True, stroke=PAPER, strokeWidth=1, opacity=1
        )
        layers.append(cross.encode(x=x, y=y, color=tint))
    if len(arrows):
        points = np.empty((0, 2)) if dense else shown.select("axis_1", "axis_2").to_numpy()
        layers += _arrows(arrows, points, np.array([x_scale["domain"], y_scale["domain"]]), (wide, high), (x, y))
    return dress(alt.layer(*layers).properties(width=wide, height=high))


def _axis(kind: Any, number: int, axes: pl.DataFrame, scale: alt.Scale) -> Any:
    """Return the channel of one axis, with its share of the variation."""
    row = (
        axes.filter(pl.col("axis").cast(pl.String).is_in([str(number), f"axis_{number}"])).head(1)
        if len(axes)
        else axes
    )
    share = row["share"][0] if len(row) else None
    told = [f"{share:.1%}".replace("%", " %") + " of the variation"] if share is not None else []
    if len(row) and "kind" in axes.columns:
        told.insert(0, "not in the model" if row["kind"][0] == "residual" else "in the model")
    title = f"Axis {number}" + (f" ({', '.join(told)})" if told else "")
    return kind(f"axis_{number}:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6))


def _equal(points: np.ndarray) -> tuple[tuple[alt.Scale, alt.Scale], tuple[float, float]]:
    """Return scales on which a unit has one length in pixels, and width and height of the frame."""
    low, high = np.minimum(points.min(axis=0), 0), np.maximum(points.max(axis=0), 0)
    middle, span = (low + high) / 2, np.maximum(high - low, 1e-9) * 1.14
    unit = float(span.max()) / SIDE
    size = np.clip(span / unit, LEAST, SIDE)
    half = size * unit / 2
    scales = [alt.Scale(domain=[float(m - h), float(m + h)], nice=False) for m, h in zip(middle, half, strict=True)]
    return (scales[0], scales[1]), (float(size[0]), float(size[1]))


def _ellipses(shown: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the outline of one standard deviation around the mean of each group, and the means."""
    rounds, means = [], []
    for (name,), rows in shown.filter(pl.col("colour") != UNKNOWN).group_by("colour", maintain_order=True):
        values = rows.select("axis_1", "axis_2").to_numpy()
        middle = values.mean(axis=0)
        means.append((name, *middle))
        if len(values) > 2:
            size, turn = np.linalg.eigh(np.cov(values.T))
            outline = middle + (np.column_stack([np.cos(ROUND), np.sin(ROUND)]) * np.sqrt(np.maximum(size, 0))) @ turn.T
            rounds += [(name, number, *spot) for number, spot in enumerate(outline)]
    schema = {"colour": pl.String, "order": pl.Int64, "axis_1": pl.Float64, "axis_2": pl.Float64}
    return (
        pl.DataFrame(rounds, schema=schema, orient="row"),
        pl.DataFrame(means, schema={name: kind for name, kind in schema.items() if name != "order"}, orient="row"),
    )


def _arrows(
    arrows: pl.DataFrame, points: np.ndarray, domains: np.ndarray, size: tuple[float, float], channels: tuple[Any, Any]
) -> list[Any]:
    """Return arrows from the origin, as long as the frame allows, with labels that do not collide."""
    ends = arrows.select("axis_1", "axis_2").to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(ends > 0, domains[:, 1] / ends, np.where(ends < 0, domains[:, 0] / ends, np.inf))
    ends = ends * 0.8 * float(room.min())
    low, span, frame = domains[:, 0], domains[:, 1] - domains[:, 0], np.array(size)
    pixels = (np.vstack([ends, points]) - low) / span * frame
    texts = [shorten(name, 38) for name in arrows["text"].to_list()]
    labels = place_labels(pixels[:, 0], pixels[:, 1], texts, range(len(texts)), *size)
    angle = np.degrees(np.arctan2(ends[:, 0] / span[0] * size[0], ends[:, 1] / span[1] * size[1])) % 360
    lines = pl.DataFrame({"axis_1": ends[:, 0], "axis_2": ends[:, 1], "angle": angle, "from": [0.0] * len(ends)})
    x, y = channels
    stem, head = alt.Chart(lines).mark_rule(color=INK, strokeWidth=1.1), alt.Chart(lines)
    made: list[Any] = [
        stem.encode(x=alt.X("from:Q"), y=alt.Y("from:Q"), x2="axis_1:Q", y2="axis_2:Q"),
        head.mark_point(shape="triangle", size=45, filled=True, color=INK, opacity=1).encode(
            x=x, y=y, angle=alt.Angle("angle:Q", scale=None)),
    ]  # fmt: skip
    if not labels:
        return made
    names = ["axis_1", "axis_2", "edge_1", "edge_2", "tip_1", "tip_2"]
    spots = pl.DataFrame(
        [(one.text, one.far, one.x, one.y, *one.edge, one.anchor_x, one.anchor_y) for one in labels],
        schema=["text", "far", *names], orient="row",
    ).with_columns(
        (pl.col(name) / frame[n % 2] * span[n % 2] + low[n % 2]).alias(name) for n, name in enumerate(names)
    )  # fmt: skip
    leads = alt.Chart(spots.filter("far")).mark_rule(color=GREY, strokeWidth=0.8)
    made.append(leads.encode(x=alt.X("edge_1:Q"), y=alt.Y("edge_2:Q"), x2="tip_1:Q", y2="tip_2:Q"))
    text = alt.Chart(spots)
    halo = text.mark_text(fontSize=11, baseline="middle", stroke=PAPER, strokeWidth=3, strokeJoin="round")
    ink = text.mark_text(fontSize=11, baseline="middle", color=INK)
    return [*made, *(one.encode(x=x, y=y, text="text:N") for one in (halo, ink))]
