"""Which engine runs what: one table, one choice. All engines have the signature of `gutbrain.run.fixed.integrate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from gutbrain.errors import InputError
from gutbrain.run.drive import Run, steps_of_quarter

AUTO = "auto"
MANY = 10_000  # columns above which single precision is chosen
FINER_SHAPES = 3  # parts of a step on which shapes are given to an engine that chooses its own steps
NOTHING_DRAWN = "Switch noise off, or use engine 'fixed'"


@dataclass(frozen=True)
class Engine:
    """One way to integrate.

    Attributes
    ----------
    about : what it is for
    module, function : where it is
    libraries, extra : what it needs beyond the core, and the extra that brings it
    most : columns that it takes at most, 0 for any number
    noise : it draws events and noise
    quarters : its steps divide a quarter hour
    settles : people are settled by it, and not by `fixed`
    """

    name: str
    about: str
    module: str
    function: str
    libraries: tuple[str, ...] = ()
    extra: str = ""
    most: int = 0
    noise: bool = True
    quarters: bool = False
    settles: bool = False

    @property
    def installed(self) -> bool:
        """Whether everything that it needs is there."""
        return all(find_spec(name) is not None for name in self.libraries)

    def integrate(self) -> Callable[..., Run]:
        """Return its function.

        Raises
        ------
        InputError
            If a library is missing.
        """
        if not self.installed:
            raise InputError(f"engine {self.name!r} is not installed", mend=f"pip install 'gutbrain[{self.extra}]'")
        return getattr(import_module(self.module), self.function)

    def shapes(self, step_minutes: float) -> int:
        """Return how many shapes of an act a day it is given, for steps of a plan."""
        return round(1440 / step_minutes) * (FINER_SHAPES if self.quarters else 1)

    def settling(self) -> Callable[..., Run]:
        """Return the function that settles people for it: rhythms must close at the steps of the later run."""
        if self.settles:
            return partial(self.integrate(), checked=False)
        return ENGINES["fixed"].integrate()


# In the order in which they are chosen.
ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            "lanes", "many people, or one at once: compiled for this processor, the error of each person is checked",
            "gutbrain.run.lanes.engine", "integrate", ("llvmlite", "sympy"), "lanes", quarters=True, settles=True,
        ),
        Engine(
            "lanes32", "as lanes at half the time, in single precision; in double for whom that is not exact enough",
            "gutbrain.run.lanes.engine", "integrate_single", ("llvmlite", "sympy"), "lanes", quarters=True,
            settles=True,
        ),
        Engine(
            "fixed", "wherever JAX runs, accelerators included; derivatives; single wires opened and closed",
            "gutbrain.run.fixed", "integrate",
        ),
        Engine(
            "adaptive", "the reference: error control for a few people, acts at their very moments, nothing drawn",
            "gutbrain.run.adaptive", "follow", ("diffrax",), "adaptive", most=64, noise=False,
        ),
    )
}  # fmt: skip
NAMES = (AUTO, *ENGINES)


def choose(name: str, *, columns: int, noise: bool = False, step_minutes: float = 15.0) -> Engine:
    """Return the engine that is asked for, or with `auto` the first that is installed and can do it.

    Raises
    ------
    InputError
        If there is no such engine, or it cannot do what is asked.
    """
    if name == AUTO:
        order = sorted(ENGINES.values(), key=lambda engine: engine.name == ("lanes" if columns > MANY else "lanes32"))
        return next(engine for engine in order
                    if engine.installed and not _refusal(engine, columns, noise, step_minutes))  # fmt: skip
    if name not in ENGINES:
        raise InputError(f"no engine {name!r} (known: {', '.join(NAMES)})")
    refusal = _refusal(ENGINES[name], columns, noise, step_minutes)
    if refusal:
        what, mend = refusal
        raise InputError(what, mend=mend)
    return ENGINES[name]


def _refusal(engine: Engine, columns: int, noise: bool, step_minutes: float) -> tuple[str, str] | None:
    """Return what an engine cannot do of what is asked, and the mend."""
    if noise and not engine.noise:
        return f"engine {engine.name!r} draws no noise", NOTHING_DRAWN
    if engine.most and columns > engine.most:
        what = f"engine {engine.name!r} takes {engine.most} people at most (people x worlds), not {columns}"
        return what, "Ask for fewer people or worlds, or use engine 'fixed'"
    if engine.quarters and not steps_of_quarter(step_minutes):
        what = f"engine {engine.name!r} steps by parts of a quarter hour, not by {step_minutes:g} minutes"
        return what, "Take 15, 7.5, 5, 3 or 2.5 minutes; a longer step would lose people"
    return None
