"""Salivary cortisol of whole days: awakening response, areas and diurnal slope, or why they are withheld."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.observe.saliva import CENSORED, samples

READINGS = {
    "awakening rise": "%",
    "awakening mean increase": "nmol/L",
    "awakening area from ground": "nmol/L*h",
    "awakening area above first": "nmol/L*h",
    "day area from ground": "nmol/L*h",
    "day area above first": "nmol/L*h",
    "diurnal slope": "1/h",
}
NO_WAKING = "true waking time is not recorded"


@dataclass(frozen=True)
class Schedule:
    """When samples count.

    Attributes
    ----------
    latest_first : most minutes from waking to the waking sample (assumed)
    after : minutes after waking of the other samples of the awakening response (Wuest2000)
    slack : minutes by which these may miss (assumed)
    slope_from : minutes after waking from which samples enter the slope (Adam2017)
    slope_samples : fewest samples of a slope (Adam2017)
    day_samples : fewest samples of a day area (assumed)
    span : fewest hours from the first to the last sample of a slope or day area (assumed)
    """

    latest_first: float = 10
    after: tuple[float, ...] = (30, 45)
    slack: float = 7
    slope_from: float = 60
    slope_samples: int = 4
    day_samples: int = 4
    span: float = 6


def area_from_ground(hours: np.ndarray, values: np.ndarray) -> float:
    """Return the trapezoid area down to zero (Pruessner 2003; nmol/L*h).

    Parameters
    ----------
    hours : array [samples], rising
    values : array [samples], nmol/L
    """
    return float((np.diff(hours) * (values[1:] + values[:-1]) / 2).sum())


def area_above_first(hours: np.ndarray, values: np.ndarray) -> float:
    """Return the trapezoid area less that of the first sample held on (Pruessner 2003; nmol/L*h, may be below 0)."""
    return area_from_ground(hours, values) - float(values[0] * (hours[-1] - hours[0]))


def slope(hours: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Return the least-squares slope of ln(value) on hours, and its standard error (both 1/h).

    Parameters
    ----------
    hours : array [samples], at least two different
    values : array [samples], above 0
    """
    centred, logs = hours - hours.mean(), np.log(values)
    size = (centred**2).sum()
    steep = float((centred * logs).sum() / size)
    left = logs - logs.mean() - steep * centred
    free = len(hours) - 2
    return steep, float(np.sqrt((left**2).sum() / free / size)) if free > 0 else float("nan")


def readings(
    table: pl.DataFrame,
    *,
    unit: str | None = None,
    limits: tuple[float | None, float | None] = (None, None),
    schedule: Schedule | None = None,
    origin: str = "measured",
) -> pl.DataFrame:
    """Return the readings of every person and day.

    Parameters
    ----------
    table : one row a sample, see `saliva.samples`
    unit : of `value`, "nmol/L" or "ug/dL", where the table has no column `unit`
    limits : lowest and highest value that the assay reports, in that unit; from the study's own report
    schedule : which samples count
    origin : "measured" or "simulated", where the table has no column `origin`

    Returns
    -------
    table with person, day and other keys, `reading`, `value` (null if withheld), `unit`, `error` (standard error,
    slope only), `samples`, `first_clock_hour` and `first_minutes_since_waking` of the samples used, `method`,
    `origin` and `withheld` (the reason)

    Raises
    ------
    InputError : what `saliva.samples` refuses

    Source
    ------
    Wuest2000 (awakening response), Adam2017 (slope); the areas after Pruessner 2003.
    """
    plan = schedule or Schedule()
    prepared = samples(table, unit=unit, limits=limits)
    keys = prepared.columns[: prepared.columns.index("minutes_since_waking")]
    rows: list[dict[str, object]] = []
    for key, day in prepared.group_by(keys, maintain_order=True):
        named = dict(zip(keys, key, strict=True))
        day = day.filter(pl.col("nmol_per_l").is_not_null())
        for reading, read in _HOW.items():
            rows.append(named | {"reading": reading, "unit": READINGS[reading]} | read(reading, day, plan))
    numbers = dict.fromkeys(("value", "error", "first_clock_hour", "first_minutes_since_waking"), pl.Float64)
    schema = {key: prepared.schema[key] for key in keys} | {"reading": pl.String, "value": pl.Float64,
              "unit": pl.String, "error": pl.Float64, "samples": pl.Int64, "first_clock_hour": pl.Float64,
              "first_minutes_since_waking": pl.Float64, "method": pl.String, "withheld": pl.String}  # fmt: skip
    found = pl.DataFrame(rows, schema=schema, schema_overrides=numbers, orient="row")
    if "origin" not in keys:
        found = found.with_columns(pl.lit(origin).alias("origin"))
    return found.select(pl.exclude("withheld"), "withheld")


