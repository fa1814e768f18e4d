"""The questionnaires that can be scored: their keys, ranges, bands and licences, read from `forms.toml`."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from gutbrain.errors import InputError


@dataclass(frozen=True)
class Band:
    """One severity band; it begins at `start`, or above it where `above` is true."""

    label: str
    start: float
    above: bool = False

    def holds(self, score: float) -> bool:
        """Return whether a score reaches this band."""
        return score > self.start if self.above else score >= self.start


@dataclass(frozen=True)
class Scale:
    """One score of a questionnaire.

    Attributes
    ----------
    name : such as `total`
    items : item names
    rule : `sum`, `mean`, `table` (raw sum to T) or `psqi`
    factor : the sum is multiplied by it
    low, high : the smallest and largest score that the form allows
    bands : from the lowest up; empty without cut-offs
    table : T of each raw sum, from the smallest up; empty where no table is known
    may_miss : largest share of missing items that prorating may bridge; 0 where no rule is known
    grade : of the key
    """

    name: str
    items: tuple[str, ...]
    rule: str
    factor: float
    low: float
    high: float
    bands: tuple[Band, ...]
    table: tuple[float, ...]
    may_miss: float
    grade: str

    def band(self, score: float) -> str | None:
        """Return the label of the band that a score lies in, or None without bands."""
        reached = [band.label for band in self.bands if band.holds(score)]
        return reached[-1] if reached else None


@dataclass(frozen=True)
class Questionnaire:
    """A questionnaire as it is scored.

    Attributes
    ----------
    name, title, version : name here, full name, version of the scoring rule
    items : item names as the form prints them (FFMQ-15: numbers of the 39-item form)
    ranges : smallest and largest answer of each item
    fractions : items that take numbers between whole ones
    reverse : items that are mirrored before scoring
    multiply : factor of single items
    scales : scores, by name
    recall, higher : recall period; what a higher score means
    source, grade, licence : citation keys, grade of the rule, and what may be shipped
    choices : what has to be decided before scoring; `choice` is what was decided
    refused : choices that are refused, and why
    coding_required : whether the answer codes have to be declared
    mapping_column : column that names the item of the long form
    safety_item : item whose every answer above 0 is told to the study team
    inside : items of longer forms that hold this one, by form
    """

    name: str
    title: str
    version: str
    items: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]
    fractions: frozenset[str]
    reverse: frozenset[str]
    multiply: Mapping[str, float]
    scales: Mapping[str, Scale]
    recall: str
    higher: str
    source: str
    grade: str
    licence: str
    optional_items: tuple[str, ...] = ()
    ask: str = ""
    choices: tuple[str, ...] = ()
    choice: str | None = None
    default_choice: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    range_hint: str = ""
    coding_required: bool = False
    mapping_column: str | None = None
    safety_item: str | None = None
    inside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def range(self, item: str) -> tuple[float, float]:
        """Return the smallest and largest answer of an item."""
        return self.ranges[item]

    def decide(self, choice: str | None) -> Questionnaire:
        """Return the questionnaire with what had to be decided.

        Parameters
        ----------
        choice : one of `choices`; None where nothing has to be decided, or for the default

        Raises
        ------
        InputError : a decision is lacking, unknown or refused
        """
        if choice is None:
            choice = self.default_choice
        if choice is None:
            if self.choices and self.choice is None:
                raise InputError(f"{self.name}: decide {self.ask}", mend=f"Give choice={self._listed()}.")
            return self
        if choice in self.refused:
            raise InputError(f"{self.name}: {choice!r} is refused", mend=f"{self.refused[choice]}.")
        if choice not in self.choices:
            mend = f"Give choice={self._listed()}." if self.choices else "Leave `choice` out."
            raise InputError(f"{self.name}: {choice!r} is no choice of this form", mend=mend)
        return _decided(self.name, choice)

    def _listed(self) -> str:
        return " or ".join(repr(name) for name in self.choices)


@cache
def questionnaires() -> dict[str, Questionnaire]:
    """Return every questionnaire by name; what has to be decided is still open."""
    return {name: _build(name, raw) for name, raw in _raw().items()}


def find(name: str) -> Questionnaire:
    """Return one questionnaire; case, blanks and hyphens of its name do not matter.

    Raises
    ------
    InputError : there is none of this name
    """
    known = {plain(form): form for form in questionnaires()}
    if plain(name) in known:
        return questionnaires()[known[plain(name)]]
    for other, reason in _file()["not_known"].items():
        if plain(other) == plain(name):
            raise InputError(f"{name!r} cannot be scored", mend=f"{reason}.")
    near = get_close_matches(plain(name), list(known), n=1, cutoff=0.4)
    guess = f"; did you mean {known[near[0]]!r}?" if near else ""
    raise InputError(f"no questionnaire {name!r}{guess}", mend=f"Use one of: {', '.join(known.values())}.")


def plain(name: str) -> str:
    """Return a name without case, blanks and hyphens."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((files("gutbrain.observe") / "forms.toml").read_text(encoding="utf-8"))


