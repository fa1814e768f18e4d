"""The step on taxa: which of them change or differ, by several defensible choices side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from gutbrain.analyse.community import Community
from gutbrain.analyse.formula import INTERCEPT, model_matrix, quoted
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.analyse.steps.predictors import PERIOD, TERMS_OVER_TIME, over_time, per_unit, with_outcomes
from gutbrain.analyse.taxa.agreement import (
    DEPENDS,
    LEADING,
    ROBUST,
    agreement,
    all_choices,
    known_choices,
    usual_choices,
)
from gutbrain.analyse.taxa.ancom import structural_zeros
from gutbrain.analyse.taxa.linda import Linda, linda
from gutbrain.analyse.taxa.taxon_models import SIGNIFICANT
from gutbrain.analyse.taxa.zeros import WINSOR, normalised
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

FEW_PEOPLE = 10  # people of the smallest arm, or of all where there are no arms, below which the reader is warned
NAMED = 8  # taxa that a sentence names
DRAWN = "clr_smallest"  # values of the heat map: its zeros need no counts


class Taxa(Step):
    """Taxa tested one by one: LinDA first, and the same model by other choices beside it."""

    kind: Literal["taxa"] = "taxa"
    terms: str = Field(default="", description=TERMS_OVER_TIME)
    test: list[str] = Field(
        default=[], description="terms whose columns are tested, as arm:visit; empty: the highest of arm and time"
    )
    choices: list[str] = Field(
        default=[], description=f"{', '.join(known_choices())}; the first is told as the result; empty: what suits"
    )
    rank: str = Field(default="", description="taxa are summed to this rank; empty: that of the design")
    visits: list[str] = Field(default=[], description="samples of these visits only; empty: all of the design")
    prevalence: float = Field(
        default=-1.0, ge=-1, le=1, description="taxa in at least this share of samples; -1: that of the design"
    )
    winsor: float = Field(
        default=WINSOR, ge=0.5, le=1, description="in LinDA, shares above this quantile are set to it; 1: none"
    )

    @field_validator("choices")
    @classmethod
    def _known(cls, choices: list[str]) -> list[str]:
        for choice in choices:
            if choice not in known_choices():
                raise ValueError(f"{choice!r} is no choice; known are {', '.join(known_choices())}")
        return choices

    def run(self, given: Given) -> Done:
        """Test the taxa, and put the choices side by side."""
        name = self.name or self.kind
        whole = given.community(rank=self.rank or None, visits=self.visits)
        samples, terms = (whole.samples, self.terms) if self.terms else _terms(given, whole.samples)
        formula = given.formula(terms)
        required(bool(terms), "no arms or visits to compare", "Give terms")
        samples, about = with_outcomes(given, samples, formula)
        whole = replace(whole, samples=samples)
        matrix = model_matrix(whole.samples, formula)
        used = whole.keep(matrix.rows)
        who = used.samples["person"].drop_nulls()
        repeated = who.n_unique() < len(who)
        person = "person" if repeated else ""
        prevalence = given.design.prevalence if self.prevalence < 0 else self.prevalence
        kept = used.prevalent(max(prevalence, 1 / len(used)))
        kept = kept.keep(kept.values.sum(axis=1) > 0)
        required(
            len(kept.names) > 1, f"{len(kept.names)} taxa occur in {prevalence:.0%} of samples", "Lower prevalence"
        )
        required(matrix.values.shape[1] > 1, f"nothing of {formula} varies in {len(used)} samples", "Give other terms")
        columns = _tested_columns(matrix.terms, matrix.columns, self.test, given, bool(self.terms))
        choices = self.choices or usual_choices(kept, repeated)
        confidence = given.design.confidence
        first = None
        if choices[0] == LEADING:
            first = linda(kept, formula, person, winsor=self.winsor, columns=columns, confidence=confidence)
        others, refused = choices[1:] if first else choices, dict[str, str]()
        tables = [first.table] if first else []
        if others:
            made, refused = all_choices(kept, formula, others, person, columns, confidence)
            tables.append(made)
        tests = pl.concat(tables)
        together = agreement(tests)
        leading = tests.filter(pl.col("choice") == choices[0])
        required(len(leading) > 0, f"{choices[0]}: {refused.get(choices[0], '')}")
        units = {name: "log2 fold change" + per_unit(given, samples, name) for name in columns}
        told = leading.with_columns(pl.col("feature").alias("what"), pl.col("term").replace(units).alias("unit"))
        notes = [Finding("warning", name, choice, f"not done: {why}") for choice, why in refused.items()]
        notes += _warnings(name, given, used, kept, (*matrix.notes, *about), leading, first)
        if leading["term"].n_unique() > 1:
            what = (
                f"q of the table 'taxa' is corrected over the taxa of each of {leading['term'].n_unique()} terms; q of "
                "the table of all tests over every test of the family"
            )
            notes.append(Finding("note", name, "q", what))
        if repeated and not self.choices and kept.counted:
            what = "ANCOM-BC is not among the choices: it has no random effect for repeated samples"
            notes.append(Finding("note", name, "ancombc", what, "Give one visit to compare it"))
        known = [name for name in ("sample", "person", "visit", given.design.arm) if name in kept.samples.columns]
        out = {"taxa": tests.drop("people", "rows", "method"), "agreement": together, "heatmap": _heatmap(kept),
               "samples": kept.samples.select(known)}  # fmt: skip
        if given.design.arm in used.samples.columns and given.design.arm:
            out |= _absent(used, given.design.arm, name, notes)
        said = _said(kept, whole, formula, leading, together, choices, first)
        return Done(out, tested(told), tuple(dict.fromkeys(notes)), said)

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return the step where there are taxa and something to compare."""
        try:
            community = given.community()
            samples, terms = _terms(given, community.samples)
            enough = len(community) > 5 and len(community.names) > 2
            if not terms or not enough:
                return []
            model_matrix(samples, given.formula(terms))
        except InputError:
            return []
        return [cls()]


