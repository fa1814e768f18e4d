"""Models of repeated measures on what breaks them: a missing baseline, few people, singular fits, exact data."""

import numpy as np
import polars as pl
import pytest

from gutbrain.analyse.models.contrasts import ordinary
from gutbrain.analyse.models.mixed import mixed
from gutbrain.analyse.models.trajectories import day_model
from gutbrain.analyse.models.two_groups import compare, compare_again
from gutbrain.analyse.models.visit_models import BASELINES, visit_model
from gutbrain.errors import InputError

VISITS = ["before", "middle", "after"]


def trial(seed: int = 1, people: int = 24, share: float = 1.0, effect: float = 2.0) -> pl.DataFrame:
    """Return a trial of three arms with visits that are missing by chance."""
    draws = np.random.default_rng(seed)
    rows = []
    for who in range(people):
        level, arm = draws.normal(10, 2), "cab"[who % 3]
        for place, visit in enumerate(VISITS):
            value = level + effect * (arm == "a") * (place > 0) + draws.normal(0, 1)
            if draws.random() < share:
                rows.append((f"p{who:02}", arm, visit, 28.0 * place, value))
    table = pl.DataFrame(rows, schema=["person", "arm", "visit", "day", "value"], orient="row")
    return table.with_columns(pl.col("visit").cast(pl.Enum(VISITS)), pl.col("arm").cast(pl.Enum(["c", "a", "b"])))


@pytest.mark.parametrize("baseline", ["constrained", "covariate"])
def test_a_later_visit_is_never_taken_for_the_baseline(baseline):
    later = trial().filter(pl.col("visit") != "before")
    model = visit_model(later, "arm", [], baseline)
    found = model.contrasts()
    assert found["visit"].to_list() == ["middle", "middle", "after", "after"]
    assert found["contrast"].unique().to_list() == ["difference"]
    assert any("not measured at before" in note for note in model.notes)
    # To share one mean at "middle" would take away the effect that is there already.
    own = found.filter((pl.col("arm") == "a") & (pl.col("visit") == "middle")).row(0, named=True)
    means = later.filter(pl.col("visit") == "middle").group_by("arm").agg(pl.col("value").mean())
    by_arm = dict(means.select(pl.col("arm").cast(pl.String), "value").iter_rows())
    assert own["estimate"] == pytest.approx(by_arm["a"] - by_arm["c"], abs=1e-6)


def test_free_changes_name_the_visit_that_stands_for_the_baseline():
    model = visit_model(trial().filter(pl.col("visit") != "before"), "arm", [], "free")
    assert model.contrasts()["contrast"].unique().to_list() == ["difference in change"]
    assert any("middle stands for it" in note for note in model.notes)


@pytest.mark.parametrize("seed", range(12))
def test_few_people_never_give_a_silent_nan(seed):
    table = trial(seed, people=6 + seed % 3, share=0.7)
    for baseline in BASELINES:
        try:
            model = visit_model(table, "arm", [], baseline)
        except InputError:
            continue
        overall = model.overall()
        assert overall is None or (all(np.isfinite(list(overall.values()))) and overall["statistic"] >= 0)
        for column in model.contrasts().select(pl.selectors.float()).iter_columns():
            assert not column.is_nan().any()


def test_two_values_of_one_person_at_the_one_visit_are_refused():
    once = trial().filter(pl.col("visit") == "after")
    with pytest.raises(InputError, match="several values at the one visit"):
        visit_model(pl.concat([once, once.head(1)]), "arm")


def test_equal_baselines_give_no_standardised_difference():
    table = trial().with_columns(pl.when(pl.col("visit") == "before").then(0.1).otherwise("value").alias("value"))
    assert visit_model(table, "arm", [], "free", model="mixed").contrasts()["hedges_g"].null_count() == 4


