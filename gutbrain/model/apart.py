"""An axis taken apart at its wires: linear compartments, and what each wire carries from one to the next.

Every input is held where life has it and pushed by itself, so that compartments are strangers to each other and one
derivative serves all of them. Put together again over some wires, over all or over all but those of a cut, the parts
give the linear system of the whole, of a broken loop, or of what is left without arrows that have no source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import CLOCK, Axis, Wire, nearest
from gutbrain.model.compartment import Input, ModelError
from gutbrain.model.reading import Numbers
from gutbrain.model.stability import lever_rows, listens_to_clock, run_days

MOMENTS = 24  # of a day
NUDGE = 1e-7  # of the range: a lever at its lowest value acts upwards only
ASIDE = 1e-4  # of a state: how far beside rest it is looked at, so that what acts on one side of it is seen acting
FEW, BLOCK = 2, 16  # people whose derivatives are taken at once

Array = np.ndarray


@dataclass(frozen=True)
class Parts:
    """One person's axis at each moment of a day, every input held and pushed by itself.

    d state = rates state + entries push; signal = outputs state + through push; push = share wires signal + levers.

    Attributes
    ----------
    states : names of the rows
    signals : names of the columns that are read
    inputs : (listener, field, label) of each input; the label is empty for a scalar
    rates : array [moments, states, states], per day
    entries : array [moments, states, inputs], per day and coherent unit of the input
    outputs : array [moments, signals, states], declared units
    through : array [moments, signals, inputs]
    joins : array [inputs, signals], what one declared unit of a signal is in the coherent unit of the input
    wires : the wire of each input; one without giver is a lever
    levers : names of lever rows
    moved : array [inputs, levers], likewise
    level : array [moments, signals], where the signals stand, declared units
    held : array [levers], where the levers stand, declared units
    """

    states: tuple[str, ...]
    signals: tuple[str, ...]
    inputs: tuple[tuple[str, str, str], ...]
    rates: Array
    entries: Array
    outputs: Array
    through: Array
    joins: Array
    wires: tuple[Wire, ...]
    levers: tuple[str, ...]
    moved: Array
    level: Array
    held: Array

    def share(self, open_: Callable[[Wire], float]) -> Array:
        """Return how far each input follows its wire, array [inputs], from a rule for wires."""
        return np.array([open_(wire) if wire.giver else 0.0 for wire in self.wires])

    def closed(self, pushes: Array, share: Array | float = 1.0) -> Closed:
        """Put the parts together at each moment of the day.

        Parameters
        ----------
        pushes : array [inputs, pushes], what one unit of each push adds to the inputs
        share : how far each input follows its wire, array [inputs] or one number for all; 0 leaves it held
        """
        states = len(self.states)
        joins = self.joins * np.broadcast_to(share, (len(self.inputs),))[:, None]
        # What passes through a compartment at once is followed to its end: the axis has no loop without a state.
        seen = np.linalg.solve(np.eye(len(self.signals)) - self.through @ joins,
                               np.concatenate([self.outputs, self.through @ pushes], axis=-1))  # fmt: skip
        moved = self.entries @ (joins @ seen)
        return Closed(
            self.states, self.signals, self.rates + moved[..., :states], self.entries @ pushes + moved[..., states:],
            seen[..., :states], seen[..., states:],
        )  # fmt: skip


@dataclass(frozen=True)
class Closed:
    """Parts put together: d state = rates state + entries push; signal = outputs state + through push.

    Attributes
    ----------
    states, signals : names
    rates : array [moments, states, states], per day
    entries : array [moments, states, pushes]
    outputs : array [moments, signals, states]
    through : array [moments, signals, pushes]
    """

    states: tuple[str, ...]
    signals: tuple[str, ...]
    rates: Array
    entries: Array
    outputs: Array
    through: Array

    def mean(self) -> Closed:
        """Return the mean of the day, without moments."""
        own = (self.rates, self.entries, self.outputs, self.through)
        return Closed(self.states, self.signals, *(value.mean(0) for value in own))

    def leaning(self) -> Array:
        """Return to which side each push moves each state in the long run, array [states, pushes] of 1 and -1.

        Where the mean of the day has no rest to move, every side is the upper one.
        """
        own = self.mean()
        try:
            moved = -np.linalg.solve(own.rates, own.entries)
        except np.linalg.LinAlgError:
            return np.ones_like(own.entries)
        return np.where(moved < 0, -1.0, 1.0)


class Apart(Numbers):
    """A reading in which no input follows what it reads: each stands at its value plus a push of its own."""

    def __init__(self, axis: Axis, y: Any, parameters: Mapping[str, Any], levers: Mapping[str, Any],
                 pushes: Mapping[tuple[str, str], Any]) -> None:  # fmt: skip
        super().__init__(axis, y, parameters, levers)
        self.pushes = pushes

    def _input(self, view: Any, field: Input) -> Any:
        value, push = super()._input(view, field), self.pushes.get((view.name, field.name))
        if push is None:
            return value
        return (jax.lax.stop_gradient(value) if self.axis.wires[view.name, field.name].giver else value) + push


def taken_apart(
    axis: Axis,
    parameters: Mapping[str, Any],
    state: Array | None = None,
    levers: Mapping[str, Any] | None = None,
    signals: Iterable[str] = (),
    side: Array | float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Parts]:
    """Take the axis of everybody apart around a day, one person after the other.

    Parameters
    ----------
    parameters : declared, by full name, arrays [..., people or 1]
    state : at midnight, array [rows, people], declared units (the start without it)
    levers : held offsets by row name, arrays [people] or numbers, declared units
    signals : columns that are read beside those that wires carry
    side : from which side of rest each state is looked at, 1 or -1, array [rows, people] or one for all: what acts on
        one side of rest only acts, or does not

    Raises
    ------
    ModelError
        For an unknown signal or lever.
    """
    rows_of_levers = lever_rows(axis)
    held = {name: np.asarray(value, float) for name, value in (levers or {}).items()}
    asked = tuple(signals)
    for given, known in ((asked, axis.columns), (held, [name for name, *_ in rows_of_levers])):
        if unknown := next((name for name in given if name not in known), None):
            raise ModelError(f"{unknown!r} is no signal or lever of {axis.name}{nearest(unknown, known)}")
    carried = {wire.signal for wire in axis.wires.values() if wire.giver and not wire.cut}
    labels = tuple(dict.fromkeys((*asked, *(label for label, c in axis.columns.items() if c.signal in carried))))
    inputs = _inputs(axis)
    values = axis.coherent(parameters)
    start = np.asarray(axis.start(dict(parameters)) if state is None else state, float)
    people = max(start.shape[1], *(np.shape(value)[-1] for value in values.values()))
    start, side = (np.broadcast_to(value, (len(axis.rows), people)) for value in (start, side))
    held = {name: np.broadcast_to(value, (people,)) for name, value in held.items()}
    least = {name: NUDGE * (high or 1.0) if low == 0 else 0.0 for name, _, low, high in rows_of_levers}
    for begin in range(0, people, BLOCK):
        # One width for a few people and one for many: each is compiled once.
        take = np.minimum(np.arange(begin, begin + (BLOCK if people > FEW else people)), people - 1)
        own = {key: value[..., take] if np.shape(value)[-1] > 1 else value for key, value in values.items()}
        moved = {name: value[take] for name, value in held.items()}
        found = _moments(axis, labels, inputs, least, start[:, take], side[:, take], own, moved)
        keep = min(len(take), people - begin)
        for one in range(keep):
            stands = {name: float(value[one]) for name, value in moved.items()}
            yield _parts(axis, labels, inputs, (found[0][one], found[1][one]), rows_of_levers, stands)
        if progress:
            progress(min(people, begin + len(take)), people)


def _inputs(axis: Axis) -> tuple[tuple[str, str, str], ...]:
    """Return listener, field and label of every input that a signal or a lever moves."""
    found = []
    for part in axis.compartments:
        for name, field in part.members(Input).items():
            wire = axis.wires[part.name, name]
            if field.signal not in CLOCK and not wire.cut:
                found += [(part.name, name, label) for label in (type(part).axes[field.over] if field.over else ("",))]
    return tuple(found)


def _moments(axis: Axis, labels: tuple[str, ...], inputs: tuple[tuple[str, str, str], ...],
             least: Mapping[str, float], start: Array, side: Array, values: Mapping[str, Any],
             held: Mapping[str, Array]) -> tuple[Array, Array]:  # fmt: skip
    """Return slopes [people, moments, rows and signals, states and inputs] and levels [people, moments, signals]."""
    rows, people = start.shape
    moments = MOMENTS if listens_to_clock(axis) else 1
    path = np.repeat(start[None], moments, 0)
    if listens_to_clock(axis):
        path = run_days(axis, start, values, 1, every=96 // MOMENTS, levers=held)[:-1]
    path = path + ASIDE * np.abs(path) * side
    spread = {key: jnp.tile(jnp.broadcast_to(value, (*np.shape(value)[:-1], people)), moments)
              for key, value in values.items()}  # fmt: skip
    y = jnp.asarray(path.transpose(1, 0, 2).reshape(rows, -1))
    clock = jnp.repeat(jnp.arange(moments) / moments, people)
    times = {"clock.time": clock, "clock.step_start": clock, "clock.step": 1.0 / moments}
    owners, turn = _owners(axis, inputs), _turns(axis, inputs)
    # A lever that cannot fall below rest is looked at from above; where it stands already, nothing is added.
    up = {name: np.where(held[name] == 0, end, held[name]) if name in held else np.full(people, end)
          for name, end in least.items()}  # fmt: skip
    offsets = {name: jnp.tile(jnp.asarray(value), moments) for name, value in up.items()}
    slopes, level = _slopes(axis, labels, inputs, y, spread, times | offsets, jnp.asarray(turn))
    # A tangent moves one variable of each compartment: what answers belongs to the variable of its own compartment.
    answering = [name for (name, _), place in axis.slices.items() for _ in range(place.start, place.stop)]
    answering += [axis.givers[axis.columns[label].signal].compartment for label in labels]
    when = turn.argmax(0)
    same = np.array([[one == owner for owner in owners] for one in answering])
    slopes = np.asarray(slopes)[when].transpose(1, 0, 2) * same[:, :, None]
    apart = slopes.reshape(*slopes.shape[:2], moments, people).transpose(3, 2, 0, 1)
    return apart, np.asarray(level).reshape(len(labels), moments, people).transpose(2, 1, 0)


def _owners(axis: Axis, inputs: tuple[tuple[str, str, str], ...]) -> list[str]:
    """Return the compartment of every variable: states, then inputs."""
    states = [name for (name, _), place in axis.slices.items() for _ in range(place.start, place.stop)]
    return [*states, *(listener for listener, _, _ in inputs)]


def _turns(axis: Axis, inputs: tuple[tuple[str, str, str], ...]) -> Array:
    """Return which variables move in which tangent, array [tangents, variables]: one of each compartment."""
    owners, count = _owners(axis, inputs), dict.fromkeys((part.name for part in axis.compartments), 0)
    place = []
    for owner in owners:
        place.append(count[owner])
        count[owner] += 1
    turn = np.zeros((max(count.values()), len(owners)))
    turn[place, np.arange(len(owners))] = 1.0
    return turn


@partial(jax.jit, static_argnums=(0, 1, 2))
def _slopes(axis: Axis, labels: tuple[str, ...], inputs: tuple[tuple[str, str, str], ...], y: Any, parameters: Any,
            levers: Any, turn: Any) -> tuple[Any, Any]:  # fmt: skip
    """Return slopes [tangents, rows and signals, cases] and levels [signals, cases]."""
    rows, cases = y.shape

    def seen(at: Any) -> Any:
        own: dict[tuple[str, str], list[Any]] = {}
        for place, (listener, name, _) in enumerate(inputs):
            own.setdefault((listener, name), []).append(at[rows + place])
        vector = {key for key in own if axis.part(key[0]).members(Input)[key[1]].over}
        pushes = {key: jnp.stack(parts) if key in vector else parts[0] for key, parts in own.items()}
        reading = Apart(axis, at[:rows], parameters, levers, pushes)
        level = reading.outputs(labels) if labels else jnp.zeros((0, cases))
        return jnp.concatenate([reading.vector(), level]), level

    at = jnp.concatenate([y, jnp.zeros((len(inputs), cases))])
    _, linear, level = jax.linearize(seen, at, has_aux=True)
    return jax.vmap(linear)(jnp.broadcast_to(turn[:, :, None], (*turn.shape, cases))), level


def _parts(axis: Axis, labels: tuple[str, ...], inputs: tuple[tuple[str, str, str], ...], found: tuple[Array, Array],
           rows_of_levers: list[tuple[str, float, float | None, float | None]], held: Mapping[str, float],
           ) -> Parts:  # fmt: skip
    slopes, level = found
    size = len(axis.rows)
    wires = tuple(axis.wires[listener, name] for listener, name, _ in inputs)
    levers = tuple(name for name, *_ in rows_of_levers)
    joins, moved = np.zeros((len(inputs), len(labels))), np.zeros((len(inputs), len(levers)))
    for place, (wire, (_, _, label)) in enumerate(zip(wires, inputs, strict=True)):
        name = f"{wire.signal}[{label}]" if label else wire.signal
        if wire.giver:
            joins[place, labels.index(name)] = units.factor(axis.columns[name].unit)
        else:
            moved[place, levers.index(name)] = units.factor(axis.levers[wire.signal].unit)
    rests = np.array([rest + held.get(name, 0.0) for name, rest, *_ in rows_of_levers])
    return Parts(
        axis.rows, labels, inputs, slopes[:, :size, :size], slopes[:, :size, size:], slopes[:, size:, :size],
        slopes[:, size:, size:], joins, wires, levers, moved, level, rests,
    )  # fmt: skip


__all__ = ["Apart", "Closed", "Parts", "taken_apart"]
