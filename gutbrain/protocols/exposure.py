"""Ready-made exposures and stressors: diet, food, drugs, sleep, walking, exams and laboratory stress.

Doses of the built-in diets, exam weeks and walking come from no source: graded `assumed`.
"""

from __future__ import annotations

from gutbrain.model.spread import Normal, Uniform
from gutbrain.protocols.protocol import Act, Protocol
from gutbrain.protocols.shapes import Daily, Speech

KEPT = Normal(sd=0.2, low=0.0, high=1.0)


def fibre(grams: float = 16, weeks: float = 8, start: float = 1) -> Protocol:
    """Extra fibre eaten each day; three quarters of it reach the microbes."""
    act = Act(
        "protocol.fibre_extra", grams, start, start + 7 * weeks, effort=True, kept_mean=0.8, kept=KEPT,
        about="added fibre; trials add 10-15 g/d (So 2018)",
    )  # fmt: skip
    return Protocol("fibre", (act,), fibre.__doc__ or "")


def plant_rich_diet(fibre: float = 14, starch: float = 0.3, weeks: float = 8, start: float = 1) -> Protocol:
    """Varied plants: extra fibre in g/d and a larger share of starch that escapes digestion."""
    end = start + 7 * weeks
    acts = (
        Act("protocol.fibre_extra", fibre, start, end, effort=True, kept_mean=0.8, kept=KEPT,
            belief=Uniform(0.4 * fibre, 1.6 * fibre)),
        Act("diet.resistant_starch", starch, start, end, relative=True, effort=True, kept_mean=0.8, kept=KEPT,
            belief=Uniform(0.0, 2 * starch)),
    )  # fmt: skip
    return Protocol("plant-rich diet", acts, plant_rich_diet.__doc__ or "")


def western_diet(less: float = 0.6, protein: float = 0.3, weeks: float = 8, start: float = 1) -> Protocol:
    """Little fibre and starch, more protein reaching the colon; shares of the own habit."""
    end = start + 7 * weeks
    acts = (
        Act("diet.resistant_starch", -less, start, end, relative=True),
        Act("diet.fibre", -less, start, end, relative=True),
        Act("diet.protein", protein, start, end, relative=True),
    )
    return Protocol("western diet", acts, western_diet.__doc__ or "")


def fermented_food(servings: float = 4, weeks: float = 8, start: float = 1) -> Protocol:
    """Servings of fermented food a day (Wastyk 2021 reached about six)."""
    act = Act("protocol.fermented_food", servings, start, start + 7 * weeks, effort=True, kept_mean=0.8, kept=KEPT)
    return Protocol("fermented food", (act,), fermented_food.__doc__ or "")


def probiotic(grams: float = 0.03, weeks: float = 8, start: float = 1) -> Protocol:
    """Lactate producers by mouth; 0.03 g dry cells a day is of the order of 10^10 to 10^11 cells."""
    act = Act("protocol.probiotic[lactate_producers]", grams, start, start + 7 * weeks, effort=True, grade="recalled")
    return Protocol("probiotic", (act,), probiotic.__doc__ or "")


def antibiotic(kill: float = 4, days: float = 7, start: float = 1) -> Protocol:
    """A course of antibiotics: kill rate per day, 8 strong and broad, 2 mild."""
    return Protocol("antibiotic", (Act("protocol.antibiotic", kill, start, start + days),), antibiotic.__doc__ or "")


def walking(more: float = 0.3, weeks: float = 8, start: float = 1) -> Protocol:
    """Daily walking on top of the own habit, as a share of it."""
    act = Act("protocol.activity", more, start, start + 7 * weeks, effort=True, kept_mean=0.7, kept=KEPT)
    return Protocol("walking", (act,), walking.__doc__ or "")


def short_nights(share: float = 0.25, nights: float = 5, start: float = 1) -> Protocol:
    """A share of each night kept awake, from noon of day `start`."""
    begin = start + 0.5
    act = Act("protocol.sleep_restriction", share, begin, begin + nights)
    return Protocol("short nights", (act,), short_nights.__doc__ or "")


def exam(week: float = 6, days: float = 7, load: float = 0.3, events: float = 1.0, threat: float = 0.5) -> Protocol:
    """An exam period: more load, more daily events and an hour of threat on each day of `week`."""
    start = 1 + 7 * (week - 1)
    return Protocol("exam", _stress(start, start + days, load, events, threat), exam.__doc__ or "")


def chronic_stress(
    weeks: float = 8, start: float = 1, load: float = 0.3, events: float = 1.0, threat: float = 0.5
) -> Protocol:
    """Sustained stress: the same mixture as an exam period, for weeks."""
    return Protocol(
        "chronic stress", _stress(start, start + 7 * weeks, load, events, threat), chronic_stress.__doc__ or ""
    )


def _stress(start: float, end: float, load: float, events: float, threat: float) -> tuple[Act, ...]:
    return (
        Act("protocol.chronic_load", load, start, end, belief=Uniform(0.3 * load, 1.7 * load)),
        Act("protocol.event_rate", events, start, end, belief=Uniform(0.3 * events, 1.7 * events)),
        Act("protocol.threat", threat, start, end, Daily(10, 1), belief=Uniform(0.3 * threat, min(1.0, 1.7 * threat))),
    )


def public_speech(day: float = 1, hour: float = 9, every_day: bool = False, weeks: float = 8) -> Protocol:
    """Public speech: full threat for half an hour, then falling with 0.4 h (the exposure of Vanuytsel 2014)."""
    end = day + 7 * weeks if every_day else float("inf")
    act = Act(
        "protocol.threat", 1, day, end, Speech(hour, every_day=every_day), grade="assumed", source="Vanuytsel2014"
    )
    return Protocol("public speech", (act,), public_speech.__doc__ or "")


def tsst(day: float = 1, hour: float = 16) -> Protocol:
    """Trier social stress test: full threat for a quarter of an hour."""
    act = Act("protocol.threat", 1, day, day + 1, Daily(hour, 0.25), grade="recalled", source="Kirschbaum1993")
    return Protocol("TSST", (act,), tsst.__doc__ or "")
