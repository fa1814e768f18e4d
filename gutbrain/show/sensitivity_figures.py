"""Figures of a sensitivity analysis; colour is always the grade of the number that is uncertain."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import polars as pl

from gutbrain.fit.sensitivity.sobol import BOTH, WITH, WITHOUT
from gutbrain.show.labels import place_labels
from gutbrain.show.sensitivity_words import GRADES_SAID
from gutbrain.show.theme import dress
from gutbrain.show.words import GRADES, INK, LINES, QUIET, grade_base, signal_name

PARTS = {
    WITHOUT: ("from numbers without a source alone", "#c8553d"),
    BOTH: ("from both together", "#b8c0c8"),
    WITH: ("from sourced numbers alone", "#3b8fc0"),
}
FIRST, TOTAL = "alone (first order)", "with all interactions (total)"
LABELLED = 12
FRAME = (560, 340)


def _grades(table: pl.DataFrame) -> tuple[pl.DataFrame, alt.Color]:
    """Return the table with grades in words, and their colour."""
    said = [GRADES_SAID.get(grade_base(grade), grade) for grade in table["grade"]]
    order = [name for name in GRADES_SAID if GRADES_SAID[name] in said]
    colour = alt.Color(
        "certainty:N", title="Certainty of the number",
        scale=alt.Scale(domain=[GRADES_SAID[name] for name in order], range=[GRADES[name] for name in order]),
        legend=alt.Legend(direction="horizontal", symbolType="square", symbolStrokeWidth=0, columns=3),
    )  # fmt: skip
    return table.with_columns(pl.Series("certainty", said)), colour


def shares_plot(shares: pl.DataFrame, order: Sequence[str]) -> alt.LayerChart:
    """Draw the share of variance with and without a source, one bar an outcome.

    Parameters
    ----------
    shares : outcome, part, share, low, high
    order : outcomes from top to bottom
    """
    rows = []
    for outcome in order:
        of = {row["part"]: max(0.0, row["share"]) for row in shares.filter(outcome=outcome).iter_rows(named=True)}
        whole, begin = sum(of.values()) or 1.0, 0.0
        for part, (said, _) in PARTS.items():
            end = begin + of[part] / whole
            rows.append({"outcome": signal_name(outcome), "part": said, "begin": begin, "end": end,
                         "said": f"{100 * (end - begin):.0f} %" if end - begin > 0.06 else ""})  # fmt: skip
            begin = end
    frame = pl.DataFrame(rows).with_columns(((pl.col("begin") + pl.col("end")) / 2).alias("middle"))
    names = [signal_name(outcome) for outcome in order]
    colour = alt.Color(
        "part:N", title=None,
        scale=alt.Scale(domain=[said for said, _ in PARTS.values()], range=[tint for _, tint in PARTS.values()]),
        legend=alt.Legend(direction="horizontal", symbolType="square", symbolStrokeWidth=0),
    )  # fmt: skip
    base = alt.Chart(frame).encode(y=alt.Y("outcome:N", sort=names, title=None, axis=alt.Axis(labelLimit=320)))
    x = alt.X("begin:Q", title="Share of the variance between draws", axis=alt.Axis(format="%", tickCount=5),
              scale=alt.Scale(domain=[0, 1]))  # fmt: skip
    bars = base.mark_bar(height=18).encode(x=x, x2="end:Q", color=colour)
    text = base.mark_text(fontSize=12, color=INK).encode(x="middle:Q", text="said:N")
    return dress(alt.layer(bars, text).properties(width=520, height=alt.Step(28)))


def morris_plot(table: pl.DataFrame, unit: str) -> alt.LayerChart:
    """Draw mu* against sigma, one point an unknown; those that were kept are labelled.

    Parameters
    ----------
    table : parameter, mu_star, sigma, grade, kept, about, of one outcome
    unit : of the outcome
    """
    frame, colour = _grades(table.with_columns(pl.col("sigma").is_null().alias("many"), pl.col("sigma").fill_null(0.0)))
    frame = frame.with_columns(
        pl.when("many").then(pl.lit("table of numbers (no sigma)")).otherwise(pl.lit("one number")).alias("mark")
    )
    most = max(float(frame["mu_star"].max() or 0) * 1.08, 1e-12)  # type: ignore[arg-type]
    tall = max(float(frame["sigma"].max() or 0) * 1.12, most / 4)  # type: ignore[arg-type]
    width, height = FRAME
    x, y = frame["mu_star"].to_numpy() / most * width, frame["sigma"].to_numpy() / tall * height
    names = frame["parameter"].to_list()
    wanted = [int(i) for i in np.flatnonzero(frame["kept"].to_numpy())][:LABELLED]
    labels = place_labels(x, y, names, wanted, width, height)
    marks = frame["mark"].unique(maintain_order=True).to_list()
    points = alt.Chart(frame).mark_point(filled=True, size=62, opacity=0.9).encode(
        x=alt.X("mu_star:Q", title=f"μ*: mean size of the change from the 5 % to the 95 % value ({unit})",
                scale=alt.Scale(domain=[0, most], nice=False), axis=alt.Axis(tickCount=7)),
        y=alt.Y("sigma:Q", title=f"σ: how much the change depends on the others ({unit})",
                scale=alt.Scale(domain=[0, tall], nice=False), axis=alt.Axis(tickCount=6)),
        color=colour,
        shape=alt.Shape("mark:N", title=None, scale=alt.Scale(domain=marks, range=["circle", "triangle-up"]),
                        legend=alt.Legend(direction="horizontal") if len(marks) > 1 else None),
        tooltip=["parameter", "about", "certainty", alt.Tooltip("mu_star:Q", format=".3g"),
                 alt.Tooltip("sigma:Q", format=".3g")],
    )  # fmt: skip
    scale_x, scale_y = most / width, tall / height
    written = pl.DataFrame(
        [{"x": one.x * scale_x, "y": one.y * scale_y, "text": names[one.place]} for one in labels],
        schema={"x": pl.Float64, "y": pl.Float64, "text": pl.String},
    )
    lines = pl.DataFrame(
        [{"x": one.anchor_x * scale_x, "y": one.anchor_y * scale_y, "x2": one.edge[0] * scale_x,
          "y2": one.edge[1] * scale_y} for one in labels if one.far],
        schema=dict.fromkeys(("x", "y", "x2", "y2"), pl.Float64),
    )  # fmt: skip
    text = alt.Chart(written).mark_text(fontSize=11, color=INK, clip=False).encode(x="x:Q", y="y:Q", text="text:N")
    leads = alt.Chart(lines).mark_rule(color=LINES).encode(x="x:Q", y="y:Q", x2="x2:Q", y2="y2:Q")
    equal = pl.DataFrame({"x": [0.0, min(most, tall)], "y": [0.0, min(most, tall)]})
    line = alt.Chart(equal).mark_line(color=QUIET, strokeDash=[3, 3], strokeWidth=0.8).encode(x="x:Q", y="y:Q")
    return dress(alt.layer(line, leads, points, text).properties(width=width, height=height))


def sobol_plot(table: pl.DataFrame) -> alt.LayerChart:
    """Draw first and total order with their intervals, coloured by grade.

    Parameters
    ----------
    table : parameter, first, first_low, first_high, total, total_low, total_high, grade, of one outcome
    """
    frame, colour = _grades(table)
    parts = [
        frame.select("parameter", "certainty", "about", pl.lit(said).alias("kind"), pl.col(key).alias("share"),
                     pl.col(f"{key}_low").alias("low"), pl.col(f"{key}_high").alias("high"))
        for key, said in (("first", FIRST), ("total", TOTAL))
    ]  # fmt: skip
    long = pl.concat(parts).with_columns(pl.col("share", "low", "high").clip(0.0, None))
    return _bars(long, [FIRST, TOTAL], colour, frame["parameter"].to_list(), "Share of the whole variance")


def measurement_plot(table: pl.DataFrame) -> alt.LayerChart:
    """Draw what goes of the variance when a parameter is measured, coloured by grade.

    Parameters
    ----------
    table : parameter, exactly, exactly_low, exactly_high, halved, grade, of one outcome
    """
    table, colour = _grades(table.head(10))
    exact, half = "measured without error", "belief made half as wide"
    long = pl.concat([
        table.select("parameter", "certainty", "about", pl.lit(exact).alias("kind"), pl.col("exactly").alias("share"),
                     pl.col("exactly_low").alias("low"), pl.col("exactly_high").alias("high")),
        table.select("parameter", "certainty", "about", pl.lit(half).alias("kind"), pl.col("halved").alias("share"),
                     (0.75 * pl.col("exactly_low")).alias("low"), (0.75 * pl.col("exactly_high")).alias("high")),
    ]).with_columns(pl.col("share", "low", "high").clip(0.0, None))  # fmt: skip
    return _bars(long, [exact, half], colour, table["parameter"].to_list(), "Share of the variance that would go")


def _bars(long: pl.DataFrame, kinds: list[str], colour: alt.Color, order: list[str], title: str) -> alt.LayerChart:
    top = min(1.0, max(0.1, 1.05 * float(long["high"].max() or 0)))  # type: ignore[arg-type]
    x = alt.X("share:Q", title=title, axis=alt.Axis(format="%", tickCount=6),
              scale=alt.Scale(domain=[0, top], clamp=True, nice=False))  # fmt: skip
    opacity = alt.Opacity(
        "kind:N", title=None, scale=alt.Scale(domain=kinds, range=[1.0, 0.42]),
        legend=alt.Legend(direction="horizontal", symbolType="square", symbolStrokeWidth=0),
    )  # fmt: skip
    base = alt.Chart(long).encode(
        y=alt.Y("parameter:N", sort=order, title=None, axis=alt.Axis(labelLimit=340)),
        yOffset=alt.YOffset("kind:N", sort=kinds, scale=alt.Scale(domain=kinds)),
        tooltip=["parameter", "about", "certainty", "kind", alt.Tooltip("share:Q", format=".0%"),
                 alt.Tooltip("low:Q", format=".0%"), alt.Tooltip("high:Q", format=".0%")],
    )  # fmt: skip
    bars = base.mark_bar(height=9).encode(x=x, color=colour, opacity=opacity)
    ends = base.mark_rule(color=INK, strokeWidth=1.1).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    return dress(alt.layer(bars, ends).properties(width=460, height=alt.Step(14)))


def signals_plot(table: pl.DataFrame) -> alt.LayerChart:
    """Draw what reading a signal would tell of the outcome.

    Parameters
    ----------
    table : signal, when, linear, linear_low, linear_high, of one outcome, the largest first
    """
    frame = table.head(10).with_columns(
        pl.struct("signal", "when").map_elements(
            lambda row: f"{signal_name(row['signal'])}, {row['when']}", return_dtype=pl.String
        ).alias("name")
    )  # fmt: skip
    x = alt.X("linear:Q", title="Share of the variance that a reading without error would tell",
              axis=alt.Axis(format="%", tickCount=6), scale=alt.Scale(domain=[0, 1]))  # fmt: skip
    base = alt.Chart(frame).encode(
        y=alt.Y("name:N", sort=frame["name"].to_list(), title=None, axis=alt.Axis(labelLimit=380)),
        color=alt.Color("when:N", title=None, legend=alt.Legend(direction="horizontal", symbolType="stroke"),
                        scale=alt.Scale(domain=frame["when"].unique(maintain_order=True).to_list(),
                                        range=["#0072b2", "#d55e00"])),
        tooltip=["name", alt.Tooltip("linear:Q", format=".0%"), alt.Tooltip("rank:Q", format=".0%")],
    )  # fmt: skip
    bars = base.mark_rule(strokeWidth=5, strokeCap="round", opacity=0.5).encode(x="linear_low:Q", x2="linear_high:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(x=x)
    return dress(alt.layer(bars, points).properties(width=440, height=alt.Step(24)))
