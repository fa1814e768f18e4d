"""How strong something unmeasured would have to be to explain an indirect effect away."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from scipy.special import stdtrit

from gutbrain.analyse.paths.mediation_intervals import product_interval
from gutbrain.errors import InputError

CORRELATIONS = np.round(np.linspace(-0.9, 0.9, 37), 2)
# A standardised difference d is a risk ratio of about exp(0.91 d) (VanderWeele & Ding 2017, doi 10.7326/M16-2607).
LOG_RISK_RATIO_PER_SD = 0.91


def shifted_path(
    b: float, b_error: float, residuals: tuple[float, float], dfs: tuple[float, float], correlation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return path b and its standard error, had the residuals of mediator and outcome this correlation.

    Parameters
    ----------
    b, b_error : path from mediator to outcome, and its standard error
    residuals : square sums of the residuals of the mediator's and of the outcome's model
    dfs : residual degrees of freedom of both models
    correlation : array [correlation], each within (-1, 1)

    Raises
    ------
    InputError
        For a correlation outside (-1, 1).

    Notes
    -----
    In linear models the indirect effect at correlation r is a (b - s_Y / s_M r / sqrt(1 - r^2)), with the residual
    standard deviations s of both models. Source: Imai, Keele & Yamamoto 2010, doi 10.1214/10-STS321,
    rewritten with the residuals of the full model. Both s are estimated: their spread is in the standard error.
    """
    correlation = np.asarray(correlation, float)
    if not (np.abs(correlation) < 1).all():
        raise InputError("a correlation of residuals lies within (-1, 1)", field="correlation")
    ratio = math.sqrt(residuals[1] / residuals[0])
    tilt = correlation / np.sqrt(1 - correlation**2)
    spread = (ratio * tilt) ** 2 * (0.5 / dfs[0] + 0.5 / dfs[1])
    return b - ratio * tilt, np.sqrt(b_error**2 + spread)


def correlation_curve(
    a: tuple[float, float, float], b: tuple[float, float, float], residuals: tuple[float, float],
    confidence: float = 0.95, correlations: np.ndarray = CORRELATIONS,
) -> pl.DataFrame:  # fmt: skip
    """Return the indirect effect for correlations of the residuals that unmeasured confounding may cause.

    Parameters
    ----------
    a, b : each path's estimate, standard error and degrees of freedom
    residuals : square sums of the residuals of the mediator's and of the outcome's model

    Returns
    -------
    table with correlation, indirect, low and high
    """
    path, error = shifted_path(b[0], b[1], residuals, (a[2], b[2]), correlations)
    same = np.full(len(path), a[0])
    low, high = product_interval(same, np.full(len(path), a[1]), a[2], path, error, b[2], confidence)
    return pl.DataFrame({"correlation": correlations, "indirect": a[0] * path, "low": low, "high": high})


def correlation_at_zero(statistic: float, df: float) -> float:
    """Return the correlation of residuals at which path b, and with it the indirect effect, is zero.

    It is the partial correlation of mediator and outcome given source and covariates.

    Parameters
    ----------
    statistic : t of path b
    df : its degrees of freedom
    """
    return statistic / math.sqrt(statistic**2 + df)


def robustness_value(statistic: float, df: float, share: float = 1.0, alpha: float | None = None) -> float:
    """Return the robustness value of a regression coefficient.

    A confounder that explains this share of the residual variance of both the mediator and the outcome would
    bring the coefficient down by `share` of it or, with `alpha`, to where it is no longer told from that.

    Parameters
    ----------
    statistic : t of the coefficient
    df : residual degrees of freedom
    share : 1 brings it to zero
    alpha : level of the test; the point estimate only if left out

    Notes
    -----
    Source: Cinelli & Hazlett 2020, doi 10.1111/rssb.12348.
    """
    strength = share * abs(statistic) / math.sqrt(df)
    if alpha is not None:
        if df <= 1:
            return 0.0
        strength -= abs(float(stdtrit(df - 1, alpha / 2))) / math.sqrt(df - 1)
    if strength <= 0:
        return 0.0
    return 0.5 * (math.sqrt(strength**4 + 4 * strength**2) - strength**2)


def evalue(difference: float) -> float:
    """Return the mediational E-value of a standardised indirect effect.

    The least association, as a risk ratio, that a confounder must have with mediator and outcome both, given
    source and covariates, to explain the effect away: RR + sqrt(RR (RR - 1)), RR about exp(0.91 d).

    Parameters
    ----------
    difference : indirect effect in standard deviations of the outcome

    Notes
    -----
    Source: Smith & VanderWeele 2019, doi 10.1097/EDE.0000000000001064; an approximation for a continuous outcome.
    """
    ratio = math.exp(min(LOG_RISK_RATIO_PER_SD * abs(difference), 300.0))
    return ratio + math.sqrt(ratio * (ratio - 1))


def robustness(
    b: tuple[float, float, float], indirect: tuple[float, float, float], spread: float,
    unexplained: tuple[float, float], confidence: float = 0.95,
) -> dict[str, float]:  # fmt: skip
    """Return all figures of robustness against an unmeasured confounder of mediator and outcome.

    Parameters
    ----------
    b : path's estimate, standard error and degrees of freedom
    indirect : estimate, low and high
    spread : standard deviation of the outcome, for one unit of the source
    unexplained : shares of the variance of mediator and outcome that their models leave

    Returns
    -------
    correlation_at_zero : correlation of residuals at which the indirect effect is zero
    correlation_at_interval : at which path b is no longer told from zero; 0 if it is not even now
    r2_product_at_zero : product of the shares of residual variance that a confounder explains of both, at zero
    r2_total_product_at_zero : the same of all variance
    robustness_value, robustness_value_interval : of path b, see `robustness_value`
    evalue, evalue_interval : of the indirect effect and of its limit nearer to zero; 1 where that includes zero
    """
    statistic = b[0] / b[1]
    correlation = correlation_at_zero(statistic, b[2])
    critical = abs(float(stdtrit(b[2], (1 - confidence) / 2)))
    left = max(abs(statistic) - critical, 0.0)
    near = 0.0 if indirect[1] <= 0 <= indirect[2] else min(abs(indirect[1]), abs(indirect[2]))
    return {
        "correlation_at_zero": correlation,
        "correlation_at_interval": math.copysign(correlation_at_zero(left, b[2]), statistic) if left else 0.0,
        "r2_product_at_zero": correlation**2,
        "r2_total_product_at_zero": correlation**2 * unexplained[0] * unexplained[1],
        "robustness_value": robustness_value(statistic, b[2]),
        "robustness_value_interval": robustness_value(statistic, b[2], alpha=1 - confidence),
        "evalue": evalue(indirect[0] / spread),
        "evalue_interval": evalue(near / spread),
    }
