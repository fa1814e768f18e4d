"""Own values, smoothed states, forecasts and residuals against one dense Gaussian computation and known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.stats import norm, poisson

from gutbrain.fit.coupling import coupled as made_in
from gutbrain.fit.coupling.cannot import cannot
from gutbrain.fit.coupling.checks import checks, failed
from gutbrain.fit.coupling.coupled import Coupled, coupled, moved
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.forecast import _below, _count_quantile, predicted, residuals, without_error
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.people import AHEAD, Followed, Follower, longer, persons
from gutbrain.fit.coupling.prior import Prior
from gutbrain.fit.coupling.simulate import design, draw

GIVEN = {"drift[gut, gut]": -0.5, "drift[gut, mind]": 0.1, "drift[mind, gut]": 0.3, "drift[mind, mind]": -0.8,
         "error[g]": 0.5, "error[m]": 0.6, "mean[g]": 1.0, "impulse[mind, session]": -0.7,
         "spread[mean[g]]": 1.2, "spread[mean[m]]": 0.8, "spread_correlation[mean[m], mean[g]]": 0.5,
         "predictor[mean[m], age]": 0.4}  # fmt: skip
DRIFT = np.array([[-0.5, 0.1], [0.3, -0.8]])


@pytest.fixture(scope="module")
def truth() -> tuple[Fitted, np.ndarray, np.ndarray]:
    """A fit that is the truth, with the states and effects behind its panel."""
    model = CouplingModel(
        (Process("gut", "gut"), Process("mind", "mind")), (Indicator("g", {"gut": 1.0}), Indicator("m", {"mind": 1.0})),
        impulses=("session",), predictors=("age",), varying=("mean[g]", "mean[m]"), moderated=("mean[m]",),
    )  # fmt: skip
    free = []
    for name in model.free_names:
        one = next(one for one in model.parameters if one.name == name)
        free.append(
            one.raw(GIVEN.get(name, {"identity": 0.0, "log": 1.0, "negative": -1.0, "tanh": 0.0}[one.transform]))
        )
    lengths = [6, 12, *([25] * 38)]
    panel, state, drawn = draw(model, np.array(free), design(40, lengths, irregular=True, model=model, missing=0.2), 4)
    covariance = np.eye(len(free)) * 1e-4
    return Fitted(model, panel, "maximum likelihood", np.array(free), covariance, 0.0, np.zeros(40), True), state, drawn


@pytest.fixture(scope="module")
def follower(truth: tuple[Fitted, np.ndarray, np.ndarray]) -> Follower:
    return Follower(truth[0], ahead=6.0)


@pytest.fixture(scope="module")
def followed(follower: Follower) -> Followed:
    return follower.follow()


@pytest.fixture(scope="module")
def made(truth: tuple[Fitted, np.ndarray, np.ndarray], follower: Follower) -> Coupled:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_in, "Follower", lambda fitted, ahead: follower)
        return coupled(truth[0], lags=[0.0, 1.0, 2.0])


def test_everything_expected_is_that_of_dense_conditioning(
    truth: tuple[Fitted, np.ndarray, np.ndarray], followed: Followed
) -> None:
    """One person's states, effects and future by the joint normal distribution of all of them."""
    panel, who = followed.panel, 1
    rows = np.flatnonzero(panel.person == who)
    time, count = panel.time[rows], len(rows)
    rest = solve_continuous_lyapunov(DRIFT, -np.eye(2))
    spread = np.diag([1.2, 0.8]) @ [[1, 0.5], [0.5, 1]] @ np.diag([1.2, 0.8])
    factor = np.linalg.cholesky(spread)
    # States of all times, then the two effects (standard normal).
    prior, middle = np.zeros((2 * count + 2, 2 * count + 2)), np.zeros(2 * count + 2)
    for i in range(count):
        for j in range(i + 1):
            block = expm(DRIFT * (time[i] - time[j])) @ rest
            prior[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = block
            prior[2 * j : 2 * j + 2, 2 * i : 2 * i + 2] = block.T
            if panel.impulses[rows[j], 0]:
                middle[2 * i : 2 * i + 2] += expm(DRIFT * (time[i] - time[j])) @ [0.0, -0.7]
    prior[-2:, -2:] = np.eye(2)
    show = np.zeros((2 * count, 2 * count + 2))
    show[:, :-2] = np.eye(2 * count)
    show[:, -2:] = np.tile(factor, (count, 1))
    means = np.tile([1.0, 0.4 * panel.predictors[who, 0]], count)
    seen = panel.seen[rows].ravel()
    taken, error = show[seen], np.diag(np.tile([0.25, 0.36], count)[seen])
    gain = prior @ taken.T @ np.linalg.inv(taken @ prior @ taken.T + error)
    after = middle + gain @ (panel.values[rows].ravel()[seen] - means[seen] - taken @ middle)
    left = prior - gain @ taken @ prior
    mean, covariance = followed.smoothed
    np.testing.assert_allclose(mean[rows, :2].ravel(), after[:-2], atol=1e-9)
    np.testing.assert_allclose(followed.after[rows[-1], 2:], after[-2:], atol=1e-9)
    np.testing.assert_allclose(followed.after_covariance[rows[-1], 2:, 2:], left[-2:, -2:], atol=1e-9)
    for at in range(count):
        place = [2 * at, 2 * at + 1, 2 * count, 2 * count + 1]
        np.testing.assert_allclose(covariance[rows[at]], left[np.ix_(place, place)], atol=1e-9)
    # Of the future the filter knows as much as the whole series.
    line, spreads = followed.seen_by(followed.before, followed.before_covariance)
    future = np.flatnonzero(followed.future[rows])
    assert len(future) == AHEAD
    np.testing.assert_allclose(line[rows][future].ravel(), (means + show @ after)[2 * future[0] :], atol=1e-9)
    np.testing.assert_allclose(spreads[rows][future].ravel(), np.diag(show @ left @ show.T)[2 * future[0] :], atol=1e-9)


def test_own_values_hold_the_truth(truth: tuple[Fitted, np.ndarray, np.ndarray], made: Coupled) -> None:
    fitted, _, drawn = truth
    factor = np.linalg.cholesky(np.diag([1.2, 0.8]) @ [[1, 0.5], [0.5, 1]] @ np.diag([1.2, 0.8]))
    own = np.array([1.0, 0.0]) + drawn.T @ factor.T
    own[:, 1] += 0.4 * fitted.panel.predictors[:, 0]
    table = made.persons
    assert table.columns == ["person", "parameter", "estimate", "low", "high"] and len(table) == 80
    true = own.ravel()
    inside = ((table["low"].to_numpy() < true) & (true < table["high"].to_numpy())).mean()
    assert 0.88 <= inside <= 1
    assert np.corrcoef(table["estimate"].to_numpy(), true)[0, 1] > 0.85
    # Who showed less is known less well.
    width = (table["high"] - table["low"]).to_numpy().reshape(40, 2)
    assert (width[0] > width[2:].max(0)).all()
    nobody = replace(fitted, model=replace(fitted.model, varying=(), predictors=(), moderated=()))
    assert persons(nobody).is_empty()


def test_limits_hold_states_values_and_forecasts(
    truth: tuple[Fitted, np.ndarray, np.ndarray], followed: Followed, made: Coupled
) -> None:
    table, state = made.states, truth[1]
    assert set(table["kind"]) == {"one step ahead", "smoothed", "forecast"}
    ahead = table.filter(pl.col("kind") == "one step ahead").drop_nulls("observed")
    inside = ahead.select(pl.col("observed").is_between("low", "high").mean()).item()
    assert 0.93 <= inside <= 0.97
    mean, covariance = followed.smoothed
    now = ~followed.future
    off = (state - mean[now, :2]) / np.sqrt(np.diagonal(covariance[now][:, :2, :2], axis1=1, axis2=2))
    assert np.abs(off.mean(0)).max() < 0.15 and off.std() == pytest.approx(1, abs=0.1)
    future = table.filter(kind="forecast", person="p3", indicator="m")
    assert len(future) == AHEAD and future["observed"].null_count() == AHEAD
    assert future["time"][-1] - ahead.filter(person="p3")["time"].max() >= 6 - 1e-9
    # A forecast becomes less sure, up to what is known of nobody's present state.
    widths = (future["high"] - future["low"]).to_numpy()
    assert (np.diff(widths) > -1e-9).all() and widths[0] < widths[-1]


def test_residuals_of_the_true_model_pass_and_of_a_wrong_one_do_not(
    truth: tuple[Fitted, np.ndarray, np.ndarray], follower: Follower, made: Coupled
) -> None:
    assert failed(made.checks).is_empty()
    assert set(made.checks["check"]) >= {"mean", "variance", "autocorrelation", "day cycle", "inside the 95 % interval"}
    fitted = truth[0]
    wrong = fitted.free.copy()
    wrong[fitted.model.free_names.index("drift[gut, gut]")] += 2.5
    wrong[fitted.model.free_names.index("error[m]")] += 1.0
    off = failed(checks(residuals(fitted.model, follower.follow(wrong))))
    assert ("autocorrelation", "g") in off.select("check", "indicator").rows()
    said = off.filter(check="variance", indicator="m")["verdict"].item()
    assert said == "forecasts are less sure than they could be"
    sentences = cannot(fitted, made.directions, checks(residuals(fitted.model, follower.follow(wrong))))
    assert any("speak against the model" in one and "autocorrelation" in one for one in sentences)


def test_checks_find_what_is_put_in() -> None:
    generator = np.random.default_rng(1)
    time = np.arange(600) / 8
    left = generator.standard_normal(600)
    table = pl.DataFrame({"person": "p", "time": time, "indicator": "mood", "residual": left})
    assert failed(checks(table)).is_empty()
    found = failed(checks(table.with_columns(residual=left + np.sin(2 * np.pi * time))))
    assert "a cycle of 24 hours is left" in found["verdict"].to_list()
    found = failed(checks(table.with_columns(residual=left * np.linspace(0.3, 1.5, 600))))
    assert "deviations become larger with time" in found["verdict"].to_list()
    found = failed(checks(table.with_columns(residual=np.exp(left) - 1)))
    assert {"skewness", "excess kurtosis"} <= set(found["check"])
    few = checks(table.head(5))
    assert few["verdict"].to_list() == ["too few values (5) to check"]
    # Once a day there is no cycle to look for.
    assert "day cycle" not in checks(table.with_columns(time=np.arange(600.0)))["check"].to_list()


def test_ordinal_and_count_predictions_and_residuals() -> None:
    generator = np.random.default_rng(2)
    mean, variance = generator.normal(0.5, 0.7, 3000), np.full(3000, 0.6)
    line = mean + np.sqrt(variance) * generator.standard_normal(3000)
    cuts = np.tile([-0.5, 0.4, 1.5], (3000, 1))
    item, counts = (line[:, None] > cuts).sum(1).astype(float), generator.poisson(np.exp(line)).astype(float)
    for kind, value, given in (("ordinal", item, cuts), ("count", counts, None)):
        expected, low, high = predicted(kind, mean, variance, given)
        assert (value - expected).mean() == pytest.approx(0, abs=4 * (value - expected).std() / np.sqrt(3000))
        assert 0.945 <= ((value >= low) & (value <= high)).mean() <= 1
        share = [_below(kind, at, mean, np.sqrt(variance), given) for at in (value - 1, value)]
        uniform = share[0] + generator.random(3000) * (share[1] - share[0])
        np.testing.assert_allclose(np.histogram(uniform, 10)[0] / 3000, 0.1, atol=0.025)
    # Without spread a count is Poisson.
    nearly = np.full(1, 1e-9)
    assert _below("count", np.array([3.0]), np.log([4.0]), nearly, None)[0] == pytest.approx(poisson.cdf(3, 4.0))
    assert _count_quantile(0.975, np.log([4.0]), nearly)[0] == poisson.ppf(0.975, 4.0)
    middle = without_error("ordinal", np.zeros(1), np.zeros(1), np.ones(1), cuts[:1])[0]
    assert middle[0] == pytest.approx(norm.cdf([0.5, -0.4, -1.5]).sum())
    assert without_error("count", np.ones(1), np.zeros(1), np.full(1, 0.5), None)[2][0] == pytest.approx(np.exp(1.25))


def test_future_occasions_stand_after_each_end(truth: tuple[Fitted, np.ndarray, np.ndarray]) -> None:
    panel = truth[0].panel
    more, future = longer(panel, 4.0)
    assert future.sum() == 40 * AHEAD and (more.gap[~more.first] > 0).all()
    np.testing.assert_array_equal(more.time[~future], panel.time)
    assert not more.seen[future].any() and not more.impulses[future].any()
    assert longer(panel, 0.0)[0] is panel


def test_result_holds_every_table(truth: tuple[Fitted, np.ndarray, np.ndarray], made: Coupled) -> None:
    about = dict(made.parameters.select("parameter", "about").rows())
    assert about["drift[mind, gut]"] == "how fast mind changes by one unit of gut"
    assert about["spread_correlation[mean[m], mean[g]]"].startswith("how mean[m] and mean[g] go together")
    assert about["predictor[mean[m], age]"] == "how mean[m] changes by one unit of age"
    assert made.parameters["about"].null_count() == 0
    assert made.lagged.height == 12 and made.impulses.height == 6 and made.directions.height == 1
    assert made.moved.is_empty() and made.explained.height > 0
    text = " ".join(made.cannot)
    assert "not a cause" in text and "session" in text and "same in everybody" in text
    assert "did not converge" not in text
    assert "did not converge" in cannot(replace(truth[0], converged=False), made.directions, made.checks)[0]


def test_what_the_data_moved(truth: tuple[Fitted, np.ndarray, np.ndarray]) -> None:
    fitted = truth[0]
    size = len(fitted.free)
    mean, sd = fitted.free + 0.001, np.full(size, 1.0)
    sd[0], mean[1], sd[1] = 0.0101, fitted.free[1] - 0.3, 0.1
    table = moved(replace(fitted, prior=Prior(mean, sd, ("from the axis", *[""] * (size - 1)))))
    said = table["said"].to_list()
    assert said[0] == "The data say next to nothing: the belief stands as it was. Belief: from the axis."
    assert "3.0 of its standard deviations" in said[1] and said[2].startswith("The data agree")
    assert table["prior_low"][0] < table["prior"][0] < table["prior_high"][0] < 0
