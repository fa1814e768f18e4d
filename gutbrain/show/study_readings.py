"""Readings of a study: how each quantity is distributed, and how it runs in each person."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import altair as alt
import polars as pl

from gutbrain.show.page import Block, Figure, Table, Text
from gutbrain.show.study_plots import (
    MARKS,
    RED,
    Bins,
    bins,
    counted,
    counted_said,
    ends,
    grid,
    group_colour,
    histogram,
    middle,
    number_axis,
    ordered_visits,
    quantity_said,
    range_said,
    shorten,
    some_people,
    unit_said,
    with_group,
)
from gutbrain.show.words import QUIET, number
from gutbrain.study.quantities import quantities
from gutbrain.study.study import Study

QUANTITIES, COURSES = 18, 8
LIMITS = {"<": "triangle-down", ">": "triangle-up"}


def reading_blocks(study: Study) -> list[Block]:
    """Return distributions, courses and a table of all quantities; nothing without readings."""
    readings = study.readings.filter(pl.col("value").is_finite())
    if readings.is_empty():
        return []
    endless = len(study.readings) - len(readings)
    pairs = readings.group_by("quantity", "unit").len().sort("len", "quantity", "unit", descending=[True, False, False])
    drawn = pairs.head(QUANTITIES).sort("quantity", "unit")
    colour = group_colour(study)
    rows = {(q, u): with_group(study, readings.filter((pl.col("quantity") == q) & (pl.col("unit") == u)))
            for q, u in drawn.select("quantity", "unit").iter_rows()}  # fmt: skip
    panels = [_distribution(frame, colour) for frame in rows.values()]
    caption = "How the readings of each quantity are distributed."
    if any(_bounds(*key) for key in rows):
        caption += " Green ground: what a living person can show; red bars lie outside."
    limits = readings["limit"].is_not_null().any()
    caption += " Triangles: values that are only known to lie below (▽) or above (△) a limit." if limits else ""
    if len(pairs) > len(drawn):
        caption += f" The {QUANTITIES} most frequent of {len(pairs)} quantities are drawn."
    blocks: list[Block] = [Figure(grid(panels, row=106), caption, "readings")]
    blocks += _courses(study, rows, colour)
    if endless:
        blocks.append(Text(f"{counted_said(endless, 'value')} without end left out.", note=True))
    return [*blocks, _table(readings)]


def _distribution(frame: pl.DataFrame, colour: Any) -> Any:
    name, unit = frame["quantity"][0], frame["unit"][0]
    bounds = _bounds(name, unit)
    edges = bins(frame["value"])
    lines = [name + (f"; plausible {number(bounds[0], 3)} to {number(bounds[1], 3)}" if bounds else "")]
    people = frame["person"].n_unique()
    lines.append(f"{len(frame):,} values of {people:,} " + ("person" if people == 1 else "people"))
    title = quantity_said(name)
    if title == name:
        lines = lines[1:]
    chart = histogram(counted(frame, edges), edges, colour, title, lines, unit_said(unit), "values",
                      bounds=bounds)  # fmt: skip
    return _censored(chart, frame)


def _bounds(name: str, unit: str) -> tuple[float, float] | None:
    """Return the plausible range of a quantity, if it is known in this unit."""
    known = quantities().get(name)
    return (known.low, known.high) if known is not None and known.unit == unit else None


def _censored(chart: Any, frame: pl.DataFrame) -> Any:
    """Add a triangle above each limit that values lie beyond, with how many."""
    beyond = frame.filter(pl.col("limit").is_not_null()).group_by("value", "limit").len("values").sort("value", "limit")
    if beyond.is_empty():
        return chart
    drawn = beyond.sort("values", descending=True).head(12)
    layers = []
    for sign, shape in LIMITS.items():
        some = drawn.filter(pl.col("limit") == sign)
        mark = alt.Chart(some).mark_point(shape=shape, filled=True, size=45, color=RED, opacity=0.9)
        if len(some):
            layers.append(mark.encode(x="value:Q", y=alt.value(6), tooltip=["limit", "value", "values"]))
    return alt.layer(chart, *layers).properties(title=chart.title)


# -- courses -------------------------------------------------------------------------------------


def _courses(study: Study, rows: dict[tuple[str, str], pl.DataFrame], colour: Any) -> list[Block]:
    panels, told, order = [], "", ordered_visits(study)
    repeated = {key: course for key, frame in rows.items() if (course := _timed(frame, order)) is not None}
    keep = sorted(repeated, key=lambda key: -len(repeated[key]))[:COURSES]
    for key in [key for key in repeated if key in keep]:
        frame = repeated[key]
        people, whole = some_people(frame)
        told = f" {len(people)} of {whole:,} people are drawn, evenly picked." if len(people) < whole else told
        mine, widest = _thin(frame.filter(pl.col("person").is_in(people)))
        if widest:
            told += f" {quantity_said(key[0])}: means of {widest:.3g} days." if "means of" not in told else ""
        panels.append(_course(mine, order, colour))
    if not panels:
        return []
    caption = "Each person's own course; a thin line is a person."
    if study.readings["limit"].is_not_null().any():
        caption += " Triangles: the value lies below (▽) or above (△) a limit."
    if len(repeated) > len(panels):
        caption += f" {len(panels)} of {len(repeated)} quantities with repeated readings are drawn."
    return [Figure(grid(panels, 2, row=100, column=96), caption + told, "courses")]


def _timed(frame: pl.DataFrame, order: list[str]) -> pl.DataFrame | None:
    """Return readings of people with several moments, with `at` as day or as place of the visit."""
    days = frame.filter(pl.col("day").is_not_null())
    if 2 * len(days) >= len(frame):
        timed = days.with_columns(pl.col("day").alias("at"), pl.lit(True).alias("by_day"))
    else:
        places = {visit: float(place) for place, visit in enumerate(order)}
        timed = frame.filter(pl.col("visit").is_not_null()).with_columns(
            pl.col("visit").replace_strict(places, default=None, return_dtype=pl.Float64).alias("at"),
            pl.lit(False).alias("by_day"),
        ).drop_nulls("at")  # fmt: skip
    again = timed.group_by("person", "method").agg(pl.col("at").n_unique()).filter(pl.col("at") > 1)
    if again.is_empty():
        return None
    return timed.join(again.select("person", "method"), on=["person", "method"], how="semi", nulls_equal=True)


def _thin(frame: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """Return at most some hundred points: means over spans of days where there are more, and the span."""
    keys = ["person", "method", "at", "limit", "group", "quantity", "unit", "by_day"]
    means = frame.group_by(keys).agg(pl.col("value").mean()).sort("person", "method", "at", "limit")
    most = MARKS // 2
    if len(means) <= most or not frame["by_day"][0]:
        return means.head(4 * most), 0.0
    low, high = ends(means["at"])
    lines = means.select("person", "method").n_unique()
    slots = max(8, most // lines)
    width = next((w for w in (1.0, 2.0, 7.0, 14.0, 28.0) if (high - low + 1) / w <= slots), (high - low + 1) / slots)
    slot = low + (((pl.col("at") - low) / width).floor() + 0.5) * width
    return means.with_columns(at=slot).group_by(keys).agg(pl.col("value").mean()).sort("person", "method", "at"), width


def _course(frame: pl.DataFrame, order: list[str], colour: Any) -> Any:
    name, unit = frame["quantity"][0], frame["unit"][0]
    # Lines carry a number, not the identifier of the person.
    lines = frame.select("person", "method").unique(maintain_order=True).with_row_index("line")
    edges: Bins = bins(frame["value"])
    low, high = ends(frame["value"])
    scale = alt.Scale(type="log" if edges.log else "linear", zero=False, nice=not edges.log)
    axis = number_axis(low, high, edges.log)
    by_day = bool(frame["by_day"][0])
    shown = frame.join(lines, on=["person", "method"], nulls_equal=True).select("line", "at", "value", "limit", "group")
    if by_day:
        x = alt.X("at:Q", title="Day", axis=alt.Axis(grid=False, tickCount=6), scale=alt.Scale(zero=False, nice=False))
    else:
        present = sorted({int(place) for place in shown["at"]})
        names = {place: "\n".join(wrap(shorten(order[place], 40), 18)) for place in present}
        shown = shown.with_columns(pl.col("at").cast(pl.Int64).replace_strict(names, return_dtype=pl.String))
        axis_x = alt.Axis(labelAngle=0, labelExpr="split(datum.label, '\\n')", grid=False, labelOverlap=True)
        x = alt.X("at:N", title="Visit", sort=list(names.values()), axis=axis_x,
                  scale=alt.Scale(type="point", padding=0.25))  # fmt: skip
    y = alt.Y("value:Q", title=unit_said(unit) or None, scale=scale, axis=axis)
    base = alt.Chart(shown).encode(x=x, y=y, color=colour, detail="line:N")
    few = lines.height <= 4
    layers = [base.mark_line(strokeWidth=1.3 if few else 0.9, opacity=0.9 if few else 0.55)]
    if shown.height <= 400:
        layers.append(base.mark_point(filled=True, size=12, opacity=0.7))
    for sign, shape in LIMITS.items():
        some = shown.filter(pl.col("limit") == sign)
        if len(some):
            mark = alt.Chart(some).mark_point(shape=shape, filled=True, size=40, color=RED, opacity=0.9)
            layers.append(mark.encode(x=x, y=y, detail="line:N"))
    people = frame["person"].n_unique()
    methods = frame["method"].n_unique()
    said = f"{people} " + ("person" if people == 1 else "people") + (f", {methods} methods" if methods > 1 else "")
    if quantity_said(name) != name:
        said = f"{name}; {said}"
    title = alt.TitleParams(shorten(quantity_said(name), 44), subtitle=said, fontSize=13,
                            subtitleFontSize=11.5, subtitleColor=QUIET, offset=6)  # fmt: skip
    return alt.layer(*layers).properties(width=370, height=170, title=title)


def _table(readings: pl.DataFrame) -> Block:
    rows = []
    for (name, unit), some in readings.group_by("quantity", "unit", maintain_order=True):
        bounds, outside = _bounds(str(name), str(unit)), "–"
        if bounds is not None:
            outside = f"{len(some.filter((pl.col('value') < bounds[0]) | (pl.col('value') > bounds[1]))):,}"
        methods = some["method"].drop_nulls().unique(maintain_order=True).to_list()
        rows.append({
            "quantity": quantity_said(str(name)) if str(name) in quantities() else "", "key": name,
            "unit": unit_said(str(unit)), "values": len(some),
            "people": some["person"].n_unique(), "median": number(middle(some["value"]), 3),
            "range": range_said(some["value"]), "outside": outside,
            "beyond": int(some["limit"].is_not_null().sum()),
            "method": "; ".join(methods[:3]) + (f" and {len(methods) - 3} more" if len(methods) > 3 else ""),
        })  # fmt: skip
    headings = {
        "quantity": "Quantity", "key": "Name", "unit": "Unit", "values": "Values", "people": "People",
        "median": "Median", "range": "5 to 95 %", "outside": "Not plausible", "beyond": "Beyond a limit",
        "method": "Method",
    }  # fmt: skip
    right = frozenset({"median", "range", "outside"})
    if all(not row["method"] for row in rows):
        headings.pop("method")
    return Table(pl.DataFrame(rows, infer_schema_length=None), "Quantities", headings, right)
