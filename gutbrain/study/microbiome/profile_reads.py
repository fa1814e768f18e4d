"""Reads by clade: what stands at a rank, above it, and nowhere; reports in the style of MetaPhlAn."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import repeated, shorten
from gutbrain.study.microbiome.profile_clades import CLADE, UNCLASSIFIED, Clades, clade_features, other_feature
from gutbrain.study.microbiome.profile_part import Notes, assemble, name_of_file, names_of_columns
from gutbrain.study.microbiome.profile_text import Cells, Lines, read_cells
from gutbrain.study.part import Part

NO_TAXON = "unclassified"
_ROWS = {"sample": pl.String(), "feature": pl.String(), "value": pl.Float64()}


def by_sample(cells: Cells, place: dict[int, str]) -> pl.DataFrame:
    """Return the numbers of some columns with the sample of each."""
    mine = cells.long.filter(pl.col("column").is_in(list(place)))
    return mine.with_columns(sample=pl.col("column").replace_strict(place, return_dtype=pl.String))


def sum_rows(numbers: pl.DataFrame, rows: list[int]) -> dict[str, float]:
    """Return the sum of some rows for each sample."""
    mine = numbers.filter(pl.col("row").is_in(rows))
    return dict(mine.group_by("sample").agg(pl.col("value").sum()).iter_rows())


def count_reads(
    source: Path, samples: list[str], features: pl.DataFrame, taxa: pl.DataFrame, above: dict[str, float],
    unknown: dict[str, float], level: str, notes: Notes, what: str, unit: str = "count",
) -> Part:  # fmt: skip
    """Return the profile of one rank, with what is above the rank and what is unclassified.

    Parameters
    ----------
    features, taxa : clades of the rank, and their numbers (`sample`, `feature`, `value`)
    above, unknown : number of each sample that was classified above the rank, and that was not classified
    level : the rank
    """
    others = {f"above {level}": above, NO_TAXON: unknown}
    parts, more = [taxa], [features]
    for (feature, amounts), name in zip(
        others.items(), (f"reads of a taxon above {level}", "unclassified reads"), strict=True
    ):
        kept = [(sample, feature, float(value)) for sample, value in amounts.items() if value > 0]
        parts.append(pl.DataFrame(kept, schema=_ROWS, orient="row"))
        if kept:
            more.append(other_feature(feature, name))
    placed = dict(taxa.group_by("sample").agg(pl.col("value").sum()).iter_rows())
    told = []
    for sample in samples:
        total = placed.get(sample, 0.0) + above.get(sample, 0.0) + unknown.get(sample, 0.0)
        if total:
            over, outside = (100 * amounts.get(sample, 0.0) / total for amounts in (above, unknown))
            told.append(f"{sample} {over:.1f} % and {outside:.1f} %")
    if told:
        what_is_left = f"clades of rank {level} were counted; classified above it, and unclassified"
        notes.note(what_is_left, where=shorten(told), mend="Option `rank` chooses another rank")
    numbers = pl.concat(parts).with_columns(unit=pl.lit(unit))
    return assemble(source, samples, pl.concat(more, how="diagonal"), numbers, notes, what)


def read_clade_style(
    lines: Lines, comments: list[str], ahead: int, level: str, sample: str | None, suffix: str | None, notes: Notes
) -> Part:
    """Read `--use-mpa-style`, `kreport2mpa.py` or `combine_mpa.py`: a lineage, then reads of its clade."""
    source = lines.source
    width = lines.row(ahead).count("\t") + 1
    header = [cell.strip() for cell in comments[-1].lstrip("#").split("\t")] if comments else []
    if width < 2:
        raise InputError("a lineage has no number", file=source, row=int(lines.frame[ahead, "number"]))
    if len(header) == width and (width > 2 or header[0].lower() == "classification"):
        samples = names_of_columns(source, header[1:], suffix, notes)
        samples = [sample] if sample and len(samples) == 1 else samples
    elif width == 2:
        samples = [name_of_file(source, sample, notes)]
        header = ["clade", "reads"]
    else:
        mend = "Add a line '#Classification' with the names of the samples"
        raise InputError(f"{width - 1} columns of numbers have no names", file=source, mend=mend)
    body = lines.after(ahead - 1) if ahead else lines
    cells = read_cells(body, header, [0], list(range(1, width)))
    text = cells.keys["0"].str.strip_chars()
    loose = text.str.to_lowercase().is_in(UNCLASSIFIED)
    wrong = ~(text.str.contains(CLADE.pattern) | loose)
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        what = f"{text[at][:60]!r} is no lineage"
        raise InputError(what, file=source, row=int(cells.keys[at, "number"]), mend="Write d__Bacteria|p__Firmicutes")
    if twice := repeated(text.to_list()):
        raise InputError("this clade stands twice", file=source, row=twice[0], mend="Keep one row of it")
    whole = bool((cells.long["value"] == cells.long["value"].round()).all())
    if not whole:
        notes.warning("the numbers are no counts; they were taken as percentages", mend="Write reads, not percentages")
    numbers = by_sample(cells, dict(zip(range(1, width), samples, strict=True)))
    numbers = numbers.with_columns(feature=pl.Series(text.gather(numbers["row"]), dtype=pl.String))
    known = text.filter(~loose).to_list()
    clades = Clades.of(known)
    chosen = [name for name, keep in zip(known, clades.at(level, leaves_above=False), strict=True) if keep]
    if not chosen:
        mend = f"It has {', '.join(clades.levels())}; see option `rank`"
        raise InputError(f"the report has no {level}", file=source, mend=mend)
    tops = {name for name, top in zip(known, clades.top, strict=True) if top}
    row = {name: k for k, name in enumerate(text.to_list())}
    taxa = numbers.filter(pl.col("feature").is_in(chosen)).select("sample", "feature", "value")
    placed = dict(taxa.group_by("sample").agg(pl.col("value").sum()).iter_rows())
    above = {
        name: value - placed.get(name, 0.0) for name, value in sum_rows(numbers, [row[name] for name in tops]).items()
    }
    unknown = sum_rows(numbers, [k for k, out in enumerate(loose) if out])
    if not unknown:
        notes.note("this style does not hold unclassified reads", mend="The standard report has them")
    if any(value < -0.5 for value in above.values()):
        what = f"the clades of rank {level} hold more reads than those around them"
        raise InputError(what, file=source, mend="Give the report as the tool wrote it")
    unit = "count" if whole else "percent"
    features = clade_features(chosen, "kraken")
    return count_reads(source, samples, features, taxa, above, unknown, level, notes, "Kraken 2, MetaPhlAn style", unit)
