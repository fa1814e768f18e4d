from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.analyse.models.mixed import mixed
from gutbrain.analyse.models.mmrm import mmrm, repeated
from gutbrain.analyse.models.mmrm_covariances import SIMPLER, STRUCTURES
from gutbrain.errors import InputError

HERE = Path(__file__).parent
# nlme 3.1-162, gls(value ~ arm * visit + age, method = "REML"): -2 log-likelihood; estimate and error of arm, visit v3
GLS = {
    "unstructured": (302.6545635, 0.546876101, 0.567465031, 1.867172957, 0.879266398),
    "compound symmetry": (315.6095762, 0.502683362, 0.751899470, 1.875820407, 0.746881451),
    "heterogeneous compound symmetry": (308.1433534, 0.539688058, 0.577594861, 1.886870143, 0.876604192),
    "autoregressive": (313.0368577, 0.505266330, 0.749647899, 1.856986644, 0.791682261),
    "heterogeneous autoregressive": (305.6469608, 0.543773342, 0.571974216, 1.858468563, 0.903288095),
    "spatial power": (312.5686786, 0.501044237, 0.743885032, 1.791424108, 0.789965599),  # corExp(form = ~ day | person)
}


@pytest.fixture(scope="module")
def trial() -> pl.DataFrame:
    return pl.read_csv(HERE / "repeated_trial.csv")


def simulated(people: int, visits: int, seed: int, missing: float = 0.0) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    covariance = 0.6 + 0.4 * np.eye(visits) + np.diag(np.linspace(0, 0.6, visits))
    values = generator.multivariate_normal(np.zeros(visits), covariance, people)
    rows = [
        (f"p{who:03d}", "AB"[who % 2], f"v{visit}", values[who, visit])
        for who in range(people)
        for visit in range(visits)
        if visit == 0 or generator.random() >= missing
    ]
    return pl.DataFrame(rows, schema=["person", "arm", "visit", "value"], orient="row")


@pytest.mark.parametrize("name", GLS)
def test_likelihood_estimates_and_errors_as_nlme(trial: pl.DataFrame, name: str) -> None:
    visit = "day" if name == "spatial power" else "visit"
    # Days stand in the correlation only; visits stay categories in the mean.
    found = mmrm(trial, "value", "arm * visit + age", visit=visit, covariance=name, degrees_method="satterthwaite")
    by = {row["term"]: row for row in found.coefficients.iter_rows(named=True)}
    told = [found.deviance, by["arm[B]"]["estimate"], by["arm[B]"]["standard_error"],
            by["visit[v3]"]["estimate"], by["visit[v3]"]["standard_error"]]  # fmt: skip
    assert told == pytest.approx(GLS[name], abs=2e-5, rel=2e-6)
    assert found.structure == name
    assert found.notes == ()


def test_unstructured_covariance_as_nlme(trial: pl.DataFrame) -> None:
    found = mmrm(trial, "value", "arm * visit + age").covariance["covariance"].to_list()
    known = [1.92010, 0.69876, 2.81510, -0.26793, -0.059344, 2.56040, 0.30276, -0.73349, 1.82290, 6.33920]
    assert found == pytest.approx(known, rel=1e-4)  # getVarCov tells five digits
    assert mmrm(trial, "value", "arm * visit + age", method="ML",
                degrees_method="satterthwaite").deviance == pytest.approx(301.5463709, abs=1e-5)  # fmt: skip


def test_structures_are_nested(trial: pl.DataFrame) -> None:
    fits = {name: mmrm(trial, "value", "arm * visit + age", covariance=name) for name in SIMPLER}
    deviance = {name: fit.deviance for name, fit in fits.items()}
    for wider, narrower in (
        ("unstructured", "heterogeneous toeplitz"),
        ("heterogeneous toeplitz", "heterogeneous autoregressive"),
        ("heterogeneous toeplitz", "heterogeneous compound symmetry"),
        ("heterogeneous toeplitz", "toeplitz"),
        ("toeplitz", "autoregressive"),
        ("toeplitz", "compound symmetry"),
        ("heterogeneous autoregressive", "autoregressive"),
    ):
        assert deviance[wider] < deviance[narrower]
        assert len(fits[wider].parameters) > len(fits[narrower].parameters)


def test_compound_symmetry_is_a_random_intercept(trial: pl.DataFrame) -> None:
    # pbkrtest and lmerTest know the random intercept: the same model has the same degrees of freedom.
    for method in ("kenward-roger", "satterthwaite"):
        one = mmrm(trial, "value", "arm * visit + age", covariance="compound symmetry", degrees_method=method)
        other = mixed(trial, "value", "arm * visit + age", degrees_method=method)
        for column in ("estimate", "standard_error", "df", "p"):
            assert one.coefficients[column].to_list() == pytest.approx(other.coefficients[column].to_list(), rel=1e-5)
        first, second = one.term("arm:visit"), other.term("arm:visit")
        assert first == pytest.approx(second, rel=1e-5)


def test_complete_data_have_the_exact_degrees_of_freedom() -> None:
    # Two arms, all visits complete, unstructured: a mean of one visit is a t test of n - 2 degrees of freedom.
    table = simulated(20, 3, 5)
    found = mmrm(table, "value", "visit + arm:visit").coefficients.filter(pl.col("term").str.contains("arm"))
    for visit, row in zip(("v0", "v1", "v2"), found.iter_rows(named=True), strict=True):
        values = [table.filter(pl.col("visit") == visit, pl.col("arm") == arm)["value"].to_numpy() for arm in "AB"]
        pooled = (values[0].var(ddof=1) + values[1].var(ddof=1)) / 2
        assert row["df"] == pytest.approx(18, rel=1e-6)
        assert row["estimate"] == pytest.approx(values[1].mean() - values[0].mean())
        assert row["standard_error"] == pytest.approx(np.sqrt(pooled * 2 / 10), rel=1e-6)


