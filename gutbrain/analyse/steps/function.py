"""Steps on what microbes could do: functional modules, groups of microbes, distance to a reference cohort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from gutbrain.analyse.community import Community
from gutbrain.analyse.function.dysbiosis import WEAKNESS, Score, dysbiosis, outside_range
from gutbrain.analyse.function.enterotypes import clusters, enterotype_axes
from gutbrain.analyse.function.groups import LOG_RATIO, RATIO, RATIO_WARNING, group_table, placed
from gutbrain.analyse.function.module_files import ModuleFile, read_modules
from gutbrain.analyse.function.modules import module_amounts, modules_by_taxon
from gutbrain.analyse.models.effects import Asked, log_ratios
from gutbrain.analyse.step import Done, Given, Step, required, tested
from gutbrain.analyse.steps.designed import by_design, named, sentence
from gutbrain.errors import InputError
from gutbrain.people.taxa import GROUPS
from gutbrain.study.part import Finding

STRATUM = "|"  # between a gene and the taxon that carries it, as HUMAnN writes them


class Modules(Step):
    """Coverage and abundance of functional modules, and their change by the design."""

    kind: Literal["modules"] = "modules"
    file: str = Field(
        default="", description="module file in the text format of Omixer-RPM (GBM, GMM); none is shipped"
    )
    names: str = Field(default="", description="table of identifier, tab, name; empty: the names of the module file")
    coverage: float = Field(default=0.66, ge=0, le=1, description="share of steps from which on a module is present")
    summary: Literal["median", "average", "sum", "min"] = Field(default="median", description="of the steps found")
    by_taxon: bool = Field(default=False, description="also within each taxon, where genes stand by taxon")

    def run(self, given: Given) -> Done:
        """Do the analysis."""
        required(bool(self.file), "no module file is named", 'Give file = "GBMs.txt"; module files are not shipped')
        modules = read_modules(given.file(self.file), given.file(self.names) if self.names else None)
        genes = given.community("gene")
        whole = genes.only(np.array([STRATUM not in name for name in genes.names]))
        required(bool(whole.names), "genes stand by taxon only", "Read the table with totals of genes")
        amounts = module_amounts(whole.values, whole.names, modules, self.coverage, self.summary)
        samples = whole.samples["sample"].to_list()
        tables = {"modules": amounts.table(samples)}
        tables["known"] = pl.DataFrame(
            {
                "module": amounts.names, "name": [module.name for module in amounts.modules],
                "steps": [len(module.steps) for module in amounts.modules], "reachable": amounts.reachable,
                "prevalence": (amounts.abundance > 0).mean(axis=0), "mean_abundance": amounts.abundance.mean(axis=0),
            }
        )  # fmt: skip
        notes = [Finding("note", "", modules.source, text) for text in modules.notes]
        if self.by_taxon:
            tables |= self._by_taxon(genes, modules)
            if "by_taxon" not in tables:
                mend = "Read the gene table with stratified = true"
                notes.append(Finding("warning", "", "by_taxon", "no genes stand by taxon", mend))
        never = [name for name, share in zip(amounts.names, amounts.reachable, strict=True) if share < self.coverage]
        if never:
            what = (
                f"{len(never)} of {len(amounts.names)} modules cannot reach coverage {self.coverage:g}: "
                "their genes are in no sample"
            )
            notes.append(Finding("note", "", "", what, "Absent from the table is not absent from the gut"))
        rows, question, more = self._test(given, whole, amounts.abundance, amounts.names)
        told = {module.module: f"{module.module} {module.name}" for module in amounts.modules}
        rows = rows.with_columns(pl.col("what").replace(told))
        present = int((amounts.abundance > 0).any(axis=0).sum())
        said = (
            f"{present} of {len(amounts.names)} modules of {modules.source} are present (coverage at least "
            f"{self.coverage:g}) in at least one of {len(samples)} samples; {amounts.genes_known} of "
            f"{amounts.genes_named} genes that the modules name stand in the table. Genes are potential, not activity.",
            sentence(rows, question, "module"),
        )
        return Done(tables, rows, named([*notes, *more], self), said)

    def _test(
        self, given: Given, genes: Community, abundance: np.ndarray, names: Sequence[str]
    ) -> tuple[pl.DataFrame, Asked | None, list[Finding]]:
        often = (abundance > 0).mean(axis=0) >= given.design.prevalence
        often &= (abundance > 0).any(axis=0)
        if often.sum() < 2:
            what = "fewer than two modules are common enough to be compared with each other"
            return tested([]), None, [Finding("warning", "", "", what, "Lower the coverage or the prevalence")]
        # The mean of logarithms is that of modules common enough: rare ones would bring mostly replaced zeros.
        common = abundance[:, often]
        some = common.sum(axis=1) > 0
        notes = []
        if not some.all():
            what = f"{int((~some).sum())} samples hold no common module and were left out of the tests"
            notes.append(Finding("warning", "", "", what, "Look at their depth"))
        values = log_ratios(common[some])
        kept = [name for name, is_often in zip(names, often, strict=True) if is_often]
        samples = genes.samples.filter(pl.Series(some))
        rows, question, more = by_design(given, samples, values, kept, LOG_RATIO, "centred log-ratio of modules")
        return rows, question, notes + more

    def _by_taxon(self, genes: Community, modules: ModuleFile) -> dict[str, pl.DataFrame]:
        strata = np.flatnonzero([STRATUM in name for name in genes.names])
        if not len(strata):
            return {}
        held = genes.only(strata)
        sample, column = np.nonzero(held.values)
        parts = [name.split(STRATUM, 1) for name in held.names]
        long = pl.DataFrame(
            {
                "sample": held.samples["sample"].gather(sample.tolist()),
                "taxon": [parts[number][1] for number in column], "gene": [parts[number][0] for number in column],
                "value": held.values[sample, column],
            }
        )  # fmt: skip
        return {"by_taxon": modules_by_taxon(long, modules, self.coverage, self.summary)}


class Groups(Step):
    """Groups of microbes (butyrate producers, Akkermansia, pathobionts ...) and enterotype-like axes."""

    kind: Literal["groups"] = "groups"
    reference: str = Field(default="", description="data set whose range stands beside; empty: that of the platform")
    axes: bool = Field(default=True, description="log-ratios of Bacteroides, Prevotella and Ruminococcaceae")
    clusters: int = Field(
        default=0, ge=0, le=20, description="largest number of clusters tried; 0: none, communities lie on gradients"
    )

    def run(self, given: Given) -> Done:
        """Do the analysis."""
        community = given.community("taxon", rank="")
        groups = placed(community)
        table = group_table(community, groups, self.reference)
        tables = {"groups": table, "placement": groups.assignment}
        samples = community.samples["sample"].to_list()
        columns = [f"{name}{RATIO}" for name in GROUPS]
        notes = [Finding("note", "", "", text) for text in groups.notes]
        if self.axes:
            tables["axes"] = enterotype_axes(community)
            columns += tables["axes"].drop_nulls("value")["axis"].unique(maintain_order=True).to_list()
        wide = pl.concat(
            [table.filter(pl.col("unit") == LOG_RATIO).select("sample", "value", what="quantity")]
            + [tables["axes"].select("sample", "value", what="axis") for _ in range(self.axes)]
        ).pivot(on="what", index="sample", values="value")
        whole = [name for name in columns if wide[name].null_count() == 0]
        if len(whole) < len(columns):
            what = f"not tested, as it is unknown in some samples: {', '.join(sorted(set(columns) - set(whole)))}"
            notes.append(Finding("note", "", "", what))
        order = pl.DataFrame({"sample": samples}).join(wide, on="sample", how="left", maintain_order="left")
        rows, question, more = by_design(
            given,
            community.samples,
            order.select(whole).to_numpy(),
            whole,
            LOG_RATIO,
            "centred log-ratio of nine groups",
        )
        ratio = pl.when(pl.col("what").is_in([f"{name}{RATIO}" for name in GROUPS])).then("method")
        plain = pl.col("method").str.replace(
            "centred log-ratio of nine groups", "log-ratio of two groups", literal=True
        )
        rows = rows.with_columns(ratio.otherwise(plain).alias("method"))
        if (table["quantity"] == "firmicutes_to_bacteroidetes").any():
            notes.append(Finding("warning", "", "firmicutes_to_bacteroidetes", RATIO_WARNING, "Not tested"))
        if self.clusters:
            made = clusters(community, max(self.clusters, 2))
            tables |= {"clusters": made.table, "cluster_choices": made.choices}
            notes.append(Finding("warning", "", "clusters", made.verdict, "Prefer the axes"))
        unplaced, guessed = 100 * groups.unplaced, 100 * groups.guessed
        said = (
            f"{len(samples)} samples ({groups.platform}) in nine groups of microbes; median share that no rule placed "
            f"{np.median(unplaced):.1f} % (at most {unplaced.max():.1f} %), placed by a guess "
            f"{np.median(guessed):.1f} %. {groups.notes[0].capitalize()}.",
            sentence(rows, question, "group"),
        )
        return Done(tables, rows, named([*notes, *more], self), said)

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return the step for a study with taxa that belong to groups."""
        names = given.study.features.filter(pl.col("kind") == "taxon")["feature"]
        return [cls()] if len(names) and not given.study.abundances.is_empty() and _placeable(given) else []


