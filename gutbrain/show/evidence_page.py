"""Evidence as one page: the arrows, a forest for each metric, disagreements side by side, certainty step by step."""

from __future__ import annotations

from importlib.metadata import version
from itertools import zip_longest
from typing import Any

import altair as alt
import polars as pl

from gutbrain.body.whole import standard
from gutbrain.evidence.claims import PATHWAYS, UNSOURCED, claims
from gutbrain.evidence.dossier import Dossier, arrow_name, best_certainty, speaking_of, untested
from gutbrain.evidence.findings import findings
from gutbrain.evidence.grade import in_words, lowest
from gutbrain.show.analysis_marks import LABEL, forest, key
from gutbrain.show.evidence_graph import COLOURS, evidence_graph
from gutbrain.show.evidence_listing import (
    Parameters,
    ends,
    heading,
    overview_rows,
    says,
    sized,
    strengths,
    summary,
    used,
)
from gutbrain.show.evidence_words import (
    ANSWERS,
    DIRECTIONS,
    MEANT,
    NO_AVERAGE,
    ONLY_DIRECTION,
    SIGNS,
    Row,
    certainty_said,
    compared,
    counted,
    effect_said,
    lowest_said,
    panel_of,
    panels_of,
    persons,
    reference,
    sources_said,
    strength_said,
    use_in_short,
)
from gutbrain.show.page import Block, Figure, Items, Picture, Report, Section, Table, Text, page_text
from gutbrain.show.study_plots import shorten
from gutbrain.show.theme import dress

# Of a logarithmic axis: a plain one has hardly any marks between 1 and 2.
MARKS = (0.05, 0.1, 0.2, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 7, 10, 20, 50, 100)
ROWS = 40  # of one panel
LEAST = 16  # letters of an exposure in a label
WIDE, BESIDE = 460, 250  # pixels of a panel alone, and of one beside others
SHOWN = "It shows what is published and what is assumed; it is no medical advice."
CAUTION = (
    "Certainty is computed from the design and its weaknesses as the table of findings holds them; most findings were "
    "read in abstracts. A finding often speaks about a longer way through an arrow, not about the arrow alone."
)
READ = (
    "An effect is the signed change of the outcome in its own metric; negative: the outcome falls. Intervals are 95 %.",
    "Ratios (OR, RR, HR), differences in standard deviations between groups, and changes before against after without "
    "comparator never share a panel: they do not mean the same.",
    "A null finding was not distinguishable from 0 with that many persons. It is not evidence of exactly 0.",
    *(f"{words[0].upper()}{words[1:]}." for use, words in MEANT.items() if use != "context"),
    "Only context: the finding is not simulated; the table says why.",
    "Assumed, no source: nobody published the number of this arrow. A source named beside it speaks about the sign "
    "or the mechanism, not about the size.",
)  # fmt: skip


def dossier_page(asked: Dossier, parameters: Parameters, command: str, use: str = "") -> str:
    """Return all that lies behind one name as the text of one HTML file."""
    sections = []
    if len(asked.arrows):
        sections.append(Section("Arrows of the model", [arrow_table(asked, parameters), note_table(asked)]))
    if len(asked.findings):
        sections.append(Section("Findings, drawn", drawn_blocks(asked.findings)))
    sections += disagreement_sections(asked.disagreements)
    if len(asked.findings):
        sections.append(Section("Findings", [finding_table(asked.findings), step_table(asked.findings)]))
    sections.append(Section("How to read this", [Items(READ)]))
    sure = in_words(lowest([*asked.arrows["grade"], *asked.findings["certainty"]]) or UNSOURCED)
    return page_text(Report(f"Evidence: {heading(asked)}", command, [summary(asked, use), *weakest(asked), CAUTION],
                            sections, _footer(), certainty=sure), "In short")  # fmt: skip


