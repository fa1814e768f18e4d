"""Distances between samples, against vegan 2.6-4 (R 4.2.2), QIIME 1.9.1 and Volatility."""

from __future__ import annotations

import zipfile
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import pdist

from gutbrain.analyse.communities.distances import (
    METRICS,
    centred_log_ratio,
    distances,
    robust_log_ratio,
    without_zeros,
)
from gutbrain.analyse.communities.tree import branch_shares, faith, read_tree, tree_of
from gutbrain.analyse.community import Community
from gutbrain.errors import InputError

PEERS = Path(__file__).parents[2].parent / "shared" / "data" / "peers"

# The "tiny test" of QIIME 1.9.1 as scikit-bio ships it (BSD-3): tree, counts and all pairs of eight samples.
TINY = (
    "(((879972:0.05039,None3:0.00778)0.980:0.15948,((None11:0.07161,None4:0.06965)0.917:0.09643,(295053:0.06096,42684:"
    "0.15599)0.910:0.08898)0.899:0.09227)0.958:0.064315,(None8:0.09606,(None7:0.10435,(None5:0.02626,None9:0.00014)1.000"
    ":0.25335)0.753:0.0465):0.075445)root;"
)
TINY_NAMES = ["295053", "42684", "None11", "None7", "None5", "None4", "None3", "879972", "None9", "None8"]
TINY_COUNTS = np.array([
    [20, 18, 18, 22, 4, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0], [1, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0],
    [0, 0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 0, 2, 3], [0, 0, 0, 0, 9, 20, 1, 4],
    [0, 0, 0, 0, 3, 0, 19, 15], [1, 4, 4, 0, 0, 0, 0, 0],
]).T  # fmt: skip
TINY_FAITH = [0.64607, 0.47803, 0.47803, 0.306525, 1.4239, 0.604145, 0.6574, 0.6574]
TINY_UNIFRAC = {
    "unweighted-unifrac": [
        0.26009565527, 0.26009565527, 0.525554506478, 0.638141793205, 0.649277757971, 0.879901349993, 0.879901349993,
        0.0, 0.358774553898, 0.74869733414, 0.830826823972, 0.859632207458, 0.859632207458, 0.358774553898,
        0.74869733414, 0.830826823972, 0.859632207458, 0.859632207458, 0.784728562399, 0.792350994914, 0.928507908983,
        0.928507908983, 0.575711075216, 0.538310274598, 0.538310274598, 0.72230493437, 0.72230493437, 0.0,
    ],
    "weighted-unifrac": [
        0.0660086363636, 0.0660086363636, 0.0361822727273, 0.364183181818, 0.425055909091, 0.634565909091,
        0.590832727273, 0.0, 0.0869145454545, 0.339649090909, 0.438638181818, 0.594755454545, 0.551022272727,
        0.0869145454545, 0.339649090909, 0.438638181818, 0.594755454545, 0.551022272727, 0.391632727273, 0.4398,
        0.646739090909, 0.603005909091, 0.251758181818, 0.44967, 0.334201363636, 0.57082, 0.455351363636,
        0.116175909091,
    ],
    "normalised-unifrac": [
        0.113186179375, 0.113186179375, 0.0595362216515, 0.599928715677, 0.732991733568, 0.962973616339, 0.925172353416,
        0.0, 0.14768803941, 0.577821666109, 0.782364205648, 0.929696953333, 0.889628707676, 0.14768803941,
        0.577821666109, 0.782364205648, 0.929696953333, 0.889628707676, 0.639547977307, 0.751529763393, 0.973594769453,
        0.936441078767, 0.430712953163, 0.677634129601, 0.519557525688, 0.896900994816, 0.739098773939, 0.167120342575,
    ],
}  # fmt: skip


def community(values: object, names: list[str] | None = None, unit: str = "count") -> Community:
    array = np.array(values, float)
    names = names or [f"t{number}" for number in range(array.shape[1])]
    samples = [f"s{number}" for number in range(len(array))]
    return Community(
        pl.DataFrame({"sample": samples, "person": samples, "visit": [None] * len(samples)}),
        pl.DataFrame({"feature": names, "kind": "taxon", "name": names}),
        array,
        unit,
    )


def peers(*name: str) -> pl.DataFrame:
    path = PEERS.joinpath(*name)
    if not path.exists():
        pytest.skip("needs ../shared/data/peers")
    return pl.read_csv(path)


def dune() -> Community:
    return community(peers("vegan", "dune.csv")[:, 1:].to_numpy())


