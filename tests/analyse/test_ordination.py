"""Principal coordinates against ape 5.7 (R 4.2.2), robust components against planted ones and their own laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import pdist

from gutbrain.analyse.communities.distances import Distances, distances
from gutbrain.analyse.communities.ordination import MANY, cailliez_constant, pcoa
from gutbrain.analyse.communities.robust_pca import complete, robust_pca
from gutbrain.analyse.community import Community
from gutbrain.errors import InputError

GRADIENT = np.linspace(-2, 2, 40)
PEERS = Path(__file__).parents[2].parent / "shared" / "data" / "peers" / "vegan"


def community(values: object) -> Community:
    array = np.array(values, float)
    names = [f"t{number}" for number in range(array.shape[1])]
    samples = pl.DataFrame({"sample": [f"s{number}" for number in range(len(array))]})
    return Community(samples, pl.DataFrame({"feature": names}), array, "count")


def apart(values: np.ndarray) -> Distances:
    return Distances(values, pl.DataFrame({"sample": [str(number) for number in range(len(values))]}), "made up")


def dune() -> Distances:
    if not PEERS.is_dir():
        pytest.skip("needs ../shared/data/peers/vegan")
    return distances(community(pl.read_csv(PEERS / "dune.csv")[:, 1:].to_numpy()), values="raw")


def low_rank(seed: int = 1, rank: int = 3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(60, rank)) @ generator.normal(size=(rank, 80))


def reads(shallow: int, seed: int = 4) -> Community:
    """Counts of 40 samples along a gradient on which two groups of taxa trade places; every other one is shallow."""
    generator = np.random.default_rng(seed)
    slope = np.repeat([1.0, -1.0], 25)
    shares = np.exp(np.outer(GRADIENT, slope) + generator.normal(0, 1.0, 50) + generator.normal(0, 0.3, (40, 50)))
    shares /= shares.sum(axis=1, keepdims=True)
    totals = [shallow, 4000] * 20
    return community([generator.multinomial(total, row) for total, row in zip(totals, shares, strict=True)])


def test_principal_coordinates_are_those_of_ape():
    # ape 5.7, pcoa(vegdist(dune)).
    eigenvalues = [
        1.71626618784268, 1.02239804988628, 0.46146409088125, 0.382249161445613, 0.279134546472474, 0.236630924770235,
        0.169120371096642, 0.0962451746488315, 0.0744917559786393, 0.0617119986412044, 0.0549404592151658,
        0.019174290210173, 0.0161189735308966, 0.00400091196872258, -0.0264251264040682, -0.0428569932618809,
        -0.0547341746403268, -0.0741230607696066, -0.0967856710673387,
    ]  # fmt: skip
    found = pcoa(dune())
    np.testing.assert_allclose(found.eigenvalues, eigenvalues, atol=1e-13)
    np.testing.assert_allclose(
        np.abs(found.scores[:4, 0]), [0.354731824459132, 0.294623175164452, 0.0727668099880485, 0.0692542255751569]
    )
    assert found.scores.shape == (20, 14) and np.isclose(found.shares[:14].sum(), 1)
    assert "5 of 19 eigenvalues are below 0, 6.0% of the sum of their sizes" in found.notes[0]


@pytest.mark.parametrize(
    ("correction", "constant", "eigenvalues"),
    [
        ("lingoes", 0.0967856710673387, [1.813051858910019, 1.119183720953619, 0.558249761948589, 0.479034832512952]),
        ("cailliez", 0.286337992456038, [2.600249657682612, 1.604962671929939, 0.815491185162931, 0.686862809024404]),
    ],
)
def test_corrections_are_those_of_ape(correction, constant, eigenvalues):
    found = pcoa(dune(), correction)
    np.testing.assert_allclose(found.eigenvalues[:4], eigenvalues, rtol=1e-10)
    assert f"{constant:.6g}" in found.notes[1] and (found.eigenvalues >= 0).all()
    changed = dune().condensed
    changed = np.sqrt(changed**2 + 2 * constant) if correction == "lingoes" else changed + constant
    np.testing.assert_allclose(pdist(found.scores), changed, atol=1e-7)


def test_cailliez_by_iteration_is_the_same():
    generator = np.random.default_rng(0)
    values = generator.uniform(0.3, 1, size=(MANY + 20, MANY + 20))
    values = (values + values.T) / 2
    np.fill_diagonal(values, 0)
    constant = cailliez_constant(values)
    below, above = (np.linalg.eigvalsh(_gower(values, constant + step))[0] for step in (-1e-3, 1e-6))
    assert below < -1e-5 and above > -1e-5


def _gower(values: np.ndarray, constant: float) -> np.ndarray:
    changed = (values + constant) ** 2
    np.fill_diagonal(changed, 0)
    centre = np.eye(len(values)) - 1 / len(values)
    return centre @ changed @ centre / -2


def test_euclidean_distances_come_back():
    points = np.random.default_rng(5).normal(size=(12, 3)) * [5, 2, 1]
    made = apart(np.linalg.norm(points[:, None] - points[None], axis=2))
    found = pcoa(made)
    assert found.scores.shape == (12, 3) and not found.notes
    np.testing.assert_allclose(found.distances().values, made.values, atol=1e-10)
    turned = pcoa(made.keep(np.arange(12)[::-1]))
    np.testing.assert_allclose(turned.scores[::-1], found.scores, atol=1e-10)
    assert (found.scores[np.abs(found.scores).argmax(axis=0), [0, 1, 2]] > 0).all()
    table = found.table()
    assert table.columns == ["sample", "axis_1", "axis_2", "axis_3"] and found.loading_table().is_empty()
    assert found.axis_table().columns == ["axis", "eigenvalue", "share"]


def test_few_samples_and_none_apart():
    found = pcoa(apart(np.array([[0.0, 2], [2, 0]])))
    assert found.scores.shape == (2, 1) and found.table()["axis_2"].to_list() == [0, 0]
    with pytest.raises(InputError, match="all samples are the same"):
        pcoa(apart(np.zeros((4, 4))))
    with pytest.raises(InputError, match="no correction"):
        pcoa(apart(np.array([[0.0, 2], [2, 0]])), "lingo")


@pytest.mark.parametrize(("missing", "rank"), [(0.5, 3), (0.7, 2)])
def test_a_planted_matrix_is_recovered(missing, rank):
    planted = low_rank(rank=rank)
    hidden = np.random.default_rng(9).random(planted.shape) < missing
    observed = np.where(hidden, np.nan, planted)
    exact = complete(observed, rank, ridge=0)
    assert np.linalg.norm(exact.matrix - planted) < 1e-6 * np.linalg.norm(planted) and exact.settled
    usual = complete(observed, rank)
    # The penalty shrinks by design; the shape stays.
    assert np.linalg.norm(usual.matrix - planted) < 0.15 * np.linalg.norm(planted)
    assert np.corrcoef(usual.matrix[hidden], planted[hidden])[0, 1] > 0.99
    assert exact.loss < usual.loss < 0.05 * np.var(planted)


def test_completion_of_a_full_matrix_is_its_decomposition():
    noisy = low_rank() + np.random.default_rng(2).normal(size=(60, 80))
    left, sizes, right = np.linalg.svd(noisy, full_matrices=False)
    np.testing.assert_allclose(complete(noisy, 3, 0).matrix, (left[:, :3] * sizes[:3]) @ right[:3], atol=1e-4)
    found = complete(noisy, 3, 0.1)
    penalty = 0.1 * noisy.std() * (np.sqrt(60) + np.sqrt(80))
    # With all cells observed the penalised solution is known: singular values less the penalty.
    np.testing.assert_allclose(found.matrix, (left[:, :3] * (sizes[:3] - penalty)) @ right[:3], atol=1e-3)


def test_completion_does_not_depend_on_units_or_order():
    planted = low_rank() + np.random.default_rng(2).normal(size=(60, 80))
    observed = np.where(np.random.default_rng(9).random(planted.shape) < 0.4, np.nan, planted)
    found = complete(observed, 2).matrix
    np.testing.assert_allclose(complete(observed * 100, 2).matrix, found * 100, atol=1e-3)
    np.testing.assert_allclose(complete(observed[::-1, ::-1], 2).matrix[::-1, ::-1], found, atol=1e-3)


def test_robust_components_find_the_gradient():
    made = reads(shallow=1000)
    found = robust_pca(made, 2)
    assert abs(np.corrcoef(found.scores[:, 0], GRADIENT)[0, 1]) > 0.98 and found.shares[0] > 0.8
    sides = np.sign(found.loadings[:, 0]) * np.sign(found.loadings[0, 0])
    assert np.mean(sides == np.repeat([1, -1], 25)) > 0.95
    np.testing.assert_allclose(found.loadings.T @ found.loadings, np.eye(2), atol=1e-10)
    np.testing.assert_allclose(found.scores.sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(found.shares.sum(), 1)
    np.testing.assert_allclose(distances(made, "robust-aitchison", rank=2).condensed, pdist(found.scores), atol=1e-12)
    assert found.loading_table().columns == ["feature", "axis_1", "axis_2", "axis_3"]
    assert "of cells were observed" in found.notes[0]


def test_shallow_reading_shows_on_an_axis_as_in_gemelli():
    # gemelli 0.0.13 (OptSpace, rank 2, 5 iterations) on the same counts: 0.77 of the gradient on its first axis and
    # 0.96 of the depth on its second; that is what the method does, and what the step warns of.
    found = robust_pca(reads(shallow=60), 2)
    depth = np.tile([0.0, 1], 20)
    np.testing.assert_allclose(abs(np.corrcoef(found.scores[:, 0], GRADIENT)[0, 1]), 0.77, atol=0.02)
    np.testing.assert_allclose(abs(np.corrcoef(found.scores[:, 1], depth)[0, 1]), 0.96, atol=0.02)


def test_without_zeros_robust_components_are_those_of_log_ratios():
    values = np.random.default_rng(3).lognormal(size=(15, 9))
    found = robust_pca(community(values), 8, ridge=0)
    np.testing.assert_allclose(found.distances().values, distances(community(values), "aitchison").values, atol=1e-4)


def test_hostile_tables_of_robust_components():
    made = community([[1, 2, 0, 0], [3, 1, 5, 0], [4, 0, 1, 0], [2, 2, 9, 0]])
    found = robust_pca(made, 2)
    assert any("1 features that no sample holds" in note for note in found.notes) and np.isfinite(found.scores).all()
    for values, rank, what in (
        ([[1, 2, 0], [3, 1, 5], [0, 0, 0]], 1, "s2.*holds nothing"),
        ([[1, 2, 0], [3, 1, 5]], 1, "need 3 samples"),
        ([[1, 2, 4], [3, 1, 5], [3, 2, 1]], 3, "rank 3 is not possible"),
        ([[1, 2, 4], [3, 1, 5], [3, 2, 1]], 0, "rank 0 is not possible"),
        ([[1, 1, 1], [2, 2, 2], [5, 5, 5]], 1, "stand alike"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], 1, "stand alike"),
        ([[1, 4, 9], [2, 8, 18], [3, 12, 27]], 1, "same log-ratios"),
    ):
        with pytest.raises(InputError, match=what):
            robust_pca(community(values), rank)
    with pytest.raises(InputError, match="everything observed is the same"):
        complete(np.full((4, 4), np.nan), 1)
