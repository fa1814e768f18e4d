"""The steps on persons, mind and body: a trial with known effects, real studies, and what breaks them."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from gutbrain.analyse.step import TESTED, Design, Given, suggested_design
from gutbrain.analyse.steps.body import Experience, Physiology
from gutbrain.analyse.steps.persons import FirstDistances, ReliableChange, Responders, Volatility
from gutbrain.errors import InputError
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study
from gutbrain.study.study import Study

ROOT = Path(__file__).parents[2]
KINDS = (Volatility, FirstDistances, Responders, ReliableChange, Experience, Physiology)
PEOPLE = 40


@cache
def trial():
    """Return a trial of 40 people: GAD-7 falls by 6 in the arm `training`; three people drop out."""
    draws = np.random.default_rng(11)
    people = pl.DataFrame({"person": [f"p{at:02}" for at in range(PEOPLE)],
                           "arm": ["training", "wait"] * (PEOPLE // 2),
                           "age": draws.normal(40, 10, PEOPLE).round()})  # fmt: skip
    answers, samples, abundances, readings = [], [], [], []
    for at, (person, arm, _) in enumerate(people.iter_rows()):
        level = np.clip(draws.normal(2.0, 0.35), 1.2, 2.8)
        shares = draws.dirichlet(np.ones(12))
        for visit, day in (("before", 0.0), ("after", 56.0)):
            if visit == "after" and at in (3, 10, 20):
                continue
            fall = 0.9 if visit == "after" and arm == "training" else 0.0
            given = np.clip(np.round(level - fall + draws.normal(0, 0.45, 7)), 0, 3)
            answers += [(person, visit, day, "GAD-7", str(item + 1), value) for item, value in enumerate(given)]
            moved = shares * np.exp(draws.normal(0, 1.0 if arm == "training" else 0.4, 12))
            counts = draws.multinomial(5000, moved / moved.sum())
            name = f"{person} {visit}"
            samples.append((name, person, visit, day))
            abundances += [(name, f"t{place}", float(count), "count") for place, count in enumerate(counts) if count]
            heart = 3.5 + (0.3 if fall else 0.0) + draws.normal(0, 0.3)
            readings.append((person, visit, day, "heart.rmssd", float(np.exp(heart)), "ms"))
    columns = ["person", "visit", "day"]
    return Study.of({
        "people": people,
        "answers": pl.DataFrame(answers, schema=[*columns, "form", "item", "value"], orient="row"),
        "samples": pl.DataFrame(samples, schema=["sample", *columns], orient="row"),
        "features": pl.DataFrame({"feature": [f"t{place}" for place in range(12)], "kind": "taxon"}),
        "abundances": pl.DataFrame(abundances, schema=["sample", "feature", "value", "unit"], orient="row"),
        "readings": pl.DataFrame(readings, schema=[*columns, "quantity", "value", "unit"], orient="row"),
    })  # fmt: skip


def given(**design):
    study = trial()
    return Given(study, suggested_design(study).model_copy(update=design))


def real(name, **design):
    folder = ROOT.parent / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"{name} needs ../shared")
    study = read_study([folder], read_mapping(ROOT / "examples" / "maps" / f"{name}.toml"))
    return Given(study, suggested_design(study).model_copy(update=design))


def check(done):
    """Whatever a step gives has the columns of the contract, and no cell that is not a number."""
    assert list(done.tested.columns) == list(TESTED) and done.said
    for name, table in [("tested", done.tested), *done.tables.items()]:
        for column in table.select(pl.selectors.float()).columns:
            assert not table[column].is_nan().any(), (name, column)
        assert not any(kind.is_nested() for kind in table.dtypes), name
    return done


def test_the_trial_suggests_the_steps_that_suit():
    kinds = [step.kind for kind in KINDS for step in kind.suggested(given())]
    assert kinds == ["volatility", "reliable_change", "physiology"]
    empty = Study.of({})
    assert [kind.suggested(Given(empty, Design())) for kind in KINDS] == [[]] * 6


def test_volatility_of_a_trial():
    done = check(Volatility(permutations=499).run(given()))
    row = done.tested.row(0, named=True)
    assert row["term"] == "arm[training]" and row["estimate"] > 0 and row["p"] < 0.01 and row["people"] == 37
    assert done.tables["distances"].columns == ["person", "arm", "from_visit", "to_visit", "from_day", "to_day",
                                                "distance", "per_day"]  # fmt: skip
    methods = done.tables["comparisons"]["method"].to_list()
    assert methods == ["Welch t of people's means", "Wilcoxon rank sum", "permutation of people"]
    again = Volatility(permutations=499).run(given())
    assert again.tables["comparisons"].equals(done.tables["comparisons"])
    older = check(Volatility(permutations=0).run(given(adjust=["age", "weight"])))
    assert older.tested["method"][0].startswith("linear model with age")
    assert any(note.where == "weight" for note in older.notes)


def test_first_distances_and_differences_of_a_trial():
    step = FirstDistances(to="baseline", metrics=["bray-curtis", "aitchison"], outcomes=["gad-7.total"], permutations=0)
    done = check(step.run(given()))
    assert set(done.tables["distances"]["metric"]) == {"bray-curtis", "aitchison"}
    assert len(done.tables["differences"]) == 37
    change = done.tested.filter(pl.col("what") == "gad-7.total").row(0, named=True)
    assert -10 < change["low"] < change["high"] < -4 and change["p"] < 0.001
    aitchison = done.tables["distances"].filter(pl.col("metric") == "aitchison").sort("person")["distance"]
    volatile = Volatility(permutations=0).run(given()).tables["distances"].sort("person")["distance"]
    np.testing.assert_allclose(aitchison, volatile)


def test_several_occasions_a_person_become_a_mixed_model():
    done = check(Volatility(group="nationality", permutations=0).run(real("dietswap")))
    row = done.tested.row(0, named=True)
    assert "mixed model" in row["method"] and row["people"] == 38 and row["rows"] == 184
    assert any("days between are not known for 184" in note.what for note in done.notes)


def test_responders_of_a_trial():
    done = check(Responders(criterion="reliable change").run(given()))
    shares = done.tables["responders"].to_dicts()
    assert [(row["arm"], row["people"], row["missing"]) for row in shares] == [("wait", 19, 1), ("training", 18, 2)]
    row = done.tested.row(0, named=True)
    assert row["estimate"] == pytest.approx(shares[1]["share"] - shares[0]["share"]) and row["low"] < row["estimate"]
    assert done.tables["sensitivity"]["people"].to_list() == [20, 20]
    assert any("have no value at 'after'" in note.what for note in done.notes)
    half = check(Responders(criterion="half", outcomes=["gad-7.total"], missing="not responded").run(given()))
    assert half.tables["responders"]["people"].to_list() == [20, 20]
    remitted = check(Responders(criterion="remission", outcomes=["gad-7.total"]).run(given()))
    assert remitted.tables["responders"]["source"][0].startswith("remission cut-off 5, AwellScore, published-model")


def test_no_important_difference_is_invented():
    with pytest.raises(InputError, match="no outcome has a known important difference"):
        Responders().run(given())
    with pytest.raises(InputError, match="no outcome could be counted"):
        Responders(outcomes=["gad-7.total"]).run(given())
    done = check(Responders(outcomes=["gad-7.total"], fallback=True).run(given()))
    assert "half a standard deviation at the start: a fallback" in done.tables["responders"]["source"][0]
    asked = check(Responders(outcomes=["heart.rmssd"], threshold=5, better="higher").run(given(adjust=["age"])))
    assert asked.tables["responders"]["source"][0] == "given in the plan"
    assert any(note.where == "adjust" for note in asked.notes)


@pytest.mark.parametrize("reliability", ["auto", "alpha", "omega", "retest", "table", "0.9"])
def test_reliable_change_of_a_trial(reliability):
    done = check(ReliableChange(reliability=reliability).run(given()))
    noise = done.tables["noise"].row(0, named=True)
    assert noise["smallest_change"] == pytest.approx(1.959964 * np.sqrt(2) * noise["measurement_error"], rel=1e-6)
    words = {"auto": "alpha of this study", "alpha": "alpha of this study", "omega": "omega of this study",
             "retest": "retest correlation", "table": "alpha 0.944", "0.9": "given in the plan"}  # fmt: skip
    assert noise["origin"].startswith(words[reliability]) and noise["cut_off"] == 10
    counts = done.tables["categories"]
    assert counts.group_by("arm").agg(pl.col("people").sum(), pl.col("of").first()).filter(
        pl.col("people") != pl.col("of")
    ).is_empty()  # fmt: skip
    assert done.tables["reliable_change"]["category"].null_count() == 3


@pytest.mark.parametrize("method", ["practice-adjusted", "regression"])
def test_reliable_change_against_the_reference_arm(method):
    done = check(ReliableChange(method=method).run(given()))
    waiting = done.tables["reliable_change"].filter((pl.col("arm") == "wait") & pl.col("index").is_not_null())
    assert abs(waiting["index"].mean()) < 0.4


def test_physiology_of_a_trial_is_a_ratio():
    done = check(Physiology().run(given()))
    row = done.tables["ratios"].row(0, named=True)
    assert row["term"] == "arm[training]:occasion[after]" and row["ratio"] == pytest.approx(np.exp(row["estimate"]))
    assert row["ratio_low"] < np.exp(0.3) < row["ratio_high"]
    assert set(done.tables["described"]["transform"]) == {"log"}
    quiet = check(Physiology(test=False).run(given()))
    assert quiet.tested.is_empty() and "ratios" not in quiet.tables
    adjusted = check(Physiology(breathing=True).run(given()))
    assert any("breathing is not known" in note.what for note in adjusted.notes)


def test_the_slow_breathing_trial_says_how_small_it_is():
    order = ["end of the last run", "end of the active recovery", "end of the seated recovery"]
    whole = real("slow-breathing-rr", visits=order)
    # Four recordings stand for all beats, whose scoring is tested elsewhere.
    beats = whole.study.beats.filter(pl.col("person").is_in(["2", "3", "4", "5"]) & (pl.col("recording") == "passive"))
    few = Given(Study.of(dict(whole.study.tables, beats=beats)), whole.design)
    done = check(Physiology(outcomes=["heart.rmssd", "heart.rate"]).run(few))
    assert any("the smallest group has 9 people" in note.what for note in done.notes)
    assert any("read from the intervals themselves" in note.what for note in done.notes)
    assert set(done.tested["what"]) > {"heart.rmssd", "heart.rmssd (recordings)"}
    visits = done.tested.filter(~pl.col("what").str.contains("recordings"))
    assert set(visits["term"]) == {f"arm[INT]:occasion[{visit}]" for visit in order[1:]}
    # lme4 1.1.31 and lmerTest 3.1.3: lmer(log(rmssd) ~ arm * visit + (1 | person)) on the published numbers
    last = visits.filter((pl.col("what") == "heart.rmssd") & pl.col("term").str.contains("seated")).row(0, named=True)
    assert last["estimate"] == pytest.approx(0.488713, abs=1e-5) and last["unit"] == "ln"
    assert last["standard_error"] == pytest.approx(0.338425, abs=1e-5) and last["df"] == pytest.approx(40, abs=1e-3)


def test_experience_of_eighteen_people():
    step = Experience(group="gender", forms=["ESM"], scales={"negative": ["sad", "angry", "anxious"]}, draws=50)
    done = check(step.run(real("esm-eighteen-persons")))
    assert len(done.tested) == 4 and set(done.tested["people"]) == {18}
    assert done.tables["summaries"]["person"].n_unique() == 18 and len(done.tables["compliance"]) == 18
    assert any("1370 of 1980 prompts were answered (69.2%)" in line for line in done.said)


def diary():
    draws = np.random.default_rng(3)
    rows = []
    for at in range(16):
        for week, period in enumerate(("before", "after")):
            level = draws.normal(5, 1) + (2 if week and at % 2 else 0)
            for day in range(7):
                for hour in (10, 13, 16, 19):
                    moment = 60 * week + day + hour / 24
                    rows.append((f"p{at}", period, moment, "ESM", "calm", level + draws.normal()))
    people = pl.DataFrame({"person": [f"p{at}" for at in range(16)], "arm": ["control", "app"] * 8})
    names = ["person", "visit", "day", "form", "item", "value"]
    study = Study.of({"people": people, "answers": pl.DataFrame(rows, schema=names, orient="row")})
    return Given(study, suggested_design(study))


def test_two_weeks_of_diary_in_two_arms():
    assert [step.kind for step in Experience.suggested(diary())] == ["experience"]
    done = check(Experience(draws=0, continuous=False).run(diary()))
    row = done.tested.filter(pl.col("what") == "ESM.calm, mean").row(0, named=True)
    assert row["term"] == "arm[app]:period[after]" and row["low"] < 2 < row["high"]
    assert any("compliance is not known" in note.what for note in done.notes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Volatility(to="last"), "known are previous, adjacent, baseline"),
        (lambda: FirstDistances(metrics=["euclid"]), "known are bray-curtis"),
        (lambda: Responders(criterion="better"), "known are important difference"),
        (lambda: Responders(better="up"), "known are lower, higher"),
        (lambda: ReliableChange(method="guess"), "known are jacobson-truax"),
        (lambda: ReliableChange(reliability="1.2"), "between 0 and 1"),
    ],
)
def test_unknown_options_name_the_known(make, words):
    with pytest.raises(ValidationError, match=words):
        make()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Volatility(group="diet"), "people have no column 'diet'"),
        (Responders(outcomes=["gad-7.total"], start="before", end="before"), "start and end are both 'before'"),
        (FirstDistances(metrics=[]), "neither a metric nor an outcome"),
        (FirstDistances(metrics=[], outcomes=["mood"]), "no outcome 'mood'"),
        (Physiology(outcomes=["heart.sdnn"]), "no signal 'heart.sdnn'"),
        (Experience(), "the study has no diary"),
    ],
)
def test_what_cannot_be_done_is_said(step, words):
    with pytest.raises(InputError, match=words):
        step.run(given())


def test_one_person_an_arm_and_nobody_twice():
    study = trial()
    few = ["p00", "p01"]
    tables = dict(study.tables, abundances=study.abundances.filter(pl.col("sample").str.slice(0, 3).is_in(few)))
    tables |= {name: rows.filter(pl.col("person").is_in(few)) for name, rows in tables.items() if "person" in rows}
    small = Study.of(tables)
    done = check(Volatility().run(Given(small, suggested_design(small))))
    assert done.tested["p"][0] is None and done.tested["note"][0] == "groups of 1 and 1 people: no test"
    once = Given(small, suggested_design(small).model_copy(update={"visits": ["before"]}))
    with pytest.raises(InputError, match="nobody has two samples"):
        Volatility().run(once)


def test_the_short_scale_of_ibs_has_a_tenth_of_the_difference():
    draws = np.random.default_rng(2)
    parts = ("pain_severity", "pain_days", "distension", "bowel_dissatisfaction", "interference")
    rows = []
    for at in range(12):
        for visit in ("before", "after"):
            most = 5 if visit == "after" and at % 2 else 10
            rows += [(f"p{at}", visit, "IBS-SSS", part, float(draws.integers(0, most + 1))) for part in parts]
    answers = pl.DataFrame(rows, schema=["person", "visit", "form", "item", "value"], orient="row")
    people = pl.DataFrame({"person": [f"p{at}" for at in range(12)], "arm": ["wait", "diet"] * 6})
    study = Study.of({"answers": answers, "people": people}, {"forms": {"IBS-SSS": {"choice": "0 to 10"}}})
    found = Given(study, suggested_design(study))
    assert [step.kind for step in Responders.suggested(found)] == ["responders"]
    done = check(Responders().run(found))
    assert set(done.tables["responders"]["threshold"]) == {5.0}
    assert check(ReliableChange(reliability="table").run(found)).tables["noise"]["cut_off"][0] is None
    with pytest.raises(InputError, match="is not between 0 and 1"):  # random items have an alpha below 0
        ReliableChange().run(found)


def test_only_what_the_design_analyses():
    done = check(Physiology().run(given(only={"arm": ["wait"]})))
    assert set(done.tables["outcomes"]["arm"].cast(pl.String)) == {"wait"}
    assert done.tested["term"].to_list() == ["occasion[after]"]
    whole = diary()
    one = Given(whole.study, whole.design.model_copy(update={"only": {"arm": ["app"]}}))
    assert set(Experience(draws=0, continuous=False).run(one).tables["summaries"]["arm"].cast(pl.String)) == {"app"}


def test_people_without_a_start_are_told():
    study = trial()
    answers = study.answers.filter((pl.col("person") != "p00") | (pl.col("visit") != "before"))
    small = Study.of(dict(study.tables, answers=answers))
    done = check(ReliableChange().run(Given(small, suggested_design(small))))
    assert any("1 person has 'after' and not 'before'" in note.what for note in done.notes)


def test_visits_that_the_design_leaves_out_are_no_recordings():
    study = trial()
    extra = study.readings.filter(pl.col("visit") == "after").with_columns(visit=pl.lit("late"), day=pl.lit(99.0))
    longer = Study.of(dict(study.tables, readings=pl.concat([study.readings, extra])))
    design = suggested_design(study)
    done = check(Physiology().run(Given(longer, design.model_copy(update={"visits": ["before", "after"]}))))
    assert done.tested["what"].to_list() == ["heart.rmssd"]
    assert set(done.tables["described"]["occasion"]) == {"before", "after"}
    assert set(done.tables["course"]["visit"]) == {"before", "after"}


def test_values_in_another_unit_and_without_an_occasion_are_told():
    study = trial()
    first = pl.col("person") == "p00"
    unit = pl.when(first & (pl.col("visit") == "before")).then(pl.lit("s")).otherwise("unit")
    visit = pl.when((pl.col("person") != "p01") | (pl.col("visit") == "before")).then("visit")
    changed = Study.of(dict(study.tables, readings=study.readings.with_columns(unit=unit, visit=visit)))
    done = check(Physiology().run(Given(changed, suggested_design(study))))
    told = [note.what for note in done.notes]
    assert "values in s left out, ms kept" in told
    assert any("1 of 76 values belong to no visit" in what for what in told)


def test_shares_say_that_covariates_do_not_enter():
    for step in (ReliableChange(), Responders(criterion="reliable change")):
        done = check(step.run(given(adjust=["age"])))
        assert any(note.where == "adjust" and "age did not enter" in note.what for note in done.notes)


def test_the_other_rule_for_missing_people_is_a_test_of_its_own_part():
    done = check(Responders(criterion="reliable change").run(given()))
    assert done.tested["part"].to_list() == [None, "sensitivity"]
    apart = done.tables["sensitivity differences"]
    assert done.tested["p"].to_list()[1] == apart["p"][0]


def test_an_arm_that_is_no_column_of_people_is_told():
    study = trial()
    visits = study.answers.select("person", "visit").unique().join(study.people, on="person")
    moved = Study.of(dict(study.tables, people=study.people.select("person"), visits=visits.drop("age")))
    for step in (ReliableChange(), Responders(criterion="reliable change")):
        done = check(step.run(Given(moved, Design(arm="arm", visits=["before", "after"]))))
        assert any("is no column of people" in note.what for note in done.notes)
        assert " in all" not in " ".join(done.said)


def test_another_group_has_its_own_reference():
    study = trial()
    people = study.people.with_columns(sex=pl.Series(["f", "m"] * 20))
    done = check(ReliableChange(group="sex", method="practice-adjusted", reliability="retest").run(
        Given(Study.of(dict(study.tables, people=people)), suggested_design(study))))  # fmt: skip
    assert done.tested["term"].to_list() == ["sex[m]"]
    assert "of f" in done.tables["noise"]["origin"][0]


def test_periods_are_adjusted_and_those_left_out_are_not_compared():
    own = diary()
    people = own.study.people.with_columns(age=pl.Series(np.arange(len(own.study.people), dtype=float)))
    known = Study.of(dict(own.study.tables, people=people))
    design = own.design.model_copy(update={"adjust": ["age", "weight"]})
    done = check(Experience(draws=0, statistics=["mean"]).run(Given(known, design)))
    plain = check(Experience(draws=0, statistics=["mean"]).run(own))
    assert any(note.where == "weight" for note in done.notes) and len(done.tested) == len(plain.tested)
    assert done.tested["df"][0] != plain.tested["df"][0]


def test_a_diary_of_one_answer_a_day_has_level_and_spread():
    rows = pl.DataFrame({"person": "a", "day": [float(day) + 0.8 for day in range(9)], "form": "evening",
                         "item": "calm", "value": [float(day % 4) for day in range(9)]})  # fmt: skip
    own = Given(Study.of({"answers": rows}), Design())
    assert [step.kind for step in Experience.suggested(own)] == ["experience"]
    done = check(Experience().run(own))
    assert any("nobody answered twice a day" in note.what for note in done.notes)
    assert "9 answers at 9 moments of 1 person" in done.said[0]
    once = Given(Study.of({"answers": rows.head(2)}), Design())
    assert Experience.suggested(once) == []
