"""Figures of change: people's courses with the model's band, contrasts between arms, ratios of signals of the body."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_marks import forest, heading_of, level_axis, longest, panels, wrapped
from gutbrain.show.analysis_scene import EVERYBODY, WHOLE, Scene
from gutbrain.show.analysis_words import outcome_said, short_said, term_said
from gutbrain.show.page import Block, Figure
from gutbrain.show.study_plots import counted_said, thinned
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS

PEOPLE = 60  # most people drawn one by one in one arm
OUTCOMES = 8  # most outcomes that one step draws
ROOM = 830  # pixels for the panels beside each other
ONCE = "once"


def change_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return one picture an outcome: every person thin, the mean with its band; and the contrasts of all."""
    course, people = done.tables.get("course", pl.DataFrame()), done.tables.get("people", pl.DataFrame())
    contrasts = done.tables.get("contrasts", pl.DataFrame())
    names = course["outcome"].unique(maintain_order=True).to_list() if len(course) else []
    moved = [name for name in names if _moves(course.filter(pl.col("outcome") == name))]
    drawn = leading(moved, step)
    blocks: list[Block] = []
    for outcome in drawn:
        own = course.filter(pl.col("outcome") == outcome)
        each = people.filter(pl.col("outcome") == outcome) if len(people) else people
        caption = f"{outcome_said(outcome)}. {_caption(own, each, scene.design)}"
        if outcome == drawn[0] and len(moved) > len(drawn):
            caption += (
                f" {len(drawn)} of {len(moved)} outcomes are drawn, those that the plan names first, then total scores "
                "and mood; the others stand in the tables."
            )
        chart = spaghetti(own, each, scene, outcome, scene.unit(outcome))
        blocks.append(Figure(chart, caption, f"{step.name}, {outcome}"))
    known = contrasts.drop_nulls(["estimate", "low", "high"]) if len(contrasts) else contrasts
    if len(known):
        shown = leading(known["outcome"].unique(maintain_order=True).to_list(), step)
        part = known.filter(pl.col("outcome").is_in(shown))
        caption = f"Adjusted differences with {scene.design.confidence:.0%} intervals; each outcome in its own unit."
        if "important_difference" in part.columns and part["important_difference"].null_count() < len(part):
            caption += " Dashed: the important difference."
        left = known["outcome"].n_unique() - len(shown)
        caption += f" {counted_said(left, 'outcome')} more in the table of contrasts." if left else ""
        blocks.append(Figure(contrast_plot(part, shown, scene), caption, f"{step.name}, contrasts"))
    return blocks


def leading(names: list[str], step: Step) -> list[str]:
    """Return the outcomes that are drawn: those that the plan names in its order, else scores before readings."""
    asked = [name for name in getattr(step, "outcomes", []) if name in names]

    def rank(name: str) -> tuple[int, int]:
        if name in asked and len(asked) > 1:
            return 0, asked.index(name)
        return 1 if name.endswith(".total") else 2 if name.startswith("mind.") else 3, names.index(name)

    return sorted(names, key=rank)[:OUTCOMES]


def _moves(course: pl.DataFrame) -> bool:
    return course["visit"].drop_nulls().n_unique() > 1 or course["day"].drop_nulls().n_unique() > 1


def _caption(course: pl.DataFrame, people: pl.DataFrame, design: Design) -> str:
    counts = people["person"].n_unique() if len(people) else 0
    whose = "estimated by the model " if _has_model(course) else ""
    sizes = people.group_by("arm").agg(pl.col("person").n_unique())["person"].to_list() if len(people) else []
    few = f", at most {PEOPLE} an arm, evenly picked" if max(sizes, default=0) > PEOPLE else ""
    return (
        f"Thin: {counted_said(counts, 'person')}, one line each{few}. Thick: mean {whose}with its "
        f"{design.confidence:.0%} interval."
    )


def _has_model(course: pl.DataFrame) -> bool:
    return "adjusted_mean" in course.columns and course["adjusted_mean"].null_count() < len(course)


def _arm(table: pl.DataFrame) -> pl.Expr:
    """Return the arm as text, everybody where people are not told apart."""
    if "arm" not in table.columns:
        return pl.lit(EVERYBODY).alias("arm")
    text = pl.col("arm").cast(pl.String).fill_null(EVERYBODY)
    return pl.when(text.is_in(list(WHOLE))).then(pl.lit(EVERYBODY)).otherwise(text).alias("arm")


