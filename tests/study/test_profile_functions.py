"""Genes and pathways of HUMAnN, and other tables of functions."""

from pathlib import Path

import polars as pl
import pytest
from profile_examples import COVERAGE, GENES, HUMANN_4, PATHWAYS, numbers, said, whole, write

from gutbrain.errors import InputError
from gutbrain.study.microbiome.read_profiles import read_humann, sniff

OMIXER = Path(__file__).parents[3] / "shared" / "data" / "peers" / "omixer"

# HUMAnN


def test_totals_of_gene_families(tmp_path):
    path = write(tmp_path, GENES)
    part = read_humann(path)
    whole(part)
    assert part.tables["samples"]["sample"].to_list() == ["A", "B"]
    assert numbers(part, "RPK") == {
        ("A", "UNMAPPED"): 100, ("B", "UNMAPPED"): 50, ("A", "UniRef90_R5IH84"): 37.5,
        ("A", "50S ribosomal protein L11"): 10.25, ("B", "50S ribosomal protein L11"): 2,
    }  # fmt: skip
    assert part.tables["features"]["kind"].to_list() == ["other", "gene", "gene"]
    assert part.tables["features"]["feature"].to_list() == [
        "UNMAPPED (UniRef90)", "UniRef90_R5IH84", "UniRef90_B6YQ01",
    ]  # fmt: skip
    assert "3 rows of single taxa were left out" in said(part)


def test_rows_of_single_taxa_on_demand(tmp_path):
    part = read_humann(write(tmp_path, GENES), stratified=True)
    whole(part)
    features = {row["feature"]: row for row in part.tables["features"].iter_rows(named=True)}
    row = features["UniRef90_R5IH84|g__Bacteroides.s__Bacteroides_stercoris"]
    assert (row["genus"], row["species"], row["kind"]) == ("Bacteroides", "Bacteroides stercoris", "gene")
    assert features["UniRef90_R5IH84|unclassified"]["genus"] is None


def test_a_table_of_single_taxa_only(tmp_path):
    rows = [row for row in GENES.splitlines() if "|" in row or row.startswith("#")]
    part = read_humann(write(tmp_path, "\n".join(rows)))
    assert "added up" in said(part)
    assert part.tables["abundances"].filter(feature="UniRef90_R5IH84")["value"].to_list() == [37.5]
    lonely = "\n".join(row for row in PATHWAYS.splitlines() if "|" in row or row.startswith("#"))
    with pytest.raises(InputError, match="do not sum to totals"):
        read_humann(write(tmp_path, lonely))
    assert read_humann(write(tmp_path, lonely), stratified=True).tables["abundances"].height == 2


def test_pathways_and_their_coverage(tmp_path):
    part = read_humann(write(tmp_path, PATHWAYS))
    whole(part)
    kinds = dict(part.tables["features"].select("feature", "kind").iter_rows())
    assert kinds["PWY-3841"] == kinds["1CMET2-PWY"] == "pathway" and kinds["UNINTEGRATED (pathway)"] == "other"
    assert set(part.tables["abundances"]["unit"]) == {"copies"}
    coverage = read_humann(write(tmp_path, COVERAGE))
    assert set(coverage.tables["abundances"]["unit"]) == {"signal"} and "certainty" in said(coverage)
    assert coverage.tables["samples"]["sample"].to_list() == ["demo"]


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("# Gene Family\tA_Abundance-CPM", "CPM"), ("# Gene Family\tA_Abundance-RELAB", "share"),
        ("# Pathway\tA_Abundance-CPM", "CPM"), ("# Gene Family HUMAnN v4.0.0.alpha.1 Counts\tA", "count"),
        ("# Gene Family HUMAnN v4.0.0.alpha.2 Adjusted CPMs\tA-RELAB", "share"), ("# Gene Family\tA", "RPK"),
        ("# Pathway HUMAnN v4.0.0.alpha.1\tA_Abundance", "copies"),
    ],
)  # fmt: skip
def test_units_of_headers(tmp_path, header, unit):
    part = read_humann(write(tmp_path, f"{header}\nK00001\t0.25\nK00002\t0.5\n"))
    assert set(part.tables["abundances"]["unit"]) == {unit}
    assert part.tables["samples"]["sample"].to_list() == ["A"]


