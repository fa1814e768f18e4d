"""Who takes part: our engines and their peers by the names that `--only` takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gutbrain.bench.solver import FailedError, Missing, Solver
from gutbrain.errors import InputError
from gutbrain.model.axis import nearest

if TYPE_CHECKING:
    from gutbrain.bench.case import Case

NAMED = 1e-6  # relative tolerance at which peers are named
FURTHER = (1e-4, 1e-8)  # looser and tighter, so that the price of exactness can be read off
QUARTER = 15.0  # minutes, the step of our engines
FINER_FIXED = 5.0  # minutes, at which the JAX engine is about as exact as the lanes at their longest step
# Finer steps and narrower guards of our engines (None: their own), as the error of each peer asks.
FINER: dict[str, tuple[tuple[float, float | None], ...]] = {
    "lanes64": ((7.5, None), (7.5, 1e-5), (5.0, 1e-5), (3.0, 1e-6)),
    "lanes32": ((7.5, None), (5.0, None), (3.0, None)),
    "fixed": ((FINER_FIXED, None),),
}
QUICKLY = ("lanes64", "lanes32")  # who steps finer with --quick too, but not at the finest of these steps
EXTRA = "pip install 'gutbrain[bench]'"


@dataclass(frozen=True)
class Entry:
    """One way to run the case.

    Attributes
    ----------
    name : what `--only` takes
    title : what the table prints where it cannot run
    tolerance : of a peer; 0 for our engines, which have a step
    step : of our engines, minutes; 0 for peers
    prepare : returns the solver, loaded
    """

    name: str
    title: str
    tolerance: float
    step: float
    prepare: Callable[[Case], Solver]


def _lanes64(case: Case, step: float, within: float | None) -> Solver:
    from gutbrain.bench.own import lanes

    return lanes(case, 64, step, within)


def _lanes32(case: Case, step: float, within: float | None) -> Solver:
    from gutbrain.bench.own import lanes

    return lanes(case, 32, step, within)


def _plain64(case: Case, step: float, within: float | None) -> Solver:
    from gutbrain.bench.own import lanes

    return lanes(case, 64, step, guarded=False)


def _fixed(case: Case, step: float, within: float | None) -> Solver:
    from gutbrain.bench.own import fixed

    return fixed(case, step)


def _libroadrunner(case: Case, rtol: float) -> Solver:
    from gutbrain.bench.libroadrunner import prepare

    return prepare(case, rtol)


def _copasi(case: Case, rtol: float) -> Solver:
    from gutbrain.bench.copasi import prepare

    return prepare(case, rtol)


def _lsoda(case: Case, rtol: float) -> Solver:
    from gutbrain.bench.lsoda import prepare

    return prepare(case, rtol)


OURS = {"lanes64": ("lanes float64", _lanes64), "lanes32": ("lanes float32", _lanes32),
        "plain64": ("lanes float64, no guard", _plain64), "fixed": ("fixed (JAX)", _fixed)}  # fmt: skip
PEERS = {"libroadrunner": ("libRoadRunner CVODE", _libroadrunner), "copasi": ("COPASI LSODA", _copasi),
         "lsoda": ("SciPy LSODA", _lsoda)}  # fmt: skip
NAMES = (*OURS, *PEERS)


def entries(only: tuple[str, ...], quick: bool) -> list[Entry]:
    """Return whom to run, ours first.

    Parameters
    ----------
    only : names of the roster; all without any
    quick : peers at the named tolerance alone, the lanes without their finest step

    Raises
    ------
    InputError
        For a name that nobody has.
    """
    for name in only:
        if name not in NAMES:
            raise InputError(f"--only: no solver {name!r}{nearest(name, NAMES)}",
                             mend=f"Solvers are {', '.join(NAMES)}")  # fmt: skip
    wanted = only or NAMES
    found = [
        Entry(name, title, 0.0, step, partial(make, step=step, within=within))
        for name, (title, make) in OURS.items() if name in wanted
        for step, within in ((QUARTER, None), *_finer(name, quick))
    ]  # fmt: skip
    for name, (title, make) in PEERS.items():
        for rtol in (NAMED,) if quick else (NAMED, *FURTHER):
            if name in wanted:
                found.append(Entry(name, title, rtol, 0.0, partial(make, rtol=rtol)))
    return found


def _finer(name: str, quick: bool) -> tuple[tuple[float, float | None], ...]:
    rows = FINER.get(name, ())
    if quick:
        return rows[:-1] if name in QUICKLY else ()
    return rows


def prepared(entry: Entry, case: Case) -> Solver | Missing:
    """Return a solver, loaded, or why it cannot run here."""
    try:
        return entry.prepare(case)
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        why = "not yet in this version" if package == "gutbrain" else f"not installed: {EXTRA}"
        return Missing(entry.title, why)
    except FailedError as error:
        return Missing(entry.title, str(error))
