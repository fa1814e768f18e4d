"""Rows whose scenarios need no colon: wall, blood, hormones, tryptophan, transit and sleep."""

from __future__ import annotations

from math import inf

import numpy as np

from benchmarks import hormone_runs as hormones
from benchmarks.body_runs import MORNING, after, courses, ratio_of_two_sugars
from benchmarks.course import PER_DAY
from benchmarks.row import Row
from gutbrain.body.enteric import Enteric
from gutbrain.body.vagus import Vagus

AFTERNOON = 1 + 16 / 24


def _rest_day(signal: str) -> np.ndarray:
    return courses()["rest", signal][PER_DAY : 2 * PER_DAY]


def _evening(scenario: str) -> float:
    """Rise of cortisol from 18:00 to 23:00 of the day after the night."""
    evening = after(scenario, "hpa.cortisol", 2.75, 5).mean() / after("rest", "hpa.cortisol", 2.75, 5).mean()
    return 100 * float(evening - 1)


def _morning(scenario: str) -> float:
    """Rise of cortisol at 08:00 after the night."""
    rest = after("rest", "hpa.cortisol", 2 + 8 / 24, 0)[0]
    return 100 * float(after(scenario, "hpa.cortisol", 2 + 8 / 24, 0)[0] / rest - 1)


def _stress_test(signal: str, hours: float = 4) -> np.ndarray:
    values = after("social stress test", signal, AFTERNOON, hours)
    return values / values[0]


def _awakening() -> np.ndarray:
    saliva = after("rest", "hpa.cortisol_salivary", 1 + 7 / 24, 2)
    return saliva / saliva[0]


def _crp_peak() -> float:
    return 24 * (float(courses()["interleukin-6 pulse", "blood.crp"].argmax()) / PER_DAY - 1.5)


def _mood_and_crp_a_day_later() -> float:
    """Rise of CRP over rest a day after the pulse, as long as negative affect is normal again then; else -1."""
    mood = after("interleukin-6 pulse", "mind.negative_affect", 2.5, 0)[0]
    back = abs(mood - after("rest", "mind.negative_affect", 2.5, 0)[0]) < 0.1
    return float(after("interleukin-6 pulse", "blood.crp", 2.5, 0)[0] / 0.8 - 1) if back else -1.0


def _daily_avoidance(scenario: str, day: int) -> float:
    return courses().change(scenario, "barrier.permeability", day)


def _synergy() -> float:
    """Rise of permeability by both, minus the sum of the rises by each alone.

    Two hours from 09:00 of the day after six weeks of stress.
    """
    def rise(scenario: str, day: int) -> float:
        return float(after(scenario, "barrier.permeability", day + 9 / 24, 2).mean()) - 1

    both = rise("speech after six weeks of stress", 43)
    return both - rise("speech on day 43", 43) - rise("six weeks of stress", 43)


def _after_load(signal: str, day: int) -> float:
    return 100 * courses().change("load 1.5", signal, day)


def _fibre(fast: bool) -> float:
    given, rest = ("fibre 10 g, fast", "rest") if fast else ("fibre 10 g, slow", "slow")
    return (courses().day(given, "enteric.transit_hours", 60) - courses().day(rest, "enteric.transit_hours", 60)) / 10


def _transit_by_release() -> float:
    """Post-infectious over healthy colonic transit, from the measured ratio of serotonin release."""
    return float((5623 / 4822) ** -Enteric.serotonin_motility_exponent.value)


def _vagal_trial() -> float:
    """Standardised effect of skill 1 SD on resting vagal tone; the edge is closed."""
    return float(Vagus.skill_gain.value)


def _meal() -> float:
    return float(courses()["meal", "blood.serotonin"].max())


def _depletion_with_amino_acids() -> float:
    """Brain synthesis at depletion with amino acids over depletion alone."""
    lowest = {s: courses()[s, "brain.serotonin_synthesis"].min() for s in ("depletion", "depletion with amino acids")}
    return float(lowest["depletion with amino acids"] / lowest["depletion"])


