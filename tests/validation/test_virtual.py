"""Virtual trials of lives whose truth is known: what they report on average, and how much they scatter."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gutbrain.validation.designs import Design
from gutbrain.validation.lives import Lives
from gutbrain.validation.virtual import hold, true_effects

PEOPLE, WORLDS, DAYS = 400, 3, 141
EFFECTS = (0.0, -6.0, -12.0)  # points, by world
SD = 12.0


@pytest.fixture(scope="module")
def lives() -> Lives:
    generator = np.random.default_rng(5)
    base = np.tile(30 + SD * generator.standard_normal(PEOPLE), WORLDS)
    shift = np.repeat(EFFECTS, PEOPLE)
    flat = np.ones((DAYS, 1))
    day = np.arange(DAYS)[:, None]
    affect = {"none": flat * base, "course": base + np.where(day > 0, shift, 0.0)}
    stays = (np.arange(PEOPLE * WORLDS) % 5 != 0).astype(float)  # one in five leaves
    there = np.where(day > 20, stays, 1.0)
    daily = {arm: {"mind.negative_affect": values, "mind.practice_minutes": flat * (27 + 0 * base)}
             for arm, values in affect.items()}  # fmt: skip
    cohort = SimpleNamespace(worlds=WORLDS, people=PEOPLE, size=PEOPLE * WORLDS, seed=3)
    return Lives(cohort, daily, {"none": np.ones_like(there), "course": there}, {}, np.zeros(PEOPLE * WORLDS, bool))


def course(**changes) -> Design:
    usual = {"finding": "test", "arm": "course", "against": ("none",), "outcome": ("distress",), "day": 56, "trials": 4}
    return Design(**(usual | changes))


def test_trials_report_the_standardised_difference(lives):
    found = hold(lives, course(), people=1600, replicates=60)
    observed = SD / np.sqrt(0.834)  # the questionnaire adds its error
    assert found.effect == pytest.approx(np.array(EFFECTS) / observed, abs=0.06)


def test_the_scatter_of_trials_is_the_error_they_print(lives):
    found = hold(lives, course(), people=400, replicates=300)
    assert found.draws.std(axis=1).mean() == pytest.approx(found.error, rel=0.12)
    assert found.error == pytest.approx(np.sqrt(4 / (400 * 0.9)), rel=0.05)  # a fifth of one arm has left


def test_chance_alone_is_significant_in_one_trial_of_twenty(lives):
    found = hold(lives, course(trials=1), people=200, replicates=800)
    errors = np.abs(found.draws[0]) / found.error
    assert (errors > 1.96).mean() == pytest.approx(0.05, abs=0.025)
    assert found.significant > 0.5  # the other two worlds have an effect


def test_the_same_people_before_and_after(lives):
    found = hold(lives, course(against=("itself",), estimate="change SMD", trials=1), people=300, replicates=100)
    # Of these very people, not of the population they were drawn from.
    spread = lives.daily["none"]["mind.negative_affect"][0].std() / np.sqrt(0.834)
    assert found.effect == pytest.approx(np.array(EFFECTS) / spread, abs=0.002)
    apart = hold(lives, course(trials=1), people=300, replicates=100)
    assert found.error < 0.6 * apart.error


def test_endless_trials_with_known_spreads(lives):
    assert true_effects(lives, course(), {("test", "distress"): SD}) == pytest.approx(
        np.array(EFFECTS) / SD, abs=0.12  # who stays is not quite who began
    )  # fmt: skip


def test_who_has_left_is_counted_and_not_measured(lives):
    found = hold(lives, course(outcome=("drop-out",), estimate="share", against=("itself",), trials=1), people=2000)
    assert found.effect == pytest.approx(20.0, abs=1.0)


def test_lost_people_are_not_recruited(lives):
    lost = np.zeros(PEOPLE * WORLDS, bool)
    lost[:PEOPLE] = np.arange(PEOPLE) % 2 == 0
    poisoned = {arm: dict(table) for arm, table in lives.daily.items()}
    poisoned["course"]["mind.negative_affect"] = np.where(lost, 1e6, lives.daily["course"]["mind.negative_affect"])
    spoiled = Lives(lives.cohort, poisoned, lives.present, {}, lost)
    assert abs(hold(spoiled, course(), people=400).effect[0]) < 0.3


def test_the_same_seed_gives_the_same_trials(lives):
    first, again = (hold(lives, course(), people=200, seed=7).draws for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, hold(lives, course(), people=200, seed=8).draws)
