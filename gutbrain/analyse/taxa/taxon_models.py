"""One model for each taxon: linear, or mixed where people gave several samples; and one for presence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from gutbrain.analyse.community import Community
from gutbrain.analyse.formula import INTERCEPT, ModelMatrix, model_matrix
from gutbrain.analyse.models.mixed_many import ALIKE, CONSTANT, EXPLAINED, ManyFits, mixed_many
from gutbrain.analyse.multiplicity import corrected
from gutbrain.analyse.taxa.zeros import CHOICES, normalised
from gutbrain.errors import InputError

SIGNIFICANT = 0.05  # of q
TAXA: dict[str, Any] = {
    "feature": pl.String, "term": pl.String, "choice": pl.String,
    **dict.fromkeys(("estimate", "standard_error", "low", "high", "statistic", "df", "p", "q"), pl.Float64),
    "prevalence": pl.Float64, "mean_share": pl.Float64, "people": pl.Int64, "rows": pl.Int64,
    "method": pl.String, "note": pl.String,
}  # fmt: skip
LEAST = 2  # rows beyond the terms that a feature needs when zeros stay out


def many(outcomes: np.ndarray, design: np.ndarray, groups: Sequence[object] | np.ndarray | None = None) -> ManyFits:
    """Fit each column of outcomes: a mixed model with a random intercept if groups are given, else least squares."""
    return least_squares(outcomes, design) if groups is None else mixed_many(outcomes, design, groups)


def least_squares(outcomes: np.ndarray, design: np.ndarray) -> ManyFits:
    """Fit a linear model to each column of outcomes, array [row, outcome]; t tests with rows - terms df.

    Raises
    ------
    InputError
        If there are no more rows than terms.
    """
    rows, terms = design.shape
    if rows <= terms:
        raise InputError(f"{rows} rows are too few for {terms} terms", mend="Leave terms out")
    q, r = np.linalg.qr(design)
    estimate = np.linalg.solve(r, q.T @ outcomes)
    rest = outcomes - q @ (q.T @ outcomes)
    variance = (rest**2).sum(axis=0) / (rows - terms)
    size = np.abs(outcomes).max(axis=0, initial=0.0)
    constant, explained = np.ptp(outcomes, axis=0) <= ALIKE * size, np.sqrt(variance) <= ALIKE * size
    gone = constant | explained
    error = np.sqrt(np.outer((np.linalg.inv(r) ** 2).sum(axis=1), np.where(gone, 1.0, variance)))
    estimate, error = np.where(gone, np.nan, estimate), np.where(gone, np.nan, error)
    df = np.where(gone, np.nan, np.full(estimate.shape, float(rows - terms)))
    statistic = estimate / error
    notes = tuple(CONSTANT if same else EXPLAINED if all_ else None for same, all_ in zip(constant, gone, strict=True))
    count = outcomes.shape[1]
    return ManyFits(
        estimate, error, df, statistic, 2 * stats.t.sf(np.abs(statistic), df), np.zeros((count, 0, 0)), variance,
        -0.5 * rows * (np.log(2 * np.pi * np.where(gone, 1.0, variance * (rows - terms) / rows)) + 1),
        np.zeros(count, bool), notes, f"linear model, t with {rows - terms} df",
    )  # fmt: skip


def prepared(community: Community, formula: str, person: str = "") -> tuple[Community, ModelMatrix, np.ndarray | None]:
    """Return the samples that a formula can use, its matrix for them, and their people.

    Features that occur in none of these samples are left out, and so are samples that hold nothing.
    """
    community = community.keep(community.values.sum(axis=1) > 0)
    matrix = model_matrix(community.samples, formula, also=(person,) if person else ())
    used = community.keep(matrix.rows)
    used = used.only(np.asarray((used.values > 0).any(axis=0)))
    if not used.names:
        raise InputError("no feature is left", mend="Lower the prevalence, or choose another rank")
    matrix = replace(matrix, rows=np.arange(len(used)))
    return used, matrix, used.samples[person].cast(pl.String).to_numpy() if person else None


def taxon_models(
    community: Community, formula: str, choice: str = "clr_smallest", person: str = "",
    columns: Sequence[str] = (), confidence: float = 0.95,
) -> pl.DataFrame:  # fmt: skip
    """Fit one model to each feature, its log2 value by one choice of `zeros.CHOICES`.

    Parameters
    ----------
    formula : right-hand side on the columns of the samples
    person : column that groups repeated samples (a random intercept); empty for a linear model
    columns : those of the model matrix to tell; all but the intercept by default

    Returns
    -------
    table `TAXA`: a row for each column and feature, estimates in log2; q by Benjamini and Hochberg within a column

    Raises
    ------
    InputError
        If the choice does not fit the unit, or the model cannot be fitted.
    """
    used, matrix, groups = prepared(community, formula, person)
    values = normalised(used.values, choice, used.counted)
    whole = not np.isnan(values).any()
    fits = many(values, matrix.values, groups) if whole else _by_feature(values, matrix, groups)
    return told(used, matrix, fits, choice, CHOICES[choice].about, columns, confidence)


def told(
    used: Community, matrix: ModelMatrix, fits: ManyFits, choice: str, about: str, columns: Sequence[str] = (),
    confidence: float = 0.95,
) -> pl.DataFrame:  # fmt: skip
    """Return fits as the table `TAXA`."""
    names = list(columns) or [name for name in matrix.columns if name != INTERCEPT]
    unknown = [name for name in names if name not in matrix.columns]
    if unknown:
        raise InputError(f"the model has no column {unknown[0]!r}", mend=f"It has {', '.join(matrix.columns)}")
    here = used.values > 0
    shares = used.shares().mean(axis=0)
    people = used.samples["person"].drop_nulls().n_unique() if "person" in used.samples.columns else None
    frames = []
    for name in names:
        at = matrix.columns.index(name)
        wide = fits.standard_error[at] * stats.t.isf((1 - confidence) / 2, fits.df[at])
        frames.append(
            pl.DataFrame(
                {
                    "feature": used.names,
                    "term": name,
                    "choice": choice,
                    "estimate": fits.estimate[at],
                    "standard_error": fits.standard_error[at],
                    "low": fits.estimate[at] - wide,
                    "high": fits.estimate[at] + wide,
                    "statistic": fits.statistic[at],
                    "df": fits.df[at],
                    "p": fits.p[at],
                    "q": corrected(fits.p[at], "BH"),
                    "prevalence": here.mean(axis=0),
                    "mean_share": shares,
                    "people": people,
                    "rows": len(used),
                    "method": f"{about}; {fits.method}",
                    "note": list(fits.notes),
                },
                schema=TAXA,
            ).with_columns(pl.col(pl.Float64).fill_nan(None))
        )
    return pl.concat(frames)


def presence_models(
    community: Community, formula: str, columns: Sequence[str] = (), confidence: float = 0.95
) -> pl.DataFrame:
    """Fit a logistic model of the presence of each feature; samples are taken as independent.

    Returns
    -------
    table `TAXA` with the choice "presence"; estimates are log2 odds ratios, statistics are z (df null)

    Notes
    -----
    A feature that is always or never there, or whose presence the terms separate perfectly, is not tested.
    """
    import warnings

    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationError, PerfectSeparationWarning

    used, matrix, _ = prepared(community, formula)
    shape = (matrix.values.shape[1], len(used.names))
    estimate, error, notes = np.full(shape, np.nan), np.full(shape, np.nan), [None] * shape[1]
    made: list[str | None] = list(notes)
    for at, there in enumerate((used.values > 0).T.astype(float)):
        if there.all():
            made[at] = "present in all samples: not tested"
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=PerfectSeparationWarning)
            warnings.simplefilter("error", category=ConvergenceWarning)
            warnings.simplefilter("error", category=RuntimeWarning)
            try:
                fit = sm.Logit(there, matrix.values).fit(disp=0, maxiter=100)
                size = float(np.max(fit.bse))
            except (ConvergenceWarning, PerfectSeparationError, PerfectSeparationWarning, RuntimeWarning,
                    np.linalg.LinAlgError):  # fmt: skip
                size = np.inf
        if size > 100:
            made[at] = "presence is separated perfectly by the terms: not tested"
            continue
        estimate[:, at], error[:, at] = fit.params / np.log(2), fit.bse / np.log(2)
    z = estimate / error
    blank = np.full(shape[1], np.nan)
    fits = ManyFits(
        estimate, error, np.where(np.isnan(z), np.nan, np.inf), z, 2 * stats.norm.sf(np.abs(z)),
        np.zeros((shape[1], 0, 0)), blank, blank, np.zeros(shape[1], bool), tuple(made),
        "logistic model, samples taken as independent, Wald z",
    )  # fmt: skip
    table = told(used, matrix, fits, "presence", "presence", columns, confidence)
    return table.with_columns(pl.lit(None, pl.Float64).alias("df"))


def _by_feature(values: np.ndarray, matrix: ModelMatrix, groups: np.ndarray | None) -> ManyFits:
    """Fit each feature on the samples where it has a value."""
    found: list[ManyFits] = []
    terms = matrix.values.shape[1]
    for column in values.T:
        there = np.isfinite(column)
        design, what = matrix.values[there], None
        if there.sum() < terms + LEAST or np.linalg.matrix_rank(design) < terms:
            what = f"{int(there.sum())} samples hold it: too few for the model"
        else:
            own = None if groups is None else groups[there]
            try:
                found.append(many(column[there, None], design, own))
            except InputError as error:
                what = error.what
        if what:
            blank = np.full((terms, 1), np.nan)
            none = np.full(1, np.nan)
            found.append(
                ManyFits(blank, blank, blank, blank, blank, none, none, none, np.zeros(1, bool), (what,), "")
            )  # fmt: skip
    both = [np.hstack([getattr(f, name) for f in found]) for name in ("estimate", "standard_error", "df", "statistic")]
    method = "linear model" if groups is None else "linear mixed model, random intercept of each person, REML, "
    method = method if groups is None else f"{method}Satterthwaite df"
    return ManyFits(
        both[0], both[1], both[2], both[3], np.hstack([f.p for f in found]), np.zeros((len(found), 0, 0)),
        np.hstack([f.residual for f in found]), np.hstack([f.log_likelihood for f in found]),
        np.hstack([f.singular for f in found]), tuple(f.notes[0] for f in found), method,
    )  # fmt: skip
