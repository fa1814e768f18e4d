"""Amounts of samples tested by the question that a design asks, and what came of it in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from gutbrain.analyse.formula import quoted
from gutbrain.analyse.models.effects import Asked, asked, effects
from gutbrain.analyse.step import Given, Step, tested
from gutbrain.analyse.steps.predictors import over_time, per_unit
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

NOT_TESTED = "the design names no arms and no visits to compare"


def by_design(
    given: Given, samples: pl.DataFrame, values: np.ndarray, names: Sequence[str], unit: str, scale: str
) -> tuple[pl.DataFrame, Asked | None, list[Finding]]:
    """Test amounts of samples by the question of the design.

    Parameters
    ----------
    values : array [sample, name]
    unit : of the estimates
    scale : what was done to the amounts before, for the column `method`
    """
    samples, question = _asked(given, samples)
    if question is None:
        return tested([]), None, [Finding("note", "", "", NOT_TESTED, "Name an arm or visits in the design")]
    columns = [f"value {number}" for number in range(len(names))]
    table = samples.with_columns(pl.Series(name, values[:, number]) for number, name in enumerate(columns))
    try:
        rows = effects(table, columns, question.formula, question.terms, given.design.confidence)
    except InputError as error:
        what = f"not tested for {question.said}: {error.what}"
        return tested([]), question, [Finding("warning", "", error.field or "", what, error.mend)]
    called = dict(zip(columns, names, strict=True))
    rows = rows.with_columns(
        pl.col("what").replace(called),
        pl.col("term").map_elements(lambda term: unit + per_unit(given, samples, term), pl.String).alias("unit"),
        pl.lit(f"{scale}; ").add(pl.col("method")).alias("method"),
    )
    return tested(rows), question, []


def _asked(given: Given, samples: pl.DataFrame) -> tuple[pl.DataFrame, Asked | None]:
    """Return samples and the question of the design; of many visits it is one of time, not of each visit."""
    question = asked(given, samples)
    samples, time = over_time(given, samples)
    if question is None or time in ("", "visit") or not any("visit" in term.split(":") for term in question.terms):
        return samples, question
    arm = given.design.arm if any(":" in term for term in question.terms) else ""
    if arm:
        formula, terms = given.formula(f"{quoted(arm)} * {time}"), (f"{arm}:{time}",)
        return samples, Asked(formula, terms, "change over time by arm")
    return samples, Asked(given.formula(time), (time,), "change over time")


def sentence(rows: pl.DataFrame, question: Asked | None, what: str) -> str:
    """Return the outcome of tests as a sentence; correction for their number is made elsewhere."""
    if question is None:
        return f"Nothing was tested: {NOT_TESTED}."
    done = rows.filter(pl.col("p").is_not_null())
    if done.is_empty():
        return f"No {what} could be tested for {question.said}."
    first = done.sort("p").row(0, named=True)
    between = "" if first["low"] is None else f" ({first['low']:.3g} to {first['high']:.3g})"
    smallest = f"{first['what']}, {first['term']}, {first['estimate']:+.3g} {first['unit']}{between}"
    if len(done) == 1:
        return f"Tested for {question.said}: {smallest}, p {first['p']:.2g}."
    small = int((done["p"] < 0.05).sum())
    return (
        f"Tested for {question.said}: {len(done)} tests, {small} with p < 0.05 before correction for their number "
        f"({0.05 * len(done):.2g} expected by chance alone). Smallest p {first['p']:.2g}: {smallest}."
    )


def named(findings: Sequence[Finding], step: Step) -> tuple[Finding, ...]:
    """Return findings under the name of their step."""
    return tuple(Finding(f.severity, step.name or step.kind, f.where, f.what, f.mend) for f in findings)
