import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from small_study import small_trial

from gutbrain.analyse.models.trajectories import COURSE
from gutbrain.analyse.step import TESTED, Design, Given
from gutbrain.analyse.steps.change import Change
from gutbrain.errors import InputError
from gutbrain.study.study import Study

DESIGN = Design(arm="arm", reference="control", visits=["before", "after"], adjust=["age"])
CONTRASTS = {"outcome", "arm", "reference", "visit", "estimate", "standard_error", "low", "high", "df", "p", "method"}


@pytest.fixture(scope="module")
def given() -> Given:
    return Given(small_trial(), DESIGN)


def diary(people: int = 8, days: int = 10) -> Given:
    generator = np.random.default_rng(4)
    rows = [
        (f"p{who}", float(day), "pain", who + (0.3 if who % 2 else 0.1) * day + generator.normal(0, 1), "point")
        for who in range(people)
        for day in range(days)
    ]
    arms = pl.DataFrame(
        {"person": [f"p{who}" for who in range(people)], "arm": ["ab"[who % 2] for who in range(people)]}
    )
    readings = pl.DataFrame(rows, schema=["person", "day", "quantity", "value", "unit"], orient="row")
    return Given(Study.of({"people": arms, "readings": readings}), Design(arm="arm", reference="a"))


def test_the_planted_effect_is_found(given: Given) -> None:
    done = Change(outcomes=["PSS-10.total"], randomised=True, mid={"PSS-10.total": 0.5}).run(given)
    row = done.tested.row(0, named=True)
    assert dict(done.tested.schema) == TESTED
    assert (row["what"], row["term"], row["unit"]) == ("PSS-10.total", "arm[course]:visit[after]", "point")
    assert row["low"] < -3 < row["high"] < 0
    assert (row["people"], row["rows"]) == (20, 40)
    assert "share one mean at baseline" in row["method"]
    contrasts = done.tables["contrasts"]
    assert set(contrasts.columns) >= CONTRASTS
    assert contrasts["relation"].to_list() == ["important"]
    assert contrasts["primary"].to_list() == [True]
    assert set(done.tables["course"].columns) == {"outcome", *COURSE}
    assert done.tables["people"].columns == ["outcome", "person", "arm", "visit", "day", "value"]
    assert "beyond the important difference of 0.5" in done.said[1]
    assert "associations" not in " ".join(done.said)


def test_without_randomisation_changes_are_compared(given: Given) -> None:
    done = Change(outcomes=["PSS-10.total"]).run(given)
    assert done.tables["contrasts"]["contrast"].to_list() == ["difference in change"]
    assert "associations" in done.said[-1]
    told = Change(outcomes=["PSS-10.total"], baseline="constrained").run(given)
    assert any("presumes that people were randomised" in note.what for note in told.notes)


def test_an_outcome_that_cannot_be_analysed_is_a_note(given: Given) -> None:
    done = Change(outcomes=["PSS-10.total", "mood", "diversity: shannon"]).run(given)
    assert [note.where for note in done.notes if note.severity == "warning"] == ["mood"]
    assert done.tested["what"].to_list() == ["PSS-10.total", "diversity: shannon"]
    with pytest.raises(InputError, match="mood"):
        Change(outcomes=["mood"]).run(given)


def test_every_outcome_by_default(given: Given) -> None:
    done = Change().run(given)
    assert done.tested["what"].to_list() == ["PSS-10.total", "blood.crp"]
    assert done.tables["models"]["people"].to_list() == [20, 20]
    assert done.tested["p"].null_count() == 0


@pytest.mark.parametrize("baseline", ["constrained", "covariate", "change", "free"])
@pytest.mark.parametrize("model", ["", "mixed", "ordinary"])
def test_every_way_to_handle_the_baseline(given: Given, baseline: str, model: str) -> None:
    done = Change(outcomes=["PSS-10.total"], baseline=baseline, model=model, randomised=True).run(given)
    # Without the person, or a baseline of one mean, chance differences at the start stay in the estimate.
    assert done.tested["estimate"][0] == pytest.approx(-3, abs=4 if model == "ordinary" else 2.5)
    assert done.tables["course"]["people"].sum() == 40


