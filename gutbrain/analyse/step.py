"""A step of an analysis plan: what it is given, what it gives, and the columns in which every test is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from gutbrain.analyse.community import Community
from gutbrain.analyse.outcomes import outcome, outcomes
from gutbrain.errors import InputError
from gutbrain.study.part import Finding
from gutbrain.study.scores import scores
from gutbrain.study.study import Study

TEXT, NUMBER, COUNT = pl.String(), pl.Float64(), pl.Int64()
# One row for every hypothesis that was tested, whatever the method.
TESTED: dict[str, pl.DataType] = {
    "what": TEXT,  # outcome, taxon, module, path ...
    "term": TEXT,  # the effect that was tested, as `arm[LGG]:visit[after]`
    "estimate": NUMBER, "standard_error": NUMBER, "low": NUMBER, "high": NUMBER,
    "unit": TEXT,  # of the estimate
    "statistic": NUMBER, "df": NUMBER, "p": NUMBER,
    "people": COUNT, "rows": COUNT,
    "method": TEXT, "note": TEXT,
    "part": TEXT,  # tests that are corrected apart from the rest of their family, such as single paths of a mediation
}  # fmt: skip
PLACE = "\0place"  # no table of a study has such a column
CONTROL = ("placebo", "sham", "control", "ctrl", "con", "wait", "waitlist", "usual", "tau", "none", "no")
BEFORE = ("baseline", "before", "pre", "t0", "day 0", "start", "screening")
AFTER = ("after", "post", "end", "follow-up", "followup")


class Design(BaseModel):
    """Who was compared with whom, and when; `suggested_design` fills it from a study."""

    model_config = ConfigDict(extra="forbid")
    arm: str = Field(default="", description="column with the arms; empty when there are none")
    reference: str = Field(default="", description="the arm that the others are compared with")
    visits: list[str] = Field(default=[], description="visits in order; the first is the baseline")
    only: dict[str, list[str]] = Field(
        default={}, description="column -> the values that are analysed; other rows are left out"
    )
    adjust: list[str] = Field(default=[], description="covariates in every model")
    rank: str = Field(default="", description="taxa are summed to this rank; empty: as they were read")
    unit: str = Field(default="", description="unit of abundances; empty: that of most rows")
    material: str = Field(default="", description="material of the samples; empty: all")
    prevalence: float = Field(
        default=0.1, ge=0, le=1, description="taxa tested one by one occur in this share of samples"
    )
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="of intervals")
    seed: int = Field(default=1, ge=0, description="of permutations and other draws")


@dataclass(frozen=True)
class Given:
    """What every step reads: the study, prepared once."""

    study: Study
    design: Design
    folder: Path = Path()
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def community(self, kind: str = "taxon", rank: str | None = None, visits: Sequence[str] = ()) -> Community:
        """Return the community with factors in the order of the design; samples that hold nothing are left out.

        Parameters
        ----------
        rank : that of the design if left out
        visits : samples of these visits only
        """
        rank = self.design.rank if rank is None else rank
        key = ("community", kind, rank)
        if key not in self._made:
            unit = self.design.unit if kind == "taxon" else ""
            made = Community.of(self.study, kind, rank if kind == "taxon" else "", unit, self.design.material)
            made = made.keep(made.values.sum(axis=1) > 0)
            samples = self.ordered(made.samples.with_row_index(PLACE))
            values = made.values[samples[PLACE].to_list()]
            self._made[key] = Community(samples.drop(PLACE), made.features, values, made.unit)
        whole: Community = self._made[key]
        return whole.keep(whole.samples["visit"].is_in(list(visits)).to_numpy()) if visits else whole

    @cached_property
    def scores(self) -> pl.DataFrame:
        """All scores of the study, withheld ones too: counted once for all steps."""
        return scores(self.study)

    @cached_property
    def outcomes(self) -> pl.DataFrame:
        """All outcomes of the study, long."""
        return outcomes(self.study, self.scores)

    def outcome(self, quantity: str) -> pl.DataFrame:
        """Return one outcome: person, visit, day, value, unit and covariates, factors in the order of the design."""
        return self.ordered(outcome(self.study, quantity, self.outcomes))

    def file(self, name: str) -> Path:
        """Return a file that the plan names: beside the plan if it is there, else from where the program runs."""
        beside = self.folder / name
        return beside if beside.exists() else Path(name)

    def ordered(self, table: pl.DataFrame) -> pl.DataFrame:
        """Turn arm and visit into factors, the reference first, visits in order; leave out what is not analysed."""
        made = table
        for column, values in self.design.only.items():
            if column in made.columns:
                made = made.filter(pl.col(column).cast(pl.String).is_in(list(values)))
        if self.design.visits and "visit" in made.columns:
            if made["visit"].null_count() < len(made):  # a table that knows no visit is taken whole
                made = made.filter(pl.col("visit").is_in(self.design.visits))
            made = made.with_columns(pl.col("visit").cast(pl.Enum(self.design.visits)))
        arm = self.design.arm
        if arm and arm in made.columns:
            levels = made[arm].cast(pl.String).drop_nulls().unique().sort().to_list()
            first = [name for name in levels if name == self.design.reference]
            made = made.with_columns(
                pl.col(arm).cast(pl.String).cast(pl.Enum(first + [name for name in levels if name not in first]))
            )
        return made

    def generator(self, name: str) -> np.random.Generator:
        """Return the draws of one step: another step changes nothing here."""
        return np.random.default_rng([self.design.seed, *name.encode()])

    def formula(self, *terms: str) -> str:
        """Return terms and the covariates of the design as a formula."""
        from gutbrain.analyse.formula import quoted

        return " + ".join([*(term for term in terms if term), *map(quoted, self.design.adjust)]) or "1"


@dataclass(frozen=True)
class Done:
    """What a step found.

    Parameters
    ----------
    tables : further tables by name; they are written, and figures are drawn from them
    tested : rows with the columns of `TESTED`
    notes : what could not be done, and what to be careful about
    said : sentences for the report: what was done, and what was found
    """

    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    tested: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TESTED))
    notes: tuple[Finding, ...] = ()
    said: tuple[str, ...] = ()


class Step(BaseModel):
    """Base of all steps: a class holds the options of one analysis, and `run` does it.

    A step raises `InputError` when nothing of it can be done; what is partly possible becomes a note.
    """

    model_config = ConfigDict(extra="forbid")
    kind: str
    name: str = Field(default="", description="by which the report and the families call it; the kind by default")
    family: str = Field(
        default="", description="tests of one family are corrected together; the step's name by default"
    )
    confirmatory: bool = Field(default=False, description="planned before the data were seen; else exploratory")

    def run(self, given: Given) -> Done:
        """Do the analysis."""
        raise NotImplementedError

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return the steps of this kind that suit a study without a plan."""
        return []


