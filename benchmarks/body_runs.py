"""Scenarios of the reference person without the colon: the microbes rest, everything else is coupled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from benchmarks.course import PER_DAY, STEP, Course, Scenario, reference_courses
from gutbrain.body.affect import Affect
from gutbrain.body.appraisal import Appraisal
from gutbrain.body.barrier import Barrier
from gutbrain.body.enteric import Enteric
from gutbrain.body.hpa import HPA
from gutbrain.body.immune import Immune
from gutbrain.body.practice import Practice
from gutbrain.body.sleep import Sleep
from gutbrain.body.tryptophan import Tryptophan
from gutbrain.body.vagus import Vagus
from gutbrain.model.axis import Axis
from gutbrain.protocols.exposure import chronic_stress, public_speech, short_nights, tsst
from gutbrain.protocols.practice import slow_breathing
from gutbrain.protocols.protocol import Act, Protocol
from gutbrain.protocols.shapes import Daily

DAYS = 105
MORNING = 1 + 9 / 24  # the exposures of the wall begin at 09:00 of day 1
SIGNALS = (
    "barrier.permeability", "barrier.lactulose_mannitol_ratio", "blood.lps", "hpa.cortisol", "hpa.acth",
    "hpa.cortisol_salivary", "blood.il6", "blood.crp", "immune.mucosal_activity", "tryptophan.mucosal_serotonin",
    "blood.serotonin", "platelet.serotonin", "brain.serotonin_synthesis", "blood.tryptophan",
    "enteric.colonic_transit_hours", "enteric.transit_hours", "enteric.visceral_sensitivity", "enteric.pain",
    "vagus.tone", "sleep.debt", "mind.negative_affect", "mind.threat", "mind.skill", "hpa.adrenal_mass",
)  # fmt: skip


@cache
def body() -> Axis:
    """Everything but what lives in the colon; its signals are levers."""
    return Axis(
        Barrier(), Immune(), Enteric(), Tryptophan(), Vagus(), HPA(), Sleep(), Appraisal(), Affect(), Practice(),
        name="body",
    )  # fmt: skip


def over(shape: Callable[[np.ndarray], np.ndarray], days: int = DAYS) -> np.ndarray:
    """Hold a function of time in days at its mean over each step."""
    inside = (np.arange(15) + 0.5) / 15 * STEP
    return shape(np.arange(days * PER_DAY)[:, None] * STEP + inside).mean(axis=1)


def between(start: float, end: float, height: float = 1.0, days: int = DAYS) -> np.ndarray:
    """Hold a lever at `height` from `start` to `end`, days."""
    return over(lambda time: np.where((time >= start) & (time < end), height, 0.0), days)


def _infusion(time: np.ndarray) -> np.ndarray:
    """CRH infusion on the scale of public speech: amplitude 0.36 was fitted to its own target."""
    since = (time - MORNING) * 24
    return np.where(since >= 0, 0.36 * np.exp(-np.maximum(since, 0) / 1.2), 0.0)


def _act(lever: str, dose: float, start: float, end: float, shape: Daily | None = None) -> Protocol:
    return Protocol("", (Act(lever, dose, start, end, shape),))


@cache
def courses() -> Course:
    """Run all scenarios side by side, once."""
    stabiliser = {"protocol.mast_cell_stabiliser": between(0, DAYS)}
    infusion = {"protocol.crh_infusion": over(_infusion)}
    avoidance = _act("protocol.threat", 1, 1, 6, Daily(9, 1))
    without_acids = {"colon.scfa_total": np.full(DAYS * PER_DAY, -95.6)}
    load = _act("protocol.chronic_load", 0.5, 1, 81)
    depletion = {"protocol.tryptophan_intake": between(1, 1.5, -2.7)}
    return reference_courses(
        body(),
        {
            "rest": Scenario(),
            "public speech": Scenario(public_speech()),
            "public speech, stabiliser": Scenario(public_speech(), given=stabiliser),
            "CRH infusion": Scenario(given=infusion),
            "CRH infusion, stabiliser": Scenario(given=infusion | stabiliser),
            "indomethacin": Scenario(given={"protocol.nsaid": between(MORNING - 1 / 24, DAYS)}),
            "fat meal": Scenario(given={"protocol.fat_meal": between(1 + 9.5 / 24, 1.5)}),
            "hassle": Scenario(given={"protocol.stress_event": between(MORNING, MORNING + STEP, 0.8 * PER_DAY)}),
            "social stress test": Scenario(tsst()),
            "an hour a day for five days": Scenario(avoidance),
            "the same, stabiliser": Scenario(avoidance, given=stabiliser),
            "six weeks of stress": Scenario(chronic_stress(weeks=6)),
            "speech after six weeks of stress": Scenario(chronic_stress(weeks=6) + public_speech(day=43)),
            "speech on day 43": Scenario(public_speech(day=43)),
            "load 1.5": Scenario(load),
            "night without sleep": Scenario(short_nights(1, 1)),
            "half a night": Scenario(short_nights(0.5, 1)),
            "night without sleep, gain 0.20": Scenario(short_nights(1, 1), {"hpa.sleep_debt_gain": 0.20}),
            "interleukin-6 pulse": Scenario(given={"protocol.il6_pulse": between(1.5, 1.5 + 1.5 / 24, 330)}),
            "meal": Scenario(given={"protocol.meal": between(1.5, 1.55)}),
            "no acids": Scenario(given=without_acids),
            "depletion": Scenario(given=depletion),
            "depletion with amino acids": Scenario(
                given=depletion | {"protocol.amino_acid_load": between(1, 1.5, 1.0)}
            ),
            "fibre 10 g, fast": Scenario(_act("protocol.fibre_extra", 10, 1, DAYS)),
            "fibre 10 g, slow": Scenario(
                _act("protocol.fibre_extra", 10, 1, DAYS), {"enteric.personal_colonic_transit": 60.0}
            ),
            "slow": Scenario(values={"enteric.personal_colonic_transit": 60.0}),
            "slow breathing": Scenario(slow_breathing()),
        },
        DAYS,
        SIGNALS,
    )  # fmt: skip


def after(scenario: str, signal: str, start: float, hours: float) -> np.ndarray:
    """Return a signal from a moment (days) on, for some hours."""
    first = round(start * PER_DAY)
    return courses()[scenario, signal][first : first + round(hours * 4) + 1]


def ratio_of_two_sugars(scenario: str) -> float:
    """Return lactulose/mannitol over two hours from 09:00, over that of the undisturbed person."""
    signal = "barrier.lactulose_mannitol_ratio"
    return float(after(scenario, signal, MORNING, 2).mean() / after("rest", signal, MORNING, 2).mean())
