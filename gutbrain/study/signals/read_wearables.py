"""Sleep, steps, activity and heart of a night from exports of Fitbit, Garmin, Oura and WHOOP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.study.mapped.cells import Column, Order, clean, clocks, moments, numbers
from gutbrain.study.part import Finding, Part
from gutbrain.study.signals.fitbit_json import read_fitbit_json
from gutbrain.study.signals.rr_layouts import DELIMITERS, cut, read_lines

MISSING = ("", "--", "-", "N/A", "NA", "nan", "NaN", "null", "None")
TIMES = ("date", "start", "until", "bedtime", "waketime")
FACTOR = {("second", "hour"): 1 / 3600, ("second", "minute"): 1 / 60, ("minute", "hour"): 1 / 60}
WHOLE = ("count", "kcal", "minute", "second")  # no fractions: a comma parts thousands
SPELLED = re.compile(r"^(?:(\d+)\s*h(?:ours?|r|rs)?)?\s*(?:(\d+)\s*m(?:in|ins|inutes?)?)?$", re.IGNORECASE)
CLOCKED = re.compile(r"^(\d+):(\d\d)(?::(\d\d))?$")
SCHEMA = {"time": pl.Datetime("us"), "until": pl.Datetime("us"), "quantity": pl.String(), "value": pl.Float64(),
          "unit": pl.String(), "method": pl.String(), "note": pl.String()}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A column of a device: what it means, in which unit it stands and shall stand, and what the method says."""

    device: str
    column: str
    meaning: str
    file_unit: str | None
    unit: str | None
    method: str | None


@dataclass(frozen=True)
class Block:
    """A table within a file: its device, known columns by place, rows with their lines."""

    device: str
    header: tuple[str, ...]
    known: dict[int, Known]
    rows: list[tuple[int, list[str]]]


@cache
def known_columns() -> dict[str, dict[str, Known]]:
    """Return the columns of each device, by their names in lower case with `_` for all else."""
    text = files("gutbrain.study.signals").joinpath("wearable_columns.csv").read_bytes()
    table: dict[str, dict[str, Known]] = {}
    for row in pl.read_csv(text).iter_rows(named=True):
        table.setdefault(row["device"], {})[row["column"]] = Known(**row)
    return table


def read_wearables(
    path: str | Path,
    *,
    person: str | None = None,
    device: str | None = None,
    dates: Order | None = None,
    decimal: str | None = None,
    year: int | None = None,
    utc_offset: float | None = None,
) -> Part:
    """Read an export of a wearable.

    Parameters
    ----------
    path : CSV of Fitbit, Garmin Connect, Oura or WHOOP, or JSON of a Fitbit account (sleep, steps, resting rate)
    person : name of the person; the name of the file without it
    device : `Fitbit`, `Garmin`, `Oura` or `WHOOP`, where the columns do not tell
    dates, decimal : where the file leaves a doubt
    year : of dates that stand without one
    utc_offset : hours from UTC to local time, for Fitbit's minutes of steps, which stand in UTC

    Returns
    -------
    Part : `readings`; of the sleeps that end on one day the longest is the night, the others are `sleep.nap`

    Raises
    ------
    InputError
        With the line, the column and the option that mends it.
    """
    path = Path(path)
    found: list[Finding] = []
    person = str(person or path.stem)
    if path.suffix.lower() == ".json":
        rows, told = read_fitbit_json(path, utc_offset, found)
        frames = [pl.DataFrame(rows, schema=SCHEMA)]
    else:
        if device is not None and device not in known_columns():
            mend = f"It is one of {', '.join(known_columns())}"
            raise InputError(f"no device {device!r}", file=path, field="device", mend=mend)
        blocks = list(_blocks(path, read_lines(path, found), device, found))
        if not blocks:
            mend = f"Give device = one of {', '.join(known_columns())}, or read it as a table with a mapping"
            raise InputError("no line names columns of a wearable that is known", file=path, mend=mend)
        frames = [_readings(path, block, dates, decimal, year, found) for block in blocks]
        told = f"{' and '.join(dict.fromkeys(block.device for block in blocks))} export (CSV)"
    readings = _nights(pl.concat(frames))
    if readings.is_empty():
        raise InputError("all its values are empty", file=path, mend="Look whether the device was worn")
    readings = readings.select(pl.lit(person).alias("person"), pl.all(), pl.lit("measured").alias("origin"))
    return Part({"readings": readings}, {}, tuple(dict.fromkeys(found)), told)


