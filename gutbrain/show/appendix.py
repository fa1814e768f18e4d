"""What a result rests on: who was lost, what has no source, the methods in words, limits and references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.evidence.claims import cite
from gutbrain.show.certainty import WRITTEN
from gutbrain.show.effects import leaving
from gutbrain.show.page import Block, Figure, Items, Table, Text
from gutbrain.show.plots import sensitivity_plot
from gutbrain.show.words import number

if TYPE_CHECKING:
    from gutbrain.run.result import Result

SPLIT = "Gut communities are known at class level; the split of a class into groups is assumed, drawn for each person."
OWN_REST = (
    "Listeners refer to a person's own rest. Another colon therefore changes how he responds, not how he feels at rest."
)
LOST_SHOWN = 40


def lost(result: Result) -> list[Block]:
    """Return the account of who dropped out, left the bounds of the model or was refused."""
    worlds = result.cohort.worlds
    counts = {
        "assigned": "Assigned",
        "dropped_out": "Dropped out",
        "lost": "Left the model's bounds",
        "stayed": "Stayed",
    }
    table = leaving(result).with_columns(*((pl.col(name) / worlds).round(1) for name in counts))
    blocks: list[Block] = [
        Table(table, "People by arm" + (", mean over worlds" if worlds > 1 else ""), {"arm": "Arm", **counts}),
        Text(
            "Who drops out stops all effort of the programme and no longer counts in any reading. Who leaves "
            "the bounds of the model counts until that day, and is named here."
        ),
    ]
    if result.lost.is_empty():
        blocks.append(Text("Nobody left the bounds of the model."))
    else:
        headings = {
            "person": "Person",
            "world": "World",
            "arm": "Arm",
            "day": "Day",
            "state": "State that left its bounds",
        }
        shown = result.lost.head(LOST_SHOWN)
        more = f" (first {LOST_SHOWN} of {result.lost.height})" if result.lost.height > LOST_SHOWN else ""
        blocks.append(Table(shown, f"Lost by the model{more}", headings))
    refused = [f"{name}: {count} draws of a world" for name, count in result.cohort.rejected.items()]
    if refused:
        blocks += [
            Text(
                "Refused before the run, because a limit of the axis was broken; what is believed is "
                "therefore cut there:"
            ),
            Items(refused),
        ]
    else:
        blocks.append(Text("No draw of a world was refused by a limit of the axis."))
    return blocks


def unsourced(result: Result, sensitivities: pl.DataFrame | None, unit: str) -> list[Block]:
    """Return the parameters without a source, by how far they move the effect."""
    parameters = result.cohort.axis.parameters
    count = sum(param.grade.startswith("assumed") for param in parameters.values())
    blocks: list[Block] = [
        Text(f"{count} of the {len(parameters)} parameters of this axis are assumed: no source states their value.")
    ]
    if sensitivities is None or sensitivities.is_empty():
        return [*blocks, Text("It was not computed which of them mattered in this run.")]
    caption = "How far the effect moves when one parameter moves, largest first, whatever its grade."
    blocks.append(Figure(sensitivity_plot(sensitivities, unit), caption, "sensitivities"))
    chosen = sensitivities.filter(pl.col("grade").str.starts_with("assumed") | (pl.col("source") == "assumed"))
    if chosen.is_empty():
        return [*blocks, Text("None of the parameters that were moved is without a source.")]
    about = [parameters[name].about if name in parameters else "" for name in chosen["parameter"]]
    chosen = chosen.with_columns(pl.Series("about", about, dtype=pl.String))
    chosen = chosen.sort(pl.col("effect_change").abs(), descending=True)
    headings = {
        "parameter": "Parameter", "about": "What it is", "value": "Value", "unit": "Unit", "grade": "Grade",
        "effect_change": f"Moves the effect by [{unit}]",
    }  # fmt: skip
    return [*blocks, Table(chosen, "Without a source, by how much they mattered", headings)]


def methods(result: Result, provenance: Mapping[str, str]) -> list[Block]:
    """Return the methods in words, with engine, step, seed and versions."""
    cohort, trial = result.cohort, result.trial
    axis, states = cohort.axis, len(result.rows)
    engine = provenance.get("engine", "fixed-step cohort engine, classical Runge-Kutta of fourth order")
    words = [
        (
            f"The axis “{axis.name}” joins {len(axis.compartments)} compartments with {states} states and "
            f"{len(axis.parameters)} parameters. Time is in days; each parameter keeps the unit its source uses "
            "and is converted inside the equations to day, millimole, gram, litre and mmHg."
        ),
        f"Engine: {engine}. Step: {result.step_minutes:g} minutes; levers are held constant within a step. "
        "Values are means of "
        "the day. Seed: " + f"{cohort.seed}.",
        (
            "Two spreads are drawn. Belief, what nobody knows, once a world; between-person differences, once a "
            "person, who recurs in every world. Couplings of unknown strength are zero unless they are opened."
        ),
        "Before day 0 each person was brought to the steady day of his own ordinary life" + _settled(cohort.residual),
        f"Dropout: a constant hazard over the {trial.course_days} days of the course, higher in people with "
        "more negative affect. Effects: change from day 0 of those still there, arm minus comparator, "
        "computed within each world; the SD is that between people on day 0, pooled over arms within a world. "
        "Sampling intervals are ±1.64 standard errors"
        + (" of differences between copies of a person." if trial.twins else " of a difference of two means."),
    ]
    versions = pl.DataFrame(
        {"what": list(provenance), "value": list(provenance.values())}, schema={"what": pl.String, "value": pl.String}
    )
    blocks: list[Block] = [Text(paragraph) for paragraph in words]
    headings = {"what": "What", "value": "Value"}
    return [*blocks, Table(versions, "Provenance", headings, certainty=WRITTEN)] if provenance else blocks


def _settled(residual: np.ndarray | None) -> str:
    if residual is None:
        return "."
    known = residual[np.isfinite(residual)]
    text = f"; {len(residual) - len(known)} did not settle" if len(known) < len(residual) else ""
    if not len(known):
        return text + "."
    moving = int((known > 0.01).sum())
    return (
        f"{text}. Over one more day of it, the state that moved most did so by "
        f"{number(float(np.median(known)))} of its size in the middle person, by {number(float(known.max()))} "
        f"in the worst; in {moving} of {len(known)} it was more than 1 %. A state that rests at zero is "
        "measured against a thousandth of its range, so it leads this count."
    )


def limits(result: Result) -> list[str]:
    """Return what the run cannot say."""
    said = [
        (
            "The model has not passed an independent validation as a whole. Its parts reproduce single published "
            "results, and some of these are the ones they were fitted to."
        ),
        OWN_REST,
        (
            "Readings are the signals themselves, without the error of a questionnaire or an assay. A real trial "
            "of this size would scatter more."
        ),
        (
            "Belief intervals cover the spread of parameters, not errors in the form of the equations: they are "
            "too narrow by an unknown amount."
        ),
        (
            "An arrow that is zero by default contributes nothing here; that is a statement about our knowledge, "
            "not about people."
        ),
        "Means of arms describe no single person. Nothing here is advice about treatment.",
    ]
    if result.cohort.worlds == 1:
        said.insert(3, "With one world nothing is said about what nobody knows.")
    return said


def references(result: Result, published: Mapping[str, Any] | None, sensitivities: pl.DataFrame | None) -> Block:
    """Return every source the run rests on."""
    keys = {key for param in result.cohort.axis.parameters.values() for key in param.source.split()}
    keys |= {key for _, act in result.trial.acts for key in act.source.split()}
    keys |= set(str((published or {}).get("source", "")).split())
    if sensitivities is not None and "source" in sensitivities.columns:
        keys |= {key for text in sensitivities["source"] for key in str(text or "").split()}
    return Items([_reference(key) for key in sorted(keys - {"assumed", ""}, key=str.lower)])


def _reference(key: str) -> str:
    try:
        return f"{key}: {cite(key)[0]}."
    except InputError:
        return f"{key}: no entry in the list of sources."
