"""A trial by the reference engine: the same summaries as the cohort engine, within its error."""

from __future__ import annotations

import numpy as np
import pytest

from gutbrain.body.whole import standard
from gutbrain.errors import InputError
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.exposure import public_speech
from gutbrain.protocols.practice import mbsr
from gutbrain.protocols.protocol import Protocol, Trial
from gutbrain.run.simulate import simulate

SIGNALS = ("hpa.cortisol", "colon.butyrate", "mind.negative_affect", "mind.skill", "blood.il6")


@pytest.fixture(scope="module")
def cohort():
    pytest.importorskip("diffrax", reason="needs the extra 'adaptive'")
    return Cohort.draw(standard(), people=2, worlds=1, seed=4)


def test_both_engines_give_one_result(cohort):
    trial = Trial((Protocol("habit", ()), mbsr()), days=3, visits=(0, 2), everyone=public_speech(day=1))
    fixed, adaptive = (
        simulate(cohort.axis, cohort, trial, labels=SIGNALS, engine=engine) for engine in ("fixed", "adaptive")
    )
    assert fixed.table(SIGNALS).shape == adaptive.table(SIGNALS).shape
    for signal in SIGNALS:
        ours, theirs = fixed.series(signal), adaptive.series(signal)
        np.testing.assert_allclose(ours, theirs, rtol=0.01, atol=1e-3, err_msg=signal)
        assert np.abs(ours / np.where(theirs == 0, 1, theirs) - 1)[theirs != 0].max() > 0, "one engine, not two"


def test_what_the_reference_engine_cannot_do_is_said(cohort):
    trial = Trial((Protocol("habit", ()),), days=2, visits=(0,))
    with pytest.raises(InputError, match="no noise"):
        simulate(cohort.axis, cohort, trial, noise=True, engine="adaptive")
    with pytest.raises(InputError, match="no engine 'quick'"):
        simulate(cohort.axis, cohort, trial, engine="quick")
    with pytest.raises(InputError, match="64 people at most"):
        simulate(cohort.axis, Cohort.draw(cohort.axis, people=65, worlds=1, seed=1), trial, engine="adaptive")
