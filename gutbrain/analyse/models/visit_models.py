"""Arms compared over visits: which model, how the baseline enters, and the contrasts that answer the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.analyse.formula import quoted
from gutbrain.analyse.models.contrasts import LinearFit, marginal_means, ordinary, standardised
from gutbrain.analyse.models.mixed import mixed
from gutbrain.analyse.models.mmrm import mmrm
from gutbrain.errors import InputError

BASELINES = {
    "constrained": "arms share one mean at baseline",
    "covariate": "the baseline is a covariate",
    "change": "the outcome is the change from baseline",
    "free": "each arm has its own mean at baseline",
}
WITHIN = "within"  # how arms are compared where most people were in several of them
CROSSED = "arms are compared within people, all visits together, without carry-over"
ALL = "all visits"
MODELS = ("mmrm", "mixed", "ancova", "ordinary")
ONCE = "once"  # the only visit where none is named
MOST_VISITS = 8  # of a covariance between visits without a pattern
ARM, BEFORE = "arm", "value at baseline"


@dataclass(frozen=True)
class VisitModel:
    """A model of visits and arms.

    Attributes
    ----------
    fit : the linear model
    visits, arms : in order, the baseline and the reference first; an arm "" where there are none
    handling : of the baseline, a key of `BASELINES`; "" without a baseline; `WITHIN` where people change arms
    cells : (visit, arm) -> combination of coefficients that is its adjusted mean
    shift : what an adjusted mean lacks to be on the scale of the outcome (the mean baseline, for changes)
    deviation, people : standard deviation of the baseline within arms, and of how many people
    notes : what the reader should know
    arm_name : column of the arms
    """

    fit: LinearFit
    visits: list[str]
    arms: list[str]
    handling: str
    cells: dict[tuple[str, str], np.ndarray]
    shift: float
    deviation: float
    people: int
    notes: tuple[str, ...]
    arm_name: str = ARM

    @property
    def method(self) -> str:
        """The model in a few words."""
        told = CROSSED if self.handling == WITHIN else BASELINES.get(self.handling)
        return f"{self.fit.method}; {told}" if told else self.fit.method

    def means(self, confidence: float = 0.95) -> pl.DataFrame:
        """Return adjusted means: visit, arm, estimate, standard_error, df, low, high."""
        keys = [key for key in self.cells if np.abs(self.cells[key]).max() > 0]
        made = self.fit.contrast(np.array([self.cells[key] for key in keys]), confidence)
        names = {"visit": [key[0] for key in keys], "arm": [key[1] for key in keys]}
        shifted = made.with_columns(pl.col("estimate", "low", "high") + self.shift).drop("statistic", "p")
        return pl.concat([pl.DataFrame(names), shifted], how="horizontal")

    def contrasts(self, confidence: float = 0.95) -> pl.DataFrame:
        """Return what is tested.

        Returns
        -------
        arm, reference, visit, term, contrast, estimate, standard_error, df, statistic, low, high, p, hedges_g, ...
        With arms: each against the reference at each visit after the baseline; where each arm has its own baseline,
        the difference of changes. Without arms: each visit against the first.
        """
        return self._table(*self._tested(), confidence)

    def overall(self) -> dict[str, float] | None:
        """Return the F test of all contrasts together: statistic, df, df_error, p; nothing where it cannot be had."""
        rows = self._tested()[0]
        try:
            return self.fit.joint(np.array(rows)) if len(rows) > 1 else None
        except InputError:  # people are too few, or contrasts imply each other
            return None

    def _tested(self) -> tuple[list[np.ndarray], list[tuple[str | None, str, str, str, str]]]:
        rows: list[np.ndarray] = []
        told: list[tuple[str | None, str, str, str, str]] = []
        first, reference = self.visits[0], self.arms[0]
        if self.handling == WITHIN:
            for arm in self.arms[1:]:
                pairs = [[self.cells.get((visit, arm)), self.cells.get((visit, reference))] for visit in self.visits]
                found = next((row for pair in pairs if (row := _combined(pair)) is not None), None)
                if found is not None:
                    rows.append(found)
                    told.append((arm, reference, ALL, f"{self.arm_name}[{arm}]", "difference"))
            return rows, told
        after = self.visits if self.arms[1:] and self.handling in ("", "covariate", "change") else self.visits[1:]
        free = self.handling == "free"
        for visit in after:
            for arm in self.arms[1:] or self.arms:
                if self.arms[1:]:
                    keys = [(visit, arm), (visit, reference), *([(first, arm), (first, reference)] if free else [])]
                    term = f"{self.arm_name}[{arm}]" + (f":visit[{visit}]" if self.handling else "")
                    words = (arm, reference, visit, term, "difference in change" if free else "difference")
                else:
                    keys, words = [(visit, arm), (first, arm)], (arm, first, visit, f"visit[{visit}]", "change")
                row = _combined([self.cells.get(key) for key in keys])
                if row is not None:
                    rows.append(row)
                    told.append((words[0] or None, *words[1:]))
        return rows, told

    def changes(self, confidence: float = 0.95) -> pl.DataFrame:
        """Return the change from baseline within each arm, where the model holds the baseline; columns as above."""
        rows, told = [], []
        held = self.handling not in ("covariate", "change", WITHIN)
        for arm in self.arms if held else []:
            for visit in self.visits[1:]:
                row = _combined([self.cells.get((visit, arm)), self.cells.get((self.visits[0], arm))])
                if row is not None:
                    rows.append(row)
                    told.append((arm or None, self.visits[0], visit, f"visit[{visit}]", "change"))
        return self._table(rows, told, confidence)

    def _table(
        self, rows: list[np.ndarray], told: list[tuple[str | None, str, str, str, str]], confidence: float
    ) -> pl.DataFrame:
        names = dict.fromkeys(("arm", "reference", "visit", "term", "contrast"), pl.String())
        left = pl.DataFrame(told, schema=names, orient="row")
        width = len(self.fit.estimates)
        right = self.fit.contrast(np.array(rows).reshape(-1, width), confidence) if rows else self.fit.contrast(
            np.zeros((1, width)), confidence).clear()  # fmt: skip
        return standardised(pl.concat([left, right], how="horizontal"), self.deviation, self.people, len(self.arms))


def _combined(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """Return first minus second, minus (third minus fourth)."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    row = known[0] - known[1]
    return row - (known[2] - known[3]) if len(known) > 2 else row