def spaghetti(course: pl.DataFrame, people: pl.DataFrame, scene: Scene, outcome: str, unit: str = "") -> Any:
    """Draw the course of every person and of the mean, one panel an arm on one scale.

    Parameters
    ----------
    course : arm, visit, day, mean, low, high, adjusted_mean, adjusted_low, adjusted_high
    people : person, arm, visit, day, value
    """
    design = scene.design
    by_day = course["visit"].null_count() > 0 or (not design.visits and course["day"].null_count() == 0)
    named = ("mean", "low", "high")
    parts = tuple(f"adjusted_{name}" for name in named) if _has_model(course) else named
    line = course.select(
        _arm(course), pl.col("visit").cast(pl.String), "day",
        *(pl.col(part).alias(name) for part, name in zip(parts, named, strict=True)),
    ).drop_nulls("mean")  # fmt: skip
    each = people.select(_arm(people), "person", pl.col("visit").cast(pl.String), "day", "value").drop_nulls("value")
    arms = scene.levels("arm", line["arm"])
    across = 3 if len(arms) in (5, 6) else min(4, max(1, len(arms)))
    width = int(min(430, (ROOM - 24 * (across - 1)) / across))
    if by_day:
        at: dict[str, Any] = {"x": alt.X("day:Q", title="Day", axis=alt.Axis(tickCount=6))}
    else:
        order = scene.levels("visit", line["visit"])
        axis = alt.Axis(**level_axis(order, width * 0.95, ""))
        at = {"x": alt.X("visit:O", sort=order, title=None, axis=axis, scale=alt.Scale(padding=0.25))}
    tint = alt.Color("arm:N", legend=None, scale=alt.Scale(domain=arms, range=scene.colours(arms)))
    title = wrapped(outcome_said(outcome) + (f" ({unit})" if unit else ""), 36)
    made = []
    for number, name in enumerate(arms):
        first = number % across == 0
        # Labels of inner panels are there but not seen: their room keeps the headings in one line.
        axis = alt.Axis(tickCount=6, labelOpacity=int(first), ticks=first)
        y = alt.Y("value:Q", title=title if first else None, scale=alt.Scale(zero=False), axis=axis)
        mine = each.filter(pl.col("arm") == name)
        shown = thinned(mine.select("person").unique(maintain_order=True), PEOPLE)["person"].to_list()
        thin = alt.Chart(mine.filter(pl.col("person").is_in(shown))).mark_line(strokeWidth=0.9, opacity=0.32)
        tips = ["person", "visit", "value"]
        base = alt.Chart(line.filter(pl.col("arm") == name))
        band = base.mark_area(opacity=0.24).encode(**at, y=alt.Y("low:Q"), y2="high:Q", color=tint)
        bars = base.mark_rule(strokeWidth=1.6).encode(**at, y=alt.Y("low:Q"), y2="high:Q", color=tint)
        layers = [
            thin.encode(**at, y=y, color=tint, detail="person:N", order="day:Q" if by_day else alt.Undefined,
                        tooltip=tips),
            band, *([] if by_day else [bars]),
            base.mark_line(strokeWidth=3, point=not by_day).encode(**at, y=alt.Y("mean:Q"), color=tint),
        ]  # fmt: skip
        heading = f"{name} (n = {mine['person'].n_unique()})" if name != EVERYBODY else ""
        panel = alt.layer(*layers).properties(width=width, height=260)
        made.append(panel.properties(title=heading_of(heading, 40)) if heading else panel)
    if len(made) == 1:
        return dress(made[0])
    return dress(
        alt.concat(*made, columns=across, spacing={"row": 70, "column": 24}, bounds="flush").resolve_scale(
            y="shared", color="shared"
        )
    )


