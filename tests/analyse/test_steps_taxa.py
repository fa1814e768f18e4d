"""The step on taxa: its tables, its tests, and what it says of studies that lack something."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from small_study import small_trial

from gutbrain.analyse.step import TESTED, Design, Given, suggested_design
from gutbrain.analyse.steps.taxa import Taxa
from gutbrain.errors import InputError
from gutbrain.study.schema import TABLES, conform, empty
from gutbrain.study.study import Study

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def study(values, people, visits, arms, unit="count") -> Study:
    names = [f"t{i:02d}" for i in range(values.shape[1])]
    samples = pl.DataFrame({"sample": [f"s{i}" for i in range(len(values))], "person": people, "visit": visits})
    known = pl.DataFrame({"person": people, "arm": arms}).unique("person", maintain_order=True)
    at, of = np.nonzero(values)
    rows = pl.DataFrame(
        {"sample": samples["sample"][at.tolist()], "feature": [names[i] for i in of], "value": values[at, of],
         "unit": unit}
    )  # fmt: skip
    tables = {name: empty(name) for name in TABLES} | {
        "people": conform("people", known), "samples": conform("samples", samples),
        "features": conform("features", pl.DataFrame({"feature": names, "kind": "taxon"})),
        "abundances": conform("abundances", rows),
    }  # fmt: skip
    return Study(tables)


def trial(visits=2, seed=1, unit="count", people=24) -> Study:
    draws = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), visits)
    late, arm = np.tile(np.arange(visits), people), who % 2
    level = draws.normal(4, 1.5, 30)
    log = level + draws.normal(0, 0.5, (people, 30))[who] + draws.normal(0, 0.5, (len(who), 30))
    log[:, 4] = 6 + log[:, 4] - level[4] + 2.5 * arm * (late if visits > 1 else 1)
    values = draws.poisson(np.exp2(log)).astype(float)
    values[arm == 1, 7] = 0
    names = [f"p{i:02d}" for i in who]
    return study(values, names, [f"{i + 1}" for i in late], [("placebo", "strain")[i] for i in arm], unit)


def test_a_trial_with_two_visits():
    given = Given(trial(), Design(arm="arm", reference="placebo", visits=["1", "2"]))
    done = Taxa().run(given)
    assert done.tested.columns == list(TESTED)
    assert done.tested["term"].unique().to_list() == ["arm[strain]:visit[2]"]
    tests = done.tables["taxa"]
    assert len(done.tested) == len(tests.filter(pl.col("choice") == "linda"))
    best = done.tested.sort("p").row(0, named=True)
    assert best["what"] == "t04" and best["people"] == 24 and best["rows"] == 48 and 1.5 < best["estimate"] < 3.5
    assert best["low"] < best["estimate"] < best["high"] and "Satterthwaite" in best["method"]
    verdict = done.tables["agreement"].filter(pl.col("feature") == "t04")["verdict"].to_list()
    assert verdict == ["robust"]
    heat = done.tables["heatmap"]
    np.testing.assert_allclose(heat.group_by("sample").agg(pl.col("clr").sum())["clr"].to_numpy(), 0, atol=1e-9)
    assert done.tables["absent"]["feature"].unique().to_list() == ["t07"]
    assert any(note.where == "ancombc" for note in done.notes)
    assert 1 <= len(done.said) <= 4
    for name in ("feature", "term", "choice", "estimate", "standard_error", "low", "high", "statistic", "df", "p", "q",
                 "prevalence", "mean_share", "note"):  # fmt: skip
        assert name in tests.columns


def test_one_visit_has_no_random_effect_and_ancom():
    given = Given(trial(1), Design(arm="arm", reference="placebo", visits=["1"]))
    done = Taxa(choices=["linda", "clr_half", "ancombc", "presence"]).run(given)
    assert set(done.tables["taxa"]["choice"]) == {"linda", "clr_half", "ancombc", "presence"}
    assert done.tested["df"].unique().to_list() == [22]


def test_signals_take_other_choices():
    done = Taxa().run(Given(trial(unit="signal"), Design(arm="arm", visits=["1", "2"])))
    assert not {"clr_half", "clr_one", "ancombc"} & set(done.tables["taxa"]["choice"])


def test_the_choice_that_comes_first_is_told():
    given = Given(trial(), Design(arm="arm", visits=["1", "2"]))
    done = Taxa(choices=["clr_one", "linda"], test=["visit"]).run(given)
    assert done.tested["term"].unique().to_list() == ["visit[2]"] and "1 added" in done.tested["method"][0]


def test_suggested():
    assert [step.kind for step in Taxa.suggested(Given(trial(), suggested_design(trial())))] == ["taxa"]
    bare = Study({name: empty(name) for name in TABLES})
    assert Taxa.suggested(Given(bare, Design())) == []
    alone = study(np.ones((3, 4)), ["a", "a", "a"], ["1", "1", "1"], ["x", "x", "x"])
    assert Taxa.suggested(Given(alone, suggested_design(alone))) == []


def test_hostile():
    given = Given(trial(), Design(arm="arm", visits=["1", "2"]))
    with pytest.raises(ValidationError, match="no choice"):
        Taxa(choices=["magic"])
    with pytest.raises(InputError, match="no term"):
        Taxa(test=["dose"]).run(given)
    with pytest.raises(InputError, match="0 taxa|1 taxa"):
        Taxa(prevalence=1.0).run(Given(study(np.eye(6), list("abcdef"), ["1"] * 6, list("xxxyyy")), Design(arm="arm")))
    with pytest.raises(InputError, match="nothing to compare|no arms or visits"):
        Taxa().run(Given(trial(), Design()))
    few = Given(trial(people=4), Design(arm="arm", visits=["1", "2"]))
    done = Taxa().run(few)
    assert any("smallest arm" in note.what for note in done.notes)
    with pytest.raises(InputError, match="could be done|too few"):
        Taxa().run(Given(trial(people=2), Design(arm="arm", visits=["1", "2"])))


def test_lactobacillus_trial():
    folder = SHARED / "peerj32"
    if not folder.is_dir():
        pytest.skip("needs ../shared")
    table = pl.read_csv(folder / "peerj32_microbes.tsv", separator="\t")
    known = pl.read_csv(folder / "peerj32_metadata.tsv", separator="\t", infer_schema_length=0)
    joined = known.join(table, "sample_id", maintain_order="left")
    values = joined.select(table.columns[1:]).to_numpy().astype(float)
    made = study(values, joined["subject"].to_list(), joined["time"].to_list(), joined["group"].to_list(), "signal")
    done = Taxa().run(Given(made, Design(arm="arm", reference="Placebo", visits=["1", "2"])))
    place = table.columns[1:].index("Lactobacillus plantarum et rel.")
    found = done.tested.sort("p").row(0, named=True)
    assert found["what"] == f"t{place:02d}" and found["people"] == 22 and found["rows"] == 44


def test_with_several_terms_it_is_said_over_what_q_is_corrected():
    design = Design(arm="arm", reference="control", visits=["before", "after"])
    done = Taxa(terms="arm + visit").run(Given(small_trial(), design))
    assert done.tested["term"].n_unique() == 2
    assert any(note.where == "q" and "each of 2 terms" in note.what for note in done.notes)
    assert "within the term" in done.said[1]
