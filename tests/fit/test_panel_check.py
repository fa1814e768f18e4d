"""Tables of occasions that cannot be fitted: each is refused with its row, its person and its mend."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.panel import panel_of
from gutbrain.fit.coupling.panel_check import refuse_unsuited


def good(**changes) -> pl.DataFrame:
    """Two people with three occasions each; `changes` replace columns."""
    columns = {
        "person": ["a", "a", "a", "b", "b", "b"], "day": [0.0, 1.0, 2.5, 0.0, 0.5, 3.0],
        "gut": [1.0, 2.0, None, 0.5, 1.5, 2.5], "mind": [3.0, None, 4.0, 2.0, 5.0, 1.0],
        "dose": [0.0, 1.0, 0.0, 0.0, 2.0, 0.0], "drug": [0.0, 1.0, None, None, 1.0, 1.0], "age": [1.0] * 3 + [-1.0] * 3,
    }  # fmt: skip
    return pl.DataFrame(columns | changes, strict=False)


def panel(table: pl.DataFrame, **options):
    wanted = {"impulses": ("dose",), "levels": ("drug",), "predictors": ("age",), "source": "diary.csv"}
    return panel_of(table, ("gut", "mind"), **(wanted | options))


def test_a_good_table_is_taken():
    made = panel(good())
    assert made.people == ("a", "b") and made.values.shape == (6, 2)
    assert np.isnan(made.values[2, 0]) and made.levels[:, 0].tolist() == [0, 1, 1, 0, 1, 1]
    assert made.predictors.tolist() == [[1.0], [-1.0]]


def test_rows_of_a_person_are_put_together():
    mixed = good()[[0, 3, 1, 4, 2, 5]]
    assert panel(mixed).time.tolist() == panel(good()).time.tolist()
    assert panel(mixed).people == ("a", "b")


def test_text_that_is_a_number_is_taken_and_nan_is_nothing_seen():
    table = good(gut=["1", "2", None, "0.5", "1.5", "2.5"], mind=[3.0, float("nan"), 4.0, 2.0, 5.0, 1.0])
    made = panel(table)
    assert np.isnan(made.values[1, 1]) and made.values[0, 0] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"day": [0.0, 1.0, None, 0.0, 0.5, 3.0]}, ["row 3", "'day'", "no time"]),
        ({"day": ["Mon", "1", "2", "0", "1", "3"]}, ["row 1", "'day'", "'Mon' is no number"]),
        ({"day": [0.0, 1.0, float("inf"), 0.0, 0.5, 3.0]}, ["row 3", "infinite"]),
        ({"day": [0.0, 2.0, 1.0, 0.0, 0.5, 3.0]}, ["row 3", "runs backwards", "'a'", "from 2 to 1", "Sort"]),
        ({"day": [0.0, 1.0, 2.0, 0.0, 0.5, 0.5]}, ["row 6", "two rows stand at one time", "'b'", "Join"]),
        ({"person": ["a", "a", "a", "a", "a", "b"], "day": [0.0, 1, 2, 3, 4, 5]}, ["one row only: b", "leave out"]),
        ({"person": ["a", None, "a", "b", "b", "b"]}, ["row 2", "names no person"]),
        ({"gut": [None] * 6}, ["'gut'", "never seen", "Leave it out"]),
        ({"gut": [2.0, 2.0, None, 2.0, 2.0, 2.0]}, ["'gut'", "never changes", "all 5 values are 2"]),
        ({"gut": [2.0, None, None, None, None, None]}, ["'gut'", "once only"]),
        ({"gut": [1.0, 2.0, None, float("inf"), 1.5, 2.5]}, ["row 4", "'gut'", "infinite"]),
        ({"gut": ["1", "2", "", "high", "1", "2"]}, ["row 3", "'gut'", "no number"]),
        ({"dose": [0.0] * 6}, ["'dose'", "never given"]),
        ({"drug": [1.0] * 6}, ["'drug'", "never changes: it is 1"]),
        ({"age": [1.0] * 3 + [None] * 3}, ["'age'", "not known of b", "row 4"]),
        ({"age": [1.0, 1.0, 2.0, 0.0, 0.0, 0.0]}, ["'age'", "changes within 'a'", "level"]),
        ({"age": [1.0] * 6}, ["'age'", "same for everybody"]),
        ({"gut.variance": [0.1, -0.1, None, 0.1, 0.1, 0.1]}, ["row 2", "'gut.variance'", "negative"]),
        ({"gut.offset": [1.0, 1.0, None, None, 1.0, 1.0]}, ["row 4", "'gut.offset'", "no offset"]),
    ],
)
def test_what_cannot_be_fitted_is_refused(changes, says):
    with pytest.raises(InputError) as error:
        panel(good(**changes))
    assert "diary.csv" in str(error.value)
    for part in says:
        assert part in str(error.value)


def test_a_missing_column_is_refused_with_what_is_near():
    with pytest.raises(InputError, match="no column 'guts'.*Near are gut"):
        panel_of(good(), ("guts", "mind"))
    with pytest.raises(InputError, match="no indicator"):
        panel_of(good(), ())
    with pytest.raises(InputError, match="'gut' is asked for twice"):
        panel_of(good(), ("gut", "mind"), impulses=("gut",))
    with pytest.raises(InputError, match="no rows"):
        panel_of(good().clear(), ("gut", "mind"))
    with pytest.raises(InputError, match="number of days"):
        panel_of(good().with_columns(pl.datetime(2024, 1, 1).alias("day")), ("gut", "mind"))


def one_process(kind: str, **options) -> CouplingModel:
    return CouplingModel((Process("x"), Process("y")), (Indicator("gut", {"x": 1.0}, kind, **options),
                                                        Indicator("mind", {"y": 1.0})))  # fmt: skip


@pytest.mark.parametrize(
    ("model", "gut", "says"),
    [
        (one_process("ordinal", categories=3), [0, 1, 2, 3, 1, 0], "3 of b, day 0 is no category"),
        (one_process("ordinal", categories=3), [0, 1, 2, 0.5, 1, 0], "0.5 of b"),
        (one_process("ordinal", categories=4), [0, 1, 1, 3, 1, 0], "nobody ever gave category 2"),
        (one_process("count"), [4, 1, 2, -3, 1, 0], "-3 of b, day 0 is no count"),
        (one_process("count"), [4, 1, 2.5, 3, 1, 0], "2.5 of a"),
    ],
)
def test_values_that_are_no_categories_or_counts_are_refused(model, gut, says):
    table = good(gut=[float(value) for value in gut])
    with pytest.raises(InputError) as error:
        refuse_unsuited(model, panel_of(table, ("gut", "mind")), "diary.csv")
    assert says in str(error.value) and "'gut'" in str(error.value)


def test_a_panel_of_another_model_is_refused():
    made = panel_of(good(), ("gut", "mind"))
    refuse_unsuited(one_process("gaussian"), made)
    other = CouplingModel((Process("x"),), (Indicator("mind", {"x": 1.0}),))
    with pytest.raises(InputError, match="model has the indicators mind, the panel gut, mind"):
        refuse_unsuited(other, made)
    cycle = CouplingModel(
        (Process("x"),), (Indicator("gut", {"x": 1.0}), Indicator("mind", {"x": None})), day_night=True
    )
    noon = good(day=[0.5, 1.5, 2.5, 0.5, 1.5, 3.5])
    with pytest.raises(InputError, match="one o'clock"):
        refuse_unsuited(cycle, panel_of(noon, ("gut", "mind")))
