"""The report of a population: the same verdict and effects as of a small trial, courses week by week, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from gutbrain.show.appendix import limits, methods, references
from gutbrain.show.certainty import WRITTEN, of_signals
from gutbrain.show.page import Block, Figure, Items, Report, Section, Table, Text, Verbatim
from gutbrain.show.plots import trajectory
from gutbrain.show.report import effects_at_visits, simulated
from gutbrain.show.theme import arm_colour, dress
from gutbrain.show.trajectories import moves
from gutbrain.show.verdict import main_row, verdict
from gutbrain.show.words import many, number, signal_name, unit_name

if TYPE_CHECKING:
    from gutbrain.run.result import Result

MOST_ROWS = 4000  # of a figure
LOST_SHOWN = 20
COUNTS = {"assigned": "Assigned", "dropped_out": "Dropped out", "lost": "Left the model's bounds", "stayed": "Stayed"}


@dataclass(frozen=True)
class Population:
    """What a page tells of a population.

    Attributes
    ----------
    outline : a result without readings: plan, axis and numbers of people are those of the whole population
    weeks, effects, people, lost, leaving : tables of the merged chunks
    facts : counts, engine and cost, as the manifest tells them
    """

    outline: Result
    weeks: pl.DataFrame
    effects: pl.DataFrame | None
    people: pl.DataFrame
    lost: pl.DataFrame
    leaving: pl.DataFrame
    facts: Mapping[str, Any]


def population_report(
    shown: Population,
    plan_text: str,
    provenance: Mapping[str, str],
    *,
    outcome: str,
    arm: str,
    title: str,
    signals: Sequence[str],
    published: Mapping[str, Any] | None = None,
) -> Report:
    """Put together the report of a population.

    Parameters
    ----------
    outcome, arm : signal and arm of the verdict
    signals : those that were kept
    published : as `gutbrain.show.report.trial_report` takes it
    """
    outline, facts = shown.outline, shown.facts
    sections = [
        Section("What was simulated", simulated(outline, plan_text)),
        Section("Week by week", _courses(shown, signals)),
        Section("Effects at each visit", _effects(shown, outcome, published)),
        Section("Some of the people", _people(shown, outcome)),
        Section("Who was lost, and what was checked", _lost(shown), WRITTEN),
        Section("Read it yourself", _reading(facts, outcome)),
        Section("Methods in words", [*_methods(facts), *methods(outline, provenance)]),
        Section("Limits", [Items([*limits(outline), *_limits()])]),
        Section("References", [references(outline, published, None)]),
    ]
    said = f"{many(facts['people'])} people, {many(facts['columns'])} lives of {outline.trial.days} days"
    return Report(
        title=title,
        subtitle=f"{said}, axis “{outline.cohort.axis.name}”, seed {outline.cohort.seed}. A simulation, not a study.",
        verdict=_verdict(shown, outcome, arm, published),
        sections=[section for section in sections if section.blocks],
        footer=" · ".join(f"{name}: {value}" for name, value in provenance.items()),
        certainty=of_signals(outline, [outcome]),
    )


def course_frame(weeks: pl.DataFrame, signal: str) -> pl.DataFrame:
    """Return the weeks of a signal as the table that `gutbrain.show.plots.trajectory` draws, at mid-week."""
    middle = pl.col("first_day") + (pl.col("days") - 1) / 2
    return weeks.filter(pl.col("signal") == signal, pl.col("n") > 0).select(
        middle.alias("day"), "arm", "change", "belief_low", "belief_high", pl.col("mean").alias("level"),
        pl.col("q05").alias("people_low"), pl.col("q95").alias("people_high"),
    )  # fmt: skip


def people_plot(people: pl.DataFrame, signal: str, unit: str, arms: Sequence[str]) -> alt.FacetChart:
    """Draw the daily course of single people, a panel an arm.

    Parameters
    ----------
    people : person, number, arm, day, present, lost, signal, mean
    """
    there = people.filter(pl.col("signal") == signal, pl.col("present"), ~pl.col("lost"))
    step = ceil(there.height / MOST_ROWS) or 1
    frame = (
        there.with_columns((pl.col("day") // step * step + (step - 1) / 2).alias("day"))
        .group_by("arm", "person", "day", maintain_order=True)
        .agg(pl.col("mean").cast(pl.Float64).mean())
    )
    wide = max(160, min(300, 720 // max(len(arms), 1)))
    name = unit_name(signal, unit)
    lines = alt.Chart(frame).mark_line(strokeWidth=1.3, opacity=0.8).encode(
        x=alt.X("day:Q", title="Day of the run", axis=alt.Axis(tickCount=5)),
        y=alt.Y("mean:Q", title=[signal_name(signal), f"({name})"], scale=alt.Scale(zero=False)),
        detail="person:N", color=arm_colour(arms).copy(deep=False), tooltip=["person", "arm", "day"],
    )  # fmt: skip
    panels = lines.properties(width=wide, height=220).facet(column=alt.Column("arm:N", title=None, sort=list(arms)))
    return dress(panels)


def _verdict(shown: Population, outcome: str, arm: str, published: Mapping[str, Any] | None) -> list[str]:
    if shown.effects is None:
        return [f"One arm: {many(shown.facts['people'])} people were followed, and nothing is compared."]
    return verdict(shown.outline, shown.effects, outcome, published, arm=arm)


def _courses(shown: Population, signals: Sequence[str]) -> list[Block]:
    blocks: list[Block] = [
        Text(
            "Each point is the mean of a week, of those still there on its last day. Grey ground: the course. "
            "Left what the arms did and what nobody knows about it, right how far people lie apart."
        )
    ]
    still = []
    for signal in signals:
        frame = course_frame(shown.weeks, signal)
        if frame.is_empty() or not moves(frame):
            still.append(signal_name(signal).lower())
            continue
        unit = unit_name(signal, shown.outline.unit(signal))
        caption = f"{signal_name(signal)} ({unit}), week by week; signal {signal}."
        sure = of_signals(shown.outline, [signal])
        blocks.append(Figure(trajectory(shown.outline, signal, frame), caption, f"weeks {signal}", sure))
    if still:
        words = f"Not drawn, because no arm moved by more than a thousandth of its level: {', '.join(still)}."
        blocks.append(Text(words))
    return blocks


def _effects(shown: Population, outcome: str, published: Mapping[str, Any] | None) -> list[Block]:
    if shown.effects is None:
        return []
    main_row(shown.outline, shown.effects, outcome)
    return effects_at_visits(shown.outline, shown.effects, outcome, published)


def _people(shown: Population, outcome: str) -> list[Block]:
    if shown.people.is_empty():
        return []
    count, arms = shown.people["person"].n_unique(), shown.outline.arms
    said = f"{count} people, evenly spaced over the whole population, in the first world: daily readings of the same "
    said += "signal. Means of arms describe none of them."
    if shown.outline.trial.twins:
        said += " The same people stand in every arm."
    chart = people_plot(shown.people, outcome, shown.outline.unit(outcome), arms)
    caption = f"{signal_name(outcome)} of single people, day by day until they leave."
    return [Text(said), Figure(chart, caption, f"people {outcome}", of_signals(shown.outline, [outcome]))]


def _lost(shown: Population) -> list[Block]:
    facts, worlds = shown.facts, shown.outline.cohort.worlds
    table = shown.leaving.with_columns((pl.col(name) / worlds).round(1) for name in COUNTS)
    caption = "People by arm on the last visit" + (", mean over worlds" if worlds > 1 else "")
    blocks: list[Block] = [Table(table, caption, {"arm": "Arm", **COUNTS})]
    if shown.lost.is_empty():
        blocks.append(Text("Nobody left the bounds of the model."))
    else:
        headings = {"person": "Person", "world": "World", "arm": "Arm", "day": "Day", "state": "State"}
        more = f"first {LOST_SHOWN} of {many(facts['lost'])}; more are in lost.parquet"
        caption = "Lost by the model" + (f" ({more})" if facts["lost"] > LOST_SHOWN else "")
        blocks.append(Table(shown.lost.head(LOST_SHOWN), caption, headings))
    return [*blocks, Items(_checks(facts))]


def _checks(facts: Mapping[str, Any]) -> list[str]:
    """Say what the engine and the settling tell of themselves."""
    said = []
    error = facts["largest_error"]
    if error is None:
        said.append("The engine gave no estimate of its own error in this run.")
    else:
        said.append(f"Largest estimate of an engine's error, over all lives: {number(error)} of the range of a state.")
    again = facts["run_again"]
    if again:
        named = ", ".join(facts["named_again"][:5]) + (" and others" if again > 5 else "")
        said.append(f"{many(again)} lives were run again by finer steps, because their error was too large: {named}.")
    elif error is not None:
        said.append("No life had to be run again by finer steps.")
    far = facts["baselines_not_reached"]
    if far:
        said.append(f"{many(far)} people have a measured community that the model cannot reach; they keep the "
                    "nearest on the way to it that it can.")  # fmt: skip
    if facts["not_settled"]:
        said.append(f"{many(facts['not_settled'])} lives did not settle before day 0.")
    for name, count in facts["rejected_draws"].items():
        said.append(f"{count} draws of a world were refused by the limit “{name}”.")
    return said


def _reading(facts: Mapping[str, Any], outcome: str) -> list[Block]:
    out = facts["folder"]
    text = (
        "weeks.parquet, effects.parquet and kept.parquet hold what is drawn here. The chunks hold the same by chunk "
        "and by world, and weekly readings of people as sketches (counts in buckets, each half a percent "
        "wide on either side), which add up for any question:"
    )
    lines = (
        f"duckdb -c \"SELECT * FROM '{out}/weeks.parquet' WHERE signal = '{outcome}'\"\n"
        f'duckdb -c "SELECT arm, week, signal, bucket, sum(count) AS people FROM '
        f"read_parquet('{out}/chunks/*/sketch.parquet', hive_partitioning = true) GROUP BY ALL\"\n"
        f'python -c "import polars as pl; '
        f"print(pl.read_parquet('{out}/chunks/**/visits.parquet', hive_partitioning=True))\""
    )
    return [Text(text), Verbatim(lines)]


def _methods(facts: Mapping[str, Any]) -> list[Block]:
    return [
        Text(
            f"{many(facts['columns'])} lives ({many(facts['people'])} people in every world of belief) were lived in "
            f"{many(facts['chunks'])} chunks of {many(facts['people_in_chunk'])} people, each an independent draw of "
            "people in the same worlds. Chunks depend on the plan alone, so the result is the same wherever and in "
            f"whichever order they are lived. Processor time: {_hours(facts['cpu_seconds'])}."
        ),
        Text(
            "Means and squares of chunks are added in their order; quantiles of people are read from sketches, within "
            "half a percent of the value. People are assigned to arms at random in blocks of one person an arm."
        ),
    ]


def _limits() -> list[str]:
    return [
        "A large population makes the sampling interval narrow and leaves belief as wide as it was: a small interval "
        "here says nothing about how sure the model is.",
        "Paths were not taken apart and no instrument was simulated in this run: run the plan with fewer people for "
        "both.",
    ]


def _hours(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
