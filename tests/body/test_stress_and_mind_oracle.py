"""Stress axis and mind against the whole-axis prototype, one right-hand side at random states."""

import importlib.util
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.body.hpa import HPA
from gutbrain.model.axis import Axis

PEOPLE = 200
MOMENTS = (0.0, 7.1 / 24, 0.55, 3.9, 11.29)


@pytest.fixture(scope="module")
def prototype():
    """Load the prototype beside the checkout."""
    path = Path(__file__).parents[3] / "shared" / "prototype" / "axis.py"
    if not path.exists():
        pytest.skip("the oracle needs ../shared/prototype")
    spec = importlib.util.spec_from_file_location("prototype_axis", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=MOMENTS)
def case(request, prototype):
    """Draw full states and levers, and let the prototype evaluate them at one moment."""
    draw = np.random.default_rng(7)
    y = np.empty((prototype.N, PEOPLE))
    for name, row in prototype.IX.items():
        low, high = prototype.LOHI[name]
        y[row] = draw.uniform(low + 0.02 * (high - low), high - 0.02 * (high - low), PEOPLE)
    for name in ("acth_relative", "cortisol_relative", "acth_reference", "cortisol_reference"):
        y[prototype.IX[f"hpa.{name}"]] = draw.uniform(0.1, 4, PEOPLE)
    # Inside these ranges no level of affect leaves the scale, where the two differ on purpose.
    y[prototype.IX["mind.nonspecific_gain"]] = draw.uniform(-4, 4, PEOPLE)
    y[prototype.IX["blood.il6"]] = draw.uniform(0.3, 60, PEOPLE)
    levers = {name: np.full(PEOPLE, value) for name, value in prototype.LEV.items()}
    levers |= {
        "threat": draw.choice([0.0, 0.3, 1.0], PEOPLE), "chronic": draw.uniform(1, 1.5, PEOPLE),
        "event_rate": draw.uniform(0, 3, PEOPLE), "assigned": draw.choice([0.0, 20.0, 45.0], PEOPLE),
        "course": draw.choice([0.0, 1.0], PEOPLE), "skill_on": draw.choice([0.0, 1.0], PEOPLE),
        "hydrocort": draw.choice([0.0, 3.0], PEOPLE), "ns_on": draw.choice([0.0, 1.0], PEOPLE),
        "wake": 1.0 if 7 / 24 <= request.param % 1 < 7.5 / 24 else 0.0, "window": 0.0,
    }  # fmt: skip
    values = prototype.default() | {
        "butyrate_rest": 18.1, "scfa_rest": 95.6, "load_rest": 0.1, "q_rest": 0.1,
        "h1bar": 0.991, "h2bar": 0.951, "NA_rest": 19.48, "Ru_rest": 26.44,
    }  # fmt: skip
    rates, outputs = prototype.outputs_rhs(request.param, y, levers, values, want=True)
    return request.param, y, levers, rates, outputs


def compare(prototype, axis, case, offsets):
    """Evaluate the axis at the same states; rates agree to 1e-12 of their size. Return the reading."""
    moment, y, _, rates, _ = case
    own = np.zeros((len(axis.rows), PEOPLE))
    shared = [(row, prototype.IX[name]) for row, name in enumerate(axis.rows) if name in prototype.IX]
    for row, theirs in shared:
        own[row] = y[theirs]
    clock = {"clock.time": moment, "clock.step_start": moment, "clock.step": 0.0}
    reading = axis.read(jnp.asarray(own), axis.coherent(axis.defaults()), clock | offsets)
    found = np.asarray(reading.vector())
    for row, theirs in shared:
        scale = np.abs(rates[theirs]).max()
        assert np.abs(found[row] - rates[theirs]).max() < 1e-12 * scale, axis.rows[row]
    return reading


def same(reading, signal, expected):
    """Compare one output."""
    assert np.allclose(reading.declared(signal), expected, rtol=1e-12, atol=1e-13), signal


def test_stress_axis_agrees(prototype, case):
    _, y, levers, _, outputs = case
    offsets = {
        "mind.threat": outputs["threat"], "mind.chronic_load": levers["chronic"] - 1,
        "sleep.debt": y[prototype.IX["sleep.debt"]], "blood.il6": y[prototype.IX["blood.il6"]] - 1.2,
        "protocol.hydrocortisone": levers["hydrocort"],
    }  # fmt: skip
    reading = compare(prototype, Axis(HPA()), case, offsets)
    same(reading, "hpa.cortisol_ratio", outputs["F"])
    same(reading, "hpa.crh_drive", outputs["h1"])
    same(reading, "hpa.acth", outputs["acth"])
    same(reading, "hpa.cortisol", outputs["cortisol"] + levers["hydrocort"])


def test_mind_agrees(prototype, case, mind_axis):
    _, y, levers, _, outputs = case
    offsets = {
        "protocol.threat": levers["threat"], "protocol.chronic_load": levers["chronic"] - 1,
        "protocol.event_rate": levers["event_rate"] - 1, "protocol.practice_assigned": levers["assigned"],
        "protocol.course_running": levers["course"], "protocol.nonspecific_target": 2.4 * levers["ns_on"],
        "protocol.practice_builds_skill": levers["skill_on"] - 1, "blood.il6": y[prototype.IX["blood.il6"]] - 1.2,
        "enteric.pain": outputs["pain"] - 0.3, "sleep.debt": y[prototype.IX["sleep.debt"]],
    }  # fmt: skip
    reading = compare(prototype, mind_axis, case, offsets)
    same(reading, "mind.threat", outputs["threat"])
    same(reading, "mind.negative_affect_z", outputs["zNA"])
    same(reading, "mind.anxiety_z", outputs["anx"])
    same(reading, "mind.practice_minutes", outputs["minutes"])