# vegan 2.6-4 on dune: vegdist(dune / rowSums(dune)), vegdist(dune), vegdist(dune, "jaccard", binary = TRUE),
# vegdist(dune, "aitchison", pseudocount = 1); base R 4.2.2 for the two other ways with zeros. First pairs, and the sum.
@pytest.mark.parametrize(
    ("options", "first", "total"),
    [
        ({"metric": "bray-curtis"}, (0.523809523809524, 0.513888888888889, 0.6), 124.044591446775),
        (
            {"metric": "bray-curtis", "values": "raw"},
            (0.466666666666667, 0.448275862068966, 0.523809523809524),
            122.672619704866,
        ),
        ({"metric": "jaccard"}, (0.5, 0.636363636363636, 0.714285714285714), 130.653598405379),
        (
            {"metric": "aitchison", "zeros": "pseudocount", "pseudocount": 1},
            (3.30552015409191, 3.27152254697714, 3.64448241957166),
            888.544433817595,
        ),
        (
            {"metric": "aitchison", "zeros": "smallest"},
            (2.799222580421, 2.530140873581, 3.926419990099),
            754.6023940158,
        ),
        (
            {"metric": "aitchison", "zeros": "multiplicative"},
            (9.190381861637, 10.3918100159, 11.4603520163),
            2638.132932629,
        ),
    ],
)
def test_distances_are_those_of_vegan(options, first, total):
    found = distances(dune(), **options)
    np.testing.assert_allclose(found.condensed[:3], first, rtol=1e-11)
    np.testing.assert_allclose(found.condensed.sum(), total, rtol=1e-12)
    assert (found.values == found.values.T).all() and (np.diag(found.values) == 0).all()


def test_robust_log_ratios_are_those_of_vegan():
    # vegdist(dune, "robust.aitchison") of vegan 2.6-4 sets zeros to 0 after centring: the sum of its distances.
    filled = np.nan_to_num(robust_log_ratio(dune().values))
    np.testing.assert_allclose(pdist(filled)[:2], (1.67011238413937, 1.98809149986516), rtol=1e-12)
    np.testing.assert_allclose(pdist(filled).sum(), 350.921030153841, rtol=1e-12)


def test_multiplicative_replacement_is_that_of_scikit_bio():
    from skbio.stats.composition import multi_replace

    values = dune().values
    np.testing.assert_allclose(without_zeros(values, "multiplicative"), multi_replace(values), rtol=1e-12)


def test_distances_within_pairs_are_those_of_volatility():
    table = peers("volatility", "vola_genus_table.csv")
    meta = peers("volatility", "vola_metadata.csv")
    expected = peers("volatility", "expected_volatility.csv")
    made = community(table.select(meta["sample_ID"].to_list()).to_numpy().T)
    found = distances(made, "aitchison")
    people = meta["ID"].cast(pl.String).to_numpy()
    for person, value in expected.with_columns(pl.col("ID").cast(pl.String)).select("ID", "volatility").rows():
        before, after = np.flatnonzero(people == person)
        np.testing.assert_allclose(found.values[before, after], value, rtol=1e-11)
    assert len(expected) == 60


@pytest.mark.parametrize("metric", TINY_UNIFRAC)
def test_unifrac_is_that_of_qiime(metric):
    found = distances(community(TINY_COUNTS, TINY_NAMES), metric, tree=tree_of(TINY))
    np.testing.assert_allclose(found.condensed, TINY_UNIFRAC[metric], atol=2e-12)


def test_faith_is_that_of_qiime():
    branches = branch_shares(community(TINY_COUNTS, TINY_NAMES), tree_of(TINY))
    np.testing.assert_allclose(faith(branches), TINY_FAITH, rtol=1e-12)


def test_generalised_unifrac_is_its_formula():
    tree, made = tree_of(TINY), community(TINY_COUNTS, TINY_NAMES)
    branches = branch_shares(made, tree)
    for alpha in (0.0, 0.5, 1.0):
        expected = []
        for one, other in combinations(branches.shares, 2):
            above = below = 0.0
            for a, b, length in zip(one, other, branches.lengths, strict=True):
                if a + b > 0:
                    above += length * (a + b) ** alpha * abs(a - b) / (a + b)
                    below += length * (a + b) ** alpha
            expected.append(above / below)
        found = distances(made, "generalised-unifrac", tree=tree, alpha=alpha)
        np.testing.assert_allclose(found.condensed, expected, atol=1e-14)
        assert f"alpha {alpha:g}" in found.metric
    np.testing.assert_allclose(found.condensed, TINY_UNIFRAC["normalised-unifrac"], atol=2e-12)
    with pytest.raises(InputError, match="alpha"):
        distances(made, "generalised-unifrac", tree=tree, alpha=1.5)


