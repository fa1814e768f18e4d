"""The bench on solvers whose cost and error are known: turns, pairs, errors, goals, and what is printed."""

from __future__ import annotations

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from gutbrain.bench import compare, roster
from gutbrain.bench.bench import Bench, Latency, Size
from gutbrain.bench.compare import Figure, error_of, measure, ratio
from gutbrain.bench.goals import reached
from gutbrain.bench.roster import Entry, entries, prepared
from gutbrain.bench.solver import FailedError, Missing, whole
from gutbrain.bench.table import aligned, as_csv, as_json, lines
from gutbrain.errors import InputError

ROWS = ("gut.acid", "blood.marker")
SPAN = np.array([10.0, 2.0])


def course(extra: float = 0.0, row: int = 0, day: int = 1) -> np.ndarray:
    midnights = np.ones((3, 2))
    midnights[day, row] += extra
    return midnights


def figure(name: str, seconds: list, largest: float, tolerance: float = 0.0, step: float = 0.0) -> Figure:
    made = Figure(name, name, "1.0", f"rtol {tolerance:g}", tolerance, step, 2.0, seconds)
    made.error = compare.Error(largest, ROWS[0], largest / 10)
    return made


class Fake:
    """A solver that costs what it is told, and is as far off."""

    name, version, setting, load_seconds = "fake", "0.1", "as told", 0.0

    def __init__(self, clock: list, cost: float, off: float, people: int, gives_up: int = -1) -> None:
        self.clock, self.cost, self.off, self.people, self.gives_up = clock, cost, off, people, gives_up
        self.placed = []

    def place(self, number):
        self.placed.append(number)

    def solve(self):
        self.clock[0] += self.cost
        if self.placed[-1] == self.gives_up:
            raise FailedError("too stiff")

    def midnights(self, number):
        return course(self.off * (number + 1))


def test_error_is_the_largest_share_of_a_range_over_people_and_midnights():
    truth = np.stack([course(), course()])
    found = error_of(np.stack([course(0.5), course(-0.3, row=1, day=2)]), truth, SPAN, ROWS)
    assert (found.largest, found.state) == (pytest.approx(0.15), "blood.marker")
    assert found.median == pytest.approx((0.05 + 0.15) / 2)


def test_a_ratio_is_the_median_of_pairs_of_one_round():
    slow, fast = figure("a", [10.0, 30.0, None], 0), figure("b", [1.0, 2.0, 0.1], 0)
    assert ratio(slow, fast) == pytest.approx((10 + 15) / 2)
    assert ratio(slow, fast, settling=1.0) == pytest.approx((5 + 10) / 2)
    assert ratio(figure("c", [None, None, None], 0), fast) is None


def test_everybody_takes_turns_and_who_gives_up_is_counted(monkeypatch):
    clock, order = [0.0], []
    monkeypatch.setattr("gutbrain.bench.case._spent", lambda: clock[0])
    quick, stiff = Fake(clock, 4.0, 0.0, 4), Fake(clock, 40.0, 0.5, 1, gives_up=1)
    for one in (quick, stiff):
        monkeypatch.setattr(one, "solve", lambda one=one, real=one.solve: (order.append(one), real()))
    case = SimpleNamespace(compared=3, span=SPAN, axis=SimpleNamespace(rows=ROWS),
                           cohort=SimpleNamespace(names=("Ada", "Ben", "Cid")))  # fmt: skip
    wanted = [Entry("fixed", "us", 0.0, 15, lambda case: quick), Entry("lsoda", "them", 1e-6, 0, lambda case: stiff)]
    first, second = measure(case, np.stack([course()] * 3), wanted, rounds=2)
    assert order == [quick, stiff, quick, stiff, stiff]  # Cid had no turn and is run to be compared
    assert first.seconds == [1.0, 1.0] and first.error.largest == 0 and first.failed == [] and first.step == 15
    assert second.seconds == [40.0, None] and second.cost == 40.0
    assert second.failed == ["Ben: too stiff"] and second.tried == 3 and stiff.placed == [0, 1, 2]
    assert second.error.largest == pytest.approx(0.15)  # that of Cid: who failed has none


@pytest.mark.parametrize("steps, verdict, equal, step", [
    ({15: (1, 9e-6)}, "goal reached", 100, 15),
    ({15: (1, 1e-4), 5: (4, 1e-5)}, "goal reached", 25, 5),  # at a quarter hour we are less exact: it does not count
    ({15: (1, 1e-4), 5: (5, 1e-6), 3: (8, 1e-7)}, "reached, not the further goal", 20, 5),  # the cheapest that is exact
    ({15: (1, 1e-4), 5: (8, 1e-6)}, "missed", 12.5, 5),
    ({15: (1, 1e-4), 5: (2, 1.1e-5)}, "missed: no step of ours is as exact", None, 0),
])  # fmt: skip
def test_a_goal_counts_at_equal_or_lower_error(steps, verdict, equal, step):
    figures = [figure("lanes64", [float(cost)], error, step=size) for size, (cost, error) in steps.items()]
    figures += [figure("libroadrunner", [cost], error, rtol) for rtol, cost, error in
                ((1e-6, 100.0, 1e-5), (1e-4, 3.0, 1e-2))]  # fmt: skip
    found = next(one for one in reached(figures, 0.0) if one.goal.theirs == "libroadrunner")
    assert (found.verdict, found.step, found.alone) == (verdict, step, 100.0)
    assert found.equal == (None if equal is None else pytest.approx(equal))


