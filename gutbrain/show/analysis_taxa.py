"""Figures of taxa tested one by one: volcano, forest over the choices that were made, heat map."""

from __future__ import annotations

import altair as alt
import numpy as np
import polars as pl

from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_heat import CELLS, SAMPLES, heat_map
from gutbrain.show.analysis_marks import LEVEL, ROWS, forest, heading_of, panels, wrapped
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.analysis_words import first_capital, fixed, taxa_said, term_said
from gutbrain.show.labels import place_labels
from gutbrain.show.page import Block, Figure, Table
from gutbrain.show.study_plots import GREY, counted_said
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS, INK, LINES, PAPER, QUIET

UP, DOWN = ARM_COLOURS[1], ARM_COLOURS[0]
TERMS = 3  # terms with figures of their own; more stand in one figure of small panels
SMALL = 9  # small panels
NAMED = 14  # taxa that a volcano names
WIDTH, HEIGHT = 560.0, 380.0
FOUND = {"lower": ("triangle-down", DOWN), "higher": ("triangle-up", UP), "not found": ("circle", GREY)}
HEADINGS = {"taxon": "Taxon", "said": "Term", "choices": "Choices with q < 0.05", "same": "Same sign",
            "range": "Estimates, log2 fold", "verdict": "Verdict"}  # fmt: skip


def taxa_blocks(step: Step, done: Done, scene: Scene) -> list[Block]:
    """Return volcanoes and forests of the terms, how far findings depend on choices, and the heat map."""
    taxa = done.tables.get("taxa", pl.DataFrame())
    if taxa.is_empty():
        return []
    leading = str(taxa["choice"][0])
    known = taxa.filter((pl.col("choice") == leading) & pl.col("estimate").is_not_null() & pl.col("p").is_not_null())
    terms = known["term"].unique(maintain_order=True).to_list()
    least = {term: float(known.filter(pl.col("term") == term)["p"].to_numpy().min()) for term in terms}
    chosen = terms if len(terms) <= TERMS else sorted(terms, key=lambda term: least[term])[:TERMS]
    blocks: list[Block] = []
    if len(terms) > TERMS:
        shown = (
            terms
            if len(terms) <= SMALL
            else [term for term in terms if term in sorted(terms, key=least.__getitem__)[:SMALL]]
        )
        made = [
            _volcano(known.filter(pl.col("term") == term), term, 240.0, 190.0, named=4, legend=False) for term in shown
        ]
        caption = (
            f"{counted_said(known['feature'].n_unique(), 'taxon')} by {_choice(leading)}, one panel a term"
            f"{f' ({SMALL} of {len(terms)}, those with the smallest p)' if len(shown) < len(terms) else ''}. "
            f"Blue: lower, orange: higher, with q below {LEVEL:g}; dashed: p = {LEVEL:g} before correction."
        )
        blocks.append(Figure(panels(made, 2, 3, row=88), caption, f"{step.name}, volcanoes"))
    for term in chosen:
        first, rows = known.filter(pl.col("term") == term), taxa.filter(pl.col("term") == term)
        name, found = f"{step.name}, {term}", int((first["q"] < LEVEL).sum())
        if len(terms) <= TERMS:
            caption = (
                f"{counted_said(len(first), 'taxon')} by {_choice(leading)}: size and certainty of {term_said(term)}. "
                f"Coloured: q below {LEVEL:g} ({found}). Dashed: p = {LEVEL:g} before correction."
            )
            blocks.append(Figure(volcano(first, term), caption, f"{name}, volcano"))
        caption = (
            f"{first_capital(term_said(term))}: the {min(ROWS, len(first))} taxa with the smallest p of {len(first)}, "
            f"estimate and {scene.design.confidence:.0%} interval by {_choice(leading)}; grey marks: estimates by "
            f"the other choices of model, zeros and normalisation. Filled: q below {LEVEL:g}."
        )
        if len(terms) > TERMS and term == chosen[0]:
            caption += f" Forests are drawn for {TERMS} of {len(terms)} terms, those with the smallest p."
        blocks.append(Figure(taxa_forest(rows, term, leading), caption, f"{name}, forest"))
    return blocks + _agreement(done) + _heat(step, done, known, scene)


