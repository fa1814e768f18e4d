"""Whether a community mediates at all: a permutation test on its principal coordinates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

LEAST = 1e-8  # of the largest eigenvalue; smaller ones, and those below zero, hold nothing

METRICS = {"aitchison": "euclidean", "braycurtis": "braycurtis"}


def principal_coordinates(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvectors [sample, axis] and eigenvalues [axis] above zero of a square matrix of distances."""
    squares = -0.5 * np.asarray(distances, float) ** 2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1, keepdims=True) + squares.mean()
    values, vectors = np.linalg.eigh(centred)
    kept = values > LEAST * max(values[-1], np.finfo(float).tiny)
    return vectors[:, kept], values[kept]


def distance_test(
    design: np.ndarray, place: int, tables: Mapping[str, np.ndarray], outcome: np.ndarray, permutations: int,
    generator: np.random.Generator,
) -> list[dict[str, object]]:  # fmt: skip
    """Test whether a community lies between a source and an outcome.

    Parameters
    ----------
    design : array [person, column], source and covariates
    place : column of the source
    tables : name of a distance (aitchison: given centred log ratios; braycurtis: given shares) -> [person, taxon]
    outcome : array [person]

    Returns
    -------
    one row a distance, and one, `omnibus`, for the best of them: distance, statistic, p_source, p_outcome, p

    Notes
    -----
    The statistic sums, over principal coordinates, eigenvalue x |coordinate with source| x |coordinate with outcome|,
    of residuals: the source given covariates, the outcome given both. Source of the statistic: Zhang, Wei & Chen 2018,
    doi 10.1093/bioinformatics/bty014. Here each side is permuted while the other is kept, and p is the larger: it
    holds if either path is missing, and is conservative if both are.
    """
    from scipy.spatial.distance import pdist, squareform

    others = np.delete(design, place, axis=1)
    sides = {"p_source": (design[:, place], others), "p_outcome": (outcome, design)}
    rests = {name: _rest(values, given) for name, (values, given) in sides.items()}
    people = len(outcome)
    orders = generator.permuted(np.tile(np.arange(people), (permutations, 1)), axis=1)
    statistics: dict[str, float] = {}
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in sides}
    for name, table in tables.items():
        vectors, values = principal_coordinates(squareform(pdist(table, METRICS[name])))
        with_source, with_outcome = (np.abs(vectors.T @ rests[side]) for side in sides)
        statistics[name] = float((values * with_source * with_outcome).sum())
        for side, (_, given) in sides.items():
            kept = with_outcome if side == "p_source" else with_source
            mixed = _rest(rests[side][orders].T, given)
            drawn[side].append((values * kept) @ np.abs(vectors.T @ mixed))
    rows: list[dict[str, object]] = []
    found = np.array(list(statistics.values()))
    both = {}
    for side, many in drawn.items():
        null = np.array(many)  # [distance, permutation]
        beyond = (null >= found[:, None] * (1 - 1e-12)).sum(axis=1)
        p = (beyond + 1) / (permutations + 1)
        # p of each permutation among the others, for the best distance (the observed one counts among them)
        ranks = np.array([(permutations - np.searchsorted(np.sort(row), row) + 1) / (permutations + 1) for row in null])
        best = ((ranks.min(axis=0) <= p.min() * (1 + 1e-12)).sum() + 1) / (permutations + 1)
        both[side] = np.append(p, best)
    for number, name in enumerate([*statistics, "omnibus"]):
        one, two = (float(both[side][number]) for side in sides)
        rows.append(
            {"distance": name, "statistic": statistics.get(name), "p_source": one, "p_outcome": two, "p": max(one, two)}
        )
    return rows


def _rest(values: np.ndarray, given: np.ndarray) -> np.ndarray:
    if not given.shape[1]:
        return values
    q, _ = np.linalg.qr(given)
    return np.asarray(values - q @ (q.T @ values))
