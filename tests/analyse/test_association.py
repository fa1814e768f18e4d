"""Microbes with metabolites, where a map links them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.function.association import DISJOINTED, EMERGENT, FULL, SLOPE, associate, linked, read_map
from gutbrain.analyse.step import Design, Given
from gutbrain.analyse.steps.association import Association
from gutbrain.errors import InputError
from gutbrain.study.study import Study

ROOT = Path(__file__).parents[2]


def written(tmp_path, text):
    path = tmp_path / "map.csv"
    path.write_text(text, encoding="utf-8")
    return path


def features(*names):
    return pl.DataFrame({"feature": list(names), "genus": [name.split()[0] for name in names]})


def made(people=40, seed=1, slope=(0.5, 0.5), noise=(1.0, 1.0)):
    draw = np.random.default_rng(seed)
    arm = np.arange(people) % 2
    x = draw.normal(size=people)
    y = np.array(slope)[arm] * x + np.array(noise)[arm] * draw.normal(size=people)
    return pl.DataFrame({"person": [f"p{i}" for i in range(people)],
                         "arm": pl.Series(np.where(arm, "drug", "placebo")).cast(pl.Enum(["placebo", "drug"])),
                         "microbe: A": x, "metabolite: m": y, "age": draw.normal(50, 5, people)})  # fmt: skip


PAIR = pl.DataFrame({"microbe": ["A"], "metabolite": ["m"], "link": ["makes"], "why": ["x"]})


def test_slope_is_that_of_least_squares():
    table = made()
    row = associate(table, PAIR, units={"m": "mM"}).row(0, named=True)
    design = np.column_stack([np.ones(40), table["microbe: A"]])
    beta, rest = np.linalg.lstsq(design, table["metabolite: m"].to_numpy(), rcond=None)[:2]
    error = np.sqrt(rest[0] / 38 * np.linalg.inv(design.T @ design)[1, 1])
    assert (row["estimate"], row["standard_error"]) == (pytest.approx(beta[1]), pytest.approx(error))
    assert (row["unit"], row["df"], row["people"], row["test"]) == ("mM per doubling", 38, 40, SLOPE)
    assert row["q"] == row["p"] < 0.01 and row["low"] < beta[1] < row["high"]


def test_interaction_is_that_of_two_fits():
    table = made(slope=(0.0, 2.0), noise=(0.5, 0.5))
    found = associate(table, PAIR, arm="arm", permutations=199)
    assert found["test"].to_list() == [SLOPE, FULL, DISJOINTED, EMERGENT]
    each = [
        np.polyfit(part["microbe: A"], part["metabolite: m"], 1)[0]
        for part in (table.filter(pl.col("arm") == "placebo"), table.filter(pl.col("arm") == "drug"))
    ]
    row = found.filter(pl.col("test") == DISJOINTED).row(0, named=True)
    assert row["term"] == "microbe:arm[drug]" and row["estimate"] == pytest.approx(each[1] - each[0])
    assert row["p"] < 1e-6 and found["p"][3] == pytest.approx(1 / 200)


def test_same_strength_with_another_slope_is_disjointed_and_not_emergent():
    table = made(200, slope=(1.0, -1.0))
    found = associate(table, PAIR, arm="arm", permutations=199)
    assert found["p"][2] < 1e-6 and found["p"][3] > 0.05
    # The same slope with more noise is emergent and not disjointed.
    found = associate(made(200, slope=(1.0, 1.0), noise=(0.2, 5.0)), PAIR, arm="arm", permutations=199)
    assert found["p"][2] > 0.01 and found["p"][3] < 0.01


@pytest.mark.calibration
@pytest.mark.parametrize("slope", [0.0, 0.7])
def test_without_a_difference_each_test_is_as_often_wrong_as_it_says(slope):
    tables = (made(30, seed, slope=(slope, slope)) for seed in range(600))
    p = np.array([associate(table, PAIR, arm="arm", permutations=99)["p"].to_numpy() for table in tables])
    wrong = (p < 0.05).mean(axis=0)
    assert (wrong[0 if slope == 0 else 2 :] < 0.075).all() and wrong[2] > 0.028
    assert wrong[:2].min() > (0.028 if slope == 0 else 0.8)
    # Where neither arm shows an association, the test of its strength errs on the safe side.
    assert wrong[3] > (0.0 if slope == 0 else 0.028)


def test_people_who_come_again_get_a_random_intercept():
    one = made(30)
    again = pl.concat([one, one.with_columns(pl.col("metabolite: m") + np.random.default_rng(2).normal(size=30))])
    row = associate(again, PAIR).row(0, named=True)
    assert "random intercept" in row["method"] and (row["people"], row["rows"]) == (30, 60)
    assert row["df"] < 40, "sixty rows are no sixty people"


def test_rows_in_another_order_change_nothing():
    table = made()
    shuffled = table.sample(fraction=1, shuffle=True, seed=3)
    one, other = (associate(t, PAIR, "age", "arm", permutations=0).drop("note") for t in (table, shuffled))
    np.testing.assert_allclose(one["p"].to_numpy(), other["p"].to_numpy())
    # Ten times the metabolite is ten times the slope, with the same p.
    tenfold = associate(table.with_columns(pl.col("metabolite: m") * 10), PAIR, "age", "arm", permutations=0)
    np.testing.assert_allclose(tenfold["estimate"].drop_nulls(), 10 * one["estimate"].drop_nulls().to_numpy())
    np.testing.assert_allclose(tenfold["p"].to_numpy(), one["p"].to_numpy())


def test_what_cannot_be_tested_is_said():
    table = made().with_columns(pl.lit(1.0).alias("metabolite: m"))
    row = associate(table, PAIR).row(0, named=True)
    assert row["p"] is None and "the same in every sample" in row["note"]
    few = made(6).with_columns(pl.Series("arm", ["placebo"] * 5 + ["drug"]))
    found = associate(few, PAIR, arm="arm")
    assert found.filter(pl.col("test") == SLOPE)["p"].is_not_null().all()
    assert "too few samples in an arm" in found["note"][1] and "fewer than two arms have 4 people" in found["note"][2]
    empty = made().with_columns(pl.when(pl.col("person") == "p0").then(pl.col("metabolite: m")).alias("metabolite: m"))
    assert associate(empty, PAIR)["p"][0] is None


def test_a_map_links_by_patterns_and_ranks(tmp_path):
    known = read_map(
        written(tmp_path, "Microbe,metabolite,why\nroseburia,blood.but*,makes it\nAkkermansia *,stool.?H,\nX,Y,\n")
    )
    pairs = linked(
        known, features("Roseburia hominis", "Akkermansia muciniphila", "Dorea"), ["blood.butyrate", "stool.pH"]
    )
    assert pairs.table.select("microbe", "metabolite", "why").rows() == [
        ("Roseburia hominis", "blood.butyrate", "makes it"), ("Akkermansia muciniphila", "stool.pH", None),
    ]  # fmt: skip
    assert pairs.spared == 4 and pairs.unmatched.rows() == [(4, "X", "Y", "microbe and metabolite")]
    with pytest.raises(InputError, match="none of the 3 rows"):
        linked(known, features("Dorea"), ["blood.butyrate"])


@pytest.mark.parametrize(
    "text, told",
    [("taxon,metabolite\na,b\n", "no column 'microbe'"), ("microbe,metabolite\na,\n", "row 2, column 'metabolite'"),
     ("microbe,metabolite\n", "no rows"), ("", "no CSV")],
)  # fmt: skip
def test_maps_that_are_wrong(tmp_path, text, told):
    with pytest.raises(InputError) as error:
        read_map(written(tmp_path, text))
    assert told in str(error.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_map(tmp_path / "absent.csv")


def study(people=24, visits=("before", "after")):
    draw = np.random.default_rng(5)
    names = ["Roseburia", "Dorea", "Blautia", "Akkermansia"]
    samples, abundances, readings = [], [], []
    for number in range(people):
        own = draw.normal()
        for visit in visits:
            sample = f"s{number}{visit}"
            samples.append({"sample": sample, "person": f"p{number}", "visit": visit})
            logs = draw.normal(6, 1, 4)
            abundances += [{"sample": sample, "feature": n, "value": float(np.round(np.exp(v))), "unit": "count"}
                           for n, v in zip(names, logs, strict=True)]  # fmt: skip
            value = 10 + own + 0.8 * (logs[0] - logs.mean()) / np.log(2) + 0.3 * draw.normal()
            readings.append(
                {"person": f"p{number}", "visit": visit, "quantity": "blood.butyrate", "value": value, "unit": "uM"}
            )
    return Study.of({
        "people": pl.DataFrame({"person": [f"p{i}" for i in range(people)],
                                "arm": ["placebo", "drug"] * (people // 2)}),
        "samples": pl.DataFrame(samples), "abundances": pl.DataFrame(abundances), "readings": pl.DataFrame(readings),
        "features": pl.DataFrame({"feature": names, "kind": ["taxon"] * 4, "genus": names}),
    })  # fmt: skip


def test_the_step_finds_what_was_put_in(tmp_path):
    given = Given(study(), Design(arm="arm", reference="placebo", visits=["before", "after"]))
    path = written(tmp_path, "microbe,metabolite,link\nRoseburia,blood.butyrate,makes\nDorea,blood.butyrate,\n")
    done = Association(map=str(path), permutations=99).run(given)
    row = done.tables["associations"].row(0, named=True)
    assert row["low"] < 0.8 < row["high"] and row["q"] < 1e-6 and row["people"] == 24 and row["rows"] == 48
    assert "2 pairs" in done.said[0] and "2 others were not tested" in done.said[0]
    assert done.tested["what"][0] == "blood.butyrate with Roseburia" and len(done.tested) == 8
    again = Association(map=str(path), permutations=99).run(given)
    assert again.tested.equals(done.tested)
    parts = done.tested.group_by("part", maintain_order=True).len().rows()
    assert parts == [(None, 2), ("any arm", 2), ("slope by arm", 2), ("strength by arm", 2)]


def test_the_step_says_what_it_lacks(tmp_path):
    given = Given(study(), Design())
    with pytest.raises(InputError, match="no map"):
        Association().run(given)
    path = str(written(tmp_path, "microbe,metabolite\nRoseburia,*\n"))
    with pytest.raises(InputError, match=r"Known: blood\.butyrate"):
        Association(map=path, metabolites=["stool.*"]).run(given)
    with pytest.raises(InputError, match="no abundances of kind 'gene'"):
        Association(map=path, source="gene").run(given)
    assert Association.suggested(given) == []


def test_a_metabolite_that_was_measured_once_counts_once():
    one = made(30)
    thrice = pl.concat([one.with_columns(pl.col("microbe: A") + shift) for shift in (-1.0, 0.0, 1.0)])
    once, again = (
        associate(one, PAIR, "age", "arm", permutations=0),
        associate(thrice, PAIR, "age", "arm", permutations=0),
    )
    np.testing.assert_allclose(once["p"].to_numpy(), again["p"].to_numpy())
    np.testing.assert_allclose(once["estimate"].drop_nulls(), again["estimate"].drop_nulls())
    assert again["rows"].to_list() == [30] * 3 and "one value of the metabolite a person" in again["note"][0]


def test_several_samples_of_an_occasion_are_one(tmp_path):
    whole = study(visits=("before",))
    twins = whole.samples.with_columns(pl.col("sample") + " again")
    more = whole.abundances.with_columns(pl.col("sample") + " again")
    tables = dict(whole.tables) | {
        "samples": pl.concat([whole.samples, twins]), "abundances": pl.concat([whole.abundances, more]),
    }  # fmt: skip
    step = Association(map=str(written(tmp_path, "microbe,metabolite\nRoseburia,*\n")), permutations=0)
    design = Design(arm="arm", reference="placebo")
    one, two = (step.run(Given(s, design)).tables["associations"] for s in (whole, Study.of(tables)))
    assert one.equals(two) and one["rows"][0] == 24


def test_against_lmertest_on_dietswap():
    from gutbrain.analyse.community import Community
    from gutbrain.analyse.models.effects import log_ratios
    from gutbrain.study.mapped.mapping import read_mapping
    from gutbrain.study.reading import read_study

    folder = ROOT.parent / "shared" / "data" / "dietswap"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/dietswap")
    held = Community.of(read_study([folder], read_mapping(ROOT / "examples" / "maps" / "dietswap.toml")))
    ratios = log_ratios(held.values)
    table = held.samples.with_columns(
        pl.Series("microbe: A", ratios[:, held.names.index("Faecalibacterium prausnitzii et rel.")]),
        pl.Series("metabolite: m", ratios[:, held.names.index("Bacteroides vulgatus et rel.")]),
    )
    found = associate(table, PAIR, arm="nationality", permutations=0)
    # lmerTest 3.1.3, lme4 1.1.31: y ~ nationality + x + (1|person), and nationality * x
    expected = [[-0.0153124765833, 0.0888752801316, 216.2811515246, 0.863369289839],
                [-0.2118820372792, 0.177621348790, 215.568264609, 0.234225295389]]  # fmt: skip
    full = found.row(1, named=True)
    assert full["test"] == FULL and full["p"] == pytest.approx(0.480825350637, rel=1e-6)  # lme4 anova, ML
    once = associate(table.unique("person", keep="first", maintain_order=True), PAIR, arm="nationality", permutations=0)
    assert once["p"][1] == pytest.approx(0.21552, abs=1e-5)  # R 4.2 anova(lm, lm): F 1.60613 with 2 and 34 df
    found = found.filter(pl.col("test") != FULL)
    np.testing.assert_allclose(found.select("estimate", "standard_error", "df", "p").to_numpy(), expected, rtol=1e-5)
