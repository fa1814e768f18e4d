"""What a course hangs on, exactly: derivatives of daily means with respect to every number of a person.

`forward` gives all derivatives of a few signals on a few days; `reverse` gives all derivatives of one number made
from daily means. Both are derivatives of the cohort engine itself, at its step, without noise.

A settled person carries his parameters into his start and into his own-rest parameters. Through rest, that part is
taken from the day that repeats itself: y = day(y, p, r) and r = means(y, p, r) are differentiated as they stand
(implicit function theorem), whatever way `settle` went to get there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.model import units
from gutbrain.model.axis import Axis, nearest
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Act, Trial, check_acts
from gutbrain.run.blocks import part
from gutbrain.run.drive import Drive
from gutbrain.run.explain import arm_named
from gutbrain.run.fixed import settled_signals, survey
from gutbrain.run.settle import settle
from gutbrain.run.simulate import drive_of
from gutbrain.run.tangent import backward_day, entry_names, forward_day, layout, packed, plain_day
from gutbrain.run.through_rest import dose_ways, held_ways, own_rests, settled_ways

Progress = Callable[[int, int], None]


def forward(
    axis: Axis,
    person: Cohort,
    course: Trial | Drive,
    signals: str | Sequence[str],
    days: int | Sequence[int],
    *,
    arm: str = "",
    parameters: Sequence[str] | None = None,
    through_rest: bool = True,
    step_minutes: float = 15.0,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Return the derivatives of daily means with respect to every parameter entry, start state and dose of one person.

    Parameters
    ----------
    person : one column, settled here unless it is
    course : a trial, of which `arm` is followed with the centre of each dose; or the drive of one column
    parameters : names of parameters or of single entries to list (all by default)
    through_rest : the start and the own-rest parameters follow a parameter, as if the person were settled anew, and
        relative doses follow the own rest; otherwise the start stays where it is, and own-rest parameters are listed
        like any other
    progress : called with (done, all) days

    Returns
    -------
    polars.DataFrame
        Columns signal, day, kind (parameter, start, dose), input, value, unit, mean (of the signal, that day),
        derivative, derivative_unit, elasticity (relative change for a relative change, null where either is 0),
        start (`settled anew` or `held`), grade, source. Rows of kind start and dose move that alone.

    Raises
    ------
    InputError
        For several people, an unknown signal, parameter, arm or day, or a person who leaves the bounds.
    """
    if person.size != 1:
        raise InputError(f"forward derivatives are those of one person, not of {person.size}", mend="Select one column")
    wanted, at = _listed(signals), _listed(days)
    run = _Run.of(axis, person, course, wanted, arm, step_minutes, at)
    named = _chosen(axis, parameters)
    day = forward_day(axis, run.drive.levers, run.labels, run.per_hour)
    rows, entries = len(axis.rows), len(run.values)
    y, guess = run.start, run.guess()
    own = np.eye(rows, rows + entries + len(run.drive.levers))
    means, moved, carried = {}, {}, jnp.asarray(own)
    for number in range(max(at) + 1):
        shapes = run.shapes(number) * run.present(number)[:, 0]
        y, carried, mean, mean_moved, guess, lost = day(
            y, carried, run.values, run.drive.dose, guess, shapes, float(number)
        )
        _refuse_lost(lost, number)
        if number in at:
            means[number], moved[number] = np.asarray(mean)[:, 0], np.asarray(mean_moved)
        if progress:
            progress(number + 1, max(at) + 1)
    ways = run.ways()
    if through_rest:
        calm = np.zeros_like(run.drive.dose)
        _, end, _, rest, *_ = day(run.start, own, run.values, calm, run.guess(), run.shapes(0), 0.0)
        ways = run.ways(np.vstack([end, rest])[:, : rows + entries])
    tables = []
    for number in at:
        for label in wanted:
            raw = moved[number][run.labels.index(label)]
            run.refuse_corners(raw)
            total = np.concatenate([raw @ ways, raw[:rows], raw[rows + entries :]])
            mean = float(means[number][run.labels.index(label)])
            unit = axis.columns[label].unit
            table = run.table(total / run.scale(), mean, unit, 0, named, through_rest)
            tables.append(table.select(pl.lit(label).alias("signal"), pl.lit(number).alias("day"), pl.all()))
    return pl.concat(tables)