def test_a_renormalised_table_that_still_says_rpk(tmp_path):
    table = "# Gene Family\tA_Abundance-RPKs\nUNMAPPED\t250000\nK00001\t750000\n"
    part = read_humann(write(tmp_path, table))
    assert set(part.tables["abundances"]["unit"]) == {"CPM"} and "was renormalised" in said(part)
    declared = read_humann(write(tmp_path, table), unit="RPK")
    assert set(declared.tables["abundances"]["unit"]) == {"RPK"}


def test_unmapped_reads_of_humann_4_are_counts(tmp_path):
    part = read_humann(write(tmp_path, HUMANN_4))
    units = dict(part.tables["abundances"].select("feature", "unit").iter_rows())
    assert units == {"READS_UNMAPPED (KO)": "count", "UNGROUPED (KO)": "CPM", "K00001": "CPM"}
    assert part.reader == "HUMAnN 4.0.0.alpha.1, table of functions (KO, CPM)"
    strata = read_humann(write(tmp_path, HUMANN_4), stratified=True).tables["features"]
    assert strata[-1, "species"] == "Bacteroides ovatus"


def test_real_tables_of_ko():
    if not OMIXER.is_dir():
        pytest.skip("tables of KO: needs ../shared/data/peers/omixer")
    path = OMIXER / "ko_matrix.tsv"
    assert sniff(path) == "humann"
    part = read_humann(path)
    whole(part)
    assert part.tables["samples"]["sample"].to_list() == ["S1", "S2"]
    assert set(part.tables["features"]["kind"]) == {"gene"}
    table = pl.read_csv(path, separator="\t")
    sums = dict(part.tables["abundances"].group_by("sample").agg(pl.col("value").sum()).iter_rows())
    assert sums == pytest.approx({name: table[name].sum() for name in ("S1", "S2")})
    assert "no unit is named; signal was taken" in said(part)


def test_real_tables_of_ko_by_species():
    if not OMIXER.is_dir():
        pytest.skip("tables of KO: needs ../shared/data/peers/omixer")
    path = OMIXER / "species_matrix.tsv"
    assert sniff(path) == "humann"
    part = read_humann(path)
    whole(part)
    table = pl.read_csv(path, separator="\t")
    ours = part.tables["abundances"].filter(sample="s06a", feature="K04077")["value"].item()
    assert ours == pytest.approx(table.filter(KO="K04077")["s06a"].sum())
    strata = read_humann(path, stratified=True)
    assert strata.tables["features"].height > part.tables["features"].height
    row = strata.tables["features"].row(by_predicate=pl.col("feature") == "K04077|Aeromonas hydrophila", named=True)
    assert row["species"] == "Aeromonas hydrophila" and row["genus"] == "Aeromonas"
    assert "38 rows have no function and were left out" in said(part)
    assert sniff(OMIXER / "tiny_taxon_matrix.tsv") == sniff(OMIXER / "tiny_matrix.tsv") == "humann"
    assert sniff(OMIXER / "GBMs.v1.0.txt") is None and sniff(OMIXER / "GBMs.v1.0.names") is None


def test_other_tables_of_functions(tmp_path):
    picrust = 'function,description,A,B\nEC:1.1.1.1,"dehydrogenase, alcohol",1.5,2\nEC:1.1.1.2,x,0,2.5\n'
    path = write(tmp_path, picrust)
    assert sniff(path) == "humann"
    part = read_humann(path)
    assert numbers(part)["A", "dehydrogenase, alcohol"] == 1.5 and part.tables["samples"].height == 2
    turned = "sample\tK00001\tK00002\nA\t1\t0\nB\t2\t3\n"
    part = read_humann(write(tmp_path, turned))
    assert "samples were found in rows" in said(part) and "count was taken: the numbers are whole" in said(part)
    assert part.tables["samples"]["sample"].to_list() == ["A", "B"]
    assert part.tables["abundances"].filter(sample="B", feature="K00002")["value"].to_list() == [3]