def test_slopes_that_differ_are_kept_though_their_correlation_is_1():
    draws = np.random.default_rng(3)
    rows = [(f"p{who:02}", "cab"[who % 3], float(day), own * day / 10 + draws.normal(0, 0.3))
            for who in range(18) for own in [draws.normal(0, 1)] for day in range(0, 60, 10)]  # fmt: skip
    table = pl.DataFrame(rows, schema=["person", "arm", "day", "value"], orient="row")
    model = day_model(table, "arm")
    level_only = mixed(table.with_columns(pl.col("arm").cast(pl.Enum(["a", "b", "c"]))), "value", "arm * day")
    assert "day" in model.fit.components["term"].to_list()
    # Without slopes of their own the interval of the difference in change would be less than half as wide.
    wide, narrow = model.contrasts()["standard_error"][0], 50 * level_only.coefficients["standard_error"][-1]
    assert wide > 2 * narrow and any("uncorrelated" in note for note in model.notes)


def test_joint_tests_of_days_are_of_all_arms():
    table = trial(people=30)
    found = day_model(table, "arm").overall()
    assert found is not None and found["df"] == 2 and 0 < found["p"] < 1
    assert day_model(table.filter(pl.col("arm") != "b"), "arm").overall() is None


def test_a_group_is_not_another_that_ends_like_it():
    table = trial().with_columns(pl.Series("farm", ["yes", "no"] * 50)[: len(trial())])
    assert set(compare_again(table, "value", "arm + farm", "arm")["term"]) == {"arm[a]", "arm[b]"}


def test_covariates_that_explain_all_leave_no_test():
    people = pl.DataFrame({"person": list("abcdef"), "arm": list("xxxyyy"), "age": [1.0, 2, 3, 4, 5, 7]})
    people = people.with_columns((0.1 * pl.col("age") + 0.3).alias("value"))
    row = compare(people, "value", "arm", adjust=["age"], permutations=0).row(0, named=True)
    assert row["p"] is None and "no test" in row["note"]


def test_hardly_a_degree_of_freedom_is_no_interval():
    table = trial().filter(pl.col("visit") == "after")
    fit = ordinary(table, "value", "arm")
    object.__setattr__(fit.degrees, "weights", 1e6 * fit.degrees.weights)
    row = fit.contrast(np.eye(3)[1]).row(0, named=True)
    assert row["df"] < 0.5 and row["p"] is None and row["low"] is None and row["estimate"] is not None


def crossover(seed: int = 5) -> pl.DataFrame:
    draws = np.random.default_rng(seed)
    rows = [(f"p{who:02}", "ab"[(who + place) % 2], visit, 28.0 * place,
             level + 0.5 * place + 2.0 * ((who + place) % 2) + draws.normal(0, 1))
            for who in range(20) for level in [draws.normal(10, 4)]
            for place, visit in enumerate(["first", "second"])]  # fmt: skip
    table = pl.DataFrame(rows, schema=["person", "arm", "visit", "day", "value"], orient="row")
    return table.with_columns(pl.col("visit").cast(pl.Enum(["first", "second"])))


def test_who_was_in_both_arms_is_compared_with_itself():
    table = crossover()
    model = visit_model(table, "arm", [], "constrained", covariance="compound symmetry")
    row = model.contrasts().row(0, named=True)
    assert (row["term"], row["visit"], row["contrast"]) == ("arm[b]", "all visits", "difference")
    assert "within people" in model.method and any("20 of 20 people change arms" in note for note in model.notes)
    # By hand (Hills & Armitage 1979): half the difference of the sequences' period differences.
    wide = table.pivot(on="visit", index="person", values="value").with_columns(
        (pl.col("second") - pl.col("first")).alias("gap"), (pl.int_range(pl.len()) % 2).alias("sequence")
    )
    gaps = [wide.filter(pl.col("sequence") == which)["gap"].to_numpy() for which in (0, 1)]
    error = np.sqrt(sum(gap.var(ddof=1) * 9 for gap in gaps) / 18 * (1 / 10 + 1 / 10)) / 2
    assert row["estimate"] == pytest.approx((gaps[0].mean() - gaps[1].mean()) / 2, rel=1e-6)
    assert row["standard_error"] == pytest.approx(error, rel=1e-5) and row["df"] == pytest.approx(18, rel=1e-4)
