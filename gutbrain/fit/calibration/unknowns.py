"""What is free in a calibration: the beliefs, as standard-normal numbers, one vector a world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from gutbrain.model.axis import Axis
from gutbrain.validation.arms import arms

HALVINGS = 6  # steps back to the last accepted point before a member stays there


@dataclass(frozen=True)
class Unknowns:
    """The free beliefs of an axis and of the doses of acts.

    Attributes
    ----------
    names : of parameters, and `act LEVER` for doses
    shapes : of the standard-normal draw of each
    """

    axis: Axis
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, axis: Axis, levers: Sequence[str], *, closed: bool = True) -> Unknowns:
        """Return every parameter with a belief, and every lever whose dose has one.

        Parameters
        ----------
        levers : levers of the acts that will be run
        closed : take the strengths that are closed by default as well; their prior spans 0
        """
        parameters = {
            name: axis.value_array(name, param.value).shape
            for name, param in axis.parameters.items()
            if param.belief is not None and (closed or not param.closed)
        }
        believed = {act.lever for arm in arms().values() for act in arm.protocol.acts if act.belief is not None}
        doses: dict[str, tuple[int, ...]] = {f"act {lever}": () for lever in levers if lever in believed}
        both = parameters | doses
        return cls(axis, tuple(both), tuple(both.values()))

    @property
    def sizes(self) -> list[int]:
        """Numbers in each belief."""
        return [int(np.prod(shape)) for shape in self.shapes]

    @property
    def labels(self) -> list[str]:
        """One name for each number."""
        return [
            name if size == 1 else f"{name}[{place}]"
            for name, size in zip(self.names, self.sizes, strict=True)
            for place in range(size)
        ]

    def draw(self, worlds: int, seed: int) -> np.ndarray:
        """Draw from the prior, array [worlds, numbers]; each belief has draws of its own."""
        parts = [
            np.random.default_rng([seed, 21, crc32(name.encode())]).standard_normal((worlds, size))
            for name, size in zip(self.names, self.sizes, strict=True)
        ]
        found = np.concatenate(parts, axis=1)
        return self.within_limits(found, np.zeros_like(found))[0]

    def beliefs(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Return the draws by name, arrays [worlds, ...], as `Cohort.draw` takes them."""
        ends = np.cumsum(self.sizes)[:-1]
        parts = np.split(numbers, ends, axis=1)
        return {
            name: part.reshape(len(numbers), *shape)
            for name, shape, part in zip(self.names, self.shapes, parts, strict=True)
        }

    def within_limits(self, wanted: np.ndarray, accepted: np.ndarray) -> tuple[np.ndarray, int]:
        """Pull worlds that a limit of the axis refuses back towards where they were accepted.

        Parameters
        ----------
        wanted, accepted : arrays [worlds, numbers]

        Returns
        -------
        array [worlds, numbers], and how many were pulled back
        """
        found, pulled = wanted.copy(), 0
        for world in range(len(wanted)):
            share = 1.0
            while self._broken(found[world]) and share > 0.5**HALVINGS:
                share /= 2
                found[world] = accepted[world] + share * (wanted[world] - accepted[world])
            if share < 1:
                pulled += 1
                if self._broken(found[world]):
                    found[world] = accepted[world]
        return found, pulled

    def _broken(self, numbers: np.ndarray) -> bool:
        values = self.values(numbers)
        return any(bool(np.any(limit.measure(values) > limit.below)) for limit in self.axis.limits)

    def values(self, numbers: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return all parameters of one world at their belief, declared units."""
        values = dict(self.axis.defaults())
        for name, normal in self.beliefs(numbers[None]).items():
            if name in self.axis.parameters:
                param = self.axis.parameters[name]
                assert param.belief is not None
                values[name] = np.asarray(param.belief.around(self.axis.value_array(name, param.value), normal[0]))
        return values