def visit_model(
    table: pl.DataFrame,
    arm: str = "",
    adjust: Sequence[str] = (),
    baseline: str = "constrained",
    model: str = "",
    covariance: str = "unstructured",
    degrees_method: str = "kenward-roger",
) -> VisitModel:
    """Return the model of one outcome over visits.

    Parameters
    ----------
    table : person, visit, value, the arm and what is adjusted for; Enums give the order of visits and arms
    arm : column with the arms; empty where there are none
    adjust : covariates
    baseline : a key of `BASELINES`; without arms or with one visit it has no meaning
    model : of `MODELS`; by default ordinary least squares for one visit, MMRM for few and a random intercept for many
    covariance : of `mmrm`; "spatial power" goes by the days between visits

    Raises
    ------
    InputError
        For an unknown option, no value, or a model that cannot be fitted at all.

    Notes
    -----
    One mean at baseline presumes randomisation. Sources: Liang & Zeger 2000, Sankhya B 62:134-148 (constrained
    baseline); Vickers & Altman 2001, doi 10.1136/bmj.323.7321.1123 (covariate).
    """
    if baseline not in BASELINES:
        known = ", ".join(BASELINES)
        raise InputError(f"baseline = {baseline!r} is not known", field="baseline", mend=f"Known: {known}")
    if model not in ("", *MODELS):
        raise InputError(f"model = {model!r} is not known", field="model", mend=f"Known: {', '.join(MODELS)}")
    baseline = "covariate" if model == "ancova" else baseline
    rows, visits, arms, notes = _prepared(table, arm, adjust)
    deviation, people = _deviation(rows, visits[0])
    shift = 0.0
    handling = baseline if len(arms) > 1 and len(visits) > 1 else ""
    begins = _begins(table, visits[0])
    if begins and handling in BASELINES:
        # What was first measured after the arms parted is no baseline: to equate or adjust it would hide effects.
        handling = handling if handling in ("free", "change") else ""
        told = f"{visits[0]} stands for it" if handling else "arms are compared at each visit, no baseline is held"
        notes.append(f"not measured at {begins}, the baseline: {told}")
    moved = int((rows.group_by("person").agg(pl.col(ARM).n_unique())[ARM] > 1).sum())
    if len(arms) > 1 and len(visits) > 1 and moved:
        crossed = 2 * moved > rows["person"].n_unique()
        how = CROSSED if crossed else "each arm has its own baseline mean"
        notes.append(f"{moved} of {rows['person'].n_unique()} people change arms: {how}")
        handling = WITHIN if crossed else "free"
    if handling in ("covariate", "change"):
        rows, dropped = _with_baseline(rows, visits[0])
        if dropped:
            notes.append(f"{dropped} people have no value at {visits[0]} or none after it, and are left out")
        if handling == "change":
            shift = float(rows.unique("person")[BEFORE].mean() or 0.0)  # type: ignore[arg-type]
            rows = rows.with_columns(pl.col("value") - pl.col(BEFORE))
        visits = visits[1:]
    elif handling == "constrained":
        first = pl.col("visit") == visits[0]
        rows = rows.with_columns(pl.when(first).then(pl.lit(arms[0], pl.Enum(arms))).otherwise(ARM).alias(ARM))
    formula = _formula(len(visits) > 1, len(arms) > 1, handling, adjust)
    fit, more = _fitted(rows, formula, model, covariance, degrees_method, len(visits))
    means = _means(fit, len(visits) > 1, len(arms) > 1)
    cells = {(visit, who): row for visit in visits for who in arms if (row := _cell(means, visit, who)) is not None}
    if handling == "constrained" and (visits[0], arms[0]) in cells:
        cells |= {(visits[0], who): cells[visits[0], arms[0]] for who in arms}
    if not cells:
        raise InputError(
            "no mean of visits and arms can be told: the covariates imply them", field=", ".join(adjust) or None,
            mend="Leave covariates out of adjust",
        )  # fmt: skip
    gone = [f"{visit} {who}".strip() for visit in visits for who in arms if (visit, who) not in cells]
    if gone:
        notes.append(f"no mean for {', '.join(gone)}: nobody was measured there, or a covariate implies it")
    # At a constrained baseline there is no arm to tell apart: those columns are left out on purpose.
    empty = {f"visit[{visits[0]}]:{ARM}[{who}]" for who in arms[1:]} if handling == "constrained" else set()
    own = [note for note in fit.notes if set(note.partition(" left out:")[0].split(", ")) - empty]
    return VisitModel(fit, visits, arms, handling, cells, shift, deviation, people, (*notes, *more, *own), arm)


