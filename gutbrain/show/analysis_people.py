"""Figures of persons: responders, reliable change, distances within persons."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_marks import forest, heading_of, longest, panels, some, strip
from gutbrain.show.analysis_scene import EVERYBODY, WHOLE, Scene
from gutbrain.show.analysis_words import first_capital, outcome_said
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import counted_said, natural
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, PAPER, QUIET, number

OUTCOMES, PLOTS = 6, 4  # panels of responders and of reliable change
LINES = 8  # people whose distances are drawn over days
FEW_PEOPLE = 5  # below this, means of people say less than the distances
MEASURES = {"": "Aitchison distance", "aitchison": "Aitchison distance", "bray-curtis": "Bray-Curtis distance",
            "jaccard": "Jaccard distance"}  # fmt: skip


def _arms(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with its arms as text, everybody where people are not told apart."""
    text = pl.col("arm").cast(pl.String).fill_null(EVERYBODY) if "arm" in table.columns else pl.lit(EVERYBODY)
    return table.with_columns(pl.when(text.is_in(list(WHOLE))).then(pl.lit(EVERYBODY)).otherwise(text).alias("arm"))


def responder_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return shares of responders with their intervals."""
    table = done.tables.get("responders", pl.DataFrame())
    table = _arms(table.drop_nulls("share")) if len(table) else table
    if table.is_empty():
        return []
    made, letters = [], 0
    parts = list(table.group_by("outcome", maintain_order=True))
    for (outcome,), own in parts[:OUTCOMES]:
        arms = scene.levels("arm", own["arm"])
        rows = own.with_columns(
            pl.format("{}: {} of {}", pl.col("arm").str.replace(f"^{EVERYBODY}$", "Everybody"), "responders", "people")
            .alias("label"),
            pl.col("arm").replace_strict(dict(zip(arms, scene.colours(arms), strict=True))).alias("tint"),
            pl.col("arm").replace_strict({name: n for n, name in enumerate(arms)}).alias("place"),
            *((100 * pl.col(name)).alias(name) for name in ("share", "low", "high")),
        ).sort("place")  # fmt: skip
        letters = max(letters, longest(rows["label"].to_list()))
        shown = rows.select("label", "low", "high", "tint", estimate="share")
        made.append(forest(shown, "Responders (% of people)", zero=None, domain=[0, 100], width=270, row=26,
                           heading=outcome_said(str(outcome))))  # fmt: skip
    first = table.row(0, named=True)
    rule = f" by {first['criterion']}" if first.get("criterion") else ""
    if len(parts) == 1 and first.get("threshold") is not None:
        rule += f" ({number(float(first['threshold']), 3)}"
        rule += f", {first['source']})" if first.get("source") else ")"
    rest = f" {OUTCOMES} of {len(parts)} outcomes are drawn." if len(parts) > OUTCOMES else ""
    caption = f"Responders{rule}, with {scene.design.confidence:.0%} Wilson intervals.{rest}"
    return [Figure(panels(made, letters), caption, f"{step.name}, responders")]


def reliable_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return start against end of each person, with the band of what noise explains."""
    table, noise = done.tables.get("reliable_change", pl.DataFrame()), done.tables.get("noise", pl.DataFrame())
    if table.is_empty() or "category" not in table.columns:
        return []
    table = table.drop_nulls(["start", "end", "category"])
    sizes = {row["outcome"]: row for row in noise.to_dicts()} if len(noise) else {}
    names = table["outcome"].unique(maintain_order=True).to_list()
    if not names:
        return []
    made = [
        before_after(table.filter(pl.col("outcome") == name), sizes.get(name, {}), scene, name, legend=place == 0)
        for place, name in enumerate(names[:PLOTS])
    ]
    caption = (
        f"Each dot a person ({table['person'].n_unique()} in all), moved a little so that equal scores show. Line: no "
        f"change; band: what the noise of the measure explains ({scene.design.confidence:.0%}); filled: outside it."
    )
    if any(row.get("cut_off") is not None for row in sizes.values()):
        caption += " Dashed: the clinical cut-off."
    caption += f" {PLOTS} of {len(names)} outcomes are drawn." if len(names) > PLOTS else ""
    legend = 20 if len(scene.levels("arm", _arms(table)["arm"])) > 1 and len(made) > 1 else 4
    return [Figure(panels(made, legend, row=92), caption, f"{step.name}, before and after")]


