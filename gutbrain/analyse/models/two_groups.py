"""Two groups of people, one number each: Welch's t, the rank sum, permutation, and a linear model with covariates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError

EXACT_BELOW = 50  # people a group, below which the rank sum is exact if no two values are equal (as in R)
BLOCK = 2_000_000
ROW: dict[str, pl.DataType] = {
    "term": pl.String(), "estimate": pl.Float64(), "standard_error": pl.Float64(), "low": pl.Float64(),
    "high": pl.Float64(), "statistic": pl.Float64(), "df": pl.Float64(), "p": pl.Float64(), "people": pl.Int64(),
    "rows": pl.Int64(), "method": pl.String(), "note": pl.String(),
}  # fmt: skip


def welch(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> dict[str, Any]:
    """Return the difference of two means, second less first, with Welch's interval and test.

    Parameters
    ----------
    first, second : arrays [person]

    Returns
    -------
    dict with estimate, standard_error, low, high, statistic, df, p and note; without spread or with one person in a
    group only the estimate stands, and the note says why
    """
    from scipy import stats

    found: dict[str, Any] = dict.fromkeys(("standard_error", "low", "high", "statistic", "df", "p", "note"))
    found["estimate"] = float(second.mean() - first.mean()) if min(len(first), len(second)) else None
    if min(len(first), len(second)) < 2:
        return found | {"note": f"groups of {len(first)} and {len(second)} people: no test"}
    parts = np.array([first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)])
    if parts.sum() <= 1e-24 * max(1.0, float(np.abs(np.concatenate([first, second])).max()) ** 2):
        return found | {"note": "nobody differs within the groups: no test"}
    error = math.sqrt(parts.sum())
    free = float(parts.sum() ** 2 / (parts**2 / [len(first) - 1, len(second) - 1]).sum())
    statistic = found["estimate"] / error
    reach = float(stats.t.ppf((1 + confidence) / 2, free)) * error
    return found | {
        "standard_error": error, "low": found["estimate"] - reach, "high": found["estimate"] + reach,
        "statistic": statistic, "df": free, "p": float(2 * stats.t.sf(abs(statistic), free)),
    }  # fmt: skip


def rank_sum(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Return Wilcoxon's rank sum test; the statistic is W of `second`, the pairs in which it is larger.

    Exact below 50 people a group without equal values, else by the normal curve with continuity correction.
    """
    from scipy import stats

    if not min(len(first), len(second)):
        return {"statistic": None, "p": None, "note": "a group is empty: no test"}
    joined = np.concatenate([first, second])
    if len(np.unique(joined)) == 1:
        return {"statistic": None, "p": None, "note": "all values are equal: no test"}
    exact = len(np.unique(joined)) == len(joined) and max(len(first), len(second)) < EXACT_BELOW
    found = stats.mannwhitneyu(second, first, method="exact" if exact else "asymptotic")
    return {"statistic": float(found.statistic), "p": float(found.pvalue),
            "note": "exact" if exact else "normal curve, ties corrected"}  # fmt: skip


