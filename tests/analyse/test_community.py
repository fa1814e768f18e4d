"""Communities: what the study's long table says, as numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from small_study import GENERA, small_trial

from gutbrain.analyse.community import Community, occasion_table, sample_table
from gutbrain.errors import InputError
from gutbrain.study.study import Study


def tiny() -> Study:
    return Study.of(
        {
            "people": pl.DataFrame({"person": ["a", "b"], "arm": ["x", "y"], "sex": ["f", "m"]}),
            "visits": pl.DataFrame({"person": ["a"], "visit": ["1"], "day": [3.0], "sex": ["visit says m"]}),
            "samples": pl.DataFrame(
                {"sample": ["s1", "s2", "s3"], "person": ["a", "b", "b"], "visit": ["1", None, "2"],
                 "material": ["stool", "stool", "saliva"]}
            ),
            "features": pl.DataFrame(
                {"feature": ["f1", "f2", "f3", "K1"], "kind": ["taxon"] * 3 + ["gene"], "genus": ["G", "G", None, None],
                 "family": ["F", "F", "H", None]}
            ),
            "abundances": pl.DataFrame(
                {"sample": ["s1", "s1", "s2", "s3", "s1", "s1"], "feature": ["f1", "f2", "f3", "f1", "K1", "f1"],
                 "value": [4.0, 6.0, 5.0, 1.0, 9.0, 40.0], "unit": ["count"] * 5 + ["percent"]}
            ),
        }
    )  # fmt: skip


def test_absent_means_zero_and_the_usual_unit_is_taken():
    made = Community.of(tiny())
    assert made.unit == "count"
    assert made.names == ["f1", "f2", "f3"]
    assert made.values.tolist() == [[4, 6, 0], [0, 0, 5], [1, 0, 0]]
    assert made.counted
    assert made.shares()[0].tolist() == [0.4, 0.6, 0]


def test_a_visit_covariate_comes_before_the_person_and_what_is_missing_is_filled():
    table = sample_table(tiny())
    assert table["sex"].to_list() == ["visit says m", "m", "m"]
    assert table["day"].to_list() == [3.0, None, None]
    assert occasion_table(tiny(), pl.DataFrame({"person": ["b"]}))["arm"].to_list() == ["y"]


def test_ranks_are_summed_and_what_has_no_name_is_kept():
    made = Community.of(tiny(), rank="genus")
    assert made.names == ["G", "unknown"]
    assert made.values.tolist() == [[10, 0], [0, 5], [1, 0]]
    assert made.features["family"].to_list() == ["F", "H"]
    assert Community.of(tiny()).values.sum() == made.values.sum()


def test_choosing():
    made = Community.of(tiny(), material="stool")
    assert len(made) == 2
    assert Community.of(tiny(), kind="gene").values.tolist() == [[9.0]]
    assert Community.of(tiny(), unit="percent").values.tolist() == [[40.0]]
    assert made.keep(np.array([1, 0])).samples["sample"].to_list() == ["s2", "s1"]
    assert made.only(np.array([False, True, False])).names == ["f2"]
    assert Community.of(small_trial()).prevalent(0.5).values.shape[1] <= len(GENERA)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "pathway"}, "no abundances of kind 'pathway'"),
        ({"unit": "RPK"}, "Units are count, percent"),
        ({"material": "blood"}, "no sample has material 'blood'"),
        ({"rank": "genera"}, "'genera' is no rank"),
        ({"rank": "species"}, "no feature has a species"),
    ],
)
def test_what_is_not_there_is_named(options, says):
    with pytest.raises(InputError) as caught:
        Community.of(tiny(), **options)
    assert says in str(caught.value)


def test_an_amount_below_zero_is_refused():
    study = tiny()
    broken = study.abundances.with_columns(pl.when(pl.col("value") == 6).then(-6).otherwise("value").alias("value"))
    with pytest.raises(InputError, match="-6 is no amount"):
        Community.of(Study.of({**study.tables, "abundances": broken}))
