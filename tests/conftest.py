"""Shared fixtures: run one compartment alone, with its inputs as levers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from html import unescape

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.model.axis import Axis
from gutbrain.model.compartment import Compartment

jax.config.update("jax_enable_x64", True)

STEP = 1 / 96


@cache
def alone(kind: type[Compartment]) -> Axis:
    """Return the axis of one compartment."""
    return Axis(kind(), name=kind.__name__.lower())


def lever_labels(axis: Axis) -> tuple[str, ...]:
    """Return every lever, one entry for each element of a vector lever."""
    found = []
    for signal, lever in axis.levers.items():
        found += [f"{signal}[{label}]" for label in lever.over] if lever.over else [signal]
    return tuple(found)


@cache
def one_day(kind: type[Compartment]) -> Callable:
    """Compile a day of one compartment, once a session whatever moves and however long the run."""
    axis = alone(kind)
    labels, moved = tuple(axis.columns), lever_labels(axis)

    def levers(begin, time, offsets):
        clock = {"clock.step_start": begin, "clock.time": time, "clock.step": jnp.asarray(STEP)}
        return clock | {name: offsets[index] for index, name in enumerate(moved)}

    @jax.jit
    def run(y, parameters, begins, offsets):
        def rates(y, begin, time, row):
            return axis.read(y, parameters, levers(begin, time, row)).vector()

        def advance(y, now):
            begin, row = now
            seen = axis.read(y, parameters, levers(begin, begin, row)).outputs(labels)
            first = rates(y, begin, begin, row)
            second = rates(y + STEP / 2 * first, begin, begin + STEP / 2, row)
            third = rates(y + STEP / 2 * second, begin, begin + STEP / 2, row)
            fourth = rates(y + STEP * third, begin, begin + STEP, row)
            return y + STEP / 6 * (first + 2 * second + 2 * third + fourth), seen

        return jax.lax.scan(advance, y, (begins, offsets))

    return run


def run_compartment(
    kind: type[Compartment],
    levers_at: Mapping[str, float | Callable[[np.ndarray], np.ndarray]],
    days: float,
    start: Mapping[str, float] | None = None,
    parameters: Mapping[str, float] | None = None,
) -> dict[str, np.ndarray]:
    """Run one compartment by classical Runge-Kutta steps of 15 minutes.

    Parameters
    ----------
    kind : class of the compartment
    levers_at : offset of each moved lever from its rest, declared unit: a number, or a function of time in days
        that is held at its value in the middle of each step
    days : length of the run, from midnight
    start : state values that differ from rest, by signal, declared units
    parameters : values that differ from the reference person, by full name, declared units

    Returns
    -------
    dict of array [steps + 1], declared units: every signal at the begin of each step, and `time` in days.
    """
    axis = alone(kind)
    declared = axis.defaults() | {name: np.array([value]) for name, value in (parameters or {}).items()}
    y = axis.start(declared)
    for signal, value in (start or {}).items():
        y[axis.rows.index(signal)] = value
    steps = round(days / STEP) + 1
    begins = np.arange(-(-steps // 96) * 96) * STEP
    offsets = np.zeros((begins.size, len(lever_labels(axis))))
    for name, lever in levers_at.items():
        held = lever(begins + STEP / 2) if callable(lever) else lever
        offsets[:, lever_labels(axis).index(name)] = held
    found, y = [], jnp.asarray(y)
    for day in range(begins.size // 96):
        part = slice(96 * day, 96 * day + 96)
        y, seen = one_day(kind)(y, axis.coherent(declared), begins[part], offsets[part])
        found.append(np.asarray(seen)[:, :, 0])
    whole = np.concatenate(found)[:steps]
    return {label: whole[:, index] for index, label in enumerate(axis.columns)} | {"time": begins[:steps]}


@pytest.fixture(scope="session")
def run_alone() -> Callable[..., dict[str, np.ndarray]]:
    """Give tests `run_compartment`; runs are compiled once a session."""
    return run_compartment


def pulse(start: float, stop: float, height: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    """Return a lever that is `height` from `start` to `stop` (days) and at rest otherwise."""
    return lambda time: np.where((time > start) & (time < stop), height, 0.0)


@pytest.fixture(scope="session")
def rectangle() -> Callable[..., Callable[[np.ndarray], np.ndarray]]:
    """Give tests `pulse`."""
    return pulse


def certainty_lines(page: str) -> list[str]:
    """Return the certainty below every figure and table of a page, in words; fails where one has none.

    Parameters
    ----------
    page : HTML
    """
    drawn = re.sub(r"<(script|style|noscript).*?</\1>", "", page, flags=re.DOTALL)
    below = re.compile(r'<p class="certainty">Lowest certainty on the way: (.+?)</p>')
    lines = []
    for block in re.split(r"(?=<figure>|<table>)", drawn)[1:]:
        found = below.search(block)
        assert found, f"nothing is said of the certainty of {re.sub('<[^>]*>', ' ', block)[:200]}"
        lines.append(unescape(found[1]).replace("\u00a0", " "))
    assert len(lines) == len(below.findall(drawn))
    return lines


@pytest.fixture(scope="session")
def certainties() -> Callable[[str], list[str]]:
    """Give tests `certainty_lines`."""
    return certainty_lines
