"""Exponentials, stationary covariances and steps agree with slow and plain ways to have them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_panels import quickly
from scipy.linalg import expm, solve_continuous_lyapunov

from gutbrain.fit.coupling import dense
from gutbrain.fit.coupling.discretise import (
    by_stationary_covariance,
    by_van_loan,
    exponential,
    inverse,
    settles,
    stationary,
)

SIZES = (1, 2, 3, 4)


def stable(generator, size):
    """Return a drift matrix whose processes come to rest, of norm 1."""
    made = generator.normal(size=(size, size))
    made -= (np.linalg.eigvals(made).real.max() + 0.3) * np.eye(size)
    return made / np.linalg.norm(made, 1)


@pytest.mark.parametrize("size", SIZES)
def test_exponentials_of_small_and_large_matrices(size):
    generator = np.random.default_rng(size)
    norms = np.geomspace(1e-8, 1e3, 12).repeat(4)
    matrices = np.stack([norm * stable(generator, size) for norm in norms], -1)
    halvings = np.maximum(np.ceil(np.log2(norms)), -6).astype(int) + 6
    made = quickly(lambda a: exponential(a, jnp.ones(len(norms)), halvings))(matrices)
    for at in range(len(norms)):
        np.testing.assert_allclose(made[:, :, at], expm(matrices[:, :, at]), rtol=0, atol=2e-13)


def test_two_by_two_through_equal_eigenvalues():
    rows = ((-1, 0.5, 0, -1), (-1, 0, 0, -1), (-1, 0.5, 1e-9, -1), (-1, 0.5, -1e-5, -1), (-1, 2, -3, -0.5),
            (-1, 0.7, 1e-4, -1))  # fmt: skip
    matrices = np.array(rows, float).reshape(-1, 2, 2)
    whole = lambda a, gap: exponential(a, gap, np.zeros(1, int))  # noqa: E731
    slope = quickly(jax.jacobian(whole, argnums=(0, 1)))
    value = quickly(whole)
    for matrix in matrices:
        for gap in (1e-6, 1.0, 20.0):
            a, g = matrix[:, :, None], np.array([gap])
            np.testing.assert_allclose(value(a, g)[..., 0], expm(matrix * gap), rtol=1e-12, atol=1e-14)
            by_matrix, by_gap = slope(a, g)
            np.testing.assert_allclose(by_gap[..., 0, 0], matrix @ expm(matrix * gap), rtol=1e-9, atol=1e-12)
            for row, column in np.ndindex(2, 2):
                # The slope by an entry stands in the corner of the exponential of a block matrix.
                moved = np.zeros((2, 2))
                moved[row, column] = 1.0
                wanted = expm(np.block([[matrix, moved], [np.zeros((2, 2)), matrix]]) * gap)[:2, 2:]
                np.testing.assert_allclose(by_matrix[:, :, 0, row, column, 0], wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [1, 3])
def test_both_ways_of_steps(size):
    generator = np.random.default_rng(10 + size)
    drift, factor = 2 * stable(generator, size), generator.normal(size=(size, size))
    noise, gaps = factor @ factor.T, np.array([0.0, 1e-3, 0.2, 1.0, 7.0, 400.0])
    halvings = np.maximum(np.ceil(np.log2(np.maximum(gaps, 1e-9))), -6).astype(int) + 6

    def both(drift, noise):
        rest = stationary(drift, noise)
        return rest, by_stationary_covariance(drift, noise, gaps, halvings, rest, inverse(drift)), by_van_loan(
            drift, noise, gaps, halvings)  # fmt: skip

    rest, *ways = quickly(both)(drift[:, :, None], noise[:, :, None])
    np.testing.assert_allclose(rest[:, :, 0], solve_continuous_lyapunov(drift, -noise), rtol=1e-10, atol=1e-12)
    wanted = dense.exactly(drift[None], noise[None], gaps)
    for way in ways:
        for part, one in zip(way, wanted, strict=True):
            np.testing.assert_allclose(np.moveaxis(part, 2, 0), one[0], rtol=1e-9, atol=1e-11)


def test_van_loan_where_nothing_or_little_returns():
    rates, noise = np.array([0.0, 1e-12, 1e-6]), np.array([[1.0, 0.2], [0.2, 0.5]])
    drift = np.stack([np.array([[-rate, 0.3], [0.0, -rate]]) for rate in rates])
    steps = quickly(lambda gaps: by_van_loan(np.moveaxis(drift, 0, 2), noise[:, :, None], gaps, np.full(3, 14)))
    for gap in (0.5, 3.0, 100.0):
        made = steps(np.full(3, gap))
        wanted = dense.exactly(drift, np.broadcast_to(noise, drift.shape), np.array([gap]))
        for part, one in zip(made, wanted, strict=True):
            np.testing.assert_allclose(np.moveaxis(part, 2, 0), one[:, 0], rtol=1e-11, atol=1e-13)


def test_the_dense_covariance_of_a_step_is_its_integral():
    generator = np.random.default_rng(20)
    drift, noise = stable(generator, 3), np.diag([1.0, 0.2, 0.5])
    points, weights = np.polynomial.legendre.leggauss(20)
    turned = expm(drift * (points + 1)[:, None, None])  # from 0 to 2
    wanted = np.einsum("s,sij,jk,slk->il", weights, turned, noise, turned)
    np.testing.assert_allclose(dense.exactly(drift[None], noise[None], np.array([2.0]))[2][0, 0], wanted, rtol=1e-12)


@pytest.mark.parametrize("size", (*SIZES, 6))
def test_who_comes_to_rest(size):
    generator = np.random.default_rng(30 + size)
    drift = 0.8 * generator.normal(size=(400, size, size)) - 1.2 * np.eye(size)
    wanted = np.linalg.eigvals(drift).real.max(1) < 0
    assert 0 < wanted.sum() < 400
    np.testing.assert_array_equal(quickly(settles)(np.moveaxis(drift, 0, 2)), wanted)
