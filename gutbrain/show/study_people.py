"""Who is in a study, and when what was measured: tables and figures."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.show.page import Block, Figure, Table, Text
from gutbrain.show.study_plots import (
    MARKS,
    NOT_KNOWN,
    PEOPLE,
    WHOLE,
    bars,
    bins,
    counted,
    ends,
    grid,
    group_colour,
    grouping,
    histogram,
    middle,
    natural,
    note,
    ordered_visits,
    range_said,
    said,
    some_people,
    unit_said,
    with_group,
)
from gutbrain.show.theme import dress
from gutbrain.show.words import number
from gutbrain.study.schema import TABLES
from gutbrain.study.study import Study

PANELS, LEVELS, FREE_TEXT = 12, 7, 12
COUNTED = {"people": "people", "visits": "visits", "samples": "samples"}
MARKED = {"samples": "#0072b2", "answers": "#d55e00", "readings": "#009e73", "beats": "#cc79a7"}
VISITS = 30  # most visits along one axis


def people_blocks(study: Study) -> list[Block]:
    """Return distributions of what is known of people, visits and samples, by arm or sex, and a table of all."""
    rows: list[dict[str, Any]] = []
    panels: list[Any] = []
    colour, undrawn = group_colour(study), 0
    for table in COUNTED:
        whole = study.tables[table]
        for name in whole.columns:
            if name in TABLES[table].columns or whole[name].null_count() == len(whole):
                continue
            unit = unit_said(study.units.get(f"{table}.{name}"))
            known = whole[name]
            if known.dtype.is_float():
                known = known.set(~known.is_finite(), None)
            kind = _kind(known, unit)
            rows.append(_row(table, name, unit, known, kind))
            if kind in ("number", "level") and len(panels) == PANELS:
                undrawn += 1
            elif kind in ("number", "level"):
                frame = with_group(study, whole.select("person", known.alias("value")))
                panels.append(_panel(frame, kind, said(name), unit, COUNTED[table], colour))
    if not rows:
        return []
    blocks: list[Block] = []
    if panels:
        by = grouping(study)
        caption = "What is known of people, visits and samples" + (f", by {said(by).lower()}." if by else ".")
        if undrawn:
            caption += f" {undrawn} more stand in the table only."
        blocks.append(Figure(grid(panels), caption, "people"))
    headings = {"of": "Of", "name": "Covariate", "unit": "Unit", "known": "Known", "values": "Values"}
    blocks.append(Table(pl.DataFrame(rows), "Covariates", headings, frozenset({"known"}), folded=bool(panels)))
    return blocks


def _kind(values: pl.Series, unit: str) -> str:
    known = values.drop_nulls()
    levels = known.n_unique()
    if not levels:
        return "other"
    if known.dtype.is_numeric():
        return "level" if not unit and levels <= 6 and (known == known.round()).all() else "number"
    if known.dtype == pl.Boolean:
        return "level"
    if known.dtype == pl.String:
        return "free text" if levels > FREE_TEXT and 2 * levels > len(known) else "level"
    return "other"


def _row(table: str, name: str, unit: str, values: pl.Series, kind: str) -> dict[str, Any]:
    known = values.drop_nulls()
    if kind == "number":
        what = f"median {number(middle(known), 3)}, 5 to 95 %: {range_said(known)}"
    elif kind == "level":
        counts = known.cast(pl.String).value_counts(sort=True)
        what = ", ".join(f"{_level(level)} {count}" for level, count in counts.head(LEVELS).iter_rows())
        what += f" and {len(counts) - LEVELS} more" if len(counts) > LEVELS else ""
    else:
        what = f"{known.n_unique():,} different entries, not shown"
    return {"of": table, "name": said(name), "unit": unit, "known": f"{len(known):,} of {len(values):,}",
            "values": what}  # fmt: skip


def _level(text: str) -> str:
    return text.removesuffix(".0").replace("_", " ")


def _panel(frame: pl.DataFrame, kind: str, title: str, unit: str, what: str, colour: Any) -> Any:
    missing = frame["value"].null_count()
    known = frame.drop_nulls("value")
    subtitle = f"{len(known):,} {what}" + (f", {missing:,} not known" if missing else "")
    if kind == "number":
        edges = bins(known["value"])
        return histogram(counted(known, edges), edges, colour, title, subtitle, unit, what)
    texts = known.with_columns(
        pl.col("value").cast(pl.String).str.strip_suffix(".0").str.replace_all("_", " ", literal=True)
    )
    sizes = texts["value"].value_counts(sort=True)
    largest = sizes["value"].head(LEVELS).to_list() if len(sizes) > LEVELS + 1 else sizes["value"].to_list()
    rest = f"{len(sizes) - len(largest)} others"
    counts = texts.with_columns(
        pl.when(pl.col("value").is_in(largest)).then("value").otherwise(pl.lit(rest)).alias("level")
    ).group_by("level", "group").len("count")  # fmt: skip
    order = {level: place for place, level in enumerate([*sorted(largest, key=_place), rest])}
    counts = counts.sort(pl.col("level").replace_strict(order, return_dtype=pl.Int64), "group")
    return bars(counts, colour, title, subtitle, what)


def _place(level: str) -> tuple[bool, Any]:
    return level == NOT_KNOWN, natural(level)


# -- when ----------------------------------------------------------------------------------------


def time_blocks(study: Study) -> list[Block]:
    """Return when what was measured of whom: by day where days are known, else by visit."""
    days, visits, lost = [], [], {}
    for name in MARKED:
        frame = study.tables[name].filter(pl.col("person").is_not_null())
        if frame.is_empty():
            continue
        frame = frame.select("person", "visit", "day", pl.lit(name).alias("kind"))
        timed = frame.filter(pl.col("day").is_not_null())
        if 2 * len(timed) >= len(frame):
            days.append(timed)
            continue
        at = frame.filter(pl.col("visit").is_not_null())
        if len(at):
            visits.append(at)
        if len(at) < len(frame):
            lost[name] = len(frame) - len(at)
    blocks: list[Block] = []
    if days:
        blocks += _by_day(pl.concat(days))
    if visits:
        blocks += _by_visit(pl.concat(visits), ordered_visits(study))
    if lost:
        told = " and ".join(f"{count:,} rows of {name}" for name, count in lost.items())
        blocks.append(Text(f"Neither day nor visit is known of {told}, which therefore stand in no figure of times."))
    return blocks


def _by_day(frame: pl.DataFrame) -> list[Block]:
    people, whole = some_people(frame)
    kinds = [kind for kind in MARKED if kind in set(frame["kind"])]
    low, high = ends(frame["day"])
    low = float(np.floor(low))
    slots = max(20, MARKS // (len(people) * len(kinds)))
    width = next((w for w in (1.0, 2.0, 7.0, 14.0, 28.0) if (high - low + 1) / w <= slots), (high - low + 1) / slots)
    binned = frame.with_columns(((pl.col("day") - low) / width).floor().alias("slot"))
    marks = binned.filter(pl.col("person").is_in(people)).group_by("person", "kind", "slot").len("rows").with_columns(
        (low + (pl.col("slot") + 0.5) * width).alias("day")
    ).sort("person", "kind", "slot").select("person", "kind", "day", "rows")  # fmt: skip
    each = "a day" if width == 1 else f"{width:.3g} days"
    x = alt.X("day:Q", title="Day", scale=alt.Scale(domain=[low, max(high, low + 1) + 0.02 * (high - low + 1)]),
              axis=alt.Axis(tickMinStep=1))  # fmt: skip
    caption = f"What was measured of whom and when; a mark stands for {each} with at least one row."
    caption += note({"people": (len(people), whole)})
    return [Figure(_marks(marks, people, kinds, x), caption, "times by day")]


def _by_visit(frame: pl.DataFrame, order: list[str]) -> list[Block]:
    shown = [visit for visit in order if visit in set(frame["visit"])]
    cut = len(shown) - VISITS
    shown = shown[:VISITS]
    people, whole = some_people(frame)
    kinds = [kind for kind in MARKED if kind in set(frame["kind"])]
    frame = frame.filter(pl.col("visit").is_in(shown))
    x = alt.X("visit:N", title="Visit", sort=shown, axis=alt.Axis(labelAngle=0 if _fit(shown) else -35))
    more = f" The first {VISITS} visits; {cut} more not drawn." if cut > 0 else ""
    if whole > PEOPLE:
        counts = frame.group_by("kind", "visit").agg(pl.col("person").n_unique().alias("people"))
        caption = f"People of whom something was measured, of {whole:,}, by visit.{more}"
        return [Figure(_counts(counts, kinds, x), caption, "times by visit")]
    marks = frame.filter(pl.col("person").is_in(people)).group_by("person", "kind", "visit").len("rows")
    marks = marks.sort("person", "kind", "visit")
    caption = f"What was measured of whom at which visit.{more}"
    return [Figure(_marks(marks, people, kinds, x), caption, "times by visit")]


def _fit(names: list[str]) -> bool:
    return sum(len(name) + 2 for name in names) * 7 < WHOLE - 150


def _colour(kinds: list[str]) -> alt.Color:
    scale = alt.Scale(domain=kinds, range=[MARKED[kind] for kind in kinds])
    legend = alt.Legend(direction="horizontal", symbolType="square", symbolOpacity=1, symbolStrokeWidth=0)
    return alt.Color("kind:N", title=None, scale=scale, legend=legend)


def _marks(marks: pl.DataFrame, people: list[str], kinds: list[str], x: Any) -> Any:
    """Draw a row for each person, within it a line for each kind of measurement."""
    size = 30 if len(kinds) == 1 else 18
    chart = alt.Chart(marks).mark_point(shape="square", filled=True, size=size, opacity=0.9).encode(
        x=x, y=alt.Y("person:N", sort=people, title="Person", axis=alt.Axis(grid=True, tickBand="extent")),
        yOffset=alt.YOffset("kind:N", sort=kinds, scale=alt.Scale(paddingOuter=0.3)),
        color=_colour(kinds), tooltip=["person", "kind", x.shorthand, "rows"],
    )  # fmt: skip
    step = max(13, 6 * len(kinds)) if len(people) > 3 else 34
    return dress(chart.properties(width=WHOLE - 60, height=alt.Step(step, **{"for": "position"})))


def _counts(counts: pl.DataFrame, kinds: list[str], x: Any) -> Any:
    y = alt.Y("kind:N", sort=kinds, title=None)
    base = alt.Chart(counts).encode(x=x, y=y)
    fill = alt.Color("people:Q", title="People", scale=alt.Scale(scheme="blues", domainMin=0), legend=None)
    half = ends(counts["people"])[1] / 2
    tall = 12 if counts["visit"].n_unique() <= 20 else 10
    ink = alt.condition(alt.datum.people > half, alt.value("white"), alt.value("#1f2933"))
    text = base.mark_text(fontSize=tall).encode(text="people:Q", color=ink)
    layers = alt.layer(base.mark_rect().encode(color=fill), text)
    width = min(WHOLE - 60, 90 * counts["visit"].n_unique())
    return dress(layers.properties(width=width, height=alt.Step(34)))
