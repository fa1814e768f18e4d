"""Running a plan: what cannot be done is said, the rest is done, and everything tested stands in one table."""

from __future__ import annotations

from typing import Literal

import polars as pl
import pytest
from small_study import small_trial

from gutbrain.analyse import step as steps
from gutbrain.analyse.analysis import analyse, check_design, covariates
from gutbrain.analyse.plan import AnalysisPlan
from gutbrain.analyse.step import Design, Done, Step, suggested_design, visit_order
from gutbrain.errors import InputError
from gutbrain.study.study import Study

DESIGN = Design(arm="arm", reference="control", visits=["before", "after"])


class Fine(Step):
    kind: Literal["fine"] = "fine"

    def run(self, given):
        draw = float(given.generator(self.name).uniform())
        return Done(tested=steps.tested([{"what": "x", "p": 0.01, "estimate": draw}]), said=("Done.",))


class Refused(Step):
    kind: Literal["refused"] = "refused"

    def run(self, given):
        raise InputError("one person per stratum", field="strata", mend="Leave strata out")


class Broken(Step):
    kind: Literal["broken"] = "broken"

    def run(self, given):
        raise ZeroDivisionError("nobody foresaw this")


def test_a_step_that_cannot_be_done_leaves_the_others():
    plan = AnalysisPlan(design=DESIGN, step=[Refused(name="a"), Broken(name="b"), Fine(name="c")])
    made = analyse(small_trial(), plan)
    assert list(made.done) == ["c"]
    assert made.failed == ("b",)
    said = [str(finding) for finding in made.findings]
    assert "error: a, strata: not done: one person per stratum. Leave strata out" in said
    assert any("unexpected ZeroDivisionError: nobody foresaw this" in line for line in said)
    assert made.tested["q"].to_list() == [0.01]
    with pytest.raises(ZeroDivisionError):
        analyse(small_trial(), plan, debug=True)


def test_draws_of_a_step_hang_on_its_name_and_the_seed_only():
    one = analyse(small_trial(), AnalysisPlan(design=DESIGN, step=[Fine(name="c")]))
    two = analyse(small_trial(), AnalysisPlan(design=DESIGN, step=[Fine(name="d"), Fine(name="c")]))
    assert one.tested["estimate"][0] == two.tested["estimate"][1]
    other = DESIGN.model_copy(update={"seed": 2})
    assert analyse(small_trial(), AnalysisPlan(design=other, step=[Fine(name="c")])).tested["estimate"][0] != (
        one.tested["estimate"][0]
    )


def test_another_plan_than_the_registered_one_confirms_nothing():
    plan = AnalysisPlan(design=DESIGN, step=[Fine(name="c", confirmatory=True)])
    assert analyse(small_trial(), plan).tested["confirmatory"].to_list() == [True]
    deviating = plan.model_copy(update={"registered_hash": "0" * 64})
    assert analyse(small_trial(), deviating).tested["confirmatory"].to_list() == [False]


def test_people_are_counted_by_arm_and_visit():
    made = analyse(small_trial(), AnalysisPlan(design=DESIGN, step=[Fine(name="c")]))
    assert made.people.rows() == [
        ("control", "before", 10, 10, 10), ("control", "after", 10, 10, 10),
        ("course", "before", 10, 10, 10), ("course", "after", 10, 10, 10),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arm": "arms"}, "design.arm: the study has no column 'arms' (did you mean 'arm'?)"),
        ({"reference": "placebo"}, "no arm 'placebo'. Arms are control, course"),
        ({"visits": ["before", "later"]}, "no visit 'later'"),
        ({"visits": ["before", "before"]}, "a visit stands twice"),
        ({"adjust": ["ages"]}, "design.adjust: the study has no column 'ages' (did you mean 'age'?)"),
    ],
)
def test_a_design_that_does_not_fit_is_refused(change, says):
    with pytest.raises(InputError) as caught:
        check_design(small_trial(), AnalysisPlan(design=DESIGN.model_copy(update=change)))
    assert says in str(caught.value)


def test_visits_out_of_order_are_said():
    plan = AnalysisPlan(design=DESIGN.model_copy(update={"visits": ["after", "before"]}))
    (found,) = check_design(small_trial(), plan)
    assert found.severity == "warning"
    assert "out of order: 'before' (day 0) stands after 'after' (day 56)" in found.what
    (left,) = check_design(small_trial(), AnalysisPlan(design=DESIGN.model_copy(update={"visits": ["after"]})))
    assert "not analysed: visits before" in left.what


def test_a_plan_without_steps_is_refused():
    with pytest.raises(InputError, match="no step"):
        analyse(small_trial(), AnalysisPlan(design=DESIGN))


def test_visits_are_ordered_by_day_or_by_what_they_are_called():
    assert visit_order(small_trial()) == ["before", "after"]

    def order(*names):
        return visit_order(Study.of({"visits": pl.DataFrame({"person": ["p"] * len(names), "visit": list(names)})}))

    assert order("10", "9", "2") == ["2", "9", "10"]
    assert order("post", "week 8", "pre", "week 4") == ["pre", "week 4", "week 8", "post"]


def test_arms_are_found_only_when_there_are_two():
    study = small_trial()
    one = study.tables | {"people": study.people.with_columns(pl.lit("course").alias("arm"))}
    assert suggested_design(Study.of(one)).arm == ""
    assert suggested_design(study).reference == "control"
    assert covariates(study)["arm"] == {"control", "course"}
