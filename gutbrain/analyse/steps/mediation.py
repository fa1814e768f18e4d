"""The step on mediation: through what a source acts on an outcome, and how easily that could be explained away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from gutbrain.analyse.named_outcomes import outcome_of
from gutbrain.analyse.paths.compositional_mediation import COMPOSITION, compositional_mediation
from gutbrain.analyse.paths.mediation import INDIRECT, mediation
from gutbrain.analyse.paths.mediation_said import sentences
from gutbrain.analyse.paths.repeated_mediation import repeated_mediation
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.errors import InputError
from gutbrain.observe.questionnaires import find
from gutbrain.study.part import Finding

REVERSED = "reversed"
# Tests that are corrected apart from those of mediation itself.
SINGLE, AT_ONE, TAXA, DISTANCES = (
    "single paths", "indirect at one value of the source", "taxa one by one", "single distances"
)  # fmt: skip
GUT = ("stool", "gut")  # what quantities of the gut are called, before the dot
MIND = ("mind",)
SUGGESTED = 3  # mediators at most
VARIED = 4  # different values that a mediator or an outcome must have to be suggested


class Mediation(Step):
    """How much of what a source does to an outcome goes through a mediator."""

    kind: Literal["mediation"] = "mediation"
    source: str = Field(default="", description="column or quantity that comes first; empty: the arms")
    mediators: list[str] = Field(
        default=[], description="quantities, `clr: taxon`, `balance: A, B / C, D` and so on, or composition"
    )
    outcome: str = Field(default="", description="quantity that comes last")
    model: Literal["single", "repeated", "compositional"] = Field(
        default="single", description="single: one row a person; repeated: within people seen often; compositional: "
        "all taxa together, as the mediator composition",
    )  # fmt: skip
    both_directions: bool = Field(default=True, description="with mediator and outcome exchanged, too")
    mediator_visit: str = Field(default="", description="visit of the mediator; empty: the last")
    outcome_visit: str = Field(default="", description="visit of the outcome; empty: the last")
    baseline: bool = Field(default=True, description="first values of mediator and outcome as covariates")
    interaction: bool = Field(default=False, description="the mediator may count differently at another source")
    interval: Literal["product", "percentile", "bca"] = Field(default="product", description="of indirect effects")
    lagged: bool = Field(default=False, description="repeated: the outcome of the next occasion, given that of this")
    random: Literal["auto", "intercepts", "slopes"] = Field(default="auto", description="repeated: what differs")
    taxa: Literal["auto", "log ratios", "balances"] = Field(
        default="auto", description="compositional: all taxa in one model, or balances learned in halves"
    )
    draws: int = Field(default=5000, ge=100, description="resampled data sets, or draws of coefficients")
    permutations: int = Field(default=999, ge=19, description="compositional: of the test on distances")

    def run(self, given: Given) -> Done:
        """Fit each mediator, in both directions where asked."""
        source = self.source or given.design.arm
        mediators = list(dict.fromkeys([COMPOSITION] if self.model == "compositional" else self.mediators))
        required(bool(source), "no source of mediation is named", "Name it as `source`, or an arm in the design")
        required(bool(mediators), "no mediator is named", "Name quantities as `mediators`, or composition")
        required(bool(self.outcome), "no outcome of mediation is named", "Name a quantity as `outcome`")
        name = self.name or self.kind
        tables: dict[str, list[pl.DataFrame]] = {}
        notes: list[Finding] = []
        rows: list[dict[str, Any]] = []
        failed: InputError | None = None
        for mediator in mediators:
            pairs = [(mediator, self.outcome)]
            if self.both_directions and mediator != COMPOSITION:
                pairs.append((self.outcome, mediator))
            for number, (one, other) in enumerate(pairs):
                model = ("compositional" if one == COMPOSITION else self.model) + (f", {REVERSED}" if number else "")
                try:
                    made, told = self._fit(given, source, one, other)
                except InputError as error:
                    failed = failed or error
                    what = error.what if number == 0 else f"with mediator and outcome exchanged: {error.what}"
                    notes.append(Finding("warning", name, one, what, error.mend))
                    continue
                notes += [Finding("note", name, f"{model}: {one}", text) for text in dict.fromkeys(told)]
                for key, table in made.items():
                    tables.setdefault(key, []).append(table.select(pl.lit(model).alias("model"), pl.all()))
                rows += _rows(made, model, other)
        if not tables:
            raise failed or InputError("nothing could be fitted")
        whole = {key: pl.concat(parts, how="diagonal") for key, parts in tables.items()}
        small = whole.pop("people")
        people = int(np.max(small["people"].to_numpy()))
        before, after = self._visits(given)
        timed = self.lagged if self.model == "repeated" else before != after
        said = sentences(whole, people, given.design.confidence, self.model == "repeated", timed)
        rows.sort(key=lambda row: row.get("part") is not None)  # what the step is about stands first
        return Done(whole, tested(rows), tuple(notes), said)

    def _fit(self, given: Given, source: str, mediator: str, outcome: str) -> tuple[dict[str, pl.DataFrame], list[str]]:
        confidence = given.design.confidence
        generator = given.generator(f"{self.name or self.kind} {mediator} {outcome}")
        if mediator == COMPOSITION:
            table, values, features, covariates, told = self._composition(given, source, outcome)
            found = compositional_mediation(
                table, values, features, source, outcome, covariates, method=self.taxa, confidence=confidence,
                draws=self.draws, permutations=self.permutations, generator=generator,
            )  # fmt: skip
            made = {"taxa": found.taxa, "tests": found.tests}
            result: Any = found
        elif self.model == "repeated":
            table, told = _occasions(given, source, mediator, outcome)
            result = repeated_mediation(
                table, source, mediator, outcome, _known(given, table, source), order="order", lagged=self.lagged,
                random=self.random, confidence=confidence, draws=self.draws, generator=generator,
            )  # fmt: skip
            made = {}
        else:
            table, covariates, told = self._people(given, source, mediator, outcome)
            result = mediation(
                table, source, mediator, outcome, covariates, interaction=self.interaction, interval=self.interval,
                confidence=confidence, draws=self.draws, generator=generator,
            )  # fmt: skip
            made = {}
        people = pl.DataFrame({"people": [result.people], "rows": [getattr(result, "rows", 0) or result.people]})
        units = _units(given, table, source, mediator, outcome)
        paths = result.paths.with_columns(pl.col("path").map_elements(units, pl.String).alias("unit"))
        made |= {
            "paths": paths, "sensitivity": result.sensitivity, "robustness": result.robustness, "people": people
        }  # fmt: skip
        return made, [*told, *result.notes]

    def _visits(self, given: Given) -> tuple[str, str]:
        """Return the visits of mediator and outcome, whichever these are; "" where the study has none."""
        known = given.design.visits
        for visit in (self.mediator_visit, self.outcome_visit):
            if visit and visit not in known:
                mend = f"It has {', '.join(known) or 'none'}"
                raise InputError(f"the design has no visit {visit!r}", field="visits", mend=mend)
        last = known[-1] if known else ""
        made = self.mediator_visit or last, self.outcome_visit or last
        if known and known.index(made[0]) > known.index(made[1]):
            what = f"the outcome at {made[1]} was taken before the mediator at {made[0]}"
            raise InputError(what, field="visits", mend="Name an outcome_visit that is no earlier")
        return made

    def _people(
        self, given: Given, source: str, mediator: str, outcome: str
    ) -> tuple[pl.DataFrame, list[str], list[str]]:
        """Return one row a person with source, mediator and outcome, and their values before; and the covariates."""
        visits = dict(zip((mediator, outcome), self._visits(given), strict=True))
        told: list[str] = []
        table = _at(given, outcome, visits[outcome], told)
        table = table.join(_at(given, mediator, visits[mediator], told).select("person", mediator), on="person")
        covariates = _known(given, table, source)
        first = given.design.visits[0] if given.design.visits else ""
        for name in (mediator, outcome):
            if not self.baseline or not first or visits[name] == first:
                continue
            try:
                before = _at(given, name, first, told).select("person", pl.col(name).alias(f"{name}, before"))
            except InputError:
                told.append(f"{name} has no value at {first}: it is not a covariate")
                continue
            if before[f"{name}, before"].n_unique() > 1:
                table = table.join(before, on="person", how="left")
                covariates.append(f"{name}, before")
        return _with_source(given, table, source, visits[mediator], told), covariates, told

    def _composition(
        self, given: Given, source: str, outcome: str
    ) -> tuple[pl.DataFrame, np.ndarray, list[str], list[str], list[str]]:
        """Return one row a person, the amounts of taxa in these rows, their names, and the covariates."""
        mediator_visit, outcome_visit = self._visits(given)
        told: list[str] = []
        community = given.community(visits=[mediator_visit] if mediator_visit else ())
        required(len(community) > 0, f"no sample is of the visit {mediator_visit!r}")
        community = community.prevalent(given.design.prevalence)
        community = community.keep(community.values.sum(axis=1) > 0)
        samples = community.samples.select("person").with_row_index("at").drop_nulls("person")
        one = samples.unique("person", keep="first", maintain_order=True)
        if len(one) < len(samples):
            told.append(f"{len(samples) - len(one)} further samples of the same people were left out")
        table = _at(given, outcome, outcome_visit, told).join(one, on="person")
        required(len(table) > 0, f"nobody has both a sample and {outcome!r}")
        covariates = _known(given, table, source)
        first = given.design.visits[0] if given.design.visits else ""
        if self.baseline and first and outcome_visit != first:
            before = _at(given, outcome, first, told).select("person", pl.col(outcome).alias(f"{outcome}, before"))
            if before[f"{outcome}, before"].n_unique() > 1:
                table = table.join(before, on="person", how="left", maintain_order="left")
                covariates.append(f"{outcome}, before")
        table = _with_source(given, table, source, mediator_visit, told)
        return table, community.values[table["at"].to_numpy()], community.names, covariates, told

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return one step, from the arms through the gut to the first quantity of the mind, if there are such."""
        arm, people = given.design.arm, given.study.people
        if not arm or arm not in people.columns or people[arm].drop_nulls().n_unique() < 2:
            return []
        found = given.outcomes.filter(pl.col("value").n_unique().over("quantity") >= VARIED)
        names = found["quantity"].value_counts(sort=True)["quantity"].to_list()
        mind = [name for name in names if _of_mind(name.split(".")[0])]
        gut = [name for name in names if name.split(".")[0] in GUT][:SUGGESTED]
        if not gut and not given.study.abundances.is_empty():
            gut = ["diversity: shannon"]
        return [cls(mediators=gut, outcome=mind[0])] if mind and gut else []


