"""Every edge has a claim, every claim an edge, every source an entry, every entry a use."""

from __future__ import annotations

import inspect
from pathlib import Path

import polars as pl
import pytest

from gutbrain.body.barrier import Barrier
from gutbrain.body.whole import standard
from gutbrain.errors import InputError
from gutbrain.evidence import claims as module
from gutbrain.evidence.claims import (
    PATHWAYS,
    bibliography,
    check_claims,
    cite,
    claim,
    claims,
    grade_in_words,
    grade_of,
    lowest_grade,
    read_sources,
)
from gutbrain.evidence.findings import finding, findings
from gutbrain.model.axis import Axis
from gutbrain.model.compartment import GRADES
from gutbrain.protocols import exposure, practice
from gutbrain.protocols.protocol import Protocol

EVIDENCE = Path(__file__).parents[3] / "shared" / "evidence" / "evidence.csv"


def test_claims_and_axis_agree():
    assert check_claims(standard()) == []


def test_claims_fit_one_compartment_alone_and_a_cut_axis():
    assert check_claims(Axis(Barrier())) == []
    assert check_claims(standard().without("blood.il6 -> affect")) == []


def test_an_edge_without_claim_and_a_claim_without_edge_are_found(monkeypatch):
    lost = claims().filter((pl.col("signal") != "blood.il6") | (pl.col("listener") != "affect"))
    added = lost.head(1).with_columns(
        pl.lit("blood.crp").alias("signal"), pl.lit("affect").alias("listener"),
        pl.lit("Nobody1900").alias("source"), pl.lit("affect.no_such_gain").alias("strength_parameter"),
    )  # fmt: skip
    monkeypatch.setattr(module, "claims", lambda: pl.concat([lost, added]))
    assert check_claims(standard()) == [
        "blood.il6 -> affect: an edge without a claim",
        "blood.crp -> affect: a claim without an edge",
        "blood.crp -> affect: no parameter 'affect.no_such_gain'",
        "blood.crp -> affect: no source 'Nobody1900'",
    ]


def test_an_unknown_pathway_is_found(monkeypatch):
    odd = pl.when(pl.col("signal") == "enteric.pain").then(pl.lit("psychic")).otherwise("pathway")
    changed = claims().with_columns(odd.alias("pathway"))
    monkeypatch.setattr(module, "claims", lambda: changed)
    assert check_claims(standard()) == [
        "enteric.pain -> affect: no pathway 'psychic'", "enteric.pain -> sleep: no pathway 'psychic'",
    ]  # fmt: skip


def test_a_path_is_no_surer_than_its_weakest_grade():
    assert lowest_grade(["measured", "published-model (mouse)", "structure"]) == "published-model"
    assert lowest_grade(["fitted", "assumed", "measured"]) == "assumed"
    assert lowest_grade([]) == "structure"
    assert grade_in_words("published-model (mouse)") == "from a published model"


def test_a_source_that_nothing_uses_is_found(monkeypatch):
    kept = bibliography() | {"Nobody1900": {"kind": "misc", "note": "nobody"}}
    monkeypatch.setattr(module, "bibliography", lambda: kept)
    assert check_claims(standard()) == ["Nobody1900: a source that nothing uses"]


def test_columns_hold_only_what_they_may():
    table = claims()
    assert set(table["direction"]) <= {"down", "up", "side", "in"}
    assert set(table["pathway"]) == set(PATHWAYS)
    assert set(table["sign"]) <= {"+", "-", "?"}
    assert {grade.split(" ")[0] for grade in table["grade"]} <= {*GRADES, "structure"}
    assert table.select("signal", "listener").is_duplicated().sum() == 0
    assert all(table["note"] != "")


def test_every_lever_is_an_edge_inwards():
    levers = claims().filter(pl.col("signal").is_in(list(standard().levers)))
    assert set(levers["direction"]) == {"in"}


@pytest.mark.parametrize("row", [r for r in claims().iter_rows(named=True) if r["strength_parameter"]],
                         ids=lambda row: f"{row['signal']} -> {row['listener']}")  # fmt: skip
def test_grade_and_zero_are_those_of_the_strengths(row):
    strengths = [standard().parameters[name] for name in row["strength_parameter"].split()]
    assert row["grade"] in {strength.grade for strength in strengths}
    assert row["default_zero"] == all(strength.closed and strength.value == 0 for strength in strengths)


