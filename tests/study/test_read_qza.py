import io
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gutbrain.errors import InputError
from gutbrain.study.microbiome import read_qza as module
from gutbrain.study.microbiome.read_qza import read_qza
from gutbrain.study.part import Part
from gutbrain.study.study import Study

h5py = pytest.importorskip("h5py")

PEERS = Path(__file__).parents[2].parent / "shared" / "data" / "peers" / "q2-longitudinal"
TAXA, COUNTS, ABOUT = "FeatureData[Taxonomy]", "FeatureTable[Frequency]", "ImmutableMetadata"
ROOT = "01234567-89ab-4def-8123-456789abcdef"
TAXONOMY = "Feature ID\tTaxon\tConfidence\nf1\tk__Bacteria; p__Firmicutes; g__Blautia\t0.99\nf2\tUnassigned\t0.5\n"
METADATA = (
    "sample-id\tage\tbatch\tDay\tnote\n#q2:types\tnumeric\tcategorical\tnumeric\tcategorical\n"
    "S1\t31\t01\t0\tfirst\nS2\t\t02\t7\t\n"
)


def table(shares=False):
    memory = io.BytesIO()
    values = np.array([0.25, 0.75, 1.0]) if shares else np.array([3.0, 9.0, 4.0])
    with h5py.File(memory, "w") as book:
        book.attrs["format-version"] = (2, 1)
        book.attrs["type"] = "FeatureTable"
        book["observation/ids"], book["sample/ids"] = ["f1", "f2"], ["S1", "S2"]
        book["sample/matrix/indptr"], book["sample/matrix/indices"] = [0, 2, 3], [0, 1, 1]
        book["sample/matrix/data"] = values
    return memory.getvalue()


