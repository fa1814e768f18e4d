"""The short answer of an analysis: what the plan asked and found, the strongest of the rest, what it cannot say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import exp
from typing import Any

import polars as pl

from gutbrain.analyse.analysis import Analysis
from gutbrain.analyse.step import Design
from gutbrain.show.analysis_words import (
    compared_said,
    estimate_said,
    fixed,
    names_said,
    outcome_said,
    p_is,
    p_said,
    sentence_said,
    unit_told,
)
from gutbrain.show.study_plots import counted_said

CONFIRMED = 5  # confirmatory results told one by one
STRONGEST = 3  # exploratory results told, one a kind of analysis
DESCRIBED = 3  # steps whose first sentence is told where nothing was tested
LEVEL = 0.05
CAREFUL = "An exploratory result needs data of its own before it is believed."


def verdict(analysis: Analysis) -> list[str]:
    """Return a few sentences, no surer than the data; the last one says what to be careful about."""
    plan = analysis.plan
    tests = analysis.tested.filter(pl.col("p").is_not_null() & pl.col("q").is_not_null())
    said: list[str] = []
    if plan.deviates and not plan.suggested:
        said.append(
            f"The plan that was run (hash {plan.hash[:12]}) is not the one that was registered "
            f"({plan.registered_hash[:12]}): nothing here counts as confirmatory."
        )
    said += _confirmatory(tests.filter("confirmatory"), plan.design)
    said += _exploratory(tests.filter(~pl.col("confirmatory")), plan.design)
    if tests.is_empty():
        said += ["Nothing was tested; what was measured is described.", *_described(analysis)]
    lost = list(dict.fromkeys(finding.file for finding in analysis.findings if finding.severity == "error"))
    if lost:
        said.append(f"Not done: {', '.join(lost)}; the reasons stand below.")
    care = ["No plan was given: these are the analyses that the tables allow."] if plan.suggested else []
    if analysis.study.origin == "simulated":
        care.append("The study is simulated: this shows what a model implies and is no evidence.")
    elif len(tests.filter(~pl.col("confirmatory"))):
        care.append(CAREFUL)
    said += [" ".join(care)] if care else []
    return said


def _confirmatory(tests: pl.DataFrame, design: Design) -> list[str]:
    if tests.is_empty():
        return []
    below = int((tests["q"] < LEVEL).sum())
    many = counted_said(len(tests), "hypothesis")
    first = f"Confirmatory: {below or 'none'} of {many} with a corrected p below {LEVEL:g}."
    if len(tests) == 1:
        first = f"Confirmatory, one hypothesis: corrected p {'below' if below else 'not below'} {LEVEL:g}."
    rows = tests.sort("q", "p")
    last = f"visit[{design.visits[-1]}]" if design.visits else ""
    late = rows.filter(pl.col("term").fill_null("").str.contains(last, literal=True)) if last else rows.clear()
    shown = (late if len(late) else rows).head(CONFIRMED)  # the last visit is what most trials ask about
    if len(shown) < len(rows):
        which = "those of the last visit" if len(late) else f"the {len(shown)} smallest p"
        first = f"{first.removesuffix('.')}; {which}:"
    return [first, *(f"{_step(row)}: {told(row, design)}." for row in shown.iter_rows(named=True))]


def _exploratory(tests: pl.DataFrame, design: Design) -> list[str]:
    if tests.is_empty():
        return []
    families = tests["family"].n_unique()
    many = f"{counted_said(len(tests), 'hypothesis')} in {families} {'family' if families == 1 else 'families'}"
    whole = tests.filter(pl.col("part").is_null()) if "part" in tests.columns else tests
    best = whole.sort("q", "p").unique("kind", keep="first", maintain_order=True)
    same = ["term", pl.col("estimate").round(9), "people"]  # one result by two methods is told once
    best = best.filter(pl.struct(same).is_first_distinct())
    found = best.filter(pl.col("q") < LEVEL).head(STRONGEST)
    below = int((tests["q"] < LEVEL).sum())
    if not len(found):
        least = best.head(1).to_dicts()
        nearest = f" The smallest: {_step(least[0])}, {told(least[0], design)}." if least else ""
        return [f"Exploratory: of {many}, none has a corrected p below {LEVEL:g}.{nearest}"]
    steps = f", the strongest of {len(found)} kinds of analysis:" if len(found) > 1 else ":"
    chance = f"Exploratory: of {many}, {below} {'has' if below == 1 else 'have'} a corrected p below {LEVEL:g}{steps}"
    return [chance, *(f"{_step(row)}: {told(row, design)}." for row in found.iter_rows(named=True))]


def _step(row: Mapping[str, Any]) -> str:
    name = str(row["step"]).replace("_", " ")
    return name[:1].upper() + name[1:]


def told(row: Mapping[str, Any], design: Design) -> str:
    """Return one test in words: what, term, estimate with its interval and unit, p."""
    term = compared_said(str(row["term"] or ""), design.arm, design.reference)
    parts = [outcome_said(str(row["what"])) + (f", {term}" if term else "")]
    if row["estimate"] is not None:
        parts.append(effect_said(row))
    p = p_is(row["p"])
    if row["in_family"] not in (None, 1):
        q = p_said(row["q"])
        p += ", corrected too" if p == f"p {q}" else f" (corrected {q})"
    return ", ".join([*parts, p])


def effect_said(row: Mapping[str, Any]) -> str:
    """Return an estimate with its interval and unit; differences of logarithms are ratios, shares per cent."""
    values: list[float | None] = [row["estimate"], row["low"], row["high"]]
    unit = str(row["unit"] or "")
    if unit == "ln" and all(value is None or abs(value) < 50 for value in values):
        return f"ratio {estimate_said(*(None if value is None else exp(value) for value in values))}"
    if unit.startswith("share of "):
        text = estimate_said(*(None if value is None else 100 * value for value in values))
        points = "percentage points" if unit == "share of people" else f"% {unit.removeprefix('share ')}"
        text = text if row["low"] is not None else fixed(100 * float(row["estimate"]), 1)
        return _with_unit(text, points)
    return _with_unit(estimate_said(*values), unit_told(unit))


def _with_unit(text: str, unit: str) -> str:
    """Set the unit behind the estimate, before its interval."""
    if not unit:
        return text
    estimate, bracket, rest = text.partition(" (")
    return f"{estimate} {unit}{bracket}{rest}"


def _described(analysis: Analysis) -> list[str]:
    """Return the first sentence of the first steps."""
    names = names_said(raw_names(analysis))
    firsts = [done.said[0] for done in analysis.done.values() if done.said][:DESCRIBED]
    return [re.split(r"(?<=[a-z)\d])\. (?=[A-Z])", sentence_said(text, names))[0].rstrip(".") + "." for text in firsts]


def raw_names(analysis: Analysis) -> list[str]:
    """Return the names of quantities, outcomes and taxa that sentences may hold."""
    found = set(analysis.tested["what"].drop_nulls().to_list()) | set(
        analysis.study.readings["quantity"].unique().to_list()
    )
    for done in analysis.done.values():
        for table in done.tables.values():
            for column in ("outcome", "mediator", "source", "metabolite"):
                if column in table.columns and table.schema[column] == pl.String:
                    found |= set(table[column].drop_nulls().unique().to_list())
            if "feature" in table.columns and "axis_1" in table.columns:
                found |= set(table["feature"].to_list())
    return sorted(found)
