"""The lint names every kind of fault with its row, and finds none in the package's own table."""

from __future__ import annotations

import polars as pl
import pytest

from gutbrain import cli
from gutbrain.evidence import findings as module
from gutbrain.evidence.findings import read_findings
from gutbrain.evidence.lint import lint


def changed(id: str, **fields: object) -> pl.DataFrame:
    """Return the table with some fields of one row replaced."""
    table = read_findings()
    return table.with_columns(
        pl.when(pl.col("id") == id).then(pl.lit(value, dtype=table.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in fields.items()
    )


def test_the_findings_of_the_package_have_no_fault():
    assert lint(read_findings()) == []


@pytest.mark.parametrize(
    ("id", "fields", "says"),
    [
        ("E026", {"centre": None}, "neither effect nor sign"),
        ("E157", {"sign": ""}, "neither effect nor sign"),
        ("E157", {"sign": "down"}, "sign 'down' is none of"),
        ("E026", {"sign": "+"}, r"sign \+ with an effect of -0.32"),
        ("E026", {"source": ""}, "no source; name its key"),
        ("E026", {"source": "assumed"}, "no source; name its key"),
        ("E026", {"source": "Nobody1900"}, "no source 'Nobody1900'"),
        ("E025", {"centre": -0.6}, "interval -0.55 to -0.14 does not contain the effect -0.6"),
        ("E025", {"low": None}, "the interval has one end only"),
        ("MIN-4 anxiety", {"prediction_high": -0.9}, "prediction interval -1.19 to -0.9 does not contain"),
        ("BAR-1", {"accept_low": 2.0}, "tolerance 2 to 2.4 does not contain"),
        ("E157", {"low": -1.0, "high": 1.0}, "the interval has no effect within"),
        ("E025", {"se": 0.0}, "a standard error of 0"),
        ("E201", {"scale": "natural"}, "OR on the natural scale, among SMDs"),
        ("E201", {"metric": "SMD"}, "SMD on the log scale"),
        ("E201", {"metric": "OR, as SMD"}, "a ratio and a standardised difference at once"),
        ("E184", {"centre": -0.07, "low": -0.69}, "a ratio that is not above 0"),
        ("E026", {"scale": "logit"}, "scale 'logit' is none of"),
        ("E026", {"metric": ""}, "no metric"),
        ("E010", {"comparator": "wait list"}, "a pre-post effect with the comparator 'wait list'"),
        ("IMM-1", {"comparator": "control condition"}, "a pre-post effect with the comparator"),
        ("E010", {"comparator": ""}, "a pre-post effect without comparator"),
        ("MIN-2 wait list", {"comparator": ""}, "a controlled effect without comparator"),
        ("MIN-2 wait list", {"comparator": "none (pre-post)"}, "nobody is compared with, and `no_comparator`"),
        ("E026", {"use": "calibrate predict"}, "marked both calibrate and predict"),
        ("E026", {"use": "perhaps"}, "use 'perhaps' is none of"),
        ("E025", {"use": "predict", "co_intervention": True, "note": ""}, r"predict in a row .* \(confounded\)"),
        ("MIN-1 pain", {"why_not": ""}, "context without `why_not`"),
        ("E026", {"why_not": "too hard"}, "`why_not` stands only in rows of context"),
        ("E026", {"pathway": "spiritual"}, "no pathway 'spiritual'"),
        ("E026", {"design": "rumour"}, "no design 'rumour'"),
        ("E026", {"risk_of_bias": 2.0}, "risk of bias 2 is not from 0 to 1"),
        ("E026", {"edges": "mind.skill -> moon"}, "no claim for the edge 'mind.skill -> moon'"),
        ("E026", {"edges": ""}, "no edges"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_row(id, fields, says):
    faults = lint(changed(id, **fields))
    place = read_findings()["id"].index_of(id) + 2
    told = pl.Series(faults)
    assert told.str.contains(says).any(), faults
    assert all(fault.startswith(f"row {place} ({id}): ") for fault in faults)


def test_one_result_twice_is_told():
    table = read_findings()
    again = table.filter(id="E025").with_columns(pl.lit("E025 again").alias("id"), pl.lit("predict").alias("use"))
    assert lint(pl.concat([table, again])) == [
        "E025 and E025 again: one result (E025) is marked both calibrate and predict"
    ]
    assert lint(pl.concat([table, table.filter(id="E025")])) == ["E025: the id stands 2 times"]


def test_the_check_of_a_model_counts_faults_of_findings(monkeypatch, capsys):
    monkeypatch.setattr("gutbrain.model.check.check", lambda *_: [])
    monkeypatch.setattr("gutbrain.evidence.claims.check_claims", lambda _: [])
    monkeypatch.setattr(module, "read_findings", lambda: changed("E026", pathway="spiritual"))
    assert cli.main(["check"]) == 1
    said = capsys.readouterr().out
    assert "error: findings: row" in said and "(E026): no pathway 'spiritual'" in said
    assert said.rstrip().endswith("1 errors")
