"""What a kernel computes: numbers of values for rates, signals, balances and random changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from gutbrain.run.lanes.values import Values


@dataclass(frozen=True)
class Drawn:
    """A random change of some state rows: `parts` are the size of a normal, or rate, median and log SD of jumps."""

    rows: range
    parts: tuple[int, ...]

    @property
    def channels(self) -> int:
        """Draws of a quarter hour: a normal; or a uniform, and a normal for the size of a jump."""
        return 1 if len(self.parts) == 1 else 2


@dataclass
class Program:
    """What a kernel computes; all entries are numbers of values.

    Attributes
    ----------
    levers : names of the levers whose offsets are loaded, by place
    parameters : (name, entry) of each parameter entry, by place
    rates : rate of each state row, declared units per day
    signals : each column of the axis, declared units
    inverse, refreshed : inverse Jacobian of the balances at a trial value, and the next trial value
    improved : next trial value with the inverse of the begin of the step
    random : random changes, in the order of the axis
    """

    values: Values
    levers: list[str] = field(default_factory=list)
    parameters: list[tuple[str, int]] = field(default_factory=list)
    rates: list[int] = field(default_factory=list)
    signals: list[int] = field(default_factory=list)
    inverse: list[int] = field(default_factory=list)
    refreshed: list[int] = field(default_factory=list)
    improved: list[int] = field(default_factory=list)
    random: list[Drawn] = field(default_factory=list)

    @property
    def unknowns(self) -> int:
        """Number of unknowns that are solved within a step."""
        return len(self.refreshed)

    @property
    def channels(self) -> int:
        """Draws of a quarter hour."""
        return sum(drawn.channels for drawn in self.random)

    def drawn(self) -> list[int]:
        """Return what the random changes rest on."""
        return [part for drawn in self.random for part in drawn.parts]

    def asked(self) -> list[int]:
        """Return all values that a kernel is asked for."""
        return [*self.rates, *self.signals, *self.inverse, *self.refreshed, *self.improved, *self.drawn()]
