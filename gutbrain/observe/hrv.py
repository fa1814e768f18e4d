"""Heart rate variability of a recording, real or simulated: every value with unit, method and reason if withheld."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from gutbrain.errors import InputError
from gutbrain.observe import artefacts
from gutbrain.observe.beats import Beats, read_beats
from gutbrain.observe.heart_readings import Reading, Stretch, readings_of
from gutbrain.observe.spectrum import Spectrum

NOT_CORRECTED = "none"


@dataclass(frozen=True)
class Hrv:
    """Heart rate variability of one stretch of a recording.

    Attributes
    ----------
    readings : each value by name, with unit, method and reason if withheld
    spectrum : power density of the longest unbroken run; None where it is too short
    start, seconds : where the stretch begins, and its recorded length without holes
    beats : intervals that were given
    counts : how many of them are of each class; empty when nothing was corrected
    corrected : share of them that was changed, 0 to 1
    correction : how; "none" if not
    holes : how many times the recording is broken
    origin : "measured" or "simulated"
    """

    readings: dict[str, Reading]
    spectrum: Spectrum | None
    start: float
    seconds: float
    beats: int
    counts: dict[str, int]
    corrected: float
    correction: str
    holes: int
    origin: str

    def __getitem__(self, name: str) -> Reading:
        """Return one reading."""
        if name not in self.readings:
            raise InputError(f"no reading {name!r}", mend=f"There are: {', '.join(self.readings)}.")
        return self.readings[name]

    def table(self) -> pl.DataFrame:
        """Return one row a reading: start_s, seconds, quantity, value (null if withheld), unit, method, and so on."""
        rows = [
            {
                "start_s": self.start,
                "seconds": self.seconds,
                "quantity": f"heart.{name}",
                "value": None if reading.reason else reading.value,
                "unit": reading.unit,
                "method": reading.method,
                "reason_withheld": reading.reason,
                "note": reading.note,
                "corrected_share": self.corrected,
                "correction": self.correction,
                "origin": self.origin,
            }
            for name, reading in self.readings.items()
        ]
        return pl.DataFrame(rows, schema_overrides={"value": pl.Float64}, infer_schema_length=None)


def hrv(
    rr_ms: ArrayLike,
    *,
    times: ArrayLike | None = None,
    unit: str = "ms",
    breathing_rate: float | None = None,
    slow_breathing: bool = False,
    method: str = "Welch",
    correct: bool | None = None,
    origin: str = "measured",
) -> Hrv:
    """Score one recording.

    Parameters
    ----------
    rr_ms : intervals (array [beats], `unit`)
    times : time of the beat that ends each interval (array [beats], s), if recorded
    unit : "ms" or "s"
    breathing_rate : recorded or paced, per minute; None when it is unknown
    slow_breathing : the recording was made during slow breathing, even where its rate is unknown
    method : "Welch" (own), "autoregressive" or "Lomb"
    correct : put artefacts right; when left out, measured series are, simulated ones are not
    origin : "measured" or "simulated"

    Returns
    -------
    Hrv : values; withheld where too short, corrected too much, or not to be read while breathing slowly

    Raises
    ------
    InputError : not intervals in `unit`, times that do not fit, unknown method or origin

    Source
    ------
    TaskForce1996 for definitions; LipponenTarvainen2019 for the correction
    """
    series = _prepare(rr_ms, times, unit, correct, origin)
    begin, end = float(series.given.times[0] - series.given.rr[0] / 1000), float(series.given.times[-1])
    return _score(series, begin, end + 1e-9, breathing_rate, slow_breathing, method)


def hrv_windows(
    rr_ms: ArrayLike,
    *,
    seconds: float = 300.0,
    times: ArrayLike | None = None,
    unit: str = "ms",
    breathing_rate: float | Sequence[float | None] | None = None,
    slow_breathing: bool = False,
    method: str = "Welch",
    correct: bool | None = None,
    origin: str = "measured",
) -> tuple[Hrv, ...]:
    """Score a long recording in windows one after the other; artefacts are put right once, in the whole.

    Parameters
    ----------
    seconds : length of a window; what is left at the end is not scored
    breathing_rate : per minute, one for all windows or one each
    others : as `hrv`

    Returns
    -------
    tuple of Hrv : one a window, with nothing but withheld values where no beat was recorded

    Raises
    ------
    InputError : as `hrv`; a window below 10 s, or a number of breathing rates that is not that of the windows
    """
    if not seconds >= 10:
        raise InputError(f"windows of {seconds:g} s are too short", field="seconds", mend="Use at least 10.")
    series = _prepare(rr_ms, times, unit, correct, origin)
    begin, end = float(series.given.times[0] - series.given.rr[0] / 1000), float(series.given.times[-1])
    # A recording of five minutes ends with its last beat, a little before.
    count = int((end - begin + 2.0) // seconds)
    rates = [breathing_rate] * count if not isinstance(breathing_rate, Sequence) else list(breathing_rate)
    if len(rates) != count:
        raise InputError(f"{len(rates)} breathing rates for {count} windows", field="breathing_rate")
    return tuple(
        _score(series, begin + k * seconds, begin + (k + 1) * seconds, rates[k], slow_breathing, method)
        for k in range(count)
    )


@dataclass(frozen=True)
class _Series:
    """Beats as given, what each of them is, and beats as scored."""

    given: Beats
    classes: np.ndarray | None
    scored: Beats
    origin: str


def _prepare(rr: ArrayLike, times: ArrayLike | None, unit: str, correct: bool | None, origin: str) -> _Series:
    if origin not in ("measured", "simulated"):
        raise InputError(f"no origin {origin!r}", field="origin", mend='Use "measured" or "simulated".')
    given = read_beats(rr, times, unit)
    if not (origin == "measured" if correct is None else correct):
        return _Series(given, None, given, origin)
    classes = np.full(given.rr.size, "normal", dtype="<U7")
    parts = []
    for number, run in enumerate(given.runs):
        first = given.times[run[0]] - given.rr[run[0]] / 1000
        if run.size < artefacts.FEWEST:
            parts.append((given.rr[run], given.times[run], np.full(run.size, number)))
            continue
        better = artefacts.correct(given.rr[run])
        classes[run] = better.classes
        parts.append((better.rr, first + better.times, np.full(better.rr.size, number)))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.empty(0)] * 3
    return _Series(given, classes, Beats(joined[0], joined[1], joined[2].astype(int)), origin)


def _score(
    series: _Series, begin: float, end: float, breathing_rate: float | None, slow_breathing: bool, method: str
) -> Hrv:
    given = (series.given.times > begin) & (series.given.times <= end)
    inside = (series.scored.times > begin) & (series.scored.times <= end)
    part = Beats(series.scored.rr[inside], series.scored.times[inside], series.scored.run[inside])
    counts: dict[str, int] = {}
    if series.classes is not None:
        counts = {name: int((series.classes[given] == name).sum()) for name in artefacts.CLASSES}
    changed = sum(count for name, count in counts.items() if name != "normal")
    corrected = changed / max(int(given.sum()), 1)
    stretch = Stretch(part, end - begin, corrected, breathing_rate, slow_breathing, method)
    readings, spectrum = readings_of(stretch)
    return Hrv(
        readings, spectrum, begin, stretch.seconds, int(given.sum()), counts, corrected,
        NOT_CORRECTED if series.classes is None else artefacts.METHOD, part.holes, series.origin,
    )  # fmt: skip


def windows_table(windows: Sequence[Hrv]) -> pl.DataFrame:
    """Return the tables of several windows below each other.

    Raises
    ------
    InputError : no windows
    """
    if not windows:
        raise InputError("no windows", field="windows", mend="Give a recording longer than one window.")
    return pl.concat([window.table() for window in windows])
