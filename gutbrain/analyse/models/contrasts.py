"""Linear models of any kind, their estimated marginal means, and contrasts of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl
from scipy import stats

from gutbrain.analyse.formula import ModelMatrix, model_matrix, variables
from gutbrain.analyse.models.mixed_degrees import METHODS, Degrees, degrees, fitted, information, unknown_method
from gutbrain.errors import InputError

MOST_CELLS = 20_000  # of a reference grid; beyond it, weights = "observed" is the way
GAP = 1e-6  # of a column that others imply: a mean further off cannot be told
LEAST_DF = 0.5  # with fewer degrees of freedom an interval says nothing
EXACT = 1e-10  # residuals below this share of the outcome's spread: nothing is left to estimate a variance from


@dataclass(frozen=True)
class LinearFit:
    """Fixed effects of a linear model with their covariance and degrees of freedom.

    Attributes
    ----------
    design : model matrix with its formula
    table : the rows that were used, in order
    outcome : column with the outcome
    estimates : array [column]
    degrees : covariance and degrees of freedom
    deviance : -2 log-likelihood (restricted, if the method is)
    fitted, residuals : given what is known of each person, arrays [row]
    people : number of groups
    method : in words
    """

    design: ModelMatrix
    table: pl.DataFrame
    outcome: str
    estimates: np.ndarray
    degrees: Degrees
    deviance: float
    fitted: np.ndarray
    residuals: np.ndarray
    people: int
    method: str
    notes: tuple[str, ...] = ()

    def contrast(self, rows: np.ndarray, confidence: float = 0.95) -> pl.DataFrame:
        """Return estimates of linear combinations of the coefficients.

        Parameters
        ----------
        rows : array [contrast, column]

        Returns
        -------
        table with estimate, standard_error, df, statistic, low, high, p; the last three null where hardly a degree of
        freedom is left
        """
        rows = np.atleast_2d(np.asarray(rows, float))
        estimate = rows @ self.estimates
        error = np.sqrt(np.maximum(np.einsum("kp,pq,kq->k", rows, self.degrees.covariance, rows), 0))
        df = np.array([self.degrees.of(row) if size > 0 else np.inf for row, size in zip(rows, error, strict=True)])
        statistic = np.divide(estimate, error, out=np.full(len(rows), np.nan), where=error > 0)
        free = np.where(df >= LEAST_DF, df, np.nan)
        reach = stats.t.ppf((1 + confidence) / 2, free) * error
        columns = {
            "estimate": estimate, "standard_error": error, "df": df, "statistic": statistic,
            "low": estimate - reach, "high": estimate + reach, "p": 2 * stats.t.sf(np.abs(statistic), free),
        }  # fmt: skip
        # A combination without any coefficient is known to be 0: it has no test.
        return pl.DataFrame(columns).with_columns(pl.col("statistic", "low", "high", "p").fill_nan(None))

    @property
    def coefficients(self) -> pl.DataFrame:
        """One row a column of the model matrix: term, estimate, standard_error, df, statistic, low, high, p."""
        table = self.contrast(np.eye(len(self.estimates)))
        return table.insert_column(0, pl.Series("term", self.design.columns))

    def joint(self, rows: np.ndarray) -> dict[str, float]:
        """Return the F test that linear combinations are zero together: statistic, df, df_error, p.

        Raises
        ------
        InputError
            If the combinations imply each other, or people are too few for so many of them.
        """
        rows = np.atleast_2d(rows)
        if np.linalg.matrix_rank(rows) < len(rows):
            raise InputError("the contrasts of a joint test imply each other", mend="Leave the implied ones out")
        statistic, count, df = self.degrees.joint(rows, self.estimates)
        if not (np.isfinite(statistic) and statistic >= 0 and df > 0):
            raise InputError(f"people are too few to test {count} contrasts together", mend="Test them one by one")
        return {"statistic": statistic, "df": count, "df_error": df, "p": float(stats.f.sf(statistic, count, df))}

    def term(self, name: str) -> dict[str, float]:
        """Return the F test of one term of the formula, given all others."""
        if name not in self.design.terms:
            raise InputError(f"the model has no term {name!r}", mend=f"It has {', '.join(self.design.terms)}")
        places = list(self.design.terms[name])
        if not places:
            raise InputError(f"nothing is left of the term {name!r}", mend="Other terms imply it")
        return self.joint(np.eye(len(self.estimates))[places])


@dataclass(frozen=True)
class Means:
    """Estimated marginal means as combinations of coefficients.

    Attributes
    ----------
    levels : table of the factor levels, one row a mean
    rows : array [mean, column of the model]; what the data cannot tell is left out and stands in `unknown`
    """

    fit: LinearFit
    levels: pl.DataFrame
    rows: np.ndarray
    unknown: pl.DataFrame

    def table(self, confidence: float = 0.95) -> pl.DataFrame:
        """Return levels, estimate, standard_error, df, statistic, low, high, p."""
        return pl.concat([self.levels, self.fit.contrast(self.rows, confidence)], how="horizontal")

    def row(self, **levels: str | float) -> np.ndarray | None:
        """Return the combination of one mean, or nothing where the data cannot tell it."""
        for place, known in enumerate(self.levels.iter_rows(named=True)):
            if all(known[name] == level for name, level in levels.items()):
                return np.asarray(self.rows[place])
        return None


def marginal_means(
    fit: LinearFit,
    by: Sequence[str],
    at: Mapping[str, Sequence[float] | Sequence[str]] | None = None,
    weights: str = "equal",
) -> Means:
    """Return estimated marginal means (least-squares means).

    Parameters
    ----------
    by : columns of which every combination of levels gets a mean
    at : values at which a column is set; factors run over their levels and numbers stand at their mean otherwise
    weights : "equal": levels of other factors count the same; "observed": all rows are predicted with the columns
        of `by` set, and averaged

    Raises
    ------
    InputError
        For a column that is not in the model, unknown weights, or a grid of too many cells.

    Notes
    -----
    Source: Searle, Speed & Milliken 1980, doi 10.1080/00031305.1980.10483031.
    """
    used = variables(fit.design.formula, fit.table.columns)
    at = dict(at or {})
    for name in (*by, *at):
        if name not in used:
            raise InputError(f"the model has no {name!r}", field=name, mend=f"It has {', '.join(used) or 'none'}")
    if weights not in ("equal", "observed"):
        raise InputError(f"{weights!r} are no weights", mend="Known are equal, observed")
    table = fit.table
    values = {name: list(at[name]) if name in at else _values(table[name]) for name in used}
    cells = list(product(*(values[name] for name in by)))
    levels = pl.DataFrame(
        {name: pl.Series([cell[place] for cell in cells], dtype=_kind(table, name)) for place, name in enumerate(by)}
    )
    if not by:
        levels, cells = pl.DataFrame({"mean": ["overall"]}), [()]
    rest = [name for name in used if name not in by]
    many = len(cells) * int(np.prod([len(values[name]) for name in rest]))
    if weights == "equal" and many > MOST_CELLS:
        raise InputError(f"the reference grid has {many} cells", mend='Use weights = "observed"')
    rows, known = [], []
    for cell in cells:
        fixed = [pl.lit(value, _kind(table, name)).alias(name) for name, value in zip(by, cell, strict=True)]
        if weights == "observed":
            set_at = [pl.lit(values[name][0], _kind(table, name)).alias(name) for name in rest if name in at]
            grid = table.select(used).with_columns(*fixed, *set_at) if used else pl.DataFrame({"": range(len(table))})
        else:
            others = list(product(*(values[name] for name in rest)))
            columns = {name: [other[place] for other in others] for place, name in enumerate(rest)}
            kinds = {name: _kind(table, name) for name in rest}
            grid = pl.DataFrame(columns, schema=kinds) if rest else pl.DataFrame({"": [0]})
            grid = grid.with_columns(fixed).select([*used] if used else [""])
        matrix, gaps = fit.design.at(grid)
        rows.append(matrix.mean(axis=0))
        known.append(bool((np.abs(gaps.mean(axis=0)) <= GAP * (1 + np.abs(gaps).mean(axis=0))).all()))
    seen = np.array(known)
    return Means(fit, levels.filter(seen), np.array(rows)[seen].reshape(-1, len(fit.estimates)), levels.filter(~seen))


def _values(column: pl.Series) -> list[float] | list[str]:
    if column.dtype.is_numeric():
        return [float(column.mean())]  # type: ignore[arg-type]
    there = set(column.cast(pl.String).to_list())
    return [name for name in column.dtype.categories.to_list() if name in there] if isinstance(
        column.dtype, pl.Enum) else sorted(there)  # fmt: skip


def _kind(table: pl.DataFrame, name: str) -> pl.DataType:
    return pl.Float64() if table.schema[name].is_numeric() else pl.String()


def standardised(table: pl.DataFrame, deviation: float, people: int, groups: int) -> pl.DataFrame:
    """Add Hedges' g to contrasts: estimate and limits over a standard deviation, corrected for small samples.

    Parameters
    ----------
    deviation : standard deviation in people, usually that of the baseline
    people, groups : that it was taken from

    Notes
    -----
    The limits hold the deviation for known. Source: Hedges 1981, doi 10.3102/10769986006002107.
    """
    df = people - groups
    if not (deviation > 0 and df > 1):
        empty = [pl.lit(None, pl.Float64).alias(name) for name in ("hedges_g", "hedges_low", "hedges_high")]
        return table.with_columns(empty)
    factor = (1 - 3 / (4 * df - 1)) / deviation
    return table.with_columns(
        (pl.col(name) * factor).alias(new)
        for name, new in (("estimate", "hedges_g"), ("low", "hedges_low"), ("high", "hedges_high"))
    )


def used_rows(
    table: pl.DataFrame, outcome: str, formula: str, also: tuple[str, ...] = ()
) -> tuple[ModelMatrix, pl.DataFrame, np.ndarray]:
    """Return model matrix, rows that are used, and the outcome in them.

    Raises
    ------
    InputError
        If the outcome is no column, no number, or constant.
    """
    for name in (outcome, *also):
        if name not in table.columns:
            raise InputError(f"the table has no column {name!r}", field=name, mend=f"It has {', '.join(table.columns)}")
    if not table.schema[outcome].is_numeric():
        raise InputError("the outcome is no number", field=outcome, mend="Give a column of numbers")
    design = model_matrix(table, formula, (outcome, *also))
    rows = table[design.rows.tolist()]
    y = rows[outcome].to_numpy().astype(float)
    if np.ptp(y) == 0:
        raise InputError(f"the outcome is {y[0]:g} in all {len(y)} rows", field=outcome, mend="Nothing can be modelled")
    return design, rows, y


def ordinary(table: pl.DataFrame, outcome: str, formula: str) -> LinearFit:
    """Return ordinary least squares: one row a person, or rows that know nothing of each other.

    Raises
    ------
    InputError
        As `model_matrix`; or if the model explains the outcome without a remainder.
    """
    design, rows, y = used_rows(table, outcome, formula)
    estimates = np.linalg.lstsq(design.values, y, rcond=None)[0]
    rests = y - design.values @ estimates
    variance = float(rests @ rests) / (len(y) - len(estimates))
    if variance <= (EXACT * np.ptp(y)) ** 2:
        raise InputError("the model explains the outcome without a remainder", field=outcome, mend="Leave terms out")
    # A linear model is a mixed one without groups: the same formulae give n - p degrees of freedom.
    parameters = np.array([variance])
    places = [np.arange(len(y))[:, None]]

    def covariances(at: np.ndarray) -> list[np.ndarray]:
        return [np.full((len(y), 1, 1), at[0])]

    fit = fitted(covariances(parameters), places, design.values, y)
    if fit is None:
        raise InputError("the least squares cannot be solved", field=outcome, mend="Scale the covariates")
    known = information(fit, covariances, parameters, linear=True)
    return LinearFit(
        design, rows, outcome, estimates, degrees(fit, known, "satterthwaite"), fit.deviance, y - rests, rests,
        len(y), "ordinary least squares", design.notes,
    )  # fmt: skip


def check_degrees(method: str, restricted: bool) -> None:
    """Refuse a way to degrees of freedom that is not known, or does not go with the likelihood.

    Raises
    ------
    InputError
        As said.
    """
    if method not in METHODS:
        raise InputError(unknown_method(method), field="degrees")
    if method == "kenward-roger" and not restricted:
        raise InputError(
            "Kenward-Roger corrects the restricted likelihood", field="degrees", mend='Use method = "REML"'
        )
