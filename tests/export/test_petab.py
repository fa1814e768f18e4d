"""A run as a PEtab problem: what stands in its tables, and that PEtab's own check finds nothing wrong with it."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gutbrain.body import whole
from gutbrain.body.vagus import Vagus
from gutbrain.errors import InputError
from gutbrain.export.petab_priors import entries, prior
from gutbrain.model.axis import Axis
from gutbrain.model.spread import LogNormal, Normal, Uniform

pytest.importorskip("libsbml", reason="python-libsbml is not installed")
from gutbrain.export.petab import read_run, typical, write_petab
from gutbrain.export.petab_periods import Conditions, doses_of, switches
from gutbrain.people.cohort import Cohort
from gutbrain.protocols.exposure import public_speech
from gutbrain.protocols.protocol import Act
from gutbrain.protocols.shapes import Daily
from gutbrain.run.fixed import integrate
from gutbrain.run.simulate import drive_of

PLAN = """
title = "vagus alone"
axis = "small"
days = 15
visits = [0, 7, 14]
[people]
per_arm = 3
baseline = "none"
fixed = { "vagus.settle" = 2.0 }
[report]
primary = "vagus.tone"
outcomes = ["vagus.tone", "vagus.afferent"]
observe = []
[[everyone]]
lever = "mind.chronic_load"
dose = 0.2
start = 8
end = 10
[[arm]]
name = "rest"
[[arm]]
name = "breathing & more"
acts = [{ use = "slow_breathing" }]
"""
TONES = (1.0, 1.1, 1.3)


def small():
    return Axis(Vagus(), name="small")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run folder of six people, written by hand."""
    monkeypatch.setitem(whole.AXES, "small", small)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    readings(folder)
    return folder


