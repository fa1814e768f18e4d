"""From what a user asked to a coupling model, each choice that he did not make said in a sentence."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.fit.coupling.from_study import Gathered
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.named_series import called, said

PEOPLE_FOR_LEVELS = 3  # below this, everybody's own mean is no distribution
PEOPLE_FOR_COUPLINGS, OCCASIONS_FOR_COUPLINGS = 8, 20
MOST_COUPLINGS = 2  # that vary by default: each further one multiplies the time of a fit
OCCASIONS_FOR_ERROR = 3
GROUPS = ("levels", "couplings", "none")


@dataclass(frozen=True)
class Wanted:
    """A process as it was asked for: its name, its side, and the names that show it."""

    name: str
    side: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Choices:
    """What a user may choose; the empty text leaves a choice to the data.

    Parameters
    ----------
    vary : "levels", "couplings", "none" or names of parameters, separated by commas
    error : False for no error of measurement
    initial : "free" or "stationary"
    trend, day_night : as in `CouplingModel`
    """

    vary: str = ""
    error: bool = True
    initial: str = ""
    trend: bool = False
    day_night: bool = False


@dataclass(frozen=True)
class Asked:
    """A model, and how it came about, in sentences."""

    model: CouplingModel
    said: tuple[str, ...]


def wanted(gut: str, mind: str, inputs: str = "") -> tuple[Wanted, ...]:
    """Return the processes that two lists ask for.

    Parameters
    ----------
    gut, mind : names separated by commas (or by semicolons, where a name holds a comma); "+" joins several indicators
        to one process, and `NAME = a + b` names it

    Raises
    ------
    InputError
        If nothing is asked, or a name stands twice.
    """
    made = [_wanted(text, side) for side, listed in (("gut", gut), ("mind", mind)) for text in listed_of(listed)]
    if not made:
        raise InputError("nothing is asked", mend='Name processes, as --gut "shannon" --mind "stress"')
    for names in ([one.name for one in made], [said(part) for one in made for part in one.parts]):
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"{twice!r} is asked for twice", mend="Name it once")
    if len(made) < 2 and not listed_of(inputs):
        mend = "Name a second process, or what moves it with --inputs"
        raise InputError(f"{made[0].name!r} alone has nothing to be coupled with", mend=mend)
    return tuple(made)


def listed_of(text: str) -> list[str]:
    """Return the names of a list; commas within brackets do not separate, and none do beside a semicolon."""
    parts = text.split(";") if ";" in text else re.split(r",(?![^\[]*\])(?![^(]*\))", text)
    return [name for part in parts if (name := part.strip().strip("'\"").strip())]


def _wanted(text: str, side: str) -> Wanted:
    name, equals, rest = text.partition("=")
    parts = tuple(part.strip() for part in (rest if equals else text).split("+"))
    if not all(parts) or (equals and not name.strip()):
        raise InputError(f"{text!r} lacks a name", mend="Write it like `mood = calm + cheerful`")
    shown = called(name) if equals else " + ".join(called(_plain(part)) for part in parts)
    return Wanted(shown, side, parts)


def _plain(part: str) -> str:
    """Return a name without the kind before its colon."""
    return part.partition(":")[2].strip() or part


def asked(gathered: Gathered, processes: tuple[Wanted, ...], choices: Choices | None = None) -> Asked:
    """Return the model.

    Parameters
    ----------
    gathered : its indicators are the parts of the processes, in their order

    Raises
    ------
    InputError
        For a parameter to vary that the model does not have, or a choice that the data cannot bear.
    """
    choices = choices or Choices()
    series = iter(gathered.indicators)
    told: list[str] = []
    indicators = []
    for process in processes:
        for place, _ in enumerate(process.parts):
            one = next(series)
            error = _error(gathered, one.name, one.kind, choices, told)
            loading = None if place else 1.0
            indicators.append(Indicator(one.name, {process.name: loading}, one.kind, one.categories, error))
        if len(process.parts) > 1:
            told.append(f"{process.name!r} is one process that {len(process.parts)} indicators show; "
                        "the loading of the first is 1, the others are estimated")  # fmt: skip
    initial = choices.initial or "stationary"
    people = gathered.table["person"].n_unique()
    if initial == "free" and people == 1:
        raise InputError("with one person, the spread of what people begin with cannot be told",
                         mend="Leave out --initial free")  # fmt: skip
    model = CouplingModel(
        tuple(Process(one.name, one.side) for one in processes), tuple(indicators), gathered.impulses, gathered.levels,
        gathered.predictors, initial=initial, trend=choices.trend, day_night=choices.day_night,
    )  # fmt: skip
    if not choices.initial:
        told.append("people are taken to be at rest around their own level when first seen (--initial free: not)")
    if not {"gut", "mind"} <= {one.side for one in processes}:
        told.append("all processes are of one side: no direction between gut and mind is asked, only who moves whom")
    varying = _varying(model, gathered, people, choices.vary, told)
    if gathered.predictors:
        moved = "the parameters that vary" if varying else "the means"
        told.append(f"{', '.join(gathered.predictors)} may move {moved}")
    return Asked(replace(model, varying=varying), tuple(told))


def _error(gathered: Gathered, name: str, kind: str, choices: Choices, told: list[str]) -> bool:
    """Say whether the error of an indicator is estimated."""
    if kind == "ordinal":
        return True
    what = "overdispersion of counts" if kind == "count" else "error of measurement"
    if not choices.error:
        told.append(f"{name!r} is taken to have no {what} beyond what is known, as was asked")
        return False
    counts = gathered.table.group_by("person").agg(pl.col(name).count())[name]
    usual = float(np.median(counts.filter(counts > 0)))
    if usual < OCCASIONS_FOR_ERROR:
        told.append(f"{name!r} was seen {usual:g} times in the usual person, too few to tell its {what}: none is "
                    "assumed, so that errors count as change")  # fmt: skip
        return False
    return True


def cross_effects(model: CouplingModel) -> tuple[str, ...]:
    """Return the names of the effects between gut and mind; of all effects between processes, if one side is empty."""
    sides = {one.name: one.side for one in model.processes}
    both = {"gut", "mind"} <= set(sides.values())
    return tuple(f"drift[{to}, {by}]" for to in sides for by in sides
                 if to != by and (not both or sides[to] != sides[by]))  # fmt: skip


def _varying(model: CouplingModel, gathered: Gathered, people: int, vary: str, told: list[str]) -> tuple[str, ...]:
    """Return the names of the parameters that vary between people."""
    levels = tuple(f"mean[{one.name}]" for one in model.indicators)
    couplings = cross_effects(model)
    if vary:
        chosen = _named(model, vary, levels, couplings, people)
        told.append(f"{len(chosen) or 'no'} parameters vary between people, as was asked")
        return chosen
    if people < PEOPLE_FOR_LEVELS:
        told.append("one person: nothing varies between people" if people == 1 else
                    "two people are too few to tell how people differ: both share all parameters, levels too; "
                    "take one at a time with --person where their levels differ")  # fmt: skip
        return ()
    seen = [one.name for one in gathered.indicators]
    rows = gathered.table.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in seen))
    many = int((rows.group_by("person").len()["len"] >= OCCASIONS_FOR_COUPLINGS).sum())
    if many < PEOPLE_FOR_COUPLINGS:
        told.append(
            f"people differ in their level of each indicator; whether couplings differ cannot be told: {many} people "
            f"have {OCCASIONS_FOR_COUPLINGS} occasions or more, and {PEOPLE_FOR_COUPLINGS} must"
        )
        return levels
    if len(couplings) > MOST_COUPLINGS:
        told.append(
            f"people differ in their level of each indicator; the {len(couplings)} couplings are the same for all, as "
            "each that varies makes the fit many times longer (--vary names those that should)"
        )
        return levels
    told.append(f"people differ in their level of each indicator and in their couplings: {many} of them have "
                f"{OCCASIONS_FOR_COUPLINGS} occasions or more")  # fmt: skip
    return (*levels, *couplings)


def _named(
    model: CouplingModel, vary: str, levels: tuple[str, ...], couplings: tuple[str, ...], people: int
) -> tuple[str, ...]:
    """Return what a list of groups and names of parameters means."""
    known = {said(one.name): one.name for one in model.own}
    chosen: list[str] = []
    for text in listed_of(vary):
        if said(text) in GROUPS:
            chosen += {"levels": levels, "couplings": couplings, "none": ()}[said(text)]
        elif said(text) in known:
            chosen.append(known[said(text)])
        else:
            near = difflib.get_close_matches(said(text), known, 3, 0.4)
            names = [known[one] for one in near] or [*GROUPS, *levels[:2]]
            raise InputError(f"--vary: there is no parameter {text!r}", mend=f"Near are {', '.join(names)}")
    if chosen and people < 2:
        raise InputError("--vary: with one person nothing can vary between people", mend="Leave it out")
    return tuple(dict.fromkeys(chosen))
