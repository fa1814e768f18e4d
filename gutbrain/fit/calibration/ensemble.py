"""Ensemble smoother with several assimilations of the same data: a forward model is run, never differentiated.

Each of `STEPS` updates takes the data with an error inflated by that number, which for a linear model gives the exact
posterior mean and spread. Gains whose correlation over the ensemble is no larger than chance are shrunken to 0.

Source: Emerick & Reynolds 2013 (several assimilations); Luo & Bhakta 2020 (localisation by correlation); recalled.
"""

from __future__ import annotations

import numpy as np

STEPS = 4
CHANCE = 2.0  # standard errors of a correlation of 0 below which a gain is taken as chance


def localisation(numbers: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return by how much each gain is kept, array [numbers, outputs] from 0 to 1.

    Parameters
    ----------
    numbers : array [worlds, numbers]
    outputs : array [worlds, outputs]
    """
    count = len(numbers)
    x = (numbers - numbers.mean(axis=0)) / np.maximum(numbers.std(axis=0), 1e-12)
    y = (outputs - outputs.mean(axis=0)) / np.maximum(outputs.std(axis=0), 1e-12)
    size = np.abs(x.T @ y / count) * np.sqrt(count)
    # From nothing at chance level to all at twice that, without a jump.
    share = np.clip((size - CHANCE) / CHANCE, 0.0, 1.0)
    return np.asarray(share * share * (3 - 2 * share))


def update(
    numbers: np.ndarray,
    outputs: np.ndarray,
    observed: np.ndarray,
    error: np.ndarray,
    inflation: float,
    generator: np.random.Generator,
    *,
    localise: bool = True,
) -> np.ndarray:
    """Move an ensemble towards data once.

    Parameters
    ----------
    numbers : array [worlds, numbers], what is to be moved
    outputs : array [worlds, data], what each world gives
    observed, error : arrays [data], the data and their standard deviations
    inflation : factor on the variance of the errors in this update
    localise : shrink gains that chance explains

    Returns
    -------
    array [worlds, numbers]
    """
    count = len(numbers)
    x, y = numbers - numbers.mean(axis=0), outputs - outputs.mean(axis=0)
    # In units of the errors, so that no inverse is badly scaled.
    scaled = y / error
    between = scaled.T @ scaled / (count - 1) + inflation * np.eye(len(observed))
    cross = x.T @ scaled / (count - 1)
    gain = np.linalg.solve(between, cross.T).T
    if localise:
        gain = gain * localisation(numbers, outputs)
    seen = observed / error + np.sqrt(inflation) * generator.standard_normal((count, len(observed)))
    # Errors that are centred leave the mean of a small ensemble where the data put it.
    seen -= seen.mean(axis=0) - observed / error
    return np.asarray(numbers + (seen - outputs / error) @ gain.T)