def permuted(first: np.ndarray, second: np.ndarray, draws: int, generator: np.random.Generator) -> dict[str, Any]:
    """Return the two-sided p of the difference of means when people are dealt to the groups anew.

    All ways of dealing are taken when they are fewer than `draws`, and p is exact then.
    """
    from itertools import combinations

    if not min(len(first), len(second)):
        return {"statistic": None, "p": None, "note": "a group is empty: no test"}
    joined = np.concatenate([first, second])
    seen = abs(second.mean() - first.mean())
    bar = seen - 1e-10 * max(1.0, float(np.abs(joined).max()))
    total, own = joined.sum(), len(second)

    def reach(sums: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(sums / own - (total - sums) / len(first)) >= bar)

    ways = math.comb(len(joined), own)
    if ways <= draws:
        sums = np.array([joined[list(chosen)].sum() for chosen in combinations(range(len(joined)), own)])
        return {"statistic": seen, "p": float(reach(sums).mean()), "note": f"all {ways} permutations"}
    hits, left = 0, draws
    while left:
        block = min(left, max(1, BLOCK // len(joined)))
        shuffled = generator.permuted(np.broadcast_to(joined, (block, len(joined))), axis=1)
        hits += int(reach(shuffled[:, :own].sum(axis=1)).sum())
        left -= block
    return {"statistic": seen, "p": (hits + 1) / (draws + 1), "note": f"{draws} permutations"}


def compare(
    people: pl.DataFrame,
    value: str,
    group: str,
    *,
    adjust: Sequence[str] = (),
    confidence: float = 0.95,
    permutations: int = 9999,
    generator: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Compare one number a person between groups, each group with the first.

    Parameters
    ----------
    people : one row a person; rows with an empty value or group are left out
    value, group : columns; the first category of an Enum is the reference, else the first in order of letters
    adjust : covariates; with them a linear model is the first row of each comparison, without them Welch's t
    permutations : draws; 0 for none

    Returns
    -------
    table with the columns of `ROW`, several methods a comparison; the first is the one to report

    Raises
    ------
    InputError
        For a person with several rows, or fewer than two groups.
    """
    there = people.filter(pl.col(value).is_not_null() & pl.col(value).is_not_nan() & pl.col(group).is_not_null())
    if there["person"].is_duplicated().any():
        raise InputError("a person has several rows", mend="Summarise each person first, or take a mixed model")
    named = there[group].cast(pl.String)
    kind = there[group].dtype
    order = kind.categories.to_list() if isinstance(kind, pl.Enum) else named.sort().to_list()
    levels = [level for level in dict.fromkeys(order) if level in set(named)]
    if len(levels) < 2:
        raise InputError(f"{group!r} has {len(levels)} groups with values", field=group, mend="Two are needed")
    numbers = {level: there.filter(named == level)[value].cast(pl.Float64).to_numpy() for level in levels}
    rows: list[dict[str, Any]] = []
    models = _linear(there, value, group, adjust, confidence) if adjust else {}
    for level in levels[1:]:
        first, second = numbers[levels[0]], numbers[level]
        term = f"{group}[{level}]"
        told = {"term": term, "people": len(first) + len(second), "rows": len(first) + len(second)}
        if adjust:
            rows.append(told | models[term])
        simple = welch(first, second, confidence)
        rows.append(told | simple | {"method": "Welch t of people's means"})
        rows.append(told | {"estimate": simple["estimate"], "method": "Wilcoxon rank sum"} | rank_sum(first, second))
        if permutations:
            drawn = permuted(first, second, permutations, generator or np.random.default_rng(1))
            rows.append(told | {"estimate": simple["estimate"], "method": "permutation of people"} | drawn)
    return pl.DataFrame(rows, schema=ROW)


def _linear(table: pl.DataFrame, value: str, group: str, adjust: Sequence[str], confidence: float
            ) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Return the difference of each group in a linear model with covariates (least squares, t)."""
    from scipy import stats

    from gutbrain.analyse.formula import model_matrix, quoted

    made = model_matrix(table, " + ".join(map(quoted, [group, *adjust])), (value,))
    outcome = table[value].cast(pl.Float64).to_numpy()[made.rows]
    inverse = np.linalg.inv(made.values.T @ made.values)
    found = inverse @ made.values.T @ outcome
    free = len(outcome) - made.values.shape[1]
    spread = float(((outcome - made.values @ found) ** 2).sum() / free)
    exact = (1e-10 * float(np.ptp(outcome))) ** 2 if np.ptp(outcome) > 0 else np.inf
    method = f"linear model with {', '.join(adjust)}, least squares"
    note = "; ".join(made.notes) or None
    blank = {"method": method, "note": "; ".join(filter(None, [note, "no such column in the model"]))}
    rows: dict[str, dict[str, Any]] = {}
    for level in table[group].cast(pl.String).unique():
        term = f"{group}[{level}]"
        if term not in made.columns or spread <= exact:
            rows[term] = blank if term not in made.columns else blank | {"note": "no remainder: no test"}
            continue
        place = made.columns.index(term)
        error = math.sqrt(spread * inverse[place, place])
        statistic = float(found[place]) / error
        reach = float(stats.t.ppf((1 + confidence) / 2, free)) * error
        rows[term] = {
            "estimate": float(found[place]), "standard_error": error, "low": float(found[place]) - reach,
            "high": float(found[place]) + reach, "statistic": statistic, "df": float(free),
            "p": float(2 * stats.t.sf(abs(statistic), free)), "people": len(outcome), "rows": len(outcome),
            "method": method, "note": note,
        }  # fmt: skip
    return rows


def compare_again(table: pl.DataFrame, value: str, formula: str, group: str, confidence: float = 0.95) -> pl.DataFrame:
    """Compare groups of people who come again: linear mixed model with a random intercept of each person.

    Parameters
    ----------
    table : rows with person, `value`, and the columns of the formula
    formula : fixed effects, right-hand side
    group : factor or number whose coefficients are returned, its interactions included

    Returns
    -------
    table with the columns of `ROW`, one row a coefficient

    Raises
    ------
    InputError
        As `gutbrain.analyse.models.mixed.mixed`.
    """
    from gutbrain.analyse.models.mixed import mixed

    fit = mixed(table, value, formula)
    found = fit.contrast(np.eye(len(fit.estimates)), confidence)
    found = found.with_columns(pl.Series("term", fit.design.columns))
    own = found.filter(pl.Series([_of(term, group) for term in fit.design.columns], dtype=pl.Boolean))
    note = "; ".join(fit.notes) or None
    return own.with_columns(
        pl.lit(fit.people, pl.Int64).alias("people"), pl.lit(len(fit.residuals), pl.Int64).alias("rows"),
        pl.lit(fit.method).alias("method"), pl.lit(note, pl.String).alias("note"),
    ).select([pl.col(name).cast(kind) for name, kind in ROW.items()])  # fmt: skip


def _of(term: str, group: str) -> bool:
    """Whether a column of a model is of a group: `arm[b]` and `arm[b]:visit[2]` are of `arm`, `farm[yes]` is not."""
    return any(part == group or part.startswith(f"{group}[") for part in term.split(":"))