def _rows(made: dict[str, pl.DataFrame], model: str, outcome: str) -> list[dict[str, Any]]:
    """Return a row for everything that was tested: indirect effects and the composition first, the rest in parts."""
    people, count = made["people"].row(0)
    counts = {"people": people, "rows": count}
    rows: list[dict[str, Any]] = []
    for row in made["paths"].filter(pl.col("p").is_not_null()).iter_rows(named=True):
        path, part = row["path"], None
        if not path.startswith("indirect"):
            part = SINGLE
        elif path in INDIRECT and path != "indirect":
            part = AT_ONE
        what = f"{row['mediator']} -> {row['outcome']}"
        rows.append({**row, **counts, "what": what, "term": f"{row['source']}: {path} ({model})", "part": part})
    units = dict(made["paths"].filter(pl.col("path") == "indirect").select("source", "unit").iter_rows())
    for row in made["tests"].iter_rows(named=True) if "tests" in made else ():
        best = row["distance"] == "omnibus"
        of = "any mediation" if best else f"any mediation, {row['distance']}"
        rows.append(
            {"what": f"{COMPOSITION} -> {outcome}", "term": f"{row['source']}: {of}", "p": row["p"], **counts,
             "statistic": row["statistic"], "part": None if best else DISTANCES,
             "method": "permutations on distances, the larger p of both paths"}
        )  # fmt: skip
    for row in made["taxa"].iter_rows(named=True) if "taxa" in made else ():
        rows.append(
            {"what": f"{row['feature']} -> {outcome}", "term": f"{row['source']}: indirect, this taxon alone",
             "estimate": row["indirect"], "low": row["indirect_low"], "high": row["indirect_high"], "p": row["p"],
             "unit": units[row["source"]], **counts, "part": TAXA,
             "method": "centred log-ratio (base e) as the only mediator; distribution of the product; p of joint "
             "significance"}
        )  # fmt: skip
    return rows


