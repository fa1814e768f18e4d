"""What a printed model holds, as rows of text: the same for LaTeX and HTML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gutbrain.evidence.claims import UNSOURCED, cite, claims
from gutbrain.model.compartment import Input, Param, State
from gutbrain.model.spread import LogNormal, Normal, Size, Spread
from gutbrain.model.symbols import equations
from gutbrain.show.listing import number

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis
    from gutbrain.model.printed import EquationText
    from gutbrain.plan import Plan
    from gutbrain.protocols.protocol import Act

# Strongest first; "structure" is true by definition and weakens nothing.
GRADES = {
    "structure": "true by definition",
    "measured": "measured",
    "published-model": "from a published model",
    "derived": "derived from published figures",
    "fitted": "fitted to published results",
    "recalled": "recalled, not yet checked against its source",
    "assumed": "assumed",
}
KINDS = {
    "rate": "Rates", "balance": "Balances", "output": "Signals given", "term": "Terms", "noise": "Noise",
    "events": "Events",
}  # fmt: skip
STATES = ("state", "unit", "start", "bounds", "what it is")
INPUTS = ("input", "signal", "given by", "unit", "rest", "what it is")
PARAMETERS = ("parameter", "value", "unit", "belief", "between people", "certainty", "source", "what it is")
WIRES = ("signal", "listener", "sign", "certainty", "source", "note")
LEVERS = ("lever", "unit", "rest", "range", "moves", "what it is")
ACTS = ("arm", "lever", "dose", "from day", "to day", "course", "certainty", "source")
VECTORS = ("parameter", "entry", "value")
LISTED = 12  # rows that are named; more are counted
SPREADS = (
    "Belief is what nobody knows: one draw a simulated world. Between people is how people differ: one draw a person. "
    "×/÷ 1.2: log-normal, one standard deviation is a factor of 1.2. ± 0.1: normal, one standard deviation is 0.1. "
    "0 to 1: anything between alike. Closed: of unknown strength, held at the value until somebody opens it. "
    "1 to 3 (9): nine entries, from 1 to 3; each stands at the end."
)


@dataclass(frozen=True)
class Rows:
    """One table: a caption, heads and rows of text, and the lowest certainty among its rows in words."""

    caption: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    certainty: str = ""


@dataclass(frozen=True)
class Part:
    """One compartment: its sentence, tables and equations by kind."""

    name: str
    title: str
    about: str
    tables: tuple[Rows, ...]
    equations: tuple[tuple[str, tuple[EquationText, ...]], ...]


@dataclass(frozen=True)
class Content:
    """Everything that a printed model says, in order."""

    title: str
    opening: tuple[str, ...]
    parts: tuple[Part, ...]
    tables: tuple[Rows, ...]
    references: tuple[tuple[str, str], ...]


def content(axis: Axis, title: str, plan: Plan | None = None) -> Content:
    """Gather a printed model.

    Parameters
    ----------
    title : heading of the document
    plan : plan of a run, whose acts are listed as well
    """
    printed = equations(axis)
    acts = [] if plan is None else acts_of(plan)
    tables = [_wires(axis), _levers(axis), *_vectors(axis)]
    if acts:
        tables.insert(0, _acts(axis, acts))
    keys = {key for param in axis.parameters.values() for key in param.source.split()}
    keys |= {key for row in _claims(axis) for key in row["source"].split()}
    keys |= {key for _, act in acts for key in act.source.split()}
    references = tuple((key, cite(key)[0]) for key in sorted(keys - {UNSOURCED}, key=str.casefold))
    parts = tuple(_part(axis, part.name, printed) for part in axis.compartments)
    return Content(title, _opening(axis, plan), parts, tuple(tables), references)


def _opening(axis: Axis, plan: Plan | None) -> tuple[str, ...]:
    count, without = len(axis.parameters), sum(p.source == UNSOURCED for p in axis.parameters.values())
    wires = _claims(axis)
    assumed = sum(row["grade"] == "assumed" for row in wires)
    noise = "" if plan is None or plan.noise else " The run left the random parts (noise and events) out."
    cut = f" Cut in this axis: {'; '.join(sorted(f'{a} -> {b}' for a, b in axis.cut))}." if axis.cut else ""
    return (
        f"All equations, parameters and wires of the axis '{axis.name}', printed from the "
        f"code that runs: {len(axis.rows)} states in {len(axis.compartments)} compartments, {count} parameters, "
        f"{len(wires)} wires.{cut}",
        f"Certainty: {without} of the {count} parameters have no source, and {assumed} of the {len(wires)} wires are "
        "only assumed; every row below says so where it is the case. What rests on them is a working hypothesis of the "
        "model, not a finding about people. No medical advice.",
        "Symbols are the names in the code. Equations hold in day, mmol, gram, litre and mmHg, whatever unit a value "
        "is declared in; values are those of the reference person. A symbol of another compartment carries that "
        "compartment as its index." + noise,
    )


def _part(axis: Axis, name: str, printed: Sequence[EquationText]) -> Part:
    part = axis.part(name)
    tables = []
    states = tuple(
        (key, unit(s.unit), f"own: {s.start}" if isinstance(s.start, str) else number(s.start),
         f"{number(s.low)} to {number(s.high)}", s.about)
        for key, s in part.members(State).items()
    )  # fmt: skip
    if states:
        tables.append(Rows("States", STATES, states))
    inputs = []
    for key, field in part.members(Input).items():
        wire = axis.wires[name, key]
        giver = "cut: rests" if wire.cut else wire.giver or "nobody: rests, or a lever"
        rest = f"own: {field.rest}" if isinstance(field.rest, str) else number(field.rest)
        inputs.append((key, field.signal, giver, unit(field.unit), rest, field.about))
    if inputs:
        tables.append(Rows("Inputs", INPUTS, tuple(inputs)))
    own = part.members(Param)
    if own:
        rows = tuple((key, *parameter_row(p)) for key, p in own.items())
        tables.append(Rows("Parameters", PARAMETERS, rows, lowest([p.grade for p in own.values()])))
    by_kind = ((KINDS[kind], tuple(text for text in printed if text.compartment == name and text.kind == kind))
               for kind in KINDS)  # fmt: skip
    about = " ".join((type(part).__doc__ or "").split())
    return Part(name, type(part).__name__, about, tuple(tables), tuple(pair for pair in by_kind if pair[1]))


def parameter_row(param: Param) -> tuple[str, ...]:
    """Return value, unit, belief, between, certainty, source and meaning of a parameter, in words."""
    belief = spread(param.belief) + (" (closed)" if param.closed else "")
    settled = f"; each person's own daily mean of {param.settled}, found before day 0" if param.settled else ""
    words = in_words(param.grade, param.source)
    return (number(param.value), unit(param.unit), belief, spread(param.between), words, source(param.source),
            param.about + settled)  # fmt: skip


def in_words(grade: str, keys: str) -> str:
    """Return a grade in words; what no source supports says so."""
    base, _, where = grade.partition(" ")
    words = GRADES[base] + (f" {where}" if where else "")
    if keys not in (UNSOURCED, "") or base == "structure":
        return words
    return "assumed: no source" if base == UNSOURCED else f"{base.replace('-', ' ')}: no source named"


def source(keys: str) -> str:
    """Return citation keys as a list, or that there is no source."""
    return ", ".join("no source" if key == UNSOURCED else key for key in keys.split())


def lowest(grades: Sequence[str]) -> str:
    """Return the lowest certainty among grades in words, with how many have it; nothing for none."""
    if not grades:
        return ""
    order = list(GRADES)
    places = [order.index(grade.partition(" ")[0]) for grade in grades]
    worst = max(places)
    return f"Lowest certainty in this table: {GRADES[order[worst]]} ({places.count(worst)} of {len(places)} rows)."


def spread(found: Spread | None) -> str:
    """Return a spread in a few signs; see `SPREADS`."""
    if found is None:
        return ""
    if isinstance(found, LogNormal):
        sizes: Size = tuple(np.exp(found.log_sd)) if isinstance(found.log_sd, tuple) else float(np.exp(found.log_sd))
        words = f"×/÷ {_size(sizes)}"
    elif isinstance(found, Normal):
        words = f"± {_size(found.sd)}"
    else:
        return f"{_size(found.low)} to {_size(found.high)}"
    ends = [f"{word} {_size(end)}" for word, end in (("from", found.low), ("up to", found.high)) if end is not None]
    return ", ".join([words, *ends])


def _size(size: Size | None) -> str:
    return number(size).partition(" (")[0]


def unit(text: str) -> str:
    """Return a unit as a reader writes it; a pure number has none."""
    for ours, theirs in (("**", "^"), ("*", " "), ("gram", "g")):
        text = text.replace(ours, theirs)
    words = ["µ" + word[1:] if word in ("um", "ug", "umol") else word for word in text.split("/")]
    return "" if text == "1" else "/".join(words)


def _claims(axis: Axis) -> list[dict[str, Any]]:
    known = {(row["signal"], row["listener"]): row for row in claims().iter_rows(named=True)}
    none = {"sign": "?", "grade": "assumed", "source": UNSOURCED, "note": "no claim is written for this wire"}
    pairs = dict.fromkeys((wire.signal, wire.listener, wire.cut) for wire in axis.edges)
    return [
        {"signal": s, "listener": to, "cut": cut, **{key: known.get((s, to), none)[key] or "" for key in none}}
        for s, to, cut in pairs
    ]  # fmt: skip


def _wires(axis: Axis) -> Rows:
    found = _claims(axis)
    rows = tuple(
        (row["signal"], row["listener"], row["sign"], in_words(row["grade"], row["source"]), source(row["source"]),
         ("cut in this axis; " if row["cut"] else "") + row["note"])
        for row in found
    )  # fmt: skip
    caption = "Wires: who hears what. Sign: what the listener does when there is more of the signal; ? unresolved"
    return Rows(caption, WIRES, rows, lowest([row["grade"] for row in found]))


def _levers(axis: Axis) -> Rows:
    rows = []
    for lever in axis.levers.values():
        rest = f"own: {lever.rest}" if isinstance(lever.rest, str) else number(lever.rest)
        ends = (f"from {number(lever.low)}" if lever.low is not None else "",
                f"to {number(lever.high)}" if lever.high is not None else "")  # fmt: skip
        name = lever.signal + (f" (for each of {len(lever.over)})" if lever.over else "")
        rows.append((name, unit(lever.unit), rest, " ".join(filter(None, ends)), ", ".join(lever.listeners),
                     lever.about))  # fmt: skip
    return Rows("Levers: inputs that nobody gives, and that protocols move", LEVERS, tuple(rows))


def _vectors(axis: Axis) -> list[Rows]:
    rows = [(name, *pair) for name, param in axis.parameters.items() if np.ndim(param.value)
            for pair in entries(axis, name, param)]  # fmt: skip
    grades = [p.grade for p in axis.parameters.values() if np.ndim(p.value)]
    return [Rows("Parameters with entries, value by value", VECTORS, tuple(rows), lowest(grades))] if rows else []


def alike(text: EquationText) -> str:
    """Return for which rows an equation stands, in words; nothing for a single one."""
    named = [row.replace("_", " ") for row in text.rows]
    if len(named) < 2:
        return ""
    return f"Alike for {', '.join(named)}." if len(named) < LISTED else f"Alike for {len(named)} entries."


def entries(axis: Axis, name: str, param: Param) -> list[tuple[str, str]]:
    """Return the entries of a vector parameter as (labels, value); zeros of a matrix are left out."""
    axes = [type(axis.part(name.partition(".")[0])).axes[over] for over in param.axes]
    values = axis.value_array(name, param.value)[..., 0]
    return [
        (", ".join(labels[i].replace("_", " ") for labels, i in zip(axes, place, strict=True)), f"{values[place]:.6g}")
        for place in np.ndindex(*values.shape) if values.ndim == 1 or values[place]
    ]  # fmt: skip


def acts_of(plan: Plan) -> list[tuple[str, Act]]:
    """Return every act of a plan with the name of its arm."""
    trial = plan.trial()
    return [("everyone" if number is None else trial.arms[number].name, act) for number, act in trial.acts]


def _acts(axis: Axis, acts: Sequence[tuple[str, Act]]) -> Rows:
    rows = []
    for arm, act in acts:
        lever = axis.levers[act.lever.partition("[")[0]]
        dose = f"{act.dose:+.4g}" + (" of own rest" if act.relative else f" {unit(lever.unit)}".rstrip())
        course = "constant" if act.shape is None else json.dumps(vars(act.shape), sort_keys=True)
        course = course if act.shape is None else f"{type(act.shape).__name__.lower()} {course[1:-1]}".replace('"', "")
        kept = f"; {act.kept_mean:.0%} kept on average" if act.kept_mean != 1 else ""
        end = "" if np.isinf(act.end) else f"{act.end:g}"
        rows.append((arm, act.lever, dose, f"{act.start:g}", end, course + kept, in_words(act.grade, act.source),
                     source(act.source)))  # fmt: skip
    caption = "Acts of the run: doses are offsets from rest"
    return Rows(caption, ACTS, tuple(rows), lowest([act.grade for _, act in acts]))
