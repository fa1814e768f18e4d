"""Steps on the change of persons: volatility, first distances and differences."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field, field_validator

from gutbrain.analyse.communities.distances import METRICS, distances
from gutbrain.analyse.named_outcomes import of_one_unit, outcome_of
from gutbrain.analyse.persons.first_distances import REPLICATES, TO, first_differences, first_distances
from gutbrain.analyse.persons.volatility import person_means, volatility
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.analyse.steps.answered import ReliableChange, Responders
from gutbrain.analyse.steps.people_compared import as_findings, compared, group_column, told_tests, with_group
from gutbrain.study.part import Finding

__all__ = ["FirstDistances", "ReliableChange", "Responders", "Volatility"]
COLUMNS = ["person", "arm", "from_visit", "to_visit", "from_day", "to_day", "distance", "per_day"]
UNEQUAL = 2.0  # longest over shortest gap, from which it is said
UNIT = "Aitchison distance"
# UniFrac needs a tree, which this step does not read.
WITHOUT_TREE = tuple(name for name in METRICS if "unifrac" not in name)


class _Paired(Step):
    """Options of steps that pair occasions of a person."""

    to: str = Field(
        default="previous",
        description="previous: the last occasion that the person has; adjacent: the visit just before in the order of "
        "the design; baseline: the first visit",
    )
    replicates: str = Field(
        default="first", description="several samples of a person, visit and day: first, drop or refuse"
    )
    group: str = Field(default="", description="column of people that are compared; empty: the arm of the design")
    permutations: int = Field(default=9999, ge=0, description="of people between groups; 0: none")

    @field_validator("to", "replicates")
    @classmethod
    def _known(cls, value: str, info: Any) -> str:
        names = TO if info.field_name == "to" else REPLICATES
        if value not in names:
            raise ValueError(f"{value!r} is not known; known are {', '.join(names)}")
        return value


class Volatility(_Paired):
    """How far each person's microbiome moves from occasion to occasion (Bastiaanssen 2021)."""

    kind: Literal["volatility"] = "volatility"

    def run(self, given: Given) -> Done:
        """Compute distances within people, their means, and differences between groups."""
        name = self.name or self.kind
        group = group_column(given, self.group)
        made = volatility(given.community(), self.to, self.replicates)
        required(len(made.table) > 0, "nobody has two samples at different occasions", "Volatility needs two a person")
        table = with_group(given, made.table, group)
        rows, methods, notes = compared(given, table, "distance", "volatility", UNIT, group, name, self.permutations)
        people = with_group(given, person_means(made.table, confidence=given.design.confidence), group)
        notes = [*as_findings(name, "samples", made.notes), *notes, *_gap_notes(name, table)]
        tables = {"distances": table.select(COLUMNS), "people": people, "comparisons": methods}
        middle = float(table["distance"].median() or 0)  # type: ignore[arg-type]
        said = [
            f"Volatility is the Euclidean distance of centred log ratios within a person ({self.to} occasion): "
            f"{len(table)} pairs of {len(people)} people, median {middle:.3g}.",
            *told_tests(rows, given.design.confidence),
        ]
        return Done(tables, tested(rows) if rows else Done().tested, tuple(notes), tuple(said))

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return one step where people gave several samples with taxa."""
        return [cls()] if _come_again(given) else []


class FirstDistances(_Paired):
    """How far each person has come since the previous occasion or the baseline, in distance or in an outcome."""

    kind: Literal["first_distances"] = "first_distances"
    metrics: list[str] = Field(default=["bray-curtis"], description=f"of taxa: {', '.join(WITHOUT_TREE)}; may be empty")
    outcomes: list[str] = Field(default=[], description="outcomes whose differences are taken as well")

    @field_validator("metrics")
    @classmethod
    def _metrics(cls, metrics: list[str]) -> list[str]:
        for metric in metrics:
            if metric not in WITHOUT_TREE:
                raise ValueError(f"{metric!r} is no metric; known are {', '.join(WITHOUT_TREE)}")
        return metrics

    def run(self, given: Given) -> Done:
        """Pair the occasions, and compare groups of people."""
        name = self.name or self.kind
        required(bool(self.metrics or self.outcomes), "neither a metric nor an outcome is named")
        group = group_column(given, self.group)
        rows: list[dict[str, Any]] = []
        notes: list[Finding] = []
        parts: dict[str, list[pl.DataFrame]] = {"distances": [], "differences": [], "comparisons": []}
        for metric in self.metrics:
            community = given.community()
            made = first_distances(distances(community, metric).values, community.samples, self.to, self.replicates)
            if made.table.is_empty():
                notes.append(Finding("warning", name, metric, "nobody has two samples at different occasions"))
                continue
            table = with_group(given, made.table, group)
            told, methods, more = compared(given, table, "distance", metric, "distance", group, name, self.permutations)
            parts["distances"].append(table.select(pl.lit(metric).alias("metric"), *COLUMNS))
            _add(rows, notes, parts, told, methods, [*as_findings(name, metric, made.notes), *more])
            notes += _gap_notes(name, table)
        for outcome in self.outcomes:
            values, unit, others = of_one_unit(outcome_of(given, outcome))
            if others:
                what = f"values in {', '.join(others)} left out, {unit} kept"
                notes.append(Finding("warning", name, outcome, what))
            made = first_differences(values, "value", self.to, self.replicates)
            if made.table.is_empty():
                notes.append(Finding("warning", name, outcome, "nobody has values at two occasions"))
                continue
            table = with_group(given, made.table, group)
            told, methods, more = compared(given, table, "difference", outcome, unit, group, name, self.permutations)
            columns = [column if column != "distance" else "difference" for column in COLUMNS]
            parts["differences"].append(table.select(pl.lit(outcome).alias("outcome"), *columns))
            _add(rows, notes, parts, told, methods, [*as_findings(name, outcome, made.notes), *more])
        tables = {key: pl.concat(found, how="vertical_relaxed") for key, found in parts.items() if found}
        pairs = sum(len(found) for key in ("distances", "differences") for found in parts[key])
        required(pairs > 0, "nobody has two occasions", "First distances need two a person")
        counted = ", ".join(f"{len(table)} {key}" for key, table in tables.items() if key != "comparisons")
        middles = [
            f"{what} median {middle:.3g}"
            for key, column in (("distances", "metric"), ("differences", "outcome"))
            if key in tables
            for what, middle in tables[key].group_by(column, maintain_order=True).agg(pl.col(key[:-1]).median()).rows()
        ]
        said = [
            f"Each person was compared with its own {self.to} occasion: {counted} ({', '.join(middles)}).",
            *told_tests(rows, given.design.confidence),
        ]
        return Done(tables, tested(rows) if rows else Done().tested, tuple(notes), tuple(said))

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return the distance from the baseline where people gave three samples or more, with visits in order."""
        most = given.study.samples.group_by("person").len()["len"].max() or 0
        return [cls(to="baseline")] if _come_again(given) and most > 2 and given.design.visits else []  # type: ignore[operator]


