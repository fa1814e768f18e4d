"""The step "change": outcomes over visits or days, compared between arms where there are some."""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field
from scipy import stats

from gutbrain.analyse.community import occasion_table
from gutbrain.analyse.models.trajectories import DayModel, conformed, day_model, people_table, raw_course, visit_course
from gutbrain.analyse.models.visit_models import VisitModel, visit_model
from gutbrain.analyse.named_outcomes import SAFETY, censored, known_outcomes, of_one_unit, outcome_of
from gutbrain.analyse.persons.important_differences import known, told
from gutbrain.analyse.persons.physiology import transform_of
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.analyse.steps.body import Physiology
from gutbrain.analyse.steps.change_said import overview, sentence
from gutbrain.analyse.steps.reliabilities import scaled
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

LEAST_PEOPLE = 5  # of a suggested step
SKEWED, SKEWED_ROWS = 2.0, 20  # residuals: normal ones of 20 rows exceed this skewness in fewer than 1 of 1000 cases
JOINT = "joint tests"  # the part of the family that is corrected apart: one F test an outcome, of all its contrasts
CONTRASTS = (
    "outcome", "arm", "reference", "visit", "contrast", "estimate", "standard_error", "low", "high", "df", "statistic",
    "p", "unit", "primary", "hedges_g", "hedges_low", "hedges_high", "important_difference", "relation", "method",
)  # fmt: skip


