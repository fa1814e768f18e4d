"""Courses of an outcome: raw means, each person's values, and curves over days with their bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from gutbrain.analyse.formula import quoted
from gutbrain.analyse.models.contrasts import LinearFit, Means, marginal_means
from gutbrain.analyse.models.mixed import Mixed, mixed
from gutbrain.analyse.models.visit_models import ARM, VisitModel, levels
from gutbrain.errors import InputError

CURVES = {"linear": "day", "spline": "cs(day, df=4)"}  # a natural cubic spline with 3 df beside the intercept
GRID = 25  # days at which a curve is told
LEAST_SLOPE = 1e-3  # slopes that part people by less than this share of the remainder are none
LEAST_DAYS = {"linear": 2, "spline": 5}
COURSE = {
    "arm": pl.String(), "visit": pl.String(), "day": pl.Float64(), "people": pl.Int64(),
    "mean": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(),
    "adjusted_mean": pl.Float64(), "adjusted_low": pl.Float64(), "adjusted_high": pl.Float64(),
}  # fmt: skip


def raw_course(table: pl.DataFrame, arm: str = "", confidence: float = 0.95) -> pl.DataFrame:
    """Return means of those who were there, with t intervals.

    Parameters
    ----------
    table : person, visit, day, value, and the arm

    Returns
    -------
    arm, visit, day (median), people, mean, low, high; no interval for fewer than two people
    """
    given = pl.col(arm).cast(pl.String) if arm else pl.lit(None, pl.String)
    rows = table.filter(pl.col("value").is_finite()).with_columns(given.alias(ARM))
    groups = rows.group_by(ARM, "visit", maintain_order=True).agg(
        pl.col("day").median(), pl.col("person").n_unique().cast(pl.Int64).alias("people"),
        pl.col("value").mean().alias("mean"), pl.col("value").std().alias("deviation"), pl.len().alias("rows"),
    )  # fmt: skip
    count = groups["rows"].to_numpy()
    reach = np.where(count > 1, stats.t.ppf((1 + confidence) / 2, np.maximum(count - 1, 1)) / np.sqrt(count), np.nan)
    spread = pl.Series("reach", reach).fill_nan(None) * groups["deviation"]
    made = groups.with_columns((pl.col("mean") - spread).alias("low"), (pl.col("mean") + spread).alias("high"))
    return _ordered(made.drop("deviation", "rows"), table, arm)


def people_table(table: pl.DataFrame, arm: str = "") -> pl.DataFrame:
    """Return person, arm, visit, day, value in the order of arms, people and visits."""
    given = pl.col(arm).cast(pl.String) if arm else pl.lit(None, pl.String)
    rows = table.filter(pl.col("value").is_finite()).with_columns(given.alias(ARM))
    made = rows.select("person", ARM, "visit", "day", "value")
    return _ordered(made, table, arm, "person")


def _ordered(made: pl.DataFrame, table: pl.DataFrame, arm: str, *also: str) -> pl.DataFrame:
    visits = {name: place for place, name in enumerate(levels(table["visit"], table["day"]))}
    arms = {name: place for place, name in enumerate(levels(table[arm]) if arm else [])}
    text = made.with_columns(pl.col("visit").cast(pl.String))
    keys = [
        pl.col(ARM).replace_strict(arms, default=len(arms), return_dtype=pl.Int64), *also,
        pl.col("visit").replace_strict(visits, default=len(visits), return_dtype=pl.Int64), "day",
    ]  # fmt: skip
    return text.sort(keys, maintain_order=True)


def visit_course(table: pl.DataFrame, model: VisitModel, arm: str = "", confidence: float = 0.95) -> pl.DataFrame:
    """Return raw means with the adjusted means of a model beside them; columns as `COURSE`."""
    raw = raw_course(table, arm, confidence)
    means = model.means(confidence).select(
        pl.col("arm").replace({"": None}), "visit", pl.col("estimate").alias("adjusted_mean"),
        pl.col("low").alias("adjusted_low"), pl.col("high").alias("adjusted_high"),
    )  # fmt: skip
    if raw["visit"].null_count() == len(raw):
        raw = raw.with_columns(pl.lit(model.visits[0]).alias("visit"))
    joined = raw.join(means, on=["arm", "visit"], how="left", nulls_equal=True, maintain_order="left")
    return conformed(joined)


def conformed(table: pl.DataFrame) -> pl.DataFrame:
    """Return a course with all its columns in order; what is missing is null."""
    return table.select(
        (pl.col(name) if name in table.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in COURSE.items()
    )


@dataclass(frozen=True)
class DayModel:
    """A mixed model of curves over days.

    Attributes
    ----------
    arms : in order, the reference first; [""] without arms
    curve : a key of `CURVES`
    start, end : first and last day that the contrasts and the curve reach
    shared : arms share one mean at day 0
    """

    fit: Mixed
    arms: list[str]
    curve: str
    start: float
    end: float
    shared: bool
    notes: tuple[str, ...]
    arm_name: str = ARM

    @property
    def method(self) -> str:
        """The model in a few words."""
        told = "natural cubic spline of 3 df" if self.curve == "spline" else "straight line"
        own = "level and slope" if (self.fit.components["term"] == "day").any() else "level"
        shared = "; arms share one mean at day 0" if self.shared else ""
        return f"{self.fit.method}; {told} over days, each person an own {own}{shared}"

    def course(self, confidence: float = 0.95) -> pl.DataFrame:
        """Return the mean curve of each arm with its band; columns as `COURSE`."""
        days = np.linspace(self.start, self.end, GRID)
        made = _at(self.fit, self.arms, days).table(confidence)
        arm = pl.col(ARM) if self.arms[1:] else pl.lit(None)
        return conformed(
            made.select(
                arm.cast(pl.String).alias("arm"), "day", pl.col("estimate").alias("adjusted_mean"),
                pl.col("low").alias("adjusted_low"), pl.col("high").alias("adjusted_high"),
            )
        )  # fmt: skip

    def contrasts(self, confidence: float = 0.95) -> pl.DataFrame:
        """Return change from the first to the last day: its difference between arms, or the change itself."""
        rows, told = self._tested()
        names = dict.fromkeys(("arm", "reference", "visit", "term", "contrast"), pl.String())
        if not rows:
            return pl.concat([pl.DataFrame(schema=names), self.fit.coefficients.drop("term").clear()], how="horizontal")
        right = self.fit.contrast(np.array(rows), confidence)
        return pl.concat([pl.DataFrame(told, schema=names, orient="row"), right], how="horizontal")

    def overall(self) -> dict[str, float] | None:
        """Return the F test of all contrasts together: statistic, df, df_error, p; nothing where it cannot be had."""
        rows = self._tested()[0]
        try:
            return self.fit.joint(np.array(rows)) if len(rows) > 1 else None
        except InputError:  # people are too few, or contrasts imply each other
            return None

    def _tested(self) -> tuple[list[np.ndarray], list[tuple[str | None, str, str, str, str]]]:
        means = _at(self.fit, self.arms, np.array([self.start, self.end]))
        rows: list[np.ndarray] = []
        told: list[tuple[str | None, str, str, str, str]] = []
        for arm in self.arms[1:] or self.arms[:1]:
            pair = [_change(means, who) for who in ([arm, self.arms[0]] if self.arms[1:] else [""])]
            if any(part is None for part in pair):
                continue
            known = [part for part in pair if part is not None]
            rows.append(known[0] - known[1] if len(known) > 1 else known[0])
            reference = self.arms[0] if self.arms[1:] else f"day {self.start:g}"
            term = f"{self.arm_name}[{arm}]:{CURVES[self.curve]}" if self.arms[1:] else CURVES[self.curve]
            what = "difference in change" if self.arms[1:] else "change"
            told.append((arm or None, reference, f"day {self.end:g}", term, what))
        return rows, told


def _with_slopes(rows: pl.DataFrame, formula: str, degrees_method: str, notes: list[str]) -> Mixed:
    """Return the fit with a level and a slope of each person, or what of it can be estimated."""
    try:
        fit = mixed(rows, "value", formula, random="1 + day", degrees_method=degrees_method)
        if not fit.singular and fit.converged:
            return fit
        # A correlation of 1 is no reason to drop slopes that differ: intervals would be too narrow.
        fit = mixed(rows, "value", formula, random="1 + day", correlated=False, degrees_method=degrees_method)
        slopes = fit.components.filter(pl.col("term") == "day")["standard_deviation"][0]
        reach = slopes * float(np.ptp(rows["day"].to_numpy()))
        if fit.converged and reach > LEAST_SLOPE * fit.components["standard_deviation"][-1]:
            notes.append("level and slope of people are taken as uncorrelated: how they go together is not estimable")
            return fit
    except InputError as error:
        if "random effects" not in error.what and "one level" not in error.what:
            raise
    notes.append("no slope of their own can be estimated for people: they differ by their level only")
    return mixed(rows, "value", formula, random="1", degrees_method=degrees_method)


def _at(fit: LinearFit, arms: list[str], days: np.ndarray) -> Means:
    return marginal_means(fit, ["day", *([ARM] if arms[1:] else [])], {"day": days.tolist()})


def _change(means: Means, arm: str) -> np.ndarray | None:
    days = means.levels["day"].unique().sort().to_list()
    key = {ARM: arm} if arm else {}
    ends = [means.row(day=day, **key) for day in (days[0], days[-1])]
    return None if ends[0] is None or ends[1] is None or len(days) < 2 else ends[1] - ends[0]


def day_model(
    table: pl.DataFrame,
    arm: str = "",
    adjust: Sequence[str] = (),
    curve: str = "linear",
    shared: bool = False,
    degrees_method: str = "kenward-roger",
) -> DayModel:
    """Return the model of an outcome over days, each person with an own level and slope.

    Parameters
    ----------
    table : person, day, value, the arm and what is adjusted for
    curve : "linear", or "spline": a natural cubic spline with 3 degrees of freedom
    shared : arms share one mean at day 0, as randomisation before it makes sure; straight lines only

    Raises
    ------
    InputError
        For an unknown curve, too few days, or a model that cannot be fitted.

    Notes
    -----
    Where level and slope of people cannot be told to go together, they are taken as uncorrelated; where no slope of
    their own can be estimated, people differ by their level only. Notes say so.
    """
    if curve not in CURVES:
        raise InputError(f"curve = {curve!r} is not known", field="curve", mend=f"Known: {', '.join(CURVES)}")
    rows = table.filter(pl.col("value").is_finite() & pl.col("day").is_finite())
    notes: list[str] = []
    if arm:
        rows = rows.filter(pl.col(arm).is_not_null())
    if len(rows) < len(table):
        notes.append(f"{len(table) - len(rows)} of {len(table)} rows left out: no value, day{' or arm' if arm else ''}")
    if rows["day"].n_unique() < LEAST_DAYS[curve]:
        what = f"a {curve} curve needs {LEAST_DAYS[curve]} different days, there are {rows['day'].n_unique()}"
        raise InputError(what, field="day", mend='Use curve = "linear", or time = "visit"')
    arms = levels(rows[arm]) if arm else [""]
    kind = pl.col(arm).cast(pl.String).cast(pl.Enum(arms)) if arm else pl.lit("")
    rows = rows.with_columns(kind.alias(ARM), pl.col("person").cast(pl.String), pl.col("value").cast(pl.Float64))
    moved = int((rows.group_by("person").agg(pl.col(ARM).n_unique())[ARM] > 1).sum())
    if moved:
        notes.append(f'{moved} people change arms: courses of arms mix what came before; time = "visit" compares arms')
    if shared and curve == "spline":
        notes.append("a spline has no shared mean at day 0: each arm has its own curve")
        shared = False
    several = len(arms) > 1
    term = CURVES[curve]
    main = f"{term} + {ARM}:{term}" if several and shared else f"{ARM} * {term}" if several else term
    formula = " + ".join([main, *map(quoted, adjust)])
    fit = _with_slopes(rows, formula, degrees_method, notes)
    days = fit.table["day"].to_numpy()
    if np.ptp(days) == 0 or not len(_at(fit, arms, days[:1]).levels):
        raise InputError("no course of the arms can be told: covariates imply them, or one day is left", field="day")
    own = [note for note in fit.notes if not (curve == "spline" and "cs(day" in note and "implies it" in note)]
    return DayModel(
        fit, arms, curve, float(days.min()), float(days.max()), shared and several, (*notes, *own), arm or ARM
    )
