"""What peers and our engines are given is the same: every number of a person, every jump, every midnight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gutbrain.bench.case import PER_DAY, Case, daily_jumps, daily_protocol
from gutbrain.bench.lsoda import Lsoda
from gutbrain.bench.own import Own
from gutbrain.bench.solver import FailedError
from gutbrain.body.whole import standard
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.protocol import Trial
from gutbrain.run.drive import Run
from gutbrain.run.simulate import drive_of

DAYS, PEOPLE = 3, 4


@pytest.fixture(scope="module")
def case() -> Case:
    """Drawn people who are not settled: nothing is compiled."""
    trial = Trial((daily_protocol(),), days=DAYS, visits=(0,))
    cohort = Cohort.draw(standard(), PEOPLE, seed=1)
    cohort = replace(cohort, start=cohort.axis.start(cohort.parameters))
    drive = drive_of(cohort, np.zeros(PEOPLE, int), trial, PER_DAY, np.ones((DAYS, PEOPLE)))
    return Case(cohort, trial, drive, 2, 0.001)


def test_every_number_of_a_person_has_its_place_in_the_sbml(case):
    pytest.importorskip("libsbml", reason="needs the extra 'bench'")
    from gutbrain.bench.written import numbers, tolerances
    from gutbrain.export.sbml import quantities_of
    from gutbrain.export.sbml_acts import driven, typical_acts

    person = Cohort.reference(case.axis)
    quantities, _ = quantities_of(case.axis, person, driven(case.axis, typical_acts(case.axis, person, case.acts)))
    doses = {one.id for one in quantities if one.kind == "act" and one.id.endswith("_dose")}
    known = {one.id: one for one in quantities if one.kind in ("parameter", "state", "balance")}
    found = numbers(case.axis, case.person(1))
    assert set(found) == set(known) | doses and len(doses) == len(case.acts)
    reference = numbers(case.axis, replace_person(case, person))
    for name, one in known.items():
        assert reference[name] == pytest.approx(one.value, rel=1e-9, abs=1e-11), name
    apart = [name for name, one in known.items() if found[name] != reference[name]]
    assert {"sleep_night", "colon_substrate_sugar"} < set(apart)
    assert tolerances(case, ["blood_il6", "colon_substrate_sugar"], 1e-6) == pytest.approx(
        [1e-6 * case.span[case.axis.rows.index("blood.il6")], 1e-7]
    )


def replace_person(case, person):
    start = case.axis.start(person.parameters)[:, 0]
    return replace(case.person(0), parameters=person.parameters, start=start)


def test_every_jump_of_the_day_is_known(case):
    jumps = daily_jumps(case.first(1))
    wake = (case.cohort.parameters["sleep.habitual_wake"][0] + case.cohort.parameters["sleep.chronotype"][0]) / 1440
    for moment in (0.0, wake, wake + 0.5 / 24, wake - case.cohort.parameters["sleep.night"][0] / 24):
        assert np.abs(np.array(jumps) - moment % 1.0).min() < 1e-9
    assert len(daily_jumps(case)) > len(jumps)


def test_lsoda_stops_at_every_jump(case, monkeypatch):
    """A state that follows the daily hour of strain has a solution in closed form."""
    solver = object.__new__(Lsoda)
    solver.case, solver.rtol = case, 1e-9
    strain = next(place for place, act in enumerate(case.acts) if act.lever == "protocol.threat")

    class Strained:
        def place(self, parameters):
            self.dose = 0.0

        def hold(self, held, doses):
            self.dose = doses[strain]

        def __call__(self, time, y):
            return np.full(len(y), 10.0 * self.dose)

    solver.rates = Strained()
    solver.place(0)
    solver.solve()
    course = solver.midnights(0)
    strained = np.array([0, 2]) / 24  # after 1 and 3 days; the strain begins on day 1
    assert course[:, 0] - case.person(0).start[0] == pytest.approx(10 * 0.3 * strained, abs=1e-9)
    monkeypatch.setattr(Strained, "__call__", lambda *_: np.full(len(case.span), np.nan))
    with pytest.raises(FailedError):
        (solver.solve(), solver.midnights(0))


def test_midnights_of_our_engines_are_ends_of_runs(case):
    """An engine that adds up the doses is run to every day that is compared."""

    def integrate(axis, start, parameters, drive, *, days, labels, step_minutes, first_day=0):
        assert drive.shape.shape[0] == days * 1440 / step_minutes
        steps = (drive.shape @ drive.dose).reshape(days, -1, start.shape[1]).mean(axis=1)
        ends = start[None] + np.cumsum(steps, axis=0)[:, None, :]
        lost = np.where(np.arange(start.shape[1]) == 1, 2, -1) if days == DAYS else np.full(start.shape[1], -1)
        return Run(labels, ends.astype(np.float32), ends, ends, ends[-1], lost, np.zeros(start.shape[1], int))

    solver, finer = Own(case, "ours", "1.0", integrate), Own(case, "ours", "1.0", integrate, step=5.0)
    found = solver.midnights(0)
    assert (solver.people, solver.setting) == (PEOPLE, "15 minutes, 4 at once")
    assert case.reads == [1, 3] and found.shape == (2, len(case.span))
    shift = found - case.person(0).start
    assert shift[0] == pytest.approx(0) and (shift[1] > 0.1).all()  # acts begin on day 1
    assert finer.midnights(0) == pytest.approx(found)
    with pytest.raises(FailedError, match=r"left the bounds of colon.* on day 2"):
        solver.midnights(1)


def test_what_copasi_says_is_one_line():
    from gutbrain.bench.copasi import said

    text = ">WARNING 2026-01-01T00:00:00<\n  Task (5): no file.\n>EXCEPTION 2026-01-01T00:00:01<\n  Method (6): DLSODAR"
    assert said(text) == "Method (6): DLSODAR"
    assert said("no reason\n at all") == "no reason at all"
