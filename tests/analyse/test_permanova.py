"""PERMANOVA and ANOSIM beside vegan's numbers, and what must hold whatever the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.spatial.distance import pdist, squareform

from gutbrain.analyse.communities.anosim import anosim
from gutbrain.analyse.communities.permanova import permanova
from gutbrain.analyse.communities.permutation import exchange
from gutbrain.errors import InputError

VEGAN = Path(__file__).parents[2].parent / "shared" / "data" / "peers" / "vegan"


@pytest.fixture(scope="module")
def dune():
    if not VEGAN.is_dir():
        pytest.skip("the dune meadows need ../shared")
    values = pl.read_csv(VEGAN / "dune.csv").drop("").to_numpy().astype(float)
    table = pl.read_csv(VEGAN / "dune_env.csv", infer_schema_length=0).with_columns(pl.col("A1").cast(pl.Float64))
    return squareform(pdist(values, "braycurtis")), table


# adonis2 of vegan 2.6-4: sum of squares, R2, F
VEGAN_SAYS = {
    ("Management * A1", "terms"): {
        "Management": (3, 1.468591751793, 0.341610672393, 3.26287631492),
        "A1": (1, 0.440889243089, 0.102555710665, 2.93866637959),
        "Management:A1": (3, 0.589176276910, 0.137048913605, 1.30901546798),
        "residual": (12, 1.800364598653, 0.418784703337, None),
        "total": (19, 4.299021870446, 1.0, None),
    },
    ("Management + A1", "margin"): {
        "Management": (3, 1.186529222256, 0.275999810658, 2.48275565066),
        "A1": (1, 0.440889243089, 0.102555710665, 2.76761896562),
        "residual": (15, 2.389540875563, 0.555833616942, None),
    },
    ("Management * A1", "margin"): {"Management:A1": (3, 0.58917627691, 0.137048913605, 1.30901546798)},
    ("Management", "terms"): {"Management": (3, 1.46859175179, 0.341610672393, 2.76724349818)},
    ("Management * A1", "whole"): {"model": (7, 2.49865727179, 0.581215296663, 2.37919167547)},
    ("A1 + Moisture + Use", "terms"): {
        "A1": (1, 0.722951772627, 0.168166572400, 5.01118685729),
        "Moisture": (3, 1.187076710334, 0.276127162435, 2.74276626955),
        "Use": (2, 0.513514920648, 0.119449245927, 1.77973090240),
    },
}


@pytest.mark.parametrize(("formula", "by"), VEGAN_SAYS)
@pytest.mark.parametrize("permuted", ["rows", "residuals"])
def test_partition_is_that_of_adonis2(dune, formula, by, permuted):
    table = permanova(*dune, formula, by=by, permuted=permuted, permutations=99)
    found = {row["term"]: row for row in table.iter_rows(named=True)}
    expected = VEGAN_SAYS[formula, by]
    assert [name for name in found if name not in ("residual", "total")] == [
        name for name in expected if name not in ("residual", "total")
    ]
    for name, (df, squares, r2, f) in expected.items():
        row = found[name]
        assert row["df"] == df
        np.testing.assert_allclose((row["sum_of_squares"], row["r2"]), (squares, r2), rtol=1e-9)
        assert (row["f"] is None) if f is None else row["f"] == pytest.approx(f, rel=1e-9)


def test_permutation_p_values_are_those_of_adonis2(dune):
    """Monte Carlo p of adonis2 with 99999 permutations: 0.00284 free, 0.00611 within strata of Use."""
    free = permanova(*dune, "Management", permutations=19999, generator=np.random.default_rng(2))
    strata = permanova(*dune, "Management", permutations=19999, blocks="Use", generator=np.random.default_rng(3))
    assert free["p"][0] == pytest.approx(0.00284, abs=0.0015)
    assert strata["p"][0] == pytest.approx(0.00611, abs=0.002)


def test_restricted_permutations_are_those_of_adonis2(dune):
    """Pairs of neighbouring rows as people: adonis2 of vegan 2.6-4 with permute 0.9-7, complete enumeration."""
    values, table = dune
    table = table.with_columns(
        pl.Series("person", np.repeat(np.arange(10), 2)), pl.Series("visit", ["1", "2"] * 10),
        pl.Series("arm", np.tile(np.repeat(["a", "b"], 2), 5)), pl.Series("four", np.repeat(np.arange(5), 4)),
        pl.Series("day", np.tile(np.arange(4.0), 5)),
    )  # fmt: skip
    visit = permanova(values, table, "visit", people="person", order="visit", permutations=1023)
    assert visit["f"][0] == pytest.approx(1.02814348384, rel=1e-9)
    assert visit["p"][0] == 0.1640625
    assert visit["stratum"].to_list() == ["within people", None, None]
    series = permanova(values, table, "A1", people="four", order="day", series=True, permutations=1023)
    assert series["p"][0] == 0.1650390625
    assert permanova(values, table, "A1", design=exchange(20, within="series"))["p"][0] == 0.05
    arm = permanova(values, table, "arm", people="person", order="visit", permutations=19999)
    assert arm["f"][0] == pytest.approx(1.90755035961, rel=1e-9)
    assert arm["p"][0] == pytest.approx(0.24738, abs=0.013)  # 99999 permutations of whole plots
    assert arm["stratum"][0] == "between people"


def test_euclidean_distances_of_one_variable_give_the_classical_f():
    generator = np.random.default_rng(5)
    value = generator.normal(size=18)
    group = np.repeat(["a", "b", "c"], 6)
    table = permanova(np.abs(value[:, None] - value), pl.DataFrame({"group": group}), "group", permutations=9999)
    classical = stats.f_oneway(value[:6], value[6:12], value[12:])
    assert table["f"][0] == pytest.approx(classical.statistic, rel=1e-10)
    assert table["p"][0] == pytest.approx(classical.pvalue, abs=0.02)


def test_nothing_changes_with_the_order_of_rows_or_the_unit(dune):
    values, table = dune
    turn = np.random.default_rng(1).permutation(20)
    one = permanova(values, table, "Management * A1", permutations=99)
    two = permanova(7 * values[np.ix_(turn, turn)], table[turn.tolist()], "Management * A1", permutations=99)
    np.testing.assert_allclose(one["f"].drop_nulls(), two["f"].drop_nulls(), rtol=1e-9)
    np.testing.assert_allclose(49 * one["sum_of_squares"], two["sum_of_squares"], rtol=1e-9)


@pytest.mark.parametrize("permuted", ["rows", "residuals"])
def test_p_is_uniform_without_an_effect(permuted):
    generator = np.random.default_rng(11)
    table = pl.DataFrame({"person": np.repeat(np.arange(8), 2), "visit": ["1", "2"] * 8, "arm": ["a"] * 8 + ["b"] * 8})
    found = []
    for _ in range(120):
        points = np.repeat(generator.normal(size=(8, 3)), 2, axis=0) + 0.5 * generator.normal(size=(16, 3))
        made = permanova(
            squareform(pdist(points)), table, "arm * visit", people="person", order="visit", permuted=permuted,
            permutations=99, generator=generator,
        )  # fmt: skip
        found.append(made["p"][:3].to_numpy())
    low = (np.array(found) <= 0.1).mean(axis=0)
    assert ((low > 0.02) & (low < 0.19)).all()


def test_an_effect_within_people_is_found_behind_large_differences_between_them():
    generator = np.random.default_rng(4)
    points = np.repeat(5 * generator.normal(size=(10, 3)), 2, axis=0) + 0.2 * generator.normal(size=(20, 3))
    points[1::2] += 0.5
    table = pl.DataFrame({"person": np.repeat(np.arange(10), 2), "visit": ["1", "2"] * 10})
    values = squareform(pdist(points))
    assert permanova(values, table, "visit", permutations=499)["p"][0] > 0.5
    within = permanova(values, table, "visit", people="person", order="visit", permutations=499)
    assert within["p"][0] < 0.01
    assert within["stratum_r2"][0] > 10 * within["r2"][0]


def test_a_small_number_of_arrangements_is_said():
    values = squareform(pdist(np.random.default_rng(1).normal(size=(4, 2))))
    table = pl.DataFrame({"person": ["a", "a", "b", "b"], "visit": ["1", "2", "1", "2"]})
    made = permanova(values, table, "visit", people="person")
    assert made["permutations"][0] == 3
    assert "only 4 arrangements" in made["note"][0]


GOOD = squareform(pdist(np.random.default_rng(1).normal(size=(6, 2))))
SIX = pl.DataFrame({"arm": ["a", "a", "a", "b", "b", "b"], "own": list("abcdef"), "same": ["a"] * 6})


@pytest.mark.parametrize(
    ("values", "formula", "options", "part"),
    [
        (GOOD[:5], "arm", {}, "shape"),
        (-GOOD, "arm", {}, "below 0"),
        (np.where(GOOD > 1, np.nan, GOOD), "arm", {}, "missing"),
        (GOOD + np.eye(6), "arm", {}, "not symmetric"),
        (np.triu(GOOD), "arm", {}, "not symmetric"),
        (0 * GOOD, "arm", {}, "all distances are 0"),
        (GOOD, "own", {}, "too few"),
        (GOOD, "same", {}, "one level"),
        (GOOD, "1", {}, "no term"),
        (GOOD, "arm", {"by": "each"}, "no test"),
        (GOOD, "arm", {"blocks": "own"}, "no two rows can change places"),
        (np.abs(np.subtract.outer([0.0, 0, 0, 1, 1, 1], [0.0, 0, 0, 1, 1, 1])), "arm", {}, "leaves no variation"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_words(values, formula, options, part):
    with pytest.raises(InputError, match=part):
        permanova(values, SIX, formula, permutations=99, **options)


def test_anosim_is_that_of_vegan(dune):
    values, table = dune
    made = anosim(values, table["Management"], permutations=19999)
    assert made["r"][0] == pytest.approx(0.257870590097, abs=1e-12)
    assert made["p"][0] == pytest.approx(0.00885, abs=0.003)  # of 99999 permutations, vegan 2.6-4
    assert "BF" in made["note"][0]


def test_anosim_is_one_where_groups_are_apart():
    values = squareform(pdist(np.array([[0.0], [0.1], [0.3], [9.0], [9.1], [9.4]])))
    made = anosim(values, SIX["arm"])
    assert made["r"][0] == pytest.approx(1)
    assert made["p"][0] == pytest.approx(0.1)  # 2 * 3! * 3! of 6! arrangements
    with pytest.raises(InputError, match="every group has one sample"):
        anosim(values, SIX["own"])
    with pytest.raises(InputError, match="one group only"):
        anosim(values, SIX["same"])
