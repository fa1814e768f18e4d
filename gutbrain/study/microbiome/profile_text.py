"""Text of sequencing profiles: lines with their numbers, and tables in long form."""

from __future__ import annotations

import bz2
import csv
import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import polars as pl

from gutbrain.errors import InputError

LARGEST = 4 * 1024**3  # bytes of text
RATIO, HARMLESS = 200, 64 * 1024**2  # text may be so many times larger than its archive; below these bytes never asked
CHUNK = 16 * 1024**2
ROWS = 50_000  # rows that are split into cells at once
NOTHING = ("", "-", "NA", "NaN", "nan", "null", "NULL")


@dataclass(frozen=True)
class Lines:
    """A text file line by line.

    Parameters
    ----------
    source : the file
    frame : columns `number` (line of the file, from 1) and `text`; blank lines are left out
    """

    source: Path
    frame: pl.DataFrame

    def row(self, index: int) -> str:
        """Return the text of one line."""
        return str(self.frame[index, "text"])

    def after(self, index: int) -> Lines:
        """Return the lines behind one."""
        return Lines(self.source, self.frame[index + 1 :])


def read_lines(path: str | Path) -> Lines:
    """Read a text file that may be packed by gzip or bzip2.

    Raises
    ------
    InputError
        For a file that is missing, empty, no UTF-8 text, or unpacks to more than it may.
    """
    source = Path(path)
    if not source.is_file():
        what = "this is a folder, not a file" if source.is_dir() else "there is no such file"
        raise InputError(what, file=source, mend="Give the path of a profile")
    raw = _unpack(source, LARGEST)
    if raw[:2] in (b"PK", b"\xff\xfe", b"\xfe\xff") or b"\x00" in raw:
        raise InputError("this is no UTF-8 text", file=source, mend="Give the text file that the tool wrote")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError("this is no UTF-8 text", file=source, row=line, mend="Save it as UTF-8") from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    frame = pl.DataFrame({"text": lines}, schema={"text": pl.String}).with_row_index("number", offset=1)
    frame = frame.filter(pl.col("text").str.strip_chars() != "")
    if frame.is_empty():
        raise InputError("the file is empty", file=source, mend="Run the tool again, or leave the file out")
    return Lines(source, frame)


def first_lines(path: str | Path, size: int = 256 * 1024) -> list[str]:
    """Return the first lines of a file, or none where it cannot be read as text; nothing is raised."""
    try:
        raw = _unpack(Path(path), size, cut=True)
        text = raw.decode("utf-8-sig", errors="strict" if len(raw) < size else "ignore")
    except (InputError, OSError, UnicodeDecodeError):
        return []
    if "\x00" in text or raw[:2] == b"PK":
        return []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line for line in (lines[:-1] if len(raw) >= size else lines) if line.strip()]


def _unpack(source: Path, most: int, cut: bool = False) -> bytes:
    with source.open("rb") as file:
        magic = file.read(3)
    packed = magic[:2] == b"\x1f\x8b" or magic == b"BZh"
    opener = gzip.open if magic[:2] == b"\x1f\x8b" else bz2.open if packed else open
    limit = max(source.stat().st_size * RATIO, HARMLESS) if packed else most
    parts, size = [], 0
    try:
        with cast(IO[bytes], opener(source, "rb")) as stream:
            while part := stream.read(min(CHUNK, most)):
                parts.append(part)
                size += len(part)
                if cut and size >= most:
                    return b"".join(parts)[:most]
                if size > min(limit, most):
                    what = "unpacks to more than 200 times its size: a zip bomb?" if packed else "has more than 4 GB"
                    raise InputError(f"this file {what}", file=source, mend="Unpack or split it first")
    except (OSError, EOFError, zlib.error) as error:
        what = "the archive is broken" if packed else "the file cannot be read"
        raise InputError(f"{what} ({error})", file=source, mend="Copy or pack it again") from error
    return b"".join(parts)


