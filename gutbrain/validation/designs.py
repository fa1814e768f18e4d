"""Designs of the virtual trials, read from `trials.toml`: one a finding, and what is read in them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from gutbrain.errors import InputError
from gutbrain.validation.arms import arms

ESTIMATES = ("SMD", "change SMD", "ratio", "per cent", "correlation", "share", "days")
SAME_PEOPLE = ("itself", "rest")
SPECIAL = ("practice", "drop-out")  # read off the practice of an arm, not off one signal
FILE = "trials.toml"


@dataclass(frozen=True)
class Outcome:
    """What an instrument reads in a virtual trial.

    Parameters
    ----------
    signal : of the axis
    window : days before the visit whose mean is read
    measure : ready-made instrument whose noise, trait and sampling hold here
    reliability : of a questionnaire, in place of an instrument
    noise : standard deviation of one reading, in place of an instrument
    log : whether errors multiply; then the logarithm is analysed, unless `raw`
    benefit : sign of a benefit
    heart : quantity of the closed form of the heart, read from vagal tone
    paced : six breaths a minute against fifteen, at the same moment
    note : where it stands for something else
    """

    name: str
    signal: str
    window: int = 1
    measure: str = ""
    reliability: float | None = None
    noise: float | None = None
    log: bool = False
    raw: bool = False
    benefit: int = -1
    heart: str = ""
    paced: bool = False
    note: str = ""


@dataclass(frozen=True)
class Design:
    """The virtual trial of one finding; fields as `trials.toml` explains them."""

    finding: str
    arm: str
    against: tuple[str, ...]
    outcome: tuple[str, ...]
    day: int = 0
    hours: tuple[float, float] | None = None
    estimate: str = "SMD"
    people: int | None = None
    trials: int = 1
    peak: bool = False
    sign: int = 1
    note: str = ""

    @property
    def paired(self) -> bool:
        """Whether the same people are compared with themselves."""
        return self.against[0] in SAME_PEOPLE


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("gutbrain.validation").joinpath(FILE).read_text(encoding="utf-8"))


@cache
def outcomes() -> dict[str, Outcome]:
    """Return the outcomes by name."""
    return {name: Outcome(name, **fields) for name, fields in _file()["outcome"].items()}


@cache
def designs() -> dict[str, Design]:
    """Return the designs by the finding they stand for.

    Raises
    ------
    InputError
        For a design whose arm, comparator, outcome or moment does not exist, naming the finding.
    """
    return {finding: _design(finding, dict(fields)) for finding, fields in _file()["trial"].items()}


def _design(finding: str, fields: dict[str, Any]) -> Design:
    for key in ("against", "outcome", "hours"):
        if key in fields:
            fields[key] = tuple(fields[key])
    found = Design(finding, **fields)
    known = arms()
    for arm in (found.arm, *found.against):
        if arm not in known and arm not in SAME_PEOPLE:
            raise InputError(f"no arm {arm!r}", file=FILE, row=finding, mend=f"Use one of {', '.join(known)}")
    for name in found.outcome:
        if name not in outcomes() and name not in SPECIAL:
            raise InputError(f"no outcome {name!r}", file=FILE, row=finding, mend="Write it under [outcome]")
    if found.estimate not in ESTIMATES:
        raise InputError(f"no estimate {found.estimate!r}", file=FILE, row=finding, mend=f"Use {', '.join(ESTIMATES)}")
    if known[found.arm].acute is (found.hours is None) or found.day >= known[found.arm].days:
        raise InputError("the reading lies outside the run of its arm", file=FILE, row=finding, field="day")
    return found


def shared_arms(chosen: Mapping[str, Design]) -> dict[str, int]:
    """Return the arms that designs need, in the order of `arms`, with the days that are read of each."""
    wanted: dict[str, int] = {}
    for design in chosen.values():
        rest = "none" if design.hours is None else "laboratory"
        for name in (design.arm, *design.against):
            arm = {"itself": design.arm, "rest": rest}.get(name, name)
            days = arms()[arm].days if design.hours is not None else max(design.day, _least(design)) + 1
            wanted[arm] = max(wanted.get(arm, 0), days)
    return {arm: wanted[arm] for arm in arms() if arm in wanted}


def _least(design: Design) -> int:
    """Return the last day that an estimate reads beside the day of its design."""
    return arms()[design.arm].days - 1 if design.estimate == "days" else 0


def signals(chosen: dict[str, Design], *, acute: bool) -> tuple[str, ...]:
    """Return the signals that the daily or the acute designs read."""
    named = [name for design in chosen.values() if (design.hours is not None) is acute for name in design.outcome]
    read = [outcomes()[name].signal for name in named if name not in SPECIAL]
    if any(name in SPECIAL for name in named):
        read.append("mind.practice_minutes")
    if "practice" in named:
        read.append("mind.negative_affect")
    return tuple(dict.fromkeys(read))
