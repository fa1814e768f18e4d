"""Figures of whole communities: ordination with dispersion, distances to the spatial median, diversity, rarefaction."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.labels import place_labels
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import GREY, MARKS, counted_said, note, said, shorten, thinned
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK

FRAME = 440.0  # side of an ordination, pixels
ROUND = np.linspace(0, 2 * np.pi, 61)
LOADED = 8  # taxa whose arrows are drawn
SHAPES = ("circle", "triangle-up", "square", "diamond", "cross", "triangle-down")
EVERYBODY = "everybody"


def grouped(table: pl.DataFrame, design: Design) -> tuple[str, str]:
    """Return the columns that colour and shape stand for: the arm and the visit, as far as both vary."""
    varied = [name for name in (design.arm, "visit") if name in table.columns and 1 < table[name].n_unique() <= 8]
    if not varied:
        return "", ""
    return varied[0], varied[1] if len(varied) > 1 else ""


def levels(table: pl.DataFrame, column: str, design: Design) -> list[str]:
    """Return the levels of a column in the order of the design."""
    known = table[column].cast(pl.String).drop_nulls().unique().to_list()
    wanted = design.visits if column == "visit" else [design.reference]
    return [name for name in wanted if name in known] + sorted(name for name in known if name not in wanted)


def ordination_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return the picture of an ordination: samples, people joined, centroids with ellipses, arrows of taxa."""
    table, axes = done.tables.get("ordination", pl.DataFrame()), done.tables.get("axes", pl.DataFrame())
    if table.is_empty() or "axis_2" not in table.columns:
        return []
    colour, _ = grouped(table, design)
    chart = ordination(table, axes, design, done.tables.get("loadings", pl.DataFrame()))
    drawn = note({"samples": (min(len(table), MARKS), len(table))})
    parts = [f"{counted_said(len(table), 'sample')}; axes on one scale"]
    if colour:
        parts.append(f"coloured by {colour}, cross: mean, ellipse: one standard deviation around it")
    if table["person"].drop_nulls().is_duplicated().any():
        parts.append("thin lines join the samples of one person in order")
    if not done.tables.get("loadings", pl.DataFrame()).is_empty():
        parts.append(f"arrows: the {LOADED} taxa with the largest loadings, scaled to fit")
    return [Figure(chart, "; ".join(parts) + "." + drawn, f"{step.name}, ordination")]


def ordination(table: pl.DataFrame, axes: pl.DataFrame, design: Design, loadings: pl.DataFrame) -> alt.LayerChart:
    """Draw the first two axes; the scales are equal, so that distances can be read."""
    colour, shape = grouped(table, design)
    shown = table.select(
        "sample", "person", "axis_1", "axis_2",
        (pl.col(colour).cast(pl.String).fill_null("not known") if colour else pl.lit(EVERYBODY)).alias("colour"),
        (pl.col(shape).cast(pl.String).fill_null("not known") if shape else pl.lit(EVERYBODY)).alias("shape"),
        (pl.col("visit").cast(pl.String) if "visit" in table.columns else pl.lit("")).alias("visit"),
    )  # fmt: skip
    order = {name: float(number) for number, name in enumerate(design.visits)}
    by_visit = shown["visit"].replace_strict(order, default=0.0, return_dtype=pl.Float64)
    shown = thinned(shown.with_columns((by_visit if order else table["day"].cast(pl.Float64)).alias("order")))
    groups = levels(shown, "colour", design) if colour != "visit" else levels(table, "visit", design)
    half = float(np.abs(shown.select("axis_1", "axis_2").to_numpy()).max()) * 1.12 or 1.0
    scale = alt.Scale(domain=[-half, half], nice=False)
    share = dict(axes.select("axis", "share").iter_rows()) if not axes.is_empty() else {}

    def channel(kind: Any, name: str, number: int) -> Any:
        known = share.get(name, share.get(number, share.get(str(number))))
        told = f" ({known:.0%} of the variation)".replace("%", " %") if known is not None else ""
        return kind(f"{name}:Q", title=f"Axis {number}{told}", scale=scale)

    x, y = channel(alt.X, "axis_1", 1), channel(alt.Y, "axis_2", 2)
    palette = alt.Scale(domain=groups, range=[ARM_COLOURS[n % len(ARM_COLOURS)] for n in range(len(groups))])
    tint = (
        alt.Color("colour:N", title=said(colour) if colour else None, scale=palette)
        if colour
        else alt.value(ARM_COLOURS[0])
    )
    points = alt.Chart(shown).mark_point(filled=True, size=46, opacity=0.75)
    encoded: dict[str, Any] = {"x": x, "y": y, "color": tint, "tooltip": ["sample", "person", "colour", "shape"]}
    if shape:
        stages = levels(table, shape, design)
        encoded["shape"] = alt.Shape(
            "shape:N",
            title=said(shape),
            scale=alt.Scale(domain=stages, range=[SHAPES[n % 6] for n in range(len(stages))]),
        )
    layers: list[Any] = []
    if shown["person"].drop_nulls().is_duplicated().any():
        joined = alt.Chart(shown.filter(pl.col("person").is_not_null())).mark_line(
            color=GREY, strokeWidth=0.7, opacity=0.6
        )
        layers.append(joined.encode(x=x, y=y, detail="person:N", order="order:Q"))
    layers.append(points.encode(**encoded))
    if colour:
        rounds, means = _ellipses(shown)
        line = alt.Chart(rounds).mark_line(strokeWidth=1.8)
        layers.append(line.encode(x="axis_1:Q", y="axis_2:Q", color=tint, detail="colour:N", order="order:Q"))
        cross = alt.Chart(means).mark_point(
            shape="cross", size=150, filled=True, stroke="white", strokeWidth=1, opacity=1
        )
        layers.append(cross.encode(x="axis_1:Q", y="axis_2:Q", color=tint))
    layers += _arrows(loadings, half, shown.select("axis_1", "axis_2").to_numpy())
    return dress(alt.layer(*layers).properties(width=FRAME, height=FRAME))


