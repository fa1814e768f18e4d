"""A fitted coupling model: estimates, how sure they are, and whether the fit can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.stats import norm

from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.panel import Panel
from gutbrain.fit.coupling.prior import Prior

METHODS = ("maximum likelihood", "maximum a posteriori", "nuts")
STEP = 1e-5  # of central differences of what is reported


@dataclass(frozen=True)
class Fitted:
    """What a fit found.

    Parameters
    ----------
    model, panel : what was asked, and of whom
    method : maximum likelihood, maximum a posteriori, or nuts
    free : array [free], the maximum, or the mean of the draws; scale of estimation
    covariance : array [free, free] of the estimate or of the draws; NaN where it could not be had
    log_likelihood : at `free`, of all people
    by_person : array [people], the same person by person
    converged : whether the fit can be reported as one
    said : what went wrong or was uncertain, in sentences
    gradient : array [free] at the end; `decrement` is half the gain that a Newton step promises
    prior : of maximum a posteriori and nuts
    draws : array [chains, draws, free] of nuts
    effects : array [curved random effects, people], everybody's most likely ones, standard normal
    effects_covariance : array [people, curved, curved]
    diagnostics : divergences, largest R-hat, smallest effective size; error of the integration over effects
    seconds : how long the parts took
    """

    model: CouplingModel
    panel: Panel
    method: str
    free: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    by_person: np.ndarray
    converged: bool
    said: tuple[str, ...] = ()
    gradient: np.ndarray = field(default_factory=lambda: np.zeros(0))
    decrement: float = 0.0
    prior: Prior | None = None
    draws: np.ndarray | None = None
    effects: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    effects_covariance: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    diagnostics: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def full(self, free: np.ndarray | None = None) -> np.ndarray:
        """Return the vector of all parameters, scale of estimation, held ones in place."""
        made = np.array([0.0 if one.held is None else one.raw(one.held) for one in self.model.parameters])
        made[list(self.model.free)] = self.free if free is None else free
        return made

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Return vectors of free parameters [count, free]: posterior draws, or normal around the maximum."""
        generator = np.random.default_rng(seed)
        if self.draws is not None:
            flat = self.draws.reshape(-1, len(self.free))
            return flat[generator.choice(len(flat), count, replace=count > len(flat))]
        values, vectors = np.linalg.eigh(self.covariance)
        scaled = vectors * np.sqrt(np.maximum(values, 0))
        return self.free + generator.standard_normal((count, len(self.free))) @ scaled.T

    def natural(self, free: np.ndarray | None = None) -> np.ndarray:
        """Return the values of the free parameters as they are reported [free]."""
        vector = self.free if free is None else free
        return np.array([self.model.parameters[at].natural(x) for at, x in zip(self.model.free, vector, strict=True)])

    def of(self, quantity: Callable[[np.ndarray], np.ndarray], level: float = 0.95) -> tuple[np.ndarray, ...]:
        """Return estimate, standard error, lower and upper limit of any smooth quantity of the free parameters.

        With draws these are their mean, standard deviation and quantiles; otherwise the delta method.
        """
        if self.draws is not None:
            made = np.array([quantity(one) for one in self.draws.reshape(-1, len(self.free))])
            low, high = np.quantile(made, [(1 - level) / 2, (1 + level) / 2], axis=0)
            return made.mean(0), made.std(0, ddof=1), low, high
        middle = np.asarray(quantity(self.free), float)
        slopes = np.stack([(np.asarray(quantity(self.free + step), float) - quantity(self.free - step)) / (2 * STEP)
                           for step in STEP * np.eye(len(self.free))], -1)  # fmt: skip
        error = np.sqrt(np.einsum("...i,ij,...j->...", slopes, self.covariance, slopes))
        reach = norm.ppf((1 + level) / 2) * error
        return middle, error, middle - reach, middle + reach

    def table(self, level: float = 0.95) -> pl.DataFrame:
        """Return one row a parameter: name, kind, estimate, standard error, limits, whether it was held.

        Limits of maximum likelihood are normal on the scale of estimation and then carried over, so that a rate of
        return never has a limit of the wrong sign; standard errors are those of the value itself.
        """
        rows: list[tuple[object, ...]] = []
        reach = norm.ppf((1 + level) / 2) * np.sqrt(np.diag(self.covariance))
        estimate, error, *limits = self.of(self.natural, level)
        low, high = self.natural(self.free - reach), self.natural(self.free + reach)
        low, high = (limits[0], limits[1]) if self.draws is not None else (np.minimum(low, high), np.maximum(low, high))
        place = {at: row for row, at in enumerate(self.model.free)}
        for at, one in enumerate(self.model.parameters):
            row = place.get(at)
            if row is None:
                rows.append((one.name, one.kind, one.held, 0.0, one.held, one.held, True))
            else:
                numbers = (estimate[row], error[row], low[row], high[row])
                rows.append((one.name, one.kind, *map(float, numbers), False))
        schema = ["parameter", "kind", "estimate", "standard_error", "low", "high", "held"]
        return pl.DataFrame(rows, schema=schema, orient="row")
