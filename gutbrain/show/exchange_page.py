"""The report of a diet exchange: prediction beside measurement, good or bad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from gutbrain.show.certainty import of_signals
from gutbrain.show.page import Block, Figure, Items, Report, Section, Table, Text, Verbatim
from gutbrain.show.plots import group_prediction
from gutbrain.show.verdict import NO_ADVICE

if TYPE_CHECKING:
    from gutbrain.run.exchange import Prediction

MODEL, NOTHING = "this model", "nothing changes"
GROUP_HEAD = {
    "arm": "Arm", "group": "Group", "measured": "Measured", "measured_low": "low", "measured_high": "high",
    "predicted": "Predicted", "predicted_low": "low", "predicted_high": "high", "home_low": "Home, low",
    "home_high": "Home, high", "sign_agrees": "Sign agrees",
}  # fmt: skip
ERROR_HEAD = {
    "arm": "Arm", "forecast": "Forecast", "people": "People", "error": "Error, log2", "bray_curtis": "Bray-Curtis",
}  # fmt: skip


def exchange_report(found: Prediction, title: str, plan_text: str, study: str, provenance: Mapping[str, str]) -> Report:
    """Put together the report of a predicted diet exchange."""
    clear = found.groups.filter(pl.col("clear"))
    agree = int(clear["sign_agrees"].sum() or 0)
    beside: list[Block] = [
        Text(
            "Points are medians over people of the change of a group's share; bars are 95 % bootstrap intervals for "
            "what was measured and 90 % of worlds (what nobody knows) for what was predicted."
        ),
        Figure(group_prediction(found.groups), "Measured and predicted change of each group, by arm", "groups"),
        Table(
            found.groups, "Group by group, log2 ratios; home: change between two samples on the own diet", GROUP_HEAD
        ),
    ]
    against: list[Block] = [
        Text(
            "Error is the root mean square over people and groups of the difference of log2 ratios; Bray-Curtis is "
            "the distance between forecast and measured composition. A useful model must beat “nothing changes”."
        ),
        Table(found.errors, "Errors", ERROR_HEAD),
    ]
    simulated: list[Block] = [
        Text(
            f"Study folder {study}: {len(found.people)} people with both samples. Each was given growth scales whose "
            "settled colon has the composition measured before the exchange; then he ate the diet of his arm. Grams "
            "that reach the colon are assumed, from recalled doses."
        ),
        Verbatim(plan_text, "The plan of the run"),
    ]
    sections = [
        Section("Prediction beside measurement", beside),
        Section("Error against plain forecasts", against),
        Section("Who was lost, who was not reached", _people(found)),
        Section("What was simulated", simulated),
        Section("Provenance", [Items([f"{name}: {value}" for name, value in provenance.items()])]),
    ]
    groups = [label for label in found.result.labels if label.startswith("colon.relative_abundance[")]
    return Report(
        title,
        f"{len(found.people)} people, {found.result.cohort.worlds} worlds",
        _verdict(found, agree, len(clear)),
        sections,
        certainty=f"{of_signals(found.result, groups)}; beside what was measured in these people",
    )


def _verdict(found: Prediction, agree: int, clear: int) -> list[str]:
    all_ = found.errors.filter(pl.col("arm") == "all")
    error = {row["forecast"]: row["error"] for row in all_.iter_rows(named=True)}
    ours, plain = error[MODEL], error[NOTHING]
    if ours < plain:
        first = f"The model's forecast (error {ours:.2f} log2 units) is closer than “nothing changes” ({plain:.2f})."
    else:
        first = (
            f"The model's forecast is worse than “nothing changes”: error {ours:.2f} against {plain:.2f} log2 units. "
            "It must not be used to predict what a diet does to somebody's microbes."
        )
    natural = next(row["error"] for row in all_.iter_rows(named=True) if row["forecast"].startswith("natural"))
    return [
        first,
        f"Two samples on the same diet already differ by {natural:.2f}; the mean of the others in the arm errs by "
        f"{error['mean of the others in the arm']:.2f}.",
        f"Of {clear} group changes whose measured interval excludes zero, the model has the sign of {agree}.",
        NO_ADVICE,
    ]


def _people(found: Prediction) -> list[Block]:
    lost = found.result.lost
    blocks: list[Block] = []
    far = ", ".join(found.unreached)
    blocks.append(
        Text(f"Measured baselines that the model cannot feed: {far}." if far else "Every baseline was reached.")
    )
    if lost.is_empty():
        blocks.append(Text("Nobody left the bounds of the model."))
    else:
        said = {"world": "World", "person": "Person", "arm": "Arm", "day": "Day", "state": "State that left its bounds"}
        blocks.append(
            Table(lost, f"{len(lost)} of {found.result.cohort.size} columns left the bounds and are left out", said)
        )
    return blocks
