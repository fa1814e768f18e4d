"""Findings: published results that this package compares itself with, or prints beside a verdict.

Facts only. A size is the signed change of the outcome (negative = the outcome falls), in its metric; `accept_low`
and `accept_high` are this package's own tolerance where the paper gives no interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from gutbrain.errors import InputError
from gutbrain.evidence.claims import HERE, cite
from gutbrain.evidence.grade import certainty

NUMBERS = ("centre", "low", "high", "prediction_low", "prediction_high", "accept_low", "accept_high",
           "risk_of_bias", "i_squared")  # fmt: skip
MARKS = ("indirect", "wide_interval", "small_studies", "no_comparator", "co_intervention", "dose_response",
         "knock_out", "replicated")  # fmt: skip


@cache
def findings() -> pl.DataFrame:
    """Return every finding, one row each.

    Returns
    -------
    table with id, evidence_row, exposure, outcome, comparator, metric, centre, low, high (95 % interval),
    prediction_low, prediction_high (95 % of new studies), accept_low, accept_high, n (persons), design, the fields
    from which certainty follows (see `grade.points`), certainty (A to E), source (citation key), doi_checked, note.
    """
    table = pl.read_csv((HERE / "findings.csv").read_bytes(), infer_schema=False)
    table = table.with_columns(
        pl.col(NUMBERS).cast(pl.Float64), pl.col("n").cast(pl.Int64),
        (pl.col(*MARKS, "doi_checked") == "yes").fill_null(False), pl.col("note").fill_null(""),
    )  # fmt: skip
    letters = [_certainty(row) for row in table.iter_rows(named=True)]
    before = table.columns.index("source")
    return table.insert_column(before, pl.Series("certainty", letters, dtype=pl.String))


def _certainty(row: dict[str, Any]) -> str:
    fields = {name: row[name] for name in (*MARKS, "i_squared", "prediction_low", "prediction_high", "n")}
    return certainty(row["design"], risk_of_bias=row["risk_of_bias"] or 0.0, **fields)


@dataclass(frozen=True)
class Finding:
    """One published result; `low` and `high` are None where the paper gives no interval."""

    id: str
    exposure: str
    outcome: str
    comparator: str
    metric: str
    centre: float | None
    low: float | None
    high: float | None
    accept_low: float | None
    accept_high: float | None
    n: int | None
    certainty: str
    source: str
    doi_checked: bool
    note: str

    @property
    def reference(self) -> str:
        """The citation in words."""
        return cite(self.source)[0]

    def holds(self, value: float) -> bool | None:
        """Return whether a value lies in the published interval, else in our tolerance; None without either."""
        low, high = (self.low, self.high) if self.low is not None else (self.accept_low, self.accept_high)
        return None if low is None or high is None else low <= value <= high


def finding(id: str) -> Finding:
    """Return one finding by its id, such as `MIN-8` or `BAR-1`.

    Raises
    ------
    InputError
        If there is none of this id.
    """
    found = findings().filter(id=id)
    if found.is_empty():
        known = ", ".join(findings()["id"])
        raise InputError(f"no finding {id!r}", file="findings.csv", mend=f"Use one of: {known}")
    row = found.row(0, named=True)
    return Finding(**{name: row[name] for name in Finding.__dataclass_fields__})
