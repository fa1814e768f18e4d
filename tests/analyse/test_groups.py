"""Groups of microbes, enterotype-like axes and clusters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.analyse.community import Community
from gutbrain.analyse.function.enterotypes import clusters, enterotype_axes, partition, silhouettes
from gutbrain.analyse.function.groups import group_shares, placed
from gutbrain.analyse.models.effects import effects, least_squares, log_ratios
from gutbrain.errors import InputError
from gutbrain.people.taxa import GROUPS
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study

ROOT = Path(__file__).parents[2]


def shared(name: str) -> Community:
    folder = ROOT.parent / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/data/{name}")
    made = Community.of(read_study([folder], read_mapping(ROOT / "examples" / "maps" / f"{name}.toml")))
    return made.keep(made.values.sum(axis=1) > 0)


def community(values, names, unit="count", **ranks) -> Community:
    empty = dict.fromkeys(("domain", "phylum", "class", "order", "family", "genus", "species"), None)
    features = pl.DataFrame({"feature": names, "kind": "taxon", "name": names, "rank": "genus"})
    features = features.with_columns(
        pl.Series(rank, ranks.get(rank, [None] * len(names)), dtype=pl.String) for rank in empty
    )
    number = len(values)
    samples = pl.DataFrame({"sample": [f"s{i}" for i in range(number)], "person": [f"p{i}" for i in range(number)],
                            "visit": [None] * number})  # fmt: skip
    return Community(samples, features, np.array(values, float), unit)


def cells(table: pl.DataFrame, quantity: str) -> list[float]:
    return table.filter(pl.col("quantity") == quantity)["value"].to_list()


def test_quantiles_of_the_shipped_reference_come_out_again():
    table = group_shares(shared("dietswap"), "dietswap")
    # reference_quantiles.csv, dietswap: 5, 50 and 95 %
    for name, low, high in (
        ("bacteroidetes", 11.707, 83.542),
        ("akkermansia", 0.061, 4.364),
        ("pathobionts", 0.298, 6.081),
    ):
        rows = table.filter(pl.col("quantity") == name)
        # The shipped quantiles are values of samples: the lower of two neighbours.
        assert np.quantile(rows["value"], [0.05, 0.95], method="lower") == pytest.approx([low, high], abs=6e-4)
        assert (rows["reference_low"][0], rows["reference_high"][0]) == (low, high)
    assert max(cells(table, "unplaced")) == 0


def test_shares_by_hand():
    names = ["g__Bacteroides", "g__Faecalibacterium", "g__Anaerostipes", "g__Veillonella", "g__Akkermansia", "Nobody"]
    table = group_shares(community([[40, 20, 10, 10, 10, 10], [0, 0, 0, 0, 50, 50]], names))
    assert cells(table, "butyrate_producers") == [20, 0]
    assert cells(table, "butyrate_makers") == pytest.approx([30, 0])  # Anaerostipes makes butyrate of lactate
    assert cells(table, "propionate_makers") == pytest.approx([60, 50])  # Bacteroides, Veillonella, Akkermansia
    assert cells(table, "unplaced") == [10, 50]
    assert cells(table, "akkermansia") == [10, 50]
    ratios = np.array([cells(table, f"{name}_log_ratio") for name in GROUPS])
    np.testing.assert_allclose(ratios.sum(axis=0), 0, atol=1e-12)
    assert ratios[0, 0] - ratios[2, 0] == pytest.approx(1)  # 40 to 20 is one doubling
    notes = table.filter(pl.col("quantity") == "bacteroidetes_log_ratio")["note"].to_list()
    assert notes[0] is None and "not seen" in notes[1]
    assert "firmicutes_to_bacteroidetes" not in table["quantity"]


def test_sequence_variants_are_placed_by_their_ranks():
    made = community(
        [[3, 1]], ["ASV1", "ASV2"], phylum=["Bacteroidota", "Bacillota_A"], genus=["Bacteroides", "Blautia"]
    )
    table = group_shares(made)
    assert cells(table, "bacteroidetes") == [75] and cells(table, "hydrogen_users") == [25]
    ratio = table.filter(pl.col("quantity") == "firmicutes_to_bacteroidetes").row(0, named=True)
    assert ratio["value"] == pytest.approx(np.log2(1 / 3)) and "weak" in ratio["note"]


def test_a_platform_is_not_compared_with_another():
    made = community([[3, 1]], ["g__Bacteroides", "g__Blautia"])
    with pytest.raises(InputError, match="measured by hitchip, the study by sequencing"):
        group_shares(made, "atlas1006")
    with pytest.raises(InputError, match="no reference 'mine'"):
        group_shares(made, "mine")
    chip = placed(shared("peerj32"))
    assert chip.platform == "hitchip taxa" and any("hybridisation" in note for note in chip.notes)
    assert any("background" in note for note in chip.notes)


def test_taxa_of_no_group():
    with pytest.raises(InputError, match="no taxon belongs to a group: Nobody"):
        placed(community([[1]], ["Nobody"]))
    with pytest.raises(InputError, match="holds nothing"):
        placed(community([[0]], ["g__Bacteroides"]))
    table = group_shares(community([[1, 0], [0, 1]], ["g__Bacteroides", "Nobody"]))
    assert cells(table, "bacteroidetes_log_ratio")[1] is None
    assert table.filter(pl.col("quantity") == "bacteroidetes_log_ratio")["note"][1] == "no group was seen"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(sum), min_size=1, max_size=4),
    st.integers(2, 50),
)
def test_depth_changes_no_share(rows, times):
    names = ["g__Bacteroides", "g__Blautia", "g__Akkermansia", "Nobody"]
    once, deeper = group_shares(community(rows, names)), group_shares(community(np.array(rows) * times, names))
    for one, other in zip(once["value"].to_list(), deeper["value"].to_list(), strict=True):
        assert (one is None and other is None) or one == pytest.approx(other)


def test_axes_by_hand():
    names = ["g__Bacteroides", "g__Prevotella", "f__Ruminococcaceae", "Bacteroidia bacterium"]
    made = community([[8, 2, 4, 1], [8, 0, 4, 1], [0, 0, 4, 1]], names, family=[None, None, "Ruminococcaceae", None])
    table = enterotype_axes(made)
    first = table.filter(pl.col("axis") == "bacteroides to prevotella")
    assert first["value"].to_list()[:2] == pytest.approx([2, np.log2(8 / 0.65)])
    assert first["value"][2] is None and "neither" in first["note"][2] and "prevotella was not seen" in first["note"][1]
    assert table.filter(pl.col("axis") == "bacteroides to ruminococcaceae")["value"][0] == 1
    chip = enterotype_axes(shared("dietswap"))
    assert chip["value"].null_count() == 0, "the HITChip's names are known"


def test_clusters_that_are_there_are_found_and_called_strong():
    draw = np.random.default_rng(1)
    values = np.concatenate([draw.dirichlet(weights, 12) for weights in ([90, 5, 5], [5, 90, 5], [5, 5, 90])])
    made = clusters(community(values, ["a", "b", "c"], "share"))
    assert made.choices.sort("silhouette")["clusters"][-1] == 3 and "strong" in made.verdict
    assert made.table["cluster"].n_unique() == 3 and made.table.group_by("cluster").len()["len"].to_list() == [12] * 3
    cloud = clusters(community(draw.dirichlet([5] * 12, 60), [str(i) for i in range(12)], "share"))
    assert "no clusters" in cloud.verdict
    with pytest.raises(InputError, match="4 samples"):
        clusters(community(values[:4], ["a", "b", "c"]))
    with pytest.raises(InputError, match="all samples are alike"):
        clusters(community([[1, 2, 3]] * 8, ["a", "b", "c"]))


def test_partition_and_silhouette_by_brute_force():
    from itertools import combinations

    points = np.random.default_rng(3).normal(size=(14, 2))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    chosen = partition(distance, 3)

    def cost(medoids):
        return distance[:, medoids].min(axis=1).sum()

    swapped = [[*kept, other] for kept in combinations(chosen, 2) for other in range(14)]
    assert cost(chosen) <= min(cost(medoids) for medoids in swapped) + 1e-12
    label = distance[:, chosen].argmin(axis=1)
    expected = []
    for i in range(14):
        own = [j for j in range(14) if label[j] == label[i] and j != i]
        a = np.mean(distance[i, own]) if own else 0
        b = min(np.mean(distance[i, label == k]) for k in set(label) - {label[i]})
        expected.append((b - a) / max(a, b) if own else 0)
    np.testing.assert_allclose(silhouettes(distance, label), expected)


def test_many_effects_are_those_of_one():
    draw = np.random.default_rng(2)
    table = pl.DataFrame({"person": [f"p{i}" for i in range(20)], "arm": ["a", "b"] * 10, "one": draw.normal(size=20),
                          "two": draw.normal(size=20), "flat": [1.0] * 20})  # fmt: skip
    from scipy.stats import ttest_ind

    found = effects(table, ["one", "two", "flat"], "arm", ["arm"])
    for number, name in enumerate(("one", "two")):
        test = ttest_ind(table.filter(arm="b")[name], table.filter(arm="a")[name])
        interval = test.confidence_interval()
        row = found.row(number, named=True)
        assert (row["p"], row["low"], row["high"]) == pytest.approx((test.pvalue, interval.low, interval.high))
    assert found["p"][2] is None and "exactly" in found["note"][2]
    with pytest.raises(InputError, match="nothing is left of 'visit'"):
        effects(table, ["one"], "arm", ["visit"])


def test_log_ratios_against_scikit_bio():
    skbio = pytest.importorskip("skbio.stats.composition")
    values = np.random.default_rng(0).dirichlet([2] * 6, 5)
    np.testing.assert_allclose(log_ratios(values) * np.log(2), skbio.clr(values))
    fit = least_squares(np.ones((5, 1)), values)
    np.testing.assert_allclose(fit.estimate[0], values.mean(axis=0))


def test_clusters_of_dietswap_are_those_of_pam():
    made = clusters(shared("dietswap"))
    # cluster 2.1.4, pam and silinfo on the same distances, 2 to 5 medoids
    assert made.choices["silhouette"].to_list() == pytest.approx([0.320206, 0.2939585, 0.1729882, 0.1492114], abs=1e-6)
    assert sorted(set(made.table["medoid"])) == ["Sample-154", "Sample-51"] and "weak" in made.verdict
