"""The axis as SBML: libSBML finds nothing wrong with it, and another simulator runs it to the same course."""

from __future__ import annotations

import re

import numpy as np
import pytest

from gutbrain.body.sleep import Sleep
from gutbrain.body.whole import standard
from gutbrain.errors import InputError
from gutbrain.model import units
from gutbrain.model.axis import Axis
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.exposure import public_speech, tsst, western_diet
from gutbrain.protocols.protocol import Act

pytest.importorskip("libsbml", reason="needs the extra 'export'")
import libsbml

from gutbrain.export.sbml import AtStart, checked, sbml, write_sbml
from gutbrain.export.sbml_acts import typical_acts
from gutbrain.export.sbml_system import sid
from gutbrain.export.sbml_units import KINDS, SAME, coherent, declared

# Days of each scenario; each moves its own acts, so that one model holds them all.
SCENARIOS = {"rest": (3, ()), "laboratory stress": (2, (*tsst().acts, *public_speech().acts)),
             "western diet": (14, western_diet().acts)}  # fmt: skip
AGREED = 1e-5  # of the largest value of each state
PER_DAY = 24


@pytest.fixture(scope="module")
def person():
    return Cohort.reference(standard())


@pytest.fixture(scope="module")
def acts(person):
    return {name: typical_acts(person.axis, person, acts) for name, (_, acts) in SCENARIOS.items()}


@pytest.fixture(scope="module")
def written(person, acts):
    return sbml(person.axis, person=person, acts=[act for each in acts.values() for act in each])


@pytest.fixture(scope="module")
def model(written):
    document = libsbml.readSBMLFromString(written.text)
    yield document.getModel()
    del document  # the model lives as long as its document


def night(**changes: float) -> Cohort:
    return Cohort.reference(Axis(Sleep(), name="night"), **changes)


