"""Steps on scores of questionnaires: responders, and who changed reliably."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field, field_validator

from gutbrain.analyse.models.proportions import wilson
from gutbrain.analyse.named_outcomes import SAFETY, of_one_unit
from gutbrain.analyse.persons.important_differences import better, half_deviation, important_differences, known, told
from gutbrain.analyse.persons.reliable_change import CATEGORIES, CAVEATS, LEAST_NORM, METHODS, reliable_change
from gutbrain.analyse.persons.responders import (
    CRITERIA,
    MISSING,
    WHOLE,
    changes,
    differences,
    responded,
    responders,
)
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.analyse.steps.people_compared import arm_unused, as_findings, group_column, with_group
from gutbrain.analyse.steps.reliabilities import RELIABILITY, noise_of, scaled
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

RULES = {
    "important difference": "better by the important difference or more", "half": "better by a share of the start",
    "remission": "beyond the cut-off at the end, of those who were not at the start",
    "reliable change": "better by more than noise explains",
}  # fmt: skip
BEYOND = {
    "jacobson-truax": "a change of {:.3g} or more is beyond noise",
    "practice-adjusted": "a change of {:.3g} or more beyond the mean change of the reference arm is beyond noise",
    "regression": "a change beyond what the line of the reference arm predicts counts",
}
SENSITIVITY = ("sensitivity", "sensitivity differences")


class _StartToEnd(Step):
    """Options of steps that look at one visit and a later one."""

    outcomes: list[str] = Field(default=[], description="such as gad-7.total; empty: all for which the step knows how")
    start: str = Field(default="", description="visit; the first of the design by default")
    end: str = Field(default="", description="visit; the last of the design by default")
    better: str = Field(default="", description="lower or higher; empty: as the table of important differences says")
    group: str = Field(default="", description="column of people that are compared; empty: the arm of the design")
    reliability: str = Field(default="auto", description=f"of the measure: {', '.join(RELIABILITY)}, or a number")

    @field_validator("better")
    @classmethod
    def _better(cls, value: str) -> str:
        if value not in ("", "lower", "higher"):
            raise ValueError(f"{value!r} is not known; known are lower, higher")
        return value

    @field_validator("reliability")
    @classmethod
    def _reliability(cls, value: str) -> str:
        if value in RELIABILITY:
            return value
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 < number < 1:
            raise ValueError(f"{value!r} is no reliability; known are {', '.join(RELIABILITY)}, or between 0 and 1")
        return value

    def visits(self, given: Given) -> tuple[str, str]:
        """Return start and end."""
        known_visits = given.design.visits
        required(bool(self.start and self.end) or len(known_visits) > 1, "two visits are needed", "Name start and end")
        start, end = self.start or known_visits[0], self.end or known_visits[-1]
        required(start != end, f"start and end are both {start!r}", "Name two visits")
        return start, end

    def chosen(self, given: Given, kinds: tuple[str, ...] = ()) -> list[str]:
        """Return the outcomes: those asked for, or those of the study for which a row of these kinds is known."""
        there = given.outcomes.filter(pl.col("visit").is_not_null())["quantity"].unique(maintain_order=True).to_list()
        table = important_differences()
        rows = table.filter(pl.col("what").is_in(kinds)) if kinds else table
        listed = set(rows["quantity"])
        return self.outcomes or [name for name in there if name in listed and not name.endswith(SAFETY)]

    def _first(self, changed: pl.DataFrame) -> str:
        """Return the reference: the first of the groups in their order."""
        kind = changed.schema["arm"]
        there = set(changed["arm"].cast(pl.String))
        order = kind.categories.to_list() if isinstance(kind, pl.Enum) else sorted(there)
        return next((name for name in order if name in there), WHOLE)

    def changed(self, given: Given, outcome: str, group: str) -> tuple[pl.DataFrame, list[str]]:
        """Return start and end of each person, arms as a factor, and who was left out."""
        start, end = self.visits(given)
        table, unit, others = of_one_unit(given.outcome(outcome))
        table = with_group(given, table, group)
        required(not group or table["arm"].drop_nulls().len() > 0, f"nobody has a known {group}", "Name another group")
        made = changes(table, start, end, "arm" if group else "")
        notes = [f"values in {', '.join(others)} left out, {unit} kept"] if others else []
        both = table.filter(pl.col("visit").cast(pl.String).is_in([start, end]))
        lost = both.filter(~pl.col("person").is_in(made["person"].implode()))
        without = lost.filter(pl.col("arm").is_null())["person"].n_unique()
        ended = lost.filter(pl.col("arm").is_not_null())["person"].n_unique()
        if ended:
            notes.append(f"{counted(ended)} {end!r} and not {start!r}: left out")
        if without:
            notes.append(f"{counted(without)} no {group}: left out")
        return made, notes


def counted(people: int) -> str:
    """Return a number of people as the begin of a clause."""
    return "1 person has" if people == 1 else f"{people} people have"


class Responders(_StartToEnd):
    """How many people responded, by a rule that is named, and by how much the arms differ."""

    kind: Literal["responders"] = "responders"
    criterion: str = Field(
        default="important difference",
        description="important difference, half (50 % better), remission (below the cut-off), reliable change",
    )
    threshold: float = Field(
        default=0.0, ge=0, description="in the outcome's unit, or a share for half; 0: as the table of sources says"
    )
    fallback: bool = Field(
        default=False, description="take half a standard deviation where no important difference is known"
    )
    missing: str = Field(default="left out", description="people without the end: left out, or not responded")

    @field_validator("criterion", "missing")
    @classmethod
    def _known(cls, value: str, info: Any) -> str:
        names = CRITERIA if info.field_name == "criterion" else MISSING
        if value not in names:
            raise ValueError(f"{value!r} is not known; known are {', '.join(names)}")
        return value

    def run(self, given: Given) -> Done:
        """Count responders of each arm and compare the arms, with missing people left out and as non-responders."""
        name = self.name or self.kind
        group = group_column(given, self.group)
        level = given.design.confidence
        kinds = {"important difference": ("important difference",), "remission": ("remission cut-off",
                 "clinical cut-off")}  # fmt: skip
        wanted = () if self.fallback or self.threshold else kinds.get(self.criterion, ())
        outcomes = self.chosen(given, wanted)
        required(bool(outcomes), f"no outcome has a known {self.criterion}", "Name outcomes and a threshold")
        parts: dict[str, list[pl.DataFrame]] = {}
        rows: list[dict[str, Any]] = []
        notes: list[Finding] = []
        start, end = self.visits(given)
        absent = "left out" if self.missing == MISSING[0] else "counted as not responded"
        said = [f"Responders from {start} to {end}: {RULES[self.criterion]}; people without {end} are {absent}."]
        notes += arm_unused(given, group, name)
        for outcome in outcomes:
            try:
                changed, left_out = self.changed(given, outcome, group)
                notes += as_findings(name, outcome, left_out)
                direction = better(outcome, self.better)
                threshold, source = self._threshold(given, outcome, changed)
                people = responded(changed, self.criterion, threshold, direction)
                required(len(people) > 0, "nobody is at risk: all began on the good side of the cut-off")
            except InputError as error:
                notes.append(Finding("warning", name, outcome, f"not done: {error.what}", error.mend))
                continue
            gone = int(people["responded"].null_count())
            if gone:
                what = f"{gone} of {len(people)} people have no value at {self.visits(given)[1]!r}"
                mend = "Read the table `sensitivity`, where they count by the other rule"
                notes.append(Finding("warning", name, outcome, what, mend))
            labels = [pl.lit(outcome).alias("outcome")]
            rule = [pl.lit(self.criterion).alias("criterion"), pl.lit(threshold).alias("threshold"),
                    pl.lit(source).alias("source")]  # fmt: skip
            ways = (self.missing, "responders", "differences"), (_other(self.missing), *SENSITIVITY)
            for missing, table, other in ways:
                shares = responders(people, missing, level)
                apart = differences(shares, level).select(*labels, pl.all())
                parts.setdefault(table, []).append(
                    shares.select(*labels, pl.all(), *rule, pl.lit(missing).alias("rule for missing"))
                )
                parts.setdefault(other, []).append(apart)
                told_rows = [self._tested(outcome, row, group, threshold) for row in apart.to_dicts()]
                if table == "responders":
                    rows += told_rows
                    what = f"{outcome} ({threshold:.3g}: {source.partition(';')[0]})"
                    said += _shares_said(what, shares, apart, level)
                elif gone:  # with nobody missing both rules are the same test
                    rows += [row | {"part": SENSITIVITY[0], "method": f"{row['method']}; missing: {missing}"}
                             for row in told_rows]  # fmt: skip
            parts.setdefault("people", []).append(people.select(*labels, pl.col("arm").cast(pl.String),
                                                                pl.exclude("arm")))  # fmt: skip
        required(bool(parts), "no outcome could be counted", "; ".join(str(note) for note in notes))
        notes += _unadjusted(given, name)
        said += _causes(rows)
        return Done({key: pl.concat(found) for key, found in parts.items()}, tested(rows) if rows else Done().tested,
                    tuple(notes), tuple(said))  # fmt: skip

    def _threshold(self, given: Given, outcome: str, changed: pl.DataFrame) -> tuple[float, str]:
        """Return the threshold of an outcome, and where it comes from."""
        if self.threshold:
            return self.threshold, "given in the plan"
        if self.criterion == "half":
            return 0.5, "half of the start"
        if self.criterion == "reliable change":
            start, first = self.visits(given)[0], self._first(changed)
            noise = noise_of(given, outcome, changed, start, self.reliability, first)
            return noise.smallest(given.design.confidence), f"reliable change, {noise.origin}"
        kinds = ("important difference",) if self.criterion == "important difference" else (
            "remission cut-off", "clinical cut-off")  # fmt: skip
        row = known(outcome, *kinds)
        if row is not None:
            return scaled(given, outcome, row), told(row)
        required(self.fallback and self.criterion == "important difference", f"no {self.criterion} is known",
                 "Give a threshold")  # fmt: skip
        return half_deviation(changed["start"].to_numpy()), "half a standard deviation at the start: a fallback"

    def _tested(self, outcome: str, row: dict[str, Any], group: str, threshold: float) -> dict[str, Any]:
        return {
            "what": outcome, "term": f"{group}[{row['arm']}]", "estimate": row["difference"], "low": row["low"],
            "high": row["high"], "unit": "share of people", "statistic": row["statistic"], "p": row["p"],
            "df": None if row["statistic"] is None else 1.0, "people": row["people"], "rows": row["people"],
            "method": f"responders ({self.criterion} {threshold:.3g}), Newcombe interval, {row['method']}",
            "note": row["note"],
        }  # fmt: skip

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return responders by important difference where the forms of the study have one."""
        forms = _scored_forms(given)
        rows = important_differences().filter(pl.col("what") == "important difference")["quantity"].to_list()
        return [cls()] if any(row.split(".")[0] in forms for row in rows) else []


