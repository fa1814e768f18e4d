"""Rows that need drawn people: trials of the mind, laboratory stress, chronic load, transit, blood levels."""

from __future__ import annotations

from math import inf

import numpy as np

from benchmarks import cohort_runs as runs
from benchmarks.cohort_runs import MONTHS_3_TO_6, WEEKS_8, against, drawn, effect_size, laboratory_change, stools
from benchmarks.row import Row
from gutbrain.body.immune import Immune
from gutbrain.body.practice import Practice
from gutbrain.body.tryptophan import Tryptophan


def _quantile(value: np.ndarray, per_cent: float) -> float:
    return float(np.percentile(value, per_cent))


def _rise(kind: str, signal: str, hour: float, minutes: float) -> float:
    before, later = laboratory_change(kind, signal, hour, minutes)
    return effect_size(later, before)


def _inside(values: np.ndarray, low: float, high: float) -> float:
    return 100 * float(np.mean((values >= low) & (values <= high)))


def _with_transit(shown: str, scatter: float) -> float:
    """Correlate what a diary shows with transit that one test measures with a scatter in log units."""
    seen = stools()
    chance = np.random.default_rng(8).standard_normal(seen["transit"].size)
    return float(np.corrcoef(seen["transit"] * np.exp(scatter * chance), seen[shown])[0, 1])


def _explained(shown: str) -> float:
    return 100 * float(np.corrcoef(stools()["colonic transit"], stools()[shown])[0, 1] ** 2)


def _habit_days() -> np.ndarray:
    return np.log(20) / drawn(Practice.habit_rate)


def _passing_rank(low: float, high: float) -> float:
    """Spacing of the comparator ladder that is farthest from the measured one, SD."""
    ladder = [against(arm, WEEKS_8) for arm in ("wait list", "attention control", "active control")]
    return max(abs(ladder[0] - ladder[1] - low), abs(ladder[1] - ladder[2] - high))