def _row(method: str, used: pl.DataFrame, value: float | None, withheld: str | None, error: float | None = None
         ) -> dict[str, object]:  # fmt: skip
    first = used.row(0, named=True) if used.height else {"clock_hour": None, "minutes_since_waking": None}
    times = ", ".join(f"{minutes:g}" for minutes in used["minutes_since_waking"].drop_nulls().round(1))
    return {
        "value": None if withheld else value, "error": None if withheld else error, "samples": used.height,
        "first_clock_hour": first["clock_hour"], "first_minutes_since_waking": first["minutes_since_waking"],
        "method": f"{method}; minutes after waking {times or 'unknown'}", "withheld": withheld,
    }  # fmt: skip


def _broken(day: pl.DataFrame) -> str | None:
    """Return what forbids every reading of a day."""
    if day["minutes_since_waking"].is_null().any():
        return NO_WAKING
    faults = [fault for fault in day["fault"].drop_nulls().unique(maintain_order=True) if fault != CENSORED]
    return "; ".join(faults) or None


def _awakening(reading: str, day: pl.DataFrame, plan: Schedule) -> dict[str, object]:
    """Return one reading of the awakening response."""
    minutes = pl.col("minutes_since_waking")
    rising = reading == "awakening rise"
    wanted = plan.after[:1] if rising else plan.after
    end = max(wanted) + plan.slack
    used = day.filter(minutes.is_not_null() & (minutes <= end))
    method = f"{_METHODS[reading]} over 0 to {max(wanted):g} min"
    withheld = _broken(day) or _censored(used)
    times = used["minutes_since_waking"].to_numpy()
    if withheld is None and (not len(times) or times[0] > plan.latest_first):
        late = f" (first sample {times[0]:g} min after waking)" if len(times) else ""
        withheld = f"no sample within {plan.latest_first:g} min of waking{late}"
    places = [int(np.abs(times - target).argmin()) for target in wanted] if withheld is None else []
    for target, place in zip(wanted, places, strict=False):
        if withheld is None and abs(times[place] - target) > plan.slack:
            withheld = f"no sample within {plan.slack:g} min of +{target:g} min"
    if withheld is None and len({0, *places}) < len(wanted) + 1:
        withheld = f"fewer than {len(wanted) + 1} separate samples"
    if withheld is not None:
        return _row(method, used, None, withheld)
    values, hours = used["nmol_per_l"].to_numpy(), times / 60
    if rising:
        chosen = used[[0, places[0]]]
        return _row(method, chosen, float(100 * (values[places[0]] / values[0] - 1)), None)
    if reading == "awakening mean increase":
        return _row(method, used, float(values[1:].mean() - values[0]), None)
    area = area_from_ground if reading == "awakening area from ground" else area_above_first
    return _row(method, used, area(hours, values), None)


def _over_day(reading: str, day: pl.DataFrame, plan: Schedule) -> dict[str, object]:
    """Return an area or the slope over a day."""
    sloping = reading == "diurnal slope"
    method = _METHODS[reading] + (f", from {plan.slope_from:g} min after waking" if sloping else "")
    used = day.filter(pl.col("minutes_since_waking") >= plan.slope_from) if sloping else day
    withheld = _broken(day) or _censored(used)
    least = plan.slope_samples if sloping else plan.day_samples
    hours = used["minutes_since_waking"].to_numpy() / 60
    if withheld is None and len(hours) < least:
        withheld = f"{len(hours)} samples, {least} are needed"
    if withheld is None and hours[-1] - hours[0] < plan.span:
        withheld = f"samples span {hours[-1] - hours[0]:.1f} h, {plan.span:g} h are needed"
    if withheld is not None:
        return _row(method, used, None, withheld)
    values = used["nmol_per_l"].to_numpy()
    if sloping:
        steep, error = slope(hours, values)
        return _row(method, used, steep, None, error)
    area = area_from_ground if reading == "day area from ground" else area_above_first
    return _row(method, used, area(hours, values), None)


def _censored(used: pl.DataFrame) -> str | None:
    count = int(used["censored"].sum())
    return f"{count} of {used.height} samples {CENSORED}: a censored likelihood is needed" if count else None


_METHODS = {
    "awakening rise": "per cent rise over the waking sample",
    "awakening mean increase": "mean of the later samples less the waking sample",
    "awakening area from ground": "trapezoid area from ground (Pruessner 2003)",
    "awakening area above first": "trapezoid area above the first sample (Pruessner 2003)",
    "day area from ground": "trapezoid area from ground (Pruessner 2003), all samples of the day",
    "day area above first": "trapezoid area above the first sample (Pruessner 2003), all samples of the day",
    "diurnal slope": "least squares of ln(nmol/L) on hours",
}
_HOW: dict[str, Callable[[str, pl.DataFrame, Schedule], dict[str, object]]] = {
    reading: _awakening if reading.startswith("awakening") else _over_day for reading in READINGS
}
