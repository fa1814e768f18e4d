"""Questionnaires and diaries of a study: answers to items, scores with their bands, reliability, prompts over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import altair as alt
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe.forms import Questionnaire, find, plain
from gutbrain.observe.questionnaires import decided, score
from gutbrain.observe.reliability import reliability
from gutbrain.show.certainty import of_key, of_scores, of_study
from gutbrain.show.page import Block, Figure, Items, Table, Text
from gutbrain.show.study_diaries import diary_blocks, is_diary
from gutbrain.show.study_plots import (
    PLAIN,
    WHOLE,
    Bins,
    bins,
    counted,
    counted_said,
    ends,
    grid,
    histogram,
    natural,
    ordered_visits,
    shorten,
)
from gutbrain.show.theme import dress
from gutbrain.show.words import number
from gutbrain.study.study import Study

OPTIONS = ("choice", "coding", "missing")
ENOUGH = 10  # people below whom the item of self-harm is not shown even as counts
VALUES, CLASSES, ITEMS, PANELS, VISITS = 11, 10, 60, 12, 4
BANDS = ("#c9dff0", "#8bbbdc", "#4a8fc2", "#1d5fa6", "#0b3a6e", "#062246")


def form_blocks(study: Study) -> list[Block]:
    """Return what was answered on each questionnaire; diaries stand elsewhere."""
    blocks: list[Block] = []
    for name in study.answers["form"].unique(maintain_order=True).to_list():
        rows = study.answers.filter(pl.col("form") == name)
        form = _known(name)
        if form is not None or not is_diary(rows):
            blocks += _form(study, name, rows, form)
    return blocks


def experience_blocks(study: Study) -> list[Block]:
    """Return prompts and courses of diaries and experience sampling."""
    blocks: list[Block] = []
    names = [
        name for name in study.answers["form"].unique(maintain_order=True).to_list()
        if _known(name) is None and is_diary(study.answers.filter(pl.col("form") == name))
    ]  # fmt: skip
    if names:
        blocks += diary_blocks(study, names)
        for name in names:
            rows = study.answers.filter(pl.col("form") == name)
            caption = f"{name}: how often each answer was given, {len(rows):,} answers."
            blocks += _items(rows, None, caption, f"items {name}")
    return blocks


def _known(name: str) -> Questionnaire | None:
    try:
        return find(name)
    except InputError:
        return None


def _form(study: Study, name: str, rows: pl.DataFrame, form: Questionnaire | None) -> list[Block]:
    people = rows["person"].n_unique()
    title = (
        f"{name}: {form.title}. {form.recall[:1].upper()}{form.recall[1:]}."
        if form
        else f"{name}: not scored here, as its key is not known."
    )
    title += f" {counted_said(people, 'person')}, {len(rows):,} answers."
    title += f" Higher means {form.higher}." if form else ""
    blocks: list[Block] = [Text(title.replace("..", "."))]
    items = rows
    if form is not None and form.safety_item is not None and people < ENOUGH:
        items = rows.filter(pl.col("item") != form.safety_item)
        blocks.append(
            Text(f"Item {form.safety_item} is not drawn, because fewer than {ENOUGH} people answered.", note=True)
        )
    caption = f"{name}: how often each answer was given to each item, as it was given."
    if form is not None and form.reverse:
        caption += " Items with an arrow are reversed when they are scored."
    blocks += _items(items, form, caption, f"items {name}")
    return blocks + (_scores(study, name, rows, form) if form is not None else [])


# -- items ---------------------------------------------------------------------------------------


def _items(rows: pl.DataFrame, form: Questionnaire | None, caption: str, name: str) -> list[Block]:
    """Draw items with a few whole answers apart from those on a long scale."""
    known = rows.filter(pl.col("value").is_finite())
    value = pl.col("value")
    short = ((value.max() - value.min() < VALUES) & (value == value.round()).all()).over("item")
    parts = [known.filter(short), known.filter(~short)]
    names = [name, f"{name}, long scales"]
    return [_answers(part, form, caption, said) for part, said in zip(parts, names, strict=True) if len(part)]


def _answers(known: pl.DataFrame, form: Questionnaire | None, caption: str, name: str) -> Figure:
    items = sorted(known["item"].unique().to_list(), key=natural)
    if len(items) > ITEMS:
        caption += f" The first {ITEMS} of {len(items)} items."
    items = items[:ITEMS]
    known = known.filter(pl.col("item").is_in(items))
    levels = sorted(known["value"].unique().to_list())
    if len(levels) <= VALUES:
        names = {level: number(level, 3) for level in levels}
        counts = (
            known.group_by("item", "value")
            .len("count")
            .with_columns(pl.col("value").replace_strict(names, return_dtype=pl.String).alias("answer"))
        )
        order = [names[level] for level in levels]
    else:
        counts, order = _classed(known)
    labels = {item: item.replace("_", " ") + (" ↔" if form and item in form.reverse else "") for item in items}
    rank = {answer: place for place, answer in enumerate(order)}
    counts = counts.with_columns(
        pl.col("item").replace_strict(labels, return_dtype=pl.String),
        (pl.col("count") / pl.col("count").sum().over("item")).alias("share"),
        pl.col("answer").replace_strict(rank, return_dtype=pl.Int64).alias("order"),
    ).select("item", "answer", "count", "share", "order").sort("item", "order")  # fmt: skip
    scale = alt.Scale(domain=order, range=_ramp(len(order)))
    legend = alt.Legend(direction="horizontal", symbolType="square", symbolStrokeWidth=0, columns=11, title="Answer")
    chart = alt.Chart(counts).mark_bar(stroke="#ffffff", strokeWidth=0.6).encode(
        y=alt.Y("item:N", sort=list(labels.values()), title="Item"),
        x=alt.X("share:Q", title="Share of answers", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("answer:N", scale=scale, sort=order, legend=legend), order="order:Q",
        tooltip=["item", "answer", "count", alt.Tooltip("share:Q", format=".1%")],
    ).properties(width=WHOLE - 130, height=alt.Step(17 if len(items) > 12 else 22))  # fmt: skip
    return Figure(dress(chart), caption, name)


def _classed(known: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Count answers on a long scale in ten classes of equal width."""
    low, high = ends(known["value"])
    width = (high - low) / CLASSES
    order = [f"{number(low + k * width, 3)} to {number(low + (k + 1) * width, 3)}" for k in range(CLASSES)]
    place = ((pl.col("value") - low) / width).floor().clip(0, CLASSES - 1).cast(pl.Int64)
    names = dict(enumerate(order))
    counts = known.group_by("item", place.replace_strict(names, return_dtype=pl.String).alias("answer")).len("count")
    return counts, order