def with_tabs(lines: Lines) -> Lines:
    """Return comma-separated lines as tab-separated ones; others as they are."""
    if "\t" in lines.row(0) or "," not in lines.row(0):
        return lines
    try:
        made = ["\t".join(next(csv.reader([line]), [])) for line in lines.frame["text"]]
    except csv.Error as error:
        raise InputError(f"the quotes do not match ({error})", file=lines.source, mend="Close the quote") from error
    return Lines(lines.source, lines.frame.with_columns(pl.Series("text", made, pl.String)))


@dataclass(frozen=True)
class Cells:
    """A table of text and numbers.

    Parameters
    ----------
    source : the file
    keys : columns of text, one row a row of the file, under their positions (`0`, `1`, ...), and `number`
    long : the numbers that are not 0: `row` (position in `keys`), `column` (position in the file), `value`
    empty : cells that hold nothing
    """

    source: Path
    keys: pl.DataFrame
    long: pl.DataFrame
    empty: int


def read_cells(
    lines: Lines, header: Sequence[str], keys: Sequence[int], values: Sequence[int], least: int | None = None
) -> Cells:
    """Split lines into cells, and read some of the columns as numbers.

    Parameters
    ----------
    lines : rows without the header
    header : names of all columns
    keys, values : positions of columns of text and of numbers; the others are left out
    least : fields that a row must have, where the last columns may be missing

    Raises
    ------
    InputError
        For a row with another number of fields, or a cell that is no number, infinite or below 0.
    """
    width, least = len(header), len(header) if least is None else least
    if lines.frame.is_empty():
        raise InputError("the table has a header and no rows", file=lines.source, mend="Add the rows")
    fields = lines.frame["text"].str.count_matches("\t", literal=True).cast(pl.Int64) + 1
    wrong = (fields > width) | (fields < least)
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        what = f"this row has {fields[at]} fields, the header {width}"
        mend = "Separate fields by one tab, and give every row one field a column"
        raise InputError(what, file=lines.source, row=int(lines.frame[at, "number"]), mend=mend)
    parts: list[pl.DataFrame] = []
    texts: list[pl.DataFrame] = []
    empty, begin = 0, 0
    for piece in lines.frame.iter_slices(ROWS):
        # A row of one field gives no struct to unnest, so that one more is asked for.
        split = piece["text"].str.split_exact("\t", width).struct.unnest()
        cells = split.rename({name: str(k) for k, name in enumerate(split.columns)})
        # Names are cut to their text, but their leading blanks are the tree of a Kraken report.
        texts.append(cells.select(pl.col(str(k)).str.strip_chars_end().fill_null("") for k in keys))
        for k in values:
            number = _numbers(lines.source, cells[str(k)], piece["number"], header[k])
            empty += number.null_count()
            kept = pl.DataFrame({"value": number}).with_row_index("row", offset=begin).filter(pl.col("value") != 0)
            parts.append(kept.with_columns(pl.lit(k, pl.UInt32).alias("column")))
        begin += len(piece)
    schema = pl.Schema({"row": pl.UInt32(), "value": pl.Float64(), "column": pl.UInt32()})
    long = pl.concat([schema.to_frame(), *(part.cast(schema) for part in parts)])
    return Cells(lines.source, pl.concat(texts).with_columns(lines.frame["number"]), long, empty)


def _numbers(source: Path, cells: pl.Series, lines: pl.Series, field: str) -> pl.Series:
    text = cells.str.strip_chars()
    text = pl.DataFrame({"t": text}).select(pl.when(~pl.col("t").is_in(NOTHING)).then(pl.col("t"))).to_series()
    number = text.cast(pl.Float64, strict=False)
    wrong = text.is_not_null() & (number.is_null() | ~number.is_finite() | (number < 0))
    if not wrong.fill_null(True).any():
        return number
    at = int(wrong.fill_null(True).arg_max() or 0)
    shown = str(text[at])[:40]
    comma = re.fullmatch(r"-?\d+,\d+", shown)
    mend = "Write decimals with a point" if comma else "An amount is a finite number of at least 0"
    raise InputError(f"{shown!r} is no amount", file=source, row=int(lines[at]), field=field, mend=mend)
