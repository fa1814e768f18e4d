"""Colon and digestion: rest, balances, and the same numbers as the prototype of the whole axis."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.body.colon import Colon
from gutbrain.body.colon_parameters import GROUPS
from gutbrain.body.digestion import Digestion
from gutbrain.model.axis import Axis

jax.config.update("jax_enable_x64", True)

AXIS = Axis(Digestion(), Colon(), name="colon")
PARAMETERS = AXIS.coherent(AXIS.defaults())
LEDGER = ("colon.carbon_in", "colon.carbon_out")
REST = {
    "colon.butyrate": 18.12, "colon.acetate": 58.6, "colon.propionate": 18.9, "colon.scfa_total": 95.60,
    "colon.ph": 6.41, "colon.butyrate_absorbed": 65, "colon.acetate_absorbed": 209, "colon.propionate_absorbed": 67,
    "colon.endotoxin_load": 1, "colon.mucin_degradation": 1, "colon.group_shannon": 1.77, "colon.stool_water": 120,
    "colon.bacteria_out": 18.2, "colon.methane": 38, "colon.hydrogen_turnover": 346, "colon.proteolysis": 3.24,
    "colon.secondary_bile_acids": 0.5,
}  # fmt: skip
PEOPLE = 50


@pytest.fixture(scope="module")
def read():
    """One compiled reading of rates and signals at 50 columns."""
    labels = (*REST, *LEDGER)

    @jax.jit
    def reading(y, levers):
        now = AXIS.read(y, PARAMETERS, levers)
        return now.vector(), now.outputs(labels), now.views["colon"].lactate

    def call(y, **levers):
        names = ("protocol.antibiotic", "protocol.fibre_extra", "enteric.colonic_transit_hours", "mind.threat",
                 "barrier.mucin_secretion", "diet.resistant_starch", "protocol.fermented_food",
                 "protocol.probiotic[lactate_producers]")  # fmt: skip
        given = {name: jnp.asarray(np.broadcast_to(np.asarray(levers.get(name, 0.0)), (PEOPLE,))) for name in names}
        rates, signals, _ = reading(jnp.asarray(y), given)
        return np.asarray(rates), dict(zip(labels, np.asarray(signals), strict=True))

    return call


@pytest.fixture(scope="module")
def scattered():
    """States far from rest, and levers that are all moved."""
    draw = np.random.default_rng(1)
    y = AXIS.start(AXIS.defaults()) * np.exp(draw.normal(0, 0.6, (15, PEOPLE)))
    y[14] = np.clip(y[14], 0.1, 1.5)
    return y, {
        "protocol.antibiotic": draw.choice([0, 2.0, 8.0], PEOPLE),
        "protocol.fibre_extra": draw.uniform(0, 20, PEOPLE),
        "enteric.colonic_transit_hours": 21 * np.exp(draw.normal(0, 0.4, PEOPLE)) - 21,
        "mind.threat": draw.uniform(0, 1, PEOPLE),
        "barrier.mucin_secretion": draw.uniform(-2, 2, PEOPLE),
        "diet.resistant_starch": draw.uniform(-15, 25, PEOPLE),
    }


def test_rests_where_the_specification_says(read):
    start = AXIS.start(AXIS.defaults()) * np.ones((1, PEOPLE))
    rates, signals = read(start)
    assert np.max(np.abs(rates) / start) < 2e-3  # per day: the start is rounded to five digits
    for name, value in REST.items():
        assert signals[name][0] == pytest.approx(value, rel=6e-3), name
    shares = 100 * start[:9, 0] / start[:9, 0].sum()
    np.testing.assert_allclose(shares, [28, 24, 25, 6, 6, 2, 1, 4, 4], rtol=2e-3)


def test_carbon_closes_far_from_rest(read, scattered):
    """CO-20: carbon in minus carbon out is what is stored, at every state."""
    y, levers = scattered
    levers = levers | {"protocol.fermented_food": 3.0, "protocol.probiotic[lactate_producers]": 0.03}
    rates, signals = read(y, **levers)
    cells = rates[: len(GROUPS)].sum(0) + rates[13]
    stored = 2 * rates[9] + 3 * rates[10] + 4 * rates[11] + Colon._members["cell_carbon"].value * cells
    missing = signals["colon.carbon_in"] - signals["colon.carbon_out"] - stored
    assert np.max(np.abs(missing) / signals["colon.carbon_in"]) < 1e-9


def test_no_product_is_negative():
    """CO-20: every residual to carbon dioxide, hydrogen or unnamed products is at least 0."""
    colon = AXIS.read(jnp.asarray(AXIS.start(AXIS.defaults())), PARAMETERS, {}).views["colon"]
    assert np.all(np.asarray(colon.nu_hydrogen) > -1e-9)
    assert np.all(np.asarray(colon.nu_carbon_dioxide) > -1e-9)
    assert np.all(np.asarray(colon.residue) > 0)
    assert float(colon.carbon_dioxide[0]) > 0


def test_same_rates_as_the_prototype(read, scattered):
    path = Path(__file__).parents[2].parent / "shared" / "prototype" / "axis.py"
    if not path.exists():
        pytest.skip("the comparison with the prototype needs ../shared")
    spec = importlib.util.spec_from_file_location("prototype_axis", path)
    prototype = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(prototype)
    y, levers = scattered
    values = prototype.default() | {"scale": np.ones((9, PEOPLE)), "Msec_now": 5 + levers["barrier.mucin_secretion"]}
    acts = {name: np.full(PEOPLE, value) for name, value in prototype.LEV.items()} | {
        "antibiotic": levers["protocol.antibiotic"],
        "fibre_extra": levers["protocol.fibre_extra"],
        "RS": 1 + levers["diet.resistant_starch"] / 25,
    }
    transit = 21 + levers["enteric.colonic_transit_hours"]
    cells, acids, *others, _ = prototype.colon(
        y[:9], y[9:12], y[12], y[13], y[14], transit, levers["mind.threat"], 0.0, acts, values, newton=40
    )
    rates, _ = read(y, **levers)
    np.testing.assert_allclose(rates, np.vstack([cells, acids, *others]), rtol=1e-9)


def test_digestion_gives_the_diet_unless_eating_is_mindful():
    signals = ("ileum.resistant_starch", "ileum.fibre", "ileum.sugar", "ileum.protein")
    digestion = Axis(Digestion())
    parameters = digestion.coherent(digestion.defaults())

    def given(**levers):
        reading = digestion.read(jnp.zeros((1, 1)), parameters, {k.replace("__", "."): v for k, v in levers.items()})
        return np.asarray(reading.outputs(signals))[:, 0]

    np.testing.assert_array_equal(given(), [25, 16, 5, 10])
    np.testing.assert_allclose(given(protocol__fibre_extra=12.0), [25, 25, 5, 10])
    np.testing.assert_allclose(
        given(protocol__mindful_eating=1.0), [25 * 0.85 * 0.95, 16 * 0.95, 5 * 0.95, 10 * 0.9 * 0.95]
    )
