"""How sure a simulated signal can be: the lowest grade between acts and the signal, from the wiring alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from gutbrain.evidence.claims import UNSOURCED, claims
from gutbrain.evidence.grade import lowest
from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.run.reach import Reach
from gutbrain.run.result import Result


def lowest_on_the_way(
    axis: Axis,
    levers: Iterable[str],
    signal: str,
    opened: Iterable[str] = (),
    known: pl.DataFrame | None = None,
) -> str:
    """Return the lowest grade on the ways from acts to a signal.

    Counted are the arrows on any way, and the parameters of the compartments that they pass, in any case of the one
    that gives the signal. What is closed carries nothing and does not count.

    Parameters
    ----------
    levers : those that the acts move, by name; none for a signal at rest
    signal : label of the signal
    opened : parameters, closed by default, that the run opened
    known : columns signal, listener, grade, strength_parameter, default_zero of arrows (default: the claims)

    Returns
    -------
    str: a grade as in `gutbrain.evidence.grade.ORDER`; `assumed` for an arrow without a claim.
    """
    free = set(opened)
    rows = (claims() if known is None else known).iter_rows(named=True)
    table = {(row["signal"], row["listener"]): row for row in rows}
    closed = {key for key, row in table.items() if row["default_zero"] and not free & set(_strengths(row))}
    reach = Reach(axis, tuple(levers), signal, frozenset(closed))
    arrows = reach.wires + (reach.entering if reach.wires else reach.opening(()))
    passed = {wire.listener for wire in arrows} | {reach.goal[0]}
    grades = [table[key]["grade"] if (key := (w.signal, w.listener)) in table else UNSOURCED for w in arrows]
    grades += [
        param.grade for name, param in axis.parameters.items()
        if name.partition(".")[0] in passed and (not param.closed or name in free)
    ]  # fmt: skip
    return lowest(grades) or UNSOURCED


def _strengths(row: dict[str, str]) -> list[str]:
    return row["strength_parameter"].split()


def lowest_of(result: Result, signals: Iterable[str]) -> str:
    """Return the lowest grade between the acts of all arms, their doses included, and some signals of a run."""
    axis, acts = result.cohort.axis, [act for arm in result.trial.arms for act in arm.acts]
    levers, opened = {act.lever: None for act in acts}, opened_in(result.cohort)
    ways = [lowest_on_the_way(axis, levers, signal, opened) for signal in signals]
    return lowest([*ways, *(act.grade for act in acts)]) or UNSOURCED


def opened_in(cohort: Cohort) -> tuple[str, ...]:
    """Return the parameters, closed by default, that somebody of a cohort has open."""
    parameters = cohort.axis.parameters
    return tuple(
        name for name, values in cohort.parameters.items()
        if parameters[name].closed and np.any(values != cohort.axis.value_array(name, parameters[name].value))
    )  # fmt: skip
