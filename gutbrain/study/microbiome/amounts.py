"""What all readers of sequencing tables share: the unit of the values, the long table, the features."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from gutbrain.errors import InputError
from gutbrain.people.delimited import repeated, shorten
from gutbrain.study.microbiome.lineage import names_ranks, ranks
from gutbrain.study.part import Finding, Part
from gutbrain.study.schema import ABUNDANCE_UNITS, KINDS, TABLES

WHOLES = {"share": 1.0, "percent": 100.0, "CPM": 1e6}
_SEQUENCE = re.compile(r"^[ACGTUNRYSWKMBDHV]{30,}$", re.IGNORECASE)
_GENE = re.compile(r"^(?:K\d{5}|(?:ko:)K\d{5}|UniRef\d{2}_\S+|EC:?\d+\.[\d.-]+|COG\d{4})$")


def decide_unit(
    file: str, values: np.ndarray, totals: np.ndarray, samples: Sequence[str], declared: str | None
) -> tuple[str, list[Finding]]:
    """Say what unit the values of a table have.

    Parameters
    ----------
    file : for messages
    values : all that are not 0 (array [n])
    totals : sum of each sample (array [samples])
    samples : names
    declared : unit that the user or the file states; None to look at the numbers

    Returns
    -------
    tuple : unit, and what was decided or looks odd

    Raises
    ------
    InputError
        For an unknown unit, values that cannot have it, or numbers that do not tell.
    """
    told = totals[totals > 0]
    whole = bool(np.all(values == np.rint(values)))
    if declared is not None:
        return declared, _check_declared(file, values, totals, samples, declared, whole)
    span = f"{told.min():.4g} to {told.max():.4g}" if told.size else "0"
    listed = ", ".join(ABUNDANCE_UNITS)
    if whole and values.size and not np.all(np.abs(told - 100) < 1e-6):
        what = "all values are whole numbers: they were taken as counts"
        found = [Finding("note", file, "", what, f"`unit` overrides this (one of {listed})")]
        if values.max() <= 1:
            what = "there is no value but 0 and 1: this may be presence, not a count"
            found.append(Finding("warning", file, "", what, "Take the table of counts"))
        return "count", found
    for unit, sum_to in WHOLES.items():
        # Tables cut to some taxa sum to less than the whole, never to more than rounding allows.
        if not whole and told.size and told.max() <= 1.02 * sum_to and np.median(told) >= 0.5 * sum_to:
            what = f"values sum to {span} a sample: they were taken as {unit}"
            return unit, [Finding("note", file, "", what, f"`unit` overrides this (one of {listed})")]
    what = f"the unit of the values cannot be told (they sum to {span} a sample)"
    raise InputError(what, file=file, mend=f'Declare `unit`, one of {listed}, such as unit = "signal"')


def _check_declared(
    file: str, values: np.ndarray, totals: np.ndarray, samples: Sequence[str], unit: str, whole: bool
) -> list[Finding]:
    if unit not in ABUNDANCE_UNITS:
        listed = ", ".join(ABUNDANCE_UNITS)
        raise InputError(f"there is no unit {unit!r}", file=file, field="unit", mend=f"Use one of {listed}")
    if unit in ("share", "percent") and totals.size and totals.max() > 1.02 * WHOLES[unit]:
        worst = int(totals.argmax())
        what = f"declared as {unit}, but sample {samples[worst]!r} sums to {totals[worst]:.6g}"
        raise InputError(what, file=file, field="unit", mend="Declare the unit that the values have")
    if unit in ("count", "copies") and not whole and values.size:
        what = f"declared as {unit}, but not all values are whole numbers ({values[values != np.rint(values)][0]:.6g})"
        return [Finding("warning", file, "", what, "See whether they were normalised; models of counts need counts")]
    return []


def refuse_twice(file: str, what: str, names: Sequence[str]) -> None:
    """Refuse names that stand more than once, or say nothing.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    if any(not name for name in names):
        raise InputError(f"a {what} has no name ({what} {list(names).index('') + 1})", file=file, mend="Name it")
    twice = repeated(names)
    if twice:
        told = f"{what}s that stand more than once: {shorten(twice)}"
        raise InputError(told, file=file, mend="Give each a name of its own, or sum them if they are the same")


