"""Figures of the score board: what was published beside what virtual trials of the same design would have reported."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import polars as pl

from gutbrain.show.study_plots import shorten
from gutbrain.show.theme import dress
from gutbrain.show.words import INK, PAPER, QUIET

INSIDE, OUTSIDE = "#2f6f8f", "#c8553d"
BAR, WORLD = "#d5dde2", "#9db4c0"
ROW, WIDTH, LABEL = 24, 430, 54


def forest(scores: pl.DataFrame, title: str) -> Any:
    """Draw published sizes with their intervals over the 90 % range of virtual trials, one row a finding.

    Parameters
    ----------
    scores : rows of one metric, columns as `gutbrain.validation.score.SCHEMA`
    title : of the axis, with the unit
    """
    table = scores.with_columns(
        pl.int_range(pl.len()).cast(pl.Float64).alias("place"),
        pl.when("covered").then(pl.lit("inside the 90 % range")).otherwise(pl.lit("outside")).alias("verdict"),
    ).select(
        "place", "verdict", "finding", "exposure", "outcome", "published", "published_low", "published_high",
        "predicted", "predicted_low", "predicted_high", "world_low", "world_high", "overlaid_low", "overlaid_high",
    )  # fmt: skip
    names = [shorten(f"{row['exposure']}: {row['outcome']}", LABEL) for row in scores.iter_rows(named=True)]
    ends = ("published", "published_low", "published_high", "predicted_low", "predicted_high", "overlaid_low",
            "overlaid_high")  # fmt: skip
    low = min(0.0, *(float(scores[name].min() or 0) for name in ends))  # type: ignore[arg-type]
    high = max(0.0, *(float(scores[name].max() or 0) for name in ends))  # type: ignore[arg-type]
    room = 0.04 * (high - low)
    scale = alt.Scale(domain=[low - room, high + room], nice=False)
    base = alt.Chart(alt.Data(values=table.to_dicts()))
    axis = alt.Axis(labelExpr="replace(datum.label, '-', '−')", grid=True, tickCount=6)
    y = alt.Y(
        "place:Q", title=None, scale=alt.Scale(domain=[len(names) - 0.4, -0.6], nice=False),
        axis=alt.Axis(values=list(range(len(names))), labelExpr=f"{json.dumps(names)}[datum.value]", ticks=False,
                      grid=False, domain=False, labelLimit=420, labelFontSize=11.5),
    )  # fmt: skip
    verdicts = ["inside the 90 % range", "outside"]
    colour = alt.Color(
        "verdict:N", scale=alt.Scale(domain=verdicts, range=[INSIDE, OUTSIDE]),
        legend=alt.Legend(title="published size", symbolType="circle", symbolOpacity=1),
    )  # fmt: skip
    tips = [alt.Tooltip(f"{name}:{'N' if name == 'finding' else 'Q'}", format="" if name == "finding" else ".3g")
            for name in ("finding", *ends, "predicted")]  # fmt: skip
    x = alt.X("predicted_low:Q", title=title, scale=scale, axis=axis)
    layers = [
        base.mark_rule(strokeWidth=1, color=WORLD).encode(x="overlaid_low:Q", x2="overlaid_high:Q", y=y),
        base.mark_bar(height=13, color=BAR).encode(x=x, x2="predicted_high:Q", y=y, tooltip=tips),
        base.mark_bar(height=5, color=WORLD).encode(x="world_low:Q", x2="world_high:Q", y=y),
        base.mark_tick(thickness=2, size=13, color=INK).encode(x="predicted:Q", y=y),
        base.mark_rule(strokeWidth=1.4).encode(x="published_low:Q", x2="published_high:Q", y=y, color=colour),
        base.mark_circle(size=62, opacity=1, stroke=PAPER, strokeWidth=1).encode(
            x="published:Q", y=y, color=colour, tooltip=tips
        ),
        alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=QUIET, strokeDash=[3, 3]).encode(x="zero:Q"),
    ]  # fmt: skip
    return dress(alt.layer(*layers).properties(width=WIDTH, height=ROW * len(names) + 8))


def skill(by_pathway: pl.DataFrame) -> Any:
    """Draw the ranked probability score of both forecasts beside three baselines, by pathway; shorter is better."""
    kinds = {"crps": "the body alone", "overlaid_crps": "with discrepancy", "crps_no_effect": "no effect",
             "crps_benefit": "0.3 SD of benefit", "crps_lean": "usual benefit"}  # fmt: skip
    long = (
        by_pathway.filter(pl.col("scored") > 0)
        .select("pathway", *kinds)
        .unpivot(index="pathway", variable_name="kind", value_name="score")
        .with_columns(pl.col("kind").replace_strict(kinds))
    )
    domain = list(kinds.values())
    chart = (
        alt.Chart(alt.Data(values=long.to_dicts()))
        .mark_bar(height={"band": 0.85})
        .encode(
            x=alt.X("score:Q", title="mean ranked probability score, SD (shorter is better)",
                    axis=alt.Axis(tickCount=5)),
            y=alt.Y("pathway:N", title=None, sort=by_pathway["pathway"].to_list()),
            yOffset=alt.YOffset("kind:N", sort=domain),
            color=alt.Color("kind:N", title=None, sort=domain,
                            scale=alt.Scale(domain=domain, range=[INSIDE, "#7fb2c8", "#b8c4ca", "#8d9aa1", "#d9a441"])),
            tooltip=["pathway:N", "kind:N", alt.Tooltip("score:Q", format=".3f")],
        )
        .properties(width=WIDTH, height=60 * max(1, long["pathway"].n_unique()))
    )  # fmt: skip
    return dress(chart)
