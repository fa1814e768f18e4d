"""What is believed of parameters before the data speak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prior:
    """Independent normal beliefs on the scale of estimation.

    Parameters
    ----------
    mean, sd : arrays [free parameters], in the order of `CouplingModel.free_names`
    about : one line a parameter on where the belief comes from ("" where it is the weak default)
    precision : array [free, free] where beliefs hang together (then `sd` tells its margins only)
    """

    mean: np.ndarray
    sd: np.ndarray
    about: tuple[str, ...] = ()
    precision: np.ndarray | None = None

    def log_density(self, free: np.ndarray) -> float:
        """Return the log density of a vector of free parameters."""
        left = np.asarray(free) - self.mean
        if self.precision is not None:
            _, size = np.linalg.slogdet(self.precision)
            return float(-0.5 * left @ self.precision @ left + 0.5 * size - 0.5 * len(left) * np.log(2 * np.pi))
        return float(np.sum(-0.5 * (left / self.sd) ** 2 - np.log(self.sd)) - 0.5 * len(left) * np.log(2 * np.pi))

    def slope(self, free: np.ndarray) -> np.ndarray:
        """Return the gradient of the log density."""
        left = np.asarray(free) - self.mean
        return -self.precision @ left if self.precision is not None else -left / self.sd**2

    @property
    def bend(self) -> np.ndarray:
        """Array [free, free]: the negative Hessian of the log density."""
        return self.precision if self.precision is not None else np.diag(1 / self.sd**2)