def sniff(path: str | Path) -> str | None:
    """Say which export of a wearable a file is, or None."""
    path = Path(path)
    try:
        if path.suffix.lower() == ".json":
            return "Fitbit account (JSON)" if re.match(r"(sleep|steps|resting_heart_rate)-\d{4}", path.name) else None
        if path.suffix.lower() not in (".csv", ".txt"):
            return None
        block = next(_blocks(path, read_lines(path, [])[:60], None, []), None)
    except (InputError, OSError):
        return None
    if block is None:
        return None
    if len({known.meaning for known in block.known.values()} - set(TIMES)) < 2 and not _sure(block):
        return None
    return f"{block.device} export (CSV)"


def _sure(block: Block) -> bool:
    """One quantity beside a date could be any table; these names only a device gives."""
    names = {known.column for known in block.known.values()}
    return bool(names & {"minutes_asleep", "actual", "total_sleep_duration", "asleep_duration_min"}) or any(
        name.startswith("sleep_score_") for name in names
    )


def _norm(name: str, at: int) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or f"column_{at + 1}"


def _blocks(
    path: Path, lines: list[tuple[int, str]], device: str | None, found: list[Finding]
) -> Iterator[Block]:
    """Cut a file where a line names known columns; what stands before and between is passed over."""
    block: Block | None = None
    mark = ","
    for number, line in lines:
        named = _header(path, number, line, device, found)
        if named:
            if block and block.rows:
                yield block
            mark, block = named[0], named[1]
        elif block:
            cells = cut(line, mark)
            if len(cells) == 1 and len(block.header) > 1:
                continue
            if len(cells) > len(block.header) and any(cells[len(block.header) :]):
                what = f"this row has {len(cells)} fields, the header {len(block.header)}"
                raise InputError(what, file=path, row=number, mend="Quote fields that hold the separator")
            block.rows.append((number, cells + [""] * (len(block.header) - len(cells))))
    if block and block.rows:
        yield block
    elif block:
        raise InputError("the table has a header and no rows", file=path, row=lines[-1][0], mend="Export more days")


def _header(
    path: Path, number: int, line: str, device: str | None, found: list[Finding]
) -> tuple[str, Block] | None:
    best: list[tuple[int, str, Block]] = []
    for mark in DELIMITERS:
        if mark not in line:
            continue
        header = tuple(cut(line, mark))
        names = [_norm(name, at) for at, name in enumerate(header)]
        for each, columns in known_columns().items():
            if device not in (None, each):
                continue
            known = {at: columns[name] for at, name in enumerate(names) if name in columns}
            meanings = {one.meaning for one in known.values()}
            if meanings & {"date", "start"} and meanings - set(TIMES):
                best.append((len(known), mark, Block(each, header, known, [])))
    if not best:
        return None
    most = max(score for score, _, _ in best)
    top = [(mark, block) for score, mark, block in best if score == most]
    seen = {tuple((at, one.meaning, one.file_unit) for at, one in block.known.items()) for _, block in top}
    if len(seen) > 1:
        told = " or ".join(block.device for _, block in top)
        raise InputError(f"the columns fit {told}", file=path, row=number, mend="Give device = ...")
    if len(top) > 1:
        told = ", ".join(block.device for _, block in top)
        what = f"its columns fit {told}, which mean the same by them; {top[0][1].device} was taken"
        found.append(Finding("note", path.name, f"row {number}", what, "Give device = ... to say so"))
    left = [name for at, name in enumerate(top[0][1].header) if at not in top[0][1].known and name]
    if left:
        told = ", ".join(left[:8]) + (f" and {len(left) - 8} more" if len(left) > 8 else "")
        found.append(Finding("note", path.name, f"row {number}", f"columns that were not read: {told}"))
    return top[0]


