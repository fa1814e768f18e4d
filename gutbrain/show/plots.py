"""Figures of a run, as Vega-Altair charts: one specification serves report, notebook and page.

What nobody knows (belief) and how people differ (between-person) never share a band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.show.effects import still_there
from gutbrain.show.theme import HEIGHT, WIDTH, arm_colour, dress
from gutbrain.show.trajectories import trajectory_table
from gutbrain.show.words import (
    GRADES,
    GROUP_COLOURS,
    GROUPS,
    INK,
    QUIET,
    difference_unit,
    grade_base,
    number,
    signal_name,
    unit_name,
)

if TYPE_CHECKING:
    from gutbrain.run.result import Result

BELIEF = "belief: between worlds (90 %)"
SAMPLING = "sampling: this many people (90 %)"
PUBLISHED = "published (as printed)"
ALONE = "one person in one world: no interval"
KINDS = {BELIEF: "#1d5fa6", SAMPLING: "#8796a5", ALONE: "#1d5fa6", PUBLISHED: "#c8553d"}
LINES = alt.Axis(labelExpr="split(datum.label, '\\n')", labelLineHeight=14)  # labels of several lines


def trajectory(result: Result, signal: str, frame: pl.DataFrame | None = None) -> alt.HConcatChart:
    """Draw one signal by arm: mean changes with belief on the left, levels with people on the right.

    Parameters
    ----------
    frame : what is drawn, as `gutbrain.show.trajectories.trajectory_table` gives it; of the result by default

    Raises
    ------
    InputError
        If the run has no such signal.
    """
    frame, worlds = trajectory_table(result, signal) if frame is None else frame, result.cohort.worlds
    unit, change_unit = unit_name(signal, result.unit(signal)), difference_unit(signal, result.unit(signal))
    many = worlds > 1
    said = f"Dark band: 5–95 % of {worlds} worlds (belief)." if many else "One world, so no belief interval."
    colour, dashes = arm_colour(result.arms), _dashes(result)
    days = alt.X("day:Q", title="Day of the run", scale=alt.Scale(domain=[0, result.mean.shape[0] - 1], nice=False))
    base = alt.Chart(frame).encode(x=days, color=colour)
    ticks = alt.Axis(tickCount=6)

    # Both scales end on a tick, so that the two titles stand level.
    scale = alt.Scale(domain=_around_zero(frame), nice=6, zero=False)
    y = alt.Y("change:Q", title=f"Change from day 0 ({change_unit})", scale=scale, axis=ticks)
    left = [_course(result), _visits(result), alt.Chart().mark_rule(color=QUIET, size=0.7).encode(y=alt.datum(0))]
    if many:
        left.append(base.mark_area(opacity=0.32).encode(y=alt.Y("belief_low:Q", scale=scale), y2="belief_high:Q"))
    left.append(base.mark_line(strokeWidth=2.4).encode(y=y, strokeDash=dashes))
    subtitle = [f"Line: {'median of worlds' if many else 'mean of the arm'}. {said}", "Scale fitted to the change."]
    left_title = alt.TitleParams("Mean change of each arm", subtitle=subtitle)

    scale = alt.Scale(domain=_around_people(frame), nice=6, zero=False)
    title = f"{signal_name(signal)} ({unit})"
    y = alt.Y(
        "level:Q", title=title if len(title) <= 38 else [signal_name(signal), f"({unit})"], scale=scale, axis=ticks
    )
    low, high = (alt.Y(f"people_{side}:Q", scale=scale) for side in ("low", "high"))
    right = [_course(result), _visits(result), base.mark_area(opacity=0.07).encode(y=low, y2="people_high:Q")]
    right += [base.mark_line(strokeWidth=0.9, opacity=0.75).encode(y=edge) for edge in (low, high)]
    right.append(base.mark_line(strokeWidth=2.4).encode(y=y, strokeDash=dashes))
    subtitle = [
        "Line: mean of the arm. Light band, thin edges: 5–95 % of people" + (", worlds pooled." if many else ".")
    ]
    subtitle.append("Steps: people who dropped out no longer count.")
    right_title = alt.TitleParams("Level, and how people differ", subtitle=subtitle)

    parts = [
        alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title)
        for layers, title in ((left, left_title), (right, right_title))
    ]
    whole = alt.hconcat(*parts, spacing=96, bounds="flush").resolve_scale(color="shared", strokeDash="shared")
    return dress(whole.properties(title=alt.TitleParams(signal_name(signal), fontSize=17)))


def effect_plot(
    effect_table: pl.DataFrame, published: Mapping[str, Any] | None = None, scale: str = "sd"
) -> alt.LayerChart:
    """Draw effects against the comparator with belief and sampling intervals side by side.

    Parameters
    ----------
    effect_table : of `gutbrain.show.effects.effects`, filtered to what is to be drawn
    published : label, low, high, centre, source, and where it is positive a `direction`: "change" or "reduction"
    scale : "sd" (between-person SD on day 0) or "unit"
    """
    end = "_sd" if scale == "sd" else ""
    table = effect_table.filter(pl.col(f"effect{end}").is_not_null())
    if table.is_empty():
        raise InputError("the effect table holds no effect on this scale", mend="Draw it in units: scale='unit'.")
    varying = [c for c in ("signal", "arm", "visit") if table[c].n_unique() > 1] or ["visit"]
    names, rows = [], []
    for row in table.to_dicts():
        said = {"signal": signal_name(row["signal"]), "arm": row["arm"], "visit": f"day {row['visit']}"}
        name = ", ".join(said[c] for c in varying)
        names.append(name)
        for kind, which in ((BELIEF, "belief"), (SAMPLING, "sampling")):
            low, high = row[f"{which}{end}_low"], row[f"{which}{end}_high"]
            if low is not None:
                rows.append({"row": name, "kind": kind, "low": low, "high": high, "centre": row[f"effect{end}"]})
        if all(row[f"{which}{end}_low"] is None for which in ("belief", "sampling")):
            alone = row[f"effect{end}"]
            rows.append({"row": name, "kind": ALONE, "low": alone, "high": alone, "centre": alone})
    if published is not None:
        low, centre, high = published_change(published)
        name = "\n".join([*wrap(str(published["label"]), 44)[:4], str(published["source"])])
        names.append(name)
        rows.append({"row": name, "kind": PUBLISHED, "low": low, "high": high, "centre": centre})
    tall = max(34, 15 * (1 + max(name.count("\n") for name in names)))
    comparators = " / ".join(table["comparator"].unique().to_list())
    units = "between-person SD on day 0" if scale == "sd" else _one_unit(table)
    x = alt.X(
        "low:Q", title=f"Difference of changes from day 0, against {comparators} ({units})", axis=alt.Axis(grid=True)
    )
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    colour = alt.Color(
        "kind:N", title="Interval",
        scale=alt.Scale(domain=kinds, range=[KINDS[kind] for kind in kinds]),
        legend=alt.Legend(symbolType="stroke", direction="horizontal", symbolOpacity=1),
    )  # fmt: skip
    y = alt.Y("row:N", sort=list(dict.fromkeys(names)), title=None, axis=LINES)
    tips = ["row", "kind", *(alt.Tooltip(f"{c}:Q", format=".3f") for c in ("low", "centre", "high"))]
    base = alt.Chart(pl.DataFrame(rows)).encode(y=y, color=colour, tooltip=tips)
    layers = [_zero()]
    for kind, offset in ((BELIEF, -5), (SAMPLING, 5), (ALONE, 0), (PUBLISHED, 0)):
        part = base.transform_filter(alt.datum.kind == kind)
        bar = part.mark_rule(strokeWidth=5, strokeCap="round", opacity=0.55, yOffset=offset)
        layers += [
            bar.encode(x=x, x2="high:Q"),
            part.mark_point(filled=True, size=75, opacity=1, yOffset=offset).encode(x="centre:Q"),
        ]
    return dress(alt.layer(*layers).properties(width=520, height=alt.Step(tall)))


def published_change(published: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return low, centre and high of a published interval as a signed change of the outcome.

    Raises
    ------
    InputError
        If the numbers are positive and nobody says whether that is a rise or a reduction.
    """
    low, centre, high = (float(published[key]) for key in ("low", "centre", "high"))
    direction = published.get("direction", "" if centre > 0 else "change")
    if direction == "reduction":
        return -high, -centre, -low
    if direction != "change":
        what = f"the published interval {centre:g} ({low:g} to {high:g}) does not say its direction"
        raise InputError(what, mend="Give direction='reduction' or direction='change'.")
    return low, centre, high


