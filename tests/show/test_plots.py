"""Figures are valid specifications, and what they draw is what was meant."""

import numpy as np
import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.show.effects import effects
from gutbrain.show.plots import (
    composition,
    effect_plot,
    group_prediction,
    paths_plot,
    published_change,
    sensitivity_plot,
    trajectory,
)
from gutbrain.show.trajectories import moved, trajectory_table
from gutbrain.show.words import number, signal_name, unit_name

AFFECT, TONE = "mind.negative_affect", "vagus.tone"
PUBLISHED = {"label": "anxiety", "low": 0.12, "high": 0.64, "centre": 0.38, "source": "Goyal2014"}


def texts(chart) -> str:
    return str(chart.to_dict())


def test_a_trajectory_keeps_belief_and_people_in_different_panels(fake):
    left, right = trajectory(fake(), AFFECT).to_dict()["hconcat"]
    assert "belief_low" in str(left) and "people_low" not in str(left)
    assert "people_low" in str(right) and "belief_low" not in str(right)
    assert "points of 100" in str(right) and "Change from day 0 (points)" in str(left)


def test_one_world_draws_no_belief(fake):
    left, _ = trajectory(fake(worlds=1), AFFECT).to_dict()["hconcat"]
    assert "belief_low" not in str(left["layer"]) and "One world" in str(left["title"])


def test_the_table_of_a_trajectory_holds_known_numbers(fake):
    row = trajectory_table(fake(), AFFECT).filter(pl.col("arm") == "course <b>", pl.col("day") == 10).row(0, named=True)
    assert row["change"] == pytest.approx(-3, abs=1e-4) and row["level"] == pytest.approx(17, abs=1e-4)
    assert (row["belief_low"], row["belief_high"]) == pytest.approx((-3.9, -2.1), abs=1e-3)
    assert row["people_high"] - row["people_low"] > 20


def test_an_arm_that_empties_ends_its_line(fake):
    result = fake()
    result.present[6:, result.arm == 0] = 0
    frame = trajectory_table(result, AFFECT).filter(pl.col("arm") == "course <b>", pl.col("day") == 10)
    assert frame["change"].item() is None
    trajectory(result, AFFECT).to_dict()


def test_dust_is_not_a_move(fake):
    assert moved(fake(), AFFECT) and not moved(fake(), TONE)


def test_effects_with_a_published_interval(fake):
    table = effects(fake(), [AFFECT], comparator="control")
    drawn = texts(effect_plot(table, PUBLISHED | {"direction": "reduction"}))
    assert "belief" in drawn and "sampling" in drawn and "-0.64" in drawn and "between-person SD" in drawn
    assert "points" in texts(effect_plot(table, scale="unit"))
    with pytest.raises(InputError, match="no effect on this scale"):
        effect_plot(effects(fake(), [TONE], comparator="control"))


def test_a_published_interval_says_its_direction():
    assert published_change(PUBLISHED | {"direction": "reduction"}) == (-0.64, -0.38, -0.12)
    assert published_change(PUBLISHED | {"direction": "change"}) == (0.12, 0.38, 0.64)
    assert published_change({"low": -0.64, "centre": -0.38, "high": -0.12}) == (-0.64, -0.38, -0.12)
    with pytest.raises(InputError, match="direction"):
        published_change(PUBLISHED)


def test_composition_draws_every_arm_visit_and_group(fake):
    values = next(iter(composition(fake()).to_dict()["datasets"].values()))
    assert len(values) == 2 * 3 * 2
    shares = [row["share"] for row in values if row["arm"] == "course <b>" and row["visit"] == "10"]
    assert shares == pytest.approx([0.6, 0.4], abs=1e-5)


def test_tables_of_other_modules_are_drawn():
    paths = pl.DataFrame(
        {"path": ["a.b -> c -> d.e -> affect", "f.g -> affect"], "effect": [-1.0, 0.2], "share": [1.25, None],
         "weakest_grade": ["assumed (mouse)", "fitted"], "edges": [3, 1]}
    )  # fmt: skip
    drawn = texts(paths_plot(paths, "points"))
    assert "125 %" in drawn and "'assumed'" in drawn and "Effect through this path (points)" in drawn
    parameters = pl.DataFrame(
        {"parameter": ["a.b", "c.d"], "value": [1.0, 2.0], "unit": ["1", "day"], "grade": ["assumed", "measured"],
         "source": ["assumed", "Goyal2014"], "effect_change": [0.1, -0.4]}
    )  # fmt: skip
    assert "−0.4" in texts(sensitivity_plot(parameters))
    numbers = {f"{kind}{end}": [0.5] for kind in ("measured", "predicted") for end in ("", "_low", "_high")}
    assert "log2 ratio" in texts(group_prediction(pl.DataFrame({"arm": ["one"], "group": ["akkermansia"], **numbers})))


def test_words():
    assert signal_name(AFFECT) == "Negative affect"
    assert signal_name("colon.relative_abundance[akkermansia]").endswith("Akkermansia")
    assert signal_name("new.quantity_of_it") == "Quantity of it (new)"
    assert unit_name("vagus.tone", "1") == "÷ own rest" and unit_name("blood.il6", "pg/mL") == "pg/mL"
    assert number(-0.1234) == "−0.12" and number(None) == "–" and number(np.nan) == "–"
