"""What is computed from one stretch of heartbeats, and what is withheld and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import nan, pi, sqrt

import numpy as np
from scipy.interpolate import CubicSpline

from gutbrain.errors import InputError
from gutbrain.observe.beats import Beats
from gutbrain.observe.spectrum import METHODS, ORDER, Spectrum, spectrum

MOST_CORRECTED = 0.05
# Seconds that a reading needs: RMSSD and LF recalled, the rest assumed.
VARIABILITY_NEEDS, HF_NEEDS, LF_NEEDS, VLF_NEEDS = 60.0, 60.0, 120.0, 300.0
SLACK = 2.0  # s; a stretch of five minutes holds whole intervals only
SLOW = 9.0  # breaths a minute, 0.15 Hz: below, breathing drives LF
FAST = 24.0  # breaths a minute, 0.40 Hz: above, breathing leaves HF
PEAK_WIDTH = 0.015  # Hz, half width of the peak of breathing (assumed)
CLEAR = 0.25  # share of the power that a peak must hold to be read as breathing (assumed)
BREATHING = (0.05, 0.40)  # Hz, where breathing is looked for in intervals
FEWEST_BREATHS = 3
UNKNOWN = "breathing unknown"


@dataclass(frozen=True)
class Reading:
    """One value as an instrument gives it.

    Attributes
    ----------
    value : what may be used; not a number where it is withheld
    raw : what was computed all the same, for methods work; not a number where it cannot be
    unit, method : of the value
    reason : why it is withheld; empty if it is not
    note : what a reader must know
    """

    value: float
    raw: float
    unit: str
    method: str
    reason: str = ""
    note: str = ""


@dataclass(frozen=True)
class Stretch:
    """Beats to be scored, and what is known about them.

    Attributes
    ----------
    beats : the intervals of the stretch
    asked : its length by the clock, s
    corrected : share of changed intervals
    breathing_rate : per minute, recorded or paced; None when unknown
    slow_breathing : declared slow, even where the rate is unknown
    method : of the spectrum
    """

    beats: Beats
    asked: float
    corrected: float
    breathing_rate: float | None
    slow_breathing: bool
    method: str

    def __post_init__(self) -> None:
        """Refuse what cannot be scored."""
        if self.method not in METHODS:
            raise InputError(f"no spectrum {self.method!r}", field="method", mend=f"Use one of: {', '.join(METHODS)}.")
        rate = self.breathing_rate
        if rate is not None and not 1 <= rate <= 60:
            mend = " It looks like Hz: multiply by 60." if 0 < rate < 1 else ""
            raise InputError(f"{rate:g} breaths a minute", field="breathing_rate", mend=f"Give 1 to 60.{mend}")

    @cached_property
    def rr(self) -> np.ndarray:
        """Intervals without holes (array [beats], ms)."""
        return self.beats.rr[self.beats.run >= 0]

    @cached_property
    def seconds(self) -> float:
        """Recorded length without holes."""
        return float(self.rr.sum()) / 1000

    @cached_property
    def steps(self) -> np.ndarray:
        """Differences of successive intervals, none across a hole (array, ms)."""
        runs = [np.diff(self.beats.rr[run]) for run in self.beats.runs]
        return np.concatenate(runs) if runs else np.empty(0)

    @cached_property
    def longest(self) -> np.ndarray:
        """Indices of the longest unbroken run (array [beats of the run])."""
        return max(self.beats.runs, key=lambda run: float(self.beats.rr[run].sum()), default=np.empty(0, int))

    @cached_property
    def longest_seconds(self) -> float:
        """Length of the longest unbroken run."""
        return float(self.beats.rr[self.longest].sum()) / 1000

    @property
    def slow(self) -> bool:
        """Whether breathing is known to lie below 0.15 Hz."""
        return self.slow_breathing or (self.breathing_rate is not None and self.breathing_rate < SLOW)


def _reading(stretch: Stretch, raw: float, unit: str, method: str, reason: str = "", note: str = "") -> Reading:
    """Withhold the value for its own reason or because too much was corrected."""
    if stretch.rr.size == 0:
        raw, reason = nan, "no beats recorded"
    elif stretch.corrected > MOST_CORRECTED:
        reason = f"{100 * stretch.corrected:.1f} % of the beats corrected, more than 5 %"
    elif not reason and not np.isfinite(raw):
        reason = "cannot be computed"
    return Reading(nan if reason else raw, raw, unit, method, reason, note)


def readings_of(stretch: Stretch) -> tuple[dict[str, Reading], Spectrum | None]:
    """Return every reading of a stretch by name, and the spectrum of its longest unbroken run.

    Source
    ------
    TaskForce1996 for definitions
    """
    readings = _of_time(stretch)
    found = None
    if stretch.longest.size >= 2 * ORDER and stretch.longest_seconds > HF_NEEDS - SLACK:
        found = spectrum(stretch.beats.times[stretch.longest], stretch.beats.rr[stretch.longest], stretch.method)
    readings |= _of_frequency(stretch, found)
    readings |= _of_breathing(stretch, found)
    return readings, found


def _short(seconds: float, needs: float, what: str = "recorded") -> str:
    return "" if seconds > needs - SLACK else f"{seconds:.0f} s {what}, {needs:.0f} needed"


def _of_time(stretch: Stretch) -> dict[str, Reading]:
    rr, steps = stretch.rr, stretch.steps
    mean = float(rr.mean()) if rr.size else nan
    sdnn = float(rr.std(ddof=1)) if rr.size > 1 else nan
    rmssd = sqrt(float(np.mean(steps**2))) if steps.size else nan
    short = _short(stretch.seconds, VARIABILITY_NEEDS)
    holes = f"{stretch.beats.holes} holes" if stretch.beats.holes else ""
    covered = stretch.seconds / stretch.asked if stretch.asked else 0.0
    if rr.size and covered < 0.8:
        holes = f"{holes + ', ' if holes else ''}{100 * covered:.0f} % of the stretch recorded"
    tidal = "depends on tidal volume while breathing slowly" if stretch.slow else ""
    twice = "not independent of RMSSD: the same finding"
    note = "; ".join(part for part in (holes, tidal) if part)

    def reading(raw: float, unit: str, method: str, reason: str = short, note: str = note) -> Reading:
        return _reading(stretch, raw, unit, method, reason, note)

    return {
        "mean_rr": reading(mean, "ms", "mean of intervals", "", holes),
        "rate": reading(60_000 / mean, "1/min", "60 000 over mean interval", "", holes),
        "sdnn": reading(sdnn, "ms", "standard deviation of intervals, n - 1", short, holes),
        "rmssd": reading(rmssd, "ms", "root mean square of successive differences"),
        "pnn50": reading(float(np.mean(np.abs(steps) > 50)) if steps.size else nan, "1",
                         "share of successive differences above 50 ms"),
        "sd1": reading(rmssd / sqrt(2), "ms", "RMSSD over root 2", short, twice),
        "sd2": reading(sqrt(max(2 * sdnn**2 - rmssd**2 / 2, 0)) if steps.size else nan, "ms",
                       "root of 2 SDNN^2 - SD1^2", short, "not independent of SDNN and RMSSD"),
    }  # fmt: skip


def _of_frequency(stretch: Stretch, found: Spectrum | None) -> dict[str, Reading]:
    seconds = stretch.longest_seconds
    method = found.method if found else stretch.method
    powers = {name: found.band(name) if found else nan for name in ("vlf", "lf", "hf")}
    both = powers["lf"] + powers["hf"]
    unbroken = "unbroken" if stretch.beats.holes else "recorded"
    lf_short, hf_short = _short(seconds, LF_NEEDS, unbroken), _short(seconds, HF_NEEDS, unbroken)
    vlf_short = _short(seconds, VLF_NEEDS, unbroken)
    rate = stretch.breathing_rate
    no_vagal = no_ratio = lf_note = ""
    hf_note = "" if rate is not None else f"{UNKNOWN}: do not read as vagal"
    if stretch.slow:
        said = f"breathing at {rate:.3g} per minute" if rate is not None else "slow breathing"
        no_vagal = f"{said} lies below 0.15 Hz: HF is not vagal then"
        no_ratio = f"{said} moves the respiratory peak into LF"
        hf_note, lf_note = "", "holds the respiratory peak"
    elif rate is not None and rate > FAST:
        hf_note = f"breathing at {rate:.3g} per minute lies above HF"

    def reading(raw: float, unit: str, reason: str, note: str = "") -> Reading:
        return _reading(stretch, raw, unit, method, reason, note)

    ratio = powers["lf"] / powers["hf"] if powers["hf"] > 0 else nan
    share = powers["lf"] / both if both > 0 else nan
    return {
        "vlf_power": reading(powers["vlf"], "ms2", vlf_short, "doubtful below hours"),
        "lf_power": reading(powers["lf"], "ms2", lf_short, lf_note),
        "hf_power": reading(powers["hf"], "ms2", hf_short or no_vagal, hf_note),
        "total_power": reading(both + powers["vlf"], "ms2", vlf_short),
        "lf_hf_ratio": reading(ratio, "1", lf_short or no_ratio, hf_note),
        "lf_share": reading(share, "1", lf_short or no_ratio, hf_note),
        "hf_share": reading(1 - share, "1", lf_short or no_ratio, hf_note),
    }


def _of_breathing(stretch: Stretch, found: Spectrum | None) -> dict[str, Reading]:
    """Swing of the intervals with the breath; its rate is estimated from them when nobody recorded it."""
    rate, note, lost = stretch.breathing_rate, "", _short(stretch.longest_seconds, HF_NEEDS, "unbroken")
    method, estimate = "recorded or paced", nan if rate is None else rate
    unclear = ""
    if rate is None:
        method = f"highest density of the intervals, 0.05 to 0.40 Hz; {found.method if found else stretch.method}"
        note = f"{UNKNOWN}: estimated from the intervals"
        if found:
            estimate = 60 * found.peak(*BREATHING)
            whole = found.power(0.04, BREATHING[1])
            share = _peak_power(found, estimate) / whole if whole > 0 else 0.0
            if not share >= CLEAR:
                unclear = f"{UNKNOWN}, and no clear peak in the intervals"
    clear = lost or unclear
    swing, power = nan, nan
    if found and np.isfinite(estimate):
        swing, power = _peak_to_trough(stretch, estimate), _peak_power(found, estimate)
    if not clear and not np.isfinite(swing) and stretch.rr.size:
        clear = f"fewer than {FEWEST_BREATHS} breaths"
    at = f"at {estimate:.3g} breaths per minute" if np.isfinite(estimate) else "breathing unknown"
    given = "" if rate is not None else lost or unclear
    return {
        "breathing_rate": _reading(stretch, estimate, "1/min", method, given, note),
        "rsa_amplitude": _reading(stretch, swing, "ms", f"peak to trough of each breath, mean, {at}", clear, note),
        "breathing_peak_power": _reading(
            stretch, power, "ms2", f"power within {PEAK_WIDTH} Hz of the breath, {at}; "
            f"{found.method if found else stretch.method}", clear, note,
        ),
    }  # fmt: skip


def _peak_power(found: Spectrum, rate: float) -> float:
    return found.power(rate / 60 - PEAK_WIDTH, rate / 60 + PEAK_WIDTH)


def _peak_to_trough(stretch: Stretch, rate: float) -> float:
    """Mean over breaths of largest less smallest interval, on a spline; noise that is no breath adds to it."""
    times, rr = stretch.beats.times[stretch.longest], stretch.beats.rr[stretch.longest]
    breaths = int((times[-1] - times[0]) * rate / 60)
    if breaths < FEWEST_BREATHS:
        return nan
    grid = times[0] + np.arange(breaths * 40) * 60 / rate / 40
    return float(np.ptp(CubicSpline(times, rr)(grid).reshape(breaths, 40), axis=1).mean())


def sine_swing(power: float) -> float:
    """Return the peak-to-trough swing in ms of the sine that has `power` in ms2: twice the root of twice the power."""
    return 2 * sqrt(2 * power)


def sine_rmssd(amplitude: float, frequency: float, mean_seconds: float) -> float:
    """Return RMSSD in ms of a sine of `amplitude` in ms and `frequency` in Hz, sampled once a mean interval."""
    return sqrt(2) * amplitude * abs(np.sin(pi * frequency * mean_seconds))
