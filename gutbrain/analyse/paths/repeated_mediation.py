"""Mediation within people who were seen often: random slopes, within and between people kept apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtri, stdtrit

from gutbrain.analyse.formula import independent, model_matrix, quoted
from gutbrain.analyse.paths.confounding import correlation_curve, robustness, robustness_value
from gutbrain.analyse.paths.mediation import PATHS, Mediated, Path, Row, linear_row, shares_beyond, two_sided_p
from gutbrain.analyse.paths.mediation_intervals import percentile_interval, product_interval
from gutbrain.analyse.paths.stacked_mixed import Response, Stacked, stacked
from gutbrain.errors import InputError

RANDOM = ("auto", "intercepts", "slopes")
FEWEST_PEOPLE = 5
SLOPES_PEOPLE, SLOPES_OCCASIONS = 10, 5  # people, and occasions of the median person, that random slopes take
LONG = 1.5  # times the usual gap between occasions: the next one is then hardly the next
WITHIN = 1e-8  # share of the variance of the source; less than this within people means that it differs between them


@dataclass(frozen=True)
class _Terms:
    """Columns of both models with where the paths stand."""

    first: Response
    second: Response
    a: int
    b: int
    direct: int
    a_between: int | None
    b_between: int | None
    within: bool
    scale: dict[str, float]


def repeated_mediation(
    table: pl.DataFrame,
    source: str,
    mediator: str,
    outcome: str,
    covariates: Sequence[str] = (),
    *,
    person: str = "person",
    order: str = "day",
    lagged: bool = False,
    random: str = "auto",
    confidence: float = 0.95,
    draws: int = 20_000,
    generator: np.random.Generator | None = None,
) -> Mediated:
    """Return indirect effects within people (or between them, where the source does not change within).

    Parameters
    ----------
    table : one row a person and occasion
    order : column by which the occasions of a person follow each other
    lagged : the outcome is that of the next occasion, given that of this one
    random : slopes that differ between people: auto takes them where people and occasions suffice

    Returns
    -------
    Mediated: paths a, b, direct, indirect and total within people, and, of a source that differs between people
    as well, `a, between people` and so on; `indirect` is a b + cov(a, b) where slopes are random

    Raises
    ------
    InputError
        For fewer than five people, no second occasion, two occasions at the same place of the order, or a mediator
        or outcome that does not change within people.

    Notes
    -----
    Mediator and outcome are fitted as one model: Bauer, Preacher & Gil 2006, doi 10.1037/1082-989X.11.2.142;
    Kenny, Korchmaros & Bolger 2003, doi 10.1037/1082-989X.8.2.115. Values within people are deviations from the
    person's mean; of a source that differs only between people nothing goes through what changes within them, so
    its indirect effect is that between people (2-1-1). With `lagged`, few occasions pull the path of the earlier
    outcome down (Nickell 1981, doi 10.2307/1911408).
    """
    if random not in RANDOM:
        raise InputError(f"{random!r} is unknown", field="random", mend=f"Known are {', '.join(RANDOM)}")
    for name in (mediator, outcome):
        if name not in table.columns or not table.schema[name].is_numeric():
            raise InputError(f"{name!r} is no column of numbers", field=name)
    if len({source, mediator, outcome}) < 3:
        raise InputError("source, mediator and outcome must be three columns", mend="Name each once")
    table = table.filter(pl.col(order).is_not_null())
    if table.is_empty():
        raise InputError(f"no row has a {order}", field=order, mend="Order the occasions by another column")
    if table.select(person, order).is_duplicated().any():
        raise InputError(f"a person has two rows at the same {order}", field=order, mend="Keep one of them")
    table = table.sort(person, order)
    before: str | None = None
    if lagged:
        before = f"{outcome}, before"
        gap = (pl.col(order).shift(-1) - pl.col(order)).over(person).cast(pl.Float64).alias("gap")
        table = table.with_columns(pl.col(outcome).alias(before), pl.col(outcome).shift(-1).over(person), gap)
    made = model_matrix(
        table, " + ".join(map(quoted, [source, *covariates])),
        also=(mediator, outcome, person, *([before] if before else [])),
    )  # fmt: skip
    if not made.terms[source]:
        raise InputError(f"{source!r} is the same throughout", field=source, mend="It can have no effect")
    used = table[made.rows.tolist()]
    codes = used[person].cast(pl.String).rank("dense").to_numpy().astype(int) - 1
    occasions = np.bincount(codes)
    if len(occasions) < FEWEST_PEOPLE or np.median(occasions) < 2:
        raise InputError(
            f"{len(occasions)} people with {np.median(occasions):g} occasions (median) do not show mediation within",
            mend=f"Bring {FEWEST_PEOPLE} people with several occasions, or take the model 'single'",
        )
    notes = list(made.notes)
    if lagged and (long := int((used["gap"] > LONG * used["gap"].median()).sum())):
        notes.append(f"{long} of {len(used)} next occasions come after a gap of more than {LONG:g} times the usual one")
    generator = generator or np.random.default_rng(1)
    m, y = (used[name].cast(pl.Float64).to_numpy() for name in (mediator, outcome))
    for name, values in ((mediator, m), (outcome, y)):
        if _spread(_centred(values, codes)) <= WITHIN * max(_spread(values), np.finfo(float).tiny):
            raise InputError(f"{name!r} does not change within people", field=name, mend="Take the model 'single'")
    earlier = used[before].cast(pl.Float64).to_numpy() if before else None
    others = [place for place in range(made.values.shape[1]) if place not in made.terms[source]]
    rows, curves, tough = [], [], []
    for place in made.terms[source]:
        rest = [one for one in made.terms[source] if one != place]
        terms, slopes = _terms(
            made.values[:, place], made.values[:, others + rest], m, y, earlier, codes, random, occasions
        )
        # The mean of the mediator holds its random intercept: a covariance of intercepts would say the same twice.
        fit = stacked(terms.first, terms.second, apart=((terms.first.random.shape[1], 0),))
        if not fit.converged:
            notes.append("the search for the variances ended early; look at the estimates with care")
        keys = {"source": made.columns[place], "mediator": mediator, "outcome": outcome}
        found, a, b, sums = _effects(fit, terms, slopes, len(occasions), len(y), confidence, draws, generator)
        rows += [{**keys, "path": name, **row} for name, row in found.items()]
        curve = correlation_curve(a, b, sums, confidence)
        curves.append(curve.select(*(pl.lit(value).alias(key) for key, value in keys.items()), pl.all()))
        indirect = found["indirect"]
        per = math.sqrt(_spread(made.values[:, place]) / len(y)) if table.schema[source].is_numeric() else 1.0
        left = (sums[0] / _spread(m), sums[1] / _spread(y))
        bounds = (float(indirect["estimate"]), float(indirect["low"]), float(indirect["high"]))
        # On the scale of the residuals within people, as in the curve; the interval is that of the mixed model.
        ratio = math.sqrt(sums[1] / sums[0])
        inner = float(len(y) - len(occasions))
        figures = robustness((b[0], ratio / math.sqrt(inner), inner), bounds, float(y.std()) / per, left, confidence)
        near = max(abs(b[0]) - b[1] * float(stdtrit(b[2], (1 + confidence) / 2)), 0.0) / ratio
        figures["correlation_at_interval"] = math.copysign(near / math.hypot(1, near), b[0])
        figures["robustness_value_interval"] = robustness_value(near, 1.0)
        tough.append({**keys, **figures})
    notes.append("means of few occasions stand for people: paths between people are drawn towards those within")
    return Mediated(
        pl.DataFrame(rows, schema=PATHS), pl.concat(curves), pl.DataFrame(tough), len(occasions), tuple(notes), len(y)
    )


def _spread(values: np.ndarray) -> float:
    return float(((values - values.mean()) ** 2).sum())


def _means(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.asarray((np.bincount(codes, values) / np.bincount(codes))[codes])


def _centred(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.asarray(values - _means(values, codes))


def _terms(
    x: np.ndarray, others: np.ndarray, m: np.ndarray, y: np.ndarray, earlier: np.ndarray | None, codes: np.ndarray,
    random: str, occasions: np.ndarray,
) -> tuple[_Terms, bool]:  # fmt: skip
    """Write both models: deviations from the person's mean, the means, and what else is given."""
    scale = {"x": max(float(x.std()), 1e-300), "m": float(m.std()), "y": float(y.std())}
    x, m, y = x / scale["x"], m / scale["m"], y / scale["y"]
    one = np.ones(len(y))
    inside, mean = _centred(x, codes), _means(x, codes)
    within = _spread(inside) > WITHIN * _spread(x)
    both = within and _spread(mean) > WITHIN * _spread(x)
    m_in, m_mean = _centred(m, codes), _means(m, codes)
    own = [inside, *([mean] if both else [])] if within else [x]
    slopes = random == "slopes" or (
        random == "auto" and len(occasions) >= SLOPES_PEOPLE and float(np.median(occasions)) >= SLOPES_OCCASIONS
    )
    more = [] if earlier is None else [earlier / scale["y"]]
    first = np.column_stack([one, *own, others])
    second = np.column_stack([one, *own, m_in, m_mean, *more, others])
    kept = [independent(part) for part in (first, second)]
    width = len(own)
    if not set(range(1, width + 3)) <= set(kept[1]):
        raise InputError("source and mediator say the same", mend="Name another mediator")
    if within:
        random_m = [one, inside] if slopes else [one]
        random_y = [one, m_in, inside] if slopes else [one]
    else:
        random_m, random_y = [one], [one, m_in] if slopes else [one]
    return _Terms(
        Response(m, first[:, kept[0]], np.column_stack(random_m), codes),
        Response(y, second[:, kept[1]], np.column_stack(random_y), codes),
        a=1, b=width + 1 if within else width + 2, direct=1,
        a_between=2 if both else None, b_between=width + 2 if both else None, within=within, scale=scale,
    ), slopes and within  # fmt: skip


