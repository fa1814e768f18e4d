from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.microbiome.read_matrix import read_matrix
from gutbrain.study.microbiome.read_taxonomy import read_taxonomy
from gutbrain.study.part import Part
from gutbrain.study.study import Study

DATA = Path(__file__).parents[2].parent / "shared" / "data"
SEQUENCES = ["TACGTAGGGGGCAAGCGTTATCCGGATTTACTGGG", "TACGGAGGATGCGAGCGTTATCCGGATTTATTGGG"]
PLAIN = "taxon,S1,S2\nBlautia,3,0\nRoseburia,10,4\n"


def real(*names):
    path = DATA.joinpath(*names)
    if not path.exists():
        pytest.skip(f"{names[0]} needs ../shared")
    return path


def wide(part):
    return {(sample, feature): value for sample, feature, value, _ in part.tables["abundances"].rows()}


def write(tmp_path, text, name="counts.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("folder", "name", "samples", "taxa", "entries", "total", "least", "most"), [
    ("atlas1006", "atlas1006_counts.tsv", 1151, 130, 118357, 13546564, 1900, 28883),
    ("dietswap", "dietswap_counts.tsv", 222, 130, 22925, 2949085, 1776, 28883),
    ("claesson2012-eldermet", "claesson2012_eldermet_genus_counts.tsv", 167, 272, 12188, 1992663, 1234, 25734),
    ("david2014-stool", "david2014_stoolA_genus_counts.tsv", 329, 439, 27597, 52237784, 1, 616022),
    ("david2014-stool", "david2014_stoolB_genus_counts.tsv", 190, 335, 10850, 15695926, 438, 395102),
    ("mdsine2-gibson-healthy", "counts.tsv", 339, 1088, 35124, 16907759, 3956, 109461),
])  # fmt: skip
def test_real_counts(folder, name, samples, taxa, entries, total, least, most):
    part = read_matrix(real(folder, name))
    assert part.reader == "matrix of amounts, samples in columns"
    abundances = part.tables["abundances"]
    assert [len(part.tables[key]) for key in ("samples", "features", "abundances")] == [samples, taxa, entries]
    sums = abundances.group_by("sample").agg(pl.col("value").sum())["value"]
    assert (sums.sum(), sums.min(), sums.max()) == (total, least, most)
    assert abundances["unit"].unique().to_list() == ["count"]
    told = [finding.what for finding in part.findings]
    assert any("samples were taken from the columns" in what for what in told)
    assert any("taken as counts" in what for what in told)


def test_deep_samples_of_david():
    for name, deep in (("A", 316), ("B", 185)):
        part = read_matrix(real("david2014-stool", f"david2014_stool{name}_genus_counts.tsv"))
        sums = part.tables["abundances"].group_by("sample").agg(pl.col("value").sum())["value"]
        assert (sums >= 5000).sum() == deep


def test_a_signal_is_not_taken_for_counts():
    path = real("peerj32", "peerj32_microbes.tsv")
    with pytest.raises(InputError, match=r"unit of the values cannot be told .*unit = \"signal\""):
        read_matrix(path)
    part = read_matrix(path, unit="signal")
    assert part.reader == "matrix of amounts, samples in rows"
    assert len(part.tables["samples"]) == 44 and len(part.tables["features"]) == 130
    assert 49.5 <= part.tables["abundances"]["value"].min() < part.tables["abundances"]["value"].max() <= 9798


def test_taxonomies_of_real_tables():
    for folder in ("atlas1006", "dietswap"):
        path = real(folder, f"{folder}_taxonomy.tsv")
        features = read_taxonomy(path).tables["features"]
        assert len(features) == 130 and features["phylum"].null_count() == 0 and features["domain"].null_count() == 130
        with_counts = read_matrix(path.parent / f"{folder}_counts.tsv", taxonomy=path.name)
        assert with_counts.tables["features"].equals(features)
        alone = read_matrix(path.parent / f"{folder}_counts.tsv")
        assert alone.tables["features"]["rank"].null_count() == 130
        assert len(Study.of(with_counts.tables).abundances) == len(alone.tables["abundances"])


def test_names_of_claesson():
    features = read_matrix(real("claesson2012-eldermet", "claesson2012_eldermet_genus_counts.tsv")).tables["features"]
    methane = features.filter(pl.col("genus") == "Methanobrevibacter").row(0, named=True)
    assert (methane["domain"], methane["family"], methane["rank"]) == ("Archaea", "Methanobacteriaceae", "genus")


