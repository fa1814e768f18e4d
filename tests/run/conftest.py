"""The reference person settled once, and the prototype beside the checkout, for all engine tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from gutbrain.body.whole import standard
from gutbrain.people.cohort import Cohort
from gutbrain.run.settle import settle

# Every lever that a run test moves, so that one compiled day of the standard axis serves all of them.
LEVERS = (
    "protocol.threat", "protocol.chronic_load", "protocol.event_rate", "diet.resistant_starch", "diet.fibre",
    "protocol.fibre_extra", "protocol.antibiotic", "protocol.breathing_minutes", "protocol.practice_assigned",
    "protocol.course_running", "protocol.nonspecific_target", "protocol.sleep_restriction",
    "protocol.probiotic[lactate_producers]",
)  # fmt: skip
# What the prototype leaves out: fibre on slow transit, and mood on the odds of practice.
GAPS = {"enteric.fibre_transit_slope": 0.0, "practice.adherence_affect_gain": 0.0}


@pytest.fixture(scope="session")
def prototype() -> ModuleType:
    """Load the prototype beside the checkout."""
    path = Path(__file__).parents[3] / "shared" / "prototype" / "axis.py"
    if not path.exists():
        pytest.skip("the oracle needs ../shared/prototype")
    spec = importlib.util.spec_from_file_location("prototype_axis", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def whole():
    """The standard axis."""
    return standard()


@pytest.fixture(scope="session")
def levers() -> tuple[str, ...]:
    """Levers of the shared compiled day."""
    return LEVERS


@pytest.fixture(scope="session")
def reference(whole) -> Cohort:
    """The reference person without what the prototype leaves out, settled."""
    person = Cohort.reference(whole, **GAPS)
    return settle(person, levers=LEVERS, labels=tuple(whole.columns))


FEW = ("colon.butyrate",)


@pytest.fixture(scope="session")
def unsettled(whole) -> Cohort:
    """Two people in two worlds, as drawn."""
    return Cohort.draw(whole, people=2, worlds=2, seed=5, names=("Ann", "Bo"))


@pytest.fixture(scope="session")
def drawn(unsettled) -> Cohort:
    """The same people, settled."""
    return settle(unsettled, labels=FEW)


@pytest.fixture(scope="session")
def few() -> tuple[str, ...]:
    """Signals of the compiled day of the drawn people."""
    return FEW
