"""The steps on modules, groups and the distance to a reference."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.function.module_files import read_modules
from gutbrain.analyse.function.modules import module_amounts
from gutbrain.analyse.step import TESTED, Design, Given, suggested_design
from gutbrain.analyse.steps.function import Dysbiosis, Groups, Modules
from gutbrain.errors import InputError
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study
from gutbrain.study.study import Study

ROOT = Path(__file__).parents[2]
TEXT = "M1\tone\nK1\nK2\n///\nM2\ttwo\nK3\tK4\n///\nM3\tthree\nK5\n///\nM4\tnever\nCOG1\n///\n"


def peerj32() -> Given:
    folder = ROOT.parent / "shared" / "data" / "peerj32"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/peerj32")
    study = read_study([folder], read_mapping(ROOT / "examples" / "maps" / "peerj32.toml"))
    return Given(study, suggested_design(study))


def genes(people=20, visits=("before", "after"), strata=False) -> Study:
    draw = np.random.default_rng(4)
    names = ["K1", "K2", "K3", "K4", "K5"] + (["K1|g__A.s__A_b", "K2|g__A.s__A_b"] if strata else [])
    samples, rows = [], []
    for number in range(people):
        for visit in visits:
            sample = f"s{number}{visit}"
            samples.append({"sample": sample, "person": f"p{number}", "visit": visit})
            amounts = np.exp(draw.normal(3, 0.3, len(names)))
            if number % 2 and visit == "after":
                amounts[:2] *= 4  # M1 rises with the drug
            rows += [
                {"sample": sample, "feature": n, "value": float(v), "unit": "CPM"}
                for n, v in zip(names, amounts, strict=True)
            ]
    return Study.of({
        "people": pl.DataFrame({"person": [f"p{i}" for i in range(people)],
                                "arm": ["placebo", "drug"] * (people // 2)}),
        "samples": pl.DataFrame(samples), "abundances": pl.DataFrame(rows),
        "features": pl.DataFrame({"feature": names, "kind": "gene"}),
    })  # fmt: skip


def module_file(tmp_path) -> str:
    (tmp_path / "modules.txt").write_text(TEXT, encoding="utf-8")
    return str(tmp_path / "modules.txt")


def test_modules_find_what_was_put_in(tmp_path):
    study = genes(strata=True)
    done = Modules(file=module_file(tmp_path), by_taxon=True).run(Given(study, suggested_design(study)))
    assert list(done.tested.columns) == list(TESTED) and len(done.tested) == 3
    row = done.tested.filter(pl.col("what") == "M1 one").row(0, named=True)
    # One of three modules rises two doublings: by 4/3 against the mean of the three.
    assert row["term"] == "arm[drug]:visit[after]" and row["low"] < 4 / 3 < row["high"] and row["p"] < 1e-4
    assert (row["people"], row["rows"], row["unit"]) == (20, 40, "log2 ratio")
    assert "3 of 4 modules" in done.said[0] and "M1 one" in done.said[1]
    assert any("1 of 4 modules cannot reach" in note.what for note in done.notes)
    assert done.tables["by_taxon"]["taxon"].unique().to_list() == ["g__A.s__A_b"]
    columns = ["sample", "module", "name", "coverage", "abundance"]
    assert set(columns) <= set(done.tables["modules"].columns)


def test_one_row_a_person_needs_no_random_effect(tmp_path):
    study = genes(visits=("after",))
    done = Modules(file=module_file(tmp_path)).run(Given(study, suggested_design(study)))
    assert done.tested["term"].unique().to_list() == ["arm[drug]"] and "least squares" in done.tested["method"][0]


def test_modules_that_cannot_be_done(tmp_path):
    given = Given(genes(), Design())
    with pytest.raises(InputError, match="no module file is named"):
        Modules().run(given)
    done = Modules(file=module_file(tmp_path), by_taxon=True).run(given)
    assert done.tested.is_empty() and any("no arms and no visits" in note.what for note in done.notes)
    assert any("no genes stand by taxon" in note.what for note in done.notes) and "by_taxon" not in done.tables
    assert Modules.suggested(given) == [] and Groups.suggested(given) == [] and Dysbiosis.suggested(given) == []
    with pytest.raises(InputError, match="kind 'gene'"):
        Modules(file=module_file(tmp_path)).run(peerj32())


def test_groups_of_a_trial():
    given = peerj32()
    step = Groups.suggested(given)[0]
    done = step.run(given)
    assert set(done.tables) == {"groups", "placement", "axes"}
    row = done.tested.sort("p").row(0, named=True)
    assert row["what"] == "akkermansia_log_ratio" and row["term"] == "arm[LGG]:visit[after]"
    assert (row["df"], row["people"]) == (pytest.approx(20), 22), "people less arms"
    assert len(done.tested) == done.tested["what"].n_unique() >= 9
    # With two visits of everybody the interaction is the t test of the changes.
    wide = done.tables["groups"].filter(pl.col("quantity") == row["what"])
    if not wide.is_empty():
        from scipy.stats import ttest_ind

        values = wide.join(given.community("taxon").samples.select("sample", "person", "arm", "visit"), on="sample")
        change = values.pivot(on="visit", index=["person", "arm"], values="value")
        change = change.with_columns((pl.col("after") - pl.col("before")).alias("change"))
        test = ttest_ind(change.filter(arm="LGG")["change"], change.filter(arm="Placebo")["change"])
        assert (row["p"], row["statistic"]) == (
            pytest.approx(test.pvalue, rel=1e-5),
            pytest.approx(test.statistic, rel=1e-5),
        )
    asked = Groups(clusters=4).run(given)
    assert any("gradients" in note.what for note in asked.notes) and len(asked.tables["clusters"]) == 44


def test_dysbiosis_of_a_trial():
    given = peerj32()
    done = Dysbiosis.suggested(given)[0].run(given)
    table = done.tables["dysbiosis"]
    assert table["reference"][0] == "arm Placebo at visit before" and table["in_reference"].sum() == 14
    assert "one reference" in done.tested["note"][0] and any("not being ill" in note.what for note in done.notes)
    named = Dysbiosis(reference="Placebo at before").run(given).tables["dysbiosis"]
    assert named.equals(table)
    assert Dysbiosis(reference="before").run(given).tables["dysbiosis"]["in_reference"].sum() == 22
    assert Dysbiosis(reference="Placebo").run(given).tables["dysbiosis"]["in_reference"].sum() == 28
    shipped = Dysbiosis(reference="shipped").run(given)
    assert "atlas1006" in shipped.said[0]
    with pytest.raises(InputError, match="Arms are Placebo, LGG; visits are before, after"):
        Dysbiosis(reference="Nobody").run(given)


def test_twenty_thousand_genes_in_five_hundred_samples(tmp_path):
    draw = np.random.default_rng(0)
    names = [f"K{number:05d}" for number in range(20_000)]
    values = draw.gamma(0.3, size=(500, 20_000))
    text = "".join(
        f"MF{m:04d}\tmodule {m}\n" + "".join("\t".join(draw.choice(names, 3)) + "\n" for _ in range(5)) + "///\n"
        for m in range(150)
    )
    (tmp_path / "many.txt").write_text(text, encoding="utf-8")
    begin = time.process_time()
    amounts = module_amounts(values, names, read_modules(tmp_path / "many.txt"))
    amounts.table([f"s{i}" for i in range(500)])
    assert time.process_time() - begin < 10 and amounts.abundance.shape == (500, 150)


def test_a_design_that_cannot_be_tested_leaves_the_tables():
    """Arms that were seen at one visit each have no interaction."""
    given = peerj32()
    study = given.study
    samples = study.samples.join(study.people, on="person")
    kept = samples.filter((pl.col("arm") == "LGG") == (pl.col("visit") == "after"))["sample"].to_list()
    tables = dict(study.tables) | {
        "samples": study.samples.filter(pl.col("sample").is_in(kept)),
        "abundances": study.abundances.filter(pl.col("sample").is_in(kept)),
    }
    apart = Given(Study.of(tables), given.design)
    for step in (Groups(), Dysbiosis(reference="shipped"), Dysbiosis(reference="Placebo")):
        done = step.run(apart)
        assert done.tested.is_empty() and done.tables
        assert any("nothing is left of 'arm:visit'" in note.what for note in done.notes)


def test_one_person_and_one_sample_are_no_trial():
    given = peerj32()
    one = given.study.samples.filter(pl.col("person") == "S1")["sample"].to_list()
    tables = dict(given.study.tables) | {
        "samples": given.study.samples.filter(pl.col("sample").is_in(one)),
        "abundances": given.study.abundances.filter(pl.col("sample").is_in(one)),
    }
    alone = Given(Study.of(tables), given.design)
    done = Groups().run(alone)
    assert done.tested.is_empty() and any("too few" in note.what or "group" in note.what for note in done.notes)
    assert len(done.tables["groups"]) > 0
    assert Dysbiosis.suggested(alone) == []
    with pytest.raises(InputError, match="people"):
        Dysbiosis(reference="before").run(alone)
