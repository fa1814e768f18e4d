"""Draws from the posterior: against the exact answer, interrupted, and the coordinates that they are drawn in."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_returns import one_process, returning

from gutbrain.errors import InputError
from gutbrain.fit.coupling.maximum import Objective, fit
from gutbrain.fit.coupling.mixing import mixing
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.sample import PIECE, nuts
from gutbrain.fit.coupling.straighten import Straight, usable
from gutbrain.fit.coupling.tracking import parabola

pytest.importorskip("numpyro")


def weak(model):
    """Return a wide prior around plain values."""
    centre = {"drift": np.log(0.5), "mean": 2.0, "error": -1.0, "spread": -1.0}
    kinds = [model.parameters[at].kind for at in model.free]
    return Prior(np.array([centre.get(kind, 0.0) for kind in kinds]), np.full(len(kinds), 1.0))


@pytest.fixture(scope="module")
def differing():
    """People who differ in their rate of return, which is integrated by nodes or drawn; seen with error."""
    panel = returning(10, 15, between=0.5, error=0.4, faster=0.4)
    model = one_process(error=True, varying=("mean[seen]", "drift[mood, mood]"))
    prior = weak(model)
    objective = Objective(model, panel, prior)
    return fit(model, panel, prior, objective=objective), objective


@pytest.fixture(scope="module")
def straight(differing):
    return Straight(differing[1], differing[0].free, differing[0].covariance)


@pytest.fixture(scope="module")
def jacobian(straight):
    """A function from all coordinates to the slopes of what they stand for, that itself, and its volume."""

    def whole(vector):
        parameters = vector[: straight.size]
        free, volume = straight.place(parameters)
        given, further = straight.place_effects(parameters, vector[straight.size :].reshape(straight.mode.shape))
        made = jnp.concatenate([free, given.ravel()])
        return made, (made, volume + further)

    return jax.jit(jax.jacfwd(whole, has_aux=True))


def test_draws_agree_with_a_posterior_computed_on_a_grid():
    panel = returning(12, 20, faster=0.8, seed=3)
    held = {"noise[mood]": 1.0, "mean[seen]": 2.0, "drift[mood, mood]": -0.5}
    model = one_process(held=held, varying=("drift[mood, mood]",))
    prior = Prior(np.array([-1.0]), np.array([0.7]))
    objective = Objective(model, panel, prior)
    # A maximum that is said to be one without the prior is fitted again with it.
    start = replace(fit(model, panel, prior, objective=objective), method="maximum likelihood", free=np.array([0.0]))
    fitted = nuts(start, prior, 400, 4, warmup=100, objective=objective)
    grid = np.linspace(-4, 1, 40)
    density = np.array([_joined(objective, np.array([at])) for at in grid])
    share = np.exp(density - density.max())
    share /= share.sum()
    mean = share @ grid
    sd = np.sqrt(share @ (grid - mean) ** 2)
    error = sd / np.sqrt(fitted.diagnostics["effective_size"])
    assert fitted.free[0] == pytest.approx(mean, abs=4 * error)
    assert np.sqrt(fitted.covariance[0, 0]) == pytest.approx(sd, rel=0.12)
    assert fitted.converged and fitted.said == () and fitted.method == "nuts" and fitted.draws.shape == (4, 400, 1)
    assert fitted.diagnostics["divergences"] == 0 and fitted.diagnostics["r_hat"] < 1.01
    objective.adapt(fitted.free)
    assert fitted.log_likelihood == pytest.approx(objective.by_person(fitted.free).sum(), abs=1e-3)
    # Effects of people are drawn here and integrated there.
    assert np.corrcoef(fitted.effects[0], objective.mode[0])[0, 1] > 0.95
    assert np.all(np.abs(fitted.effects[0] - objective.mode[0]) < 0.6 * np.sqrt(objective.covariance[:, 0, 0]))


def _joined(objective, free):
    """Return the log density at a point, with the nodes of the integration put where they belong there."""
    objective.adapt(free)
    return -objective.value_and_slope(free)[0]


def test_an_interruption_keeps_what_is_drawn(differing, straight, monkeypatch):
    fitted, objective = differing
    monkeypatch.setattr("gutbrain.fit.coupling.sample.Straight", lambda *given: straight)
    generator, size = np.random.default_rng(0), len(fitted.free)

    def drawn(state, count):
        noise = generator.normal(size=(PIECE, size))
        return state, (noise, generator.normal(size=(PIECE, 1, 10)), np.zeros(PIECE, bool), np.full(PIECE, 7))

    def told(what, done, of):
        if what == "drawing" and done >= 220:
            raise KeyboardInterrupt

    # What is tested here is what becomes of draws, wherever they come from.
    monkeypatch.setattr("gutbrain.fit.coupling.sample.compiled", lambda piece: drawn)
    made = nuts(fitted, fitted.prior, 1000, 2, warmup=100, progress=told, objective=objective)
    chains, draws, _ = made.draws.shape
    assert chains == 2 and 50 <= draws <= 200
    assert not made.converged and made.method == "nuts" and made.diagnostics["steps_of_a_draw"] == 7
    assert f"sampling was stopped: {draws} of 1,000 draws" in made.said[0] and "effective size" in made.said[-1]
    assert made.free == pytest.approx(made.draws.mean((0, 1))) and made.covariance == pytest.approx(
        np.eye(size), abs=0.5
    )
    assert made.effects.shape == (1, 10) and made.effects_covariance.shape == (10, 1, 1)
    assert np.isfinite(made.by_person).all() and made.log_likelihood == pytest.approx(made.by_person.sum())


def test_stopped_before_the_first_draws_the_maximum_is_returned(differing, straight, monkeypatch):
    monkeypatch.setattr("gutbrain.fit.coupling.sample.Straight", lambda *given: straight)
    monkeypatch.setattr("gutbrain.fit.coupling.sample.compiled", lambda piece: lambda state, count: (state, ()))
    fitted, objective = differing
    made = nuts(fitted, fitted.prior, 50, 2, stop=lambda: True, objective=objective)
    assert made.draws is None and made.method == "maximum a posteriori" and "before the first draws" in made.said[-1]

    def told(what, done, of):
        if what == "warming up":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nuts(fitted, fitted.prior, 50, 2, progress=told, objective=objective)
    with pytest.raises(InputError, match="cannot be sampled"):
        nuts(fitted, fitted.prior, 1, 2, objective=objective)


def test_slopes_and_volumes_of_coordinates_are_right(straight, jacobian):
    generator = np.random.default_rng(1)
    at, effects = 0.5 * generator.normal(size=straight.size), 0.5 * generator.normal(size=straight.mode.shape)
    _, by_parameters, by_effects = straight.value_and_slope(at, effects)
    for _ in range(3):
        along, aside = generator.normal(size=at.shape), generator.normal(size=effects.shape)
        high, low = (straight.value_and_slope(at + sign * along, effects + sign * aside)[0] for sign in (1e-5, -1e-5))
        assert (high - low) / 2e-5 == pytest.approx(
            by_parameters @ along + np.sum(by_effects * aside), rel=1e-5, abs=1e-4
        )
    volumes, vector = [], np.concatenate([at, effects.ravel()])
    for point in (vector, -2 * vector):
        slopes, (_, volume) = jacobian(point)
        volumes.append(np.linalg.slogdet(slopes)[1] - float(volume))
    assert np.ptp(volumes) < 1e-9


def test_coordinates_are_standard_normal_at_the_maximum(straight, differing, jacobian):
    fitted, objective = differing
    objective.adapt(fitted.free)
    size = straight.size
    slopes, (made, _) = jacobian(np.zeros(size + straight.mode.size))
    slopes, made = np.asarray(slopes), np.asarray(made)
    assert made[:size] == pytest.approx(fitted.free, abs=1e-12)
    assert made[size:] == pytest.approx(objective.mode[0], abs=1e-4)
    assert slopes[:size] @ slopes[:size].T == pytest.approx(fitted.covariance, abs=1e-9)
    around = slopes[size:, size:]
    assert around @ around.T == pytest.approx(np.diag(objective.covariance[:, 0, 0]), abs=1e-5)


def test_effects_follow_parameters_as_their_modes_do(straight, differing):
    fitted, objective = differing
    moved = np.zeros(straight.size)
    moved[0], moved[-1] = 0.5, -0.5
    free, _, guessed = (np.asarray(part) for part in straight._placed(moved, np.zeros(straight.mode.shape)))
    objective.adapt(fitted.free)
    before = objective.mode.copy()
    objective.adapt(free)
    left, without = np.abs(guessed - objective.mode), np.abs(before - objective.mode)
    assert np.max(left) < 0.35 * np.max(without)


def test_parabola_is_exact_for_parabolas():
    generator = np.random.default_rng(0)
    roots, slopes = generator.normal(size=(5, 3, 3)), generator.normal(size=(3, 5))
    bends = np.einsum("pij,pkj->pik", roots, roots)

    def likely(shift):
        made = np.sum(slopes * shift, 0) - 0.5 * np.einsum("ip,pij,jp->p", shift, bends, shift)
        return np.where(np.arange(5) == 4, np.nan, made)  # one of them has no likelihood, and is left as if unseen

    slope, bend = parabola(likely, np.zeros((3, 5)), np.array([0.1, 1.0, 10.0]))
    assert slope[:, :4] == pytest.approx(slopes[:, :4]) and bend[:4] == pytest.approx(bends[:4])
    assert not slope[:, 4].any() and not bend[4].any()


def test_a_covariance_with_holes_is_filled_from_the_prior():
    prior = Prior(np.zeros(4), np.array([1.0, 2.0, 3.0, 4.0]))
    covariance = np.array([[1.0, 0.5, 0, 0], [0.5, 1.0, 0, 0], [0, 0, 0, 0], [0, 0, 0, np.nan]])
    assert usable(covariance, prior) == pytest.approx(
        np.array([[1.0, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 9, 0], [0, 0, 0, 16]]), abs=1e-9
    )
    assert usable(np.full((4, 4), np.nan), prior) == pytest.approx(np.diag(prior.sd**2))


def test_mixing_tells_independent_sticky_and_parted_chains_apart():
    generator = np.random.default_rng(0)
    free = generator.normal(size=(4, 1000, 1))
    sticky = free.copy()
    for step in range(1, 1000):
        sticky[:, step] = 0.8 * sticky[:, step - 1] + 0.6 * free[:, step]
    parted = free + np.array([0, 0, 0, 0.5])[:, None, None]
    wider = free * np.array([1, 1, 1, 2.0])[:, None, None]
    found = mixing(np.concatenate([free, sticky, parted, wider, np.exp(5 * free)], 2))
    assert found.r_hat[0] < 1.003 < 1.01 < found.r_hat[2] and found.r_hat[3] > 1.01
    assert found.bulk[0] == pytest.approx(4000, rel=0.15)
    assert found.bulk[1] == pytest.approx(4000 * 0.2 / 1.8, rel=0.25)
    # Ranks do not care for the scale.
    assert found.bulk[4] == pytest.approx(found.bulk[0]) and found.r_hat[4] == pytest.approx(found.r_hat[0], abs=2e-3)
    assert np.isnan(mixing(free[:, :7]).r_hat).all()