def _choice(name: str) -> str:
    return {"linda": "LinDA", "ancom-bc2": "ANCOM-BC2"}.get(name, name.replace("_", " "))


def _agreement(done: Done) -> list[Block]:
    """Return how far the findings depend on choices."""
    table = done.tables.get("agreement", pl.DataFrame())
    shown = (
        table.filter(pl.col("verdict") != "not found").sort("significant", descending=True).head(20)
        if len(table)
        else table
    )
    if shown.is_empty():
        return []
    names = taxa_said(shown["feature"].to_list())
    rows = [
        (names[row["feature"]], term_said(row["term"]), f"{row['significant']} of {row['choices']}",
         f"{row['same_sign']:.0%}".replace("%", " %"),
         f"{fixed(row['estimate_low'], 1)} to {fixed(row['estimate_high'], 1)}", row["verdict"])
        for row in shown.to_dicts()
    ]  # fmt: skip
    caption = "How far a finding depends on the treatment of zeros, the normalisation and the model"
    return [
        Table(
            pl.DataFrame(rows, schema=list(HEADINGS), orient="row"), caption, HEADINGS, frozenset(("choices", "same"))
        )
    ]


def _heat(step: Step, done: Done, known: pl.DataFrame, scene: Scene) -> list[Block]:
    heat = done.tables.get("heatmap", pl.DataFrame())
    if heat.is_empty() or heat["feature"].n_unique() <= 2 or heat["sample"].n_unique() <= 2:
        return []
    ordered = [name for name in smallest(known) if name in set(heat["feature"].to_list())]
    ordered = (ordered or heat["feature"].unique(maintain_order=True).to_list())[:CELLS]
    if len(ordered) < 3:
        return []
    count = heat["sample"].n_unique()
    many = counted_said(count, "sample") if count <= SAMPLES else f"{SAMPLES} of {count:,} samples, evenly picked"
    caption = (
        f"Centred log-ratio of the {len(ordered)} taxa with the smallest p, each against its own mean, in {many}; both "
        "ordered by average linkage of Euclidean distances (taxa after scaling)."
    )
    chart = heat_map(heat, ordered, done.tables.get("samples", pl.DataFrame()), scene)
    return [Figure(chart, caption, f"{step.name}, heat map")]


def volcano(rows: pl.DataFrame, term: str) -> alt.LayerChart:
    """Draw log2 fold against p of one choice; labels do not collide.

    Parameters
    ----------
    rows : feature, estimate (log2), p, q
    """
    return dress(_volcano(rows, term, WIDTH, HEIGHT, NAMED, True))


