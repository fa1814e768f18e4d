"""Curves over the lag: effects of gut and mind on each other, within a side, and responses to inputs."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.show.coupling_system import best_lags
from gutbrain.show.coupling_words import Names, brief, in_hours, lag_said
from gutbrain.show.page import Block, Figure, Text
from gutbrain.show.study_plots import counted_said
from gutbrain.show.theme import dress
from gutbrain.show.words import LINES, QUIET

PAIRS, OWN, INPUTS = 6, 9, 6  # at most: rows of pairs, panels within sides, rows of inputs
HALF, THIRD, TALL = 370, 226, 190  # sizes of a panel, pixels
BAND = "The band is a 95 % interval of each lag by itself."
BANDLESS = "There is no band: the fit gave no standard errors."


def cross_blocks(names: Names, lagged: pl.DataFrame, gap: float | None) -> list[Block]:
    """Return one row a pair of gut and mind: what the gut does to the mind left, the mind to the gut right.

    Parameters
    ----------
    lagged : to, by, lag (days), estimate, low, high
    gap : median days between two occasions; dashed where it lies within the curves
    """
    gut, mind = names.on("gut"), names.on("mind")
    pairs = [
        (one, other) for one in gut for other in mind if len(_of(lagged, one, other)) and len(_of(lagged, other, one))
    ]
    if lagged.is_empty():
        return [Text("Under these estimates the processes do not return to rest, so no standardised effect exists.")]
    if not pairs:
        return [
            Text("No process of the gut stands beside one of the mind, so there is no curve from one to the other.")
        ]
    size = {(row["by"], row["to"]): abs(row["estimate"]) for row in best_lags(lagged).to_dicts()}
    ranked = sorted(pairs, key=lambda pair: -max(size.get(pair, 0.0), size.get(pair[::-1], 0.0)))[:PAIRS]
    kept = [pair for pair in pairs if pair in ranked]
    shown = pl.concat([_of(lagged, by, to) for one in kept for by, to in (one, one[::-1])])
    domain, band, rows = ends(shared(lagged)), band_said(lagged), []
    for one in kept:
        titles = _even([f"{brief(by)} → {brief(to)}" for by, to in (one, one[::-1])], 2)
        both = [
            curve(_of(lagged, by, to), names.way(by, to), titles[place], domain, HALF, gap=gap,
                  title="Effect (SD per SD)" if place == 0 else "", last=one == kept[-1])
            for place, (by, to) in enumerate((one, one[::-1]))
        ]  # fmt: skip
        rows += both
    caption = (
        "How far one process moves, in its own SD, for each SD that the other stood higher a lag before, all else at "
        f"its mean. Left: from gut to mind; right: from mind to gut; one scale for all. {band} "
        "A dot stands where a curve is farthest from 0."
    )
    caption += f" Dashed: the median time between two occasions, {lag_said(gap)}." if _within(gap, shown) else ""
    caption += (
        f" {len(kept)} of {len(pairs)} pairs are drawn, those with the largest effects."
        if len(kept) < len(pairs)
        else ""
    )
    return [Figure(_grid(rows, 2), caption, "cross effects over the lag")]


def own_blocks(names: Names, lagged: pl.DataFrame, gap: float | None) -> list[Block]:
    """Return the course of each process after a push of its own, and effects within a side."""
    alone = [(name, name) for name in names.processes if len(_of(lagged, name, name))]
    others = [(by, to) for by in names.processes for to in names.processes
             if by != to and {names.side[by], names.side[to]} != {"gut", "mind"}]  # fmt: skip
    pairs = [pair for pair in others if len(_of(lagged, *pair))]
    blocks: list[Block] = []
    band = band_said(lagged)
    for own, domain, caption, name in (
        (alone, ends(lagged.filter(pl.col("by") == pl.col("to"))) if alone else [],
         "How much of a deviation of a process is still there after a lag, with all that comes back to it from "
         f"others. {band}", "what stays of a deviation"),
        (pairs, ends(shared(lagged)), "Effects between processes that do not join gut and mind, on the scale of the "
         f"curves between gut and mind. {band}", "effects within a side over the lag"),
    ):  # fmt: skip
        if own:
            left = f" {OWN} of {len(own)} curves are drawn; all stand in tables/lagged.csv." if len(own) > OWN else ""
            blocks.append(Figure(_own(names, lagged, own[:OWN], domain, gap), caption + left, name))
    return blocks


def band_said(rows: pl.DataFrame) -> str:
    """Return what the band is, or why there is none."""
    return BAND if rows["low"].is_finite().any() else BANDLESS


def shared(lagged: pl.DataFrame) -> pl.DataFrame:
    """Return what one process does to another, for the one scale of all such curves."""
    return lagged.filter(pl.col("by") != pl.col("to"))


def _own(
    names: Names, lagged: pl.DataFrame, kept: Sequence[tuple[str, str]], domain: Sequence[float], gap: float | None
) -> Any:
    columns = _columns(len(kept))
    titles = _even(
        [f"{brief(by)}, on itself" if by == to else f"{brief(by)} → {brief(to)}" for by, to in kept], columns
    )
    charts = [
        curve(_of(lagged, by, to), names.colour[by] if by == to else QUIET, titles[place], domain,
              HALF if columns == 2 else THIRD, gap=gap, last=place + columns >= len(kept), dot=by != to,
              title=("Share left" if by == to else "Effect (SD per SD)") if place % columns == 0 else "")
        for place, (by, to) in enumerate(kept)
    ]  # fmt: skip
    return _grid(charts, columns)


def impulse_blocks(names: Names, impulses: pl.DataFrame) -> list[Block]:
    """Return the responses of all processes to each input.

    Parameters
    ----------
    impulses : input, kind (impulse, level), process, lag (days), estimate, low, high, in SD of the process
    """
    if impulses.is_empty():
        return [Text("No input was given, such as practice, a meal or a drug, so there is no response to draw.")]
    inputs = impulses.select("input", "kind").unique(maintain_order=True).rows()
    blocks: list[Block] = []
    for given, kind in inputs[:INPUTS]:
        own = impulses.filter((pl.col("input") == given) & (pl.col("kind") == kind))
        seen = set(own["process"].to_list())
        order = [name for name in names.processes if name in seen]
        columns, domain = _columns(len(order)), ends(own)
        width = HALF if columns == 2 else THIRD
        charts = [
            curve(own.filter(pl.col("process") == name).sort("lag"), names.colour[name], brief(name), domain, width,
                  title="Response (SD)" if place % columns == 0 else "", last=place + columns >= len(order),
                  axis="Time since it was given" if kind == "impulse" else "Time since it began", dot=False)
            for place, name in enumerate(order)
        ]  # fmt: skip
        band = band_said(own).replace("lag", "time")
        how = f"at time 0, once: {names.lower(given)}"
        how = how if kind == "impulse" else f"from time 0 on: {names.lower(given)}"
        caption = (
            f"Expected course of each process, in its SD, after one usual dose {how}. "
            f"{band} An input that nobody randomised may only mark what moves the processes."
        )
        blocks.append(Figure(_grid(charts, columns), caption, f"response to {given}"))
    if len(inputs) > INPUTS:
        blocks.append(
            Text(f"{INPUTS} of {counted_said(len(inputs), 'input')} are drawn; all stand in tables/impulses.csv.")
        )
    return blocks


def curve(
    rows: pl.DataFrame, colour: str, heading: str | list[str], domain: Sequence[float], width: float, *,
    title: str = "", gap: float | None = None, last: bool = True, dot: bool = True, axis: str = "Lag",
) -> alt.LayerChart:  # fmt: skip
    """Draw one curve with its band.

    Parameters
    ----------
    rows : lag (days), estimate, low, high
    domain : ends of the vertical axis
    gap : days at which a dashed line stands
    last : whether the panel tells what its horizontal axis is
    dot : whether the largest effect is marked
    """
    hours = in_hours(rows["lag"].to_list())
    rows = rows.with_columns(pl.col("estimate", "low", "high").fill_nan(None))
    shown = rows.select("lag", "estimate", "low", "high", at=pl.col("lag") * (24.0 if hours else 1.0))
    longest = float(shown["at"].max() or 1.0)  # type: ignore[arg-type]
    step = _step(longest, hours)
    ticks = [round(float(value), 6) for value in np.arange(0, longest * 1.0001, step)]
    x = alt.X("at:Q", title=f"{axis} ({'hours' if hours else 'days'})" if last else None,
              scale=alt.Scale(domain=[0, longest], nice=False),
              axis=alt.Axis(values=ticks, grid=False, format=".4~g"))  # fmt: skip
    scale = alt.Scale(domain=list(domain), nice=False)
    y = alt.Y("estimate:Q", title=title or None, scale=scale,
              axis=alt.Axis(tickCount=5, labelExpr="replace(datum.label, '-', '−')"))  # fmt: skip
    base = alt.Chart(shown)
    layers: list[Any] = [alt.Chart().mark_rule(color=QUIET).encode(y=alt.YDatum(0, scale=scale))]
    if _within(gap, rows):
        line = alt.Chart(pl.DataFrame({"at": [float(gap or 0) * (24.0 if hours else 1.0)]}))
        layers.append(line.mark_rule(color=LINES, strokeWidth=1.6, strokeDash=[4, 4]).encode(x="at:Q"))
    band = base.mark_area(color=colour, opacity=0.2, clip=True).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q")
    told = [alt.Tooltip("at:Q", title="lag", format=".3~g"), *(alt.Tooltip(f"{name}:Q", format=".3~f")
            for name in ("estimate", "low", "high"))]  # fmt: skip
    layers += [band, base.mark_line(color=colour, strokeWidth=2.6, clip=True).encode(x=x, y=y, tooltip=told)]
    if dot and len(top := shown.filter(pl.col("lag") > 0, pl.col("estimate").is_finite())):
        top = top.sort(pl.col("estimate").abs(), descending=True).head(1)
        layers.append(
            alt.Chart(top).mark_point(filled=True, size=70, color=colour, opacity=1).encode(x=x, y=y, tooltip=told)
        )
    return alt.layer(*layers).properties(width=width, height=TALL, title=title_of(heading))


def ends(rows: pl.DataFrame) -> list[float]:
    """Return the ends of an axis that shows every band and 0."""
    values = np.concatenate(
        [rows[name].drop_nulls().to_numpy() for name in ("estimate", "low", "high")] + [np.zeros(1)]
    )
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    pad = 0.06 * (high - low) or 0.1
    return [low - pad, high + pad]


def _of(lagged: pl.DataFrame, by: str, to: str) -> pl.DataFrame:
    return lagged.filter((pl.col("by") == by) & (pl.col("to") == to)).sort("lag")


def _within(gap: float | None, rows: pl.DataFrame) -> bool:
    longest = float(rows["lag"].max() or 0.0)  # type: ignore[arg-type]
    return gap is not None and bool(np.isfinite(gap)) and 0.005 * longest < gap < longest


def _step(longest: float, hours: bool) -> float:
    """Return the distance of marks on an axis of time: hours go by parts of a day."""
    steps = (0.25, 0.5, 1, 2, 3, 6, 12, 24) if hours else (0.5, 1, 2, 7, 14, 28, 56, 91, 182, 365)
    return next((float(step) for step in steps if longest / step <= 8), longest / 6)


def title_of(text: str | list[str]) -> alt.TitleParams:
    """Return the title of a panel, on one line or on those that are given."""
    return alt.TitleParams(text, fontSize=13, frame="group", anchor="start")


def _columns(count: int) -> int:
    return 2 if count in (1, 2, 4) else 3


def _even(titles: Sequence[str], columns: int) -> list[Any]:
    """Return titles on as many lines as the longest of their row needs, so that frames stand level."""
    made: list[Any] = []
    for start in range(0, len(titles), columns):
        lines = [wrap(title, 50 if columns == 2 else 31) for title in titles[start : start + columns]]
        most = max(map(len, lines))
        made += [[" "] * (most - len(own)) + own for own in lines]
    return made


def _grid(charts: Sequence[Any], columns: int) -> Any:
    """Set panels so that frames stand level; room is counted from frame to frame."""
    column = 64 if columns == 2 else 52
    whole = alt.concat(*charts, columns=columns, spacing={"row": 68, "column": column}, bounds="flush")
    return dress(whole.resolve_scale(x="independent", y="independent", color="independent"))
