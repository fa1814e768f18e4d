"""Stool diaries and dye tests: form as a distribution, stools a week, and what both say about transit."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from scipy.special import gammaincinv, ndtr

from gutbrain.errors import InputError

CATEGORIES = range(1, 8)
# Fewest days of a kept diary from which stools a week are told (assumed).
LEAST_DAYS = 7
# Observation equations of stool form and frequency, whose coefficients are assumed.
FORM_CENTRE, FORM_SLOPE, FORM_NOISE = 4.0, 1.35, 0.85
FREQUENCY_CENTRE, FREQUENCY_SLOPE, FREQUENCY_NOISE = 8.0, 0.40, 0.38
# Whole-gut transit of the population: median of Asnicar2021, log-SD of the axis' own cohort (derived).
TRANSIT_CENTRE, TRANSIT_SPREAD = 28.7, 0.31
# Log-SD of a single dye or pellet test (assumed).
DYE_NOISE = 0.30
LONGEST_DYE = 240.0  # hours; a longer interval is rather a wrong date (assumed)
WITHIN_95 = 1.959964
TRANSIT_METHOD = (
    "form and frequency equations with assumed coefficients, which tie stool to transit more loosely than "
    "measured (LewisHeaton1997); prior median 28.7 h, log-SD 0.31; 95 % interval; not a transit test"
)
DYE_METHOD = "blue dye, swallowing to first blue stool; 95 % interval from an assumed log-SD of 0.30 a test"


def form_summary(diary: pl.DataFrame) -> pl.DataFrame:
    """Return the distribution of the Bristol form; it is ordinal, so no mean is given.

    Parameters
    ----------
    diary : one row a stool: person, `form` (1 to 7; null = no stool, or its form not noted), and `date` or `time`;
        other columns are keys

    Returns
    -------
    table with the keys, `stools` (with a form), `form_1` to `form_7` (shares), `median_low` and `median_high` (the
    two middle categories, which are one if their number is odd), `hard` (share of 1 and 2), `loose` (6 and 7),
    `method` and `withheld`

    Raises
    ------
    InputError : a column is missing, a form is none of 1 to 7
    """
    _need(diary, ("person", "form"))
    written = diary["form"].cast(pl.String).str.strip_chars().replace(["", "NaN"], None)
    given = written.cast(pl.Float64, strict=False)
    wrong = diary.filter(written.is_not_null() & ~given.is_in([float(one) for one in CATEGORIES]).fill_null(False))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise InputError(f"stool form {row['form']!r} of person {row['person']!r} is none of 1 to 7", field="form",
                         mend="Give the Bristol category, or leave it empty.")  # fmt: skip
    keys = _keys(diary, ("form", "date", "time"))
    form, known = pl.col("form"), pl.col("form").is_not_null()
    ordered = diary.with_columns(given.alias("form")).sort([*keys, "form"], nulls_last=True)
    count = known.sum()
    found = ordered.group_by(keys, maintain_order=True).agg(
        count.alias("stools"),
        *((form == one).sum().truediv(count).alias(f"form_{one}") for one in CATEGORIES),
        form.drop_nulls().quantile(0.5, "lower").cast(pl.Int64).alias("median_low"),
        form.drop_nulls().quantile(0.5, "higher").cast(pl.Int64).alias("median_high"),
        (form <= 2).sum().truediv(count).alias("hard"), (form >= 6).sum().truediv(count).alias("loose"),
    )  # fmt: skip
    shares = [f"form_{one}" for one in CATEGORIES] + ["hard", "loose"]
    return found.with_columns(
        pl.col(shares).fill_nan(None), pl.lit("Bristol form, shares of stools").alias("method"),
        pl.when(pl.col("stools") == 0).then(pl.lit("no stool with a form")).alias("withheld"),
    )  # fmt: skip


def frequency(
    diary: pl.DataFrame, *, start: date | None = None, end: date | None = None, least_days: int = LEAST_DAYS
) -> pl.DataFrame:
    """Return stools a week from the days on which a diary was kept.

    Parameters
    ----------
    diary : person, `date`, and `stools` (number on that day, 0 = none, null = not kept) or else one row a stool with
        `form`. Without `stools` a day counts as kept if it has a row, so a day without stool needs a row with an
        empty `form`, or the frequency is too high, and a stool without its form is not counted; other columns are keys
    start, end : first and last day of the period; each person's own first and last row where left out
    least_days : fewest kept days

    Returns
    -------
    table with the keys, `stools`, `kept_days`, `period_days`, `coverage` (kept share of the period), `per_week` with
    `low` and `high` (exact 95 % interval of a Poisson count), `unit`, `method` and `withheld`

    Raises
    ------
    InputError : a column is missing, dates are no dates, a day has a negative or broken number, or stands twice
    """
    _need(diary, ("person", "date"))
    if not ({"stools", "form"} & set(diary.columns)):
        raise InputError("the diary has neither `stools` nor `form`", mend="Give the number of stools of each day.")
    days = _days(diary)
    keys = [name for name in days.columns if name not in ("date", "stools")]
    first, last = (pl.lit(start) if start else pl.col("date").min(), pl.lit(end) if end else pl.col("date").max())
    inside = pl.lit(True)
    if start:
        inside &= pl.col("date") >= start
    if end:
        inside &= pl.col("date") <= end
    kept = inside & pl.col("stools").is_not_null()
    found = days.group_by(keys).agg(
        pl.col("stools").filter(kept).sum(), kept.sum().alias("kept_days"),
        ((last - first).dt.total_days() + 1).alias("period_days"),
    ).sort(keys)  # fmt: skip
    count, kept_days = found["stools"].to_numpy().astype(float), found["kept_days"].to_numpy()
    enough = kept_days >= max(least_days, 1)
    safe = np.where(enough, kept_days, 1)
    low = 7 * np.where(count > 0, gammaincinv(np.maximum(count, 1), 0.025), 0) / safe
    high = 7 * gammaincinv(count + 1, 0.975) / safe
    method = "by days with a row" if "stools" not in diary.columns else "by days with a number"
    return found.with_columns(
        (pl.col("kept_days") / pl.col("period_days")).alias("coverage"),
        *(pl.Series(name, np.where(enough, value, np.nan)).fill_nan(None)
          for name, value in (("per_week", 7 * count / safe), ("low", low), ("high", high))),
        pl.lit("1/week").alias("unit"), pl.lit(f"stools over kept days, {method}").alias("method"),
        pl.when(~pl.Series(enough)).then(pl.format("{} kept days, {} are needed", "kept_days", pl.lit(least_days)))
        .alias("withheld"),
    )  # fmt: skip


def _days(diary: pl.DataFrame) -> pl.DataFrame:
    """Return one row a person and day with the number of stools."""
    column = diary["date"]
    if column.dtype == pl.String:
        column = column.str.to_date("%Y-%m-%d", strict=False)
        if column.null_count() > diary["date"].null_count():
            bad = diary["date"].filter(column.is_null() & diary["date"].is_not_null())[0]
            raise InputError(f"{bad!r} is no date", field="date", mend="Write it as 2025-03-09.")
    elif column.dtype == pl.Datetime:
        column = column.dt.date()
    if column.dtype != pl.Date or column.null_count():
        raise InputError("a date is missing or no date", field="date", mend="Write it as 2025-03-09.")
    keys = _keys(diary, ("form", "date", "time", "stools"))
    dated = diary.with_columns(column.alias("date"))
    if "stools" not in diary.columns:
        return dated.group_by([*keys, "date"]).agg(pl.col("form").is_not_null().sum().cast(pl.Float64).alias("stools"))
    counted = dated.select(*keys, "date", pl.col("stools").cast(pl.Float64).fill_nan(None))
    for what, bad in (("is negative or no whole number", counted.filter(
                          (pl.col("stools") < 0) | (pl.col("stools") != pl.col("stools").round()))),
                      ("stands twice", counted.filter(pl.struct(*keys, "date").is_duplicated()))):  # fmt: skip
        if bad.height:
            row = bad.row(0, named=True)
            raise InputError(f"the diary day {row['date']} of person {row['person']!r} {what}", field="stools",
                             mend="Give one number of stools a day.")  # fmt: skip
    return counted


def transit_from_stools(form: int | None = None, per_week: float | None = None) -> dict[str, float | str | None]:
    """Return what stool form and frequency say about whole-gut transit, which is little.

    Parameters
    ----------
    form : typical Bristol category, 1 to 7, such as the median; one category counts once, however many stools it
        stands for
    per_week : stools a week, above 0

    Returns
    -------
    dict with `hours` (median), `low` and `high` (95 %), `unit`, `method` and `withheld`

    Raises
    ------
    InputError : a form that is none of 1 to 7, a frequency that is not above 0

    Source
    ------
    Asnicar2021 (median); the coefficients are assumed.
    """
    if form is not None and form not in CATEGORIES:
        raise InputError(f"stool form {form!r} is none of 1 to 7", field="form", mend="Give a Bristol category.")
    if per_week is not None and not 0 < per_week < np.inf:
        raise InputError(f"{per_week!r} stools a week are not above 0", field="per_week", mend="Leave it out.")
    if form is None and per_week is None:
        return {"hours": None, "low": None, "high": None, "unit": "h", "method": TRANSIT_METHOD,
                "withheld": "neither form nor frequency is known"}  # fmt: skip
    slow = np.linspace(-2, 2, 4001)  # ln(transit / 28.7 h)
    weight = np.exp(-((slow / TRANSIT_SPREAD) ** 2) / 2)
    if form is not None:
        centre = FORM_CENTRE - FORM_SLOPE * slow
        # The ends take what is beyond them.
        below = 0.0 if form == 1 else ndtr((form - 0.5 - centre) / FORM_NOISE)
        weight = weight * ((1.0 if form == 7 else ndtr((form + 0.5 - centre) / FORM_NOISE)) - below)
    if per_week is not None:
        centre = np.log(FREQUENCY_CENTRE) - FREQUENCY_SLOPE * slow
        weight = weight * np.exp(-(((np.log(per_week) - centre) / FREQUENCY_NOISE) ** 2) / 2)
    shares = np.cumsum(weight) / weight.sum()
    low, middle, high = (float(TRANSIT_CENTRE * np.exp(np.interp(at, shares, slow))) for at in (0.025, 0.5, 0.975))
    return {"hours": middle, "low": low, "high": high, "unit": "h", "method": TRANSIT_METHOD, "withheld": None}


def blue_dye(table: pl.DataFrame) -> pl.DataFrame:
    """Return whole-gut transit from a dye test.

    Parameters
    ----------
    table : person, `swallowed` and `first_blue` (Datetime; null = not noted), optionally `last_plain` (the last stool
        before, which was not blue): true transit lies between it and the first blue stool; other columns are keys

    Returns
    -------
    table with the keys, `hours`, `low` and `high` (95 %, of the test's own noise), `after` (hours of the last plain
    stool, null if unknown), `unit`, `method` and `withheld`

    Raises
    ------
    InputError : a column is missing or holds no date and time
    """
    _need(table, ("person", "swallowed", "first_blue"))
    times = [name for name in ("swallowed", "first_blue", "last_plain") if name in table.columns]
    for name in times:
        if table.schema[name] not in (pl.Datetime, pl.Null):
            raise InputError(f"times are {table.schema[name]}", field=name, mend="Give date and time of each event.")
    moments = table.with_columns(pl.col(times).cast(pl.Datetime("us")))
    keys = _keys(table, ("swallowed", "first_blue", "last_plain"))
    start, hours = pl.col("swallowed"), pl.col("hours")
    plain = pl.col("last_plain") if "last_plain" in times else pl.lit(None, dtype=pl.Datetime("us"))
    timed = moments.select(
        *keys, ((pl.col("first_blue") - start).dt.total_seconds() / 3600).alias("hours"),
        ((plain - start).dt.total_seconds() / 3600).alias("after"),
    )  # fmt: skip
    reason = (
        pl.when(hours.is_null()).then(pl.lit("a time is missing"))
        .when(hours <= 0).then(pl.lit("blue before the dye was swallowed"))
        .when(hours > LONGEST_DYE).then(pl.format("{} h are longer than {} h: a wrong date?", hours.round(1),
                                                  pl.lit(LONGEST_DYE)))
        .when(pl.col("after") >= hours).then(pl.lit("the last plain stool is not before the first blue one"))
    )  # fmt: skip
    spread = float(np.exp(WITHIN_95 * DYE_NOISE))
    shown = timed.with_columns(reason.alias("withheld"))
    shown = shown.with_columns(pl.when(pl.col("withheld").is_null()).then(hours).alias("hours"))
    return shown.sort(keys).select(
        *keys, "hours", (hours / spread).alias("low"), (hours * spread).alias("high"), "after",
        pl.lit("h").alias("unit"), pl.lit(DYE_METHOD).alias("method"), "withheld",
    )  # fmt: skip


def _keys(table: pl.DataFrame, other: tuple[str, ...]) -> list[str]:
    return ["person", *(name for name in table.columns if name not in ("person", *other))]


def _need(table: pl.DataFrame, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in table.columns:
            raise InputError("the table has no such column", field=name, mend=f"Give {', '.join(names)}.")
    if table.is_empty():
        raise InputError("the table is empty", mend="Give at least one row.")
