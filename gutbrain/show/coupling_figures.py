"""Figures of a coupling's numbers: which way it runs, drift, variance explained, people, what the data moved."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.show.analysis_marks import forest, heading_of, key, longest, panels, some, wrapped
from gutbrain.show.analysis_words import estimate_said, fixed
from gutbrain.show.coupling_words import DOWN, ERROR, INPUTS, ITSELF, UP, Names, brief, percent, person_said, said
from gutbrain.show.page import Block, Figure, Table, Text
from gutbrain.show.study_plots import shorten
from gutbrain.show.theme import dress
from gutbrain.show.words import INK, PAPER, QUIET

PEOPLE, PANELS, PAIRS, MOVED = 30, 4, 8, 24  # at most: people of a panel, panels, pairs of processes, parameters
CELL, TALL = 116, 62  # of the drift matrix, pixels
BELIEVED = "#e3e7ea"
WIDE, LEAST = 620, 0.06  # of bars, pixels; the smallest share with a number
OTHERS = {"inputs": INPUTS, "time of day and trend": "#cc79a7", "within people": "#5b7690", "between people": "#b9c4ce",
          "error": ERROR}  # fmt: skip
CALLED = {"itself": "Itself", "inputs": "Inputs", "time of day and trend": "Time of day and trend", "error": "Error",
          "within people": "Within people", "between people": "Between people"}  # fmt: skip
DARK = frozenset((UP, DOWN, "#332288", INPUTS, "#8a6d00", "#444444", "#882255", "#5b7690", QUIET))
PER_CENT = "replace(format(100 * datum.value, '.0f'), '-', '−') + ' %'"
SIGNED = ("drift", "impulse", "level", "predictor")  # kinds of parameters of which 0 means something


def direction_figure(names: Names, directions: pl.DataFrame) -> list[Block]:
    """Return both effects of each pair beside each other, with the probability that one is the larger.

    Parameters
    ----------
    directions : gut, mind, lag, gut_to_mind, mind_to_gut with `_low` and `_high`, probability
    """
    if directions.is_empty():
        return []
    rows = directions.head(PAIRS).to_dicts()
    shown = pl.DataFrame(
        [
            (f"{brief(row[by])} → {brief(row[to])}", row[way], row[f"{way}_low"], row[f"{way}_high"], tint)
            for row in rows
            for by, to, way, tint in (("gut", "mind", "gut_to_mind", UP), ("mind", "gut", "mind_to_gut", DOWN))
        ],
        schema={"label": pl.String, **dict.fromkeys(("estimate", "low", "high"), pl.Float64), "tint": pl.String},
        orient="row",
    )  # fmt: skip
    shown = shown.filter(pl.col("estimate").is_finite()).with_columns(pl.col("low", "high").fill_nan(None))
    if shown.is_empty():
        return []
    chart = forest(shown, "Standardised effect (SD per SD)", width=420, row=24)
    left = f" {PAIRS} of {len(directions)} pairs are drawn." if len(directions) > PAIRS else ""
    caption = (
        "Both effects of each pair, each at the lag at which it is largest, with 95 % intervals. Orange: gut to mind; "
        f"blue: mind to gut. The intervals of two effects may overlap although their difference is sure.{left}"
    )
    return [Figure(dress(chart), caption, "which way")]


def drift_figure(names: Names, parameters: pl.DataFrame) -> list[Block]:
    """Return the drift matrix as a map: rows are moved, columns move.

    Parameters
    ----------
    parameters : parameter, kind, estimate, low, high
    """
    known = {row["parameter"]: row for row in parameters.filter(pl.col("kind") == "drift").to_dicts()}
    spread = stationary_sd(names.model, parameters)
    rows = []
    for to in names.processes:
        for by in names.processes:
            row = known.get(f"drift[{to}, {by}]")
            if row is None:
                continue
            size = row["estimate"] * spread[by] / spread[to] if spread else row["estimate"]
            text, _, span = estimate_said(row["estimate"], row["low"], row["high"]).partition(" (")
            held = row.get("held", False)
            rows.append((brief(to, 28), brief(by, 28), None if to == by else float(size), text,
                         "held" if held else span.rstrip(")")))  # fmt: skip
    if not rows:
        return []
    table = pl.DataFrame(rows, schema={"to": pl.String, "by": pl.String, "size": pl.Float64, "text": pl.String,
                                       "span": pl.String}, orient="row")  # fmt: skip
    order = [brief(name, 28) for name in names.processes]
    lines = max(len(wrap(name, 17)) for name in order)
    x = alt.X("by:N", sort=order, title="What moves", axis=alt.Axis(
        orient="top", labelAngle=0, labelExpr=_lines(order, 17), ticks=False, domain=False, labelLimit=CELL,
        labelOverlap=False, labelBaseline="top", labelPadding=15 * lines, titlePadding=4))  # fmt: skip
    y = alt.Y("to:N", sort=order, title="What is moved", axis=alt.Axis(ticks=False, domain=False, labelLimit=200,
                                                                 labelExpr=_lines(order, 18)))  # fmt: skip
    most = float(table["size"].abs().max() or 1.0)  # type: ignore[arg-type]
    scale = alt.Scale(domain=[-most, 0, most], range=["#5aa2d4", "#f7f7f7", "#e08a4a"], clamp=True)
    what = "Standardised rate a day (SD per SD)" if spread else "Rate a day"
    legend = alt.Legend(orient="bottom", gradientLength=240, format=".2~f")
    base, crossed = alt.Chart(table).encode(x=x, y=y), table.filter(pl.col("size").is_not_null())
    layers: list[Any] = [base.mark_rect(color="#e9edf0", stroke=PAPER, strokeWidth=2)]
    if len(crossed):
        fill = alt.Color("size:Q", title=what, scale=scale, legend=legend)
        layers.append(alt.Chart(crossed).mark_rect(stroke=PAPER, strokeWidth=2).encode(x=x, y=y, color=fill))
    layers += [
        base.mark_text(fontSize=13.5, fontWeight=600, color=INK, dy=-7).encode(text="text:N"),
        base.mark_text(fontSize=11, color=INK, dy=10).encode(text="span:N"),
    ]
    chart = alt.layer(*layers).properties(width=CELL * len(order), height=TALL * len(order))
    caption = (
        "The drift matrix: how fast each process (row) changes, per day, for each unit by which another one (column) "
        "stands above its rest; 95 % intervals. On the diagonal, grey: how fast a process returns by itself. "
        "Orange raises, blue lowers; the colour tells the effect in SD, so that cells can be compared."
    )
    return [Figure(dress(chart), caption, "drift matrix")]


def stationary_sd(model: CouplingModel, parameters: pl.DataFrame) -> dict[str, float]:
    """Return the SD of each process around a person's own mean; nothing where a process does not settle.

    Parameters
    ----------
    parameters : parameter, estimate; natural scale
    """
    from scipy.linalg import solve_continuous_lyapunov

    value = dict(parameters.select("parameter", "estimate").iter_rows())
    names = [one.name for one in model.processes]
    drift = np.array([[value.get(f"drift[{to}, {by}]", np.nan) for by in names] for to in names], float)
    spreads = np.array([value.get(f"noise[{name}]", np.nan) for name in names], float)
    if not (np.isfinite(drift).all() and np.isfinite(spreads).all()) or np.linalg.eigvals(drift).real.max() >= 0:
        return {}
    factor = np.eye(len(names))
    for row in range(1, len(names)):  # partial correlations, as in `gutbrain.fit.coupling.matrices.cholesky_of`
        left = 1.0
        for column in range(row):
            partial = value.get(f"noise_correlation[{names[row]}, {names[column]}]", 0.0)
            factor[row, column], left = partial * left, left * np.sqrt(1 - partial**2)
        factor[row, row] = left
    noise = spreads[:, None] * (factor @ factor.T) * spreads
    variance = np.diag(solve_continuous_lyapunov(drift, -noise))
    return dict(zip(names, np.sqrt(variance).tolist(), strict=True)) if (variance > 0).all() else {}


def explained_figure(names: Names, explained: pl.DataFrame) -> list[Block]:
    """Return stacked bars: from where the variance of each process comes, and of each indicator.

    Parameters
    ----------
    explained : process, source, share, low, high, and `indicator`, empty where a process is shared out
    """
    known = explained.filter(pl.col("share").is_finite())
    if known.is_empty():
        return [Text("How much of the variance comes from where could not be told from this fit.")]
    if "indicator" not in known.columns:
        known = known.with_columns(pl.lit("").alias("indicator"))
    blocks: list[Block] = []
    hidden, seen = known.filter(pl.col("indicator") == ""), known.filter(pl.col("indicator") != "")
    if len(hidden):
        caption = (
            "From where the variance of each process within people comes. The share of another process is what would "
            "vanish if its effect were cut; itself: what would be left without any effect of others."
        )
        if len(names.processes) > 2:
            caption += " With more than two processes shares need not add up to all."
        if (hidden["share"] < 0).any():
            caption += " Left of 0: without this effect the process would vary more, so it steadies it."
        chart = _stacked(names, hidden, "process", "Share of the variance within people")
        blocks.append(Figure(chart, caption, "variance explained"))
    if len(seen):
        caption = (
            "Of what was seen: variance that the processes explain within people, lasting differences between people, "
            "and error of measurement with all that is gone by the next occasion."
        )
        chart = _stacked(names, seen, "indicator", "Share of the variance of what was seen")
        blocks.append(Figure(chart, caption, "variance of what was seen"))
    shown = pl.DataFrame(
        {
            "process": [
                said(row["indicator"] or row["process"]) + ", as seen" * bool(row["indicator"])
                for row in known.to_dicts()
            ],
            "source": [CALLED.get(name, said(name)) for name in known["source"].to_list()],
            "share": [shares_said(row) for row in known.to_dicts()],
        }
    )
    headings = {"process": "Variance of", "source": "Comes from", "share": "Share (95 % interval)"}
    return [*blocks, Table(shown, "Shares with their intervals", headings, frozenset(("share",)), folded=True)]


def _stacked(names: Names, known: pl.DataFrame, of: str, title: str) -> Any:
    """Draw one bar a process or indicator; negative shares stand left of 0."""
    shades = {"itself": ITSELF, **names.colour, **OTHERS}
    present = known["source"].unique(maintain_order=True).to_list()
    order = [name for name in shades if name in present] + [name for name in present if name not in shades]
    keys = {CALLED.get(name, brief(name)): shades.get(name, QUIET) for name in order}
    rows: list[tuple[Any, ...]] = []
    for row in known[of].unique(maintain_order=True).to_list():
        own, right, left = known.filter(pl.col(of) == row), 0.0, 0.0
        for name in order:
            for share in own.filter(pl.col("source") == name)["share"].to_list():
                start = right if share >= 0 else left
                tint = shades.get(name, QUIET)
                text = percent(share) if share >= LEAST else ""
                rows.append((brief(row), CALLED.get(name, brief(name)), start, start + share, start + share / 2, text,
                             tint, PAPER if tint in DARK else INK))  # fmt: skip
                right, left = (right + share, left) if share >= 0 else (right, left + share)
    schema = ["row", "source", "from", "to", "middle", "text", "tint", "ink"]
    table = pl.DataFrame(rows, schema=schema, orient="row")
    least, most = min(0.0, float(table["to"].min())), max(1.0, float(table["to"].max()))  # type: ignore[arg-type]
    labels = table["row"].unique(maintain_order=True).to_list()
    y = alt.Y("row:N", sort=labels, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=260))
    x = alt.X("from:Q", title=title, scale=alt.Scale(domain=[least, most], nice=False),
              axis=alt.Axis(tickCount=6, labelExpr=PER_CENT))  # fmt: skip
    base = alt.Chart(table)
    bars = base.mark_bar(height=26, stroke=PAPER, strokeWidth=1).encode(
        x=x, x2="to:Q", y=y, color=alt.Color("tint:N", scale=None), tooltip=["row", "source", "text"])  # fmt: skip
    text = base.mark_text(fontSize=12).encode(x="middle:Q", y=y, text="text:N", color=alt.Color("ink:N", scale=None))
    zero = [alt.Chart().mark_rule(color=QUIET).encode(x=alt.datum(0))] if least < 0 else []
    body = alt.layer(bars, *zero, text).properties(width=WIDE, height=38 * len(labels))
    whole = alt.vconcat(key(keys, WIDE), body, spacing=10, bounds="flush")
    return dress(whole.resolve_scale(y="independent", x="independent"))


def shares_said(row: dict[str, Any]) -> str:
    """Return a share in per cent with its interval."""
    share, low, high = (row[name] for name in ("share", "low", "high"))
    if low is None or high is None or not (np.isfinite(low) and np.isfinite(high)):
        return f"{fixed(100 * share, 1)} %"
    return f"{fixed(100 * share, 1)} % ({fixed(100 * low, 1)} to {fixed(100 * high, 1)})"


def person_figure(names: Names, persons: pl.DataFrame, parameters: pl.DataFrame) -> list[Block]:
    """Return each person's own values in the order of their size, beside that of the population.

    Parameters
    ----------
    persons : person, parameter, estimate, low, high
    parameters : parameter, kind, estimate, low, high
    """
    if persons.is_empty():
        return [Text("In this model nobody has a value of his own: all people share every parameter, so there is "
                     "nothing to tell of single people.")]  # fmt: skip
    whole = {row["parameter"]: row for row in parameters.to_dicts()}
    rank = {"drift": 0, "impulse": 1, "level": 1, "noise": 2, "mean": 4}
    listed = persons["parameter"].unique(maintain_order=True).to_list()
    listed.sort(key=lambda name: (rank.get(whole.get(name, {}).get("kind", ""), 3), _diagonal(name)))
    made, letters, left = [], 0, ""
    for name in listed[:PANELS]:
        own = persons.filter(pl.col("parameter") == name, pl.col("estimate").is_finite()).sort("estimate", "person")
        kept, left = some(own["person"].to_list(), PEOPLE, "people")
        own = own.filter(pl.col("person").is_in(kept))
        labels = [shorten(person_said(one), 24) for one in own["person"].to_list()]
        letters = max(letters, longest(labels))
        shown = own.select("estimate", "low", "high").with_columns(pl.Series("label", labels))
        made.append(_caterpillar(shown, names.parameter(name), whole.get(name)))
    caption = (
        "Each person's own value with a 95 % interval, in the order of size. They are drawn towards the population "
        "(line; shaded: 95 % interval of its value) the more, the less a person's series tells."
    )
    caption += left + (f" {PANELS} of {len(listed)} parameters are drawn; all stand in tables/persons.csv."
                       if len(listed) > PANELS else "")  # fmt: skip
    blocks: list[Block] = [Figure(panels(made, letters, 2, row=92), caption, "people")]
    if not any("drift[" in name and not _diagonal(name) for name in listed):
        blocks.append(Text("No effect of one process on another was allowed to vary, so everybody shares the coupling "
                           "above; people differ in what is drawn here."))  # fmt: skip
    return blocks


def _caterpillar(shown: pl.DataFrame, title: str, whole: dict[str, Any] | None) -> alt.LayerChart:
    values = [*shown["low"].to_list(), *shown["high"].to_list(), *shown["estimate"].to_list()]
    values += [whole[name] for name in ("estimate", "low", "high")] if whole else []
    values = [value for value in values if value is not None and np.isfinite(value)]
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.1
    low, high = low - pad, high + pad
    axis = "Value a day" if whole and whole["kind"] == "drift" else "Value"
    shown = shown.with_columns(pl.col("low", "high").fill_nan(None))
    chart = forest(shown, axis, zero=None, domain=[low, high], width=290, heading=title, row=16)
    scale = alt.Scale(domain=[low, high], nice=False)
    under: list[Any] = []
    if whole and np.isfinite(whole["low"]) and np.isfinite(whole["high"]):
        band = alt.Chart(pl.DataFrame({"low": [whole["low"]], "high": [whole["high"]]}))
        under.append(band.mark_rect(color=BELIEVED, clip=True).encode(x=alt.X("low:Q", scale=scale), x2="high:Q"))
    if whole:
        under.append(
            alt.Chart().mark_rule(color=INK, strokeWidth=1.4).encode(x=alt.XDatum(whole["estimate"], scale=scale))
        )
    if low < 0 < high and whole and whole["kind"] in SIGNED:
        under.append(alt.Chart().mark_rule(color=QUIET, strokeDash=[4, 4]).encode(x=alt.XDatum(0, scale=scale)))
    return alt.layer(*under, *chart.layer).properties(width=290, height=chart.height, title=heading_of(title, 46))


def _diagonal(name: str) -> bool:
    inside = name.partition("[")[2].rstrip("]")
    half = (len(inside) - 2) // 2
    return name.startswith("drift[") and inside[:half] == inside[half + 2 :]


def moved_figure(names: Names, moved: pl.DataFrame) -> list[Block]:
    """Return what was believed of each parameter before, as a band from −1 to 1, and what was found.

    Parameters
    ----------
    moved : parameter, prior, prior_low, prior_high, estimate, low, high, said
    """
    if moved.is_empty():
        return [Text("No prior was given: nothing but the data speaks in these numbers.")]
    # Beliefs of what is positive reach further up than down: each side is measured by its own end.
    above, below = pl.col("prior_high") - pl.col("prior"), pl.col("prior") - pl.col("prior_low")
    scaled = moved.with_columns(
        ((pl.col(name) - pl.col("prior")) / pl.when(pl.col(name) >= pl.col("prior")).then(above).otherwise(below))
        .fill_nan(None)
        .alias(f"{name}_moved")
        for name in ("estimate", "low", "high")
    ).filter(pl.col("estimate_moved").is_finite())
    if scaled.is_empty():
        return [
            Text(
                "The prior has no finite interval, so what the data moved is not drawn; it stands in tables/moved.csv."
            )
        ]
    kept = scaled.sort(pl.col("estimate_moved").abs(), descending=True).head(MOVED)
    labels = [shorten(names.parameter(name), 52) for name in kept["parameter"].to_list()]
    surprising = kept.select(((pl.col("low_moved") > 1) | (pl.col("high_moved") < -1)).alias("out"))["out"].to_list()
    shown = kept.select(estimate="estimate_moved", low="low_moved", high="high_moved").with_columns(
        pl.Series("label", labels),
        pl.Series("tint", [UP if out else DOWN for out in surprising]))  # fmt: skip
    values = [*shown["estimate"].to_list(), *shown["low"].fill_nan(None).drop_nulls().to_list(),
              *shown["high"].fill_nan(None).drop_nulls().to_list()]  # fmt: skip
    domain = [min(-1.15, *values) - 0.1, max(1.15, *values) + 0.1]
    chart = forest(shown, "Distance from the middle of the prior (±1: its 95 %)", width=420, domain=domain)
    band = alt.Chart(pl.DataFrame({"low": [-1.0], "high": [1.0]})).mark_rect(color=BELIEVED, clip=True)
    low = alt.X("low:Q", scale=alt.Scale(domain=domain, nice=False))
    whole = alt.layer(band.encode(x=low, x2="high:Q"), *chart.layer).properties(width=420, height=chart.height)
    caption = (
        "Grey: what was believed before (95 %). Dots: what is believed with the data, with 95 % intervals; those much "
        "narrower than the grey band were taught by the data, those as wide as it only repeat the prior. "
        "Orange: the whole interval lies outside of what was believed."
    )
    caption += f" The {MOVED} parameters of {len(scaled)} that moved most." if len(scaled) > MOVED else ""
    rows = moved.to_dicts()
    table = pl.DataFrame(
        {
            "parameter": [names.parameter(row["parameter"]) for row in rows],
            "prior": [estimate_said(row["prior"], row["prior_low"], row["prior_high"]) for row in rows],
            "estimate": [estimate_said(row["estimate"], row["low"], row["high"]) for row in rows],
            "said": [str(row["said"] or "") for row in rows],
        }
    )
    headings = {"parameter": "Parameter", "prior": "Before (95 %)", "estimate": "With the data (95 %)"}
    headings |= {"said": "What that says"} if any(table["said"].to_list()) else {}
    return [
        Figure(dress(whole), caption, "what the data moved"),
        Table(table, "Before and after", headings, folded=True),
    ]


def _lines(labels: list[str], most: int) -> str:
    """Return an expression that sets labels on as many lines as they need."""
    return f"{json.dumps({name: wrapped(name, most) for name in labels})}[datum.label]"
