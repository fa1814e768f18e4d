"""Figures of an analysis on small made tables: what is drawn, in which colour, and what is said of what is left out."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from drawn_steps import LONG, SCENE, blocks, rows_of, svg

from gutbrain.analyse.step import Design
from gutbrain.show.analysis_figures import BY_KIND
from gutbrain.show.analysis_marks import forest, key, level_axis, strip
from gutbrain.show.analysis_ordination import ordination
from gutbrain.show.analysis_scene import Scene
from gutbrain.show.theme import dress
from gutbrain.show.words import ARM_COLOURS


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
