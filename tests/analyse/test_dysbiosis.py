"""Distance of samples to a reference cohort."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.community import Community
from gutbrain.analyse.function.dysbiosis import dysbiosis, outside_range
from gutbrain.errors import InputError

NAMES = ["g__Bacteroides", "g__Ruminococcus", "g__Faecalibacterium", "g__Bifidobacterium", "g__Dialister",
         "g__Akkermansia", "g__Escherichia", "g__Bilophila", "g__Blautia"]  # fmt: skip


def community(values, people=None) -> Community:
    number = len(values)
    people = people or [f"p{i}" for i in range(number)]
    ranks = {
        rank: pl.Series([None] * 9, dtype=pl.String)
        for rank in ("domain", "phylum", "class", "order", "family", "genus", "species")
    }
    features = pl.DataFrame({"feature": NAMES, "kind": "taxon", "name": NAMES, "rank": "genus", **ranks})
    samples = pl.DataFrame({"sample": [f"s{i}" for i in range(number)], "person": people, "visit": [None] * number})
    return Community(samples, features, np.array(values, float), "count")


def healthy(number, seed=1):
    return np.random.default_rng(seed).dirichlet([40, 30, 20, 5, 4, 2, 1, 2, 6], number)


def first(number, whole):
    return np.arange(whole) < number


def test_median_distance_by_hand_leaves_the_own_person_out():
    values = healthy(12)
    people = ["a", "a", *(f"p{i}" for i in range(10))]
    score = dysbiosis(community(values, people), first(10, 12), "first").table
    from scipy.spatial.distance import braycurtis

    for sample in range(12):
        others = [k for k in range(10) if people[k] != people[sample]]
        expected = np.median([braycurtis(values[sample], values[k]) for k in others])
        assert score["score"][sample] == pytest.approx(expected)
    assert score["reference_people"][0] == 9 and score["in_reference"].sum() == 10
    assert score["threshold"][0] == pytest.approx(np.quantile(score["score"][:10], 0.9))


@pytest.mark.parametrize("distance", ["bray-curtis", "aitchison", "groups"])
def test_who_is_unlike_the_reference_lies_beyond(distance):
    values = np.concatenate([healthy(60), np.random.default_rng(2).dirichlet([2, 5, 1, 30, 4, 2, 40, 9, 6], 10)])
    found = dysbiosis(community(values), first(60, 70), "controls", distance)
    assert found.table["beyond"][60:].all() and found.table["beyond"][:60].sum() == 6
    assert "controls, 60 people" in found.said and "not being ill" in found.said
    shuffled = np.random.default_rng(0).permutation(70)
    again = dysbiosis(community(values[shuffled], [f"p{i}" for i in shuffled]), first(60, 70)[shuffled], "c", distance)
    np.testing.assert_allclose(again.table["score"], found.table["score"].to_numpy()[shuffled])


def test_aitchison_is_in_natural_logarithms():
    skbio = pytest.importorskip("skbio.stats.composition")
    values = healthy(8)
    logs = skbio.clr(values)
    found = dysbiosis(community(values), first(7, 8), "r", "aitchison").table
    assert found["score"][7] == pytest.approx(np.median(np.linalg.norm(logs[:7] - logs[7], axis=1)))


def test_new_samples_of_the_reference_population_go_beyond_as_often_as_they_should():
    found = [dysbiosis(community(healthy(400, seed)), first(200, 400), "half").table for seed in range(8)]
    assert abs(np.mean([table["beyond"][200:].mean() for table in found]) - 0.1) < 0.04


def test_what_cannot_be_scored():
    with pytest.raises(InputError, match="has 4 people"):
        dysbiosis(community(healthy(9)), first(4, 9), "few")
    with pytest.raises(InputError, match="14 people in the reference are too few for the covariance of 8 axes"):
        dysbiosis(community(healthy(20)), first(14, 20), "few", "groups")
    with pytest.raises(InputError, match="bray-curtis, aitchison, groups"):
        dysbiosis(community(healthy(9)), first(9, 9), "r", "euclid")
    with pytest.raises(InputError, match="outside 0 to 1"):
        dysbiosis(community(healthy(9)), first(9, 9), "r", beyond=90)
    flat = healthy(40)
    flat[:, 5] = 0
    flat[:, 0] += 1 - flat.sum(axis=1)
    with_constant = dysbiosis(community(flat), first(40, 40), "r", "groups").table
    assert with_constant["score"].is_finite().all()


def test_shipped_range_counts_groups():
    usual = [[64.9, 16.6, 8.9, 0.68, 0.63, 0.02, 0.07, 0.73, 2.0]]  # medians of the 16S reference
    odd = [[10, 10, 10, 20, 10, 10, 20, 5, 5]]
    found = outside_range(community(np.array(usual + odd)))
    assert found.table["score"].to_list()[0] == 0 and found.table["score"][1] == 6
    assert "pathobionts high" in found.table["note"][1] and found.table["threshold"].null_count() == 2
    assert "claesson2012 eldermet" in found.table["reference"][0] and "0.9 groups" in found.said
    with pytest.raises(InputError, match="does not hold here"):
        outside_range(community(np.array(usual)), "atlas1006")