def _effects(
    fit: Stacked, terms: _Terms, slopes: bool, people: int, rows: int, confidence: float, draws: int,
    generator: np.random.Generator,
) -> tuple[dict[str, Row], Path, Path, tuple[float, float]]:  # fmt: skip
    scale = terms.scale
    columns = (terms.first.fixed.shape[1], terms.second.fixed.shape[1])
    units = {"a": scale["m"] / scale["x"], "b": scale["y"] / scale["m"], "direct": scale["y"] / scale["x"]}
    between_df = float(max(people - 3, 1))
    df = float(people - 1) if slopes else float(max(rows - people - columns[1], 1)) if terms.within else between_df

    def path(name: str, place: int, of: float) -> Path:
        return (
            float(fit.coefficients[place]) * units[name],
            math.sqrt(float(fit.covariance[place, place])) * units[name],
            of,
        )

    places = [terms.a, columns[0] + terms.b, columns[0] + terms.direct]
    a, b, direct = (path(name, place, df) for name, place in zip(units, places, strict=True))
    how = "mixed models of mediator and outcome as one, REML, t"
    found = {name: linear_row(*value, confidence) | {"method": how} for name, value in (("a", a), ("b", b))}
    found["direct"] = linear_row(*direct, confidence) | {"method": how}
    at = fit.coefficients[places]
    root = np.linalg.cholesky(fit.covariance[np.ix_(places, places)])
    heavy = np.sqrt(df / generator.chisquare(df, (draws, 1)))
    drawn = at + heavy * (generator.standard_normal((draws, 3)) @ root.T)
    together, error, note = 0.0, 0.0, None
    if slopes:
        one, other = 1, terms.first.random.shape[1] + 1  # slopes a and b among the random effects
        together, error = float(fit.random[one, other]), fit.covariance_error(one, other)
        normal = float(ndtri((1 + confidence) / 2))
        found["cov(a, b)"] = {
            "estimate": together * units["direct"], "standard_error": error * units["direct"],
            "low": (together - normal * error) * units["direct"],
            "high": (together + normal * error) * units["direct"],
            "method": "covariance of random slopes, curvature of the likelihood",
        }  # fmt: skip
        note = "a b + cov(a, b)"
    sums = (drawn[:, 0] * drawn[:, 1] + together + error * generator.standard_normal(draws)) * units["direct"]
    p = shares_beyond(sums) if slopes else max(two_sided_p(*a), two_sided_p(*b))
    product = float(at[0] * at[1] + together) * units["direct"]
    for name, many, value, chance in (
        ("indirect", sums, product, p),
        ("total", sums + drawn[:, 2] * units["direct"], product + direct[0], None),
    ):
        low, high = percentile_interval(many, confidence)
        found[name] = {
            "estimate": value, "standard_error": float(many.std(ddof=1)), "low": float(low), "high": float(high),
            "p": shares_beyond(many) if chance is None else chance, "note": note,
            "method": f"{how}; Monte Carlo" + ("" if slopes or chance is None else "; p of joint significance"),
        }  # fmt: skip
    if terms.a_between is not None and terms.b_between is not None:
        far_a = path("a", terms.a_between, between_df)
        far_b = path("b", columns[0] + terms.b_between, between_df)
        low, high = product_interval(*far_a, *far_b, confidence)
        found["a, between people"] = linear_row(*far_a, confidence) | {"method": how}
        found["b, between people"] = linear_row(*far_b, confidence) | {"method": how}
        found["indirect, between people"] = {
            "estimate": far_a[0] * far_b[0], "standard_error": math.hypot(far_a[0] * far_b[1], far_a[1] * far_b[0]),
            "low": float(low[0]), "high": float(high[0]), "p": max(two_sided_p(*far_a), two_sided_p(*far_b)),
            "method": f"{how}; distribution of the product; p of joint significance",
        }  # fmt: skip
    residuals = (fit.residuals[0] * scale["m"] ** 2, fit.residuals[1] * scale["y"] ** 2)
    return found, a, b, (residuals[0] * rows, residuals[1] * rows)
