"""Couplings that are known are found again; a short set here, the full one with `make calibration`."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coupling_recovery import SETUPS, found

SHORT = 24


@pytest.fixture(scope="module")
def short():
    """Return what came of a few data sets of 30 people x 60 occasions, effects 0.3 and 0.1."""
    return found(SETUPS[0], SHORT)


def test_estimates_lie_around_the_truth(short):
    assert short.converged.all()
    assert np.all(np.abs(short.bias) < 0.05 + 3 * short.bias_error)


def test_intervals_hold_the_truth_as_often_as_they_say(short):
    # 96 intervals: fewer than 84 holding ones come in one of a thousand such sets if they hold 95 % of the time.
    assert short.coverage.mean() > 84 / 96


def test_the_larger_effect_is_told(short):
    assert short.right > 0.9


@pytest.mark.calibration
@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_full_set(setup):
    made = found(setup, 200)
    error = np.sqrt(0.95 * 0.05 / 200)
    assert np.all((made.coverage > 0.93 - 3 * error) & (made.coverage < 0.97 + 3 * error))
    assert made.coverage.mean() == pytest.approx(0.95, abs=0.02)
    if setup.people > 1:
        assert made.converged.all()
        assert np.all(np.abs(made.bias) < 0.05 + 3 * made.bias_error)
        if setup.gut_to_mind > setup.mind_to_gut:
            assert made.right > 0.9
    if setup.gut_to_mind == setup.mind_to_gut:
        assert made.preferred < 0.05 + 3 * error
