"""Calibration: an ensemble finds a posterior that is known, and never reads what is to be predicted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gutbrain.body.whole import AXES
from gutbrain.errors import InputError
from gutbrain.evidence.findings import findings
from gutbrain.fit.calibration import calibrate as module
from gutbrain.fit.calibration.calibrate import calibrate, leave_out
from gutbrain.fit.calibration.data import data, simulated
from gutbrain.fit.calibration.ensemble import STEPS, localisation, update
from gutbrain.fit.calibration.kept import ACCOUNT, read_posterior, write_posterior
from gutbrain.fit.calibration.unknowns import Unknowns
from gutbrain.people.cohort import Cohort

LEVERS = ("protocol.nonspecific_target",)


@pytest.fixture(scope="module")
def axis():
    return AXES["standard"]()


@pytest.fixture(scope="module")
def unknowns(axis):
    return Unknowns.of(axis, LEVERS)


def test_a_linear_posterior_is_found():
    """Two numbers, three data: mean and spread against the closed form."""
    generator = np.random.default_rng(2)
    slope = np.array([[1.0, 0.5], [0.0, 2.0], [1.0, -1.0]])
    observed, error = np.array([1.0, -1.0, 2.0]), np.array([0.5, 1.0, 0.8])
    precision = np.eye(2) + slope.T @ np.diag(error**-2) @ slope
    exact = np.linalg.solve(precision, slope.T @ (observed / error**2))
    numbers = generator.standard_normal((4000, 2))
    for _ in range(STEPS):
        numbers = update(numbers, numbers @ slope.T, observed, error, STEPS, generator, localise=False)
    assert numbers.mean(axis=0) == pytest.approx(exact, abs=0.04)
    assert np.cov(numbers.T) == pytest.approx(np.linalg.inv(precision), abs=0.03)


def test_gains_of_chance_are_shrunken_and_true_ones_kept():
    generator = np.random.default_rng(3)
    numbers = generator.standard_normal((60, 200))
    outputs = numbers[:, :1] + 0.1 * generator.standard_normal((60, 1))
    kept = localisation(numbers, outputs)[:, 0]
    assert kept[0] == 1.0
    assert kept[1:].mean() < 0.02
    moved = update(numbers, outputs, np.array([2.0]), np.array([0.1]), 1.0, generator)
    assert moved[:, 0].mean() == pytest.approx(2.0, abs=0.2)
    assert np.abs(moved[:, 1:].mean(axis=0) - numbers[:, 1:].mean(axis=0)).mean() < 0.02


def test_only_findings_marked_calibrate_are_fitted():
    use = dict(findings().select("id", "use").iter_rows())
    goal = data()
    assert {use[name] for name in goal.findings} == {"calibrate"}
    assert {use[name] for name in goal.left_out} <= {"calibrate"}
    assert set(goal.findings) | set(goal.left_out) == set(simulated("calibrate"))
    assert (goal.error > 0).all() and np.isfinite(goal.observed).all()


def test_findings_that_one_trial_answers_share_its_weight():
    goal = data()
    place = {name: number for number, name in enumerate(goal.findings)}
    alone = (0.64 - 0.12) / 3.919928
    shared = goal.error[place["MIN-1 anxiety 8 weeks"]]
    assert shared > 1.7 * np.hypot(alone, 0.1)  # anxiety and depression, two times each


def test_beliefs_travel_from_numbers_to_people(axis, unknowns):
    numbers = unknowns.draw(4, seed=1)
    assert numbers.shape == (4, len(unknowns.labels))
    cohort = Cohort.draw(axis, 2, 4, 1, beliefs=unknowns.beliefs(numbers))
    for world in range(4):
        values = unknowns.values(numbers[world])
        for name in ("affect.inflammation_gain", "colon.endotoxin_weight", "affect.scfa_gain"):
            if axis.parameters[name].between is None:
                drawn = cohort.parameters[name]
                column = drawn if drawn.shape[-1] == 1 else drawn[..., [2 * world]]
                assert column == pytest.approx(values[name])


def test_closed_strengths_open_only_when_asked(axis):
    opened, left = Unknowns.of(axis, LEVERS), Unknowns.of(axis, LEVERS, closed=False)
    closed = {name for name, param in axis.parameters.items() if param.closed and param.belief is not None}
    assert closed <= set(opened.names) and not closed & set(left.names)
    assert "act protocol.nonspecific_target" in opened.names


def test_worlds_stay_within_the_limits_of_the_axis(axis, unknowns):
    sound = unknowns.draw(1, seed=1)
    wild = sound.copy()
    gain = [place for place, label in enumerate(unknowns.labels)
            if label.startswith(("barrier.inflammation_permeability_gain", "immune.translocation_floor"))]  # fmt: skip
    wild[:, gain] = [6.0 if "gain" in unknowns.labels[place] else -6.0 for place in gain]
    found, pulled = unknowns.within_limits(wild, sound)
    values = unknowns.values(found[0])
    assert all((limit.measure(values) <= limit.below).all() for limit in axis.limits)
    broken = any((limit.measure(unknowns.values(wild[0])) > limit.below).any() for limit in axis.limits)
    assert pulled == int(broken)


@pytest.fixture(scope="module")
def fitted(axis):
    """A calibration of a linear stand-in: every finding hangs on two beliefs, the truth is known."""
    goal = data()
    generator = np.random.default_rng(4)
    slope = generator.uniform(0.2, 0.6, (2, len(goal.findings)))
    seen: list[set[str]] = []

    def forward(axis, unknowns, numbers, people, seed, chosen, spread, *_):
        seen.append(set(chosen))
        places = [unknowns.labels.index(name) for name in ("affect.inflammation_gain", "affect.pain_gain")]
        found = numbers[:, places] @ slope
        return np.where(numbers[:, :1] > 2.4, np.nan, found)  # worlds in which nobody is left

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "forward", forward)
        patch.setattr(module, "population_spreads", lambda *_: {})
        made = calibrate(axis, worlds=64, people=2, seed=3)
    return made, seen


def test_the_loop_reads_only_what_it_may_and_moves_what_matters(fitted):
    made, seen = fitted
    ahead = set(simulated("predict"))
    assert len(seen) == STEPS + 1 and not any(one & ahead for one in seen)
    top = made.moved["parameter"].to_list()[:2]
    assert set(top) == {"affect.inflammation_gain", "affect.pain_gain"}
    before = ((made.prior_effects.mean(axis=0) - made.data.observed) / made.data.error) ** 2
    after = ((made.posterior_effects.mean(axis=0) - made.data.observed) / made.data.error) ** 2
    assert after.mean() < before.mean()


def test_each_pathway_is_left_out_once(fitted):
    made, _ = fitted
    assert sorted(made.left_out["finding"]) == sorted(made.data.findings)
    assert set(made.left_out["pathway"]) == set(made.data.pathways)
    spoiled = made.data.observed.copy()
    out = np.array([one == "barrier" for one in made.data.pathways])
    spoiled[out] += 50
    again = leave_out(type(made.data)(made.data.findings, made.data.pathways, spoiled, made.data.error, {}),
                      made.prior_effects, made.seed)  # fmt: skip
    same = made.left_out.filter(pathway="barrier")["after"].to_numpy()
    assert again.filter(pathway="barrier")["after"].to_numpy() == pytest.approx(same)


def test_a_posterior_is_read_as_it_was_written(fitted, axis, tmp_path):
    made, _ = fitted
    write_posterior(made, tmp_path, "gutbrain calibrate")
    kept = read_posterior(tmp_path, axis)
    assert kept.worlds == 64 and kept.account["seed"] == 3 and len(kept.account["date"]) == 10
    assert kept.account["data_hash"] and kept.account["split_hash"] and kept.account["prior_hash"]
    assert kept.beliefs["affect.pain_gain"].shape == (64, 1)
    assert len(kept.some(8)["affect.pain_gain"]) == 8
    with pytest.raises(InputError, match="64 worlds, not 65"):
        kept.some(65)


@pytest.mark.parametrize("key, said", [("prior_hash", "another axis"), ("split_hash", "another split")])
def test_a_posterior_of_something_else_is_refused(fitted, axis, tmp_path, key, said):
    made, _ = fitted
    write_posterior(made, tmp_path, "")
    account = json.loads((tmp_path / ACCOUNT).read_text())
    (tmp_path / ACCOUNT).write_text(json.dumps(account | {key: "x"}))
    with pytest.raises(InputError, match=said):
        read_posterior(tmp_path, axis)


def test_what_is_no_posterior_is_refused(axis, tmp_path):
    with pytest.raises(InputError, match="no posterior"):
        read_posterior(tmp_path / "nothing", axis)


@pytest.mark.parametrize("few, said", [({"worlds": 3}, "too few"), ({"people": 1}, "one in a world")])
def test_too_few_are_refused(axis, few, said):
    with pytest.raises(InputError, match=said):
        calibrate(axis, **few)
