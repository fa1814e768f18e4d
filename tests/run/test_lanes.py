"""The lanes engine beside the fixed one, its guard on the error of every person, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="needs the extra 'lanes'")
pytest.importorskip("sympy", reason="needs the extra 'lanes'")

from gutbrain.errors import InputError
from gutbrain.people.cohort import Cohort
from gutbrain.run import fixed
from gutbrain.run.drive import Drive
from gutbrain.run.engines import ENGINES, choose
from gutbrain.run.lanes import compiled
from gutbrain.run.lanes.engine import INEXACT, REFINED, integrate
from gutbrain.run.lanes.layout import groups, own_parameters
from gutbrain.run.lanes.schedule import ordinary_day
from gutbrain.run.noise import Noise

DAYS = 3
DOSES = {
    "protocol.threat": (0.8, 30, 34), "protocol.antibiotic": (1.0, 96, 192), "diet.fibre": (10.0, 0, 288),
    "protocol.breathing_minutes": (20.0, 0, 288), "protocol.probiotic[lactate_producers]": (1.0, 60, 200),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Kernels of these tests are compiled here and nowhere else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GUTBRAIN_CACHE", str(tmp_path_factory.mktemp("kernels")))
        yield


@pytest.fixture(scope="module")
def drive(levers):
    """Acts of all kinds on the levers of the shared compiled day, for one person."""
    shape = np.zeros((DAYS * 96, len(levers)))
    dose = np.zeros((len(levers), 1))
    for place, lever in enumerate(levers):
        if lever in DOSES:
            dose[place], begin, end = DOSES[lever]
            shape[begin:end, place] = 1.0
    effort = np.array([float(lever == "protocol.breathing_minutes") for lever in levers])
    return Drive(levers, dose, shape, effort, np.array([[1.0], [1.0], [0.0]]))


@pytest.fixture(scope="module")
def people(whole):
    """Twenty people as drawn, none settled: the engine asks for no rest."""
    cohort = Cohort.draw(whole, people=20, worlds=1, seed=3)
    return whole.start(cohort.parameters), cohort.parameters


def rest(columns, days=2):
    return Drive.rest(columns, days, 96)


def spread(drive, columns):
    return replace(drive, dose=np.repeat(drive.dose, columns, 1), present=np.repeat(drive.present, columns, 1))


def apart(axis, ours, theirs):
    """Largest distance of the end states, as a share of their range."""
    low, high = axis.bounds
    return np.abs((ours - theirs) / (high - low)[:, None]).max()


def test_it_does_what_the_fixed_engine_does(reference, drive):
    options = {"days": DAYS, "labels": tuple(reference.axis.columns)}
    theirs = fixed.integrate(reference.axis, reference.start, reference.parameters, drive, **options)
    ours = integrate(reference.axis, reference.start, reference.parameters, drive, **options, tolerance=None)
    assert apart(reference.axis, ours.end, theirs.end) < 1e-6
    for name in ("mean", "low", "high"):
        a, b = getattr(ours, name), getattr(theirs, name)
        scale = np.maximum(np.abs(b).max(axis=(0, 2), keepdims=True), 1e-9)
        # Single precision of readings; carbon that leaves is a small difference of large flows.
        assert (np.abs(a - b) / scale).max() < 2e-4, name
    assert np.abs(theirs.end - reference.start).max() > 1, "the acts moved nobody"


def test_single_precision_is_as_exact_as_the_steps(whole, people, drive):
    start, parameters = people
    double, single = (
        integrate(whole, start, parameters, spread(drive, 20), days=DAYS, precision=kind)
        for kind in ("double", "single")
    )
    assert 0 < apart(whole, double.end, single.end) < 2e-5


def test_the_guard_finds_the_error(reference, drive):
    options = {"days": DAYS}
    given = reference.axis, reference.start, reference.parameters, drive
    checked = integrate(*given, **options, step_minutes=15.0, tolerance=1e-4)
    plain = integrate(*given, **options, tolerance=None)
    exact = integrate(*given, **options, step_minutes=1.0, tolerance=None)
    wrong = apart(reference.axis, checked.end, exact.end)
    assert wrong < checked.error.max() < 1e-4
    assert wrong < apart(reference.axis, plain.end, exact.end)


def test_a_narrow_tolerance_is_met_by_finer_steps_not_by_running_again(whole, people, drive):
    start, parameters = people
    given = whole, start, parameters, spread(drive, 20)
    exact = integrate(*given, days=DAYS, step_minutes=0.75, tolerance=None)
    for tolerance, first in ((1e-5, 0.75), (1e-6, 0.25)):
        run = integrate(*given, days=DAYS, tolerance=tolerance)
        assert apart(whole, run.end, exact.end) < tolerance >= run.error.max()
        assert np.mean(run.runs == 1) >= first


def test_another_diet_from_one_moment_on_asks_for_no_finer_steps(whole, people, monkeypatch):
    """The pools of the colon jump with what is eaten: their balances are solved anew, and not followed by two turns."""
    start, parameters = people
    shape = np.zeros((3 * 96, 2))
    shape[96:] = 1.0
    diet = Drive(("diet.fibre", "diet.resistant_starch"), np.repeat([[60.0], [30.0]], 20, 1), shape, np.zeros(2),
                 np.ones((3, 20)))  # fmt: skip
    exact = integrate(whole, start, parameters, diet, days=3, step_minutes=0.25, tolerance=None)
    run = integrate(whole, start, parameters, diet, days=3)
    assert (run.lost_day < 0).all() and run.error.max() <= 1e-4
    assert apart(whole, run.end, exact.end) < 1e-4
    monkeypatch.setattr("gutbrain.run.lanes.forcing.EDGE_TURNS", 1)
    assert integrate(whole, start, parameters, diet, days=3).runs.sum() > run.runs.sum() + 3, "no pool jumped far"


def test_stiff_people_are_run_again_or_lost_by_name(whole, people):
    start, parameters = people
    factor = np.ones(20)
    factor[[2, 5, 11]] = 8.0
    factor[17] = 400.0  # no step of the engine follows this person
    stiff = dict(parameters)
    for name in ("hpa.acth_half_life", "hpa.cortisol_half_life"):
        stiff[name] = np.broadcast_to(parameters[name], 20) / factor
    run = integrate(whole, start, stiff, rest(20), days=2)
    assert set(np.flatnonzero(run.runs > 1)) >= {2, 5, 11}
    stayed = run.lost_day < 0
    assert run.error[stayed].max() <= 1e-4
    assert np.flatnonzero(~stayed).tolist() == [17]
    exact = integrate(whole, start[:, stayed], take(stiff, stayed), rest(stayed.sum()), days=2, step_minutes=15 / 24,
                      tolerance=None)  # fmt: skip
    assert apart(whole, run.end[:, stayed], exact.end) < 1e-4
    loose = integrate(whole, start, stiff, rest(20), days=2, tolerance=None)
    assert apart(whole, loose.end[:, stayed], exact.end) > 1e-4, "nobody was stiff"


def test_who_no_step_is_fine_enough_for_is_lost(whole, people):
    start, parameters = people
    run = integrate(whole, start, parameters, rest(20), days=2, tolerance=1e-13)
    assert (run.lost_day == 0).all()
    assert (run.lost_row == INEXACT).all()
    assert (run.runs == 1 + len(REFINED)).all()


def forget():
    compiled._READY.clear()
    compiled._NAMED.clear()


def take(parameters, columns):
    return {name: value if value.shape[-1] == 1 else value[..., columns] for name, value in parameters.items()}


def test_a_life_does_not_depend_on_companions_or_threads(whole, people):
    start, parameters = people
    all_ = integrate(whole, start, parameters, rest(20), days=2, threads=2)
    some = np.array([3, 19, 4])
    few = integrate(whole, start[:, some], take(parameters, some), rest(3), days=2, threads=1)
    assert np.array_equal(all_.end[:, some], few.end)
    assert np.array_equal(all_.mean[:, :, some], few.mean)


def test_worlds_share_what_is_not_a_persons_own(whole):
    cohort = Cohort.draw(whole, people=10, worlds=3, seed=3)
    own = own_parameters(whole, cohort.parameters)
    kinds = groups(own, cohort.parameters, cohort.size)
    assert [kind.tolist() for kind in kinds] == [list(range(0, 10)), list(range(10, 20)), list(range(20, 30))]
    one = cohort.select(np.arange(10, 20), 10, 1)
    all_ = integrate(whole, whole.start(cohort.parameters), cohort.parameters, rest(30), days=2)
    alone = integrate(whole, whole.start(one.parameters), one.parameters, rest(10), days=2)
    assert np.array_equal(all_.end[:, 10:20], alone.end)


def test_designs_that_mix_few_values_fill_their_vectors(whole):
    """Each of twelve strengths has two values, in 64 combinations: a person a group would leave lanes empty."""
    drawn = Cohort.draw(whole, people=64, worlds=1, seed=3).parameters
    alike = own_parameters(whole, drawn)
    names = [name for name, value in whole.defaults().items() if name not in alike and value.shape == (1,)][:12]
    generator = np.random.default_rng(1)
    mixed = {name: drawn[name][..., :1] * generator.choice([1.0, 1.01], 64) for name in names}
    own = own_parameters(whole, drawn | mixed)
    assert own == alike | set(names)
    assert [len(kind) for kind in groups(own, drawn | mixed, 64)] == [64]


def test_noise_is_that_of_the_person(reference, levers):
    drive = Drive.rest(1, DAYS, 96, levers)
    given = reference.axis, reference.start, reference.parameters, drive
    options = {"days": DAYS, "labels": tuple(reference.axis.columns), "noise": Noise(7, ("Ann",))}
    ours = integrate(*given, **options, tolerance=None)
    theirs = fixed.integrate(*given, **options)
    assert apart(reference.axis, ours.end, theirs.end) < 1e-6
    again = integrate(*given, **options)
    other = integrate(*given, **options | {"noise": Noise(7, ("Bo",))})
    # Finer steps see the same events and the same swings.
    assert apart(reference.axis, again.end, ours.end) < 0.01 < apart(reference.axis, again.end, other.end)


def test_a_damaged_kernel_on_disk_is_compiled_again(whole, people, cache):
    start, parameters = people
    first = integrate(whole, start, parameters, rest(20), days=2)
    files = sorted(compiled.cache_folder().glob("*.kernel"))
    assert files
    for file in files:
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        content = content if file is not files[0] else b""
        file.write_bytes(content)
    forget()
    assert np.array_equal(integrate(whole, start, parameters, rest(20), days=2).end, first.end)
    forget()
    assert np.array_equal(integrate(whole, start, parameters, rest(20), days=2).end, first.end)


def test_mornings_are_stepped_finely(whole):
    steps = ordinary_day(whole, 1e-4)
    assert steps.shape == (96,)
    assert steps[7 * 4] > steps[14 * 4], "the cortisol awakening response asks for shorter steps"
    assert ordinary_day(whole, 1e-6).sum() > steps.sum()


def test_what_it_cannot_do_is_said(whole, people):
    start, parameters = people
    with pytest.raises(InputError, match="not by 30 minutes"):
        integrate(whole, start, parameters, rest(20), days=2, step_minutes=30)
    with pytest.raises(InputError, match="single wires"):
        integrate(whole, start, parameters, rest(20), days=2, gates={("a", "b"): np.ones(20)})


@pytest.mark.parametrize("noisy", [False, True])
def test_the_guard_covers_acts_in_the_middle_of_a_run(whole, people, noisy):
    """Twelve days, a sharp act on day 7 only, drop-out, and people with fast glands: nobody's error is missed."""
    start, parameters = people
    columns, days, parts = 20, 12, 24
    shape = np.zeros((days * 96 * parts, 1))
    shape[(7 * 96 + 40) * parts : (7 * 96 + 43) * parts] = 1.0
    dose = np.linspace(0, 1, columns)[None]
    present = np.ones((days, columns))
    present[7:, ::5] = 0.0
    drive = Drive(("protocol.threat",), dose, shape, np.ones(1), present)
    quick = dict(parameters)
    quick["hpa.acth_half_life"] = np.broadcast_to(parameters["hpa.acth_half_life"], columns) / np.linspace(
        1, 5, columns
    )
    noise = Noise(3, tuple(f"person {i}" for i in range(columns))) if noisy else None
    given = whole, start, quick, drive
    run = integrate(*given, days=days, noise=noise)
    exact = integrate(*given, days=days, noise=noise, step_minutes=15 / 24, tolerance=None)
    stayed = run.lost_day < 0
    assert stayed.sum() >= (18 if noisy else 20)
    low, high = whole.bounds
    wrong = np.abs((run.end - exact.end) / (high - low)[:, None]).max(axis=0)
    assert (wrong[stayed] < 1e-4).all()
    assert (run.error[stayed] <= 1e-4).all()
    daily = (np.abs(run.mean - exact.mean)[7] / np.maximum(np.abs(exact.mean[7]), 1e-3))[:, stayed]
    assert daily.max() < 0.02
    assert np.abs(run.mean[7, :, 1] - run.mean[7, :, 19]).max() > 0.1, "the act did nothing"


def test_a_drive_of_another_length_is_refused(whole, people):
    start, parameters = people
    with pytest.raises(ValueError, match="does not fit 3 days"):
        integrate(whole, start, parameters, rest(20), days=3)
    with pytest.raises(InputError, match="tolerance of 0"):
        integrate(whole, start, parameters, rest(20), days=2, tolerance=0)


def test_one_table_chooses_the_engine():
    assert choose("auto", columns=100).name == "lanes"
    assert choose("auto", columns=100_000).name == "lanes32"
    assert choose("auto", columns=3, noise=True, step_minutes=30).name == "fixed"
    assert choose("adaptive", columns=2).name == "adaptive"
    for name, engine in ENGINES.items():
        assert engine.about and (engine.name == name)
    for asked, columns, noise, step, what in (
        ("quick", 1, False, 15, "no engine 'quick'"), ("adaptive", 65, False, 15, "64 people at most"),
        ("adaptive", 2, True, 15, "no noise"), ("lanes", 2, False, 20, "quarter hour"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=what):
            choose(asked, columns=columns, noise=noise, step_minutes=step)
