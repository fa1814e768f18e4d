"""What every compartment of the standard axis is held to, without a test of its own.

Each property is computed once for the whole axis and told apart by compartment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.body.whole import standard
from gutbrain.evidence.claims import bibliography, claims
from gutbrain.model.axis import Axis
from gutbrain.model.check import (
    Finding,
    check_bounds,
    check_influence,
    check_inward,
    check_units,
    random_levers,
    random_states,
)
from gutbrain.model.compartment import Param
from gutbrain.model.stability import run_days
from gutbrain.model.symbols import evaluate

NAMES = tuple(part.name for part in standard().compartments)
EVERY = pytest.mark.parametrize("name", NAMES)
CHECKS = {"units": check_units, "bounds": check_bounds, "inward": check_inward, "influence": check_influence}
PEOPLE = 5


@cache
def findings(which: str) -> tuple[Finding, ...]:
    """Run one check on the standard axis."""
    return tuple(CHECKS[which](standard()))


def of(name: str, found: Iterable[Finding]) -> list[str]:
    """Return the findings about one compartment, as text."""
    return [str(finding) for finding in found if finding.where.partition(".")[0] == name]


@cache
def apart() -> Axis:
    """The standard axis with every edge cut: each compartment alone, all in one program."""
    return standard().without(*(str(wire) for wire in standard().edges))


def rows_of(name: str) -> np.ndarray:
    """Return the state rows of a compartment."""
    return np.concatenate(
        [np.arange(rows.start, rows.stop) for (owner, _), rows in standard().slices.items() if owner == name]
        or [np.zeros(0, int)]
    )


@EVERY
def test_units_and_shapes_fit(name):
    assert of(name, findings("units")) == []


@EVERY
def test_bounds_are_in_order_and_starts_lie_within(name):
    assert of(name, findings("bounds")) == []


@EVERY
def test_rates_are_finite_and_point_inward_at_the_bounds(name):
    assert of(name, (finding for finding in findings("inward") if finding.severity == "error")) == []


@cache
def alone_at_rest() -> tuple[np.ndarray, np.ndarray]:
    """Return midnight states of days 0 to 30, array [days + 1, rows], and what counts as 1 of each row."""
    axis = apart()
    path = run_days(axis, axis.start(axis.defaults()), axis.coherent(axis.defaults()), days=30, every=96)[:, :, 0]
    low, high = axis.bounds
    range_ = np.where(np.isfinite(high - low), high - low, 1.0)
    return path, np.maximum(np.abs(path[0]), 1e-2 * range_)


@EVERY
def test_alone_it_stays_at_rest_for_thirty_days(name):
    """The first two weeks are left to rhythms and slow averages that close."""
    path, scale = alone_at_rest()
    rows = rows_of(name)
    drift = np.abs(path[-1] - path[14])[rows] / scale[rows]
    assert dict(zip(np.array(standard().rows)[rows], drift, strict=True)) == pytest.approx(
        dict.fromkeys(np.array(standard().rows)[rows], 0.0), abs=2e-3
    )


@cache
def two_readings() -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Return rates and signals at random states and levers, by numbers and by symbols."""
    axis = standard()
    y, parameters = random_states(axis, PEOPLE, spread=0.3), axis.coherent(axis.defaults())
    levers = random_levers(axis, PEOPLE) | {"clock.step": np.zeros(PEOPLE)}
    levers["clock.step_start"] = levers["clock.time"]
    numbers = axis.read(jnp.asarray(y), parameters, levers)
    labels = tuple(axis.columns)
    return {
        "rate": (np.asarray(numbers.vector()), evaluate(axis, y, parameters, levers)),
        "signal": (np.asarray(numbers.outputs(labels)), evaluate(axis, y, parameters, levers, labels)),
    }


@EVERY
def test_symbols_and_numbers_say_the_same(name):
    axis = standard()
    rates, signals = two_readings()["rate"], two_readings()["signal"]
    own = [row for row, c in enumerate(axis.columns.values()) if axis.givers[c.signal].compartment == name]
    for (numeric, symbolic), rows in ((rates, rows_of(name)), (signals, own)):
        size = np.abs(numeric[rows]).max(axis=1, keepdims=True, initial=1e-12)
        np.testing.assert_allclose(symbolic[rows] / size, numeric[rows] / size, atol=1e-9)


@cache
def gradients() -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    """Return the derivative of the sum of all rates and signals by states, and by parameters."""
    axis = apart()
    labels = tuple(axis.columns)
    y = np.concatenate([axis.start(axis.defaults()), random_states(axis, PEOPLE, spread=0.3)], axis=1)

    @jax.jit
    def total(y: Any, parameters: Any) -> Any:
        reading = axis.read(y, parameters, {})
        return reading.vector().sum() + reading.outputs(labels).sum()

    by_state, by_parameter = jax.grad(total, argnums=(0, 1))(jnp.asarray(y), axis.coherent(axis.defaults()))
    return np.asarray(by_state), {key: np.asarray(value) for key, value in by_parameter.items()}


@EVERY
def test_gradients_are_finite(name):
    by_state, by_parameter = gradients()
    rows = rows_of(name)
    assert np.array(standard().rows)[rows][~np.isfinite(by_state[rows]).all(axis=1)].tolist() == []
    endless = [key for key, value in by_parameter.items() if not np.isfinite(value).all()]
    assert [key for key in endless if key.startswith(f"{name}.")] == []


@EVERY
def test_every_parameter_and_lever_moves_something(name):
    still = {f.where for f in findings("influence") if name in f.where.partition(": ")[0].partition(".")[0].split(", ")}
    assert still == set()


@EVERY
def test_sources_resolve(name):
    keys = {key for param in standard().part(name).members(Param).values() for key in param.source.split()}
    assert keys - {"assumed"} - set(bibliography()) == set()


@EVERY
def test_every_edge_into_it_has_a_claim(name):
    heard = {wire.signal for wire in standard().edges if wire.listener == name}
    assert heard <= set(claims().filter(claims()["listener"] == name)["signal"])
