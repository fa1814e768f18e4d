"""Vagus, slow part: rest, load, threat and breathing practice, against vagus.md."""

import numpy as np
import pytest

from gutbrain.body.vagus import Vagus
from gutbrain.model.compartment import Param


def test_rest_is_exact(run_alone):
    seen = run_alone(Vagus, {}, 30)
    for signal, values in seen.items():
        if signal != "time":
            assert np.ptp(values) == 0, signal
    rest = {"vagus.tone": 1, "vagus.efferent": 1, "vagus.set_point": 92, "vagus.sympathetic": 1, "vagus.afferent": 1}
    for signal, value in rest.items():
        assert seen[signal][0] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("load", "tone"), [(1.5, 0.72), (1.3, 0.80), (0.8, None), (20.0, 0.5)])
def test_chronic_load_lowers_tone_within_its_limits(run_alone, load, tone):
    seen = run_alone(Vagus, {"mind.chronic_load": load - 1}, 10)["vagus.tone"][-1]
    drive = -0.88 * np.log(load)
    assert seen == pytest.approx(2 ** np.tanh(drive / np.log(2)), rel=1e-9)
    assert 0.5 <= seen <= 2
    if tone:
        assert seen == pytest.approx(tone, abs=0.005)


def test_threat_withdraws_at_once_and_raises_the_set_point(run_alone, rectangle):
    seen = run_alone(Vagus, {"mind.threat": rectangle(0.5, 0.51)}, 1)
    assert seen["vagus.efferent"].min() == pytest.approx(0.70, abs=0.001)
    assert seen["vagus.set_point"].max() == pytest.approx(100)
    assert np.ptp(seen["vagus.tone"]) == 0
    assert np.ptp(seen["vagus.sympathetic"]) == 0


def test_eight_weeks_of_slow_breathing(run_alone):
    seen = run_alone(Vagus, {"protocol.breathing_minutes": 20.0}, 57)
    # Printed with practice from day 1 to 57, read on day 56.
    assert seen["vagus.breath_training"][-1] == pytest.approx(0.35, abs=0.01)
    assert seen["vagus.tone"][-1] - 1 == pytest.approx(0.031, abs=0.001)


def test_training_fades_without_practice(run_alone):
    seen = run_alone(Vagus, {}, 50, start={"vagus.breath_training": 0.4})
    assert seen["vagus.breath_training"][-1] == pytest.approx(0.4 * np.exp(-0.5), rel=1e-6)


def test_skill_il6_activity_and_afferents_are_closed(run_alone):
    closed = {name for name, param in Vagus.members(Param).items() if param.closed}
    assert closed == {
        "skill_gain", "inflammation_gain", "activity_gain",
        "afferent_serotonin", "afferent_butyrate", "afferent_scfa",
    }  # fmt: skip
    levers = {
        "mind.skill": 1.0, "blood.il6": 3.0, "activity.level": 0.5, "colon.butyrate": 5.0,
        "colon.scfa_total": 20.0, "tryptophan.mucosal_serotonin": 0.5,
    }  # fmt: skip
    seen = run_alone(Vagus, levers, 2)
    assert np.ptp(seen["vagus.tone"]) == 0
    np.testing.assert_allclose(seen["vagus.afferent"], 1)


def test_opened_afferents_and_inflammation_act(run_alone):
    levers = {"blood.il6": 1.2, "colon.butyrate": 18.1}
    opened = {"vagus.inflammation_gain": 0.1, "vagus.afferent_butyrate": 0.3}
    seen = run_alone(Vagus, levers, 10, parameters=opened)
    assert np.log(seen["vagus.tone"][-1]) == pytest.approx(-np.log(2) * np.tanh(0.1), rel=1e-6)
    assert seen["vagus.afferent"][-1] == pytest.approx(2**0.3)