def overview_page(use: str, command: str) -> str:
    """Return the whole of the evidence as the text of one HTML file; `use` keeps findings of that use."""
    whole = used(use)
    table = claims()
    bare = [row for row in table.iter_rows(named=True) if untested(row, findings())]
    verdict = [
        f"{counted(len(table), 'arrow')} of the model, {counted(len(whole), 'finding')}. {len(bare)} arrows are "
        "untested: their number is assumed, and no finding speaks about them. This says what the model rests on, not "
        "that it is right.",
        f"Lowest certainty of a finding here: {lowest_said(whole)}.",
        CAUTION,
    ]  # fmt: skip
    arrows, kinds = overview_rows(use)
    caption = f"{len(bare)} of {len(table)} arrows: {in_words('assumed')}, untested. Levers are tags at who listens."
    names = sorted(set(whole["contradiction"]) - {""})
    sections = [
        Section("The axis, by certainty", [Picture(evidence_graph(standard()), caption)]),
        Section("By pathway", [Table(arrows, "Arrows of the model. No source: the number is assumed; untested: "
                                     "moreover no finding speaks about the arrow; closed: strength 0, because nobody "
                                     "knows it"),
                               Table(kinds, "Findings by certainty, and by what the model does with them",
                                     certainty=lowest_said(whole))]),
        *disagreement_sections({name: whole.filter(pl.col("contradiction") == name) for name in names}),
        Section("Untested arrows", [untested_table(bare)]),
        *(Section(f"Findings: {pathway}", [*drawn_blocks(found), finding_table(found, folded=True)])
          for pathway in PATHWAYS if len(found := whole.filter(pl.col("pathway") == pathway))),
        Section("How to read this", [Items(READ)]),
    ]  # fmt: skip
    sure = in_words(lowest([*table["grade"], *whole["certainty"]]) or UNSOURCED)
    report = Report("Evidence behind the axis", command, verdict, sections, _footer(), certainty=sure)
    return page_text(report, "In short")


def weakest(asked: Dossier) -> list[str]:
    """Return in words what is least certain here: findings, and the numbers of arrows."""
    parts = []
    if len(asked.findings):
        parts.append(f"Lowest certainty of a finding here: {lowest_said(asked.findings)}.")
    if len(asked.arrows):
        parts.append(f"Lowest grade of the number of an arrow here: {in_words(lowest(asked.arrows['grade']))}.")
    return [" ".join(parts)] if parts else []


def drawn_blocks(found: pl.DataFrame) -> list[Block]:
    """Return findings as forests, one a metric; one that is alone in its metric is told in words."""
    panels = panels_of(found)
    words = {name: rows for name, rows in panels.items() if name == ONLY_DIRECTION or _alone(name, rows)}
    blocks: list[Block] = [forest_figure(name, rows) for name, rows in panels.items() if name not in words]
    singles = [row for name, rows in words.items() if name != ONLY_DIRECTION for row in rows]
    for title, rows in (("Alone in their metric:", singles), ("Without a published size:", words.get(ONLY_DIRECTION))):
        if rows:
            blocks += [Text(title), Items([f"{row['exposure']} → {row['outcome']} ({row['id']}): {said_of(row)}; "
                                           f"certainty {in_words(row['certainty'])}" for row in rows])]  # fmt: skip
    return blocks


def forest_figure(name: str, rows: list[dict[str, Any]], wide: int = WIDE) -> Figure:
    """Return findings of one metric as a forest."""
    kept = rows[:ROWS]
    left = f" Drawn are the {ROWS} most certain of {len(rows)}." if len(rows) > ROWS else ""
    caption = (
        f"{counted(len(rows), 'finding')} in {name}, 95 % intervals (a note tells where it is a range); a "
        "point without a line has no published interval. "
        "Filled: the model predicts it or was calibrated to it; open: true by construction, or not simulated. "
        f"{left}"
    )
    seen = sorted({row["certainty"] for row in kept})
    legend = key({in_words(letter): COLOURS[letter] for letter in seen}, wide, "Certainty")
    chart = alt.vconcat(legend, panel(name, kept, wide), spacing=12)
    return Figure(dress(chart), caption.strip(), f"forest {name}", lowest_said(rows))


