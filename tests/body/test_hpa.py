"""Stress axis alone: the rest day, a laboratory stressor, chronic load, and the clock."""

import numpy as np
import pytest

from gutbrain.body.hpa import HPA
from gutbrain.model.axis import Axis

DAY = 96  # steps of 15 minutes


@pytest.fixture(scope="module")
def rest(run_alone):
    """Six days without a stressor: the rhythm has settled after four."""
    return run_alone(HPA, {}, 6)


def test_rest_day_has_the_rhythm_of_the_control_profile(rest):
    cortisol = rest["hpa.cortisol"][4 * DAY : 5 * DAY]
    assert cortisol.min() == pytest.approx(1.62, abs=0.01)
    assert cortisol.max() == pytest.approx(13.45, abs=0.01)
    assert cortisol.mean() == pytest.approx(5.65, abs=0.01)
    assert cortisol.argmax() == 31  # 07:45
    assert cortisol.argmin() == 92  # 23:00
    assert rest["hpa.acth"][4 * DAY : 5 * DAY].mean() == pytest.approx(19.0, abs=0.05)


def test_peak_and_lowest_cortisol_lie_in_the_range_of_healthy_people(rest):
    cortisol = rest["hpa.cortisol"][4 * DAY : 5 * DAY]
    assert 11.7 < cortisol.max() < 20.6  # Debono 2009, 95 per cent range
    assert 1.5 < cortisol.min() < 2.5


def test_own_rest_means_are_those_written_beside_the_parameters(rest):
    parameters = Axis(HPA()).parameters
    for signal in ("crh_reference", "acth_reference"):
        mean = rest[f"hpa.{signal}"][4 * DAY : 5 * DAY].mean()
        assert mean == pytest.approx(parameters[f"hpa.{signal}_mean"].value, rel=3e-3)


def test_rest_is_exact_at_every_clock_time(rest):
    assert np.abs(rest["hpa.cortisol_ratio"] - 1).max() < 1e-12
    assert np.abs(rest["hpa.pituitary_mass"] - 1).max() < 1e-12
    assert np.abs(rest["hpa.adrenal_mass"] - 1).max() < 1e-12


def test_social_stress_test_in_the_afternoon(run_alone, rectangle):
    stressed = run_alone(HPA, {"mind.threat": rectangle(4 + 16 / 24, 4 + 16.25 / 24, 1.0)}, 4.9)
    after = slice(4 * DAY + 64, 4 * DAY + 80)
    acth, cortisol = stressed["hpa.acth"][after], stressed["hpa.cortisol"][after]
    assert acth[0] == pytest.approx(17.15, abs=0.05)
    assert acth.max() == pytest.approx(39.8, abs=0.2)
    assert acth.argmax() == 1
    assert cortisol[0] == pytest.approx(5.13, abs=0.02)
    assert cortisol.max() == pytest.approx(7.83, abs=0.03)
    assert cortisol.argmax() in (2, 3)  # 30 to 45 minutes from the onset
    assert stressed["hpa.cortisol_salivary"][after].max() == pytest.approx(7.09, abs=0.05)


def test_awakening_response_is_large_but_late(rest):
    saliva = rest["hpa.cortisol_salivary"][4 * DAY + 28 : 4 * DAY + 36]
    rise = saliva / saliva[0] - 1
    assert rise[2] == pytest.approx(0.40, abs=0.01)
    assert rise[3] == pytest.approx(0.52, abs=0.01)
    assert rise.argmax() == 3  # 45 minutes; measured about 30


@pytest.mark.parametrize(("drive", "evening"), [(0.1, 0.23), (0.2, 0.44), (0.3, 0.64)])
def test_tonic_drive_raises_the_evening_and_spares_the_morning(run_alone, rectangle, rest, drive, evening):
    tired = run_alone(HPA, {"sleep.debt": rectangle(1, 99, drive / 0.12)}, 6)
    change = tired["hpa.cortisol"] / rest["hpa.cortisol"] - 1
    level = tired["hpa.cortisol"][4 * DAY + 72 : 4 * DAY + 92].mean()
    assert level / rest["hpa.cortisol"][4 * DAY + 72 : 4 * DAY + 92].mean() - 1 == pytest.approx(evening, abs=0.01)
    assert 0 < change[4 * DAY + 32] < 0.05