def test_hotelling_of_complete_data() -> None:
    # Arms differ at no visit: with complete data Kenward-Roger gives Hotelling's T2 as an exact F of 3 and n - 4.
    table = simulated(24, 3, 11)
    wide = table.pivot(on="visit", index=["person", "arm"], values="value")
    parts = [wide.filter(pl.col("arm") == arm).select("v0", "v1", "v2").to_numpy() for arm in "AB"]
    pooled = (np.cov(parts[0].T) + np.cov(parts[1].T)) / 2
    gap = parts[1].mean(axis=0) - parts[0].mean(axis=0)
    square = 12 * 12 / 24 * gap @ np.linalg.solve(pooled, gap)
    found = mmrm(table, "value", "visit + arm:visit")
    joint = found.joint(np.eye(6)[[place for place, name in enumerate(found.design.columns) if "arm" in name]])
    assert joint["df_error"] == pytest.approx(24 - 3 - 1, rel=1e-5)
    assert joint["statistic"] == pytest.approx(square * (24 - 3 - 1) / (3 * (24 - 2)), rel=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["unstructured", "toeplitz", "heterogeneous autoregressive"]))
def test_order_and_scale_do_not_matter(seed: int, name: str) -> None:
    table = simulated(16, 3, seed, 0.1)
    one = mmrm(table, "value", "arm * visit", covariance=name)
    turned = table.sample(fraction=1.0, shuffle=True, seed=seed).with_columns(pl.col("value") * 1000 + 5)
    other = mmrm(turned, "value", "arm * visit", covariance=name)
    assert other.structure == one.structure
    assert other.coefficients["estimate"][1:].to_list() == pytest.approx(
        (1000 * one.coefficients["estimate"][1:]).to_list(), rel=1e-4, abs=1e-3
    )
    assert other.coefficients["df"].to_list() == pytest.approx(one.coefficients["df"].to_list(), rel=1e-4)


def test_too_many_visits_for_the_people_take_a_simpler_covariance() -> None:
    table = simulated(8, 7, 3)
    found = mmrm(table, "value", "arm")
    assert found.structure != "unstructured"
    assert "'unstructured' cannot be estimated" in found.notes[0]
    assert found.structure in found.notes[-1]
    assert np.isfinite(found.coefficients["p"].to_numpy()).all()


def test_visits_that_nobody_has_together_take_a_simpler_covariance() -> None:
    table = simulated(20, 3, 9).filter(
        ((pl.col("person") < "p010") & (pl.col("visit") != "v2"))
        | ((pl.col("person") >= "p010") & (pl.col("visit") != "v1"))
    )
    found = mmrm(table, "value", "visit")
    assert found.structure != "unstructured"


def test_what_cannot_be_fitted_is_said(trial: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="more than once"):
        mmrm(pl.concat([trial, trial[:1]]), "value", "visit")
    with pytest.raises(InputError, match="one visit only"):
        mmrm(trial.filter(pl.col("visit") == "v0"), "value", "arm")
    with pytest.raises(InputError, match="no covariance"):
        mmrm(trial, "value", "visit", covariance="antedependence")
    with pytest.raises(InputError, match="needs days"):
        mmrm(trial, "value", "visit", covariance="spatial power")
    with pytest.raises(InputError, match="without a remainder"):
        mmrm(trial.with_columns(pl.when(pl.col("arm") == "A").then(1.0).otherwise(2.0).alias("value")), "value", "arm")
    with pytest.raises(InputError, match="covariance between visits"):
        mmrm(trial.group_by("person", maintain_order=True).first(), "value", "arm", visit="age")


def test_one_visit_is_least_squares(trial: pl.DataFrame) -> None:
    found = repeated(trial.filter(pl.col("visit") == "v3"), "value", "arm + age")
    assert found.coefficients["df"].to_list() == pytest.approx([16, 16, 16])
    assert found.people == 19


def test_every_structure_is_a_covariance() -> None:
    visits = np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    moments = 0.5 + np.diag([1.0, 2.0, 1.5, 1.0])
    for structure in STRUCTURES.values():
        start = structure.start(moments)
        assert structure.valid(start)
        made = structure.matrix(start, visits)
        assert made == pytest.approx(made.swapaxes(1, 2))
        assert np.linalg.eigvalsh(made).min() > 0


@pytest.mark.calibration
def test_five_per_cent_of_null_trials_are_significant() -> None:
    # 40 people, 4 visits, one in ten later visits missing, unstructured covariance, Kenward-Roger: 5 +- 1 %.
    hits, joint = 0, 0
    draws = 4000
    for seed in range(draws):
        found = mmrm(simulated(40, 4, seed, 0.1), "value", "visit + arm:visit")
        hits += found.coefficients["p"][-1] < 0.05
        places = [place for place, name in enumerate(found.design.columns) if "arm" in name]
        joint += found.joint(np.eye(8)[places])["p"] < 0.05
    assert 0.04 < hits / draws < 0.06
    assert 0.04 < joint / draws < 0.06