def test_unifrac_is_that_of_scikit_bio_on_a_larger_tree():
    from skbio import TreeNode
    from skbio.diversity import beta_diversity

    generator = np.random.default_rng(2)
    names = [f"n{number}" for number in range(24)]
    text = names[0]
    for name in names[1:]:
        text = f"({text}:{generator.exponential():.6f},{name}:{generator.exponential():.6f})"
    counts = generator.poisson(generator.gamma(0.3, 20, size=(9, 24)))
    counts[:, 0] += 1
    tree, root = tree_of(f"{text};"), TreeNode.read([f"{text};"])
    for ours, theirs, more in (
        ("unweighted-unifrac", "unweighted_unifrac", {}),
        ("weighted-unifrac", "weighted_unifrac", {}),
        ("normalised-unifrac", "weighted_unifrac", {"normalized": True}),
    ):
        peer = beta_diversity(theirs, counts, ids=list("abcdefghi"), taxa=names, tree=root, **more)
        np.testing.assert_allclose(distances(community(counts, names), ours, tree=tree).values, peer.data, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_order_and_size_do_not_matter(metric):
    made = community(TINY_COUNTS + np.eye(8, 10), TINY_NAMES)
    tree = tree_of(TINY)
    found = distances(made, metric, tree=tree, rank=2)
    turn = np.array([3, 1, 7, 0, 2, 6, 5, 4])
    features = np.arange(10)[::-1]
    turned = distances(made.keep(turn).only(features), metric, tree=tree, rank=2)
    np.testing.assert_allclose(turned.values, found.values[np.ix_(turn, turn)], atol=1e-4 * found.values.max())
    larger = Community(made.samples, made.features, made.values * np.arange(1, 9)[:, None] * 7, "count")
    np.testing.assert_allclose(distances(larger, metric, tree=tree, rank=2).values, found.values, atol=1e-8)
    assert found.keep(turn).samples["sample"].to_list() == [f"s{place}" for place in turn]
    long = found.table()
    assert long.columns == ["sample", "other", "distance"] and long.row(0)[:2] == ("s0", "s1") and len(long) == 28


def test_features_that_are_no_tips_are_said():
    names = [*TINY_NAMES[:-1], "stranger"]
    found = distances(community(TINY_COUNTS[:, :10] + 1, names), "weighted-unifrac", tree=tree_of(TINY))
    assert "1 of 10 features are no tips of the tree (stranger ...)" in found.notes[0]
    with pytest.raises(InputError, match="no feature is a tip"):
        distances(community([[1, 2], [3, 4]]), "weighted-unifrac", tree=tree_of(TINY))
    with pytest.raises(InputError, match="s1.*nothing that the tree knows"):
        distances(community([[1, 2], [0, 4]], ["None9", "x"]), "weighted-unifrac", tree=tree_of(TINY))


def test_trees_are_read_or_refused(tmp_path):
    path = tmp_path / "tree.nwk"
    path.write_text("((a_1:1,'b c':2):0.5,d:3);")
    assert read_tree(path).tips == ("a_1", "b c", "d") and read_tree(path).lengths.tolist() == [1, 2, 0.5, 3]
    with zipfile.ZipFile(tmp_path / "tree.qza", "w") as archive:
        archive.writestr("0b1c/data/tree.nwk", "((a:1,b:2):0.5,c:3);")
    assert read_tree(tmp_path / "tree.qza").tips == ("a", "b", "c")
    unrooted = tree_of("(a:1,b:2,(c:3,d:4):1);")
    assert "may have none" in unrooted.notes[0]
    rooted = tree_of("(a:1,b:2,(c:3,d:4):1);", midpoint=True)
    assert not rooted.notes and np.isclose(rooted.lengths.sum(), 11)
    made = community([[1, 0, 0, 0], [0, 0, 0, 1]], ["a", "b", "c", "d"])
    np.testing.assert_allclose(distances(made, "weighted-unifrac", tree=rooted).values[0, 1], 6)
    for text, what in (
        ("((a:1,b:2):0.5,c);", "length None"),
        ("((a:1,b:-2):0.5,c:1);", "length -2"),
        ("((a:1,a:2):0.5,c:1);", "two tips are called 'a'"),
        ("((a:1,:2):0.5,c:1);", "no name"),
        ("((a:1,b:2", "no Newick"),
        ("", "no Newick"),
        ("a;", "tips"),
    ):
        with pytest.raises(InputError, match=what):
            tree_of(text)
    with pytest.raises(InputError, match="cannot be read"):
        read_tree(tmp_path / "absent.nwk")
    (tmp_path / "torn.qza").write_text("no archive")
    with pytest.raises(InputError, match="cannot be read"):
        read_tree(tmp_path / "torn.qza")


def test_wrong_input_is_refused():
    made = community([[1, 2, 0], [3, 0, 4]])
    for options, what in (
        ({"metric": "euclid"}, "'euclid' is no distance"),
        ({"metric": "aitchison", "zeros": "none"}, "'none' is no way to replace zeros"),
        ({"metric": "aitchison", "zeros": "pseudocount", "pseudocount": 0}, "replaces no zero"),
        ({"values": "ranks"}, "'ranks' is no kind of values"),
        ({"metric": "weighted-unifrac"}, "needs a tree"),
    ):
        with pytest.raises(InputError, match=what):
            distances(made, **options)
    with pytest.raises(InputError, match="s1.*holds nothing"):
        distances(community([[1, 2], [0, 0]]))
    with pytest.raises(InputError, match="need 2 samples, there are 1"):
        distances(community([[1, 2]]))


def test_ratios_stay_where_zeros_are_replaced():
    values = np.array([[10.0, 5, 0, 1], [0, 0, 3, 6]])
    for how in ("smallest", "multiplicative"):
        made = without_zeros(values, how)
        assert (made > 0).all() and np.isclose(made[0, 0] / made[0, 1], 2) and np.isclose(made[1, 3] / made[1, 2], 2)
    np.testing.assert_allclose(centred_log_ratio(without_zeros(values)).sum(axis=1), 0, atol=1e-12)
    assert without_zeros(values)[0, 2] == 0.65
