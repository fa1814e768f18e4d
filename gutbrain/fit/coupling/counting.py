"""What counting reads alone adds to the variance of what is computed from a sample: the error of shallow samples.

By the delta method from multinomial counts; what a laboratory adds to it is left to the error that is estimated.
"""

from __future__ import annotations

import numpy as np

from gutbrain.analyse.community import Community
from gutbrain.analyse.function.groups import RATIO, placed
from gutbrain.analyse.models.effects import REPLACEMENT
from gutbrain.people.taxa import GROUPS

LOG2 = np.log(2.0)


def of_contrast(amounts: np.ndarray, contrast: np.ndarray, smallest: np.ndarray | None = None) -> np.ndarray:
    """Return the variance of a contrast of natural logarithms of counts, array [sample].

    Parameters
    ----------
    amounts : counts, array [sample, part]
    contrast : weights of the logarithms that sum to 0, array [part]
    smallest : smallest count a sample could have shown, array [sample]; the smallest seen by default

    Notes
    -----
    Multinomial covariances between parts cancel in a contrast: what is left is the sum of weight² / count.
    What was not seen counts 0.65 of the smallest, as in its logarithm.
    """
    if smallest is None:
        smallest = np.where(amounts > 0, amounts, np.inf).min(axis=1)
    filled = np.where(amounts > 0, amounts, REPLACEMENT * smallest[:, None])
    return np.asarray((contrast**2 / filled).sum(axis=1))


def of_ratio(amounts: np.ndarray, part: int, smallest: np.ndarray | None = None) -> np.ndarray:
    """Return the variance of a centred log-ratio to base 2, array [sample]."""
    contrast = np.full(amounts.shape[1], -1.0 / amounts.shape[1])
    contrast[part] += 1
    return of_contrast(amounts, contrast, smallest) / LOG2**2


def of_share(share: np.ndarray, reads: np.ndarray) -> np.ndarray:
    """Return the variance of a share (0 to 1), array [sample]; a share of 0 counts as 0.65 of a read."""
    least = np.clip(share, np.minimum(REPLACEMENT / reads, 0.5), 1 - np.minimum(REPLACEMENT / reads, 0.5))
    return np.asarray(least * (1 - least) / reads)


def of_index(community: Community, index: str) -> np.ndarray | None:
    """Return the variance of Shannon's or Simpson's index, array [sample]; None for others.

    Notes
    -----
    The delta method gives (sum p ln² p - H²) / N for Shannon's and 4 (sum p³ - (sum p²)²) / N for Simpson's.
    """
    shares, reads = community.shares(), community.values.sum(axis=1)
    if index == "shannon":
        logs = np.log(shares, where=shares > 0, out=np.zeros_like(shares))
        spread = (shares * logs**2).sum(axis=1) - (shares * logs).sum(axis=1) ** 2
    elif index == "simpson":
        spread = 4 * ((shares**3).sum(axis=1) - (shares**2).sum(axis=1) ** 2)
    else:
        return None
    return np.asarray(np.maximum(spread, 0.0) / reads)


def of_group(community: Community, name: str) -> np.ndarray | None:
    """Return the variance of a quantity of `gutbrain.analyse.function.groups`, array [sample]; None where unknown."""
    groups, reads = placed(community), community.values.sum(axis=1)
    if name.endswith(RATIO) and name.removesuffix(RATIO) in GROUPS:
        counts = groups.shares * reads[:, None]
        return of_ratio(counts, GROUPS.index(name.removesuffix(RATIO)), groups.smallest * reads)
    if name in GROUPS:
        share = groups.shares[:, GROUPS.index(name)]
    elif name in ("butyrate_makers", "propionate_makers"):
        share = groups.makers[:, int(name == "propionate_makers")]
    else:
        return None
    return 100**2 * of_share(share, reads)
