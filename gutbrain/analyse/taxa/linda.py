"""LinDA: linear and mixed models of centred log-ratios, with the bias of the composition taken out.

A taxon that grows makes the share of all others fall. On the log-ratio scale that shifts every coefficient by the same
amount; if most taxa do not change, the shift is where most coefficients lie, and is subtracted.
Source: Zhou, He, Chen & Zhang 2022, Genome Biology 23:95, doi 10.1186/s13059-022-02655-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import stats

from gutbrain.analyse.community import Community
from gutbrain.analyse.formula import INTERCEPT
from gutbrain.analyse.taxa.taxon_models import many, prepared, told
from gutbrain.analyse.taxa.zeros import WINSOR, depth_related, winsorised, without_zeros
from gutbrain.errors import InputError

ZEROS = ("adaptive", "half", "one", "depth", "multiplicative", "sample", "feature")
GRID = 512  # points on which the greatest mode is looked for, before it is refined
DRAWS, COARSE = 100, 64  # of the error of the mode
FEW = 10  # taxa below which the mode of the coefficients says little
IN_WORDS = {
    "half": "0.5 added to every count", "one": "1 added to every count", "depth": "zeros imputed by depth",
    "multiplicative": "multiplicative replacement", "sample": "zeros 0.65 of the sample's smallest value",
    "feature": "zeros half of the feature's smallest value", "none": "no zeros",
}  # fmt: skip


@dataclass(frozen=True)
class Linda:
    """Result of LinDA.

    Attributes
    ----------
    table : one row a column of the model and taxon, as `taxon_models.TAXA`; estimates in log2, bias taken out
    bias : what was subtracted, by column, log2
    zeros : the rule for zeros that was used
    depth : how depth hangs on the terms; empty unless the rule was adaptive
    notes : what to be careful about
    singular : number of taxa whose variance between people was estimated as 0
    """

    table: pl.DataFrame
    bias: dict[str, float]
    zeros: str
    depth: pl.DataFrame
    notes: tuple[str, ...]
    singular: int


def linda(
    community: Community, formula: str, person: str = "", *, zeros: str = "adaptive", winsor: float = WINSOR,
    columns: Sequence[str] = (), confidence: float = 0.95, bias_error: bool = True,
) -> Linda:  # fmt: skip
    """Test every taxon of a community.

    Parameters
    ----------
    formula : right-hand side on the columns of the samples
    person : column that groups repeated samples (a random intercept); empty for a linear model
    zeros : one of `ZEROS`. Adaptive: counts get 0.5 added, or zeros imputed by depth if depth is related to a term
        (p at most 0.1); shares and signals get half of the smallest value of the taxon
    winsor : shares above this quantile of their taxon are set to it; 1 for none
    columns : those of the model matrix to tell; all but the intercept by default
    bias_error : let the standard errors hold the error of the bias too, as the paper and the R package do not

    Raises
    ------
    InputError
        For an unknown rule, a rule for counts where there are none, or a model that cannot be fitted.

    Notes
    -----
    The bias is the mode of the coefficients over all taxa: the highest peak of a Gaussian kernel density with
    Silverman's bandwidth. The R package takes the peak that mean shift reaches from the middle of the densest half;
    where the density has several peaks the two may differ. The bias is an estimate: its standard deviation, from
    drawing the taxa with replacement, is added in squares to every standard error. Without it, intervals are too short
    where taxa are few (docs/calibration_of_analyses.md). It also prints that it imputes but adds 0.5 (MicrobiomeStat
    1.3 with its default rule); here zeros are imputed, as the paper says.
    """
    if zeros not in ZEROS:
        raise InputError(f"{zeros!r} is no rule for zeros", field="zeros", mend=f"Rules are {', '.join(ZEROS)}")
    used, matrix, groups = prepared(community, formula, person)
    if zeros in ("half", "one", "depth") and not used.counted:
        raise InputError(f"the rule {zeros!r} needs counts, the unit is {used.unit!r}", field="zeros")
    if not 0.5 <= winsor <= 1:
        raise InputError(f"winsor is {winsor:g}", field="winsor", mend="Give a quantile of 0.5 to 1")
    if len(used.names) < 2:
        raise InputError("one taxon has no log-ratio", mend="Lower the prevalence, or choose another rank")
    notes = list(matrix.notes)
    if winsor < 1:
        values = winsorised(used.values, used.counted, winsor)
        kept = (values > 0).any(axis=0)
        if not kept.all():  # in fewer samples than are cut
            notes.append(f"{int((~kept).sum())} taxa occur in too few samples to be winsorised, and keep their values")
            values = np.where(kept, values, used.values)
        clipped = replace(used, values=values)
    else:
        clipped = used
    rule, depth = zeros, pl.DataFrame()
    absent = bool((clipped.values == 0).any())
    if zeros == "adaptive":
        rule = "half" if used.counted else "feature"
        if used.counted and absent:
            depth = depth_related(used, formula, person)
            if depth["related"].any():
                rule = "depth"
    rule = rule if absent else "none"
    logs = np.log2(without_zeros(clipped.values, rule) if absent else clipped.values)
    logs = logs - logs.mean(axis=1, keepdims=True)
    fits = many(logs, matrix.values, groups)
    bias, error = np.zeros(len(matrix.columns)), np.zeros(len(matrix.columns))
    for place, name in enumerate(matrix.columns):
        there = fits.estimate[place][np.isfinite(fits.estimate[place])]
        if name != INTERCEPT and len(there):
            bias[place] = mode(there)
            error[place] = mode_error(there) if bias_error else 0.0
    estimate = fits.estimate - bias[:, None]
    wider = np.hypot(fits.standard_error, error[:, None])
    statistic = estimate / wider
    fits = replace(
        fits, estimate=estimate, standard_error=wider, statistic=statistic,
        p=2 * stats.t.sf(np.abs(statistic), fits.df),
    )  # fmt: skip
    if len(used.names) < FEW:
        notes.append(f"{len(used.names)} taxa: the bias of the composition is estimated from few coefficients")
    about = f"LinDA, {IN_WORDS[rule]}" + (f", winsorised at {winsor:g}" if winsor < 1 else "")
    table = told(used, matrix, fits, "linda", about, columns, confidence)
    named = {name: float(bias[place]) for place, name in enumerate(matrix.columns) if name != INTERCEPT}
    return Linda(table, named, rule, depth, tuple(notes), int(fits.singular.sum()))


def mode_error(values: np.ndarray) -> float:
    """Return the standard deviation of the mode over draws of the values with replacement; always the same draws."""
    if len(values) < 3 or np.ptp(values) == 0:
        return 0.0
    generator = np.random.default_rng(len(values))
    drawn = generator.choice(values, (DRAWS, len(values)))
    return float(np.std([mode(one, COARSE) for one in drawn], ddof=1))


def mode(values: np.ndarray, grid: int = GRID) -> float:
    """Return the value where a Gaussian kernel density of the values is highest.

    Parameters
    ----------
    values : finite, at least one, array
    grid : points between the least and the greatest value at which peaks are looked for, beside the values

    Notes
    -----
    Bandwidth by Silverman's rule, 0.9 min(standard deviation, interquartile range / 1.34) n^(-1/5). The same for
    coefficients and for their multiples by the square root of n, which the paper writes.
    Source: Silverman 1986, Density Estimation for Statistics and Data Analysis, eq. 3.31.
    """
    values = np.asarray(values, float)
    if len(values) < 3 or np.ptp(values) == 0:
        return float(np.median(values))
    low, high = np.quantile(values, [0.25, 0.75])
    spreads = [size for size in (values.std(ddof=1), (high - low) / 1.34) if size > 0]
    width = 0.9 * min(spreads) * len(values) ** -0.2
    # Every peak lies between the least and the greatest value, and near one of the values or the grid.
    starts = np.unique(np.concatenate([values, np.linspace(values.min(), values.max(), grid)]))
    dense = np.exp(-0.5 * ((starts[:, None] - values) / width) ** 2).sum(axis=1)
    at = float(starts[dense.argmax()])
    for _ in range(1000):  # mean shift: each step goes uphill
        weight = np.exp(-0.5 * ((at - values) / width) ** 2)
        next_ = float(weight @ values / weight.sum())
        if abs(next_ - at) <= 1e-12 * width:
            break
        at = next_
    return at