ROWS = (
    Row("MIN-1, anxiety, 8 weeks", "against an active control, SD: 0.38 (0.12-0.64)", "Goyal2014", 0.12, 0.64,
        lambda: against("attention control", WEEKS_8), "fitted"),
    Row("MIN-1, anxiety, later", "the same at 3-6 months, SD: 0.22 (0.02-0.43)", "Goyal2014", 0.02, 0.43,
        lambda: against("attention control", MONTHS_3_TO_6), "fitted"),
    Row("MIN-1, depression, 8 weeks", "the same, depression, SD: 0.30 (0.00-0.59)", "Goyal2014", 0.0, 0.59,
        lambda: against("attention control", WEEKS_8), "fitted"),
    Row("MIN-1, depression, later", "the same at 3-6 months, SD: 0.23 (0.05-0.42)", "Goyal2014", 0.05, 0.42,
        lambda: against("attention control", MONTHS_3_TO_6), "fitted"),
    Row("MIN-2, spacing", "steps of the comparator ladder 0.20 and 0.11: largest miss of a step, SD", "Khoury2013",
        0, 0.05,
        lambda: _passing_rank(0.20, 0.11), "fitted"),
    Row("MIN-2, wait list", "against a wait list, SD: 0.53 (no interval in the source, +-0.1)", "Khoury2013",
        0.43, 0.63,
        lambda: against("wait list", WEEKS_8)),
    Row("MIN-3, minutes", "home practice, per cent of assigned: 64 (60-69)", "Parsons2017", 60, 69,
        lambda: 100 * runs.practice()["share"], "fitted"),
    Row("MIN-3, r", "practice with outcome, r: 0.26 (0.19-0.34)", "Parsons2017", 0.19, 0.34,
        lambda: runs.practice()["r"], "fitted"),
    Row("MIN-3, days", "days a week with practice: 6", "Parsons2017", 5.5, 6.5,
        lambda: runs.practice()["days a week"], "fitted"),
    Row("MIN-4, anxiety", "non-clinical, against nothing, SD: 0.56 (0.33-0.80)", "Galante2021", 0.33, 0.80,
        lambda: against("no treatment", WEEKS_8)),
    Row("MIN-4, depression", "the same, depression, SD: 0.53 (0.34-0.72)", "Galante2021", 0.34, 0.72,
        lambda: against("no treatment", WEEKS_8)),
    Row("MIN-4, distress", "the same, distress, SD: 0.45 (0.31-0.58)", "Galante2021", 0.31, 0.58,
        lambda: against("no treatment", WEEKS_8)),
    Row("MIN-5, course", "drop-out of the course, per cent: 19.1 (+-5)", "Lam2022", 14.1, 24.1,
        lambda: 100 * runs.left("mbsr"), "by construction"),
    Row("MIN-5, control", "drop-out of the matched control, per cent: 18.6 (+-5)", "Lam2022", 13.6, 23.6,
        lambda: 100 * runs.left("attention control"), "by construction"),
    Row("MIN-6, median", "days to 95 % of a habit, median: 66", "Lally2010", 60, 72,
        lambda: _quantile(_habit_days(), 50), "by construction"),
    Row("MIN-6, fast", "the same, fastest: 18", "Lally2010", 12, 27,
        lambda: _quantile(_habit_days(), 5), "by construction"),
    Row("MIN-6, slow", "the same, slowest: 254", "Lally2010", 180, 360,
        lambda: _quantile(_habit_days(), 95), "by construction"),
    Row("MIN-15", "course less another active treatment, SD: -0.07 (-0.38, 0.23)", "Hoge2023", -0.38, 0.23,
        lambda: against("active control", WEEKS_8)),
    Row("HPA, stress size", "social stress test, salivary cortisol, SD: 0.93 (0.82-1.04)", "Gu2022", 0.82, 1.04,
        lambda: _rise("social", "hpa.cortisol_salivary", 16, 30), "fitted"),
    Row("HPA, months of load", "hair cortisol under adversity, SD: 0.213 (0.034-0.397)", "Khoury2019", 0.034, 0.397,
        runs.hair_cortisol),
    Row("BAR-6", "leak in public speech, cortisol responders over others: above 1", "Vanuytsel2014", 1, inf,
        runs.leak_of_responders_over_others),
    Row("IMM, stress size", "interleukin-6 90 min after acute stress, SD: 0.70 (0.45-0.95)", "Marsland2017", 0.45, 0.95,
        lambda: _rise("social", "blood.il6", 16, 90), "fitted"),
    Row("IMM, speech size", "the same after public speech, SD: 0.70 (0.45-0.95)", "Marsland2017", 0.45, 0.95,
        lambda: _rise("speech", "blood.il6", 9, 90)),
    Row("IMM, CRP median", "CRP of the healthy, mg/L: 0.58-0.8 +-25 %", "CRPDonors", 0.435, 1.0,
        lambda: _quantile(drawn(Immune.crp_rest), 50), "by construction"),
    Row("IMM, CRP 90th", "the same, 90th percentile: 3 +-25 %", "CRPDonors", 2.25, 3.75,
        lambda: _quantile(drawn(Immune.crp_rest), 90), "by construction"),
    Row("IMM, CRP 99th", "the same, 99th percentile: 10 +-25 %", "CRPDonors", 7.5, 12.5,
        lambda: _quantile(drawn(Immune.crp_rest), 99), "by construction"),
    Row("TRP-3, tryptophan", "share inside 40-90 umol/L, per cent: 95", "BEVITAL", 95, 100,
        lambda: _inside(drawn(Tryptophan.tryptophan_rest), 40, 90), "fitted"),
    Row("TRP-3, kynurenine", "share inside 1.0-3.3 umol/L, per cent: 95", "BEVITAL", 95, 100,
        lambda: _inside(drawn(Tryptophan.kynurenine_rest), 1.0, 3.3), "fitted"),
    Row("ENT-1", "whole-gut transit, median h: 28.7 (study means 23.0-37.4)", "Asnicar2021", 23.0, 37.4,
        lambda: float(np.median(stools()["transit"])), "fitted"),
    Row("ENT-2", "colonic transit, study means h: 15.9-28.9", "PMC10455695", 15.9, 28.9,
        lambda: float(stools()["colonic transit"].mean()), "fitted"),
    Row("ENT-3, frequency", "3 to 21 stools a week, per cent: 95.9 +-5", "Mitsuhashi2018", 90.9, 100,
        lambda: _inside(stools()["frequency"], 3, 21), "fitted"),
    Row("ENT-3, form", "form 3 to 5, per cent (men): 90 +-5", "Mitsuhashi2018", 85, 95,
        lambda: _inside(stools()["form"], 3, 5), "fitted"),
    Row("ENT-4, form", "type 4, per cent: 51.8 +-5", "PMC9818668", 46.8, 56.8,
        lambda: _inside(stools()["form"], 4, 4), "fitted"),
    Row("ENT-4, frequency", "7 stools a week, per cent: 50.7 +-5", "PMC9818668", 45.7, 55.7,
        lambda: _inside(stools()["frequency"], 7, 7), "fitted"),
    Row("ENT-5, form", "r of measured transit with form: -0.54 +-0.12", "Lewis1997", -0.66, -0.42,
        lambda: _with_transit("form", 0.30), "fitted"),
    Row("ENT-5, frequency", "r of measured transit with frequency: -0.35 +-0.12", "Lewis1997", -0.47, -0.23,
        lambda: _with_transit("frequency", 0.30), "fitted"),
    Row("ENT-5, without scatter", "r of true transit with form: -0.54 +-0.12", "Lewis1997", -0.66, -0.42,
        lambda: _with_transit("form", 0.0), "fitted"),
    Row("ENT-6, form", "share of form that transit explains, per cent: 19-27", "Deiteren", 19, 27,
        lambda: _explained("form"), "fitted"),
    Row("ENT-6, frequency", "share of frequency, per cent: 19 (+-5)", "Deiteren", 14, 24,
        lambda: _explained("frequency"), "fitted"),
)  # fmt: skip