def _ramp(count: int) -> list[str]:
    """Return so many colours from light to dark."""
    stops = ((232, 240, 246), (120, 175, 212), (29, 95, 166), (6, 34, 70))
    colours = []
    for place in range(count):
        at = place / max(count - 1, 1) * (len(stops) - 1)
        left = min(int(at), len(stops) - 2)
        parts = (round(a + (b - a) * (at - left)) for a, b in zip(stops[left], stops[left + 1], strict=True))
        colours.append("#" + "".join(f"{part:02x}" for part in parts))
    return colours


# -- scores --------------------------------------------------------------------------------------


def _scores(study: Study, name: str, rows: pl.DataFrame, form: Questionnaire) -> list[Block]:
    forms: Mapping[str, Any] = study.about.get("forms", {})
    given: Mapping[str, Any] = next(
        (options for key, options in forms.items() if plain(str(key)) == plain(form.name)), {}
    )
    options = {key: given[key] for key in OPTIONS if key in given}
    try:
        scores = score(rows, form.name, **options)
        ready = decided(rows, form.name, options.get("choice"))
        table = reliability(rows, form.name, **{k: v for k, v in options.items() if k != "missing"})
    except InputError as error:
        return [Text(f"{name} is not scored: {error.what}. {error.mend or ''}".strip(), note=True)]
    if rows["person"].n_unique() < ENOUGH:
        # The self-harm item is a scale of its own: of a few people it is told to the study team only.
        alone = [scale.name for scale in ready.scales.values() if scale.items == (ready.safety_item,)]
        scores, table = (
            frame.filter(~pl.col("scale").is_in(alone)) if len(frame) else frame for frame in (scores, table)
        )
    order = ordered_visits(study)
    visits = [visit for visit in order if visit in set(scores["visit"].drop_nulls())]
    split: list[str | None] = list(visits) if 2 <= len(visits) <= VISITS else [None]
    panels = []
    for scale in ready.scales.values():
        if scale.items == (ready.safety_item,):
            continue  # its item stands among the items already
        for visit in split:
            mine = scores.filter(
                (pl.col("scale") == scale.name) & (pl.lit(True) if visit is None else pl.col("visit") == visit)
            )
            panel = _distribution(mine, scale.name, visit, [band.label for band in scale.bands], scale.low, scale.high)
            panels += [] if panel is None else [panel]
    key = [ready.grade, *(scale.grade for scale in ready.scales.values())]
    sure = of_study(study, of_scores(key))
    blocks: list[Block] = []
    if panels:
        caption = f"{name}: scores" + (" with their bands" if any(s.bands for s in ready.scales.values()) else "") + "."
        notes = {band.label.partition(" (")[2].rstrip(")") for one in ready.scales.values() for band in one.bands} - {
            ""
        }
        caption += "".join(f" Bands: {said}." for said in sorted(notes))
        caption += f" The first {PANELS} of {len(panels)} are drawn." if len(panels) > PANELS else ""
        chart = (
            grid(panels[:PANELS], 2, column=250).resolve_scale(color="independent")
            if len(panels) > 1
            else dress(panels[0])
        )
        blocks.append(Figure(chart, caption, f"scores {name}", sure))
    blocks.append(replace(_score_table(name, scores, table, order), certainty=sure))
    reasons = scores.drop_nulls("withheld").group_by("scale", "withheld").len().sort("len", descending=True)
    if len(reasons):
        told = [
            f"{scale}: {counted_said(count, 'score')} withheld: {why}."
            for scale, why, count in reasons.head(8).iter_rows()
        ]
        blocks.append(Items(told))
    rules = scores.select("scale", "rule").unique(maintain_order=True)
    headings = {"scale": "Scale", "rule": "Rule"}
    return [
        *blocks,
        Table(
            rules,
            f"{name}: how it was scored" + (f" ({ready.source})" if ready.source else ""),
            headings,
            folded=True,
            certainty=of_key(key),
        ),
    ]


