"""A fibre trial in drawn colons: who eats 12 g a day more for eight weeks."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.cohort_runs import effect_size
from gutbrain.body.colon import Colon
from gutbrain.body.colon_parameters import GROUPS
from gutbrain.body.digestion import Digestion
from gutbrain.body.enteric import Enteric
from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.run.drive import Drive
from gutbrain.run.fixed import integrate
from gutbrain.run.settle import settle

PEOPLE = 120
WEEKS = 8
GRAMS = 12  # trials add 10 to 15 g/d (So 2018)
SIGNALS = ("colon.butyrate", "colon.scfa_total", *(f"colon.biomass[{group}]" for group in GROUPS))


@cache
def fibre_trial() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return signals before and at the end of the trial, arrays [people]; people out of bounds are left out."""
    axis = Axis(Digestion(), Colon(), Enteric(), name="colon")
    people = settle(Cohort.draw(axis, PEOPLE, seed=7), days=0)
    days = 7 * WEEKS + 1
    shape = np.ones((days * 48, 1))
    shape[:48] = 0  # day 0 is the baseline
    drive = Drive(
        ("protocol.fibre_extra",), np.full((1, PEOPLE), float(GRAMS)), shape, np.zeros(1), np.ones((days, PEOPLE))
    )  # fmt: skip
    run = integrate(axis, people.start, people.parameters, drive, days=days, step_minutes=30, labels=SIGNALS)
    kept = run.lost_day < 0
    place = {label: number for number, label in enumerate(SIGNALS)}
    before = {label: run.mean[0, place[label], kept].astype(float) for label in SIGNALS}
    after = {label: run.mean[-1, place[label], kept].astype(float) for label in SIGNALS}
    return before, after


def gained(signal: str, logged: bool) -> float:
    """Return the rise over the trial in SD between people."""
    before, after = (part[signal] for part in fibre_trial())
    return effect_size(np.log(after), np.log(before)) if logged else effect_size(after, before)


def butyrate_share_with_total() -> float:
    """Return the correlation of butyrate's share with all acids, between people before the trial."""
    before, _ = fibre_trial()
    return float(np.corrcoef(before["colon.scfa_total"], before["colon.butyrate"] / before["colon.scfa_total"])[0, 1])
