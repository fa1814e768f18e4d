"""Steps on mind and body as they were recorded: experience sampling, cortisol, heart rate variability and blood."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field

from gutbrain.analyse.community import occasion_table
from gutbrain.analyse.formula import quoted
from gutbrain.analyse.models.two_groups import ROW, compare_again
from gutbrain.analyse.named_outcomes import censored, of_one_unit
from gutbrain.analyse.persons.experience import DAY_BEGINS, STATISTICS, compliance, diary_answers, moments, summaries
from gutbrain.analyse.persons.physiology import (
    BREATHED,
    SLOW,
    TRANSFORMS,
    back_transformed,
    described,
    main_outcomes,
    physiological,
    transform_of,
)
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.analyse.steps.people_compared import (
    arm_unused,
    as_findings,
    chosen,
    compared,
    group_column,
    named_terms,
    of_people,
    told_tests,
    with_group,
)
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

TESTED_STATISTICS = ["mean", "standard deviation", "inertia", "root mean squared successive difference"]
LEAST_MOMENTS = 5  # of a person's item, from which a diary is suggested to be summarised
FEW_PEOPLE = 15  # a group; below it a comparison finds only large differences


class Experience(Step):
    """Level, spread, inertia and instability of diary answers, of each person and between groups."""

    kind: Literal["experience"] = "experience"
    forms: list[str] = Field(default=[], description="diaries; all forms that are no questionnaire by default")
    scales: dict[str, list[str]] = Field(
        default={}, description="name and items of scales, each the mean of its items; empty: every item by itself"
    )
    statistics: list[str] = Field(default=TESTED_STATISTICS, description="which are compared between groups")
    group: str = Field(default="", description="column of people that are compared; empty: the arm of the design")
    day_begins: float = Field(default=DAY_BEGINS, ge=0, lt=24, description="o'clock at which a day begins")
    longest_gap: float = Field(default=0.0, ge=0, description="hours; pairs further apart do not count; 0: no limit")
    acute: float = Field(default=0.0, ge=0, description="change that is acute; 0: the 90 % quantile of all changes")
    draws: int = Field(default=500, ge=0, description="resamples of days for the intervals; 0: no intervals")
    continuous: bool = Field(default=True, description="fit the correlation time in continuous time as well")

    def run(self, given: Given) -> Done:
        """Summarise each person; compare groups, or groups over periods, in what was summarised."""
        name = self.name or self.kind
        group = group_column(given, self.group)
        made = moments(given.study, self.forms, self.scales or None, self.day_begins)
        own = chosen(given, made.table)
        if given.design.visits:
            own = own.filter(pl.col("period").is_null() | pl.col("period").is_in(given.design.visits))
        required(len(own) > 0, "no answer is left of what the design analyses")
        unknown = [each for each in self.statistics if each not in STATISTICS]
        what = f"{unknown[0]!r} is no statistic" if unknown else ""
        required(not unknown, what, f"There are {', '.join(STATISTICS)}")
        table = summaries(
            own, longest_gap=self.longest_gap, acute=self.acute, draws=self.draws, continuous=self.continuous,
            confidence=given.design.confidence, generator=given.generator(name),
        )  # fmt: skip
        table = with_group(given, table, group)
        notes = as_findings(name, "answers", made.notes)
        lacking = [each for each in self.statistics if each not in set(table["statistic"])]
        if lacking:
            what = f"nobody answered twice a day: {', '.join(lacking)} cannot be had"
            notes.append(Finding("note", name, "statistics", what))
        rows, methods, more = self._compared(given, table, group, name)
        notes += more
        prompts = with_group(given, chosen(given, compliance(given.study, given.design.confidence)), group)
        people, asked_for = table["person"].n_unique(), table["outcome"].n_unique()
        times = own.select("person", "hours").n_unique()
        said = [
            f"{len(own)} answers at {times} moments of {people} {'person' if people == 1 else 'people'} to "
            f"{asked_for} diary {'outcome' if asked_for == 1 else 'outcomes'} were "
            "summarised within people; pairs of moments never span a night, and intervals resample days."
        ]
        if len(prompts):
            given_in, asked = int(prompts["answered"].sum()), int(prompts["prompts"].sum())
            said.append(f"{given_in} of {asked} prompts were answered ({given_in / asked:.1%}).")
        else:
            notes.append(Finding("note", name, "visits", "prompts are not listed, so compliance is not known"))
        few = table.filter((pl.col("statistic") == "inertia") & (pl.col("note").str.contains("biased")))
        if len(few):
            what = f"inertia of {len(few)} person-outcomes rests on few pairs and is biased downwards"
            notes.append(Finding("warning", name, "inertia", what, "Read the note of each row"))
        tables = {"summaries": table, "between": _between(table), "compliance": prompts, "comparisons": methods}
        kept = {key: found for key, found in tables.items() if len(found)}
        return Done(
            kept,
            tested(rows) if rows else Done().tested,
            tuple(notes),
            (*said, *told_tests(rows, given.design.confidence)),
        )

    def _compared(self, given: Given, table: pl.DataFrame, group: str, name: str
                  ) -> tuple[list[dict[str, Any]], pl.DataFrame, list[Finding]]:  # fmt: skip
        rows: list[dict[str, Any]] = []
        notes: list[Finding] = []
        methods = [pl.DataFrame(schema={"what": pl.String, **ROW})]
        asked = table.filter(pl.col("statistic").is_in(self.statistics) & pl.col("value").is_not_null())
        asked = asked.with_columns(_levels(given, asked, "period").alias("period"))
        periods = asked["period"].drop_nulls().n_unique() > 1
        seen: set[str] = set()
        adjust: list[str] = []
        if periods:
            adjust, lost = of_people(given, name)
            adjust = [column for column in adjust if column != group]
            notes += [*lost, *arm_unused(given, group, name)]
            people = given.study.people.select("person", *adjust)
            asked = asked.join(people, on="person", how="left", maintain_order="left")
        for (outcome, statistic), own in asked.group_by("outcome", "statistic", maintain_order=True):
            what = f"{outcome}, {statistic}"
            if periods:
                formula = " + ".join(["arm * period" if group else "period", *map(quoted, adjust)])
                try:
                    found = compare_again(own, "value", formula, "period", given.design.confidence)
                except InputError as error:
                    notes.append(Finding("warning", name, what, f"not compared: {error.what}", error.mend))
                    continue
                if group:
                    found = found.filter(pl.col("term").str.contains(":"))
                    found = found.with_columns(named_terms(group))
                told = found.with_columns(pl.lit(what).alias("what"), pl.lit(own["unit"][0]).alias("unit")).to_dicts()
            else:
                told, found, more = compared(given, own, "value", what, str(own["unit"][0]), group, name)
                notes += [finding for finding in more if str(finding) not in seen]
                seen |= {str(finding) for finding in more}
            rows += told
            methods.append(found.with_columns(pl.lit(what).alias("what")).select("what", *ROW))
        return rows, pl.concat(methods), notes

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return one step where the study has a diary with times that somebody kept for a while."""
        timed = pl.col("day").is_not_null() | pl.col("time").is_not_null()
        kept = diary_answers(given.study).filter(timed)
        longest = kept.group_by("person", "form", "item").len()["len"].max() or 0
        return [cls()] if longest >= LEAST_MOMENTS else []  # type: ignore[operator]


