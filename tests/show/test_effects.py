"""Effects come back from numbers whose truth is known."""

import numpy as np
import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.show.effects import effects, leaving

AFFECT, TONE = "mind.negative_affect", "vagus.tone"


def last(table, arm="course <b>"):
    return table.filter(pl.col("arm") == arm, pl.col("visit") == 10).row(0, named=True)


def test_known_effects_come_back(fake):
    row = last(effects(fake(), [AFFECT], comparator="control"))
    falls = 2 + 0.5 * np.arange(5)
    assert row["effect"] == pytest.approx(-np.median(falls), abs=1e-4)
    assert row["change"] == pytest.approx(-3, abs=1e-4)
    assert (row["belief_low"], row["belief_high"]) == pytest.approx(tuple(np.quantile(-falls, [0.05, 0.95])), abs=1e-4)
    # The spread of responses is 1 point among 20 people, and none in the control.
    assert row["standard_error"] == pytest.approx(1 / np.sqrt(20), rel=1e-3)
    assert row["sampling_high"] - row["sampling_low"] == pytest.approx(2 * 1.645 / np.sqrt(20), rel=1e-3)
    assert row["sd"] == pytest.approx(10, rel=1e-4) and row["effect_sd"] == pytest.approx(-0.3, rel=1e-4)
    assert row["sampling_sd_low"] == pytest.approx(row["sampling_low"] / 10, rel=1e-4)


def test_the_comparator_has_a_change_but_no_effect_and_is_the_first_arm_by_default(fake):
    row = last(effects(fake(), [AFFECT], comparator="control"), "control")
    assert row["change"] == pytest.approx(0, abs=1e-4) and row["effect"] is None and row["sd"] is not None
    assert last(effects(fake(), [AFFECT]), "control")["effect"] == pytest.approx(3, abs=1e-4)


def test_more_people_narrow_sampling_but_not_belief(fake):
    row = last(effects(fake(), [AFFECT], comparator="control"))
    assert row["belief_high"] - row["belief_low"] == pytest.approx(0.9 * 2, abs=1e-3)
    twin = last(effects(fake(twins=True), [AFFECT], comparator="control"))
    assert twin["standard_error"] == pytest.approx(1 / np.sqrt(20), rel=1e-3)


def test_one_world_has_no_belief(fake):
    row = last(effects(fake(worlds=1), [AFFECT], comparator="control"))
    assert row["belief_low"] is None and row["belief_sd_high"] is None
    assert row["effect"] == pytest.approx(-2, abs=1e-4) and row["sampling_low"] is not None


def test_whoever_left_counts_until_he_left(fake):
    result = fake(worlds=1)
    result.present[6:, 0] = 0  # person 0 drops out on day 6
    result.lost_day[1] = 3  # person 1 leaves the bounds on day 3
    result.mean[6:, 0, 0] = 1e6
    result.mean[3:, 0, 1] = np.nan
    table = effects(result, [AFFECT], comparator="control")
    counts = table.filter(pl.col("arm") == "course <b>").select("present", "dropped_out", "lost").rows()
    assert counts == [(20, 0, 0), (19, 0, 1), (18, 1, 1)]
    assert abs(last(table)["effect"]) < 3
    assert leaving(result).row(0) == ("course <b>", 20, 1, 1, 18)


def test_a_signal_without_spread_at_rest_has_no_effect_in_sd(fake):
    row = last(effects(fake(), [TONE], comparator="control"))
    assert row["effect"] == 0 and row["sd"] is None and row["effect_sd"] is None


def test_nobody_left_gives_nulls(fake):
    result = fake(worlds=2)
    result.present[5:, result.arm == 0] = 0
    row = last(effects(result, [AFFECT], comparator="control"))
    assert row["present"] == 0 and row["change"] is None and row["effect"] is None


def test_a_visit_after_the_end_reads_the_last_day(fake):
    row = effects(fake(), [AFFECT], visits=[99]).row(0, named=True)
    assert (row["visit"], row["day"]) == (99, 10)


def test_unknown_names_are_refused(fake):
    with pytest.raises(InputError, match="no arm 'nobody'"):
        effects(fake(), [AFFECT], comparator="nobody")
    with pytest.raises(InputError, match="did you mean"):
        effects(fake(), ["mind.negative_afect"])