def _raw() -> dict[str, dict[str, Any]]:
    return {name: raw for name, raw in _file().items() if name != "not_known"}


@cache
def _decided(name: str, choice: str) -> Questionnaire:
    raw = _raw()[name]
    return _build(name, _merge(raw, raw["choices"][choice]), choice)


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        merged[key] = _merge(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


def _build(name: str, raw: dict[str, Any], choice: str | None = None) -> Questionnaire:
    items = raw["items"]
    items = tuple(str(item) for item in (range(1, items + 1) if isinstance(items, int) else items))
    optional = tuple(raw.get("optional_items", ()))
    low, high = raw["answers"]
    own = {item: tuple(pair) for item, pair in raw.get("own_ranges", {}).items()}
    ranges = {item: own.get(item, (low, high)) for item in (*items, *optional)}
    multiply = raw.get("multiply", {})
    facets = {key: tuple(map(str, scale["items"])) for key, scale in raw["scales"].items() if "items" in scale}
    scales = {}
    for key, scale in raw["scales"].items():
        held = tuple(item for facet in scale.get("of", ()) for item in facets[facet]) or facets.get(key, items)
        scales[key] = _scale(key, scale, held, ranges, multiply, raw)
    texts = ("title", "version", "recall", "higher", "source", "grade", "licence")
    plain = ("ask", "default_choice", "refused", "range_hint", "coding_required", "mapping_column")
    return Questionnaire(
        name=name, items=items, ranges=ranges, optional_items=optional, multiply=multiply, scales=scales,
        fractions=frozenset(raw.get("fractions", ())), reverse=frozenset(map(str, raw.get("reverse", ()))),
        choices=tuple(raw.get("choices", {})), choice=choice,
        safety_item=str(raw["safety_item"]) if "safety_item" in raw else None,
        inside={long: {k: str(v) for k, v in pairs.items()} for long, pairs in raw.get("inside", {}).items()},
        **{key: raw[key] for key in texts}, **{key: raw[key] for key in plain if key in raw},
    )  # fmt: skip


def _scale(
    name: str, scale: dict[str, Any], items: tuple[str, ...], ranges: Mapping[str, tuple[float, float]],
    multiply: Mapping[str, float], raw: dict[str, Any],
) -> Scale:  # fmt: skip
    rule, factor = scale.get("rule", "psqi" if "range" in scale else "sum"), scale.get("factor", 1)
    ends = [[end * multiply.get(item, 1) for end in ranges[item]] for item in items]
    low, high = (factor * sum(pair[side] for pair in ends) for side in (0, 1))
    if rule == "mean":
        low, high = low / len(items), high / len(items)
    table = tuple(scale.get("table", ()))
    if rule == "table":
        low, high = (table[0], table[-1]) if table else (math.nan, math.nan)
    low, high = scale.get("range", (low, high))
    note = f" ({scale['bands_note']})" if "bands_note" in scale else ""
    bands = tuple(Band(label + note, start, bool(how)) for label, start, *how in scale.get("bands", ()))
    return Scale(name, items, rule, factor, low, high, bands, table, scale.get("may_miss", 0),
                 scale.get("grade", raw["grade"]))  # fmt: skip
