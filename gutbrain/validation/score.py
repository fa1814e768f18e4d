"""Scores: how published findings lie in what virtual trials of the same design would have reported.

Two plain baselines make the same trials with the same error: no effect at all, and 0.3 standard deviations of benefit
everywhere. A forecast that does not beat them is of no use. Each finding is scored twice: by the body alone, and with
the discrepancy laid over it that was learnt from the findings marked for calibration (columns `overlaid`).

Source: Gneiting & Raftery 2007 (continuous ranked probability score), recalled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from gutbrain.evidence.findings import Finding
from gutbrain.validation.arms import HELPS
from gutbrain.validation.designs import Design, outcomes
from gutbrain.validation.discrepancy import Discrepancy
from gutbrain.validation.virtual import Z95, Predicted

COVERAGE = 0.90
BENEFIT = 0.3  # SD, of the second baseline
NULL = 0.30  # share of significant trials up to which a published null counts as reproduced
NEGLIGIBLE = 0.01  # SD; an effect below it has no sign
SKILL_SCALES = ("SMD", "change SMD")
SIGNED = (*SKILL_SCALES, "ratio", "correlation")  # a share or a number of days has no sign to be right about
BASELINES = ("no effect", "0.3 SD of benefit")
SCHEMA = {
    "finding": pl.String, "pathway": pl.String, "certainty": pl.String, "use": pl.String, "exposure": pl.String,
    "outcome": pl.String, "metric": pl.String, "published": pl.Float64, "published_low": pl.Float64,
    "published_high": pl.Float64, "sign": pl.String, "people": pl.Int64, "trials": pl.Int64, "predicted": pl.Float64,
    "predicted_low": pl.Float64, "predicted_high": pl.Float64, "world_low": pl.Float64, "world_high": pl.Float64,
    "z": pl.Float64, "covered": pl.Boolean, "right_sign": pl.Boolean, "null_reproduced": pl.Boolean,
    "significant": pl.Float64, "crps": pl.Float64, "crps_no_effect": pl.Float64, "crps_benefit": pl.Float64,
    "overlaid": pl.Float64, "overlaid_low": pl.Float64, "overlaid_high": pl.Float64, "overlaid_covered": pl.Boolean,
    "overlaid_right_sign": pl.Boolean, "overlaid_crps": pl.Float64, "benefit_right_sign": pl.Boolean,
    "overlaid_null_reproduced": pl.Boolean, "crps_lean": pl.Float64,
    "source": pl.String, "note": pl.String,
}  # fmt: skip


def crps(draws: np.ndarray, observed: float) -> float:
    """Return the continuous ranked probability score of an ensemble, in the unit of the draws (smaller is better)."""
    x = np.sort(np.asarray(draws, float).ravel())
    count = len(x)
    # Mean distance of two draws, from their order statistics.
    spread = 2 * np.sum((2 * np.arange(1, count + 1) - count - 1) * x) / count**2
    return float(np.abs(x - observed).mean() - spread / 2)


def on_scale(finding: Finding, design: Design) -> tuple[float | None, float | None, float | None]:
    """Return effect and interval on the scale of the draws: ratios as logarithms, a rise in per cent as a ratio."""
    three = (finding.centre, finding.low, finding.high)
    if design.estimate != "ratio":
        return three
    if finding.metric == "per cent":
        three = tuple(None if one is None else 1 + one / 100 for one in three)  # type: ignore[assignment]
    return tuple(None if one is None else float(np.log(one)) for one in three)  # type: ignore[return-value]


def reported(predicted: Predicted, published_error: float | None, seed: int = 0) -> np.ndarray:
    """Return the estimates that would have been reported, array [draws].

    A printed standard error holds what differs between trials as well, which copies of one trial do not show; what it
    has more than theirs is added.
    """
    draws = predicted.draws[np.isfinite(predicted.draws)]
    more = max(0.0, (published_error or 0.0) ** 2 - predicted.error**2)
    normal = np.random.default_rng([seed, len(draws)]).standard_normal(len(draws))
    return np.asarray(draws + np.sqrt(more) * normal)


def benefit_of(design: Design) -> float:
    """Return the sign of a benefit on the scale of the estimate, mean over the outcomes of a composite."""
    return design.sign * float(np.mean([outcomes()[name].benefit for name in design.outcome]))


def printed_error(finding: Finding, design: Design) -> float | None:
    """Return the printed standard error on the scale of the draws, if there is one."""
    _, low, high = on_scale(finding, design)
    if low is not None and high is not None:
        return (high - low) / (2 * Z95)
    wanted = "log" if design.estimate == "ratio" else "natural"
    return finding.se if design.estimate in (*SKILL_SCALES, "ratio") and finding.scale == wanted else None


def distance(finding: Finding, design: Design, predicted: Predicted) -> tuple[float, float] | None:
    """Return by how much a finding lies towards benefit of its virtual trials, and their variance, in SD.

    A null counts as 0 with the error of its trial: leaving nulls out would learn from what was found only. None where
    no size in standard deviations is published, or the arm is not meant to help.
    """
    if design.estimate not in SKILL_SCALES or design.arm not in HELPS:
        return None
    if finding.centre is None and finding.sign != "0":
        return None
    size = 0.0 if finding.sign == "0" else float(finding.centre or 0.0)
    draws = reported(predicted, printed_error(finding, design))
    return benefit_of(design) * (size - float(draws.mean())), float(draws.var())


def usual(finding: Finding, design: Design, predicted: Predicted) -> tuple[float, float] | None:
    """Return a finding's size towards benefit and its variance, in SD; None where `distance` is.

    What is learnt from these needs no body at all: the third baseline.
    """
    if distance(finding, design, predicted) is None:
        return None
    size = 0.0 if finding.sign == "0" else float(finding.centre or 0.0)
    return benefit_of(design) * size, max(predicted.error, printed_error(finding, design) or 0.0) ** 2


def row(
    finding: Finding,
    design: Design,
    predicted: Predicted,
    discrepancy: Discrepancy | None = None,
    lean: Discrepancy | None = None,
) -> dict[str, Any]:
    """Return the scores of one finding; keys as in `SCHEMA`.

    Parameters
    ----------
    discrepancy : learnt by `distance`, laid over the forecasts of arms that are meant to help
    lean : learnt by `usual`: the benefit that findings show on average, without any body
    """
    centre, low, high = on_scale(finding, design)
    error = printed_error(finding, design)
    draws = reported(predicted, error)
    ends = np.quantile(draws, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    worlds = np.quantile(predicted.effect, [0.05, 0.95])
    null = finding.sign == "0"
    found: dict[str, Any] = {
        "finding": finding.id, "pathway": finding.pathway, "certainty": finding.certainty, "use": finding.use,
        "exposure": finding.exposure, "outcome": finding.outcome, "metric": design.estimate,
        "published": None if null else centre, "published_low": low, "published_high": high, "sign": finding.sign,
        "people": design.people or finding.n, "trials": design.trials, "predicted": float(np.median(draws)),
        "predicted_low": float(ends[0]), "predicted_high": float(ends[1]), "world_low": float(worlds[0]),
        "world_high": float(worlds[1]), "significant": predicted.significant, "source": finding.reference,
        "note": design.note,
    }  # fmt: skip
    over, helps = draws, design.estimate in SKILL_SCALES and design.arm in HELPS
    if discrepancy is not None and helps:
        over = draws + discrepancy.draws(len(draws), benefit_of(design), seed=len(draws))
    if null:
        share = float((np.abs(over) / predicted.error > Z95).mean()) if helps else predicted.significant
        return found | {"null_reproduced": predicted.significant <= NULL, "overlaid_null_reproduced": share <= NULL}
    span = np.quantile(over, [(1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2])
    found |= {"overlaid": float(span[1]), "overlaid_low": float(span[0]), "overlaid_high": float(span[2])}
    clear = _published_sign(finding, low, high) if design.estimate in SIGNED else 0
    if clear:
        middle = float(np.nanmean(predicted.effect))
        found["right_sign"] = _has_sign(middle, clear)
        found["overlaid_right_sign"] = found["right_sign"] if over is draws else _has_sign(float(over.mean()), clear)
        if all(name in outcomes() for name in design.outcome):
            found["benefit_right_sign"] = _has_sign(benefit_of(design), clear)
    if centre is None:
        return found
    found["overlaid_covered"] = bool(span[0] <= centre <= span[2])
    found["z"] = float((centre - draws.mean()) / draws.std())
    found["covered"] = bool(ends[0] <= centre <= ends[1])
    if design.estimate in SKILL_SCALES:
        # The baselines hold the same trials: the same error, and no doubt about the body.
        noise = np.random.default_rng([1, len(draws)]).standard_normal(len(draws))
        noise *= max(predicted.error, error or 0.0)
        found |= {"crps": crps(draws, centre), "crps_no_effect": crps(noise, centre),
                  "crps_benefit": crps(BENEFIT * benefit_of(design) + noise, centre),
                  "overlaid_crps": crps(over, centre)}  # fmt: skip
        if lean is not None:
            apart = lean.draws(len(draws), benefit_of(design), seed=len(draws) + 1) if helps else 0.0
            found["crps_lean"] = crps(apart + noise, centre)
    return found


def _has_sign(value: float, sign: int) -> bool:
    return abs(value) >= NEGLIGIBLE and int(np.sign(value)) == sign


def _published_sign(finding: Finding, low: float | None, high: float | None) -> int:
    """Return the sign that was found, or 0 where the interval leaves it open."""
    if low is not None and high is not None and low <= 0 <= high:
        return 0
    if finding.sign in ("+", "-"):
        return 1 if finding.sign == "+" else -1
    return int(np.sign(finding.centre or 0.0))


def board(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Return the scores of all findings, one row each, columns as in `SCHEMA`."""
    return pl.DataFrame([{key: one.get(key) for key in SCHEMA} for one in rows], schema=SCHEMA)


