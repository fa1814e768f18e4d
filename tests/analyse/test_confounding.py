import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gutbrain.analyse.paths.confounding import (
    correlation_at_zero,
    correlation_curve,
    evalue,
    robustness_value,
    shifted_path,
)
from gutbrain.analyse.paths.mediation import mediation
from gutbrain.errors import InputError


def people() -> pl.DataFrame:
    arms = pl.Enum(["control", "LGG", "VSL"])
    return pl.read_csv(Path(__file__).parent / "mediation_people.csv").with_columns(pl.col("arm").cast(arms))


def test_robustness_values_of_the_published_example():
    # Cinelli & Hazlett 2020, table 1 (attitudes in Darfur): estimate 0.097, standard error 0.023, df 783.
    statistic = 0.09731582 / 0.02325654
    assert robustness_value(statistic, 783) == pytest.approx(0.139, abs=5e-4)
    assert robustness_value(statistic, 783, alpha=0.05) == pytest.approx(0.076, abs=5e-4)


def test_correlation_at_zero_is_the_partial_correlation():
    # R 4.2.2: correlation of the residuals of lm(m ~ arm + age) and lm(y ~ arm + age)
    found = mediation(people(), "arm", "m", "y", ["age"]).robustness
    assert found["correlation_at_zero"].to_list() == pytest.approx([0.3438631364] * 2, rel=1e-8)
    assert found["r2_product_at_zero"][0] == pytest.approx(0.3438631364**2)


def test_curve_is_that_of_the_published_form():
    # R 4.2.2: a s1 / s2 (r0 - r sqrt((1 - r0^2) / (1 - r^2))) with the residuals of lm without the mediator
    found = mediation(people(), "arm", "m", "y", ["age"]).sensitivity.filter(pl.col("source") == "arm[LGG]")
    at = dict(found.select("correlation", "indirect").iter_rows())
    assert at[-0.5] == pytest.approx(0.1057577785, rel=1e-8)
    assert at[0.3] == pytest.approx(0.005795755929, rel=1e-8)
    assert at[0.7] == pytest.approx(-0.06882087729, rel=1e-8)


def test_curve_passes_the_estimate_and_crosses_zero_where_it_says():
    found = mediation(people(), "dose", "m", "y", ["age"])
    plain = found.paths.filter(pl.col("path") == "indirect").row(0, named=True)
    here = found.sensitivity.filter(pl.col("correlation") == 0).row(0, named=True)
    assert [here[k] for k in ("indirect", "low", "high")] == pytest.approx(
        [plain[k] for k in ("estimate", "low", "high")]
    )
    assert (found.sensitivity["low"] < found.sensitivity["high"]).all()


def test_truth_is_found_at_the_true_correlation():
    generator = np.random.default_rng(5)
    n = 200_000
    x = np.repeat([0.0, 1.0], n // 2)
    hidden = generator.normal(0, 1, n)
    m = 0.5 * x + hidden + generator.normal(0, 1, n)
    y = 0.4 * m + hidden + generator.normal(0, 1, n)
    design = np.column_stack([np.ones(n), x])
    from gutbrain.analyse.paths.mediation import least_squares

    first, second = least_squares(design, m, "m"), least_squares(np.column_stack([design, m]), y, "y")
    b = second.path(2)
    assert b[0] == pytest.approx(0.9, abs=0.02)
    shifted, _ = shifted_path(b[0], b[1], (first.square_sum, second.square_sum), (first.df, b[2]), np.array([0.5]))
    assert shifted[0] == pytest.approx(0.4, abs=0.02)  # the residuals correlate by 1 / 2


def test_evalue_of_published_risk_ratios():
    # VanderWeele & Ding 2017: a risk ratio of 3.9 has the E-value 7.26
    assert evalue(math.log(3.9) / 0.91) == pytest.approx(7.26, abs=0.005)
    assert evalue(0.0) == 1 and evalue(-0.5) == evalue(0.5)


@given(st.floats(0.1, 30), st.integers(3, 2000))
def test_robustness_grows_with_the_statistic(statistic, df):
    value = robustness_value(statistic, df)
    assert 0 < value < 1 and robustness_value(statistic * 1.1, df) > value
    assert robustness_value(statistic, df, alpha=0.05) < value
    # A confounder of this strength on both sides is exactly what brings the coefficient to zero.
    bias = math.sqrt(value * value / (1 - value) * df)
    assert bias == pytest.approx(statistic, rel=1e-6)


def test_edges():
    assert robustness_value(0.0, 10) == 0 and robustness_value(1.0, 1, alpha=0.05) == 0
    assert correlation_at_zero(-3.0, 9.0) == pytest.approx(-math.sqrt(0.5))
    with pytest.raises(InputError, match="within"):
        shifted_path(1, 1, (1, 1), (9, 9), np.array([1.0]))
    band = correlation_curve((0.5, 0.1, 50), (0.5, 0.1, 49), (50, 50))
    assert band["correlation"].min() == -0.9 and len(band) == 37
