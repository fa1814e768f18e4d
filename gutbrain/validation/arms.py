"""Arms of the virtual trials: what each group of people does or undergoes, and for how long it is followed.

Everybody lives in every arm (twins), so that arms are simulated once and serve all trials that need them. Doses that
no source gives are `assumed`, as in `gutbrain.protocols`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from gutbrain.protocols.exposure import (
    antibiotic,
    chronic_stress,
    exam,
    fermented_food,
    fibre,
    plant_rich_diet,
    probiotic,
    public_speech,
    short_nights,
    tsst,
    walking,
)
from gutbrain.protocols.practice import (
    active_control,
    attention_control,
    mbsr,
    no_treatment,
    slow_breathing,
    wait_list,
)
from gutbrain.protocols.protocol import Act, Protocol

COURSE = 57  # days, the last being the first after an eight-week course
FOLLOW_UP = 141  # twelve weeks after its end
LABORATORY = 2  # days of an acute experiment; day 1 holds the exposure
MORNING = 1 + 9 / 24  # begin of exposures in the laboratory, as in Vanuytsel 2014
# Arms that are meant to help; the others burden people, or only look at them.
HELPS = frozenset((
    "course", "breathing", "probiotic", "prebiotic", "little prebiotic", "fibre", "much fibre", "fermented food",
    "diet", "walking", "probiotic before examination",
))  # fmt: skip


@dataclass(frozen=True)
class Arm:
    """One arm.

    Parameters
    ----------
    protocol : its acts and its drop-out
    days : length of the run
    acute : kept at every step of a quarter of an hour; else at the mean of each day
    hour : clock hour of day 1 at which an acute exposure begins
    """

    protocol: Protocol
    days: int
    acute: bool = False
    hour: float = 9.0


def _infusion(time: np.ndarray) -> np.ndarray:
    """Fall of corticotropin-releasing hormone after a bolus, 1.2 h; array like `time`, days since its begin."""
    return np.asarray(np.exp(-np.maximum(time, 0) * 24 / 1.2))


def _given(lever: str, dose: float, begin: float, end: float = np.inf) -> Protocol:
    return Protocol("", (Act(lever, dose, begin, end),))


@cache
def arms() -> dict[str, Arm]:
    """Return every arm by name."""
    crh = Act("protocol.crh_infusion", 0.36, MORNING, shape=_infusion)  # the dose was fitted to BAR-2
    slow = {
        "none": (no_treatment(), FOLLOW_UP),
        "course": (mbsr(), FOLLOW_UP),
        "attention": (attention_control(), FOLLOW_UP),
        "wait list": (wait_list(), COURSE),
        "psychological treatment": (active_control(), COURSE),
        "breathing": (slow_breathing() + attention_control(), COURSE),
        "probiotic": (probiotic(), COURSE),
        "prebiotic": (fibre(8), COURSE),
        "little prebiotic": (fibre(5.5, weeks=3), 22),
        "fibre": (fibre(12, weeks=4), 29),
        "much fibre": (fibre(22, weeks=10), 71),
        "fermented food": (fermented_food(6, weeks=10), 71),
        "diet": (plant_rich_diet(weeks=12) + attention_control(weeks=12), 85),
        "social support": (attention_control(weeks=12), 85),
        "walking": (walking(weeks=12) + attention_control(weeks=12), 85),
        "examination": (exam(week=8), COURSE),
        "probiotic before examination": (probiotic() + exam(week=8), COURSE),
        "load": (_given("protocol.chronic_load", 0.3, 1), 85),
        "strain": (chronic_stress(weeks=6), 43),
        "antibiotic": (antibiotic(), 15),
        "short nights": (short_nights(0.5, 3), 5),
        "two short nights": (short_nights(0.5, 2), 4),
        "night without sleep": (short_nights(1.0, 1), 4),
    }
    acute = {
        "laboratory": no_treatment(),
        "public speech": public_speech(),
        "CRH": Protocol("", (crh,)),
        "public speech, stabiliser": public_speech() + _given("protocol.mast_cell_stabiliser", 1, 0),
        "indomethacin": _given("protocol.nsaid", 1, MORNING - 1 / 24),
        "fat meal": _given("protocol.fat_meal", 1, MORNING + 0.5 / 24, MORNING + 3 / 24),
    }
    found = {name: Arm(protocol.named(name), days) for name, (protocol, days) in slow.items()}
    found |= {name: Arm(protocol.named(name), LABORATORY, acute=True) for name, protocol in acute.items()}
    # Social stress tests are held in the afternoon, when cortisol is low.
    return found | {"social stress test": Arm(tsst().named("social stress test"), LABORATORY, acute=True, hour=16.0)}
