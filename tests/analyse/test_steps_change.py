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
    assert [step.outcomes for step in Change.suggested(given)] == [["*", "diversity: shannon"]]
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
