"""Through what a source acts on an outcome: one mediator, linear models, one row a person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr, stdtrit

from gutbrain.analyse.formula import ModelMatrix, model_matrix, quoted
from gutbrain.analyse.paths.confounding import correlation_curve, robustness
from gutbrain.analyse.paths.mediation_intervals import (
    bca_interval,
    people_drawn,
    percentile_interval,
    product_interval,
    reweighted,
)
from gutbrain.errors import InputError

INTERVALS = ("product", "percentile", "bca")
PATHS: dict[str, pl.DataType] = {
    "source": pl.String(), "mediator": pl.String(), "outcome": pl.String(), "path": pl.String(),
    "estimate": pl.Float64(), "standard_error": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(),
    "df": pl.Float64(), "p": pl.Float64(), "method": pl.String(), "note": pl.String(),
}  # fmt: skip
INDIRECT = {"indirect": 0.5, "indirect, at the reference": 0.0, "indirect, one step on": 1.0}  # value of the source
STEADY = 3.0  # the total effect is this many standard errors from zero before a proportion is formed of it
Row = dict[str, Any]
Path = tuple[float, float, float]  # estimate, standard error, degrees of freedom
Effects = dict[tuple[int, str], np.ndarray]  # source column and name of the effect -> array [draw]
EXPLAINED = 1e-10  # share of variance; less than this left over means that it is fully explained
HOW = {
    "product": "distribution of the product of both estimates, t",
    "percentile": "percentile bootstrap of people",
    "bca": "BCa bootstrap of people",
}


@dataclass(frozen=True)
class Mediated:
    """What an analysis of mediation found.

    Parameters
    ----------
    paths : one row a source column and path, columns `PATHS`
    sensitivity : source, mediator, outcome, correlation, indirect, low, high
    robustness : one row a source column, see `gutbrain.analyse.paths.confounding.robustness`
    people : how many were used
    notes : what the reader should know
    rows : of people seen often, how many occasions were used; 0 where each person is one row
    """

    paths: pl.DataFrame
    sensitivity: pl.DataFrame
    robustness: pl.DataFrame
    people: int
    notes: tuple[str, ...] = ()
    rows: int = 0


@dataclass(frozen=True)
class Fit:
    """Least squares: coefficients, their covariance, residual degrees of freedom and square sum."""

    coefficients: np.ndarray
    covariance: np.ndarray
    df: int
    square_sum: float

    def path(self, of: int | np.ndarray) -> Path:
        """Return estimate, standard error and degrees of freedom of a coefficient, or of a combination of them."""
        weights = np.eye(len(self.coefficients))[of] if isinstance(of, int) else of
        return float(weights @ self.coefficients), math.sqrt(float(weights @ self.covariance @ weights)), float(self.df)


def least_squares(design: np.ndarray, values: np.ndarray, what: str) -> Fit:
    """Fit values on the columns of a design of full rank.

    Raises
    ------
    InputError
        If there are no more rows than columns, or the design explains the values entirely.
    """
    rows, columns = design.shape
    if rows <= columns:
        raise InputError(
            f"{rows} people are too few for the {columns} terms of the model of {what}",
            mend="Leave covariates out, or bring more people",
        )
    q, r = np.linalg.qr(design)
    inverse = np.linalg.inv(r)
    coefficients = inverse @ (q.T @ values)
    square_sum = float(((values - design @ coefficients) ** 2).sum())
    whole = float(((values - values.mean()) ** 2).sum())
    if whole <= EXPLAINED * max(float((values**2).sum()), np.finfo(float).tiny):
        raise InputError(f"{what} is the same in all {rows} people", field=what, mend="It cannot be explained")
    if square_sum <= EXPLAINED * whole:
        raise InputError(
            f"{what} follows exactly from the other terms of its model", field=what,
            mend="Leave out the term it was made of",
        )  # fmt: skip
    df = rows - columns
    return Fit(coefficients, inverse @ inverse.T * square_sum / df, df, square_sum)


def mediation(
    table: pl.DataFrame,
    source: str,
    mediator: str,
    outcome: str,
    covariates: Sequence[str] = (),
    *,
    interaction: bool = False,
    interval: str = "product",
    confidence: float = 0.95,
    draws: int = 5000,
    generator: np.random.Generator | None = None,
) -> Mediated:
    """Return direct and indirect effects of a source on an outcome through one mediator.

    Parameters
    ----------
    table : one row a person; the source is a number or a factor (each level is compared with the first)
    covariates : columns in both models; the values before of mediator and outcome make it an ANCOVA
    interaction : the mediator may count for more or less at another value of the source
    interval : of the indirect effect: product, percentile or bca
    draws : resampled data sets of the bootstrap (of the interaction's direct effects too)

    Returns
    -------
    Mediated, with the paths a (source to mediator), b (mediator to outcome), direct, indirect and total; with an
    interaction the natural effects, averaged over both values of the source, and each of them

    Raises
    ------
    InputError
        For too few people, a source, mediator or outcome without variance, or one that follows from the others.

    Notes
    -----
    p of an indirect effect is the larger of the p of its two paths (joint significance): its size is right when one
    path is there, and lies far below the level when neither is. A factor gives relative effects (Hayes & Preacher
    2014, doi 10.1111/bmsp.12028). Natural effects: Imai, Keele & Tingley 2010, doi 10.1037/a0020761. They are causal
    only if nothing unmeasured confounds source, mediator and outcome, which no fit can show.
    """
    if interval not in INTERVALS:
        raise InputError(f"{interval!r} is no interval", field="interval", mend=f"Known are {', '.join(INTERVALS)}")
    named = [source, mediator, outcome]
    if len(set(named)) < 3 or set(named[1:]) & set(covariates):
        raise InputError("source, mediator and outcome must be three columns", mend="Name each once")
    for name in (mediator, outcome):
        if name not in table.columns or not table.schema[name].is_numeric():
            raise InputError(f"{name!r} is no column of numbers", field=name)
    made = model_matrix(table, " + ".join(map(quoted, [source, *covariates])), also=(mediator, outcome))
    numeric = table.schema[source].is_numeric()
    return _Single(made, table[made.rows.tolist()], (source, mediator, outcome), numeric, interaction).told(
        interval, confidence, draws, generator or np.random.default_rng(1)
    )


class _Single:
    """Both models of one mediator, fitted."""

    def __init__(
        self, made: ModelMatrix, table: pl.DataFrame, names: tuple[str, str, str], numeric: bool, interaction: bool
    ) -> None:
        self.names, self.interaction, self.notes = names, interaction, list(made.notes)
        source, mediator, outcome = names
        self.sources = made.terms[source]
        if not self.sources:
            raise InputError(f"{source!r} is the same in all people", field=source, mend="It can have no effect")
        self.labels = [made.columns[place] for place in self.sources]
        self.design = made.values.copy()
        self.per = 1.0
        if numeric:  # the natural effects are then those about the mean
            place = self.sources[0]
            self.design[:, place] -= self.design[:, place].mean()
            self.per = float(self.design[:, place].std(ddof=1))
        self.m = table[mediator].cast(pl.Float64).to_numpy().copy()
        self.y = table[outcome].cast(pl.Float64).to_numpy().copy()
        parts = [self.design, self.m[:, None]]
        if interaction:
            centred = self.m - self.m.mean()  # keeps the products apart from the source itself
            parts[1] = centred[:, None]
            parts += [self.design[:, [place]] * centred[:, None] for place in self.sources]
        self.whole = np.column_stack(parts)
        self.at_b = self.design.shape[1]
        self.first = least_squares(self.design, self.m, mediator)
        self.second = least_squares(self.whole, self.y, outcome)
        self.third = least_squares(self.design, self.y, outcome)
        # Mean of the (centred) mediator at mean covariates and at the reference of the source.
        self.rest = self.design.mean(axis=0)
        self.rest[list(self.sources)] = 0.0

    def b(self, number: int, at: float) -> Path:
        """Return path b where the source has moved by `at` from its reference."""
        weights = np.zeros(self.whole.shape[1])
        weights[self.at_b] = 1.0
        if self.interaction:
            weights[self.at_b + 1 + number] = at
        return self.second.path(weights)

    def effects(self, a: np.ndarray, rest: np.ndarray, level: np.ndarray) -> Effects:
        """Return direct, indirect and total effects.

        Parameters
        ----------
        a : array [draw, source column], source to mediator
        rest : array [draw, column], coefficients of the outcome's model
        level : array [draw], the mediator at the reference of the source, from its mean
        """
        made = {}
        for number, place in enumerate(self.sources):
            theta = rest[:, self.at_b + 1 + number] if self.interaction else np.zeros(len(rest))
            direct = [rest[:, place] + theta * (level + at * a[:, number]) for at in (0.0, 1.0)]
            indirect = {name: a[:, number] * (rest[:, self.at_b] + at * theta) for name, at in INDIRECT.items()}
            made[number, "direct"] = (direct[0] + direct[1]) / 2
            made[number, "indirect"] = indirect["indirect"]
            made[number, "total"] = direct[0] + indirect["indirect, one step on"]
            if self.interaction:
                made[number, "direct, at the reference"], made[number, "direct, one step on"] = direct
                made |= {(number, name): value for name, value in indirect.items()}
        return made

    def draws(self, interval: str, draws: int, generator: np.random.Generator) -> tuple[Effects, Effects, int]:
        """Return effects in drawn coefficients or resampled data sets, without each person, and the draws lost."""
        level = -self.m.mean()
        if interval == "product":
            first, second = (_drawn(fit, draws, generator) for fit in (self.first, self.second))
            return self.effects(first[:, list(self.sources)], second, first @ self.rest + level), {}, 0
        people = len(self.m)
        found = []
        for weights in (people_drawn(people, draws, generator), 1.0 - np.eye(people)):
            first, second, lost = reweighted(weights, self.design, self.m, self.whole, self.y)
            found.append((self.effects(first[:, list(self.sources)], second, first @ self.rest + level), lost))
        if found[0][1] > draws / 2:
            raise InputError("most resampled data sets cannot be fitted", mend="Use the interval 'product'")
        if found[0][1]:
            self.notes.append(f"{found[0][1]} of {draws} resampled data sets could not be fitted and were left out")
        return found[0][0], found[1][0], found[0][1]

    def told(self, interval: str, confidence: float, draws: int, generator: np.random.Generator) -> Mediated:
        """Return all tables."""
        drawn, left_out, _ = self.draws(interval, draws, generator)
        estimates = self.effects(
            self.first.coefficients[None, list(self.sources)], self.second.coefficients[None],
            np.array([float(self.rest @ self.first.coefficients) - self.m.mean()]),
        )  # fmt: skip
        rows: list[Row] = []
        curves, tough = [], []
        for number, label in enumerate(self.labels):
            a = self.first.path(self.sources[number])
            named = [("a", a), ("b", self.b(number, 0.5))]
            if self.interaction:
                named.append(("interaction", self.second.path(self.at_b + 1 + number)))
            else:
                named += [
                    ("direct", self.second.path(self.sources[number])),
                    ("total", self.third.path(self.sources[number])),
                ]
            of = {name: linear_row(*path, confidence) for name, path in named}
            for (which, name), value in estimates.items():
                if which != number or name in of:
                    continue
                key = (number, name)
                if name in INDIRECT:
                    row = _indirect(a, self.b(number, INDIRECT[name]), confidence)
                    row["method"] = f"{HOW[interval]}; p of joint significance"
                else:
                    how = "Monte Carlo of both models, t" if interval == "product" else HOW[interval]
                    row = {"p": shares_beyond(drawn[key]), "method": how}
                if interval != "product" or name not in INDIRECT:
                    row |= _from_draws(float(value[0]), drawn[key], left_out.get(key), interval, confidence)
                of[name] = row | {"estimate": float(value[0])}
            of["proportion"] = self._proportion(of, drawn, number, confidence)
            keys = {"source": label, "mediator": self.names[1], "outcome": self.names[2]}
            rows += [{**keys, "path": name, **row} for name, row in of.items()]
            curve, figures = self._confounded(a, of["indirect"], confidence)
            curves.append(curve.select(*(pl.lit(value).alias(key) for key, value in keys.items()), pl.all()))
            tough.append({**keys, **figures})
        if self.interaction:
            self.notes.append("the sensitivity to unmeasured confounding is that of the model without interaction")
        return Mediated(
            pl.DataFrame(rows, schema=PATHS), pl.concat(curves), pl.DataFrame(tough), len(self.m), tuple(self.notes)
        )

    def _confounded(self, a: Path, indirect: Row, confidence: float) -> tuple[pl.DataFrame, dict[str, float]]:
        plain = self.second
        if self.interaction:
            plain = least_squares(np.column_stack([self.design, self.m]), self.y, self.names[2])
        b = plain.path(self.at_b)
        sums = (self.first.square_sum, plain.square_sum)
        left = [s / float(((v - v.mean()) ** 2).sum()) for s, v in zip(sums, (self.m, self.y), strict=True)]
        bounds = (float(indirect["estimate"]), float(indirect["low"]), float(indirect["high"]))
        spread = float(self.y.std(ddof=1)) / self.per
        figures = robustness(b, bounds, spread, (left[0], left[1]), confidence)
        return correlation_curve(a, b, sums, confidence), figures

    def _proportion(self, of: dict[str, Row], drawn: Effects, number: int, confidence: float) -> Row:
        """Return the share of the total effect that is indirect, where that can be said."""
        total, indirect, direct = (float(of[name]["estimate"]) for name in ("total", "indirect", "direct"))
        if abs(total) < STEADY * float(of["total"]["standard_error"]):
            return {"note": f"not given: the total effect is within {STEADY:g} standard errors of zero"}
        if indirect * direct < 0:
            return {"note": "not given: direct and indirect effect have opposite signs"}
        shares = drawn[number, "indirect"] / drawn[number, "total"]
        low, high = percentile_interval(shares, confidence)
        return {
            "estimate": indirect / total, "standard_error": float(shares.std(ddof=1)), "low": float(low),
            "high": float(high), "method": "percentiles of draws",
        }  # fmt: skip


def linear_row(estimate: float, error: float, df: float, confidence: float) -> Row:
    """Return a coefficient with its t interval and p as a row of paths."""
    reach = error * float(stdtrit(df, (1 + confidence) / 2))
    return {
        "estimate": estimate, "standard_error": error, "low": estimate - reach, "high": estimate + reach, "df": df,
        "p": two_sided_p(estimate, error, df), "method": "least squares, t",
    }  # fmt: skip


def _indirect(a: Path, b: Path, confidence: float) -> Row:
    low, high = product_interval(a[0], a[1], a[2], b[0], b[1], b[2], confidence)
    return {
        "standard_error": math.hypot(a[0] * b[1], b[0] * a[1]), "low": float(low[0]), "high": float(high[0]),
        "p": max(two_sided_p(*a), two_sided_p(*b)),
    }  # fmt: skip


def _from_draws(
    estimate: float, drawn: np.ndarray, left_out: np.ndarray | None, interval: str, confidence: float
) -> Row:
    row: Row = {"standard_error": float(drawn.std(ddof=1))}
    if interval == "bca" and left_out is not None:
        low, high = bca_interval(np.array([estimate]), drawn[:, None], left_out[:, None], confidence)
    else:
        low, high = percentile_interval(drawn[:, None], confidence)
    return row | {"low": float(low[0]), "high": float(high[0])}


def two_sided_p(estimate: float, error: float, df: float) -> float:
    """Return p of a t statistic."""
    return float(2 * stdtr(df, -abs(estimate / error)))


def shares_beyond(drawn: np.ndarray) -> float:
    """Return p of draws: twice the smaller share of draws beyond zero."""
    beyond = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (beyond + 1) / (len(drawn) + 1))


def _drawn(fit: Fit, draws: int, generator: np.random.Generator) -> np.ndarray:
    root = np.linalg.cholesky(fit.covariance)
    spread = np.sqrt(fit.df / generator.chisquare(fit.df, (draws, 1)))
    return np.asarray(fit.coefficients + spread * (generator.standard_normal((draws, len(root))) @ root.T))
