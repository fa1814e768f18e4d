"""The steps on whole communities: what they write, and that an effect planted in a trial is found."""

from __future__ import annotations

import polars as pl
import pytest
from pydantic import ValidationError
from small_study import small_trial

from gutbrain.analyse.step import TESTED, Design, Given, suggested_design
from gutbrain.analyse.steps.community import Anosim, Constrained, Dispersion, Mantel, Permanova
from gutbrain.errors import InputError
from gutbrain.study.study import Study


@pytest.fixture(scope="module")
def trial():
    study = small_trial()
    return Given(study, suggested_design(study))


def changed(study, abundances):
    return Study.of({**study.tables, "abundances": abundances}, {"title": "changed"})


@pytest.mark.parametrize(
    "step",
    [
        Permanova(permutations=199),
        Permanova(permutations=199, by="margin", metric="aitchison", terms="arm + visit"),
        Dispersion(permutations=199),
        Dispersion(permutations=199, group="visit", centre="centroid", unbiased=True),
        Anosim(permutations=199),
        Mantel(against=["PSS-10.total"], permutations=199),
        Mantel(against=["PSS-10.total", "age"], partial=["blood.crp"], permutations=199, correlation="pearson"),
        Constrained(permutations=199),
        Constrained(permutations=199, method="rda", conditions="person", terms="visit"),
        Constrained(permutations=199, method="cca", by="margin", terms="arm + age"),
    ],
)
def test_every_step_tells_each_test_without_gaps(trial, step):
    done = step.run(trial)
    assert done.tested.columns == list(TESTED)
    assert (
        len(done.tested)
        and done.tested.select("what", "term", "p", "people", "rows", "method").null_count().sum_horizontal()[0] == 0
    )
    assert not any(
        table[name].is_nan().any()
        for table in done.tables.values()
        for name in table.columns
        if table[name].dtype.is_float()
    )
    assert done.said and all("nan" not in sentence for sentence in done.said)
    assert step.run(trial).tested.equals(done.tested)


def test_tables_for_the_figures(trial):
    spread = Dispersion(permutations=99).run(trial).tables
    assert spread["dispersion"].columns[:4] == ["sample", "person", "group", "distance"]
    assert spread["centroids"].columns == ["group", "axis_1", "axis_2", "people", "samples"]
    assert spread["centroids"]["people"].to_list() == [10, 10]
    axes = Constrained(permutations=99, method="rda").run(trial).tables
    assert {"sample", "person", "visit", "arm", "axis_1", "axis_2", "axis_3"} <= set(axes["ordination"].columns)
    assert axes["axes"].columns[:3] == ["axis", "eigenvalue", "share"]
    assert axes["axes"]["share"].sum() == pytest.approx(1)
    assert axes["loadings"].columns == ["feature", "axis_1", "axis_2", "axis_3"]


def test_arms_are_compared_between_people_and_visits_within_them(trial):
    table = Permanova(permutations=199).run(trial).tables["permanova"]
    assert table["term"].to_list() == ["arm", "visit", "arm:visit", "residual", "total"]
    assert "whole people" in table["exchange"][0] and "within each of 20 people" in table["exchange"][1]


def test_a_change_in_one_arm_is_found_as_an_interaction(trial):
    study = trial.study
    moved = pl.col("sample").str.ends_with("after") & (pl.col("sample").str.slice(1, 2).cast(pl.Int64) % 2 == 1)
    rows = study.abundances.with_columns(
        pl.when(moved & (pl.col("feature") == "Akkermansia"))
        .then(pl.col("value") * 4)
        .otherwise("value")
        .alias("value")
    )
    done = Permanova(permutations=499, metric="aitchison").run(Given(changed(study, rows), trial.design))
    found = dict(done.tested.select("term", "p").iter_rows())
    assert found["arm:visit"] < 0.01 < found["arm"]


