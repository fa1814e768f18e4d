"""Steps on diversity within samples: indices, their differences between arms and visits, and rarefaction."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from gutbrain.analyse.communities.diversity import alpha, unit_of
from gutbrain.analyse.communities.rarefaction import (
    coverage,
    depth_keeping,
    depths_kept,
    expected_richness,
    rarefaction_curves,
    rarefy,
)
from gutbrain.analyse.communities.tree import read_tree
from gutbrain.analyse.community import Community
from gutbrain.analyse.formula import INTERCEPT, model_matrix, quoted
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.analyse.steps.predictors import TERMS_OVER_TIME, over_time, per_unit, with_outcomes
from gutbrain.errors import InputError
from gutbrain.study.part import Finding

AS_READ = "read"
SHALLOW = 0.01  # of the median of counts: a sample below it is hardly one
DEPENDS = 0.3  # rank correlation of richness with depth above which it is said
RANK = Field(default="", description="taxa are summed to this rank; empty: that of the design; read: as they were read")
TREE = Field(default="", description="Newick file, or QIIME 2 archive of one, whose tips are the features")
MIDPOINT = Field(default=False, description="root the tree in the middle of its longest way")


class Diversity(Step):
    """Diversity within each sample, and its differences between arms and visits."""

    kind: Literal["diversity"] = "diversity"
    indices: list[str] = Field(
        default=["observed", "shannon", "inverse simpson", "pielou", "chao1"],
        description="observed, shannon (natural logarithm), simpson, inverse simpson, pielou, chao1, fisher, rarefied, "
        "faith, or hill with its order, as hill 0.5",
    )
    rank: str = RANK
    tree: str = TREE
    midpoint: bool = MIDPOINT
    depth: int = Field(default=0, ge=0, description="of the index rarefied, counts; 0: as 95 % of samples reach it")
    terms: str = Field(default="", description=TERMS_OVER_TIME)

    @field_validator("indices")
    @classmethod
    def _known(cls, indices: list[str]) -> list[str]:
        for index in indices:
            unit_of(index)
        return indices

    def run(self, given: Given) -> Done:
        """Compute the indices; test them where samples are of several arms or visits."""
        community = community_of(given, self.rank)
        tree = read_tree(given.file(self.tree), self.midpoint) if self.tree else None
        found = alpha(community, self.indices, tree, self.depth)
        samples, time = over_time(given, community.samples)
        arm = given.design.arm if given.design.arm in samples.columns else ""
        wanted = [name for name in (arm, time) if name and samples[name].drop_nulls().n_unique() > 1]
        formula = given.formula(self.terms or " * ".join(map(quoted, wanted)))
        ours = [name for name in found.columns[1:] if name in samples.columns and name in formula]
        required(not ours, f"no covariate can be called {' or '.join(ours)!r}", "Rename it in the study")
        refused = ""
        try:
            samples, told = with_outcomes(given, samples, formula)
        except InputError as error:  # the indices are told all the same
            told, refused = [], str(error)
        table = found.join(samples, on="sample", how="left", maintain_order="left")
        shown = ["sample", *_who(given, community.samples), "index", "value", "unit", "note"]
        name = self.name or self.kind
        rows: list[dict[str, Any]] = []
        notes = [Finding("note", name, "terms", what) for what in told]
        if self.terms or formula != given.formula():
            for index in dict.fromkeys(self.indices):
                part = table.filter((pl.col("index") == index) & pl.col("value").is_not_null())
                if refused:
                    rows.append({"what": index, "rows": len(part), "note": refused})
                    continue
                if part.is_empty():
                    rows.append({"what": index, "note": found.filter(pl.col("index") == index)["note"][0]})
                    continue
                try:
                    rows += _tests(part, index, formula, given)
                except InputError as error:
                    rows.append({"what": index, "rows": len(part), "note": str(error)})
        for index, note, number in found.drop_nulls("note").group_by("index", "note", maintain_order=True).len().rows():
            notes.append(Finding("warning", name, index, f"{note} ({number} of {len(community)} samples)"))
        notes += _depth_notes(name, community, table)
        made = tested(rows) if rows else Done().tested
        tables = {"alpha": table.select(shown), "summary": _summary(table, given)}
        return Done(tables, made, tuple(notes), _alpha_said(table, made, formula, self.rank or given.design.rank))

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return indices that suit the values: richness and its estimates of counts only."""
        community = taxa_of(given)
        if community is None:
            return []
        plain = ["shannon", "inverse simpson", "pielou"]
        return [cls(indices=["observed", "rarefied", *plain, "chao1"] if community.counted else plain)]


