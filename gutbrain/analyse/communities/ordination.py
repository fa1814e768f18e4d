"""Samples on a few axes: principal coordinates of any distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.spatial.distance import pdist, squareform

from gutbrain.analyse.communities.distances import Distances
from gutbrain.errors import InputError

CORRECTIONS = ("", "lingoes", "cailliez")
ZERO = 1e-10  # eigenvalues closer to 0 than this share of the largest are 0
MANY = 400  # samples from which the constant of Cailliez is found by iteration


@dataclass(frozen=True)
class Ordination:
    """Samples on axes.

    Parameters
    ----------
    scores : array [sample, axis], the axis of most variation first; only axes with an eigenvalue above 0
    eigenvalues : array [axis]; of principal coordinates also those below 0, at the end
    shares : array [axis], eigenvalue / sum of the eigenvalues above 0
    samples : one row a sample
    metric : what was ordinated, in words
    features, loadings : names, and array [feature, axis], where axes are made of features
    notes : what the reader should know
    """

    scores: np.ndarray
    eigenvalues: np.ndarray
    shares: np.ndarray
    samples: pl.DataFrame
    metric: str
    features: tuple[str, ...] = ()
    loadings: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def table(self, axes: int = 3) -> pl.DataFrame:
        """Return the samples with all their covariates and axis_1, axis_2 ..."""
        return self.samples.with_columns(_axes(self.scores, axes))

    def distances(self) -> Distances:
        """Return Euclidean distances of the samples on all axes; of RPCA they are robust Aitchison distances."""
        return Distances(squareform(pdist(self.scores)), self.samples, self.metric, self.notes)

    def axis_table(self) -> pl.DataFrame:
        """Return axis, eigenvalue and share."""
        numbers = np.arange(1, len(self.eigenvalues) + 1)
        return pl.DataFrame({"axis": numbers, "eigenvalue": self.eigenvalues, "share": self.shares})

    def loading_table(self, axes: int = 3) -> pl.DataFrame:
        """Return feature and axis_1, axis_2 ...; no rows where axes are not made of features."""
        loadings = np.empty((0, self.scores.shape[1])) if self.loadings is None else self.loadings
        return pl.DataFrame({"feature": pl.Series(self.features, dtype=pl.String)}).with_columns(_axes(loadings, axes))


def pcoa(distances: Distances, correction: str = "") -> Ordination:
    """Return principal coordinates, by an exact eigendecomposition.

    Parameters
    ----------
    correction : what to do where no Euclidean space has the distances: "" leaves the eigenvalues below 0 as they are,
        "lingoes" adds 2 c to the squared distances, "cailliez" adds c to the distances, both with the smallest c
        that makes every eigenvalue 0 or more

    Returns
    -------
    Ordination whose `eigenvalues` hold those below 0 too; the `notes` tell how much they are

    Raises
    ------
    InputError
        For an unknown correction, or distances that are all 0.

    Notes
    -----
    G = -J D² J / 2 with J = I - 1 1'/n; the scores are the eigenvectors of G, each times the root of its eigenvalue.
    The sign of an axis is arbitrary: the sample farthest out is made positive. Shares are of the sum of eigenvalues
    above 0 (as QIIME); ape divides by the trace, which is smaller when some are below 0.
    Sources: Gower 1966, doi 10.1093/biomet/53.3-4.325; Lingoes 1971, doi 10.1007/BF02291398; Cailliez 1983,
    doi 10.1007/BF02294026.
    """
    if correction not in CORRECTIONS:
        known = ", ".join(repr(name) for name in CORRECTIONS)
        raise InputError(f"{correction!r} is no correction of eigenvalues", mend=f"Known are {known}")
    values = distances.values
    if not (values > 0).any():
        raise InputError(f"all samples are the same by {distances.metric}", mend="There is nothing to ordinate")
    eigenvalues, vectors = _principal(_centred(values**2 / -2))
    notes, words = list(distances.notes), distances.metric
    below = eigenvalues[eigenvalues < 0]
    if len(below):
        share = -below.sum() / np.abs(eigenvalues).sum()
        notes.append(
            f"{len(below)} of {len(eigenvalues)} eigenvalues are below 0, {share:.1%} of the sum of their sizes: no "
            "Euclidean space has these distances"
        )
        if correction:
            constant = -float(below[-1]) if correction == "lingoes" else cailliez_constant(values)
            changed = values**2 + 2 * constant if correction == "lingoes" else (values + constant) ** 2
            np.fill_diagonal(changed, 0)
            eigenvalues, vectors = _principal(_centred(changed / -2))
            # What is left below 0 is rounding: the constant makes the smallest eigenvalue 0.
            eigenvalues = np.maximum(eigenvalues, 0)
            named = "squared distances + 2 x" if correction == "lingoes" else "distances +"
            notes.append(f"corrected as {correction.capitalize()}: {named} {constant:.6g}")
            words = f"{words}, corrected as {correction.capitalize()}"
    above = eigenvalues > 0
    scores = facing(vectors[:, above] * np.sqrt(eigenvalues[above]))
    shares = eigenvalues / eigenvalues[above].sum()
    return Ordination(scores, eigenvalues, shares, distances.samples, words, notes=tuple(notes))


def cailliez_constant(values: np.ndarray) -> float:
    """Return the smallest c for which distances + c are Euclidean, array [sample, sample].

    It is the largest eigenvalue of [[0, 2 G], [-I, -4 H]] with G and H the centred -D²/2 and -D/2.
    """
    squares, plain = _centred(values**2 / -2), _centred(values / -2)
    size = len(values)
    if size <= MANY:
        whole = np.block([[np.zeros_like(plain), 2 * squares], [-np.eye(size), -4 * plain]])
        return float(np.linalg.eigvals(whole).real.max())
    from scipy.sparse.linalg import LinearOperator, eigs

    def times(vector: np.ndarray) -> np.ndarray:
        upper, lower = vector[:size], vector[size:]
        return np.concatenate([2 * squares @ lower, -upper - 4 * plain @ lower])

    operator = LinearOperator((2 * size, 2 * size), matvec=times, dtype=float)
    start = np.random.default_rng(0).standard_normal(2 * size)
    found = eigs(operator, k=1, which="LR", return_eigenvectors=False, v0=start, ncv=60, maxiter=5000)
    return float(found.real.max())


def facing(scores: np.ndarray) -> np.ndarray:
    """Return axes turned so that the sample farthest out is positive: the same data give the same picture."""
    if not scores.size:
        return scores
    return np.asarray(scores * facing_signs(scores))


def facing_signs(scores: np.ndarray) -> np.ndarray:
    """Return 1 or -1 for each axis, array [axis]."""
    farthest = np.abs(scores).argmax(axis=0)
    return np.where(scores[farthest, np.arange(scores.shape[1])] < 0, -1.0, 1.0)


def _centred(matrix: np.ndarray) -> np.ndarray:
    rows = matrix.mean(axis=1)
    return np.asarray(matrix - rows[:, None] - rows[None, :] + matrix.mean())


def _principal(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues that are not 0, the largest first, and their vectors."""
    eigenvalues, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    order = np.argsort(-eigenvalues)
    kept = order[np.abs(eigenvalues[order]) > ZERO * np.abs(eigenvalues).max()]
    return eigenvalues[kept], vectors[:, kept]


def _axes(values: np.ndarray, axes: int) -> list[pl.Series]:
    """Return the first axes as columns; an axis that there is none of is 0."""
    columns = []
    for place in range(axes):
        column = values[:, place] if place < values.shape[1] else np.zeros(len(values))
        columns.append(pl.Series(f"axis_{place + 1}", np.ascontiguousarray(column), dtype=pl.Float64))
    return columns