def artifact(path, kind, data, *, more=(), version="QIIME 2\narchive: 5\nframework: 2024.2.0\n", about=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if version is not None:
            archive.writestr(f"{ROOT}/VERSION", version)
        archive.writestr(f"{ROOT}/metadata.yaml", about or f"uuid: {ROOT}\ntype: {kind}\nformat: X\n")
        archive.writestr(f"{ROOT}/provenance/metadata.yaml", "type: Other\n")
        for name, content in data.items():
            archive.writestr(f"{ROOT}/data/{name}", content)
        for name, content in more:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(("name", "archive", "samples", "features", "entries"), [
    ("ecam-table-taxa.qza", "1, framework 2017.7.0", 875, 561, 29382),
    ("ecam-table-small.qza", "2, framework 2017.9.0.dev0+2.g4389a0b", 18, 14, 170),
])  # fmt: skip
def test_real_artifacts(name, archive, samples, features, entries):
    if not PEERS.exists():
        pytest.skip("real QIIME 2 archives need ../shared")
    part = read_qza(PEERS / name)
    assert part.reader == f"QIIME 2 artifact (archive {archive}): FeatureTable[RelativeFrequency], BIOM 2.1 (HDF5)"
    assert [len(part.tables[key]) for key in ("samples", "features", "abundances")] == [samples, features, entries]
    sums = part.tables["abundances"].group_by("sample").agg(pl.col("value").sum())["value"]
    assert np.allclose(sums, 1)
    assert part.tables["abundances"]["unit"].unique().to_list() == ["share"]
    found = dict(part.tables["features"].select("name", "family").rows())
    if samples == 875:
        assert found["Georgenia"] == "Bogoriellaceae"
    assert len(Study.of(part.tables).samples) == samples


def test_tables_of_counts_and_shares(tmp_path):
    part = read_qza(artifact(tmp_path / "t.qza", "FeatureTable[Frequency]", {"feature-table.biom": table()}))
    assert sorted(part.tables["abundances"].rows()) == [
        ("S1", "f1", 3.0, "count"), ("S1", "f2", 9.0, "count"), ("S2", "f2", 4.0, "count")
    ]  # fmt: skip
    assert part.reader.startswith("QIIME 2 artifact (archive 5, framework 2024.2.0): FeatureTable[Frequency]")
    assert {f.file for f in part.findings} == {"t.qza"}
    share = artifact(tmp_path / "s.qza", "FeatureTable[RelativeFrequency]", {"feature-table.biom": table(True)})
    assert read_qza(share).tables["abundances"]["unit"][0] == "share"


def test_taxonomy(tmp_path):
    part = read_qza(artifact(tmp_path / "t.qza", "FeatureData[Taxonomy]", {"taxonomy.tsv": TAXONOMY}))
    rows = part.tables["features"].select("feature", "rank", "genus").rows()
    assert rows == [("f1", "genus", "Blautia"), ("f2", None, None)]


def test_metadata_keeps_its_declared_types(tmp_path):
    part = read_qza(artifact(tmp_path / "t.qza", "ImmutableMetadata", {"metadata.tsv": METADATA}))
    samples = part.tables["samples"]
    assert samples.columns == ["sample", "age", "batch", "metadata_day", "note"]
    assert samples["batch"].to_list() == ["01", "02"] and samples["age"].to_list() == [31.0, None]
    assert "Day as metadata_day" in part.findings[0].what


def test_alpha_diversity(tmp_path):
    data = {"alpha-diversity.tsv": "\tshannon_entropy\nS1\t4.5\nS2\t3.25\n"}
    part = read_qza(artifact(tmp_path / "t.qza", "SampleData[AlphaDiversity]", data))
    assert part.tables["samples"].rows() == [("S1", 4.5), ("S2", 3.25)]


def link(path):
    with zipfile.ZipFile(artifact(path, "ImmutableMetadata", {"metadata.tsv": METADATA}), "a") as archive:
        member = zipfile.ZipInfo(f"{ROOT}/data/x")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")


def cut(path):
    raw = artifact(path, "FeatureData[Taxonomy]", {"taxonomy.tsv": TAXONOMY}).read_bytes()
    path.write_bytes(raw[:-60])


def wrong_sum(path):
    raw = bytearray(artifact(path, "FeatureTable[Frequency]", {"feature-table.biom": table()}).read_bytes())
    begin = raw.find(b"feature-table.biom") + 60
    raw[begin : begin + 20] = b"\x55" * 20
    path.write_bytes(bytes(raw))


def other_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")


def made(kind, data, **more):
    return lambda path: artifact(path, kind, data, **more)


BROKEN = {
    "no zip": (lambda p: p.write_bytes(b"PK no"), "no zip archive"),
    "empty": (lambda p: p.write_bytes(b""), "no zip archive"),
    "cut off": (cut, "no zip archive, or it is cut off"),
    "wrong sum": (wrong_sum, "cut off or broken"),
    "other zip": (other_zip, "no QIIME 2 artifact"),
    "no version": (made(TAXA, {}, version=None), "no QIIME 2 artifact"),
    "sequences": (made("FeatureData[Sequence]", {"dna.fasta": ">a\nA\n"}), r"FeatureData.Sequence. is not read"),
    "tree": (made("Phylogeny[Rooted]", {"tree.nwk": "(a,b);"}), "is not read"),
    "distances": (made("DistanceMatrix", {"distance-matrix.tsv": "\ta\na\t0\n"}), "type DistanceMatrix is not read"),
    "presence": (made("FeatureTable[PresenceAbsence]", {"t.biom": table()}), "PresenceAbsence holds no amounts"),
    "composition": (made("FeatureTable[Composition]", {"t.biom": table()}), "Composition holds no amounts"),
    "no table": (made(COUNTS, {}), "holds 0 .biom files"),
    "broken table": (made(COUNTS, {"feature-table.biom": table()[:900]}), "HDF5 file is broken or cut off"),
    "no text": (made(TAXA, {"taxonomy.tsv": b"\xff\xfe\x00"}), "cannot be read"),
    "ragged": (made(TAXA, {"taxonomy.tsv": TAXONOMY + "f3\n"}), "row 4: this row has 1 fields, the header 3"),
    "twice": (made(TAXA, {"taxonomy.tsv": TAXONOMY + "f1\tx\t1\n"}), "row f1: this name stands twice"),
    "no ranks": (made(TAXA, {"taxonomy.tsv": "Feature ID\tx\nf1\t1\n"}), "has no ranks"),
    "no rows": (made(ABOUT, {"metadata.tsv": "id\ta\n"}), "no rows or no columns"),
    "empty table": (made(ABOUT, {"metadata.tsv": ""}), "the table is empty"),
    "sample twice": (made(ABOUT, {"metadata.tsv": "id\ta\nS\t1\nS\t2\n"}), "stand more than once: S"),
    "of features": (made(ABOUT, {"metadata.tsv": "feature-id\ta\nf1\t1\n"}), "describes features"),
    "traversal": (made(ABOUT, {}, more=[("../../evil", "x")]), r"'../../evil' points out of the archive"),
    "absolute": (made(ABOUT, {}, more=[("/etc/evil", "x")]), "points out of the archive"),
    "backslash": (made(ABOUT, {}, more=[("a\\..\\..\\evil", "x")]), "points out of the archive"),
    "link": (link, "is a link"),
    "bomb": (made(ABOUT, {"metadata.tsv": b"a" * 30_000_000}), "zip bomb"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_archives_say_what_is_wrong(case, tmp_path):
    write, message = BROKEN[case]
    path = tmp_path / "broken.qza"
    write(path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=message) as caught:
        read_qza(path)
    assert str(path) in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_total_size_is_bounded(tmp_path, monkeypatch):
    path = artifact(tmp_path / "t.qza", "ImmutableMetadata", {"metadata.tsv": METADATA})
    monkeypatch.setattr(module, "LARGEST", 50)
    with pytest.raises(InputError, match="zip bomb"):
        read_qza(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_qza(tmp_path / "none.qza")
    with pytest.raises(InputError, match="this is a folder"):
        read_qza(tmp_path)


SPOTS = st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4)), max_size=6)
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    both = (TAXA, {"taxonomy.tsv": TAXONOMY}), (COUNTS, {"feature-table.biom": table()})
    return [artifact(folder / "a.qza", *each).read_bytes() for each in both]


@QUIET
@given(which=st.integers(0, 1), spots=SPOTS,
       end=st.floats(0.3, 1.2))  # fmt: skip
def test_mangled_archives_give_a_part_or_one_error(whole, which, spots, end, tmp_path):
    raw = bytearray(whole[which][: int(len(whole[which]) * end)])
    for place, patch in spots:
        begin = int(place * len(raw))
        raw[begin : begin + len(patch)] = patch
    path = tmp_path / "mangled.qza"
    path.write_bytes(bytes(raw))
    with suppress(InputError):
        assert isinstance(read_qza(path), Part)


@QUIET
@given(text=st.text(max_size=120), kind=st.sampled_from([TAXA, ABOUT, "SampleData[X]"]))
def test_any_table_in_an_archive_gives_a_part_or_one_error(text, kind, tmp_path):
    path = artifact(tmp_path / "any.qza", kind, {"any.tsv": text.encode("utf-8", "replace")})
    with suppress(InputError):
        assert isinstance(read_qza(path), Part)