DADA2 = f"sample\t{SEQUENCES[0]}\t{SEQUENCES[1]}\nA\t12\t0\nB\t3\t8\n"
ORIENTED = {
    "sequences": (DADA2, {}, True, "100% of the names of columns"),
    "as R writes it": (DADA2.removeprefix("sample\t"), {}, True, "100% of the names of columns"),
    "known taxa": (PLAIN, {}, False, "100% of the names of rows"),
    "variants": ("\tS1\tS2\nASV_1\t3\t0\nASV_2\t1\t4\n", {}, False, "100% of the names of rows"),
    "corner of samples": ("sample_id,x1,x2\nq1,3,0\nq2,1,4\n", {}, True, "first column is called 'sample_id'"),
    "corner of taxa": ("#OTU ID\tx1\tx2\nq1\t3\t0\nq2\t1\t4\n", {}, False, "first column is called '#OTU ID'"),
    "known samples": (PLAIN, {"sample_ids": ["Blautia", "Roseburia"]}, True, "2 of 2 names of rows are known samples"),
    "lineages": ("x,a,b,taxonomy\nq1,3,0,k__Bacteria;p__Firmicutes\nq2,1,4,\n", {}, False, "lineages stand beside"),
}


@pytest.mark.parametrize("case", ORIENTED)
def test_orientation_is_seen_and_told(case, tmp_path):
    text, options, in_rows, why = ORIENTED[case]
    part = read_matrix(write(tmp_path, text, "t.tsv"), **options)
    assert part.reader.endswith("rows" if in_rows else "columns")
    assert any(why in finding.what and "`samples =" in finding.mend for finding in part.findings)
    assert len(part.tables["abundances"]) == 3


def test_orientation_that_cannot_be_told_names_the_option(tmp_path):
    path = write(tmp_path, "x,a,b\nq1,3,0\nq2,1,4\n")
    with pytest.raises(InputError, match=r"cannot be told whether samples lie in rows \('q1'\).*Declare `samples`"):
        read_matrix(path)
    rows, columns = read_matrix(path, samples="rows"), read_matrix(path, samples="columns")
    assert wide(rows)["q2", "a"] == wide(columns)["a", "q2"] == 1
    assert not any("samples were taken" in finding.what for finding in rows.findings)


SAME = {
    "tabs": PLAIN.replace(",", "\t"),
    "semicolons": PLAIN.replace(",", ";"),
    "BOM": "\ufeff" + PLAIN,
    "Windows lines": PLAIN.replace("\n", "\r\n"),
    "quotes": 'taxon,"S1","S2"\n"Blautia",3,0\n"Roseburia","10",4\n',
    "empty columns": "taxon,S1,,S2,\nBlautia,3,,0,\nRoseburia,10,,4,\n",
    "comment": "# Constructed from biom file\n" + PLAIN,
    "decimals": "taxon,S1,S2\nBlautia,3.0,0.0\nRoseburia,1e1,4.0\n",
    "text beside": "taxon,note,S1,S2\nBlautia,a,3,0\nRoseburia,b,10,4\nDorea,c,0,0\n",
}


@pytest.mark.parametrize("case", SAME)
def test_ways_to_write_the_same_table(case, tmp_path):
    part = read_matrix(write(tmp_path, SAME[case]))
    assert wide(part) == {("S1", "Blautia"): 3, ("S1", "Roseburia"): 10, ("S2", "Roseburia"): 4}
    if case == "text beside":
        assert any("1 columns hold no number and were left out: note" in finding.what for finding in part.findings)


