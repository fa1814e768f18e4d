"""Figures that many steps share: a forest of what was tested, distances, people before and after, diaries."""

from __future__ import annotations

import altair as alt
import polars as pl

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_ordination import levels, strips
from gutbrain.show.analysis_words import name_said, term_said
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import GREY, counted_said, natural, note, rule, shorten, thinned
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, LINES, QUIET

ROWS = 24  # of a forest
PEOPLE = 40  # drawn one by one
OUTCOMES = 6
STATISTICS = ("mean", "inertia", "root mean squared successive difference")


def forest_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return a forest of everything that a step tested in one unit, those with the smallest p."""
    rows = done.tested.filter(
        pl.col("part").is_null()
        & pl.col("estimate").is_not_null()
        & pl.col("low").is_not_null()
        & pl.col("p").is_not_null()
    )
    blocks: list[Block] = []
    for (unit,), own in list(rows.group_by("unit", maintain_order=True))[:2]:
        if len(own) < 2:
            continue
        terms = own["term"].n_unique() > 1
        best = own.sort("p").head(ROWS)
        shown = pl.DataFrame(
            {
                "row": [
                    shorten(name_said(what) + (f", {term_said(term)}" if terms else ""), 62)
                    for what, term in best.select("what", "term").iter_rows()
                ],
                "estimate": best["estimate"], "low": best["low"], "high": best["high"], "p": best["p"],
            }
        ).unique("row", keep="first", maintain_order=True)  # fmt: skip
        order = shown.sort("estimate", descending=True)["row"].to_list()
        y = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(labelLimit=430, ticks=False, grid=True))
        said = unit if unit and unit != "1" else "estimate"
        base = alt.Chart(shown)
        zero = alt.Chart().mark_rule(color=QUIET).encode(x=alt.datum(0))
        title = f"Estimate, {said}" + ("" if terms else f": {term_said(str(own['term'][0]))}")
        bar = base.mark_rule(strokeWidth=2.2, color=ARM_COLOURS[0]).encode(
            x=alt.X("low:Q", title=title), x2="high:Q", y=y
        )
        dot = base.mark_point(filled=True, size=60, color=ARM_COLOURS[0], opacity=1).encode(
            x="estimate:Q", y=y, tooltip=["row", "estimate", "low", "high", "p"])  # fmt: skip
        chart = dress(alt.layer(zero, bar, dot).properties(width=340, height=max(60, 21 * len(order))))
        most = (
            f"the {len(shown)} with the smallest p of {len(own)} tested"
            if len(own) > len(shown)
            else "all that was tested"
        )
        caption = f"Estimates with {design.confidence:.0%} intervals before correction: {most}."
        blocks.append(Figure(chart, caption, f"{step.name}, forest of {said}"))
    return blocks


def mantel_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return distances of communities against differences of what they are compared with."""
    pairs = done.tables.get("pairs", pl.DataFrame())
    if pairs.is_empty() or not {"community", "difference"} <= set(pairs.columns):
        return []
    shown = thinned(pairs.select("community", "difference"))
    chart = alt.Chart(shown).mark_circle(size=16, opacity=0.35, color=ARM_COLOURS[0]).encode(
        x=alt.X("difference:Q", title="Difference between the samples, standard deviations"),
        y=alt.Y("community:Q", title="Distance of the communities", scale=alt.Scale(zero=False)),
    ).properties(width=420, height=280)  # fmt: skip
    drawn = note({"pairs": (len(shown), len(pairs))})
    caption = f"Each dot is one of {len(pairs):,} pairs of samples; pairs share samples, so they hang together.{drawn}"
    return [Figure(dress(chart), caption, f"{step.name}, pairs")]


