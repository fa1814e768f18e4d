"""What is refused of a plan before anything runs, and of a run before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.axis import Axis, nearest
from gutbrain.plan import Plan

if TYPE_CHECKING:
    from gutbrain.run.result import Result

SURE_STEP = 15.0  # minutes: what `gutbrain check` holds the built-in axes against


def check_signals(plan: Plan, axis: Axis) -> None:
    """Refuse signals, measures and arms of a report that the run cannot give.

    Raises
    ------
    InputError
        Naming the key of the plan and the nearest right one.
    """
    from gutbrain.observe.instruments import choose

    for signal in (plan.report.primary, *plan.report.outcomes):
        if signal not in axis.columns:
            raise InputError(f"report: the axis gives no signal {signal!r}{nearest(signal, axis.columns)}")
    names = [arm.name for arm in plan.arm]
    given = {label.partition("[")[0] for label in axis.columns}
    for measure in choose(plan.report.observe):
        lacking = [signal for signal in measure.signals if signal not in given]
        if lacking:
            what = f"report.observe: measure {measure.name!r} reads {lacking[0]!r}, which the axis does not give"
            raise InputError(what, mend="Leave it out")
    for key, name in (("arm", plan.report.arm), ("comparator", plan.report.comparator)):
        if name and name not in names:
            raise InputError(f"report.{key}: no arm {name!r}{nearest(name, names)}")


def refuse_long_step(axis: Axis, plan: Plan) -> None:
    """Refuse a step at which the fastest compartment would run away; looked at where it is longer than usual.

    Raises
    ------
    InputError
        With the compartment, its fastest rate and the largest safe step.
    """
    from gutbrain.model.check import check_speed

    if plan.step_minutes <= SURE_STEP or plan.engine == "adaptive":
        return
    for found in check_speed(axis, plan.step_minutes):
        if found.severity == "error":
            raise InputError(f"step_minutes: {found.where}: {found.what}", mend=found.mend.capitalize())


def refuse_nobody(result: Result) -> None:
    """Refuse to tabulate a trial of which nobody is left.

    Raises
    ------
    InputError
        With the first who was lost, the day and the state.
    """
    if result.kept.any():
        return
    first = int(np.argmin(np.where(result.lost_day < 0, np.inf, result.lost_day)))
    row = int(result.lost_row[first])
    by = result.rows[row] if row >= 0 else "an error that no step made small enough"
    raise InputError(
        f"all {result.cohort.size} people left the bounds of the model, the first on day {result.lost_day[first]} "
        f"by {by}", mend="Look at people.fixed, at the acts, and at step_minutes (15 suits the built-in axes)",
    )  # fmt: skip
