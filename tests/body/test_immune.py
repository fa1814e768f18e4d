"""Immune: rest, acute stress, C-reactive protein and the brakes, against immune.md."""

import numpy as np
import pytest

from gutbrain.body.immune import Immune

MINUTE = 1 / 1440


def test_rest_is_exact(run_alone):
    seen = run_alone(Immune, {}, 30)
    for signal, values in seen.items():
        if signal != "time":
            np.testing.assert_allclose(values, values[0], rtol=1e-12, err_msg=signal)
    assert seen["blood.il6"][-1] == pytest.approx(seen["blood.il6_rest"][-1])


def test_acute_stress_raises_il6_by_a_sixth_after_94_minutes(run_alone, rectangle):
    seen = run_alone(Immune, {"mind.threat": rectangle(0.5, 0.5 + 15 * MINUTE)}, 1.5)
    excess = seen["blood.il6"] - 1.2
    assert excess.max() == pytest.approx(0.19, abs=0.01)
    assert seen["blood.il6"].max() / 1.2 == pytest.approx(1.15, abs=0.005)
    peak = (seen["time"][excess.argmax()] - 0.5) / MINUTE
    assert peak == pytest.approx(94, abs=7.5)
    assert seen["blood.crp"].max() / 0.8 < 1.015


def test_stress_response_scales_with_own_rest(run_alone, rectangle):
    levers = {"mind.threat": rectangle(0.5, 0.5 + 15 * MINUTE)}
    usual = run_alone(Immune, levers, 1)["blood.il6"] / 1.2
    doubled = run_alone(
        Immune, levers, 1, start={"blood.il6": 2.4}, parameters={"immune.il6_rest": 2.4}
    )["blood.il6"] / 2.4  # fmt: skip
    np.testing.assert_allclose(doubled, usual, rtol=1e-10)


def test_imposed_il6_pulse_reaches_crp_after_19_hours(run_alone, rectangle):
    seen = run_alone(
        Immune, {"protocol.il6_pulse": rectangle(0, 1.5 / 24, 330)}, 4,
        start={"blood.crp": 1.0}, parameters={"immune.crp_rest": 1.0},
    )  # fmt: skip
    assert seen["blood.il6"].max() == pytest.approx(208, rel=0.01)
    assert seen["blood.crp"].max() == pytest.approx(9, abs=0.5)
    assert seen["time"][seen["blood.crp"].argmax()] * 24 == pytest.approx(19, abs=1)


def test_six_weeks_of_higher_vagal_tone(run_alone):
    seen = run_alone(Immune, {"vagus.tone": 0.2}, 120)
    assert seen["immune.mucosal_activity"][-1] == pytest.approx(0.96, abs=0.005)
    assert seen["blood.il6"][-1] == pytest.approx(1.19, abs=0.005)
    assert seen["blood.crp"][-1] / 0.8 == pytest.approx(0.99, abs=0.005)


@pytest.mark.parametrize(("activity", "il6", "crp"), [(1.44, 1.30, 1.09), (1.67, 1.35, 1.13), (0.92, 1.18, 0.98)])
def test_il6_and_crp_follow_mucosal_activity(run_alone, activity, il6, crp):
    """Six-week scenarios with the mucosa held where the coupled gut took it; C-reactive protein as a ratio."""
    seen = run_alone(
        Immune, {}, 42, start={"immune.mucosal_activity": activity}, parameters={"immune.gut_time": 1e9}
    )  # fmt: skip
    assert seen["blood.il6"][-1] == pytest.approx(il6, abs=0.01)
    assert seen["blood.crp"][-1] / 0.8 == pytest.approx(crp, abs=0.01)


@pytest.mark.parametrize(
    ("lever", "elasticity"),
    [("barrier.translocation", 0.42), ("hpa.cortisol_ratio", -0.40), ("vagus.tone", -0.24)],
)
def test_elasticities_at_rest_with_the_regulatory_brake(run_alone, lever, elasticity):
    seen = run_alone(Immune, {lever: 0.01}, 300)
    assert np.log(seen["immune.mucosal_activity"][-1]) / np.log(1.01) == pytest.approx(elasticity, abs=0.005)


def test_butyrate_raises_regulatory_tone(run_alone):
    seen = run_alone(Immune, {"colon.butyrate": 0.181}, 300)
    tone = np.log(seen["immune.regulatory_tone"][-1]) / np.log(1.01)
    # Elasticity 0.09 with activity held; the falling activity takes a fifth of it back.
    assert 0.06 < tone < 0.09
    assert seen["immune.mucosal_activity"][-1] < 1


def test_mast_cell_route_is_closed_by_default(run_alone):
    shut = run_alone(Immune, {"barrier.mast_activation": 1.0}, 2)
    assert np.ptp(shut["blood.il6"]) == 0
    opened = run_alone(Immune, {"barrier.mast_activation": 1.0}, 5, parameters={"immune.mast_gain": 0.75})
    assert opened["blood.il6"][-1] == pytest.approx(1.2 * 1.75, rel=1e-6)
