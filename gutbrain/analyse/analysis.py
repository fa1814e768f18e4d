"""Run an analysis plan on a study: every step in order, what cannot be done said, everything tested in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from gutbrain.analyse.multiplicity import registry
from gutbrain.analyse.plan import AnalysisPlan, nearest, suggest
from gutbrain.analyse.step import Done, Given
from gutbrain.errors import InputError
from gutbrain.study.part import Finding
from gutbrain.study.study import Study


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
    if not plan.step:
        raise InputError("the plan has no step", mend="Write [[step]] with a kind, or leave --plan out")
    findings = list(check_design(study, plan))
    given = Given(study, plan.design, plan.folder)
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
            findings.append(Finding("error", step.name, error.field or "", f"not done: {error.what}", error.mend))
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


def check_design(study: Study, plan: AnalysisPlan) -> list[Finding]:
    """Say what of a design does not fit the study.

    Raises
    ------
    InputError
        For a column, arm or visit that the study does not have.
    """
    design, found = plan.design, []
    columns = covariates(study)
    for name, use in ((design.arm, "arm"), *((name, "adjust") for name in design.adjust)):
        if name and name not in columns:
            raise InputError(
                f"design.{use}: the study has no column {name!r}{nearest(name, columns)}",
                mend=f"Columns are {', '.join(sorted(columns))}",
            )  # fmt: skip
    if design.reference:
        levels = sorted(columns.get(design.arm, set())) if design.arm else []
        if design.reference not in levels:
            mend = f"Arms are {', '.join(levels)}" if design.arm else "Name the column of the arms"
            raise InputError(f"design.reference: no arm {design.reference!r}", mend=mend)
    for name, values in design.only.items():
        if name not in columns:
            mend = f"Columns are {', '.join(sorted(columns))}"
            raise InputError(f"design.only: the study has no column {name!r}{nearest(name, columns)}", mend=mend)
        for value in values:
            if value not in columns[name]:
                known = ", ".join(sorted(columns[name])[:40]) or "none that are text"
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
    return found + _order(study, design.visits)


def covariates(study: Study) -> dict[str, set[str]]:
    """Return the columns of people, visits and samples that can stand in a model, with the values of text columns."""
    found: dict[str, set[str]] = {}
    for name in ("people", "visits", "samples"):
        for column in study.tables[name].columns:
            if column not in ("sample", "time"):
                values = study.tables[name][column]
                texts = values.drop_nulls().unique().to_list() if values.dtype == pl.String else []
                found.setdefault(column, set()).update(texts)
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


def attendance(given: Given) -> pl.DataFrame:
    """Return people and samples of each arm at each visit: arm, visit, people, samples, with_outcome."""
    arm = given.design.arm
    people = given.study.people.select("person", *([arm] if arm in given.study.people.columns else []))
    samples = given.ordered(given.study.samples).select("person", pl.col("visit").cast(pl.String), pl.lit(1).alias("s"))
    rows = given.ordered(given.outcomes).select("person", pl.col("visit").cast(pl.String), pl.lit(1).alias("o"))
    both = pl.concat([samples, rows], how="diagonal").join(people, on="person", how="left")
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