def reverse(
    axis: Axis,
    person: Cohort,
    course: Trial | Drive,
    loss: str | Callable[[Any], Any],
    *,
    labels: Sequence[str] = (),
    arm: str = "",
    through_rest: bool = True,
    step_minutes: float = 15.0,
    progress: Progress | None = None,
) -> Gradient:
    """Return the gradient of one number with respect to all parameters, start states and doses.

    States are kept once a day and everything else is computed again on the way back, so memory hardly grows with days.

    Parameters
    ----------
    person : one or a few columns, settled here unless they are
    course : a trial, of which `arm` is followed; or a drive. All its days are run
    loss : a signal, whose daily mean on the last day (averaged over columns) is meant; or a function in `jax.numpy`
        of the daily means, array [days, labels, columns], declared units
    labels : signals that the function gets, in this order
    arm, through_rest, step_minutes : see `forward`
    progress : called with (done, all) days, on the way forth and back

    Raises
    ------
    InputError
        For an unknown signal or arm, a loss that is no finite number, or a person who leaves the bounds.
    """
    named = isinstance(loss, str)
    wanted = (loss,) if isinstance(loss, str) else tuple(labels)
    if not wanted:
        raise InputError("a loss that is a function needs signals", mend="Name them in `labels`")
    run = _Run.of(axis, person, course, wanted, arm, step_minutes, ())
    count, rows, columns = len(run.drive.present), len(axis.rows), person.size
    key = axis, run.drive.levers, run.labels, run.per_hour
    forth, back = plain_day(*key), backward_day(*key)
    y, guess, kept, seen = jnp.asarray(run.start), run.guess(), [], []
    for number in range(count):
        kept.append((y, guess))
        dose = run.drive.dose * run.present(number)
        (y, mean), (guess, lost) = forth(y, run.values, dose, guess, run.shapes(number), float(number))
        _refuse_lost(lost, number)
        seen.append(mean)
        if progress:
            progress(number + 1, 2 * count)
    means = jnp.stack(seen)[:, : len(wanted)]
    number_of = (lambda values: values[-1, 0].mean()) if named else loss
    value, owed = jax.value_and_grad(number_of)(means)  # type: ignore[arg-type]
    if not np.isfinite(value):
        raise InputError(f"the loss is {value}, which has no gradient")
    owed = jnp.concatenate([owed, jnp.zeros((count, len(run.labels) - len(wanted), columns))], axis=1)
    by_state, by_value, by_dose = (jnp.zeros_like(part) for part in (run.start, run.values, run.drive.dose))
    for number in reversed(range(count)):
        present = run.present(number)
        y, guess = kept[number]
        by_state, more, dosed = back(
            y, run.values, run.drive.dose * present, guess, run.shapes(number), float(number), (by_state, owed[number])
        )
        by_value, by_dose = by_value + more, by_dose + dosed * present
        if progress:
            progress(2 * count - number, 2 * count)
    raw = np.concatenate([by_state, by_value, by_dose])
    run.refuse_corners(raw.T)
    rests = np.moveaxis(_rest_backward(run, back), -1, 0) if through_rest else [None] * columns
    ways = [run.ways(rest) for rest in rests]
    through = np.stack([raw[:, column] @ ways[column] for column in range(columns)], axis=1)
    gradient = np.concatenate([through, raw[:rows], raw[rows + len(run.values) :]]) / run.scale()[:, None]
    return Gradient(float(value), np.asarray(means), tuple(wanted), gradient, through_rest, run)


def _rest_backward(run: _Run, back: Any) -> np.ndarray:
    """Return how a day at rest answers its start and parameters, array [rows + settled signals, inputs, columns]."""
    rows, columns = run.start.shape
    calm, guess, found = np.zeros_like(run.drive.dose), run.guess(), []
    for place in range(rows + len(run.labels)):
        owed = np.zeros((rows + len(run.labels), columns))
        owed[place] = 1.0
        if place >= rows and run.labels[place - rows] not in settled_signals(run.axis):
            found.append(np.zeros((rows + len(run.values), columns)))
            continue
        parts = back(run.start, run.values, calm, guess, run.shapes(0), 0.0, (owed[:rows], owed[rows:]))
        found.append(np.concatenate(parts[:2]))
    return np.stack(found)


