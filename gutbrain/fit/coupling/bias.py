"""How far estimates from so few occasions lie off on average, found by drawing and fitting again.

Rates of return of one short series lean to fast ones, because noise and error are hard to tell apart. Series are drawn
from the estimate, at the same occasions, and fitted as the data were; what they are off by is taken from the estimate.
Sizes and rates are corrected by their ratio, so that they keep their sign, correlations on the scale of estimation.
Source: Efron & Tibshirani 1993, An introduction to the bootstrap (chapter 10), doi 10.1007/978-1-4899-4541-9.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.maximum import Objective, Progress, fit
from gutbrain.fit.coupling.simulate import simulate

FEWEST = 20  # series that could be fitted
CORRECTED = pl.DataFrame(schema={"parameter": pl.String, **dict.fromkeys(
    ("estimate", "bias", "corrected", "standard_error", "low", "high"), pl.Float64), "sets": pl.Int64})  # fmt: skip


def corrected(
    fitted: Fitted,
    sets: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
    objective: Objective | None = None,
) -> pl.DataFrame:
    """Return estimates freed of their bias.

    Parameters
    ----------
    fitted : a maximum without a prior (what a prior draws in is no bias, and would be undone)
    sets : how many series are drawn
    progress : called with what is done, how much of it, and of how much
    objective : one that is compiled already, of the same model, panel and prior

    Returns
    -------
    table with parameter, estimate, bias, corrected, standard_error (of the estimate, as the series scatter), low, high
    (95 %, basic bootstrap) and sets (that converged)

    Raises
    ------
    InputError
        If the fit itself did not converge, or fewer than 20 of the drawn series could be fitted.
    """
    if not fitted.converged or fitted.draws is not None or fitted.prior is not None:
        raise InputError("only a maximum without a prior that converged can be freed of its bias",
                         mend="Fit with --method ml")  # fmt: skip
    objective = objective or Objective(fitted.model, fitted.panel, fitted.prior)
    kept = objective.panel
    found = []
    for number in range(sets):
        drawn = simulate(fitted, None, fitted.panel, seed=seed * 1_000_003 + number)
        objective.take(drawn)
        again = fit(fitted.model, drawn, fitted.prior, start=fitted.free, objective=objective)
        if again.converged:
            found.append(again.free)
        if progress is not None:
            progress("drawing and fitting again", number + 1, sets)
    objective.take(kept)
    if len(found) < FEWEST:
        raise InputError(f"of {sets} drawn series only {len(found)} could be fitted", mend="Ask for fewer parameters")
    raw, estimate = np.array(found), fitted.natural()
    many = np.array([fitted.natural(one) for one in raw])
    mean = many.mean(0)
    transforms = np.array([fitted.model.parameters[at].transform for at in fitted.model.free])
    freed = np.where(transforms == "identity", 2 * estimate - mean, fitted.natural(2 * fitted.free - raw.mean(0)))
    ratio = np.isin(transforms, ("log", "negative"))
    freed[ratio] = estimate[ratio] ** 2 / mean[ratio]
    ends = [fitted.natural(2 * fitted.free - end) for end in np.quantile(raw, [0.975, 0.025], axis=0)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    return pl.DataFrame({
        "parameter": fitted.model.free_names, "estimate": estimate, "bias": estimate - freed, "corrected": freed,
        "standard_error": many.std(0, ddof=1), "low": low, "high": high, "sets": len(found),
    }, schema=CORRECTED.schema)  # fmt: skip
