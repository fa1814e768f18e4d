"""Mantel tests beside vegan's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import pdist, squareform

from gutbrain.analyse.communities.mantel import mantel
from gutbrain.analyse.communities.permutation import exchange
from gutbrain.errors import InputError

PEERS = Path(__file__).parents[2].parent / "shared" / "data" / "peers"


def differences(values):
    values = np.asarray(values, float)
    return np.abs(values[:, None] - values)


@pytest.fixture(scope="module")
def dune():
    if not PEERS.is_dir():
        pytest.skip("the dune meadows need ../shared")
    values = pl.read_csv(PEERS / "vegan" / "dune.csv").drop("").to_numpy().astype(float)
    table = pl.read_csv(PEERS / "vegan" / "dune_env.csv", infer_schema_length=0)
    depth, moisture = (table[name].cast(pl.Float64).to_numpy() for name in ("A1", "Moisture"))
    return squareform(pdist(values, "braycurtis")), differences(depth), differences(moisture)


# mantel and mantel.partial of vegan 2.6-4; p of 9999 permutations
@pytest.mark.parametrize(
    ("method", "r", "p", "partial", "partial_p"),
    [
        ("pearson", 0.237862193685, 0.0421, 0.199778731931, 0.0808),
        ("spearman", 0.196516152319, 0.0536, 0.176156538645, 0.075),
    ],
)
def test_correlations_are_those_of_vegan(dune, method, r, p, partial, partial_p):
    community, depth, moisture = dune
    plain = mantel(community, depth, method=method)
    assert plain["r"][0] == pytest.approx(r, abs=1e-11)
    assert plain["p"][0] == pytest.approx(p, abs=0.012)
    given = mantel(community, depth, moisture, method=method)
    assert given["r"][0] == pytest.approx(partial, abs=1e-11)
    assert given["p"][0] == pytest.approx(partial_p, abs=0.015)


def test_lichens_and_soil_are_those_of_vegan():
    """Files of scikit-bio; mantel of vegan 2.6-4, 99999 permutations."""
    if not PEERS.is_dir():
        pytest.skip("the distances of vegan need ../shared")
    soil, lichens = (np.loadtxt(PEERS / "scikit-bio" / f"mantel_{name}_dm_vegan.txt") for name in ("env", "veg"))
    pearson, spearman = (mantel(soil, lichens, method=method) for method in ("pearson", "spearman"))
    assert pearson["r"][0] == pytest.approx(0.304745412698, abs=1e-11)
    assert spearman["r"][0] == pytest.approx(0.2837910417945, abs=1e-11)
    assert pearson["p"][0] < 0.0015 and spearman["p"][0] < 0.0035


def test_sides_and_restrictions():
    generator = np.random.default_rng(1)
    points = generator.normal(size=(8, 2))
    one, other = squareform(pdist(points)), squareform(pdist(points + 0.1 * generator.normal(size=(8, 2))))
    assert mantel(one, other, permutations=999)["p"][0] < 0.01
    assert mantel(one, other, alternative="less", permutations=999)["p"][0] > 0.99
    assert mantel(one, other, alternative="two-sided", permutations=999)["p"][0] < 0.01
    blocks = mantel(one, other, design=exchange(8, blocks=[1, 1, 2, 2, 3, 3, 4, 4]))
    assert blocks["permutations"][0] == 15 and blocks["p"][0] >= 1 / 16
    assert mantel(other, one, permutations=99)["r"][0] == pytest.approx(mantel(one, other, permutations=99)["r"][0])


def test_what_cannot_be_correlated_is_refused():
    values = squareform(pdist(np.random.default_rng(1).normal(size=(6, 2))))
    with pytest.raises(InputError, match="all distances of a matrix are equal"):
        mantel(values, 1 - np.eye(6))
    with pytest.raises(InputError, match="shape"):
        mantel(values, values[:5, :5])
    with pytest.raises(InputError, match="tells one of the two entirely"):
        mantel(values, values**2, values)
    with pytest.raises(InputError, match="no Mantel test"):
        mantel(values, values, method="kendall")
    with pytest.raises(InputError, match="too few"):
        mantel(values[:3, :3], values[:3, :3])
