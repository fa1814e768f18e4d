import gzip
import io
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.microbiome.read_biom import read_biom
from gutbrain.study.part import Part
from gutbrain.study.study import Study

h5py = pytest.importorskip("h5py")
biom = pytest.importorskip("biom")

SAMPLES, FEATURES = ["S1", "S2", "S3"], ["otu/1", "otu2", "otu3", "otu4"]
COUNTS = np.array([[3, 0, 0], [0, 7, 0], [1, 2, 0], [0, 0, 0]], dtype=float)
LINEAGES = [
    ["k__Bacteria", "p__Firmicutes", "c__Clostridia", "o__Clostridiales", "f__Lachnospiraceae", "g__Blautia", "s__"],
    ["k__Bacteria", "p__Bacteroidetes", "c__", "o__", "f__", "g__", "s__"],
    ["k__Bacteria", "p__Firmicutes", "c__Clostridia", "o__Clostridiales", "f__Lachnospiraceae", "g__Blautia",
     "s__wexlerae"],
    ["Unassigned"],
]  # fmt: skip


def made(counts=COUNTS, metadata=True):
    about = [{"taxonomy": lineage} for lineage in LINEAGES] if metadata else None
    people = [{"age": "31", "day": "2", "site name": "gut"}, {"age": "44", "day": "3", "site name": "gut"},
              {"age": "58", "day": "4", "site name": "tongue"}] if metadata else None  # fmt: skip
    return biom.Table(counts, FEATURES, SAMPLES, about, people, type="OTU table")


def hdf5(path, table=None):
    with h5py.File(path, "w") as book:
        (table or made()).to_hdf5(book, "test")
    return path


def text(path, table=None, **changes):
    path.write_text(json.dumps(json.loads((table or made()).to_json("test")) | changes))
    return path


@pytest.fixture(params=["hdf5", "json", "gzip"])
def file(request, tmp_path):
    if request.param == "hdf5":
        return hdf5(tmp_path / "table.biom")
    plain = text(tmp_path / "table.json")
    if request.param == "gzip":
        plain = tmp_path / "table.biom.gz"
        plain.write_bytes(gzip.compress((tmp_path / "table.json").read_bytes()))
    return plain


def test_tables_that_biom_format_writes(file):
    part = read_biom(file)
    assert part.reader in ("BIOM 2.1 (HDF5): OTU table", "BIOM 1.0.0 (JSON): OTU table")
    assert sorted(part.tables["abundances"].rows()) == [
        ("S1", "otu/1", 3.0, "count"), ("S1", "otu3", 1.0, "count"),
        ("S2", "otu2", 7.0, "count"), ("S2", "otu3", 2.0, "count"),
    ]  # fmt: skip
    features = part.tables["features"]
    assert features["name"].to_list() == ["Blautia", "Bacteroidetes", "Blautia wexlerae", None]
    assert features["rank"].to_list() == ["genus", "phylum", "species", None]
    samples = part.tables["samples"]
    assert samples.columns == ["sample", "age", "metadata_day", "site_name"]
    assert samples["site_name"].to_list() == ["gut", "gut", "tongue"]
    assert Study.of(part.tables).abundances.height == 4


def test_what_was_decided_and_what_is_odd_is_told(file):
    told = " | ".join(map(str, read_biom(file).findings))
    assert "all values are whole numbers: they were taken as counts. `unit` overrides" in told
    assert "1 samples hold nothing: S3" in told
    assert "day as metadata_day" in told
    assert "1 of 4 taxa have no rank: otu4" in told


def test_numbers_of_metadata_stay_numbers(tmp_path):
    table = made()
    columns = [{"id": name, "metadata": {"age": 30 + k}} for k, name in enumerate(SAMPLES)]
    path = text(tmp_path / "t.json", table, columns=columns)
    assert read_biom(path).tables["samples"]["age"].to_list() == [30.0, 31.0, 32.0]


def test_a_table_without_metadata(tmp_path):
    part = read_biom(hdf5(tmp_path / "t.biom", made(metadata=False)))
    assert part.tables["samples"].columns == ["sample"]
    assert part.tables["features"]["genus"].null_count() == 4


