"""MetaPhlAn profiles: one sample or merged tables, versions 2 to 4, one clade counted once."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import repeated, shorten
from gutbrain.study.microbiome.profile_clades import (
    CLADE,
    UNCLASSIFIED,
    Clades,
    check_rank,
    clade_features,
    other_feature,
)
from gutbrain.study.microbiome.profile_part import Notes, assemble, check_unit, name_of_file, names_of_columns
from gutbrain.study.microbiome.profile_text import Cells, Lines, read_cells, read_lines
from gutbrain.study.part import Part

WHOLE, SLACK = 100.0, 1.0  # %; what a rank sums to, and how far rounding may take it
FIRST = ("clade_name", "clade", "id", "sampleid", "taxonomy", "taxon")
AMOUNTS = {"percent": "relative_abundance", "count": "estimated_number_of_reads_from_the_clade"}
BESIDE = (
    "ncbi_tax_id", "clade_taxid", "additional_species", "coverage", "average_genome_length_in_the_clade", "gtdb_tax_id",
    *AMOUNTS.values(),
)  # fmt: skip


@dataclass(frozen=True)
class _Head:
    version: str
    header: list[str]
    sample: str | None
    rows: Lines


def read_metaphlan(
    path: str | Path,
    *,
    rank: str | None = None,
    values: str = "percent",
    unit: str | None = None,
    sample: str | None = None,
    suffix: str | None = None,
) -> Part:
    """Read a MetaPhlAn profile of one sample, or a table of `merge_metaphlan_tables.py`.

    Parameters
    ----------
    path : profile (`-t rel_ab` or `-t rel_ab_w_read_stats`), or merged table; may be packed by gzip
    rank : one of domain to species, or `SGB`; without it the deepest clades that the file has. Clades that end
        above the rank are kept as they are, so that nothing is lost
    values : `percent`, or `count` for the estimated reads of `rel_ab_w_read_stats`
    unit : of the numbers, where they are no percentages
    sample : name of the only sample
    suffix : what is cut from the columns of a merged table

    Returns
    -------
    Part : samples, features (taxa, and `UNCLASSIFIED` of kind other) and abundances

    Raises
    ------
    InputError
        For a file that is no profile, or numbers that fit no unit.
    """
    lines = read_lines(path)
    source, notes = lines.source, Notes(lines.source.name)
    depth = check_rank(source, rank)
    check_unit(source, unit)
    if values not in AMOUNTS:
        raise InputError(f"option values: {values!r} is neither 'percent' nor 'count'", file=source)
    head = _read_head(lines)
    lowered = [name.lower() for name in head.header]
    single = any(name in lowered for name in AMOUNTS.values())
    if single:
        if AMOUNTS[values] not in lowered:
            mend = "Run MetaPhlAn with -t rel_ab_w_read_stats, or read the percentages"
            raise InputError("this column is missing", file=source, field=AMOUNTS[values], mend=mend)
        columns = [lowered.index(AMOUNTS[values])]
        names = [name_of_file(source, sample or head.sample, notes)]
        if AMOUNTS["count"] in lowered and values == "percent":
            notes.note("estimated reads of the file were left out", mend='Option `values = "count"` reads them instead')
    else:
        columns = [k for k, name in enumerate(lowered) if k and name not in BESIDE]
        if not columns:
            raise InputError("the table has no column of a sample", file=source, mend="Give a profile of MetaPhlAn")
        names = names_of_columns(source, [head.header[k] for k in columns], suffix, notes)
    extra = "additional_species" in lowered
    keys = [0, lowered.index("additional_species")] if extra else [0]
    cells = read_cells(head.rows, head.header, keys, columns, least=max(columns) + 1)
    notes.empty_cells(cells.empty)
    clades, other, amounts = _clades(cells, names, columns)
    if extra and (several := int((cells.keys[str(keys[1])].str.strip_chars() != "").sum())):
        notes.note(f"{several} clades stand for several species (column additional_species)")
    given = unit or ("count" if single and values == "count" else None)
    found = given or _unit(source, amounts, notes)
    kept = clades.at(depth) if depth else clades.leaf
    if depth and not any(kept):
        have = ", ".join(clades.levels())
        raise InputError(f"the file has no {rank}", file=source, mend=f"It has {have}; see option `rank`")
    if found in ("percent", "share"):
        _check_sums(amounts, clades, kept, other, names, WHOLE if found == "percent" else 1.0, notes)
    _say_dropped(clades, kept, notes)
    chosen = [name for name, keep in zip(clades.names, kept, strict=True) if keep]
    features = _features(chosen, "SGB" in head.version or any("|t__SGB" in name for name in chosen))
    unknown = [other_feature(name, "reads of no known clade") for name in other]
    features = pl.concat([features, *unknown], how="diagonal")
    abundances = amounts.filter(pl.col("feature").is_in([*chosen, *other])).with_columns(unit=pl.lit(found))
    if not chosen:
        notes.warning("no clade was found")
    what = f"MetaPhlAn {_generation(head.version)}" + ("" if single else ", merged table")
    return assemble(source, names, features, abundances, notes, what)


def _read_head(lines: Lines) -> _Head:
    """Take comments, header and rows apart."""
    rows = lines.frame["text"].head(200).to_list()
    ahead = next((k for k, row in enumerate(rows) if not row.startswith("#")), len(rows))
    if ahead == len(rows):
        raise InputError("there are only comments and no clades", file=lines.source, mend="Run MetaPhlAn again")
    comments = [row.lstrip("#").split("\t") for row in rows[:ahead]]
    begin = ahead
    header = [cell.strip() for cell in rows[ahead].split("\t")]
    if header[0].lower() in FIRST:
        begin = ahead + 1
    elif comments and comments[-1][0].strip().lower() in FIRST and len(comments[-1]) > 1:
        header = [cell.strip() for cell in comments.pop()]
        if len(header) == 2 and (header[0].lower() == "sampleid" or _placeholder(header[1])):
            # MetaPhlAn 2 names no columns but the sample.
            comments.append(["SampleID", header[1]])
            header = ["clade_name", "relative_abundance"]
    elif CLADE.match(header[0]) and len(header) in (2, 3, 4):
        header = ["clade_name", "NCBI_tax_id", "relative_abundance", "additional_species"][: len(header)]
        header = ["clade_name", "relative_abundance"] if len(header) == 2 else header
    else:
        mend = "A profile has a header that begins with clade_name, and columns separated by tabs"
        raise InputError("this is no profile of MetaPhlAn", file=lines.source, mend=mend)
    body = lines.after(begin - 1) if begin else lines
    # Merged tables of version 2 repeat the names of the samples in a row.
    body = Lines(lines.source, body.frame.filter(~pl.col("text").str.starts_with("#")))
    version = next((row[0].strip() for row in comments if row[0].startswith("mpa_")), "")
    named = [row[1].strip() for row in comments if len(row) == 2 and not _placeholder(row[1])]
    return _Head(version, header, next((name for name in named if name), None), body)


def _placeholder(text: str) -> bool:
    return bool(re.fullmatch(r"metaphlan\d?_analysis", text.strip(), re.I))


def _clades(cells: Cells, names: list[str], columns: list[int]) -> tuple[Clades, list[str], pl.DataFrame]:
    """Name the rows, and put their numbers under features and samples."""
    text = cells.keys["0"].str.strip_chars()
    other = text.str.to_lowercase().is_in(UNCLASSIFIED)
    wrong = ~(text.str.contains(CLADE.pattern) | other)
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        mend = "A clade is written k__Bacteria|p__Firmicutes"
        what = f"{text[at][:60]!r} is no clade"
        raise InputError(what, file=cells.source, row=int(cells.keys[at, "number"]), mend=mend)
    named = dict(zip(columns, names, strict=True))
    rows = cells.long.with_columns(
        feature=pl.Series(text.gather(cells.long["row"]), dtype=pl.String),
        sample=pl.col("column").replace_strict(named, return_dtype=pl.String),
    ).select("sample", "feature", "value")
    if twice := repeated(text.to_list()):
        # Merged by clade and identifier, a clade whose identifier changed has two rows; a sample stands in one.
        clash = rows.filter(rows.select("sample", "feature").is_duplicated())
        if len(clash):
            what = f"this clade stands twice for sample {clash[0, 'sample']!r}"
            raise InputError(what, file=cells.source, row=str(clash[0, "feature"]), mend="Keep one row of it")
        if len(names) == 1:
            raise InputError("this clade stands twice", file=cells.source, row=twice[0], mend="Keep one row of it")
    unique = list(dict.fromkeys(text.to_list()))
    loose = [name for name in unique if name.lower() in UNCLASSIFIED]
    return Clades.of([name for name in unique if name not in loose]), loose, rows


def _unit(source: Path, amounts: pl.DataFrame, notes: Notes) -> str:
    """Decide between percentages, shares and counts where nobody says it."""
    if amounts.is_empty():
        return "percent"
    most = float(amounts["value"].max() or 0.0)  # type: ignore[arg-type]  # a column of numbers has a number as maximum
    if 1.0 + SLACK / WHOLE < most <= WHOLE + SLACK / 2:
        return "percent"
    mend = "Option `unit` says what it is"
    if most > WHOLE:
        if not (amounts["value"] == amounts["value"].round()).all():
            raise InputError(f"numbers up to {most:g} are no percentages", file=source, mend=mend)
        notes.warning(f"whole numbers up to {most:g} were taken as counts", mend=mend)
        return "count"
    top = amounts.filter(~pl.col("feature").str.contains("[|;]")).group_by("sample").agg(pl.col("value").sum())
    if len(top) and ((top["value"] - 1.0).abs() < SLACK / WHOLE).all():
        notes.warning("each sample sums to 1: the numbers were taken as shares, not percentages", mend=mend)
        return "share"
    return "percent"


def _check_sums(
    amounts: pl.DataFrame, clades: Clades, kept: list[bool], other: list[str], samples: list[str], whole: float,
    notes: Notes,
) -> None:  # fmt: skip
    """See that each rank, with what is unclassified, sums to the whole."""
    ways: list[tuple[Any, list[bool], str]] = [
        (notes.note, [rank == level for rank in clades.rank], f"rank {level}") for level in clades.levels()
    ]
    ways.append((notes.warning, kept, "the clades that are kept"))
    for say, chosen, what in ways:
        names = [*other, *(name for name, keep in zip(clades.names, chosen, strict=True) if keep)]
        summed = amounts.filter(pl.col("feature").is_in(names)).group_by("sample").agg(pl.col("value").sum())
        sums = dict(summed.iter_rows())
        slack = SLACK * whole / WHOLE
        off = [f"{name} {sums[name]:.4g}" for name in samples if name in sums and abs(sums[name] - whole) > slack]
        if off:
            mend = "Were rows or ranks left out of the file?"
            say(f"{what} should sum to {whole:g} in each sample", where=shorten(off), mend=mend)


def _say_dropped(clades: Clades, kept: list[bool], notes: Notes) -> None:
    left = Counter(str(rank) for rank, keep in zip(clades.rank, kept, strict=True) if not keep)
    if not left:
        return
    have = Counter(str(rank) for rank, keep in zip(clades.rank, kept, strict=True) if keep)
    told = ", ".join(f"{number} {rank}" for rank, number in left.items())
    mine = ", ".join(f"{number} {rank}" for rank, number in have.items())
    notes.note(f"kept {mine}; left out {told}, which hold the same reads", mend="Option `rank` chooses another rank")


def _features(names: list[str], bins: bool) -> pl.DataFrame:
    """Return features; a genome bin is called by its species and number."""
    made = clade_features(names, "metaphlan")
    if not bins:
        return made
    strain = pl.col("rank") == "strain"
    bin_name = pl.col("feature").str.extract(r"t__([^|;]+)$")
    inside = pl.col("species").str.contains(bin_name.fill_null(""), literal=True)
    called = pl.when(pl.col("species").is_null()).then(bin_name).when(inside).then(pl.col("species"))
    return made.with_columns(
        name=pl.when(strain).then(called.otherwise(pl.format("{} {}", "species", bin_name))).otherwise(pl.col("name")),
        rank=pl.when(strain).then(pl.lit("SGB")).otherwise(pl.col("rank")),
    )


def _generation(version: str) -> str:
    """Tell the version by the database: `mpa_v30_CHOCOPhlAn_201901` is of 3, `mpa_vJan21_CHOCOPhlAnSGB_202103` of 4."""
    if not version:
        return "(version not said)"
    number = "4" if "SGB" in version else "3" if "CHOCOPhlAn" in version and "v2" not in version else "2"
    return f"{number} ({version})"
