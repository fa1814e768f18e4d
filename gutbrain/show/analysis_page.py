"""The report of an analysis: what was planned, what was done, what was found, what could not be done."""

from __future__ import annotations

import polars as pl

from gutbrain.analyse.analysis import Analysis
from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_figures import figures
from gutbrain.show.analysis_words import name_said, term_said
from gutbrain.show.page import Block, Figure, Items, Report, Section, Table, Text, Verbatim
from gutbrain.show.study_plots import counted_said
from gutbrain.show.words import number

STRONGEST = 3  # exploratory findings that the short answer names
ROWS = 12  # of a table that the page shows open
SEVERITY = {"error": 0, "warning": 1, "note": 2}
HEADINGS = {
    "what": "What", "term": "Term", "estimate": "Estimate", "low": "from", "high": "to", "unit": "Unit",
    "statistic": "Statistic", "df": "Degrees of freedom", "p": "p", "q": "q", "people": "People", "note": "Note",
}  # fmt: skip
KIND = {
    "diversity": "Diversity", "rarefaction": "Rarefaction", "ordination": "Ordination", "permanova": "Community test",
    "dispersion": "Dispersion", "anosim": "ANOSIM", "mantel": "Mantel test", "constrained": "Constrained ordination",
    "taxa": "Which taxa", "modules": "Functional modules", "groups": "Functional groups", "dysbiosis": "Dysbiosis",
    "association": "Microbes and metabolites", "change": "Change", "volatility": "Volatility",
    "first_distances": "First distances", "responders": "Responders", "reliable_change": "Reliable change",
    "experience": "Experience sampling", "physiology": "Cortisol and heart", "mediation": "Through what",
}  # fmt: skip


def analysis_report(analysis: Analysis) -> Report:
    """Put the report together; one section a step, those that were not done in one list."""
    plan = analysis.plan
    sections = [Section("What was planned", _planned(analysis)), Section("Who was measured when", _people(analysis))]
    for step in plan.step:
        if step.name in analysis.done:
            blocks = _step(analysis, step, analysis.done[step.name])
            sections.append(Section(_title(step), blocks))
    sections.append(Section("Everything that was tested", _tested(analysis)))
    sections.append(Section("What to be careful about", _findings(analysis)))
    sections.append(Section("The plan", [Verbatim(plan.text(), "The plan as it was run, every default in sight")]))
    kind = "Simulated study" if analysis.study.origin == "simulated" else "Measured study"
    return Report(
        title=plan.title or str(analysis.study.about.get("title") or "An analysis without a title"),
        subtitle=f"{kind}: {counted_said(len(analysis.study.people), 'person')}, "
        f"{counted_said(len(analysis.study.samples), 'sample')}. Plan {analysis.plan.hash[:12]}.",
        verdict=_short(analysis),
        sections=[section for section in sections if section.blocks],
        footer="Made by gutbrain. It analyses data; it judges no person and gives no medical advice.",
    )


def _title(step: Step) -> str:
    called = KIND.get(step.kind, step.kind.capitalize())
    name = step.name.removeprefix(step.kind).strip(" ,:")
    return f"{called}: {name}" if name else called


def _short(analysis: Analysis) -> list[str]:
    tested, plan = analysis.tested, analysis.plan
    with_p = tested.filter(pl.col("p").is_not_null())
    said = []
    if plan.suggested:
        said.append("No plan was given: these are the analyses that the tables allow, and all of them are exploratory.")
    elif plan.deviates:
        said.append(
            f"The plan that was run (hash {plan.hash[:12]}) is not the one that was registered "
            f"({plan.registered_hash[:12]}): nothing here counts as confirmatory."
        )
    confirmed = with_p.filter("confirmatory")
    for row in confirmed.sort("q").head(6).iter_rows(named=True):
        said.append(f"Confirmatory, {row['step']}: {_told(row)}.")
    explored = with_p.filter(~pl.col("confirmatory"))
    if len(explored):
        below = int((explored["q"] < 0.05).sum())
        said.append(
            f"Exploratory: {counted_said(len(explored), 'hypothesis')} in {explored['family'].n_unique()} families, "
            f"{below} with a corrected p below 0.05; each needs data of its own before it is believed."
        )
        found = explored.filter((pl.col("q") < 0.05) & pl.col("part").is_null()).sort("q", "p")
        said += [f"Strongest, {row['step']}: {_told(row)}." for row in found.head(STRONGEST).iter_rows(named=True)]
    lost = [finding.file for finding in analysis.findings if finding.severity == "error"]
    if lost:
        said.append(f"Not done: {', '.join(dict.fromkeys(lost))}; the reasons stand below.")
    if analysis.study.origin == "simulated":
        said.append("The study is simulated: this shows what a model implies and is no evidence.")
    return said


def _told(row: dict[str, object]) -> str:
    parts = [name_said(str(row["what"])) + (f", {term_said(str(row['term']))}" if row["term"] else "")]
    if row["estimate"] is not None:
        unit = f" {row['unit']}" if row["unit"] and row["unit"] != "1" else ""
        parts.append(f"{_number(row['estimate'])}{unit}")
        if row["low"] is not None and row["high"] is not None:
            parts[-1] += f" ({_number(row['low'])} to {_number(row['high'])})"
    p = f"p {p_said(row['p'])}"
    parts.append(p if row["in_family"] == 1 else f"{p}, corrected {p_said(row['q'])}")
    return ", ".join(parts)


def _number(value: object) -> str:
    return number(float(str(value)))


