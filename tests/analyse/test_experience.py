"""Experience sampling against nlme and lm of R, by hand, and with what breaks it."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.persons.experience import compliance, diary_forms, moments, summaries
from gutbrain.analyse.persons.experience_time import continuous_inertia, gap_exponent
from gutbrain.errors import InputError
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study
from gutbrain.study.study import Study


def table(values, hours, person="a", outcome="x"):
    hours = np.asarray(hours, float)
    return pl.DataFrame({"person": person, "period": pl.Series([None] * len(hours), dtype=pl.String),
                         "outcome": outcome, "date": np.floor((hours - 4) / 24).astype(int), "hours": hours,
                         "value": np.asarray(values, float)})  # fmt: skip


def statistic(made, name, column="value"):
    return made.filter(pl.col("statistic") == name)[column][0]


def test_by_hand_and_never_over_a_night():
    made = summaries(table([1, 3, 2, 9, 5, 6], [9, 12, 15, 33, 36, 42]), acute=2.0, continuous=False)
    # Changes of the first day +2, -1; of the second -4, +1; the +7 of the night does not count.
    assert statistic(made, "mean squared successive difference") == pytest.approx((4 + 1 + 16 + 1) / 4)
    assert statistic(made, "acute changes") == pytest.approx(2 / 4)
    assert statistic(made, "mean") == pytest.approx(26 / 6)
    assert statistic(made, "standard deviation") == pytest.approx(np.std([1, 3, 2, 9, 5, 6], ddof=1))
    first, second = np.array([1, 3, 9, 5.0]), np.array([3, 2, 5, 6.0])
    assert statistic(made, "inertia") == pytest.approx(np.polyfit(first, second, 1)[0])
    assert "4 pairs: biased by about" in statistic(made, "inertia", "note")
    assert set(made["pairs"]) == {4} and set(made["days"]) == {2}
    assert made["low"].null_count() == len(made)


def test_a_long_gap_can_be_left_out():
    made = summaries(table([1, 3, 2, 9], [9, 12, 13, 22]), longest_gap=4, continuous=False)
    assert statistic(made, "mean squared successive difference") == pytest.approx((4 + 1) / 2)


@pytest.mark.parametrize(
    ("folder", "person", "item", "tau", "inertia", "mssd", "spread"),
    [
        # nlme 3.1.162 gls(value ~ 1, correlation = corCAR1(form = ~ hours | date), method = "ML"); lm of R 4.2
        ("esm-one-person", "1", "ESM.mood_relaxed", 1.04846414863, 0.275549862541, 0.840872374798,
         0.754466436669),
        ("esm-eighteen-persons", "10", "ESM.happy", 0.572059268505, 0.109238032495, 1357.25,
         28.079328703),
    ],
)  # fmt: skip
def test_real_diaries_as_in_nlme(folder, person, item, tau, inertia, mssd, spread):
    own = moments(read(folder)).table.filter((pl.col("outcome") == item) & (pl.col("person") == person))
    made = summaries(own, draws=200)
    assert statistic(made, "correlation time") == pytest.approx(tau, rel=1e-5)
    assert statistic(made, "inertia") == pytest.approx(inertia, rel=1e-9)
    assert statistic(made, "mean squared successive difference") == pytest.approx(mssd, rel=1e-9)
    assert statistic(made, "standard deviation") == pytest.approx(spread, rel=1e-9)
    ends = made.filter(pl.col("low").is_not_null() & pl.col("high").is_not_null())
    assert len(ends) >= 7
    assert ((ends["low"] <= ends["value"]) & (ends["value"] <= ends["high"])).all()


ROOT = Path(__file__).parents[2]


@cache
def read(name):
    """Return a real study as the shipped mapping reads it."""
    folder = ROOT.parent / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"{name} needs ../shared")
    return read_study([folder], read_mapping(ROOT / "examples" / "maps" / f"{name}.toml"))


def test_prompts_that_were_answered():
    made = compliance(read("esm-eighteen-persons"))
    assert made["answered"].sum() == 1370 and made["prompts"].sum() == 1980  # 69 %, as its authors say
    assert made["low"].is_between(0, made["share"]).all()


def test_correlation_time_is_found_again_at_uneven_gaps():
    draws = np.random.default_rng(2)
    hours, values, days = [], [], []
    for day in range(150):
        at = np.sort(draws.uniform(9, 21, 8))
        level = draws.normal()
        for place, moment in enumerate(at):
            if place:
                kept = np.exp(-(moment - at[place - 1]) / 3.0)
                level = kept * level + np.sqrt(1 - kept**2) * draws.normal()
            hours.append(24 * day + moment)
            values.append(5 + 2 * level)
            days.append(day)
    found = continuous_inertia(np.array(hours), np.array(values), np.array(days))
    assert found.low < 3.0 < found.high and found.high / found.low < 2
    assert found.mean == pytest.approx(5, abs=0.4) and found.spread == pytest.approx(2, abs=0.3)
    slower = continuous_inertia(2 * np.array(hours), np.array(values), np.array(days))
    assert slower.hours == pytest.approx(2 * found.hours, rel=1e-4)


def test_change_that_grows_with_the_gap_is_adjusted_for():
    draws = np.random.default_rng(7)
    people = []
    for _ in range(30):
        gap = draws.uniform(0.5, 6, 100)
        people.append((draws.normal(0, np.sqrt(gap)), gap))
    assert gap_exponent(people) == pytest.approx(1.0, abs=0.15)
    assert gap_exponent([(one, np.ones(100)) for one, _ in people]) == 0.0
    assert gap_exponent([]) == 0.0


def test_answers_that_never_change_or_stand_alone_are_told():
    made = summaries(table([4] * 24, np.concatenate([24 * d + np.array([9, 12, 15, 18]) for d in range(6)])))
    assert statistic(made, "inertia") is None and statistic(made, "inertia", "note") == "the answers do not vary"
    assert statistic(made, "correlation time", "note") == "the answers do not vary"
    assert statistic(made, "standard deviation") == 0
    once = summaries(table([1, 2, 3], [9, 33, 57]))
    assert once["statistic"].to_list() == ["mean", "standard deviation"]


def test_moving_and_scaling_the_answers():
    draws = np.random.default_rng(8)
    hours = np.concatenate([24 * day + np.sort(draws.uniform(9, 21, 6)) for day in range(12)])
    values = draws.normal(size=len(hours))
    first = summaries(table(values, hours), draws=50, generator=np.random.default_rng(1))
    moved = summaries(table(1e6 + 10 * values, hours), draws=50, generator=np.random.default_rng(1))
    for name, power in (("inertia", 0), ("standard deviation", 1), ("mean squared successive difference", 2),
                        ("correlation time", 0)):  # fmt: skip
        value, other = statistic(first, name), statistic(moved, name)
        assert (value is None and other is None) or other == pytest.approx(value * 10**power, rel=1e-5)


def study(**columns):
    base = {"person": "a", "visit": None, "day": [0.4, 0.5, 0.6, 1.4], "form": "ESM", "item": "calm",
            "value": [1.0, 2.0, 3.0, 4.0]}  # fmt: skip
    return Study.of({"answers": pl.DataFrame(base | columns, schema_overrides={"visit": pl.String})})


def test_moments_days_and_scales():
    one = pl.concat([study().answers, study(item="glad", value=[3.0, 4.0, 5.0, 6.0]).answers[:3]])
    both = Study.of({"answers": one})
    made = moments(both, scales={"good": ["calm", "glad"]}).table
    assert made["value"].to_list() == [2.0, 3.0, 4.0]
    assert moments(both).table["outcome"].unique().sort().to_list() == ["ESM.calm", "ESM.glad"]
    late = moments(study(day=[0.4, 0.5, 1.02, 1.4])).table
    assert late["date"].to_list() == [0, 0, 0, 1]  # half past midnight belongs to the day before
    weeks = study(visit=["before", "before", "after", "after"])
    assert set(moments(weeks).table["period"]) == {"before", "after"}
    assert moments(study(visit=["1", "2", "3", "4"])).table["period"].null_count() == 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: moments(study(), ["diary"]), "no diary 'diary'"),
        (lambda: moments(study(form="GAD-7", item="1")), "the study has no diary"),
        (lambda: moments(study(), scales={"good": ["glad"]}), "no item 'glad'"),
        (lambda: moments(study(day=None, item=["a", "b", "c", "d"])), "no answer of the diary has a day or time"),
    ],
)
def test_what_cannot_be_done_is_said(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_questionnaires_are_no_diaries():
    assert diary_forms(study()) == ["ESM"] and diary_forms(study(form="PHQ-9", item="1")) == []
    assert compliance(study()).is_empty()


@pytest.mark.calibration
def test_intervals_over_resampled_days_hold_the_truth():
    """Autoregression 0.4 within days; 25 days of 8 moments, 200 diaries: coverage of 95 % within what days allow."""
    draws = np.random.default_rng(6)
    held = {"mean": 0, "inertia": 0, "root mean squared successive difference": 0, "correlation time": 0}
    truth = {"mean": 0.0, "inertia": 0.4, "root mean squared successive difference": np.sqrt(2 * (1 - 0.4)),
             "correlation time": -1.5 / np.log(0.4)}  # fmt: skip
    for _ in range(200):
        level = draws.normal(size=25)
        values = [level]
        for _ in range(7):
            values.append(0.4 * values[-1] + np.sqrt(1 - 0.4**2) * draws.normal(size=25))
        hours = (24 * np.arange(25)[:, None] + 9 + 1.5 * np.arange(8)).ravel()
        made = summaries(table(np.array(values).T.ravel(), hours), draws=300, generator=draws)
        for name in held:
            low, high = statistic(made, name, "low"), statistic(made, name, "high")
            held[name] += low is not None and high is not None and low <= truth[name] <= high
    assert all(170 <= count <= 200 for count in held.values()), held


def test_clock_and_day_are_not_mixed_within_a_person():
    from datetime import datetime, timedelta

    times = [datetime(2024, 3, 1, 9) + timedelta(hours=3 * at) for at in range(4)]
    made = moments(study(person=["a"] * 4, day=[0.375, 0.5, 0.625, None], time=times, item=["x"] * 4,
                         value=[1.0, 2, 3, 4]))  # fmt: skip
    assert made.table["hours"].diff().drop_nulls().to_list() == pytest.approx([3.0, 3, 3])
    assert made.table["date"].n_unique() == 1 and made.notes == ()


def test_a_day_begins_on_the_minute():
    at = [day + hour / 24 for day in range(40) for hour in (3 + 59 / 60, 4.0)]
    made = moments(study(person=["a"] * 80, day=at, item=["x"] * 80, value=[float(v % 7) for v in range(80)]))
    assert made.table["date"].to_list() == [day + part for day in range(40) for part in (-1, 0)]


def test_where_hardly_anything_changes_only_changes_are_acute():
    hours = [24.0 * day + hour for day in range(10) for hour in (9, 12, 15, 18)]
    values = [3.0] * 39 + [5.0]
    assert statistic(summaries(table(values, hours), draws=0), "acute changes") == pytest.approx(1 / 30)


def test_visits_at_the_clinic_are_no_prompts():
    prompts = [f"d{day}" for day in range(4)]
    rows = study(person=["a"] * 3, visit=prompts[:3], day=[0.5, 1.5, 2.5], item=["x"] * 3, value=[1.0, 2, 3])
    visits = pl.DataFrame({"person": ["a"] * 5, "visit": [*prompts, "clinic"]})
    samples = pl.DataFrame({"sample": ["s"], "person": ["a"], "visit": ["clinic"]})
    found = compliance(Study.of({"answers": rows.answers, "visits": visits, "samples": samples}))
    assert found.select("prompts", "answered").row(0) == (4, 3)


def test_ratings_of_the_mind_among_the_readings_are_prompts():
    hours = [9.0, 12.0, 15.0, 18.0]
    rows = [
        ("p1", None, day + hour / 24, "mind.negative_affect", 20.0 + hour, "point")
        for day in range(6)
        for hour in hours
    ]
    rows += [("p1", None, float(day), "mind.rumination", 3.0, "point") for day in range(6)]
    names = ["person", "visit", "day", "quantity", "value", "unit"]
    study = Study.of(
        {"readings": pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"visit": pl.String})}
    )
    assert diary_forms(study) == ["prompts"]
    made = moments(study)
    assert made.table["outcome"].unique().to_list() == ["prompts.mind.negative_affect"]
    assert len(made.table) == 24
