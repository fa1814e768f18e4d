"""Every bound of the sleep index, clocks across midnight, and what cannot be."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.observe import answering, psqi
from gutbrain.observe.answering import patterns
from gutbrain.observe.questionnaires import find, score
from gutbrain.observe.reliability import alpha, reliability

GOOD = {"bed_time": 23.0, "minutes_to_sleep": 10.0, "rise_time": 7.0, "hours_slept": 7.5, "quality": 0.0,
        "medication": 0.0, "staying_awake": 0.0, "enthusiasm": 0.0}  # fmt: skip
GOOD |= {f"5{letter}": 0.0 for letter in "abcdefghij"}


def night(person="p", **changed) -> pl.DataFrame:
    """Return one sheet that differs from a good sleeper's."""
    named = {name.removeprefix("item_"): value for name, value in changed.items()}
    sheet = GOOD | named
    return pl.DataFrame({"person": person, "visit": "one", "item": list(sheet), "value": list(sheet.values())},
                        strict=False)  # fmt: skip


def points(answers, **options) -> dict[str, float | None]:
    return dict(score(answers, "psqi", **options).select("scale", "score").iter_rows())


def test_a_good_and_the_worst_night():
    found = score(night(), "psqi")
    assert points(night())["total"] == 0
    assert found.filter(scale="total")["band"].item().startswith("not poor")
    worst = dict.fromkeys(GOOD, 3.0) | {"bed_time": 22.0, "rise_time": 8.0, "minutes_to_sleep": 90.0}
    named = {f"item_{item}" if item[0] == "5" else item: value for item, value in worst.items()}
    assert points(night(**named))["total"] == 21


@pytest.mark.parametrize(
    ("minutes", "expected"), [(0, 0), (15, 0), (15.5, 1), (16, 1), (30, 1), (31, 2), (60, 2), (60.5, 3), (61, 3)]
)
def test_minutes_to_fall_asleep(minutes, expected):
    assert psqi.latency_points(np.array(minutes)) == expected


@pytest.mark.parametrize(("total", "expected"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)])
def test_sums_of_two(total, expected):
    assert psqi.pair_points(np.array(total)) == expected


@pytest.mark.parametrize(
    ("hours", "expected"), [(9, 0), (7.01, 0), (7, 0), (6.99, 1), (6, 1), (5.99, 2), (5, 2), (4.99, 3), (0, 3)]
)
def test_hours_slept(hours, expected):
    assert psqi.duration_points(np.array(hours)) == expected


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(100, 0), (85, 0), (84.99, 1), (84.5, 1), (84, 1), (75, 1), (74.99, 2), (74.5, 2), (74, 2), (65, 2), (64.99, 3),
     (0, 3)],
)  # fmt: skip
def test_efficiency(percent, expected):
    assert psqi.efficiency_points(np.array(percent)) == expected


def test_efficiency_of_hours_has_no_rounding_fault():
    assert points(night(hours_slept=6.8))["efficiency"] == 0
    assert points(night(hours_slept=6.0))["efficiency"] == 1
    assert points(night(hours_slept=5.2))["efficiency"] == 2


