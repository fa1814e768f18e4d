from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.analyse.models.contrasts import ordinary
from gutbrain.analyse.models.visit_models import BASELINES, levels, visit_model
from gutbrain.errors import InputError

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def trial() -> pl.DataFrame:
    return pl.read_csv(HERE / "repeated_trial.csv").with_columns(pl.col("day").cast(pl.Float64))


def test_constrained_baseline_as_nlme(trial: pl.DataFrame) -> None:
    # nlme 3.1-162, gls(value ~ visit + age + a1 + a2 + a3), a1 = arm B at v1 and so on, unstructured, REML
    model = visit_model(trial, "arm", ["age"], "constrained", degrees_method="satterthwaite")
    found = model.contrasts()
    assert model.fit.deviance == pytest.approx(304.2868625, abs=1e-5)
    assert found["estimate"].to_list() == pytest.approx([2.26987759, 2.57035904, 1.29064665], abs=2e-5)
    assert found["standard_error"].to_list() == pytest.approx([0.77161112, 0.68354151, 1.12214692], abs=2e-5)
    assert found["term"].to_list() == ["arm[B]:visit[v1]", "arm[B]:visit[v2]", "arm[B]:visit[v3]"]
    assert model.notes == ()
    means = model.means().filter(pl.col("visit") == "v0")
    assert means["estimate"].n_unique() == 1


def test_constrained_baseline_with_a_random_intercept_as_pbkrtest(trial: pl.DataFrame) -> None:
    # lmerTest 3.1-3, the same fixed effects with (1 | person), Kenward-Roger
    model = visit_model(trial, "arm", ["age"], "constrained", model="mixed")
    found = model.contrasts()
    assert found["estimate"].to_list() == pytest.approx([2.23036154, 2.42384726, 1.35104142], abs=1e-6)
    assert found["standard_error"].to_list() == pytest.approx([0.88882908, 0.80030642, 0.84077235], abs=1e-6)
    assert found["df"].to_list() == pytest.approx([72.82649, 72.98838, 72.93906], abs=1e-3)


def test_with_two_visits_the_constrained_baseline_estimates_as_the_covariate(trial: pl.DataFrame) -> None:
    table = trial.filter(pl.col("visit").is_in(["v0", "v3"]))
    whole = table.filter(pl.col("person").is_in(table.filter(pl.col("visit") == "v3")["person"].implode()))
    one = visit_model(whole, "arm", baseline="constrained").contrasts()
    other = visit_model(whole, "arm", baseline="covariate").contrasts()
    assert one["estimate"][0] == pytest.approx(other["estimate"][0], rel=1e-5)
    wide = whole.pivot(on="visit", index=["person", "arm"], values="value")
    known = ordinary(wide, "v3", "arm + v0").coefficients.filter(pl.col("term") == "arm[B]")
    assert other["estimate"][0] == pytest.approx(known["estimate"][0])
    assert other["df"][0] == pytest.approx(known["df"][0])
    assert visit_model(whole, "arm", model="ancova").handling == "covariate"


def test_change_from_baseline_of_two_visits_is_a_t_test(trial: pl.DataFrame) -> None:
    table = trial.filter(pl.col("visit").is_in(["v0", "v3"]))
    model = visit_model(table, "arm", baseline="change")
    wide = table.pivot(on="visit", index=["person", "arm"], values="value").drop_nulls()
    gap = [wide.filter(pl.col("arm") == arm).select(pl.col("v3") - pl.col("v0")).to_series().mean() for arm in "AB"]
    assert model.contrasts()["estimate"][0] == pytest.approx(gap[1] - gap[0])
    assert "left out" in model.notes[0]
    # Adjusted means stand on the scale of the outcome.
    assert model.means()["estimate"][0] == pytest.approx(wide["v0"].mean() + gap[0])


def test_free_baselines_compare_changes(trial: pl.DataFrame) -> None:
    model = visit_model(trial, "arm", baseline="free", covariance="compound symmetry")
    found, changes = model.contrasts(), model.changes()
    assert found["contrast"].unique().to_list() == ["difference in change"]
    wide = changes.pivot(on="arm", index="visit", values="estimate")
    assert found["estimate"].to_list() == pytest.approx((wide["B"] - wide["A"]).to_list())
    assert model.overall()["df"] == 3
    assert model.overall()["p"] == pytest.approx(model.fit.term("visit:arm")["p"])


def test_the_first_arm_of_an_enum_is_the_reference(trial: pl.DataFrame) -> None:
    turned = trial.with_columns(pl.col("arm").cast(pl.Enum(["B", "A"])))
    one, other = visit_model(trial, "arm").contrasts(), visit_model(turned, "arm").contrasts()
    assert other["reference"].unique().to_list() == ["B"]
    assert other["estimate"].to_list() == pytest.approx((-one["estimate"]).to_list(), abs=1e-6)


def test_without_arms_visits_are_compared_with_the_first(trial: pl.DataFrame) -> None:
    model = visit_model(trial)
    found = model.contrasts()
    assert found["visit"].to_list() == ["v1", "v2", "v3"]
    assert found["reference"].unique().to_list() == ["v0"]
    assert model.means()["visit"].to_list() == ["v0", "v1", "v2", "v3"]
    assert model.arms == [""]


