"""What may stand in a model of samples: their columns, and outcomes of the same person and visit; and time."""

from __future__ import annotations

import difflib

import polars as pl

from gutbrain.analyse.formula import CALLED, QUOTED
from gutbrain.analyse.step import Given, required
from gutbrain.errors import InputError

MANY_VISITS = 8  # above it, a difference for each visit would be as many tests, of few samples each
KNOWN = 0.5  # share of samples whose visit, or day, must be known for it to stand for time
PERIOD, FIRST, LATER = "period", "first visit", "later visits"
NAMES = "columns, or outcomes by name (`PSS-10.total`, blood.il6), joined by person and visit"
TERMS_SAID = f"right-hand side of the model, of {NAMES}; empty: arm * visit as far as there are"
TERMS_OVER_TIME = f"{TERMS_SAID}; of more than {MANY_VISITS} visits the day, or the first against later ones"


def with_outcomes(given: Given, samples: pl.DataFrame, *formulas: str) -> tuple[pl.DataFrame, list[str]]:
    """Return samples with a column for each outcome that a formula names, and what is to be said of these.

    Parameters
    ----------
    samples : with sample, person, visit, day
    formulas : right-hand sides; outcomes whose name is no plain word stand in backticks

    Raises
    ------
    InputError
        For a name that is neither a column nor an outcome, or an outcome in several units.
    """
    told: list[str] = []
    for formula in formulas:
        for quoted, bare, called in QUOTED.findall(formula):
            name = quoted or bare
            if called or name in samples.columns or (not quoted and name in CALLED):
                continue
            if name not in given.outcomes["quantity"]:
                known = [*samples.columns, *given.outcomes["quantity"].unique().sort().to_list()]
                lower = {one.lower(): one for one in known}
                near = [lower[one] for one in difflib.get_close_matches(name.lower(), list(lower), 3, 0.6)]
                mend = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known are {', '.join(known[:30])}"
                what = f"the formula {formula!r} names {name!r}, which is neither a column nor an outcome"
                raise InputError(what, field=name, mend=mend)
            samples, said = with_number(samples, name, given)
            told += said
    return samples, list(dict.fromkeys(told))


def with_number(samples: pl.DataFrame, name: str, given: Given) -> tuple[pl.DataFrame, list[str]]:
    """Return samples with a number beside each, and what is to be said of it.

    Parameters
    ----------
    name : a number column of the samples, or an outcome: that of the same person and visit, else of the same day
        where no visits are named, else of the person

    Raises
    ------
    InputError
        For a column that is no number, a name that is not known, or an outcome in several units.
    """
    if name in samples.columns:
        required(samples[name].dtype.is_numeric(), f"{name!r} is no number", "Name another column")
        return samples.with_columns(pl.col(name).cast(pl.Float64).fill_nan(None)), []
    found = given.outcome(name).filter(pl.col("value").is_finite() & pl.col("person").is_not_null())
    units = found["unit"].drop_nulls().unique(maintain_order=True).to_list()
    required(len(units) < 2, f"{name} stands in several units ({', '.join(map(str, units))})", "Bring it to one unit")
    visits, days = (min(len(t) - t[key].null_count() for t in (samples, found)) > 0 for key in ("visit", "day"))
    on, what = ["person"], ""
    if visits:
        on = ["person", "visit"]
    elif days:
        on = ["person", "day"]
        whole = pl.col("day").floor().alias("whole day")
        samples, found = samples.with_columns(whole), found.with_columns(whole)
    keys = ["person", "whole day"] if on[-1] == "day" else on
    found = found.drop_nulls(keys)
    values = found.group_by(keys, maintain_order=True).agg(pl.col("value").median().alias(name))
    made = samples.join(values, on=keys, how="left", maintain_order="left")
    told = []
    if len(values) < len(found):
        what = {"visit": "of a visit", "day": "of a day"}.get(on[-1], "of a person")
        told.append(f"{name}: the median where there are several values {what}")
    who = made.filter(pl.col(name).is_not_null()).group_by("person").agg(pl.col(name).n_unique(), pl.len().alias("n"))
    if (who[name] > 1).any() and len(who) > 1:
        told.append(f"{name} differs within people and between them: one coefficient mixes both")
    return made.drop("whole day", strict=False), told


def over_time(given: Given, samples: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Return samples, and the column that stands for time in a model of them; "" where they know of none.

    The visit; of more than `MANY_VISITS` the day, and where that is not known, the first visit against later ones
    in a column of its own.
    """
    visits, named = given.design.visits, samples["visit"].drop_nulls()
    if not visits or named.n_unique() < 2 or len(named) < KNOWN * len(samples):
        return samples, ""
    if len(visits) <= MANY_VISITS:
        return samples, "visit"
    day = samples["day"].drop_nulls()
    if day.n_unique() > 1 and len(day) >= KNOWN * len(samples):
        return samples, "day"
    if PERIOD in samples.columns:  # a covariate of the study bears the name
        return samples, ""
    first = pl.col("visit").cast(pl.String) == visits[0]
    period = pl.when(first).then(pl.lit(FIRST)).when(~first).then(pl.lit(LATER)).cast(pl.Enum([FIRST, LATER]))
    made = samples.with_columns(period.alias(PERIOD))
    return made, PERIOD if made[PERIOD].drop_nulls().n_unique() > 1 else ""


def per_unit(given: Given, samples: pl.DataFrame, column: str) -> str:
    """Return what a coefficient is counted by, as " per day"; "" for a difference between levels.

    Parameters
    ----------
    column : of the model matrix, such as `arm[LGG]:day`
    """
    parts = [part for part in column.split(":") if "[" not in part]
    said = []
    for part in parts:
        if part not in samples.columns or not samples[part].dtype.is_numeric():
            said.append(f"unit of {part}")
            continue
        rows = given.outcomes.filter(pl.col("quantity") == part)
        unit = str(rows["unit"][0] or "") if len(rows) else ""
        said.append("day" if part == "day" else f"{unit} of {part}" if unit else f"unit of {part}")
    return "".join(f" per {one}" for one in said)
