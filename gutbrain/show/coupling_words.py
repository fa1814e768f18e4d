"""Processes, parameters, lags and probabilities of a coupling model in words, and the colours that stand for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, log

import numpy as np

from gutbrain.fit.coupling.model import CouplingModel, Parameter
from gutbrain.show.analysis_words import INDICES, first_capital, fixed, outcome_said, sentence_said
from gutbrain.show.study_plots import shorten
from gutbrain.show.words import ARM_COLOURS, QUIET, number

UP, DOWN, WITHIN = ARM_COLOURS[1], ARM_COLOURS[0], QUIET  # gut to mind, mind to gut, within a side
ITSELF, INPUTS, ERROR = "#93a1ad", ARM_COLOURS[2], "#dde2e6"
OF_GUT, OF_MIND = ("#d55e00", "#e69f00", "#8a6d00", "#f2b880"), ("#0072b2", "#56b4e9", "#332288", "#a3cbe8")
OF_NEITHER = ("#cc79a7", "#444444", "#882255")
HOURS = 4.0  # days up to which lags are told in hours
LONG = 32  # letters of a name in a figure
PROPER = frozenset(said.split()[0] for said in INDICES.values()) - {"Observed", "Rarefied", "Inverse"}
CHANCES = ((0.99, "almost certain"), (0.95, "very likely"), (0.8, "likely"), (0.65, "rather likely than not"))


@dataclass(frozen=True)
class Names:
    """What the parts of a model are called."""

    model: CouplingModel

    @cached_property
    def processes(self) -> tuple[str, ...]:
        """Names of processes as they are raw, in the order of the model."""
        return tuple(one.name for one in self.model.processes)

    @cached_property
    def side(self) -> dict[str, str]:
        """Return the side of each process: gut, mind or neither ("")."""
        return {one.name: one.side for one in self.model.processes}

    @cached_property
    def colour(self) -> dict[str, str]:
        """Colour of each process: orange and its kin for the gut, blue for the mind."""
        palettes = {"gut": OF_GUT, "mind": OF_MIND, "": OF_NEITHER}
        taken = dict.fromkeys(palettes, 0)
        made = {}
        for one in self.model.processes:
            palette = palettes[one.side]
            made[one.name] = palette[taken[one.side] % len(palette)]
            taken[one.side] += 1
        return made

    def way(self, by: str, to: str) -> str:
        """Return the colour of an effect by the sides that it joins."""
        return {("gut", "mind"): UP, ("mind", "gut"): DOWN}.get((self.side.get(by, ""), self.side.get(to, "")), WITHIN)

    def on(self, side: str) -> list[str]:
        """Return the processes of a side."""
        return [name for name in self.processes if self.side[name] == side]

    def parameter(self, name: str) -> str:
        """Return what a parameter is, beginning with a capital; a name that the model does not know as it stands."""
        found = self._parameters.get(name)
        return self._told(found) if found is not None else name

    @cached_property
    def _parameters(self) -> dict[str, Parameter]:
        return {one.name: one for one in self.model.parameters}

    def _told(self, one: Parameter) -> str:
        model, (row, *rest) = self.model, one.place
        column = rest[0] if rest else 0
        kind, joint, _ = one.kind.partition("_correlation")
        if one.kind in ("spread", "predictor", "spread_correlation"):
            own = model.moved_by_predictors if kind == "predictor" else model.random
            first = lower(self._told(model.own[own[row]]))
            if one.kind == "predictor":
                return f"{said(model.predictors[column])} moves: {first}"
            if one.kind == "spread":
                return f"Spread between people (SD): {first}"
            return f"Correlation between people: {first}, with {lower(self._told(model.own[own[column]]))}"
        if kind in ("mean", "error", "threshold", "loading"):
            seen = self.lower(model.indicators[row].name)
            return {
                "mean": f"Mean of {seen}", "error": f"Error of {seen} (SD)",
                "threshold": f"Threshold {column + 1} of {seen}",
                "loading": f"Loading of {seen} on {self.lower(self.processes[column % len(self.processes)])}",
            }[kind]  # fmt: skip
        to = self.lower(self.processes[row])
        if kind in ("drift", "noise", "initial_sd") and rest:
            by = self.lower(self.processes[column])
            if kind == "drift":
                return f"Return of {to} to its rest" if row == column else f"Effect of {by} on {to}"
            what = "random changes" if kind == "noise" else "first states"
            return f"Correlation of {what}: {to} with {by}" if joint else f"Random changes of {to} with {by}"
        if kind in ("impulse", "level"):
            given = self.lower((model.impulses if kind == "impulse" else model.levels)[column])
            return f"Effect of {given} on {to}" + (", as long as it lasts" if kind == "level" else "")
        return {
            "noise": f"Random changes of {to} (SD)", "intercept": f"Continuous intercept of {to}",
            "trend": f"Trend of {to}", "cosine": f"Day and night of {to}, cosine",
            "sine": f"Day and night of {to}, sine", "initial_mean": f"First state of {to}",
            "initial_sd": f"Spread of first states of {to} (SD)",
        }.get(kind, one.name)  # fmt: skip

    def sentence(self, text: str) -> str:
        """Return a sentence with the parameters, processes and inputs that it names raw in words."""
        listed = sorted(self._parameters, key=len, reverse=True)
        found = re.compile("|".join(re.escape(name) for name in listed if name in text) or r"(?!)")
        text = found.sub(lambda name: f"“{lower(self.parameter(name.group()))}”", text)
        parts = {
            *self.processes,
            *(one.name for one in self.model.indicators),
            *self.model.impulses,
            *self.model.levels,
        }
        listed = sorted(parts, key=len, reverse=True)
        found = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, listed))})(?![\w-])")
        text = found.sub(lambda name: self.lower(name.group()), text).replace(" -> ", " → ")
        return re.sub(r"(?<=\. )[a-z]", lambda letter: letter.group().upper(), sentence_said(text, {}))

    def lower(self, name: str) -> str:
        """Return a name as it stands within a sentence: genera and people keep their capital."""
        text = said(name)
        plain = name[:1].islower() and name.startswith(text.split()[0].lower())
        return lower(text) if plain else text


def said(name: str) -> str:
    """Return a process, indicator or input in words, beginning with a capital."""
    first, between, rest = name.partition(" with ")  # of an outcome that would be a pair; a process has one name
    return outcome_said(first) + between + rest


def brief(name: str, most: int = LONG) -> str:
    """Return a name in words that is short enough for a figure."""
    return shorten(said(name), most)


def person_said(name: object) -> str:
    """Return what a person is called in a figure."""
    text = str(name)
    return f"Person {text}" if text.isdigit() else first_capital(text)


def lower(text: str) -> str:
    """Return a sentence or name that begins small, unless it begins with letters that stand for something."""
    first = text.split(" ")[0]
    return text if first in PROPER or not first[1:].islower() else text[:1].lower() + text[1:]


def in_hours(lags: Sequence[float]) -> bool:
    """Say whether lags in days are better told in hours."""
    return max((float(lag) for lag in lags), default=0.0) <= HOURS


def lag_said(days: float | None) -> str:
    """Return a length of time in the unit that suits it."""
    if days is None or not isfinite(days):
        return "–"
    for most, length, unit in ((1 / 24, 1 / 1440, "minute"), (2, 1 / 24, "hour"), (60, 1, "day"), (np.inf, 7, "week")):
        if days < most:
            value = days / length
            text = number(value, 2) if value < 10 else f"{value:.0f}"
            return f"{text} {unit}" if text == "1" else f"{text} {unit}s"
    return "–"


def lag_brief(days: float) -> str:
    """Return a length of time for a place where there is little room."""
    text = lag_said(days)
    for unit, short in (("minutes", "min"), ("minute", "min"), ("hours", "h"), ("hour", "h")):
        if text.endswith(unit):
            return text.removesuffix(unit) + short
    return text


def half_life(rate: float) -> float:
    """Return the days after which half of a deviation is left, from a rate of return (negative, per day)."""
    return log(2) / -rate if rate < 0 else float("inf")


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign."""
    text = fixed(value, digits)
    return text if value <= 0 or not text.strip("0.") else f"+{text}"


def chance_said(probability: float) -> str:
    """Return a probability of a half or more in words and per cent."""
    word = next((word for bound, word in CHANCES if probability >= bound), "open")
    return f"{word} (probability {percent(probability)})"


def percent(share: float) -> str:
    """Return a share in per cent; what is neither nothing nor all is never told as such."""
    return "< 1 %" if share < 0.01 else "> 99 %" if share > 0.99 else f"{100 * share:.0f} %"
