"""Signals of the body as outcomes: cortisol, heart rate variability and blood, on the scale on which they are compared.

Scores come from `gutbrain.study.scores`, single numbers from the readings; nothing is scored again here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.scores import scores
from gutbrain.study.study import Study

# Beginning of a quantity -> transform, and why.
TRANSFORMS: tuple[tuple[str, str, str], ...] = (
    ("heart.rate", "none", "near normal at rest"),
    ("heart.mean_rr", "none", "near normal at rest"),
    ("heart.rr", "none", "near normal at rest"),
    ("heart.breathing_rate", "none", "near normal"),
    ("heart.pnn50", "none", "a share that may be 0; RMSSD says the same and is preferred"),
    ("heart.lf_share", "none", "a share"),
    ("heart.hf_share", "none", "a share"),
    ("heart.", "log", "positive and skewed; differences are ratios"),
    ("saliva.cortisol, awakening rise", "none", "a per cent change that may be below 0"),
    ("saliva.cortisol, awakening mean increase", "none", "may be below 0"),
    ("saliva.cortisol, awakening area above first", "none", "may be below 0"),
    ("saliva.cortisol, day area above first", "none", "may be below 0"),
    ("saliva.cortisol, diurnal slope", "none", "a slope of logarithms already"),
    ("saliva.", "log", "a concentration: positive and skewed"),
    ("blood.", "log", "a concentration: positive and skewed"),
    ("hair.", "log", "a concentration: positive and skewed"),
    ("urine.", "log", "a ratio or concentration: positive and skewed"),
    ("respiration.rate", "none", "near normal"),
)
# One number of each kind; the others of the same beats are not further findings (SD1 is RMSSD over root 2).
MAIN = ("heart.rate", "heart.rmssd", "heart.sdnn", "heart.lf_power", "heart.hf_power", "heart.lf", "heart.hf",
        "heart.rsa_amplitude", "heart.breathing_peak_power")  # fmt: skip
BREATHED = ("heart.rmssd", "heart.sdnn", "heart.hf_power", "heart.hf", "heart.lf_power", "heart.lf",
            "heart.rsa_amplitude", "heart.breathing_peak_power")  # fmt: skip
SLOW = 9.0  # breaths a minute: below, the breath is not in the high-frequency band
MOST_CORRECTED = 0.05
SCHEMA: dict[str, pl.DataType] = {
    "outcome": pl.String(), "person": pl.String(), "occasion": pl.String(), "day": pl.Float64(),
    "value": pl.Float64(), "unit": pl.String(), "transform": pl.String(), "transformed": pl.Float64(),
    "readings": pl.Int64(), "corrected": pl.Float64(), "breathing": pl.Float64(), "breathing_from": pl.String(),
}  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """Physiological outcomes, ready to be compared.

    Attributes
    ----------
    table : outcome, person, occasion (visit, or recording where a recording has no visit), day, value, unit,
        transform ("log" or "none"), transformed (natural logarithm), readings (how many the median is of), corrected
        (largest share of corrected beats), breathing (per minute) and breathing_from ("measured" or "intervals")
    notes : what was left out, in words
    """

    table: pl.DataFrame
    notes: tuple[str, ...] = ()


def transform_of(quantity: str) -> tuple[str, str] | None:
    """Return the transform of a quantity ("log" or "none") and the reason; None for what is no signal of the body."""
    return next(((how, why) for begin, how, why in TRANSFORMS if quantity.startswith(begin)), None)


def physiological(study: Study, most_corrected: float = MOST_CORRECTED, found: pl.DataFrame | None = None) -> Prepared:
    """Return the physiological outcomes of a study, one row a person, occasion and outcome.

    Parameters
    ----------
    most_corrected : windows with a larger share of corrected beats are left out
    found : what `gutbrain.study.scores.scores` gave, if it was asked already

    Raises
    ------
    InputError
        For a share outside 0 to 1.

    Notes
    -----
    Several windows or days of one occasion become their median. Samples of salivary cortisol enter as the readings
    that are scored from them, because a single sample says what o'clock it was. Values of the model are left out.
    """
    if not 0 <= most_corrected <= 1:
        raise InputError(f"a share of {most_corrected:g} corrected beats is not between 0 and 1", field="corrected")
    found = scores(study) if found is None else found
    named = [*found["quantity"].drop_nulls().unique(), *study.readings["quantity"].unique()]
    signal = pl.col("quantity").is_in([name for name in dict.fromkeys(named) if transform_of(name)])
    scored = found.filter(signal & pl.col("person").is_not_null())
    notes = _withheld(scored)
    scored = scored.filter(pl.col("value").is_not_null()).with_columns(
        (pl.col("method").str.extract(r"([\d.]+)% of beats corrected").cast(pl.Float64) / 100).alias("corrected"),
        pl.coalesce("visit", pl.col("method").str.extract(r"recording (.+), [\d.]+% of beats")).alias("occasion"),
    )
    many = scored.filter(pl.col("corrected") > most_corrected)
    if len(many):
        notes.append(f"{len(many)} readings with more than {most_corrected:.0%} corrected beats were left out")
    scored = scored.filter(pl.col("corrected").is_null() | (pl.col("corrected") <= most_corrected))
    read = study.readings.filter(signal & (pl.col("quantity") != "saliva.cortisol"))
    read = read.filter(pl.col("method").is_null() | (pl.col("method") != "model value")).with_columns(
        pl.lit(None, pl.Float64).alias("corrected"), pl.col("visit").alias("occasion")
    )
    columns = ["quantity", "person", "occasion", "day", "value", "unit", "corrected"]
    # Of one occasion, what was scored here from the beats goes before a number that came with the data.
    keys = ["quantity", "person", "occasion"]
    read = read.join(scored.select(keys).unique(), on=keys, how="anti", nulls_equal=True)
    rows = pl.concat([scored.select(columns), read.select(columns)]).filter(pl.col("value").is_finite())
    apart = pl.when(pl.col("occasion").is_null()).then(pl.col("day")).alias("apart")
    summed = rows.with_columns(apart).group_by(*keys, "unit", "apart", maintain_order=True).agg(
        pl.col("day").median(), pl.col("value").median(), pl.len().cast(pl.Int64).alias("readings"),
        pl.col("corrected").max(),
    )  # fmt: skip
    how = {q: (transform_of(q) or ("none", ""))[0] for q in summed["quantity"].unique().to_list()}
    logs = pl.col("quantity").replace_strict(how, return_dtype=pl.String, default="none")
    made = summed.with_columns(logs.alias("transform"), pl.col("quantity").alias("outcome"))
    low = made.filter((pl.col("transform") == "log") & (pl.col("value") <= 0))
    if len(low):
        names = ", ".join(low["outcome"].unique().sort().to_list())
        notes.append(f"{len(low)} values at 0 or below have no logarithm and were left out ({names})")
    positive = pl.when(pl.col("value") > 0).then(pl.col("value"))
    made = made.filter((pl.col("transform") == "none") | (pl.col("value") > 0)).with_columns(
        pl.when(pl.col("transform") == "log").then(positive.log()).otherwise("value").alias("transformed")
    )
    return Prepared(_breathing(made).select(list(SCHEMA)), tuple(notes))


def _withheld(scored: pl.DataFrame) -> list[str]:
    """Say how many readings were withheld and why; numbers in a reason are left out, so that reasons can be counted."""
    gone = scored.filter(pl.col("value").is_null() & pl.col("withheld").is_not_null())
    if gone.is_empty():
        return []
    why = gone["withheld"].str.replace_all(r"\d+(\.\d+)?", "...")
    counted = why.value_counts(sort=True).head(3)
    told = "; ".join(f"{count}: {reason}" for reason, count in counted.iter_rows())
    return [f"{len(gone)} of {len(scored)} readings were withheld by their scoring rules ({told})"]


def _breathing(table: pl.DataFrame) -> pl.DataFrame:
    """Add the breathing rate of the same person and occasion: measured, else read from the intervals."""
    keys = ["person", "occasion"]
    made = table
    for quantity, name in (("respiration.rate", "measured"), ("heart.breathing_rate", "intervals")):
        part = table.filter(pl.col("outcome") == quantity).group_by(keys).agg(pl.col("value").median().alias(name))
        made = made.join(part, on=keys, how="left", nulls_equal=True, maintain_order="left")
    told = pl.when(pl.col("measured").is_not_null()).then(pl.lit("measured"))
    return made.with_columns(
        pl.coalesce("measured", "intervals").alias("breathing"),
        told.when(pl.col("intervals").is_not_null()).then(pl.lit("intervals")).alias("breathing_from"),
    )


def described(table: pl.DataFrame, arm: str = "", confidence: float = 0.95) -> pl.DataFrame:
    """Return the outcomes of each arm and occasion.

    Parameters
    ----------
    table : as `physiological` gives it, with the column `arm` joined if one is named

    Returns
    -------
    table with outcome, arm, occasion, people, median, quartile_low, quartile_high, mean, low, high (t interval of the
    mean; of logarithms, and taken back, where the transform is the logarithm), unit, transform
    """
    from scipy import stats

    whose = pl.col(arm).cast(pl.String) if arm else pl.lit("all")
    rows: list[dict[str, Any]] = []
    grouped = table.with_columns(whose.alias("(arm)")).filter(pl.col("(arm)").is_not_null())
    for key, own in grouped.group_by("outcome", "(arm)", "occasion", "unit", "transform", maintain_order=True):
        outcome, whose_arm, occasion, unit, transform = key
        person = own.group_by("person", maintain_order=True).agg(
            pl.col("value").median(), pl.col("transformed").median()
        )
        values, scaled = person["value"].to_numpy(), person["transformed"].to_numpy()
        mean, reach = float(scaled.mean()), None
        if len(scaled) > 1:
            error = float(scaled.std(ddof=1)) / math.sqrt(len(scaled))
            reach = float(stats.t.ppf((1 + confidence) / 2, len(scaled) - 1)) * error
        back = math.exp if transform == "log" else float
        low, middle, high = (float(part) for part in np.quantile(values, [0.25, 0.5, 0.75]))
        rows.append({
            "outcome": outcome, "arm": whose_arm, "occasion": occasion, "people": len(person), "median": middle,
            "quartile_low": low, "quartile_high": high, "mean": back(mean),
            "low": None if reach is None else back(mean - reach),
            "high": None if reach is None else back(mean + reach), "unit": unit, "transform": transform,
        })  # fmt: skip
    text, number = pl.String, pl.Float64
    schema = {"outcome": text, "arm": text, "occasion": text, "people": pl.Int64,
              **dict.fromkeys(("median", "quartile_low", "quartile_high", "mean", "low", "high"), number),
              "unit": text, "transform": text}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def back_transformed(rows: pl.DataFrame, transform: str) -> pl.DataFrame:
    """Add ratio, ratio_low and ratio_high to estimates on the log scale; null where no logarithm was taken."""
    pairs = (("estimate", "ratio"), ("low", "ratio_low"), ("high", "ratio_high"))
    if transform != "log":
        return rows.with_columns([pl.lit(None, pl.Float64).alias(name) for _, name in pairs])
    return rows.with_columns([pl.col(name).exp().alias(new) for name, new in pairs])


def main_outcomes(table: pl.DataFrame) -> Sequence[str]:
    """Return the outcomes that are tested by default: one of each kind, in the order of the table."""
    names = table["outcome"].unique(maintain_order=True).to_list()
    return [name for name in names if name in MAIN or not name.startswith(("heart.", "respiration."))]