def tested(rows: Sequence[Mapping[str, Any]] | pl.DataFrame) -> pl.DataFrame:
    """Return rows as a table of tests: missing columns are null, others are dropped."""
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(list(rows), infer_schema_length=None)
    if not frame.width:  # literals alone would make a row of nothing
        return pl.DataFrame(schema=TESTED)
    return frame.select(
        [
            (pl.col(name).fill_nan(None) if frame.schema.get(name) == NUMBER else pl.col(name)).cast(kind)
            if name in frame.columns
            else pl.lit(None, kind).alias(name)
            for name, kind in TESTED.items()
        ]
    )


def suggested_design(study: Study) -> Design:
    """Return the design that a study seems to have: arms, their reference, and the order of visits."""
    arm = next((name for name in ("arm", "group", "treatment", "condition") if name in study.people.columns), "")
    levels = study.people[arm].drop_nulls().cast(pl.String).unique().sort().to_list() if arm else []
    if len(levels) < 2:
        arm, levels = "", []
    words = {name: name.lower().replace("-", " ").split() for name in levels}
    controls = [name for word in CONTROL for name in levels if word in words[name]]
    reference = controls[0] if controls else levels[0] if levels else ""
    return Design(arm=arm, reference=reference, visits=visit_order(study))


def visit_order(study: Study) -> list[str]:
    """Return the visits of a study in order: by day where it is known, else by number or by what they are called."""
    tables = [study.tables[name].select("visit", "day") for name in ("visits", "samples", "readings", "answers")]
    rows = pl.concat(tables).drop_nulls("visit")
    days = rows.group_by("visit").agg(pl.col("day").median())
    if days["day"].null_count() == 0:
        return days.sort("day", "visit")["visit"].to_list()
    return sorted(days["visit"].to_list(), key=_called)


def _called(visit: str) -> tuple[int, float, str]:
    digits = "".join(sign for sign in visit if sign.isdigit() or sign == ".").strip(".")
    place = 0 if visit.lower() in BEFORE else 2 if visit.lower() in AFTER else 1
    try:
        return place, float(digits), visit
    except ValueError:
        return place, float("inf"), visit


def required(condition: bool, what: str, mend: str = "") -> None:
    """Refuse a step that cannot be done.

    Raises
    ------
    InputError
        If the condition does not hold.
    """
    if not condition:
        raise InputError(what, mend=mend)
