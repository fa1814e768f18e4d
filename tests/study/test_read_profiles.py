"""Which files are profiles of sequencing tools, and what is said of broken ones."""

import bz2
import contextlib
import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profile_examples import (
    ALL,
    BRACKEN,
    CLADE_STYLE,
    COMBINED_BRACKEN,
    COMBINED_REPORTS,
    COUNTS,
    EXAMPLES,
    GENES,
    MERGED,
    READ_STATS,
    REPORT,
    whole,
    write,
)

from gutbrain.errors import InputError
from gutbrain.study.microbiome.read_profiles import READERS, read_kraken, sniff

# Recognition


@pytest.mark.parametrize(("reader", "text"), ALL)
def test_recognised_and_read_packed_or_not(tmp_path, reader, text):
    path = write(tmp_path, text)
    assert sniff(path) == reader
    plain = READERS[reader](path)
    whole(plain)
    for name, pack in (("p.tsv.gz", gzip.compress), ("p.tsv.bz2", bz2.compress)):
        (tmp_path / name).write_bytes(pack(text.replace("\n", "\r\n").encode("utf-8-sig")))
        assert sniff(tmp_path / name) == reader
        assert READERS[reader](tmp_path / name).tables["abundances"].height == plain.tables["abundances"].height


@pytest.mark.parametrize(
    "text",
    [
        COUNTS,
        "# Constructed from biom file\n#OTU ID\tA\tB\nASV1\t1.0\t2.0\n",
        "taxon\tA\tB\nk__Bacteria;p__Firmicutes\t10\t3\nk__Bacteria;p__Firmicutes;c__Clostridia\t4\t5\n",
        "taxon\tA\tB\nk__Bacteria|p__Firmicutes|c__Bacilli\t10\t3\nk__Bacteria|p__Firmicutes|c__Clostridia\t4\t5\n",
        "taxon\tA\tB\nk__Bacteria|p__Firmicutes\t1\t0\nk__Bacteria|p__Firmicutes|c__Clostridia\t44\t5\n",
        "sample\tage\tsex\nK1\t34\tf\nK2\t31\tm\n",
        "sample\tBacteroides\tDorea\nM00001\t3\t4\nM00002\t5\t6\n",
        "#SampleID\tarm\nA\tx\nB\ty\n",
        "812\n790\n805\n",
        "person,item,value\nA,PSS1,3\n",
        "",
        "1.5\t10\t3\tA\t4\tx\n",
    ],
)
def test_other_tables_are_not_taken_for_profiles(tmp_path, text):
    assert sniff(write(tmp_path, text)) is None


def test_what_cannot_be_read_is_recognised_as_nothing(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\x00\x01\xff" * 100)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(REPORT.encode())[:40])
    for name in ("bytes", "cut.gz", "missing", "."):
        assert sniff(tmp_path / name) is None


# Broken files

HEAD = BRACKEN.splitlines()[0]
BROKEN = [
    ("metaphlan", "", "the file is empty"),
    ("metaphlan", "#mpa_v30\n#clade_name\tx\trelative_abundance\n", "only comments"),
    ("metaphlan", "a,b\n1,2\n", "this is no profile of MetaPhlAn"),
    ("metaphlan", COUNTS, "this is no profile of MetaPhlAn"),
    ("metaphlan", MERGED.replace("k__Bacteria|p__Bacteroidetes\t", "Bact\t"), "row 5: 'Bact' is no clade"),
    ("metaphlan", MERGED.replace("\t60.0", "\tsixty", 1), "row 4, column 'B_profile': 'sixty' is no amount"),
    ("metaphlan", MERGED.replace("\t60.0", "\t60,0", 1), "Write decimals with a point"),
    ("metaphlan", MERGED.replace("\t60.0", "\t-60", 1), "at least 0"),
    ("metaphlan", MERGED.replace("\t60.0", "\tinf", 1), "at least 0"),
    ("metaphlan", MERGED.replace("\t60.0", "\t60.0\t1", 1), "row 4: this row has 5 fields, the header 4"),
    ("metaphlan", MERGED.replace("B_profile", "A_profile"), "column 'A': this sample stands twice|'A_profile'"),
    ("metaphlan", READ_STATS + "k__Bacteria\t2\t75.0\t0.3\t750\n", "this clade stands twice"),
    ("kraken", COUNTS, "this is no report of Kraken"),
    ("kraken", REPORT.replace("\tS\t817", "\tX\t817"), "row 12: 'X' is no code of a rank"),
    ("kraken", REPORT.replace("\t200\t200\t", "\t200.5\t200\t"), "row 12, column 'clade': 200.5 is no number of reads"),
    ("kraken", REPORT.replace("\t200\t200\tS\t817", "\t9999\t200\tS\t817"), "more reads than were classified"),
    ("kraken", REPORT.replace("\tS\t817", "\tS\t853"), "row taxid:853: this taxon stands twice"),
    ("kraken", REPORT.replace("\tS\t", "\tS1\t"), "the report has no species.*domain, phylum, genus"),
    ("kraken", CLADE_STYLE.replace("d__Eukaryota|k__Fungi\t20", "Fungi\t20"), "row 6: 'Fungi' is no lineage"),
    ("kraken", CLADE_STYLE.replace("\t550", "\t950"), "more reads than those around them"),
    ("kraken", "d__Bacteria\t1\t2\nd__Bacteria|s__x\t1\t2\n", "2 columns of numbers have no names"),
    ("kraken", COMBINED_REPORTS.replace("lvl_type", "type"), "not those of combine_kreports.py"),
    ("bracken", COUNTS, "this is no output of Bracken"),
    ("bracken", HEAD + "\n", "a header and no rows"),
    ("bracken", BRACKEN.replace("817\tS", "817\tG"), "ranks 'G' and 'S' in one file count reads twice"),
    ("bracken", BRACKEN.replace("\tnew_est_reads", ""), "column 'new_est_reads'"),
    ("bracken", BRACKEN.replace("\t853\t", "\t817\t"), "row taxid:817: this taxon stands twice"),
    ("bracken", COMBINED_BRACKEN.replace("B.bracken_num", "B"), "end in _num and _frac"),
    ("humann", "x\n", "one column"),
    ("humann", COUNTS, "no column holds functions.*K00001"),
    ("humann", "# Gene Family\tA\n", "a header and no rows"),
    ("humann", GENES.replace("10.25", "ten", 1), "row 6, column 'A_Abundance-RPKs': 'ten' is no amount"),
    ("humann", GENES.replace("B_Abundance-RPKs", "B_Abundance-CPM"), "columns have different units"),
    ("humann", GENES + "UniRef90_R5IH84\t1\t1\n", "row UniRef90_R5IH84: this function stands twice"),
    ("humann", GENES.replace("B_Abundance", "A_Abundance"), "column 'A': this sample stands twice"),
    ("humann", "# Gene Family\tA-RELAB\nK00001\t12\n", "12 is more than a share can be.*`unit`"),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "text", "message"), BROKEN)