class ReliableChange(_StartToEnd):
    """Who changed by more than the noise of the measure explains (Jacobson & Truax 1991)."""

    kind: Literal["reliable_change"] = "reliable_change"
    method: str = Field(
        default="jacobson-truax", description=f"{', '.join(METHODS)}; the last two need a reference arm"
    )
    cut_off: float = Field(default=0.0, description="clinical cut-off; 0: as the table of sources says, if it does")

    @field_validator("method")
    @classmethod
    def _method(cls, value: str) -> str:
        if value not in METHODS:
            raise ValueError(f"{value!r} is not known; known are {', '.join(METHODS)}")
        return value

    def run(self, given: Given) -> Done:
        """Sort people into recovered, improved, unchanged and deteriorated, and compare the arms."""
        name = self.name or self.kind
        group = group_column(given, self.group)
        start, _ = self.visits(given)
        outcomes = self.chosen(given)
        required(
            bool(outcomes), "no outcome is listed in the table of sources", "Name outcomes, better and reliability"
        )
        people, counts, noises = [], [], []
        rows: list[dict[str, Any]] = []
        notes: list[Finding] = []
        said = []
        for outcome in outcomes:
            try:
                changed, left_out = self.changed(given, outcome, group)
                notes += as_findings(name, outcome, left_out)
                direction = better(outcome, self.better)
                first = self._first(changed)
                noise = noise_of(given, outcome, changed, start, self.reliability, first)
                untreated = changed.filter(pl.col("arm").cast(pl.String) == first).drop_nulls("end") if group else None
                cut = known(outcome, "clinical cut-off")
                line = self.cut_off or (scaled(given, outcome, cut) if cut else None)
                made = reliable_change(changed, noise, direction, method=self.method, comparison=untreated, cut=line,
                                       confidence=given.design.confidence)  # fmt: skip
            except InputError as error:
                notes.append(Finding("warning", name, outcome, f"not done: {error.what}", error.mend))
                continue
            if self.method != "jacobson-truax" and untreated is not None and len(untreated) < LEAST_NORM:
                what = f"the reference arm has {len(untreated)} people: what it leads to expect is rough"
                notes.append(Finding("warning", name, outcome, what))
            label = pl.lit(outcome).alias("outcome")
            people.append(
                made.select(label, pl.col("person"), pl.col("arm").cast(pl.String), pl.exclude("person", "arm"))
            )
            counts.append(_categories(made, given.design.confidence).select(label, pl.all()))
            smallest = noise.smallest(given.design.confidence)
            noises.append({"outcome": outcome, "reliability": noise.reliability, "standard_deviation": noise.spread,
                           "measurement_error": noise.measurement_error, "difference_error": noise.difference_error,
                           "smallest_change": smallest, "cut_off": line, "origin": noise.origin})  # fmt: skip
            better_off = made.with_columns(pl.col("category").is_in(["recovered", "improved"]).alias("responded"))
            shares = responders(better_off, "left out", given.design.confidence)
            apart = differences(shares, given.design.confidence)
            rows += [{
                "what": outcome, "term": f"{group}[{row['arm']}]", "estimate": row["difference"], "low": row["low"],
                "high": row["high"], "unit": "share of people", "statistic": row["statistic"], "p": row["p"],
                "df": None if row["statistic"] is None else 1.0, "people": row["people"], "rows": row["people"],
                "method": f"reliably improved ({self.method}), Newcombe interval, {row['method']}",
                "note": row["note"],
            } for row in apart.to_dicts()]  # fmt: skip
            worse = int((made["category"] == "deteriorated").sum())
            of = made["category"].drop_nulls().len()
            said.append(
                f"{outcome}: {BEYOND[self.method].format(smallest)} ({noise.origin}); reliably improved were "
                + ", ".join(_share_of(row) for row in shares.to_dicts())
                + f"; {worse} of {of} people deteriorated reliably."
            )
        required(bool(people), "no outcome could be done", "; ".join(str(note) for note in notes))
        notes += [*arm_unused(given, group, name), *_unadjusted(given, name)]
        said += _causes(rows)
        one_day = any(str(row["origin"]).startswith(("alpha", "omega")) for row in noises)
        notes += as_findings(name, "method", CAVEATS if one_day else CAVEATS[:1])
        numbers = {"reliability": pl.Float64, "cut_off": pl.Float64}
        tables = {"reliable_change": pl.concat(people), "categories": pl.concat(counts),
                  "noise": pl.DataFrame(noises, schema_overrides=numbers, infer_schema_length=None)}  # fmt: skip
        return Done(tables, tested(rows) if rows else Done().tested, tuple(notes), tuple(said))

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return one step where scored questionnaires were filled in at two visits."""
        return [cls()] if _scored_forms(given) else []


def _categories(made: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """Return how many people of each arm fall into each category."""
    rows = []
    there = made.drop_nulls("category").with_columns(pl.col("arm").cast(pl.String))
    for (arm,), own in there.group_by("arm", maintain_order=True):
        for category in CATEGORIES:
            hits = int((own["category"] == category).sum())
            rows.append((arm, category, hits, len(own), hits / len(own), *wilson(hits, len(own), confidence)))
    names = {"arm": pl.String, "category": pl.String, "people": pl.Int64, "of": pl.Int64, "share": pl.Float64,
             "low": pl.Float64, "high": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def _scored_forms(given: Given) -> set[str]:
    """Return the questionnaires that are listed in the table of sources and were filled in at two visits."""
    from gutbrain.observe.forms import find

    listed = {name.split(".")[0] for name in important_differences()["quantity"]}
    found = set()
    seen = given.study.answers.filter(pl.col("visit").is_in(given.design.visits))
    for form, visits in seen.group_by("form").agg(pl.col("visit").n_unique()).iter_rows():
        try:
            name = find(form).name
        except InputError:
            continue
        if visits > 1 and name in listed:
            found.add(name)
    return found


def _other(missing: str) -> str:
    return MISSING[1] if missing == MISSING[0] else MISSING[0]


def _causes(rows: list[dict[str, Any]]) -> list[str]:
    """Say when a difference of shares, and a number needed, may be read as an effect."""
    return ["Differences between groups are effects only if people were randomised to them."] if rows else []


def _unadjusted(given: Given, name: str) -> list[Finding]:
    """Say that covariates of the design do not enter shares."""
    if not given.design.adjust:
        return []
    what = f"{', '.join(given.design.adjust)} did not enter: shares are compared as they are"
    return [Finding("note", name, "adjust", what, "A step of kind change adjusts for it")]


def _share_of(row: dict[str, Any]) -> str:
    return f"{row['responders']} of {row['people']}" + ("" if row["arm"] == WHOLE else f" in {row['arm']}")


def _shares_said(what: str, shares: pl.DataFrame, apart: pl.DataFrame, confidence: float) -> list[str]:
    parts = [_share_of(row) for row in shares.to_dicts()]
    made = f"{what}: {', '.join(parts)} responded"
    for row in apart.to_dicts():
        if row["difference"] is not None:
            made += (
                f"; {row['arm']} less {row['reference']} {100 * row['difference']:+.0f} percentage points "
                f"({100 * confidence:g} % CI {100 * row['low']:.0f} to {100 * row['high']:.0f}, p = {row['p']:.2g}), "
                f"number needed: {row['needed_said']}"
            )
    return [made + "."]
