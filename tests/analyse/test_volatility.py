"""Volatility and first distances, against the numbers of the published tools."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as some

from gutbrain.analyse.community import Community
from gutbrain.analyse.models.two_groups import compare, permuted, rank_sum, welch
from gutbrain.analyse.persons.first_distances import first_differences, first_distances, paired
from gutbrain.analyse.persons.volatility import person_means, volatility
from gutbrain.errors import InputError

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "peers"


@pytest.fixture(scope="module")
def mice():
    if not (SHARED / "volatility").is_dir():
        pytest.skip("the mice of Volatility needs ../shared")
    counts = pl.read_csv(SHARED / "volatility" / "vola_genus_table.csv")
    about = pl.read_csv(SHARED / "volatility" / "vola_metadata.csv", infer_schema=False)
    samples = about.select(
        pl.col("sample_ID").alias("sample"), pl.format("{} {}", "cohort", "ID").alias("person"),
        pl.col("timepoint").cast(pl.Enum(["Pre", "Post"])).alias("visit"), "cohort", "treatment", "ID",
    )  # fmt: skip
    values = counts.select(samples["sample"].to_list()).to_numpy().T.astype(float)
    features = pl.DataFrame({"feature": counts.to_series(0)})
    made = volatility(Community(samples, features, values, "count"))
    expected = pl.read_csv(SHARED / "volatility" / "expected_volatility.csv", schema_overrides={"ID": pl.String})
    return made.table.join(samples.unique("person"), on="person"), expected


def test_every_mouse_as_in_the_volatility_package(mice):
    found, expected = mice
    joined = found.join(expected, on=["ID", "cohort", "treatment"], suffix=" expected")
    assert len(joined) == len(expected) == 60
    np.testing.assert_allclose(joined["distance"], joined["volatility"], rtol=1e-12)
    one = dict(found.select("ID", "distance").iter_rows())
    assert one["1"] == pytest.approx(14.1465754603235, abs=1e-12)
    assert one["10"] == pytest.approx(15.7530870454196, abs=1e-12)


def test_means_and_tests_of_the_volatility_package(mice):
    found, _ = mice
    means = {(row[0], row[1]): row[2:] for row in found.group_by("cohort", "treatment").agg(
        pl.col("distance").mean(), pl.len()).iter_rows()}  # fmt: skip
    for key, mean, size in (
        (("Discovery", "Control"), 13.38657751401, 9), (("Discovery", "Stress"), 15.45861969362, 13),
        (("Validation", "Control"), 12.24862682451, 10), (("Validation", "Stress"), 14.20602304730, 28),
    ):  # fmt: skip
        assert means[key] == (pytest.approx(mean, abs=1e-10), size)
    told = compare(found.filter(pl.col("cohort") == "Validation"), "distance", "treatment", permutations=999)
    by = {row["method"].split(" ")[0]: row for row in told.to_dicts()}
    assert by["Welch"]["statistic"] == pytest.approx(2.37225894899, abs=1e-10)  # the package takes control less stress
    assert by["Welch"]["p"] == pytest.approx(0.0269514000148, abs=1e-12)
    assert 10 * 28 - by["Wilcoxon"]["statistic"] == 79
    assert by["Wilcoxon"]["p"] == pytest.approx(0.0436004108833, abs=1e-12)
    assert by["permutation"]["p"] < 0.1


def test_pairs_of_the_ecam_children_as_in_q2_longitudinal():
    """Which samples are paired; the distances themselves rest on a UniFrac matrix that is not among the files."""
    folder = SHARED / "q2-longitudinal"
    if not folder.is_dir():
        pytest.skip("the children of ECAM need ../shared")
    table = pl.read_csv(folder / "ecam_map_maturity.txt", separator="\t", infer_schema_length=None)
    months = [str(month) for month in sorted(table["month"].unique())]
    occasions = table.select(
        pl.col("#SampleID").alias("sample"), pl.col("studyid").cast(pl.String).alias("person"),
        pl.col("month").cast(pl.String).cast(pl.Enum(months)).alias("visit"),
        pl.col("observed_otus").cast(pl.Float64).alias("value"),
    )  # fmt: skip
    made = first_differences(occasions, "value", "adjacent", "drop")
    names = occasions["sample"].to_numpy()[made.table["to_place"].to_numpy()]
    for file in ("ecam-first-distances.tsv", "ecam-taxa-first-differences.tsv"):
        expected = pl.read_csv(folder / file, separator="\t")["#SampleID"]
        assert len(names) == len(expected) == 338
        assert set(names) == set(expected)
    after = dict(pairwise(months))
    assert all(after[one] == other for one, other in made.table.select("from_visit", "to_visit").iter_rows())
    by_name = dict(occasions.select("sample", "value").iter_rows())
    assert made.table["difference"].to_list() == [
        by_name[names[at]] - occasions["value"][place] for at, place in enumerate(made.table["from_place"])
    ]


OCCASIONS = pl.DataFrame({
    "person": ["b", "a", "a", "a", "b", "c"],
    "visit": pl.Series(["3", "1", "3", "2", "1", "2"]).cast(pl.Enum(["1", "2", "3"])),
    "day": [30.0, 0.0, 20.0, 10.0, 0.0, 9.0],
    "value": [5.0, 1.0, 4.0, 2.0, 3.0, 7.0],
})  # fmt: skip


@pytest.mark.parametrize(
    ("to", "pairs"),
    [
        ("previous", {("a", "1", "2"), ("a", "2", "3"), ("b", "1", "3")}),
        ("adjacent", {("a", "1", "2"), ("a", "2", "3")}),
        ("baseline", {("a", "1", "2"), ("a", "1", "3"), ("b", "1", "3")}),
    ],
)
def test_which_occasions_are_paired(to, pairs):
    made = paired(OCCASIONS, to)
    assert set(made.table.select("person", "from_visit", "to_visit").iter_rows()) == pairs
    assert (to == "baseline") == any("1 people have no row at the baseline" in note for note in made.notes)


def test_rate_a_day_needs_days():
    made = first_differences(OCCASIONS).table.sort("person", "to_day")
    assert made["difference"].to_list() == [1.0, 2.0, 2.0]
    assert made["per_day"].to_list() == pytest.approx([0.1, 0.2, 2 / 30])
    blank = first_differences(OCCASIONS.with_columns(pl.lit(None, pl.Float64).alias("day"))).table
    assert blank["per_day"].null_count() == 3 and sorted(blank["difference"]) == [1.0, 2.0, 2.0]


def test_replicates_and_days_against_visits_are_told():
    twice = pl.concat([OCCASIONS, OCCASIONS[1:2].with_columns(pl.lit(9.0).alias("value"))])
    assert "2 rows share person, visit and day" in first_differences(twice).notes[0]
    assert first_differences(twice).table.equals(first_differences(OCCASIONS).table)
    assert set(first_differences(twice, replicates="drop").table["from_visit"]) == {"1", "2"}
    with pytest.raises(InputError, match="several rows stand for person a, visit 1"):
        paired(twice, replicates="refuse")
    backwards = OCCASIONS.with_columns(pl.col("day").neg())
    assert any("against the order of visits" in note for note in paired(backwards).notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": "last"}, "to = 'last' is not known"),
        ({"replicates": "mean"}, "replicates = 'mean' is not known"),
    ],
)
def test_unknown_choices_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        paired(OCCASIONS, **change)


def test_occasions_without_order_are_refused():
    plain = OCCASIONS.with_columns(pl.col("visit").cast(pl.String), pl.lit(None, pl.Float64).alias("day"))
    with pytest.raises(InputError, match="visits have no order"):
        paired(plain)
    nothing = plain.with_columns(pl.lit(None, pl.String).alias("visit"))
    with pytest.raises(InputError, match="order of a person's occasions is not known"):
        paired(nothing)
    with pytest.raises(InputError, match="some rows have no visit"):
        paired(OCCASIONS.with_columns(pl.lit(None, pl.String).alias("visit")), "adjacent")


def test_distances_have_to_fit():
    with pytest.raises(InputError, match="do not fit"):
        first_distances(np.zeros((2, 2)), OCCASIONS)
    broken = np.zeros((6, 6))
    broken[0, 1] = np.nan
    with pytest.raises(InputError, match="is no number"):
        first_distances(broken, OCCASIONS)


def _community(values, people):
    visits = pl.Series([f"v{at}" for at in range(len(values))]).cast(pl.Enum([f"v{at}" for at in range(len(values))]))
    samples = pl.DataFrame({"sample": [f"s{at}" for at in range(len(values))], "person": people, "visit": visits})
    return Community(samples, pl.DataFrame({"feature": [f"f{at}" for at in range(values.shape[1])]}), values, "count")


@settings(max_examples=30, deadline=None)
@cases(some.integers(0, 10_000), some.floats(0.01, 100))
def test_volatility_ignores_depth_and_order(seed, scale):
    draws = np.random.default_rng(seed)
    values = draws.poisson(3.0, (6, 8)).astype(float)
    values[:, 0] += 1
    people = ["a", "a", "a", "b", "b", "b"]
    first = volatility(_community(values, people)).table["distance"].to_numpy()
    scaled = volatility(_community(values * scale, people)).table["distance"].to_numpy()
    np.testing.assert_allclose(first, scaled, atol=1e-9)
    turned = volatility(_community(values[:, ::-1], people)).table["distance"].to_numpy()
    np.testing.assert_allclose(first, turned, atol=1e-9)


def test_empty_samples_and_persons_means():
    with pytest.raises(InputError, match="holds nothing"):
        volatility(_community(np.array([[1.0, 2.0], [0.0, 0.0]]), ["a", "a"]))
    pairs = pl.DataFrame({"person": ["a"] * 3 + ["b"], "distance": [1.0, 2.0, 3.0, 5.0], "from_day": [0.0, 1, 2, 0],
                          "to_day": [1.0, 2, 4, 0], "per_day": [1.0, 2.0, 1.5, None]})  # fmt: skip
    means = person_means(pairs)
    assert means["mean"].to_list() == [2.0, 5.0] and means["per_day"].to_list() == [1.5, None]
    assert means["low"][0] == pytest.approx(2 - 4.302652729911275 / np.sqrt(3)) and means["low"][1] is None
    assert means["note"].to_list() == [None, "1 of the 3 pairs that an interval needs"]


def test_groups_without_spread_or_people_are_told():
    assert welch(np.array([1.0, 1.0]), np.array([2.0, 2.0]))["note"] == "nobody differs within the groups: no test"
    assert welch(np.array([1.0]), np.array([2.0, 3.0]))["note"] == "groups of 1 and 2 people: no test"
    assert rank_sum(np.ones(3), np.ones(4))["p"] is None
    exact = permuted(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), 9999, np.random.default_rng(1))
    assert exact["p"] == pytest.approx(2 / 20) and exact["note"] == "all 20 permutations"
    table = pl.DataFrame({"person": ["a", "a"], "x": [1.0, 2.0], "arm": ["p", "q"]})
    with pytest.raises(InputError, match="several rows"):
        compare(table, "x", "arm")
    with pytest.raises(InputError, match="1 groups with values"):
        compare(table[:1], "x", "arm")


def test_covariates_enter_a_linear_model():
    draws = np.random.default_rng(4)
    age = draws.normal(40, 10, 60)
    arm = np.repeat([0, 1], 30)
    table = pl.DataFrame({"person": [str(at) for at in range(60)], "x": 2 * arm + 0.5 * age + draws.normal(size=60),
                          "arm": [f"arm {at}" for at in arm], "age": age})  # fmt: skip
    import statsmodels.api as models

    fit = models.OLS(table["x"].to_numpy(), np.column_stack([np.ones(60), arm, age])).fit()
    row = compare(table, "x", "arm", adjust=("age",), permutations=0).row(0, named=True)
    assert row["method"].startswith("linear model with age")
    found = [row[key] for key in ("estimate", "standard_error", "statistic", "p", "low", "high")]
    expected = [fit.params[1], fit.bse[1], fit.tvalues[1], fit.pvalues[1], *fit.conf_int()[1]]
    np.testing.assert_allclose(found, expected, rtol=1e-8)