class Rarefaction(Step):
    """How richness depends on depth, and what rarefying to one depth costs."""

    kind: Literal["rarefaction"] = "rarefaction"
    depth: int = Field(default=0, ge=0, description="counts of each sample; 0: the largest that `keep` allows")
    keep: float = Field(default=0.95, gt=0, le=1, description="share of samples that reach the depth, where it is 0")
    points: int = Field(default=20, ge=2, description="depths of each curve")
    draw: bool = Field(default=False, description="write counts that were drawn at this depth")
    rank: str = RANK

    def run(self, given: Given) -> Done:
        """Compute curves, and richness at the depth; draw counts if asked."""
        community = community_of(given, self.rank)
        curves = rarefaction_curves(community, self.points)
        totals = community.values.sum(axis=1)
        depth = self.depth or depth_keeping(totals, self.keep)
        lost = int((totals < depth).sum())
        required(lost < len(totals), f"no sample has {depth} counts", f"The deepest has {int(totals.max())}")
        who = _who(given, community.samples)
        at_depth = community.samples.select("sample", *who).with_columns(
            pl.Series("total", totals.astype(int)),
            pl.lit(depth).alias("depth"),
            pl.Series("richness", expected_richness(community.values, depth)).fill_nan(None),
            pl.Series("coverage", coverage(community.values)),
        )
        tables = {
            "rarefaction": curves.join(community.samples.select("sample", *who), on="sample", how="left"),
            "at depth": at_depth,
            "depths": depths_kept(community),
        }
        name = self.name or self.kind
        if self.draw:
            drawn = rarefy(community, depth, given.generator(name)).community
            place, of = np.nonzero(drawn.values)
            tables["drawn"] = pl.DataFrame(
                {
                    "sample": drawn.samples["sample"][place.tolist()],
                    "feature": drawn.features["feature"][of.tolist()],
                    "count": drawn.values[place, of].astype(int),
                }
            )
        notes = []
        if lost:
            named = ", ".join(at_depth.filter(pl.col("richness").is_null())["sample"].head(5).to_list())
            what = f"{lost} of {len(totals)} samples have fewer than {depth} counts and are lost: {named}"
            notes.append(Finding("warning", name, "", what, "Take a lower depth, or indices that need none"))
        if not (community.values == 1).any():
            what = "no feature was counted once: they may have been removed, and curves flatten too early"
            notes.append(Finding("warning", name, "", what))
        said = (
            f"The {len(totals)} samples have {int(totals.min()):,} to {int(totals.max()):,} counts (median "
            f"{np.median(totals):,.0f}). At {depth:,} counts {len(totals) - lost} samples remain and {lost} are lost; "
            f"{depth * (len(totals) - lost) / totals.sum():.1%} of all counts are used.",
            f"Expected richness at this depth is {_range(at_depth['richness'].drop_nulls())} (Hurlbert 1971, without "
            f"drawing); Good's coverage of whole samples is {_range(pl.Series(coverage(community.values)))}.",
        )
        return Done(tables, notes=tuple(notes), said=said)

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return curves where there are counts, of different totals."""
        community = taxa_of(given)
        if community is None or not community.counted:
            return []
        return [cls()] if np.ptp(community.values.sum(axis=1)) > 0 else []


def community_of(given: Given, rank: str, visits: list[str] | None = None) -> Community:
    """Return the community at the rank that a step names."""
    made = given.community(rank="" if rank == AS_READ else rank or None, visits=visits or ())
    required(len(made) > 0, "no sample is left", "Look at the visits and the material of the design")
    return made


def taxa_of(given: Given) -> Community | None:
    """Return the community of the design, or nothing where the study has none."""
    try:
        made = given.community()
    except InputError:
        return None
    return made if len(made) else None


def _who(given: Given, samples: pl.DataFrame) -> list[str]:
    """Return the columns that say whose and when a sample is."""
    wanted = ("person", "visit", "day", given.design.arm, *given.design.adjust)
    return [name for name in dict.fromkeys(wanted) if name in samples.columns]


def _tests(part: pl.DataFrame, index: str, formula: str, given: Given) -> list[dict[str, Any]]:
    """Return a row for each coefficient; covariates of the design are in the model, but are no questions."""
    part = part.with_columns(pl.coalesce("person", "sample").alias("person"))  # without a person, it is its own
    matrix = model_matrix(part, formula, ("value", "person"))
    used = part[matrix.rows.tolist()]
    if np.ptp(used["value"].to_numpy()) < 1e-12 * np.abs(used["value"].to_numpy()).max():
        return [{"what": index, "rows": len(used), "note": "the index is the same in every sample"}]
    people = used["person"].n_unique()
    if people < len(used):
        from gutbrain.analyse.models.mixed import mixed

        fit = mixed(part, "value", formula)
        found = fit.contrast(np.eye(len(fit.estimates)), given.design.confidence)
        found, method, notes = found.insert_column(0, pl.Series("term", fit.design.columns)), fit.method, fit.notes
    else:
        found, method, notes = _least_squares(matrix.values, matrix.columns, used, given), "linear model", matrix.notes
    aside = (INTERCEPT, *given.design.adjust)
    skipped = {matrix.columns[place] for term in aside for place in matrix.terms.get(term, ())}
    common = {
        "what": index, "people": people, "rows": len(used), "method": method,
        "note": "; ".join(notes) or None,
    }  # fmt: skip
    return [
        {**common, **row, "unit": unit_of(index) + per_unit(given, part, row["term"])}
        for row in found.iter_rows(named=True) if row["term"] not in skipped
    ]  # fmt: skip


def _least_squares(values: np.ndarray, columns: tuple[str, ...], used: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Return ordinary least squares in the shape of a mixed model's coefficients."""
    from statsmodels.regression.linear_model import OLS

    value = used["value"].to_numpy()
    fit = OLS(value, values).fit()
    if np.sqrt(fit.mse_resid) <= 1e-10 * np.ptp(value):
        raise InputError("the model explains the outcome without a remainder", mend="Leave terms out")
    low, high = np.asarray(fit.conf_int(1 - given.design.confidence)).T
    return pl.DataFrame(
        {
            "term": columns, "estimate": fit.params, "standard_error": fit.bse,
            "df": [float(fit.df_resid)] * len(columns), "statistic": fit.tvalues, "p": fit.pvalues,
            "low": low, "high": high,
        }
    )  # fmt: skip


