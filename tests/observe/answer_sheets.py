"""Sheets of answers that the tests of questionnaires share."""

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from gutbrain.observe.questionnaires import find

SHARED = Path(__file__).parents[3] / "shared" / "data"
# Columns in their file order; s4 is item 9, s11 item 30 and a4 item 12 (README of the data).
DASS_COLUMNS = {
    "d": [3, 5, 10, 13, 16, 17, 21, 24, 26, 31, 34, 37, 38, 42],
    "a": [2, 4, 7, 12, 15, 19, 20, 23, 25, 28, 36, 40, 41],
    "s": [1, 6, 8, 9, 11, 14, 18, 22, 27, 29, 30, 32, 33, 35, 39],
}


@cache
def shared(*parts: str) -> pl.DataFrame:
    """Return a shared table, or skip."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} needs ../shared")
    return pl.read_csv(path).with_row_index("person")


def students() -> pl.DataFrame:
    return shared("phq9-gad7-pss10-students", "students_phq9_gad7_pss10_bmi.csv")


def long(table: pl.DataFrame, items: dict[str, str]) -> pl.DataFrame:
    """Return answers of the columns `items` names (column: item)."""
    wide = table.select("person", pl.lit("first").alias("visit"), *(pl.col(c).alias(i) for c, i in items.items()))
    return wide.unpivot(index=["person", "visit"], variable_name="item", value_name="value")


def student_answers(letter: str, count: int) -> pl.DataFrame:
    return long(students(), {f"{letter}{one}": str(one) for one in range(1, count + 1)})


def dass_answers() -> pl.DataFrame:
    table = shared("dass42-n1000", "dass42_openpsychometrics_n1000.csv")
    columns = {f"{letter}{k}": str(item) for letter, items in DASS_COLUMNS.items() for k, item in enumerate(items, 1)}
    assert sorted(map(int, columns.values())) == list(range(1, 43))
    return long(table, columns)


def sheet(values, form="pss-10", person="p", visit="one") -> pl.DataFrame:
    """Return one sheet; values by position, or by item."""
    items = dict(zip(find(form).items, values, strict=True)) if not isinstance(values, dict) else values
    return pl.DataFrame({"person": person, "visit": visit, "item": list(items), "value": list(items.values())},
                        schema_overrides={"value": pl.Float64})  # fmt: skip


def total(found: pl.DataFrame, scale: str = "total") -> float | None:
    return found.filter(scale=scale)["score"].item()


def bands(found: pl.DataFrame, form: str, scale: str, choice: str | None = None) -> list[int]:
    labels = [band.label for band in find(form).decide(choice).scales[scale].bands]
    counts = dict(found.filter(scale=scale)["band"].value_counts().iter_rows())
    return [counts.get(label, 0) for label in labels]