ROWS = (
    Row("BAR-1", "lactulose/mannitol, public speech over control: 1.97", "Vanuytsel2014", 1.5, 2.4,
        lambda: ratio_of_two_sugars("public speech"), "fitted"),
    Row("BAR-2", "the same, CRH infusion: 1.50", "Vanuytsel2014", 1.2, 1.8,
        lambda: ratio_of_two_sugars("CRH infusion"), "fitted"),
    Row("BAR-3, speech", "the same, speech with mast-cell stabiliser: 1.0", "Vanuytsel2014", 0.95, 1.05,
        lambda: ratio_of_two_sugars("public speech, stabiliser"), "by construction"),
    Row("BAR-3, CRH", "the same, CRH with mast-cell stabiliser: 1.0", "Vanuytsel2014", 0.95, 1.05,
        lambda: ratio_of_two_sugars("CRH infusion, stabiliser"), "by construction"),
    Row("BAR-4", "plasma LPS after a fat meal over before: about 1.5", "Erridge2007", 1.3, 1.7,
        lambda: after("fat meal", "blood.lps", MORNING, 8).max() / 8.2, "fitted"),
    Row("BAR-5", "lactulose/mannitol, indomethacin over control: 2.37", "Vanuytsel2014", 2.0, 2.7,
        lambda: ratio_of_two_sugars("indomethacin"), "fitted"),
    Row("BAR-7", "permeability after an event without cortisol response, over control: no change", "Vanuytsel2014",
        0.99, 1.01, lambda: ratio_of_two_sugars("hassle"), "by construction"),
    Row("BAR-8, sugars", "six weeks of strain: lactulose/mannitol up", "Li2013", 0, inf,
        lambda: courses().change("six weeks of stress", "barrier.lactulose_mannitol_ratio", 41)),
    Row("BAR-8, IL-6", "six weeks of strain: interleukin-6 up", "Li2013", 0, inf,
        lambda: courses().change("six weeks of stress", "blood.il6", 41)),
    Row("BAR-8, cortisol", "six weeks of strain: cortisol up", "Li2013", 0, inf,
        lambda: courses().change("six weeks of stress", "hpa.cortisol", 41)),
    Row("BAR-11, leak", "rat, an hour a day for five days: permeability up", "Santos2000", 0, inf,
        lambda: _daily_avoidance("an hour a day for five days", 5)),
    Row("BAR-11, mast cells", "the same without mast cells: nothing", "Santos2000", -0.01, 0.01,
        lambda: _daily_avoidance("the same, stabiliser", 5), "by construction"),
    Row("BAR-11, later", "still raised three days later", "Santos2000", 0, inf,
        lambda: _daily_avoidance("an hour a day for five days", 8)),
    Row("BAR-12", "rat, acute on sustained stress: more than their sum", "PubMed26947111", 0, inf, _synergy),
    Row("IMM, stress time", "interleukin-6 peak after acute stress: 60 to 150 min", "Marsland2017", 60, 150,
        lambda: 15 * float(_stress_test("blood.il6").argmax()), "fitted"),
    Row("IMM, stress CRP", "CRP after acute stress: unchanged (rise within 24 h, ratio)", "Marsland2017", 0.95, 1.05,
        lambda: after("social stress test", "blood.crp", AFTERNOON, 24).max() / 0.8),
    Row("IMM, CRP peak", "CRP peak after endotoxin 0.8 ng/kg: 24 h (imposed pulse of interleukin-6)", "PMID37797587",
        18, 36, _crp_peak, "fitted"),
    Row("MIN-13", "a day after an immune challenge mood is back, CRP still raised", "PMID37797587", 0.5, inf,
        _mood_and_crp_a_day_later),
    Row("IMM, MIN-7", "more interleukin-6, lower mood: points at 2 h of the pulse", "Grigoleit2011", 0, inf,
        lambda: after("interleukin-6 pulse", "mind.negative_affect", 1.5 + 2 / 24, 0)[0]
        - after("rest", "mind.negative_affect", 1.5 + 2 / 24, 0)[0], "fitted"),
    Row("HPA, peak", "highest total cortisol, ug/dL: 15.5 (11.7-20.6)", "Debono2009", 11.7, 20.6,
        lambda: _rest_day("hpa.cortisol").max(), "fitted"),
    Row("HPA, lowest", "lowest total cortisol, ug/dL: 1.5-2.5", "Debono2009", 1.5, 2.5,
        lambda: _rest_day("hpa.cortisol").min(), "fitted"),
    Row("HPA, mean", "24-h mean, ug/dL: 5.2-6", "recalled", 5.2, 6.0,
        lambda: _rest_day("hpa.cortisol").mean(), "fitted"),
    Row("HPA, lowest time", "time of lowest cortisol, h: 24.3 (+-0.5)", "Debono2009", 23.8, 24.8,
        lambda: float(_rest_day("hpa.cortisol").argmin()) / 4, "fitted"),
    Row("HPA, awakening", "salivary rise after waking, per cent: 50", "Wuest2000", 40, 60,
        lambda: 100 * (_awakening().max() - 1), "fitted"),
    Row("HPA, awakening time", "its peak, min after waking: about 30", "Edwards2001", 20, 37.5,
        lambda: 15 * float(_awakening().argmax())),
    Row("HPA, early saliva", "salivary cortisol at 08:00, nmol/L: 20.39 +- 7.74", "PMC4543482", 12.65, 28.13,
        lambda: after("rest", "hpa.cortisol_salivary", 1 + 8 / 24, 0)[0]),
    Row("HPA, stress time", "salivary peak from the begin of a social stress test, min: 30-45", "Dickerson2004", 30, 45,
        lambda: 15 * float(_stress_test("hpa.cortisol_salivary").argmax())),
    Row("HPA, stress rise", "salivary rise, ratio: 2-4 (sign only)", "Kirschbaum1993", 1, inf,
        lambda: _stress_test("hpa.cortisol_salivary").max()),
    Row("HPA, endotoxin ACTH", "0.4 ng/kg, ACTH at its peak, per cent of before: 244 +- 79", "Schreiber1993", 165, 323,
        lambda: 100 * hormones.peak("Schreiber", "hpa.acth")[0], "fitted"),
    Row("HPA, endotoxin ACTH time", "the same, min: 140 +- 40", "Schreiber1993", 100, 180,
        lambda: hormones.peak("Schreiber", "hpa.acth")[1], "fitted"),
    Row("HPA, endotoxin cortisol", "the same, cortisol, per cent of before: 278 +- 76", "Schreiber1993", 202, 354,
        lambda: 100 * hormones.peak("Schreiber", "hpa.cortisol")[0], "fitted"),
    Row("HPA, endotoxin cortisol time", "the same, min: 113 +- 51", "Schreiber1993", 62, 164,
        lambda: hormones.peak("Schreiber", "hpa.cortisol")[1], "fitted"),
    Row("HPA, endotoxin 2 ng/kg", "highest cortisol, ug/dL: 29.6 +- 2.9 (unit presumed)", "Barber1993", 26.7, 32.5,
        lambda: hormones.courses()["Barber", "hpa.cortisol"].max(), "fitted"),
    Row("HPA, interleukin-6 infusion", "140 pg/mL for 3 h: cortisol up", "Steensberg2003", 1.05, inf,
        lambda: hormones.peak("Steensberg", "hpa.cortisol")[0]),
    Row("HPA, daily interleukin-6, ACTH", "daily for 7 d: ACTH response of day 7 over day 1 below 1", "Mastorakos1993",
        0, 1, lambda: hormones.day_seven_over_day_one("hpa.acth")),
    Row("HPA, daily interleukin-6, cortisol", "the same, cortisol about 1", "Mastorakos1993", 0.8, 1.2,
        lambda: hormones.day_seven_over_day_one("hpa.cortisol")),
    Row("HPA, after load, cortisol", "after chronic stress cortisol stays above rest, per cent 3 weeks later",
        "Karin2020", 0, inf, lambda: _after_load("hpa.cortisol", 102)),
    Row("HPA, after load, ACTH", "while ACTH lies below rest, per cent 3 weeks later", "Karin2020", -inf, 0,
        lambda: _after_load("hpa.acth", 102)),
    Row("HPA, after load, days", "days after chronic stress for which ACTH lies below rest: over two months",
        "Karin2020", 60, inf, hormones.days_of_low_acth),
    Row("SLP, no sleep", "evening cortisol after a night without sleep, per cent: 45 (+-5)", "Leproult1997", 40, 50,
        lambda: _evening("night without sleep"), "fitted"),
    Row("SLP, half night", "the same after sleep from 04:00 to 08:00 only, per cent: 37 (+-5)", "Leproult1997", 32, 42,
        lambda: _evening("half a night"), "fitted"),
    Row("SLP, gain 0.20", "the same after no sleep at the gain that is not shrunk, per cent: 45 (+-5)", "Leproult1997",
        40, 50,
        lambda: _evening("night without sleep, gain 0.20"), "fitted"),
    Row("SLP, morning", "cortisol at 08:00 after the night, per cent: small", "Leproult1997", -5, 5,
        lambda: _morning("night without sleep")),
    Row("TRP-1", "plasma serotonin after a meal, nmol/L: 87.81", "Houghton2003", 87.3, 88.3, _meal, "by construction"),
    Row("TRP-2", "mucosal serotonin without microbial acids (mouse): 0.49", "Reigstad2015", 0.39, 0.59,
        lambda: courses()["no acids", "tryptophan.mucosal_serotonin"][-1], "by construction"),
    Row("TRP-7", "depletion falls further with competing amino acids, ratio below 1", "model", 0, 0.99,
        _depletion_with_amino_acids),
    Row("ENT-7, fast", "added fibre at transit below 48 h, h per g: 0", "deVries2016", -0.02, 0.02,
        lambda: _fibre(True), "by construction"),
    Row("ENT-7, slow", "added fibre at slow transit, h per g: -0.5", "deVries2016", -0.55, -0.45,
        lambda: _fibre(False), "by construction"),
    Row("ENT-12", "post-infectious over healthy colonic transit: 26.7/34.1 = 0.78 (no tolerance given, +-0.08)",
        "AtkinsonSpiller", 0.70, 0.86, _transit_by_release),
    Row("VAG, mindfulness", "course on resting vagal variability, SD: 0.19 (-0.02, 0.39)", "Brown2021", -0.02, 0.39,
        _vagal_trial, "by construction"),
    Row("VAG, breathing", "four and more weeks of slow breathing: resting variability up (tone, per cent)",
        "PMC8924557",
        0, inf, lambda: 100 * courses().change("slow breathing", "vagus.tone", 56), "by construction"),
)  # fmt: skip
