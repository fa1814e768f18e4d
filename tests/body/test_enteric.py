"""Enteric: rest, transit, stool, sensitivity and pain, against enteric.md."""

import numpy as np
import pytest

from gutbrain.body.enteric import Enteric


def test_rest_is_exact(run_alone):
    seen = run_alone(Enteric, {}, 30)
    for signal, values in seen.items():
        if signal != "time":
            assert np.ptp(values) == 0, signal
    assert seen["enteric.transit_hours"][0] == pytest.approx(29)
    assert seen["enteric.stool_form"][0] == pytest.approx(3.986, abs=0.001)
    assert seen["enteric.stools_per_week"][0] == pytest.approx(7.967, abs=0.001)


@pytest.mark.parametrize(
    ("levers", "hours", "tolerance"),
    [
        ({"vagus.tone": 0.2}, 20.2, 0.06),
        ({"tryptophan.mucosal_serotonin": 0.49 - 1}, 21 * 1.53, 0.1),
        ({"tryptophan.mucosal_serotonin": 0.625 - 1}, 27.8, 0.1),
        ({"barrier.crh_drive": 1.0}, 21 / 1.3, 1e-6),
        ({"mind.anxiety_z": 1.0}, 21 * np.exp(-0.4), 1e-6),
        ({"mind.depression_z": 1.0}, 21 * np.exp(0.08), 1e-6),
        ({"activity.level": 1.0}, 21, 1e-9),
    ],
)
def test_steady_colonic_transit(run_alone, levers, hours, tolerance):
    seen = run_alone(Enteric, levers, 10)
    assert seen["enteric.colonic_transit_hours"][-1] == pytest.approx(hours, abs=tolerance)


def test_constipation_contrast_gives_the_serotonin_exponent():
    contrast = np.log(49.4 / 34.1) / np.log(4822 / 2593)
    assert Enteric.serotonin_motility_exponent.value == pytest.approx(contrast, abs=0.005)


def test_fibre_acts_on_slow_transit_only(run_alone):
    normal = run_alone(Enteric, {"protocol.fibre_extra": 10.0}, 1)
    assert normal["enteric.colonic_transit_hours"][-1] == pytest.approx(21, abs=0.02)
    slow = {"enteric.personal_colonic_transit": 62.0}
    before = run_alone(Enteric, {}, 1, parameters=slow)["enteric.transit_hours"][-1]
    after = run_alone(Enteric, {"protocol.fibre_extra": 10.0}, 1, parameters=slow)["enteric.transit_hours"][-1]
    assert before == pytest.approx(70)
    assert after - before == pytest.approx(-5, abs=0.01)


def test_stool_mass_rises_with_fibre(run_alone):
    seen = run_alone(Enteric, {"protocol.fibre_extra": 10.0}, 1)
    assert seen["enteric.stool_rate"][-1] == pytest.approx(145)


def test_colonic_transit_has_a_floor(run_alone):
    seen = run_alone(Enteric, {}, 1, parameters={"enteric.personal_colonic_transit": 3.0})
    assert seen["enteric.colonic_transit_hours"][-1] == pytest.approx(5)


@pytest.mark.parametrize(("sensitivity", "slope"), [(1.0, 0.02), (40 / 28, 0.10)])
def test_pain_follows_stress_at_once(run_alone, rectangle, sensitivity, slope):
    seen = run_alone(
        Enteric, {"mind.threat_rating": rectangle(0, 1 / 96, 1.0)}, 0.5,
        start={"enteric.visceral_sensitivity": sensitivity},
    )  # fmt: skip
    assert seen["enteric.pain"][0] - 0.3 == pytest.approx(slope, abs=0.0005)
    np.testing.assert_allclose(seen["enteric.pain"][1:], 0.3, rtol=1e-12)


def test_sensitivity_rises_with_mast_cells_inflammation_and_affect(run_alone):
    levers = {"barrier.mast_activation": 0.1, "immune.mucosal_activity": 0.5, "mind.negative_affect_z": 1.0}
    seen = run_alone(Enteric, levers, 60)
    assert seen["enteric.visceral_sensitivity"][-1] == pytest.approx(1 + 0.1 + 0.15 + 0.1, rel=1e-4)
    below = run_alone(Enteric, {"immune.mucosal_activity": -0.5}, 30)
    assert np.ptp(below["enteric.visceral_sensitivity"]) == 0


def test_prototype_cohort_of_transit():
    """Draws of the three transit times give the spread of the former cohort run (median 20 h there)."""
    spread = np.random.default_rng(0)
    parameters = Enteric.personal_colonic_transit, Enteric.gastric_emptying, Enteric.small_bowel_transit
    colon, stomach, small = (p.between.around(p.value, spread.standard_normal(20000)) for p in parameters)
    whole = colon * 20 / 21 + stomach + small
    low, median, high = np.percentile(whole, [5, 50, 95])
    assert median == pytest.approx(28.3, abs=0.5)
    assert low == pytest.approx(17.7, abs=0.5)
    assert high == pytest.approx(49.4, abs=1.5)
