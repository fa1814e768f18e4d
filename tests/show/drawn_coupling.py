"""A coupling made of known numbers, without a fit: gut and mind, an input, people who differ, a prior."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from scipy.linalg import solve_continuous_lyapunov

from gutbrain.fit.coupling.coupled import Coupled
from gutbrain.fit.coupling.fitted import Fitted
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.panel import Panel

GUT, MIND = ("butyrate_producers", "shannon", "stool_ph"), ("stress", "negative affect", "sleep_quality")
SCHEMAS = {
    "lagged": ("to", "by", "lag", "estimate", "low", "high"),
    "impulses": ("input", "kind", "process", "lag", "estimate", "low", "high"),
}
UNSURE = 0.06  # standard error of an effect at its largest


def model_of(gut: int, mind: int, varying: bool = True, inputs: bool = True) -> CouplingModel:
    names = [(name, "gut") for name in GUT[:gut]] + [(name, "mind") for name in MIND[:mind]]
    own = tuple(f"mean[{name}]" for name, _ in names)
    own += (f"drift[{MIND[0]}, {GUT[0]}]", f"drift[{GUT[0]}, {MIND[0]}]") if gut and mind else ()
    return CouplingModel(
        tuple(Process(*one) for one in names), tuple(Indicator(name, {name: 1.0}) for name, _ in names),
        impulses=("practice_minutes",) if inputs else (), levels=("fibre_diet",) if inputs else (),
        varying=own if varying else (),
    )  # fmt: skip


def drift_of(model: CouplingModel) -> np.ndarray:
    size = len(model.processes)
    made = np.diag(-np.linspace(0.7, 2.2, size))
    for to, one in enumerate(model.processes):
        for by, other in enumerate(model.processes):
            if to != by:
                strength = {("gut", "mind"): -0.65, ("mind", "gut"): -0.12}.get((other.side, one.side), 0.15)
                made[to, by] = strength * (0.85 ** (to + by)) * (-1) ** ((to + by) // 3)
    return made


def exponentials(drift: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Return exp(drift lag) [lags, n, n]; no two rates of these drifts are equal."""
    rates, modes = np.linalg.eig(drift)
    return np.real(np.einsum("ij,lj,jk->lik", modes, np.exp(np.multiply.outer(lags, rates)), np.linalg.inv(modes)))


def panel_of_people(model: CouplingModel, people: int, occasions: int, seed: int = 3) -> tuple[Panel, np.ndarray]:
    generator = np.random.default_rng(seed)
    drift, size = drift_of(model), len(model.processes)
    rest = solve_continuous_lyapunov(drift, -np.eye(size))
    times, values = [], []
    for _ in range(people):
        gaps = generator.uniform(0.12, 0.5, occasions)
        state, level = np.linalg.cholesky(rest) @ generator.standard_normal(size), generator.standard_normal(size)
        course = []
        for step in exponentials(drift, gaps):
            state = step @ state + np.linalg.cholesky(rest - step @ rest @ step.T) @ generator.standard_normal(size)
            course.append(state + level + 0.3 * generator.standard_normal(size))
        times.append(np.cumsum(gaps) - gaps[0])
        values.append(np.array(course))
    count = people * occasions
    names = tuple(one.name for one in model.indicators)
    panel = Panel(
        tuple(f"person {n + 1}" for n in range(people)), np.repeat(np.arange(people), occasions), np.concatenate(times),
        np.concatenate(values), np.zeros((count, size)), np.zeros((count, size)),
        np.zeros((count, len(model.impulses))), np.zeros((count, len(model.levels))), np.zeros((people, 0)), names,
        model.impulses, model.levels,
    )  # fmt: skip
    return panel, rest


def fitted_of(model: CouplingModel, panel: Panel, converged: bool = True) -> Fitted:
    drift, raw = drift_of(model), []
    for at in model.free:
        one = model.parameters[at]
        value = {"drift": drift[one.place] if one.kind == "drift" else 0.0, "noise": 1.0, "error": 0.3, "spread": 0.4,
                 "impulse": -0.2, "level": 0.1}.get(one.kind, 0.1)  # fmt: skip
        raw.append(one.raw(float(value)))
    free = np.array(raw)
    said = () if converged else (
        "the fit did not converge: the likelihood is flat along drift[stress, butyrate_producers]",)  # fmt: skip
    return Fitted(
        model, panel, "maximum likelihood", free, np.diag(np.full(len(free), 0.012)), -2310.4567,
        np.full(len(panel.people), -100.0), converged, said, np.zeros(len(free)), 2e-7,
        diagnostics={"evaluations": 184.0}, seconds={"compile": 3.1, "fit": 4.8},
    )  # fmt: skip


