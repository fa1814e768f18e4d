"""Mantel tests: do two matrices of distances go together, and do they still when a third is accounted for?"""

from __future__ import annotations

import numpy as np
import polars as pl

from gutbrain.analyse.communities.permanova import checked
from gutbrain.analyse.communities.permutation import BYTES, Exchange, as_extreme, exchange, p_value, ranks_of
from gutbrain.errors import InputError

METHODS = ("pearson", "spearman")
ALTERNATIVES = ("greater", "two-sided", "less")


def mantel(
    values: np.ndarray,
    other: np.ndarray,
    given: np.ndarray | None = None,
    *,
    method: str = "pearson",
    alternative: str = "greater",
    design: Exchange | None = None,
    permutations: int = 9999,
    generator: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Return the correlation of two matrices of distances, and its permutation p-value.

    Parameters
    ----------
    values, other : distances [row, row] of the same rows
    given : a third matrix; the correlation is then partial
    method : `pearson`, or `spearman` of ranks
    alternative : `greater`, `two-sided` or `less`
    design : which rows of `values` may change places; all by default

    Returns
    -------
    one row: r (-1 to 1), p, permutations, exchange, method, alternative, rows

    Raises
    ------
    InputError
        For distances that are none, of unequal shape, all equal, or told entirely by the third.

    Notes
    -----
    A Mantel test asks whether distances go together, not whether values do, and has low power for the latter;
    partial tests keep their level only roughly. Sources: Mantel 1967; Smouse et al. 1986, doi 10.2307/2413122;
    Legendre & Fortin 2010, doi 10.1111/j.1755-0998.2010.02866.x.
    """
    if method not in METHODS or alternative not in ALTERNATIVES:
        what = f"{method!r}, {alternative!r} is no Mantel test"
        raise InputError(what, mend=f"Methods: {', '.join(METHODS)}; alternatives: {', '.join(ALTERNATIVES)}")
    n = len(values)
    for matrix in (values, other, *([given] if given is not None else [])):
        checked(matrix, n)
    if n < 4:
        raise InputError(f"{n} rows are too few for a Mantel test", mend="Bring 4 or more")
    design, generator = design or exchange(n), generator or np.random.default_rng(1)
    lower = np.tril_indices(n, -1)
    x, y = _scaled(values[lower], method), _scaled(other[lower], method)
    z = _scaled(given[lower], method) if given is not None else np.zeros_like(x)
    yz = float(y @ z)
    if 1 - yz**2 < 1e-12 or 1 - float(x @ z) ** 2 < 1e-12:
        raise InputError("the third matrix tells one of the two entirely", mend="Leave it out")
    square = np.zeros((n, n))
    square[lower] = x
    square += square.T
    both = np.stack([y, z], axis=1)

    def correlation(batch: np.ndarray) -> np.ndarray:
        xy, xz = (square[batch[:, lower[0]], batch[:, lower[1]]] @ both).T
        return (xy - xz * yz) / np.sqrt(np.maximum(1 - xz**2, 1e-12) * (1 - yz**2))

    def extreme(found: np.ndarray) -> np.ndarray:
        return np.abs(found) if alternative == "two-sided" else -found if alternative == "less" else found

    observed = correlation(np.arange(n)[None])
    aim, hits = float(extreme(observed)[0]), 0
    at_once = max(1, BYTES // (24 * len(x)))
    for batch in design.batches(generator, permutations, n):
        for start in range(0, len(batch), at_once):
            hits += as_extreme(extreme(correlation(batch[start : start + at_once])), aim)
    tried = design.asked(permutations)
    return pl.DataFrame(
        {
            "r": float(observed[0]), "p": p_value(hits, tried), "permutations": tried, "exchange": design.said,
            "method": method, "alternative": alternative, "rows": n,
        }
    )  # fmt: skip


def _scaled(values: np.ndarray, method: str) -> np.ndarray:
    """Return values (or their ranks) with mean 0 and length 1."""
    values = ranks_of(values) if method == "spearman" else values
    size = float(np.sqrt(values @ values))
    values = values - values.mean()
    length = float(np.sqrt(values @ values))
    if length <= 1e-12 * size:
        raise InputError("all distances of a matrix are equal", mend="Nothing can go with what does not vary")
    return np.asarray(values / length)
