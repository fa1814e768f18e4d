"""The gut community of a study: depth, composition, prevalence and richness."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import polars as pl

from gutbrain.show.page import Block, Figure, Text
from gutbrain.show.study_plots import (
    GREY,
    PLAIN,
    WHOLE,
    counted_said,
    ends,
    evenly,
    group_colour,
    log_ticks,
    middle,
    natural,
    note,
    ordered_visits,
    rule,
    shorten,
    thinned,
    with_group,
)
from gutbrain.show.theme import dress
from gutbrain.show.words import GROUP_COLOURS, INK, QUIET
from gutbrain.study.quality import FEW_READS
from gutbrain.study.study import Study

TAXA, SAMPLES, POINTS, LABELS = 12, 60, 800, 10
OTHERS = "all others"
COLOURS = (*GROUP_COLOURS, "#ee8866", "#4477aa", "#bbcc33")
UNITS = ("count", "share", "percent", "copies", "signal", "CPM", "RPK")


@dataclass(frozen=True)
class Community:
    """Taxa of samples in one unit.

    Parameters
    ----------
    unit : in which most samples are given
    rows : sample, taxon, value, share; genera are summed, what goes no deeper keeps its own name
    samples : sample, person, visit, day, total, richness (features above zero), group
    what : genera or taxa
    """

    unit: str
    rows: pl.DataFrame
    samples: pl.DataFrame
    what: str


def community(study: Study) -> Community | None:
    """Return the taxa of a study, or None if it has none."""
    named = study.features.filter(pl.col("kind") == "taxon").select("feature", _name().alias("taxon"), "genus")
    rows = study.abundances.join(named, on="feature").filter(pl.col("value") > 0)
    if rows.is_empty():
        return None
    given = rows.group_by("unit").agg(pl.col("sample").n_unique()).sort("sample", "unit", descending=[True, False])
    most = given.filter(pl.col("sample") == given["sample"][0])["unit"].to_list()
    unit = next((unit for unit in UNITS if unit in most), most[0])
    rows = rows.filter(pl.col("unit") == unit)
    sums = rows.group_by("sample").agg(pl.col("value").sum().alias("total"), pl.len().alias("richness"))
    taxa = rows.group_by("sample", "taxon").agg(pl.col("value").sum())
    taxa = taxa.join(sums.select("sample", "total"), on="sample").with_columns(share=pl.col("value") / pl.col("total"))
    samples = with_group(study, study.samples.select("sample", "person", "visit", "day").join(sums, on="sample"))
    what = "genera" if 2 * named["genus"].is_not_null().sum() >= len(named) else "taxa"
    return Community(unit, taxa.select("sample", "taxon", "value", "share"), samples.sort("sample"), what)


def _name() -> pl.Expr:
    """Genus where it is known, else the own name with its rank."""
    own = pl.coalesce("name", pl.col("feature").str.replace(r"[;|_\s]+$", "")).str.slice(0, 60)
    rank = pl.when(pl.col("rank").is_in(["genus", "species"])).then(None).otherwise("rank")
    return pl.coalesce("genus", pl.concat_str(own, pl.format(" ({})", rank).fill_null("")))


def microbe_blocks(study: Study) -> list[Block]:
    """Return the figures of the community, and what else was measured in the samples."""
    found = community(study)
    blocks: list[Block] = []
    others = study.features.filter(pl.col("kind").is_in(["gene", "pathway"]))["kind"].value_counts().sort("kind")
    for kind, count in others.iter_rows():
        blocks.append(Text(f"The samples also hold {counted_said(count, kind)}, which are not drawn."))
    if found is None:
        return blocks
    taxa, samples = found.rows["taxon"].n_unique(), found.samples
    text = f"{counted_said(len(samples), 'sample')} with {taxa:,} {found.what}, in {_unit(found.unit)}."
    failed = len(study.samples) - len(samples)
    if failed:
        text += f" {counted_said(failed, 'sample')} more hold no taxa."
    blocks.insert(0, Text(text))
    if found.unit == "count":
        blocks += [_depth(study, samples)]
    blocks += [_composition(study, found), _prevalence(found)]
    return [*blocks, _richness(study, samples)] if found.unit == "count" else blocks


def _unit(unit: str) -> str:
    known = {
        "count": "counts",
        "share": "relative abundance",
        "percent": "percent",
        "signal": "signals of a microarray",
    }
    return known.get(unit, unit)


# -- figures -------------------------------------------------------------------------------------


def _depth(study: Study, samples: pl.DataFrame) -> Figure:
    ranked = samples.sort("total", "sample").with_row_index("rank", 1)
    drawn = thinned(ranked.select("rank", "total", "group"), POINTS)
    few = samples.filter(pl.col("total") < FEW_READS)
    low, high = ends(samples["total"])
    scale = alt.Scale(type="log", domain=[min(low, 0.5 * FEW_READS) * 0.8, high * 1.3], nice=False)
    y = alt.Y("total:Q", title="Counts of a sample", scale=scale, axis=alt.Axis(format="~s", tickCount=6))
    points = alt.Chart(drawn).mark_point(filled=True, size=22, opacity=0.75).encode(
        x=alt.X("rank:Q", title="Samples, shallowest first", scale=alt.Scale(domain=[0, len(ranked) + 1], nice=False)),
        y=y, color=group_colour(study), tooltip=["rank", "total"],
    )  # fmt: skip
    chart = alt.layer(*rule(FEW_READS, f"{FEW_READS:,} counts"), points).properties(width=WHOLE - 20, height=220)
    caption = (
        f"Depth: counts of each sample. Median {middle(samples['total']):,.0f}; {counted_said(len(few), 'sample')} "
    )
    caption += f"below {FEW_READS:,} counts." + note({"samples": (len(drawn), len(ranked))})
    return Figure(dress(chart), caption, "depth")


def _composition(study: Study, found: Community) -> Figure:
    """Stacked bars on a common axis, with a gap between people; names stand above and visits below."""
    chosen = _places(study, found.samples)
    wide = found.samples.height
    means = found.rows.group_by("taxon").agg(pl.col("share").sum() / wide)
    means = means.sort("share", "taxon", descending=[True, False])
    top = means["taxon"].head(TAXA).to_list()
    order = {taxon: place for place, taxon in enumerate([*top, OTHERS])}
    rows = (
        found.rows.join(chosen, on="sample")
        .with_columns(taxon=pl.when(pl.col("taxon").is_in(top)).then("taxon").otherwise(pl.lit(OTHERS)))
        .group_by("sample", "taxon", "place", "when", "person")
        .agg(pl.col("share").sum())
    )
    rows = rows.with_columns(pl.col("taxon").replace_strict(order, return_dtype=pl.Int64).alias("order"))
    rows = rows.sort("place", "order").with_columns(
        (1 - pl.col("share").cum_sum().over("place")).alias("from")
    ).with_columns(
        (pl.col("from") + pl.col("share")).alias("to"), (pl.col("place") + 0.9).alias("end")
    ).drop("order", "sample")  # fmt: skip
    names = [shorten(taxon, 44) for taxon in [*top, OTHERS]]
    rows = rows.with_columns(pl.col("taxon").replace_strict(dict(zip([*top, OTHERS], names, strict=True))))
    legend = alt.Legend(orient="right", symbolType="square", symbolStrokeWidth=0, labelLimit=230)
    colour = alt.Color("taxon:N", title=None, sort=names, legend=legend,
                       scale=alt.Scale(domain=names, range=[*COLOURS[: len(top)], GREY]))  # fmt: skip
    width = WHOLE - 210
    last = ends(rows["end"])[1]
    scale = alt.Scale(domain=[0, last], nice=False)
    x = alt.X("place:Q", axis=None, scale=scale)
    y = alt.Y("from:Q", title="Share of the sample", axis=alt.Axis(format="%", tickCount=5),
              scale=alt.Scale(domain=[0, 1], nice=False))  # fmt: skip
    tips = ["person", "when", "taxon", alt.Tooltip("share:Q", format=".1%")]
    base = alt.Chart(rows).mark_rect().encode(x=x, x2="end", y=y, y2="to", color=colour, tooltip=tips)
    layers, labels = [base], rows.unique("place").sort("place")
    if last / width * 13 < 2.2 and labels["when"].str.len_chars().max():
        size = min(11.0, 0.9 * width / last)
        text = alt.Chart(labels.select((pl.col("place") + 0.45).alias("at"), "when")).mark_text(
            angle=270, align="right", baseline="middle", fontSize=max(size, 7.5), color=QUIET
        )
        layers.append(text.encode(x=alt.X("at:Q", scale=scale, axis=None), y=alt.value(265), text="when:N"))
    heads = (
        labels.group_by("person", maintain_order=True)
        .agg(((pl.col("place").min() + pl.col("end").max()) / 2).alias("at"), pl.len().alias("bars"))
        .drop_nulls("person")
    )
    room = width / last * ends(heads["bars"])[0]
    upright = room > 7 * ends(heads["person"].str.len_chars())[1] + 4
    tall = 11 if upright else max(7.5, min(11, 0.82 * room))
    style = {"align": "center"} if upright else {"align": "left", "angle": 300}
    head = alt.Chart(heads).mark_text(baseline="bottom" if upright else "middle", fontSize=tall, color=INK, **style)
    layers.append(head.encode(x=alt.X("at:Q", scale=scale, axis=None), y=alt.value(-6), text="person:N"))
    chart = alt.layer(*layers).properties(width=width, height=260)
    below = " Below: visit, or day where no visit is named." if labels["when"].str.len_chars().max() else ""
    caption = f"Composition: the {len(top)} {found.what} with the largest mean share, by person (above the bars)."
    caption += below
    return Figure(dress(chart), caption + note({"samples": (len(labels), wide)}), "composition")


def _places(study: Study, samples: pl.DataFrame) -> pl.DataFrame:
    """Choose samples of whole people where that is possible, and give each bar its place."""
    owned = samples.filter(pl.col("person").is_not_null())
    owned = owned if len(owned) else samples.with_columns(pl.col("person").fill_null(""))
    order = {visit: place for place, visit in enumerate(ordered_visits(study))}
    owned = owned.with_columns(
        pl.col("visit").replace_strict(order, default=len(order), return_dtype=pl.Int64).alias("order")
    ).sort("order", "day", "sample", nulls_last=True)
    people = sorted(owned["person"].unique().to_list(), key=natural)
    each = middle(owned.group_by("person").len()["len"])
    people = evenly(people, min(len(people), max(4, int(SAMPLES / each))))
    rows, place = [], 0.0
    for person in people:
        mine = owned.filter(pl.col("person") == person)
        for row in thinned(mine, SAMPLES // len(people)).iter_rows(named=True):
            day = row["day"]
            when = row["visit"] if row["visit"] is not None else "" if day is None else f"{day:.4g}"
            rows.append({"sample": row["sample"], "person": person, "when": shorten(when, 12), "place": place})
            place += 1
        place += 0.8 if len(people) < SAMPLES / 2 else 0.0
    frame = pl.DataFrame(rows)
    return frame.drop("person").join(owned.select("sample", "person"), on="sample")


def _prevalence(found: Community) -> Block:
    wide = found.samples.height
    taxa = found.rows.group_by("taxon").agg(
        (pl.len() / wide).alias("prevalence"), (pl.col("share").sum() / wide).alias("mean")
    ).sort("mean", "taxon", descending=[True, False])  # fmt: skip
    if taxa["prevalence"].min() == 1:
        return Text(f"All {len(taxa):,} {found.what} stand in every sample, so prevalence tells nothing here.")
    drawn = taxa.head(POINTS)
    low, high = ends(drawn["mean"])
    scale = alt.Scale(type="log", nice=False, domain=[low * 0.7, high * 1.5])
    axis = alt.Axis(values=log_ticks(low, high), format="~%", grid=True)
    x = alt.X("mean:Q", title="Mean share of all samples", scale=scale, axis=axis)
    y = alt.Y("prevalence:Q", title="Share of samples that hold it", axis=alt.Axis(format="%", tickCount=5),
              scale=alt.Scale(domain=[0, 1.03], nice=False))  # fmt: skip
    tips = ["taxon", alt.Tooltip("prevalence:Q", format=".1%"), alt.Tooltip("mean:Q", format=".3%")]
    points = alt.Chart(drawn).mark_point(filled=True, size=34, opacity=0.55, color=PLAIN)
    chart = dress(points.encode(x=x, y=y, tooltip=tips).properties(width=WHOLE - 20, height=280))
    always = len(taxa.filter(pl.col("prevalence") == 1))
    rare = len(taxa.filter(pl.col("prevalence") < 0.1))
    caption = (
        f"Prevalence of {found.what} against their mean share: {always:,} stand in every sample, {rare:,} in less "
    )
    caption += "than a tenth of them. Point at a mark to read its name."
    if len(drawn) < len(taxa):
        caption += f" The {POINTS:,} most abundant of {len(taxa):,} are drawn."
    return Figure(chart, caption, "prevalence")


def _richness(study: Study, samples: pl.DataFrame) -> Figure:
    drawn = thinned(samples.sort("total", "sample").select("total", "richness", "group"), POINTS)
    low, high = ends(drawn["total"])
    scale = alt.Scale(type="log", domain=[low * 0.9, high * 1.1], nice=False)
    points = alt.Chart(drawn).mark_point(filled=True, size=26, opacity=0.65).encode(
        x=alt.X("total:Q", title="Counts of the sample", scale=scale, axis=alt.Axis(format="~s", tickCount=7)),
        y=alt.Y("richness:Q", title="Features above zero", axis=alt.Axis(tickMinStep=1),
                scale=alt.Scale(zero=False, padding=8)),
        color=group_colour(study), tooltip=["total", "richness"],
    )  # fmt: skip
    caption = "Richness against depth: where it rises along the whole axis, it tells how deep a sample was read, too."
    caption += note({"samples": (len(drawn), len(samples))})
    return Figure(dress(points.properties(width=WHOLE - 20, height=240)), caption, "richness")