def _units(given: Given, table: pl.DataFrame, source: str, mediator: str, outcome: str) -> Callable[[str], str]:
    """Return the unit of a path by its name: of what it leads to, per unit of where it begins."""

    def unit(name: str) -> str:
        return str(outcome_of(given, name)["unit"][0] or f"unit of {name}")

    numeric = table.schema[source].is_numeric()
    known = source in given.outcomes["quantity"]
    per = f" per {unit(source) if known else f'unit of {source}'}" if numeric else ""
    to = unit(outcome)
    of = "" if mediator == COMPOSITION else unit(mediator)
    special = {"a": of + per, "b": f"{to} per {of}", "interaction": f"{to} per {of}{per}", "proportion": "of the total"}
    return lambda path: special.get(path.removesuffix(", between people"), to + per)


def _at(given: Given, name: str, visit: str, told: list[str]) -> pl.DataFrame:
    """Return one row a person: person, covariates and the value under its name."""
    table = outcome_of(given, name).filter(pl.col("value").is_not_null() & pl.col("person").is_not_null())
    if visit:
        table = table.filter(pl.col("visit").cast(pl.String) == visit)
    if table.is_empty():
        raise InputError(f"{name!r} has no value" + (f" at {visit}" if visit else ""), field=name)
    others = [column for column in table.columns if column not in ("person", "value", "unit", "visit", "day")]
    made = table.group_by("person", maintain_order=True).agg(
        pl.col("value").median().alias(name), *(pl.col(column).first() for column in others if column != name)
    )
    if len(made) < len(table):
        told.append(f"{name}: {len(table)} values of {len(made)} people, of each the median")
    return made