def test_shares_and_percent_and_what_cannot_be_told(tmp_path):
    shares = COUNTS[:, :2] / COUNTS[:, :2].sum(0)

    def table(k):
        return biom.Table(shares * k, FEATURES, SAMPLES[:2])

    assert read_biom(hdf5(tmp_path / "a.biom", table(1))).tables["abundances"]["unit"].unique().to_list() == ["share"]
    assert read_biom(hdf5(tmp_path / "b.biom", table(100))).tables["abundances"]["unit"][0] == "percent"
    odd = hdf5(tmp_path / "c.biom", table(4321.5))
    with pytest.raises(InputError, match="unit of the values cannot be told .*Declare `unit`"):
        read_biom(odd)
    assert read_biom(odd, unit="signal").tables["abundances"]["unit"][0] == "signal"
    with pytest.raises(InputError, match="declared as share, but sample 'S1' sums to 4321.5"):
        read_biom(odd, unit="share")
    with pytest.raises(InputError, match="there is no unit 'reads'"):
        read_biom(odd, unit="reads")


def test_dense_json_and_gene_tables(tmp_path):
    path = text(tmp_path / "t.json", matrix_type="dense", data=COUNTS.tolist(), type="Gene table")
    part = read_biom(path)
    assert part.reader == "BIOM 1.0.0 (JSON, dense): Gene table"
    assert part.tables["features"]["kind"].unique().to_list() == ["gene"]
    assert part.tables["abundances"]["value"].sum() == 13


def test_the_same_sums_as_biom_format(tmp_path):
    random = np.random.default_rng(0)
    counts = random.poisson(0.2, (300, 80)).astype(float)
    table = biom.Table(counts, [f"f{k}" for k in range(300)], [f"s{k}" for k in range(80)])
    found = read_biom(hdf5(tmp_path / "t.biom", table)).tables["abundances"]
    sums = found.group_by("sample").agg(pl.col("value").sum())
    assert dict(sums.rows()) == dict(zip(table.ids(), table.sum("sample"), strict=True))


def test_the_matrix_by_feature_serves_where_the_other_is_missing(tmp_path):
    path = hdf5(tmp_path / "t.biom")
    whole = read_biom(path).tables["abundances"]
    with h5py.File(path, "r+") as book:
        del book["sample/matrix"]
    assert sorted(read_biom(path).tables["abundances"].rows()) == sorted(whole.rows())


def entry(**changes):
    return lambda path: text(path, **changes)


def change(key, values):
    def write(path):
        hdf5(path)
        with h5py.File(path, "r+") as book:
            del book[key]
            if values is not None:
                book[key] = values
        return path

    return write


def cut(share):
    def write(path):
        raw = hdf5(path).read_bytes()
        path.write_bytes(raw[: int(len(raw) * share)])
        return path

    return write


def external(path):
    hdf5(path)
    with h5py.File(path, "r+") as book:
        del book["sample/matrix/data"]
        book["sample/matrix/data"] = h5py.ExternalLink("/etc/other.h5", "x")
    return path


def huge(path):
    hdf5(path)
    with h5py.File(path, "r+") as book:
        del book["sample/matrix/data"]
        book.create_dataset("sample/matrix/data", shape=(10**10,), dtype="f8", chunks=(1000,), compression="gzip")
    return path


