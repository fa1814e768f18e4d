"""What the figures of a study share: who is picked, how values are binned, how quantities and units are called.

Large studies are thinned evenly and always in the same way, and every figure says what it left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, TypeVar

import altair as alt
import numpy as np
import polars as pl

from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, UNITS, number
from gutbrain.study.quantities import quantities
from gutbrain.study.study import Study

Item = TypeVar("Item")

PEOPLE = 40  # most people that are drawn one by one
MARKS = 2000  # most marks of one figure
WHOLE = 850  # width of a figure without its axis, pixels
GROUPINGS = ("arm", "group", "treatment", "sex", "gender")
NOT_KNOWN = "not known"
PLAIN, GREY, RED, SHADE = "#3b8fc0", "#b4bcc4", "#b3261e", "#e7f1e9"


def natural(name: Any) -> list[tuple[int, float, str]]:
    """Return a key that sorts names as a reader would: 2 before 10."""
    parts = re.split(r"(\d+)", str(name))
    return [(0, float(part), "") if part.isdigit() else (1, 0.0, part) for part in parts if part]


def ends(values: pl.Series) -> tuple[float, float]:
    """Return the smallest and largest of numbers that are not all missing."""
    known = values.drop_nulls().drop_nans().to_numpy().astype(float)
    return float(known.min()), float(known.max())


def middle(values: pl.Series) -> float:
    """Return the median of numbers, NaN where there are none."""
    known = values.drop_nulls().cast(pl.Float64).drop_nans().to_numpy()
    return float(np.median(known)) if known.size else float("nan")


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many items, evenly spaced from the first to the last."""
    if len(items) <= most:
        return list(items)
    places = np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))
    return [items[place] for place in places]


def some_people(frame: pl.DataFrame, most: int = PEOPLE) -> tuple[list[str], int]:
    """Return the people who are drawn, and how many there are."""
    people = sorted(frame["person"].drop_nulls().unique().to_list(), key=natural)
    return evenly(people, most), len(people)


def ordered_visits(study: Study) -> list[str]:
    """Return the visits by their day where it is known, else by number, else as they were read."""
    visits = study.visits.filter(pl.col("visit").is_not_null())
    names: list[str] = visits["visit"].unique(maintain_order=True).to_list()
    timed = visits.group_by("visit").agg(pl.col("day").median())
    days = {name: day for name, day in timed.iter_rows() if day is not None}
    if names and len(days) == len(names):
        return sorted(names, key=lambda name: (days[name], natural(name)))
    if all(re.search(r"\d", name) for name in names):
        return sorted(names, key=natural)
    return names


def grouping(study: Study) -> str | None:
    """Return the covariate that colours the figures: an arm if there is one, else the sex."""
    known = {name.lower(): name for name in study.people.columns if name != "person"}
    for name in GROUPINGS:
        if name in known and 2 <= study.people[known[name]].drop_nulls().n_unique() <= 6:
            return known[name]
    return None


