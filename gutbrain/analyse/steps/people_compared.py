"""What steps on persons share: who belongs to which group, and numbers of people compared between groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from gutbrain.analyse.models.two_groups import ROW, compare, compare_again
from gutbrain.analyse.step import Given
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

WHOLE = "all"


def group_column(given: Given, group: str = "") -> str:
    """Return the column that people are compared by: the one asked for, else the arm of the design, else none.

    Raises
    ------
    InputError
        If people have no such column.
    """
    name = group or given.design.arm
    if name and name not in given.study.people.columns:
        if not group:
            return ""
        known = [column for column in given.study.people.columns if column != "person"]
        raise InputError(
            f"people have no column {name!r}", field="group", mend=f"They have {', '.join(known) or 'none'}"
        )
    return name


def arm_unused(given: Given, group: str, step: str) -> list[Finding]:
    """Say that the arm of the design is no column of people, so that people cannot be compared by it."""
    arm = given.design.arm
    if group or not arm:
        return []
    return [Finding("note", step, arm, f"{arm!r} is no column of people, so people were not compared", "Name a group")]


def named_terms(group: str) -> pl.Expr:
    """Return the column `term` with `arm` called as the group is: `arm[b]:visit[2]` becomes `sex[b]:visit[2]`."""
    return pl.col("term").str.replace_all(r"(^|:)arm\[", "${1}" + group.replace("$", "$$") + "[")


def of_people(given: Given, step: str) -> tuple[list[str], list[Finding]]:
    """Return the covariates of the design that people have, and what is said of the others."""
    adjust = [name for name in given.design.adjust if name in given.study.people.columns]
    lost = [name for name in given.design.adjust if name not in adjust]
    return adjust, [Finding("note", step, name, "no covariate of people, so it did not enter") for name in lost]


def chosen(given: Given, table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that the design analyses, by columns of the table or of its people."""
    for column, values in given.design.only.items():
        wanted = pl.col(column).cast(pl.String).is_in(values)
        if column in table.columns:
            table = table.filter(wanted)
        elif column in given.study.people.columns:
            people = given.study.people.filter(wanted).select("person")
            table = table.join(people, on="person", how="semi", maintain_order="left")
    return table


def with_group(given: Given, table: pl.DataFrame, group: str) -> pl.DataFrame:
    """Return a table with the column `arm`: the group of each person, a factor, or `all` where there is no group."""
    if not group:
        return table.with_columns(pl.lit(WHOLE).alias("arm"))
    people = given.ordered(given.study.people).select("person", pl.col(group).alias("arm"))
    if not isinstance(people.schema["arm"], pl.Enum):
        levels = people["arm"].cast(pl.String).drop_nulls().unique().sort()
        people = people.with_columns(pl.col("arm").cast(pl.String).cast(pl.Enum(levels)))
    return table.drop("arm", strict=False).join(people, on="person", how="left", maintain_order="left")


def compared(
    given: Given,
    table: pl.DataFrame,
    value: str,
    what: str,
    unit: str,
    group: str,
    step: str,
    permutations: int = 0,
) -> tuple[list[dict[str, Any]], pl.DataFrame, list[Finding]]:
    """Compare a number between groups of people.

    Parameters
    ----------
    table : person, arm (as `with_group` gives it) and `value`; several rows a person become a mixed model, whose
        rows are reported first, and the person's mean for the other methods
    what, unit : of the tests
    group : name of the groups; empty: nothing is compared
    permutations : of people

    Returns
    -------
    rows for `tested` (one a comparison), table of all methods (what, and the columns of `ROW`), findings
    """
    nothing = pl.DataFrame(schema={"what": pl.String, **ROW})
    there = table.filter(pl.col(value).is_not_null() & pl.col("arm").is_not_null())
    if not group or there.is_empty():
        return [], nothing, arm_unused(given, group, step)
    level = given.design.confidence
    adjust, notes = of_people(given, step)
    adjust = [name for name in adjust if name != group]
    means = there.group_by("person", maintain_order=True).agg(pl.col(value).mean(), pl.col("arm").first())
    people = given.study.people.select("person", *adjust)
    try:
        found = compare(
            means.join(people, on="person", how="left", maintain_order="left"), value, "arm", adjust=adjust,
            confidence=level, permutations=permutations, generator=given.generator(f"{step} {what}"),
        )  # fmt: skip
    except InputError as error:
        return [], nothing, [*notes, Finding("warning", step, what, f"not compared: {error.what}", error.mend)]
    several = len(there) > len(means)
    if several:
        try:
            joined = there.join(people, on="person", how="left", maintain_order="left")
            found = pl.concat([compare_again(joined, value, _formula(["arm", *adjust]), "arm", level), found])
        except InputError as error:
            notes.append(Finding("note", step, what, f"no mixed model: {error.what}; means of people were compared"))
    found = found.with_columns(named_terms(group))
    found = found.with_columns(pl.lit(what).alias("what")).select("what", *ROW)
    first = found.unique("term", keep="first", maintain_order=True)
    return [row | {"unit": unit} for row in first.to_dicts()], found, notes


def _formula(names: Sequence[str]) -> str:
    from gutbrain.analyse.formula import quoted

    return " + ".join(map(quoted, names))


def told_tests(rows: Sequence[dict[str, Any]], confidence: float, most: int = 2) -> list[str]:
    """Return sentences on the comparisons with the smallest p; none surer than its interval."""
    made = []
    known = sorted((row for row in rows if row.get("p") is not None), key=lambda row: row["p"])
    for row in known[:most]:
        logs = row.get("unit") == "ln"
        sizes = [row["estimate"], row.get("low"), row.get("high")]
        told = [
            None if size is None else f"{math.exp(min(size, 700.0)):.3g}" if logs else f"{size:.3g}" for size in sizes
        ]
        span = "" if told[1] is None else f" ({100 * confidence:g} % CI {told[1]} to {told[2]})"
        unit = "" if logs or row.get("unit") in (None, "1") else f" {row['unit']}"
        made.append(
            f"{row['what']}, {row['term']}: {'ratio' if logs else 'difference'} {told[0]}{span}{unit}, "
            f"p = {row['p']:.2g}, {row['people']} people ({row['method']})."
        )
    if len(known) > most:
        made.append(f"{len(known)} comparisons were made; those with the smallest p are told, p not corrected.")
    return made


def as_findings(step: str, where: str, notes: Sequence[str]) -> list[Finding]:
    """Return notes of a function as findings of a step."""
    return [Finding("note", step, where, note) for note in notes]
