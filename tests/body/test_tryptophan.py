"""Tryptophan: rest, kynurenine, serotonin of gut, platelets and brain, against tryptophan.md."""

import numpy as np
import pytest

from gutbrain.body.tryptophan import Tryptophan
from gutbrain.model.compartment import Input


def test_rest_is_exact(run_alone):
    seen = run_alone(Tryptophan, {}, 30)
    for signal, values in seen.items():
        if signal != "time":
            np.testing.assert_allclose(values, values[0], rtol=1e-12, err_msg=signal)
    assert seen["tryptophan.kynurenine_ratio"][-1] == pytest.approx(26.15, abs=0.01)


def test_rest_is_exact_for_drawn_levels(run_alone):
    seen = run_alone(
        Tryptophan, {}, 10, start={"blood.tryptophan": 48.0, "blood.kynurenine": 2.4},
        parameters={"tryptophan.tryptophan_rest": 48.0, "tryptophan.kynurenine_rest": 2.4},
    )  # fmt: skip
    np.testing.assert_allclose(seen["blood.tryptophan"], 48, rtol=1e-12)
    np.testing.assert_allclose(seen["blood.kynurenine"], 2.4, rtol=1e-12)


@pytest.mark.parametrize(("activity", "ratio"), [(1.67, 30.6), (2.0, 26.15 * 1.26)])
def test_inflammation_raises_the_kynurenine_ratio(run_alone, activity, ratio):
    seen = run_alone(Tryptophan, {"immune.mucosal_activity": activity - 1}, 10)
    assert seen["tryptophan.kynurenine_ratio"][-1] == pytest.approx(ratio, rel=0.01)


def test_cortisol_diverts_tryptophan(run_alone):
    seen = run_alone(Tryptophan, {"hpa.cortisol_ratio": 1.0}, 10)
    assert seen["blood.tryptophan"][-1] < 65
    assert seen["tryptophan.kynurenine_ratio"][-1] > 26.15


@pytest.mark.parametrize(("share", "serotonin"), [(0.0, 0.49), (0.1, 0.63), (1.0, 1.0)])
def test_mucosal_serotonin_without_microbial_acids(run_alone, share, serotonin):
    seen = run_alone(Tryptophan, {"colon.scfa_total": 95.6 * (share - 1)}, 120)
    assert seen["tryptophan.mucosal_serotonin"][-1] == pytest.approx(serotonin, abs=0.005)
    assert seen["platelet.serotonin"][-1] / 1.83 == pytest.approx(serotonin, abs=0.01)


def test_meal_raises_plasma_serotonin(run_alone, rectangle):
    seen = run_alone(Tryptophan, {"protocol.meal": rectangle(0.5, 0.6)}, 1)
    assert seen["blood.serotonin"][0] == pytest.approx(25.45)
    assert seen["blood.serotonin"].max() == pytest.approx(87.8, abs=0.05)


def test_depletion_with_competitors_falls_further(run_alone):
    """Half a day without intake; human drinks are rich in competing amino acids."""
    plain = run_alone(Tryptophan, {"protocol.tryptophan_intake": -1.0}, 0.5)
    drink = run_alone(Tryptophan, {"protocol.tryptophan_intake": -1.0, "protocol.amino_acid_load": 2.0}, 0.5)
    assert plain["brain.serotonin_synthesis"][-1] < 0.9
    assert drink["brain.serotonin_synthesis"][-1] < 0.75 * plain["brain.serotonin_synthesis"][-1]
    extracellular = plain["brain.serotonin_extracellular"][-1]
    assert extracellular == pytest.approx(plain["brain.serotonin_synthesis"][-1] ** 0.4)


def test_blood_serotonin_never_reaches_the_brain(run_alone, rectangle):
    signals = {field.signal for field in Tryptophan.members(Input).values()}
    assert not signals & {"blood.serotonin", "platelet.serotonin"}
    fed = run_alone(Tryptophan, {"protocol.meal": 1.0}, 2)
    np.testing.assert_allclose(fed["brain.serotonin_synthesis"], 1, rtol=1e-12)