def test_a_difference_in_spread_is_said_beside_the_location(trial):
    study = trial.study
    odd = pl.col("sample").str.slice(1, 2).cast(pl.Int64) % 2 == 1
    even = study.abundances.with_columns(
        pl.when(odd).then(600 + 0.02 * pl.col("value")).otherwise("value").round().alias("value")
    )
    done = Permanova(permutations=199).run(Given(changed(study, even), trial.design))
    assert any("differ in dispersion" in str(note) for note in done.notes)
    assert "differ in dispersion" in done.tested.filter(pl.col("term") == "arm")["note"][0]


def test_covariates_come_first_and_are_no_questions(trial):
    design = trial.design.model_copy(update={"adjust": ["age"]})
    done = Permanova(permutations=99).run(Given(trial.study, design))
    assert done.tables["permanova"]["term"][0] == "age"
    assert "age" not in done.tested["term"]


def test_a_number_that_goes_with_the_community_is_found(trial):
    values = trial.community()
    share = pl.DataFrame({"sample": values.samples["sample"], "most": values.shares()[:, 1] * 10})
    samples = trial.study.samples.join(share, on="sample", how="left")
    study = Study.of({**trial.study.tables, "samples": samples}, {"title": "with a number"})
    done = Mantel(against=["most"], permutations=199).run(Given(study, trial.design))
    assert done.tested["p"][0] < 0.05


def test_suggestions_follow_the_study(trial):
    assert [type(step).__name__ for step in Permanova.suggested(trial)] == ["Permanova"]
    assert [step.group for step in Dispersion.suggested(trial)] == ["arm", "visit"]
    for kind in (Anosim, Mantel, Constrained):
        assert kind.suggested(trial) == []
    bare = Study.of({"people": trial.study.people}, {"title": "people only"})
    assert Permanova.suggested(Given(bare, suggested_design(bare))) == []
    without = Given(trial.study, Design())
    assert Permanova.suggested(without) == [] == Dispersion.suggested(without)


@pytest.mark.parametrize(
    ("kind", "options", "part"),
    [
        (Permanova, {"metric": "manhattan"}, "bray-curtis"),
        (Permanova, {"by": "each"}, "margin"),
        (Permanova, {"permuted": "nothing"}, "residuals"),
        (Dispersion, {"centre": "middle"}, "median, centroid"),
        (Mantel, {"against": ["age"], "alternative": "more"}, "two-sided"),
        (Mantel, {}, "against"),
    ],
)
def test_unknown_options_are_refused_with_the_known_ones(kind, options, part):
    with pytest.raises(ValidationError, match=part):
        kind(**options)


def test_groups_may_be_yes_and_no_or_numbers(trial):
    people = trial.study.people.with_columns(smokes=pl.Series([True, False] * 10), centre=pl.Series([1, 2, 3, 4] * 5))
    given = Given(Study.of({**trial.study.tables, "people": people}, {"title": "smokers"}), trial.design)
    for group, levels in (("smokes", 2), ("centre", 4)):
        done = Dispersion(group=group, permutations=99).run(given)
        assert done.tables["centroids"]["samples"].to_list() == [40 // levels] * levels
    with pytest.raises(InputError, match="no arrangement changes the term"):
        Permanova(terms="smokes", strata="centre", permutations=99).run(given)
    done = Permanova(terms="smokes + visit", strata="centre", permutations=99).run(given)
    assert done.tested["p"].is_null().to_list() == [True, False]
    assert "no arrangement changes the term" in done.tested["note"][0]
    assert "not tested" in done.said[0]


def test_what_a_study_lacks_is_said(trial):
    with pytest.raises(InputError, match="no arm and no visit"):
        Permanova().run(Given(trial.study, Design()))
    with pytest.raises(InputError, match="no column 'sex'"):
        Dispersion(group="sex").run(trial)
    with pytest.raises(InputError, match="no outcome 'height'"):
        Mantel(against=["height"]).run(trial)
    with pytest.raises(InputError, match="needs a tree"):
        Permanova(metric="weighted-unifrac").run(trial)