@dataclass(frozen=True)
class Gradient:
    """The gradient of one number.

    Attributes
    ----------
    value : the number itself
    means : daily means that it was made from, array [days, labels, columns], declared units
    labels : their signals
    entries : derivatives, array [entries + rows + acts, columns], for declared units
    through_rest : whether start and own-rest parameters follow the parameters
    """

    value: float
    means: np.ndarray
    labels: tuple[str, ...]
    entries: np.ndarray
    through_rest: bool
    _run: _Run

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Derivative by parameter, arrays [..., columns], per declared unit."""
        shapes = {name: value.shape[:-1] for name, value in self._run.axis.defaults().items()}
        found = layout(self._run.axis).items()
        return {name: self.entries[rows].reshape(*shapes[name], -1) for name, rows in found}

    @property
    def start(self) -> np.ndarray:
        """Derivative for the start state moved alone, array [rows, columns], per declared unit."""
        count = len(self._run.values)
        return self.entries[count : count + len(self._run.axis.rows)]

    @property
    def dose(self) -> np.ndarray:
        """Derivative for the dose of each act, array [acts, columns], per unit of its lever."""
        return self.entries[len(self._run.values) + len(self._run.axis.rows) :]

    def table(self, column: int = 0) -> pl.DataFrame:
        """Return the gradient of one column as a table; its columns are those of `forward` without signal and day."""
        named = _chosen(self._run.axis, None)
        return self._run.table(self.entries[:, column], self.value, "loss", column, named, self.through_rest)


@dataclass(frozen=True)
class _Run:
    """A person, a course and the signals that are read: what both directions begin with."""

    axis: Axis
    start: np.ndarray
    parameters: dict[str, np.ndarray]
    values: np.ndarray
    drive: Drive
    acts: tuple[Act, ...]
    labels: tuple[str, ...]
    per_hour: int

    @classmethod
    def of(cls, axis: Axis, person: Cohort, course: Trial | Drive, wanted: Sequence[str], arm: str,
           step_minutes: float, days: Sequence[int]) -> _Run:  # fmt: skip
        """Check what was asked, settle the person if need be, and lay out the drive."""
        for label in wanted:
            if label not in axis.columns:
                raise InputError(f"no signal {label!r}{nearest(label, axis.columns)}")
        per_hour = round(60 / step_minutes)
        if per_hour < 1 or abs(per_hour * step_minutes - 60) > 1e-9:
            raise InputError(f"a step of {step_minutes:g} minutes does not divide an hour")
        acts: tuple[Act, ...] = ()
        if isinstance(course, Trial):
            if not arm and len(course.arms) > 1:
                known = ", ".join(one.name for one in course.arms)
                raise InputError("one arm is followed, and the trial has several", mend=f"Give arm as one of: {known}")
            one = arm_named(course, arm) if arm else course.arms[0]
            course = replace(course, arms=(one,), assigned=(), visits=(0,))
            acts = tuple(act for _, act in course.acts)
            check_acts(axis, list(acts))
        long = course.days if isinstance(course, Trial) else len(course.present)
        if any(not 0 <= day < long for day in days):
            raise InputError(f"the course has days 0 to {long - 1}, not day {max(days, key=abs)}")
        if person.start is None:
            person = settle(person, step_minutes=step_minutes)
        assert person.start is not None
        if isinstance(course, Trial):
            present = np.ones((long, person.size))
            arms = np.zeros(person.size, int)
            course = drive_of(person, arms, course, 24 * per_hour, present, average=True)
        labels = tuple(dict.fromkeys((*wanted, *settled_signals(axis))))
        values = packed(axis, axis.coherent(person.parameters), person.size)
        return cls(axis, person.start, person.parameters, values, course, acts, labels, per_hour)

    def guess(self) -> Any:
        """Return the unknowns of balances solved at the start."""
        if not self.axis.unknowns():
            return {}
        spread = part(self.axis.coherent(self.parameters), np.arange(self.start.shape[1]))
        return survey(self.axis, settled_signals(self.axis), jnp.asarray(self.start), spread)[2]

    def shapes(self, day: int) -> np.ndarray:
        """Return the shapes of one day, array [steps, acts]."""
        steps = 24 * self.per_hour
        return self.drive.shape[day * steps : (day + 1) * steps]

    def present(self, day: int) -> np.ndarray:
        """Return which share of each dose is given on a day, array [acts, columns]."""
        return 1 - self.drive.effort[:, None] * (1 - self.drive.present[day])

    def scale(self) -> np.ndarray:
        """Return declared units in the unit that derivatives are taken in, array [entries + rows + acts]."""
        factors = [1 / units.factor(self.axis.parameters[name].unit) for name in layout(self.axis)]
        sizes = [rows.stop - rows.start for rows in layout(self.axis).values()]
        return np.concatenate([np.repeat(factors, sizes), np.ones(len(self.axis.rows) + len(self.drive.levers))])

    def ways(self, of_day: np.ndarray | None = None) -> np.ndarray:
        """Return how start, parameters and doses answer each parameter, array [rows + entries + acts, entries].

        Parameters
        ----------
        of_day : derivatives of a day at rest, array [rows + labels, rows + entries]; without it the start is held
        """
        found = held_ways(self.axis, len(self.values))
        if of_day is not None:
            found = settled_ways(self.axis, self.labels, of_day)
        return np.vstack([found, dose_ways(self.axis, self.acts, len(self.drive.levers), found)])

    def refuse_corners(self, raw: np.ndarray) -> None:
        """Refuse derivatives [..., rows + entries + acts] that are no numbers: an equation has a corner there."""
        bad = np.flatnonzero(~np.isfinite(raw).reshape(-1, raw.shape[-1]).all(axis=0))
        if len(bad):
            entries = [name for parameter in layout(self.axis) for name in entry_names(self.axis, parameter)]
            names = [*self.axis.rows, *entries, *self.drive.levers]
            raise InputError(f"no derivative with respect to {', '.join(names[place] for place in bad[:5])}: "
                             "an equation has a corner or a pole there", mend="Move that value a little")  # fmt: skip

    def table(self, derivatives: np.ndarray, mean: float, unit: str, column: int, named: Sequence[str],
              through_rest: bool) -> pl.DataFrame:  # fmt: skip
        """Put names, values, units, grades and sources beside derivatives [entries + rows + acts]."""
        lines: list[tuple[Any, ...]] = []
        waiting = own_rests(self.axis) if through_rest else {}
        for name, param in self.axis.parameters.items():
            value = np.broadcast_to(self.parameters[name], (*np.shape(self.parameters[name])[:-1], self.start.shape[1]))
            for entry, number in zip(entry_names(self.axis, name), value[..., column].ravel(), strict=True):
                lines.append(("parameter", entry, number, param.unit, param.grade, param.source, name not in waiting))
        for label, number in zip(self.axis.rows, self.start[:, column], strict=True):
            lines.append(("start", label, number, self.axis.columns[label].unit, "", "", True))
        for place, lever in enumerate(self.drive.levers):
            told = (self.acts[place].grade, self.acts[place].source) if self.acts else ("", "")
            lever_unit = self.axis.levers[lever.partition("[")[0]].unit
            lines.append(("dose", lever, self.drive.dose[place, column], lever_unit, *told, True))
        columns = ("kind", "input", "value", "unit", "grade", "source", "free")
        table = pl.DataFrame(lines, schema=columns, orient="row").with_columns(
            derivative=derivatives, mean=pl.lit(mean), derivative_unit=pl.format("{} per {}", pl.lit(unit), "unit"),
            start=pl.lit("settled anew" if through_rest else "held"),
        )  # fmt: skip
        relative = pl.col("derivative") * pl.col("value") / pl.col("mean")
        defined = (pl.col("value") != 0) & (pl.col("mean") != 0)
        return table.filter("free", pl.col("input").is_in(named) | (pl.col("kind") != "parameter")).select(
            "kind", "input", "value", "unit", "mean", "derivative", "derivative_unit",
            pl.when(defined).then(relative).alias("elasticity"), "start", "grade", "source",
        )  # fmt: skip


def _listed(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, (str, int)) else tuple(value)


def _chosen(axis: Axis, parameters: Sequence[str] | None) -> list[str]:
    """Return the entries to list.

    Raises
    ------
    InputError
        Naming the nearest parameter.
    """
    known = {name: entry_names(axis, name) for name in axis.parameters}
    entries = [entry for names in known.values() for entry in names]
    if parameters is None:
        return entries
    for name in parameters:
        if name not in known and name not in entries:
            raise InputError(f"no parameter {name!r}{nearest(name, [*known, *entries])}")
    return [entry for name in parameters for entry in known.get(name, [name])]


def _refuse_lost(lost: Any, day: int) -> None:
    if np.asarray(lost).any():
        raise InputError(f"the person leaves the bounds of the model on day {day}: nothing later has a derivative")
