"""Practice: what a course builds, what fades, and what an arm without practice gives."""

import jax.numpy as jnp
import numpy as np
import pytest

COURSE = {"protocol.practice_assigned": 45.0, "protocol.course_running": 1.0}
MOOD = "mind.affect_weekly_z -> practice"
CONTACT = {"protocol.course_running": 1.0, "protocol.nonspecific_target": 2.4}


def held_until(day, before, after=None):
    """Return levers that are held up to a day, and others (or rest) from then on."""
    after = after or {}
    names = {*before, *after}

    def lever(name):
        return lambda time: np.where(time < day, before.get(name, 0.0), after.get(name, 0.0))

    return {name: lever(name) for name in names}


def test_without_assignment_nothing_happens(run_mind):
    rest = run_mind({}, 30, MOOD)
    for name in ("skill", "habit", "nonspecific_gain", "practice_kept", "practice_minutes", "mindfulness_state"):
        assert not rest[f"mind.{name}"].any(), name


def test_eight_weeks_of_a_course(run_mind):
    course = run_mind(COURSE, 56, MOOD)
    assert course["mind.skill"][-1] == pytest.approx(0.93, abs=0.01)
    assert course["mind.practice_minutes"][-1] == pytest.approx(30, abs=1)
    assert 0.6 < course["mind.practice_minutes"].mean() / 45 < 0.69  # Parsons 2017, interval of home practice
    assert course["mind.mindfulness_state"] == pytest.approx(0.004 * course["mind.practice_minutes"])


def test_skill_and_expectancy_fade_after_the_course(run_mind):
    after = run_mind(held_until(56, COURSE | CONTACT), 127, MOOD)
    end, later = 56 * 96, 126 * 96
    assert after["mind.skill"][later] / after["mind.skill"][end] == pytest.approx(np.exp(-0.7), rel=1e-3)
    gain = after["mind.nonspecific_gain"]
    assert gain[7 * 96] == pytest.approx(2.4 * (1 - np.exp(-1)), rel=1e-3)
    assert gain[later] / gain[end] == pytest.approx(np.exp(-0.7), rel=1e-3)


def test_practice_drops_when_the_course_ends(run_mind):
    levers = held_until(56, COURSE, {"protocol.practice_assigned": 20.0})
    kept = run_mind(levers, 60, MOOD)["mind.practice_minutes"]
    assert kept[-1] == pytest.approx(6, abs=4)
    assert kept[-1] < 0.3 * kept[55 * 96]


def test_practice_that_does_not_train_builds_habit_but_no_skill(run_mind):
    walk = run_mind(COURSE | {"protocol.practice_builds_skill": -1.0}, 30, MOOD)
    assert not walk["mind.skill"].any()
    assert walk["mind.habit"][-1] > 0.4


def test_low_mood_keeps_from_practice(mind_axis):
    parameters = mind_axis.defaults()
    y = np.repeat(mind_axis.start(parameters), 2, axis=1)
    y[mind_axis.rows.index("mind.affect_weekly_z")] = [0.0, 2.0]
    clock = {"clock.time": 0.0, "clock.step_start": 0.0, "clock.step": 0.0}
    kept = mind_axis.read(jnp.asarray(y), mind_axis.coherent(parameters), clock | COURSE).declared("mind.practice_kept")
    logit = np.log(kept / (1 - kept))
    assert logit[0] == pytest.approx(-1.7 + 3)
    assert logit[1] - logit[0] == pytest.approx(-0.6)


def test_course_lowers_affect_more_than_contact_and_expectancy(run_mind):
    rest = run_mind({}, 57)
    contact = run_mind(CONTACT, 57)
    course = run_mind(COURSE | CONTACT, 57)

    def change(arm, name):
        return arm[f"mind.{name}"][-1] - rest[f"mind.{name}"][-1]

    assert change(contact, "negative_affect") == pytest.approx(-2.4, abs=0.01)
    assert change(course, "negative_affect") == pytest.approx(-6.13, abs=0.05)
    assert change(course, "rumination") == pytest.approx(-6.08, abs=0.05)
    # Specific effect in between-person SD, against an active control: MIN-1, 0.38 (0.12 to 0.64).
    assert 0.12 < (change(contact, "negative_affect") - change(course, "negative_affect")) / 12 < 0.64
