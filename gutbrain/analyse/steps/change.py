"""The step "change": outcomes over visits or days, compared between arms where there are some."""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field
from scipy import stats

from gutbrain.analyse.models.trajectories import DayModel, conformed, day_model, people_table, raw_course, visit_course
from gutbrain.analyse.models.visit_models import ONCE, VisitModel, visit_model
from gutbrain.analyse.named_outcomes import known_outcomes, outcome_of
from gutbrain.analyse.persons.important_differences import known, told
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

LEAST_PEOPLE = 5  # of a suggested step
SKEWED, SKEWED_ROWS = 2.0, 20  # residuals: normal ones of 20 rows exceed this skewness in fewer than 1 of 1000 cases
MOST_TOLD = 5  # outcomes of which the report tells a figure
CONTRASTS = (
    "outcome", "arm", "reference", "visit", "contrast", "estimate", "standard_error", "low", "high", "df", "statistic",
    "p", "unit", "primary", "hedges_g", "hedges_low", "hedges_high", "important_difference", "relation", "method",
)  # fmt: skip


class Change(Step):
    """How outcomes change over visits or days, and whether they change differently between arms."""

    kind: Literal["change"] = "change"
    outcomes: list[str] = Field(
        default=["*"],
        description='quantities; "*" for all; also "diversity: shannon", "share: TAXON", "clr: TAXON", '
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
        parts: dict[str, list[pl.DataFrame]] = {}
        notes: list[Finding] = []
        failed: InputError | None = None
        said: list[str] = []
        for name in names:
            try:
                tables, sentence = self._one(given, name, notes)
            except InputError as error:
                failed = failed or error
                notes.append(Finding("warning", self._name, name, f"not analysed: {error}"))
                continue
            said.append(sentence)
            for key, table in tables.items():
                parts.setdefault(key, []).append(table)
        if not parts:
            assert failed is not None
            raise failed
        made = {key: pl.concat(tables, how="vertical_relaxed") for key, tables in parts.items()}
        rows = made.pop("tested")
        return Done(made, tested(rows), tuple(notes), self._said(given, made, said))

    @property
    def _name(self) -> str:
        return self.name or self.kind

    def _one(self, given: Given, name: str, notes: list[Finding]) -> tuple[dict[str, pl.DataFrame], str]:
        """Return the tables of one outcome, and its main figure in words."""
        table = outcome_of(given, name)
        unit, several = _unit(table)
        if several:
            notes.append(Finding("warning", self._name, name, f"values in {', '.join(several)} left out, {unit} kept"))
            table = table.filter(pl.col("unit") == unit)
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
            model = day_model(table, arm, adjust, self.curve, shared, self.degrees)
            constrained, overall, changes = model.shared, None, None
            raw = raw_course(table.filter(pl.col("visit").is_not_null()), arm, confidence)
            course = pl.concat([conformed(raw), model.course(confidence)])
        else:
            model = visit_model(table, arm, adjust, self._baseline, self.model, self.covariance, self.degrees)
            constrained, overall = model.handling == "constrained", model.overall()
            changes = model.changes(confidence)
            course = visit_course(table, model, arm, confidence)
        found = model.contrasts(confidence)
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
        mid, source = (None, "") if name in self.logarithm else self._important(name)
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
                pl.lit("; ".join(model.notes) or None, pl.String).alias("note"),
            ),
        }  # fmt: skip
        if changes is not None and len(changes):
            tables["changes"] = changes.select(head, "arm", "visit", "estimate", "standard_error", "low", "high", "df",
                                               "p", "hedges_g", "hedges_low", "hedges_high")  # fmt: skip
        return tables, _sentence(found, mid, source, confidence)

    @property
    def _baseline(self) -> str:
        return self.baseline or ("constrained" if self.randomised else "free")

    def _important(self, name: str) -> tuple[float | None, str]:
        if name in self.mid:
            return abs(self.mid[name]), "as the plan says"
        row = known(name, "important difference")
        return (float(str(row["value"])), told(row)) if row else (None, "")

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

    def _said(self, given: Given, made: dict[str, pl.DataFrame], sentences: list[str]) -> tuple[str, ...]:
        count = made["models"]["outcome"].n_unique()
        methods = made["models"]["model"].value_counts(sort=True)["model"].to_list()
        arms = made["contrasts"]["contrast"].str.contains("difference").any()
        what = "compared between arms" if arms else "followed over time"
        first = f"{count} outcome{'s' * (count > 1)} {'were' if count > 1 else 'was'} {what} with {methods[0]}"
        first += f" and {len(methods) - 1} other models." if len(methods) > 1 else "."
        told_rows = [sentence for sentence in sentences if sentence]
        later = [f"{sentence}." for sentence in told_rows[:MOST_TOLD]]
        if len(told_rows) > MOST_TOLD:
            later.append(f"{len(told_rows) - MOST_TOLD} more outcomes stand in the table of contrasts.")
        if arms and not self.randomised:
            later.append("Whether people were randomised is not said: differences between arms are associations.")
        return (first, *( [" ".join(later)] if later else []))  # fmt: skip

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
        wanted: list[str] = []
        rows = given.outcomes
        times = max(rows["visit"].n_unique(), rows["day"].n_unique()) if len(rows) else 0
        if len(rows) and rows["person"].n_unique() >= LEAST_PEOPLE and (arm or times > 1):
            wanted.append("*")
        samples = study.samples.drop_nulls("person")
        several = samples["visit"].drop_nulls().n_unique() > 1
        enough = samples["person"].n_unique() >= LEAST_PEOPLE and (bool(arm) or several)
        taxa = (study.features["kind"] == "taxon").any() and not study.abundances.is_empty()
        if taxa and enough:
            wanted.append("diversity: shannon")
        return [cls(outcomes=wanted)] if wanted else []


def _unit(table: pl.DataFrame) -> tuple[str, list[str]]:
    """Return the unit of most rows, and the others."""
    units = table["unit"].fill_null("").value_counts(sort=True)["unit"].to_list()
    return str(units[0]) if units else "", [str(unit) for unit in units[1:]]


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


def _sentence(found: pl.DataFrame, mid: float | None, source: str, confidence: float) -> str:
    """Return the contrasts of the last visit in words."""
    told_rows = []
    for row in found.filter(pl.col("primary")).iter_rows(named=True):
        if row["p"] is None:
            continue
        who = (
            f"{row['arm']} against {row['reference']}"
            if "difference" in row["contrast"]
            else f"since {row['reference']}"
        )
        place = "" if row["visit"] == ONCE else f" at {row['visit']}"
        p = "p < 0.001" if row["p"] < 0.001 else f"p = {row['p']:.2g}"
        unit = f" {row['unit']}" if row["unit"] else ""
        text = (
            f"{row['outcome']}, {row['contrast']} {who}{place}: {row['estimate']:.3g}{unit} "
            f"({100 * confidence:g} % CI {row['low']:.3g} to {row['high']:.3g}; {p})"
        )
        if row["relation"] is not None:
            what = {"important": "all of it beyond", "too small to be important": "all of it below"}
            text += f", {what.get(row['relation'], 'undecided against')} the important difference of {mid:g} ({source})"
        told_rows.append(text)
    return "; ".join(told_rows)
