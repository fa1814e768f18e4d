"""From a study to panel and model: names, times, inputs and the choices that a user did not make."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.fit.coupling import counting
from gutbrain.fit.coupling.asked import Choices, asked, wanted
from gutbrain.fit.coupling.from_study import Dose, gather
from gutbrain.fit.coupling.named_series import Named
from gutbrain.fit.coupling.study_time import timed
from gutbrain.study.study import Study

sys.path.append(str(Path(__file__).parent))
from small_diary import DAYS, GENERA, small_diary


def answered(rows, **tables) -> Study:
    """Return a study of answers: person, day, form, item, value."""
    names = ["person", "day", "form", "item", "value"]
    return Study.of({"answers": pl.DataFrame(rows, schema=names, orient="row"), **tables})


@pytest.mark.parametrize(
    ("typed", "quantity", "unit"),
    [
        ("shannon", "diversity: shannon", "nat"), ("Shannon index", "diversity: shannon", "nat"),
        ("diversity: Inverse_Simpson", "diversity: inverse simpson", "effective features"),
        ("hill 0.5", "diversity: hill 0.5", "effective features"),
        ("butyrate_producers", "group: butyrate_producers_log_ratio", "log2 ratio"),
        ("butyrate makers", "group: butyrate_makers", "percent"),
        ("group: Butyrate Makers", "group: butyrate_makers", "percent"),
        ("akkermansia", "clr: Akkermansia", "log2 ratio"), ("share: roseburia", "share: Roseburia", "percent"),
        ("balance: Roseburia & Blautia / Bacteroides", "balance: Roseburia, Blautia / Bacteroides", "balance"),
        ("count: escherichia", "count: Escherichia", "reads"), ("practice_minutes", "practice.minutes", "minute"),
        ("Fibre", "diet.fibre", "g"), ("SLEEP-duration", "sleep.duration", "hour"), ("sad", "mood.sad", "point"),
        ("evening calm", "evening.calm", "point"),
    ],
)  # fmt: skip
def test_names_are_found_as_people_say_them(typed, quantity, unit):
    made = Named(small_diary()).series(typed)
    assert (made.quantity, made.unit) == (quantity, unit)
    assert "," not in made.name and "[" not in made.name


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("calm", "several: mood.calm, evening.calm"), ("shanon", "Near are shannon"), ("saad", "mood.sad"),
        ("clr: Akermansia", "Akkermansia"), ("ordinal: sad", "cannot be ordinal"),
        ("ordinal: sleep duration", "cannot be"),
        ("balance: Roseburia", "no two sides"), ("group: dragons", "no group"), ("clr:", "names nothing"),
    ],
)  # fmt: skip
def test_names_that_a_study_has_not_are_refused_with_what_is_near(typed, says):
    with pytest.raises(InputError) as error:
        gather(small_diary(), [typed, "mood.tired"])
    assert says in str(error.value)


def test_a_name_that_a_form_spells_out_comes_before_its_spoken_sense():
    study = answered([("a", float(day), "gad-7", f"{item}", 1.0) for day in range(3) for item in range(1, 8)])
    assert Named(study).series("anxiety").quantity == "gad-7.total"
    assert Named(study).series("GAD-7 total").quantity == "gad-7.total"


def test_every_value_keeps_its_own_time():
    made = gather(small_diary(), ["mood.sad", "sleep.duration", "shannon"])
    one = made.table.filter(pl.col("person") == "ann")
    assert one["mood.sad"].count() == 3 * DAYS and one["sleep.duration"].count() == DAYS
    # Sleep and stool stand at the same minute, so they are one occasion.
    assert len(one) == 4 * DAYS and (one["day"].diff().drop_nulls() > 0).all()
    assert one.filter(pl.col("shannon").is_not_null())["sleep.duration"].null_count() == 0


def test_people_with_one_occasion_are_left_out_and_named():
    made = gather(small_diary(), ["mood.sad", "shannon"])
    assert made.panel().people == ("ann", "bob", "cy")
    assert any("1 of 4 people" in line and "dee" in line for line in made.said)
    with pytest.raises(InputError, match="nobody was seen at two occasions"):
        gather(small_diary(), ["mood.sad"], people=["dee"])
    with pytest.raises(InputError, match="no person 'an'.*Near are ann"):
        gather(small_diary(), ["mood.sad"], people=["an"])


def test_within_a_minute_is_one_occasion_and_what_shares_it_is_joined():
    second = 1 / 86_400
    rows = [("a", 0.5, "d", "x", 1.0), ("a", 0.5 + 20 * second, "d", "x", 3.0), ("a", 0.5 + 50 * second, "d", "y", 7.0),
            ("a", 0.5 + 70 * second, "d", "y", 8.0), ("a", 1.5, "d", "x", 5.0)]  # fmt: skip
    made = gather(answered(rows), ["x", "y"])
    assert made.table.select("x", "y").rows() == [(2.0, 7.0), (None, 8.0), (5.0, None)]
    assert any("1 values of 'x' share person and minute" in line for line in made.said)


def test_clock_times_become_days_where_a_person_has_both():
    begins = datetime(2024, 3, 1, 12, 0)
    table = pl.DataFrame({
        "person": ["a", "a", "b", "b", "c", "c"], "day": [0.5, None, None, None, 2.0, None],
        "time": [begins, datetime(2024, 3, 3, 6, 0), begins, datetime(2024, 3, 2, 12, 0), None, begins],
        "form": "d", "item": "x", "value": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    })  # fmt: skip
    study = Study.of({"answers": table})
    placed, lost = timed(study, study.answers)
    assert placed["at"].to_list() == [0.5, 2.25, 0.5, 1.5, 2.0]
    assert lost == 1  # nothing says how the clock and the days of c go together


def test_a_visit_lends_its_day():
    visits = pl.DataFrame({"person": ["a", "a"], "visit": ["v1", "v2"], "day": [0.0, 28.0]})
    answers = pl.DataFrame(
        {"person": ["a"] * 3, "visit": ["v1", "v2", "v9"], "form": "d", "item": "x", "value": [1.0, 2, 3]}
    )
    made = gather(Study.of({"answers": answers, "visits": visits}), ["x"])
    assert made.table["day"].to_list() == [0.0, 28.0]
    assert "1 values of d.x have no day or time and were left out" in made.said


def test_impulses_are_summed_in_usual_doses_and_unrecorded_is_none():
    made = gather(small_diary(), ["mood.sad", "shannon"], ["practice_minutes"])
    (dose,) = made.doses
    assert (dose.how, dose.usual, dose.unit, dose.centre) == ("impulse", 25.0, "minute", 0.0)
    values = made.panel().impulses[:, 0] * dose.usual
    assert set(np.round(values, 9)) <= {0.0, 20.0, 30.0} and (values > 0).sum() == 3 * 4


def test_what_is_eaten_every_day_counts_from_its_mean():
    made = gather(small_diary(), ["mood.sad", "shannon"], ["fibre"])
    (dose,) = made.doses
    given = made.table["fibre"].drop_nulls()
    assert len(given) == 3 * DAYS and abs(given.mean()) < 1e-12 and dose.centre == pytest.approx(1, abs=0.1)
    assert any("counted from its mean" in line for line in made.said)


def test_levels_last_until_their_next_record_or_their_end():
    answers = pl.DataFrame([("a", float(day), "d", "x", float(day % 3)) for day in range(10)],
                           schema=["person", "day", "form", "item", "value"], orient="row")  # fmt: skip
    start = datetime(2024, 1, 3)
    readings = pl.DataFrame({
        "person": ["a", "a"], "day": [2.0, 7.0], "time": [start, datetime(2024, 1, 8)],
        "until": [datetime(2024, 1, 5, 12), None], "quantity": "drug", "value": [50.0, 100.0], "unit": "mg",
    })  # fmt: skip
    made = gather(Study.of({"answers": answers, "readings": readings}), ["x"], ["drug:level"])
    panel = made.panel()
    assert made.levels == ("drug",) and made.doses[0].usual == 75.0
    assert dict(zip(panel.time.tolist(), (75 * panel.levels[:, 0]).round(6).tolist(), strict=True)) == {
        0.0: 0, 1.0: 0, 2.0: 50, 3.0: 50, 4.0: 50, 4.5: 0, 5.0: 0, 6.0: 0, 7.0: 100, 8.0: 100, 9.0: 100,
    }  # fmt: skip


def test_doses_of_an_earlier_coupling_hold():
    earlier = Dose("practice.minutes", "impulse", 10.0, "minute")
    made = gather(small_diary(), ["mood.sad"], ["practice.minutes"], doses=[earlier])
    assert made.table["practice.minutes"].drop_nulls().min() == 2.0
    with pytest.raises(InputError, match="impulse in minute"):
        gather(small_diary(), ["mood.sad"], ["practice.minutes:level"], doses=[earlier])
    with pytest.raises(InputError, match="an impulse and a level"):
        gather(small_diary(), ["mood.sad"], ["practice.minutes:level:impulse"])


def test_predictors_are_centred_and_numbers_scaled():
    made = gather(small_diary(), ["mood.sad", "shannon"], predictors=["height", "SEX"])
    panel = made.panel()
    assert panel.predictors.mean(0) == pytest.approx([0, 0], abs=1e-12)
    assert panel.predictors[:, 0].std(ddof=1) == pytest.approx(1)
    assert np.ptp(panel.predictors[:, 1]) == 1 and "sex: f is 0 and m is 1" in made.said
    with pytest.raises(InputError, match="'age'.*not known of bob"):
        gather(small_diary(), ["mood.sad"], predictors=["age"]).panel()
    with pytest.raises(InputError, match="no column 'weight'.*height"):
        gather(small_diary(), ["mood.sad"], predictors=["weight"])


def test_counts_bring_their_depth_and_ratios_their_variance():
    made = gather(small_diary(), ["count: Roseburia", "clr: Blautia", "ordinal: tired"])
    panel = made.panel()
    shallow = np.isclose(panel.offset[:, 0], np.log(300))
    assert shallow.sum() == 3 and np.isclose(panel.offset[:, 0], np.log(4000)).sum() == 3 * (DAYS - 1)
    assert (panel.values[shallow, 0] <= 300).all()
    ratio = np.isfinite(panel.values[:, 1])
    assert panel.known_variance[shallow, 1].min() > panel.known_variance[ratio & ~shallow, 1].max() / 2
    assert panel.known_variance[shallow, 1].mean() > 5 * panel.known_variance[ratio & ~shallow, 1].mean()
    ordinal = made.indicators[2]
    seen = panel.values[np.isfinite(panel.values[:, 2]), 2]
    assert set(seen) == set(range(ordinal.categories))


def test_a_genus_of_many_features_is_summed():
    study = small_diary()
    variants = [f"v{number}" for number in range(len(GENERA))]
    names = dict(zip(GENERA, variants, strict=True))
    features = study.features.with_columns(pl.Series("feature", variants), pl.Series("name", variants), genus=pl.Series(
        ["Roseburia", "Roseburia", *GENERA[2:4], "Other", "Escherichia"]))  # fmt: skip
    made = Study.of(
        study.tables
        | {"features": features, "abundances": study.abundances.with_columns(pl.col("feature").replace(names))}
    )
    found = Named(made).series("count: roseburia")
    assert any("is a genus: all of its features are summed" in line for line in found.said)
    both = study.abundances.filter(pl.col("feature").is_in(list(GENERA[:2])))["value"].sum()
    assert found.rows["value"].sum() == both


def test_the_variance_of_counting_is_that_of_repeated_counting():
    generator = np.random.default_rng(3)
    shares = np.array([0.4, 0.25, 0.2, 0.1, 0.05])
    drawn = generator.multinomial(2000, shares, size=20_000).astype(float)
    logs = np.log2(drawn) - np.log2(drawn).mean(1, keepdims=True)
    expected = counting.of_ratio(2000 * shares[None], 3)[0]
    assert logs[:, 3].var() == pytest.approx(expected, rel=0.03)
    part = drawn[:, 1] / 2000
    assert part.var() == pytest.approx(counting.of_share(shares[1:2], np.array([2000.0]))[0], rel=0.03)


@pytest.mark.parametrize("index", ["shannon", "simpson"])
def test_the_variance_of_an_index_is_that_of_repeated_counting(index):
    from gutbrain.analyse.communities import diversity
    from gutbrain.analyse.community import Community

    generator = np.random.default_rng(4)
    shares = np.array([0.45, 0.25, 0.15, 0.1, 0.05])
    drawn = generator.multinomial(3000, shares, size=20_000).astype(float)
    nothing = pl.DataFrame({"sample": ["s"]})
    expected = counting.of_index(Community(nothing, nothing, 3000 * shares[None], "count"), index)
    assert getattr(diversity, index)(drawn).var() == pytest.approx(expected[0], rel=0.04)


def test_lists_of_processes():
    made = wanted("shannon, balance: A & B / C", "low = sad + tired, calm")
    assert [(one.name, one.side, one.parts) for one in made] == [
        ("shannon", "gut", ("shannon",)), ("A & B / C", "gut", ("balance: A & B / C",)),
        ("low", "mind", ("sad", "tired")), ("calm", "mind", ("calm",)),
    ]  # fmt: skip
    assert [one.name for one in wanted("clr: x, y; z", "")] == ["x y", "z"]
    for gut, mind, says in (("", " , ", "nothing is asked"), ("a", "A", "twice"), ("a", "", "second process"),
                            ("a +", "b", "lacks a name"), ("=a", "b", "lacks a name")):  # fmt: skip
        with pytest.raises(InputError, match=says):
            wanted(gut, mind)


def model_of(gut: str, mind: str, study: Study | None = None, inputs=(), **choices):
    processes = wanted(gut, mind)
    gathered = gather(study or small_diary(), [part for one in processes for part in one.parts], inputs)
    return asked(gathered, processes, Choices(**choices))


def test_the_model_that_is_asked_by_default():
    made = model_of("shannon", "low = mood.sad + ordinal: tired", inputs=["fibre", "practice minutes:level"])
    model = made.model
    assert [(one.name, one.side) for one in model.processes] == [("shannon", "gut"), ("low", "mind")]
    assert [dict(one.loadings) for one in model.indicators] == [{"shannon": 1.0}, {"low": 1.0}, {"low": None}]
    assert [one.kind for one in model.indicators] == ["gaussian", "gaussian", "ordinal"]
    assert (model.impulses, model.levels) == (("fibre",), ("practice minutes",))
    assert model.varying == ("mean[shannon]", "mean[mood.sad]", "mean[tired]") and model.initial == "stationary"
    assert any("3 people have 20 occasions or more, and 8 must" in line for line in made.said)


def many(people: int, occasions: int) -> Study:
    generator = np.random.default_rng(1)
    rows = [(f"p{person}", float(day), "d", item, float(generator.normal()))
            for person in range(people) for day in range(occasions) for item in ("x", "y", "z")]  # fmt: skip
    return answered(rows)


def test_couplings_vary_by_default_only_where_they_can():
    crossed = ("drift[x, y]", "drift[y, x]")
    assert model_of("x", "y", many(8, 20)).model.varying == ("mean[x]", "mean[y]", *crossed)
    assert model_of("x", "y", many(7, 20)).model.varying == ("mean[x]", "mean[y]")
    assert model_of("x", "y", many(2, 20)).model.varying == ()
    several = model_of("x", "y, z", many(8, 20))
    assert len(several.model.varying) == 3 and any("same for all" in line for line in several.said)


def test_what_varies_can_be_named():
    study = many(4, 5)
    assert model_of("x", "y", study, vary="none").model.varying == ()
    assert model_of("x", "y", study, vary="couplings").model.varying == ("drift[x, y]", "drift[y, x]")
    assert model_of("x", "y", study, vary="levels, drift[X, x]").model.varying == ("mean[x]", "mean[y]", "drift[x, x]")
    with pytest.raises(InputError, match=r"no parameter 'drift\[x, q\]'.*drift\[x, "):
        model_of("x", "y", study, vary="drift[x, q]")
    with pytest.raises(InputError, match="with one person"):
        model_of("x", "y", many(1, 30), vary="levels")


def test_error_is_told_only_by_three_occasions():
    assert [one.error for one in model_of("x", "y", many(5, 2)).model.indicators] == [False, False]
    assert [one.error for one in model_of("x", "y", many(5, 3)).model.indicators] == [True, True]
    assert [one.error for one in model_of("x", "y", many(5, 3), error=False).model.indicators] == [False, False]


def test_one_person_and_one_side_are_told():
    made = model_of("x, y", "", many(1, 30))
    assert any("no direction between gut and mind" in line for line in made.said)
    assert any("one person" in line for line in made.said)
    with pytest.raises(InputError, match="with one person"):
        model_of("x", "y", many(1, 30), initial="free")
