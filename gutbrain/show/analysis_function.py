"""Figures of what microbes could do: groups, modules, distance to a reference, links to metabolites."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_marks import LEVEL, ROWS, forest, longest, panels, strip
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.analysis_words import first_capital, group_said, outcome_said, taxa_said, term_said, unit_told
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import counted_said
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, GROUPS, INK

TERMS = 4  # most terms whose effects are drawn
LINKS = 30  # links drawn one by one; more become a heat map


def group_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return shares of the nine groups, and the log-ratios that were tested."""
    table = done.tables.get("groups", pl.DataFrame())
    if table.is_empty():
        return effect_blocks(step, done, scene)
    rows = table.filter(pl.col("quantity").is_in(list(GROUPS)) & pl.col("value").is_not_null())
    names = [name for name in GROUPS if name in set(rows["quantity"].to_list())]
    if not names:
        return effect_blocks(step, done, scene)
    joined = scene.with_sample(rows)
    colour, visit = scene.groups(joined)
    made = []
    for place, name in enumerate(names):
        own = joined.filter(pl.col("quantity") == name)
        title = "Share of the sample (%)" if place % 3 == 0 else ""
        made.append(strip(own, "value", title, scene, colour=colour or visit, across=visit, band=_band(own),
                          heading=group_said(name), width=225, height=170, legend=place == len(names) - 1))  # fmt: skip
    many = counted_said(rows["sample"].n_unique(), "sample")
    caption = f"Shares of groups of microbes, {many}. Line: median, box: quartiles"
    caption += (
        "; green: 5 to 95 % of the reference."
        if any(_band(rows.filter(pl.col("quantity") == name)) for name in names)
        else "."
    )
    return [Figure(panels(made, 0, 3, row=66), caption, f"{step.name}, shares"), *effect_blocks(step, done, scene)]


def _band(own: pl.DataFrame) -> tuple[float, float] | None:
    """Return the range of the reference, if one fits the platform."""
    ends = [
        own[name].drop_nulls() if name in own.columns else pl.Series([]) for name in ("reference_low", "reference_high")
    ]
    return None if not (len(ends[0]) and len(ends[1])) else (float(ends[0][0]), float(ends[1][0]))


def effect_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return a forest of everything a step tested that has an interval, one panel a term and unit."""
    known = scene.of_step(step.name).drop_nulls(["estimate", "low", "high"])
    known = known.filter(pl.col("part").is_null()) if "part" in known.columns else known
    if len(known) < 2:
        return []
    terms = known.group_by("term", maintain_order=True).agg(pl.col("p").min().alias("least"))
    chosen = terms.sort("least").head(TERMS)["term"].to_list()
    made, letters, cut = [], 0, False
    for term in [name for name in terms["term"].to_list() if name in chosen]:
        for (unit,), own in known.filter(pl.col("term") == term).group_by("unit", maintain_order=True):
            kept = own.sort("p").head(ROWS)
            cut = cut or len(kept) < len(own)
            labels = [outcome_said(name).removesuffix(", log-ratio") for name in kept["what"].to_list()]
            letters = max(letters, longest(labels))
            shown = kept.select("estimate", "low", "high", "p", "q").with_columns(pl.Series("label", labels))
            told = unit_told(str(unit)) if unit else ""
            made.append(forest(shown, f"Difference ({told})" if told else "Difference", heading=first_capital(
                term_said(str(term))), width=280 if len(terms) > 1 else 400))  # fmt: skip
    caption = f"Estimates with {scene.design.confidence:.0%} intervals; filled: q below {LEVEL:g}."
    caption += f" At most {ROWS} rows a panel, the smallest p first." if cut else ""
    caption += f" Drawn: the {TERMS} terms with the smallest p of {len(terms)}." if len(terms) > TERMS else ""
    return [Figure(panels(made[:8], letters, 2), caption, f"{step.name}, effects")]


def dysbiosis_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return the score of each sample with the threshold of the reference."""
    table = done.tables.get("dysbiosis", pl.DataFrame())
    rows = table.drop_nulls("score") if len(table) else table
    if rows.is_empty():
        return []
    joined = scene.with_sample(rows)
    colour, visit = scene.groups(joined)
    limits = rows["threshold"].drop_nulls().unique().to_list() if "threshold" in rows.columns else []
    line = float(limits[0]) if len(limits) == 1 else None
    title = first_capital(unit_told(str(rows["unit"].drop_nulls().first() or "score")))
    chart = dress(strip(joined, "score", title, scene, colour=colour or visit, across=visit, line=line))
    who = str(rows["reference"].drop_nulls().first() or "not said") if "reference" in rows.columns else "not said"
    caption = (
        f"How unlike the reference ({who}) each of {counted_said(len(rows), 'sample')} is; line: median, box: quartiles"
    )
    caption += "; dashed: the threshold" if line is not None else ""
    return [Figure(chart, f"{caption}. Unlike the reference is not the same as ill.", f"{step.name}, scores")]


