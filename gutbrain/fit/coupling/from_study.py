"""From a study to the panel of a coupling model: what was asked for, each value at its time, on common occasions."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from gutbrain.errors import InputError
from gutbrain.fit.coupling.named_series import Named, Series, called, categories_of, said
from gutbrain.fit.coupling.panel import Panel, panel_of
from gutbrain.fit.coupling.study_time import timed
from gutbrain.study.schema import TABLES
from gutbrain.study.study import Study

MINUTE = 1 / 1440  # days; what lies closer together is one occasion
LEAST = 2  # occasions that a person must have
NAMED = 8  # people that a sentence names
HOW = ("impulse", "level", "centred")
EATEN = "diet."  # everybody eats: what was not written down was not nothing


@dataclass(frozen=True)
class Dose:
    """An input: how it acts, what one dose is, and what a day without a record counts as.

    Parameters
    ----------
    name : column of the panel
    how : impulse or level
    usual : what was divided by, in `unit`: the median of what is not 0
    centre : mean in usual doses that was subtracted; what is not recorded counts as this much
    """

    name: str
    how: str
    usual: float
    unit: str
    centre: float = 0.0


@dataclass(frozen=True)
class Gathered:
    """What a study has of what was asked.

    Parameters
    ----------
    table : person, day, indicators (with `.variance` and `.offset`), inputs, predictors; one row an occasion
    indicators, doses, predictors : in the order of the panel; inputs are split into impulses and levels there
    said : what was understood, joined and left out, in sentences
    """

    table: pl.DataFrame
    indicators: tuple[Series, ...]
    doses: tuple[Dose, ...] = ()
    predictors: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def impulses(self) -> tuple[str, ...]:
        """Inputs that act at once."""
        return tuple(dose.name for dose in self.doses if dose.how == "impulse")

    @property
    def levels(self) -> tuple[str, ...]:
        """Inputs that act as long as they last."""
        return tuple(dose.name for dose in self.doses if dose.how == "level")

    def panel(self) -> Panel:
        """Return the panel.

        Raises
        ------
        InputError
            For what `gutbrain.fit.coupling.panel_check.checked` refuses.
        """
        return panel_of(
            self.table, tuple(one.name for one in self.indicators), impulses=self.impulses, levels=self.levels,
            predictors=self.predictors, source="study",
        )  # fmt: skip


def gather(
    study: Study,
    indicators: Sequence[str],
    inputs: Sequence[str] = (),
    predictors: Sequence[str] = (),
    people: Sequence[str] = (),
    doses: Sequence[Dose] = (),
) -> Gathered:
    """Return what a study has of what was asked, on common occasions.

    Parameters
    ----------
    indicators : names as `Named.series` takes them
    inputs : names, each with `:level` if it lasts until the next record, and `:centred` if what was not recorded is as
        much as usual; an impulse by default, summed at its time
    predictors : columns of people
    people : who is taken; everybody by default
    doses : of an earlier study, which hold here as well where an input bears the same name

    Raises
    ------
    InputError
        For a name, person or column that the study does not have, or if nobody has two occasions.
    """
    named = Named(study)
    series = [named.series(text) for text in indicators]
    pairs = [_input(study, named, text) for text in inputs]
    pairs = [(ended(one) if "level" in how else one, how) for one, how in pairs]
    names = [one.name for one in (*series, *(one for one, _ in pairs))]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{twice!r} is asked for twice", mend="Name it once")
    wanted = _people(study, people)
    every = [replace(one, rows=one.rows.filter(pl.col("person").is_in(list(wanted)))) for one in series]
    pairs = [(replace(one, rows=one.rows.filter(pl.col("person").is_in(list(wanted)))), how) for one, how in pairs]
    told = [*(line for one in series for line in one.said), *(line for one, _ in pairs for line in one.said)]
    for one in every:
        if one.rows.is_empty():
            raise InputError(f"{one.name!r} has no value of {', '.join(wanted[:NAMED])}", mend="Choose other people")
    told += _whole_days([*every, *(one for one, _ in pairs)])
    occasions = _occasions(pl.concat([one.rows.select("person", "at") for one in (*every, *(one for one, _ in pairs))]))
    enough, lines = _enough(every, occasions, wanted)
    told += lines
    every = [replace(one, rows=one.rows.filter(pl.col("person").is_in(enough))) for one in every]
    every = [categories_of(one) if one.kind == "ordinal" else one for one in every]
    told += [one.said[-1] for one in every if one.kind == "ordinal"]
    table = occasions.select("person", pl.col("occasion").alias("day")).unique().filter(pl.col("person").is_in(enough))
    for one in every:
        column, merged = _column(one, occasions)
        told += merged
        table = table.join(column, on=["person", "day"], how="left")
    earlier, made = {dose.name: dose for dose in doses}, []
    for one, how in pairs:
        column, dose, lines = _dosed(one, how, occasions, enough, earlier.get(one.name))
        told += lines
        made.append(dose)
        table = table.join(column, on=["person", "day"], how="left")
    table = table.join(pl.DataFrame({"person": enough}).with_row_index("place"), on="person").sort("place", "day")
    table, columns, lines = _with_predictors(study, table.drop("place"), predictors)
    return Gathered(table, tuple(every), tuple(made), columns, tuple(dict.fromkeys([*told, *lines])))


def _people(study: Study, wanted: Sequence[str]) -> list[str]:
    known = study.people["person"].to_list()
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3, 0.5) or known[:NAMED]
            raise InputError(f"the study has no person {name!r}", file="people", mend=f"Near are {', '.join(near)}")
    return list(dict.fromkeys(wanted)) or known


def _occasions(times: pl.DataFrame) -> pl.DataFrame:
    """Return person, at and occasion: the first of all times that lie within a minute of it."""
    times = times.unique().sort("person", "at")
    person, at = times["person"].to_list(), times["at"].to_numpy()
    made = at.copy()
    for row in range(1, len(at)):
        if person[row] == person[row - 1] and at[row] - made[row - 1] <= MINUTE * (1 + 1e-6):
            made[row] = made[row - 1]
    return times.with_columns(pl.Series("occasion", made))


def _enough(series: list[Series], occasions: pl.DataFrame, wanted: list[str]) -> tuple[list[str], list[str]]:
    """Return the people who were seen at two occasions or more, and a sentence on the others."""
    seen = pl.concat([one.rows.select("person", "at") for one in series]).unique().join(occasions, on=["person", "at"])
    counts = dict(seen.group_by("person").agg(pl.col("occasion").n_unique()).iter_rows())
    enough = [name for name in wanted if counts.get(name, 0) >= LEAST]
    lost = [name for name in wanted if name not in enough]
    if not enough:
        raise InputError("nobody was seen at two occasions", mend="Coupling in time needs series")
    if not lost:
        return enough, []
    named = ", ".join(lost[:NAMED]) + (f" and {len(lost) - NAMED} more" if len(lost) > NAMED else "")
    return enough, [f"{len(lost)} of {len(wanted)} people were seen at fewer than two occasions and left out: {named}"]


def _column(one: Series, occasions: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Return person, day and the values of one indicator; several of one minute are joined to one."""
    rows = one.rows.join(occasions, on=["person", "at"], how="left", maintain_order="left")
    value, offset = pl.col("value").mean(), pl.col("offset").first()
    how = "their mean stands"
    if one.kind == "ordinal":
        value, how = pl.col("value").median().floor(), "their median stands"
    if one.kind == "count":
        value, offset, how = pl.col("value").sum(), pl.col("offset").exp().sum().log(), "their sum stands"
    variance = pl.col("variance").sum() / pl.len() ** 2
    extra = [variance.alias(f"{one.name}.variance")] if one.rows["variance"].is_not_null().any() else []
    extra += [offset.alias(f"{one.name}.offset")] if one.kind == "count" else []
    made = rows.group_by("person", pl.col("occasion").alias("day"), maintain_order=True).agg(
        value.alias(one.name), *extra
    )
    merged = len(rows) - len(made)
    return made, [f"{merged} values of {one.name!r} share person and minute with another: {how}"] * (merged > 0)


