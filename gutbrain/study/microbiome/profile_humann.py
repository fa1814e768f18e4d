"""Tables of functions: HUMAnN 3 and 4 gene families and pathways, and other tables of KO, EC or pathways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import repeated, shorten
from gutbrain.study.microbiome.profile_functions import FUNCTION, namespace, stratum_ranks
from gutbrain.study.microbiome.profile_part import Notes, assemble, check_unit, names_of_columns
from gutbrain.study.microbiome.profile_strata import add_up, choose_rows, split_names
from gutbrain.study.microbiome.profile_text import Cells, Lines, read_cells, read_lines, with_tabs
from gutbrain.study.part import Part

HEADER = re.compile(r"^#\s*(Gene Famil(?:y|ies)|Pathways?|Reactions?)\b(.*)$", re.I)
COLUMN = re.compile(r"(?:[_.-](?:Abundance|Coverage))?(?:[_-](RPKs?|CPM|RELAB))?$", re.I)
UNITS = {"RPK": "RPK", "RPKS": "RPK", "CPM": "CPM", "RELAB": "share"}
SPOKEN = ((r"\bCPMs?\b", "CPM"), (r"\bRPKs?\b", "RPK"), (r"\bcounts?\b", "count"), (r"\brelab\b|relative", "share"))
DESCRIPTIONS = ("description", "name", "definition", "annotation")
WHOLES = ((1e6, "CPM"), (1.0, "share"))
TAXON = ("species", "taxon", "genus", "sequence", "organism", "bin", "mag", "genome")


@dataclass(frozen=True)
class _Table:
    """Rows and columns of a table of functions.

    Parameters
    ----------
    header : names of all columns
    spoken : what stands in the first cell, for HUMAnN; else None
    function, taxon, description : their columns
    turned : samples are rows
    """

    header: list[str]
    spoken: re.Match[str] | None
    function: int
    taxon: int | None
    description: int | None
    values: list[int]
    turned: bool


def read_humann(
    path: str | Path,
    *,
    stratified: bool = False,
    unit: str | None = None,
    sample: str | None = None,
    suffix: str | None = None,
) -> Part:
    """Read a table of HUMAnN, of one sample or joined, or another table of KO, EC or pathways.

    Parameters
    ----------
    path : gene families, pathway abundance or coverage, regrouped and renormalised tables; tables of PICRUSt2; tables
        whose first column is a function, with or without a column of taxa beside it; may be packed by gzip
    stratified : rows of single taxa are read as well (`PWY-1|g__A.s__B`); totals alone when left out
    unit : of the numbers, where header and sums do not say it
    sample : name of the only sample
    suffix : what is cut from the columns; by default `_Abundance-RPKs` and its like

    Returns
    -------
    Part : samples, features (genes, pathways; `UNMAPPED` and its like of kind other) and abundances

    Raises
    ------
    InputError
        For a file that is no such table, or whose unit is in doubt.
    """
    lines = with_tabs(_without_comments(read_lines(path)))
    source, notes = lines.source, Notes(lines.source.name)
    check_unit(source, unit)
    if not isinstance(stratified, bool):
        raise InputError(f"option stratified: {stratified!r} is neither true nor false", file=source)
    table = _layout(lines)
    keys = [k for k in (table.function, table.taxon, table.description) if k is not None]
    cells = read_cells(lines.after(0), table.header, keys, table.values)
    notes.empty_cells(cells.empty)
    if table.turned:
        notes.warning("samples were found in rows and functions in columns", mend="Turn the table if that is wrong")
        samples = cells.keys[str(table.function)].str.strip_chars().to_list()
        if twice := repeated(samples):
            raise InputError("this sample stands twice", file=source, row=twice[0], mend="Keep one row of it")
        functions = pl.Series([table.header[k].strip() for k in table.values], dtype=pl.String)
        place = pl.Series(samples, dtype=pl.String)
        order = {k: at for at, k in enumerate(table.values)}
        long = cells.long.select(
            sample=pl.Series(place.gather(cells.long["row"])),
            row=pl.col("column").replace_strict(order, return_dtype=pl.UInt32),
            value="value",
        )
        printed = pl.DataFrame({"printed": functions})
    else:
        samples, long, printed = _upright(cells, table, sample, suffix, notes)
    rows = split_names(printed).filter(pl.col("base") != "")
    kind = "pathway" if table.spoken and table.spoken[1].lower().startswith("path") else None
    coverage = any(re.search(r"[_.-]coverage$", table.header[k], re.I) for k in table.values)
    found = unit or _unit(source, table, long, rows, coverage, notes)
    rows = choose_rows(rows, stratified, notes)
    rows, long = add_up(rows, long, stratified, kind, source, notes)
    space = namespace(rows.filter(pl.col("kind") != "other")["base"], kind)
    rows = rows.with_columns(
        feature=pl.when(pl.col("kind") == "other")
        .then(pl.format("{} ({}){}", "base", pl.lit(space), pl.concat_str(pl.lit("|"), "stratum").fill_null("")))
        .otherwise(pl.concat_str("base", pl.concat_str(pl.lit("|"), "stratum").fill_null(""))),
        kind=pl.when((pl.col("kind") == "gene") & pl.lit(kind == "pathway")).then(pl.lit(kind)).otherwise("kind"),
    )
    if twice := repeated(rows["feature"].to_list()):
        raise InputError("this function stands twice", file=source, row=twice[0], mend="Keep one row of it")
    numbers = long.join(rows.select("row", "feature", "base"), on="row").with_columns(
        # HUMAnN 4 counts unmapped reads and leaves them out of the normalisation.
        unit=pl.when(pl.col("base") == "READS_UNMAPPED").then(pl.lit("count")).otherwise(pl.lit(found))
    )
    named = rows.select("feature", "kind", pl.coalesce("name", "base"))
    features = pl.concat([named, stratum_ranks(rows["stratum"])], how="horizontal")
    told = f"HUMAnN{_version(table.spoken)}, " if table.spoken else ""
    reader = f"{told}table of functions ({space}, {found})"
    return assemble(source, samples, features, numbers, notes, reader)


def _without_comments(lines: Lines) -> Lines:
    """Leave out comments; the header of HUMAnN begins like one."""
    text = pl.col("text")
    comment = text.str.starts_with("#") & ~text.str.contains("\t", literal=True)
    frame = lines.frame.filter(~comment)
    if frame.is_empty():
        raise InputError("there are only comments", file=lines.source, mend="Give a table of functions")
    return Lines(lines.source, frame)


def _layout(lines: Lines) -> _Table:
    """Find which columns hold functions, taxa, descriptions and numbers."""
    source = lines.source
    header = [cell.strip() for cell in lines.row(0).split("\t")]
    rows = [row.split("\t") for row in lines.frame["text"][1:200].to_list()]
    if rows and len(rows[0]) == len(header) + 1:
        header = ["", *header]  # as R writes it
    spoken = HEADER.match(header[0])
    width = len(header)
    if width < 2:
        mend = "A table of functions has columns separated by tabs, the first of names"
        raise InputError("the table has one column", file=source, row=int(lines.frame[0, "number"]), mend=mend)
    whole = [row for row in rows if len(row) == width]
    if not spoken and 2 * sum(bool(FUNCTION.match(name)) for name in header[1:]) > width - 1:
        return _Table(header, None, 0, None, None, list(range(1, width)), True)
    if spoken:
        return _Table(header, spoken, 0, None, None, list(range(1, width)), False)
    text = [k for k in range(1, width) if whole and not any(_is_number(row[k]) for row in whole)]
    function, taxon = 0, None
    for k in (0, *text):
        if whole and 2 * sum(bool(FUNCTION.match(row[k].strip())) for row in whole) > len(whole):
            function = k
            break
    else:
        mend = "Functions are KO (K00001), EC (1.1.1.1), UniRef, COG, Pfam, GO or MetaCyc pathways"
        raise InputError("no column holds functions", file=source, row=int(lines.frame[0, "number"]), mend=mend)
    others = [k for k in (0, *text) if k != function]
    taxon = next((k for k in others if k < function or header[k].lower() in TAXON), None)
    described = next((k for k in others if k != taxon and header[k].lower() in DESCRIPTIONS), None)
    values = [k for k in range(width) if k not in (function, taxon, described)]
    if not values:
        raise InputError("the table has no column of numbers", file=source, mend="Give one column a sample")
    return _Table(header, None, function, taxon, described, values, False)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _upright(
    cells: Cells, table: _Table, sample: str | None, suffix: str | None, notes: Notes
) -> tuple[list[str], pl.DataFrame, pl.DataFrame]:
    """Name samples by columns and functions by rows."""
    names = [table.header[k] for k in table.values]
    if suffix is None and table.spoken:
        cut = [COLUMN.sub("", name) or name for name in names]
        gone = list(dict.fromkeys(name[len(kept) :] for name, kept in zip(names, cut, strict=True)))
        if gone != [""]:
            shown = ", ".join(repr(text) for text in gone if text)
            notes.note(f"samples are the columns without {shown}", mend="Option `suffix` says what is cut")
        names, suffix = cut, ""
    samples = names_of_columns(cells.source, names, suffix, notes)
    if sample and len(samples) == 1:
        samples = [str(sample)]
    printed = cells.keys.select(printed=pl.col(str(table.function)).str.strip_chars())
    if table.taxon is not None:
        printed = printed.with_columns(taxon=cells.keys[str(table.taxon)].str.strip_chars())
    if table.description is not None:
        printed = printed.with_columns(told=cells.keys[str(table.description)].str.strip_chars())
    nameless = printed.with_row_index("row").filter(pl.col("printed") == "")["row"]
    long = cells.long.filter(~pl.col("row").is_in(nameless.implode()))
    if len(nameless):
        lost = 1 - float(long["value"].sum()) / (float(cells.long["value"].sum()) or 1.0)
        what = f"{len(nameless)} rows have no function and were left out, {100 * lost:.1f} % of all amounts"
        first = f"row {cells.keys[int(nameless[0]), 'number']}"
        notes.warning(what, where=first, mend="Name the functions where the rows have one")
    place = dict(zip(table.values, samples, strict=True))
    long = long.select(pl.col("column").replace_strict(place, return_dtype=pl.String).alias("sample"), "row", "value")
    return samples, long, printed


def _unit(source: Path, table: _Table, long: pl.DataFrame, rows: pl.DataFrame, coverage: bool, notes: Notes) -> str:
    """Take the unit from the columns, then the first cell, then from what the samples sum to."""
    mend = "Option `unit` says what it is"
    if coverage:
        notes.note("coverage is the certainty that a pathway is present, no amount (unit signal)")
        return "signal"
    marks = {(COLUMN.search(table.header[k]) or [None, None])[1] for k in table.values} if table.spoken else {None}
    units = {UNITS[mark.upper()] if mark else None for mark in marks}
    if len(units) > 1:
        told = shorten(sorted(str(name) for name in units))
        raise InputError(f"columns have different units ({told})", file=source, mend="Join tables of one unit")
    said = units.pop()
    whole = rows.filter(pl.col("stratum").is_null() & (pl.col("base") != "READS_UNMAPPED")).select("row")
    sums = long.join(whole, on="row", how="semi").group_by("sample").agg(pl.col("value").sum())["value"]
    summed = next((name for most, name in WHOLES if len(sums) and ((sums / most - 1).abs() < 1e-3).all()), None)
    if table.spoken:
        first = next((name for form, name in SPOKEN if re.search(form, table.spoken[2], re.I)), None)
        pathway = table.spoken[1].lower().startswith("path")
        told = said or first or ("copies" if pathway else "RPK")
        if summed and summed != told and said in (None, "RPK"):
            most = "1,000,000" if summed == "CPM" else "1"
            notes.warning(
                f"each sample sums to {most}: the table was renormalised, the unit is {summed}, not {told}", mend=mend
            )
            return summed
        if said is None and first is None and not pathway:
            notes.warning("the header names no unit; RPK was taken, in which HUMAnN writes gene families", mend=mend)
        return told
    integers = bool((long["value"] == long["value"].round()).all())
    if summed:
        notes.warning(f"no unit is named; each sample sums to that of {summed}, which was taken", mend=mend)
        return summed
    guess = "count" if integers else "signal"
    why = "the numbers are whole" if integers else "amounts can be compared within this table only"
    notes.warning(f"no unit is named; {guess} was taken: {why}", mend=mend)
    return guess


def _version(spoken: re.Match[str] | None) -> str:
    found = re.search(r"HUMAnN v(\S+)", spoken[2]) if spoken else None
    return f" {found[1]}" if found else ""
