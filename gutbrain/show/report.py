"""The report of a trial: verdict first, then what was done, what came out, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from gutbrain.show.appendix import (
    OWN_REST,
    SPLIT,
    limits,
    lost,
    methods,
    references,
    unsourced,
)
from gutbrain.show.certainty import WRITTEN, of_grades, of_signals
from gutbrain.show.page import (
    Block,
    Figure,
    Items,
    Picture,
    Report,
    Section,
    Table,
    Text,
    Verbatim,
    save_figures,
    write_report,
)
from gutbrain.show.plots import (
    composition,
    effect_plot,
    paths_plot,
    trajectory,
)
from gutbrain.show.trajectories import moved
from gutbrain.show.verdict import (
    alike,
    interval,
    main_row,
    main_visit,
    published_interval,
    verdict,
)
from gutbrain.show.words import UNITS, difference_unit, many, number, signal_name, unit_name

if TYPE_CHECKING:
    from gutbrain.run.result import Result

SHOWN = (
    "mind.negative_affect", "hpa.cortisol", "vagus.tone", "barrier.permeability", "immune.mucosal_activity",
    "blood.il6", "colon.butyrate", "enteric.colonic_transit_hours", "sleep.debt",
)  # fmt: skip


def trial_report(
    result: Result,
    plan_text: str,
    effect_table: pl.DataFrame,
    paths: pl.DataFrame | None = None,
    sensitivities: pl.DataFrame | None = None,
    graph_svg: str = "",
    provenance: Mapping[str, str] | None = None,
    *,
    published: Mapping[str, Any] | None = None,
    outcome: str = SHOWN[0],
    arm: str | None = None,
    title: str = "",
    signals: Sequence[str] = SHOWN,
) -> Report:
    """Put together the report of a simulated trial.

    Parameters
    ----------
    plan_text : the run as it was written down
    effect_table : of `gutbrain.show.effects.effects`, with the outcome
    paths : path, effect, share, weakest_grade, edges
    sensitivities : parameter, value, unit, grade, source, effect_change
    graph_svg : signal map with the strengths of this run
    provenance : what ran: engine, versions, command, date, by name
    published : label, low, high, centre, source; `direction` where positive; `interval` such as "95 %"
    outcome, arm : signal and arm of the verdict; the first arm that is not the comparator by default
    signals : trajectories that are drawn, as far as the run kept them
    """
    mine, _ = main_row(result, effect_table, outcome, arm)
    unit = difference_unit(outcome, result.unit(outcome))
    cohort, trial = result.cohort, result.trial
    people = _counted(_persons(result)) + (f" in {cohort.worlds} worlds" if cohort.worlds > 1 else ", one world")
    sections = [
        Section("What was simulated", simulated(result, plan_text)),
        Section("Map of signals", _map(graph_svg)),
        Section("Course of the trial", _courses(result, signals)),
        Section("Effects at each visit", effects_at_visits(result, effect_table, outcome, published)),
        Section("Through which paths", _paths(paths, outcome, unit)),
        Section("Who was lost and why", lost(result)),
        Section("Parameters without a source that mattered", unsourced(result, sensitivities, unit)),
        Section("Methods in words", methods(result, provenance or {})),
        Section("Limits", [Items(limits(result))]),
        Section("References", [references(result, published, sensitivities)]),
    ]
    return Report(
        title=title or f"Simulated trial: {mine['arm']} against {mine['comparator']}",
        subtitle=(
            f"{people}, {trial.days} days, axis “{cohort.axis.name}”, seed {cohort.seed}. A simulation, not a study."
        ),
        verdict=verdict(result, effect_table, outcome, published, paths, arm),
        sections=[section for section in sections if section.blocks],
        footer=" · ".join(f"{name}: {value}" for name, value in (provenance or {}).items()),
        certainty=of_signals(result, [outcome]),
    )


def simulated(result: Result, plan_text: str) -> list[Block]:
    """Say what was simulated: arms and their acts, people and worlds, baselines, and the plan."""
    cohort, trial = result.cohort, result.trial
    rows = []
    everyone = [("everyone", act) for act in trial.everyone.acts]
    for name, act in [*((protocol.name, act) for protocol in trial.arms for act in protocol.acts), *everyone]:
        lever = cohort.axis.levers.get(act.lever.partition("[")[0])
        dose = f"{number(100 * act.dose)} % of own habit" if act.relative else f"{number(act.dose, 3)} {_plain(lever)}"
        end = "end" if act.end > trial.days else f"{act.end:g}"
        lever_name = act.lever.partition(".")[2].replace("_", " ")
        rows.append((name, lever_name, dose.strip(), f"{act.start:g} to {end}", act.grade, act.source))
    rows += [(protocol.name, "nothing", "–", "–", "–", "–") for protocol in trial.arms if not protocol.acts]
    names = ["arm", "lever", "dose", "days", "grade", "source"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    kind = (
        "the same people stand in every arm (twins)" if trial.twins else "each person was assigned to one arm at random"
    )
    said = f"{len(trial.arms)} arms over {trial.days} days; {kind}. {_drawn(_persons(result))}"
    if cohort.worlds > 1:
        said += f", each of them again in every one of {cohort.worlds} worlds. A world is one guess at everything "
        said += "nobody knows; people differ within each world."
    else:
        said += ". One world: everything unknown is held at its best guess."
    baseline = cohort.baseline_note or (SPLIT if cohort.shares is not None else "")
    if not baseline:
        baseline = "No measured gut communities were used: people's communities follow from drawn parameters alone."
    blocks: list[Block] = [Text(said)]
    blocks.append(
        Table(
            table,
            "What each arm does",
            dict(zip(names, ["Arm", "Lever", "Dose above rest", "Days", "Grade of the dose", "Source"], strict=True)),
            certainty=of_grades(act.grade for _, act in trial.acts) if trial.acts else WRITTEN,
        )
    )
    blocks += [Text(f"Baseline: {baseline}", note=True), Text(OWN_REST, note=True)]
    return [*blocks, Verbatim(plan_text, "The plan of the run")] if plan_text.strip() else blocks


def _counted(people: int) -> str:
    return "one person" if people == 1 else f"{people} people"


def _drawn(people: int) -> str:
    if people == 1:
        return "The one person is typical but for what is known of him"
    return f"{many(people)} people were drawn"


def _persons(result: Result) -> int:
    """Number of different people: twins stand once in every arm."""
    return result.cohort.people // (len(result.trial.arms) if result.trial.twins else 1)


def _plain(lever: Any) -> str:
    return "" if lever is None or lever.unit == "1" else UNITS.get(lever.unit, lever.unit)


def _map(graph_svg: str) -> list[Block]:
    if not graph_svg:
        return []
    start = graph_svg.find("<svg")
    caption = (
        "Organs and the signals between them. Thicker: stronger in this run. Dashed: assumed, or zero by default. "
        "Point at an arrow to read its signals."
    )
    return [Picture(graph_svg[start:] if start >= 0 else graph_svg, caption)]


def _courses(result: Result, signals: Sequence[str]) -> list[Block]:
    known = [signal for signal in signals if signal in result.labels]
    still = [signal for signal in known if not moved(result, signal)]
    blocks: list[Block] = [
        Text(
            "Grey ground: the course. Dotted lines: visits. The two panels of a figure have scales of their "
            "own: left what the arms did and what nobody knows about it, right how far people lie apart."
        )
    ]
    for signal in known:
        if signal not in still:
            caption = f"{signal_name(signal)} ({unit_name(signal, result.unit(signal))}); signal {signal}."
            sure = of_signals(result, [signal])
            blocks.append(Figure(trajectory(result, signal), caption, f"trajectory {signal}", sure))
    if still:
        names = ", ".join(signal_name(signal).lower() for signal in still)
        blocks.append(Text(f"Not drawn, because no arm moved by more than a thousandth of its level: {names}."))
    if any(label.startswith("colon.relative_abundance[") for label in result.labels):
        caption = "Groups of the colon community, mean share of the people still there, worlds pooled."
        groups = [label for label in result.labels if label.startswith("colon.relative_abundance[")]
        blocks.append(Figure(composition(result), caption, "composition", of_signals(result, groups)))
    return blocks


def effects_at_visits(
    result: Result, table: pl.DataFrame, outcome: str, published: Mapping[str, Any] | None
) -> list[Block]:
    """Draw and tabulate the effects at every visit, the main one first."""
    visit = main_visit(result, table)
    after = table.filter(pl.col("visit") > 0)
    blocks: list[Block] = [
        Text(
            "Every effect is a difference of changes from day 0, arm minus comparator. Belief: what stays "
            "open because nobody knows the parameters. Sampling: what stays open because so few people were "
            "in the trial. They do not add up to one interval, and more people narrow only the second."
        )
    ]
    main = after.filter(pl.col("signal") == outcome)
    scale = "sd" if main["effect_sd"].is_not_null().any() else "unit"
    if main["effect" + "_sd" * (scale == "sd")].is_not_null().any():
        beside = published if scale == "sd" else None
        caption = f"{signal_name(outcome)}: effect at each visit" + (", beside what was published." if beside else ".")
        sure = of_signals(result, [outcome])
        blocks.append(Figure(effect_plot(main, beside, scale), caption, f"effect {outcome}", sure))
    every = of_signals(result, after["signal"].unique(maintain_order=True).to_list())
    others = after.filter(pl.col("visit") == visit, pl.col("effect_sd").is_not_null())
    if others["signal"].n_unique() > 1:
        caption = f"All signals that differ between people on day 0, day {visit}."
        blocks.append(Figure(effect_plot(others), caption, "effects all signals", every))
    for day in sorted(after["visit"].unique(), key=lambda day: (day != visit, day)):
        caption = f"Day {day}" + (", the last visit of the course" if day == visit else "")
        blocks.append(_effect_table(after.filter(pl.col("visit") == day), caption, day != visit, every))
    return blocks


def _effect_table(table: pl.DataFrame, caption: str, folded: bool, certainty: str) -> Table:
    """Numbers of a signal share their decimals, so that numerical dust reads as zero."""
    moves = table.select(pl.max_horizontal(pl.col("change", "effect").abs()).max().over("signal").alias("largest"))
    rows = []
    for row, (largest,) in zip(table.iter_rows(named=True), moves.iter_rows(), strict=True):
        worlds = row["worlds"]
        rows.append(
            {
                "signal": f"{signal_name(row['signal'])} [{difference_unit(row['signal'], row['unit'])}]",
                "arm": row["arm"],
                "present": f"{row['present'] / worlds:.0f} of {row['assigned'] / worlds:.0f}",
                "change": alike(row["change"], largest),
                "effect": alike(row["effect"], largest),
                "belief": interval(row["belief_low"], row["belief_high"], largest),
                "sampling": interval(row["sampling_low"], row["sampling_high"], largest),
                "effect_sd": alike(row["effect_sd"], 0.1),
                "belief_sd": interval(row["belief_sd_low"], row["belief_sd_high"], 0.1),
            }
        )
    headings = {
        "signal": "Signal [unit]", "arm": "Arm", "present": "Present", "change": "Change from day 0",
        "effect": f"Against {table['comparator'][0]}", "belief": "90 % belief", "sampling": "90 % sampling",
        "effect_sd": "In SD", "belief_sd": "90 % belief, SD",
    }  # fmt: skip
    right = frozenset({"change", "effect", "belief", "sampling", "effect_sd", "belief_sd"})
    return Table(pl.DataFrame(rows, infer_schema_length=None), caption, headings, right, folded, certainty)


def _paths(paths: pl.DataFrame | None, outcome: str, unit: str) -> list[Block]:
    if paths is None or paths.is_empty():
        return [Text("The paths of this run were not taken apart.")]
    text = (
        f"How much of the effect on {signal_name(outcome).lower()} is gone when a path is closed. Paths that "
        "share arrows overlap, so shares need not add up to 100 %. The colour is the weakest grade on the "
        "way: one assumed arrow makes the whole path assumed."
    )
    table = paths.sort(pl.col("effect").abs(), descending=True).with_columns(
        (100 * pl.col("share")).round(0).alias("percent"), pl.col("path").str.replace_all(" -> ", " → ")
    )
    headings = {
        "path": "Path", "effect": f"Effect [{unit}]", "percent": "Share [%]",
        "weakest_grade": "Weakest grade", "edges": "Arrows",
    }  # fmt: skip
    caption = "Effect through each path, largest first; share of the whole effect in brackets."
    return [
        Text(text),
        Figure(paths_plot(paths, unit), caption, "paths"),
        Table(table, "Path decomposition", headings, folded=paths.height > 12),
    ]


__all__ = ["Report", "Section", "published_interval", "save_figures", "trial_report", "write_report"]
