"""Apple Health: heart, breath, sleep, steps and mindful minutes of an export, in one pass over the file."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.part import Finding, Part
from gutbrain.study.signals.apple_nights import mindful, nights
from gutbrain.study.signals.apple_stream import ROOT, open_export, stream
from gutbrain.study.signals.spans import Counts

# Type of a record -> quantity, unit, unit as Apple writes it, what the method says.
VALUES = {
    "HKQuantityTypeIdentifierHeartRateVariabilitySDNN": ("heart.sdnn", "ms", "ms", "SDNN of about a minute"),
    "HKQuantityTypeIdentifierRestingHeartRate": ("heart.rate_resting", "1/min", "count/min", "resting heart rate"),
    "HKQuantityTypeIdentifierRespiratoryRate": ("respiration.rate", "1/min", "count/min", "respiratory rate"),
}
STEPS = "HKQuantityTypeIdentifierStepCount"
SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
MINDFUL = "HKCategoryTypeIdentifierMindfulSession"
SDNN = "HKQuantityTypeIdentifierHeartRateVariabilitySDNN"
WANTED = {*VALUES, STEPS, SLEEP, MINDFUL}
STAGES = {"InBed": 0, "Awake": 1, "Asleep": 2, "AsleepUnspecified": 2, "AsleepCore": 3, "AsleepDeep": 3, "AsleepREM": 3}
MOMENT = re.compile(r"^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) ([+-])(\d\d):?(\d\d)$")
BEAT = re.compile(r"^(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?\s*([AaPp])?\.?\s?[Mm]?\.?$")
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp()
FOLLOWS = 0.03  # s; a step of time that differs more from 60 / rate is no single interval
TOO_LONG = 2 * 86400.0  # s; no stretch of sleep, steps or practice lasts so long


class Spans:
    """Stretches of time in compact arrays: absolute begin and end (s), their offsets from UTC (min), source, stage."""

    def __init__(self) -> None:
        self.begin, self.end = array("d"), array("d")
        self.begin_offset, self.end_offset = array("h"), array("h")
        self.source, self.stage = array("H"), array("B")

    def add(self, begin: tuple[float, int], end: tuple[float, int], source: int, stage: int) -> None:
        """Add one."""
        self.begin.append(begin[0])
        self.end.append(end[0])
        self.begin_offset.append(begin[1])
        self.end_offset.append(end[1])
        self.source.append(source)
        self.stage.append(stage)

    def table(self) -> pl.DataFrame:
        """Return them in order of begin, each once."""
        columns = {name: np.frombuffer(getattr(self, name), dtype=kind) if len(self.begin) else np.zeros(0, kind)
                   for name, kind in (("begin", "f8"), ("end", "f8"), ("begin_offset", "i2"), ("end_offset", "i2"),
                                      ("source", "u2"), ("stage", "u1"))}  # fmt: skip
        return pl.DataFrame(columns).unique().sort("begin", "end", "source", "stage")


class Records:
    """What is kept of an export while it passes."""

    def __init__(self, file: str, sources: Collection[str] | None, beats: bool) -> None:
        self.file, self.wanted_sources, self.wants_beats = file, sources, beats
        self.names: dict[str, int] = {}
        self.single = {kind: Spans() for kind in VALUES}
        self.values = {kind: array("d") for kind in VALUES}
        self.steps, self.sleep, self.mindful = Counts(), Spans(), Spans()
        self.last: dict[str, tuple[str, ...]] = {}
        self.skipped: Counter[str] = Counter()
        self.seen: set[str] = set()
        self.offsets: set[int] = set()
        self.at, self.rr, self.recording = array("d"), array("d"), array("I")
        self.starts: list[datetime] = []
        self.inside: tuple[float, float] | None = None  # begin of the record of beats, and time of its last beat
        self.days: dict[str, float] = {}
        self.records = 0

    def element(self, name: str, about: dict[str, str]) -> None:
        """Take one element."""
        if name == "Record":
            self.records += 1
            self.inside = None
            kind = about.get("type", "")
            if kind in WANTED:
                self._record(kind, about)
        elif name == "InstantaneousBeatsPerMinute" and self.inside is not None:
            self._beat(about)

    def _record(self, kind: str, about: dict[str, str]) -> None:
        source = about.get("sourceName", "")
        if len(self.seen) < 1000:
            self.seen.add(source)
        if self.wanted_sources is not None and source not in self.wanted_sources:
            return
        same = (source, about.get("startDate", ""), about.get("endDate", ""), about.get("value", ""))
        if self.last.get(kind) == same:
            self.skipped["a record that stands twice"] += 1
            return
        self.last[kind] = same
        begin, end = self._moment(about.get("startDate")), self._moment(about.get("endDate"))
        if begin is None or end is None:
            self.skipped["a time that cannot be read, or is before 2000 or after 2099"] += 1
        elif end[0] < begin[0] or end[0] - begin[0] > TOO_LONG:
            self.skipped["an end before its begin, or more than two days after it"] += 1
        elif kind == SLEEP:
            stage = STAGES.get(about.get("value", "").removeprefix("HKCategoryValueSleepAnalysis"))
            if stage is None:
                self.skipped["a stage of sleep that is not known"] += 1
            else:
                self.sleep.add(begin, end, self._source(source), stage)
        elif kind == MINDFUL:
            self.mindful.add(begin, end, self._source(source), 0)
        else:
            self._value(kind, source, about, begin, end)

    def _value(
        self, kind: str, source: str, about: dict[str, str], begin: tuple[float, int], end: tuple[float, int]
    ) -> None:
        try:
            value = float(about.get("value", ""))
        except ValueError:
            value = float("nan")
        unit = about.get("unit", "")
        if not 0 <= value < 1e7:
            self.skipped["a value that is no number, or is negative"] += 1
        elif kind == STEPS:
            if unit not in ("", "count"):
                self._odd_unit("steps", unit)
            else:
                local = 60.0 * begin[1]
                self.steps.add(source, begin[0] + local, end[0] + local, value)
        elif unit not in ("", VALUES[kind][2]):
            self._odd_unit(VALUES[kind][0], unit)
        else:
            self.single[kind].add(begin, end, self._source(source), 0)
            self.values[kind].append(value)
            if kind == SDNN and self.wants_beats:
                self.inside = (begin[0] + 60.0 * begin[1], -1.0)

    def _odd_unit(self, what: str, unit: str) -> None:
        told = f"{what} in {unit[:20]!r}"
        self.skipped[told if told in self.skipped or len(self.skipped) < 50 else "a unit that is not known"] += 1

    def _beat(self, about: dict[str, str]) -> None:
        """An interval is the step between two beats, if the rate agrees; else 60 s over the rate."""
        assert self.inside is not None
        begin, previous = self.inside
        time = BEAT.match(about.get("time", ""))
        try:
            rate = float(about.get("bpm", "").replace(",", "."))
        except ValueError:
            rate = 0.0
        if time is None or not 20 <= rate <= 300:
            self.skipped["a beat without time or rate"] += 1
            return
        hour = int(time[1]) % 12 + 12 * (time[5].lower() == "p") if time[5] else int(time[1])
        seconds = 3600 * hour + 60 * int(time[2]) + int(time[3]) + float(f"0.{time[4] or 0}")
        at = (seconds - begin) % 86400.0
        at = at - 86400.0 if at > 43200.0 else at
        if previous == -1.0:
            self.starts.append(datetime(1970, 1, 1) + timedelta(seconds=begin))
        step = at - previous
        if previous != -1.0 and step <= 0:
            self.skipped["a beat that is not after the one before it"] += 1
            return
        contiguous = previous != -1.0 and abs(step - 60 / rate) <= FOLLOWS
        self.at.append(at)
        self.rr.append(round(1000 * step, 3) if contiguous else 60_000 / rate)
        self.recording.append(len(self.starts) - 1)
        self.inside = (begin, at)

    def _source(self, name: str) -> int:
        if name not in self.names:
            if len(self.names) > 60_000:
                raise InputError("this export names more than 60,000 sources", mend="Look at its sourceName")
            self.names[name] = len(self.names)
        return self.names[name]

    def _moment(self, text: str | None) -> tuple[float, int] | None:
        """Return seconds since 1970 and minutes from UTC; days are kept, because most records share them."""
        found = MOMENT.match(text or "")
        if not found or text is None:
            return None
        day = self.days.get(text[:10])
        if day is None:
            try:
                day = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC).timestamp()
            except (ValueError, OverflowError):
                return None
            self.days[text[:10]] = day
        offset = (60 * int(found[8]) + int(found[9])) * (-1 if found[7] == "-" else 1)
        seconds = day + 3600 * int(found[4]) + 60 * int(found[5]) + int(found[6]) - 60 * offset
        if not FIRST < seconds < LAST or abs(offset) > 900:
            return None
        self.offsets.add(offset)
        return seconds, offset


def read_apple_health(
    path: str | Path,
    *,
    person: str | None = None,
    sources: Collection[str] | None = None,
    beats: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Part:
    """Read export.xml or export.zip of Apple Health.

    Parameters
    ----------
    path : the file, streamed; a usual 2 GB take about 130 MB of memory. Heartbeats are kept: 4.9 million took 467 MB
    person : name of the person; the name of the file without it
    sources : names of devices and apps to take alone; all of them without it
    beats : whether beats below SDNN readings become the table `beats`
    progress : called with the number of bytes read

    Returns
    -------
    Part : `readings` (local time of each record's own offset) and `beats`

    Raises
    ------
    InputError
        For a file that is broken, breaks off, declares entities, is a zip bomb, or holds none of the records.
    """
    path = Path(path)
    person = str(person or path.stem)
    kept = Records(path.name, {sources} if isinstance(sources, str) else sources, beats)
    stream(path, kept.element, progress)
    names = {index: name for name, index in kept.names.items()}
    frames = [_singles(kept, kind, names) for kind in VALUES]
    frames += [_steps(kept), mindful(kept.mindful.table()), nights(kept.sleep.table(), names)]
    readings = pl.concat([frame for frame in frames if len(frame)], how="diagonal") if any(map(len, frames)) else None
    if readings is None:
        what = f"none of its {kept.records} records is of heart, breath, sleep, steps or practice"
        if sources is not None:
            what += f" of {', '.join(sorted(kept.wanted_sources or ()))}"
        mend = f"It has records of {', '.join(sorted(kept.seen)[:8])}" if kept.seen else "Export all health data"
        raise InputError(what, file=path, mend=mend)
    readings = readings.select(pl.lit(person).alias("person"), pl.all(), pl.lit("measured").alias("origin"))
    tables = {"readings": readings}
    if len(kept.at):
        tables["beats"] = _beats(kept, person)
    return Part(tables, {}, _findings(kept), f"Apple Health export ({kept.records} records)")


def sniff(path: str | Path) -> str | None:
    """Say whether a file is an export of Apple Health."""
    path = Path(path)
    if path.suffix.lower() not in (".xml", ".zip"):
        return None
    try:
        with open_export(path) as file:
            return "Apple Health export" if ROOT in file.read(1024 * 1024) else None
    except (InputError, OSError):
        return None


def _singles(kept: Records, kind: str, names: dict[int, str]) -> pl.DataFrame:
    quantity, unit, _, about = VALUES[kind]
    spans, values = kept.single[kind], kept.values[kind]
    if not len(values):
        return pl.DataFrame()
    methods = pl.Series([f"Apple Health {about}, {names[k]}" for k in range(len(names))], dtype=pl.String)
    return pl.DataFrame(
        {
            "time": local(np.frombuffer(spans.begin), np.frombuffer(spans.begin_offset, "i2")),
            "until": local(np.frombuffer(spans.end), np.frombuffer(spans.end_offset, "i2")),
            "value": np.frombuffer(values),
            "method": methods.gather(pl.Series(np.frombuffer(spans.source, "u2").astype("u4"))),
        }
    ).with_columns(quantity=pl.lit(quantity), unit=pl.lit(unit)).sort("time", maintain_order=True)  # fmt: skip


def local(seconds: np.ndarray, offset: np.ndarray) -> pl.Series:
    """Return local clock times (arrays: s since 1970, min from UTC)."""
    return pl.Series(np.round((seconds + 60.0 * offset) * 1e6).astype("i8")).cast(pl.Datetime("us"))


def _steps(kept: Records) -> pl.DataFrame:
    days = kept.steps.days()
    if not days:
        return pl.DataFrame()
    begin = pl.Series(list(days), dtype=pl.Int32).cast(pl.Date).cast(pl.Datetime("us"))
    method = f"Apple Health steps of a day, most of {len(kept.steps.sources)} sources in each quarter of an hour"
    frame = pl.DataFrame({"time": begin, "value": pl.Series(list(days.values())).round()})
    return frame.with_columns(until=pl.col("time").dt.offset_by("1d"), quantity=pl.lit("activity.steps"),
                              unit=pl.lit("count"), method=pl.lit(method))  # fmt: skip


def _beats(kept: Records, person: str) -> pl.DataFrame:
    starts = pl.Series("start", kept.starts, dtype=pl.Datetime("us"))
    turn = starts.to_frame().select(pl.int_range(1, pl.len() + 1).over("start")).to_series()
    again = (" (" + turn.cast(pl.String) + ")").set(turn == 1, "")
    which = pl.Series(np.frombuffer(kept.recording, "u4"))
    at = pl.Series(np.frombuffer(kept.at))
    frame = pl.DataFrame({
        "recording": ("SDNN " + starts.dt.to_string("%Y-%m-%dT%H:%M:%S") + again).gather(which),
        "time": starts.gather(which) + (at * 1e6).round().cast(pl.Int64).cast(pl.Duration("us")),
        "at": at, "rr": pl.Series(np.frombuffer(kept.rr)),
    })  # fmt: skip
    return frame.select(pl.lit(person).alias("person"), pl.all())


def _findings(kept: Records) -> tuple[Finding, ...]:
    found = []
    for what, count in kept.skipped.items():
        severity = "note" if "twice" in what else "warning"
        found.append(Finding(severity, kept.file, "", f"{count} records left out: {what}"))  # type: ignore[arg-type]
    if len(kept.steps.sources) > 1:
        told = ", ".join(kept.steps.sources[:6])
        what = f"steps of {told}: in each quarter of an hour the source with most counts, so that none counts twice"
        found.append(Finding("note", kept.file, "activity.steps", what, "Give sources = [...] to take one alone"))
    if len(kept.sleep.begin):
        what = "of several sources of a night the one with stages (else the longest) counts; in bed joins all of them"
        found.append(Finding("note", kept.file, "sleep.duration", what, "Give sources = [...] to take one alone"))
    if len(kept.offsets) > 1:
        told = ", ".join(f"{offset / 60:+g} h" for offset in sorted(kept.offsets))
        found.append(Finding("note", kept.file, "", f"times are local, at {told} from UTC"))
    if len(kept.at):
        what = "beats are given to 10 ms and their rate to 1 per minute: RMSSD of these intervals is too large"
        found.append(Finding("warning", kept.file, "beats", what))
    return tuple(found)
