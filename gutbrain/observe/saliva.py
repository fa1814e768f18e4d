"""Samples of salivary cortisol: units, times since waking, limits of the assay, and what is wrong with them."""

from __future__ import annotations

import polars as pl

from gutbrain.errors import InputError

# Molar mass 362.46 g/mol (derived).
NMOL_PER_L = {"nmol/l": 1.0, "ug/dl": 27.59}
CENSORED = "outside the assay's range"
BEFORE_WAKING = "sample before waking, or more than 20 h after it"
NO_VALUE = "value is missing"
NOT_POSITIVE = "value is not above 0"
SAME_TIME = "two samples at one time"
BACKWARDS = "times do not rise with the sample number"
DISAGREE = "clock time and minutes since waking disagree"
# Salivary cortisol this high is rather plasma, or another unit (assumed; RIA mornings are 20 +- 8 nmol/L).
TOO_HIGH = 100.0
# Minutes by which clock time less waking time may miss the minutes since waking (assumed).
AGREE = 5.0
COLUMNS = ("value", "unit", "time", "wake_time", "minutes_since_waking", "sample", "censored")


def samples(
    table: pl.DataFrame, *, unit: str | None = None, limits: tuple[float | None, float | None] = (None, None)
) -> pl.DataFrame:
    """Return samples in nmol/L and minutes since waking, each with its fault.

    Parameters
    ----------
    table : one row a sample: person, day, `value`, and either `minutes_since_waking` or `time` with `wake_time`
        (polars Time, or text such as "07:05"; a time before waking is of the next morning). Optional: `unit`,
        `sample` (its number within the day), `censored` (true = the value is a limit of the assay). Other columns
        are keys.
    unit : "nmol/L" or "ug/dL", where the table has no column `unit`
    limits : lowest and highest value that the assay reports, in the unit of `value`

    Returns
    -------
    table with the keys, `minutes_since_waking` and `clock_hour` (null if unknown), `nmol_per_l`, `censored` and
    `fault` (null if none), sorted by keys and time

    Raises
    ------
    InputError : a column is missing, the unit is not given or not known, a time cannot be read
    """
    for name in ("person", "day", "value"):
        if name not in table.columns:
            raise InputError("cortisol: the samples have no such column", field=name,
                             mend="Give one row a sample: person, day, time, wake_time, value.")  # fmt: skip
    if "minutes_since_waking" not in table.columns and "time" not in table.columns:
        raise InputError("cortisol: the samples have no times", mend="Add `time` and `wake_time`.")
    if table.is_empty():
        raise InputError("cortisol: there are no samples", mend="Give one row a sample.")
    keys = ["person", "day", *(name for name in table.columns if name not in ("person", "day", *COLUMNS))]
    factor, value = _factor(table, unit), pl.col("value").cast(pl.Float64).fill_nan(None)
    low, high = limits
    outside = pl.lit(False)
    if low is not None:
        outside |= value < low
    if high is not None:
        outside |= value > high
    told = pl.col("censored").fill_null(False) if "censored" in table.columns else pl.lit(False)
    timed = table.with_columns(_hours(table, "time"), _hours(table, "wake_time")).with_columns(_minutes(table))
    ready = timed.with_columns(
        (value * factor).alias("nmol_per_l"), (outside.fill_null(False) | told).alias("censored"),
        pl.col("hours of time").alias("clock_hour"),
    )  # fmt: skip
    ready = ready.with_columns(_fault(table, keys).alias("fault"))
    order = [*keys, "minutes_since_waking", *(["sample"] if "sample" in table.columns else []), "nmol_per_l"]
    return ready.sort(order, nulls_last=True).select(
        *keys, "minutes_since_waking", "clock_hour", "nmol_per_l", "censored", "fault"
    )


def checks(
    table: pl.DataFrame, *, unit: str | None = None, limits: tuple[float | None, float | None] = (None, None),
    latest_first: float = 10, least_samples: int = 4,
) -> pl.DataFrame:  # fmt: skip
    """Return what is wrong or doubtful in the samples, one row a finding.

    Parameters
    ----------
    table, unit, limits : as in `samples`
    latest_first : most minutes from waking to the first sample
    least_samples : fewest samples of a day

    Returns
    -------
    table with the keys, `what` and `seen`, sorted
    """
    ready = samples(table, unit=unit, limits=limits)
    keys = ready.columns[: ready.columns.index("minutes_since_waking")]
    minutes, value = pl.col("minutes_since_waking"), pl.col("nmol_per_l")
    text = pl.format("{} nmol/L", value.round(2)).fill_null("no value")
    each = [
        ready.filter(pl.col("fault").is_not_null()).select(*keys, what="fault", seen=text),
        ready.filter(value > TOO_HIGH).select(
            *keys, what=pl.lit(f"above {TOO_HIGH:g} nmol/L: plasma, or another unit?"), seen=text
        ),
    ]
    valued = value.is_not_null()
    days = ready.group_by(keys).agg(
        minutes.filter(valued).min().alias("first"), valued.sum().alias("count"),
        minutes.is_null().any().alias("unknown"),
    )  # fmt: skip
    each += [
        days.filter("unknown").select(
            *keys, what=pl.lit("true waking time is missing"), seen=pl.format("{} samples", "count")
        ),
        days.filter(pl.col("first") > latest_first).select(
            *keys, what=pl.lit("first sample is late: no awakening response"),
            seen=pl.format("{} min after waking", pl.col("first").round(1)),
        ),
        days.filter(pl.col("count") < least_samples).select(
            *keys, what=pl.lit(f"fewer than {least_samples} samples"), seen=pl.format("{} samples", "count")
        ),
    ]  # fmt: skip
    return pl.concat(each).unique().sort([*keys, "what", "seen"])