def _terms(given: Given, samples: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Return samples, and arm * time as far as they differ in them and no cell of both is empty."""
    arm = given.design.arm if given.design.arm in samples.columns else ""
    arm = arm if arm and samples[arm].drop_nulls().n_unique() > 1 else ""
    samples, time = over_time(given, samples)
    if not arm or not time:
        return samples, quoted(arm) if arm else time
    cells = samples.select(arm, time).drop_nulls()
    full = time == "day" or cells.n_unique() == cells[arm].n_unique() * cells[time].n_unique()
    return samples, f"{quoted(arm)} * {time}" if full else f"{quoted(arm)} + {time}"


def _tested_columns(
    terms: dict[str, tuple[int, ...]], columns: tuple[str, ...], wanted: list[str], given: Given, asked: bool
) -> list[str]:
    """Return the columns of the wanted terms, or of the highest term of arm and time; asked: terms were given."""
    if wanted:
        unknown = [term for term in wanted if term not in terms]
        if unknown:
            raise InputError(f"the model has no term {unknown[0]!r}", field="test", mend=f"Terms: {', '.join(terms)}")
        chosen = wanted
    else:
        own = {given.design.arm, "visit", *([] if asked else ["day", PERIOD])} - {""}
        among = [term for term in terms if set(term.split(":")) & own and term != INTERCEPT]
        among = among or [term for term in terms if term not in (INTERCEPT, *given.design.adjust)]
        among = among or [term for term in terms if term != INTERCEPT]
        required(bool(among), "the model has no term to test", "Give terms")
        order = max(term.count(":") for term in among)
        chosen = [term for term in among if term.count(":") == order]
    found = [columns[place] for term in chosen for place in terms[term]]
    required(bool(found), f"nothing is left of {' and '.join(chosen)} to be tested", "Other terms imply it")
    return found


def _warnings(
    name: str, given: Given, used: Community, kept: Community, about: tuple[str, ...], leading: pl.DataFrame,
    first: Linda | None,
) -> list[Finding]:  # fmt: skip
    """Return what to be careful about: few people, lost rows, variances at 0, depth."""
    made = [Finding("note", name, "", text) for text in (*about, *((first.notes) if first else ()))]
    if len(used) > len(kept):
        what = f"{len(used) - len(kept)} samples hold none of the taxa that are tested"
        made.append(Finding("warning", name, "", what, "Lower the prevalence"))
    arm = given.design.arm if given.design.arm in used.samples.columns else ""
    people = used.samples.select("person", *([arm] if arm else [])).unique().drop_nulls()
    sizes = people[arm].value_counts()["count"].to_list() if arm else [len(people)]
    if sizes and min(sizes) < FEW_PEOPLE:
        whom = "person" if min(sizes) == 1 else "people"
        what = f"{min(sizes)} {whom}{' in the smallest arm' if arm else ''}: large differences only can be found"
        made.append(Finding("warning", name, arm, what))
    terms = leading["term"].n_unique()
    if first and first.singular:
        what = (
            f"{first.singular} of {len(kept.names)} taxa have an estimated variance between people of 0: their samples "
            "are tested as if independent"
        )
        made.append(Finding("note", name, "", what))
    lost = leading.filter(pl.col("p").is_null())
    if len(lost):
        what = f"{len(lost) // terms or 1} taxa could not be tested: {lost['note'].drop_nulls().unique().to_list()}"
        made.append(Finding("warning", name, "", what))
    if first and not first.depth.is_empty() and first.depth["related"].any():
        for row in first.depth.filter("related").iter_rows(named=True):
            factor = 2 ** row["estimate"]
            what = (
                f"depth differs with {row['term']} by a factor of {factor:.3g} a unit (p {row['p']:.2g}): zeros are "
                "imputed by depth in LinDA; other choices may mistake depth for absence"
            )
            made.append(Finding("warning", name, row["term"], what))
    return made


def _absent(used: Community, arm: str, name: str, notes: list[Finding]) -> dict[str, pl.DataFrame]:
    """Return the taxa that are absent from a whole arm but not from all, by arm."""
    try:
        found = structural_zeros(used, arm)
    except InputError:
        return {}
    some = found.filter(pl.col("absent").any().over("feature") & ~pl.col("absent").all().over("feature"))
    if some.is_empty():
        return {}
    held = some.filter(~pl.col("absent")).group_by("feature").agg(pl.col("held").sum()).sort("held", descending=True)
    what = (
        f"{len(held)} taxa are absent from all samples of an arm; the commonest, {held['feature'][0]}, is in "
        f"{held['held'][0]} samples of others"
    )
    notes.append(Finding("note", name, arm, what, "See the table 'absent'"))
    return {"absent": some}


def _heatmap(kept: Community) -> pl.DataFrame:
    """Return the centred log-ratio (base 2) of each taxon in each sample, long."""
    values = normalised(kept.values, DRAWN, kept.counted)
    samples, features = values.shape
    return pl.DataFrame(
        {
            "sample": np.repeat(kept.samples["sample"].to_numpy(), features).tolist(),
            "feature": kept.names * samples,
            "clr": values.ravel(),
        }
    )


def _said(
    kept: Community, whole: Community, formula: str, leading: pl.DataFrame, together: pl.DataFrame,
    choices: list[str], first: Linda | None,
) -> tuple[str, ...]:  # fmt: skip
    people = leading["people"][0]
    small = f"q < {SIGNIFICANT:g}" + (" within the term" if leading["term"].n_unique() > 1 else "")
    said = [
        f"{len(kept.names)} of {len(whole.names)} taxa were tested in {leading['rows'][0]} samples of {people} people "
        f"with the model {formula} ({leading['method'][0]})."
    ]
    for term, part in leading.group_by("term", maintain_order=True):
        found = part.filter(pl.col("q") < SIGNIFICANT).sort("p")
        label = str(term[0])
        if found.is_empty():
            least = part["q"].min()
            least_said = f" (smallest q {least:.2g})" if isinstance(least, float) else ""
            said.append(f"{label}: no taxon has {small}{least_said}; that is no proof of no difference.")
            continue
        named = [f"{row['feature']} ({row['estimate']:+.2f})" for row in found.head(NAMED).iter_rows(named=True)]
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        counted = "1 taxon has" if len(found) == 1 else f"{len(found)} taxa have"
        said.append(f"{label}: {counted} {small} in {choices[0]}, log2 fold: {', '.join(named)}{more}.")
    verdicts = together["verdict"].value_counts()
    count = dict(zip(verdicts["verdict"], verdicts["count"], strict=True))
    if len(choices) > 1:
        said.append(
            f"Over {len(choices)} choices of zero handling, scale and model, findings that are "
            f"robust: {count.get(ROBUST, 0)}; that depend on the choice: {count.get(DEPENDS, 0)}."
        )
    if first and first.bias:
        largest = max((abs(first.bias[t]) for t in leading["term"].unique() if t in first.bias), default=0.0)
        said.append(f"LinDA took out a shift of up to {largest:.2f} log2 that the composition gives to all taxa.")
    if len(said) > 4:  # a term each would be too many sentences: the table has them
        found = leading.filter(pl.col("q") < SIGNIFICANT)
        said = [
            said[0],
            f"{len(found)} of {len(leading)} tests have {small} in {choices[0]}.",
            *said[-2:],
        ]
    return tuple(said)
