"""Figures of mediation: the triangle of paths, all indirect effects, and how much confounding it would take."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import altair as alt
import polars as pl

from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_marks import forest, heading_of, longest, panels
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.analysis_words import estimate_said, first_capital, outcome_said, taxa_said, term_said
from gutbrain.show.page import Block, Figure, Table
from gutbrain.show.study_plots import counted_said, shorten
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK, QUIET

WIDTH, HEIGHT = 700, 280
BOX, TALL = 200, 62  # size of a box, pixels
SOURCE, MEDIATOR, OUTCOME = (112, 66), (350, 234), (588, 66)  # middles of the boxes
DIAGRAMS, CURVES, EFFECTS, TAXA = 3, 4, 16, 12  # at most of each
KEYS = ("model", "source", "mediator", "outcome")
REVERSED = "reversed"
LETTERS = {"a": "a", "b": "b", "direct": "c′ (direct)", "indirect": "a × b (indirect)", "total": "c (total)"}
ROBUST = {
    "path": "Path", "correlation_at_zero": "Correlation of residuals that brings it to 0",
    "robustness_value": "Robustness value", "evalue": "E-value", "evalue_interval": "E-value of the interval's limit",
}  # fmt: skip


def mediation_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return triangles, a forest of all indirect effects, curves of sensitivity, and the table of robustness."""
    paths, curves = done.tables.get("paths", pl.DataFrame()), done.tables.get("sensitivity", pl.DataFrame())
    if paths.is_empty():
        return []
    blocks: list[Block] = []
    confidence = f"{scene.design.confidence:.0%}"
    forward = paths.filter(~pl.col("model").str.ends_with(REVERSED))
    groups = list((forward if len(forward) else paths).group_by(KEYS, maintain_order=True))
    groups = [(key, rows) for key, rows in groups if rows["path"].is_in(["a", "b"]).any()]
    for number_, (key, rows) in enumerate(groups[:DIAGRAMS]):
        _, source, mediator, outcome = map(str, key)
        units = {name: scene.unit(name) for name in (source, mediator, outcome)}
        caption = (
            f"Estimates with {confidence} intervals; a in units of the mediator, the others in those of the outcome "
            "(b for one unit of the mediator). Blue: p below 0.05. Arrows are the direction that is assumed; the data "
            "do not prove it."
        )
        if number_ == 0 and len(groups) > DIAGRAMS:
            caption += f" {DIAGRAMS} of {len(groups)} triangles are drawn."
        chart = triangle(rows, source, mediator, outcome, units)
        blocks.append(Figure(chart, caption, f"{step.name}, {source}, {mediator}, {outcome}, paths"))
    effects = paths.filter((pl.col("path") == "indirect") & pl.col("estimate").is_not_null())
    if len(effects) > 1:
        many = counted_said(len(effects), "indirect effect")
        caption = f"{many} with {confidence} intervals, in units of the last variable."
        caption += " Orange: mediator and outcome exchanged." if len(forward) < len(paths) and len(forward) else ""
        caption += f" Drawn: the first {EFFECTS} of each outcome." if len(effects) > EFFECTS else ""
        blocks.append(Figure(indirect_effects(effects, scene), caption, f"{step.name}, indirect effects"))
    parts = (
        list(curves.filter(~pl.col("model").str.ends_with(REVERSED)).group_by(KEYS, maintain_order=True))
        if len(curves)
        else []
    )
    parts = [(key, rows) for key, rows in parts if len(rows.drop_nulls("indirect")) > 2]
    if parts:
        made = [
            sensitivity(rows, f"{_chain(key)}" if len(parts) > 1 else "", scene.unit(str(key[3])))
            for key, rows in parts[:CURVES]
        ]
        caption = (
            "Indirect effect if an unmeasured cause of mediator and outcome left their residuals with this "
            f"correlation; band: {confidence} interval. At 0 (dashed) nothing is assumed to be missing."
        )
        caption += f" {CURVES} of {len(parts)} curves are drawn." if len(parts) > CURVES else ""
        blocks.append(Figure(panels(made, 6, 2, row=100), caption, f"{step.name}, sensitivity"))
    return blocks + _taxa(step, done, scene) + _robustness(done)


