"""Estimates freed of their bias by drawing and fitting again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gutbrain.errors import InputError
from gutbrain.fit.coupling.bias import corrected
from gutbrain.fit.coupling.maximum import Objective, fit
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.simulate import design, simulate


@pytest.fixture(scope="module")
def fitted():
    """Return one process of one person, seen without error 60 times, and its compiled objective."""
    model = CouplingModel((Process("mood"),), (Indicator("mood", {"mood": 1.0}, error=False),))
    true = [one.raw({"drift": -0.15, "noise": 1.0, "mean": 0.0}[one.kind]) for one in
            (model.parameters[at] for at in model.free)]  # fmt: skip
    panel = simulate(model, np.array(true), design(1, 60, model=model), seed=4)
    objective = Objective(model, panel)
    return fit(model, panel, objective=objective), objective


def test_a_slow_process_seems_to_return_too_fast(fitted):
    made, objective = fitted
    table = corrected(made, sets=60, objective=objective)
    row = table.row(by_predicate=pl.col("parameter") == "drift[mood, mood]", named=True)
    # About (1 + 3 r) / n of the lag-one correlation r is lost, so that rates seem faster
    # (Marriott & Pope 1954, recalled).
    r = np.exp(row["estimate"])
    assert row["bias"] == pytest.approx(-(1 + 3 * r) / 60 / r, rel=0.75)
    assert row["corrected"] > row["estimate"]
    assert row["low"] < row["corrected"] < row["high"]
    assert row["sets"] > 50
    assert objective.panel is made.panel


def test_what_did_not_converge_is_not_corrected(fitted):
    with pytest.raises(InputError, match="converged"):
        corrected(replace(fitted[0], converged=False))
