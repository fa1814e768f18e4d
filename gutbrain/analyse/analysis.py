"""Run an analysis plan on a study: every step in order, what cannot be done said, everything tested in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import polars as pl

from gutbrain.analyse.multiplicity import registry
from gutbrain.analyse.plan import AnalysisPlan, nearest, suggest
from gutbrain.analyse.step import Design, Done, Given
from gutbrain.errors import InputError
from gutbrain.study.part import Finding
from gutbrain.study.study import Study

KEYS = ("person", "visit", "sample", "time")  # columns that name rows; they are no groups and no covariates
# Columns of outcomes and indices: a covariate of the same name would be taken for them.
OURS = ("value", "unit", "quantity", "method", "index", "note")


@dataclass(frozen=True)
class Analysis:
    """What a plan found in a study.

    Attributes
    ----------
    study : that was analysed
    plan : that was run, with every default
    done : what each step found, by its name; a step that could not be done is not there
    tested : every hypothesis with its family, p and corrected p (`gutbrain.analyse.multiplicity.REGISTRY`)
    people : how many people and samples each arm has at each visit
    findings : what could not be done and what to be careful about; of severity error where a step was not done
    failed : steps that broke off for a reason nobody foresaw
    """

    study: Study
    plan: AnalysisPlan
    done: dict[str, Done]
    tested: pl.DataFrame
    people: pl.DataFrame
    findings: tuple[Finding, ...]
    failed: tuple[str, ...] = ()


def analyse(
    study: Study,
    plan: AnalysisPlan | None = None,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    debug: bool = False,
) -> Analysis:
    """Run an analysis plan.

    Parameters
    ----------
    plan : as `read_analysis_plan` gives it; the suggested one by default
    progress : is told the step, how many are done, and how many there are
    debug : let an unforeseen error through

    Raises
    ------
    InputError
        If the design names arms, visits or covariates that the study does not have, or the plan has no step.
    """
    plan = plan or suggest(study)
    if not plan.step and plan.suggested:
        what = "no analysis suits what the study holds: no arms or visits to compare, no samples, no diary"
        raise InputError(what, mend="Write a plan, and give it with --plan")
    if not plan.step:
        raise InputError("the plan has no step", mend="Write [[step]] with a kind, or leave --plan out")
    findings = list(check_design(study, plan))
    usable, spoiled = finite(study)
    findings += spoiled
    given = Given(usable, plan.design, plan.folder)
    done: dict[str, Done] = {}
    failed: list[str] = []
    if plan.deviates or plan.suggested:
        plan = plan.model_copy(update={"step": [step.model_copy(update={"confirmatory": False}) for step in plan.step]})
    for number, step in enumerate(plan.step):
        if progress is not None:
            progress("analysing", number, len(plan.step))
        try:
            found = step.run(given)
        except InputError as error:
            where = [
                Path(error.file or "").name,
                f"row {error.row}" if error.row is not None else "",
                error.field or "",
            ]
            what = f"not done: {error.what}"
            findings.append(Finding("error", step.name, ", ".join(part for part in where if part), what, error.mend))
            continue
        except ImportError:
            raise
        except Exception as error:
            if debug:
                raise
            failed.append(step.name)
            what = f"not done: unexpected {type(error).__name__}: {error}"
            findings.append(Finding("error", step.name, "", what, "Run again with --debug, and report it"))
            continue
        done[step.name] = found
        findings += found.notes
    if progress is not None:
        progress("analysing", len(plan.step), len(plan.step))
    tested = registry(plan.step, done, plan.corrections())
    return Analysis(study, plan, done, tested, attendance(given), tuple(dict.fromkeys(findings)), tuple(failed))


def finite(study: Study) -> tuple[Study, list[Finding]]:
    """Return a study without numbers that are none (NaN, infinite): such readings and covariates count as missing."""
    made, found = dict(study.tables), []
    for name in ("people", "visits", "samples"):
        table = made[name]
        for column in [column for column, kind in table.schema.items() if kind.is_float()]:
            odd = (~table[column].is_finite()).fill_null(False)
            if odd.any():
                table = table.with_columns(pl.when(~odd).then(pl.col(column)).alias(column))
                what = f"{int(odd.sum())} cells are no finite number and count as empty"
                found.append(Finding("warning", name, f"row {int(odd.arg_max() or 0) + 1}, {column}", what))
        made[name] = table
    for name in ("answers", "readings"):
        odd = ~made[name]["value"].is_finite()
        if odd.any():
            what = f"{int(odd.sum())} values are no finite number and are left out"
            found.append(Finding("warning", name, f"row {int(odd.arg_max() or 0) + 1}, value", what))
            made[name] = made[name].filter(~odd)
    return (replace(study, tables=made) if found else study), found


def check_design(study: Study, plan: AnalysisPlan) -> list[Finding]:
    """Say what of a design does not fit the study.

    Raises
    ------
    InputError
        For a column, arm or visit that the study does not have.
    """
    design, found = plan.design, []
    columns = covariates(study)
    arm = [(design.arm, "arm")] if design.arm else []
    for name, use in (*arm, *((name, "adjust") for name in design.adjust)):
        if name in KEYS or (name == "day" and use == "arm"):
            mend = "Name a column of groups" if use == "arm" else "People and visits stand in the models already"
            raise InputError(f"design.{use}: {name!r} is no {'arm' if use == 'arm' else 'covariate'}", mend=mend)
        if name in columns and (name in OURS or "`" in name):
            what = f"design.{use}: a column cannot be called {name!r} in a model"
            raise InputError(what, mend="Rename it in the study")
        if name not in columns:
            raise InputError(
                f"design.{use}: the study has no column {name!r}{nearest(name, columns)}",
                mend=f"Columns are {', '.join(sorted(columns))}",
            )  # fmt: skip
    for name in design.adjust:
        if name == design.arm or design.adjust.count(name) > 1:
            what = "is the arm, which is there already" if name == design.arm else "stands twice"
            raise InputError(f"design.adjust: {name!r} {what}", mend="Name each covariate once")
    if design.reference:
        levels = sorted(columns.get(design.arm, set())) if design.arm else []
        if design.reference not in levels:
            mend = f"Arms are {', '.join(levels)}" if design.arm else "Name the column of the arms"
            raise InputError(f"design.reference: no arm {design.reference!r}", mend=mend)
    for name, values in design.only.items():
        if name not in columns:
            mend = f"Columns are {', '.join(sorted(columns))}"
            raise InputError(f"design.only: the study has no column {name!r}{nearest(name, columns)}", mend=mend)
        if not values:
            raise InputError(f"design.only.{name}: no value is named", mend="Name the values to keep, or drop the key")
        for value in values:
            if value not in columns[name]:
                known = ", ".join(sorted(columns[name])[:40]) or "none"
                raise InputError(f"design.only.{name}: no value {value!r}", mend=f"Values are {known}")
    visits = {visit for name in ("visits", "samples", "readings", "answers", "beats")
              for visit in study.tables[name]["visit"].drop_nulls().unique().to_list()}  # fmt: skip
    for visit in design.visits:
        if visit not in visits:
            raise InputError(
                f"design.visits: the study has no visit {visit!r}{nearest(visit, visits)}",
                mend=f"Visits are {', '.join(sorted(visits)[:40])}",
            )  # fmt: skip
    if len(set(design.visits)) < len(design.visits):
        raise InputError("design.visits: a visit stands twice", mend="Name each visit once, in order")
    left = sorted(visits - set(design.visits))
    if design.visits and left:
        found.append(Finding("note", "plan", "visits", f"not analysed: visits {', '.join(left[:10])}"))
    return found + _order(study, design.visits) + _unplaced(study, design)


def covariates(study: Study) -> dict[str, set[str]]:
    """Return the columns of people, visits and samples that can stand in a model, each with its values as text."""
    found: dict[str, set[str]] = {}
    for name in ("people", "visits", "samples"):
        for column in study.tables[name].columns:
            if column not in ("sample", "time"):
                values = study.tables[name][column].drop_nulls().unique()
                found.setdefault(column, set()).update(values.cast(pl.String).to_list())
    return found


def _order(study: Study, visits: list[str]) -> list[Finding]:
    rows = pl.concat([study.tables[name].select("visit", "day") for name in ("visits", "samples", "readings")])
    days = dict(rows.drop_nulls().group_by("visit").agg(pl.col("day").median()).iter_rows())
    known = [visit for visit in visits if visit in days]
    return [
        Finding("warning", "plan", "visits", f"visits out of order: {later!r} (day {days[later]:g}) stands after "
                f"{earlier!r} (day {days[earlier]:g})", "Name the visits of the design in order of time")
        for earlier, later in pairwise(known) if days[later] < days[earlier]
    ]  # fmt: skip


def _unplaced(study: Study, design: Design) -> list[Finding]:
    """Say who stands in no arm or at no visit, and which arms are too small to be compared."""
    found = []
    for name in ("samples", "readings", "answers"):
        lost = study.tables[name]["visit"].null_count()
        if design.visits and 0 < lost < len(study.tables[name]):
            what = f"{lost} of {len(study.tables[name])} rows name no visit: what goes by visit leaves them out"
            found.append(Finding("warning", name, "visit", what, "Give their visit, or leave design.visits out"))
    people = study.people
    for name, values in design.only.items():
        if name in people.columns:
            people = people.filter(pl.col(name).cast(pl.String).is_in(list(values)))
    if design.arm not in people.columns:
        return found
    arms = people[design.arm].cast(pl.String)
    if arms.null_count():
        what = f"{arms.null_count()} of {len(people)} people are in no arm: what compares arms leaves them out"
        found.append(Finding("warning", "people", design.arm, what, "Fill the cells if the arm is known"))
    sizes = arms.drop_nulls().value_counts(sort=True)
    if len(sizes) < 2:
        what = f"everybody is in one arm ({sizes[design.arm][0]})" if len(sizes) else "nobody is in an arm"
        found.append(Finding("warning", "plan", "arm", what, "Leave design.arm out to analyse without arms"))
    for name in design.adjust:
        both = people.select(design.arm, name).drop_nulls() if name in people.columns else pl.DataFrame()
        if both.is_empty() or both.schema[name].is_numeric() or both[design.arm].n_unique() < 2:
            continue
        if both.group_by(name).agg(pl.col(design.arm).n_unique())[design.arm].max() == 1:
            what = f"each {name} lies in one arm: what the two do cannot be told apart"
            found.append(Finding("warning", "plan", "adjust", what, f"Leave {name} out of adjust, and say so"))
    alone = sorted(sizes.filter(pl.col("count") < 2)[design.arm].to_list())
    if alone:
        what = f"{len(alone)} arms have one person: {', '.join(alone[:10])}; how people differ there cannot be told"
        found.append(Finding("warning", "plan", "arm", what, "Join arms, or bring more people"))
    return found


def attendance(given: Given) -> pl.DataFrame:
    """Return people and samples of each arm at each visit: arm, visit, people, samples, with_outcome."""
    arm = given.design.arm
    known = given.study.people.columns
    only = {name: list(values) for name, values in given.design.only.items() if name in known}
    people = given.study.people.select("person", *dict.fromkeys(name for name in (arm, *only) if name in known))
    samples = given.ordered(given.study.samples).select("person", pl.col("visit").cast(pl.String), pl.lit(1).alias("s"))
    rows = given.ordered(given.outcomes).select("person", pl.col("visit").cast(pl.String), pl.lit(1).alias("o"))
    both = pl.concat([samples, rows], how="diagonal").join(people, on="person", how="left")
    # Samples and outcomes know the visit; what the design keeps of people is filtered here.
    both = both.filter(pl.col(name).cast(pl.String).is_in(values) for name, values in only.items()) if only else both
    keys = [
        pl.col(arm).cast(pl.String).alias("arm") if arm in both.columns else pl.lit("everybody").alias("arm"),
        "visit",
    ]
    counted = both.group_by(keys, maintain_order=True).agg(
        pl.col("person").n_unique().alias("people"),
        pl.col("s").count().alias("samples"),
        pl.col("person").filter(pl.col("o").is_not_null()).n_unique().alias("with_outcome"),
    )
    order = {visit: number for number, visit in enumerate(given.design.visits)}
    place = counted["visit"].replace_strict(order, default=len(order), return_dtype=pl.Int64)
    return counted.with_columns(place.alias("place")).sort("arm", "place", "visit").drop("place")
