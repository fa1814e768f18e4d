"""The steps on diversity, rarefaction and ordination, on a small trial and on real studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from small_study import GENERA, small_trial

from gutbrain.analyse.step import TESTED, Design, Done, Given, suggested_design
from gutbrain.analyse.steps.diversity import Diversity, Rarefaction
from gutbrain.analyse.steps.ordination import Ordination
from gutbrain.errors import InputError
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study
from gutbrain.study.study import Study

ROOT = Path(__file__).parents[2]


def trial(**design: object) -> Given:
    study = small_trial()
    return Given(study, suggested_design(study).model_copy(update=design))


def shares_only(study: Study) -> Study:
    total = pl.col("value").sum().over("sample")
    rows = study.abundances.with_columns((pl.col("value") / total).alias("value"), pl.lit("share").alias("unit"))
    return Study.of({**study.tables, "abundances": rows})


def sound(done: Done) -> None:
    assert done.tested.schema == TESTED
    for table in [*done.tables.values(), done.tested]:
        assert not any(kind.is_nested() for kind in table.dtypes)
        for column in table.select(pl.col(pl.Float64)):
            assert not column.is_nan().any(), column.name
    assert 1 <= len(done.said) <= 4 and not any("nan" in line for line in done.said)


def test_diversity_is_tested_by_a_mixed_model():
    from gutbrain.analyse.models.mixed import mixed

    done = Diversity(indices=["shannon", "observed", "chao1"]).run(trial())
    sound(done)
    alpha = done.tables["alpha"]
    assert alpha.columns == ["sample", "person", "visit", "day", "arm", "index", "value", "unit", "note"]
    assert len(alpha) == 40 * 3
    own = done.tested.filter(pl.col("what") == "shannon")
    assert own["term"].to_list() == ["arm[course]", "visit[after]", "arm[course]:visit[after]"]
    assert own["people"].to_list() == [20] * 3 and own["rows"].to_list() == [40] * 3 and own["unit"][0] == "nat"
    fit = mixed(alpha.filter(pl.col("index") == "shannon"), "value", "arm * visit").coefficients
    np.testing.assert_allclose(own["p"], fit["p"][1:])
    np.testing.assert_allclose(own["low"], fit["low"][1:])
    wide = Diversity(indices=["shannon"]).run(trial(confidence=0.99)).tested
    assert (wide["low"] < own["low"]).all() and (wide["high"] > own["high"]).all()


def test_covariates_are_in_the_model_but_are_no_questions():
    plain = Diversity(indices=["shannon"]).run(trial()).tested
    done = Diversity(indices=["shannon"]).run(trial(adjust=["age"]))
    assert done.tested["term"].to_list() == plain["term"].to_list()
    assert not np.allclose(done.tested["p"], plain["p"]) and "age" in done.tables["alpha"].columns
    asked = Diversity(indices=["shannon"], terms="age").run(trial()).tested
    assert asked["term"].to_list() == ["age"]


def test_one_sample_a_person_is_least_squares():
    done = Diversity(indices=["shannon"]).run(trial(visits=["after"]))
    sound(done)
    rows = done.tables["alpha"]
    one, other = (
        rows.filter(pl.col("arm").cast(pl.String) == arm)["value"].to_numpy() for arm in ("course", "control")
    )
    from scipy.stats import ttest_ind

    found = done.tested.row(0, named=True)
    assert found["term"] == "arm[course]" and found["method"] == "linear model" and found["people"] == 20
    np.testing.assert_allclose(found["estimate"], one.mean() - other.mean())
    welcome = ttest_ind(one, other)
    np.testing.assert_allclose([found["p"], found["statistic"], found["df"]], [welcome.pvalue, welcome.statistic, 18])
    interval = welcome.confidence_interval(0.95)
    np.testing.assert_allclose([found["low"], found["high"]], [interval.low, interval.high])


def test_what_cannot_be_tested_is_a_row_with_a_note():
    given = Given(shares_only(small_trial()), trial().design)
    done = Diversity(indices=["observed", "chao1"]).run(given)
    sound(done)
    notes = dict(done.tested.select("what", "note").rows())
    assert notes["observed"] == "the index is the same in every sample"
    assert notes["chao1"] == "withheld: counts are needed, not share" and done.tested["p"].null_count() == 2
    assert any("40 of 40 samples" in note.what for note in done.notes)
    wrong = Diversity(indices=["shannon"], terms="arn").run(trial())
    assert "Did you mean" in wrong.tested["note"][0] or "no column" in wrong.tested["note"][0]
    assert wrong.said[-1] == "No test was possible."


def test_without_a_design_nothing_is_tested():
    done = Diversity().run(Given(small_trial(), Design()))
    sound(done)
    assert done.tested.is_empty() and done.said[-1].startswith("Nothing was tested")


def test_shallow_samples_are_said():
    study = small_trial()
    first = study.samples["sample"][0]
    lean = pl.when(pl.col("sample") == first).then((pl.col("value") / 500).ceil()).otherwise("value").alias("value")
    study = Study.of({**study.tables, "abundances": study.abundances.with_columns(lean)})
    done = Diversity(indices=["observed", "rarefied"]).run(Given(study, suggested_design(study)))
    sound(done)
    assert any("1 samples have less than 1% of the median" in note.what and first in note.what for note in done.notes)
    lost = done.tables["alpha"].filter(pl.col("value").is_null())
    assert lost["sample"].to_list() == [first] and "fewer than 5000" in lost["note"][0]


def test_rarefaction_says_what_is_lost():
    study = small_trial()
    some = study.samples["sample"][:4].to_list()
    fewer = pl.when(pl.col("sample").is_in(some)).then((pl.col("value") / 10).ceil()).otherwise("value").alias("value")
    given = Given(Study.of({**study.tables, "abundances": study.abundances.with_columns(fewer)}), trial().design)
    done = Rarefaction(draw=True).run(given)
    sound(done)
    assert done.tables["rarefaction"].columns[:3] == ["sample", "depth", "richness"]
    depth = done.tables["at depth"]["depth"][0]
    kept = done.tables["at depth"].filter(pl.col("total") >= depth)
    assert len(kept) >= 38 and done.tables["at depth"]["richness"].null_count() == 40 - len(kept)
    drawn = done.tables["drawn"].group_by("sample").agg(pl.col("count").sum())
    assert len(drawn) == len(kept) and (drawn["count"] == depth).all()
    again = Rarefaction(draw=True).run(given).tables["drawn"]
    assert again.equals(done.tables["drawn"])
    deep = Rarefaction(depth=5000).run(given)
    assert (
        "4 of 40 samples have fewer than 5000 counts and are lost" in deep.notes[0].what
        and "36 samples" in deep.said[0]
    )
    with pytest.raises(InputError, match="no sample has 100000 counts"):
        Rarefaction(depth=100000).run(given)
    with pytest.raises(InputError, match="needs counts"):
        Rarefaction().run(Given(shares_only(study), Design()))


def test_ordinations_have_the_tables_that_figures_need():
    given = trial()
    done = Ordination().run(given)
    sound(done)
    assert done.tables["ordination"].columns[-3:] == ["axis_1", "axis_2", "axis_3"]
    assert {"sample", "person", "visit", "arm", "age"} < set(done.tables["ordination"].columns)
    assert done.tables["axes"].columns == ["axis", "eigenvalue", "share"] and "loadings" not in done.tables
    assert len(done.tables["distances"]) == 40 * 39 / 2 and done.tested.is_empty()
    robust = Ordination(method="rpca", components=2, visits=["after"]).run(given)
    sound(robust)
    assert len(robust.tables["ordination"]) == 20 and robust.tables["loadings"]["feature"].to_list() == list(GENERA)
    assert "Axis 1 runs from" in robust.said[1]
    few = Ordination(pairs=10, metric="aitchison", zeros="multiplicative").run(given)
    assert "distances" not in few.tables and any(note.where == "pairs" for note in few.notes)


def test_unifrac_reads_the_tree(tmp_path):
    path = tmp_path / "tree.nwk"
    path.write_text("((" + ",".join(f"{name}:1" for name in GENERA[:4]) + "):2,(" + ",".join(
        f"{name}:1" for name in GENERA[4:]) + "):1);")  # fmt: skip
    done = Ordination(metric="generalised-unifrac", tree=str(path)).run(trial())
    sound(done)
    assert "generalised UniFrac, alpha 0.5" in done.said[0]
    faith = Diversity(indices=["faith"], tree=str(path)).run(trial())
    sound(faith)
    assert faith.tables["alpha"]["value"].max() <= 11
    with pytest.raises(InputError, match="needs a tree"):
        Ordination(metric="weighted-unifrac").run(trial())


def test_wrong_options_are_refused_with_the_known_ones():
    for options, known in (
        ({"metric": "euclid"}, "'bray-curtis', 'jaccard'"),
        ({"zeros": "none"}, "'smallest'"),
        ({"correction": "lingo"}, "'cailliez'"),
    ):
        with pytest.raises(ValidationError, match=known):
            Ordination(**options)
    with pytest.raises(ValidationError, match="no index of diversity"):
        Diversity(indices=["shanon"])


def test_suggested_steps_suit_the_study():
    given = trial()
    assert "chao1" in Diversity.suggested(given)[0].indices and len(Rarefaction.suggested(given)) <= 1
    plain = Given(shares_only(small_trial()), Design())
    assert "chao1" not in Diversity.suggested(plain)[0].indices and not Rarefaction.suggested(plain)
    empty = Given(Study.of({"people": pl.DataFrame({"person": ["a"]})}), Design())
    for kind in (Diversity, Rarefaction, Ordination):
        assert kind.suggested(empty) == []


def test_depth_on_an_axis_is_said():
    study = small_trial()
    shallow = pl.col("sample").is_in(study.samples["sample"][::2].to_list())
    fewer = pl.when(shallow).then((pl.col("value") / 100).floor()).otherwise("value").alias("value")
    given = Given(Study.of({**study.tables, "abundances": study.abundances.with_columns(fewer)}), trial().design)
    done = Ordination(values="raw").run(given)
    assert any(note.where == "axis_1" and "number of counts" in note.what for note in done.notes)
    assert not any("number of counts" in note.what for note in Ordination().run(trial()).notes)


@pytest.mark.parametrize("name", ["peerj32", "dietswap"])
def test_a_real_study_is_done_whole(name):
    folder = ROOT.parent / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/data/{name}")
    study = read_study([folder], read_mapping(ROOT / "examples" / "maps" / f"{name}.toml"))
    given = Given(study, suggested_design(study))
    steps = [step for kind in (Diversity, Rarefaction, Ordination) for step in kind.suggested(given)]
    for step in steps:
        sound(step.run(given))
    names = [step.name or step.kind for step in steps]
    assert len(set(names)) == len(names) >= 3