def composition(result: Result, visits: Sequence[int] | None = None) -> alt.FacetChart:
    """Draw group shares of the colon community by arm at visits, mean of those still there, worlds pooled."""
    head = "colon.relative_abundance["
    signals = [label for label in result.labels if label.startswith(head)]
    if not signals:
        raise InputError("the run kept no colon.relative_abundance", mend="Keep these signals in the run.")
    last, rows = result.mean.shape[0] - 1, []
    for visit in result.trial.visits if visits is None else visits:
        day = min(visit, last)
        there = still_there(result, day)
        for signal in signals:
            values = np.asarray(result.mean[day, result.index(signal)], float)
            group = signal.removeprefix(head).rstrip("]")
            for number_, arm in enumerate(result.arms):
                chosen = there & (result.arm == number_) & np.isfinite(values)
                share = float(values[chosen].mean()) if chosen.any() else None
                rows.append({"arm": arm, "visit": f"{visit}", "group": GROUPS.get(group, group), "share": share})
    groups = [GROUPS.get(s.removeprefix(head).rstrip("]"), s.removeprefix(head).rstrip("]")) for s in signals]
    order = {group: place for place, group in enumerate(groups)}
    table = pl.DataFrame(rows).with_columns(pl.col("group").replace_strict(order, return_dtype=pl.Int64).alias("order"))
    colours = [GROUP_COLOURS[place % len(GROUP_COLOURS)] for place in range(len(groups))]
    chart = alt.Chart(table).mark_bar(stroke="#ffffff", strokeWidth=0.5).encode(
        x=alt.X("visit:O", title="Visit (day)", sort=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("share:Q", title="Share of the community", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("group:N", title="Group", sort=groups, scale=alt.Scale(domain=groups, range=colours),
                        legend=alt.Legend(orient="right", symbolType="square")),
        order="order:Q",
        tooltip=["arm", "visit", "group", alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    width = max(110, min(200, 640 // len(result.arms)))
    facet = chart.properties(width=width, height=250).facet(
        column=alt.Column("arm:N", title=None, sort=list(result.arms))
    )
    return dress(facet)


def paths_plot(paths_table: pl.DataFrame, unit: str = "unit of the outcome", limit: int = 12) -> alt.LayerChart:
    """Draw path effects as bars, coloured by the weakest grade on each path.

    Parameters
    ----------
    paths_table : path, effect, share, weakest_grade, edges
    limit : number of paths drawn, largest first
    """
    table = paths_table.sort(pl.col("effect").abs(), descending=True).head(limit)
    table = table.with_columns(
        pl.col("path").map_elements(_wrap_path, return_dtype=pl.String).alias("path"),
        pl.col("weakest_grade").map_elements(grade_base, return_dtype=pl.String).alias("grade"),
        pl.struct("effect", "share").map_elements(_path_label, return_dtype=pl.String).alias("label"),
    )
    lines = max((path.count("\n") for path in table["path"]), default=0)
    base = alt.Chart(table).encode(y=alt.Y("path:N", sort=None, title=None, axis=LINES))
    bars = base.mark_bar(height=18).encode(
        x=alt.X(
            "effect:Q",
            title=f"Effect through this path ({unit})",
            scale=_room(table["effect"]),
            axis=alt.Axis(tickCount=6),
        ),
        color=_grade_colour(table["grade"], "Weakest grade on the path"),
        tooltip=["path", alt.Tooltip("effect:Q", format=".3g"), alt.Tooltip("share:Q", format=".0%"), "weakest_grade"],
    )
    layers = [bars, _zero(), *_bar_labels(base, "effect", "label")]
    return dress(alt.layer(*layers).properties(width=480, height=alt.Step(30 + 14 * lines)))


def group_prediction(table: pl.DataFrame) -> alt.FacetChart:
    """Draw predicted beside measured changes of groups, as log2 ratios.

    Parameters
    ----------
    table : arm, group, measured, measured_low, measured_high, predicted, predicted_low, predicted_high
    """
    kinds = ["measured", "predicted"]
    rows = [
        {
            "arm": row["arm"], "group": GROUPS.get(row["group"], row["group"]), "kind": kind,
            "centre": row[kind], "low": row[f"{kind}_low"], "high": row[f"{kind}_high"],
        }
        for row in table.to_dicts()
        for kind in kinds
    ]  # fmt: skip
    frame = pl.DataFrame(rows, infer_schema_length=None)
    colour = alt.Color(
        "kind:N", title=None, scale=alt.Scale(domain=kinds, range=[INK, "#d55e00"]),
        legend=alt.Legend(direction="horizontal", symbolType="circle", symbolOpacity=1),
    )  # fmt: skip
    groups = list(dict.fromkeys(frame["group"].to_list()))
    tips = ["group", "kind", *(alt.Tooltip(f"{c}:Q", format=".2f") for c in ("centre", "low", "high"))]
    base = alt.Chart(frame).encode(y=alt.Y("group:N", title=None, sort=groups), color=colour, tooltip=tips)
    x = alt.X("low:Q", title="Change of the share, log2 ratio (1 = doubled, −1 = halved)", axis=alt.Axis(tickCount=7))
    layers = [_zero()]
    for kind, offset, shape in zip(kinds, (-5, 5), ("circle", "diamond"), strict=True):
        part = base.transform_filter(alt.datum.kind == kind)
        layers.append(part.mark_rule(strokeWidth=3, opacity=0.6, yOffset=offset).encode(x=x, x2="high:Q"))
        layers.append(
            part.mark_point(filled=True, size=70, opacity=1, shape=shape, yOffset=offset).encode(x="centre:Q")
        )
    panel = alt.layer(*layers, data=frame).properties(width=340, height=alt.Step(30))
    return dress(panel.facet(column=alt.Column("arm:N", title=None)))


def sensitivity_plot(table: pl.DataFrame, unit: str = "unit of the outcome", limit: int = 15) -> alt.LayerChart:
    """Draw how much the effect moves with single parameters, largest first, coloured by grade.

    Parameters
    ----------
    table : parameter, value, unit, grade, source, effect_change
    """
    chosen = table.sort(pl.col("effect_change").abs(), descending=True).head(limit).with_columns(
        pl.col("grade").map_elements(grade_base, return_dtype=pl.String).alias("base_grade"),
        pl.col("effect_change").map_elements(lambda v: _signed(v), return_dtype=pl.String).alias("label"),
    )  # fmt: skip
    base = alt.Chart(chosen).encode(y=alt.Y("parameter:N", sort=None, title=None))
    bars = base.mark_bar(height=15).encode(
        x=alt.X(
            "effect_change:Q",
            title=f"Change of the effect ({unit})",
            scale=_room(chosen["effect_change"]),
            axis=alt.Axis(tickCount=6),
        ),
        color=_grade_colour(chosen["base_grade"], "Grade of the parameter"),
        tooltip=["parameter", "value", "unit", "grade", "source", alt.Tooltip("effect_change:Q", format=".3g")],
    )
    return dress(alt.layer(bars, _zero(), *_bar_labels(base, "effect_change", "label")).properties(
        width=480, height=alt.Step(23)))  # fmt: skip


# -- parts ---------------------------------------------------------------------------------------


def _course(result: Result) -> alt.Chart:
    """Shade the days of the course and say so once."""
    end = min(1 + result.trial.course_days, result.mean.shape[0] - 1)
    frame = pl.DataFrame({"from": [1], "to": [end]})
    return alt.Chart(frame).mark_rect(color="#f1f3f5").encode(x="from:Q", x2="to:Q", tooltip=alt.value("the course"))


def _visits(result: Result) -> alt.Chart:
    last = result.mean.shape[0] - 1
    frame = pl.DataFrame({"visit": [min(visit, last) for visit in result.trial.visits]})
    return alt.Chart(frame).mark_rule(strokeDash=[2, 3], color="#9aa5b1", strokeWidth=1).encode(x="visit:Q")


def _dashes(result: Result) -> alt.StrokeDash:
    styles = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3]]
    ranged = [styles[place % len(styles)] for place in range(len(result.arms))]
    return alt.StrokeDash("arm:N", title=None, scale=alt.Scale(domain=list(result.arms), range=ranged))


def _around_zero(frame: pl.DataFrame) -> list[float]:
    """Scale of changes that never blows numerical dust up to the height of the panel."""
    values = frame.select("change", "belief_low", "belief_high").to_numpy().astype(float)
    low, high = min(0.0, float(np.nanmin(values))), max(0.0, float(np.nanmax(values)))
    least = max(2e-3 * float(np.nanmean(np.abs(frame["level"].to_numpy()))), 1e-6)
    return [low, high] if high - low > least else [-least, least]


def _around_people(frame: pl.DataFrame) -> list[float]:
    """Scale of levels: the people, and never a scale that makes equals look different."""
    values = frame.select("level", "people_low", "people_high").to_numpy().astype(float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    least = 0.02 * abs(high) or 1.0
    return [low, high] if high - low > least else [low - least, high + least]


def _grade_colour(grades: pl.Series, title: str) -> alt.Color:
    order = [grade for grade in GRADES if grade in set(grades)] + sorted(set(grades) - set(GRADES))
    colours = [GRADES.get(grade, "#7b8794") for grade in order]
    legend = alt.Legend(direction="horizontal", symbolType="square", symbolStrokeWidth=0)
    return alt.Color("grade:N" if title.startswith("Weakest") else "base_grade:N", title=title,
                     scale=alt.Scale(domain=order, range=colours), legend=legend)  # fmt: skip


def _zero() -> alt.Chart:
    return alt.Chart().mark_rule(color=QUIET, strokeWidth=1).encode(x=alt.datum(0))


def _bar_labels(base: alt.Chart, value: str, label: str) -> list[alt.Chart]:
    """Numbers at the ends of bars, outside on either side of zero."""
    text = {"fontSize": 12, "color": INK}
    right = base.transform_filter(f"datum.{value} >= 0").mark_text(align="left", dx=5, **text)
    left = base.transform_filter(f"datum.{value} < 0").mark_text(align="right", dx=-5, **text)
    return [part.encode(x=f"{value}:Q", text=f"{label}:N") for part in (right, left)]


def _room(values: pl.Series) -> alt.Scale:
    """Scale with room for the numbers at the ends of the bars."""
    ends = [0.0, *values.drop_nulls()]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    return alt.Scale(
        domain=[low - (0.28 * span if low < 0 else 0.02 * span), high + (0.28 * span if high > 0 else 0.02 * span)],
        nice=False,
    )


def _path_label(row: Mapping[str, Any]) -> str:
    share = row["share"]
    return _signed(row["effect"]) + (
        "" if share is None or np.isnan(share) else f"  ({100 * share:.0f} %)".replace("-", "−")
    )


def _signed(value: float) -> str:
    text = number(value)
    return text if value <= 0 else f"+{text}"


def _wrap_path(path: str) -> str:
    """Break a path at arrows, so that it fits beside a bar."""
    lines, line = [], ""
    for step in path.split(" -> "):
        grown = f"{line} → {step}" if line else step
        if line and len(grown) > 46:
            lines.append(line)
            grown = f"→ {step}"
        line = grown
    return "\n".join([*lines, line])


def _one_unit(table: pl.DataFrame) -> str:
    names = {difference_unit(row["signal"], row["unit"]) for row in table.to_dicts()}
    return names.pop() if len(names) == 1 else "units of each signal"