def _volcano(rows: pl.DataFrame, term: str, wide: float, high: float, named: int, legend: bool) -> alt.LayerChart:
    names = taxa_said(rows["feature"].to_list(), 34)
    table = rows.with_columns(
        pl.col("feature").replace_strict(names, return_dtype=pl.String).alias("taxon"),
        (-pl.col("p").clip(1e-300).log(10)).alias("evidence"),
        pl.when(pl.col("q").fill_null(1.0) >= LEVEL).then(pl.lit("not found"))
        .when(pl.col("estimate") > 0).then(pl.lit("higher")).otherwise(pl.lit("lower")).alias("found"),
    ).select("taxon", "estimate", "evidence", "found", "p", "q")  # fmt: skip
    size, evidence = table["estimate"].to_numpy(), table["evidence"].to_numpy()
    widest, tallest = max(float(np.abs(size).max()) * 1.15, 0.1), max(float(evidence.max()) * 1.12, 1.6)
    order = [int(place) for place in np.argsort(-evidence, kind="stable")]
    if not legend:  # a small panel names only what was found
        order = [place for place in order if table["found"][place] != "not found"]
    labels = place_labels((size + widest) / (2 * widest) * wide, evidence / tallest * high, table["taxon"].to_list(),
                          order[:named], wide, high)  # fmt: skip
    title = first_capital(term_said(term))
    across = wrapped(f"{title}, log2 fold change" if legend else "log2 fold change", int(wide / 7))
    axis = alt.Axis(tickCount=7 if legend else 5)
    x = alt.X("estimate:Q", title=across, axis=axis, scale=alt.Scale(domain=[-widest, widest], nice=False))
    y = alt.Y(
        "evidence:Q", title="−log10 p", scale=alt.Scale(domain=[0, tallest], nice=False), axis=alt.Axis(tickCount=5)
    )
    shown = alt.Legend(orient="bottom") if legend else None
    marks = list(FOUND)
    colour = alt.Color(
        "found:N", title=None, legend=shown, scale=alt.Scale(domain=marks, range=[FOUND[m][1] for m in marks])
    )
    shape = alt.Shape(
        "found:N", title=None, legend=shown, scale=alt.Scale(domain=marks, range=[FOUND[m][0] for m in marks])
    )
    tips = ["taxon", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("estimate", "p", "q"))]
    points = alt.Chart(table).mark_point(filled=True, size=52 if legend else 26, opacity=0.9)
    layers = [
        alt.Chart().mark_rule(color=LINES).encode(x=alt.datum(0)),
        alt.Chart().mark_rule(color=QUIET, strokeDash=[4, 4]).encode(y=alt.datum(-float(np.log10(LEVEL)))),
        points.encode(x=x, y=y, color=colour, shape=shape, tooltip=tips),
    ]
    if labels:
        said = pl.DataFrame(
            [(one.text, one.far, one.x, one.y, *one.edge, one.anchor_x, one.anchor_y) for one in labels],
            schema=["text", "far", "x", "y", "from_x", "from_y", "to_x", "to_y"], orient="row",
        ).with_columns(
            *(pl.col(name) / wide * 2 * widest - widest for name in ("x", "from_x", "to_x")),
            *(pl.col(name) / high * tallest for name in ("y", "from_y", "to_y")),
        )  # fmt: skip
        line = alt.Chart(said.filter("far")).mark_rule(color=GREY)
        layers.insert(2, line.encode(x="from_x:Q", y="from_y:Q", x2="to_x:Q", y2="to_y:Q"))
        for style in ({"stroke": PAPER, "strokeWidth": 3}, {"color": INK}):
            text = alt.Chart(said).mark_text(fontSize=11 if legend else 10, baseline="middle", **style)
            layers.append(text.encode(x="x:Q", y="y:Q", text="text:N"))
    chart = alt.layer(*layers).properties(width=wide, height=high)
    return chart if legend else chart.properties(title=heading_of(title, 36))


def taxa_forest(rows: pl.DataFrame, term: str, leading: str) -> alt.LayerChart:
    """Draw estimates with intervals by the leading choice, and the other choices as small marks.

    Parameters
    ----------
    rows : feature, choice, estimate, low, high, p, q of one term
    """
    known = rows.filter(pl.col("estimate").is_not_null())
    chosen = smallest(known.filter(pl.col("choice") == leading))[:ROWS]
    names = taxa_said(chosen)
    first = known.filter((pl.col("choice") == leading) & pl.col("feature").is_in(chosen))
    first = first.unique("feature", keep="first", maintain_order=True).sort("estimate", descending=True)
    place = {name: float(number) for number, name in enumerate(first["feature"].to_list())}
    shown = first.select("estimate", "low", "high", "p", "q").with_columns(
        pl.Series("label", [names[name] for name in first["feature"].to_list()])
    )
    others = known.filter((pl.col("choice") != leading) & pl.col("feature").is_in(chosen)).select(
        pl.col("feature").replace_strict(place, return_dtype=pl.Float64).alias("place"), "estimate")  # fmt: skip
    title = f"{first_capital(term_said(term))}, log2 fold change"
    return dress(forest(shown, title, width=430, others=others))


def smallest(rows: pl.DataFrame) -> list[str]:
    """Return features by their smallest p."""
    best = rows.group_by("feature", maintain_order=True).agg(pl.col("p").min()).sort("p", nulls_last=True)
    names: list[str] = best["feature"].to_list()
    return names
