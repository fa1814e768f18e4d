"""The whole community as the mediator: how much goes through its composition, through which taxa, and whether."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import fdtrc, stdtr

from gutbrain.analyse.formula import model_matrix, quoted
from gutbrain.analyse.models.effects import log_ratios
from gutbrain.analyse.paths.confounding import correlation_curve, robustness
from gutbrain.analyse.paths.distance_mediation import distance_test
from gutbrain.analyse.paths.mediation import PATHS, Row, least_squares, linear_row, shares_beyond, two_sided_p
from gutbrain.analyse.paths.mediation_intervals import percentile_interval, product_interval
from gutbrain.errors import InputError

METHODS = ("auto", "log ratios", "balances")
ROOM = 3  # residual degrees of freedom for each log ratio, below which balances are learned instead
PENALTIES = np.logspace(-4, 4, 41)  # of the ridge, times the mean square of the singular values
COMPOSITION = "composition"


@dataclass(frozen=True)
class Composed:
    """What mediation through a composition found.

    Parameters
    ----------
    paths : direct, indirect and total, as in `gutbrain.analyse.paths.mediation`
    taxa : source, feature, contribution, low, high (to the indirect effect, of the whole), same_sign (share of halves
        in which the contribution has its sign), a, a_p, b, b_p, indirect, indirect_low, indirect_high, p, q (each
        taxon as the only mediator)
    tests : source, distance, statistic, p_source, p_outcome, p (of permutations)
    sensitivity, robustness : of the indirect effect through the learned balance
    people : how many were used
    method : how the indirect effect was estimated
    """

    paths: pl.DataFrame
    taxa: pl.DataFrame
    tests: pl.DataFrame
    sensitivity: pl.DataFrame
    robustness: pl.DataFrame
    people: int
    method: str
    notes: tuple[str, ...] = ()


def centred_log_ratios(values: np.ndarray) -> np.ndarray:
    """Return centred log ratios, to base e, of amounts [sample, taxon]; zeros as `log_ratios` replaces them.

    Raises
    ------
    InputError
        For a sample that holds nothing.
    """
    values = np.asarray(values, float)
    there = (values > 0).any(axis=1)
    if not there.all():
        raise InputError("a sample holds none of the taxa", row=int(np.argmin(there)), mend="Leave it out")
    return log_ratios(values) * math.log(2)


def isometric_basis(taxa: int) -> np.ndarray:
    """Return an orthonormal basis of log contrasts, array [taxon, taxa - 1]: each taxon against those before it."""
    basis = np.zeros((taxa, taxa - 1))
    for place in range(1, taxa):
        basis[:place, place - 1] = 1 / place
        basis[place, place - 1] = -1
        basis[:, place - 1] *= math.sqrt(place / (place + 1))
    return basis


def compositional_mediation(
    table: pl.DataFrame,
    values: np.ndarray,
    features: Sequence[str],
    source: str,
    outcome: str,
    covariates: Sequence[str] = (),
    *,
    method: str = "auto",
    confidence: float = 0.95,
    draws: int = 5000,
    permutations: int = 999,
    splits: int = 50,
    generator: np.random.Generator | None = None,
) -> Composed:
    """Return what of the effect of a source on an outcome goes through the composition.

    Parameters
    ----------
    table : one row a person
    values : array [person, taxon], amounts in the rows of the table; taxa that are nowhere are left out
    features : names of the taxa
    method : `log ratios` puts all of them into both models; `balances` learns one log contrast in a random half of
        the people and measures the effect through it in the others; `auto` takes the first where people suffice

    Raises
    ------
    InputError
        For fewer than three taxa, a sample without any, too few people, or a source or outcome without variance.

    Notes
    -----
    The indirect effect is the sum over log contrasts of (source to contrast) x (contrast to outcome); it is the
    same in every basis, and taxa contribute to it in centred log ratios. Source: Sohn & Li 2019,
    doi 10.1214/18-AOAS1210. Over random halves medians are taken, of intervals at half the error and of p times two:
    Meinshausen, Meier & Bühlmann 2009, doi 10.1198/jasa.2009.tm08647. A learned balance misses some of what goes
    through the community, so this estimate tends to zero; it does not come out large by choice of the balance.
    """
    if method not in METHODS:
        raise InputError(f"{method!r} is no method", field="method", mend=f"Known are {', '.join(METHODS)}")
    generator = generator or np.random.default_rng(1)
    if not table.schema[outcome].is_numeric():
        raise InputError(f"{outcome!r} is no column of numbers", field=outcome)
    made = model_matrix(table, " + ".join(map(quoted, [source, *covariates])), also=(outcome,))
    values = np.asarray(values, float)[made.rows]
    there = np.asarray((values > 0).any(axis=0))
    names = [name for name, kept in zip(features, there, strict=True) if kept]
    if len(names) < 3:
        raise InputError(f"{len(names)} taxa are no composition to mediate", mend="Three or more must occur")
    clr = centred_log_ratios(values[:, there])
    y = table[outcome].cast(pl.Float64).to_numpy()[made.rows]
    if not made.terms[source]:
        raise InputError(f"{source!r} is the same in all people", field=source, mend="It can have no effect")
    notes = list(made.notes)
    whole = least_squares(made.values, y, outcome)
    if method == "auto":
        method = "log ratios" if whole.df >= (ROOM + 1) * (len(names) - 1) else "balances"
        if method == "balances":
            notes.append(
                f"{len(names)} taxa are too many for {len(y)} people to enter one model: balances were learned in "
                "halves, which finds less than all that goes through the community"
            )
    total_scale = (made.values[:, made.terms[source][0]].std(ddof=1)) if table.schema[source].is_numeric() else 1.0
    rows, taxa, tests, curves, tough = [], [], [], [], []
    for place in made.terms[source]:
        keys = {"source": made.columns[place], "mediator": COMPOSITION, "outcome": outcome}
        halves = _halves(made.values, place, clr, y, outcome, confidence, splits, generator)
        if method == "balances":
            indirect, carried, direct = halves.indirect, halves.taxa, None
        else:
            indirect, carried, direct = _log_ratios(made.values, place, clr, y, outcome, confidence, draws, generator)
            carried["same_sign"] = halves.taxa["same_sign"]
        if direct is not None:
            rows.append({**keys, "path": "direct", **direct})
        rows += [
            {**keys, "path": "indirect", **indirect},
            {**keys, "path": "total", **linear_row(*whole.path(place), confidence)},
        ]
        single = _one_by_one(made.values, place, clr, y, confidence)
        frame = pl.DataFrame({"feature": names, **carried, **single})
        taxa.append(frame.select(pl.lit(keys["source"]).alias("source"), pl.all()))
        shares = values[:, there] / values[:, there].sum(axis=1, keepdims=True)
        tests += [
            {"source": keys["source"], **row}
            for row in distance_test(made.values, place, {"aitchison": clr, "braycurtis": shares}, y, permutations,
                                     generator)
        ]  # fmt: skip
        curves.append(halves.curve.select(*(pl.lit(v).alias(k) for k, v in keys.items()), pl.all()))
        spread = float(y.std(ddof=1)) / total_scale
        bounds = (float(indirect["estimate"]), float(indirect["low"]), float(indirect["high"]))
        tough.append({**keys, **robustness(halves.b, bounds, spread, halves.unexplained, confidence)})
    return Composed(
        pl.DataFrame(rows, schema=PATHS), pl.concat(taxa), pl.DataFrame(tests), pl.concat(curves),
        pl.DataFrame(tough), len(y), method, tuple(notes),
    )  # fmt: skip


def _log_ratios(
    design: np.ndarray, place: int, clr: np.ndarray, y: np.ndarray, outcome: str, confidence: float, draws: int,
    generator: np.random.Generator,
) -> tuple[Row, dict[str, np.ndarray], Row]:  # fmt: skip
    """Put all log ratios into both models; intervals by draws of both sets of coefficients."""
    basis = isometric_basis(clr.shape[1])
    ilr = clr @ basis
    rows, columns = design.shape
    width = ilr.shape[1]
    inverse = np.linalg.inv(design.T @ design)
    alpha = (inverse @ design.T @ ilr)[place]
    rest = ilr - design @ (inverse @ design.T @ ilr)
    df = rows - columns
    if np.linalg.matrix_rank(rest) < width or df <= width:
        raise InputError(
            f"{width + 1} taxa cannot all enter one model of {rows} people", mend="Use the method 'balances'"
        )
    spread = rest.T @ rest / df
    second = least_squares(np.column_stack([design, ilr]), y, outcome)
    beta, cov = second.coefficients[columns:], second.covariance[columns:, columns:]
    # Hotelling's T2 of all source paths, F of all paths to the outcome; the larger p tests the composition jointly.
    t_square = float(alpha @ np.linalg.solve(spread, alpha)) / inverse[place, place]
    p_a = float(fdtrc(width, df - width + 1, t_square * (df - width + 1) / (df * width)))
    p_b = float(fdtrc(width, second.df, float(beta @ np.linalg.solve(cov, beta)) / width))
    root = np.linalg.cholesky(spread * inverse[place, place])
    drawn_a = alpha + generator.standard_normal((draws, width)) @ root.T * _heavy(df, draws, generator)
    drawn_b = beta + generator.standard_normal((draws, width)) @ np.linalg.cholesky(cov).T * _heavy(
        second.df, draws, generator
    )
    parts = (drawn_a @ basis.T) * (drawn_b @ basis.T)
    sums = parts.sum(axis=1)
    low, high = (float(end) for end in percentile_interval(sums, confidence))
    part_low, part_high = percentile_interval(parts, confidence)
    indirect = {
        "estimate": float(alpha @ beta), "standard_error": float(sums.std(ddof=1)), "low": low, "high": high,
        "p": max(p_a, p_b, shares_beyond(sums)),
        "method": "all log ratios in both models, Monte Carlo, t; p the largest of both joint tests and of the sum",
    }  # fmt: skip
    carried = {"contribution": (basis @ alpha) * (basis @ beta), "low": part_low, "high": part_high}
    return indirect, carried, linear_row(*second.path(place), confidence)


def _heavy(df: float, draws: int, generator: np.random.Generator) -> np.ndarray:
    return np.sqrt(df / generator.chisquare(df, (draws, 1)))


@dataclass(frozen=True)
class _Halves:
    indirect: Row
    taxa: dict[str, np.ndarray]
    curve: pl.DataFrame
    b: tuple[float, float, float]
    unexplained: tuple[float, float]


def _halves(
    design: np.ndarray, place: int, clr: np.ndarray, y: np.ndarray, outcome: str, confidence: float, splits: int,
    generator: np.random.Generator,
) -> _Halves:  # fmt: skip
    """Learn a balance in one half of the people, measure the indirect effect through it in the other."""
    rows, columns = design.shape
    a, b, sums, parts, left = [], [], [], [], []
    for _ in range(20 * splits):
        order = generator.permutation(rows)
        half, other = order[: rows // 2], order[rows // 2 :]
        # A half may have lost a level of a factor; another is drawn then.
        if min(np.linalg.matrix_rank(design[part]) for part in (half, other)) < columns or len(half) < columns + 3:
            continue
        weights = learned_balance(design[half], place, clr[half], y[half])
        if weights is None:
            continue
        score = clr[other] @ weights
        try:
            first = least_squares(design[other], score, "the balance")
            second = least_squares(np.column_stack([design[other], score]), y[other], outcome)
        except InputError:
            continue
        a.append(first.path(place))
        b.append(second.path(columns))
        sums.append((first.square_sum, second.square_sum))
        left.append((first.square_sum / _spread(score), second.square_sum / _spread(y[other])))
        clr_a = np.linalg.lstsq(design[other], clr[other], rcond=None)[0][place]
        parts.append(clr_a * weights * b[-1][0])
        if len(a) == splits:
            break
    if len(a) < splits:
        raise InputError(
            f"{rows} people cannot be halved for a model of {columns} terms and a balance",
            mend="Leave covariates out, or bring more people",
        )
    at_a, at_b = np.array(a), np.array(b)
    indirect = at_a[:, 0] * at_b[:, 0]
    tight = 1 - (1 - confidence) / 2
    low, high = product_interval(
        at_a[:, 0], at_a[:, 1], at_a[0, 2], at_b[:, 0], at_b[:, 1], at_b[0, 2], tight
    )  # fmt: skip
    p = [max(two_sided_p(*one), two_sided_p(*two)) for one, two in zip(a, b, strict=True)]
    middle = int(np.argsort(indirect)[splits // 2])
    row = {
        "estimate": float(np.median(indirect)), "standard_error": None, "low": float(np.median(low)),
        "high": float(np.median(high)), "p": min(1.0, 2 * float(np.median(p))),
        "method": f"balance learned in one half, product of paths in the other; medians of {splits} halvings",
    }  # fmt: skip
    many = np.array(parts)
    carried = np.median(many, axis=0)
    none = np.full(len(carried), None)
    taxa = {
        "contribution": carried, "low": pl.Series(none, dtype=pl.Float64), "high": pl.Series(none, dtype=pl.Float64),
        "same_sign": (np.sign(many) == np.sign(carried)).mean(axis=0),
    }  # fmt: skip
    curve = correlation_curve(a[middle], b[middle], sums[middle], tight)
    return _Halves(row, taxa, curve, b[middle], left[middle])


def _spread(values: np.ndarray) -> float:
    return float(((values - values.mean()) ** 2).sum())


def learned_balance(design: np.ndarray, place: int, clr: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Return a log contrast that is likely to mediate, array [taxon] of weights that sum to 0, or None.

    Taxa are screened by the weaker of their two paths, at most (people / log people) / 2 and at least three of them
    stay; their weights come from a ridge regression of the outcome, its penalty from generalised cross-validation.
    """
    q, r = np.linalg.qr(design)
    target = y - q @ (q.T @ y)
    rest = clr - q @ (q.T @ clr)
    squares = np.maximum((rest**2).sum(axis=0), np.finfo(float).tiny)
    with_source = np.abs((np.linalg.inv(r) @ q.T @ clr)[place]) / np.sqrt(squares)
    with_source /= max(float(np.linalg.norm(np.linalg.inv(r)[place])), np.finfo(float).tiny)
    with_outcome = np.abs(rest.T @ target) / np.sqrt(squares * max(float(target @ target), np.finfo(float).tiny))
    # Both as t up to a common factor: a / se(a), and r / sqrt(1 - r^2).
    weaker = np.minimum(with_source, with_outcome / np.sqrt(np.maximum(1 - with_outcome**2, 1e-12)))
    many = max(3, int(len(y) / math.log(len(y)) / 2))
    chosen = np.sort(np.argsort(-weaker)[:many])
    rest = rest[:, chosen] - rest[:, chosen].mean(axis=1, keepdims=True)
    left, size, right = np.linalg.svd(rest, full_matrices=False)
    kept = size > 1e-8 * max(size[0], 1e-300)
    left, size, right = left[:, kept], size[kept], right[kept]
    shrunk = size**2 / (size**2 + PENALTIES[:, None] * (size**2).mean()) if len(size) else np.zeros((1, 0))
    along = left.T @ target
    missed = ((along * (1 - shrunk)) ** 2).sum(axis=1) + max(float(target @ target - along @ along), 0.0)
    free = len(y) - design.shape[1] - shrunk.sum(axis=1)
    best = int(np.argmin(np.where(free > 1, missed / np.maximum(free, 1) ** 2, np.inf)))
    weights = np.zeros(clr.shape[1])
    weights[chosen] = right.T @ (shrunk[best] / size * along)
    length = float(np.linalg.norm(weights))
    return weights / length if length > 0 else None