def _factor(table: pl.DataFrame, unit: str | None) -> pl.Expr:
    """Return nmol/L in one of the given unit, row by row."""
    if unit is None and "unit" not in table.columns:
        raise InputError("cortisol: the unit is not given", field="unit", mend="Give unit='nmol/L' or 'ug/dL'.")
    if unit is not None and "unit" in table.columns:
        raise InputError("cortisol: the unit is given twice", field="unit", mend="Leave `unit` to the column.")
    given = table["unit"].unique().to_list() if unit is None else [unit]
    factors = {name: NMOL_PER_L.get(_plain_unit(name)) for name in given}
    for name, factor in factors.items():
        if factor is None:
            raise InputError(f"cortisol: unit {name!r} is not known", field="unit", mend="Use 'nmol/L' or 'ug/dL'.")
    return pl.col("unit").replace_strict(factors, return_dtype=pl.Float64) if unit is None else pl.lit(factors[unit])


def _plain_unit(name: str | None) -> str:
    plain = (name or "").strip().lower().replace(" ", "").replace("mcg", "ug")
    return plain.replace("\u00b5", "u").replace("\u03bc", "u")


def _hours(table: pl.DataFrame, name: str) -> pl.Expr:
    """Return a clock time as hours after midnight."""
    shown = f"hours of {name}"
    if name not in table.columns:
        return pl.lit(None, dtype=pl.Float64).alias(shown)
    column = table[name]
    if column.dtype == pl.String:
        text = column.str.strip_chars().replace("", None)
        parsed = text.str.to_time("%H:%M:%S", strict=False).fill_null(text.str.to_time("%H:%M", strict=False))
        bad = text.filter(parsed.is_null() & text.is_not_null())
        if bad.len():
            raise InputError(f"cortisol: {bad[0]!r} is no clock time", field=name, mend="Write it as 07:05.")
        column = parsed
    elif column.dtype.is_(pl.Null):
        return pl.lit(None, dtype=pl.Float64).alias(shown)
    elif column.dtype == pl.Datetime:
        column = column.dt.time()
    elif column.dtype != pl.Time:
        raise InputError(f"cortisol: times are {column.dtype}", field=name, mend="Write them as 07:05.")
    return pl.lit(column.cast(pl.Int64) / 3.6e12).alias(shown)


def _minutes(table: pl.DataFrame) -> pl.Expr:
    by_clock = ((pl.col("hours of time") - pl.col("hours of wake_time")) * 60) % 1440
    if "minutes_since_waking" not in table.columns:
        return by_clock.alias("minutes_since_waking")
    given = pl.col("minutes_since_waking").cast(pl.Float64).fill_nan(None)
    return given.fill_null(by_clock).alias("minutes_since_waking")


def _fault(table: pl.DataFrame, keys: list[str]) -> pl.Expr:
    """Return the first fault of each sample; a day's fault stands at each of its samples."""
    minutes = pl.col("minutes_since_waking")
    by_clock = ((pl.col("hours of time") - pl.col("hours of wake_time")) * 60) % 1440
    apart = (minutes - by_clock).abs()
    faults = [
        (pl.col("nmol_per_l").is_null(), NO_VALUE),
        ((minutes < 0) | (minutes > 1200), BEFORE_WAKING),
        (pl.min_horizontal(apart, 1440 - apart) > AGREE, DISAGREE),
        (pl.col("nmol_per_l") <= 0, NOT_POSITIVE),
        (minutes.is_not_null() & (pl.len().over([*keys, "minutes_since_waking"]) > 1), SAME_TIME),
    ]
    if "sample" in table.columns:
        faults.append((minutes.sort_by("sample").diff().min().over(keys) < 0, BACKWARDS))
    faults.append((pl.col("censored"), CENSORED))
    return pl.coalesce(*(pl.when(broken).then(pl.lit(name)) for broken, name in faults))
