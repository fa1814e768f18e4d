import numpy as np
import polars as pl
import pytest
from small_study import small_trial

from gutbrain.analyse.step import Design, Given, suggested_design
from gutbrain.analyse.steps.mediation import Mediation
from gutbrain.errors import InputError
from gutbrain.study.study import Study

BALANCE = "balance: Akkermansia, Blautia / Prevotella"


def given_trial() -> Given:
    return Given(small_trial(), Design(arm="arm", reference="control", visits=["before", "after"]))


def planted(people: int = 60, occasions: int = 1) -> Given:
    """A study in which the arm moves a mediator, and that the outcome; `occasions` make it a diary."""
    generator = np.random.default_rng(8)
    rows, arms = [], []
    for number in range(people):
        arms.append("course" if number % 2 else "control")
        own = generator.normal(0, 1)
        for visit in range(occasions):
            practice = float(generator.normal(0, 1))
            m = (1.2 * (number % 2) if occasions == 1 else 0.7 * practice) + (own + generator.normal(0, 1)) / 2
            y = 0.8 * m + generator.normal(0, 1)
            at = ("p" + str(number), f"v{visit}", float(visit))
            rows += [(*at, "stool.butyrate", float(m), "mmol/kg"), (*at, "mind.mood", float(y), "point"),
                     (*at, "practice.minutes", practice, "min")]  # fmt: skip
    study = Study.of(
        {
            "people": pl.DataFrame({"person": [f"p{k}" for k in range(people)], "arm": arms}),
            "readings": pl.DataFrame(
                rows, schema=["person", "visit", "day", "quantity", "value", "unit"], orient="row"
            ),
        }
    )
    return Given(study, suggested_design(study))


def test_planted_mediation_is_found_and_both_directions_stand_side_by_side():
    done = Mediation(mediators=["stool.butyrate"], outcome="mind.mood").run(planted())
    paths = done.tables["paths"].filter(pl.col("path") == "indirect")
    assert paths["model"].to_list() == ["single", "single, reversed"]
    forward = paths.row(0, named=True)
    assert forward["source"] == "arm[course]" and forward["low"] < 0.96 < forward["high"] and forward["low"] > 0
    assert "cannot choose between them" in done.said[1]
    assert "sequential ignorability" in done.said[-1] and "60 people are few" in done.said[-1]
    leading = done.tested.filter(pl.col("part").is_null())
    assert leading["unit"].to_list() == ["point", "mmol/kg"] and leading["people"].to_list() == [60, 60]
    assert "on mind.mood through stool.butyrate is" in done.said[0] and " point (95 % interval" in done.said[0]
    assert set(done.tables) == {"paths", "sensitivity", "robustness"}
    assert done.tables["sensitivity"].columns == [
        "model", "source", "mediator", "outcome", "correlation", "indirect", "low", "high"
    ]  # fmt: skip


def test_every_path_that_was_tested_is_told_and_corrected_apart():
    done = Mediation(mediators=["stool.butyrate"], outcome="mind.mood", both_directions=False).run(planted())
    assert done.tested["part"].to_list() == [None, *["single paths"] * 4]
    single = done.tested.filter(pl.col("part") == "single paths")
    assert [term.split(": ")[1] for term in single["term"]] == [f"{p} (single)" for p in ("a", "b", "direct", "total")]
    assert single["unit"].to_list() == ["mmol/kg", "point per mmol/kg", "point", "point"]
    assert single["p"].null_count() == 0
    both = Mediation(
        source="practice.minutes", mediators=["stool.butyrate"], outcome="mind.mood", interaction=True,
        both_directions=False, baseline=False,
    ).run(planted())  # fmt: skip
    units = dict(both.tables["paths"].select("path", "unit").iter_rows())
    assert units["a"] == "mmol/kg per min" and units["interaction"] == "point per mmol/kg per min"
    assert both.tested.filter(pl.col("part").is_null())["term"].to_list() == ["practice.minutes: indirect (single)"]
    assert both.tested.filter(pl.col("part").str.starts_with("indirect at"))["term"].len() == 2


def test_values_before_are_covariates():
    given = given_trial()
    with_before = Mediation(mediators=["blood.crp"], outcome="PSS-10.total", both_directions=False).run(given)
    without = Mediation(mediators=["blood.crp"], outcome="PSS-10.total", both_directions=False, baseline=False).run(
        given
    )
    errors = [
        done.tables["paths"].filter(pl.col("path") == "total")["standard_error"][0] for done in (with_before, without)
    ]
    assert errors[0] < 0.7 * errors[1]  # the score before explains most of that after
    df = with_before.tables["paths"].filter(pl.col("path") == "a")["df"][0]
    assert df == 20 - 4  # intercept, arm, and both values before
    assert with_before.tables["paths"].filter(pl.col("path") == "total")["estimate"][0] == pytest.approx(-3, abs=2)