def _input(study: Study, named: Named, text: str) -> tuple[Series, set[str]]:
    """Return an input and how it acts."""
    parts = [part.strip() for part in text.split(":")]
    how: set[str] = set()
    while len(parts) > 1 and parts[-1].lower() in HOW:
        how.add(parts.pop().lower())
    if {"impulse", "level"} <= how:
        raise InputError(f"the input {text!r} is an impulse and a level", mend="It is one of the two")
    name = ":".join(parts)
    own = [column for column in study.visits.columns if column not in TABLES["visits"].columns]
    column = next((column for column in own if said(column) == said(name)), "")
    if not column:
        return named.series(name), how
    values, line = _numbers(study.visits[column], column)
    rows, lost = timed(study, study.visits.with_columns(values.alias("value")).drop_nulls("value"))
    if rows.is_empty():
        raise InputError(f"no visit with a day has a value of {column!r}", file="visits", field=column)
    nothing = [pl.lit(None, pl.Float64).alias(name) for name in ("variance", "offset", "until")]
    rows = rows.drop("until").with_columns(nothing)
    told = [f"{name!r} is the column {column} of visits", *line]
    told += [f"{lost} values of {column} have no day or time and were left out"] * (lost > 0)
    unit = study.units.get(f"visits.{column}", "")
    rows = rows.select("person", "at", "value", "variance", "offset", "until").sort("person", "at")
    return Series(called(name), rows, unit, quantity=column, said=tuple(told)), how


