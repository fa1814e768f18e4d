"""Dispersion beside vegan's betadisper, and the exactness of the spatial median."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import pdist, squareform

from gutbrain.analyse.communities.dispersion import compare_dispersion, dispersion, spatial_median
from gutbrain.errors import InputError

VEGAN = Path(__file__).parents[2].parent / "shared" / "data" / "peers" / "vegan"


@pytest.fixture(scope="module")
def dune():
    if not VEGAN.is_dir():
        pytest.skip("the dune meadows need ../shared")
    values = pl.read_csv(VEGAN / "dune.csv").drop("").to_numpy().astype(float)
    group = pl.read_csv(VEGAN / "dune_env.csv", infer_schema_length=0)["Management"]
    return squareform(pdist(values, "braycurtis")), group


# betadisper of vegan 2.6-4, Bray-Curtis, groups BF, HF, NM, SF
CENTROID = (
    0.570881128331, 0.255285045067, 0.165246785863, 0.256849792937, 0.271401859845, 0.287419717631, 0.190696119560,
    0.373437174115, 0.322055003849, 0.157238387151, 0.305423540262, 0.378538412834, 0.344300843811, 0.466785817639,
    0.379887407876, 0.503785526035, 0.586364165695, 0.467827874584, 0.453302536011, 0.382430477583,
)  # fmt: skip
MEDIAN = (
    0.5644371382723, 0.2525167189826, 0.1110906, 0.2266269943571, 0.2087226944333, 0.2456723447346, 0.1150411,
    0.4375138413370, 0.3887899349932, 0.03881, 0.3674196083465, 0.3810054237799, 0.3495775949026, 0.4241926355780,
    0.3013518128179, 0.5510415382259, 0.6563398585513, 0.5074504222736, 0.5126987035216, 0.3037947885258,
)  # fmt: skip


def test_distances_to_centroids_are_those_of_betadisper(dune):
    made = dispersion(*dune, centre="centroid")
    np.testing.assert_allclose(made.distances, CENTROID, atol=1e-11)
    np.testing.assert_allclose(made.means, (0.239315657493, 0.289001975, 0.456099713232, 0.369933748302), atol=1e-11)
    np.testing.assert_allclose(made.eigenvalues[[0, 1, -1]], (1.71626618784268, 1.02239804988628, -0.09678567106734))
    overall, pairs = compare_dispersion(made, permutations=19999)
    assert overall["f"][0] == pytest.approx(3.86869871181, rel=1e-9)
    assert overall["p_f"][0] == pytest.approx(0.0295487766508, rel=1e-9)
    assert overall["p"][0] == pytest.approx(0.02751, abs=0.005)  # permutest, 99999 permutations
    np.testing.assert_allclose(
        pairs["t"], (0.969304815841, 4.064517547376, 1.381923396891, 3.832432611003, 1.103991172627, -1.251651693840)
    )
    assert pairs["p_t"][1] == pytest.approx(0.00478221979182, rel=1e-9)


def test_distances_to_spatial_medians_are_those_of_betadisper_as_far_as_its_search_goes(dune):
    made = dispersion(*dune)
    np.testing.assert_allclose(made.distances, MEDIAN, atol=1e-6)
    overall, _ = compare_dispersion(made, permutations=19999)
    assert overall["f"][0] == pytest.approx(1.95064006471, rel=2e-6)
    assert overall["p"][0] == pytest.approx(0.16428, abs=0.012)
    for place, level in enumerate(made.levels):
        points = made.coordinates[np.array(made.groups) == level]
        for axes in (made.eigenvalues > 0, made.eigenvalues < 0):
            away = points[:, axes] - made.centres[place, axes]
            pull = (away / np.sqrt((away**2).sum(axis=1, keepdims=True))).sum(axis=0)
            assert np.abs(pull).max() < 1e-9  # vegan's own search stops at about 1e-5


def test_small_groups_are_corrected_by_their_size(dune):
    made = dispersion(*dune, centre="centroid", unbiased=True)
    np.testing.assert_allclose(made.means, (0.293100624158, 0.323114030866, 0.499632202817, 0.405242117455), atol=1e-11)
    assert compare_dispersion(made, permutations=99)[0]["f"][0] == pytest.approx(3.124846639, rel=1e-9)
    median = dispersion(*dune, unbiased=True)
    np.testing.assert_allclose(median.means, (0.268932199, 0.312096935, 0.494014385, 0.398701744), atol=5e-7)


def test_squares_below_zero_become_zero_and_are_counted():
    """As betadisper of vegan 2.6-4 does, whose distances stand here."""
    values = np.array([
        [0, 0.4254531824665, 0.103292974355, 0.6603432441417, 0.134573374853, 0.1541085646586],
        [0, 0, 0.207738100990, 0.1646344642868, 0.460496627263, 0.0844653407838],
        [0, 0, 0, 0.4766292192250, 0.129522507449, 0.2460415011861],
        [0, 0, 0, 0, 0.686471725694, 0.0423011664609],
        [0, 0, 0, 0, 0, 0.3306027145508],
        [0, 0, 0, 0, 0, 0],
    ])  # fmt: skip
    made = dispersion(values + values.T, ["1", "1", "1", "2", "2", "2"], centre="centroid")
    expected = (0.194423529509, 0.220519996472, 0, 0.304916652155, 0.358901685920, 0)
    np.testing.assert_allclose(made.distances, expected, atol=1e-9)
    assert "2 squared distances to the centre are below 0" in made.notes[0]


def test_the_spatial_median_is_the_least_sum_of_distances():
    generator = np.random.default_rng(2)
    for rows, axes in ((3, 2), (7, 3), (6, 9), (40, 2)):
        points = generator.normal(size=(rows, axes))

        def total(at, points=points):
            return np.sqrt(((points - at) ** 2).sum(axis=1)).sum()

        searched = minimize(total, points.mean(axis=0), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        assert total(spatial_median(points)) <= searched.fun + 1e-12
    # a middle that is itself one of the points; two points; all the same
    cross = np.array([[0.0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    np.testing.assert_allclose(spatial_median(cross), 0, atol=1e-12)
    np.testing.assert_allclose(spatial_median(np.array([[5.0, 5], *cross[:3].tolist(), [0, 0.1]])), 0, atol=0.1)
    np.testing.assert_allclose(spatial_median(cross[1:3]), 0, atol=1e-15)
    assert spatial_median(np.ones((4, 2))).tolist() == [1, 1]
    heavy = np.array([[0.0, 0]] * 3 + [[1, 0], [0, 2]])
    np.testing.assert_allclose(spatial_median(heavy), 0, atol=1e-12)


def test_groups_keep_the_order_of_their_factor():
    values = squareform(pdist(np.random.default_rng(1).normal(size=(8, 3))))
    group = pl.Series(["placebo"] * 4 + ["active"] * 4, dtype=pl.Enum(["placebo", "active", "none"]))
    made = dispersion(values, group)
    assert made.levels == ("placebo", "active")
    pairs = compare_dispersion(made, permutations=99)[1]
    assert (pairs["group"][0], pairs["other"][0]) == ("active", "placebo")
    assert pairs["difference"][0] == pytest.approx(made.means[1] - made.means[0])


def test_what_has_no_spread_is_said():
    values = squareform(pdist(np.random.default_rng(1).normal(size=(5, 3))))
    with pytest.raises(InputError, match="one group only"):
        dispersion(values, ["a"] * 5)
    with pytest.raises(InputError, match="a group is empty"):
        dispersion(values, ["a", "a", "b", "b", None])
    with pytest.raises(InputError, match="no centre"):
        dispersion(values, ["a", "a", "b", "b", "b"], centre="middle")
    with pytest.raises(InputError, match="fewer than two groups have several samples"):
        compare_dispersion(dispersion(values, list("abcde")))
    with pytest.raises(InputError, match="equally far"):
        compare_dispersion(dispersion(values[:4, :4], list("aabb")))


def test_a_group_of_one_sample_has_no_spread_and_takes_no_part():
    values = squareform(pdist(np.random.default_rng(4).normal(size=(13, 4))))
    labels = ["a"] * 6 + ["b"] * 6
    made = dispersion(values, [*labels, "c"])
    assert any(note.startswith("c: one sample") for note in made.notes) and made.means[2] == 0
    whole, pairs = compare_dispersion(made, permutations=199)
    assert (whole["df"][0], whole["df_residual"][0]) == (1, 10)
    assert pairs.select("group", "other").rows() == [("b", "a")]
    # Its distance of 0 would make any spread of the others look like a difference.
    alone = compare_dispersion(dispersion(values[:12, :12], labels), permutations=199)[0]
    assert whole["p_f"][0] == pytest.approx(alone["p_f"][0], abs=0.1)


def test_intervals_have_the_level_that_is_asked():
    values = squareform(pdist(np.random.default_rng(5).normal(size=(16, 4))))
    made = dispersion(values, ["a"] * 8 + ["b"] * 8)
    wide, narrow = (compare_dispersion(made, permutations=99, confidence=c)[1] for c in (0.95, 0.8))
    half = [float((t["high"] - t["low"])[0]) for t in (wide, narrow)]
    assert half[0] / half[1] == pytest.approx(2.144787 / 1.345030, rel=1e-5)  # t of 14 degrees of freedom
