"""A heat map of taxa in samples, with their trees and strips that say what the samples are."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from gutbrain.show.analysis_marks import key
from gutbrain.show.analysis_scene import FEW, UNKNOWN, VISITS, Scene
from gutbrain.show.analysis_words import taxa_said
from gutbrain.show.study_plots import evenly, said
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, QUIET

CELLS = 40  # taxa of a heat map
SAMPLES = 120  # samples of a heat map
TREE, BAND, TALL = 60, 11, 15  # sizes of trees, strips and rows, pixels


def heat_map(heat: pl.DataFrame, chosen: list[str], samples: pl.DataFrame, scene: Scene) -> Any:
    """Draw a heat map of centred log-ratios with trees of samples and taxa, and strips of arm and visit.

    Parameters
    ----------
    heat : sample, feature, clr
    chosen : features to draw
    samples : sample with its arm and visit, for the strips
    """
    from scipy.cluster.hierarchy import dendrogram, linkage

    drawn = evenly(heat["sample"].unique(maintain_order=True).to_list(), SAMPLES)
    heat = heat.filter(pl.col("feature").is_in(chosen) & pl.col("sample").is_in(drawn))
    kept = heat["feature"].unique(maintain_order=True).to_list()
    place = pl.col("feature").replace_strict({name: str(n) for n, name in enumerate(kept)})  # a taxon may be a "sample"
    wide = heat.with_columns(place).pivot("feature", index="sample", values="clr").drop_nulls()
    names, values = wide["sample"].to_list(), wide.drop("sample").to_numpy()
    taxa = list(taxa_said([kept[int(name)] for name in wide.columns[1:]], 36).values())
    values = values - values.mean(axis=0)
    steady = np.maximum(values.std(axis=0), 1e-12)
    of_samples = dendrogram(linkage(values, "average"), no_plot=True)
    of_taxa = dendrogram(linkage((values / steady).T, "average"), no_plot=True)
    columns, rows = of_samples["leaves"], of_taxa["leaves"]
    width, height = min(16.0, max(2.5, 560 / len(names))) * len(names), TALL * len(taxa)
    limit = float(np.quantile(np.abs(values), 0.98)) or 1.0
    table = pl.DataFrame(
        {
            "sample": [names[place] for place in columns for _ in rows],
            "taxon": [taxa[place] for _ in columns for place in rows],
            "clr": [float(values[column, row]) for column in columns for row in rows],
        }
    )
    order = [names[place] for place in columns]
    scale = alt.Scale(domain=[-limit, 0, limit], range=[ARM_COLOURS[0], "#f7f7f7", ARM_COLOURS[1]], clamp=True)
    x = alt.X("sample:N", sort=order, axis=None, scale=alt.Scale(padding=0))
    legend = alt.Legend(orient="bottom", gradientLength=220)
    axis = alt.Axis(orient="right", ticks=False, domain=False, labelLimit=260)
    squares = alt.Chart(table).mark_rect().encode(
        x=x, y=alt.Y("taxon:N", sort=[taxa[place] for place in rows], title=None, axis=axis),
        color=alt.Color("clr:Q", title="Centred log-ratio against the mean of the taxon", scale=scale, legend=legend),
    ).properties(width=width, height=height)  # fmt: skip
    blank = alt.Chart(pl.DataFrame({"v": [0]})).mark_point(opacity=0).encode()
    left = _tree(of_taxa, len(taxa), across=False).properties(width=TREE, height=height)
    keys: list[Any] = []
    strips: list[Any] = []
    for column, title in ((scene.design.arm, scene.arm), ("visit", "Visit")):
        if not column or column not in samples.columns or not 1 < samples[column].n_unique() <= max(FEW, VISITS):
            continue
        own = samples.select("sample", pl.col(column).cast(pl.String).fill_null(UNKNOWN).alias("level"))
        strip = pl.DataFrame({"sample": order}).join(
            own.unique("sample"), on="sample", how="left", maintain_order="left"
        )
        levels = scene.levels(column, strip["level"])
        shades = scene.colours(levels, column)
        colour = alt.Color("level:N", legend=None, scale=alt.Scale(domain=levels, range=shades))
        band = alt.Chart(strip).mark_rect().encode(x=x, color=colour).properties(width=width, height=BAND)
        strips.append(alt.hconcat(blank.properties(width=TREE, height=BAND), band, spacing=4))
        line = key(dict(zip(levels, shades, strict=True)), max(width, 420), said(title))
        keys.append(alt.hconcat(blank.properties(width=TREE, height=line.height), line, spacing=4))
    crown = _tree(of_samples, len(names), across=True).properties(width=width, height=TREE)
    parts = [*keys, alt.hconcat(blank.properties(width=TREE, height=TREE), crown, spacing=4), *strips]
    return dress(
        alt.vconcat(*parts, alt.hconcat(left, squares, spacing=4), spacing=4).resolve_scale(color="independent")
    )


def _tree(tree: dict[str, Any], count: int, across: bool) -> alt.Chart:
    """Draw the lines of a tree; leaves stand where the cells of the map stand."""
    at, heights = np.array(tree["icoord"]) / 10, np.array(tree["dcoord"])
    rows = [
        (number, order, float(place), float(height))
        for number, (places, tall) in enumerate(zip(at, heights, strict=True))
        for order, (place, height) in enumerate(zip(places, tall, strict=True))
    ]
    table = pl.DataFrame(rows, schema=["join", "order", "place", "height"], orient="row")
    if across:
        x, y = alt.X("place:Q", axis=None, scale=alt.Scale(domain=[0, count], nice=False)), alt.Y("height:Q", axis=None)
    else:
        x = alt.X("height:Q", axis=None, scale=alt.Scale(reverse=True))
        y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[0, count], reverse=True, nice=False))
    line = alt.Chart(table).mark_line(color=QUIET, strokeWidth=0.8, interpolate="linear")
    return line.encode(x=x, y=y, detail="join:N", order="order:Q")