def _distribution(
    scores: pl.DataFrame, scale: str, visit: str | None, bands: list[str], low: float, high: float
) -> Any:
    known = scores.drop_nulls("score")
    if known.is_empty():
        return None
    withheld = len(scores) - len(known)
    said = scale.replace("_", " ").capitalize() + (f", visit {visit}" if visit is not None else "")
    subtitle = f"{counted_said(len(known), 'sheet')}" + (f", {withheld} withheld" if withheld else "")
    edges = bins(known["score"], 30, 90)
    if edges.log:
        edges = Bins(edges.edges * 0 + pl.linear_space(low, high, len(edges.edges), eager=True).to_numpy(), False)
    colour: Any = alt.value(PLAIN)
    frame = known.with_columns(pl.col("score").alias("value"), pl.lit("").alias("group"))
    if bands:
        frame = frame.with_columns(pl.col("band").str.replace(r" \(.*$", ""))
        bands = [_plain(band) for band in bands]
        sizes = dict(frame["band"].value_counts().iter_rows())
        names = {band: f"{shorten(band, 30)} ({sizes.get(band, 0)})" for band in bands}
        frame = frame.with_columns(pl.col("band").replace_strict(names, default="below the bands").alias("group"))
        palette = [BANDS[round(k * (len(BANDS) - 1) / max(len(bands) - 1, 1))] for k in range(len(bands))]
        legend = alt.Legend(orient="right", symbolType="square", symbolStrokeWidth=0, title=None, labelLimit=190)
        colour = alt.Color("group:N", scale=alt.Scale(domain=list(names.values()), range=palette), legend=legend)
    title = f"score, of {number(low, 3)} to {number(high, 3)}" if low == low else "score"
    return histogram(counted(frame, edges), edges, colour, said, subtitle, title, "sheets", size=(230, 140))


def _plain(band: str) -> str:
    """Return the label of a band without the remark in brackets, which the caption gives once."""
    return band.partition(" (")[0]


def _score_table(name: str, scores: pl.DataFrame, table: pl.DataFrame, order: list[str]) -> Table:
    rows = []
    for row in table.iter_rows(named=True) if len(table) else ():
        rows.append((row["scale"], row["visit"], row))
    found = {(scale, visit): row for scale, visit, row in rows}
    lines = []
    rank = {visit: place for place, visit in enumerate(order)}
    scales = scores["scale"].unique(maintain_order=True).to_list()
    groups = sorted(scores.group_by("scale", "visit", maintain_order=True),
                    key=lambda pair: (scales.index(pair[0][0]), rank.get(pair[0][1], -1)))  # fmt: skip
    for (scale, visit), some in groups[:40]:
        known, row = some.drop_nulls("score")["score"], found.get((scale, visit), {})
        quartiles = [known.quantile(share, "linear") for share in (0.5, 0.25, 0.75)]
        middle, low, high = (number(None if q is None else float(q), 3) for q in quartiles)
        interval = "–"
        if row.get("alpha") is not None:
            interval = f"{row['alpha']:.2f} ({row['alpha_low']:.2f} to {row['alpha_high']:.2f})".replace("-", "−")
        lines.append({
            "scale": str(scale).replace("_", " "), "visit": "" if visit is None else visit, "scored": len(known),
            "withheld": len(some) - len(known), "median": f"{middle} ({low} to {high})" if len(known) else "–",
            "people": row.get("people"), "alpha": interval,
            "omega": f"{row['omega']:.2f}" if row.get("omega") is not None else "–",
            "remark": row.get("remark") or row.get("withheld") or "",
        })  # fmt: skip
    headings = {
        "scale": "Scale", "visit": "Visit", "scored": "Scored", "withheld": "Withheld", "median": "Median (quartiles)",
        "people": "People for alpha", "alpha": "Alpha (95 %)", "omega": "Omega", "remark": "Remark",
    }  # fmt: skip
    if not any(line["visit"] for line in lines):
        headings.pop("visit")
    if not any(line["remark"] for line in lines):
        headings.pop("remark")
    more = f"; the first 40 of {len(groups)} rows" if len(groups) > 40 else ""
    caption = f"{name}: scores and reliability{more}"
    return Table(
        pl.DataFrame(lines, infer_schema_length=None), caption, headings, frozenset({"median", "alpha", "omega"})
    )