def before_after(table: pl.DataFrame, noise: dict[str, Any], scene: Scene, outcome: str, legend: bool = True) -> Any:
    """Draw start against end with the band of noise (the plot of Jacobson and Truax).

    Parameters
    ----------
    table : person, arm, start, end, category
    noise : smallest_change, cut_off
    """
    rows = _arms(table)
    values = rows.select("start", "end").to_numpy().astype(float)
    low, high = float(values.min()), float(values.max())
    aside = ((np.arange(len(rows)) * 0.6180339887) % 1 - 0.5) * ((high - low) / 60 or 0.1)
    arms = scene.levels("arm", rows["arm"])
    solid = pl.col("arm").replace_strict(dict(zip(arms, scene.colours(arms), strict=True)), return_dtype=pl.String)
    rows = rows.with_columns(
        pl.Series("x", values[:, 0] + aside), pl.Series("y", values[:, 1] + aside[::-1]),
        pl.when(pl.col("category") != "unchanged").then(solid).otherwise(pl.lit(PAPER)).alias("inside"),
    )  # fmt: skip
    pad = 0.06 * (high - low) or 1.0
    domain = [low - pad, high + pad]
    scale = alt.Scale(domain=domain, nice=False)
    unit = scene.unit(outcome) or "points"
    x = alt.X("x:Q", title=f"Before ({unit})", scale=scale, axis=alt.Axis(tickCount=6))
    y = alt.Y("y:Q", title=f"After ({unit})", scale=scale, axis=alt.Axis(tickCount=6))
    size = float(noise.get("smallest_change") or 0.0)
    edge = pl.DataFrame({"x": domain, "y": domain}).with_columns(low=pl.col("x") - size, high=pl.col("x") + size)
    base = alt.Chart(edge)
    layers: list[Any] = [
        base.mark_area(color="#e3e8ed", clip=True).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        base.mark_line(color=QUIET, strokeWidth=1.2, clip=True).encode(x=x, y=y),
    ]
    if noise.get("cut_off") is not None:
        rule = alt.Chart().mark_rule(color=QUIET, strokeDash=[4, 4], clip=True)
        cut = float(noise["cut_off"])
        layers += [rule.encode(x=alt.XDatum(cut, scale=scale)), rule.encode(y=alt.YDatum(cut, scale=scale))]
    tint = scene.tint("arm", arms, scene.arm or None, legend and len(arms) > 1)
    if legend and len(arms) > 1:
        tint["legend"] = alt.Legend(orient="right", direction="vertical", symbolFillColor=PAPER, symbolStrokeWidth=2)
    dots = alt.Chart(rows).mark_point(size=34, strokeWidth=1.2, opacity=0.85).encode(
        x=x, y=y, color=tint, fill=alt.Fill("inside:N", scale=None),
        tooltip=["person", "arm", "start", "end", "category"])  # fmt: skip
    heading = heading_of(outcome_said(outcome))
    return alt.layer(*layers, dots).properties(width=290, height=290, title=heading)


def volatility_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return how far each person moves between samples: means of people by arm, else the distances over days."""
    people, table = done.tables.get("people", pl.DataFrame()), done.tables.get("distances", pl.DataFrame())
    if people.is_empty() or people["person"].n_unique() < FEW_PEOPLE:
        return distance_blocks(step, done, scene)
    rows = _arms(people).drop_nulls("mean")
    if rows.is_empty():
        return []
    colour = "arm" if rows["arm"].n_unique() > 1 else ""
    chart = dress(strip(rows, "mean", "Mean Aitchison distance between samples", scene, colour=colour))
    caption = (
        f"Volatility: mean distance of each person between samples, {counted_said(len(rows), 'person')}, "
        f"{counted_said(len(table), 'pair')} of samples; line: median, box: quartiles."
    )
    return [Figure(chart, caption, f"{step.name}, people")]


def distance_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return how far people have come, over visits by arm or over days."""
    blocks: list[Block] = []
    first = getattr(step, "to", "") == "baseline"
    for name, value, kind in (("distances", "distance", "metric"), ("differences", "difference", "outcome")):
        table = done.tables.get(name, pl.DataFrame())
        if table.is_empty() or value not in table.columns or "person" not in table.columns:
            continue
        parts = list(table.group_by(kind, maintain_order=True)) if kind in table.columns else [(("",), table)]
        for (what,), own in parts[:3]:
            rows = _arms(own.drop_nulls(value))
            if rows.is_empty():
                continue
            unit = scene.unit(str(what)) if value == "difference" else ""
            called = (
                MEASURES.get(str(what), first_capital(str(what))) if value == "distance" else outcome_said(str(what))
            )
            since = f"since the {'first' if first else 'previous'} {'sample' if value == 'distance' else 'value'}"
            title = f"{called} {since}" + (f" ({unit})" if unit else "")
            chart, how = over_time(rows, value, title, scene)
            many = f"{counted_said(len(rows), 'pair')} of {counted_said(rows['person'].n_unique(), 'person')}"
            blocks.append(Figure(chart, f"{called} {since}, {many}. {how}", f"{step.name}, {what or value}"))
    return blocks


def over_time(rows: pl.DataFrame, value: str, title: str, scene: Scene) -> tuple[Any, str]:
    """Return a strip by visit and arm, or without visits a line a person over days; and what it shows."""
    later = pl.col("to_visit").cast(pl.String) if "to_visit" in rows.columns else pl.lit(None, pl.String)
    rows = rows.with_columns(later.alias("visit"))
    colour, visit = scene.groups(rows.drop("person"))
    days = rows["to_day"].drop_nulls().n_unique() if "to_day" in rows.columns else 0
    if visit or days <= FEW_PEOPLE:
        return dress(strip(rows, value, title, scene, colour=colour or visit, across=visit)), (
            "Line: median, box: quartiles.")  # fmt: skip
    people, left = some(sorted(rows["person"].unique().to_list(), key=natural), LINES, "people")
    shown = rows.filter(pl.col("person").is_in(people)).select("person", "to_day", value).sort("to_day")
    tint: Any = scene.tint("person", people, "Person") if len(people) > 1 else alt.value(ARM_COLOURS[0])
    base = alt.Chart(shown).encode(
        x=alt.X("to_day:Q", title="Day", axis=alt.Axis(tickCount=9)),
        y=alt.Y(f"{value}:Q", title=title),
        color=tint,
        tooltip=["person", "to_day"],
    )
    layers = alt.layer(base.mark_line(strokeWidth=0.7, opacity=0.5), base.mark_circle(size=12, opacity=0.6))
    return dress(layers.properties(width=640, height=240)), f"One line a person.{left}"
