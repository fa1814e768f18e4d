"""Scores of a study: questionnaires, heart rate variability, cortisol and stool, by the same rules for all origins.

A score that cannot be had is a row too, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import polars as pl

from gutbrain.errors import InputError
from gutbrain.observe import cortisol, stool
from gutbrain.observe.hrv import Hrv, hrv, hrv_windows
from gutbrain.observe.questionnaires import find, score
from gutbrain.study.schema import NUMBER, TEXT
from gutbrain.study.study import Study

COLUMNS: dict[str, pl.DataType] = {
    "person": TEXT, "visit": TEXT, "day": NUMBER, "quantity": TEXT, "value": NUMBER, "unit": TEXT, "band": TEXT,
    "method": TEXT, "note": TEXT, "withheld": TEXT,
}  # fmt: skip
WINDOW = 300.0  # s; longer recordings are scored in windows of this length
LONG = 2 * WINDOW


def scores(study: Study) -> pl.DataFrame:
    """Return all scores of a study, one row a person, occasion and quantity.

    Returns
    -------
    table with person, visit, day, quantity, value (null if withheld), unit, band, method (with the version of the
    rule, and the share of corrected beats), note and withheld (the reason)
    """
    tables = [
        *_forms(study.answers, study.about.get("forms", {})), *_beats(study), *_cortisol(study.readings),
        *_stool(study.readings),
    ]  # fmt: skip
    made = [
        table.with_columns(
            [pl.lit(None, kind).alias(name) for name, kind in COLUMNS.items() if name not in table.columns]
        ).select([pl.col(name).cast(kind) for name, kind in COLUMNS.items()])
        for table in tables
    ]
    return pl.concat([pl.DataFrame(schema=COLUMNS), *made])


def _refused(quantity: str, error: InputError) -> pl.DataFrame:
    return pl.DataFrame({"quantity": [quantity], "withheld": [f"{error.what}. {error.mend}".rstrip(". ")]})


def _forms(answers: pl.DataFrame, options: Mapping[str, Mapping[str, Any]]) -> Iterator[pl.DataFrame]:
    for (name,), rows in answers.group_by("form", maintain_order=True):
        try:
            form = find(str(name)).name
        except InputError:
            continue  # a diary
        try:
            found = score(rows, form, **options.get(str(name), {}))
        except InputError as error:
            yield _refused(f"{form}", error)
            continue
        yield found.with_columns(
            pl.format(f"{form}.{{}}", "scale").alias("quantity"), pl.col("score").alias("value"),
            pl.lit("point").alias("unit"), pl.col("rule").alias("method"),
        ).drop("form")  # fmt: skip


def _beats(study: Study) -> Iterator[pl.DataFrame]:
    breathing = study.readings.filter(pl.col("quantity") == "respiration.rate")
    for key, rows in study.beats.group_by("person", "recording", maintain_order=True):
        person, recording = map(str, key)
        breaths = breathing.filter((pl.col("person") == person) & pl.col("visit").eq_missing(rows["visit"][0]))
        rate = cast("float | None", breaths["value"].median())
        times = None if rows["at"].null_count() else rows["at"].to_numpy()
        try:
            scored = _windows(rows["rr"].to_numpy(), times, rate, study.origin)
        except InputError as error:
            yield _refused("heart", error).with_columns(pl.lit(person).alias("person"))
            continue
        first = rows.row(0, named=True)
        for window in scored:
            table = window.table()
            day = None if first["day"] is None else first["day"] + window.start / 86_400
            told = f"recording {recording}, {window.corrected:.1%} of beats corrected"
            yield table.with_columns(
                pl.lit(person).alias("person"), pl.lit(first["visit"], TEXT).alias("visit"),
                pl.lit(day, NUMBER).alias("day"), pl.format(f"{{}}; {told}", "method").alias("method"),
                pl.col("reason_withheld").replace("", None).alias("withheld"),
            )  # fmt: skip


def _windows(rr: Any, times: Any, rate: float | None, origin: str) -> tuple[Hrv, ...]:
    """Score a recording, or its windows; the breathing rate per minute is that of the person's visit, if measured."""
    if float(rr.sum()) / 1000 >= LONG:
        return hrv_windows(rr, times=times, breathing_rate=rate, origin=origin)
    return (hrv(rr, times=times, breathing_rate=rate, origin=origin),)


def _cortisol(readings: pl.DataFrame) -> Iterator[pl.DataFrame]:
    saliva = readings.filter((pl.col("quantity") == "saliva.cortisol") & pl.col("day").is_not_null())
    if saliva.is_empty():
        return
    waking = readings.filter(pl.col("quantity") == "sleep.wake_time").select(
        "person", pl.col("day").floor(), (pl.col("value") * 60).alias("woke")
    )  # fmt: skip
    table = saliva.select(
        "person", "visit", pl.col("day").floor(), "value", "unit", ((pl.col("day") % 1) * 1440).alias("minute"),
        pl.col("limit").is_not_null().alias("censored"),
    ).join(waking.unique(["person", "day"], keep="first"), on=["person", "day"], how="left")  # fmt: skip
    table = table.with_columns((pl.col("minute") - pl.col("woke")).round(1).alias("minutes_since_waking"))
    try:
        found = cortisol.readings(table.drop("minute", "woke"))
    except InputError as error:
        yield _refused("saliva.cortisol", error)
        return
    yield found.with_columns(pl.format("saliva.cortisol, {}", "reading").alias("quantity"))


def _stool(readings: pl.DataFrame) -> Iterator[pl.DataFrame]:
    forms = readings.filter(pl.col("quantity") == "stool.form")
    if forms.is_empty():
        return
    try:
        found = stool.form_summary(forms.select("person", "visit", pl.col("value").alias("form")))
    except InputError as error:
        yield _refused("stool.form", error)
        return
    for name, unit in (("median_low", "type"), ("median_high", "type"), ("hard", "share"), ("loose", "share")):
        quantity = f"stool.form, {name.replace('_', ' ')}"
        told = pl.lit(quantity).alias("quantity"), pl.lit(unit).alias("unit")
        yield found.with_columns(pl.col(name).alias("value"), *told)
    yield _transit(found.select("person", "visit", "median_low"), readings)


def _transit(forms: pl.DataFrame, readings: pl.DataFrame) -> pl.DataFrame:
    """What the typical form and the frequency of stools say about transit, with its wide interval."""
    often = readings.filter((pl.col("quantity") == "stool.frequency") & (pl.col("value") > 0))
    often = often.group_by("person", "visit").agg(pl.col("value").median().alias("per_week"))
    rows = []
    for row in forms.join(often, on=["person", "visit"], how="left", nulls_equal=True).iter_rows(named=True):
        form = None if row["median_low"] is None else int(row["median_low"])
        found = stool.transit_from_stools(form, row["per_week"])
        low, high = found["low"], found["high"]
        note = None if found["hours"] is None else f"95 % from {low:.0f} to {high:.0f} h"
        rows.append((row["person"], row["visit"], "gut.transit, from stools", found["hours"], "hour",
                     found["method"], note, found["withheld"]))  # fmt: skip
    names = ("person", "visit", "quantity", "value", "unit", "method", "note", "withheld")
    return pl.DataFrame(rows, schema={name: COLUMNS[name] for name in names}, orient="row")
