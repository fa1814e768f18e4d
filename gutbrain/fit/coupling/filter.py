"""The filter: how likely a series is, occasion after occasion, for many lanes at once.

What is seen is taken up one indicator after the other, so that no matrix is inverted. For Gaussian indicators this
is the Kalman filter and exact. Ordinal and count indicators are taken up by moment matching: the state keeps the
mean and covariance that it would have after the true update. For every kind, with m and s mean and variance of the
linear predictor and Z the probability of what was seen,

    mean <- mean + g dlogZ/dm,   covariance <- covariance + g g' d2logZ/dm2,   g = covariance loadings

Sources: Koopman & Durbin 2000, doi 10.1111/1467-9892.00186 (one at a time); Minka 2001, Expectation propagation,
UAI (moment matching in one pass).
"""

from __future__ import annotations

from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, log_ndtr
from jax.scipy.stats import norm

from gutbrain.fit.coupling.discretise import times, turned

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(20)
NEWTON = 8  # steps to the mode of a count's linear predictor; what is left of them only moves the nodes


class Site(NamedTuple):
    """Logarithm of the probability of what was seen, and its first two derivatives by the predicted mean."""

    value: jax.Array
    first: jax.Array
    second: jax.Array


class Course(NamedTuple):
    """Everything the filter needs, a step of all lanes in the first axis and lanes in the last one.

    Parameters
    ----------
    goes_on : array [steps, lanes]; 0 where a person begins
    transition : array [steps, processes, processes + effects, lanes]; at a begin it spreads effects over the state
    move : array [steps, processes, lanes]
    covariance : array [steps, processes, processes, lanes]
    loadings : array [steps, indicators, processes + effects, lanes]
    mean, error : arrays [steps, indicators, lanes]; error is a variance
    values, seen : arrays [steps, indicators, lanes]
    cuts : thresholds of ordinal indicators, one array [steps, categories - 1, lanes] each
    """

    goes_on: jax.Array
    transition: jax.Array
    move: jax.Array
    covariance: jax.Array
    loadings: jax.Array
    mean: jax.Array
    error: jax.Array
    values: jax.Array
    seen: jax.Array
    cuts: tuple[jax.Array, ...] = ()


class Passed(NamedTuple):
    """What the filter leaves of a step.

    Parameters
    ----------
    log_likelihood : array [lanes]
    expected, spread : arrays [indicators, lanes], of the linear predictor before the indicator is taken up
    before, before_covariance, after, after_covariance : the state with its effects
    """

    log_likelihood: jax.Array
    expected: jax.Array
    spread: jax.Array
    before: jax.Array
    before_covariance: jax.Array
    after: jax.Array
    after_covariance: jax.Array


def gaussian(value: jax.Array, mean: jax.Array, variance: jax.Array) -> Site:
    """Return the site of a Gaussian indicator; `variance` includes that of its error."""
    left = value - mean
    return Site(-0.5 * (jnp.log(2 * jnp.pi * variance) + left**2 / variance), left / variance, -1 / variance)


def ordinal(value: jax.Array, mean: jax.Array, variance: jax.Array, cuts: jax.Array) -> Site:
    """Return the site of an ordinal indicator, probit; `cuts` [categories - 1, lanes] rise."""
    spread = jnp.sqrt(variance)
    place = value.astype(int)
    last = cuts.shape[0]
    over = jnp.take_along_axis(cuts, jnp.clip(place, 0, last - 1)[None], 0)[0]
    under = jnp.take_along_axis(cuts, jnp.clip(place - 1, 0, last - 1)[None], 0)[0]
    over, under = (over - mean) / spread, (under - mean) / spread
    # An open end stands so far beyond the other one that nothing is left behind it.
    top = jnp.where(place < last, over, jnp.maximum(under, 0.0) + 40.0)
    low = jnp.where(place > 0, under, jnp.minimum(over, 0.0) - 40.0)
    # In the upper tail both probabilities are near 1: the interval is mirrored into the lower one.
    mirrored = low > 0
    high, deep = jnp.where(mirrored, -low, top), jnp.where(mirrored, -top, low)
    likely = log_ndtr(high) + jnp.log1p(-jnp.exp(jnp.minimum(log_ndtr(deep) - log_ndtr(high), -1e-15)))
    at_top, at_low = jnp.exp(norm.logpdf(top) - likely), jnp.exp(norm.logpdf(low) - likely)
    first = (at_low - at_top) / spread
    return Site(likely, first, (low * at_low - top * at_top) / variance - first**2)