def association_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return the slopes of the links that a map names."""
    table = done.tables.get("associations", pl.DataFrame())
    slopes = table.filter((pl.col("test") == "slope") & pl.col("estimate").is_not_null()) if len(table) else table
    if slopes.is_empty():
        return []
    size = int(slopes["people"].fill_null(0).to_numpy().max())
    links = f"{counted_said(len(slopes), 'link')} of the map, {counted_said(size, 'person')}"
    if len(slopes) > LINKS:
        caption = f"{links}: t of the slope; dots: q below {LEVEL:g} within the map. Association, not effect."
        return [Figure(link_map(slopes), caption, f"{step.name}, links")]
    caption = (
        f"Slopes of {links}, with {scene.design.confidence:.0%} intervals: how the metabolite differs where the "
        f"microbe is twice as abundant; filled: q below {LEVEL:g} within the map. Association, not effect."
    )
    return [Figure(link_forest(slopes), caption, f"{step.name}, links")]


def link_forest(slopes: pl.DataFrame) -> Any:
    """Draw the slopes, one panel a metabolite because each has its own unit.

    Parameters
    ----------
    slopes : microbe, metabolite, estimate, low, high, unit, p, q
    """
    names = taxa_said(slopes["microbe"].to_list())
    rows = slopes.with_columns(pl.col("microbe").replace_strict(names, return_dtype=pl.String).alias("label"))
    made = []
    for (metabolite,), own in rows.group_by("metabolite", maintain_order=True):
        unit, per, rest = str(own["unit"][0] or "").partition(" per ")
        shown = own.sort("p", nulls_last=True).select("label", "estimate", "low", "high", "p", "q")
        made.append(
            forest(shown, f"Slope ({unit_told(unit)}{per}{rest})", width=270, heading=outcome_said(str(metabolite)))
        )
    return panels(made, longest(list(names.values())))


def link_map(slopes: pl.DataFrame) -> alt.LayerChart:
    """Draw the statistic of every link as a heat map.

    Parameters
    ----------
    slopes : microbe, metabolite, statistic, q
    """
    names = taxa_said(slopes["microbe"].to_list(), 34)
    rows = slopes.select(
        pl.col("microbe").replace_strict(names, return_dtype=pl.String).alias("taxon"),
        pl.col("metabolite").map_elements(outcome_said, return_dtype=pl.String), "statistic", "q",
    ).drop_nulls("statistic")  # fmt: skip
    limit = max(2.0, float(np.abs(rows["statistic"].to_numpy()).max(initial=0.0)))
    x = alt.X("metabolite:N", title=None, axis=alt.Axis(labelAngle=-40, labelLimit=180, ticks=False, domain=False))
    y = alt.Y("taxon:N", title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    scale = alt.Scale(domain=[-limit, 0, limit], range=[ARM_COLOURS[0], "#f7f7f7", ARM_COLOURS[1]])
    colour = alt.Color("statistic:Q", title="t of the slope", scale=scale, legend=alt.Legend(orient="right"))
    squares = (
        alt.Chart(rows).mark_rect().encode(x=x, y=y, color=colour, tooltip=["taxon", "metabolite", "statistic", "q"])
    )
    dots = alt.Chart(rows.filter(pl.col("q") < LEVEL)).mark_circle(size=26, color=INK, opacity=1).encode(x=x, y=y)
    wide, high = rows["metabolite"].n_unique(), rows["taxon"].n_unique()
    return dress(alt.layer(squares, dots).properties(width=min(560, max(60, 26 * wide)), height=15 * high))