def test_low_grade_interleukin_6_raises_evening_cortisol(run_alone, rectangle, rest):
    inflamed = run_alone(HPA, {"blood.il6": rectangle(1, 99, 2.0)}, 6)
    evening = slice(4 * DAY + 72, 4 * DAY + 92)
    ratio = inflamed["hpa.cortisol"][evening].mean() / rest["hpa.cortisol"][evening].mean()
    assert ratio == pytest.approx(1.41, abs=0.01)


def test_interleukin_6_below_own_rest_does_nothing(run_alone, rectangle, rest):
    calm = run_alone(HPA, {"blood.il6": rectangle(1, 99, -0.5)}, 6)
    assert np.array_equal(calm["hpa.cortisol"], rest["hpa.cortisol"])


def test_glands_grow_under_chronic_load_and_outlast_it(run_alone, rectangle):
    held = run_alone(HPA, {"mind.chronic_load": rectangle(5, 61, 0.3)}, 120)

    def mean(name, day):
        return held[name][day * DAY : (day + 1) * DAY].mean()

    cortisol, acth = mean("hpa.cortisol", 4), mean("hpa.acth", 4)
    assert mean("hpa.cortisol", 7) / cortisol == pytest.approx(1.16, abs=0.02)
    assert mean("hpa.cortisol", 60) / cortisol == pytest.approx(1.23, abs=0.02)
    assert mean("hpa.pituitary_mass", 60) == pytest.approx(1.085, abs=0.01)
    assert mean("hpa.adrenal_mass", 60) == pytest.approx(1.10, abs=0.01)
    # Karin 2020: after the load ACTH lies below rest while cortisol is still above it.
    assert mean("hpa.acth", 89) < acth
    assert mean("hpa.cortisol", 89) > cortisol
    assert mean("hpa.acth", 118) < acth


def test_rhythm_and_awakening_follow_the_own_waking_time(run_alone, rest):
    late = run_alone(HPA, {"sleep.wake_time": 60.0}, 6)
    assert np.allclose(late["hpa.cortisol"][5 * DAY :], rest["hpa.cortisol"][5 * DAY - 4 : -4], rtol=1e-6)


def test_a_shift_of_the_internal_clock_moves_everything_and_leaves_the_ratio(run_alone, rest):
    early = run_alone(HPA, {"sleep.clock_shift": 2.0, "sleep.internal_clock": 120.0}, 6)
    assert np.allclose(early["hpa.cortisol"][5 * DAY : -8], rest["hpa.cortisol"][5 * DAY + 8 :], rtol=1e-6)
    assert np.abs(early["hpa.cortisol_ratio"] - 1).max() < 1e-12


def test_a_drug_counts_as_cortisol_and_silences_acth(run_alone, rectangle, rest):
    treated = run_alone(HPA, {"protocol.hydrocortisone": rectangle(5, 6, 20.0)}, 6)
    assert treated["hpa.cortisol"][5 * DAY] == pytest.approx(rest["hpa.cortisol"][5 * DAY] + 20)
    assert treated["hpa.acth"][-1] < 0.2 * rest["hpa.acth"][-1]


def test_free_and_salivary_cortisol_come_from_the_binding_read_out(rest):
    total = rest["hpa.cortisol"] * 27.59 / 1000
    unbound = 0.0167 + 0.182 * (0.65 - total)
    free = 1000 * (np.sqrt(unbound**2 + 0.0122 * total) - unbound)
    assert np.allclose(rest["hpa.cortisol_free"], free, rtol=1e-9)
    assert np.allclose(rest["hpa.cortisol_salivary"], 0.55 * free, rtol=1e-9)
