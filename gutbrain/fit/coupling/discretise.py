"""From a rate of change to the change over an interval, exactly.

    state(t + gap) = F state(t) + Phi (intercept + level) + noise with covariance Q
    F = exp(A gap),   Phi = integral of exp(A s),   Q = integral of exp(A s) G G' exp(A' s),   s from 0 to gap

Matrices stand in the first two axes, cases in the last one. Where every mode decays or grows at its own pace,
Q = P - F P F' with A P + P A' = -G G' (P is the stationary covariance when all decay); van Loan's block
exponential needs no such thing. Sources: Van Loan 1978, doi 10.1109/TAC.1978.1101743; Higham 2008, Functions of
Matrices (scaling and squaring), doi 10.1137/1.9780898717778.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

DEGREE = 14  # of the Taylor polynomial: the remainder is below 1e-15 where the norm is below 1/2
SLACK = 6  # halvings that cover rates up to 32 in the usual interval


class Steps(NamedTuple):
    """Transition [n, n, cases], integrated transition [n, n, cases] and covariance [n, n, cases] of intervals."""

    transition: jax.Array
    integrated: jax.Array
    covariance: jax.Array


def times(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the products [i, k, cases] of matrices [i, j, cases] and [j, k, cases]."""
    return jnp.sum(a[:, :, None] * b[None], axis=1)


def turned(a: jax.Array) -> jax.Array:
    """Return transposes of matrices [i, j, cases]."""
    return jnp.swapaxes(a, 0, 1)


def exponential(matrix: jax.Array, gap: jax.Array, halvings: np.ndarray) -> jax.Array:
    """Return exp(matrix * gap).

    Parameters
    ----------
    matrix : array [n, n, cases]
    gap : array [cases]
    halvings : whole numbers [cases], how often the interval is halved first (used from three processes on)
    """
    size = matrix.shape[0]
    if size == 1:
        return jnp.exp(matrix * gap)
    if size == 2:
        return _of_two(matrix, gap)
    small = matrix * (gap / 2.0**halvings)
    one = jnp.broadcast_to(jnp.eye(size)[:, :, None], small.shape)
    made = one
    for order in range(DEGREE, 0, -1):
        made = one + times(small, made) / order
    deepest = int(max(halvings)) if halvings.size else 0
    for step in range(deepest):
        made = jnp.where(step < halvings, times(made, made), made)
    return made


def _of_two(matrix: jax.Array, gap: jax.Array) -> jax.Array:
    """Return exp(matrix * gap) of two by two in closed form, for real, complex and equal eigenvalues."""
    half = (matrix[0, 0] + matrix[1, 1]) / 2
    bent = ((matrix[0, 0] - matrix[1, 1]) / 2) ** 2 + matrix[0, 1] * matrix[1, 0]
    square = bent * gap**2
    tiny, grows = jnp.abs(square) < 1e-4, square > 0
    root = jnp.sqrt(jnp.where(tiny | ~grows, 1.0, square))
    angle = jnp.sqrt(jnp.where(tiny | grows, 1.0, -square))
    # exp(half) goes into cosh and sinh, so that neither overflows where their product does not.
    low, high = jnp.exp(half * gap - root), jnp.exp(half * gap + root)
    middle = jnp.exp(half * gap)
    even = jnp.where(grows, (high + low) / 2, middle * jnp.cos(angle))
    odd = jnp.where(grows, (high - low) / (2 * root), middle * jnp.sin(angle) / angle)
    even = jnp.where(tiny, middle * (1 + square / 2 * (1 + square / 12 * (1 + square / 30))), even)
    odd = jnp.where(tiny, middle * (1 + square / 6 * (1 + square / 20 * (1 + square / 42))), odd) * gap
    one = jnp.eye(2)[:, :, None]
    return even * one + odd * (matrix - half * one)