BROKEN = {
    "empty": (lambda p: p.write_bytes(b""), "the file is empty"),
    "binary": (lambda p: p.write_bytes(b"\xff\xfe\x00\x81" * 9), "no BIOM file"),
    "table of text": (lambda p: p.write_text("#OTU ID\tS1\notu1\t3\n"), "row 1: this is no JSON"),
    "cut JSON": (lambda p: p.write_text(made().to_json("test")[:-30]), "cut off|no JSON"),
    "cut gzip": (lambda p: p.write_bytes(gzip.compress(made().to_json("t").encode())[:-20]), "gzip file is broken"),
    "other JSON": (lambda p: p.write_text('{"rows": []}'), "no BIOM table: it has no 'columns'"),
    "deep JSON": (lambda p: p.write_text("[" * 100_000), "no JSON"),
    "shape": (entry(shape=[9, 9]), r"the shape says \[9, 9\], but there are 4 rows and 3 columns"),
    "outside": (entry(data=[[0, 0, 1], [7, 0, 1]]), "entry 2 of the data points outside"),
    "text in data": (entry(data=[[0, 0, "many"]]), "the data are no numbers"),
    "ragged": (entry(data=[[0, 0, 1], [1, 1]]), "the data are no numbers"),
    "negative": (entry(data=[[2, 1, -4]]), "row otu3, column 'S2': -4 is negative"),
    "not a number": (entry(data=[[2, 1, float("nan")]]), "is no finite number"),
    "cell twice": (entry(data=[[2, 1, 4], [2, 1, 4]]), "row otu3, column 'S2': this cell stands twice"),
    "no id": (entry(rows=[{"metadata": None}] * 4), "an entry of 'rows' has no id"),
    "id twice": (entry(columns=[{"id": "S1", "metadata": None}] * 3), "samples that stand more than once: S1"),
    "no samples": (entry(columns=[], shape=[4, 0], data=[]), "the table is empty"),
    "cut HDF5": (cut(0.6), "HDF5 file is broken or cut off"),
    "no matrix": (change("observation/ids", None), "it has no 'observation/ids'"),
    "index outside": (change("sample/matrix/indices", np.array([0, 2, 1, 99])), "points outside the table"),
    "index below": (change("sample/matrix/indices", np.array([0, 2, 1, -1])), "points outside the table"),
    "pointers": (change("sample/matrix/indptr", np.array([0, 9, 2, 4])), "do not count its values"),
    "short": (change("sample/matrix/data", np.array([1.0])), "do not fit together"),
    "text as data": (change("sample/matrix/data", np.array([b"a", b"b", b"c", b"d"])), "holds no numbers"),
    "infinite": (change("sample/matrix/data", np.array([1, 2, np.inf, 1])), "column 'S2': inf is no finite number"),
    "other file": (external, "points to another file"),
    "larger than memory": (huge, "more than 4 GB"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_say_what_is_wrong(case, tmp_path):
    write, message = BROKEN[case]
    path = tmp_path / "broken.biom"
    write(path)
    with pytest.raises(InputError, match=message) as caught:
        read_biom(path)
    assert str(path) in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_biom(tmp_path / "none.biom")
    with pytest.raises(InputError, match="this is a folder"):
        read_biom(tmp_path)


def test_a_wrong_number_of_entries_is_told(tmp_path):
    path = hdf5(tmp_path / "t.biom")
    with h5py.File(path, "r+") as book:
        book.attrs["nnz"] = 99
    assert any("says it has 99 entries, and has 4" in f.what for f in read_biom(path).findings)


def whole_file():
    memory = io.BytesIO()
    with h5py.File(memory, "w") as book:
        made().to_hdf5(book, "test")
    return memory.getvalue()


JSON, HDF5 = made().to_json("test").encode(), whole_file()
SPOTS = st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4)), max_size=6)
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(whole=st.sampled_from([JSON, HDF5]), spots=SPOTS,
       end=st.floats(0.3, 1.2))  # fmt: skip
def test_mangled_files_give_a_part_or_one_error(whole, spots, end, tmp_path):
    raw = bytearray(whole[: int(len(whole) * end)])
    for place, patch in spots:
        begin = int(place * len(raw))
        raw[begin : begin + len(patch)] = patch
    path = tmp_path / "mangled.biom"
    path.write_bytes(bytes(raw))
    with suppress(InputError):
        assert isinstance(read_biom(path), Part)


@QUIET
@given(raw=st.binary(max_size=200))
def test_any_bytes_give_one_error(raw, tmp_path):
    path: Path = tmp_path / "any.biom"
    path.write_bytes(raw)
    with pytest.raises(InputError):
        read_biom(path)