def notes(model, name: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", model.getElementBySId(name).getNotesString()).split())


def test_libsbml_finds_neither_error_nor_warning(written):
    assert written.errors == () and written.warnings == ()


@pytest.mark.parametrize("changed", ["hpa_acth_half_life", "one_minute"])
def test_a_wrong_unit_would_be_found(written, changed):
    wrong = re.sub(rf'(<parameter id="{changed}"[^>]* units=)"\w+"', r'\1"mmHg"', written.text)
    assert wrong != written.text and 'id="mmHg"' in wrong
    assert sum(map(len, checked(wrong))) > 0


def test_nothing_is_lost_on_the_way(written, model, person):
    axis = person.axis
    kinds = [model.getRule(place) for place in range(model.getNumRules())]
    assert sum(rule.isRate() for rule in kinds) == len(axis.rows) + 5  # five substrates in balance
    assert model.getNumParameters() == len(written.quantities)
    assert model.getNumFunctionDefinitions() == len(written.functions) > 0
    named = {model.getParameter(place).getName(): model.getParameter(place) for place in range(len(written.quantities))}
    assert set(axis.columns) <= set(named)
    for label, value in zip(axis.rows, axis.start(axis.defaults())[:, 0], strict=True):
        assert named[label].getValue() == pytest.approx(value, rel=1e-14, abs=1e-12), label
        assert named[label].getUnits() == declared(axis.columns[label].unit).id
    for name, values in axis.defaults().items():
        found = [one.getValue() for full, one in named.items() if full.partition("[")[0] == name]
        assert sorted(found) == pytest.approx(sorted(np.reshape(values, -1)), rel=1e-14), name
    assert model.getTimeUnits() == "day" and model.getUnitDefinition("day").getUnit(0).getMultiplier() == 86400
    switches = [one for one in written.quantities if one.kind == "switch"]
    assert model.getNumEvents() == 2 * len(switches) and {"sleep_window_on"} < {one.id for one in switches}


def test_a_conversion_is_what_the_declared_unit_is_worth(written, person):
    known = {declared(unit).id: unit for unit in
             {one.unit for one in (*person.axis.parameters.values(), *person.axis.columns.values())}}  # fmt: skip
    conversions = [one for one in written.quantities if one.id.removeprefix("one_") in known]
    assert len(conversions) > 15
    for one in conversions:
        unit = known[one.id.removeprefix("one_")]
        assert one.value == units.factor(unit) and one.unit == coherent(unit) / declared(unit)


def test_every_unit_of_the_package_has_its_sbml():
    names = [line.split(" = ")[0] for line in units.DEFINITIONS]
    assert set(names) == set(KINDS) | set(SAME)
    for name, (kind, scale, multiplier) in KINDS.items():
        if kind in ("second", "mole", "metre", "litre", "gram"):
            base = {"second": 86400.0, "mole": 1e-3, "metre": 0.1, "litre": 1.0, "gram": 1.0}[kind]
            assert multiplier * 10.0**scale == pytest.approx(base * units.factor(name)), name


def test_notes_say_where_a_number_comes_from(model):
    assert "Certainty: assumed: no source." in notes(model, "sleep_recovery_time")
    assert "Spread: belief ×/÷ 1.5" in notes(model, "sleep_recovery_time")
    assert "Lally et al. 2010" in notes(model, "practice_habit_rate")
    assert "Certainty: recalled, not yet checked against its source" in notes(model, "act_1_dose")
    assert "has no source" not in notes(model, "practice_habit_rate")
    bare = [one.getId() for one in (model.getParameter(place) for place in range(model.getNumParameters()))
            if not one.isSetNotes()]  # fmt: skip
    assert bare == []
    told = " ".join(re.sub("<[^>]+>", " ", model.getNotesString()).split())
    assert "no medical advice" in told and re.search(r"\d+ of \d+ parameters have no source", told)


def test_roadrunner_follows_our_reference(written, person, acts):
    """Rest, laboratory stress and a diet: one model, whose doses are set for each."""
    roadrunner = pytest.importorskip("roadrunner", reason="needs libroadrunner")
    pytest.importorskip("diffrax", reason="needs the extra 'adaptive'")
    from gutbrain.run.adaptive import ALL_DAY, integrate

    axis, every = person.axis, [(name, act) for name, each in acts.items() for act in each]
    days = [count for count, _ in SCENARIOS.values()]
    dose = np.array([[act.dose * (owner == name) for name in SCENARIOS] for owner, act in every])
    times = np.arange(max(days) * PER_DAY + 1) / PER_DAY
    start = np.repeat(axis.start(person.parameters), len(SCENARIOS), axis=1)
    moved = [act for _, act in every]
    course = integrate(axis, start, person.parameters, moved, times, dose=dose, rtol=1e-9, jumps=ALL_DAY)

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
    roadrunner.Config.setValue(roadrunner.Config.LLVM_BACKEND, roadrunner.Config.LLJIT)
    simulator = roadrunner.RoadRunner(written.text)
    ids = [sid(row) for row in axis.rows]
    simulator.timeCourseSelections = ids
    solver = simulator.getIntegrator()
    solver.setValue("relative_tolerance", 1e-9)
    solver.setValue("absolute_tolerance", [1e-12] * simulator.model.getNumRateRules())
    solver.setValue("maximum_time_step", 0.02)
    reading = AtStart(axis, axis.start(person.parameters), axis.coherent(person.parameters), {})
    for label in axis.columns:
        theirs, ours = simulator.getValue(sid(label)), float(np.reshape(reading.declared(label), -1)[0])
        assert theirs == pytest.approx(ours, rel=1e-9, abs=1e-12), label
    for column, (name, count) in enumerate(zip(SCENARIOS, days, strict=True)):
        simulator.reset()
        for place, value in enumerate(dose[:, column], 1):
            simulator.setValue(f"act_{place}_dose", float(value))
        theirs = np.array(simulator.simulate(0, count, count * PER_DAY + 1))
        ours = course[: count * PER_DAY + 1, :, column]
        largest = np.abs(ours).max(axis=0)
        off = np.abs(theirs - ours).max(axis=0) / np.where(largest > 1e-9, largest, 1.0)
        worst = int(off.argmax())
        print(f"{name}: {axis.rows[worst]} {off[worst]:.1e}")
        assert off[worst] < AGREED, f"{name}: {axis.rows[worst]} is off by {off[worst]:.1e}"
    assert np.abs(course[:, :, 2] - course[:, :, 0]).max() > 0.1, "the diet moves nothing"


def test_the_same_axis_gives_the_same_bytes():
    assert sbml(night().axis, person=night()).text == sbml(night().axis, person=night()).text
    assert sbml(night().axis, person=night()).text != sbml(night().axis, person=night(**{"sleep.night": 7.0})).text


def test_what_has_no_formula_is_refused():
    person = night()
    with pytest.raises(InputError, match="a shape of its own"):
        sbml(person.axis, person=person, acts=[Act("protocol.sleep_restriction", 0.2, shape=np.cos)])
    with pytest.raises(InputError, match="no such lever"):
        typical_acts(person.axis, person, [Act("protocol.sleep", 0.2)])
    with pytest.raises(InputError, match="one person, not 2"):
        sbml(person.axis, person=Cohort.draw(person.axis, 2))


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    person, out = night(), tmp_path / "night.xml"
    write_sbml(person.axis, out, person=person)
    first = out.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        write_sbml(person.axis, out, person=person)
    monkeypatch.setattr("gutbrain.export.sbml.checked", lambda text: (("line 1: planted",), ()))
    with pytest.raises(InputError, match="planted"):
        write_sbml(person.axis, out, person=person, force=True)
    assert out.read_bytes() == first and list(tmp_path.iterdir()) == [out]
