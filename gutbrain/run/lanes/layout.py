"""What a kernel is called with: its arguments, and the order of levers and parameter entries."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gutbrain.model.axis import Axis

# Arguments of the compiled function, in order: name and kind. `vectors` hold one person a lane.
ARGUMENTS = (
    ("days", "count"), ("first_day", "double"), ("turns", "places"), ("substeps", "places"),
    ("state", "vectors"), ("unknown", "vectors"), ("shared", "numbers"), ("own", "vectors"), ("acts", "count"),
    ("act_lever", "places"), ("dose", "vectors"), ("effort", "numbers"), ("present", "vectors"),
    ("shape", "numbers"), ("random", "vectors"), ("labels", "count"), ("label", "places"), ("mean", "floats"),
    ("low", "floats"), ("high", "floats"), ("marked", "count"), ("marks", "vectors"), ("left_day", "vectors"),
    ("left_row", "vectors"), ("floor", "numbers"), ("ceiling", "numbers"), ("slack", "numbers"),
    ("doses", "vectors"), ("scratch", "vectors"), ("scratch_numbers", "numbers"),
)  # fmt: skip
FEW = 8  # people who must share a value, on average, for it to be one number of a kernel


def entries(axis: Axis) -> list[tuple[str, int]]:
    """Return every parameter entry, (name, place in the flattened parameter), in the order of the kernel."""
    return [(name, i) for name, value in axis.defaults().items() for i in range(value.size)]


def lever_names(axis: Axis) -> list[str]:
    """Return every lever that a protocol may move, entries of vector levers apart, in the order of the kernel."""
    found = []
    for lever in axis.levers.values():
        found += [f"{lever.signal}[{label}]" for label in lever.over] if lever.over else [lever.signal]
    return found


def own_parameters(axis: Axis, parameters: Mapping[str, np.ndarray]) -> frozenset[str]:
    """Return the parameters that differ from person to person; the others are shared by groups of people.

    Those that are declared so count always, so that one kernel serves every cohort. Where the others together would
    leave too few people in a group (designs of sensitivity, in which each has few values, but in all combinations),
    all of them count.
    """
    declared = {name for name, param in axis.parameters.items() if param.between is not None or param.settled}
    shared = {}
    for name, value in parameters.items():
        if name in declared or value.shape[-1] == 1:
            continue
        rows = value.reshape(-1, value.shape[-1])
        kinds = max(len(np.unique(row)) for row in rows)
        if kinds * FEW > value.shape[-1]:
            declared.add(name)
        elif kinds > 1:
            shared[name] = rows
    if shared:
        together = np.concatenate(list(shared.values()))
        if len(np.unique(together, axis=1).T) * FEW > together.shape[1]:
            declared |= set(shared)
    return frozenset(declared)


def groups(own: frozenset[str], parameters: Mapping[str, np.ndarray], columns: int) -> list[np.ndarray]:
    """Return the columns that share all parameters that are not their own, group by group."""
    shared = [value.reshape(-1, value.shape[-1]) for name, value in parameters.items()
              if name not in own and value.shape[-1] > 1]  # fmt: skip
    if not shared:
        return [np.arange(columns)]
    _, first, number = np.unique(np.concatenate(shared), axis=1, return_index=True, return_inverse=True)
    number = np.reshape(number, -1)
    return [np.flatnonzero(number == kind) for kind in np.argsort(first)]


def flattened(axis: Axis, parameters: Mapping[str, np.ndarray], columns: int) -> np.ndarray:
    """Return all parameter entries as rows, array [entries, columns], coherent units."""
    coherent = axis.coherent(parameters)
    rows = [coherent[name].reshape(-1, coherent[name].shape[-1]) for name in axis.parameters]
    return np.concatenate([np.broadcast_to(row, (len(row), columns)) for row in rows])
