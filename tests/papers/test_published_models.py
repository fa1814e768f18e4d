"""What every published model that is kept for checking is held to, and that no standard axis holds one."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.body import whole
from gutbrain.body.verification.acute_endotoxin import AcuteEndotoxin
from gutbrain.body.verification.kettle_2022 import Distal, Proximal, Transverse, Vessel
from gutbrain.body.verification.milo_2025 import Milo2025
from gutbrain.body.verification.windoloski_2024 import INFUSION, Windoloski2024
from gutbrain.evidence.claims import bibliography
from gutbrain.model.axis import Axis
from gutbrain.model.check import check_bounds, check_units, check_wiring, random_levers, random_states
from gutbrain.model.compartment import Param
from gutbrain.model.symbols import evaluate

AXES = {
    "Kettle 2022": Axis(Proximal(), Transverse(), Distal()), "vessel": Axis(Vessel()),
    "Windoloski 2024": Axis(Windoloski2024()), "acute endotoxin": Axis(AcuteEndotoxin()), "Milo 2025": Axis(Milo2025()),
}  # fmt: skip
EVERY = pytest.mark.parametrize("axis", AXES.values(), ids=AXES)


@EVERY
def test_units_shapes_bounds_and_wiring_fit(axis):
    found = [*check_units(axis), *check_bounds(axis), *check_wiring(axis)]
    assert [str(finding) for finding in found if finding.severity != "note"] == []


@EVERY
def test_sources_resolve(axis):
    keys = {key for part in axis.compartments for param in part.members(Param).values() for key in param.source.split()}
    assert keys - {"assumed"} - set(bibliography()) == set()


@pytest.mark.parametrize("name", ["Windoloski 2024", "acute endotoxin", "Milo 2025"])
def test_symbols_and_numbers_say_the_same(name):
    axis, people = AXES[name], 3
    y, levers = random_states(axis, people, spread=0.3), random_levers(axis, people)
    values = axis.coherent(axis.defaults())
    numeric = np.asarray(axis.read(jnp.asarray(y), values, levers).vector())
    size = np.abs(numeric).max(axis=1, keepdims=True, initial=1e-12)
    np.testing.assert_allclose(evaluate(axis, y, values, levers) / size, numeric / size, atol=1e-9)


def test_names_of_the_infusion_are_parameters():
    assert set(INFUSION) <= set(Windoloski2024.members(Param))


def test_no_axis_of_the_package_holds_one():
    published = {part.name for axis in AXES.values() for part in axis.compartments}
    assert not published & {part.name for part in whole.standard().compartments}
    assert "verification" not in Path(whole.__file__).read_text(encoding="utf-8")
