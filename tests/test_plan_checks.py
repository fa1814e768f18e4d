"""Steps that are too long and trials without anybody left are refused by name."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gutbrain.body.whole import AXES
from gutbrain.errors import InputError
from gutbrain.plan import read_plan
from gutbrain.plan_checks import refuse_long_step, refuse_nobody


def plan(step: float, engine: str = "auto"):
    return read_plan("mbsr").model_copy(update={"step_minutes": step, "engine": engine})


def test_a_step_that_the_fastest_rate_forbids_is_refused():
    axis = AXES["standard"]()
    with pytest.raises(InputError, match=r"step_minutes: \w+: fastest rate .* per day .*asked is 60") as caught:
        refuse_long_step(axis, plan(60.0))
    assert "Use a step of" in str(caught.value)
    refuse_long_step(axis, plan(60.0, "adaptive"))  # it chooses its own


def test_usual_steps_are_not_looked_at():
    refuse_long_step(None, plan(15.0))


def test_a_trial_of_which_nobody_is_left_is_refused():
    cohort = SimpleNamespace(size=3)
    some = SimpleNamespace(kept=np.array([False, True, False]))
    refuse_nobody(some)
    nobody = SimpleNamespace(kept=np.zeros(3, bool), cohort=cohort, lost_day=np.array([4, 2, 9]),
                             lost_row=np.array([0, 1, 0]), rows=("blood.il6", "hpa.acth"))  # fmt: skip
    with pytest.raises(InputError, match=r"all 3 people left .* first on day 2 by hpa.acth"):
        refuse_nobody(nobody)
