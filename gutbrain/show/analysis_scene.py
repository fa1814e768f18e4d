"""What all figures of one analysis share: its arms and visits in order, one colour an arm, whose sample is whose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import altair as alt
import polars as pl

from gutbrain.analyse.analysis import Analysis
from gutbrain.analyse.multiplicity import REGISTRY
from gutbrain.analyse.step import Design, Given
from gutbrain.show.study_plots import natural, said, unit_said
from gutbrain.show.words import ARM_COLOURS

EVERYBODY, UNKNOWN = "everybody", "not known"
WHOLE = ("all", EVERYBODY)  # what steps call people who are not told apart
VISITS, FEW = 12, 8  # most visits along an axis; most levels that colours can tell apart
SHADES = alt.SchemeParams(name="viridis", extent=[0.05, 0.85])
RAMP = ("#dbe4ec", "#b3c3d1", "#8ba2b5", "#64819a", "#44627d", "#2b455d", "#152a3d")


@dataclass(frozen=True)
class Scene:
    """The setting of the figures.

    Attributes
    ----------
    design : of the plan
    arms : all arms of the analysis, the reference first
    samples : sample, person, day, visit, and the arm if there is one
    tested : every hypothesis with its q (`gutbrain.analyse.multiplicity.REGISTRY`)
    units : of quantities, by name
    """

    design: Design
    arms: tuple[str, ...] = ()
    samples: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"sample": pl.String}))
    tested: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REGISTRY))
    units: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, analysis: Analysis) -> Scene:
        """Return the scene of an analysis."""
        design, study = analysis.plan.design, analysis.study
        people = study.people.unique("person", keep="first", maintain_order=True)
        whole = study.samples.join(people, on="person", how="left")
        wanted = ["sample", "person", "day", "visit", *([design.arm] if design.arm else [])]
        kept = whole.select(name for name in dict.fromkeys([*wanted, *design.only]) if name in whole.columns)
        samples = Given(study, design).ordered(kept)
        texts = [name for name in ("visit", design.arm) if name in samples.columns]
        samples = samples.select(name for name in wanted if name in samples.columns).with_columns(
            pl.col(texts).cast(pl.String)
        )
        units = dict(
            study.readings.select("quantity", "unit").drop_nulls().unique("quantity", keep="first").iter_rows()
        )
        told = analysis.tested.filter(pl.col("kind").is_in(["change", "physiology"]) & pl.col("unit").is_not_null())
        units |= {what: unit for what, unit in told.select("what", "unit").iter_rows() if unit != "ln"}
        names = analysis.people["arm"].to_list() if "arm" in analysis.people.columns and design.arm else []
        kept_arms = design.only.get(design.arm)
        names = names if kept_arms is None else [name for name in names if name in kept_arms]
        return cls(design, ordered_arms(names, design), samples, analysis.tested, units)

    @property
    def arm(self) -> str:
        """What the column of arms is called in words."""
        return said(self.design.arm) if self.design.arm else ""

    def levels(self, column: str, values: pl.Series) -> list[str]:
        """Return the levels of a column in the order of the design."""
        known = set(values.cast(pl.String).drop_nulls().to_list())
        wanted: Sequence[str] = self.design.visits if column == "visit" else self.arms if self._arms(known) else ()
        return [name for name in wanted if name in known] + sorted(known - set(wanted), key=natural)

    def colours(self, levels: Sequence[str], column: str = "") -> list[str]:
        """Return a colour for each level: an arm has the same one in every figure, visits darken."""
        if column == "visit":
            step = (len(RAMP) - 1) / max(1, len(levels) - 1)
            return [RAMP[round(place * step)] for place in range(len(levels))]
        known = list(self.arms) if self._arms(levels) else []
        order = known + [name for name in levels if name not in known]
        return [ARM_COLOURS[order.index(name) % len(ARM_COLOURS)] for name in levels]

    def tint(self, column: str, levels: Sequence[str], title: str | None, legend: bool = True) -> alt.Color:
        """Return the colour channel of arms or other groups."""
        scale = alt.Scale(domain=list(levels), range=self.colours(levels))
        shown = alt.Legend(orient="right", direction="vertical", symbolOpacity=1) if legend else None
        return alt.Color(f"{column}:N", title=title, scale=scale, legend=shown)

    def _arms(self, names: Iterable[str]) -> bool:
        return bool(self.arms) and set(names) - {UNKNOWN} <= set(self.arms)

    def with_sample(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table of samples with their person, visit, day and arm."""
        missing = [name for name in self.samples.columns if name == "sample" or name not in table.columns]
        if "sample" not in table.columns or len(missing) < 2:
            return table
        own = self.samples.select(missing).unique("sample", keep="first")
        return table.join(own, on="sample", how="left", maintain_order="left")

    def groups(self, table: pl.DataFrame) -> tuple[str, str]:
        """Return the columns that colour and axis stand for: the arm (else few people), and the visit, if they vary."""
        arm = self.design.arm if self.design.arm in table.columns else "arm"
        colour = arm if _varies(table, arm, FEW) else ""
        visit = "visit" if _varies(table, "visit", VISITS) else ""
        if not colour and not visit and _varies(table, "person", FEW) and table["person"].is_duplicated().any():
            colour = "person"
        return colour, visit

    def of_step(self, step: str) -> pl.DataFrame:
        """Return the tests of a step that have a p."""
        return self.tested.filter((pl.col("step") == step) & pl.col("p").is_not_null())

    def unit(self, quantity: str) -> str:
        """Return the unit of a quantity in words, empty for pure numbers."""
        computed = {"share": "%", "clr": "log2 ratio"}.get(quantity.partition(": ")[0], "")
        return computed or unit_said(self.units.get(quantity))


def ordered_arms(names: Iterable[str | None], design: Design) -> tuple[str, ...]:
    """Return the arms, the reference first."""
    known = sorted({str(name) for name in names if name is not None} - set(WHOLE), key=natural)
    first = [name for name in known if name == design.reference]
    return (*first, *(name for name in known if name not in first))


def text_of(table: pl.DataFrame, column: str) -> pl.Expr:
    """Return a column as text; empty cells are not known, of a column that is not there everybody."""
    return pl.col(column).cast(pl.String).fill_null(UNKNOWN) if column in table.columns else pl.lit(EVERYBODY)


def _varies(table: pl.DataFrame, column: str, most: int) -> bool:
    return column in table.columns and 1 < table[column].drop_nulls().n_unique() <= most