def _one_by_one(design: np.ndarray, place: int, clr: np.ndarray, y: np.ndarray, confidence: float) -> dict[str, object]:
    """Take each taxon as the only mediator: paths, joint significance, corrected over taxa (Benjamini-Hochberg)."""
    from scipy.stats import false_discovery_control

    rows, columns = design.shape
    q, r = np.linalg.qr(design)
    inverse = np.linalg.inv(r)
    a = (inverse @ q.T @ clr)[place]
    rest, target = clr - q @ (q.T @ clr), y - q @ (q.T @ y)
    squares = np.maximum((rest**2).sum(axis=0), np.finfo(float).tiny)
    df_a, df_b = rows - columns, rows - columns - 1
    a_error = np.sqrt(squares / df_a * (inverse @ inverse.T)[place, place])
    b = rest.T @ target / squares
    b_error = np.sqrt(np.maximum(target @ target - b**2 * squares, np.finfo(float).tiny) / df_b / squares)
    p_a, p_b = 2 * stdtr(df_a, -np.abs(a / a_error)), 2 * stdtr(df_b, -np.abs(b / b_error))
    low, high = product_interval(a, a_error, df_a, b, b_error, df_b, confidence)
    p = np.maximum(p_a, p_b)
    return {
        "a": a, "a_p": p_a, "b": b, "b_p": p_b, "indirect": a * b, "indirect_low": low, "indirect_high": high,
        "p": p, "q": false_discovery_control(p),
    }  # fmt: skip
