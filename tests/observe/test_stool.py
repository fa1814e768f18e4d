"""Stool form as a distribution, frequency by kept days, transit with its doubt, and dye tests."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.observe.stool import blue_dye, form_summary, frequency, transit_from_stools


def stools(forms, person="p", first=date(2025, 3, 1)) -> pl.DataFrame:
    """Return one row a day."""
    days = [first + timedelta(days=k) for k in range(len(forms))]
    return pl.DataFrame({"person": person, "date": days, "form": forms}, schema_overrides={"form": pl.Int64})


def counts(numbers, person="p") -> pl.DataFrame:
    return stools([None] * len(numbers), person).drop("form").with_columns(stools=pl.Series(numbers, dtype=pl.Int64))


def test_form_is_a_distribution_with_its_median():
    row = form_summary(stools([1, 2, 4, 4, 4, 6, None])).row(0, named=True)
    assert row["stools"] == 6
    assert [row[f"form_{k}"] for k in range(1, 8)] == pytest.approx([1 / 6, 1 / 6, 0, 1 / 2, 0, 1 / 6, 0])
    assert (row["median_low"], row["median_high"]) == (4, 4)
    assert (row["hard"], row["loose"]) == (pytest.approx(1 / 3), pytest.approx(1 / 6))
    assert not any("mean" in name for name in row)


def test_a_median_between_two_categories_stays_two():
    row = form_summary(stools([2, 6])).row(0, named=True)
    assert (row["median_low"], row["median_high"]) == (2, 6)


def test_no_form_is_withheld():
    row = form_summary(stools([None])).row(0, named=True)
    assert (row["withheld"], row["median_low"], row["form_4"]) == ("no stool with a form", None, None)


@pytest.mark.parametrize("form", [0, 8, -1])
def test_forms_beyond_the_scale_are_refused(form):
    with pytest.raises(InputError, match="none of 1 to 7"):
        form_summary(stools([4, form]))


def test_forms_in_text_are_read_and_broken_ones_refused():
    text = stools([4, 5]).with_columns(form=pl.Series(["4", ""]))
    assert form_summary(text)["stools"].item() == 1
    for wrong in ("3.5", "soft"):
        with pytest.raises(InputError, match="none of 1 to 7"):
            form_summary(stools([4, 5]).with_columns(form=pl.Series(["4", wrong])))


@given(st.lists(st.integers(1, 7), min_size=1, max_size=30), st.randoms())
def test_shares_sum_to_one_whatever_the_order(forms, random):
    table = stools(forms)
    order = list(range(len(forms)))
    random.shuffle(order)
    found = form_summary(table[order])
    assert found.equals(form_summary(table))
    row = found.row(0, named=True)
    assert sum(row[f"form_{k}"] for k in range(1, 8)) == pytest.approx(1)
    assert row["median_low"] <= np.median(forms) <= row["median_high"]


def test_frequency_counts_kept_days_only():
    row = frequency(counts([1, 1, 0, 2, None, 1, 1, 1, None, 0])).row(0, named=True)
    assert (row["stools"], row["kept_days"], row["period_days"]) == (7, 8, 10)
    assert (row["coverage"], row["per_week"]) == (0.8, pytest.approx(7 / 8 * 7))
    # Exact Poisson limits of 7 events: 2.814 and 14.423.
    limits = pytest.approx([2.814 * 7 / 8, 14.423 * 7 / 8], abs=1e-3)
    assert [row["low"], row["high"]] == limits
    assert (row["unit"], row["withheld"]) == ("1/week", None)


def test_frequency_from_one_row_a_stool():
    twice = pl.concat([stools([4, None, 3, 4, 4, 4, 4]), stools([5])])
    row = frequency(twice).row(0, named=True)
    assert (row["stools"], row["kept_days"], row["per_week"]) == (7, 7, 7)


def test_a_declared_period_tells_the_coverage():
    table = pl.concat([counts([1] * 10), counts([0] * 3, "q")])
    found = frequency(table, start=date(2025, 3, 2), end=date(2025, 3, 15))
    assert found.select("stools", "kept_days", "period_days").rows() == [(9, 9, 14), (0, 2, 14)]
    assert found["withheld"].to_list() == [None, "2 kept days, 7 are needed"]
    assert found["per_week"].to_list() == [7, None]
    none = frequency(counts([0] * 7)).row(0, named=True)
    assert (none["per_week"], none["low"], none["high"]) == (0, 0, pytest.approx(3.689, abs=1e-3))


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (counts([1, -1]), "negative or no whole number"),
        (pl.concat([counts([1]), counts([2])]), "stands twice"),
        (counts([1]).drop("date"), "no such column"),
        (counts([1]).drop("stools"), "neither"),
        (counts([1]).with_columns(date=pl.lit("March 1")), "'March 1' is no date"),
        (counts([1]).with_columns(date=pl.lit(None, dtype=pl.Date)), "a date is missing"),
        (counts([1]).head(0), "empty"),
    ],
)
def test_broken_diaries_are_named(table, match):
    with pytest.raises(InputError, match=match):
        frequency(table)


def test_dates_in_text_are_read():
    table = counts([1] * 7)
    assert frequency(table.with_columns(pl.col("date").cast(pl.String))).equals(frequency(table))


def test_transit_falls_with_form_and_frequency_and_stays_wide():
    hours = [transit_from_stools(form=form)["hours"] for form in range(1, 8)]
    assert all(np.diff(hours) < 0)
    assert transit_from_stools(form=4)["hours"] == pytest.approx(28.7, abs=0.1)
    assert transit_from_stools(per_week=8)["hours"] == pytest.approx(28.7, abs=0.1)
    assert transit_from_stools(per_week=3)["hours"] > transit_from_stools(per_week=14)["hours"]
    for given_ in ({"form": 4}, {"per_week": 7}, {"form": 2, "per_week": 3}):
        found = transit_from_stools(**given_)
        assert found["low"] < found["hours"] < found["high"]
        assert found["high"] / found["low"] > 2.5
        assert "not a transit test" in found["method"]


def test_transit_by_simulation_of_the_observation_equations():
    rng = np.random.default_rng(11)
    slow = rng.normal(0, 0.31, 400_000)
    form = np.clip(np.round(4 - 1.35 * slow + rng.normal(0, 0.85, slow.size)), 1, 7)
    per_week = np.exp(np.log(8) - 0.4 * slow + rng.normal(0, 0.38, slow.size))
    for category in (1, 3, 6):
        low, middle, high = np.quantile(28.7 * np.exp(slow[form == category]), [0.025, 0.5, 0.975])
        found = transit_from_stools(form=category)
        assert (found["hours"], found["low"], found["high"]) == pytest.approx((middle, low, high), rel=0.04)
    near = (np.abs(np.log(per_week / 4)) < 0.03) & (form == 3)
    found = transit_from_stools(form=3, per_week=4)
    assert found["hours"] == pytest.approx(28.7 * np.exp(np.median(slow[near])), rel=0.02)


def test_transit_without_or_with_wrong_observations():
    assert transit_from_stools()["withheld"] == "neither form nor frequency is known"
    for wrong in ({"form": 8}, {"per_week": 0.0}, {"per_week": float("nan")}):
        with pytest.raises(InputError):
            transit_from_stools(**wrong)


def dye(first_blue, **more) -> dict:
    table = {"person": ["p"], "swallowed": [datetime(2025, 3, 1, 8)], "first_blue": [first_blue]}
    table = pl.DataFrame(table | {name: [value] for name, value in more.items()},
                         schema_overrides={"first_blue": pl.Datetime})  # fmt: skip
    return blue_dye(table).row(0, named=True)


def test_blue_dye_gives_hours_with_the_noise_of_a_test():
    row = dye(datetime(2025, 3, 2, 12, 42), last_plain=datetime(2025, 3, 1, 20))
    assert (row["hours"], row["after"], row["unit"]) == (pytest.approx(28.7), 12, "h")
    assert np.log(row["high"] / row["low"]) == pytest.approx(2 * 1.96 * 0.30, rel=1e-4)


@pytest.mark.parametrize(
    ("first_blue", "more", "reason"),
    [
        (None, {}, "a time is missing"),
        (datetime(2025, 3, 1, 7), {}, "blue before the dye was swallowed"),
        (datetime(2025, 4, 1), {}, "a wrong date"),
        (datetime(2025, 3, 2), {"last_plain": datetime(2025, 3, 2, 1)}, "not before the first blue"),
    ],
)
def test_impossible_dye_tests_are_withheld(first_blue, more, reason):
    row = dye(first_blue, **more)
    assert (row["hours"], row["low"], row["high"]) == (None, None, None)
    assert reason in row["withheld"]


def test_dye_times_must_be_times():
    with pytest.raises(InputError, match="times are String"):
        blue_dye(pl.DataFrame({"person": ["p"], "swallowed": ["8:00"], "first_blue": ["9:00"]}))
