"""Bracken: reads re-estimated at one rank, of one sample or combined."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import repeated, shorten
from gutbrain.study.microbiome.lineage import ranks
from gutbrain.study.microbiome.profile_clades import check_rank
from gutbrain.study.microbiome.profile_kraken import CODES, is_report_row, read_kraken
from gutbrain.study.microbiome.profile_part import Notes, assemble, name_of_file, names_of_columns
from gutbrain.study.microbiome.profile_text import Cells, Lines, read_cells, read_lines
from gutbrain.study.part import Part

OUTPUT = (
    "name", "taxonomy_id", "taxonomy_lvl", "kraken_assigned_reads", "added_reads", "new_est_reads",
    "fraction_total_reads",
)  # fmt: skip
# A first word that is a genus: not of phages and viruses, nor of names that stand for a place in the tree.
_BINOMIAL = r"^(?:Candidatus )?(\[?[A-Z][a-z]+\]?)(?:_[A-Z]+)? [a-z]"
_NO_BINOMIAL = r"(?i)\b(?:virus|phage|viroid|satellite|bacterium|archaeon|uncultured|unidentified)\b|virus\b|phage\b"


def read_bracken(
    path: str | Path, *, rank: str | None = None, sample: str | None = None, suffix: str | None = None
) -> Part:
    """Read an output of Bracken, a table of `combine_bracken_outputs.py`, or a re-estimated report.

    Parameters
    ----------
    path : output, table or report; may be packed by gzip
    rank : of a report, species when left out; an output has one rank
    sample : name of the only sample
    suffix : what is cut from the columns of a combined table, behind `_num`

    Returns
    -------
    Part : samples, features and abundances (estimated reads, unit count)

    Raises
    ------
    InputError
        For a file that is none of them, or that mixes ranks.
    """
    lines = read_lines(path)
    source, notes = lines.source, Notes(lines.source.name)
    header = [cell.strip() for cell in lines.row(0).split("\t")]
    if is_report_row(lines.row(0)):
        return read_kraken(path, rank=rank, sample=sample, suffix=suffix)
    if tuple(header[:3]) != OUTPUT[:3]:
        mend = f"An output of Bracken begins with the columns {', '.join(OUTPUT[:3])}, separated by tabs"
        raise InputError("this is no output of Bracken", file=source, row=int(lines.frame[0, "number"]), mend=mend)
    single = header[3] == OUTPUT[3] if len(header) > 3 else True
    if single and tuple(header) != OUTPUT:
        missing = next((name for name in OUTPUT if name not in header), header[-1])
        raise InputError("the columns are not those of Bracken", file=source, field=missing, mend="Keep all columns")
    if single:
        columns, samples = [OUTPUT.index("new_est_reads")], [name_of_file(source, sample, notes)]
        fractions = [OUTPUT.index("fraction_total_reads")]
    else:
        columns = [k for k, name in enumerate(header) if k > 2 and name.endswith("_num")]
        fractions = [k for k, name in enumerate(header) if k > 2 and name.endswith("_frac")]
        if not columns or len(columns) + len(fractions) != len(header) - 3:
            what = "the columns of a sample end in _num and _frac"
            raise InputError(what, file=source, field=header[3], mend="Give the table as the tool wrote it")
        names = [header[k].removesuffix("_num") for k in columns]
        samples = names_of_columns(source, names, suffix, notes)
    cells = read_cells(lines.after(0), header, [0, 1, 2], [*columns, *fractions])
    notes.empty_cells(cells.empty)
    return _profile(cells, lines, columns, samples, fractions if single else [], rank, notes, single)


def _profile(
    cells: Cells, lines: Lines, columns: list[int], samples: list[str], fractions: list[int], rank: str | None,
    notes: Notes, single: bool,
) -> Part:  # fmt: skip
    source = lines.source
    names, taxids, codes = (cells.keys[str(k)].str.strip_chars() for k in range(3))
    found = codes.unique(maintain_order=True).to_list()
    if len(found) > 1:
        at = int((codes != found[0]).arg_max() or 0)
        what = f"ranks {found[0]!r} and {found[1]!r} in one file count reads twice"
        raise InputError(what, file=source, row=int(cells.keys[at, "number"]), mend="Read one rank from one file")
    level = CODES.get(found[0])
    wanted = check_rank(source, rank)
    if level is None and not (found[0][:1] in CODES and found[0][1:].isdigit()):
        raise InputError(f"{found[0]!r} is no code of a rank", file=source, field=OUTPUT[2], mend="Codes are D to S")
    if wanted and wanted != level:
        mend = "Run Bracken at that rank, or read the report of Kraken"
        raise InputError(f"option rank: the file holds {level or found[0]}", file=source, mend=mend)
    ids = ("taxid:" + taxids).to_list()
    if twice := repeated(ids):
        raise InputError("this taxon stands twice", file=source, row=twice[0], mend="Keep one row of it")
    reads = cells.long.filter(pl.col("column").is_in(columns))
    place = dict(zip(columns, samples, strict=True))
    numbers = reads.with_columns(
        sample=pl.col("column").replace_strict(place, return_dtype=pl.String),
        feature=pl.Series(pl.Series(ids, dtype=pl.String).gather(reads["row"])),
        unit=pl.lit("count"),
    )
    if single:
        _see_fractions(cells, numbers, fractions[0], notes)
    features = _features(ids, names, level, found[0], notes)
    notes.note("reads without a taxon at this rank are not in the file", where=shorten(samples))
    what = "Bracken output" if single else "Bracken outputs, combined"
    return assemble(source, samples, features, numbers, notes, f"{what}, rank {level or found[0]}")


def _see_fractions(cells: Cells, numbers: pl.DataFrame, column: int, notes: Notes) -> None:
    """See that the printed fractions are those of the reads: a filtered file shows itself."""
    printed = cells.long.filter(pl.col("column") == column)
    total = float(numbers["value"].sum())
    both = numbers.join(printed, on="row", suffix="_printed")
    if total and len(both) and ((both["value"] / total - both["value_printed"]).abs() > 0.01).any():
        mend = "Were taxa removed from the file?"
        notes.warning(f"the fractions sum to {printed['value'].sum():.3f} and are not those of the reads", mend=mend)


def _features(ids: list[str], names: pl.Series, level: str | None, code: str, notes: Notes) -> pl.DataFrame:
    """Return features; a species gets the genus that its name begins with."""
    bare = names.str.replace_all("[|;]", ",")
    genus = pl.Series([None] * len(ids), dtype=pl.String)
    if level == "species":
        frame = pl.DataFrame({"name": bare})
        genus = frame.select(
            pl.when(~pl.col("name").str.contains(_NO_BINOMIAL)).then(pl.col("name").str.extract(_BINOMIAL))
        ).to_series()
        notes.note("the file holds no lineages: the genus is the first word of a species, higher ranks stay empty")
    letter = {rank: letter for letter, rank in CODES.items()}.get(level or "", "X").lower()
    written = [(f"g__{first}|" if first else "") + f"{letter}__{name}" for first, name in zip(genus, bare, strict=True)]
    made = ranks(written if level else [None] * len(ids), source="kraken")
    return made.with_columns(
        pl.Series("feature", ids, pl.String), names.alias("name"), kind=pl.lit("taxon"), rank=pl.lit(level or code),
    )  # fmt: skip
