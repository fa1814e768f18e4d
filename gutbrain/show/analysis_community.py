"""Figures of whole communities: diversity, rarefaction, dispersion, shares of variation, Mantel tests."""

from __future__ import annotations

import altair as alt
import polars as pl

from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_marks import panels, strip
from gutbrain.show.analysis_scene import Scene, text_of
from gutbrain.show.analysis_words import first_capital, outcome_said, p_is, term_said, unit_told
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import counted_said, evenly, said
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK, QUIET

INDICES, CURVES = 6, 60
BOXES = "Dots: {}; line: median, box: quartiles."


def alpha_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return diversity by visit and arm, one panel an index."""
    table = done.tables.get("alpha", pl.DataFrame())
    table = table.drop_nulls("value") if "value" in table.columns else table
    if table.is_empty():
        return []
    colour, visit = scene.groups(table)
    parts = list(table.group_by("index", maintain_order=True))
    made: list[alt.LayerChart] = []
    wanted = table[visit].n_unique() * (56 + 26 * (table[colour].n_unique() - 1)) if colour and visit else 0
    width = min(340, wanted) if len(parts) > 1 else 0
    for (index,), rows in parts[:INDICES]:
        unit = unit_told(str(rows["unit"][0])) if "unit" in rows.columns else ""
        title = outcome_said(str(index)) + (f" ({unit})" if unit else "")
        number = len(made) + 1
        made.append(strip(rows, "value", title, scene, colour=colour or visit, across=visit, width=width,
                          legend=number == min(len(parts), INDICES)))  # fmt: skip
    columns = 3 if made[0].width <= 180 else 2 if made[0].width <= 340 else 1
    count = table["sample"].n_unique()
    left = f" {INDICES} of {len(parts)} indices are drawn." if len(parts) > INDICES else ""
    caption = f"Diversity. {BOXES.format(counted_said(count, 'sample'))}{left}"
    return [Figure(panels(made, 6, columns, row=64), caption, f"{step.name}, diversity")]


def rarefaction_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return how many taxa are expected at each depth."""
    table = done.tables.get("rarefaction", pl.DataFrame())
    if table.is_empty():
        return []
    names = table["sample"].unique(maintain_order=True).to_list()
    kept = evenly(names, CURVES)
    rows = table.filter(pl.col("sample").is_in(kept))
    colour, _ = scene.groups(rows.drop("visit", strict=False))
    groups = scene.levels(colour, rows[colour]) if colour else []
    rows = rows.select("sample", "depth", "richness", text_of(rows, colour).alias("colour"))
    called = scene.arm if colour == scene.design.arm else said(colour) if colour else None
    tint = scene.tint("colour", groups, called) if groups else alt.value(ARM_COLOURS[0])
    lines = alt.Chart(rows).mark_line(strokeWidth=1, opacity=0.55)
    x = alt.X("depth:Q", title="Counts of a sample", axis=alt.Axis(tickCount=5, format=",d"))
    y = alt.Y("richness:Q", title="Expected number of taxa")
    layers: list[alt.Chart] = [
        lines.encode(x=x, y=y, color=tint, detail="sample:N", tooltip=["sample", "depth", "richness"])
    ]
    depths = done.tables.get("at depth", pl.DataFrame())
    told = ""
    if not depths.is_empty():
        depth = float(depths["depth"][0])
        layers.append(alt.Chart().mark_rule(color=QUIET, strokeDash=[5, 4]).encode(x=alt.datum(depth)))
        told = f" Dashed: the depth of {depth:,.0f} counts at which samples are compared."
    fewer = len(kept) < len(names)
    drawn = f"{len(kept)} of {len(names)} samples, evenly picked" if fewer else counted_said(len(names), "sample")
    chart = dress(alt.layer(*layers).properties(width=480, height=260))
    caption = f"Expected richness at each depth, one line a sample: {drawn}.{told}"
    return [Figure(chart, caption, f"{step.name}, rarefaction")]