class Change(Step):
    """How outcomes change over visits or days, and whether they change differently between arms."""

    kind: Literal["change"] = "change"
    outcomes: list[str] = Field(
        default=["*"],
        description='quantities; "*" or nothing for all; also "diversity: shannon", "share: TAXON", "clr: TAXON", '
        '"balance: A, B / C, D", "group: butyrate_makers"',
    )
    time: Literal["", "visit", "day"] = Field(
        default="", description="visits as categories, or days as a number; visits where they are known"
    )
    model: Literal["", "mmrm", "mixed", "ancova", "ordinary"] = Field(
        default="", description="of visits; by default least squares for one, MMRM for up to 8, else a random intercept"
    )
    covariance: Literal[
        "unstructured", "heterogeneous toeplitz", "heterogeneous autoregressive", "heterogeneous compound symmetry",
        "toeplitz", "autoregressive", "compound symmetry", "spatial power",
    ] = Field(
        default="unstructured",
        description="of the visits of one person, by day in spatial power; a simpler one where it must be",
    )  # fmt: skip
    baseline: Literal["", "constrained", "covariate", "change", "free"] = Field(
        default="", description="one mean of all arms, a covariate, subtracted, or each arm its own; constrained if "
        "people were randomised, else free",
    )  # fmt: skip
    randomised: bool = Field(default=False, description="chance alone decided who came into which arm")
    curve: Literal["linear", "spline"] = Field(default="linear", description="over days")
    degrees: Literal["kenward-roger", "satterthwaite"] = Field(
        default="kenward-roger", description="of freedom of the fixed effects"
    )
    logarithm: list[str] = Field(
        default=[], description="outcomes that are analysed as natural logarithms: a difference of 0.69 is a doubling"
    )
    mid: dict[str, float] = Field(
        default={},
        description="minimal important difference of an outcome; those that are known stand in by themselves",
    )

    def run(self, given: Given) -> Done:
        """Model each outcome; what cannot be modelled becomes a note."""
        names = known_outcomes(given, self.outcomes)
        required(bool(names), "the study has no outcome", 'Name one, such as "diversity: shannon"')
        for option, named in (("logarithm", self.logarithm), ("mid", list(self.mid))):
            lost = [name for name in named if name not in names]
            required(not lost, f"{option} names {lost[:1]}, which is not among the outcomes", "Write it as outcomes do")
        small = [name for name, size in self.mid.items() if not size > 0]
        required(not small, f"mid of {small[:1]} is not above 0", "Give its size, whatever the direction")
        parts: dict[str, list[pl.DataFrame]] = {}
        notes: list[Finding] = []
        failed: InputError | None = None
        said: list[str] = []
        for name in names:
            try:
                tables, main = self._one(given, name, notes)
            except InputError as error:
                failed = failed or error
                notes.append(Finding("warning", self._name, name, f"not analysed: {error}"))
                continue
            said.append(main)
            for key, table in tables.items():
                parts.setdefault(key, []).append(table)
        if not parts:
            assert failed is not None
            raise failed
        made = {key: pl.concat(tables, how="vertical_relaxed") for key, tables in parts.items()}
        rows = made.pop("tested")
        return Done(made, tested(rows), tuple(notes), overview(made, said, self.randomised))

    @property
    def _name(self) -> str:
        return self.name or self.kind

    def _one(self, given: Given, name: str, notes: list[Finding]) -> tuple[dict[str, pl.DataFrame], str]:
        """Return the tables of one outcome, and its main figure in words."""
        table = outcome_of(given, name)
        table, unit, several = of_one_unit(table)
        if several:
            notes.append(Finding("warning", self._name, name, f"values in {', '.join(several)} left out, {unit} kept"))
        notes.extend(Finding("warning", self._name, name, what, mend) for what, mend in _of_values(given, name))
        required(table["value"].is_finite().any(), f"{name} has no value at the visits of the design")
        if name in self.logarithm:
            required(bool((table["value"].fill_nan(None).drop_nulls() > 0).all()), f"{name} is not above 0 everywhere",
                     "Take it out of logarithm")  # fmt: skip
            table, unit = table.with_columns(pl.col("value").log()), f"ln {unit}".strip()
        confidence, adjust = given.design.confidence, given.design.adjust
        arm = given.design.arm if given.design.arm in table.columns else ""
        if arm and table[arm].drop_nulls().n_unique() < 2:
            notes.append(Finding("note", self._name, name, f"one {arm} only: nothing is compared between arms"))
            arm = ""
        unseen = table["visit"].null_count() == len(table) and table["person"].is_duplicated().any()
        model: DayModel | VisitModel
        if (self.time or ("day" if unseen else "visit")) == "day":
            shared = self._baseline == "constrained"
            asked = {"baseline": self._baseline in ("covariate", "change"), "model": bool(self.model),
                     "covariance": self.covariance != "unstructured"}  # fmt: skip
            if ignored := [option for option, given_ in asked.items() if given_]:
                what = f"{', '.join(ignored)} did not enter: over days each person has a line of its own"
                notes.append(Finding("warning", self._name, name, what, 'Use time = "visit"'))
            model = day_model(table, arm, adjust, self.curve, shared, self.degrees)
            constrained, changes = model.shared, None
            raw = raw_course(table.filter(pl.col("visit").is_not_null()), arm, confidence)
            course = pl.concat([conformed(raw), model.course(confidence)])
        else:
            model = visit_model(table, arm, adjust, self._baseline, self.model, self.covariance, self.degrees)
            constrained = model.handling == "constrained"
            changes = model.changes(confidence)
            course = visit_course(table, model, arm, confidence)
        found, overall = model.contrasts(confidence), model.overall()
        if untold := found["p"].null_count():
            what = f"{untold} of {len(found)} contrasts have hardly a degree of freedom: not tested"
            notes.append(Finding("warning", self._name, name, what, "More people are needed, or a simpler covariance"))
        if constrained and not self.randomised:
            what = "one mean of all arms at baseline presumes that people were randomised; the plan does not say so"
            notes.append(Finding("warning", self._name, name, what, 'Say randomised = true, or use baseline = "free"'))
        notes.extend(Finding("note", self._name, name, note) for note in model.notes)
        if len(model.fit.residuals) >= SKEWED_ROWS and abs(skew := float(stats.skew(model.fit.residuals))) > SKEWED:
            what = f"residuals are far from normal (skewness {skew:.1f}): intervals may be wrong where people are few"
            notes.append(Finding("note", self._name, name, what, "Look at each person, or name it in logarithm"))
        if found.is_empty():
            required(len(course) > 0, f"{name} has no value")
            notes.append(Finding("note", self._name, name, "one visit and no arms: there is nothing to compare"))
        logs = name in self.logarithm
        mid, source = (None, "") if logs else self._important(given, name)
        found = self._completed(found, name, unit, mid, model.method)
        head = pl.lit(name).alias("outcome")
        tables = {
            "course": course.select(head, pl.all()),
            "people": people_table(table, arm).select(head, pl.all()),
            "contrasts": found.select(CONTRASTS),
            "models": _model_table(name, model, overall),
            "tested": found.select(
                pl.col("outcome").alias("what"), "term", "estimate", "standard_error", "low", "high", "unit",
                "statistic", "df", "p", pl.lit(model.fit.people).alias("people"),
                pl.lit(len(model.fit.residuals)).alias("rows"), "method",
                pl.lit("; ".join(model.notes) or None, pl.String).alias("note"), pl.lit(None, pl.String).alias("part"),
            ),
        }  # fmt: skip
        if overall is not None:
            tables["tested"] = pl.concat([tables["tested"], _joint(tables["tested"], overall)])
        if changes is not None and len(changes):
            # No p: that one arm changed and another did not is no difference between them.
            tables["changes"] = changes.select(head, "arm", "visit", "estimate", "standard_error", "low", "high", "df",
                                               "hedges_g", "hedges_low", "hedges_high")  # fmt: skip
        return tables, sentence(found, overall, mid, source, confidence, logs)

    @property
    def _baseline(self) -> str:
        return self.baseline or ("constrained" if self.randomised else "free")

    def _important(self, given: Given, name: str) -> tuple[float | None, str]:
        if name in self.mid:
            return self.mid[name], "as the plan says"
        row = known(name, "important difference")
        return (scaled(given, name, row), told(row)) if row else (None, "")

    def _completed(self, found: pl.DataFrame, name: str, unit: str, mid: float | None, method: str) -> pl.DataFrame:
        """Add what stands beside a contrast: outcome, unit, whether it is the last visit, and what is important."""
        size = pl.lit(mid, pl.Float64)
        relation = (
            pl.when(pl.lit(mid is None))
            .then(None)
            .when((pl.col("low") >= size) | (pl.col("high") <= -size))
            .then(pl.lit("important"))
            .when((pl.col("low") > -size) & (pl.col("high") < size))
            .then(pl.lit("too small to be important"))
            .otherwise(pl.lit("undecided"))
        )
        last = pl.lit(found["visit"][-1] if len(found) else None, pl.String)
        missing = [
            pl.lit(None, pl.Float64).alias(column)
            for column in ("hedges_g", "hedges_low", "hedges_high")
            if column not in found.columns
        ]
        return found.with_columns(
            *missing, pl.lit(name).alias("outcome"), pl.lit(unit).alias("unit"),
            (pl.col("visit") == last).alias("primary"),
            size.alias("important_difference"), relation.cast(pl.String).alias("relation"),
            pl.lit(method).alias("method"),
        )  # fmt: skip

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return one step for all outcomes that have arms or visits to compare."""
        try:
            return cls._suggested(given)
        except (InputError, pl.exceptions.PolarsError):
            return []

    @classmethod
    def _suggested(cls, given: Given) -> list[Step]:
        study, arm = given.study, given.design.arm
        everything = known_outcomes(given, [])
        names = _analysable(given)
        wanted = ["*"] if names and names == everything else names
        samples = study.samples.drop_nulls("person")
        several = samples["visit"].drop_nulls().n_unique() > 1
        enough = samples["person"].n_unique() >= LEAST_PEOPLE and (bool(arm) or several)
        taxa = (study.features["kind"] == "taxon").any() and not study.abundances.is_empty()
        if taxa and enough:
            wanted.append("diversity: shannon")
        return [cls(outcomes=wanted)] if wanted else []


def _analysable(given: Given) -> list[str]:
    """Return the outcomes that can be compared between arms or followed; what the step physiology tests is not here."""
    arm = given.design.arm
    rows = given.ordered(occasion_table(given.study, given.outcomes)).filter(pl.col("value").is_finite())
    arm = arm if arm in rows.columns else ""
    signals = bool(Physiology.suggested(given))
    found = []
    for (quantity,), own in rows.drop_nulls([arm] if arm else []).group_by("quantity"):
        name, people = str(quantity), own["person"].n_unique()
        again = own["person"].is_duplicated().any()
        when = own["day"] if own["visit"].null_count() == len(own) else own["visit"]
        followed = again and when.drop_nulls().n_unique() > 1
        arms = bool(arm) and own[arm].n_unique() > 1 and (when.name == "visit" or not again)
        told = name.endswith(SAFETY) or (signals and transform_of(name) is not None)
        if people >= LEAST_PEOPLE and own["value"].n_unique() > 1 and (followed or arms) and not told:
            found.append(name)
    return sorted(found)


def _of_values(given: Given, name: str) -> list[tuple[str, str]]:
    """Return what is to be known of the values of an outcome, and what to do about it."""
    found = []
    if beyond := censored(given, name):
        what = f"{beyond} readings lie beyond the limit of their assay and are taken to be at it"
        found.append((what, "Compare shares above the limit where they are many"))
    rows = given.outcomes.filter(pl.col("quantity") == name)
    nowhere = rows.filter(pl.col("visit").is_null())
    if given.design.visits and 0 < len(nowhere) < len(rows):
        found.append((f"{len(nowhere)} of {len(rows)} values have no visit and are left out", "Name their visits"))
    merged = nowhere.filter(pl.col("day").is_null() & pl.col("method").str.starts_with("median of "))
    if len(merged):
        what = f"{len(merged)} people have several values without visit or day, of which the median stands"
        found.append((what, "Name the visits of readings and recordings"))
    return found


def _joint(rows: pl.DataFrame, overall: dict[str, float]) -> pl.DataFrame:
    """Return the F test of all contrasts of an outcome as a row like theirs."""
    first = rows.head(1)
    below = f"; F test with {overall['df_error']:.4g} denominator degrees of freedom"
    gone = ("estimate", "standard_error", "low", "high")
    return first.with_columns(
        pl.lit(f"all {overall['df']:g} contrasts together").alias("term"),
        *(pl.lit(None, pl.Float64).alias(name) for name in gone),
        *(pl.lit(float(overall[name])).alias(name) for name in ("statistic", "df", "p")),
        (pl.col("method") + below).alias("method"), pl.lit(JOINT).alias("part"),
    )  # fmt: skip


def _model_table(name: str, model: DayModel | VisitModel, overall: dict[str, float] | None) -> pl.DataFrame:
    """Return one row about a model: what it is, how it fits, and the test of all its contrasts together."""
    row = {
        "outcome": name, "model": model.method, "formula": model.fit.design.formula,
        "people": model.fit.people, "rows": len(model.fit.residuals), "minus_2_log_likelihood": model.fit.deviance,
        "overall_statistic": None, "overall_df": None, "overall_df_error": None, "overall_p": None,
        "note": "; ".join(model.notes) or None,
    }  # fmt: skip
    if overall is not None:
        row |= {f"overall_{key}": float(value) for key, value in overall.items()}
    kinds = {"outcome": pl.String, "model": pl.String, "formula": pl.String, "people": pl.Int64, "rows": pl.Int64,
             **{key: pl.Float64 for key in row if key.startswith(("minus", "overall"))}, "note": pl.String}  # fmt: skip
    return pl.DataFrame([row], schema=kinds)