def test_workbooks(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ([None, "S1", "S2"], ["Blautia", 3, 0], ["Roseburia", 10, 4.0]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    assert wide(read_matrix(tmp_path / "t.xlsx")) == {
        ("S1", "Blautia"): 3, ("S1", "Roseburia"): 10, ("S2", "Roseburia"): 4
    }  # fmt: skip
    book.active["C2"] = -1
    book.save(tmp_path / "bad.xlsx")
    with pytest.raises(InputError, match=r"row 2 \(Blautia\), column 'S2': '-1' is negative"):
        read_matrix(tmp_path / "bad.xlsx")


def test_decimal_commas_and_percent(tmp_path):
    comma = read_matrix(write(tmp_path, "taxon;S1;S2\nBlautia;40,5;100\nRoseburia;59,5;0\n"))
    assert wide(comma)["S1", "Blautia"] == 40.5
    assert any("the comma was taken as decimal mark" in finding.what for finding in comma.findings)
    assert any("taken as percent" in finding.what for finding in comma.findings)
    signs = read_matrix(write(tmp_path, "taxon,S1,S2\nBlautia,40.5%,3%\nRoseburia,20 %,0\n"))
    assert signs.tables["abundances"]["unit"].unique().to_list() == ["percent"]
    shares = read_matrix(write(tmp_path, "taxon,S1,S2\nBlautia,0.4,1\nRoseburia,0.6,0\n"))
    assert shares.tables["abundances"]["unit"].unique().to_list() == ["share"]


def test_commas_that_may_be_thousands_must_be_declared(tmp_path):
    path = write(tmp_path, "taxon;S1;S2\nBlautia;1,234;0\nRoseburia;2,500;7\n")
    with pytest.raises(InputError, match=r"row 2 \(Blautia\), column 'S1': '1,234' may be a decimal or thousands"):
        read_matrix(path)
    assert wide(read_matrix(path, decimal="."))["S1", "Blautia"] == 1234
    assert wide(read_matrix(path, decimal=",", unit="signal"))["S1", "Blautia"] == 1.234
    points = write(tmp_path, "taxon;S1;S2\nBlautia;1.234,5;0\nRoseburia;2.500;7\n")
    assert wide(read_matrix(points, decimal=",", unit="signal"))["S1", "Roseburia"] == 2500


def test_lineages_beside_the_amounts(tmp_path):
    text = (
        "ASV,sequence,Domain,Phylum,Genus,Species,S1,S2,confidence\n"
        f"ASV1,{SEQUENCES[0]},Bacteria,Firmicutes,Blautia,wexlerae,3,0,0.9\n"
        f"ASV2,{SEQUENCES[1]},Bacteria,Bacteroidota,NA,NA,10,4,0.8\n"
        f"ASV3,{SEQUENCES[1]},Bacteria,,,,1,4,0.7\n"
    )
    part = read_matrix(write(tmp_path, text))
    assert part.tables["samples"]["sample"].to_list() == ["S1", "S2"]
    assert part.tables["features"].select("domain", "phylum", "genus", "species").rows() == [
        ("Bacteria", "Firmicutes", "Blautia", "Blautia wexlerae"), ("Bacteria", "Bacteroidota", None, None),
        ("Bacteria", None, None, None),
    ]  # fmt: skip


def test_taxonomy_beside_the_file(tmp_path):
    write(tmp_path, f"id,Taxon\n{SEQUENCES[0]},d__Bacteria;p__Bacillota_A;g__Blautia_A\n", "taxonomy.csv")
    part = read_matrix(write(tmp_path, DADA2, "t.tsv"), taxonomy="taxonomy.csv")
    assert part.tables["features"]["genus"].to_list() == ["Blautia_A", None]
    assert any("1 of 2 features are not in the taxonomy" in finding.what for finding in part.findings)
    write(tmp_path, "id,Taxon\nother,d__Bacteria\n", "taxonomy.csv")
    with pytest.raises(InputError, match="2 of 2 features are not in the taxonomy"):
        read_matrix(tmp_path / "t.tsv", taxonomy="taxonomy.csv", samples="rows")


def test_options(tmp_path):
    text = PLAIN.replace("S2\n", "S2,total\n").replace(",0\n", ",0,3\n").replace(",4\n", ",4,14\n")
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=r"the column 'total' is the sum of all others.*leave_out = \[\"total\"\]"):
        read_matrix(path)
    part = read_matrix(path, leave_out=["total"], rank="genus")
    assert part.tables["features"]["genus"].to_list() == ["Blautia", "Roseburia"]
    stool = read_matrix(path, leave_out="total", material="stool")
    assert stool.tables["samples"].rows() == [("S1", "stool"), ("S2", "stool")]
    gaps = write(tmp_path, "taxon,S1,S2\nBlautia,3,\nRoseburia,10,NA\n")
    zeros = read_matrix(gaps, empty="zero")
    assert wide(zeros) == {("S1", "Blautia"): 3, ("S1", "Roseburia"): 10}
    assert any("1 columns hold no number" in finding.what for finding in zeros.findings)
    genes = read_matrix(write(tmp_path, "ko,S1,S2\nK00001,3,1\nK00002,10,2\n"))
    assert genes.tables["features"]["kind"].unique().to_list() == ["gene"]
    assert any("taken as genes" in finding.what for finding in genes.findings)


BROKEN = {
    "empty": ("", {}, "the file is empty"),
    "no rows": ("taxon,S1\n", {}, "a header and no rows"),
    "no amounts": ("taxon\nBlautia\n", {}, "no amounts"),
    "negative": ("taxon,S1,S2\nBlautia,3,-2\n", {}, r"row 2 \(Blautia\), column 'S2': '-2' is negative"),
    "text": (PLAIN.replace("10", "many"), {}, r"row 3 \(Roseburia\), column 'S1': 'many' is no amount"),
    "empty cell": (PLAIN.replace(",0", ","), {}, r"row 2 \(Blautia\), column 'S2': an empty cell.*empty = \"zero\""),
    "infinite": (PLAIN.replace("10", "inf"), {}, "'inf' is no amount"),
    "row twice": (PLAIN + "Blautia,1,1\n", {}, "features that stand more than once: Blautia"),
    "column twice": (PLAIN.replace("S2", "S1"), {}, "column 'S1': this column stands twice"),
    "no name": (PLAIN + ",1,1\n", {}, "row 4: this row has no name"),
    "ragged": (PLAIN + ",,,,\nDorea,1,2,3,4\n", {}, "this row has 5 fields, the header 3"),
    "some percent": (PLAIN.replace("10", "10%"), {}, "some cells have a percent sign and this one has none"),
    "comma and point": ("taxon;S1;S2\nBlautia;3,5;1\nRoseburia;2.55;7\n", {}, "has a decimal point"),
    "over 100": (PLAIN, {"unit": "share"}, "declared as share, but sample 'S1' sums to 13"),
    "unknown unit": (PLAIN, {"unit": "reads"}, "there is no unit 'reads'"),
    "unknown side": (PLAIN, {"samples": "row"}, "Use rows or columns"),
    "unknown way": (PLAIN, {"empty": "0"}, "Use refuse or zero"),
    "unknown kind": (PLAIN, {"kind": "taxa"}, "there is no kind 'taxa'"),
    "unknown rank": (PLAIN, {"rank": "kingdoms"}, "'kingdoms' is none of"),
    "unknown mark": (PLAIN, {"decimal": "'"}, "Use . or ,"),
    "leave out what is not there": (PLAIN, {"leave_out": ["S9"]}, "there is no column or row 'S9'"),
    "no taxonomy": (PLAIN, {"taxonomy": "none.tsv"}, "there is no such file"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_tables_say_what_is_wrong(case, tmp_path):
    text, options, message = BROKEN[case]
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_matrix(path, **options)
    assert str(tmp_path) in str(caught.value)


def test_a_declared_count_with_fractions_is_warned_of(tmp_path):
    part = read_matrix(write(tmp_path, PLAIN.replace("10", "10.5")), unit="count")
    assert any(f.severity == "warning" and "not all values are whole" in f.what for f in part.findings)


def test_taxonomy_files(tmp_path):
    text = "id,Domain,Kingdom,Phylum,Genus\nf1,Eukaryota,Fungi,Ascomycota,Candida\n"
    row = read_taxonomy(write(tmp_path, text)).tables["features"].row(0, named=True)
    assert (row["domain"], row["genus"], row["rank"]) == ("Eukaryota", "Candida", "genus")
    for text, message in (
        ("id,Taxon\nf1,a\nf1,b\n", "row f1: this name stands twice"),
        ("id,size\nf1,1\n", "has no ranks"),
        ("id,Taxon\n,a\n", "row 2: this row has no name"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            read_taxonomy(write(tmp_path, text))
        assert str(tmp_path) in str(caught.value)


QUIET = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELL = st.text("0123456789.,-+%eE abNA\"'|;_", max_size=6)


@QUIET
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=5), max_size=5), mark=st.sampled_from("\t,;"),
       side=st.sampled_from([None, "rows", "columns"]))  # fmt: skip
def test_any_table_gives_a_part_or_one_error(rows, mark, side, tmp_path):
    path = write(tmp_path, "\n".join(mark.join(cells) for cells in rows), "any.csv")
    with suppress(InputError):
        part = read_matrix(path, samples=side)
        assert isinstance(part, Part)
        Study.of(part.tables)


@QUIET
@given(raw=st.binary(max_size=300), name=st.sampled_from(["any.csv", "any.xlsx", "any.tsv"]))
def test_any_bytes_give_a_part_or_one_error(raw, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(raw)
    with suppress(InputError):
        assert isinstance(read_matrix(path, samples="columns"), Part)
