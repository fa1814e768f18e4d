"""The step that puts samples on a few axes, by their distances or by robust components."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from gutbrain.analyse.communities import ordination
from gutbrain.analyse.communities.distances import METRICS, VALUES, ZEROS, distances
from gutbrain.analyse.communities.robust_pca import RIDGE, robust_pca
from gutbrain.analyse.communities.tree import UNIFRAC, Tree, read_tree
from gutbrain.analyse.community import Community
from gutbrain.analyse.step import Done, Given, Step, required
from gutbrain.analyse.steps.diversity import MIDPOINT, RANK, TREE, community_of, taxa_of
from gutbrain.study.part import Finding

DEPENDS = 0.5  # rank correlation of an axis with depth above which it is said


class Ordination(Step):
    """Samples on a few axes, by their distances (PCoA) or by robust components (RPCA)."""

    kind: Literal["ordination"] = "ordination"
    method: Literal["pcoa", "rpca"] = Field(default="pcoa", description="principal coordinates, or robust components")
    metric: str = Field(default="bray-curtis", description=f"of pcoa: {', '.join(METRICS)}")
    values: str = Field(default="shares", description=f"of Bray-Curtis: {' or '.join(VALUES)}")
    zeros: str = Field(default="smallest", description=f"of Aitchison, how zeros are replaced: {', '.join(ZEROS)}")
    pseudocount: float = Field(default=0.5, gt=0, description="added to every raw value, where zeros are replaced so")
    correction: str = Field(default="", description="of eigenvalues below 0: empty, lingoes or cailliez")
    tree: str = TREE
    midpoint: bool = MIDPOINT
    alpha: float = Field(default=0.5, ge=0, le=1, description="of generalised UniFrac")
    components: int = Field(default=3, ge=1, description="rank of the completed matrix (rpca, robust-aitchison)")
    ridge: float = Field(default=RIDGE, ge=0, description="of rpca: how strongly large cells are penalised")
    prevalence: float = Field(default=0.0, ge=0, le=1, description="features in at least this share of samples only")
    rank: str = RANK
    visits: list[str] = Field(default=[], description="samples of these visits only; empty: all")
    pairs: int = Field(default=500, ge=0, description="distances are written for up to this many samples")

    @field_validator("metric", "values", "zeros", "correction")
    @classmethod
    def _known(cls, word: str, info: Any) -> str:
        known = {"metric": METRICS, "values": VALUES, "zeros": ZEROS, "correction": ordination.CORRECTIONS}[
            info.field_name
        ]
        if word not in known:
            raise ValueError(f"{word!r} is not known; known are {', '.join(repr(name) for name in known)}")
        return word

    def run(self, given: Given) -> Done:
        """Ordinate; write the samples on their axes, the axes, loadings and distances."""
        community = community_of(given, self.rank, self.visits)
        name = self.name or self.kind
        notes = []
        if self.prevalence:
            community = community.prevalent(self.prevalence)
            there = community.values.sum(axis=1) > 0
            if not there.all():
                what = f"{int((~there).sum())} samples hold none of the features in {self.prevalence:.0%} of samples"
                notes.append(Finding("warning", name, "", what, "Take a lower prevalence"))
                community = community.keep(there)
        required(len(community) >= 3, f"an ordination needs 3 samples, there are {len(community)}", "Take more visits")
        few = len(community) <= self.pairs
        if self.method == "rpca":
            found = robust_pca(community, self.components, self.ridge)
            measured = found.distances() if few else None
        else:
            measured = distances(
                community, self.metric, self.values, self.zeros, self.pseudocount, self._tree(given), self.alpha,
                self.components,
            )  # fmt: skip
            found = ordination.pcoa(measured, self.correction)
        notes += _depth_notes(name, found, community)
        tables = {"ordination": found.table(), "axes": found.axis_table()}
        if found.loadings is not None:
            tables["loadings"] = found.loading_table()
        if few and measured is not None:
            tables["distances"] = measured.table()
        else:
            what = f"the distances of {len(community)} samples were not written"
            notes.append(Finding("note", name, "pairs", what, "Raise `pairs` to have them"))
        notes += [Finding("note", name, "", what) for what in found.notes[1:]]
        return Done(tables, notes=tuple(notes), said=_axes_said(found, community, self.method))

    def _tree(self, given: Given) -> Tree | None:
        required(
            bool(self.tree) or self.metric not in UNIFRAC, f"{self.metric} needs a tree", "Name a Newick file in `tree`"
        )
        return read_tree(given.file(self.tree), self.midpoint) if self.tree and self.metric in UNIFRAC else None

    @classmethod
    def suggested(cls, given: Given) -> list[Step]:
        """Return Bray-Curtis, Aitchison, and robust components where there are zeros."""
        community = taxa_of(given)
        if community is None or len(community) < 3 or len(community.names) < 2:
            return []
        steps: list[Step] = [
            cls(name="ordination, Bray-Curtis"),
            cls(name="ordination, Aitchison", metric="aitchison"),
        ]
        common = community.prevalent(given.design.prevalence)
        if (common.values == 0).any() and min(common.values.shape) > 3:
            steps.append(cls(name="ordination, robust", method="rpca", prevalence=given.design.prevalence))
        return steps


def _depth_notes(name: str, found: ordination.Ordination, community: Community) -> list[Finding]:
    """Return a warning for each axis that goes with the number of counts."""
    totals = community.values.sum(axis=1)
    if not community.counted or len(totals) < 5 or np.ptp(totals) == 0:
        return []
    from scipy.stats import spearmanr

    notes = []
    for place, scores in enumerate(found.scores.T[:3]):
        together = float(spearmanr(scores, totals).statistic)
        if abs(together) > DEPENDS:
            what = f"the axis goes with the number of counts of the samples (Spearman {together:.2f})"
            mend = "It may show depth, not biology: compare samples rarefied to one depth"
            notes.append(Finding("warning", name, f"axis_{place + 1}", what, mend))
    return notes


def _axes_said(found: ordination.Ordination, community: Community, method: str) -> tuple[str, ...]:
    robust = method == "rpca"
    word = "Robust principal components" if robust else "Principal coordinates"
    of = "variance of the completed matrix" if robust else "sum of eigenvalues above 0"
    shares = ", ".join(f"axis {place + 1} {share:.1%}" for place, share in enumerate(found.shares[:3]) if share > 0)
    people = community.samples["person"].drop_nulls().n_unique()
    said = [f"{word} ({found.metric}) of {len(community)} samples of {people} people: {shares} of the {of}."]
    if found.loadings is not None:
        order = np.argsort(found.loadings[:, 0])
        called = dict(zip(community.names, community.features["name"].fill_null("").to_list(), strict=True))
        ends = (order[::-1][:3], order[:3])
        high, low = ([called[name] or name for name in np.array(found.features)[places]] for places in ends)
        said.append(f"Axis 1 runs from {', '.join(low)} to {', '.join(high)}.")
    return (*said, *(f"{note[0].upper()}{note[1:]}." for note in found.notes[:1]))
