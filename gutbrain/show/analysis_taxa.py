"""Figures of taxa tested one by one: volcano, forest over the choices that were made, heat map with its tree."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_ordination import levels
from gutbrain.show.analysis_words import term_said
from gutbrain.show.labels import place_labels
from gutbrain.show.page import Block, Figure, Table
from gutbrain.show.study_plots import GREY, counted_said, evenly, shorten
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK, LINES, QUIET

UP, DOWN = ARM_COLOURS[1], ARM_COLOURS[0]
LEVEL = 0.05
NAMED = 14  # taxa that the volcano names
ROWS = 24  # taxa of a forest plot
CELLS = 40  # taxa of a heat map
SAMPLES = 120  # samples of a heat map
WIDTH, HEIGHT = 560, 400


def taxa_blocks(step: Step, done: Done, design: Design) -> list[Block]:
    """Return the figures of a step on taxa, one volcano and one forest a term."""
    taxa = done.tables.get("taxa", pl.DataFrame())
    if taxa.is_empty():
        return []
    blocks: list[Block] = []
    leading = taxa["choice"][0]
    for (term,), rows in taxa.group_by("term", maintain_order=True):
        first = rows.filter(
            (pl.col("choice") == leading) & pl.col("estimate").is_not_null() & pl.col("p").is_not_null()
        )
        if first.is_empty():
            continue
        name = f"{step.name}, {term}"
        tested = counted_said(len(first), "taxon")
        blocks.append(
            Figure(
                volcano(first, str(term)),
                f"{tested} by {leading}: size and certainty of {term_said(str(term))}. Coloured: q below {LEVEL:g} "
                f"({int((first['q'] < LEVEL).sum())}). The line marks p = {LEVEL:g} before correction.",
                f"{name}, volcano",
            )
        )
        blocks.append(
            Figure(
                forest(rows, str(term), leading),
                f"The {min(ROWS, len(first))} taxa with the smallest p: estimate and {design.confidence:.0%} interval "
                f"by {leading}; small marks: the estimates by the other choices. Filled: q below {LEVEL:g}.",
                f"{name}, forest",
            )
        )
    agreement = done.tables.get("agreement", pl.DataFrame())
    if not agreement.is_empty():
        shown = agreement.filter(pl.col("verdict") != "not found").sort("significant", descending=True).head(30)
        if len(shown):
            headings = {"feature": "Taxon", "term": "Term", "significant": "Choices with q < 0.05", "choices": "of",
                        "same_sign": "Same sign, share", "estimate_low": "Smallest", "estimate_high": "Largest",
                        "verdict": "Verdict"}  # fmt: skip
            caption = "How far a finding depends on the treatment of zeros, the normalisation and the model"
            blocks.append(Table(shown, caption, headings))
    heat = done.tables.get("heatmap", pl.DataFrame())
    if not heat.is_empty() and heat["feature"].n_unique() > 2 and heat["sample"].n_unique() > 2:
        ordered = _smallest(taxa.filter(pl.col("choice") == leading))
        blocks.append(
            Figure(
                heat_map(heat, ordered[:CELLS], done.tables.get("samples"), design),
                f"Centred log-ratio of the {min(CELLS, len(ordered))} taxa with the smallest p, against the mean of "
                f"each taxon, in {_samples_said(heat)}; both ordered by average linkage of Euclidean distances "
                "(taxa by correlation).",
                f"{step.name}, heat map",
            )
        )
    return blocks


def volcano(rows: pl.DataFrame, term: str) -> alt.LayerChart:
    """Draw log2 fold against p of one choice; labels do not collide.

    Parameters
    ----------
    rows : feature, estimate (log2), p, q
    """
    table = rows.with_columns(
        (-pl.col("p").clip(1e-300).log(10)).alias("evidence"),
        pl.when(pl.col("q").fill_null(1.0) >= LEVEL).then(pl.lit("not found"))
        .when(pl.col("estimate") > 0).then(pl.lit("higher")).otherwise(pl.lit("lower")).alias("found"),
    ).select("feature", "estimate", "evidence", "found", "p", "q")  # fmt: skip
    widest = max(float(np.abs(table["estimate"].to_numpy()).max()) * 1.15, 0.1)
    tallest = max(float(table["evidence"].to_numpy().max()) * 1.12, 1.6)
    across = (table["estimate"].to_numpy() + widest) / (2 * widest) * WIDTH
    up = table["evidence"].to_numpy() / tallest * HEIGHT
    wanted = [int(place) for place in np.argsort(-table["evidence"].to_numpy())[:NAMED]]
    texts = [shorten(name, 34) for name in table["feature"].to_list()]
    labels = place_labels(across, up, texts, wanted, WIDTH, HEIGHT)
    title = f"{term_said(' '.join(term.split()))}, log2 fold"
    x = alt.X("estimate:Q", title=title, scale=alt.Scale(domain=[-widest, widest], nice=False))
    y = alt.Y("evidence:Q", title="−log10 p", scale=alt.Scale(domain=[0, tallest], nice=False))
    colour = alt.Color(
        "found:N", title=None, scale=alt.Scale(domain=["lower", "higher", "not found"], range=[DOWN, UP, GREY])
    )
    tips = ["feature", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("estimate", "p", "q"))]
    shape = alt.Shape("found:N", title=None, scale=alt.Scale(
        domain=["lower", "higher", "not found"], range=["triangle-down", "triangle-up", "circle"]))  # fmt: skip
    points = alt.Chart(table).mark_point(filled=True, size=52, opacity=0.9).encode(
        x=x, y=y, color=colour, shape=shape, tooltip=tips)  # fmt: skip
    level = alt.Chart().mark_rule(color=QUIET, strokeDash=[4, 4]).encode(y=alt.datum(-float(np.log10(LEVEL))))
    middle = alt.Chart().mark_rule(color=LINES).encode(x=alt.datum(0))
    layers = [middle, level, points]
    if labels:
        said = pl.DataFrame(
            [(one.text, one.x, one.y, *one.edge, one.anchor_x, one.anchor_y, one.far) for one in labels],
            schema=["text", "x", "y", "from_x", "from_y", "to_x", "to_y", "far"], orient="row",
        ).with_columns(
            *(pl.col(name) / WIDTH * 2 * widest - widest for name in ("x", "from_x", "to_x")),
            *(pl.col(name) / HEIGHT * tallest for name in ("y", "from_y", "to_y")),
        )  # fmt: skip
        line = alt.Chart(said.filter("far")).mark_rule(color=LINES)
        leading = line.encode(x="from_x:Q", y="from_y:Q", x2="to_x:Q", y2="to_y:Q")
        text = (
            alt.Chart(said).mark_text(fontSize=11, color=INK, baseline="middle").encode(x="x:Q", y="y:Q", text="text:N")
        )
        layers = [middle, level, leading, points, text]
    return dress(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def forest(rows: pl.DataFrame, term: str, leading: str) -> alt.LayerChart:
    """Draw estimates with intervals by the leading choice, and the other choices as small marks."""
    known = rows.filter(pl.col("estimate").is_not_null())
    chosen = _smallest(known.filter(pl.col("choice") == leading))[:ROWS]
    table = known.filter(pl.col("feature").is_in(chosen)).with_columns(
        pl.col("feature").map_elements(lambda name: shorten(name, 46), return_dtype=pl.String).alias("taxon"),
        pl.when(pl.col("q").fill_null(1.0) < LEVEL).then(pl.lit("below 0.05")).otherwise(pl.lit("0.05 or above"))
        .alias("q is"),
    ).select("taxon", "choice", "estimate", "low", "high", "q is", "p", "q")  # fmt: skip
    first = table.filter(pl.col("choice") == leading)
    order = first.sort("estimate", descending=True)["taxon"].to_list()
    y = alt.Y("taxon:N", sort=order, title=None, axis=alt.Axis(labelLimit=330, grid=True, ticks=False))
    x = alt.X("estimate:Q", title=f"{term_said(' '.join(term.split()))}, log2 fold")
    tips = ["taxon", "choice", *(alt.Tooltip(f"{n}:Q", format=".3g") for n in ("estimate", "low", "high", "p", "q"))]
    zero = alt.Chart().mark_rule(color=QUIET).encode(x=alt.datum(0))
    bars = alt.Chart(first).mark_rule(color=DOWN, strokeWidth=2.2).encode(x=alt.X("low:Q"), x2="high:Q", y=y)
    fill = alt.Fill(
        "q is:N", title="q", scale=alt.Scale(domain=["below 0.05", "0.05 or above"], range=[DOWN, "#ffffff"])
    )
    points = alt.Chart(first).mark_point(size=64, stroke=DOWN, strokeWidth=1.8, opacity=1).encode(
        x=x, y=y, fill=fill, tooltip=tips)  # fmt: skip
    others = alt.Chart(table.filter(pl.col("choice") != leading)).mark_tick(
        color=UP, thickness=2, size=11, opacity=0.75).encode(x=x, y=y, tooltip=tips)  # fmt: skip
    return dress(alt.layer(zero, bars, others, points).properties(width=430, height=max(90, 21 * len(order))))


def heat_map(heat: pl.DataFrame, chosen: list[str], samples: pl.DataFrame | None, design: Design) -> Any:
    """Draw a heat map of centred log-ratios with trees of samples and taxa, and a strip of what the samples are.

    Parameters
    ----------
    heat : sample, feature, clr
    chosen : features to draw
    samples : sample with its arm and visit, for the strip
    """
    from scipy.cluster.hierarchy import dendrogram, linkage

    drawn = evenly(heat["sample"].unique(maintain_order=True).to_list(), SAMPLES)
    heat = heat.filter(pl.col("feature").is_in(chosen) & pl.col("sample").is_in(drawn))
    # Taxa may be called like any column, so the map is filled by place.
    names, known = (heat[name].unique(maintain_order=True).to_list() for name in ("sample", "feature"))
    values = np.full((len(names), len(known)), np.nan)
    at = [heat[name].replace_strict(own, range(len(own)), return_dtype=pl.Int64).to_numpy()
          for name, own in (("sample", names), ("feature", known))]  # fmt: skip
    values[at[0], at[1]] = heat["clr"].to_numpy()
    whole = np.isfinite(values).all(axis=1)
    names, values = [name for name, there in zip(names, whole, strict=True) if there], values[whole]
    taxa = _distinct([shorten(" ".join(name.split()), 34) for name in known])
    values = values - values.mean(axis=0)
    steady = np.maximum(values.std(axis=0), 1e-12)
    of_samples = dendrogram(linkage(values, "average"), no_plot=True)
    of_taxa = dendrogram(linkage((values / steady).T, "average"), no_plot=True)
    columns, rows = of_samples["leaves"], of_taxa["leaves"]
    cell = min(16.0, max(2.5, 620 / len(names)))
    wide_px, tall_px = cell * len(names), 15 * len(taxa)
    limit = float(np.quantile(np.abs(values), 0.98)) or 1.0
    table = pl.DataFrame(
        {
            "sample": [names[place] for place in columns for _ in rows],
            "taxon": [taxa[place] for _ in columns for place in rows],
            "clr": [float(values[column, row]) for column in columns for row in rows],
        }
    )
    scale = alt.Scale(domain=[-limit, 0, limit], range=[ARM_COLOURS[0], "#f7f7f7", ARM_COLOURS[1]], clamp=True)
    sort_x, sort_y = [names[place] for place in columns], [taxa[place] for place in rows]
    x = alt.X("sample:N", sort=sort_x, axis=None, scale=alt.Scale(padding=0))
    squares = alt.Chart(table).mark_rect().encode(
        x=x,
        y=alt.Y("taxon:N", sort=sort_y, title=None,
                axis=alt.Axis(orient="right", ticks=False, domain=False, labelLimit=260)),
        color=alt.Color("clr:Q", title="CLR against the mean of the taxon", scale=scale,
                        legend=alt.Legend(orient="bottom", gradientLength=220)),
    ).properties(width=wide_px, height=tall_px)  # fmt: skip
    top = _tree(of_samples, len(names), across=True).properties(width=wide_px, height=60)
    left = _tree(of_taxa, len(taxa), across=False).properties(width=60, height=tall_px)
    blank = alt.Chart(pl.DataFrame({"v": [0]})).mark_point(opacity=0).encode().properties(width=60, height=60)
    parts: list[Any] = [alt.hconcat(blank, top, spacing=4)]
    for column in ("visit", design.arm):
        if samples is not None and column and column in samples.columns and samples[column].n_unique() > 1:
            own = samples.select("sample", pl.col(column).cast(pl.String).fill_null("not known").alias(column))
            strip = pl.DataFrame({"sample": sort_x}).join(own, on="sample", how="left")
            domain = levels(strip, column, design)
            shades = (
                ("#c9d3dc", "#52606d", "#8a6d00", "#009e73", "#cc79a7", "#56b4e9") if column == "visit" else ARM_COLOURS
            )
            drawn = alt.Chart(strip).mark_rect().encode(
                x=x,
                color=alt.Color(f"{column}:N", title=None, legend=alt.Legend(
                    orient="right", direction="horizontal", offset=4, padding=0, rowPadding=0), scale=alt.Scale(
                    domain=domain, range=[shades[n % len(shades)] for n in range(len(domain))])),
            ).properties(width=wide_px, height=11)  # fmt: skip
            parts.append(alt.hconcat(blank.properties(height=11), drawn, spacing=4))
    parts.append(alt.hconcat(left, squares, spacing=4))
    return dress(alt.vconcat(*parts, spacing=4).resolve_scale(color="independent"))


def _distinct(names: list[str]) -> list[str]:
    """Number the names that became the same by shortening."""
    return [f"{name} ({names[:place].count(name) + 1})" if name in names[:place] else name
            for place, name in enumerate(names)]  # fmt: skip


def _samples_said(heat: pl.DataFrame) -> str:
    count = heat["sample"].n_unique()
    return counted_said(count, "sample") if count <= SAMPLES else f"{SAMPLES} of {count:,} samples, evenly picked"


def _tree(tree: dict[str, Any], count: int, across: bool) -> alt.Chart:
    """Draw the lines of a tree; leaves stand where the cells of the map stand."""
    at, heights = np.array(tree["icoord"]) / 10, np.array(tree["dcoord"])
    rows = [
        (number, order, float(place), float(height))
        for number, (places, tall) in enumerate(zip(at, heights, strict=True))
        for order, (place, height) in enumerate(zip(places, tall, strict=True))
    ]
    table = pl.DataFrame(rows, schema=["join", "order", "place", "height"], orient="row")
    along = alt.Scale(domain=[0, count], nice=False)
    if across:
        x, y = alt.X("place:Q", axis=None, scale=along), alt.Y("height:Q", axis=None)
    else:
        x = alt.X("height:Q", axis=None, scale=alt.Scale(reverse=True))
        y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[0, count], reverse=True, nice=False))
    return alt.Chart(table).mark_line(color=QUIET, strokeWidth=0.8, interpolate="linear").encode(
        x=x, y=y, detail="join:N", order="order:Q")  # fmt: skip


def _smallest(rows: pl.DataFrame) -> list[str]:
    """Return features by their smallest p."""
    best = rows.group_by("feature", maintain_order=True).agg(pl.col("p").min()).sort("p", nulls_last=True)
    return best["feature"].to_list()
