"""Figures of a channel: the two ways with their numbers, gains over the period, steps, the loop, ranges of worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.run.channel import PERIODS, Answer, Round
from gutbrain.run.channel_people import HEALTHY, OPENED, SOURCED, STRESSED, Channel
from gutbrain.show.channel_words import input_name, percent_said, time_said, way_said
from gutbrain.show.theme import FONT, dress
from gutbrain.show.words import ARM_COLOURS, INK, QUIET, number, signal_name

DASHES = {HEALTHY: [1, 0], STRESSED: [6, 4]}
COLOURS = (ARM_COLOURS[0], ARM_COLOURS[1], ARM_COLOURS[2], ARM_COLOURS[3], ARM_COLOURS[4], ARM_COLOURS[6])
MARKS = {"1 h": 1 / 24, "6 h": 0.25, "1 day": 1.0, "1 week": 7.0, "1 month": 30.0, "1 year": 365.0}
PANEL = 4  # panels in a row at most
REACH = 1e-4  # of the largest gain: what lies below is left out of a panel
STRONGEST = 4  # rows of each way in the picture
MIN_SHARE = 1e-3  # per cent: ranges that lie within are drawn at 0


def period_axis(title: str | None) -> alt.X:
    """Return the axis of periods, one hour to one year."""
    said = " : ".join(f"datum.value < {1.01 * value} ? '{name}'" for name, value in MARKS.items())
    axis = alt.Axis(
        values=list(MARKS.values()), labelExpr=f"{said} : ''", grid=True, labelOverlap=False, labelFontSize=11
    )
    return alt.X("period:Q", title=title, scale=alt.Scale(type="log", domain=[1 / 24, 365], nice=False), axis=axis)


def bode(found: Channel, way: str) -> Any:
    """Draw gains over the period, one panel an output, colours for inputs, dashes for the stressed person."""
    rows = []
    for person, answers in found.answers.items():
        for one in (answer for answer in answers if answer.pair.way == way and answer.gain and answer.level):
            size = 100 * np.abs(one.response) * one.usual_push / abs(one.level)
            rows += [(person, input_name(one.pair.by), one.pair.to, float(period), float(value))
                     for period, value in zip(PERIODS, size, strict=True)]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["person", "input", "output", "period", "gain"], orient="row")
    return _panels(found, frame, way, _bode_panel)


def _bode_panel(frame: pl.DataFrame, title: str, colour: alt.Color, dash: alt.StrokeDash, first: bool) -> Any:
    top = float(frame["gain"].max())  # type: ignore[arg-type]
    scale = alt.Scale(type="log", domain=[REACH * top, 2 * top], nice=False)
    powers = [10.0**power for power in range(-6, 5) if REACH * top <= 10.0**power <= 2 * top]
    axis = alt.Axis(values=powers, labelExpr="format(datum.value, '~r') + ' %'")
    return alt.Chart(frame.filter(pl.col("gain") > REACH * top)).mark_line(strokeWidth=2.2, clip=True).encode(
        x=period_axis("Period of the change"), color=colour, strokeDash=dash,
        y=alt.Y("gain:Q", title="Answer (% of level)" if first else None, scale=scale, axis=axis),
        tooltip=["person", "input", alt.Tooltip("period:Q", format=".3~g"), alt.Tooltip("gain:Q", format=".3~g")],
    ).properties(width=255, height=190, title=_title(title))  # fmt: skip


def steps(found: Channel, way: str) -> Any:
    """Draw answers to a usual push that stays, with the small and the large run of the full model as dots."""
    rows = []
    days = float(found.runs["day"].max() or 56) if len(found.runs) else 56.0  # type: ignore[arg-type]
    for person, answers in found.answers.items():
        for one in (answer for answer in answers if answer.pair.way == way and answer.gain and answer.level):
            inside = one.times <= days
            scale = 100 * one.usual_push / abs(one.level)
            times, course = [0.0, *one.times[inside]], [0.0, *one.step[inside]]
            rows += [(person, input_name(one.pair.by), one.pair.to, float(time), float(scale * value), "")
                     for time, value in zip(times, course, strict=True)]  # fmt: skip
            own = found.runs.filter((pl.col("input") == one.pair.by) & (pl.col("output") == one.pair.to)) if (
                person == HEALTHY and len(found.runs)) else found.runs.head(0)  # fmt: skip
            for run in own.to_dicts():
                if run["day"] % 7 == 3.5:
                    change = run["change"] / run["push"] * scale
                    rows.append((person, input_name(one.pair.by), one.pair.to, run["day"], change, run["size"]))
    schema = ["person", "input", "output", "day", "change", "run"]
    frame = pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)
    return _panels(found, frame, way, _step_panel)


def _step_panel(frame: pl.DataFrame, title: str, colour: alt.Color, dash: alt.StrokeDash, first: bool) -> Any:
    x = alt.X("day:Q", title="Days since it began", axis=alt.Axis(tickCount=5, grid=False))
    y = alt.Y("change:Q", title="Answer (% of level)" if first else None,
              axis=alt.Axis(tickCount=5, labelExpr="replace(datum.label, '-', '−')"))  # fmt: skip
    base = alt.Chart(frame)
    lines = base.transform_filter("datum.run == ''").mark_line(strokeWidth=2.2, clip=True)
    small = base.transform_filter("datum.run == 'small'").mark_point(filled=True, size=34, opacity=1)
    large = base.transform_filter("datum.run == 'large'").mark_point(filled=False, size=42, strokeWidth=1.5)
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=QUIET, size=0.7).encode(y="zero:Q")
    layers = [zero, lines.encode(x=x, y=y, color=colour, strokeDash=dash), *(
        dots.encode(x=x, y=y, color=colour) for dots in (small, large))]  # fmt: skip
    return alt.layer(*layers).properties(width=255, height=190, title=_title(title))


def _title(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, fontSize=13, frame="group", anchor="start")


def _panels(found: Channel, frame: pl.DataFrame, way: str, panel: Any) -> Any:
    """Return one panel an output, with one legend of inputs and people."""
    names = list(dict.fromkeys(input_name(pair.by) for pair in found.pairs if pair.way == way))
    colour = alt.Color("input:N", title="Pushed", scale=alt.Scale(
        domain=names, range=[COLOURS[place % len(COLOURS)] for place in range(len(names))]),
        legend=alt.Legend(symbolType="stroke", columns=2, symbolOpacity=1))  # fmt: skip
    people = list(found.people)
    legend = alt.Legend(symbolType="stroke", columns=1) if len(people) > 1 else None
    dash = alt.StrokeDash(
        "person:N", title="Person", scale=alt.Scale(domain=people, range=[DASHES[one] for one in people]), legend=legend
    )
    charts = []
    for number_, output in enumerate(dict.fromkeys(frame["output"])):
        own = frame.filter(pl.col("output") == output)
        charts.append(panel(own, signal_name(output), colour, dash, number_ % 3 == 0))
    whole = alt.concat(*charts, columns=3, spacing={"row": 84, "column": 66}, bounds="flush")
    return dress(whole.resolve_scale(x="independent", y="independent", color="shared", strokeDash="shared"))


def loop_figure(rounds: Mapping[str, Round]) -> Any:
    """Draw how much of a change comes back once round, over its period."""
    rows = [(person, float(period), float(value)) for person, one in rounds.items() if one.wires
            for period, value in zip(PERIODS, one.loci, strict=True) if value > 0]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["person", "period", "gain"], orient="row")
    lowest = max(float(frame["gain"].min()), REACH * float(frame["gain"].max()))  # type: ignore[arg-type]
    scale = alt.Scale(type="log", domain=[lowest / 1.5, 2], nice=False)
    people = list(rounds)
    dash = alt.StrokeDash("person:N", title="Person", scale=alt.Scale(
        domain=people, range=[DASHES[one] for one in people]), legend=alt.Legend(symbolType="stroke"))  # fmt: skip
    line = alt.Chart(frame).mark_line(color=INK, strokeWidth=2.4, clip=True).encode(
        x=period_axis("Period of the change"), strokeDash=dash,
        y=alt.Y("gain:Q", title="Loop gain", scale=scale, axis=alt.Axis(tickCount=5, format=".1~g")),
    )  # fmt: skip
    one = alt.Chart(pl.DataFrame({"gain": [1.0], "said": ["1: below it nothing can build up"], "period": [1 / 22]}))
    limit = one.mark_rule(color="#c8553d", strokeDash=[4, 3]).encode(y=alt.Y("gain:Q", scale=scale))
    text = one.mark_text(align="left", dy=-8, color="#c8553d", fontSize=12).encode(
        y=alt.Y("gain:Q", scale=scale), x="period:Q", text="said:N")  # fmt: skip
    return dress(alt.layer(line, limit, text).properties(width=520, height=230))


def range_figure(found: Channel, person: str) -> Any:
    """Draw 90 % ranges of answers to a usual push: closed arrows closed, and opened at their prior."""
    level = {(one.pair.by, one.pair.to): one for one in found.answers[person]}
    rows, order = [], []
    for row in found.worlds.filter(pl.col("person") == person).to_dicts():
        one = level[row["input"], row["output"]]
        if not one.level:
            continue
        scale = 100 * one.usual_push / abs(one.level)
        ends = [0.0 if row[end] is None else scale * row[end] for end in ("low", "middle", "high")]
        if max(map(abs, ends)) < MIN_SHARE:
            continue
        name = f"{way_said(one)}"
        order.append((one.pair.way, name))
        rows.append((name, "down" if one.pair.way == "down" else "up", row["arrows"], *ends))
    if not rows:
        return None
    frame = pl.DataFrame(rows, schema=["name", "way", "arrows", "low", "middle", "high"], orient="row")
    names = [name for _, name in dict.fromkeys(order)]
    colour = alt.Color("arrows:N", title="Closed arrows from gut to brain", scale=alt.Scale(
        domain=[SOURCED, OPENED], range=[ARM_COLOURS[0], ARM_COLOURS[1]]),
        legend=alt.Legend(symbolType="stroke", direction="horizontal"))  # fmt: skip
    ticks = [-100, -10, -1, 0, 1, 10, 100]
    x = alt.X("low:Q", title="Answer to a usual push (% of level, 90 % of worlds)",
              scale=alt.Scale(type="symlog", constant=0.1, nice=False),
              axis=alt.Axis(values=ticks, labelExpr="replace(datum.label, '-', '−')"))  # fmt: skip
    base = alt.Chart(frame).encode(y=alt.Y("name:N", sort=names, title=None), color=colour)
    layers: list[Any] = [alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=QUIET, size=0.8).encode(x="zero:Q")]
    for arrows, shift in ((SOURCED, -5), (OPENED, 5)):
        own = base.transform_filter(f"datum.arrows == '{arrows}'")
        layers.append(
            own.mark_rule(strokeWidth=5, strokeCap="round", opacity=0.55, yOffset=shift).encode(x=x, x2="high:Q")
        )
        layers.append(own.mark_point(filled=True, size=55, opacity=1, yOffset=shift).encode(x="middle:Q"))
    return dress(alt.layer(*layers).properties(width=430, height=alt.Step(30)))


def picture(found: Channel) -> str:
    """Draw the two halves with what passes each way, as SVG."""
    answers, rounds = found.answers, found.rounds
    first = next(iter(answers))
    other = next((name for name in answers if name != first), "")
    columns = {way: strongest([one for one in answers[first] if one.pair.way == way]) for way in ("down", "up")}
    rows = max(1, *(len(own) for own in columns.values()))
    middle, width = 30 + 58 * rows, 980
    low = 74 + middle
    parts = [_box(20, "Brain half", "appraisal, mood, HPA axis, vagus, sleep, practice", "#e9f2f9", ARM_COLOURS[0]),
             _box(low, "Gut half", "food, microbes, gut wall, immune system, enteric nerves, tryptophan", "#fdf1e7",
                  ARM_COLOURS[1])]  # fmt: skip
    for way, x, colour in (("down", 52, ARM_COLOURS[0]), ("up", 522, ARM_COLOURS[1])):
        top, bottom = 80, low - 6
        begin, end = (top, bottom - 12) if way == "down" else (bottom, top + 12)
        tip = 10 if way == "down" else -10
        parts.append(f'<line x1="{x}" x2="{x}" y1="{begin}" y2="{end}" stroke="{colour}" stroke-width="7"/>')
        parts.append(f'<path d="M{x - 12},{end} L{x + 12},{end} L{x},{end + 1.5 * tip} Z" fill="{colour}"/>')
        for place, one in enumerate(columns[way]):
            y = 108 + 58 * place
            said = f"{percent_said(one.usual_percent)}, half after {time_said(one.half_time)}"
            twin = next((two for two in answers.get(other, ()) if two.pair == one.pair), None)
            if twin is not None:
                said += f"; {other} {percent_said(twin.usual_percent)}, {time_said(twin.half_time)}"
            parts.append(_text(x + 24, y, way_said(one), 13.5, INK, 600))
            parts.append(_text(x + 24, y + 19, said, 12.5, QUIET))
        if not columns[way]:
            parts.append(_text(x + 24, 108, "nothing passes", 13, QUIET))
    total = low + 74
    if rounds and all(one.wires for one in rounds.values()):
        back = "; ".join(f"{person} {number(100 * one.margins.strongest)} %" for person, one in rounds.items())
        parts.append(
            _text(20, total + 10, f"Once round the loop at most this much of a change comes back: {back}.", 13, INK)
        )
        total += 26
    title = "The axis as a two-way channel"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" width="{width}" height="{total}" '
        f'role="img" aria-label="{title}" font-family="{escape(FONT)}"><title>{title}</title>'
        + "".join(parts)
        + "</svg>"
    )


def strongest(own: Sequence[Answer]) -> list[Answer]:
    """Return the answers that move most, by per cent of the level for a usual push; those that cross, if any do."""
    moved = [one for one in own if np.isfinite(one.usual_percent) and abs(one.usual_percent) >= MIN_SHARE]
    across = [one for one in moved if one.crosses]
    return sorted(across or moved, key=lambda one: -abs(one.usual_percent))[:STRONGEST]


def _box(y: float, name: str, about: str, fill: str, stroke: str) -> str:
    return (f'<rect x="20" y="{y}" width="940" height="54" rx="10" fill="{fill}" stroke="{stroke}" stroke-width="1.6"/>'
            + _text(38, y + 33, name, 16, INK, 600) + _text(150, y + 33, about, 13, QUIET))  # fmt: skip


def _text(x: float, y: float, words: str, size: float, colour: str, weight: int = 400) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}">{escape(words)}</text>'
