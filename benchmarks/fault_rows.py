"""Known faults of the specification that no row of a target shows; docs/known_faults.md accounts for each."""

from __future__ import annotations

from math import inf

import numpy as np

from benchmarks import fault_runs as runs
from benchmarks.axis_runs import courses, share
from benchmarks.course import PER_DAY
from benchmarks.row import Row
from gutbrain.body.colon import Colon

END = 56  # day of the eight-week scenarios that is read
NO_TARGET = (-inf, inf)  # nobody has measured it: the figure stands alone


def _per_cent(scenario: str, signal: str, day: int = END) -> float:
    return 100 * courses().change(scenario, signal, day)


def _points(scenario: str, signal: str) -> float:
    return courses().day(scenario, signal, END) - courses().day("rest", signal, END)


def _imposed(scenario: str, signal: str = "immune.mucosal_activity") -> float:
    return 100 * runs.courses().change(scenario, signal, END)


def _quantile(per_cent: float) -> float:
    return float(np.percentile(runs.permeability_in_all_worlds(), per_cent))


ROWS = (
    Row("FAULT, cells out", "bacteria in stool, dry, g/day: 14-28", "Kettle2022", 14, 28,
        lambda: courses().day("rest", "colon.bacteria_out", END), "fitted"),
    Row("FAULT, acid absorption", "absorption of acids of one tank, per day: 9.6 (+-1)", "Kettle2022", 8.6, 10.6,
        lambda: float(Colon.acid_absorption.value), "fitted"),
    Row("FAULT, pH at double fibre", "fibre and starch doubled, pH: not below that of a proximal colon, 5.7",
        "Cummings1987", 5.7, 7.0, lambda: courses().day("fibre and starch doubled", "colon.ph", END), "fitted"),
    Row("FAULT, Bacteroidetes at double fibre", "the same, Bacteroidetes, per cent: no great change (+-20, ours)",
        "Duncan2007", -20, 20, lambda: 100 * share("fibre and starch doubled", "bacteroidetes", END)),
    Row("FAULT, pathobionts at double fibre", "the same, pathobionts, per cent: down, not to nothing (ours)", "assumed",
        -90, 0, lambda: 100 * share("fibre and starch doubled", "pathobionts", END), "fitted"),
    Row("FAULT, groups after antibiotics", "days after the end until the groups are back: 14 or more",
        "Dethlefsen2011", 14, inf, runs.days_until_groups_are_back),
    Row("FAULT, richness after antibiotics", "richness three weeks after the end: below 1", "Dethlefsen2011", 0, 0.99,
        lambda: courses().day("antibiotic", "colon.richness", 29), "fitted"),
    Row("FAULT, hydrogen users after antibiotics", "largest share in the course, per cent: no bloom, 15 at most (ours)",
        "assumed", 0, 15, lambda: 100 * runs.largest_share("antibiotic", "hydrogen_users"), "fitted"),
    Row("FAULT, load after antibiotics", "highest endotoxin load over own rest", "assumed", *NO_TARGET,
        lambda: courses()["antibiotic", "colon.endotoxin_load"].reshape(-1, PER_DAY).mean(axis=1).max()),
    Row("FAULT, stress and microbes", "chronic stress, pathobionts, per cent", "assumed", *NO_TARGET,
        lambda: 100 * share("stress", "pathobionts", END)),
    Row("FAULT, methane", "methane of the reference person, mmol/day: some people make none", "assumed",
        *NO_TARGET, lambda: courses().day("rest", "colon.methane", END)),
    Row("FAULT, pathobionts", "drawn colons with pathobionts below 0.05 %, per cent: below 5 (adults: 0.28-3.3 %)",
        "Lahti2014", 0, 5, lambda: 100 * runs.without_pathobionts()),
    Row("FAULT, stress and mucosa", "chronic stress, mucosal activity, per cent", "assumed", *NO_TARGET,
        lambda: _per_cent("stress", "immune.mucosal_activity")),
    Row("FAULT, load and mucosa", "load of 1.3 alone, mucosal activity, per cent", "assumed", *NO_TARGET,
        lambda: _per_cent("load 1.3", "immune.mucosal_activity")),
    Row("FAULT, load and IL-6", "load of 1.3 alone, interleukin-6, per cent", "assumed", *NO_TARGET,
        lambda: _per_cent("load 1.3", "blood.il6")),
    Row("FAULT, short nights and IL-6", "five half nights, interleukin-6, per cent", "Irwin2016", *NO_TARGET,
        lambda: _per_cent("half nights", "blood.il6", 6)),
    Row("FAULT, load times 3.6", "endotoxin load 3.6 imposed, mucosal activity, per cent", "assumed",
        *NO_TARGET, lambda: _imposed("load times 3.6")),
    Row("FAULT, load times 0.65", "endotoxin load 0.65 imposed, mucosal activity, per cent", "assumed",
        *NO_TARGET, lambda: _imposed("load times 0.65")),
    Row("FAULT, double fibre and mucosa", "fibre and starch doubled, mucosal activity, per cent", "assumed",
        *NO_TARGET, lambda: _per_cent("fibre and starch doubled", "immune.mucosal_activity")),
    Row("FAULT, double fibre and IL-6", "the same, interleukin-6, per cent: no average effect", "Wastyk2021",
        *NO_TARGET, lambda: _per_cent("fibre and starch doubled", "blood.il6")),
    Row("FAULT, course and cortisol", "course in a calm life, mean cortisol, per cent", "assumed", *NO_TARGET,
        lambda: _per_cent("course", "hpa.cortisol")),
    Row("FAULT, course and permeability", "the same, permeability, per cent", "assumed", *NO_TARGET,
        lambda: _per_cent("course", "barrier.permeability")),
    Row("FAULT, course and well-being", "the same, positive affect, points: up (0.33 SD against nothing)",
        "Galante2021", 0.5, inf,
        lambda: _points("course", "mind.positive_affect")),
    Row("FAULT, ratio by day", "highest cortisol ratio after public speech at 09:00", "assumed", *NO_TARGET,
        lambda: runs.highest_ratio(9)),
    Row("FAULT, ratio by night", "the same speech at 22:00", "assumed", *NO_TARGET,
        lambda: runs.highest_ratio(22)),
    Row("FAULT, mean ratio by night", "rise of the mean ratio over rise of mean cortisol, 24 h after it: about 1",
        "assumed", 0.8, 1.2, lambda: runs.ratio_beside_cortisol(22)),
    Row("FAULT, ratio by night, daily mean", "the speech at 22:00, ratio taken to the daily mean (not in the package)",
        "assumed", *NO_TARGET, lambda: runs.on_daily_mean()["speech at 22", "hpa.cortisol_ratio"].max()),
    Row("FAULT, stress and mucosa, daily mean", "chronic stress, mucosal activity, per cent, so", "assumed", *NO_TARGET,
        lambda: 100 * runs.on_daily_mean().change("stress", "immune.mucosal_activity", END)),
    Row("FAULT, short nights and IL-6, daily mean", "five half nights, interleukin-6, per cent, so", "assumed",
        *NO_TARGET, lambda: 100 * runs.on_daily_mean().change("half nights", "blood.il6", 6)),
    Row("FAULT, evening cortisol", "interleukin-6 2 pg/mL above rest, evening cortisol, per cent", "assumed",
        *NO_TARGET, lambda: 100 * runs.evening_with_interleukin_6()),
    Row("FAULT, form, if steeper", "form at slope 1.9 and residual 0.75 (not in the package), r with measured transit",
        "LewisHeaton1997", -0.66, -0.42, lambda: runs.correlation_if_steeper("form"), "fitted"),
    Row("FAULT, form share, if steeper", "the same, share of form that transit explains, per cent", "Deiteren", 19, 27,
        lambda: 100 * runs.explained_if_steeper("form"), "fitted"),
    Row("FAULT, frequency, if steeper", "frequency at slope 0.6 and residual 0.33, r with measured transit",
        "LewisHeaton1997", -0.47, -0.23, lambda: runs.correlation_if_steeper("frequency"), "fitted"),
    Row("FAULT, frequency share, if steeper", "the same, share of frequency, per cent", "Deiteren", 14, 24,
        lambda: 100 * runs.explained_if_steeper("frequency"), "fitted"),
    Row("FAULT, permeability, low", "permeability after 90 days of CRH 0.08 and load 1.3, 2.5 % of worlds", "assumed",
        *NO_TARGET, lambda: _quantile(2.5)),
    Row("FAULT, permeability, high", "the same, 97.5 % of worlds", "assumed", *NO_TARGET,
        lambda: _quantile(97.5)),
)  # fmt: skip
