"""Constrained ordination beside vegan's rda, cca and dbrda."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import pdist, squareform

from gutbrain.analyse.communities.constrained import cca, dbrda, explained, rda
from gutbrain.analyse.communities.permanova import permanova
from gutbrain.errors import InputError

VEGAN = Path(__file__).parents[2].parent / "shared" / "data" / "peers" / "vegan"
FORMULA = "Management + A1"


@pytest.fixture(scope="module")
def dune():
    if not VEGAN.is_dir():
        pytest.skip("the dune meadows need ../shared")
    values = pl.read_csv(VEGAN / "dune.csv").drop("").to_numpy().astype(float)
    table = pl.read_csv(VEGAN / "dune_env.csv", infer_schema_length=0).with_columns(pl.col("A1").cast(pl.Float64))
    return values, table


def ordinate(dune, method, conditions="", formula=FORMULA):
    values, table = dune
    if method == "rda":
        logs = np.log(values + 0.5)
        return rda(logs - logs.mean(axis=1, keepdims=True), table, formula, conditions)
    if method == "cca":
        return cca(values, table, formula, conditions)
    return dbrda(squareform(pdist(values, "braycurtis")), table, formula, conditions)


# vegan 2.6-4, dune ~ Management + A1 (+ Condition(Use)): inertia in all, of conditions, constrained, left; the first
# and last constrained and residual eigenvalues; F of the whole, terms, margin; R2 and adjusted R2; scores (without
# sign) of the first row on the first axis: LC, WA; of the first feature; biplot of A1.
VEGAN_SAYS = {
    ("rda", ""): (
        (21.2550855593, 0, 8.08480660991, 13.1702789494), (3.661980751420, 0.689423219202),
        (3.9316391780083, 0.0280657318376), (2.30200323802, 2.57736522570, 1.47591727497, 2.22189759777, 1.47591727496),
        (0.380370457100, 0.215135912327), (0.0975779952577, 0.199288367860, 0.124708076175, 0.623301827264),
    ),
    ("rda", "Use"): (
        (21.2550855593, 2.42638730579, 7.19871637107, 11.6299818825), (4.004584484543, 0.522700015802),
        (3.4119818670593, 0.0298510989689),
        (2.01168225732, 2.32026627332, 1.08593020934, 1.83164376663, 1.08593020934),
        (0.338682069803, 0.190362602165), (0.0283364760887, 0.1234960112102, 0.176313727463, 0.661049100901),
    ),
    ("cca", ""): (
        (2.11526375388, 0, 0.77977785304, 1.33548590084), (0.3187489989553, 0.0916788785504),
        (0.36202355648297, 0.00471061347882),
        (2.189590281, 2.26074307944, 1.97613188570, 2.07796141863, 1.97613188570),
        (0.368643320063, None), (0.583122231006, 1.382728430866, 0.380630109606, 0.376161051654),
    ),
    ("cca", "Use"): (
        (2.11526375388, 0.250739362333, 0.68702049076, 1.17750390079), (0.3198129113552, 0.0843287410264),
        (0.32085974219887, 0.00481205934929),
        (1.89622861842, 2.00968666041, 1.55585449245, 1.71252356338, 1.55585449245),
        (0.324791879736, None), (0.1959759167702, 1.121497029372, 1.05532108357, 0.671592681104),
    ),
    ("dbrda", ""): (
        (4.29902187045, 0, 1.90948099488, 2.38954087556), (0.965073368937, 0.101797860959),
        (0.9401115669149, -0.0728166590102),
        (2.99662324426, 3.07295800380, 2.76761896562, 2.48275565066, 2.76761896562),
        (0.444166383058, 0.295944085207), (0.1634716293135, 0.434296464398, None, 0.736690575552),
    ),
    ("dbrda", "Use"): (
        (4.29902187045, 0.55315071248, 1.61767062332, 2.12820053464), (1.0173059261152, 0.0474165184117),
        (0.7933118214140, -0.0715890718025),
        (2.47036378397, 2.62904931663, 1.99430718600, 1.78502482949, 1.99430718600),
        (0.376288065535, 0.250316229974), (0.1038886339646, 0.3412621854394, None, 0.8003617053685),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("method", "conditions"), VEGAN_SAYS)
def test_ordination_is_that_of_vegan(dune, method, conditions):
    parts, own, left, f, (r2, adjusted), scores = VEGAN_SAYS[method, conditions]
    found = ordinate(dune, method, conditions)
    made = (found.inertia, found.conditioned, found.constrained, found.unconstrained)
    np.testing.assert_allclose(made, parts, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.eigenvalues[[0, -1]], own, rtol=1e-9)
    np.testing.assert_allclose(found.residual_eigenvalues[[0, -1]], left, rtol=1e-9)
    assert found.r2 == pytest.approx(r2, rel=1e-9)
    assert found.adjusted_r2 == (pytest.approx(adjusted, rel=1e-9) if adjusted else None)
    first = [found.fitted[0, 0], found.samples[0, 0], found.features[0, 0] if len(found.features) else None]
    first.append(found.biplot[found.columns.index("A1"), 0])
    for number, expected in zip(first, scores, strict=True):
        assert expected is None or abs(number) == pytest.approx(expected, rel=1e-8)
    tests = [explained(found, dune[1], by=by, permutations=99) for by in ("whole", "terms", "margin")]
    np.testing.assert_allclose([f for table in tests for f in table["f"].drop_nulls()], f, rtol=1e-9)


@pytest.mark.parametrize(
    ("method", "conditions", "f", "p"),
    [
        # anova.cca of vegan 2.6-4 with 99999 permutations
        ("rda", "Use", 2.20756503545, 0.02913),
        ("cca", "Use", 2.15891649469, 0.01934),
        ("cca", "", 2.14000335871, 0.02406),
        ("dbrda", "Use", 3.945616805, 0.0042),
    ],
)
def test_permutation_p_values_are_those_of_vegan(dune, method, conditions, f, p):
    table = explained(ordinate(dune, method, conditions, "A1"), dune[1], permutations=9999)
    assert table["f"][0] == pytest.approx(f, rel=1e-9)
    assert table["p"][0] == pytest.approx(p, abs=5 * np.sqrt(p / 9999))


def test_the_chance_share_of_a_cca_is_taken_off(dune):
    """RsquareAdj of vegan 2.6-4 by 1000 permutations: 0.2015."""
    adjusted = explained(ordinate(dune, "cca"), dune[1], permutations=1999)["adjusted_r2"][0]
    assert adjusted == pytest.approx(0.2015, abs=0.015)


def test_distance_based_redundancy_is_permanova(dune):
    values, table = dune
    distances = squareform(pdist(values, "braycurtis"))
    one = explained(dbrda(distances, table, FORMULA), table, by="terms", permutations=99)
    other = permanova(distances, table, FORMULA, permutations=99)
    np.testing.assert_allclose(one["f"].drop_nulls(), other["f"].drop_nulls(), rtol=1e-10)
    np.testing.assert_allclose(one["inertia"], other["sum_of_squares"][:3], rtol=1e-10)


def test_euclidean_distances_give_redundancy_analysis(dune):
    values, table = dune
    one, other = rda(values, table, FORMULA), dbrda(squareform(pdist(values)), table, FORMULA)
    np.testing.assert_allclose(19 * one.eigenvalues, other.eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(one.fitted, other.fitted, atol=1e-8)
    assert one.r2 == pytest.approx(other.r2)


def test_parts_add_up_and_scores_are_orthonormal(dune):
    for method in ("rda", "dbrda"):
        found = ordinate(dune, method, "Use")
        assert found.inertia == pytest.approx(found.conditioned + found.constrained + found.unconstrained)
        np.testing.assert_allclose(found.fitted.T @ found.fitted, np.eye(4), atol=1e-10)
    assert "imaginary axes" in found.notes[0]


def test_people_as_conditions_leave_what_changes_within_them():
    generator = np.random.default_rng(3)
    table = pl.DataFrame(
        {"person": np.repeat(list("abcdefgh"), 2), "visit": ["1", "2"] * 8, "arm": ["a"] * 8 + ["b"] * 8}
    )
    values = np.repeat(5 * generator.normal(size=(8, 3)), 2, axis=0) + 0.2 * generator.normal(size=(16, 3))
    values[1::2, 0] += 1
    found = rda(values, table, "visit", "person")
    made = explained(found, table, people="person", order="visit")
    assert made["p"][0] < 0.02 and made["permutations"][0] == 255
    with pytest.raises(InputError, match="leave nothing"):
        rda(values, table, "arm", "person")


def test_what_cannot_be_ordinated_is_refused(dune):
    values, table = dune
    with pytest.raises(InputError, match="do not differ"):
        rda(np.ones((20, 3)), table, "A1")
    with pytest.raises(InputError, match="below 0, or a row holds nothing"):
        cca(values - 1, table, "A1")
    with pytest.raises(InputError, match="a value is missing"):
        rda(np.full((20, 3), np.nan), table, "A1")
    with pytest.raises(InputError, match="no test"):
        explained(rda(values, table, "A1"), table, by="axis")
    two = rda(np.c_[values, np.zeros(20)], table, "A1")
    assert np.isfinite(two.features).all()
    assert (cca(np.c_[values, np.zeros(20)], table, "A1").features[-1] == 0).all()


def test_a_strong_first_term_does_not_hide_the_one_after_it():
    """Residuals of what comes before change places: raw rows would carry the effect of the visit along."""
    generator = np.random.default_rng(21)
    people, visits = 12, 2
    table = pl.DataFrame(
        {
            "person": [f"p{k}" for k in range(people) for _ in range(visits)],
            "visit": ["before", "after"] * people,
            "arm": [("a", "b")[k % 2] for k in range(people) for _ in range(visits)],
        }
    )
    after = (table["visit"] == "after").to_numpy()[:, None]
    both = after & (table["arm"] == "b").to_numpy()[:, None]
    own = np.repeat(generator.normal(size=(people, 5)), visits, axis=0)
    values = own + 6.0 * after + 1.0 * both + 0.5 * generator.normal(size=(24, 5))
    found = rda(values, table, "arm * visit")
    options = {"by": "terms", "people": "person", "order": "visit", "permutations": 499}
    made = explained(found, table, generator=np.random.default_rng(1), **options)
    assert made.filter(pl.col("term") == "arm:visit")["p"][0] <= 0.01


def test_a_term_that_cannot_be_tested_leaves_the_others():
    generator = np.random.default_rng(2)
    table = pl.DataFrame(
        {"person": [f"p{k}" for k in range(6) for _ in "ab"], "visit": ["x", "y"] * 6,
         "arm": [("a", "b")[k % 2] for k in range(6) for _ in "ab"]}
    )  # fmt: skip
    found = rda(generator.normal(size=(12, 3)), table, "arm + visit")
    made = explained(found, table, by="terms", people="person", blocks="person", permutations=99)
    assert made["p"].is_null().to_list() == [True, False, True] and "no two rows" in made["note"][0]
