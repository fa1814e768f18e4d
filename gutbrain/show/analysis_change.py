"""Figures of change: people's courses with the model's band, contrasts, responders, distances over time."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_ordination import levels, strips
from gutbrain.show.analysis_words import AXIS, name_said, wrapped
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import counted_said, thinned
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK, QUIET

PEOPLE = 60  # most people drawn one by one in one arm
OUTCOMES = 8  # figures of one step
EVERYBODY = "everybody"


def change_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return one picture an outcome: every person thin, the model's mean with its band, and the contrasts."""
    course, people = done.tables.get("course", pl.DataFrame()), done.tables.get("people", pl.DataFrame())
    blocks: list[Block] = []
    for outcome in course["outcome"].unique(maintain_order=True).to_list()[:OUTCOMES] if len(course) else []:
        own = course.filter(pl.col("outcome") == outcome)
        each = people.filter(pl.col("outcome") == outcome) if len(people) else people
        if own["visit"].drop_nulls().n_unique() > 1 or own["day"].drop_nulls().n_unique() > 1:
            blocks.append(
                Figure(spaghetti(own, each, design, outcome), _caption(own, each, design), f"{step.name}, {outcome}")
            )
    contrasts = done.tables.get("contrasts", pl.DataFrame())
    known = (
        contrasts.filter(pl.col("estimate").is_not_null() & pl.col("low").is_not_null())
        if len(contrasts)
        else contrasts
    )
    if len(known):
        caption = f"Adjusted differences with {design.confidence:.0%} intervals; each outcome in its own unit."
        blocks.append(Figure(contrast_plot(known), caption, f"{step.name}, contrasts"))
    return blocks


def _caption(course: pl.DataFrame, people: pl.DataFrame, design: Design) -> str:
    counts = people["person"].n_unique() if len(people) else 0
    whose = "by the model " if _has_model(course) else ""
    band = f"thick: mean {whose}with its {design.confidence:.0%} interval"
    return f"Thin: {counted_said(counts, 'person')}, one line each; {band}."


def _has_model(course: pl.DataFrame) -> bool:
    return "adjusted_mean" in course.columns and course["adjusted_mean"].null_count() < len(course)


