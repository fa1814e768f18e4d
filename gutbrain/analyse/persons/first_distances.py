"""How far a person has come from one occasion to the next, or from the baseline: distances and differences."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from gutbrain.errors import InputError

TO = ("previous", "adjacent", "baseline")
REPLICATES = ("first", "drop", "refuse")
PAIRED = {"from_place": pl.Int64(), "to_place": pl.Int64(), "person": pl.String(), "from_visit": pl.String(),
          "to_visit": pl.String(), "from_day": pl.Float64(), "to_day": pl.Float64()}  # fmt: skip


@dataclass(frozen=True)
class Paired:
    """Pairs of occasions of the same person, or what was computed on them.

    Attributes
    ----------
    table : from_place, to_place (rows of the table that was paired), person, from_visit, to_visit, from_day, to_day;
        further columns as the function that made it says
    notes : what was left out or decided, in words
    """

    table: pl.DataFrame
    notes: tuple[str, ...] = ()


def paired(occasions: pl.DataFrame, to: str = "previous", replicates: str = "first") -> Paired:
    """Pair the occasions of each person.

    Parameters
    ----------
    occasions : one row a sample or value: person, visit and day; visits in order are an Enum, empty cells may occur
    to : "previous" = the last occasion that the person has, however long ago; "adjacent" = the visit just before
        in the order of visits, no pair where the person lacks it; "baseline" = the first visit of the order, or the
        person's first occasion where there are no visits
    replicates : several rows of one person at the same visit and day: "first" keeps the first row, "drop" leaves
        the occasion out, "refuse" raises

    Raises
    ------
    InputError
        For an unknown choice, occasions without an order, or replicates that are refused.

    Notes
    -----
    Days decide the order of a person's occasions where all of them are known, visits otherwise. "adjacent" with
    "drop" pairs as q2-longitudinal does (Bokulich 2018, doi 10.1128/mSystems.00219-18).
    """
    _known("to", to, TO)
    _known("replicates", replicates, REPLICATES)
    placed = _placed(occasions)
    placed, strangers = placed.filter(pl.col("person").is_not_null()), placed["person"].null_count()
    lost_in_time = placed.filter(pl.col("person").is_duplicated() & pl.col("visit").is_null() & pl.col("day").is_null())
    if len(lost_in_time):
        raise InputError("the order of a person's occasions is not known",
                         row=str(lost_in_time["person"][0]), field="day",
                         mend="Give the day or the visit of every row")  # fmt: skip
    rows, notes = _single(placed, replicates)
    if strangers:
        notes.append(f"{strangers} rows that name no person were left out")
    ranks = sorted({rank for rank in rows["rank"].to_list() if rank is not None})
    before = dict(zip(ranks[1:], ranks, strict=False))
    if to == "adjacent" and rows["rank"].null_count():
        raise InputError("adjacent visits are asked for, but some rows have no visit", field="visit",
                         mend="Take to = 'previous'")  # fmt: skip
    found: list[tuple[Any, ...]] = []
    backwards = lost = 0
    for _, own in rows.group_by("person", maintain_order=True):
        by_day = own["day"].null_count() == 0
        if not by_day and own["rank"].null_count() and len(own) > 1:
            raise InputError("the order of a person's occasions is not known", row=str(own["person"][0]), field="day",
                             mend="Give the day or the visit of every row")  # fmt: skip
        own = own.sort(["day", "rank"] if by_day else ["rank", "day"], nulls_last=True, maintain_order=True)
        known = own["rank"].drop_nulls().to_list()
        backwards += by_day and known != sorted(known)
        held = own.to_dicts()
        if to == "adjacent":
            at = {row["rank"]: row for row in reversed(held)}
            made = [(at[before[rank]], row) for rank, row in at.items() if before.get(rank) in at][::-1]
        elif to == "previous":
            made = list(pairwise(held))
        else:
            first = next((row for row in held if not ranks or row["rank"] == ranks[0]), None)
            lost += first is None
            made = [(first, row) for row in held if first is not None and row["place"] != first["place"]]
        found += [_pair(first, second) for first, second in made]
    if backwards:
        notes.append(f"{backwards} people have days that run against the order of visits; the days decided")
    if lost:
        notes.append(f"{lost} people have no row at the baseline and were left out")
    return Paired(pl.DataFrame(found, schema=PAIRED, orient="row"), tuple(notes))


def first_distances(
    distances: np.ndarray, samples: pl.DataFrame, to: str = "previous", replicates: str = "first"
) -> Paired:
    """Return the distance within each pair of a person's occasions.

    Parameters
    ----------
    distances : array [sample, sample], symmetric, in the order of `samples`
    samples, to, replicates : as in `paired`

    Returns
    -------
    Paired, whose table has also `distance` and `per_day` (null where the days between are not known or not above 0)

    Raises
    ------
    InputError
        As `paired`, or for a matrix that does not fit the samples.

    Notes
    -----
    A rate per day suits drift in one direction; a random walk goes with the square root of the days, so rates over
    unequal gaps are not comparable then.
    """
    distances = np.asarray(distances, float)
    if distances.shape != (len(samples), len(samples)):
        raise InputError(f"distances of shape {distances.shape} do not fit {len(samples)} samples")
    if not np.isfinite(distances).all():
        raise InputError("a distance is no number", mend="Leave samples without counts out first")
    made = paired(samples, to, replicates)
    places = made.table["from_place"].to_numpy(), made.table["to_place"].to_numpy()
    return Paired(_with_rate(made.table.with_columns(pl.Series("distance", distances[places])), "distance"), made.notes)


def first_differences(
    table: pl.DataFrame, value: str = "value", to: str = "previous", replicates: str = "first"
) -> Paired:
    """Return by how much a number has changed within each pair of a person's occasions.

    Parameters
    ----------
    table : person, visit, day and the column `value`; rows where it is empty are left out
    value : column of the number
    to, replicates : as in `paired`

    Returns
    -------
    Paired, whose table has also `difference` (later less earlier) and `per_day`

    Raises
    ------
    InputError
        As `paired`.
    """
    there = table.filter(pl.col(value).is_not_null() & pl.col(value).cast(pl.Float64).is_not_nan())
    made = paired(there, to, replicates)
    numbers = there[value].cast(pl.Float64).to_numpy()
    change = numbers[made.table["to_place"].to_numpy()] - numbers[made.table["from_place"].to_numpy()]
    gone = len(table) - len(there)
    notes = made.notes + ((f"{gone} rows without a value were left out",) if gone else ())
    return Paired(_with_rate(made.table.with_columns(pl.Series("difference", change)), "difference"), notes)


def _with_rate(table: pl.DataFrame, value: str) -> pl.DataFrame:
    days = pl.col("to_day") - pl.col("from_day")
    return table.with_columns(pl.when(days > 0).then(pl.col(value) / days).alias("per_day"))


def _placed(occasions: pl.DataFrame) -> pl.DataFrame:
    """Return person, visit, day, place of the row, and rank of the visit (null without visit)."""
    visit = occasions["visit"] if "visit" in occasions.columns else pl.Series("visit", [None] * len(occasions))
    day = occasions["day"] if "day" in occasions.columns else pl.Series("day", [None] * len(occasions))
    text = visit.cast(pl.String)
    order = visit.dtype.categories.to_list() if isinstance(visit.dtype, pl.Enum) else []
    if not order and day.null_count() and text.drop_nulls().len():
        raise InputError("visits have no order, and days are not known for all", field="visit",
                         mend="Name the visits in order in the design, or give days")  # fmt: skip
    if not order:
        # Without an order of visits, a visit's place is that of its median day.
        dated = pl.DataFrame({"visit": text, "day": day.cast(pl.Float64)}).drop_nulls("visit")
        order = dated.group_by("visit").agg(pl.col("day").median()).sort("day", "visit")["visit"].to_list()
    ranks = {name: rank for rank, name in enumerate(order)}
    return pl.DataFrame({
        "person": occasions["person"].cast(pl.String), "visit": text, "day": day.cast(pl.Float64),
        "place": np.arange(len(occasions)), "rank": [ranks.get(name) for name in text.to_list()],
    }, schema_overrides={"rank": pl.Int64, "place": pl.Int64})  # fmt: skip


def _single(rows: pl.DataFrame, replicates: str) -> tuple[pl.DataFrame, list[str]]:
    """Return one row a person, visit and day."""
    keys = ["person", "visit", "day"]
    twice = rows.select(keys).is_duplicated()
    if not twice.any():
        return rows, []
    first = rows.filter(twice).row(0, named=True)
    where = f"person {first['person']}" + "".join(
        f", {key} {first[key]}" for key in ("visit", "day") if first[key] is not None
    )
    if replicates == "refuse":
        raise InputError(f"several rows stand for {where}", mend="Take replicates = 'first' or 'drop'")
    kept = rows.unique(keys, keep="first" if replicates == "first" else "none", maintain_order=True)
    how = "the first was taken" if replicates == "first" else "the occasions were left out"
    return kept, [f"{int(twice.sum())} rows share person, visit and day with another ({where}, ...); {how}"]


def _pair(first: dict[str, Any], second: dict[str, Any]) -> tuple[Any, ...]:
    return (first["place"], second["place"], first["person"], first["visit"], second["visit"], first["day"],
            second["day"])  # fmt: skip


def _known(field: str, value: str, names: tuple[str, ...]) -> None:
    if value not in names:
        raise InputError(f"{field} = {value!r} is not known", field=field, mend=f"Known are {', '.join(names)}")