class Physiology(Step):
    """Cortisol, heart rate variability and blood, on the scale that suits each, by arm and occasion."""

    kind: Literal["physiology"] = "physiology"
    outcomes: list[str] = Field(default=[], description="empty: one of each kind that the study has")
    group: str = Field(default="", description="column of people that are compared; empty: the arm of the design")
    corrected: float = Field(default=0.05, ge=0, le=1, description="largest share of corrected beats of a window")
    breathing: bool = Field(default=False, description="adjust heart rate variability for the breathing rate")
    test: bool = Field(default=True, description="compare arms and visits; else describe only")

    def run(self, given: Given) -> Done:
        """Describe each outcome by arm and occasion; model it on its scale, and take logarithms back to ratios."""
        name = self.name or self.kind
        group = group_column(given, self.group)
        made = physiological(given.study, self.corrected, given.scores)
        names = self.outcomes or main_outcomes(made.table)
        there = set(made.table["outcome"])
        unknown = [each for each in names if each not in there]
        listed = ", ".join(sorted(there)) or "none"
        required(not unknown, f"the study has no signal {unknown[0] if unknown else ''!r}", f"It has {listed}")
        required(bool(names), "the study has no signals of the body", "Readings or beats are needed")
        # The group is joined last: of two columns of one name the joined one would lose its order.
        table = made.table.filter(pl.col("outcome").is_in(list(names))).with_columns(visit="occasion")
        table = chosen(given, occasion_table(given.study, _at_visits(given, table)))
        table, notes = _usable(given, table, name)
        table = with_group(given, table, group)
        required(len(table) > 0, "no value is left of what the design analyses")
        notes = [*as_findings(name, "readings", made.notes), *notes, *arm_unused(given, group, name),
                 *_breath_notes(name, table)]  # fmt: skip
        table = table.with_columns(_levels(given, table, "occasion").alias("occasion"))
        shown = described(table, "arm" if group else "", given.design.confidence)
        rows, ratios = self._tests(given, table, names, group, name, notes) if self.test else ([], [])
        tables = {"outcomes": table.select(_PREPARED), "described": shown, **_courses(given, table, shown, group)}
        if ratios:
            tables["ratios"] = pl.concat(ratios)
        if group and self.test and table["arm"].drop_nulls().n_unique() > 1:
            size = min((own["person"].n_unique() for _, own in table.drop_nulls("arm").group_by("arm")), default=0)
            if size < FEW_PEOPLE:
                what = f"the smallest group has {size} people: only large differences can be found"
                notes.append(Finding("warning", name, group, what, "Read the intervals, not the p"))
        logs = table.filter(pl.col("transform") == "log")["outcome"].n_unique()
        said = [
            f"{len(names)} signal{'s' * (len(names) > 1)} of {_people(table)}; {logs} on a logarithmic scale, so "
            "that differences are ratios.",
            *told_tests(rows, given.design.confidence),
        ]
        return Done(tables, tested(rows) if rows else Done().tested, tuple(notes), tuple(said))

    def _tests(self, given: Given, table: pl.DataFrame, names: Any, group: str, name: str, notes: list[Finding]
               ) -> tuple[list[dict[str, Any]], list[pl.DataFrame]]:  # fmt: skip
        rows: list[dict[str, Any]] = []
        ratios: list[pl.DataFrame] = []
        for outcome in names:
            own = table.filter((pl.col("outcome") == outcome) & pl.col("occasion").is_not_null())
            transform = (transform_of(outcome) or ("none", ""))[0]
            # Recordings and visits are different occasions of the same signal: each kind is compared within itself.
            for kind, part in _kinds(given, own):
                found = self._one(given, part, outcome, group, name, notes)
                if found is None or found.is_empty():
                    continue
                unit = "ln" if transform == "log" else str(part["unit"][0])
                named = f"{outcome}{kind}"
                rows += [{**row, "what": named, "unit": unit} for row in found.to_dicts()]
                ratios.append(back_transformed(found, transform).select(
                    pl.lit(named).alias("outcome"), pl.lit(transform).alias("transform"), "term", "estimate", "low",
                    "high", "ratio", "ratio_low", "ratio_high", "p", "people", "method"))  # fmt: skip
        return rows, ratios

    def _one(self, given: Given, own: pl.DataFrame, outcome: str, group: str, name: str, notes: list[Finding]
             ) -> pl.DataFrame | None:  # fmt: skip
        """Return the tests of one outcome at one kind of occasions."""
        occasions = own["occasion"].n_unique()
        arms = own["arm"].drop_nulls().n_unique() if group else 1
        adjusted = self.breathing and outcome in BREATHED
        if adjusted and own["breathing"].null_count():
            what = f"breathing is not known for {own['breathing'].null_count()} of {len(own)} rows, which are left out"
            notes.append(Finding("warning", name, outcome, what))
        try:
            if occasions > 1 and len(own) > own["person"].n_unique():
                formula = "arm * occasion" if arms > 1 else "occasion"
                terms = [formula, *map(quoted, given.design.adjust), *(["breathing"] if adjusted else [])]
                found = compare_again(own, "transformed", " + ".join(terms), "occasion", given.design.confidence)
                found = found.filter(pl.col("term").str.contains(":")) if arms > 1 else found
            elif arms > 1:
                if adjusted:
                    what = "breathing did not enter: people have one occasion each"
                    notes.append(Finding("note", name, outcome, what))
                rows, _, more = compared(given, own, "transformed", outcome, "", group, name)
                notes += more
                found = pl.DataFrame(rows, schema=ROW) if rows else pl.DataFrame(schema=ROW)
            else:
                return None
        except InputError as error:
            notes.append(Finding("warning", name, outcome, f"not compared: {error.what}", error.mend))
            return None
        return found.with_columns(named_terms(group))

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return one step where the study has beats or readings of the body."""
        begins = tuple(begin.split(".")[0] + "." for begin, _, _ in TRANSFORMS)
        read = [name for name in given.study.readings["quantity"].unique().to_list() if name.startswith(begins)]
        return [cls()] if read or len(given.study.beats) else []


_PREPARED = ["outcome", "person", "arm", "occasion", "day", "value", "unit", "transform", "transformed", "readings",
             "corrected", "breathing", "breathing_from"]  # fmt: skip


def _people(table: pl.DataFrame) -> str:
    count = table["person"].n_unique()
    return "1 person" if count == 1 else f"{count} people"


def _at_visits(given: Given, table: pl.DataFrame) -> pl.DataFrame:
    """Leave out the visits of the study that the design does not analyse; recordings without a visit stay."""
    study = given.study
    tables = (study.visits, study.samples, study.readings, study.answers, study.beats)
    visits = {name for part in tables for name in part["visit"].drop_nulls().unique()}
    gone = list(visits - set(given.design.visits)) if given.design.visits else []
    return table.filter(pl.col("occasion").is_null() | ~pl.col("occasion").is_in(gone))


def _usable(given: Given, table: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Return each outcome in one unit, and what is to be known of its values."""
    parts, notes = [], []
    for (outcome,), rows in table.group_by("outcome", maintain_order=True):
        own, unit, others = of_one_unit(rows)
        parts.append(own)
        where = str(outcome)
        if others:
            what = f"values in {', '.join(others)} left out, {unit} kept"
            notes.append(Finding("warning", name, where, what))
        if beyond := censored(given, where):
            what = f"{beyond} readings lie beyond the limit of their assay and are taken to be at it"
            notes.append(Finding("warning", name, where, what, "Read the medians in `described`"))
        if lost := own["occasion"].null_count():
            what = f"{lost} of {len(own)} values belong to no visit or recording: described, not compared"
            notes.append(Finding("warning", name, where, what, "Name their visits"))
    return (pl.concat(parts) if parts else table), notes


