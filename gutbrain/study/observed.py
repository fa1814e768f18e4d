"""A run seen through instruments: a study of the same form as a measured one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe.instruments import DEFAULT, choose
from gutbrain.observe.measure import Measure
from gutbrain.observe.simulated import Simulated, attendance, visit_name
from gutbrain.observe.taking import take
from gutbrain.study.part import Finding
from gutbrain.study.study import Study

if TYPE_CHECKING:
    from gutbrain.run.result import Result

__all__ = ["observe"]

MISSED = 0.03  # share of later visits that people miss (assumed)


def observe(
    result: Result,
    measures: Sequence[str | Measure] | None = None,
    *,
    seed: int = 0,
    worlds: Sequence[int] = (0,),
    missed_visits: float = MISSED,
    draw_belief: bool = False,
    with_truth: bool = False,
    about: Mapping[str, Any] | None = None,
) -> Study:
    """Take measures of a run.

    Parameters
    ----------
    result : of `simulate`
    measures : names of ready-made measures, or measures; the default list, as far as the run has its signals
    seed : of all draws; the draws of one measure do not hang on the others
    worlds : which worlds of the run; each is a study of its own, with its own laboratory
    missed_visits : share of visits after the first that people miss though they stay
    draw_belief : draw what is not known about the instruments once for each world
    with_truth : add what the model holds, readings with the method `model value`
    about : what else stands in `about` of the study, such as title and plan

    Returns
    -------
    Study : tables of people, visits, samples, features, abundances, answers, readings and beats

    Raises
    ------
    InputError
        For an unknown measure, a measure that stands twice or reads a signal that the run does not have,
        or a world that was not run.

    Notes
    -----
    The run keeps daily means, and the lowest and highest hour. A reading shows its day's mean, whatever
    its clock time, but for cortisol. Days before the run are read as its first day.
    """
    chosen = choose(DEFAULT if measures is None else measures)
    if not 0 <= missed_visits < 1:
        raise InputError(f"missed_visits is a share below 1, not {missed_visits:g}")
    for world in worlds:
        if not 0 <= world < result.cohort.worlds:
            raise InputError(f"no world {world}: the run has {result.cohort.worlds}, counted from 0")
    several = len(worlds) > 1
    collected: dict[str, list[pl.DataFrame]] = {"people": [], "visits": []}
    found: list[Finding] = []
    factors: dict[str, Any] = {}
    for world in worlds:
        body = _body(result, world, seed, missed_visits, draw_belief, several)
        collected["people"].append(_people(body, several))
        collected["visits"].append(_visits(body))
        found += _left_out(result, world, body)
        for measure in chosen:
            lacking = body.lacks(measure)
            if lacking and measures is None:
                what = f"was not taken: the run has no signal {lacking[0]!r}"
                found.append(Finding("note", "", f"measure {measure.name}", what))
                continue
            if lacking:
                raise InputError(f"measure {measure.name!r}: the run has no signal {lacking[0]!r}")
            taken = take(body, measure)
            for name, rows in taken.tables.items():
                collected.setdefault(name, []).append(rows)
            if with_truth:
                collected.setdefault("readings", []).append(taken.truth)
                factors[f"{measure.name}, world {world}"] = taken.figures
    tables = {name: pl.concat(rows, how="diagonal_relaxed") for name, rows in collected.items()}
    if "features" in tables:
        tables["features"] = tables["features"].unique("feature", maintain_order=True)
    told = {
        "title": "Simulated study", **(about or {}), "origin": "simulated", "seed": seed, "worlds": list(worlds),
        "measures": [measure.name for measure in chosen], "missed_visits": missed_visits, "belief_drawn": draw_belief,
        "forms": {measure.quantity: {} for measure in chosen if measure.kind == "form"},
        **({"figures": factors} if with_truth else {}),
    }  # fmt: skip
    units = {"people.left_day": "day"}
    return Study.of(tables, told, units, tuple(dict.fromkeys(found)))


def _body(result: Result, world: int, seed: int, missed: float, belief: bool, several: bool) -> Simulated:
    people = result.cohort.people
    columns = world * people + np.arange(people)
    columns = columns[result.kept[columns]]
    visits = tuple(sorted(dict.fromkeys(result.trial.visits)))
    attended = attendance(result, columns, visits, missed, seed, world)
    return Simulated(result, columns, _names(result, columns, world, several), visits, attended, seed, world, belief)


def _names(result: Result, columns: np.ndarray, world: int, several: bool) -> tuple[str, ...]:
    """Name people; twins bear the name of their arm as well."""
    names = [result.cohort.names[column % result.cohort.people] for column in columns]
    if len(set(result.cohort.names)) < len(result.cohort.names):
        names = [f"{name}, {result.arms[result.arm[column]]}" for name, column in zip(names, columns, strict=True)]
    return tuple(f"world {world}, {name}" for name in names) if several else tuple(names)


def _people(body: Simulated, several: bool) -> pl.DataFrame:
    result = body.result
    here = np.asarray(result.present[:, body.columns] > 0.5)
    left = [None if row.all() else float(row.argmin()) for row in here.T]
    table = pl.DataFrame(
        {"person": body.names, "arm": [result.arms[number] for number in result.arm[body.columns]], "left_day": left},
        schema={"person": pl.String, "arm": pl.String, "left_day": pl.Float64},
    )
    person = body.columns % result.cohort.people
    for name, values in result.cohort.covariates.items():
        table = table.with_columns(pl.Series(name, np.asarray(values)[person]))
    return table.with_columns(pl.lit(body.world).alias("world")) if several else table


def _visits(body: Simulated) -> pl.DataFrame:
    person, visit = np.nonzero(body.attended.T)
    return pl.DataFrame(body.keys(visit, person, np.array(body.visits, float)[visit]))


def _left_out(result: Result, world: int, body: Simulated) -> list[Finding]:
    lost = result.cohort.people - body.people
    if not lost:
        return []
    what = f"{lost} of {result.cohort.people} people left the bounds of the model and were left out"
    return [Finding("note", "people", f"world {world}", what)]


def visit_names(result: Result) -> tuple[str, ...]:
    """Return the names that the visits of a run bear in its study."""
    return tuple(visit_name(day) for day in sorted(set(result.trial.visits)))
