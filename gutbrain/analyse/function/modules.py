"""Coverage and abundance of functional modules in tables of genes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gutbrain.analyse.function.module_files import Module, ModuleFile
from gutbrain.errors import InputError

SUMMARIES = ("median", "average", "sum", "min")
THRESHOLD = 0.66
ROUNDING = 1e-9  # 2/3 steps reach a threshold of 0.6666666667 as it is printed
PREFIX = re.compile(r"^(?:ko|KO):")
SCHEMA = {
    "sample": pl.String, "taxon": pl.String, "module": pl.String, "name": pl.String,
    "coverage": pl.Float64, "abundance": pl.Float64, "steps": pl.Int64, "steps_found": pl.Int64, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class ModuleAmounts:
    """What the samples hold of each module.

    Attributes
    ----------
    modules : in the order of the columns
    coverage : share of the steps of which something was found, array [sample, module]
    abundance : summary of the steps that were found, in the unit of the genes; 0 below the threshold,
        array [sample, module]
    reachable : share of the steps of which the table has a gene in any sample, array [module]
    genes_known, genes_named : identifiers of the modules that the table has, and all that they name
    """

    modules: tuple[Module, ...]
    coverage: np.ndarray
    abundance: np.ndarray
    reachable: np.ndarray
    genes_known: int
    genes_named: int
    threshold: float

    @property
    def names(self) -> list[str]:
        """Identifiers of the modules."""
        return [module.module for module in self.modules]

    def table(self, samples: Sequence[str], taxa: Sequence[str] | None = None) -> pl.DataFrame:
        """Return one row a sample and module: sample, module, name, coverage, abundance, steps, steps_found, note.

        Parameters
        ----------
        samples, taxa : name of the sample, and of the taxon if there are several, of each row of the arrays
        """
        rows, columns = self.coverage.shape
        steps = np.array([len(module.steps) for module in self.modules], dtype=np.int64)
        low = (self.coverage > 0) & (self.coverage < self.threshold - ROUNDING)
        made = pl.DataFrame(
            {
                "sample": np.repeat(np.arange(rows), columns),
                "module": self.names * rows,
                "name": [module.name for module in self.modules] * rows,
                "coverage": self.coverage.ravel(),
                "abundance": self.abundance.ravel(),
                "steps": np.tile(steps, rows),
                "steps_found": np.rint(self.coverage * steps).astype(np.int64).ravel(),
                "note": np.where(low, "below the coverage that was asked for", "").ravel(),
            },
            schema_overrides={"module": pl.String, "name": pl.String},
        )
        made = made.with_columns(pl.col("note").replace({"": None}))
        if taxa is not None:
            made = made.with_columns(taxon=pl.Series(list(taxa), dtype=pl.String).gather(made["sample"]))
        made = made.with_columns(pl.Series(list(samples), dtype=pl.String).gather(made["sample"]).alias("sample"))
        return made.select([pl.col(name).cast(kind) for name, kind in SCHEMA.items() if name in made.columns])


def module_amounts(
    values: np.ndarray, genes: Sequence[str], modules: ModuleFile, threshold: float = THRESHOLD, summary: str = "median"
) -> ModuleAmounts:
    """Return coverage and abundance of modules.

    Parameters
    ----------
    values : amounts of genes, array [sample, gene], 0 or more
    genes : identifier of each column, such as K00001 (also `ko:K00001`)
    modules : as `read_modules` gives them
    threshold : coverage from which on a module counts as present, 0 to 1
    summary : of the steps that were found: median, average, sum or min

    Raises
    ------
    InputError
        For an unknown summary, a threshold outside 0 to 1, or a table that has no gene of any module.

    Notes
    -----
    The genes of an alternative are averaged, what is absent counting as 0; a step is as abundant as its best
    alternative, and found if that is above 0. Coverage is the share of steps found. Below the threshold the abundance
    is 0, else the summary over the steps that were found. The coverage itself is told in any case.
    Source: Vieira-Silva 2016, doi 10.1038/nmicrobiol.2016.88; Valles-Colomer 2019, doi 10.1038/s41564-018-0337-x;
    which of several readings of the text is meant was settled by published tables of input and output.
    """
    if summary not in SUMMARIES:
        raise InputError(f"{summary!r} is no summary of steps", field="summary", mend=f"Use {', '.join(SUMMARIES)}")
    if not 0 <= threshold <= 1:
        raise InputError(f"coverage {threshold:g} is no share", field="coverage", mend="Give a number from 0 to 1")
    place = _places(genes)
    named = modules.genes
    known = sorted(gene for gene in named if gene in place)
    if not known:
        seen = ", ".join(list(place)[:3]) or "nothing"
        raise InputError(
            f"none of the {len(named)} genes of the modules stands in the table, which has {seen}",
            file=modules.source, mend="Regroup the gene table to KEGG orthologs (K00001)",
        )  # fmt: skip
    held = values[:, [place[gene] for gene in known]]
    column = {gene: number for number, gene in enumerate(known)}
    anywhere = {known[number] for number in np.flatnonzero((held > 0).any(axis=0))}
    coverage = np.zeros((len(values), len(modules.modules)))
    abundance = np.zeros_like(coverage)
    reachable = np.zeros(len(modules.modules))
    for number, module in enumerate(modules.modules):
        steps = np.column_stack([_best(held, column, step) for step in module.steps])
        found = (steps > 0).sum(axis=1)
        coverage[:, number] = found / len(module.steps)
        enough = (found > 0) & (coverage[:, number] >= threshold - ROUNDING)
        abundance[enough, number] = _summarise(steps[enough], found[enough], summary)
        reachable[number] = np.mean([any(anywhere.intersection(way) for way in step) for step in module.steps])
    return ModuleAmounts(modules.modules, coverage, abundance, reachable, len(known), len(named), threshold)


def modules_by_taxon(
    table: pl.DataFrame, modules: ModuleFile, threshold: float = THRESHOLD, summary: str = "median"
) -> pl.DataFrame:
    """Return coverage and abundance of modules within each taxon: who could do it alone.

    Parameters
    ----------
    table : sample, taxon, gene, value; what is absent is 0

    Returns
    -------
    table with sample, taxon, module, name, coverage, abundance, steps, steps_found, note; rows of coverage 0 left out

    Raises
    ------
    InputError
        For a sample, taxon and gene that stand twice, or genes of which no module has any.

    Notes
    -----
    A taxon covers a module with its own genes only: the sum over taxa is not the module of the whole community.
    """
    samples = table["sample"].unique(maintain_order=True)
    row = dict(zip(samples.to_list(), range(len(samples)), strict=True))
    if table.select("sample", "taxon", "gene").is_duplicated().any():
        twice = table.filter(table.select("sample", "taxon", "gene").is_duplicated()).row(0, named=True)
        what = f"{twice['gene']} of {twice['taxon']} stands twice in sample {twice['sample']}"
        raise InputError(what, mend="Keep one row of it")
    bare = table.with_columns(pl.col("gene").str.replace(PREFIX.pattern, ""))
    of_modules = bare.filter(pl.col("gene").is_in(list(modules.genes)))
    if of_modules.is_empty():
        module_amounts(np.zeros((0, 1)), bare["gene"].head(3).to_list(), modules)  # says what is wrong
    made = []
    for (taxon,), part in of_modules.group_by("taxon", maintain_order=True):
        genes = part["gene"].unique(maintain_order=True).to_list()
        column = dict(zip(genes, range(len(genes)), strict=True))
        values = np.zeros((len(row), len(genes)))
        at = part["sample"].replace_strict(row, return_dtype=pl.Int64).to_numpy()
        values[at, part["gene"].replace_strict(column, return_dtype=pl.Int64).to_numpy()] = part["value"].to_numpy()
        amounts = module_amounts(values, genes, modules, threshold, summary)
        made.append(amounts.table(samples.to_list(), [str(taxon)] * len(row)).filter(pl.col("coverage") > 0))
    return pl.concat(made)


def _places(genes: Sequence[str]) -> Mapping[str, int]:
    """Column of each gene by its bare identifier; two columns of one gene are refused."""
    place: dict[str, int] = {}
    for number, name in enumerate(genes):
        bare = PREFIX.sub("", name)
        if bare in place:
            raise InputError(f"gene {bare} stands twice in the table", field=bare, mend="Add its columns up")
        place[bare] = number
    return place


def _best(held: np.ndarray, column: Mapping[str, int], step: tuple[tuple[str, ...], ...]) -> np.ndarray:
    """Amount of the best alternative of a step, array [sample]; genes that the table lacks count as 0."""
    best = np.zeros(len(held))
    for alternative in step:
        there = [column[gene] for gene in alternative if gene in column]
        if there:
            np.maximum(best, held[:, there].sum(axis=1) / len(alternative), out=best)
    return best


def _summarise(steps: np.ndarray, found: np.ndarray, summary: str) -> np.ndarray:
    """Summary over the steps above 0, array [sample]; every sample has at least one."""
    if summary == "sum":
        return np.asarray(steps.sum(axis=1))
    if summary == "average":
        return np.asarray(steps.sum(axis=1) / found)
    ordered = np.sort(np.where(steps > 0, steps, np.inf), axis=1)
    if summary == "min":
        return np.asarray(ordered[:, 0])
    each = np.arange(len(steps))
    return np.asarray((ordered[each, (found - 1) // 2] + ordered[each, found // 2]) / 2)
