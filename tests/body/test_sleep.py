"""Sleep: rest, lost nights, disturbance and the internal clock, against sleep.md."""

import numpy as np
import pytest

from gutbrain.body.sleep import Sleep


def test_rest_is_exact(run_alone):
    seen = run_alone(Sleep, {}, 30)
    for signal in ("sleep.debt", "sleep.clock_shift", "sleep.efficiency", "sleep.duration", "activity.level"):
        assert np.ptp(seen[signal]) < 1e-12, signal
    assert seen["sleep.debt"][-1] == pytest.approx(0, abs=1e-12)
    assert seen["sleep.duration"][0] == pytest.approx(7.2)
    assert seen["sleep.wake_time"][0] == pytest.approx(420)


def test_night_lasts_from_eleven_to_seven(run_alone):
    seen = run_alone(Sleep, {}, 3)
    day = seen["sleep.asleep"][96:192]
    hours = np.arange(96) / 4
    expected = np.where((hours < 7) | (hours >= 23), 0.9, 0.0)
    np.testing.assert_allclose(day, expected, atol=1e-9)
    assert day.sum() / 4 == pytest.approx(7.2)


def test_internal_clock_shows_the_time_of_day(run_alone):
    seen = run_alone(Sleep, {}, 3)
    np.testing.assert_allclose(seen["sleep.internal_clock"][97:191], np.arange(97, 191) * 15 - 1440, atol=1e-6)


def test_one_night_without_sleep_and_one_to_recover(run_alone, rectangle):
    seen = run_alone(Sleep, {"protocol.sleep_restriction": rectangle(0.5, 1.5)}, 3.5)
    debt = dict(zip(np.round(seen["time"] * 4), seen["sleep.debt"], strict=True))
    assert debt[6] == pytest.approx(1.0, abs=1e-9)
    assert debt[10] == pytest.approx(np.exp(-0.9 * 8 / 12), rel=1e-6)
    assert debt[10] == pytest.approx(0.55, abs=0.005)


def test_five_half_nights_leave_a_debt_of_1_3(run_alone, rectangle):
    seen = run_alone(Sleep, {"protocol.sleep_restriction": rectangle(0.5, 5.5, 0.5)}, 6)
    assert seen["sleep.debt"][round(5.5 * 96)] == pytest.approx(1.3, abs=0.05)


def test_half_a_night_missed_is_half_a_debt(run_alone, rectangle):
    seen = run_alone(Sleep, {"protocol.sleep_restriction": rectangle(0.5, 1.5, 0.5)}, 1.5)
    payback = 0.5 * 8 * 0.45 / 12 / 2
    assert seen["sleep.debt"][-1] == pytest.approx(0.5 - payback, abs=0.01)


@pytest.mark.parametrize(
    ("levers", "disturbance"),
    [
        ({"mind.rumination": 14.0}, 0.05),
        ({"mind.chronic_load": 0.5}, 0.10 * np.log(1.5)),
        ({"enteric.pain": 2.0}, 0.06),
        ({"protocol.activity": 0.5}, -0.01),
        ({"blood.il6": 2.0}, 0.0),
    ],
)
def test_disturbances(run_alone, levers, disturbance):
    seen = run_alone(Sleep, levers, 1)
    assert seen["sleep.efficiency"][-1] == pytest.approx(0.9 * np.exp(-disturbance), rel=1e-9)


def test_sleep_never_fills_more_than_the_window(run_alone):
    seen = run_alone(Sleep, {"mind.rumination": -26.0, "protocol.activity": 4.0}, 1)
    assert seen["sleep.efficiency"].max() <= 1


def test_shift_moves_clock_and_window_together(run_alone):
    seen = run_alone(Sleep, {"protocol.clock_shift": 6.0}, 40)
    shift = seen["sleep.clock_shift"]
    assert shift[96] == pytest.approx(6 * (1 - np.exp(-0.2)), rel=1e-6)
    assert shift[-1] == pytest.approx(6, abs=0.01)
    last = slice(-97, -1)
    asleep = seen["sleep.asleep"][last] > 0.45
    internal = seen["sleep.internal_clock"][last]
    # A shift of +6 h sends the person to bed at 17:00 wall time, which is 23:00 inside.
    inside = (internal < 420 - 10) | (internal > 1380 + 10)
    assert np.all(asleep[inside])
    assert seen["sleep.debt"][-1] == pytest.approx(0, abs=1e-9)


def test_chronotype_moves_bed_and_wake_time_together(run_alone):
    seen = run_alone(Sleep, {}, 2, parameters={"sleep.chronotype": 60.0})
    assert seen["sleep.wake_time"][0] == pytest.approx(480)
    assert seen["sleep.asleep"][:96].sum() / 4 == pytest.approx(7.2)
    assert seen["sleep.asleep"][round(7.5 * 4)] == pytest.approx(0.9)
    assert seen["sleep.asleep"][round(23.5 * 4)] == pytest.approx(0)


def test_draws_stay_on_the_grid_of_the_step():
    normal = np.random.default_rng(0).standard_normal(500)
    assert np.all(Sleep.chronotype.between.around(0, normal) % 15 == 0)
    assert np.all(Sleep.night.between.around(8, normal) * 4 % 1 == 0)
