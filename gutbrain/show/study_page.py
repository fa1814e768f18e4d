"""The page of a study: what it is, what is odd about it, and pictures of all that it holds."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from gutbrain.show.certainty import DESCRIBED, WRITTEN, of_study
from gutbrain.show.page import Block, Report, Section, Table, Text, page_text
from gutbrain.show.study_answers import experience_blocks, form_blocks
from gutbrain.show.study_beats import beat_blocks
from gutbrain.show.study_microbes import microbe_blocks
from gutbrain.show.study_people import people_blocks, time_blocks
from gutbrain.show.study_plots import counted_said
from gutbrain.show.study_readings import reading_blocks
from gutbrain.study.part import Finding
from gutbrain.study.schema import TABLES
from gutbrain.study.study import Study

ORDER = {"error": 0, "warning": 1, "note": 2}
FINDINGS = 200
# A value of one person, as the quality check names it so that it can be looked up.
SINGLE = re.compile(r", first \S+ of .+$")
SECTIONS: dict[str, Callable[[Study], list[Block]]] = {
    "People": people_blocks,
    "When things were measured": time_blocks,
    "Gut community": microbe_blocks,
    "Questionnaires": form_blocks,
    "Experience sampling": experience_blocks,
    "Readings": reading_blocks,
    "Heartbeats": beat_blocks,
}


def study_page(study: Study) -> str:
    """Return a study as one HTML page that needs no network and no other file."""
    return page_text(study_report(study), summary="In short")


def study_report(study: Study) -> Report:
    """Put together the sections of a study; one whose table is empty is left out."""
    made = [Section("What this is", _what(study), WRITTEN), Section("Quality", _quality(study.findings), WRITTEN)]
    made += [Section(title, blocks(study)) for title, blocks in SECTIONS.items()]
    kind = "Simulated, not measured" if study.origin == "simulated" else "Measured data"
    return Report(
        title=str(study.about.get("title") or "A study without a title"),
        subtitle=f"{kind}: {_holds(study)}.",
        verdict=_short(study),
        sections=[section for section in made if section.blocks],
        footer="Made by gutbrain. This page describes data; it judges no person and gives no advice.",
        certainty=of_study(study, DESCRIBED),
    )


def _holds(study: Study) -> str:
    parts = [counted_said(len(study.people), "person")]
    names = {"samples": "sample", "answers": "answer", "readings": "reading", "beats": "heartbeat"}
    parts += [counted_said(len(study.tables[table]), name) for table, name in names.items() if len(study.tables[table])]
    return ", ".join(parts)


def _short(study: Study) -> list[str]:
    said = [str(study.about["about"])] if study.about.get("about") else []
    counts = {kind: sum(finding.severity == kind for finding in study.findings) for kind in ORDER}
    told = [counted_said(count, kind) for kind, count in counts.items() if count]
    quality = f"The quality check found {', '.join(told)}." if told else "The quality check found nothing odd."
    if counts["error"]:
        quality += " Errors spoil an analysis: see to them first."
    said.append(quality)
    if study.origin == "simulated":
        said.append("All numbers are simulated: they show what a model implies and are no evidence.")
    said.append("Figures describe the data as they were read. Nothing was imputed, adjusted or tested.")
    return said


def _what(study: Study) -> list[Block]:
    names = {"citation": "Citation", "licence": "Licence"}
    rows = [(head, str(study.about[key])) for key, head in names.items() if study.about.get(key)]
    rows.append(("Origin", study.origin))
    blocks: list[Block] = [Table(pl.DataFrame(rows, schema=["what", "said"], orient="row"), "Where it comes from",
                                 {"what": "", "said": ""})]  # fmt: skip
    filled = [(name, len(study.tables[name]), TABLES[name].about) for name in TABLES if len(study.tables[name])]
    frame = pl.DataFrame(filled, schema=["table", "rows", "about"], orient="row").with_columns(
        pl.col("rows").map_elements(lambda count: f"{count:,}", return_dtype=pl.String)
    )
    blocks.append(Table(frame, "Tables", {"table": "Table", "rows": "Rows", "about": "A row is"}, frozenset({"rows"})))
    sources = [
        (str(s.get("file", "")), str(s.get("reader", "")), str(s.get("sha256", ""))[:12])
        for s in study.about.get("sources", [])
    ]
    if sources:
        frame = pl.DataFrame(sources[:FINDINGS], schema=["file", "reader", "sha"], orient="row")
        caption = f"Read from {counted_said(len(sources), 'file')}"
        caption += f", of which {FINDINGS} are listed" if len(sources) > FINDINGS else ""
        blocks.append(
            Table(frame, caption, {"file": "File", "reader": "Read as", "sha": "SHA-256, first signs"}, folded=True)
        )
    return blocks


def _quality(findings: tuple[Finding, ...]) -> list[Block]:
    """Return findings, errors first; the value of a single person is not repeated."""
    ranked = sorted(findings, key=lambda finding: ORDER[finding.severity])
    if not ranked:
        return [Text("Nothing odd was found.")]
    rows = [
        (one.severity, ", ".join(part for part in (one.file, one.where) if part), SINGLE.sub("", one.what), one.mend)
        for one in ranked[:FINDINGS]
    ]
    frame = pl.DataFrame(rows, schema=["severity", "where", "what", "mend"], orient="row")
    caption = "What was noticed" + (f"; the first {FINDINGS} of {len(ranked):,}" if len(ranked) > FINDINGS else "")
    headings = {"severity": "Severity", "where": "Where", "what": "What", "mend": "What to do"}
    if not any(one.mend for one in ranked[:FINDINGS]):
        headings.pop("mend")
    return [Table(frame, caption, headings)]
