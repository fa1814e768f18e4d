"""The report of an analysis: what was planned, what was done, what was found, what could not be done."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from gutbrain.analyse.analysis import Analysis
from gutbrain.analyse.step import Done, Step
from gutbrain.show.analysis_certainty import of_all, of_step
from gutbrain.show.analysis_figures import figures
from gutbrain.show.analysis_scene import EVERYBODY, Scene
from gutbrain.show.analysis_verdict import effect_said, raw_names, verdict
from gutbrain.show.analysis_words import names_said, outcome_said, p_said, sentence_said, term_said
from gutbrain.show.certainty import DESCRIBED, WRITTEN, of_study
from gutbrain.show.page import Block, Figure, Items, Report, Section, Table, Text, Verbatim
from gutbrain.show.study_plots import counted_said, shorten
from gutbrain.show.words import number

ROWS = 12  # of a table that the page shows open
OPEN = 24  # rows of who was measured when, from which on the table is folded
NOTES, METHODS = 6, 3  # of one step
SEVERITY = {"error": 0, "warning": 1, "note": 2}
SHOWN = {"what": "What", "term": "Term", "effect": "Estimate (interval)", "statistic": "Statistic", "p": "p", "q": "q",
         "people": "People"}  # fmt: skip
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
    scene, names = Scene.of(analysis), names_said(raw_names(analysis))
    sections = [
        Section("What was planned", _planned(analysis), WRITTEN),
        Section("Who was measured when", _people(analysis, scene)),
        *(Section(_title(step), _step(scene, step, done, names), of_step(analysis, step, done))
          for step in plan.step if (done := analysis.done.get(step.name)) is not None),
        Section("Everything that was tested", _tested(analysis), of_all(analysis)),
        Section("What to be careful about", _findings(analysis, names), WRITTEN),
        Section("The plan", [Verbatim(plan.text(), "The plan as it was run, every default in sight")]),
    ]  # fmt: skip
    kind = "Simulated study" if analysis.study.origin == "simulated" else "Measured study"
    counts = [counted_said(len(analysis.study.people), "person")]
    counts += [counted_said(len(analysis.study.samples), "sample")] if len(analysis.study.samples) else []
    return Report(
        title=plan.title or str(analysis.study.about.get("title") or "An analysis without a title"),
        subtitle=f"{kind}: {', '.join(counts)}. Plan {plan.hash[:12]}.",
        verdict=verdict(analysis),
        sections=[section for section in sections if section.blocks],
        footer="Made by gutbrain. It analyses data; it judges no person and gives no medical advice.",
        certainty=of_study(analysis.study, DESCRIBED),
    )


def _title(step: Step) -> str:
    called = KIND.get(step.kind, step.kind.capitalize())
    name = step.name.removeprefix(step.kind).strip(" ,:").replace("_", " ")
    return f"{called}: {name}" if name and name.lower() != called.lower() else called


def _planned(analysis: Analysis) -> list[Block]:
    plan, design = analysis.plan, analysis.plan.design
    visits = ", ".join(design.visits[:12]) + (f" and {len(design.visits) - 12} more" if len(design.visits) > 12 else "")
    same = "another plan" if plan.deviates else "the same plan"
    rows = [
        ("Plan", f"SHA-256 {plan.hash}" + (" (suggested)" if plan.suggested else "")),
        ("Registered", plan.registration or "no"),
        ("Registered hash", f"{plan.registered_hash} ({same})" if plan.registered_hash else ""),
        ("Arms", f"column {design.arm}, compared with {design.reference or 'the first'}" if design.arm else "none"),
        ("Visits in order", visits or "none"),
        ("Only", "; ".join(f"{name} {', '.join(values)}" for name, values in design.only.items())),
        ("In every model", ", ".join(design.adjust)),
        ("Intervals", f"{100 * design.confidence:g} %"),
        ("Seed of random draws", str(design.seed)),
    ]  # fmt: skip
    frame = pl.DataFrame([row for row in rows if row[1]], schema=["what", "said"], orient="row")
    steps = pl.DataFrame(
        [
            (step.name.replace("_", " "), KIND.get(step.kind, step.kind), (step.family or step.name).replace("_", " "),
             plan.corrections().get(step.family or step.name, "BH"),
             "confirmatory" if step.confirmatory else "exploratory",
             "done" if step.name in analysis.done else "not done")
            for step in plan.step
        ],
        schema=["step", "kind", "family", "correction", "standing", "done"], orient="row",
    )  # fmt: skip
    headings = {"step": "Step", "kind": "Kind", "family": "Family of tests", "correction": "Correction",
                "standing": "Standing", "done": "Done?"}  # fmt: skip
    if steps["family"].equals(steps["step"], null_equal=True):
        del headings["family"]
    return [Table(frame, "Design", {"what": "", "said": ""}), Table(steps, "Steps", headings)]


def _people(analysis: Analysis, scene: Scene) -> list[Block]:
    table = analysis.people
    if table.is_empty():
        return []
    order = {name: number_ for number_, name in enumerate(scene.arms)}
    rows = table.with_columns(pl.col("arm").cast(pl.String).fill_null("not known")).with_row_index("row")
    place = pl.col("arm").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    rows = rows.sort(place, "row").with_columns(pl.col("visit").fill_null("not named"))
    headings = {"arm": scene.arm or "Arm", "visit": "Visit", "people": "People", "samples": "Samples",
                "with_outcome": "People with a score or reading"}  # fmt: skip
    for name in ("samples", "with_outcome"):
        if not rows[name].sum():
            del headings[name]
    if set(rows["arm"].to_list()) <= {EVERYBODY}:
        del headings["arm"]
    caption = "People and samples that the analysis saw"
    return [Table(rows, caption, headings, folded=len(rows) > OPEN)]


def _step(scene: Scene, step: Step, done: Done, names: Mapping[str, str]) -> list[Block]:
    blocks: list[Block] = [Text(sentence_said(words, names)) for words in done.said]
    blocks = blocks or [Text("Nothing is said about this step.")]
    blocks += figures(step, done, scene)
    rows = scene.of_step(step.name)
    if len(rows):
        standing = "Confirmatory" if step.confirmatory else "Exploratory"
        rest = f"; the {ROWS} smallest p of {len(rows)}, all in tested.csv" if len(rows) > ROWS else ""
        blocks.append(table_of_tests(rows.sort("p").head(ROWS), f"What was tested{rest}. {standing}."))
        methods = rows["method"].drop_nulls().unique(maintain_order=True).to_list()
        more = f"; and {len(methods) - METHODS} more, in tested.csv" if len(methods) > METHODS else ""
        told = "; ".join(sentence_said(first, {}) for first in methods[:METHODS])
        blocks.append(Text(f"Method: {told}{more}."))
    # What is noted of single rows, and warnings; all notes stand at the end of the page.
    notes = [note for note in rows.sort("p")["note"].drop_nulls().unique(maintain_order=True).to_list() if note]
    notes += [f"{one.what}" + (f". {one.mend}." if one.mend else "") for one in done.notes if one.severity == "warning"]
    notes = list(dict.fromkeys(sentence_said(note, names) for note in notes))
    if notes:
        left = (
            [f"{len(notes) - NOTES} more stand at the end of the page and in tested.csv"] if len(notes) > NOTES else []
        )
        blocks.append(Items(notes[:NOTES] + left))
    return blocks


def table_of_tests(rows: pl.DataFrame, caption: str) -> Table:
    """Return tests as a journal prints them: what, term, estimate with its interval, p.

    Parameters
    ----------
    rows : with the columns of `gutbrain.analyse.multiplicity.REGISTRY`
    """
    records = rows.to_dicts()
    made = pl.DataFrame(
        {
            "what": [shorten(outcome_said(str(row["what"])), 60) for row in records],
            "term": [term_said(str(row["term"] or "")) for row in records],
            "effect": ["" if row["estimate"] is None else effect_said(row) for row in records],
            "statistic": ["–" if row["statistic"] is None else number(row["statistic"], 3) for row in records],
            "p": [p_said(row["p"]) for row in records], "q": [p_said(row["q"]) for row in records],
            "people": [row["people"] for row in records],
        },
        schema_overrides={"people": pl.Int64},
    )  # fmt: skip
    drop = {"statistic" if any(made["effect"].to_list()) else "effect"}
    drop |= {"term"} if not any(made["term"].to_list()) else set()
    drop |= {"q"} if all(row["in_family"] in (None, 1) for row in records) else set()
    headings = {name: said for name, said in SHOWN.items() if name not in drop}
    return Table(made, caption, headings, frozenset(("statistic", "p", "q")))


def _tested(analysis: Analysis) -> list[Block]:
    tested = analysis.tested.filter(pl.col("p").is_not_null())
    if tested.is_empty():
        return [Text("Nothing was tested.")]
    families = (
        tested.group_by("family", "correction", maintain_order=True)
        .agg(
            pl.col("confirmatory")
            .first()
            .replace_strict({True: "confirmatory", False: "exploratory"})
            .alias("standing"),
            pl.len().alias("tests"),
            (0.05 * pl.len()).round(2).alias("expected"),
            (pl.col("p") < 0.05).sum().alias("p_below"),
            (pl.col("q") < 0.05).sum().alias("q_below"),
            pl.col("p").min().alias("least"),
        )
        .with_columns(
            pl.col("least").map_elements(p_said, return_dtype=pl.String), pl.col("family").str.replace_all("_", " ")
        )
    )
    words = (
        "Where nothing is different, one test in twenty has p below 0.05. q is p corrected for all tests of its "
        "family; families are those of the plan, else one for each step. The whole list stands in tested.csv."
    )
    headings = {"family": "Family", "correction": "Correction", "standing": "Standing", "tests": "Tests",
                "expected": "p below 0.05 expected by chance", "p_below": "p below 0.05", "q_below": "q below 0.05",
                "least": "Smallest p"}  # fmt: skip
    return [Text(words), Table(families, "Families of tests", headings, frozenset(("least",)))]


def _findings(analysis: Analysis, names: Mapping[str, str]) -> list[Block]:
    if not analysis.findings:
        return [Text("Nothing was noticed.")]
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for one in sorted(analysis.findings, key=lambda finding: SEVERITY[finding.severity]):
        key = one.severity, one.file.replace("_", " "), sentence_said(one.what, names), sentence_said(one.mend, names)
        grouped.setdefault(key, []).append(
            names.get(one.where, outcome_said(one.where) if "_" in one.where else one.where)
        )
    rows = [
        (severity, step, ", ".join(dict.fromkeys(filter(None, where[:4]))) + (f" and {len(where) - 4} more"
         if len(where) > 4 else ""), what, mend)
        for (severity, step, what, mend), where in grouped.items()
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["severity", "step", "where", "what", "mend"], orient="row")
    headings = {"step": "Step", "where": "Where", "what": "What", "mend": "What to do"}
    blocks: list[Block] = []
    for severity, caption in (("error", "Not done"), ("warning", "To be careful about"), ("note", "Noted")):
        own = frame.filter(pl.col("severity") == severity)
        shown = {name: said for name, said in headings.items() if any(own[name].to_list())}
        if len(own):
            title = f"{caption} ({len(own)})" if severity == "note" else caption
            blocks.append(Table(own, title, shown, folded=severity == "note" and len(own) > ROWS))
    return blocks


def charts(analysis: Analysis) -> dict[str, object]:
    """Return every figure of the report by its name."""
    scene = Scene.of(analysis)
    found: dict[str, object] = {}
    for step in analysis.plan.step:
        if step.name in analysis.done:
            drawn = figures(step, analysis.done[step.name], scene)
            found |= {one.name: one.chart for one in drawn if isinstance(one, Figure)}
    return found
