"""The report of an explanation: through what an effect ran, how surely that is known, and the folder that holds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl
import vl_convert

from gutbrain.evidence.claims import GRADE_WORDS, grade_in_words
from gutbrain.folder import whole_folder
from gutbrain.run.explain import REST
from gutbrain.run.pathways import DIRECT
from gutbrain.show.explain_words import (
    CAUTION,
    NEXT_TO_NOTHING,
    TOGETHER,
    certainty,
    headed,
    pathways_said,
    percent,
    share_heads,
    share_rows,
    signed,
    summary,
    ways_said,
)
from gutbrain.show.flow import flow_map
from gutbrain.show.page import (
    Block,
    Figure,
    Items,
    Picture,
    Report,
    Section,
    Table,
    Text,
    page_text,
    save_figures,
)
from gutbrain.show.theme import dress
from gutbrain.show.words import GRADES, INK, difference_unit, signal_name

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis
    from gutbrain.run.explain import Explanation

LONG = 15  # rows of a table that stand open
TWO = (
    "Two pathways interact with the sign of the effect where they carry it together, as in a chain, and against it "
    "where one replaces the other."
)
LIMITS = (
    "One person is taken apart: the reference person, with every number at its centre. Spread between people and doubt "
    "about the numbers are not in here; the report of the run has them.",
    "A closed arrow rests at the listener's resting value in both arms. Other ways to close it give other shares where "
    "effects multiply.",
    "A chain through several pathways carries nothing if one of them is closed. Its effect is shared in equal parts, "
    "whichever of them is the surest or the strongest.",
    "Shares above 100 % and below 0 % are no mistake: pathways can work against each other.",
    "The grade of an arrow says how its strength is known. It does not say that the model has every arrow there is.",
    "Arrows of unknown strength are closed in the model at 0. They carry nothing here because nobody knows their "
    "strength, not because they were shown to carry nothing.",
)
COUNTED = (
    "Every set of open arrows is run on a copy of the same person, arm and comparator side by side; an effect is the "
    "difference of the means of the last week.",
    "Path: all other arrows on the way rest. A path visits no compartment twice; loops, which on a linear axis are a "
    "geometric series, and paths that strengthen each other are the rest.",
    "Share of a pathway: what it adds, averaged over all orders in which pathways could be opened (Shapley 1953). "
    "Interaction of two pathways: Grabisch & Roubens 1999.",
    "An arrow is counted to the pathway of its messenger, and to that of its listener where the mind or a protocol "
    "speaks.",
)


def explain_report(found: Explanation, axis: Axis, title: str, provenance: Mapping[str, str]) -> Report:
    """Put the report together.

    Parameters
    ----------
    title : what the run is called
    provenance : what ran, by name
    """
    name = signal_name(found.outcome)
    sections = [
        Section("Flow map", _flow(found, axis)),
        Section("Pathways", _pathways(found)),
        Section("Directions", _ways(found)),
        Section("Paths", _paths(found)),
        Section("Arrows closed one by one", _edges(found)),
        Section("What this cannot say", [Items(LIMITS)]),
        Section("How it was computed", [Items(COUNTED)]),
    ]
    return Report(
        title=f"Through what it ran: {name}",
        subtitle=f"{title}. {found.arm} against {found.comparator}, week to day {found.day}. A simulation.",
        verdict=[*summary(found), CAUTION], sections=[section for section in sections if section.blocks],
        footer=" · ".join(f"{key}: {value}" for key, value in provenance.items()), certainty=_sure(found),
    )  # fmt: skip


def _sure(found: Explanation) -> str:
    """The lowest certainty of the arrows that carried the effect."""
    if found.carrying.is_empty():
        return "no arrow carried anything"
    return grade_in_words(found.weakest_grade)


def _flow(found: Explanation, axis: Axis) -> list[Block]:
    caption = (
        "Width: effect that is lost when the arrow is closed. Colour: how surely its strength is known; dashed: "
        "assumed, no source. Losses overlap and need not add up."
    )
    return [Picture(flow_map(found, axis), caption)]


def _pathways(found: Explanation) -> list[Block]:
    table = found.pathways
    if table is None:
        return [Text("Shares of pathways were not asked for.")] if found.carrying.height else []
    if found.carrying.is_empty():
        return []
    caption = "Share of each pathway, with what it carries alone and what is lost without it."
    blocks: list[Block] = [
        Text(pathways_said(found)), Figure(shares_figure(found), caption, "pathways"),
        _share_table(found, table, "Pathway", "Effect by pathway"),
    ]  # fmt: skip
    pairs = (found.pairs if found.pairs is not None else table.clear()).filter(
        pl.col("interaction").abs() > max(found.noise, 0.01 * abs(found.effect))
    )
    if pairs.height:
        rows = [(row["one"], row["other"], signed(found, row["interaction"])) for row in pairs.iter_rows(named=True)]
        unit = difference_unit(found.outcome, found.unit)
        headings = {"one": "Pathway", "other": "Pathway ", "interaction": f"Interaction [{unit}]"}
        said = "Interaction of every two pathways: above 0 for a chain, below 0 if one replaces the other"
        frame = headed(rows, tuple(headings))
        blocks.append(Table(frame, said, headings, frozenset(("interaction",)), folded=len(rows) > LONG))
    return blocks


def _ways(found: Explanation) -> list[Block]:
    if found.ways is None or found.carrying.is_empty():
        return []
    return [
        Text(ways_said(found)),
        _share_table(found, found.ways, "Direction", "Effect by direction"),
    ]


def _share_table(found: Explanation, table: pl.DataFrame, head: str, caption: str) -> Table:
    unit = difference_unit(found.outcome, found.unit)
    names = ("player", "shapley", "share", "alone", "without", "interplay", "grade", "arrows")
    heads = [head, *(said[:1].upper() + said[1:] for said in share_heads(found))]
    for place in (3, 4, 5):
        heads[place] += f" [{unit}]"
    right = frozenset(("shapley", "share", "alone", "without", "interplay", "arrows"))
    return Table(headed(share_rows(found, table), names), caption, dict(zip(names, heads, strict=True)), right)


def _paths(found: Explanation) -> list[Block]:
    if found.paths.height < 2:
        return []
    unit = difference_unit(found.outcome, found.unit)
    rows = [
        (row["path"].replace(" -> ", " → ") if row["path"] != REST else TOGETHER,
         signed(found, row["effect"]), percent(found, row["share"]), certainty(row["weakest_grade"]))
        for row in found.paths.iter_rows(named=True)
    ]  # fmt: skip
    headings = {"path": "Path", "effect": f"Effect [{unit}]", "share": "Share", "grade": "Lowest certainty on the path"}
    right = frozenset(("effect", "share"))
    caption = "Effect of each path with every other arrow at rest, the largest first"
    shown = Table(headed([*rows[: LONG - 1], rows[-1]], tuple(headings)), caption, headings, right)
    rest = rows[LONG - 1 : -1]
    if not rest:
        return [shown]
    return [
        shown,
        Table(headed(rest, tuple(headings)), f"{len(rest)} weaker paths", headings, right, True),
    ]


def _edges(found: Explanation) -> list[Block]:
    unit = difference_unit(found.outcome, found.unit)
    rows = [
        (row["edge"].replace(" -> ", " → "), signed(found, found.effect - row["effect_without"]),
         percent(found, row["share_lost"]), grade_in_words(row["grade"]), row["pathway"],
         "within" if row["direction"] == "side" else row["direction"])
        for row in found.carrying.iter_rows(named=True)
    ]  # fmt: skip
    if not rows:
        return [Text("No arrow changed the effect noticeably when it was closed.")]
    headings = {"edge": "Arrow", "lost": f"Lost without it [{unit}]", "share": "Share",
                "grade": "How surely it is known", "pathway": "Pathway", "direction": "Direction"}  # fmt: skip
    silent = found.edges.height - len(rows)
    caption = f"Arrows closed one by one; {silent} more changed it by less than 0.1 %"
    frame = headed(rows, tuple(headings))
    return [Table(frame, caption, headings, frozenset(("lost", "share")), folded=len(rows) > 2 * LONG)]


def shares_figure(found: Explanation) -> Any:
    """Draw the share of each pathway as a bar, coloured by its lowest certainty, beside with-only and lost-without."""
    assert found.pathways is not None
    unit = difference_unit(found.outcome, found.unit)
    table = found.pathways.filter((pl.col("player") != DIRECT) | (pl.col("shapley").abs() > found.noise))
    kinds = {"alone": "with only it", "lost": "lost without it"}
    frame = table.with_columns(
        pl.col("weakest_grade").replace_strict({**GRADE_WORDS, "": NEXT_TO_NOTHING}).alias("certainty"),
        *(pl.lit(words).alias(f"kind_{name}") for name, words in kinds.items()),
    )
    words = [GRADE_WORDS.get(grade, NEXT_TO_NOTHING) for grade in dict.fromkeys(table["weakest_grade"].to_list())]
    back = {said: grade for grade, said in GRADE_WORDS.items()}
    colours = [GRADES.get(back.get(said, ""), "#7b8794") for said in words]
    base = alt.Chart(frame).encode(
        y=alt.Y("player:N", sort=None, title=None),
        tooltip=["player", "certainty", *(alt.Tooltip(f"{c}:Q", format=".3g") for c in ("shapley", "alone", "lost"))],
    )
    title = f"Effect on {signal_name(found.outcome).lower()} ({unit})"
    bars = base.mark_bar(height=20).encode(
        x=alt.X("shapley:Q", title=title),
        color=alt.Color("certainty:N", title="Lowest certainty", scale=alt.Scale(domain=words, range=colours)),
    )
    marks = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=list(kinds.values()), range=["circle", "diamond"]))
    points = [
        base.transform_calculate(kind=f"datum.kind_{name}").mark_point(size=80, color=INK, filled=False, strokeWidth=2)
        .encode(x=alt.X(f"{name}:Q", title=title), shape=marks)
        for name in kinds
    ]  # fmt: skip
    zero = alt.Chart().mark_rule(color=INK).encode(x=alt.datum(0))
    return dress(alt.layer(bars, *points, zero, data=frame).properties(width=560, height=alt.Step(34)))


def write_explanation(
    found: Explanation, axis: Axis, folder: Path, force: bool, title: str, provenance: Mapping[str, str]
) -> None:
    """Write report.html, tables, flow map, explain.json and manifest.json, whole or not at all.

    Raises
    ------
    InputError
        If the folder exists and `force` is not set, or cannot be written.
    """
    content = explain_report(found, axis, title, provenance)
    flow = flow_map(found, axis)
    with whole_folder(folder, force) as work:
        (work / "report.html").write_text(page_text(content, summary="In short"), encoding="utf-8")
        for part in ("tables", "figures"):
            (work / part).mkdir()
        paths = found.paths.with_columns(pl.col("edges").list.join("; "))
        tables = {"paths": paths, "arrows": found.edges, "pathways": found.pathways, "directions": found.ways,
                  "pairs": found.pairs}  # fmt: skip
        for name, table in tables.items():
            if table is not None:
                _worded(table).write_csv(work / "tables" / f"{name}.csv")
        (work / "figures" / "flow.svg").write_text(flow, encoding="utf-8")
        (work / "figures" / "flow.png").write_bytes(vl_convert.svg_to_png(flow, scale=2))
        save_figures(content.charts, work / "figures")
        (work / "explain.json").write_text(_kept(found), encoding="utf-8")
        files = sorted(path for path in work.rglob("*") if path.is_file())
        sums = {path.relative_to(work).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        manifest = {"title": content.title, **provenance, "sha256": sums}
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _worded(table: pl.DataFrame) -> pl.DataFrame:
    """Add the certainty in words to a table that has a grade."""
    grade = next((name for name in ("weakest_grade", "grade") if name in table.columns), None)
    if grade is None:
        return table
    return table.with_columns(pl.col(grade).map_elements(certainty, return_dtype=pl.String).alias("certainty"))


def _kept(found: Explanation) -> str:
    """Return an explanation as JSON; shares are null where the effect is not above rounding."""
    numbers = {
        "outcome": found.outcome, "unit": found.unit, "arm": found.arm, "comparator": found.comparator,
        "day": found.day, "effect": found.effect, "rounding": found.noise, "clear": found.clear,
        "levers": list(found.levers),
        "lowest_certainty": grade_in_words(found.weakest_grade) if found.carrying.height else None,
        "assumed_share": found.assumed_share if found.clear else None, "without_assumed": found.without_assumed,
        "interaction": found.interaction if found.pathways is not None else None,
        "interaction_of_directions": found.ways_interaction if found.ways is not None else None,
    }  # fmt: skip
    tables = {"pathways": found.pathways, "directions": found.ways, "pairs": found.pairs, "paths": found.paths,
              "arrows": found.edges}  # fmt: skip
    rows = {name: None if table is None else _worded(table).to_dicts() for name, table in tables.items()}
    if not found.clear:
        for name, key in (("paths", "share"), ("arrows", "share_lost")):
            rows[name] = [row | {key: None} for row in rows[name] or []]
    return json.dumps(numbers | rows, indent=1, ensure_ascii=False) + "\n"
