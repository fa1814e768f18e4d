"""Simulated series have the moments that the model says, in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.stats import norm

from gutbrain.errors import InputError
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.plain import at_rest, exponential, full_of, matrices, own_of, spread_factor, steps
from gutbrain.fit.coupling.simulate import design, draw, simulate

GUT, MIND = Process("gut", "gut"), Process("mind", "mind")
DRIFT = np.array([[-0.5, 0.1], [0.3, -0.8]])
NOISE = np.array([[1.0, 0.3], [0.3, 0.6]])


def vector(model: CouplingModel, **given: float) -> np.ndarray:
    """Return free parameters from natural values by name; 1 for what is positive and 0 for the rest by default."""
    made = []
    for name in model.free_names:
        one = next(one for one in model.parameters if one.name == name)
        usual = {"identity": 0.0, "log": 1.0, "negative": -1.0, "tanh": 0.0}[one.transform]
        made.append(one.raw(given.get(name, usual)))
    return np.array(made)


def two(**changes: object) -> CouplingModel:
    shown = (Indicator("g", {"gut": 1.0}), Indicator("m", {"mind": 1.0}))
    return CouplingModel((GUT, MIND), **({"indicators": shown} | changes))


def dynamics() -> dict[str, float]:
    correlation = NOISE[0, 1] / np.sqrt(NOISE[0, 0] * NOISE[1, 1])
    names = ("gut", "mind")
    drift = {f"drift[{to}, {by}]": DRIFT[i, j] for i, to in enumerate(names) for j, by in enumerate(names)}
    return drift | {"noise[gut]": NOISE[0, 0] ** 0.5, "noise[mind]": NOISE[1, 1] ** 0.5,
                    "noise_correlation[mind, gut]": correlation}  # fmt: skip


def test_steps_are_those_of_quadrature_and_scipy() -> None:
    # The last one neither returns nor has an inverse.
    drift = np.stack([DRIFT, DRIFT, DRIFT, [[0.2, 0.0], [0.1, 0.0]]])
    gaps = np.array([1e-4, 0.3, 12.0, 2.0])
    made = steps(drift, np.tile(NOISE, (4, 1, 1)), gaps)
    grid, weights = np.polynomial.legendre.leggauss(24)
    for case, gap in enumerate(gaps):
        np.testing.assert_allclose(made.transition[case], expm(drift[case] * gap), rtol=1e-10, atol=1e-14)
        course = expm(drift[case] * (gap * (grid + 1) / 2)[:, None, None])
        covariance = sum(w * gap / 2 * one @ NOISE @ one.T for w, one in zip(weights, course, strict=True))
        integrated = sum(w * gap / 2 * one for w, one in zip(weights, course, strict=True))
        np.testing.assert_allclose(made.covariance[case], covariance, rtol=1e-8)
        np.testing.assert_allclose(made.integrated[case], integrated, rtol=1e-8)
    np.testing.assert_allclose(exponential(drift * gaps[:, None, None]), made.transition, rtol=1e-10, atol=1e-14)


def test_rest_is_that_of_lyapunov_and_none_without_return() -> None:
    found = at_rest(np.stack([DRIFT, -DRIFT]), np.stack([NOISE, NOISE]))
    np.testing.assert_allclose(found[0], solve_continuous_lyapunov(DRIFT, -NOISE), rtol=1e-10)
    assert np.isnan(found[1]).all()


def test_matrices_are_those_of_the_values_given() -> None:
    model = two(varying=("mean[g]", "mean[m]", "drift[mind, gut]"), predictors=("age",), moderated=("mean[g]",))
    spread = {"spread[drift[mind, gut]]": 0.1, "spread[mean[g]]": 2.0, "spread[mean[m]]": 0.5,
              "spread_correlation[mean[g], drift[mind, gut]]": 0.4,
              "spread_correlation[mean[m], mean[g]]": 0.2}  # fmt: skip
    free = vector(model, **dynamics(), **spread, **{"predictor[mean[g], age]": 0.7, "mean[g]": 3.0, "error[m]": 0.5})
    full = full_of(model, free)
    factor = spread_factor(model, full)[0]
    np.testing.assert_allclose(np.sqrt(np.diag(factor @ factor.T)), [0.1, 2.0, 0.5], rtol=1e-12)
    np.testing.assert_allclose((factor @ factor.T)[0, 1], 0.4 * 0.1 * 2.0, rtol=1e-12)
    made = matrices(model, own_of(model, full, np.array([[2.0]]), np.array([[1.0, 0.0, 0.0]])))
    np.testing.assert_allclose(made.drift[0], DRIFT + np.array([[0, 0], [0.1, 0]]), rtol=1e-12)
    np.testing.assert_allclose(made.noise[0], NOISE, rtol=1e-12)
    np.testing.assert_allclose(made.mean[0], [3.0 + 1.4 + 0.8, factor[2, 0]], rtol=1e-12)
    np.testing.assert_allclose(made.error[0], [1.0, 0.25], rtol=1e-12)


def test_moments_of_states_and_indicators() -> None:
    model = two(varying=("mean[g]",))
    free = vector(model, **dynamics(), **{"error[g]": 0.5, "mean[m]": 2.0, "spread[mean[g]]": 1.5})
    panel = design(6000, 3, 0.7, irregular=False, model=model)
    panel = replace(panel, known_variance=np.tile([0.0, 0.3], (len(panel.time), 1)))
    made, state, _ = draw(model, free, panel, seed=1)
    rest = solve_continuous_lyapunov(DRIFT, -NOISE)
    first, last = state[0::3], state[2::3]
    error = 4 / np.sqrt(6000)
    for part in (first, last):
        np.testing.assert_allclose(part.T @ part / 6000, rest, atol=2 * error)
    np.testing.assert_allclose(last.T @ first / 6000, expm(DRIFT * 1.4) @ rest, atol=2 * error)
    assert made.values[:, 0].var() == pytest.approx(rest[0, 0] + 0.25 + 1.5**2, rel=0.06)
    assert made.values[:, 1].var() == pytest.approx(rest[1, 1] + 1.0 + 0.3, rel=0.06)
    assert made.values[:, 1].mean() == pytest.approx(2.0, abs=error)
    # What varies between people only is common to his occasions.
    between = np.cov(made.values[0::3, 0] - first[:, 0], made.values[2::3, 0] - last[:, 0])
    assert between[0, 1] == pytest.approx(1.5**2, rel=0.1)


def test_ordinal_and_count_indicators_have_their_probabilities() -> None:
    mood = Indicator("item", {"mind": 1.0}, "ordinal", 3)
    taxon = Indicator("taxon", {"gut": 1.0}, "count")
    plain = Indicator("stool", {}, "count", error=False)
    model = two(indicators=(mood, taxon, plain))
    free = vector(model, **dynamics(), **{"threshold[item, 1]": -0.4, "threshold[item, 2]": 1.1, "mean[taxon]": 0.2,
                                          "error[taxon]": 0.5, "mean[stool]": 0.4})  # fmt: skip
    panel = design(8000, 1, model=model)
    panel = replace(panel, offset=np.tile([0.0, 1.0, 0.0], (8000, 1)))
    values = simulate(model, free, panel, 3).values
    rest = solve_continuous_lyapunov(DRIFT, -NOISE)
    spread = np.sqrt(rest[1, 1] + 1)
    expected = np.diff(np.r_[0, norm.cdf(np.array([-0.4, 0.7]) / spread), 1])
    np.testing.assert_allclose(np.bincount(values[:, 0].astype(int)) / 8000, expected, atol=0.025)
    assert np.log(values[:, 1].mean()) == pytest.approx(1.2 + (rest[0, 0] + 0.25) / 2, abs=0.12)
    assert values[:, 2].mean() == pytest.approx(np.exp(0.4), rel=0.04)
    assert values[:, 2].var() == pytest.approx(np.exp(0.4), rel=0.1)


def test_inputs_move_the_state_as_the_equations_say() -> None:
    model = two(impulses=("session",), levels=("diet",), intercepts="process", initial="free", trend=True)
    quiet = {"noise[gut]": 1e-9, "noise[mind]": 1e-9, "error[g]": 1e-9, "error[m]": 1e-9,
             "initial_sd[gut]": 1e-9, "initial_sd[mind]": 1e-9}  # fmt: skip
    free = vector(model, **(dynamics() | quiet | {
        "impulse[mind, session]": 2.0, "level[gut, diet]": 0.4, "intercept[gut]": 0.2, "initial_mean[gut]": 1.0,
        "trend[mind]": 0.1}))  # fmt: skip
    panel = design(2, [3, 2], model=model)
    impulses, levels = np.zeros((5, 1)), np.zeros((5, 1))
    impulses[1], levels[1] = 1.0, 1.0
    panel = replace(panel, time=np.array([0.0, 1.0, 3.0, 0.0, 1.5]), impulses=impulses, levels=levels)
    values = simulate(model, free, panel, 1).values
    push, undone = np.array([0.2, 0.0]), np.linalg.inv(DRIFT)
    state = [np.array([1.0, 0.0])]
    for gap, kick, flow in ((1.0, 2.0, 0.0), (2.0, 0.0, 0.4)):
        move = expm(DRIFT * gap)
        state.append(
            move @ state[-1] + undone @ (move - np.eye(2)) @ (push + np.array([flow, 0.0])) + np.array([0.0, kick])
        )
    expected = np.array(state) + np.outer([0.0, 1.0, 3.0], [0.0, 0.1])
    np.testing.assert_allclose(values[:3], expected, atol=1e-6)
    alone = expm(DRIFT * 1.5) @ [1.0, 0.0] + undone @ (expm(DRIFT * 1.5) - np.eye(2)) @ push
    np.testing.assert_allclose(values[4], alone + np.array([0.0, 0.15]), atol=1e-6)


def test_design_and_pattern_of_what_is_missing() -> None:
    model = two(impulses=("session",), levels=("diet",), predictors=("age",), day_night=True)
    panel = design(3, [4, 9, 2], 0.5, irregular=True, model=model, missing=0.4, seed=5)
    assert panel.people == ("p1", "p2", "p3")
    assert list(np.bincount(panel.person)) == [4, 9, 2]
    assert (panel.gap[~panel.first] > 0).all() and panel.predictors.shape == (3, 1)
    free = vector(model)
    made = simulate(model, free, panel, 1)
    assert (made.seen == panel.seen).all() and not made.seen.all()
    whole = simulate(model, free, panel, 1, full=True)
    assert whole.seen.all()
    np.testing.assert_array_equal(whole.values[made.seen], made.values[made.seen])
    np.testing.assert_array_equal(simulate(model, free, panel, 1).values, made.values)
    assert (simulate(model, free, panel, 2).values[made.seen] != made.values[made.seen]).all()


def test_given_effects_are_taken_and_a_process_without_rest_is_refused() -> None:
    model = two(varying=("mean[g]", "drift[mind, gut]"))
    free = vector(model, **dynamics(), **{"spread[mean[g]]": 100.0, "spread[drift[mind, gut]]": 0.1})
    panel = design(2, 400, model=model)
    values = simulate(model, free, panel, 1, effects=np.array([[0.0, 0.0], [1.0, -1.0]])).values
    assert values[:400, 0].mean() == pytest.approx(100, abs=2) and values[400:, 0].mean() == pytest.approx(-100, abs=2)
    with pytest.raises(InputError, match="'p2' do not return to rest"):
        simulate(model, free, panel, 1, effects=np.array([[0.0, 90.0], [0.0, 0.0]]))
    with pytest.raises(InputError, match="free parameters"):
        simulate(model, None, panel, 1)
    with pytest.raises(InputError, match="above 0"):
        design(2, 3, 0.0, model=model)
    wild = vector(model, **dynamics(), **{"spread[drift[mind, gut]]": 4.0})
    # Everybody who is drawn returns to rest.
    assert np.isfinite(simulate(model, wild, panel, 1).values).all()
