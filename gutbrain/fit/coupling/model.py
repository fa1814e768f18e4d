"""A coupling model written down: processes, what shows them, what moves them, and who differs in what.

    d state = (drift state + intercept + level inputs) dt + noise dW,   + impulse inputs at their times
    what is seen = mean + loadings (state + trend, day and night) + error

Every entry of every matrix is a parameter with a name, free or held. A person's own value is that of the
population, moved by predictors and a random effect, all on the scale on which the parameter is estimated.
Source: Driver & Voelkle 2018, Psychological Methods, doi 10.1037/met0000168.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gutbrain.errors import InputError

KINDS = ("gaussian", "ordinal", "count")
SIDES = ("gut", "mind", "")
# From the scale of estimation to the value, and back.
TRANSFORMS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "identity": (lambda x: x, lambda x: x),
    "log": (np.exp, np.log),
    "negative": (lambda x: -np.exp(x), lambda x: np.log(-x)),
    "tanh": (np.tanh, np.arctanh),
}
# What is seen is linear in these.
MEANS = ("mean", "intercept", "initial_mean", "impulse", "level", "trend", "cosine", "sine")


@dataclass(frozen=True)
class Process:
    """One hidden process; `side` says whether it belongs to the gut or to the mind."""

    name: str
    side: str = ""


@dataclass(frozen=True)
class Indicator:
    """Something seen: of which processes it speaks, and on which scale.

    Parameters
    ----------
    name : column of the panel
    loadings : process -> loading; None is estimated
    kind : gaussian, ordinal (whole numbers from 0, probit), count (Poisson with log-normal overdispersion)
    categories : of an ordinal indicator
    error : False for no error of measurement (gaussian) or no overdispersion (count)
    """

    name: str
    loadings: Mapping[str, float | None]
    kind: str = "gaussian"
    categories: int = 0
    error: bool = True


@dataclass(frozen=True)
class Parameter:
    """One number of the model.

    Parameters
    ----------
    name : as users write it, such as `drift[mood, shannon]`: of shannon on mood
    kind : the matrix it belongs to
    place : row (and column) in it
    transform : identity, log, negative (the negative exponential, of auto-effects) or tanh (partial correlations)
    held : its value if it is not estimated
    """

    name: str
    kind: str
    place: tuple[int, ...]
    transform: str = "identity"
    held: float | None = None

    def natural(self, raw: float) -> float:
        """Return the value that belongs to a number on the scale of estimation."""
        return float(TRANSFORMS[self.transform][0](raw))

    def raw(self, natural: float) -> float:
        """Return the number on the scale of estimation that belongs to a value."""
        with np.errstate(divide="ignore"):
            return float(TRANSFORMS[self.transform][1](natural))


@dataclass(frozen=True)
class CouplingModel:
    """Processes, indicators, inputs, predictors, and what varies between people.

    Parameters
    ----------
    processes, indicators : at least one each
    impulses : inputs that move the state at once (a session, a meal), columns of the panel
    levels : inputs that act as long as they last (a diet, a drug), columns of the panel
    predictors : what is known of a person and does not change
    varying : names of parameters with a random effect; effects are correlated
    moderated : names of parameters that predictors move; those that vary where nothing is said
    initial : "free" or "stationary", the state at the first occasion; at rest means without any level input
    intercepts : "indicator" (means of what is seen) or "process" (continuous intercepts)
    trend, day_night : a straight course, a cycle of 24 hours, of each process
    held : values of parameters that are not estimated, by name
    discretisation : "stationary" or "van loan"
    """

    processes: tuple[Process, ...]
    indicators: tuple[Indicator, ...]
    impulses: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    predictors: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()
    moderated: tuple[str, ...] = ()
    initial: str = "stationary"
    intercepts: str = "indicator"
    trend: bool = False
    day_night: bool = False
    held: Mapping[str, float] = field(default_factory=dict)
    discretisation: str = "stationary"

    def __post_init__(self) -> None:
        names = [process.name for process in self.processes]
        for what, given in (("process", names), ("indicator", [one.name for one in self.indicators])):
            if not given:
                raise InputError(f"a coupling model needs at least one {what}")
            if twice := next((name for name in given if given.count(name) > 1), None):
                raise InputError(f"{what} {twice!r} stands twice", mend="Give each its own name")
        for process in self.processes:
            if process.side not in SIDES:
                raise InputError(
                    f"process {process.name!r} is of the side {process.side!r}", mend="It is gut, mind or empty"
                )
        for one in self.indicators:
            if one.kind not in KINDS:
                raise InputError(f"indicator {one.name!r} is {one.kind!r}", mend=f"Kinds are {', '.join(KINDS)}")
            if one.kind == "ordinal" and one.categories < 2:
                raise InputError(f"ordinal indicator {one.name!r} has {one.categories} categories", mend="It needs two")
            if unknown := next((name for name in one.loadings if name not in names), None):
                known = ", ".join(names)
                raise InputError(f"indicator {one.name!r} loads on {unknown!r}", mend=f"Processes are {known}")
        for what, value, choices in (
            ("initial", self.initial, ("free", "stationary")),
            ("intercepts", self.intercepts, ("indicator", "process")),
            ("discretisation", self.discretisation, ("stationary", "van loan")),
        ):
            if value not in choices:
                raise InputError(f"{what} is {value!r}", mend=f"It is one of {', '.join(choices)}")
        for what, wanted in (("varying", self.varying), ("moderated", self.moderated), ("held", self.held)):
            # Spreads can be held, but only of what varies: that is looked at before.
            known_names = [one.name for one in (self.parameters if what == "held" else self.own)]
            for name in wanted:
                if name not in known_names:
                    near = difflib.get_close_matches(name, known_names, n=3, cutoff=0.4)
                    raise InputError(f"{what}: there is no parameter {name!r}", mend=f"Near it: {', '.join(near)}")
        still = [one for one in self.own if one.transform == "negative" and one.held == 0]
        if still and self.initial == "stationary":
            raise InputError(f"{still[0].name} is held at 0, so that this process has no rest to begin from",
                             mend='Use initial = "free" and discretisation = "van loan"')  # fmt: skip

    @cached_property
    def own(self) -> tuple[Parameter, ...]:
        """Parameters of which each person has a value of his own, in the order of the vector."""
        made = [one for kind in (self._dynamics, self._measurement, self._moved, self._begin) for one in kind()]
        return tuple(
            Parameter(one.name, one.kind, one.place, one.transform, self.held.get(one.name, one.held)) for one in made
        )

    @cached_property
    def index(self) -> dict[str, int]:
        """Where a parameter stands among `own`."""
        return {one.name: at for at, one in enumerate(self.own)}

    @cached_property
    def random(self) -> tuple[int, ...]:
        """Places of varying parameters among `own`: first those that act otherwise than through means."""
        at = [self.index[name] for name in self.varying]
        return tuple(sorted(at, key=lambda place: self.own[place].kind in MEANS))

    @property
    def curved(self) -> int:
        """How many random effects act otherwise than through means; they are integrated numerically."""
        return sum(self.own[place].kind not in MEANS for place in self.random)

    @property
    def moved_by_predictors(self) -> tuple[int, ...]:
        """Places of parameters that predictors move."""
        if not self.predictors:
            return ()
        names = self.moderated or self.varying or tuple(one.name for one in self.own if one.kind == "mean")
        return tuple(self.index[name] for name in names)

    @cached_property
    def further(self) -> tuple[Parameter, ...]:
        """Parameters of the population only: effects of predictors, spreads of random effects, their correlations."""
        names = [self.own[place].name for place in self.random]
        made = [Parameter(f"predictor[{self.own[place].name}, {predictor}]", "predictor", (row, column))
                for row, place in enumerate(self.moved_by_predictors)
                for column, predictor in enumerate(self.predictors)]  # fmt: skip
        made += [Parameter(f"spread[{name}]", "spread", (row,), "log") for row, name in enumerate(names)]
        made += _correlations("spread", names)
        return tuple(
            Parameter(one.name, one.kind, one.place, one.transform, self.held.get(one.name, one.held)) for one in made
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, free and held."""
        return self.own + self.further

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Places of the parameters that are estimated."""
        return tuple(at for at, one in enumerate(self.parameters) if one.held is None)

    @property
    def free_names(self) -> tuple[str, ...]:
        """Names of the parameters that are estimated, in the order of the vector that is fitted."""
        return tuple(self.parameters[at].name for at in self.free)

    def _dynamics(self) -> list[Parameter]:
        names = [process.name for process in self.processes]
        made = [Parameter(f"drift[{to}, {by}]", "drift", (row, column), "negative" if to == by else "identity")
                for row, to in enumerate(names) for column, by in enumerate(names)]  # fmt: skip
        made += [Parameter(f"noise[{name}]", "noise", (row,), "log") for row, name in enumerate(names)]
        made += _correlations("noise", names)
        held = 0.0 if self.intercepts == "indicator" else None
        made += [Parameter(f"intercept[{name}]", "intercept", (row,), held=held) for row, name in enumerate(names)]
        return made

    def _measurement(self) -> list[Parameter]:
        made = []
        for row, one in enumerate(self.indicators):
            without_mean = one.kind == "ordinal" or self.intercepts == "process"
            made.append(Parameter(f"mean[{one.name}]", "mean", (row,), held=0.0 if without_mean else None))
            for column, process in enumerate(self.processes):
                made.append(Parameter(f"loading[{one.name}, {process.name}]", "loading", (row, column),
                                      held=one.loadings.get(process.name, 0.0)))  # fmt: skip
            held = 1.0 if one.kind == "ordinal" else None if one.error else 0.0
            made.append(Parameter(f"error[{one.name}]", "error", (row,), "log", held))
            # The first threshold is free, each further one stands above the one before it by a positive step.
            for step in range(one.categories - 1 if one.kind == "ordinal" else 0):
                transform = "log" if step else "identity"
                made.append(Parameter(f"threshold[{one.name}, {step + 1}]", "threshold", (row, step), transform))
        return made

    def _moved(self) -> list[Parameter]:
        made = [Parameter(f"{kind}[{process.name}, {given}]", kind, (row, column))
                for kind, inputs in (("impulse", self.impulses), ("level", self.levels))
                for row, process in enumerate(self.processes) for column, given in enumerate(inputs)]  # fmt: skip
        courses = ("trend",) * self.trend + ("cosine", "sine") * self.day_night
        return made + [Parameter(f"{kind}[{process.name}]", kind, (row,))
                       for kind in courses for row, process in enumerate(self.processes)]  # fmt: skip

    def _begin(self) -> list[Parameter]:
        if self.initial == "stationary":
            return []
        names = [process.name for process in self.processes]
        made = [Parameter(f"initial_mean[{name}]", "initial_mean", (row,)) for row, name in enumerate(names)]
        varying = {name for name in self.varying if name.startswith("initial_mean[")}
        # Where initial means vary between people, their spread is the spread of the initial state.
        fixed = [0.0 if f"initial_mean[{name}]" in varying else None for name in names]
        made += [Parameter(f"initial_sd[{name}]", "initial_sd", (row,), "log", held)
                 for (row, name), held in zip(enumerate(names), fixed, strict=True)]  # fmt: skip
        made += [Parameter(one.name, one.kind, one.place, one.transform,
                           None if fixed[one.place[0]] is None and fixed[one.place[1]] is None else 0.0)
                 for one in _correlations("initial_sd", names)]  # fmt: skip
        return made


def _correlations(kind: str, names: Sequence[str]) -> list[Parameter]:
    """Return the partial correlations below the diagonal."""
    pairs = [(row, column) for row in range(len(names)) for column in range(row)]
    return [Parameter(f"{kind}_correlation[{names[row]}, {names[column]}]", f"{kind}_correlation", (row, column),
                      "tanh") for row, column in pairs]  # fmt: skip