def _courses(given: Given, table: pl.DataFrame, shown: pl.DataFrame, group: str) -> dict[str, pl.DataFrame]:
    """Return the tables that courses over visits are drawn from; means of logarithms are taken back."""
    known = pl.col("occasion").cast(pl.String).is_in(given.design.visits)
    arm = pl.col("arm").cast(pl.String) if group else pl.lit(None, pl.String)
    made = [arm.alias("arm"), pl.col("occasion").cast(pl.String).alias("visit")]
    rows, means = table.filter(known).with_columns(made), shown.filter(known).with_columns(made)
    if rows.is_empty():
        return {}
    keys = ["outcome", "arm", "visit"]
    days = rows.group_by(keys).agg(pl.col("day").median())
    joined = means.join(days, on=keys, how="left", nulls_equal=True, maintain_order="left")
    model = [pl.lit(None, pl.Float64).alias(f"adjusted_{part}") for part in ("mean", "low", "high")]
    return {"course": joined.select(*keys, "day", "people", "mean", "low", "high", *model),
            "people": rows.select("outcome", "person", "arm", "visit", "day", "value")}  # fmt: skip


def _levels(given: Given, table: pl.DataFrame, column: str) -> pl.Series:
    """Return a column as a factor: visits of the design in their order, then others as they come."""
    seen = table[column].cast(pl.String)
    names = seen.drop_nulls().unique(maintain_order=True).to_list()
    order = [name for name in given.design.visits if name in names]
    return seen.cast(pl.Enum([*order, *(name for name in names if name not in order)]))


