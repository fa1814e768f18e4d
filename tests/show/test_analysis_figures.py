"""Figures of an analysis on small made tables: what is drawn, in which colour, and what is said of what is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.multiplicity import REGISTRY
from gutbrain.analyse.step import Design, Done, Step
from gutbrain.show.analysis_figures import BY_KIND, figures
from gutbrain.show.analysis_heat import heat_map
from gutbrain.show.analysis_marks import forest, key, level_axis, strip
from gutbrain.show.analysis_ordination import ordination
from gutbrain.show.analysis_paths import triangle
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.page import Figure, drawing
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS

LONG = "a course of mindfulness with an unusually long name that no figure has room for"
DESIGN = Design(arm="arm", reference="sham", visits=["before", "after", "later"])
SCENE = Scene(DESIGN, ("sham", "course"), units={"pss-10.total": "point"})


class Any_(Step):
    """A step of any kind."""

    kind: str = "taxa"
    outcomes: list[str] = []
    against: list[str] = []
    to: str = ""


def blocks(kind: str, tables: Mapping[str, pl.DataFrame], scene: Scene = SCENE, **options: Any) -> list[Figure]:
    made = figures(Any_(kind=kind, name=kind, **options), Done(tables), scene)
    drawn = [block for block in made if isinstance(block, Figure)]
    for block in drawn:
        assert block.caption.endswith((".", "effect.")), block.caption
        assert "nan" not in block.caption.lower().split()
        svg = drawing(block.chart.to_dict())
        assert "NaN" not in svg and svg.count("<path") > 1, block.name
        assert float(re.search(r'<svg[^>]* width="([\d.]+)"', svg)[1]) < 1010, block.name  # type: ignore[index]
    return drawn


def svg(chart: Any) -> str:
    return drawing(chart.to_dict())


def rows_of(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"label": [f"row {n}" for n in range(count)], "estimate": [float(n) for n in range(count)],
         "low": [n - 1.0 for n in range(count)], "high": [n + 1.0 for n in range(count)]}
    )  # fmt: skip


@pytest.mark.parametrize("kind", BY_KIND)
def test_a_step_without_tables_has_no_figure(kind):
    assert blocks(kind, {}) == []


@pytest.mark.parametrize("count", [1, 5])
def test_a_forest_has_a_mark_and_a_label_for_each_row(count):
    drawn = svg(dress(forest(rows_of(count), "Difference (points)")))
    assert all(f">row {n}<" in drawn for n in range(count))
    assert drawn.count('aria-roledescription="point"') == count
    assert drawn.count('aria-roledescription="rule mark"') == count


def test_a_forest_fills_what_was_found_and_leaves_out_an_interval_that_is_not_known():
    rows = rows_of(2).with_columns(q=pl.Series([0.01, 0.2]), low=pl.Series([-1.0, None]))
    drawn = svg(dress(forest(rows, "Difference")))
    assert drawn.count(f'fill="{ARM_COLOURS[0]}"') == 1
    assert drawn.count('aria-roledescription="rule mark"') == 1


def test_a_forest_shortens_long_labels_and_tells_the_same_label_twice():
    rows = rows_of(2).with_columns(label=pl.lit(LONG))
    drawn = svg(dress(forest(rows, "Difference")))
    assert f">{LONG}<" not in drawn and drawn.count(f">{LONG[:20]}") == 2


def test_an_important_difference_is_on_the_axis():
    domain = forest(rows_of(2), "Difference", bounds=4.0).to_dict()["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert domain[0] < -4 and domain[1] > 4


def test_a_strip_sets_arms_beside_each_other_in_their_colours():
    table = pl.DataFrame({"arm": ["course", "sham"] * 6, "visit": (["before"] * 2 + ["after"] * 2) * 3,
                          "value": np.arange(12.0)})  # fmt: skip
    chart = strip(table, "value", "Score", SCENE, colour="arm", across="visit").to_dict()
    colour = chart["layer"][0]["encoding"]["color"]["scale"]
    assert colour == {"domain": ["sham", "course"], "range": list(ARM_COLOURS[:2])}
    (boxes,) = [rows for rows in chart["datasets"].values() if "median" in rows[0]]
    place = {row["colour"] + str(round(row["middle"])): row["middle"] for row in boxes}
    assert len(boxes) == 4 and place["sham0"] < 0 < place["course0"] < place["sham1"] < 1 < place["course1"]
    expression = chart["layer"][1]["encoding"]["x"]["axis"]["labelExpr"]
    assert expression == '[["before"], ["after"]][datum.value]'


@pytest.mark.parametrize("levels", [1, 2, 12])
def test_a_strip_of_few_and_many_groups_with_long_names(levels):
    names = [f"{LONG} {n}" for n in range(levels)] * 3
    table = pl.DataFrame({"group": names, "value": np.linspace(0, 1, len(names))})
    drawn = svg(dress(strip(table, "value", "Score", SCENE, colour="group", line=0.5)))
    assert drawn.count('aria-roledescription="circle"') == len(names)
    assert f">{LONG}" not in drawn
    assert float(re.search(r'<svg[^>]* width="([\d.]+)"', drawn)[1]) < 1000  # type: ignore[index]


def test_labels_break_where_there_is_room_and_lean_where_there_is_none():
    assert level_axis(["end of the run", "at rest"], 300)["labelAngle"] == 0
    assert level_axis(["unbreakable-name-of-a-visit"] * 6, 300)["labelAngle"] < 0


def test_a_key_names_every_colour_within_its_width():
    groups = {f"{LONG} {n}": "#000000" for n in range(5)}
    chart = key(groups, 400, "Arm")
    assert chart.height > 18
    assert svg(dress(chart)).count('aria-roledescription="point"') == 5


def test_an_arm_keeps_its_colour_where_the_reference_is_missing():
    assert SCENE.colours(["course"]) == [ARM_COLOURS[1]]
    assert SCENE.levels("arm", pl.Series(["course", "sham"])) == ["sham", "course"]
    assert SCENE.levels("visit", pl.Series(["later", "before"])) == ["before", "later"]


def test_people_are_told_apart_only_where_they_are_few_and_nothing_else_varies():
    few = pl.DataFrame({"person": ["a", "b"] * 3, "visit": [None] * 6}, schema_overrides={"visit": pl.String})
    assert SCENE.groups(few) == ("person", "")
    assert SCENE.groups(pl.DataFrame({"person": [f"p{n}" for n in range(20)] * 2})) == ("", "")
    assert SCENE.groups(few.with_columns(visit=pl.Series(["before", "after"] * 3))) == ("", "visit")


def ordinated(people: int = 6) -> pl.DataFrame:
    draws = np.random.default_rng(1).normal(size=(2 * people, 2))
    return pl.DataFrame(
        {"sample": [f"s{n}" for n in range(2 * people)], "person": [f"p{n // 2}" for n in range(2 * people)],
         "visit": ["before", "after"] * people, "day": [0.0, 9.0] * people,
         "arm": [("sham", "course")[n // 2 % 2] for n in range(2 * people)],
         "axis_1": 3 * draws[:, 0], "axis_2": draws[:, 1], "axis_3": draws[:, 1]}
    )  # fmt: skip


def test_a_step_has_one_length_on_both_axes_of_an_ordination():
    chart = ordination(
        ordinated(), pl.DataFrame({"axis": [1, 2], "share": [0.5, 0.25]}), SCENE, pl.DataFrame()
    ).to_dict()
    points = next(layer for layer in chart["layer"] if "shape" in layer["encoding"])["encoding"]
    (left, right), (low, high) = points["x"]["scale"]["domain"], points["y"]["scale"]["domain"]
    assert (right - left) / chart["width"] == pytest.approx((high - low) / chart["height"])
    assert points["x"]["title"] == "Axis 1 (50.0 % of the variation)"


def test_an_ordination_tells_its_arrows_without_the_ranks_above():
    loadings = pl.DataFrame({"feature": ["k__B;p__F;g__Blautia", "k__B;p__F;g__Dorea"], "axis_1": [1.0, -1.0],
                             "axis_2": [0.5, 0.2], "axis_3": [0.0, 0.0]})  # fmt: skip
    (block,) = blocks("ordination", {"ordination": ordinated(), "loadings": loadings})
    drawn = svg(block.chart)
    assert ">Blautia<" in drawn and "k__B" not in drawn
    assert "thin lines join the samples of a person" in block.caption and "12 samples of 6 people" in block.caption


def test_a_constrained_ordination_says_which_axes_are_of_the_model():
    axes = pl.DataFrame({"axis": [1, 2], "share": [0.1, 0.4], "kind": ["constrained", "residual"]})
    biplot = pl.DataFrame({"column": ["arm[course]"], "axis_1": [0.5], "axis_2": [0.1], "axis_3": [0.0]})
    made = blocks("constrained", {"ordination": ordinated(), "axes": axes, "biplot": biplot})
    drawn = svg(made[0].chart)
    assert "in the model, 10.0 %" in drawn and "not in the model, 40.0 %" in drawn and ">course<" in drawn


def test_the_shares_of_a_permanova_are_bars_with_their_p():
    table = pl.DataFrame({"term": ["arm", "arm:visit", "residual"], "r2": [0.1, 0.02, 0.88], "f": [3.0, 1.0, None],
                          "p": [0.0004, None, None]})  # fmt: skip
    (block,) = blocks("permanova", {"permanova": table})
    drawn = svg(block.chart)
    assert "10.0 %, p &lt; 0.001" in drawn and "2.0 %, not tested" in drawn and "Arm × visit" in drawn
    assert "Residual" not in drawn and drawn.count('aria-roledescription="bar"') == 2


def test_pairs_of_a_mantel_test_are_dots_and_the_caption_says_how_many_there_are():
    pairs = pl.DataFrame({"community": np.linspace(0, 1, 40), "difference": np.linspace(0, 3, 40)})
    found = pl.DataFrame({"r": [-0.2], "p": [0.4], "rows": [30]})
    (block,) = blocks("mantel", {"pairs": pairs, "mantel": found}, against=["pss-10.total"])
    assert "40 of 435 pairs" in block.caption and "r = −0.20" in block.caption and "PSS-10 total" in block.caption
    assert svg(block.chart).count('aria-roledescription="circle"') == 40


def course(outcomes: int, arms: tuple[str, ...] = ("sham", "course")) -> dict[str, pl.DataFrame]:
    rows = [(f"x.y{n}" if n else "pss-10.total", arm, visit, day, 5, 10.0 + day, 8.0 + day, 12.0 + day)
            for n in range(outcomes) for arm in arms for day, visit in enumerate(("before", "after"))]  # fmt: skip
    table = pl.DataFrame(rows, schema=["outcome", "arm", "visit", "day", "people", "mean", "low", "high"], orient="row")
    each = [(o, f"{arm} {n}", arm, visit, float(day), 10.0 + n + day)
            for o in table["outcome"].unique(maintain_order=True) for arm in arms for n in range(3)
            for day, visit in enumerate(("before", "after"))]  # fmt: skip
    people = pl.DataFrame(each, schema=["outcome", "person", "arm", "visit", "day", "value"], orient="row")
    return {"course": table.with_columns(pl.col("day").cast(pl.Float64)), "people": people}


def test_at_most_eight_outcomes_are_drawn_totals_first_and_it_is_said():
    made = blocks("change", course(9), outcomes=["*"])
    assert len(made) == 8 and made[0].name == "change, pss-10.total"
    assert "8 of 9 outcomes are drawn" in made[0].caption and "drawn" not in made[1].caption
    assert "PSS-10 total (points)" in svg(made[0].chart)


@pytest.mark.parametrize("count", [1, 5])
def test_every_arm_has_a_panel_within_the_page(count):
    arms = tuple(f"{LONG[:24]} {n}" for n in range(count))
    scene = Scene(Design(arm="arm", visits=["before", "after"]), arms)
    (block,) = blocks("change", course(1, arms), scene)
    drawn = svg(block.chart)
    assert len(re.findall(r">[^<]*\(n = 3\)<", drawn)) == count
    assert all(colour in drawn for colour in ARM_COLOURS[:count])


def test_contrasts_are_in_the_colour_of_their_arm_with_their_unit_and_important_difference():
    rows = [("pss-10.total", "course", "sham", visit, "difference", -3.0, -5.0, -1.0, 0.01, 4.0)
            for visit in ("after", "later")]  # fmt: skip
    names = ["outcome", "arm", "reference", "visit", "contrast", "estimate", "low", "high", "p", "important_difference"]
    (block,) = blocks("change", {"contrasts": pl.DataFrame(rows, schema=names, orient="row")})
    drawn = svg(block.chart)
    assert "course, after" in drawn and "Difference (points)" in drawn and "Dashed: the important" in block.caption
    assert f'fill="{ARM_COLOURS[1]}"' in drawn and f'fill="{ARM_COLOURS[0]}"' not in drawn


def test_signals_of_the_body_are_ratios_on_a_logarithmic_axis():
    table = pl.DataFrame({"outcome": ["heart.rmssd", "heart.rate"], "term": ["arm[course]:occasion[after]"] * 2,
                          "estimate": [0.1, 2.0], "low": [-0.1, -1.0], "high": [0.3, 5.0], "ratio": [1.1, None],
                          "ratio_low": [0.9, None], "ratio_high": [1.4, None], "p": [0.3, 0.2]})  # fmt: skip
    made = blocks("physiology", {"ratios": table})
    assert [block.name for block in made] == ["physiology, ratios", "physiology, differences"]
    assert '"type": "log"' in str(made[0].chart.to_dict()).replace("'", '"')
    assert "RMSSD, after" in svg(made[0].chart) and "Ratio, course against sham" in svg(made[0].chart)


def test_responders_are_counted_beside_their_share():
    table = pl.DataFrame({"outcome": ["pss-10.total"] * 2, "arm": ["course", "sham"], "responders": [6, 2],
                          "people": [10, 9], "share": [0.6, 0.2], "low": [0.3, 0.1], "high": [0.8, 0.5],
                          "criterion": ["half"] * 2, "threshold": [0.5] * 2,
                          "source": ["half of the start"] * 2})  # fmt: skip
    (block,) = blocks("responders", {"responders": table})
    drawn = svg(block.chart)
    (rows,) = [rows for rows in block.chart.to_dict()["datasets"].values() if "label" in rows[0]][:1]
    assert [row["label"] for row in rows] == ["sham: 2 of 9", "course: 6 of 10"] and "PSS-10 total" in drawn
    assert rows[1]["tint"] == ARM_COLOURS[1] and rows[1]["estimate"] == pytest.approx(60)
    assert "half (0.5, half of the start)" in block.caption


def test_people_before_and_after_stand_beside_the_noise():
    table = pl.DataFrame({"outcome": ["pss-10.total"] * 4, "person": list("abcd"), "arm": ["sham", "course"] * 2,
                          "start": [20.0, 22, 18, 30], "end": [19.0, 12, 18, 15],
                          "category": ["unchanged", "improved"] * 2})  # fmt: skip
    noise = pl.DataFrame({"outcome": ["pss-10.total"], "smallest_change": [7.9], "cut_off": [14.0]})
    (block,) = blocks("reliable_change", {"reliable_change": table, "noise": noise})
    drawn = svg(block.chart)
    assert drawn.count('aria-roledescription="point"') == 4 and "Before (points)" in drawn
    assert "cut-off" in block.caption and "4 in all" in block.caption
    (band,) = [rows for rows in block.chart.to_dict()["datasets"].values() if "low" in rows[0]]
    assert band[0]["high"] - band[0]["low"] == pytest.approx(15.8)


def test_distances_without_visits_are_lines_over_days():
    rows = pl.DataFrame({"person": ["a"] * 20 + ["b"] * 20, "arm": ["all"] * 40, "to_visit": [None] * 40,
                         "to_day": [float(n) for n in range(20)] * 2, "distance": np.linspace(1, 2, 40)})  # fmt: skip
    people = pl.DataFrame({"person": ["a", "b"], "arm": ["all"] * 2, "mean": [1.0, 2.0]})
    (block,) = blocks("volatility", {"distances": rows, "people": people})
    assert "One line a person" in block.caption and "40 pairs of 2 people" in block.caption
    assert ">Day<" in svg(block.chart)


def test_first_distances_stand_by_visit_and_arm():
    rows = pl.DataFrame({"metric": ["bray-curtis"] * 8, "person": [f"p{n}" for n in range(8)],
                         "arm": ["sham", "course"] * 4, "to_visit": ["after"] * 4 + ["later"] * 4, "to_day": [None] * 8,
                         "distance": np.linspace(0.2, 0.5, 8)})  # fmt: skip
    (block,) = blocks("first_distances", {"distances": rows}, to="baseline")
    assert "Bray-Curtis distance since the first sample, 8 pairs of 8 people" in block.caption
    assert svg(block.chart).count('aria-roledescription="circle"') == 8


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
