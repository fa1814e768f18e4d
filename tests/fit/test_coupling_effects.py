"""Effects over lags, responses, directions and shares against closed forms, and how sure the verdicts are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

from gutbrain.fit.coupling import effects
from gutbrain.fit.coupling.effects import default_lags, directions, impulses, lagged, unstable_share, verdict
from gutbrain.fit.coupling.explained import explained
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.simulate import design

DRIFT = np.array([[-0.5, 0.1], [0.3, -0.8]])
NOISE = np.diag([1.0, 0.49])
GIVEN = {"drift[gut, gut]": -0.5, "drift[gut, mind]": 0.1, "drift[mind, gut]": 0.3, "drift[mind, mind]": -0.8,
         "noise[gut]": 1.0, "noise[mind]": 0.7}  # fmt: skip


def fit_of(given: dict[str, float], covariance: dict[str, float] | float = 1e-8, **changes: object) -> Fitted:
    """Return a fit with these values and these standard errors, scale of estimation."""
    processes = (Process("gut", "gut"), Process("mind", "mind"))
    shown = (Indicator("g", {"gut": 1.0}), Indicator("m", {"mind": 2.0}))
    model = CouplingModel(**({"processes": processes, "indicators": shown} | changes))  # type: ignore[arg-type]
    free = []
    for name in model.free_names:
        one = next(one for one in model.parameters if one.name == name)
        free.append(
            one.raw(given.get(name, {"identity": 0.0, "log": 1.0, "negative": -1.0, "tanh": 0.0}[one.transform]))
        )
    errors = covariance if isinstance(covariance, dict) else dict.fromkeys(model.free_names, covariance)
    spread = np.diag([errors.get(name, 1e-8) ** 2 for name in model.free_names])
    panel = design(4, 50, model=model)
    return Fitted(model, panel, "maximum likelihood", np.array(free), spread, 0.0, np.zeros(4), True)


def test_lagged_effects_are_transitions_between_standard_deviations() -> None:
    rest = np.sqrt(np.diag(solve_continuous_lyapunov(DRIFT, -NOISE)))
    table = lagged(fit_of(GIVEN), np.array([0.0, 0.5, 3.0]))
    assert table.columns == ["to", "by", "lag", "estimate", "low", "high"]
    for lag in (0.0, 0.5, 3.0):
        expected = expm(DRIFT * lag) * rest / rest[:, None]
        for to, row in (("gut", 0), ("mind", 1)):
            for by, column in (("gut", 0), ("mind", 1)):
                one = table.row(
                    by_predicate=(pl.col("to") == to) & (pl.col("by") == by) & (pl.col("lag") == lag), named=True
                )
                assert one["estimate"] == pytest.approx(expected[row, column], abs=1e-10)
                assert one["low"] <= one["estimate"] + 1e-6 and one["high"] >= one["estimate"] - 1e-6


def test_limits_of_a_curve_are_those_of_the_delta_method_where_it_is_straight() -> None:
    # Of one process the curve is exp(-rate lag), the rate log-normal: its quantiles are known.
    alone = {"processes": (Process("gut", "gut"),), "indicators": (Indicator("g", {"gut": 1.0}),)}
    fitted = fit_of({"drift[gut, gut]": -0.5}, {"drift[gut, gut]": 0.2}, **alone)
    low, high = lagged(fitted, np.array([2.0])).select("low", "high").row(0)
    assert low == pytest.approx(np.exp(-2 * 0.5 * np.exp(1.96 * 0.2)), rel=0.06)
    assert high == pytest.approx(np.exp(-2 * 0.5 * np.exp(-1.96 * 0.2)), rel=0.06)
    drawn = replace(fitted, draws=fitted.sample(400).reshape(2, 200, -1), method="nuts")
    assert lagged(drawn, np.array([2.0]))["low"][0] == pytest.approx(low, rel=0.06)


def test_lags_end_where_the_slowest_mode_is_gone_or_the_record_ends() -> None:
    fitted = fit_of(GIVEN)
    slowest = -np.linalg.eigvals(DRIFT).max()
    lags = default_lags(fitted)
    assert lags[0] == 0 and lags[-1] == pytest.approx(-np.log(0.01) / slowest) and (np.diff(lags) > 0).all()
    slow = fit_of(GIVEN | {"drift[gut, gut]": -0.0378, "drift[gut, mind]": 0.0})
    assert default_lags(slow)[-1] == 49


def test_responses_to_impulses_and_levels() -> None:
    fitted = fit_of(
        GIVEN | {"impulse[mind, session]": -0.4, "level[gut, diet]": 0.2}, impulses=("session",), levels=("diet",)
    )
    rest = np.sqrt(np.diag(solve_continuous_lyapunov(DRIFT, -NOISE)))
    table = impulses(fitted, np.array([0.0, 1.5]), dose={"session": 2.0})
    move = expm(DRIFT * 1.5)
    kick = move @ [0.0, -0.8] / rest
    push = np.linalg.inv(DRIFT) @ (move - np.eye(2)) @ [0.2, 0.0] / rest
    late = table.filter(pl.col("lag") == 1.5)
    for kind, expected in (("impulse", kick), ("level", push)):
        assert late.filter(pl.col("kind") == kind)["estimate"].to_list() == pytest.approx(list(expected), abs=1e-9)
    at_once = table.filter((pl.col("lag") == 0) & (pl.col("kind") == "impulse"))["estimate"].to_list()
    assert at_once == pytest.approx([0.0, -0.8 / rest[1]], abs=1e-9)
    assert impulses(fit_of(GIVEN)).is_empty()


def test_shares_of_variance() -> None:
    fitted = fit_of(GIVEN | {"error[m]": 0.5, "spread[mean[g]]": 2.0}, varying=("mean[g]",))
    rest = solve_continuous_lyapunov(DRIFT, -NOISE)
    table = explained(fitted)

    def share(process: str, indicator: str, source: str) -> float:
        keys = {"process": process, "indicator": indicator, "source": source}
        return float(table.filter(**keys)["share"].item())

    assert share("mind", "", "itself") == pytest.approx(0.49 / 1.6 / rest[1, 1], rel=1e-9)
    assert share("mind", "", "itself") + share("mind", "", "gut") == pytest.approx(1, rel=1e-9)
    assert share("mind", "m", "error") == pytest.approx(0.25 / (0.25 + 4 * rest[1, 1]), rel=1e-9)
    assert share("gut", "g", "between people") == pytest.approx(4 / (4 + 1 + rest[0, 0]), rel=1e-9)
    moved = explained(fit_of(GIVEN | {"level[gut, diet]": 1.0, "trend[mind]": 0.1}, levels=("diet",), trend=True))
    parts = moved.filter((pl.col("indicator") == "") & (pl.col("process") == "gut"))
    assert parts["share"].sum() == pytest.approx(1) and parts.filter(source="inputs")["share"].item() > 0.1


def test_direction_of_a_strong_difference_and_its_sentence() -> None:
    sure = directions(fit_of(GIVEN, 0.02)).row(0, named=True)
    assert sure["probability"] > 0.99 and sure["verdict"].startswith("gut -> mind is larger (probability above 0.999)")
    assert sure["gut_to_mind"] > sure["mind_to_gut"] > 0 and sure["lag"] == sure["gut_to_mind_lag"]
    # Units of the processes do not matter: gut in tenths, mind in thousandths.
    scaled = {"drift[gut, mind]": 0.1 * 100, "drift[mind, gut]": 0.3 / 100, "noise[gut]": 10.0, "noise[mind]": 0.07}
    again = directions(fit_of(GIVEN | scaled)).row(0, named=True)
    assert again["gut_to_mind"] == pytest.approx(sure["gut_to_mind"], rel=1e-6)
    unsure = directions(fit_of(GIVEN, 0.5)).row(0, named=True)
    assert unsure["verdict"].startswith("Neither")
    turned = GIVEN | {"drift[gut, mind]": -0.9, "drift[mind, gut]": 0.1}
    assert directions(fit_of(turned, 0.02))["probability"][0] < 0.01


def test_direction_is_the_same_at_every_lag_of_two_processes() -> None:
    fitted = fit_of(GIVEN)
    made = lagged(fitted)
    there = made.filter(to="mind", by="gut")["estimate"].to_numpy()[1:]
    back = made.filter(to="gut", by="mind")["estimate"].to_numpy()[1:]
    np.testing.assert_allclose(there / back, there[0] / back[0], rtol=1e-9)


@pytest.mark.parametrize(
    ("one", "errors"),
    [(0.0, (0.05, 0.05)), (0.0, (0.3, 0.02)), (0.3, (0.05, 0.05)), (0.3, (0.1, 0.03))],
    ids=["none", "none, unequally sure", "equal", "equal, unequally sure"],
)
def test_no_direction_is_preferred_where_there_is_none(
    one: float, errors: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "COMPARED", 1000)
    alike = {"drift[gut, gut]": -1.0, "drift[mind, mind]": -1.0, "drift[gut, mind]": one, "drift[mind, gut]": one}
    true = fit_of(alike, {"drift[mind, gut]": errors[0], "drift[gut, mind]": errors[1]})
    generator = np.random.default_rng(3)
    studies = generator.multivariate_normal(true.free, true.covariance, 120)
    found = pl.concat([directions(replace(true, free=study), np.array([0.5, 1.0])) for study in studies])
    beyond = ((found["probability"] - 0.5).abs() > 0.475).mean()
    # 5 % by chance; 120 studies find at most 11 of them in 99 %.
    assert beyond <= 11 / 120
    named = found["verdict"].str.contains("-> (?:gut|mind) is larger").mean()
    assert named <= 11 / 120
    if one:
        quarters = np.histogram(found["probability"], [0, 0.25, 0.5, 0.75, 1])[0] / 120
        assert quarters.min() > 0.12


def test_a_pair_of_several_processes_is_compared_at_its_own_lags() -> None:
    processes = (Process("gut", "gut"), Process("butyrate", "gut"), Process("mind", "mind"), Process("sleep"))
    shown = tuple(Indicator(f"{one.name}_seen", {one.name: 1.0}) for one in processes)
    given = {"drift[butyrate, gut]": 0.5, "drift[mind, butyrate]": 0.5, "drift[gut, mind]": 0.1}
    table = directions(fit_of(given, 0.02, processes=processes, indicators=shown))
    assert table.select("gut", "mind").rows() == [("gut", "mind"), ("butyrate", "mind")]
    chain = table.row(0, named=True)
    # The effect through butyrate comes later than the direct one back.
    assert chain["gut_to_mind_lag"] > chain["mind_to_gut_lag"] and chain["gut_to_mind"] > chain["mind_to_gut"]


def test_no_interval_without_covariance_and_no_standardised_effect_without_rest() -> None:
    fitted = fit_of(GIVEN)
    without = replace(fitted, covariance=np.full_like(fitted.covariance, np.nan))
    one = directions(without).row(0, named=True)
    assert np.isnan(one["probability"]) and "no standard errors" in one["verdict"]
    assert lagged(without)["low"].is_nan().all() and lagged(without)["estimate"].is_finite().all()
    wild = fit_of(GIVEN | {"drift[gut, mind]": 2.0})
    assert lagged(wild).is_empty() and directions(wild).is_empty() and explained(wild).is_empty()
    assert unstable_share(wild) == 1 and unstable_share(fitted) == 0


def test_a_verdict_is_never_surer_than_its_probability() -> None:
    assert verdict("gut", "mind", 0.96, True, False) == (
        "gut -> mind is likely larger (probability 0.96). mind -> gut cannot be told from no effect."
    )
    assert verdict("gut", "mind", 0.6, True, True) == (
        "gut -> mind and mind -> gut are both told from no effect, but which is larger is open "
        "(probability 0.60 for gut -> mind)."
    )
    assert verdict("gut", "mind", 0.3, True, False).endswith("(probability 0.70 for mind -> gut).")
    assert verdict("gut", "mind", 0.99, False, False).startswith("Neither")
