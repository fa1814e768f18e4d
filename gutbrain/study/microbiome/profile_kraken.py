"""Kraken 2 reports, standard, combined or in the style of MetaPhlAn: each read counted once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import repeated, shorten
from gutbrain.study.microbiome.lineage import ranks
from gutbrain.study.microbiome.profile_clades import CLADE, UNCLASSIFIED, check_rank
from gutbrain.study.microbiome.profile_part import Notes, name_of_file, names_of_columns
from gutbrain.study.microbiome.profile_reads import by_sample, count_reads, read_clade_style, sum_rows
from gutbrain.study.microbiome.profile_text import Cells, Lines, read_cells, read_lines
from gutbrain.study.part import Part

CODES = {"D": "domain", "K": "kingdom", "P": "phylum", "C": "class", "O": "order", "F": "family", "G": "genus"}
CODES |= {"S": "species"}
CODE = re.compile(r"^(?:[URDKPCOFGS]\d*|-)$")
REPORT = ("percent", "clade", "direct", "code", "taxid", "name")
MINIMIZERS = (*REPORT[:3], "minimizers", "distinct minimizers", *REPORT[3:])


@dataclass(frozen=True)
class _Tree:
    """Rows of a report: which to count, their lineages, and which stand inside nothing."""

    chosen: list[int]
    lineage: dict[int, str]
    top: list[int]
    unclassified: list[int]
    flat: bool


def read_kraken(
    path: str | Path, *, rank: str | None = None, sample: str | None = None, suffix: str | None = None
) -> Part:
    """Read a Kraken 2 report (6 columns, or 8 with minimizers), in standard form or by `--use-mpa-style`.

    Re-estimated reports of Bracken and tables of `combine_kreports.py` and `combine_mpa.py` are read as well.

    Parameters
    ----------
    path : report; may be packed by gzip
    rank : whose clades are counted, domain to species; species when left out. A read is counted once: reads that
        were placed above the rank stand under one feature of kind other, unclassified reads under another
    sample : name of the only sample
    suffix : what is cut from the columns of a combined table

    Returns
    -------
    Part : samples, features and abundances (unit count)

    Raises
    ------
    InputError
        For a file that is no report.
    """
    lines = read_lines(path)
    notes = Notes(lines.source.name)
    level = check_rank(lines.source, rank) or "species"
    if level == "strain":
        raise InputError("option rank: a report has no genome bins", file=lines.source, mend="Take species or above")
    rows = lines.frame["text"].head(100).to_list()
    ahead = next((k for k, row in enumerate(rows) if not row.startswith("#")), 0)
    comments, begin = rows[:ahead], [cell.strip() for cell in rows[ahead].split("\t")]
    if begin[0] == "perc" or (comments and comments[-1].startswith("#perc")):
        return _combined(lines, comments, ahead, level, suffix, notes)
    if CLADE.match(begin[0]) or begin[0].lower() in UNCLASSIFIED:
        return read_clade_style(lines, comments, ahead, level, sample, suffix, notes)
    if len(begin) not in (len(REPORT), len(MINIMIZERS)) or not is_report_row(rows[ahead]):
        mend = "A report has 6 or 8 columns separated by tabs: percent, reads of the clade, reads of the taxon, ..."
        number = int(lines.frame[ahead, "number"])
        raise InputError("this is no report of Kraken", file=lines.source, row=number, mend=mend)
    header = list(REPORT if len(begin) == len(REPORT) else MINIMIZERS)
    body = lines.after(ahead - 1) if ahead else lines
    name = name_of_file(lines.source, sample, notes)
    cells = read_cells(body, header, _at(header, "code", "taxid", "name"), _at(header, "clade", "direct"))
    what = "Kraken 2 report" + (" with minimizers" if len(header) == len(MINIMIZERS) else "")
    return _report(cells, header, [name], level, notes, what)


def is_report_row(line: str) -> bool:
    """Whether a line is one of a standard report."""
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) not in (len(REPORT), len(MINIMIZERS)):
        return False
    code, taxid, name = cells[-3:]
    numbers = all(re.fullmatch(r"\d+", cell) for cell in cells[1:-3])
    return bool(re.fullmatch(r"\d+(?:\.\d+)?", cells[0]) and numbers and CODE.match(code) and taxid.isdigit() and name)


def _at(header: Sequence[str], *names: str) -> list[int]:
    return [header.index(name) for name in names]


def _combined(lines: Lines, comments: list[str], ahead: int, level: str, suffix: str | None, notes: Notes) -> Part:
    """Read a table of `combine_kreports.py`: two columns a sample, and comments that name the samples."""
    hidden = bool(comments) and comments[-1].startswith("#perc")
    header = [cell.strip() for cell in (comments[-1][1:] if hidden else lines.row(ahead)).split("\t")]
    body = lines.after(ahead - 1 if hidden else ahead)
    if header[-3:] != ["lvl_type", "taxid", "name"] or len(header) < 8 or len(header) % 2:
        what = "the columns are not those of combine_kreports.py"
        raise InputError(what, file=lines.source, mend="Give the table as the tool wrote it")
    keys = [header[k].removesuffix("_all") for k in range(3, len(header) - 3, 2)]
    told = [comment[1:].split("\t") for comment in comments if "\t" in comment and not comment.startswith("#perc")]
    names = keys
    if len(told) == len(keys):
        # Samples that nobody named are called S1, S2, ...: their files say more.
        unnamed = all(re.fullmatch(r"S\d+", row[0]) and len(row) > 1 and row[1].strip() for row in told)
        names = [re.split(r"[/\\]", row[1].strip())[-1] if unnamed else row[0] for row in told]
    names = names_of_columns(lines.source, names, suffix, notes)
    # The tool leaves samples without unclassified reads out of this one row.
    short = body.frame["text"].str.contains(r"\tU\t0\t\s*unclassified") & (
        body.frame["text"].str.count_matches("\t", literal=True) != len(header) - 1
    )
    if short.any():
        notes.warning("the row of unclassified reads lacks samples and was left out", mend="Combine the reports again")
        body = Lines(body.source, body.frame.filter(~short))
    header = [*header[:-3], "code", "taxid", "name"]
    values = list(range(3, len(header) - 3))
    cells = read_cells(body, header, _at(header, "code", "taxid", "name"), values)
    return _report(cells, header, names, level, notes, "Kraken 2 reports, combined")


def _report(cells: Cells, header: list[str], samples: list[str], level: str, notes: Notes, what: str) -> Part:
    """Count the clades of one rank, what stands above it, and what is unclassified."""
    codes, taxids, names = (cells.keys[str(k)].to_list() for k in _at(header, "code", "taxid", "name"))
    _see_codes(cells, codes)
    _whole_numbers(cells, header)
    begin = header.index("clade") if "clade" in header else 3
    place = {begin + 2 * k: sample for k, sample in enumerate(samples)}
    own = {begin + 2 * k + 1: sample for k, sample in enumerate(samples)}
    clade = by_sample(cells, place)
    direct = by_sample(cells, own)
    tree = _grow(codes, names, level)
    if not tree.chosen:
        have = [CODES[code] for code in dict.fromkeys(codes) if code in CODES]
        where = f"The report has {', '.join(have) or 'no rank'}; see option `rank`"
        raise InputError(f"the report has no {level}", file=cells.source, mend=where)
    if tree.flat:
        notes.warning("names are not indented, so that lineages are unknown", mend="Give the report as Kraken wrote it")
    if not tree.unclassified:
        mend = "Percentages of all reads cannot be had"
        notes.note("there is no row of unclassified reads, as in reports of Bracken", mend=mend)
    ids = [f"taxid:{taxids[k].strip()}" for k in tree.chosen]
    if twice := repeated(ids):
        raise InputError("this taxon stands twice", file=cells.source, row=twice[0], mend="Keep one row of it")
    features = _features(ids, [names[k].strip() for k in tree.chosen], [tree.lineage[k] for k in tree.chosen], level)
    known = pl.DataFrame({"row": tree.chosen, "feature": ids}, schema={"row": pl.UInt32, "feature": pl.String})
    taxa = clade.join(known, on="row").select("sample", "feature", "value")
    unknown = sum_rows(clade, tree.unclassified)
    # Where names are not indented, nothing says what stands inside what: reads are added up taxon by taxon.
    classified = sum_rows(direct, sorted({*range(len(codes))} - {*tree.unclassified}))
    if not tree.flat:
        tops = sum_rows(clade, tree.top)
        off = [
            f"{name} {tops.get(name, 0):g} against {classified.get(name, 0):g}"
            for name in samples
            if tops.get(name, 0) != classified.get(name, 0)
        ]
        if off:
            told = "reads of the clades and of the taxa do not sum to the same; the clades were counted"
            notes.warning(told, where=shorten(off), mend="Were rows left out of the report?")
        classified = tops
    placed = dict(taxa.group_by("sample").agg(pl.col("value").sum()).iter_rows())
    above = {name: classified.get(name, 0.0) - placed.get(name, 0.0) for name in samples}
    if below := [name for name in samples if above[name] < 0]:
        told = f"the clades of rank {level} hold more reads than were classified"
        raise InputError(told, file=cells.source, row=below[0], mend="Give the report as the tool wrote it")
    return count_reads(cells.source, samples, features, taxa, above, unknown, level, notes, what)


def _see_codes(cells: Cells, codes: list[str]) -> None:
    for k, code in enumerate(codes):
        if not CODE.match(code.strip()):
            what = f"{code[:40]!r} is no code of a rank"
            raise InputError(what, file=cells.source, row=int(cells.keys[k, "number"]), mend="Codes are U, R, D to S")


def _whole_numbers(cells: Cells, header: Sequence[str]) -> None:
    broken = cells.long.filter(pl.col("value") != pl.col("value").round())
    if len(broken):
        row, field = int(cells.keys[int(broken[0, "row"]), "number"]), header[int(broken[0, "column"])]
        what = f"{broken[0, 'value']:g} is no number of reads"
        raise InputError(what, file=cells.source, row=row, field=field, mend="Give the report as the tool wrote it")


def _grow(codes: list[str], names: list[str], level: str) -> _Tree:
    """Read the tree off the indentation of the names, two blanks a step."""
    letter = next(code for code, rank in CODES.items() if rank == level)
    tree = _Tree([], {}, [], [], len(names) > 3 and not any(name.startswith(" ") for name in names))
    stack: list[tuple[int, str, str]] = []
    for k, (code, name) in enumerate(zip(codes, names, strict=True)):
        code, bare = code.strip(), name.strip()
        if code == "U":
            tree.unclassified.append(k)
            continue
        depth = (len(name) - len(name.lstrip(" "))) // 2
        while stack and (tree.flat or stack[-1][0] >= depth):
            stack.pop()
        if not stack:
            tree.top.append(k)
        if code == letter and not any(outer == letter for _, outer, _ in stack):
            path = [(outer, text) for _, outer, text in stack if outer in CODES]
            tree.chosen.append(k)
            tree.lineage[k] = "|".join(
                f"{outer.lower()}__{re.sub('[|;]', ',', text)}" for outer, text in [*path, (code, bare)]
            )
        stack.append((depth, code, bare))
    return tree


def _features(ids: list[str], names: list[str], lineages: list[str], level: str) -> pl.DataFrame:
    made = ranks(lineages, source="kraken")
    return made.with_columns(
        pl.Series("feature", ids, pl.String), pl.Series("name", names, pl.String), kind=pl.lit("taxon"),
        rank=pl.lit(level),
    )  # fmt: skip