def panel(name: str, rows: list[dict[str, Any]], wide: int) -> Any:
    """Return one forest; ratios on a logarithmic scale with 1 as no difference."""
    ratio = all(row["scale"] == "log" and row["centre"] > 0 for row in rows)
    table = pl.DataFrame(
        [(_label(row), row["centre"], row["low"], row["high"], COLOURS[row["certainty"]],
          0.0 if row["use"] in ("calibrate", "predict") else 1.0) for row in rows],
        schema={"label": pl.String, **dict.fromkeys(("estimate", "low", "high"), pl.Float64), "tint": pl.String,
                "q": pl.Float64}, orient="row",
    )  # fmt: skip
    zero = 1.0 if ratio else 0.0 if name.startswith("standard deviations") or _near_zero(rows) else None
    low, high, _ = ends(rows)
    ticks = [mark for mark in MARKS if low / 1.05 <= mark <= high * 1.05] if ratio else None
    return forest(table, name[0].upper() + name[1:], zero=zero, log=ratio, width=wide, row=22, values=ticks)


def disagreement_sections(disagreements: dict[str, pl.DataFrame]) -> list[Section]:
    """Return every disagreement: its findings side by side, one panel a metric, and what each says."""
    if not disagreements:
        return []
    blocks: list[Block] = [Text(NO_AVERAGE, note=True)]
    for name, members in disagreements.items():
        drawn = {what: rows for what, rows in panels_of(members).items() if what != ONLY_DIRECTION}
        blocks.append(side_table(name, members))
        if drawn:
            charts = [panel(what, rows, BESIDE if len(drawn) > 1 else WIDE) for what, rows in drawn.items()]
            whole = alt.concat(*charts, columns=2, spacing={"row": 40, "column": 40}).resolve_scale(
                x="independent", y="independent", color="independent")  # fmt: skip
            caption = (f"{name[0].upper()}{name[1:]}: each metric in its own panel, 95 % intervals; colours tell the "
                       "certainty.")  # fmt: skip
            blocks.append(Figure(dress(whole), caption, f"disagreement {name}", lowest_said(members)))
    return [Section("Disagreements", blocks)]


def side_table(name: str, members: pl.DataFrame) -> Table:
    """Return a disagreement with what is said for each direction side by side, a column a direction."""
    cells: dict[str, list[str]] = {}
    for row in members.sort("certainty", maintain_order=True).iter_rows(named=True):
        size = sized(row)
        words = f"{row['exposure']} → {row['outcome']}{'' if size == '-' else ': ' + size}"
        words += f"; certainty {in_words(row['certainty'])}, {compared(row)} ({row['id']})"
        cells.setdefault(says(row), []).append(words)
    heads = {sign: f"outcome {words}" if sign in "+-" else words for sign, words in SIGNS.items() if sign in cells}
    frame = pl.DataFrame(
        list(zip_longest(*(cells[sign] for sign in heads), fillvalue="")), schema=list(heads.values()), orient="row"
    )
    return Table(frame, f"{name[0].upper()}{name[1:]}, side by side", certainty=lowest_said(members))


def arrow_table(asked: Dossier, parameters: Parameters) -> Table:
    """Return the arrows with sign, strength and grade."""
    rows = []
    for row in asked.arrows.iter_rows(named=True):
        best, found = best_certainty(arrow_name(row), asked.whole), speaking_of(arrow_name(row), asked.whole)
        rows.append((
            arrow_name(row).replace("->", "→"), ANSWERS[row["sign"]] + ("; closed, strength 0" * row["default_zero"]),
            "; ".join(strengths(row, parameters)) or "–", strength_said(row["grade"], row["source"]),
            f"{len(found)}, best {in_words(best)}" if best else "none",
        ))  # fmt: skip
    heads = ("arrow", "sign", "strength", "grade of the number", "findings")
    words = in_words(lowest(asked.arrows["grade"]))
    return Table(pl.DataFrame(rows, schema=list(heads), orient="row"), "Each arrow with its claim", certainty=words)


