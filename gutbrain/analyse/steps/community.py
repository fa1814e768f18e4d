"""Steps on whole communities: PERMANOVA, dispersion, ANOSIM, Mantel tests and constrained ordination."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from gutbrain.analyse.communities import constrained as ordinations
from gutbrain.analyse.communities.anosim import anosim
from gutbrain.analyse.communities.dispersion import compare_dispersion, dispersion
from gutbrain.analyse.communities.distances import Distances, centred_log_ratio, without_zeros
from gutbrain.analyse.communities.mantel import ALTERNATIVES, METHODS, mantel
from gutbrain.analyse.communities.permanova import MIXED, MOSTLY, permanova
from gutbrain.analyse.communities.permutation import between_share, few_said, suited
from gutbrain.analyse.community import Community
from gutbrain.analyse.formula import model_matrix, quoted, variables
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.analyse.steps import of_distances as shared
from gutbrain.analyse.steps.of_distances import OfDistances
from gutbrain.analyse.steps.predictors import TERMS_SAID, with_number, with_outcomes
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

PAIRS = 1500  # of samples that the figure of a Mantel test shows
SPREAD = 0.05  # below this p, groups are said to differ in dispersion
SMALL, UNEQUAL = 5, 2.0  # samples of a group that are few; ratio of group sizes that is unequal
TERMS = Field(default="", description=TERMS_SAID)
STRATA = Field(default="", description="column that nothing is exchanged across, such as the centre")
SERIES = Field(default=False, description="samples of a person are equal steps in time: they are shifted, not shuffled")


class Permanova(OfDistances):
    """How much of the variation between samples goes with the terms of a model."""

    kind: Literal["permanova"] = "permanova"
    terms: str = TERMS
    by: str = Field(default="terms", description="terms (one after the other), margin (each after the others) or whole")
    permuted: str = Field(default="residuals", description="rows, or residuals of the model without the term")
    strata: str = STRATA
    series: bool = SERIES

    def run(self, given: Given) -> Done:
        """Partition the squared distances, and compare the spread of the same groups."""
        found = self.measured(given, self.community(given))
        formula = shared.formula_of(given, self.terms, found.samples)
        samples, told = with_outcomes(given, found.samples, formula)
        found = replace(found, samples=samples, notes=(*found.notes, *told))
        shared.blocks(samples, self.strata)
        people, order = shared.people_column(found.samples), shared.order_column(found.samples, self.series)
        table = permanova(
            found.values, found.samples, formula, by=self.by, permuted=self.permuted, people=people, order=order,
            blocks=self.strata, series=self.series, permutations=self.permutations,
            generator=given.generator(self.called()),
        )  # fmt: skip
        notes, spread = self._spread(found, formula, given)
        if not self.series and shared.like_a_series(samples):
            notes.append(Finding("warning", self.called(), "series", *shared.SHUFFLED))
        terms = table.filter(pl.col("f").is_not_null() & ~pl.col("term").is_in(given.design.adjust))
        used = samples[model_matrix(samples, formula, tuple(filter(None, (people, order, self.strata)))).rows.tolist()]
        rows = [
            {
                "what": f"community, {found.metric}", "term": row["term"], "estimate": row["r2"],
                "unit": "share of variation", "statistic": row["f"], "df": float(row["df"]), "p": row["p"],
                "people": used["person"].n_unique(), "rows": len(used),
                "method": f"PERMANOVA by {self.by}" + (
                    f", {row['permutations']} permutations: {row['exchange']}" if row["exchange"] else ""
                ),
                "note": "; ".join(part for part in (row["note"], spread.get(row["term"])) if part) or None,
            }
            for row in terms.iter_rows(named=True)
        ]  # fmt: skip
        said = [
            f"PERMANOVA of {found.metric} distances of {len(used)} samples of {used['person'].n_unique()} "
            f"people by {formula}: "
            + "; ".join(_share_said(row) for row in terms.iter_rows(named=True)) + "."
        ]  # fmt: skip
        said += [f"For {name}: {what}." for name, what in spread.items()]
        return Done({"permanova": table}, tested(rows), tuple(notes), tuple(said))

    def _spread(self, found: Distances, formula: str, given: Given) -> tuple[list[Finding], dict[str, str]]:
        """Return what is to be said of each factor: sizes of groups, and whether their dispersion differs."""
        notes, said = [Finding("note", self.called(), "", what) for what in found.notes], {}
        for name in variables(formula, found.samples.columns):
            column = found.samples[name]
            if column.dtype.is_numeric() or column.drop_nulls().n_unique() < 2:
                continue
            part = found.keep(column.is_not_null().to_numpy())
            sizes = shared.group_sizes(part.samples[name])
            uneven = f"groups of {min(sizes)} to {max(sizes)} samples" if max(sizes) > UNEQUAL * min(sizes) else ""
            few = f"a group has {min(sizes)} samples only" if min(sizes) < SMALL else ""
            try:
                part, _ = shared.of_several_people(part, name)
                design = shared.group_design(part.samples, name, self.strata, self.series)
                made = compare_dispersion(
                    dispersion(part.values, part.samples[name]), design=design, permutations=999,
                    generator=given.generator(f"{self.called()}, {name}"),
                )[0].row(0, named=True)  # fmt: skip
            except InputError as error:
                notes.append(Finding("note", self.called(), name, f"dispersion was not compared: {error.what}"))
                continue
            differs = ""
            if made["p"] < SPREAD:
                differs = (
                    f"groups differ in dispersion too (F {made['f']:.3g}, p = {made['p']:.3g}), so not location alone"
                )
                notes.append(Finding("warning", self.called(), name, differs, "Read it beside the dispersion"))
            if told := ", ".join(part for part in (differs, uneven, few) if part):
                said[name] = told
        return notes, said

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return arm * visit as far as the study has them."""
        return [cls()] if shared.suggested_groups(given) else []


