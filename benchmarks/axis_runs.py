"""Scenarios of the reference person with every compartment coupled, colon included (minutes of work)."""

from __future__ import annotations

from functools import cache

from benchmarks.course import Course, Scenario, reference_courses
from gutbrain.body.colon_parameters import GROUPS
from gutbrain.body.whole import standard
from gutbrain.protocols.exposure import antibiotic, chronic_stress, exam, fermented_food, fibre, short_nights
from gutbrain.protocols.practice import attention_control, mbsr
from gutbrain.protocols.protocol import Act, Protocol

DAYS = 85
SIGNALS = (
    "blood.il6", "blood.crp", "immune.mucosal_activity", "hpa.cortisol", "barrier.permeability",
    "barrier.mucus_thickness", "blood.lps", "enteric.colonic_transit_hours", "sleep.debt", "vagus.tone",
    "colon.scfa_total", "colon.butyrate", "colon.ph", "colon.genus_shannon", "colon.richness",
    "colon.secondary_bile_acids", "colon.methane", "colon.proteolysis", "colon.endotoxin_load", "mind.negative_affect",
    "colon.bacteria_out", "mind.positive_affect",
    *(f"colon.relative_abundance[{group}]" for group in GROUPS),
)  # fmt: skip


def _diet(share: float) -> Protocol:
    levers = ("diet.resistant_starch", "diet.fibre")
    return Protocol("diet", tuple(Act(lever, share, 1, relative=True) for lever in levers))


@cache
def courses() -> Course:
    """Run all scenarios side by side, once."""
    return reference_courses(
        standard(),
        {
            "rest": Scenario(),
            "course": Scenario(mbsr()),
            "attention": Scenario(attention_control()),
            "stress": Scenario(chronic_stress()),
            "course under stress": Scenario(mbsr() + chronic_stress()),
            "fibre and starch doubled": Scenario(_diet(1.0)),
            "fibre and starch times 0.4": Scenario(_diet(-0.6)),
            "fibre": Scenario(fibre()),
            "antibiotic": Scenario(antibiotic()),
            "fermented food": Scenario(fermented_food(6)),
            "half nights": Scenario(short_nights(0.5, 5)),
            "exam": Scenario(exam(week=2)),
            "load 1.3": Scenario(Protocol("load", (Act("protocol.chronic_load", 0.3, 1),))),
            "slow": Scenario(values={"enteric.personal_colonic_transit": 42.0}),
            "fast": Scenario(values={"enteric.personal_colonic_transit": 12.0}),
        },
        DAYS,
        SIGNALS,
    )  # fmt: skip


def share(scenario: str, group: str, day: int) -> float:
    """Return the relative abundance of a group over that of the undisturbed person, minus 1."""
    return courses().change(scenario, f"colon.relative_abundance[{group}]", day)
