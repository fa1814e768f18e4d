"""Modules of genes: the published answers to the published tables, and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.function.module_files import read_modules
from gutbrain.analyse.function.modules import module_amounts, modules_by_taxon
from gutbrain.errors import InputError

PEERS = Path(__file__).parents[2].parent / "shared" / "data" / "peers" / "omixer"


def peers(name: str) -> Path:
    if not PEERS.is_dir():
        pytest.skip("needs ../shared/data/peers/omixer")
    return PEERS / name


def matrix(name: str) -> tuple[list[str], np.ndarray]:
    table = pl.read_csv(peers(name), separator="\t", infer_schema_length=None)
    return table[:, 0].to_list(), table[:, 1:].cast(pl.Float64).to_numpy().T


def made(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "modules.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("file, summary", [("GMMs.v1.07", "median"), ("GMMs.v1.07", "sum"), ("GBMs.v1.0", "median")])
def test_all_modules_of_the_published_output(file, summary):
    genes, values = matrix("ko_matrix.tsv")
    amounts = module_amounts(values, genes, read_modules(peers(f"{file}.txt")), 0.66, summary)
    names, expected = matrix(f"expected_{file}-c0.66-{summary}_modules.tsv")
    column = {name: number for number, name in enumerate(amounts.names)}
    at = [column[name] for name in names]
    np.testing.assert_allclose(amounts.abundance[:, at], expected, rtol=1e-9)
    others = [number for number in range(len(amounts.names)) if number not in at]
    assert (amounts.abundance[:, others] == 0).all(), "what the peer leaves out is below its threshold"
    if summary == "median":
        covered, coverage = matrix(f"expected_{file}-c0.66-{summary}_modules-coverage.tsv")
        assert covered == names
        ours = np.where(amounts.coverage >= 0.66, amounts.coverage, 0)  # the peer prints 0 below the threshold
        np.testing.assert_allclose(ours[:, at], coverage, rtol=1e-12)


def test_headline_numbers():
    genes, values = matrix("ko_matrix.tsv")
    metabolic = module_amounts(values, genes, read_modules(peers("GMMs.v1.07.txt")))
    np.testing.assert_allclose(metabolic.abundance[:, metabolic.names.index("MF0004")], [5457.398359, 2755.535621])
    brain = module_amounts(values, genes, read_modules(peers("GBMs.v1.0.txt")), 0.3)
    assert brain.abundance[0, brain.names.index("MGB037")] == pytest.approx(3377.204476773, abs=1e-9)


def test_names_of_the_names_file_are_those_of_the_module_file():
    for file in ("GMMs.v1.07", "GBMs.v1.0"):
        plain, named = read_modules(peers(f"{file}.txt")), read_modules(peers(f"{file}.txt"), peers(f"{file}.names"))
        assert [m.module for m in plain.modules] == [m.module for m in named.modules]
        assert len(plain.modules) == {"GMMs.v1.07": 103, "GBMs.v1.0": 56}[file]


def test_species_with_all_genes_of_the_community_in_one_taxon_is_the_community():
    table = pl.read_csv(peers("species_matrix.tsv"), separator="\t", infer_schema_length=None)
    long = table.unpivot(index=["species", "KO"], variable_name="sample", value_name="value")
    long = long.rename({"species": "taxon", "KO": "gene"}).with_columns(pl.col("value").cast(pl.Float64))
    modules = read_modules(peers("GMMs.v1.07.txt"))
    found = modules_by_taxon(long, modules)
    assert found["taxon"].n_unique() <= 46 and (found["coverage"] > 0).all()
    pooled = long.group_by("sample", "gene", maintain_order=True).agg(pl.col("value").sum())
    one = modules_by_taxon(pooled.with_columns(taxon=pl.lit("all")), modules)
    wide = pooled.pivot(on="gene", index="sample", values="value").fill_null(0)
    whole = module_amounts(wide[:, 1:].to_numpy(), wide.columns[1:], modules).table(wide["sample"].to_list())
    both = one.join(whole, on=["sample", "module"], suffix="_whole")
    assert both["abundance"].to_list() == both["abundance_whole"].to_list()
    # No taxon covers more of a module than the community does.
    against = found.join(whole, on=["sample", "module"], suffix="_whole")
    assert (against["coverage"] <= against["coverage_whole"] + 1e-12).all()


def test_tiny_tables_by_hand():
    modules = read_modules(peers("tiny_modules.list"))
    assert [m.module for m in modules.modules] == ["MF0001", "MF0002", "MF0003", "MF0004", "MF0005", "MF0007"]
    genes, values = matrix("tiny_matrix.tsv")
    amounts = module_amounts(values, genes, modules, 0.3)
    table = amounts.table(["S1", "S2"])

    def cell(sample, module, column):
        return table.filter((pl.col("sample") == sample) & (pl.col("module") == module))[column].item()

    assert cell("S1", "MF0001", "abundance") == 1.0  # median of K00001 = 1 and (K00002 + K00003) / 2 = 1
    assert cell("S1", "MF0003", "coverage") == 1.0
    assert cell("S1", "MF0003", "abundance") == 2.0  # steps 2, 8, 2
    assert cell("S2", "MF0003", "coverage") == pytest.approx(2 / 3)
    assert cell("S2", "MF0004", "abundance") == 8.0
    assert cell("S1", "MF0005", "coverage") == pytest.approx(2 / 7)  # K00010 and K00011
    assert cell("S1", "MF0007", "coverage") == 0 and amounts.reachable[-1] == 0
    long = pl.read_csv(peers("tiny_taxon_matrix.tsv"), separator="\t").unpivot(
        index=["Species", "KO"], variable_name="sample", value_name="value"
    )
    long = long.select("sample", pl.col("Species").alias("taxon"), pl.col("KO").alias("gene"), pl.col("value"))
    found = modules_by_taxon(long, modules, 0.3)
    second = found.filter((pl.col("taxon") == "Sp2") & (pl.col("module") == "MF0003") & (pl.col("sample") == "S1"))
    assert second["abundance"].item() == 2.0
    first = found.filter((pl.col("taxon") == "Sp1") & (pl.col("module") == "MF0002") & (pl.col("sample") == "S1"))
    assert first["coverage"].item() == 0.5 and first["abundance"].item() == 1.0


def test_summaries_and_threshold(tmp_path):
    modules = read_modules(made(tmp_path, "M1\tone\nK1\nK2\nK3\tK4,K5\n///\n"))
    values = np.array([[1.0, 0, 0, 4, 0], [1, 3, 10, 4, 4], [0, 0, 0, 0, 0]])
    genes = ["K1", "ko:K2", "K3", "K4", "K5"]
    for summary, expected in {
        "median": [1.5, 3, 0],
        "average": [1.5, 14 / 3, 0],
        "sum": [3, 14, 0],
        "min": [1, 1, 0],
    }.items():
        amounts = module_amounts(values, genes, modules, 0.6, summary)
        np.testing.assert_allclose(amounts.abundance[:, 0], expected)
        np.testing.assert_allclose(amounts.coverage[:, 0], [2 / 3, 1, 0])
    strict = module_amounts(values, genes, modules, 0.7)
    np.testing.assert_allclose(strict.abundance[:, 0], [0, 3, 0])
    assert strict.table(["a", "b", "c"])["note"].to_list() == ["below the coverage that was asked for", None, None]
    # 2/3 of the steps reach a threshold that was printed with ten digits.
    assert module_amounts(values, genes, modules, 0.6666666667).abundance[0, 0] > 0


def test_scaling_a_sample_scales_its_modules():
    genes, values = matrix("ko_matrix.tsv")
    modules = read_modules(peers("GBMs.v1.0.txt"))
    once, thrice = module_amounts(values, genes, modules), module_amounts(3 * values, genes, modules)
    np.testing.assert_allclose(thrice.abundance, 3 * once.abundance)
    np.testing.assert_array_equal(thrice.coverage, once.coverage)
    turned = module_amounts(values[:, ::-1], genes[::-1], modules)
    np.testing.assert_allclose(turned.abundance, once.abundance)


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "no module"),
        ("M1\tone\n///\n", "no steps"),
        ("M1\tone\nK1\nM2\tsecond module\nK2\n///\n", "row 3: 'second module' is no identifier"),
        ("M1\tone\nK1,,K2\n///\n", "row 2: 'K1,,K2' names nothing"),
        ("M1\tone\nK1\n///\nM1\tone\nK2\n///\n", "row 4: module M1 stands twice"),
    ],
)
def test_files_that_are_wrong_say_where(tmp_path, text, told):
    with pytest.raises(InputError) as error:
        read_modules(made(tmp_path, text))
    assert told in str(error.value)


def test_a_module_that_stands_twice_alike_is_read_once(tmp_path):
    read = read_modules(made(tmp_path, "M1\tone\nK1\n///\nM1\tone\nK1\n///\n"))
    assert len(read.modules) == 1 and "M1" in read.notes[0]


def test_files_of_other_machines_are_read(tmp_path):
    path = tmp_path / "m.txt"
    path.write_bytes("\ufeffM1\tone\r\nK1\tK2\t\r\n\r\n///\r\nM2\r\nK3".encode())
    modules = read_modules(path).modules
    assert [(m.module, m.name, m.steps) for m in modules] == [
        ("M1", "one", ((("K1",), ("K2",)),)), ("M2", "M2", ((("K3",),),)),
    ]  # fmt: skip
    with pytest.raises(InputError, match="cannot be read"):
        read_modules(tmp_path / "absent.txt")
    (tmp_path / "packed").write_bytes(b"\x1f\x8b\xff\xfe")
    with pytest.raises(InputError, match="no text"):
        read_modules(tmp_path / "packed")


def test_a_table_without_those_genes_is_refused(tmp_path):
    modules = read_modules(made(tmp_path, "M1\tone\nK00001\n///\n"))
    with pytest.raises(InputError, match="which has UniRef90_A"):
        module_amounts(np.ones((2, 1)), ["UniRef90_A"], modules)
    with pytest.raises(InputError, match="which has UniRef90_A"):
        modules_by_taxon(
            pl.DataFrame({"sample": ["a"], "taxon": ["t"], "gene": ["UniRef90_A"], "value": [1.0]}), modules
        )
    with pytest.raises(InputError, match="stands twice"):
        module_amounts(np.ones((2, 2)), ["K00001", "ko:K00001"], modules)
    with pytest.raises(InputError, match="median, average, sum, min"):
        module_amounts(np.ones((2, 1)), ["K00001"], modules, summary="mean")
    with pytest.raises(InputError, match="0 to 1"):
        module_amounts(np.ones((2, 1)), ["K00001"], modules, 66)