def test_what_has_no_strength_is_structure_or_carries_no_number():
    silent = claims().filter(pl.col("strength_parameter") == "")
    assert set(silent["grade"]) <= {"structure", "assumed", "derived"}
    assert not silent["default_zero"].any()


def test_measured_edges_have_a_source():
    strong = claims().filter(pl.col("grade").str.starts_with("measured") | (pl.col("grade") == "fitted"))
    assert all(strong["source"] != "")


def test_grade_of_an_edge():
    assert grade_of("mind.threat_rating", "enteric") == "measured"
    assert grade_of("sleep.wake_time", "hpa") == "structure"
    assert claim("blood.kynurenine", "affect")["default_zero"] is True
    with pytest.raises(InputError, match="no claim for the edge 'blood.crp' -> 'affect'"):
        grade_of("blood.crp", "affect")


def _protocols() -> list[Protocol]:
    made = [f() for place in (practice, exposure) for name, f in inspect.getmembers(place, inspect.isfunction)
            if f.__module__ == place.__name__ and not name.startswith("_")]  # fmt: skip
    return [one for one in made if isinstance(one, Protocol)]


def test_sources_of_protocols_resolve():
    keys = {key for protocol in _protocols() for act in protocol.acts for key in act.source.split()}
    assert len(keys) > 3
    assert keys - {"assumed"} <= set(bibliography())


def test_references_in_words():
    assert cite("Vanuytsel2014") == ["Vanuytsel et al. 2014, Gut 63:1293–1299, doi 10.1136/gutjnl-2013-305690"]
    assert cite("LewisHeaton1997 assumed") == ["Lewis & Heaton 1997, Gut 41:245", "no source"]
    assert cite("Kirschbaum1993")[0].endswith("(recalled: to be checked)")
    assert cite("EndocrJ2024")[0].endswith("(to be completed)")
    with pytest.raises(InputError, match="no source 'Nobody1900'"):
        cite("Nobody1900")


def test_reader_refuses_what_it_cannot_read():
    with pytest.raises(InputError, match="stands twice"):
        read_sources("@misc{A,\n note = {x}\n}\n@misc{A,\n note = {x}\n}\n")
    with pytest.raises(InputError, match="2 entries begin, 1 can be read"):
        read_sources("@misc{A,\n note = {x}\n}\n@misc{B,\n note = {x}")


def test_findings_cite_sources_and_intervals_hold_their_centre():
    table = findings()
    assert table["id"].is_unique().all()
    assert set(table["source"]) <= set(bibliography())
    within = table.drop_nulls(["low", "high"])
    assert (within["low"] <= within["centre"]).all() and (within["centre"] <= within["high"]).all()


def test_finding_by_id():
    biomarkers = finding("MIN-8")
    assert (biomarkers.centre, biomarkers.low, biomarkers.high) == (-0.11, -0.23, 0.001)
    assert biomarkers.holds(-0.2) and not biomarkers.holds(0.005)
    assert finding("BAR-1").holds(1.94) and finding("MIN-2 wait list").holds(-0.5) is None
    assert finding("BAR-1").reference.startswith("Vanuytsel et al. 2014")
    with pytest.raises(InputError, match="no finding 'MIN-99'"):
        finding("MIN-99")


def test_findings_agree_with_the_evidence_table():
    if not EVIDENCE.exists():
        pytest.skip("the comparison with the evidence table needs ../shared")
    table = pl.read_csv(EVIDENCE, infer_schema=False).select("id", "effect", "ci_low", "ci_high", "doi_checked")
    ours = findings().filter(pl.col("evidence_row").is_not_null(), pl.col("metric") != "ratio to control")
    ours = ours.filter(~pl.col("id").is_in(["E138", "E151"]))  # ranges there, no intervals of 95 %
    both = ours.join(table, left_on="evidence_row", right_on="id", how="left", suffix="_there")
    assert both["doi_checked_there"].null_count() == 0
    for here, there in (("centre", "effect"), ("low", "ci_low"), ("high", "ci_high")):
        assert both[here].to_list() == both[there].cast(pl.Float64).to_list()
    assert both["doi_checked"].to_list() == (both["doi_checked_there"] == "yes").to_list()