def _prepared(
    table: pl.DataFrame, arm: str, adjust: Sequence[str]
) -> tuple[pl.DataFrame, list[str], list[str], list[str]]:
    """Return rows with a value, visits and arms in order, and what was left out."""
    notes: list[str] = []
    for name in (*adjust, *([arm] if arm else [])):
        if name not in table.columns:
            raise InputError(f"the table has no column {name!r}", field=name, mend="Check adjust and arm of the design")
    rows = table.filter(pl.col("value").is_finite())
    if arm:
        there = rows[arm].is_not_null()
        if not there.all():
            notes.append(f"{len(rows) - int(there.sum())} rows left out: the {arm} is not known")
        rows = rows.filter(there)
    if rows.is_empty():
        raise InputError("no row has a value" + (f" and a known {arm}" if arm else ""), field="value")
    if rows["visit"].null_count():
        if rows["visit"].null_count() < len(rows):
            notes.append(f"{rows['visit'].null_count()} rows without a visit left out")
            rows = rows.filter(pl.col("visit").is_not_null())
        elif rows["person"].is_duplicated().any():
            what = "people have several values and no visits"
            raise InputError(what, field="visit", mend='Name visits, or use time = "day"')
        else:
            rows = rows.with_columns(pl.lit(ONCE).alias("visit"))
    visits = levels(rows["visit"], rows["day"] if "day" in rows.columns else None)
    arms = levels(rows[arm]) if arm else [""]
    if arm and len(arms) < 2:
        notes.append(f"all rows are of the arm {arms[0]}: nothing is compared between arms")
    lost = [name for name in ("person", "visit", "value") if rows[name].null_count()]
    if lost:
        raise InputError(f"{lost[0]} is empty in some rows", field=lost[0])
    kinds = [pl.col("visit").cast(pl.String).cast(pl.Enum(visits)), pl.col("person").cast(pl.String)]
    given = pl.col(arm).cast(pl.String).cast(pl.Enum(arms)) if arm else pl.lit("")
    return rows.with_columns(*kinds, given.alias(ARM), pl.col("value").cast(pl.Float64)), visits, arms, notes


def _begins(table: pl.DataFrame, first: str) -> str:
    """Return the first visit of the design where an outcome was not measured at it, else nothing."""
    kind = table.schema["visit"]
    begins = str(kind.categories[0]) if isinstance(kind, pl.Enum) and len(kind.categories) else first
    return begins if begins != first and first != ONCE else ""