def _readings(
    path: Path, block: Block, dates: Order | None, decimal: str | None, year: int | None, found: list[Finding]
) -> pl.DataFrame:
    lines = [number for number, _ in block.rows]

    def column(at: int) -> Column:
        text = pl.Series([cells[at] for _, cells in block.rows], dtype=pl.String)
        return clean(Column(block.header[at] or f"column {at + 1}", text, path, lines), MISSING)

    places: dict[str, int] = {}
    for at, known in block.known.items():
        if known.meaning in places:
            name, mend = block.header[places[known.meaning]], "Delete one of the two columns"
            raise InputError(f"{name!r} means the same", file=path, row=lines[0], field=block.header[at], mend=mend)
        places[known.meaning] = at
    when = {meaning: _times(column(places[meaning]), dates, year, found)
            for meaning in ("date", "start", "until") if meaning in places}  # fmt: skip
    nothing = pl.Series([None] * len(lines), dtype=pl.Datetime("us"))
    if "date" in when and "bedtime" in places and "waketime" in places and "start" not in when:
        bed, wake = (pl.Series(clocks(_spaced(column(places[name])))) for name in ("bedtime", "waketime"))
        morning = when["date"].dt.truncate("1d")
        length = pl.Series((wake - bed) % 1.0)
        when["until"] = morning + (wake * 86_400_000_000).round().cast(pl.Int64).cast(pl.Duration("us"))
        when["start"] = when["until"] - (length * 86_400_000_000).round().cast(pl.Int64).cast(pl.Duration("us"))
    begin = when["date"] if "date" in when else when["start"]
    frames = []
    for at, known in block.known.items():
        if known.meaning in (*TIMES,):
            continue
        values, note = _values(path, column(at), known, decimal, found)
        if known.meaning.startswith("activity."):
            day = begin.dt.truncate("1d")
            time, until = day, day.dt.offset_by("1d")
        else:
            time, until = when.get("start", begin), when.get("until", nothing)
            time = pl.select(pl.coalesce(time, begin)).to_series()
        filled = values.is_not_null() & time.is_null()
        if filled.any():
            row = lines[int(filled.arg_max() or 0)]
            raise InputError("a date must stand here", file=path, row=row, mend="Fill it or drop the row")
        frames.append(pl.DataFrame({"time": time, "until": until, "value": values}).with_columns(
            quantity=pl.lit(known.meaning), unit=pl.lit(known.unit), note=pl.lit(note, pl.String),
            method=pl.lit(f"{block.device} {known.method}")).select(list(SCHEMA)))  # fmt: skip
    whole = pl.concat(frames)
    if {"sleep.duration", "sleep.in_bed"} <= set(places) and "sleep.efficiency" not in places:
        lying = whole.filter(quantity="sleep.in_bed")["value"]
        share = whole.filter(quantity="sleep.duration").with_columns(lying.alias("bed"))
        share = share.filter(pl.col("bed") > 0).with_columns(
            value=100 * pl.col("value") / pl.col("bed"), quantity=pl.lit("sleep.efficiency"), unit=pl.lit("percent"),
            method=pl.lit(f"{block.device} asleep over in bed"), note=pl.lit("computed from both"))  # fmt: skip
        whole = pl.concat([whole, share.select(list(SCHEMA))])
    backwards = whole.filter(pl.col("until") < pl.col("time"))
    if len(backwards):
        what = f"a sleep of {backwards['time'][0]} ends before it begins, at {backwards['until'][0]}"
        raise InputError(what, file=path, mend="Give dates = ..., or correct the row")
    return whole.drop_nulls("value")


def _times(column: Column, dates: Order | None, year: int | None, found: list[Finding]) -> pl.Series:
    column = _spaced(column)
    bare = column.text.str.contains(r"^[A-Za-z]{3,9}\.? \d{1,2}$")
    if bare.any():
        at = column.first(bare)
        if year is None:
            raise column.refuse(at, f"{column.text[at]!r} has no year", "Give year = ... for this file")
        months = set(column.text.filter(bare).str.slice(0, 3).str.to_lowercase())
        if {"dec", "jan"} <= months:
            raise column.refuse(at, "dates without a year run over New Year", "Export each year by itself")
        text = column.text.set(bare, None).fill_null(column.text + f", {year}")
        column = Column(column.name, text, column.file, column.lines)
    ranged = column.text.str.contains(r"[A-Za-z]{3} \d{1,2} ?[-–] ?")
    if ranged.any():
        mend = "Export four weeks or fewer, so that every row is one day"
        raise column.refuse(column.first(ranged), "a row of several days is an average", mend)
    values, noted = moments(column, dates)
    found += noted
    return values