def test_broken_files_name_place_and_mend(tmp_path, reader, text, message):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        READERS[reader](path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("reader", sorted(READERS))
def test_files_that_are_no_text(tmp_path, reader):
    for raw, message in (
        (b"\xff\xfea\x00b\x00", "no UTF-8 text"), (b"PK\x03\x04abc", "no UTF-8 text"), (b"a\tb\nc\t\xff\n", "row 2"),
        (gzip.compress(REPORT.encode())[:-9], "archive is broken"), (b"a\x00b", "no UTF-8 text"),
    ):  # fmt: skip
        (tmp_path / "x").write_bytes(raw)
        with pytest.raises(InputError, match=message):
            READERS[reader](tmp_path / "x")
    with pytest.raises(InputError, match="there is no such file"):
        READERS[reader](tmp_path / "none")
    with pytest.raises(InputError, match="a folder"):
        READERS[reader](tmp_path)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("gutbrain.study.microbiome.profile_text.HARMLESS", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"0" * 10_000_000))
    with pytest.raises(InputError, match="zip bomb"):
        read_kraken(tmp_path / "bomb.gz")
    assert sniff(tmp_path / "bomb.gz") is None


@pytest.mark.parametrize(
    ("reader", "options"),
    [
        ("metaphlan", {"rank": "tribe"}), ("metaphlan", {"values": "reads"}), ("metaphlan", {"unit": "apples"}),
        ("kraken", {"rank": 5}), ("kraken", {"sample": " "}), ("bracken", {"rank": "x"}), ("humann", {"unit": "TPM"}),
        ("humann", {"stratified": "yes"}),
    ],
)  # fmt: skip
def test_options_that_are_none(tmp_path, reader, options):
    with pytest.raises(InputError, match="option "):
        READERS[reader](write(tmp_path, EXAMPLES[reader][0]), **options)


ENCODED = [(reader, text.encode()) for reader, text in ALL]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mangled_files_give_a_part_or_a_complaint(tmp_path, data):
    reader, raw = data.draw(st.sampled_from(ENCODED))
    other = data.draw(st.sampled_from([reader, *READERS]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        upto = data.draw(st.integers(at, min(len(raw), at + 60)))
        put = data.draw(st.one_of(
            st.sampled_from([b"", b"\t", b"\n", b"|", b"#", b"0", b"-1", b"1e999", b"NA", b"k__", b": ", b",", b" "]),
            st.binary(max_size=6),
        ))  # fmt: skip
        raw = raw[:at] + put + raw[upto:]
    path = tmp_path / "mangled.tsv"
    path.write_bytes(raw)
    sniff(path)
    try:
        whole(READERS[other](path, **data.draw(st.sampled_from([{}, {"sample": "X"}]))))
    except InputError as error:
        assert str(path) in str(error) or "mangled" in str(error)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200), reader=st.sampled_from(sorted(READERS)))
def test_any_bytes_give_a_complaint(tmp_path, raw, reader):
    path = tmp_path / "any"
    path.write_bytes(raw)
    assert sniff(path) in (None, *READERS)
    with contextlib.suppress(InputError):
        whole(READERS[reader](path))