def summary(scores: pl.DataFrame, by: Sequence[str] = ("use",)) -> pl.DataFrame:
    """Return the scores of groups of findings; what is true by construction is no success and is left out.

    Returns
    -------
    table with the grouping columns, findings, numeric (with a published size), coverage (share of these inside the
    90 % interval), signed, sign_accuracy, nulls, nulls_reproduced, scored (in standard deviations), crps,
    crps_no_effect, crps_benefit (means over these), skill (1 - crps over the better baseline); coverage, sign_accuracy,
    crps and skill with the discrepancy laid over (`overlaid_...`); and benefit_sign_accuracy, of who says benefit
    everywhere.
    """
    counted = scores.filter(pl.col("use") != "construction")
    table = counted.group_by(list(by), maintain_order=True).agg(
        pl.len().alias("findings"), pl.col("covered").count().alias("numeric"),
        pl.col("covered").mean().alias("coverage"),
        pl.col("right_sign").count().alias("signed"), pl.col("right_sign").mean().alias("sign_accuracy"),
        pl.col("null_reproduced").count().alias("nulls"), pl.col("null_reproduced").sum().alias("nulls_reproduced"),
        pl.col("crps").count().alias("scored"), pl.col("crps").mean(), pl.col("crps_no_effect").mean(),
        pl.col("crps_benefit").mean(), pl.col("crps_lean").mean(),
        pl.col("overlaid_null_reproduced").sum().alias("overlaid_nulls_reproduced"),
        pl.col("overlaid_covered").mean().alias("overlaid_coverage"),
        pl.col("overlaid_right_sign").mean().alias("overlaid_sign_accuracy"), pl.col("overlaid_crps").mean(),
        pl.col("benefit_right_sign").mean().alias("benefit_sign_accuracy"),
    )  # fmt: skip
    better = pl.min_horizontal("crps_no_effect", "crps_benefit")
    return table.with_columns(
        (1 - pl.col("crps") / better).alias("skill"), (1 - pl.col("overlaid_crps") / better).alias("overlaid_skill")
    )