def _taxa(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return the indirect effects through single taxa, where the whole composition is the mediator."""
    table = done.tables.get("taxa", pl.DataFrame())
    known = table.drop_nulls(["indirect", "p"]) if "indirect" in table.columns else pl.DataFrame()
    if known.is_empty():
        return []
    names = taxa_said(known["feature"].to_list())
    unit = scene.unit(str(done.tables["paths"]["outcome"][0]))
    made, parts = [], list(known.group_by("source", maintain_order=True))
    for (source,), own in parts[:CURVES]:
        kept = own.sort("p").head(TAXA)
        shown = kept.select("p", "q", estimate="indirect", low="indirect_low", high="indirect_high")
        shown = shown.with_columns(pl.Series("label", [names[name] for name in kept["feature"].to_list()]))
        title = f"Indirect effect ({unit})" if unit else "Indirect effect"
        made.append(forest(shown, title, width=260, heading=f"From {term_said(str(source))}"))
    caption = (
        f"Indirect effects through single taxa, each in a model of its own: the {TAXA} smallest p of "
        f"{known['feature'].n_unique()} taxa, with {scene.design.confidence:.0%} intervals; filled: q below 0.05."
    )
    letters = longest(list(names.values()))
    return [Figure(panels(made, letters), caption, f"{step.name}, taxa")]


def _robustness(done: Done) -> list[Block]:
    table = done.tables.get("robustness", pl.DataFrame())
    if table.is_empty():
        return []
    exchanged = pl.Series(str(name).endswith(REVERSED) for name in table["model"].to_list())
    names = [_chain(tuple(row[key] for key in KEYS)) for row in table.to_dicts()]
    rows = table.with_columns(pl.Series("path", names)).filter(~exchanged)
    shown = {name: said for name, said in ROBUST.items() if name in rows.columns}
    if rows.is_empty():
        return []
    caption = "How strong an unmeasured cause would have to be to explain the indirect effect away"
    return [Table(rows.head(EFFECTS), caption, shown)]


def _chain(key: tuple[Any, ...]) -> str:
    return " → ".join(shorten(variable_said(str(name)), 32) for name in key[1:])


def variable_said(name: str) -> str:
    """Return a variable of a path in words: a term of the model or an outcome."""
    return first_capital(term_said(name)) if "[" in name else outcome_said(name)


def triangle(
    rows: pl.DataFrame, source: str, mediator: str, outcome: str, units: Mapping[str, str] | None = None
) -> alt.LayerChart:
    """Draw source, mediator and outcome with their paths.

    Parameters
    ----------
    rows : path (a, b, direct, indirect, total), estimate, low, high, p
    units : of the variables, by name
    """
    by_path = {row["path"]: row for row in rows.to_dicts()}
    units = units or {}
    middles = ((SOURCE, source), (MEDIATOR, mediator), (OUTCOME, outcome))
    boxes = pl.DataFrame(
        [(x - BOX / 2, x + BOX / 2, y - TALL / 2, y + TALL / 2) for (x, y), _ in middles],
        schema=["left", "right", "low", "high"], orient="row",
    )  # fmt: skip
    names = pl.DataFrame(
        [
            (float(x), float(y) + 7.5 * (len(lines) - 1) - 15 * n, text)
            for (x, y), name in middles
            for lines in [_lines(name, units.get(name, ""))]
            for n, text in enumerate(lines)
        ],
        schema=["x", "y", "name"], orient="row",
    )  # fmt: skip
    low, top = SOURCE[1] + TALL / 2, MEDIATOR[1] - TALL / 2
    from_a, to_a = (SOURCE[0] + 42, low + 2), (MEDIATOR[0] - 70, top - 8)
    from_b, to_b = (MEDIATOR[0] + 70, top - 2), (OUTCOME[0] - 42, low + 8)
    across = (SOURCE[0] + BOX / 2 + 2, SOURCE[1]), (OUTCOME[0] - BOX / 2 - 9, SOURCE[1])
    arrows = pl.DataFrame(
        [
            (*start, *end, _below(by_path.get(path)), angle)
            for path, start, end, angle in (
                ("a", from_a, to_a, _angle(from_a, to_a)), ("b", from_b, to_b, _angle(from_b, to_b)),
                ("direct", *across, 90.0),
            )
        ],
        schema=["x", "y", "to_x", "to_y", "found", "angle"], orient="row",
    )  # fmt: skip
    left, right, level = (from_a[0] + to_a[0]) / 2 - 30, (from_b[0] + to_b[0]) / 2 + 30, (low + top) / 2
    texts = pl.DataFrame(
        [
            (left, level + 7, "end", _path(by_path, "a")), (left, level - 9, "end", _interval(by_path, "a")),
            (right, level + 7, "start", _path(by_path, "b")), (right, level - 9, "start", _interval(by_path, "b")),
            (float(MEDIATOR[0]), SOURCE[1] + 26.0, "middle", _path(by_path, "direct")),
            (float(MEDIATOR[0]), SOURCE[1] + 11.0, "middle", _interval(by_path, "direct")),
            (float(MEDIATOR[0]), 12.0, "middle", ";   ".join(
                f"{_path(by_path, n)} {_interval(by_path, n)}".strip() for n in ("indirect", "total") if n in by_path)),
        ],
        schema=["x", "y", "align", "text"], orient="row",
    )  # fmt: skip
    # Every layer says the same of its axes: Vega-Lite cannot merge one without an axis with one that has it.
    wide, high = alt.Scale(domain=[0, WIDTH], nice=False), alt.Scale(domain=[0, HEIGHT], nice=False)

    def at(x: str, y: str) -> dict[str, Any]:
        return {"x": alt.X(f"{x}:Q", axis=None, scale=wide), "y": alt.Y(f"{y}:Q", axis=None, scale=high)}

    tint = alt.condition("datum.found", alt.value(ARM_COLOURS[0]), alt.value(QUIET))
    frame = alt.Chart(boxes).mark_rect(fill="#eef4f8", stroke=ARM_COLOURS[0], strokeWidth=1.4, cornerRadius=4)
    head = alt.Chart(arrows).mark_point(shape="triangle", size=110, filled=True, opacity=1)
    layers: list[Any] = [
        alt.Chart(arrows).mark_rule(strokeWidth=2.2).encode(**at("x", "y"), x2="to_x:Q", y2="to_y:Q", color=tint),
        head.encode(**at("to_x", "to_y"), angle=alt.Angle("angle:Q", scale=None), color=tint),
        frame.encode(**at("left", "low"), x2="right:Q", y2="high:Q"),
        alt.Chart(names).mark_text(fontSize=12, fontWeight=600, color=INK, baseline="middle").encode(
            **at("x", "y"), text="name:N"),
    ]  # fmt: skip
    for align, anchor in (("end", "right"), ("start", "left"), ("middle", "center")):
        own = alt.Chart(texts.filter((pl.col("align") == align) & (pl.col("text") != "")))
        layers.append(own.mark_text(align=anchor, fontSize=12, color=INK, baseline="middle").encode(
            **at("x", "y"), text="text:N"))  # fmt: skip
    return dress(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def _angle(start: tuple[float, float], end: tuple[float, float]) -> float:
    from math import atan2, degrees

    return degrees(atan2(end[0] - start[0], end[1] - start[1])) % 360


def _below(row: Mapping[str, Any] | None) -> bool:
    return row is not None and row["p"] is not None and row["p"] < 0.05


def _lines(name: str, unit: str) -> list[str]:
    """Return a variable on at most two lines, and its unit on another."""
    lines = wrap(variable_said(name), 28) or [""]
    lines = lines if len(lines) < 3 else [lines[0], shorten(" ".join(lines[1:]), 28)]
    return [*lines, f"({unit})"] if unit else lines


def _path(rows: Mapping[str, Mapping[str, Any]], path: str) -> str:
    row = rows.get(path)
    if row is None or row["estimate"] is None:
        return f"{LETTERS[path]} not estimated"
    return f"{LETTERS[path]} = {estimate_said(row['estimate'], row['low'], row['high']).partition(' (')[0]}"


def _interval(rows: Mapping[str, Mapping[str, Any]], path: str) -> str:
    row = rows.get(path)
    if row is None or row["estimate"] is None:
        return ""
    _, _, span = estimate_said(row["estimate"], row["low"], row["high"]).partition(" (")
    return f"({span}" if span else ""


def indirect_effects(effects: pl.DataFrame, scene: Scene) -> Any:
    """Draw every indirect effect, one panel an outcome because each has its own unit.

    Parameters
    ----------
    effects : model, source, mediator, outcome, estimate, low, high, p
    """
    made, letters = [], 0
    for (outcome,), own in effects.group_by("outcome", maintain_order=True):
        kept = own.head(EFFECTS)
        labels = [f"{shorten(variable_said(row['source']), 24)} → {shorten(variable_said(row['mediator']), 28)}"
                  for row in kept.to_dicts()]  # fmt: skip
        tints = [ARM_COLOURS[1 if str(name).endswith(REVERSED) else 0] for name in kept["model"].to_list()]
        letters = max(letters, longest(labels))
        shown = kept.select("estimate", "low", "high", "p").with_columns(
            pl.Series("label", labels), pl.Series("tint", tints)
        )
        unit = scene.unit(str(outcome))
        title = f"Indirect effect ({unit})" if unit else "Indirect effect"
        made.append(forest(shown, title, width=260, heading=f"On {outcome_said(str(outcome))}"))
    columns = 2 if letters < 34 else 1
    return panels(made[:6], letters, columns)


def sensitivity(rows: pl.DataFrame, heading: str = "", unit: str = "") -> alt.LayerChart:
    """Draw the indirect effect over the assumed correlation of the residuals."""
    table = rows.select("correlation", "indirect", "low", "high").drop_nulls("indirect").sort("correlation")
    x = alt.X("correlation:Q", title="Correlation of residuals of mediator and outcome", axis=alt.Axis(tickCount=7))
    base = alt.Chart(table)
    low = alt.Y("low:Q", title=f"Indirect effect ({unit})" if unit else "Indirect effect", axis=alt.Axis(tickCount=5))
    band = base.mark_area(opacity=0.22, color=ARM_COLOURS[0]).encode(x=x, y=low, y2="high:Q")
    line = base.mark_line(strokeWidth=2.4, color=ARM_COLOURS[0]).encode(x=x, y="indirect:Q")
    zero = alt.Chart().mark_rule(color=QUIET).encode(y=alt.datum(0))
    here = alt.Chart().mark_rule(color=QUIET, strokeDash=[4, 4]).encode(x=alt.datum(0))
    chart = alt.layer(zero, here, band, line).properties(width=350, height=200)
    return chart.properties(title=heading_of(heading, 46)) if heading else chart
