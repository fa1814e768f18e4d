"""Published findings of three real studies, by the plans in examples/analyses; figures: docs/real_studies.md."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from gutbrain.analyse.analysis import Analysis, analyse
from gutbrain.analyse.plan import read_analysis_plan
from gutbrain.study.mapped.mapping import read_mapping
from gutbrain.study.reading import read_study
from gutbrain.study.study import Study

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
PERMUTATIONS = 999  # the plans ask for ten times as many: here the second digit of p does not matter


@cache
def study(name: str) -> Study:
    if not (SHARED / name).is_dir():
        pytest.skip(f"{name} needs ../shared")
    return read_study([SHARED / name], read_mapping(ROOT / "examples" / "maps" / f"{name}.toml"))


@cache
def analysed(name: str, plan: str = "") -> Analysis:
    written = read_analysis_plan(ROOT / "examples" / "analyses" / f"{plan or name}.toml")
    steps = [
        step.model_copy(update={"permutations": PERMUTATIONS} if "permutations" in type(step).model_fields else {})
        for step in written.step
    ]
    made = analyse(study(name), written.model_copy(update={"step": steps}), debug=True)
    assert made.failed == () and not [f for f in made.findings if f.severity == "error"]
    return made


def rows(made: Analysis, step: str) -> dict[str, dict[str, object]]:
    """Return the tests of a step by what was tested and, where that is always the same, by its term."""
    table = made.tested.filter(pl.col("step") == step)
    key = "term" if table["what"].n_unique() == 1 else "what"
    return {row[key]: row for row in table.iter_rows(named=True)}


def test_dietswap_two_peoples_two_communities():
    made = analysed("dietswap")
    (found,) = rows(made, "own food").values()
    assert found["estimate"] == pytest.approx(0.2136, abs=5e-4) and found["q"] < 0.02
    taxa = rows(made, "taxa on own food")
    for name in ("Prevotella melaninogenica et rel.", "Prevotella oralis et rel."):
        assert taxa[name]["estimate"] > 2 and taxa[name]["q"] < 0.05
    lower = [n for n, row in taxa.items() if n.startswith("Bacteroides") and row["estimate"] < 0 and row["q"] < 0.05]
    assert len(lower) == 8


def test_dietswap_two_weeks_move_little_of_the_whole():
    made = analysed("dietswap")
    moved = rows(made, "exchange")
    assert moved["visit"]["estimate"] < 0.03 < moved["nationality"]["estimate"]
    taxa = rows(made, "taxa after the exchange")
    assert min(row["q"] for row in taxa.values()) > 0.05
    assert taxa["Bilophila et rel."]["low"] > 0
    assert taxa["Faecalibacterium prausnitzii et rel."]["high"] < 0
    groups = rows(made, "groups")
    assert groups["butyrate_producers_log_ratio"]["q"] > 0.05  # not found, though the paper measured more butyrate


def test_peerj32_only_lactobacilli_rise():
    made = analysed("peerj32")
    found = {name: row for name, row in rows(made, "taxa").items() if row["q"] < 0.05}
    assert list(found) == ["Lactobacillus plantarum et rel."]
    assert found["Lactobacillus plantarum et rel."]["estimate"] == pytest.approx(0.272, abs=0.005)
    assert rows(made, "permanova")["arm:visit"]["p"] > 0.2
    (stability,) = rows(made, "volatility").values()
    assert stability["low"] < 0 < stability["high"]


def test_eldermet_long_term_care_has_another_community():
    made = analysed("claesson2012-eldermet")
    (found,) = rows(made, "permanova").values()
    assert found["estimate"] == pytest.approx(0.0482, abs=5e-4) and found["p"] < 0.02
    taxa = rows(made, "taxa")
    assert taxa["Faecalibacterium"]["high"] < 0 and taxa["Faecalibacterium"]["q"] < 0.05
    assert taxa["Roseburia"]["high"] < 0
    shannon = rows(made, "diversity")["shannon"]
    assert shannon["low"] < 0 < shannon["high"]  # the paper found less diversity; these 41 people do not show it


def test_eldermet_goes_with_frailty_and_not_with_inflammation():
    made = analysed("claesson2012-eldermet", "claesson2012-eldermet-health")
    for step in ("frailty", "co-morbidity", "nutrition"):
        (found,) = rows(made, step).values()
        assert found["q"] < 0.05, step
    for step in ("interleukin-6", "C-reactive protein", "depression score"):
        (found,) = rows(made, step).values()
        assert found["q"] > 0.05, step
    paths = made.done["mediation"].tables["paths"].filter(pl.col("path") == "indirect")
    assert (paths["low"] < 0).all() and (paths["high"] > 0).all()
