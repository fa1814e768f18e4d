"""The mark of a test that holds a published curve, table or effect: what, whose, how closely, with what right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from benchmarks.figures import row

STATUSES = ("fitted", "predicted", "by construction")


@dataclass(frozen=True)
class Held:
    """One published thing that a test is held to.

    Attributes
    ----------
    what : the curve, table or effect, with its figure
    source : citation keys
    tolerance : what counts as met
    status : `fitted` (parameters were chosen with it in view), `predicted`, or `by construction` (never a success)
    """

    what: str
    source: str
    tolerance: str
    status: str


def held(*what: str, source: str = "", tolerance: str = "", status: str = "") -> pytest.MarkDecorator:
    """Mark a test: by the rows of `benchmarks.figures` that it reads, or, without a row, by everything said here."""
    if not source:
        return pytest.mark.held(*what)
    if status not in STATUSES or not tolerance:
        raise ValueError(f"{what}: a status of {', '.join(STATUSES)} and a tolerance are needed, not {status!r}")
    return pytest.mark.held(*(Held(one, source, tolerance, status) for one in what))


def held_by(module: ModuleType) -> Iterator[tuple[str, Held, str]]:
    """Give every marked test of a module: its name, what it holds, and why it fails if it is expected to."""
    for name, test in vars(module).items():
        marks = getattr(test, "pytestmark", []) if name.startswith("test_") else []
        fails = "".join(str(mark.kwargs.get("reason", "")) for mark in marks if mark.name == "xfail")
        for mark in marks:
            for one in mark.args if mark.name == "held" else ():
                yield name, of_row(one) if isinstance(one, str) else one, fails


def of_row(name: str) -> Held:
    """Read a row of the benchmarks as something held."""
    found: Any = row(name)
    return Held(found.target, found.source, found.interval, found.status)
