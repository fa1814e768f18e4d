"""Appraisal and affect: rest, stability, what moves levels and what must not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gutbrain.model.compartment import Events

BLOCK = ("mind.negative_affect", "mind.positive_affect", "mind.rumination")


def reading(axis, levers=None, **states):
    """Read the equations at the start state, with some states and levers moved."""
    parameters = axis.defaults()
    y = axis.start(parameters)
    for name, value in states.items():
        y[axis.rows.index(f"mind.{name}")] = value
    clock = {"clock.time": 0.0, "clock.step_start": 0.0, "clock.step": 0.0}
    return axis.read(jnp.asarray(y), axis.coherent(parameters), clock | (levers or {}))


def test_affect_rests_at_trait_plus_the_shifts_of_ordinary_life(run_mind):
    rest = run_mind({}, 12)
    assert rest["mind.stressor"] == pytest.approx(np.full(12 * 96 + 1, 0.1416436), abs=1e-7)
    assert rest["mind.allostatic_load"] == pytest.approx(np.full(12 * 96 + 1, 0.2), abs=1e-9)
    assert rest["mind.negative_affect"][-1] == pytest.approx(18 + 1.47766477, abs=1e-5)
    assert rest["mind.positive_affect"][-1] == pytest.approx(55 - 1.08783884, abs=1e-5)
    assert rest["mind.rumination"][-1] == pytest.approx(25 + 1.44092725, abs=1e-5)
    # Reference rest values are written with two decimals; settling puts in the person's own.
    assert abs(rest["mind.negative_affect_z"][-1]) < 1e-3
    assert rest["mind.attention"][-1] == pytest.approx(50, abs=1e-3)


def test_rest_reaches_the_body_as_nothing(mind_axis):
    rest = reading(mind_axis)
    for signal, value in {
        "mind.threat": 0, "mind.threat_rating": 0, "mind.chronic_load": 1, "mind.anxiety_z": 0, "mind.depression_z": 0,
        "mind.practice_minutes": 0, "mind.mindfulness_state": 0,
    }.items():  # fmt: skip
        assert rest.declared(signal) == pytest.approx(value, abs=1e-12), signal


@pytest.mark.parametrize("skill", [0.0, 1.5])
def test_affect_block_is_stable_and_practice_leaves_its_dynamics(skill, mind_axis):
    axis = mind_axis
    rows = [axis.rows.index(name) for name in BLOCK]
    parameters = axis.coherent(axis.defaults())
    start = axis.start(axis.defaults())
    start[axis.rows.index("mind.skill")] = skill
    clock = {"clock.time": 0.0, "clock.step_start": 0.0, "clock.step": 0.0}

    def rates(y):
        return axis.read(y[:, None], parameters, clock).vector()[:, 0]

    jacobian = np.asarray(jax.jacfwd(rates)(jnp.asarray(start[:, 0])))[np.ix_(rows, rows)] / 24
    assert sorted(np.linalg.eigvals(jacobian).real) == pytest.approx([-0.89, -0.57, -0.34], abs=0.005)


def test_a_median_hassle_is_felt_but_starts_no_bodily_response(mind_axis):
    felt = reading(mind_axis, stressor=1.0)
    assert felt.declared("mind.threat")[0] == 0
    assert felt.declared("mind.appraised_stress")[0] == pytest.approx(1)
    assert felt.declared("mind.threat_rating")[0] > 2


def test_public_speech_is_one_and_skill_shrinks_it(mind_axis):
    speech = {"protocol.threat": 1.0}
    assert reading(mind_axis, speech).declared("mind.threat")[0] == pytest.approx(1)
    assert reading(mind_axis, speech).declared("mind.threat_rating")[0] == pytest.approx(10)
    assert reading(mind_axis, speech, skill=1.0).declared("mind.threat")[0] == pytest.approx(np.exp(-0.35))


def test_load_of_affect_and_rumination_on_the_stress_axis_is_closed(mind_axis):
    upset = reading(mind_axis, affect_daily_z=3.0, rumination_daily_z=3.0, allostatic_load=0.8)
    assert upset.declared("mind.chronic_load")[0] == 1


@pytest.mark.parametrize(("times", "points"), [(2, 1.1), (10, 3.7), (130, 8)])
def test_negative_affect_follows_interleukin_6(run_mind, times, points):
    inflamed = run_mind({"blood.il6": 1.2 * (times - 1)}, 3)
    calm = run_mind({}, 3)
    change = inflamed["mind.negative_affect"][-1] - calm["mind.negative_affect"][-1]
    assert change == pytest.approx(4 * np.log10(times), rel=1e-6)
    assert change == pytest.approx(points, rel=0.2)


def test_twice_the_daily_events_raise_affect_and_rumination(run_mind):
    busy, calm = run_mind({"protocol.event_rate": 1.0}, 57), run_mind({}, 57)
    assert busy["mind.negative_affect"][-1] - calm["mind.negative_affect"][-1] == pytest.approx(2.84, abs=0.02)
    assert busy["mind.rumination"][-1] - calm["mind.rumination"][-1] == pytest.approx(1.44, abs=0.02)
    assert busy["mind.threat"].max() == 0


@pytest.mark.parametrize(
    ("shape", "points"),
    [
        (lambda hour: 1.0 * (0 <= hour < 0.25), 3.1),
        (lambda hour: 0.0 if hour < 0 else (1.0 if hour < 0.5 else float(np.exp(-(hour - 0.5) / 0.4))), 7.9),
    ],
    ids=["social stress test", "public speech"],
)
def test_laboratory_stress_raises_affect(run_mind, shape, points):
    def threat(time):
        # Levers are held at their mean over the step of 15 minutes.
        begin = np.round((time - 2.5) * 96 - 0.5) / 4
        return np.array([np.mean([shape(hour + (part + 0.5) / 24) for part in range(6)]) for hour in begin])

    stressed, calm = run_mind({"protocol.threat": threat}, 3), run_mind({}, 3)
    change = stressed["mind.negative_affect"] - calm["mind.negative_affect"]
    assert change.max() == pytest.approx(points, abs=0.15)


def test_one_lost_night_costs_three_points_of_level_and_ten_of_attention(mind_axis):
    tired = reading(mind_axis, {"sleep.debt": 1.0})
    rested = reading(mind_axis)
    assert (tired.declared("mind.anxiety_z") - rested.declared("mind.anxiety_z"))[0] * 12 / 0.25 == pytest.approx(3)
    assert (tired.declared("mind.attention") - rested.declared("mind.attention"))[0] == pytest.approx(-10)


def test_drawn_events_replace_their_mean(mind_axis):
    axis = mind_axis
    parameters = axis.coherent(axis.defaults())
    y = jnp.asarray(axis.start(axis.defaults()))
    row = axis.rows.index("mind.stressor")
    event = axis.part("appraisal").members(Events)["daily_events"]
    total = 0.0
    for step in range(96):
        clock = {"clock.time": step / 96, "clock.step_start": step / 96, "clock.step": 1 / 96, "run.noise": 1.0}
        drawn = axis.read(y, parameters, clock)
        rate, median, log_sd = getattr(drawn.views["appraisal"], event.name)
        total += float(np.ravel(rate * median * np.exp(log_sd**2 / 2))[0]) / 96
        assert drawn.vector()[row, 0] == pytest.approx(-y[row, 0] * 16)
    assert total == pytest.approx(2 * np.exp(0.125))


def test_levels_stay_on_the_scale(mind_axis):
    axis = mind_axis
    parameters = axis.defaults() | {"affect.trait_negative_affect": np.array([2.0])}
    y = axis.start(parameters)
    for name, value in {"negative_affect": 0.0, "skill": 2.0, "nonspecific_gain": 10.0}.items():
        y[axis.rows.index(f"mind.{name}")] = value
    clock = {"clock.time": 0.0, "clock.step_start": 0.0, "clock.step": 0.0}
    rates = axis.read(jnp.asarray(y), axis.coherent(parameters), clock).vector()
    assert rates[axis.rows.index("mind.negative_affect"), 0] > 0


def test_no_signal_of_the_gut_reaches_threat(mind_axis):
    heard = {wire.signal for wire in mind_axis.wires.values() if wire.listener == "appraisal"}
    assert all(signal.partition(".")[0] in ("mind", "protocol", "clock", "run") for signal in heard)
    assert "blood.crp" not in {wire.signal for wire in mind_axis.wires.values()}
