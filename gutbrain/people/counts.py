"""A counts table as it lies on disk, in either orientation, and its nine group shares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.people import taxa as taxon_names
from gutbrain.people.delimited import TextTable, read_text, repeated, shorten
from gutbrain.people.taxa import CLASS_NOTE, GROUPS
from gutbrain.people.taxonomy import join_ranks, read_taxonomy, says_lineage

LEVELS = ("genus", "family", "order or phylum", "other")


@dataclass(frozen=True)
class Counts:
    """Counts of taxa in samples.

    Attributes
    ----------
    table : DataFrame, `taxon` and one Float64 column a sample
    samples, taxa : names, in the order of the table
    source : the file
    taxa_in_rows : orientation of the file
    whole : whether all values are whole numbers; if not, they are a signal or shares, not reads
    lineages : lineage of a taxon, where the file or a taxonomy gives one
    metadata : DataFrame, `sample` and the columns of the metadata file, one row a sample; None without
    """

    table: pl.DataFrame
    samples: tuple[str, ...]
    taxa: tuple[str, ...]
    source: Path
    taxa_in_rows: bool = True
    whole: bool = True
    lineages: dict[str, str] | None = None
    metadata: pl.DataFrame | None = None

    def totals(self) -> np.ndarray:
        """Return the sum of each sample (array [samples])."""
        return np.asarray(self.table.select(self.samples).sum().to_numpy()[0])

    def at_least(self, reads: float) -> Counts:
        """Return only the samples with at least so many reads (5,000 for a fit)."""
        kept = tuple(name for name, total in zip(self.samples, self.totals(), strict=True) if total >= reads)
        if not kept:
            what = f"no sample has {reads:g} reads; the largest has {self.totals().max():g}"
            raise InputError(what, file=self.source, mend="Lower the limit, or sequence deeper.")
        metadata = None if self.metadata is None else self.metadata.filter(pl.col("sample").is_in(kept))
        return replace(self, table=self.table.select("taxon", *kept), samples=kept, metadata=metadata)


@dataclass(frozen=True)
class GroupShares:
    """Shares of the nine groups, and how much of them is known.

    Attributes
    ----------
    table : DataFrame, `sample` and the nine groups; shares of what mapped, which sum to 1 without `other`
    mapping : DataFrame, `sample`, `total` (reads or signal), and shares of that total: `genus`, `family`,
        `order or phylum`, `other` (these four sum to 1) and `ambiguous` (mixed genera, fallbacks, no genus)
    unmapped : DataFrame, `sample`, `taxon`, `share` of the sample's total; the rows that are `other`
    assignment : DataFrame of `taxa.assign`: where each taxon went
    platform : `sequencing`, `hitchip taxa` or `hitchip classes`
    notes : what a reader must know
    """

    table: pl.DataFrame
    mapping: pl.DataFrame
    unmapped: pl.DataFrame
    assignment: pl.DataFrame
    platform: str
    notes: tuple[str, ...] = ()

    @property
    def samples(self) -> tuple[str, ...]:
        """Names of the samples, in order."""
        return tuple(self.table["sample"])

    def array(self) -> np.ndarray:
        """Return the shares of what mapped (array [samples, 9], rows sum to 1)."""
        return self.table.select(GROUPS).to_numpy()

    def of_all(self) -> pl.DataFrame:
        """Return `sample`, the nine groups and `other` as shares of everything in the sample (sum 1)."""
        known = 1 - self.mapping["other"]
        return self.table.with_columns([pl.col(group) * known for group in GROUPS] + [self.mapping["other"]])

    def unmapped_names(self) -> pl.DataFrame:
        """Return `taxon` and the mean share over all samples of what mapped nowhere, largest first."""
        mean = pl.col("share").sum() / max(self.table.height, 1)
        return self.unmapped.group_by("taxon").agg(mean).sort(["share", "taxon"], descending=[True, False])


def read_counts(
    path: str | Path, taxonomy: str | Path | pl.DataFrame | None = None, metadata: str | Path | None = None
) -> Counts:
    """Read a counts table.

    Parameters
    ----------
    path : TSV or CSV; names of taxa in the first column and samples in the others, or the other way round
        (the axis of which more names belong to a group holds the taxa). A text column `taxonomy`, or
        columns named by ranks, give the lineage.
    taxonomy : table of names and lineages or ranks, for tables that name sequence variants
    metadata : table one column of which names the samples

    Returns
    -------
    Counts : taxa in rows, numbers, nothing dropped

    Raises
    ------
    InputError : missing or empty file, no counts, a cell that is no number of at least 0, a sample or
        taxon that stands twice, a sample without reads, metadata that lack a sample
    """
    text = read_text(path)
    lineages = {} if taxonomy is None else read_taxonomy(taxonomy)
    text, own = _take_lineages(text)
    lineages = {**own, **lineages}
    if len(text.header) < 2:
        raise InputError("there are no counts beside the names", file=text.source, mend="Add one column a sample.")
    names = [name or "" for name in text.column(0)]
    for line, name in zip(text.lines, names, strict=True):
        if not name:
            raise InputError("this row has no name", file=text.source, row=line, mend="Name the taxon or sample.")
    numbers = _numbers(text, names)
    rows_hold_taxa = bool(own) or taxon_names.maps(names, lineages) >= taxon_names.maps(text.header[1:], lineages)
    taxa, samples = (names, text.header[1:]) if rows_hold_taxa else (text.header[1:], names)
    values = numbers if rows_hold_taxa else numbers.T
    _check(text.source, tuple(taxa), tuple(samples), values)
    table = pl.DataFrame({"taxon": list(taxa)} | {name: values[:, k] for k, name in enumerate(samples)})
    return Counts(
        table=table,
        samples=tuple(samples),
        taxa=tuple(taxa),
        source=text.source,
        taxa_in_rows=rows_hold_taxa,
        whole=bool(np.all(values == np.round(values))),
        lineages=lineages or None,
        metadata=None if metadata is None else read_metadata(metadata, tuple(samples)),
    )


def _take_lineages(text: TextTable) -> tuple[TextTable, dict[str, str]]:
    """Split text columns that name lineage or ranks off a table of taxa in rows."""
    lowered = [name.lower().strip() for name in text.header]
    found = [k for k, name in enumerate(lowered) if k > 0 and says_lineage(name)]
    # A taxon could bear such a name only as a column of numbers.
    found = [k for k in found if text.column(k).cast(pl.Float64, strict=False).null_count() > 0]
    if not found:
        return text, {}
    lineages = join_ranks(text.column(0).to_list(), {lowered[k]: text.column(k).to_list() for k in found})
    kept = [k for k in range(len(text.header)) if k not in found]
    body = text.body.select([str(k) for k in kept])
    body.columns = [str(k) for k in range(len(kept))]
    return replace(text, header=tuple(text.header[k] for k in kept), body=body), lineages


def read_metadata(path: str | Path, samples: tuple[str, ...]) -> pl.DataFrame:
    """Read what is known about samples.

    Parameters
    ----------
    path : table one column of which holds the sample names
    samples : names that must be there

    Returns
    -------
    DataFrame : `sample` and the file's other columns as text, one row a sample, in the order of `samples`

    Raises
    ------
    InputError : no column of sample names, a sample missing or there twice
    """
    text = read_text(path)
    frame = text.frame()
    wanted = set(samples)
    hits = {name: len(wanted.intersection(frame[name].drop_nulls())) for name in frame.columns}
    column = max(hits, key=lambda name: hits[name])
    if not hits[column]:
        mend = f"Give them as the counts do, such as {shorten(samples, 3)}."
        raise InputError("no column holds the sample names of the counts", file=text.source, mend=mend)
    missing = [name for name in samples if name not in set(frame[column].drop_nulls())]
    if missing:
        what = f"{len(missing)} samples of the counts are missing: {shorten(missing)}"
        raise InputError(what, file=text.source, field=column, mend="Add a row for each.")
    twice = [name for name in repeated(frame[column].drop_nulls()) if name in wanted]
    if twice:
        raise InputError("this sample stands twice", file=text.source, row=twice[0], field=column, mend="Keep one row.")
    order = pl.DataFrame({"sample": samples}, schema={"sample": pl.String})
    others = [name for name in frame.columns if name not in (column, "sample")]
    return order.join(
        frame.select(pl.col(column).alias("sample"), *others), on="sample", how="left", maintain_order="left"
    )


def _numbers(text: TextTable, names: list[str]) -> np.ndarray:
    """Cells as numbers (array [rows, columns]); the first that is none of at least 0 is named."""
    cells = text.body.select(pl.all().exclude("0"))
    values = cells.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        row, column = (int(k) for k in np.argwhere(bad)[0])
        cell = cells[row, column]
        what = "an empty cell" if cell is None else f"{cell!r} is not a count"
        if cell is not None and values[row, column] < 0:
            what = f"{cell!r} is negative"
        more = f" ({int(bad.sum())} such cells)" if bad.sum() > 1 else ""
        raise InputError(
            what + more,
            file=text.source,
            row=f"{text.lines[row]} ({names[row]})",
            field=text.header[column + 1],
            mend="Write a number of at least 0, and 0 where nothing was seen; columns that hold no counts belong in "
            "the metadata.",
        )
    return values


def _check(source: Path, taxa: tuple[str, ...], samples: tuple[str, ...], values: np.ndarray) -> None:
    """Complain about samples or taxa that stand twice and samples without reads."""
    for kind, names, mend in (
        ("sample", samples, "Give every sample a name of its own."),
        ("taxon", taxa, "Keep one, or sum them yourself if they are the same."),
    ):
        twice = repeated(names)
        if twice:
            raise InputError(f"{kind} that stands more than once: {shorten(twice)}", file=source, mend=mend)
    if "" in samples or "" in taxa or "taxon" in samples:
        what = "a sample is called 'taxon'" if "taxon" in samples else "a column has no name"
        raise InputError(what, file=source, row=1, mend="Give every column a name of its own.")
    empty = [name for name, total in zip(samples, values.sum(0), strict=True) if total == 0]
    if empty:
        raise InputError(
            f"sample without a single read: {shorten(empty)}", file=source, mend="Leave it out of the table."
        )


def group_shares(counts: Counts, taxonomy: str | Path | pl.DataFrame | None = None) -> GroupShares:
    """Turn counts into the shares of the nine groups.

    Parameters
    ----------
    counts : counts of taxa
    taxonomy : names and lineages, for tables that name sequence variants (see `read_taxonomy`)

    Returns
    -------
    GroupShares : shares of what mapped, and how it mapped; `other` is reported and left out of the shares

    Raises
    ------
    InputError : nothing in the table, or in one sample, maps to a group

    Source
    ------
    science/colon.md, part C
    """
    lineages = dict(counts.lineages or {}) | ({} if taxonomy is None else read_taxonomy(taxonomy))
    platform = taxon_names.detect_platform(counts.taxa)
    assignment = taxon_names.assign(counts.taxa, lineages, platform)
    share = counts.table.select(counts.samples).to_numpy() / counts.totals()  # [taxa, samples]
    row_of = {name: k for k, name in enumerate(counts.taxa)}
    weights = np.zeros((len(counts.taxa), len(GROUPS)))
    level, ambiguous = np.full(len(counts.taxa), "other", dtype=object), np.zeros(len(counts.taxa), dtype=bool)
    for name, group, weight, found, guessed in assignment.iter_rows():
        level[row_of[name]], ambiguous[row_of[name]] = found, guessed
        if group is not None:
            weights[row_of[name], GROUPS.index(group)] = weight
    grouped = share.T @ weights  # [samples, 9]
    other = share[level == "other"]
    _complain_unmapped(counts, share, grouped.sum(1), level == "other")
    table = pl.DataFrame(
        {"sample": counts.samples} | dict(zip(GROUPS, (grouped / grouped.sum(1, keepdims=True)).T, strict=True))
    )
    mapping = pl.DataFrame(
        {"sample": counts.samples, "total": counts.totals()}
        | {name: share[level == name].sum(0) for name in LEVELS}
        | {"ambiguous": share[ambiguous].sum(0)}
    )
    unmapped = _unmapped(
        counts, other, [name for name, where in zip(counts.taxa, level, strict=True) if where == "other"]
    )
    notes = [CLASS_NOTE] if platform == "hitchip classes" else []
    if not counts.whole:
        notes.append("values are not whole numbers: a signal or shares, not reads")
    most = mapping["other"].to_numpy().max()
    if most > 0:
        notes.append(f"shares are of what mapped; up to {most:.1%} of a sample is `other` and left out")
    return GroupShares(table, mapping, unmapped, assignment, platform, tuple(notes))


def _unmapped(counts: Counts, other: np.ndarray, names: list[str]) -> pl.DataFrame:
    """Long table of what is `other`: sample, taxon, share; cells of 0 left out."""
    row, column = np.nonzero(other)
    columns = {"sample": pl.String, "taxon": pl.String, "share": pl.Float64}
    cells = {
        "sample": [counts.samples[k] for k in column],
        "taxon": [names[k] for k in row],
        "share": other[row, column],
    }
    return pl.DataFrame(cells, schema=columns).sort(["sample", "share"], descending=[False, True], maintain_order=True)


def _complain_unmapped(counts: Counts, share: np.ndarray, mapped: np.ndarray, other: np.ndarray) -> None:
    """Complain, with names and shares, where a sample holds nothing that belongs to a group."""
    lost = np.flatnonzero(mapped <= 0)
    if not lost.size:
        return
    whole = lost.size == len(counts.samples)
    held = (share[:, lost].mean(1)) * other
    largest = [k for k in np.argsort(-held, kind="stable") if held[k] > 0]
    listed = shorten([f"{counts.taxa[k]} ({held[k]:.1%})" for k in largest])
    if whole:
        what = f"nothing in this table belongs to one of the nine groups: {listed}"
        mend = "Name taxa by genus or lineage, or give read_counts a taxonomy table."
    else:
        names = shorten([counts.samples[k] for k in lost])
        what = f"nothing in {names} belongs to one of the nine groups, but only {listed}"
        mend = "Leave such a sample out, or keep only deep ones with at_least(5000)."
    raise InputError(what, file=counts.source, mend=mend)
