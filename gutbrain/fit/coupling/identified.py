"""What these data cannot tell, said before anything is fitted, and how sure the rest is going to be.

A direction in which parameters can move while the expected information says that nothing would change is not
identified. It is read from the information in typical units (an SD, an e-fold, a unit of the inverse hyperbolic
tangent of a correlation): where less is told than `NOTHING`, a standard error would exceed a thousand such units. That
is far beyond what is merely weakly told, so that a poor but possible design is never refused; it is told as weak. A
direction counts only if it is flat at the start values and also at a second place away from them, because a start of
no cross effects and no correlations can be flat by accident. Spreads between people are asked for people besides:
the expected information would be content with one. Source: Rothenberg 1971, doi 10.2307/1913267 (recalled).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.fit.coupling import plain
from gutbrain.fit.coupling.information import Information, expected_information
from gutbrain.fit.coupling.model import CouplingModel, Parameter
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.prior import Prior

NOTHING = 1e-6  # information, in typical units: a standard error of a thousand of them
WEAK = 3.0  # typical units of an expected standard error that is told as weak
FEWEST = 3  # people that a spread between people takes
MANY = 4  # sentences that one message has room for
SHARE = 0.1  # of the largest part in a direction, below which a parameter is not named with it
# What is best held where several parameters cannot be told apart.
HELD_FIRST = (
    "spread_correlation", "initial_sd_correlation", "noise_correlation", "error", "initial_sd", "spread", "loading",
    "predictor", "trend", "sine", "cosine", "level", "impulse", "initial_mean", "intercept", "threshold", "mean",
    "noise", "drift",
)  # fmt: skip


@dataclass(frozen=True)
class Untold:
    """Parameters that the data cannot tell (apart), in a sentence, and what to do about it; the first is best held."""

    parameters: tuple[str, ...]
    said: str
    mend: str


@dataclass(frozen=True)
class Identification:
    """What a design can tell of a model's parameters.

    Parameters
    ----------
    model : the model
    start : array [free], where it was looked at; scale of estimation
    information : array [free, free], expected, of all people together
    unit : array [free], typical size of each parameter
    untold : what cannot be told
    """

    model: CouplingModel
    start: np.ndarray
    information: np.ndarray
    unit: np.ndarray
    untold: tuple[Untold, ...]

    @property
    def identified(self) -> bool:
        """Whether every free parameter can be told."""
        return not self.untold

    @cached_property
    def standard_errors(self) -> np.ndarray:
        """Array [free], scale of estimation: expected at the start values; infinite where nothing is told."""
        lost = {name for one in self.untold for name in one.parameters}
        told = np.array([name not in lost for name in self.model.free_names])
        made = np.full(len(told), np.inf)
        scaled = self.information * self.unit * self.unit[:, None]
        values, vectors = np.linalg.eigh(scaled[np.ix_(told, told)])
        spread = np.sum(vectors**2 / np.maximum(values, 1e-300), 1)
        made[told] = np.sqrt(spread) * self.unit[told]
        return made

    @property
    def weak(self) -> tuple[str, ...]:
        """Names of parameters that will be told, but hardly."""
        size = self.standard_errors / self.unit
        return tuple(name for name, one in zip(self.model.free_names, size, strict=True) if WEAK < one < np.inf)

    def table(self) -> pl.DataFrame:
        """Return one row a free parameter: its start value, the standard error to expect, and whether it is told."""
        ones = [self.model.parameters[at] for at in self.model.free]
        errors = [error * slope_of(one, raw)
                  for one, raw, error in zip(ones, self.start, self.standard_errors, strict=True)]  # fmt: skip
        weak = set(self.weak)
        told = ["not at all" if np.isinf(error) else "hardly" if one.name in weak else "yes"
                for one, error in zip(ones, errors, strict=True)]  # fmt: skip
        return pl.DataFrame({
            "parameter": [one.name for one in ones],
            "start": [one.natural(raw) for one, raw in zip(ones, self.start, strict=True)],
            "standard_error": np.array(errors, float), "told": told,
        })  # fmt: skip

    def raise_if_any(self) -> None:
        """Raise an `InputError` that names what cannot be told and says what to do, if there is any such thing."""
        if not self.untold:
            return
        said = [one.said for one in self.untold[:MANY]]
        if len(self.untold) > MANY:
            said.append(f"and {len(self.untold) - MANY} more of this kind, so the model asks much more than there is")
        mends = list(dict.fromkeys(one.mend for one in self.untold[:MANY]))
        raise InputError(f"these data cannot tell all that is asked: {'; '.join(said)}", mend=". ".join(mends))


def unidentified(model: CouplingModel, panel: Panel, start: np.ndarray, prior: Prior | None = None) -> Identification:
    """Return what the design of a panel can tell of a model, before it is fitted.

    Parameters
    ----------
    start : array [free], scale of estimation; start values or what is expected
    prior : beliefs, which tell as much as data; none for maximum likelihood

    Raises
    ------
    InputError
        If the model begins at rest and the start values never come to rest.
    """
    start = np.asarray(start, float)
    _comes_to_rest(model, start)
    by_rule = [] if prior else _too_few_people(model, panel)
    names = model.free_names
    out = {name for one in by_rule for name in one.parameters}
    inner = np.array([at for at, name in enumerate(names) if name not in out], int)
    here = _with(expected_information(model, panel, start), prior)
    flat = _flat(here, inner)
    if flat.shape[1]:
        away = _flat(_with(expected_information(model, panel, elsewhere(model, panel, start, here.unit)), prior), inner)
        flat = away if away.shape[1] < flat.shape[1] else flat
    return Identification(model, start, here.matrix, here.unit, (*by_rule, *_named(model, panel, inner, flat)))


def slope_of(one: Parameter, raw: float) -> float:
    """Return by how much a parameter's value moves with the number on the scale of estimation."""
    if one.transform == "tanh":
        return float(1 - np.tanh(raw) ** 2)
    return 1.0 if one.transform == "identity" else float(np.exp(raw))


