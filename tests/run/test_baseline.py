"""A colon of one's own: measured shares are reached, or the person is named with the distance."""

from __future__ import annotations

import numpy as np
import pytest

from gutbrain.body.colon_parameters import GROUPS
from gutbrain.run.baseline import REACHED, unreached, walk, with_baselines

AKKERMANSIA = GROUPS.index("akkermansia")


@pytest.fixture(scope="module")
def shares(whole):
    """Ann: near the reference person; Bo: 10 % Akkermansia."""
    colon = whole.start(whole.defaults())[whole.slices["colon", "biomass"], 0]
    near = colon * np.exp(0.3 * np.random.default_rng(1).normal(size=len(GROUPS)))
    much = np.where(np.arange(len(GROUPS)) == AKKERMANSIA, 0.0, colon)
    much *= 0.9 / much.sum()
    much[AKKERMANSIA] = 0.1
    return np.stack([near / near.sum(), much])


@pytest.fixture(scope="module")
def measured(unsettled, shares, few):
    return with_baselines(unsettled, shares, "two made-up counts", labels=few)


def settled_shares(cohort):
    biomass = cohort.start[cohort.axis.slices["colon", "biomass"]]
    return biomass / biomass.sum(axis=0)


def test_a_measured_composition_is_the_settled_one(measured, shares):
    for column in (0, 2):  # Ann in both worlds
        np.testing.assert_allclose(settled_shares(measured)[:, column], shares[0], atol=1e-6)
        assert measured.baseline_miss[column] < 1e-6
    assert measured.residual.max() < 1e-9
    assert measured.baseline_note == "two made-up counts"
    np.testing.assert_array_equal(measured.shares, shares)


def test_mean_growth_stays_as_drawn(measured, unsettled, shares):
    """The free scale: the mean logarithm of growth, weighted by the shares, is that of the draw."""
    drawn = np.log(unsettled.parameters["colon.growth_scale"])
    solved = np.log(measured.parameters["colon.growth_scale"])
    for column in (0, 2):
        assert shares[0] @ solved[:, column] == pytest.approx(shares[0] @ drawn[:, column], abs=1e-6)


def test_a_person_who_cannot_be_fed_is_named_with_the_distance(measured, shares):
    assert unreached(measured) == ["Bo"]
    for column in (1, 3):
        distance = np.abs(settled_shares(measured)[:, column] - shares[1]).max()
        assert measured.baseline_miss[column] == pytest.approx(distance, abs=1e-9)
        assert measured.baseline_miss[column] > REACHED
        # Left at the last composition on the way that mucin can feed: more than the draw, less than asked.
        assert 0.03 < settled_shares(measured)[AKKERMANSIA, column] < 0.1


def test_the_whole_way_at_once_leads_where_small_steps_lead(unsettled, shares):
    """Bo needs the small steps, so that both ways leave him at the same place; Ann gets there at once."""
    target = np.log(np.maximum(np.tile(shares, (2, 1)).T, 2e-4))
    target -= np.log(np.exp(target).sum(axis=0))
    bold, small = (walk(unsettled.axis, unsettled.parameters, target, boldly=boldly) for boldly in (True, False))
    for one, other in zip(bold, small, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8)
    biomass = bold[1][unsettled.axis.slices["colon", "biomass"]]
    way = np.log(biomass[AKKERMANSIA] / biomass[0]) - target[AKKERMANSIA] + target[0]
    np.testing.assert_allclose(way[[0, 2]], 0, atol=1e-12)
    assert np.all(np.abs(way[[1, 3]]) > 0.1)


def test_without_counts_nobody_is_unreached(unsettled):
    assert unreached(unsettled) == []
