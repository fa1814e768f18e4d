"""The step on microbes and metabolites that a map of knowledge links."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from gutbrain.analyse.formula import quoted
from gutbrain.analyse.function.association import DISJOINTED, EMERGENT, FULL, SLOPE, associate, linked, read_map
from gutbrain.analyse.models.effects import log_ratios
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

OCCASION = "occasion"


class Association(Step):
    """Microbes and metabolites tested in the pairs of a map: slope, slope by arm, strength by arm."""

    kind: Literal["association"] = "association"
    map: str = Field(default="", description="CSV with columns microbe, metabolite, link, why; names may hold * and ?")
    metabolites: list[str] = Field(default=["*"], description="outcomes (or features) that count as metabolites")
    source: Literal["outcomes", "other", "gene", "pathway"] = Field(
        default="outcomes", description="outcomes of the study, or abundances of this kind"
    )
    scale: Literal["none", "log2"] = Field(default="none", description="of the metabolites; log2 needs values above 0")
    by_arm: bool = Field(default=True, description="also test whether slope and strength differ between arms")
    permutations: int = Field(default=999, ge=0, le=100_000, description="for the strength by arm; 0: not tested")

    def run(self, given: Given) -> Done:
        """Do the analysis."""
        required(bool(self.map), "no map is named", 'Give map = "map.csv" with columns microbe, metabolite')
        known = read_map(given.file(self.map))
        held, units = self._metabolites(given)
        community = given.community("taxon")
        common = community.prevalent(given.design.prevalence)
        required(len(common.names) > 1, "fewer than two taxa are common enough", "Lower design.prevalence")
        some = common.values.sum(axis=1) > 0
        common = common.keep(some)
        names = [name for name in held.columns if name not in ("person", OCCASION)]
        pairs = linked(known, community.features, names)
        kept = pairs.table.filter(pl.col("microbe").is_in(common.names))
        rare = len(pairs.table) - len(kept)
        required(
            len(kept) > 0, f"all {rare} pairs of the map have a microbe that is too rare", "Lower design.prevalence"
        )
        microbes = kept["microbe"].unique(maintain_order=True).to_list()
        ratios = log_ratios(common.values)[:, [common.names.index(name) for name in microbes]]
        samples = _occasions(common.samples).with_columns(
            pl.Series(f"microbe: {name}", ratios[:, number]) for number, name in enumerate(microbes)
        )
        columns = [f"microbe: {name}" for name in microbes]
        # Several samples of one occasion are one: else a single reading would count several times.
        samples = samples.group_by("person", OCCASION, maintain_order=True).agg(
            pl.exclude(*columns).first(), pl.col(columns).mean()
        )
        table = samples.join(held, on=["person", OCCASION], how="inner", maintain_order="left")
        mend = "Samples and metabolites are matched by person and visit (or day)"
        required(len(table) > 0, "no sample has a metabolite of the same person and visit", mend)
        table = table.rename({name: f"metabolite: {name}" for name in names})
        arm = given.design.arm if self.by_arm else ""
        arm = arm if arm in table.columns and table[arm].drop_nulls().n_unique() > 1 else ""
        visits = bool(given.design.visits) and table["visit"].drop_nulls().n_unique() > 1
        formula = given.formula("visit" if visits else "")
        if not self.by_arm and given.design.arm in table.columns and table[given.design.arm].n_unique() > 1:
            formula += f" + {quoted(given.design.arm)}"
        found = associate(
            table, kept, formula, arm, units, given.design.confidence, self.permutations,
            given.generator(self.name or self.kind),
        )  # fmt: skip
        notes = self._notes(pairs.unmatched, rare)
        rows = found.with_columns(
            pl.format("{} with {}", "metabolite", "microbe").alias("what"),
            pl.when(pl.col("test") == EMERGENT)
            .then(pl.format("strength by {}", "term"))
            .otherwise("term")
            .alias("term"),
            pl.concat_str([pl.lit("centred log-ratio"), pl.col("method")], separator="; ", ignore_nulls=True).alias(
                "method"
            ),
            pl.when(pl.col("test") != SLOPE).then("test").alias("part"),
        )
        tables = {"associations": found, "unmatched": pairs.unmatched}
        return Done(tables, tested(rows), notes, _said(found, len(kept), len(common.names) * len(names) - len(kept)))

    def _metabolites(self, given: Given) -> tuple[pl.DataFrame, dict[str, str]]:
        """Return person, occasion and a column for each metabolite, with their units."""
        if self.source == "outcomes":
            long = _occasions(given.ordered(given.outcomes)).select("person", OCCASION, "quantity", "value", "unit")
        else:
            made = given.community(self.source)
            sample, column = np.indices(made.values.shape).reshape(2, -1)
            where = _occasions(made.samples).select("person", OCCASION)[sample.tolist()]
            long = where.with_columns(
                pl.Series("quantity", [made.names[number] for number in column], dtype=pl.String),
                pl.Series("value", made.values.ravel()), pl.lit(made.unit).alias("unit"),
            )  # fmt: skip
        wanted = [name for name in long["quantity"].unique(maintain_order=True).to_list()
                  if any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.metabolites)]  # fmt: skip
        if not wanted:
            seen = ", ".join(long["quantity"].unique(maintain_order=True).head(20).to_list()) or "none"
            raise InputError(
                f"nothing is called {', '.join(self.metabolites)}", field="metabolites", mend=f"Known: {seen}"
            )
        long = long.filter(pl.col("quantity").is_in(wanted), pl.col("person").is_not_null())
        several = long.group_by("quantity").agg(pl.col("unit").n_unique().alias("n")).filter(pl.col("n") > 1)
        if len(several):
            name = several["quantity"][0]
            raise InputError(f"{name} stands in several units", field="metabolites", mend="Bring it to one unit")
        units = dict(long.select("quantity", "unit").unique("quantity").iter_rows())
        if self.scale == "log2":
            low = long.filter(pl.col("value") <= 0)
            if len(low):
                what = f"{low['quantity'][0]} has values of 0 or below, which have no logarithm"
                raise InputError(what, field="scale", mend='Use scale = "none"')
            long = long.with_columns(pl.col("value").log(2))
            units = {name: f"log2 {unit}" for name, unit in units.items()}
        keys = ["person", OCCASION]
        return long.pivot(on="quantity", index=keys, values="value", aggregate_function="median"), units

    def _notes(self, unmatched: pl.DataFrame, rare: int) -> tuple[Finding, ...]:
        name, notes = self.name or self.kind, []
        if len(unmatched):
            first = unmatched.row(0, named=True)
            what = f"{len(unmatched)} rows of the map match nothing, first row {first['row']} ({first['missing']})"
            notes.append(Finding("note", name, self.map.rsplit("/", 1)[-1], what, "See the table of unmatched rows"))
        if rare:
            what = f"{rare} pairs of the map were not tested: their microbe is too rare"
            notes.append(Finding("note", name, "", what, "design.prevalence decides"))
        return tuple(notes)


def _occasions(table: pl.DataFrame) -> pl.DataFrame:
    """Name what joins samples and outcomes of one person: the visit, else the whole day, else once."""
    visit = pl.format("visit {}", pl.col("visit").cast(pl.String))
    day = pl.format("day {}", pl.col("day").floor().cast(pl.Int64))
    return table.with_columns(pl.coalesce(visit, day, pl.lit("once")).alias(OCCASION))


def _said(found: pl.DataFrame, pairs: int, spared: int) -> tuple[str, ...]:
    slopes = found.filter((pl.col("test") == SLOPE) & pl.col("p").is_not_null())
    told = f"The map links {pairs} pairs of a microbe and a metabolite; {spared} others were not tested."
    if slopes.is_empty():
        return (told, "No pair could be tested.")
    first = slopes.sort("p").row(0, named=True)
    kinds = {
        kind: (int((part["q"] < 0.05).sum()), int(part["p"].is_not_null().sum()))
        for kind in (SLOPE, FULL, DISJOINTED, EMERGENT) for part in [found.filter(pl.col("test") == kind)] if len(part)
    }  # fmt: skip
    counts = "; ".join(f"{kind}: {hits} of {tests}" for kind, (hits, tests) in kinds.items())
    return (
        told,
        f"Pairs with q < 0.05 within the map: {counts}. Smallest p {first['p']:.2g}: {first['metabolite']} with "
        f"{first['microbe']}, {first['estimate']:+.3g} {first['unit']} ({first['low']:.3g} to {first['high']:.3g}). "
        "An association does not say which of the two drives the other.",
    )