def p_said(value: object) -> str:
    """Return a p as a journal prints it."""
    p = float(str(value))
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _planned(analysis: Analysis) -> list[Block]:
    plan, design = analysis.plan, analysis.plan.design
    rows = [
        ("Plan", f"SHA-256 {plan.hash}" + (" (suggested)" if plan.suggested else "")),
        ("Registered", plan.registration or "not said"),
        ("Registered hash", f"{plan.registered_hash} ({'another plan' if plan.deviates else 'the same plan'})"
         if plan.registered_hash else "none"),
        ("Arms", f"column {design.arm}, compared with {design.reference or 'the first'}" if design.arm else "none"),
        ("Visits in order", ", ".join(design.visits[:12]) + (f" and {len(design.visits) - 12} more"
         if len(design.visits) > 12 else "") or "none"),
        ("Only", "; ".join(f"{name} {', '.join(values)}" for name, values in design.only.items()) or "everybody"),
        ("In every model", ", ".join(design.adjust) or "nothing more"),
        ("Intervals", f"{design.confidence:.0%}"),
        ("Seed", str(design.seed)),
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["what", "said"], orient="row")
    steps = pl.DataFrame(
        [
            (step.name, KIND.get(step.kind, step.kind), step.family or step.name,
             plan.corrections().get(step.family or step.name, "BH"),
             "confirmatory" if step.confirmatory else "exploratory",
             "done" if step.name in analysis.done else "not done")
            for step in plan.step
        ],
        schema=["step", "kind", "family", "correction", "standing", "done"], orient="row",
    )  # fmt: skip
    headings = {"step": "Step", "kind": "Kind", "family": "Family", "correction": "Correction", "standing": "Standing",
                "done": ""}  # fmt: skip
    return [Table(frame, "Design", {"what": "", "said": ""}), Table(steps, "Steps", headings)]


def _people(analysis: Analysis) -> list[Block]:
    if analysis.people.is_empty():
        return []
    headings = {"arm": "Arm", "visit": "Visit", "people": "People", "samples": "Samples",
                "with_outcome": "People with a score or reading"}  # fmt: skip
    return [Table(analysis.people, "People and samples that the analysis saw", headings)]


def _step(analysis: Analysis, step: Step, done: Done) -> list[Block]:
    blocks: list[Block] = []
    standing = "Confirmatory." if step.confirmatory else "Exploratory."
    blocks += [Text(words) for words in done.said] or [Text("Nothing is said about this step.")]
    blocks += figures(step, done, analysis.plan.design)
    rows = analysis.tested.filter((pl.col("step") == step.name) & pl.col("p").is_not_null())
    if len(rows):
        shown = {key: said for key, said in HEADINGS.items() if rows[key].null_count() < len(rows)}
        rest = f"; the {ROWS} smallest p of {len(rows)}" if len(rows) > ROWS else ""
        made = _printed(rows.sort("p").head(ROWS))
        right = frozenset(("p", "q"))
        blocks.append(Table(made, f"What was tested{rest}. {standing}", shown, right))
    if len(rows):
        blocks.append(
            Text(f"Method: {'; '.join(rows['method'].drop_nulls().unique(maintain_order=True).to_list()[:4])}.")
        )
    notes = [str(note.what) + (f". {note.mend}" if note.mend else "") for note in done.notes]
    if notes:
        blocks.append(Items(list(dict.fromkeys(notes))[:ROWS]))
    return blocks


def _printed(rows: pl.DataFrame) -> pl.DataFrame:
    words = (("what", name_said), ("term", term_said))
    rows = rows.with_columns(pl.col(name).map_elements(say, return_dtype=pl.String) for name, say in words)
    return rows.with_columns(
        pl.col(name).map_elements(p_said, return_dtype=pl.String) for name in ("p", "q") if name in rows.columns
    )


def _tested(analysis: Analysis) -> list[Block]:
    tested = analysis.tested
    if tested.is_empty():
        return [Text("Nothing was tested.")]
    families = tested.filter(pl.col("p").is_not_null()).group_by("family", "correction", maintain_order=True).agg(
        pl.col("confirmatory").first().replace_strict({True: "confirmatory", False: "exploratory"}).alias("standing"),
        pl.len().alias("tests"), (pl.col("p") < 0.05).sum().alias("p below 0.05"),
        (pl.col("q") < 0.05).sum().alias("q below 0.05"), pl.col("p").min().alias("smallest p"),
    )  # fmt: skip
    families = families.with_columns(pl.col("smallest p").map_elements(p_said, return_dtype=pl.String))
    words = (
        "Under no effect at all, one test in twenty has p below 0.05. q is p corrected for all tests of its family; "
        "families are those of the plan, else one for each step. The whole list stands in tested.csv."
    )
    return [
        Text(words),
        Table(
            families,
            "Families of tests",
            {name: name.capitalize() for name in families.columns},
            frozenset(("smallest p",)),
        ),
    ]


def _findings(analysis: Analysis) -> list[Block]:
    ranked = sorted(analysis.findings, key=lambda finding: SEVERITY[finding.severity])
    if not ranked:
        return [Text("Nothing was noticed.")]
    rows = [(one.severity, one.file, one.where, one.what, one.mend) for one in ranked]
    frame = pl.DataFrame(rows, schema=["severity", "step", "where", "what", "mend"], orient="row")
    headings = {"severity": "Severity", "step": "Step", "where": "Where", "what": "What", "mend": "What to do"}
    return [Table(frame, "What could not be done, and what was noticed", headings)]


def charts(analysis: Analysis) -> dict[str, object]:
    """Return every figure of the report by its name."""
    found: dict[str, object] = {}
    for step in analysis.plan.step:
        if step.name in analysis.done:
            drawn = figures(step, analysis.done[step.name], analysis.plan.design)
            found |= {one.name: one.chart for one in drawn if isinstance(one, Figure)}
    return found
