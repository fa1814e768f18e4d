"""What the step "change" found, in sentences."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from gutbrain.analyse.models.visit_models import ONCE

MOST = 700.0  # logarithm of the largest number that can be told
MOST_TOLD = 5  # outcomes of which the report tells a figure
RATIO = {"difference": "ratio", "difference in change": "ratio of changes", "change": "ratio"}
RELATION = {
    "important": "all of the interval beyond", "too small to be important": "all of the interval below",
    "undecided": "undecided against",
}  # fmt: skip


def overview(made: dict[str, pl.DataFrame], sentences: list[str], randomised: bool) -> tuple[str, ...]:
    """Return what was done, and the main figure of the first outcomes."""
    models = made["models"]
    count = models["outcome"].n_unique()
    methods = models["model"].value_counts().sort("count", "model", descending=[True, False])
    arms = made["contrasts"]["contrast"].str.contains("difference").any()
    what = "compared between arms" if arms else "followed over time"
    first = f"{count} outcome{'s were' if count > 1 else ' was'} {what} with {methods['model'][0]}"
    if len(methods) > 1:
        first += f" ({methods['count'][0]} of them; the table of models names those of the others)"
    told = [sentence for sentence in sentences if sentence]
    later = [f"{sentence}." for sentence in told[:MOST_TOLD]]
    if len(told) > MOST_TOLD:
        rest = len(told) - MOST_TOLD
        later.append(f"{rest} more outcome{'s stand' if rest > 1 else ' stands'} in the table of contrasts.")
    if arms and not randomised:
        later.append("Whether people were randomised is not said: differences between arms are associations.")
    return (f"{first}.", *later)


def sentence(
    found: pl.DataFrame, overall: dict[str, float] | None, important: float | None, source: str, confidence: float,
    logarithm: bool = False,
) -> str:  # fmt: skip
    """Return the contrasts of the last visit in words; those of logarithms as ratios.

    Parameters
    ----------
    found : contrasts of one outcome
    overall : the F test of all of them together
    important, source : the important difference, if there is one, and where it comes from
    """
    rows = found.filter(pl.col("primary") & pl.col("p").is_not_null()).to_dicts()
    if not rows:
        return ""
    first = rows[0]
    what = RATIO[first["contrast"]] if logarithm else first["contrast"]
    place = "" if first["visit"] == ONCE else f" at {first['visit']}"
    figures = [_figures(row, confidence, logarithm, important) for row in rows]
    if "difference" not in first["contrast"]:
        text = f"{first['outcome']}, {what} since {first['reference']}{place}: {figures[0]}"
    elif len(rows) == 1:
        text = f"{first['outcome']}, {what} {first['arm']} against {first['reference']}{place}: {figures[0]}"
    else:
        each = "; ".join(f"{row['arm']} {told}" for row, told in zip(rows, figures, strict=True))
        text = f"{first['outcome']}, {what} against {first['reference']}{place}: {each}"
    if important is not None:
        text += f" ({source})"
    if overall is not None:
        size, below = f"{overall['df']:g}", f"{overall['df_error']:.3g}"
        text += f"; all {size} contrasts together: F({size}, {below}) = {overall['statistic']:.3g}, {_p(overall['p'])}"
    return text


def _figures(row: dict[str, Any], confidence: float, logarithm: bool, important: float | None) -> str:
    sizes = [math.exp(min(row[name], MOST)) if logarithm else row[name] for name in ("estimate", "low", "high")]
    middle, low, high = (f"{size:.3g}" for size in sizes)
    unit = "" if logarithm or row["unit"] in (None, "", "1") else f" {row['unit']}"
    text = f"{middle}{unit} ({100 * confidence:g} % CI {low} to {high}; {_p(row['p'])})"
    if row["relation"] is None:
        return text
    return f"{text}, {RELATION[row['relation']]} the important difference of {important:g}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