def _numbers(column: pl.Series, name: str) -> tuple[pl.Series, list[str]]:
    """Return a covariate as numbers; two words become 0 and 1."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return column.cast(pl.Float64).fill_nan(None), []
    words = sorted(column.drop_nulls().cast(pl.String).unique().to_list())
    if len(words) != 2:
        told = f"{name!r} has {len(words)} values that are no numbers: {', '.join(words[:5])}"
        raise InputError(told, field=name, mend="Numbers and factors of two levels can be used")
    made = column.cast(pl.String).replace_strict(words, [0.0, 1.0], default=None, return_dtype=pl.Float64)
    return made, [f"{name}: {words[0]} is 0 and {words[1]} is 1"]


def _dosed(
    one: Series, how: set[str], occasions: pl.DataFrame, people: list[str], earlier: Dose | None = None
) -> tuple[pl.DataFrame, Dose, list[str]]:
    """Return person, day and an input in usual doses, what a dose is, and what was done in sentences."""
    rows = one.rows.filter(pl.col("person").is_in(people))
    given = rows.filter(pl.col("value") != 0)["value"].abs()
    if given.is_empty():
        raise InputError(f"the input {one.name!r} is never given to anybody who was seen", mend="Leave it out")
    usual, level = float(given.median()), "level" in how  # type: ignore[arg-type]
    centred = "centred" in how or (len(given) == len(rows) and (level or one.quantity.startswith(EATEN)))
    centre = float(rows["value"].mean()) / usual if centred else 0.0  # type: ignore[arg-type]
    if earlier is not None:
        if (earlier.how == "level", earlier.unit) != (level, one.unit):
            told = f"the input {one.name!r} is {'a level' if level else 'an impulse'} in {one.unit or 'no unit'}"
            mend = f"In the earlier coupling it was {earlier.how} in {earlier.unit or 'no unit'}"
            raise InputError(told, mend=mend)
        usual, centre, centred = earlier.usual, earlier.centre, earlier.centre != 0
    rows = rows.with_columns((pl.col("value") / usual - centre).alias("value"))
    rows = rows.join(occasions, on=["person", "at"], how="left", maintain_order="left")
    summed = pl.col("value").last() if level else pl.col("value").sum()
    made = rows.group_by("person", pl.col("occasion").alias("day"), maintain_order=True).agg(summed.alias(one.name))
    unit = f" {one.unit}" if one.unit else ""
    acts = "until its next record" if level else "at once, at its time"
    whose = "the usual dose" + (" of the earlier coupling" if earlier is not None else "")
    lines = [f"{one.name!r} acts {acts}; its effects are those of {usual:.4g}{unit}, {whose}"]
    if centred:
        lines.append(f"{one.name!r} is counted from its mean ({centre * usual:.4g}{unit}); so is what was not recorded")
    else:
        until = " until its first record" if level else ""
        lines.append(f"what was not recorded of {one.name!r} counts as none{until}")
    return made, Dose(one.name, "level" if level else "impulse", usual, one.unit, centre), lines


def ended(one: Series) -> Series:
    """Return a level that ends where its records say so: 0 at their end, unless another one has begun by then."""
    rows = one.rows.with_columns(pl.col("at").shift(-1).over("person").alias("next"))
    ends = rows.filter(pl.col("until").is_not_null() & (pl.col("next").is_null() | (pl.col("until") < pl.col("next"))))
    nothing = pl.lit(0.0).alias("value"), pl.lit(None, pl.Float64).alias("until")
    added = ends.with_columns(pl.col("until").alias("at"), *nothing)
    if added.is_empty():
        return one
    told = f"{len(added)} records of {one.name!r} tell when it ended: it is 0 from then on"
    return replace(one, rows=pl.concat([rows, added]).drop("next").sort("person", "at"), said=(*one.said, told))


def _whole_days(series: list[Series]) -> list[str]:
    """Say which series have days without a clock where others have one."""
    whole = [one.name for one in series if (one.rows["at"] % 1 < MINUTE).all()]
    if not whole or len(whole) == len(series):
        return []
    return [f"{', '.join(whole)}: days without a clock, taken as their first moment; "
            "effects within a day between them and what has a clock say nothing"]  # fmt: skip


def _with_predictors(
    study: Study, table: pl.DataFrame, wanted: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...], list[str]]:
    """Return the table with predictors, centred (and numbers scaled) over the people in it."""
    told: list[str] = []
    names = []
    people = table.select("person").unique(maintain_order=True)
    people = people.join(study.people, on="person", how="left", maintain_order="left")
    own = [column for column in study.people.columns if column != "person"]
    for text in wanted:
        column = next((column for column in own if said(column) == said(text)), "")
        if not column:
            near = difflib.get_close_matches(text, own, 3, 0.4) or own[:NAMED]
            mend = f"Near are {', '.join(near)}" if near else "Leave it out"
            raise InputError(f"people have no column {text!r}", file="people", mend=mend)
        values, line = _numbers(people[column], column)
        known = values.drop_nulls().to_numpy()
        factor = set(known.tolist()) <= {0.0, 1.0}
        mean, spread = (float(known.mean()), float(known.std(ddof=1))) if len(known) > 1 else (0.0, 0.0)
        scale = 1.0 if factor or not spread > 0 else spread
        name = called(text)
        if name in table.columns:
            raise InputError(f"{name!r} is asked for twice", mend="Name it once")
        unit = study.units.get(f"people.{column}", "")
        told += line
        told.append(f"predictor {name!r} is counted from its mean, {mean:.4g}" + (f" {unit}".rstrip() if unit else "")
                    + ("" if factor else f", in standard deviations of {scale:.4g}"))  # fmt: skip
        made = pl.DataFrame({"person": people["person"], name: (values - mean) / scale})
        table = table.join(made, on="person", how="left", maintain_order="left")
        names.append(name)
    return table, tuple(names), told
