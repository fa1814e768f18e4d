"""Morris screening with SALib: which unknowns move an outcome at all.

An unknown of many numbers (a table of growth rates) moves as one; such a group has no sign, so no sigma.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from SALib.analyze import morris as analysis
from SALib.sample import morris as design

LEVELS = 4  # a step is two of the three intervals
TAIL = 0.05  # trajectories walk from the 5 % to the 95 % quantile of a belief: its tails have no end
ENOUGH = 0.99  # of the summed squared mu*: what is kept for the second step
RESAMPLES = 500


def cube(names: Sequence[str], entries: Sequence[int], low: float, high: float) -> dict[str, object]:
    """Return the problem in SALib's words: coordinates in groups, one group an unknown."""
    total = sum(entries)
    return {
        "num_vars": total,
        "names": [f"x{number}" for number in range(total)],
        "groups": [name for name, count in zip(names, entries, strict=True) for _ in range(count)],
        "bounds": [[low, high]] * total,
    }


def morris_points(names: Sequence[str], entries: Sequence[int], trajectories: int, seed: int) -> np.ndarray:
    """Return the points of the trajectories, array [trajectories * (unknowns + 1), coordinates].

    Parameters
    ----------
    names, entries : of the unknowns: what they are called, and how many coordinates each has
    """
    problem = cube(names, entries, TAIL, 1 - TAIL)
    return np.asarray(design.sample(problem, trajectories, num_levels=LEVELS, seed=np.random.default_rng(seed)))


def morris_table(
    names: Sequence[str], entries: Sequence[int], points: np.ndarray, values: np.ndarray, seed: int
) -> pl.DataFrame:
    """Return the measures of every unknown, the largest first.

    Parameters
    ----------
    points : of `morris_points`
    values : outcome at each point, array [points]

    Returns
    -------
    columns parameter, mu, mu_star, mu_star_low, mu_star_high (95 % by bootstrap over trajectories), sigma, in the
    unit of the outcome for a walk from the 5 % to the 95 % quantile; mu and sigma are null for groups of numbers.
    """
    found = analysis.analyze(
        cube(names, entries, TAIL, 1 - TAIL), points, np.asarray(values, float), num_levels=LEVELS,
        num_resamples=RESAMPLES, seed=np.random.default_rng([seed, 1]),
    )  # fmt: skip
    single = dict(zip(names, (count == 1 for count in entries), strict=True))
    rows = []
    for place, name in enumerate(found["names"]):
        size, spread = float(found["mu_star"][place]), float(found["mu_star_conf"][place])
        mu, sigma = (float(found[key][place]) if single[name] else None for key in ("mu", "sigma"))
        rows.append((str(name), mu, size, max(0.0, size - spread), size + spread, sigma))
    columns = ("parameter", "mu", "mu_star", "mu_star_low", "mu_star_high", "sigma")
    types = {name: pl.String if name == "parameter" else pl.Float64 for name in columns}
    return pl.DataFrame(rows, schema=types, orient="row").sort(["mu_star", "parameter"], descending=[True, False])


def matter(table: pl.DataFrame) -> list[str]:
    """Return the unknowns that together hold nearly all of the summed squared mu*, the largest first."""
    squares = table["mu_star"].to_numpy() ** 2
    whole = squares.sum()
    if not whole:
        return []
    before = np.cumsum(squares) - squares
    return table["parameter"].to_numpy()[before < ENOUGH * whole].tolist()


def chosen(ranked: Sequence[Sequence[str]], most: int) -> list[str]:
    """Take unknowns of several outcomes in turn, the first of each, then the second, until `most` are taken."""
    taken: list[str] = []
    for place in range(max(map(len, ranked), default=0)):
        for names in ranked:
            if place < len(names) and names[place] not in taken and len(taken) < most:
                taken.append(names[place])
    return taken