def stationary(drift: jax.Array, noise: jax.Array) -> jax.Array:
    """Return P [n, n, cases] with drift P + P drift' = -noise; the stationary covariance of a stable process."""
    size = drift.shape[0]
    if size == 1:
        return -noise / (2 * drift)
    pairs = [(row, column) for row in range(size) for column in range(row, size)]
    place = {(min(pair), max(pair)): at for at, pair in enumerate(pairs)}
    rows = [[jnp.zeros_like(drift[0, 0]) for _ in pairs] for _ in pairs]
    for at, (row, column) in enumerate(pairs):
        for k in range(size):
            first, second = place[min(k, column), max(k, column)], place[min(k, row), max(k, row)]
            rows[at][first] = rows[at][first] + drift[row, k]
            rows[at][second] = rows[at][second] + drift[column, k]
    system = jnp.stack([jnp.stack(row) for row in rows])
    given = jnp.stack([-noise[pair] for pair in pairs])
    found = jnp.linalg.solve(jnp.moveaxis(system, -1, 0), jnp.moveaxis(given, -1, 0)[..., None])[..., 0]
    return jnp.stack([jnp.stack([found[:, place[min(r, c), max(r, c)]] for c in range(size)]) for r in range(size)])


def settles(drift: jax.Array) -> jax.Array:
    """Say of processes [n, n, cases] whether they return to rest [cases], by Routh's array.

    Source: Gantmacher 1959, The Theory of Matrices, vol. 2, chapter 15 (recalled).
    """
    drift, size = jax.lax.stop_gradient(drift), drift.shape[0]
    coefficients, product = [jnp.ones_like(drift[0, 0])], drift
    for order in range(1, size + 1):
        coefficients.append(-jnp.trace(product) / order)
        product = times(drift, product + coefficients[-1] * jnp.eye(size)[:, :, None])
    above, row, made = coefficients[::2], coefficients[1::2], coefficients[0] > 0
    while row:
        made = made & (row[0] > 0)
        padded = [*row[1:], *(jnp.zeros_like(row[0]),) * (len(above) - len(row))]
        below = [left - above[0] / row[0] * right for left, right in zip(above[1:], padded, strict=False)]
        above, row = row, below
    return made


def inverse(matrix: jax.Array) -> jax.Array:
    """Return the inverses of matrices [n, n, cases]."""
    return jnp.moveaxis(jnp.linalg.inv(jnp.moveaxis(matrix, -1, 0)), 0, -1)


def by_stationary_covariance(
    drift: jax.Array, noise: jax.Array, gap: jax.Array, halvings: np.ndarray, at_rest: jax.Array, undone: jax.Array
) -> Steps:
    """Return the steps of processes none of whose pairs of modes cancel.

    Parameters
    ----------
    drift, noise : arrays [n, n, cases]; noise is G G'
    gap, halvings : arrays [cases]
    at_rest : `stationary(drift, noise)`, undone : `inverse(drift)`; both [n, n, cases]
    """
    transition = exponential(drift, gap, halvings)
    left = at_rest - times(times(transition, at_rest), turned(transition))
    one = jnp.eye(drift.shape[0])[:, :, None]
    return Steps(transition, times(undone, transition - one), (left + turned(left)) / 2)


def by_van_loan(drift: jax.Array, noise: jax.Array, gap: jax.Array, halvings: np.ndarray) -> Steps:
    """Return the steps of any process, with modes that neither decay nor grow among them."""
    size, cases = drift.shape[0], gap.shape[0]
    drift = jnp.broadcast_to(drift, (size, size, cases))
    noise = jnp.broadcast_to(noise, (size, size, cases))
    nothing, one = jnp.zeros((size, size, cases)), jnp.broadcast_to(jnp.eye(size)[:, :, None], (size, size, cases))
    # The exponential of [[-A, Q], [0, A']] holds F' below and F^-1 Q above it; it is taken over halved intervals,
    # because exp(-A gap) overflows for long ones, and the halves are then joined.
    block = jnp.concatenate([jnp.concatenate([-drift, noise, nothing], 1),
                             jnp.concatenate([nothing, turned(drift), one], 1),
                             jnp.concatenate([nothing, nothing, nothing], 1)], 0)  # fmt: skip
    small = exponential(block, gap / 2.0**halvings, np.zeros_like(halvings))
    transition = turned(small[size : 2 * size, size : 2 * size])
    covariance = times(transition, small[:size, size : 2 * size])
    integrated = turned(small[size : 2 * size, 2 * size :])
    deepest = int(max(halvings)) if halvings.size else 0
    for step in range(deepest):
        go = step < halvings
        covariance = jnp.where(go, covariance + times(times(transition, covariance), turned(transition)), covariance)
        integrated = jnp.where(go, integrated + times(transition, integrated), integrated)
        transition = jnp.where(go, times(transition, transition), transition)
    return Steps(transition, integrated, (covariance + turned(covariance)) / 2)
