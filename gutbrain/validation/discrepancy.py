"""What the body alone does not give: the distance between findings and virtual trials, learnt where fitting is allowed.

Published benefits are larger than those of the model wherever it has no arrow, where expectation and selective
reporting add to a trial, or where it is wrong. How much, and how unevenly, is estimated from the findings marked
`calibrate`, and laid over the forecasts of those marked `predict`: never the other way round.

Source: Kennedy & O'Hara 2001 (discrepancy of a model beside the doubt about its parameters); DerSimonian & Laird 1986
(between-study variance); both recalled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

FEWEST = 5  # findings below which nothing is learnt


@dataclass(frozen=True)
class Discrepancy:
    """Distance of findings from virtual trials, towards benefit, in standard deviations.

    Attributes
    ----------
    mean, mean_error : of the distance
    spread : standard deviation of the distance between findings, sampling apart
    findings : from how many it was learnt
    """

    mean: float
    mean_error: float
    spread: float
    findings: int

    def draws(self, count: int, benefit: float, seed: int) -> np.ndarray:
        """Return draws of the distance of a new finding, array [count], signed as the outcome."""
        generator = np.random.default_rng([seed, 31])
        size = float(np.hypot(self.mean_error, self.spread))
        return np.asarray(benefit * (self.mean + size * generator.standard_normal(count)))


def learnt(distances: Iterable[tuple[float, float]]) -> Discrepancy | None:
    """Estimate the discrepancy from distances towards benefit and their variances; None from too few.

    Parameters
    ----------
    distances : pairs (benefit x (published - mean of the virtual trials), variance of the virtual trials)
    """
    pairs = np.array(list(distances), float).reshape(-1, 2)
    if len(pairs) < FEWEST:
        return None
    distance, weight = pairs[:, 0], 1 / pairs[:, 1]
    fixed = np.sum(weight * distance) / weight.sum()
    excess = np.sum(weight * (distance - fixed) ** 2) - (len(pairs) - 1)
    between = max(0.0, excess / (weight.sum() - np.sum(weight**2) / weight.sum()))
    weight = 1 / (pairs[:, 1] + between)
    mean = np.sum(weight * distance) / weight.sum()
    return Discrepancy(float(mean), float(np.sqrt(1 / weight.sum())), float(np.sqrt(between)), len(pairs))