def refuse_values(file: str, values: np.ndarray, where: Sequence[tuple[Sequence[str], np.ndarray]]) -> None:
    """Refuse values that are negative or no numbers.

    Parameters
    ----------
    file : for messages
    values : array [n]
    where : names and indices (array [n]) of features, then of samples

    Raises
    ------
    InputError
        Naming feature and sample of the first.
    """
    bad = ~(np.isfinite(values) & (values >= 0))
    if not bad.any():
        return
    first = int(bad.argmax())
    (features, feature_at), (samples, sample_at) = where
    what = "is negative" if values[first] < 0 else "is no finite number"
    more = f" ({int(bad.sum())} such values)" if bad.sum() > 1 else ""
    raise InputError(
        f"{values[first]:g} {what}{more}", file=file, row=features[feature_at[first]], field=samples[sample_at[first]],
        mend="Amounts are numbers of at least 0; take the table before it was transformed",
    )  # fmt: skip


def long_table(
    samples: Sequence[str], features: Sequence[str], sample_at: np.ndarray, feature_at: np.ndarray,
    values: np.ndarray, unit: str,
) -> pl.DataFrame:  # fmt: skip
    """Return the table `abundances` of what is not 0, from indices (arrays [n])."""
    kept = values != 0
    if not kept.all():
        sample_at, feature_at, values = sample_at[kept], feature_at[kept], values[kept]
    named = pl.Series("sample", list(samples), pl.String), pl.Series("feature", list(features), pl.String)
    return pl.DataFrame(
        [
            named[0].gather(pl.Series(sample_at.astype(np.uint32))),
            named[1].gather(pl.Series(feature_at.astype(np.uint32))),
            pl.Series("value", values, pl.Float64),
        ]
    ).with_columns(pl.lit(unit, pl.String).alias("unit"))


def empty_samples(file: str, samples: Sequence[str], totals: np.ndarray) -> list[Finding]:
    """Warn of samples that hold nothing."""
    without = [name for name, total in zip(samples, totals, strict=True) if total == 0]
    if not without:
        return []
    what = f"{len(without)} samples hold nothing: {shorten(without)}"
    return [Finding("warning", file, "", what, "Leave them out of what compares samples")]


def of_material(part: Part, material: str | None) -> Part:
    """Say of all samples of a part what was taken."""
    if material is None or "samples" not in part.tables:
        return part
    samples = part.tables["samples"].with_columns(pl.lit(material, pl.String).alias("material"))
    return replace(part, tables={**part.tables, "samples": samples})


def looks_like_sequence(name: str) -> bool:
    """Whether a name is a sequence of nucleotides."""
    return bool(_SEQUENCE.match(name))


def make_features(
    file: str, ids: Sequence[str], lineages: Mapping[str, str] | None = None, kind: str | None = None,
    source: str | None = None, rank: str | None = None,
) -> tuple[pl.DataFrame, list[Finding]]:  # fmt: skip
    """Return the table `features`.

    Parameters
    ----------
    file : for messages
    ids : names of the features in the table
    lineages : lineage of a feature, where a taxonomy gives one; else the name itself is looked at
    kind : taxon, gene, pathway or other; seen from the names without it
    source : database of the lineages, as `gutbrain.study.microbiome.lineage.ranks` takes it
    rank : of single names such as `Bacteroides`

    Raises
    ------
    InputError
        For an unknown kind, source or rank.
    """
    found: list[Finding] = []
    if kind is None:
        genes = sum(bool(_GENE.match(name)) for name in ids)
        kind = "gene" if 2 * genes > len(ids) else "taxon"
        if kind == "gene":
            what = f"{genes} of {len(ids)} names are names of genes: they were taken as genes"
            found.append(Finding("note", file, "", what, "`kind` overrides this"))
    if kind not in KINDS:
        raise InputError(f"there is no kind {kind!r}", file=file, field="kind", mend=f"Use one of {', '.join(KINDS)}")
    columns = TABLES["features"].columns
    if kind != "taxon":
        made = pl.DataFrame({"feature": list(ids), "name": list(ids)}, schema={"feature": pl.String, "name": pl.String})
        return made.with_columns(kind=pl.lit(kind)).select("feature", "kind", "name"), found
    known = lineages or {}
    # A bare name is placed only where its rank is declared; a taxonomy may come from another file.
    own = [known.get(name) or (name if rank or names_ranks(name) else "") for name in ids]
    try:
        placed = ranks(own, source, rank)
    except ValueError as error:
        raise InputError(str(error), file=file, mend="Correct the options `source` and `rank`") from error
    frame = placed.with_columns(feature=pl.Series(list(ids), dtype=pl.String), kind=pl.lit("taxon"))
    without = frame.filter(pl.col("rank").is_null())["feature"].to_list()
    if without:
        what = f"{len(without)} of {len(ids)} taxa have no rank: {shorten([name[:40] for name in without], 3)}"
        plain = len(without) == len(ids)
        mend = 'Give a taxonomy file, or `rank`, such as rank = "genus", if the names are all of one rank'
        found.append(Finding("note" if not plain else "warning", file, "", what, mend))
    return frame.select(list(columns)), found
