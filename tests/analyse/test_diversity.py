"""Diversity and rarefaction of single samples, against vegan 2.6-4 (R 4.2.2) and scikit-bio 0.7.4."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.analyse.communities.diversity import (
    alpha,
    chao1,
    fisher_alpha,
    hill,
    inverse_simpson,
    pielou,
    richness,
    shannon,
    simpson,
)
from gutbrain.analyse.communities.rarefaction import (
    coverage,
    depth_keeping,
    depths_kept,
    expected_richness,
    rarefaction_curves,
    rarefy,
)
from gutbrain.analyse.communities.tree import branch_shares, faith, tree_of
from gutbrain.analyse.community import Community
from gutbrain.errors import InputError

PEERS = Path(__file__).parents[2].parent / "shared" / "data" / "peers" / "vegan"


def community(values: object, unit: str = "count", names: list[str] | None = None) -> Community:
    array = np.array(values, float)
    names = names or [f"t{number}" for number in range(array.shape[1])]
    samples = [f"s{number}" for number in range(len(array))]
    return Community(
        pl.DataFrame({"sample": samples, "person": samples, "visit": [None] * len(samples)}),
        pl.DataFrame({"feature": names, "kind": "taxon", "name": names}),
        array,
        unit,
    )


def forest() -> np.ndarray:
    if not PEERS.is_dir():
        pytest.skip("needs ../shared/data/peers/vegan")
    return pl.read_csv(PEERS / "BCI5.csv")[:, 1:].to_numpy().astype(float)


def test_indices_are_those_of_vegan():
    # vegan 2.6-4: specnumber, diversity, fisher.alpha, estimateR, renyi(hill = TRUE) on rows 1-5 of BCI.
    counts = forest()
    assert richness(counts).tolist() == [93, 84, 90, 94, 101]
    vegan = {
        shannon: (4.01841166223236, 3.84847116819842, 3.81405950494229, 3.97656298765037, 3.96994030027638),
        simpson: (0.974629304846939, 0.968339278636544, 0.964607755785585, 0.971611693223386, 0.967826683658465),
        inverse_simpson: (39.4155538098979, 31.584877315974, 28.2547779095822, 35.2257712257712, 31.0816575258988),
        pielou: (0.886557850148109, 0.868569237437909, 0.847604628722521, 0.875259735108697, 0.860202953701745),
        chao1: (117.47368421052632, 117.21428571428572, 141.23076923076923, 111.55, 136.0),
    }
    for index, values in vegan.items():
        np.testing.assert_allclose(index(counts), values, rtol=1e-12)
    # fisher.alpha stops at the seventh digit; the equation tells who is right.
    vegan_fisher = (35.6729741177961, 30.9909126110778, 33.3203283546927, 33.9220878208122, 37.9642295032581)
    found, total = fisher_alpha(counts), counts.sum(axis=1)
    np.testing.assert_allclose(found, vegan_fisher, rtol=2e-7)
    np.testing.assert_allclose(found * np.log1p(total / found), richness(counts), rtol=1e-13)
    orders = {
        0.5: (71.1702654952645, 62.0909920571974, 63.5910605616675, 70.3840242981125, 73.49651081135),
        1: (55.6127038813710, 46.9212736331505, 45.3340998301171, 53.3334112579049, 52.98136777224675),
        3: (32.6246010238405, 25.1834335539632, 22.1570560797037, 27.4777194196360, 22.16458739867463),
        math.inf: (17.92, 12.0833333333333, 11.8717948717949, 13.0256410256410, 9.18181818181818),
    }
    for order, values in orders.items():
        np.testing.assert_allclose(hill(counts, order), values, rtol=1e-12)


def test_scikit_bio_agrees():
    from skbio.diversity import alpha as peer

    counts = forest().astype(int)
    for ours, theirs in (
        (shannon, peer.shannon),
        (simpson, peer.simpson),
        (chao1, peer.chao1),
        (pielou, peer.pielou_e),
    ):
        np.testing.assert_allclose(ours(counts), [theirs(row) for row in counts], rtol=1e-12)
    # It minimises a square, so that its Fisher's alpha is right to nine digits.
    np.testing.assert_allclose(fisher_alpha(counts), [peer.fisher_alpha(row) for row in counts], rtol=1e-8)
    # Its other form of Chao1, S + f1² / (2 f2), is not what vegan calls Chao1.
    classic = [peer.chao1(row, bias_corrected=False) for row in counts]
    assert (np.array(classic) > chao1(counts) + 1).all()


def test_expected_richness_is_that_of_vegan():
    # vegan 2.6-4: rarefy(BCI[1:5, ], n).
    counts = forest()
    vegan = {
        1: (1, 1, 1, 1, 1),
        10: (9.0446852684956, 8.82608082958281, 8.69850670453754, 8.93694200951510, 8.83338958764130),
        100: (48.2535173315675, 44.3165929068755, 43.7590480882798, 47.2951645128781, 47.8139525647192),
        435: (92.08624881545, 84, 87.71795854911, 89.69323216538, 95.65226996785),
    }
    for depth, values in vegan.items():
        np.testing.assert_allclose(expected_richness(counts, depth), values, rtol=1e-10)
    assert np.isnan(expected_richness(counts, 436)).tolist() == [False, True, False, False, False]
    many = expected_richness(np.array([[1_000_000.0, 50_000, 300, 20, 1]]), 1000)
    np.testing.assert_allclose(many, 2.268412721866, rtol=1e-9)  # rarefy() of the same


def test_expected_richness_is_the_mean_of_draws():
    made = community([[40, 30, 20, 8, 1, 1], [50, 0, 0, 0, 30, 20]])
    generator = np.random.default_rng(3)
    drawn = [richness(rarefy(made, 12, generator).community.values) for _ in range(2000)]
    np.testing.assert_allclose(np.mean(drawn, axis=0), expected_richness(made.values, 12), atol=0.06)


def test_rarefying_is_seeded_and_says_who_is_lost():
    made = community([[40, 30, 30], [5, 0, 1], [0, 0, 60]])
    one = rarefy(made, 20, np.random.default_rng(1))
    same = rarefy(made, 20, np.random.default_rng(1))
    assert (one.community.values == same.community.values).all()
    assert (one.community.values.sum(axis=1) == 20).all() and (one.community.values <= made.values[[0, 2]]).all()
    assert one.lost.rows() == [("s1", "s1", None, 6.0)]
    kept = depths_kept(made)
    assert kept["depth"].to_list() == [100, 60, 6] and kept["lost"].to_list() == [2, 1, 0]
    assert depth_keeping(made.values.sum(axis=1), 1.0) == 6 and depth_keeping(made.values.sum(axis=1), 0.6) == 60
    np.testing.assert_allclose(coverage(made.values), [1, 5 / 6, 1])
    with pytest.raises(InputError, match="no sample can be rarefied to 200"):
        rarefy(made, 200, np.random.default_rng(1))


def test_curves_rise_to_what_was_seen():
    made = community([[40, 30, 20, 8, 1, 1], [5, 0, 0, 0, 3, 2]])
    curves = rarefaction_curves(made, 12)
    for name, total, kinds in (("s0", 100, 6), ("s1", 10, 3)):
        own = curves.filter(pl.col("sample") == name)
        assert own["depth"].max() == total and (np.diff(own["richness"].to_numpy()) > 0).all()
        np.testing.assert_allclose(own.sort("depth")["richness"][[0, -1]].to_list(), [1, kinds], rtol=1e-12)


@given(st.lists(st.integers(0, 500), min_size=2, max_size=30).filter(any))
@settings(max_examples=60, deadline=None)
def test_indices_hold_together(row):
    counts = np.array([row], float)
    numbers = [float(hill(counts, order)[0]) for order in (0, 0.3, 1, 1.0001, 2, 40, math.inf)]
    assert all(high >= low * (1 - 1e-9) for high, low in pairwise(numbers))
    np.testing.assert_allclose(numbers[2], numbers[3], rtol=1e-2)
    np.testing.assert_allclose(numbers[4], inverse_simpson(counts)[0])
    np.testing.assert_allclose(hill(counts[:, ::-1] * 3, 2), numbers[4], rtol=1e-12)
    assert chao1(counts)[0] >= numbers[0] and -1e-12 <= simpson(counts)[0] < 1
    found = fisher_alpha(counts)[0]
    if numbers[0] < counts.sum():
        np.testing.assert_allclose(found * np.log1p(counts.sum() / found), numbers[0], rtol=1e-9)
    else:
        assert np.isnan(found)


def test_what_needs_counts_is_withheld_from_shares():
    made = alpha(community([[0.5, 0.5, 0], [0.2, 0.2, 0.6]], "share"), ["chao1", "fisher", "rarefied", "shannon"])
    withheld = made.filter(pl.col("index") != "shannon")
    assert withheld["value"].null_count() == 6 and withheld["note"].unique().to_list() == [
        "withheld: counts are needed, not share"
    ]
    np.testing.assert_allclose(made.filter(pl.col("index") == "shannon")["value"][0], np.log(2))
    torn = alpha(community([[1.5, 2]]), ["chao1"])
    assert torn["note"].to_list() == ["withheld: whole counts are needed"] and torn["value"].null_count() == 1


def test_what_cannot_be_said_has_a_note():
    made = alpha(community([[9, 0, 0], [1, 1, 1]]), ["pielou", "fisher", "rarefied", "hill 0.5"], depth=5)
    assert not made["value"].is_nan().any()
    notes = {(row["sample"], row["index"]): row["note"] for row in made.iter_rows(named=True)}
    assert notes["s0", "pielou"] == "withheld: the sample holds one feature" and notes["s1", "pielou"] is None
    assert "infinite" in notes["s1", "fisher"] and notes["s1", "rarefied"] == "withheld: fewer than 5 counts"
    trimmed = alpha(community([[9, 4, 0], [2, 2, 3]]), ["chao1"])
    assert trimmed["note"].str.contains("no feature was counted once").all()


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="'shanon' is no index of diversity"):
        alpha(community([[1, 2]]), ["shanon"])
    for name in ("hill", "hill x", "hill -1", "hill nan"):
        with pytest.raises(InputError, match="no index"):
            alpha(community([[1, 2]]), [name])
    with pytest.raises(InputError, match="s1.*holds nothing"):
        alpha(community([[1, 2], [0, 0]]))
    with pytest.raises(InputError, match="needs a tree"):
        alpha(community([[1, 2]]), ["faith"])
    with pytest.raises(InputError, match="rarefaction needs counts"):
        rarefaction_curves(community([[0.5, 0.5]], "share"))
    with pytest.raises(InputError, match="none"):
        expected_richness(np.array([[1.0, 2]]), -1)
    assert alpha(community([[1, 2]]), []).is_empty()


def test_faith_is_the_length_from_the_root():
    tree = tree_of("((a:1,b:2):0.5,(c:3,d:4):1.5);")
    made = community([[1, 0, 0, 0], [2, 3, 0, 0], [1, 1, 1, 1], [0, 0, 7, 0]], names=["a", "b", "c", "d"])
    assert faith(branch_shares(made, tree)).tolist() == [1.5, 3.5, 12, 4.5]
    assert alpha(made, ["faith"], tree)["value"].to_list() == [1.5, 3.5, 12, 4.5]