def _add(rows: list[dict[str, Any]], notes: list[Finding], parts: dict[str, list[pl.DataFrame]],
         told: list[dict[str, Any]], methods: pl.DataFrame, more: list[Finding]) -> None:  # fmt: skip
    rows += told
    notes += more
    if len(methods):
        parts["comparisons"].append(methods)


def _gap_notes(name: str, table: pl.DataFrame) -> list[Finding]:
    """Say how unequal the gaps are: what lies further apart in time differs more."""
    gaps = (table["to_day"] - table["from_day"]).drop_nulls()
    gaps = gaps.filter(gaps > 0)
    if gaps.len() < len(table):
        what = f"the days between are not known for {len(table) - gaps.len()} of {len(table)} pairs: no rate a day"
        return [Finding("note", name, "day", what)]
    low, high = float(gaps.min()), float(gaps.max())  # type: ignore[arg-type]
    if high <= UNEQUAL * low:
        return []
    what = f"gaps run from {low:.3g} to {high:.3g} days: longer gaps give larger distances"
    return [Finding("warning", name, "day", what, "Compare groups of equal gaps, or read `per_day` beside `distance`")]


def _come_again(given: Given) -> bool:
    samples = given.study.samples
    if samples.is_empty() or given.study.abundances.is_empty():
        return False
    taxa = given.study.features.filter(pl.col("kind") == "taxon")
    known = given.design.visits
    if known:
        samples = samples.filter(pl.col("visit").is_in(known))
    ordered = bool(known) or samples["day"].null_count() == 0
    return bool(len(taxa)) and ordered and bool(samples["person"].is_duplicated().any())
