"""Responders: who changed by enough, how many of each arm, and by how much the arms differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from gutbrain.analyse.models.proportions import difference, equal_shares, number_needed, odds_ratio, ratio, wilson
from gutbrain.errors import InputError

CRITERIA = ("important difference", "half", "remission", "reliable change")
MISSING = ("left out", "not responded")
WHOLE = "all"
TIE = 1e-9  # of a threshold: a change that rounding puts this much below it has reached it


def changes(table: pl.DataFrame, start: str, end: str, arm: str = "") -> pl.DataFrame:
    """Return one row a person: where it began and where it ended.

    Parameters
    ----------
    table : person, visit, value, and the column `arm` if one is named
    start, end : names of the visits
    arm : column; people without an arm are left out

    Returns
    -------
    table with person, arm (`all` without arms), start, end (null if missing), change (end less start)

    Raises
    ------
    InputError
        If a visit is not there, or a person has it twice.
    """
    rows = table.with_columns(pl.col("visit").cast(pl.String))
    whose = pl.col(arm) if arm else pl.lit(WHOLE)
    rows = rows.with_columns(whose.alias("(arm)")).filter(pl.col("(arm)").is_not_null() & pl.col("value").is_not_null())
    parts = []
    for visit, name in ((start, "start"), (end, "end")):
        part = rows.filter(pl.col("visit") == visit).select("person", "(arm)", pl.col("value").alias(name))
        if part.is_empty():
            known = ", ".join(rows["visit"].drop_nulls().unique().sort().to_list())
            raise InputError(f"nobody has a value at visit {visit!r}", field="visit", mend=f"Visits are {known}")
        if part["person"].is_duplicated().any():
            twice = part.filter(part["person"].is_duplicated())["person"][0]
            raise InputError(f"a person has several values at visit {visit!r}", row=str(twice), field="value")
        parts.append(part)
    joined = parts[0].join(parts[1].drop("(arm)"), on="person", how="left", maintain_order="left")
    return joined.select("person", pl.col("(arm)").alias("arm"), "start", "end",
                         (pl.col("end") - pl.col("start")).alias("change"))  # fmt: skip


def responded(changed: pl.DataFrame, criterion: str, threshold: float, better: str) -> pl.DataFrame:
    """Return the people at risk with `responded` (null where the end is missing).

    Parameters
    ----------
    changed : as `changes` gives it
    criterion : "important difference" = better by at least `threshold`; "half" = better by at least the share
        `threshold` of the start (0.5 = 50 %); "remission" = on the good side of `threshold` at the end, among those
        who were on the other side at the start; "reliable change" = better by more than `threshold`
    threshold : in the unit of the outcome, or a share for "half"
    better : "lower" or "higher"

    Raises
    ------
    InputError
        For an unknown criterion, a threshold that is not above 0, or a reduction from a start that is not above 0.

    Notes
    -----
    At a cut-off c, "good" is below c if lower is better, and c or more if higher is better.
    """
    if criterion not in CRITERIA:
        raise InputError(
            f"criterion = {criterion!r} is not known", field="criterion", mend=f"Known are {', '.join(CRITERIA)}"
        )
    if not np.isfinite(threshold) or (criterion != "remission" and threshold <= 0):
        raise InputError(f"threshold {threshold} is not above 0", field="threshold")
    sign = -1.0 if better == "lower" else 1.0
    gain = sign * pl.col("change")
    if criterion == "remission":
        ill = pl.col("start") >= threshold if better == "lower" else pl.col("start") < threshold
        well = pl.col("end") < threshold if better == "lower" else pl.col("end") >= threshold
        return changed.filter(ill).with_columns(well.alias("responded"))
    if criterion == "half":
        if (changed["start"] <= 0).any():
            at = changed.filter(pl.col("start") <= 0)["person"][0]
            raise InputError("a share of a start at 0 or below says nothing", row=str(at), field="value",
                             mend="Take another criterion, or leave these people out")  # fmt: skip
        return changed.with_columns((gain >= threshold * pl.col("start") * (1 - TIE)).alias("responded"))
    reached = gain > threshold if criterion == "reliable change" else gain >= threshold * (1 - TIE)
    return changed.with_columns(reached.alias("responded"))


def responders(people: pl.DataFrame, missing: str = "left out", confidence: float = 0.95) -> pl.DataFrame:
    """Return the share of responders of each arm with Wilson's interval.

    Parameters
    ----------
    people : person, arm and responded
    missing : people without an end are "left out", or counted as "not responded"

    Returns
    -------
    table with arm, responders, people, missing, share, low, high; the arms in their order

    Raises
    ------
    InputError
        For an unknown rule.
    """
    if missing not in MISSING:
        raise InputError(f"missing = {missing!r} is not known", field="missing", mend=f"Known are {', '.join(MISSING)}")
    rows = []
    for arm in _arms(people):
        own = people.filter(pl.col("arm").cast(pl.String) == arm)["responded"]
        gone = own.null_count()
        size = len(own) if missing == "not responded" else len(own) - gone
        hits = int(own.sum() or 0)
        low, high = wilson(hits, size, confidence) if size else (None, None)
        rows.append((arm, hits, size, gone, hits / size if size else None, low, high))
    names = {"arm": pl.String, "responders": pl.Int64, "people": pl.Int64, "missing": pl.Int64, "share": pl.Float64,
             "low": pl.Float64, "high": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def differences(shares: pl.DataFrame, confidence: float = 0.95) -> pl.DataFrame:
    """Compare the share of each arm with that of the first.

    Parameters
    ----------
    shares : as `responders` gives it

    Returns
    -------
    table with arm, reference, difference, low, high (Newcombe), statistic, p, method, ratio, ratio_low, ratio_high,
    odds_ratio, odds_low, odds_high, needed, needed_low, needed_high, through_infinity, needed_said, people and note;
    what is infinite is null and said in the note
    """
    rows: list[dict[str, Any]] = []
    held = shares.to_dicts()
    for row in held[1:]:
        first = held[0]
        told: dict[str, Any] = {"arm": row["arm"], "reference": first["arm"], "people": row["people"] + first["people"]}
        if not (row["people"] and first["people"]):
            rows.append(told | {"note": "an arm has nobody with both visits"})
            continue
        four = row["responders"], row["people"], first["responders"], first["people"]
        gap = row["share"] - first["share"]
        low, high = difference(*four, confidence)
        statistic, p, method = equal_shares(*four)
        ratio_low, ratio_high = ratio(*four, confidence)
        odds, odds_low, odds_high = odds_ratio(*four, confidence)
        ratios = {
            "ratio": row["share"] / first["share"] if first["share"] else None, "ratio_low": ratio_low,
            "ratio_high": ratio_high, "odds_ratio": odds, "odds_low": odds_low, "odds_high": odds_high,
        }  # fmt: skip
        open_end = [name.replace("_", " ") for name, value in ratios.items() if value == math.inf]
        rows.append(told | {
            "difference": gap, "low": low, "high": high, "statistic": statistic, "p": p, "method": method,
            **{name: None if value == math.inf else value for name, value in ratios.items()},
            **number_needed(gap, low, high),
            "note": f"a cell is empty, so there is no upper end: {', '.join(open_end)}" if open_end else None,
        })  # fmt: skip
    return pl.DataFrame(rows, schema=DIFFERENCES)


def _arms(people: pl.DataFrame) -> Sequence[str]:
    column = people["arm"]
    there = set(column.cast(pl.String))
    order = column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else sorted(there)
    return [arm for arm in order if arm in there]


DIFFERENCES: dict[str, pl.DataType] = {
    "arm": pl.String(), "reference": pl.String(), "difference": pl.Float64(), "low": pl.Float64(),
    "high": pl.Float64(), "statistic": pl.Float64(), "p": pl.Float64(), "method": pl.String(),
    "ratio": pl.Float64(), "ratio_low": pl.Float64(), "ratio_high": pl.Float64(), "odds_ratio": pl.Float64(),
    "odds_low": pl.Float64(), "odds_high": pl.Float64(), "needed": pl.Float64(), "needed_low": pl.Float64(),
    "needed_high": pl.Float64(), "through_infinity": pl.Boolean(), "needed_said": pl.String(),
    "people": pl.Int64(), "note": pl.String(),
}  # fmt: skip
