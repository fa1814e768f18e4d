"""A sketch answers within half a percent, whatever the numbers, and parts add up to the whole."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gutbrain.population.moments import Moments
from gutbrain.population.sketch import ACCURACY, added, bucket, counted, quantiles, value

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
KINDS = {
    "lognormal": lambda rng: rng.lognormal(2, 2, 4000),
    "both signs": lambda rng: rng.normal(0, 3, 4000),
    "with zeros": lambda rng: np.maximum(rng.normal(0, 1, 4000), 0),
    "tiny": lambda rng: 1e-9 * rng.lognormal(0, 1, 4000),
    "constant": lambda rng: np.full(4000, 7.0),
}


@pytest.fixture(params=KINDS, scope="module")
def numbers(request) -> np.ndarray:
    return KINDS[request.param](np.random.default_rng(4))


def frame(values: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"signal": ["a"] * len(values), "value": values})


def test_quantiles_are_within_the_accuracy(numbers):
    found = quantiles(counted(frame(numbers), ["signal"], "value"), ["signal"], SHARES)
    truth = np.quantile(numbers, SHARES, method="lower")
    assert found["signal"].to_list() == ["a"]
    for share, exact in zip(SHARES, truth, strict=True):
        assert found[f"q{round(100 * share):02d}"][0] == pytest.approx(exact, rel=ACCURACY * 1.0001, abs=0)


def test_sketches_of_parts_add_up_in_any_order(numbers):
    whole = counted(frame(numbers), ["signal"], "value")
    parts = [counted(frame(part), ["signal"], "value") for part in np.split(numbers, [10, 1500, 2000])]
    assert added(parts, ["signal"]).equals(whole)
    assert added(parts[::-1], ["signal"]).equals(whole)


def test_buckets_are_ordered_as_the_numbers_are():
    numbers = np.array([-1e31, -5.0, -4.9, -1e-31, 0.0, 1e-20, 1.0, 1.02, 1e31])
    found = bucket(numbers).astype(int)
    assert (np.diff(found) >= 0).all()
    assert found[3] == found[4] == 0
    assert value(found[[1, 6]]) == pytest.approx([-5.0, 1.0], rel=ACCURACY)


def test_moments_of_parts_add_up():
    rng = np.random.default_rng(1)
    values, counts = 1e6 + rng.normal(size=(3, 500)), rng.random((3, 500)) < 0.7
    counts[2, :300] = False
    counts[1] = False
    parts = [Moments.of(values[:, part], counts[:, part]) for part in (np.s_[:200], np.s_[200:300], np.s_[300:])]
    total = parts[0] + parts[1] + parts[2]
    for row in (0, 2):
        own = values[row, counts[row]]
        assert total.count[row] == len(own)
        assert total.average[row] == pytest.approx(own.mean(), rel=1e-14)
        assert total.variance[row] == pytest.approx(own.var(ddof=1), rel=1e-9)
    assert np.isnan(total.average[1]) and np.isnan(total.variance[1])