@pytest.mark.parametrize(("total", "expected"), [(0, 0), (1, 1), (9, 1), (10, 2), (18, 2), (19, 3), (27, 3)])
def test_disturbance(total, expected):
    assert psqi.disturbance_points(np.array(total)) == expected
    spread = [3.0] * (total // 3) + [float(total % 3)] * (total % 3 > 0)
    named = {f"item_5{letter}": value for letter, value in zip("bcdefghij", spread, strict=False)}
    assert points(night(**named))["disturbance"] == expected


def test_exactly_seven_hours_follow_the_rule_that_is_stored():
    program, printed = (score(night(hours_slept=7.0), "psqi", choice=choice) for choice in (None, "printed form"))
    assert [found.filter(scale="duration")["score"].item() for found in (program, printed)] == [0, 1]
    assert "scoring program" in program["rule"][0] and "printed form" in printed["rule"][0]
    assert points(night(hours_slept=7.1), choice="printed form")["duration"] == 0


def test_more_than_five_is_poor_sleep():
    five = score(night(quality=3.0, medication=2.0), "psqi").filter(scale="total")
    six = score(night(quality=3.0, medication=3.0), "psqi").filter(scale="total")
    assert (five["score"].item(), six["score"].item()) == (5, 6)
    assert five["band"].item().startswith("not poor") and six["band"].item().startswith("poor sleep")


@pytest.mark.parametrize(
    ("bed", "rise", "hours"),
    [(23, 7, 8), (22.5, 6.25, 7.75), (0.5, 8, 7.5), (24, 7, 7), (0, 7, 7), (8, 16, 8), (22.8, 6.5, 7.7)],
)
def test_nights_cross_midnight(bed, rise, hours):
    assert psqi.hours_in_bed(np.array(bed), np.array(rise)) == hours
    assert points(night(bed_time=bed, rise_time=rise, hours_slept=hours))["efficiency_percent"] == 100


def test_no_time_in_bed_and_more_sleep_than_bed_are_withheld_and_reported():
    same, over = night(rise_time=23.0), night(hours_slept=8.5)
    for answers, reason, what in ((same, psqi.NO_TIME, answering.IN_BED), (over, psqi.OVER, answering.OVER)):
        found = score(answers, "psqi")
        assert found.filter(pl.col("score").is_null())["scale"].to_list() == ["efficiency", "total",
                                                                              "efficiency_percent"]  # fmt: skip
        assert reason in found.filter(scale="total")["withheld"].item()
        assert patterns(answers, "psqi")["what"].to_list() == [what]
    assert points(night(hours_slept=8.0))["efficiency_percent"] == 100


def test_a_twelve_hour_clock_is_asked_about():
    assert patterns(night(bed_time=10.5), "psqi")["what"].to_list() == [answering.HALF_DAY]
    assert patterns(night(bed_time=8.0, rise_time=16.0), "psqi").is_empty()


def test_missing_parts():
    found = score(night(item_5c=None), "psqi")
    assert found.filter(scale="disturbance")["withheld"].item() == "1 of 8 items missing: 5c"
    assert found.filter(scale="total")["withheld"].item() == "disturbance: 1 of 8 items missing: 5c"
    assert found["score"].null_count() == 2


def test_another_reason_counts_as_0_where_its_value_or_text_is_missing():
    assert points(night(item_5j=None))["total"] == 0
    with_value = night(item_5j=3.0)
    assert points(with_value)["disturbance"] == 1
    assert points(night(item_5j=3.0, item_5j_text=0.0))["disturbance"] == 0
    assert points(night(item_5j=3.0, item_5j_text=1.0))["disturbance"] == 1


def test_written_answers_are_read():
    written = {item: f"{value:g}" for item, value in GOOD.items()}
    written |= {"bed_time": "23:30", "rise_time": "6:30 am", "minutes_to_sleep": "30 to 60", "hours_slept": "5-6",
                "5j": "2", "5j_text": "a child"}  # fmt: skip
    table = pl.DataFrame({"person": "p", "visit": "one", "item": list(written), "value": list(written.values())})
    found = points(table)
    # 45 min are 2 points, halved with 5a; 5.5 of 7 h are 78.6 %.
    assert (found["latency"], found["duration"], found["hours_slept"]) == (1, 2, 5.5)
    assert found["efficiency_percent"] == pytest.approx(100 * 5.5 / 7)
    assert (found["efficiency"], found["disturbance"]) == (1, 1)


@pytest.mark.parametrize(
    ("changed", "match"),
    [({"quality": 4.0}, "runs from 0 to 3"), ({"bed_time": 25.0}, "hours after midnight"),
     ({"minutes_to_sleep": "1 to 3 h"}, "no answer to item 'minutes_to_sleep'"), ({"quality": "1-2"}, "no answer")],
)  # fmt: skip
def test_what_cannot_be_scored_is_named(changed, match):
    table = night(**changed)
    if any(isinstance(value, str) for value in changed.values()):
        sheet = {item: f"{value:g}" for item, value in GOOD.items()} | changed
        table = pl.DataFrame({"person": "p", "visit": "one", "item": list(sheet), "value": list(sheet.values())})
    with pytest.raises(InputError, match=match):
        score(table, "psqi")


def test_reliability_is_that_of_the_seven_components():
    rng = np.random.default_rng(5)
    ends = {"quality": 4, "medication": 4, "minutes_to_sleep": 90, "hours_slept": 8, "staying_awake": 4, "item_5b": 4}
    answers = pl.concat(
        night(str(k), **{item: float(rng.integers(end)) for item, end in ends.items()}) for k in range(30)
    )
    row = reliability(answers, "psqi").row(0, named=True)
    wide = score(answers, "psqi").pivot("scale", index="person", values="score").select(psqi.COMPONENTS)
    assert (row["scale"], row["items"]) == ("total", 7)
    assert row["alpha"] == pytest.approx(alpha(wide.to_numpy()))


@given(
    st.fixed_dictionaries({item: st.floats(*find("psqi").range(item)) if item in find("psqi").fractions
                           else st.integers(0, 3).map(float) for item in GOOD})
)  # fmt: skip
def test_scores_lie_in_range_or_say_why_not(sheet):
    table = pl.DataFrame({"person": "p", "visit": "one", "item": list(sheet), "value": list(sheet.values())})
    found = score(table, "psqi")
    for row in found.iter_rows(named=True):
        scale = find("psqi").scales[row["scale"]]
        assert (row["score"] is None) == (row["withheld"] is not None)
        assert row["score"] is None or scale.low <= row["score"] <= scale.high