def dysbiosis_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return the score of samples inside and outside the reference, with its threshold."""
    table = done.tables.get("dysbiosis", pl.DataFrame())
    if table.is_empty() or table["score"].null_count() == len(table):
        return []
    where = pl.when(pl.col("in_reference")).then(pl.lit("reference")).otherwise(pl.lit("other samples"))
    rows = table.select(where.alias("group"), pl.col("score").cast(pl.Float64)).drop_nulls()
    unit = str(table["unit"].drop_nulls().first() or "score")
    chart = strips(rows, "group", "score", unit[:1].upper() + unit[1:], sorted(rows["group"].unique(), reverse=True))
    chart.config = alt.Undefined
    layers: list[alt.Chart] = [chart]
    limit = table["threshold"].drop_nulls().unique().to_list()
    if len(limit) == 1:
        layers += rule(float(limit[0]), "threshold")
    reference = str(table["reference"].drop_nulls().first() or "not said")
    caption = (
        f"Each dot is a sample; bar: median, box: quartiles. Reference: {reference}. Unlike it is not the same as ill."
    )
    return [Figure(dress(alt.layer(*layers)), caption, f"{step.name}, scores")]


def reliable_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return people before and after; inside the band their change is no more than noise."""
    table, noise = done.tables.get("reliable_change", pl.DataFrame()), done.tables.get("noise", pl.DataFrame())
    if table.is_empty():
        return []
    smallest = dict(noise.select("outcome", "smallest_change").iter_rows()) if len(noise) else {}
    arms = levels(table, "arm", design) if "arm" in table.columns else []
    tint = alt.Color("arm:N", title=None, scale=alt.Scale(
        domain=arms, range=[ARM_COLOURS[n % len(ARM_COLOURS)] for n in range(len(arms))]))  # fmt: skip
    panels = []
    names = table["outcome"].unique(maintain_order=True).to_list()
    for outcome in names[:OUTCOMES]:
        rows = thinned(table.filter(pl.col("outcome") == outcome).drop_nulls(["start", "end"]))
        if rows.is_empty():
            continue
        both = rows.select("start", "end").to_numpy()
        low, high = float(both.min()), float(both.max())
        room = 0.06 * (high - low) or 1.0
        scale = alt.Scale(domain=[low - room, high + room], nice=False)
        x = alt.X("start:Q", title="Before", scale=scale)
        y = alt.Y("end:Q", title="After", scale=scale)
        edge = pl.DataFrame({"start": [low - room, high + room]}).with_columns(pl.col("start").alias("end"))
        wide = float(smallest.get(outcome) or 0.0)
        band = edge.with_columns((pl.col("end") - wide).alias("below"), (pl.col("end") + wide).alias("above"))
        shade = (
            alt.Chart(band)
            .mark_area(color=LINES, opacity=0.6, clip=True)
            .encode(x=x, y=alt.Y("below:Q", scale=scale), y2="above:Q")
        )
        line = alt.Chart(edge).mark_line(color=QUIET, strokeWidth=1).encode(x=x, y=y)
        dots = alt.Chart(rows.select("start", "end", "arm", "person", "category")).mark_circle(size=42, opacity=0.75)
        encoded = dots.encode(
            x=x, y=y, color=tint if arms else alt.value(ARM_COLOURS[0]), tooltip=["person", "category"]
        )
        title = alt.TitleParams(name_said(outcome), fontSize=13)
        panels.append(alt.layer(shade, line, encoded).properties(width=250, height=250, title=title))
    if not panels:
        return []
    chart = dress(alt.concat(*panels, columns=2, spacing={"row": 40, "column": 70}))
    caption = (
        "Each dot is a person. On the line nothing changed; in the band a change is no more than the noise of the form."
    )
    left = f" {OUTCOMES} of {len(names)} outcomes are drawn." if len(names) > OUTCOMES else ""
    return [Figure(chart, caption + left, f"{step.name}, people")]


def experience_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return level, inertia and instability of each person with their intervals."""
    table = done.tables.get("summaries", pl.DataFrame())
    if table.is_empty():
        return []
    known = table.filter(pl.col("value").is_not_null() & pl.col("statistic").is_in(STATISTICS))
    several = known.group_by("outcome", maintain_order=True).agg(pl.col("statistic").n_unique())
    outcomes = several.filter(pl.col("statistic") > 1)["outcome"].to_list()
    blocks: list[Block] = []
    for outcome in outcomes[:OUTCOMES]:
        own = known.filter(pl.col("outcome") == outcome)
        people = sorted(own["person"].unique().to_list(), key=natural)[:PEOPLE]
        panels: list[alt.LayerChart] = []
        for statistic in STATISTICS:
            rows = own.filter((pl.col("statistic") == statistic) & pl.col("person").is_in(people))
            if rows.is_empty():
                continue
            rows = rows.unique("person", keep="first", maintain_order=True).select("person", "value", "low", "high")
            y = alt.Y("person:N", sort=people, title="Person" if not panels else None, axis=alt.Axis(ticks=False))
            base = alt.Chart(rows)
            bar = base.mark_rule(color=GREY, strokeWidth=2).encode(x=alt.X("low:Q", title=None), x2="high:Q", y=y)
            dot = base.mark_point(filled=True, size=44, color=ARM_COLOURS[0], opacity=1).encode(
                x=alt.X("value:Q", title=statistic.capitalize(), scale=alt.Scale(zero=False)), y=y)  # fmt: skip
            panels.append(alt.layer(bar, dot).properties(width=210, height=max(60, 15 * len(people))))
        chart = dress(alt.hconcat(*panels, spacing=26).resolve_scale(x="independent"))
        who = counted_said(len(people), "person")
        caption = f"{name_said(outcome)}: {who} with {design.confidence:.0%} intervals over resampled days."
        if len(outcomes) > OUTCOMES and outcome == outcomes[OUTCOMES - 1]:
            caption += f" {OUTCOMES} of {len(outcomes)} outcomes are drawn."
        blocks.append(Figure(chart, caption, f"{step.name}, {outcome}"))
    return blocks
