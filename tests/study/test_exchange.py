"""The diet exchange is read into group shares of each person, before and after."""

from pathlib import Path

import numpy as np
import pytest

from gutbrain.errors import InputError
from gutbrain.people.taxa import GROUPS
from gutbrain.study.exchange import read_exchange

SHARED = Path(__file__).parents[3] / "shared" / "data" / "dietswap"
METADATA = "sample_id\tsubject\tnationality\tgroup\ttimepoint\n"
ROWS = "a\tp\tAAM\tHE\t3\nb\tp\tAAM\tDI\t5\n"
COUNTS = "taxon\ta\tb\nBlautia\t1\t3\nDorea\t1\t1\n"


def study(folder: Path, metadata: str = METADATA + ROWS, counts: str = COUNTS) -> Path:
    (folder / "x_counts.tsv").write_text(counts)
    (folder / "x_metadata.tsv").write_text(metadata)
    return folder


def test_a_small_exchange(tmp_path):
    exchange = read_exchange(study(tmp_path))
    assert exchange.shares.columns == ["subject", "arm", "group", "timepoint", "sample", *GROUPS]
    people, before, after = exchange.pairs(3, 5)
    assert people.rows() == [("p", "AAM")]
    k = GROUPS.index("hydrogen_users")
    assert (before[0, k], after[0, k]) == (0.5, 0.75)
    assert exchange.pairs(2, 3)[0].height == 0


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (METADATA.replace("subject", "Subjects") + ROWS, ["'subject'", "missing", "nearest is 'Subjects'"]),
        (METADATA + ROWS + "a\tq\tAFR\tHE\t3\n", ["row a", "stands twice"]),
        (METADATA + ROWS.replace("\t5", "\t3"), ["'p'", "several samples at timepoint 3", "a, b"]),
        (METADATA + ROWS.replace("AAM\tDI", "AFR\tDI"), ["'p'", "several arms"]),
        (METADATA + ROWS.replace("\t5", "\tlast"), ["row 3", "'timepoint'", "'last' is not a whole number"]),
        (METADATA + ROWS.splitlines()[0] + "\n", ["missing", "b"]),
        (METADATA + ROWS + "c\tq\tAFR\tHE\t3\n", ["have no counts", "c"]),
        (METADATA + ROWS.replace("\t3", "\t1").replace("\t5", "\t6"), ["no sample is of timepoint 2, 3, 5"]),
    ],
)
def test_faults_are_named(tmp_path, metadata, words):
    with pytest.raises(InputError) as caught:
        read_exchange(study(tmp_path, metadata))
    for word in words:
        assert word in str(caught.value)


def test_folders_without_the_files_are_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_exchange(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"no \*_counts.tsv.* It holds notes.txt"):
        read_exchange(tmp_path)
    study(tmp_path)
    (tmp_path / "y_counts.tsv").write_text(COUNTS)
    with pytest.raises(InputError, match=r"several \*_counts.tsv"):
        read_exchange(tmp_path)


def test_an_unknown_arm_or_timepoint_is_named(tmp_path):
    exchange = read_exchange(study(tmp_path))
    with pytest.raises(InputError, match="'XYZ' is none of AAM"):
        exchange.pairs(3, 5, "XYZ")
    with pytest.raises(InputError, match="4 is none of 2, 3, 5"):
        exchange.pairs(3, 4)


@pytest.fixture(scope="module")
def exchange():
    if not SHARED.exists():
        pytest.skip("dietswap needs ../shared")
    return read_exchange(SHARED)


def test_people_of_the_real_exchange(exchange):
    assert exchange.arms == ("AAM", "AFR")
    assert [exchange.pairs(3, 5, arm)[0].height for arm in exchange.arms] == [20, 15]
    assert [exchange.pairs(2, 3, arm)[0].height for arm in exchange.arms] == [21, 16]
    assert np.allclose(exchange.shares.select(GROUPS).to_numpy().sum(1), 1)


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("AAM", {"hydrogen_users": -1.39, "lactate_users": -0.89, "akkermansia": 0.92, "bacteroidetes": 0.10,
                 "butyrate_producers": 0.05, "lactate_producers": -0.51, "pathobionts": -0.52,
                 "protein_fermenters": 0.20, "polymer_degraders": -0.01}),
        ("AFR", {"polymer_degraders": 0.80, "bacteroidetes": -0.63, "protein_fermenters": 0.44, "akkermansia": 0.84}),
    ],
)  # fmt: skip
def test_median_log_ratios_of_the_real_exchange(exchange, arm, expected):
    """Target CO-28 of the colon: own diet at home against the end of the exchanged diet."""
    _, before, after = exchange.pairs(3, 5, arm)
    found = dict(zip(GROUPS, np.median(np.log2(after / before), axis=0), strict=True))
    assert {group: found[group] for group in expected} == pytest.approx(expected, abs=0.006)
