"""The equations at rest on plain NumPy arrays: nothing is compiled, so that few people are read as soon as asked.

The unknowns of balances stand below the states, as rows of one array, and are solved together with them: a reading
is one pass through the equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gutbrain.model import units
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment, Field, Unknown
from gutbrain.model.reading import Numbers
from gutbrain.run.relax import AT_REST, relax

TOGETHER = 800  # people read at once: what they need fits the cache of a core

Array = np.ndarray


class AtRest(Numbers):
    """Read the equations on NumPy arrays, levers at rest, unknowns given.

    Parameters
    ----------
    rows : array [rows, people], states in declared units and below them unknowns, coherent
    below : rows of the unknowns, by compartment and name
    parameters : coherent values by full name, arrays [..., columns or 1]
    columns : column of the parameters that belongs to each of the people, array [people]
    given : parameters of these people that are other than their columns say, coherent, arrays [..., people]
    """

    def __init__(
        self, axis: Axis, rows: Array, below: Mapping[tuple[str, str], slice], parameters: Mapping[str, Array],
        columns: Array, given: Mapping[str, Array],
    ) -> None:  # fmt: skip
        super().__init__(axis, rows, parameters, {})
        self.below, self.columns, self.given = below, columns, given

    def param(self, view: Compartment, field: Field) -> Any:
        name = f"{view.name}.{field.name}"
        if name in self.given:
            return self.given[name]
        value = self.parameters[name]
        return value if value.shape[-1] == 1 else value.take(self.columns, axis=-1)

    def unknown(self, view: Compartment, field: Unknown) -> Any:
        value = self.y[self.below[view.name, field.name]]
        return value if field.over else value[0]

    def vector(self, compartment: str = "") -> Array:
        """Return the rates of states (declared units per day) and below them the logarithm of balance over unknown."""
        names = {(name, equation.of): equation.name for name, equation in self.axis.rate_equations}
        found = []
        for (name, state), rows in self.axis.slices.items():
            if compartment in ("", name):
                factor = units.factor(self.axis.state(name, state).unit)
                found.append((rows, getattr(self.views[name], names[name, state]) / factor))
        for (name, unknown), rows in self.below.items():
            if compartment in ("", name):
                balance = getattr(self.views[name], self.axis.balances[name, unknown].name)
                found.append((rows, np.log(balance / self.y[rows])))
        people = self.y.shape[-1]
        return np.concatenate([np.broadcast_to(value, (rows.stop - rows.start, people)) for rows, value in found])

    def outputs(self, labels: tuple[str, ...]) -> Array:
        """Return the named signals, array [signals, people], declared units."""
        people = self.y.shape[-1]
        return np.array([np.broadcast_to(self.declared(label), (people,)) for label in labels]).reshape(-1, people)


class Rest:
    """Columns of an axis with its levers at rest: states with the unknowns below them, changed in place.

    Parameters
    ----------
    y : states, array [rows, columns], declared units
    parameters : declared values by full name, arrays [..., columns or 1]

    Attributes
    ----------
    rows : array [rows, columns], states in declared units and below them unknowns, coherent
    """

    def __init__(self, axis: Axis, y: Array, parameters: Mapping[str, Array]) -> None:
        self.axis, self.parameters = axis, axis.coherent(parameters)
        self.below: dict[tuple[str, str], slice] = {}
        blocks, row = [y], len(y)
        for full, unknown in axis.unknowns().items():
            compartment, _, name = full.partition(".")
            length = len(type(axis.part(compartment)).axes[unknown.over]) if unknown.over else 1
            self.below[compartment, name] = slice(row, row := row + length)
            start = np.broadcast_to(np.asarray(unknown.start, float) * units.factor(unknown.unit), (length,))
            blocks.append(np.repeat(start[:, None], y.shape[1], axis=1))
        self.rows = np.concatenate(blocks)
        low, high = axis.bounds
        self.low = np.append(low, np.zeros(row - len(y)))
        self.high = np.append(high, np.full(row - len(y), np.inf))

    @property
    def states(self) -> Array:
        """States, array [rows, columns], declared units."""
        return self.rows[: len(self.axis.rows)]

    def own(self, compartment: str) -> Array:
        """Return the rows of a compartment."""
        slices = (self.axis.slices | self.below).items()
        found = [np.arange(rows.start, rows.stop) for (name, _), rows in slices if name == compartment]
        return np.concatenate([np.zeros(0, int), *found])

    def read(self, columns: Array, changed: Array | slice = slice(0), values: Any = 0.0, **given: Array) -> AtRest:
        """Read some columns, with other values in the rows that are changed and other parameters where given."""
        rows = self.rows.take(columns, axis=1)
        rows[changed] = values
        return AtRest(self.axis, rows, self.below, self.parameters, columns, given)

    def change(self, columns: Array) -> Array:
        """Return the relative change of states a day, and the logarithm of balance over unknown."""
        rates = in_pieces(lambda part: self.read(columns[part]).vector(), columns.size)
        low, high = (bound[:, None] for bound in self.axis.bounds)
        rates[: len(low)] /= np.maximum(np.abs(self.states[:, columns]), 1e-3 * (high - low))
        return rates

    def signals(self, labels: tuple[str, ...], columns: Array) -> Array:
        """Return signals, array [labels, columns], declared units; unknowns that they read are balanced first."""
        reading = self.read(columns[:1])
        reading.outputs(labels)
        if any(name in vars(reading.views[compartment]) for compartment, name in self.below):
            self.balance(columns)
        return in_pieces(lambda part: self.read(columns[part]).outputs(labels), columns.size)

    def balance(self, columns: Array) -> None:
        """Solve the unknowns of some columns, their states held."""
        for compartment in {name: None for name, _ in self.below}:
            own = self.own(compartment)
            self._relax(compartment, columns, own[own >= len(self.axis.rows)])

    def solve(self, compartment: str, columns: Array) -> Array:
        """Bring one compartment of some columns to rest, the others held; return who does not come to rest."""
        return self._relax(compartment, columns, self.own(compartment))

    def _relax(self, compartment: str, columns: Array, rows: Array) -> Array:
        low, high, inert = self.low[rows, None], self.high[rows, None], rows < len(self.axis.rows)
        start, chosen = self.rows[np.ix_(rows, columns)], np.isin(self.own(compartment), rows)
        size = np.where(inert[:, None], high - low, 1.0)
        # Quantities that cannot be negative are solved as logarithms: no step can empty them.
        logged = (low >= 0) & (start > 0)

        def state(u: Array, who: Array) -> Array:
            return np.where(logged[:, who], np.exp(np.where(logged[:, who], u, 0.0)), u * size)

        def slope(u: Array, who: Array) -> Array:
            values, take = state(u, who), columns[who]
            rates = in_pieces(lambda part: self.read(take[part], rows, values[:, part]).vector(compartment), who.size)
            scale = np.where(logged[:, who], np.maximum(values, 1e-12 * size), size)
            return rates[chosen] / np.where(inert[:, None], scale, 1.0)

        u, left = relax(slope, np.where(logged, np.log(np.where(logged, start, 1.0)), start / size), inert)
        self.rows[np.ix_(rows, columns)] = np.clip(state(u, np.arange(columns.size)), low, high)
        return columns[~(left < AT_REST)]


def in_pieces(read: Callable[[slice], Array], people: int) -> Array:
    """Join what is read of people, piece by piece, along the last axis."""
    begins = range(0, max(people, 1), TOGETHER)
    return np.concatenate([read(slice(begin, begin + TOGETHER)) for begin in begins], axis=-1)
