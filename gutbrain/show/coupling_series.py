"""Figures of series: forecasts of a few people, and what the model leaves unexplained."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl
from scipy.stats import beta, norm

from gutbrain.fit.coupling.checks import failed
from gutbrain.show.analysis_marks import heading_of
from gutbrain.show.analysis_words import estimate_said, first_capital
from gutbrain.show.coupling_words import brief, person_said
from gutbrain.show.page import Block, Figure, Table, Text
from gutbrain.show.study_plots import evenly, natural, shorten, thinned
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK, QUIET

PEOPLE, INDICATORS, OCCASIONS = 3, 4, 90  # drawn at most
LAGS, POINTS, CHECKED = 12, 250, 6  # of residuals: lags, points of a panel, indicators
SEEN, AHEAD, LATER = INK, ARM_COLOURS[0], ARM_COLOURS[1]
OPEN = 24  # checks that stand open; of more only those that are not passed
WHOLE = 830  # pixels of a row


def forecast_blocks(states: pl.DataFrame) -> list[Block]:
    """Return a few people's observations with what was expected one step ahead, and the forecast beyond them.

    Parameters
    ----------
    states : person, time (days), indicator, observed, expected, low, high, kind
    """
    known = states.filter(pl.col("kind") != "smoothed", pl.col("expected").is_finite())
    if known.is_empty():
        return [Text("There is no series to forecast.")]
    people, indicators = chosen_people(known), known["indicator"].unique(maintain_order=True).to_list()
    drawn = indicators[:INDICATORS]
    columns = min(2, len(drawn))
    width = WHOLE if columns == 1 else (WHOLE - 70) // 2
    charts: list[Any] = []
    for person in people:
        for place, name in enumerate(drawn):
            own = known.filter((pl.col("person") == person) & (pl.col("indicator") == name)).sort("time")
            if own["observed"].is_finite().sum() == 0:
                continue
            bottom = person == people[-1] and place >= len(drawn) - columns
            title = f"{person_said(person)}: {brief(name)}" if len(people) > 1 else brief(name)
            charts.append(_course(own, title, width, bottom))
    if not charts:
        return [Text("Nothing was observed that a forecast could be held against.")]
    whole = alt.concat(*charts, columns=columns, spacing={"row": 60, "column": 56}, bounds="flush")
    whole = whole.resolve_scale(x="independent", y="independent")
    many = known["person"].n_unique()
    ahead = int((known["kind"] == "forecast").sum())
    caption = (
        "Dots: observed. Blue: expected from all that was seen before, with the interval that should hold 95 % of "
        "observations."
    )
    caption += " Orange: forecast beyond the last observation." if ahead else ""
    caption += (
        f" {len(people)} of {many} people are drawn, evenly picked by the length of their series."
        if len(people) < many
        else ""
    )
    caption += f" {len(drawn)} of {len(indicators)} indicators are drawn." if len(drawn) < len(indicators) else ""
    lengths = known.filter(pl.col("kind") != "forecast").group_by("person", "indicator").len()["len"].to_list()
    if max(lengths, default=0) > OCCASIONS:
        caption += f" Of a long series the last {OCCASIONS} occasions are drawn."
    return [Figure(dress(whole), caption, "forecasts")]


def chosen_people(known: pl.DataFrame) -> list[str]:
    """Return a few people, evenly picked by how often they were seen."""
    counts = known.filter(pl.col("observed").is_finite()).group_by("person").len()
    ranked = sorted(counts.iter_rows(), key=lambda row: (-row[1], natural(row[0])))
    return [person for person, _ in evenly(ranked, PEOPLE)]


def _course(own: pl.DataFrame, title: str, width: float, bottom: bool) -> alt.LayerChart:
    past, later = own.filter(pl.col("kind") != "forecast").tail(OCCASIONS), own.filter(pl.col("kind") == "forecast")
    later = later.head(OCCASIONS)
    shown = pl.concat([past, later], how="diagonal_relaxed")
    begin, end = float(shown["time"].min()), float(shown["time"].max())  # type: ignore[arg-type]
    values = np.concatenate([shown[name].drop_nulls().drop_nans().to_numpy() for name in ("observed", "low", "high")])
    pad = 0.05 * float(np.ptp(values)) or 0.5
    scale = alt.Scale(domain=[float(values.min()) - pad, float(values.max()) + pad], nice=False)
    x = alt.X("time:Q", title="Day" if bottom else None, scale=alt.Scale(domain=[begin, end or 1.0], nice=False),
              axis=alt.Axis(grid=False, tickCount=8))  # fmt: skip
    minus = "replace(datum.label, '-', '−')"
    y = alt.Y("expected:Q", title=None, scale=scale, axis=alt.Axis(tickCount=4, labelExpr=minus))
    layers: list[Any] = []
    for part, colour in ((past, AHEAD), (later, LATER)):
        if part.is_empty():
            continue
        base = alt.Chart(part.select("time", pl.col("expected", "low", "high").fill_nan(None)))
        layers += [
            base.mark_area(color=colour, opacity=0.17, clip=True).encode(
                x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q"
            ),
            base.mark_line(color=colour, strokeWidth=1.8, clip=True).encode(x=x, y=y),
        ]
    seen = past.filter(pl.col("observed").is_finite()).select("time", "observed")
    layers.append(alt.Chart(seen).mark_point(filled=True, size=16, color=SEEN, opacity=0.85).encode(
        x=x, y=alt.Y("observed:Q", scale=scale), tooltip=["time", "observed"]))  # fmt: skip
    return alt.layer(*layers).properties(width=width, height=118, title=heading_of(title, 70))


def residual_blocks(residuals: pl.DataFrame, checks: pl.DataFrame) -> list[Block]:
    """Return quantiles, correlation over occasions and course of the residuals, and what the checks say.

    Parameters
    ----------
    residuals : person, time (days), indicator, residual (standardised)
    checks : check, indicator, value, low, high, verdict
    """
    known = residuals.filter(pl.col("residual").is_finite())
    blocks: list[Block] = []
    names = [name for name in known["indicator"].unique(maintain_order=True).to_list()
             if len(known.filter(pl.col("indicator") == name)) > 2]  # fmt: skip
    if names:
        drawn = names[:CHECKED]
        parts = [_row(known.filter(pl.col("indicator") == name), name, name == drawn[-1]) for name in drawn]
        charts = [chart for part in parts for chart in part]
        whole = alt.concat(*charts, columns=3, spacing={"row": 62, "column": 58}, bounds="flush")
        caption = (
            "One-step-ahead residuals: what was seen less what was expected, in SD of that error. If the model is "
            "right, left the points follow the line and stay within the grey band (95 % of such samples, point by "
            "point), in the middle the bars stay within the dashed lines, right nothing but scatter is to be seen "
            "(line: running mean)."
        )
        caption += f" {CHECKED} of {len(names)} indicators are drawn." if len(names) > CHECKED else ""
        blocks.append(Figure(dress(whole.resolve_scale(x="independent", y="independent")), caption, "residual checks"))
    else:
        blocks.append(Text("There are no residuals to check."))
    if len(checks):
        shown = pl.DataFrame(
            {
                "indicator": [brief(row["indicator"], 60) if row["indicator"] else "All" for row in checks.to_dicts()],
                "check": [first_capital(str(row["check"])) for row in checks.to_dicts()],
                "value": [estimate_said(row["value"], row["low"], row["high"]) for row in checks.to_dicts()],
                "verdict": [first_capital(str(row["verdict"])) for row in checks.to_dicts()],
            }
        )
        headings = {"indicator": "Indicator", "check": "Check", "value": "Value (95 %)", "verdict": "Verdict"}
        wrong = shown[failed(checks.with_row_index("row"))["row"].to_list()] if len(shown) > OPEN else shown
        right = frozenset(("value",))
        if len(shown) > OPEN:
            blocks += [Table(wrong, "Checks that the model does not pass", headings, right)] if len(wrong) else []
            blocks.append(Table(shown, f"All {len(shown)} checks", headings, right, folded=True))
        else:
            blocks.append(Table(shown, "What the checks say", headings, right))
    return blocks


def _row(own: pl.DataFrame, name: str, bottom: bool) -> list[Any]:
    return [
        _quantiles(own, shorten(brief(name), 28), bottom),
        _over_occasions(own, "Correlation over occasions", bottom),
        _over_time(own, "Over time", bottom),
    ]


def _quantiles(own: pl.DataFrame, title: str, bottom: bool) -> alt.LayerChart:
    values = np.sort(own["residual"].to_numpy())
    count = len(values)
    at = evenly(range(count), POINTS)
    rank = np.array(at) + 1
    table = pl.DataFrame(
        {
            "normal": norm.ppf((rank - 0.375) / (count + 0.25)), "residual": values[at],
            "low": norm.ppf(beta.ppf(0.025, rank, count - rank + 1)),
            "high": norm.ppf(beta.ppf(0.975, rank, count - rank + 1)),
        }
    )  # fmt: skip
    reach = 1.05 * float(max(np.abs(table["normal"]).max(), np.abs(table["residual"]).max()))
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    minus = {"tickCount": 5, "labelExpr": "replace(datum.label, '-', '−')"}
    x = alt.X(
        "normal:Q", title="Expected (normal)" if bottom else None, scale=scale, axis=alt.Axis(grid=False, **minus)
    )
    y = alt.Y("residual:Q", title="Residual (SD)", scale=scale, axis=alt.Axis(**minus))
    base = alt.Chart(table)
    line = alt.Chart(pl.DataFrame({"normal": [-reach, reach]})).mark_line(color=QUIET, strokeWidth=1.2)
    layers: list[Any] = [
        base.mark_area(color="#d5dade", opacity=0.7, clip=True).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        line.encode(x=x, y=alt.Y("normal:Q", scale=scale)),
        base.mark_point(filled=True, size=14, color=AHEAD, opacity=0.8, clip=True).encode(x=x, y=y),
    ]
    return alt.layer(*layers).properties(width=190, height=150, title=heading_of(title, 40))


def correlations(own: pl.DataFrame, lags: int = LAGS) -> list[tuple[int, float, float]]:
    """Return lag in occasions, correlation of residuals within people, and half of the width of its 95 % bounds."""
    found = []
    series = [part.sort("time")["residual"].to_numpy() for _, part in own.group_by("person", maintain_order=True)]
    series = [one - one.mean() for one in series if len(one) > 2]
    whole = sum(float(one @ one) for one in series)
    for lag in range(1, lags + 1):
        pairs = sum(max(0, len(one) - lag) for one in series)
        if pairs < 10 or not whole:
            break
        made = sum(float(one[lag:] @ one[:-lag]) for one in series if len(one) > lag)
        found.append((lag, made / whole, 1.96 * pairs**0.5 / sum(map(len, series))))
    return found


def _over_occasions(own: pl.DataFrame, title: str, bottom: bool) -> alt.LayerChart:
    table = pl.DataFrame(correlations(own) or [(1, 0.0, 0.0)], schema=["lag", "value", "bound"], orient="row")
    table = table.with_columns(under=-pl.col("bound"))
    reach = max(0.22, 1.15 * float(max(table["value"].abs().max(), table["bound"].max())))  # type: ignore[type-var,arg-type]
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    far = max(table["lag"].to_list()) + 0.7
    axis = alt.Axis(grid=False, tickMinStep=1, tickCount=6)
    x = alt.X("lag:Q", title="Occasions between" if bottom else None, axis=axis,
              scale=alt.Scale(domain=[0.3, far], nice=False))  # fmt: skip
    y = alt.Y("value:Q", title=None, scale=scale,
              axis=alt.Axis(tickCount=5, format=".2~f", labelExpr="replace(datum.label, '-', '−')"))  # fmt: skip
    base = alt.Chart(table)
    layers: list[Any] = [base.mark_bar(color=AHEAD, width=8).encode(x=x, y=y)]
    line = base.mark_line(color=QUIET, strokeDash=[4, 4], strokeWidth=1.2)
    layers += [line.encode(x=x, y=alt.Y(f"{name}:Q", scale=scale)) for name in ("bound", "under")]
    layers.append(alt.Chart().mark_rule(color=QUIET).encode(y=alt.YDatum(0, scale=scale)))
    return alt.layer(*layers).properties(width=220, height=150, title=heading_of(title, 40))


def _over_time(own: pl.DataFrame, title: str, bottom: bool) -> alt.LayerChart:
    shown = thinned(own.sort("time"), 2 * POINTS).select("time", "residual")
    begin, end = float(own["time"].min()), float(own["time"].max())  # type: ignore[arg-type]
    reach = 1.08 * float(own["residual"].abs().max() or 1.0)  # type: ignore[arg-type]
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    x = alt.X("time:Q", title="Day" if bottom else None, axis=alt.Axis(grid=False, tickCount=5),
              scale=alt.Scale(domain=[begin, end if end > begin else begin + 1], nice=False))  # fmt: skip
    y = alt.Y(
        "residual:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5, labelExpr="replace(datum.label, '-', '−')")
    )
    slots = max(4, min(20, len(own) // 25))
    width = (end - begin) / slots or 1.0
    means = own.group_by(((pl.col("time") - begin) / width).floor().clip(0, slots - 1).alias("slot")).agg(
        pl.col("time").mean(), pl.col("residual").mean()).sort("slot")  # fmt: skip
    layers: list[Any] = [
        alt.Chart().mark_rule(color=QUIET).encode(y=alt.YDatum(0, scale=scale)),
        alt.Chart(shown).mark_point(filled=True, size=9, color=AHEAD, opacity=0.45).encode(x=x, y=y),
        alt.Chart(means).mark_line(color=LATER, strokeWidth=2).encode(x=x, y=y),
    ]
    return alt.layer(*layers).properties(width=240, height=150, title=heading_of(title, 40))
