"""The model in words: what `gutbrain show` prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gutbrain.errors import InputError
from gutbrain.model.compartment import Input, Output, Param, State
from gutbrain.model.spread import Spread

if TYPE_CHECKING:
    from gutbrain.model.axis import Axis

Rows = tuple[Sequence[tuple[str, ...]], tuple[str, ...]]


def columns(rows: Sequence[tuple[str, ...]], head: tuple[str, ...]) -> str:
    """Lay out rows of text in columns."""
    table = [head, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def listing(axis: Axis, what: str, pattern: str = "") -> str:
    """Return one view of an axis as text; `pattern` keeps the lines whose name holds it.

    Raises
    ------
    InputError
        If nothing has the pattern in its name.
    """
    if what == "equations":
        return _equations(axis, pattern)
    if what == "graph":
        from gutbrain.evidence.claims import claims
        from gutbrain.show.graph import signal_graph

        grades = {f"{row['signal']} -> {row['listener']}": row["grade"] for row in claims().iter_rows(named=True)}
        return signal_graph(axis, grades=grades)
    views: dict[str, Callable[[Axis], Rows]] = {
        "compartments": _compartments, "states": _states, "signals": _signals, "parameters": _parameters,
        "levers": _levers, "edges": _edges, "acts": lambda _: _acts(),
        "measures": lambda _: _measures(),
    }  # fmt: skip
    rows, head = views[what](axis)
    kept = [row for row in rows if pattern in row[0]]
    if not kept:
        raise InputError(f"no {what} with {pattern!r} in the name")
    return columns(kept, head)


def _compartments(axis: Axis) -> Rows:
    rows = [
        (p.name, str(len(p.members(State))), str(len(p.members(Input))), str(len(p.members(Output))),
         str(len(p.members(Param))), (type(p).__doc__ or "").strip().split("\n")[0])
        for p in axis.compartments
    ]  # fmt: skip
    return rows, ("compartment", "states", "inputs", "outputs", "parameters", "what it is")


def _states(axis: Axis) -> Rows:
    rows = []
    for (name, key), place in axis.slices.items():
        state = axis.state(name, key)
        start = state.start if isinstance(state.start, str) else number(state.start)
        rows.append(
            (
                state.signal,
                state.unit,
                start,
                f"{number(state.low)} to {number(state.high)}",
                str(place.stop - place.start),
                state.about,
            )
        )
    return rows, ("state", "unit", "start", "bounds", "rows", "about")


def _signals(axis: Axis) -> Rows:
    rows = []
    for signal, giver in axis.givers.items():
        listeners = [wire.listener for wire in axis.edges if wire.signal == signal]
        rows.append(
            (signal, giver.unit, giver.compartment, ", ".join(listeners) or "read-out", giver.about.split("\n")[0])
        )
    return rows, ("signal", "unit", "giver", "listeners", "about")


def _parameters(axis: Axis) -> Rows:
    rows = []
    for name, p in axis.parameters.items():
        spreads = (spread_words(p.belief) + (" (closed)" if p.closed else ""), spread_words(p.between))
        source = "no source" if p.source == "assumed" else p.source
        rows.append((name, number(p.value), p.unit, *spreads, p.grade, source, p.about))
    return rows, ("parameter", "value", "unit", "belief", "between people", "grade", "source", "about")


def _levers(axis: Axis) -> Rows:
    rows = []
    for lever in axis.levers.values():
        names = [f"{lever.signal}[{label}]" for label in lever.over] if lever.over else [lever.signal]
        rest = f"own ({lever.rest})" if isinstance(lever.rest, str) else number(lever.rest)
        span = "" if lever.low is None and lever.high is None else f"{number(lever.low)} to {number(lever.high)}"
        rows += [(name, lever.unit, rest, span, ", ".join(lever.listeners), lever.about) for name in names]
    return rows, ("lever", "unit", "rest", "range", "listeners", "about")


def _edges(axis: Axis) -> Rows:
    from gutbrain.evidence.claims import claims

    known = {(row["signal"], row["listener"]): row for row in claims().iter_rows(named=True)}
    rows = []
    for wire in axis.edges:
        claim: dict[str, Any] = known.get((wire.signal, wire.listener), {})
        rows.append(
            (
                str(wire),
                *(str(claim.get(key) or "") for key in ("direction", "sign", "at_rest", "grade", "strength_parameter")),
            )
        )
    return rows, ("edge", "direction", "sign", "at rest", "grade", "strength")


def _acts() -> Rows:
    import inspect

    from gutbrain.plan import READY

    rows = []
    for name, function in sorted(READY.items()):
        given = ", ".join(f"{p.name}={p.default}" for p in inspect.signature(function).parameters.values())
        rows.append((name, given, (function.__doc__ or "").strip().split("\n")[0]))
    return rows, ("act", "arguments", "what it is")


def _measures() -> Rows:
    from gutbrain.observe.instruments import measure_rows

    return measure_rows()


def _equations(axis: Axis, pattern: str) -> str:
    from gutbrain.model.symbols import equations

    lines: list[str] = []
    place = ""
    for equation in equations(axis):
        if pattern not in equation.compartment and pattern not in equation.name:
            continue
        if equation.compartment != place:
            place = equation.compartment
            lines += ["", f"## {place}", ""]
        lines += [f"{equation.about}  [{equation.unit}]", f"$${equation.left} = {equation.latex}$$", ""]
    if not lines:
        raise InputError(f"no equations with {pattern!r} in compartment or name")
    return "\n".join(lines).lstrip("\n")


def spread_words(spread: Spread | None) -> str:
    """Return a spread in a few characters."""
    if spread is None:
        return "-"
    kind = type(spread).__name__
    sizes = {"LogNormal": "log_sd", "Normal": "sd"}
    inner = (
        f"{sizes[kind]} {number(getattr(spread, sizes[kind]))}"
        if kind in sizes
        else f"{number(spread.low)} to {number(spread.high)}"
    )
    cut = ""
    if kind in sizes and (spread.low is not None or spread.high is not None):
        cut = f", cut {number(spread.low)}..{number(spread.high)}"
    return f"{kind} {inner}{cut}"


def number(value: Any) -> str:
    """Return a number, or a vector by its range."""
    if value is None:
        return ""
    array = np.asarray(value, float)
    if array.ndim == 0 or np.ptp(array) == 0:
        return f"{float(array.ravel()[0]):.4g}"
    return f"{array.min():.4g} to {array.max():.4g} ({' x '.join(map(str, array.shape))})"