def with_group(study: Study, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table that names people with their `group`; it is empty text where nothing tells groups apart."""
    name = grouping(study)
    if name is None:
        return frame.with_columns(pl.lit("").alias("group"))
    groups = study.people.select("person", pl.col(name).cast(pl.String).fill_null(NOT_KNOWN).alias("group"))
    return frame.drop("group", strict=False).join(groups, on="person", how="left").with_columns(
        pl.col("group").fill_null(NOT_KNOWN)
    )  # fmt: skip


def group_colour(study: Study) -> alt.Color | alt.Value:
    """Return the colour channel of `group`, the same in every figure of a page."""
    name = grouping(study)
    if name is None:
        return alt.value(PLAIN)
    levels = sorted(study.people[name].drop_nulls().cast(pl.String).unique().to_list(), key=natural)
    colours = [GREY if level.lower() in ("unknown", NOT_KNOWN) else ARM_COLOURS[k] for k, level in enumerate(levels)]
    if study.people[name].null_count():
        levels, colours = [*levels, NOT_KNOWN], [*colours, GREY]
    legend = alt.Legend(direction="horizontal", symbolType="square", symbolOpacity=1, symbolStrokeWidth=0)
    return alt.Color("group:N", title=said(name), scale=alt.Scale(domain=levels, range=colours), legend=legend)


def said(name: str) -> str:
    """Return a column name as words."""
    words = name.replace("_", " ").strip()
    return re.sub(r"\bbmi\b", "BMI", words[:1].upper() + words[1:], flags=re.IGNORECASE)


def unit_said(unit: str | None) -> str:
    """Return a unit as a reader writes it; nothing for pure numbers."""
    if not unit or unit in ("1", "text"):
        return ""
    known = UNITS | {"point": "points", "count": "count", "1/min": "per minute", "year": "years", "month": "months",
                     "minute": "min", "hour": "h", "not stated": "unit not stated"}  # fmt: skip
    text = known.get(unit, unit)
    text = re.sub(r"(?<=[a-z])2\b", "²", re.sub(r"(?<=[a-z])3\b", "³", text))
    return re.sub(r"\bu(?=g\b|mol\b|L\b|m\b)", "µ", text)


def quantity_said(name: str) -> str:
    """Return what a quantity is called: its description where it is known, else its own name."""
    known = quantities().get(name)
    return name if known is None else known.about[:1].upper() + known.about[1:].partition(";")[0]


@dataclass(frozen=True)
class Bins:
    """Edges of a histogram; `log` where values spread over decades."""

    edges: np.ndarray
    log: bool


def bins(values: pl.Series, most: int = 24, whole: int = 40) -> Bins:
    """Choose edges: whole numbers keep a bar each, positive values over decades get a logarithmic axis.

    Parameters
    ----------
    most : bars of numbers that are not whole
    whole : bars of whole numbers; fewer where there are few of them
    """
    known = values.drop_nulls().drop_nans().to_numpy().astype(float)
    low, high = ends(values)
    if low == high:
        width = 0.5 if low == round(low) else max(abs(low) * 0.05, 1e-9)
        return Bins(np.array([low - width, low + width]), False)
    if np.allclose(known, np.round(known), rtol=0, atol=1e-9) and high - low < max(12, min(whole, len(known) / 3)):
        return Bins(np.arange(round(low), round(high) + 2) - 0.5, False)
    half = float(np.median(known))
    if low > 0 and (high / half > 8 or half / low > 20):
        return Bins(np.logspace(np.log10(low), np.log10(high), most + 1), True)
    step = (high - low) / min(most, max(6, int(2 * len(known) ** 0.5)))
    power = 10.0 ** np.floor(np.log10(step))
    step = power * next(k for k in (1, 2, 2.5, 5, 10) if k * power >= step * 0.999)
    return Bins(np.arange(np.floor(low / step), np.ceil(high / step) + 1.5) * step, False)


def counted(values: pl.DataFrame, edges: Bins, column: str = "value") -> pl.DataFrame:
    """Return low, high, count of each bin by `group`, and where its part of the bar begins (`from`) and ends (`to`)."""
    inner = edges.edges
    rows: list[dict[str, Any]] = []
    ground = np.zeros(len(inner) - 1, int)
    for (group,), some in sorted(values.group_by("group"), key=lambda pair: natural(pair[0][0])):
        numbers = some[column].drop_nulls().drop_nans().to_numpy().astype(float)
        # Rounding of logarithmic edges must not lose the ends.
        counts, _ = np.histogram(np.clip(numbers, inner[0], inner[-1]), inner)
        rows += [
            {"group": group, "low": float(low), "high": float(high), "count": int(count), "from": int(begin),
             "to": int(begin + count)}
            for low, high, count, begin in zip(inner[:-1], inner[1:], counts, ground, strict=True)
            if count
        ]  # fmt: skip
        ground += counts
    columns = ("count", "from", "to")
    return pl.DataFrame(rows, schema={"group": pl.String, "low": pl.Float64, "high": pl.Float64,
                                      **dict.fromkeys(columns, pl.Int64)})  # fmt: skip


def histogram(
    frame: pl.DataFrame, edges: Bins, colour: Any, title: str, subtitle: str | list[str], axis: str, what: str,
    size: tuple[int, int] = (230, 130), bounds: tuple[float, float] | None = None,
) -> alt.LayerChart:  # fmt: skip
    """Draw counted values.

    Parameters
    ----------
    frame : of `counted`
    axis, what : titles of the axes: the unit, and what is counted
    size : width and height of the panel, pixels
    bounds : plausible range; its part of the panel is shaded and what lies outside turns red
    """
    low, high = float(edges.edges[0]), float(edges.edges[-1])
    pad = 0.0 if edges.log else 0.03 * (high - low)
    domain = [low - pad, high + pad]
    scale = alt.Scale(type="log" if edges.log else "linear", domain=domain, nice=False, zero=False, clamp=True)
    x = alt.X("low:Q", scale=scale, title=axis or None, axis=number_axis(low, high, edges.log, grid=False))
    tallest = int(ends(frame["to"])[1]) if len(frame) else 1
    y = alt.Y("from:Q", title=what, axis=count_axis(tallest), scale=alt.Scale(domain=[0, 1.04 * tallest], nice=False))
    layers, edge = [], {"stroke": "#ffffff", "strokeWidth": 0.7}
    if bounds is not None and bounds[0] < domain[1] and bounds[1] > domain[0]:
        shade = pl.DataFrame({"from": [max(bounds[0], domain[0])], "to": [min(bounds[1], domain[1])]})
        layers.append(
            alt.Chart(shade).mark_rect(color=SHADE).encode(x=alt.X("from:Q", scale=scale, title=axis or None), x2="to")
        )
    if bounds is not None:
        centre = (pl.col("low") + pl.col("high")) / 2
        out = frame.filter((centre < bounds[0]) | (centre > bounds[1]))
        frame = frame.filter((centre >= bounds[0]) & (centre <= bounds[1]))
        if len(out):
            layers.append(alt.Chart(out).mark_rect(color=RED, **edge).encode(x=x, x2="high", y=y, y2="to"))
    if len(frame):
        tips = [alt.Tooltip("low:Q", format=".4~g"), alt.Tooltip("high:Q", format=".4~g"), "count:Q"]
        base = alt.Chart(frame).mark_rect(**edge)
        layers.append(base.encode(x=x, x2="high", y=y, y2="to", color=colour, tooltip=tips))
    heading = alt.TitleParams(shorten(title, 42), subtitle=subtitle, fontSize=13, subtitleFontSize=11.5, offset=6)
    return alt.layer(*layers).properties(width=size[0], height=size[1], title=heading)


def number_axis(low: float, high: float, log: bool, grid: bool = True) -> alt.Axis:
    """Return an axis that writes numbers as a reader does; logarithmic ones get their own ticks."""
    form = ",.6~f" if high < 1e5 else "~s"
    if log:
        return alt.Axis(values=log_ticks(low, high), grid=grid, format=form, labelOverlap=True)
    return alt.Axis(tickCount=5, grid=grid, format=form, labelOverlap=True)


def count_axis(most: int) -> alt.Axis:
    """Return an axis of whole numbers."""
    if most <= 4:
        return alt.Axis(values=list(range(most + 1)), format="d")
    return alt.Axis(tickCount=4, tickMinStep=1, format=",d" if most < 1e5 else "~s")


def log_ticks(low: float, high: float) -> list[float]:
    """Return ticks of a logarithmic axis: decades, and between them where there are few."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    marks = (1,) if len(powers) > 4 else (1, 3) if len(powers) > 2 else (1, 2, 5)
    return [k * 10.0**power for power in powers for k in marks if low <= k * 10.0**power <= high]


def bars(counts: pl.DataFrame, colour: Any, title: str, subtitle: str, what: str) -> alt.Chart:
    """Draw how often each level of a covariate occurs.

    Parameters
    ----------
    counts : level, group, count, in the order in which levels are drawn
    """
    few = counts["level"].n_unique() <= 4
    names = {
        name: "\n".join(wrap(shorten(name, 30), 15)) if few else shorten(name, 15)
        for name in counts["level"].unique(maintain_order=True)
    }
    if len(set(names.values())) == len(names):
        counts = counts.with_columns(pl.col("level").replace_strict(names, return_dtype=pl.String))
    levels = counts["level"].unique(maintain_order=True).to_list()
    longest = int(ends(counts.group_by("level").agg(pl.col("count").sum())["count"])[1])
    heading = alt.TitleParams(shorten(title, 42), subtitle=subtitle, fontSize=13, subtitleFontSize=11.5, offset=6)
    axis = alt.Axis(labelLimit=92, labelExpr="split(datum.label, '\\n')", labelLineHeight=12)
    return alt.Chart(counts).mark_bar().encode(
        y=alt.Y("level:N", sort=levels, title=None, axis=axis),
        x=alt.X("count:Q", title=what, axis=count_axis(longest), stack="zero"),
        color=colour, tooltip=["level", "group", "count"],
    ).properties(width=230, height=min(130, 28 * len(levels)), title=heading)  # fmt: skip


def grid(panels: Sequence[Any], columns: int = 3, row: int = 88, column: int = 94) -> Any:
    """Set panels beside and below each other, with one legend; room between them is counted from frame to frame."""
    if len(panels) == 1:
        return dress(panels[0])
    whole = alt.concat(*panels, columns=columns, spacing={"row": row, "column": column}, bounds="flush")
    return dress(whole.resolve_scale(color="shared", x="independent", y="independent"))


def shorten(text: str, most: int) -> str:
    """Cut a text that is too long to stand in a figure."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def range_said(values: pl.Series, low: float = 0.05, high: float = 0.95) -> str:
    """Return two quantiles of values, as a reader writes a range."""
    ends = [values.quantile(share, "linear") for share in (low, high)]
    return " to ".join(number(None if end is None else float(end), 3) for end in ends)


def thinned(frame: pl.DataFrame, most: int = MARKS) -> pl.DataFrame:
    """Return at most so many rows, evenly spaced in the order of the table."""
    return frame if len(frame) <= most else frame[evenly(range(len(frame)), most)]


def note(frame: Mapping[str, tuple[int, int]]) -> str:
    """Say how many of what are drawn, where not all are: `name -> (drawn, all)`."""
    parts = [f"{drawn:,} of {whole:,} {name}" for name, (drawn, whole) in frame.items() if drawn < whole]
    return f" Drawn: {' and '.join(parts)}, evenly picked." if parts else ""


def counted_said(count: int, name: str) -> str:
    """Return a number of things, such as `1 sample` and `2,000 people`."""
    plural = {"person": "people", "taxon": "taxa", "hypothesis": "hypotheses"}.get(name, f"{name}s")
    return f"{count:,} {name if count == 1 else plural}"


def rule(value: float, label: str, axis: str = "y") -> list[alt.Chart]:
    """Draw a dashed line at a value of one axis, with its label."""
    frame = pl.DataFrame({"at": [value], "label": [label]})
    line = alt.Chart(frame).mark_rule(strokeDash=[5, 4], color=RED, strokeWidth=1.2)
    text = alt.Chart(frame).mark_text(color=RED, fontSize=11.5, align="right", dx=-4, dy=-7)
    if axis == "y":
        return [line.encode(y="at:Q"), text.encode(y="at:Q", x=alt.value("width"), text="label:N")]
    return [line.encode(x="at:Q"), text.encode(x="at:Q", y=alt.value(8), text="label:N")]
