from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.models.trajectories import COURSE, day_model, people_table, raw_course, visit_course
from gutbrain.analyse.models.visit_models import visit_model
from gutbrain.errors import InputError

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def trial() -> pl.DataFrame:
    return pl.read_csv(HERE / "repeated_trial.csv").with_columns(pl.col("day").cast(pl.Float64))


def test_raw_means_have_t_intervals(trial: pl.DataFrame) -> None:
    found = raw_course(trial, "arm")
    assert found.select("arm", "visit").rows() == [(arm, f"v{visit}") for arm in "AB" for visit in range(4)]
    row = found.row(0, named=True)
    values = trial.filter(pl.col("arm") == "A", pl.col("visit") == "v0")["value"].to_numpy()
    assert row["people"] == 12
    assert row["mean"] == pytest.approx(values.mean())
    assert row["high"] - row["mean"] == pytest.approx(2.200985 * values.std(ddof=1) / np.sqrt(12), rel=1e-6)


def test_one_person_has_no_interval() -> None:
    table = pl.DataFrame({"person": ["a"], "visit": ["v"], "day": [0.0], "value": [1.0]})
    row = raw_course(table).row(0, named=True)
    assert (row["mean"], row["low"], row["high"], row["arm"]) == (1.0, None, None, None)


def test_courses_have_adjusted_means_beside(trial: pl.DataFrame) -> None:
    model = visit_model(trial, "arm", baseline="free")
    found = visit_course(trial, model, "arm")
    assert dict(found.schema) == COURSE
    assert found["adjusted_mean"].null_count() == 0
    # Nobody missed the first visit: its adjusted mean is the raw one.
    assert found["adjusted_mean"][0] == pytest.approx(found["mean"][0], rel=1e-6)
    assert visit_course(trial, visit_model(trial))["adjusted_mean"].null_count() == 0


def test_people_stand_in_order(trial: pl.DataFrame) -> None:
    found = people_table(trial.sample(fraction=1.0, shuffle=True, seed=1), "arm")
    assert found["person"].to_list()[:4] == ["p00"] * 4
    assert found["visit"].to_list()[:4] == ["v0", "v1", "v2", "v3"]
    assert len(found) == len(trial)


def test_straight_lines_as_lme4(trial: pl.DataFrame) -> None:
    # lmerTest 3.1-3: value ~ arm * day + age + (1 + day | person), Kenward-Roger; slopes over 23 days
    model = day_model(trial, "arm", ["age"])
    row = model.contrasts().row(0, named=True)
    assert (model.start, model.end) == (0, 23)
    assert row["estimate"] == pytest.approx(23 * 0.061996027, abs=1e-4)
    assert row["standard_error"] == pytest.approx(23 * 0.05767463809, rel=1e-3)
    assert row["df"] == pytest.approx(21.11592921, abs=0.02)
    assert row["term"] == "arm[B]:day"
    course = model.course()
    assert len(course) == 50
    assert np.diff(course.filter(pl.col("arm") == "A")["adjusted_mean"], 2) == pytest.approx(np.zeros(23), abs=1e-9)


def test_lines_that_share_the_start(trial: pl.DataFrame) -> None:
    model = day_model(trial, "arm", shared=True)
    start = model.course().filter(pl.col("day") == 0)["adjusted_mean"]
    assert start[0] == pytest.approx(start[1])
    assert model.contrasts()["estimate"][0] > 0


def test_a_spline_bends_and_keeps_a_line_straight(trial: pl.DataFrame) -> None:
    generator = np.random.default_rng(2)
    bent = trial.with_columns(
        (10 + 3 * np.sin(pl.col("day") / 5) + pl.Series(generator.normal(0, 0.3, len(trial)))).alias("value")
    )
    model = day_model(bent, "arm", curve="spline")
    course = model.course().filter(pl.col("arm") == "A")
    truth = 10 + 3 * np.sin(course["day"].to_numpy() / 5)
    assert np.abs(course["adjusted_mean"].to_numpy() - truth).max() < 0.8
    straight = bent.with_columns((pl.col("day") + pl.Series(generator.normal(0, 0.3, len(trial)))).alias("value"))
    found = day_model(straight, curve="spline").contrasts().row(0, named=True)
    assert found["low"] < 23 < found["high"]
    assert found["contrast"] == "change"


def test_people_without_own_slopes_differ_by_level(trial: pl.DataFrame) -> None:
    short = trial.filter(pl.col("visit").is_in(["v0", "v3"]))
    model = day_model(short, "arm")
    assert any("differ by their level" in note for note in model.notes)


def test_what_has_no_course_is_said(trial: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="is not known"):
        day_model(trial, curve="loess")
    with pytest.raises(InputError, match="different days"):
        day_model(trial.with_columns(pl.lit(1.0).alias("day")))
    with pytest.raises(InputError, match="needs 5 different days"):
        day_model(trial.filter(pl.col("day") < 7), curve="spline")
