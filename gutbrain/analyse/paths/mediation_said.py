"""What an analysis of mediation found, in sentences that are no surer than it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

SHOWN = 2  # indirect effects told one by one
# For 80 % power of the joint test where each path is 0.39 standard deviations (Fritz & MacKinnon 2007,
# doi 10.1111/j.1467-9280.2007.01882.x).
ENOUGH = 75


def sentences(
    tables: Mapping[str, pl.DataFrame], people: int, confidence: float, repeated: bool, timed: bool
) -> tuple[str, ...]:
    """Return four sentences or groups of them on the tables of the step.

    Parameters
    ----------
    timed : the mediator was taken before the outcome, so that the two orders are not the same data
    """
    paths = tables["paths"]
    indirect = paths.filter(pl.col("path") == "indirect")
    forward = indirect.filter(~pl.col("model").str.ends_with("reversed"))
    if forward.is_empty():
        forward = indirect
    first = _found(paths, forward.sort("p", nulls_last=True), people, confidence)
    if "tests" in tables:
        best = tables["tests"].filter(pl.col("distance") == "omnibus")["p"].min()
        first = first[:-1] + f"; that the community mediates at all has p {_p(float(best))} by permutation."  # type: ignore[arg-type]
    made = [first]
    if (back := indirect.join(forward, on=["model", "source", "mediator", "outcome"], how="anti")).height:
        row = back.sort("p", nulls_last=True).row(0, named=True)
        timing = "" if timed else "; data of one moment fit both orders equally well and cannot choose between them"
        made.append(
            f"With mediator and outcome exchanged ({row['source']} to {row['mediator']} to {row['outcome']}) the "
            f"indirect effect is {_with(row, confidence)}{timing}."
        )
    made.append(_confounded(tables["robustness"], forward.sort("p", nulls_last=True).row(0, named=True)))
    within = " from moment to moment" if repeated else ""
    caveat = (
        f"To read this as an effect{within} takes that nothing unmeasured acts on two of source, mediator and outcome "
        "(sequential ignorability), which no data can show; even where the source was randomised, the mediator was not."
    )
    if people < ENOUGH:
        caveat += (
            f" {people} people are few: with two paths of medium size about {ENOUGH} are needed to find an indirect "
            "effect in four of five studies."
        )
    return (*made, caveat)


def _found(paths: pl.DataFrame, forward: pl.DataFrame, people: int, confidence: float) -> str:
    parts = []
    for row in forward.head(SHOWN).iter_rows(named=True):
        same = paths.filter(
            (pl.col("model") == row["model"]) & (pl.col("source") == row["source"])
            & (pl.col("mediator") == row["mediator"]) & (pl.col("outcome") == row["outcome"])
        )  # fmt: skip
        total = same.filter(pl.col("path") == "total")
        beside = f", the total effect {_with(total.row(0, named=True), confidence)}" if total.height else ""
        sure = "" if row["low"] > 0 or row["high"] < 0 else " (the interval includes zero)"
        parts.append(
            f"the indirect effect of {row['source']} on {row['outcome']} through {row['mediator']} is "
            f"{_with(row, confidence)}, p {_p(row['p'])}{sure}{beside}"
        )
    more = f"; {len(forward) - SHOWN} further indirect effects are in the table" if len(forward) > SHOWN else ""
    text = "; ".join(parts)
    return f"Of {people} people: {text}{more}."


def _confounded(robustness: pl.DataFrame, row: dict[str, Any]) -> str:
    keys = ("model", "source", "mediator", "outcome")
    figures = robustness.filter(pl.all_horizontal(pl.col(key) == row[key] for key in keys)).row(0, named=True)
    nearer = figures["correlation_at_interval"]
    also = f", and at {nearer:.2f} it is no longer told from zero" if nearer else "; it is not told from zero as it is"
    return (
        f"Something unmeasured that lets the residuals of mediator and outcome correlate by "
        f"{figures['correlation_at_zero']:.2f} would bring the path between them to zero{also} (robustness value "
        f"{figures['robustness_value']:.2f}, mediational E-value {figures['evalue']:.2f}, of the interval's limit "
        f"{figures['evalue_interval']:.2f})."
    )


def _with(row: dict[str, Any], confidence: float) -> str:
    unit = f" {row['unit']}" if row.get("unit") else ""
    return f"{row['estimate']:.3g}{unit} ({100 * confidence:g} % interval {row['low']:.3g} to {row['high']:.3g})"


def _p(value: float | None) -> str:
    return "not given" if value is None else "< 0.001" if value < 0.001 else f"{value:.2g}"
