"""Experience sampling: when prompts were answered, and how some items run over time."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from gutbrain.show.page import Block, Figure, Text
from gutbrain.show.study_plots import (
    PLAIN,
    WHOLE,
    counted_said,
    ends,
    evenly,
    group_colour,
    middle,
    some_people,
    with_group,
)
from gutbrain.show.theme import dress
from gutbrain.show.words import number
from gutbrain.study.study import Study

OFTEN = 6  # moments of a person from which a form counts as a diary
COLUMNS, SHOWN, LINES, POINTS = 60, 4, 12, 350
WEEK = 7.0


def is_diary(rows: pl.DataFrame) -> bool:
    """Say whether a form was answered again and again by the same people, at known times."""
    timed = rows.filter(pl.col("day").is_not_null())
    if timed.is_empty():
        return False
    return middle(timed.group_by("person").agg(pl.col("day").n_unique())["day"]) >= OFTEN


def diary_blocks(study: Study, names: list[str]) -> list[Block]:
    """Return prompts by hour and day, and the course of the items that vary most."""
    rows = study.answers.filter(pl.col("form").is_in(names) & pl.col("day").is_not_null())
    prompts = rows.select("person", "form", "day", "time").unique()
    people = prompts["person"].n_unique()
    daily = prompts.group_by("person", pl.col("day").floor()).len()["len"]
    text = f"{', '.join(names)}: {counted_said(len(prompts), 'answered prompt')} of {counted_said(people, 'person')}, "
    text += f"{number(middle(daily), 2)} on a median day with any."
    planned = study.visits.filter(pl.col("time").is_not_null())
    met = planned.join(prompts.select("person", "time").unique(), on=["person", "time"], how="semi")
    if 0 < len(met) < len(planned):
        share = 100 * len(met) / len(planned)
        text += f" Of {len(planned):,} prompts that stand among the visits, {share:.0f} % were answered."
    blocks: list[Block] = [Text(text)]
    # Where only the date is known, the hour is not midnight.
    hours = prompts.with_columns(
        pl.coalesce(pl.col("time").dt.hour() + pl.col("time").dt.minute() / 60, (pl.col("day") % 1) * 24).alias("hour")
    )
    clocked = hours.filter((pl.col("hour") > 0).any().over("form"))
    if len(clocked):
        blocks.append(_hours(clocked, people))
    return [*blocks, *_courses(study, rows)]


def _hours(prompts: pl.DataFrame, people: int) -> Figure:
    low, high = ends(prompts["day"])
    low = float(int(low // 1))
    width = max(1.0, -(-(high - low + 1) // COLUMNS))
    slot = low + ((pl.col("day") - low) / width).floor() * width
    cells = prompts.group_by(slot.alias("day"), pl.col("hour").floor().alias("hour")).len("prompts").sort("day", "hour")
    cells = cells.with_columns((pl.col("day") + width).alias("day_end"), (pl.col("hour") + 1).alias("hour_end"))
    last = low + width * ((high - low) // width + 1)
    x = alt.X("day:Q", title="Day", scale=alt.Scale(domain=[low, last], nice=False),
              axis=alt.Axis(tickMinStep=1, grid=False))  # fmt: skip
    y = alt.Y("hour:Q", title="Hour of the day", scale=alt.Scale(domain=[0, 24], reverse=True, nice=False),
              axis=alt.Axis(values=list(range(0, 25, 4)), grid=False))  # fmt: skip
    each = "per day and hour" if width == 1 else f"per {width:.0f} days and hour"
    fill = alt.Color("prompts:Q", title=f"Answered prompts {each}", scale=alt.Scale(scheme="blues", domainMin=0),
                     legend=alt.Legend(gradientLength=200, orient="bottom", tickMinStep=1, format="d"))  # fmt: skip
    chart = alt.Chart(cells).mark_rect(stroke="#ffffff", strokeWidth=0.5).encode(
        x=x, x2="day_end", y=y, y2="hour_end", color=fill, tooltip=["day", "hour", "prompts"]
    ).properties(width=WHOLE - 20, height=260)  # fmt: skip
    many = " of everybody together" if people > 1 else ""
    return Figure(dress(chart), f"When prompts were answered, by day of the person and hour{many}.", "prompts")


def _courses(study: Study, rows: pl.DataFrame) -> list[Block]:
    """Draw the items with the largest spread within people, relative to the range of their form."""
    frequent = rows.group_by("form", "item").len()
    frequent = frequent.filter(pl.col("len") >= 0.5 * pl.col("len").max().over("form"))
    within = (
        rows.join(frequent, on=["form", "item"], how="semi")
        .group_by("form", "item", "person")
        .agg(pl.col("value").std())
    )
    ends = rows.group_by("form").agg((pl.col("value").max() - pl.col("value").min()).alias("range"))
    spread = within.group_by("form", "item").agg(pl.col("value").median()).join(ends, on="form").drop_nulls("value")
    chosen = spread.with_columns(pl.col("value") / pl.col("range")).sort(
        "value", "form", "item", descending=[True, False, False]
    )
    panels: list[Any] = []
    people, whole = some_people(rows, LINES)
    colour = group_colour(study) if whole > 1 else alt.value(PLAIN)
    for form, item in chosen.head(SHOWN).select("form", "item").iter_rows():
        mine = rows.filter((pl.col("form") == form) & (pl.col("item") == item) & pl.col("person").is_in(people))
        panels.append(_course(with_group(study, mine), f"{item.replace('_', ' ')} ({form})", colour, whole))
    if not panels:
        return []
    caption = "Items that vary most within a person. "
    caption += (
        f"Points: answers; line: mean of {WEEK:.0f} days."
        if whole == 1
        else "A thin line is the daily mean of a person."
    )
    if len(people) < whole:
        caption += f" {len(people)} of {whole:,} people are drawn, evenly picked."
    return [Figure(dress(alt.vconcat(*panels, spacing=12)), caption, "diary courses")]


def _course(rows: pl.DataFrame, title: str, colour: Any, whole: int) -> Any:
    heading = alt.TitleParams(title, fontSize=13, offset=4)
    low, high = ends(rows["day"])
    x = alt.X(
        "day:Q", title="Day", scale=alt.Scale(domain=[low, high], nice=False), axis=alt.Axis(grid=False, tickMinStep=1)
    )
    y = alt.Y("value:Q", title="Answer", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4))
    # Means over as many days as keep a line at some hundred points.
    width = WEEK if whole == 1 else max(1.0, -(-(high - low + 1) // 120))
    numbers = rows.select("person").unique(maintain_order=True).with_row_index("line")
    means = rows.join(numbers, on="person").group_by(
        "line", "group", ((pl.col("day") / width).floor() * width + width / 2).alias("day")
    ).agg(pl.col("value").mean()).sort("line", "day")  # fmt: skip
    line = alt.Chart(means.with_columns(pl.col("value").round(3))).encode(x=x, y=y, color=colour, detail="line:N")
    if whole > 1:
        return line.mark_line(
            strokeWidth=1, opacity=0.65, point={"filled": True, "size": 12, "opacity": 0.8}
        ).properties(width=WHOLE - 20, height=110, title=heading)
    points = rows.select("day", "value").sort("day")
    shown = points[evenly(range(len(points)), POINTS)].with_columns(pl.col("day").round(3))
    marks = alt.Chart(shown).mark_point(filled=True, size=10, opacity=0.35, color=PLAIN).encode(x=x, y=y)
    return alt.layer(marks, line.mark_line(strokeWidth=1.8, clip=True)).properties(
        width=WHOLE - 20, height=110, title=heading
    )