def _depth_notes(name: str, community: Community, table: pl.DataFrame) -> list[Finding]:
    """Return warnings where diversity may tell of depth: samples of few counts, and richness that goes with depth."""
    if not community.counted:
        return []
    totals, found = community.values.sum(axis=1), []
    shallow = totals < SHALLOW * np.median(totals)
    if shallow.any():
        named = ", ".join(community.samples["sample"].filter(pl.Series(shallow)).head(5).to_list())
        what = f"{int(shallow.sum())} samples have less than {SHALLOW:.0%} of the median of counts: {named}"
        found.append(Finding("warning", name, "", what, "Leave them out"))
    observed = table.filter(pl.col("index") == "observed")["value"].to_numpy()
    if len(observed) > 3 and np.ptp(observed) > 0 and np.ptp(totals) > 0:
        from scipy.stats import spearmanr

        together = float(spearmanr(observed, totals).statistic)
        if together > DEPENDS:
            what = f"observed richness goes with the number of counts (Spearman {together:.2f})"
            found.append(Finding("warning", name, "observed", what, "Compare the index rarefied"))
    return found


def _summary(table: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Return mean, standard deviation and quartiles of each index, arm and visit."""
    by = [name for name in (given.design.arm, "visit" if given.design.visits else "") if name in table.columns]
    grouped = table.drop_nulls("value").group_by(["index", *by], maintain_order=True)
    value = pl.col("value")
    return grouped.agg(
        pl.col("person").drop_nulls().n_unique().alias("people"),
        pl.len().alias("samples"),
        value.mean().alias("mean"),
        value.std().alias("standard_deviation"),
        value.median().alias("median"),
        value.quantile(0.25, "linear").alias("lower_quartile"),
        value.quantile(0.75, "linear").alias("upper_quartile"),
    )


def _alpha_said(table: pl.DataFrame, made: pl.DataFrame, formula: str, rank: str) -> tuple[str, ...]:
    known = table.drop_nulls("value")
    parts = [
        f"{index} {_range(known.filter(pl.col('index') == index)['value'])}"
        for index in known["index"].unique(maintain_order=True)
    ]
    level = f" of taxa at the rank {rank}" if rank and rank != AS_READ else ""
    said = [
        f"Diversity{level} in {table['sample'].n_unique()} samples of {table['person'].drop_nulls().n_unique()} people "
        f"(median, quartiles): {'; '.join(parts) or 'none could be computed'}."
    ]
    done = made.drop_nulls("p")
    if len(done):
        least = done.sort("p").row(0, named=True)
        between = f" ({least['low']:.3g} to {least['high']:.3g})" if least["low"] is not None else ""
        methods = " and ".join(done["method"].unique(maintain_order=True))
        said.append(
            f"Differences were tested by {methods}, with {formula}: {len(done)} coefficients, "
            f"{int((done['p'] < 0.05).sum())} with p < 0.05 before correction. The smallest p is that of "
            f"{least['what']}, {least['term']}: {least['estimate']:.3g} {least['unit']}{between}, "
            f"p = {least['p']:.3g}."
        )
    elif made.is_empty():
        said.append("Nothing was tested: there are neither arms nor several visits to compare.")
    else:
        said.append("No test was possible.")
    return tuple(said)


def _range(values: pl.Series) -> str:
    low, middle, high = (values.quantile(at, "linear") for at in (0.25, 0.5, 0.75))
    return f"{middle:.3g} ({low:.3g}-{high:.3g})" if middle is not None else "unknown"
