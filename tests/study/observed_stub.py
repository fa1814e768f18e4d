"""A run in which everybody is the reference person: what instruments must show of it is known."""

from __future__ import annotations

import numpy as np

from gutbrain.observe.measure import Figure
from gutbrain.people import taxa
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Protocol, Trial
from gutbrain.run.result import Result

TRUE = {
    "mind.negative_affect": ("point", 19.48), "mind.positive_affect": ("point", 54.0),
    "mind.rumination": ("point", 30.0), "enteric.pain": ("point", 5.0),
    "blood.crp": ("mg/L", 0.8), "blood.il6": ("pg/mL", 1.2),
    "blood.tryptophan": ("umol/L", 65.0), "blood.kynurenine": ("umol/L", 1.7), "hpa.cortisol_salivary": ("nmol/L", 5.0),
    "sleep.wake_time": ("minute", 420.0), "barrier.lactulose_mannitol_ratio": ("1", 0.03),
    "enteric.transit_hours": ("hour", 28.7), "enteric.stool_form": ("1", 4.0),
    "enteric.stools_per_week": ("1/week", 8.0),
    "colon.butyrate": ("mM", 18.1), "colon.acetate": ("mM", 58.6), "colon.propionate": ("mM", 18.9),
    "sleep.duration": ("hour", 7.2), "sleep.efficiency": ("1", 0.9), "mind.practice_minutes": ("minute/day", 21.0),
    "mind.practice_kept": ("1", 0.7), "vagus.tone": ("1", 1.0), "colon.richness": ("1", 1.0),
}  # fmt: skip
SHARES = dict(zip(taxa.GROUPS, (0.45, 0.24, 0.13, 0.04, 0.03, 0.02, 0.01, 0.03, 0.05), strict=True))
# Settled reference person: salivary cortisol by hour after waking, nmol/L, as the stress axis gives it.
DAY = np.array([12.73, 12.72, 9.57, 8.63, 7.7, 6.73, 5.93, 5.24, 4.6, 3.95, 3.28, 2.64,
                2.08, 1.64, 1.35, 1.2, 1.2, 1.37, 1.77, 2.5, 3.69, 5.42, 7.48, 9.29])  # fmt: skip
EXACT = {"noise": Figure(0), "trait": Figure(0), "assay": Figure(0), "missing": Figure(0), "step": 0.0}


def stub(people: int, worlds: int = 1, visits: tuple[int, ...] = (0, 14, 28), days: int = 30, names=()) -> Result:
    """Return a run in which everybody is the reference person, but for what the tests set."""
    size = people * worlds
    labels = [*TRUE, *(f"colon.relative_abundance[{group}]" for group in SHARES)]
    values = np.array([value for _, value in TRUE.values()] + list(SHARES.values()))
    mean = np.broadcast_to(values[None, :, None], (days, len(labels), size)).astype(np.float32).copy()
    low, high = 0.5 * mean, 2 * mean
    place = labels.index("hpa.cortisol_salivary")
    mean[:, place], low[:, place], high[:, place] = DAY.mean(), DAY.min(), DAY.max()
    cohort = Cohort(None, people, worlds, 0, {}, names or tuple(f"person {n + 1}" for n in range(people)))
    units = (*(unit for unit, _ in TRUE.values()), *("1" for _ in SHARES))
    trial = Trial((Protocol("wait"), Protocol("course")), days, visits)
    arm = np.arange(size) % 2
    never = np.full(size, -1)
    here = np.ones((days, size))
    return Result(cohort, trial, tuple(labels), units, mean, low, high, arm, here, never, never, ("x",))