def _ellipses(shown: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the outline of one standard deviation around the mean of each group, and the means."""
    rounds, means = [], []
    for (name,), rows in shown.group_by("colour", maintain_order=True):
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


def _arrows(loadings: pl.DataFrame, half: float, points: np.ndarray) -> list[Any]:
    if loadings.is_empty() or "axis_2" not in loadings.columns:
        return []
    size = (pl.col("axis_1") ** 2 + pl.col("axis_2") ** 2).sqrt()
    largest = loadings.with_columns(size.alias("size")).sort("size", descending=True).head(LOADED)
    factor = 0.8 * half / (float(largest["size"].to_numpy().max()) or 1.0)
    ends = largest.select("axis_1", "axis_2").to_numpy() * factor
    pixels = (np.vstack([ends, points]) + half) / (2 * half) * FRAME
    texts = [shorten(name, 28) for name in largest["feature"].to_list()]
    labels = place_labels(pixels[:, 0], pixels[:, 1], texts, range(len(texts)), FRAME, FRAME)
    lines = pl.DataFrame({"x": ends[:, 0], "y": ends[:, 1], "from_x": 0.0, "from_y": 0.0})
    spots = pl.DataFrame(
        [(one.text, one.x / FRAME * 2 * half - half, one.y / FRAME * 2 * half - half) for one in labels],
        schema={"feature": pl.String, "x": pl.Float64, "y": pl.Float64}, orient="row",
    )  # fmt: skip
    arrows = alt.Chart(lines).mark_rule(color=INK, strokeWidth=1.1)
    text = alt.Chart(spots).mark_text(fontSize=11, color=INK, fontStyle="italic", baseline="middle")
    return [
        arrows.encode(x="from_x:Q", y="from_y:Q", x2="x:Q", y2="y:Q"),
        text.encode(x="x:Q", y="y:Q", text="feature:N"),
    ]


def dispersion_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return the distances of samples to the spatial median of their group."""
    table = done.tables.get("dispersion", pl.DataFrame())
    if table.is_empty():
        return []
    own = table.select(pl.col("group").cast(pl.String), "distance")
    order = [name for name in (*design.visits, design.reference) if name in own["group"]]
    order += sorted(set(own["group"].to_list()) - set(order))
    chart = strips(own, "group", "distance", "Distance to the median", order)
    caption = "Distance of each sample to the spatial median of its group; bar: median, box: quartiles."
    return [Figure(chart, caption, f"{step.name}, dispersion")]


def strips(table: pl.DataFrame, group: str, value: str, title: str, order: list[str] | None = None) -> alt.LayerChart:
    """Draw every value of each group beside its quartiles; the points are spread in a fixed way.

    A name with a comma stands on two lines, and its first part decides the colour.
    """
    known = table.filter(pl.col(value).is_not_null()).with_columns(
        pl.col(group).str.split(", ").list.first().alias("first")
    )
    quartiles = known.group_by(group, "first", maintain_order=True).agg(
        *(pl.col(value).quantile(share, "linear").alias(name) for share, name in ((0.25, "low"), (0.75, "high"))),
        pl.col(value).median().alias("median"),
    )
    shown = thinned(known)
    spread = ((shown.with_row_index()["index"].cast(pl.Float64) * 0.6180339887) % 1 - 0.5) * 16
    names = order or sorted(known[group].unique().to_list())
    lines = {"labelExpr": "split(datum.label, ', ')", "labelLineHeight": 15, "labelPadding": 6}
    x = alt.X(f"{group}:N", sort=names, title=None, axis=alt.Axis(labelAngle=0, ticks=False, **lines))
    y = alt.Y(f"{value}:Q", title=title, scale=alt.Scale(zero=False))
    firsts = list(dict.fromkeys(name.partition(", ")[0] for name in names))
    palette = alt.Scale(domain=firsts, range=[ARM_COLOURS[n % len(ARM_COLOURS)] for n in range(len(firsts))])
    tint = alt.Color("first:N", legend=None, scale=palette)
    base = alt.Chart(quartiles)
    box = base.mark_bar(size=46, opacity=0.14).encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q", color=tint)
    middle = base.mark_tick(size=50, thickness=2.4, color=INK).encode(x=x, y=alt.Y("median:Q"))
    aside = alt.XOffset("aside:Q", scale=alt.Scale(domain=[-20, 20]))
    dots = alt.Chart(shown.with_columns(spread.alias("aside"))).mark_circle(size=26, opacity=0.65)
    layers = (box, dots.encode(x=x, y=y, color=tint, xOffset=aside), middle)
    return dress(alt.layer(*layers).properties(width=max(150, 95 * len(names)), height=250))


def alpha_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return diversity by arm and visit, one panel an index."""
    table = done.tables.get("alpha", pl.DataFrame()).drop_nulls("value") if "alpha" in done.tables else pl.DataFrame()
    if table.is_empty():
        return []
    colour, shape = grouped(table, design)
    panels = []
    for (index,), rows in list(table.group_by("index", maintain_order=True))[:6]:
        parts = [pl.col(name).cast(pl.String).fill_null("not known") for name in (colour, shape) if name]
        own = rows.with_columns(
            (pl.concat_str(parts, separator=", ") if parts else pl.lit("all samples")).alias("group")
        )
        firsts = levels(rows, colour, design) if colour else []
        seconds = levels(rows, shape, design) if shape else []
        order = [f"{a}, {b}" for a in firsts for b in seconds] if shape else firsts
        panel = strips(own.select("group", "value"), "group", "value", str(index), order or None)
        panel.config = alt.Undefined
        panels.append(panel.properties(width=max(170, 62 * max(1, own["group"].n_unique()))))
    whole = alt.concat(*panels, columns=2, spacing={"row": 50, "column": 70}).resolve_scale(
        y="independent", x="independent"
    )
    caption = "Diversity of each sample; bar: median, box: quartiles."
    return [Figure(dress(whole), caption, f"{step.name}, diversity")]


def rarefaction_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return how many features are expected at each depth."""
    table = done.tables.get("rarefaction", pl.DataFrame())
    if table.is_empty():
        return []
    names = table["sample"].unique(maintain_order=True).to_list()
    kept = names[:: max(1, len(names) // 60)]
    rows = table.filter(pl.col("sample").is_in(kept)).select("sample", "depth", "richness")
    chart = alt.Chart(rows).mark_line(strokeWidth=1, opacity=0.55, color=ARM_COLOURS[0]).encode(
        x=alt.X("depth:Q", title="Reads"), y=alt.Y("richness:Q", title="Expected number of features"),
        detail="sample:N", tooltip=["sample", "depth", "richness"],
    ).properties(width=460, height=260)  # fmt: skip
    drawn = f"{len(kept)} of {len(names)} samples" if len(kept) < len(names) else counted_said(len(names), "sample")
    return [Figure(dress(chart), f"Expected richness at each depth, {drawn}.", f"{step.name}, rarefaction")]
