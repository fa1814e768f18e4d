"""Experience sampling: level, spread, inertia and instability of what people said several times a day.

Nights are never bridged: a pair of moments is two answers of one day, and days are what is resampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from gutbrain.analyse.persons.experience_time import continuous_inertia, gap_exponent
from gutbrain.errors import InputError
from gutbrain.study.study import Study

DAY_BEGINS = 4.0  # o'clock: what is said before belongs to the day before
MOMENT = 1e-6  # of a day: what rounding makes of a clock time
PROMPTS = "prompts"  # what ratings of the mind that stand among the readings are called
LEAST_DAYS = 5  # below this, days are too few to be resampled
FEW_PAIRS = 30  # below this, the bias of inertia is said
ACUTE = 0.9  # quantile of all changes of an outcome, from which a change is called acute
STATISTICS = ("mean", "standard deviation", "inertia", "mean squared successive difference",
              "root mean squared successive difference", "instability adjusted for gaps", "acute changes",
              "correlation time")  # fmt: skip
SCHEMA: dict[str, pl.DataType] = {
    "person": pl.String(), "period": pl.String(), "outcome": pl.String(), "statistic": pl.String(),
    "value": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(), "unit": pl.String(), "moments": pl.Int64(),
    "pairs": pl.Int64(), "days": pl.Int64(), "note": pl.String(),
}  # fmt: skip


@dataclass(frozen=True)
class Moments:
    """Answers in time.

    Attributes
    ----------
    table : person, period, outcome, date (number of the day), hours (continuous), value; sorted, one row a moment
    notes : what was left out, in words
    """

    table: pl.DataFrame
    notes: tuple[str, ...] = ()


def diary_forms(study: Study) -> list[str]:
    """Return the forms of a study that are no questionnaire: diaries and prompts."""
    from gutbrain.observe.forms import find

    found = []
    for form in study.answers["form"].unique(maintain_order=True).to_list():
        try:
            find(form)
        except InputError:
            found.append(form)
    return found + ([PROMPTS] if len(prompted(study)) else [])


def prompted(study: Study) -> pl.DataFrame:
    """Return ratings of the mind that stand among the readings, several a day, as answers to a form `prompts`."""
    mind = pl.col("quantity").str.starts_with("mind.") & pl.col("day").is_not_null()
    rows = study.readings.filter(mind & (pl.col("method").is_null() | (pl.col("method") != "model value")))
    several = pl.len().over("person", "quantity", pl.col("day").floor()).max().over("quantity") > 1
    return rows.filter(several).select(
        "person", "visit", "day", "time", pl.lit(PROMPTS).alias("form"), pl.col("quantity").alias("item"), "value"
    )


def diary_answers(study: Study) -> pl.DataFrame:
    """Return the answers of all diaries, and ratings of the mind that stand among the readings."""
    return pl.concat([study.answers.filter(pl.col("form").is_in(diary_forms(study))), prompted(study)])


def moments(
    study: Study, forms: Sequence[str] = (), scales: Mapping[str, Sequence[str]] | None = None,
    day_begins: float = DAY_BEGINS,
) -> Moments:  # fmt: skip
    """Return the answers of diaries in time.

    Parameters
    ----------
    forms : names; all forms that are no questionnaire by default
    scales : name -> items; a scale is the mean of its items at moments at which all were answered. Without scales
        each item is an outcome, named `form.item`
    day_begins : o'clock at which a day of experience begins

    Raises
    ------
    InputError
        If the study has no such answers, or none of them has a day or time.

    Notes
    -----
    Visits are periods (such as a week before and a week after) where a person has several moments in them; a visit
    that is a single prompt is none. A person's moments are told by its clock where all its answers have one, else by
    its days: the two are never mixed within a person, as days count from another beginning.
    """
    known = diary_forms(study)
    wrong = [form for form in forms if form not in known]
    if wrong or not known:
        raise InputError(f"the study has no diary {wrong[0]!r}" if wrong else "the study has no diary", file="answers",
                         field="form", mend=f"It has {', '.join(known) or 'none'}")  # fmt: skip
    rows = diary_answers(study).filter(pl.col("form").is_in(list(forms) or known))
    clock = (pl.col("time") - pl.datetime(1970, 1, 1)).dt.total_seconds() / 86_400
    mostly = (clock.is_not_null().sum() >= pl.col("day").is_not_null().sum()).over("person")
    rows = rows.with_columns(pl.when(mostly).then(clock).otherwise("day").alias("at"))
    gone = int(rows["at"].null_count())
    rows = rows.filter(pl.col("at").is_not_null())
    if rows.is_empty():
        raise InputError("no answer of the diary has a day or time", file="answers", field="time")
    rows = rows.with_columns(_period(rows))
    if scales:
        outcomes = [_scale(rows, name, list(items)) for name, items in scales.items()]
        table = pl.concat(outcomes)
    else:
        table = rows.with_columns(pl.format("{}.{}", "form", "item").alias("outcome"))
    shifted = pl.col("at") - day_begins / 24 + MOMENT
    table = table.select(
        "person", "period", "outcome", shifted.floor().cast(pl.Int64).alias("date"),
        (pl.col("at") * 24).alias("hours"), "value",
    )  # fmt: skip
    same = table.group_by("person", "outcome", "hours", maintain_order=True)
    single = same.agg(pl.col("period").first(), pl.col("date").first(), pl.col("value").mean())
    notes = [f"{gone} answers without day or time (or with one where most of a person have the other) were left out"]
    notes = notes if gone else []
    if len(single) < len(table):
        notes.append(f"{len(table) - len(single)} answers share item and moment with another: their mean stands")
    order = ["person", "outcome", "hours"]
    return Moments(single.select("person", "period", "outcome", "date", "hours", "value").sort(order), tuple(notes))


def _period(rows: pl.DataFrame) -> pl.Series:
    """Return the visit as a period where visits hold several moments each, else null."""
    per = rows.filter(pl.col("visit").is_not_null()).group_by("person", "visit").agg(pl.col("at").n_unique())
    several = len(per) > 0 and float(per["at"].median() or 0) > 1  # type: ignore[arg-type]
    return rows["visit"].alias("period") if several else pl.Series("period", [None] * len(rows), dtype=pl.String)


def _scale(rows: pl.DataFrame, name: str, items: list[str]) -> pl.DataFrame:
    known = rows["item"].unique().to_list()
    lost = [item for item in items if item not in known]
    if lost or not items:
        raise InputError(f"scale {name!r}: no item {lost[0] if lost else ''!r}", field="item",
                         mend=f"Items are {', '.join(sorted(known)[:40])}")  # fmt: skip
    part = rows.filter(pl.col("item").is_in(items))
    made = part.group_by("person", "period", "form", "at", maintain_order=True).agg(
        pl.col("value").mean(), pl.col("item").n_unique().alias("answered")
    )
    return made.filter(pl.col("answered") == len(items)).with_columns(pl.lit(name).alias("outcome"))


def compliance(study: Study, confidence: float = 0.95) -> pl.DataFrame:
    """Return the share of prompts that each person answered, where the visits are the prompts.

    Returns
    -------
    table with person, prompts, answered, share, low, high (Wilson); empty where the study does not list its prompts
    """
    from gutbrain.analyse.models.proportions import wilson

    schema = {"person": pl.String, "prompts": pl.Int64, "answered": pl.Int64, "share": pl.Float64, "low": pl.Float64,
              "high": pl.Float64}  # fmt: skip
    diary = study.answers.filter(pl.col("form").is_in(diary_forms(study)) & pl.col("visit").is_not_null())
    if diary.is_empty() or study.visits.is_empty() or _period(diary.with_columns(at=pl.col("day"))).is_not_null().any():
        return pl.DataFrame(schema=schema)
    given = diary.select("person", "visit").unique().with_columns(pl.lit(True).alias("given"))
    # A visit at which something else was done, and by nobody the diary, is no prompt.
    others = study.answers.filter(~pl.col("form").is_in(diary_forms(study))).select("visit")
    other = pl.concat([others, *(study.tables[name].select("visit") for name in ("samples", "readings", "beats"))])
    no_prompts = set(other["visit"].drop_nulls()) - set(diary["visit"])
    prompts = study.visits.filter(~pl.col("visit").is_in(list(no_prompts)))
    listed = prompts.select("person", "visit").join(given, on=["person", "visit"], how="left")
    rows = []
    for (person,), own in listed.sort("person").group_by("person", maintain_order=True):
        hits = int(own["given"].sum() or 0)
        rows.append((person, len(own), hits, hits / len(own), *wilson(hits, len(own), confidence)))
    return pl.DataFrame(rows, schema=schema, orient="row")


def summaries(
    table: pl.DataFrame,
    *,
    longest_gap: float = 0.0,
    acute: float = 0.0,
    draws: int = 500,
    confidence: float = 0.95,
    continuous: bool = True,
    generator: np.random.Generator | None = None,
) -> pl.DataFrame:
    """Return the statistics of each person, period and outcome.

    Parameters
    ----------
    table : as `moments` gives it
    longest_gap : hours; pairs further apart do not count (0 = no limit within a day)
    acute : size of a change that is acute; 0 = the 90 % quantile of all changes of the outcome
    draws : of days with replacement, for the intervals
    continuous : fit the correlation time as well

    Returns
    -------
    table with person, period, outcome, statistic (`STATISTICS`), value, low, high, unit, moments, pairs, days, note

    Notes
    -----
    Inertia is the slope of a moment on the one before it, of the same day (as in Houben, Van den Noortgate &
    Kuppens 2015, doi 10.1037/a0038822). Instability, its adjustment for unequal gaps and acute changes follow Jahng,
    Wood & Trull 2008, doi 10.1037/a0014173; the exponent of the gap is fitted here to all people of an outcome
    (mean of the squared change proportional to a power of the gap). Intervals: percentiles over resampled days,
    expanded for few days (Hesterberg 2015, doi 10.1080/00031305.2015.1089789).
    """
    generator = generator or np.random.default_rng(1)
    parts = []
    for (outcome,), rows in table.group_by("outcome", maintain_order=True):
        held = [_Own(own, longest_gap) for _, own in rows.group_by("person", "period", maintain_order=True)]
        changes = np.concatenate([own.change for own in held])
        cut = acute or (float(np.quantile(np.abs(changes), ACUTE)) if len(changes) else 0.0)
        cut = cut or float(np.finfo(float).tiny)  # where hardly anything changes, any change is acute
        exponent = gap_exponent([(own.change, own.gap) for own in held])
        gaps = np.concatenate([own.gap for own in held])
        usual = float(np.median(gaps)) if len(gaps) else 1.0
        for own in held:
            parts += own.rows(str(outcome), cut, exponent, usual, draws, confidence, continuous, generator,
                              len(gaps) > 0)  # fmt: skip
    return pl.DataFrame(parts, schema=SCHEMA, orient="row")


def _expanded(days: int, confidence: float) -> list[float]:
    """Return the quantiles of resamples that make an interval: further out than the plain ones where days are few."""
    reach = float(stats.t.ppf((1 + confidence) / 2, days - 1)) * np.sqrt(days / (days - 1))
    return [float(stats.norm.cdf(-reach)), float(stats.norm.cdf(reach))]


class _Own:
    """Moments of one person, period and outcome; sums a day make every statistic and every resample of days."""

    def __init__(self, rows: pl.DataFrame, longest_gap: float) -> None:
        self.person, self.period = rows["person"][0], rows["period"][0]
        self.values, self.hours = rows["value"].to_numpy(), rows["hours"].to_numpy()
        _, self.date = np.unique(rows["date"].to_numpy(), return_inverse=True)
        self.days = int(self.date.max()) + 1
        near = np.diff(self.date) == 0
        if longest_gap > 0:
            near &= np.diff(self.hours) <= longest_gap
        self.later = np.flatnonzero(near) + 1
        self.change = (self.values[1:] - self.values[:-1])[near]
        self.gap = np.diff(self.hours)[near]

    def rows(
        self, outcome: str, cut: float, exponent: float, usual: float, draws: int, confidence: float,
        continuous: bool, generator: np.random.Generator, in_pairs: bool = True,
    ) -> list[tuple[object, ...]]:  # fmt: skip
        """Return one row a statistic."""
        centre = self.values.mean()
        sums = self._sums(self.values - centre, cut, exponent, usual)
        seen = _statistics(sums.sum(axis=0, keepdims=True), centre)
        ends: dict[str, tuple[float | None, float | None]] = {}
        if self.days >= LEAST_DAYS and draws > 0:
            weights = generator.multinomial(self.days, np.full(self.days, 1 / self.days), size=draws)
            for name, drawn in _statistics(weights @ sums, centre).items():
                good = drawn[np.isfinite(drawn)]
                if len(good) > draws / 2:
                    both = np.quantile(good, _expanded(self.days, confidence))
                    ends[name] = float(both[0]), float(both[1])
        units = {"mean": "point", "standard deviation": "point", "inertia": "1", "acute changes": "share of pairs",
                 "mean squared successive difference": "point squared",
                 "instability adjusted for gaps": "point squared",
                 "root mean squared successive difference": "point"}  # fmt: skip
        made: list[tuple[object, ...]] = []
        # What is asked once a day has no pairs anywhere: only level and spread are told.
        names = list(units.items()) if in_pairs else list(units.items())[:2]
        for name, unit in names:
            value = float(seen[name][0])
            known = np.isfinite(value)
            low, high = ends.get(name, (None, None)) if known else (None, None)
            note = self._note(name, value)
            made.append(self._row(outcome, name, value if known else None, low, high, unit, note))
        if continuous and in_pairs:
            found = continuous_inertia(self.hours, self.values, self.date, confidence)
            made.append(self._row(outcome, "correlation time", found.hours, found.low, found.high, "h", found.note))
        return made

    def _row(self, outcome: str, name: str, value: float | None, low: float | None, high: float | None, unit: str,
             note: str | None) -> tuple[object, ...]:  # fmt: skip
        return (self.person, self.period, outcome, name, value, low, high, unit, len(self.values), len(self.gap),
                self.days, note)  # fmt: skip

    def _note(self, name: str, value: float) -> str | None:
        if not np.isfinite(value):
            return "the answers do not vary" if len(self.gap) > 1 else f"{len(self.gap)} pairs of moments in one day"
        if name == "inertia" and len(self.gap) < FEW_PAIRS:
            bias = -(1 + 3 * value) / max(len(self.gap), 1)
            return f"{len(self.gap)} pairs: biased by about {bias:+.2f}"
        return f"{self.days} days are too few for an interval" if self.days < LEAST_DAYS else None

    def _sums(self, values: np.ndarray, cut: float, exponent: float, usual: float) -> np.ndarray:
        """Return sums a day (array [day, 11])."""
        one, first, second = np.ones(len(values)), values[self.later - 1], values[self.later]
        squared = self.change**2
        adjusted = squared / (self.gap / usual) ** exponent
        columns = [(self.date, each) for each in (one, values, values**2)]
        columns += [(self.date[self.later], each) for each in (
            one[self.later], first, second, first**2, first * second, squared, adjusted,
            (np.abs(self.change) >= cut).astype(float),
        )]  # fmt: skip
        return np.column_stack([np.bincount(at, each, self.days) for at, each in columns])


def _statistics(sums: np.ndarray, centre: float) -> dict[str, np.ndarray]:
    """Return the statistics of sums over days (array [draw, 11]); not a number where they are not defined."""
    count, total, squares, pairs, first, second, first2, both, change, adjusted, acute = sums.T

    def over(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
        return np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)

    mean = over(total, count)
    spread = np.sqrt(np.maximum(over(squares - count * mean**2, count - 1), 0))
    within = first2 - over(first**2, pairs)
    # What rounding leaves of answers that never change is no spread.
    slope = over(both - over(first * second, pairs), np.where(within > 1e-12 * np.maximum(first2, 1e-300), within, 0))
    successive = over(change, pairs)
    return {
        "mean": mean + centre, "standard deviation": spread, "inertia": slope,
        "mean squared successive difference": successive,
        "root mean squared successive difference": np.sqrt(successive),
        "instability adjusted for gaps": over(adjusted, pairs), "acute changes": over(acute, pairs),
    }  # fmt: skip
