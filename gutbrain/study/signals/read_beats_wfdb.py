"""Beats that somebody annotated (WFDB), and PhysioNet's two columns of time and heart rate."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.part import Finding, Part
from gutbrain.study.signals.rr_layouts import cut, read_lines

# Codes of the annotation format that stand for a beat; all but N, L, R and B are not of the sinus node's making.
BEATS = set("NLRBAaJSVrFejnE/fQ?")
NORMAL = set("N")
RATES = (20.0, 250.0)  # heart beats per minute
LARGEST = 64 * 1024**2  # bytes of an annotation file; a day of beats is below 1 MB
FOLLOWS = 0.15  # share by which an interval may differ from 60 / rate before the recording counts as broken


def read_beats_wfdb(
    path: str | Path,
    *,
    person: str | None = None,
    recording: str | None = None,
    sampling_rate: float | None = None,
    normal: str = "N",
) -> Part:
    """Read intervals between annotated beats.

    Parameters
    ----------
    path : annotation file (`.atr`, `.ecg`, `.qrs`, ...); its header (`.hea`) lies beside it or gives no start
    person, recording : names; the name of the file without them
    sampling_rate : samples per second, where neither annotation nor header says it
    normal : annotation symbols that count as normal beats, such as `NLRB`

    Returns
    -------
    Part : table `beats`; only intervals from one normal beat to the next

    Raises
    ------
    InputError
        For a file that is none, a sampling rate that is not known, or no normal beats.
    """
    path = Path(path)
    person, recording = str(person or path.stem), str(recording or path.stem)
    mark = _annotation(path)
    header = _header(path)
    rate = sampling_rate or mark.fs or (header.fs if header else None)
    if rate is None or not np.isfinite(rate) or rate <= 0:
        mend = f"Lay {path.stem}.hea beside it, or give sampling_rate = ... (per second)"
        raise InputError("the sampling rate is not known", file=path, mend=mend)
    found: list[Finding] = []
    symbols = np.array(mark.symbol, dtype=object)
    beat = np.array([symbol in BEATS for symbol in mark.symbol], bool)
    samples, kinds = np.asarray(mark.sample)[beat], symbols[beat]
    if samples.size < 2:
        raise InputError("it holds fewer than two beats", file=path, mend="Is it the annotation of beats?")
    order = np.argsort(samples, kind="stable")
    samples, kinds = samples[order], kinds[order]
    fine = np.array([kind in set(normal) for kind in kinds], bool)
    step = np.diff(samples)
    keep = fine[1:] & fine[:-1] & (step > 0)
    if not keep.any():
        raise InputError(f"no two beats marked {normal!r} follow each other", file=path,
                         mend=f"Give normal = ... of {''.join(sorted(set(kinds)))!r}")  # fmt: skip
    others = {str(kind): int((kinds == kind).sum()) for kind in sorted(set(kinds[~fine]))}
    if others:
        told = ", ".join(f"{kind} {count}" for kind, count in others.items())
        what = f"{sum(others.values())} of {samples.size} beats are not normal ({told}): "
        what += f"{int((~keep).sum())} intervals were left out"
        found.append(Finding("warning", path.name, "", what, "The gaps stand in `at`"))
    if (step == 0).any():
        what = f"{int((step == 0).sum())} beats stand twice"
        found.append(Finding("warning", path.name, "", what))
    marks = sorted({str(symbol) for symbol in symbols[~beat]} - {"+"})
    if marks:
        found.append(Finding("note", path.name, "", f"marks that are no beats were passed over: {' '.join(marks)}"))
    begin = getattr(header, "base_datetime", None)
    frame = _frame(person, recording, samples[1:][keep] / rate, 1000 * step[keep] / rate)
    if begin is not None:
        passed = pl.duration(microseconds=(pl.col("at") * 1e6).round().cast(pl.Int64))
        frame = frame.with_columns(time=pl.lit(begin) + passed)
    return Part({"beats": frame}, {}, tuple(found), f"WFDB annotation ({path.suffix.lstrip('.')}, {rate:g} per second)")


def read_heart_rate(path: str | Path, *, person: str | None = None, recording: str | None = None) -> Part:
    """Read two columns without a header: time of the beat in s, and heart rate per minute (PhysioNet `meditation`).

    Parameters
    ----------
    path : text; intervals are 60 s over the rate, and must agree with the times
    person, recording : names; the name of the file without them

    Raises
    ------
    InputError
        With the line of what cannot be read.

    Source
    ------
    Columns as Peng et al. 1999 gave them to PhysioNet (meditation 1.0.0).
    """
    path = Path(path)
    found: list[Finding] = []
    rows: list[tuple[float, float]] = []
    for number, line in read_lines(path, found):
        cells = [cell for mark in ("\t", ";") if mark in line for cell in cut(line, mark) if cell] or cut(line, " ")
        try:
            time, rate = map(float, cells)
        except ValueError as error:
            what = "is not two numbers, time in s and heart rate"
            raise InputError(what, file=path, row=number, mend="Give two columns without a header") from error
        if not (np.isfinite(time) and RATES[0] <= rate <= RATES[1]):
            what = f"a heart rate of {rate:g} per minute at {time:g} s"
            raise InputError(what, file=path, row=number, mend="Give heart rate, not intervals, in the second column")
        if rows and time <= rows[-1][0]:
            raise InputError(f"time does not go on after {rows[-1][0]:g} s", file=path, row=number)
        rows.append((time, rate))
    at, rate = np.array(rows).T
    rr = 60_000 / rate
    step = np.diff(at)
    if step.size:
        off = np.abs(1000 * step / rr[1:] - 1) > FOLLOWS
        if off.mean() > 0.5:
            what = f"times and rates disagree at {100 * off.mean():.0f} % of the beats: these are no single beats"
            raise InputError(what, file=path, mend="Averaged heart rate holds no intervals")
        if off.any():
            what = f"the recording is broken in {int(off.sum())} places, where beats were taken out"
            found.append(Finding("note", path.name, "", what))
    found.append(Finding("note", path.name, "", "intervals are 60 s over the heart rate of each beat"))
    frame = _frame(str(person or path.stem), str(recording or path.stem), at, rr)
    return Part({"beats": frame}, {}, tuple(found), "time and heart rate of each beat (two columns)")


def read_beats(path: str | Path, **options: Any) -> Part:
    """Read annotated beats, or two columns of time and heart rate, whichever the file is.

    Raises
    ------
    InputError
        As `read_beats_wfdb` and `read_heart_rate` do.
    """
    path = Path(path)
    return read_heart_rate(path, **options) if _two_columns(path) else read_beats_wfdb(path, **options)


def sniff(path: str | Path) -> str | None:
    """Say which of the two a file is, or None; an annotation is known by the header beside it."""
    path = Path(path)
    if not path.is_file():
        return None
    if _two_columns(path):
        return "time and heart rate of each beat (two columns)"
    known = path.suffix.lower() in (".atr", ".ecg", ".qrs", ".ann", ".beat", ".man", ".ari")
    return "WFDB annotation" if known and path.with_suffix(".hea").is_file() else None


def _two_columns(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            lines = file.read(4096).decode("ascii").splitlines()[:-1][:30]
        rows = [[float(cell) for cell in line.split()] for line in lines if line.strip()]
    except (OSError, ValueError):
        return False
    if len(rows) < 3 or any(len(row) != 2 for row in rows):
        return False
    at, rate = np.array(rows).T
    close = np.abs(np.diff(at) * rate[1:] / 60 - 1) < FOLLOWS
    return bool((np.diff(at) > 0).all() and (rate > RATES[0]).all() and (rate < RATES[1]).all() and close.mean() > 0.5)


def _library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wfdb calls pandas in ways that pandas will drop
        import wfdb
    return wfdb


def _annotation(path: Path) -> Any:
    wfdb = _library()

    if not path.is_file():
        what = "this is a folder, not a file" if path.is_dir() else "there is no such file"
        raise InputError(what, file=path)
    size = path.stat().st_size
    if size > LARGEST or size < 2 or not path.suffix:
        what = "the file is empty" if size < 2 else "this is no annotation file"
        raise InputError(what, file=path, mend="Give the annotation itself, such as 100.atr")
    try:
        return wfdb.rdann(str(path.with_suffix("").absolute()), path.suffix[1:])
    except (ValueError, IndexError, KeyError, TypeError, OSError, OverflowError, struct.error, AttributeError) as error:
        mend = "Give the annotation itself, such as 100.atr, with 100.hea beside it"
        raise InputError("this is no readable WFDB annotation", file=path, mend=mend) from error


def _header(path: Path) -> Any:
    wfdb = _library()

    if not path.with_suffix(".hea").is_file():
        return None
    try:
        return wfdb.rdheader(str(path.with_suffix("").absolute()))
    except (ValueError, IndexError, KeyError, TypeError, OSError, OverflowError, AttributeError) as error:
        what = "this header cannot be read"
        raise InputError(what, file=path.with_suffix(".hea"), mend="Lay the header of the record beside it") from error


def _frame(person: str, recording: str, at: np.ndarray, rr: np.ndarray) -> pl.DataFrame:
    frame = pl.DataFrame({"at": at, "rr": rr}, schema={"at": pl.Float64, "rr": pl.Float64})
    return frame.select(pl.lit(person).alias("person"), pl.lit(recording).alias("recording"), "at", "rr")
