"""Every finding that is judged has a virtual trial, and every virtual trial a finding."""

from __future__ import annotations

import pytest

from gutbrain.errors import InputError
from gutbrain.evidence.findings import findings
from gutbrain.validation import designs as module
from gutbrain.validation.arms import arms
from gutbrain.validation.designs import designs, outcomes, shared_arms, signals
from gutbrain.validation.validate import chosen_designs

JUDGED = ("calibrate", "predict", "construction")


def test_findings_and_designs_belong_together():
    use = dict(findings().select("id", "use").iter_rows())
    assert set(designs()) == {name for name, one in use.items() if one in JUDGED}


def test_a_third_is_predicted_in_every_pathway():
    table = findings().filter(findings()["use"].is_in(["calibrate", "predict"]))
    ahead = table.filter(table["use"] == "predict")
    assert ahead.height * 3 >= table.height
    assert set(ahead["pathway"]) == set(table["pathway"])


def test_signals_of_outcomes_are_on_the_standard_axis():
    from gutbrain.body.whole import AXES

    axis = AXES["standard"]()
    assert {outcome.signal for outcome in outcomes().values()} <= set(axis.columns)
    levers = {act.lever.partition("[")[0] for arm in arms().values() for act in arm.protocol.acts}
    assert levers <= set(axis.levers)


def test_arms_and_signals_of_a_choice():
    chosen = {name: designs()[name] for name in ("BAR-1", "E070")}
    assert shared_arms(chosen) == {"none": 5, "short nights": 5, "laboratory": 2, "public speech": 2}
    assert signals(chosen, acute=True) == ("barrier.lactulose_mannitol_ratio",)
    assert signals(chosen, acute=False) == ("blood.il6", "blood.crp")


@pytest.mark.parametrize("change, said", [
    ({"arm": "cours"}, "no arm"), ({"against": ["nobody"]}, "no arm"), ({"outcome": ["joy"]}, "no outcome"),
    ({"estimate": "ANOVA"}, "no estimate"), ({"day": 400}, "outside the run"), ({"hours": [0, 2]}, "outside the run"),
])  # fmt: skip
def test_a_wrong_design_is_named(change, said):
    right = {"arm": "course", "against": ["none"], "outcome": ["distress"], "day": 56}
    with pytest.raises(InputError, match=said) as told:
        module._design("MIN-1", right | change)
    assert told.value.row == "MIN-1"


def test_choices_by_pathway_use_and_name():
    assert set(chosen_designs(["barrier"])) >= {"BAR-1", "BAR-2"}
    assert list(chosen_designs(["MIN-5"])) == ["MIN-5"]
    with pytest.raises(InputError, match="did you mean 'barrier'"):
        chosen_designs(["barier"])