class Dispersion(OfDistances):
    """Whether samples of groups lie equally far from the middle of their group."""

    kind: Literal["dispersion"] = "dispersion"
    group: str = Field(default="", description="column with the groups; empty: the arm, else the visit")
    centre: str = Field(default="median", description="of a group: median (spatial) or centroid")
    unbiased: bool = Field(default=False, description="distances times sqrt(n / (n - 1)), for small groups")
    strata: str = STRATA

    def run(self, given: Given) -> Done:
        """Measure each sample's distance to the centre of its group, and compare the groups."""
        found, group = shared.grouped(self.measured(given, self.community(given)), given, self.group)
        found, alone = shared.of_several_people(found, group)
        samples = found.samples
        made = dispersion(found.values, samples[group], centre=self.centre, unbiased=self.unbiased)
        overall, pairs = compare_dispersion(
            made, design=shared.group_design(samples, group, self.strata), permutations=self.permutations,
            generator=given.generator(self.called()), confidence=given.design.confidence,
        )  # fmt: skip
        axes = made.coordinates[:, :2]
        table = samples.select("sample", "person", pl.col(group).cast(pl.String).alias("group")).with_columns(
            pl.Series("distance", made.distances), *_axis_columns(axes, 2)
        )
        counts = table.group_by("group").agg(pl.col("person").n_unique().alias("people"), pl.len().alias("samples"))
        centroids = pl.DataFrame({"group": made.levels}).with_columns(_axis_columns(made.centres[:, :2], 2))
        centroids = centroids.join(counts, on="group", how="left", maintain_order="left")
        first, people = overall.row(0, named=True), samples["person"].n_unique()
        common = {"what": f"dispersion, {found.metric}", "people": people, "rows": len(samples)}
        method = (
            f"distance to the {self.centre} (Anderson 2006), {first['permutations']} permutations: {first['exchange']}"
        )
        note = "; ".join([*made.notes, *few_said(first["permutations"])]) or None
        rows: list[dict[str, Any]] = [
            {**common, "term": group, "statistic": first["f"], "df": float(first["df"]), "p": first["p"],
             "method": method, "note": note}
        ]  # fmt: skip
        repeated = people < len(samples)  # an interval would take the samples of a person as independent
        why = "no interval: samples of a person are not independent"
        for row in pairs.iter_rows(named=True) if len(made.levels) > 2 else ():
            term = f"{group}[{row['group']}] - {group}[{row['other']}]"
            interval = {} if repeated else {name: row[name] for name in ("standard_error", "low", "high")}
            rows.append(
                {**common, **interval, "term": term, "estimate": row["difference"], "unit": "distance",
                 "statistic": row["t"], "df": float(row["df"]), "p": row["p"], "method": method,
                 "note": "; ".join(part for part in (note, why if repeated else None) if part) or None}
            )  # fmt: skip
        means = ", ".join(f"{level} {mean:.3g}" for level, mean in zip(made.levels, made.means, strict=True))
        said = (
            f"Mean distance to the {self.centre} of the own group ({found.metric}): {means}; F {first['f']:.3g}, "
            f"permutation p = {first['p']:.3g}.",
        )
        notes = [Finding("note", self.called(), group, what) for what in (*found.notes, *made.notes)]
        notes += [Finding("warning", self.called(), group, what) for what in alone]
        tables = {"dispersion": table, "centroids": centroids, "test": overall, "pairs": pairs}
        return Done(tables, tested(rows), tuple(notes), said)

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return the factors of the suggested PERMANOVA."""
        groups = shared.suggested_groups(given)
        return [cls(name=f"dispersion, {group}", group=group) for group in groups]


class Anosim(OfDistances):
    """Whether distances between groups are of higher rank than those within."""

    kind: Literal["anosim"] = "anosim"
    group: str = Field(default="", description="column with the groups; empty: the arm, else the visit")
    strata: str = STRATA

    def run(self, given: Given) -> Done:
        """Compare the ranks of distances."""
        found, group = shared.grouped(self.measured(given, self.community(given)), given, self.group)
        made = anosim(
            found.values, found.samples[group], design=shared.group_design(found.samples, group, self.strata),
            permutations=self.permutations, generator=given.generator(self.called()),
        )  # fmt: skip
        row = made.row(0, named=True)
        people = found.samples["person"].n_unique()
        rows = [
            {"what": f"community, {found.metric}", "term": group, "estimate": row["r"], "unit": "R of ANOSIM",
             "statistic": row["r"], "p": row["p"], "people": people, "rows": len(found),
             "note": "; ".join(part for part in (row["note"], *few_said(row["permutations"])) if part) or None,
             "method": f"ANOSIM, {row['permutations']} permutations: {row['exchange']}"}
        ]  # fmt: skip
        said = f"ANOSIM of {found.metric} distances by {group}: R {row['r']:.3g}, p = {row['p']:.3g}."
        notes = tuple(Finding("note", self.called(), group, what) for what in found.notes)
        return Done({"anosim": made}, tested(rows), notes, (said,))


class Mantel(OfDistances):
    """Whether distances between communities go with differences in other numbers."""

    kind: Literal["mantel"] = "mantel"
    against: list[str] = Field(description="number columns of the samples, or outcomes, whose differences are compared")
    partial: list[str] = Field(default=[], description="numbers whose differences are accounted for")
    correlation: str = Field(default="spearman", description=" or ".join(METHODS))
    alternative: str = Field(default="greater", description=", ".join(ALTERNATIVES))
    strata: str = STRATA

    def run(self, given: Given) -> Done:
        """Correlate the distances with Euclidean distances of the numbers, each in standard deviations."""
        required(bool(self.against), "a Mantel test needs numbers to compare with", "Name columns in `against`")
        found = self.measured(given, self.community(given))
        samples, told = found.samples, list[str]()
        for name in (*self.against, *self.partial):
            samples, about = with_number(samples, name, given)
            told += about
        whole = samples.select(pl.all_horizontal(pl.col([*self.against, *self.partial]).is_not_null())).to_series()
        found, samples = found.keep(whole.to_numpy()), samples.filter(whole)
        required(len(samples) >= 4, f"{len(samples)} samples have all of {', '.join(self.against)}", "Fill them in")
        numbers = samples.select(self.against).to_numpy()
        people = samples["person"].n_unique()
        order = samples[shared.order_column(samples, False)] if shared.order_column(samples, False) else None
        design = suited(numbers, samples["person"], order, shared.blocks(samples, self.strata))
        lost = [f"{int((~whole).sum())} samples lack a number"] if not whole.all() else []
        if people < len(samples) and design.between == "none" and between_share(numbers, samples["person"]) > MOSTLY:
            lost.append(MIXED.replace("the share", "r"))
        given_that = shared.differences(samples, self.partial) if self.partial else None
        apart = shared.differences(samples, self.against)
        made = mantel(
            found.values, apart, given_that, method=self.correlation,
            alternative=self.alternative, design=design, permutations=self.permutations,
            generator=given.generator(self.called()),
        )  # fmt: skip
        row, term = made.row(0, named=True), " + ".join(self.against)
        term += f" | {' + '.join(self.partial)}" if self.partial else ""
        rows = [
            {"what": f"community, {found.metric}", "term": term, "estimate": row["r"],
             "unit": "correlation of distances", "statistic": row["r"], "p": row["p"], "people": people,
             "rows": len(samples),
             "method": f"Mantel, {self.correlation}, {self.alternative}, {row['permutations']} permutations: "
             f"{row['exchange']}",
             "note": "; ".join([*lost, *few_said(row["permutations"])]) or None}
        ]  # fmt: skip
        said = (
            f"Mantel test of {found.metric} distances with differences in {term}: r {row['r']:.3g} "
            f"({self.correlation}), p = {row['p']:.3g}, {len(samples)} samples of {people} people."
        )
        notes = tuple(Finding("note", self.called(), "against", what) for what in dict.fromkeys((*found.notes, *told)))
        return Done({"mantel": made, "pairs": _pairs(samples, found.values, apart)}, tested(rows), notes, (said,))


class Constrained(OfDistances):
    """Axes of the variation that a model accounts for."""

    kind: Literal["constrained"] = "constrained"
    method: Literal["dbrda", "rda", "cca"] = Field(
        default="dbrda", description="of distances; of centred log ratios (rda); of amounts, chi-square distances (cca)"
    )
    terms: str = TERMS
    conditions: str = Field(default="", description="right-hand side of what is partialled out first, besides `adjust`")
    by: str = Field(default="terms", description="terms (one after the other), margin (each after the others) or whole")
    strata: str = STRATA
    series: bool = SERIES

    def run(self, given: Given) -> Done:
        """Ordinate under the model, and test it."""
        community = self.community(given)
        conditions = " + ".join([part for part in (self.conditions, *map(quoted, given.design.adjust)) if part])
        formula = self.terms or shared.default_terms(given, community.samples)
        required(bool(formula), "there is no arm and no visit to constrain by", "Name `terms`")
        samples, told = with_outcomes(given, community.samples, formula, conditions)
        if self.method == "dbrda":
            found = ordinations.dbrda(self.measured(given, community).values, samples, formula, conditions)
        elif self.method == "rda":
            ratios = centred_log_ratio(without_zeros(community.values, self.zeros, self.pseudocount))
            found = ordinations.rda(ratios, samples, formula, conditions)
        else:
            found = ordinations.cca(community.values, samples, formula, conditions)
        shared.blocks(samples, self.strata)
        options: dict[str, Any] = {
            "people": shared.people_column(samples), "order": shared.order_column(samples, self.series),
            "blocks": self.strata, "series": self.series, "permutations": self.permutations,
        }  # fmt: skip
        made = ordinations.explained(found, samples, by=self.by, generator=given.generator(self.called()), **options)
        used = samples[found.model.rows.tolist()]
        tables = {**_axis_tables(found, used, community), "constraints": made}
        what = f"community, {self.metric if self.method == 'dbrda' else self.method}"
        people = used["person"].n_unique()
        rows = [
            {"what": what, "term": row["term"], "estimate": row["r2"], "unit": "share of variation",
             "statistic": row["f"], "df": float(row["df"]), "p": row["p"], "people": people, "rows": len(used),
             "method": f"{self.method} by {self.by}{f', given {conditions}' if conditions else ''}, "
             f"{row['permutations'] or 'no'} permutations: {row['exchange'] or 'none can be made'}",
             "note": "; ".join(p for p in (row["note"], *few_said(row["permutations"]), *found.notes) if p) or None}
            for row in made.drop_nulls("f").iter_rows(named=True)
        ]  # fmt: skip
        adjusted = f" (adjusted {found.adjusted_r2:.1%})" if found.adjusted_r2 is not None else ""
        said = (
            f"Constrained ordination ({self.method}) of {len(used)} samples of {people} people: {formula} accounts for "
            f"{found.r2:.1%} of the variation{adjusted}{f', after {conditions}' if conditions else ''}; "
            + "; ".join(f"{row['term']} {_p_said(row['p'])}" for row in rows) + ".",
        )  # fmt: skip
        notes = tuple(Finding("note", self.called(), "", what) for what in (*found.notes, *told))
        return Done(tables, tested(rows), notes, said)


def _pairs(samples: pl.DataFrame, communities: np.ndarray, numbers: np.ndarray) -> pl.DataFrame:
    """Return sample, other, community, difference for the figure: at most `PAIRS` pairs, evenly picked."""
    rows, columns = np.triu_indices(len(samples), 1)
    kept = np.unique(np.linspace(0, len(rows) - 1, min(PAIRS, len(rows))).round().astype(int))
    rows, columns = rows[kept], columns[kept]
    return pl.DataFrame(
        {
            "sample": samples["sample"].gather(rows.tolist()), "other": samples["sample"].gather(columns.tolist()),
            "community": communities[rows, columns], "difference": numbers[rows, columns],
        }
    )  # fmt: skip


def _share_said(row: dict[str, Any]) -> str:
    """Return what a term of a PERMANOVA accounts for, in words."""
    p = _p_said(row["p"])
    where = f", {row['stratum_r2']:.1%} of that {row['stratum']}" if row["stratum_r2"] is not None else ""
    where = where or (f", tested {row['stratum']} only" if row["stratum"] else "")
    return f"{row['term']} {row['r2']:.1%} of the variation{where} (pseudo-F {row['f']:.3g}, {p})"


def _p_said(p: float | None) -> str:
    return f"p = {p:.3g}" if p is not None else "not tested: no rows could change places"


def _axis_tables(found: ordinations.Constrained, used: pl.DataFrame, community: Community) -> dict[str, pl.DataFrame]:
    """Return samples, axes, loadings and biplot; axes of the residual follow where the model has fewer than three."""
    shown = found.eigenvalues[found.eigenvalues > 0]
    left = found.residual_eigenvalues[: found.residual.shape[1]]
    scores = np.hstack([found.samples * np.sqrt(shown), found.residual * np.sqrt(np.maximum(left, 0))])
    kinds = ["constrained"] * len(found.eigenvalues) + ["residual"] * len(found.residual_eigenvalues)
    every = np.concatenate([found.eigenvalues, found.residual_eigenvalues])
    axes = pl.DataFrame(
        {"axis": range(1, len(every) + 1), "eigenvalue": every, "share": every / found.inertia, "kind": kinds}
    )
    biplot = pl.DataFrame({"column": found.columns}).with_columns(_axis_columns(found.biplot, 3))
    tables = {"ordination": used.with_columns(_axis_columns(scores, 3)), "axes": axes, "biplot": biplot}
    if len(found.features):
        tables["loadings"] = pl.DataFrame({"feature": community.names}).with_columns(_axis_columns(found.features, 3))
    return tables


def _axis_columns(values: np.ndarray, number: int) -> list[pl.Series]:
    """Return axis_1 ... as columns; what is not there is 0."""
    whole = np.zeros((len(values), number))
    whole[:, : min(number, values.shape[1])] = values[:, :number]
    return [pl.Series(f"axis_{place + 1}", whole[:, place]) for place in range(number)]