def dispersion_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return the distances of samples to the middle of their group."""
    table = done.tables.get("dispersion", pl.DataFrame())
    if table.is_empty():
        return []
    of_visits = set(table["group"].cast(pl.String).drop_nulls()) <= set(scene.design.visits)
    column = "visit" if of_visits else "group"
    rows = table.with_columns(pl.col("group").cast(pl.String).alias(column))
    chart = strip(rows, "distance", "Distance to the middle of the group", scene, colour=column, across=column)
    count = counted_said(table["group"].n_unique(), "group")
    caption = f"How far samples lie from the middle of their group, {count}. "
    return [
        Figure(dress(chart), caption + BOXES.format(counted_said(len(table), "sample")), f"{step.name}, dispersion")
    ]


def share_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return how much of the variation goes with each term."""
    table = done.tables.get("permanova", done.tables.get("constraints", pl.DataFrame()))
    known = table.filter(pl.col("f").is_not_null()) if len(table) else table
    if known.is_empty():
        return []
    caption = "Share of the variation between samples that goes with each term, with the p of permutations."
    return [Figure(shares(known), caption, f"{step.name}, shares of variation")]


def shares(table: pl.DataFrame) -> alt.LayerChart:
    """Draw the share of variation of each term as a bar, with its p.

    Parameters
    ----------
    table : term, r2, p
    """
    names = [first_capital(term_said(str(name))) for name in table["term"].to_list()]
    told = ["not tested" if p is None else p_is(p) for p in table["p"].to_list()]
    rows = pl.DataFrame({"term": names, "share": table["r2"] * 100, "p": told})
    rows = rows.with_columns(pl.format("{} %, {}", pl.col("share").round(1), "p").alias("text"))
    values = rows["share"].to_numpy()
    scale = alt.Scale(domain=[min(0.0, float(values.min())), max(float(values.max()), 0.1) * 1.5], nice=False)
    y = alt.Y("term:N", sort=names, title=None, axis=alt.Axis(ticks=False, labelLimit=300))
    x = alt.X("share:Q", title="Share of the variation (%)", scale=scale, axis=alt.Axis(tickCount=5))
    base = alt.Chart(rows)
    bar = base.mark_bar(size=15, color=ARM_COLOURS[0], opacity=0.85).encode(x=x, y=y, tooltip=["term", "share", "p"])
    text = base.mark_text(align="left", dx=6, fontSize=11.5, color=INK).encode(x=x, y=y, text="text:N")
    return dress(alt.layer(bar, text).properties(width=420, height=max(36, 28 * len(rows))))


def mantel_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return the distances of communities against the differences in the numbers."""
    pairs, made = done.tables.get("pairs", pl.DataFrame()), done.tables.get("mantel", pl.DataFrame())
    if len(pairs) < 3 or made.is_empty():
        return []
    row = made.row(0, named=True)
    names = ", ".join(outcome_said(name) for name in getattr(step, "against", [])) or "the numbers"
    whole = int(row.get("rows") or 0)
    every = whole * (whole - 1) // 2
    drawn = f"{counted_said(len(pairs), 'pair')} of samples"
    if every > len(pairs):
        drawn = f"{len(pairs):,} of {every:,} pairs of samples, evenly picked"
    caption = (
        f"Distance between communities against difference in {names}: {drawn}. Line: medians of tenths of the pairs. "
        f"Mantel r = {row['r']:.2f}, {p_is(row['p'])}; a sample stands in many pairs, so the dots are not independent."
    )
    return [Figure(mantel_plot(pairs, names), caption.replace("r = -", "r = −"), f"{step.name}, distances")]


def mantel_plot(pairs: pl.DataFrame, what: str) -> alt.LayerChart:
    """Draw pairs of samples and the medians of tenths of them.

    Parameters
    ----------
    pairs : community, difference (in standard deviations)
    """
    ordered = pairs.select("community", "difference").sort("difference").with_row_index("number")
    tenth = (pl.col("number") * min(10, max(1, len(ordered) // 3)) // len(ordered)).alias("tenth")
    medians = ordered.group_by(tenth, maintain_order=True).agg(pl.col("community", "difference").median())
    x = alt.X("difference:Q", title=f"Difference in {what} (standard deviations)", axis=alt.Axis(tickCount=6))
    y = alt.Y("community:Q", title="Distance between communities", scale=alt.Scale(zero=False))
    dense = len(pairs) > 300
    dots = alt.Chart(ordered).mark_circle(
        size=12 if dense else 24, opacity=0.25 if dense else 0.5, color=ARM_COLOURS[0]
    )
    line = alt.Chart(medians).mark_line(color=ARM_COLOURS[1], strokeWidth=2.2, point={"color": ARM_COLOURS[1]})
    return dress(alt.layer(dots.encode(x=x, y=y), line.encode(x=x, y=y)).properties(width=440, height=280))
