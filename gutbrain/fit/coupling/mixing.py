"""Whether chains have mixed: R-hat and effective sizes of ranks.

Sources: Vehtari, Gelman, Simpson, Carpenter & Buerkner 2021, Bayesian Analysis 16, 667 (ranks, folding, tails);
Geyer 1992, Statistical Science 7, 473-483 (initial monotone sequence).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

TAILS = (0.05, 0.95)  # quantiles whose effective size is that of the tails
FEWEST = 4  # draws of a half chain, below which nothing can be said


class Mixing(NamedTuple):
    """R-hat, effective size of the bulk and of the tails, arrays [quantities]; NaN with too few draws."""

    r_hat: np.ndarray
    bulk: np.ndarray
    tails: np.ndarray


def mixing(draws: np.ndarray) -> Mixing:
    """Return how well chains mixed.

    Parameters
    ----------
    draws : array [chains, draws, quantities]
    """
    half = draws.shape[1] // 2
    if half < FEWEST:
        nothing = np.full(draws.shape[2], np.nan)
        return Mixing(nothing, nothing, nothing)
    split = np.concatenate([draws[:, :half], draws[:, -half:]])
    ranked = _ranked(split)
    folded = _ranked(np.abs(split - np.median(split, axis=(0, 1))))
    r_hat = np.maximum(_r_hat(ranked), _r_hat(folded))
    limits = np.quantile(split, TAILS, axis=(0, 1))
    tails = np.minimum(*(_effective((split <= limit).astype(float)) for limit in limits))
    return Mixing(r_hat, _effective(ranked), tails)


def _ranked(split: np.ndarray) -> np.ndarray:
    """Return normal scores of the ranks over all chains."""
    flat = split.reshape(-1, split.shape[2])
    return ndtri((rankdata(flat, axis=0) - 0.375) / (len(flat) + 0.25)).reshape(split.shape)


def _r_hat(split: np.ndarray) -> np.ndarray:
    """Return the root of the whole variance over that within chains."""
    length = split.shape[1]
    within, between = split.var(1, ddof=1).mean(0), split.mean(1).var(0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt((length - 1) / length + between / within)


def _effective(split: np.ndarray) -> np.ndarray:
    """Return effective sizes from autocorrelations, summed in pairs as long as they are positive and fall."""
    chains, length, _ = split.shape
    centred = split - split.mean(1, keepdims=True)
    padded = np.fft.rfft(centred, 2 * length, axis=1)
    # Sums of products at a lag over the whole length: biased towards 0, and the noise of long lags stays small.
    covariances = np.fft.irfft(np.abs(padded) ** 2, axis=1)[:, :length] / length
    within = covariances[:, 0].mean(0) * length / (length - 1)
    whole = within * (length - 1) / length + split.mean(1).var(0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        follow = 1 - (within - covariances.mean(0)) / whole
    follow[0] = 1.0
    pairs = follow[0 : length - length % 2 : 2] + follow[1:length:2]
    positive = np.cumprod(pairs > 0, axis=0).astype(bool)
    falling = np.minimum.accumulate(np.where(positive, pairs, 0.0), axis=0)
    time = np.maximum(2 * falling.sum(0) - 1, 1 / np.log10(chains * length))
    return chains * length / time
