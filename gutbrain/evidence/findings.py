"""Findings: published results that this package compares itself with, or prints beside a verdict.

Facts only. A size is the signed change of the outcome (negative = the outcome falls), in its metric; `accept_low`
and `accept_high` are this package's own tolerance where the paper gives no interval. What a finding may be used for
(`use`) was settled before the first fit, see docs/decisions/0032-split-of-findings.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Any

import polars as pl

from gutbrain.errors import InputError
from gutbrain.evidence.claims import HERE, cite
from gutbrain.evidence.grade import Step, certainty, steps

NUMBERS = ("centre", "low", "high", "se", "prediction_low", "prediction_high", "accept_low", "accept_high",
           "risk_of_bias", "i_squared")  # fmt: skip
MARKS = ("indirect", "wide_interval", "small_studies", "no_comparator", "co_intervention", "dose_response",
         "knock_out", "replicated")  # fmt: skip
USES = ("calibrate", "predict", "construction", "context")
SCALES = ("natural", "log")
SIGNS = ("", "+", "-", "0", "?")
SEARCHED = ("id", "topic", "pathway", "exposure", "outcome", "signal", "edges", "contradiction", "source")
WIDTH_95 = 2 * 1.959964  # of an interval, in standard errors


def read_findings() -> pl.DataFrame:
    """Read the table as it stands, without certainty; `lint` looks at this.

    Returns
    -------
    table of `findings` without `certainty`; empty text is "", but a missing `evidence_row` is null.

    Raises
    ------
    InputError
        If a number cannot be read.
    """
    table = pl.read_csv((HERE / "findings.csv").read_bytes(), infer_schema=False)
    for name, kind in (*((name, pl.Float64()) for name in NUMBERS), ("n", pl.Int64())):
        wrong = table.filter(pl.col(name).is_not_null() & pl.col(name).cast(kind, strict=False).is_null())
        if len(wrong):
            raise InputError(f"{wrong[name][0]!r} is no number", file="findings.csv", row=wrong["id"][0], field=name)
    words = [name for name in table.columns if name not in (*NUMBERS, *MARKS, "n", "doi_checked", "evidence_row")]
    return table.with_columns(
        pl.col(NUMBERS).cast(pl.Float64), pl.col("n").cast(pl.Int64),
        (pl.col(*MARKS, "doi_checked") == "yes").fill_null(False), pl.col(words).fill_null(""),
    )  # fmt: skip


@cache
def findings() -> pl.DataFrame:
    """Return every finding, one row each.

    Returns
    -------
    table with
    id, evidence_row; topic (words that somebody would type), pathway (of the outcome's mechanism); exposure, outcome,
    comparator (`own ...` or `none ...`: nobody was compared with);
    metric; scale (`log`: compared as logarithm of the printed ratio); sign (+, -, 0, ?: where only a direction or
    "not distinguishable from 0" is published); centre, low, high (95 % interval), se (on the scale);
    prediction_low, prediction_high (95 % of new studies), accept_low, accept_high, n (persons), design, the fields
    from which certainty follows (see `grade.steps`); use (`calibrate`, `predict`, `construction`: its number was put
    in, `context`: not simulated), why_not (why not simulated); signal (of the model, that stands for the outcome),
    edges (arrows that it speaks about), contradiction (disagreement that it belongs to); certainty (A to E), source
    (citation key), doi_checked, note.
    """
    table = read_findings()
    letters = [certainty(row["design"], **_fields(row)) for row in table.iter_rows(named=True)]
    before = table.columns.index("source")
    return table.insert_column(before, pl.Series("certainty", letters, dtype=pl.String))


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    names = (*MARKS, "i_squared", "prediction_low", "prediction_high", "n")
    return {"risk_of_bias": row["risk_of_bias"] or 0.0, **{name: row[name] for name in names}}


@dataclass(frozen=True)
class Finding:
    """One published result; fields as in `findings`, None where the paper gives no number."""

    id: str
    evidence_row: str | None
    topic: str
    pathway: str
    exposure: str
    outcome: str
    comparator: str
    metric: str
    scale: str
    sign: str
    centre: float | None
    low: float | None
    high: float | None
    se: float | None
    prediction_low: float | None
    prediction_high: float | None
    accept_low: float | None
    accept_high: float | None
    n: int | None
    design: str
    use: str
    why_not: str
    signal: str
    edges: str
    contradiction: str
    certainty: str
    source: str
    doi_checked: bool
    note: str

    @property
    def reference(self) -> str:
        """The citation in words."""
        return cite(self.source)[0]

    @property
    def arrows(self) -> tuple[tuple[str, str], ...]:
        """Signal and listener of every arrow that it speaks about."""
        return split_edges(self.edges)

    @property
    def standard_error(self) -> float | None:
        """The standard error on the scale: as given, else from the interval; None without either."""
        if self.se is not None or self.low is None or self.high is None:
            return self.se
        low, high = (log(self.low), log(self.high)) if self.scale == "log" else (self.low, self.high)
        return (high - low) / WIDTH_95

    @property
    def graded(self) -> list[Step]:
        """The steps from the design to the certainty."""
        return steps_of(self.id)

    def holds(self, value: float) -> bool | None:
        """Return whether a value lies in the published interval, else in our tolerance; None without either."""
        low, high = (self.low, self.high) if self.low is not None else (self.accept_low, self.accept_high)
        return None if low is None or high is None else low <= value <= high


def split_edges(edges: str) -> tuple[tuple[str, str], ...]:
    """Return the arrows of "signal -> listener; signal -> listener" as pairs."""
    pairs = (arrow.partition(" -> ") for arrow in edges.split("; ") if arrow)
    return tuple((signal.strip(), listener.strip()) for signal, _, listener in pairs)


def finding(id: str) -> Finding:
    """Return one finding by its id, such as `MIN-8` or `BAR-1`.

    Raises
    ------
    InputError
        If there is none of this id.
    """
    row = _row(id)
    return Finding(**{name: row[name] for name in Finding.__dataclass_fields__})


def steps_of(id: str) -> list[Step]:
    """Return the steps that led to the certainty of one finding; see `grade.steps`.

    Raises
    ------
    InputError
        If there is none of this id.
    """
    row = _row(id)
    return steps(row["design"], **_fields(row))


def _row(id: str) -> dict[str, Any]:
    found = findings().filter(id=id)
    if found.is_empty():
        known = ", ".join(findings()["id"])
        raise InputError(f"no finding {id!r}", file="findings.csv", mend=f"Use one of: {known}")
    return found.row(0, named=True)


def speaks_of(pattern: str) -> pl.DataFrame:
    """Return the findings that speak of a signal, an arrow, a topic or a pathway.

    Parameters
    ----------
    pattern : such as `blood.il6`, `mind.threat -> immune`, `vagus`, `probiotics` or `endocrine`; case does not matter,
        `*` stands for any letters, words may be cut short (`diet` finds dietary), several must all be found

    Returns
    -------
    rows of `findings`, in their order
    """
    found = findings()
    asked = [pattern.strip()] if "->" in pattern else pattern.split()
    for word in asked:
        place = re.escape(word).replace(r"\*", r"[\w.]*")
        # A signal is whole: blood.il6 is not blood.il6_rest. Other words may go on.
        whole = r"(?:\W|$)" if "." in word else ""
        matches = pl.col(SEARCHED).str.contains(rf"(?i)(?:^|[^\w]){place}{whole}")
        found = found.filter(pl.any_horizontal(matches))
    return found


def split_hash() -> str:
    """Return what identifies which findings may be fitted and which are predicted: SHA-256 of sorted "id,use"."""
    rows = findings().filter(pl.col("use").is_in(("calibrate", "predict")))
    lines = sorted(f"{id},{use}" for id, use in rows.select("id", "use").iter_rows())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def data_hash() -> str:
    """Return SHA-256 of the file of findings."""
    return hashlib.sha256((HERE / "findings.csv").read_bytes()).hexdigest()