def banded(labels: dict[str, str], lags: np.ndarray, middle: np.ndarray) -> pl.DataFrame:
    error = UNSURE * (1 - np.exp(-3 * lags / lags[-1])) * (1.2 - lags / lags[-1]) / 0.7
    numbers = {"lag": lags, "estimate": middle, "low": middle - 1.96 * error, "high": middle + 1.96 * error}
    return pl.DataFrame(numbers).select(
        *(pl.lit(text).alias(name) for name, text in labels.items()), "lag", "estimate", "low", "high"
    )  # fmt: skip


@cache
def drawn(
    gut: int = 2, mind: int = 1, people: int = 8, converged: bool = True, prior: bool = True, inputs: bool = True,
    varying: bool = True, days: float = 6.0, occasions: int = 24,
) -> Any:  # fmt: skip
    """Return a coupling; every estimate is that of the drift that the series were made with."""
    model = model_of(gut, mind, varying, inputs)
    panel, rest = panel_of_people(model, people, occasions)
    fitted = fitted_of(model, panel, converged)
    drift, sizes, lags = drift_of(model), np.sqrt(np.diag(rest)), days * np.linspace(0, 1, 60) ** 2
    steps = exponentials(drift, lags)
    names = [one.name for one in model.processes]
    lagged = pl.concat([banded({"to": to, "by": by}, lags, steps[:, row, column] * sizes[column] / sizes[row])
                        for row, to in enumerate(names) for column, by in enumerate(names)])  # fmt: skip
    ones = np.ones(len(names))
    courses = {"impulse": -0.5 * steps @ ones, "level": 0.4 * (np.eye(len(names)) - steps) @ ones}
    given = {"impulse": model.impulses, "level": model.levels}
    impulses = [
        banded({"input": given[kind][0], "kind": kind, "process": name}, lags, courses[kind][:, row] / sizes[row])
        for kind in given
        for row, name in enumerate(names)
        if inputs
    ]
    table = fitted.table().with_columns(pl.lit("per day").alias("unit"), pl.lit("raw").alias("about"))
    return Coupled(
        fitted, None, table, lagged, pl.concat(impulses) if inputs else pl.DataFrame(schema=list(SCHEMAS["impulses"])),
        directions_of(model, lagged), explained_of(model), persons_of(fitted, table), *series_of(panel),
        moved_of(table) if prior else moved_of(table).clear(),
        ("A cause that moves both gut and mind was not measured, so it cannot be told from an effect.",
         "drift[stress, shannon] rests on few occasions: an effect below 0.2 SD would not have been seen."),
    )  # fmt: skip