def readings(folder, **changed):
    rows = [
        {"world": world, "person": f"p{person}", "arm": arm, "day": day, "present": person < 2 or day < 14,
         "lost": False, "signal": signal, "mean": tone + 10 * world, **changed}
        for world in (0, 1) for arm in ("rest", "breathing & more") for day in (0, 7, 14)
        for signal in ("vagus.tone", "vagus.afferent") for person, tone in enumerate(TONES)
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(folder / "readings.parquet")


def rows(folder, name):
    with (folder / f"{name}.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """A problem, written once."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    readings(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(whole.AXES, "small", small)
        write_petab(folder, folder / "problem", command="test")
    return folder / "problem"


def test_problem_is_valid_and_holds_the_run(problem, run):
    """One test, one settled person: what PEtab says, and what the tables hold."""
    measured = {(r["observableId"], r["experimentId"], r["time"]): r for r in rows(problem, "measurements")}
    assert len(measured) == 2 * 2 * 3
    one = measured["mean_vagus_tone", "arm_breathing_more", "8"]  # the mean of day 7 is known when it has ended
    assert float(one["measurement"]) == pytest.approx(np.mean(TONES))
    error, people = one["noiseParameters"].split(";")
    assert (float(error), people) == (pytest.approx(np.std(TONES, ddof=1) / math.sqrt(3)), "3")
    observables = {r["observableId"]: r for r in rows(problem, "observables")}
    assert observables["mean_vagus_tone"]["noiseFormula"] == (
        "sqrt(se_mean_vagus_tone^2 + (0.1 * seen_vagus_tone)^2 / people_mean_vagus_tone)"
    )
    assert "vagus.tone: no instrument reads it in this run: 10%" in (problem / "README.md").read_text(encoding="utf-8")
    late = measured["mean_vagus_tone", "arm_rest", "15"]  # who has left the trial counts no more
    assert float(late["measurement"]) == pytest.approx(np.mean(TONES[:2]))

    periods = [(float(r["time"]), r["conditionId"]) for r in rows(problem, "experiments")
               if r["experimentId"] == "arm_breathing_more"]  # fmt: skip
    assert periods[0] == (-28.0, "") and periods == sorted(periods)
    assert [day for day, name in periods if name == "midnight"] == [0, 1, 7, 8, 14, 15]
    changes = {}
    for row in rows(problem, "conditions"):
        changes.setdefault(row["conditionId"], {})[row["targetId"]] = row["targetValue"]
    moved = [(day, changes[name]) for day, name in periods if name and name != "midnight"]
    assert moved == [
        (1.0, {"lever_protocol_breathing_minutes": "12.8"}),  # 20 minutes, 64 % kept
        (8.0, {"lever_mind_chronic_load": "0.2"}),
        (10.0, {"lever_mind_chronic_load": "0"}),
    ]
    assert changes["midnight"]["seen_vagus_tone"] == "today_vagus_tone"

    free = {r["parameterId"]: r for r in rows(problem, "parameters")}
    axis = small()
    believed = {name.replace(".", "_") for name, p in axis.parameters.items()
                if p.belief is not None and not p.closed and name != "vagus.settle"}  # fmt: skip
    assert {name for name in free if not name.startswith("offset_")} == believed
    assert free["vagus_threat_gain"]["priorDistribution"] == "uniform"
    assert free["vagus_threat_gain"]["priorParameters"] == "0;0.7"
    assert free["vagus_threat_gain"]["certainty"] == "assumed: no source"
    assert free["vagus_train_rate"]["priorDistribution"] == "log-normal"
    location, scale = map(float, free["vagus_train_rate"]["priorParameters"].split(";"))
    assert (math.exp(location), math.exp(scale)) == pytest.approx((0.024, 2))
    assert "No medical advice" in (problem / "README.md").read_text(encoding="utf-8")

    with pytest.raises(InputError, match="exists already"):
        write_petab(run, problem)
    petab = pytest.importorskip("petab.v2", reason="petab is not installed")
    found = petab.Problem.from_yaml(problem / "problem.yaml")
    assert [str(issue) for issue in found.validate()] == []
    assert len(found.parameters) == len(free) and len(found.measurements) == 12
    assert {one.id for one in found.experiments} == {"arm_rest", "arm_breathing_more"}


def test_problem_runs_as_the_axis_does(problem, run):
    """Nominal values, conditions and midnights give the daily means that our own engine gives."""
    roadrunner = pytest.importorskip("roadrunner", reason="libroadrunner is not installed")
    model = roadrunner.RoadRunner(str(problem / "model.xml"))
    model.integrator.setValue("relative_tolerance", 1e-9)
    model.integrator.setValue("absolute_tolerance", 1e-12)
    free = {r["parameterId"]: float(r["nominalValue"]) for r in rows(problem, "parameters")}
    known = set(model.model.getGlobalParameterIds())
    assert set(free) - known == {"offset_vagus_tone", "offset_vagus_afferent"}
    changes, seen, now = {}, {}, -28.0
    for row in rows(problem, "conditions"):
        changes.setdefault(row["conditionId"], []).append((row["targetId"], row["targetValue"]))
    for row in rows(problem, "experiments"):
        if row["experimentId"] != "arm_breathing_more":
            continue
        if (time := float(row["time"])) > now:
            model.simulate(now, time, 2)
            now = time
        new = {target: model.getValue(value) if value in known else float(value)
               for target, value in changes.get(row["conditionId"], [])}  # fmt: skip
        for target, value in new.items():
            model.setValue(target, value)
        if row["conditionId"] == "midnight":
            seen[now] = model.getValue("seen_vagus_tone")
    plan, _ = read_run(run)
    trial, person = plan.trial(), typical(small(), plan)
    drive = drive_of(person, np.array([1]), trial, 96, np.ones((trial.days, 1)), average=True)
    ours = integrate(person.axis, person.start, parameters=person.parameters, drive=drive, days=trial.days,
                     labels=("vagus.tone",))  # fmt: skip
    for day in trial.visits:
        assert seen[day + 1] == pytest.approx(ours.mean[day, 0, 0], rel=2e-5)
    assert seen[8] > 1 + 1e-4 and seen[15] != pytest.approx(seen[8], rel=1e-4)  # practice and load both moved it


def test_what_is_no_finished_trial_is_refused(run, tmp_path):
    out = tmp_path / "problem"
    with pytest.raises(InputError, match="no measurements"):
        write_petab(small(), out)
    with pytest.raises(InputError, match=r"no plan\.toml"):
        write_petab(tmp_path, out)
    readings(run, lost=True)
    with pytest.raises(InputError, match="nobody stayed"):
        read_run(run)
    (run / "readings.parquet").write_bytes(b"no table")
    with pytest.raises(InputError, match="not as a run writes it"):
        read_run(run)
    (run / "readings.parquet").unlink()
    with pytest.raises(InputError, match="no results"):
        write_petab(run, out)
    (run / "plan.toml").write_text(PLAN + '\nkind = "exchange"\n', encoding="utf-8")
    with pytest.raises(InputError):
        write_petab(run, out)
    assert not out.exists() and not list(tmp_path.glob(".problem*"))


def _on_threat(acts):
    """The axis of the vagus has no appraisal: what moves threat moves it directly."""
    return [replace(act, lever="mind.threat") for act in acts]


def test_levers_follow_the_acts():
    axis = small()
    person = Cohort.reference(axis)
    twice = Act("mind.threat", 0.5, 2, 4, Daily(10, 1), belief=Uniform(0.2, 0.8))
    acts = [twice, Act("mind.threat", 0.1, 3, 5)]
    doses, conditions = doses_of(axis, acts), Conditions()
    assert [(one.id, one.prior.numbers) for one in doses.values()] == [("dose_1_mind_threat", (0.2, 0.8))]
    found = switches(axis, person, acts, doses, 7, 15.0, conditions)
    value = {name: dict(changes)["lever_mind_threat"] for changes, name in conditions.named.items()}
    assert [(round(day * 24, 6), value[name]) for day, name in found] == [
        (58, "dose_1_mind_threat"), (59, "0"), (72, "0.1"), (82, "0.1 + dose_1_mind_threat"), (83, "0.1"), (120, "0"),
    ]  # fmt: skip
    assert len(conditions.named) == 4  # the same change has one name
    speech = Conditions()
    days = switches(axis, person, _on_threat(public_speech(1).acts), {}, 3, 15.0, speech)
    value = {name: float(dict(changes)["lever_mind_threat"]) for changes, name in speech.named.items()}
    tail = [value[name] for _, name in days]
    assert tail[0] == 1 and tail[-1] == 0 and tail == sorted(tail, reverse=True)


@pytest.mark.parametrize(
    ("belief", "centre", "distribution", "numbers", "bounds"),
    [
        (LogNormal(log_sd=0.5), 2.0, "log-normal", (math.log(2), 0.5), (2 * math.exp(-2), 2 * math.exp(2))),
        (LogNormal(log_sd=0.5, high=3.0), 2.0, "log-normal", (math.log(2), 0.5), (2 * math.exp(-2), 3.0)),
        (LogNormal(log_sd=0.1), -2.0, "normal", (-2.0, 2 * math.sinh(0.1)), None),
        (Normal(sd=0.1), 0.0, "normal", (0.0, 0.1), (-0.4, 0.4)),
        (Uniform(0.3, 1.2), 0.0, "uniform", (0.3, 1.2), (0.3, 1.2)),
    ],
)
def test_beliefs_become_priors(belief, centre, distribution, numbers, bounds):
    found = prior(belief, centre)
    assert (found.distribution, found.numbers) == (distribution, pytest.approx(numbers))
    assert bounds is None or (found.low, found.high) == pytest.approx(bounds)
    assert found.low <= found.nominal <= found.high


def test_what_is_certain_is_not_fitted():
    assert prior(LogNormal(log_sd=0.0), 1.0) is None and prior(LogNormal(log_sd=0.2), 0.0) is None
    assert prior(Uniform(0.0, 0.0), 0.0) is None
    axis = whole.standard()
    found = list(entries(axis, "colon.endotoxin_weight", axis.defaults()["colon.endotoxin_weight"]))
    assert [name for name, one in found if one is not None] == [
        f"colon.endotoxin_weight[{group}]" for group in ("bacteroidetes", "akkermansia", "protein_fermenters")
    ]
