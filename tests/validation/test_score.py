"""Scores against what is known of them, and what must never count as a success."""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from gutbrain.evidence.findings import finding
from gutbrain.validation.designs import designs
from gutbrain.validation.discrepancy import Discrepancy, learnt
from gutbrain.validation.score import board, crps, distance, on_scale, reported, row, summary, usual
from gutbrain.validation.validate import discrepancy_of
from gutbrain.validation.virtual import Predicted

ANXIETY = "MIN-1 anxiety 8 weeks"


def predicted(centre: float, sd: float = 0.1, error: float = 0.1, worlds: int = 10, significant: float = 1.0):
    draws = norm(centre, sd).ppf((np.arange(4000) + 0.5) / 4000).reshape(worlds, -1, order="F")
    return Predicted(ANXIETY, np.full(worlds, centre), draws, error, significant)


@pytest.mark.parametrize("observed", [-1.0, 0.0, 0.3, 2.0])
def test_crps_of_a_normal_forecast(observed):
    draws = norm.ppf((np.arange(20000) + 0.5) / 20000)
    exact = observed * (2 * norm.cdf(observed) - 1) + 2 * norm.pdf(observed) - 1 / sqrt(np.pi)
    assert crps(draws, observed) == pytest.approx(exact, abs=2e-4)


def test_crps_of_a_point_is_its_distance():
    assert crps(np.array([2.0]), 5.0) == 3.0


def test_a_sharp_right_forecast_beats_both_baselines():
    one, design = finding(ANXIETY), designs()[ANXIETY]
    scored = row(one, design, predicted(-0.38, 0.13, 0.13))
    assert scored["covered"] and scored["right_sign"] and abs(scored["z"]) < 0.1
    assert scored["crps"] < scored["crps_benefit"] < scored["crps_no_effect"]


def test_a_wrong_forecast_is_told():
    scored = row(finding(ANXIETY), designs()[ANXIETY], predicted(0.4, 0.05, 0.05))
    assert not scored["covered"] and scored["right_sign"] is False and scored["z"] < -3
    assert scored["crps"] > scored["crps_no_effect"]


def test_no_effect_has_no_direction():
    assert row(finding(ANXIETY), designs()[ANXIETY], predicted(-0.004))["right_sign"] is False


def test_an_interval_across_zero_asks_for_no_direction():
    one = replace(finding(ANXIETY), low=-0.5, high=0.1)
    assert row(one, designs()[ANXIETY], predicted(0.2)).get("right_sign") is None


def test_printed_errors_widen_the_forecast_and_never_narrow_it():
    narrow = predicted(0.0, 0.1, 0.1)
    assert reported(narrow, 0.3).std() == pytest.approx(0.3, rel=0.05)
    assert reported(narrow, 0.01).std() == pytest.approx(0.1, rel=0.01)


@pytest.mark.parametrize("share, holds", [(0.05, True), (0.30, True), (0.31, False)])
def test_nulls_count_by_their_share_of_significant_trials(share, holds):
    one = replace(finding(ANXIETY), sign="0", centre=0.0, low=None, high=None)
    scored = row(one, designs()[ANXIETY], predicted(0.0, significant=share))
    assert scored["null_reproduced"] is holds
    assert "crps" not in scored and scored["published"] is None


def test_ratios_are_compared_on_the_logarithm():
    design = designs()["BAR-1"]
    assert on_scale(finding("BAR-1"), design)[0] == pytest.approx(log(1.97))
    assert on_scale(finding("BAR-4"), designs()["BAR-4"])[0] == pytest.approx(log(1.5))


def test_what_is_true_by_construction_is_no_success():
    one, design = finding(ANXIETY), designs()[ANXIETY]
    rows = [
        row(replace(one, use="construction"), design, predicted(-0.38)),
        row(replace(one, use="predict"), design, predicted(0.4, 0.02, 0.02)),
    ]
    table = summary(board(rows))
    assert table["use"].to_list() == ["predict"]
    assert table["coverage"][0] == 0 and table["sign_accuracy"][0] == 0 and table["skill"][0] < 0


def test_a_discrepancy_is_laid_over_what_helps_and_nothing_else():
    lean = Discrepancy(mean=0.2, mean_error=0.05, spread=0.1, findings=20)
    helps = row(finding(ANXIETY), designs()[ANXIETY], predicted(-0.1, 0.02, 0.02), lean)
    assert helps["overlaid"] == pytest.approx(-0.3, abs=0.02) and helps["predicted"] == pytest.approx(-0.1, abs=0.02)
    assert helps["overlaid_high"] - helps["overlaid_low"] > helps["predicted_high"] - helps["predicted_low"]
    burdens = row(finding("HPA-3"), designs()["HPA-3"], predicted(0.5, 0.02, 0.02), lean)
    assert burdens["overlaid"] == burdens["predicted"]


def test_nulls_meet_the_discrepancy_too():
    one = replace(finding(ANXIETY), sign="0", centre=0.0, low=None, high=None)
    lean = Discrepancy(mean=0.5, mean_error=0.02, spread=0.05, findings=20)
    scored = row(one, designs()[ANXIETY], predicted(0.0, significant=0.05), lean)
    assert scored["null_reproduced"] and not scored["overlaid_null_reproduced"]
    assert distance(one, designs()[ANXIETY], predicted(-0.2))[0] == pytest.approx(-0.2, abs=0.01)


def test_the_usual_benefit_is_a_baseline_without_a_body():
    lean = Discrepancy(mean=0.38, mean_error=0.01, spread=0.05, findings=20)
    scored = row(finding(ANXIETY), designs()[ANXIETY], predicted(0.5, 0.05, 0.05), None, lean)
    assert scored["crps_lean"] < scored["crps_benefit"] < scored["crps"]
    assert usual(finding(ANXIETY), designs()[ANXIETY], predicted(0.0))[0] == pytest.approx(0.38)


def test_a_discrepancy_is_learnt_as_it_was_planted():
    generator = np.random.default_rng(1)
    variance = generator.uniform(0.005, 0.03, 400)
    planted = 0.25 + 0.15 * generator.standard_normal(400) + np.sqrt(variance) * generator.standard_normal(400)
    found = learnt(zip(planted, variance, strict=True))
    assert found is not None
    assert found.mean == pytest.approx(0.25, abs=0.03) and found.spread == pytest.approx(0.15, abs=0.02)
    assert learnt([(0.2, 0.01)] * 3) is None


def test_a_discrepancy_never_reads_what_is_to_be_predicted():
    chosen = {name: designs()[name] for name in designs()}
    held = {name: replace(predicted(0.0), finding=name) for name in chosen}
    before = discrepancy_of(chosen, held)
    spoiled = {
        name: replace(one, draws=one.draws + 9.0) if finding(name).use == "predict" else one
        for name, one in held.items()
    }
    assert discrepancy_of(chosen, spoiled) == before and before is not None


def test_skill_is_measured_against_the_better_baseline():
    rows = [row(replace(finding(ANXIETY), use="predict"), designs()[ANXIETY], predicted(-0.38, 0.13, 0.13))]
    table = summary(board(rows), ("pathway",))
    better = min(table["crps_no_effect"][0], table["crps_benefit"][0])
    assert table["skill"][0] == pytest.approx(1 - table["crps"][0] / better)
    assert isinstance(table, pl.DataFrame) and table.height == 1
