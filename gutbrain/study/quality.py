"""What is odd about a study: impossible values, missing visits, shallow samples, unmapped taxa, odd answers.

Nothing is mended or left out here; every finding says what was seen and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe.answering import patterns
from gutbrain.observe.questionnaires import SAFETY, find
from gutbrain.people import taxa
from gutbrain.study.part import Finding
from gutbrain.study.quantities import quantities
from gutbrain.study.schema import RANKS
from gutbrain.study.study import Study

# All four are assumed: they ask for a look, and leave nothing out.
FEW_READS = 1000  # below this, what a sample lacks says little
MAPPED = 0.8  # share of reads whose taxa belong to a group of the model
SHORTEST, LONGEST = 250.0, 2500.0  # ms between two beats of an adult


def quality(study: Study, forms: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[Finding, ...]:
    """Return what is odd about a study, errors first.

    Parameters
    ----------
    forms : how forms were coded, form -> options of its scoring
    """
    sections: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _names(study), lambda: _values(study.readings), lambda: _repeats(study.readings),
        lambda: _visits(study), lambda: _samples(study), lambda: _features(study),
        lambda: _answers(study.answers, forms or {}), lambda: _beats(study.beats),
    )  # fmt: skip
    found = [finding for section in sections for finding in section()]
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: order[finding.severity]))


def _names(study: Study) -> Iterator[Finding]:
    """Names that differ by case, spaces, signs or leading zeros only: one person or sample under two names?"""
    for table, key in (("people", "person"), ("samples", "sample")):
        plain = pl.col(key).str.to_lowercase().str.replace_all(r"[\s._-]+", "").str.replace_all(r"(^|\D)0+(\d)", "$1$2")
        alike = study.tables[table].select(key).group_by(plain.alias("plain"), maintain_order=True).agg(key)
        alike = alike.filter((pl.col(key).list.len() > 1) & (pl.col("plain") != ""))
        if len(alike):
            told = ", ".join(map(repr, alike[key][0].to_list()[:4]))
            what = f"{len(alike)} names of a {key} are written in several ways, such as {told}; each counts as another"
            mend = "Write them alike, or replace them under `values`"
            yield Finding("warning", table, "", what, mend)


def _values(readings: pl.DataFrame) -> Iterator[Finding]:
    """Values that no living person shows, and quantities of no known unit."""
    for (name,), rows in readings.group_by("quantity", maintain_order=True):
        known = quantities().get(str(name))
        if known is None:
            units = rows["unit"].unique().to_list()
            if len(units) > 1:
                told = f"stands in several units: {', '.join(units)}"
                yield Finding("warning", "readings", str(name), told, "Convert them before they are compared")
            continue
        odd = rows.filter((pl.col("value") < known.low) | (pl.col("value") > known.high))
        if len(odd):
            what = f"{len(odd)} of {len(rows)} values lie outside {known.low:g} to {known.high:g} {known.unit}"
            yield Finding("warning", "readings", str(name), what, "Look at their unit and at the instrument")


def _repeats(readings: pl.DataFrame) -> Iterator[Finding]:
    """Several values of one quantity for one person at one moment."""
    key = ["person", "quantity", "method", "visit", "day", "time"]
    timed = readings.filter(pl.col("day").is_not_null() | pl.col("time").is_not_null() | pl.col("visit").is_not_null())
    twice = timed.filter(timed.select(key).is_duplicated())
    if len(twice):
        told = ", ".join(twice["quantity"].unique(maintain_order=True).to_list()[:5])
        what = f"{len(twice)} values share person, method and moment with another ({told})"
        yield Finding("warning", "readings", "", what, "See whether they are replicates, and say so in `method`")


def _visits(study: Study) -> Iterator[Finding]:
    """Visits that some people have and others lack; only where visits are few enough to be planned."""
    visits = study.visits
    people, names = visits["person"].n_unique(), visits["visit"].unique(maintain_order=True).to_list()
    if people < 2 or len(names) > 20:
        return
    counts = visits.group_by("visit").len()
    for name, count in counts.sort("visit").iter_rows():
        if count < people:
            yield Finding("note", "visits", f"visit {name}", f"{people - count} of {people} people lack it")


def _samples(study: Study) -> Iterator[Finding]:
    """Samples that are empty or shallow."""
    if study.abundances.is_empty():
        return
    totals = study.abundances.group_by("sample", "unit").agg(pl.col("value").sum().alias("total"))
    empty = study.samples.join(totals, on="sample", how="anti")
    if len(empty):
        what = f"{len(empty)} of {len(study.samples)} samples have no abundances"
        mend = "They may have failed, or names differ"
        yield Finding("warning", "samples", f"first {empty['sample'][0]}", what, mend)
    few = totals.filter((pl.col("unit") == "count") & (pl.col("total") < FEW_READS)).sort("total")
    if len(few):
        what = f"{len(few)} samples hold fewer than {FEW_READS} counts, the least {few['total'][0]:g}"
        mend = "What they lack says little; leave them out or model their depth"
        yield Finding("warning", "abundances", f"first {few['sample'][0]}", what, mend)


def _features(study: Study) -> Iterator[Finding]:
    """Taxa that belong to no group of the model."""
    taxon = study.features.filter(pl.col("kind") == "taxon")
    if taxon.is_empty() or study.abundances.is_empty():
        return
    names = taxon["feature"].to_list()
    lineages = _lineages(taxon)
    table = taxa.assign(names, lineages or None)
    mapped = set(table.filter(pl.col("group").is_in(list(taxa.GROUPS)))["taxon"].to_list())
    sums = study.abundances.join(taxon.select("feature"), on="feature", how="semi").group_by("feature").agg(
        pl.col("value").sum()
    )  # fmt: skip
    total = float(sums["value"].sum()) or 1.0
    lost = sums.filter(~pl.col("feature").is_in(list(mapped))).sort("value", descending=True)
    share = 1 - float(lost["value"].sum()) / total
    what = f"{share:.1%} of the abundance has a taxon that belongs to one of the model's groups"
    if len(lost):
        named = lost.head(3).join(taxon, on="feature", how="left", maintain_order="left")
        largest = named.select(pl.coalesce("name", "feature")).to_series().to_list()
        what += f"; largest of {len(lost)} others: {', '.join(largest)}"
    yield Finding("note" if share >= MAPPED else "warning", "features", "", what)


def _lineages(taxon: pl.DataFrame) -> dict[str, str]:
    marks = dict(zip(RANKS, "kpcofgs", strict=True))
    made = {}
    for row in taxon.iter_rows(named=True):
        parts = [f"{marks[rank]}__{row[rank]}" for rank in RANKS if row[rank]]
        if parts:
            made[row["feature"]] = ";".join(parts)
    return made


def _answers(answers: pl.DataFrame, forms: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Missing items, impossible and implausible answers, and answers that ask for attention."""
    for (name,), rows in answers.group_by("form", maintain_order=True):
        try:
            form = find(str(name))
        except InputError:
            continue  # a diary, or a form that is not scored here
        asked = dict(forms.get(str(name), {}))
        try:
            odd = patterns(rows, form.name, **{k: v for k, v in asked.items() if k == "coding"})
        except InputError as error:
            yield Finding("error", "answers", form.name, error.what, error.mend)
            continue
        for (what,), some in odd.group_by("what", maintain_order=True):
            told = f"{len(some)} times: {what}"
            if str(what).startswith(SAFETY):
                where = f"{form.name}, item {form.safety_item}"
                yield Finding("error", "answers", where, told, "Follow the safety plan of the study")
            else:
                yield Finding("warning", "answers", form.name, told, "Look at these sheets before scores are used")


def _beats(beats: pl.DataFrame) -> Iterator[Finding]:
    for (person, recording), rows in beats.group_by("person", "recording", maintain_order=True):
        odd = rows.filter((pl.col("rr") < SHORTEST) | (pl.col("rr") > LONGEST))
        if len(odd):
            what = f"{len(odd)} of {len(rows)} intervals lie outside {SHORTEST:g} to {LONGEST:g} ms"
            mend = "They are corrected before any variability"
            yield Finding("warning", "beats", f"{person}, recording {recording}", what, mend)