def test_an_earlier_mediator_stays_earlier_when_exchanged():
    step = Mediation(mediators=["blood.crp"], outcome="PSS-10.total", mediator_visit="before")
    done = step.run(given_trial())
    totals = done.tables["paths"].filter(pl.col("path") == "total").select("model", "df").rows()
    assert totals == [("single", 17.0), ("single, reversed", 17.0)]  # intercept, arm, outcome before
    assert "cannot choose" not in done.said[1]


@pytest.mark.parametrize("mediator", ["diversity: shannon", "clr: Akkermansia", "share: Blautia", BALANCE])
def test_what_is_computed_from_the_community_can_mediate(mediator):
    done = Mediation(mediators=[mediator], outcome="PSS-10.total").run(given_trial())
    row = done.tables["paths"].filter(pl.col("path") == "indirect").row(0, named=True)
    assert row["mediator"] == mediator and row["low"] < 0 < row["high"]


def test_whole_community_as_mediator():
    step = Mediation(model="compositional", outcome="PSS-10.total", permutations=49, draws=500)
    done = step.run(given_trial())
    assert done.tables["paths"]["model"].unique().to_list() == ["compositional"]
    assert set(done.tables) >= {"taxa", "tests", "sensitivity", "robustness"}
    leading = done.tested.filter(pl.col("part").is_null())
    assert leading["term"].to_list() == ["arm[course]: indirect (compositional)", "arm[course]: any mediation"]
    parts = dict(done.tested["part"].value_counts().iter_rows())
    assert parts["taxa one by one"] == len(done.tables["taxa"]) and parts["single distances"] == 2
    assert "by permutation" in done.said[0]
    again = step.run(given_trial())
    assert again.tables["paths"].equals(done.tables["paths"])  # the seed is that of the design


def test_diary_within_people():
    step = Mediation(
        source="practice.minutes", mediators=["stool.butyrate"], outcome="mind.mood", model="repeated", draws=1000,
        random="intercepts",
    )  # fmt: skip
    done = step.run(planted(15, 6))
    row = (
        done.tables["paths"].filter((pl.col("path") == "indirect") & (pl.col("model") == "repeated")).row(0, named=True)
    )
    assert row["low"] < 0.56 < row["high"] and row["low"] > 0
    assert done.tested["rows"][0] == 90 and done.tested["people"][0] == 15


def test_one_mediator_that_fails_does_not_hide_the_others():
    done = Mediation(mediators=["blood.zonulin", "blood.crp"], outcome="PSS-10.total").run(given_trial())
    assert done.tables["paths"]["mediator"].unique().sort().to_list() == ["PSS-10.total", "blood.crp"]
    assert any(found.severity == "warning" and "blood.zonulin" in found.what for found in done.notes)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"mediators": ["blood.crp"]}, "no outcome"),
        ({"outcome": "PSS-10.total"}, "no mediator"),
        ({"mediators": ["nothing.here"], "outcome": "PSS-10.total"}, "no outcome 'nothing.here'"),
        ({"mediators": ["blood.crp"], "outcome": "PSS-10.total", "source": "moon"}, "neither a covariate"),
        ({"mediators": ["blood.crp"], "outcome": "PSS-10.total", "outcome_visit": "later"}, "no visit 'later'"),
        ({"mediators": ["blood.crp"], "outcome": "PSS-10.total", "outcome_visit": "before"}, "before the mediator"),
        ({"mediators": ["PSS-10.total"], "outcome": "PSS-10.total"}, "three columns"),
    ],
)
def test_what_cannot_be_done_is_said(options, words):
    with pytest.raises(InputError, match=words):
        Mediation(**options).run(given_trial())


def test_suggestions_need_arms_a_gut_and_a_mind():
    assert Mediation.suggested(Given(small_trial(), Design())) == []
    steps = Mediation.suggested(planted())
    assert [(step.mediators, step.outcome) for step in steps] == [(["stool.butyrate"], "mind.mood")]
    assert Mediation.suggested(Given(Study.of({}), Design(arm="arm"))) == []
    assert Mediation.suggested(given_trial())[0].mediators == ["diversity: shannon"]
