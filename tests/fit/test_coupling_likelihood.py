"""The filter says what one large Gaussian distribution says, for every kind of design, and its slope is exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_panels import even_panel, model_with, panel_with, quickly, somewhere

from gutbrain.fit.coupling import dense, likelihood
from gutbrain.fit.coupling.likelihood import Likelihood
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.panel import Panel, packed

ALL = {"impulses": ("k0", "k1"), "levels": ("l0",), "predictors": ("x0", "x1"), "trend": True, "day_night": True}
ALL_SEEN = {"impulses": 2, "levels": 1, "predictors": 2, "known": 0.3}
DESIGNS = {
    "2 stationary, all but a free begin": (2, 3, {
        **ALL, "intercepts": "process", "moderated": ("noise[a0]", "drift[a0, a0]", "mean[i2]"),
        "varying": ("drift[a0, a1]", "intercept[a0]", "level[a1, l0]", "loading[i2, a0]", "mean[i0]"),
    }, ALL_SEEN),
    "2 van loan, free begin": (2, 3, {
        **ALL, "initial": "free", "intercepts": "process", "discretisation": "van loan",
        "varying": ("drift[a0, a1]", "intercept[a0]", "initial_mean[a1]", "impulse[a0, k0]", "trend[a1]", "error[i0]"),
    }, ALL_SEEN),
    "3 stationary": (3, 4, {"varying": ("mean[i0]", "intercept[a2]", "drift[a0, a1]")}, {}),
    "4 van loan, free begin": (4, 4, {
        "initial": "free", "levels": ("l0",), "discretisation": "van loan",
        "varying": ("level[a3, l0]", "initial_mean[a0]", "initial_mean[a2]"),
    }, {"levels": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", DESIGNS)
def test_the_filter_says_what_the_dense_gaussian_says(name):
    processes, indicators, said, seen = DESIGNS[name]
    generator = np.random.default_rng(len(name))
    model, panel = model_with(processes, indicators, **said), panel_with(generator, indicators=indicators, **seen)
    free, effects = somewhere(model, generator), generator.normal(size=(model.curved, len(panel.people)))
    assert packed(panel).at.shape[1] < len(panel.people), "some people should share a lane"
    told = quickly(Likelihood(model, panel).by_person)(free, effects)
    np.testing.assert_allclose(told, dense.log_density(model, panel, free, effects), rtol=0, atol=1e-10)


@pytest.fixture(scope="module")
def sloped():
    """A model of two processes with random effects, compiled with its slope."""
    generator = np.random.default_rng(3)
    model = model_with(2, 2, varying=("mean[i0]", "drift[a1, a0]"), impulses=("k0",), moderated=("drift[a0, a0]",),
                       predictors=("x0",))  # fmt: skip
    panel = panel_with(generator, people=2, impulses=1, predictors=1, most=5)
    effects = generator.normal(size=(1, 2))
    likely = Likelihood(model, panel)
    total = quickly(jax.value_and_grad(lambda free: jnp.sum(likely.by_person(free, effects))))
    return model, panel, effects, total, somewhere(model, generator)


def by_differences(value, free, step=1e-3):
    """Return the gradient by central differences of fourth order."""
    made = []
    for one in np.eye(len(free)):
        near, far = (float(value(free + k * step * one) - value(free - k * step * one)) for k in (1, 2))
        made.append((8 * near - far) / (12 * step))
    return np.array(made)


def test_the_slope_is_that_of_the_dense_gaussian(sloped):
    model, panel, effects, total, free = sloped
    value, slope = total(free)
    dense_value = lambda at: dense.log_density(model, panel, at, effects).sum()  # noqa: E731
    assert value == pytest.approx(dense_value(free), abs=1e-10)
    np.testing.assert_allclose(slope, by_differences(dense_value, free), rtol=1e-7, atol=1e-8)


def test_the_slope_holds_at_equal_eigenvalues(sloped):
    model, _, _, total, free = sloped
    names, equal = model.free_names, free.copy()
    rates = {"drift[a0, a0]": -0.5, "drift[a1, a1]": -0.5, "drift[a0, a1]": 0.0, "drift[a1, a0]": 0.0}
    for name, value in {**rates, "spread[drift[a1, a0]]": -40.0, "predictor[drift[a0, a0], x0]": 0.0}.items():
        equal[names.index(name)] = value
    _, slope = total(equal)
    np.testing.assert_allclose(slope, by_differences(lambda at: total(at)[0], equal), rtol=1e-7, atol=1e-8)
    equal[names.index("drift[a1, a0]")] = 0.4  # one eigenvalue, one eigenvector
    _, slope = total(equal)
    np.testing.assert_allclose(slope, by_differences(lambda at: total(at)[0], equal), rtol=1e-7, atol=1e-8)


def test_what_never_comes_to_rest_has_no_likelihood_at_rest(sloped):
    model, _, _, total, free = sloped
    loud = free.copy()
    loud[[model.free_names.index(name) for name in ("drift[a0, a1]", "drift[a1, a0]")]] = 4.0
    assert total(loud)[0] == -np.inf


def test_very_fast_and_very_slow_processes_do_not_overflow(sloped):
    model, panel, effects, total, free = sloped
    for rate in (-9.0, 7.0):
        far = free.copy()
        far[[model.free_names.index(f"drift[a{at}, a{at}]") for at in (0, 1)]] = rate
        far[[model.free_names.index(name) for name in ("drift[a0, a1]", "drift[a1, a0]")]] = 1e-5
        far[[model.free_names.index(f"spread[{name}]") for name in ("drift[a1, a0]",)]] = -12.0
        value, slope = total(far)
        assert np.isfinite(slope).all()
        assert value == pytest.approx(dense.log_density(model, panel, far, effects).sum(), abs=1e-5)


def test_one_lane_holds_everyone_and_every_copy_has_effects_of_its_own(monkeypatch):
    generator = np.random.default_rng(12)
    model, panel = model_with(1, 1, varying=("noise[a0]", "mean[i0]")), panel_with(generator, 4, 1)
    free, effects = somewhere(model, generator), generator.normal(size=(1, 12))
    monkeypatch.setattr(likelihood, "packed", lambda panel: packed(panel, 1))
    told = np.asarray(quickly(Likelihood(model, panel, copies=3).by_person)(free, effects)).reshape(3, 4)
    for copy in range(3):
        wanted = dense.log_density(model, panel, free, effects[:, 4 * copy : 4 * copy + 4])
        np.testing.assert_allclose(told[copy], wanted, rtol=0, atol=1e-10)


def test_a_process_that_only_adds_up_and_indicators_without_error_of_which_one_is_missing():
    shown = tuple(Indicator(name, {"a0": 1.0}, error=False) for name in ("i0", "i1"))
    model = CouplingModel((Process("a0"),), shown, initial="free", discretisation="van loan", levels=("l0",),
                          held={"drift[a0, a0]": 0.0})  # fmt: skip
    panel = even_panel(1, 4, 2, levels=1)
    panel.levels[1] = 1.0
    panel.values[[0, 1, 2, 3, 3], [1, 0, 1, 0, 1]] = np.nan
    free = np.linspace(-0.5, 0.5, len(model.free))
    likely = Likelihood(model, panel)
    value, slope = quickly(jax.value_and_grad(lambda at: jnp.sum(likely.by_person(at))))(free)
    dense_value = lambda at: dense.log_density(model, panel, at).sum()  # noqa: E731
    assert value == pytest.approx(dense_value(free), abs=1e-10)
    np.testing.assert_allclose(slope, by_differences(dense_value, free), rtol=1e-7, atol=1e-8)


def test_the_first_occasion_takes_its_impulse_and_a_level_acts_from_then_on():
    nothing, given = np.zeros((3, 1)), np.array([[1.0], [0.0], [0.0]])
    panel = Panel(("ann",), np.zeros(3, int), np.array([0.0, 2.0, 3.0]), nothing, nothing, nothing, given, given,
                  np.zeros((1, 0)), ("i0",), ("k0",), ("l0",))  # fmt: skip
    held = {"drift[a0, a0]": -0.5, "impulse[a0, k0]": 2.0, "level[a0, l0]": 3.0, "intercept[a0]": 0.25, "mean[i0]": 0.0}
    model = model_with(1, 1, impulses=("k0",), levels=("l0",), intercepts="process", held=held)
    mean, _ = dense.moments(model, panel, 0, np.zeros(len(model.free)))
    first = 0.25 / 0.5 + 2.0
    second = np.exp(-1) * first + (1 - np.exp(-1)) / 0.5 * (0.25 + 3.0)
    third = np.exp(-0.5) * second + (1 - np.exp(-0.5)) / 0.5 * 0.25
    np.testing.assert_allclose(mean, [first, second, third])