def test_one_visit_compares_arms(trial: pl.DataFrame) -> None:
    for visit in (pl.lit("v3"), pl.lit(None, pl.String)):
        table = trial.filter(pl.col("visit") == "v3").with_columns(visit.alias("visit"))
        found = visit_model(table, "arm").contrasts()
        assert found["term"].to_list() == ["arm[B]"]
        assert found["df"].to_list() == pytest.approx([17])
    assert visit_model(trial.filter(pl.col("visit") == "v3")).contrasts().is_empty()


def test_people_who_change_arms_do_not_share_a_baseline(trial: pl.DataFrame) -> None:
    crossed = trial.with_columns(
        pl.when((pl.col("visit") > "v1") & (pl.col("person") > "p08")).then(pl.lit("B")).otherwise("arm").alias("arm")
    )
    model = visit_model(crossed, "arm", baseline="constrained")
    assert model.handling == "free"
    assert "change arms" in model.notes[0]


def test_a_cell_that_nobody_is_in_is_left_out(trial: pl.DataFrame) -> None:
    table = trial.filter(~((pl.col("visit") == "v2") & (pl.col("arm") == "B")))
    for baseline in BASELINES:
        model = visit_model(table, "arm", baseline=baseline)
        assert model.contrasts()["visit"].to_list() == ["v1", "v3"]
        assert any("nobody was measured" in note for note in model.notes)


def test_hedges_g_has_the_deviation_within_arms_at_baseline(trial: pl.DataFrame) -> None:
    start = trial.filter(pl.col("visit") == "v0")
    parts = [start.filter(pl.col("arm") == arm)["value"].to_numpy() for arm in "AB"]
    pooled = np.sqrt(sum(((part - part.mean()) ** 2).sum() for part in parts) / 22)
    row = visit_model(trial, "arm").contrasts().row(0, named=True)
    assert row["hedges_g"] == pytest.approx(row["estimate"] / pooled * (1 - 3 / (4 * 22 - 1)))


def test_what_cannot_be_modelled_is_said(trial: pl.DataFrame) -> None:
    for options, text in (({"baseline": "none"}, "is not known"), ({"model": "anova"}, "is not known")):
        with pytest.raises(InputError, match=text):
            visit_model(trial, "arm", **options)
    with pytest.raises(InputError, match="no column"):
        visit_model(trial, "arm", ["sex"])
    with pytest.raises(InputError, match="no row has a value"):
        visit_model(trial.with_columns(pl.lit(None, pl.Float64).alias("value")), "arm")
    with pytest.raises(InputError, match="several values and no visits"):
        visit_model(trial.with_columns(pl.lit(None, pl.String).alias("visit")), "arm")
    with pytest.raises(InputError, match="nobody has a value"):
        odd = trial.filter((pl.col("visit") == "v0") == (pl.col("person") < "p10"))
        visit_model(odd, "arm", baseline="covariate")


def test_levels_are_ordered_by_day_where_it_is_known() -> None:
    visits, days = pl.Series(["b", "a", "b"]), pl.Series([0.0, 7.0, 1.0])
    assert levels(visits, days) == ["b", "a"]
    assert levels(visits) == ["a", "b"]
    assert levels(visits.cast(pl.Enum(["z", "b", "a"]))) == ["b", "a"]


def test_spatial_power_goes_by_days(trial: pl.DataFrame) -> None:
    # nlme 3.1-162, gls with corExp(form = ~ day | person), value ~ arm * visit + age
    model = visit_model(trial, "arm", ["age"], "free", covariance="spatial power")
    assert model.fit.deviance == pytest.approx(312.5686786, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from([1, 2, 4, 9]), st.sampled_from([1, 2, 5]), st.sampled_from([0.0, 0.4]),
    st.sampled_from(["normal", "whole", "person", "line"]), st.sampled_from(list(BASELINES)),
)  # fmt: skip
def test_odd_tables_are_modelled_or_refused(
    seed: int, people: int, visits: int, missing: float, kind: str, baseline: str
) -> None:
    generator = np.random.default_rng(seed)
    scale = 10.0 ** generator.integers(-6, 7)
    rows = []
    for who in range(people):
        level = generator.normal()
        for visit in range(visits):
            values = {"normal": level + generator.normal(), "whole": float(generator.integers(0, 2)), "person": level,
                      "line": level + visit}  # fmt: skip
            if generator.random() >= missing:
                rows.append((f"p{who}", "abc"[who % 3], "mf"[who % 2], f"v{visit}", 7.0 * visit, scale * values[kind]))
    names = ["person", "arm", "sex", "visit", "day", "value"]
    kinds = dict.fromkeys(names, pl.String) | {"day": pl.Float64, "value": pl.Float64}
    table = pl.DataFrame(rows, schema=kinds, orient="row")
    try:
        model = visit_model(table, "arm", ["sex"] if seed % 2 else [], baseline)
    except InputError:
        return
    found = model.contrasts()
    for column in ("estimate", "standard_error", "low", "high"):
        assert found[column].is_finite().all()
    assert found["p"].is_between(0, 1).all()
    assert (found["low"] <= found["estimate"]).all()