def contrast_plot(table: pl.DataFrame, outcomes: list[str], scene: Scene) -> Any:
    """Draw adjusted differences, one panel an outcome because each has its own unit.

    Parameters
    ----------
    table : outcome, arm, reference, visit, contrast, estimate, low, high, p, unit, important_difference
    """
    labels = [_row(row) for row in table.to_dicts()]
    tints = [scene.colours([arm])[0] if arm in scene.arms else ARM_COLOURS[0] for arm in table["arm"].cast(pl.String)]
    rows = table.with_columns(pl.Series("label", labels), pl.Series("tint", tints))
    made = []
    for outcome in outcomes:
        own = rows.filter(pl.col("outcome") == outcome)
        unit = scene.unit(outcome)
        what = "Difference" if own["contrast"].str.contains("difference").any() else "Change"
        mid = own["important_difference"][0] if "important_difference" in own.columns else None
        shown = own.select("label", "estimate", "low", "high", "p", "tint")
        made.append(forest(shown, f"{what} ({unit})" if unit else what, width=250 if len(outcomes) > 1 else 380,
                           bounds=mid, heading=outcome_said(outcome)))  # fmt: skip
    return panels(made, longest(labels))


def _row(row: dict[str, Any]) -> str:
    visit = "" if row["visit"] in (None, ONCE) else str(row["visit"])
    if "difference" in str(row["contrast"]):
        return f"{row['arm']}, {visit}" if visit else f"{row['arm']} against {row['reference']}"
    who = "" if row["arm"] in (None, *WHOLE) else f"{row['arm']}, "
    return f"{who}{visit} since {row['reference']}"


def ratio_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return the tests of signals of the body: ratios on one logarithmic axis, the others each in its unit."""
    table = done.tables.get("ratios", pl.DataFrame())
    if table.is_empty():
        return []
    terms = [_occasion(term, scene.design) for term in table["term"].to_list()]
    common = {term.partition(" × ")[0] for term in terms}
    if len(common) == 1 and all(" × " in term for term in terms):  # said once, on the axis
        terms = [term.partition(" × ")[2] for term in terms]
    whose = f", {next(iter(common))}" if len(common) == 1 else ""
    if len(common) == 1 and common <= set(scene.arms) and scene.design.reference:
        whose += f" against {scene.design.reference}"
    names = [short_said(name) for name in table["outcome"].to_list()]
    rows = table.with_columns(
        pl.Series("short", terms), pl.Series("label", [f"{a}, {b}" for a, b in zip(names, terms, strict=True)])
    )
    blocks: list[Block] = []
    confidence = f"{scene.design.confidence:.0%} intervals"
    ratios = rows.filter(pl.col("ratio").is_not_null() & (pl.col("ratio_low") > 0) & pl.col("ratio_high").is_finite())
    if len(ratios):
        kept = ratios.sort("p", nulls_last=True).head(40)["label"]
        shown = ratios.filter(pl.col("label").is_in(kept.to_list())).select(
            "label", "p", estimate="ratio", low="ratio_low", high="ratio_high")  # fmt: skip
        fewer = f" Drawn: the {len(shown)} with the smallest p of {len(ratios)}." if len(shown) < len(ratios) else ""
        caption = f"Ratios with {confidence}, on a logarithmic axis; at 1 nothing is different.{fewer}"
        chart = dress(forest(shown, f"Ratio{whose}", zero=1.0, log=True))
        blocks.append(Figure(chart, caption, f"{step.name}, ratios"))
    plain = rows.filter(pl.col("ratio").is_null() & pl.col("estimate").is_not_null())
    made = []
    for (outcome,), own in list(plain.group_by("outcome", maintain_order=True))[:OUTCOMES]:
        unit = scene.unit(str(outcome)) or scene.unit(str(outcome).removesuffix(" (recordings)"))
        title = f"Difference{whose} ({unit})" if unit else f"Difference{whose}"
        shown = own.select("estimate", "low", "high", "p", label="short")
        made.append(forest(shown, title, width=240, heading=outcome_said(str(outcome))))
    if made:
        caption = f"Differences with {confidence}, each signal in its own unit."
        blocks.append(Figure(panels(made, longest(plain["short"].to_list())), caption, f"{step.name}, differences"))
    return blocks


def _occasion(term: str, design: Design) -> str:
    """Return a term without the names of arm and occasion, which the levels say."""
    text = " × ".join(part.removeprefix(f"{design.arm} ") for part in term_said(term).split(" × "))
    return text.replace("occasion ", "").replace("visit ", "")