def test_settling_is_counted_against_us():
    figures = [figure("lanes64", [1.0], 1e-5, step=15), figure("fixed", [9.0], 1e-5, step=15)]
    (found,) = [one for one in reached(figures, 1.0) if one.goal.ours == "lanes64" and one.goal.theirs == "fixed"]
    assert (found.alone, found.settled, found.equal, found.verdict) == (9.0, 4.5, 4.5, "missed")


def test_the_jax_engine_is_met_at_a_finer_step_too():
    figures = [figure("lanes64", [1.0], 1e-6, step=15), figure("fixed", [4.0], 1e-4, step=15),
               figure("fixed", [12.0], 1e-6, step=5)]  # fmt: skip
    found = [one for one in reached(figures, 0.0) if (one.goal.ours, one.goal.theirs) == ("lanes64", "fixed")]
    assert [(one.goal.their_step, one.equal, one.verdict) for one in found] == [(15, 4, "missed"), (5, 12, "reached")]


def test_who_gave_up_on_somebody_is_as_exact_as_nobody():
    figures = [figure("lanes64", [1.0], 1e-7, step=15), figure("lsoda", [99.0], 1e-5, 1e-6)]
    figures[0].failed = ["person 1: left the bounds"]
    found = next(one for one in reached(figures, 0.0) if (one.goal.ours, one.goal.theirs) == ("lanes64", "lsoda"))
    assert found.verdict == "missed: no step of ours is as exact"


def test_what_is_missing_is_named_with_the_line_that_installs_it():
    def absent(case):
        raise ModuleNotFoundError("No module named 'roadrunner'", name="roadrunner")

    found = prepared(Entry("libroadrunner", "libRoadRunner CVODE", 1e-6, 0.0, absent), None)
    assert found == Missing("libRoadRunner CVODE", "not installed: pip install 'gutbrain[bench]'")

    def unloadable(case):
        raise FailedError("cannot read events")

    assert prepared(Entry("copasi", "COPASI LSODA", 1e-6, 0.0, unloadable), None).why == "cannot read events"


def test_the_roster_takes_names_it_knows():
    assert [one.name for one in entries(("lsoda", "fixed"), quick=True)] == ["fixed", "lsoda"]
    assert [one.tolerance for one in entries(("copasi",), quick=False)] == [1e-6, 1e-4, 1e-8]
    assert [one.step for one in entries(("lanes64",), quick=False)] == [15, 7.5, 7.5, 5, 3]
    assert [one.step for one in entries(("lanes64", "fixed"), quick=True)] == [15, 7.5, 7.5, 5, 15]
    assert [one.step for one in entries(("fixed",), quick=False)] == [15, 5]
    assert {one.name for one in entries((), quick=True)} == set(roster.NAMES)
    with pytest.raises(InputError, match="no solver 'copassi'; did you mean 'copasi'"):
        entries(("copassi",), quick=True)


def test_a_course_that_stops_early_or_is_no_number_failed():
    with pytest.raises(FailedError, match="after 1 of 2 days"):
        whole(np.zeros((2, 4)), [1, 2])
    with pytest.raises(FailedError, match="no number"):
        whole(np.full((3, 4), np.nan), [1, 2])
    assert whole(np.arange(3)[:, None], [0, 2]).tolist() == [[0], [2]]


@pytest.fixture()
def made() -> Bench:
    figures = [figure("lanes64", [0.01, 0.02, 0.03], 1e-5, step=15),
               figure("libroadrunner", [0.5, 0.6, 0.9], 1e-5, 1e-6),
               Missing("COPASI LSODA", "not installed: pip install 'gutbrain[bench]'")]  # fmt: skip
    figures[1].failed, figures[1].tried = ["person 2: too stiff"], 2
    measured = figures[:2]
    return Bench(Size(400, 2, 84, 3), "a machine", 54, [84], 0.002, figures, reached(measured, 0.002),
                 [Latency("lanes float64", 0.2, 0.2)])  # fmt: skip


def test_the_table_holds_costs_errors_failures_and_goals(made):
    said = "\n".join(lines(made))
    row = next(line for line in lines(made) if line.startswith("libroadrunner 1.0"))
    assert row.split()[-7:] == ["2.0", "1.0e-05", "gut.acid", "1.0e-06", "1", "of", "2"] and " 0.6 " in row
    assert "COPASI LSODA       not installed: pip install 'gutbrain[bench]'" in said
    assert "2 ms CPU a person" in said and "gave up on person 2: too stiff" in said
    goal = next(line for line in lines(made) if line.startswith("lanes float64 than libRoadRunner"))
    assert " 30 " in goal and "(15 minutes)" in goal and goal.endswith("goal reached")
    assert "not measured: no fixed" in said and "libroadrunner, rtol 1e-06: 30 of lanes64" in said
    assert "0.2 s wall, 0.2 s CPU; below 0.1 s missed" in said


def test_who_never_ended_has_no_multiple(made):
    made.figures.append(figure("lsoda", [None, None, None], 1e-5, 1e-8))
    assert not any(line.startswith("lsoda, rtol 1e-08: ") for line in lines(made))


def test_columns_stand_below_each_other():
    assert aligned([("a", "b"), ("long", "c")]) == ["a     b", "----  -", "long  c"]


def test_files_hold_what_the_table_holds(made):
    content = json.loads(as_json(made, "gutbrain bench"))
    assert content["days"] == 84 and content["solvers"][1]["cost"] == 0.6
    assert content["solvers"][1]["error"]["state"] == "gut.acid" and content["solvers"][2]["why"].startswith("not")
    rows = list(csv.DictReader(io.StringIO(as_csv(made))))
    assert [row["cpu_seconds"] for row in rows] == ["0.02", "0.6", ""]
    assert rows[2]["note"].startswith("not installed") and rows[1]["failed"] == "1"
