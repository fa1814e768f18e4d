"""Figures of experience sampling: level, inertia and instability of each person."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_marks import forest, some
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.analysis_words import first_capital, outcome_said, unit_told
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import counted_said, natural
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS

PEOPLE, QUESTIONS = 40, 4  # most rows of people; most questions drawn by person
STATISTICS = {"mean": "Mean", "inertia": "Inertia", "root mean squared successive difference": "Instability (RMSSD)"}


def experience_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return mean, inertia and instability of each person, or of each question where one or two people were asked."""
    table = done.tables.get("summaries", pl.DataFrame())
    if table.is_empty():
        return []
    known = table.filter(pl.col("statistic").is_in(list(STATISTICS)) & pl.col("value").is_not_null())
    if known.is_empty():
        return []
    told = known.group_by("outcome", maintain_order=True).agg(pl.col("statistic").n_unique().alias("number"))
    names = (told.filter(pl.col("number") > 1) if told["number"].max() != 1 else told)["outcome"].to_list()
    how = (
        f"Bars: {scene.design.confidence:.0%} intervals by resampled days. Inertia: correlation of a moment with the "
        "one before; instability: root mean square of successive differences."
    )
    blocks: list[Block] = []
    if known["person"].n_unique() <= 2:
        for person in sorted(known["person"].unique().to_list(), key=natural):
            kept, left = some(names, PEOPLE, "questions")
            own = known.filter((pl.col("person") == person) & pl.col("outcome").is_in(kept))
            caption = f"{_person(person)}: {counted_said(len(kept), 'question')} of the diary. {how}{left}"
            blocks.append(Figure(summary_plot(own, "outcome", kept, scene), caption, f"{step.name}, person {person}"))
        return blocks
    for outcome in names[:QUESTIONS]:
        own = known.filter(pl.col("outcome") == outcome)
        means = own.group_by("person", "arm").agg(pl.col("value").filter(pl.col("statistic") == "mean").mean())
        arms = scene.levels("arm", means["arm"])
        place = {name: n for n, name in enumerate(arms)}
        means = means.with_columns(
            pl.col("arm").cast(pl.String).replace_strict(place, default=len(place)).alias("place")
        )
        ordered = means.sort("place", "value", "person", nulls_last=True)["person"].to_list()
        kept, left = some(ordered, PEOPLE, "people")
        chart = summary_plot(own.filter(pl.col("person").is_in(kept)), "person", kept, scene)
        by_arm = f" within {scene.arm.lower()}, which the colour shows" if len(arms) > 1 else ""
        caption = f"{outcome_said(outcome)}: {counted_said(len(kept), 'person')} by their mean{by_arm}. {how}{left}"
        if outcome == names[0] and len(names) > QUESTIONS:
            caption += f" {QUESTIONS} of {len(names)} questions are drawn; the others stand in the tables."
        blocks.append(Figure(chart, caption, f"{step.name}, {outcome}"))
    return blocks


def _person(name: str) -> str:
    return first_capital(name) if name.lower().startswith("person") else f"Person {name}"


def summary_plot(table: pl.DataFrame, rows: str, order: list[str], scene: Scene) -> Any:
    """Draw one panel a statistic, one row a person or a question.

    Parameters
    ----------
    table : statistic, value, low, high, unit, arm, and the column `rows`
    order : of the rows from top to bottom
    """
    arms = scene.levels("arm", table["arm"]) if "arm" in table.columns else []
    colours = dict(zip(arms, scene.colours(arms), strict=True)) if len(arms) > 1 else {}
    made: list[alt.LayerChart] = []
    for statistic, told in STATISTICS.items():
        own = table.filter(pl.col("statistic") == statistic).unique(rows, keep="first", maintain_order=True)
        if own.is_empty():
            continue
        own = own.with_columns(pl.col(rows).cast(pl.String))
        base = pl.DataFrame({rows: order}).join(own, on=rows, how="left", maintain_order="left")
        names = [outcome_said(name) if rows == "outcome" else _person(name) for name in order]
        arm = base["arm"].cast(pl.String).to_list() if "arm" in base.columns else [None] * len(order)
        shown = base.select("low", "high", estimate="value").with_columns(
            pl.Series("label", names if not made else [""] * len(names)),
            pl.Series("tint", [colours.get(str(name), ARM_COLOURS[0]) for name in arm]),
        )
        units = own["unit"].unique().to_list()
        unit = unit_told(str(units[0])) if len(units) == 1 else ""
        zero = 0.0 if statistic == "inertia" else None
        made.append(forest(shown, f"{told}, {unit}" if unit else told, zero=zero, width=215, row=17))
    return dress(alt.hconcat(*made, spacing=22).resolve_scale(x="independent", y="independent"))
