"""ANCOM-BC against the output of the R package for the HITChip subset, and what it refuses."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.community import Community
from gutbrain.analyse.multiplicity import corrected
from gutbrain.analyse.taxa.ancom import ancom, structural_zeros
from gutbrain.errors import InputError

FOLDER = Path(__file__).parents[2].parent / "shared/data/peers/scikit-bio"


@pytest.fixture(scope="module")
def subset() -> Community:
    if not FOLDER.is_dir():
        pytest.skip("needs ../shared")
    counts = pl.read_csv(gzip.decompress((FOLDER / "pseq_feature_table_subset.csv.gz").read_bytes()))
    known = pl.read_csv(gzip.decompress((FOLDER / "pseq_meta_data_subset.csv.gz").read_bytes()))
    samples = known.rename({known.columns[0]: "sample"}).with_columns(
        pl.col("bmi").cast(pl.Enum(["obese", "overweight", "lean"])),
        pl.col("region").cast(pl.Enum(["CE", "NE", "SE", "US"])),
        pl.col("sample").alias("person"),
    )
    names = counts.columns[1:]
    return Community(samples, pl.DataFrame({"feature": names}), counts[:, 1:].to_numpy().astype(float), "count")


def test_every_taxon_and_term_as_in_r(subset):
    found = ancom(subset, "age + region + bmi")
    expected = pl.read_csv(FOLDER / "pseq_subset_out_res_diff_abn.csv").rename({"taxon": "feature"})
    for term in ("age", "region[NE]", "region[SE]", "region[US]", "bmi[overweight]", "bmi[lean]"):
        part = found.filter(pl.col("term") == term)
        ours = corrected(part["p"].to_numpy(), "holm") < 0.05
        theirs = expected.select("feature", term.replace("[", "").replace("]", "")).rename(
            {term.replace("[", "").replace("]", ""): "said"}
        )
        joined = part.select("feature").with_columns(pl.Series("ours", ours)).join(theirs, "feature")
        assert len(joined) == 21
        for name, our, said in joined.iter_rows():
            assert our == said, (term, name)


def test_second_version_is_told_apart(subset):
    second = ancom(subset, "age + bmi", version="ancombc2", pseudocount=0)
    assert "fixed effects" in second["method"][0] and second["df"].null_count() == 0
    assert (second["low"] < second["estimate"]).all() and second["choice"].unique().to_list() == ["ancombc2"]


def test_repeated_samples_are_refused(subset):
    again = subset.samples.with_columns(pl.Series("person", [f"p{i // 2}" for i in range(len(subset))]))
    with pytest.raises(InputError, match="no random effect"):
        ancom(replace(subset, samples=again), "bmi")


def small(arms="aabb", unit="count") -> Community:
    values = np.array([[5, 0, 3, 9, 4], [4, 0, 6, 8, 2], [6, 7, 5, 9, 1], [3, 4, 2, 8, 6.0]])
    samples = pl.DataFrame({"sample": list("wxyz"), "person": list("wxyz"), "arm": list(arms)})
    return Community(samples, pl.DataFrame({"feature": [f"t{i}" for i in range(5)]}), values, unit)


def test_structural_zeros():
    found = structural_zeros(small(), "arm").filter("absent")
    assert found.select("feature", "group", "held").rows() == [("t1", "a", 0)]


def test_hostile():
    with pytest.raises(InputError, match="is for counts"):
        ancom(small(unit="signal"), "arm")
    with pytest.raises(InputError, match="takes no zeros"):
        ancom(small(), "arm", pseudocount=0)
    with pytest.raises(InputError, match="no version"):
        ancom(small(), "arm", version="ancombc3")
    with pytest.raises(InputError, match="one level"):
        ancom(small("aaaa"), "arm")
    with pytest.raises(InputError, match="no term"):
        ancom(small(), "1")
    with pytest.raises(InputError, match="groups"):
        structural_zeros(small("aaaa"), "arm")
    with pytest.raises(InputError, match="no column"):
        structural_zeros(small(), "dose")
    with pytest.raises(InputError, match="too few"):
        ancom(small().only(np.arange(5) < 2), "arm")
