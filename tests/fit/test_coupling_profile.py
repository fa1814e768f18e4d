"""Profile intervals against a closed form, open ends, and models compared by people who were left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_returns import RATE, one_process, returning
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.stats import chi2, norm

from gutbrain.errors import InputError
from gutbrain.fit.coupling.leave_out import compare, left_out
from gutbrain.fit.coupling.maximum import Objective, fit
from gutbrain.fit.coupling.profile import interval

RATE_NAME, NOISE_NAME = "drift[mood, mood]", "noise[mood]"


@pytest.fixture(scope="module")
def plain():
    panel = returning()
    objective = Objective(one_process(), panel)
    return fit(one_process(), panel, objective=objective), objective


@pytest.fixture(scope="module")
def larger(plain):
    """The same people under a model with a trend and different means, though they have neither."""
    model, panel = one_process(trend=True, varying=("mean[seen]",)), plain[0].panel
    objective = Objective(model, panel)
    return fit(model, panel, objective=objective), objective


def exact(panel, rate, noise, mean):
    """Return everybody's log likelihood of a stationary process seen without error."""
    left, rest = panel.values[:, 0] - mean, noise**2 / (2 * rate)
    kept = np.where(panel.first, 0.0, np.exp(-rate * panel.gap))
    before = np.where(panel.first, 0.0, np.roll(left, 1))
    return np.bincount(panel.person, norm.logpdf(left, kept * before, np.sqrt(rest * (1 - kept**2))))


def minus(panel, rate, keep=None):
    """Return minus the largest log likelihood at a rate, over noise and mean."""
    keep = np.ones(len(panel.people)) if keep is None else keep
    found = minimize(lambda x: -keep @ exact(panel, rate, np.exp(x[0]), x[1]), [0.0, 2.0], method="BFGS")
    return found.fun


def test_limits_are_those_of_the_closed_form(plain):
    fitted, objective = plain
    options = {"xatol": 1e-7}
    best = minimize_scalar(
        lambda log: minus(fitted.panel, np.exp(log)), bounds=(-3, 2), method="bounded", options=options
    )
    assert fitted.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    for level in (0.95, 0.5):
        reached = -best.fun - chi2.ppf(level, 1) / 2
        limits = [brentq(lambda log, reached=reached: minus(fitted.panel, np.exp(log)) + reached, best.x, best.x + side)
                  for side in (-2.5, 2.5)]  # fmt: skip
        found = interval(fitted, RATE_NAME, level, objective=objective)
        # The auto-effect is minus the rate: its lower limit is the larger rate.
        assert (found.low, found.high) == pytest.approx(tuple(-np.exp(limits[::-1])), rel=1e-3)
        assert found.open == () and found.said == ()
    curve = found.curve
    assert curve["value"].is_sorted() and curve["settled"].all() and curve["loss"].min() == 0
    assert np.all(np.diff(curve["root"]) < 0)  # falls, as the value falls with the raw number


def test_a_mean_has_nearly_the_normal_interval(plain):
    fitted, objective = plain
    found = interval(fitted, "mean[seen]", objective=objective)
    row = fitted.table().filter(parameter="mean[seen]")
    assert (found.low, found.high) == pytest.approx((row["low"][0], row["high"][0]), rel=0.05)
    assert found.low < row["low"][0] and found.high > row["high"][0]


def test_an_end_that_the_data_do_not_give_is_open(larger):
    fitted, objective = larger
    found = interval(fitted, "spread[mean[seen]]", objective=objective)
    assert fitted.converged and found.low == 0.0 and found.open == ("low",) and 0.1 < found.high < 2
    assert "no lower limit" in found.said[0]


def test_what_cannot_be_profiled_is_refused(plain):
    fitted, objective = plain
    with pytest.raises(InputError, match="does not exist"):
        interval(fitted, "drift[mood, sleep]", objective=objective)
    with pytest.raises(InputError, match="is held"):
        interval(fitted, "intercept[mood]", objective=objective)
    with pytest.raises(InputError, match="level of confidence"):
        interval(fitted, RATE_NAME, 95, objective=objective)
    with pytest.raises(InputError, match="converged"):
        interval(replace(fitted, converged=False), RATE_NAME, objective=objective)
    moved = fitted.free + 0.5 * np.sqrt(np.diag(fitted.covariance))
    with pytest.raises(InputError, match="no maximum"):
        interval(replace(fitted, free=moved), RATE_NAME, objective=objective)


def test_left_out_people_are_foretold_as_by_fits_without_them(plain):
    fitted, objective = plain
    made, unsettled = left_out(fitted, objective=objective)
    assert unsettled == 0 and np.all(objective.share == 1)
    assert made.sum() < fitted.log_likelihood
    for person in (0, 7):
        keep = np.ones(len(made))
        keep[person] = 0
        start = [np.log(RATE), 0.0, 2.0]
        without = minimize(lambda x, keep=keep: -keep @ exact(fitted.panel, np.exp(x[0]), np.exp(x[1]), x[2]), start)
        rate, noise, mean = np.exp(without.x[0]), np.exp(without.x[1]), without.x[2]
        assert made[person] == pytest.approx(exact(fitted.panel, rate, noise, mean)[person], abs=2e-3)


def test_the_quick_way_is_close_and_needless_parameters_are_not_preferred(plain, larger):
    fits, objectives = (larger[0], plain[0]), (larger[1], plain[1])
    exact_table = compare(fits, ("larger", "plain"), objectives=objectives)
    quick_table = compare(fits, ("larger", "plain"), objectives=objectives, quick=True)
    assert larger[0].log_likelihood > plain[0].log_likelihood
    for table in (exact_table, quick_table):
        assert table["model"].to_list() == ["plain", "larger"]
        assert table["difference"][0] == 0 and table["difference"][1] < 0 < table["standard_error"][1]
        assert table["parameters"].to_list() == [3, 5]
    loss = plain[0].log_likelihood - exact_table["log_density"][0]
    assert quick_table["log_density"].to_numpy() == pytest.approx(
        exact_table["log_density"].to_numpy(), abs=0.15 * loss
    )


def test_only_fits_of_the_same_people_are_compared(plain, larger):
    fitted = plain[0]
    with pytest.raises(InputError, match="other series"):
        compare((fitted, replace(fitted, panel=returning(seed=1))))
    with pytest.raises(InputError, match="names"):
        compare((fitted, larger[0]), ("one", "one"))
    with pytest.raises(InputError, match="people cannot be left out"):
        compare((replace(fitted, panel=fitted.panel.of([0, 1])),))
