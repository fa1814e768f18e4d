"""Models compared by people they have not seen: each person's series under parameters that the others gave.

Source: Stone 1974, Journal of the Royal Statistical Society B 36, 111-147 (cross-validatory choice; recalled).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.optimize import minimize

from gutbrain.errors import InputError
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.maximum import FAR, Objective, Progress

GENTLE = 1e-3  # slope, per standard error, at which a fit without one person has settled
FEWEST = 3  # people
SINGULAR = 1e-12  # least eigenvalue of a correlation matrix
SETTLED = 1e-4  # gain that a further step may still promise, in log likelihood


def compare(
    fits: Sequence[Fitted],
    names: Sequence[str] = (),
    *,
    quick: bool = False,
    objectives: Sequence[Objective] = (),
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Return how well models foretell people that they were not fitted to.

    Parameters
    ----------
    fits : of different models for the same series
    names : what the table calls them
    quick : one Newton step from the common maximum instead of a fit without each person
    objectives : those that are compiled already, one a fit

    Returns
    -------
    One row a model, the best first: model, parameters, log_density (sum over people), difference (to the best),
    standard_error (of the difference), unsettled (people without whom the fit did not settle).

    Raises
    ------
    InputError
        If series differ, there are fewer than three people, or a fit has no covariance.

    Notes
    -----
    The standard error takes people as independent: root of their number x SD of their differences. With fewer than
    about 20 people it says little.
    """
    names = tuple(names) or tuple(f"model {at + 1}" for at in range(len(fits)))
    _checked(fits, names)
    scores, unsettled = [], []
    for at, one in enumerate(fits):
        given = objectives[at] if objectives else None
        made, failed = left_out(one, quick=quick, objective=given, progress=progress, name=names[at])
        scores.append(made)
        unsettled.append(failed)
    totals = np.array([score.sum() for score in scores])
    order = np.argsort(-totals, kind="stable")
    apart = [scores[at] - scores[order[0]] for at in order]
    return pl.DataFrame(
        {
            "model": [names[at] for at in order],
            "parameters": [len(fits[at].free) for at in order],
            "log_density": totals[order],
            "difference": [float(one.sum()) for one in apart],
            "standard_error": [float(np.sqrt(len(one)) * one.std(ddof=1)) for one in apart],
            "unsettled": [unsettled[at] for at in order],
        }
    )


def left_out(
    fitted: Fitted,
    *,
    quick: bool = False,
    objective: Objective | None = None,
    progress: Progress | None = None,
    name: str = "model",
) -> tuple[np.ndarray, int]:
    """Return everybody's log density under parameters of the others [people], and how many fits did not settle."""
    objective = objective or Objective(fitted.model, fitted.panel, fitted.prior)
    told = progress or (lambda what, done, of: None)
    people = objective.people
    errors = np.sqrt(np.diag(fitted.covariance))
    inner = np.flatnonzero(errors > 0)  # parameters at the edge of what is possible have no variance and stay there
    units = errors[inner]
    values, vectors = np.linalg.eigh(fitted.covariance[np.ix_(inner, inner)] / units[:, None] / units)
    # Without one of n people the data say less by a share of one in n.
    size = np.sqrt(np.maximum(values, SINGULAR) * people / (people - 1))
    factor = np.zeros((len(errors), len(inner)))
    factor[inner] = units[:, None] * vectors * size
    objective.adapt(fitted.free)
    mode, covariance = objective.mode, objective.covariance
    made, unsettled = np.zeros(people), 0
    try:
        for person in range(people):
            told(f"{name}: without one person", person, people)
            objective.share = np.ones(people)
            objective.share[person] = 0.0

            def scaled(x: np.ndarray) -> tuple[float, np.ndarray]:
                value, slope = objective.value_and_slope(fitted.free + factor @ x)
                return value, factor.T @ slope

            begin = scaled(np.zeros(factor.shape[1]))
            x, settled = -begin[1], True
            if not quick or scaled(x)[0] > begin[0]:
                found = minimize(
                    scaled, np.zeros(len(x)), jac=True, method="BFGS", options={"gtol": GENTLE, "maxiter": 200}
                )
                x, settled = found.x, bool(found.fun < FAR and np.sum(np.asarray(found.jac) ** 2) / 2 < SETTLED)
            free = fitted.free + factor @ x
            if not quick and objective.model.curved:
                objective.adapt(free)
            made[person] = objective.by_person(free)[person]
            unsettled += not settled
            if objective.model.curved:
                objective.mode, objective.covariance = mode, covariance
                objective.place_nodes()
    finally:
        objective.share = np.ones(people)
    told(f"{name}: without one person", people, people)
    return made, unsettled


def _checked(fits: Sequence[Fitted], names: Sequence[str]) -> None:
    """Refuse what cannot be compared."""
    if not fits or len(names) != len(fits) or len(set(names)) != len(names):
        raise InputError(f"{len(fits)} fits and {len(names)} names", mend="Give each fit a name of its own")
    first = fits[0].panel
    if len(first.people) < FEWEST:
        raise InputError(f"{len(first.people)} people cannot be left out one by one", mend="It takes three at least")
    for one, name in zip(fits, names, strict=True):
        panel = one.panel
        same = panel.people == first.people and panel.indicators == first.indicators
        if not (
            same
            and np.array_equal(panel.time, first.time)
            and np.array_equal(panel.values, first.values, equal_nan=True)
        ):
            raise InputError(
                f"{name!r} was fitted to other series than {names[0]!r}", mend="Fit all models to the same ones"
            )
        if not np.isfinite(one.covariance).all():
            raise InputError(
                f"{name!r} has no covariance, its fit did not converge", mend="Leave it out of the comparison"
            )