def levels(column: pl.Series, day: pl.Series | None = None) -> list[str]:
    """Return the levels that occur: in the order of the Enum, by median day where all have one, or by letters."""
    there = set(column.drop_nulls().cast(pl.String).to_list())
    if isinstance(column.dtype, pl.Enum):
        return [name for name in column.dtype.categories.to_list() if name in there]
    if day is not None:
        both = pl.DataFrame({"level": column.cast(pl.String), "day": day}).group_by("level").agg(pl.col("day").median())
        if both["day"].null_count() == 0:
            return [name for name in both.sort("day", "level")["level"].to_list() if name in there]
    return sorted(there)


def _deviation(rows: pl.DataFrame, first: str) -> tuple[float, int]:
    """Return the standard deviation within arms at a visit, and the people it is of."""
    start = rows.filter(pl.col("visit") == first)
    within = start.select((pl.col("value") - pl.col("value").mean().over(ARM)).alias("rest"), ARM)
    df = len(within) - within[ARM].n_unique()
    square = float((within["rest"].to_numpy() ** 2).sum())
    size = float(start["value"].abs().max() or 0.0)  # type: ignore[arg-type]
    deviation = float(np.sqrt(square / df)) if df > 0 else 0.0
    return deviation if deviation > 1e-10 * size else 0.0, len(start)  # of equal values rounding is left


def _with_baseline(rows: pl.DataFrame, first: str) -> tuple[pl.DataFrame, int]:
    """Return later rows with the value at the first visit beside, and how many people were lost."""
    start = rows.filter(pl.col("visit") == first).select("person", pl.col("value").alias(BEFORE))
    later = rows.filter(pl.col("visit") != first).drop([BEFORE], strict=False)
    joined = later.join(start, on="person", how="inner", maintain_order="left")
    if joined.is_empty():
        raise InputError(f"nobody has a value at {first} and after it", field="visit")
    left = [name for name in levels(rows["visit"]) if name != first]
    return joined.with_columns(pl.col("visit").cast(pl.String).cast(pl.Enum(left))), (
        rows["person"].n_unique() - joined["person"].n_unique()
    )


def _formula(several_visits: bool, several_arms: bool, handling: str, adjust: Sequence[str]) -> str:
    terms = []
    if several_visits and several_arms:
        whole = {"constrained": f"visit + visit:{ARM}", WITHIN: f"visit + {ARM}"}
        terms.append(whole.get(handling, f"visit * {ARM}"))
    elif several_visits or several_arms:
        terms.append("visit" if several_visits else ARM)
    if handling == "covariate":
        terms.append(f"visit * {quoted(BEFORE)}" if several_visits else quoted(BEFORE))
    return " + ".join([*terms, *map(quoted, adjust)]) or "1"


def _fitted(
    rows: pl.DataFrame, formula: str, model: str, covariance: str, degrees_method: str, visits: int
) -> tuple[LinearFit, tuple[str, ...]]:
    """Return the fit of the model that is wanted, or of the next that can be fitted."""
    if visits == 1:
        if (twice := rows["person"].is_duplicated()).any():
            who = rows.filter(twice)["person"][0]
            raise InputError(f"person {who} has several values at the one visit", field="visit", mend="Keep one")
        return ordinary(rows, "value", formula), ()
    if model == "ordinary":
        told = "ordinary least squares takes all rows as independent, though people have several"
        return ordinary(rows, "value", formula), (told,)
    notes: list[str] = []
    if model != "mixed" and (model in ("mmrm", "ancova") or visits <= MOST_VISITS):
        try:
            when = "day" if covariance == "spatial power" else "visit"
            return mmrm(rows, "value", formula, "person", when, covariance, degrees_method), ()
        except InputError as error:
            if "covariance between visits" not in error.what:
                raise
            notes.append(f"{error.what}: a random intercept stands for it")
    return mixed(rows, "value", formula, degrees_method=degrees_method), tuple(notes)


def _means(fit: LinearFit, several_visits: bool, several_arms: bool) -> tuple[pl.DataFrame, np.ndarray]:
    by = [*(["visit"] if several_visits else []), *([ARM] if several_arms else [])]
    try:
        made = marginal_means(fit, by)
    except InputError:  # a grid of too many cells
        made = marginal_means(fit, by, weights="observed")
    return made.levels, made.rows


def _cell(means: tuple[pl.DataFrame, np.ndarray], visit: str, arm: str) -> np.ndarray | None:
    table, rows = means
    for place, known in enumerate(table.iter_rows(named=True)):
        if known.get("visit", visit) == visit and known.get(ARM, arm) == arm:
            return np.asarray(rows[place])
    return None
