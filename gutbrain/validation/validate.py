"""Validation: every finding that can be simulated is held against virtual trials of its own design."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.evidence.findings import Finding, finding, findings
from gutbrain.model.axis import Axis, nearest
from gutbrain.people.cohort import Cohort
from gutbrain.validation.designs import Design, designs
from gutbrain.validation.discrepancy import Discrepancy, learnt
from gutbrain.validation.lives import live
from gutbrain.validation.score import board, distance, row, summary, usual
from gutbrain.validation.virtual import REPLICATES, Predicted, hold

Progress = Callable[[str, int, int], None]
FEWEST = 8  # people from whom a trial can recruit
PEOPLE_UNKNOWN = 100  # persons of a finding that states none
FORECASTS = {"the body alone": "", "with discrepancy": "overlaid_"}
GOALS = {"coverage": (0.80, 0.97), "sign_accuracy": (0.90, 1.0), "skill": (0.25, 1.0)}


@dataclass(frozen=True)
class Validation:
    """The score board.

    Attributes
    ----------
    scores : one row a finding, columns as `score.SCHEMA`
    by_use, by_pathway, by_certainty : summaries; the last two of findings marked `predict`
    draws : estimates of the single virtual trials of each finding, arrays [worlds, replicates]
    discrepancy : what was learnt from the chosen findings marked `calibrate`; None from too few
    lost : columns that left the bounds of the model, of all
    engine : what let people live
    """

    axis: str
    worlds: int
    people: int
    seed: int
    beliefs: str
    scores: pl.DataFrame
    by_use: pl.DataFrame
    by_pathway: pl.DataFrame
    by_certainty: pl.DataFrame
    draws: Mapping[str, Predicted]
    discrepancy: Discrepancy | None
    lost: tuple[int, int]
    engine: str = ""

    def goals(self) -> pl.DataFrame:
        """Return what was aimed at for findings marked `predict`, and what is reached.

        Returns
        -------
        table forecast (the body alone, with discrepancy), goal, low, high, reached, met
        """
        reached = self.by_use.filter(pl.col("use") == "predict")
        rows = []
        for forecast, prefix in FORECASTS.items():
            for name, (low, high) in GOALS.items():
                value = reached[f"{prefix}{name}"][0] if reached.height else None
                met = None if value is None else low <= value <= high
                rows.append((forecast, name, low, high, value, met))
        schema = {"forecast": pl.String, "goal": pl.String, "low": pl.Float64, "high": pl.Float64,
                  "reached": pl.Float64, "met": pl.Boolean}  # fmt: skip
        return pl.DataFrame(rows, schema=schema, orient="row")


def chosen_designs(wanted: Sequence[str] = ()) -> dict[str, Design]:
    """Return designs by finding, all or those whose finding, pathway or use is named.

    Raises
    ------
    InputError
        For a name that nothing bears.
    """
    table = findings().filter(pl.col("id").is_in(list(designs())))
    if not wanted:
        return designs()
    keep: list[str] = []
    for name in wanted:
        found = table.filter((pl.col("id") == name) | (pl.col("pathway") == name) | (pl.col("use") == name))["id"]
        if not len(found):
            known = [*table["id"], *table["pathway"].unique(), *table["use"].unique()]
            raise InputError(f"nothing that is simulated is called {name!r}{nearest(name, known)}",
                             mend="gutbrain evidence lists findings, pathways and uses")  # fmt: skip
        keep += list(found)
    return {name: design for name, design in designs().items() if name in keep}


def discrepancy_of(chosen: Mapping[str, Design], held: Mapping[str, Predicted]) -> Discrepancy | None:
    """Learn the discrepancy from those of the chosen findings that are marked `calibrate`, never from others."""
    return _learnt(distance, chosen, held)


def lean_of(chosen: Mapping[str, Design], held: Mapping[str, Predicted]) -> Discrepancy | None:
    """Learn the usual benefit from the same findings, without any body."""
    return _learnt(usual, chosen, held)


def _learnt(
    measure: Callable[[Finding, Design, Predicted], tuple[float, float] | None],
    chosen: Mapping[str, Design],
    held: Mapping[str, Predicted],
) -> Discrepancy | None:
    found = [
        measure(finding(name), design, held[name])
        for name, design in chosen.items()
        if finding(name).use == "calibrate"
    ]
    return learnt(one for one in found if one is not None)


def validate(
    axis: Axis, *, worlds: int = 10, people: int = 40, seed: int = 1, replicates: int = REPLICATES,
    beliefs: Mapping[str, np.ndarray] | None = None, beliefs_are: str = "prior", wanted: Sequence[str] = (),
    step_minutes: float = 15.0, progress: Progress | None = None,
) -> Validation:  # fmt: skip
    """Hold virtual trials of all findings that can be simulated, and score them.

    Parameters
    ----------
    worlds, people : of the cohort from which trials recruit; the same people live in every arm
    beliefs : standard-normal draws of a posterior, arrays [worlds, ...]; the prior is drawn without them
    wanted : findings, pathways or uses (all by default)

    Raises
    ------
    InputError
        For fewer than two worlds or `FEWEST` people.
    """
    if worlds < 2 or people < FEWEST:
        raise InputError(f"{worlds} worlds of {people} people cannot fill a trial",
                         mend=f"Give at least 2 with --worlds and {FEWEST} with --people")  # fmt: skip
    chosen = chosen_designs(wanted)
    cohort = Cohort.draw(axis, people, worlds, seed, beliefs=beliefs)
    lives = live(axis, cohort, chosen, step_minutes=step_minutes, progress=progress)
    held: dict[str, Predicted] = {}
    for number, (name, design) in enumerate(chosen.items(), 1):
        count = design.people or finding(name).n or PEOPLE_UNKNOWN
        held[name] = hold(lives, design, count, replicates=replicates, seed=seed)
        if progress is not None:
            progress("holding trials", number, len(chosen))
    known, lean = discrepancy_of(chosen, held), lean_of(chosen, held)
    scores = board(row(finding(name), design, held[name], known, lean) for name, design in chosen.items())
    ahead = scores.filter(pl.col("use") == "predict")
    return Validation(
        axis.name, worlds, people, seed, beliefs_are, scores, summary(scores), summary(ahead, ("pathway",)),
        summary(ahead, ("certainty",)).sort("certainty"), held, known, (int(lives.lost.sum()), len(lives.lost)),
        lives.engine,
    )  # fmt: skip
