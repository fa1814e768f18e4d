"""Robust principal components of compositions: zeros are unknown, not small (RPCA)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gutbrain.analyse.communities.distances import refuse_empty, robust_log_ratio
from gutbrain.analyse.communities.ordination import Ordination, facing_signs
from gutbrain.analyse.community import Community
from gutbrain.errors import InputError

RIDGE = 0.1  # times the size of the largest singular value that noise alone would have
ROUNDS, SETTLED = 1000, 1e-10


@dataclass(frozen=True)
class Completed:
    """A matrix of low rank that fits what was observed.

    Parameters
    ----------
    rows, columns : arrays [row, rank] and [column, rank]; rows @ columns.T is the matrix
    loss : mean squared error of the observed cells
    rounds : how often both sides were solved
    settled : whether the loss had stopped to fall
    """

    rows: np.ndarray
    columns: np.ndarray
    loss: float
    rounds: int
    settled: bool

    @property
    def matrix(self) -> np.ndarray:
        """The completed matrix, array [row, column]."""
        return np.asarray(self.rows @ self.columns.T)


def complete(observed: np.ndarray, rank: int, ridge: float = RIDGE) -> Completed:
    """Return the matrix of this rank that fits the observed cells best.

    Parameters
    ----------
    observed : array [row, column]; NaN where nothing was observed
    rank : of the matrix
    ridge : how strongly large cells are penalised, relative; 0 fits the observed cells only

    Raises
    ------
    InputError
        If the rank is not between 1 and the smaller side, or nothing was observed that differs from 0.

    Notes
    -----
    Minimised over U and V: sum over observed cells (Y - U V')² + penalty (|U|² + |V|²), with penalty = ridge x sd(Y) x
    sqrt(share observed) x (sqrt(rows) + sqrt(columns)), so that a change of units or of size changes nothing. The start
    is the singular value decomposition of Y with unobserved cells 0, rescaled by the share observed, as in OptSpace
    (Keshavan, Montanari & Oh 2010, doi 10.1109/TIT.2010.2046205). From there OptSpace descends on the product of two
    Grassmann manifolds; here the two sides are solved in turn, each exactly, which needs no step size. Without the
    penalty, cells that nothing was observed of can become huge.
    """
    there = np.isfinite(observed)
    if not 1 <= rank <= min(observed.shape):
        raise InputError(
            f"rank {rank} is not possible with {observed.shape[0]} samples and {observed.shape[1]} features",
            field="rank", mend=f"1 to {min(observed.shape)}",
        )  # fmt: skip
    spread = float(observed[there].std()) if there.any() else 0.0
    if spread == 0:
        raise InputError("everything observed is the same", mend="There is nothing to complete")
    cells, weight = np.where(there, observed, 0.0), there.astype(float)
    share = float(weight.mean())
    penalty = max(ridge, 1e-9) * spread * np.sqrt(share) * float(np.sqrt(observed.shape).sum())
    left, sizes, right = np.linalg.svd(cells / share, full_matrices=False)
    rows, columns = left[:, :rank] * np.sqrt(sizes[:rank]), right[:rank].T * np.sqrt(sizes[:rank])
    last, rounds, settled = np.inf, 0, False
    while rounds < ROUNDS and not settled:
        rounds += 1
        rows = _solved(cells, weight, columns, penalty)
        columns = _solved(cells.T, weight.T, rows, penalty)
        rows, columns = _balanced(rows, columns)
        error = float((weight * (cells - rows @ columns.T) ** 2).sum())
        total = error + penalty * float((rows**2).sum() + (columns**2).sum())
        settled = last - total <= SETTLED * total
        last = total
    return Completed(rows, columns, error / float(weight.sum()), rounds, settled)


def robust_pca(community: Community, rank: int = 3, ridge: float = RIDGE) -> Ordination:
    """Return robust principal components (RPCA) of a community.

    Parameters
    ----------
    rank : of the completed matrix, and the number of axes
    ridge : see `complete`

    Returns
    -------
    Ordination; Euclidean distances of its scores are the robust Aitchison (RPCA) distances; loadings are unit vectors
    over features; shares are of the variance of the completed matrix

    Raises
    ------
    InputError
        For a sample that holds nothing, fewer than 3 samples or 2 features, or an impossible rank.

    Notes
    -----
    Logarithms of what each sample holds are centred by their own mean, cells without anything are completed at low
    rank, rows and columns are centred, and the result is decomposed into scores U S and loadings V. Source: Martino
    et al. 2019, doi 10.1128/mSystems.00016-19; gemelli gives U alone as sample scores, which leaves out how far each
    axis reaches. The rare features of a shallow sample are missing because they are rare: so samples that differ
    much in depth can come apart by it on an axis, here as in gemelli, and in Aitchison distances with replaced zeros.
    """
    refuse_empty(community)
    held = (community.values > 0).sum(axis=0)
    part = community.only(held > 0)
    if len(part) < 3 or len(part.names) < 2:
        raise InputError(
            f"robust components need 3 samples and 2 features, there are {len(part)} and {len(part.names)}",
            mend="Bring more samples, or take a lower rank of taxa",
        )  # fmt: skip
    most = min(len(part), len(part.names)) - 1
    if not 1 <= rank <= most:
        raise InputError(f"rank {rank} is not possible with {len(part)} samples and {len(part.names)} features",
                         field="rank", mend=f"1 to {most}")  # fmt: skip
    observed = robust_log_ratio(part.values)
    if np.nanstd(observed) <= 1e-12:
        raise InputError("in each sample all features stand alike", mend="There is nothing to ordinate")
    found = complete(observed, rank, ridge)
    # Centring both factors centres the rows and columns of their product.
    rows, columns = found.rows - found.rows.mean(axis=0), found.columns - found.columns.mean(axis=0)
    left, sizes, right = _factors(rows, columns)
    some = sizes > 1e-8 * float(np.linalg.norm(found.rows) * np.linalg.norm(found.columns))
    if not some.any():
        raise InputError("all samples have the same log-ratios", mend="There is nothing to ordinate")
    scores, loadings, sizes = left[:, some] * sizes[some], right[:, some], sizes[some]
    signs = facing_signs(scores)
    there = np.isfinite(observed)
    explained = 1 - found.loss / float(np.mean(observed[there] ** 2))
    notes = [
        f"{there.mean():.0%} of cells were observed; the matrix of rank {rank} has {explained:.0%} of their squares"
    ]
    if gone := len(community.names) - len(part.names):
        notes.append(f"{gone} features that no sample holds were left out")
    if rare := int((held[held > 0] <= rank).sum()):
        notes.append(
            f"{rare} of {len(part.names)} features are in {rank} samples or fewer: their cells are weakly known"
        )
    if not found.settled:
        notes.append(f"the completion had not settled after {found.rounds} rounds")
    return Ordination(
        scores * signs, sizes**2 / (len(part) - 1), sizes**2 / (sizes**2).sum(), community.samples,
        f"robust Aitchison, completed at rank {rank}", tuple(part.names), loadings * signs, tuple(notes),
    )  # fmt: skip


def _solved(cells: np.ndarray, weight: np.ndarray, other: np.ndarray, penalty: float) -> np.ndarray:
    """Solve one side exactly: for each row a ridge regression of its observed cells on the other side."""
    rank = other.shape[1]
    products = (other[:, :, None] * other[:, None, :]).reshape(len(other), rank * rank)
    normal = (weight @ products).reshape(-1, rank, rank) + penalty * np.eye(rank)
    return np.asarray(np.linalg.solve(normal, (cells @ other)[:, :, None])[:, :, 0])


def _factors(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the singular value decomposition of rows @ columns.T without making it."""
    row_basis, row_part = np.linalg.qr(rows)
    column_basis, column_part = np.linalg.qr(columns)
    left, sizes, right = np.linalg.svd(row_part @ column_part.T)
    return row_basis @ left, sizes, column_basis @ right.T


def _balanced(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same product with equally large sides, which the penalty prefers: fewer rounds are needed."""
    left, sizes, right = _factors(rows, columns)
    return left * np.sqrt(sizes), right * np.sqrt(sizes)