def note_table(asked: Dossier) -> Table:
    """Return source, answer at rest and note of each arrow."""
    rows = [
        (arrow_name(row).replace("->", "→"), f"{DIRECTIONS[row['direction']]}; {row['pathway']}", row["at_rest"] or "–",
         "; ".join(sources_said(row["source"])), row["note"] or "–")
        for row in asked.arrows.iter_rows(named=True)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["arrow", "way", "answer at rest", "source", "note"], orient="row")
    words = in_words(lowest(asked.arrows["grade"]))
    return Table(frame, "Sources and notes of these arrows", folded=True, certainty=words)


def untested_table(bare: list[dict[str, Any]]) -> Table:
    """Return the arrows whose number is assumed and about which nothing is published in the table."""
    rows = [
        (row["pathway"], arrow_name(row).replace("->", "→"), ANSWERS[row["sign"]],
         "closed" if row["default_zero"] else "open", strength_said(row["grade"], row["source"])) for row in bare
    ]  # fmt: skip
    rows.sort(key=lambda row: (PATHWAYS.index(row[0]), row[3], row[1]))
    frame = pl.DataFrame(rows, schema=["pathway", "arrow", "sign", "strength", "grade of the number"], orient="row")
    caption = f"{counted(len(rows), 'arrow')} assumed, with no finding in the table"
    return Table(frame, caption, certainty=in_words(UNSOURCED))


def finding_table(found: pl.DataFrame, folded: bool = False) -> Table:
    """Return findings with what the model does with each."""
    rows = [
        (row["id"], f"{row['exposure']} → {row['outcome']}", said_of(row),
         f"{compared(row)}; {persons(row)}; {row['design']}", in_words(row["certainty"]), use_in_short(row),
         reference(row))
        for row in found.sort("certainty", maintain_order=True).iter_rows(named=True)
    ]  # fmt: skip
    heads = ("finding", "exposure and outcome", "effect (95 % interval)", "against whom, how", "certainty", "the model",
             "source")  # fmt: skip
    frame = pl.DataFrame(rows, schema=list(heads), orient="row")
    return Table(frame, counted(len(rows), "finding"), folded=folded, certainty=lowest_said(found))


def step_table(found: pl.DataFrame) -> Table:
    """Return how each certainty was computed."""
    rows = [(row["id"], certainty_said(row)) for row in found.iter_rows(named=True)]
    return Table(pl.DataFrame(rows, schema=["finding", "certainty, step by step"], orient="row"),
                 "How certainty was computed", folded=True, certainty=lowest_said(found))  # fmt: skip


def _footer() -> str:
    return f"gutbrain {version('gutbrain')}. {SHOWN}"


def said_of(row: Row) -> str:
    """Return effect, interval and metric, or the direction alone."""
    return effect_said(row) if panel_of(row) == ONLY_DIRECTION else sized(row)


def _label(row: Row) -> str:
    """Return exposure and outcome, and the comparator where there is room for it."""
    outcome = shorten(row["outcome"], LABEL - 20)
    tail = f" → {outcome}, vs {row['comparator']}" if row["comparator"] else f" → {outcome}"
    if len(tail) > LABEL - LEAST:
        tail = f" → {outcome}"
    return shorten(row["exposure"], LABEL - len(tail)) + tail


def _alone(name: str, rows: list[dict[str, Any]]) -> bool:
    return len(rows) == 1 and rows[0]["scale"] == "natural" and not name.startswith("standard deviations")


def _near_zero(rows: list[dict[str, Any]]) -> bool:
    """Say whether 0 belongs to a scale: it lies among the values, or not further off than they are apart."""
    values = [row[name] for row in rows for name in ("centre", "low", "high") if row[name] is not None]
    low, high = min(values), max(values)
    return bool(low <= 0 <= high or min(abs(low), abs(high)) < high - low)
