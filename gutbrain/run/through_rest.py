"""How the settled start and the own-rest parameters of a person answer his other parameters.

At rest one day repeats itself: y = day(y, p, r), and each own-rest parameter is the daily mean of its own signal,
r = means(y, p, r). Both hold for every p, so their derivatives follow from those of one day.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model import units
from gutbrain.model.axis import Axis
from gutbrain.protocols.protocol import Act
from gutbrain.run.tangent import layout

STILL = 1e-12  # a state that differs from itself by no more keeps whatever it starts with
WORST_CONDITION = 1e13


def own_rests(axis: Axis) -> dict[str, int]:
    """Return the row of each own-rest parameter that settling writes."""
    waiting = {name: param.settled for name, param in axis.parameters.items() if param.settled in axis.columns}
    return {name: layout(axis)[name].start for name in waiting}


def held_ways(axis: Axis, entries: int) -> np.ndarray:
    """Return the ways of parameters that move nothing but themselves, array [rows + entries, entries]."""
    return np.eye(len(axis.rows) + entries, entries, -len(axis.rows))


def settled_ways(axis: Axis, labels: Sequence[str], of_day: np.ndarray) -> np.ndarray:
    """Return how start state and parameters answer each parameter of a person who is settled anew.

    Parameters
    ----------
    labels : signals of the day
    of_day : derivatives of the end of a day at rest and of its means, array [rows + labels, rows + entries]

    Returns
    -------
    array [rows + entries, entries], states declared, parameters coherent; own-rest parameters answer and ask nothing.

    Raises
    ------
    InputError
        If the day at rest leaves a state undetermined.
    """
    rows = len(axis.rows)
    waiting = own_rests(axis)
    settled = list(waiting.values())
    signals = [axis.columns[axis.parameters[name].settled] for name in waiting]
    means = np.array([of_day[rows + labels.index(signal.label)] * units.factor(signal.unit) for signal in signals])
    asked = np.vstack([of_day[:rows], means.reshape(-1, of_day.shape[1])])
    inside = [*range(rows), *(rows + place for place in settled)]
    system = np.eye(len(inside)) - asked[:, inside]
    right = asked[:, rows:].copy()
    right[:, settled] = 0.0
    # A state without a rest of its own stays where its parameter starts it.
    begins = _starts(axis, right.shape[1])
    still = np.flatnonzero((np.abs(system) < STILL).all(axis=1) & (np.abs(asked[:, rows:]) < STILL).all(axis=1))
    system[still, still], right[still] = 1.0, begins[still]
    size = np.concatenate([axis.bounds[1] - axis.bounds[0], np.ones(len(settled))])
    scaled = system * size / size[:, None]
    largest = np.abs(scaled).max(axis=1, keepdims=True)
    if largest.min(initial=1.0) < STILL or np.linalg.cond(scaled / largest) > WORST_CONDITION:
        raise InputError("a day at rest leaves a state undetermined, so that the start has no derivative",
                         mend="Ask with through_rest=False, which holds the start")  # fmt: skip
    answer = np.linalg.solve(system, right)
    ways = held_ways(axis, right.shape[1])
    ways[:rows] = answer[:rows]
    ways[[rows + place for place in settled]] = answer[rows:]
    return ways


def dose_ways(axis: Axis, acts: Sequence[Act], count: int, ways: np.ndarray) -> np.ndarray:
    """Return how doses answer each parameter: relative ones follow the own rest of their lever, array [acts, entries].

    Parameters
    ----------
    acts : what is known of the acts; none of a plain drive, whose doses are held
    count : number of doses
    ways : how start state and parameters answer, array [rows + entries, entries]
    """
    found = np.zeros((count, ways.shape[1]))
    for number, act in enumerate(acts):
        lever = axis.levers[act.lever.partition("[")[0]]
        if act.relative and isinstance(lever.rest, str):
            own = layout(axis)[f"{lever.listeners[0]}.{lever.rest}"].start
            param = axis.parameters[f"{lever.listeners[0]}.{lever.rest}"]
            found[number] = act.dose * act.kept_mean / units.factor(param.unit) * ways[len(axis.rows) + own]
    return found


def _starts(axis: Axis, entries: int) -> np.ndarray:
    """Return how the declared start of each state answers the parameters, array [rows + own rests, entries]."""
    found = np.zeros((len(axis.rows) + len(own_rests(axis)), entries))
    for (compartment, key), rows in axis.slices.items():
        state = axis.state(compartment, key)
        if isinstance(state.start, str):
            entry = layout(axis)[f"{compartment}.{state.start}"]
            for row, place in zip(range(rows.start, rows.stop), range(entry.start, entry.stop), strict=True):
                found[row, place] = 1 / units.factor(state.unit)
    return found