def _kinds(given: Given, own: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Return the rows at visits of the design, and those at other occasions, such as recordings without a visit."""
    known = pl.col("occasion").cast(pl.String).is_in(given.design.visits)
    parts = [("", own.filter(known)), (" (recordings)", own.filter(~known))]
    there = [(kind, part) for kind, part in parts if len(part)]
    return [("" if len(there) == 1 else kind, part) for kind, part in there]


def _between(table: pl.DataFrame) -> pl.DataFrame:
    """Return how people differ in each statistic."""
    return (
        table.filter(pl.col("value").is_not_null())
        .group_by("arm", "period", "outcome", "statistic", "unit", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("people"), pl.col("value").mean().alias("mean"),
            pl.when(pl.len() > 1).then(pl.col("value").std()).alias("standard_deviation"),
            pl.col("value").median().alias("median"), pl.col("value").min().alias("smallest"),
            pl.col("value").max().alias("largest"),
        )
    )  # fmt: skip


def _breath_notes(name: str, table: pl.DataFrame) -> list[Finding]:
    """Say where heart rate variability cannot be read as vagal."""
    hearts = table.filter(pl.col("outcome").is_in(["heart.rmssd", "heart.hf_power", "heart.hf"]))
    if hearts.is_empty():
        return []
    made = []
    unknown = hearts["breathing"].null_count()
    guessed = int((hearts["breathing_from"] == "intervals").sum())
    slow = int((hearts["breathing"] < SLOW).sum())
    if unknown:
        what = (
            f"breathing is not known for {unknown} of {len(hearts)} values: high frequency is not read as vagal there"
        )
        made.append(Finding("warning", name, "respiration.rate", what, "Record breathing"))
    if guessed:
        what = f"breathing of {guessed} values was read from the intervals themselves, which is a guess"
        made.append(Finding("warning", name, "respiration.rate", what, "Record breathing"))
    if slow:
        what = f"{slow} of {len(hearts)} values were taken at fewer than {SLOW:g} breaths a minute: not read as vagal"
        made.append(Finding("warning", name, "respiration.rate", what))
    return made
