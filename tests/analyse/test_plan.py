"""Analysis plans: every default in sight, wrong keys refused with their place, a hash of what decides."""

from __future__ import annotations

import tomllib

import pytest
from small_study import small_trial

from gutbrain.analyse.plan import BY_KIND, AnalysisPlan, plan_of, read_analysis_plan, suggest
from gutbrain.errors import InputError

PLAN = """
title = "A trial"
[design]
arm = "arm"
reference = "control"
visits = ["before", "after"]
[[family]]
name = "primary"
correction = "holm"
[[step]]
kind = "change"
name = "stress"
family = "primary"
confirmatory = true
outcomes = ["PSS-10.total"]
[[step]]
kind = "diversity"
"""


def read(tmp_path, text):
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return read_analysis_plan(path)


def test_a_plan_is_read_and_written_back_whole(tmp_path):
    plan = read(tmp_path, PLAN)
    assert [step.name for step in plan.step] == ["stress", "diversity"]
    assert plan.corrections() == {"primary": "holm"}
    again = plan_of(tomllib.loads(plan.text()))
    assert again.model_dump() == plan.model_dump()
    assert plan.folder == tmp_path
    assert again.hash == plan.hash


def test_the_hash_holds_what_decides_and_nothing_else(tmp_path):
    plan = read(tmp_path, PLAN)
    assert read(tmp_path, PLAN.replace("A trial", "Another title")).hash == plan.hash
    assert read(tmp_path, PLAN.replace('"holm"', '"BH"')).hash != plan.hash
    assert read(tmp_path, PLAN.replace('["before", "after"]', '["after", "before"]')).hash != plan.hash
    registered = read(tmp_path, f'registered_hash = "{plan.hash}"\n' + PLAN)
    assert registered.hash == plan.hash
    assert not registered.deviates
    assert read(tmp_path, f'registered_hash = "{plan.hash[:16]}"\n' + PLAN.replace("stress", "mood")).deviates


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("arm = ", "arms = "), "no key 'design.arms' (did you mean 'arm'?)"),
        (('kind = "change"', 'kind = "chance"'), "step 1: no kind 'chance' (did you mean 'change'?)"),
        (('kind = "diversity"', 'name = "diversity"'), "step 2 has no kind"),
        (("confirmatory = true", "confirmatry = true"), "(did you mean 'confirmatory'?)"),
        (('correction = "holm"', 'correction = "homl"'), "family.0.correction"),
        (('name = "primary"', 'name = "primaries"'), "no step belongs to family 'primaries' (did you mean 'primary'?)"),
        (('kind = "diversity"', 'kind = "diversity"\nname = "stress"'), "two steps are called 'stress'"),
        (('kind = "diversity"', 'kind = "diversity"\nfamily = "primary"'), "mixes confirmatory and exploratory"),
        (("[[step]]", "[step]"), ""),
        (('title = "A trial"', "title = A trial"), "this is no TOML"),
        (('title = "A trial"', 'step = "all"'), ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, change, says):
    with pytest.raises(InputError) as caught:
        read(tmp_path, PLAN.replace(*change))
    assert says in str(caught.value)
    assert "plan.toml" in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_analysis_plan(tmp_path / "nothing.toml")


def test_the_suggested_plan_is_exploratory_and_can_be_written():
    plan = suggest(small_trial())
    assert plan.suggested
    assert plan.design.arm == "arm"
    assert plan.design.reference == "control"
    assert plan.design.visits == ["before", "after"]
    assert not any(step.confirmatory for step in plan.step)
    kinds = {step.kind for step in plan.step}
    assert {"diversity", "permanova", "taxa", "change"} <= kinds
    assert plan_of(tomllib.loads(plan.text())).hash == plan.hash


def test_every_option_of_every_step_is_described():
    for kind, step in BY_KIND.items():
        bare = [name for name, field in step.model_fields.items() if name != "kind" and not field.description]
        assert bare == [], f"{kind}: {bare}"
        assert step.__doc__
    assert AnalysisPlan().step == []
