"""Sobol indices with SALib, and the share of variance of two groups by pick and freeze.

All unknowns vary in every draw, those that were screened out too: a share is one of the whole variance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from SALib.analyze import sobol as analysis
from SALib.sample import sobol as design

from gutbrain.fit.sensitivity.morris import cube

RESAMPLES = 1000
Z95 = 1.959964
WITH, WITHOUT, BOTH = "with a source", "without a source", "both together"


@dataclass(frozen=True)
class Saltelli:
    """Points of a Saltelli design.

    Attributes
    ----------
    points : array [base, blocks, coordinates]: A, A with the sourced from B, A with the others from B, A with each
        chosen unknown from B, and B
    chosen : names of the unknowns with a block of their own
    """

    points: np.ndarray
    chosen: tuple[str, ...]

    @property
    def rows(self) -> np.ndarray:
        """The points below each other, array [base * blocks, coordinates]."""
        return self.points.reshape(-1, self.points.shape[-1])

    def split(self, values: np.ndarray) -> np.ndarray:
        """Return values of the rows as an array [base, blocks]."""
        return np.asarray(values, float).reshape(self.points.shape[:2])


def saltelli(
    names: Sequence[str], entries: Sequence[int], sourced: Sequence[bool], chosen: Sequence[str], base: int, seed: int
) -> Saltelli:
    """Return the design: SALib crosses the two groups, single unknowns are crossed from the same A and B.

    Parameters
    ----------
    names, entries, sourced : of all unknowns, in the order of the coordinates
    chosen : names of those whose own indices are wanted
    base : rows of A, a power of two
    """
    ends = np.cumsum(entries)
    place = {name: np.arange(end - count, end) for name, count, end in zip(names, entries, ends, strict=True)}
    # The first coordinates of a Sobol sequence are the most even: they go to what matters most.
    first = [*chosen, *(name for name in names if name not in set(chosen))]
    order = np.concatenate([place[name] for name in first])
    side = np.repeat(list(sourced), entries)[order]
    problem = cube(["point"], [len(order)], 0.0, 1.0)
    both = bool(side.any() and not side.all())
    problem["groups"] = [WITH if one else WITHOUT for one in side] if both else ["all"] * len(order)
    made = design.sample(problem, base, calc_second_order=False, seed=np.random.default_rng([seed, 2]))
    made = made.reshape(base, -1, len(order))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    a, b = made[:, 0][:, back], made[:, -1][:, back]
    owner = np.repeat(list(sourced), entries)
    blocks = [a, np.where(owner, b, a), np.where(owner, a, b)]
    for name in chosen:
        crossed = a.copy()
        crossed[:, place[name]] = b[:, place[name]]
        blocks.append(crossed)
    return Saltelli(np.stack([*blocks, b], axis=1), tuple(chosen))


def sobol_table(made: Saltelli, values: np.ndarray, seed: int) -> pl.DataFrame:
    """Return first and total order of the chosen unknowns.

    Parameters
    ----------
    values : outcome, array [base, blocks]

    Returns
    -------
    columns parameter, first, first_low, first_high, total, total_low, total_high (95 % by SALib's bootstrap), as
    shares of the whole variance, the largest total first. Small shares may come out below 0: that is sampling.
    """
    count = len(made.chosen)
    rows = np.column_stack([values[:, 0], values[:, 3:]])
    problem = {"num_vars": count, "names": list(made.chosen), "bounds": [[0.0, 1.0]] * count}
    found = analysis.analyze(
        problem, rows.ravel(), calc_second_order=False, num_resamples=RESAMPLES, seed=seed + 1
    )  # a seed of 0 would be taken for none
    columns: dict[str, object] = {"parameter": list(made.chosen)}
    for key, said in (("S1", "first"), ("ST", "total")):
        size, half = np.asarray(found[key]), np.asarray(found[f"{key}_conf"])
        columns |= {said: size, f"{said}_low": size - half, f"{said}_high": size + half}
    return pl.DataFrame(columns).sort(["total", "parameter"], descending=[True, False])


def shares(values: np.ndarray, seed: int) -> pl.DataFrame:
    """Return the share of variance of the sourced alone, of the others alone, and of both together.

    Parameters
    ----------
    values : outcome, array [base, blocks] of `Saltelli`

    Returns
    -------
    columns part, share, low, high (95 % by bootstrap over rows). The three shares add up to 1.

    Notes
    -----
    A and A with the others from B have the sourced in common, and so have B and B's like: the covariance of such
    pairs is the closed index of the sourced. It is no sum of indices of single unknowns.
    """
    quad = values[:, [0, 1, 2, -1]]  # A, sourced from B, others from B, B
    centre = _closed(quad)
    pick = np.random.default_rng([seed, 3]).integers(len(quad), size=(RESAMPLES, len(quad)))
    drawn = np.array([_closed(quad[rows]) for rows in pick])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return pl.DataFrame({"part": [WITH, WITHOUT, BOTH], "share": centre, "low": low, "high": high})


def _closed(quad: np.ndarray) -> np.ndarray:
    spread = quad - quad.mean()
    a, sourced_from_b, others_from_b, b = spread.T
    size = (spread**2).mean(axis=1)
    apart = (a * b + sourced_from_b * others_from_b) / 2  # pairs with nothing in common
    with_source = _covariance((a * others_from_b + b * sourced_from_b) / 2, apart, size)
    without = _covariance((a * sourced_from_b + b * others_from_b) / 2, apart, size)
    return np.array([with_source, without, 1 - with_source - without])


def _covariance(alike: np.ndarray, apart: np.ndarray, size: np.ndarray) -> float:
    """Return the mean product of pairs that have a group in common, as a share of the variance.

    Products of pairs with nothing in common have mean 0: what they are off by is taken out by regression, which
    makes shares near 0 as sharp as those near 1.
    """
    variance = float(size.mean())
    if variance == 0:
        return 0.0
    error = alike - alike.mean() / variance * size
    below = float(((apart - apart.mean()) ** 2).sum())
    slope = float(((apart - apart.mean()) * error).sum()) / below if below else 0.0
    return float(alike.mean() - slope * apart.mean()) / variance


def of_unknowns(table: pl.DataFrame, told: Mapping[str, Mapping[str, object]], keys: Sequence[str]) -> pl.DataFrame:
    """Return a table of unknowns with what is told of each: its grade, its unit and so on."""
    frame = pl.DataFrame({key: [told[name][key] for name in table["parameter"]] for key in keys})
    return pl.concat([table, frame], how="horizontal")