def directions_of(model: CouplingModel, lagged: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for gut in (one.name for one in model.processes if one.side == "gut"):
        for mind in (one.name for one in model.processes if one.side == "mind"):
            row: dict[str, Any] = {"gut": gut, "mind": mind}
            for way, by, to in (("gut_to_mind", gut, mind), ("mind_to_gut", mind, gut)):
                own = lagged.filter((pl.col("by") == by) & (pl.col("to") == to))
                top = own.sort(pl.col("estimate").abs(), descending=True).row(0, named=True)
                row |= {
                    way: top["estimate"],
                    f"{way}_low": top["low"],
                    f"{way}_high": top["high"],
                    f"{way}_lag": top["lag"],
                }
            larger = abs(row["gut_to_mind"]) > abs(row["mind_to_gut"])
            row["lag"] = row["gut_to_mind_lag" if larger else "mind_to_gut_lag"]
            row["probability"] = 0.983 if larger else 0.41
            there, back = f"{gut} -> {mind}", f"{mind} -> {gut}"
            told = f"{there} is larger (probability 0.98). {back} cannot be told from no effect."
            neither = f"Neither {there} nor {back} can be told from no effect, so no direction is preferred."
            row["verdict"] = told if larger else neither
            rows.append(row)
    return pl.DataFrame(rows)


def explained_of(model: CouplingModel) -> pl.DataFrame:
    rows, names = [], [one.name for one in model.processes]
    for place, name in enumerate(names):
        rows.append((name, "", "itself", 0.72, 0.6, 0.81))
        others = names[:place] + names[place + 1 :]
        rows += [(name, "", other, share, share - 0.05, share + 0.06)
                 for share, other in zip((0.12, -0.04, 0.09, 0.02, 0.01), others, strict=False)]  # fmt: skip
        rows.append((name, "", "inputs", 0.07, 0.02, 0.13))
        rows += [(name, name, source, share, share - 0.04, share + 0.04)
                 for source, share in (("within people", 0.5), ("between people", 0.38), ("error", 0.12))]  # fmt: skip
    return pl.DataFrame(rows, schema=["process", "indicator", "source", "share", "low", "high"], orient="row")


def persons_of(fitted: Fitted, table: pl.DataFrame) -> pl.DataFrame:
    generator = np.random.default_rng(5)
    rows = []
    for name in fitted.model.varying:
        whole = table.filter(pl.col("parameter") == name)["estimate"][0]
        for person in fitted.panel.people:
            value = whole + 0.25 * generator.standard_normal()
            rows.append((person, name, value, value - 0.3, value + 0.3))
    kinds = {"person": pl.String, "parameter": pl.String, **dict.fromkeys(("estimate", "low", "high"), pl.Float64)}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def series_of(panel: Panel) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    generator = np.random.default_rng(7)
    states, residuals = [], []
    for person in range(len(panel.people)):
        own = panel.person == person
        times = panel.time[own]
        for column, name in enumerate(panel.indicators):
            seen = panel.values[own, column].copy()
            seen[5::11] = np.nan
            level = np.nanmean(seen)
            expected = level + 0.7 * (np.nan_to_num(np.r_[level, seen[:-1]], nan=level) - level)
            for kind, spread in (("one step ahead", 0.75), ("smoothed", 0.4)):
                states.append(pl.DataFrame({"person": panel.people[person], "time": times, "indicator": name,
                                            "observed": seen, "expected": expected, "low": expected - 1.96 * spread,
                                            "high": expected + 1.96 * spread, "kind": kind}))  # fmt: skip
            later = times[-1] + np.linspace(0.2, 3, 15)
            course = level + (seen[-1] - level) * np.exp(-(later - times[-1]))
            reach = 1.96 * np.sqrt(1 - 0.8 * np.exp(-(later - times[-1])))
            states.append(pl.DataFrame({"person": panel.people[person], "time": later, "indicator": name,
                                        "observed": np.full(15, np.nan), "expected": course, "low": course - reach,
                                        "high": course + reach, "kind": "forecast"}))  # fmt: skip
            residuals.append(pl.DataFrame({"person": panel.people[person], "time": times, "indicator": name,
                                           "residual": generator.standard_normal(len(times))}))  # fmt: skip
    checks = pl.DataFrame(
        [row for name in panel.indicators for row in (
            ("correlation of residuals with those one occasion before", name, 0.012, -0.06, 0.06, "as it should be"),
            ("variance of residuals", name, 1.21, 0.91, 1.09, "too large: intervals are too narrow"))],
        schema=["check", "indicator", "value", "low", "high", "verdict"], orient="row",
    )  # fmt: skip
    return pl.concat(states), pl.concat(residuals), checks


def moved_of(table: pl.DataFrame) -> pl.DataFrame:
    rows = table.filter(pl.col("kind").is_in(["drift", "noise", "impulse"])).to_dicts()
    made = []
    for place, row in enumerate(rows):
        before = row["estimate"] - 0.2 * place % 3
        numbers = {"prior": before, "prior_low": before - 1, "prior_high": before + 1}
        numbers |= {name: row[name] for name in ("estimate", "low", "high")}
        made.append({"parameter": row["parameter"], **numbers, "said": "The data agree with the belief."})
    return pl.DataFrame(made)


def without_limits(made: Coupled) -> Coupled:
    """Return a coupling as a fit without standard errors gives it: every limit is NaN."""
    tables = {}
    for name in ("parameters", "lagged", "impulses", "directions", "explained", "persons", "moved"):
        table = getattr(made, name)
        ends = [column for column in table.columns if column in ("low", "high") or column.endswith(("_low", "_high"))]
        tables[name] = table.with_columns(pl.lit(float("nan")).alias(column) for column in ends)
    tables["directions"] = tables["directions"].with_columns(probability=pl.lit(float("nan")))
    return replace(made, **tables)
