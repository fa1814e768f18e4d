"""A trial by the reference engine: the same summaries as the cohort engine, within its error."""

from __future__ import annotations

import numpy as np
import pytest

from gutbrain.body.whole import standard
from gutbrain.errors import InputError
from gutbrain.people.cohort import Cohort
from gutbrain.plan import built_in, read_plan
from gutbrain.protocols.exposure import public_speech
from gutbrain.protocols.practice import mbsr
from gutbrain.protocols.protocol import Protocol, Trial
from gutbrain.run.engines import ENGINES
from gutbrain.run.settle import settle
from gutbrain.run.simulate import simulate

SIGNALS = ("hpa.cortisol", "colon.butyrate", "mind.negative_affect", "mind.skill", "blood.il6")


@pytest.fixture(scope="module")
def cohort():
    pytest.importorskip("diffrax", reason="needs the extra 'adaptive'")
    return Cohort.draw(standard(), people=2, worlds=1, seed=4)


def test_all_engines_give_one_result(cohort):
    trial = Trial((Protocol("habit", ()), mbsr()), days=3, visits=(0, 2), everyone=public_speech(day=1))
    engines = [name for name, engine in ENGINES.items() if engine.installed]
    runs = {name: simulate(cohort.axis, cohort, trial, labels=SIGNALS, engine=name) for name in engines}
    for name in set(engines) - {"adaptive"}:
        assert runs[name].table(SIGNALS).shape == runs["adaptive"].table(SIGNALS).shape
        for signal in SIGNALS:
            ours, theirs = runs[name].series(signal), runs["adaptive"].series(signal)
            close = 0.01 if name == "fixed" else 0.002
            np.testing.assert_allclose(ours, theirs, rtol=close, atol=1e-3, err_msg=f"{name}: {signal}")
            assert np.abs(ours / np.where(theirs == 0, 1, theirs) - 1)[theirs != 0].max() > 0, "one engine, not two"


@pytest.mark.calibration
@pytest.mark.parametrize("name", [name for name in built_in() if read_plan(name).kind == "trial"])
def test_engines_agree_on_every_built_in_plan(name):
    plan = read_plan(name)
    axis, trial = standard(), plan.trial()
    people = Cohort.draw(axis, people=1 if trial.twins else len(trial.arms), worlds=2, seed=plan.seed)
    settled = settle(people, step_minutes=3.0)
    low, high = axis.bounds
    runs = {
        engine: simulate(
            axis, settled, trial, labels=axis.rows, engine=engine, step_minutes=3.0 if engine == "fixed" else 15.0
        )
        for engine in ("lanes", "fixed", "adaptive")
    }
    for engine in ("lanes", "fixed"):
        apart = np.abs(runs[engine].mean - runs["adaptive"].mean) / (high - low)[None, :, None]
        assert apart.max() < 1e-4, (engine, axis.rows[int(apart.max(axis=(0, 2)).argmax())])


def test_what_the_reference_engine_cannot_do_is_said(cohort):
    trial = Trial((Protocol("habit", ()),), days=2, visits=(0,))
    with pytest.raises(InputError, match="no noise"):
        simulate(cohort.axis, cohort, trial, noise=True, engine="adaptive")
    with pytest.raises(InputError, match="no engine 'quick'"):
        simulate(cohort.axis, cohort, trial, engine="quick")
    with pytest.raises(InputError, match="64 people at most"):
        simulate(cohort.axis, Cohort.draw(cohort.axis, people=65, worlds=1, seed=1), trial, engine="adaptive")