class Dysbiosis(Step):
    """Distance of each sample to a reference cohort."""

    kind: Literal["dysbiosis"] = "dysbiosis"
    reference: str = Field(
        default="", description="arm, visit, `arm at visit`, or `shipped`; empty: reference arm and/or first visit, "
        "else shipped",
    )  # fmt: skip
    data: str = Field(default="", description="shipped data set; empty: that of the platform")
    distance: Literal["bray-curtis", "aitchison", "groups"] = Field(
        default="bray-curtis", description="to an own reference"
    )
    beyond: float = Field(default=0.9, gt=0, lt=1, description="quantile of the reference's own scores")

    def run(self, given: Given) -> Done:
        """Do the analysis."""
        mask, called = self._reference(given, given.community("taxon").samples)
        if mask is None:
            score = outside_range(given.community("taxon", rank=""), self.data)
        else:
            # The nine groups need names as they were read; a distance takes the rank of the design.
            community = given.community("taxon", rank="" if self.distance == "groups" else None)
            score = dysbiosis(community, mask, called, self.distance, self.beyond)
        return self._done(given, score, mask)

    def _done(self, given: Given, score: Score, mask: np.ndarray | None) -> Done:
        samples = given.community("taxon").samples
        values = score.table["score"].to_numpy()
        unit = str(score.table["unit"][0])
        rows, question, notes = by_design(given, samples, values[:, None], ["dysbiosis score"], unit, "score")
        if mask is not None and not rows.is_empty():
            told = "all samples share one reference: p takes it as given"
            joined = pl.concat_str([pl.col("note"), pl.lit(told)], separator="; ", ignore_nulls=True)
            rows = rows.with_columns(joined.alias("note"))
        notes.append(Finding("warning", "", "score", WEAKNESS))
        if mask is None:
            away = f"The median sample has {np.median(values):.0f} of nine groups outside the reference range"
        else:
            other = values[~mask]
            beyond = float((other > score.table["threshold"][0]).mean()) if len(other) else 0.0
            away = (
                f"{beyond:.0%} of the {len(other)} other samples lie beyond the threshold of the reference, as "
                f"{100 * (1 - self.beyond):.3g} % would if they were like it"
            )
        return Done(
            {"dysbiosis": score.table},
            rows,
            named(notes, self),
            (f"{away}. {score.said}", sentence(rows, question, "score")),
        )

    def _reference(self, given: Given, samples: pl.DataFrame) -> tuple[np.ndarray | None, str]:
        """Which samples are the reference, and what it is called; None for a shipped one."""
        if self.reference == "shipped":
            return None, "shipped"
        arms, visits = _levels(samples, given.design.arm), _levels(samples, "visit")
        if self.reference:
            arm, at, visit = self.reference.partition(" at ")
            if not at:
                arm, visit = (arm, "") if arm in arms else ("", arm)
            if (arm and arm not in arms) or (visit and visit not in visits) or not (arm or visit):
                raise InputError(
                    f"there is no reference {self.reference!r}", field="reference",
                    mend=f"Arms are {', '.join(arms) or 'none'}; visits are {', '.join(visits) or 'none'}; or shipped",
                )  # fmt: skip
        else:
            arm = given.design.reference if given.design.reference in arms and len(arms) > 1 else ""
            visit = next((name for name in given.design.visits if name in visits), "") if len(visits) > 1 else ""
            if not arm and not visit:
                return None, "shipped"
        mask = np.ones(len(samples), bool)
        for column, level in ((given.design.arm, arm), ("visit", visit)):
            if level:
                mask &= (samples[column].cast(pl.String) == level).fill_null(False).to_numpy()
        parts = [f"{given.design.arm} {arm}" if arm else "", f"visit {visit}" if visit else ""]
        return mask, " at ".join(part for part in parts if part)

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return the step for a study with arms or visits, or taxa that a shipped range fits."""
        if given.study.features.filter(pl.col("kind") == "taxon").is_empty() or given.study.abundances.is_empty():
            return []
        step = cls()
        samples = given.study.samples.join(given.study.people, on="person", how="left")
        try:
            mask, _ = step._reference(given, samples)
        except InputError:
            return []
        if mask is None:
            return [step] if _placeable(given) else []
        return [step] if samples.filter(pl.Series(mask))["person"].n_unique() >= 5 else []


def _levels(samples: pl.DataFrame, column: str) -> list[str]:
    if not column or column not in samples.columns:
        return []
    return samples[column].cast(pl.String).drop_nulls().unique(maintain_order=True).to_list()


def _placeable(given: Given) -> bool:
    """Whether some taxon of a study belongs to a group."""
    try:
        placed(given.community("taxon", rank=""))
    except InputError:
        return False
    return True
