"""Kinds of people by when they were seen and what was done to them: one of each stands for the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gutbrain.fit.coupling.model import CouplingModel
from gutbrain.fit.coupling.panel import Panel

DESIGNS = 8  # kinds of people that are looked at, where all differ
NUMBERS = 12_000  # numbers that are looked at, over all kinds
GAPS = 60  # different gaps that are kept apart; beyond that they are rounded to 5 %


class Design(NamedTuple):
    """A person as he stands for others of much the same design (himself included)."""

    place: int
    people: np.ndarray


def designs_of(model: CouplingModel, panel: Panel) -> list[Design]:
    """Return kinds of people: those of one design together; where there are many kinds, each joins the nearest."""
    clock = model.trend or model.day_night
    kinds: dict[bytes, list[int]] = {}
    rows = [np.flatnonzero(panel.person == place) for place in range(len(panel.people))]
    for place, at in enumerate(rows):
        time = panel.time[at] if clock else panel.gap[at]
        looks = (np.round(time, 6), panel.seen[at], panel.impulses[at], panel.levels[at], panel.known_variance[at])
        kinds.setdefault(b"|".join(part.tobytes() for part in looks), []).append(place)
    firsts = [people[0] for people in kinds.values()]
    most = int(np.clip(NUMBERS / max(panel.seen.sum() / len(rows), 1), 3, DESIGNS))
    if len(firsts) <= most:
        return [Design(people[0], np.array(people)) for people in kinds.values()]
    facts = np.array([np.r_[panel.seen[at].sum(0), np.abs(panel.impulses[at]).sum(0), panel.levels[at].mean(0),
                            panel.levels[at].std(0), np.ptp(panel.time[at])] for at in rows])  # fmt: skip
    facts = (facts - facts.mean(0)) / np.where(facts.std(0) > 0, facts.std(0), 1.0)
    picked = [int(np.argmin(np.sum(facts**2, 1)))]
    away = np.sum((facts - facts[picked[0]]) ** 2, 1)
    # Each next one is the one farthest from all before, so that rare inputs are among them.
    while len(picked) < most:
        picked.append(int(np.argmax(away)))
        away = np.minimum(away, np.sum((facts - facts[picked[-1]]) ** 2, 1))
    nearest = np.argmin(((facts[:, None] - facts[picked]) ** 2).sum(2), 1)
    made = [Design(place, np.flatnonzero(nearest == at)) for at, place in enumerate(picked)]
    return [one for one in made if len(one.people)]


def coarse(one: Panel) -> Panel:
    """Return the panel of a person, its gaps rounded where there are very many different ones."""
    gaps = one.gap.copy()
    if len(np.unique(gaps)) > GAPS:
        gaps[1:] = np.exp(np.round(np.log(np.maximum(gaps[1:], 1e-9)) / 0.05) * 0.05)
        made = one.of([0])
        # Times stay as they are, for the cycle of the day; only what is derived from them is rounded.
        made.__dict__["gap"] = gaps
        return made
    return one
