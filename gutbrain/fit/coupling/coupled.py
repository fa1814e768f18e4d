"""All that is told of a fitted coupling model, in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.stats import norm

from gutbrain.fit.coupling.bias import CORRECTED
from gutbrain.fit.coupling.cannot import STAYED, cannot
from gutbrain.fit.coupling.checks import checks
from gutbrain.fit.coupling.effects import directions, impulses, lagged
from gutbrain.fit.coupling.explained import explained
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.forecast import residuals, states
from gutbrain.fit.coupling.people import Follower, persons

FAR = 2.0  # SDs of the belief: an estimate this far off it speaks against it

# Of each kind of parameter: its unit, and a sentence; {0} and {1} are the names in its brackets.
ABOUT = {
    "drift": ("per day", "how fast {0} changes by one unit of {1}"),
    "noise": ("per square root of a day", "how strongly {0} is moved by chance"),
    "noise_correlation": ("", "how far chance moves {0} and {1} together (a partial correlation)"),
    "intercept": ("per day", "steady push on {0}"),
    "mean": ("", "mean of {0}"),
    "loading": ("", "how much {0} shows of {1}"),
    "error": ("", "standard deviation of the error of {0}"),
    "threshold": ("", "border {1} of {0}; from the second on its distance to the one before"),
    "impulse": ("per dose", "how far one dose of {1} moves {0} at once"),
    "level": ("per day and unit", "how fast {1} moves {0} as long as it lasts"),
    "trend": ("per day", "straight course of {0}"),
    "cosine": ("", "cycle of {0} over 24 hours, part with its peak at midnight"),
    "sine": ("", "cycle of {0} over 24 hours, part with its peak at six in the morning"),
    "initial_mean": ("", "{0} at the first occasion"),
    "initial_sd": ("", "standard deviation of {0} at the first occasion"),
    "initial_sd_correlation": ("", "how {0} and {1} go together at the first occasion (a partial correlation)"),
    "predictor": ("scale of estimation", "how {0} changes by one unit of {1}"),
    "spread": ("scale of estimation", "how much people differ in {0} (standard deviation)"),
    "spread_correlation": ("", "how {0} and {1} go together between people (a partial correlation)"),
}
ITSELF = ("per day", "how fast {0} returns to rest (minus its rate)")
MOVED: dict[str, type[pl.DataType]] = {"parameter": pl.String}
MOVED |= dict.fromkeys(("prior", "prior_low", "prior_high", "estimate", "low", "high"), pl.Float64) | {
    "said": pl.String
}


@dataclass(frozen=True)
class Coupled:
    """A fit and what it says; tables as their makers describe them.

    Parameters
    ----------
    fitted : the fit that is reported
    early : the maximum that was shown before a longer fit ended
    parameters : `Fitted.table` with unit and a sentence
    lagged, impulses, directions : of `effects`; explained : of `explained`
    persons : of `people`; states, residuals : of `forecast`; checks : of `checks`
    moved : parameter, belief and its limits, estimate and its limits, what the data said; empty without a prior
    cannot : what cannot be concluded
    corrected : of `bias`, if it was asked for
    """

    fitted: Fitted
    early: Fitted | None
    parameters: pl.DataFrame
    lagged: pl.DataFrame
    impulses: pl.DataFrame
    directions: pl.DataFrame
    explained: pl.DataFrame
    persons: pl.DataFrame
    states: pl.DataFrame
    residuals: pl.DataFrame
    checks: pl.DataFrame
    moved: pl.DataFrame
    cannot: tuple[str, ...]
    corrected: pl.DataFrame = field(default_factory=CORRECTED.clear)


def coupled(
    fitted: Fitted,
    early: Fitted | None = None,
    lags: Sequence[float] | np.ndarray | None = None,
    dose: Mapping[str, float] | None = None,
    ahead: float | None = None,
) -> Coupled:
    """Return what a fit says.

    Parameters
    ----------
    fitted, early : the fit, and the maximum shown before it
    lags : of curves, days
    dose : of inputs, by name; by default the median of those given
    ahead : days to forecast
    """
    at = None if lags is None else np.asarray(lags, float)
    follower = Follower(fitted, ahead)
    followed = follower.follow()
    left = residuals(fitted.model, followed)
    ways, checked = directions(fitted), checks(left)
    return Coupled(
        fitted, early, parameters(fitted), lagged(fitted, at), impulses(fitted, at, dict(dose or {})), ways,
        explained(fitted), persons(fitted, follower), states(fitted.model, followed), left, checked, moved(fitted),
        cannot(fitted, ways, checked),
    )  # fmt: skip


def parameters(fitted: Fitted) -> pl.DataFrame:
    """Return the table of a fit with the unit of each parameter and a sentence on what it is."""
    told = []
    for one in fitted.model.parameters:
        names = one.name[one.name.index("[") + 1 : -1]
        # The first name of some kinds holds a comma of its own: it is a parameter, brackets and all.
        parts = names.split("], ") if "], " in names else names.split(", ")
        parts = [f"{part}]" if "[" in part and not part.endswith("]") else part for part in parts]
        alike = one.kind == "drift" and one.place[0] == one.place[1]
        unit, about = ITSELF if alike else ABOUT[one.kind]
        told.append((one.name, unit, about.format(*parts, "")))
    return fitted.table().join(
        pl.DataFrame(told, schema=["parameter", "unit", "about"], orient="row"),
        on="parameter",
        how="left",
        maintain_order="left",
    )


def moved(fitted: Fitted, level: float = 0.95) -> pl.DataFrame:
    """Return what was believed of each parameter and what the data made of it."""
    prior, model = fitted.prior, fitted.model
    if prior is None:
        return pl.DataFrame(schema=MOVED)
    reach = norm.ppf((1 + level) / 2) * prior.sd
    table = {row["parameter"]: row for row in fitted.table(level).iter_rows(named=True)}
    now = np.sqrt(np.diag(fitted.covariance))
    rows = []
    for at, place in enumerate(model.free):
        one, found = model.parameters[place], table[model.parameters[place].name]
        # Beliefs far out are told as infinite where their natural value is.
        with np.errstate(over="ignore"):
            low, high = sorted(one.natural(prior.mean[at] + side * reach[at]) for side in (-1, 1))
        said = _said((fitted.free[at] - prior.mean[at]) / prior.sd[at], now[at] / prior.sd[at])
        about = f" Belief: {prior.about[at]}." if prior.about and prior.about[at] else ""
        rows.append((one.name, one.natural(prior.mean[at]), low, high, found["estimate"], found["low"], found["high"],
                     said + about))  # fmt: skip
    return pl.DataFrame(rows, schema=MOVED, orient="row")


def _said(shift: float, share: float) -> str:
    """Return what the data said: `shift` in SDs of the belief, `share` of its spread that is left."""
    if not np.isfinite(share):
        return "How much the data said cannot be told: there are no standard errors."
    if abs(shift) > FAR:
        return f"The data speak against the belief: they moved it by {abs(shift):.1f} of its standard deviations."
    if share > STAYED:
        return "The data say next to nothing: the belief stands as it was."
    if abs(shift) > 1:
        return f"The data moved the belief by {abs(shift):.1f} of its standard deviations."
    return f"The data agree with the belief and narrow it to {share:.0%} of its width."
