"""Karin 2020, Milo 2025: what adapts under sustained load is ACTH, not cortisol; glands outlast it for weeks.

First their model of relative hormones and glands, integrated from its printed equations: its fixed
points are exact algebra. Then the stress axis of the package, which shares the structure.
"""

import numpy as np
import pytest
from held import held

from benchmarks.figures import row
from benchmarks.hormone_runs import published_glands


@held("rest at drives of 1, 5 and 1 again", source="Karin2020 Milo2025", tolerance="0.1 %", status="by construction")
def test_fixed_points_of_the_published_model():
    (before, loaded, after), _ = published_glands()
    np.testing.assert_allclose(before[-1], [1, 1, 0.9853, 1.0149, 0.9853], atol=1e-4)
    np.testing.assert_allclose(loaded[-1], [1, 1, 3.252, 1.537, 3.252], rtol=1e-3)
    np.testing.assert_allclose(after[-1], [1, 1, 0.9853, 1.0149, 0.9853], rtol=1e-3)


def test_fixed_points_are_algebra():
    """At rest of the glands cortisol x solves x (1 + (x/4)^3) = drive; the pituitary is 1 + (x/4)^3."""
    (_, loaded, _), _ = published_glands()
    cortisol, pituitary = loaded[-1, 2], loaded[-1, 3]
    assert cortisol * (1 + (cortisol / 4) ** 3) == pytest.approx(5, rel=1e-3)
    assert pituitary == pytest.approx(1 + (cortisol / 4) ** 3, rel=1e-3)


@held("ACTH rises, returns and undershoots", source="Karin2020 Milo2025", tolerance="signs", status="by construction")
def test_acth_rises_returns_and_undershoots_in_the_published_model():
    (_, loaded, after), days = published_glands()
    acth, later = loaded[:, 1], after[:, 1]
    assert acth[days > 1][0] > 1.5
    assert acth[-1] == pytest.approx(1, abs=1e-3)
    weeks = (days > 3) & (days < 60)
    assert np.all(later[weeks] < 1)
    assert np.all(after[weeks, 2] > 1)


@held("HPA, after load, cortisol")
def test_cortisol_outlasts_the_load_in_the_stress_axis():
    assert row("HPA, after load, cortisol").reached() > 0


@held("HPA, after load, ACTH")
def test_acth_lies_below_rest_meanwhile():
    assert row("HPA, after load, ACTH").reached() < 0


@held("HPA, after load, days")
@pytest.mark.calibration
def test_acth_lies_below_rest_for_over_two_months():
    assert row("HPA, after load, days").reached() > 60