def _with_source(given: Given, table: pl.DataFrame, source: str, visit: str, told: list[str]) -> pl.DataFrame:
    if source in table.columns:
        return table
    try:
        values = _at(given, source, visit, told).select("person", source)
    except InputError as error:
        known = ", ".join([*given.study.people.columns[1:], *given.outcomes["quantity"].unique().sort().to_list()][:40])
        what = f"the source {source!r} is neither a covariate nor an outcome with values here"
        raise InputError(what, field="source", mend=f"Known are {known}") from error
    return table.join(values, on="person", maintain_order="left")


def _of_mind(form: str) -> bool:
    """Say whether a quantity whose name begins so is of the mind: called so, or the score of a known form."""
    try:
        return form in MIND or bool(find(form))
    except InputError:
        return False


def _known(given: Given, table: pl.DataFrame, source: str) -> list[str]:
    for name in given.design.adjust:
        required(name in table.columns, f"no covariate {name!r} to adjust for", "Look at the design")
    return [name for name in given.design.adjust if name != source]


def _occasions(given: Given, source: str, mediator: str, outcome: str) -> tuple[pl.DataFrame, list[str]]:
    """Return one row a person and occasion, with `order`: the place of the visit, or the day."""
    parts = [outcome_of(given, name) for name in (outcome, mediator)]
    keys = ["person", "visit"] if all(part["visit"].null_count() == 0 for part in parts) else ["person", "day"]
    table = parts[0].rename({"value": outcome})
    joined = [(mediator, parts[1])]
    if source not in table.columns:
        joined.append((source, outcome_of(given, source)))
    for name, part in joined:
        part = part.select(*keys, pl.col("value").alias(name)).drop_nulls()
        table = table.join(part.unique(keys, keep="first", maintain_order=True), on=keys, maintain_order="left")
    by_visit = keys[1] == "visit" and isinstance(table.schema["visit"], pl.Enum)
    order = pl.col("visit").to_physical() if by_visit else pl.col("day")
    table = table.with_columns(order.cast(pl.Float64).alias("order"))
    required(len(table) > 0, f"{mediator!r} and {outcome!r} were never taken at the same {keys[1]}")
    return table, []
