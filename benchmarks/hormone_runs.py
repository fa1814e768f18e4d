"""The stress axis alone under interleukin-6, and what the published model of its glands rests at."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.body_runs import over
from benchmarks.course import PER_DAY, Course, Scenario, reference_courses
from gutbrain.body.hpa import HPA
from gutbrain.model.axis import Axis

DAYS = 10
FROZEN = {"hpa.pituitary_half_life": 1e9, "hpa.adrenal_half_life": 1e9}
# Group means after 2 ng/kg (Windoloski 2024), hours and pg/mL above the value before; the tail is assumed.
HOURS = (0, 1, 1.5, 2, 3, 4, 5, 6, 8, 12)
IL6 = (0, 9.79, 221.39, 701.39, 610.39, 254.39, 66.39, 22.39, 5.6, 0)
SIGNALS = ("hpa.acth", "hpa.cortisol")
START = {"Schreiber": 14, "Barber": 9, "Steensberg": 9}


def _endotoxin(peak: float, hour: float) -> np.ndarray:
    rescaled = np.array(IL6) * peak / max(IL6)
    return over(lambda time: np.interp((time - 1) * 24 - hour, HOURS, rescaled, left=0, right=0), DAYS)


def _infusion(level: float, hour: float, hours: float, days: int) -> np.ndarray:
    def shape(time: np.ndarray) -> np.ndarray:
        since = (time % 1) * 24 - hour
        return np.where((since >= 0) & (since < hours) & (time >= 1) & (time < 1 + days), level, 0.0)

    return over(shape, DAYS)


@cache
def courses() -> Course:
    """Run the stress axis under imposed interleukin-6; day 1 is the first day of it."""
    il6 = "blood.il6"
    return reference_courses(
        Axis(HPA(), name="hpa"),
        {
            "rest": Scenario(),
            "Schreiber": Scenario(values=FROZEN, given={il6: _endotoxin(124, 14)}),
            "Barber": Scenario(values=FROZEN, given={il6: _endotoxin(700, 9)}),
            "Steensberg": Scenario(given={il6: _infusion(140, 9, 3, 1)}),
            "daily for a week": Scenario(given={il6: _infusion(500, 9, 6, 7)}),
        },
        DAYS,
        SIGNALS,
    )


@cache
def chronic_load(load: float = 0.5, until: int = 85, days: int = 185) -> Course:
    """Run the stress axis through twelve weeks of load, and as long as glands need afterwards."""
    held = over(lambda time: np.where((time >= 1) & (time < until), load, 0.0), days)
    scenarios = {"rest": Scenario(), "load": Scenario(given={"mind.chronic_load": held})}
    return reference_courses(Axis(HPA(), name="hpa"), scenarios, days, SIGNALS)


def days_of_low_acth(until: int = 85) -> float:
    """Return the days after the end of the load until daily ACTH is back at rest, or all that were run."""
    seen = chronic_load(until=until)
    given, rest = (seen[name, "hpa.acth"].reshape(-1, PER_DAY).mean(axis=1) for name in ("load", "rest"))
    back = np.flatnonzero(given[until + 1 :] >= rest[until + 1 :])
    return float(back[0] if back.size else len(given) - until - 1)


def peak(scenario: str, signal: str) -> tuple[float, float]:
    """Return the largest value within 8 hours over that at the begin, and the minutes until then."""
    first = PER_DAY + 4 * START[scenario]
    values = courses()[scenario, signal][first : first + 33]
    return float(values.max() / values[0]), float(15 * values.argmax())


def day_seven_over_day_one(signal: str) -> float:
    """Return the rise of the last day of daily interleukin-6 over that of the first."""
    def rise(day: int) -> float:
        given, rest = courses()["daily for a week", signal], courses()["rest", signal]
        hours = slice(day * PER_DAY + 36, day * PER_DAY + 60)
        return float((given[hours] - rest[hours]).mean())

    return rise(7) / rise(1)


@cache
def published_glands(drives: tuple[float, ...] = (1, 5, 1), days: float = 600) -> tuple[np.ndarray, np.ndarray]:
    """Integrate the published relative model of the stress axis through steps of its drive.

    Returns
    -------
    array [parts, times, 5], relative CRH, ACTH, cortisol, pituitary and adrenal mass; array [times], days.

    Source: Karin 2020, Milo 2025.
    """
    fast = np.log(2) / np.array([4, 20, 80]) * 1440
    pituitary, adrenal = np.log(2) / 20, np.log(2) / 30

    def slope(_: float, x: np.ndarray, drive: float) -> np.ndarray:
        crh, acth, cortisol, corticotrophs, cortex = x
        brake = 1 / (1 + (cortisol / 4) ** 3)
        return np.array([
            fast[0] * (drive / cortisol * brake - crh),
            fast[1] * (crh * corticotrophs * brake - acth),
            fast[2] * (acth * cortex - cortisol),
            pituitary * corticotrophs * (crh - 1),
            adrenal * cortex * (acth - 1),
        ])  # fmt: skip

    time, x, parts = np.linspace(0, days, 1201), np.ones(5), []
    for drive in drives:
        found = solve_ivp(slope, (0, days), x, "LSODA", time, args=(drive,), rtol=1e-9, atol=1e-12)
        x = found.y[:, -1]
        parts.append(found.y.T)
    return np.array(parts), time
