"""The report of a coupling: which way it runs, what cannot be concluded, and all that this rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from gutbrain.show.analysis_words import estimate_said
from gutbrain.show.certainty import of_coupling
from gutbrain.show.coupling_curves import cross_blocks, impulse_blocks, own_blocks
from gutbrain.show.coupling_figures import (
    direction_figure,
    drift_figure,
    explained_figure,
    moved_figure,
    person_figure,
)
from gutbrain.show.coupling_method import median_gap, method_blocks
from gutbrain.show.coupling_series import forecast_blocks, residual_blocks
from gutbrain.show.coupling_system import best_lags, system
from gutbrain.show.coupling_verdict import alarm, verdict
from gutbrain.show.coupling_words import Names, half_life, lag_said, percent, said
from gutbrain.show.page import Block, Figure, Items, Report, Section, Table, Text, page_text
from gutbrain.show.study_plots import counted_said
from gutbrain.show.words import number

if TYPE_CHECKING:
    from gutbrain.fit.coupling.coupled import Coupled

SHORT = "Which way does it run?"
FOOTER = "Made by gutbrain. It analyses data; it judges no person and gives no medical advice."
OPEN = 8  # sentences on what cannot be concluded that stand open


def coupling_page(made: Coupled, content: Report) -> str:
    """Return a coupling as one HTML page that needs no network and no other file.

    Parameters
    ----------
    content : of `coupling_report`
    """
    head = '<section class="verdict">'
    return page_text(content, summary=SHORT).replace(head, alarm(made, Names(made.fitted.model)) + head, 1)


def coupling_report(
    made: Coupled, command: str = "", study_name: str = "", choices: Sequence[str] = (), simulated: str = ""
) -> Report:
    """Put the report together.

    Parameters
    ----------
    command : the command line that made it
    study_name : what the study is called
    choices : sentences on what was chosen for the user
    simulated : of a simulated study its certainty, in words
    """
    fitted = made.fitted
    names = Names(fitted.model)
    gap = median_gap(fitted)
    sections = [
        Section("What cannot be concluded", cannot_blocks(made, names)),
        Section("The coupled system", _system(made, names)),
        Section("Effects over the lag", [*cross_blocks(names, made.lagged, gap), *own_blocks(names, made.lagged, gap)]),
        Section("The drift matrix", [*drift_figure(names, made.parameters), *_half_lives(made, names)]),
        Section("Responses to inputs", impulse_blocks(names, made.impulses)),
        Section("Variance explained", explained_figure(names, made.explained)),
        Section("Each person's own", _people(made, names)),
        Section("Forecasts", forecast_blocks(made.states)),
        Section("Does the model fit?", residual_blocks(made.residuals, made.checks)),
        Section("What the data moved", moved_figure(names, made.moved)),
        Section("All parameters", [_parameters(made, names), *_corrected(made, names)]),
        Section("How it was fitted", method_blocks(made, names, command, choices)),
    ]  # fmt: skip
    sides = [" and ".join(said(name) if place == 0 else names.lower(name) for place, name in enumerate(names.on(side)))
             for side in ("gut", "mind")]  # fmt: skip
    title = f"Gut and mind over time: {study_name}" if study_name else "Gut and mind over time"
    counts = f"{counted_said(len(fitted.panel.people), 'person')}, {counted_said(len(fitted.panel.time), 'occasion')}"
    return Report(
        title=title,
        subtitle=f"{counts}. Gut: {sides[0] or 'none'}. Mind: {sides[1] or 'none'}.",
        verdict=verdict(made, names), sections=sections, footer=FOOTER,
        certainty=simulated or of_coupling(made),
    )  # fmt: skip


def cannot_blocks(made: Coupled, names: Names) -> list[Block]:
    """Return sentences on what these data do not show; the gravest stand open."""
    said_of_it = [names.sentence(text) for text in made.cannot]
    if not said_of_it:
        return [Text("Nothing in particular was found that these data cannot tell, beyond what is said above.")]
    rest = pl.DataFrame({"said": said_of_it[OPEN:]}, schema={"said": pl.String})
    more = (
        [Table(rest, f"And {counted_said(len(rest), 'further limit')}", {"said": ""}, folded=True)] if len(rest) else []
    )
    return [Items(said_of_it[:OPEN]), *more]


def _system(made: Coupled, names: Names) -> list[Block]:
    rates = {name: row["estimate"] for name in names.processes
             for row in made.parameters.filter(pl.col("parameter") == f"drift[{name}, {name}]").to_dicts()}  # fmt: skip
    arrows = best_lags(made.lagged).filter(pl.col("to") != pl.col("by"))
    if arrows.is_empty():
        words = "No process of this model acts on another one, so there is no picture of arrows."
        return [Text(words), *direction_figure(names, made.directions)]
    caption = (
        "Arrows: by how many SD the one at the head moves for each SD of the one at the tail, at the lag at which that "
        "is largest; width grows with size, dashed where the 95 % interval at this lag includes 0 or is not known. "
        "Orange: gut to mind; blue: mind to gut; grey: all others. In the boxes: the time after which half of a "
        "deviation is gone, left alone."
    )
    blocks: list[Block] = [Figure(system(names, made.lagged, rates), caption, "coupled system")]
    blocks += direction_figure(names, made.directions)
    return [*blocks, _directions(made, names)] if len(made.directions) else blocks


def _directions(made: Coupled, names: Names) -> Table:
    rows = made.directions.to_dicts()
    frame = pl.DataFrame(
        {
            "pair": [f"{said(row['gut'])} and {names.lower(row['mind'])}" for row in rows],
            "up": [_at_lag(row, "gut_to_mind") for row in rows],
            "down": [_at_lag(row, "mind_to_gut") for row in rows],
            "probability": [_percent(row["probability"]) for row in rows],
        }
    )
    headings = {"pair": "Pair", "up": "Gut → mind (95 %)", "down": "Mind → gut (95 %)",
                "probability": "Probability that gut → mind is the larger"}  # fmt: skip
    if not made.fitted.converged:
        headings.pop("probability")
    right = frozenset(("up", "down", "probability"))
    return Table(frame, "Both directions of each pair, in SD per SD", headings, right)


def _at_lag(row: dict[str, Any], way: str) -> str:
    found = estimate_said(*(row[f"{way}{end}"] for end in ("", "_low", "_high")))
    return f"{found} after {lag_said(row.get(f'{way}_lag', row['lag']))}"


def _percent(value: float | None) -> str:
    return "–" if value is None or value != value else percent(value)


def _half_lives(made: Coupled, names: Names) -> list[Block]:
    rows = []
    for name in names.processes:
        for row in made.parameters.filter(pl.col("parameter") == f"drift[{name}, {name}]").to_dicts():
            halves = [
                half_life(row[part]) if row[part] is not None else float("nan") for part in ("estimate", "low", "high")
            ]
            rows.append((said(name), _rate(row), lag_said(halves[0]), _span(halves[1:])))
    frame = pl.DataFrame(rows, schema=["process", "rate", "half", "span"], orient="row")
    headings = {"process": "Process", "rate": "Rate of return a day (95 %)", "half": "Half gone after",
                "span": "95 % interval"}  # fmt: skip
    caption = "How fast each process returns to its rest, left alone"
    return [Table(frame, caption, headings, frozenset(("rate", "half", "span")))] if rows else []


def _span(ends: list[float]) -> str:
    return "–" if any(end != end for end in ends) else f"{lag_said(ends[0])} to {lag_said(ends[1])}"


def _rate(row: dict[str, float]) -> str:
    return estimate_said(row["estimate"], row["low"], row["high"])


def _people(made: Coupled, names: Names) -> list[Block]:
    if len(made.fitted.panel.people) == 1:
        return [Text("This is the series of one person: its coupling is the one above.")]
    return person_figure(names, made.persons, made.parameters)


def _parameters(made: Coupled, names: Names) -> Table:
    # Loadings and intercepts that are 0 by design say only that a model has none.
    rows = [row for row in made.parameters.to_dicts() if not (row["held"] and row["estimate"] == 0)]
    frame = pl.DataFrame(
        {
            "name": [names.parameter(row["parameter"]) for row in rows],
            "estimate": ["–" if row["held"] else _rate(row) for row in rows],
            "error": ["–" if row["held"] else number(row["standard_error"], 2) for row in rows],
            "held": [f"held at {number(row['estimate'], 3)}" if row["held"] else "" for row in rows],
            "unit": [str(row.get("unit") or "") for row in rows],
        }
    )
    headings = {"name": "Parameter", "estimate": "Estimate (95 %)", "error": "Standard error"}
    headings |= {"held": "Not estimated"} if any(frame["held"].to_list()) else {}
    headings |= {"unit": "Unit, beside that of what was seen"} if any(frame["unit"].to_list()) else {}
    caption = "All parameters but those that are 0 by design; those, and raw names, stand in tables/parameters.csv"
    return Table(frame, caption, headings, frozenset(("estimate", "error")), folded=len(frame) > 40)


def _corrected(made: Coupled, names: Names) -> list[Block]:
    """Return estimates freed of their bias, where that was asked for."""
    table = made.corrected
    if table.is_empty():
        return []
    rows = table.to_dicts()
    frame = pl.DataFrame({
        "name": [names.parameter(row["parameter"]) for row in rows],
        "estimate": [number(row["estimate"], 3) for row in rows],
        "bias": [number(row["bias"], 2) for row in rows],
        "corrected": [estimate_said(row["corrected"], row["low"], row["high"]) for row in rows],
    })  # fmt: skip
    headings = {"name": "Parameter", "estimate": "Estimate", "bias": "Bias", "corrected": "Freed of its bias (95 %)"}
    caption = (f"What {rows[0]['sets']} series drawn from the estimate and fitted again are off by on average, and the "
               "estimate freed of it; limits by the basic bootstrap")  # fmt: skip
    return [Table(frame, caption, headings, frozenset(("estimate", "bias", "corrected")), folded=len(frame) > 40)]
