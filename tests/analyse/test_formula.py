"""Model matrices: R's coding, what is left out said, nothing evaluated that is no formula."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.formula import independent, model_matrix, quoted, variables
from gutbrain.errors import InputError

TABLE = pl.DataFrame(
    {
        "arm": ["b", "a", "b", "a", "c", "c", "a", "b"],
        "age": [30.0, 40.0, 50.0, None, 20.0, 25.0, 35.0, float("nan")],
        "site": ["x", "y", "x", "y", "y", "y", "y", "x"],
        "blood.crp": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        "one": ["same"] * 8,
        "smokes": [True, False, True, False, True, True, False, False],
    }
)


def test_a_factor_is_coded_against_its_first_level():
    made = model_matrix(TABLE, "arm")
    assert made.columns == ("Intercept", "arm[b]", "arm[c]")
    assert made.terms == {"Intercept": (0,), "arm": (1, 2)}
    assert made.values.tolist()[0] == [1, 1, 0]
    assert made.values.tolist()[4] == [1, 0, 1]


def test_an_enum_says_which_level_is_the_reference():
    table = TABLE.with_columns(pl.col("arm").cast(pl.Enum(["c", "b", "a", "unused"])))
    assert model_matrix(table, "arm").columns == ("Intercept", "arm[b]", "arm[a]")


def test_rows_with_an_empty_cell_are_left_out_and_counted():
    made = model_matrix(TABLE, "age")
    assert made.rows.tolist() == [0, 1, 2, 4, 5, 6]
    assert made.notes == ("2 of 8 rows left out: a cell of age is empty",)
    assert len(model_matrix(TABLE, "arm", also=("age",)).rows) == 6


def test_what_is_implied_by_earlier_columns_is_named():
    made = model_matrix(TABLE, "arm + site")  # site is y exactly for arms a and c
    assert made.terms["site"] == ()
    assert made.notes == ("site[y] left out: what stands before implies it",)
    assert np.linalg.matrix_rank(made.values) == made.values.shape[1]


def test_quoted_names_and_functions():
    assert quoted("blood.crp") == "`blood.crp`"
    made = model_matrix(TABLE, "log(`blood.crp`) + smokes")
    assert np.allclose(made.values[:, 1], np.log(TABLE["blood.crp"].to_numpy())) or np.allclose(
        made.values[:, 2], np.log(TABLE["blood.crp"].to_numpy())
    )
    assert variables("arm * `blood.crp` + log(age)", TABLE.columns) == ["arm", "blood.crp", "age"]


def test_without_gives_the_reduced_model():
    made = model_matrix(TABLE, "arm * smokes")
    assert made.without("arm:smokes").shape[1] == made.values.shape[1] - len(made.terms["arm:smokes"])


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("arms", "'arms', which is no column"),
        ("ARM", "Did you mean 'arm'"),
        ("arm +", "cannot be read"),
        ("age ~ arm", "two sides"),
        ("__import__('os').system('true')", "calls '__import__'"),
        ("arm.__class__", "which is no column"),
        ("one", "has one level"),
        ("arm * smokes * age * site", "too few"),
    ],
)
def test_a_wrong_formula_is_refused_with_its_mend(formula, says):
    with pytest.raises(InputError, match=".*") as caught:
        model_matrix(TABLE, formula)
    assert says in str(caught.value)


def test_a_column_without_any_value():
    with pytest.raises(InputError, match="no row has all of empty"):
        model_matrix(TABLE.with_columns(pl.lit(None, pl.Float64).alias("empty")), "empty")


def test_the_intercept_alone():
    assert model_matrix(TABLE, "1").values.tolist() == [[1.0]] * 8


def test_independent_keeps_the_first_of_equal_columns():
    generator = np.random.default_rng(1)
    base = generator.normal(size=(20, 3))
    together = np.column_stack([base, base @ [1, 2, 3], np.zeros(20), generator.normal(size=20) * 1e-3])
    assert independent(together) == [0, 1, 2, 5]