def spaghetti(course: pl.DataFrame, people: pl.DataFrame, design: Design, outcome: str) -> Any:
    """Draw the course of every person and of the mean, one panel an arm on one scale.

    Parameters
    ----------
    course : arm, visit, day, mean, low, high, adjusted_mean, adjusted_low, adjusted_high
    people : person, arm, visit, day, value
    """
    by_day = course["visit"].null_count() > 0 or (not design.visits and course["day"].null_count() == 0)
    named = ("mean", "low", "high")
    parts = tuple(f"adjusted_{name}" for name in named) if _has_model(course) else named
    arm = (
        pl.col("arm").cast(pl.String).fill_null(EVERYBODY).alias("arm")
        if "arm" in course.columns
        else pl.lit(EVERYBODY).alias("arm")
    )
    line = course.select(
        arm, pl.col("visit").cast(pl.String), "day",
        *(pl.col(part).alias(name) for part, name in zip(parts, named, strict=True)),
    ).drop_nulls("mean")  # fmt: skip
    each = people.select(arm, "person", pl.col("visit").cast(pl.String), "day", "value").drop_nulls("value")
    arms = levels(line, "arm", design)
    if by_day:
        at: dict[str, Any] = {"x": alt.X("day:Q", title="Day")}
    else:
        known = set(line["visit"].to_list())
        order = [visit for visit in design.visits if visit in known] or line["visit"].unique(
            maintain_order=True
        ).to_list()
        axis = alt.Axis(labelAngle=0, **AXIS)
        order = [wrapped(visit) for visit in order]
        at = {"x": alt.X("visit:O", sort=order, title=None, axis=axis, scale=alt.Scale(padding=0.25))}
        broken = pl.col("visit").map_elements(wrapped, return_dtype=pl.String)
        line, each = line.with_columns(broken), each.with_columns(broken)
    tint = alt.Color("arm:N", legend=None, scale=alt.Scale(
        domain=arms, range=[ARM_COLOURS[n % len(ARM_COLOURS)] for n in range(len(arms))]))  # fmt: skip
    y = alt.Y("value:Q", title=name_said(outcome), scale=alt.Scale(zero=False))
    panels = []
    for name in arms:
        mine = each.filter(pl.col("arm") == name)
        shown = thinned(mine.select("person").unique(maintain_order=True), PEOPLE)["person"].to_list()
        mine = mine.filter(pl.col("person").is_in(shown))
        own = line.filter(pl.col("arm") == name)
        thin = alt.Chart(mine).mark_line(strokeWidth=0.9, opacity=0.35).encode(
            **at, y=y, color=tint, detail="person:N", order="day:Q" if by_day else alt.Undefined,
            tooltip=["person", "visit", "value"])  # fmt: skip
        base = alt.Chart(own)
        band = base.mark_area(opacity=0.24).encode(**at, y=alt.Y("low:Q"), y2="high:Q", color=tint)
        mean = base.mark_line(strokeWidth=3, point=not by_day).encode(**at, y=alt.Y("mean:Q"), color=tint)
        bars = base.mark_rule(strokeWidth=1.6).encode(**at, y=alt.Y("low:Q"), y2="high:Q", color=tint)
        layers = [thin, band, mean] if by_day else [thin, band, bars, mean]
        title = name if len(arms) > 1 or name != EVERYBODY else ""
        panels.append(alt.layer(*layers).properties(width=max(230, 620 // len(arms)), height=280, title=title))
    return dress(alt.hconcat(*panels, spacing=24).resolve_scale(y="shared", color="shared"))


def contrast_plot(table: pl.DataFrame) -> Any:
    """Draw adjusted differences, one panel an outcome because each has its own unit."""
    rows = table.with_columns(
        pl.concat_str(
            [pl.col(name).cast(pl.String) for name in ("arm", "visit")
             if name in table.columns and table[name].n_unique() > 1]
            or [pl.lit("difference")], separator=", ", ignore_nulls=True,
        ).alias("row")
    )  # fmt: skip
    panels = []
    for (outcome,), own in list(rows.group_by("outcome", maintain_order=True))[:OUTCOMES]:
        shown = own.select("row", "estimate", "low", "high", "p")
        y = alt.Y("row:N", sort=shown["row"].to_list(), title=None, axis=alt.Axis(ticks=False))
        base = alt.Chart(shown)
        zero = alt.Chart().mark_rule(color=QUIET).encode(x=alt.datum(0))
        bar = base.mark_rule(strokeWidth=2.4, color=ARM_COLOURS[0]).encode(
            x=alt.X("low:Q", title="Difference"), x2="high:Q", y=y
        )
        dot = base.mark_point(filled=True, size=70, color=ARM_COLOURS[0], opacity=1).encode(
            x=alt.X("estimate:Q"), y=y, tooltip=["row", "estimate", "low", "high", "p"])  # fmt: skip
        title = alt.TitleParams(name_said(str(outcome)), fontSize=13)
        panels.append(alt.layer(zero, bar, dot).properties(width=260, height=max(40, 26 * len(shown)), title=title))
    return dress(
        alt.concat(*panels, columns=2, spacing={"row": 34, "column": 60}).resolve_scale(
            x="independent", y="independent"
        )
    )


def responder_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return shares of responders with their intervals."""
    table = done.tables.get("responders", pl.DataFrame())
    if table.is_empty():
        return []
    rows = table.filter(pl.col("share").is_not_null()).with_columns(
        pl.col("arm").cast(pl.String).fill_null(EVERYBODY),
        pl.format("{} of {}", "responders", "people").alias("counted"),
    )
    if "definition" in rows.columns:
        rows = rows.with_columns(pl.format("{}: {}", "outcome", "definition").alias("outcome"))
    arms = levels(rows, "arm", design)
    tint = alt.Color("arm:N", title=None, scale=alt.Scale(
        domain=arms, range=[ARM_COLOURS[n % len(ARM_COLOURS)] for n in range(len(arms))]))  # fmt: skip
    panels = []
    for (outcome,), own in list(rows.group_by("outcome", maintain_order=True))[:OUTCOMES]:
        shown = own.select("arm", "share", "low", "high", "counted")
        y = alt.Y("arm:N", sort=arms, title=None, axis=alt.Axis(ticks=False))
        x = alt.X("low:Q", title="Share of responders", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
        base = alt.Chart(shown)
        bar = base.mark_rule(strokeWidth=3).encode(x=x, x2="high:Q", y=y, color=tint)
        dot = base.mark_point(filled=True, size=80, opacity=1).encode(x="share:Q", y=y, color=tint)
        text = base.mark_text(align="left", fontSize=11, dy=-12, color=INK).encode(x="share:Q", y=y, text="counted:N")
        title = alt.TitleParams(str(outcome), fontSize=13)
        panels.append(alt.layer(bar, dot, text).properties(width=300, height=max(60, 46 * len(shown)), title=title))
    chart = dress(alt.concat(*panels, columns=2, spacing={"row": 34, "column": 60}).resolve_scale(y="independent"))
    return [Figure(chart, f"Responders with {design.confidence:.0%} Wilson intervals.", f"{step.name}, responders")]


def distance_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return how far each person moved, by arm."""
    table = done.tables.get("distances", pl.DataFrame())
    if table.is_empty() or "distance" not in table.columns or "person" not in table.columns:
        return []
    arm = pl.col("arm").cast(pl.String).fill_null(EVERYBODY) if "arm" in table.columns else pl.lit(EVERYBODY)
    rows = table.select(arm.alias("arm"), "distance").drop_nulls()
    if rows.is_empty():
        return []
    chart = strips(rows, "arm", "distance", "Distance from the sample before", levels(rows, "arm", design))
    caption = f"How far a person's community moved between samples, {counted_said(len(rows), 'pair')}."
    return [Figure(chart, caption, f"{step.name}, distances")]