def _spaced(column: Column) -> Column:
    """Put the blank before AM and PM that Fitbit leaves out."""
    text = column.text.str.replace(r"(?i)(\d)\s*([ap])\.?m\.?$", "${1} ${2}m").str.replace(r"\u202f|\u00a0", " ")
    return Column(column.name, text, column.file, column.lines)


def _values(
    path: Path, column: Column, known: Known, decimal: str | None, found: list[Finding]
) -> tuple[pl.Series, str | None]:
    if column.text.is_null().all():
        found.append(column.note("note", "is empty"))
        return pl.Series([None] * len(column.text), dtype=pl.Float64), None
    if known.file_unit == "duration":
        return pl.Series([_hours(column, at) for at in range(len(column.text))], dtype=pl.Float64), None
    text = column.text.str.replace(r"(?i)\s*(ms|bpm|brpm|kcal|steps)$", "")
    column = Column(column.name, text, column.file, column.lines)
    whole = known.file_unit in WHOLE
    values, limit, noted = numbers(column, "." if whole and decimal is None else decimal)
    found += noted
    if limit.is_not_null().any():
        raise column.refuse(column.first(limit.is_not_null()), "a limit is no value of a wearable")
    if whole and known.file_unit == "count" and (values != values.round()).any():
        at = column.first(values != values.round())
        what = f"{column.text[at]!r} is no whole number"
        raise column.refuse(at, what, 'Give decimal = "," if points part thousands')
    if (values < 0).any():
        raise column.refuse(column.first(values < 0), "is negative", "Empty the cell if nothing was measured")
    note = None
    if known.meaning == "sleep.efficiency" and float(values.max() or 0) <= 1:  # type: ignore[arg-type]
        found.append(column.note("warning", "is at most 1 and was read as a share: values were multiplied by 100"))
        values, note = values * 100, "a share in the file"
    values = values * FACTOR.get((known.file_unit or "", known.unit or ""), 1.0)
    if known.unit == "hour" and (values > 24).any():
        at = column.first(values > 24)
        other = next((d for d, c in known_columns().items() if d != known.device and known.column in c), None)
        mend = f"Give device = {other!r} if it is one" if other else f"It should stand in {known.file_unit}s"
        raise column.refuse(at, f"{column.text[at]} {known.file_unit}s are {values[at]:.0f} h, more than a day", mend)
    return values, note


def _hours(column: Column, at: int) -> float | None:
    text = column.text[at]
    if text is None:
        return None
    spelled, clocked = SPELLED.match(text.strip()), CLOCKED.match(text)
    if clocked:
        hours = int(clocked[1]) + int(clocked[2]) / 60 + int(clocked[3] or 0) / 3600
    elif spelled and (spelled[1] or spelled[2]):
        hours = int(spelled[1] or 0) + int(spelled[2] or 0) / 60
    else:
        near = get_close_matches(text, ["7h 30min", "7:30"], n=1, cutoff=0)
        raise column.refuse(at, f"{text!r} is no duration", f"Write it as {near[0] if near else '7h 30min'}")
    if hours > 24:
        raise column.refuse(at, f"{text!r} is more than a day", "Correct it")
    return hours


def _nights(readings: pl.DataFrame) -> pl.DataFrame:
    """Of the sleeps that end on one day the longest is the night; the others are naps."""
    asleep = readings.filter((pl.col("quantity") == "sleep.duration") & pl.col("until").is_not_null())
    if asleep.is_empty():
        return readings
    longest = asleep.sort("value", descending=True, maintain_order=True).unique(
        pl.col("until").dt.date(), keep="first", maintain_order=True
    )
    naps = asleep.join(longest, on=["time", "until"], how="anti").select("time", "until").unique()
    if naps.is_empty():
        return readings.unique(maintain_order=True)
    marked = readings.join(naps.with_columns(nap=True), on=["time", "until"], how="left")
    kept = marked.filter(pl.col("nap").is_null() | ~pl.col("quantity").is_in(["sleep.in_bed", "sleep.efficiency"]))
    named = pl.when(pl.col("nap") & (pl.col("quantity") == "sleep.duration")).then(pl.lit("sleep.nap"))
    return kept.with_columns(quantity=named.otherwise("quantity")).drop("nap").unique(maintain_order=True)

