"""Figures of diaries, function, taxa and paths: marks counted, labels read, on small made tables."""

from __future__ import annotations

import polars as pl
import pytest
from drawn_steps import DESIGN, SCENE, blocks, svg

from gutbrain.analyse.multiplicity import REGISTRY
from gutbrain.show.analysis_heat import heat_map
from gutbrain.show.analysis_paths import triangle
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.words import ARM_COLOURS


def diary(people: int, outcomes: int) -> pl.DataFrame:
    rows = [(f"p{p}", f"ESM.item_{o}", s, "all", 1.0 + p, 0.5 + p, 1.5 + p, "point") for p in range(people)
            for o in range(outcomes) for s in ("mean", "inertia")]  # fmt: skip
    rows += [(f"p{p}", "ESM.level_only", "mean", "all", 1.0, None, None, "point") for p in range(people)]
    names = ["person", "outcome", "statistic", "arm", "value", "low", "high", "unit"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def test_a_diary_of_many_people_has_a_row_a_person():
    made = blocks("experience", {"summaries": diary(60, 6)})
    assert len(made) == 4 and "4 of 6 questions are drawn" in made[0].caption
    assert "40 of 60 people" in made[0].caption and "level only" not in str([block.caption for block in made])


def test_a_diary_of_one_person_has_a_row_a_question():
    (block,) = blocks("experience", {"summaries": diary(1, 3)})
    drawn = svg(block.chart)
    assert "ESM: item 0" in drawn and drawn.count('aria-roledescription="point"') == 6


def test_groups_are_small_panels_with_the_range_of_the_reference():
    names = ("bacteroidetes", "akkermansia", "pathobionts")
    rows = [(f"s{n}", name, float(n), "percent", 1.0, 3.0) for name in names for n in range(6)]
    table = pl.DataFrame(rows, schema=["sample", "quantity", "value", "unit", "reference_low", "reference_high"],
                         orient="row")  # fmt: skip
    samples = pl.DataFrame({"sample": [f"s{n}" for n in range(6)], "person": list("abcdef"),
                            "arm": ["sham", "course"] * 3})  # fmt: skip
    scene = Scene(DESIGN, ("sham", "course"), samples)
    (block,) = blocks("groups", {"groups": table}, scene)
    drawn = svg(block.chart)
    assert "Akkermansia" in drawn and "green: 5 to 95 %" in block.caption and ">course<" in drawn


def modules_of(kind: str, count: int, terms: int = 1) -> Scene:
    rows = [
        {"step": kind, "kind": kind, "family": kind, "correction": "BH", "confirmatory": False,
         "what": f"module_{n}_log_ratio", "term": f"arm[{t}]", "estimate": 0.1 * n, "low": 0.1 * n - 1,
         "high": 0.1 * n + 1, "unit": "log2 ratio", "p": (n + 1) / (count + 1), "q": 0.01 if n == 0 else 0.9}
        for n in range(count) for t in range(terms)
    ]  # fmt: skip
    return Scene(DESIGN, ("sham", "course"), tested=pl.DataFrame(rows, schema=REGISTRY))


@pytest.mark.parametrize(("count", "terms"), [(3, 1), (60, 6)])
def test_a_forest_of_modules_says_what_it_leaves_out(count, terms):
    (block,) = blocks("modules", {}, modules_of("modules", count, terms))
    assert ("At most 24 rows" in block.caption) == (count > 24)
    assert ("4 terms with the smallest p of 6" in block.caption) == (terms > 4)
    drawn = svg(block.chart)
    assert "Module 0" in drawn and "Difference (log2 ratio)" in drawn
    assert drawn.count('aria-roledescription="point"') == min(count, 24) * min(terms, 4)


def test_the_threshold_of_dysbiosis_is_drawn():
    table = pl.DataFrame({"sample": ["a", "b", "c"], "score": [0.1, 0.5, 0.9], "unit": ["median distance"] * 3,
                          "threshold": [0.6] * 3, "reference": ["arm sham"] * 3})  # fmt: skip
    (block,) = blocks("dysbiosis", {"dysbiosis": table})
    assert "dashed: the threshold" in block.caption and "arm sham" in block.caption
    (none,) = blocks("dysbiosis", {"dysbiosis": table.with_columns(threshold=pl.lit(None, pl.Float64))})
    assert "dashed" not in none.caption


@pytest.mark.parametrize("microbes", [2, 40])
def test_few_links_are_a_forest_and_many_a_heat_map(microbes):
    rows = [("slope", f"Genus{n}", metabolite, 0.1, -0.1, 0.3, "umol/L per doubling", 2.0, 0.04,
             0.01 if n == 0 else 0.5, 30)
            for n in range(microbes) for metabolite in ("blood.crp", "blood.tryptophan")]  # fmt: skip
    names = ["test", "microbe", "metabolite", "estimate", "low", "high", "unit", "statistic", "p", "q", "people"]
    (block,) = blocks("association", {"associations": pl.DataFrame(rows, schema=names, orient="row")})
    drawn = svg(block.chart)
    if microbes == 2:
        assert "Slope (µmol/L per doubling)" in drawn and drawn.count('aria-roledescription="point"') == 4
    else:
        assert drawn.count('aria-roledescription="rect mark"') == 80
        assert drawn.count('aria-roledescription="circle"') == 2
    assert "Association, not effect." in block.caption


def taxa_table(count: int, terms: tuple[str, ...]) -> pl.DataFrame:
    rows = [(f"k__B;g__Genus{n}", term, choice, 0.2 * n - 0.3, 0.2 * n - 1, 0.2 * n + 1, (n + 1) / (count + 1),
             0.01 if n == 0 else 0.5) for n in range(count) for term in terms
            for choice in ("linda", "clr_half")]  # fmt: skip
    names = ["feature", "term", "choice", "estimate", "low", "high", "p", "q"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_taxa_have_a_volcano_and_a_forest_with_the_other_choices():
    volcano, forest_ = blocks("taxa", {"taxa": taxa_table(30, ("arm[course]:visit[after]",))})
    assert ">Genus0<" in svg(volcano.chart) and "arm course × visit after" in volcano.caption
    assert "(1)" in volcano.caption and "by LinDA" in volcano.caption
    drawn = svg(forest_.chart)
    assert drawn.count('aria-roledescription="point"') == 24 == drawn.count('aria-roledescription="tick"')
    assert "Arm course × visit after, log2 fold change" in drawn and "k__B" not in drawn


def test_many_terms_share_one_figure_of_small_volcanoes():
    made = blocks("taxa", {"taxa": taxa_table(5, tuple(f"arm[a{n}]" for n in range(4)))})
    assert [block.name.rpartition(", ")[2] for block in made] == ["volcanoes", "forest", "forest", "forest"]
    assert "3 of 4 terms" in made[1].caption and svg(made[0].chart).count("log2 fold change") >= 4


def test_a_heat_map_has_a_cell_for_each_taxon_and_sample_and_a_key_of_its_strips():
    heat = pl.DataFrame([(f"s{n}", f"Genus{t}", float(n * t % 5)) for n in range(8) for t in range(4)],
                        schema=["sample", "feature", "clr"], orient="row")  # fmt: skip
    samples = pl.DataFrame({"sample": [f"s{n}" for n in range(8)], "arm": ["sham", "course"] * 4,
                            "visit": ["before"] * 4 + ["after"] * 4})  # fmt: skip
    drawn = svg(heat_map(heat, [f"Genus{t}" for t in range(4)], samples, SCENE))
    assert drawn.count('aria-roledescription="rect mark"') == 8 * 4 + 2 * 8
    assert all(f">{name}<" in drawn for name in ("sham", "course", "before", "after", "Arm", "Visit"))


def paths(a: float | None = 0.5) -> pl.DataFrame:
    rows = [("single", "arm[course]", "blood.crp", "pss-10.total", path, value, None if value is None else value - 1,
             None if value is None else value + 1, 0.01 if path == "a" else 0.4)
            for path, value in (("a", a), ("b", a), ("direct", -2.0), ("indirect", 0.25),
                                ("total", -1.75))]  # fmt: skip
    names = ["model", "source", "mediator", "outcome", "path", "estimate", "low", "high", "p"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_a_triangle_names_variables_units_and_coefficients():
    drawn = svg(triangle(paths(), "arm[course]", "blood.crp", "pss-10.total", {"blood.crp": "mg/L"}))
    for text in ("Arm course", "C-reactive protein", "(mg/L)", "PSS-10 total", "a = 0.5", "c′ (direct) = −2.0",
                 "a × b (indirect) = 0.2"):  # fmt: skip
        assert text in drawn, text
    assert ARM_COLOURS[0] in drawn


def test_a_path_that_was_not_estimated_is_said():
    assert "a not estimated" in svg(triangle(paths(None), "arm[course]", "blood.crp", "pss-10.total"))


def test_mediation_has_a_triangle_a_curve_and_a_table():
    one = paths().row(0, named=True)
    curve = pl.DataFrame([{**{k: one[k] for k in ("model", "source", "mediator", "outcome")}, "correlation": r,
                           "indirect": r, "low": r - 1, "high": r + 1} for r in (-0.5, 0.0, 0.5)])  # fmt: skip
    made = blocks("mediation", {"paths": paths(), "sensitivity": curve})
    assert [block.name.rpartition(", ")[2] for block in made] == ["paths", "sensitivity"]
    assert "At 0 (dashed)" in made[1].caption