def elsewhere(model: CouplingModel, panel: Panel, start: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return a second place [free] to look: moderate rates, all effects and correlations a little off zero."""
    gaps = panel.gap[~panel.first]
    rate = 1 / float(np.median(gaps)) if len(gaps) else 1.0
    made = start.copy()
    for row, at in enumerate(model.free):
        one = model.parameters[at]
        shift = 0.1 * (1 + (0.618 * (row + 1)) % 1)  # differs from one parameter to the next
        if one.transform == "negative":
            made[row] = np.log(rate) - shift * (1 + 2 * one.place[0])
        elif one.transform == "tanh":
            made[row] = np.clip(start[row], -1.0, 1.0) + shift
        else:
            made[row] = start[row] + shift * unit[row]
    full = plain.full_of(model, made)
    if plain.returns(plain.matrices(model, full[:, : len(model.own)]).drift)[0] <= 0:
        ones = [model.parameters[at] for at in model.free]
        made[[one.kind == "drift" and one.transform == "identity" for one in ones]] *= 0.1
    return made


def _comes_to_rest(model: CouplingModel, start: np.ndarray) -> None:
    drift = plain.matrices(model, plain.full_of(model, start)[:, : len(model.own)]).drift
    if model.initial == "stationary" and not plain.returns(drift)[0] > 0:
        raise InputError(
            "the start values are unstable: the processes never come to rest, and yet begin at rest",
            mend="Start with smaller cross effects or faster returns, or ask for a free initial state",
        )


def _too_few_people(model: CouplingModel, panel: Panel) -> list[Untold]:
    """Return spreads between people for which there are not enough people."""
    seen = np.zeros(len(panel.people), bool)
    seen[panel.person[panel.seen.any(1)]] = True
    people, moved = int(seen.sum()), {model.own[at].name for at in model.moved_by_predictors}
    random = [model.own[at].name for at in model.random]
    made = []
    for at in model.free:
        one = model.parameters[at]
        base = one.name.partition("[")[2].rstrip("]")
        if one.kind == "spread":
            base = one.name[len("spread[") : -1]
            needed, what = FEWEST + len(model.predictors) * (base in moved), f"how people differ in {base}"
        elif one.kind == "initial_sd":
            predicted = f"initial_mean[{base}]" in moved
            needed, what = FEWEST + len(model.predictors) * predicted, f"how people differ in where {base} begins"
        elif one.kind in ("spread_correlation", "initial_sd_correlation"):
            effects = len(random) if one.kind == "spread_correlation" else len(model.processes)
            needed, what = (
                max(FEWEST, effects + 1) + len(model.predictors) * bool(moved),
                "how such differences go together",
            )
        else:
            continue
        if people < needed:
            count = "one person" if people == 1 else f"{people} people"
            made.append(Untold((one.name,), f"{one.name} ({what}) takes at least {needed} people, and there is {count}"
                               if people == 1 else f"{one.name} ({what}) takes at least {needed} people, not {count}",
                               _mend_of_people(one)))  # fmt: skip
    return made


def _mend_of_people(one: Parameter) -> str:
    if one.kind == "spread":
        return f"Leave {one.name[len('spread[') : -1]} the same for everyone"
    if one.kind == "spread_correlation":
        return f"Hold {one.name} at 0, or let less vary"
    if one.kind == "initial_sd":
        return f'Begin at rest (initial "stationary"), or hold {one.name}'
    return f'Begin at rest (initial "stationary"), or hold {one.name} at 0'


def _with(told: Information, prior: Prior | None) -> Information:
    return told if prior is None else told._replace(matrix=told.matrix + prior.bend)


def _flat(told: Information, inner: np.ndarray) -> np.ndarray:
    """Return directions [inner, directions], in typical units, in which nothing is told."""
    values, vectors = np.linalg.eigh((told.matrix * told.unit * told.unit[:, None])[np.ix_(inner, inner)])
    return vectors[:, values < NOTHING]


def _named(model: CouplingModel, panel: Panel, inner: np.ndarray, flat: np.ndarray) -> list[Untold]:
    """Return sentences on flat directions, one for each parameter that would have to be held."""
    ones = [model.parameters[model.free[at]] for at in inner]
    left, pivots, made = flat.copy(), list[int](), []
    for _ in range(flat.shape[1]):
        size = np.sqrt(np.sum(left**2, 1))
        near = np.flatnonzero(size > 0.3 * size.max())
        pivot = int(min(near, key=lambda at: (HELD_FIRST.index(ones[at].kind), -size[at])))
        pivots.append(pivot)
        row = left[pivot] / np.linalg.norm(left[pivot])
        left = left - np.outer(left @ row, row)
    if not pivots:
        return []
    # Each direction moves one parameter that would be held, and none of the others.
    reduced = flat @ np.linalg.inv(flat[pivots])
    for column, pivot in enumerate(pivots):
        share = np.abs(reduced[:, column])
        order = [pivot, *(int(at) for at in np.argsort(-share) if at != pivot and share[at] > SHARE * share.max())]
        names = tuple(ones[at].name for at in order)
        made.append(Untold(names, _said(model, panel, ones[pivot], names), _mend(ones[pivot])))
    return made


def _said(model: CouplingModel, panel: Panel, one: Parameter, names: tuple[str, ...]) -> str:
    if len(names) > 1:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        return f"{shown} cannot be told apart"
    why = ""
    if one.kind in ("impulse", "level"):
        given = panel.impulses if one.kind == "impulse" else panel.levels
        name = (model.impulses if one.kind == "impulse" else model.levels)[one.place[1]]
        why = f" ({name} {'never acts' if not given[:, one.place[1]].any() else 'shows in nothing that was seen'})"
    if one.kind == "predictor":
        why = f" ({model.predictors[one.place[1]]} does not tell people apart)"
    return f"nothing here speaks of {one.name}{why}"


def _mend(one: Parameter) -> str:
    others = {
        "error": "ask on more occasions or with a second indicator", "noise": "ask on more occasions",
        "drift": "ask on more occasions", "initial_sd": "ask more people or on more occasions",
        "impulse": "ask around more of its times", "level": "choose times when it changes",
        "predictor": "leave the predictor out", "trend": "ask over a longer time",
        "cosine": "ask at other hours of the day", "sine": "ask at other hours of the day",
        "loading": "add an indicator", "spread": "ask on more occasions", "spread_correlation": "let less vary",
    }  # fmt: skip
    at = "1" if one.kind == "loading" else "0" if one.transform in ("identity", "tanh") else "what is known of it"
    held = f"hold {one.name} at {at}"
    further = others.get(one.kind, "ask on more occasions")
    return f"{held[0].upper()}{held[1:]}, or {further}"


__all__ = ["Identification", "Untold", "unidentified"]