def count(value: jax.Array, mean: jax.Array, variance: jax.Array) -> Site:
    """Return the site of a count, Poisson around the exponential of a Gaussian predictor; quadrature at its mode."""
    at = jnp.minimum(jnp.log(value + 0.5), mean + 5.0 * jnp.sqrt(variance))
    for _ in range(NEWTON):
        rate = jnp.exp(jnp.minimum(at, 50.0))
        at = at + jnp.clip((value - rate - (at - mean) / variance) / (rate + 1 / variance), -3.0, 3.0)
    # Where the nodes stand does not matter to the integral, so nothing is differentiated through them.
    mode = jax.lax.stop_gradient(at)
    width = jax.lax.stop_gradient(1 / jnp.sqrt(jnp.exp(jnp.minimum(mode, 50.0)) + 1 / variance))
    nodes = mode + width * NODES[:, None]
    logs = (jnp.log(WEIGHTS)[:, None] + 0.5 * NODES[:, None] ** 2 + jnp.log(width)
            + value * nodes - jnp.exp(nodes) - gammaln(value + 1) - 0.5 * (nodes - mean) ** 2 / variance
            - 0.5 * jnp.log(2 * jnp.pi * variance))  # fmt: skip
    total = jax.scipy.special.logsumexp(logs, axis=0)
    share = jnp.exp(logs - total)
    middle = jnp.sum(share * nodes, 0)
    spread = jnp.sum(share * (nodes - middle) ** 2, 0)
    return Site(total, (middle - mean) / variance, (spread - variance) / variance**2)


def log_likelihoods(course: Course, kinds: tuple[str, ...]) -> jax.Array:
    """Return the log likelihood of every step [steps, lanes]."""
    return cast(jax.Array, _run(course, kinds, keep=False))


def all_passed(course: Course, kinds: tuple[str, ...]) -> Passed:
    """Return all that the filter knew at every step, steps in the first axis."""
    return cast(Passed, _run(course, kinds, keep=True))


def _run(course: Course, kinds: tuple[str, ...], keep: bool) -> jax.Array | Passed:
    processes = course.covariance.shape[1]
    size, lanes = course.transition.shape[2:]
    fresh = jnp.diag((jnp.arange(size) >= processes).astype(float))[:, :, None]

    def step(state: tuple[jax.Array, jax.Array], now: Course) -> tuple[tuple[jax.Array, jax.Array], jax.Array | Passed]:
        mean, spread = state
        # Chosen, not multiplied: what is no number in one person must not reach the next one in the lane.
        mean = jnp.where(now.goes_on > 0, mean, 0.0)
        spread = jnp.where(now.goes_on > 0, spread, fresh)
        crossed = times(now.transition, spread)
        corner = times(crossed, turned(now.transition)) + now.covariance
        side = crossed[:, processes:]
        spread = jnp.concatenate([jnp.concatenate([corner, side], 1),
                                  jnp.concatenate([turned(side), spread[processes:, processes:]], 1)], 0)  # fmt: skip
        mean = jnp.concatenate([jnp.sum(now.transition * mean[None], 1) + now.move, mean[processes:]], 0)
        before = (mean, spread)
        likely, expected, variances, ordinals = jnp.zeros(lanes), [], [], 0
        for row, kind in enumerate(kinds):
            loading = now.loadings[row]
            gain = jnp.sum(spread * loading[None], 1)
            middle = now.mean[row] + jnp.sum(loading * mean, 0)
            spread_of = jnp.sum(gain * loading, 0) + now.error[row]
            # What was not seen may have no variance at all; its slope would be no number even where it is left out.
            variance = jnp.where(now.seen[row], spread_of, 1.0)
            if kind == "ordinal":
                site = ordinal(now.values[row], middle, variance, now.cuts[ordinals])
                ordinals += 1
            else:
                site = (gaussian if kind == "gaussian" else count)(now.values[row], middle, variance)
            seen = now.seen[row]
            likely = likely + jnp.where(seen, site.value, 0.0)
            mean = mean + gain * jnp.where(seen, site.first, 0.0)
            spread = spread + gain[:, None] * gain[None] * jnp.where(seen, site.second, 0.0)
            expected.append(middle)
            variances.append(spread_of)
        made = Passed(likely, jnp.stack(expected), jnp.stack(variances), *before, mean, spread) if keep else likely
        return (mean, spread), made

    begin = (jnp.zeros((size, lanes)), jnp.zeros((size, size, lanes)))
    # On the way back each step is computed once more, which costs less than keeping all that it made.
    return cast("jax.Array | Passed", jax.lax.scan(jax.checkpoint(step), begin, course)[1])