def test_a_diary_is_followed_over_days() -> None:
    done = Change(outcomes=["pain"]).run(diary())
    assert done.tested["term"].to_list() == ["arm[b]:day"]
    assert done.tested["estimate"][0] == pytest.approx(9 * 0.2, abs=1.5)
    course = done.tables["course"]
    assert course["visit"].null_count() == len(course) == 50
    bent = Change(outcomes=["pain"], curve="spline").run(diary())
    assert "spline" in bent.tested["method"][0]
    with pytest.raises(InputError, match="several values and no visits"):
        Change(outcomes=["pain"], time="visit").run(diary())


def test_without_arms_or_visits_there_is_no_test() -> None:
    study = small_trial()
    alone = Given(study, Design(visits=["before", "after"]))
    assert Change(outcomes=["PSS-10.total"]).run(alone).tested["term"].to_list() == ["visit[after]"]
    once = Given(study, Design(visits=["after"]))
    done = Change(outcomes=["PSS-10.total"]).run(once)
    assert done.tested.is_empty()
    assert any("nothing to compare" in note.what for note in done.notes)
    assert len(done.tables["course"]) == 1
    compared = Given(study, Design(arm="arm", reference="control", visits=["after"]))
    assert Change(outcomes=["PSS-10.total"]).run(compared).tested["term"].to_list() == ["arm[course]"]


def test_order_of_rows_does_not_matter(given: Given) -> None:
    study = small_trial()
    tables = dict(study.tables)
    tables["readings"] = tables["readings"].reverse()
    tables["people"] = tables["people"].reverse()
    other = Change().run(Given(Study.of(tables), DESIGN)).tested
    first = Change().run(given).tested
    assert other["estimate"].to_list() == pytest.approx(first["estimate"].to_list(), rel=1e-5)
    assert other["what"].to_list() == first["what"].to_list()


def test_units_are_not_mixed(given: Given) -> None:
    tables = dict(given.study.tables)
    odd = tables["readings"].filter(pl.col("quantity") == "blood.crp")[:1]
    tables["readings"] = pl.concat([tables["readings"], odd.with_columns(pl.lit("nmol/L").alias("unit"))])
    done = Change(outcomes=["blood.crp"]).run(Given(Study.of(tables), DESIGN))
    assert any("nmol/L left out" in note.what for note in done.notes)


def test_suggestions(given: Given) -> None:
    assert [step.outcomes for step in Change.suggested(given)] == [["PSS-10.total", "diversity: shannon"]]
    empty = Given(Study.of({"people": pl.DataFrame({"person": ["a"]})}), Design())
    assert Change.suggested(empty) == []
    assert [step.outcomes for step in Change.suggested(diary())] == [["*"]]


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValidationError, match="constrained"):
        Change(baseline="none")
    with pytest.raises(ValidationError, match="unstructured"):
        Change(covariance="wishful")


def test_logarithms(given: Given) -> None:
    done = Change(outcomes=["blood.crp"], logarithm=["blood.crp"]).run(given)
    assert done.tested["unit"].to_list() == ["ln mg/L"]
    raw = given.outcome("blood.crp").filter(pl.col("arm") == "control", pl.col("visit") == "before")["value"]
    row = done.tables["course"].filter(pl.col("arm") == "control", pl.col("visit") == "before")
    assert row["mean"][0] == pytest.approx(np.log(raw).mean())
    tables = dict(given.study.tables)
    tables["readings"] = tables["readings"].with_columns(pl.col("value") - 1)
    with pytest.raises(InputError, match="not above 0"):
        Change(outcomes=["blood.crp"], logarithm=["blood.crp"]).run(Given(Study.of(tables), DESIGN))


def three_arms(**readings: object) -> Study:
    generator = np.random.default_rng(9)
    rows, people = [], []
    for who in range(30):
        person, arm = f"p{who:02}", ("control", "course", "diet")[who % 3]
        people.append((person, arm))
        for visit, day in (("before", 0.0), ("middle", 28.0), ("after", 56.0)):
            value = 20 + who % 5 - 3.0 * (arm == "course" and day > 0) + generator.normal(0, 1)
            rows += [
                (person, visit, day, "mood", value, "point"),
                (person, visit, day, "crp", np.exp(value / 9), "mg/L"),
            ]
    table = pl.DataFrame(rows, schema=["person", "visit", "day", "quantity", "value", "unit"], orient="row")
    arms = pl.DataFrame(people, schema=["person", "arm"], orient="row")
    return Study.of({"people": arms, "readings": table.with_columns(**readings)})


THREE = Design(arm="arm", reference="control", visits=["before", "middle", "after"])


def test_joint_tests_are_told_once_and_corrected_apart() -> None:
    done = Change(outcomes=["mood"], randomised=True).run(Given(three_arms(), THREE))
    joint = done.tested.filter(pl.col("part") == "joint tests")
    assert len(done.tested) == 5 and len(joint) == 1
    row, model = joint.row(0, named=True), done.tables["models"].row(0, named=True)
    assert (row["statistic"], row["df"], row["p"]) == (
        model["overall_statistic"], model["overall_df"], model["overall_p"])  # fmt: skip
    assert row["estimate"] is None and "denominator" in row["method"]
    # A change within an arm has an interval and no p: two arms are not compared by whose p is small.
    assert "p" not in done.tables["changes"].columns
    assert done.said[1].startswith("mood, difference against control at after: course -")
    assert "; diet " in done.said[1] and "all 4 contrasts together: F(4, " in done.said[1]


def test_logarithms_are_told_as_ratios() -> None:
    done = Change(outcomes=["crp"], logarithm=["crp"]).run(Given(three_arms(), THREE))
    row = done.tables["contrasts"].filter((pl.col("arm") == "course") & (pl.col("visit") == "after")).row(0, named=True)
    assert f"ratio of changes against control at after: course {np.exp(row['estimate']):.3g} (95 % CI" in done.said[1]
    assert "ln" not in done.said[1]


def test_confidence_is_that_of_the_design() -> None:
    wide = Change(outcomes=["mood"]).run(Given(three_arms(), THREE.model_copy(update={"confidence": 0.99})))
    usual = Change(outcomes=["mood"]).run(Given(three_arms(), THREE))
    rows = [done.tested.row(0, named=True) for done in (wide, usual)]
    assert (rows[0]["high"] - rows[0]["low"]) > 1.2 * (rows[1]["high"] - rows[1]["low"])
    assert "99 % CI" in wide.said[1]


def test_readings_beyond_their_limit_and_without_a_visit_are_told() -> None:
    first = pl.int_range(pl.len()) < 4
    limit = pl.when((pl.col("quantity") == "crp") & first).then(pl.lit("<"))
    visit = pl.when((pl.col("person") != "p29") | (pl.col("visit") != "after")).then("visit")
    done = Change(outcomes=["crp"]).run(Given(three_arms(limit=limit, visit=visit), THREE))
    told = [note.what for note in done.notes]
    assert any("2 readings lie beyond the limit" in what for what in told)
    assert any("1 of 90 values have no visit and are left out" in what for what in told)


def test_only_what_can_be_analysed_is_suggested() -> None:
    given = Given(three_arms(), THREE)
    assert [step.outcomes for step in Change.suggested(given)] == [["*"]]
    rows = given.study.readings
    one = rows.filter(pl.col("visit") == "before").group_by("person").head(1)
    more = [rows, one.with_columns(quantity=pl.lit("same"), value=pl.lit(1.0)),
            one.head(3).with_columns(quantity=pl.lit("three people")),
            rows.filter(pl.col("quantity") == "crp").with_columns(quantity=pl.lit("blood.crp"))]  # fmt: skip
    study = Study.of({"people": given.study.people, "readings": pl.concat(more)})
    assert [step.outcomes for step in Change.suggested(Given(study, THREE))] == [["crp", "mood"]]


def test_options_that_days_do_not_know_are_told() -> None:
    done = Change(outcomes=["pain"], baseline="covariate", covariance="toeplitz").run(diary())
    assert any(note.what.startswith("baseline, covariance did not enter") for note in done.notes)


def test_scores_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from gutbrain.analyse import step
    from gutbrain.analyse.steps.body import Physiology

    calls = []
    real = step.scores
    monkeypatch.setattr(step, "scores", lambda study: calls.append(1) or real(study))
    given = Given(small_trial(), DESIGN)
    Change(outcomes=["PSS-10.total"]).run(given)
    Physiology().run(given)
    assert calls == [1]
